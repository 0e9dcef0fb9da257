"""Details of age and wear: cracks, pits, hammer marks, strata, gouges, scratches, blisters."""
from dataclasses import dataclass

import numpy as np

from detailverse.details.base import Relief, dome, tone, unrolled
from zeroverse.record import flag, scale, seed, span
from zeroverse.textures.noise import fbm, ridged, warp, worley


@dataclass(frozen=True)
class Cracks(Relief):
    """Cracks between shrunken plates, wider and narrower along their way, some fading out; the plates may curl up at their rims."""

    pitch: float = scale(0.12, 0.35)
    depth: float = scale(0.008, 0.03)
    width: float = span(0.08, 0.16)
    branches: float = span(0.2, 0.9)
    curl: float = span(0.0, 0.4)
    noise: int = seed()

    def feature(self):
        return self.width * self.pitch

    def form(self, chart):
        points = warp(chart.points / self.pitch, self.noise, 0.25, 2)
        _, wall, _ = worley(points, self.noise, 0.9)
        _, twig, _ = worley(points * 2.1, self.noise + 1, 0.9)
        vary = fbm(points * 0.9, self.noise + 2, 2)
        wide = self.width * np.clip(0.55 + 0.5 * vary, 0.15, 1.0)
        fine = 0.6 * self.width * np.clip(self.branches + 1.4 * vary - 0.4, 0.0, 1.0)
        main = np.maximum(1.0 - wall / wide, 0.0)
        small = np.maximum(1.0 - twig / (2.1 * np.maximum(fine, 1e-3)), 0.0) * np.minimum(fine / self.width * 2.0, 0.6)
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

    def bowls(self, points, key):
        nearest, _, level = worley(points, self.noise + key, 0.85)
        radius = nearest / (self.radius * (0.45 + 0.55 * level))
        return self.rim * np.clip(1.0 - np.abs(radius - 1.1) / 0.4, 0.0, 1.0) - dome(radius * radius) * (0.5 + 0.5 * level)

    def form(self, chart):
        large, small = self.bowls(chart.points / self.pitch, 0), self.bowls(chart.points * (2.1 / self.pitch), 1)
        return np.clip(large + 0.45 * small * np.clip(1.0 + large, 0.0, 1.0), -1.0, 1.0)

    def words(self):
        return f"pitted with {'craters' if self.rim > 0.15 else 'holes'}"


@dataclass(frozen=True)
class Hammered(Relief):
    """Shallow dimples side by side, with ridges where they meet."""

    pitch: float = scale(0.06, 0.2)
    depth: float = scale(0.006, 0.02)
    regular: float = span(0.3, 0.9)
    noise: int = seed()

    def feature(self):
        return 0.4 * self.pitch

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
        height = points[:, 2] + 1.5 * self.bend * fbm(points * 0.2, self.noise, 2) + 0.3 * self.ragged * fbm(points * 0.9, self.noise + 1, 3)
        layer = np.floor(height)
        part = height - layer
        here, above = (tone(k, np.zeros_like(k), self.noise) for k in (layer, layer + 1))
        shelf = 0.7 * (here + np.clip((part - 0.65) / 0.35, 0.0, 1.0) * (above - here)) + 0.3 * dome((2.0 * part - 1.0) ** 2)
        return 2.0 * shelf - 1.0

    def words(self):
        return "with layers of rock strata"


@dataclass(frozen=True)
class Gouges(Relief):
    """Tool marks of a carver: long scoops along v or around, that end at random."""

    pitch: float = scale(0.04, 0.1)
    depth: float = scale(0.005, 0.018)
    length: float = span(2.5, 6.0)
    around: bool = flag(0.4)
    noise: int = seed()

    def feature(self):
        return 0.45 * self.pitch

    def form(self, chart):
        stretch = np.array([1.0, 1.0, 1.0 / self.length]) if not self.around else np.array([1.0 / self.length, 1.0 / self.length, 1.0])
        nearest, _, _ = worley(unrolled(chart) * (stretch / self.pitch), self.noise, 0.8)
        return np.minimum(nearest * nearest * 2.4, 1.6) * 1.25 - 1.0

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
        for key, zoom in ((0, 1.0), (1, 2.2)):
            nearest, _, level = worley(chart.points * (zoom / self.pitch), self.noise + key, 0.85)
            radius = nearest / (self.radius * (0.4 + 0.6 * level))
            heights.append(dome(radius * radius) * (0.4 + 0.6 * level))
        return np.maximum(heights[0], self.small * heights[1])

    def words(self):
        return "covered in warts"
