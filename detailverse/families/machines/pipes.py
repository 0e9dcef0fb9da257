"""Pipes on a lattice with a tank, valves and gauges; chains."""

from dataclasses import dataclass

import numpy as np

from detailverse.families.machines.clocks import Gauge
from detailverse.family import Family, Kit, one_of
from detailverse.modelling.path import Path, line, polyline, rounded, spiral, spline
from detailverse.modelling.path import circle as hoop
from detailverse.modelling.profile import turned
from detailverse.modelling.region import rect, slot
from detailverse.modelling.shapes import ball, box, cylinder, lathe, plate, tube
from detailverse.modelling.skin import BARE, Skin
from detailverse.modelling.solid import Solid, around, union
from detailverse.parts.machines import bolt, disc, flange, handwheel, ring_of
from zeroverse.core import affine
from zeroverse.core.affine import towards
from zeroverse.core.portable import TAU
from zeroverse.core.record import choice, count, flag, seed, span
from zeroverse.core.rng import Rng

CELL = 0.48  # of the lattice that pipes run on
WAYS = np.array([(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)])


@dataclass(frozen=True)
class Pipework(Family):
    """Pipes that turn about a tank on a skid, with flanges, valves and a gauge."""

    SKINS = {"tank": ("machine", "tech"), "skid": ("machine",), "pipe": ("machine",)}
    FINISHES = {
        "tank": ("painted", "steel", "copper", "iron"),
        "pipe": ("steel", "copper", "painted", "iron", "brass"),
        "flange": ("steel", "iron", "painted"),
        "steel": ("steel", "chrome"),
        "handle": ("painted", "plastic", "iron"),
        "skid": ("iron", "concrete", "painted"),
    }

    radius: float = span(0.06, 0.11)
    runs: int = count(1, 3)
    length: int = count(4, 9)
    tank: str = choice("upright", "pot", "tower")
    tank_radius: float = span(0.26, 0.37)
    valves: int = count(1, 4)
    screws: int = count(4, 8)
    head: str = choice("hex", "dome", "socket")
    wavy: bool = flag(0.5)
    gauge: Family = one_of(gauge=Gauge)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        pipes, fittings, used = [], [], {(0, 0, z) for z in range(1, 6)}
        valves = self.valves
        for number in range(self.runs):
            nodes = self.walk(Rng(self.seed, "run", number), number, used)
            pipes += self.pipe(nodes, kit, kit.skin("pipe") if number == 0 else BARE)
            for k, one in enumerate(zip(nodes[:-1], nodes[1:])):
                wanted = valves > 0 and k > 0 and (k + number) % 2 == 1
                fittings += self.fitting(*one, wanted, used, kit)
                valves -= wanted
        low, high = union(pipes).bounds
        body = union((self.vat(kit), *pipes, *fittings, self.skid(low, high, kit)))
        return body.scale(1.9 / float(body.size.max()))

    def walk(self, rng: Rng, number: int, used: set) -> list[np.ndarray]:
        """Returns lattice points from the tank's axis to an open end or the ground, no point used twice."""
        height = 2 + (number + rng.integer(0, 2)) % {"pot": 1, "upright": 2, "tower": 3}[self.tank]
        here, way = np.array([0, 0, height]), WAYS[(0, 1, 2)[number]]
        nodes = [here]
        for step in range(self.length):
            ways = [way] * 2 + [other for other in WAYS if step > 0 and abs((other * way).sum()) == 0]
            free = [
                w
                for w in ways
                if self.inside(here + w) and tuple(here + w) not in used and (step > 0 or (w == way).all())
            ]
            if not free:
                break
            way = rng.choice(free)
            here = here + way
            used.add(tuple(int(x) for x in here))
            nodes.append(here)
        return nodes

    def inside(self, node) -> bool:
        return abs(node[0]) <= 3 and abs(node[1]) <= 2 and 1 <= node[2] <= 5

    def pipe(self, nodes, kit: Kit, skin: Skin) -> list[Solid]:
        """Returns the tube, weld rings at its elbows, a flange with a cover at its end."""
        if len(nodes) < 2:
            return []
        r, points = self.radius, CELL * np.array(nodes, dtype=np.float64)
        axis = rounded(points, 0.42 * CELL)
        parts = [tube(axis, r, "pipe", "pipe", skin, sides=None if skin else 24, ends="flat")]
        end = towards(points[-1] - points[-2])
        cover = union(
            (
                flange(1.9 * r, 0.09, self.screws, "flange", "flange", self.head, kit.level),
                disc(1.3 * r, 0.0, 0.09, "flange", "flange", 0.02),
            )
        )
        parts.append(cover.transform(end, points[-1]))
        if kit.level >= 1:
            weld = tube(hoop(r), 0.022, "weld", "pipe", sides=8)
            for before, here, after in zip(points, points[1:], points[2:]):
                if abs(((here - before) * (after - here)).sum()) < 1e-9:
                    parts += [weld.transform(towards(way), here + 0.42 * way) for way in (before - here, after - here)]
        return parts

    def fitting(self, a, b, valve: bool, used: set, kit: Kit) -> list[Solid]:
        """Returns a valve or a pair of flanges in the middle of the straight piece from a to b."""
        middle, way, r = CELL * (a + b) / 2, b - a, self.radius
        if valve:
            across = next(
                (
                    w
                    for w in WAYS[[3, 4, 0, 1, 2]]
                    if abs((w * way).sum()) == 0 and tuple(a + w) not in used and tuple(b + w) not in used
                ),
                WAYS[3],
            )
            across = across if abs((across * way).sum()) == 0 else WAYS[4]
            return [
                self.valve(kit).transform(np.column_stack([way, affine.cross(across * 1.0, way * 1.0), across]), middle)
            ]
        rng = Rng(self.seed, "joint", *(int(x) for x in a + b))
        if not rng.chance(0.6) or (a[0] == 0 and a[1] == 0):
            return []
        half = flange(1.75 * r, 0.045, 0, "flange", "flange")
        joint = union(
            (half.move(0, 0, 0.03), half.move(0, 0, -0.03), cylinder(1.5 * r, 0.08, "gasket", "skid").move(0, 0, -0.04))
        )
        if kit.level >= 1:
            heads = ring_of(bolt(0.022, self.head), self.screws, 1.45 * r).move(0, 0, 0.0525)
            joint = union((joint, heads, heads.turn("x", TAU / 2)))
        return [joint.transform(towards(way.astype(np.float64)), middle)]

    def valve(self, kit: Kit) -> Solid:
        """Returns a valve along x, its hand-wheel above."""
        r = self.radius
        line = (
            turned(1.5 * r, -1.9 * r)
            .up(0.5 * r)
            .to(1.0 * r, -1.2 * r)
            .curve((1.65 * r, 0), (1.0 * r, 1.2 * r))
            .to(1.5 * r, 1.4 * r)
            .up(0.5 * r)
        )
        body = lathe(line.close(), "valve", "flange", sides=40).turn("y", TAU / 4)
        line = (
            turned(1.1 * r, 0)
            .to(1.1 * r, 1.7 * r)
            .to(1.5 * r, 1.7 * r)
            .up(0.4 * r)
            .to(0.7 * r, 2.1 * r)
            .to(0.55 * r, 3.2 * r)
        )
        bonnet = lathe(line.close(), "valve", "flange", sides=32)
        stem = cylinder(0.28 * r, 4.0 * r, "stem", "steel")
        heads = [ring_of(bolt(0.16 * r, self.head), 6, 1.28 * r).move(0, 0, 2.1 * r)] if kit.level >= 1 else []
        return union((body, bonnet, stem, handwheel(1.9 * r, 5, wavy=self.wavy).move(0, 0, 3.9 * r), *heads))

    def vat(self, kit: Kit) -> Solid:
        """Returns the tank about the z axis on four legs, with a manhole, hoops and a gauge in front."""
        r, tall = self.tank_radius, {"upright": 1.8, "pot": 1.5, "tower": 2.25}[self.tank]
        low, cap = 0.22, {"upright": 0.45, "pot": 0.7, "tower": 0.25}[self.tank] * r
        profile = (
            turned(0.0, low - 0.001).out(0.3 * r).ovolo(0.7 * r, cap).up(tall - low - 2 * cap).ovolo(-0.7 * r, cap)
        )
        tank = lathe(profile.close(), "tank", "tank", kit.skin("tank"))
        lid = flange(0.42 * r, 0.08, 8, "manhole", "flange", self.head, kit.level).move(0, 0, tall + 0.02)
        leg = box(0.06, 0.06, low + cap + 0.2, "leg", "skid").move(0.86 * r, 0, (low + cap + 0.2) / 2)
        bands = [tube(hoop(r + 0.005), 0.025, "hoop", "flange", sides=8).move(0, 0, z) for z in (low + cap, tall - cap)]
        dial = self.gauge
        front = kit.nest("gauge", dial, 0.2).move(0, -r - 0.16, tall - cap - 0.42)
        spout = tube(
            line((0, 0, tall - cap - 0.42), (0, -r - 0.14, tall - cap - 0.42)), 0.03, "spout", "pipe", sides=12
        )
        return union((tank, lid, around(leg, 4).turn("z", TAU / 8), *bands, front, spout))

    def skid(self, low, high, kit: Kit) -> Solid:
        r = self.tank_radius
        left, right = min(low[0], -r) - 0.05, max(high[0], r) + 0.05
        front, back = min(low[1], -r) - 0.05, max(high[1], r) + 0.05
        top = plate(rect(right - left, back - front, 0.05), 0.07, "skid", "skid", kit.skin("skid"), margin=0.03)
        top = top.move((left + right) / 2, (front + back) / 2, -0.06)
        beam = box(right - left - 0.1, 0.1, 0.1, "beam", "skid").move((left + right) / 2, 0, -0.1)
        return union((top, beam.move(0, front + 0.12), beam.move(0, back - 0.12)))

    def words(self) -> str:
        runs, tank = (
            ("one run", "two runs", "three runs")[self.runs - 1],
            {"upright": "an upright", "pot": "a round", "tower": "a tall"}[self.tank],
        )
        return f"pipework of {runs} with valves about {tank} tank"


