"""Solid ornaments that stand on a surface: rivets, bolts, spikes, gems, pearls, suckers, barnacles, leaves; bolted
plates.
"""

from dataclasses import dataclass

import numpy as np

from detailverse.details.base import WALL, Operator, Relief, box, cells, ramp
from detailverse.details.spread import edges, keep_inside, lattice, scatter
from detailverse.details.stamps import head, leaf
from detailverse.modelling.skin import Ornaments
from zeroverse.core.portable import TAU
from zeroverse.core.record import choice, count, scale, seed, span
from zeroverse.core.rng import Rng

LAYOUTS = ("edges", "rows", "staggered")
_SPARSE = 1.8  # pitch of what stands all over a surface, in its pitch along an edge: the form must show between


def laid_out(chart, layout: str, radius: float, pitch: float) -> np.ndarray:
    """Returns [K, 2] positions in one of LAYOUTS."""
    if layout == "edges":
        return edges(chart, 1.6 * radius, pitch)
    return lattice(
        chart,
        1.6 * radius,
        _SPARSE * pitch,
        _SPARSE * pitch * (1.0 if layout == "staggered" else 1.3),
        layout == "staggered",
    )


def upright(stamp, uv: np.ndarray, radius: float, label: str) -> Ornaments | None:
    """Returns ornaments all of one size and not turned; None where there are no positions."""
    return Ornaments(stamp, uv, np.full(len(uv), radius), np.zeros(len(uv)), label) if len(uv) else None


@dataclass(frozen=True)
class Rivets(Operator):
    """Rivets along the edges, or in rows all over."""

    pitch: float = scale(0.06, 0.15)
    share: float = span(0.17, 0.27)  # radius over pitch
    head: str = choice("round", "round", "flat", "cone")
    layout: str = choice("edges", "edges", "edges", "rows", "staggered")

    def feature(self):
        return 2 * self.pitch * self.share

    def ornaments(self, chart):
        radius = self.pitch * self.share
        return upright(head(self.head), laid_out(chart, self.layout, radius, self.pitch), radius, "rivets")

    def words(self):
        return f"with {self.head} rivets {'along the edges' if self.layout == 'edges' else 'in rows'}"


@dataclass(frozen=True)
class Bolts(Operator):
    """Hexagonal or socket-head bolts along the edges or in rows, each turned by chance."""

    pitch: float = scale(0.1, 0.22)
    share: float = span(0.16, 0.24)  # radius over pitch
    head: str = choice("bolt", "bolt", "socket")
    layout: str = choice("edges", "edges", "edges", "rows")
    turns: int = seed()

    def feature(self):
        return 2 * self.pitch * self.share

    def ornaments(self, chart):
        radius = self.pitch * self.share
        uv = laid_out(chart, self.layout, radius, self.pitch)
        spin = Rng("bolts", self.turns).unit(len(uv)) * TAU
        return Ornaments(head(self.head), uv, np.full(len(uv), radius), spin, "bolts") if len(uv) else None

    def words(self):
        return f"with {'hexagonal' if self.head == 'bolt' else 'socket-head'} bolts"


@dataclass(frozen=True)
class Spikes(Operator):
    """Round spikes or four-sided studs, staggered or along the edges."""

    pitch: float = scale(0.07, 0.17)
    share: float = span(0.2, 0.3)  # radius over pitch
    head: str = choice("spike", "pyramid")
    layout: str = choice("edges", "edges", "rows", "staggered")

    def feature(self):
        return 2 * self.pitch * self.share

    def ornaments(self, chart):
        radius = self.pitch * self.share
        return upright(head(self.head), laid_out(chart, self.layout, radius, self.pitch), radius, "spikes")

    def words(self):
        return "with spikes" if self.head == "spike" else "with pyramid studs"


@dataclass(frozen=True)
class Gems(Operator):
    """Faceted or domed stones in round settings."""

    pitch: float = scale(0.09, 0.2)
    share: float = span(0.24, 0.36)  # radius over pitch
    cut: str = choice("brilliant", "cabochon")
    layout: str = choice("edges", "edges", "rows", "staggered")

    def feature(self):
        return 2 * self.pitch * self.share

    def ornaments(self, chart):
        return upright(
            head(self.cut),
            laid_out(chart, self.layout, self.pitch * self.share, self.pitch),
            self.pitch * self.share,
            "gems",
        )

    def words(self):
        return f"set with {'faceted' if self.cut == 'brilliant' else 'cabochon'} gems"


@dataclass(frozen=True)
class Pearls(Operator):
    """Balls, in a close row along each edge or all over."""

    pitch: float = scale(0.045, 0.1)
    share: float = span(0.36, 0.46)  # radius over pitch
    layout: str = choice("edges", "edges", "edges", "rows")

    def feature(self):
        return 2 * self.pitch * self.share

    def ornaments(self, chart):
        radius = self.pitch * self.share
        return upright(head("ball"), laid_out(chart, self.layout, radius, self.pitch), radius, "pearls")

    def words(self):
        return f"with pearls {'along the edges' if self.layout == 'edges' else 'in rows'}"


