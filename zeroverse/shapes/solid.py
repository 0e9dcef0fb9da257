"""Bodies, their union as a closed solid, and the way back to one textured mesh per body.

Manifold's boolean keeps, for every triangle, the surface it came from, and interpolates normals and uv
(docs/papers.md, Geometry). Every surface of every body has an original id of its own, so that parts, surfaces and
textures stay known through any number of operations.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import trimesh
from manifold3d import Error, Manifold, Mesh, OpType

from zeroverse.asset import AssetError
from zeroverse.core import affine
from zeroverse.core.rng import Rng
from zeroverse.core.topology import closed, vertex_pieces, volume, weld_places
from zeroverse.shapes.atlas import Tile

# of the longest side: hardly any whole part is smaller; cuts leave such bits floating, and one far away shrinks the
# rest
CRUMB = 0.15


class Rejected(AssetError):
    """An object that must not be kept; `reason` is short and the same for all objects with this fault."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, eq=False)
class Body:
    """One closed mesh with a texture tile per surface, in the object's frame.

    points, normals: [N, 3]; uv: [N, 2]; faces: [F, 3], surface after surface, where surface k has faces[runs[k]:runs[k
        + 1]].
    weld: [N] the first vertex at the same place. to_texture: ([3, 3], [3]), from the object's frame to the one its
        textures live in.
    inside_out: it was subtracted, and what remains of it faces inward.
    """

    name: str
    points: np.ndarray
    normals: np.ndarray
    uv: np.ndarray
    faces: np.ndarray
    runs: np.ndarray
    weld: np.ndarray
    tiles: tuple[Tile, ...]
    to_texture: tuple[np.ndarray, np.ndarray]
    inside_out: bool = False


@dataclass(frozen=True, eq=False)
class Solid:
    """A closed solid made of bodies. first_ids: the original id of each body's surface 0, the others follow."""

    manifold: Manifold
    bodies: tuple[Body, ...]
    first_ids: tuple[int, ...]

    @property
    def extent(self) -> float:
        """Returns the longest side of the bounding box."""
        box = self.manifold.bounding_box()
        return max(box[axis + 3] - box[axis] for axis in range(3))


@dataclass(frozen=True, eq=False)
class Soup:
    """The solid as triangles: points, normals [N, 3], uv [N, 2], faces [F, 3], and for each face the number of its body
    and of its surface.
    """

    points: np.ndarray
    normals: np.ndarray
    uv: np.ndarray
    faces: np.ndarray
    body: np.ndarray
    surface: np.ndarray
    duplicates: np.ndarray  # vertices that repeat the place of another one, where normals or uv differ


def union(bodies: Sequence[Body]) -> Solid:
    """Returns the union of all bodies. Raises Rejected where the boolean fails."""
    manifolds, ids = zip(*(_manifold(body) for body in bodies))
    return Solid(_checked(Manifold.batch_boolean(list(manifolds), OpType.Add)), tuple(bodies), ids)


def add(solid: Solid, body: Body) -> Solid:
    """Returns the union of a solid and one more body. Raises Rejected where the boolean fails."""
    manifold, first = _manifold(body)
    return Solid(_checked(solid.manifold + manifold), (*solid.bodies, body), (*solid.first_ids, first))


def subtract(solid: Solid, body: Body) -> Solid:
    """Returns the solid without the volume of a body, whose surfaces become the walls of the cut. Raises Rejected where
    the boolean fails.
    """
    manifold, first = _manifold(body)
    return Solid(
        _checked(solid.manifold - manifold), (*solid.bodies, replace(body, inside_out=True)), (*solid.first_ids, first)
    )


def _manifold(body: Body) -> tuple[Manifold, int]:
    first = Manifold.reserve_ids(len(body.tiles))
    seam = np.flatnonzero(body.weld != np.arange(len(body.weld))).astype(np.uint32)
    manifold = Manifold(
        Mesh(
            np.concatenate([body.points, body.normals, body.uv], axis=1).astype(np.float32),
            body.faces.astype(np.uint32),
            merge_from_vert=seam,
            merge_to_vert=body.weld[seam].astype(np.uint32),
            run_index=(3 * body.runs).astype(np.uint32),
            run_original_id=np.arange(first, first + len(body.tiles), dtype=np.uint32),
        )
    )
    if manifold.status() != Error.NoError:
        raise Rejected(f"open part: {manifold.status().name}")
    return manifold, first


