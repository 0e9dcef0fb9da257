"""Carved and written things: interlace panels and crosses, rune stones, tavern signs, letter blocks."""

from dataclasses import dataclass

import numpy as np

from detailverse.family import Family, Kit
from detailverse.modelling.figures import cross
from detailverse.modelling.font import text, text_around
from detailverse.modelling.path import Path, spiral, spline
from detailverse.modelling.profile import turned
from detailverse.modelling.region import Region, circle, polar, polygon, rect, ring, superellipse, turns
from detailverse.modelling.region import union as joined
from detailverse.modelling.shapes import ball, extrude, lathe, plate, tube
from detailverse.modelling.solid import Solid, around, union
from detailverse.parts.elements import bead, upright
from detailverse.parts.jewellery import emblem, outlined
from zeroverse.core.portable import TAU
from zeroverse.core.record import choice, count, flag, seed, span
from zeroverse.core.rng import Rng

RUNES = "ᚠᚢᚦᚨᚱᚲᚷᚹᚺᚾᛃᛇᛈᛉᛊᛏᛒᛖᛗᛚᛜᛞᛟ"
NAMES = (
    "THE STAG",
    "GOLDEN KEY",
    "OLD OAK",
    "BLUE ANCHOR",
    "THE CROWN",
    "SMITH & SON",
    "BOOKS",
    "THE MOON",
    "ALE HOUSE",
    "RED ROSE",
    "MERCER",
    "NO. 27",
    "THREE STARS",
)


INWARDS = 0.42  # how far from a wall a strand turns back, of half a cell
# over and under, in half widths of a strap: one that crosses itself must stay clear of itself, for it is one mesh
LIFT = 1.2
SUNK = 0.085  # the most that straps go into the field under them, which is 0.09 thick at least


def interlace(columns: int, rows: int, breaks: tuple[tuple[int, int, int], ...]) -> list[np.ndarray]:
    """Returns strands of a knotwork panel, closed: [N, 3] points on the lattice of its crossings, z = 1 where over, -1
    where under, 0 at walls.

    Crossings stand at (x, y) with x + y odd, 0 <= x <= 2 columns, 0 <= y <= 2 rows. breaks: (x, y, axis) crossings
    replaced by a wall that turns strands back in x (axis 0) or y (axis 1). Over and under take turns as in Mercat's
    construction.
    """
    walls = {(x, y): axis for x, y, axis in breaks}
    seen, strands = set(), []
    for start in (
        (x, y) for y in range(1, 2 * rows) for x in range(1, 2 * columns) if (x + y) % 2 and (x, y) not in walls
    ):
        for way in ((1, 1), (1, -1)):
            x, y, (dx, dy), line = *start, way, []
            while (x, y, dx, dy) not in seen:
                seen.add((x, y, dx, dy))
                wall = walls.get((x, y), 0 if x in (0, 2 * columns) else 1 if y in (0, 2 * rows) else None)
                lift = 0 if wall is not None else (1 if (dx * dy > 0) == (x % 2 == 0) else -1)
                line.append((x - INWARDS * dx * (wall == 0), y - INWARDS * dy * (wall == 1), lift))
                dx, dy = dx * (-1 if wall == 0 else 1), dy * (-1 if wall == 1 else 1)
                seen.add((x, y, -dx, -dy))  # the way back
                x, y = x + dx, y + dy
            if len(line) > 2:
                strands.append(np.array(line, dtype=np.float64))
    return strands


def ribbons(columns: int, rows: int, cell: float, size: float, breaks, label: str, slot: str) -> list[Solid]:
    """Returns knotwork about the origin as round straps about z = 0, not deeper than `SUNK`, half a cell between
    crossings being `cell`.
    """
    out = []
    for strand in interlace(columns, rows, breaks):
        points = (strand - (columns, rows, 0)) * (cell, cell, LIFT * size)
        out.append(
            tube(
                spline(points, closed=True, per_span=5),
                size,
                label,
                slot,
                section=superellipse(0.8, 1.0, 2.6),
                sides=12,
            )
        )
    deepest = min((float(strap.bounds[0][2]) for strap in out), default=0.0)
    return [strap.move(0, 0, max(0.0, -SUNK - deepest)) for strap in out]


