"""Weapons: swords and daggers, axes."""

from dataclasses import dataclass

import numpy as np

from detailverse.family import Family, Kit
from detailverse.modelling.figures import mirrored, outline
from detailverse.modelling.font import text
from detailverse.modelling.path import circle as hoop
from detailverse.modelling.path import helix, spiral, spline
from detailverse.modelling.profile import turned
from detailverse.modelling.region import Region, circle, polygon, rect, rosette, slot, star, superellipse
from detailverse.modelling.shapes import ball, extrude, lathe, loft, plate, tube
from detailverse.modelling.skin import BARE
from detailverse.modelling.solid import Solid, around, union
from detailverse.parts.elements import bead, upright
from detailverse.parts.jewellery import emblem, gem, outlined, setting
from detailverse.parts.machines import disc
from zeroverse.core.portable import TAU, cos_sin_array
from zeroverse.core.record import choice, count, seed, span
from zeroverse.core.rng import Rng

MOTTOES = ("ULFBERHT", "IN NOMINE", "FIDES", "VERITAS", "LUX ET LEX", "AETERNA", "HONOR", "NON OMNIS", "ᚠᚢᚦᚨᚱᚲ", "ᛏᛁᛏᛟ")
FITTINGS = ("gold", "brass", "silver", "bronze", "iron", "steel", "copper")


