"""Exact solids by set algebra: `body | handles - bore`.

Immutable values over manifold3d that know, for every triangle, which leaf and chart it came from.

Manifold keeps the original id of every triangle through any number of booleans and interpolates vertex properties
(docs/papers.md, Geometry): each chart of each leaf has an id of its own, and the properties are the position on that
chart and the height that details gave it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
from manifold3d import Error, Manifold, Mesh, OpType

from detailverse.modelling.surface import Leaf, Surface
from zeroverse.core import affine
from zeroverse.core.affine import rotation
from zeroverse.core.portable import TAU
from zeroverse.core.topology import closed, linked, volume, weld_places
from zeroverse.shapes.solid import Rejected

CHANNELS = 3  # u, v, relief
CRUMB = 1e-5  # of the volume of all: a piece smaller than that is debris
TOUCH = 2e-5  # object units
ORNAMENT = "ornament"  # the slot of the material that all ornaments of an object share


@dataclass(frozen=True, eq=False)
class Solid:
    """A closed solid. `leaves`: (first original id, leaf) of everything that went in, in the order of their ids."""

    manifold: Manifold
    leaves: tuple[tuple[int, Leaf], ...]

    def __or__(self, other: "Solid") -> "Solid":
        return union((self, other))

    def __sub__(self, other: "Solid") -> "Solid":
        """Returns what is left of self. Faces that `other` cut belong to the part that was cut."""
        host = self.leaves[0][1]
        cut = [(first, replace(leaf, label=host.label, slot=host.slot, cut=True)) for first, leaf in other.leaves]
        return Solid(self.manifold - other.manifold, _merged(self.leaves, cut))

    def __and__(self, other: "Solid") -> "Solid":
        """Returns what both share. Faces of `other` belong to the part of self."""
        host = self.leaves[0][1]
        trim = [(first, replace(leaf, label=host.label, slot=host.slot)) for first, leaf in other.leaves]
        return Solid(self.manifold ^ other.manifold, _merged(self.leaves, trim))

    def move(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> "Solid":
        """Returns the solid moved by (x, y, z)."""
        return replace(self, manifold=self.manifold.translate((float(x), float(y), float(z))))

    def turn(self, axis: str | Sequence[float], angle: float) -> "Solid":
        """Returns the solid turned by `angle` radians about the axis "x", "y", "z" or a direction [3] through the
        origin.
        """
        return self.transform(rotation(axis, angle))

    def scale(self, x: float, y: float | None = None, z: float | None = None) -> "Solid":
        """Returns the solid scaled by x in all directions, or by x, y and z."""
        return replace(
            self, manifold=self.manifold.scale((float(x), float(x if y is None else y), float(x if z is None else z)))
        )

    def mirror(self, axis: str) -> "Solid":
        """Returns the mirror image across the plane through the origin with the normal `axis`."""
        return self.scale(*(-1.0 if name == axis else 1.0 for name in "xyz"))

    def transform(self, matrix: np.ndarray, offset=(0.0, 0.0, 0.0)) -> "Solid":
        """Returns the solid under p -> matrix [3, 3] @ p + offset [3]."""
        return replace(self, manifold=self.manifold.transform(np.column_stack([matrix, offset])))

    def named(self, label: str, slot: str | None = None) -> "Solid":
        """Returns the same solid as a part of its own: fresh ids, all leaves called `label`. Copies that labels must
        tell apart need it.
        """
        mesh, leaves = self.manifold.to_mesh(), []
        ids = np.asarray(mesh.run_original_id, dtype=np.int64)
        fresh = ids.copy()
        for first, leaf in self.leaves:
            start = Manifold.reserve_ids(max(1, len(leaf.sizes)))
            own = (ids >= first) & (ids < first + max(1, len(leaf.sizes)))
            fresh[own] = ids[own] - first + start
            leaves.append((start, replace(leaf, label=label, slot=slot or leaf.slot)))
        merges = {
            name: np.array(getattr(mesh, name), dtype=np.uint32)
            for name in ("merge_from_vert", "merge_to_vert", "run_index")
        }
        copy = Manifold(
            Mesh(
                np.array(mesh.vert_properties),
                np.array(mesh.tri_verts),
                run_original_id=fresh.astype(np.uint32),
                **merges,
            )
        )
        return Solid(copy, tuple(leaves))

    def under(self, prefix: str) -> "Solid":
        """Returns the same solid as a group of an object of several: the part and slot `knob` become `lid.knob`;
        ornaments keep their slot.
        """
        return replace(
            self,
            leaves=tuple(
                (
                    first,
                    replace(
                        leaf,
                        label=f"{prefix}.{leaf.label}",
                        slot=leaf.slot if leaf.slot == ORNAMENT else f"{prefix}.{leaf.slot}",
                    ),
                )
                for first, leaf in self.leaves
            ),
        )

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the corners (low [3], high [3]) of the bounding box."""
        box = self.manifold.bounding_box()
        return np.array(box[:3]), np.array(box[3:])

    @property
    def size(self) -> np.ndarray:
        """Returns the sides of the bounding box [3]."""
        low, high = self.bounds
        return high - low

    def surface(self) -> Surface:
        """Returns the triangles. Raises Rejected where the boolean failed, nothing is left, or the result is not closed
        in float32.
        """
        if self.manifold.status() != Error.NoError:
            raise Rejected(f"boolean failed: {self.manifold.status().name}")
        if self.manifold.is_empty():
            raise Rejected("empty")
        whole = _without_debris(self.manifold)
        try:
            return _surface(whole.to_mesh(), self.leaves)
        except Rejected as error:
            if error.reason != "not watertight":
                raise
        return _surface(
            whole.simplify(TOUCH).to_mesh(), self.leaves
        )  # edges shorter than float32 can tell go, and the solid stays one


