"""Distances, signs, rays, thickness and self-intersections against closed forms and slow twins."""

import math

import numpy as np
import pytest
import trimesh
from manifold3d import Manifold, OpType

from detailverse.spatial.bvh import Bvh
from detailverse.spatial.edges import edges
from detailverse.spatial.probes import self_intersections, spread, thickness
from tests.helpers import closed_forms
from tests.helpers.closed_forms import box, box_sdf, distance_to_all, mesh, torus, torus_sdf, winding
from zeroverse.core.topology import face_pieces, twins

NOISE = np.random.default_rng(5)


def cube_queries(count: int, extent: float = 1.3) -> np.ndarray:
    return NOISE.uniform(-extent, extent, (count, 3))


def near(points, faces, count: int, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    made, face = spread(points, faces, count)
    return made + sigma * NOISE.normal(size=made.shape), face


def drilled() -> tuple[np.ndarray, np.ndarray]:
    """A box with three crossing holes and a ball on a corner: slivers, concave and convex corners."""
    drill = Manifold.cylinder(3, 0.3, 0.3, 40, True)
    holes = drill + drill.rotate((90, 0, 0)) + drill.rotate((0, 90, 0))
    return mesh(Manifold.cube((1.6, 1.4, 1.2), True) - holes + Manifold.sphere(0.35, 24).translate((0.8, 0.7, 0.6)))


def two_cubes_at_a_corner() -> tuple[np.ndarray, np.ndarray]:
    points, faces = box(1, 1, 1)
    both = np.concatenate([points - 0.5, points + 0.5])
    places, number = np.unique(both, axis=0, return_inverse=True)
    return places, number.ravel()[np.concatenate([faces, faces + len(points)])]


def box_with_lines() -> tuple[np.ndarray, np.ndarray]:
    """A box some of whose edges have a vertex in the middle that only one side knows: triangles without area join the
    two.
    """
    points, faces = box(2, 2, 2)
    faces = faces.tolist()
    for start in (0, 5, 9):
        a, b, c = faces[start]
        middle = len(points)
        points = np.concatenate([points, [(points[a] + points[b]) / 2]])
        faces[start] = [a, middle, c]
        faces += [[middle, b, c], [a, b, middle]]
    return points, np.array(faces)


def test_box_distances_are_exact():
    points, faces = box(1.2, 0.8, 2.0)
    queries = cube_queries(20_000)
    bvh = Bvh(points.astype(np.float64), faces)
    exact = box_sdf(queries, *(2 * points.max(axis=0)))
    assert np.abs(bvh.sdf(queries) - exact).max() < 1e-14
    distance, face, closest = bvh.closest(queries)
    assert np.abs(distance - np.abs(exact)).max() < 1e-14
    assert np.abs(np.linalg.norm(queries - closest, axis=1) - distance).max() < 1e-14
    corner, normal = points[faces[face, 0]], bvh.normals[face]
    assert (
        np.abs(((closest - corner) * normal).sum(axis=1)).max() < 1e-14
    )  # the closest point lies on the face that is named


def test_sphere_and_torus_within_their_sagitta():
    ball = trimesh.creation.icosphere(5, 0.9)
    queries = cube_queries(20_000)
    middle = 0.9 * (1 - np.linalg.norm(ball.vertices[ball.faces].mean(axis=1), axis=1).min() / 0.9)
    error = Bvh(ball.vertices, ball.faces).sdf(queries) - (np.linalg.norm(queries, axis=1) - 0.9)
    assert error.min() > -1e-12 and error.max() < 1.01 * middle  # the mesh lies inside the sphere
    error = Bvh(*torus(0.6, 0.3, 256, 128)).sdf(queries) - torus_sdf(queries, 0.6, 0.3)
    assert np.abs(error).max() < 0.9 * (1 - math.cos(math.pi / 256)) + 0.3 * (1 - math.cos(math.pi / 128))


def test_csg_of_ball_and_box_in_closed_form():
    """Outside of a ball minus a box, max(ball, -box) bounds the distance from below and has the right sign
    everywhere.
    """
    round_part = Manifold.sphere(1.0, 256)
    solid = round_part - Manifold.cube((0.8, 0.8, 3), True)
    queries = cube_queries(20_000)
    ball, hole = np.linalg.norm(queries, axis=1) - 1, box_sdf(queries, *np.float32([0.8, 0.8, 3]).astype(np.float64))
    bound = np.maximum(ball, -hole)
    points, faces = mesh(round_part)
    sagitta = 1.01 * (1 - np.linalg.norm(points[faces].mean(axis=1), axis=1).min())
    sure = np.abs(ball) > sagitta
    sdf = Bvh(*mesh(solid)).sdf(queries)
    assert (np.sign(sdf) == np.sign(bound))[sure].all()
    assert (np.abs(sdf) > np.abs(bound) - sagitta).all()


@pytest.mark.parametrize("shape", [drilled, two_cubes_at_a_corner, box_with_lines, lambda: torus(0.7, 0.25, 24, 12)])
def test_signs_are_those_of_the_winding_number(shape):
    points, faces = shape()
    middle = points[faces].mean(axis=(0, 1))
    away = points + 0.02 * (points - middle)  # beyond and before sharp corners, where wrong pseudonormals fail
    queries = np.concatenate(
        [
            cube_queries(500),
            near(points, faces, 500, 0.01)[0],
            away,
            2 * points - away,
            points + 1e-3 * NOISE.normal(size=points.shape),
        ]
    )
    bvh = Bvh(points, faces)
    assert bvh.closed
    queries = queries[bvh.closest(queries)[0] > 1e-9]
    inside = winding(points, faces, queries) > 0.5
    assert 0.2 < inside.mean() < 0.8
    assert ((bvh.sdf(queries) < 0) == inside).all()


def test_distances_are_those_of_all_triangles():
    points, faces = drilled()
    queries = np.concatenate([cube_queries(300), near(points, faces, 300, 0.01)[0]])
    assert np.abs(Bvh(points, faces).closest(queries)[0] - distance_to_all(points, faces, queries)).max() < 1e-12


def test_hints_change_nothing_but_time():
    points, faces = drilled()
    queries, face = near(points, faces, 5000, 0.003)
    bvh = Bvh(points, faces)
    plain, hinted = bvh.sdf(queries), bvh.sdf(queries, face)
    assert np.abs(plain - hinted).max() < 1e-15 and np.array_equal(np.sign(plain), np.sign(hinted))
    assert np.abs(bvh.sdf(queries, np.where(np.arange(5000) % 2, face, -1)) - plain).max() < 1e-15


def test_a_soup_has_distances_but_no_signs():
    points, faces = NOISE.uniform(-1, 1, (300, 3)), np.arange(300).reshape(-1, 3)
    queries = cube_queries(300)
    bvh = Bvh(points, faces)
    assert np.abs(bvh.closest(queries)[0] - distance_to_all(points, faces, queries)).max() < 1e-12
    assert not bvh.closed
    with pytest.raises(ValueError, match="expected a closed mesh"):
        bvh.sdf(queries)


def test_bad_input_is_named():
    points, faces = box(1, 1, 1)
    with pytest.raises(ValueError, match="points: expected finite"):
        Bvh(points * np.nan, faces)
    with pytest.raises(ValueError, match=r"queries: expected \[N, 3\], got \[4\]"):
        Bvh(points, faces).sdf(np.zeros(4))
    with pytest.raises(ValueError, match="expected triangles with an area"):
        Bvh(np.zeros((3, 3)), np.array([[0, 1, 2]]))
    assert len(Bvh(points, faces).sdf(np.empty((0, 3)))) == 0


def test_rays_hit_what_a_ball_says():
    ball = trimesh.creation.icosphere(5)
    bvh = Bvh(ball.vertices, ball.faces)
    directions = NOISE.normal(size=(5000, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    outside = -3 * directions + 0.5 * np.cross(directions, [0, 0, 1])
    miss = np.linalg.norm(np.cross(outside, directions), axis=1)
    distance, face = bvh.rays(outside, directions)
    assert np.abs(distance - (3 - np.sqrt(1 - miss * miss))).max() < 3e-3
    assert (face >= 0).all()
    within, _ = bvh.rays(np.zeros_like(directions), directions)
    assert within.min() > 0.998 and within.max() <= 1
    gone, none = bvh.rays(outside, -directions)
    assert np.isinf(gone).all() and (none == -1).all()
    far_side, _ = bvh.rays(np.array([[-2.0, 0.01, 0.02]]), np.array([[1.0, 0, 0]]), start=2.0)
    assert far_side[0] == pytest.approx(3, abs=2e-3)


def test_no_ray_slips_through_an_edge_or_a_corner():
    points, faces = box(2, 2, 2)
    targets = np.concatenate([points, (points[faces] + points[np.roll(faces, 1, axis=1)]).reshape(-1, 3) / 2])
    origins = 0.3 * targets[:, ::-1]
    along = targets - origins
    length = np.linalg.norm(along, axis=1)
    assert np.abs(Bvh(points, faces).rays(origins, along / length[:, None])[0] - length).max() < 1e-12


def test_a_plate_is_as_thick_as_it_is():
    points, faces = box(2, 1, 0.125)
    measured = np.sort(thickness(points, faces, 4000))
    faces_share = 2 * 2 * 1 / (2 * 2 + 2 * 3 * 0.125)  # of the area in the two large faces
    assert np.abs(measured[: int(0.99 * faces_share * 4000)] - 0.125).max() < 1e-6
    assert measured[int(1.01 * faces_share * 4000) :].min() > 0.9


def all_crossings(points, faces) -> set[tuple[int, int]]:
    """The slow twin, in exact signs of volumes."""

    def volume(a, b, c, d):
        return np.linalg.det(np.stack([b - a, c - a, d - a]))

    def pierces(one, two):
        for k in range(3):
            p, q = one[k], one[(k + 1) % 3]
            if volume(*two, p) * volume(*two, q) < 0:
                turns = [volume(p, q, two[j], two[(j + 1) % 3]) for j in range(3)]
                if min(turns) > 0 or max(turns) < 0:
                    return True
        return False

    triangles = points[faces]
    return {
        (i, j)
        for i in range(len(faces))
        for j in range(i + 1, len(faces))
        if not set(faces[i]) & set(faces[j])
        and (pierces(triangles[i], triangles[j]) or pierces(triangles[j], triangles[i]))
    }


def test_crossing_boxes_are_counted():
    first, faces = box(2, 0.5, 0.4)
    second, _ = box(0.3, 0.2, 2)
    points = np.concatenate([first, second + [0.123, 0.04, 0.01]])
    both = np.concatenate([faces, faces + len(first)])
    found = self_intersections(points, both)
    assert {tuple(pair) for pair in found} == all_crossings(points, both) and len(found) > 8
    assert len(self_intersections(*mesh(Manifold.cube((2, 0.5, 0.4), True) + Manifold.cube((0.3, 0.2, 2), True)))) == 0
    apart = np.concatenate([first, second + [3, 0, 0]])
    assert len(self_intersections(apart, both)) == 0


def test_touching_is_not_crossing():
    points, faces = box(1, 1, 1)
    stacked = np.concatenate([points, 0.5 * points + [0, 0, 0.75]])
    assert len(self_intersections(stacked, np.concatenate([faces, faces + len(points)]))) == 0
    assert len(self_intersections(*drilled())) == 0


def test_edges_of_a_box():
    points, faces = box(1, 2, 3)
    found = edges(points, faces)
    assert len(found.ends) == 18  # 12 + 6 diagonals
    sharp = found.angle > 1
    assert np.abs(found.angle[sharp] - math.pi / 2).max() < 1e-15 and found.angle[~sharp].max() == 0
    assert found.lengths(points)[sharp].sum() == pytest.approx(4 * (1 + 2 + 3), rel=1e-7)


def test_closed_means_that_every_directed_edge_has_one_opposite():
    points, faces = box(1, 1, 1)
    assert twins(faces)[1]
    assert not twins(faces[1:])[1]
    assert not twins(np.concatenate([faces, faces]))[1]  # every directed edge twice
    assert not twins(np.concatenate([faces[:1, ::-1], faces[1:]]))[1]
    mates, _ = twins(faces)
    half = np.arange(36)
    assert np.array_equal(mates.ravel()[mates.ravel()], half)
    assert np.array_equal(face_pieces(np.concatenate([faces, faces + 8])), np.repeat([0, 1], 12))


def test_samples_are_even_over_the_area():
    points, faces = closed_forms.box(2, 1, 1)
    made, face = spread(points, faces, 10_000)
    assert np.abs(box_sdf(made, 2, 1, 1)).max() < 1e-12
    area = np.linalg.norm(np.cross(*(points[faces[:, k]] - points[faces[:, 0]] for k in (1, 2))), axis=1) / 2
    assert np.abs(np.bincount(face, minlength=12) - 10_000 * area / area.sum()).max() <= 1
    third = made[face == 0] - points[faces[0]].mean(axis=0)
    assert np.linalg.norm(third.mean(axis=0)) < 0.02


def random_solid(rng: np.random.Generator) -> Manifold:
    """Two to nine balls, boxes, cones and tetrahedra, added or taken away, many of them aligned: float32 slivers and
    touching faces.
    """

    def primitive() -> Manifold:
        kinds = (
            lambda: Manifold.cube(tuple(rng.uniform(0.2, 1, 3)), True),
            lambda: Manifold.cylinder(
                rng.uniform(0.2, 1.5), *rng.uniform(0.05, 0.5, 2), int(rng.integers(3, 40)), True
            ),
            lambda: Manifold.sphere(rng.uniform(0.2, 0.6), int(rng.integers(4, 24))),
            lambda: Manifold.tetrahedron().scale(tuple(rng.uniform(0.2, 0.7, 3))),
        )
        made = kinds[rng.integers(4)]()
        if rng.random() < 0.6:
            made = made.rotate(tuple(rng.choice([0, 45, 90, 30, rng.uniform(0, 360)], 3)))
        return made.translate(tuple(np.round(rng.uniform(-0.5, 0.5, 3), int(rng.integers(1, 5)))))

    solid = primitive()
    for _ in range(rng.integers(1, 9)):
        solid = solid + primitive() if rng.random() < 0.55 else solid - primitive()
    return solid if not solid.is_empty() else random_solid(rng)


def inside_by_boolean(solid: Manifold, queries: np.ndarray, size: float) -> np.ndarray:
    """[Q] by an independent library: what is left of small tetrahedra at the queries, at least `size` from the surface,
    when cut with the solid.
    """
    markers = Manifold.batch_boolean(
        [Manifold.tetrahedron().scale((size / 2,) * 3).translate(tuple(query)) for query in queries], OpType.Add
    )
    left = np.asarray((markers ^ solid).to_mesh().vert_properties[:, :3]).reshape(-1, 3)
    return np.array([len(left) > 0 and np.linalg.norm(left - query, axis=1).min() < size for query in queries])


@pytest.mark.parametrize("count", [30, pytest.param(1000, marks=pytest.mark.slow)])
def test_signs_of_random_solids_against_booleans(count):
    rng = np.random.default_rng(count)
    inside = total = 0
    for _ in range(count):
        solid = random_solid(rng)
        points, faces = mesh(solid)
        points, number = np.unique(points, axis=0, return_inverse=True)
        faces = number.ravel()[faces]
        bvh = Bvh(points, faces[(faces != np.roll(faces, 1, axis=1)).all(axis=1)])
        corners = points[rng.integers(len(points), size=40)]
        queries = np.concatenate([rng.uniform(-0.8, 0.8, (40, 3)), corners + 0.02 * rng.normal(size=corners.shape)])
        sdf = bvh.sdf(queries)
        sure = np.abs(sdf) > 2e-3
        expected = inside_by_boolean(solid, queries[sure], 2e-3)
        assert ((sdf[sure] < 0) == expected).all()
        inside, total = inside + expected.sum(), total + sure.sum()
    assert 0.1 < inside / total < 0.7 and total > 50 * count
