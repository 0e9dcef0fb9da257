"""Woven and twisted things: baskets, knots of rope."""

import math
from dataclasses import dataclass

import numpy as np

from detailverse.family import Family, Kit
from detailverse.modelling.path import Path, knot, spline
from detailverse.modelling.path import circle as hoop
from detailverse.modelling.profile import Profile, turned
from detailverse.modelling.region import rosette, superellipse
from detailverse.modelling.shapes import cylinder, lathe, tube
from detailverse.modelling.solid import Solid, around, union
from zeroverse.core.affine import towards
from zeroverse.core.portable import TAU, cos_sin_array
from zeroverse.core.record import choice, count, flag, seed, span
from zeroverse.core.rng import Rng

KNOTS = {
    "trefoil": (2, 3),
    "cinquefoil": (2, 5),
    "septfoil": (2, 7),
    "turk's head": (3, 4),
    "long turk's head": (3, 5),
    "rosette": (4, 5),
    "coil": (3, 2),
    "wreath": (5, 3),
}


def rope(path: Path, radius: float, label: str, slot: str, strands: int = 3, pitch: float = 5.0) -> Solid:
    """Returns twisted strands along a path as one sweep of a lobed section. pitch: of a turn, radii."""
    turns = max(1, round(path.length / (pitch * radius)))
    fine = path.resample(n=max(24, min(900, 7 * strands * turns)))
    return tube(
        fine,
        radius,
        label,
        slot,
        section=rosette(strands, 1.0, 0.34),
        twist=TAU * turns,
        sides=8 * strands,
        ends="flat",
    )


