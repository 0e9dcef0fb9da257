"""Containers and lights: barrels, chests and lanterns."""

from dataclasses import dataclass

import numpy as np

from detailverse.family import Family, Kit
from detailverse.modelling.path import circle as loop
from detailverse.modelling.path import spline
from detailverse.modelling.profile import turned
from detailverse.modelling.region import circle, polygon, rect
from detailverse.modelling.shapes import box, cylinder, extrude, lathe, loft, tube
from detailverse.modelling.solid import Solid, around, union
from detailverse.parts.elements import turned_bead, upright
from zeroverse.core.portable import TAU, cos_sin_array
from zeroverse.core.record import choice, count, flag, seed, span
from zeroverse.core.rng import Rng


@dataclass(frozen=True)
class Barrel(Family):
    """A cask of staves under hoops with nails, standing or lying on a cradle, with a bung, a tap, or an open top."""

    SKINS = {"hoop": ("machine", "armour", "classical"), "head": ("wood",)}
    FINISHES = {
        "stave": ("wood",),
        "head": ("wood",),
        "hoop": ("iron", "bronze", "copper"),
        "nail": ("iron", "steel"),
        "cradle": ("wood",),
    }

    staves: int = count(14, 30)
    belly: float = span(1.08, 1.4)
    slender: float = span(0.55, 0.78)
    hoops: int = count(1, 3)
    breadth: float = span(0.05, 0.11)
    lying: bool = flag(0.4)
    top: str = choice("closed", "open", "lid")
    tap: bool = flag(0.5)
    rope: bool = flag(0.35)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        stave = self._stave(kit.level)
        rng = Rng(self.seed, "staves")
        ring = union(
            stave.scale(1.0 + 0.012 * rng.uniform(-1, 1), 1.0, 1.0 + 0.008 * rng.uniform(-1, 1)).turn(
                "z", TAU * k / self.staves
            )
            for k in range(self.staves)
        )
        floor = cylinder(0.9 * self._radius(-0.85), 0.08, "head", "head", kit.skin("head"))
        parts = [ring, floor.move(0, 0, -0.93), *self._hoops(kit), *self._top(floor)]
        if self.rope:
            parts.append(self._rope())
        barrel = union(parts)
        if not self.lying:
            return (barrel | self._spigot()).move(0, 0, 1.0) if self.tap else barrel.move(0, 0, 1.0)
        if self.tap and self.top == "closed":
            barrel = barrel | self._tap()
        return barrel.turn("x", TAU / 4).move(0, 0, self._radius(0) + 0.12) | self._cradle()

    def words(self) -> str:
        top = {"closed": "", "open": " open", "lid": " lidded"}[self.top]
        return (
            f"a{'n' if top == ' open' else ''}{top} barrel of {self.staves} staves"
            f"{' lying on a cradle' if self.lying else ''}"
        )

    def _radius(self, z: float) -> float:
        """Returns the radius of the outside at height z, -1 … 1."""
        return self.slender / self.belly * (1 + (self.belly - 1) * (1 - z * z))

    def _stave(self, level: int) -> Solid:
        """Returns one bent board that stands at +x, rounded across so that grooves show between staves."""
        z = np.arange(17) / 8 - 1
        half = TAU / (2 * self.staves) * 1.01
        across = np.array([-1.0, -0.82, 0.0, 0.82, 1.0])
        c, s = cos_sin_array(half * across)
        outer = np.array([0.975, 0.996, 1.004, 0.996, 0.975]) if level >= 1 else np.ones(5)
        r = np.array([self._radius(float(h)) for h in z])[:, None]
        out = np.stack([r * outer * c, r * outer * s, np.broadcast_to(z[:, None], (17, 5))], axis=-1)
        inner = np.stack([(r - 0.06) * c, (r - 0.06) * s, np.broadcast_to(z[:, None], (17, 5))], axis=-1)[:, ::-1]
        return loft(np.concatenate([out, inner], axis=1), "staves", "stave")

    def _hoops(self, kit: Kit) -> list[Solid]:
        out = []
        heights = [0.9 - 0.62 * k / self.hoops for k in range(self.hoops)]
        for k, z in enumerate(heights):
            lower, upper = self._radius(z - self.breadth / 2), self._radius(z + self.breadth / 2)
            line = (
                turned(lower - 0.03, z - self.breadth / 2)
                .out(0.048)
                .to(upper + 0.018, z + self.breadth / 2)
                .out(-0.048)
                .back()
            )
            hoop = lathe(line, "hoops", "hoop", kit.skin("hoop"))
            nails = (
                around(turned_bead(0.018, "nails", "nail").move((lower + upper) / 2 + 0.018, 0, z), 8 + 4 * k)
                if kit.level >= 1
                else hoop
            )
            one = hoop | nails
            out += [one, one.mirror("z")]
        return out

    def _top(self, floor: Solid) -> list[Solid]:
        if self.top == "open":
            return []
        core = (
            turned(self._radius(-0.9) - 0.035, -0.9)
            .curve((self._radius(0.0) - 0.035, 0.0), (self._radius(0.9) - 0.035, 0.93))
            .close()
        )
        head = [floor.move(0, 0, 0.86), lathe(core, "staves", "stave")]
        if self.top == "lid":
            r = self._radius(1.0)
            grip = tube(
                spline([(-0.16, 0, 1.02), (-0.13, 0, 1.14), (0.13, 0, 1.14), (0.16, 0, 1.02)]),
                0.028,
                "handle",
                "hoop",
                sides=12,
            )
            head += [
                lathe(turned(r + 0.05, 0.97).up(0.06).ovolo(-0.04, 0.04).close(), "lid", "head"),
                box(1.7 * r, 0.16, 0.04, "lid", "stave").move(0, 0, 1.065),
                grip.move(0, 0, 0.06),
            ]
        return head

    def _rope(self) -> Solid:
        """Returns a rope around the belly."""
        r = self._radius(0.0) + 0.02
        strands = [loop(r).offset_strand(k, 3, 0.022, 48) for k in range(3)]
        core = tube(loop(r), 0.024, "rope", "cradle", sides=8)
        return union((core, *(tube(one.resample(n=300), 0.022, "rope", "cradle", sides=6) for one in strands)))

    def _spigot(self) -> Solid:
        """Returns a tap low on the front of a standing barrel."""
        return self._tap().move(0, 0, -0.88).turn("x", TAU / 4).move(0, -self._radius(-0.62) + 0.02, -0.62)

    def _tap(self) -> Solid:
        """Returns a tap that comes out of the upper head along +z, its spout towards -y."""
        body = lathe(
            turned(0.06, 0.8).up(0.16).bead(0.05).up(0.14).out(0.02).bead(0.06).close(), "tap", "hoop", sides=24
        )
        spout = tube(
            spline([(0, 0, 1.1), (0, -0.08, 1.12), (0, -0.16, 1.12)]), 0.035, "tap", "hoop", sides=12, ends="flat"
        )
        key = cylinder(0.02, 0.16, "tap", "hoop").turn("x", -TAU / 4).move(0, 0, 1.08) | box(
            0.14, 0.03, 0.04, "tap", "hoop"
        ).move(0, 0.16, 1.08)
        return union((body, spout, key)).move(0, -0.25, 0)

    def _cradle(self) -> Solid:
        r = self._radius(0.55)
        saddle = rect(1.5 * r, 0.42).move(0, 0.21) - circle(r - 0.035).move(0, self._radius(0) + 0.12)
        beam = extrude(saddle, 0.14, "cradle", "cradle").turn("x", TAU / 4)
        rails = union(box(0.1, 1.5, 0.1, "cradle", "cradle").move(x, 0, 0.06) for x in (-0.5 * r, 0.5 * r))
        return union((beam.move(0, 0.62, 0.02), beam.move(0, -0.48, 0.02), rails))


