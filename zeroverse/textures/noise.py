"""Integer-hash noise over points in space: gradient noise, its sums of octaves, cellular noise, hashed cells.

One loop per kernel, + - * / sqrt floor and 32-bit integer arithmetic only, no fastmath: the same bits on every machine.
Every kernel takes points [N, 3] float64 whose lattice has period-free unit cells: scale the points to choose the size
of the features.
"""

import numpy as np

from zeroverse.core.jit import kernel, spliced


@spliced
def _mix(h):
    """Avalanche of a 32-bit word (xor-shift and multiply, constants from the public `lowbias32` search); numba widens,
    so every step narrows.
    """
    h = np.uint32(h ^ (h >> np.uint32(16)))
    h = np.uint32(h * np.uint32(0x7FEB352D))
    h = np.uint32(h ^ (h >> np.uint32(15)))
    h = np.uint32(h * np.uint32(0x846CA68B))
    return np.uint32(h ^ (h >> np.uint32(16)))


@spliced
def _corner(x, y, z, seed):
    x, y, z = (
        np.uint32(x * np.uint32(0x8DA6B343)),
        np.uint32(y * np.uint32(0xD8163841)),
        np.uint32(z * np.uint32(0xCB1AB31F)),
    )
    return _mix(np.uint32(np.uint32(np.uint32(x ^ y) ^ z) ^ seed))


@spliced
def _lean(h, dx, dy, dz):
    """Dot product of the gradient in a word's upper bits with (dx, dy, dz); scaled so that the noise has a standard
    deviation of 0.35.
    """
    gx = np.int32((h >> np.uint32(2)) & np.uint32(1023)) - 511.5
    gy = np.int32((h >> np.uint32(12)) & np.uint32(1023)) - 511.5
    gz = np.int32(h >> np.uint32(22)) - 511.5
    return (gx * dx + gy * dy + gz * dz) * (1.0 / 280.0)


@spliced
def _pull(x, y, z, seed, dx, dy, dz):
    """Dot product of a corner's gradient with the way from it; the gradient is uniform in a cube: no table and no
    branch, so it vectorises.
    """
    return _lean(_corner(x, y, z, seed), dx, dy, dz)


@spliced
def _gradient_noise(x, y, z, seed):
    """Gradient noise with quintic weights, zero mean, within about -1.4 .. 1.4."""
    fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
    i, j, k = np.uint32(np.int32(fx)), np.uint32(np.int32(fy)), np.uint32(np.int32(fz))
    one = np.uint32(1)
    i1, j1, k1 = np.uint32(i + one), np.uint32(j + one), np.uint32(k + one)
    x, y, z = x - fx, y - fy, z - fz
    u, v, w = (
        x * x * x * (x * (x * 6 - 15) + 10),
        y * y * y * (y * (y * 6 - 15) + 10),
        z * z * z * (z * (z * 6 - 15) + 10),
    )
    a, b = _pull(i, j, k, seed, x, y, z), _pull(i1, j, k, seed, x - 1, y, z)
    c, d = _pull(i, j1, k, seed, x, y - 1, z), _pull(i1, j1, k, seed, x - 1, y - 1, z)
    e, f = _pull(i, j, k1, seed, x, y, z - 1), _pull(i1, j, k1, seed, x - 1, y, z - 1)
    g, h = _pull(i, j1, k1, seed, x, y - 1, z - 1), _pull(i1, j1, k1, seed, x - 1, y - 1, z - 1)
    a, c, e, g = a + u * (b - a), c + u * (d - c), e + u * (f - e), g + u * (h - g)
    a, e = a + v * (c - a), e + v * (g - e)
    return a + w * (e - a)


@kernel
def _octaves(points, seed, octaves, gain, absolute):  # [N, 3] -> [N]
    out = np.zeros(points.shape[0])
    scale, amplitude, total = 1.0, 1.0, 0.0
    for octave in range(octaves):  # octaves outside: the inner loop has no branch and vectorises over points
        word = np.uint32(seed + 0x9E3779B1 * (octave + 1))
        for n in range(points.shape[0]):
            value = _gradient_noise(points[n, 0] * scale, points[n, 1] * scale, points[n, 2] * scale, word)
            out[n] += amplitude * (abs(value) if absolute else value)
        total += amplitude if absolute else amplitude * amplitude
        amplitude *= gain
        scale *= 2.03  # not 2: the octaves' lattices, where the noise is zero, must not coincide
    return out / (
        total if absolute else np.sqrt(total)
    )  # signed octaves add in power: the contrast stays the same however many there are


