"""Loops over points: overlapping elements, nearest segments, sparse waves, plates of a tree, petals, traces. The rest
of the package is numpy.
"""

import numpy as np

from zeroverse.core.jit import kernel, spliced
from zeroverse.core.portable import atan2


@spliced
def _hash(i, j, k, seed):
    """Returns a random number in [0, 1) for three whole numbers; `lowbias32` as in zeroverse.textures.noise."""
    h = np.uint32(np.uint32(np.int32(i)) * np.uint32(0x8DA6B343)) ^ np.uint32(
        np.uint32(np.int32(j)) * np.uint32(0xD8163841)
    )
    h = np.uint32(np.uint32(h ^ np.uint32(np.uint32(np.int32(k)) * np.uint32(0xCB1AB31F))) ^ np.uint32(seed))
    h = np.uint32(h ^ (h >> np.uint32(16)))
    h = np.uint32(h * np.uint32(0x7FEB352D))
    h = np.uint32(h ^ (h >> np.uint32(15)))
    h = np.uint32(h * np.uint32(0x846CA68B))
    return np.uint32(h ^ (h >> np.uint32(16))) * (1.0 / 4294967296.0)


@spliced
def _outline(shape, x, y, half, tip):
    """Returns the distance inside an element whose tip is at y = 0 and whose body is 2 * half wide. shape: 0 round, 1
    pointed, 2 square, 3 lobed.
    """
    if shape == 0:
        below = min(y - half, 0.0)
        return half - np.sqrt(x * x + below * below)
    if shape == 2:
        return min(half - abs(x), y)
    t = min(y / tip, 1.0)
    width = half * (1.0 - (1.0 - t) * (1.0 - t))
    if shape == 3:
        lobe = 2.5 * y / tip - 0.8 * abs(x) / half
        lobe -= np.floor(lobe)
        width *= 1.0 - 0.9 * lobe * (1.0 - lobe) * (1.0 - 0.6 * t)
    return 0.8 * (width - abs(x))


@kernel
def overlap(a, b, columns, wide, tall, shape, length, fill, low, keel, barbs, run, uneven, seed):
    """Returns rows of elements like roof tiles: each lies over the rows below it and covers `length` rows from its
    tip at whole b.

    a, b: [N] in cells and rows; wide, tall: of a cell and row, object units; low: height of the buried end; keel:
        height of the middle ridge;
    barbs: depth of slanting grooves; uneven: how far tips are out of line, in rows.
    Returns [N] height in 0 … 1, [N] distance to the outline of the uppermost one, [N] how far it stands above the next,
    with alternating sign.
    """
    height, edge, gap = np.empty(a.size), np.empty(a.size), np.empty(a.size)
    half, tip = 0.5 * wide * fill, min(0.9 * wide, 1.4 * tall)
    for n in range(a.size):
        best = second = 0.0
        inside, side = -wide, 1.0
        top = np.floor(b[n] + uneven)
        for k in range(int(length) + 2):
            j = top - k
            shift = 0.5 * (int(j) & 1)
            i = np.floor(a[n] - shift)
            x = (a[n] - shift - i - 0.5) * wide
            i = i % columns
            s = b[n] - j + uneven * (_hash(i, j, 1, seed) - 0.5)
            d = _outline(shape, x, s * tall, half, tip)
            if s > length or d <= 0.0:
                continue
            h = 1.0 - keel - (1.0 - low - keel) * s / length + keel * max(1.0 - abs(x) / (0.6 * half), 0.0)
            if barbs > 0.0:
                comb = (s * tall + 0.9 * abs(x)) * (3.0 if shape == 3 else 5.0) / wide
                h -= barbs * abs(2.0 * (comb - np.floor(comb)) - 1.0) * min(abs(x) / (0.2 * half), 1.0)
            h *= min(d / run, 1.0)
            if h > best:
                best, second, inside, side = h, best, d, 1.0 if int(j) & 1 else -1.0
            elif h > second:
                second = h
        height[n], edge[n], gap[n] = best, inside, side * (best - second)
    return height, edge, gap


