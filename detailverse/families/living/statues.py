"""Statues: figures and busts on a plinth that is another family, skulls and totems."""

from dataclasses import dataclass

import numpy as np

from detailverse import sdf
from detailverse.families.architecture.columns import Column
from detailverse.families.household.vases import Vase
from detailverse.family import Family, Kit, one_of
from detailverse.modelling.blob import blob
from detailverse.modelling.profile import turned
from detailverse.modelling.region import ngon
from detailverse.modelling.shapes import cylinder, extrude, hull, lathe
from detailverse.modelling.solid import Solid, around, union
from detailverse.parts.creatures import fin, horn, pair, spike
from detailverse.parts.elements import rod, turned_ball
from zeroverse.core.portable import TAU, cos_sin
from zeroverse.core.record import choice, count, flag, seed, span
from zeroverse.core.rng import Rng


def face(k: float) -> list[sdf.Sdf]:
    """Returns a human head of radius `k` about the origin, its face towards -y, without hair."""
    both = lambda value, x, y, z: [value.move(side * x * k, y * k, z * k) for side in (1, -1)]
    skull = sdf.union(
        sdf.ellipsoid(0.8 * k, 0.98 * k, k).move(z=0.12 * k),
        sdf.round_cone((0, -0.25 * k, -0.35 * k), (0, -0.55 * k, -0.85 * k), 0.58 * k, 0.28 * k),
        *both(sdf.sphere(0.22 * k), 0.48, -0.6, -0.28),
        smooth=0.2 * k,
    )
    for socket in both(sdf.ellipsoid(0.24 * k, 0.2 * k, 0.15 * k), 0.34, -0.92, 0.05):
        skull = sdf.smooth_difference(skull, socket, 0.1 * k)
    nose = sdf.round_cone((0, -0.86 * k, 0.12 * k), (0, -1.1 * k, -0.26 * k), 0.07 * k, 0.12 * k)
    brows = [
        sdf.capsule((side * 0.14 * k, -0.92 * k, 0.22 * k), (side * 0.52 * k, -0.72 * k, 0.24 * k), 0.07 * k)
        for side in (1, -1)
    ]
    lips = [sdf.ellipsoid(0.2 * k, 0.1 * k, 0.05 * k).move(0, -0.82 * k, z * k) for z in (-0.52, -0.61)]
    ears = both(sdf.ellipsoid(0.07 * k, 0.16 * k, 0.24 * k), 0.82, 0.0, -0.02)
    lids = both(sdf.ellipsoid(0.16 * k, 0.12 * k, 0.1 * k), 0.33, -0.76, 0.05)
    return [skull, nose, *brows, *lips, *ears, *lids]


