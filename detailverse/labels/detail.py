"""Measures of detail and diversity without learned weights, for any mesh: tables compare data sets by them. Sources:
docs/papers.md, Geometry.

These numbers need not have the same bits on every machine; nothing is built from them.
"""

import numpy as np
from scipy.linalg import eigvalsh

from detailverse.meshing.surface_nets import surface_nets
from detailverse.spatial.bvh import Bvh
from detailverse.spatial.edges import angle_between, edges
from zeroverse.core.jit import kernel
from zeroverse.core.portable import TAU, exp, log

CELLS = 256
EXTENT = 1.05  # the grid spans ±EXTENT, the mesh ±1
SHELL = 2 / 256  # how far the remeshed surface lies from the triangles: the preparation of public shape VAEs
FAR = np.float32(1e30)


def sharp_edges_256(points: np.ndarray, faces: np.ndarray, angle_deg: float = 15.0) -> int:
    """Returns how many edges of `remesh` are sharper than `angle_deg`: the canonical measure of detail. The triangles
    may be any soup.
    """
    points, faces = remesh(points, faces)
    return int(np.count_nonzero(edges(points, faces).angle > angle_deg * TAU / 360.0))


def remesh(points: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the points and faces of a surface without borders around any triangles, in the frame where the bounding
    box is centred and its longest side is 2.

    It is the outermost surface at the distance 2/256 on a grid of 256³ cells over ±1.05. Unsigned distances are taken
    at the nodes. Nodes that a path of nodes further than that from all triangles joins to the corner of the grid are
    outside, all others inside, so that cavities and inner walls vanish. Then come dual cells: one vertex in every cell
    that the surface crosses, the mean of its crossings of the cell's edges (linear in the distance), and for every
    crossed edge a quadrilateral, cut along its shorter diagonal. All components are kept; where the surface comes
    within a cell of itself, four triangles may share an edge. The count of edges depends on each of these choices.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    bvh = Bvh((points - (low + high) / 2) * (2.0 / float((high - low).max())), faces)
    values = band(bvh, CELLS, EXTENT, SHELL) - np.float32(SHELL)
    _keep_outside(values)
    return surface_nets(values, EXTENT)


def band(bvh: Bvh, cells: int, extent: float, level: float) -> np.ndarray:
    """Returns unsigned distances [cells + 1, cells + 1, cells + 1] float32 at the nodes of the grid over ±extent, exact
    wherever the surface at distance `level` crosses one of the node's edges; elsewhere only right about the side of
    `level`. cells: a power of two.

    Blocks of nodes are halved while a node in them may be closer than one step to the surface at `level`: distances
    change by at most the way moved.
    """
    step = 2 * extent / cells
    values = np.full((cells + 1,) * 3, FAR, dtype=np.float32)
    size = 16
    corner = np.stack(np.meshgrid(*[np.arange(0, cells + 1, size)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    hints = np.full(len(corner), -1, dtype=np.int64)
    while True:
        distance, hints, _ = bvh.closest((corner + (size - 1) / 2) * step - extent, hints if size < 16 else None)
        near = (
            np.abs(distance - level) <= ((size - 1) * 0.8660254037844386 + 1.0) * step
            if size > 1
            else np.zeros(len(corner), dtype=bool)
        )
        _fill(values, corner[~near], size, distance[~near])
        if size == 1:
            return values
        size //= 2
        halves = np.array([(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)]) * size
        corner, hints = (corner[near][:, None] + halves).reshape(-1, 3), np.repeat(hints[near], 8)
        inside = (corner <= cells).all(axis=1)
        corner, hints = corner[inside], hints[inside]


@kernel
def _fill(values, corners, size, distances):
    """Writes each block's distance to all of its nodes."""
    side = values.shape[0]
    for n in range(len(corners)):
        for i in range(corners[n, 0], min(corners[n, 0] + size, side)):
            for j in range(corners[n, 1], min(corners[n, 1] + size, side)):
                for k in range(corners[n, 2], min(corners[n, 2] + size, side)):
                    values[i, j, k] = distances[n]


@kernel
def _keep_outside(values):
    """Makes positive values negative unless a path of positive values along the grid joins them to the corner."""
    side = values.shape[0]
    flat = values.reshape(-1)
    reached = np.zeros(len(flat), np.bool_)
    stack = np.empty(len(flat), np.int32)
    stack[0], height = 0, 1
    reached[0] = True
    steps = (side * side, side, 1)
    while height > 0:
        height -= 1
        at = np.int64(stack[height])
        for step in steps:
            place = at // step % side
            for towards in (-1, 1):
                if 0 <= place + towards < side:
                    other = at + towards * step
                    if not reached[other] and flat[other] > 0.0:
                        reached[other] = True
                        stack[height] = other
                        height += 1
    for n in range(len(flat)):
        if flat[n] > 0.0 and not reached[n]:
            flat[n] = -flat[n]


def normal_gradient_energy(normals: np.ndarray, alpha: np.ndarray) -> dict[str, float]:
    """Returns {"mean_deg", "share_15"}: the mean angle between neighbouring pixels of normal maps [V, H, W, 3] (8 of
    256²), and the share above 15°.

    alpha: [V, H, W]; pairs count where both are above 0.5 and their 4 neighbours too, so that silhouettes do not. Both
    numbers are 0 without any pair.
    """
    opaque = np.pad(np.asarray(alpha) > 0.5, ((0, 0), (1, 1), (1, 1)))
    inner = (
        opaque[:, 1:-1, 1:-1] & opaque[:, :-2, 1:-1] & opaque[:, 2:, 1:-1] & opaque[:, 1:-1, :-2] & opaque[:, 1:-1, 2:]
    )
    total, sharp, count = _gradients(np.ascontiguousarray(normals, dtype=np.float64), inner, 15.0 * TAU / 360.0)
    return {"mean_deg": total / max(count, 1) * 360.0 / TAU, "share_15": sharp / max(count, 1)}


@kernel
def _gradients(normals, inner, limit):
    """Returns the sum of the angles, how many exceed `limit` (radians), and how many pairs there are."""
    total, sharp, count = 0.0, 0, 0
    for v in range(inner.shape[0]):
        for i in range(inner.shape[1]):
            for j in range(inner.shape[2]):
                for di, dj in ((1, 0), (0, 1)):
                    if (
                        i + di < inner.shape[1]
                        and j + dj < inner.shape[2]
                        and inner[v, i, j]
                        and inner[v, i + di, j + dj]
                    ):
                        a, b = normals[v, i, j], normals[v, i + di, j + dj]
                        angle = angle_between(a[0], a[1], a[2], b[0], b[1], b[2])
                        total += angle
                        sharp += angle > limit
                        count += 1
    return total, sharp, count


def vendi(features: np.ndarray, width: float) -> float:
    """Returns the Vendi score of features [N, D] (Friedman and Dieng 2022, The Vendi Score): the effective number of
    different items, 1 … N.

    It is exp of the entropy of the eigenvalues of K / N, with K = exp(-|x - y|² / (2 width²)). Compare sets of one size
    with one `width` only: a common choice is half the median distance in the union of the sets (`median_distance`).
    """
    square = _square_distances(features, features)
    kernel = np.array([exp(-value / (2 * width * width)) for value in square.ravel()]).reshape(square.shape)
    eigenvalues = eigvalsh(kernel / len(features))
    return exp(-sum(value * log(value) for value in eigenvalues if value > 1e-12))


def median_distance(features: np.ndarray) -> float:
    """Returns the median distance between two different rows of features [N, D]."""
    square = _square_distances(features, features)
    return float(np.sqrt(np.median(square[np.triu_indices(len(features), 1)])))


def coverage(a: np.ndarray, b: np.ndarray) -> float:
    """Returns COV(a → b): the share of rows of b [M, D] that are the nearest one of some row of a [N, D] (Achlioptas et
    al. 2018, Learning Representations and Generative Models for 3D Point Clouds).
    """
    return len(np.unique(_square_distances(a, b).argmin(axis=1))) / len(b)


def _square_distances(a, b):  # [N, D], [M, D] -> [N, M]
    """Returns the squares of the distances between all rows of a and of b."""
    return np.stack([((b - row) ** 2).sum(axis=1) for row in np.asarray(a, dtype=np.float64)])
