"""Towers: a keep with battlements or a roof, and a pagoda of stacked eaves."""

from dataclasses import dataclass

import numpy as np

from detailverse.family import Family, Kit
from detailverse.modelling.profile import turned
from detailverse.modelling.region import Region, polygon, rect
from detailverse.modelling.shapes import ball, box, cylinder, extrude, hull, lathe
from detailverse.modelling.solid import Solid, around, union
from detailverse.parts.architecture import arched, corner, cornice, courses, moulded, ngon_plan, side, window
from detailverse.parts.elements import upright
from zeroverse.core.portable import TAU, cos_sin_array
from zeroverse.core.record import choice, count, flag, span


@dataclass(frozen=True)
class Tower(Family):
    """A tower on a round, square, six- or eight-sided plan: storeys, windows, a corbelled gallery, and battlements or a
    roof.
    """

    SKINS = {"wall": ("stone",), "roof": ("roof",)}
    FINISHES = {
        "wall": ("stone", "brick", "concrete"),
        "trim": ("stone", "marble"),
        "roof": ("clay", "painted", "copper", "stone"),
        "wood": ("wood", "painted"),
        "frame": ("wood", "painted", "stone"),
        "glass": ("glass",),
        "metal": ("iron", "gold"),
    }

    plan: str = choice("round", "square", "hexagonal", "octagonal")
    width: float = span(0.5, 0.85)
    taper: float = span(0.78, 1.0)
    storeys: int = count(2, 5)
    openings: str = choice("slit", "round", "pointed", "flat")
    crown: str = choice("battlements", "spire", "dome", "onion", "belfry")
    gallery: bool = flag(0.6)
    turrets: bool = flag(0.35)
    buttresses: bool = flag(0.4)
    pennant: bool = flag(0.5)

    @property
    def faces(self) -> int:
        return {"round": 6, "square": 4, "hexagonal": 6, "octagonal": 8}[self.plan]

    @property
    def height(self) -> float:
        return {"battlements": 1.6, "spire": 1.2, "dome": 1.4, "onion": 1.25, "belfry": 1.15}[self.crown]

    @property
    def storey(self) -> float:
        return (self.height - (0.16 if self.gallery else 0.06)) / self.storeys

    def build(self, kit: Kit) -> Solid:
        wall = extrude(polygon(self._plan(0.0)), self.height, "wall", "wall", kit.skin("wall"), taper=self.taper)
        holes, fittings = zip(*self._windows(kit.level), self._door(kit.level))
        parts = [*fittings, *self._courses(), *self._crown(kit)]
        if self.buttresses:
            parts.append(self._buttresses())
        return union((wall - union(holes), *parts))

    def words(self) -> str:
        roof = {
            "battlements": "battlements",
            "spire": "a spire",
            "dome": "a dome",
            "onion": "an onion dome",
            "belfry": "an open belfry",
        }[self.crown]
        turrets = " and corner turrets" if self.turrets else ""
        return (
            f"{'an' if self.plan == 'octagonal' else 'a'} {self.plan} tower of {self.storeys} storeys with "
            f"{roof}{turrets}"
        )

    def _inner(self, z: float) -> float:
        """Returns the distance from the axis to a side of the wall at height z."""
        return self.width / 2 * (1 + (self.taper - 1) * z / self.height)

    def _plan(self, z: float, out: float = 0.0) -> np.ndarray:
        return ngon_plan(48 if self.plan == "round" else self.faces, self._inner(z) + out)

    def _face(self, z: float) -> float:
        """Returns the width of a side at height z."""
        return side(self.faces, self._inner(z))

    def _windows(self, level: int):
        """Yields (what is cut out, what is put in) for every storey above the door's."""
        for k in range(1, self.storeys):
            z = self.storey * (k + 0.3)
            wide = min(0.34 * self._face(z), 0.18) * (0.35 if self.openings == "slit" else 1.0)
            opening = arched(
                wide,
                min(0.55 * self.storey, 2.4 * wide) if self.openings != "slit" else 0.5 * self.storey,
                "flat" if self.openings == "slit" else self.openings,
            )
            y, bare = self._inner(z + 0.25 * self.storey), self.openings == "slit"
            hole, fitting = _opening(opening, level, bare)
            yield around(hole.move(0, -y, z), self.faces), around(fitting.move(0, -y, z), self.faces)

    def _door(self, level: int) -> tuple[Solid, Solid]:
        wide = min(0.5 * self._face(0.0), 0.26)
        opening = arched(wide, min(0.8 * self.storey, 1.7 * wide), "pointed" if self.openings == "pointed" else "round")
        y = self._inner(0.1)
        trim = upright(extrude(opening.offset(0.035) - opening, 0.12, "doorway", "trim")).move(0, 0.06, 0)
        boards = upright(extrude(opening.offset(0.01), 0.05, "door", "wood")).move(0, 0.07, 0)
        straps = (
            [
                upright(extrude(rect(0.85 * wide, 0.022).move(0, wide * at), 0.02, "hinges", "metal")).move(0, 0.035, 0)
                for at in (0.3, 1.0)
            ]
            if level >= 1
            else []
        )
        steps = [
            box(wide + 0.22 - 0.06 * k, 0.28 - 0.09 * k, 0.035, "steps", "trim").move(0, -0.0, 0.0175 + 0.03 * k)
            for k in range(2)
        ]
        fitting = union((trim, boards, *straps, *steps)).move(0, -y, 0.04)
        return upright(extrude(opening, 0.2, "wall", "wall")).move(0, 0.05 - y, 0.04), fitting

    def _courses(self) -> list[Solid]:
        """Returns the foot of the wall, string courses between the storeys, and the slab under the crown."""
        rings = [
            moulded(
                self._plan(0.0),
                courses((0.09, -0.05), (0.09, 0.04), (0.05, 0.07), (0.05, 0.1), (-0.02, 0.14)),
                "foot",
                "trim",
            )
        ]
        for k in range(1, self.storeys):
            z = self.storey * (k + 0.08)
            rings.append(
                moulded(
                    self._plan(z, -0.03),
                    courses((0, z - 0.02), (0.055, z - 0.005), (0.055, z + 0.015), (0, z + 0.04)),
                    "string course",
                    "trim",
                )
            )
        top = self.height
        if not self.gallery:
            return rings + [moulded(self._plan(top), cornice(0.08, 0.05), "cornice", "trim").move(0, 0, top - 0.05)]
        rings.append(
            moulded(
                self._plan(top, 0.02),
                courses((-0.03, top - 0.05), (0.06, top - 0.02), (0.06, top + 0.03)),
                "gallery",
                "trim",
            )
        )
        corbel = hull(
            np.array(
                [
                    (x, y, z)
                    for x in (-0.018, 0.018)
                    for y, z in ((0.03, -0.16), (-0.005, -0.16), (-0.075, -0.05), (-0.075, -0.015), (0.03, -0.015))
                ]
            ),
            "corbels",
            "trim",
        )
        return rings + [self._along(corbel, 0.085, 0.0).move(0, 0, top)]

    def _along(self, item: Solid, pitch: float, out: float) -> Solid:
        """Returns copies of what stands at y = 0, along the top of every side."""
        inner = self._inner(self.height) + out
        if self.plan == "round":
            return around(item.move(0, -inner, 0), max(8, round(TAU * inner / pitch)))
        face = self._face(self.height) * inner / self._inner(self.height)
        number = max(2, round(face / pitch))
        return around(
            union(item.move((k + 0.5) * face / number - face / 2, -inner, 0) for k in range(number)), self.faces
        )

    def _crown(self, kit: Kit) -> list[Solid]:
        out = 0.08 if self.gallery else 0.0
        build = {
            "battlements": self._battlements,
            "spire": self._spire,
            "dome": self._dome,
            "onion": self._onion,
            "belfry": self._belfry,
        }[self.crown]
        parts = build(kit, self.height, self._inner(self.height), out)
        if self.turrets:
            inner = self._inner(self.height) + out
            reach = inner if self.plan == "round" else corner(self.faces, inner)
            number = {"round": 4, "square": 4, "hexagonal": 3, "octagonal": 4}[self.plan]
            parts.append(
                around(
                    _turret(0.3 * self._inner(self.height) + 0.015)
                    .move(reach, 0, self.height)
                    .turn("z", TAU / (2 * self.faces) - TAU / 4),
                    number,
                )
            )
        return parts

    def _battlements(self, kit, top, inner, out) -> list[Solid]:
        plan = polygon(ngon_plan(48 if self.plan == "round" else self.faces, inner + out))
        parapet = extrude(plan - plan.offset(-0.06, round=False), 0.12, "parapet", "wall").move(0, 0, top)
        merlon = box(0.075, 0.06, 0.13, "merlons", "wall").move(0, 0.03, 0.165) | box(
            0.095, 0.08, 0.02, "merlons", "trim"
        ).move(0, 0.03, 0.235)
        floor = extrude(plan.offset(-0.01), 0.05, "roof", "trim").move(0, 0, top - 0.03)
        parts = [parapet, floor, self._along(merlon.move(0, 0, top), 0.14, out)]
        return parts + ([_mast(0.35, kit.level).move(0, 0, top)] if self.pennant else [])

    def _spire(self, kit, top, inner, out) -> list[Solid]:
        plan = ngon_plan(48 if self.plan == "round" else self.faces, inner + out + 0.05)
        skirt = moulded(plan, courses((-0.02, -0.03), (0.02, -0.02), (0.02, 0.0), (-0.02, 0.03)), "eaves", "trim").move(
            0, 0, top + 0.03
        )
        cone = extrude(polygon(plan), 0.78, "roof", "roof", kit.skin("roof"), taper=0.02).move(0, 0, top + 0.04)
        return [skirt, cone, _mast(0.16, kit.level if self.pennant else -1).move(0, 0, top + 0.78)]

    def _dome(self, kit, top, inner, out) -> list[Solid]:
        drum = cylinder(0.9 * inner, 0.12, "drum", "trim").move(0, 0, top)
        t = TAU / 4 * np.arange(17) / 16
        c, s = cos_sin_array(t)
        r = 0.98 * inner
        line = (
            turned(r, top + 0.1)
            .up(0.02)
            .curve(*(((r * x, top + 0.12 + 0.95 * r * y) for x, y in zip(c[1:-2], s[1:-2]))))
        )
        return [
            drum,
            lathe(line.close(), "roof", "roof", kit.skin("roof")),
            _cupola(0.22 * inner).move(0, 0, top + 0.1 + 0.93 * r),
        ]

    def _onion(self, kit, top, inner, out) -> list[Solid]:
        r = inner
        drum = lathe(turned(0.8 * r, top - 0.02).up(0.14).bead(0.03).close(), "drum", "trim")
        line = turned(0.7 * r, top + 0.13).curve(
            (1.12 * r, top + 0.13 + 0.55 * r),
            (0.75 * r, top + 0.13 + 1.15 * r),
            (0.2 * r, top + 0.13 + 1.7 * r),
            (0.03, top + 0.15 + 2.1 * r),
        )
        return [
            drum,
            lathe(line.close(), "roof", "roof", kit.skin("roof")),
            _cross(0.16).move(0, 0, top + 0.12 + 2.1 * r),
        ]

    def _belfry(self, kit, top, inner, out) -> list[Solid]:
        plan = ngon_plan(self.faces, 0.9 * inner)
        face = self._face(self.height) * 0.9
        stage = extrude(polygon(plan) - polygon(plan).offset(-0.07, round=False), 0.36, "belfry", "trim").move(
            0, 0, top
        )
        hole = upright(extrude(arched(0.6 * face, 0.28, "round"), inner + 0.2, "belfry", "trim")).move(0, 0, top + 0.04)
        floor = extrude(polygon(plan), 0.04, "belfry", "trim").move(0, 0, top)
        bell = lathe(
            turned(0.3 * inner)
            .taper(0.26 * inner, 0.04)
            .curve((0.17 * inner, 0.1), (0.13 * inner, 0.2))
            .taper(0.05 * inner, 0.03)
            .up(0.2)
            .close(),
            "bell",
            "metal",
        )
        cap = moulded(plan, cornice(0.06, 0.06), "cornice", "trim").move(0, 0, top + 0.34)
        roof = extrude(
            polygon(ngon_plan(self.faces, 0.9 * inner + 0.05)), 0.42, "roof", "roof", kit.skin("roof"), taper=0.03
        ).move(0, 0, top + 0.39)
        return [
            stage - around(hole, self.faces),
            floor,
            bell.move(0, 0, top + 0.08),
            cap,
            roof,
            _mast(0.12, -1).move(0, 0, top + 0.78),
        ]

    def _buttresses(self) -> Solid:
        reach = self._inner(0.0) if self.plan == "round" else corner(self.faces, self._inner(0.0))
        high = 0.5 * self.height
        pier = hull(
            np.array(
                [
                    (x, y, z)
                    for y in (-0.05, 0.05)
                    for x, z in ((-0.1, -0.04), (0.12, -0.04), (0.1, 0.5 * high), (-0.1, 0.5 * high))
                ]
            ),
            "buttresses",
            "trim",
        )
        upper = hull(
            np.array(
                [
                    (x, y, z)
                    for y in (-0.042, 0.042)
                    for x, z in ((-0.1, 0.45 * high), (0.06, 0.45 * high), (0.04, 0.9 * high), (-0.12, high))
                ]
            ),
            "buttresses",
            "trim",
        )
        return around((pier | upper).move(reach, 0, 0).turn("z", TAU / (2 * self.faces) - TAU / 4), self.faces)


