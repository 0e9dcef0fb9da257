"""Gaussians, and their differentiable rendering: a C kernel on the CPU, Triton kernels on a GPU, and the plain-torch
twin, which runs anywhere.

Frames: OpenCV cameras (+x right, +y down, +z forward), intrinsics in pixels, the centre of row i, column j at (j + 0.5,
i + 0.5). Semantics are those of gsplat 1.5's classic mode: EWA projection with `eps2d` added to the 2D covariance,
alpha capped at 0.999 and dropped under 1/255, compositing front to back by depth, and a pixel closed before the
Gaussian that would take its transmittance to 1e-4 or less.
"""

import importlib
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cache
from types import ModuleType

import torch
import torch.nn.functional as F
from torch import Tensor

from train.geometry.cameras import camera_centers

EPS2D = 0.3  # pixels², what the classic mode adds to the variance of every splat
SH_C0 = 0.28209479177387814  # 1 / (2 sqrt(pi))
BACKENDS = (  # name, module with `rasterize` and `refusal`, the device on which "auto" asks it before it takes the last
    ("c", "train.splatting.backend_c", "cpu"),
    ("triton", "train.splatting.backend_triton", "cuda"),
    ("gsplat", "train.splatting.backend_gsplat", None),
    ("torch", "train.splatting.backend_torch", None),
)

log = logging.getLogger(__name__)


@dataclass
class Gaussians:
    """Fields after activation, any leading dimensions, world frame.

    means [..., N, 3]; quats [..., N, 4] wxyz, of any length; scales [..., N, 3], standard deviations; opacities [...,
    N] in 0..1; sh [..., N, K, 3], K = (degree + 1)², the 3DGS basis: degree 0 shows 0.5 + 0.2821 sh. Raises ValueError
    for a wrong shape.
    """

    means: Tensor
    quats: Tensor
    scales: Tensor
    opacities: Tensor
    sh: Tensor

    def __post_init__(self):
        lead = list(self.opacities.shape)
        for name, tail in (("means", [3]), ("quats", [4]), ("scales", [3]), ("sh", ["K", 3])):
            _expect(name, getattr(self, name), lead + tail)
        if self.sh.shape[-2] not in (1, 4, 9, 16):
            raise ValueError(f"sh: expected K of 1, 4, 9 or 16 (degree 0 to 3), got {self.sh.shape[-2]}")

    @property
    def degree(self) -> int:
        return math.isqrt(self.sh.shape[-2]) - 1

    def __len__(self) -> int:
        return self.opacities.shape[-1]

    def map(self, function) -> "Gaussians":
        """Returns the same function on every field, e.g. `gaussians.map(lambda x: x.to(device))` or `.map(lambda x:
        x[0])`.
        """
        return Gaussians(*(function(getattr(self, field.name)) for field in fields(self)))


def render(
    gaussians: Gaussians,
    w2c: Tensor,
    intrinsics: Tensor,
    width: int,
    height: int,
    *,
    background=None,
    antialiased: bool = False,
    backend: str = "auto",
) -> tuple[Tensor, Tensor]:
    """Returns (image, alpha) of Gaussians [B, N] in cameras [B, V], or of Gaussians [N] in cameras [V]: `rasterize`
    after the harmonics.

    image [B, V, 3, H, W] on the background, alpha [B, V, 1, H, W]; without B when the input has none.
    """
    if gaussians.opacities.ndim == 1:
        image, alpha = render(
            gaussians.map(lambda x: x[None]),
            w2c[None],
            intrinsics[None],
            width,
            height,
            background=background,
            antialiased=antialiased,
            backend=backend,
        )
        return image[0], alpha[0]
    colors = sh_colors(gaussians.sh, gaussians.means, w2c)
    return rasterize(
        gaussians.means,
        gaussians.quats,
        gaussians.scales,
        gaussians.opacities,
        colors,
        w2c,
        intrinsics,
        width,
        height,
        background=background,
        antialiased=antialiased,
        backend=backend,
    )


