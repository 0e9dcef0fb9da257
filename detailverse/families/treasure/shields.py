"""Shields."""

from dataclasses import dataclass

import numpy as np

from detailverse.family import Family, Kit
from detailverse.modelling.figures import shield
from detailverse.modelling.path import Path
from detailverse.modelling.profile import turned
from detailverse.modelling.region import Region, circle, ellipse, polygon, rect, slot, stroke
from detailverse.modelling.shapes import extrude, lathe, slab, tube
from detailverse.modelling.skin import BARE
from detailverse.modelling.solid import Solid, around, union
from detailverse.parts.elements import bead, upright
from detailverse.parts.jewellery import EMBLEMS, emblem
from zeroverse.core.record import choice, count, flag, span

METALS = ("steel", "iron", "bronze", "gold", "brass", "silver")


@dataclass(frozen=True)
class Shield(Family):
    """A curved shield: a face with an ordinary or an emblem, a rim with rivets, a boss."""

    SKINS = {"face": ("armour", "wood", "jewel", "classical")}
    FINISHES = {
        "face": ("painted", "wood", "leather", "steel", "bronze"),
        "charge": (*METALS, "painted"),
        "rim": METALS,
        "boss": METALS,
    }

    shape: str = choice("heater", "round", "oval", "kite", "tower")
    width: float = span(1.25, 1.7)
    curve: float = span(0.1, 0.4)
    charge: str = choice("emblem", "cross", "bend", "chevron", "pale", "quarters", "spokes")
    emblem: str = choice(*EMBLEMS)
    boss: str = choice("dome", "spike", "tiers", "none")
    rim: float = span(0.035, 0.06)
    rivets: int = count(14, 40)
    inner: bool = flag(0.4)

    def build(self, kit: Kit) -> Solid:
        region = self.outline()
        face = self.sheet(0.0, 0.11, kit) & extrude(region, 3.0, "face", "face").move(0, 0, -1.0)
        parts = [face, *self.edges(region, kit), *self.charges(region)]
        if self.boss != "none" and self.charge != "emblem":
            parts.append(self.middle().move(0, 0, self.height(0.0, 0.0) - 0.03))
        return upright(union(parts)).move(0, 0, -region.bounds[1])

    def outline(self) -> Region:
        w = self.width
        shapes = {
            "heater": lambda: shield(w, 1.22 * w),
            "round": lambda: circle(0.56 * w),
            "oval": lambda: ellipse(0.46 * w, 0.66 * w),
            "kite": lambda: (
                circle(0.45 * w).move(0, 0.35 * w)
                | polygon([(-0.435 * w, 0.25 * w), (0, -0.85 * w), (0.435 * w, 0.25 * w)])
            ).rounded(0.03),
            "tower": lambda: rect(0.84 * w, 1.32 * w, 0.1),
        }
        return shapes[self.shape]()

    def height(self, x, y):
        """Returns the height of the face over the plane z = 0: bent about y, or a dome."""
        r = 0.5 * self.width
        bend = (x * x + (y * y if self.shape in ("round", "oval") else 0.0)) / (r * r)
        return 0.15 + 1.3 * self.curve - self.curve * bend

    def sheet(self, lift: float, thickness: float, kit: Kit | None = None) -> Solid:
        """Returns the curved sheet over a rectangle, its face `lift` above that of the shield."""
        size, n = 1.5 * self.width, 150 if kit and kit.details else 48
        name = "face" if kit else "charge"
        top = slab(self.heights(size, n) + lift, size, size, name, name, kit.skin("face") if kit else BARE)
        below = slab(self.heights(1.1 * size, n) + lift - thickness, 1.1 * size, 1.1 * size, name, name).move(
            0, 0, -0.001
        )
        return (top - below).move(0, 0, -1.0)

    def heights(self, size: float, n: int) -> np.ndarray:
        """Returns [n, n] over a square, from the plane z = -1."""
        x = size * (np.arange(n) / (n - 1) - 0.5)
        return np.maximum(self.height(*np.meshgrid(x, x)), -0.4) + 1.0

    def raised(self, region: Region, label: str, slot: str, lift: float) -> Solid:
        return extrude(region, 3.0, label, slot).move(0, 0, -1.0) & self.sheet(lift, 0.06 + lift)

    def charges(self, region: Region) -> list[Solid]:
        """Returns what the face bears, raised."""
        w, low = self.width, region.bounds[1]
        bars = {
            "cross": rect(3, 0.15 * w).move(0, 0.12 * w) | rect(0.15 * w, 3),
            "bend": rect(3, 0.17 * w).turn(-0.75),
            "pale": rect(0.24 * w, 3) | rect(0.07 * w, 3).move(0.27 * w) | rect(0.07 * w, 3).move(-0.27 * w),
            "chevron": stroke([(-w, -0.75 * w), (0, 0.22 * w), (w, -0.75 * w)], 0.15 * w),
            "quarters": rect(2, 2).move(0.99, 0.99) | rect(2, 2).move(-0.99, -0.99),
        }
        if self.charge == "spokes":
            shape = slot(0.5 * w, 0.05 * w).move(0.42 * w).around(8)
        elif self.charge == "emblem":
            shape = emblem(self.emblem, 0.62 * w).move(0, 0.06 * w if self.shape in ("heater", "kite") else 0.0)
        else:
            shape = bars[self.charge]
        out = [self.raised(shape & region.offset(-0.02), "charge", "charge", 0.035)]
        if self.charge in ("bend", "chevron", "quarters") and low < 0:
            small = emblem(self.emblem, 0.24 * w)
            spots = (
                [(-0.25 * w, 0.3 * w), (0.25 * w, -0.22 * w)]
                if self.charge == "quarters"
                else [(0.2 * w, 0.3 * w), (0.0, -0.4 * w)]
            )
            out.append(self.raised(small.move(*spots[0]) | small.move(*spots[1]), "emblem", "rim", 0.05))
        return out

    def edges(self, region: Region, kit: Kit) -> list[Solid]:
        """Returns a rim, a wire inside it, rivets between them."""
        out = [self.line(region.offset(-0.4 * self.rim), self.rim, -0.035)]
        band = 0.1
        if self.inner:
            out.append(self.line(region.offset(-2 * band), 0.025, 0.0))
        if kit.level >= 1:
            contour = region.offset(-band - 0.01).contours()[0]
            around_it = Path(np.column_stack([contour, np.zeros(len(contour))]), True).resample(n=self.rivets).points
            stud = bead(0.036, "rivet", "rim", 14).scale(1, 1, 0.8)
            out += [stud.move(x, y, self.height(x, y) + 0.004) for x, y, _ in around_it]
        return out

    def line(self, region: Region, size: float, lift: float) -> Solid:
        contour = (
            Path(np.column_stack([region.contours()[0], np.zeros(len(region.contours()[0]))]), True)
            .resample(spacing=0.04)
            .points
        )
        z = self.height(contour[:, 0], contour[:, 1]) + lift
        return tube(Path(np.column_stack([contour[:, :2], z]), True), size, "rim", "rim", sides=12)

    def middle(self) -> Solid:
        r = 0.2 * self.width
        line = turned(1.25 * r, -0.1).to(1.25 * r, 0.02).fillet(0.01).to(r, 0.04)
        tops = {
            "dome": lambda: line.ovolo(-r, 0.85 * r),
            "spike": lambda: line.ovolo(-0.6 * r, 0.4 * r).cove(-0.3 * r, 0.25 * r).taper(0.0, 0.9 * r),
            "tiers": lambda: line.ovolo(-0.4 * r, 0.3 * r).out(-0.08 * r).bead(0.1 * r).ovolo(-0.5 * r, 0.5 * r),
        }
        studs = around(bead(0.03, "rivet", "rim", 12).move(1.13 * r, 0, 0.03), 12)
        return union((lathe(tops[self.boss]().close(), "boss", "boss"), studs))

    def words(self) -> str:
        what = f"a {self.emblem}" if self.charge == "emblem" else f"a {self.charge} charge"
        return f"a {self.shape} shield with {what}"