@dataclass(frozen=True)
class Sword(Family):
    """A sword or dagger, point down: blade with a fuller, guard, wrapped grip, pommel."""

    SKINS = {"grip": ("textile", "armour", "organic"), "blade": ("jewel", "armour"), "pommel": ("jewel", "classical")}
    FINISHES = {
        "blade": ("steel", "steel", "steel", "iron", "bronze", "silver"),
        "inlay": ("gold", "steel", "bronze", "silver"),
        "guard": FITTINGS,
        "grip": ("leather", "wood", "bone", "cloth", "horn"),
        "wire": ("silver", "gold", "steel", "rope"),
        "gem": ("gem",),
    }

    blade: str = choice("straight", "leaf", "sabre", "wavy", "tapered", "kris")
    length: float = span(0.9, 2.4)
    width: float = span(0.15, 0.34)
    fuller: str = choice("none", "inlay", "motto")
    guard: str = choice("bar", "curved", "tsuba", "crescent", "wings", "knots")
    across: float = span(0.5, 0.95)
    wrap: str = choice("wire", "crossed", "rings", "skin")
    grip: float = span(0.36, 0.55)
    pommel: str = choice("ball", "wheel", "lobes", "gem", "ring", "cap")
    emblem: str = choice("cross", "star", "rose", "sun", "fleur")
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        parts = [
            self.steel().turn("x", TAU / 2),
            *self.ornament(kit),
            *self.hilt(kit),
            self.end(kit).move(0, 0, self.grip + 0.06),
        ]
        body = union(parts).move(0, 0, self.length)
        return body.scale(2.1 / float(body.size[2]))

    def middle(self, t: np.ndarray) -> np.ndarray:
        """Returns the sideways place of the blade's middle, 0 … 1 along it."""
        if self.blade == "sabre":
            return 0.34 * t * t
        waves = {"wavy": 3.0, "kris": 2.0}.get(self.blade, 0.0)
        return 0.35 * self.width * cos_sin_array(TAU * waves * t)[1] * (1 - 0.4 * t)

    def half_width(self, t: np.ndarray) -> np.ndarray:
        tip = np.sqrt(np.maximum(0.0, 1 - np.maximum(0.0, (t - 0.78) / 0.22) ** 2))
        shapes = {
            "leaf": 0.78 + 0.34 * cos_sin_array(TAU * (0.9 * t - 0.52))[0],
            "tapered": 1.1 - 0.75 * t,
            "kris": 1.15 - 0.6 * t,
            "sabre": 1.0 - 0.15 * t,
        }
        return np.maximum(0.5 * self.width * shapes.get(self.blade, 1.0 - 0.2 * t) * tip, 0.006)

    def steel(self) -> Solid:
        """Returns the blade up from z = -0.03: a diamond section with a hollow fuller in the upper two thirds."""
        t = np.linspace(0.0, 1.0, 72)
        x = np.linspace(-1.0, 1.0, 17)
        deep = 0.4 * np.clip((0.72 - t) / 0.06, 0.0, 1.0)
        ridge = 1.0 - np.abs(x) ** 1.0 * np.abs(x)
        groove = np.clip(1 - (x / 0.36) ** 2, 0.0, 1.0)
        thick = 0.16 * self.width * (1.0 - 0.55 * t[:, None]) * (0.06 + 0.94 * ridge - deep[:, None] * groove)
        thick = np.maximum(thick, 0.006) * np.minimum(1.0, self.half_width(t)[:, None] / (0.2 * self.width) + 0.1)
        across = self.middle(t)[:, None] + self.half_width(t)[:, None] * x
        z = np.broadcast_to((-0.03 + (self.length + 0.03) * t)[:, None], across.shape)
        front, back = np.stack([across, -thick, z], axis=-1), np.stack([across, thick, z], axis=-1)
        return loft(np.concatenate([front, back[:, ::-1]], axis=1)[:, :], "blade", "blade")

    def ornament(self, kit: Kit) -> list[Solid]:
        """Returns what fills the fuller: a strip with details of its own, or a motto."""
        if self.fuller == "none" or self.blade not in ("straight", "leaf", "tapered"):
            return []
        long, wide = 0.62 * self.length, 0.3 * self.width * (0.72 if self.blade == "leaf" else 1.0)
        half = plate(slot(long, wide), 0.125 * self.width, "inlay", "inlay", kit.skin("blade"), margin=0.008)
        if self.fuller == "motto" and kit.level >= 2:
            words = text(Rng(self.seed, "motto").choice(MOTTOES), 0.75 * wide, 0.16, "serif")
            half = union(
                (
                    half,
                    extrude(
                        words.scale(min(1.0, 0.9 * long / (words.bounds[2] - words.bounds[0]))),
                        0.125 * self.width + 0.012,
                        "motto",
                        "guard",
                    ),
                )
            )
        half = half.turn("z", TAU / 4).turn("x", TAU / 4).move(0, 0, -0.55 * long + 0.02)
        return [half, half.turn("z", TAU / 2)]

    def hilt(self, kit: Kit) -> list[Solid]:
        """Returns the guard about z = 0 and the grip above it."""
        r, top = 0.07, self.grip + 0.06
        line = turned(0.8 * r, 0.0).curve(
            (1.02 * r, 0.3 * top), (1.08 * r, 0.5 * top), (0.86 * r, 0.85 * top), (0.9 * r, top)
        )
        parts = [
            lathe(line.close(), "grip", "grip", kit.skin("grip") if self.wrap == "skin" else BARE),
            self.cross(kit),
        ]
        ring = lathe(turned(0.6 * r, 0.0).out(0.58 * r).bead(0.04).out(-0.58 * r).back(), "ferrule", "guard", sides=32)
        parts += [ring.move(0, 0, 0.05), ring.move(0, 0, top - 0.06)]
        if kit.level >= 1 and self.wrap in ("wire", "crossed"):
            turns = 14.0 if self.wrap == "wire" else 5.0
            coil = tube(
                helix(1.03 * r, (top - 0.12) / turns, turns),
                0.013 if self.wrap == "wire" else 0.02,
                "wire",
                "wire",
                sides=8,
            ).move(0, 0, 0.07)
            parts += (
                [coil]
                if self.wrap == "wire"
                else [coil, coil.mirror("y").turn("z", TAU / 2), coil.turn("z", TAU / 2), coil.mirror("y")]
            )
        if kit.level >= 1 and self.wrap == "rings":
            parts += [ring.scale(1.0, 1.0, 0.7).move(0, 0, 0.05 + (top - 0.1) * s) for s in (0.25, 0.5, 0.75)]
        return parts

    def cross(self, kit: Kit) -> Solid:
        s = self.across / 2
        if self.guard == "tsuba":
            flat = rosette(6, 0.3, 0.03) - circle(0.045).move(0.2).around(6)
            return union(
                (
                    extrude(flat, 0.05, "guard", "guard").move(0, 0, -0.02),
                    outlined(rosette(6, 0.29, 0.03), 0.026, "guard", "guard", 0.005),
                )
            )
        if self.guard in ("crescent", "wings"):
            horn = outline(
                [(0, -0.09), (0.5, -0.05), (0.86, 0.06), (1.02, 0.3)], [(1.02, 0.3), (0.78, 0.2), (0.5, 0.11), (0, 0.1)]
            ).scale(s, 0.5)
            if self.guard == "wings":
                feathers = [slot(0.5 * s, 0.05).turn(0.5 + 0.35 * k).move(0.5 * s, 0.05 + 0.03 * k) for k in range(3)]
                horn = horn | feathers[0] | feathers[1] | feathers[2]
            flip = -1.0 if self.guard == "crescent" else 1.0
            body = (
                extrude(horn | horn.mirror("x"), 0.09, "guard", "guard")
                .move(0, 0, -0.045)
                .turn("x", TAU / 4)
                .scale(1, 1, flip)
            )
            return union((body, self.stud(kit)))
        if self.guard == "curved":
            line = spline([(-s, 0, -0.16), (-0.8 * s, 0, -0.03), (0, 0, 0), (0.8 * s, 0, 0.03), (s, 0, 0.16)])
            body = tube(
                line,
                lambda t: 0.036 + 0.03 * abs(2 * t - 1),
                "guard",
                "guard",
                section=superellipse(1.0, 1.0, 3.0),
                sides=20,
            )
            return union(
                (
                    body,
                    ball(0.07, "guard", "guard").move(-s, 0, -0.16),
                    ball(0.07, "guard", "guard").move(s, 0, 0.16),
                    self.stud(kit),
                )
            )
        bar = lathe(
            turned(0.045, -s)
            .up(0.04)
            .bead(0.05)
            .to(0.035, -0.7 * s)
            .to(0.05, 0)
            .to(0.035, 0.7 * s)
            .to(0.045, s - 0.09)
            .bead(0.05)
            .up(0.04)
            .close(),
            "guard",
            "guard",
            sides=28,
        )
        ends = [ball(0.062, "guard", "guard").move(side * s, 0, 0) for side in (-1, 1)]
        if self.guard == "knots":
            coil = tube(spiral(0.03, 0.12, 1.7), 0.026, "guard", "guard", sides=10)
            ends = [coil.turn("x", TAU / 4).move(s, 0, 0), coil.turn("x", TAU / 4).turn("z", TAU / 2).move(-s, 0, 0)]
        return union((bar.turn("y", TAU / 4), *ends, self.stud(kit)))

    def stud(self, kit: Kit) -> Solid:
        """Returns the block in the middle of the guard, a stone on both faces."""
        block = disc(0.1, -0.075, 0.075, "guard", "guard", 0.0, 8).turn("x", TAU / 4)
        if kit.level < 2:
            return block
        stone = upright(setting("round", 0.05, 0, 0.8, "guard")).move(0, -0.09, 0)
        return union((block, stone, stone.turn("z", TAU / 2)))

    def end(self, kit: Kit) -> Solid:
        """Returns the pommel over z = 0."""
        neck = disc(0.05, -0.03, 0.06, "pommel", "guard", sides=24)
        if self.pommel == "ball":
            line = turned(0.05, 0).out(0.02).bead(0.03).curve((0.13, 0.13), (0.06, 0.24)).bead(0.03).close()
            return union((neck, lathe(line, "pommel", "guard", kit.skin("pommel"))))
        if self.pommel == "wheel":
            wheel = disc(0.15, -0.045, 0.045, "pommel", "guard", 0.02)
            face = extrude(emblem(self.emblem, 0.17), 0.13, "emblem", "inlay").move(0, 0, -0.065)
            rim = outlined(circle(0.125), 0.014, "pommel", "guard", 0.045)
            return union((neck, union((wheel, face, rim, rim.mirror("z"))).turn("x", TAU / 4).move(0, 0, 0.16)))
        if self.pommel == "lobes":
            fan = extrude(star(5, 0.17, 0.12).rounded(0.02), 0.09, "pommel", "guard").move(0, 0, -0.045)
            lobes = [ball(0.055, "pommel", "guard").move(0.15).turn("z", TAU * k / 5 + TAU / 20) for k in (0, 1, 2)]
            return union((neck, union((fan, *lobes)).turn("x", TAU / 4).move(0, 0, 0.13)))
        if self.pommel == "gem":
            claws = around(
                tube(
                    spline([(0.05, 0, 0), (0.125, 0, 0.08), (0.12, 0, 0.18), (0.07, 0, 0.24)]),
                    0.016,
                    "claw",
                    "guard",
                    sides=8,
                ),
                5,
            )
            return union((neck, gem("round", 0.12, "stone").turn("x", TAU / 2).move(0, 0, 0.12), claws))
        if self.pommel == "ring":
            return union(
                (neck, tube(hoop(0.11), 0.032, "pommel", "guard", sides=16).turn("x", TAU / 4).move(0, 0, 0.15))
            )
        line = turned(0.06, 0).cove(0.05, 0.05).up(0.03).ovolo(-0.06, 0.08).bead(0.04)
        return union((neck, lathe(line.close(), "pommel", "guard", sides=8)))

    def words(self) -> str:
        kind = "dagger" if self.length < 1.3 else "sword"
        return f"a {kind} with a {self.blade} blade, a {self.guard} guard and a {self.pommel} pommel"


