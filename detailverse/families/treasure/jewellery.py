"""Jewels: finger rings, crowns, pendants."""

from dataclasses import dataclass

from detailverse.family import Family, Kit
from detailverse.modelling.figures import cross, heart, shield
from detailverse.modelling.path import circle as hoop
from detailverse.modelling.path import polyline, spiral, spline
from detailverse.modelling.profile import Profile, turned
from detailverse.modelling.region import Region, circle, ellipse, rosette, star, superellipse
from detailverse.modelling.shapes import ball, extrude, lathe, plate, tube
from detailverse.modelling.solid import Solid, around, union
from detailverse.parts.elements import bead, upright
from detailverse.parts.jewellery import CUTS, emblem, facing, gem, outlined, setting, studded, wire
from detailverse.parts.machines import ring_of
from zeroverse.core.portable import TAU, atan2
from zeroverse.core.record import choice, count, flag, span

METALS = ("gold", "silver", "bronze", "copper", "brass")


@dataclass(frozen=True)
class FingerRing(Family):
    """A ring, upright: a band, a head with stones, stones on its shoulders."""

    SKINS = {"band": ("jewel", "classical")}
    FINISHES = {"band": METALS, "setting": METALS, "gem": ("gem", "crystal")}

    band: str = choice("court", "flat", "ridged", "rope")
    width: float = span(0.2, 0.5)
    thickness: float = span(0.08, 0.15)
    head: str = choice("solitaire", "bezel", "halo", "trio", "flower", "signet")
    cut: str = choice(*CUTS)
    stone: float = span(0.28, 0.48)
    claws: int = count(4, 8)
    shoulders: int = count(0, 6)
    seal: str = choice("fleur", "cross", "star", "castle", "moon", "anchor", "rose")
    milgrain: bool = flag(0.5)

    def build(self, kit: Kit) -> Solid:
        r, t = 0.68, self.thickness
        parts = [self.hoop(r, kit).turn("x", TAU / 4), self.crest(kit).move(0, 0, r + t)]
        if kit.level >= 1 and self.band != "rope":
            small = setting("round", min(0.09, 0.3 * self.width), 4, 1.0)
            start = (1.5 if self.head == "trio" else 1.15) * self.stone
            parts += [
                small.move(0, 0, r + t + 0.012).turn("y", side * (start + 0.24 * k))
                for side in (-1, 1)
                for k in range(self.shoulders)
            ]
        if kit.level >= 2 and self.milgrain and self.band != "rope":
            grain = ring_of(bead(0.022, "milgrain", "setting", 8), 110, r + 0.55 * t).turn("x", TAU / 4)
            parts += [grain.move(0, side * 0.5 * self.width, 0) for side in (-1, 1)]
        body = union(parts).turn("x", 0.45)  # leans back, so the head is seen
        return body.move(0, 0, -float(body.bounds[0][2]))

    def hoop(self, r: float, kit: Kit) -> Solid:
        """Returns the band about z."""
        w, t = self.width / 2, self.thickness
        if self.band == "rope":
            strands = 3 if self.width < 0.35 else 4
            return tube(
                hoop(r + 0.55 * t).resample(n=260),
                0.3 * self.width,
                "band",
                "band",
                section=rosette(strands, 1.0, 0.4),
                twist=9 * TAU,
                sides=12 * strands,
            )
        start = turned(r, -w)
        if self.band == "flat":
            line = start.out(0.8 * t).to(r + t, -0.85 * w).to(r + t, 0.85 * w).to(r + 0.8 * t, w).to(r, w)
        elif self.band == "ridged":
            line = start.out(0.4 * t).bead(0.35 * w).out(0.4 * t).up(1.3 * w).out(-0.4 * t).bead(0.35 * w).to(r, w)
        else:
            line = (
                start.out(0.35 * t)
                .curve((r + 0.9 * t, -0.5 * w), (r + 1.05 * t, 0), (r + 0.9 * t, 0.5 * w), (r + 0.35 * t, w))
                .to(r, w)
            )
        return lathe(line.back(), "band", "band", kit.skin("band"))

    def crest(self, kit: Kit) -> Solid:
        """Returns the head over z = 0, the outside of the band."""
        g, deep = self.stone, 0.8
        if self.head == "signet":
            seal = emblem(self.seal, 1.7 * g)
            table = lathe(
                turned(0.6 * g, -0.5 * g)
                .to(1.3 * g, 0.05)
                .up(0.15 * g)
                .bead(0.12 * g)
                .out(-0.14 * g)
                .to(1.1 * g, 0.16 * g)
                .close(),
                "table",
                "band",
            )
            return union((table, extrude(seal, 0.14 * g, "seal", "setting").move(0, 0, 0.13 * g)))
        main = setting(self.cut, g, 0 if self.head == "bezel" else self.claws, deep).move(0, 0, deep * g - 0.06)
        if self.head == "halo" and kit.level >= 1:
            tiny = setting("round", 0.1 * g / 0.46 + 0.03, 4, 0.7)
            spread = 1.05 * g + 0.11
            main = union(
                (
                    main,
                    ring_of(tiny, round(TAU * spread / 0.19), spread).move(0, 0, deep * g - 0.1),
                    wire(spread, 0.05, "gallery", "setting", deep * g - 0.17),
                    ring_of(
                        tube(
                            polyline([(0.5 * g, 0, 0), (spread, 0, deep * g - 0.17)]),
                            0.03,
                            "gallery",
                            "setting",
                            sides=8,
                        ),
                        8,
                        0,
                    ),
                )
            )
        if self.head == "trio":
            side = setting("round", 0.66 * g, self.claws, deep).move(0, 0, deep * 0.66 * g - 0.06)
            main = union(
                (main, *(side.move(0, 0, 0.8).turn("y", way * (1.55 * g)).move(0, 0, -0.8) for way in (-1, 1)))
            )
        if self.head == "flower":
            petal = setting("pear", 0.5 * g, 5, 0.6).turn("z", -TAU / 4).turn("y", 0.5).move(0.0, 0, 0)
            main = union(
                (
                    main,
                    ring_of(petal, 8, 1.28 * g).move(0, 0, 0.5 * g),
                    wire(1.0 * g, 0.05 * g + 0.02, "gallery", "setting", 0.3 * g),
                    ring_of(
                        tube(polyline([(0.3 * g, 0, 0), (1.2 * g, 0, 0.4 * g)]), 0.03, "gallery", "setting", sides=8),
                        8,
                        0,
                    ),
                )
            )
        return main

    def words(self) -> str:
        what = {
            "solitaire": f"a {self.cut} stone in claws",
            "bezel": f"a {self.cut} stone in a bezel",
            "halo": f"a {self.cut} stone in a halo of small ones",
            "trio": "three stones",
            "flower": "a flower of stones",
            "signet": f"a seal with a {self.seal}",
        }[self.head]
        return f"a {self.band} ring with {what}"


