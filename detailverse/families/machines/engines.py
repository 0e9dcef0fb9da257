"""Engines that turn: radial engines, jet turbines."""

from dataclasses import dataclass

import numpy as np

from detailverse.family import Family, Kit
from detailverse.modelling.path import circle as hoop
from detailverse.modelling.path import helix, polyline, spline
from detailverse.modelling.profile import turned
from detailverse.modelling.region import sector
from detailverse.modelling.shapes import box, cylinder, extrude, hull, lathe, loft, tube
from detailverse.modelling.solid import Solid, around, union
from detailverse.parts.elements import upright
from detailverse.parts.machines import bolt, disc, flange, ring_of
from zeroverse.core.portable import TAU, cos_sin, cos_sin_array
from zeroverse.core.record import choice, count, flag, span

SECTION = TAU * np.arange(20) / 20


def blade(stations, label: str, slot: str) -> Solid:
    """Returns a twisted blade up the z axis. stations: (z, chord, thickness, angle, sweep along the chord) each; angle
    0: the chord along x.
    """
    c, s = cos_sin_array(SECTION)
    rings = []
    for z, chord, thick, angle, sweep in stations:
        x, y = chord * c / 2 + sweep, thick * s * (0.62 + 0.38 * c) / 2 + 0.12 * thick * (1 - c * c)
        cosine, sine = cos_sin(angle)
        rings.append(np.column_stack([cosine * x - sine * y, sine * x + cosine * y, np.full(len(c), z)]))
    return loft(np.stack(rings), label, slot)


def finned(
    radius: float, low: float, high: float, fins: int, deep: float, label: str, slot: str, sides: int = 36
) -> Solid:
    """Returns a cylinder with cooling fins."""
    line, step = turned(radius, low), (high - low) / fins
    for k in range(fins):
        z = low + k * step
        line = (
            line.to(radius, z + 0.3 * step)
            .to(radius + deep, z + 0.42 * step)
            .to(radius + deep, z + 0.68 * step)
            .to(radius, z + 0.8 * step)
        )
    return lathe(line.to(radius, high).close(), label, slot, sides=sides)


