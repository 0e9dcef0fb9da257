"""Trees in leaf and bare, corals, firs, palms."""

from dataclasses import dataclass

import numpy as np

from detailverse import sdf
from detailverse.families.living.plants import GOLDEN, lump
from detailverse.family import Family, Kit
from detailverse.modelling.blob import blob
from detailverse.modelling.path import spline
from detailverse.modelling.profile import turned
from detailverse.modelling.shapes import ball, hull, lathe, tube
from detailverse.modelling.solid import Solid, at, union
from zeroverse.core import affine
from zeroverse.core.affine import towards
from zeroverse.core.portable import TAU, cos_sin
from zeroverse.core.record import choice, count, seed, span
from zeroverse.core.rng import Rng


@dataclass(frozen=True)
class Tree(Family):
    """A tree, bare or in leaf, a coral, whose limbs fork and grow thinner by da Vinci's rule in one smooth skin; a fir
    or a palm.
    """

    SKINS = {"bark": ("plant",)}
    FINISHES = {
        "bark": ("bark", "bark", "wood"),
        "leaf": ("foliage", "foliage", "foliage", "petal"),
        "fruit": ("bark", "petal"),
        "ground": ("terrain", "stone"),
    }

    form: str = choice("tree", "leafy", "leafy", "conifer", "palm", "coral", "bonsai")
    forks: int = count(4, 6)
    lean: float = span(0.4, 0.85)
    shrink: float = span(0.74, 0.88)
    trunk: float = span(0.1, 0.17)
    gnarl: float = span(0.1, 0.4)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        ground = lathe(turned(0.5).up(0.07).curve((0.3, 0.07), (0.08, 0.04)).close(), "ground", "ground").move(
            0, 0, -0.07
        )
        if self.form in ("conifer", "palm"):
            return union((ground, *(self.fir(kit) if self.form == "conifer" else self.palm(kit))))
        points, radii, bones, tips = self.limbs()
        wood = sdf.skeleton(points, radii, bones, smooth=0.03)
        if self.form != "coral":
            wood = sdf.union(wood, *self.roots(), smooth=0.08)
        trunk = blob(wood, 0.016, "trunk" if self.form != "coral" else "coral", "bark", kit.skin("bark"), room=0.012)
        parts = [trunk, ground]
        if self.form in ("leafy", "bonsai"):
            parts.append(self.foliage(tips, kit.level))
        return union(parts)

    def limbs(self):
        """Returns points [N, 3], radii [N], bones, and the tips: limbs of three bones each, forking."""
        rng = Rng(self.seed, "limbs")
        points, radii, bones, tips = [np.array([0.0, 0, -0.05])], [self.trunk * 1.15], [], []
        first = 0.4 if self.form != "bonsai" else 0.26
        ends = [(0, np.array([0.0, 0, 1]), first, self.trunk, ())]
        while ends:
            start, way, length, radius, path = ends.pop()
            stream = rng.child(*path)
            for k in range(3):
                gnarl = 0.8 * self.gnarl * (1.6 if self.form == "bonsai" else 1.0)
                way = affine.unit(way + gnarl * stream.child("bend", k).direction() + [0, 0, 0.1])
                points.append(points[start] + way * length / 3)
                radii.append(max(0.02, radius * (1 - 0.1 * (k + 1))))
                bones.append((start, len(points) - 1))
                start = len(points) - 1
            if len(path) + 1 >= self.forks or radius < 0.018:
                tips.append((points[start], way))
                continue
            children = 2 + stream.child("three").chance(0.35 if len(path) < 3 else 0.1)
            for child in range(children):
                out = stream.child("out", child).direction()
                side = affine.unit(out - way * float((out * way).sum()))
                spread = (
                    self.lean * (1.5 if self.form == "coral" else 1.0) * stream.child("spread", child).uniform(0.7, 1.4)
                )
                ends.append(
                    (
                        start,
                        affine.unit(way + spread * 1.6 * side),
                        length * self.shrink,
                        radius * (0.74 if children == 2 else 0.62),
                        (*path, child),
                    )
                )
        return np.array(points), np.array(radii), bones, tips

    def roots(self):
        rng = Rng(self.seed, "roots")
        for k in range(5):
            c, s = cos_sin(TAU * (k / 5 + 0.1 * rng.child(k).unit()))
            yield sdf.round_cone((0, 0, 0.08), (0.36 * c, 0.36 * s, -0.04), 0.6 * self.trunk, 0.03)

    def foliage(self, tips, level: int) -> Solid:
        """Returns a clump at every tip: a ball at level 0, leaves from then on."""
        size = 0.21 if self.form == "leafy" else 0.24
        clump = self.clump(size, level)
        frames = []
        for k, (tip, way) in enumerate(tips):
            if all(
                float(((tip - other) ** 2).sum()) > (1.15 * size) ** 2 for _, other in frames
            ):  # every overlap is a boolean that costs
                frames.append(
                    (towards(way + np.array([0, 0, 1.2])) * Rng(self.seed, "clump", k).uniform(0.85, 1.2), tip)
                )
        return at(clump, frames)

    def clump(self, size: float, level: int) -> Solid:
        if level == 0:
            return lump(size, "leaves", "leaf").scale(1, 1, 0.7)
        leaves = []
        number = 14 + 11 * level
        for k in range(number):
            z = 1 - 1.8 * (k + 0.5) / number
            c, s = cos_sin(TAU * GOLDEN * k)
            r = np.sqrt(max(0.0, 1 - z * z))
            out = np.array((r * c, r * s, z))
            leaves.append(
                (towards(out + [0.5 * c, 0.5 * s, 0.1]), 0.55 * size * out)
            )  # outwards and a little down: roof tiles against the rain
        return union((at(self.leaf(size), leaves), lump(0.7 * size, "leaves", "leaf")))

    def leaf(self, size: float) -> Solid:
        """Returns a leaf, pointed, folded along its rib, from its stem at the origin along +z."""
        wide = 0.16 + 0.12 * self.lean
        edge = [(0.0, 0.05), (wide, 0.32), (0.65 * wide, 0.52), (0.0, 0.72)]
        points = [
            (sign * x * size, 0.35 * size * x + y, z * size)
            for x, z in edge
            for sign in (1, -1)
            for y in (0.0, 0.03 * size + 0.008)
        ]
        return hull(np.array(points), "leaves", "leaf")

    def fir(self, kit: Kit):
        """Yields a straight trunk with tiers of boughs, the lower the longer; needles on their sides from level 2
        on.
        """
        yield lathe(turned(0.7 * self.trunk).to(0.02, 1.6).close(), "trunk", "bark", kit.skin("bark")).move(0, 0, -0.03)
        bough, tiers = self.bough(kit.level), 3 * self.forks - 4
        yield bough.scale(0.3).turn("y", -TAU / 4).move(0, 0, 1.55)
        for tier in range(tiers):
            t = tier / tiers
            long, number = (0.75 - 0.2 * self.lean) * (1 - t) + 0.1, 11 - round(5 * t)
            for k in range(number):
                size = long * Rng(self.seed, "bough", tier, k).uniform(0.85, 1.1)
                tilt = 0.35 - 0.75 * t
                turn = TAU * (k + 0.5 * (tier % 2)) / number
                yield (
                    bough.scale(size, size, min(1.0, 1.6 * size))
                    .turn("y", tilt)
                    .turn("z", turn)
                    .move(0, 0, 0.3 + 1.42 * t)
                )

    def bough(self, level: int) -> Solid:
        """Returns a bough along +x, 1 long, flat: a rib, and needles that point outwards from it."""
        rib = hull(
            np.array([(0, y, z) for y in (-0.035, 0.035) for z in (-0.03, 0.03)] + [(1.0, 0.0, -0.06)]),
            "boughs",
            "leaf",
        )
        if level < 2:
            return union(
                (
                    rib,
                    hull(
                        np.array(
                            [
                                (0.0, 0, 0.02),
                                (0.0, 0, -0.03),
                                (0.55, 0.24, -0.03),
                                (0.55, -0.24, -0.03),
                                (1.0, 0, -0.06),
                            ]
                        ),
                        "boughs",
                        "leaf",
                    ),
                )
            )
        needle = hull(
            np.array(
                [(0, y, z) for y in (-0.03, 0.03) for z in (-0.028, 0.028)] + [(0.3, 0.01, -0.02), (0.3, -0.01, -0.02)]
            ),
            "boughs",
            "leaf",
        )
        pairs = [
            needle.scale(1.15 - 0.9 * abs(t - 0.3)).turn("z", sign * 0.85).move(t, 0, -0.055 * t)
            for t in np.linspace(0.15, 0.95, 3 + 2 * level)
            for sign in (1, -1)
        ]
        return union((rib, *pairs))

    def palm(self, kit: Kit):
        """Yields a leaning trunk under a crown of fronds, with coconuts."""
        path = spline([(0, 0, -0.05), (0.25 * self.gnarl, 0, 0.6), (1.2 * self.gnarl - 0.1, 0, 1.4)])
        yield tube(
            path,
            lambda s: 0.075 + 0.1 * self.trunk + 0.05 * max(0.0, 0.25 - s) / 0.25 - 0.025 * s,
            "trunk",
            "bark",
            kit.skin("bark"),
        )
        top, frond = path.at(path.length), self.frond(kit.level)
        for k in range(9 + self.forks):
            lift = Rng(self.seed, "frond", k).uniform(-0.45, 0.25)
            yield frond.turn("y", lift).turn("z", TAU * GOLDEN * k).move(*top)
        for k in range(self.forks if kit.level >= 1 else 0):
            c, s = cos_sin(TAU * (0.1 + k / self.forks))
            yield ball(0.075, "coconuts", "fruit").move(*(top + np.array([0.1 * c, 0.1 * s, -0.08])))

    def frond(self, level: int) -> Solid:
        """Returns a frond along +x, 0.75 long, arched and hanging; leaflets from level 2 on."""
        arch = lambda t: np.array([0.78 * t, 0.0, 0.42 * t - 0.62 * t * t])
        rib = tube(
            spline([tuple(arch(t)) for t in (0.0, 0.35, 0.7, 1.0)]),
            lambda s: 0.022 - 0.012 * s,
            "fronds",
            "leaf",
            sides=8,
        )
        number = 5 if level < 2 else 5 + 3 * level
        leaflets = []
        for t in np.linspace(0.14, 0.98, number):
            long, half = 0.3 * (1.0 - 0.8 * (t - 0.35) ** 2) * (1.15 - 0.45 * t), 0.34 / number
            blade = hull(
                np.array(
                    [
                        (0, 0, 0.012),
                        (0, 0, -0.012),
                        (-half, 0.3 * long, 0.0),
                        (half, 0.3 * long, 0.0),
                        (0, 0.35 * long, 0.014),
                        (0.25 * long, long, -0.35 * long),
                    ]
                ),
                "fronds",
                "leaf",
            )
            leaflets += [one.move(*arch(t)) for one in (blade, blade.mirror("y"))]
        return union((rib, *leaflets))

    def words(self) -> str:
        return {
            "tree": "a bare tree",
            "leafy": "a tree in leaf",
            "conifer": "a fir",
            "palm": "a palm with coconuts",
            "coral": "a branching coral",
            "bonsai": "a bonsai",
        }[self.form]
