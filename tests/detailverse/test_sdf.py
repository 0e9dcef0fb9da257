"""Signed distances against closed forms, their bounds, and the surfaces made of them against the strongest predicates
there are.
"""

# ruff: noqa: I001 - one name a line would take a page
import math

import numpy as np
import pytest
from manifold3d import Error, Manifold, Mesh

from detailverse.meshing import bricks as sparse
from detailverse.meshing.dual_contouring import polygonise
from detailverse.sdf import (
    bezier,
    box,
    capsule,
    cells,
    chain,
    cone,
    cylinder,
    diamond,
    ellipsoid,
    extrude,
    gyroid,
    half_space,
    noise,
    prism,
    revolve,
    round_cone,
    schwarz,
    skeleton,
    smooth_difference,
    smooth_intersection,
    smooth_union,
    sphere,
    sponge,
    superquadric,
    torus,
    union,
    wedge,
)
from zeroverse.core.portable import TAU
from zeroverse.core.rng import Rng
from zeroverse.core.topology import closed, volume

BLOB = chain([(-0.3, 0.1, -0.4), (0.2, 0, 0), (0, 0.3, 0.5)], [0.2, 0.12, 0.18])
STAR = [[(r * math.cos(a), r * math.sin(a)) for r, a in ((0.7 if i % 2 else 0.35, TAU * i / 10) for i in range(10))]]

EXAMPLES = {
    "sphere": sphere(0.6),
    "ellipsoid": ellipsoid(0.8, 0.5, 0.2),
    "box": box(1.0, 0.8, 0.6),
    "rounded box": box(1, 0.8, 0.6, round=0.15),
    "cylinder": cylinder(0.4, 1.2),
    "rounded cylinder": cylinder(0.4, 1.2, round=0.1),
    "cone": cone(0.6, 0.1, 1.0),
    "torus": torus(0.6, 0.2),
    "round_cone": round_cone((-0.4, 0, 0.1), (0.5, 0.2, 0), 0.3, 0.1),
    "capsule": capsule((0, 0, -0.5), (0.3, 0, 0.5), 0.2),
    "chain": BLOB,
    "bezier": bezier([(-0.7, 0, 0), (0, 0, 1), (0.7, 0.5, -0.6)], [0.15, 0.05, 0.1]),
    "prism": prism(6, 0.6, 0.8),
    "wedge": wedge(1.0, 0.6, 0.8),
    "extrude": extrude(STAR, 0.5),
    "revolve": revolve([(0, -0.6), (0.5, -0.6), (0.2, 0), (0.6, 0.5), (0, 0.5)]),
    "skeleton": skeleton(
        [(0, 0, -0.7), (0, 0, 0), (0.5, 0, 0.5), (-0.4, 0.3, 0.6)],
        [0.15, 0.1, 0.05, 0.05],
        [(0, 1), (1, 2), (1, 3)],
        smooth=0.05,
    ),
    "superquadric": superquadric(0.7, 0.6, 0.5, 4.0, 1.5),
    "sponge": sponge(1.2, 2),
    "gyroid": gyroid(0.8, 0.1) & sphere(0.8),
    "schwarz": schwarz(0.8, 0.1) & sphere(0.8),
    "diamond": diamond(0.9) & box(1.2),
    "half_space": sphere(0.7) & half_space((1, 1, 0.5), 0.2),
    "union": sphere(0.5) | box(0.8),
    "difference": box(1) - sphere(0.6) - cylinder(0.2, 2),
    "intersection": box(1) & sphere(0.65) & half_space("z", 0.3),
    "smooth union": union(sphere(0.4), sphere(0.3).move(0.5), sphere(0.3).move(0.2, 0.5), smooth=0.2),
    "smooth difference": smooth_difference(box(1), sphere(0.4).move(0.5, 0.5, 0.5), 0.15),
    "smooth intersection": smooth_intersection(box(1), sphere(0.6), 0.15),
    "offset": box(0.8, 0.6, 0.4).offset(0.1),
    "round": wedge(0.8, 0.5, 0.6).round(0.08),
    "shell": box(1).shell(0.1) - half_space("z", 0.3).flip(),
    "turn": box(1, 0.5, 0.3).turn((1, 2, 0.5), 0.7).move(0.1, 0.2, -0.1),
    "mirror": BLOB.mirror("x"),
    "symmetric": round_cone((0.1, 0.2, 0), (0.5, 0.4, 0.2), 0.3, 0.1).symmetric("xy"),
    "scale": BLOB.scale(1.3),
    "elongate": torus(0.4, 0.15).elongate(0.5, 0.2, 0.3),
    "twist": box(0.6, 0.4, 1.4).twist(0.4),
    "taper": box(0.8, 0.8, 1.2).taper(1.2, 0.4),
    "bend": box(0.3, 0.4, 1.8).bend(2.0),
    "wobble": box(0.9).wobble(0.05, 2.0, 7),
    "repeat": sphere(0.12).repeat((0.4, 0.5, 0.4), (3, 2, 3)),
    "around": box(0.5, 0.15, 0.4).move(0.5).around(7),
    "noise": sphere(0.6).displace(noise(3, 1, octaves=3), 0.05),
    "ridges": sphere(0.6).displace(noise(2, 5, octaves=2, creased=True), 0.08),
    "cells": sphere(0.6).displace(cells(4, 3), 0.06),
    "walls": sphere(0.6).displace(cells(4, 3, walls=True), -0.05),
    "paint": sphere(0.5).paint(1) | box(0.7).paint(2),
}


