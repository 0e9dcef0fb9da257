"""Spacecraft plated by recursive splits, and what stands on them: turrets, dishes."""
from dataclasses import dataclass

import numpy as np

from detailverse.families.machines import finned
from detailverse.families.mechanical_parts import bolt, disc, panelled, ring_of
from detailverse.family import Family, Kit, one_of
from detailverse.path import circle as hoop
from detailverse.path import line, polyline, spline
from detailverse.profile import turned
from detailverse.shapes import ball, box, cylinder, hull, lathe, tube
from detailverse.solid import Solid, around, row, union
from zeroverse.portable import TAU
from zeroverse.record import choice, count, flag, seed, span
from zeroverse.rng import Rng


def split(rng: Rng, x: float, y: float, w: float, h: float, least: float):
    """Rectangles (x, y, w, h, stream) of a recursive split; x, y: their centres."""
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


def greebles(rng: Rng, w: float, h: float, least: float, tall: float, label: str, finish: str) -> Solid:
    """Small blocks, tanks, pipes and vents packed on w by h about the origin, up from z = 0."""
    return union(_greeble(one, a - 0.01, b - 0.01, tall, label, finish).move(x, y) for x, y, a, b, one in split(rng, 0.0, 0.0, w, h, least))


def _greeble(rng: Rng, w: float, h: float, tall: float, label: str, finish: str) -> Solid:
    z = tall * rng.uniform(0.25, 1.0)
    kind = rng.choice(("block", "stepped", "vent", "tank", "drum", "pipes", "wedge"))
    base = box(w, h, 0.03 + 0.25 * z, label, finish).move(0, 0, 0.125 * z - 0.015)
    if kind == "block":
        return box(w, h, z + 0.03, label, finish).move(0, 0, z / 2 - 0.015)
    if kind == "stepped":
        return union((base, box(0.7 * w, 0.7 * h, z, label, finish).move(0, 0, z / 2), box(0.3 * w, 0.5 * h, 1.3 * z, label, finish).move(0.1 * w, 0, 0.65 * z)))
    if kind == "vent":
        n = max(2, int(max(w, h) / 0.035))
        slat = box(0.5 * w / n, 0.9 * h, z, label, finish) if w > h else box(0.9 * w, 0.5 * h / n, z, label, finish)
        step = np.array([w / n, 0, 0]) if w > h else np.array([0, h / n, 0])
        return base | row(slat.move(*(-step * (n - 1) / 2)).move(0, 0, z / 2), n, step)
    r = 0.42 * min(w, h)
    if kind == "drum":
        return base | disc(r, 0.0, z + 0.1 * r, label, finish, 0.15 * r, 20) | disc(0.5 * r, 0.0, 1.3 * z + 0.1 * r, label, finish, sides=16)
    if kind == "wedge":
        return base | hull(np.array([(a * w * s, b * h * s, c) for a in (-0.45, 0.45) for b in (-0.45, 0.45) for s, c in ((1.0, 0.0), (0.6, z))]), label, finish)
    turn = TAU / 4 if w > h else 0.0
    long = max(w, h) - 2 * r
    if kind == "tank" or r < 0.04:
        tank = tube(line((0, -long / 2, 0.2 * z), (0, long / 2, 0.2 * z)), 0.9 * r, label, finish, sides=14)
        return base | tank.turn("z", turn)
    thin = min(0.02, 0.25 * r)
    bundle = union(tube(polyline([(x, -long / 2 - r, 0), (x, -long / 2, 0.5 * z + 0.02), (x, long / 2, 0.5 * z + 0.02), (x, long / 2 + r, 0)]), thin, label, finish, sides=8)
                   for x in (-0.6 * r, 0.0, 0.6 * r))
    return base | bundle.turn("z", turn)


