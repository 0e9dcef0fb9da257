"""Lattices: sheets of minimal surfaces and frames of struts that fill a body."""

from dataclasses import dataclass

import numpy as np

from detailverse import sdf
from detailverse.family import Family, Kit
from detailverse.modelling.blob import blob
from detailverse.modelling.profile import turned
from detailverse.modelling.region import polygon
from detailverse.modelling.shapes import cylinder, extrude, lathe
from detailverse.modelling.solid import Solid, around, union
from zeroverse.core.portable import TAU, cos_sin
from zeroverse.core.record import choice, flag, seed, span
from zeroverse.core.rng import Rng
from zeroverse.shapes.solid import Rejected


def envelope(form: str, tall: float) -> sdf.Sdf:
    """Returns a body about 1.5 across and `tall` times 1.5 high, about the origin."""
    if form == "ball":
        return sdf.ellipsoid(0.75, 0.75, 0.75 * tall)
    if form == "block":
        return sdf.box(1.3, 1.3, 1.4 * tall, round=0.04)
    if form == "drum":
        return sdf.cylinder(0.72, 1.4 * tall, round=0.03)
    if form == "ring":
        return sdf.torus(0.66, 0.3)
    if form == "prism":
        return sdf.prism(6, 0.8, 1.4 * tall)
    h = 0.72 * tall
    if form == "hourglass":
        return sdf.revolve([(0.0, -h), (0.72, -h), (0.5, -0.4 * h), (0.38, 0.0), (0.5, 0.4 * h), (0.72, h), (0.0, h)])
    return sdf.revolve(
        [(0.0, -h), (0.4, -h), (0.66, -0.4 * h), (0.74, 0.1 * h), (0.6, 0.6 * h), (0.36, h), (0.0, h)]
    )  # an urn