def _opening(opening: Region, level: int, bare: bool) -> tuple[Solid, Solid]:
    """Returns (what is cut out, what is put in): a window that stands at y = 0 and looks towards -y."""
    low_x, _, high_x, _ = opening.bounds
    wide = high_x - low_x
    hole = upright(extrude(opening, 0.12, "wall", "wall")).move(0, 0.05, 0)
    surround = upright(extrude(opening.offset(0.022) - opening.offset(-0.004), 0.075, "surround", "trim")).move(
        0, 0.05, 0
    )
    if bare:
        return hole, surround
    sill = box(wide + 0.08, 0.08, 0.025, "sill", "trim").move(0, 0.0, -0.012)
    glazed = window(opening, 0.018, 0.03, 2, 3 if level >= 1 else 1).move(0, 0.055, 0)
    return hole, union((surround, sill, glazed))


def _turret(r: float) -> Solid:
    """Returns a bartizan: a small round turret on a moulded bracket, its floor at z = 0."""
    line = (
        turned(0.3 * r, -1.9 * r)
        .up(0.2 * r)
        .ovolo(0.35 * r, 0.6 * r)
        .up(0.1 * r)
        .ovolo(0.35 * r, 0.6 * r)
        .up(2.1 * r)
        .out(0.18 * r)
        .up(0.15 * r)
    )
    roof = turned(1.3 * r, 1.6 * r).up(0.08 * r).curve((0.6 * r, 2.7 * r), (0.06 * r, 4.3 * r)).close()
    slits = around(box(0.22 * r, 0.4 * r, 0.8 * r, "turrets", "wall").move(0, -r, 0.6 * r), 4)
    return union(
        (
            lathe(line.close(), "turrets", "wall", sides=32) - slits,
            lathe(roof, "turret roofs", "roof", sides=32),
            ball(0.16 * r, "turret roofs", "metal").move(0, 0, 4.3 * r),
        )
    )


