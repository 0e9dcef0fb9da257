"""Cameras as tensors: poses, rays through pixel centres, Plücker coordinates.

OpenCV axes, pixels, a world that is +Z up.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from renderers.cameras import Cameras


def camera_rays(c2w: Tensor, intrinsics: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """c2w [..., 4, 4], intrinsics [..., 4] -> (rays_o, rays_d), each [..., 3, H, W], unit, in the world, through pixel
    centres: `Cameras.rays`.
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
    """[..., 3, H, W] twice -> [..., 6, H, W]: the moment o x d, then d."""
    return torch.cat([torch.linalg.cross(rays_o, rays_d, dim=-3), rays_d], dim=-3)


def inverse(c2w: Tensor) -> Tensor:  # [..., 4, 4], rigid -> w2c
    rotation, w2c = c2w[..., :3, :3].mT, c2w.clone()
    w2c[..., :3, :3], w2c[..., :3, 3:] = rotation, -rotation @ c2w[..., :3, 3:]
    return w2c


def camera_tensors(cameras: Cameras) -> tuple[Tensor, Tensor]:
    """(c2w [1, V, 4, 4], intrinsics [1, V, 4]): one object's cameras as the model and `draw` take them."""
    return torch.from_numpy(cameras.c2w).float()[None], torch.from_numpy(cameras.intrinsics).float()[None]
