"""Polygons in space -> triangles. A polygon is cut as a fan from its first corner where that is right, as most are; a
concave one by ear clipping in the plane that fits it.
"""

import numpy as np
from manifold3d import triangulate

FLAT = 1e-6  # of a polygon's area: what a fan triangle may be turned the wrong way by rounding


def triangles(points: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Returns triangles [T, 3] of polygons, in the order of the polygons, as indices into `points`.

    points: [C, 3], the corners of all polygons, one polygon after the other. sizes: [P], the corners of each, at least
    3. A polygon with n corners gives n - 2 triangles with its winding.
    """
    starts = np.cumsum(sizes) - sizes
    rows, owners = [np.zeros((0, 3), np.int64)], [np.zeros(0, np.int64)]
    for size in np.unique(sizes):
        chosen = np.flatnonzero(sizes == size)
        corners = starts[chosen, None] + np.arange(size)  # [K, size]
        cut = _cut(points, corners)  # [K, size - 2, 3]
        rows.append(cut.reshape(-1, 3))
        owners.append(np.repeat(chosen, size - 2))
    order = np.argsort(np.concatenate(owners), kind="stable")
    return np.concatenate(rows)[order]


def _cut(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Returns [K, n - 2, 3] of polygons with n corners each, indices into `points`: corners [K, n]."""
    count, size = corners.shape
    fan = np.stack([corners[:, :1].repeat(size - 2, axis=1), corners[:, 1:-1], corners[:, 2:]], axis=-1)
    if size == 3:
        return fan
    if size == 4:  # its second half begins at its own first corner, as other readers have it
        fan[:, 1] = corners[:, [2, 3, 0]]
    areas = _areas(points[fan])  # [K, n - 2, 3]
    normal = areas.sum(axis=1)
    with np.errstate(over="ignore"):  # of numbers that no object has: their normal is infinite, their fan stays
        total = np.sqrt((normal * normal).sum(axis=-1))
    turned = np.einsum("kti,ki->kt", areas, normal / np.maximum(total, 1e-300)[:, None])
    for polygon in np.flatnonzero((turned < -FLAT * total[:, None]).any(axis=1) & (total > 0)):
        fan[polygon] = _ears(points, corners[polygon], normal[polygon])
    return fan


def _areas(triangle: np.ndarray) -> np.ndarray:  # [..., 3, 3] -> [..., 3], twice the area along the normal
    return np.cross(triangle[..., 1, :] - triangle[..., 0, :], triangle[..., 2, :] - triangle[..., 0, :])


def _ears(points: np.ndarray, corners: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Returns [n - 2, 3] of one polygon, cut in the plane of its normal; the fan where it has no simple outline."""
    axis = int(np.abs(normal).argmax())
    plane = [(axis + 1) % 3, (axis + 2) % 3] if normal[axis] > 0 else [(axis + 2) % 3, (axis + 1) % 3]
    outline = np.ascontiguousarray(points[corners][:, plane])
    scale = np.abs(outline - outline[0]).max()
    cut = np.asarray(triangulate([(outline - outline[0]) / scale], allow_convex=False), dtype=np.int64).reshape(-1, 3)
    fan = np.stack(
        [np.zeros(len(corners) - 2, np.int64), *(np.arange(1, len(corners) - 1) + i for i in (0, 1))], axis=1
    )
    return corners[cut if len(cut) == len(fan) else fan]
