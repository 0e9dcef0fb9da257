"""Cabinets: drawers, doors and knobs in a moulded case."""

from dataclasses import dataclass, replace

import numpy as np

from detailverse.families.household.chairs import four, leg
from detailverse.families.household.turned import Finial
from detailverse.family import Family, Kit, one_of
from detailverse.modelling.profile import turned
from detailverse.modelling.region import polygon, rect, superellipse
from detailverse.modelling.shapes import box, cylinder, extrude, lathe, plate
from detailverse.modelling.solid import Solid, union
from detailverse.parts.architecture import cornice, moulded, rect_plan
from detailverse.parts.elements import upright
from zeroverse.core.portable import TAU
from zeroverse.core.record import choice, count, flag, seed, span
from zeroverse.core.rng import Rng


@dataclass(frozen=True)
class Cabinet(Family):
    """A chest of drawers, sideboard or wardrobe: a carcass in a frame, rows of panelled drawers and doors with knobs.

    Over it a moulded top, under it legs or a plinth.
    """

    SKINS = {"front": ("wood", "classical", "jewel"), "side": ("wood",)}
    FINISHES = {
        "frame": ("wood", "painted"),
        "front": ("wood", "painted", "ivory"),
        "top": ("marble", "wood", "stone"),
        "knob": ("bronze", "gold", "ceramic"),
    }

    knob: Family = one_of(finial=Finial)
    width: float = span(1.0, 1.9)
    height: float = span(1.0, 1.9)
    depth: float = span(0.55, 0.8)
    rows: int = count(2, 5)
    columns: int = count(1, 3)
    doors: bool = flag(0.5)
    panel: str = choice("raised", "sunk", "framed", "plain")
    crown: str = choice("plain", "cornice", "pediment", "gallery")
    legs: str = choice("plinth", "turned", "square", "cabriole", "bracket")
    pilasters: bool = flag(0.4)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        foot = 0.14 if self.legs in ("plinth", "bracket") else 0.32
        w, d, h = self.width, self.depth, self.height - foot - 0.1
        case = box(w, d, h, "carcass", "frame", kit.skin("side"), "+-x").move(0, 0, foot + h / 2)
        knob = replace(kit, triangles=kit.triangles // 8).nest("knob", self.knob, 0.045).turn("x", TAU / 4)
        fronts = [self._front(kit, knob, *cell) for cell in self._cells(foot + 0.04, foot + h - 0.03)]
        return union(
            (
                case,
                *fronts,
                *self._feet(foot),
                *self._top(foot + h),
                *(self._pilasters(foot, h) if self.pilasters else []),
            )
        )

    def words(self) -> str:
        doors = f" over {self.columns} door{'s' if self.columns > 1 else ''}" if self.doors else ""
        return (
            f"a cabinet with {self.rows * self.columns} drawers{doors} on "
            f"{'a plinth' if self.legs == 'plinth' else self.legs + ' feet'}"
        )

    def _cells(self, low: float, high: float):
        """Yields (x, z, width, height, whether a door) of every drawer and door."""
        inner = self.width - (0.2 if self.pilasters else 0.08)
        split = low + (0.5 * (high - low) if self.doors else 0.0)
        rng = Rng(self.seed, "rows")
        shares = 0.7 + 0.6 * np.sort(rng.unit(self.rows))[::-1]
        edges = split + (high - split) * np.concatenate([[0.0], np.cumsum(shares) / shares.sum()])
        wide = inner / self.columns
        for column in range(self.columns):
            x = wide * (column + 0.5) - inner / 2
            if self.doors:
                yield x, (low + split) / 2, wide - 0.03, split - low - 0.03, True
            for a, b in zip(edges, edges[1:]):
                yield x, float(a + b) / 2, wide - 0.03, float(b - a) - 0.03, False

    def _front(self, kit: Kit, knob: Solid, x: float, z: float, wide: float, tall: float, door: bool) -> Solid:
        outline, inset = rect(wide, tall, 0.008), min(0.06, 0.22 * tall)
        field = outline.offset(-inset, round=False)
        slab = extrude(outline, 0.05, "drawers", "frame")
        if self.panel == "plain" or field.is_empty:
            face = plate(outline, 0.055, "drawers", "front", kit.skin("front"), margin=0.02)
        elif self.panel == "raised":
            face = slab | plate(field, 0.07, "drawers", "front", kit.skin("front"), margin=0.012)
        elif self.panel == "sunk":
            face = (slab - extrude(field, 0.1, "drawers", "frame").move(0, 0, 0.028)) | plate(
                field.offset(0.01), 0.032, "drawers", "front", kit.skin("front"), margin=0.02
            )
        else:
            face = (
                slab
                | extrude(field.offset(0.012) - field.offset(-0.012), 0.066, "drawers", "frame")
                | plate(field, 0.056, "drawers", "front", kit.skin("front"), margin=0.02)
            )
        pulls = (
            [(0.36 * wide, 0.0)]
            if door and x <= 0
            else [(-0.36 * wide, 0.0)]
            if door
            else [(0.25 * wide, 0.0), (-0.25 * wide, 0.0)]
            if wide > 0.5
            else [(0.0, 0.0)]
        )
        front = {"plain": -0.035, "raised": -0.05, "sunk": -0.012, "framed": -0.036}[
            self.panel if not field.is_empty else "plain"
        ]
        rose = cylinder(0.028, 0.05, "knobs", "knob").turn("x", TAU / 4).move(0, front + 0.04, 0)
        grips = [(knob.move(0, front - 0.004, 0) | rose).move(px, 0, pz) for px, pz in pulls]
        part = upright(face).move(0, 0.02, 0) | union(grips)
        return part.move(x, -self.depth / 2, z)

    def _feet(self, foot: float) -> list[Solid]:
        w, d = self.width, self.depth
        if self.legs == "plinth":
            return [
                moulded(
                    rect_plan(w - 0.02, d - 0.02),
                    turned(0.04).up(0.08).ogee(-0.04, 0.05, upright=True).up(0.03),
                    "plinth",
                    "frame",
                )
            ]
        if self.legs == "bracket":
            cut = superellipse(0.5 * w - 0.14, foot - 0.03, 2.5)
            base = extrude(rect(w + 0.04, d + 0.04), foot + 0.02, "feet", "frame")
            across = upright(extrude(cut, 3.0, "feet", "frame")).move(0, 1.5, 0)
            side = (
                upright(extrude(superellipse(0.5 * d - 0.14, foot - 0.03, 2.5), 4.0, "feet", "frame"))
                .move(0, 2.0, 0)
                .turn("z", TAU / 4)
            )
            return [base - (across | side)]
        one = leg(self.legs, foot + 0.03, 0.05, 0.06, Rng(self.seed, "legs"), "feet")
        return four(one, w / 2 - 0.07, d / 2 - 0.07, "feet")

    def _top(self, z: float) -> list[Solid]:
        w, d = self.width, self.depth
        board = moulded(
            rect_plan(w, d), turned(0.02, z - 0.01).up(0.01).ovolo(0.03, 0.03).up(0.03).ovolo(-0.02, 0.02), "top", "top"
        )
        if self.crown == "plain":
            return [board]
        if self.crown == "cornice":
            return [moulded(rect_plan(w, d), cornice(0.14, 0.1), "cornice", "frame").move(0, 0, z - 0.02)]
        if self.crown == "gallery":
            post = lathe(
                turned(0.02).up(0.02).bead(0.03).curve((0.022, 0.1), (0.012, 0.13)).close(), "gallery", "knob", sides=16
            )
            rail = box(w, 0.025, 0.025, "gallery", "knob").move(0, d / 2 - 0.03, z + 0.2)
            number = round(w / 0.1)
            return [
                board,
                rail,
                *(post.move((k + 0.5) * w / number - w / 2, d / 2 - 0.03, z + 0.06) for k in range(number)),
            ]
        gable = polygon(
            [
                (-w / 2 - 0.06, 0),
                (w / 2 + 0.06, 0),
                (w / 2 + 0.06, 0.04),
                (0.08, 0.26),
                (0.08, 0.2),
                (-0.08, 0.2),
                (-0.08, 0.26),
                (-w / 2 - 0.06, 0.04),
            ]
        )
        field = polygon([(-w / 2 + 0.06, 0.03), (w / 2 - 0.06, 0.03), (0.1, 0.17), (-0.1, 0.17)])
        front = upright(
            extrude(gable, 0.12, "pediment", "frame") - extrude(field, 0.1, "pediment", "frame").move(0, 0, 0.09)
        ).move(0, 0.1 - d / 2, z + 0.04)
        urn = lathe(
            turned(0.05, z + 0.2)
            .up(0.05)
            .cove(-0.03, 0.04)
            .curve((0.07, z + 0.38), (0.03, z + 0.43))
            .bead(0.03)
            .curve((0.02, z + 0.5), (0.0, z + 0.52))
            .close(),
            "finial",
            "knob",
            sides=32,
        )
        return [board, front, urn.move(0, 0.04 - d / 2, 0)]

    def _pilasters(self, foot: float, h: float) -> list[Solid]:
        """Returns half columns on the front corners."""
        line = (
            turned(0.055, foot)
            .up(0.04)
            .out(-0.012)
            .bead(0.03)
            .out(-0.01)
            .curve((0.036, foot + 0.5 * h), (0.03, foot + h - 0.1))
            .bead(0.02)
            .ovolo(0.018, 0.03)
            .out(0.006)
            .to(0.054, foot + h + 0.005)
            .close()
        )
        one = lathe(line, "pilasters", "front", sides=32).move(self.width / 2 - 0.055, -self.depth / 2, 0)
        return [one, one.mirror("x")]