@dataclass(frozen=True)
class Suckers(Operator):
    """Suction cups in two or more staggered rows, larger towards v = 0."""

    pitch: float = scale(0.08, 0.16)
    share: float = span(0.3, 0.42)
    taper: float = span(0.3, 0.9)

    def feature(self):
        return 0.6 * self.pitch * self.share

    def ornaments(self, chart):
        radius = self.pitch * self.share
        uv = lattice(chart, 1.3 * radius, self.pitch, 0.9 * self.pitch, True)
        return (
            Ornaments(
                head("cup"),
                uv,
                radius * (1.0 - (1.0 - self.taper) * uv[:, 1] / chart.height),
                np.zeros(len(uv)),
                "suckers",
            )
            if len(uv)
            else None
        )

    def words(self):
        return "with rows of suction cups"


@dataclass(frozen=True)
class Crust(Operator):
    """Barnacles or limpets of many sizes, scattered in patches."""

    pitch: float = scale(0.06, 0.15)
    style: str = choice("barnacle", "barnacle", "limpet")
    crowd: float = span(0.05, 0.4)
    places: int = seed()

    def feature(self):
        return 0.4 * self.pitch

    def ornaments(self, chart):
        rng = Rng("crust", self.places)
        uv, size = scatter(chart, rng, 0.22 * self.pitch, 0.48 * self.pitch, self.crowd)
        return (
            Ornaments(head(self.style), uv, size, rng.child("spin").unit(len(uv)) * TAU, f"{self.style}s")
            if len(uv)
            else None
        )

    def words(self):
        return f"encrusted with {self.style}s"


@dataclass(frozen=True)
class Foliage(Operator):
    """Leaves, petals or thorns in staggered rows, tips raised, about along v."""

    pitch: float = scale(0.1, 0.2)
    style: str = choice("leaf", "petal", "thorn")
    swirl: float = span(-0.06, 0.06)
    uneven: float = span(0.0, 1.0)
    places: int = seed()

    def feature(self):
        return 0.2 * self.pitch

    def ornaments(self, chart):
        radius = 0.46 * self.pitch
        uv = lattice(
            chart, 1.05 * radius, (0.62 if self.style != "petal" else 0.75) * self.pitch, 0.97 * self.pitch, True
        )
        spin = TAU * (0.25 + self.swirl + 0.02 * self.uneven * (2.0 * Rng("foliage", self.places).unit(len(uv)) - 1.0))
        label = {"leaf": "leaves", "petal": "petals", "thorn": "thorns"}[self.style]
        return Ornaments(leaf(self.style), uv, np.full(len(uv), radius), spin, label) if len(uv) else None

    def words(self):
        return {"leaf": "covered in small leaves", "petal": "covered in petals", "thorn": "covered in thorns"}[
            self.style
        ]


@dataclass(frozen=True)
class BoltedPlates(Relief):
    """Overlaid plates with chamfered corners and gaps between, each held by a bolt or rivet at every corner."""

    pitch: float = scale(0.2, 0.45)
    depth: float = scale(0.008, 0.025)
    aspect: float = span(0.6, 1.2)
    head: str = choice("round", "bolt", "socket", "flat")
    bond: float = span(0.0, 0.5)
    corner: float = span(0.0, 0.12)
    layers: int = count(1, 2)

    def feature(self):
        return 0.08 * self.pitch

    def cell(self):
        return self.pitch, self.pitch * self.aspect

    def lattice(self, chart):
        return cells(chart, *self.cell(), shift=0.5 * (self.bond > 0.25))

    def outlines(self, chart):
        """Returns distances inside the plate and inside the field on it."""
        c = self.lattice(chart)
        half_x, half_y = 0.5 * c.wide - 0.4 * self.feature(), 0.5 * c.tall - 0.4 * self.feature()
        cut = (half_x + half_y - self.corner * self.pitch - np.abs(c.x) - np.abs(c.y)) * np.sqrt(0.5)
        inset = 2.6 * self.bolt()
        return np.minimum(box(c.x, c.y, half_x, half_y), cut), box(
            c.x, c.y, half_x - inset, half_y - inset, 0.5 * self.feature()
        )

    def bolt(self) -> float:
        """Returns the radius of a bolt's head."""
        return 0.055 * self.pitch * min(self.aspect, 1.0)

    def form(self, chart):
        plate, field = self.outlines(chart)
        run = WALL * self.feature()
        return 0.6 * ramp(plate, run) + (0.4 * ramp(field, run) if self.layers > 1 else 0.0)

    def creases(self, chart):
        plate, field = self.outlines(chart)
        nearest = np.minimum(np.abs(plate), np.abs(field)) if self.layers > 1 else np.abs(plate)
        return nearest - WALL / 2 * self.feature()

    def ornaments(self, chart):
        if not self.fits(chart):
            return None
        c = self.lattice(chart)
        inset = 1.8 * self.bolt() + 0.4 * self.feature() + 0.3 * self.corner * self.pitch
        j, i = (k.ravel() for k in np.meshgrid(np.arange(c.rows), np.arange(c.columns), indexing="ij"))
        shift = 0.5 * (self.bond > 0.25) * j
        uv = np.concatenate(
            [
                np.stack(
                    [
                        ((i + 0.5 - shift) * c.wide + dx * (0.5 * c.wide - inset)) % chart.width,
                        (j + 0.5) * c.tall + dy * (0.5 * c.tall - inset),
                    ],
                    axis=1,
                )
                for dx in (-1, 1)
                for dy in (-1, 1)
            ]
        )
        return upright(head(self.head), keep_inside(chart, uv, 1.2 * self.bolt()), self.bolt(), "bolts")

    def words(self):
        return "clad in bolted plates"
