"""Probes of a solid: points evenly over its surface, how thick it is under them, and where it passes through itself."""

import numpy as np

from detailverse.spatial import bvh_build
from detailverse.spatial.bvh import Bvh
from zeroverse.core.affine import face_normals
from zeroverse.core.jit import kernel, spliced

GOLDEN = (0.7548776662466927, 0.5698402909980532)  # 1/g and 1/g² of g³ = g + 1: the sequence R2 of Roberts 2018


def spread(points: np.ndarray, faces: np.ndarray, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns points [samples, 3] and their faces [samples], one in each of `samples` equal shares of the area, taken
    in the order of the faces.

    There is no randomness in it: the same mesh has the same points.
    """
    normals = face_normals(points, faces)
    area = np.cumsum(np.sqrt((normals * normals).sum(axis=1)))
    count = np.arange(samples)
    face = np.minimum(np.searchsorted(area, (count + 0.5) / samples * area[-1], side="right"), len(faces) - 1)
    return on_faces(points, faces, face, np.stack([count * g % 1.0 for g in GOLDEN], axis=1)), face


def on_faces(points: np.ndarray, faces: np.ndarray, face: np.ndarray, square: np.ndarray) -> np.ndarray:
    """Returns points [K, 3] on the triangles face [K], even over each triangle when places [K, 2] are even over the
    unit square.
    """
    root = np.sqrt(square[:, :1])
    a, b, c = (points[faces[face, k]] for k in range(3))
    return (1 - root) * a + root * ((1 - square[:, 1:]) * b + square[:, 1:] * c)


def thickness(points: np.ndarray, faces: np.ndarray, samples: int = 2000, bvh: Bvh | None = None) -> np.ndarray:
    """Returns how far a ray runs inwards from each of the points of `spread`, against the face normal, until it leaves
    the solid [samples]; inf where it never does.
    """
    bvh = Bvh(points, faces) if bvh is None else bvh
    origins, face = spread(points, faces, samples)
    return bvh.rays(origins, -bvh.normals[face], start=1e-9 * float(np.abs(points).max()))[0]


def self_intersections(
    points: np.ndarray, faces: np.ndarray, tolerance: float = 1e-6, bvh: Bvh | None = None
) -> np.ndarray:
    """Returns the pairs [K, 2] of faces that pass through each other, every pair once, the smaller id first.

    A pair counts when it has no vertex in common and an edge of one passes through the other: its ends lie more than
    `tolerance` (object units) on either side of the plane, and it meets the plane more than `tolerance` inside the
    triangle. So contacts, overlaps within one plane and folds between neighbours do not count, and what float32
    rounding does to a boolean does not either.
    """
    bvh = Bvh(points, faces) if bvh is None else bvh
    pairs = bvh.order[
        _crossing_pairs(bvh.faces[bvh.order], bvh.normals[bvh.order], float(tolerance), *bvh.nodes, bvh.corners)
    ]
    pairs.sort(axis=1)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


@kernel
def _crossing_pairs(faces, normals, tolerance, boxes, first, count, corners):
    """Returns the pairs [K, 2] of places in the tree whose triangles cross. faces, normals: in the order of
    the tree.
    """
    pairs, found = np.empty((64, 2), np.int64), 0
    nodes = np.empty(bvh_build.STACK, np.int64)
    box = np.empty(6)
    for t in range(len(faces)):
        for axis in range(3):
            a, b, c = corners[t, axis], corners[t, axis + 3], corners[t, axis + 6]
            box[axis], box[axis + 3] = min(a, b, c), max(a, b, c)
        nodes[0], height = 0, 1
        while height > 0:
            height -= 1
            node = nodes[height]
            if count[node] == 0:
                for child in range(first[node], first[node] + 2):
                    if _overlap(boxes, child, box):
                        nodes[height] = child
                        height += 1
                continue
            for other in range(max(first[node], t + 1), first[node] + count[node]):
                if _apart(faces, t, other) and (
                    _pierces(corners, normals, t, other, tolerance) or _pierces(corners, normals, other, t, tolerance)
                ):
                    if found == len(pairs):
                        pairs = np.concatenate((pairs, np.empty_like(pairs)))
                    pairs[found, 0], pairs[found, 1] = t, other
                    found += 1
    return pairs[:found].copy()


@spliced
def _overlap(boxes, node, box):
    """Returns whether the node's box and `box` [6] have a point in common."""
    for axis in range(3):
        if boxes[node, axis] > box[axis + 3] or boxes[node, axis + 3] < box[axis]:
            return False
    return True


@kernel
def _apart(faces, t, other):
    """Returns whether two triangles have no vertex in common."""
    for i in range(3):
        for j in range(3):
            if faces[t, i] == faces[other, j]:
                return False
    return True


@kernel
def _pierces(corners, normals, t, other, tolerance):
    """Returns whether an edge of triangle t passes through triangle `other`."""
    height = np.empty(3)
    for k in range(3):
        height[k] = 0.0
        for axis in range(3):
            height[k] += (corners[t, 3 * k + axis] - corners[other, axis]) * normals[other, axis]
    for k in range(3):
        a, b = height[k], height[(k + 1) % 3]
        if not (a > tolerance and b < -tolerance or a < -tolerance and b > tolerance):
            continue
        along = a / (a - b)
        x, y, z = _between(corners, t, k, along)
        if _inside(corners, normals, other, x, y, z, tolerance):
            return True
    return False


@kernel
def _inside(corners, normals, t, x, y, z, tolerance):
    """Returns whether a point of the plane of triangle t is inside it and more than `tolerance` from its edges."""
    nx, ny, nz = normals[t, 0], normals[t, 1], normals[t, 2]
    for k in range(3):
        a, b = 3 * k, 3 * ((k + 1) % 3)
        ex, ey, ez = (
            corners[t, b] - corners[t, a],
            corners[t, b + 1] - corners[t, a + 1],
            corners[t, b + 2] - corners[t, a + 2],
        )
        ix, iy, iz = ny * ez - nz * ey, nz * ex - nx * ez, nx * ey - ny * ex  # into the triangle, as long as the edge
        depth = (x - corners[t, a]) * ix + (y - corners[t, a + 1]) * iy + (z - corners[t, a + 2]) * iz
        if depth <= tolerance * np.sqrt(ex * ex + ey * ey + ez * ez):
            return False
    return True


@spliced
def _between(corners, t, k, along):
    """Returns the point at `along` (0 … 1) of half-edge k."""
    a, b = 3 * k, 3 * ((k + 1) % 3)
    return (
        corners[t, a] + along * (corners[t, b] - corners[t, a]),
        corners[t, a + 1] + along * (corners[t, b + 1] - corners[t, a + 1]),
        corners[t, a + 2] + along * (corners[t, b + 2] - corners[t, a + 2]),
    )