@pytest.fixture(params=EXAMPLES, ids=lambda name: name.replace(" ", "_"))
def example(request):
    return EXAMPLES[request.param]


def scatter(name, count, size=1.0):
    return Rng("test_sdf", name).uniform(-size, size, (count, 3))


def assert_solid(points, faces):
    assert closed(faces)
    assert volume(points, faces) > 0
    assert Manifold(Mesh(points.astype(np.float32), faces.astype(np.uint32))).status() == Error.NoError


@pytest.mark.parametrize(
    "value, exact",
    [
        (sphere(0.5), lambda x, y, z: np.sqrt(x * x + y * y + z * z) - 0.5),
        (torus(0.6, 0.2), lambda x, y, z: np.sqrt((np.sqrt(x * x + y * y) - 0.6) ** 2 + z * z) - 0.2),
        (half_space("z", 0.3), lambda x, y, z: z - 0.3),
        (
            capsule((0, 0, -0.4), (0, 0, 0.4), 0.2),
            lambda x, y, z: np.sqrt(x * x + y * y + np.maximum(np.abs(z) - 0.4, 0) ** 2) - 0.2,
        ),
        (box(1) & half_space("x"), lambda x, y, z: np.maximum(box(1).value(np.stack([x, y, z], 1)), x)),
        (sphere(0.6) - sphere(0.4), lambda x, y, z: np.abs(np.sqrt(x * x + y * y + z * z) - 0.5) - 0.1),
        (sphere(0.6).shell(0.2), lambda x, y, z: np.abs(np.sqrt(x * x + y * y + z * z) - 0.5) - 0.1),
        (ellipsoid(0.5, 0.5, 0.5).move(0.1), lambda x, y, z: np.sqrt((x - 0.1) ** 2 + y * y + z * z) - 0.5),
        (
            cylinder(0.5, 0.6) | sphere(0.1),
            lambda x, y, z: np.minimum(
                revolve([(0, -0.3), (0.5, -0.3), (0.5, 0.3), (0, 0.3)]).value(np.stack([x, y, z], 1)),
                np.sqrt(x * x + y * y + z * z) - 0.1,
            ),
        ),
        (
            box(0.8, 0.6, 0.4),
            lambda x, y, z: extrude([[(-0.4, -0.3), (0.4, -0.3), (0.4, 0.3), (-0.4, 0.3)]], 0.4).value(
                np.stack([x, y, z], 1)
            ),
        ),
        (
            cone(0.6, 0.2, 1.0),
            lambda x, y, z: revolve([(0, -0.5), (0.6, -0.5), (0.2, 0.5), (0, 0.5)]).value(np.stack([x, y, z], 1)),
        ),
    ],
)
def test_distances_are_the_closed_forms(value, exact):
    points = scatter("closed", 2000)
    np.testing.assert_allclose(value.value(points), exact(*points.T), atol=1e-9)


