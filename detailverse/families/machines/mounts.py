"""What stands on ships and roofs: turrets, dishes, packed machinery."""

from dataclasses import dataclass

import numpy as np

from detailverse.families.machines.engines import finned
from detailverse.family import Family, Kit
from detailverse.modelling.path import circle as hoop
from detailverse.modelling.path import line, polyline, spline
from detailverse.modelling.profile import turned
from detailverse.modelling.shapes import ball, box, cylinder, hull, lathe, tube
from detailverse.modelling.solid import Solid, around, row, union
from detailverse.parts.machines import bolt, disc, panelled, ring_of
from zeroverse.core.portable import TAU
from zeroverse.core.record import choice, count, flag, span
from zeroverse.core.rng import Rng


def split(rng: Rng, x: float, y: float, w: float, h: float, least: float):
    """Yields rectangles (x, y, w, h, stream) of a recursive split; x, y: their centres."""
    if max(w, h) < 2 * least or (max(w, h) < 4 * least and rng.chance(0.25)):
        yield x, y, w, h, rng
        return
    share = rng.uniform(0.32, 0.68)
    if w > h:
        yield from split(rng.child(0), x - w / 2 + share * w / 2, y, share * w, h, least)
        yield from split(rng.child(1), x + share * w / 2, y, (1 - share) * w, h, least)
    else:
        yield from split(rng.child(0), x, y - h / 2 + share * h / 2, w, share * h, least)
        yield from split(rng.child(1), x, y + share * h / 2, w, (1 - share) * h, least)


def greebles(rng: Rng, w: float, h: float, least: float, tall: float, label: str, slot: str) -> Solid:
    """Returns small blocks, tanks, pipes and vents packed on w by h about the origin, up from z = 0."""
    return union(
        greeble(one, a - 0.01, b - 0.01, tall, label, slot).move(x, y)
        for x, y, a, b, one in split(rng, 0.0, 0.0, w, h, least)
    )


def greeble(rng: Rng, w: float, h: float, tall: float, label: str, slot: str) -> Solid:
    z = tall * rng.uniform(0.25, 1.0)
    kind = rng.choice(("block", "stepped", "vent", "tank", "drum", "pipes", "wedge"))
    base = box(w, h, 0.03 + 0.25 * z, label, slot).move(0, 0, 0.125 * z - 0.015)
    if kind == "block":
        return box(w, h, z + 0.03, label, slot).move(0, 0, z / 2 - 0.015)
    if kind == "stepped":
        return union(
            (
                base,
                box(0.7 * w, 0.7 * h, z, label, slot).move(0, 0, z / 2),
                box(0.3 * w, 0.5 * h, 1.3 * z, label, slot).move(0.1 * w, 0, 0.65 * z),
            )
        )
    if kind == "vent":
        n = max(2, int(max(w, h) / 0.035))
        slat = box(0.5 * w / n, 0.9 * h, z, label, slot) if w > h else box(0.9 * w, 0.5 * h / n, z, label, slot)
        step = np.array([w / n, 0, 0]) if w > h else np.array([0, h / n, 0])
        return base | row(slat.move(*(-step * (n - 1) / 2)).move(0, 0, z / 2), n, step)
    r = 0.42 * min(w, h)
    if kind == "drum":
        return (
            base
            | disc(r, 0.0, z + 0.1 * r, label, slot, 0.15 * r, 20)
            | disc(0.5 * r, 0.0, 1.3 * z + 0.1 * r, label, slot, sides=16)
        )
    if kind == "wedge":
        return base | hull(
            np.array(
                [
                    (a * w * s, b * h * s, c)
                    for a in (-0.45, 0.45)
                    for b in (-0.45, 0.45)
                    for s, c in ((1.0, 0.0), (0.6, z))
                ]
            ),
            label,
            slot,
        )
    turn = TAU / 4 if w > h else 0.0
    long = max(w, h) - 2 * r
    if kind == "tank" or r < 0.04:
        tank = tube(line((0, -long / 2, 0.2 * z), (0, long / 2, 0.2 * z)), 0.9 * r, label, slot, sides=14)
        return base | tank.turn("z", turn)
    thin = min(0.02, 0.25 * r)
    bundle = union(
        tube(
            polyline(
                [
                    (x, -long / 2 - r, 0),
                    (x, -long / 2, 0.5 * z + 0.02),
                    (x, long / 2, 0.5 * z + 0.02),
                    (x, long / 2 + r, 0),
                ]
            ),
            thin,
            label,
            slot,
            sides=8,
        )
        for x in (-0.6 * r, 0.0, 0.6 * r)
    )
    return base | bundle.turn("z", turn)


