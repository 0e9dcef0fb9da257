"""Robot arms and cannons."""

from dataclasses import dataclass

import numpy as np

from detailverse.family import Family, Kit
from detailverse.modelling.path import circle as hoop
from detailverse.modelling.path import line, spline
from detailverse.modelling.profile import turned
from detailverse.modelling.region import circle, polygon, stroke
from detailverse.modelling.shapes import ball, box, cylinder, extrude, lathe, plate, tube
from detailverse.modelling.solid import Solid, around, union
from detailverse.parts.machines import bolt, disc, flange, ring_of
from zeroverse.core.portable import TAU, cos_sin
from zeroverse.core.record import choice, count, flag, span


@dataclass(frozen=True)
class RobotArm(Family):
    """An industrial arm: base, turntable, links between bolted joints, a cable along them, a gripper."""

    SKINS = {"base": ("machine", "tech"), "link": ("tech", "machine")}
    FINISHES = {
        "link": ("painted", "plastic", "steel"),
        "base": ("iron", "steel", "painted"),
        "joint": ("steel", "plastic", "anodised"),
        "cable": ("rubber", "plastic"),
        "steel": ("steel", "chrome"),
        "tip": ("rubber", "steel", "copper"),
    }

    upper: float = span(0.6, 0.9)
    fore: float = span(0.5, 0.8)
    joint: float = span(0.13, 0.2)
    shoulder: float = span(-0.3, 0.7)
    elbow: float = span(1.0, 2.1)
    wrist: float = span(0.2, 1.5)
    yaw: float = span(-1.2, 1.2)
    link: str = choice("box", "twin", "tube", "truss")
    gripper: str = choice("jaws", "claw", "suction", "welder")
    cable: bool = flag(0.75)
    piston: bool = flag(0.5)
    screws: str = choice("hex", "socket", "dome")

    def build(self, kit: Kit) -> Solid:
        """Returns the arm in the plane y = 0, bent towards +x, then turned by `yaw`."""
        a, joints, r = self.shoulder, [np.array([0.0, 0.55])], self.joint
        ways = (a, a + self.elbow, a + self.elbow + self.wrist)
        for way, long in zip(ways, (self.upper, self.fore, 0.3)):
            c, s = cos_sin(way)
            joints.append(joints[-1] + long * np.array([s, c]))
        parts = [
            self.between(joints[0], joints[1], r, 0.86 * r, kit),
            self.between(joints[1], joints[2], 0.86 * r, 0.62 * r, kit),
            *self.hand(joints[2], joints[3], ways[2]),
        ]
        for place, size in zip(joints, (r, 0.86 * r, 0.62 * r)):
            parts.append(self.knuckle(size, kit).move(place[0], 0, place[1]))
        if self.cable:
            parts += self.wiring(joints, r)
        if self.piston:
            parts += self.ram(joints, r)
        body = union(parts).turn("z", self.yaw)
        return union((body, *self.base(r, kit)))

    def base(self, r: float, kit: Kit) -> list[Solid]:
        foot = lathe(
            turned(0.5, 0.0).up(0.06).out(-0.08).to(0.34, 0.1).to(0.3, 0.24).up(0.04).close(),
            "base",
            "base",
            kit.skin("base"),
        )
        table = lathe(
            turned(0.33, 0.26).up(0.06).out(-0.03).up(0.03).to(0.2, 0.4).close(), "turntable", "link", sides=64
        )
        cheeks = [
            box(2.0 * r, 0.06, 0.42, "shoulder", "link").move(0, y, 0.42).turn("z", self.yaw)
            for y in (-0.75 * r - 0.03, 0.75 * r + 0.03)
        ]
        bolts = [ring_of(bolt(0.03, self.screws), 12, 0.46).move(0, 0, 0.06)] if kit.level >= 1 else []
        motor = (
            union((cylinder(0.09, 0.22, "motor", "joint"), cylinder(0.06, 0.27, "motor", "steel")))
            .move(-0.22, 0, 0.33)
            .turn("z", self.yaw)
        )
        return [foot, table, *cheeks, *bolts, motor]

    def between(self, a, b, wide: float, narrow: float, kit: Kit) -> Solid:
        """Returns a link from a to b (x, z), its ends round."""
        way, long = b - a, float(np.sqrt(((b - a) ** 2).sum()))
        region = (
            polygon([(-0.8 * wide, 0), (0.8 * wide, 0), (0.8 * narrow, long), (-0.8 * narrow, long)])
            | circle(0.95 * wide)
            | circle(0.95 * narrow).move(0, long)
        )
        thick = 1.1 * narrow
        if self.link == "tube":
            line_ = (
                turned(0.75 * wide, 0.0)
                .to(0.75 * wide, 0.2 * long)
                .to(0.6 * wide, 0.26 * long)
                .to(0.6 * narrow, 0.74 * long)
                .to(0.85 * narrow, 0.8 * long)
                .to(0.85 * narrow, long)
            )
            body = lathe(line_.close(), "link", "link", kit.skin("link"))
        else:
            if self.link == "truss":
                for k in range(4):
                    side, y = 1 - 2 * (k % 2), long * (0.24 + 0.14 * k)
                    hole = polygon([(-0.5 * wide, y), (0.5 * wide, y + 0.02), (0.0, y + 0.13 * long)])
                    region = region - (hole if side > 0 else hole.mirror("x"))
            slab = plate(
                region.mirror("x") | region,
                0.4 * thick if self.link == "twin" else thick,
                "link",
                "link",
                kit.skin("link"),
                margin=0.03,
            )
            if self.link == "twin":
                slab = slab.move(0, 0, 0.35 * thick)
                pair = slab | slab.turn("y", TAU / 2)
                body = union(
                    (pair, cylinder(0.03, 1.1 * thick, "spacer", "steel").move(0, 0.5 * long, -0.55 * thick))
                ).turn("x", TAU / 4)
            else:
                seam = extrude(region.offset(-0.008), 0.08, "link", "link").move(0, 0, -0.04)
                body = union((slab.move(0, 0, 0.006), slab.turn("y", TAU / 2).move(0, 0, -0.006), seam)).turn(
                    "x", TAU / 4
                )
        angle_c, angle_s = way[1] / long, way[0] / long
        matrix = np.array([[angle_c, 0.0, angle_s], [0.0, 1.0, 0.0], [-angle_s, 0.0, angle_c]])
        return body.transform(matrix, (a[0], 0.0, a[1]))

    def knuckle(self, r: float, kit: Kit) -> Solid:
        """Returns a joint about y, with caps and screws."""
        wide = 1.7 * r
        drum = cylinder(0.82 * r, 2 * wide - 0.4 * r, "joint", "joint").move(0, 0, -wide + 0.2 * r)
        cap = lathe(
            turned(0.9 * r, 0.0)
            .up(0.25 * r)
            .to(0.8 * r, 0.4 * r)
            .out(-0.3 * r)
            .up(-0.1 * r)
            .out(-0.2 * r)
            .up(0.2 * r)
            .close(),
            "joint cap",
            "joint",
            sides=48,
        )
        if kit.level >= 1:
            cap = cap | ring_of(bolt(0.075 * r, self.screws), 8, 0.68 * r).move(0, 0, 0.39 * r)
        cap = cap.move(0, 0, wide - 0.45 * r)
        return union((drum, cap, cap.turn("x", TAU / 2))).turn("x", TAU / 4)

    def wiring(self, joints, r: float) -> list[Solid]:
        """Returns a cable beside the arm, with clips."""
        y, points = -1.0 * r, [(-0.18, -0.1, 0.38)]
        for a, b in zip(joints[:2], joints[1:3]):
            across = np.array([-(b - a)[1], (b - a)[0]]) / float(np.sqrt(((b - a) ** 2).sum()))
            beside = (a + share * (b - a) + 0.9 * r * across for share in (0.25, 0.7))
            points += [(x, y, z) for x, z in beside]
        points.append((joints[2][0], -0.5 * r, joints[2][1]))
        return [tube(spline(points), 0.022, "cable", "cable", sides=10)]

    def ram(self, joints, r: float) -> list[Solid]:
        """Returns a gas spring from the shoulder to the upper link, on the other side."""
        a, b = joints[0] + np.array([-0.8 * r, 0.2 * r]), joints[0] + 0.72 * (joints[1] - joints[0])
        y, middle = 1.05 * r, (a + b) / 2
        pins = [cylinder(0.03, 1.3 * r, "pin", "steel").turn("x", -TAU / 4).move(p[0], 0, p[1]) for p in (a, b)]
        return [
            tube(line((a[0], y, a[1]), (middle[0], y, middle[1])), 0.042, "ram", "joint", sides=16),
            tube(line((a[0], y, a[1]), (b[0], y, b[1])), 0.022, "ram", "steel", sides=12),
            *pins,
        ]

    def hand(self, a, b, way: float) -> list[Solid]:
        """Returns the wrist from a to b and what it holds, built up the z axis."""
        r, kind = 0.5 * self.joint, self.gripper
        wrist = union(
            (
                lathe(
                    turned(1.0 * r, 0.0).up(0.2).out(-0.2 * r).up(0.04).out(0.3 * r).up(0.07).close(),
                    "wrist",
                    "joint",
                    sides=48,
                ),
                flange(1.25 * r, 0.05, 8, "wrist", "steel").move(0, 0, 0.28),
            )
        )
        if kind == "suction":
            cup = lathe(
                turned(0.02, 0.0)
                .up(0.1)
                .out(0.02)
                .up(0.03)
                .out(-0.01)
                .up(0.03)
                .out(0.015)
                .up(0.02)
                .to(0.09, 0.24)
                .close(),
                "cup",
                "tip",
                sides=32,
            )
            tool = union(
                (
                    around(cup.move(0.15, 0, 0.02), 4),
                    around(box(0.17, 0.04, 0.04, "spider", "steel").move(0.08, 0, 0.03), 4),
                )
            )
        elif kind == "welder":
            tool = tube(
                spline([(0, 0, -0.02), (0, 0, 0.15), (0.06, 0, 0.26), (0.2, 0, 0.36)]),
                lambda s: 0.05 - 0.035 * s,
                "torch",
                "tip",
                sides=16,
            ) | disc(0.075, 0.0, 0.06, "torch", "steel", 0.02, 24)
        else:
            n = 2 if kind == "jaws" else 3
            bent = (
                [(0.02, 0.0), (0.15, 0.08), (0.16, 0.2), (0.08, 0.33)]
                if kind == "claw"
                else [(0.02, 0.02), (0.13, 0.03), (0.13, 0.2), (0.07, 0.22), (0.07, 0.34)]
            )
            finger = extrude(stroke(bent, 0.045), 0.07, "finger", "steel").move(0, 0, -0.035).turn("x", TAU / 4)
            pad = box(0.03, 0.09, 0.1, "pad", "tip").move(0.06 if kind == "jaws" else 0.1, 0, 0.3)
            pin = cylinder(0.02, 0.12, "pin", "joint").turn("x", TAU / 4).move(0.13, 0.06, 0.08)
            tool = around(union((finger, pad, pin)), n) | box(0.2, 0.1, 0.06, "palm", "joint").move(0, 0, 0.0)
        return [union((wrist, tool.move(0, 0, 0.29))).turn("y", way).move(a[0], 0, a[1])]

    def words(self) -> str:
        tool = {
            "jaws": "a two-jaw gripper",
            "claw": "a three-fingered claw",
            "suction": "suction cups",
            "welder": "a welding torch",
        }[self.gripper]
        return f"a robot arm of {self.link} links with {tool}"