@pytest.mark.parametrize(
    "name",
    [
        "sphere",
        "ellipsoid",
        "rounded box",
        "rounded cylinder",
        "cone",
        "torus",
        "round_cone",
        "bezier",
        "prism",
        "extrude",
        "revolve",
    ],
)
def test_distances_of_solids_are_exact(name):
    """Stepping back by the distance along the gradient ends on the surface, and no point of it is nearer: tested
    against a dense cloud.
    """
    value = EXAMPLES[name]
    points = scatter(name, 300)
    distance = value.value(points)
    cloud, faces, _ = polygonise(value, 0.02)
    nearest = np.sqrt(((points[:, None] - cloud[None]) ** 2).sum(axis=2).min(axis=1))
    outside = distance > 0.02
    assert outside.any()
    assert (nearest >= np.abs(distance) - 0.01)[outside].all()
    assert (nearest <= np.abs(distance) + 0.02)[outside].all()


def test_slopes_stay_below_the_bound(example):
    """Between near points and far ones, in a volume four times as wide as the objects."""
    a = np.concatenate([scatter("slope", 3000, 0.9), scatter("far", 1500, 3.0)])
    step = scatter("step", len(a))
    b = a + step * np.repeat([1e-4, 0.05, 1.0], len(a) // 3)[:, None]
    if (
        example is EXAMPLES["bend"]
    ):  # no distance about its centre of curvature, nor across the plane half-way round from it
        near = (a[:, 0] < 0.5) & (b[:, 0] < 0.5)
        a, b = a[near], b[near]
    rise = np.abs(example.value(a) - example.value(b)) / np.sqrt(((a - b) ** 2).sum(axis=1))
    assert rise.max() <= example.lipschitz * (1 + 1e-6)


def test_bounds_hold_the_inside(example):
    points = scatter("bounds", 20000, 1.4)
    low, high = np.array(example.bounds[:3]), np.array(example.bounds[3:])
    inside = points[example.value(points) < 0]
    assert len(inside) > 20
    assert (inside >= low).all() and (inside <= high).all()
    assert (high - low).max() < 2.7, "bounds that hold far too much cost time"


def test_every_surface_is_a_closed_solid_on_the_level_zero(example):
    points, faces, leaf = polygonise(example, 0.04)
    assert_solid(points, faces)
    assert len(leaf) == len(faces)
    assert np.median(np.abs(example.value(points))) < 0.004
    assert np.abs(example.value(points)).max() < 0.04 * 1.8 * example.lipschitz


def test_sparse_bricks_find_the_same_signs_as_a_dense_lattice(example):
    """The mesh encloses exactly the lattice corners that are inside: the volume of cells that the surface does not
    cross is the same.
    """
    spacing = 0.05
    low, cells_ = sparse.lattice(example.bounds, spacing)
    bricks, masks = sparse.near_surface(example, low, cells_, spacing)
    bricks, masks, values, _ = sparse.closed_over(example.tape, bricks, masks, low, cells_, spacing)
    corners = sparse.corner_points(bricks, low, spacing)
    np.testing.assert_array_equal(values.ravel() < 0, example.value(corners) < 0)
    size = cells_ * sparse.SIDE * sparse.COARSE
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in size], indexing="ij"), axis=-1).reshape(-1, 3)
    inside = (example.value(low + spacing * grid) < 0).reshape(size)
    crossing = sum(int(np.diff(inside.astype(np.int8), axis=axis).astype(bool).sum()) for axis in range(3))
    assert crossing == len(sparse.crossing_edges(values, bricks)[0])