def union(solids: Iterable[Solid]) -> Solid:
    """Returns all of the solids joined, in one step: many booleans in sequence on a big mesh are what costs
    (docs/papers.md, Geometry). Raises ValueError for none.
    """
    solids = tuple(solids)
    if not solids:
        raise ValueError("union: expected at least one solid, got none")
    if len(solids) == 1:
        return solids[0]
    return Solid(
        Manifold.batch_boolean([solid.manifold for solid in solids], OpType.Add),
        reduce(_merged, (solid.leaves for solid in solids)),
    )


def around(solid: Solid, count: int) -> Solid:
    """Returns `count` copies turned evenly about the z axis."""
    return union(_evaluated(solid).turn("z", TAU * i / count) for i in range(count))


def row(solid: Solid, count: int, step: Sequence[float]) -> Solid:
    """Returns `count` copies, each moved by `step` [3] from the one before."""
    return union(_evaluated(solid).move(*(i * float(x) for x in step)) for i in range(count))


def at(solid: Solid, frames: Iterable[tuple[np.ndarray, np.ndarray]]) -> Solid:
    """Returns a copy for each (matrix [3, 3], offset [3])."""
    return union(_evaluated(solid).transform(matrix, offset) for matrix, offset in frames)


def _evaluated(solid: Solid) -> Solid:
    """Returns the same solid with its booleans done: Manifold is lazy, and would do them again in every copy."""
    solid.manifold.num_tri()
    return solid


def leaf_solid(leaf: Leaf, points, faces, chart, uv=None, relief=None) -> Solid:
    """Returns one closed mesh as a solid. points: [N, 3]; faces: [F, 3] in the order of their charts; chart: [F]
    numbers from 0, or None without charts.

    uv: [N, 2] and relief: [N], for vertices; positions may repeat where these differ. Raises Rejected when the mesh is
    not closed.
    """
    count = max(1, len(leaf.sizes))
    runs = np.searchsorted(chart, np.arange(count + 1)) if chart is not None else np.array([0, len(faces)])
    manifold, first = _meshed(leaf.label, points, faces, runs, uv, relief)
    return Solid(manifold, ((first, leaf),))


def painted_solid(leaves: Sequence[Leaf], points, faces, paint, relief=None) -> Solid:
    """Returns one closed mesh of several leaves without charts, such as a polygonised field, as a solid. paint: [F] the
    number of the leaf of each face.
    """
    order = np.argsort(paint, kind="stable")
    manifold, first = _meshed(
        leaves[0].label, points, faces[order], np.searchsorted(paint[order], np.arange(len(leaves) + 1)), None, relief
    )
    return Solid(manifold, tuple((first + number, leaf) for number, leaf in enumerate(leaves)))


def _meshed(name: str, points, faces, runs, uv, relief) -> tuple[Manifold, int]:
    """Returns the manifold, and the first of the original ids that its runs got."""
    count = len(runs) - 1
    first = Manifold.reserve_ids(count)
    place = weld_places(points)
    keeper = np.full(place.max() + 1, len(points), dtype=np.int64)
    np.minimum.at(keeper, place, np.arange(len(points)))
    weld = keeper[place]
    seam = np.flatnonzero(weld != np.arange(len(points)))
    channels = np.zeros((len(points), 3 + CHANNELS), np.float32)
    channels[:, :3] = points
    channels[:, 3:5] = 0.0 if uv is None else uv
    channels[:, 5] = 0.0 if relief is None else relief
    manifold = Manifold(
        Mesh(
            channels,
            faces.astype(np.uint32),
            merge_from_vert=seam.astype(np.uint32),
            merge_to_vert=weld[seam].astype(np.uint32),
            run_index=(3 * runs).astype(np.uint32),
            run_original_id=np.arange(first, first + count, dtype=np.uint32),
        )
    )
    if manifold.status() != Error.NoError:
        raise Rejected(f"{name}: open: {manifold.status().name}")
    return manifold, first


