"""Details of classical architecture: egg-and-dart, dentils, Greek keys, guilloche, rosettes, leaf rows, scrolls,
coffers.
"""

from dataclasses import dataclass

import numpy as np

from detailverse.details.base import WALL, Embossed, Relief, box, cells, dome, merge, ramp
from detailverse.details.kernels import overlap, petals, strokes
from zeroverse.core.portable import TAU, cos_sin_array
from zeroverse.core.record import choice, count, flag, scale, span
from zeroverse.textures.noise import wave

# polylines in strokes' steps: a cell is as wide as the first number, as high as the second, the ground line runs at 0
KEYS = {
    "simple": (6, 4, ((0, 0, 0, 4), (0, 4, 4, 4), (4, 4, 4, 2), (4, 2, 2, 2))),
    "spiral": (8, 6, ((0, 0, 0, 6), (0, 6, 6, 6), (6, 6, 6, 2), (6, 2, 2, 2), (2, 2, 2, 4), (2, 4, 4, 4))),
    "wave": (8, 4, ((0, 0, 0, 4), (0, 4, 2, 4), (2, 4, 2, 2), (4, 0, 4, 2), (4, 2, 6, 2), (6, 2, 6, 4), (6, 4, 8, 4))),
}


def one_glyph(segments) -> tuple[np.ndarray, np.ndarray]:
    """Returns the `starts` and `segments` of a `strokes` table with one glyph."""
    return np.array([0, len(segments)]), np.array(segments, dtype=np.float64).reshape(-1, 4)


@dataclass(frozen=True)
class Meander(Embossed):
    """Bands around of the Greek key between two fillets."""

    pitch: float = scale(0.14, 0.3)
    depth: float = scale(0.012, 0.025)
    key: str = choice("simple", "simple", "spiral", "wave")
    gap: float = span(1.2, 2.2)

    def feature(self):
        return self.pitch / KEYS[self.key][0]

    def cell(self):
        return self.pitch, (KEYS[self.key][1] + 6) * self.feature() * self.gap

    def distance(self, chart):
        c = cells(chart, *self.cell())
        steps, high, path = KEYS[self.key]
        step = min(c.wide / steps, c.tall / (high + 6))
        ground = () if self.key == "wave" else ((-steps, 0, 2 * steps, 0),)
        fillets = ((-steps, -2, 2 * steps, -2), (-steps, high + 2, 2 * steps, high + 2))
        after = [(a + k * steps, b, d + k * steps, e) for k in (-1, 0, 1) for a, b, d, e in path]
        starts, segments = one_glyph([*after, *ground, *fillets])
        x, y = c.x * (steps / c.wide) + 0.5 * steps, c.y / step + 0.5 * high
        return (0.5 - strokes(x, y, np.zeros(len(x), np.int64), starts, segments, True)) * step

    def words(self):
        return f"with {'sunk ' if self.sunk else ''}Greek key bands"


@dataclass(frozen=True)
class Dentils(Embossed):
    """Rows of small blocks under a fillet, like teeth."""

    pitch: float = scale(0.05, 0.16)
    depth: float = scale(0.008, 0.03)
    aspect: float = span(0.9, 1.8)
    share: float = span(0.5, 0.72)
    gap: float = span(1.6, 3.0)

    def feature(self):
        return 0.35 * self.pitch

    def cell(self):
        return self.pitch, self.pitch * self.aspect * self.gap

    def distance(self, chart):
        c = cells(chart, *self.cell())
        tall = c.tall / self.gap
        teeth = box(c.x, c.y, 0.5 * self.share * c.wide, 0.5 * tall)
        fillet = 0.22 * min(tall, self.pitch) - np.abs(c.y - 0.5 * tall - 0.1 * self.pitch)
        return np.maximum(teeth, fillet)

    def words(self):
        return "with rows of dentils"


