"""Hand tools: hammers, spanners; locks and keys."""
from dataclasses import dataclass

import numpy as np

from detailverse.families.machines_clocks import ticks
from detailverse.families.mechanical_parts import bolt, disc, knob, ring_of, thread, upright
from detailverse.family import Family, Kit
from detailverse.font import text
from detailverse.path import circle as hoop
from detailverse.path import helix, polyline, spline
from detailverse.profile import turned
from detailverse.region import Region, circle, ellipse, gear, ngon, polygon, rect, ring, rosette, stroke
from detailverse.region import union as joined
from detailverse.shapes import ball, box, cylinder, extrude, hull, lathe, plate, tube
from detailverse.solid import Solid, union
from zeroverse.portable import TAU
from zeroverse.record import choice, count, flag, seed, span
from zeroverse.rng import Rng

QUATREFOIL = 4


def bow(kind: str, size: float) -> Region:
    """The handle of a key, pierced, about the origin; it reaches down to -size."""
    if kind == "ring":
        return ring(size, 0.62 * size)
    if kind == "trefoil":
        lobes = [(0, 0.42 * size), (-0.45 * size, -0.25 * size), (0.45 * size, -0.25 * size)]
        return joined(circle(0.52 * size).move(*place) for place in lobes) - joined(circle(0.28 * size).move(*place) for place in lobes) | circle(0.24 * size).move(0, -0.8 * size)
    if kind == "heart":
        whole = circle(0.55 * size).move(-0.45 * size, 0.3 * size) | circle(0.55 * size).move(0.45 * size, 0.3 * size) | polygon(
            [(-0.9 * size, 0.0), (0, -1.05 * size), (0.9 * size, 0.0), (0, 0.4 * size)])
        return whole - whole.offset(-0.22 * size)
    if kind == "gothic":
        petals = circle(0.4 * size).move(0.5 * size, 0).around(QUATREFOIL)
        return (petals | ring(1.0 * size, 0.84 * size)) - circle(0.24 * size).move(0.5 * size, 0).around(QUATREFOIL) - circle(0.12 * size)
    if kind == "gear":
        return gear(14, 0.9 * size, bore=0.2 * size, spokes=5)
    return rosette(8, size, 0.16 * size) - circle(0.18 * size).move(0.62 * size, 0).around(8) - circle(0.25 * size)


@dataclass(frozen=True)
class Key(Family):
    """An old key: a pierced bow, turned collars, a shank, a bit with wards."""

    SKINS = {"shank": ("jewel", "classical", "armour"), "bow": ("jewel", "classical")}
    FINISHES = {"bow": ("gold", "brass", "bronze", "silver", "iron", "copper"), "shank": ("brass", "iron", "silver", "bronze", "gold"), "bit": ("iron", "brass", "steel"),
                "gem": ("gem",)}

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
        rim = [tube(_outline(contour, t), 0.24 * t, "rim", "bow", sides=10) for contour in region.offset(-0.12 * t).simplified(2e-3).contours()] if kit.level >= 1 else []
        head = upright(union((flat, *rim))).move(0, 0, 2.0 - s)
        parts = [head, self.stem(kit), self.wards()]
        if self.jewel:
            gem = lathe(turned(0.0, -0.16).to(0.1, 0.0).to(0.07, 0.05).to(0.0, 0.06).close(), "gem", "gem", sides=8).move(0, 0, t / 2 + 0.02)
            collet = disc(0.12, -t / 2 - 0.01, t / 2 + 0.03, "collet", "bow", 0.02)
            parts.append(upright(union((gem, gem.turn("x", TAU / 2), collet))).move(0, 0, 2.0 - s if self.bow in ("gothic", "rosette", "gear") else 2.0 - 2.05 * s))
        return union(parts)

    def stem(self, kit: Kit) -> Solid:
        """The shank with its collars, and the knob or pin at its end."""
        top, r = 2.0 - 1.93 * self.size, self.shank
        shaft = cylinder(r, top, "shank", "shank", kit.skin("shank"))
        line = turned(1.3 * r, -0.1).up(0.02).bead(0.05).out(0.25 * r).bead(0.06).out(-0.25 * r).up(0.03)
        collar = lathe(line.close(), "collar", "shank", sides=40)
        collars = [collar.move(0, 0, top - 0.02 - 0.2 * k) for k in range(self.collars)]
        tip = lathe(turned(0.5 * r, -0.16).to(0.62 * r, -0.14).to(0.62 * r, 0.01).close(), "pin", "shank", sides=32) if self.pin else ball(1.35 * r, "tip", "shank")
        return union((shaft, *collars, tip))

    def wards(self) -> Solid:
        """The bit: a plate with stepped teeth and slits that miss the shank."""
        rng, long, deep = Rng(self.seed, "bit"), 0.42, 0.36
        region = rect(deep + self.shank, long).move((deep + self.shank) / 2, 0.28)
        step = long / self.teeth
        for k in range(self.teeth):
            cut, y = rng.uniform(0.04, 0.17), 0.07 + (k + 0.5) * step
            region = region - rect(2 * cut, 0.62 * step).move(deep + self.shank, y)
        region = region - rect(0.12, 0.03).move(self.shank + 0.12, 0.28) - rect(0.03, 0.16).move(self.shank + 0.12, 0.28) - rect(0.14, 0.035).move(self.shank + 0.2, 0.49)
        one = upright(extrude(region, 0.075, "bit", "bit").move(0, 0, -0.0375))
        return one if self.bits == 1 else one | one.turn("z", TAU / 2)

    def words(self) -> str:
        shape = {"ring": "ring", "trefoil": "trefoil", "heart": "heart-shaped", "gothic": "pierced quatrefoil", "rosette": "rosette", "gear": "gear-shaped"}[self.bow]
        return f"an old key with a {shape} bow{' set with a gem' if self.jewel else ''} and {'a double' if self.bits == 2 else 'a'} bit"