@dataclass(frozen=True)
class Turret(Family):
    """A gun turret: ring mount, armoured housing, barrels."""

    SKINS = {"housing": ("tech", "armour", "machine"), "mount": ("machine", "tech")}
    FINISHES = {
        "housing": ("painted", "steel", "iron", "metal"),
        "mount": ("steel", "iron", "painted"),
        "barrel": ("steel", "iron", "bronze"),
        "sight": ("glass", "gem", "steel"),
        "steel": ("steel",),
    }

    shape: str = choice("drum", "wedge", "dome", "box")
    barrels: int = count(1, 4)
    length: float = span(0.7, 1.3)
    bore: float = span(0.045, 0.09)
    pitch: float = span(-0.05, 0.6)
    muzzle: str = choice("plain", "brake", "ring", "flare")
    shroud: bool = flag(0.5)
    armour: bool = flag(0.5)
    screws: int = count(10, 24)

    def build(self, kit: Kit) -> Solid:
        mount = lathe(
            turned(0.72, 0.0).up(0.1).out(-0.08).up(0.08).out(0.04).up(0.06).to(0.5, 0.3).close(),
            "mount",
            "mount",
            kit.skin("mount"),
        )
        parts = [mount, self.housing(kit), *self.guns()]
        if kit.level >= 1:
            parts += [ring_of(bolt(0.03, "hex"), self.screws, 0.68).move(0, 0, 0.1)]
        if kit.level >= 2:
            parts += [
                greebles(Rng("turret", self.screws), 0.4, 0.3, 0.07, 0.1, "gear box", "mount").move(0, 0.3, 0.82),
                disc(0.07, 0.6, 0.98, "periscope", "sight", 0.02, 24).move(-0.3, 0.1, 0),
                tube(spline([(0.3, 0.3, 0.8), (0.3, 0.35, 1.2), (0.32, 0.4, 1.5)]), 0.014, "aerial", "steel", sides=8),
            ]
        return union(parts)

    def housing(self, kit: Kit) -> Solid:
        skin = kit.skin("housing")
        if self.shape == "drum":
            body = lathe(turned(0.58, 0.24).up(0.48).to(0.5, 0.86).close(), "housing", "housing", skin)
        elif self.shape == "dome":
            body = lathe(turned(0.6, 0.24).up(0.16).ovolo(-0.6, 0.5).close(), "housing", "housing", skin)
        else:
            low = np.array([(-0.5, -0.5), (0.5, -0.5), (0.58, 0.1), (0.4, 0.62), (-0.4, 0.62), (-0.58, 0.1)])
            top = low * ((0.62, 0.55) if self.shape == "wedge" else (0.9, 0.9)) + (
                0.0,
                0.12 if self.shape == "wedge" else 0.03,
            )
            share = np.linspace(0, 1, 2)[:, None, None]
            rings = low + share * (top - low)
            rings = np.concatenate([rings, np.broadcast_to(0.24 + 0.6 * share, (2, 6, 1))], axis=2)
            body = panelled(rings, "housing", "housing", skin)
        if self.armour:
            cheek = hull(
                np.array(
                    [(x, y, z) for x in (0.5, 0.66) for y, z in ((-0.55, 0.2), (-0.4, 0.75), (0.45, 0.65), (0.5, 0.3))]
                ),
                "cheek",
                "housing",
            )
            body = union((body, cheek, cheek.mirror("x")))
        return body

    def guns(self) -> list[Solid]:
        """Returns barrels side by side in their cradle, raised by `pitch`."""
        r, n = self.bore, self.barrels
        line = turned(1.5 * r, 0.0).to(1.5 * r, 0.25).to(1.1 * r, 0.32).to(0.85 * r, self.length - 0.15)
        line = {
            "plain": line.to(1.1 * r, self.length - 0.1).up(0.1),
            "brake": line.to(1.5 * r, self.length - 0.14)
            .up(0.04)
            .out(-0.4 * r)
            .up(0.03)
            .out(0.4 * r)
            .up(0.04)
            .out(-0.3 * r)
            .up(0.04),
            "ring": line.up(0.02).torus(0.08, 0.6 * r).up(0.03),
            "flare": line.to(1.6 * r, self.length),
        }[self.muzzle]
        one = lathe(line.close(), "barrel", "barrel", sides=32) - cylinder(0.5 * r, 0.2, "barrel", "barrel").move(
            0, 0, self.length - 0.12
        )
        if self.shroud:
            one = one | finned(1.35 * r, 0.3, 0.62 * self.length, 6, 0.35 * r, "shroud", "steel", 28)
        step = 3.6 * r
        row_ = row(one.move(-step * (n - 1) / 2), n, (step, 0, 0))
        cradle = box(step * n + 0.04, 0.3, 0.36, "cradle", "mount").move(0, 0, 0.05)
        trunnion = cylinder(0.1, 1.16, "trunnion", "steel").turn("y", TAU / 4).move(-0.58, 0, 0)
        return [union((row_, cradle)).turn("x", TAU / 4 - self.pitch).move(0, -0.38, 0.52), trunnion.move(0, -0.2, 0.5)]

    def words(self) -> str:
        return (
            f"a {self.shape} gun turret with "
            f"{('one barrel', 'two barrels', 'three barrels', 'four barrels')[self.barrels - 1]}"
        )


