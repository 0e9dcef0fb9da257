"""Details of cloth and cord: weaves, knits, braids, quilting, chevrons, chain mail."""

from dataclasses import dataclass

import numpy as np

from detailverse.details.base import Relief, cells, dome, merge, ramp, tone, zigzag
from detailverse.details.spread import keep_inside
from detailverse.details.stamps import head
from detailverse.modelling.skin import Ornaments
from zeroverse.core.record import choice, count, flag, scale, span
from zeroverse.textures.noise import smoothstep, to_wall, wave

STRANDS = {
    "twisted cord": 2,
    "three-strand braid": 3,
    "five-strand plait": 5,
}  # with four, two of them meet at one level
FLOATS = {"plain": 1, "twill": 2, "basket": 2}  # threads that one passes over at a time


@dataclass(frozen=True)
class Weave(Relief):
    """Flat strips over and under each other: plain weave, twill, paired basket weave; along the chart or diagonal."""

    pitch: float = scale(0.05, 0.18)
    depth: float = scale(0.014, 0.03)
    pattern: str = choice("plain", "plain", "twill", "basket")
    diagonal: bool = flag(0.35)
    fill: float = span(0.75, 0.97)
    strands: int = count(1, 3)

    def feature(self):
        return 0.3 * self.pitch

    def threads(self, chart):
        """Returns coordinates in threads: whole numbers between two threads."""
        columns, rows = chart.columns(self.pitch, 4), chart.rows(self.pitch, 4)
        x, y = chart.u * (columns / chart.width), chart.v * (rows / chart.height)
        return (0.5 * (x + y), 0.5 * (x - y)) if self.diagonal else (x, y)

    def over(self, i, j):
        """Returns 1 where warp thread i passes over weft thread j, else 0."""
        floats = FLOATS[self.pattern]
        if self.pattern == "basket":
            return (np.floor(i / 2) + np.floor(j / 2)) % 2
        return (np.floor((i + j) / floats) % 2) * 1.0

    def strip(self, across, along, fixed, warp):
        """Returns the height of one thread: round across, sinking where it passes under."""
        j = np.floor(along - 0.5)
        t = smoothstep(0.2, 0.8, along - 0.5 - j)
        low, high = (
            (self.over(fixed, j), self.over(fixed, j + 1))
            if warp
            else (1 - self.over(j, fixed), 1 - self.over(j + 1, fixed))
        )
        x = (across - np.floor(across) - 0.5) * (2.0 / self.fill)
        fine = 1.0 - 0.25 * np.abs(wave(0.5 * x * self.strands)) if self.strands > 1 else 1.0
        return (0.2 + 0.8 * (low + t * (high - low))) * dome(x * x) * fine

    def form(self, chart):
        a, b = self.threads(chart)
        return np.maximum(self.strip(a, b, np.floor(a), True), self.strip(b, a, np.floor(b), False))

    def words(self):
        return (
            f"with a {'diagonal ' if self.diagonal else ''}"
            f"{self.pattern + ' weave' if self.pattern != 'basket' else 'basket weave'}"
        )


@dataclass(frozen=True)
class Knit(Relief):
    """Stocking stitch: columns of V-shaped loops, each hanging over the one below."""

    pitch: float = scale(0.06, 0.2)
    depth: float = scale(0.014, 0.03)
    aspect: float = span(0.6, 0.85)
    slope: float = span(0.7, 1.3)

    def feature(self):
        return 0.25 * self.pitch

    def form(self, chart):
        columns, rows = chart.columns(self.pitch), chart.rows(self.pitch * self.aspect)
        wide, tall = chart.width / columns, chart.height / rows
        x = np.abs((chart.u / wide) % 1.0 - 0.5) * wide - 0.25 * wide
        best = np.zeros(len(chart.u))
        y = (chart.v / tall) % 1.0
        for k in (-1, 0, 1):
            along, across = (y - 0.5 + k) * tall - self.slope * x, x
            inside = (along / (0.78 * tall)) ** 2 + (across / (0.25 * wide)) ** 2
            best = np.maximum(best, dome(inside) * (0.8 + 0.2 * np.clip(-along / tall, -1, 1)))
        return best

    def words(self):
        return "with knitted stitches"


