"""Creatures of the sea: stars, urchins, jellyfish, octopuses, fish, turtles, crabs."""

from dataclasses import dataclass

import numpy as np

from detailverse import sdf
from detailverse.family import Family, Kit
from detailverse.modelling.blob import blob
from detailverse.modelling.path import spline
from detailverse.modelling.profile import turned
from detailverse.modelling.shapes import hull, lathe, loft, tube
from detailverse.modelling.solid import Solid, around, at, union
from detailverse.parts.creatures import eyes, fin, horn, leg, pair, spike
from detailverse.parts.elements import turned_ball
from detailverse.parts.polyhedra import Mesh, dual, inset, scattered
from zeroverse.core import affine
from zeroverse.core.affine import towards
from zeroverse.core.portable import TAU, cos_sin
from zeroverse.core.record import choice, count, flag, seed, span
from zeroverse.core.rng import Rng


@dataclass(frozen=True)
class SeaStar(Family):
    """A starfish, a brittle star or an urchin, with knobs or spines."""

    SKINS = {"body": ("marine",)}
    PLAIN = True
    FINISHES = {"body": ("coral", "shell", "skin", "ceramic"), "spine": ("bone", "shell", "horn")}

    form: str = choice("starfish", "starfish", "cushion", "brittle", "urchin")
    arms: int = count(5, 11)
    plump: float = span(0.13, 0.24)
    curl: float = span(-0.35, 0.35)
    lift: float = span(0.0, 0.3)
    spines: int = count(5, 10)
    long: float = span(0.06, 0.3)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        if self.form == "urchin":
            return self.urchin(kit)
        thick = {"starfish": self.plump, "cushion": 0.3, "brittle": 0.08}[self.form]
        reach = 0.7 if self.form == "cushion" else 1.0
        bones, knobs = [sdf.ellipsoid(0.3 + 0.4 * thick, 0.3 + 0.4 * thick, 0.75 * thick)], []
        for k in range(self.arms):
            rng = Rng(self.seed, "arm", k)
            bend, up = self.curl + rng.child("bend").uniform(-0.2, 0.2), self.lift * rng.child("up").unit()
            line = (
                spline(
                    [
                        (0, 0, 0),
                        (0.4 * reach, 0.25 * bend, 0.02),
                        (0.75 * reach, bend * (1.6 if self.form == "brittle" else 1.0), 0.3 * up),
                        (reach, bend * 0.7, up),
                    ]
                )
                .turn("z", TAU * k / self.arms)
                .resample(n=10)
            )
            radii = [thick * (1.0 - 0.82 * t) + 0.02 for t in np.arange(10) / 9]
            bones.append(sdf.chain(line.points, radii))
            for j in range(self.spines if kit.level >= 1 else 0):
                t = (j + 1.2) / (self.spines + 1) * 9
                place, radius = line.at(t / 9 * line.length), float(np.interp(t, np.arange(10), radii))
                side = affine.unit(
                    affine.cross(
                        np.array([0, 0, 1.0]),
                        line.at(min(1.0, t / 9 + 0.02) * line.length) - line.at((t / 9 - 0.02) * line.length),
                    )
                )
                ways = [np.array([0, 0, 1.0]), 0.9 * side + [0, 0, 0.45], -0.9 * side + [0, 0, 0.45]]
                knobs += [
                    spike(
                        place + 0.9 * radius * affine.unit(way),
                        way,
                        0.3 * radius + 0.35 * self.long,
                        0.2 * radius + 0.012,
                        "spines",
                        "spine",
                        8,
                    )
                    for way in ways
                ]
        return union((blob(sdf.union(*bones, smooth=0.12), 0.02, "body", "body", kit.skin("body"), room=0.009), *knobs))

    def urchin(self, kit: Kit) -> Solid:
        tall = 0.55 + self.plump
        body = blob(sdf.ellipsoid(0.62, 0.62, 0.62 * tall), 0.02, "body", "body", kit.skin("body"), room=0.02)
        points = scattered(24 * self.spines, 0.3, Rng(self.seed, "spines"))
        points = points[points[:, 2] > -0.75] if kit.level >= 1 else points[:0]
        thorn = spike((0, 0, -0.03), (0, 0, 1), 1.0, 0.09, "spines", "spine", 8)
        size = 0.16 + 1.4 * self.long
        knob = turned_ball(0.034, "knobs", "body", 16)
        frames = [(towards(p * [1, 1, 1 / tall]), p * [0.62, 0.62, 0.62 * tall]) for p in points]
        return union(
            (
                body,
                *(
                    [at(thorn, [(frame * [0.32, 0.32, size], place) for frame, place in frames]), at(knob, frames)]
                    if frames
                    else []
                ),
            )
        )

    def words(self) -> str:
        name = {"cushion": "a cushion star", "brittle": "a brittle star"}.get(self.form, "a starfish")
        return "a sea urchin with spines" if self.form == "urchin" else f"{name} with {self.arms} arms"


