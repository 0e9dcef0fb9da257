"""Details of machines: knurls, panel lines, louvres, greebles, circuit traces, tread plate, honeycomb."""

from dataclasses import dataclass

import numpy as np

from detailverse.details.base import WALL, Embossed, Relief, box, cells, dome, merge, ramp, stadium, zigzag
from detailverse.details.kernels import plates, polar, traces
from zeroverse.core.record import choice, count, scale, seed, span
from zeroverse.core.rng import Rng
from zeroverse.textures.noise import to_wall, wave


@dataclass(frozen=True)
class Knurl(Relief):
    """Pyramids between two families of slanting V grooves, or straight V ridges along v."""

    pitch: float = scale(0.04, 0.12)
    depth: float = scale(0.01, 0.03)
    style: str = choice("diamond", "diamond", "square", "straight")
    slant: float = span(0.5, 1.2)
    flat: float = span(0.0, 0.4)

    def feature(self):
        return 0.5 * self.pitch

    def grooves(self, chart):
        """Returns groove coordinates, whole numbers at the grooves."""
        columns, rows = chart.columns(self.pitch, 4), chart.rows(self.pitch / self.slant, 4)
        x, y = chart.u * (columns / chart.width), chart.v * (rows / chart.height)
        if self.style == "diamond":
            return 0.5 * (x + y), 0.5 * (x - y)
        return (x, y) if self.style == "square" else (x, np.full_like(x, 0.5))

    def form(self, chart):
        a, b = self.grooves(chart)
        return np.minimum(np.minimum(to_wall(a), to_wall(b)) * 2.0 / (1.0 - self.flat), 1.0) * 2.0 - 1.0

    def creases(self, chart):
        a, b = self.grooves(chart)
        low = np.minimum(to_wall(a), to_wall(b))
        lines = [zigzag(a), zigzag(b)] if self.style != "straight" else [zigzag(a)]
        lines.append(low - 0.5 * (1.0 - self.flat)) if self.flat > 0.1 else None
        lines.append(to_wall(a) - to_wall(b))
        return self.pitch * merge(*lines)

    def words(self):
        return f"with {'straight' if self.style == 'straight' else self.style} knurling"


@dataclass(frozen=True)
class Panels(Relief):
    """Plates of a recursive subdivision at different levels, with grooves between; some with a recessed field, some
    with a raised one.
    """

    pitch: float = scale(0.16, 0.36)
    depth: float = scale(0.012, 0.025)
    spread: float = span(0.1, 0.7)
    groove: float = span(0.09, 0.14)
    fields: float = span(0.0, 0.6)
    layout: int = seed()

    def feature(self):
        return self.groove * self.pitch

    def tree(self, chart):
        """Returns nodes for `kernels.plates`: longer sides are cut, at 0.3 … 0.7, until plates are about a pitch
        wide.
        """
        rng, rows = Rng("panels", self.layout), []

        def grow(bounds, level):
            index, wide, tall = len(rows), bounds[2] - bounds[0], bounds[3] - bounds[1]
            rows.append([-1, 0.0, 0, 0, bounds])
            draw = rng.child(index).unit(3)
            if level < 9 and max(wide, tall) > (1.0 + 1.2 * draw[0]) * self.pitch:
                axis = 0 if wide * (0.7 + 0.6 * draw[1]) > tall else 1
                cut = bounds[axis] + (0.3 + 0.4 * draw[2]) * (bounds[axis + 2] - bounds[axis])
                low, high = list(bounds), list(bounds)
                low[axis + 2] = high[axis] = cut
                rows[index][:4] = axis, cut, grow(low, level + 1), grow(high, level + 1)
            return index

        grow([0.0, 0.0, chart.width, chart.height], 0)
        return tuple(np.array(column) for column in zip(*rows))

    def plates(self, chart):
        """Returns each point's plate, its distance inside that plate's outline and inside its field's, and the level of
        the field over the plate's.
        """
        axis, cut, first, second, boxes = self.tree(chart)
        leaf, x, y = plates(chart.u, chart.v, axis, cut, first, second, boxes)
        half = 0.5 * (boxes[:, 2:] - boxes[:, :2])
        draw = Rng("panels", self.layout, "fields").unit((len(boxes), 3))
        large = half.min(axis=1) > 4 * self.feature()
        step = np.where((draw[:, 0] < self.fields) & large, np.where(draw[:, 1] < 0.6, -0.35, 0.3), 0.0)
        inside = box(x, y, half[leaf, 0] - 0.5 * self.feature(), half[leaf, 1] - 0.5 * self.feature())
        inset = 0.1 + 0.25 * draw[leaf, 2]
        field = box(
            x,
            y,
            half[leaf, 0] - inset * half[leaf].min(axis=1) - self.feature(),
            half[leaf, 1] - inset * half[leaf].min(axis=1) - self.feature(),
            self.feature(),
        )
        return leaf, inside, field, step

    def form(self, chart):
        leaf, inside, field, step = self.plates(chart)
        run = WALL * self.feature()
        level = 0.65 - self.spread * Rng("panels", self.layout, "levels").unit(len(step))
        return ramp(inside, run) * (level[leaf] + 0.6 + step[leaf] * ramp(field, run)) - 0.6

    def creases(self, chart):
        leaf, inside, field, step = self.plates(chart)
        outer = np.abs(inside) - WALL / 2 * self.feature()
        inner = np.where(step[leaf] != 0, np.abs(field) - WALL / 2 * self.feature(), self.pitch)
        return merge(outer, inner)

    def words(self):
        return f"with panel lines{' and recessed fields' if self.fields > 0.3 else ''}"


