"""Material maps as mip pyramids in one flat array, and the trilinear look-up that reads them.

Texels are linear, 16 bits a channel: sRGB is decoded once per object, so averages are averages of light, and a look-up needs no table.
"""
import math
from functools import cache
from typing import NamedTuple

import numpy as np

from renderers.jit import inlined, kernel
from zeroverse.portable import power

ENCODE_STEPS = 16384  # sRGB's steepest code is 5 of these wide, so a code is never off by more than one, and rarely by that


class Textures(NamedTuple):
    """texels uint16 [T, 4]: all levels of all textures. levels int32 [L, 3]: offset, width, height. ranges int32 [K, 2]: first level, count."""

    texels: np.ndarray
    levels: np.ndarray
    ranges: np.ndarray


@kernel
def _srgb_tables(steps):
    decode = np.empty(256, np.uint16)
    for i in range(256):
        x = i / 255.0
        decode[i] = int(65535.0 * (x / 12.92 if x <= 0.04045 else power((x + 0.055) / 1.055, 2.4)) + 0.5)
    encode = np.empty(steps + 1, np.uint8)
    for i in range(steps + 1):
        x = i / steps
        encode[i] = int(255.0 * (x * 12.92 if x <= 0.0031308 else 1.055 * power(x, 1.0 / 2.4) - 0.055) + 0.5)
    return decode, encode


@cache
def srgb_tables() -> tuple[np.ndarray, np.ndarray]:
    """(decode: sRGB code -> linear, uint16 [256]; encode: linear in ENCODE_STEPS -> sRGB code, uint8 [ENCODE_STEPS + 1]). IEC 61966-2-1."""
    return _srgb_tables(ENCODE_STEPS)


@kernel
def _halve_even(source, target):  # [2h, 2w, 4] -> [h, w, 4]
    for y in range(target.shape[0]):
        for x in range(target.shape[1]):
            for c in range(4):
                total = np.int32(source[2 * y, 2 * x, c]) + np.int32(source[2 * y, 2 * x + 1, c])
                total += np.int32(source[2 * y + 1, 2 * x, c]) + np.int32(source[2 * y + 1, 2 * x + 1, c])
                target[y, x, c] = (total + 2) >> 2


