"""Details that a carver cuts: lettering, runes, straps, linenfold, facets, trellises, beadwork."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from detailverse.details.base import Embossed, Relief, cells, dome, merge, ramp, zigzag
from detailverse.details.kernels import petals
from detailverse.modelling.font import text
from zeroverse.core.portable import TAU, cos_sin_array
from zeroverse.core.record import choice, count, flag, scale, seed, span
from zeroverse.core.rng import Rng
from zeroverse.textures.noise import to_wall

LEGENDS = (
    "VERSE",
    "LUX ET UMBRA",
    "FESTINA LENTE",
    "E PLURIBUS UNUM",
    "ANNO 1764",
    "SALVE",
    "MEMENTO MORI",
    "No 7 • MADE BY HAND",
    "FORTUNA",
    "AURORA",
    "NIL DESPERANDUM",
    "3.14159265",
    "A B C D E F G H",
    "TERRA • MARE • CAELUM",
    "CARPE DIEM",
    "1 2 3 4 5 6 7 8 9",
)
ELDER = "ᚠᚢᚦᚨᚱᚲᚷᚹᚺᚾᛁᛃᛇᛈᛉᛊᛏᛒᛖᛗᛚᛜᛞᛟ"
FINE = 40  # grid points per height of a letter


@lru_cache(maxsize=64)
def legend(string: str, weight: float, style: str) -> tuple[np.ndarray, float]:
    """Returns (distance inside a line of text one unit high, on a grid from the middle of the gap before it; its length
    with the gap).

    y runs from -0.8 to 0.8.
    """
    line = text(string, 1.0, weight, style)
    low, _, high, _ = line.bounds
    length = high - low + 0.7
    x, y = np.meshgrid(
        np.linspace(low - 0.35, high + 0.35, int(length * FINE) + 2), np.linspace(-0.8, 0.8, int(1.6 * FINE) + 1)
    )
    return -line.distance(np.stack([x.ravel(), y.ravel()], axis=1)).reshape(x.shape), length


def looked_up(grid: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Returns bilinear values of a grid; x, y: [N] in 0 … 1 from the grid's first column and row to its last."""
    rows, columns = grid.shape
    x, y = np.clip(x, 0.0, 1.0) * (columns - 1), np.clip(y, 0.0, 1.0) * (rows - 1)
    i, j = np.minimum(y.astype(np.int64), rows - 2), np.minimum(x.astype(np.int64), columns - 2)
    x, y = x - j, y - i
    low, high = (
        grid[i, j] + x * (grid[i, j + 1] - grid[i, j]),
        grid[i + 1, j] + x * (grid[i + 1, j + 1] - grid[i + 1, j]),
    )
    return low + y * (high - low)


@dataclass(frozen=True)
class Inscription(Embossed):
    """Base of lettering: bands around of a repeated line of text, perhaps between two lines. pitch: height of the
    letters.
    """

    pitch: float = scale(0.1, 0.25)
    depth: float = scale(0.006, 0.02)
    weight: float = span(0.13, 0.19)
    gap: float = span(1.7, 2.6)
    lined: bool = flag(0.6)

    def line(self) -> tuple[str, str]:
        """Returns the text, and its style."""
        raise NotImplementedError

    def feature(self):
        return self.weight * self.pitch

    def fitting(self, chart) -> tuple[np.ndarray, float] | None:
        """Returns `legend` of as many of the words as there is room for on the chart; None if the first is too long."""
        string, style = self.line()
        words = string.split(" ")
        lines = (legend(" ".join(words[:number]), self.weight, style) for number in range(len(words), 0, -1))
        return next((line for line in lines if chart.width >= 0.5 * self.pitch * line[1]), None)

    def fits(self, chart):
        return chart.height >= 1.2 * self.pitch and self.fitting(chart) is not None

    def distance(self, chart):
        grid, length = self.fitting(chart)
        c = cells(chart, length * self.pitch, self.gap * self.pitch)
        size = min(c.wide / length, c.tall / 1.7)
        letters = looked_up(grid, c.x / c.wide + 0.5, c.y / (1.6 * size) + 0.5) * size
        rule = 0.5 * self.weight * size - np.abs(np.abs(c.y) - 0.76 * size)
        return np.maximum(letters, rule) if self.lined else letters


