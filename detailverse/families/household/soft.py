"""Soft things: cushions and stools with tufts, rolled rugs."""

from dataclasses import dataclass

import numpy as np

from detailverse.family import Family, Kit
from detailverse.modelling.path import polyline, spiral, spline
from detailverse.modelling.profile import turned
from detailverse.modelling.region import rect, rosette, stroke, superellipse
from detailverse.modelling.shapes import box, extrude, lathe, slab, tube
from detailverse.modelling.skin import BARE, Skin
from detailverse.modelling.solid import Solid, row, union
from detailverse.parts.elements import bead, tassel
from zeroverse.core.portable import TAU, cos_sin_array
from zeroverse.core.record import choice, count, flag, span


def _sine(turns: np.ndarray) -> np.ndarray:
    """Returns the sine of an array of any shape, in whole turns."""
    return cos_sin_array(TAU * np.ravel(turns))[1].reshape(np.shape(turns))


@dataclass(frozen=True)
class Cushion(Family):
    """A tufted cushion with piping, buttons and tassels, or a stool with that for its seat."""

    SKINS = {"cloth": ("textile",), "apron": ("wood", "classical")}
    FINISHES = {
        "cloth": ("cloth", "leather", "yarn"),
        "piping": ("rope", "gold", "leather", "yarn", "silver"),
        "button": ("cloth", "gold", "leather", "brass"),
        "wood": ("wood", "painted", "gold"),
        "nail": ("brass", "gold", "iron"),
    }

    width: float = span(1.3, 1.8)
    depth: float = span(1.0, 1.7)
    puff: float = span(0.22, 0.42)
    tufts: int = count(0, 5)
    sink: float = span(0.4, 0.8)
    piping: str = choice("cord", "rope", "flat")
    tassels: bool = flag(0.5)
    stool: bool = flag(0.5)
    leg: str = choice("turned", "square", "cabriole")
    legs: float = span(0.4, 0.9)

    def build(self, kit: Kit) -> Solid:
        upper = self.half(kit.skin("cloth"))
        parts = [upper, self.half(BARE, 0.3 if self.stool else 0.75).mirror("z").move(0, 0, 0.012), *self.edging()]
        if kit.level >= 1:
            parts += self.buttons()
        if self.tassels and not self.stool:
            one = tassel(0.3, "tassel", "piping").turn("y", -TAU / 4 * 1.1)
            parts += [
                one.turn("z", a).move(x * self.width * 0.47, y * self.depth * 0.47, 0)
                for x, y, a in ((1, 1, 0.8), (-1, 1, 2.34), (-1, -1, 3.94), (1, -1, 5.48))
            ]
        if self.stool:
            parts += self.frame(kit)
        body = union(parts)
        return body.move(0, 0, -float(body.bounds[0][2]))

    def pits(self) -> np.ndarray:
        """Returns [K, 2] places of the buttons, in shares -1 … 1 of the half width and depth."""
        n = self.tufts
        across = (np.arange(n) - (n - 1) / 2) * (1.7 / max(n, 2))
        between = (np.arange(max(0, n - 1)) - (n - 2) / 2) * (1.7 / max(n, 2))
        return np.array([(x, y) for x in across for y in across] + [(x, y) for x in between for y in between]).reshape(
            -1, 2
        )

    def surface(self, x, y, puff: float):
        """Returns the height over the seam at shares x, y."""
        edge = np.maximum(0.0, (1 - x**4) * (1 - y**4))
        dome = np.sqrt(np.sqrt(edge)) * (0.86 + 0.14 * (1 - x * x) * (1 - y * y))
        out = puff * dome
        if self.tufts:
            pitch = 1.7 / max(self.tufts, 2)
            u, v = (x + y) / pitch / 2, (x - y) / pitch / 2
            even = 0.5 * (self.tufts % 2 == 0)  # an even grid has no button in the middle
            near = np.ones_like(x)
            for px, py in self.pits():
                square = ((x - px) ** 2 + (y - py) ** 2) / (0.34 * pitch) ** 2
                near = np.minimum(near, square / (1 + square) * 1.25)
            crease = np.minimum(np.abs(_sine(0.5 * (u + even))), np.abs(_sine(0.5 * v)))
            inside = (np.maximum(np.abs(x), np.abs(y)) < 0.93) * 1.0
            out = out * (1 - 0.75 * self.sink * (1 - near)) * (1 - 0.16 * (1 - np.sqrt(crease)) * inside)
        return out

    def half(self, skin: Skin, share: float = 1.0) -> Solid:
        n = 150 if skin else 90
        x, y = np.meshgrid(np.linspace(-1, 1, n), np.linspace(-1, 1, n))
        return slab(0.02 + self.surface(x, y, share * self.puff), self.width, self.depth, "cushion", "cloth", skin)

    def buttons(self) -> list[Solid]:
        stud = lathe(turned(0.055, -0.05).up(0.05).ovolo(-0.055, 0.035).close(), "button", "button", sides=20)
        return [
            stud.move(
                x * self.width / 2, y * self.depth / 2, float(self.surface(np.array(x), np.array(y), self.puff)) + 0.025
            )
            for x, y in self.pits()
        ]

    def edging(self) -> list[Solid]:
        outline = rect(self.width - 0.02, self.depth - 0.02, 0.05).contours()[0]
        line = polyline(outline, closed=True).resample(spacing=0.03)
        if self.piping == "rope":
            turns = round(line.length / 0.16)
            fine = line.resample(n=18 * turns)
            return [tube(fine, 0.045, "piping", "piping", section=rosette(3, 1.0, 0.34), twist=TAU * turns, sides=24)]
        return [tube(line, 0.035 if self.piping == "cord" else 0.024, "piping", "piping", sides=12)]

    def frame(self, kit: Kit) -> list[Solid]:
        """Returns the wooden frame under the cushion, nails along it, four legs."""
        low, h = -0.3 * self.puff - 0.02, 0.16
        w, d = self.width - 0.04, self.depth - 0.04
        apron = box(w, d, h + 0.1, "apron", "wood", kit.skin("apron"), sides="+-x +-y").move(0, 0, low - h / 2 + 0.05)
        parts = [apron, box(w + 0.05, d + 0.05, 0.035, "moulding", "wood").move(0, 0, low - h + 0.02)]
        leg = self.one_leg().move(0, 0, low - h - self.legs + 0.03)
        parts += [
            leg.turn("z", a).move(x * (w / 2 - 0.1), y * (d / 2 - 0.1), 0)
            for x, y, a in ((1, 1, 0.0), (-1, 1, TAU / 4), (-1, -1, TAU / 2), (1, -1, 3 * TAU / 4))
        ]
        if kit.level >= 2:
            nail, z = bead(0.026, "nail", "nail", 10), low + 0.02
            nx, ny = round(w / 0.075), round(d / 0.075)
            parts += [row(nail, nx, (w / nx, 0, 0)).move(-w / 2 + w / nx / 2, y, z) for y in (-d / 2, d / 2)]
            parts += [row(nail, ny, (0, d / ny, 0)).move(x, -d / 2 + d / ny / 2, z) for x in (-w / 2, w / 2)]
        return parts

    def one_leg(self) -> Solid:
        """Returns a leg from z = 0 to its length."""
        h = self.legs
        if self.leg == "turned":
            line = (
                turned(0.05, 0.0)
                .curve((0.085, 0.04), (0.05, 0.09))
                .bead(0.03)
                .curve((0.06, 0.3 * h), (0.1, 0.62 * h), (0.06, 0.78 * h))
                .bead(0.04)
                .out(0.03)
                .bead(0.04)
                .to(0.085, h)
            )
            return lathe(line.close(), "leg", "wood", sides=36)
        if self.leg == "square":
            return union(
                (
                    extrude(rect(0.09, 0.09, 0.01), h, "leg", "wood", taper=1.7),
                    box(0.13, 0.13, 0.05, "leg", "wood").move(0, 0, 0.1 * h),
                )
            )
        line = spline(
            [(0.16, 0.16, 0.02), (0.1, 0.1, 0.06), (0.02, 0.02, 0.35 * h), (0.07, 0.07, 0.78 * h), (0.0, 0.0, h)]
        )
        foot = lathe(
            turned(0.0, 0.0).out(0.06).ovolo(0.03, 0.03).ovolo(-0.05, 0.05).close(), "leg", "wood", sides=28
        ).move(0.15, 0.15, 0)
        return union((tube(line, lambda t: 0.045 + 0.055 * t * t, "leg", "wood", sides=16), foot))

    def words(self) -> str:
        what = f"a stool on {self.leg} legs with a" if self.stool else "a"
        return f"{what} {'tufted ' if self.tufts else ''}cushion" + (
            " with tassels" if self.tassels and not self.stool else ""
        )


