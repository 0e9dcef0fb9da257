"""Turned work: goblets, finials and chess pieces. Stems are strings of mouldings drawn from a small grammar."""

from dataclasses import dataclass

import numpy as np

from detailverse.family import Family, Kit
from detailverse.modelling.path import polyline
from detailverse.modelling.profile import Profile, Turning, turned, vessel
from detailverse.modelling.region import polygon, rect
from detailverse.modelling.shapes import ball, box, cylinder, extrude, lathe, tube
from detailverse.modelling.skin import BARE
from detailverse.modelling.solid import Solid, around, union
from detailverse.parts.architecture import foliage
from detailverse.parts.elements import turned_bead
from zeroverse.core.portable import TAU, cos_sin_array
from zeroverse.core.record import choice, count, flag, seed, span
from zeroverse.core.rng import Rng


def stem(line: Turning, length: float, waist: float, knops: int, rng: Rng) -> Turning:
    """Returns the line continued up by `length` through `knops` swellings between necks of about the radius `waist`."""
    shares = 0.6 + rng.unit(knops)
    for k, share in enumerate(length * shares / shares.sum()):
        kind, neck = (
            rng.child("knop", k).choice(("ball", "disc", "pear", "rings", "spool", "urn")),
            waist * rng.child("neck", k).uniform(0.8, 1.25),
        )
        line = _knop(
            line.to(neck, line.end[1] + 0.16 * share), kind, share, neck, rng.child("size", k).uniform(0.8, 1.4)
        )
        line = line.to(neck, line.end[1] + 0.16 * share)
    return line


def _knop(line: Turning, kind: str, share: float, neck: float, size: float) -> Turning:
    """Returns one swelling, 0.68 shares high."""
    h, z, bulge = 0.68 * share, line.end[1], 0.34 * share * size
    if kind == "ball":
        return line.torus(h, bulge + 0.3 * neck)
    if kind == "disc":
        return (
            line.up(0.3 * h)
            .out(0.2 * bulge)
            .up(0.08 * h)
            .torus(0.24 * h, bulge)
            .up(0.08 * h)
            .out(-0.2 * bulge)
            .up(0.3 * h)
        )
    if kind == "pear":
        return line.bead(0.1 * h).curve((neck + bulge, z + 0.4 * h), (neck * 1.05, z + 0.9 * h)).bead(0.1 * h)
    if kind == "rings":
        for width in (0.5, 0.9, 0.5):
            line = line.torus(h / 3, width * bulge)
        return line
    if kind == "spool":
        return (
            line.out(0.8 * bulge)
            .up(0.1 * h)
            .scotia(-0.0001, 0.8 * h, 0.7 * bulge)
            .up(0.1 * h)
            .to(neck, line.end[1] + h)
        )
    return (
        line.bead(0.12 * h)
        .cove(0.5 * bulge, 0.2 * h)
        .up(0.06 * h)
        .ovolo(0.4 * bulge, 0.2 * h)
        .to(neck, line.end[1] + h)
    )


def foot(r: float, kind: str, waist: float) -> Turning:
    """Returns the line of a round foot of radius r up to its neck of radius `waist`."""
    start = turned(r).up(0.04)
    if kind == "ogee":
        return start.out(-0.03).ogee(waist - r + 0.03, 0.3 * r)
    if kind == "stepped":
        third = (r - waist) / 3
        return (
            start.out(-third).up(0.05).fillet(0.01).out(-0.3 * third).cove(-1.2 * third, 0.1).up(0.02).to(waist, 0.25)
        )
    if kind == "trumpet":
        return start.out(-0.02).cove(waist - r + 0.02, 0.55 * r)
    return start.bead(0.06).out(-0.04).ovolo(waist - r + 0.04, 0.35 * r)


