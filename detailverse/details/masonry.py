"""Details of walls, floors and roofs: bricks, cobbles, rubble, planks, shingles, lamellae, logs."""

from dataclasses import dataclass

import numpy as np

from detailverse.details.base import WALL, Relief, box, cells, cellular, dome, merge, ramp, tone, unrolled
from detailverse.details.kernels import overlap
from zeroverse.core.record import choice, flag, scale, seed, span
from zeroverse.textures.noise import fbm, worley

BONDS = {"running": 0.5, "third": 1 / 3, "stack": 0.0}


@dataclass(frozen=True)
class Bricks(Relief):
    """Blocks with recessed joints, row upon row; each stands out a little differently. Rusticated masonry where joints
    are wide.
    """

    pitch: float = scale(0.12, 0.3)
    depth: float = scale(0.01, 0.03)
    aspect: float = span(0.4, 0.8)
    bond: str = choice("running", "running", "third", "stack")
    joint: float = span(0.1, 0.18)
    uneven: float = span(0.0, 0.5)
    rough: float = span(0.0, 0.35)
    noise: int = seed()

    def feature(self):
        return self.joint * self.pitch

    def cell(self):
        return self.pitch, self.pitch * self.aspect

    def distance(self, chart):
        c = cells(chart, *self.cell(), shift=BONDS[self.bond])
        return box(c.x, c.y, 0.5 * (c.wide - self.feature()), 0.5 * (c.tall - self.feature()), 0.3 * self.feature()), c

    def form(self, chart):
        distance, c = self.distance(chart)
        face = (
            1.0
            - self.uneven * c.tone(self.noise)
            - self.rough * np.abs(fbm(chart.points * (3.0 / self.pitch), self.noise, 2)) / 1.4
        )
        return 2.0 * ramp(distance, WALL * self.feature()) * np.maximum(face, 0.2) - 1.0

    def creases(self, chart):
        return np.abs(self.distance(chart)[0]) - WALL / 2 * self.feature()

    def words(self):
        return (
            f"with {'rough ' if self.rough > 0.15 else ''}{'stacked' if self.bond == 'stack' else 'coursed'} brickwork"
        )


@dataclass(frozen=True)
class Cobbles(Relief):
    """Stones of irregular outline, rounded or flat, with joints between."""

    pitch: float = scale(0.08, 0.25)
    depth: float = scale(0.012, 0.03)
    joint: float = span(0.05, 0.12)
    jitter: float = span(0.5, 0.9)
    flat: float = span(0.0, 1.0)
    rough: float = span(0.0, 0.3)
    noise: int = seed()

    def feature(self):
        return 0.2 * self.pitch

    def steepest(self):
        return 0.1 * self.pitch

    def stones(self, chart):
        return cellular(chart, self.pitch, self.pitch, self.jitter, self.noise, 0.06)

    def form(self, chart):
        nearest, wall, level = self.stones(chart)
        wide = 0.24 - 0.14 * self.flat
        inside = np.clip((wall - self.joint) / wide, 0.0, 1.0)
        top = dome((1.0 - inside) ** 2) * (1.0 - (1.0 - self.flat) * np.minimum(nearest * nearest, 0.5))
        return (
            2.0
            * top
            * (0.65 + 0.35 * level)
            * (1.0 - self.rough * np.abs(fbm(chart.points * (3.5 / self.pitch), self.noise + 1, 2)) / 1.4)
            - 1.0
        )

    def creases(self, chart):
        return (self.stones(chart)[1] - self.joint) * self.pitch

    def words(self):
        return f"of {'flat' if self.flat > 0.6 else 'rounded'} field stones"


@dataclass(frozen=True)
class Planks(Relief):
    """Boards along v with butt joints, slightly cupped, with grain."""

    pitch: float = scale(0.1, 0.25)
    depth: float = scale(0.008, 0.025)
    length: float = span(3.0, 8.0)
    joint: float = span(0.1, 0.18)
    uneven: float = span(0.0, 0.5)
    grain: float = span(0.15, 0.5)
    noise: int = seed()

    def feature(self):
        return self.joint * self.pitch

    def boards(self, chart):
        """Returns the distance inside the board, position across it in -1 … 1, and the board's column and number
        along it.
        """
        columns = chart.columns(self.pitch)
        a = chart.u * (columns / chart.width)
        i = np.floor(a) % columns
        b = chart.v / (self.pitch * self.length) + tone(i, np.zeros_like(i), self.noise)
        x, y = (a - np.floor(a) - 0.5), b - np.floor(b) - 0.5
        wide, tall = chart.width / columns, self.pitch * self.length
        inside = box(x * wide, y * tall, 0.5 * (wide - self.feature()), 0.5 * (tall - self.feature()))
        return inside, 2.0 * x, i, np.floor(b)

    def form(self, chart):
        inside, x, i, j = self.boards(chart)
        drift = 40.0 * np.floor(64.0 * tone(i, j, self.noise + 1))  # every board is sawn from another place of the log
        points = unrolled(chart) * (np.array([4.0, 4.0, 0.35]) / self.pitch) + np.stack(
            [drift, 0 * drift, drift], axis=1
        )
        rings = 2.5 * fbm(points * 0.5, self.noise, 2)
        grain = np.abs(2.0 * (rings - np.floor(rings)) - 1.0)
        face = 1.0 - self.uneven * tone(i, j, self.noise + 2) - self.grain * grain - 0.15 * x * x
        return 2.0 * ramp(inside, WALL * self.feature()) * np.maximum(face, 0.15) - 1.0

    def creases(self, chart):
        return np.abs(self.boards(chart)[0]) - WALL / 2 * self.feature()

    def words(self):
        return "made of planks"