@dataclass(frozen=True)
class Basket(Family):
    """A basket: weavers over and under upright stakes, a roped rim, a handle or two, a cloth lining, a lid or what it
    holds.
    """

    SKINS = {"cloth": ("textile",), "lid": ("wood", "textile")}
    FINISHES = {
        "weaver": ("straw", "wood", "rope", "leather"),
        "stake": ("wood", "straw", "bark"),
        "rim": ("rope", "straw", "wood"),
        "cloth": ("cloth", "yarn"),
        "lid": ("wood", "straw"),
        "fruit": ("skin", "wax", "ceramic", "wood", "shell"),
    }

    bottom: float = span(0.45, 0.7)
    belly: float = span(0.65, 0.95)
    mouth: float = span(0.5, 0.9)
    tall: float = span(0.6, 1.2)
    stakes: int = count(7, 13)
    rows: int = count(7, 13)
    flat: float = span(0.5, 1.0)
    handle: str = choice("arch", "ears", "none", "arch")
    filling: str = choice("none", "lining", "fruit", "lid")
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        side = self.side()
        parts = [self.woven(side), self.floor(), *self.rims(side), *self.handles(side), *self.content(side, kit)]
        return union(parts)

    def side(self) -> Profile:
        return (
            turned(self.bottom, 0.0)
            .curve(
                (0.5 * (self.bottom + self.belly), 0.2 * self.tall),
                (self.belly, 0.55 * self.tall),
                (self.mouth, self.tall),
            )
            .open()
        )

    def woven(self, side: Profile) -> Solid:
        """Returns stakes along the profile, and a wavy ring in each row, every second one half a wave on."""
        n, step = 2 * self.stakes, self.tall / self.rows
        weaver, stake = 0.58 * step / self.flat, 0.03
        heights = np.linspace(0.02, self.tall, 12)
        line = Path(np.array([(side.radius_at(float(z)), 0.0, float(z)) for z in heights]))
        parts = [around(tube(line, stake, "stake", "stake", sides=6), n)]
        angles = TAU * np.arange(4 * n) / (4 * n)
        wave = cos_sin_array(angles * (n / 2))[0]
        c, s = cos_sin_array(angles)
        shape = superellipse(
            0.42 * self.flat + 0.1, self.flat, 2.6
        )  # x: across the wall; the frames of the sweep start with their normal up
        for k in range(self.rows):
            z = (k + 0.5) * step
            r = side.radius_at(z) + (stake + 0.25 * weaver) * wave * (1 if k % 2 else -1)
            ring = Path(np.column_stack([r * c, r * s, np.full(len(r), z)]), True)
            parts.append(tube(ring, weaver, "weaver", "weaver", section=shape.turn(TAU / 4), sides=10))
        return union(parts)

    def floor(self) -> Solid:
        return union(
            (
                cylinder(self.bottom + 0.02, 0.07, "base", "weaver").move(0, 0, -0.02),
                rope(hoop(self.bottom + 0.01), 0.07, "base rim", "rim").move(0, 0, 0.03),
            )
        )

    def rims(self, side: Profile) -> list[Solid]:
        return [rope(hoop(side.radius_at(self.tall)), 0.085, "rim", "rim", 3).move(0, 0, self.tall)]

    def handles(self, side: Profile) -> list[Solid]:
        r = side.radius_at(self.tall)
        if self.handle == "arch":
            line = spline(
                [
                    (r, 0, self.tall - 0.25),
                    (r + 0.03, 0, self.tall + 0.1),
                    (0.72 * r, 0, self.tall + 0.62),
                    (0, 0, self.tall + 0.85),
                    (-0.72 * r, 0, self.tall + 0.62),
                    (-r - 0.03, 0, self.tall + 0.1),
                    (-r, 0, self.tall - 0.25),
                ]
            )
            return [rope(line, 0.062, "handle", "rim", 4)]
        if self.handle == "ears":
            line = spline(
                [
                    (r - 0.02, -0.2, self.tall - 0.08),
                    (r + 0.06, -0.2, self.tall + 0.16),
                    (r + 0.08, 0, self.tall + 0.27),
                    (r + 0.06, 0.2, self.tall + 0.16),
                    (r - 0.02, 0.2, self.tall - 0.08),
                ]
            )
            return [around(rope(line, 0.05, "handle", "rim", 3), 2)]
        return []

    def content(self, side: Profile, kit: Kit) -> list[Solid]:
        r, high = side.radius_at(self.tall), self.tall
        if self.filling == "lining":
            hem = side.radius_at(0.72 * high) + 0.1
            cloth = lathe(_cuff(r, hem, high), "cloth", "cloth", kit.skin("cloth"))
            return [cloth, cylinder(r - 0.06, 0.04, "cloth", "cloth").move(0, 0, high - 0.1)]
        if self.filling == "lid":
            line = (
                turned(r + 0.05, high + 0.02)
                .up(0.05)
                .curve((0.75 * r, high + 0.2), (0.3 * r, high + 0.29), (0.12, high + 0.3))
            )
            knob = lathe(
                turned(0.06, high + 0.27).up(0.06).curve((0.12, high + 0.4), (0.03, high + 0.48)).close(),
                "knob",
                "rim",
                sides=24,
            )
            return [
                lathe(line.close(), "lid", "lid", kit.skin("lid")),
                rope(hoop(r + 0.05), 0.045, "lid rim", "rim").move(0, 0, high + 0.06),
                knob,
            ]
        if self.filling == "fruit":
            rng = Rng(self.seed, "fruit")
            wide = side.radius_at(high - 0.1)
            mound = turned(wide, high - 0.4).to(wide, high + 0.1 - 0.5 * wide * wide)
            mound = mound.curve((0.5 * wide, high + 0.1 - 0.125 * wide * wide), (0.0, high + 0.1))
            bed = lathe(mound.close(), "bed", "cloth", sides=36)
            places = [
                (ring * 0.31, TAU * k / max(1, 6 * ring) + ring)
                for ring in range(3)
                for k in range(max(1, 6 * ring))
                if ring * 0.31 + 0.1 < r
            ]
            fruits = [
                _fruit(0.15 + 0.05 * rng.unit())
                .turn("x", rng.uniform(-0.7, 0.7))
                .move(0, 0, high + 0.16 - 0.5 * d * d)
                .move(d)
                .turn("z", a)
                for d, a in places
            ]
            return [bed, *fruits]
        return []

    def words(self) -> str:
        extra = {"none": "", "lining": " with a cloth lining", "fruit": " of fruit", "lid": " with a lid"}[self.filling]
        return (
            f"a woven basket{extra}"
            + {"arch": " under an arched handle", "ears": " with two handles", "none": ""}[self.handle]
        )


def _cuff(r: float, hem: float, high: float) -> Profile:
    """Returns the part of a lining that hangs over the rim, closed."""
    out = spline(
        [
            (hem + 0.07, 0.72 * high),
            (max(r, hem) + 0.1, 0.9 * high),
            (r + 0.12, high + 0.02),
            (r + 0.02, high + 0.12),
            (r - 0.1, high + 0.04),
            (r - 0.12, high - 0.12),
        ]
    ).points[:, :2]
    back = spline(
        [
            (r - 0.08, high - 0.12),
            (r - 0.06, high + 0.02),
            (r + 0.02, high + 0.075),
            (r + 0.08, high),
            (max(r, hem) + 0.06, 0.9 * high),
            (hem + 0.03, 0.72 * high),
        ]
    ).points[:, :2]
    return Profile((out, np.stack([out[-1], back[0]]), back, np.stack([back[-1], out[0]])))