@dataclass(frozen=True)
class Goblet(Family):
    """A stemmed cup: foot, knopped stem and hollow bowl, with handles, jewels, a lid."""

    SKINS = {"bowl": ("jewel", "classical"), "lid": ("jewel", "classical")}
    FINISHES = {
        "bowl": ("gold", "silver", "bronze", "glass", "ceramic"),
        "stem": ("gold", "silver", "bronze", "wood"),
        "gem": ("gem",),
    }

    bowl: str = choice("tulip", "cup", "flute", "coupe", "thistle")
    foot: str = choice("ogee", "stepped", "trumpet", "dome")
    width: float = span(0.38, 0.6)
    stem: float = span(0.45, 0.95)
    waist: float = span(0.05, 0.1)
    knops: int = count(1, 4)
    handles: int = count(0, 2)
    jewels: int = count(0, 12)
    calyx: int = count(0, 10)
    lid: bool = flag(0.3)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        line = stem(
            foot(0.85 * self.width, self.foot, self.waist), self.stem, self.waist, self.knops, Rng(self.seed, "stem")
        )
        low = float(line.end[1])
        outer = self._bowl(low)
        parts = [
            lathe(line.up(0.06).close(), "stem", "stem"),
            lathe(vessel(outer, 0.035, 0.07), "bowl", "bowl", kit.skin("bowl")),
        ]
        if self.calyx > 3:
            leaf = foliage(0.5 * (2.0 - low), TAU * 0.55 * self.width / self.calyx, 0.7, 3, "calyx", "stem")
            parts.append(around(leaf.turn("y", 0.55).move(0.55 * self.waist, 0, low - 0.01), self.calyx))
        if self.jewels > 2 and kit.level >= 2:
            z = low + 0.72 * (2.0 - low)
            parts.append(
                around(
                    turned_bead(0.045, "jewels", "gem").scale(0.8, 0.8, 1.2).move(outer.radius_at(z) + 0.005, 0, z),
                    self.jewels,
                )
            )
        return union((*parts, *self._handles(outer, low), *self._lid(kit, outer)))

    def words(self) -> str:
        extra = [f"{self.handles} handle{'s' if self.handles > 1 else ''}"] * (self.handles > 0) + ["a lid"] * self.lid
        knops = f"{self.knops} knop{'s' if self.knops > 1 else ''}"
        return f"a {self.bowl}-shaped goblet on a stem with {' and '.join([knops, *extra])}"

    def _bowl(self, low: float) -> Profile:
        w, h = self.width, 2.0 - low
        curve = {
            "tulip": ((0.95 * w, low + 0.4 * h), (0.85 * w, low + 0.75 * h), (w, 2.0)),
            "cup": ((0.8 * w, low + 0.25 * h), (0.95 * w, low + 0.6 * h), (w, 2.0)),
            "flute": ((0.55 * w, low + 0.3 * h), (0.68 * w, 2.0)),
            "coupe": ((0.9 * w, low + 0.35 * h), (1.25 * w, low + 0.75 * h), (1.3 * w, 2.0)),
            "thistle": ((0.75 * w, low + 0.25 * h), (0.6 * w, low + 0.5 * h), (1.05 * w, 2.0)),
        }[self.bowl]
        return turned(1.3 * self.waist, low).curve(*curve).open()

    def _handles(self, outer: Profile, low: float) -> list[Solid]:
        if self.handles == 0:
            return []
        from_z, to_z = low + 0.35 * (2.0 - low), low + 0.8 * (2.0 - low)
        a, b = outer.radius_at(from_z) - 0.015, outer.radius_at(to_z) - 0.015
        middle, half = (a + b) / 2, (to_z - from_z) / 2
        t = TAU / 2 * np.arange(19) / 18 - TAU / 4
        c, s = cos_sin_array(t)
        points = np.column_stack(
            [
                np.where(s < 0, a, b) + (middle - np.where(s < 0, a, b)) * c + 0.75 * half * c,
                0 * t,
                from_z + half * (1 + s),
            ]
        )
        grip = tube(polyline(points), lambda at: 0.035 - 0.012 * abs(2 * at - 1), "handle", "stem", sides=14)
        return [around(grip, self.handles)]

    def _lid(self, kit: Kit, outer: Profile) -> list[Solid]:
        if not self.lid:
            return []
        r = float(outer.runs[-1][-1][0])
        line = (
            turned(r - 0.06, 1.95)
            .up(0.05)
            .out(0.09)
            .up(0.03)
            .out(-0.03)
            .curve((0.6 * r, 2.0 + 0.33 * r), (0.12, 2.03 + 0.45 * r))
            .up(0.02)
            .bead(0.04)
        )
        top = float(line.end[1])
        knob = lathe(
            turned(0.06, top - 0.01).cove(-0.03, 0.05).curve((0.075, top + 0.12), (0.0, top + 0.2)).close(),
            "knob",
            "stem",
            sides=32,
        )
        return [lathe(line.close(), "lid", "bowl", kit.skin("lid")), knob]


