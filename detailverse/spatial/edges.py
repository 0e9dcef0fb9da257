"""Edges of triangle meshes: which triangles meet on them, and at what angle. Signs, creases, salient points and
measures of detail start from them.
"""

from dataclasses import dataclass

import numpy as np

from zeroverse.core.affine import face_normals, unit
from zeroverse.core.jit import kernel
from zeroverse.core.portable import atan2
from zeroverse.core.topology import twins


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
        """Returns the length [E] of each edge, for the mesh's points [N, 3]."""
        along = points[self.ends[:, 1]] - points[self.ends[:, 0]]
        return np.sqrt((along * along).sum(axis=1))


def edges(points: np.ndarray, faces: np.ndarray) -> Edges:
    """Returns the edges at which two triangles of points [N, 3] and faces [F, 3] meet. Edges of one triangle only, as
    open meshes have, are left out; so are those of triangles without area.
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


def angles_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Returns the angles [N], in radians, between vectors [N, 3] of any length above 0."""
    return _angles(np.ascontiguousarray(a, dtype=np.float64), np.ascontiguousarray(b, dtype=np.float64))


@kernel
def angle_between(ax, ay, az, bx, by, bz):
    """Returns the angle in 0 … pi, radians; exact near both ends, where the arc cosine of a product is not."""
    x, y, z = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    return atan2(np.sqrt(x * x + y * y + z * z), ax * bx + ay * by + az * bz)


@kernel
def _angles(a, b):
    """Returns `angle_between` of each pair of rows."""
    out = np.empty(len(a))
    for n in range(len(a)):
        out[n] = angle_between(a[n, 0], a[n, 1], a[n, 2], b[n, 0], b[n, 1], b[n, 2])
    return out
