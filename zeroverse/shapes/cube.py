"""The cube [-1, 1]^3: six square faces."""

from dataclasses import dataclass

import numpy as np

from zeroverse.core.record import Record
from zeroverse.shapes.patch import ALONG, Patch, grid, steps

# name, outward axis and sign, the axis u follows and its sign, the axis v follows and its sign: u x v points outward
_FACES = (
    ("right", (0, 1), (1, 1), (2, 1)),
    ("left", (0, -1), (1, -1), (2, 1)),
    ("back", (1, 1), (0, -1), (2, 1)),
    ("front", (1, -1), (0, 1), (2, 1)),
    ("top", (2, 1), (0, 1), (1, 1)),
    ("bottom", (2, -1), (0, 1), (1, -1)),
)


@dataclass(frozen=True)
class Cube(Record):
    """The cube [-1, 1]^3."""

    SURFACES = 6

    @property
    def thickness(self) -> float:
        return 1.0

    @property
    def volume(self) -> float:
        return 8.0

    def surfaces(self, detail: int = ALONG) -> tuple[Patch, ...]:
        return tuple(_face(*row, detail) for row in _FACES)

    def cage(self, level: int) -> tuple[Patch, ...]:
        return self.surfaces(1 + level)


def _face(name, out, along_u, along_v, detail: int) -> Patch:
    def position(u, v):
        return _place(2 * u - 1, 2 * v - 1), _place(0 * u, 0 * v)

    def _place(a, b):
        point = np.empty(np.broadcast_shapes(np.shape(a), np.shape(b)) + (3,))
        point[..., out[0]] = out[1]
        point[..., along_u[0]] = along_u[1] * a
        point[..., along_v[0]] = along_v[1] * b
        return point

    line = (
        2.0 * np.arange(detail + 1) - detail
    ) / detail  # antisymmetric to the bit, so that faces agree along their edges
    points = _place(line[None, :], line[:, None])
    return Patch(
        name, position, grid(steps(detail), steps(detail)), points, _place(0 * line[None, :], 0 * line[:, None])
    )
