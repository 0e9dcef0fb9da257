"""Locks and keys."""

from dataclasses import dataclass

import numpy as np

from detailverse.family import Family, Kit
from detailverse.modelling.font import text
from detailverse.modelling.path import polyline, spline
from detailverse.modelling.profile import turned
from detailverse.modelling.region import Region, circle, ellipse, gear, ngon, polygon, rect, ring, rosette
from detailverse.modelling.region import union as joined
from detailverse.modelling.shapes import ball, cylinder, extrude, lathe, plate, tube
from detailverse.modelling.solid import Solid, union
from detailverse.parts.elements import ticks, upright
from detailverse.parts.machines import bolt, disc, knob, ring_of
from zeroverse.core.portable import TAU
from zeroverse.core.record import choice, count, flag, seed, span
from zeroverse.core.rng import Rng


def bow(kind: str, size: float) -> Region:
    """Returns the handle of a key, pierced, about the origin; it reaches down to -size."""
    if kind == "ring":
        return ring(size, 0.62 * size)
    if kind == "trefoil":
        lobes = [(0, 0.42 * size), (-0.45 * size, -0.25 * size), (0.45 * size, -0.25 * size)]
        return joined(circle(0.52 * size).move(*place) for place in lobes) - joined(
            circle(0.28 * size).move(*place) for place in lobes
        ) | circle(0.24 * size).move(0, -0.8 * size)
    if kind == "heart":
        whole = (
            circle(0.55 * size).move(-0.45 * size, 0.3 * size)
            | circle(0.55 * size).move(0.45 * size, 0.3 * size)
            | polygon([(-0.9 * size, 0.0), (0, -1.05 * size), (0.9 * size, 0.0), (0, 0.4 * size)])
        )
        return whole - whole.offset(-0.22 * size)
    if kind == "gothic":
        petals = circle(0.4 * size).move(0.5 * size, 0).around(4)
        return (
            (petals | ring(1.0 * size, 0.84 * size))
            - circle(0.24 * size).move(0.5 * size, 0).around(4)
            - circle(0.12 * size)
        )
    if kind == "gear":
        return gear(14, 0.9 * size, bore=0.2 * size, spokes=5)
    return rosette(8, size, 0.16 * size) - circle(0.18 * size).move(0.62 * size, 0).around(8) - circle(0.25 * size)


@dataclass(frozen=True)
class Key(Family):
    """An old key: a pierced bow, turned collars, a shank, a bit with wards."""

    SKINS = {"shank": ("jewel", "classical", "armour"), "bow": ("jewel", "classical")}
    FINISHES = {
        "bow": ("gold", "brass", "bronze", "silver", "iron", "copper"),
        "shank": ("brass", "iron", "silver", "bronze", "gold"),
        "bit": ("iron", "brass", "steel"),
        "gem": ("gem",),
    }

    bow: str = choice("ring", "trefoil", "heart", "gothic", "rosette", "gear")
    size: float = span(0.26, 0.42)
    thickness: float = span(0.08, 0.14)
    shank: float = span(0.05, 0.075)
    collars: int = count(1, 4)
    bits: int = count(1, 2)
    teeth: int = count(2, 5)
    pin: bool = flag(0.5)
    jewel: bool = flag(0.4)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        s, t = self.size, self.thickness
        region = bow(self.bow, s)
        flat = plate(region, t, "bow", "bow", kit.skin("bow"), margin=0.02).move(0, 0, -t / 2)
        rim = (
            [
                tube(_outline(contour, t), 0.24 * t, "rim", "bow", sides=10)
                for contour in region.offset(-0.12 * t).simplified(2e-3).contours()
            ]
            if kit.level >= 1
            else []
        )
        head = upright(union((flat, *rim))).move(0, 0, 2.0 - s)
        parts = [head, self.stem(kit), self.wards()]
        if self.jewel:
            gem = lathe(
                turned(0.0, -0.16).to(0.1, 0.0).to(0.07, 0.05).to(0.0, 0.06).close(), "gem", "gem", sides=8
            ).move(0, 0, t / 2 + 0.02)
            collet = disc(0.12, -t / 2 - 0.01, t / 2 + 0.03, "collet", "bow", 0.02)
            parts.append(
                upright(union((gem, gem.turn("x", TAU / 2), collet))).move(
                    0, 0, 2.0 - s if self.bow in ("gothic", "rosette", "gear") else 2.0 - 2.05 * s
                )
            )
        return union(parts)

    def stem(self, kit: Kit) -> Solid:
        """Returns the shank with its collars, and the knob or pin at its end."""
        top, r = 2.0 - 1.93 * self.size, self.shank
        shaft = cylinder(r, top, "shank", "shank", kit.skin("shank"))
        line = turned(1.3 * r, -0.1).up(0.02).bead(0.05).out(0.25 * r).bead(0.06).out(-0.25 * r).up(0.03)
        collar = lathe(line.close(), "collar", "shank", sides=40)
        collars = [collar.move(0, 0, top - 0.02 - 0.2 * k) for k in range(self.collars)]
        tip = (
            lathe(turned(0.5 * r, -0.16).to(0.62 * r, -0.14).to(0.62 * r, 0.01).close(), "pin", "shank", sides=32)
            if self.pin
            else ball(1.35 * r, "tip", "shank")
        )
        return union((shaft, *collars, tip))

    def wards(self) -> Solid:
        """Returns the bit: a plate with stepped teeth and slits that miss the shank."""
        rng, long, deep = Rng(self.seed, "bit"), 0.42, 0.36
        region = rect(deep + self.shank, long).move((deep + self.shank) / 2, 0.28)
        step = long / self.teeth
        for k in range(self.teeth):
            cut, y = rng.uniform(0.04, 0.17), 0.07 + (k + 0.5) * step
            region = region - rect(2 * cut, 0.62 * step).move(deep + self.shank, y)
        region = (
            region - rect(0.12, 0.03).move(self.shank + 0.12, 0.28) - rect(0.03, 0.16).move(self.shank + 0.12, 0.28)
        )
        one = upright(extrude(region, 0.075, "bit", "bit").move(0, 0, -0.0375))
        return one if self.bits == 1 else one | one.turn("z", TAU / 2)

    def words(self) -> str:
        shape = {
            "ring": "ring",
            "trefoil": "trefoil",
            "heart": "heart-shaped",
            "gothic": "pierced quatrefoil",
            "rosette": "rosette",
            "gear": "gear-shaped",
        }[self.bow]
        return (
            f"an old key with a {shape} bow{' set with a gem' if self.jewel else ''} and "
            f"{'a double' if self.bits == 2 else 'a'} bit"
        )


