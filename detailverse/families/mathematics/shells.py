"""Pierced shells and fractals."""

from dataclasses import dataclass

import numpy as np
from manifold3d import Manifold

from detailverse.family import Family, Kit
from detailverse.modelling.profile import Profile, turned
from detailverse.modelling.shapes import ball, box, cylinder, hull, lathe
from detailverse.modelling.solid import Solid, at, native, union
from detailverse.modelling.surface import Leaf
from detailverse.parts.polyhedra import Mesh, dual, inset, scattered, seed_mesh
from zeroverse.core import affine
from zeroverse.core.affine import rotation, towards
from zeroverse.core.portable import TAU, cos_sin
from zeroverse.core.record import choice, count, flag, seed, span
from zeroverse.core.rng import Rng


@dataclass(frozen=True)
class VoronoiShell(Family):
    """A lamp or bowl: a thin body of revolution, pierced by a window in every Voronoi cell of scattered points."""

    SKINS = {"base": ("classical", "machine", "jewel", "wood")}
    FINISHES = {
        "shell": ("ceramic", "plastic", "paper", "metal", "wood", "bone"),
        "bulb": ("glass", "crystal"),
        "base": ("wood", "metal", "stone", "brass"),
    }

    form: str = choice("lamp", "bowl", "ornament")
    cells: int = count(36, 110)
    wide: float = span(0.6, 0.85)
    tall: float = span(0.6, 1.0)
    drop: float = span(-0.45, 0.45)
    thick: float = span(0.035, 0.07)
    web: float = span(0.03, 0.07)
    round: bool = flag(0.6)
    beaded: bool = flag(0.5)
    jitter: float = span(0.0, 1.0)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        mesh = dual(Mesh.hull(scattered(self.cells, self.jitter, Rng(self.seed, "cells"))))
        rim = 0.25 if self.form == "bowl" else 0.9
        cells = [
            ring
            for face in mesh.faces
            for ring in [mesh.points[list(face)]]
            if -0.9 < ring[:, 2].min() and ring[:, 2].max() < rim - 0.04
        ]
        shell = lathe(self.profile(rim), "shell", "shell") - union(self.window(ring) for ring in cells)
        low = -self.tall
        base = (
            turned(0.42, -0.3)
            .up(0.06)
            .bead(0.03)
            .ogee(-0.14, 0.1)
            .up(0.05)
            .bead(0.03)
            .to(0.22, 0.0)
            .to(0.2, 0.1)
            .close()
        )
        parts = [shell, lathe(base, "base", "base", kit.skin("base")).move(0, 0, low + 0.01)]
        if self.form == "lamp":
            parts += [
                cylinder(0.1, 0.3, "socket", "base").move(0, 0, low + 0.02),
                ball(0.2, "bulb", "bulb").move(0, 0, low + 0.44),
            ]
        if self.form == "ornament":
            parts.append(
                lathe(
                    turned(0.5).up(0.05).bead(0.03).to(0.08, 0.15).up(0.04).curve((0.1, 0.3), (0.0, 0.45)).close(),
                    "finial",
                    "base",
                ).move(0, 0, 0.76 * self.tall)
            )
        if self.beaded and kit.level >= 1:
            bead = lathe(
                Profile(
                    (
                        np.array(
                            [
                                (0.85 * self.web * c, 0.85 * self.web * s)
                                for k in range(9)
                                for c, s in [cos_sin(TAU / 2 * (k / 8 - 0.5))]
                            ]
                        ),
                    )
                ),
                "bead",
                "shell",
                sides=16,
            )
            corners = {tuple(point) for ring in cells for point in ring}
            parts.append(at(bead, [(np.eye(3), self.place(np.array(point), 0.97)) for point in sorted(corners)]))
        return union(parts)

    def window(self, ring: np.ndarray) -> Solid:
        """Returns a cutter along the rays of a cell [N, 3] from the middle, so that webs keep their width."""
        kept = inset(np.array([self.place(point, 1.0) for point in ring]), 0.5 * self.web)
        for _ in range(2 if self.round else 0):  # Chaikin's corner cutting
            after = np.roll(kept, -1, axis=0)
            kept = np.stack([0.75 * kept + 0.25 * after, 0.25 * kept + 0.75 * after], axis=1).reshape(-1, 3)
        return hull(np.concatenate([0.7 * kept, 1.3 * kept]), "shell", "shell")

    def place(self, direction: np.ndarray, grow: float) -> np.ndarray:
        """Returns the point [3] of the body for a unit direction."""
        x, y, z = affine.unit(direction)
        wide = self.wide * (1 - self.drop * z) * grow
        return np.array([wide * x, wide * y, self.tall * z * grow])

    def profile(self, rim: float) -> Profile:
        """Returns the line out along the wall to the rim, at the height `rim` of the unit sphere, and back inside."""
        angles = [-TAU / 4 + (TAU / 4 + (0.25 if rim < 0.5 else 1.12)) * k / 48 for k in range(49)]
        wall = np.array([(c * (k > 0), s) for k, angle in enumerate(angles) for c, s in [cos_sin(angle)]])
        outer, inner = (
            np.array([self.place(np.array([c, 0.0, s]), grow)[[0, 2]] for c, s in wall])
            for grow in (1.0, 1 - self.thick / self.wide)
        )
        return Profile((outer, np.stack([outer[-1], inner[-1]]), inner[::-1]))

    def words(self) -> str:
        return f"a pierced {self.form} of {self.cells} cells"


