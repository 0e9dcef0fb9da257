"""Hand tools: hammers, spanners."""

from dataclasses import dataclass

import numpy as np

from detailverse.family import Family, Kit
from detailverse.modelling.font import text
from detailverse.modelling.path import circle as hoop
from detailverse.modelling.path import helix
from detailverse.modelling.profile import turned
from detailverse.modelling.region import circle, ngon, polygon, rect, ring, stroke
from detailverse.modelling.shapes import ball, box, cylinder, extrude, hull, lathe, plate, tube
from detailverse.modelling.solid import Solid, union
from detailverse.parts.elements import upright
from detailverse.parts.machines import disc, thread
from zeroverse.core.portable import TAU
from zeroverse.core.record import choice, count, flag, span


@dataclass(frozen=True)
class Hammer(Family):
    """A hammer: claw, ball peen, sledge, mallet or war hammer, on a shaped shaft."""

    SKINS = {"shaft": ("wood", "textile", "armour"), "head": ("machine", "armour", "stone")}
    FINISHES = {
        "shaft": ("wood", "plastic", "leather", "bone"),
        "head": ("steel", "iron", "bronze", "gold"),
        "grip": ("leather", "rubber", "cloth"),
        "trim": ("steel", "brass", "iron"),
    }

    kind: str = choice("claw", "ball peen", "sledge", "mallet", "war")
    length: float = span(1.2, 1.75)
    head: float = span(0.28, 0.42)
    thick: float = span(0.1, 0.17)
    shaft: float = span(0.05, 0.075)
    swell: float = span(1.05, 1.5)
    wrapped: str = choice("bare", "wound", "sleeve", "rings")
    collar: bool = flag(0.6)
    pommel: str = choice("round", "knob", "loop")
    sides: int = count(4, 8)

    def build(self, kit: Kit) -> Solid:
        top = self.length
        return union((self.handle(kit), self.iron(kit).move(0, 0, top), *self.grip(kit), *self.fittings(top)))

    def handle(self, kit: Kit) -> Solid:
        r, n = self.shaft, self.length
        line = turned(0.85 * r * self.swell, 0.0).curve(
            (r * self.swell, 0.12), (0.92 * r, 0.4 * n), (0.86 * r, 0.75 * n), (0.95 * r, n + 0.1)
        )
        return lathe(line.close(), "shaft", "shaft", kit.skin("shaft")).scale(1, 0.82, 1)

    def iron(self, kit: Kit) -> Solid:
        """Returns the head along x about the origin, its face at +x."""
        t, h = self.thick, self.head
        if self.kind == "mallet":
            line = turned(1.6 * t, -h).bead(0.08).up(0.02).curve((1.75 * t, 0), (1.6 * t, h - 0.1)).bead(0.08)
            return lathe(line.close(), "head", "head", kit.skin("head")).turn("y", TAU / 4)
        eye = box(2.3 * t, 2.0 * t, 2.2 * t, "head", "head", kit.skin("head"), sides="+-y")
        eye = eye & extrude(rect(2.28 * t, 2.18 * t, 0.3 * t), 4 * t, "head", "head").turn("x", TAU / 4).move(
            0, 2 * t, 0
        )
        neck = lathe(
            turned(0.95 * t, 0.9 * t)
            .curve((0.68 * t, 1.5 * t), (0.8 * t, 0.75 * h))
            .to(1.0 * t, 0.8 * h)
            .to(1.0 * t, h - 0.02)
            .to(0.92 * t, h)
            .close(),
            "face",
            "head",
            sides=8 if self.sides > 5 else 40,
        )
        front = neck.turn("y", TAU / 4)
        return union((eye, front, self.peen(t, h)))

    def peen(self, t: float, h: float) -> Solid:
        """Returns what is at -x."""
        if self.kind == "claw":
            region = stroke(
                [
                    (0.0, 0.25 * t),
                    (-0.5 * h, 0.2 * t),
                    (-0.85 * h, -0.05 * t),
                    (-1.15 * h, -0.75 * t),
                    (-1.25 * h, -1.3 * t),
                ],
                0.75 * t,
            )
            claw = upright(extrude(region, 2.0 * t, "claw", "head").move(0, 0, -t))
            wedge = hull(
                np.array(
                    [
                        (x, y, z)
                        for z in (-3.0, 3.0)
                        for x, y in ((-0.35 * h, 0.0), (-1.6 * h, 0.75 * t), (-1.6 * h, -0.75 * t))
                    ]
                ),
                "claw",
                "head",
            )
            bevel = hull(
                np.array(
                    [
                        (x, y, z)
                        for y in (-2 * t, 2 * t)
                        for x, z in ((0.2, -2 * t), (0.2, 2 * t), (-1.5 * h, -2.0 * t), (-1.5 * h, 0.9 * t))
                    ]
                ),
                "claw",
                "head",
            )
            return (claw & bevel) - wedge
        if self.kind == "ball peen":
            return ball(0.85 * t, "peen", "head").move(-0.8 * h) | lathe(
                turned(0.7 * t, 0.9 * t).curve((0.5 * t, 1.6 * t), (0.7 * t, 0.8 * h)).close(), "peen", "head", sides=40
            ).turn("y", -TAU / 4)
        if self.kind == "sledge":
            return (
                lathe(
                    turned(0.95 * t, 0.9 * t).to(0.9 * t, 0.8 * h).to(1.0 * t, 0.85 * h).to(1.0 * t, h).close(),
                    "face",
                    "head",
                    sides=self.sides,
                )
                .turn("z", TAU / 2 / self.sides)
                .turn("y", -TAU / 4)
            )
        spike = [(-0.8 * t, y, z) for y in (-0.6 * t, 0.6 * t) for z in (-0.8 * t, 0.8 * t)] + [
            (-1.6 * h, 0.0, -0.3 * t),
            (-1.6 * h, 0.02, -0.34 * t),
        ]
        point = lathe(turned(0.5 * t, 0.8 * t).to(0.6 * t, 1.3 * t).to(0.0, 3.4 * t).close(), "spike", "head", sides=4)
        return hull(np.array(spike), "beak", "head") | point

    def grip(self, kit: Kit) -> list[Solid]:
        r, long = self.shaft * self.swell, 0.42 * self.length
        if self.wrapped == "sleeve":
            line = turned(0.9 * r, -0.01).to(1.25 * r, 0.02)
            for k in range(6):
                z = 0.04 + k * long / 6
                line = line.to(1.25 * r, z + 0.5 * long / 6).to(1.08 * r, z + 0.6 * long / 6)
                line = line.to(1.08 * r, z + 0.8 * long / 6).to(1.25 * r, z + 0.95 * long / 6)
            return [lathe(line.to(0.9 * r, long + 0.08).close(), "grip", "grip", sides=48).scale(1, 0.85, 1)]
        if self.wrapped == "wound" and kit.level >= 1:
            return [
                tube(
                    helix(0.98 * r, 0.054, long / 0.054, 0.9).scale(1, 0.82, 1).move(0, 0, 0.06),
                    0.021,
                    "winding",
                    "grip",
                    sides=8,
                )
            ]
        if self.wrapped == "rings":
            return [
                tube(hoop(0.95 * r), 0.03, "ring", "trim", sides=12).scale(1, 0.85, 1).move(0, 0, z * self.length)
                for z in (0.08, 0.38, 0.42)
            ]
        return []

    def fittings(self, top: float) -> list[Solid]:
        r, t = self.shaft, self.thick
        end = {
            "round": ball(0.95 * r * self.swell, "pommel", "shaft").scale(1, 0.85, 0.7),
            "knob": lathe(
                turned(0.6 * r, -0.12).curve((1.7 * r, -0.03), (0.9 * r, 0.06)).close(), "pommel", "trim", sides=40
            ),
            "loop": upright(tube(hoop(0.09), 0.02, "loop", "trim", sides=12)).move(0, 0, -0.07),
        }[self.pommel]
        collar = [disc(1.45 * r, top - 1.15 * t - 0.1, top - 1.0 * t, "collar", "trim", 0.02)] if self.collar else []
        wedge = box(1.5 * r, 0.3 * r, 0.06, "wedge", "trim").move(0, 0, top + 0.1)
        return [end, wedge, *collar]

    def words(self) -> str:
        name = {"mallet": "a mallet", "sledge": "a sledge hammer", "war": "a war hammer"}.get(
            self.kind, f"a {self.kind} hammer"
        )
        grips = {"wound": " with a wound grip", "sleeve": " with a rubber grip", "rings": " with rings on its shaft"}
        return name + grips.get(self.wrapped, "")