def native(manifold: Manifold, leaf: Leaf) -> Solid:
    """Returns a solid that comes from Manifold itself (an extrusion, a hull) as one leaf without charts."""
    mesh = manifold.to_mesh()
    channels = np.zeros((len(mesh.vert_properties), 3 + CHANNELS), np.float32)
    channels[:, :3] = mesh.vert_properties[:, :3]
    return leaf_solid(leaf, channels[:, :3].astype(np.float64), np.asarray(mesh.tri_verts, dtype=np.int64), None)


def _merged(a, b) -> tuple[tuple[int, Leaf], ...]:
    """Returns both tables of leaves as one; of an id in both, as copies have, the first entry counts."""
    return tuple(sorted((dict(b) | dict(a)).items(), key=lambda item: item[0]))


def _without_debris(manifold: Manifold) -> Manifold:
    """Returns the manifold without the crumbs that booleans of nearly touching surfaces leave, and without sealed
    cavities, whose volume is negative: nobody sees them.
    """
    pieces = manifold.decompose()
    if len(pieces) == 1:
        return manifold
    least = CRUMB * manifold.volume()
    return Manifold.compose([piece for piece in pieces if piece.volume() > least])


def _surface(mesh, leaves) -> Surface:
    """Returns Manifold's mesh as a Surface: welded by position in float32, checked, and every triangle traced to its
    leaf and chart. Raises Rejected.
    """
    vertices, faces = np.asarray(mesh.vert_properties, dtype=np.float64), np.asarray(mesh.tri_verts, dtype=np.int64)
    ids = np.repeat(
        np.asarray(mesh.run_original_id, dtype=np.int64), np.diff(np.asarray(mesh.run_index, dtype=np.int64)) // 3
    )
    if not np.isfinite(vertices).all():
        raise Rejected("not finite")
    welded, place, keep = _distinct(vertices[:, :3], faces)
    if len(welded) == 0:
        raise Rejected("empty")
    if not closed(welded):
        vertices = vertices.copy()
        vertices[:, :3] = _parted(vertices[:, :3], faces, mesh)
        welded, place, keep = _distinct(vertices[:, :3], faces)
        if not closed(welded):
            raise Rejected("not watertight")
    faces, ids = faces[keep], ids[keep]
    points = np.empty((int(place.max()) + 1, 3))
    points[place] = vertices[:, :3] + 0.0
    if volume(points, welded) <= 0:
        raise Rejected("negative volume")
    firsts = np.array([first for first, _ in leaves])
    leaf = np.searchsorted(firsts, ids, side="right") - 1
    mapped = np.array([len(one.sizes) > 0 for _, one in leaves])[leaf]
    chart = np.where(mapped, ids - firsts[leaf], -1)
    uv, relief = vertices[faces, 3:5], vertices[faces, 5]
    return Surface(points, welded, leaf, chart, uv, relief, tuple(one for _, one in leaves))


def _distinct(positions, faces) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the faces between places [F', 3], the place of each vertex, and which faces are left: those that do not
    shrink to nothing in float32.
    """
    place = weld_places(positions)
    a, b, c = place[faces].T
    keep = (a != b) & (b != c) & (c != a)
    return place[faces[keep]], place, keep


def _parted(positions: np.ndarray, faces: np.ndarray, mesh) -> np.ndarray:
    """Returns positions [N, 3] at which sheets of surface that only touch, in a point or along an edge, no longer share
    a place: each withdraws by `TOUCH`.

    Manifold knows such sheets apart by its own topology, which a GLB does not carry: readers merge by position, and
    then four faces share an edge.
    """
    vertex = np.arange(len(positions))
    vertex[np.asarray(mesh.merge_from_vert, dtype=np.int64)] = np.asarray(mesh.merge_to_vert, dtype=np.int64)
    place = weld_places(positions)
    start, end = vertex[faces].ravel(), vertex[np.roll(faces, -1, axis=1)].ravel()
    short = place[start] == place[end]  # edges that shrink to nothing: their ends are one
    sheet = linked(start[short], end[short], len(positions))[vertex]
    sheets = np.unique(np.stack([place, sheet], axis=1), axis=0)[:, 0]
    crowded = np.isin(place, sheets[1:][sheets[1:] == sheets[:-1]])
    normals = affine.vertex_normals(positions, faces, sheet)
    return np.where(crowded[:, None], positions - TOUCH * normals, positions)
