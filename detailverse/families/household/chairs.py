"""Furniture: chairs, tables and cabinets."""

from dataclasses import dataclass

import numpy as np

from detailverse.families.household.turned import stem
from detailverse.family import Family, Kit
from detailverse.modelling.path import polyline, spline
from detailverse.modelling.profile import turned
from detailverse.modelling.region import circle, ellipse, polygon, rect, superellipse
from detailverse.modelling.region import union as joined
from detailverse.modelling.shapes import ball, box, extrude, lathe, plate, slab, tube
from detailverse.modelling.solid import Solid, row, union
from detailverse.parts.architecture import courses, moulded, rect_plan, volute
from detailverse.parts.elements import turned_bead, upright
from zeroverse.core.portable import TAU
from zeroverse.core.record import choice, count, flag, seed, span
from zeroverse.core.rng import Rng

LEGS = ("turned", "square", "cabriole", "sabre", "spindle")


def leg(kind: str, height: float, thick: float, splay: float, rng: Rng, label: str = "leg") -> Solid:
    """Returns a leg from the floor at z = 0 up to `height`, its top at the origin's axis, that splays towards (+x,
    -y).
    """
    block = box(2 * thick, 2 * thick, 0.16 * height, label, "frame").move(0, 0, 0.92 * height)
    if kind == "turned":
        line = stem(
            turned(0.55 * thick).up(0.03).torus(0.05, 0.4 * thick).out(-0.1 * thick),
            0.8 * height - 0.08,
            0.62 * thick,
            4,
            rng,
        )
        return block | lathe(line.to(0.9 * thick, 0.86 * height).close(), label, "frame", sides=36)
    if kind == "spindle":
        line = (
            turned(0.6 * thick)
            .curve((1.0 * thick, 0.45 * height), (0.7 * thick, 0.8 * height))
            .bead(0.03)
            .to(0.7 * thick, height)
            .close()
        )
        return block | lathe(line, label, "frame", sides=32)
    if kind == "square":
        taper = moulded(
            rect_plan(1.2 * thick, 1.2 * thick),
            courses((0, 0), (0.02, 0.0), (0.02, 0.08), (0, 0.1), (0.4 * thick, height)),
            label,
            "frame",
        )
        return taper
    reach = splay + 0.05
    if kind == "sabre":
        line = spline([(0, 0, height), (0.01, -0.01, 0.6 * height), (1.2 * reach, -1.2 * reach, 0.0)])
        return block | tube(
            line,
            lambda at: thick * (1.05 - 0.45 * at),
            label,
            "frame",
            sides=16,
            section=rect(1.9, 1.9, 0.3),
            ends="flat",
        ) - box(9, 9, 1, label, "frame").move(0, 0, -0.5)
    line = spline(
        [
            (0, 0, height),
            (0.9 * reach, -0.9 * reach, 0.78 * height),
            (0.2 * reach, -0.2 * reach, 0.3 * height),
            (0.7 * reach, -0.7 * reach, 0.05),
        ]
    )
    knee = tube(
        line,
        lambda at: thick * float(np.interp(at, (0, 0.25, 0.8, 1.0), (1.0, 1.25, 0.5, 0.7))),
        label,
        "frame",
        sides=16,
    )
    return union(
        (
            block,
            knee,
            turned_bead(1.1 * thick, label, "frame").scale(1, 1, 0.75).move(0.8 * reach, -0.8 * reach, 0.8 * thick),
        )
    )


def four(one: Solid, x: float, y: float, label: str = "leg") -> list[Solid]:
    """Returns one leg at each corner; the first stands at (+x, -y)."""
    right, left = one.move(x, -y, 0), one.mirror("x").move(-x, -y, 0)
    return [
        corner.named(f"{label}#{k}") for k, corner in enumerate((right, left, right.mirror("y"), left.mirror("y")), 1)
    ]


