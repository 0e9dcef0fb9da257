"""Temples, rotundas and garden pavilions: columns of the `column` family under a roof."""

from dataclasses import dataclass

import numpy as np

from detailverse.families.architecture.columns import Column
from detailverse.families.household.turned import Finial, Goblet
from detailverse.families.household.vases import Vase
from detailverse.family import Family, Kit, one_of
from detailverse.modelling.path import arc
from detailverse.modelling.path import circle as loop
from detailverse.modelling.profile import turned
from detailverse.modelling.region import polygon, rect
from detailverse.modelling.shapes import ball, box, cylinder, extrude, hull, lathe, plate, tube
from detailverse.modelling.solid import Solid, around, union
from detailverse.parts.architecture import arched, cornice, courses, eaves, foliage, hips, moulded, rect_plan
from detailverse.parts.elements import upright
from zeroverse.core.portable import TAU
from zeroverse.core.record import choice, count, flag, span


@dataclass(frozen=True)
class Temple(Family):
    """A rectangular temple: steps, columns around or in front of a walled cella, an entablature, pediments and a tiled
    roof.
    """

    SKINS = {"wall": ("stone",), "frieze": ("classical", "jewel")}
    FINISHES = {
        "wall": ("stone", "marble", "brick"),
        "steps": ("stone", "marble"),
        "trim": ("marble", "stone"),
        "roof": ("clay", "copper", "stone"),
        "door": ("bronze", "wood"),
        "gold": ("gold", "bronze"),
    }

    column: Family = one_of(column=Column)
    front: int = count(4, 6)
    depth: float = span(1.0, 1.9)
    height: float = span(0.55, 0.8)
    surround: bool = flag(0.6)
    pitch: float = span(0.18, 0.4)
    stairs: int = count(3, 6)
    porch: bool = flag(0.4)
    relief: str = choice("none", "disc", "leaves", "shields")
    acroteria: bool = flag(0.6)

    width = 1.5

    def build(self, kit: Kit) -> Solid:
        base = 0.045 * self.stairs
        high = base + self.height
        parts = [
            *self._steps(),
            *self._columns(kit, base),
            self._cella(kit).move(0, 0, base - 0.01),
            *self._entablature(kit, high),
            *self._roof(kit.level, high + 0.16),
        ]
        return union(parts)

    def words(self) -> str:
        return (
            f"a temple with {self.front} {self.column.order} columns in front"
            f"{' and columns all around' if self.surround else ''}"
        )

    def _steps(self) -> list[Solid]:
        """Returns steps all around; the front ones run on between two blocks where it is a porch."""
        out = []
        for k in range(self.stairs):
            plan = rect_plan(self.width + 0.08 * (self.stairs - k), self.depth + 0.08 * (self.stairs - k))
            out.append(
                moulded(
                    plan,
                    courses((0, 0.045 * k - 0.01), (0, 0.045 * k + 0.035), (-0.006, 0.045 * (k + 1))),
                    "steps",
                    "steps",
                )
            )
        if self.porch:
            top = 0.045 * self.stairs
            cheek = box(0.12, 0.3, top + 0.03, "steps", "steps").move(0, -self.depth / 2 - 0.12, 0.5 * top)
            out += [cheek.move(x, 0, 0) for x in (-self.width / 2 + 0.02, self.width / 2 - 0.02)]
        return out

    def _columns(self, kit: Kit, base: float) -> list[Solid]:
        size = (self.height + 0.02) / 2
        wide, deep = self.width - 0.16, self.depth - 0.16
        along = max(3, round(self.front * deep / wide) + 1)
        spots = {
            (wide * (k / (self.front - 1) - 0.5), sign * deep / 2)
            for k in range(self.front)
            for sign in ((-1, 1) if self.surround else (-1,))
        }
        if self.surround:
            spots |= {(sign * wide / 2, deep * (k / (along - 1) - 0.5)) for k in range(along) for sign in (-1, 1)}
        one = kit.nest("column", self.column, size, copies=len(spots))
        return [one.move(x, y, base - 0.01) for x, y in sorted(spots)]

    def _cella(self, kit: Kit) -> Solid:
        gap = 0.34 if self.surround else 0.04
        wide, deep = self.width - 0.16 - gap, self.depth - 0.16 - (2 * 0.17 if self.surround else 0.22)
        y = 0.0 if self.surround else 0.13
        walls = box(wide, deep, self.height + 0.04, "wall", "wall", kit.skin("wall"), "+-x +-y").move(
            0, y, self.height / 2 + 0.01
        )
        opening = arched(0.26, 0.7 * self.height, "flat")
        front = y - deep / 2
        frame = upright(extrude(opening.offset(0.035, round=False) - opening, 0.1, "doorway", "trim")).move(
            0, front + 0.07, 0
        )
        hood = moulded(rect_plan(0.36, 0.06), cornice(0.04, 0.03), "doorway", "trim").move(
            0, front, 0.7 * self.height + 0.02
        )
        panels = union(
            box(0.09, 0.02, 0.17 * self.height, "door", "door").move(x, -0.01, self.height * z)
            for x in (-0.06, 0.06)
            for z in (0.14, 0.35, 0.56)
        )
        door = upright(extrude(opening.offset(0.01), 0.05, "door", "door")).move(0, front + 0.06, 0) | panels.move(
            0, front + 0.015, 0
        )
        hole = upright(extrude(opening, 0.3, "wall", "wall")).move(0, front + 0.05, 0)
        return union((walls - hole, frame, hood, door))

    def _entablature(self, kit: Kit, z: float) -> list[Solid]:
        """Returns architrave, frieze and cornice from height z, 0.17 high."""
        plan = rect_plan(self.width, self.depth)
        line = courses(
            (-0.03, z - 0.01),
            (-0.03, z + 0.02),
            (-0.02, z + 0.02),
            (-0.02, z + 0.05),
            (-0.005, z + 0.05),
            (-0.005, z + 0.06),
            (-0.025, z + 0.06),
            (-0.025, z + 0.15),
        )
        parts = [
            moulded(plan, line, "architrave", "trim"),
            moulded(plan, cornice(0.05, 0.07), "cornice", "trim").move(0, 0, z + 0.12),
        ]
        if kit.level >= 2:
            tooth = box(0.022, 0.03, 0.02, "dentils", "trim")
            number, side = round(self.width / 0.045), round(self.depth / 0.045)
            front = union(
                tooth.move((k + 0.5) * self.width / number - self.width / 2, -self.depth / 2, z + 0.115)
                for k in range(number)
            )
            flank = union(
                tooth.turn("z", TAU / 4).move(self.width / 2, (k + 0.5) * self.depth / side - self.depth / 2, z + 0.115)
                for k in range(side)
            )
            parts += [front, front.turn("z", TAU / 2), flank, flank.turn("z", TAU / 2)]
        band = plate(rect(self.width - 0.06, 0.05), 0.02, "frieze", "trim", kit.skin("frieze"))
        return parts + [upright(band).move(0, -self.depth / 2 + 0.035, z + 0.084)]

    def _roof(self, level: int, z: float) -> list[Solid]:
        """Returns a gable roof with ribs of tiles from height z, and pediments in front and behind."""
        half, rise, deep = self.width / 2 + 0.08, self.pitch * (self.width / 2 + 0.08), self.depth + 0.1
        gable = polygon([(-half, 0), (half, 0), (0, rise)])
        body = upright(extrude(gable.offset(-0.012, round=False), self.depth - 0.12, "pediment", "trim")).move(
            0, self.depth / 2 - 0.06, z
        )
        slope = polygon(
            [
                (-half - 0.02, -0.015),
                (0, rise - 0.01),
                (half + 0.02, -0.015),
                (half + 0.02, 0.02),
                (0, rise + 0.035),
                (-half - 0.02, 0.02),
            ]
        )
        parts = [
            body,
            upright(extrude(slope, deep + 0.04, "roof", "roof")).move(0, deep / 2 + 0.02, z),
            box(2 * half, deep, 0.03, "cornice", "trim").move(0, 0, z + 0.0),
        ]
        if level >= 1:
            length = float(np.sqrt(half * half + rise * rise))
            rib = hull(
                np.array(
                    [
                        (x, y, h)
                        for x in (0.0, length + 0.03)
                        for y, h in ((-0.016, -0.02), (0.016, -0.02), (0.01, 0.018), (-0.01, 0.018))
                    ]
                ),
                "tiles",
                "roof",
            )
            tilted = rib.transform(
                np.array([[half / length, 0, rise / length], [0, 1, 0], [-rise / length, 0, half / length]])
            ).move(0, 0, z + rise + 0.022)
            number = round(deep / 0.075)
            side = union(tilted.move(0, (k + 0.5) * deep / number - deep / 2, 0) for k in range(number))
            parts += [side, side.mirror("x"), box(0.05, deep + 0.05, 0.05, "ridge", "roof").move(0, 0, z + rise + 0.03)]
        return parts + self._pediment(z, rise) + (self._acroteria(z, half, rise) if self.acroteria else [])

    def _pediment(self, z: float, rise: float) -> list[Solid]:
        y = 0.07 - self.depth / 2
        if self.relief == "disc":
            ring = lathe(
                turned(0.34 * rise).up(0.06).out(-0.08 * rise).bead(0.03).out(-0.05 * rise).to(0.0, 0.07).close(),
                "tympanum",
                "gold",
                sides=40,
            )
            return [upright(ring).move(0, y, z + 0.4 * rise)]
        if self.relief == "shields":
            shield = upright(
                lathe(
                    turned(0.05).up(0.04).out(-0.01).ovolo(-0.02, 0.02).to(0.0, 0.06).close(),
                    "tympanum",
                    "gold",
                    sides=24,
                )
            )
            return [
                shield.scale(size * rise / 0.2, 1, size * rise / 0.2).move(x * self.width, y, z + h * rise)
                for x, h, size in ((-0.25, 0.25, 0.6), (0, 0.42, 1.2), (0.25, 0.25, 0.6))
            ]
        if self.relief == "leaves":
            leaf = foliage(0.75 * rise, 0.2 * rise, 0.9, 4, "tympanum", "trim").turn("z", -TAU / 4)
            return [leaf.turn("y", angle).move(0, y - 0.002, z + 0.05) for angle in (-1.15, -0.6, 0.0, 0.6, 1.15)]
        return []

    def _acroteria(self, z: float, half: float, rise: float) -> list[Solid]:
        """Returns palmettes on the corners and the ridge."""
        palm = union(
            foliage(0.14, 0.05, 0.5, 1, "acroteria", "gold").turn("z", -TAU / 4).turn("y", angle)
            for angle in (-0.9, -0.45, 0.0, 0.45, 0.9)
        )
        block = palm | box(0.08, 0.06, 0.06, "acroteria", "gold")
        spots = ((0.0, rise + 0.05), (half - 0.02, 0.04), (0.02 - half, 0.04))
        return [block.move(x, sign * (self.depth / 2 + 0.01), z + up) for x, up in spots for sign in (-1, 1)]


