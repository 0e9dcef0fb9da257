"""Rocks, crystals, shells and land: what grew or weathered without being alive now."""

from dataclasses import dataclass

import numpy as np

from detailverse import sdf
from detailverse.family import Family, Kit
from detailverse.modelling.blob import blob
from detailverse.modelling.shapes import box, cylinder, hull, slab
from detailverse.modelling.solid import Solid, at, union
from zeroverse.core.affine import towards
from zeroverse.core.jit import kernel
from zeroverse.core.portable import TAU, cos_sin, exp, log
from zeroverse.core.record import choice, count, flag, seed, span
from zeroverse.core.rng import Rng
from zeroverse.textures.noise import fbm


@dataclass(frozen=True)
class Rock(Family):
    """A boulder, or several that lean on one another: chipped, layered or water-worn."""

    SKINS = {"rock": ("ground",)}
    FINISHES = {"rock": ("rock", "stone", "rock", "terrain")}

    kind: str = choice("boulder", "chipped", "layered", "worn", "pile")
    flat: float = span(0.5, 1.0)
    long: float = span(1.0, 1.5)
    rough: float = span(0.04, 0.12)
    chips: int = count(6, 16)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        stones = (
            [self.stone(0, 0.8)]
            if self.kind != "pile"
            else [self.stone(i, size).move(*place) for i, (size, place) in enumerate(self.places())]
        )
        whole = sdf.union(*stones, smooth=0.02)
        if kit.level >= 1 and self.kind != "worn":
            whole = whole.displace(
                sdf.noise(5.0, self.seed % 9973, octaves=3, creased=self.kind == "chipped"), 0.35 * self.rough
            )
        return blob(whole, 0.022, "rock", "rock", kit.skin("rock"), room=0.018)

    def places(self):
        rng = Rng(self.seed, "pile")
        for i in range(3 + self.chips // 3):
            c, s = cos_sin(TAU * i * 0.381966)
            r = 0.0 if i == 0 else 0.35 + 0.1 * rng.child(i, "out").unit()
            yield 0.45 - 0.02 * i, (r * c, r * s, -0.2 + 0.1 * rng.child(i, "up").unit() if i else 0.0)

    def stone(self, number: int, size: float) -> sdf.Sdf:
        rng = Rng(self.seed, "stone", number)
        stone = sdf.ellipsoid(size * self.long, size, size * self.flat)
        if self.kind == "layered":
            for i in range(5):
                z = size * self.flat * (-0.6 + 0.3 * i)
                stone = stone - sdf.torus(size * (0.9 + 0.4 * rng.child("groove", i).unit()), 0.05 * size).move(z=z)
        if self.kind in ("chipped", "pile", "boulder"):
            planes = [
                sdf.half_space(
                    rng.child("chip", i).direction(), size * self.flat * rng.child("deep", i).uniform(0.72, 0.98)
                )
                for i in range(self.chips)
            ]
            for plane in planes:
                stone = sdf.smooth_intersection(stone, plane, 0.03 * size)
        return stone.displace(sdf.noise(1.3 / size, rng.child("lump").word() % 9973, octaves=2), self.rough)

    def words(self) -> str:
        return {
            "boulder": "a boulder",
            "chipped": "a chipped rock",
            "layered": "a layered rock",
            "worn": "a water-worn stone",
            "pile": "a pile of rocks",
        }[self.kind]


@dataclass(frozen=True)
class Crystals(Family):
    """A cluster of hexagonal crystals on a matrix of rock: exact faces, striated sides."""

    SKINS = {"matrix": ("ground",)}
    FINISHES = {"crystal": ("crystal", "gem"), "matrix": ("rock", "stone", "terrain")}

    crystals: int = count(9, 34)
    slender: float = span(0.09, 0.2)
    tallest: float = span(0.9, 1.5)
    spread: float = span(0.35, 0.95)
    sides: int = choice(4, 6, 8)
    striae: int = count(0, 5)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        base = sdf.ellipsoid(0.75, 0.7, 0.3).displace(
            sdf.noise(2.5, self.seed % 9973, octaves=3), 0.12
        ) & sdf.half_space((0, 0, -1), 0.15)
        crystals = union(
            self.crystal(Rng(self.seed, "crystal", i), i / self.crystals, kit.level) for i in range(self.crystals)
        )
        return union((crystals, blob(base, 0.025, "matrix", "matrix", kit.skin("matrix"))))

    def crystal(self, rng: Rng, outward: float, level: int) -> Solid:
        c, s = cos_sin(TAU * rng.child("azimuth").unit())
        lean = self.spread * np.sqrt(outward)
        radius = self.slender * rng.child("wide").uniform(0.45, 1.0) * (1.1 - 0.5 * outward)
        length = self.tallest * (1.0 - 0.65 * outward) * rng.child("long").uniform(0.75, 1.05)
        prism = self.prism(radius, length, rng)
        for i in range(self.striae if level >= 3 else 0):
            z = length * rng.child("stria", i).uniform(0.25, 0.75)
            prism = prism - self.groove(radius).move(0, 0, z)
        return prism.transform(
            towards((lean * c, lean * s, 1.0)), (0.55 * np.sqrt(outward) * c, 0.5 * np.sqrt(outward) * s, 0.0)
        )

    def prism(self, radius: float, length: float, rng: Rng) -> Solid:
        ring = [cos_sin(TAU * k / self.sides) for k in range(self.sides)]
        grow = [radius * rng.child("side", k).uniform(0.8, 1.1) for k in range(self.sides)]
        tip = length + radius * rng.child("tip").uniform(0.9, 1.8)
        off = 0.3 * radius * rng.child("off").uniform(-1.0, 1.0)
        points = [(g * c, g * s, z) for (c, s), g in zip(ring, grow) for z in (-0.25, length)] + [(off, -off, tip)]
        return hull(np.array(points), "crystal", "crystal")

    def groove(self, radius: float) -> Solid:
        """Returns a thin step around the prism: it is a ring that is cut."""
        outer = hull(
            np.array(
                [
                    (2 * radius * c, 2 * radius * s, z)
                    for k in range(self.sides)
                    for c, s in [cos_sin(TAU * k / self.sides)]
                    for z in (0.0, 0.012)
                ]
            ),
            "crystal",
            "crystal",
        )
        inner = hull(
            np.array(
                [
                    (0.78 * radius * c, 0.78 * radius * s, z)
                    for k in range(self.sides)
                    for c, s in [cos_sin(TAU * k / self.sides)]
                    for z in (-0.1, 0.2)
                ]
            ),
            "crystal",
            "crystal",
        )
        return outer - inner

    def words(self) -> str:
        return f"a cluster of {self.crystals} crystals on rock"


@dataclass(frozen=True)
class Shell(Family):
    """A coiled shell: an ammonite, a snail or a horn, by the three numbers of Raup (1966): expansion, distance from the
    axis, translation.
    """

    SKINS = {"shell": ("marine",)}
    FINISHES = {"shell": ("shell", "coral", "bone", "shell")}

    form: str = choice("ammonite", "snail", "turret", "horn")
    expansion: float = span(1.9, 3.2)
    whorls: float = span(2.5, 4.2)
    ribs: int = count(8, 26)
    ribbed: float = span(0.02, 0.1)
    keel: bool = flag(0.4)
    open: bool = flag(0.7)

    def build(self, kit: Kit) -> Solid:
        points, radii = self.coil(kit.level)
        shell = sdf.chain(points, radii)
        if self.keel and self.form != "horn":
            outer = points * (
                1.0
                + 0.9
                * radii[:, None]
                / np.maximum(np.sqrt((points[:, :2] ** 2).sum(axis=1)), 1e-6)[:, None]
                * [1, 1, 0]
            )
            shell = sdf.union(shell, sdf.chain(outer, 0.22 * radii), smooth=0.03)
        if self.open:
            mouth, before = points[-1], points[-4]
            outward = (mouth - before) / np.sqrt(((mouth - before) ** 2).sum())
            shell = shell & sdf.half_space(outward, float((mouth * outward).sum()))
            shell = sdf.smooth_difference(
                shell, sdf.sphere(0.8 * float(radii[-1])).move(*(mouth + 0.25 * radii[-1] * outward)), 0.02
            )
        return blob(shell, 0.018, "shell", "shell", kit.skin("shell"), room=0.008).turn(
            "x", TAU / 4 if self.form in ("ammonite", "horn") else 0.0
        )

    def coil(self, level: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns (points [N, 3], radii [N]) of the tube, the mouth last and about 1 from the axis."""
        turns, away, rise = {
            "ammonite": (self.whorls, 1.0, 0.0),
            "snail": (self.whorls, 0.85, 1.1),
            "turret": (self.whorls + 3, 0.6, 2.8),
            "horn": (0.75, 2.2, 0.3),
        }[self.form]
        expansion = {"turret": 1.55, "horn": 40.0}.get(self.form, self.expansion)
        steps = int(56 * turns)
        t = np.arange(steps + 1) / steps
        grow = _powers(expansion, turns * (t - 1.0))
        angle = np.array([cos_sin(TAU * turns * x) for x in t])
        wave = np.array([cos_sin(TAU * turns * self.ribs * x)[0] for x in t]) if level >= 1 else np.zeros(steps + 1)
        size = 0.42 if self.form != "horn" else 0.3
        scale = 0.62 * away
        points = np.stack([scale * grow * angle[:, 0], scale * grow * angle[:, 1], -rise * 0.62 * grow], axis=1)
        return points, size * 0.98 * grow * (1.0 + self.ribbed * wave)

    def words(self) -> str:
        name = {
            "ammonite": "an ammonite",
            "snail": "a snail shell",
            "turret": "a turret shell",
            "horn": "a curved horn",
        }[self.form]
        return f"{name} with {self.ribs} ribs a whorl" if self.form != "horn" else f"{name} with ribs"


@dataclass(frozen=True)
class Terrain(Family):
    """A piece of land on a block: ridges, dunes, a volcano or terraces, with boulders, firs and a lake."""

    SKINS = {"land": ("ground",)}
    FINISHES = {"land": ("terrain",), "rock": ("rock",), "tree": ("foliage",), "water": ("glass",)}

    form: str = choice("ridges", "dunes", "volcano", "terraces", "canyon")
    height: float = span(0.35, 0.8)
    scale: float = span(1.1, 2.4)
    long: float = span(0.7, 1.0)
    boulders: int = count(0, 14)
    firs: int = count(0, 90)
    lake: float = span(-0.2, 0.35)  # its level as a share of the height; there is none below 0
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        rows, columns = round(190 * self.long), 190
        x, y = np.meshgrid(
            (np.arange(columns) / (columns - 1) - 0.5) * 2, (np.arange(rows) / (rows - 1) - 0.5) * 2 * self.long
        )
        land = 0.18 + self.height * self.relief(x, y, kit.level)
        ground = slab(land, 2.0, 2.0 * self.long, "land", "land", kit.skin("land"))
        parts = [
            ground,
            *(self.boulder(Rng(self.seed, "boulder", i), land) for i in range(self.boulders if kit.level >= 2 else 0)),
        ]
        if self.lake > 0:
            deep = 0.17 + self.height * self.lake
            parts.append(box(1.99, 1.99 * self.long, deep, "water", "water").move(0, 0, deep / 2 + 0.005))
        firs = list(self.places(land)) if kit.level >= 2 and self.form != "dunes" else []
        return union((*parts, at(self.fir(kit.level), firs)) if firs else parts)

    def places(self, land: np.ndarray):
        """Yields frames of firs: where the land is neither under water, nor near the top, nor steep."""
        slope = np.abs(np.gradient(land, 2.0 / land.shape[1])).max(axis=0)
        for k in range(self.firs):
            rng = Rng(self.seed, "fir", k)
            i, j = (int(rng.child(name).uniform(0.05, 0.95) * n) for name, n in zip("ij", land.shape))
            if 0.2 + self.height * max(self.lake, 0.0) < land[i, j] < 0.18 + 0.75 * self.height and slope[i, j] < 1.6:
                yield rng.child("size").uniform(0.6, 1.2) * np.eye(3), _on(land, i, j, self.long)

    def fir(self, level: int) -> Solid:
        """Returns a trunk and three skirts."""
        skirts = (
            cylinder(0.035 - 0.008 * k, 0.055, "firs", "tree", top=0.004, sides=7 + 2 * level).move(
                0, 0, 0.02 + 0.032 * k
            )
            for k in range(3)
        )
        return union((cylinder(0.01, 0.06, "firs", "tree", sides=6).move(0, 0, -0.03), *skirts))

    def relief(self, x, y, level: int) -> np.ndarray:
        """Returns [R, C] from 0 to 1."""
        points = np.stack([x.ravel() * self.scale, y.ravel() * self.scale, np.zeros(x.size)], axis=1)
        rough = fbm(points, self.seed % 2**31, 3 + level, 0.42).reshape(x.shape)
        if self.form == "ridges":
            crest = np.maximum(1.0 - 2.0 * np.abs(rough), 0.0)
            land = crest * crest + 0.3 * rough
        elif self.form == "dunes":
            wave = fbm(points * [0.5, 2.2, 1.0], self.seed % 2**31 + 1, 2).reshape(x.shape)
            land = 0.5 + 0.7 * (0.5 - np.abs(wave)) + 0.12 * rough
        elif self.form == "volcano":
            out = np.sqrt(x * x + y * y) / self.long
            land = np.clip(1.15 - 1.25 * out, 0.0, None) - np.clip(1.3 - 6.0 * out, 0.0, None) + 0.22 * rough
        elif self.form == "terraces":
            smooth = 3.5 * (rough + 0.5)
            step = np.floor(smooth)
            ramp = np.clip((smooth - step - 0.72) / 0.28, 0.0, 1.0)
            land = (step + ramp) / 4.0
        else:
            land = np.clip(4.0 * np.abs(rough + 0.15 * x) - 0.12, 0.0, 0.85) + 0.12 * rough
        low, high = float(land.min()), float(land.max())
        return (land - low) / (high - low)

    def boulder(self, rng: Rng, land: np.ndarray) -> Solid:
        i, j = (int(rng.child(name).unit() * 0.8 * n + 0.1 * n) for name, n in zip("ij", land.shape))
        size = rng.child("size").uniform(0.03, 0.09)
        points = np.array(
            [size * rng.child("corner", k).uniform(0.7, 1.2) * rng.child("way", k).direction() for k in range(16)]
        )
        return hull(points, "boulder", "rock").move(*_on(land, i, j, self.long))

    def words(self) -> str:
        name = {
            "ridges": "a ridged mountain",
            "dunes": "a field of dunes",
            "volcano": "a volcano",
            "terraces": "terraced land",
            "canyon": "a canyon",
        }[self.form]
        return f"{name} on a block"


def _on(land: np.ndarray, i: int, j: int, long: float) -> tuple[float, float, float]:
    """Returns the place of row i and column j of the land's grid."""
    return 2 * (j / (land.shape[1] - 1) - 0.5), 2 * long * (i / (land.shape[0] - 1) - 0.5), float(land[i, j])


@kernel
def _powers(base, exponents):  # [N] -> base to the power of each
    out = np.empty_like(exponents)
    for i in range(exponents.size):
        out[i] = exp(exponents[i] * log(base))
    return out
