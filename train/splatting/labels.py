"""Geometry that a loss can hold against exact labels: depth and normals rendered from Gaussians.

They are further channels of the colour, so every backend of `splatting.rasterize` renders them, with gradients.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from train.geometry.cameras import camera_centers, depths
from train.splatting import Gaussians, rasterize, sh_colors
from train.splatting.backend_torch import ALPHA_MIN, rotations


class Rendered(NamedTuple):
    """image [B, V, 3, H, W]; alpha [B, V, 1, H, W]; depth [B, V, 1, H, W]: mean z along the optical axis of what is
    seen, 0 where nothing is; normal [B, V, 3, H, W]: world frame, facing the camera, mean of what is seen times alpha:
    shorter where Gaussians disagree.
    """

    image: Tensor
    alpha: Tensor
    depth: Tensor
    normal: Tensor


def render_geometry(
    gaussians: Gaussians,
    w2c: Tensor,
    intrinsics: Tensor,
    width: int,
    height: int,
    *,
    background: float = 1.0,
    antialiased: bool = False,
    backend: str = "auto",
) -> Rendered:
    """Renders colour, depth and normals of Gaussians [B, N] in cameras [B, V], seven channels in one pass.

    The depth of a Gaussian is its centre's.
    """
    (B, N), V = gaussians.opacities.shape, w2c.shape[1]
    colors = sh_colors(gaussians.sh, gaussians.means, w2c)
    colors = colors[:, None].expand(B, V, N, 3) if colors.ndim == 3 else colors
    z = depths(gaussians.means, w2c.to(gaussians.means))
    channels = torch.cat([colors, z[..., None], facing_normals(gaussians, w2c)], dim=-1)
    behind = channels.new_zeros(7)
    behind[:3] = background  # filled, not copied, over there: a copy would wait for the device
    image, alpha = rasterize(
        gaussians.means,
        gaussians.quats,
        gaussians.scales,
        gaussians.opacities,
        channels,
        w2c,
        intrinsics,
        width,
        height,
        background=behind,
        antialiased=antialiased,
        backend=backend,
    )
    rgb, depth, normal = image.split([3, 1, 3], dim=2)
    return Rendered(rgb, alpha, depth / alpha.clamp_min(ALPHA_MIN), normal)  # alpha is 0 or at least that


def facing_normals(gaussians: Gaussians, w2c: Tensor) -> Tensor:
    """Returns each Gaussian's shortest axis [B, V, N, 3], unit, world frame, turned to face the camera."""
    shortest = gaussians.scales.argmin(dim=-1)[..., None, None].expand(*gaussians.scales.shape, 1)  # [B, N, 3, 1]
    axes = rotations(gaussians.quats).gather(-1, shortest)[..., 0]  # [B, N, 3]
    centers = camera_centers(w2c).to(axes)  # [B, V, 3]
    away = ((gaussians.means[:, None] - centers[:, :, None]) * axes[:, None]).sum(-1, keepdim=True) > 0  # [B, V, N, 1]
    return torch.where(away, -axes[:, None], axes[:, None])