@dataclass(frozen=True)
class Turret(Family):
    """A gun turret: ring mount, armoured housing, barrels."""

    SKINS = {"housing": ("tech", "armour", "machine"), "mount": ("machine", "tech")}
    FINISHES = {"housing": ("painted", "steel", "iron", "metal"), "mount": ("steel", "iron", "painted"), "barrel": ("steel", "iron", "bronze"), "sight": ("glass", "gem", "steel"), "steel": ("steel",)}

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
        mount = lathe(turned(0.72, 0.0).up(0.1).out(-0.08).up(0.08).out(0.04).up(0.06).to(0.5, 0.3).close(), "mount", "mount", kit.skin("mount"))
        parts = [mount, self.housing(kit), *self.guns()]
        if kit.level >= 1:
            parts += [ring_of(bolt(0.03, "hex"), self.screws, 0.68).move(0, 0, 0.1)]
        if kit.level >= 2:
            parts += [greebles(Rng("turret", self.screws), 0.4, 0.3, 0.07, 0.1, "gear box", "mount").move(0, 0.3, 0.82), disc(0.07, 0.6, 0.98, "periscope", "sight", 0.02, 24).move(-0.3, 0.1, 0),
                      tube(spline([(0.3, 0.3, 0.8), (0.3, 0.35, 1.2), (0.32, 0.4, 1.5)]), 0.014, "aerial", "steel", sides=8)]
        return union(parts)

    def housing(self, kit: Kit) -> Solid:
        skin = kit.skin("housing")
        if self.shape == "drum":
            body = lathe(turned(0.58, 0.24).up(0.48).to(0.5, 0.86).close(), "housing", "housing", skin)
        elif self.shape == "dome":
            body = lathe(turned(0.6, 0.24).up(0.16).ovolo(-0.6, 0.5).close(), "housing", "housing", skin)
        else:
            low = np.array([(-0.5, -0.5), (0.5, -0.5), (0.58, 0.1), (0.4, 0.62), (-0.4, 0.62), (-0.58, 0.1)])
            top = low * ((0.62, 0.55) if self.shape == "wedge" else (0.9, 0.9)) + (0.0, 0.12 if self.shape == "wedge" else 0.03)
            share = np.linspace(0, 1, 2)[:, None, None]
            rings = low + share * (top - low)
            rings = np.concatenate([rings, np.broadcast_to(0.24 + 0.6 * share, (2, 6, 1))], axis=2)
            body = panelled(rings, "housing", "housing", skin)
        if self.armour:
            cheek = hull(np.array([(x, y, z) for x in (0.5, 0.66) for y, z in ((-0.55, 0.2), (-0.4, 0.75), (0.45, 0.65), (0.5, 0.3))]), "cheek", "housing")
            body = union((body, cheek, cheek.mirror("x")))
        return body

    def guns(self) -> list[Solid]:
        """Barrels side by side in their cradle, raised by `pitch`."""
        r, n = self.bore, self.barrels
        line = turned(1.5 * r, 0.0).to(1.5 * r, 0.25).to(1.1 * r, 0.32).to(0.85 * r, self.length - 0.15)
        line = {"plain": line.to(1.1 * r, self.length - 0.1).up(0.1), "brake": line.to(1.5 * r, self.length - 0.14).up(0.04).out(-0.4 * r).up(0.03).out(0.4 * r).up(0.04).out(-0.3 * r).up(0.04),
                "ring": line.up(0.02).torus(0.08, 0.6 * r).up(0.03), "flare": line.to(1.6 * r, self.length)}[self.muzzle]
        one = lathe(line.close(), "barrel", "barrel", sides=32) - cylinder(0.5 * r, 0.2, "barrel", "barrel").move(0, 0, self.length - 0.12)
        if self.shroud:
            one = one | finned(1.35 * r, 0.3, 0.62 * self.length, 6, 0.35 * r, "shroud", "steel", 28)
        step = 3.6 * r
        row_ = row(one.move(-step * (n - 1) / 2), n, (step, 0, 0))
        cradle = box(step * n + 0.04, 0.3, 0.36, "cradle", "mount").move(0, 0, 0.05)
        trunnion = cylinder(0.1, 1.16, "trunnion", "steel").turn("y", TAU / 4).move(-0.58, 0, 0)
        return [union((row_, cradle)).turn("x", TAU / 4 - self.pitch).move(0, -0.38, 0.52), trunnion.move(0, -0.2, 0.5)]

    def words(self) -> str:
        return f"a {self.shape} gun turret with {('one barrel', 'two barrels', 'three barrels', 'four barrels')[self.barrels - 1]}"