@dataclass(frozen=True)
class Crown(Family):
    """A crown: a jewelled circlet, points, arches with an orb, a cap inside, a rim of fur."""

    SKINS = {"circlet": ("jewel", "classical"), "cap": ("textile",)}
    FINISHES = {
        "circlet": METALS,
        "setting": METALS,
        "gem": ("gem", "crystal"),
        "pearl": ("shell", "gem", "bone"),
        "cap": ("cloth", "leather"),
        "fur": ("ermine",),
    }

    height: float = span(0.28, 0.5)
    flare: float = span(0.0, 0.16)
    points: int = count(4, 10)
    point: str = choice("fleur", "cross", "leaf", "spike", "star", "heart", "moon", "sun")
    tall: float = span(0.42, 0.85)
    between: str = choice("none", "pearls", "spikes")
    arches: int = count(0, 4)
    cap: bool = flag(0.5)
    fur: bool = flag(0.35)
    cut: str = choice("round", "emerald", "cushion", "cabochon", "oval")
    gems: int = count(6, 16)

    def build(self, kit: Kit) -> Solid:
        low, high, t = 0.82, 0.82 + self.flare, 0.06
        band = turned(low, 0.0).taper(high, self.height).out(-t).to(low - t, 0.0).back()
        parts = [
            lathe(band, "circlet", "circlet", kit.skin("circlet")),
            wire(low, 0.05, "rim", "setting"),
            wire(high - 0.02, 0.042, "rim", "setting", self.height),
        ]
        parts += self.crest(high)
        if kit.level >= 1:
            parts += self.jewels(kit)
        if self.fur:
            parts.append(
                lathe(turned(low - 0.12, -0.2).out(0.1).torus(0.24, 0.16).out(-0.1).back(), "fur", "fur", sides=96)
            )
        if self.cap:
            parts.append(self.lining(high, kit))
        if self.arches:
            parts += self.canopy(high)
        return union(parts)

    def crest(self, r: float) -> list[Solid]:
        size, n = min(self.tall, 6.2 * r / self.points), self.points
        shape = emblem(self.point, size) if self.point != "spike" else star(4, 0.5 * size, 0.16 * size)
        one = extrude(shape, 0.06, "point", "circlet").move(0, 0, -0.06)
        stem = extrude(star(4, 0.32 * size, 0.16 * size), 0.055, "point", "circlet").move(0, -0.5 * size, -0.058)
        out = [facing(union((one, stem)), TAU * (k / n + 0.25), r, self.height + 0.44 * size) for k in range(n)]
        tip = bead(0.055, "pearl", "pearl", 16)
        if self.between == "spikes":
            spike = extrude(star(4, 0.34 * size, 0.09 * size), 0.05, "point", "circlet").move(0, 0, -0.055)
            out += [
                facing(
                    union((spike, tip.move(0, 0.34 * size, -0.03))),
                    TAU * ((k + 0.5) / n + 0.25),
                    r,
                    self.height + 0.18 * size,
                )
                for k in range(n)
            ]
        if self.between == "pearls":
            out.append(
                ring_of(bead(0.075, "pearl", "pearl", 18), n, r - 0.03).turn("z", TAU / 4).move(0, 0, self.height + 0.1)
            )
        return out

    def jewels(self, kit: Kit) -> list[Solid]:
        """Returns stones around the circlet, every second a smaller one with pearls, and rows of beads along its
        rims.
        """
        large, small = setting(self.cut, 0.3 * self.height, 4, 0.5), setting("round", 0.15 * self.height, 0, 0.6)
        pearl = bead(0.034, "pearl", "pearl", 10)
        pair = union((small, *(pearl.move(0, side * 0.27 * self.height, -0.03) for side in (-1, 1))))
        n, middle, lean = self.gems // 2 * 2, 0.82 + self.flare / 2, atan2(self.flare, self.height)
        out = [
            facing((large, pair)[k % 2].turn("x", lean), TAU * (k / n + 0.25), middle + 0.04, 0.5 * self.height)
            for k in range(n)
        ]
        if kit.level >= 2:
            grain = bead(0.022, "milgrain", "setting", 8)
            out += [
                ring_of(grain, 120, 0.82 + 0.012 + self.flare * s).move(0, 0, s * self.height) for s in (0.12, 0.88)
            ]
        return out

    def lining(self, r: float, kit: Kit) -> Solid:
        low, top = 0.82 - 0.05, self.height + 0.55
        line = turned(low, 0.05).curve(
            (r - 0.06, self.height), (r - 0.05, self.height + 0.22), (0.55 * r, top - 0.08), (0.16, top - 0.02)
        )
        button = bead(0.1, "button", "setting", 20).move(0, 0, top)
        return union((lathe(line.close(), "cap", "cap", kit.skin("cap")), button))

    def canopy(self, r: float) -> list[Solid]:
        """Returns half arches to the middle, and the orb with its cross over it."""
        n, top = 2 * self.arches if self.arches > 1 else 4, self.height + 0.95
        way = spline(
            [
                (r - 0.04, 0, self.height - 0.05),
                (r + 0.05, 0, self.height + 0.45),
                (0.55 * r, 0, top + 0.05),
                (0, 0, top - 0.03),
            ]
        )
        arch = tube(way, 0.045, "arch", "circlet", section=superellipse(0.8, 1.6, 4.0), sides=20)
        pearls = [
            bead(0.036, "pearl", "pearl", 10).move(*way.at(s * way.length)) for s in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
        ]
        mound = (
            turned(0.06, top - 0.06)
            .out(0.05)
            .bead(0.05)
            .to(0.05, top + 0.02)
            .curve((0.17, top + 0.16), (0.03, top + 0.31))
            .close()
        )
        rood = extrude(cross(0.3, 0.07, 0.05), 0.06, "orb", "setting").move(0, 0, -0.03)
        studs = [bead(0.04, "pearl", "pearl", 12).move(0, 0, 0.035)]
        return [
            around(union((arch, *(p.move(0.045, 0, 0.03) for p in pearls))), n).turn("z", TAU / 8),
            lathe(mound, "orb", "setting", sides=40),
            wire(0.165, 0.02, "orb", "circlet", top + 0.16),
            upright(union((rood, *studs))).move(0, 0, top + 0.43),
        ]

    def words(self) -> str:
        extra = [
            word
            for word, there in (("arches and an orb", self.arches > 0), ("a cap", self.cap), ("a rim of fur", self.fur))
            if there
        ]
        return f"a crown with {self.points} points ({self.point})" + (f", {', '.join(extra)}" if extra else "")