@dataclass(frozen=True)
class Cannon(Family):
    """A cannon: a turned barrel with mouldings and dolphins, on a carriage with spoked wheels."""

    SKINS = {"barrel": ("classical", "armour", "machine"), "cheek": ("wood", "armour")}
    FINISHES = {
        "barrel": ("bronze", "iron", "brass", "steel"),
        "carriage": ("wood", "painted", "iron"),
        "wheel": ("wood", "iron"),
        "tyre": ("iron", "steel"),
        "iron": ("iron", "steel"),
        "ball": ("iron", "stone"),
    }

    bore: float = span(0.07, 0.12)
    length: float = span(1.25, 1.7)
    flare: float = span(1.2, 1.7)
    rings: int = count(2, 5)
    elevation: float = span(0.02, 0.5)
    carriage: str = choice("field", "naval", "field")
    wheel: float = span(0.36, 0.5)
    spokes: int = count(8, 14)
    dolphins: bool = flag(0.6)
    button: str = choice("ball", "ring", "acorn")
    shot: int = count(0, 4)

    def build(self, kit: Kit) -> Solid:
        axle = self.wheel if self.carriage == "field" else 0.2
        high = axle + 0.22
        gun = self.gun(kit).turn("x", TAU / 4 - self.elevation).move(0, 0.05, high)
        wheels = self.wheels(axle, kit)
        return union((gun, *self.cheeks(axle, high, kit), *wheels, *self.pile()))

    def gun(self, kit: Kit) -> Solid:
        """Returns the gun along +z with its trunnions at the origin."""
        b, n = self.bore, self.length
        r, low = 2.1 * b, -0.42 * n
        step, taper = 0.8 * n / self.rings, [r * (1 - 0.34 * k / self.rings) for k in range(self.rings + 1)]
        places = [(wide, low + 0.06 + k * step) for k, wide in enumerate(taper)]
        line_ = turned(r, low)
        for wide, z in places[1:]:
            line_ = line_.to(wide + 0.02, z).out(-0.025)
        line_ = line_.curve((1.35 * b, 0.5 * n - 0.08), (1.35 * b * self.flare, 0.56 * n)).to(1.15 * b, 0.56 * n + 0.05)
        barrel = lathe(line_.close(), "barrel", "barrel", kit.skin("barrel")) - cylinder(
            b, 0.5, "barrel", "barrel"
        ).move(0, 0, 0.56 * n - 0.42)
        rings = [
            tube(hoop(wide + 0.01), 0.028, "ring", "barrel", sides=12).move(0, 0, z)
            for wide, z in [*places, (1.33 * b * self.flare, 0.56 * n)]
        ]
        rear = lathe(
            turned(0.3 * r, low - 0.12).ogee(0.72 * r, 0.13, upright=True).up(0.03).close(),
            "breech",
            "barrel",
            sides=64,
        )
        end = {
            "ball": ball(0.075, "button", "barrel"),
            "ring": tube(hoop(0.08), 0.028, "button", "barrel", sides=14).turn("y", TAU / 4).move(0, 0, -0.05),
            "acorn": lathe(
                turned(0.0, -0.14).curve((0.05, -0.08), (0.07, 0.0)).out(0.015).up(0.03).to(0.04, 0.06).close(),
                "button",
                "barrel",
                sides=40,
            ),
        }[self.button]
        parts = [
            barrel,
            *rings,
            rear,
            end.move(0, 0, low - 0.17),
            cylinder(0.035, 0.14, "neck", "barrel").move(0, 0, low - 0.2),
            cylinder(0.62 * b + 0.02, 4.9 * r, "trunnion", "barrel").turn("y", TAU / 4).move(-2.45 * r, 0, 0),
            disc(0.03, 0.0, 0.25 * r + 0.03, "vent", "iron", sides=16).turn("x", -TAU / 4).move(0, 0.75 * r, low + 0.2),
        ]
        if self.dolphins and kit.level >= 1:
            handle = tube(
                spline(
                    [
                        (0, 0.7 * r, -0.1),
                        (0, 1.35 * r, -0.08),
                        (0, 1.45 * r, 0.0),
                        (0, 1.3 * r, 0.1),
                        (0, 0.65 * r, 0.13),
                    ]
                ),
                lambda s: 0.022 + 0.02 * s * (1 - s),
                "dolphin",
                "barrel",
                sides=14,
            )
            parts += [handle.move(x * 0.5 * r) for x in (-1, 1)]
        return union(parts)

    def cheeks(self, axle: float, high: float, kit: Kit) -> list[Solid]:
        """Returns two planks in profile (y, z), with beams between them and iron straps."""
        gap, t = 2.1 * self.bore + 0.05, 0.09
        if self.carriage == "field":
            region = polygon(
                [
                    (0.3, axle - 0.12),
                    (1.1, 0.02),
                    (1.3, -0.02),
                    (1.42, 0.02),
                    (1.25, 0.14),
                    (0.5, high - 0.12),
                    (0.3, high + 0.02),
                    (-0.38, high + 0.02),
                    (-0.42, axle - 0.1),
                ]
            )
        else:
            top = high + 0.02
            region = polygon(
                [
                    (-0.55, 0.14),
                    (0.85, 0.14),
                    (0.85, 0.26),
                    (0.62, 0.26),
                    (0.62, 0.34),
                    (0.4, 0.34),
                    (0.4, top - 0.06),
                    (0.2, top - 0.06),
                    (0.2, top),
                    (-0.45, top),
                    (-0.55, top - 0.1),
                ]
            )
            region = region - circle(0.12).move(0.1, 0.13)
        region = region.rounded(0.02) - circle(0.62 * self.bore + 0.03).move(0.05, high + 0.03)
        plank = (
            plate(region, t, "cheek", "carriage", kit.skin("cheek"), margin=0.03)
            .turn("x", TAU / 4)
            .turn("z", TAU / 4)
            .move(gap, 0, 0)
        )
        strap = box(0.03, 0.14, 0.05, "strap", "iron").move(gap + t, 0.05, high + 0.045)
        beams = [
            box(2 * gap + 0.04, 0.1, 0.1, "transom", "carriage").move(0, y, z)
            for y, z in (
                ((-0.3, axle + 0.08), (0.5, high - 0.28), (1.2, 0.08))
                if self.carriage == "field"
                else ((-0.45, 0.24), (0.3, 0.22), (0.75, 0.2))
            )
        ]
        parts = [plank, plank.mirror("x"), *beams]
        cap = box(t + 0.04, 0.3, 0.035, "cap square", "iron").move(gap + t / 2, 0.05, high + 0.62 * self.bore + 0.03)
        pegs = [
            box(0.04, 0.04, 0.62 * self.bore + 0.1, "peg", "iron").move(gap + t / 2, 0.05 + y, high + 0.31 * self.bore)
            for y in (-0.12, 0.12)
        ]
        iron = [cap, *pegs, strap]
        if kit.level >= 2:
            iron += [
                bolt(0.026, "hex", slot="iron").turn("y", TAU / 4).move(gap + t, y, z)
                for y, z in ((-0.3, axle + 0.08), (0.3, axle + 0.04), (-0.25, axle + 0.17))
            ]
        side = union(iron)
        if self.carriage == "field":
            parts.append(tube(hoop(0.09), 0.022, "ring", "iron", sides=12).move(0, 1.27, 0.06))
        return [*parts, side, side.mirror("x")]

    def wheels(self, axle: float, kit: Kit) -> list[Solid]:
        gap = 2.1 * self.bore + 0.05
        if self.carriage == "naval":
            truck = union(
                (disc(0.17, -0.05, 0.05, "wheel", "wheel", 0.01, 48), disc(0.06, -0.08, 0.08, "hub", "iron", 0.01, 24))
            ).turn("y", TAU / 4)
            bar = cylinder(0.05, 2 * gap + 0.42, "axle", "wheel").turn("y", TAU / 4).move(-gap - 0.21, 0, 0.17)
            return [
                *(bar.move(0, y) for y in (-0.4, 0.65)),
                *(truck.move(side * (gap + 0.16), y, 0.17) for side in (-1, 1) for y in (-0.4, 0.65)),
            ]
        r = self.wheel
        rim = lathe(
            turned(0.84 * r, -0.045).to(0.96 * r, -0.045).to(0.96 * r, 0.045).to(0.84 * r, 0.045).back(),
            "rim",
            "wheel",
            sides=96,
        )
        tyre = lathe(turned(0.94 * r, -0.05).out(0.06 * r).up(0.1).out(-0.06 * r).back(), "tyre", "tyre", sides=96)
        spoke = lathe(
            turned(0.026, 0.0).curve((0.03, 0.4 * r), (0.02, 0.75 * r)).to(0.028, 0.9 * r).close(),
            "spoke",
            "wheel",
            sides=12,
        ).turn("y", TAU / 4)
        hub = lathe(
            turned(0.055, -0.13)
            .to(0.07, -0.08)
            .to(0.09, -0.03)
            .to(0.09, 0.05)
            .to(0.065, 0.09)
            .to(0.065, 0.16)
            .to(0.05, 0.17)
            .close(),
            "hub",
            "wheel",
            sides=40,
        )
        nails = (
            [
                union(
                    bolt(0.018, "dome", "nail", "iron")
                    .turn("y", TAU / 4)
                    .move(0.995 * r)
                    .turn("z", TAU * (k + 0.5) / self.spokes)
                    for k in range(self.spokes)
                )
            ]
            if kit.level >= 2
            else []
        )
        wheel = union(
            (rim, tyre, around(spoke, self.spokes), hub, *nails, disc(0.045, 0.1, 0.2, "linchpin", "iron", 0.01, 24))
        ).turn("y", TAU / 4)
        bar = box(2 * gap + 0.5, 0.1, 0.1, "axle", "wheel").move(0, 0, axle)
        return [bar, wheel.move(gap + 0.22, 0, axle), wheel.mirror("x").move(-gap - 0.22, 0, axle)]

    def pile(self) -> list[Solid]:
        """Returns shot on a tray tied to the carriage."""
        r, gap = 1.0 * self.bore + 0.01, 2.1 * self.bore + 0.05
        if self.shot < 2:
            return []
        y = -0.1 if self.carriage == "naval" else 0.9
        tray = box(0.2 + 2 * gap, 0.3, 0.05, "tray", "carriage").move(0, y, 0.16)
        tray = tray.move(gap * 0.6, 0, 0)
        rounds = [
            ball(r, "shot", "ball").move(1.1 * gap + 0.16, y + (k - 0.5) * 1.9 * r, 0.17 + 0.9 * r) for k in range(2)
        ]
        return [tray, *rounds]

    def words(self) -> str:
        return f"a {self.carriage} cannon with {self.rings} rings on its barrel" + (
            f" and wheels of {self.spokes} spokes" if self.carriage == "field" else " and small solid wheels"
        )