@dataclass(frozen=True)
class Pavilion(Family):
    """A round or many-sided open pavilion: stepped floor, a ring of columns, entablature, and a dome, tent or tiled
    roof; a statue's urn inside.
    """

    SKINS = {"roof": ("roof", "classical"), "floor": ("stone",)}
    FINISHES = {
        "floor": ("stone", "marble"),
        "trim": ("marble", "stone", "painted"),
        "roof": ("copper", "clay", "gold", "painted"),
        "metal": ("gold", "iron", "bronze"),
    }

    column: Family = one_of(column=Column)
    centre: Family = one_of(vase=Vase, finial=Finial, goblet=Goblet)
    posts: int = count(5, 10)
    width: float = span(1.1, 1.6)
    height: float = span(0.7, 1.0)
    roof: str = choice("dome", "tent", "pagoda", "open", "bell")
    railing: str = choice("none", "bars", "balusters")
    stairs: int = count(2, 5)

    def build(self, kit: Kit) -> Solid:
        base, r = 0.05 * self.stairs, self.width / 2
        ring = r - 0.1
        one = kit.nest("column", self.column, self.height / 2 + 0.01, copies=self.posts)
        columns = around(one.move(ring, 0, base - 0.01).turn("z", TAU / 4 + TAU / 2 / self.posts), self.posts)
        stand = lathe(
            turned(0.17, base - 0.02).up(0.05).cove(-0.05, 0.04).up(0.1).cove(0.04, 0.04).up(0.03).close(),
            "stand",
            "floor",
            sides=40,
        )
        statue = kit.nest("centre", self.centre, 0.24).move(0, 0, base + 0.235)
        parts = [*self._floor(kit, base, r), columns, stand, statue, *self._top(kit, base + self.height, ring + 0.08)]
        if self.railing != "none":
            parts.append(self._railing(base, ring))
        return union(parts)

    def words(self) -> str:
        roof = {
            "dome": "a dome",
            "tent": "a pointed roof",
            "pagoda": "an upturned tiled roof",
            "open": "an open ribbed dome",
            "bell": "a bell-shaped roof",
        }[self.roof]
        return f"a pavilion of {self.posts} columns with {roof} over {self.centre.words()}"

    def _floor(self, kit: Kit, base: float, r: float) -> list[Solid]:
        steps = [
            cylinder(r + 0.07 * (self.stairs - 1 - k), 0.055, "steps", "floor").move(0, 0, 0.05 * k - 0.005)
            for k in range(self.stairs - 1)
        ]
        return [*steps, cylinder(r, 0.055, "floor", "floor", kit.skin("floor")).move(0, 0, base - 0.055)]

    def _top(self, kit: Kit, z: float, r: float) -> list[Solid]:
        line = (
            turned(r - 0.14, z - 0.005)
            .to(r - 0.02, z)
            .up(0.04)
            .out(0.015)
            .up(0.05)
            .out(0.01)
            .ovolo(0.03, 0.03)
            .out(0.02)
            .up(0.03)
            .to(r - 0.14, z + 0.16)
            .back()
        )
        frieze = lathe(line, "entablature", "trim", sides=96)
        lip = z + 0.15
        if self.roof == "pagoda":
            n = min(8, max(4, self.posts))
            cap = around(ball(0.05, "finial", "metal").move(0, 0, lip + 0.42), 1)
            return [
                frieze,
                eaves(n, r + 0.14, 0.03, 0.4, 0.1, 6, "roof", "roof").move(0, 0, lip),
                hips(n, r + 0.14, 0.03, 0.4, 0.1, 0.025, "ridges", "roof").move(0, 0, lip),
                cap,
            ]
        if self.roof == "open":
            return [frieze, *self._ribs(lip, r)]
        start = turned(r + 0.0, lip - 0.02).up(0.03)
        curve = {
            "dome": ((0.94 * r, lip + 0.4 * r), (0.62 * r, lip + 0.78 * r), (0.06, lip + 0.95 * r)),
            "tent": ((0.5 * r, lip + 0.42 * r), (0.05, lip + 1.0 * r)),
            "bell": ((0.62 * r, lip + 0.25 * r), (0.5 * r, lip + 0.6 * r), (0.05, lip + 1.0 * r)),
        }[self.roof]
        shell = lathe(start.curve(*curve).close(), "roof", "roof", kit.skin("roof"))
        top = float(curve[-1][1])
        return [
            frieze,
            shell,
            lathe(
                turned(0.07, top - 0.03)
                .up(0.02)
                .bead(0.04)
                .up(0.02)
                .curve((0.06, top + 0.1), (0.0, top + 0.22))
                .close(),
                "finial",
                "metal",
                sides=32,
            ),
        ]

    def _ribs(self, z: float, r: float) -> list[Solid]:
        """Returns an iron dome of hoops and ribs."""
        rib = (
            tube(arc(r - 0.03, 0.0, TAU / 4 - 0.03), 0.018, "ribs", "metal", sides=10)
            .turn("x", TAU / 4)
            .move(0, 0, z - 0.01)
        )
        c = (0.94, 0.75, 0.45)
        s = (0.342, 0.661, 0.893)
        hoops = [
            tube(loop(x * (r - 0.03)), 0.013, "ribs", "metal", sides=8).move(0, 0, z - 0.01 + y * (r - 0.03))
            for x, y in zip(c, s)
        ]
        return [around(rib, 2 * self.posts), *hoops, ball(0.06, "finial", "metal").move(0, 0, z + r - 0.03)]

    def _railing(self, base: float, ring: float) -> Solid:
        """Returns a railing between the columns, save in front."""
        gap = TAU / self.posts
        rail = tube(arc(ring, 0.0, gap), 0.016, "railing", "trim", sides=10, ends="flat")
        post = (
            cylinder(0.011, 0.2, "railing", "trim")
            if self.railing == "bars"
            else lathe(
                turned(0.014).up(0.02).curve((0.03, 0.06), (0.013, 0.13)).up(0.02).bead(0.02).up(0.03).close(),
                "railing",
                "trim",
                sides=16,
            )
        )
        posts = union(post.move(ring, 0, -0.005).turn("z", gap * k / 7) for k in range(1, 7))
        bay = (
            union((rail.move(0, 0, 0.19), rail.move(0, 0, 0.02), posts))
            .turn("z", TAU / 4 * 3 + gap / 2)
            .move(0, 0, base)
        )
        return union(bay.turn("z", gap * k) for k in range(self.posts - 1))
