"""Radiance .hdr pictures: linear radiance as most light probes come."""

import math
from pathlib import Path

import numpy as np

from zeroverse.core.jit import kernel

MAX_TEXELS = 1 << 26  # 16k x 4k


def read_hdr(path: Path) -> np.ndarray:
    """Reads a Radiance picture (RGBE; flat, old or new run-lengths) as linear RGB [H, W, 3] float32, first row on top.
    Raises ValueError naming the file.

    Ward, "Real Pixels", Graphics Gems II; EXPOSURE lines are undone, so values are as recorded.
    """
    data = Path(path).read_bytes()
    head, _, body = data.partition(b"\n\n")
    size_line, newline, packed = body.partition(b"\n")
    lines = head.split(b"\n")
    words = size_line.split()
    if lines[0][:2] != b"#?" or b"FORMAT=32-bit_rle_rgbe" not in lines:
        raise ValueError(f"{path}: expected a Radiance .hdr file (#?RADIANCE, FORMAT=32-bit_rle_rgbe)")
    if (
        len(words) != 4
        or words[0] != b"-Y"
        or words[2] != b"+X"
        or not (words[1].isdigit() and words[3].isdigit())
        or not newline
    ):
        raise ValueError(f"{path}: expected a size line '-Y height +X width', got {size_line[:40]!r}")
    height, width = int(words[1]), int(words[3])
    if not 0 < height * width <= MAX_TEXELS:
        raise ValueError(f"{path}: expected 1 to {MAX_TEXELS} texels, got {width} x {height}")
    texels = np.zeros((height, width, 4), np.uint8)
    bad_row = _unpack(np.frombuffer(packed, np.uint8), texels)
    if bad_row >= 0:
        raise ValueError(f"{path}: truncated or damaged in row {bad_row} of {height}")
    exposure = 1.0
    for line in lines:
        if line.startswith(b"EXPOSURE="):
            exposure *= _number(line[9:], path)
    scales = np.ldexp(np.float32(1.0), np.arange(256) - 136).astype(np.float32)
    scales[0] = 0.0
    return texels[..., :3] * (scales[texels[..., 3]] / np.float32(exposure))[..., None]


def _number(text: bytes, path: Path) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < math.inf:
        raise ValueError(f"{path}: EXPOSURE: expected a positive number, got {text!r}")
    return value


@kernel
def _unpack(data, texels):
    """Scan lines of RGBE into texels [H, W, 4]; the first row that does not fit, or -1."""
    height, width = texels.shape[:2]
    at = 0
    for row in range(height):
        new = (
            8 <= width < 32768
            and at + 4 <= len(data)
            and data[at] == 2
            and data[at + 1] == 2
            and data[at + 2] * 256 + data[at + 3] == width
        )
        at = _new_runs(data, at + 4, texels[row]) if new else _old_runs(data, at, texels[row])
        if at < 0:
            return row
    return -1


@kernel
def _new_runs(data, at, line):  # each channel by itself: n <= 128 literal bytes, or n - 128 times the next one
    width = len(line)
    for channel in range(4):
        x = 0
        while x < width:
            if at >= len(data):
                return -1
            count, run = np.int64(data[at]), data[at] > 128
            count = count - 128 if run else count
            at += 1
            if count == 0 or x + count > width or at + (1 if run else count) > len(data):
                return -1
            for k in range(count):
                line[x + k, channel] = data[at if run else at + k]
            at += 1 if run else count
            x += count
    return at


@kernel
def _old_runs(
    data, at, line
):  # texels; (1, 1, 1, n) repeats the last one n times, and runs in a row are digits of base 256
    x, shift = 0, 0
    while x < len(line):
        if at + 4 > len(data):
            return -1
        if data[at] == 1 and data[at + 1] == 1 and data[at + 2] == 1:
            count = np.int64(data[at + 3]) << shift
            if x == 0 or shift > 16 or x + count > len(line):
                return -1
            for k in range(count):
                line[x + k] = line[x - 1]
            x, shift = x + count, shift + 8
        else:
            line[x] = data[at : at + 4]
            x, shift = x + 1, 0
        at += 4
    return at