def _outline(contour: np.ndarray, thickness: float):
    return polyline(contour, closed=True).move(0, 0, thickness / 2).resample(spacing=0.025)


@dataclass(frozen=True)
class Padlock(Family):
    """A padlock: body, shackle, keyhole under an escutcheon, rivets, its key in it or not."""

    SKINS = {"body": ("armour", "machine", "classical", "jewel"), "shackle": ("machine", "armour")}
    FINISHES = {"body": ("brass", "iron", "steel", "bronze", "painted", "gold"), "shackle": ("steel", "iron", "chrome"), "trim": ("brass", "steel", "gold", "iron"),
                "key": ("brass", "iron", "steel")}

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
            drum = cylinder(0.42 * self.height, self.width, "body", "body", kit.skin("body")).turn("y", TAU / 4).move(-self.width / 2, 0, 0)
            caps = [disc(0.46 * self.height, -0.05, 0.05, "cap", "trim", 0.02).turn("y", TAU / 4).move(x) for x in (-self.width / 2, self.width / 2)]
            body, front = union((drum, *caps)), 0.42 * self.height
        else:
            slab = plate(region, d / 2, "body", "body", kit.skin("body"), margin=0.05)
            body, front = upright(slab.move(0, 0, 0.004) | extrude(region.offset(-0.01), 0.05, "body", "body").move(0, 0, -0.025) | extrude(region, d / 2, "body", "body").move(0, 0, -d / 2 - 0.004)), d / 2
        return union((body, *self.bow(kit), upright(self.front(kit)).move(0, -front + 0.01), *self.trim(region, kit)))

    def outline(self) -> Region:
        w, h = self.width, self.height
        square = rect(w, h, 0.12 * w)
        return {"square": square, "round": circle(0.56 * h).scale(w / h * 0.95, 1.0), "barrel": square,
                "shield": (rect(w, 0.5 * h).move(0, 0.25 * h) | ellipse(w / 2, 0.62 * h)).rounded(0.06),
                "heart": (circle(0.29 * w).move(-0.23 * w, 0.22 * h) | circle(0.29 * w).move(0.23 * w, 0.22 * h) | polygon(
                    [(-0.5 * w, 0.1 * h), (0, -0.62 * h), (0.5 * w, 0.1 * h), (0.2 * w, 0.45 * h), (-0.2 * w, 0.45 * h)])).rounded(0.05),
                "arched": (rect(w, 0.75 * h).move(0, -0.12 * h) | ellipse(w / 2, 0.5 * h).move(0, 0.05 * h)).rounded(0.05)}[self.shape]

    def bow(self, kit: Kit) -> list[Solid]:
        """The shackle through two sleeves, lifted and turned when it is open."""
        x, low, r = 0.3 * self.width, 0.12 * self.height, self.shackle
        high = 0.5 * self.height + self.rise
        points = [(-x, 0, low), (-x, 0, high - x), (-0.72 * x, 0, high - 0.28 * x), (0, 0, high), (0.72 * x, 0, high - 0.28 * x), (x, 0, high - x)]
        points += [(x, 0, 0.5 * self.height - 0.05)] if self.opened else [(x, 0, low)]
        loop = tube(spline(points), r, "shackle", "shackle", kit.skin("shackle"), sides=None if kit.details else 24, ends="flat")
        if self.opened:
            loop = loop.move(x, 0, 0).turn("z", 0.7).move(-x, 0, 0.2)
        sleeve = lathe(turned(1.5 * r, -0.3).up(0.3).bead(0.05).to(1.2 * r, 0.08).close(), "sleeve", "trim", sides=36)
        top = 0.42 * self.height if self.shape != "square" else 0.49 * self.height
        return [loop, sleeve.move(-x, 0, top), sleeve.move(x, 0, top)]

    def front(self, kit: Kit) -> Solid:
        """The escutcheon with its keyhole, or a wheel of numbers; flat, upwards."""
        if self.dial:
            wheel = knob(turned(0.3, -0.02).to(0.3, 0.07).to(0.24, 0.1).to(0.22, 0.2).to(0.19, 0.22), 30, "dial", "trim")
            return wheel | extrude(ticks(0.36, 0.0, TAU * 39 / 40, 40, 1, 0.06), 0.04, "dial", "key").move(0, 0, -0.01) | extrude(text("1", 0.14), 0.03, "dial", "key").move(0, 0.0, 0.2)
        size = 0.24 * self.height
        face = {"round": circle(size), "shield": (rect(1.7 * size, size).move(0, 0.45 * size) | ellipse(0.85 * size, 1.1 * size)), "diamond": ngon(4, 1.3 * size),
                "rosette": rosette(8, 1.15 * size, 0.14 * size)}[self.plate]
        hole = circle(0.24 * size).move(0, 0.2 * size) | polygon([(-0.1 * size, 0.2 * size), (-0.24 * size, -0.6 * size), (0.24 * size, -0.6 * size), (0.1 * size, 0.2 * size)])
        parts = [extrude(face - hole, 0.045, "escutcheon", "trim").move(0, 0, -0.01), extrude(face.offset(-0.02) - face.offset(-0.05), 0.06, "escutcheon", "trim").move(0, 0, -0.01)]
        if kit.level >= 2:
            parts.append(ring_of(bolt(0.025, "dome", "pin", "trim"), 4, 0.72 * size).move(0, 0, 0.03))
        if self.key:
            stem = union((cylinder(0.035, 0.5, "key", "key").move(0, 0.2 * size, -0.05), extrude(bow("ring", 0.16), 0.05, "key", "key").turn("x", TAU / 4).turn("z", TAU / 4).move(0, 0.2 * size, 0.56)))
            parts.append(stem)
        return union(parts)

    def trim(self, region: Region, kit: Kit) -> list[Solid]:
        """A raised border on both faces, rivets along it, a band around the middle."""
        if self.shape == "barrel":
            return []
        d = self.depth
        rim = upright(extrude(region.offset(0.02) - region.offset(-0.06), 0.05, "rim", "trim").move(0, 0, d / 2 - 0.03))
        parts = [rim, rim.mirror("y")]
        if self.band:
            parts.append(upright(extrude(region.offset(0.025) - region.offset(-0.05), 0.3 * d, "band", "trim").move(0, 0, -0.15 * d)))
        if self.rivets >= 4 and kit.level >= 1:
            inner = polyline(max(region.offset(-0.035).contours(), key=len), closed=True)
            heads = union(bolt(0.034, "dome", "rivet", "trim").move(x, y, d / 2 + 0.01) for x, y, _ in inner.resample(n=2 * self.rivets).points)
            parts.append(upright(heads))
        return parts

    def words(self) -> str:
        return f"{'an open' if self.opened else 'a'} {self.shape} padlock{' with a number dial' if self.dial else ' with its key' if self.key else ''}"


