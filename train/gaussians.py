"""Gaussians, and their differentiable rendering: a C kernel on the CPU (`splat.c`) and the plain-torch twin, which runs on any device.

Frames: OpenCV cameras (+x right, +y down, +z forward), intrinsics in pixels, the centre of row i, column j at (j + 0.5, i + 0.5).
Semantics are those of gsplat 1.5's classic mode: EWA projection with `eps2d` added to the 2D covariance, alpha capped at 0.999 and dropped
under 1/255, compositing front to back by depth, and a pixel closed before the Gaussian that would take its transmittance to 1e-4 or less.
"""
import math
from dataclasses import dataclass, fields
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from train import splat

ALPHA_MAX = 0.999
ALPHA_MIN = 1 / 255
TRANSMITTANCE_MIN = 1e-4
TILE = 8  # pixels; the twin's own choice, splat.c has its own
TWIN_BUDGET = 4_000_000  # (tile, Gaussian, pixel) triples alive at once: 16 MB a temporary in float32
SH_C0 = 0.28209479177387814  # 1 / (2 sqrt(pi))
BACKENDS = ("auto", "c", "torch")


@dataclass
class Gaussians:
    """Fields after activation, any leading dimensions, world frame.

    means [..., N, 3]; quats [..., N, 4] wxyz, of any length; scales [..., N, 3], standard deviations; opacities [..., N] in 0..1;
    sh [..., N, K, 3], K = (degree + 1)², the 3DGS basis: degree 0 shows 0.5 + 0.2821 sh. Raises ValueError for a wrong shape.
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
        """The same function on every field, e.g. `gaussians.map(lambda x: x.to(device))` or `.map(lambda x: x[0])`."""
        return Gaussians(*(function(getattr(self, field.name)) for field in fields(self)))


def render(gaussians: Gaussians, w2c: Tensor, intrinsics: Tensor, width: int, height: int, *, background=None, antialiased: bool = False,
           backend: str = "auto") -> tuple[Tensor, Tensor]:
    """(image, alpha) of Gaussians [B, N] in cameras [B, V], or of Gaussians [N] in cameras [V]: `rasterize` after the harmonics.

    image [B, V, 3, H, W] on the background, alpha [B, V, 1, H, W]; without B when the input has none.
    """
    if gaussians.opacities.ndim == 1:
        image, alpha = render(gaussians.map(lambda x: x[None]), w2c[None], intrinsics[None], width, height, background=background,
                              antialiased=antialiased, backend=backend)
        return image[0], alpha[0]
    colors = sh_colors(gaussians.sh, gaussians.means, w2c)
    return rasterize(gaussians.means, gaussians.quats, gaussians.scales, gaussians.opacities, colors, w2c, intrinsics, width, height,
                     background=background, antialiased=antialiased, backend=backend)


def rasterize(means: Tensor, quats: Tensor, scales: Tensor, opacities: Tensor, colors: Tensor, w2c: Tensor, intrinsics: Tensor,
              width: int, height: int, *, background=None, near: float = 0.01, eps2d: float = 0.3, antialiased: bool = False,
              backend: str = "auto") -> tuple[Tensor, Tensor]:
    """(image [B, V, D, H, W] composited on the background, alpha [B, V, 1, H, W]).

    means [B, N, 3], quats [B, N, 4] wxyz, scales [B, N, 3], opacities [B, N], colors [B, N, D] or, per view, [B, V, N, D]: differentiable.
    w2c [B, V, 4, 4], intrinsics [B, V, 4] (fx, fy, cx, cy): not differentiable. background: [D], a number, or None for 0. near: Gaussians
    whose centre is nearer are dropped. eps2d: pixels², added to the 2D variance; `antialiased` lowers the opacity to make up for it.
    backend: "c" (CPU, float32), "torch" (any device and type), or "auto", the first that can. Gaussians with a value that is not finite
    are not drawn. Raises ValueError naming the argument.
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
        raise ValueError(f"means ... colors: expected one type and device, got {', '.join(f'{x.dtype} on {x.device}' for x in tensors)}")
    cameras = [x.detach().to(tensors[0]) for x in (w2c, intrinsics)]
    options = (background, int(width), int(height), near, eps2d, antialiased)
    if _backend(backend, tensors) == "c":
        return splat.rasterize(*tensors, *cameras, *options)
    with torch.autocast(means.device.type, enabled=False):
        return rasterize_torch(*tensors, *cameras, *options)


def describe() -> str:
    """One line for `verse doctor`: the CPU backend in use, and why."""
    kernel, reason = splat.load()
    return f"splatting: {'C kernel' if kernel else 'plain torch (slower)'}: {reason}"


