"""How far back a camera must stand, or how far it may zoom in, so that an object is whole in the picture."""

import numpy as np

from renderers.cameras import Cameras, in_camera

CUBE = np.stack(np.meshgrid(*[[-0.9, 0.9]] * 3, indexing="ij"), axis=-1).reshape(
    8, 3
)  # around every object: zeroverse.asset.LONGEST_SIDE, centred
# a framed camera stays so far before the object, measured along its axis; the rasterisers' near planes are closer
NEAR = 0.1
FAR = 6.5  # and no orbit camera needs to see further: 16-bit depth in steps of 1e-4 ends at 6.55


def framing_distance(cameras: Cameras, points: np.ndarray, ball: float = 0.0, margin: float = 1.0) -> np.ndarray:  # [V]
    """Returns how far each camera must move back along its optical axis until balls of radius `ball` about world
    `points` [N, 3] are whole in the picture, `margin` pixels from its edges, and `NEAR` before it. Negative: it may
    come closer by so much.

    For a box give its corners; for a sphere its centre, and its radius as `ball`; for a mesh the points of its convex
    hull. For cameras that stand at the point they orbit, the answer is the smallest radius. Exact: with n the normal of
    a side of the view pyramid, moving back by d adds n_z d to the distance n . x from it.
    """
    fx, fy, cx, cy = cameras.intrinsics.T
    zero = np.zeros_like(fx)
    sides = np.array(
        [
            [fx, zero, cx - margin],
            [-fx, zero, cameras.width - margin - cx],
            [zero, fy, cy - margin],
            [zero, -fy, cameras.height - margin - cy],
        ]
    ).transpose(2, 0, 1)  # [V, 4, 3]
    if (sides[..., 2] <= 0).any():
        raise ValueError(f"margin: expected principal points more than {margin:g} pixels inside the image")
    sides = sides / np.sqrt((sides * sides).sum(axis=-1, keepdims=True))
    local = in_camera(cameras, points)
    sideways = (ball - np.einsum("vsi,vni->vsn", sides, local)) / sides[..., 2:]
    return np.maximum(sideways.max(axis=(1, 2)), (NEAR + ball - local[..., 2]).max(axis=1))


def framing_zoom(cameras: Cameras, points: np.ndarray, margin: float = 1.0) -> np.ndarray:  # [V]
    """Returns the largest factor on each camera's focal lengths at which world `points` [N, 3] are in the picture,
    `margin` pixels from its edges: above 1 it may zoom in, below 1 it must zoom out. Zero when a point is not before
    the camera.
    """
    local = in_camera(cameras, points)
    size = np.array([cameras.width, cameras.height], dtype=np.float64)
    focal, center = cameras.intrinsics[:, None, :2], cameras.intrinsics[:, None, 2:]
    room = np.where(local[..., :2] > 0, size - margin - center, center - margin)
    zoom = room * local[..., 2:] / np.maximum(np.abs(local[..., :2]) * focal, 1e-12)
    return np.maximum(zoom, 0.0).min(axis=(1, 2))


def moved_back(cameras: Cameras, distance: np.ndarray) -> Cameras:
    """Returns the same cameras `distance` [V] further back along their optical axes."""
    c2w = cameras.c2w.copy()
    c2w[:, :3, 3] -= c2w[:, :3, 2] * np.reshape(distance, (-1, 1))
    return Cameras(c2w, cameras.intrinsics, cameras.width, cameras.height)


def framed(cameras: Cameras, points: np.ndarray = CUBE) -> Cameras:
    """Returns the same cameras, those that do not have all `points` [N, 3] in the picture moved back until they do."""
    return moved_back(cameras, np.maximum(framing_distance(cameras, points), 0.0))
