"""Figures: outlines with a name, as regions. Emblems for shields and coins, openings for walls, patterns for panels.

Centred on the origin unless said otherwise; sizes in object units.
"""

import math

import numpy as np

from detailverse.modelling.path import spline
from detailverse.modelling.region import Region, circle, polygon, rect, sector, union
from zeroverse.core.portable import TAU, cos_sin, cos_sin_array


def outline(*curves) -> Region:
    """Returns what smooth curves bound, each through its points [N, 2], counter-clockwise, with corners where one ends
    and the next starts.
    """
    return polygon(np.concatenate([spline(curve).points[:-1, :2] for curve in curves]))


def mirrored(*curves) -> Region:
    """Returns the `outline` of curves that go up the right half, from x = 0 to x = 0, and their mirror images."""
    back = [[(-x, y) for x, y in reversed(curve)] for curve in reversed(curves)]
    return outline(*curves, *back)


def cross(size: float, bar: float, flare: float = 0.0) -> Region:
    """Returns a Greek cross; its arms widen by `flare` on each side towards the ends (a cross pattée)."""
    half, arm = bar / 2, bar / 2 + flare
    return polygon([(0, -half), (size / 2, -arm), (size / 2, arm), (0, half)]).around(4) | rect(bar, bar)


def heart(size: float) -> Region:
    """Returns a heart as wide as `size`, tip down."""
    right = [(0, -0.92), (0.36, -0.56), (0.78, -0.08), (1.0, 0.38), (0.9, 0.76), (0.55, 0.92), (0.2, 0.8), (0, 0.54)]
    return mirrored(right).scale(size / 2)


def shield(w: float, h: float) -> Region:
    """Returns a heater: a shield that is level on top, pointed below."""
    return mirrored(
        [(0, -1), (0.42, -0.72), (0.8, -0.24), (0.97, 0.3)], [(0.97, 0.3), (1, 1)], [(1, 1), (0, 0.96)]
    ).scale(w / 2, h / 2)


def leaf(length: float, width: float, teeth: int = 0) -> Region:
    """Returns a leaf from its stem at the origin to its tip on +y; the rim has `teeth` on each side."""
    t = np.arange(1, n := 24 * max(2, teeth)) / n
    half = cos_sin_array(math.pi * t * (1.35 - 0.35 * t))[1] * (width / 2)  # widest below the middle
    if teeth:
        saw = t * teeth - np.floor(t * teeth)
        half = half * (0.78 + 0.22 * saw)
    right = np.stack([half, t * length], axis=1)
    return polygon(np.concatenate([[(0, 0)], right, [(0, length)], right[::-1] * (-1, 1)]))


def crescent(r: float, waning: float = 0.7) -> Region:
    """Returns a moon of radius r, open to +x; `waning` 0..1 of its width is gone."""
    inner = r * (1.1 - 0.3 * waning)
    return circle(r) - circle(inner).move(inner + r - 2 * r * waning)


def fleur(h: float) -> Region:
    """Returns a fleur-de-lis, h tall."""
    middle = mirrored([(0, -0.3), (0.09, -0.2), (0.12, 0.0), (0.27, 0.36), (0.22, 0.66), (0, 1.0)])
    side = outline(
        [(0.06, -0.3), (0.19, -0.12), (0.36, 0.02), (0.52, 0.14), (0.6, 0.05), (0.5, -0.08)],
        [
            (0.5, -0.08),
            (0.66, -0.1),
            (0.78, 0.04),
            (0.77, 0.26),
            (0.62, 0.42),
            (0.42, 0.38),
            (0.24, 0.18),
            (0.14, -0.08),
            (0.06, -0.3),
        ],
    )
    foot = outline(
        [(0.04, -0.3), (0.12, -0.5), (0.3, -0.62), (0.4, -0.54)],
        [(0.4, -0.54), (0.38, -0.42), (0.26, -0.42), (0.19, -0.3)],
        [(0.19, -0.3), (0.04, -0.3)],
    )
    tail = mirrored([(0, -1.0), (0.15, -0.72), (0.07, -0.3)], [(0.07, -0.3), (0, -0.28)])
    half = side | foot
    return (middle | half | half.mirror("x") | tail | rect(0.62, 0.13, 0.04).move(0, -0.3)).scale(h / 2)


def foil(n: int, r: float) -> Region:
    """Returns a trefoil, quatrefoil, …: n overlapping circles inside radius r, one at the top."""
    small = 0.56 * r if n == 3 else r / (1 + 1 / (1.12 * cos_sin(math.pi / n)[1]))
    return circle(small).move(r - small).around(n).turn(math.pi / 2) | circle(r - small)


def gothic_arch(w: float, h: float, sharpness: float = 1.0) -> Region:
    """Returns an opening over the x axis that ends in a point. The two arcs have the radius sharpness × w; at 1 it is
    equilateral. Raises ValueError where the point would be higher than h.
    """
    r = sharpness * w
    rise = math.sqrt(r * r - (r - w / 2) * (r - w / 2))
    if sharpness <= 0.5 or rise >= h:
        raise ValueError(
            f"gothic_arch: expected sharpness > 0.5 and the point {rise} over the springing lower than h, got "
            f"{sharpness} and {h}"
        )
    point = (circle(r).move(w / 2 - r) & circle(r).move(r - w / 2) & rect(w, 2 * h).move(0, h)).move(0, h - rise)
    return rect(w, h - rise).move(0, (h - rise) / 2) | point


def tracery(n: int, r: float, bar: float, foils: int = 4) -> Region:
    """Returns a rose window: the stone around n foiled lights, a middle one, and the spandrels between, all `bar`
    apart. Raises ValueError where the bar leaves the lights too small.
    """
    s = cos_sin(math.pi / n)[1]
    distance = (r - bar / 2) / (1 + s)
    light = distance * s - bar / 2
    middle = distance - light - bar
    if min(light, middle) < bar:
        raise ValueError(
            f"tracery: expected bar {bar} thin enough for {n} lights in radius {r}, got lights of {light} around one "
            f"of {middle}"
        )
    rounds = circle(light).move(distance).around(n)
    spandrels = (circle(r - bar) - rounds.offset(bar) - circle(middle + bar)).offset(-0.3 * bar).offset(0.3 * bar)
    lights = foil(foils, light).turn(-math.pi / 2).move(distance).around(n)
    return circle(r) - lights - foil(n, middle) - spandrels


def laurel(r: float, leaves: int, size: float) -> Region:
    """Returns a wreath open at the top: two branches with pairs of leaves that point along them."""
    blade = leaf(size, 0.38 * size)
    side = []
    for k in range(leaves):
        angle = -TAU / 4 + (k + 0.3) / leaves * 0.42 * TAU
        pair = blade.turn(-0.5).move(0.02 * size) | blade.turn(0.5).move(-0.02 * size)
        side.append(pair.move(r).turn(angle))
    branch = union(side) | sector(r + 0.05 * size, -TAU / 4, -TAU / 4 + 0.42 * TAU, r - 0.05 * size)
    return branch | branch.mirror("x")