@dataclass(frozen=True)
class Finial(Family):
    """An ornament for a post, a lid or a drawer: a collared neck with a ball, acorn, pineapple, flame, urn, fleur or
    faceted crown.
    """

    SKINS = {"crown": ("jewel", "classical")}
    FINISHES = {
        "crown": ("bronze", "gold", "stone", "wood", "ceramic", "gem"),
        "neck": ("bronze", "gold", "stone", "wood"),
    }

    crown: str = choice("ball", "acorn", "pineapple", "flame", "urn", "bud", "spire")
    foot: str = choice("ogee", "stepped", "trumpet", "dome")
    base: float = span(0.4, 0.7)
    waist: float = span(0.12, 0.22)
    width: float = span(0.4, 0.72)
    knops: int = count(1, 2)
    leaves: int = count(4, 9)
    leafy: bool = flag(0.5)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        line = stem(foot(self.base, self.foot, self.waist), 0.4, self.waist, self.knops, Rng(self.seed, "stem"))
        low = float(line.end[1])
        small = kit.scale < 0.2  # a knob
        crown = lathe(self._crown(low).close(), "crown", "crown", *((BARE, 24) if small else (kit.skin("crown"),)))
        parts = [lathe(line.up(0.05).close(), "neck", "neck", sides=24 if small else None), crown]
        if self.crown == "flame":
            parts.append(self._flames(low))
        if self.leafy:
            leaf = foliage(
                0.55 * (2.0 - low),
                TAU * 0.6 * self.width / self.leaves,
                1.0,
                4 if kit.level >= 1 and not small else 1,
                "leaves",
                "neck",
            )
            parts.append(around(leaf.turn("y", 0.75).move(0.5 * self.waist, 0, low - 0.01), self.leaves))
        return union(parts)

    def words(self) -> str:
        return f"a {self.crown} finial{' in a cup of leaves' if self.leafy else ''}"

    def _crown(self, z: float) -> Turning:
        w, h, start = self.width, 2.0 - z, turned(self.waist, z)
        if self.crown == "acorn":
            return (
                start.curve((w, z + 0.28 * h), (w, z + 0.42 * h))
                .out(-0.05)
                .curve((0.78 * w, z + 0.72 * h), (0.06, z + 0.95 * h), (0.0, z + h))
            )
        if self.crown == "urn":
            cup = start.curve((0.9 * w, z + 0.35 * h), (w, z + 0.55 * h)).out(0.05).up(0.05).out(-0.05)
            return (
                cup.curve((0.5 * w, z + 0.72 * h), (0.1, z + 0.8 * h))
                .bead(0.08)
                .curve((0.09, z + 0.95 * h), (0.0, z + h))
            )
        if self.crown == "spire":
            return start.bead(0.1).out(0.4 * w).up(0.06).curve((0.35 * w, z + 0.4 * h), (0.0, z + h))
        shape = {
            "ball": ((w, z + 0.5 * h), (0.5 * w, z + 0.93 * h)),
            "pineapple": ((w, z + 0.35 * h), (0.8 * w, z + 0.65 * h), (0.25 * w, z + 0.95 * h)),
            "flame": ((0.55 * w, z + 0.3 * h), (0.3 * w, z + 0.7 * h)),
            "bud": ((0.95 * w, z + 0.3 * h), (0.4 * w, z + 0.75 * h)),
        }[self.crown]
        return start.curve(*shape, (0.0, z + h))

    def _flames(self, z: float) -> Solid:
        """Returns tongues that wind up around the crown."""
        t = np.arange(15) / 14
        h = 2.0 - z
        c, s = cos_sin_array(2.4 * t)
        r = 0.95 * self.width * np.interp(t, (0, 0.15, 0.4, 1.0), (0.25, 0.55, 0.62, 0.05))
        tongue = tube(
            polyline(np.column_stack([r * c, r * s, z + 0.02 + 0.9 * h * t])),
            lambda at: 0.22 * self.width * (1.05 - at),
            "flames",
            "crown",
            sides=12,
        )
        return around(tongue, 6)


