"""Parts that creatures share: eyes, horns, teeth, jointed legs, fins."""
import numpy as np

from detailverse import sdf
from detailverse.families.polyhedra import bead
from detailverse.path import spline
from detailverse.shapes import hull, tube
from detailverse.solid import Solid, towards, union
from zeroverse import affine
from zeroverse.portable import TAU, cos_sin


def spike(place, way, length: float, radius: float, label: str, finish: str, sides: int = 8, flat: float = 1.0) -> Solid:
    """A straight thorn from `place` [3] along `way` [3]; flat: its thickness across to that along `up`."""
    ring = [(radius * flat * c, radius * s, -0.3 * radius) for k in range(sides) for c, s in [cos_sin(TAU * (k + 0.5) / sides)]]
    return hull(np.array([*ring, (0.0, 0.0, length)]), label, finish).transform(towards(way), place)


def horn(points, radius: float, label: str, finish: str, tip: float = 0.012) -> Solid:
    """A curved thorn through points [N, 3]."""
    return tube(spline(points, per_span=8), lambda s: radius + (tip - radius) * s, label, finish, sides=14)


def eyes(place, radius: float, label: str = "eye", finish: str = "eye") -> Solid:
    """An eye at `place` [3] and its mirror image."""
    one = bead(radius, label, finish, 24)
    x, y, z = place
    return one.move(x, y, z) | one.move(-x, y, z)


def pair(solid: Solid) -> Solid:
    """It, and its mirror image on the other side."""
    return solid | solid.mirror("x")


def leg(hip, knee, ankle, foot, thick: float) -> sdf.Sdf:
    """A limb over three joints to a foot, all [3]."""
    return sdf.chain([hip, knee, ankle, foot], [thick, 0.66 * thick, 0.45 * thick, 0.42 * thick])


def toes(foot, ahead, size: float, count: int) -> tuple[list[sdf.Sdf], list[Solid]]:
    """Toes fanned about the direction `ahead`, and a claw on each."""
    bones, claws = [], []
    ahead = affine.unit(np.asarray(ahead, dtype=np.float64))
    side = affine.unit(affine.cross(np.array([0.0, 0.0, 1.0]), ahead))
    for k in range(count):
        way = affine.unit(ahead + side * (0.9 * (k / max(1, count - 1) - 0.5)))
        tip = np.asarray(foot) + way * 1.5 * size + [0.0, 0.0, -0.1 * size]
        bones.append(sdf.round_cone(foot, tip, 0.5 * size, 0.36 * size))
        claws.append(spike(tip + way * 0.15 * size, way + np.array([0.0, 0.0, -0.35]), 0.75 * size, 0.24 * size, "claw", "horn"))
    return bones, claws


def fin(outline, thick: float, label: str, finish: str, rays: int = 0, root=(0.0, 0.0)) -> Solid:
    """A membrane in the plane of y and z, its outline [N, 2] star-shaped about `root`, with rays from there to its edge."""
    ring = np.asarray(outline, dtype=np.float64)
    centre = np.array(root)
    parts = []
    for a, b in zip(ring, np.roll(ring, -1, axis=0)):
        points = [(x, *(centre + 0.0)) for x in (-thick, thick)] + [(x, *p) for p in (a, b) for x in (-0.35 * thick, 0.35 * thick)]
        if abs((a - centre)[0] * (b - centre)[1] - (a - centre)[1] * (b - centre)[0]) > 1e-5:
            parts.append(hull(np.array(points), label, finish))
    closed = np.concatenate([ring, ring[:1]])
    for k in range(rays):
        at = (k + 0.5) / rays * (len(ring) - 1)
        tip = closed[int(at)] + (at - int(at)) * (closed[int(at) + 1] - closed[int(at)])
        across = affine.unit(np.array([0.0, *(tip - centre)]))
        wide = affine.cross(np.array([1.0, 0.0, 0.0]), across) * 1.1 * thick
        start, end = np.array([0.0, *centre]), np.array([0.0, *(centre + 0.97 * (tip - centre))])
        parts.append(hull(np.array([start + wide, start - wide, start + [1.5 * thick, 0, 0], start - [1.5 * thick, 0, 0],
                                    end + 0.6 * wide, end - 0.6 * wide, end + [0.9 * thick, 0, 0], end - [0.9 * thick, 0, 0]]), label, finish))
    return union(parts)