@dataclass(frozen=True)
class Braid(Relief):
    """Bands around of two, three or five strands that pass over and under: rope, plait, interlace."""

    pitch: float = scale(0.1, 0.3)
    depth: float = scale(0.014, 0.03)
    style: str = choice(*STRANDS)
    stretch: float = span(1.0, 1.8)
    thick: float = span(0.75, 1.0)
    gap: float = span(1.0, 1.8)

    def feature(self):
        return 0.16 * self.pitch

    def steepest(self):
        return 0.17 * self.pitch

    def cell(self):
        return self.pitch * self.stretch * STRANDS[self.style] / 2.5, self.pitch * self.gap

    def form(self, chart):
        c = cells(chart, *self.cell())
        half = 0.5 * min(self.pitch, 0.95 * c.tall)
        strands = STRANDS[self.style]
        radius = self.thick * half * {2: 0.42, 3: 0.36, 5: 0.26}[strands]
        best = np.zeros(len(chart.u))
        for k in range(strands):
            phase = c.x / c.wide + 0.5 + k / strands
            slope = (wave(phase + 0.01) - wave(phase - 0.01)) * (half - radius) / (0.02 * c.wide)
            across = (c.y - (half - radius) * wave(phase)) / np.sqrt(1.0 + slope * slope)
            level = wave(phase + 0.25) if strands == 2 else wave(2.0 * phase)
            best = np.maximum(best, (0.55 + 0.45 * level) * dome((across / radius) ** 2))
        return best

    def words(self):
        return f"with bands of {self.style}"


@dataclass(frozen=True)
class Quilting(Relief):
    """Padded diamonds or squares between sewn valleys, with stitches along them and a button where they cross."""

    pitch: float = scale(0.12, 0.3)
    depth: float = scale(0.012, 0.03)
    diamond: bool = flag(0.7)
    stitches: int = count(3, 7)
    buttons: bool = flag(0.6)

    def feature(self):
        return 0.14 * self.pitch

    def steepest(self):
        return 0.2 * self.pitch

    def lattice(self, chart):
        columns, rows = chart.columns(self.pitch, 2), chart.rows(self.pitch, 2)
        x, y = chart.u * (columns / chart.width), chart.v * (rows / chart.height)
        return (0.5 * (x + y), 0.5 * (x - y)) if self.diamond else (x, y)

    def form(self, chart):
        a, b = self.lattice(chart)
        s, t = 2.0 * to_wall(a), 2.0 * to_wall(b)
        puff = dome((1.0 - s) ** 2) * dome((1.0 - t) ** 2)
        seam = np.where(s < t, to_wall(self.stitches * b), to_wall(self.stitches * a)) * 2.0
        stitch = ramp(0.14 - np.minimum(s, t), 0.1) * ramp(seam - 0.6, 0.3) * ramp(np.abs(s - t) - 0.2, 0.2)
        return np.maximum(puff, 0.3 * stitch)

    def creases(self, chart):
        a, b = self.lattice(chart)
        return (1.4 if self.diamond else 1.0) * self.pitch * merge(zigzag(a), zigzag(b))

    def ornaments(self, chart):
        if not (self.buttons and self.fits(chart)):
            return None
        columns, rows = chart.columns(self.pitch, 2), chart.rows(self.pitch, 2)
        i, j = (k.ravel() for k in np.meshgrid(np.arange(columns + (not chart.wraps)), np.arange(rows + 1)))
        uv = np.stack([i * (chart.width / columns), j * (chart.height / rows)], axis=1)[
            ((i + j) % 2 == 0) | (not self.diamond)
        ]
        radius = 0.13 * min(chart.width / columns, chart.height / rows)
        uv = keep_inside(chart, uv, 1.3 * radius)
        return Ornaments(head("round"), uv, np.full(len(uv), radius), np.zeros(len(uv)), "buttons") if len(uv) else None

    def words(self):
        return f"with {'diamond' if self.diamond else 'square'} quilting{' and buttons' if self.buttons else ''}"


