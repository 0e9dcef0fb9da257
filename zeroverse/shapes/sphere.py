"""The unit sphere: one surface, u around +z, v from the south to the north pole."""

from dataclasses import dataclass

from zeroverse.core.record import Record
from zeroverse.shapes.patch import AROUND, Patch, circle, grid, ring, stack, steps


@dataclass(frozen=True)
class Sphere(Record):
    """The unit sphere."""

    SURFACES = 1

    @property
    def thickness(self) -> float:
        return 1.0

    @property
    def volume(self) -> float:
        return 4.1887902047863905

    def surfaces(self, around: int = AROUND) -> tuple[Patch, ...]:
        rows = around // 2
        cosine, sine = ring(around)
        height, radius = circle(steps(rows) / 2)  # of the polar angle, from the south pole
        height, radius = -height[:, None], radius[:, None]
        radius[0] = radius[-1] = 0.0  # the poles are points to the bit
        points = stack(radius * cosine, radius * sine, height)
        return (Patch("side", _position, grid(steps(around), steps(rows)), points, points, periodic=(True, False)),)

    def cage(self, level: int) -> tuple[Patch, ...]:
        return self.surfaces(8 * (1 + level))


def _position(u, v):
    cosine, sine = circle(u)
    height, radius = circle(v / 2)
    points = stack(radius * cosine, radius * sine, -height)
    return points, points
