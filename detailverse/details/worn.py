"""Details of age and wear: cracks, pits, hammer marks, strata, gouges, scratches, dents, folds."""

from dataclasses import dataclass

import numpy as np

from detailverse.details.base import Relief, cells, cellular, dome, tone, unrolled
from detailverse.details.kernels import ripples, strokes
from zeroverse.core.portable import TAU, cos_sin_array
from zeroverse.core.record import flag, scale, seed, span
from zeroverse.core.rng import Rng
from zeroverse.textures.noise import fbm, ridged, warp, worley

CUT = 0.1  # cells: figures that reach their cell's wall are faded over this width, since the neighbour's is another


@dataclass(frozen=True)
class Cracks(Relief):
    """Cracks between shrunken plates, wider and narrower along their way, some fading out; the plates may curl up at
    their rims.
    """

    pitch: float = scale(0.12, 0.35)
    depth: float = scale(0.012, 0.03)
    width: float = span(0.08, 0.16)
    branches: float = span(0.2, 0.9)
    curl: float = span(0.0, 0.4)
    noise: int = seed()

    def feature(self):
        return self.width * self.pitch

    def form(self, chart):
        _, wall, _ = cellular(chart, self.pitch, self.pitch, 0.9, self.noise, 0.25)
        _, twig, _ = cellular(chart, self.pitch, self.pitch, 0.9, self.noise + 1, 0.25, zoom=2)
        vary = fbm(chart.points * (0.9 / self.pitch), self.noise + 2, 2)
        wide = self.width * np.clip(0.55 + 0.5 * vary, 0.15, 1.0)
        fine = 0.6 * self.width * np.clip(self.branches + 1.4 * vary - 0.4, 0.0, 1.0)
        main = np.maximum(1.0 - wall / wide, 0.0) * np.minimum(1.5 * wide / self.width, 1.0)  # narrow ones are shallow
        small = np.maximum(1.0 - twig / (2.0 * np.maximum(fine, 1e-3)), 0.0) * np.minimum(fine / self.width * 2.0, 0.6)
        rim = self.curl * np.maximum(1.0 - wall / 0.3, 0.0) ** 2
        return np.maximum(rim - (1.0 + self.curl) * np.maximum(main, small), -1.0)

    def words(self):
        return f"with {'curled, ' if self.curl > 0.2 else ''}cracked plates"


@dataclass(frozen=True)
class Pits(Relief):
    """Round pits or craters of many sizes, with a low rim."""

    pitch: float = scale(0.06, 0.2)
    depth: float = scale(0.008, 0.03)
    radius: float = span(0.28, 0.42)
    rim: float = span(0.0, 0.35)
    noise: int = seed()

    def feature(self):
        return 0.3 * self.pitch

    def steepest(self):
        return 0.16 * self.pitch

    def bowls(self, chart, zoom):
        nearest, wall, level = cellular(chart, self.pitch, self.pitch, 0.85, self.noise + zoom, zoom=zoom)
        radius = nearest / (self.radius * (0.45 + 0.55 * level))
        bowl = self.rim * np.clip(1.0 - np.abs(radius - 1.1) / 0.4, 0.0, 1.0) - dome(radius * radius) * (
            0.5 + 0.5 * level
        )
        return bowl * np.minimum(wall / CUT, 1.0)

    def form(self, chart):
        large, small = self.bowls(chart, 1), self.bowls(chart, 2)
        return np.clip(large + 0.45 * small * np.clip(1.0 + large, 0.0, 1.0), -1.0, 1.0)

    def words(self):
        return f"pitted with {'craters' if self.rim > 0.15 else 'holes'}"


@dataclass(frozen=True)
class Hammered(Relief):
    """Shallow dimples side by side, with ridges where they meet."""

    pitch: float = scale(0.06, 0.2)
    depth: float = scale(0.01, 0.022)
    regular: float = span(0.3, 0.9)
    noise: int = seed()

    def feature(self):
        return 0.25 * self.pitch

    def form(self, chart):
        nearest, _, _ = worley(chart.points / self.pitch, self.noise, self.regular)
        return np.minimum(nearest * nearest * 2.6, 1.6) * 1.25 - 1.0

    def words(self):
        return "with hammered dimples"


@dataclass(frozen=True)
class Strata(Relief):
    """Layers of rock: hard ones stand out with a lip, soft ones recede; they tilt and bend."""

    pitch: float = scale(0.06, 0.2)
    depth: float = scale(0.012, 0.03)
    bend: float = span(0.1, 0.8)
    ragged: float = span(0.1, 0.5)
    noise: int = seed()

    def feature(self):
        return 0.25 * self.pitch

    def form(self, chart):
        points = unrolled(chart) / self.pitch
        height = (
            points[:, 2]
            + 1.5 * self.bend * fbm(points * 0.2, self.noise, 2)
            + 0.3 * self.ragged * fbm(points * 0.9, self.noise + 1, 3)
        )
        layer = np.floor(height)
        part = height - layer
        here, above = (tone(k, np.zeros_like(k), self.noise) for k in (layer, layer + 1))
        shelf = 0.7 * (here + np.clip((part - 0.65) / 0.35, 0.0, 1.0) * (above - here)) + 0.3 * dome(
            (2.0 * part - 1.0) ** 2
        )
        return 2.0 * shelf - 1.0

    def words(self):
        return "with layers of rock strata"


