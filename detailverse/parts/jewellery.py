"""What jewels share: cut stones with their settings, beads, wires, emblems. A stone lies with its girdle in z = 0, its
table up.
"""

import numpy as np

from detailverse.modelling.figures import crescent, cross, fleur, foil, heart, leaf
from detailverse.modelling.path import Path
from detailverse.modelling.path import circle as hoop
from detailverse.modelling.region import (
    Region,
    circle,
    polar,
    polygon,
    rect,
    ring,
    sector,
    star,
    stroke,
    superellipse,
    turns,
)
from detailverse.modelling.region import union as joined
from detailverse.modelling.shapes import extrude, hull, tube
from detailverse.modelling.solid import Solid, union
from zeroverse.core.affine import towards
from zeroverse.core.portable import TAU, cos_sin

CUTS = ("round", "oval", "emerald", "marquise", "pear", "cushion", "cabochon", "rose")
EMBLEMS = ("fleur", "cross", "star", "heart", "moon", "sun", "rose", "castle", "anchor", "leaf", "wheel", "tree")


def girdle(cut: str) -> np.ndarray:
    """Returns [N, 2]: the outline of a stone of radius 1, counter-clockwise from +x."""
    angles = turns(16)
    if cut == "oval":
        return polar(angles) * (0.78, 1.0)
    if cut == "emerald":
        return np.array(
            [
                (0.72, -0.72),
                (0.72, 0.72),
                (0.48, 0.98),
                (-0.48, 0.98),
                (-0.72, 0.72),
                (-0.72, -0.72),
                (-0.48, -0.98),
                (0.48, -0.98),
            ]
        )
    if cut == "marquise":
        eye = (circle(1.3).move(0.8) & circle(1.3).move(-0.8)).contours()[0]
        return _spread(eye, 16) * (0.96, 0.96)
    if cut == "pear":
        return polar(angles) * np.stack([0.78 - 0.26 * polar(angles)[:, 1], np.ones(16)], axis=1)
    if cut == "cushion":
        return _spread(superellipse(0.9, 0.9, 4.0).contours()[0], 16)
    return polar(turns(24) if cut == "cabochon" else angles)


def _spread(contour: np.ndarray, count: int) -> np.ndarray:
    return Path(np.column_stack([contour, np.zeros(len(contour))]), True).resample(n=count).points[:, :2]


def gem(cut: str, radius: float, label: str = "stone", slot: str = "gem") -> Solid:
    """Returns a faceted stone: crown and pavilion as the hull of its corners."""
    edge = girdle(cut)
    if cut == "cabochon":
        levels = [(1.0, -0.1), (1.0, 0.06), (0.95, 0.25), (0.8, 0.45), (0.55, 0.6), (0.25, 0.67)]
    elif cut == "emerald":
        levels = [(1.0, -0.04), (1.0, 0.04), (0.84, 0.2), (0.66, 0.3), (0.75, -0.3)]
    else:
        levels = [(1.0, -0.03), (1.0, 0.03)]
    corners = [np.column_stack([share * edge, np.full(len(edge), z)]) for share, z in levels]
    if cut == "rose":
        corners += [np.column_stack([0.68 * edge[::2], np.full(8, 0.32)]), [(0, 0, 0.5), (0, 0, -0.3)]]
    elif cut == "emerald":
        corners += [[(0, -0.4, -0.66), (0, 0.4, -0.66)]]
    elif cut != "cabochon":
        corners += [
            np.column_stack([0.57 * edge[::2], np.full(8, 0.35)]),
            np.column_stack([0.83 * edge[1::2], np.full(8, 0.21)]),
            np.column_stack([0.4 * edge[1::2], np.full(8, -0.54)]),
            [(0, 0, -0.78)],
        ]
    return hull(radius * np.concatenate(corners), label, slot)


def setting(cut: str, radius: float, claws: int, depth: float = 0.7, slot: str = "setting") -> Solid:
    """Returns a stone in a collet that reaches down to -depth × radius, held by `claws`; none: by a raised rim."""
    edge = polygon(girdle(cut)).scale(radius)
    wall = 0.1 * radius
    cup = extrude(edge.offset(0.6 * wall).scale(0.6), depth * radius, "setting", slot, taper=1.66).move(
        0, 0, -depth * radius
    )
    if claws == 0:
        rim = extrude(edge.offset(wall) - edge.offset(-0.45 * wall), 0.32 * radius, "setting", slot).move(
            0, 0, -0.22 * radius
        )
        return union((gem(cut, radius), cup, rim))
    rim = extrude(edge.offset(0.6 * wall) - edge.offset(-1.5 * wall), 0.14 * radius, "setting", slot).move(
        0, 0, -0.16 * radius
    )
    outline = _spread(radius * girdle(cut), 8 * claws)[4 if cut in ("emerald", "cushion") else 0 :: 8]
    claw = [tube(_claw(place, depth * radius), 0.085 * radius, "claw", slot, sides=8) for place in outline]
    return union((gem(cut, radius), cup, rim, *claw))