@dataclass(frozen=True)
class Lettering(Inscription):
    """Capitals."""

    legend: str = choice(*LEGENDS)
    style: str = choice("round", "square", "serif", "serif")

    def line(self):
        return self.legend, self.style

    def words(self):
        return f"with {'engraved' if self.sunk else 'raised'} lettering"


@dataclass(frozen=True)
class Runes(Inscription):
    """Runes of the elder futhark, in words."""

    message: int = seed()

    def line(self):
        rng = Rng("runes", self.message)
        return " • ".join(
            "".join(rng.child(word, k).choice(ELDER) for k in range(2 + rng.child(word).integer(0, 5)))
            for word in range(3)
        ), "square"

    def words(self):
        return f"with {'carved' if self.sunk else 'raised'} runes"


@dataclass(frozen=True)
class Strapwork(Relief):
    """A lattice of flat straps, over and under, with two edges each: Celtic plait."""

    pitch: float = scale(0.1, 0.25)
    depth: float = scale(0.014, 0.03)
    width: float = span(0.45, 0.7)
    channel: float = span(0.0, 0.5)
    diagonal: bool = flag(0.75)

    def feature(self):
        return 0.2 * self.pitch

    def strap(self, across, along, over):
        """Returns the height of the straps at whole `across`; over: [N] 1 where the nearest crossing is passed
        above, else 0.
        """
        x = np.abs(across - np.round(across)) * 2.0 / self.width
        near = np.abs(along - np.round(along)) * 2.0
        level = np.where(over > 0, 1.0, np.clip(0.3 + 3.0 * (near - self.width), 0.3, 1.0))
        return (
            level
            * np.clip((1.0 - x) * 5.0 * self.width, 0.0, 1.0)
            * (1.0 - self.channel * np.clip(1.6 - 4.0 * x, 0.0, 1.0))
        )

    def form(self, chart):
        columns, rows = chart.columns(self.pitch, 4), chart.rows(self.pitch, 4)
        x, y = chart.u * (columns / chart.width), chart.v * (rows / chart.height)
        a, b = (0.5 * (x + y), 0.5 * (x - y)) if self.diagonal else (x, y)
        over = (np.round(a) + np.round(b)) % 2
        return np.maximum(self.strap(a, b, over), self.strap(b, a, 1 - over))

    def words(self):
        return "with interlaced straps"


@dataclass(frozen=True)
class Linenfold(Relief):
    """Panels that look like folded linen: soft parallel folds with a notched end."""

    pitch: float = scale(0.12, 0.25)
    depth: float = scale(0.012, 0.03)
    folds: int = count(1, 2)
    aspect: float = span(2.0, 4.0)

    def feature(self):
        return 0.2 * self.pitch / self.folds

    def steepest(self):
        return 0.24 * self.pitch / self.folds

    def cell(self):
        return self.pitch, self.pitch * self.aspect

    def form(self, chart):
        c = cells(chart, *self.cell())
        t = c.x / (0.9 * c.wide)
        fold = to_wall(self.folds * t) * 2.0
        end = 0.5 * c.tall - 0.12 * self.pitch - np.abs(c.y) - 0.25 * c.wide * (1.0 - fold) / self.folds
        rise = 0.35 + 0.65 * dome((1.0 - fold) ** 2)
        return (
            rise
            * ramp(end, 0.35 * self.feature())
            * ramp(0.45 * c.wide - np.abs(c.x) - 0.1 * self.feature(), 0.35 * self.feature())
        )

    def words(self):
        return "with linenfold panels"


