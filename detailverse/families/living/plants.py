"""Plants: cactuses, cones, mushrooms, flowers."""

from dataclasses import dataclass

import numpy as np

from detailverse.family import Family, Kit
from detailverse.modelling.patch import oriented
from detailverse.modelling.path import spline
from detailverse.modelling.profile import spline_profile, turned
from detailverse.modelling.region import polygon
from detailverse.modelling.shapes import ball, extrude, hull, lathe, loft, tube
from detailverse.modelling.solid import Solid, around, at, leaf_solid, union
from detailverse.modelling.surface import Leaf
from zeroverse.core import affine
from zeroverse.core.affine import towards
from zeroverse.core.portable import TAU, cos_sin
from zeroverse.core.record import choice, count, flag, seed, span
from zeroverse.core.rng import Rng

GOLDEN = 0.381966  # of a turn, from one leaf of a phyllotaxis to the next


@dataclass(frozen=True)
class Cactus(Family):
    """A ribbed cactus with arms, spines on its ribs, a flower on top, in a pot or on the ground."""

    SKINS = {"pot": ("classical", "textile", "stone")}
    FINISHES = {"cactus": ("foliage",), "spine": ("bone", "straw"), "flower": ("petal",), "pot": ("clay", "ceramic")}

    form: str = choice("column", "barrel", "saguaro", "paddles")
    ribs: int = count(8, 20)
    depth: float = span(0.1, 0.24)
    tall: float = span(0.9, 1.5)
    wide: float = span(0.24, 0.34)
    arms: int = count(1, 4)
    flowers: int = count(0, 3)
    rows: int = count(7, 13)

    def build(self, kit: Kit) -> Solid:
        pot = lathe(
            turned(0.34).to(0.46, 0.42).out(0.05).up(0.1).out(-0.08).cove(-0.05, -0.06).to(0.0, 0.42).open(),
            "pot",
            "pot",
            kit.skin("pot"),
        )
        return union((pot, *(part.move(0, 0, 0.4) for part in self.plant(kit.level))))

    def plant(self, level: int):
        if self.form == "paddles":
            yield from self.paddles(level)
            return
        wide, tall = (1.45 * self.wide, 0.75) if self.form == "barrel" else (self.wide, self.tall)
        stem = self.stem(wide, tall, level)
        yield stem
        if self.form == "saguaro":
            small = self.stem(0.55 * wide, 0.5 * tall, level)
            for k in range(self.arms):
                angle, z = TAU * (k * GOLDEN + 0.1), tall * (0.3 + 0.12 * k)
                elbow = tube(
                    spline([(0.5 * wide, 0, z), (wide + 0.16, 0, z + 0.01), (wide + 0.28, 0, z + 0.16)]),
                    0.5 * wide,
                    "cactus",
                    "cactus",
                    sides=24,
                )
                yield union((elbow, small.move(wide + 0.28, 0, z + 0.12))).turn("z", angle)
        for k in range(self.flowers if level >= 1 else 0):
            c, s = cos_sin(TAU * GOLDEN * k)
            yield self.flower().move(0.35 * wide * c * (k > 0), 0.35 * wide * s * (k > 0), tall - 0.03 - 0.05 * (k > 0))

    def stem(self, wide: float, tall: float, level: int) -> Solid:
        """Returns ribs swept upwards to a dome; spines stand on the ribs."""
        angle = TAU * np.arange(self.ribs * 12) / (self.ribs * 12)
        wave = np.array([cos_sin(self.ribs * a)[0] for a in angle])
        ring = np.array([cos_sin(a) for a in angle]) * (1.0 + self.depth * wave)[:, None]
        steps = np.arange(17) / 16
        rise = np.array([cos_sin(0.25 * TAU * t) for t in steps])
        body = [extrude(polygon(ring * wide), tall * 0.62, "cactus", "cactus")]
        z, r = 0.62 * tall + 0.37 * tall * rise[:, 1], wide * np.maximum(rise[:, 0], 0.03)
        rings = np.stack([np.column_stack([ring * radius, np.full(len(ring), height)]) for radius, height in zip(r, z)])
        dome = loft(rings - [0, 0, 0.002], "cactus", "cactus")
        if level >= 2:
            body.append(self.spines(wide, tall, level))
        return union((*body, dome))

    def spines(self, wide: float, tall: float, level: int) -> Solid:
        spine = self.star(3 if level < 4 else 5)
        frames = []
        for rib in range(self.ribs):
            c, s = cos_sin(TAU * rib / self.ribs)
            for row in range(self.rows):
                t = (row + 0.5 * (rib % 2)) / self.rows
                along, up = cos_sin(0.25 * TAU * max(0.0, t - 0.6) / 0.5)  # a wall, then a dome, as `stem` has them
                r, z = wide * (1 + self.depth) * 0.985 * along, tall * (0.06 + min(t, 0.6) * 0.93 + 0.37 * up)
                frames.append((towards((along * c, along * s, 0.15 + up)), (r * c, r * s, z)))
        return at(spine, frames)

    def star(self, points: int) -> Solid:
        """Returns a tuft of spines about +z."""
        needle = hull(
            np.array(
                [
                    (0.015, 0, -0.02),
                    (-0.008, 0.013, -0.02),
                    (-0.008, -0.013, -0.02),
                    (0.004, 0.003, 0.08),
                    (0.004, -0.003, 0.08),
                    (-0.004, 0, 0.08),
                ]
            ),
            "spines",
            "spine",
        )
        return union((needle, around(needle.turn("y", 1.0), points)))

    def paddles(self, level: int):
        """Yields flat pads that grow on one another."""
        pad = ball(0.3, "cactus", "cactus").scale(0.8, 0.24, 1.15)
        spines = self.star(4)
        if level >= 2:
            places = [
                (x, z)
                for x in np.linspace(-0.16, 0.16, 4)
                for z in np.linspace(-0.22, 0.24, 5 + level)
                if (x / 0.2) ** 2 + (z / 0.3) ** 2 < 0.9
            ]
            sides = [
                (
                    towards((0, side, 0)),
                    (x, side * 0.072 * np.sqrt(max(0.05, 1 - (x / 0.24) ** 2 - (z / 0.345) ** 2)) - side * 0.004, z),
                )
                for x, z in places
                for side in (1, -1)
            ]
            pad = union((pad, at(spines, sides)))
        yield pad.move(0, 0, 0.25)
        for k in range(2 + self.arms):
            tilt, turn, up = 0.55 * (-1) ** k, 0.5 * k, 0.5 + 0.16 * (k // 2)
            yield pad.scale(0.8).move(0, 0, 0.28).turn("y", tilt).turn("z", turn).move(0.06 * (-1) ** k, 0, up)

    def flower(self) -> Solid:
        petal = hull(
            np.array(
                [
                    (0, 0, 0),
                    (0.05, 0, 0.12),
                    (-0.05, 0, 0.12),
                    (0, 0.012, 0.1),
                    (0, -0.012, 0.1),
                    (0, 0, 0.2),
                    (0.03, 0.012, 0.04),
                    (-0.03, -0.012, 0.04),
                ]
            ),
            "flower",
            "flower",
        )
        return union(
            (
                around(petal.turn("x", 0.75), 9),
                around(petal.scale(0.75).turn("x", 0.35), 6),
                ball(0.04, "flower", "flower").move(0, 0, 0.02),
            )
        )

    def words(self) -> str:
        name = {
            "column": "a column cactus",
            "barrel": "a barrel cactus",
            "saguaro": "a saguaro cactus with arms",
            "paddles": "a prickly pear",
        }[self.form]
        return f"{name} in a pot"


@dataclass(frozen=True)
class Cone(Family):
    """Scales in spirals about a core: a pine cone, an artichoke, a pineapple, a hop, a succulent."""

    SKINS = {"core": ("organic",)}
    FINISHES = {"scale": ("wood", "foliage", "bark", "petal"), "core": ("wood", "foliage"), "leaf": ("foliage",)}

    form: str = choice("pine cone", "artichoke", "pineapple", "succulent")
    scales: int = count(60, 170)
    plump: float = span(0.45, 0.72)
    open: float = span(0.25, 0.8)
    pointed: float = span(0.2, 1.0)
    ridge: bool = flag(0.6)

    def build(self, kit: Kit) -> Solid:
        core = lathe(self.core(), "core", "core", kit.skin("core"))
        parts = [core, at(self.scale(kit.level), self.places())]
        if self.form == "pineapple":
            parts.append(self.crown().move(0, 0, 0.86))
        else:
            parts.append(tube(spline([(0, 0, -0.85), (0.02, 0, -1.0), (0.05, 0.02, -1.15)]), 0.07, "stem", "core"))
        return union(parts)

    def core(self):
        wide = self.plump if self.form != "succulent" else 1.2 * self.plump
        tall = 0.92 if self.form != "succulent" else 0.45
        turns = [cos_sin(TAU / 2 * (k / 24 - 0.5)) for k in range(25)]
        return spline_profile([(0.0 if k in (0, 24) else 0.86 * wide * c, tall * s) for k, (c, s) in enumerate(turns)])

    def places(self):
        wide = self.plump if self.form != "succulent" else 1.2 * self.plump
        tall = 0.92 if self.form != "succulent" else 0.45
        for k in range(self.scales):
            t = (k + 0.5) / self.scales
            z = -1 + 2 * t if self.form != "succulent" else -0.25 + 1.25 * t
            c, s = cos_sin(TAU * GOLDEN * k)
            r = np.sqrt(max(0.0, 1 - z * z))
            out = affine.unit(np.array([r * c / wide, r * s / wide, z / tall]))
            size = 0.5 + 0.5 * r if self.form != "succulent" else 1.6 * (1.15 - t)
            frame = _upright(out, self.open * (1.1 - 0.6 * t) if self.form != "succulent" else 1.5 * (1 - t) + 0.15)
            yield (
                frame * size * 14.0 / np.sqrt(self.scales * 1.0) * 0.62,
                (0.84 * wide * r * c, 0.84 * wide * r * s, 0.96 * tall * z),
            )

    def scale(self, level: int) -> Solid:
        """Returns a scale with its root at the origin, along +z, its back towards +x."""
        thick, tip = (0.05, 0.2 + 0.08 * self.pointed) if self.form != "pineapple" else (0.09, 0.1)
        outline = [(-0.02, 0.05), (0.06, 0.09), (0.15, 0.1 * (1.2 - 0.5 * self.pointed)), (tip, 0.02)]
        points = [
            (x, sign * y, z)
            for z, y in outline
            for sign in (1, -1)
            for x in (-0.5 * thick, 0.2 * thick * (1 if z < 0.14 else 0.5))
        ]
        body = hull(np.array(points), "scales", "scale")
        if self.ridge and level >= 1:
            body = union(
                (
                    body,
                    hull(
                        np.array(
                            [
                                (0.1 * thick, 0.02, 0.0),
                                (0.1 * thick, -0.02, 0.0),
                                (0.9 * thick, 0, 0.11),
                                (0.1 * thick, 0, tip),
                            ]
                        ),
                        "scales",
                        "scale",
                    ),
                )
            )
        if level >= 3:
            body = union((body, lump(0.022, "scales", "scale").move(0.35 * thick, 0, 0.13)))
        return body

    def crown(self) -> Solid:
        leaf = hull(
            np.array(
                [
                    (0.02, 0.06, 0),
                    (0.02, -0.06, 0),
                    (-0.03, 0.0, 0),
                    (0.05, 0.05, 0.25),
                    (0.05, -0.05, 0.25),
                    (0.0, 0, 0.25),
                    (0.22, 0, 0.6),
                ]
            ),
            "crown",
            "leaf",
        )
        rings = [
            around(leaf.turn("y", 0.75 - 0.22 * k).scale(1.0, 1.0, 0.8 + 0.12 * k).turn("z", 0.3 * k), 9 - k)
            for k in range(4)
        ]
        return union((*rings, ball(0.1, "crown", "leaf")))

    def words(self) -> str:
        return f"{'an' if self.form == 'artichoke' else 'a'} {self.form}"


@dataclass(frozen=True)
class Mushrooms(Family):
    """A group of mushrooms with gills, rings and warts on a patch of ground or a stump."""

    SKINS = {"cap": ("marine",), "ground": ("plant", "ground")}
    PLAIN = True
    FINISHES = {
        "cap": ("petal", "petal", "painted", "leather"),
        "stalk": ("bone", "paper"),
        "ground": ("bark", "terrain"),
    }

    caps: int = count(2, 6)
    form: str = choice("dome", "flat", "bell", "funnel")
    warts: bool = flag(0.5)
    ring: bool = flag(0.5)
    gills: int = count(24, 48)
    stump: bool = flag(0.4)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        ground = lathe(
            turned(0.8).up(0.34).to(0.0, 0.4).close()
            if self.stump
            else turned(0.85).curve((0.6, 0.14), (0.0, 0.2)).close(),
            "ground",
            "ground",
            kit.skin("ground"),
        )
        mushroom = self.mushroom(kit)
        parts = [ground]
        for k in range(self.caps):
            rng = Rng(self.seed, "mushroom", k)
            size = 1.0 if k == 0 else rng.child("size").uniform(0.35, 0.7)
            c, s = cos_sin(TAU * (k * GOLDEN + 0.05 * rng.child("turn").unit()))
            out = 0.12 if k == 0 else 0.42 + 0.16 * rng.child("out").unit()
            lean = rng.child("lean").uniform(0.0, 0.25)
            parts.append(
                mushroom.scale(size)
                .turn((-s, c, 0), lean)
                .turn("z", 2.4 * k)
                .move(out * c, out * s, 0.28 if self.stump else 0.05)
            )
        return union(parts)

    def mushroom(self, kit: Kit) -> Solid:
        top = {
            "dome": [(0.52, 0.0), (0.5, 0.14), (0.3, 0.34), (0.0, 0.42)],
            "flat": [(0.6, 0.0), (0.6, 0.06), (0.3, 0.15), (0.0, 0.17)],
            "bell": [(0.42, -0.1), (0.36, 0.2), (0.16, 0.5), (0.0, 0.58)],
            "funnel": [(0.55, 0.1), (0.58, 0.2), (0.3, 0.1), (0.0, 0.02)],
        }[self.form]
        edge = top[0]
        under = [(0.0, -0.02), (0.1, -0.02), (edge[0], edge[1])]
        cap = lathe(_profile(under, top), "cap", "cap", kit.skin("cap", self.caps)).move(0, 0, 1.05)
        stalk = lathe(turned(0.15).curve((0.09, 0.5), (0.1, 1.08)).close(), "stalk", "stalk")
        parts = [cap, stalk]
        if self.ring:
            parts.append(
                lathe(turned(0.1).out(0.12).up(0.02).to(0.085, 0.09).close(), "ring", "stalk").move(0, 0, 0.72)
            )
        if kit.level >= 2:
            gill = hull(
                np.array(
                    [(0.09, t, z) for t in (-0.006, 0.006) for z in (0.97, 1.05)]
                    + [(0.92 * edge[0], t, 1.05 + edge[1] + z) for t in (-0.006, 0.006) for z in (-0.015, 0.02)]
                ),
                "gills",
                "stalk",
            )
            parts.append(around(gill, self.gills))
        if self.warts and kit.level >= 1:
            parts.append(self.spots(top))
        return union(parts)

    def spots(self, top) -> Solid:
        wart = hull(
            np.array(
                [(0.05 * c, 0.05 * s, z * 0.03) for k in range(6) for c, s in [cos_sin(TAU * k / 6)] for z in (-1, 0.4)]
                + [(0, 0, 0.03)]
            ),
            "warts",
            "stalk",
        )
        frames = []
        for k in range(26):
            r = top[0][0] * np.sqrt((k + 0.5) / 28)
            c, s = cos_sin(TAU * GOLDEN * k)
            line = np.array(top[::-1])
            z = float(np.interp(r, line[:, 0], line[:, 1]))
            frames.append(
                (
                    towards((0.6 * r / top[0][0] * c, 0.6 * r / top[0][0] * s, 1.0)) * (0.7 + 0.5 * (k * GOLDEN % 1)),
                    (r * c, r * s, 1.05 + z),
                )
            )
        return at(wart, frames)

    def words(self) -> str:
        return f"a group of {self.caps} {self.form} mushrooms{' on a stump' if self.stump else ''}"


@dataclass(frozen=True)
class Flower(Family):
    """A flower with rings of cupped petals, a seed head, stem and leaves, in a pot or alone."""

    SKINS = {"pot": ("classical", "textile")}
    FINISHES = {"petal": ("petal",), "heart": ("straw", "petal"), "stem": ("foliage",), "pot": ("clay", "ceramic")}

    rings: int = count(1, 4)
    petals: int = count(5, 16)
    long: float = span(0.35, 0.62)
    wide: float = span(0.1, 0.22)
    cup: float = span(0.1, 0.9)
    heart: float = span(0.12, 0.26)
    leaves: int = count(2, 6)
    blooms: int = count(1, 4)
    bend: float = span(0.0, 0.25)

    def build(self, kit: Kit) -> Solid:
        pot = lathe(
            turned(0.2).to(0.32, 0.42).out(0.04).up(0.08).out(-0.07).to(0.0, 0.44).open(), "pot", "pot", kit.skin("pot")
        )
        head, leaf, parts = self.head(kit.level).turn("x", 0.45), self.leaf(), [pot]
        for k in range(self.blooms):
            c, s = cos_sin(TAU * (0.75 + k / self.blooms))  # the first leans to the front
            out, top, size = (
                (0.0, 1.35, 1.0) if self.blooms == 1 else (0.55 * self.long + 0.1, 1.35 - 0.22 * (k % 3), 0.72)
            )
            stem = spline(
                [
                    (0.1 * out * c, 0.1 * out * s, 0.3),
                    (0.5 * out * c + self.bend, 0.5 * out * s, 0.8),
                    (out * c, out * s + self.bend, top),
                ]
            )
            parts += [
                tube(stem, 0.035, "stem", "stem"),
                head.scale(size).turn("z", TAU * k / self.blooms).move(*stem.at(stem.length)),
            ]
            parts += [
                leaf.turn("y", 0.9)
                .turn("z", TAU * GOLDEN * (j + k))
                .move(*stem.at((0.2 + 0.5 * j / self.leaves) * stem.length))
                for j in range(self.leaves)
            ]
        return union(parts)

    def head(self, level: int) -> Solid:
        heart = ball(self.heart, "heart", "heart").scale(1, 1, 0.55)
        rings = [
            around(
                self.petal(level)
                .scale(1 - 0.14 * k)
                .turn("y", -self.cup - 0.28 * k)
                .turn("z", TAU * 0.5 * k / self.petals),
                self.petals,
            )
            for k in range(self.rings)
        ]
        if level >= 2:
            seed = lump(0.022, "seeds", "heart")
            places = [
                (r * c, r * s, 0.55 * np.sqrt(max(0.0, self.heart**2 - r * r)))
                for k in range(70)
                for r in [0.92 * self.heart * np.sqrt((k + 0.5) / 70)]
                for c, s in [cos_sin(TAU * GOLDEN * k)]
            ]
            rings.append(at(seed, [(np.eye(3), place) for place in places]))
        return union(
            (
                heart,
                *rings,
                lathe(turned(0.04).curve((0.14, 0.12), (0.12, 0.18)).close(), "calyx", "stem").move(0, 0, -0.14),
            )
        )

    def petal(self, level: int) -> Solid:
        """Returns a petal along +x, hollow above: a thin lens bent over a rib."""
        steps, across = 9, 7
        top, bottom = [], []
        for i in range(steps):
            t = i / (steps - 1)
            half = self.wide * np.sqrt(max(0.0, 1 - (1.55 * t - 0.72) ** 2 / 0.72)) * 0.5 + 0.012
            for j in range(across):
                y = 2 * j / (across - 1) - 1
                vein = 0.012 * (1 if j % 2 else -1) * t * (level >= 3)
                lift = 0.35 * half * y * y + 0.12 * t * t + vein
                top.append((0.06 + self.long * t, half * y, lift + 0.014 * (1 - 0.4 * t)))
                bottom.append((0.06 + self.long * t, half * y, lift - 0.014 * (1 - 0.4 * t)))
        return _sheet(
            np.array(top).reshape(steps, across, 3), np.array(bottom).reshape(steps, across, 3), "petals", "petal"
        )

    def leaf(self) -> Solid:
        """Returns a leaf along +z, hanging towards +x, folded along its rib."""
        rows, columns = np.meshgrid(np.arange(9) / 8, np.arange(7) / 3 - 1, indexing="ij")
        half = 0.012 + 0.4 * self.wide * np.sqrt(np.maximum(0.0, 4.0 * rows * (1.0 - rows))) * (1.25 - 0.5 * rows)
        upper = np.stack(
            [np.abs(columns) * half + 0.2 * rows * rows, columns * half, 0.52 * rows - 0.14 * rows**3], axis=-1
        )
        return _sheet(upper, upper - [0.016, 0.0, 0.0], "leaves", "stem")

    def words(self) -> str:
        return (
            f"{'a potted flower' if self.blooms == 1 else f'{self.blooms} potted flowers'} with "
            f"{self.rings * self.petals} petals"
        )


def lump(size: float, label: str, slot: str) -> Solid:
    """Returns a ball of few faces, for what leaves hide."""
    around_z = [cos_sin(TAU * k / 8) for k in range(8)]
    return hull(
        np.array(
            [
                (size * r * c, size * r * s, size * z)
                for z, r in ((-1, 0.2), (-0.6, 0.8), (0, 1), (0.6, 0.8), (1, 0.2))
                for c, s in around_z
            ]
        ),
        label,
        slot,
    )


def _upright(out: np.ndarray, lift: float) -> np.ndarray:
    """Returns a frame for a scale on a body: +z leans from upwards along the surface to `out` by `lift` (0 … about 1),
    its back outside.
    """
    up = np.array([0.0, 0.0, 1.0]) - out * float(out[2])
    up = affine.unit(up if float((up * up).sum()) > 1e-6 else np.array([1.0, 0, 0]))
    z = affine.unit((1 - 0.8 * lift) * up + lift * out)
    y = affine.unit(affine.cross(z, out))
    return np.column_stack([affine.cross(y, z), y, z])


def _profile(under, top):
    """Returns a closed profile from the polyline of the underside and the curve of the upper side."""
    curve = turned(0.0, under[0][1])
    for r, z in under[1:]:
        curve = curve.to(r, z)
    return curve.curve(*top[1:]).close()


def _sheet(top: np.ndarray, bottom: np.ndarray, label: str, slot: str) -> Solid:
    """Returns a thin piece between two grids [R, C, 3]."""
    rows, columns = top.shape[:2]
    a = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    upper = np.concatenate([np.stack([a, a + columns, a + columns + 1], 1), np.stack([a, a + columns + 1, a + 1], 1)])
    rim = np.concatenate(
        [
            np.arange(columns),
            columns - 1 + columns * np.arange(1, rows),
            (rows - 1) * columns + np.arange(columns - 2, -1, -1),
            columns * np.arange(rows - 2, 0, -1),
        ]
    )
    other, size = np.roll(rim, -1), rows * columns
    walls = np.concatenate([np.stack([rim, other, rim + size], 1), np.stack([other, other + size, rim + size], 1)])
    faces = np.concatenate([upper, upper[:, ::-1] + size, walls])
    points = np.concatenate([top.reshape(-1, 3), bottom.reshape(-1, 3)])
    return leaf_solid(Leaf(label, slot), points, oriented(points, faces), None)
