"""Polyhedra with worked faces, molecules, and sculptures of one band or knot."""

from dataclasses import dataclass

import numpy as np

from detailverse.family import Family, Kit
from detailverse.modelling.path import circle
from detailverse.modelling.profile import turned
from detailverse.modelling.shapes import ball, hull, lathe, tube
from detailverse.modelling.solid import Solid, at, union
from detailverse.parts.elements import rod, turned_ball
from detailverse.parts.polyhedra import OPERATORS, Mesh, inset, relaxed, seed_mesh
from zeroverse.core import affine
from zeroverse.core.affine import towards
from zeroverse.core.portable import TAU, cos_sin
from zeroverse.core.record import choice, count, flag, seed, span
from zeroverse.core.rng import Rng


@dataclass(frozen=True)
class Polyhedron(Family):
    """A ball by Conway's operators: its faces raised, sunk, stellated or open, on a foot."""

    SKINS = {"core": ("tech", "jewel", "organic", "armour", "classical"), "base": ("classical", "machine", "jewel")}
    FINISHES = {
        "panel": ("metal", "plastic", "stone", "gold", "painted", "ceramic", "wood"),
        "core": ("metal", "stone", "plastic", "bronze"),
        "trim": ("gold", "metal", "gem", "painted"),
        "base": ("wood", "stone", "metal", "marble"),
    }

    solid: str = choice(
        "tetrahedron", "cube", "octahedron", "icosahedron", "dodecahedron", "prism3", "prism5", "prism7"
    )
    first: str = choice("none", "ambo", "truncate", "expand", "bevel", "ortho", "gyro", "kis")
    second: str = choice("none", "none", "ambo", "kis", "dual")
    style: str = choice("raised", "stellated", "open", "sunk", "stepped", "spiked")
    gap: float = span(0.02, 0.09)
    height: float = span(0.08, 0.4)
    turn: float = span(0.0, 0.5)
    trim: bool = flag(0.6)

    def build(self, kit: Kit) -> Solid:
        mesh = self.mesh()
        core = 0.42 if self.style == "open" else 0.8 * float(np.sqrt((mesh.centres() ** 2).sum(axis=1).min()))
        parts = [ball(core, "core", "core", kit.skin("core"))]
        parts += {"open": self.bars, "sunk": self.frames}.get(self.style, self.panels)(mesh, core, kit.level)
        base = (
            turned(0.48)
            .up(0.05)
            .bead(0.04)
            .ogee(-0.2, 0.14)
            .up(0.04)
            .bead(0.03)
            .to(0.24, 0.36)
            .to(0.1, 1.12 - 0.5 * core)
            .close()
        )
        return union((*parts, lathe(base, "base", "base", kit.skin("base")).move(0, 0, -1.12)))

    def mesh(self) -> Mesh:
        mesh = OPERATORS[self.first](seed_mesh(self.solid)).on_sphere()
        second = OPERATORS[self.second](mesh).on_sphere() if len(mesh.faces) <= 60 else mesh
        return relaxed(second)

    def panels(self, mesh: Mesh, core: float, level: int):
        """Returns what stands on every face: a panel, a pyramid, steps or a spike, turned about the face's middle."""
        for face in mesh.faces:
            ring = 0.86 * mesh.points[list(face)]
            middle = ring.mean(axis=0)
            out = affine.unit(middle)
            wide = float(np.sqrt(((ring - middle) ** 2).sum(axis=1)).min())
            lower = inset(ring, self.gap)
            foot = np.concatenate([lower, 0.8 * core * affine.unit(lower)])
            if self.style == "raised":
                yield hull(np.concatenate([foot, inset(ring, self.gap + 0.04) + 0.05 * out]), "panel", "panel")
                if self.trim and level >= 2:
                    yield turned_ball(min(0.06, 0.3 * wide), "stud", "trim", 20).move(*(middle + 0.05 * out))
            elif self.style == "stepped":
                for k in range(1 + level // 2):
                    yield hull(
                        np.concatenate(
                            [inset(ring, self.gap + (0.16 * k) * wide) + 0.05 * k * out, 0.8 * core * out[None]]
                        ),
                        "panel",
                        "panel",
                    )
            elif self.style == "stellated":
                yield hull(np.concatenate([foot, (middle + self.height * out)[None]]), "panel", "panel")
                if self.trim and level >= 2:
                    yield turned_ball(0.03, "stud", "trim", 20).move(*(middle + (self.height - 0.02) * out))
            else:
                yield hull(np.concatenate([foot, lower + 0.03 * out]), "panel", "panel")
                yield hull(
                    np.concatenate(
                        [middle + 0.42 * (ring - middle) - 0.02 * out, (middle + (0.1 + self.height) * out)[None]]
                    ),
                    "spike",
                    "trim",
                )

    def frames(self, mesh: Mesh, core: float, level: int):
        """Yields a rim about every face, and a jewel in its middle."""
        for face in mesh.faces:
            ring = 0.9 * mesh.points[list(face)]
            middle = ring.mean(axis=0)
            tall = hull(np.concatenate([inset(ring, 0.5 * self.gap), 0.8 * core * affine.unit(ring)]), "panel", "panel")
            yield tall - hull(
                np.concatenate([1.3 * inset(ring, self.gap + 0.05), 0.94 * inset(ring, self.gap + 0.08)]),
                "panel",
                "panel",
            )
            if self.trim and level >= 2:
                yield turned_ball(0.07, "stud", "trim", 20).move(*(0.94 * middle))

    def bars(self, mesh: Mesh, core: float, level: int):
        """Yields its edges as bars, with balls at the corners and spokes to the core."""
        thick = 0.025 + 0.3 * self.gap
        for a, b in mesh.edges:
            yield rod(0.92 * mesh.points[a], 0.92 * mesh.points[b], thick, "bar", "panel")
        node = turned_ball(1.7 * thick, "node", "trim", 20)
        yield at(node, [(np.eye(3), 0.92 * point) for point in mesh.points])
        low = mesh.points[np.argsort(mesh.points[:, 2], kind="stable")[:1]]
        for point in np.concatenate([low, mesh.points[:: max(1, len(mesh.points) // 12)]]):
            yield rod(0.8 * core * point, 0.92 * point, 0.6 * thick, "spoke", "trim")
        yield rod((0, 0, -0.95), (0, 0, -0.35), 0.05, "spoke", "trim")

    def words(self) -> str:
        return f"a ball of {len(self.mesh().faces)} {self.style} faces"


@dataclass(frozen=True)
class Molecule(Family):
    """A model of balls and sticks: a cage of carbon, a crystal, a helix, a chain with branches, or an atom with its
    orbits.
    """

    SKINS = {"base": ("tech", "machine", "classical")}
    FINISHES = {
        "atom": ("plastic", "painted", "metal"),
        "other": ("plastic", "painted", "gold"),
        "bond": ("metal", "plastic", "wood"),
        "base": ("wood", "plastic", "metal"),
    }

    form: str = choice("cage", "crystal", "helix", "chain", "atom")
    atom: float = span(0.07, 0.13)
    bond: float = span(0.025, 0.045)
    number: int = count(3, 9)
    double: bool = flag(0.5)
    tall: float = span(0.9, 1.3)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        if self.form == "atom":
            parts, low = list(self.orbits()), -0.82
        else:
            points, kinds, bonds = {
                "cage": self.cage,
                "crystal": self.crystal,
                "helix": self.helix,
                "chain": self.chain,
            }[self.form]()
            low = float(points[:, 2].min())
            parts = [
                at(
                    turned_ball(self.atom * size, label, label),
                    [(np.eye(3), point) for point, kind in zip(points, kinds) if kind == number],
                )
                for number, (label, size) in enumerate((("atom", 1.0), ("other", 0.72)))
                if number in kinds
            ]
            parts += [
                one
                for number, (a, b) in enumerate(bonds)
                for one in self.stick(points[a], points[b], self.double and number % 3 == 0)
            ]
            foot = points[int(np.argmin(points[:, 2]))]
            parts.append(rod((0, 0, low - 0.4), foot, 0.035, "stand", "bond"))
        base = lathe(
            turned(0.6).up(0.05).bead(0.03).ogee(-0.1, 0.06).to(0.0, 0.16).close(), "base", "base", kit.skin("base")
        )
        return union((*parts, base.move(0, 0, low - 0.47)))

    def stick(self, a, b, double: bool):
        bond = min(self.bond, 0.36 * self.atom)  # both of a double bond end within the smaller atoms
        if not double:
            return [rod(a, b, bond, "bond", "bond")]
        side = towards(b - a)[:, 0] * 1.15 * bond
        return [
            rod(a + side, b + side, 0.7 * bond, "bond", "bond"),
            rod(a - side, b - side, 0.7 * bond, "bond", "bond"),
        ]

    def cage(self):
        name, op = (
            ("icosahedron", "truncate"),
            ("octahedron", "truncate"),
            ("dodecahedron", "none"),
            ("cube", "bevel"),
            ("icosahedron", "kis"),
        )[self.number % 5]
        mesh = relaxed(OPERATORS[op](seed_mesh(name)))
        return (
            0.85 * mesh.points * [1, 1, self.tall],
            [int(k % self.number == 0) for k in range(len(mesh.points))],
            mesh.edges,
        )

    def crystal(self):
        n = 3 + self.number % 2
        grid = np.array([(i, j, k) for i in range(n) for j in range(n) for k in range(n)])
        number = {tuple(cell): k for k, cell in enumerate(grid.tolist())}
        bonds = [
            (k, number[tuple(other)])
            for k, cell in enumerate(grid.tolist())
            for axis in range(3)
            for other in [[c + (i == axis) for i, c in enumerate(cell)]]
            if tuple(other) in number
        ]
        places = (grid - (n - 1) / 2) * (1.3 / (n - 1)) * [1, 1, self.tall]
        return affine.apply(towards((1.0, 1.0, self.tall)).T, places), [sum(cell) % 2 for cell in grid.tolist()], bonds

    def helix(self):
        """Returns two strands about z with rungs."""
        steps, points, kinds, bonds = 8 + 2 * self.number, [], [], []
        for k in range(steps):
            c, s = cos_sin(TAU * k / 10.5)
            z = 1.9 * (k / (steps - 1) - 0.5) * self.tall / 1.1
            points += [
                (0.5 * c, 0.5 * s, z),
                (-0.5 * c, -0.5 * s, z),
                (0.12 * c, 0.12 * s, z),
                (-0.12 * c, -0.12 * s, z),
            ]
            kinds += [0, 0, 1, 1]
            bonds += [(4 * k, 4 * k + 2), (4 * k + 2, 4 * k + 3), (4 * k + 3, 4 * k + 1)] + (
                [(4 * k, 4 * k - 4), (4 * k + 1, 4 * k - 3)] if k else []
            )
        return np.array(points), kinds, bonds

    def chain(self):
        """Returns a zigzag of rings and links with small atoms wherever a bond is free."""
        rng = Rng(self.seed, "chain")
        hexagon = np.array([(0.0, 0.3 * c, 0.3 * s) for k in range(6) for c, s in [cos_sin(TAU * k / 6 + TAU / 12)]])
        points, kinds, bonds = list(hexagon), [0] * 6, [(k, (k + 1) % 6) for k in range(6)]
        ends = [(k, affine.unit(hexagon[k])) for k in range(6)]
        for step in range(self.number + 6):
            k, way = ends.pop(0)
            grow = len(ends) < 14 and rng.child("grow", step).chance(0.65)
            points.append(points[k] + way * (0.3 if grow else 0.2))
            kinds.append(0 if grow else 1)
            bonds.append((k, len(points) - 1))
            if grow:
                turn = affine.unit(affine.cross(way, rng.child("turn", step).direction()))
                ends += [(len(points) - 1, affine.unit(0.45 * way + 0.9 * side * turn)) for side in (1, -1)]
        for k, way in ends:
            points.append(points[k] + way * 0.2)
            kinds.append(1)
            bonds.append((k, len(points) - 1))
        points = np.array(points)
        return points * 1.15, kinds, bonds

    def orbits(self):
        """Yields a nucleus of packed balls; rings with electrons, held by a ring about them all."""
        rng = Rng(self.seed, "nucleus")
        count = 10 + 3 * self.number
        z = [1 - (2 * k + 1) / count for k in range(count)]
        places = [
            np.array([*(np.sqrt(1 - h * h) * np.array(cos_sin(TAU * 0.381966 * k))), h]) * 0.2 for k, h in enumerate(z)
        ]
        kinds = [int(rng.child(k).chance(0.5)) for k in range(count)]
        yield turned_ball(0.18, "atom", "atom")
        for number, label in enumerate(("atom", "other")):
            chosen = [(np.eye(3), place) for place, kind in zip(places, kinds) if kind == number]
            if chosen:
                yield at(turned_ball(0.085, label, label), chosen)
        ring = tube(circle(0.85), 0.8 * self.bond, "orbit", "bond", sides=16)
        rings = 2 + self.number % 3
        for k in range(rings):
            electron = turned_ball(self.atom, "electron", "other").move(0.85, 0, 0).turn("z", 1.3 * k)
            yield union((ring, electron)).turn("x", TAU / 4).turn("z", TAU / 2 * k / rings)
        yield rod((0, 0, -1.3), (0, 0, 0), 0.03, "stand", "bond")

    def words(self) -> str:
        return {
            "cage": "a cage molecule",
            "crystal": "a model of a crystal",
            "helix": "a double helix",
            "chain": "a molecule of balls and sticks",
            "atom": "a model of an atom",
        }[self.form]