@dataclass(frozen=True)
class ChessPiece(Family):
    """A turned chess piece: a weighted foot with felt, a body, a collar, and the crown of its rank."""

    SKINS = {"body": ("classical", "wood", "jewel"), "foot": ("classical", "jewel", "wood")}
    FINISHES = {
        "body": ("wood", "ivory", "bone", "marble", "bronze"),
        "felt": ("cloth",),
        "crown": ("wood", "gold", "ivory", "bone"),
    }

    rank: str = choice("pawn", "rook", "bishop", "queen", "king")
    base: float = span(0.42, 0.6)
    waist: float = span(0.16, 0.28)
    flare: float = span(0.8, 1.25)
    collars: int = count(1, 3)
    steps: int = count(1, 3)
    points: int = count(5, 10)

    @property
    def height(self) -> float:
        return {"pawn": 1.35, "rook": 1.5, "bishop": 1.8, "queen": 1.95, "king": 2.0}[self.rank]

    def build(self, kit: Kit) -> Solid:
        r, w = self.base, self.waist
        base = turned(r).up(0.05)
        for _ in range(self.steps):
            base = base.torus(0.11, 0.03).out(-0.035).up(0.02)
        base = base.ovolo(-0.18 * r, 0.12).out(-0.05).up(0.02)
        low, neck = float(base.end[1]), 0.66 * self.height
        body = (
            turned(float(base.end[0]) - 0.02, low - 0.01)
            .curve((1.05 * w, low + 0.45 * (neck - low)), (w, neck - 0.08))
            .to(w * 0.95, neck + 0.02)
        )
        collar = turned(0.8 * w, neck - 0.06).out(0.7 * w)
        for k in range(self.collars):
            collar = collar.torus(0.06, 0.05 - 0.012 * k).out(-0.2 * w)
        top = float(collar.end[1])
        parts = [
            lathe(base.close(), "foot", "body", kit.skin("foot")),
            lathe(body.close(), "body", "body", kit.skin("body")),
            lathe(collar.close(), "collar", "crown"),
            cylinder(0.94 * r, 0.05, "felt", "felt").move(0, 0, -0.02),
        ]
        return union((*parts, self._crown(top - 0.015)))

    def words(self) -> str:
        return f"a chess {self.rank} with {self.collars} collar{'s' if self.collars > 1 else ''}"

    def _crown(self, z: float) -> Solid:
        h, w = self.height - z, self.waist
        return {
            "pawn": self._pawn,
            "rook": self._rook,
            "bishop": self._bishop,
            "queen": self._queen,
            "king": self._king,
        }[self.rank](z, h, w)

    def _pawn(self, z, h, w) -> Solid:
        return lathe(turned(0.6 * w, z).up(0.03).close(), "crown", "body") | ball(0.55 * h, "crown", "body").move(
            0, 0, z + 0.5 * h
        )

    def _rook(self, z, h, w) -> Solid:
        wide = 1.35 * w * self.flare
        cup = vessel(turned(w, z).curve((wide, z + 0.4 * h)).up(0.6 * h).open(), 0.3 * wide, 0.55 * h, round_rim=False)
        notch = box(3 * wide, 0.36 * wide, 0.6 * h, "crown", "body").move(0, 0, z + 1.02 * h)
        return lathe(cup, "crown", "body") - union(notch.turn("z", TAU * k / 6) for k in range(3))

    def _bishop(self, z, h, w) -> Solid:
        mitre = (
            turned(0.7 * w, z)
            .up(0.04)
            .curve((1.1 * w * self.flare, z + 0.35 * h), (0.6 * w, z + 0.66 * h), (0.05, z + 0.85 * h))
        )
        slot = box(3 * w, 0.05, 0.4 * h, "crown", "body").turn("x", 0.5).move(0, -0.12 * w - 0.09, z + 0.62 * h)
        return (lathe(mitre.close(), "crown", "body") - slot) | turned_bead(0.09, "tip", "crown").move(
            0, 0, z + 0.9 * h
        )

    def _queen(self, z, h, w) -> Solid:
        wide = 1.25 * w * self.flare
        cup = lathe(
            turned(0.7 * w, z)
            .curve((0.75 * w, z + 0.3 * h), (wide, z + 0.72 * h))
            .up(0.08 * h)
            .to(0.7 * wide, z + 0.72 * h)
            .close(),
            "crown",
            "body",
        )
        spikes = around(
            turned_bead(0.28 * wide, "coronet", "crown").scale(0.75, 0.75, 1.4).move(0.88 * wide, 0, z + 0.8 * h),
            self.points,
        )
        dome = lathe(
            turned(0.75 * wide, z + 0.7 * h).curve((0.55 * wide, z + 0.84 * h), (0.08, z + 0.9 * h)).close(),
            "crown",
            "body",
        )
        return union((cup, spikes, dome, turned_bead(0.07, "tip", "crown").move(0, 0, z + 0.95 * h)))

    def _king(self, z, h, w) -> Solid:
        wide = 1.2 * w * self.flare
        cup = lathe(
            turned(0.7 * w, z)
            .curve((0.75 * w, z + 0.25 * h), (wide, z + 0.52 * h))
            .bead(0.05 * h)
            .curve((0.5 * wide, z + 0.66 * h), (0.05, z + 0.7 * h))
            .close(),
            "crown",
            "body",
        )
        arm = polygon([(-0.03, 0), (0.03, 0), (0.06, 0.16 * h), (-0.06, 0.16 * h)])
        cross = (
            extrude(arm.around(4) | rect(0.07, 0.07), 0.08, "cross", "crown")
            .turn("x", TAU / 4)
            .move(0, 0.04, z + 0.84 * h)
        )
        return union((cup, cross, cylinder(0.035, 0.2 * h, "cross", "crown").move(0, 0, z + 0.62 * h)))
