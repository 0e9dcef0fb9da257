"""The cylinder of radius 1 about z, from z = -1 to 1: side, bottom, top."""

from dataclasses import dataclass

from zeroverse.core.record import Record
from zeroverse.shapes.patch import ALONG, AROUND, RINGS, Patch, circle, disk, grid, ring, stack, steps


@dataclass(frozen=True)
class Cylinder(Record):
    """A cylinder of radius 1 between z = -1 and z = 1."""

    SURFACES = 3

    @property
    def thickness(self) -> float:
        return 1.0

    @property
    def volume(self) -> float:
        return 6.283185307179586

    def surfaces(self, around: int = AROUND, along: int = ALONG, rings: int = RINGS) -> tuple[Patch, ...]:
        cosine, sine = ring(around)
        v = steps(along)
        points = stack(cosine, sine, (2 * v - 1)[:, None])
        normals = stack(cosine, sine, 0 * v[:, None])
        side = Patch("side", _position, grid(steps(around), v), points, normals, periodic=(True, False))
        return side, disk("bottom", -1.0, around, rings), disk("top", 1.0, around, rings)

    def cage(self, level: int) -> tuple[Patch, ...]:
        return self.surfaces(8 * (1 + level), 1 + level, 1 + level)


def _position(u, v):
    cosine, sine = circle(u)
    return stack(cosine, sine, 2 * v - 1), stack(cosine, sine, 0 * v)
