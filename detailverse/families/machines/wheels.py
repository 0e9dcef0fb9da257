"""Road wheels."""

from dataclasses import dataclass

import numpy as np

from detailverse.family import Family, Kit
from detailverse.modelling.font import text, text_around
from detailverse.modelling.path import polyline
from detailverse.modelling.profile import turned
from detailverse.modelling.region import circle, polygon, ring, sector, stroke
from detailverse.modelling.shapes import box, cylinder, extrude, hull, lathe, tube
from detailverse.modelling.solid import Solid, around, union
from detailverse.parts.elements import upright
from detailverse.parts.machines import bolt, ring_of
from zeroverse.core.portable import TAU
from zeroverse.core.record import choice, count, flag, span


@dataclass(frozen=True)
class RoadWheel(Family):
    """A vehicle's wheel: tyre with tread blocks, rim, spokes, nuts, brake."""

    SKINS = {"wall": ("machine", "tech", "armour"), "rim": ("machine", "jewel", "tech")}
    FINISHES = {
        "tyre": ("rubber",),
        "rim": ("chrome", "steel", "anodised", "painted", "gold"),
        "hub": ("steel", "chrome", "painted"),
        "steel": ("steel", "chrome"),
        "brake": ("iron", "steel"),
        "caliper": ("painted", "anodised"),
    }

    width: float = span(0.4, 0.85)
    profile: float = span(0.16, 0.36)
    tread: str = choice("blocks", "chevrons", "ribs", "lugs")
    pitch: int = count(24, 54)
    spokes: int = count(3, 10)
    design: str = choice("straight", "split", "turbine", "disc", "wire", "mesh")
    nuts: int = count(3, 8)
    dish: float = span(-0.05, 0.12)
    letters: bool = flag(0.5)
    lies: bool = flag(0.25)

    def build(self, kit: Kit) -> Solid:
        """Returns the wheel, built about the z axis, the outside up, then on its edge with the outside towards -y."""
        inner, half = 0.97 - self.profile, self.width / 2
        body = union(
            (
                self.tyre(inner, half, kit),
                *self.blocks(half),
                self.rim(inner, half, kit),
                self.face(inner, half),
                self.hub(half, kit),
                self.brake(inner, half),
            )
        )
        return body if self.lies else upright(body)

    def tyre(self, inner: float, half: float, kit: Kit) -> Solid:
        bulge = min(0.06, 0.3 * half)
        line = (
            turned(inner, -half + 0.05)
            .curve((inner + 0.5 * self.profile, -half - 0.3 * bulge), (0.93, -half + 0.05))
            .curve((0.955, -0.5 * half), (0.96, 0.0), (0.955, 0.5 * half), (0.93, half - 0.05))
        )
        line = line.curve((inner + 0.5 * self.profile, half + 0.3 * bulge), (inner, half - 0.05))
        tyre = lathe(line.back(), "tyre", "tyre", kit.skin("wall"))
        if not self.letters or kit.level < 1 or self.profile < 0.2:
            return tyre
        legend = text_around("VERSE RADIAL", inner + 0.5 * self.profile, 0.45 * self.profile) | text_around(
            f"{int(400 * self.width)} R {14 + self.spokes}", inner + 0.5 * self.profile, 0.4 * self.profile, inside=True
        )
        return tyre | extrude(legend, 0.12, "legend", "tyre").move(0, 0, half - 0.075)

    def blocks(self, half: float) -> list[Solid]:
        """Returns the tread, as blocks that stand on the tyre."""
        wide, step, label = 2 * half - 0.1, TAU * 0.98 / self.pitch, "tread"
        if self.tread == "ribs":
            ribs = [
                lathe(
                    turned(0.9, z - 0.055 * wide).out(0.095).up(0.11 * wide).out(-0.095).back(),
                    label,
                    "tyre",
                    sides=120,
                )
                for z in (wide * (k / 5 - 0.4) for k in range(5))
            ]
            sipe = box(0.06, 0.014, 0.36 * wide, label, "tyre").turn("x", 0.5).move(0.995, 0, 0.38 * wide)
            return [union(ribs) - around(sipe | sipe.mirror("z"), self.pitch)]
        if self.tread == "blocks":
            block = [
                box(0.12, 0.66 * step, 0.15 * wide, label, "tyre")
                .turn("x", 0.25 * (k - 1.5))
                .move(0.95, (0.5 * step if k % 2 else 0), (k - 1.5) * 0.24 * wide)
                for k in range(4)
            ]
            return [around(union(block), self.pitch)]
        deep, turns = (0.13, self.pitch) if self.tread == "chevrons" else (0.19, max(12, self.pitch // 2))
        lean = 0.8 * step
        arm = hull(
            np.array(
                [
                    (x, y + lean * z / (0.5 * wide) * 1.3, z)
                    for x in (0.88, 0.95 + deep / 4)
                    for z in (-0.02, 0.52 * wide)
                    for y in (-0.3 * step, 0.3 * step)
                ]
            ),
            label,
            "tyre",
        )
        shift = arm.mirror("z") if self.tread == "chevrons" else arm.mirror("z").turn("z", TAU / turns / 2)
        return [around(union((arm, shift)), turns)]

    def rim(self, inner: float, half: float, kit: Kit) -> Solid:
        well = inner - 0.09
        line = (
            turned(inner - 0.05, -half + 0.02)
            .out(0.09)
            .up(0.04)
            .out(-0.05)
            .to(well + 0.02, -0.4 * half)
            .to(well + 0.02, 0.5 * half)
            .to(inner - 0.01, half - 0.06)
            .out(0.05)
            .up(0.05)
            .out(-0.09)
        )
        line = line.to(inner - 0.06, half - 0.05).to(well - 0.02, 0.4 * half).to(well - 0.02, -0.4 * half)
        return lathe(line.back(), "rim", "rim", kit.skin("rim"))

    def face(self, inner: float, half: float) -> Solid:
        """Returns the spokes, from the hub to the rim."""
        r, thick, z = inner - 0.04, 0.08, 0.25 * half
        if self.design == "wire":
            one = tube(polyline([(0.09, 0.08, -0.2), (r, -0.06, z)]), 0.012, "spoke", "rim", sides=8)
            other = tube(polyline([(0.09, -0.08, 0.3), (r, 0.06, z)]), 0.012, "spoke", "rim", sides=8)
            return around(union((one, other)), 4 * self.spokes // 2 + 8) | cylinder(0.14, 0.6, "hub", "hub").move(
                0, 0, -0.25
            )
        if self.design == "disc":
            plate_ = lathe(
                turned(0.0, z - 0.05)
                .to(0.3 * r, z + self.dish)
                .to(0.75 * r, z)
                .to(r, z - 0.05)
                .up(0.06)
                .to(0.75 * r, z + 0.06)
                .to(0.3 * r, z + 0.06 + self.dish)
                .to(0.0, z + 0.05 + self.dish)
                .close(),
                "disc",
                "rim",
                sides=96,
            )
            return plate_ - extrude(circle(0.1 * r).move(0.75 * r, 0).around(2 * self.spokes), 1.0, "disc", "rim").move(
                0, 0, -0.3
            )
        wide = min(0.2, 1.2 * r / self.spokes)
        shapes = {
            "straight": polygon([(0, -wide), (r, -0.45 * wide), (r, 0.45 * wide), (0, wide)]),
            "split": stroke([(0, 0), (0.45 * r, 0), (r, 0.6 * wide + 0.05)], 0.45 * wide + 0.02)
            | stroke([(0, 0), (0.45 * r, 0), (r, -0.6 * wide - 0.05)], 0.45 * wide + 0.02),
            "turbine": stroke([(0, 0), (0.4 * r, 0.14 * r), (0.75 * r, 0.12 * r), (0.99 * r, -0.05 * r)], 0.8 * wide),
            "mesh": stroke([(0.1 * r, 0.1 * r), (0.55 * r, -0.16 * r), (0.98 * r, 0.15 * r)], 0.3 * wide + 0.02)
            | stroke([(0.1 * r, -0.1 * r), (0.55 * r, 0.16 * r), (0.98 * r, -0.15 * r)], 0.3 * wide + 0.02),
        }
        spokes = shapes[self.design].around(self.spokes) & circle(r)
        flat = extrude(spokes, 0.3, "spokes", "rim").move(0, 0, z - 0.15)
        shell = lathe(
            turned(0.0, z - thick + self.dish)
            .to(0.25 * r, z - thick + self.dish)
            .to(1.02 * r, z - thick)
            .up(thick)
            .to(0.25 * r, z + 0.02 + self.dish)
            .to(0.0, z + 0.02 + self.dish)
            .close(),
            "spokes",
            "rim",
            sides=72,
        )
        return flat & shell

    def hub(self, half: float, kit: Kit) -> Solid:
        z = 0.25 * half + self.dish
        cup = lathe(
            turned(0.22, z - 0.2).to(0.24, z - 0.02).to(0.22, z + 0.03).out(-0.1).up(0.03).ovolo(-0.12, 0.04).close(),
            "hub",
            "hub",
            sides=64,
        )
        axle = cylinder(0.12, half + z, "axle", "steel").move(0, 0, -half)
        parts = [cup, axle]
        if kit.level >= 1:
            parts += [
                ring_of(bolt(0.034, "hex", "nut"), self.nuts, 0.17).move(0, 0, z + 0.02),
                extrude(text("V", 0.1), 0.03, "badge", "steel").move(0, 0, z + 0.075),
            ]
        return union(parts)

    def brake(self, inner: float, half: float) -> Solid:
        r, z = 0.72 * inner, -0.35 * half
        rotor = extrude(
            ring(r, 0.1)
            - circle(0.018).move(0.8 * r, 0).around(24)
            - circle(0.018).move(0.65 * r, 0).around(24).turn(0.13),
            0.05,
            "brake disc",
            "brake",
        ).move(0, 0, z)
        caliper = extrude(sector(r + 0.05, 0.5, 1.3, 0.62 * r), 0.14, "caliper", "caliper").move(0, 0, z - 0.045)
        return rotor | caliper

    def words(self) -> str:
        return f"a vehicle wheel with {self.tread} tread and a {self.design} rim"
