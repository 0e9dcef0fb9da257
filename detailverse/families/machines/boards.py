"""Electronics: circuit boards with packed components, racks of servers."""

from dataclasses import dataclass

import numpy as np

from detailverse.family import Family, Kit
from detailverse.modelling.path import circle as hoop
from detailverse.modelling.path import polyline
from detailverse.modelling.profile import turned
from detailverse.modelling.region import circle, rect, stroke
from detailverse.modelling.region import union as joined
from detailverse.modelling.shapes import box, cylinder, extrude, hull, lathe, tube
from detailverse.modelling.solid import Solid, around, row, union
from detailverse.parts.elements import upright
from detailverse.parts.machines import disc
from zeroverse.core.portable import TAU
from zeroverse.core.record import choice, count, flag, seed, span
from zeroverse.core.rng import Rng

TOP = 0.05  # of the board


def heat_sink(x: float, y: float, height: float, kind: str, slot: str = "sink") -> Solid:
    """Returns a base with "fins" along y, "pins", or a "radial" star, on z = 0."""
    base = box(x, y, 0.05, "heat sink", slot).move(0, 0, 0.005)
    if kind == "radial":
        fin = box(0.46 * min(x, y), 0.02, height, "heat sink", slot).move(0.24 * min(x, y), 0, height / 2)
        return union((base, around(fin, 22), cylinder(0.14 * min(x, y), 1.05 * height, "heat sink", slot)))
    if kind == "fins":
        n = max(4, round(x / 0.05))
        fins = row(
            box(0.018, y, height, "heat sink", slot).move(-x / 2 + 0.012, 0, height / 2),
            n,
            ((x - 0.024) / (n - 1), 0, 0),
        )
        return base | fins
    n, m = max(3, round(x / 0.075)), max(3, round(y / 0.075))
    pin = hull(
        np.array([(a * w, b * w, z) for a in (-1, 1) for b in (-1, 1) for w, z in ((0.02, 0.0), (0.014, height))]),
        "heat sink",
        slot,
    )
    pins = row(
        row(pin.move(-x / 2 + 0.03, -y / 2 + 0.03), n, ((x - 0.06) / (n - 1), 0, 0)), m, (0, (y - 0.06) / (m - 1), 0)
    )
    return base | pins


def fan(radius: float, deep: float, blades: int, label: str, slot: str) -> Solid:
    """Returns a square frame around blades, from z = 0; its grille is a spiral of rings."""
    frame = extrude(rect(2.1 * radius, 2.1 * radius, 0.12 * radius) - circle(radius), deep, label, slot)
    hub = disc(0.34 * radius, 0.0, 0.9 * deep, label, slot, 0.06 * radius, 32)
    vane = (
        extrude(
            stroke([(0.2 * radius, 0), (0.6 * radius, 0.16 * radius), (0.94 * radius, 0.42 * radius)], 0.3 * radius),
            0.03,
            label,
            slot,
        )
        .turn("x", 0.35)
        .move(0, 0, deep / 2)
    )
    struts = around(box(radius, 0.05 * radius, 0.03, label, slot).move(radius / 2 + 0.02, 0, 0.015), 4).turn(
        "z", TAU / 8
    )
    return union((frame, hub, around(vane, blades) & cylinder(0.96 * radius, deep, label, slot), struts))


