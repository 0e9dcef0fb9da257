"""Racks of servers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from detailverse.families.machines.boards import fan
from detailverse.family import Family, Kit
from detailverse.modelling.font import text
from detailverse.modelling.path import spline
from detailverse.modelling.region import circle
from detailverse.modelling.shapes import box, cylinder, extrude, tube
from detailverse.modelling.skin import BARE
from detailverse.modelling.solid import Solid, row, union
from detailverse.parts.elements import upright
from detailverse.parts.machines import bolt, disc
from zeroverse.core.portable import TAU
from zeroverse.core.record import choice, count, flag, seed, span
from zeroverse.core.rng import Rng


class Front(NamedTuple):
    """What a unit shows: parts that stand on its front, and holes that are cut out of it and of its handles."""

    parts: Sequence[Solid] = ()
    holes: Solid | None = None


def handle(x: float, y: float, h: float) -> Solid:
    """Returns an upright grip in front of the plane y, for a unit of height h."""
    ends = [(x, y + 0.02, -0.35 * h), (x, y - 0.05, -0.25 * h), (x, y - 0.05, 0.25 * h), (x, y + 0.02, 0.35 * h)]
    return tube(spline(ends, per_span=5), 0.012, "handle", "steel", sides=8)


def drives(wide: float, h: float, y: float) -> Front:
    """Returns bays with a slotted face, a latch and a lamp, in one row or two."""
    n, m = max(2, round(wide / 0.14)), 1 if h < 0.2 else 2
    bay = box(0.86 * wide / n, 0.06, 0.82 * h / m, "drive", "drive").move(0, y)
    slots = union(
        box(0.6 * wide / n, 0.02, 0.014, "drive", "drive").move(0, y - 0.03, (k - 1) * 0.2 * h / m) for k in range(3)
    )
    latch = box(0.1 * wide / n + 0.01, 0.02, 0.5 * h / m, "latch", "steel").move(0.3 * wide / n, y - 0.035)
    lamp = cylinder(0.009, 0.02, "lamp", "lamp").turn("x", TAU / 4).move(-0.32 * wide / n, y - 0.022, 0.3 * h / m)
    one = (bay - slots) | (latch | lamp)
    grid = row(one.move(-wide / 2 + 0.5 * wide / n), n, (wide / n, 0, 0))
    return Front([grid.move(0, 0, (j - (m - 1) / 2) * 0.88 * h / m) for j in range(m)])


def fans(wide: float, h: float, y: float) -> Front:
    """Returns a row of fans as tall as the unit."""
    n = max(2, int(wide / h))
    one = upright(fan(0.42 * h, 0.06, 7, "fan", "dark")).move(0, y + 0.01)
    return Front([row(one.move(-wide / 2 + wide / n / 2), n, (wide / n, 0, 0))])


def ports(wide: float, h: float, y: float) -> Front:
    """Returns two rows of sockets with a row of lamps between them."""
    n = max(5, round(wide / 0.075))
    step = ((wide - 0.08) / (n - 1), 0, 0)
    hole = box(0.048, 0.05, min(0.05, 0.3 * h), "ports", "panel").move(-wide / 2 + 0.04, y)
    holes = row(row(hole, n, step).move(0, 0, -0.2 * h), 2, (0, 0, 0.4 * h))
    lamp = cylinder(0.008, 0.03, "lamp", "lamp").turn("x", TAU / 4).move(-wide / 2 + 0.04, y + 0.015)
    return Front([row(lamp, n, step)], holes)


def vents(wide: float, h: float, y: float) -> Front:
    """Returns a field of six-sided holes, every other row shifted by half a step."""
    n, m = round(wide / 0.05), max(2, round(0.8 * h / 0.05))
    hole = extrude(circle(0.018, 6), 0.06, "vents", "panel").turn("x", TAU / 4).move(0, y + 0.03)
    field = [
        hole.move((i - (n - 1) / 2 + 0.5 * (j % 2) - 0.25) * wide / n, 0, (j - (m - 1) / 2) * 0.8 * h / m)
        for i in range(n)
        for j in range(m)
    ]
    return Front(holes=union(field))


def blank(wide: float, h: float, y: float) -> Front:
    """Returns nothing: a plain panel closes the place, and details lie on it."""
    return Front()


def display(wide: float, h: float, y: float) -> Front:
    """Returns a screen, two rows of keys, and a badge where the unit is tall enough."""
    glass = box(0.4 * wide, 0.03, 0.6 * h, "screen", "lamp").move(-0.2 * wide, y)
    key = box(0.04, 0.04, 0.03, "key", "drive").move(0.1 * wide, y, -0.2 * h)
    keys = row(row(key, 5, (0.07, 0, 0)), 2, (0, 0, 0.35 * h))
    if h <= 0.15:
        return Front([glass, keys])
    badge = upright(extrude(text("DV1", 0.25 * h), 0.03, "badge", "steel")).move(0.36 * wide, y + 0.015, 0.28 * h)
    return Front([glass, keys, badge])


FRONTS = {"drives": drives, "fans": fans, "ports": ports, "vents": vents, "panel": blank, "display": display}


@dataclass(frozen=True)
class ServerRack(Family):
    """A cabinet of units: drives, fans, ports, vents, blanks; cables between some."""

    SKINS = {"side": ("tech", "machine"), "panel": ("tech", "machine")}
    FINISHES = {
        "case": ("painted", "steel", "plastic"),
        "panel": ("painted", "anodised", "steel"),
        "drive": ("plastic", "steel", "anodised"),
        "dark": ("plastic", "rubber"),
        "lamp": ("glass", "painted", "gem"),
        "cable": ("rubber", "plastic", "painted"),
        "steel": ("steel", "chrome"),
    }

    units: int = count(5, 11)
    width: float = span(0.8, 1.2)
    depth: float = span(0.6, 1.0)
    cables: int = count(0, 9)
    casters: bool = flag(0.5)
    cap: str = choice("flat", "fans", "handle")
    screws: str = choice("socket", "slot", "dome", "hex")
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        w, d = self.width, self.depth
        rng, step = Rng(self.seed, "units"), 1.7 / self.units
        side = box(0.06, d, 1.8, "side", "case", kit.skin("side"), sides="+x").move(w / 2, 0, 0.9)
        shell = union(
            (
                side,
                side.turn("z", TAU / 2),
                box(w, d, 0.06, "case", "case").move(0, 0, 0.03),
                box(w, d, 0.06, "case", "case").move(0, 0, 1.78),
                box(w, 0.05, 1.8, "case", "case").move(0, d / 2 - 0.02, 0.9),
            )
        )
        rail = box(0.07, 0.03, 1.76, "rail", "steel").move(w / 2 - 0.06, -d / 2 + 0.06, 0.9)
        parts = [shell, rail, rail.mirror("x")]
        chosen = [rng.child(k).choice(list(FRONTS), (3, 2, 3, 2, 1, 1)) for k in range(self.units)]
        built = {  # in the order of their first use: a set's order would follow the process's hash seed
            kind: self.unit(kind, w - 0.1, step - 0.025, d, kit) for kind in dict.fromkeys(chosen)
        }
        parts += [built[kind].move(0, 0, 0.06 + (k + 0.5) * step) for k, kind in enumerate(chosen)]
        return union((*parts, *self.leads(rng, step), *self.ends()))

    def unit(self, kind: str, w: float, h: float, d: float, kit: Kit) -> Solid:
        """Returns a box of height h around z = 0 with its front at about y = -d/2."""
        y = -d / 2 + 0.03
        skin = kit.skin("panel") if kind == "panel" else BARE
        chassis = box(w, 0.8 * d, h, kind, "panel", skin, sides="-y").move(0, y + 0.4 * d, 0)
        parts = [chassis, *(handle(x, y, h) for x in (-w / 2 + 0.035, w / 2 - 0.035))]
        front = FRONTS[kind](w - 0.18, h, y)
        if front.holes is not None:
            parts = [union(parts) - front.holes]
        parts += front.parts
        if kit.level >= 2:
            parts += [
                upright(bolt(0.014, self.screws)).move(x, y, z)
                for x in (-w / 2 + 0.065, w / 2 - 0.065)
                for z in (-0.3 * h, 0.3 * h)
            ]
        return union(parts)

    def leads(self, rng: Rng, step: float) -> list[Solid]:
        """Returns cables that sag from one unit to another in front."""
        out = []
        for k in range(self.cables):
            one, y = rng.child("cable", k), -self.depth / 2
            a, b = (0.06 + (one.integer(0, self.units) + 0.5) * step for _ in range(2))
            x0, x1, far = (
                one.uniform(-0.35, 0.35) * self.width,
                one.uniform(-0.35, 0.35) * self.width,
                one.uniform(0.08, 0.16),
            )
            low = min(a, b) - one.uniform(0.0, 0.2)
            out.append(
                tube(
                    spline(
                        [
                            (x0, y + 0.08, a),
                            (x0, y - far, a - 0.02),
                            ((x0 + x1) / 2 + 0.05, y - far, max(0.05, low)),
                            (x1, y - far, b - 0.03),
                            (x1, y + 0.08, b),
                        ],
                        per_span=7,
                    ),
                    0.014,
                    "cable",
                    "cable",
                    sides=8,
                )
            )
        return out

    def ends(self) -> list[Solid]:
        """Returns what the cabinet stands on, and what is on its top."""
        w, d = self.width, self.depth
        feet = (
            disc(0.05, -0.06, 0.03, "foot", "dark", sides=24)
            if not self.casters
            else union(
                (
                    cylinder(0.07, 0.05, "caster", "dark").turn("x", TAU / 4).move(0, 0.025, -0.08),
                    box(0.05, 0.08, 0.12, "caster", "steel").move(0, 0, -0.02),
                )
            )
        )
        parts = [feet.move(x * (w / 2 - 0.08), y * (d / 2 - 0.1)) for x in (-1, 1) for y in (-1, 1)]
        if self.cap == "fans":
            parts += [fan(0.2, 0.07, 8, "fan", "dark").move(x * 0.24 * w, 0, 1.8) for x in (-1, 1)]
        elif self.cap == "handle":
            parts += [
                tube(
                    spline([(x, -0.2, 1.79), (x, -0.2, 1.88), (x, 0.2, 1.88), (x, 0.2, 1.79)]),
                    0.025,
                    "handle",
                    "steel",
                    sides=10,
                )
                for x in (-0.4 * w, 0.4 * w)
            ]
        return parts

    def words(self) -> str:
        return (
            f"a rack of {self.units} server units"
            f"{' with hanging cables' if self.cables > 1 else ''}{' on casters' if self.casters else ''}"
        )
