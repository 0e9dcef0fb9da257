"""Four-legged creatures, real and imagined."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from detailverse import sdf
from detailverse.family import Family, Kit
from detailverse.modelling.blob import blob
from detailverse.modelling.path import Path, spline
from detailverse.modelling.profile import turned
from detailverse.modelling.shapes import lathe
from detailverse.modelling.solid import Solid, union
from detailverse.parts.creatures import eyes, fin, horn, leg, pair, spike, toes
from zeroverse.core import affine
from zeroverse.core.portable import cos_sin
from zeroverse.core.record import choice, flag, seed, span


class Build(NamedTuple):
    """Proportions of a kind: lengths and radii in the unit of the creature, angles in radians above the horizontal."""

    leg: float
    body: float
    chest: float
    hips: float
    neck: float
    rise: float
    head: float
    skull: float
    snout: float
    tail: float
    droop: float
    limb: float
    toes: int  # 0: hooves
    ears: float


KINDS = {
    "dog": Build(0.6, 0.75, 0.21, 0.17, 0.32, 0.8, 0.3, 0.13, 0.07, 0.55, -0.5, 0.085, 4, 0.16),
    "cat": Build(0.5, 0.75, 0.19, 0.18, 0.24, 0.7, 0.18, 0.15, 0.07, 0.8, -0.7, 0.08, 4, 0.15),
    "horse": Build(0.85, 0.85, 0.26, 0.25, 0.62, 0.95, 0.42, 0.13, 0.09, 0.6, 0.9, 0.1, 0, 0.13),
    "bull": Build(0.6, 0.95, 0.35, 0.27, 0.3, 0.35, 0.34, 0.17, 0.12, 0.6, 1.1, 0.12, 0, 0.14),
    "boar": Build(0.4, 0.8, 0.33, 0.25, 0.16, 0.1, 0.44, 0.18, 0.08, 0.25, 0.6, 0.1, 0, 0.14),
    "deer": Build(0.85, 0.7, 0.2, 0.18, 0.5, 1.1, 0.3, 0.1, 0.06, 0.14, 0.2, 0.07, 0, 0.18),
    "bear": Build(0.5, 0.85, 0.36, 0.36, 0.22, 0.45, 0.3, 0.2, 0.1, 0.08, 0.5, 0.15, 5, 0.09),
    "elephant": Build(0.65, 0.9, 0.42, 0.4, 0.2, 0.45, 0.12, 0.27, 0.18, 0.5, 1.2, 0.17, 0, 0.45),
    "dragon": Build(0.5, 0.9, 0.28, 0.23, 0.75, 0.95, 0.36, 0.14, 0.09, 1.3, 0.35, 0.11, 4, 0.1),
    "lizard": Build(0.2, 0.85, 0.2, 0.17, 0.22, 0.1, 0.32, 0.13, 0.08, 1.1, 0.12, 0.075, 5, 0.0),
}


@dataclass(frozen=True)
class Beast(Family):
    """A creature on four legs: body, neck and tail along one curve; jaws with teeth, horns, a crest along its back,
    wings.
    """

    SKINS = {"body": ("hide",)}
    PLAIN = True
    FINISHES = {
        "body": ("pelt", "pelt", "pelt", "skin", "scales", "bronze", "stone"),
        "belly": ("pelt", "pelt", "skin"),
        "horn": ("horn", "bone"),
        "eye": ("gem", "glass"),
        "wing": ("leather", "skin"),
        "ground": ("terrain", "stone", "wood"),
    }

    kind: str = choice(*KINDS)
    girth: float = span(0.85, 1.25)
    legs: float = span(0.8, 1.15)
    neck: float = span(0.8, 1.25)
    stride: float = span(0.0, 0.28)
    look: float = span(-0.5, 0.5)
    jaw: float = span(0.0, 0.45)
    horns: str = choice(*("own",) * 9, "curled", "straight", "unicorn", "antlers")
    back: str = choice(*("own",) * 7, "spikes", "plates", "mane")
    wings: bool = flag(0.07)
    ground: bool = flag(0.5)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        limbs, claws = self.limbs()
        spine, radii = self.spine()
        head, extra = self.head(spine[0], kit.level)
        trunk = sdf.union(
            sdf.chain(spine, radii),
            sdf.ellipsoid(1.04 * self.b.chest * self.girth, 0.5 * self.b.body, 1.1 * self.b.chest * self.girth).move(
                0, -0.1 * self.b.body, self.height
            ),
            smooth=0.06,
        )
        belly = (
            sdf.ellipsoid(0.62 * self.b.hips * self.girth, 0.45 * self.b.body, 0.2)
            .move(0, 0, self.height - 0.92 * self.b.chest * self.girth)
            .paint(1)
        )
        whole = sdf.union(trunk, belly, *limbs, *head, smooth=0.07)
        solid = blob(whole, 0.02, ("body", "belly"), ("body", "belly"), kit.skin("body"), room=0.008)
        parts = [solid, *claws, *extra, *self.crest(spine, radii, kit.level)]
        if self.kind == "dragon" or self.wings:
            parts.append(self.wing())
        if self.ground:
            parts.append(
                lathe(turned(0.85).up(0.04).curve((0.7, 0.09), (0.0, 0.11)).close(), "ground", "ground")
                .scale(0.62, 1, 1)
                .move(0, 0, -0.08)
            )
        creature = union(parts)
        return creature.scale(2.0 / float(creature.size.max()))

    @property
    def b(self) -> Build:
        return KINDS[self.kind]

    @property
    def height(self) -> float:
        """Returns the height of the middle of the body."""
        return self.b.leg * self.legs + 0.55 * self.b.chest * self.girth

    def spine(self) -> tuple[np.ndarray, list[float]]:
        """Returns points [N, 3] and radii from the head along neck and back to the tip of the tail."""
        b, h = self.b, self.height
        c, s = cos_sin(b.rise)
        chest, hips = np.array([0.0, -0.42 * b.body, h + 0.1 * b.chest]), np.array([0.0, 0.42 * b.body, h])
        neck = b.neck * self.neck
        head = chest + [0.35 * neck * self.look, -0.45 * b.chest - neck * c, 0.35 * b.chest + neck * s]
        middle = 0.5 * (head + chest) + [0.0, -0.16 * neck * s, -0.1 * neck]
        c, s = cos_sin(b.droop)
        rump = hips + [0.0, 0.6 * b.hips, 0.3 * b.hips]
        curl = [
            np.array([self.look * b.tail * 0.35 * t * t, b.tail * t * c, -b.tail * s * t * (1.15 - 0.6 * t)])
            for t in (0.35, 0.7, 1.0)
        ]
        line = spline(
            np.array([head, middle, chest, hips, rump, *(np.maximum(rump + way, [-9, -9, 0.05]) for way in curl)]),
            per_span=5,
        )
        g, end = self.girth, 0.32 * b.hips if self.kind in ("dragon", "lizard") else 0.04
        marks = np.array(
            [
                0.72 * b.skull,
                0.34 * b.chest + 0.45 * b.skull,
                0.95 * b.chest * g,
                b.hips * g,
                0.5 * b.hips if end > 0.04 else 0.09,
                2 * end,
                1.2 * end,
                0.025,
            ]
        )
        return line.points, np.interp(np.arange(36) / 5, np.arange(8), marks).tolist()

    def limbs(self):
        b, bones, claws = self.b, [], []
        size = b.limb * (0.5 + 0.5 * self.girth)
        sprawl = 0.26 if self.kind == "lizard" else 0.0
        for side in (1, -1):
            for front in (True, False):
                step = self.stride * side * (1 if front else -1)
                wide = (0.6 * b.chest if front else 0.55 * b.hips) * self.girth
                y, z = (-0.42 * b.body if front else 0.44 * b.body), self.height
                drop = z - 0.4 * b.limb
                hip = np.array([side * wide, y, z - 0.1 * b.chest])
                knee = np.array(
                    [
                        side * (wide + 0.02 + sprawl),
                        y + (0.09 if front else -0.13) + 0.5 * step,
                        z - 0.42 * drop + 0.3 * sprawl,
                    ]
                )
                ankle = np.array(
                    [side * (wide + 1.3 * sprawl), y + (0.0 if front else 0.1) + 0.9 * step, z - 0.78 * drop]
                )
                foot = np.array([side * (wide + 1.3 * sprawl), y + step - (0.02 if front else 0.0), 0.45 * size])
                bones.append(leg(hip, knee, ankle, foot, (1.15 if front else 1.5) * size))
                if b.toes:
                    more, nails = toes(foot, (0.25 * side, -1.0, 0.0), 0.62 * size, b.toes)
                    bones += more
                    claws += nails
                else:
                    hoof = lathe(
                        turned(0.72 * size).up(0.1 * size).taper(0.5 * size, 0.7 * size).close(),
                        "hoof",
                        "horn",
                        sides=28,
                    )
                    claws.append(hoof.scale(1, 1.15, 1).move(*(foot - [0, 0.1 * size, 0.45 * size])))
        return bones, claws

    def head(self, neck: np.ndarray, level: int) -> tuple[list[sdf.Sdf], list[Solid]]:
        """Returns the skull with its jaws, and what stands on it. It is made looking along -y, then turned to look
        aside.
        """
        k, n, long = self.b.skull, self.b.snout, self.b.head
        gape = self.jaw if self.kind != "elephant" else 0.0
        c, s = cos_sin(0.25)
        tip = np.array([0.0, -long * c - 0.5 * k, -long * s])
        low = np.array([0.0, -0.85 * long * c - 0.3 * k, -long * s - 0.5 * n - 0.55 * gape * long])
        bones = self.skull(tip, low)
        things = [eyes((0.62 * k, -0.78 * k, 0.3 * k), 0.2 * k)]
        if level >= 2:
            place = tip + [0.45 * n, -0.75 * n, 0.35 * n]
            things.append(pair(spike(place, (0.3, -1, 0.6), 0.06 * n, 0.22 * n, "nostril", "horn")))
        if self.kind == "elephant":
            bones.append(self.trunk())
            tusk = [(0.45 * k, -0.6 * k, -0.3 * k), (0.6 * k, -1.5 * k, -0.95 * k), (0.5 * k, -2.2 * k, -0.5 * k)]
            things.append(pair(horn(tusk, 0.05, "tusk", "horn")))
        if gape > 0.15 and level >= 1 and self.kind not in ("elephant", "horse", "deer", "bull"):
            things += self.teeth(tip)
        if self.b.ears:
            things.append(self.ears())
        things += self.antlers(k)
        if self.kind == "boar":
            tusk = [tip + [0.5 * n, 0.05, -0.1 * n], tip + [1.6 * n, 0.0, 0.1 * n], tip + [1.7 * n, 0.03, 1.5 * n]]
            things.append(pair(horn(tusk, 0.03, "tusk", "horn")))
        place = (float(neck[0]), float(neck[1]), float(neck[2]) + 0.1 * k)
        return [bone.turn("z", 0.9 * self.look).move(*place) for bone in bones], [
            thing.turn("z", 0.9 * self.look).move(*place) for thing in things
        ]

    def skull(self, tip: np.ndarray, low: np.ndarray) -> list[sdf.Sdf]:
        """Returns the skull, the upper jaw to its tip [3], the lower jaw to its own [3], and the brows."""
        k, n = self.b.skull, self.b.snout
        return [
            sdf.ellipsoid(0.9 * k, 1.1 * k, 0.95 * k),
            sdf.round_cone((0, -0.35 * k, -0.1 * k), tip, 0.72 * k, n),
            sdf.round_cone((0, 0, -0.45 * k), low, 0.45 * k, 0.6 * n),
            *(sdf.sphere(0.3 * k).move(x * 0.5 * k, -0.6 * k, 0.42 * k) for x in (1, -1)),
        ]

    def trunk(self) -> sdf.Sdf:
        """Returns an elephant's trunk, the further out the wider its jaw would be open."""
        k = self.b.skull
        bend = [(0, -0.6 * k, -0.1), (0, -1.9 * k, -0.2), (0, -1.2 * k, -0.75), (0, -2.2 * k, -0.55 - 0.3 * self.jaw)]
        return sdf.bezier(bend, [0.5 * k, 0.32 * k, 0.2 * k], 12)

    def teeth(self, tip: np.ndarray) -> list[Solid]:
        """Returns pairs of teeth along the upper jaw, whose tip [3] is given."""
        k, n = self.b.skull, self.b.snout
        root = np.array([0.0, -0.3 * k, -0.35 * k])
        places = [
            root + t * (tip - [0.0, -0.3 * k, -0.35 * k]) + [0.62 * n, 0, -0.55 * n] for t in (0.45, 0.6, 0.75, 0.92)
        ]
        return [pair(spike(place, (0, 0, -1), 0.6 * n, 0.16 * n, "tooth", "horn", 6)) for place in places]

    def ears(self) -> Solid:
        """Returns a pair of ears: an elephant's sails, or leaves that stand up."""
        k, long = self.b.skull, self.b.ears
        if self.kind == "elephant":
            sail = [(0.0, 0.2), (0.25, 0.28), (0.42, 0.1), (0.36, -0.25), (0.12, -0.36), (-0.06, -0.1)]
            ear = fin(np.array(sail), 0.025, "ear", "body", root=(0.1, 0.0)).turn("z", -0.9).move(z=-0.4 * k)
        else:
            leaf = [
                (0, -0.5 * k),
                (0.12, 0.1),
                (long * 0.35, long * 0.9),
                (-0.1 * long, long),
                (-0.4 * long, 0.5 * long),
                (-0.3 * k, -0.1),
            ]
            ear = fin(np.array(leaf), 0.016, "ear", "body", root=(0.0, 0.4 * long)).turn("z", -1.0).turn("y", 0.35)
        return pair(ear.move(0.6 * k, 0.15 * k, 0.5 * k))

    def antlers(self, k: float) -> list[Solid]:
        kind = (
            {"bull": "wide", "deer": "antlers", "dragon": "straight"}.get(self.kind, "none")
            if self.horns == "own"
            else self.horns
        )
        root = np.array([0.45 * k, 0.1 * k, 0.72 * k])
        at = lambda *ways: [root + 0.16 * np.array(way) * (1 + 2 * k) for way in ways]
        if kind == "none":
            return []
        if kind == "unicorn":
            return [spike((0, -0.55 * k, 0.75 * k), (0, -0.7, 1), 0.42, 0.045, "horn", "horn", 10)]
        if kind == "curled":
            turn = [
                (0.7 + 0.15 * j, 1.0 * (1 - c) * 0.9, 0.95 * s + 0.1) for j in range(9) for c, s in [cos_sin(0.75 * j)]
            ]
            return [pair(horn(at((-0.2, 0, -0.2), *turn), 0.075, "horn", "horn", 0.02))]
        if kind == "wide":
            return [
                pair(
                    horn(at((-0.3, 0, -0.1), (0.9, 0, 0.1), (1.5, -0.3, 0.7), (1.45, -0.5, 1.3)), 0.07, "horn", "horn")
                )
            ]
        if kind == "straight":
            return [pair(horn(at((-0.2, -0.2, -0.3), (0.3, 0.7, 0.6), (0.5, 1.8, 1.0)), 0.055, "horn", "horn"))]
        beam = horn(
            at((-0.2, 0, -0.3), (0.7, 0.4, 0.9), (1.3, 0.3, 2.0), (0.9, -0.1, 3.0)), 0.038, "horn", "horn", 0.015
        )
        tines = [
            horn(at(a, b), 0.024, "horn", "horn")
            for a, b in (
                ((0.3, 0.2, 0.4), (0.5, -0.9, 1.1)),
                ((1.0, 0.35, 1.4), (1.6, -0.6, 2.0)),
                ((1.2, 0.25, 2.3), (1.8, 0.2, 3.1)),
            )
        ]
        return [pair(union((beam, *tines)))]

    def crest(self, spine: np.ndarray, radii, level: int):
        """Yields what stands along the back: spikes, plates or a mane of locks."""
        kind = (
            {"dragon": "spikes", "horse": "mane", "boar": "mane"}.get(self.kind, "plain")
            if self.back == "own"
            else self.back
        )
        line = Path(np.asarray(spine))
        total = line.length
        number = 0 if level < 1 or kind == "plain" else (16 if kind == "plates" else 26 if kind == "spikes" else 22)
        along = np.concatenate([[0.0], np.cumsum(np.sqrt((np.diff(spine, axis=0) ** 2).sum(axis=1)))])
        last = 0.5 if kind == "mane" else 0.92
        for k in range(number):
            t = (0.06 + (last - 0.06) * (k + 0.5) / number) * total
            place, ahead = line.at(t), line.at(t + 0.01) - line.at(t - 0.01)
            radius = float(np.interp(t, along, radii))
            up = affine.unit(affine.cross(affine.cross(ahead, np.array([0, 0, 1.0])), ahead) + 1e-9)
            top = place + up * 0.9 * radius
            size = 0.05 + 0.5 * radius
            if kind == "plates":
                shape = [(-0.5, 0.0), (0.45, 0.0), (0.62, 0.6), (0.1, 1.25), (-0.5, 0.55)]
                yield (
                    fin(np.array(shape) * size, 0.02, "plates", "horn", root=(0.0, 0.3 * size))
                    .move(0.03 * (-1) ** k, *top[1:])
                    .move(float(top[0]), 0, -0.02)
                )
            elif kind == "spikes":
                yield spike(
                    top - 0.03 * up, up + 0.5 * affine.unit(ahead), 0.8 * size + 0.04, 0.28 * size, "spikes", "horn", 6
                )
            else:
                side = 0.6 * (-1) ** k
                yield horn(
                    [
                        top - 0.04 * up,
                        top + 0.3 * size * up + [side * size, 0, 0],
                        top + [1.1 * side * size, 0.02, -0.7 * size],
                    ],
                    0.04,
                    "mane",
                    "horn",
                    0.015,
                )

    def wing(self) -> Solid:
        """Returns three fingers from a wrist with a skin between them, from the shoulders, half spread."""
        outline = np.array(
            [
                (0.0, 0.0),
                (-0.25, 0.55),
                (-0.1, 1.0),
                (0.2, 0.72),
                (0.5, 0.85),
                (0.55, 0.5),
                (0.85, 0.45),
                (0.6, 0.15),
                (0.55, -0.1),
            ]
        )
        sheet = fin(outline, 0.02, "wing", "wing", rays=0, root=(0.02, 0.28))
        bones = [
            horn([(0, *outline[a]), (0, *outline[b])], 0.035, "wing", "body", 0.016)
            for a, b in ((0, 1), (1, 2), (1, 4), (1, 6))
        ]
        wing = union((sheet, *bones)).turn("y", 0.65).turn("z", 0.25)
        return pair(wing.move(0.3 * self.b.chest, -0.3 * self.b.body, self.height + 0.6 * self.b.chest))

    def words(self) -> str:
        extras = [
            text
            for shown, text in (
                (self.horns != "own", f"{self.horns} horns"),
                (self.back != "own", f"{self.back} along its back"),
                (self.wings or self.kind == "dragon", "wings"),
            )
            if shown
        ]
        return f"{'an' if self.kind == 'elephant' else 'a'} {self.kind}" + (
            " with " + " and ".join(extras) if extras else ""
        )
