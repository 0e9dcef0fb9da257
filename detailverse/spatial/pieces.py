"""How large each connected piece of a mesh is, and how much of it can be seen; `core.topology` numbers the pieces."""

import numpy as np

from zeroverse.core import affine
from zeroverse.core.jit import kernel
from zeroverse.core.portable import cos_sin

DIRECTIONS = 64
GOLDEN_ANGLE = 2.399963229728653  # pi (3 - sqrt 5)


def piece_areas(points: np.ndarray, faces: np.ndarray, piece: np.ndarray) -> np.ndarray:
    """Returns the area [P] of each piece. piece: [N] which one each vertex belongs to."""
    normals = affine.face_normals(points, faces)
    return np.bincount(
        piece[faces[:, 0]], weights=np.sqrt((normals * normals).sum(axis=1)) / 2, minlength=int(piece.max()) + 1
    )


def openness(points: np.ndarray, faces: np.ndarray, piece: np.ndarray, size: int = 160) -> np.ndarray:
    """Returns how much of the directions that its vertices face each piece [P] sees without being covered: 1 for a
    sphere, 0 for what is enclosed.

    Depth buffers of the vertices along `DIRECTIONS` directions decide, `size` pixels wide over the object: vertices
    must lie closer than a pixel.
    """
    normals = affine.vertex_normals(points, faces, np.arange(len(points)))
    low, high = points.min(axis=0), points.max(axis=0)
    radius = float(np.sqrt(((high - low) ** 2).sum())) / 2 + 1e-9
    seen, faced = np.zeros(piece.max() + 1), np.zeros(piece.max() + 1)
    for number in range(DIRECTIONS):
        _look(
            points - (low + high) / 2,
            normals,
            piece,
            _axes(number),
            radius,
            np.full((size, size), -np.inf),
            seen,
            faced,
        )
    return seen / np.maximum(faced, 1.0)


def _axes(number: int) -> np.ndarray:
    """Returns an orthonormal frame [3, 3] whose last row is direction `number` of a Fibonacci sphere."""
    z = 1.0 - (2.0 * number + 1.0) / DIRECTIONS
    cosine, sine = cos_sin(GOLDEN_ANGLE * number)
    flat = float(np.sqrt(1.0 - z * z))
    toward = np.array([flat * cosine, flat * sine, z])
    side = affine.unit(affine.cross(toward, np.eye(3)[int(np.argmin(np.abs(toward)))]))
    return np.stack([side, affine.cross(toward, side), toward])


@kernel
def _look(points, normals, piece, axes, radius, depth, seen, faced):
    """Adds to seen and faced [P] how many vertices of each piece are visible along one direction, and how
    many face it.
    """
    size = depth.shape[0]
    tolerance = 4.0 * radius / size  # two pixels: a surface seen at 60 degrees falls so far within one
    for turn in range(2):  # first the nearest vertex of every pixel, then who is it
        for n in range(len(points)):
            x = axes[0, 0] * points[n, 0] + axes[0, 1] * points[n, 1] + axes[0, 2] * points[n, 2]
            y = axes[1, 0] * points[n, 0] + axes[1, 1] * points[n, 1] + axes[1, 2] * points[n, 2]
            z = axes[2, 0] * points[n, 0] + axes[2, 1] * points[n, 1] + axes[2, 2] * points[n, 2]
            column, row = int((x / radius + 1.0) * 0.5 * (size - 1)), int((y / radius + 1.0) * 0.5 * (size - 1))
            if turn == 0:
                depth[row, column] = max(depth[row, column], z)
            elif axes[2, 0] * normals[n, 0] + axes[2, 1] * normals[n, 1] + axes[2, 2] * normals[n, 2] > 0.3:
                faced[piece[n]] += 1.0
                seen[piece[n]] += z > depth[row, column] - tolerance
