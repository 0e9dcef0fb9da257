"""Columns: base, shaft and capital of the classical orders and their cousins."""

from dataclasses import dataclass

import numpy as np

from detailverse.family import Family, Kit
from detailverse.modelling.profile import Profile, turned
from detailverse.modelling.region import circle, ngon, polygon, rosette
from detailverse.modelling.shapes import ball, extrude, hull, lathe
from detailverse.modelling.solid import Solid, around, union
from detailverse.parts.architecture import broken, courses, foliage, moulded, ngon_plan, rect_plan, volute
from detailverse.parts.elements import turned_bead
from zeroverse.core.portable import TAU
from zeroverse.core.record import choice, count, flag, seed, span
from zeroverse.core.rng import Rng


@dataclass(frozen=True)
class Column(Family):
    """A column 2 high: plinth and base, a shaft with entasis, and the capital of an order. A ruin has lost what was
    above its break.
    """

    SKINS = {"shaft": ("classical", "stone")}
    FINISHES = {
        "shaft": ("marble", "stone", "concrete", "wood"),
        "trim": ("marble", "stone", "gold", "bronze"),
        "plinth": ("stone", "marble"),
    }

    order: str = choice("doric", "ionic", "corinthian", "lotus", "cushion", "composite")
    base: str = choice("none", "torus", "attic", "bell", "pedestal")
    shaft: str = choice("plain", "twisted", "clustered", "faceted", "rusticated")
    radius: float = span(0.15, 0.27)
    taper: float = span(0.76, 0.95)
    entasis: float = span(0.0, 0.05)
    lobes: int = count(6, 12)
    winding: float = span(0.5, 2.5)
    ruined: bool = flag(0.15)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        foot, low = self._foot()
        high = 2.0 - self._capital_height()
        shaft = self._shaft(kit, low - 0.01, high + 0.01)
        if self.ruined and not kit.prefix:  # in a building it carries what would fall
            rng = Rng(self.seed, "ruin")
            block = broken(1.0, 1.0, rng.uniform(1.1, 1.6), 0.25, rng, "shaft", "shaft")
            return union((foot, shaft & block, *self._rubble(rng)))
        return union((foot, shaft, self._capital(kit.level if kit.scale > 0.5 else -1).move(0, 0, high)))

    def words(self) -> str:
        kind = {
            "plain": "",
            "twisted": "twisted ",
            "clustered": "clustered ",
            "faceted": "faceted ",
            "rusticated": "rusticated ",
        }[self.shaft]
        return (
            f"a ruined {kind}column"
            if self.ruined
            else f"{'an' if self.order == 'ionic' else 'a'} {self.order} {kind}column"
        )

    def _foot(self) -> tuple[Solid, float]:
        """Returns the plinth and base, and the height of their top."""
        r = self.radius
        side = 2.75 * r
        if self.base == "none":
            return moulded(
                rect_plan(side, side), courses((0.03, 0), (0.03, 0.05), (0, 0.05), (0, 0.1)), "plinth", "plinth"
            ), 0.1
        low = 0.42 if self.base == "pedestal" else 0.09
        slab = courses((0, 0), (0, low - 0.01), (-0.01, low))
        plinth = (
            self._pedestal(side)
            if self.base == "pedestal"
            else moulded(rect_plan(side, side), slab, "plinth", "plinth")
        )
        start = turned(1.34 * r, low - 0.01)
        if self.base == "torus":
            ring = start.up(0.01).torus(0.4 * r, 0.12 * r).out(-0.16 * r).up(0.06 * r).cove(-0.12 * r, 0.12 * r)
        elif self.base == "bell":
            ring = start.up(0.03).ogee(-0.3 * r, 0.5 * r).bead(0.1 * r)
        else:
            ring = (
                start.up(0.01)
                .torus(0.3 * r, 0.1 * r)
                .out(-0.06 * r)
                .up(0.04 * r)
                .scotia(-0.12 * r, 0.22 * r, 0.08 * r)
                .up(0.04 * r)
                .torus(0.2 * r, 0.08 * r)
                .out(-0.1 * r)
                .up(0.05 * r)
            )
        return plinth | lathe(ring.close(), "base", "trim"), float(ring.end[1])

    def _pedestal(self, side: float) -> Solid:
        line = turned(0.06).up(0.06).ogee(-0.06, 0.05).to(0.0, 0.33).ogee(0.05, 0.04, upright=True).up(0.04)
        block = moulded(rect_plan(side, side), line, "pedestal", "plinth")
        panel = moulded(
            rect_plan(side - 0.14, 0.16), courses((0, 0), (0, 0.03), (-0.012, 0.03 - 0.012)), "panel", "plinth"
        )
        return block - around(panel.turn("x", TAU / 4).move(0, -side / 2 + 0.015, 0.22), 4)

    def _shaft(self, kit: Kit, low: float, high: float) -> Solid:
        r, h = self.radius, high - low
        if self.shaft in ("twisted", "clustered", "faceted"):
            outline = {
                "twisted": rosette(self.lobes // 2 + 1, r, 0.22 * r).rounded(0.05 * r),
                "faceted": ngon(self.lobes, r),
                "clustered": circle(0.78 * r) | circle(0.26 * r).move(0.78 * r).around(self.lobes),
            }[self.shaft]
            twist = TAU * self.winding * (1 if self.shaft == "twisted" else 0)
            return extrude(
                outline, h, "shaft", "shaft", kit.skin("shaft"), twist, self.taper, steps=48 if twist else 1
            ).move(0, 0, low)
        return lathe(self._swelling(low, high), "shaft", "shaft", kit.skin("shaft"))

    def _swelling(self, low: float, high: float) -> Profile:
        r, h = self.radius, high - low
        t = np.arange(33) / 32
        wide = r * (1 + (self.taper - 1) * t + 4 * self.entasis * t * (1 - t))
        curve = np.column_stack([wide, low + h * t])
        if self.shaft == "plain":
            return Profile((np.array([(0.0, low), curve[0]]), curve, np.array([curve[-1], (0.0, high)])))
        turning = turned(wide[0], low)
        for k in range(6):  # drums, every other one wider
            radius = wide[5 * k] * (1.16 if k % 2 == 0 else 1.0)
            turning = (
                turning.to(radius - 0.015, low + h * k / 6 + 0.002)
                .taper(radius, 0.013)
                .up(h / 6 - 0.03)
                .taper(radius - 0.015, 0.013)
            )
        return turning.close()

    def _capital_height(self) -> float:
        r = self.radius
        return {
            "doric": 0.9 * r,
            "ionic": 0.95 * r,
            "corinthian": 2.1 * r,
            "lotus": 2.2 * r,
            "cushion": 1.7 * r,
            "composite": 2.2 * r,
        }[self.order]

    def _capital(self, level: int) -> Solid:
        """Returns the capital from z = 0, where the shaft ends, and its height."""
        r, h = self.taper * self.radius, self._capital_height()
        build = {
            "doric": _doric,
            "ionic": _ionic,
            "corinthian": _corinthian,
            "lotus": _lotus,
            "cushion": _cushion,
            "composite": _composite,
        }[self.order]
        return build(r, h, self.lobes, level)

    def _rubble(self, rng: Rng) -> list[Solid]:
        """Returns fallen stones that lean on the plinth."""
        stones = []
        for k in range(3):
            points = 0.14 * (rng.unit((14, 3)) - 0.5) * (1.5, 1.5, 1.2)
            turn = rng.uniform(0, TAU)
            stone = hull(points, "rubble", "plinth")
            stones.append(
                stone.move(1.42 * self.radius + 0.03, 0, 0.06).turn("z", turn if k else 0.4).move(0, 0, -0.01)
            )
        return stones


def _sides(level: int) -> int:
    """Returns the number of sides of round parts: few on a small column, whose level is -1."""
    return 72 if level >= 0 else 32


def _ring(r: float, level: int) -> Solid:
    """Returns the astragal between shaft and capital."""
    return lathe(turned(r, -0.02).up(0.02).bead(0.16 * r).up(0.05).close(), "astragal", "trim", sides=_sides(level))


def _abacus(side: float, low: float, high: float, hollow: float = 0.0) -> Solid:
    """Returns a square slab; `hollow`: its sides curve in by that, as on a Corinthian capital."""
    if hollow == 0:
        third = 0.3 * (high - low)
        return moulded(
            rect_plan(side, side), turned(-0.02, low).up(third).ovolo(0.02, third).to(0.0, high), "abacus", "trim"
        )
    bite = circle(1.05 * side).move(1.05 * side + side / 2 - hollow).around(4)
    outline = polygon(rect_plan(side, side)) - bite
    thick = high - low
    slab = extrude(outline, 0.55 * thick, "abacus", "trim")
    return slab.scale(0.94, 0.94, 1).move(0, 0, low) | slab.move(0, 0, high - 0.55 * thick)


def _doric(r, h, lobes, level) -> Solid:
    rings = turned(r, -0.02).up(0.02).bead(0.1 * r).up(0.16 * r).bead(0.06 * r).bead(0.06 * r).up(0.02 * r)
    echinus = rings.curve((1.28 * r, 0.5 * h), (1.42 * r, 0.66 * h), (1.36 * r, 0.7 * h))
    return lathe(echinus.close(), "capital", "trim", sides=_sides(level)) | _abacus(3.0 * r, 0.68 * h, h)


def _ionic(r, h, lobes, level) -> Solid:
    echinus = lathe(
        turned(r, -0.02).up(0.02).bead(0.12 * r).up(0.1 * h).ovolo(0.3 * r, 0.3 * h).up(0.2 * h).close(),
        "capital",
        "trim",
        sides=_sides(level),
    )
    scroll = volute(0.62 * r, 2.0 * r, 2.5, "volute", "trim")
    scrolls = [scroll.move(1.15 * r, 0, 0.42 * h), scroll.mirror("x").move(-1.15 * r, 0, 0.42 * h)]
    band = moulded(rect_plan(2.3 * r, 2.0 * r), courses((0, 0.6 * h), (0.02, 0.86 * h)), "capital", "trim")
    eggs = (
        [around(turned_bead(0.13 * r, "eggs", "trim").scale(0.8, 0.8, 1.4).move(1.22 * r, 0, 0.3 * h), 2 * lobes)]
        if level >= 2
        else []
    )
    return union((echinus, *scrolls, band, _abacus(2.9 * r, 0.84 * h, h), *eggs))


def _leaves(r, h, level, rows) -> list[Solid]:
    """Returns rows of leaves around a bell, each row half a step on from the one below."""
    out = []
    for k in range(rows):
        leaf = foliage(0.5 * h * (1 + 0.45 * k), 0.95 * TAU * r / 8, 2.6, 5 if level >= 1 else 2, "leaves", "trim")
        out.append(around(leaf.move(r, 0, 0.01).turn("z", TAU / 16 * k), 8))
    return out


def _bell(r, h, wide, level) -> Solid:
    return lathe(
        turned(r, -0.02)
        .up(0.04)
        .curve((1.0 * r, 0.35 * h), (1.1 * r, 0.65 * h), (wide, 0.86 * h))
        .up(0.03 * h)
        .close(),
        "capital",
        "trim",
        sides=_sides(level),
    )


def _corinthian(r, h, lobes, level) -> Solid:
    scroll = volute(0.34 * r, 0.26 * r, 1.75, "volute", "trim").move(1.55 * r, 0, 0.74 * h)
    stem = foliage(0.5 * h, 0.3 * r, 1.3, 2, "volute", "trim").move(1.0 * r, 0, 0.36 * h)
    corners = around((scroll | stem).turn("z", TAU / 8), 4)
    flowers = (
        [around(turned_bead(0.16 * r, "flower", "trim").scale(0.8, 1, 1).move(1.24 * r, 0, 0.92 * h), 4)]
        if level >= 1
        else []
    )
    return union(
        (
            _ring(r, level),
            _bell(r, h, 1.42 * r, level),
            *_leaves(r, h, level, 2),
            corners,
            *flowers,
            _abacus(3.1 * r, 0.85 * h, h, 0.35 * r),
        )
    )


def _composite(r, h, lobes, level) -> Solid:
    scroll = volute(0.42 * r, 0.4 * r, 2.25, "volute", "trim").move(1.42 * r, 0, 0.72 * h).turn("z", TAU / 8)
    eggs = (
        [around(turned_bead(0.11 * r, "eggs", "trim").scale(0.8, 0.8, 1.4).move(1.36 * r, 0, 0.76 * h), 20)]
        if level >= 2
        else []
    )
    return union(
        (
            _ring(r, level),
            _bell(r, h, 1.4 * r, level),
            *_leaves(r, h, level, 2),
            around(scroll, 4),
            *eggs,
            _abacus(3.0 * r, 0.85 * h, h, 0.35 * r),
        )
    )


def _lotus(r, h, lobes, level) -> Solid:
    rings = turned(r, -0.02).up(0.03).bead(0.09 * r).bead(0.09 * r).bead(0.09 * r)
    body = lathe(
        rings.curve((1.1 * r, 0.45 * h), (1.7 * r, 0.8 * h)).up(0.04 * h).close(),
        "capital",
        "trim",
        sides=_sides(level),
    )
    petals = (
        [
            around(
                foliage(length * h, TAU * r / lobes * 1.05, 0.75, 1, "petals", "trim")
                .move(1.02 * r, 0, 0.12 * h)
                .turn("z", turn),
                lobes,
            )
            for length, turn in ((0.68, 0.0), (0.5, TAU / 2 / lobes))
        ]
        if level >= 1
        else []
    )
    return union(
        (body, *petals, moulded(rect_plan(1.9 * r, 1.9 * r), courses((0, 0.78 * h), (0, h)), "abacus", "trim"))
    )


def _cushion(r, h, lobes, level) -> Solid:
    """Returns a cube whose lower corners are rounded off: Romanesque."""
    block = moulded(rect_plan(2.5 * r, 2.5 * r), courses((0, 0.05 * h), (0, 0.78 * h)), "capital", "trim")
    bowl = ball(1.62 * r, "capital", "trim").scale(1, 1, 0.75 * h / (1.25 * r)).move(0, 0, 0.78 * h)
    roundels = (
        [
            around(
                lathe(
                    turned(0.5 * r).up(0.03).out(-0.08 * r).bead(0.03).out(-0.2 * r).to(0.0, 0.075).close(),
                    "roundels",
                    "trim",
                )
                .turn("y", TAU / 4)
                .move(1.25 * r - 0.025, 0, 0.5 * h),
                4,
            )
        ]
        if level >= 1
        else []
    )
    top = moulded(
        ngon_plan(4, 1.4 * r),
        courses((-0.12 * r, 0.76 * h), (0, 0.84 * h), (0.05 * r, 0.84 * h), (0.05 * r, h)),
        "abacus",
        "trim",
    )
    return union((_ring(r, level), block & bowl, *roundels, top))