@dataclass(frozen=True)
class Octopus(Family):
    """An octopus, squid or jellyfish: a mantle or bell over arms that wind, with suckers."""

    SKINS = {"body": ("marine",)}
    PLAIN = True
    FINISHES = {
        "body": ("skin", "petal", "coral", "shell"),
        "arm": ("skin", "petal", "coral"),
        "eye": ("gem", "glass"),
        "ground": ("terrain", "stone", "coral"),
    }

    form: str = choice("octopus", "octopus", "squid", "jellyfish")
    arms: int = count(6, 10)
    wind: float = span(0.5, 1.6)
    reach: float = span(0.7, 1.0)
    head: float = span(0.32, 0.46)
    lean: float = span(0.0, 0.5)
    frill: int = count(8, 20)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        limbs = [self.arm(k) for k in range(self.arms)]
        h = self.head
        if self.form == "jellyfish":
            wave = (
                turned(0.0, 0.02)
                .to(0.1 * h, 0.1)
                .to(1.0 * h, -0.12)
                .curve((1.35 * h, -0.1), (1.3 * h, 0.3), (0.7 * h, 0.72), (0.0, 0.85))
            )
            bell = lathe(wave.close(), "bell", "body", kit.skin("body"))
            lappet = around(
                turned_ball(0.09, "lappets", "body", 20).scale(1, 1, 1.2).move(1.2 * h, 0, -0.12), self.frill
            )
            stalk = lathe(turned(0.05, -0.4).curve((0.16, -0.1), (0.2, 0.3)).close(), "stalk", "arm")
            parts = [bell, lappet, stalk]
        else:
            long = 1.25 if self.form == "octopus" else 2.0
            mantle = (
                sdf.ellipsoid(h, h, long * h).turn("x", -self.lean).move(0, 0.4 * h * self.lean, 0.35 + 0.75 * long * h)
            )
            skull = sdf.ellipsoid(0.75 * h, 0.7 * h, 0.6 * h).move(0, -0.1 * h, 0.3)
            sockets = [sdf.sphere(0.24 * h).move(x * 0.58 * h, -0.45 * h, 0.42) for x in (1, -1)]
            parts = [
                blob(
                    sdf.union(mantle, skull, *sockets, *(self.root(line) for line in limbs), smooth=0.12),
                    0.02,
                    "mantle",
                    "body",
                    kit.skin("body"),
                    room=0.01,
                )
            ]
            parts.append(eyes((0.64 * h, -0.58 * h, 0.44), 0.15 * h))
            if self.form == "squid":
                wing = fin(
                    np.array([(0.0, -0.4), (0.5, -0.15), (0.35, 0.1), (0.0, 0.35)]) * 1.1,
                    0.025,
                    "fin",
                    "body",
                    root=(0.05, 0.0),
                )
                parts.append(pair(wing.turn("z", -TAU / 4).move(0.3 * h, 0.4 * h * self.lean, 0.35 + 1.15 * long * h)))
        for number, line in enumerate(limbs):
            parts.append(
                tube(
                    line,
                    lambda s: 0.105 * (1 - s) + 0.02,
                    "arm",
                    "arm" if self.form == "jellyfish" else "body",
                    sides=20,
                ).named(f"arm#{number}")
            )
            if kit.level >= 2 and self.form != "jellyfish":
                parts.append(self.suckers(line))
        return union(parts)

    def arm(self, number: int):
        rng = Rng(self.seed, "arm", number)
        c, s = cos_sin(TAU * (number + 0.5) / self.arms)
        turn = 1 if rng.child("turn").chance(0.5) else -1
        wind, deep = self.wind * rng.child("wind").uniform(0.6, 1.2), self.form == "jellyfish"
        points = []
        for k in range(7):
            t = k / 6
            a, b = cos_sin(turn * wind * 2.4 * t * t)
            if deep:
                points.append(
                    (
                        (0.55 * self.head + 0.06 * a) * c - 0.1 * b * s,
                        (0.55 * self.head + 0.06 * a) * s + 0.1 * b * c,
                        0.3 - 1.4 * self.reach * t,
                    )
                )
                continue
            r, side = 0.12 + self.reach * t * (0.4 + 0.6 * a), 0.7 * self.reach * t * b
            rise = 0.3 * (1 - t) ** 3 + 0.06 + 0.35 * (t - 0.6) ** 2 * (t > 0.6) * rng.child("rise").unit() * 4
            points.append((r * c - side * s, r * s + side * c, rise))
        return spline(points, per_span=7)

    def root(self, line) -> sdf.Sdf:
        points = [line.at(t * line.length) for t in (0.0, 0.1, 0.2, 0.3)]
        return sdf.chain(points, [0.12, 0.11, 0.1, 0.07])

    def suckers(self, line) -> Solid:
        cup = lathe(
            turned(0.5, -0.6).to(0.62, 0.0).bead(0.3).to(0.4, 0.3).to(0.0, 0.05).close(), "suckers", "arm", sides=12
        )
        frames = []
        for k in range(11):
            t = 0.16 + 0.072 * k
            place, ahead = (
                line.at(t * line.length),
                affine.unit(line.at((t + 0.02) * line.length) - line.at((t - 0.02) * line.length)),
            )
            side = affine.unit(affine.cross(ahead, np.array([0, 0, 1.0])))
            radius = 0.105 * (1 - t) + 0.02
            frames += [
                (
                    towards(side * way + [0, 0, 0.35]) * 0.45 * radius,
                    place + affine.unit(side * way + [0, 0, 0.35]) * 0.95 * radius,
                )
                for way in (1, -1)
            ]
        return at(cup, frames)

    def words(self) -> str:
        return f"{'an' if self.form == 'octopus' else 'a'} {self.form} with {self.arms} arms"


