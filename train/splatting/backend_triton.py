"""The Triton splatting kernels (`kernels_triton.py`), called on a GPU's tensors; or, under TRITON_INTERPRET=1, on a
CPU's, to test them without one.

All samples and views go in one launch of each kernel: project, sort (torch), composite; backward: composite, sum over
tiles, project. The host waits for the device once, to learn how long the tile lists are. Where they are too long to be
held at once, as those of an untrained `base`, whose Gaussians are large, images are sorted and composited in groups.
Deterministic: two runs on one device are equal bit for bit. Triton comes with the torch wheels for GPUs; the kernels
    compile on first use, in seconds, into Triton's own cache.
"""

import functools
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from train.splatting.backend_torch import TILE, Cover, TileLists, covered_tiles, list_tiles

OLDEST = (3, 4)  # Triton that compiles these kernels; 3.6 and 3.7 do too
# any number would do: this bounds the memory of the gradient rows, 6 + channels floats per (Gaussian, tile) pair
MAX_CHANNELS = 512
CHUNK = 8  # Gaussians composited at a time: 16 would spill registers, 4 need a quarter more instructions (sm_90)
GROUP = 8  # channels that one program composites, at most
BLOCK = 128  # Gaussians that one program projects
PAIRS = (
    1 << 26
    # (Gaussian, tile) pairs listed at once, if more than one image has them: 3 GB while they are sorted, as much for
    # their gradients
)


@functools.cache
def load() -> tuple[ModuleType | None, str]:
    """Returns (kernels, Triton's version), or (None, why there are none)."""
    try:
        import triton
    except ImportError as error:
        return None, f"{error}; torch's wheels for GPUs bring it, else: pip install triton"
    if tuple(map(int, triton.__version__.split(".")[:2])) < OLDEST:  # which do not have tuples yet
        return (
            None,
            f"expected Triton {'.'.join(map(str, OLDEST))} or newer, as torch 2.8 brings, got {triton.__version__}",
        )
    return importlib.import_module("train.splatting.kernels_triton"), f"Triton {triton.__version__}"


class _Idle:
    """Kernels that do nothing, whatever their name and grid."""

    def __getattr__(self, name: str) -> "_Idle":
        return self

    def __getitem__(self, grid) -> Callable:
        return lambda *args, **options: None


_rehearsed: int | None = None  # (Gaussian, tile) pairs of an image while `rehearsed` is in force


@contextmanager
def rehearsed(pairs: int) -> Iterator[None]:
    """Lets `rasterize` take all the memory that it takes and render nothing, with so many pairs for every image.

    For tensors without content, as of train.tools.memory; they may be on any device.
    """
    global _rehearsed
    before, _rehearsed = _rehearsed, pairs
    try:
        yield
    finally:
        _rehearsed = before


def _kernels():
    return load()[0] if _rehearsed is None else _Idle()


def describe() -> str:
    kernels, reason = load()
    return reason if kernels else f"plain torch (slower): {reason}"


def interpreted() -> bool:
    """Returns whether the kernels run in Triton's interpreter, which TRITON_INTERPRET=1 asks for if it is set before
    anything imports Triton.
    """
    return load()[0] is not None and "Interpreted" in type(load()[0].project).__name__


def refusal(tensors: list[Tensor]) -> str:
    """Returns why the kernels cannot render (means ... colors); "" if they can. Raises ImportError where Triton is
    missing.
    """
    device, dtype, channels = tensors[0].device, tensors[0].dtype, tensors[-1].shape[-1]
    if device.type not in ("cuda", "cpu") or dtype != torch.float32 or channels > MAX_CHANNELS:
        return (
            f"takes float32 on a GPU and at most {MAX_CHANNELS} channels, got {dtype} on {device}, {channels} channels"
        )
    if load()[0] is None:
        raise ImportError(f"backend: 'triton' is not available: {load()[1]}")
    if device.type == "cpu" and not interpreted():
        return "takes tensors on the CPU only where TRITON_INTERPRET=1 was set before Triton was imported"
    return ""


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
    """Does `splatting.rasterize` with checked arguments that `refusal` lets pass."""
    return _Rasterize.apply(
        (width, height, near, eps2d, antialiased), means, quats, scales, opacities, colors, w2c, intrinsics, background
    )


class _Rasterize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, options, *inputs):
        inputs = [x.detach().contiguous() for x in inputs]
        width, height = options[:2]
        with torch.cuda.device_of(inputs[0]):  # Triton launches on the current device
            splats, depths = _project(inputs, *options)
            cover = _cover(splats, width, height)
            groups, pixels = (
                grouped(_pairs(cover) if _rehearsed is None else [_rehearsed] * len(cover.size)),
                _pixels(inputs, width, height),
            )
            for group in groups:
                lists = _lists(depths, cover, group, width, height)
                _composite(inputs, splats, lists, group.first, pixels)
        ctx.options, ctx.groups = options, groups
        ctx.save_for_backward(*inputs, splats, depths, *pixels[2:], *(lists if len(groups) == 1 else ()))
        return pixels[:2]

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_image, grad_alpha):
        saved = list(ctx.saved_tensors)
        inputs, splats, depths, pixels, (width, height) = saved[:8], saved[8], saved[9], saved[10:12], ctx.options[:2]
        grads = grad_image.contiguous(), grad_alpha.contiguous()
        with torch.cuda.device_of(splats):
            sums = splats.new_empty(depths.numel(), 6 + inputs[4].shape[-1])
            cover = _cover(splats, width, height) if len(ctx.groups) > 1 else None
            for group in ctx.groups:
                lists = _lists(depths, cover, group, width, height) if cover else TileLists(*saved[12:])
                _sum_rows(_composite_backward(inputs, splats, pixels, lists, group.first, *grads), lists, sums)
            return None, *_project_backward(inputs, splats, sums, *ctx.options), None, None, None