@dataclass(frozen=True)
class Dish(Family):
    """A dish antenna: reflector with ribs, feed on struts, yoke, mast."""

    SKINS = {"mast": ("machine", "tech"), "bowl": ("tech", "machine")}
    FINISHES = {
        "bowl": ("painted", "metal", "steel", "gold"),
        "mast": ("steel", "painted", "iron"),
        "feed": ("copper", "gold", "painted", "anodised"),
        "steel": ("steel",),
    }

    radius: float = span(0.6, 0.95)
    depth: float = span(0.16, 0.36)
    ribs: int = count(6, 18)
    struts: int = count(3, 4)
    tilt: float = span(0.2, 1.1)
    mast: str = choice("column", "tripod", "lattice")
    height: float = span(0.6, 1.1)
    rings: int = count(1, 3)

    def build(self, kit: Kit) -> Solid:
        dish = self.bowl(kit).move(0, 0, 0.2).turn("x", self.tilt).move(0, 0, self.height)
        head = union(
            (
                ball(0.14, "joint", "mast"),
                disc(0.17, -0.32, -0.08, "drive", "mast", 0.03),
                cylinder(0.07, 0.5, "axle", "steel").turn("y", TAU / 4).move(-0.25, 0, 0),
            )
        )
        return union((dish, head.move(0, 0, self.height), *self.tower(kit)))

    def bowl(self, kit: Kit) -> Solid:
        """Returns its pole at the origin, open to +z."""
        r, d, t = self.radius, self.depth, 0.03
        inside = [(r * k / 12, d * k * k / 144) for k in range(13)]
        line_ = (
            turned(0.0, -t)
            .curve(*((x, z - t) for x, z in inside[1:-1]), (r, d - t))
            .up(t)
            .curve(*reversed(inside[1:-1]), (0.0, 0.0))
        )
        shell = lathe(line_.close(), "reflector", "bowl", kit.skin("bowl"))
        rim = tube(hoop(r), 0.026, "rim", "bowl", sides=10).move(0, 0, d - 0.01)
        rib = tube(
            spline([(0.05, 0, -0.06), (0.5 * r, 0, 0.25 * d - 0.05), (0.97 * r, 0, 0.94 * d - 0.04)]),
            0.018,
            "rib",
            "steel",
            sides=8,
        )
        hoops = [
            tube(hoop(r * (k + 1) / (self.rings + 1)), 0.016, "rib", "steel", sides=8).move(
                0, 0, d * (k + 1) ** 2 / (self.rings + 1) ** 2 - 0.045
            )
            for k in range(self.rings)
        ]
        focus = min(r * r / (4 * d), 0.9)
        strut = tube(line((0.75 * r, 0, 0.56 * d), (0.04, 0, focus)), 0.014, "strut", "steel", sides=8)
        feed = lathe(
            turned(0.09, -0.1).to(0.05, 0.02).to(0.07, 0.04).up(0.1).ovolo(-0.07, 0.05).close(),
            "feed",
            "feed",
            sides=32,
        ).move(0, 0, focus)
        hub = lathe(turned(0.1, -0.24).to(0.2, -0.16).to(0.22, -0.02).to(0.1, 0.01).close(), "hub", "mast", sides=48)
        return union((shell, rim, around(rib, self.ribs), *hoops, around(strut, self.struts), feed, hub))

    def tower(self, kit: Kit) -> list[Solid]:
        h = self.height
        base = disc(0.5, 0.0, 0.07, "base", "mast", 0.02)
        bolts = [ring_of(bolt(0.03), 10, 0.43).move(0, 0, 0.07)] if kit.level >= 1 else []
        column = lathe(turned(0.2, 0.05).to(0.12, 0.25).to(0.1, h).close(), "mast", "mast", kit.skin("mast"))
        if self.mast == "column":
            return [base, column, *bolts]
        if self.mast == "tripod":
            leg = tube(line((0.05, 0, h - 0.15), (0.62, 0, 0.02)), 0.04, "leg", "mast", sides=14) | disc(
                0.1, 0.0, 0.05, "foot", "mast", 0.01, 24
            ).move(0.62)
            return [
                column.move(0, 0, 0.12),
                around(leg, 3),
                tube(hoop(0.35), 0.016, "brace", "steel", sides=8).move(0, 0, h * 0.42),
            ]
        posts = [tube(line((0.3, 0.3, 0.05), (0.1, 0.1, h)), 0.024, "leg", "mast", sides=10)]
        n = max(2, round(h / 0.25))
        levels = [(0.3 - 0.2 * k / n, 0.05 + (h - 0.05) * k / n) for k in range(n + 1)]
        posts += [
            tube(line((a, -a, z), (b, b, up)), 0.014, "brace", "steel", sides=6)
            for (a, z), (b, up) in zip(levels, levels[1:])
        ]
        posts += [tube(line((a, -a, z), (a, a, z)), 0.014, "brace", "steel", sides=6) for a, z in levels[1:]]
        return [base, around(union(posts), 4), *bolts, column.scale(0.6, 0.6, 1.0)]

    def words(self) -> str:
        return f"a dish antenna with {self.ribs} ribs on a {self.mast} mast"