def rasterize(
    means: Tensor,
    quats: Tensor,
    scales: Tensor,
    opacities: Tensor,
    colors: Tensor,
    w2c: Tensor,
    intrinsics: Tensor,
    width: int,
    height: int,
    *,
    background=None,
    near: float = 0.01,
    eps2d: float = EPS2D,
    antialiased: bool = False,
    backend: str = "auto",
) -> tuple[Tensor, Tensor]:
    """Returns (image [B, V, D, H, W] composited on the background, alpha [B, V, 1, H, W]).

    means [B, N, 3], quats [B, N, 4] wxyz, scales [B, N, 3], opacities [B, N], colors [B, N, D] or, per view, [B, V, N,
    D]: differentiable. w2c [B, V, 4, 4], intrinsics [B, V, 4] (fx, fy, cx, cy): not differentiable. background: [D], a
    number, or None for 0. near: Gaussians whose centre is nearer are dropped. eps2d: pixels², added to the 2D variance;
    `antialiased` lowers the opacity to make up for it. Gaussians with a value that is not finite are not rendered.
    backend: "c" (CPU, float32), "triton" (CUDA, float32), "gsplat" (the same, if installed), "torch" (any device and
    type), or "auto": "c" or "triton" if it can, else "torch". Raises ValueError naming the argument, and ImportError
    where a backend that was asked for lacks its package.
    """
    B, N = _expect("opacities", opacities, ["B", "N"])
    _expect("means", means, [B, N, 3])
    _expect("quats", quats, [B, N, 4])
    _expect("scales", scales, [B, N, 3])
    V = _expect("w2c", w2c, [B, "V", 4, 4])[1]
    _expect("intrinsics", intrinsics, [B, V, 4])
    D = _expect("colors", colors, [B, N, "D"] if colors.ndim == 3 else [B, V, N, "D"])[-1]
    if width < 1 or height < 1:
        raise ValueError(f"image size: expected positive, got {width} x {height}")
    background = _background(background, D, means)
    tensors = [means, quats, scales, opacities, colors]
    if any(x.dtype in (torch.float16, torch.bfloat16) for x in tensors):
        tensors = [x.float() for x in tensors]
    if len({(x.dtype, x.device) for x in tensors}) > 1:
        raise ValueError(
            f"means ... colors: expected one type and device, got "
            f"{', '.join(f'{x.dtype} on {x.device}' for x in tensors)}"
        )
    cameras = [x.detach().to(tensors[0]) for x in (w2c, intrinsics)]
    with torch.autocast(means.device.type, enabled=False):
        return _backend(backend, tensors).rasterize(
            *tensors, *cameras, background, int(width), int(height), float(near), float(eps2d), bool(antialiased)
        )


def describe() -> str:
    """Returns one line for `verse doctor`: what "auto" takes on a CPU and on a GPU, and why."""
    first = {device: importlib.import_module(module) for _, module, device in BACKENDS if device}
    return f"on the CPU {first['cpu'].describe()}; on a GPU {first['cuda'].describe()}"


_chosen: ModuleType | None = None  # what renders while `using` is in force


@contextmanager
def using(module: ModuleType) -> Iterator[None]:
    """Lets one module render everything, whatever was asked for and whether or not it would refuse."""
    global _chosen
    before, _chosen = _chosen, module
    try:
        yield
    finally:
        _chosen = before


def _backend(name: str, tensors: list[Tensor]) -> ModuleType:
    """Returns the module that renders. Raises ValueError or ImportError where the one that was asked for cannot."""
    if _chosen is not None:
        return _chosen
    modules = {row: module for row, module, _ in BACKENDS}
    if name == "auto":
        asked = (importlib.import_module(module) for _, module, device in BACKENDS if device == tensors[0].device.type)
        return next((module for module in asked if _can(module, tensors)), importlib.import_module(modules["torch"]))
    if name not in modules:
        raise ValueError(f"backend: expected one of auto, {', '.join(modules)}, got {name!r}")
    module = importlib.import_module(modules[name])
    if reason := module.refusal(tensors):
        raise ValueError(f"backend: {name!r} {reason}")
    return module