@dataclass(frozen=True)
class Gouges(Relief):
    """Tool marks of a carver: long scoops along v or around, that end at random."""

    pitch: float = scale(0.04, 0.1)
    depth: float = scale(0.008, 0.02)
    length: float = span(2.5, 6.0)
    around: bool = flag(0.4)
    noise: int = seed()

    def feature(self):
        return 0.45 * self.pitch

    def form(self, chart):
        wide, tall = (self.length, 1.0) if self.around else (1.0, self.length)
        nearest, _, _ = cellular(chart, wide * self.pitch, tall * self.pitch, 0.8, self.noise)
        return np.minimum(nearest * nearest * 2.8, 1.6) * 1.25 - 1.0

    def words(self):
        return "with gouge marks"


@dataclass(frozen=True)
class Eroded(Relief):
    """Rock worn by water: ridges that branch, gullies between."""

    pitch: float = scale(0.15, 0.4)
    depth: float = scale(0.012, 0.03)
    warped: float = span(0.2, 0.6)
    noise: int = seed()

    def feature(self):
        return 0.12 * self.pitch

    def form(self, chart):
        points = warp(chart.points / self.pitch, self.noise, self.warped, 2)
        return np.clip(2.2 * ridged(points, self.noise + 1, 3, 0.45) - 0.9, -1.0, 1.0)

    def words(self):
        return "worn into ridges and gullies"


@dataclass(frozen=True)
class Blisters(Relief):
    """Warts and blisters of many sizes that swell out."""

    pitch: float = scale(0.07, 0.2)
    depth: float = scale(0.01, 0.03)
    radius: float = span(0.3, 0.45)
    small: float = span(0.2, 0.6)
    noise: int = seed()

    def feature(self):
        return 0.25 * self.pitch

    def form(self, chart):
        heights = []
        for zoom in (1, 2):
            nearest, wall, level = cellular(chart, self.pitch, self.pitch, 0.85, self.noise + zoom, zoom=zoom)
            radius = nearest / (self.radius * (0.4 + 0.6 * level))
            heights.append(dome(radius * radius) * (0.4 + 0.6 * level) * np.minimum(wall / CUT, 1.0))
        return np.maximum(heights[0], self.small * heights[1])

    def words(self):
        return "covered in warts"


@dataclass(frozen=True)
class Scratches(Relief):
    """Short straight grooves in all directions, deep and shallow."""

    pitch: float = scale(0.12, 0.3)
    depth: float = scale(0.004, 0.012)
    width: float = span(0.08, 0.14)
    crowd: float = span(0.4, 1.0)
    noise: int = seed()

    GLYPHS = 24  # different cells of scratches; a cell holds two

    def feature(self):
        return self.width * self.pitch

    def table(self):
        """Returns the segments of each glyph, within a unit cell about the origin."""
        draw = Rng("scratches", self.noise).unit((self.GLYPHS * 2, 4))
        c, s = cos_sin_array(TAU * draw[:, 0])
        way = np.stack([c, s], axis=1) * (0.1 + 0.3 * draw[:, 1:2])
        middle = (2.0 * draw[:, 2:] - 1.0) * (0.45 - np.abs(way))
        return np.arange(self.GLYPHS + 1) * 2, np.concatenate([middle - way, middle + way], axis=1)

    def form(self, chart):
        height = np.zeros(len(chart.u))
        starts, segments = self.table()
        for key, size in enumerate((1.0, 0.7)):
            c = cells(chart, size * self.pitch, size * self.pitch, shift=0.5)
            glyph = (c.tone(self.noise ^ key) * self.GLYPHS).astype(np.int64)
            deep = np.clip(3.0 * self.crowd * c.tone(self.noise ^ (key + 2)) - 0.5, 0.0, 1.0)
            away = strokes(c.x / c.wide, c.y / c.tall, glyph, starts, segments, False)
            height -= deep * np.maximum(1.0 - away * 2.0 * size / self.width, 0.0)
        return np.maximum(height, -1.0)

    def words(self):
        return "with scratches"


@dataclass(frozen=True)
class Dents(Relief):
    """A few broad shallow dents."""

    pitch: float = scale(0.15, 0.35)
    depth: float = scale(0.01, 0.025)
    share: float = span(0.4, 0.8)
    noise: int = seed()

    def feature(self):
        return 0.25 * self.pitch

    def form(self, chart):
        nearest, wall, level = cellular(chart, self.pitch, self.pitch, 0.8, self.noise)
        radius = nearest / (0.3 + 0.25 * level / self.share)
        rim = 0.15 * np.maximum(1.0 - np.abs(radius - 1.0) / 0.35, 0.0)
        return np.where(level < self.share, rim - np.maximum(1.0 - radius * radius, 0.0) ** 2, 0.0) * np.minimum(
            wall / CUT, 1.0
        )

    def words(self):
        return "with dents"


@dataclass(frozen=True)
class Folds(Relief):
    """Soft folds of cloth that mostly hang along v."""

    pitch: float = scale(0.12, 0.3)
    depth: float = scale(0.012, 0.03)
    calm: float = span(0.6, 0.9)
    noise: int = seed()

    def feature(self):
        return 0.3 * self.pitch

    def form(self, chart):
        columns, rows = chart.columns(2.0 * self.pitch), chart.rows(4.0 * self.pitch)
        b, a = chart.v * (rows / chart.height), chart.u * (columns / chart.width)
        return np.clip(ripples(a, b, columns, 1.6, -self.calm, self.noise), -1.0, 1.0)

    def words(self):
        return "with soft folds"
