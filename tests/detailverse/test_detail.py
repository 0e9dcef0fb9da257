"""Measures of detail and diversity on inputs whose values are known."""

import numpy as np
import pytest
import trimesh
from manifold3d import Manifold

from detailverse.labels import detail
from detailverse.labels.descriptors import surface_descriptor
from detailverse.labels.detail import (
    CELLS,
    EXTENT,
    SHELL,
    band,
    coverage,
    median_distance,
    normal_gradient_energy,
    remesh,
    sharp_edges_256,
    vendi,
)
from detailverse.spatial.bvh import Bvh
from detailverse.spatial.edges import edges, twins
from tests.helpers.closed_forms import box, mesh, torus


def test_the_remesh_of_a_box_is_the_box_and_its_shell():
    points, faces = remesh(*box(2, 1, 1))
    made = trimesh.Trimesh(points, faces, process=False)
    assert made.is_watertight and made.is_winding_consistent and made.volume > 0 and made.euler_number == 2
    np.testing.assert_allclose(made.bounds[1], np.array([1, 0.5, 0.5]) + SHELL, atol=1e-6)
    rounded = (
        2 + 10 * SHELL + 16 * np.pi / 4 * SHELL**2 + 4 / 3 * np.pi * SHELL**3
    )  # Steiner: volume, area, length of the edges, corners
    assert made.volume == pytest.approx(rounded, rel=5e-4)  # chords of the rounded edges
    distance = Bvh(*box(2, 1, 1)).closest(points)[0]
    assert (
        np.abs(distance - SHELL).max() < 0.4 * 2 * EXTENT / CELLS
    )  # vertices cut the rounded edges, by less than half a cell
    assert twins(faces)[1]


def test_sharp_edges_are_where_the_box_has_some():
    points, faces = remesh(*box(2, 1, 1))
    found = edges(points, faces)
    sharp = found.angle > np.radians(15)
    middle = np.abs(points[found.ends[sharp]].mean(axis=1))
    assert ((np.abs(middle - [1, 0.5, 0.5]) < 0.02).sum(axis=1) >= 2).all()
    cells = 16 / (2 * EXTENT / CELLS)
    assert sharp.sum() == pytest.approx(3 * cells, rel=0.03)  # three rows of edges along each rounded edge


def test_counts_of_smooth_open_and_hollow_things():
    ball = trimesh.creation.icosphere(5)
    assert sharp_edges_256(ball.vertices, ball.faces) == 0
    sheet = np.array([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    points, faces = remesh(sheet, np.array([[0, 1, 2], [0, 2, 3]]))
    made = trimesh.Trimesh(points, faces, process=False)
    assert made.is_watertight and made.volume == pytest.approx(4 * 2 * SHELL, rel=0.02)
    hollow = mesh(Manifold.cube((2, 0.6, 0.6), True) - Manifold.cube((1, 0.3, 0.3), True))
    assert sharp_edges_256(*hollow) == sharp_edges_256(*box(2, 0.6, 0.6))


def test_the_band_is_exact_where_the_surface_is():
    bvh = Bvh(*torus(0.7, 0.3, 24, 12))
    values = band(bvh, 32, 1.05, 0.06)
    grid = np.stack(np.meshgrid(*[np.linspace(-1.05, 1.05, 33)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    exact = bvh.closest(grid)[0].reshape(values.shape)
    assert np.array_equal(values > 0.06, exact > 0.06)
    needed = np.zeros(values.shape, dtype=bool)
    for axis in range(3):
        crossed = np.diff(exact > 0.06, axis=axis)
        none = np.zeros_like(np.take(crossed, [0], axis))
        needed |= np.concatenate([crossed, none], axis) | np.concatenate([none, crossed], axis)
    assert needed.sum() > 500 and np.abs(values - exact)[needed].max() < 1e-6


def test_only_what_the_corner_reaches_is_outside():
    values = np.ones((9, 9, 9), dtype=np.float32)
    values[2:7, 2:7, 2:7] = -1
    values[4, 4, 4] = 1
    detail._keep_outside(values)
    assert values[4, 4, 4] == -1 and (values > 0).sum() == 9**3 - 5**3


def test_normal_gradient_energy():
    flat = np.zeros((2, 32, 32, 3))
    flat[..., 2] = 1
    alpha = np.ones((2, 32, 32))
    assert normal_gradient_energy(flat, alpha) == {"mean_deg": 0, "share_15": 0}
    bent = flat.copy()
    bent[:, :, 16:] = [0, np.sin(np.radians(30)), np.cos(np.radians(30))]
    found = normal_gradient_energy(bent, alpha)
    pairs = 2 * 30 * 29  # the border has no outer neighbours
    assert found["share_15"] == pytest.approx(30 / pairs) and found["mean_deg"] == pytest.approx(30 * 30 / pairs)
    alpha[:, :, 13:19] = 0  # a silhouette there
    assert normal_gradient_energy(bent, alpha)["mean_deg"] == 0
    assert normal_gradient_energy(bent, 0 * alpha) == {"mean_deg": 0, "share_15": 0}


def test_descriptors_know_shapes_whatever_their_pose():
    points, faces = torus(0.7, 0.25, 64, 32)
    turn = trimesh.transformations.random_rotation_matrix(np.array([0.3, 0.6, 0.1]))[:3, :3]
    a, b, c = (
        surface_descriptor(points, faces),
        surface_descriptor(3 * points @ turn.T + 7, faces),
        surface_descriptor(*box(2, 1, 0.1)),
    )
    assert np.linalg.norm(a) == pytest.approx(1) and np.linalg.norm(a - b) < 1e-3
    assert np.linalg.norm(a - c) > 0.2


def test_vendi_counts_what_differs():
    same, apart = np.tile([[1.0, 2.0]], (7, 1)), 100 * np.eye(7)
    assert vendi(same, 0.5) == pytest.approx(1) and vendi(apart, 0.5) == pytest.approx(7)
    assert vendi(np.repeat(apart[:3], 4, axis=0), 0.5) == pytest.approx(3)
    assert median_distance(apart) == pytest.approx(100 * np.sqrt(2))


def test_coverage_is_directed():
    a, b = np.array([[0.0], [0.1], [0.2]]), np.array([[0.0], [5.0], [9.0], [0.2]])
    assert coverage(a, b) == 0.5 and coverage(b, a) == pytest.approx(2 / 3)
