"""Material maps as mip pyramids in one flat array, and the trilinear look-up that reads them.

Texels are linear, 16 bits a channel: sRGB is decoded once per object, so averages are averages of light, and a look-up
needs no table.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from zeroverse.core.jit import inlined, kernel
from zeroverse.core.portable import power
from zeroverse.material import WRAPS, Sampler

BLOCKY_SIDE = 1024  # texels that a picture whose texels are squares is repeated to: more than a face has pixels
ENCODE_STEPS = (
    16384  # sRGB's steepest code is 5 of these wide, so a code is never off by more than one, and rarely by that
)


_HALVES = np.uint64(0x0000FFFF0000FFFF)  # the even ones of a texel's four channels
_UNIT = 1.0 / (65535.0 * 65536.0)  # of what `gathered` returns and `_mixed` mixes


class Textures(NamedTuple):
    """texels uint16 [T, 4]: all levels of all textures, and `words` uint64 [T], the same memory with the first channel
    lowest.

    levels int32 [L, 3]: offset, width, height. ranges int32 [K, 2]: first level, count. modes int32 [K]: as `mode_of`
    has it; [0]: all are read in the plain way, repeating and blended.
    """

    texels: np.ndarray
    words: np.ndarray
    levels: np.ndarray
    ranges: np.ndarray
    modes: np.ndarray


def mode_of(sampler: Sampler) -> int:
    """Returns the wrap of a sampler as one number: bits 0-1 along u, 2-3 along v, index in WRAPS."""
    return WRAPS.index(sampler.wrap_u) | WRAPS.index(sampler.wrap_v) << 2


def blocky(image: np.ndarray) -> np.ndarray:
    """Returns a picture [h, w, 4] whose texels are not to be blended, with each of them repeated: seen from near a
    texel is a square with smooth edges, from far it is averaged like any other.
    """
    times = 1
    while 2 * times * max(image.shape[:2]) <= BLOCKY_SIDE:
        times *= 2
    return image.repeat(times, axis=0).repeat(times, axis=1)


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
    """(decode: sRGB code -> linear, uint16 [256]; encode: linear in ENCODE_STEPS -> sRGB code, uint8 [ENCODE_STEPS +
    1]). IEC 61966-2-1.
    """
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
    """Area average for any sizes, in integers: target texel i covers [i n, (i + 1) n) of a source whose texels are m
    wide.
    """
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


@kernel
def _widen(
    image, table, texels
):  # [h, w, 4] uint8 -> [h, w, 4] uint16: colour through the table [256], alpha to its full range
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            for c in range(3):
                texels[y, x, c] = table[image[y, x, c]]
            texels[y, x, 3] = np.uint16(image[y, x, 3]) * np.uint16(257)


def _fill(texels: np.ndarray, image: np.ndarray, srgb: bool) -> None:
    """All levels of [h, w, 4] uint8, finest first, into texels [T, 4] uint16."""
    sizes = _level_sizes(*image.shape[:2])
    level = texels[: sizes[0][0] * sizes[0][1]].reshape(*sizes[0], 4)
    _widen(image, srgb_tables()[0] if srgb else np.arange(256, dtype=np.uint16) * np.uint16(257), level)
    offset = sizes[0][0] * sizes[0][1]
    for height, width in sizes[1:]:
        coarser = texels[offset : offset + height * width].reshape(height, width, 4)
        (_halve_even if level.shape[:2] == (2 * height, 2 * width) else _halve_any)(level, coarser)
        level, offset = coarser, offset + height * width


def pack(images: list[tuple[np.ndarray, bool, int]]) -> tuple[Textures, list[int]]:
    """Pyramids of (image [h, w, 4] uint8, is it sRGB, mode) and the texture number of each; equal images share one."""
    different, numbers, known = [], [], {}
    for image, srgb, mode in images:
        alike = known.setdefault(
            (image.shape, srgb, mode, image[len(image) // 2].tobytes()), []
        )  # one row: all of them take longer than their pyramid
        number = next(
            (
                number
                for number in alike
                if different[number][0] is image or np.array_equal(different[number][0], image)
            ),
            len(different),
        )
        if number == len(different):
            alike.append(number)
            different.append((image, srgb, mode))
        numbers.append(number)
    levels, ranges, offset = [], [], 0
    for image, *_ in different:
        sizes = _level_sizes(*image.shape[:2])
        ranges.append((len(levels), len(sizes)))
        for height, width in sizes:
            levels.append((offset, width, height))
            offset += height * width
    texels = np.empty((offset, 4), np.uint16)
    for (image, srgb, _), (first, _) in zip(different, ranges):
        _fill(texels[levels[first][0] :], image, srgb)
    return Textures(
        texels,
        texels.view(np.uint64).reshape(-1),
        np.array(levels, np.int32).reshape(-1, 3),
        np.array(ranges, np.int32).reshape(-1, 2),
        np.array([mode for *_, mode in different] if any(mode for *_, mode in different) else [], np.int32),
    ), numbers


@inlined
def half_log2(x):
    """log2(x) / 2 within 0.043, continuous and monotone: enough to choose a mip level. x > 0.

    The bits of a double, read as a number: its exponent and, linear in between, its mantissa.
    """
    return 0.5 * (np.float64(x).view(np.int64) * 2.0**-52 - 1023.0)


@inlined
def corners(textures, level, start, u, v):
    """The four texels around (u, v) in [0, 1), wrapping, counted from `start`, and their weights: products of 256ths,
    so that they add up to 65536.
    """
    offset, width, height = (
        textures.levels[level, 0] - start,
        np.int64(textures.levels[level, 1]),
        np.int64(textures.levels[level, 2]),
    )
    x, y = (
        int(u * width * 256.0 + 0.5) - 128,
        int((1.0 - v) * height * 256.0 + 0.5) - 128,
    )  # in 256ths of a texel, from the first one's centre
    left, top = x >> 8, y >> 8
    right, bottom = (left + 1 if left + 1 < width else 0), (top + 1 if top + 1 < height else 0)
    left, top = (left if left >= 0 else width - 1), offset + (top if top >= 0 else height - 1) * width
    bottom = offset + bottom * width
    x, y = np.uint64(x & 255), np.uint64(y & 255)
    one = np.uint64(256)
    return (
        (np.uint64(top + left), np.uint64(top + right), np.uint64(bottom + left), np.uint64(bottom + right)),
        ((one - x) * (one - y), x * (one - y), (one - x) * y, x * y),
    )


@inlined
def _along(x, size, wrap):
    """Two texels along an axis and the weight of the second in 256ths. x: from the texture's first edge, 1 = its last;
    wrap: index in WRAPS.
    """
    if wrap == 2:
        x = min(max(x, 0.0), 1.0)
    elif wrap == 1:
        x = x - 2.0 * np.floor(0.5 * x)
        x = 2.0 - x if x > 1.0 else x
    else:
        x = x - np.floor(x)
    place = int(x * size * 256.0 + 0.5) - 128  # in 256ths of a texel, from the first one's centre
    low, high = place >> 8, (place >> 8) + 1
    if low < 0:
        low = size - 1 if wrap == 0 else 0
    if high >= size:
        high = 0 if wrap == 0 else size - 1
    return low, high, np.uint64(place & 255)


@inlined
def corners_by_mode(textures, texture, level, start, u, v):
    """`corners` of a texture that is read as its mode says; u, v as the mesh has them."""
    mode = textures.modes[texture]
    offset, width, height = (
        textures.levels[level, 0] - start,
        np.int64(textures.levels[level, 1]),
        np.int64(textures.levels[level, 2]),
    )
    left, right, x = _along(u, width, mode & 3)
    top, bottom, y = _along(1.0 - v, height, mode >> 2 & 3)
    top, bottom = offset + top * width, offset + bottom * width
    one = np.uint64(256)
    return (
        (np.uint64(top + left), np.uint64(top + right), np.uint64(bottom + left), np.uint64(bottom + right)),
        ((one - x) * (one - y), x * (one - y), (one - x) * y, x * y),
    )


@inlined
def gathered(words, start, corners):
    """65536 x the four channels: (R and B, G and A), each pair in the halves of one word, as two channels in one
    multiplication take half the time.
    """
    i, w = corners
    a, b, c, d = words[start + i[0]], words[start + i[1]], words[start + i[2]], words[start + i[3]]
    shift = np.uint64(16)
    return (
        (a & _HALVES) * w[0] + (b & _HALVES) * w[1] + (c & _HALVES) * w[2] + (d & _HALVES) * w[3],
        (a >> shift & _HALVES) * w[0]
        + (b >> shift & _HALVES) * w[1]
        + (c >> shift & _HALVES) * w[2]
        + (d >> shift & _HALVES) * w[3],
    )


@inlined
def _mixed(finer, coarser, blend):  # two words of `gathered`, blend 0..65536 of the second
    shift = np.uint64(16)
    return (finer >> shift & _HALVES) * (np.uint64(65536) - blend) + (coarser >> shift & _HALVES) * blend


@inlined
def mip_levels(textures, texture, footprint):
    """(finer level, coarser level, share of the coarser one in 65536ths) of a trilinear look-up.

    footprint: |d(u, v) / d(x, y)|, the area of UV that a pixel covers. Its square root sets the level: the longer axis,
    the usual choice, blurs stretched UVs visibly and lies further from a path tracer.
    """
    first, count = textures.ranges[texture, 0], textures.ranges[texture, 1]
    level = min(
        max(half_log2(footprint * textures.levels[first, 1] * textures.levels[first, 2] + 1e-12), 0.0), count - 1.0
    )
    finer = int(level)
    return first + finer, first + min(finer + 1, count - 1), np.uint64(int((level - finer) * 65536.0))


@inlined
def locate(textures, texture, u, v, footprint):
    """Where a trilinear look-up reads: texels and weights in two levels, and the share of the coarser one."""
    start = textures.levels[textures.ranges[texture, 0], 0]
    finer, coarser, blend = mip_levels(textures, texture, footprint)
    if len(textures.modes):
        return (
            corners_by_mode(textures, texture, finer, start, u, v),
            corners_by_mode(textures, texture, coarser, start, u, v),
            blend,
        )
    u, v = u - np.floor(u), v - np.floor(v)
    return corners(textures, finer, start, u, v), corners(textures, coarser, start, u, v), blend


@inlined
def sample(textures, texture, spot):
    """The four channels, 0..1 linear. spot: from `locate`, for a texture of the same size."""
    start = np.uint64(textures.levels[textures.ranges[texture, 0], 0])
    return unpacked(gathered(textures.words, start, spot[0]), gathered(textures.words, start, spot[1]), spot[2])


@inlined
def unpacked(finer, coarser, blend):
    """The four channels, 0..1 linear, of what `gathered` gives for two levels."""
    rb, ga = _mixed(finer[0], coarser[0], blend), _mixed(finer[1], coarser[1], blend)
    low, high = np.uint64(0xFFFFFFFF), np.uint64(32)
    return (
        np.int64(rb & low) * _UNIT,
        np.int64(ga & low) * _UNIT,
        np.int64(rb >> high) * _UNIT,
        np.int64(ga >> high) * _UNIT,
    )