@dataclass(frozen=True)
class Dish(Family):
    """A dish antenna: reflector with ribs, feed on struts, yoke, mast."""

    SKINS = {"mast": ("machine", "tech"), "bowl": ("tech", "machine")}
    FINISHES = {"bowl": ("painted", "metal", "steel", "gold"), "mast": ("steel", "painted", "iron"), "feed": ("copper", "gold", "painted", "anodised"), "steel": ("steel",)}

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
        head = union((ball(0.14, "joint", "mast"), disc(0.17, -0.32, -0.08, "drive", "mast", 0.03), cylinder(0.07, 0.5, "axle", "steel").turn("y", TAU / 4).move(-0.25, 0, 0)))
        return union((dish, head.move(0, 0, self.height), *self.tower(kit)))

    def bowl(self, kit: Kit) -> Solid:
        """Its pole at the origin, open to +z."""
        r, d, t = self.radius, self.depth, 0.03
        inside = [(r * k / 12, d * k * k / 144) for k in range(13)]
        line_ = turned(0.0, -t).curve(*((x, z - t) for x, z in inside[1:-1]), (r, d - t)).up(t).curve(*reversed(inside[1:-1]), (0.0, 0.0))
        shell = lathe(line_.close(), "reflector", "bowl", kit.skin("bowl"))
        rim = tube(hoop(r), 0.026, "rim", "bowl", sides=10).move(0, 0, d - 0.01)
        rib = tube(spline([(0.05, 0, -0.06), (0.5 * r, 0, 0.25 * d - 0.05), (0.97 * r, 0, 0.94 * d - 0.04)]), 0.018, "rib", "steel", sides=8)
        hoops = [tube(hoop(r * (k + 1) / (self.rings + 1)), 0.016, "rib", "steel", sides=8).move(0, 0, d * (k + 1) ** 2 / (self.rings + 1) ** 2 - 0.045) for k in range(self.rings)]
        focus = min(r * r / (4 * d), 0.9)
        strut = tube(line((0.75 * r, 0, 0.56 * d), (0.04, 0, focus)), 0.014, "strut", "steel", sides=8)
        feed = lathe(turned(0.09, -0.1).to(0.05, 0.02).to(0.07, 0.04).up(0.1).ovolo(-0.07, 0.05).close(), "feed", "feed", sides=32).move(0, 0, focus)
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
            leg = tube(line((0.05, 0, h - 0.15), (0.62, 0, 0.02)), 0.04, "leg", "mast", sides=14) | disc(0.1, 0.0, 0.05, "foot", "mast", 0.01, 24).move(0.62)
            return [column.move(0, 0, 0.12), around(leg, 3), tube(hoop(0.35), 0.016, "brace", "steel", sides=8).move(0, 0, h * 0.42)]
        posts = [tube(line((0.3, 0.3, 0.05), (0.1, 0.1, h)), 0.024, "leg", "mast", sides=10)]
        n = max(2, round(h / 0.25))
        levels = [(0.3 - 0.2 * k / n, 0.05 + (h - 0.05) * k / n) for k in range(n + 1)]
        posts += [tube(line((a, -a, z), (b, b, up)), 0.014, "brace", "steel", sides=6) for (a, z), (b, up) in zip(levels, levels[1:])]
        posts += [tube(line((a, -a, z), (a, a, z)), 0.014, "brace", "steel", sides=6) for a, z in levels[1:]]
        return [base, around(union(posts), 4), *bolts, column.scale(0.6, 0.6, 1.0)]

    def words(self) -> str:
        return f"a dish antenna with {self.ribs} ribs on a {self.mast} mast"