@pytest.mark.parametrize(
    "value, exact",
    [
        (sphere(0.6), 4 / 3 * math.pi * 0.6**3),
        (box(1.0, 0.8, 0.6), 0.48),
        (torus(0.6, 0.2), 2 * math.pi**2 * 0.6 * 0.04),
        (cylinder(0.4, 1.2), math.pi * 0.16 * 1.2),
        (box(1.0) - box(0.5, 0.5, 2), 0.75),
        (wedge(1.0, 0.6, 0.8), 0.24),
        (ellipsoid(0.8, 0.5, 0.2), 4 / 3 * math.pi * 0.08),
        (sponge(0.9, 1), 0.9**3 * 20 / 27),
        (cone(0.6, 0.0, 0.9), math.pi * 0.36 * 0.3),
        (box(1.0).taper(1.0, 0.5), 7 / 12),
        (box(0.6, 0.4, 1.4).twist(0.3), 0.336),
        (box(0.3, 0.4, 1.8).bend(2.0), 0.216),
    ],
)
def test_volumes_are_the_closed_forms(value, exact):
    points, faces, _ = polygonise(value, 0.02)
    assert volume(points, faces) == pytest.approx(exact, rel=4e-3)


def random_tree(rng):
    solids = (
        lambda s: sphere(s),
        lambda s: box(2 * s, 1.4 * s, s),
        lambda s: cylinder(0.5 * s, 2 * s),
        lambda s: torus(s, 0.3 * s),
        lambda s: cone(s, 0.2 * s, 2 * s),
    )
    value = None
    for i in range(12):
        draw = rng.child(i)
        part = draw.choice(solids)(draw.uniform(0.1, 0.4)).turn(draw.quat()).move(*draw.uniform(-0.5, 0.5, 3).tolist())
        join = draw.choice(
            (
                lambda a, b: a | b,
                lambda a, b: a - b,
                lambda a, b: smooth_union(a, b, 0.08),
                lambda a, b: smooth_difference(a, b, 0.05),
            )
        )
        value = part if value is None else join(value, part)
    return (value | box(0.3)).displace(gyroid(0.3), 0.2) if rng.child("rough").chance(0.3) else value | box(0.3)


@pytest.mark.parametrize("first", range(0, 100, 20))
def test_random_trees_give_closed_solids(first):
    for index in range(first, first + 20):
        points, faces, _ = polygonise(random_tree(Rng("test_sdf", "tree", index)), 2 / 48)
        assert_solid(points, faces)


def test_checkerboard_noise_stays_manifold():
    """A field rougher than the lattice: every ambiguous configuration occurs."""
    points, faces, _ = polygonise(box(1.0).displace(noise(25.0, 3), 0.3), 0.04, bounds=(-1, -1, -1, 1, 1, 1))
    assert len(faces) > 8000, "rough it is, whatever specks go and slivers merge"
    assert_solid(points, faces)


def test_smooth_union_has_no_order_and_is_the_polynomial_of_two():
    a, b, c = sphere(0.4), box(0.6).move(0.4), torus(0.5, 0.1).move(0, 0.2)
    points = scatter("smooth", 5000)
    np.testing.assert_allclose(
        union(a, b, c, smooth=0.2).value(points), union(c, a, b, smooth=0.2).value(points), atol=1e-14
    )
    fa, fb = a.value(points), b.value(points)
    h = np.maximum(0.2 - np.abs(fa - fb), 0)
    np.testing.assert_allclose(smooth_union(a, b, 0.2).value(points), np.minimum(fa, fb) - h * h / 0.8, atol=1e-14)
    many = union(*[sphere(0.4)] * 50, smooth=0.2).value(points)
    assert (many >= sphere(0.4).value(points) - 0.1).all(), "copies swell by half the radius at most"