@dataclass(frozen=True)
class Chest(Family):
    """A chest: planked or panelled box, flat, coffered or barrel lid, straps, studs, lock, handles and feet; shut or
    ajar over coins.
    """

    SKINS = {"panel": ("wood", "jewel", "classical", "armour"), "lid": ("wood", "jewel", "armour")}
    FINISHES = {
        "panel": ("wood", "leather", "painted", "ivory"),
        "frame": ("wood", "iron", "bronze"),
        "strap": ("iron", "bronze", "gold", "steel"),
        "gold": ("gold", "silver"),
    }

    lid: str = choice("barrel", "flat", "coffer", "hipped")
    width: float = span(1.4, 1.9)
    depth: float = span(0.75, 1.1)
    height: float = span(0.5, 0.8)
    straps: int = count(0, 4)
    studs: int = count(4, 12)
    corners: bool = flag(0.6)
    feet: str = choice("none", "ball", "block", "bracket")
    handles: bool = flag(0.7)
    lock: str = choice("hasp", "plate", "padlock")
    ajar: bool = flag(0.3)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        w, d, h = self.width, self.depth, self.height
        walls = box(w, d, h, "body", "panel", kit.skin("panel"), "+-x +-y").move(0, 0, h / 2)
        inside = box(w - 0.16, d - 0.16, h, "body", "panel").move(0, 0, h / 2 + 0.1)
        rims = [self._rim(0.0, 0.1), self._rim(h - 0.09, 0.09)]
        parts = [walls - inside if self.ajar else walls, *rims, *self._straps(kit.level), *self._feet(), *self._front()]
        lid = self._lid(kit)
        if not self.ajar:
            return union((*parts, lid.move(0, 0, h - 0.01)))
        opened = lid.move(0, -d / 2, 0).turn("x", -0.95).move(0, d / 2 - 0.015, h - 0.015)
        return union((*parts, opened, *self._treasure(kit.level)))

    def words(self) -> str:
        straps = f" with {self.straps} straps" if self.straps > 1 else ""
        return f"a chest with a {self.lid} lid{straps}{', open on a hoard of coins' if self.ajar else ''}"

    def _rim(self, z: float, tall: float) -> Solid:
        """Returns a frame around the body."""
        edge = rect(self.width + 0.05, self.depth + 0.05) - rect(self.width - 0.12, self.depth - 0.12)
        return extrude(edge, tall, "frame", "frame").move(0, 0, z)

    def _section(self, out: float = 0.0):
        """Returns the end of the lid, z over y, from 0; grown by `out`."""
        d, rise = self.depth, {"barrel": 0.32, "flat": 0.12, "coffer": 0.26, "hipped": 0.3}[self.lid] * self.depth
        if self.lid == "barrel":
            r = (d * d / 4 + rise * rise) / (2 * rise)
            arch = circle(r + out, 96).move(0, rise - r)
        elif self.lid == "coffer":
            arch = polygon(
                [
                    (-d / 2, -0.1),
                    (d / 2, -0.1),
                    (d / 2, 0.4 * rise),
                    (0.32 * d, rise),
                    (-0.32 * d, rise),
                    (-d / 2, 0.4 * rise),
                ]
            ).offset(out, round=False)
        elif self.lid == "hipped":
            arch = polygon(
                [(-d / 2, -0.1), (d / 2, -0.1), (d / 2, 0.2 * rise), (0, rise), (-d / 2, 0.2 * rise)]
            ).offset(out, round=False)
        else:
            arch = rect(d, 2 * rise).offset(out, round=False)
        return (arch & rect(d + 2 * out, 2.0).move(0, 1.0)).simplified(2e-3)

    def _lid(self, kit: Kit) -> Solid:
        """Returns the lid on z = 0, its back edge at y = depth / 2."""
        shell = _endwise(extrude(self._section(), self.width - 0.01, "lid", "panel", kit.skin("lid")))
        if self.ajar:
            shell = shell - _endwise(extrude(self._section(-0.07), self.width - 0.15, "lid", "panel"))
        ends = _endwise(extrude(self._section(0.025) - self._section(-0.09), 0.1, "frame", "frame"))
        rim = extrude(
            rect(self.width + 0.05, self.depth + 0.05) - rect(self.width - 0.12, self.depth - 0.12),
            0.07,
            "frame",
            "frame",
        )
        bands = [
            _endwise(extrude(self._section(0.02) - self._section(-0.05), 0.09, "straps", "strap")).move(x, 0, 0)
            for x in self._spots()
        ]
        half = self.width / 2 - 0.03
        return union((shell, rim, ends.move(half, 0, 0), ends.move(-half, 0, 0), *bands))

    def _spots(self) -> list[float]:
        return [self.width * ((k + 1) / (self.straps + 1) - 0.5) for k in range(self.straps)]

    def _straps(self, level: int) -> list[Solid]:
        """Returns bands over the body with studs, and plates on its corners."""
        w, d, h = self.width, self.depth, self.height
        stud = turned_bead(0.028, "studs", "strap")
        band = box(0.09, d + 0.04, h - 0.02, "straps", "strap").move(0, 0, h / 2) - box(
            1, d - 0.1, 2 * h, "straps", "strap"
        ).move(0, 0, 0.1 + h)
        if level >= 1:
            band = band | union(stud.move(0, y * (d / 2 + 0.022), h * z) for y in (-1, 1) for z in (0.28, 0.5, 0.72))
        out = [band.move(x, 0, 0) for x in self._spots()]
        if level >= 2:
            steps = [(k + 0.5) * w / self.studs - w / 2 for k in range(self.studs)]
            out.append(union(stud.move(x, -d / 2 - 0.026, z) for x in steps for z in (0.05, h - 0.045)))
        if self.corners:
            guard = (
                box(0.2, 0.2, 0.2, "corners", "strap") - box(0.3, 0.3, 0.3, "corners", "strap").move(-0.19, 0.19, 0.19)
            ).move(-0.055, 0.055, 0.055)
            corner = (
                guard | (turned_bead(0.024, "studs", "strap").move(-0.09, -0.045, 0.1) if level >= 1 else guard)
            ).move(w / 2 - 0.005, -d / 2 + 0.005, 0.0)
            half = corner | corner.mirror("x")
            out += [half, half.mirror("y")]
        return out

    def _feet(self) -> list[Solid]:
        if self.feet == "none":
            return []
        one = {
            "ball": turned_bead(0.13, "feet", "frame").move(0, 0, -0.09),
            "block": box(0.2, 0.2, 0.14, "feet", "frame").move(0, 0, -0.06),
            "bracket": (
                box(0.34, 0.07, 0.16, "feet", "frame")
                - cylinder(0.1, 0.3, "feet", "frame").turn("x", TAU / 4).move(-0.17, 0.1, -0.08)
            ).move(-0.07, -0.05, -0.07),
        }[self.feet]
        half = one.move(self.width / 2 - 0.1, -self.depth / 2 + 0.1, 0) | one.mirror("x").move(
            -self.width / 2 + 0.1, -self.depth / 2 + 0.1, 0
        )
        return [half, half.mirror("y")]

    def _front(self) -> list[Solid]:
        """Returns the lock and the handles."""
        h, y = self.height, -self.depth / 2
        plate = upright(
            extrude(circle(0.13).scale(0.8, 1) | rect(0.2, 0.12).move(0, 0.07), 0.05, "lock", "strap")
        ).move(0, y - 0.015, h - 0.16)
        keyhole = upright(extrude(circle(0.022) | rect(0.018, 0.07).move(0, -0.035), 0.1, "lock", "strap")).move(
            0, y, h - 0.15
        )
        parts = [plate - keyhole]
        if self.lock != "plate" and not self.ajar:
            parts.append(
                box(0.09, 0.03, 0.2, "lock", "strap").move(0, y - 0.055, h + 0.0)
                | cylinder(0.03, 0.08, "lock", "strap").turn("x", TAU / 4).move(0, y - 0.01, h + 0.05)
            )
        if self.lock == "padlock":
            shackle = tube(
                spline([(-0.05, 0, 0.0), (-0.05, 0, 0.08), (0, 0, 0.12), (0.05, 0, 0.08), (0.05, 0, 0.0)]),
                0.016,
                "padlock",
                "strap",
                sides=10,
            )
            body = box(0.16, 0.07, 0.15, "padlock", "strap").move(0, 0, -0.06)
            parts.append((shackle | body).move(0, y - 0.075, h - 0.22))
        if self.handles:
            ring = tube(
                spline([(0, -0.17, 0.0), (0.07, -0.16, -0.06), (0.1, 0, -0.13), (0.07, 0.16, -0.06), (0, 0.17, 0.0)]),
                0.022,
                "handle",
                "strap",
                sides=12,
            )
            boss = union(turned_bead(0.05, "handle", "strap").move(0.0, side * 0.17, 0.0) for side in (-1, 1))
            grip = (ring | boss).move(self.width / 2 + 0.015, 0, 0.62 * h)
            parts += [grip, grip.mirror("x")]
        return parts

    def _treasure(self, level: int) -> list[Solid]:
        """Returns coins and pearls on a heap."""
        rng = Rng(self.seed, "treasure")
        w, d, h = self.width - 0.2, self.depth - 0.2, self.height
        heap = (
            lathe(turned(0.5).curve((0.35, 0.14), (0.0, 0.22)).close(), "treasure", "gold", sides=40)
            .scale(w, d, 1.0)
            .move(0, 0, h - 0.22)
        )
        bed = box(w + 0.1, d + 0.1, h - 0.25, "treasure", "gold").move(0, 0, (h - 0.25) / 2 + 0.06)
        coin = lathe(turned(0.085).up(0.014).out(-0.014).up(-0.004).close(), "coins", "gold", sides=24)
        coins = [
            coin.turn("x", rng.uniform(-0.5, 0.5)).turn("y", rng.uniform(-0.5, 0.5)).move(*self._spot(rng, w, d, h))
            for _ in range(40 if level >= 1 else 8)
        ]
        pearls = [
            turned_bead(0.045, "pearls", "gold").move(*self._spot(rng, w, d, h)) for _ in range(12 if level >= 1 else 2)
        ]
        return [bed, heap, *coins, *pearls]

    def _spot(self, rng: Rng, w: float, d: float, h: float) -> tuple[float, float, float]:
        """Returns a place on the heap."""
        x, y = rng.uniform(-0.85, 0.85), rng.uniform(-0.85, 0.85)
        return 0.5 * w * x, 0.5 * d * y, h - 0.22 + 0.2 * max(0.0, 1 - (x * x + y * y))


def _endwise(solid: Solid) -> Solid:
    """Returns what was extruded along z, centred along x: its plan's x becomes y, its plan's y becomes z."""
    low, high = solid.bounds
    turned_over = solid.move(0, 0, -(low[2] + high[2]) / 2).turn("x", TAU / 4).turn("z", TAU / 4)
    return turned_over