def _backend(name: str, tensors: list[Tensor]) -> str:
    if name not in BACKENDS:
        raise ValueError(f"backend: expected one of {', '.join(BACKENDS)}, got {name!r}")
    if name == "torch":
        return "torch"
    plain = tensors[0].device.type == "cpu" and tensors[0].dtype == torch.float32 and tensors[-1].shape[-1] <= splat.MAX_CHANNELS
    if name == "auto":
        return "c" if plain and splat.load()[0] else "torch"
    if not plain:
        raise ValueError(f"backend: 'c' takes float32 on the CPU and at most {splat.MAX_CHANNELS} channels, "
                         f"got {tensors[0].dtype} on {tensors[0].device}, {tensors[-1].shape[-1]} channels")
    if not splat.load()[0]:
        raise ValueError(f"backend: 'c' is not available: {splat.load()[1]}")
    return "c"


def _background(background, channels: int, like: Tensor) -> Tensor:  # [D]
    if background is None:
        background = 0.0
    if isinstance(background, Tensor) and background.requires_grad:
        raise ValueError("background: expected a constant, got a tensor that requires a gradient; composite with alpha instead")
    background = torch.as_tensor(background, dtype=torch.promote_types(like.dtype, torch.float32), device=like.device)
    if background.ndim == 0:
        return background.expand(channels).contiguous()
    _expect("background", background, [channels])
    return background


def _expect(name: str, tensor: Tensor, shape: list) -> torch.Size:
    """The tensor's shape, which must match: an integer is that size, a name is any size."""
    matches = tensor.ndim == len(shape) and all(isinstance(want, str) or want == got for want, got in zip(shape, tensor.shape))
    if not matches:
        raise ValueError(f"{name}: expected [{', '.join(map(str, shape))}], got {list(tensor.shape)}")
    return tensor.shape


# Colour from spherical harmonics


def sh_colors(sh: Tensor, means: Tensor, w2c: Tensor) -> Tensor:
    """Colours, clamped at 0 as every 3DGS viewer does: [B, N, 3] at degree 0, else per view [B, V, N, 3].

    sh [B, N, K, 3], means [B, N, 3], w2c [B, V, 4, 4]. As in 3DGS, the direction is from the camera's centre to the Gaussian's.
    """
    if sh.shape[-2] == 1:
        return (0.5 + SH_C0 * sh[..., 0, :]).clamp_min(0)
    centers = -(w2c[..., :3, :3].transpose(-1, -2) @ w2c[..., :3, 3:])[..., 0]  # [B, V, 3]
    directions = F.normalize(means[:, None] - centers[:, :, None].to(means), dim=-1)  # [B, V, N, 3]
    basis = sh_basis(directions, math.isqrt(sh.shape[-2]) - 1)  # [B, V, N, K]
    return (0.5 + torch.einsum("bvnk,bnkc->bvnc", basis, sh)).clamp_min(0)


def sh_basis(directions: Tensor, degree: int) -> Tensor:
    """Real spherical harmonics [..., (degree + 1)²] of unit directions [..., 3], with the signs and order of 3DGS."""
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
        basis += [-a * y * (3 * x * x - y * y), b * x * y * z, -c * y * (5 * z * z - 1), math.sqrt(7 / (16 * math.pi)) * z * (5 * z * z - 3),
                  -c * x * (5 * z * z - 1), b / 2 * z * (x * x - y * y), -a * x * (x * x - 3 * y * y)]
    return torch.stack(basis, dim=-1)


# The plain-torch twin


class Projected(NamedTuple):
    """Gaussians on the image planes, in pixels. An invisible one has opacity 0, and no gradient flows into it."""

    means2d: Tensor  # [B, V, N, 2]
    conics: Tensor  # [B, V, N, 3]: xx, xy, yy of the inverse 2D covariance
    opacities: Tensor  # [B, V, N]
    depths: Tensor  # [B, V, N]
    extents: Tensor  # [B, V, N, 2]: half sides of the box outside which alpha < 1/255


