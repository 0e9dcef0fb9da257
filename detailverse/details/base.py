"""What detail operators share: cells of a chart, distances, profiles, and the two bases. Lengths in object units,
distances positive inside.
"""

from dataclasses import dataclass

import numpy as np

from detailverse.details.kernels import stones
from detailverse.modelling.skin import Chart, Ornaments
from zeroverse.core.portable import TAU, cos_sin_array
from zeroverse.core.record import Record, flag
from zeroverse.textures.noise import cell_tone, to_wall, warp

TALL = 0.8  # greatest amplitude per width of the smallest feature: walls are WALL of it wide, so they stay below 64°
WALL = 0.4
FOOT = np.sqrt(0.15)


@dataclass(frozen=True)
class Operator(Record):
    """A detail that does nothing: subclasses say what they do. See `detailverse.modelling.skin.Detail`."""

    def relief(self, chart: Chart) -> np.ndarray | None:
        return None

    def lines(self, chart: Chart) -> np.ndarray | None:
        return None

    def ornaments(self, chart: Chart) -> Ornaments | None:
        return None


@dataclass(frozen=True)
class Relief(Operator):
    """Heights are `form`, -1 … 1, times the amplitude that the chart allows. A chart smaller than 0.7 of a cell stays
    flat.
    """

    def form(self, chart: Chart) -> np.ndarray:
        """Returns heights [N] in -1 … 1, continuous."""
        raise NotImplementedError

    def creases(self, chart: Chart) -> np.ndarray | None:
        """Returns signed distances as `Detail.lines` does, for a chart that the pattern fits."""
        return None

    def cell(self) -> tuple[float, float]:
        """Returns the width and height of one cell."""
        return self.pitch, self.pitch

    def fits(self, chart: Chart) -> bool:
        wide, tall = self.cell()
        return chart.width >= 0.7 * wide and chart.height >= 0.7 * tall

    def amplitude(self, chart: Chart) -> float:
        return min(self.depth, chart.room, self.steepest())

    def steepest(self) -> float:
        """Returns the amplitude at which the steepest places have about 70°."""
        return TALL * self.feature()

    def relief(self, chart):
        return self.amplitude(chart) * self.form(chart) if self.fits(chart) else np.zeros(len(chart.u))

    def lines(self, chart):
        return self.creases(chart) if self.fits(chart) else None


@dataclass(frozen=True)
class Embossed(Relief):
    """A flat figure that stands out of the ground, or is sunk into it, with a wall WALL of the feature wide around
    it.
    """

    sunk: bool = flag(0.4)

    def distance(self, chart: Chart) -> np.ndarray:
        """Returns the distance [N] to the figure's outline, positive inside."""
        raise NotImplementedError

    def form(self, chart):
        height = ramp(self.distance(chart), WALL * self.feature())
        return -height if self.sunk else height

    def creases(self, chart):
        return np.abs(self.distance(chart)) - WALL / 2 * self.feature()


@dataclass(frozen=True, eq=False)
class Cells:
    """Which cell of a lattice each point lies in, and where in it. x, y: [N] from the cell's centre, object units; i,
    j: [N] whole floats.
    """

    x: np.ndarray
    y: np.ndarray
    i: np.ndarray
    j: np.ndarray
    wide: float
    tall: float
    columns: int
    rows: int

    def tone(self, seed: int) -> np.ndarray:
        """Returns a random number in [0, 1) for each point's cell."""
        return tone(self.i, self.j, seed)

    @property
    def odd(self) -> np.ndarray:
        """Returns 1.0 for points [N] on the black squares of the chess board, else 0."""
        return (self.i + self.j) % 2