def _checked(manifold: Manifold) -> Manifold:
    if manifold.status() != Error.NoError:
        raise Rejected(f"boolean failed: {manifold.status().name}")
    if manifold.is_empty():
        raise Rejected("empty")
    return manifold


def soup(solid: Solid) -> Soup:
    """Returns the solid's triangles; what was subtracted has its normals turned to face out of the material."""
    mesh = solid.manifold.to_mesh()
    vertices, faces = mesh.vert_properties.astype(np.float64), mesh.tri_verts.astype(np.int64)
    lengths = np.diff(np.asarray(mesh.run_index, dtype=np.int64)) // 3
    ids = np.repeat(np.asarray(mesh.run_original_id, dtype=np.int64), lengths)
    body = np.searchsorted(solid.first_ids, ids, side="right") - 1  # ids are reserved in the order of the bodies
    surface = ids - np.asarray(solid.first_ids)[body]
    normals = affine.unit(vertices[:, 3:6])
    inward = np.array([one.inside_out for one in solid.bodies])[body]
    normals[np.unique(faces[inward])] *= -1.0
    return Soup(
        vertices[:, :3] + 0.0,
        normals,
        vertices[:, 6:8],
        faces,
        body,
        surface,
        np.asarray(mesh.merge_from_vert, dtype=np.int64),
    )


def surface_point(triangles: Soup, fraction: float) -> tuple[np.ndarray, int, int]:
    """Returns (point [3], body, surface) of the vertex at `fraction` of the list of distinct vertices, each place
    counted once.
    """
    once = np.ones(len(triangles.points), dtype=bool)
    once[triangles.duplicates] = False
    vertex = np.flatnonzero(once)[int(fraction * np.count_nonzero(once))]
    face = int(np.flatnonzero((triangles.faces == vertex).any(axis=1))[0])
    return triangles.points[vertex], int(triangles.body[face]), int(triangles.surface[face])


def clean(triangles: Soup) -> Soup:
    """Returns the soup without the triangles that shrink to nothing in float32 and without debris. Raises Rejected
    unless the rest is closed, oriented and has a positive volume.
    """
    place = weld_places(triangles.points)
    a, b, c = place[triangles.faces].T
    keep = (a != b) & (b != c) & (c != a)
    faces = triangles.faces[keep]
    if len(faces) == 0:
        raise Rejected("empty")
    if (
        not np.isfinite(triangles.points).all()
        or not np.isfinite(triangles.normals).all()
        or not np.isfinite(triangles.uv).all()
    ):
        raise Rejected("not finite")
    if not closed(place[faces]):
        raise Rejected("not watertight")
    if volume(triangles.points, faces) <= 0:
        raise Rejected("negative volume")
    large = ~debris(triangles.points, faces, place)
    return replace(
        triangles, faces=faces[large], body=triangles.body[keep][large], surface=triangles.surface[keep][large]
    )


def debris(points: np.ndarray, faces: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Returns [F] whether a face belongs to a crumb, a connected piece whose bounding box is smaller than `CRUMB` of
    the whole: cuts leave them.
    """
    corners = place[faces]
    pieces = vertex_pieces(corners, len(points))
    count, piece = int(pieces.max()) + 1, pieces[corners[:, 0]]
    low, high = np.full((2, count, 3), np.inf) * np.array([1, -1])[:, None, None]
    for corner in range(3):
        np.minimum.at(low, piece, points[faces[:, corner]])
        np.maximum.at(high, piece, points[faces[:, corner]])
    sides = (high - low).max(axis=1)  # -inf for a number that no face has
    return sides[piece] < CRUMB * (high.max(axis=0) - low.min(axis=0)).max()


def jittered(body: Body, amount: float) -> Body:
    """Returns the body moved by `amount` in a direction that depends on its name only: parts that touched along an edge
    no longer do.
    """
    return replace(body, points=body.points + amount * Rng("jitter", body.name).direction())


def body_mesh(triangles: Soup, number: int) -> trimesh.Trimesh | None:
    """Returns the triangles of one body with their normals and uv, unused vertices dropped; None where nothing of it is
    left.
    """
    faces = triangles.faces[triangles.body == number]
    if len(faces) == 0:
        return None
    used, packed = np.unique(faces, return_inverse=True)
    visual = trimesh.visual.TextureVisuals(uv=triangles.uv[used])
    return trimesh.Trimesh(
        triangles.points[used],
        packed.reshape(-1, 3),
        vertex_normals=triangles.normals[used],
        visual=visual,
        process=False,
    )