@kernel
def _halve_any(source, target):
    """Area average for any sizes, in integers: target texel i covers [i n, (i + 1) n) of a source whose texels are m wide."""
    height, width = source.shape[:2]
    rows, columns = target.shape[:2]
    for y in range(rows):
        for x in range(columns):
            for c in range(4):
                total = np.int64(0)
                for v in range(y * height // rows, -(-(y + 1) * height // rows)):
                    weight_y = min((v + 1) * rows, (y + 1) * height) - max(v * rows, y * height)
                    for u in range(x * width // columns, -(-(x + 1) * width // columns)):
                        weight_x = min((u + 1) * columns, (x + 1) * width) - max(u * columns, x * width)
                        total += weight_x * weight_y * np.int64(source[v, u, c])
                target[y, x, c] = (total + height * width // 2) // (height * width)


def _level_sizes(height: int, width: int) -> list[tuple[int, int]]:
    sizes = [(height, width)]
    while sizes[-1] != (1, 1):
        sizes.append((max(sizes[-1][0] // 2, 1), max(sizes[-1][1] // 2, 1)))
    return sizes


def _pyramid(image: np.ndarray, srgb: bool) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """[h, w, 4] uint8 -> texels of all levels [T, 4] uint16, finest first, and their (height, width)."""
    sizes = _level_sizes(*image.shape[:2])
    texels = np.empty((sum(h * w for h, w in sizes), 4), np.uint16)
    level = texels[:sizes[0][0] * sizes[0][1]].reshape(*sizes[0], 4)
    if srgb:
        np.take(srgb_tables()[0], image, out=level)
        level[..., 3] = image[..., 3] * np.uint16(257)
    else:
        np.multiply(image, np.uint16(257), out=level)
    offset = sizes[0][0] * sizes[0][1]
    for height, width in sizes[1:]:
        coarser = texels[offset:offset + height * width].reshape(height, width, 4)
        (_halve_even if level.shape[:2] == (2 * height, 2 * width) else _halve_any)(level, coarser)
        level, offset = coarser, offset + height * width
    return texels, sizes


def pack(images: list[tuple[np.ndarray, bool]]) -> tuple[Textures, list[int]]:
    """Pyramids of (image [h, w, 4] uint8, is it sRGB) and the texture number of each; equal images share one."""
    texels, levels, ranges, known, numbers = [np.zeros((0, 4), np.uint16)], [], [], {}, []
    offset = 0
    for image, srgb in images:
        key = (image.shape, srgb, image.tobytes())
        if key not in known:
            known[key] = len(ranges)
            part, sizes = _pyramid(image, srgb)
            ranges.append((len(levels), len(sizes)))
            for height, width in sizes:
                levels.append((offset, width, height))
                offset += height * width
            texels.append(part)
        numbers.append(known[key])
    flat = texels[1] if len(texels) == 2 else np.concatenate(texels)
    return Textures(flat, np.array(levels, np.int32).reshape(-1, 3), np.array(ranges, np.int32).reshape(-1, 2)), numbers


@inlined
def half_log2(x):
    """log2(x) / 2 within 0.043, continuous and monotone: enough to choose a mip level. x > 0."""
    mantissa, exponent = math.frexp(x)  # in [0.5, 1)
    return 0.5 * (exponent - 2.0 + 2.0 * mantissa)


@inlined
def _bilinear(textures, level, u, v, weight):
    """weight x the four channels at (u, v) in [0, 1), wrapping."""
    offset, width, height = textures.levels[level, 0], textures.levels[level, 1], textures.levels[level, 2]
    x, y = u * width - 0.5, (1.0 - v) * height - 0.5
    left, top = math.floor(x), math.floor(y)
    fx, fy = x - left, y - top
    x0, y0 = int(left), int(top)
    x1, y1 = x0 + 1, y0 + 1
    x0, y0 = (x0 + width if x0 < 0 else x0), (y0 + height if y0 < 0 else y0)
    x1, y1 = (0 if x1 >= width else x1), (0 if y1 >= height else y1)
    a, b = textures.texels[offset + y0 * width + x0], textures.texels[offset + y0 * width + x1]
    c, d = textures.texels[offset + y1 * width + x0], textures.texels[offset + y1 * width + x1]
    weight /= 65535.0
    wa, wb = np.float32((1.0 - fx) * (1.0 - fy) * weight), np.float32(fx * (1.0 - fy) * weight)
    wc, wd = np.float32((1.0 - fx) * fy * weight), np.float32(fx * fy * weight)
    return (np.float32(a[0]) * wa + np.float32(b[0]) * wb + np.float32(c[0]) * wc + np.float32(d[0]) * wd,
            np.float32(a[1]) * wa + np.float32(b[1]) * wb + np.float32(c[1]) * wc + np.float32(d[1]) * wd,
            np.float32(a[2]) * wa + np.float32(b[2]) * wb + np.float32(c[2]) * wc + np.float32(d[2]) * wd,
            np.float32(a[3]) * wa + np.float32(b[3]) * wb + np.float32(c[3]) * wc + np.float32(d[3]) * wd)


@inlined
def sample(textures, texture, u, v, footprint):
    """The four channels, 0..1 linear, trilinear, wrapping.

    footprint: |d(u, v) / d(x, y)|, the area of UV that a pixel covers. Its square root sets the level: the longer axis, the usual choice, blurs
    stretched UVs visibly and lies further from a path tracer (facts/renderers.md §4).
    """
    first, count = textures.ranges[texture, 0], textures.ranges[texture, 1]
    u, v = u - math.floor(u), v - math.floor(v)
    level = half_log2(footprint * textures.levels[first, 1] * textures.levels[first, 2] + 1e-12)
    if level <= 0.0:
        return _bilinear(textures, first, u, v, 1.0)
    if level >= count - 1:
        return _bilinear(textures, first + count - 1, u, v, 1.0)
    lower = int(level)
    blend = level - lower
    a0, a1, a2, a3 = _bilinear(textures, first + lower, u, v, 1.0 - blend)
    b0, b1, b2, b3 = _bilinear(textures, first + lower + 1, u, v, blend)
    return a0 + b0, a1 + b1, a2 + b2, a3 + b3