def fbm(points, seed: int, octaves: int = 4, gain: float = 0.5):
    """Returns a sum of octaves of gradient noise, [N], zero mean, standard deviation 0.35, within about -1.3 .. 1.3."""
    return _octaves(points, seed, octaves, gain, False)


def turbulence(points, seed: int, octaves: int = 4, gain: float = 0.5):
    """Returns a sum of octaves of |gradient noise|, [N], mean 0.28, creases at 0."""
    return _octaves(points, seed, octaves, gain, True)


def ridged(points, seed: int, octaves: int = 4, gain: float = 0.5):
    """Returns thin bright ridges, [N] in about 0 .. 1: 1 where one octave's noise is zero."""
    ridge = np.maximum(1.0 - 1.6 * turbulence(points, seed, octaves, gain), 0.0)
    return ridge * ridge


@kernel
def _drift(points, scale, seed, amount, out):  # [N, 3] -> [N, 3], added in place
    """Three unrelated gradient noises that share one hash per lattice corner."""
    word = np.uint32(seed)
    for n in range(points.shape[0]):
        x, y, z = points[n, 0] * scale, points[n, 1] * scale, points[n, 2] * scale
        fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
        i, j, k = np.int32(fx), np.int32(fy), np.int32(fz)
        x, y, z = x - fx, y - fy, z - fz
        u, v, w = (
            x * x * x * (x * (x * 6 - 15) + 10),
            y * y * y * (y * (y * 6 - 15) + 10),
            z * z * z * (z * (z * 6 - 15) + 10),
        )
        sx = sy = sz = 0.0
        for corner in range(8):
            a, b, c = corner & 1, (corner >> 1) & 1, corner >> 2
            h = _corner(np.uint32(i + a), np.uint32(j + b), np.uint32(k + c), word)
            weight = (u if a else 1.0 - u) * (v if b else 1.0 - v) * (w if c else 1.0 - w)
            sx += weight * _lean(h, x - a, y - b, z - c)
            sy += weight * _lean(np.uint32(h * np.uint32(0x9E3779B1)), x - a, y - b, z - c)
            sz += weight * _lean(np.uint32(h * np.uint32(0x85EBCA6B)), x - a, y - b, z - c)
        out[n, 0] += amount * sx
        out[n, 1] += amount * sy
        out[n, 2] += amount * sz


def warp(points, seed: int, amount: float, octaves: int = 1):
    """Returns the points moved by up to about `amount` along each axis by a smooth field of unit wavelength, [N, 3]."""
    points = np.ascontiguousarray(points)
    out = points.copy()
    for octave in range(octaves):
        _drift(points, 2.03**octave, seed + 7919 * octave, amount * 0.5**octave, out)
    return out


@kernel
def worley(points, seed, jitter, reach=9.0):  # [N, 3] -> [N], [N], [N]
    """Cellular noise with one feature point per unit cell, `jitter` 0 (lattice) .. 0.9.

    Returns the distance to the nearest feature point, the distance to the wall between the two nearest (so lines of
    even width, unlike F2 - F1), and the nearest one's own random number in [0, 1). A small `reach` is faster: beyond it
    only "farther than reach" is known, and the walls are not.
    """
    count = points.shape[0]
    nearest, wall, tone = np.empty(count), np.empty(count), np.empty(count)
    word = np.uint32(seed)
    inset = 0.5 * (1.0 - jitter)  # feature points keep this far from their cell's faces
    for n in range(count):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
        x, y, z = x - fx, y - fy, z - fz
        i, j, k = np.int32(fx), np.int32(fy), np.int32(fz)
        d1 = d2 = reach * reach
        x1 = y1 = z1 = x2 = y2 = z2 = 0.0
        h1 = np.uint32(0)
        for a in (0, -1, 1):  # the own cell first: it bounds the rest, and most neighbours are then skipped
            gap = 0.0 if a == 0 else (x + inset if a < 0 else 1.0 - x + inset)
            gap_x = gap * gap
            if gap_x >= d2:
                continue
            for b in (0, -1, 1):
                gap = 0.0 if b == 0 else (y + inset if b < 0 else 1.0 - y + inset)
                gap_xy = gap_x + gap * gap
                if gap_xy >= d2:
                    continue
                for c in (0, -1, 1):
                    gap = 0.0 if c == 0 else (z + inset if c < 0 else 1.0 - z + inset)
                    if gap_xy + gap * gap >= d2:
                        continue
                    h = _corner(np.uint32(i + a), np.uint32(j + b), np.uint32(k + c), word)
                    px = a + 0.5 + jitter * (np.int32(h & np.uint32(1023)) * (1.0 / 1023.0) - 0.5) - x
                    py = (
                        b + 0.5 + jitter * (np.int32((h >> np.uint32(10)) & np.uint32(1023)) * (1.0 / 1023.0) - 0.5) - y
                    )
                    pz = (
                        c + 0.5 + jitter * (np.int32((h >> np.uint32(20)) & np.uint32(1023)) * (1.0 / 1023.0) - 0.5) - z
                    )
                    d = px * px + py * py + pz * pz
                    if d < d1:
                        d2, x2, y2, z2 = d1, x1, y1, z1
                        d1, x1, y1, z1, h1 = d, px, py, pz, h
                    elif d < d2:
                        d2, x2, y2, z2 = d, px, py, pz
        nearest[n] = np.sqrt(d1)
        apart = max(np.sqrt((x2 - x1) ** 2 + (y2 - y1) ** 2 + (z2 - z1) ** 2), 1e-9)
        wall[n] = (d2 - d1) / (2.0 * apart)  # d2 - d1 = 2 * apart * distance to the bisecting plane, exactly
        tone[n] = _mix(np.uint32(h1 ^ np.uint32(0x68E31DA4))) * (1.0 / 4294967296.0)
    return nearest, wall, tone


