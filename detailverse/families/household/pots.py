"""Teapots, jugs and fountains."""

from dataclasses import dataclass, replace

import numpy as np

from detailverse.families.household.turned import Finial, Goblet
from detailverse.families.household.vases import Vase
from detailverse.family import Family, Kit, one_of
from detailverse.modelling.path import spline
from detailverse.modelling.profile import Profile, turned, vessel
from detailverse.modelling.shapes import cylinder, lathe, tube
from detailverse.modelling.solid import Solid, around, union
from detailverse.parts.architecture import foliage, moulded, ngon_plan
from detailverse.parts.elements import turned_bead
from zeroverse.core.portable import TAU
from zeroverse.core.record import choice, count, flag, span


@dataclass(frozen=True)
class Teapot(Family):
    """A teapot, coffee pot or kettle: body on a foot, a hollow spout to the right, a handle to the left or over the
    top, a lid with a knob.
    """

    SKINS = {"body": ("classical", "jewel", "textile"), "lid": ("classical", "jewel")}
    FINISHES = {
        "body": ("ceramic", "silver", "copper", "iron"),
        "handle": ("ceramic", "wood", "silver", "straw"),
        "knob": ("ceramic", "gold", "wood"),
    }

    body: str = choice("round", "squat", "tall", "drum", "pear")
    width: float = span(0.55, 0.78)
    spout: str = choice("swan", "straight", "long")
    handle: str = choice("loop", "ear", "square", "over", "side")
    knob: str = choice("ball", "bud", "ring", "disc")
    foot: str = choice("ring", "flared", "claws", "none")
    collar: bool = flag(0.6)
    sprays: int = count(0, 5)
    thick: float = span(0.05, 0.075)

    def build(self, kit: Kit) -> Solid:
        outer = self._outer()
        pot = lathe(vessel(outer, 0.045, 0.07), "body", "body", kit.skin("body"))
        spout, bore = self._spout(outer)
        room = lathe(self._room(outer), "body", "body")
        parts = [pot, (spout - bore) - room, *self._lid(kit, outer), self._handle(outer), *self._foot()]
        if self.sprays and kit.level >= 2:
            parts += self._sprays(outer)
        return union(parts)

    def words(self) -> str:
        return (
            f"a {self.body} teapot with a {self.spout} spout and "
            f"{'a handle over the top' if self.handle == 'over' else f'a {self.handle} handle'}"
        )

    @property
    def height(self) -> float:
        return {"round": 1.15, "squat": 0.85, "tall": 1.5, "drum": 1.05, "pear": 1.35}[self.body]

    def _outer(self) -> Profile:
        w, h = self.width, self.height
        start = turned(0.55 * w).up(0.04)
        curve = {
            "round": ((w, 0.48 * h), (0.8 * w, 0.82 * h), (0.5 * w, h)),
            "squat": ((1.15 * w, 0.4 * h), (1.0 * w, 0.75 * h), (0.55 * w, h)),
            "tall": ((0.72 * w, 0.3 * h), (0.6 * w, 0.7 * h), (0.42 * w, h)),
            "pear": ((0.95 * w, 0.3 * h), (0.6 * w, 0.7 * h), (0.45 * w, h)),
        }
        if self.body == "drum":
            return start.to(0.9 * w, 0.12).up(0.7 * h - 0.08).ovolo(-0.35 * w, 0.18 * h).to(0.5 * w, h).open()
        return start.curve(*curve[self.body]).open()

    def _room(self, outer: Profile) -> Profile:
        """Returns what the spout must leave free inside."""
        high = float(outer.points[-1, 1]) - 0.1
        z = np.linspace(0.12, high, 24)
        r = np.array([outer.radius_at(float(x)) - 0.04 for x in z])
        return Profile(
            (np.array([(0.0, z[0]), (r[0], z[0])]), np.column_stack([r, z]), np.array([(r[-1], z[-1]), (0.0, z[-1])]))
        )

    def _spout(self, outer: Profile) -> tuple[Solid, Solid]:
        """Returns the spout and its bore, which ends within its wall inside the pot."""
        h, w = self.height, self.width
        low = 0.4 * h if self.spout != "straight" else 0.48 * h
        start = outer.radius_at(low)
        reach = {"swan": 0.6, "straight": 0.45, "long": 0.85}[self.spout] * w + start
        top = {"swan": 0.98, "straight": 0.9, "long": 1.05}[self.spout] * h
        middle = [(start + 0.55 * (reach - start), 0, low + (0.22 if self.spout == "swan" else 0.5) * (top - low))]
        line = spline(
            [
                (start - 0.16, 0, low - 0.02),
                (start + 0.12, 0, low + 0.04),
                *middle,
                (reach - 0.06, 0, top - 0.1),
                (reach, 0, top),
            ]
        )
        body = tube(
            line, lambda t: 0.2 * w * (1 - t) * (1 - t) + 0.055 + 0.012 * t * t, "spout", "body", sides=32, ends="flat"
        )
        bore = tube(
            line.move(0.0, 0, 0.0), lambda t: 0.2 * w * (1 - t) * (1 - t) + 0.03, "spout", "body", sides=24, ends="flat"
        ).move(0.012, 0, 0.006)
        lip = tube(
            spline(
                [
                    line.points[-1] + 0.046 * np.array([c, s, -0.3 * c])
                    for c, s in (
                        (1, 0),
                        (0.71, 0.71),
                        (0, 1),
                        (-0.71, 0.71),
                        (-1, 0),
                        (-0.71, -0.71),
                        (0, -1),
                        (0.71, -0.71),
                    )
                ],
                closed=True,
            ),
            0.018,
            "spout",
            "body",
            sides=10,
        )
        return body | lip, bore

    def _lid(self, kit: Kit, outer: Profile) -> list[Solid]:
        r, z = (float(x) for x in outer.runs[-1][-1])
        line = turned(r - 0.07, z - 0.06).up(0.05).out(0.1).up(0.03).out(-0.02)
        if self.collar:
            line = line.bead(0.03).out(-0.015)
        line = line.curve((0.62 * r, z + 0.1 + 0.12 * r), (0.07, z + 0.13 + 0.18 * r))
        top = float(line.end[1])
        start = turned(0.06, top - 0.02).cove(-0.025, 0.05)
        knob = {
            "ball": lambda: start.curve((0.095, top + 0.12), (0.0, top + 0.2)),
            "bud": lambda: start.curve((0.09, top + 0.1), (0.03, top + 0.22), (0.0, top + 0.27)),
            "ring": lambda: start.up(0.02).bead(0.05),
            "disc": lambda: start.out(0.1).bead(0.05).out(-0.06).ovolo(-0.03, 0.03),
        }[self.knob]()
        parts = [lathe(line.close(), "lid", "body", kit.skin("lid")), lathe(knob.close(), "knob", "knob", sides=32)]
        if self.knob == "ring":
            parts.append(
                tube(
                    spline(
                        [
                            (0.09 * c, 0, top + 0.15 + 0.09 * s)
                            for c, s in (
                                (1, 0),
                                (0.71, 0.71),
                                (0, 1),
                                (-0.71, 0.71),
                                (-1, 0),
                                (-0.71, -0.71),
                                (0, -1),
                                (0.71, -0.71),
                            )
                        ],
                        closed=True,
                    ),
                    0.025,
                    "knob",
                    "knob",
                    sides=12,
                )
            )
        return parts

    def _handle(self, outer: Profile) -> Solid:
        h, w = self.height, self.width
        upper, lower = 0.8 * h, 0.28 * h
        a, b = outer.radius_at(upper) - 0.03, outer.radius_at(lower) - 0.03
        out = max(a, b) + 0.42 * w
        if self.handle == "over":
            side = outer.radius_at(0.82 * h) - 0.02
            line = spline(
                [
                    (-side, 0, 0.82 * h),
                    (-side - 0.06, 0, h + 0.1),
                    (-0.6 * side, 0, h + 0.62),
                    (0.6 * side, 0, h + 0.62),
                    (side + 0.06, 0, h + 0.1),
                    (side, 0, 0.82 * h),
                ]
            )
        elif self.handle == "side":
            line = spline(
                [(-outer.radius_at(0.5 * h) + 0.03, 0, 0.5 * h), (-out - 0.1, 0, 0.6 * h), (-out - 0.45, 0, 0.68 * h)]
            )
        elif self.handle == "ear":
            line = spline(
                [
                    (-a, 0, upper),
                    (-out, 0, upper + 0.12),
                    (-out - 0.03, 0, 0.6 * h),
                    (-b - 0.12, 0, lower + 0.08),
                    (-b, 0, lower),
                ]
            )
        elif self.handle == "square":
            line = spline(
                [
                    (-a, 0, upper),
                    (-out + 0.03, 0, upper + 0.02),
                    (-out, 0, upper - 0.04),
                    (-out, 0, lower + 0.04),
                    (-out + 0.03, 0, lower - 0.02),
                    (-b, 0, lower),
                ]
            )
        else:
            line = spline(
                [
                    (-a, 0, upper),
                    (-0.5 * (a + out), 0, upper + 0.06),
                    (-out, 0, 0.56 * h),
                    (-0.5 * (b + out), 0, lower - 0.04),
                    (-b, 0, lower),
                ]
            )
        grip = tube(
            line,
            lambda t: self.thick * (1.15 - 0.6 * t * (1 - t)) * (0.85 if self.handle == "over" else 1.0),
            "handle",
            "handle",
            sides=20,
        )
        return grip

    def _foot(self) -> list[Solid]:
        r = 0.55 * self.width
        if self.foot == "ring":
            return [lathe(turned(0.95 * r, -0.04).bead(0.05).up(0.05).close(), "foot", "body")]
        if self.foot == "flared":
            return [lathe(turned(1.25 * r, -0.14).up(0.03).cove(-0.35 * r, 0.1).bead(0.04).close(), "foot", "body")]
        if self.foot == "claws":
            claw = tube(
                spline([(0.8 * r, 0, 0.05), (1.15 * r, 0, -0.06), (1.25 * r, 0, -0.14)]),
                0.045,
                "feet",
                "handle",
                sides=14,
            )
            return [around(claw | turned_bead(0.07, "feet", "handle").move(1.27 * r, 0, -0.15), 3)]
        return []

    def _sprays(self, outer: Profile) -> list[Solid]:
        """Returns leaves at the root of the handle and spout."""
        z = 0.3 * self.height
        r = outer.radius_at(z)
        leaf = foliage(0.26, 0.12, 0.8, 3, "leaves", "body")
        return [
            leaf.turn("y", 0.3 + 0.35 * k)
            .turn("z", TAU / 2 * side + 0.25 * (k - 1))
            .move((r - 0.02) * (1 - 2 * side), 0, z)
            for k in range(min(3, self.sprays))
            for side in (0, 1)
        ]