@dataclass(frozen=True)
class Chair(Family):
    """A chair: turned, square, cabriole or sabre legs, stretchers, a planked, caned or upholstered seat, arms.

    Its back is of splats, slats, spindles or a panel.
    """

    SKINS = {"seat": ("textile", "wood"), "back": ("wood", "textile", "classical")}
    FINISHES = {
        "frame": ("wood", "painted", "gold", "steel"),
        "seat": ("leather", "cloth", "wood", "straw"),
        "back": ("wood", "leather", "cloth", "straw"),
        "nail": ("gold", "steel"),
    }

    legs: str = choice(*LEGS)
    back: str = choice("slats", "spindles", "splat", "panel", "ladder", "lattice")
    crest: str = choice("straight", "arched", "eared", "scrolled")
    seat: str = choice("cushion", "planks", "saddle", "round")
    width: float = span(0.75, 1.0)
    seat_height: float = span(0.75, 0.95)
    back_height: float = span(0.85, 1.15)
    lean: float = span(0.08, 0.28)
    bars: int = count(3, 8)
    stretchers: str = choice("none", "box", "cross", "h")
    arms: bool = flag(0.4)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        w, h, rng = self.width, self.seat_height, Rng(self.seed, "legs")
        x, y = w / 2 - 0.08, w / 2 - 0.08
        legs = four(leg(self.legs, h, 0.055, 0.08, rng), x, y)
        apron = extrude(
            rect(2 * x + 0.08, 2 * y + 0.08) - rect(2 * x - 0.03, 2 * y - 0.03), 0.11, "apron", "frame"
        ).move(0, 0, h - 0.115)
        return union(
            (
                *legs,
                apron,
                *self._seat(kit),
                *self._back(kit),
                *self._stretchers(x, y),
                *(self._arms(x, y) if self.arms else []),
            )
        )

    def words(self) -> str:
        return f"a{'n arm' if self.arms else ' '}chair with {self.legs} legs, a {self.seat} seat and a {self.back} back"

    def _seat(self, kit: Kit) -> list[Solid]:
        w, h, skin = self.width, self.seat_height, kit.skin("seat")
        if self.seat == "planks":
            board = box(w / 5 - 0.008, w + 0.04, 0.05, "seat", "seat", skin, "+z")
            return [
                row(board, 5, (w / 5, 0, 0)).move(-0.4 * w, 0, h + 0.02),
                box(w - 0.04, w - 0.06, 0.03, "seat", "frame").move(0, 0, h),
            ]
        if self.seat == "round":
            return [
                lathe(
                    turned(0.53 * w, h - 0.02)
                    .up(0.03)
                    .torus(0.05, 0.02)
                    .out(-0.03)
                    .curve((0.3 * w, h + 0.085), (0.0, h + 0.09))
                    .close(),
                    "seat",
                    "seat",
                    skin,
                )
            ]
        outline = superellipse(w / 2 + 0.02, w / 2 + 0.02, 6.0)
        rail = extrude(outline, 0.05, "seat", "frame").move(0, 0, h - 0.02)
        if self.seat == "saddle":
            return [
                rail,
                plate(outline, 0.06, "seat", "seat", skin).move(0, 0, h + 0.01)
                - ball(1.0, "seat", "seat").scale(1, 0.7, 1).move(0, -0.05, h + 1.055),
            ]
        s = np.linspace(-1.0, 1.0, 96 if skin else 32)
        swell = (1 - s * s * s * s) * (1 - s * s * s * s)[:, None]
        dome = slab(0.05 + 0.1 * np.sqrt(swell), w, w, "seat", "seat", skin) & extrude(
            superellipse(w / 2 - 0.01, w / 2 - 0.01, 6.0), 1.0, "seat", "seat"
        )
        nails = []
        if kit.level >= 2:
            edge = polyline(outline.contours()[0], closed=True).resample(n=56).points
            nails = [union(turned_bead(0.013, "nails", "nail").move(px, py, h + 0.012) for px, py, _ in edge)]
        return [rail, dome.move(0, 0, h - 0.02), *nails]

    def _tilt(self, solid: Solid) -> Solid:
        """Returns what stands on z = 0, leant back on the back edge of the seat."""
        return solid.turn("x", -self.lean).move(0, self.width / 2 - 0.05, self.seat_height)

    def _back(self, kit: Kit) -> list[Solid]:
        w, h = self.width, self.back_height
        post = tube(polyline([(0, 0, -0.12), (0, 0, h)]), lambda at: 0.042 - 0.01 * at, "posts", "frame", sides=20)
        knob = turned_bead(0.055, "posts", "frame").move(0, 0, h + 0.03)
        reach = w / 2 - 0.06
        parts = [
            post.move(side * reach, 0, 0)
            | (knob.move(side * reach, 0, 0) if self.crest == "straight" else post.move(side * reach, 0, 0))
            for side in (-1, 1)
        ]
        rail = box(2 * reach, 0.045, 0.06, "rails", "frame")
        fill = {
            "slats": self._slats,
            "spindles": self._spindles,
            "splat": self._splat,
            "panel": self._panel,
            "ladder": self._ladder,
            "lattice": self._lattice,
        }[self.back]
        inside = fill(kit, 2 * reach, 0.16, h - 0.1)
        return [self._tilt(union((*parts, rail.move(0, 0, 0.15), self._crest(reach, h), *inside)))]

    def _crest(self, reach: float, h: float) -> Solid:
        outline = rect(2 * reach + 0.06, 0.13, 0.03)
        if self.crest == "arched":
            outline = rect(2 * reach + 0.08, 0.12, 0.03) | (ellipse(reach + 0.02, 0.2) & rect(9, 1).move(0, 0.5))
        if self.crest == "eared":
            outline = (
                outline
                | ellipse(0.09, 0.11).move(reach + 0.05, 0.03)
                | ellipse(0.09, 0.11).move(-reach - 0.05, 0.03)
                | ellipse(0.16, 0.12).move(0, 0.03)
            )
        board = upright(extrude(outline, 0.06, "crest", "frame")).move(0, 0.03, h - 0.05)
        if self.crest == "scrolled":
            scroll = volute(0.1, 0.1, 1.75, "crest", "frame").move(reach + 0.04, 0, h)
            return union((board, scroll, scroll.mirror("x"), turned_bead(0.07, "crest", "frame").move(0, 0, h + 0.02)))
        return board

    def _slats(self, kit, wide, low, high) -> list[Solid]:
        slat = box(0.5 * wide / self.bars, 0.026, high - low + 0.1, "slats", "back").move(0, 0, (low + high) / 2)
        return [slat.move(wide * ((k + 1) / (self.bars + 1) - 0.5), 0, 0) for k in range(self.bars)]

    def _spindles(self, kit, wide, low, high) -> list[Solid]:
        h = high - low
        line = (
            turned(0.016, low - 0.03)
            .up(0.06)
            .curve((0.03, low + 0.35 * h), (0.016, low + 0.6 * h))
            .bead(0.025)
            .bead(0.025)
            .curve((0.024, low + 0.8 * h), (0.015, high + 0.03))
            .close()
        )
        one = lathe(line, "spindles", "back", sides=18)
        return [one.move(wide * ((k + 1) / (self.bars + 1) - 0.5), 0, 0) for k in range(self.bars)]

    def _splat(self, kit, wide, low, high) -> list[Solid]:
        """Returns a vase-shaped board, pierced."""
        h = high - low + 0.08
        half = spline(
            [(0.16 * wide, 0), (0.12 * wide, 0.2 * h), (0.26 * wide, 0.55 * h), (0.14 * wide, 0.8 * h), (0.3 * wide, h)]
        ).points[:, :2]
        board = polygon(np.concatenate([half, (half * (-1, 1))[::-1]]))
        hole = (
            ellipse(0.06 * wide, 0.14 * h).move(0, 0.55 * h)
            | circle(0.03 * wide).move(0, 0.3 * h)
            | circle(0.03 * wide).move(0, 0.8 * h)
        )
        if kit.level >= 1 and self.bars > 4:
            board = board - hole
        return [upright(plate(board, 0.035, "splat", "back", kit.skin("back"))).move(0, 0.017, low - 0.04)]

    def _panel(self, kit, wide, low, high) -> list[Solid]:
        board = rect(wide - 0.02, high - low).move(0, (low + high) / 2)
        pad = plate(
            rect(wide - 0.14, high - low - 0.12, 0.04).move(0, (low + high) / 2), 0.05, "back", "back", kit.skin("back")
        )
        return [upright(extrude(board, 0.03, "back", "frame")).move(0, 0.015, 0), upright(pad).move(0, 0.012, 0)]

    def _ladder(self, kit, wide, low, high) -> list[Solid]:
        number = max(2, self.bars // 2)
        tall = 0.4 * (high - low) / number
        rung = rect(wide + 0.02, tall, 0.01) | (ellipse(0.45 * wide, tall) & rect(wide, 0.3).move(0, 0.15))
        one = upright(extrude(rung, 0.03, "rungs", "back"))
        return [one.move(0, 0.015, low + (high - low) * (k + 0.5) / number) for k in range(number)]

    def _lattice(self, kit, wide, low, high) -> list[Solid]:
        field = rect(wide, high - low).move(0, (low + high) / 2)
        bars = (
            joined(
                rect(2.5, 0.03).turn(angle).move(0, low + (high - low) * k / (self.bars + 1))
                for angle in (0.8, -0.8)
                for k in range(-self.bars, 2 * self.bars + 2)
            )
            & field
        )
        return [upright(extrude(bars, 0.026, "lattice", "back")).move(0, 0.013, 0)]

    def _stretchers(self, x: float, y: float) -> list[Solid]:
        z, inset = 0.24 * self.seat_height, 0.0
        if self.stretchers == "none" or self.legs in ("cabriole", "sabre"):
            return []
        side = tube(
            polyline([(x, -y - inset, z), (x, y + inset, z)]),
            lambda at: 0.02 + 0.05 * at * (1 - at),
            "stretchers",
            "frame",
            sides=14,
        )
        front = side.turn("z", -TAU / 4)
        if self.stretchers == "box":
            return [side, side.mirror("x"), front.move(0, 0, 0.1), front.mirror("y").move(0, 0, 0.1)]
        if self.stretchers == "h":
            return [
                side,
                side.mirror("x"),
                tube(polyline([(-x, 0, z), (x, 0, z)]), 0.028, "stretchers", "frame", sides=14),
            ]
        ends = (x, y, z)
        cross = tube(polyline([(-ends[0], -ends[1], z), (ends[0], ends[1], z)]), 0.026, "stretchers", "frame", sides=14)
        return [cross, cross.mirror("x"), turned_bead(0.07, "stretchers", "frame").move(0, 0, z)]

    def _arms(self, x: float, y: float) -> list[Solid]:
        h, up = self.seat_height, 0.32
        end = self.width / 2 - 0.05 + up * self.lean
        arm = tube(
            spline(
                [
                    (x + 0.03, end, h + up),
                    (x + 0.07, 0.1, h + up + 0.03),
                    (x + 0.06, -y + 0.02, h + up),
                    (x + 0.04, -y - 0.05, h + up - 0.06),
                ]
            ),
            0.042,
            "arms",
            "frame",
            sides=16,
        )
        line = turned(0.03, h - 0.08).up(0.1).bead(0.04).curve((0.045, h + 0.18), (0.025, h + up)).close()
        rest = lathe(line, "arms", "frame", sides=24).move(x + 0.03, -y + 0.05, 0)
        one = arm | rest
        return [one, one.mirror("x")]