def _outline(contour: np.ndarray, thickness: float):
    return polyline(contour, closed=True).move(0, 0, thickness / 2).resample(spacing=0.025)


@dataclass(frozen=True)
class Padlock(Family):
    """A padlock: body, shackle, keyhole under an escutcheon, rivets, its key in it or not."""

    SKINS = {"body": ("armour", "machine", "classical", "jewel"), "shackle": ("machine",)}
    FINISHES = {
        "body": ("brass", "iron", "steel", "bronze", "painted", "gold"),
        "shackle": ("steel", "iron", "chrome"),
        "trim": ("brass", "steel", "gold", "iron"),
        "key": ("brass", "iron", "steel"),
    }

    shape: str = choice("square", "round", "shield", "heart", "arched", "barrel")
    width: float = span(0.95, 1.35)
    height: float = span(0.85, 1.15)
    depth: float = span(0.3, 0.55)
    shackle: float = span(0.06, 0.11)
    rise: float = span(0.45, 0.8)
    opened: bool = flag(0.3)
    plate: str = choice("round", "shield", "diamond", "rosette")
    rivets: int = count(0, 12)
    band: bool = flag(0.5)
    key: bool = flag(0.45)
    dial: bool = flag(0.25)

    def build(self, kit: Kit) -> Solid:
        region, d = self.outline(), self.depth
        if self.shape == "barrel":
            drum = (
                cylinder(0.42 * self.height, self.width, "body", "body", kit.skin("body"))
                .turn("y", TAU / 4)
                .move(-self.width / 2, 0, 0)
            )
            caps = [
                disc(0.46 * self.height, -0.05, 0.05, "cap", "trim", 0.02).turn("y", TAU / 4).move(x)
                for x in (-self.width / 2, self.width / 2)
            ]
            body, front = union((drum, *caps)), 0.42 * self.height
        else:
            slab = plate(region, d / 2, "body", "body", kit.skin("body"), margin=0.05)
            body, front = (
                upright(
                    slab.move(0, 0, 0.004)
                    | extrude(region.offset(-0.01), 0.05, "body", "body").move(0, 0, -0.025)
                    | extrude(region, d / 2, "body", "body").move(0, 0, -d / 2 - 0.004)
                ),
                d / 2,
            )
        return union((body, *self.bow(kit), upright(self.front(kit)).move(0, -front + 0.01), *self.trim(region, kit)))

    def outline(self) -> Region:
        w, h = self.width, self.height
        square = rect(w, h, 0.12 * w)
        return {
            "square": square,
            "round": circle(0.56 * h).scale(w / h * 0.95, 1.0),
            "barrel": square,
            "shield": (rect(w, 0.5 * h).move(0, 0.25 * h) | ellipse(w / 2, 0.62 * h)).rounded(0.06),
            "heart": (
                circle(0.29 * w).move(-0.23 * w, 0.22 * h)
                | circle(0.29 * w).move(0.23 * w, 0.22 * h)
                | polygon(
                    [(-0.5 * w, 0.1 * h), (0, -0.62 * h), (0.5 * w, 0.1 * h), (0.2 * w, 0.45 * h), (-0.2 * w, 0.45 * h)]
                )
            ).rounded(0.05),
            "arched": (rect(w, 0.75 * h).move(0, -0.12 * h) | ellipse(w / 2, 0.5 * h).move(0, 0.05 * h)).rounded(0.05),
        }[self.shape]

    def bow(self, kit: Kit) -> list[Solid]:
        """Returns the shackle through two sleeves, lifted and turned when it is open."""
        x, low, r = 0.3 * self.width, 0.12 * self.height, self.shackle
        high = 0.5 * self.height + self.rise
        points = [
            (-x, 0, low),
            (-x, 0, high - x),
            (-0.72 * x, 0, high - 0.28 * x),
            (0, 0, high),
            (0.72 * x, 0, high - 0.28 * x),
            (x, 0, high - x),
        ]
        points += [(x, 0, 0.5 * self.height - 0.05)] if self.opened else [(x, 0, low)]
        loop = tube(
            spline(points), r, "shackle", "shackle", kit.skin("shackle"), sides=None if kit.details else 24, ends="flat"
        )
        if self.opened:
            loop = loop.move(x, 0, 0).turn("z", 0.7).move(-x, 0, 0.2)
        sleeve = lathe(turned(1.5 * r, -0.3).up(0.3).bead(0.05).to(1.2 * r, 0.08).close(), "sleeve", "trim", sides=36)
        top = 0.42 * self.height if self.shape != "square" else 0.49 * self.height
        return [loop, sleeve.move(-x, 0, top), sleeve.move(x, 0, top)]

    def front(self, kit: Kit) -> Solid:
        """Returns the escutcheon with its keyhole, or a wheel of numbers; flat, upwards."""
        if self.dial:
            wheel = knob(
                turned(0.3, -0.02).to(0.3, 0.07).to(0.24, 0.1).to(0.22, 0.2).to(0.19, 0.22), 30, "dial", "trim"
            )
            return (
                wheel
                | extrude(ticks(0.36, 0.0, TAU * 39 / 40, 40, 1, 0.06), 0.04, "dial", "key").move(0, 0, -0.01)
                | extrude(text("1", 0.14), 0.03, "dial", "key").move(0, 0.0, 0.2)
            )
        size = 0.24 * self.height
        face = {
            "round": circle(size),
            "shield": (rect(1.7 * size, size).move(0, 0.45 * size) | ellipse(0.85 * size, 1.1 * size)),
            "diamond": ngon(4, 1.3 * size),
            "rosette": rosette(8, 1.15 * size, 0.14 * size),
        }[self.plate]
        hole = circle(0.24 * size).move(0, 0.2 * size) | polygon(
            [
                (-0.1 * size, 0.2 * size),
                (-0.24 * size, -0.6 * size),
                (0.24 * size, -0.6 * size),
                (0.1 * size, 0.2 * size),
            ]
        )
        parts = [
            extrude(face - hole, 0.045, "escutcheon", "trim").move(0, 0, -0.01),
            extrude(face.offset(-0.02) - face.offset(-0.05), 0.06, "escutcheon", "trim").move(0, 0, -0.01),
        ]
        if kit.level >= 2:
            parts.append(ring_of(bolt(0.025, "dome", "pin", "trim"), 4, 0.72 * size).move(0, 0, 0.03))
        if self.key:
            stem = union(
                (
                    cylinder(0.035, 0.5, "key", "key").move(0, 0.2 * size, -0.05),
                    extrude(bow("ring", 0.16), 0.05, "key", "key")
                    .turn("x", TAU / 4)
                    .turn("z", TAU / 4)
                    .move(0, 0.2 * size, 0.56),
                )
            )
            parts.append(stem)
        return union(parts)

    def trim(self, region: Region, kit: Kit) -> list[Solid]:
        """Returns a raised border on both faces, rivets along it, a band around the middle."""
        if self.shape == "barrel":
            return []
        d = self.depth
        rim = upright(extrude(region.offset(0.02) - region.offset(-0.06), 0.05, "rim", "trim").move(0, 0, d / 2 - 0.03))
        parts = [rim, rim.mirror("y")]
        if self.band:
            parts.append(
                upright(
                    extrude(region.offset(0.025) - region.offset(-0.05), 0.3 * d, "band", "trim").move(0, 0, -0.15 * d)
                )
            )
        if self.rivets >= 4 and kit.level >= 1:
            inner = polyline(max(region.offset(-0.035).contours(), key=len), closed=True)
            heads = union(
                bolt(0.034, "dome", "rivet", "trim").move(x, y, d / 2 + 0.01)
                for x, y, _ in inner.resample(n=2 * self.rivets).points
            )
            parts.append(upright(heads))
        return parts

    def words(self) -> str:
        extra = " with a number dial" if self.dial else " with its key" if self.key else ""
        return f"{'an open' if self.opened else 'a'} {self.shape} padlock{extra}"
