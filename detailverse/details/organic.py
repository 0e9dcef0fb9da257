"""Details that grow: scales, feathers, bark, wrinkles, labyrinths, corals, sand ripples, wood grain."""

from dataclasses import dataclass

import numpy as np

from detailverse.details.base import WALL, Relief, cells, cellular, dome, merge, ramp, unrolled
from detailverse.details.kernels import overlap, polar, ripples
from zeroverse.core.record import choice, count, flag, scale, seed, span
from zeroverse.textures.noise import fbm, ridged, turbulence, warp, wave

SHAPES = {"round": 0, "pointed": 1, "square": 2, "lobed": 3}


@dataclass(frozen=True)
class Scales(Relief):
    """Rows of overlapping scales, round or pointed, smooth or keeled, their tips towards v = 0."""

    pitch: float = scale(0.06, 0.2)
    depth: float = scale(0.016, 0.032)
    shape: str = choice("round", "pointed")
    aspect: float = span(0.45, 0.8)
    keel: float = span(-0.3, 0.35)

    def feature(self):
        return 0.25 * self.pitch

    def layers(self, chart):
        columns, rows = chart.columns(self.pitch), chart.rows(self.pitch * self.aspect)
        a, b = chart.u * (columns / chart.width), chart.v * (rows / chart.height)
        return overlap(
            a,
            b,
            columns,
            chart.width / columns,
            chart.height / rows,
            SHAPES[self.shape],
            2.6,
            0.98,
            0.0,
            max(self.keel, 0.0),
            0.0,
            WALL * self.feature(),
            0.0,
            0,
        )

    def form(self, chart):
        return self.layers(chart)[0]

    def creases(self, chart):
        _, edge, gap = self.layers(chart)
        run = WALL * self.feature()
        return merge(edge - run, gap * run)

    def words(self):
        return f"covered in {'keeled ' if self.keel > 0.1 else ''}{self.shape} scales"


@dataclass(frozen=True)
class Feathers(Relief):
    """Rows of long feathers with a shaft and slanting barbs, a little out of line."""

    pitch: float = scale(0.1, 0.24)
    depth: float = scale(0.016, 0.032)
    aspect: float = span(0.8, 1.3)
    barbs: float = span(0.15, 0.35)
    pointed: bool = flag(0.4)
    uneven: float = span(0.1, 0.5)
    noise: int = seed()

    def feature(self):
        return 0.16 * self.pitch

    def form(self, chart):
        columns, rows = chart.columns(self.pitch), chart.rows(self.pitch * self.aspect)
        a, b = chart.u * (columns / chart.width), chart.v * (rows / chart.height)
        return overlap(
            a,
            b,
            columns,
            chart.width / columns,
            chart.height / rows,
            int(self.pointed),
            2.5,
            0.99,
            0.0,
            0.25,
            self.barbs,
            0.8 * self.feature(),
            self.uneven,
            self.noise,
        )[0]

    def words(self):
        return f"covered in {'pointed' if self.pointed else 'round'} feathers"


@dataclass(frozen=True)
class Bark(Relief):
    """Long plates with deep furrows between, along v, rough on top."""

    pitch: float = scale(0.07, 0.2)
    depth: float = scale(0.015, 0.03)
    stretch: float = span(2.0, 5.0)
    rough: float = span(0.1, 0.35)
    noise: int = seed()

    def feature(self):
        return 0.3 * self.pitch

    def form(self, chart):
        _, wall, level = cellular(chart, self.pitch, self.pitch * self.stretch, 0.85, self.noise, 0.35)
        plate = 1.0 - np.maximum(1.0 - wall / 0.3, 0.0) ** 2
        fine = fbm(unrolled(chart) * (np.array([5.0, 5.0, 1.2]) / self.pitch), self.noise + 1, 3)
        return np.clip(2.0 * plate * (0.6 + 0.4 * level) * (1.0 + self.rough * fine) - 1.0, -1.0, 1.0)

    def words(self):
        return "covered in furrowed bark"


@dataclass(frozen=True)
class Wrinkles(Relief):
    """Folds of skin: sharp valleys that branch and cross, finer ones between."""

    pitch: float = scale(0.1, 0.25)
    depth: float = scale(0.012, 0.028)
    stretch: float = span(1.0, 2.5)
    fine: float = span(0.2, 0.5)
    noise: int = seed()

    def feature(self):
        return 0.2 * self.pitch

    def steepest(self):
        return 0.045 * self.pitch

    def form(self, chart):
        points = unrolled(chart) * (np.array([1.0, 1.0, self.stretch]) / self.pitch)
        bent = warp(points, self.noise, 0.3)
        folds = np.minimum(2.2 * turbulence(bent * 1.3, self.noise, 1), 1.0)
        skin = np.minimum(2.6 * turbulence(bent * 3.5, self.noise + 1, 1), 1.0)
        folds, skin = 1.0 - (1.0 - folds) ** 2, 1.0 - (1.0 - skin) ** 2
        return 2.0 * folds * (1.0 - self.fine * (1.0 - skin)) - 1.0

    def words(self):
        return "with wrinkled skin"


