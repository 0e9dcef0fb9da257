"""The cone of base radius 1 at z = -1 and tip at z = 1: side, base."""

from dataclasses import dataclass

import numpy as np

from zeroverse.core.record import Record
from zeroverse.shapes.patch import ALONG, AROUND, RINGS, Patch, circle, disk, grid, ring, stack, steps

_OUT, _UP = 0.8944271909999159, 0.4472135954999579  # the side's normal (2, 1) / sqrt(5): radius 1 over height 2


@dataclass(frozen=True)
class Cone(Record):
    """A cone of base radius 1 between z = -1 and its tip at z = 1; half-extents 1."""

    SURFACES = 2

    @property
    def thickness(self) -> float:
        return 0.5

    @property
    def volume(self) -> float:
        return 2.0943951023931953

    def surfaces(self, around: int = AROUND, along: int = ALONG, rings: int = RINGS) -> tuple[Patch, ...]:
        cosine, sine = ring(around)
        v = steps(along)[:, None]
        points = stack((1 - v) * cosine, (1 - v) * sine, 2 * v - 1)
        normals = stack(_OUT * cosine, _OUT * sine, _UP + 0 * v)  # the tip keeps one normal per column: it is sharp
        fade = np.broadcast_to(
            1 - v, points.shape[:2]
        )  # relief shrinks with the radius, or it would cross the axis near the tip
        side = Patch(
            "side", _position, grid(steps(around), steps(along)), points, normals, periodic=(True, False), fade=fade
        )
        return side, disk("base", -1.0, around, rings)

    def cage(self, level: int) -> tuple[Patch, ...]:
        return self.surfaces(8 * (1 + level), 1 + level, 1 + level)


def _position(u, v):
    cosine, sine = circle(u)
    return stack((1 - v) * cosine, (1 - v) * sine, 2 * v - 1), stack(_OUT * cosine, _OUT * sine, _UP + 0 * v)
