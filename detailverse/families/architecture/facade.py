"""Facades: house fronts by a split grammar: storeys, then bays, then what fills a bay."""

from dataclasses import dataclass

import numpy as np

from detailverse.family import Family, Kit
from detailverse.modelling.profile import turned
from detailverse.modelling.region import Region, polygon, rect
from detailverse.modelling.region import union as joined
from detailverse.modelling.shapes import box, extrude, hull, lathe, plate
from detailverse.modelling.solid import Solid, row, union
from detailverse.parts.architecture import arched, cornice, courses, moulded, rect_plan, volute, window
from detailverse.parts.elements import turned_bead, upright
from zeroverse.core.record import choice, count, flag, seed, span
from zeroverse.core.rng import Rng

DEPTH = 0.5  # of the house


@dataclass(frozen=True)
class Facade(Family):
    """A town house: a rusticated base with a door, storeys of windows under hoods, balconies, quoins or pilasters, a
    cornice and a roof.
    """

    SKINS = {"wall": ("stone",), "base": ("stone",)}
    FINISHES = {
        "wall": ("brick", "stone", "painted", "concrete"),
        "base": ("stone", "concrete"),
        "trim": ("stone", "marble", "painted"),
        "roof": ("clay", "copper", "painted"),
        "frame": ("painted", "wood"),
        "glass": ("glass",),
        "door": ("wood", "painted"),
        "iron": ("iron", "bronze"),
    }

    storeys: int = count(2, 5)
    bays: int = count(2, 6)
    width: float = span(1.1, 1.9)
    base: float = span(0.35, 0.5)
    openings: str = choice("flat", "round", "pointed", "segment")
    hood: str = choice("none", "shelf", "gable", "arch", "keystone")
    order: str = choice("none", "quoins", "pilasters", "bands")
    roof: str = choice("balustrade", "gable", "stepped", "mansard", "hipped")
    balconies: str = choice("none", "middle", "row", "scattered")
    shutters: bool = flag(0.35)
    seed: int = seed()

    @property
    def top(self) -> float:
        return {"balustrade": 1.8, "gable": 1.45, "stepped": 1.45, "mansard": 1.5, "hipped": 1.6}[self.roof]

    def build(self, kit: Kit) -> Solid:
        cells = list(self._cells())
        holes = joined(opening.move(x, z) for x, z, opening, _ in cells)
        wall = plate(
            rect(self.width, self.top - self.base).move(0, (self.top + self.base) / 2) - holes,
            0.09,
            "wall",
            "wall",
            kit.skin("wall"),
            margin=0.004,
        )
        body = box(self.width - 0.01, DEPTH, self.top, "house", "wall").move(0, DEPTH / 2 + 0.03, self.top / 2)
        parts = [upright(wall).move(0, 0.04, 0), body, *self._ground(kit), *self._order(), *self._crown(kit.level)]
        fillings = [self._filling(kit.level, opening, balcony).move(x, 0, z) for x, z, opening, balcony in cells]
        return union((*parts, *fillings))

    def words(self) -> str:
        roof = {
            "balustrade": "a balustrade",
            "gable": "a gable",
            "stepped": "a stepped gable",
            "mansard": "a mansard roof",
            "hipped": "a hipped roof",
        }[self.roof]
        return f"a house front of {self.storeys} storeys and {self.bays} bays with {self.openings} windows and {roof}"

    def _cells(self):
        """Yields (x, z, opening, whether it has a balcony) of every window above the base; z is its sill."""
        rng = Rng(self.seed, "cells")
        shares = (
            np.array([1.15] + [1.0] * (self.storeys - 2) + [0.8])[: self.storeys - 1]
            if self.storeys > 2
            else np.ones(1)
        )
        edges = self.base + (self.top - self.base) * np.concatenate([[0.0], np.cumsum(shares) / shares.sum()])
        bay = (self.width - 0.16) / self.bays
        for floor, (low, high) in enumerate(zip(edges, edges[1:])):
            tall = float(high - low)
            wide = min(0.55 * bay, 0.42 * tall)
            opening = arched(wide, min(0.66 * tall, 2.1 * wide), self.openings)
            for k in range(self.bays):
                middle = abs(k - (self.bays - 1) / 2) < 0.6 and floor == 0
                balcony = {
                    "none": False,
                    "middle": middle,
                    "row": floor == 0,
                    "scattered": rng.child(floor, k).chance(0.35),
                }[self.balconies]
                yield bay * (k + 0.5) - bay * self.bays / 2, float(low) + 0.16 * tall, opening, balcony

    def _filling(self, level: int, opening: Region, balcony: bool) -> Solid:
        """Returns window, surround, sill and hood, with the wall's face at y = -0.05 and the sill at z = 0."""
        left, _, right, high = opening.bounds
        wide = right - left
        surround = upright(
            extrude(opening.offset(0.02, round=False) - opening.offset(-0.004), 0.05, "surround", "trim")
        ).move(0, -0.02, 0)
        sill = moulded(
            rect_plan(wide + 0.06, 0.09), courses((-0.012, -0.035), (0, -0.022), (0, 0.0)), "sill", "trim"
        ).move(0, -0.04, 0)
        parts = [
            surround,
            sill,
            window(opening, 0.014, 0.03, 2, 3 if level >= 1 else 1).move(0, 0.041, 0),
            *self._hood(wide, high),
        ]
        if level >= 1:
            bracket = hull(
                np.array(
                    [
                        (x, y, z)
                        for x in (-0.012, 0.012)
                        for y, z in ((-0.03, -0.09), (-0.06, -0.08), (-0.085, -0.03), (-0.03, -0.03))
                    ]
                ),
                "sill",
                "trim",
            )
            parts += [bracket.move(x, 0, 0) for x in (left, right)]
        if self.shutters:
            parts += self._shutters(level, wide, high)
        if balcony:
            parts.append(_balcony(wide + 0.16))
        return union(parts)

    def _hood(self, wide: float, high: float) -> list[Solid]:
        plan, y = rect_plan(wide + 0.07, 0.06), -0.05
        shelf = moulded(plan, cornice(0.035, 0.025), "hood", "trim").move(0, y, high + 0.02)
        half = wide / 2 + 0.06
        if self.hood == "none":
            return []
        if self.hood == "keystone":
            stone = polygon([(-0.016, -0.02), (0.016, -0.02), (0.03, 0.05), (-0.03, 0.05)])
            return [upright(extrude(stone, 0.06, "keystone", "trim")).move(0, -0.03, high)]
        if self.hood == "shelf":
            return [shelf]
        line = (
            [(-half, 0), (half, 0), (0, 0.55 * half)]
            if self.hood == "gable"
            else list(
                zip(
                    half * np.array([-1, 1, 0.8, 0.45, 0, -0.45, -0.8]),
                    half * np.array([0, 0, 0.22, 0.4, 0.46, 0.4, 0.22]),
                )
            )
        )
        field = polygon(line)
        solid = extrude(field, 0.05, "hood", "trim") | extrude(
            field - field.offset(-0.018, round=False), 0.075, "hood", "trim"
        )
        return [shelf, upright(solid).move(0, -0.02, high + 0.05)]

    def _shutters(self, level: int, wide: float, high: float) -> list[Solid]:
        leaf = box(0.42 * wide, 0.03, 0.96 * high, "shutters", "frame") - box(
            0.32 * wide, 0.03, 0.84 * high, "shutters", "frame"
        ).move(0, -0.02, 0)
        slats = (
            [
                row(box(0.34 * wide, 0.012, 0.02, "shutters", "frame").turn("x", 0.5), 7, (0, 0, 0.115 * high)).move(
                    0, -0.002, -0.345 * high
                )
            ]
            if level >= 2
            else []
        )
        one = union((leaf, *slats)).move(0.71 * wide + 0.013, -0.059, 0.5 * high)
        return [one, one.mirror("x")]

    def _ground(self, kit: Kit) -> list[Solid]:
        """Returns the base with the door in its middle and windows beside it."""
        w, h = self.width + 0.03, self.base
        door = arched(0.24, 0.76 * h, "round" if self.openings in ("round", "pointed") else "flat")
        side = arched(0.3 * (w / 2 - 0.2), 0.55 * h, "segment")
        spots = (-0.27 * w - 0.04, 0.27 * w + 0.04)
        openings = door.move(0, 0.05) | joined(side.move(x, 0.26 * h) for x in spots)
        face = plate(rect(w, h).move(0, h / 2) - openings, 0.12, "base", "base", kit.skin("base"), margin=0.004)
        leaf = upright(extrude(door.offset(0.01), 0.04, "door", "door")).move(0, 0.045, 0.05)
        panels = [
            box(0.07, 0.02, 0.2 * h, "door", "door").move(x, 0.005, z * h)
            for x in (-0.052, 0.052)
            for z in (0.24, 0.48)
        ]
        frame = upright(extrude(door.offset(0.03) - door, 0.06, "doorway", "trim")).move(0, -0.05, 0.05)
        steps = [
            box(0.42 - 0.06 * k, 0.2 - 0.06 * k, 0.03, "steps", "base").move(0, -0.12 + 0.01 * k, 0.014 + 0.024 * k)
            for k in range(2)
        ]
        knob = turned_bead(0.012, "door", "iron").move(0.008, -0.005, 0.36 * h)
        lights = [window(side, 0.014, 0.03, 3, 2).move(x, 0.041, 0.26 * h) for x in spots]
        band = moulded(
            rect_plan(self.width, 0.1),
            courses((0.0, h - 0.02), (0.045, h - 0.005), (0.045, h + 0.025), (0, h + 0.035)),
            "string course",
            "trim",
        )
        plinth = moulded(rect_plan(w, 0.1), courses((0.05, -0.005), (0.05, 0.05), (0.0, 0.07)), "plinth", "base").move(
            0, -0.02, 0
        )
        return [
            upright(face).move(0, 0.05, 0),
            leaf,
            *panels,
            frame,
            *steps,
            knob,
            *lights,
            band,
            plinth - box(0.24, 1.0, 0.3, "plinth", "base"),
        ]

    def _order(self) -> list[Solid]:
        """Returns what articulates the wall: quoins, pilasters or bands between storeys."""
        w, low, high = self.width, self.base, self.top
        if self.order == "quoins":
            number = round((high - low) / 0.1)
            tall = (high - low) / number
            stones = [
                box(0.13 if k % 2 else 0.08, 0.1, tall - 0.012, "quoins", "trim").move(
                    (0.065 if k % 2 else 0.04) - w / 2 - 0.012, -0.02, low + (k + 0.5) * tall
                )
                for k in range(number)
            ]
            one = union(stones)
            return [one, one.mirror("x")]
        if self.order == "pilasters":
            shaft = moulded(
                rect_plan(0.055, 0.1),
                turned(0.02, low + 0.02).up(0.05).cove(-0.02, 0.02).to(-0.003, high - 0.09).ovolo(0.02, 0.03).up(0.08),
                "pilasters",
                "trim",
            )
            bay = (w - 0.16) / self.bays
            return [shaft.move(bay * k - bay * self.bays / 2, -0.03, 0) for k in range(self.bays + 1)]
        if self.order == "bands":
            zs = [low + (high - low) * k / (self.storeys - 1) for k in range(1, self.storeys - 1)]
            return [
                moulded(
                    rect_plan(w, 0.1),
                    courses((0, z - 0.012), (0.016, z - 0.006), (0.016, z + 0.006), (0, z + 0.012)),
                    "bands",
                    "trim",
                )
                for z in zs
            ]
        return []

    def _crown(self, level: int) -> list[Solid]:
        w, z = self.width, self.top
        ledge = moulded(rect_plan(w, 0.1), cornice(0.1, 0.08), "cornice", "trim").move(0, 0, z - 0.03)
        parts = [ledge]
        if level >= 1:
            bracket = hull(
                np.array(
                    [
                        (x, y, h)
                        for x in (-0.014, 0.014)
                        for y, h in ((-0.03, -0.08), (-0.065, -0.07), (-0.1, -0.01), (-0.03, -0.01))
                    ]
                ),
                "modillions",
                "trim",
            )
            number = round(w / 0.09)
            parts.append(union(bracket.move((k + 0.5) * w / number - w / 2, 0, z - 0.01) for k in range(number)))
        build = {
            "balustrade": self._balustrade,
            "gable": self._gable,
            "stepped": self._gable,
            "mansard": self._sloped,
            "hipped": self._sloped,
        }[self.roof]
        return parts + build(z + 0.06)

    def _balustrade(self, z: float) -> list[Solid]:
        w, post = (
            self.width,
            lathe(
                turned(0.016).up(0.015).curve((0.03, 0.05), (0.013, 0.1)).up(0.012).close(),
                "balustrade",
                "trim",
                sides=16,
            ),
        )
        number = round(w / 0.075)
        posts = union(post.move((k + 0.5) * w / number - w / 2, -0.04, z + 0.03) for k in range(number))
        rails = [box(w, 0.06, 0.035, "balustrade", "trim").move(0, -0.04, z + up) for up in (0.02, 0.155)]
        pier = box(0.08, 0.08, 0.2, "balustrade", "trim") | turned_bead(0.045, "balustrade", "trim").move(0, 0, 0.13)
        return [posts, *rails, *(pier.move(x, -0.04, z + 0.08) for x in (-w / 2 + 0.02, 0, w / 2 - 0.02))]

    def _gable(self, z: float) -> list[Solid]:
        half, rise = self.width / 2, 0.5
        if self.roof == "stepped":
            steps = 5
            field = joined(
                rect(2 * half * (1 - k / steps), rise / steps + 0.02).move(0, rise * (k + 0.5) / steps)
                for k in range(steps)
            )
            caps = [
                box(0.12, 0.14, 0.03, "coping", "trim").move(
                    side * (half * (1 - k / steps) - 0.05), -0.01, z + rise * (k + 1) / steps + 0.01
                )
                for k in range(steps)
                for side in (-1, 1)
            ]
        else:
            field = polygon(
                [
                    (-half, -0.02),
                    (half, -0.02),
                    (half, 0.04),
                    (0.14, rise - 0.06),
                    (0.14, rise),
                    (-0.14, rise),
                    (-0.14, rise - 0.06),
                    (-half, 0.04),
                ]
            )
            scroll = volute(0.1, 0.1, 2.0, "scrolls", "trim").move(half - 0.1, 0.0, z + 0.11)
            caps = [
                scroll,
                scroll.mirror("x"),
                moulded(rect_plan(0.3, 0.1), cornice(0.05, 0.04), "coping", "trim").move(0, 0, z + rise - 0.01),
            ]
        wall = upright(extrude(field - arched(0.16, 0.2, "round").move(0, 0.1), 0.1, "gable", "wall")).move(0, 0.05, z)
        light = window(arched(0.16, 0.2, "round"), 0.014, 0.03, 2, 2).move(0, 0.041, z + 0.1)
        slope = polygon([(-half, -0.05), (half, -0.05), (0, rise - 0.06)])
        return [wall, light, *caps, upright(extrude(slope, DEPTH, "roof", "roof")).move(0, DEPTH + 0.03, z)]

    def _sloped(self, z: float) -> list[Solid]:
        """Returns a mansard or hipped roof with dormers and chimneys."""
        w, rise = self.width, 0.34 if self.roof == "mansard" else 0.3
        into = 0.1 if self.roof == "mansard" else 0.22
        body = moulded(
            rect_plan(w, DEPTH),
            courses((0.03, z - 0.06), (0.03, z - 0.02), (-into, z + rise), (-into - 0.01, z + rise + 0.02)),
            "roof",
            "roof",
        ).move(0, DEPTH / 2 - 0.02, 0)
        opening = arched(0.13, 0.17, "round")
        gable = polygon([(-0.11, 0), (0.11, 0), (0.11, 0.2), (0, 0.29), (-0.11, 0.2)])
        dormer = union(
            (
                upright(extrude(gable - opening.move(0, 0.02), 0.22, "dormers", "trim")).move(0, 0.2, 0),
                window(opening, 0.014, 0.03, 2, 2).move(0, 0.02, 0.02),
                upright(
                    extrude(
                        polygon([(-0.14, 0.17), (0, 0.285), (0.14, 0.17), (0.14, 0.2), (0, 0.315), (-0.14, 0.2)]),
                        0.27,
                        "dormers",
                        "roof",
                    )
                ).move(0, 0.23, 0),
            )
        )
        number = max(1, self.bays // 2)
        stack = box(0.14, 0.14, rise + 0.22, "chimneys", "wall").move(0, 0, (rise + 0.22) / 2) | moulded(
            rect_plan(0.14, 0.14), cornice(0.05, 0.03), "chimneys", "trim"
        ).move(0, 0, rise + 0.2)
        chimneys = [stack.move(side * (w / 2 - 0.24), DEPTH * 0.6, z - 0.02) for side in (-1, 1)]
        return [body, *(dormer.move(w * (k + 0.5) / number - w / 2, 0.03, z) for k in range(number)), *chimneys]


def _balcony(wide: float) -> Solid:
    """Returns a slab on brackets with an iron railing, in front of a window whose sill is at z = 0."""
    slab = moulded(rect_plan(wide, 0.16), courses((-0.02, -0.04), (0, -0.03), (0, -0.01)), "balcony", "trim").move(
        0, -0.11, 0
    )
    rails = [box(wide, 0.014, 0.014, "railing", "iron").move(0, -0.18, z) for z in (0.012, 0.15)]
    ends = [
        box(0.014, 0.15, 0.014, "railing", "iron").move(x, -0.115, 0.15) for x in (0.007 - wide / 2, wide / 2 - 0.007)
    ]
    number = max(4, round(wide / 0.035))
    bars = [
        box(0.012, 0.012, 0.17, "railing", "iron").move((wide - 0.014) * (k / (number - 1) - 0.5), -0.18, 0.067)
        for k in range(number)
    ]
    bracket = hull(
        np.array(
            [
                (x, y, z)
                for x in (-0.016, 0.016)
                for y, z in ((-0.03, -0.16), (-0.05, -0.15), (-0.16, -0.03), (-0.03, -0.03))
            ]
        ),
        "balcony",
        "trim",
    )
    return union((slab, *rails, *ends, *bars, bracket.move(-0.35 * wide, 0, 0), bracket.move(0.35 * wide, 0, 0)))