@dataclass(frozen=True)
class CircuitBoard(Family):
    """A board with chips, sinks, capacitors, sockets and connectors packed on a grid, and traces between them."""

    SKINS = {"chip": ("tech",), "shield": ("tech", "machine")}
    FINISHES = {
        "board": ("pcb",),
        "trace": ("gold", "copper"),
        "chip": ("plastic", "ceramic"),
        "lead": ("silver", "gold"),
        "sink": ("anodised", "steel", "copper"),
        "can": ("anodised", "steel", "plastic"),
        "socket": ("plastic", "painted"),
        "shield": ("steel", "chrome"),
        "steel": ("steel",),
    }

    width: float = span(1.5, 2.0)
    depth: float = span(1.0, 1.8)
    columns: int = count(4, 8)
    rows: int = count(3, 6)
    main: str = choice("chip", "sink", "fan", "socket")
    sink: str = choice("fins", "pins", "radial")
    mix: str = choice("chips", "power", "memory", "ports")
    traces: int = count(10, 40)
    corners: float = span(0.02, 0.12)
    stands: bool = flag(0.35)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        board = extrude(rect(self.width, self.depth, self.corners) - self.holes(), TOP, "board", "board")
        parts = [board, *self.components(kit)]
        if kit.level >= 1:
            parts.append(extrude(self.tracks(), 0.02, "trace", "trace").move(0, 0, TOP - 0.008))
            parts += [
                disc(0.06, TOP - 0.01, TOP + 0.012, "pad", "trace", sides=24).move(*place)
                - cylinder(0.034, 0.3, "pad", "trace").move(*place, -0.1)
                for place in self.mounts()
            ]
        parts.append(self.edge_connector())
        body = union(parts)
        return (
            upright(body) | box(0.6 * self.width, 0.5, 0.08, "foot", "socket").move(0, 0, -self.depth / 2)
            if self.stands
            else body
        )

    def mounts(self) -> list[tuple[float, float]]:
        return [(x * (self.width / 2 - 0.09), y * (self.depth / 2 - 0.09)) for x in (-1, 1) for y in (-1, 1)]

    def holes(self):
        return joined(circle(0.035).move(*place) for place in self.mounts())

    def edge_connector(self) -> Solid:
        """Returns a tongue with gold fingers at the front edge."""
        wide = 0.5 * self.width
        tongue = box(wide, 0.14, 0.034, "tongue", "board").move(0, -self.depth / 2 - 0.05, TOP / 2)
        n = int(wide / 0.045)
        fingers = row(
            box(0.024, 0.11, 0.05, "contact", "trace").move(-wide / 2 + 0.03, -self.depth / 2 - 0.06, TOP / 2),
            n,
            ((wide - 0.06) / (n - 1), 0, 0),
        )
        return tongue | fingers

    def components(self, kit: Kit) -> list[Solid]:
        """Returns the main one in a block of cells of its own, a part in most other cells."""
        rng, x, y = Rng(self.seed, "parts"), (self.width - 0.3) / self.columns, (self.depth - 0.2) / self.rows
        i0, j0 = rng.integer(0, self.columns - 1), rng.integer(0, self.rows - 1)
        taken = {(i0 + a, j0 + b) for a in (0, 1) for b in (0, 1)}
        centre = lambda i, j: ((i - (self.columns - 1) / 2) * x, (j - (self.rows - 1) / 2) * y, TOP)  # noqa: E731
        size = 1.8 * min(x, y)
        parts = [self.mains(size, kit).move(*(np.add(centre(i0, j0), centre(i0 + 1, j0 + 1)) / 2))]
        weights = {
            "chips": (5, 1, 1, 2, 1, 1, 1),
            "power": (1, 5, 3, 1, 2, 1, 1),
            "memory": (3, 1, 1, 4, 0, 4, 1),
            "ports": (2, 1, 1, 1, 1, 1, 5),
        }[self.mix]
        chip = self.chip(0.8 * x, 0.8 * y, kit)
        for i in range(self.columns):
            for j in range(self.rows):
                if (i, j) not in taken:
                    cell = rng.child(i, j)
                    kind = cell.choice(("chip", "can", "coil", "small", "sink", "slot", "port"), weights)
                    parts.append(
                        chip.move(*centre(i, j))
                        if kind == "chip"
                        else self.part(kind, 0.84 * x, 0.84 * y, cell).move(*centre(i, j))
                    )
        return parts

    def mains(self, size: float, kit: Kit) -> Solid:
        if self.main == "socket":
            frame = box(size, size, 0.07, "socket", "socket") - box(
                0.7 * size, 0.7 * size, 0.05, "socket", "socket"
            ).move(0, 0, 0.04)
            lid = box(0.6 * size, 0.6 * size, 0.09, "lid", "shield", kit.skin("shield"), sides="+z").move(0, 0, 0.03)
            lever = tube(
                polyline(
                    [
                        (0.47 * size, -0.42 * size, 0.02),
                        (0.47 * size, -0.42 * size, 0.08),
                        (0.47 * size, 0.4 * size, 0.09),
                        (0.3 * size, 0.46 * size, 0.09),
                    ]
                ),
                0.012,
                "lever",
                "steel",
                sides=8,
            )
            return union((frame, lid, lever))
        base = box(size, size, 0.06, "package", "board").move(0, 0, 0.01) | box(
            0.8 * size, 0.8 * size, 0.1, "chip", "chip", kit.skin("chip"), sides="+z"
        ).move(0, 0, 0.05)
        if self.main == "chip":
            return base
        top = heat_sink(size, size, 0.26 if self.main == "fan" else 0.34, self.sink).move(0, 0, 0.1)
        if self.main == "fan":
            top = top | fan(0.46 * size, 0.12, 7, "fan", "socket").move(0, 0, 0.34)
        return base | top

    def chip(self, x: float, y: float, kit: Kit) -> Solid:
        """Returns a package with gull-wing leads on two sides."""
        body = box(0.72 * x, y, 0.09, "chip", "chip", kit.skin("chip"), sides="+z").move(0, 0, 0.055)
        n = max(3, int(y / 0.045))
        lead = extrude(
            stroke([(0.3 * x, 0.06), (0.42 * x, 0.06), (0.44 * x, 0.004), (0.52 * x, 0.004)], 0.014),
            0.02,
            "lead",
            "lead",
        ).turn("x", TAU / 4)
        side = row(lead.move(0, -y / 2 + 0.03), n, (0, (y - 0.05) / (n - 1), 0))
        mark = cylinder(0.02, 0.02, "chip", "lead").move(-0.25 * x, 0.38 * y, 0.085)
        return union((body, side, side.turn("z", TAU / 2).move(0, 0.015), mark))

    def part(self, kind: str, x: float, y: float, rng: Rng) -> Solid:
        r, high = 0.42 * min(x, y), rng.uniform(0.12, 0.34)
        if kind == "can":
            n = 2 if max(x, y) > 1.7 * min(x, y) else 1
            can = lathe(
                turned(r, -0.01)
                .up(0.03)
                .out(-0.08 * r)
                .up(0.02)
                .out(0.08 * r)
                .to(r, high - 0.02)
                .ovolo(-0.02, 0.02)
                .out(-0.1 * r)
                .up(-0.012)
                .close(),
                "capacitor",
                "can",
                sides=28,
            )
            step = np.array([x - 2 * r, 0, 0]) if x > y else np.array([0, y - 2 * r, 0])
            return row(can.move(*(-step / 2 * (n - 1))), n, step)
        if kind == "coil":
            turns = tube(hoop(0.6 * r), 0.36 * r, "coil", "board", sides=14).move(0, 0, 0.3 * r)
            wire = (
                tube(hoop(0.42 * r), 0.05 * r + 0.008, "coil", "trace", sides=8)
                .turn("x", TAU / 4)
                .move(0.6 * r, 0, 0.3 * r)
            )
            return turns | around(wire, 16)
        if kind == "sink":
            return heat_sink(x, y, high, rng.choice(("fins", "pins")))
        if kind == "slot":
            n = max(1, int(x / 0.13))
            slot = box(0.07, y, 0.13, "slot", "socket").move(0, 0, 0.055) - box(
                0.022, 0.92 * y, 0.14, "slot", "socket"
            ).move(0, 0, 0.1)
            slot = (
                slot | box(0.016, 0.8 * y, high + 0.1, "module", "board").move(0, 0, 0.06 + high / 2)
                if rng.chance(0.5)
                else slot
            )
            return row(slot.move(-0.13 * (n - 1) / 2), n, (0.13, 0, 0))
        if kind == "port":
            shell = box(x, 0.9 * y, 0.2, "port", "shield").move(0, 0, 0.095) - box(
                0.8 * x, 0.5 * y, 0.13, "port", "shield"
            ).move(0, -0.3 * y, 0.1)
            return shell | row(
                box(0.02, 0.3 * y, 0.03, "contact", "trace").move(-0.3 * x, -0.15 * y, 0.05), 5, (0.15 * x, 0, 0)
            )
        return self.passives(x, y, rng)

    def passives(self, x: float, y: float, rng: Rng) -> Solid:
        """Returns a grid of small resistors and capacitors with metal ends."""
        one = union(
            (
                box(0.05, 0.036, 0.03, "resistor", "chip"),
                box(0.02, 0.04, 0.036, "resistor", "lead").move(-0.024),
                box(0.02, 0.04, 0.036, "resistor", "lead").move(0.024),
            )
        )
        n, m = max(1, int(x / 0.095)), max(1, int(y / 0.07))
        places = [(i, j) for i in range(n) for j in range(m) if rng.chance(0.75)] or [(0, 0)]
        return union(one.move((i - (n - 1) / 2) * 0.095, (j - (m - 1) / 2) * 0.07, 0.01) for i, j in places)

    def tracks(self):
        """Returns lines with bends of 45 degrees, and vias at their ends."""
        rng, lines = Rng(self.seed, "tracks"), []
        for k in range(self.traces):
            one = rng.child(k)
            x, y = one.uniform(-0.42, 0.42) * self.width, one.uniform(-0.42, 0.42) * self.depth
            run, jog = one.uniform(0.1, 0.35), one.uniform(-0.15, 0.15)
            points = np.array(
                [(x, y), (x + run, y), (x + run + abs(jog) + 0.01, y + jog), (x + 1.6 * run + abs(jog), y + jog)]
            )
            points = points[:, ::-1] if one.chance(0.4) else points
            lines += [stroke(points, 0.013), *(circle(0.018).move(*points[end]) for end in (0, -1))]
        return (joined(lines) & rect(self.width - 0.04, self.depth - 0.04)) - joined(
            circle(0.08).move(*place) for place in self.mounts()
        )

    def words(self) -> str:
        main = {
            "chip": "a large chip",
            "sink": f"a heat sink of {self.sink if self.sink != 'radial' else 'radial fins'}",
            "fan": "a fan on a heat sink",
            "socket": "a processor socket",
        }[self.main]
        return f"a circuit board with {main} among packed components"
