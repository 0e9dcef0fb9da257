"""Small parts that families of every kind use: balls, bars, tassels, marks of a scale."""

import numpy as np

from detailverse.modelling.profile import Profile, turned
from detailverse.modelling.region import Region, polar, rect, rosette, turns
from detailverse.modelling.region import union as joined
from detailverse.modelling.shapes import extrude, hull, lathe
from detailverse.modelling.solid import Solid, union
from zeroverse.core.affine import towards
from zeroverse.core.portable import TAU, cos_sin, cos_sin_array


def upright(solid: Solid) -> Solid:
    """Returns what lay in the plane, standing: y becomes up, the upper face looks towards -y."""
    return solid.turn("x", TAU / 4)


def bead(radius: float, label: str, slot: str, sides: int = 10) -> Solid:
    """Returns a coarse ball of 62 points, for beads by the hundred."""
    latitudes = [cos_sin(TAU * (k / 6 - 0.5) / 2) for k in range(1, 6)]
    rings = [np.column_stack([polar(turns(sides), radius * c), np.full(sides, radius * s)]) for c, s in latitudes]
    return hull(np.concatenate([*rings, [(0, 0, -radius), (0, 0, radius)]]), label, slot)


def turned_bead(radius: float, label: str, slot: str) -> Solid:
    """Returns a small turned ball of 14 sides and 8 rings."""
    c, s = cos_sin_array(TAU / 2 * np.arange(9) / 8)
    s[[0, -1]] = 0.0
    return lathe(Profile((np.stack([radius * s, -radius * c], axis=1),)), label, slot, sides=14)


def turned_ball(radius: float, label: str, slot: str, sides: int = 32) -> Solid:
    """Returns a turned ball of fewer triangles than `shapes.ball`."""
    n = sides // 2
    return lathe(
        Profile(
            (
                np.array(
                    [
                        (radius * c * (0 < k < n), radius * s)
                        for k in range(n + 1)
                        for c, s in [cos_sin(TAU / 2 * (k / n - 0.5))]
                    ]
                ),
            )
        ),
        label,
        slot,
        sides=sides,
    )


def rod(a, b, radius: float, label: str, slot: str, sides: int = 12) -> Solid:
    """Returns a straight bar from a to b [3]."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    length = float(np.sqrt(((b - a) ** 2).sum()))
    ring = [
        (radius * c, radius * s, z) for k in range(sides) for c, s in [cos_sin(TAU * k / sides)] for z in (0.0, length)
    ]
    return hull(np.array(ring), label, slot).transform(towards(b - a), a)


def tassel(length: float, label: str, slot: str) -> Solid:
    """Returns a tassel that hangs from the origin: a knob, a collar, a skirt of threads."""
    line = (
        turned(0.0, -0.5 * length)
        .out(0.16 * length)
        .up(0.16 * length)
        .to(0.13 * length, -0.3 * length)
        .up(0.04 * length)
    )
    line = line.curve((0.2 * length, -0.12 * length), (0.0, 0.02))
    skirt = extrude(rosette(14, 0.27 * length, 0.06 * length), 0.7 * length, label, slot, taper=0.55).move(
        0, 0, -1.02 * length
    )
    return union((lathe(line.close(), label, slot, sides=28), skirt))


def ticks(radius: float, start: float, end: float, count: int, minor: int, size: float) -> Region:
    """Returns `count` strokes clockwise from angle `start` to `end` and `minor` short ones between two, inwards from
    the radius.
    """
    marks = []
    for k in range((count - 1) * minor + 1):
        angle = start + (end - start) * k / ((count - 1) * minor)
        long, wide = (size, 0.22 * size) if k % minor == 0 else (0.5 * size, 0.13 * size)
        marks.append(rect(long, wide).move(radius - long / 2, 0).turn(angle))
    return joined(marks)
