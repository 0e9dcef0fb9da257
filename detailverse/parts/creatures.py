"""Parts that creatures share: eyes, horns, teeth, jointed legs, fins."""

import numpy as np

from detailverse import sdf
from detailverse.modelling.path import spline
from detailverse.modelling.shapes import hull, tube
from detailverse.modelling.solid import Solid, leaf_solid, union
from detailverse.modelling.surface import Leaf
from detailverse.parts.elements import turned_ball
from zeroverse.core import affine
from zeroverse.core.affine import towards
from zeroverse.core.portable import TAU, cos_sin


def spike(place, way, length: float, radius: float, label: str, slot: str, sides: int = 8, flat: float = 1.0) -> Solid:
    """Returns a straight thorn from `place` [3] along `way` [3]; flat: its thickness across to that along `up`."""
    ring = [
        (radius * flat * c, radius * s, -0.3 * radius)
        for k in range(sides)
        for c, s in [cos_sin(TAU * (k + 0.5) / sides)]
    ]
    return hull(np.array([*ring, (0.0, 0.0, length)]), label, slot).transform(towards(way), place)


def horn(points, radius: float, label: str, slot: str, tip: float = 0.012) -> Solid:
    """Returns a curved thorn through points [N, 3]."""
    return tube(spline(points, per_span=8), lambda s: radius + (tip - radius) * s, label, slot, sides=14)


def eyes(place, radius: float, label: str = "eye", slot: str = "eye") -> Solid:
    """Returns an eye at `place` [3] and its mirror image."""
    one = turned_ball(radius, label, slot, 24)
    x, y, z = place
    return one.move(x, y, z) | one.move(-x, y, z)


def pair(solid: Solid) -> Solid:
    """Returns the solid and its mirror image on the other side."""
    return solid | solid.mirror("x")


def leg(hip, knee, ankle, foot, thick: float) -> sdf.Sdf:
    """Returns a limb over three joints to a foot, all [3]."""
    return sdf.chain([hip, knee, ankle, foot], [thick, 0.66 * thick, 0.45 * thick, 0.42 * thick])


def toes(foot, ahead, size: float, count: int) -> tuple[list[sdf.Sdf], list[Solid]]:
    """Returns toes fanned about the direction `ahead`, and a claw on each."""
    bones, claws = [], []
    ahead = affine.unit(np.asarray(ahead, dtype=np.float64))
    side = affine.unit(affine.cross(np.array([0.0, 0.0, 1.0]), ahead))
    for k in range(count):
        way = affine.unit(ahead + side * (0.9 * (k / max(1, count - 1) - 0.5)))
        tip = np.asarray(foot) + way * 1.5 * size + [0.0, 0.0, -0.1 * size]
        bones.append(sdf.round_cone(foot, tip, 0.5 * size, 0.36 * size))
        claws.append(
            spike(tip + way * 0.15 * size, way + np.array([0.0, 0.0, -0.35]), 0.75 * size, 0.24 * size, "claw", "horn")
        )
    return bones, claws


def fin(outline, thick: float, label: str, slot: str, rays: int = 0, root=(0.0, 0.0)) -> Solid:
    """Returns a membrane in the plane of y and z, its outline [N, 2] star-shaped about `root` inside it, with rays from
    there to its edge.
    """
    ring, centre = np.asarray(outline, dtype=np.float64), np.array(root)
    n, after = len(ring), np.roll(ring, -1, axis=0)
    if float((ring[:, 0] * after[:, 1] - ring[:, 1] * after[:, 0]).sum()) < 0:
        ring = ring[::-1]
    edge = np.column_stack([np.full(n, 0.35 * thick), ring])
    points = np.concatenate([edge, edge * [-1, 1, 1], [(thick, *centre), (-thick, *centre)]])
    a, b = np.arange(n), (np.arange(n) + 1) % n
    faces = np.concatenate(
        [
            np.stack([a, b, 0 * a + 2 * n], 1),
            np.stack([b + n, a + n, 0 * a + 2 * n + 1], 1),
            np.stack([b, a, a + n], 1),
            np.stack([b, a + n, b + n], 1),
        ]
    )
    parts, closed = [leaf_solid(Leaf(label, slot), points, faces, None)], np.concatenate([ring, ring[:1]])
    for k in range(rays):
        at = (k + 0.5) / rays * n
        tip = closed[int(at)] + (at - int(at)) * (closed[int(at) + 1] - closed[int(at)])
        start, end = (
            np.array([0.0, *(centre + 0.06 * (tip - centre))]),
            np.array([0.0, *(centre + 0.97 * (tip - centre))]),
        )
        wide = affine.cross(np.array([1.0, 0.0, 0.0]), affine.unit(end - start)) * 0.9 * thick
        out = np.array([1.3 * thick, 0.0, 0.0])
        parts.append(
            hull(
                np.array(
                    [
                        start + wide,
                        start - wide,
                        start + out,
                        start - out,
                        end + 0.6 * wide,
                        end - 0.6 * wide,
                        end + 0.6 * out,
                        end - 0.6 * out,
                    ]
                ),
                label,
                slot,
            )
        )
    return union(parts)