def frame(form: str, tall: float, bar: float) -> sdf.Sdf:
    """Returns bars along the edges of that body, or rings about it."""
    h = {"ball": 0.0, "ring": 0.0}.get(form, 0.7 * tall)
    if form in ("block", "prism"):
        corners = (
            [(x, y) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
            if form == "block"
            else [cos_sin(TAU * k / 6) for k in range(6)]
        )
        size, n = (0.62, 4) if form == "block" else (0.77, 6)
        points = [(size * x, size * y, z) for z in (0.02 - h, h - 0.02) for x, y in corners]
        bones = (
            [(k, (k + 1) % n) for k in range(n)]
            + [(n + k, n + (k + 1) % n) for k in range(n)]
            + [(k, n + k) for k in range(n)]
        )
        return sdf.skeleton(points, [bar] * len(points), bones)
    if form == "ball":
        hoop = sdf.torus(0.75, bar)
        return sdf.union(hoop, *([hoop.turn("x", TAU / 4), hoop.turn("y", TAU / 4)] if tall == 1.0 else []))
    if form == "ring":
        return sdf.union(
            sdf.torus(0.96, bar),
            sdf.torus(0.37, bar),
            sdf.torus(0.66, bar).move(z=0.3),
            sdf.torus(0.66, bar).move(z=-0.3),
        )
    low, high = {"drum": (0.7, 0.7), "hourglass": (0.72, 0.72)}.get(form, (0.4, 0.36))
    return sdf.union(sdf.torus(low, bar).move(z=0.02 - h), sdf.torus(high, bar).move(z=h - 0.02))


def stand(form: str, low: float, kit: Kit) -> list[Solid]:
    """Returns what it stands on: a turned base under round bodies, a plate under others. low: the height that it
    reaches into.
    """
    base = turned(0.62, -0.28).up(0.06).ogee(-0.12, 0.1).bead(0.04).to(0.46, 0.0).to(0.42, 0.14)
    if form in ("block", "prism"):
        size = 0.78 if form == "block" else 0.86
        outline = (
            polygon([(size * c * 1.3, size * s * 1.3) for k in range(4) for c, s in [cos_sin(TAU * (k + 0.5) / 4)]])
            if form == "block"
            else (polygon([(size * c, size * s) for k in range(6) for c, s in [cos_sin(TAU * k / 6)]]))
        )
        return [extrude(outline, 0.16, "base", "base", kit.skin("base")).move(0, 0, low - 0.12)]
    if form == "ring":
        base = turned(0.8, -0.2).up(0.06).ogee(-0.1, 0.06).to(0.68, 0.02).to(0.6, 0.02)
    return [lathe(base.close(), "base", "base", kit.skin("base")).move(0, 0, low)]


def whole(solid: Solid) -> Solid:
    """Returns its largest piece: a curved envelope cuts crumbs off a lattice."""
    return Solid(max(solid.manifold.decompose(), key=lambda piece: piece.volume()), solid.leaves)


@dataclass(frozen=True)
class SheetLattice(Family):
    """A body filled with one sheet that repeats in all directions: a gyroid, or Schwarz' P or D surface, in a frame."""

    SKINS = {"base": ("machine", "tech", "classical")}
    FINISHES = {
        "sheet": ("plastic", "metal", "ceramic", "bone", "painted", "gold"),
        "frame": ("metal", "plastic", "painted"),
        "base": ("metal", "stone", "wood", "plastic"),
    }

    surface: str = choice("gyroid", "schwarz", "diamond")
    form: str = choice("ball", "block", "drum", "ring", "prism", "hourglass", "urn")
    tall: float = span(0.8, 1.15)
    cell: float = span(0.42, 0.8)
    thick: float = span(0.055, 0.1)
    bar: float = span(0.035, 0.06)
    twist: float = span(-0.2, 0.2)
    framed: bool = flag(0.7)
    lean: float = span(0.0, 1.5)

    def build(self, kit: Kit) -> Solid:
        tall = 1.0 if self.form == "ball" and self.framed else self.tall
        sheet = {"gyroid": sdf.gyroid, "schwarz": sdf.schwarz, "diamond": sdf.diamond}[self.surface](
            self.cell * (1.6 if self.surface == "diamond" else 1.0), self.thick
        )
        inside = envelope(self.form, tall)
        body = sdf.smooth_intersection(inside, sheet.turn((1.0, 2.0, 0.5), self.lean), 0.03)
        if self.form in ("block", "prism", "drum", "hourglass"):
            plates = inside & (sdf.half_space("z", 0.045 - 0.7 * tall) | sdf.half_space((0, 0, -1), 0.045 - 0.7 * tall))
            body = body | plates
        if self.framed:
            body = sdf.union(body, frame(self.form, tall, self.bar).paint(1))
        if self.form in ("block", "prism", "hourglass") and abs(self.twist) > 0.07:
            body = body.twist(self.twist)
        low = body.bounds[2]
        solid = blob(body, 0.018, ("lattice", "frame"), ("sheet", "frame"))
        return union((whole(solid), *stand(self.form, low, kit)))

    def words(self) -> str:
        name = {"gyroid": "a gyroid", "schwarz": "a Schwarz P", "diamond": "a Schwarz D"}[self.surface]
        return f"{name} lattice in the shape of {'an' if self.form in ('hourglass', 'urn') else 'a'} {self.form}"


_CELLS = {  # nodes in units of a cell, and bones between nodes of it and its neighbours, as offsets from the first node
    "cubic": ([(0, 0, 0)], [(0, 0, (1, 0, 0)), (0, 0, (0, 1, 0)), (0, 0, (0, 0, 1))]),
    "centred": ([(0, 0, 0), (0.5, 0.5, 0.5)], [(0, 1, (-i, -j, -k)) for i in (0, 1) for j in (0, 1) for k in (0, 1)]),
    "braced": (
        [(0, 0, 0)],
        [
            (0, 0, (1, 0, 0)),
            (0, 0, (0, 1, 0)),
            (0, 0, (0, 0, 1)),
            (0, 0, (1, 1, 0)),
            (0, 0, (0, 1, 1)),
            (0, 0, (1, 0, 1)),
        ],
    ),
    "octet": (
        [(0, 0, 0), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5)],
        [(0, 1, (-i, -j, 0)) for i in (0, 1) for j in (0, 1)]
        + [(0, 2, (-i, 0, -j)) for i in (0, 1) for j in (0, 1)]
        + [(0, 3, (0, -i, -j)) for i in (0, 1) for j in (0, 1)],
    ),
    "diamond": (
        [
            (0, 0, 0),
            (0.5, 0.5, 0),
            (0.5, 0, 0.5),
            (0, 0.5, 0.5),
            (0.25, 0.25, 0.25),
            (0.75, 0.75, 0.25),
            (0.75, 0.25, 0.75),
            (0.25, 0.75, 0.75),
        ],
        [
            (4, 0, (0, 0, 0)),
            (4, 1, (0, 0, 0)),
            (4, 2, (0, 0, 0)),
            (4, 3, (0, 0, 0)),
            (5, 0, (1, 1, 0)),
            (5, 1, (0, 0, 0)),
            (5, 2, (0, 1, 0)),
            (5, 3, (1, 0, 0)),
            (6, 0, (1, 0, 1)),
            (6, 1, (0, 0, 1)),
            (6, 2, (0, 0, 0)),
            (6, 3, (1, 0, 0)),
            (7, 0, (0, 1, 1)),
            (7, 1, (0, 0, 1)),
            (7, 2, (0, 1, 0)),
            (7, 3, (0, 0, 0)),
        ],
    ),
}


