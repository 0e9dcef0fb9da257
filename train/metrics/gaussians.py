"""Scores of shape, beside those of pictures: silhouette, depth, and the distance of the Gaussians' centres from the
true surface.

Depth is z along the optical axis, lengths are world units (an object's longest side is 1.8), silhouettes are `alpha >
0.5`.
"""

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from renderers.cameras import Cameras
from train.data.images import resize_area
from train.geometry.cameras import camera_rays, depths, surface_points, world_to_camera
from train.splatting import Gaussians, rasterize

SOLID = 0.5  # alpha from which a pixel counts as the object
FUSED = 0.1  # opacity from which a Gaussian counts as surface: fainter ones are an LRM's way of leaving a pixel out
SURFACE_POINTS = 20_000


def rendered_shape(gaussians: Gaussians, c2w: Tensor, intrinsics: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Returns (depth, alpha), each [V, S, S], of Gaussians [1, N] in cameras [1, V]. Depth is the expected one: the sum
    of weight x depth, over alpha.
    """
    w2c, fields = world_to_camera(c2w), (gaussians.means, gaussians.quats, gaussians.scales, gaussians.opacities)
    weighted, alpha = rasterize(*fields, depths(gaussians.means, w2c)[..., None], w2c, intrinsics, size, size)
    return (weighted / alpha.clamp_min(1e-6))[0, :, 0], alpha[0, :, 0]


def silhouette_iou(pred: Tensor, target: Tensor) -> float:
    """Returns the mean over views [V, S, S] of intersection over union; 1 where both are empty."""
    pred, target = pred > SOLID, target > SOLID
    union = (pred | target).sum(dim=(-2, -1))
    return torch.where(union > 0, (pred & target).sum(dim=(-2, -1)) / union.clamp_min(1), 1.0).mean().item()


def depth_error(pred: Tensor, pred_alpha: Tensor, target: Tensor) -> float | None:
    """Returns the mean absolute difference over the pixels [V, S, S] where both have a surface (how many that is, the
    silhouettes say); None if nowhere.
    """
    both = (pred_alpha > SOLID) & (target > 0)
    return (pred - target)[both].abs().mean().item() if both.any() else None


def chamfer(gaussians: Gaussians, surface: np.ndarray) -> float | None:
    """Returns the mean of two mean distances: from the Gaussians' centres, weighted by opacity, to the surface points
    [P, 3], and from those to the centres.

    Of Gaussians [1, N], those of opacity `FUSED` and more; None when there are none. The surface is what the views show
    of it.
    """
    kept = gaussians.opacities[0] >= FUSED
    if not kept.any() or len(surface) == 0:
        return None
    centers, weights = gaussians.means[0, kept].cpu().numpy(), gaussians.opacities[0, kept].cpu().numpy()
    to_surface = np.average(cKDTree(surface).query(centers)[0], weights=weights)
    to_centers = cKDTree(centers).query(surface)[0].mean()
    return float((to_surface + to_centers) / 2)


def shrunk_depth(depth: np.ndarray, size: int) -> np.ndarray:
    """Returns depth [V, H, W, 1], 0 where there is no surface, as [V, size, size]: the mean over what surface a pixel
    covers, 0 where that is less than half.
    """
    there = resize_area((depth > 0).astype(np.float32), size, size)
    return np.where(there >= SOLID, resize_area(depth, size, size) / np.maximum(there, SOLID), 0.0)[..., 0]


def visible_surface(depth: np.ndarray, cameras: Cameras) -> np.ndarray:
    """Returns world points [P, 3] that depth [V, H, W, 1] shows, evenly spaced among the pixels with a surface, at most
    `SURFACE_POINTS`.
    """
    z, c2w, intrinsics = (torch.from_numpy(np.float64(x)) for x in (depth, cameras.c2w, cameras.intrinsics))
    rays = camera_rays(c2w, intrinsics, *depth.shape[1:3])
    points = surface_points(z.movedim(-1, 1), *rays, c2w).movedim(1, -1)[z[..., 0] > 0].numpy()
    return points[np.linspace(0, len(points) - 1, min(len(points), SURFACE_POINTS)).astype(np.int64)]