@dataclass(frozen=True)
class Spanner(Family):
    """A spanner: open, ring or adjustable jaws at the ends of a fluted bar, and its size on it."""

    SKINS = {"bar": ("machine", "tech", "armour"), "head": ("machine", "armour", "jewel")}
    FINISHES = {
        "bar": ("chrome", "steel", "iron", "painted", "brass"),
        "screw": ("steel", "brass"),
        "nut": ("brass", "steel", "iron"),
    }

    left: str = choice("open", "open", "adjustable", "hook")
    right: str = choice("ring", "open", "socket", "hole")
    length: float = span(1.2, 1.6)
    width: float = span(0.2, 0.34)
    thickness: float = span(0.1, 0.18)
    jaw: float = span(0.22, 0.34)
    fluted: bool = flag(0.6)
    points: str = choice("6", "12")
    size: int = count(6, 32)
    nut: bool = flag(0.4)

    def build(self, kit: Kit) -> Solid:
        """Returns the spanner upright, its flat face to the front; it is made along x."""
        half, t = self.length / 2, self.thickness
        bar = rect(self.length, self.width) | polygon(
            [
                (-half, -self.jaw * 0.7),
                (-half + 0.35, -self.width / 2),
                (-half + 0.35, self.width / 2),
                (-half, self.jaw * 0.7),
            ]
        )
        web = plate(bar.rounded(0.03), 0.6 * t, "bar", "bar", kit.skin("bar"), margin=0.06).move(0, 0, -0.3 * t)
        rails = (
            extrude(bar - bar.offset(-0.04), 0.86 * t, "bar", "bar").move(0, 0, -0.43 * t)
            & box(1.7 * half, 1, 1, "bar", "bar")
            if self.fluted
            else None
        )
        parts = [
            web,
            *([rails] if rails else []),
            self.open_end(kit).move(-half - 0.1),
            self.other_end().move(half + 0.08),
        ]
        mark = extrude(text(f"{self.size} MM", 0.5 * self.width, weight=0.16), 0.75 * t, "mark", "bar").move(
            0.1, 0, -0.1 * t
        )
        whole = union(
            (
                *parts,
                *([mark] if kit.level >= 1 else []),
                *([self.loose_nut()] if self.nut and self.left != "hook" else []),
            )
        )
        return whole.turn("x", TAU / 4).turn("y", TAU / 4)

    def open_end(self, kit: Kit) -> Solid:
        j, t = self.jaw, self.thickness
        if self.left == "hook":
            return extrude(
                (ring(1.3 * j, 0.85 * j) - polygon([(-3, -3), (0.0, 0), (-0.3, 3), (-3, 3)]))
                | rect(0.25 * j, 0.3 * j).move(-0.05, 0.9 * j),
                t,
                "jaw",
                "bar",
            ).move(0, 0, -t / 2)
        outline = (
            circle(1.15 * j) | circle(0.75 * j).move(-0.55 * j, 0.5 * j) | circle(0.75 * j).move(-0.55 * j, -0.5 * j)
        ).rounded(0.05)
        gap = (rect(2.4 * j, 1.1 * j).move(-1.35 * j, 0) | ngon(6, 0.63 * j).move(-0.3 * j, 0)).turn(0.26)
        half = plate(outline - gap, 0.63 * t, "jaw", "bar", kit.skin("head"), margin=0.02)
        head = union(
            (
                half.move(0, 0, 0.004),
                extrude((outline - gap).offset(-0.01), 0.04, "jaw", "bar").move(0, 0, -0.02),
                half.turn("x", TAU / 2).mirror("y").move(0, 0, -0.004),
            )
        )
        if self.left != "adjustable":
            return head
        window = box(0.8 * j, 0.62 * j, 3 * t, "jaw", "bar").move(0.62 * j, -0.2 * j)
        worm = (
            thread(0.24 * j, 0.17 * j, 0.13 * j, 0.84 * j, "worm", "screw", 28)
            .turn("y", TAU / 4)
            .move(0.2 * j, -0.2 * j)
        )
        slide = box(0.9 * j, 0.22 * j, 0.6 * t, "jaw", "bar").turn("z", 0.26).move(-0.2 * j, -0.72 * j)
        pin = cylinder(0.07 * j, 1.2 * j, "pin", "screw").turn("y", TAU / 4).move(0.05 * j, -0.2 * j)
        return union((head - window, worm, slide, pin))

    def other_end(self) -> Solid:
        j, t = 0.9 * self.jaw, self.thickness
        if self.right == "hole":
            return extrude(circle(0.62 * j) - circle(0.3 * j), t, "eye", "bar").move(-0.05, 0, -t / 2)
        if self.right == "open":
            outline = circle(0.95 * j) - (
                rect(2 * j, 0.85 * j).move(0.95 * j, 0) | ngon(6, 0.49 * j).move(0.25 * j, 0)
            ).turn(0.26)
            return extrude(outline, 1.2 * t, "jaw", "bar").move(0, 0, -0.6 * t)
        hole = ngon(6, 0.62 * j) if self.points == "6" else ngon(6, 0.62 * j) | ngon(6, 0.62 * j).turn(TAU / 12)
        tall = 1.5 * t if self.right == "ring" else 4.0 * t
        line = (
            turned(0.86 * j, -0.75 * t)
            .fillet(0.02)
            .to(0.95 * j, -0.6 * t)
            .to(0.95 * j, tall - 0.9 * t)
            .to(0.86 * j, tall - 0.75 * t)
        )
        return lathe(line.close(), "ring", "bar", sides=72) - extrude(hole, tall + 1, "ring", "bar").move(
            0, 0, -0.5 - 0.7 * t
        )

    def loose_nut(self) -> Solid:
        """Returns a nut in the jaws of the left end."""
        j, t = self.jaw, self.thickness
        half = self.length / 2
        return extrude(ngon(6, 0.64 * j).turn(0.26) - circle(0.3 * j), 1.6 * t, "nut", "nut").move(
            -half - 0.1 - 0.3 * j, 0, -0.8 * t
        )

    def words(self) -> str:
        name = {"open": "an open", "adjustable": "an adjustable", "hook": "a hook"}[self.left]
        other = {"ring": "a ring", "open": "a second jaw", "socket": "a socket", "hole": "a hanging hole"}[self.right]
        return f"{name} spanner with {other} at the other end, marked {self.size}"