@dataclass(frozen=True)
class Fountain(Family):
    """A fountain: a basin on a stepped plinth, bowls that shrink on balusters one over the other, jets, and an ornament
    on top.
    """

    SKINS = {"basin": ("stone", "classical"), "bowl": ("classical", "jewel")}
    FINISHES = {
        "basin": ("stone", "marble"),
        "bowl": ("marble", "stone", "bronze"),
        "stem": ("marble", "stone", "bronze"),
        "water": ("glass",),
        "spout": ("bronze", "gold"),
    }

    top: Family = one_of(finial=Finial, goblet=Goblet, vase=Vase)
    plan: str = choice("round", "octagonal", "hexagonal", "square")
    bowls: int = count(1, 3)
    width: float = span(0.75, 1.0)
    shrink: float = span(0.55, 0.72)
    lobes: int = count(6, 14)
    steps: int = count(1, 3)
    jets: int = count(0, 10)
    water: bool = flag(0.8)

    def build(self, kit: Kit) -> Solid:
        base = 0.06 * self.steps
        parts = [*self._basin(kit, base)]
        z, r = base + 0.04, self.width
        for k in range(self.bowls):
            r, rise = r * self.shrink, 0.55 - 0.1 * k
            parts += self._bowl(kit, z, r, rise, k)
            z += rise
        size = 0.22
        parts.append(
            lathe(
                turned(0.12, z - 0.09).up(0.03).cove(-0.05, 0.05).up(0.04).cove(0.03, 0.03).up(0.03).close(),
                "stem",
                "stem",
                sides=40,
            )
        )
        return union(
            (*parts, replace(kit, triangles=kit.triangles // 4).nest("top", self.top, size).move(0, 0, z + 0.08))
        )

    def words(self) -> str:
        bowls, basin = (
            f"{self.bowls} bowl{'s' if self.bowls > 1 else ''}",
            f"{'an' if self.plan == 'octagonal' else 'a'} {self.plan}",
        )
        return f"a fountain of {bowls} over {basin} basin, {self.top.words()} on top"

    def _basin(self, kit: Kit, base: float) -> list[Solid]:
        w, sides = self.width, {"round": 64, "octagonal": 8, "hexagonal": 6, "square": 4}[self.plan]
        steps = [
            moulded(
                ngon_plan(sides, w + 0.1 * (self.steps - k)),
                turned(0.0, 0.06 * k - 0.01).up(0.06).to(-0.01, 0.06 * (k + 1)),
                "steps",
                "basin",
            )
            for k in range(self.steps)
        ]
        line = (
            turned(0.03, base - 0.02)
            .up(0.05)
            .ogee(-0.06, 0.05)
            .up(0.14)
            .ovolo(0.06, 0.05)
            .up(0.03)
            .to(-0.02, base + 0.33)
        )
        rim = moulded(ngon_plan(sides, w), line, "basin", "basin")
        hollow = moulded(
            ngon_plan(sides, w - 0.13), turned(-0.05, base + 0.06).to(0.0, base + 0.12).up(0.5), "basin", "basin"
        )
        if self.plan == "round":
            wall = turned(w - 0.01, base + 0.07).up(0.14).out(-0.08).to(w - 0.09, base + 0.07).back()
            steps.append(lathe(wall, "basin", "basin", kit.skin("basin")))
        pool = (
            [moulded(ngon_plan(sides, w - 0.1), turned(0.0, base + 0.05).to(0.0, base + 0.22), "water", "water")]
            if self.water
            else []
        )
        return [*steps, rim - hollow, *pool]

    def _bowl(self, kit: Kit, z: float, r: float, rise: float, k: int) -> list[Solid]:
        thin = 0.34 * r + 0.02
        stem = (
            turned(1.3 * thin, z - 0.02)
            .up(0.06)
            .cove(-0.6 * thin, 0.07)
            .bead(0.03)
            .curve((1.1 * thin, z + 0.4 * rise), (0.5 * thin, z + 0.75 * rise))
            .bead(0.03)
            .cove(0.4 * thin, 0.06)
            .up(0.04)
        )
        top = z + rise
        outer = (
            turned(0.6 * thin, top - 0.16)
            .curve((0.6 * r, top - 0.13), (0.93 * r, top - 0.04), (r, top + 0.01))
            .out(0.03)
            .up(0.03)
            .open()
        )
        bowl = lathe(vessel(outer, 0.035, 0.04), "bowl", "bowl", kit.skin("bowl"))
        parts = [lathe(stem.close(), "stem", "stem", sides=48), bowl]
        if self.water:
            parts.append(cylinder(0.9 * r, 0.03, "water", "water").move(0, 0, top - 0.05))
        if kit.level >= 1:
            parts.append(
                around(
                    turned_bead(0.035, "lobes", "bowl").scale(1, 1, 0.8).move(r + 0.03, 0, top + 0.025), 2 * self.lobes
                )
            )
        if self.jets > 2 and k == 0:
            jet = tube(
                spline(
                    [(r - 0.02, 0, top), (r + 0.08, 0, top + 0.02), (r + 0.2, 0, top - 0.2), (r + 0.22, 0, z + 0.1)]
                ),
                lambda t: 0.016 + 0.008 * t,
                "jets",
                "water",
                sides=10,
            )
            head = turned_bead(0.05, "spouts", "spout").move(r + 0.02, 0, top)
            parts.append(around(union((jet, head)) if r + 0.24 < self.width - 0.1 and self.water else head, self.jets))
        return parts