@dataclass(frozen=True)
class Pendant(Family):
    """An amulet on a cord: a plate with a wire rim, a stone with others around it, scrolls, drops below."""

    SKINS = {"plate": ("jewel", "classical", "armour", "stone")}
    FINISHES = {
        "plate": (*METALS, "shell", "bone"),
        "setting": METALS,
        "gem": ("gem", "crystal"),
        "pearl": ("shell", "gem"),
        "cord": ("leather", "rope", "silver", "gold"),
    }

    shape: str = choice("disc", "oval", "heart", "shield", "flower", "star", "cross", "drop", "tablet")
    rims: int = count(1, 3)
    cut: str = choice(*CUTS)
    stone: float = span(0.16, 0.34)
    ring: int = count(0, 14)
    scrolls: bool = flag(0.5)
    drops: int = count(0, 5)
    cord: str = choice("rope", "beads", "plain")

    def build(self, kit: Kit) -> Solid:
        region, t = self.outline(), 0.1
        parts = [plate(region, t, "plate", "plate", kit.skin("plate"), margin=0.09)]
        parts += [
            outlined(region.offset(-0.012 - 0.07 * k), 0.042 - 0.006 * k, "rim", "setting", t - 0.005)
            for k in range(self.rims)
        ]
        parts.append(setting(self.cut, self.stone, 6, 0.4).move(0, 0, t + 0.33 * self.stone))
        if kit.level >= 1:
            parts += self.trim(t)
        if kit.level >= 2:
            grain = bead(0.024, "milgrain", "setting", 8)
            parts += studded(region.offset(-0.05), grain, 0.07, t + 0.012)
        lowest, highest = region.bounds[1], region.bounds[3]
        parts += self.hanging(lowest, t) if self.drops else []
        parts += self.bail(highest, t)
        return upright(union(parts)).move(0, t / 2, 1.0 - lowest - 0.75)

    def outline(self) -> Region:
        shapes = {
            "disc": lambda: circle(0.62),
            "oval": lambda: ellipse(0.52, 0.68),
            "heart": lambda: heart(1.35),
            "shield": lambda: shield(1.1, 1.35),
            "flower": lambda: rosette(8, 0.68, 0.16),
            "star": lambda: star(8, 0.78, 0.5).rounded(0.04),
            "cross": lambda: cross(1.5, 0.44, 0.14) | circle(0.42),
            "drop": lambda: ellipse(0.5, 0.5).move(0, -0.15) | star(3, 0.75, 0.4).turn(TAU / 4).rounded(0.05),
            "tablet": lambda: superellipse(0.52, 0.66, 5.0),
        }
        return shapes[self.shape]()

    def trim(self, t: float) -> list[Solid]:
        """Returns what lies around the stone: a ring of small settings and wire scrolls."""
        r = self.stone + 0.1
        out = [wire(self.stone + 0.03, 0.025, "gallery", "setting", t)]
        if self.ring:
            small = min(0.062, 1.2 * r / self.ring)
            out.append(ring_of(setting("round", small, 0, 0.9), self.ring, r).move(0, 0, t + 0.5 * small))
        if self.scrolls and self.stone < 0.26:
            coil = tube(spiral(0.03, 0.11, 1.6), 0.018, "scroll", "setting", sides=8)
            out += [around(coil.move(r + 0.14, 0.02), 6).move(0, 0, t)]
        return out

    def hanging(self, lowest: float, t: float) -> list[Solid]:
        """Returns drops in a row below, each on a small loop."""
        pear = gem("pear", 0.085, "drop").turn("x", 0.0).move(0, -0.16, 0)
        cap = bead(0.035, "drop cap", "setting", 10).move(0, -0.075, 0)
        link = tube(polyline([(0, 0.55, 0), (0, -0.08, 0)]), 0.016, "link", "setting", sides=8)
        drop = union((pear, cap, link))
        out = []
        for k in range(self.drops):
            x = (k - (self.drops - 1) / 2) * 0.2
            out.append(drop.move(x, lowest + 0.02 + 0.5 * abs(x) * (self.shape not in ("tablet", "cross")), t / 2))
        return out

    def bail(self, highest: float, t: float) -> list[Solid]:
        """Returns the loop on top, and the cord through it."""
        top = 0.37 if self.shape == "heart" else highest
        loop = lathe(
            Profile((hoop(0.035).points[:, :2][list(range(len(hoop(0.035).points))) + [0]] + (0.11, 0.0),)),
            "bail",
            "setting",
            sides=32,
        )
        line = spline([(-0.62, 0.62, 0), (-0.3, 0.26, 0), (0, 0.1, 0), (0.3, 0.26, 0), (0.62, 0.62, 0)])
        if self.cord == "beads":
            thread = tube(line, 0.016, "cord", "cord", sides=8)
            cord = union(
                (
                    thread,
                    *(
                        bead(0.048, "pearl", "pearl", 14).move(*line.at(0.098 * (k + 0.5)))
                        for k in range(int(line.length / 0.098))
                    ),
                )
            )
        elif self.cord == "rope":
            cord = tube(
                line.resample(n=120), 0.05, "cord", "cord", section=rosette(3, 1.0, 0.35), twist=10 * TAU, sides=30
            )
        else:
            cord = tube(line, 0.035, "cord", "cord", sides=14)
        return [
            loop.turn("y", TAU / 4).move(0, top + 0.07, t / 2),
            cord.move(0, top + 0.07, t / 2),
            ball(0.055, "bail", "setting").move(0, top - 0.01, t / 2),
        ]

    def words(self) -> str:
        extra = f" and {self.drops} drops" if self.drops > 1 else ""
        return f"a {self.shape} pendant with a {self.cut} stone{extra}"