@dataclass(frozen=True)
class Spaceship(Family):
    """A spacecraft: a tapered hull plated by a recursive split, a bridge, wings, engines, and on it a turret or a dish."""

    SKINS = {"hull": ("tech", "machine", "armour"), "engine": ("machine", "tech")}
    FINISHES = {"hull": ("painted", "metal", "steel", "anodised"), "plate": ("painted", "metal", "steel"), "machinery": ("iron", "steel", "copper"), "engine": ("steel", "iron", "chrome"),
                "glow": ("glass", "gem"), "window": ("glass", "gem")}

    width: float = span(0.5, 0.95)
    height: float = span(0.3, 0.55)
    nose: float = span(0.2, 0.8)
    tail: float = span(0.6, 1.15)
    waist: float = span(0.75, 1.25)
    engines: int = count(1, 5)
    wings: str = choice("none", "swept", "pods", "fins", "ring")
    bridge: str = choice("tower", "canopy", "domes")
    fineness: float = span(0.055, 0.1)
    relief: float = span(0.03, 0.08)
    mounted: Family = one_of("turret", "dish")
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        """Its nose towards -y, 2 long."""
        parts = [self.hull(kit), *self.drive(kit), *self.wing(kit), *self.command(kit)]
        if kit.level >= 1:
            parts += self.cladding(kit)
        one = kit.nest("mounted", self.mounted, 0.17 * self.width + 0.06).move(0, -0.3, self.half(0.35)[1] - 0.01)
        return union((*parts, one))

    def half(self, s: float) -> tuple[float, float]:
        """(half width, half height) of the hull at s, 0 at the nose and 1 at the tail."""
        stops = ((0.0, 0.35 * self.nose, 0.4 * self.nose), (0.25, 0.5 * (1 + self.nose), 0.75), (0.55, self.waist, 1.0), (0.85, 1.0, 1.0), (1.0, self.tail, 0.8))
        at = [stop[0] for stop in stops]
        return (float(np.interp(s, at, [stop[1] for stop in stops])) * self.width / 2, float(np.interp(s, at, [stop[2] for stop in stops])) * self.height / 2)

    def hull(self, kit: Kit) -> Solid:
        section, rings = np.array([(1.0, -0.25), (1.0, 0.3), (0.62, 1.0), (-0.62, 1.0), (-1.0, 0.3), (-1.0, -0.25), (-0.55, -1.0), (0.55, -1.0)]), []
        for s in (0.0, 0.25, 0.55, 0.85, 1.0):
            w, h = self.half(s)
            rings.append(np.column_stack([section[:, 0] * w, np.full(8, 2.0 * s - 1.0), section[:, 1] * h]))
        return panelled(np.stack(rings)[:, ::-1], "hull", "hull", kit.skin("hull"))

    def cladding(self, kit: Kit) -> list[Solid]:
        """Plates and machinery on the back, the belly and both flanks; the flanks are mirror images."""
        parts, rng = [], Rng(self.seed, "plates")
        spans = ((0.27, 0.5), (0.52, 0.8), (0.82, 0.97))
        for number, (a, b) in enumerate(spans):
            one = rng.child(number)
            w, h = (min(x) for x in zip(self.half(a), self.half(b)))
            long, y = 2 * (b - a), (a + b) - 1.0
            deep = max(self.half(a)[0], self.half(b)[0]) - w
            flank = greebles(one.child("side"), long, 0.42 * h * 2 * 0.55, self.fineness, self.relief, "machinery", "machinery")
            flank = flank.turn("z", TAU / 4).turn("y", TAU / 4).move(w - 0.01, y, 0.02 * h)
            base = box(0.06 + 2 * deep, long, 0.5 * h, "machinery", "machinery").move(w - 0.03 - deep, y, 0.02 * h)
            back = self.plates(one.child("top"), 1.1 * w, long).move(0, y, h - 0.012)
            belly = greebles(one.child("belly"), 0.95 * w, long, self.fineness, self.relief, "machinery", "machinery").turn("y", TAU / 2).move(0, y, -h + 0.012)
            parts += [flank, flank.mirror("x"), base, base.mirror("x"), back, belly]
        return parts

    def plates(self, rng: Rng, w: float, long: float) -> Solid:
        """Flat plates of different heights with gaps, some with a hatch."""
        parts = []
        for x, y, a, b, one in split(rng, 0.0, 0.0, w, long, 1.6 * self.fineness):
            z = self.relief * one.uniform(0.15, 0.6)
            parts.append(box(a - 0.014, b - 0.014, z + 0.03, "plate", "plate").move(x, y, z / 2 - 0.015))
            if one.chance(0.3):
                parts.append(_greeble(one.child("hatch"), 0.5 * a, 0.5 * b, self.relief, "machinery", "machinery").move(x, y, z))
        return union(parts)

    def drive(self, kit: Kit) -> list[Solid]:
        """Nozzles at the tail in a row, or one in the middle of a ring."""
        w, h = self.half(1.0)
        r = min(0.95 * h, 0.9 * w / self.engines) if self.engines > 1 else min(1.1 * h, w)
        line_ = turned(0.62 * r, -0.14).up(0.14).to(0.7 * r, 0.06).out(0.15 * r).up(0.05).out(-0.1 * r).curve((0.85 * r, 0.16), (1.05 * r, 0.34)).out(-0.12 * r).curve((0.68 * r, 0.18), (0.5 * r, 0.1))
        bell = lathe(line_.close(), "engine", "engine", kit.skin("engine"))
        glow = disc(0.5 * r, 0.05, 0.14, "glow", "glow", 0.02, 32)
        one = union((bell, glow, around(box(0.3 * r, 0.03, 0.2, "strut", "engine").move(0.82 * r, 0, 0.06), 8))).turn("x", -TAU / 4).move(0, 0.99, 0)
        step = 2.05 * r
        return [row(one.move(-step * (self.engines - 1) / 2), self.engines, (step, 0, 0)), box(2 * w + 0.04, 0.08, 1.5 * h, "bulkhead", "plate").move(0, 0.95, 0)]

    def wing(self, kit: Kit) -> list[Solid]:
        w, h = self.half(0.7)
        if self.wings == "none":
            return []
        if self.wings == "ring":
            ring_ = lathe(turned(w + 0.3, -0.1).up(0.2).out(-0.09).up(-0.2).back(), "ring", "plate", sides=96).turn("x", TAU / 4).move(0, 0.3, 0)
            spoke = box(w + 0.28, 0.06, 0.05, "strut", "plate").move((w + 0.28) / 2, 0.3, 0)
            return [ring_, *(spoke.turn("y", TAU * k / 4) for k in range(4))]
        reach = w + (0.55 if self.wings == "swept" else 0.3)
        flat = hull(np.array([(x, y, z) for x, y, t in ((0.5 * w, -0.1, 0.05), (0.5 * w, 0.85, 0.05), (reach, 0.5, 0.016), (reach, 0.9, 0.016)) for z in (-t, t)]), "wing", "plate")
        if self.wings == "fins":
            fins = [flat.turn("y", lean) for lean in (0.6, -0.6)]
            return fins + [fin.mirror("x") for fin in fins]
        pod = tube(spline([(reach, -0.35, 0), (reach, 0.3, 0), (reach, 0.95, 0)]), lambda s: 0.05 + 0.28 * h * (0.4 + 2.2 * s * (1 - s)), "pod", "engine", sides=24, ends="round")
        gun = tube(line((reach, 0.4, -0.03), (reach, -0.25, -0.03)), 0.02, "gun", "engine", sides=10)
        wing = union((flat, pod if self.wings == "pods" else gun))
        greeble = greebles(Rng(self.seed, "wing"), 0.4 * (reach - w) + 0.05, 0.3, self.fineness, 0.04, "machinery", "machinery").move(w + 0.3 * (reach - w), 0.45, 0.02) if kit.level >= 1 else None
        wing = wing | greeble if greeble else wing
        return [wing, wing.mirror("x")]

    def command(self, kit: Kit) -> list[Solid]:
        """The bridge on the back, or a canopy near the nose."""
        w, h = self.half(0.8)
        if self.bridge == "canopy":
            nose_w, nose_h = self.half(0.2)
            return [ball(0.16, "canopy", "window").scale(0.9 * nose_w / 0.16, 1.8, nose_h / 0.16 * 0.9 + 0.25).move(0, -0.55, 0.7 * nose_h)]
        if self.bridge == "domes":
            dome = union((ball(0.1, "dome", "window"), disc(0.13, -0.08, 0.02, "collar", "plate", 0.02)))
            return [dome.move(x * 0.4 * w, y, h + 0.01) for x, y in ((-1, 0.5), (1, 0.5), (0, 0.2))]
        tower = hull(np.array([(x * a, y, z) for x in (-1, 1) for a, y, z in ((0.4 * w, 0.3, h - 0.02), (0.4 * w, 0.8, h - 0.02), (0.22 * w, 0.5, h + 0.22), (0.22 * w, 0.75, h + 0.22))]), "bridge", "plate")
        head = box(0.9 * w, 0.16, 0.09, "bridge", "plate").move(0, 0.6, h + 0.24)
        panes = row(box(0.05 * w + 0.01, 0.05, 0.03, "window", "window").move(-0.36 * w, 0.515, h + 0.25), 7, (0.12 * w, 0, 0))
        masts = [tube(line((x * 0.3 * w, 0.62, h + 0.26), (x * 0.3 * w, 0.66, h + 0.5)), 0.012, "aerial", "engine", sides=8) for x in (-1, 1)]
        return [tower, head, panes, *masts]

    def words(self) -> str:
        wings = {"none": "", "swept": " with swept wings", "pods": " with pods", "fins": " with four fins", "ring": " inside a ring"}[self.wings]
        return f"a spaceship with {self.engines} engine{'s' if self.engines > 1 else ''}{wings}, carrying {self.mounted.words()}"
