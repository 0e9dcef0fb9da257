"""Geometry that a loss can hold against exact labels: depth and normals drawn from Gaussians, and the surface points of
a depth image.

Depth and normals are drawn as further channels of the colour, so every backend of `gaussians.rasterize` draws them,
with gradients.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from train.splatting import Gaussians, rasterize, sh_colors
from train.splatting.backend_torch import ALPHA_MIN, rotations


class Drawn(NamedTuple):
    """image [B, V, 3, H, W]; alpha [B, V, 1, H, W]; depth [B, V, 1, H, W]: mean z along the optical axis of what is
    drawn, 0 where nothing is; normal [B, V, 3, H, W]: world frame, facing the camera, mean of what is drawn times
    alpha: shorter where Gaussians disagree.
    """

    image: Tensor
    alpha: Tensor
    depth: Tensor
    normal: Tensor


def draw_geometry(
    gaussians: Gaussians,
    w2c: Tensor,
    intrinsics: Tensor,
    width: int,
    height: int,
    *,
    background: float = 1.0,
    antialiased: bool = False,
    backend: str = "auto",
) -> Drawn:
    """Gaussians [B, N] in cameras [B, V]: seven channels in one pass. The depth of a Gaussian is its centre's."""
    (B, N), V = gaussians.opacities.shape, w2c.shape[1]
    colors = sh_colors(gaussians.sh, gaussians.means, w2c)
    colors = colors[:, None].expand(B, V, N, 3) if colors.ndim == 3 else colors
    z = torch.einsum("bvj,bnj->bvn", w2c[..., 2, :3].to(gaussians.means), gaussians.means) + w2c[..., 2, 3:].to(
        gaussians.means
    )
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
    return Drawn(rgb, alpha, depth / alpha.clamp_min(ALPHA_MIN), normal)  # alpha is 0 or at least that


def facing_normals(gaussians: Gaussians, w2c: Tensor) -> Tensor:
    """[B, V, N, 3]: each Gaussian's shortest axis, unit, world frame, turned to face the camera."""
    shortest = gaussians.scales.argmin(dim=-1)[..., None, None].expand(*gaussians.scales.shape, 1)  # [B, N, 3, 1]
    axes = rotations(gaussians.quats).gather(-1, shortest)[..., 0]  # [B, N, 3]
    centers = -(w2c[..., :3, :3].mT @ w2c[..., :3, 3:])[..., 0].to(axes)  # [B, V, 3]
    away = ((gaussians.means[:, None] - centers[:, :, None]) * axes[:, None]).sum(-1, keepdim=True) > 0  # [B, V, N, 1]
    return torch.where(away, -axes[:, None], axes[:, None])


def surface_points(depth: Tensor, rays_o: Tensor, rays_d: Tensor, c2w: Tensor) -> Tensor:
    """depth [B, V, 1, H, W], rays [B, V, 3, H, W] of unit direction, c2w [B, V, 4, 4] -> points [B, V, 3, H, W] in the
    world.
    """
    forward = c2w[..., :3, 2][..., None, None]
    return rays_o + rays_d * (depth / (rays_d * forward).sum(dim=2, keepdim=True))