@dataclass(frozen=True)
class EggAndDart(Relief):
    """Bands around of eggs in their shells, with a dart between two of them."""

    pitch: float = scale(0.1, 0.25)
    depth: float = scale(0.012, 0.03)
    aspect: float = span(1.1, 1.4)
    gap: float = span(1.1, 2.0)

    def feature(self):
        return 0.16 * self.pitch

    def cell(self):
        return self.pitch, self.pitch * self.aspect * self.gap

    def steepest(self):
        return 0.12 * self.pitch

    def radii(self, chart):
        """Returns the radius in egg sizes, 1 at the shell's middle; and the dart's distance in pitches."""
        c = cells(chart, *self.cell())
        x, y = c.x / c.wide, c.y / (c.tall / self.gap)  # in -0.5 … 0.5
        lean = 1.0 + 0.35 * y  # an egg is fatter above
        radius = np.sqrt((x / (0.36 * lean)) ** 2 + ((y - 0.06) / 0.46) ** 2)
        side = 0.5 - np.abs(x)
        return radius, np.minimum(0.055 + 0.07 * np.clip(y + 0.2, 0, 1) - side, 0.5 - np.abs(y)), y

    def form(self, chart):
        radius, dart, y = self.radii(chart)
        egg = dome((radius / 0.72) ** 2)
        shell = 0.65 * dome(((radius - 1.0) / 0.16) ** 2) * ramp(0.4 - y, 0.2)
        return np.maximum(np.maximum(egg, shell), 0.55 * np.clip(dart / 0.05, 0.0, 1.0))

    def creases(self, chart):
        return (0.72 - self.radii(chart)[0]) * 0.36 * self.pitch

    def words(self):
        return "with egg-and-dart mouldings"


@dataclass(frozen=True)
class Guilloche(Relief):
    """Two bands that wind around a row of round bosses, over and under each other."""

    pitch: float = scale(0.14, 0.3)
    depth: float = scale(0.01, 0.03)
    boss: float = span(0.12, 0.24)
    reeds: int = count(1, 3)
    gap: float = span(1.1, 1.6)

    def feature(self):
        return 0.14 * self.pitch

    def cell(self):
        return self.pitch, 0.8 * self.pitch * self.gap

    def form(self, chart):
        c = cells(chart, *self.cell())
        high = min(0.4 * self.pitch, 0.48 * c.tall)
        swing, radius = 0.72 * high, 0.26 * high
        phase = c.x / c.wide + 0.5
        best = dome(((np.abs(c.x) - 0.25 * c.wide) ** 2 + c.y * c.y) / (self.boss * self.pitch * 0.8) ** 2)
        for side in (1.0, -1.0):
            slope = (wave(phase + 0.01) - wave(phase - 0.01)) * swing / (0.02 * c.wide)
            across = (c.y - side * swing * wave(phase)) / np.sqrt(1.0 + slope * slope) / radius
            reeds = 1.0 - 0.3 * np.abs(wave(0.5 * across * self.reeds)) if self.reeds > 1 else 1.0
            best = np.maximum(best, (0.6 + 0.4 * side * wave(phase + 0.25)) * ramp(1.0 - np.abs(across), 0.7) * reeds)
        return best

    def words(self):
        return "with guilloche bands"


@dataclass(frozen=True)
class Rosettes(Relief):
    """A flower in every square: petals around a button, in a frame or free."""

    pitch: float = scale(0.14, 0.3)
    depth: float = scale(0.012, 0.03)
    petals: int = count(5, 12)
    cleft: float = span(0.0, 0.5)
    button: float = span(0.18, 0.32)
    framed: bool = flag(0.5)

    def feature(self):
        return 0.14 * self.pitch

    def form(self, chart):
        c = cells(chart, self.pitch, self.pitch)
        size = 0.5 * min(c.wide, c.tall)
        outer = (0.78 if self.framed else 0.95) * size
        along, across = petals(c.x, c.y, *cos_sin_array((np.arange(self.petals) + 0.25) * (TAU / self.petals)))
        middle, length = 0.56 * outer, 0.44 * outer
        half = min(2.0 * 0.62 * outer / self.petals * 1.5, 0.4 * outer)
        petal = dome(((along - middle) / length) ** 2 + (across / half) ** 2) * (
            1.0 - self.cleft * dome((across / (0.35 * half)) ** 2)
        )
        centre = dome((c.x**2 + c.y**2) / (self.button * outer) ** 2)
        best = np.maximum((0.55 + 0.3 * np.clip(along / outer, 0, 1)) * petal, centre)
        frame = 0.12 * size
        edge = np.maximum(np.abs(c.x) - 0.5 * c.wide, np.abs(c.y) - 0.5 * c.tall) + frame
        return np.maximum(best, 0.6 * ramp(edge - 0.2 * frame, frame)) if self.framed else best

    def words(self):
        return f"with {'framed ' if self.framed else ''}{self.petals}-petalled rosettes"


