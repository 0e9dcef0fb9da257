"""Spacecraft plated by recursive splits."""

from dataclasses import dataclass

import numpy as np

from detailverse.families.machines.mounts import Dish, Turret, greeble, greebles, split
from detailverse.family import Family, Kit, one_of
from detailverse.modelling.path import line, spline
from detailverse.modelling.profile import turned
from detailverse.modelling.shapes import ball, box, hull, lathe, tube
from detailverse.modelling.solid import Solid, around, row, union
from detailverse.parts.machines import disc, panelled
from zeroverse.core.portable import TAU
from zeroverse.core.record import choice, count, seed, span
from zeroverse.core.rng import Rng


@dataclass(frozen=True)
class Spaceship(Family):
    """A spacecraft: a tapered hull plated by a recursive split, a bridge, wings, engines, and on it a turret or a
    dish.
    """

    SKINS = {"hull": ("plating",), "engine": ("machine", "tech")}
    FINISHES = {
        "hull": ("alloy", "alloy", "painted", "steel"),
        "plate": ("alloy", "painted", "steel"),
        "machinery": ("iron", "steel", "copper"),
        "engine": ("steel", "iron", "chrome"),
        "glow": ("glass", "gem"),
        "window": ("glass", "gem"),
    }

    width: float = span(0.5, 0.95)
    height: float = span(0.3, 0.55)
    nose: float = span(0.2, 0.8)
    tail: float = span(0.6, 1.15)
    waist: float = span(0.75, 1.25)
    engines: int = count(1, 5)
    wings: str = choice("none", "swept", "pods", "fins", "ring")
    bridge: str = choice("tower", "canopy", "domes")
    fineness: float = span(0.055, 0.1)
    relief: float = span(0.03, 0.08)
    mounted: Family = one_of(turret=Turret, dish=Dish)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        """Returns its nose towards -y, 2 long."""
        parts = [self.hull(kit), *self.drive(kit), *self.wing(kit), *self.command()]
        if kit.level >= 1:
            parts += self.cladding()
        one = kit.nest("mounted", self.mounted, 0.17 * self.width + 0.06).move(0, -0.3, self.half(0.35)[1] - 0.01)
        return union((*parts, one))

    def half(self, s: float) -> tuple[float, float]:
        """Returns (half width, half height) of the hull at s, 0 at the nose and 1 at the tail."""
        stops = (
            (0.0, 0.35 * self.nose, 0.4 * self.nose),
            (0.25, 0.5 * (1 + self.nose), 0.75),
            (0.55, self.waist, 1.0),
            (0.85, 1.0, 1.0),
            (1.0, self.tail, 0.8),
        )
        at = [stop[0] for stop in stops]
        return (
            float(np.interp(s, at, [stop[1] for stop in stops])) * self.width / 2,
            float(np.interp(s, at, [stop[2] for stop in stops])) * self.height / 2,
        )

    def hull(self, kit: Kit) -> Solid:
        section, rings = (
            np.array(
                [
                    (1.0, -0.25),
                    (1.0, 0.3),
                    (0.62, 1.0),
                    (-0.62, 1.0),
                    (-1.0, 0.3),
                    (-1.0, -0.25),
                    (-0.55, -1.0),
                    (0.55, -1.0),
                ]
            ),
            [],
        )
        for s in (0.0, 0.25, 0.55, 0.85, 1.0):
            w, h = self.half(s)
            rings.append(np.column_stack([section[:, 0] * w, np.full(8, 2.0 * s - 1.0), section[:, 1] * h]))
        return panelled(np.stack(rings)[:, ::-1], "hull", "hull", kit.skin("hull"))

    def cladding(self) -> list[Solid]:
        """Returns plates and machinery on the back, the belly and both flanks; the flanks are mirror images."""
        parts, rng = [], Rng(self.seed, "plates")
        spans = ((0.27, 0.5), (0.52, 0.8), (0.82, 0.97))
        for number, (a, b) in enumerate(spans):
            one = rng.child(number)
            w, h = (min(x) for x in zip(self.half(a), self.half(b)))
            long, y = 2 * (b - a), (a + b) - 1.0
            deep = max(self.half(a)[0], self.half(b)[0]) - w
            flank = greebles(
                one.child("side"), long, 0.42 * h * 2 * 0.55, self.fineness, self.relief, "machinery", "machinery"
            )
            flank = flank.turn("z", TAU / 4).turn("y", TAU / 4).move(w - 0.01, y, 0.02 * h)
            base = box(0.06 + 2 * deep, long, 0.5 * h, "machinery", "machinery").move(w - 0.03 - deep, y, 0.02 * h)
            back = self.plates(one.child("top"), 1.1 * w, long).move(0, y, h - 0.012)
            belly = (
                greebles(one.child("belly"), 0.95 * w, long, self.fineness, self.relief, "machinery", "machinery")
                .turn("y", TAU / 2)
                .move(0, y, -h + 0.012)
            )
            parts += [flank, flank.mirror("x"), base, base.mirror("x"), back, belly]
        return parts

    def plates(self, rng: Rng, w: float, long: float) -> Solid:
        """Returns flat plates of different heights with gaps, some with a hatch."""
        parts = []
        for x, y, a, b, one in split(rng, 0.0, 0.0, w, long, 1.6 * self.fineness):
            z = self.relief * one.uniform(0.15, 0.6)
            parts.append(box(a - 0.014, b - 0.014, z + 0.03, "plate", "plate").move(x, y, z / 2 - 0.015))
            if one.chance(0.3):
                parts.append(
                    greeble(one.child("hatch"), 0.5 * a, 0.5 * b, self.relief, "machinery", "machinery").move(x, y, z)
                )
        return union(parts)

    def drive(self, kit: Kit) -> list[Solid]:
        """Returns nozzles at the tail in a row, or one in the middle of a ring."""
        w, h = self.half(1.0)
        r = min(0.95 * h, 0.9 * w / self.engines) if self.engines > 1 else min(1.1 * h, w)
        line_ = (
            turned(0.62 * r, -0.14)
            .up(0.14)
            .to(0.7 * r, 0.06)
            .out(0.15 * r)
            .up(0.05)
            .out(-0.1 * r)
            .curve((0.85 * r, 0.16), (1.05 * r, 0.34))
            .out(-0.12 * r)
            .curve((0.68 * r, 0.18), (0.5 * r, 0.1))
        )
        bell = lathe(line_.close(), "engine", "engine", kit.skin("engine"))
        glow = disc(0.5 * r, 0.05, 0.14, "glow", "glow", 0.02, 32)
        one = (
            union((bell, glow, around(box(0.3 * r, 0.03, 0.2, "strut", "engine").move(0.82 * r, 0, 0.06), 8)))
            .turn("x", -TAU / 4)
            .move(0, 0.99, 0)
        )
        step = 2.0 * r
        return [
            row(one.move(-step * (self.engines - 1) / 2), self.engines, (step, 0, 0)),
            box(2 * w + 0.04, 0.08, 1.5 * h, "bulkhead", "plate").move(0, 0.95, 0),
        ]

    def wing(self, kit: Kit) -> list[Solid]:
        w, h = self.half(0.7)
        if self.wings == "none":
            return []
        if self.wings == "ring":
            ring_ = (
                lathe(turned(w + 0.3, -0.1).up(0.2).out(-0.09).up(-0.2).back(), "ring", "plate", sides=96)
                .turn("x", TAU / 4)
                .move(0, 0.3, 0)
            )
            spoke = box(w + 0.32, 0.06, 0.05, "strut", "plate").move((w + 0.24) / 2, 0.3, 0)
            return [ring_, *(spoke.turn("y", TAU * k / 4) for k in range(4))]
        reach = w + (0.55 if self.wings == "swept" else 0.3)
        flat = hull(
            np.array(
                [
                    (x, y, z)
                    for x, y, t in (
                        (0.5 * w, -0.1, 0.05),
                        (0.5 * w, 0.85, 0.05),
                        (reach, 0.5, 0.016),
                        (reach, 0.9, 0.016),
                    )
                    for z in (-t, t)
                ]
            ),
            "wing",
            "plate",
        )
        if self.wings == "fins":
            fins = [flat.turn("y", lean) for lean in (0.6, -0.6)]
            return fins + [fin.mirror("x") for fin in fins]
        pod = tube(
            spline([(reach, -0.35, 0), (reach, 0.3, 0), (reach, 0.95, 0)]),
            lambda s: 0.05 + 0.28 * h * (0.4 + 2.2 * s * (1 - s)),
            "pod",
            "engine",
            sides=24,
            ends="round",
        )
        gun = tube(line((reach, 0.65, -0.02), (reach, -0.25, -0.02)), 0.02, "gun", "engine", sides=10)
        wing = union((flat, pod if self.wings == "pods" else gun))
        greeble = (
            greebles(
                Rng(self.seed, "wing"), 0.4 * (reach - w) + 0.05, 0.3, self.fineness, 0.04, "machinery", "machinery"
            ).move(w + 0.3 * (reach - w), 0.45, 0.02)
            if kit.level >= 1
            else None
        )
        wing = wing | greeble if greeble else wing
        return [wing, wing.mirror("x")]

    def command(self) -> list[Solid]:
        """Returns the bridge on the back, or a canopy near the nose."""
        w, h = self.half(0.8)
        if self.bridge == "canopy":
            nose_w, nose_h = self.half(0.2)
            return [
                ball(0.16, "canopy", "window")
                .scale(0.9 * nose_w / 0.16, 1.8, nose_h / 0.16 * 0.9 + 0.25)
                .move(0, -0.55, 0.7 * nose_h)
            ]
        if self.bridge == "domes":
            dome = union((ball(0.1, "dome", "window"), disc(0.13, -0.08, 0.02, "collar", "plate", 0.02)))
            return [dome.move(x * 0.4 * w, y, h + 0.01) for x, y in ((-1, 0.5), (1, 0.5), (0, 0.2))]
        tower = hull(
            np.array(
                [
                    (x * a, y, z)
                    for x in (-1, 1)
                    for a, y, z in (
                        (0.4 * w, 0.3, h - 0.02),
                        (0.4 * w, 0.8, h - 0.02),
                        (0.22 * w, 0.5, h + 0.22),
                        (0.22 * w, 0.75, h + 0.22),
                    )
                ]
            ),
            "bridge",
            "plate",
        )
        head = box(0.9 * w, 0.16, 0.09, "bridge", "plate").move(0, 0.6, h + 0.24)
        panes = row(
            box(0.05 * w + 0.01, 0.05, 0.03, "window", "window").move(-0.36 * w, 0.515, h + 0.25), 7, (0.12 * w, 0, 0)
        )
        masts = [
            tube(line((x * 0.3 * w, 0.62, h + 0.26), (x * 0.3 * w, 0.66, h + 0.5)), 0.012, "aerial", "engine", sides=8)
            for x in (-1, 1)
        ]
        return [tower, head, panes, *masts]

    def words(self) -> str:
        wings = {
            "none": "",
            "swept": " with swept wings",
            "pods": " with pods",
            "fins": " with four fins",
            "ring": " inside a ring",
        }[self.wings]
        return (
            f"a spaceship with {self.engines} engine{'s' if self.engines > 1 else ''}{wings}, carrying "
            f"{self.mounted.words()}"
        )