@dataclass(frozen=True)
class Hammer(Family):
    """A hammer: claw, ball peen, sledge, mallet or war hammer, on a shaped shaft."""

    SKINS = {"shaft": ("wood", "textile", "armour"), "head": ("machine", "armour", "stone")}
    FINISHES = {"shaft": ("wood", "plastic", "leather", "bone"), "head": ("steel", "iron", "bronze", "gold"), "grip": ("leather", "rubber", "cloth"), "trim": ("steel", "brass", "iron")}

    kind: str = choice("claw", "ball peen", "sledge", "mallet", "war")
    length: float = span(1.2, 1.75)
    head: float = span(0.28, 0.42)
    thick: float = span(0.1, 0.17)
    shaft: float = span(0.05, 0.075)
    swell: float = span(1.05, 1.5)
    wrapped: str = choice("bare", "wound", "sleeve", "rings")
    collar: bool = flag(0.6)
    pommel: str = choice("round", "knob", "loop")
    sides: int = count(4, 8)

    def build(self, kit: Kit) -> Solid:
        top = self.length
        return union((self.handle(kit), self.iron(kit).move(0, 0, top), *self.grip(kit), *self.fittings(top)))

    def handle(self, kit: Kit) -> Solid:
        r, n = self.shaft, self.length
        line = turned(0.85 * r * self.swell, 0.0).curve((r * self.swell, 0.12), (0.92 * r, 0.4 * n), (0.86 * r, 0.75 * n), (0.95 * r, n + 0.1))
        return lathe(line.close(), "shaft", "shaft", kit.skin("shaft")).scale(1, 0.82, 1)

    def iron(self, kit: Kit) -> Solid:
        """The head along x about the origin, its face at +x."""
        t, h = self.thick, self.head
        if self.kind == "mallet":
            line = turned(1.6 * t, -h).bead(0.08).up(0.02).curve((1.75 * t, 0), (1.6 * t, h - 0.1)).bead(0.08)
            return lathe(line.close(), "head", "head", kit.skin("head")).turn("y", TAU / 4)
        eye = box(2.3 * t, 2.0 * t, 2.2 * t, "head", "head", kit.skin("head"), sides="+-y")
        eye = eye & extrude(rect(2.3 * t, 2.2 * t, 0.3 * t), 4 * t, "head", "head").turn("x", TAU / 4).move(0, 2 * t, 0)
        neck = lathe(turned(0.95 * t, 0.9 * t).curve((0.68 * t, 1.5 * t), (0.8 * t, 0.75 * h)).to(1.0 * t, 0.8 * h).to(1.0 * t, h - 0.02).to(0.92 * t, h).close(), "face", "head", sides=8 if self.sides > 5 else 40)
        front = neck.turn("y", TAU / 4)
        return union((eye, front, self.peen(t, h)))

    def peen(self, t: float, h: float) -> Solid:
        """What is at -x."""
        if self.kind == "claw":
            region = stroke([(0.0, 0.25 * t), (-0.5 * h, 0.2 * t), (-0.85 * h, -0.05 * t), (-1.15 * h, -0.75 * t), (-1.25 * h, -1.3 * t)], 0.75 * t)
            claw = upright(extrude(region, 2.0 * t, "claw", "head").move(0, 0, -t))
            wedge = hull(np.array([(x, y, z) for z in (-3.0, 3.0) for x, y in ((-0.35 * h, 0.0), (-1.6 * h, 0.75 * t), (-1.6 * h, -0.75 * t))]), "claw", "head")
            bevel = hull(np.array([(x, y, z) for y in (-2 * t, 2 * t) for x, z in ((0.2, -2 * t), (0.2, 2 * t), (-1.5 * h, -2.0 * t), (-1.5 * h, 0.9 * t))]), "claw", "head")
            return (claw & bevel) - wedge
        if self.kind == "ball peen":
            return ball(0.85 * t, "peen", "head").move(-0.8 * h) | lathe(turned(0.7 * t, 0.9 * t).curve((0.5 * t, 1.6 * t), (0.7 * t, 0.8 * h)).close(), "peen", "head", sides=40).turn("y", -TAU / 4)
        if self.kind == "sledge":
            return lathe(turned(0.95 * t, 0.9 * t).to(0.9 * t, 0.8 * h).to(1.0 * t, 0.85 * h).to(1.0 * t, h).close(), "face", "head", sides=self.sides).turn("z", TAU / 2 / self.sides).turn("y", -TAU / 4)
        spike = [(-0.8 * t, y, z) for y in (-0.6 * t, 0.6 * t) for z in (-0.8 * t, 0.8 * t)] + [(-1.6 * h, 0.0, -0.3 * t), (-1.6 * h, 0.02, -0.34 * t)]
        point = lathe(turned(0.5 * t, 0.8 * t).to(0.6 * t, 1.3 * t).to(0.0, 3.4 * t).close(), "spike", "head", sides=4)
        return hull(np.array(spike), "beak", "head") | point

    def grip(self, kit: Kit) -> list[Solid]:
        r, long = self.shaft * self.swell, 0.42 * self.length
        if self.wrapped == "sleeve":
            line = turned(0.9 * r, -0.01).to(1.25 * r, 0.02)
            for k in range(6):
                z = 0.04 + k * long / 6
                line = line.to(1.25 * r, z + 0.5 * long / 6).to(1.08 * r, z + 0.6 * long / 6).to(1.08 * r, z + 0.8 * long / 6).to(1.25 * r, z + 0.95 * long / 6)
            return [lathe(line.to(0.9 * r, long + 0.08).close(), "grip", "grip", sides=48).scale(1, 0.85, 1)]
        if self.wrapped == "wound" and kit.level >= 1:
            return [tube(helix(0.96 * r, 0.042, long / 0.042, 0.88).scale(1, 0.82, 1).move(0, 0, 0.06), 0.024, "winding", "grip", sides=8)]
        if self.wrapped == "rings":
            return [tube(hoop(0.95 * r), 0.03, "ring", "trim", sides=12).scale(1, 0.85, 1).move(0, 0, z * self.length) for z in (0.08, 0.38, 0.42)]
        return []

    def fittings(self, top: float) -> list[Solid]:
        r, t = self.shaft, self.thick
        end = {"round": ball(0.95 * r * self.swell, "pommel", "shaft").scale(1, 0.85, 0.7), "knob": lathe(turned(0.6 * r, -0.12).curve((1.7 * r, -0.03), (0.9 * r, 0.06)).close(), "pommel", "trim", sides=40),
               "loop": upright(tube(hoop(0.09), 0.02, "loop", "trim", sides=12)).move(0, 0, -0.07)}[self.pommel]
        collar = [disc(1.45 * r, top - 1.15 * t - 0.1, top - 1.0 * t, "collar", "trim", 0.02)] if self.collar else []
        wedge = box(1.5 * r, 0.3 * r, 0.06, "wedge", "trim").move(0, 0, top + 0.1)
        return [end, wedge, *collar]

    def words(self) -> str:
        name = {"mallet": "a mallet", "sledge": "a sledge hammer", "war": "a war hammer"}.get(self.kind, f"a {self.kind} hammer")
        return f"{name}{dict(bare='', wound=' with a wound grip', sleeve=' with a rubber grip', rings=' with rings on its shaft')[self.wrapped]}"


