"""Edges of triangle meshes: which triangles meet on them, and at what angle. What signs, creases, sharp points and
detail measures start from.
"""

from dataclasses import dataclass

import numpy as np

from zeroverse.core.affine import face_normals, unit
from zeroverse.core.jit import kernel, spliced
from zeroverse.core.portable import atan2


@dataclass(frozen=True, eq=False)
class Edges:
    """The edges between two triangles, in the order in which the faces list them.

    ends: [E, 2] vertex ids, in the direction of the first face. faces: [E, 2]. angle: [E] radians between the face
    normals, 0 (flat) to pi, positive whether the edge is convex or not.
    """

    ends: np.ndarray
    faces: np.ndarray
    angle: np.ndarray

    def lengths(self, points: np.ndarray) -> np.ndarray:  # [E]
        along = points[self.ends[:, 1]] - points[self.ends[:, 0]]
        return np.sqrt((along * along).sum(axis=1))


def edges(points: np.ndarray, faces: np.ndarray) -> Edges:
    """points [N, 3], faces [F, 3]. Edges of one triangle only, as open meshes have, are left out; so are those of
    triangles without area.
    """
    mates, _ = twins(faces)
    normals = face_normals(points, faces)
    solid = (normals != 0.0).any(axis=1)
    face, side = np.nonzero((mates > 3 * np.arange(len(faces))[:, None] + np.arange(3)) & solid[:, None])
    other = mates[face, side] // 3
    keep = solid[other]
    face, side, other = face[keep], side[keep], other[keep]
    ends = np.stack([faces[face, side], faces[face, (side + 1) % 3]], axis=1)
    return Edges(ends, np.stack([face, other], axis=1), angles_between(unit(normals)[face], unit(normals)[other]))


def twins(faces: np.ndarray) -> tuple[np.ndarray, bool]:
    """([F, 3] the half-edge opposite to half-edge k of face f, as 3 * face + k, or -1; whether the mesh is closed), for
    faces [F, 3].

    Half-edge k runs from corner k to corner k + 1. Closed: every directed edge occurs once and has its opposite.
    """
    size = 1 << max(4, int(6 * len(faces)).bit_length())
    mates, repeated = _twins(np.ascontiguousarray(faces, dtype=np.int64), np.full(size, -1, dtype=np.int32))
    return mates, not repeated and bool((mates >= 0).all())


def components(faces: np.ndarray) -> np.ndarray:
    """[F] the number of the piece, connected through common vertices, that each face belongs to, counted from 0 in the
    order of the faces.
    """
    return _components(np.ascontiguousarray(faces, dtype=np.int64), np.arange(int(faces.max(initial=-1)) + 1))


def angles_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """[N] radians, for vectors [N, 3] of any length above 0."""
    return _angles(np.ascontiguousarray(a, dtype=np.float64), np.ascontiguousarray(b, dtype=np.float64))


@kernel
def _twins(faces, table):  # [F, 3], [2^n] filled with -1 -> [F, 3], whether a directed edge occurs twice
    """A hash table of half-edges that still wait for their opposite, by the ends in either order."""
    mates = np.full(faces.shape, -1, np.int64)
    flat = mates.reshape(-1)
    mask = np.uint64(len(table) - 1)
    repeated = False
    for half in range(3 * len(faces)):
        a, b = faces[half // 3, half % 3], faces[half // 3, (half + 1) % 3]
        slot = _slot(min(a, b), max(a, b), mask)
        while table[slot] >= 0:
            other = np.int64(table[slot])
            c, d = faces[other // 3, other % 3], faces[other // 3, (other + 1) % 3]
            if c == b and d == a and flat[other] < 0:
                flat[other], flat[half] = half, other
                break
            repeated |= c == a and d == b or c == b and d == a
            slot = np.int64(np.uint64(slot + 1) & mask)
        if flat[half] < 0:
            table[slot] = half
    return mates, repeated


@spliced
def _slot(a, b, mask):
    mixed = np.uint64(a) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(b) * np.uint64(0xC2B2AE3D27D4EB4F)
    return np.int64((mixed ^ (mixed >> np.uint64(29))) & mask)


@kernel
def angle_between(ax, ay, az, bx, by, bz):
    """Radians in 0 … pi; exact near both ends, where the arc cosine of a product is not."""
    x, y, z = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    return atan2(np.sqrt(x * x + y * y + z * z), ax * bx + ay * by + az * bz)


@kernel
def _angles(a, b):
    out = np.empty(len(a))
    for n in range(len(a)):
        out[n] = angle_between(a[n, 0], a[n, 1], a[n, 2], b[n, 0], b[n, 1], b[n, 2])
    return out


@kernel
def _components(faces, parent):  # [F, 3], [N] 0, 1, 2, … -> [F]
    for f in range(len(faces)):
        a = _root(parent, faces[f, 0])
        for k in range(1, 3):
            b = _root(parent, faces[f, k])
            a, b = min(a, b), max(a, b)
            parent[b] = a
    number, piece, found = np.full(len(parent), -1, np.int64), np.empty(len(faces), np.int64), 0
    for f in range(len(faces)):
        root = _root(parent, faces[f, 0])
        if number[root] < 0:
            number[root] = found
            found += 1
        piece[f] = number[root]
    return piece


@kernel
def _root(parent, v):
    while parent[v] != v:
        parent[v] = parent[parent[v]]
        v = parent[v]
    return v
