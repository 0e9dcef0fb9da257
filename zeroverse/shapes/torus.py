"""The torus about z with outer radius 1 and tube radius `minor`: one surface, u around the axis, v around the tube."""

from dataclasses import dataclass

from zeroverse.core.record import Record, checked, number
from zeroverse.core.rng import Rng
from zeroverse.shapes.patch import AROUND, Patch, circle, grid, ring, stack, steps


@dataclass(frozen=True)
class Torus(Record):
    """minor: 0.05 to 0.45 of the outer radius (at 0.5 the hole closes); the half-extents are (1, 1, minor)."""

    minor: float = checked(lambda value: number(value, 0.05, 0.45))
    SURFACES = 1

    @classmethod
    def sample(cls, rng: Rng) -> "Torus":
        return cls(rng.uniform(0.2, 0.4))  # ours: the paper gives no range, the released code 0.3 of the size

    @property
    def thickness(self) -> float:
        return self.minor

    @property
    def volume(self) -> float:
        return 19.739208802178716 * (1 - self.minor) * self.minor * self.minor

    def surfaces(self, around: int = AROUND) -> tuple[Patch, ...]:
        points, normals = self._place(ring(around), [values[:, None] for values in ring(around // 2)])
        return (
            Patch(
                "side", self._position, grid(steps(around), steps(around // 2)), points, normals, periodic=(True, True)
            ),
        )

    def cage(self, level: int) -> tuple[Patch, ...]:
        return self.surfaces(8 * (1 + level))

    def _position(self, u, v):
        return self._place(circle(u), circle(v))

    def _place(self, turn, tube):
        (cosine, sine), (out, up) = turn, tube
        radius = (1 - self.minor) + self.minor * out
        return stack(radius * cosine, radius * sine, self.minor * up), stack(out * cosine, out * sine, up)
