"""Pagodas: stacked storeys under upturned eaves."""

from dataclasses import dataclass

from detailverse.family import Family, Kit
from detailverse.modelling.profile import turned
from detailverse.modelling.region import polygon, rect
from detailverse.modelling.shapes import ball, box, cylinder, extrude, lathe
from detailverse.modelling.skin import BARE
from detailverse.modelling.solid import Solid, around, union
from detailverse.parts.architecture import corner, courses, eaves, hips, moulded, ngon_plan, side, window
from zeroverse.core.portable import TAU
from zeroverse.core.record import choice, count, flag, span


@dataclass(frozen=True)
class Pagoda(Family):
    """Storeys that shrink upwards, each with posts, lattice windows, a railing and a rib-tiled roof with turned-up
    corners.
    """

    SKINS = {"wall": ("wood", "stone", "jewel"), "terrace": ("stone",)}
    FINISHES = {
        "wall": ("wood", "painted", "brick"),
        "post": ("painted", "wood"),
        "roof": ("clay", "painted", "copper"),
        "terrace": ("stone", "marble"),
        "metal": ("gold", "bronze"),
        "frame": ("wood", "painted"),
        "glass": ("paper", "glass"),
    }

    sides: int = choice("square", "hexagonal", "octagonal")
    tiers: int = count(2, 7)
    width: float = span(0.5, 0.8)
    shrink: float = span(0.78, 0.93)
    lift: float = span(0.03, 0.16)
    reach: float = span(0.12, 0.22)
    pitch: float = span(0.3, 0.6)
    ribs: int = count(5, 11)
    railing: bool = flag(0.6)
    bells: bool = flag(0.5)

    @property
    def faces(self) -> int:
        return {"square": 4, "hexagonal": 6, "octagonal": 8}[self.sides]

    def build(self, kit: Kit) -> Solid:
        wide, terrace = self.width, self._terrace(kit)
        sizes = [self.shrink**k for k in range(self.tiers)]
        tall = 1.42 / sum(sizes)
        parts, z = [terrace], 0.13
        for k, size in enumerate(sizes):
            inner, high = wide / 2 * size, tall * size
            parts.append(self._tier(kit, inner, high, k).move(0, 0, z))
            z += high
        r = wide / 2 * sizes[-1]
        return union((*parts, _spire(0.42, 0.25 * r + 0.02).move(0, 0, z - 0.03)))

    def words(self) -> str:
        return f"{'an' if self.sides == 'octagonal' else 'a'} {self.sides} pagoda of {self.tiers} tiers"

    def _terrace(self, kit: Kit) -> Solid:
        inner = self.width / 2 + 0.5 * self.reach
        steps = moulded(
            ngon_plan(self.faces, inner),
            courses((0.06, -0.01), (0.06, 0.03), (0.03, 0.03), (0.03, 0.06)),
            "terrace",
            "terrace",
        )
        base = extrude(polygon(ngon_plan(self.faces, inner)), 0.09, "terrace", "terrace", kit.skin("terrace")).move(
            0, 0, 0.05
        )
        stair = union(
            box(0.22, 0.24 - 0.04 * k, 0.04, "stairs", "terrace").move(0, -inner - 0.08 + 0.02 * k, 0.02 + 0.03 * k)
            for k in range(4)
        )
        return union((steps, base, stair))

    def _tier(self, kit: Kit, inner: float, high: float, k: int) -> Solid:
        """Returns one storey from its floor at z = 0: walls, posts, openings, and its roof."""
        plan, walls = ngon_plan(self.faces, inner), (1 - 0.75 * self.pitch) * high
        outer, top = inner + self.reach * (0.55 + 0.45 * inner / (self.width / 2)), 0.82 * self.shrink * inner
        rise = 1.04 * high - walls
        roof = eaves(self.faces, outer, top, rise, self.lift, self.ribs, "roof", "roof").move(0, 0, walls)
        ridges = hips(self.faces, outer, top, rise, self.lift, 0.028 * outer + 0.008, "ridges", "roof").move(
            0, 0, walls
        )
        body = extrude(polygon(plan), walls + 0.3 * rise, "wall", "wall", kit.skin("wall") if k == 0 else BARE)
        posts = around(
            cylinder(0.05 * inner + 0.008, walls + 0.05, "posts", "post")
            .move(corner(self.faces, inner), 0, -0.01)
            .turn("z", TAU / (2 * self.faces) - TAU / 4),
            self.faces,
        )
        brackets = moulded(
            plan,
            courses(
                (-0.01, walls - 0.09),
                (0.02, walls - 0.06),
                (0.02, walls - 0.04),
                (0.05, walls - 0.02),
                (0.05, walls + 0.02),
                (0.0, walls + 0.04),
            ),
            "brackets",
            "post",
        )
        parts = [body, posts, brackets, roof, ridges, self._lattices(kit.level, inner, walls)]
        if self.railing:
            parts.append(self._balcony(inner))
        if self.bells and kit.level >= 1:
            bell = lathe(
                turned(0.022).taper(0.018, 0.02).curve((0.008, 0.04)).up(0.05).close(), "bells", "metal", sides=14
            )
            spot = corner(self.faces, outer) - 0.01
            parts.append(
                around(
                    bell.move(spot, 0, walls + self.lift - 0.085 - 0.03 * outer).turn(
                        "z", TAU / (2 * self.faces) - TAU / 4
                    ),
                    self.faces,
                )
            )
        return union(parts)

    def _lattices(self, level: int, inner: float, walls: float) -> Solid:
        wide = side(self.faces, inner)
        opening = rect(0.55 * wide, 0.55 * walls).move(0, 0.1 * walls + 0.275 * walls)
        return around(
            window(opening, 0.02, 0.04, 5 if level >= 1 else 1, 4 if level >= 1 else 1).move(0, 0.015 - inner, 0),
            self.faces,
        )

    def _balcony(self, inner: float) -> Solid:
        """Returns a ledge with posts and two rails around the storey."""
        out = 0.07
        plan = polygon(ngon_plan(self.faces, inner + out))
        hoop = plan - plan.offset(-0.016, round=False)
        rails = union(extrude(hoop, 0.014, "railing", "post").move(0, 0, z) for z in (0.04, 0.085))
        half = side(self.faces, inner + out) / 2
        pegs = union(
            box(0.018, 0.018, 0.12, "railing", "post").move(half * x, 0.008 - inner - out, 0.045)
            for x in (-0.98, -0.5, 0.0, 0.5)
        )
        return union((extrude(plan, 0.02, "balcony", "post").move(0, 0, -0.01), rails, around(pegs, self.faces)))


def _spire(height: float, r: float) -> Solid:
    """Returns the ringed mast of a pagoda."""
    line = turned(r).up(0.05).bead(0.03).to(0.45 * r, 0.1)
    for _ in range(6):
        line = line.up(0.012).out(0.35 * r).up(0.012).out(-0.35 * r)
    line = line.up(0.02).taper(0.012, height - line.end[1] - 0.08)
    return lathe(line.close(), "finial", "metal") | ball(0.03, "finial", "metal").move(0, 0, height - 0.06)
