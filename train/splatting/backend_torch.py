"""The plain-torch twin of the splatting kernels: any device, any floating type, gradients by autograd.
`train/splatting/__init__.py` has the semantics.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

ALPHA_MAX = 0.999
ALPHA_MIN = 1 / 255
TRANSMITTANCE_MIN = 1e-4
RATIO_MIN = 1e-12  # of the anti-aliasing root's argument: its slope at 0 is infinite
TILE = 8  # pixels; kernels.c has its own
BUDGET = 4_000_000  # (tile, Gaussian, pixel) triples alive at once: 16 MB a temporary in float32


class Projected(NamedTuple):
    """Gaussians on the image planes, in pixels. An invisible one has opacity 0, and no gradient flows into it."""

    means2d: Tensor  # [B, V, N, 2]
    conics: Tensor  # [B, V, N, 3]: xx, xy, yy of the inverse 2D covariance
    opacities: Tensor  # [B, V, N]
    depths: Tensor  # [B, V, N]
    extents: Tensor  # [B, V, N, 2]: half sides of the box outside which alpha < 1/255


def refusal(tensors: list[Tensor]) -> str:
    """Returns why this backend cannot render (means ... colors): it always can."""
    return ""


def rasterize(
    means, quats, scales, opacities, colors, w2c, intrinsics, background, width, height, near, eps2d, antialiased
) -> tuple[Tensor, Tensor]:
    """Does `splatting.rasterize` with checked arguments. Memory is bounded: tiles are composited in groups, each
    recomputed for its backward pass.
    """
    projected = project(means, quats, scales, opacities, w2c, intrinsics, width, height, near, eps2d, antialiased)
    B, V, N = projected.depths.shape
    members, starts, *_ = bin_tiles(projected, width, height)
    if colors.ndim == 3:
        colors = colors[:, None].expand(B, V, N, -1)
    inputs = (
        projected.means2d.reshape(-1, 2),
        projected.conics.reshape(-1, 3),
        projected.opacities.reshape(-1, 1),
        colors.reshape(B * V * N, colors.shape[-1]),
    )
    inputs = [F.pad(x, (0, 0, 0, 1)) for x in inputs]  # one more, with opacity 0, fills the short lists
    members = F.pad(members, (0, 1), value=B * V * N)
    rows, columns = _tile_grid(width, height)
    groups = _groups(starts.diff())
    outputs = [
        checkpoint(
            _composite,
            tiles,
            size,
            members,
            starts,
            columns,
            rows,
            background,
            *inputs,
            use_reentrant=False,
            preserve_rng_state=False,
        )
        for tiles, size in groups
    ]  # each [t, D + 1, TILE * TILE]
    order = torch.cat([tiles for tiles, _ in groups]).argsort()
    picture = torch.cat(outputs)[order].reshape(B, V, rows, columns, -1, TILE, TILE)
    picture = picture.permute(0, 1, 4, 2, 5, 3, 6).reshape(B, V, -1, rows * TILE, columns * TILE)[..., :height, :width]
    return picture[:, :, :-1].contiguous(), picture[:, :, -1:].contiguous()


def project(means, quats, scales, opacities, w2c, intrinsics, width, height, near, eps2d, antialiased) -> Projected:
    """Projects Gaussians by the local affine (EWA) projection, Zwicker et al. 2002; directions are clamped in the
    Jacobian 30 % of a half image outside, as in gsplat.
    """
    means, quats, scales, opacities, finite = finite_only(means, quats, scales, opacities)
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
    axes = torch.einsum(
        "bvij,bnjk->bvnik", rotation, rotations(quats) * scales[..., None, :]
    )  # columns: scaled axes in the camera
    with torch.no_grad():
        *_, det = _covariance(axes, x, y, fx / z, fy / z, eps2d)
        visible = visible & det.isfinite() & (det > 0)
    axes = torch.where(
        visible[..., None, None], axes, axes.new_ones(())
    )  # before the squares: 0 times an overflow is NaN
    uu, uv, vv, area, det = _covariance(axes, x, y, fx / z, fy / z, eps2d)
    det = torch.where(visible, det, det.new_ones(()))
    conics = torch.stack([vv + eps2d, -uv, uu + eps2d], dim=-1) / det[..., None]
    drawn = opacities[:, None]
    if antialiased:
        drawn = drawn * (area / det).clamp_min(RATIO_MIN).sqrt()
    drawn = torch.where(visible, drawn, drawn.new_zeros(()))
    with torch.no_grad():
        reach = 2 * torch.log(255 * drawn.clamp_min(1e-30))  # squared Mahalanobis radius where alpha is 1/255
        variances = torch.stack([uu, vv], dim=-1) + eps2d
        extents = (reach.clamp_min(0)[..., None] * variances).sqrt() * 1.001 + 0.01
        extents = torch.where((reach >= 0)[..., None], extents, -extents.new_ones(()))
    return Projected(means2d, conics, drawn, depths, extents)


def finite_only(means: Tensor, quats: Tensor, scales: Tensor, opacities: Tensor) -> tuple[Tensor, ...]:
    """Returns the same and which are finite [B, N]; Gaussians with any value that is not have ones, and opacity 0,
    instead, and get no gradient.
    """
    finite = torch.stack([x.isfinite().all(-1) for x in (means, quats, scales, opacities[..., None])]).all(0)
    means, quats, scales = (torch.where(finite[..., None], x, x.new_ones(())) for x in (means, quats, scales))
    return means, quats, scales, torch.where(finite, opacities, opacities.new_zeros(())), finite


def _covariance(axes, x, y, zoom_x, zoom_y, eps2d) -> tuple[Tensor, ...]:
    """Variances uu, uv, vv in pixels² and their determinant, without eps2d; and the determinant with it: each [B, V,
    N].
    """
    u = zoom_x[..., None] * (
        axes[..., 0, :] - x[..., None] * axes[..., 2, :]
    )  # rows of the 2 x 3 map from the unit sphere to pixels
    v = zoom_y[..., None] * (axes[..., 1, :] - y[..., None] * axes[..., 2, :])
    uu, uv, vv = u.square().sum(-1), (u * v).sum(-1), v.square().sum(-1)
    area = torch.linalg.cross(u, v).square().sum(-1)  # Cauchy-Binet: no cancellation, so never negative
    return uu, uv, vv, area, area + eps2d * (uu + vv) + eps2d * eps2d


def rotations(quats: Tensor) -> Tensor:
    """Returns the matrices [..., 3, 3] of wxyz quaternions of any length; a zero quaternion is the identity."""
    w, x, y, z = F.normalize(quats, dim=-1).unbind(-1)
    rows = [
        1 - 2 * (y * y + z * z),
        2 * (x * y - w * z),
        2 * (x * z + w * y),
        2 * (x * y + w * z),
        1 - 2 * (x * x + z * z),
        2 * (y * z - w * x),
        2 * (x * z - w * y),
        2 * (y * z + w * x),
        1 - 2 * (x * x + y * y),
    ]
    return torch.stack(rows, dim=-1).reshape(*quats.shape[:-1], 3, 3)


def _tile_grid(width: int, height: int) -> tuple[int, int]:
    return -(-height // TILE), -(-width // TILE)


class TileLists(NamedTuple):
    """Tile t of some images holds members[starts[t]:starts[t + 1]], nearest first.

    The same pairs, Gaussian by Gaussian: those of order[i] have the places first[i]:first[i + 1], and places[j] is that
    of members[j].
    """

    members: Tensor  # [pairs], flat indices into [B, V, N]
    starts: Tensor  # [images * tiles + 1]
    places: Tensor  # [pairs]
    order: Tensor  # [images * N], flat indices, image by image, nearest first
    first: Tensor  # [images * N + 1]


class Cover(NamedTuple):
    """The tiles that a Gaussian's box covers on its image, [B * V, N, 2] each, x before y: the first, and how many, 0
    for what is not rendered.
    """

    low: Tensor
    size: Tensor


@torch.no_grad()
def bin_tiles(projected: Projected, width: int, height: int) -> TileLists:
    """Returns the tile lists of all images. One wait for the device, to learn the number of pairs."""
    cover = covered_tiles(projected.means2d, projected.extents, width, height)
    return list_tiles(projected.depths.flatten(0, 1), cover, width, height, int(cover.size.prod(-1).sum()))


@torch.no_grad()
def covered_tiles(means2d: Tensor, extents: Tensor, width: int, height: int) -> Cover:
    """Returns the first tile and the number of tiles of each Gaussian, both [B, V, N, 2]."""
    rows, columns = _tile_grid(width, height)
    grid = means2d.new_full((2,), columns)
    grid[1] = rows  # filled, not copied, over there: a copy would wait for the device
    low = ((means2d - extents) / TILE).floor().clamp_min(0).minimum(grid).int().flatten(0, 1)
    high = ((means2d + extents) / TILE).floor().add(1).clamp_min(0).minimum(grid).int().flatten(0, 1)
    return Cover(low, torch.where(extents.flatten(0, 1) > 0, high - low, 0).clamp_min(0))


@torch.no_grad()
def list_tiles(depths: Tensor, cover: Cover, width: int, height: int, pairs: int, image: int = 0) -> TileLists:
    """Returns the tile lists of consecutive images, the first of which is number `image`, from their depths [images, N]
    and the number of their (Gaussian, tile) pairs.

    Holds some 40 bytes a pair while it sorts, and leaves 16.
    """
    images, N = depths.shape
    rows, columns = _tile_grid(width, height)
    tiles = images * rows * columns
    number = torch.arange(images, device=depths.device)[:, None]
    order = (depths.argsort(dim=1, stable=True) + number * N).reshape(-1)
    low, size = (x.reshape(-1, 2)[order] for x in cover)
    first = F.pad(size.prod(-1).cumsum(0), (1, 0))

    short = (
        torch.int32 if max(pairs, tiles) < 2**31 else torch.int64
    )  # half the bits are half the memory, and half the sort
    corner = (number.repeat_interleave(N) * rows + low[:, 1]) * columns + low[:, 0]  # the first tile of each box
    which = torch.repeat_interleave(size.prod(-1).to(short), output_size=pairs)  # places in `order`
    rank = torch.arange(pairs, device=depths.device, dtype=short).sub_(first[:-1].to(short).index_select(0, which))
    across = size[:, 0].to(short).index_select(0, which)  # which, unlike [which], takes 32 bits as they are
    tile = corner.to(short).index_select(0, which).add_(rank // across * columns).add_(rank.remainder_(across))
    del rank, across
    tile, places = tile.sort(stable=True)
    starts = torch.searchsorted(tile, torch.arange(tiles + 1, device=depths.device, dtype=short))
    del tile
    order += image * N
    return TileLists(order.index_select(0, which.index_select(0, places)), starts, places, order, first)


def _groups(lengths: Tensor) -> list[tuple[Tensor, int]]:
    """Tiles with lists of similar length: [(tile indices, longest list)], each group within the budget."""
    order = lengths.argsort(descending=True)
    sizes = lengths[order].clamp_min(1).tolist()
    groups, start = [], 0
    while start < len(sizes):
        limit = start + max(1, BUDGET // (sizes[start] * TILE * TILE))
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
    offset = means2d[index] - (
        corner[:, None] + 0.5
    )  # of the tile's first pixel centre: small numbers, so exact in float32
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