def _claw(place: np.ndarray, depth: float) -> Path:
    shares = [(0.66, -0.9 * depth), (1.06, -0.05), (1.03, 0.1), (0.9, 0.22)]
    unit = max(float(np.sqrt((place * place).sum())), 1e-6)
    return Path([(*(share * place), z if k == 0 else z * unit) for k, (share, z) in enumerate(shares)])


def wire(radius: float, size: float, label: str, slot: str, z: float = 0.0) -> Solid:
    """Returns a ring of round wire about z."""
    return tube(hoop(radius), size, label, slot, sides=10).move(0, 0, z)


def outlined(region: Region, size: float, label: str, slot: str, z: float = 0.0) -> Solid:
    """Returns round wire along every contour of a region, at the height z; its corners are rounded, so the wire does
    not cross itself.
    """
    contours = region.rounded(1.05 * size).simplified(3e-3).contours()
    return union(
        tube(Path(np.column_stack([c, np.full(len(c), z)]), True), size, label, slot, sides=8) for c in contours
    )


def studded(region: Region, solid: Solid, apart: float, z: float = 0.0) -> list[Solid]:
    """Returns copies of a small solid along every contour of a region, as far `apart` as goes into it evenly, at the
    height z.
    """
    places = [
        _spread(contour, max(3, round(Path(np.column_stack([contour, np.zeros(len(contour))]), True).length / apart)))
        for contour in region.contours()
    ]
    return [solid.move(x, y, z) for x, y in np.concatenate(places)]


def facing(solid: Solid, angle: float, radius: float, z: float) -> Solid:
    """Returns what lay in the plane, standing on a cylinder at `angle`: its y up, its upper face outwards."""
    c, s = cos_sin(angle)
    return solid.transform(towards((c, s, 0)), (radius * c, radius * s, z))


def emblem(kind: str, size: float) -> Region:
    """Returns one of EMBLEMS, about `size` tall, about the origin."""
    r = size / 2
    if kind == "castle":
        wall = (
            rect(1.5 * r, 1.1 * r).move(0, -0.4 * r)
            - rect(0.42 * r, 0.5 * r).move(0, -0.7 * r)
            - circle(0.21 * r).move(0, -0.46 * r)
        )
        towers = joined(
            rect(0.4 * r, 0.9 * r).move(x * r, 0.4 * r) | rect(0.52 * r, 0.2 * r).move(x * r, 0.75 * r)
            for x in (-0.55, 0.0, 0.55)
        )
        return wall | towers
    if kind == "anchor":
        arms = sector(0.8 * r, -0.45 * TAU, -0.05 * TAU, 0.58 * r).move(0, -0.15 * r)
        fluke = polygon([(0.42 * r, -0.42 * r), (1.0 * r, -0.5 * r), (0.78 * r, 0.08 * r)])
        return (
            arms
            | fluke
            | fluke.mirror("x")
            | rect(0.2 * r, 1.5 * r).move(0, -0.15 * r)
            | rect(0.9 * r, 0.18 * r).move(0, 0.42 * r)
            | ring(0.27 * r, 0.12 * r).move(0, 0.73 * r)
        )
    if kind == "wheel":
        return (
            ring(r, 0.78 * r)
            | joined(stroke([(0, 0), (0.9 * r, 0)], 0.16 * r).turn(TAU * k / 8) for k in range(8))
            | circle(0.28 * r)
        )
    if kind == "tree":
        crown = joined(
            circle(0.32 * r).move(x * r, y * r)
            for x, y in ((0, 0.68), (-0.42, 0.4), (0.42, 0.4), (-0.55, 0.0), (0.55, 0.0), (0, 0.2))
        )
        return crown | polygon(
            [
                (-0.36 * r, -r),
                (0.36 * r, -r),
                (0.12 * r, -0.55 * r),
                (0.1 * r, 0.2 * r),
                (-0.1 * r, 0.2 * r),
                (-0.12 * r, -0.55 * r),
            ]
        )
    makers = {
        "fleur": lambda: fleur(size),
        "cross": lambda: cross(size, 0.24 * size, 0.1 * size),
        "star": lambda: star(5, r, 0.45 * r).turn(TAU / 4),
        "heart": lambda: heart(size),
        "moon": lambda: crescent(r, 0.6),
        "sun": lambda: star(16, r, 0.62 * r) - ring(0.5 * r, 0.42 * r),
        "rose": lambda: foil(5, r) - ring(0.4 * r, 0.3 * r),
        "leaf": lambda: leaf(size, 0.8 * size, 5).move(0, -r) - stroke([(0, -0.9 * r), (0, 0.5 * r)], 0.05 * r),
    }
    return makers[kind]()