@dataclass(frozen=True)
class Axe(Family):
    """An axe: one blade or two, a haft with langets and a wrapped grip, a spike or a hammer."""

    SKINS = {"haft": ("wood", "armour", "textile"), "blade": ("armour", "jewel")}
    FINISHES = {
        "blade": ("steel", "iron", "bronze", "stone"),
        "edge": ("steel", "silver"),
        "haft": ("wood", "bone", "iron"),
        "wrap": ("leather", "cloth", "rope"),
        "iron": FITTINGS,
    }

    shape: str = choice("bearded", "crescent", "wedge", "broad", "hooked")
    reach: float = span(0.45, 0.8)
    tall: float = span(0.55, 1.0)
    back: str = choice("twin", "spike", "hammer", "none")
    top: str = choice("spike", "ball", "none")
    pierced: str = choice("none", "heart", "cross", "round", "moon")
    wraps: int = count(0, 14)
    straps: int = count(0, 3)
    bend: float = span(0.0, 0.14)

    def build(self, kit: Kit) -> Solid:
        one = self.head(kit)
        parts = [one, self.haft(kit), *self.fittings(kit)]
        if self.back == "twin":
            parts.append(one.turn("z", TAU / 2))
        return union(parts)

    def outline(self) -> Region:
        h, w = self.tall / 2, self.reach
        shapes = {
            "bearded": (
                [(0, -0.14), (0.4 * w, -0.2), (0.62 * w, -1.1 * h)],
                [(0.62 * w, -1.1 * h), (0.98 * w, -0.45 * h), (0.96 * w, 0.3 * h), (0.84 * w, 0.7 * h)],
                [(0.84 * w, 0.7 * h), (0.45 * w, 0.2), (0, 0.15)],
            ),
            "crescent": (
                [(0, -0.11), (0.3 * w, -0.12), (0.5 * w, -0.5 * h), (0.45 * w, -h)],
                [(0.45 * w, -h), (0.92 * w, -0.5 * h), (w, 0), (0.92 * w, 0.5 * h), (0.45 * w, h)],
                [(0.45 * w, h), (0.5 * w, 0.5 * h), (0.3 * w, 0.12), (0, 0.11)],
            ),
            "wedge": (
                [(0, -0.14), (0.5 * w, -0.2), (0.92 * w, -0.6 * h)],
                [(0.92 * w, -0.6 * h), (w, 0), (0.92 * w, 0.6 * h)],
                [(0.92 * w, 0.6 * h), (0.5 * w, 0.2), (0, 0.14)],
            ),
            "broad": (
                [(0, -0.16), (0.3 * w, -0.22), (0.8 * w, -h)],
                [(0.8 * w, -h), (0.98 * w, 0), (0.8 * w, h)],
                [(0.8 * w, h), (0.3 * w, 0.22), (0, 0.16)],
            ),
            "hooked": (
                [(0, -0.12), (0.35 * w, -0.14), (0.5 * w, -0.55 * h), (0.38 * w, -1.2 * h)],
                [(0.38 * w, -1.2 * h), (0.85 * w, -0.8 * h), (w, 0.0), (0.9 * w, 0.5 * h)],
                [(0.9 * w, 0.5 * h), (0.4 * w, 0.17), (0, 0.14)],
            ),
        }
        return outline(*shapes[self.shape])

    def head(self, kit: Kit) -> Solid:
        """Returns the blade towards +x at the height 1.55: thick at the eye, thin at the edge, which is polished."""
        region = self.outline()
        hole = {
            "none": polygon(),
            "heart": emblem("heart", 0.2).turn(-TAU / 4),
            "cross": emblem("cross", 0.2),
            "round": circle(0.07).move(-0.02),
            "moon": emblem("moon", 0.2),
        }[self.pierced]
        region = region - hole.move(0.52 * self.reach, 0.0)
        body = plate(region.offset(-0.001), 0.045, "blade", "blade", kit.skin("blade"), margin=0.05)
        body = (
            union((body, body.mirror("z")))
            if not kit.details
            else union((body.move(0, 0, -0.005), body.mirror("z").move(0, 0, 0.005)))
        )
        bevel = (region - region.move(-0.09 * self.reach - 0.03).offset(0.01)) & rect(self.reach, 4 * self.tall).move(
            0.85 * self.reach + 0.1
        )
        parts = [upright(body)]
        if not bevel.is_empty:
            parts.append(
                upright(extrude(bevel, 0.024, "edge", "edge", taper=1.0).move(0, 0, -0.012)).scale(1.03, 1, 1.01)
            )
        cheek = extrude(
            mirrored([(0, -0.15), (0.12, -0.13), (0.24, 0), (0.12, 0.13), (0, 0.15)]), 0.16, "eye", "blade"
        ).move(0, 0, -0.08)
        return union((*parts, upright(cheek))).move(0, 0, 1.55)

    def haft(self, kit: Kit) -> Solid:
        b = self.bend
        line = spline(
            [(0, 0, 1.85), (0, 0, 1.5), (0.3 * b, 0, 1.0), (-0.2 * b, 0, 0.5), (b, 0, 0.12), (1.3 * b, 0, 0.02)]
        )
        knob = ball(0.085, "knob", "haft" if self.top == "none" else "iron").scale(1, 1, 0.8).move(1.3 * b, 0, 0.06)
        return union(
            (
                tube(
                    line,
                    lambda t: 0.06 - 0.012 * t,
                    "haft",
                    "haft",
                    kit.skin("haft"),
                    sides=None if kit.details else 24,
                ),
                knob,
            )
        )

    def fittings(self, kit: Kit) -> list[Solid]:
        cap = lathe(turned(0.062, -0.05).out(0.025).bead(0.05).to(0.05, 0.06).close(), "cap", "iron", sides=32).move(
            0, 0, 1.85
        )
        collar = lathe(turned(0.05, -0.03).out(0.04).bead(0.06).out(-0.04).close(), "collar", "iron", sides=32)
        parts = [cap, collar.move(0, 0, 1.37), collar.move(0, 0, 1.73)]
        if self.top == "spike":
            parts.append(
                lathe(turned(0.05, 1.88).taper(0.065, 0.06).taper(0.0, 0.32).close(), "spike", "blade", sides=4)
            )
        if self.top == "ball":
            parts.append(ball(0.09, "finial", "iron").move(0, 0, 1.95))
        if self.back == "spike":
            parts.append(
                lathe(turned(0.09, 0).taper(0.06, 0.14).taper(0.0, 0.3).close(), "spike", "blade", sides=4)
                .turn("y", -TAU / 4)
                .move(-0.02, 0, 1.55)
            )
        if self.back == "hammer":
            parts.append(
                lathe(
                    turned(0.07, 0).up(0.16).fillet(0.02).out(0.05).up(0.16).fillet(0.02).out(-0.03).close(),
                    "hammer",
                    "blade",
                    sides=8,
                )
                .turn("y", -TAU / 4)
                .move(-0.02, 0, 1.55)
            )
        if kit.level >= 1 and self.straps:
            strap = upright(extrude(slot(0.5, 0.05), 0.03, "langet", "iron")).turn("y", TAU / 4)
            rivets = [upright(bead(0.02, "rivet", "iron")).move(0, -0.035, z) for z in (-0.15, 0.0, 0.15)]
            strap = union((strap, *rivets)).move(0.1 * self.bend, -0.04, 1.12)
            parts += [strap, strap.mirror("y")]
        if kit.level >= 1 and self.wraps:
            b, n = self.bend, self.wraps
            loop = tube(hoop(0.052), 0.022, "wrap", "wrap", sides=10)
            line = spline([(-0.2 * b, 0, 0.5), (b, 0, 0.12)])
            parts += [loop.turn("y", 0.16 * (-1) ** k).move(*line.at(line.length * (k + 0.5) / 15)) for k in range(n)]
        return parts

    def words(self) -> str:
        return f"a {'double ' if self.back == 'twin' else ''}{self.shape} axe" + (
            f" with a {self.back} at the back" if self.back in ("spike", "hammer") else ""
        )