@dataclass(frozen=True)
class Fish(Family):
    """A fish: body, fins with rays, gills, eyes; slim, tall, flat, round with spines, or a shark; over a bed with
    weeds.
    """

    SKINS = {"body": ("scaled",)}
    PLAIN = True
    FINISHES = {
        "body": ("scales", "skin", "silver", "scales", "gold", "bronze"),
        "fin": ("skin", "scales", "petal"),
        "eye": ("gem", "glass"),
        "stand": ("stone", "metal", "coral"),
    }

    form: str = choice("slim", "tall", "round", "shark", "eel")
    deep: float = span(0.85, 1.2)
    wide: float = span(0.45, 0.8)
    tail: float = span(0.3, 0.6)
    fork: float = span(0.0, 0.7)
    sail: float = span(0.12, 0.45)
    rays: int = count(6, 14)
    sway: float = span(-0.2, 0.2)
    spiny: bool = flag(0.3)

    def build(self, kit: Kit) -> Solid:
        skin = kit.skin("body")
        body = loft(self.rings(*((170, 200) if skin else (29, 40))), "body", "body", skin)
        back, low = self.half(0.35), self.half(0.5)
        rays = self.rays if kit.level >= 1 else 0
        tail = fin(
            np.array(
                [(0.0, 0.06), (0.5, 1.0), (1.0, 0.9), (1.0 - self.fork, 0.0), (1.0, -0.9), (0.5, -1.0), (0.0, -0.06)]
            )
            * self.tail,
            0.02,
            "tail",
            "fin",
            rays,
            (0.12 * self.tail, 0.0),
        )
        sail = fin(
            np.array([(-0.42, -0.05), (-0.2, 0.8), (0.1, 1.0), (0.35, 0.7), (0.5, 0.2), (0.45, -0.05)])
            * [0.9, self.sail],
            0.018,
            "fin",
            "fin",
            rays,
            (0.0, 0.25 * self.sail),
        )
        side = fin(
            np.array([(0.0, 0.05), (0.2, 0.14), (0.42, 0.0), (0.3, -0.2), (0.0, -0.05)]),
            0.016,
            "fin",
            "fin",
            rays // 2,
            (0.12, 0.0),
        )
        keel = fin(
            np.array([(0.0, 0.05), (0.25, 0.05), (0.38, -0.25), (0.1, -0.15)]),
            0.016,
            "fin",
            "fin",
            rays // 2,
            (0.1, 0.0),
        )
        x = lambda t: self.sway * 0.5 * (4 * t * t - 2 * t)
        parts = [
            body,
            tail.move(x(0.97), 0.9, 0),
            sail.move(x(0.35), -0.1, back - 0.03),
            keel.move(x(0.6), 0.15, -self.half(0.6) + 0.03),
            pair(
                side.turn("z", -0.6).turn("y", 0.5).move(0.85 * self.girth(0.32) * self.half(0.32), -0.38, -0.25 * low)
            ),
        ]
        at_eye, r = self.half(0.12), 0.05 + 0.1 * self.half(0.12)
        parts.append(eyes((0.85 * self.girth(0.12) * at_eye, -0.77, 0.3 * at_eye), r))
        if kit.level >= 2:
            wide = self.girth(0.22)
            gill = [(0.58 * wide, 0.72), (0.88 * wide, 0.3), (0.88 * wide, -0.35), (0.58 * wide, -0.72)]
            parts.append(
                pair(
                    horn(
                        [(x * self.half(0.22), -0.56 + 0.08 * z * z, z * self.half(0.22)) for x, z in gill],
                        0.022,
                        "gill",
                        "body",
                        0.015,
                    )
                )
            )
        if self.spiny or self.form == "round":
            parts += list(self.thorns(kit.level))
        stand = lathe(
            turned(0.42, -0.95).up(0.06).ogee(-0.14, 0.08).to(0.05, -0.65).to(0.045, -0.1).close(), "stand", "stand"
        )
        return union((*parts, stand.move(x(0.5), 0.02, 0))).turn("z", TAU / 4)  # a trophy shows its flank

    def half(self, t: float) -> float:
        """Returns half the height at the part t of the length."""
        marks = {
            "slim": (0.05, 0.2, 0.28, 0.3, 0.26, 0.18, 0.09, 0.05),
            "tall": (0.05, 0.32, 0.5, 0.58, 0.5, 0.32, 0.13, 0.07),
            "round": (0.12, 0.42, 0.55, 0.58, 0.53, 0.38, 0.16, 0.07),
            "shark": (0.03, 0.14, 0.24, 0.28, 0.24, 0.16, 0.08, 0.05),
            "eel": (0.06, 0.14, 0.16, 0.16, 0.15, 0.13, 0.1, 0.05),
        }[self.form]
        return self.deep * float(np.interp(t, np.arange(8) / 7, marks))

    def girth(self, t):
        """Returns the width there as a part of the height."""
        return {"round": 0.95, "shark": 0.9, "tall": 0.36}.get(self.form, self.wide) * (1 - 0.65 * t * t)

    def rings(self, steps: int, around: int) -> np.ndarray:
        curve = spline([(t, self.half(t)) for t in np.arange(8) / 7]).points
        line = np.interp(np.arange(steps) / (steps - 1), curve[:, 0], curve[:, 1])
        turn = np.array([cos_sin(TAU * k / around) for k in range(around)])
        t = np.arange(steps) / (steps - 1)
        middle = self.sway * 0.5 * (4 * t * t - 2 * t)
        narrow = self.girth(t)
        return np.stack(
            [
                middle[:, None] - (line * narrow)[:, None] * turn[:, 0],
                np.broadcast_to((1.9 * t - 0.95)[:, None], (steps, around)),
                line[:, None] * turn[:, 1],
            ],
            axis=-1,
        )

    def thorns(self, level: int):
        for p in scattered(90, 0.2, Rng("thorns")) if level >= 2 else ():
            t = 0.5 + 0.42 * p[1]
            flat = np.array([p[0], p[2]]) / np.sqrt(p[0] ** 2 + p[2] ** 2)
            wide = self.girth(t)
            place = np.array(
                [
                    flat[0] * self.half(t) * wide + self.sway * 0.5 * (4 * t * t - 2 * t),
                    1.9 * t - 0.95,
                    flat[1] * self.half(t),
                ]
            )
            yield spike(place * [0.9, 1, 0.9], (flat[0] / wide, 0.5, flat[1]), 0.15, 0.03, "thorns", "fin", 6)

    def words(self) -> str:
        return {
            "slim": "a slim fish",
            "tall": "a tall fish",
            "round": "a puffer fish with thorns",
            "shark": "a shark",
            "eel": "an eel",
        }[self.form] + " on a stand"