@kernel
def strokes(x, y, glyph, starts, segments, square):
    """Returns the distance from each point to the nearest of its glyph's segments, [N]. glyph: [N] which; starts: [G
    + 1] into segments [S, 4] (x, y to x, y).

    square: the greater of the distances along the axes, so that strokes parallel to them end and turn squarely.
    """
    out = np.empty(x.size)
    for n in range(x.size):
        nearest = 1e9
        for s in range(starts[glyph[n]], starts[glyph[n] + 1]):
            dx, dy = segments[s, 2] - segments[s, 0], segments[s, 3] - segments[s, 1]
            px, py = x[n] - segments[s, 0], y[n] - segments[s, 1]
            t = min(max((px * dx + py * dy) / max(dx * dx + dy * dy, 1e-18), 0.0), 1.0)
            px, py = abs(px - t * dx), abs(py - t * dy)
            d = max(px, py) if square else np.sqrt(px * px + py * py)
            nearest = min(nearest, d)
        out[n] = nearest
    return out


@kernel
def petals(x, y, cosines, sines):
    """Returns the position in the frame of the nearest of some directions: [N] along it, [N] across it."""
    along, across = np.empty(x.size), np.empty(x.size)
    for n in range(x.size):
        best = -1e9
        for k in range(cosines.size):
            d = x[n] * cosines[k] + y[n] * sines[k]
            if d > best:
                best, side = d, y[n] * cosines[k] - x[n] * sines[k]
        along[n], across[n] = best, side
    return along, across


@kernel
def polar(x, y):
    """Returns the angle in turns, -0.5 … 0.5, and radius, [N] each."""
    angle, radius = np.empty(x.size), np.empty(x.size)
    for n in range(x.size):
        angle[n] = atan2(y[n], x[n]) * 0.15915494309189535
        radius[n] = np.sqrt(x[n] * x[n] + y[n] * y[n])
    return angle, radius


@kernel
def ripples(a, b, columns, frequency, leaning, seed):
    """Returns sparse-convolution noise of one wavelength: short waves of random phase and place, three to a cell. About
    -1 … 1, zero lines evenly spaced.

    a, b: [N] in cells, a in a loop of `columns`; frequency: waves per cell; leaning: 0 waves of all directions, 1 all
        along b, -1 all along a.
    Source: Lagae et al., Procedural Noise using Sparse Gabor Convolution, SIGGRAPH 2009, with parabolas for the cosine
    and (1 - r²)³ for the Gaussian.
    """
    out = np.empty(a.size)
    free = 1.0 - abs(leaning)
    for n in range(a.size):
        i0, j0 = np.floor(a[n]), np.floor(b[n])
        total = 0.0
        for i in (i0 - 1, i0, i0 + 1):
            for j in (j0 - 1, j0, j0 + 1):
                for k in range(3):
                    dx = a[n] - i - _hash(i % columns, j, 5 * k, seed)
                    dy = b[n] - j - _hash(i % columns, j, 5 * k + 1, seed)
                    weight = 1.0 - dx * dx - dy * dy
                    if weight <= 0.0:
                        continue
                    c = max(-leaning, 0.0) + free * (2.0 * _hash(i % columns, j, 5 * k + 2, seed) - 1.0)
                    s = max(leaning, 0.0) + free * (2.0 * _hash(i % columns, j, 5 * k + 4, seed) - 1.0)
                    size = np.sqrt(c * c + s * s) + 1e-9
                    phase = frequency * (dx * c + dy * s) / size + _hash(i % columns, j, 5 * k + 3, seed)
                    p = 2.0 * (phase - np.floor(phase)) - 1.0
                    total -= weight * weight * weight * 4.0 * p * (1.0 - abs(p))
        out[n] = total
    return out