def _mast(height: float, level: int) -> Solid:
    """Returns a pole with a knob; from level 0 with a pennant."""
    pole = cylinder(0.012, height + 0.06, "mast", "metal").move(0, 0, -0.06) | ball(0.026, "mast", "metal").move(
        0, 0, height
    )
    if level < 0:
        return pole
    cloth = polygon([(0, 0), (0.2, 0.035), (0.12, 0.06), (0.2, 0.085), (0, 0.12)])
    return pole | upright(extrude(cloth, 0.014, "pennant", "roof")).move(0, 0.007, height - 0.15)


def _cupola(r: float) -> Solid:
    posts = around(cylinder(0.16 * r, 1.4 * r, "cupola", "trim").move(0.75 * r, 0, 0), 8)
    line = turned(1.0 * r, 1.3 * r).up(0.15 * r).curve((0.8 * r, 2.0 * r), (0.08 * r, 2.7 * r)).close()
    return union(
        (
            cylinder(r, 0.15 * r + 0.04, "cupola", "trim").move(0, 0, -0.04),
            posts,
            lathe(line, "cupola", "roof"),
            _cross(0.9 * r + 0.05).move(0, 0, 2.6 * r),
        )
    )


def _cross(h: float) -> Solid:
    """Returns a gilt ball and cross."""
    upright_bar, bar = (
        box(0.022, 0.018, h, "cross", "metal").move(0, 0, 0.5 * h),
        box(0.5 * h, 0.018, 0.022, "cross", "metal").move(0, 0, 0.65 * h),
    )
    return union((upright_bar, bar, ball(0.035, "cross", "metal").move(0, 0, 0.01)))