@dataclass(frozen=True)
class RadialEngine(Family):
    """An aircraft engine: finned cylinders around a crankcase, pushrods, an exhaust ring, perhaps a propeller."""

    SKINS = {"nose": ("machine", "tech"), "case": ("machine", "armour")}
    FINISHES = {
        "case": ("steel", "painted", "iron", "metal"),
        "nose": ("steel", "painted", "chrome"),
        "cylinder": ("steel", "iron", "painted"),
        "pipe": ("copper", "steel", "bronze"),
        "steel": ("steel", "chrome"),
        "blade": ("painted", "wood", "steel"),
        "wire": ("rubber", "plastic"),
    }

    cylinders: int = count(3, 9)
    rows: int = count(1, 2)
    bore: float = span(0.1, 0.14)
    fins: int = count(6, 12)
    nose: float = span(0.25, 0.55)
    blades: int = count(0, 4)
    blade_shape: str = choice("paddle", "scimitar", "straight")
    exhaust: str = choice("ring", "stubs")
    screws: str = choice("hex", "socket", "dome")
    stand: bool = flag(0.4)

    def build(self, kit: Kit) -> Solid:
        bore = min(self.bore, 0.62 / self.cylinders + 0.02)
        core = max(0.3, 1.25 * bore * self.cylinders / 3.0)
        jug, deep = self.jug(bore, core, kit), 2.7 * bore
        rows = [
            around(jug, self.cylinders).turn("z", (TAU / 2 / self.cylinders) * k).move(0, 0, -deep * k)
            for k in range(self.rows)
        ]
        back = -deep * (self.rows - 1) - 1.5 * bore
        parts = [*rows, self.crankcase(core, 1.5 * bore, back, kit), *self.pipes(core, bore, back)]
        if self.blades:
            parts.append(self.propeller(1.5 * bore + self.nose))
        body = upright(union(parts).turn("z", TAU / 4))
        if self.stand:
            body = union((body, self.trestle(back)))
        return body.scale(2.0 / float(body.size.max()))

    def jug(self, bore: float, core: float, kit: Kit) -> Solid:
        """Returns a cylinder along +x with its head, rocker boxes, pushrods and plugs, the axis of the engine is z."""
        low, top = core - 0.03, core + 3.1 * bore
        barrel = finned(0.78 * bore, low, top - 0.9 * bore, self.fins, 0.24 * bore, "cylinder", "cylinder")
        head = finned(0.86 * bore, top - 0.92 * bore, top, 5, 0.26 * bore, "cylinder head", "cylinder")
        box_at = [(side * 0.5 * bore, 0.55 * bore) for side in (-1, 1)]
        rockers = [
            box(0.5 * bore, 1.1 * bore, 0.5 * bore, "rocker box", "case")
            .turn("z", -side * 0.25)
            .move(x, -y, top + 0.1 * bore)
            for side, (x, y) in zip((-1, 1), box_at)
        ]
        rods = [
            tube(
                polyline([(side * 0.3 * bore, -1.1 * bore, low), (x, -y - 0.45 * bore, top)]),
                0.1 * bore,
                "pushrod",
                "steel",
                sides=10,
            )
            for side, (x, y) in zip((-1, 1), box_at)
        ]
        plug = union(
            (cylinder(0.12 * bore, 0.6 * bore, "plug", "steel"), bolt(0.2 * bore, "hex").move(0, 0, 0.2 * bore))
        ).move(0, 0.3 * bore, top - 0.05)
        collar = disc(1.15 * bore, low, low + 0.25 * bore, "cylinder", "case", 0.04 * bore, 32)
        lead = (
            [
                tube(
                    spline(
                        [
                            (0, 0.3 * bore, top + 0.5 * bore),
                            (0, 0.9 * bore, top + 0.75 * bore),
                            (0, 1.45 * bore, top - 0.7 * bore),
                            (0, 1.3 * bore, low),
                        ]
                    ),
                    0.09 * bore,
                    "lead",
                    "wire",
                    sides=8,
                )
            ]
            if kit.level >= 1
            else []
        )
        studs = (
            [ring_of(bolt(0.11 * bore, self.screws), 8, 1.0 * bore).move(0, 0, low + 0.25 * bore)]
            if kit.level >= 2
            else []
        )
        return (
            union((barrel, head, *rockers, *rods, plug, collar, *lead, *studs))
            .turn("x", -TAU / 4)
            .turn("z", -TAU / 4)
            .turn("x", TAU / 2)
        )

    def crankcase(self, core: float, front: float, back: float, kit: Kit) -> Solid:
        drum = cylinder(core, front - back, "crankcase", "case", kit.skin("case")).move(0, 0, back)
        tip = front + self.nose
        line = (
            turned(0.96 * core, front - 0.02)
            .up(0.06)
            .ogee(-0.35 * core, 0.5 * self.nose, upright=True)
            .to(0.5 * core, tip - 0.08)
            .out(-0.12 * core)
            .to(0.36 * core, tip)
        )
        nose = lathe(line.close(), "nose", "nose", kit.skin("nose"))
        rear = lathe(
            turned(0.5 * core, back - 0.3)
            .to(0.62 * core, back - 0.26)
            .to(0.62 * core, back - 0.1)
            .to(0.9 * core, back + 0.01)
            .close(),
            "rear case",
            "case",
            sides=64,
        )
        shaft = cylinder(0.16 * core, self.nose + 0.2, "shaft", "steel").move(0, 0, front)
        parts = [
            drum,
            nose,
            rear,
            shaft,
            *(
                cylinder(0.13, 0.2, "magneto", "wire").move(x, 0.25 * core, back - 0.45)
                for x in (-0.3 * core, 0.3 * core)
            ),
        ]
        if kit.level >= 1:
            parts.append(ring_of(bolt(0.026, self.screws), 3 * self.cylinders, 0.9 * core).move(0, 0, front + 0.04))
            parts.append(disc(1.0 * core, front - 0.03, front + 0.045, "crankcase", "case", 0.01, 72))
        return union(parts)

    def pipes(self, core: float, bore: float, back: float) -> list[Solid]:
        """Returns pipes from every head back to a ring, or a short stub; the carburettor's ring inside it."""
        reach, parts = core + 2.6 * bore, []
        for k in range(self.rows):
            z = -2.7 * bore * k
            ends = [(reach, 0, z), (reach + 0.15 * bore, 0, z - 0.9 * bore), (core + 1.9 * bore, 0, back - 0.25)]
            if self.exhaust == "stubs":
                ends = [(reach, 0, z), (reach + 0.3 * bore, 0, z - 0.8 * bore), (reach + 0.9 * bore, 0, z - 1.5 * bore)]
            one = tube(spline(ends), 0.34 * bore, "exhaust", "pipe", sides=14, ends="flat")
            parts.append(around(one, self.cylinders).turn("z", TAU / 2 / self.cylinders * k))
        if self.exhaust == "ring":
            parts.append(
                tube(hoop(core + 1.9 * bore), 0.55 * bore, "exhaust ring", "pipe", sides=20).move(0, 0, back - 0.25)
            )
        intake = tube(
            spline(
                [
                    (core + 1.6 * bore, 0.5 * bore, -0.6 * bore),
                    (core + 0.7 * bore, 0.8 * bore, back),
                    (0.55 * core, 0.3 * bore, back - 0.18),
                ]
            ),
            0.26 * bore,
            "intake",
            "case",
            sides=12,
        )
        return [*parts, around(intake, self.cylinders)]

    def propeller(self, tip: float) -> Solid:
        pitch = {"paddle": (0.2, 0.26, 0.22), "scimitar": (0.22, 0.2, 0.06), "straight": (0.16, 0.15, 0.13)}[
            self.blade_shape
        ]
        sweep = 0.09 if self.blade_shape == "scimitar" else 0.0
        stations = [
            (0.0, 0.11, 0.1, 1.2, 0),
            (0.2, 0.13, 0.09, 1.05, 0),
            (0.5, pitch[0], 0.06, 0.75, sweep),
            (0.9, pitch[1], 0.04, 0.5, sweep),
            (1.25, pitch[2], 0.028, 0.35, 0),
            (1.32, 0.4 * pitch[2], 0.02, 0.33, -sweep / 2),
        ]
        one = blade(stations, "blade", "blade").turn("y", TAU / 4).turn("x", TAU / 4)
        spinner = lathe(turned(0.2, -0.1).up(0.14).curve((0.15, 0.2), (0.0, 0.34)).close(), "spinner", "nose", sides=64)
        return (
            union((around(one, self.blades), spinner)).move(0, 0, tip + 0.08)
            if self.blades > 1
            else spinner.move(0, 0, tip + 0.05)
        )

    def trestle(self, back: float) -> Solid:
        leg = tube(polyline([(-0.2, -back + 0.2, 0), (-0.65, -back + 0.4, -1.15)]), 0.05, "trestle", "case", sides=12)
        ram = tube(polyline([(0, -back + 0.05, 0), (0, -back + 0.42, 0)]), 0.16, "trestle", "case", sides=16)
        bar = tube(
            polyline([(-0.65, -back + 0.4, -1.13), (0.65, -back + 0.4, -1.13)]), 0.05, "trestle", "case", sides=12
        )
        keel = tube(polyline([(0, -back + 0.4, -1.13), (0, -back - 0.9, -1.13)]), 0.05, "trestle", "case", sides=12)
        brace = tube(polyline([(0, -back - 0.85, -1.12), (0, -back + 0.3, -0.1)]), 0.045, "trestle", "case", sides=12)
        return union((leg, leg.mirror("x"), ram, bar, keel, brace))

    def words(self) -> str:
        propeller = f" with a {self.blades}-bladed propeller" if self.blades > 1 else ""
        return (
            f"a radial engine of {self.cylinders * self.rows} cylinders"
            f"{' in two rows' if self.rows == 2 else ''}{propeller}"
        )


