"""gsplat (pip install gsplat, and CUDA's compiler) as a backend, for whoever asks for it: the other implementation of
the same semantics.

It is mapped, not measured: no machine with it was at hand. A quaternion of length 0 is its business, and its gradients
come from atomics.
"""

import torch
from torch import Tensor

from train.splatting.backend_torch import finite_only


def refusal(tensors: list[Tensor]) -> str:
    """Returns why gsplat cannot render (means ... colors); "" if it can. Raises ImportError where it is missing."""
    device, dtype = tensors[0].device, tensors[0].dtype
    if device.type != "cuda" or dtype != torch.float32:
        return f"takes float32 on a GPU, got {dtype} on {device}"
    _package()
    return ""


def _package():
    try:
        import gsplat
    except ImportError as error:
        raise ImportError(
            f"backend: 'gsplat' is not available: {error}; pip install gsplat, which compiles with nvcc when it is "
            f"first used"
        ) from error
    return gsplat


def rasterize(
    means: Tensor,
    quats: Tensor,
    scales: Tensor,
    opacities: Tensor,
    colors: Tensor,
    w2c: Tensor,
    intrinsics: Tensor,
    background: Tensor,
    width: int,
    height: int,
    near: float,
    eps2d: float,
    antialiased: bool,
) -> tuple[Tensor, Tensor]:
    """Does `splatting.rasterize` with checked arguments."""
    (B, V), D = w2c.shape[:2], colors.shape[-1]
    means, quats, scales, opacities, _ = finite_only(means, quats, scales, opacities)
    colors = colors if colors.ndim == 4 else colors[:, None].expand(B, V, *colors.shape[1:])
    image, alpha, _ = _package().rasterization(
        means,
        quats,
        scales,
        opacities,
        colors.contiguous(),
        w2c,
        camera_matrices(intrinsics),
        width,
        height,
        near_plane=near,
        eps2d=eps2d,
        packed=False,
        backgrounds=background.expand(B, V, D).contiguous(),
        rasterize_mode="antialiased" if antialiased else "classic",
    )
    # image [B, V, H, W, D], alpha [B, V, H, W, 1]
    return image.movedim(-1, 2).contiguous(), alpha.movedim(-1, 2).contiguous()


def camera_matrices(intrinsics: Tensor) -> Tensor:
    """Returns K [..., 3, 3] of (fx, fy, cx, cy) [..., 4]."""
    fx, fy, cx, cy = intrinsics.unbind(-1)
    zero, one = torch.zeros_like(fx), torch.ones_like(fx)
    return torch.stack([fx, zero, cx, zero, fy, cy, zero, zero, one], dim=-1).unflatten(-1, (3, 3))
