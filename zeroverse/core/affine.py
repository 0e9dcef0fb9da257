"""Rotations and affine maps written out in + and *: a matrix product through BLAS has other bits on another CPU
(docs/papers.md, Geometry).
"""

import math
from collections.abc import Sequence

import numpy as np

from zeroverse.core.jit import kernel
from zeroverse.core.portable import cos_sin

# glTF and most software are +Y up, this project is +Z up: (x, y, z) there is (x, -z, y) here, a quarter turn about x.
Y_UP_TO_Z_UP = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
Y_UP_TO_Z_UP_QUAT = (math.sqrt(0.5), math.sqrt(0.5), 0.0, 0.0)  # wxyz
Z_UP_TO_Y_UP = Y_UP_TO_Z_UP.T
Z_UP_TO_Y_UP_QUAT = (math.sqrt(0.5), -math.sqrt(0.5), 0.0, 0.0)  # wxyz


def rotation_matrix(quat) -> np.ndarray:
    """Returns the rotation matrix [3, 3] of a quaternion wxyz of any positive length."""
    w, x, y, z = (float(q) for q in quat)
    s = 2.0 / (w * w + x * x + y * y + z * z)
    return np.array(
        [
            [1 - s * (y * y + z * z), s * (x * y - w * z), s * (x * z + w * y)],
            [s * (x * y + w * z), 1 - s * (x * x + z * z), s * (y * z - w * x)],
            [s * (x * z - w * y), s * (y * z + w * x), 1 - s * (x * x + y * y)],
        ]
    )


def quat_product(a, b) -> tuple[float, float, float, float]:
    """Returns the quaternion wxyz that rotates by b first, then by a."""
    aw, ax, ay, az = a
    bw, bx, by, bz = b
    return (
        aw * bw - ax * bx - ay * by - az * bz,
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
    )


def axis_quat(axis: int, angle: float) -> tuple[float, float, float, float]:
    """Returns the quaternion wxyz that rotates by `angle` radians about coordinate axis 0, 1 or 2."""
    cosine, sine = cos_sin(angle / 2)
    quat = [cosine, 0.0, 0.0, 0.0]
    quat[1 + axis] = sine
    return tuple(quat)


def rotation(axis: str | Sequence[float], angle: float) -> np.ndarray:
    """Returns the matrix [3, 3] that rotates by `angle` radians about "x", "y", "z" or a direction [3]."""
    if isinstance(axis, str):
        return rotation_matrix(axis_quat("xyz".index(axis), angle))
    w, sine, *_ = axis_quat(0, angle)
    x, y, z = unit(np.asarray(axis, dtype=np.float64))
    return rotation_matrix((w, sine * x, sine * y, sine * z))


def towards(direction, up=(0.0, 0.0, 1.0)) -> np.ndarray:
    """Returns the rotation [3, 3] that turns +z to `direction` [3], and +x as far away from `up` as it goes: for things
    that stand on a surface.
    """
    z = unit(np.asarray(direction, dtype=np.float64))
    x = cross(np.asarray(up, dtype=np.float64), z)
    if float((x * x).sum()) < 1e-8:
        x = cross(np.array([0.0, 1.0, 0.0]), z)
    x = unit(x)
    return np.column_stack([x, cross(z, x), z])


def apply(matrix: np.ndarray, points: np.ndarray, offset=(0.0, 0.0, 0.0)) -> np.ndarray:
    """Returns matrix @ p + offset for every point p of points [..., 3]."""
    flat = np.ascontiguousarray(points, dtype=np.float64).reshape(-1, 3)
    return _apply(np.ascontiguousarray(matrix, dtype=np.float64), flat, np.asarray(offset, dtype=np.float64)).reshape(
        np.shape(points)
    )