@dataclass(frozen=True)
class Turbine(Family):
    """A jet engine: fan, compressor, burner cans, turbine and nozzle along one shaft, in a casing that may be cut
    open.
    """

    SKINS = {"casing": ("machine", "tech"), "core": ("machine", "tech")}
    FINISHES = {
        "casing": ("painted", "steel", "metal", "anodised"),
        "core": ("steel", "iron", "copper"),
        "blade": ("steel", "chrome", "anodised"),
        "spinner": ("painted", "steel", "rubber"),
        "pipe": ("copper", "steel", "brass"),
        "steel": ("steel", "iron"),
        "stand": ("painted", "iron"),
    }

    blades: int = count(12, 26)
    stages: int = count(3, 6)
    radius: float = span(0.45, 0.72)
    twist: float = span(0.35, 0.8)
    cowl: float = span(0.5, 1.3)
    cut: str = choice("open", "open", "closed", "quarter")
    cans: int = count(6, 12)
    nozzle: str = choice("cone", "petals", "chevrons")
    spinner: str = choice("cone", "round", "long")
    lines: int = count(2, 5)
    stand: bool = flag(0.6)

    def build(self, kit: Kit) -> Solid:
        """Returns the engine, built along +z from the nozzle to the intake, then turned so that the intake faces -y."""
        rotor = [self.stage(0.86, self.radius - 0.03, self.blades, 0.2, self.twist), *self.compressor(), self.shaft()]
        parts = [*rotor, self.burner(kit), self.tail(), self.cowling(kit), *self.plumbing(kit)]
        body = upright(union(parts))
        if self.stand:
            r = self.radius
            post = hull(
                np.array(
                    [
                        (x, y, z)
                        for x in (-0.08, 0.08)
                        for y, z in ((-0.5, -r - 0.2), (0.3, -r - 0.2), (-0.3, 0.0), (0.2, 0.0))
                    ]
                ),
                "pylon",
                "stand",
            )
            post = post - cylinder(0.9 * r, 6.0, "pylon", "stand").move(0, 0, -3).turn("x", TAU / 4)
            struts = box(0.06, 0.07, 0.9 * r, "pylon", "stand").move(0, -0.4, -0.62 * r)
            body = union((body, post, struts, box(0.7, 1.1, 0.08, "base", "stand").move(0, -0.1, -r - 0.22)))
        return body.scale(0.8)

    def stage(self, z: float, radius: float, blades: int, hub: float, twist: float) -> Solid:
        """Returns a disc of blades in the plane z."""
        chord = 0.95 * TAU * radius / blades
        stations = [
            (hub - 0.03, 0.7 * chord, 0.03, 1.2 - twist, 0),
            ((hub + radius) / 2, 0.85 * chord, 0.024, 1.2, 0),
            (radius, chord, 0.018, 1.2 + twist / 2, 0.1 * chord),
        ]
        one = blade(stations, "fan blade" if z > 0.8 else "rotor blade", "blade").turn("y", TAU / 4)
        return around(one, blades).move(0, 0, z) | disc(hub + 0.02, z - 0.06, z + 0.06, "disc", "core", 0.01, 48)

    def compressor(self) -> list[Solid]:
        rotors = []
        for k in range(self.stages):
            share = k / self.stages
            rotors.append(
                self.stage(
                    0.62 - 0.62 * share,
                    (0.62 - 0.2 * share) * self.radius + 0.06,
                    self.blades + 4 * (k % 3) + 2,
                    0.14 + 0.06 * share,
                    0.3,
                )
            )
        return [
            *rotors,
            *(
                self.stage(-0.52 - 0.13 * k, 0.46 * self.radius + 0.08 + 0.05 * k, self.blades + 6, 0.17, -0.35)
                for k in range(2)
            ),
        ]

    def shaft(self) -> Solid:
        tip = {
            "cone": [(0.12, 1.05), (0.0, 1.2)],
            "round": [(0.17, 1.0), (0.0, 1.08)],
            "long": [(0.15, 1.08), (0.06, 1.3), (0.0, 1.38)],
        }[self.spinner]
        nose = lathe(turned(0.22, 0.8).up(0.1).curve(*tip).close(), "spinner", "spinner", sides=64)
        drum = lathe(
            turned(0.1, -0.9).to(0.18, -0.6).to(0.19, 0.0).to(0.13, 0.7).to(0.13, 0.85).close(),
            "shaft",
            "core",
            sides=64,
        )
        mark = (
            tube(helix(0.17, 0.1, 0.8, 0.4).move(0, 0, 0.93), 0.02, "spiral", "blade", sides=8)
            if self.spinner != "round"
            else nose
        )
        return union((nose, drum, mark))

    def burner(self, kit: Kit) -> Solid:
        """Returns the cans between compressor and turbine, and the core's rear casing behind them."""
        r = 0.42 * self.radius + 0.08
        can = lathe(
            turned(0.0, -0.5).out(0.045).ogee(0.04, 0.1).up(0.2).ovolo(-0.06, 0.12).close(),
            "burner can",
            "pipe",
            sides=28,
        )
        rear = lathe(
            turned(r + 0.03, -1.0)
            .to(r + 0.1, -0.7)
            .to(r + 0.08, -0.42)
            .out(-0.04)
            .to(r + 0.06, -0.7)
            .to(r - 0.01, -1.0)
            .back(),
            "turbine case",
            "core",
            kit.skin("core"),
        )
        ribs = around(box(r + 0.08, 0.03, 0.1, "strut", "steel").move((r + 0.08) / 2, 0, -0.8), 5)
        return union(
            (
                around(can.move(r + 0.02), self.cans),
                disc(r + 0.08, -0.46, -0.4, "bulkhead", "core", 0.01, 64),
                disc(r + 0.06, -0.12, -0.06, "bulkhead", "core", 0.01, 64),
                rear,
                ribs,
            )
        )

    def tail(self) -> Solid:
        r = 0.42 * self.radius + 0.08
        cone = lathe(
            turned(0.0, -1.35).curve((0.08, -1.15), (0.17, -0.9)).to(0.17, -0.75).close(), "tail cone", "core", sides=48
        )
        ring_ = lathe(
            turned(r - 0.1, -1.25).to(r + 0.06, -0.96).out(-0.05).to(r - 0.14, -1.23).back(),
            "nozzle",
            "steel",
            sides=72,
        )
        if self.nozzle == "cone":
            return cone | ring_
        if self.nozzle == "chevrons":
            notch = hull(
                np.array([(x, y, z) for x in (0.0, 1.0) for y, z in ((-0.07, -1.4), (0.07, -1.4), (0, -1.12))]),
                "nozzle",
                "steel",
            )
            return cone | (ring_ - around(notch, 12))
        petal = hull(
            np.array(
                [
                    (x, y, z)
                    for y in (-0.055, 0.055)
                    for x, z in ((r - 0.12, -1.25), (r - 0.08, -1.25), (r + 0.05, -0.94), (r + 0.09, -0.94))
                ]
            ),
            "petal",
            "steel",
        )
        return union((cone, ring_, around(petal, 14)))

    def cowling(self, kit: Kit) -> Solid:
        """Returns a hollow nacelle around the fan, struts to the core, and the core's own case, each open where cut."""
        r, rear = self.radius, 0.98 - self.cowl
        line = (
            turned(0.86 * r + 0.02, rear).to(r + 0.05, rear + 0.3 * self.cowl).curve((r + 0.09, 0.75), (r + 0.04, 1.02))
        )
        line = line.ovolo(-0.05, 0.06).curve((r - 0.06, 1.0), (r - 0.02, 0.86)).to(0.82 * r, rear + 0.01)
        cowl = lathe(line.back(), "nacelle", "casing", kit.skin("casing"))
        q = 0.42 * r + 0.08
        inner = lathe(
            turned(q + 0.03, -0.1)
            .curve((q + 0.06, 0.2), (0.6 * r + 0.09, 0.72))
            .out(-0.035)
            .curve((q + 0.025, 0.2), (q - 0.005, -0.1))
            .back(),
            "core case",
            "casing",
            sides=96,
        )
        struts = around(
            box(r, 0.035, 0.1, "strut", "steel").move(
                r / 2 - 0.02, 0, rear + 0.55 * self.cowl if self.cowl > 0.7 else 0.74
            ),
            6,
        )
        whole = union((cowl, inner))
        if self.cut != "closed":
            start, end = (-0.35, 1.7) if self.cut == "open" else (0.0, TAU / 4)
            wedge = extrude(sector(2.0, start, end), 1.2, "nacelle", "casing").move(0, 0, -0.4)
            whole = whole - wedge
        return union((whole, struts - cylinder(0.12, 3, "strut", "steel").move(0, 0, -1)))

    def plumbing(self, kit: Kit) -> list[Solid]:
        """Returns fuel rails around the cans and pipes along the core; flanges with screws."""
        q = 0.42 * self.radius + 0.08
        rail = [tube(hoop(q + 0.1), 0.022, "fuel rail", "pipe", sides=10).move(0, 0, z) for z in (-0.34, -0.2)]
        runs = [
            tube(
                spline(
                    [
                        (q + 0.1, 0, -0.2),
                        (q + 0.16, 0.04, -0.05),
                        (q + 0.1, 0.1, 0.2),
                        (0.5 * self.radius + 0.16, 0.1, 0.45),
                    ]
                ),
                0.018,
                "pipe",
                "pipe",
                sides=8,
            ).turn("z", 2.2 + k)
            for k in range(self.lines)
        ]
        joint = flange(q + 0.13, 0.05, 24, "flange", "core", "hex", kit.level).move(0, 0, -0.72) - cylinder(
            q, 1.0, "flange", "core"
        ).move(0, 0, -1.2)
        return [*rail, *runs, joint]

    def words(self) -> str:
        state = {"open": "cut open", "quarter": "with a quarter cut away", "closed": "in its nacelle"}[self.cut]
        return f"a jet engine {state}, with {self.blades} fan blades and a nozzle of {self.nozzle}"