def test_set_algebra():
    a, b = sphere(0.5), box(0.8).move(0.2)
    points = scatter("algebra", 5000)
    fa, fb = a.value(points), b.value(points)
    for value, exact in (
        (a | b, np.minimum(fa, fb)),
        (a & b, np.maximum(fa, fb)),
        (a - b, np.maximum(fa, -fb)),
        (a - b - b.move(0.1) | a, fa),
    ):
        np.testing.assert_array_equal(value.value(points), exact)
    assert len((a | b | a | b).children) == 4, "chains become one flat union"


def test_leaves_follow_the_parts():
    value = (box(1).paint(1) - sphere(0.6).paint(9)) | sphere(0.2).move(0, 0, 1).paint(2)
    points, faces, leaf = polygonise(value, 0.04)
    middle = points[faces].mean(axis=1)
    assert set(leaf.tolist()) == {1, 2}, "a cut keeps the leaf of what it cuts"
    np.testing.assert_array_equal(leaf == 2, middle[:, 2] > 0.7)
    np.testing.assert_array_equal(value.leaf(middle), leaf)


def test_gradients_are_unit_normals():
    points = scatter("gradient", 500)
    np.testing.assert_allclose(
        sphere(0.5).gradient(points), points / np.sqrt((points**2).sum(axis=1, keepdims=True)), atol=1e-8
    )


def test_a_mask_changes_no_bit_near_the_surface():
    value = (
        skeleton(scatter("bones", 60), np.full(60, 0.05), [(i, i + 1) for i in range(59)], smooth=0.1)
        .shell(0.02)
        .displace(noise(4, 1), 0.01)
    )
    centres = scatter("centres", 200)
    _, masks = value.tape.probe(centres, 0.1, 0.05)
    assert masks.mean() < 0.5
    points = (centres[:, None] + 0.057 * scatter("offsets", 50)).reshape(-1, 3)
    masked, exact = value.tape.run(points, np.arange(201) * 50, masks), value.value(points)
    near = np.abs(exact) < 0.05
    assert near.any()
    np.testing.assert_array_equal(masked[near], exact[near])
    np.testing.assert_array_equal(masked < 0, exact < 0)


def test_flat_parts_of_a_blend_are_smooth():
    """Dihedral angles on a smooth union shrink with the spacing: no steps from the lattice."""
    points, faces, _ = polygonise(EXAMPLES["smooth union"], 0.02)
    a, b, c = (points[faces[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    area = np.sqrt((normal**2).sum(axis=1))
    exact = EXAMPLES["smooth union"].gradient((a + b + c) / 3)
    exact /= np.sqrt((exact**2).sum(axis=1, keepdims=True))
    cosine = (normal * exact).sum(axis=1) / np.maximum(area, 1e-15)
    assert np.average(np.degrees(np.arccos(np.clip(cosine, -1, 1))), weights=area) < 2.0


def test_errors_say_what_was_expected():
    with pytest.raises(ValueError, match="found none"):
        polygonise(sphere(0.1) - sphere(0.2), 0.05)
    with pytest.raises(ValueError, match="finite bounds"):
        polygonise(gyroid(0.3, 0.05), 0.05)
    with pytest.raises(ValueError, match="leaves its bounds"):
        polygonise(sphere(1.0), 0.05, bounds=(-0.5, -0.5, -0.5, 0.5, 0.5, 0.5))
    with pytest.raises(ValueError, match="spacing"):
        polygonise(sphere(1.0), 1e-5)
    with pytest.raises(ValueError, match="corners near the surface"):
        polygonise(sphere(1.0), 1e-3)
    with pytest.raises(ValueError, match="twist"):
        gyroid(0.5).twist(1)
    with pytest.raises(ValueError, match="bend"):
        box(0.5, 0.5, 1).bend(6)
    with pytest.raises(ValueError, match=r"\[N, 3\]"):
        sphere(1).value(np.zeros(3))


def test_cells_reach_as_far_as_they_say():
    points = scatter("cells", 20000, 5.0)
    for field in (
        cells(2, 1),
        cells(2, 1, walls=True),
        noise(2, 3, octaves=5),
        noise(2, 3, octaves=3, creased=True),
        gyroid(0.7),
    ):
        assert np.abs(field.value(points)).max() <= field.reach