@dataclass(frozen=True)
class Facets(Relief):
    """Cut facets, as on crystal glass: lozenges with a table, or stars of wedges cut into the ground."""

    pitch: float = scale(0.1, 0.25)
    depth: float = scale(0.016, 0.03)
    points: int = count(4, 12)
    style: str = choice("lozenges", "stars")
    slim: float = span(0.25, 0.6)

    def feature(self):
        return 0.2 * self.pitch

    def lozenge(self, chart):
        columns, rows = chart.columns(self.pitch, 2), chart.rows(1.6 * self.pitch, 2)
        a, b = chart.u * (columns / chart.width), chart.v * (rows / chart.height)
        return a + b, a - b

    def form(self, chart):
        if self.style == "lozenges":
            a, b = self.lozenge(chart)
            s, t = to_wall(0.5 * a), to_wall(0.5 * b)
            return np.minimum(np.minimum(s, t) / 0.32, 1.0) - 0.35 * np.clip((np.minimum(s, t) - 0.4) / 0.1, 0.0, 1.0)
        c = cells(chart, self.pitch, self.pitch)
        size = 0.48 * min(c.wide, c.tall)
        along, across = petals(c.x, c.y, *cos_sin_array((np.arange(self.points) + 0.25) * (TAU / self.points)))
        half = (
            min(self.slim * 4.0 / self.points, 0.6)
            * size
            * np.clip(along / size, 0.0, 1.0)
            * np.clip(1.0 - along / size, 0.0, 1.0)
            * 2.0
        )
        return -np.clip((half - np.abs(across)) / (0.35 * self.slim * 4.0 / self.points * size), 0.0, 1.0)

    def creases(self, chart):
        if self.style == "stars":
            return None
        a, b = self.lozenge(chart)
        return (
            0.8
            * self.pitch
            * merge(zigzag(0.5 * a), zigzag(0.5 * b), 0.32 - np.minimum(to_wall(0.5 * a), to_wall(0.5 * b)))
        )

    def words(self):
        return "cut in lozenges" if self.style == "lozenges" else f"cut in {self.points}-pointed stars"


@dataclass(frozen=True)
class Trellis(Embossed):
    """Openwork turned to relief: circles, diamonds or pointed arches that repeat."""

    pitch: float = scale(0.1, 0.25)
    depth: float = scale(0.008, 0.03)
    figure: str = choice("circles", "diamonds", "quatrefoils", "arches")
    width: float = span(0.16, 0.26)

    def feature(self):
        return self.width * self.pitch

    def distance(self, chart):
        c = cells(
            chart,
            self.pitch,
            self.pitch * (1.6 if self.figure == "arches" else 1.0),
            shift=0.5 if self.figure == "circles" else 0.0,
        )
        x, y, size = np.abs(c.x), np.abs(c.y), 0.5 * min(c.wide, c.tall)
        half = 0.5 * self.feature()
        if self.figure == "circles":
            return half - np.abs(np.sqrt(x * x + y * y) - size + 1.5 * half)
        if self.figure == "diamonds":
            return half - np.abs(x / c.wide + y / c.tall - 0.5) * 0.7 * 2 * size
        if self.figure == "quatrefoils":
            lobes = np.minimum(np.sqrt((x - 0.42 * size) ** 2 + y * y), np.sqrt(x * x + (y - 0.42 * size) ** 2))
            return np.maximum(
                half - np.abs(lobes - 0.5 * size), 0.6 * half - np.minimum(0.5 * c.wide - x, 0.5 * c.tall - y)
            )
        spring = c.y + 0.1 * c.tall  # above it two arcs meet in a point
        radius = c.wide - 1.5 * half
        arc = np.sqrt((x + 0.5 * c.wide - 0.5 * half) ** 2 + np.maximum(spring, 0.0) ** 2) - radius
        return half - np.abs(np.maximum(arc, -0.4 * c.tall + 1.5 * half - spring))

    def words(self):
        return f"with a trellis of {'pointed arches' if self.figure == 'arches' else self.figure}"


@dataclass(frozen=True)
class Beadwork(Relief):
    """Small round beads close together in rows or staggered: granulation."""

    pitch: float = scale(0.04, 0.1)
    depth: float = scale(0.01, 0.03)
    staggered: bool = flag(0.6)
    fill: float = span(0.8, 1.0)

    def feature(self):
        return 0.4 * self.pitch

    def form(self, chart):
        c = cells(chart, self.pitch, self.pitch * (0.866 if self.staggered else 1.0), shift=0.5 * self.staggered)
        radius = 0.5 * self.fill * min(c.wide, c.tall)
        return dome((c.x**2 + c.y**2) / radius**2)

    def words(self):
        return "with fine beading"