@kernel
def _apply(matrix, points, offset):  # [3, 3], [N, 3], [3] -> [N, 3]
    out = np.empty_like(points)
    for n in range(len(points)):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        out[n, 0] = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z + offset[0]
        out[n, 1] = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z + offset[1]
        out[n, 2] = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z + offset[2]
    return out


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Returns a @ b of two matrices [3, 3]."""
    return np.stack([apply(a, b[:, column]) for column in range(3)], axis=1)


def cofactor(matrix: np.ndarray) -> np.ndarray:
    """Returns det(M) inverse(M)^T of a matrix M [3, 3]: it turns normals when M moves points."""
    a, b, c = matrix
    return np.stack([cross(b, c), cross(c, a), cross(a, b)])


def unit(vectors: np.ndarray) -> np.ndarray:
    """Returns vectors [..., 3] scaled to length 1; a zero vector becomes +z."""
    return _unit(np.ascontiguousarray(vectors, dtype=np.float64).reshape(-1, 3)).reshape(np.shape(vectors))


@kernel
def _unit(vectors):  # [N, 3] -> [N, 3]
    out = np.empty_like(vectors)
    for n in range(len(vectors)):
        x, y, z = vectors[n, 0], vectors[n, 1], vectors[n, 2]
        length = math.sqrt(x * x + y * y + z * z)
        if length > 0.0:
            out[n, 0], out[n, 1], out[n, 2] = x / length, y / length, z / length
        else:
            out[n, 0], out[n, 1], out[n, 2] = 0.0, 0.0, 1.0
    return out


def cross(a, b):
    """Returns the cross product of a and b, [..., 3] each."""
    return np.stack(
        [
            a[..., 1] * b[..., 2] - a[..., 2] * b[..., 1],
            a[..., 2] * b[..., 0] - a[..., 0] * b[..., 2],
            a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0],
        ],
        axis=-1,
    )


def face_normals(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Returns a vector [F, 3] along the outward normal of each face, as long as twice the triangle's area."""
    return _face_normals(np.ascontiguousarray(points, dtype=np.float64), np.ascontiguousarray(faces, dtype=np.int64))


@kernel
def _face_normals(points, faces):  # [N, 3], [F, 3] -> [F, 3]; numpy's gathers take seven times as long
    out = np.empty((len(faces), 3))
    for f in range(len(faces)):
        a, b, c = points[faces[f, 0]], points[faces[f, 1]], points[faces[f, 2]]
        x, y, z = b[0] - a[0], b[1] - a[1], b[2] - a[2]
        u, v, w = c[0] - a[0], c[1] - a[1], c[2] - a[2]
        out[f, 0], out[f, 1], out[f, 2] = y * w - z * v, z * u - x * w, x * v - y * u
    return out


def have_area(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Returns [F] bool: whether a triangle is wider than a ten millionth of its length, which is single precision."""
    return _have_area(np.ascontiguousarray(points, dtype=np.float64), np.ascontiguousarray(faces, dtype=np.int64))


@kernel
def _have_area(points, faces):  # [N, 3], [F, 3] -> [F]
    out = np.empty(len(faces), np.bool_)
    for f in range(len(faces)):
        a, b, c = points[faces[f, 0]], points[faces[f, 1]], points[faces[f, 2]]
        x, y, z = b[0] - a[0], b[1] - a[1], b[2] - a[2]
        u, v, w = c[0] - a[0], c[1] - a[1], c[2] - a[2]
        p, q, r = y * w - z * v, z * u - x * w, x * v - y * u
        s, t, o = u - x, v - y, w - z
        longest = max(x * x + y * y + z * z, u * u + v * v + w * w, s * s + t * t + o * o)
        out[f] = p * p + q * q + r * r > 1e-14 * longest * longest
    return out


def vertex_normals(points: np.ndarray, faces: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Returns unit normals [N, 3], weighted by area; vertices of one `group` number [N] share theirs."""
    normals = face_normals(points, faces)
    corners = group[faces].ravel(order="F")
    total = np.stack(
        [np.bincount(corners, weights=np.tile(normals[:, axis], 3), minlength=len(points)) for axis in range(3)], axis=1
    )
    return unit(total)[group]
