"""Marching cubes on a dense grid (Lorensen and Cline 1987), with a table that is derived here: closed, consistently
wound, and manifold by construction.

Every crossed grid edge has one vertex, and its four cubes each put it on exactly one polygon, so the surface is a
manifold at every vertex. Two cubes could still put the same diagonal across a shared face with four crossings: the
table has no diagonal between two vertices of one face.
"""

from functools import cache

import numpy as np

from zeroverse.core.jit import kernel

_CORNERS = tuple((i & 1, i >> 1 & 1, i >> 2) for i in range(8))
_EDGES = tuple(
    (a, b) for a in range(8) for b in range(a + 1, 8) if bin(a ^ b).count("1") == 1
)  # 12, first end nearer the origin
_FACES = tuple(tuple(i for i in range(8) if _CORNERS[i][axis] == side) for axis in range(3) for side in (0, 1))
CLEAR = 1e-3  # of an edge: vertices keep so far from its ends, so that no triangle shrinks to nothing


@cache
def table() -> tuple[np.ndarray, np.ndarray]:
    """Returns counts [256] and triangles [256, T, 3] of edge numbers, for each case. Bit i of a case: corner i is
    inside (negative). Triangles are wound to face the outside.
    """
    cases = [_triangles(case) for case in range(256)]
    triangles = np.full((256, max(map(len, cases)), 3), -1, np.int8)
    for case, found in enumerate(cases):
        if found:
            triangles[case, : len(found)] = found
    return np.array([len(found) for found in cases], np.int8), triangles


def _triangles(case: int) -> list[tuple[int, int, int]]:
    """Returns the triangles of a case, as edge numbers."""
    return [triangle for loop in _loops(case) for triangle in _split(loop)]


def _loops(case: int) -> list[list[int]]:
    """Returns the polygons of a case as loops of edge numbers."""
    follows = dict(pair for face in _FACES for pair in _segments(case, face))
    loops = []
    while follows:
        start, at = next(iter(follows.items()))
        loop = [start]
        del follows[start]
        while at != start:
            loop.append(at)
            at = follows.pop(at)
        loops.append(loop)
    return loops


def _segments(case: int, face) -> list[tuple[int, int]]:
    """Returns (from edge, to edge) on one face of the cube: each cuts off one run of inside corners, so diagonal inside
    corners stay apart.
    """
    ring = _ring(face)
    inside = [case >> corner & 1 for corner in ring]
    edges = [_EDGES.index(tuple(sorted((ring[i], ring[(i + 1) % 4])))) for i in range(4)]
    leaves = [i for i in range(4) if inside[i] and not inside[(i + 1) % 4]]
    enters = [i for i in range(4) if not inside[i] and inside[(i + 1) % 4]]
    # around the face a run of inside corners is entered and left; the segment from where it is entered keeps the run on
    # its left
    return [
        (edges[max((enter for enter in enters if enter < leave), default=max(enters))], edges[leave])
        for leave in leaves
    ]


def _ring(face) -> list[int]:
    """Returns the four corners of a face, counter-clockwise seen from outside the cube."""
    axis = next(a for a in range(3) if len({_CORNERS[i][a] for i in face}) == 1)
    u, v = (axis + 1) % 3, (axis + 2) % 3
    order = [(0, 0), (1, 0), (1, 1), (0, 1)]
    ring = [next(i for i in face if (_CORNERS[i][u], _CORNERS[i][v]) == at) for at in order]
    return ring if _CORNERS[face[0]][axis] == 1 else ring[::-1]


def _split(loop: list[int]) -> list[tuple[int, int, int]] | None:
    """Returns a triangulation of the loop without diagonals inside a face of the cube; None where there is none, which
    happens to no whole polygon.
    """
    if len(loop) == 3:
        return [tuple(loop)]
    for k in range(1, len(loop) - 1):  # the triangle on the side from the last to the first
        last = len(loop) - 1
        if (k == 1 or not _share_face(loop[0], loop[k])) and (k == last - 1 or not _share_face(loop[k], loop[last])):
            left, right = loop[: k + 1], loop[k:]
            parts = [_split(part) if len(part) > 2 else [] for part in (left, right)]
            if None not in parts:
                return [*parts[0], (loop[0], loop[k], loop[last]), *parts[1]]
    return None