def drawn_breaks(rng: Rng, columns: int, rows: int, share: float) -> tuple[tuple[int, int, int], ...]:
    """Returns walls at some of the inner crossings, in mirror symmetry about both axes."""
    picked = []
    for y in range(1, rows + 1):
        for x in range(1, columns + 1):
            if (x + y) % 2 and rng.child(x, y).chance(share):
                axis = rng.child("axis", x, y).integer(0, 2)
                picked += [(u, v, axis) for u in sorted({x, 2 * columns - x}) for v in sorted({y, 2 * rows - y})]
    return tuple(sorted(set(picked)))


@dataclass(frozen=True)
class Interlace(Family):
    """Celtic knotwork in relief: a framed panel, a stone cross with a ring, or a grave slab with a round head."""

    SKINS = {"field": ("stone", "wood", "jewel"), "base": ("stone",)}
    FINISHES = {
        "field": ("stone", "wood", "bronze", "marble"),
        "strap": ("stone", "gold", "bronze", "wood", "silver"),
        "frame": ("stone", "gold", "bronze", "wood"),
        "base": ("stone", "rock"),
        "gem": ("gem",),
    }

    form: str = choice("panel", "cross", "slab", "medallions")
    columns: int = count(2, 5)
    rows: int = count(3, 7)
    share: float = span(0.1, 0.5)
    strap: float = span(0.26, 0.4)
    boss: str = choice("dome", "rings", "spiral", "none")
    studs: int = count(0, 3)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        parts = getattr(self, f"_{self.form}")(kit)
        body = upright(union(parts))
        body = body.move(0, 0, -float(body.bounds[0][2]))
        return union((body, self.foot(kit))) if self.form in ("cross", "slab") else body

    def knots(self, columns: int, rows: int, wide: float, name: str) -> list[Solid]:
        """Returns knotwork `wide` across in all."""
        cell = wide / (2 * columns + 0.9)
        breaks = drawn_breaks(Rng(self.seed, name), columns, rows, self.share)
        return ribbons(columns, rows, cell, 0.85 * self.strap * cell, breaks, "knotwork", "strap")

    def _panel(self, kit: Kit) -> list[Solid]:
        w = 1.4
        h = w * (2 * self.rows + 0.9) / (2 * self.columns + 0.9)
        w, h = w * min(1.0, 2.0 / h), h * min(1.0, 2.0 / h)
        field = plate(rect(w + 0.3, h + 0.3, 0.02), 0.09, "field", "field", kit.skin("field"), margin=0.14)
        frame = outlined(rect(w + 0.22, h + 0.22, 0.03), 0.055, "frame", "frame", 0.1)
        corners = [
            bead(0.085, "stud", "frame", 20).move(x * (w + 0.22) / 2, y * (h + 0.22) / 2, 0.12)
            for x in (-1, 1)
            for y in (-1, 1)
        ]
        return [
            field,
            frame,
            *(knot.move(0, 0, 0.1) for knot in self.knots(self.columns, self.rows, w, "panel")),
            *corners,
        ]

    def _cross(self, kit: Kit) -> list[Solid]:
        arm, t = 0.42, 0.2
        shaft = polygon([(-0.58 * arm, -1.2), (0.58 * arm, -1.2), (0.5 * arm, 0.85), (-0.5 * arm, 0.85)])
        region = shaft | rect(1.25, arm).move(0, 0.3) | ring(0.5, 0.36).move(0, 0.3)
        parts = [
            plate(region, t, "cross", "field", kit.skin("field"), margin=0.05),
            outlined(region.offset(-0.025).rounded(0.045), 0.035, "frame", "frame", t),
        ]
        low = self.knots(2, 7, 0.36, "shaft")
        parts += [knot.move(0, -0.55, t) for knot in low]
        for x, y in ((0.41, 0.3), (-0.41, 0.3), (0, 0.68)):
            parts += [knot.move(x, y, t) for knot in self.knots(2, 2, 0.3, "arm")]
        return [*parts, *self.middle(0.17, t, 0.3)]

    def _slab(self, kit: Kit) -> list[Solid]:
        t = 0.18
        region = rect(1.0, 1.5).move(0, -0.45) | circle(0.5).move(0, 0.3)
        parts = [
            plate(region, t, "slab", "field", kit.skin("field"), margin=0.05),
            outlined(region.offset(-0.03), 0.04, "frame", "frame", t),
        ]
        parts += [
            extrude(cross(0.72, 0.16, 0.09), 0.05, "cross", "frame").move(0, 0.32, t - 0.02),
            outlined(circle(0.25), 0.035, "frame", "frame", t + 0.02).move(0, 0.32),
        ]
        parts += [
            knot.move(0, -0.62, t) for knot in self.knots(max(3, self.columns), max(3, self.columns) + 1, 0.8, "slab")
        ]
        return [*parts, *self.middle(0.12, t, 0.32)]

    def _medallions(self, kit: Kit) -> list[Solid]:
        region = superellipse(0.95, 0.95, 5.0)
        parts = [
            plate(region, 0.09, "field", "field", kit.skin("field"), margin=0.1),
            outlined(region.offset(-0.04), 0.055, "frame", "frame", 0.09),
        ]
        for k, (x, y) in enumerate(((-1, -1), (1, -1), (-1, 1), (1, 1))):
            parts += [
                knot.move(0.45 * x, 0.45 * y, 0.09)
                for knot in self.knots(2, 2 + self.columns // 4, 0.6 - 0.12 * (self.columns // 4), f"medallion{k % 2}")
            ]
            parts.append(outlined(circle(0.4), 0.03, "frame", "frame", 0.09).move(0.45 * x, 0.45 * y))
        return [*parts, *self.middle(0.17, 0.09, 0.0)]

    def middle(self, r: float, t: float, y: float) -> list[Solid]:
        """Returns the boss in the middle, with studs around it."""
        if self.boss == "none":
            return []
        line = turned(1.15 * r, -0.05).up(0.06).bead(0.03).out(-0.2 * r)
        tops = {
            "dome": lambda: line.ovolo(-0.95 * r, 0.6 * r),
            "rings": lambda: line.bead(0.05).out(-0.25 * r).bead(0.05).out(-0.2 * r).ovolo(-0.4 * r, 0.3 * r),
            "spiral": lambda: line.up(0.02),
        }
        parts = [lathe(tops[self.boss]().close(), "boss", "frame")]
        if self.boss == "spiral":
            parts.append(
                around(
                    tube(spiral(0.12 * r, 0.42 * r, 1.6), 0.08 * r, "spiral", "strap", sides=8).move(0.42 * r, 0, 0.06),
                    3,
                )
            )
        parts += [
            bead(0.03, "stud", "gem", 14).move(1.45 * r).turn("z", TAU * k / (4 * self.studs))
            for k in range(4 * self.studs)
        ]
        return [union(parts).move(0, y, t)]

    def foot(self, kit: Kit) -> Solid:
        line = rect(1.25, 0.62, 0.03)
        step = plate(rect(1.55, 0.9, 0.04), 0.14, "base", "base", kit.skin("base"), margin=0.04)
        return union((extrude(line, 0.3, "base", "base", taper=0.8).move(0, -0.1, -0.02), step.move(0, -0.1, -0.14)))

    def words(self) -> str:
        return {
            "panel": "a framed panel of Celtic knotwork",
            "cross": "a Celtic cross with knotwork",
            "slab": "a grave slab with a cross and knotwork",
            "medallions": "a panel with four knotwork medallions",
        }[self.form]


@dataclass(frozen=True)
class RuneStone(Family):
    """A standing stone with runes: in rows, or in a band along its edge with an emblem inside."""

    SKINS = {"face": ("ground",), "ground": ("ground",)}
    PLAIN = True
    FINISHES = {
        "stone": ("stone", "rock", "marble", "bone"),
        "rune": ("painted", "gold", "ink", "crystal"),
        "ground": ("rock", "terrain", "foliage"),
    }

    tall: float = span(1.5, 2.1)
    wide: float = span(0.9, 1.35)
    rough: float = span(0.03, 0.12)
    corners: int = count(7, 14)
    layout: str = choice("rows", "band", "disc", "column")
    letters: float = span(0.13, 0.22)
    emblem: str = choice("wheel", "tree", "sun", "star", "cross", "anchor", "moon")
    carved: bool = flag(0.5)
    pebbles: int = count(0, 9)
    lean: float = span(-0.12, 0.12)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        region, t = self.outline(), 0.3
        face = plate(region, t, "stone", "stone", kit.skin("face"), margin=0.06)
        back = extrude(region, 0.16, "stone", "stone", taper=0.86).mirror("z").move(0, 0, 0.01)
        depth = (t - 0.035, 0.2) if self.carved else (t - 0.03, 0.06)
        marks = extrude(self.writing(region), depth[1], "runes", "rune").move(0, 0, depth[0])
        body = (face - marks) if self.carved else face | marks
        stone = upright(union((body, back))).turn("y", self.lean).move(0, 0.1, 0.5 * self.tall - 0.1)
        return union((stone, *self.ground(kit)))

    def outline(self) -> Region:
        """Returns the stone's front, about the origin."""
        rng = Rng(self.seed, "outline")
        angles = turns(self.corners)
        radii = np.array([1 + self.rough * rng.child(k).uniform(-1.5, 1.5) for k in range(self.corners)])
        ring = polar(angles, np.clip(radii, 0.72, 1.2)) * (0.5 * self.wide, 0.5 * self.tall)
        return (
            polygon(ring).offset(0.12) | rect(0.72 * self.wide, 0.5 * self.tall).move(0, -0.28 * self.tall)
        ).rounded(0.05)

    def line(self, count: int, number: int) -> str:
        return "".join(Rng(self.seed, "rune", number, k).choice(RUNES) for k in range(count))

    def writing(self, region: Region) -> Region:
        h, inside = self.letters, region.offset(-0.1)
        if self.layout == "rows":
            rows = int(0.8 * self.tall / (1.5 * h))
            lines = [
                text(self.line(max(2, int(0.75 * self.wide / (0.62 * h))), k), h, 0.14).move(
                    0, (k - (rows - 1) / 2) * 1.5 * h
                )
                for k in range(rows)
            ]
            rules = [rect(2 * self.wide, 0.022).move(0, (k - rows / 2) * 1.5 * h) for k in range(rows + 1)]
            return joined((*lines, *rules)) & inside
        if self.layout == "column":
            lines = [
                text(self.line(max(2, int(1.2 * self.tall / h)), k), h, 0.14).turn(TAU / 4).move((k - 1) * 1.7 * h)
                for k in range(3)
            ]
            bars = [rect(0.025, 2 * self.tall).move((k - 1.5) * 1.7 * h) for k in range(4)]
            return joined((*lines, *bars)) & inside
        r = 0.36 * self.wide
        count = max(4, int(TAU * r / (0.66 * h)))
        around_it = text_around(self.line(count, 0), r, min(h, 0.16), 0.14, spacing=0.24)
        rings = ring(r + 0.115, r + 0.09) | ring(r - 0.09, r - 0.115)
        figure = emblem(self.emblem, 1.1 * r)
        if self.layout == "disc":
            below = text(self.line(5, 1), h, 0.14).move(0, -r - 0.28)
            return (joined((around_it, rings, figure)).move(0, 0.12) | below) & inside
        edge = (region.offset(-0.1) - region.offset(-0.125)) | (region.offset(-0.3) - region.offset(-0.325))
        contour = region.offset(-0.21).contours()[0]
        path = Path(np.column_stack([contour, np.zeros(len(contour))]), True)
        runes = []
        for k in range(int(path.length / 0.17)):
            here, ahead = path.at(0.17 * k), path.at(0.17 * k + 0.02)
            way = ahead - here
            angle = (
                float(np.sign(way[1])) * (TAU / 4) if abs(way[1]) > abs(way[0]) else (0.0 if way[0] > 0 else TAU / 2)
            )
            runes.append(text(self.line(1, 7 + k), 0.13, 0.15).turn(angle).move(here[0], here[1]))
        return joined((edge, *runes, figure)) & inside

    def ground(self, kit: Kit) -> list[Solid]:
        line = turned(0.0, -0.02).out(0.95).up(0.05).curve((0.9, 0.08), (0.6, 0.14), (0.0, 0.17))
        mound = lathe(line.close(), "ground", "ground", kit.skin("ground")).scale(1.0, 0.7, 1.0)
        out = [mound]
        for k in range(self.pebbles):
            rng = Rng(self.seed, "pebble", k)
            out.append(
                ball(0.1 + 0.08 * rng.unit(), "pebble", "stone")
                .scale(1.2, 0.9, 0.7)
                .turn("z", 6 * rng.unit())
                .move(rng.uniform(-0.7, 0.7), rng.uniform(-0.5, -0.3), 0.08)
            )
        return out

    def words(self) -> str:
        how = "carved" if self.carved else "raised"
        return (
            f"a standing stone with {how} runes in "
            + {
                "rows": "rows",
                "column": "columns",
                "disc": f"a ring around a {self.emblem}",
                "band": f"a band around a {self.emblem}",
            }[self.layout]
        )
