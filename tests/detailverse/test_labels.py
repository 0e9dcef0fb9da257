"""Creases, parts, symmetry and complexity of objects whose answers are known."""

import json
import math

import numpy as np
import pytest
import trimesh
from manifold3d import Manifold

from detailverse.labels import KINDS, complexity, creases, normal_variance, part_tree, parts, symmetry
from detailverse.modelling.solid import native, union
from detailverse.modelling.surface import Leaf
from detailverse.spatial.bvh import Bvh
from tests.helpers.closed_forms import box, mesh, surface, torus


def block(label: str, x: float, y: float, z: float):
    return native(Manifold.cube((x, y, z), True), Leaf(label, "metal"))


def drill(radius: float, sides: int = 48):
    return native(Manifold.cylinder(5, radius, radius, sides, True), Leaf("hole", "metal"))


def length_of(found, kind: str) -> float:
    return found.length[found.kind == KINDS.index(kind)].sum()


def test_creases_of_a_drilled_box():
    """Its own edges are design; the rims of the hole are cut; the facets of the wall, 7.5° apart, are no creases."""
    found = creases((block("body", 1, 1.5, 0.5) - drill(0.3)).surface())
    assert length_of(found, "design") == pytest.approx(4 * (1 + 1.5 + 0.5), rel=1e-6)
    assert length_of(found, "cut") == pytest.approx(2 * 48 * 2 * 0.3 * math.sin(math.pi / 48), rel=1e-6)
    assert length_of(found, "join") == 0
    assert np.abs(found.angle - math.pi / 2).max() < 1e-6


def test_creases_where_parts_join():
    found = creases((block("body", 1, 1, 1) | block("rod", 0.3, 0.2, 2)).surface())
    assert length_of(found, "join") == pytest.approx(2 * 2 * (0.3 + 0.2), rel=1e-6)
    assert length_of(found, "design") == pytest.approx(12 + 4 * 2 * 0.5 + 2 * 2 * (0.3 + 0.2), rel=1e-6)
    assert length_of(found, "cut") == 0


def test_the_angle_decides():
    bar = surface(*mesh(Manifold.cylinder(1, 0.5, 0.5, 20)))
    assert len(creases(bar, 19).ends) == 40
    assert len(creases(bar, 17).ends) == 60  # and the 20 edges of 18° along it


def test_parts_count_what_they_are_made_of():
    pieces = (
        block("body", 1, 1, 1),
        block("lid.plate", 1, 1, 0.1).move(z=2),
        block("lid.knob#1", 0.2, 0.2, 0.2).move(z=2.1),
        block("far", 1, 1, 1).move(x=5),
    )
    made = union(pieces).surface()
    names, part = parts(made)
    assert set(names) == {"body", "lid.plate", "lid.knob#1", "far"} and part.min() == 0 and part.max() == 3
    tree = part_tree(made)
    json.dumps(tree)
    assert set(tree["parts"]) == {"body", "lid", "far"} and set(tree["parts"]["lid"]["parts"]) == {"plate", "knob#1"}
    body, lid = tree["parts"]["body"], tree["parts"]["lid"]
    assert body["volume"] == pytest.approx(1) and body["area"] == pytest.approx(6) and body["triangles"] == 12
    assert lid["volume"] == pytest.approx(0.1 + 0.04 * 0.15, rel=1e-6)  # the knob reaches 0.05 into the plate
    assert lid["parts"]["plate"]["volume"] is None
    np.testing.assert_allclose(lid["box"], [[-0.5, -0.5, 1.95], [0.5, 0.5, 2.2]], atol=1e-6)
    assert tree["adjacent"] == [["lid.knob#1", "lid.plate"]]
    assert sum(part["triangles"] for part in tree["parts"].values()) == len(made.faces)


def prism(sides: int, height: float = 1.0):
    return surface(*mesh(Manifold.cylinder(height, 1, 1, sides, True)))


@pytest.mark.parametrize(
    "shape, order, planes",
    [
        (surface(*box(2, 1, 0.5)), 2, 3),
        (surface(*box(1, 1, 2)), 4, 5),
        (prism(6), 6, 7),
        (prism(5), 5, 6),
        (prism(256), 0, 13),  # every plane that is tested
        (
            surface(*mesh(Manifold.cube((2, 1, 0.5), True) + Manifold.cube((0.5, 0.5, 1)).translate((0.5, -0.5, 0)))),
            1,
            0,
        ),
        (
            surface(*mesh(Manifold.cube((1, 1, 1), True).scale((2, 2, 1)).rotate((0, 0, 17)))),
            4,
            1,
        ),  # its planes are where none is tested
    ],
    ids=["brick", "square", "hexagon", "pentagon", "round", "none", "turned"],
)
def test_symmetry(shape, order, planes):
    found = symmetry(shape)
    json.dumps(found)
    assert found["order"] == order and len(found["planes"]) == planes
    assert all(math.isclose(sum(x * x for x in normal), 1, abs_tol=1e-5) for normal in found["planes"])


def test_complexity_of_a_box_and_a_torus():
    cube = complexity(surface(*box(1, 1, 1)))
    json.dumps(cube)
    assert cube["area"] == pytest.approx(6) and cube["volume"] == pytest.approx(1) and cube["triangles"] == 12
    assert (cube["components"], cube["euler"], cube["genus"], cube["sharp_edges"]) == (1, 2, 0, 12)
    assert cube["crease_density"] == pytest.approx(12 / math.sqrt(6))
    assert cube["crease_kinds"] == {"design": pytest.approx(12), "join": 0, "cut": 0}
    points, faces = torus(0.7, 0.25, 64, 32)
    pair = surface(np.concatenate([points, points + 5]), np.concatenate([faces, faces + len(points)]))
    ring = complexity(pair)
    assert (ring["components"], ring["euler"], ring["genus"], ring["crease_length"]) == (2, 0, 2, 0)


def test_thin_share():
    plate = surface(*box(2, 2, 0.05))
    assert complexity(plate, Bvh(plate.points, plate.faces))["thin"] == pytest.approx(0.05, rel=1e-5)
    assert "thin" not in complexity(plate)


def test_normal_variance_tells_fine_from_coarse():
    ball = trimesh.creation.icosphere(5)
    small, middle, large = normal_variance(ball.vertices, ball.faces)
    assert 0 < small < middle < large < 0.01  # a cap of the width of a cell is nearly flat
    rng = np.random.default_rng(0)
    rough = ball.vertices * (1 + 0.02 * rng.normal(size=(len(ball.vertices), 1)))
    assert all(value > 0.05 for value in normal_variance(rough, ball.faces))
