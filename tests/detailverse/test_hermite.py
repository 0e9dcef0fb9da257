"""The kernels that meet planes against a plain twin of numpy, and against corners that are known."""

import numpy as np
import pytest

from detailverse.meshing import hermite
from detailverse.meshing.hermite import DOUBTFUL, ROOM, SURE

COUNT = 400


def planes(kind: int, seed: int):
    """Crossings of COUNT vertices: (start, around, places, normals, homes), with normals round `kind` directions."""
    rng = np.random.default_rng(seed)
    start = np.concatenate([[0], np.cumsum(rng.integers(1, 13, COUNT))])
    around = rng.permutation(start[-1])
    owner = np.empty(start[-1], np.int64)
    owner[around] = np.repeat(np.arange(COUNT), np.diff(start))
    homes = rng.integers(-3, 40, (COUNT, 3))
    places = homes[owner] + rng.uniform(-0.3, 1.3, (start[-1], 3))
    directions = rng.normal(size=(COUNT, kind, 3))
    normals = directions[owner, rng.integers(0, kind, start[-1])] + 0.1 * rng.normal(size=(start[-1], 3))
    return start, around, places, normals / np.linalg.norm(normals, axis=1, keepdims=True), homes


def slow_meet(places, normals, home):
    """`hermite._meet` of one vertex with the crossings [K, 3], said in numpy."""
    mean = places.mean(axis=0)
    values, vectors = np.linalg.eigh(normals.T @ normals)
    values, vectors = values[::-1], vectors[:, ::-1]  # stiffest first
    rhs = normals.T @ ((places - mean) * normals).sum(axis=1)
    stages, axes, safe = np.tile(mean, (3, 1)), np.zeros((3, 3)), mean
    sure = most = 0
    for k in range(3):
        if values[k] <= max(DOUBTFUL * values[0], 1e-12):
            break
        used = vectors[:, : k + 1]
        point = mean + used @ (used.T @ rhs / values[: k + 1])
        if values[k] > SURE * values[0]:
            slid = point + (slide(point - home, vectors[:, 2]) * vectors[:, 2] if k == 1 else 0)
            safe = slid if inside(slid, home, 0.5) else safe
        if most == k and inside(point, home, 0.5 + ROOM):
            most = k + 1
            sure = most if values[k] > SURE * values[0] else sure
            stages[k], axes[k] = point, vectors[:, (0, 2, 0)[k]]
    return stages, axes, sure, most, np.clip(safe, home + 1e-3, home + 1 - 1e-3)


def inside(point, home, reach):
    return np.abs(point - home - 0.5).max() <= reach


def slide(point, direction):
    """The least way, up to 2, along the direction into the cell 0 .. 1; 0 where there is none."""
    ends = np.sort([-point / direction, (1 - point) / direction], axis=0)
    first, last = max(ends[0].max(), -2), min(ends[1].min(), 2)
    return min(max(0, first), last) if first <= last else 0


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_the_kernel_agrees_with_its_twin(kind):
    start, around, places, normals, homes = planes(kind, kind)
    found = hermite._solved(start, around, places, normals, homes)
    assert np.bincount(found[2], minlength=4)[kind] > 50  # that rank was put to the test
    for v in range(COUNT):
        crossings = around[start[v] : start[v + 1]]
        stages, axes, sure, most, safe = slow_meet(places[crossings], normals[crossings], homes[v])
        assert (found[2][v], found[3][v]) == (sure, most)
        np.testing.assert_allclose(found[0][v], stages, atol=1e-8)
        np.testing.assert_allclose(found[4][v], safe, atol=1e-8)
        for rank in range(min(2, most)):  # a third direction's axis says nothing; an eigenvector has two signs
            assert abs(found[1][v, rank] @ axes[rank]) == pytest.approx(1, abs=1e-8)
        assert (found[1][v, most:] == 0).all()


def test_three_planes_meet_in_their_corner():
    rng = np.random.default_rng(0)
    frame = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    corner = np.array([5.2, 6.7, 7.4])
    normals = np.repeat(frame, 3, axis=0)
    across = rng.uniform(-0.3, 0.3, (9, 3))
    places = corner + across - (across * normals).sum(axis=1, keepdims=True) * normals
    stages, axes, sure, most, safe = (
        row[0] for row in hermite._solved(np.array([0, 9]), np.arange(9), places, normals, np.floor([corner]))
    )
    assert (sure, most) == (3, 3)
    np.testing.assert_allclose(stages[2], corner, atol=1e-12)
    np.testing.assert_allclose(safe, corner, atol=1e-12)


def test_eigenvectors_rebuild_the_matrix():
    for seed in range(20):
        half = np.random.default_rng(seed).normal(size=(3, 3))
        whole = half @ half.T
        values = whole.copy()
        basis = hermite._diagonalise(values)
        np.testing.assert_allclose(basis @ basis.T, np.eye(3), atol=1e-12)
        np.testing.assert_allclose(basis @ np.diag(np.diag(values)) @ basis.T, whole, atol=1e-12)