class Group(NamedTuple):
    """Images first … stop - 1 of all B V, and how many (Gaussian, tile) pairs they have."""

    first: int
    stop: int
    pairs: int


def grouped(pairs: list[int]) -> list[Group]:
    """Returns consecutive images, from the pairs of each, in groups of at most PAIRS or of one image."""
    groups: list[Group] = []
    for image, more in enumerate(pairs):
        if groups and groups[-1].pairs + more <= PAIRS:
            groups[-1] = Group(groups[-1].first, image + 1, groups[-1].pairs + more)
        else:
            groups.append(Group(image, image + 1, more))
    return groups


def _cover(splats: Tensor, width: int, height: int) -> Cover:
    return covered_tiles(splats[..., :2], splats[..., 6:], width, height)


def _pairs(cover: Cover) -> list[int]:
    """Of each image. Here the host waits for the device."""
    return cover.size.prod(-1).sum(-1).tolist()


def _lists(depths: Tensor, cover: Cover, group: Group, width: int, height: int) -> TileLists:
    images = slice(group.first, group.stop)
    return list_tiles(
        depths.flatten(0, 1)[images], Cover(*(x[images] for x in cover)), width, height, group.pairs, group.first
    )


def _project(inputs, width, height, near, eps2d, antialiased) -> tuple[Tensor, Tensor]:
    """(splats [B, V, N, 8], depths [B, V, N])."""
    *bodies, _, w2c, intrinsics, _ = inputs
    (B, V), N = w2c.shape[:2], bodies[0].shape[1]
    splats, depths = w2c.new_empty(B, V, N, 8), w2c.new_empty(B, V, N)
    _kernels().project[B * V * _blocks(N, BLOCK),](
        *bodies, w2c, intrinsics, splats, depths, N, V, width, height, near, eps2d, antialiased, BLOCK
    )
    return splats, depths


def _pixels(inputs, width, height) -> tuple[Tensor, ...]:
    """(image [B, V, D, H, W], alpha [B, V, 1, H, W], transmittance [tiles, TILE²], last [tiles, TILE²]), all images'
    and not yet drawn.
    """
    colors, (B, V) = inputs[4], inputs[5].shape[:2]
    tiles = B * V * _blocks(height, TILE) * _blocks(width, TILE)
    return (
        colors.new_empty(B, V, colors.shape[-1], height, width),
        colors.new_empty(B, V, 1, height, width),
        colors.new_empty(tiles, TILE * TILE),
        colors.new_empty(tiles, TILE * TILE, dtype=torch.int32),
    )


def _composite(inputs, splats, lists, image, pixels) -> None:
    """Draw the images of the lists, of which `image` is the first, into `pixels`."""
    *_, colors, w2c, _, background = inputs
    (N, D), (height, width) = colors.shape[-2:], pixels[0].shape[-2:]
    group = min(GROUP, _power_of_two(max(1, D)))  # without channels there still is alpha
    _kernels().composite[len(lists.starts) - 1, max(1, _blocks(D, group))](
        splats,
        colors,
        lists.members,
        lists.starts,
        background,
        *pixels,
        image,
        N,
        w2c.shape[1],
        width,
        height,
        D,
        group,
        colors.ndim == 4,
        TILE,
        CHUNK,
        num_warps=1,
    )


def _composite_backward(inputs, splats, pixels, lists, image, grad_image, grad_alpha) -> Tensor:
    """[pairs, 6 + D]: gradients of x, y, a, b, c, opacity and colour, Gaussian by Gaussian."""
    *_, colors, w2c, _, background = inputs
    (N, D), (height, width) = colors.shape[-2:], grad_image.shape[-2:]
    rows = colors.new_zeros(len(lists.members), 6 + D)
    _kernels().composite_backward[len(lists.starts) - 1,](
        splats,
        colors,
        lists.members,
        lists.starts,
        lists.places,
        background,
        *pixels,
        grad_image,
        grad_alpha,
        rows,
        image,
        N,
        w2c.shape[1],
        width,
        height,
        D,
        colors.ndim == 4,
        TILE,
        CHUNK,
        num_warps=1,
    )
    return rows


def _sum_rows(rows, lists, sums) -> None:
    """Into sums [B V N, 6 + D], of the images of the lists."""
    count, width = len(lists.order), rows.shape[1]
    columns = min(16, _power_of_two(width))
    _kernels().sum_rows[_blocks(count, 32), _blocks(width, columns)](
        rows, lists.first, lists.order, sums, count, width, 32, columns
    )


def _project_backward(inputs, splats, sums, width, height, near, eps2d, antialiased) -> list[Tensor]:
    """Gradients of means ... colors."""
    *bodies, colors, w2c, intrinsics, _ = inputs
    (B, V), (N, D) = w2c.shape[:2], colors.shape[-2:]
    grads = [torch.empty_like(x) for x in bodies]
    _kernels().project_backward[B * _blocks(N, BLOCK),](
        *bodies, w2c, intrinsics, splats, sums, *grads, N, V, width, height, eps2d, 6 + D, antialiased, BLOCK
    )
    shade = sums[:, 6:].reshape(B, V, N, D)
    return [*grads, shade if colors.ndim == 4 else shade.sum(1)]


def _blocks(count: int, size: int) -> int:
    return -(-count // size)


def _power_of_two(count: int) -> int:  # the next
    return 1 << (count - 1).bit_length()