@kernel
def plates(u, v, axis, cut, first, second, boxes):
    """Returns the leaf of a tree of cuts that each point lies in, [N], and its position from that leaf's middle, [N],
    [N].

    Node k cuts along axis[k] at cut[k] into first[k] (below) and second[k]; axis -1 is a leaf; boxes: [K, 4] low u, low
    v, high u, high v.
    """
    leaf, x, y = np.empty(u.size, np.int64), np.empty(u.size), np.empty(u.size)
    for n in range(u.size):
        k = 0
        while axis[k] >= 0:
            k = first[k] if (u[n] if axis[k] == 0 else v[n]) < cut[k] else second[k]
        leaf[n] = k
        x[n] = u[n] - 0.5 * (boxes[k, 0] + boxes[k, 2])
        y[n] = v[n] - 0.5 * (boxes[k, 1] + boxes[k, 3])
    return leaf, x, y


@kernel
def traces(a, b, columns, density, width, pad, seed):
    """Returns the distance inside the conductors of a circuit on a lattice of nodes at whole a, b: straight and
    diagonal tracks, round pads where one ends.

    a, b: [N] in cells, a in a loop of `columns`; density: how many of the links there are; width: half of a track's, in
    cells; pad: its radius, in cells.
    """
    out = np.empty(a.size)
    for n in range(a.size):
        i0, j0 = np.floor(a[n]), np.floor(b[n])
        best = -1.0
        for i in (i0 - 1, i0, i0 + 1, i0 + 2):
            for j in (j0 - 1, j0, j0 + 1, j0 + 2):
                x, y = a[n] - i, b[n] - j
                kind = _hash(i % columns, j, 7, seed)
                if kind < 0.3:
                    best = max(best, pad - np.sqrt(x * x + y * y))
                if _hash(i % columns, j, 3, seed) > density:
                    continue
                turn = int(3.0 * _hash(i % columns, j, 5, seed))  # to the right, upwards, up and right
                dx, dy = (1.0, 0.0) if turn == 0 else (0.0, 1.0) if turn == 1 else (1.0, 1.0)
                t = min(max((x * dx + y * dy) / (dx * dx + dy * dy), 0.0), 1.0)
                best = max(best, width - np.sqrt((x - t * dx) ** 2 + (y - t * dy) ** 2))
        out[n] = best
    return out


@kernel
def stones(a, b, columns, jitter, seed):
    """Returns flat cellular noise, one feature point per unit cell, a in a loop of `columns`; jitter 0 … 0.9.

    Returns [N] distance to the nearest feature point, [N] to its cell's nearest wall, [N] the nearest one's random
    number. Where cells lie in the surface they are whole: those of `noise.worley` are cut by it anywhere.
    """
    nearest, wall, tone = np.empty(a.size), np.empty(a.size), np.empty(a.size)
    x, y, column = np.empty(9), np.empty(9), np.empty(3, np.int64)
    for n in range(a.size):
        i0, j0 = int(np.floor(a[n])) - 1, int(np.floor(b[n])) - 1
        for k in range(3):
            column[k] = (i0 + k) % columns
        first, own = 9.0, 0
        for k in range(9):
            both = _hash(column[k % 3], j0 + k // 3, 0, seed) * 65536.0  # one word gives both coordinates
            whole = np.floor(both)
            x[k] = i0 + k % 3 + 0.5 + jitter * (whole * (1.0 / 65536.0) - 0.5) - a[n]
            y[k] = j0 + k // 3 + 0.5 + jitter * (both - whole - 0.5) - b[n]
            d = x[k] * x[k] + y[k] * y[k]
            if d < first:
                first, own = d, k
        square = 16.0
        for k in range(9):  # over all neighbours: the wall to the second nearest point is not always the nearest wall
            apart = (x[k] - x[own]) ** 2 + (y[k] - y[own]) ** 2
            farther = x[k] * x[k] + y[k] * y[k] - first
            if k != own and farther * farther < square * apart:
                square = farther * farther / apart
        wall[n] = 0.5 * np.sqrt(square)
        nearest[n] = np.sqrt(first)
        tone[n] = _hash(column[own % 3], j0 + own // 3, 2, seed)
    return nearest, wall, tone