@dataclass(frozen=True)
class StrutLattice(Family):
    """A space frame: struts between the nodes of a crystal, as far as they lie within a body, with balls at the
    nodes.
    """

    SKINS = {"base": ("machine", "tech")}
    FINISHES = {
        "strut": ("metal", "plastic", "painted", "steel", "wood"),
        "node": ("metal", "brass", "plastic", "painted"),
        "base": ("metal", "concrete", "stone"),
    }

    cell: str = choice("cubic", "centred", "braced", "octet", "diamond")
    form: str = choice("ball", "block", "drum", "ring", "prism", "hourglass", "urn")
    tall: float = span(0.8, 1.15)
    pitch: float = span(0.3, 0.46)
    bar: float = span(0.09, 0.13)
    node: float = span(1.0, 2.0)
    wander: float = span(0.0, 0.12)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        size = self.pitch * {"octet": 1.35, "diamond": 1.5, "centred": 1.15}.get(self.cell, 1.0)
        points, bones = self.frame(size)
        bar = self.bar * self.pitch * 0.75
        struts = sdf.skeleton(points, [bar] * len(points), bones, smooth=0.3 * bar)
        if kit.level >= 1 and self.node > 1.25:
            struts = sdf.union(struts, *(sdf.sphere(self.node * bar).move(*point).paint(1) for point in points))
        solid = blob(struts, 0.0165, ("strut", "node"), ("strut", "node"))
        return union((whole(solid), *self.feet(points, bar, kit)))

    def feet(self, points, bar: float, kit: Kit):
        """Yields a disc that the lowest nodes stand on."""
        low = points[points[:, 2] < points[:, 2].min() + 0.1]
        reach = float(np.sqrt((low[:, :2] ** 2).sum(axis=1).max())) + 0.12
        z = float(low[:, 2].min())
        foot = turned(reach + 0.08).up(0.05).ogee(-0.08, 0.05).to(0.0, 0.1 + 0.1 * bar).close()
        yield lathe(foot, "base", "base", kit.skin("base")).move(0, 0, z - 0.09 - 0.1 * bar)
        ring = around(cylinder(0.022, 0.04, "bolt", "node").move(reach + 0.035, 0, z - 0.075), 12)
        if kit.level >= 2:
            yield ring

    def frame(self, size: float) -> tuple[np.ndarray, list[tuple[int, int]]]:
        """Returns nodes [N, 3] within the envelope, those joined to most of the others only, and bones between them."""
        nodes, links = _CELLS[self.cell]
        reach = int(1.2 / size) + 1
        grid = np.array(
            [
                (i, j, k)
                for i in range(-reach, reach + 1)
                for j in range(-reach, reach + 1)
                for k in range(-reach, reach + 1)
            ]
        )
        keys, number = [], {}
        for cell in grid:
            for n in range(len(nodes)):
                number[(*cell.tolist(), n)] = len(keys)
                keys.append((np.array(nodes[n]) + cell + 0.5) * size)
        places = np.array(keys)
        inside = envelope(self.form, self.tall).value(places) < 0.02
        pairs = [
            (number[(*cell, a)], other)
            for *cell, a in number
            for first, second, shift in links
            if first == a
            for other in [number.get((*(c + s for c, s in zip(cell, shift)), second))]
            if other is not None
        ]
        bones = [(a, b) for a, b in pairs if inside[a] and inside[b]]
        if not bones:
            raise Rejected(f"no strut of {self.cell} cells fits within a {self.form}")
        jitter = Rng(self.seed, "wander").uniform(-1.0, 1.0, places.shape) * self.wander * size
        return _joined(places + jitter, bones)

    def words(self) -> str:
        return (
            f"a {self.cell} space frame in the shape of {'an' if self.form in ('hourglass', 'urn') else 'a'} "
            f"{self.form}"
        )


def _joined(points: np.ndarray, bones) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Returns the largest connected part of a graph, its points renumbered."""
    root = np.arange(len(points))
    ends = np.array(bones)
    while True:
        low = np.minimum(root[ends[:, 0]], root[ends[:, 1]])
        before = root.copy()
        np.minimum.at(root, ends[:, 0], low)
        np.minimum.at(root, ends[:, 1], low)
        if (root == before).all():
            break
    used = root == np.bincount(root[ends[:, 0]]).argmax()
    fresh = np.cumsum(used) - 1
    return points[used], [(int(fresh[a]), int(fresh[b])) for a, b in bones if used[a]]