def _fruit(r: float) -> Solid:
    """Returns an apple with its stem, in the middle of its own height."""
    line = turned(0.0, -0.72 * r).curve(
        (0.45 * r, -0.86 * r), (0.98 * r, -0.1 * r), (0.8 * r, 0.62 * r), (0.25 * r, 0.72 * r), (0.0, 0.5 * r)
    )
    stem = tube(spline([(0, 0, 0.4 * r), (0.02, 0, 0.9 * r), (0.1 * r, 0, 1.15 * r)]), 0.02, "stem", "stake", sides=6)
    return union((lathe(line.close(), "fruit", "fruit", sides=28), stem))


@dataclass(frozen=True)
class RopeKnot(Family):
    """A rope tied to a torus knot, or a coil of it, on a base or by itself."""

    SKINS = {"base": ("wood", "stone", "machine"), "rope": ("textile",)}
    FINISHES = {
        "rope": ("rope", "yarn", "leather", "straw", "cloth", "gold"),
        "band": ("gold", "leather", "brass", "iron"),
        "base": ("wood", "stone", "marble", "iron"),
    }

    form: str = choice(*KNOTS)
    tube: float = span(0.2, 0.36)
    thick: float = span(0.6, 0.95)
    strands: int = count(2, 6)
    pitch: float = span(3.5, 8.0)
    lay: str = choice("twisted", "smooth", "braided", "twisted")
    squash: float = span(0.7, 1.1)
    upright: bool = flag(0.55)
    bands: int = count(0, 6)

    def build(self, kit: Kit) -> Solid:
        core = knot(*KNOTS[self.form], 1.0 - self.tube, self.tube).scale(1, 1, self.squash)
        r = min(0.16, self.thick * 0.5 * clearance(core.resample(n=360)))
        body = union((self.cord(core, r, kit), *self.whippings(core, r)))
        if not self.upright:
            return body
        body = body.turn("x", TAU / 4).turn("z", 0.2)
        low = float(body.bounds[0][2])
        line = turned(0.5, -0.2).up(0.06).fillet(0.02).to(0.44, -0.12).bead(0.05).cove(-0.08, 0.08).to(0.36, 0.12)
        base = lathe(line.close(), "base", "base", kit.skin("base")).move(0, 0, low)
        return union((body, base)).move(0, 0, 0.2 - low)

    def cord(self, core: Path, r: float, kit: Kit) -> Solid:
        if self.lay == "smooth":
            return tube(core, r, "rope", "rope", kit.skin("rope"), sides=None if kit.details else 20)
        if self.lay == "twisted":
            return rope(core, r, "rope", "rope", self.strands, self.pitch)
        turns = max(2, round(core.length / (self.pitch * 1.6 * r)))
        strands = [core.offset_strand(k, 3, 0.55 * r, turns) for k in range(3)]
        fine = [strand.resample(n=min(700, 16 * turns)) for strand in strands]
        return union(
            tube(strand, 0.56 * r, "strand", "rope", section=rosette(3, 1.0, 0.3), twist=-2 * turns * TAU, sides=18)
            for strand in fine
        )

    def whippings(self, core: Path, r: float) -> list[Solid]:
        """Returns bands of thread around the rope."""
        tangents = core.resample(n=120).tangents()
        points = core.resample(n=120).points
        line = turned(0.6 * r, -0.6 * r).out(0.5 * r)
        for _ in range(6):
            line = line.bead(0.2 * r)
        wind, out = lathe(line.to(0.6 * r, 0.6 * r).back(), "band", "band", sides=32), []
        for k in range(self.bands):
            i = k * 120 // self.bands
            out.append(wind.transform(towards(tangents[i]), points[i]))
        return out

    def words(self) -> str:
        return f"a {self.form} knot of {self.lay} rope" + (" on a base" if self.upright else "")


def clearance(path: Path) -> float:
    """Returns the least distance between two parts of a closed path that are further apart along it than 0.5."""
    p, marks = path.points, path.steps[:-1]
    gap = np.abs(marks[:, None] - marks[None])
    gap = np.minimum(gap, path.length - gap)
    step = p[:, None] - p[None]
    square = np.where(gap > 0.5, (step * step).sum(axis=2), 9.0)
    return math.sqrt(float(square.min()))