@dataclass(frozen=True)
class Spanner(Family):
    """A spanner: open, ring or adjustable jaws at the ends of a fluted bar, and its size on it."""

    SKINS = {"bar": ("machine", "tech", "armour"), "head": ("machine", "armour", "jewel")}
    FINISHES = {"bar": ("chrome", "steel", "iron", "gold"), "screw": ("steel", "brass"), "nut": ("brass", "steel", "iron")}

    left: str = choice("open", "open", "adjustable", "hook")
    right: str = choice("ring", "open", "socket", "hole")
    length: float = span(1.2, 1.6)
    width: float = span(0.2, 0.34)
    thickness: float = span(0.1, 0.18)
    jaw: float = span(0.22, 0.34)
    fluted: bool = flag(0.6)
    points: str = choice("6", "12")
    size: int = count(6, 32)
    nut: bool = flag(0.4)

    def build(self, kit: Kit) -> Solid:
        """Flat on the ground, along x."""
        half, t = self.length / 2, self.thickness
        bar = rect(self.length, self.width) | polygon([(-half, -self.jaw * 0.7), (-half + 0.35, -self.width / 2), (-half + 0.35, self.width / 2), (-half, self.jaw * 0.7)])
        web = plate(bar.rounded(0.03), 0.6 * t, "bar", "bar", kit.skin("bar"), margin=0.06).move(0, 0, -0.3 * t)
        rails = extrude(bar - bar.offset(-0.04), 0.86 * t, "bar", "bar").move(0, 0, -0.43 * t) & box(1.7 * half, 1, 1, "bar", "bar") if self.fluted else None
        parts = [web, *([rails] if rails else []), self.open_end(kit).move(-half - 0.1), self.other_end(kit).move(half + 0.08)]
        mark = extrude(text(f"{self.size} MM", 0.5 * self.width, weight=0.16), 0.75 * t, "mark", "bar").move(0.1, 0, -0.1 * t)
        return union((*parts, *([mark] if kit.level >= 1 else []), *([self.loose_nut()] if self.nut else [])))

    def open_end(self, kit: Kit) -> Solid:
        j, t = self.jaw, self.thickness
        if self.left == "hook":
            return extrude((ring(1.3 * j, 0.85 * j) - polygon([(-3, -3), (0.0, 0), (-0.3, 3), (-3, 3)])) | rect(0.25 * j, 0.3 * j).move(-0.05, 0.9 * j), t, "jaw", "bar").move(0, 0, -t / 2)
        outline = (circle(1.15 * j) | circle(0.75 * j).move(-0.55 * j, 0.5 * j) | circle(0.75 * j).move(-0.55 * j, -0.5 * j)).rounded(0.05)
        gap = (rect(2.4 * j, 1.1 * j).move(-1.35 * j, 0) | ngon(6, 0.63 * j).move(-0.3 * j, 0)).turn(0.26)
        half = plate(outline - gap, 0.63 * t, "jaw", "bar", kit.skin("head"), margin=0.02)
        head = union((half.move(0, 0, 0.004), extrude((outline - gap).offset(-0.01), 0.04, "jaw", "bar").move(0, 0, -0.02), half.turn("x", TAU / 2).mirror("y").move(0, 0, -0.004)))
        if self.left != "adjustable":
            return head
        window = box(0.8 * j, 0.62 * j, 3 * t, "jaw", "bar").move(0.62 * j, -0.2 * j)
        worm = thread(0.24 * j, 0.17 * j, 0.13 * j, 0.84 * j, "worm", "screw", 28).turn("y", TAU / 4).move(0.2 * j, -0.2 * j)
        slide = box(0.9 * j, 0.22 * j, 0.6 * t, "jaw", "bar").turn("z", 0.26).move(-0.2 * j, -0.72 * j)
        pin = cylinder(0.07 * j, 1.2 * j, "pin", "screw").turn("y", TAU / 4).move(0.05 * j, -0.2 * j)
        return union((head - window, worm, slide, pin))

    def other_end(self, kit: Kit) -> Solid:
        j, t = 0.9 * self.jaw, self.thickness
        if self.right == "hole":
            return extrude(circle(0.62 * j) - circle(0.3 * j), t, "eye", "bar").move(-0.05, 0, -t / 2)
        if self.right == "open":
            outline = circle(0.95 * j) - (rect(2 * j, 0.85 * j).move(0.95 * j, 0) | ngon(6, 0.49 * j).move(0.25 * j, 0)).turn(0.26)
            return extrude(outline, 1.2 * t, "jaw", "bar").move(0, 0, -0.6 * t)
        hole = ngon(6, 0.62 * j) if self.points == "6" else ngon(6, 0.62 * j) | ngon(6, 0.62 * j).turn(TAU / 12)
        tall = 1.5 * t if self.right == "ring" else 4.0 * t
        line = turned(0.86 * j, -0.75 * t).fillet(0.02).to(0.95 * j, -0.6 * t).to(0.95 * j, tall - 0.9 * t).to(0.86 * j, tall - 0.75 * t)
        return lathe(line.close(), "ring", "bar", sides=72) - extrude(hole, tall + 1, "ring", "bar").move(0, 0, -0.5 - 0.7 * t)

    def loose_nut(self) -> Solid:
        """A nut in the jaws of the left end."""
        j, t = self.jaw, self.thickness
        half = self.length / 2
        return extrude(ngon(6, 0.64 * j).turn(0.26) - circle(0.3 * j), 1.6 * t, "nut", "nut").move(-half - 0.1 - 0.3 * j, 0, -0.8 * t)

    def words(self) -> str:
        name = {"open": "an open", "adjustable": "an adjustable", "hook": "a hook"}[self.left]
        return f"{name} spanner with {dict(ring='a ring', open='a second jaw', socket='a socket', hole='a hanging hole')[self.right]} at the other end, marked {self.size}"
