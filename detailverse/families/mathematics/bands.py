"""Sculptures of one closed band or knot, on a plinth."""

import math
from dataclasses import dataclass

import numpy as np

from detailverse.families.architecture.columns import Column
from detailverse.families.household.boxes import Barrel
from detailverse.families.household.vases import Vase
from detailverse.family import Family, Kit, one_of
from detailverse.modelling.path import knot, spline
from detailverse.modelling.profile import turned
from detailverse.modelling.region import ngon, rosette
from detailverse.modelling.shapes import hull, lathe, tube
from detailverse.modelling.solid import Solid, leaf_solid, union
from detailverse.modelling.surface import Leaf
from zeroverse.core import affine
from zeroverse.core.portable import TAU, cos_sin, cos_sin_array
from zeroverse.core.record import choice, count, span


@dataclass(frozen=True)
class KnotSculpture(Family):
    """A knot of one tube, upright on a turned piece: a torus knot, a figure eight, a Lissajous knot or a loop that
    winds like a rosette.
    """

    SKINS = {"knot": ("organic", "machine", "jewel", "textile", "armour")}
    FINISHES = {
        "knot": ("bronze", "gold", "marble", "ceramic", "steel", "painted", "wood", "rubber"),
        "mount": ("metal", "wood", "stone"),
    }

    form: str = choice("torus", "torus", "eight", "lissajous", "rosette")
    p: int = count(2, 4)
    q: int = count(3, 6)
    section: str = choice("round", "round", "ribbed", "square", "star")
    thick: float = span(0.09, 0.17)
    swell: float = span(0.0, 0.25)
    turns: int = count(0, 3)
    strands: int = count(1, 4)
    tilt: float = span(0.0, 0.5)
    plinth: Family = one_of(column=Column, barrel=Barrel, vase=Vase)

    def build(self, kit: Kit) -> Solid:
        path = self.path().turn("x", TAU / 4 - self.tilt)
        thick = min(self.thick, 0.42 * _clearance(path.points))
        if self.strands > 1 and kit.level >= 1:
            loop = union(self.strand(path, k, thick) for k in range(self.strands))
        else:
            section = {
                "round": None,
                "ribbed": rosette(8, 1.0, 0.18),
                "square": ngon(4, 1.0).rounded(0.2),
                "star": rosette(5, 1.0, 0.4),
            }[self.section]
            wave = lambda s: thick * (1 - self.swell * (0.5 + 0.5 * cos_sin(TAU * self.q * s)[0]))
            loop = tube(
                path,
                wave,
                "knot",
                "knot",
                kit.skin("knot"),
                section=section,
                twist=TAU * self.turns if section is not None else 0.0,
            )
        foot = path.points[int(np.argmin(path.points[:, 2]))]
        loop = loop.move(*(-foot)).scale(0.85)
        plinth = kit.nest("plinth", self.plinth, 0.36)
        top = float(plinth.bounds[1][2])
        mount = lathe(
            turned(0.4, -0.08).up(0.06).ogee(-0.1, 0.08).to(0.12, 0.1).curve((0.07, 0.2), (0.09, 0.36)).close(),
            "mount",
            "mount",
        )
        stem = lathe(turned(0.2, float(plinth.bounds[0][2])).to(0.12, top).close(), "mount", "mount")
        return union((loop.move(0, 0, top + 0.34), plinth, stem, mount.move(0, 0, top)))

    def strand(self, path, number: int, thick: float) -> Solid:
        """Returns one of those of a rope."""
        turns = 4 * self.q
        return tube(
            path.offset_strand(number, self.strands, 0.52 * thick, turns).resample(n=len(path.points)),
            0.56 * thick,
            "knot",
            "knot",
            sides=14,
        )

    def path(self):
        if self.form == "torus":
            q = next(q for q in range(self.q, self.q + 9) if math.gcd(self.p, q) == 1)
            return knot(self.p, q, 0.66, 0.28).resample(n=360)
        t = TAU * np.arange(120) / 120
        turn = lambda n, phase=0.0: cos_sin_array(n * t + phase)
        if self.form == "eight":  # (2 + cos 2t) (cos 3t, sin 3t), sin 4t
            c3, s3 = turn(3)
            r = 0.3 * (2 + turn(2)[0])
            points = np.stack([r * c3, r * s3, 0.32 * turn(4)[1]], axis=1)
        elif self.form == "lissajous":
            points = np.stack(
                [0.85 * turn(3, 0.7)[0], 0.85 * turn(2, 0.2)[0], 0.5 * turn(7 if self.q % 2 else 5)[0]], axis=1
            )
        else:
            c, s = turn(1)
            r = 0.62 + 0.26 * turn(self.q)[0]
            points = np.stack([r * c, r * s, 0.26 * turn(self.q)[1]], axis=1)
        return spline(points, closed=True, per_span=3)

    def words(self) -> str:
        return {
            "torus": "a torus knot",
            "eight": "a figure-eight knot",
            "lissajous": "a Lissajous knot",
            "rosette": "a winding loop",
        }[self.form] + " on a plinth"


def _clearance(points: np.ndarray) -> float:
    """Returns the least distance between parts of the closed curve that are far apart along it."""
    n = len(points)
    gap = points[:, None] - points[None]
    far = np.abs(np.arange(n)[:, None] - np.arange(n)[None])
    near = np.minimum(far, n - far) < n // 12
    return float(np.sqrt(np.where(near, np.inf, (gap * gap).sum(axis=2)).min()))