def rasterize_torch(means, quats, scales, opacities, colors, w2c, intrinsics, background, width, height, near, eps2d, antialiased):
    """`rasterize` with checked arguments. Memory is bounded: tiles are composited in groups, each recomputed for its backward pass."""
    projected = project(means, quats, scales, opacities, w2c, intrinsics, width, height, near, eps2d, antialiased)
    B, V, N = projected.depths.shape
    members, starts = bin_tiles(projected, width, height)
    if colors.ndim == 3:
        colors = colors[:, None].expand(B, V, N, -1)
    inputs = (projected.means2d.reshape(-1, 2), projected.conics.reshape(-1, 3), projected.opacities.reshape(-1, 1),
              colors.reshape(B * V * N, colors.shape[-1]))
    inputs = [F.pad(x, (0, 0, 0, 1)) for x in inputs]  # one more, with opacity 0, fills the short lists
    members = F.pad(members, (0, 1), value=B * V * N)
    rows, columns = _tile_grid(width, height)
    groups = _groups(starts.diff())
    outputs = [checkpoint(_composite, tiles, size, members, starts, columns, rows, background, *inputs, use_reentrant=False,
                          preserve_rng_state=False) for tiles, size in groups]  # each [t, D + 1, TILE * TILE]
    order = torch.cat([tiles for tiles, _ in groups]).argsort()
    picture = torch.cat(outputs)[order].reshape(B, V, rows, columns, -1, TILE, TILE)
    picture = picture.permute(0, 1, 4, 2, 5, 3, 6).reshape(B, V, -1, rows * TILE, columns * TILE)[..., :height, :width]
    return picture[:, :, :-1].contiguous(), picture[:, :, -1:].contiguous()


def project(means, quats, scales, opacities, w2c, intrinsics, width, height, near, eps2d, antialiased) -> Projected:
    """Local affine (EWA) projection, Zwicker et al. 2002; directions are clamped in the Jacobian 30 % of a half image outside, as in gsplat."""
    finite = torch.stack([x.isfinite().all(-1) for x in (means, quats, scales, opacities[..., None])]).all(0)  # [B, N]
    means, quats, scales = (torch.where(finite[..., None], x, x.new_ones(())) for x in (means, quats, scales))
    rotation = w2c[..., :3, :3]
    local = torch.einsum("bvij,bnj->bvni", rotation, means) + w2c[..., None, :3, 3]  # [B, V, N, 3]
    depths = local[..., 2]
    visible = finite[:, None] & (depths > near)
    x, y, z = torch.where(visible[..., None], local, local.new_ones(())).unbind(-1)

    fx, fy, cx, cy = (intrinsics[..., i, None] for i in range(4))  # [B, V, 1]
    x, y = x / z, y / z
    means2d = torch.stack([fx * x + cx, fy * y + cy], dim=-1)
    x = torch.maximum(torch.minimum(x, (1.15 * width - cx) / fx), -(cx + 0.15 * width) / fx)
    y = torch.maximum(torch.minimum(y, (1.15 * height - cy) / fy), -(cy + 0.15 * height) / fy)
    axes = torch.einsum("bvij,bnjk->bvnik", rotation, rotations(quats) * scales[..., None, :])  # columns: scaled axes in the camera
    with torch.no_grad():
        *_, det = _covariance(axes, x, y, fx / z, fy / z, eps2d)
        visible = visible & det.isfinite() & (det > 0)
    axes = torch.where(visible[..., None, None], axes, axes.new_ones(()))  # before the squares: 0 times an overflow is NaN
    uu, uv, vv, area, det = _covariance(axes, x, y, fx / z, fy / z, eps2d)
    det = torch.where(visible, det, det.new_ones(()))
    conics = torch.stack([vv + eps2d, -uv, uu + eps2d], dim=-1) / det[..., None]
    drawn = opacities[:, None]
    if antialiased:
        drawn = drawn * (area / det).clamp_min(1e-12).sqrt()  # clamped: the root's slope at 0 is infinite
    drawn = torch.where(visible, drawn, drawn.new_zeros(()))
    with torch.no_grad():
        reach = 2 * torch.log(255 * drawn.clamp_min(1e-30))  # squared Mahalanobis radius where alpha is 1/255
        variances = torch.stack([uu, vv], dim=-1) + eps2d
        extents = (reach.clamp_min(0)[..., None] * variances).sqrt() * 1.001 + 0.01
        extents = torch.where((reach >= 0)[..., None], extents, -extents.new_ones(()))
    return Projected(means2d, conics, drawn, depths, extents)


def _covariance(axes, x, y, zoom_x, zoom_y, eps2d) -> tuple[Tensor, ...]:
    """Variances uu, uv, vv in pixels² and their determinant, without eps2d; and the determinant with it: each [B, V, N]."""
    u = zoom_x[..., None] * (axes[..., 0, :] - x[..., None] * axes[..., 2, :])  # rows of the 2 x 3 map from the unit sphere to pixels
    v = zoom_y[..., None] * (axes[..., 1, :] - y[..., None] * axes[..., 2, :])
    uu, uv, vv = u.square().sum(-1), (u * v).sum(-1), v.square().sum(-1)
    area = torch.linalg.cross(u, v).square().sum(-1)  # Cauchy-Binet: no cancellation, so never negative
    return uu, uv, vv, area, area + eps2d * (uu + vv) + eps2d * eps2d


