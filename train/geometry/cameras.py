"""Cameras as tensors: poses, rays through pixel centres, Plücker coordinates, depths, and the surface that depth
shows.

OpenCV axes, pixels, a world that is +Z up; `renderers.cameras` is the same in numpy.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from renderers.cameras import Cameras


def camera_tensors(cameras: Cameras) -> tuple[Tensor, Tensor]:
    """Returns (c2w [1, V, 4, 4], intrinsics [1, V, 4]), float32: one object's cameras as a model takes them."""
    return torch.from_numpy(cameras.c2w).float()[None], torch.from_numpy(cameras.intrinsics).float()[None]


def world_to_camera(c2w: Tensor) -> Tensor:  # [..., 4, 4] -> [..., 4, 4]
    """Returns the inverse of rigid poses, without solving a system."""
    rotation, w2c = c2w[..., :3, :3].mT, c2w.clone()
    w2c[..., :3, :3], w2c[..., :3, 3:] = rotation, -rotation @ c2w[..., :3, 3:]
    return w2c


def camera_centers(w2c: Tensor) -> Tensor:  # [..., 4, 4] -> [..., 3]
    """Returns where the cameras stand in the world."""
    return -(w2c[..., :3, :3].mT @ w2c[..., :3, 3:])[..., 0]


def depths(means: Tensor, w2c: Tensor) -> Tensor:  # [B, N, 3], [B, V, 4, 4] -> [B, V, N]
    """Returns z along the optical axis of points, as of Gaussians' centres, in every camera."""
    return torch.einsum("bvj,bnj->bvn", w2c[..., 2, :3], means) + w2c[..., 2, 3:]


def camera_rays(c2w: Tensor, intrinsics: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Returns (rays_o, rays_d), each [..., 3, H, W] in the world, directions unit, through the pixels' centres.

    c2w [..., 4, 4]; intrinsics [..., 4]: fx, fy, cx, cy in pixels. The same as `Cameras.rays`.
    """
    x = torch.arange(width, device=c2w.device, dtype=c2w.dtype) + 0.5
    y = torch.arange(height, device=c2w.device, dtype=c2w.dtype) + 0.5
    fx, fy, cx, cy = (intrinsics[..., i, None, None] for i in range(4))
    local = torch.stack(
        torch.broadcast_tensors((x - cx) / fx, (y[:, None] - cy) / fy, torch.ones_like(fx)), dim=-3
    )  # [..., 3, H, W]
    rays_d = F.normalize(torch.einsum("...ij,...jhw->...ihw", c2w[..., :3, :3], local), dim=-3)
    return c2w[..., :3, 3, None, None].expand_as(rays_d), rays_d


def plucker(rays_o: Tensor, rays_d: Tensor) -> Tensor:
    """Returns [..., 6, H, W], the moment o x d and then d, of rays [..., 3, H, W]."""
    return torch.cat([torch.linalg.cross(rays_o, rays_d, dim=-3), rays_d], dim=-3)


def surface_points(depth: Tensor, rays_o: Tensor, rays_d: Tensor, c2w: Tensor) -> Tensor:
    """Returns the points [..., 3, H, W] of the world that a depth image [..., 1, H, W] shows.

    rays_o, rays_d [..., 3, H, W]: of `camera_rays`; c2w [..., 4, 4]. Where the depth is 0, the camera's centre.
    """
    forward = c2w[..., :3, 2][..., None, None]
    return rays_o + rays_d * (depth / (rays_d * forward).sum(dim=-3, keepdim=True))
