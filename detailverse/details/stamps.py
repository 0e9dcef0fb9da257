"""Small closed meshes that stand on surfaces: rivets, bolts, spikes, gems, cups, leaves. A radius of 1 in the surface;
feet reach to z = -FOOT.
"""

from functools import cache

import numpy as np

from detailverse.modelling.skin import Stamp
from zeroverse.core.portable import TAU, cos_sin_array

FOOT = 0.25
HEADS = {  # kind: sides, whether a side faces along x, rows (radius, z) of a lathe from the foot to the top
    "round": (14, 0.0, ((1.0, -FOOT), (1.0, 0.06), (0.95, 0.22), (0.8, 0.42), (0.55, 0.57), (0.28, 0.64), (0.0, 0.66))),
    "flat": (14, 0.0, ((1.0, -FOOT), (1.0, 0.22), (0.88, 0.34), (0.0, 0.34))),
    "cone": (14, 0.0, ((1.0, -FOOT), (1.0, 0.08), (0.55, 0.5), (0.42, 0.55), (0.0, 0.55))),
    "ball": (
        14,
        0.0,
        ((0.6, -FOOT), (0.75, 0.0), (0.95, 0.3), (1.0, 0.55), (0.93, 0.85), (0.72, 1.12), (0.4, 1.29), (0.0, 1.35)),
    ),
    "spike": (
        12,
        0.0,
        ((1.0, -FOOT), (1.0, 0.1), (0.82, 0.3), (0.6, 0.8), (0.4, 1.4), (0.2, 2.0), (0.08, 2.35), (0.0, 2.45)),
    ),
    "pyramid": (4, 0.5, ((1.0, -FOOT), (1.0, 0.12), (0.92, 0.2), (0.0, 0.9))),
    "cup": (
        18,
        0.0,
        (
            (0.7, -FOOT),
            (0.75, 0.0),
            (1.0, 0.28),
            (1.0, 0.42),
            (0.86, 0.5),
            (0.7, 0.4),
            (0.5, 0.2),
            (0.25, 0.12),
            (0.0, 0.1),
        ),
    ),
    "barnacle": (
        9,
        0.0,
        ((1.0, -FOOT), (1.0, 0.05), (0.78, 0.45), (0.56, 0.78), (0.46, 0.84), (0.36, 0.72), (0.24, 0.3), (0.0, 0.24)),
    ),
    "limpet": (13, 0.0, ((1.0, -FOOT), (1.0, 0.02), (0.75, 0.28), (0.42, 0.56), (0.16, 0.72), (0.0, 0.76))),
    "brilliant": (
        8,
        0.5,
        ((1.0, -FOOT), (1.0, 0.2), (0.86, 0.26), (0.82, 0.2), (0.78, 0.2), (0.74, 0.5), (0.42, 0.78), (0.0, 0.78)),
    ),
    "cabochon": (
        16,
        0.0,
        (
            (1.0, -FOOT),
            (1.0, 0.2),
            (0.88, 0.26),
            (0.82, 0.18),
            (0.78, 0.2),
            (0.72, 0.44),
            (0.52, 0.64),
            (0.26, 0.74),
            (0.0, 0.77),
        ),
    ),
    "bolt": (6, 0.0, ((1.0, -FOOT), (1.0, 0.5), (0.9, 0.6), (0.52, 0.6), (0.46, 0.74), (0.0, 0.74))),
    "socket": (12, 0.0, ((1.0, -FOOT), (1.0, 0.62), (0.9, 0.72), (0.55, 0.72), (0.5, 0.3), (0.0, 0.3))),
}


@cache
def head(kind: str) -> Stamp:
    """Returns one of HEADS."""
    sides, phase, rows = HEADS[kind]
    return turned(rows, sides, phase)


def turned(rows, sides: int, phase: float = 0.0) -> Stamp:
    """Returns a lathe about z: rows (radius, z) upwards; the first is closed by a fan, the last by a fan or, where its
    radius is 0, a point.
    """
    c, s = cos_sin_array((np.arange(sides) + phase) * (TAU / sides))
    rings = [np.stack([r * c, r * s, np.full(sides, z)], axis=1) for r, z in rows if r > 0]
    return closed(rings, (0.0, 0.0, rows[0][1]), (0.0, 0.0, rows[-1][1]))


def closed(rings, bottom, top) -> Stamp:
    """Returns rings of points [S, 3], counter-clockwise from above, upwards, closed by fans to two points."""
    sides = len(rings[0])
    points = np.concatenate([[bottom], *rings, [top]])
    k, after = np.arange(sides), (np.arange(sides) + 1) % sides
    faces = [np.stack([np.zeros(sides, int), 1 + after, 1 + k], axis=1)]
    for low in range(1, 1 + (len(rings) - 1) * sides, sides):
        high = low + sides
        faces += [
            np.stack([low + k, low + after, high + after], axis=1),
            np.stack([low + k, high + after, high + k], axis=1),
        ]
    last = 1 + (len(rings) - 1) * sides
    faces.append(np.stack([last + k, last + after, np.full(sides, len(points) - 1)], axis=1))
    return Stamp(points, np.concatenate(faces))


@cache
def leaf(kind: str) -> Stamp:
    """Returns a leaf that lies along +x, its stalk in the surface and its tip raised: `leaf` pointed, `petal` round,
    `thorn` narrow and hooked.
    """
    reach, wide, rise, thick = {
        "leaf": (0.95, 0.42, 0.35, 0.16),
        "petal": (0.9, 0.55, 0.5, 0.2),
        "thorn": (0.8, 0.22, 0.95, 0.4),
    }[kind]
    rings = []
    for t in np.linspace(0.0, 0.97, 7):
        x = -reach + 2 * reach * t
        half = (
            wide
            * {
                "leaf": 4 * t * (1 - t) * (1.25 - 0.5 * t),
                "petal": np.sqrt(max(t * (1.08 - t) * 2.6, 0.0)),
                "thorn": 1.1 * (1 - t) + 0.02,
            }[kind]
        )
        half = max(half, 0.05)
        middle, deep = rise * t * t, thick * (1 - 0.6 * t)
        section = [
            (half, 0.0),
            (0.5 * half, deep * 0.45),
            (0.0, deep * (0.6 if kind == "leaf" else 1.0)),
            (-0.5 * half, deep * 0.45),
            (-half, 0.0),
            (-0.5 * half, -deep * 0.2),
            (0.0, -deep * 0.25),
            (0.5 * half, -deep * 0.2),
        ]
        low = -FOOT * max(1.0 - 3.0 * t, 0.0)
        rings.append(np.array([(x, y, z + middle + (low if z < 0 else 0.0)) for y, z in section]))
    return closed(rings, (-reach - 0.02, 0.0, -0.1), (reach, 0.0, rise))