def _share_face(a: int, b: int) -> bool:
    """Returns whether two edges of the cube lie on one of its faces."""
    return any({*_EDGES[a], *_EDGES[b]} <= set(face) for face in _FACES)


_EDGE_STARTS = np.array([_CORNERS[a] for a, _ in _EDGES], np.int64)
_EDGE_AXES = np.array([[i for i in range(3) if _CORNERS[a][i] != _CORNERS[b][i]][0] for a, b in _EDGES], np.int64)


def extract(field: np.ndarray, origin: float, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns the zero surface of field [n, n, n] (negative inside, x first), nodes at origin + step · index: points
    [N, 3] float64 and faces [F, 3] int64.

    The surface is closed when the outermost nodes are all positive. Zero counts as positive.
    """
    counts, triangles = table()
    vertices, faces = _count(field, counts)
    points = np.empty((vertices, 3))
    indices = np.empty((faces, 3), np.int64)
    _march(field, counts, triangles, _EDGE_STARTS, _EDGE_AXES, points, indices)
    return origin + step * points, indices


@kernel
def _case(field, i, j, k):
    """Returns the case of the cube at (i, j, k): which of its corners are inside, as bits."""
    case = 0
    for corner in range(8):
        if field[i + (corner & 1), j + (corner >> 1 & 1), k + (corner >> 2)] < 0:
            case |= 1 << corner
    return case


@kernel
def _count(field, counts):
    """Returns how many vertices and triangles `_march` will give."""
    n = field.shape[0]
    vertices, faces = 0, 0
    for i in range(n):
        for j in range(n):
            for k in range(n):
                inside = field[i, j, k] < 0
                vertices += (
                    (i + 1 < n and (field[i + 1, j, k] < 0) != inside)
                    + (j + 1 < n and (field[i, j + 1, k] < 0) != inside)
                    + (k + 1 < n and (field[i, j, k + 1] < 0) != inside)
                )
    for i in range(n - 1):
        for j in range(n - 1):
            for k in range(n - 1):
                faces += counts[_case(field, i, j, k)]
    return vertices, faces


@kernel
def _march(field, counts, triangles, starts, axes, points, faces):
    """Writes the points and faces, with two slabs of vertex numbers at a time: memory beside the field is O(n²)."""
    n = field.shape[0]
    number = np.full(
        (2, n, n, 3), -1, np.int64
    )  # of the vertex on the edge from (i, j, k) along an axis, by parity of i
    vertex, face = 0, 0
    for i in range(n):
        for j in range(n):
            for k in range(n):
                for axis in range(3):
                    a, b, c = i + (axis == 0), j + (axis == 1), k + (axis == 2)
                    if a < n and b < n and c < n and (field[i, j, k] < 0) != (field[a, b, c] < 0):
                        t = field[i, j, k] / (field[i, j, k] - field[a, b, c])
                        t = min(max(t, CLEAR), 1.0 - CLEAR)
                        points[vertex, 0], points[vertex, 1], points[vertex, 2] = i, j, k
                        points[vertex, axis] += t
                        number[i & 1, j, k, axis] = vertex
                        vertex += 1
        if i == 0:
            continue
        for j in range(n - 1):
            for k in range(n - 1):
                case = _case(field, i - 1, j, k)
                for t in range(counts[case]):
                    for corner in range(3):
                        edge = triangles[case, t, corner]
                        faces[face, corner] = number[
                            (i - 1 + starts[edge, 0]) & 1, j + starts[edge, 1], k + starts[edge, 2], axes[edge]
                        ]
                    face += 1
