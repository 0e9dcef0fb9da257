"""Machine elements: gear trains, screws, chains."""

import math
from dataclasses import dataclass

import numpy as np

from detailverse.family import Family, Kit
from detailverse.modelling.path import circle as hoop
from detailverse.modelling.path import spline
from detailverse.modelling.profile import turned
from detailverse.modelling.region import circle, ngon, rect, star, stroke
from detailverse.modelling.region import union as joined
from detailverse.modelling.shapes import box, cylinder, extrude, lathe, plate, tube
from detailverse.modelling.solid import Solid, around, union
from detailverse.parts.elements import upright
from detailverse.parts.machines import SINK, bolt, cogwheel, disc, handwheel, thread
from zeroverse.core.portable import TAU, cos_sin
from zeroverse.core.record import choice, count, flag, seed, span
from zeroverse.core.rng import Rng

GAP = 0.03  # between layers of gears


@dataclass(frozen=True)
class GearTrain(Family):
    """Gears in mesh, some of them on the shaft of another, on a plate."""

    SKINS = {"plate": ("machine", "tech", "classical")}
    FINISHES = {
        "plate": ("brass", "steel", "painted", "iron", "wood"),
        "gear": ("brass", "steel", "iron", "bronze", "copper", "plastic"),
        "pinion": ("brass", "steel", "bronze"),
        "steel": ("steel", "iron", "chrome"),
    }

    wheels: int = count(2, 6)
    biggest: int = count(22, 44)
    form: str = choice("spur", "helical", "herringbone")
    web: str = choice("spokes", "holes", "dish", "solid")
    thickness: float = span(0.08, 0.17)
    stacked: bool = flag(0.7)
    frame: str = choice("slab", "bars", "lobes")
    stands: bool = flag(0.7)
    screws: str = choice("hex", "socket", "dome", "slot")
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        train = self.train()
        places, reaches = (
            np.array([place for place, *_ in train]),
            np.array([0.5 * teeth + 1 for _, _, teeth, *_ in train]),
        )
        low, high = (places - reaches[:, None]).min(axis=0), (places + reaches[:, None]).max(axis=0)
        module = 1.85 / float((high - low).max())
        places = module * (places - (low + high) / 2)
        wheels = [
            self.wheel(number, place, module, *rest, kit)
            for number, (place, (_, *rest)) in enumerate(zip(places, train))
        ]
        half = module * (high - low) / 2
        body = union((*wheels, self.plate(places, module * reaches, half, kit)))
        if not self.stands:
            return body
        foot = box(max(0.5, 1.5 * half[0]), 0.5, 0.1, "foot", "plate").move(0, 0, -half[1] - 0.09)
        rib = box(0.3 * half[0], 0.3, 0.24, "foot", "plate").move(0, 0.12, -half[1])
        return union((upright(body), foot, rib))

    def train(self) -> list[tuple]:
        """Returns (place [2], layer, teeth, angle, hand, teeth of the pinion above or 0), in modules."""
        rng = Rng(self.seed, "train")
        first = rng.integer(self.biggest // 2, self.biggest + 1)
        train = [(np.zeros(2), 0, first, 0.0, 1, 0)]
        for number in range(1, self.wheels):
            if (new := self.meshed(train, rng.child(number))) is not None:
                before, train[-1:] = train[-1], []
                train += [(*before[:5], new[1]), new[0]]
        return train

    def meshed(self, train, rng: Rng):
        """Returns (the next gear, teeth of the pinion through which the last drives it) where there is room, else
        None.
        """
        place, layer, teeth, angle, hand, _ = train[-1]
        pinion = rng.integer(9, 13) if self.stacked and teeth > 16 and rng.chance(0.6) else 0
        driver, level, own = pinion or teeth, layer + (pinion > 0), rng.integer(10, self.biggest + 1)
        reach = (driver + own) / 2
        for _ in range(24):
            way = rng.uniform(0.0, TAU)
            spot = place + reach * np.array(cos_sin(way))
            if all(self.clear(spot, level, own, other, number == len(train) - 1) for number, other in enumerate(train)):
                share = (
                    (way - angle) * driver / TAU
                )  # of a tooth of the driver, where they meet; the driven one has a gap there
                return (
                    spot,
                    level,
                    own,
                    way + TAU / 2 + (share - math.floor(share) - 0.5) * TAU / own,
                    -hand,
                    0,
                ), pinion
        return None

    def clear(self, spot, level, teeth, other, driver: bool) -> bool:
        place, layer, others, *_ = other
        far = float(np.sqrt(((spot - place) ** 2).sum()))
        if layer == level:
            return driver or far > (teeth + others) / 2 + 2.5
        return (
            driver and far > others / 2 + 3.5 or far > max(others, teeth) / 2 + 3.5
        )  # the shaft of one passes beside the other

    def wheel(self, number, place, module, layer, teeth, angle, hand, pinion, kit: Kit) -> Solid:
        t, radius = self.thickness, 0.5 * module * teeth
        height = 0.14 + layer * (t + GAP) + t / 2
        web = (
            self.web
            if number % 3
            else ("spokes", "holes", "dish", "solid")[Rng(self.seed, "web", number).integer(0, 4)]
        )
        parts = [
            cogwheel(teeth, module, t, web, self.form, hand, "gear", "gear", kit.level)
            .turn("z", angle)
            .move(0, 0, height)
        ]
        top = height + 0.62 * t
        if pinion:
            top = height + t + GAP + 0.5 * t
            parts.append(
                cogwheel(pinion, module, t, "solid", self.form, hand, "pinion", "pinion", 0)
                .turn("z", angle)
                .move(0, 0, height + t + GAP)
            )
        shaft = min(0.07, 0.2 * radius)
        parts.append(cylinder(shaft, top + 0.07, "shaft", "steel"))
        if kit.level >= 1:
            nut = extrude(ngon(6, 1.6 * shaft), 0.04, "nut", "steel") | disc(2.0 * shaft, -SINK, 0.012, "nut", "steel")
            parts.append(nut.move(0, 0, top))
        return union(parts).move(*place)

    def plate(self, places, reaches, half, kit: Kit) -> Solid:
        if self.frame == "slab":
            region = rect(2 * half[0] + 0.1, 2 * half[1] + 0.1, 0.1)
            corners = [(x * (half[0] - 0.06), y * (half[1] - 0.06)) for x in (-1, 1) for y in (-1, 1)]
        elif self.frame == "bars":
            region = joined(
                [
                    *(circle(0.16).move(*place) for place in places),
                    *(stroke([a, b], 0.17) for a, b in zip(places, places[1:])),
                    stroke([places[0], (0, -half[1])], 0.17),
                    rect(1.2 * half[0], 0.16, 0.05).move(0, -half[1]),
                ]
            )
            corners = [(x * 0.5 * half[0], -half[1]) for x in (-1, 1)]
        else:
            region = joined(
                [circle(0.72 * reach + 0.1).move(*place) for place, reach in zip(places, reaches)]
                + [stroke([a, b], 0.3) for a, b in zip(places, places[1:])]
                + [stroke([places[0], (0, -half[1])], 0.3)]
            )
            region = region.offset(0.06).offset(-0.06)
            corners = []
        body = plate(region, 0.08, "plate", "plate", kit.skin("plate"), margin=0.04)
        bosses = [disc(0.11, 0.0, 0.12, "boss", "plate", 0.02).move(*place) for place in places]
        heads = [bolt(0.035, self.screws).move(x, y, 0.08) for x, y in corners] if kit.level >= 2 else []
        return union((body, *bosses, *heads))

    def words(self) -> str:
        return (
            f"a train of {len(self.train())} {'' if self.form == 'spur' else self.form + ' '}gears on a "
            f"{'standing ' if self.stands else ''}plate"
        )


@dataclass(frozen=True)
class Screw(Family):
    """A large screw with a thread that is really cut: its head, shank, washers and nuts."""

    SKINS = {"head": ("machine", "tech", "jewel"), "shank": ("machine", "tech", "classical")}
    FINISHES = {
        "head": ("steel", "brass", "iron", "painted", "chrome", "copper"),
        "thread": ("steel", "brass", "iron", "chrome"),
        "nut": ("steel", "brass", "bronze", "plastic"),
        "washer": ("steel", "brass", "rubber", "copper"),
    }

    head: str = choice("hex", "round", "socket", "flanged", "eye", "wing", "hand wheel")
    radius: float = span(0.13, 0.3)
    pitch: float = span(0.05, 0.13)
    shank: float = span(0.12, 0.5)
    nuts: int = count(0, 3)
    nut: str = choice("hex", "square", "castle", "round")
    washer: float = span(1.5, 2.3)
    drive: str = choice("hex", "cross", "slot", "star")
    lies: bool = flag(0.3)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        r, depth = self.radius, 0.55 * self.pitch
        shank = cylinder(r, self.shank + 0.04, "shank", "head", kit.skin("shank"))
        cut = (
            thread(r, r - depth, self.pitch, 1.62 - self.shank, "thread", "thread").turn("x", TAU / 2).move(0, 0, 0.02)
        )
        body = union((self.top(kit).move(0, 0, self.shank), shank, cut, *self.fittings(kit)))
        return body.turn("y", TAU / 4 + 0.1) if self.lies else body

    def fittings(self, kit: Kit) -> list[Solid]:
        """Returns nuts with their washers along the thread, the first against a collar under the shank."""
        rng, r = Rng(self.seed, "nuts"), self.radius
        places = sorted(rng.uniform(-1.25 + self.shank, -0.15) for _ in range(self.nuts))
        places = [z for z, before in zip(places, [-9.0, *places]) if z - before > 1.5 * r]
        nuts = [self.one_nut(kit).turn("z", rng.uniform(0.0, TAU)).move(0, 0, z) for z in places]
        ring = disc(self.washer * r, 0.0, 0.05, "washer", "washer", 0.01)
        return [
            *nuts,
            *(ring.move(0, 0, z + 0.86 * r) for z in places),
            *([ring.move(0, 0, self.shank - 0.04)] if self.nuts != 1 else []),
        ]

    def one_nut(self, kit: Kit) -> Solid:
        r, high = self.radius, 0.9 * self.radius
        if self.nut == "round":
            body = disc(1.7 * r, 0.0, high, "nut", "nut", 0.1 * r)
            return (
                body - around(cylinder(0.16 * r, high + 0.1, "nut", "nut").move(1.7 * r, 0, -0.05), 24)
                if kit.level >= 1
                else body
            )
        sides = 4 if self.nut == "square" else 6
        body = chamfered(sides, 1.75 * r, high, "nut")
        if self.nut == "castle":
            slots = union(
                box(5 * r, 0.35 * r, 0.9 * r, "nut", "nut").turn("z", TAU / 6 * k + TAU / 12) for k in range(3)
            ).move(0, 0, high)
            body = body - slots
        return body

    def top(self, kit: Kit) -> Solid:
        r = self.radius
        if self.head == "eye":
            neck = disc(1.35 * r, -0.01, 0.3 * r, "head", "head", 0.06 * r)
            return neck | upright(tube(hoop(1.35 * r), 0.5 * r, "head", "head", kit.skin("head"))).move(0, 0, 1.9 * r)
        if self.head == "wing":
            wing = spline([(0.5 * r, 0, 0.3 * r), (1.6 * r, 0, 0.6 * r), (2.4 * r, 0, 1.5 * r), (2.6 * r, 0, 2.1 * r)])
            wing = tube(wing, lambda s: r * (0.55 - 0.1 * s + 0.3 * s * s), "wing", "head", sides=24).scale(1, 0.55, 1)
            hub = lathe(
                turned(1.5 * r, -0.01).to(1.15 * r, r).ovolo(-0.6 * r, 0.35 * r).close(),
                "head",
                "head",
                kit.skin("head"),
            )
            return union((hub, wing, wing.turn("z", TAU / 2)))
        if self.head == "hand wheel":
            hub = lathe(
                turned(1.3 * r, -0.01).to(1.3 * r, 0.9 * r).ovolo(-0.4 * r, 0.2 * r).close(),
                "head",
                "head",
                kit.skin("head"),
            )
            return hub | handwheel(3.2 * r, 5, slot="head").move(0, 0, 1.2 * r)
        return self.driven(kit) - self.recess()

    def driven(self, kit: Kit) -> Solid:
        """Returns a head with a recess for a driver on its top, which is at height r."""
        r = self.radius
        if self.head == "socket":
            return lathe(
                turned(1.65 * r, -0.01).to(1.65 * r, 1.4 * r).ovolo(-0.15 * r, 0.15 * r).close(),
                "head",
                "head",
                kit.skin("head"),
            )
        if self.head == "round":
            return lathe(
                turned(1.9 * r, -0.01).up(0.1 * r).ovolo(-1.2 * r, r).close(), "head", "head", kit.skin("head")
            )
        body = chamfered(6, 1.85 * r, 1.2 * r, "head").move(0, 0, -0.01)
        if self.head == "flanged":
            body = body | lathe(
                turned(2.4 * r, -0.01).up(0.12 * r).to(1.7 * r, 0.45 * r).close(), "head", "head", kit.skin("head")
            )
        return body

    def recess(self) -> Solid:
        r = self.radius
        if self.head == "hex" or self.head == "flanged":
            return disc(0.75 * r, 1.05 * r, 3 * r, "head", "head")
        region = {
            "hex": ngon(6, 0.85 * r),
            "star": star(6, 0.95 * r, 0.62 * r).rounded(0.05 * r),
            "slot": rect(6 * r, 0.28 * r),
            "cross": rect(1.7 * r, 0.34 * r) | rect(0.34 * r, 1.7 * r),
        }[self.drive]
        return extrude(region, 3 * r, "head", "head").move(0, 0, (0.7 if self.head == "socket" else 0.55) * r)

    def words(self) -> str:
        nuts = ("", " with a nut", " with two nuts", " with three nuts")[self.nuts]
        return f"a large {'lying ' if self.lies else ''}screw with a {self.head} head{nuts}"


def chamfered(sides: int, radius: float, height: float, label: str) -> Solid:
    """Returns a nut or head: a prism turned down at both ends."""
    bevel = 0.16 * radius
    line = (
        turned(0.86 * radius)
        .to(1.02 * radius, 0.6 * bevel)
        .to(1.02 * radius, height - 0.6 * bevel)
        .to(0.86 * radius, height)
    )
    return extrude(ngon(sides, radius), height, label, label) & lathe(line.close(), label, label, sides=60)