@dataclass(frozen=True)
class Moebius(Family):
    """A band that closes on itself after half turns: plain, pierced, toothed at its edges or studded; on a plinth."""

    SKINS = {"base": ("classical", "machine", "jewel")}
    FINISHES = {
        "band": ("steel", "bronze", "gold", "marble", "wood", "painted", "copper"),
        "trim": ("gold", "metal", "gem"),
        "base": ("stone", "wood", "marble", "metal"),
    }

    halves: int = count(1, 5)
    wide: float = span(0.22, 0.42)
    thick: float = span(0.05, 0.12)
    bulge: float = span(0.0, 1.0)
    wave: float = span(0.0, 0.16)
    waves: int = count(2, 5)
    worked: str = choice("plain", "pierced", "studded", "toothed", "ribbed")
    marks: int = count(18, 48)
    tilt: float = span(0.0, 0.6)

    def build(self, kit: Kit) -> Solid:
        band = self.band()
        if kit.level >= 1 and self.worked != "plain":
            marks = union(self.mark(k) for k in range(self.marks))
            band = band - marks if self.worked == "pierced" else band | marks
        band = band.turn("x", TAU / 4 - self.tilt)
        points = np.asarray(band.manifold.to_mesh().vert_properties)[:, :3]
        band = band.move(*(-points[np.argmin(points[:, 2])][:2]))
        low = float(band.bounds[0][2])
        base = turned(0.5, -0.35).up(0.06).bead(0.04).ogee(-0.12, 0.1).up(0.06).to(0.2, -0.02).to(0.15, 0.1).close()
        return union((band, lathe(base, "base", "base", kit.skin("base")).move(0, 0, low)))

    def band(self, steps: int = 360, across: int = 48) -> Solid:
        """Returns a section that is the same after half a turn, swept around; after an odd number of half turns it
        joins the other side.
        """
        c, s = cos_sin_array(TAU * (np.arange(across) + 0.5) / across)
        flat = np.sqrt(np.sqrt(np.sqrt(c**4 + s**4)))  # towards a box
        section = np.stack(
            [self.wide * c / (flat * flat), self.thick * s * (1 + self.bulge * s * s * 0.5) / (flat * flat)], axis=1
        )
        rings = np.stack(
            [
                section[:, :1] * x + section[:, 1:] * y + place
                for place, x, y in map(self.frame, np.arange(steps) / steps)
            ]
        )
        i, j = np.meshgrid(np.arange(steps), np.arange(across), indexing="ij")
        shift = np.where(i == steps - 1, self.halves * across // 2, 0)
        a, b = i * across + j, i * across + (j + 1) % across
        i = (i + 1) % steps
        c, d = i * across + (j + shift) % across, i * across + (j + 1 + shift) % across
        faces = np.concatenate(
            [np.stack([a, b, d], axis=-1).reshape(-1, 3), np.stack([a, d, c], axis=-1).reshape(-1, 3)]
        )
        points = rings.reshape(-1, 3)
        solid = float((points[faces[:, 0]] * affine.cross(points[faces[:, 1]], points[faces[:, 2]])).sum())
        return leaf_solid(Leaf("band", "band"), points, faces if solid > 0 else faces[:, ::-1], None)

    def frame(self, t: float):
        """Returns (the middle [3], across the band [3], through it [3]) at the part t of the way around."""
        c, s = cos_sin(TAU * t)
        turn, tilt = cos_sin(TAU / 2 * self.halves * t)
        out, up = np.array([c, s, 0.0]), np.array([0.0, 0.0, 1.0])
        return (
            np.array([0.78 * c, 0.78 * s, self.wave * cos_sin(TAU * self.waves * t)[1]]),
            turn * up + tilt * out,
            turn * out - tilt * up,
        )

    def mark(self, number: int) -> Solid:
        place, x, y = self.frame((number + 0.5) / self.marks)
        along = affine.cross(x, y)
        step = TAU * 0.78 / self.marks
        corner = lambda u, v, w: place + u * x + v * y + w * along
        if self.worked == "studded":
            ring = [cos_sin(TAU * k / 10) for k in range(10)]
            size = 0.3 * step
            return hull(
                np.array(
                    [
                        corner(size * c * f, h, size * s * f)
                        for c, s in ring
                        for f, h in (
                            (1.0, -1.3 * self.thick),
                            (1.0, 1.3 * self.thick),
                            (0.5, -1.8 * self.thick),
                            (0.5, 1.8 * self.thick),
                        )
                    ]
                ),
                "studs",
                "trim",
            )
        if self.worked == "toothed":
            return union(
                hull(
                    np.array(
                        [
                            corner(side * u, v, w)
                            for u, f in ((0.9 * self.wide, 1.0), (1.0 * self.wide + 0.07, 0.45))
                            for v in (-0.5 * self.thick * f, 0.5 * self.thick * f)
                            for w in (-0.33 * step * f, 0.33 * step * f)
                        ]
                    ),
                    "teeth",
                    "trim",
                )
                for side in (1, -1)
            )
        if self.worked == "ribbed":
            return hull(
                np.array(
                    [
                        corner(u, v, w)
                        for u in (-0.85 * self.wide, 0.85 * self.wide)
                        for v, f in ((-1.35 * self.thick, 0.5), (1.35 * self.thick, 0.5), (0.0, 1.0))
                        for w in (-0.25 * step * f, 0.25 * step * f)
                    ]
                ),
                "ribs",
                "trim",
            )
        sides = 3 + number % 2 if self.marks % 2 else 8
        return hull(
            np.array(
                [
                    corner(0.6 * self.wide * c, v, 0.36 * step * s)
                    for k in range(sides)
                    for c, s in [cos_sin(TAU * (k + 0.5) / sides)]
                    for v in (-2.2 * self.thick, 2.2 * self.thick)
                ]
            ),
            "band",
            "band",
        )

    def words(self) -> str:
        return f"a {self.worked} band with {self.halves} half turn{'s' if self.halves > 1 else ''} on a base"