@dataclass(frozen=True)
class Fractal(Family):
    """A solid made of smaller copies of itself on a plinth: a Menger sponge, Sierpinski pyramid, Jerusalem cube, tree
    of cubes or flake.
    """

    SKINS = {"base": ("stone", "tech", "machine", "classical")}
    FINISHES = {
        "solid": ("stone", "metal", "gold", "plastic", "wood", "crystal", "marble"),
        "base": ("stone", "marble", "wood", "metal"),
    }

    form: str = choice("menger", "pyramid", "octahedron", "cross", "cubes", "flake")
    depth: int = count(2, 3)
    ratio: float = span(0.42, 0.52)
    tilt: bool = flag(0.35)
    turn: float = span(0.0, 0.8)
    stretch: float = span(0.8, 1.3)
    cut: bool = flag(0.35)

    def build(self, kit: Kit) -> Solid:
        solid = {
            "menger": self.menger,
            "pyramid": self.gasket,
            "octahedron": self.gasket,
            "cross": self.cross,
            "cubes": self.cubes,
            "flake": self.flake,
        }[self.form]()
        if self.cut and self.form == "menger":
            solid = solid - box(3, 3, 3, "solid", "solid").transform(towards((1.0, 1.0, 1.0)), (1.0, 1.0, 1.0))
        upright = self.tilt and self.form in ("menger", "cross", "flake")
        solid = (
            (solid.transform(towards((1.0, 1.0, 1.0)).T) if upright else solid)
            .turn("z", self.turn)
            .scale(1, 1, self.stretch)
        )
        low = float(solid.bounds[0][2])
        reach = 0.5 if upright or self.form in ("octahedron", "cubes") else 0.78
        plinth = lathe(
            turned(reach + 0.1, -0.22).up(0.06).ogee(-0.08, 0.06).up(0.06).to(reach, 0.0).close(),
            "base",
            "base",
            kit.skin("base"),
        )
        stem = (
            [lathe(turned(0.4, -0.02).curve((0.2, 0.15), (0.1, 0.4)).close(), "base", "base").move(0, 0, low - 0.1)]
            if reach == 0.5
            else []
        )
        return union((solid, plinth.move(0, 0, low + (0.01 if reach > 0.5 else -0.1)), *stem))

    def menger(self) -> Solid:
        """Returns a sponge: all holes along one axis at once, then turned to the other two."""
        size = 1.3
        rods = []
        for step in range(1, self.depth + 1):
            n = 3**step
            cell = size / n
            rods += [
                native(Manifold.cube((cell, cell, 2 * size), True), Leaf("solid", "solid")).move(
                    (i - (n - 1) / 2) * cell, (j - (n - 1) / 2) * cell
                )
                for i in range(n)
                for j in range(n)
                if i % 3 == 1 and j % 3 == 1 and not _gone(i // 3, j // 3, step - 1)
            ]
        holes = union(rods)
        return box(size, size, size, "solid", "solid") - holes - holes.turn("x", TAU / 4) - holes.turn("y", TAU / 4)

    def gasket(self) -> Solid:
        """Returns a pyramid or octahedron of those half as large at its corners, which overlap a little."""
        corners = (
            seed_mesh("octahedron").points
            if self.form == "octahedron"
            else np.array([(1, 1, -0.7), (1, -1, -0.7), (-1, 1, -0.7), (-1, -1, -0.7), (0, 0, 0.9)]) * 0.74
        )
        solid = hull(corners, "solid", "solid")
        for _ in range(self.depth + (self.form == "pyramid")):
            solid = at(solid, [(0.515 * np.eye(3), 0.5 * corner) for corner in corners])
        return solid

    def cross(self) -> Solid:
        """Returns a cube with a smaller one on every free side, and so on."""
        return self.grown(
            box(0.8, 0.8, 0.8, "solid", "solid"), 0.4, [np.eye(3)[a] * s for a in range(3) for s in (1.0, -1.0)]
        )

    def flake(self) -> Solid:
        return self.grown(
            hull(seed_mesh("octahedron").points * 0.62, "solid", "solid"), 0.355, affine.unit(seed_mesh("cube").points)
        )

    def grown(self, cell: Solid, half: float, ways) -> Solid:
        parts, ends = [cell], [(np.zeros(3), 1.0, None)]
        for _ in range(self.depth):
            reach = [
                (place + way * half * size * (1 + self.ratio) * 0.98, size * self.ratio, way)
                for place, size, back in ends
                for way in ways
                if back is None or float((way * back).sum()) > -0.9
            ]
            parts.append(at(cell, [(size * np.eye(3), place) for place, size, _ in reach]))
            ends = reach
            if len(ends) > 150:
                break
        return union(parts)

    def cubes(self) -> Solid:
        """Returns Pythagoras' tree: two smaller blocks lean out of every block, the next ones a quarter turn on."""
        cell = box(0.27, 0.27, 0.6, "solid", "solid").move(0, 0, 0.28)
        frames, ends = [], [(np.eye(3), np.zeros(3))]
        for _ in range(self.depth + 4):
            frames += ends
            ends = [
                (affine.product(matrix, step), place + affine.apply(matrix, np.array([[side * 0.09, 0.0, 0.52]]))[0])
                for matrix, place in ends
                for side in (-1, 1)
                for step in [affine.product(rotation("y", side * 0.72), rotation("z", TAU / 4)) * 0.76]
            ]
        return at(cell, frames)

    def words(self) -> str:
        return {
            "menger": "a Menger sponge",
            "pyramid": "a Sierpinski pyramid",
            "octahedron": "a Sierpinski octahedron",
            "cross": "a fractal of cubes",
            "cubes": "a tree of blocks",
            "flake": "a fractal flake",
        }[self.form] + " on a plinth"


def _gone(i: int, j: int, step: int) -> bool:
    """Tells whether a cell lies in a hole of a coarser step."""
    return step > 0 and (i % 3 == 1 and j % 3 == 1 or _gone(i // 3, j // 3, step - 1))