def rotations(quats: Tensor) -> Tensor:
    """[..., 3, 3] of wxyz quaternions of any length; a zero quaternion is the identity."""
    w, x, y, z = F.normalize(quats, dim=-1).unbind(-1)
    rows = [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
            2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
            2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]
    return torch.stack(rows, dim=-1).reshape(*quats.shape[:-1], 3, 3)


def _tile_grid(width: int, height: int) -> tuple[int, int]:
    return -(-height // TILE), -(-width // TILE)


@torch.no_grad()
def bin_tiles(projected: Projected, width: int, height: int) -> tuple[Tensor, Tensor]:
    """(members, starts): tile t of all images holds members[starts[t]:starts[t + 1]], flat indices into [B, V, N], nearest first."""
    B, V, N = projected.depths.shape
    rows, columns = _tile_grid(width, height)
    grid = projected.means2d.new_tensor([columns, rows])
    low = ((projected.means2d - projected.extents) / TILE).floor().clamp_min(0).minimum(grid).long().reshape(-1, 2)
    high = ((projected.means2d + projected.extents) / TILE).floor().add(1).clamp_min(0).minimum(grid).long().reshape(-1, 2)
    size = torch.where((projected.extents > 0).reshape(-1, 2), high - low, 0).clamp_min(0)  # [B * V * N, 2] tiles across and down

    images = torch.arange(B * V, device=size.device)
    order = (projected.depths.reshape(B * V, N).argsort(dim=1, stable=True) + images[:, None] * N).reshape(-1)
    count = size[order].prod(-1)
    which = order.repeat_interleave(count)
    rank = torch.arange(len(which), device=size.device) - (count.cumsum(0) - count).repeat_interleave(count)
    across = size[which, 0]
    row, column = low[which, 1] + rank // across, low[which, 0] + rank % across
    tile, by_tile = ((which // N * rows + row) * columns + column).sort(stable=True)
    starts = torch.searchsorted(tile, torch.arange(B * V * rows * columns + 1, device=size.device))
    return which[by_tile], starts


def _groups(lengths: Tensor) -> list[tuple[Tensor, int]]:
    """Tiles with lists of similar length: [(tile indices, longest list)], each group within the budget."""
    order = lengths.argsort(descending=True)
    sizes = lengths[order].clamp_min(1).tolist()
    groups, start = [], 0
    while start < len(sizes):
        limit = start + max(1, TWIN_BUDGET // (sizes[start] * TILE * TILE))
        stop = start + 1
        while stop < min(limit, len(sizes)) and sizes[stop] * 1.5 >= sizes[start]:
            stop += 1
        groups.append((order[start:stop], sizes[start]))
        start = stop
    return groups


def _composite(tiles, size, members, starts, columns, rows, background, means2d, conics, opacities, colors) -> Tensor:
    """[t, D + 1, TILE * TILE]: colour on the background, then alpha, of some tiles."""
    position = starts[tiles][:, None] + torch.arange(size, device=tiles.device)
    index = members[torch.where(position < starts[tiles + 1][:, None], position, len(members) - 1)]  # [t, K]
    corner = torch.stack([tiles % columns, tiles // columns % rows], dim=-1) * TILE  # [t, 2]
    step = torch.arange(TILE * TILE, device=tiles.device)
    offset = means2d[index] - (corner[:, None] + 0.5)  # of the tile's first pixel centre: small numbers, so exact in float32
    dx = step % TILE - offset[..., :1]  # [t, K, TILE * TILE]
    dy = step // TILE - offset[..., 1:]

    a, b, c = conics[index].unsqueeze(-2).unbind(-1)
    falloff = (-0.5 * (a * dx * dx + c * dy * dy) - b * dx * dy).clamp_max(0).exp()
    alpha = opacities[index] * falloff  # [t, K, TILE * TILE]
    alpha = torch.where(alpha >= ALPHA_MIN, alpha.clamp_max(ALPHA_MAX), alpha.new_zeros(()))
    survival = torch.log1p(-alpha)
    after = survival.cumsum(1)  # log transmittance behind each Gaussian
    open_ = after > math.log(TRANSMITTANCE_MIN)
    weights = torch.where(open_, alpha * (after - survival).exp(), alpha.new_zeros(()))
    through = torch.where(open_, survival, alpha.new_zeros(())).sum(1, keepdim=True).exp()  # [t, 1, TILE * TILE]
    color = colors[index].transpose(1, 2) @ weights + background[:, None] * through
    return torch.cat([color, 1 - through], dim=1)