@dataclass(frozen=True)
class Louvres(Relief):
    """Vents: groups of slots, each under a blade that rises to a lip."""

    pitch: float = scale(0.05, 0.12)
    depth: float = scale(0.012, 0.025)
    length: float = span(3.0, 6.0)
    gap: float = span(0.25, 0.5)

    def feature(self):
        return 0.4 * self.pitch

    def cell(self):
        return self.pitch * self.length, self.pitch

    def blade(self, chart):
        """Returns the distance inside the slot, and how far up the blade, 0 … 1."""
        c = cells(chart, *self.cell())
        half = 0.5 * c.wide - self.gap * self.pitch
        return stadium(c.y, c.x, 0.42 * c.tall, half), c.y / (0.84 * c.tall) + 0.5

    def form(self, chart):
        inside, up = self.blade(chart)
        blade = np.where(up < 0.7, up / 0.7, (1.0 - up) / 0.3 * 1.8 - 0.8)
        return np.clip(blade, -0.8, 1.0) * ramp(inside - 0.2 * self.feature(), 0.4 * self.feature())

    def creases(self, chart):
        inside, up = self.blade(chart)
        lip = np.maximum(np.abs(up - 0.7) * 0.84 * self.pitch, 0.0) * np.where(up < 0.7, -1.0, 1.0)
        return merge(inside, np.where(inside > 0, lip, self.pitch))

    def words(self):
        return "with rows of louvres"


@dataclass(frozen=True)
class Greebles(Relief):
    """Blocks of many sizes and levels crowded on the surface, with small ones on top."""

    pitch: float = scale(0.1, 0.25)
    depth: float = scale(0.012, 0.03)
    density: float = span(0.7, 1.0)
    layout: int = seed()

    def feature(self):
        return 0.16 * self.pitch

    def blocks(self, chart, pitch, key):
        """Returns the distance inside the cell's block, and the block's random number."""
        c = cells(chart, pitch, pitch, shift=0.5)
        draw = [c.tone((self.layout + 101 * key + k) % 2**31) for k in range(5)]
        half_x, half_y = c.wide * (0.2 + 0.24 * draw[0]), c.tall * (0.2 + 0.24 * draw[1])
        x = c.x - (2 * draw[2] - 1) * (0.46 * c.wide - half_x)
        y = c.y - (2 * draw[3] - 1) * (0.46 * c.tall - half_y)
        present = draw[4] < self.density
        round_one = (draw[4] < 0.25 * self.density) & (np.minimum(half_x, half_y) > self.feature())
        distance = np.where(round_one, np.minimum(half_x, half_y) - np.sqrt(x * x + y * y), box(x, y, half_x, half_y))
        return np.where(present, distance, -0.2 * pitch), draw[1]

    def layers(self, chart):
        return [self.blocks(chart, self.pitch, 0), self.blocks(chart, 0.7 * self.pitch, 1)]

    def form(self, chart):
        (coarse, high), (fine, low) = self.layers(chart)
        run = WALL * self.feature()
        return ramp(coarse, run) * (0.25 + 0.35 * high) + ramp(fine, run) * (0.15 + 0.25 * low)

    def creases(self, chart):
        return merge(*(np.abs(distance) - WALL / 2 * self.feature() for distance, _ in self.layers(chart)))

    def words(self):
        return "crowded with small blocks"


@dataclass(frozen=True)
class Circuit(Embossed):
    """Circuit board tracks with round pads."""

    pitch: float = scale(0.06, 0.13)
    depth: float = scale(0.008, 0.018)
    density: float = span(0.45, 0.75)
    width: float = span(0.16, 0.24)
    pad: float = span(0.28, 0.4)
    layout: int = seed()

    def feature(self):
        return 2 * self.width * self.pitch

    def distance(self, chart):
        columns, rows = chart.columns(self.pitch), chart.rows(self.pitch)
        a, b = chart.u * (columns / chart.width), chart.v * (rows / chart.height)
        return self.pitch * traces(a, b, columns, self.density, self.width, self.pad, self.layout)

    def words(self):
        return f"with {'sunk ' if self.sunk else ''}circuit traces"


