"""Exact images of simple scenes by ray casting in numpy: the slow twin that renderers are tested against.

World frame; a shape is a function (rays_o, rays_d) -> (distance, normal), distance inf where the ray misses. Rays [...,
3], rays_d of unit length.
"""

import numpy as np

from renderers.cameras import Cameras


def _dot(a, b):
    return (a * b).sum(axis=-1)


def sphere(center, radius):
    def hit(rays_o, rays_d):
        offset = rays_o - np.asarray(center)
        b = _dot(offset, rays_d)
        root = b * b - _dot(offset, offset) + radius * radius
        distance = np.where(root > 0, -b - np.sqrt(np.maximum(root, 0)), np.inf)
        distance = np.where(distance > 0, distance, np.inf)
        point = offset + np.where(np.isfinite(distance), distance, 0)[..., None] * rays_d
        return distance, point / radius

    return hit


def plane(point, normal):
    """Infinite; the normal returned faces the ray's origin."""
    normal = np.asarray(normal, dtype=np.float64)

    def hit(rays_o, rays_d):
        slope = _dot(rays_d, normal)
        with np.errstate(divide="ignore"):
            distance = _dot(np.asarray(point) - rays_o, normal) / slope
        facing = np.where(slope[..., None] < 0, normal, -normal)
        return np.where((slope != 0) & (distance > 0), distance, np.inf), facing

    return hit


def box(low, high):
    """Axis-aligned, seen from outside (slab method)."""
    low, high = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)

    def hit(rays_o, rays_d):
        with np.errstate(divide="ignore"):
            first, second = (low - rays_o) / rays_d, (high - rays_o) / rays_d
        near, far = np.minimum(first, second), np.maximum(first, second)
        axis = near.argmax(axis=-1)
        enter, leave = near.max(axis=-1), far.min(axis=-1)
        normal = np.eye(3)[axis] * -np.sign(np.take_along_axis(rays_d, axis[..., None], axis=-1))
        return np.where((enter <= leave) & (enter > 0), enter, np.inf), normal

    return hit


def render(shapes, cameras: Cameras) -> dict[str, np.ndarray]:
    """Depth [V, H, W, 1], normal [V, H, W, 3], part [V, H, W, 1] (1 + index into shapes, 0 = none) at pixel centres, in
    float64.
    """
    rays_o, rays_d = cameras.rays()
    hits = [shape(rays_o, rays_d) for shape in shapes]
    distances = np.stack([distance for distance, _ in hits])
    nearest = distances.argmin(axis=0)
    distance = np.take_along_axis(distances, nearest[None], axis=0)[0]
    covered = np.isfinite(distance)
    normals = np.stack([normal for _, normal in hits])
    normal = np.take_along_axis(normals, nearest[None, ..., None], axis=0)[0]
    forward = cameras.c2w[:, None, None, :3, 2]
    return {
        "depth": np.where(covered, distance * _dot(rays_d, forward), 0.0)[..., None],
        "normal": np.where(covered[..., None], normal, 0.0),
        "part": np.where(covered, nearest + 1, 0)[..., None],
    }