@dataclass(frozen=True)
class Labyrinth(Relief):
    """Winding ridges of even width, as on a brain or a brain coral."""

    pitch: float = scale(0.05, 0.14)
    depth: float = scale(0.014, 0.03)
    flat: float = span(0.0, 0.8)
    noise: int = seed()

    def feature(self):
        return 0.26 * self.pitch

    def steepest(self):
        return 0.12 * self.pitch

    def form(self, chart):
        size = 2.0 * self.pitch
        columns, rows = chart.columns(size), chart.rows(size)
        waves = ripples(
            chart.u * (columns / chart.width), chart.v * (rows / chart.height), columns, 2.0, 0.0, self.noise
        )
        hard = np.clip(waves * (1.2 + self.flat), -1.0, 1.0)
        return hard * (1.5 - 0.5 * hard * hard)

    def words(self):
        return "with a labyrinth of ridges"


@dataclass(frozen=True)
class Ripples(Relief):
    """Sand ripples: waves that mostly run around, split and join."""

    pitch: float = scale(0.05, 0.14)
    depth: float = scale(0.012, 0.028)
    calm: float = span(0.7, 0.93)
    noise: int = seed()

    def feature(self):
        return 0.28 * self.pitch

    def steepest(self):
        return 0.14 * self.pitch

    def form(self, chart):
        size = 2.0 * self.pitch
        columns, rows = chart.columns(size), chart.rows(size)
        waves = ripples(
            chart.u * (columns / chart.width), chart.v * (rows / chart.height), columns, 2.0, self.calm, self.noise
        )
        return np.clip(1.2 * waves - 0.35 * np.abs(waves), -1.0, 1.0)

    def words(self):
        return "with sand ripples"


@dataclass(frozen=True)
class CoralPores(Relief):
    """Polyp cups of a stony coral: round pits with a raised rim, and grains between."""

    pitch: float = scale(0.06, 0.18)
    depth: float = scale(0.016, 0.032)
    cup: float = span(0.26, 0.36)
    jitter: float = span(0.4, 0.7)
    noise: int = seed()

    def feature(self):
        return 0.22 * self.pitch

    def form(self, chart):
        nearest, wall, level = cellular(chart, self.pitch, self.pitch, self.jitter, self.noise)
        radius = nearest / (self.cup * (0.8 + 0.4 * level))
        rim = dome(((radius - 1.0) / 0.55) ** 2)
        pit = ramp(0.85 - radius, 0.5)
        grain = 0.35 * np.minimum(2.0 * turbulence(chart.points * (4.0 / self.pitch), self.noise + 1, 1), 1.0)
        figure = rim * (1.0 - pit) - pit + grain * np.clip(radius - 1.3, 0.0, 1.0) * (1.0 - rim)
        return figure * np.minimum(wall / 0.1, 1.0)

    def words(self):
        return "pitted with coral cups"


@dataclass(frozen=True)
class Grain(Relief):
    """Weathered wood: the hard rings stand out, bend around knots, and run along v."""

    pitch: float = scale(0.04, 0.12)
    depth: float = scale(0.005, 0.018)
    knots: float = span(0.0, 1.0)
    bend: float = span(0.3, 1.0)
    noise: int = seed()

    def feature(self):
        return 0.3 * self.pitch

    def form(self, chart):
        points = unrolled(chart) * (np.array([1.0, 1.0, 0.22]) / (6 * self.pitch))
        field = fbm(points, self.noise, 2)
        knots = ridged(points * np.array([0.8, 0.8, 1.6]), self.noise + 1, 1)
        rings = 6.0 * (self.bend * field + self.knots * 0.4 * knots) + _across(points)
        saw = rings - np.floor(rings)
        return 2.0 * np.where(saw < 0.68, saw / 0.68, (1.0 - saw) / 0.32) - 1.0

    def words(self):
        return "with weathered wood grain"


def _across(points: np.ndarray) -> np.ndarray:
    """Returns three rings per unit across the grain, in a way that knows no seam."""
    return 3.0 * (points[:, 0] + 0.6 * points[:, 1])


@dataclass(frozen=True)
class Whorls(Relief):
    """Fossil shells: coiled ribbed spirals, one in each cell, of either hand."""

    pitch: float = scale(0.16, 0.3)
    depth: float = scale(0.016, 0.032)
    turns: float = span(1.5, 2.5)
    ribs: int = count(14, 26)
    ribbed: float = span(0.0, 0.4)
    noise: int = seed()

    def feature(self):
        return 0.12 * self.pitch

    def form(self, chart):
        c = cells(chart, self.pitch, self.pitch, shift=0.5)
        hand = np.where(c.tone(self.noise) < 0.5, 1.0, -1.0)
        angle, radius = polar(hand * c.x, c.y)
        outer = 0.48 * min(c.wide, c.tall)
        coil = radius / outer * self.turns - angle
        calm = np.minimum(radius / (0.16 * outer), 1.0)  # the turns meet in the middle
        tube = 1.0 + calm * (dome((2.0 * (coil - np.floor(coil)) - 1.0) ** 2) - 1.0)
        rib = 1.0 - self.ribbed * calm * calm * (0.5 + 0.5 * wave(self.ribs * angle))
        body = (1.0 - 0.5 * radius / outer) * (0.35 + 0.65 * tube) * rib
        return body * ramp(0.93 - radius / outer, 0.14)

    def words(self):
        return "with coiled fossil shells"