@dataclass(frozen=True)
class Chain(Family):
    """Links that hang in each other, from a ring, a ball or a hook to another."""

    SKINS = {"weight": ("machine", "armour", "jewel")}
    FINISHES = {
        "link": ("iron", "steel", "gold", "silver", "brass", "plastic"),
        "weight": ("iron", "steel", "gold", "stone", "rubber"),
        "ring": ("iron", "steel", "gold", "bronze"),
    }
    PIECES = 40

    links: int = count(5, 14)
    wire: float = span(0.2, 0.33)
    length: float = span(1.0, 2.2)
    form: str = choice("round", "square", "twisted", "studded")
    lay: str = choice("hanging", "wave", "coil")
    end: str = choice("ball", "hook", "shackle", "drop")
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        joints = self.joints()
        steps = np.diff(joints, axis=0)
        size = self.pitch() / float(np.sqrt((steps[0] ** 2).sum()))  # links per object unit
        one = self.link().scale(1 / size)
        links = [self.laid(one, joints[k], joints[k + 1], k) for k in range(1, len(steps) - 1)]
        start = self.laid(self.ring().scale(1 / size), joints[0], joints[1], 0)
        last = self.laid(self.weight(kit, size), joints[-1], joints[-2], len(steps) - 1)
        body = union((*links, start, last))
        return body.scale(1.95 / float(body.size.max()))

    def pitch(self) -> float:
        """Returns the way from one joint to the next, in units in which the clear width of a link is 1: its inner
        length less some play.
        """
        return 0.9 * (1.0 + self.length)

    def joints(self) -> np.ndarray:
        n = self.links + 2
        if self.lay == "hanging":
            return np.column_stack([np.zeros(n + 1), np.zeros(n + 1), -np.arange(n + 1.0)])
        path = (
            spline([(-1, 0.9, 0), (-0.3, -0.6, 0), (0.4, 0.6, 0), (1.1, -0.9, 0)])
            if self.lay == "wave"
            else spiral(0.35, 1.0, 0.8 + 0.06 * n)
        )
        return path.resample(n=n + 1).points * n / path.length

    def laid(self, solid: Solid, a, b, number: int) -> Solid:
        """Returns a link that lies along x, from joint a to b; every other one turned a quarter."""
        x = affine.unit(b - a)
        side = affine.unit(
            affine.cross(np.array([0.0, 1.0, 0.0]) if self.lay == "hanging" else np.array([0.0, 0.0, 1.0]), x)
        )
        other = affine.cross(x, side)
        matrix = np.column_stack([x, side, other] if number % 2 else [x, other, -side])
        return solid.transform(matrix, (a + b) / 2)

    def oval(self) -> Path:
        """Returns the centre line of a link along x: its clear width is 1, its clear length 1 + length."""
        half, reach = self.length / 2, 0.5 + self.wire
        return polyline(slot(2 * half, 2 * reach).contours()[0], closed=True).resample(n=44)

    def link(self) -> Solid:
        section = rect(1.75, 1.75, 0.3) if self.form == "square" else None
        path = self.oval()
        if self.form == "twisted":
            points = path.points
            lift = points[:, 0] * points[:, 1] / (self.length / 2 + 0.5)
            path = Path(np.column_stack([points[:, :2], 0.28 * lift]), True)
        body = tube(path, self.wire, "link", "link", sides=16, section=section)
        if self.form != "studded":
            return body
        stud = lathe(
            turned(0.75 * self.wire, -0.62).curve((0.5 * self.wire, 0.0), (0.75 * self.wire, 0.62)).close(),
            "stud",
            "link",
            sides=16,
        )
        return body | stud.turn("x", TAU / 4) if self.length > 1.4 else body

    def ring(self) -> Solid:
        """Returns a round ring that holds the first link, centred where a link would be."""
        radius = self.pitch() * 0.75
        return tube(hoop(radius), 1.15 * self.wire, "ring", "ring", sides=24).move(
            0.5 * self.pitch() + 0.5 * self.wire - radius
        )

    def weight(self, kit: Kit, size: float) -> Solid:
        """Returns what hangs on the last link: an eye where a link would be, and beyond it, along -x, the rest."""
        eye, far = self.link(), -0.5 * self.pitch() - self.wire
        if self.end == "ball":
            radius = 1.9 + 0.25 * self.links * 0.5
            rest = ball(radius / size, "ball", "weight", kit.skin("weight")).scale(size).move(far - 0.9 * radius)
            collar = disc(0.35 * radius, 0.0, 0.3 * radius, "collar", "ring", 0.05).turn("y", -TAU / 4).move(far + 0.1)
            rest = rest | collar
        elif self.end == "hook":
            bend = spline(
                [
                    (far - x, y, 0)
                    for x, y in ((-0.3, 0), (0.8, 0), (1.8, 0.9), (3.4, 0.9), (4.1, -0.3), (3.3, -1.4), (2.4, -1.5))
                ]
            )
            rest = tube(bend, lambda s: self.wire * (1.3 + 2.2 * s * (1 - s) - 0.7 * s * s), "hook", "ring", sides=24)
            rest = rest | lathe(turned(0.5).up(0.8).close(), "swivel", "weight", kit.skin("weight")).turn(
                "y", -TAU / 4
            ).move(far + 0.2)
        elif self.end == "drop":
            line = turned(0.0, 0.0).curve((0.9, 0.7), (1.35, 1.9), (0.8, 3.2), (0.3, 4.6)).close()
            rest = (
                lathe(line.scale(1 / size), "drop", "weight", kit.skin("weight"))
                .scale(size)
                .turn("y", TAU / 4)
                .move(far - 4.4)
            )
        else:
            cuff = lathe(turned(1.6, -0.6).up(1.2).out(-0.3).up(-1.2).back(), "cuff", "weight", kit.skin("weight"))
            rest = cuff.move(far - 1.5) | disc(0.4, -0.45, 0.45, "hinge", "ring").move(far - 3.1)
        return (eye | rest).scale(1 / size)

    def words(self) -> str:
        ending = {"ball": "a ball", "hook": "a hook", "shackle": "a cuff", "drop": "a drop"}[self.end]
        return (
            f"a {'hanging' if self.lay == 'hanging' else 'lying'} chain of {self.links} {self.form} links with {ending}"
        )