@dataclass(frozen=True)
class Statue(Family):
    """A draped figure or a bust, on a turned or built plinth."""

    SKINS = {"figure": ("classical", "stone")}
    PLAIN = True
    FINISHES = {
        "figure": ("marble", "bronze", "stone", "gold", "clay", "wood"),
        "held": ("gold", "bronze", "iron"),
        "block": ("marble", "stone", "wood"),
    }

    form: str = choice("figure", "figure", "bust")
    arms: str = choice("raised", "akimbo", "folded", "spread", "forward")
    held: str = choice("nothing", "sword", "torch", "orb", "staff")
    dress: str = choice("robe", "tunic", "none")
    hair: str = choice("curls", "cap", "long", "helmet", "crown", "bald")
    beard: bool = flag(0.35)
    sway: float = span(-0.12, 0.12)
    build_: float = span(0.85, 1.25)
    folds: int = count(9, 18)
    look: float = span(-0.6, 0.6)
    plinth: Family = one_of(column=Column, vase=Vase)

    def build(self, kit: Kit) -> Solid:
        figure = self.bust(kit) if self.form == "bust" else self.figure(kit)
        plinth = kit.nest("plinth", self.plinth, 0.7).scale(1, 1, 0.6)  # stouter than one that carries a roof
        low, top = (float(corner[2]) for corner in plinth.bounds)
        slab = extrude(ngon(8, 0.42) if self.form == "figure" else ngon(4, 0.46), 0.12, "block", "block").move(
            0, 0, top - 0.02
        )
        stem = cylinder(0.08, top - low, "block", "block").move(0, 0, low)
        return union((plinth, slab, stem, figure.move(0, 0, top + 0.08)))

    def bust(self, kit: Kit) -> Solid:
        k, g = 0.34, self.build_
        neck = [
            sdf.round_cone((0, 0.03, 0.45), (0, 0.0, 0.85), 0.19 * g, 0.16),
            sdf.round_cone((-0.34 * g, 0.05, 0.34), (0.34 * g, 0.05, 0.34), 0.19, 0.19),
            sdf.ellipsoid(0.42 * g, 0.26, 0.32).move(0, 0, 0.2),
        ]
        head = [part.turn("z", self.look).move(0, 0, 1.12) for part in [*face(k), *self.beards(k)]]
        body = sdf.union(*neck, *head, smooth=0.035) - sdf.ellipsoid(0.5, 0.5, 0.3).move(0, 0, -0.28)
        base = lathe(turned(0.27).up(0.06).bead(0.04).to(0.12, 0.16).up(0.12).to(0.2, 0.34).close(), "socle", "block")
        return union(
            (
                blob(body, 0.014, "bust", "figure", kit.skin("figure"), room=0.01),
                base,
                self.headgear(k, kit.level).turn("z", self.look).move(0, 0, 1.12),
            )
        )

    def figure(self, kit: Kit) -> Solid:
        g, s = self.build_, self.sway
        hip, chest, head = np.array([s, 0, 0.78]), np.array([-0.4 * s, 0, 1.15]), np.array([0.3 * s, -0.02, 1.55])
        body = [
            sdf.chain([hip, 0.5 * (hip + chest), chest], [0.15 * g, 0.12 * g, 0.16 * g]),
            sdf.round_cone(chest + [0.13 * g, 0, 0.1], chest + [-0.13 * g, 0, 0.1], 0.09, 0.09),
            sdf.capsule(chest + [0, 0, 0.1], head, 0.06),
        ]
        for side in (1, -1):
            foot = np.array([side * (0.1 + 0.05 * abs(s)), -0.05 * side * (s > 0), 0.03])
            body += [
                sdf.chain(
                    [hip + [side * 0.09, 0, -0.03], (hip + foot) / 2 + [side * 0.02, -0.05, 0.03], foot],
                    [0.105 * g, 0.075 * g, 0.045],
                ),
                sdf.round_cone(foot, foot + [0.02 * side, -0.12, 0.0], 0.045, 0.035),
            ]
        hands = []
        for side in (1, -1):
            shoulder = chest + [side * 0.2 * g, 0, 0.09]
            elbow, hand = self.arm(side)
            body += [
                sdf.chain([shoulder, shoulder + elbow, shoulder + hand], [0.07 * g, 0.052 * g, 0.038]),
                sdf.sphere(0.048).move(*(shoulder + hand)),
            ]
            hands.append(shoulder + hand)
        if self.dress != "none":
            length = 0.74 if self.dress == "robe" else 0.42
            body.append(self.skirt(hip, length))
        crown = [part.turn("z", self.look).move(*head) for part in [*face(0.14), *self.beards(0.14)]]
        whole = sdf.union(sdf.union(*body, smooth=0.05), sdf.union(*crown, smooth=0.012), smooth=0.02)
        parts = [
            blob(whole, 0.0135, "figure", "figure", kit.skin("figure"), room=0.008),
            self.headgear(0.14, kit.level).turn("z", self.look).move(*head),
        ]
        return union((*parts, *self.holding(hands[0])))

    def arm(self, side: int):
        """Returns elbow and hand [3], from the shoulder."""
        kind = (
            self.arms
            if side > 0 or self.arms in ("spread", "akimbo", "folded")
            else ("forward" if self.arms == "raised" else "hanging")
        )
        out = {
            "raised": ((0.2, -0.05, 0.12), (0.22, -0.1, 0.4)),
            "akimbo": ((0.2, 0.1, -0.2), (0.02, -0.04, -0.34)),
            "folded": ((0.08, -0.06, -0.26), (-0.18, -0.21, -0.16)),
            "spread": ((0.24, -0.03, -0.06), (0.48, -0.08, 0.06)),
            "forward": ((0.06, -0.06, -0.25), (0.06, -0.3, -0.16)),
            "hanging": ((0.07, 0.02, -0.27), (0.09, -0.06, -0.5)),
        }[kind]
        return tuple(np.array(place) * [side, 1, 1] for place in out)

    def skirt(self, hip, length: float) -> sdf.Sdf:
        """Returns a cone of cloth with folds from the waist."""
        low, wide = hip[2] + 0.12 - length - 0.05, 0.16 + 0.2 * length
        rings = [
            [
                (r * c * f, r * s * f)
                for k in range(6 * self.folds)
                for c, s in [cos_sin(TAU * k / (6 * self.folds))]
                for f in [1 + 0.09 * cos_sin(TAU * k / 6)[0]]
            ]
            for r in (wide,)
        ]
        return (
            sdf.extrude(rings, length + 0.05)
            .taper(1.0, 0.14 * self.build_ / wide)
            .move(hip[0] * 0.8, 0, (low + hip[2] + 0.12) / 2)
        )

    def beards(self, k: float):
        return (
            [sdf.round_cone((0, -0.6 * k, -0.75 * k), (0, -0.7 * k, -1.25 * k), 0.38 * k, 0.16 * k)]
            if self.beard
            else []
        )

    def headgear(self, k: float, level: int) -> Solid:
        """Returns hair or what is worn on a head of radius `k`."""
        cap = lathe(
            turned(0.0, 0.1).to(0.9, 0.1).curve((0.93, 0.45), (0.7, 0.95), (0.0, 1.22)).close(), "hair", "figure"
        )
        cap = cap.scale(k, 1.12 * k, k).turn("x", -0.35).move(0, 0.08 * k, 0)
        parts = [cap] if self.hair != "bald" else [turned_ball(0.5 * k, "hair", "figure")]
        if self.hair == "curls":
            curl = turned_ball(0.2 * k, "hair", "figure", 20)
            for number in range(46 if level >= 1 else 0):
                z = 1 - 1.25 * (number + 0.5) / 46
                c, s = cos_sin(TAU * 0.381966 * number)
                r = np.sqrt(1 - z * z)
                if r * s > -0.62 or z > 0.55:
                    parts.append(curl.move(0.84 * k * r * c, 1.0 * k * r * s + 0.06 * k, 1.08 * k * z + 0.14 * k))
        elif self.hair == "long":
            parts += [
                horn(
                    [(x * k, 0.3 * k, 0.6 * k), (1.15 * x * k, 0.75 * k, -0.2 * k), (1.0 * x * k, 0.7 * k, -1.4 * k)],
                    0.28 * k,
                    "hair",
                    "figure",
                    0.12 * k,
                )
                for x in (-0.75, -0.4, 0.0, 0.4, 0.75)
            ]
        elif self.hair == "helmet":
            crest = fin(
                np.array([(-0.9, 0.9), (-0.5, 1.6), (0.2, 1.8), (0.9, 1.3), (1.25, 0.2), (0.8, 0.1)]) * k,
                0.12 * k,
                "crest",
                "held",
                9 if level >= 1 else 0,
                (0.1 * k, 0.8 * k),
            )
            parts += [
                crest,
                lathe(
                    turned(0.95 * k, 0.1 * k).out(0.2 * k).up(0.1 * k).to(0.5 * k, 0.3 * k).close(), "helmet", "held"
                ).scale(0.95, 1.1, 1),
            ]
        elif self.hair == "crown":
            point = hull(
                np.array([(0.9, y, z) for y in (-0.14, 0.14) for z in (0.3, 0.62)] + [(0.8, 0, 0.45), (0.98, 0, 0.95)])
                * k,
                "crown",
                "held",
            )
            parts += [
                lathe(turned(0.84 * k, 0.3 * k).out(0.12 * k).up(0.2 * k).out(-0.12 * k).close(), "crown", "held"),
                around(point, 9).scale(1, 1.05, 1),
            ]
        return union(parts)

    def holding(self, hand):
        if self.held == "orb":
            yield turned_ball(0.1, "orb", "held").move(*(hand + [0, -0.05, 0.09]))
        elif self.held in ("sword", "staff", "torch"):
            low, high = {"sword": (-0.1, 0.62), "staff": (-0.55, 0.5), "torch": (-0.12, 0.25)}[self.held]
            yield rod(hand + [0, -0.03, low], hand + [0, -0.03, high], 0.02, self.held, "held")
            if self.held == "sword":
                yield hull(
                    np.array(
                        [(x, y, z) for x, y in ((0.035, 0), (-0.035, 0), (0, 0.014), (0, -0.014)) for z in (0.05, 0.55)]
                        + [(0, 0, 0.68)]
                    ),
                    "sword",
                    "held",
                ).move(*(hand + [0, -0.03, 0]))
                yield rod(hand + [-0.09, -0.03, 0.06], hand + [0.09, -0.03, 0.06], 0.02, "sword", "held")
            else:
                yield turned_ball(0.06, self.held, "held").move(*(hand + [0, -0.03, high])) | spike(
                    hand + [0, -0.03, high], (0, 0, 1), 0.16, 0.05, self.held, "held"
                )

    def words(self) -> str:
        arms = f"one arm {self.arms}" if self.arms in ("raised", "forward") else f"arms {self.arms}"
        what = "a bust" if self.form == "bust" else f"a statue with {arms}"
        return f"{what} on a plinth"