@dataclass(frozen=True)
class Acanthus(Relief):
    """Overlapping rows of lobed leaves with a rib and veins, tips upwards."""

    pitch: float = scale(0.12, 0.3)
    depth: float = scale(0.015, 0.03)
    aspect: float = span(0.7, 1.1)
    rib: float = span(0.15, 0.35)
    veins: float = span(0.08, 0.2)

    def feature(self):
        return 0.16 * self.pitch

    def layers(self, chart):
        columns, rows = chart.columns(self.pitch), chart.rows(self.pitch * self.aspect)
        a, b = chart.u * (columns / chart.width), (chart.height - chart.v) * (rows / chart.height)
        return overlap(
            a,
            b,
            columns,
            chart.width / columns,
            chart.height / rows,
            3,
            2.2,
            0.96,
            0.0,
            self.rib,
            self.veins,
            0.6 * self.feature(),
            0.0,
            0,
        )

    def form(self, chart):
        return self.layers(chart)[0]

    def creases(self, chart):
        return self.layers(chart)[2] * (0.6 * self.feature())

    def words(self):
        return "with rows of acanthus leaves"


@dataclass(frozen=True)
class Scrolls(Embossed):
    """Bands around of running spirals, the Vitruvian wave."""

    pitch: float = scale(0.14, 0.3)
    depth: float = scale(0.012, 0.025)
    turns: float = span(1.1, 1.5)
    gap: float = span(1.1, 1.8)

    def feature(self):
        return 0.13 * self.pitch

    def cell(self):
        return self.pitch, self.pitch * self.gap

    def distance(self, chart):
        c = cells(chart, *self.cell())
        size = min(c.wide, c.tall / self.gap, c.tall)
        t = np.linspace(0.0, 1.0, 16)
        cosine, sine = cos_sin_array(TAU * (-0.25 + self.turns * (1.0 - t)))
        radius = 0.07 + 0.31 * t
        path = np.stack([radius * cosine, radius * sine + 0.03], axis=1)
        path = np.concatenate([path, [[-0.25, -0.35], [-0.5, -0.36]]])
        once = np.concatenate([path[:-1], path[1:]], axis=1)
        wide = c.wide / size
        copies = [once + [k * wide, 0.0, k * wide, 0.0] for k in (-1, 0, 1)]
        starts, segments = one_glyph([*np.concatenate(copies), (-2 * wide, -0.36, 2 * wide, -0.36)])
        return (0.065 - strokes(c.x / size, c.y / size, np.zeros(len(c.x), np.int64), starts, segments, False)) * size

    def words(self):
        return "with running scrolls"


@dataclass(frozen=True)
class Coffers(Relief):
    """Square sunk panels with stepped sides, and perhaps a boss or a pyramid in each."""

    pitch: float = scale(0.12, 0.3)
    depth: float = scale(0.012, 0.03)
    steps: int = count(1, 3)
    rim: float = span(0.1, 0.22)
    centre: str = choice("plain", "boss", "pyramid")

    def feature(self):
        return 0.13 * self.pitch

    def walls(self, chart):
        """Returns the distance inside the rim; distances to the middle of each step's wall; and the cells."""
        c = cells(chart, self.pitch, self.pitch)
        size = 0.5 * min(c.wide, c.tall)
        inside = np.minimum(0.5 * c.wide - np.abs(c.x), 0.5 * c.tall - np.abs(c.y)) - self.rim * size
        return [inside - (0.05 + 0.18 * k) * size for k in range(self.steps)], c, size, inside

    def form(self, chart):
        walls, c, size, inside = self.walls(chart)
        height = 1.0 - 2.0 * sum(ramp(wall, WALL * self.feature()) for wall in walls) / self.steps
        core = inside - (0.18 * self.steps) * size
        if self.centre == "pyramid":
            return height + 1.4 * np.clip(core / (0.4 * size), 0.0, 1.0)
        return height + 1.4 * dome((c.x**2 + c.y**2) / (0.26 * size) ** 2) if self.centre == "boss" else height

    def creases(self, chart):
        return merge(*(np.abs(wall) - WALL / 2 * self.feature() for wall in self.walls(chart)[0]))

    def words(self):
        return (
            f"with {'stepped ' if self.steps > 1 else ''}coffers"
            f"{'' if self.centre == 'plain' else f' that hold a {self.centre}'}"
        )