@dataclass(frozen=True)
class Chevrons(Relief):
    """Zigzag ridges: chevrons that meet at points, or a herringbone whose ridges are offset where they meet."""

    pitch: float = scale(0.05, 0.15)
    depth: float = scale(0.012, 0.025)
    broad: float = span(1.5, 4.0)
    slope: float = span(0.5, 1.2)
    herringbone: bool = flag(0.5)
    share: float = span(0.35, 0.65)

    def feature(self):
        return 0.35 * self.pitch

    def cell(self):
        return 2 * self.pitch * self.broad, self.pitch

    def distance(self, chart):
        """Returns the distance to the middle of the nearest flank, positive on the ridge."""
        columns, tall = chart.columns(self.pitch * self.broad, 2), chart.height / chart.rows(self.pitch)
        wide = chart.width / columns
        lean = to_wall(0.5 * chart.u / wide) * 2.0 * wide * self.slope
        phase = (chart.v + lean) / tall
        return (
            (self.share / 2 - np.abs(phase - np.floor(phase) - 0.5)) * tall / np.sqrt(1.0 + self.slope**2),
            0.5 * chart.u / wide,
            wide,
        )

    def form(self, chart):
        distance, columns, wide = self.distance(chart)
        height = ramp(distance, 0.4 * self.feature())
        return (
            height * ramp(2 * to_wall(2 * columns) * wide * 0.5 - 0.3 * self.feature(), 0.4 * self.feature())
            if self.herringbone
            else height
        )

    def creases(self, chart):
        distance, _, _ = self.distance(chart)
        return np.abs(distance) - 0.2 * self.feature()

    def words(self):
        return f"with a {'herringbone' if self.herringbone else 'chevron'} pattern"


@dataclass(frozen=True)
class ChainMail(Relief):
    """Rings linked with their neighbours, four in one: rows lean to alternate sides."""

    pitch: float = scale(0.07, 0.2)
    depth: float = scale(0.012, 0.03)
    wire: float = span(0.24, 0.4)
    aspect: float = span(0.5, 0.7)

    def feature(self):
        return 0.18 * self.pitch

    def steepest(self):
        return 0.35 * self.wire * self.pitch

    def form(self, chart):
        columns, rows = chart.columns(self.pitch), chart.rows(self.pitch * self.aspect, 2)
        wide, tall = chart.width / columns, chart.height / rows
        a, b = chart.u / wide, chart.v / tall
        outer = 0.62 * wide
        best = np.zeros(len(a))
        for row in (-1, 0, 1, 2):
            j = np.floor(b) + row
            side = 1.0 - 2.0 * (j % 2)
            for column in (0, 1):
                i = np.floor(a - 0.5 * (j % 2)) + column
                x, y = (a - 0.5 * (j % 2) - i) * wide, (b - j) * tall
                across = (np.sqrt(x * x + y * y) / outer - 1.0 + self.wire / 2) / (self.wire / 2)
                best = np.maximum(best, dome(across * across) * (0.6 + 0.4 * np.clip(side * x / outer, -1, 1)))
        return best

    def words(self):
        return "covered in chain mail"


@dataclass(frozen=True)
class Cords(Relief):
    """Corduroy and fringe: round cords along v of uneven height, parted at intervals."""

    pitch: float = scale(0.04, 0.12)
    depth: float = scale(0.008, 0.025)
    uneven: float = span(0.0, 0.4)
    length: float = span(2.0, 8.0)

    def feature(self):
        return 0.3 * self.pitch

    def form(self, chart):
        columns = chart.columns(self.pitch)
        a = chart.u * (columns / chart.width)
        i = np.floor(a) % columns
        height = 1.0 - self.uneven * tone(i, np.zeros_like(i), 5)
        knots = chart.v / (self.pitch * self.length) + tone(i, np.ones_like(i), 5)
        return (
            height
            * dome((2.0 * (a - np.floor(a)) - 1.0) ** 2)
            * (0.45 + 0.55 * dome((1 - 4 * np.minimum(to_wall(knots), 0.25)) ** 2))
        )

    def words(self):
        return "with corded ribs"