def cells(chart: Chart, wide: float, tall: float, shift: float = 0.0, even: bool = False) -> Cells:
    """Returns a lattice of whole cells about wide × tall. shift: of each row against the one below, in cells; even:
    columns and rows in pairs.
    """
    columns, rows = chart.columns(wide, 1 + even), chart.rows(tall, 1 + even)
    b = chart.v * (rows / chart.height)
    j = np.clip(np.floor(b), 0, rows - 1)
    a = chart.u * (columns / chart.width) + shift * j
    i = np.floor(a)
    wide, tall = chart.width / columns, chart.height / rows
    return Cells((a - i - 0.5) * wide, (b - j - 0.5) * tall, i % columns, j, wide, tall, columns, rows)


def tone(i: np.ndarray, j: np.ndarray, seed: int) -> np.ndarray:
    return cell_tone(np.stack([i, j, np.zeros_like(i)], axis=1), seed)


def ramp(distance: np.ndarray, run: float) -> np.ndarray:
    """Returns 0 to 1 across a wall `run` wide in plan, centred on distance 0."""
    return np.clip(distance / run + 0.5, 0.0, 1.0)


def dome(square: np.ndarray) -> np.ndarray:
    """Returns the height 1 … 0 of a bulge at a squared radius 0 … 1, 0 beyond.

    Rounder than a parabola, with a finite slope of 3.8 at the foot, unlike a circle.
    """
    return (np.sqrt(np.maximum(1.0 - square, 0.0) + 0.15) - FOOT) / (np.sqrt(1.15) - FOOT)


def box(x, y, half_x, half_y, radius=0.0) -> np.ndarray:
    """Returns the distance to the outline of a rectangle about the origin with rounded corners, positive inside."""
    across, along = np.abs(x) - half_x + radius, np.abs(y) - half_y + radius
    outside = np.sqrt(np.maximum(across, 0.0) ** 2 + np.maximum(along, 0.0) ** 2)
    return radius - outside - np.minimum(np.maximum(across, along), 0.0)


def stadium(x, y, half_x, half_y) -> np.ndarray:
    """Returns the distance to the outline of an upright bar with round ends, positive inside."""
    return half_x - np.sqrt(x * x + np.maximum(np.abs(y) - np.maximum(half_y - half_x, 0.0), 0.0) ** 2)


def merge(*fields: np.ndarray) -> np.ndarray:
    """Returns the signed distance to the nearest of several sets of lines. The signs multiply, so it is continuous
    and changes sign at every line.
    """
    out = fields[0]
    for other in fields[1:]:
        out = np.minimum(np.abs(out), np.abs(other)) * np.where((out < 0) == (other < 0), 1.0, -1.0)
    return out


def zigzag(x: np.ndarray) -> np.ndarray:
    """Returns the distance to the nearest whole number, its sign changing at each: period 2."""
    return to_wall(x) * (1.0 - 2.0 * (np.floor(x) % 2))


def cellular(
    chart: Chart, wide: float, tall: float, jitter: float, seed: int, bend: float = 0.0, zoom: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns `kernels.stones` in cells about wide × tall, `zoom` to a side of them; bend: how far, in cells, a smooth
    field moves the outlines.
    """
    columns, rows = zoom * chart.columns(wide), zoom * chart.rows(tall)
    a, b = chart.u * (columns / chart.width), chart.v * (rows / chart.height)
    if bend > 0.0:
        points = unrolled(chart) * np.array([1.2 * zoom / wide, 1.2 * zoom / wide, 1.2 * zoom / tall])
        moved = warp(points, seed, bend) - points
        a, b = a + moved[:, 0], b + moved[:, 2]
    return stones(a, b, columns, jitter, seed)


def unrolled(chart: Chart) -> np.ndarray:
    """Returns [N, 3] positions for noise that knows u from v: z along v, u along x; rolled up into a circle where the
    chart wraps.
    """
    if not chart.wraps:
        return np.stack([chart.u, np.zeros_like(chart.u), chart.v], axis=1)
    radius = chart.width / TAU
    c, s = cos_sin_array(chart.u / radius)
    return np.stack([radius * c, radius * s, chart.v], axis=1)