@dataclass(frozen=True)
class RugRoll(Family):
    """A rug, partly rolled up: spiral ends, the loose end on the ground with its fringe, cords around the roll."""

    SKINS = {"roll": ("textile",), "rug": ("textile",)}
    FINISHES = {
        "rug": ("cloth", "yarn", "leather"),
        "fringe": ("yarn", "rope", "gold"),
        "cord": ("rope", "leather", "gold"),
    }

    wide: float = span(1.2, 1.9)
    radius: float = span(0.24, 0.4)
    pile: float = span(0.05, 0.08)
    loose: float = span(0.4, 1.1)
    turns: float = span(2.4, 4.2)
    fringe: int = count(14, 30)
    knots: bool = flag(0.6)
    cords: int = count(0, 3)
    wave: float = span(0.0, 0.05)

    def build(self, kit: Kit) -> Solid:
        return union((self.roll(kit), self.sheet(kit), *self.threads(kit), *self.ties()))

    def roll(self, kit: Kit) -> Solid:
        r, w = self.radius, self.wide
        core = lathe(turned(r, -w / 2 + 0.035).up(w - 0.07).close(), "roll", "rug", kit.skin("roll"))
        coil = stroke(
            spiral(0.05, r - 0.4 * self.pile, self.turns).turn("z", -TAU * self.turns - TAU / 4).points[:, :2],
            0.62 * (r - 0.05) / self.turns,
        )
        ends = extrude(coil, w, "roll", "rug").move(0, 0, -w / 2)
        return union((core, ends)).turn("y", TAU / 4).move(0, 0, r)

    def sheet(self, kit: Kit) -> Solid:
        """Returns the loose end, towards -y, from under the roll."""
        rows, columns = (70, 150) if kit.details else (30, 50)
        y, x = np.linspace(0, 1, rows)[:, None], np.linspace(0, 1, columns)[None]
        ripple = _sine(2.5 * y + 0.25) * _sine(x + y + 0.25)
        heights = self.pile + self.wave * (1 - ripple) * np.clip(4 * (1 - y), 0, 1) * np.clip(6 * y, 0.2, 1)
        long = self.loose + self.radius
        return slab(
            np.broadcast_to(heights, (rows, columns)).copy(), self.wide, long, "rug", "rug", kit.skin("rug")
        ).move(0, -long / 2 + 0.05, 0)

    def threads(self, kit: Kit) -> list[Solid]:
        """Returns the fringe: threads from the edge, bundled by knots."""
        if kit.level < 1:
            return []
        y, n, step = 0.05 - self.loose - self.radius, self.fringe, self.wide / self.fringe
        strand = tube(
            spline(
                [(0, 0.06, 0.5 * self.pile), (0, -0.05, 0.45 * self.pile), (0.012, -0.13, 0.022), (-0.01, -0.2, 0.022)]
            ),
            lambda t: 0.02 + 0.008 * t,
            "fringe",
            "fringe",
            sides=8,
        )
        lock = bead(0.032, "knot", "fringe", 10).move(0, -0.03, 0.5 * self.pile)
        one = union((strand, lock)) if self.knots else strand
        return [
            one.mirror("x").move(-self.wide / 2 + (k + 0.5) * step, y, 0)
            if k % 2
            else one.move(-self.wide / 2 + (k + 0.5) * step, y, 0)
            for k in range(n)
        ]

    def ties(self) -> list[Solid]:
        """Returns cords around the roll, each with a bow of two loops."""
        r = self.radius + 0.02
        hoops = superellipse(r, r, 2.0).contours()[0]
        ring = polyline(hoops, closed=True).resample(n=90)
        cord = tube(ring, 0.032, "cord", "cord", section=rosette(3, 1.0, 0.3), twist=16 * TAU, sides=18).turn(
            "y", TAU / 4
        )
        loop = tube(
            spline([(0, 0, 0), (0.1, -0.07, 0.05), (0.2, 0.0, 0.02), (0.1, 0.07, 0.05)], closed=True),
            0.022,
            "cord",
            "cord",
            sides=10,
        )
        tail = tube(spline([(0, 0, 0), (0.05, -0.12, 0.03), (0.03, -0.24, -0.06)]), 0.022, "cord", "cord", sides=10)
        bow = (
            union((loop, loop.turn("z", TAU / 2), tail, tail.mirror("x"), bead(0.05, "cord", "cord", 14)))
            .move(0, 0, r + 0.015)
            .turn("x", 0.5)
        )
        one = union((cord, bow)).move(0, 0, self.radius)
        n = self.cords
        return [one.move((k - (n - 1) / 2) * self.wide / (n + 0.4), 0, 0) for k in range(n)]

    def words(self) -> str:
        return "a rolled rug with a fringe" + (f", tied with {self.cords} cords" if self.cords > 1 else "")