@dataclass(frozen=True)
class Totem(Family):
    """A pole of stacked carved heads: brows, eyes, beaks or noses, teeth, ears or wings."""

    SKINS = {"pole": ("wood", "stone")}
    PLAIN = True
    FINISHES = {
        "pole": ("wood", "stone", "painted", "clay"),
        "carved": ("wood", "painted", "stone"),
        "eye": ("painted", "bone", "gem"),
        "tooth": ("bone", "painted"),
    }

    heads: int = count(2, 4)
    radius: float = span(0.24, 0.36)
    square: bool = flag(0.35)
    taper: float = span(0.8, 1.0)
    winged: bool = flag(0.5)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        tall = 2.1 / (self.heads + 0.2)
        drum = turned(0.82).curve((1.0, 0.3), (0.98, 0.7), (0.84, 1.0)).close()
        cell = lathe(
            drum.scale(self.radius, 1.03 * tall),
            "pole",
            "pole",
            kit.skin("pole"),
            sides=4 if self.square and not kit.skin("pole") else None,
        )
        parts = [
            lathe(turned(1.5 * self.radius, -0.16).up(0.06).to(1.2 * self.radius, 0.0).up(0.05).close(), "base", "pole")
        ]
        for k in range(self.heads):
            size = self.taper**k
            carving = union(self.carving(Rng(self.seed, "head", k), tall, kit.level))
            parts.append((cell | carving).scale(size, size, 1).move(0, 0, k * tall))
        cap = turned(0.9 * self.radius).up(0.05).to(0.55 * self.radius, 0.12).close()
        return union((*parts, lathe(cap, "cap", "carved").move(0, 0, self.heads * tall - 0.01)))

    def carving(self, rng: Rng, tall: float, level: int):
        r, k = self.radius, min(self.radius, 0.55 * tall)
        z = lambda t: t * tall
        size, kind = (
            rng.child("eye").uniform(0.2, 0.34) * k,
            rng.child("nose").choice(("beak", "hooked", "broad", "snout")),
        )
        ring = lathe(
            turned(1.35 * size, -0.12).up(0.14).bead(0.05).to(1.05 * size, 0.02).to(0.0, 0.03).close(),
            "eyes",
            "carved",
            sides=32,
        ).turn("x", TAU / 4)
        yield pair(
            ring.turn("z", 0.42).move(0.42 * r, -0.88 * r, z(0.63))
            | turned_ball(0.75 * size, "pupils", "eye", 24).move(0.42 * r, -0.92 * r, z(0.63))
        )
        yield pair(
            horn(
                [
                    (0.1 * r, -1.0 * r, z(0.72)),
                    (0.5 * r, -0.95 * r, z(0.8 + 0.05 * rng.child("brow").unit())),
                    (0.9 * r, -0.5 * r, z(0.74)),
                ],
                0.13 * k,
                "brows",
                "carved",
                0.06 * k,
            )
        )
        if kind in ("beak", "hooked"):
            long = rng.child("long").uniform(0.7, 1.5) * k
            root = [(x, -0.8 * r, z(h)) for x in (-0.25 * k, 0.25 * k) for h in (0.38, 0.55)]
            yield hull(np.array([*root, (0, -0.9 * r, z(0.62)), (0, -r - long, z(0.42))]), "beak", "carved")
            if kind == "hooked":
                yield spike((0, -r - 0.9 * long, z(0.44)), (0, -0.3, -1), 0.4 * k, 0.13 * k, "beak", "carved")
        elif kind == "broad":
            yield hull(
                np.array(
                    [(x * k, -0.85 * r, z(0.66)) for x in (-0.1, 0.1)]
                    + [(x * k, y, z(0.42)) for x in (-0.3, 0.3) for y in (-0.8 * r, -1.25 * r)]
                ),
                "nose",
                "carved",
            )
        else:
            snout = lathe(
                turned(0.38 * k).to(0.26 * k, 0.6 * k).bead(0.06).to(0.0, 0.62 * k).close(), "snout", "carved", sides=40
            )
            yield snout.turn("x", TAU / 4).move(0, -0.75 * r, z(0.45))
        yield mouth(r, k, z(0.2), level)
        if rng.child("ears").chance(0.6):
            yield pair(spike((0.7 * r, 0, z(0.85)), (0.7, 0, 1), 0.55 * k, 0.2 * k, "ears", "carved"))
        if self.winged and rng.child("wing").chance(0.6):
            wing = np.array(
                [(0.0, -0.1), (0.6, -0.25), (0.95, -0.1), (0.9, 0.1), (1.1, 0.2), (1.0, 0.4), (0.6, 0.45), (0.0, 0.25)]
            ) * [1.0, 0.8 * tall]
            yield pair(
                fin(wing * 0.75, 0.045, "wings", "carved", 9 if level >= 1 else 0, (0.05, 0.05 * tall))
                .turn("z", -TAU / 4)
                .move(0.75 * r, 0, z(0.45))
            )

    def words(self) -> str:
        return f"a totem pole of {self.heads} head{'s' if self.heads > 1 else ''}"


def mouth(r: float, k: float, z: float, level: int) -> Solid:
    """Returns lips around a row of teeth."""
    lips = [
        horn(
            [(-0.75 * r, -0.62 * r, z), (0.0, -1.04 * r, z + side * 0.14 * k), (0.75 * r, -0.62 * r, z)],
            0.075 * k + 0.01,
            "lips",
            "carved",
            0.075 * k,
        )
        for side in (1, -1)
    ]
    tooth = hull(
        np.array([(x * 0.06 * k, y, h * 0.13 * k) for x in (-1, 1) for y in (-0.06, 0.08) for h in (-1, 1)]),
        "teeth",
        "tooth",
    )
    row = (
        [tooth.move(0.13 * k * j, -1.0 * r + 0.45 * r * (0.13 * k * j / r) ** 2, z) for j in range(-3, 4)]
        if level >= 1
        else []
    )
    return union((*lips, *row))