def _can(module: ModuleType, tensors: list[Tensor]) -> bool:
    try:
        return not module.refusal(tensors)
    except ImportError as error:
        _warn_once(f"plain torch, which is slow, instead of a splatting kernel: {error}")
        return False


@cache
def _warn_once(text: str) -> None:
    log.warning(text)


def _background(background, channels: int, like: Tensor) -> Tensor:  # [D]
    dtype = torch.promote_types(like.dtype, torch.float32)
    if background is None or isinstance(background, (int, float)):  # filled on the device: a copy would wait for it
        return torch.full((channels,), background or 0.0, dtype=dtype, device=like.device)
    if isinstance(background, Tensor) and background.requires_grad:
        raise ValueError(
            "background: expected a constant, got a tensor that requires a gradient; composite with alpha instead"
        )
    background = torch.as_tensor(background, dtype=dtype, device=like.device)
    if background.ndim == 0:
        return background.expand(channels).contiguous()
    _expect("background", background, [channels])
    return background


def _expect(name: str, tensor: Tensor, shape: list) -> torch.Size:
    """The tensor's shape, which must match: an integer is that size, a name is any size."""
    matches = tensor.ndim == len(shape) and all(
        isinstance(want, str) or want == got for want, got in zip(shape, tensor.shape)
    )
    if not matches:
        raise ValueError(f"{name}: expected [{', '.join(map(str, shape))}], got {list(tensor.shape)}")
    return tensor.shape


# Colour from spherical harmonics


def sh_colors(sh: Tensor, means: Tensor, w2c: Tensor) -> Tensor:
    """Returns colours, clamped at 0 as every 3DGS viewer does: [B, N, 3] at degree 0, else per view [B, V, N, 3].

    sh [B, N, K, 3], means [B, N, 3], w2c [B, V, 4, 4]. As in 3DGS, the direction is from the camera's centre to the
    Gaussian's.
    """
    if sh.shape[-2] == 1:
        return (0.5 + SH_C0 * sh[..., 0, :]).clamp_min(0)
    centers = camera_centers(w2c).to(means)  # [B, V, 3]
    directions = F.normalize(means[:, None] - centers[:, :, None], dim=-1)  # [B, V, N, 3]
    basis = sh_basis(directions, math.isqrt(sh.shape[-2]) - 1)  # [B, V, N, K]
    return (0.5 + torch.einsum("bvnk,bnkc->bvnc", basis, sh)).clamp_min(0)


def sh_basis(directions: Tensor, degree: int) -> Tensor:
    """Returns real spherical harmonics [..., (degree + 1)²] of unit directions [..., 3], with the signs and order of
    3DGS.
    """
    x, y, z = directions.unbind(-1)
    basis = [torch.full_like(x, SH_C0)]
    if degree >= 1:
        c1 = math.sqrt(3 / (4 * math.pi))
        basis += [-c1 * y, c1 * z, -c1 * x]
    if degree >= 2:
        c2 = math.sqrt(15 / (4 * math.pi))
        basis += [c2 * x * y, -c2 * y * z, c2 / math.sqrt(12) * (3 * z * z - 1), -c2 * x * z, c2 / 2 * (x * x - y * y)]
    if degree >= 3:
        a, b, c = (math.sqrt(k / (4 * math.pi)) for k in (35 / 8, 105, 21 / 8))
        basis += [
            -a * y * (3 * x * x - y * y),
            b * x * y * z,
            -c * y * (5 * z * z - 1),
            math.sqrt(7 / (16 * math.pi)) * z * (5 * z * z - 3),
            -c * x * (5 * z * z - 1),
            b / 2 * z * (x * x - y * y),
            -a * x * (x * x - 3 * y * y),
        ]
    return torch.stack(basis, dim=-1)