@dataclass(frozen=True)
class Shingles(Relief):
    """Overlapping rows of roof tiles or wooden shingles, tips towards v = 0, a little out of line."""

    pitch: float = scale(0.08, 0.22)
    depth: float = scale(0.012, 0.03)
    aspect: float = span(0.7, 1.2)
    fill: float = span(0.86, 0.95)
    uneven: float = span(0.0, 0.3)
    domed: float = span(-0.3, 0.4)
    noise: int = seed()

    def feature(self):
        return 0.2 * self.pitch

    def layers(self, chart):
        columns, rows = chart.columns(self.pitch), chart.rows(self.pitch * self.aspect)
        a, b = chart.u * (columns / chart.width), chart.v * (rows / chart.height)
        return overlap(
            a,
            b,
            columns,
            chart.width / columns,
            chart.height / rows,
            2,
            2.3,
            self.fill,
            0.0,
            max(self.domed, 0.0),
            0.0,
            WALL * self.feature(),
            self.uneven,
            self.noise,
        )

    def form(self, chart):
        return self.layers(chart)[0]

    def creases(self, chart):
        _, edge, gap = self.layers(chart)
        run = WALL * self.feature()
        return merge(edge - run, gap * run)

    def words(self):
        return "covered in roof tiles" if self.domed > 0.1 else "covered in shingles"


@dataclass(frozen=True)
class Lamellae(Relief):
    """Rows of upright armour plates laced side by side, each overlapping its neighbour, with lacing holes."""

    pitch: float = scale(0.07, 0.16)
    depth: float = scale(0.012, 0.03)
    aspect: float = span(1.4, 2.4)
    holes: bool = flag(0.7)
    ridge: bool = flag(0.5)

    def feature(self):
        return 0.24 * self.pitch

    def cell(self):
        return self.pitch, self.pitch * self.aspect

    def form(self, chart):
        c = cells(chart, *self.cell())
        t = c.x / c.wide + 0.5
        run = WALL * self.feature() / c.wide
        tilt = np.where(t < 1.0 - run, 0.35 + 0.65 * t / (1.0 - run), 1.0 - 0.65 * (t - 1.0 + run) / run)
        if self.ridge:
            tilt = 0.8 * tilt + 0.2 * np.clip(1.0 - np.abs(t - 0.5) * 4.0, 0.0, 1.0)
        ends = np.minimum(0.5 * c.tall - np.abs(c.y), 0.3 * c.tall) - 1.2 * self.feature() * (2 * t - 1) ** 2 * 0.5
        plate = tilt * ramp(ends - 0.3 * self.feature(), WALL * self.feature())
        hole = (
            np.sqrt((np.abs(c.x) - 0.15 * c.wide) ** 2 + (np.abs(c.y) - 0.5 * c.tall + 0.3 * c.wide) ** 2)
            - 0.09 * c.wide
        )
        return plate * ramp(hole, 0.08 * c.wide) if self.holes else plate

    def words(self):
        return f"armoured with {'laced ' if self.holes else ''}lamellae"


@dataclass(frozen=True)
class Rubble(Relief):
    """Hewn blocks of uneven size with facets, fitted without mortar."""

    pitch: float = scale(0.12, 0.3)
    depth: float = scale(0.012, 0.03)
    facets: float = span(0.2, 0.6)
    flat: float = span(0.5, 0.9)
    noise: int = seed()

    def feature(self):
        return 0.15 * self.pitch

    def form(self, chart):
        _, wall, level = cellular(chart, self.pitch, 0.65 * self.pitch, self.flat, self.noise, 0.1)
        chips, _, _ = worley(chart.points * (2.3 / self.pitch), self.noise + 1, 0.8)
        top = np.minimum((wall - 0.02) / 0.14, 1.0) * (0.6 + 0.4 * level)
        return np.clip(2.0 * top * (1.0 - self.facets * np.minimum(chips, 1.0)) - 1.0, -1.0, 1.0)

    def words(self):
        return "of rough-hewn stone blocks"


@dataclass(frozen=True)
class Bamboo(Relief):
    """Canes side by side along v, with knots."""

    pitch: float = scale(0.08, 0.2)
    depth: float = scale(0.012, 0.03)
    length: float = span(2.0, 5.0)
    knot: float = span(0.1, 0.2)
    noise: int = seed()

    def feature(self):
        return 0.2 * self.pitch

    def form(self, chart):
        columns = chart.columns(self.pitch)
        a = chart.u * (columns / chart.width)
        i = np.floor(a) % columns
        b = chart.v / (self.pitch * self.length) + tone(i, np.zeros_like(i), self.noise)
        y = np.abs(b - np.floor(b) - 0.5) * self.length / self.knot
        knot = 0.16 * dome((y - 1.1) ** 2) - 0.14 * dome((2.2 * y) ** 2)
        return 2.0 * np.clip(dome((2.0 * (a - np.floor(a)) - 1.0) ** 2) * (0.84 + knot), 0.0, 1.0) - 1.0

    def words(self):
        return "made of bamboo canes"