@dataclass(frozen=True)
class Turtle(Family):
    """A turtle or tortoise: scutes with growth rings on a domed shell, a rim of plates, head, legs or flippers."""

    SKINS = {"body": ("hide",)}
    PLAIN = True
    FINISHES = {
        "scute": ("horn", "shell", "wood", "bronze"),
        "rim": ("horn", "shell", "wood"),
        "body": ("skin", "scales", "leather"),
        "claw": ("horn", "bone"),
        "eye": ("gem", "glass"),
    }

    sea: bool = flag(0.4)
    long: float = span(0.72, 0.9)
    wide: float = span(0.58, 0.76)
    dome: float = span(0.26, 0.58)
    rings: int = count(1, 4)
    plates: int = count(18, 30)
    pointed: float = span(0.0, 0.14)
    neck: float = span(0.15, 0.35)
    stride: float = span(-0.15, 0.15)
    scutes: int = count(11, 22)

    def build(self, kit: Kit) -> Solid:
        z = 0.2
        core = sdf.ellipsoid(0.98 * self.wide, 0.98 * self.long, 0.5 * self.dome).move(0, 0, z)
        head, nose = (
            np.array([0, -self.long - self.neck, z + 0.14]),
            np.array([0, -self.long - self.neck - 0.14, z + 0.1]),
        )
        bones = [
            core,
            sdf.chain([(0, -0.6 * self.long, z), head - [0, 0, 0.02], nose], [0.13, 0.1, 0.07]),
            sdf.sphere(0.12).move(*head),
            sdf.round_cone((0, 0.8 * self.long, z), (0, 1.2 * self.long, z - 0.1), 0.08, 0.02),
        ]
        claws = []
        for side in (1, -1):
            for front in (True, False):
                x, y, step = (
                    side * 0.72 * self.wide,
                    (-0.6 if front else 0.62) * self.long,
                    self.stride * side * (1 if front else -1),
                )
                if self.sea:
                    tip = np.array(
                        [x + side * (0.55 if front else 0.25), y + (0.25 if front else 0.3) + step, z - 0.12]
                    )
                    bones.append(
                        sdf.chain(
                            [
                                (x, y, z),
                                (
                                    x + side * (0.35 if front else 0.12),
                                    y - (0.1 if front else -0.08) + 0.5 * step,
                                    z - 0.02,
                                ),
                                tip,
                            ],
                            [0.12, 0.085, 0.03],
                        )
                    )
                    continue
                foot = np.array([x + side * 0.1, y + step - 0.04, -0.2])
                bones.append(
                    leg((x, y, z), (x + side * 0.1, y, 0.05), (x + side * 0.1, y + 0.6 * step, -0.1), foot, 0.14)
                )
                claws += [
                    spike(foot + [0.03 * (k - 1), -0.03, -0.01], (0.3 * (k - 1), -1, -0.2), 0.09, 0.022, "claw", "claw")
                    for k in range(3)
                ]
        body = blob(sdf.union(*bones, smooth=0.06), 0.02, "body", "body", kit.skin("body"), room=0.012)
        beak = spike(nose - [0, 0.03, 0.0], (0, -1, -0.5), 0.07, 0.05, "beak", "claw")
        return union((body, *claws, beak, eyes(head + [0.085, -0.06, 0.05], 0.032), *self.shell(kit.level, z)))

    def shell(self, level: int, z: float):
        mesh = dual(Mesh.hull(np.concatenate([scattered(2 * self.scutes, 0.0, Rng("scutes")), [(0, 0, -1.0)]])))
        grow = np.array([self.wide, self.long, self.dome])
        for face in mesh.faces:
            ring = affine.unit(mesh.points[list(face)])
            middle = affine.unit(ring.mean(axis=0))
            if middle[2] < 0.12:
                continue
            ring = (ring * [1, 1, 1.0]) * grow
            ring[:, 2] = np.maximum(ring[:, 2], -0.02)
            out = affine.unit(middle / grow)
            steps = [hull(np.concatenate([inset(ring, 0.012), 0.42 * inset(ring, 0.03)]), "scute", "scute")]
            for k in range(self.rings if level >= 1 else 0):
                steps.append(
                    hull(
                        np.concatenate(
                            [
                                inset(ring, 0.03 + 0.045 * k) + (0.022 + 0.02 * k) * out,
                                0.6 * inset(ring, 0.04 + 0.04 * k),
                            ]
                        ),
                        "scute",
                        "scute",
                    )
                )
            steps.append(
                hull(
                    np.concatenate([inset(ring, 0.2), (middle * grow + (0.03 + self.pointed) * out)[None]]),
                    "scute",
                    "scute",
                )
            )
            yield union(steps).move(0, 0, z + 0.02)
        for k in range(self.plates):
            ways = [np.array(cos_sin(TAU * (k + step) / self.plates)) * grow[:2] for step in (0.06, 0.94)]
            points = [
                (*(f * way), h)
                for way in ways
                for f, h in (
                    (0.8, 0.05),
                    (0.8, -0.06),
                    (1.06, -0.03),
                    (1.1 + 0.5 * self.pointed * (k % 2), -0.05),
                    (1.0, 0.05),
                )
            ]
            yield hull(np.array(points), "rim", "rim").move(0, 0, z)

    def words(self) -> str:
        return (
            f"a {'sea turtle with flippers' if self.sea else 'tortoise'}, its shell of "
            f"{'pointed ' if self.pointed > 0.07 else ''}scutes"
        )