@dataclass(frozen=True)
class TreadPlate(Relief):
    """Raised lenses that alternate between two slants, as on chequer plate, one to three side by side."""

    pitch: float = scale(0.08, 0.18)
    depth: float = scale(0.008, 0.02)
    slim: float = span(0.3, 0.45)
    bars: int = count(1, 3)

    def feature(self):
        return 0.5 * self.slim * self.pitch

    def distance(self, chart):
        """Returns the distance inside the nearest lens, and the lenses' half width."""
        c = cells(chart, self.pitch, self.pitch, even=True)
        side = 1.0 - 2.0 * c.odd
        along, across = (c.x + side * c.y) * np.sqrt(0.5), (c.x - side * c.y) * np.sqrt(0.5)
        step = 0.62 * self.pitch / self.bars if self.bars > 1 else 0.0
        middle = 0.5 * (self.bars - 1)
        if self.bars > 1:
            across = across - step * (np.clip(np.round(across / step + middle), 0, self.bars - 1) - middle)
        length = 0.56 * min(c.wide, c.tall) * (1.0 if self.bars == 1 else 0.75)
        half = min(self.slim * 0.5 * length, 0.42 * step) if self.bars > 1 else self.slim * length
        radius = (length * length + half * half) / (2 * half)
        return radius - np.sqrt(along**2 + (np.abs(across) + radius - half) ** 2), half

    def form(self, chart):
        distance, half = self.distance(chart)
        return np.clip(distance / (0.6 * half), 0.0, 1.0)

    def creases(self, chart):
        return self.distance(chart)[0]

    def words(self):
        return "with chequer-plate treads"


@dataclass(frozen=True)
class Honeycomb(Relief):
    """Hexagonal cells: sunk pits with walls between, or raised cushions."""

    pitch: float = scale(0.06, 0.2)
    depth: float = scale(0.012, 0.03)
    wall: float = span(0.15, 0.3)
    style: str = choice("pits", "tiles", "domes")

    def feature(self):
        return max(self.wall, 0.2) * self.pitch

    def distance(self, chart):
        """Returns the distance inside the hexagon, walls taken off; and half its width."""
        columns, rows = chart.columns(self.pitch), chart.rows(self.pitch * np.sqrt(0.75), 2)
        wide, tall = chart.width / columns, chart.height / rows / np.sqrt(0.75)
        a, b = chart.u / wide, chart.v / (chart.height / rows)
        best = np.full(len(a), -1.0)
        for j in (np.floor(b), np.floor(b) + 1):
            x = a - 0.5 * (j % 2)
            x, y = np.abs(x - np.round(x)), np.abs(b - j) * np.sqrt(0.75)
            best = np.maximum(best, 0.5 - np.maximum(x, 0.5 * x + np.sqrt(0.75) * y))
        return best * min(wide, tall) - 0.5 * self.wall * self.pitch, 0.5 * (1 - self.wall) * self.pitch

    def form(self, chart):
        distance, half = self.distance(chart)
        if self.style == "domes":
            return dome((1.0 - distance / half) ** 2)
        height = ramp(distance, WALL * self.feature())
        return -height if self.style == "pits" else height

    def creases(self, chart):
        distance, _ = self.distance(chart)
        return distance if self.style == "domes" else np.abs(distance) - WALL / 2 * self.feature()

    def words(self):
        return {"pits": "with honeycomb cells", "tiles": "with hexagonal tiles", "domes": "with hexagonal cushions"}[
            self.style
        ]


@dataclass(frozen=True)
class Sunburst(Relief):
    """Engine turning: rays from the middle of the chart crossed by rings, as on a watch dial; on a chart that wraps,
    waves around.
    """

    pitch: float = scale(0.06, 0.13)
    depth: float = scale(0.008, 0.018)
    rays: int = count(8, 24)
    swing: float = span(0.0, 0.6)

    def feature(self):
        return 0.5 * self.pitch

    def form(self, chart):
        if chart.wraps:
            rays, radius = chart.u * (chart.columns(chart.width / self.rays) / chart.width), chart.v
        else:
            turns, radius = polar(chart.u - chart.width / 2, chart.v - chart.height / 2)
            rays = turns * self.rays
        calm = np.minimum(radius / self.pitch, 1.0)  # rays meet in the middle of a disc
        return wave(radius / self.pitch + self.swing * calm * wave(rays)) * (
            0.6 + 0.4 * calm * np.abs(wave(0.5 * rays)) if self.rays % 2 == 0 else 1.0
        )

    def words(self):
        return "with engine-turned waves"