@kernel
def cell_tone(cells, seed):  # [N, 3] float64 of whole numbers -> [N] in [0, 1)
    """Returns a random number for every cell of a lattice."""
    out = np.empty(cells.shape[0])
    word = np.uint32(seed)
    for n in range(cells.shape[0]):
        h = _corner(
            np.uint32(np.int32(cells[n, 0])), np.uint32(np.int32(cells[n, 1])), np.uint32(np.int32(cells[n, 2])), word
        )
        out[n] = h * (1.0 / 4294967296.0)
    return out


@kernel
def ramp(t, stops):  # [N], [K, 3] -> [N, 3] float32
    """Returns the colour at t in 0 .. 1 along evenly spaced stops; sRGB-encoded values are blended as they are, so no
    power function is needed here.
    """
    out = np.empty((t.size, 3), np.float32)
    last = stops.shape[0] - 1
    for n in range(t.size):
        x = min(max(t[n], 0.0), 1.0) * last
        i = min(int(x), last - 1)
        x -= i
        for c in range(3):
            out[n, c] = stops[i, c] + x * (stops[i + 1, c] - stops[i, c])
    return out


def smoothstep(low: float, high: float, x):
    """Returns 0 below `low`, 1 above `high`, a cubic between."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def wave(phase):
    """Returns a sine made of parabolas: period 1, -1 .. 1, 0 at 0, continuous slope, exact arithmetic."""
    x = 2.0 * (phase - np.floor(phase)) - 1.0
    return -4.0 * x * (1.0 - np.abs(x))


def cover(distance, frequency: float = 1.0):
    """Returns the coverage 0 .. 1 of a shape at signed distance `distance` (positive inside) in a pattern scaled by
    `frequency`.

    The edge is 0.024 wide on the surface, about a texel of a 256-texel map around a primitive of half-extent 1: smooth,
    not stepped.
    """
    return np.clip(0.5 + distance / (0.024 * frequency), 0.0, 1.0)


def to_wall(x):
    """Returns the distance to the nearest whole number, 0 .. 0.5."""
    return 0.5 - np.abs(x - np.floor(x) - 0.5)


def to_joint(x, normal):
    """Returns the distance to the joint at the nearest whole number, ignoring joints nearly parallel to the surface.

    `normal` is the surface normal's component along x. Such a joint would cover a whole face, or show as a bull's eye
    on a sphere.
    """
    return to_wall(x) + smoothstep(0.8, 0.95, np.abs(normal))


def bands(x, seed: int, jitter: float):
    """Returns bands of uneven width along x, about one per unit: each one's random number, and the distance to its
    nearest edge, [N] each.
    """
    whole = np.floor(x)
    edge = lambda i: i + jitter * (_line_tone(i, seed) - 0.5)
    low, high = edge(whole), edge(whole + 1.0)
    index = whole - (x < low) + (x >= high)
    return _line_tone(index, seed ^ 0x2545F491), np.minimum(np.abs(x - low), np.abs(x - high))


def _line_tone(index, seed: int):  # [N] -> [N] in [0, 1)
    zero = np.zeros_like(index)
    return cell_tone(np.stack([index, zero, zero], axis=1), seed)
