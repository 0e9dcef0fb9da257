"""Wireframe: one more primitive, coarse, as a cage of struts: thin legs and rails, which solid primitives never show.

Inset method (docs/papers.md, Geometry): each face of the cage is shrunk in its plane; what is left of it, moved out and
in by half the thickness and bridged along the hole, is closed and has one hole per face. Blender's wireframe modifier
builds the same.
"""

from dataclasses import dataclass

import numpy as np

from zeroverse.asset import LONGEST_SIDE
from zeroverse.core import affine
from zeroverse.core.record import Record, checked, number, quaternion, whole
from zeroverse.core.rng import Rng
from zeroverse.shapes import kinds, name_of, words_of
from zeroverse.shapes.atlas import Tile, tile_uv
from zeroverse.shapes.patch import stack
from zeroverse.shapes.solid import Body, Solid, add, jittered, soup, surface_point
from zeroverse.shapes.template import first_equal, grid_faces
from zeroverse.textures import Texture

# of a strut, over its thickness: at 1 the rims of two faces at a right angle would coincide, and strips of no area
# break booleans
BREADTH = 1.25
# how far struts reach inward, over how far outward: at a cone's base, 65 degrees, the rims of two faces would cross at
# 1
INWARD = 0.75
LONGEST_MITRE = 2.0  # at a sharp tip the exact corner of a strut would lie far outside
WIDEST_INSET = 0.45  # of a face's half-width: every face keeps a hole


@dataclass(frozen=True)
class Wireframe(Record):
    """A cage of struts. size: half-extent of the cage; thickness: twice what a strut stands out of the cage's faces;
    both where the object's longest side is 1.8.
    level: subdivisions, 0 or 1 when sampled. vertex: of the object, where the cage is centred, as a fraction of their
        list.

    The released thickness U(0.01, 0.03) belongs to an object of half that size. Ours, U(0.02, 0.06), is 2 to 6 pixels
    at 256².
    """

    shape: object
    size: float = checked(lambda value: number(value, 0.01, 1.8))
    thickness: float = checked(lambda value: number(value, 0.002, 0.2))
    level: int = checked(lambda value: whole(value, 0, 2))
    rotation: tuple[float, float, float, float] = checked(quaternion)
    vertex: float = checked(lambda value: number(value, 0, 0.999999))
    texture: Texture

    @classmethod
    def sample(cls, rng: Rng, shapes: tuple[str, ...], sample_texture) -> "Wireframe":
        kind = kinds()[rng.child("kind").choice(shapes)]
        return cls(
            kind.sample(rng.child("shape")),
            rng.child("size").uniform(0.3, 0.6),
            rng.child("thickness").uniform(0.02, 0.06),
            rng.child("level").integer(0, 2),
            rng.child("rotation").quat(),
            min(rng.child("vertex").uniform(), 0.999999),
            sample_texture(rng.child("texture")),
        )

    def words(self) -> str:
        return f"with a {words_of(name_of(self.shape))[2]} wireframe"

    def apply(self, solid: Solid, jitter: float) -> Solid:
        """Returns the solid united with the struts, centred at one of its vertices so that they are attached."""
        center, _, _ = surface_point(soup(solid), self.vertex)
        return add(solid, jittered(self._body(center, self.size * solid.extent / LONGEST_SIDE), jitter))

    def _body(self, center: np.ndarray, size: float) -> Body:
        corners, weld = struts(
            *cage(self.shape, self.level), self.thickness / self.size
        )  # [Q, 4, 3] in the cage's frame
        points = corners.reshape(-1, 3)
        normals = np.repeat(_normals(corners), 4, axis=0)
        bound = float(np.abs(points).max())
        first = 4 * np.arange(len(corners))[:, None]
        faces = np.concatenate([first + [0, 1, 2], first + [0, 2, 3]], axis=1).reshape(-1, 3)
        rotation = affine.rotation_matrix(self.rotation)
        tile = Tile(self.texture, _plane(bound), np.eye(3), np.zeros(3))
        inverse = rotation.T / size
        return Body(
            "wireframe",
            affine.apply(rotation * size, points, center),
            affine.apply(rotation, normals),
            tile_uv(_planar_uv(points / bound, normals), 0, 1),
            faces,
            np.array([0, len(faces)]),
            weld,
            (tile,),
            (inverse, -affine.apply(inverse, center)),
        )


def cage(shape, level: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Returns welded vertices [M, 3] and the faces between them: triangles [A, 3] and quads [B, 4]."""
    patches = shape.cage(level)
    points = np.concatenate([patch.points.reshape(-1, 3) for patch in patches]) + 0.0
    starts = np.cumsum([0] + [patch.points[..., 0].size for patch in patches])
    places, weld = np.unique(first_equal(points), return_inverse=True)
    halves = np.concatenate(
        [grid_faces(*patch.points.shape[:2]) + start for patch, start in zip(patches, starts)]
    ).reshape(-1, 6)
    quads = weld[halves[:, [0, 1, 2, 5]]]
    degenerate = quads == np.roll(quads, -1, axis=1)  # a quad at a pole has one side of no length
    triangles = [np.delete(quad, np.flatnonzero(side)[0]) for quad, side in zip(quads, degenerate) if side.any()]
    faces = [np.array(triangles, dtype=np.int64).reshape(-1, 3), quads[~degenerate.any(axis=1)]]
    return points[places], [group for group in faces if len(group)]


def struts(vertices: np.ndarray, faces: list[np.ndarray], thickness: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns the strut mesh as quads [Q, 4, 3], and for each of its 4 Q vertices the first one at the same place."""
    half, count = thickness / 2, len(vertices)
    offset = half * _mitres(vertices, faces)
    places, quads = [vertices + offset, vertices - INWARD * offset], []
    number = 2 * count
    for group in faces:
        corners = vertices[group]  # [F, k, 3]
        rim, width = _inset(corners, BREADTH * half)
        lift = width / BREADTH * _normals(corners)[:, None]
        places += [(rim + lift).reshape(-1, 3), (rim - INWARD * lift).reshape(-1, 3)]
        top = number + np.arange(group.size).reshape(group.shape)
        bottom = top + group.size
        number += 2 * group.size
        ring = (group, top, bottom, group + count)  # from the outer edge over the rim to the inner edge
        for near, far in zip(ring[:-1], ring[1:]):
            quads.append(
                np.stack([near, np.roll(near, -1, axis=1), np.roll(far, -1, axis=1), far], axis=-1).reshape(-1, 4)
            )
    quads = np.concatenate(quads)
    _, first, inverse = np.unique(quads.ravel(), return_index=True, return_inverse=True)
    return np.concatenate(places)[quads], first[inverse.ravel()]


def _normals(corners: np.ndarray) -> np.ndarray:
    """Returns unit normals [F, 3] of flat or nearly flat polygons [F, k, 3] with k = 3 or 4."""
    ends = corners[:, 3] if corners.shape[1] == 4 else corners[:, 0]
    return affine.unit(affine.cross(corners[:, 2] - corners[:, 0], ends - corners[:, 1]))


def _mitres(vertices: np.ndarray, faces: list[np.ndarray]) -> np.ndarray:
    """Returns [M, 3]: where each vertex goes when all its faces move out by 1, exactly at a cube's corner, nearly
    elsewhere.
    """
    corner = np.concatenate([group.ravel() for group in faces])
    normals = np.concatenate([np.repeat(_normals(vertices[group]), group.shape[1], axis=0) for group in faces])
    total = np.zeros_like(vertices)
    np.add.at(total, corner, normals)
    direction = affine.unit(total)
    cosine = np.bincount(corner, (normals * direction[corner]).sum(axis=1)) / np.bincount(
        corner
    )  # mean over the faces of a vertex
    return direction * np.minimum(1 / np.maximum(cosine, 1e-6), LONGEST_MITRE)[:, None]


def _inset(corners: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns the polygons [F, k, 3] with every side moved inward by `width`, less where a face is too small for it;
    and the widths [F, 1, 1].
    """
    following = np.roll(corners, -1, axis=1) - corners
    ahead, back = affine.unit(following), affine.unit(np.roll(corners, 1, axis=1) - corners)
    middle = corners.mean(axis=1, keepdims=True) - corners
    across = middle - ahead * (middle * ahead).sum(axis=-1, keepdims=True)
    reach = np.sqrt((across * across).sum(axis=-1)).min(axis=1)  # from the centre to the nearest side
    width = np.minimum(width, WIDEST_INSET * reach)[:, None, None]
    turn = affine.cross(ahead, back)
    return corners + width * (ahead + back) / np.sqrt((turn * turn).sum(axis=-1, keepdims=True)), width


def _plane(bound: float):
    def position(u, v):
        return stack(bound * (2 * u - 1), bound * (2 * v - 1), 0.0), stack(0 * u, 0 * v, 1.0)

    return position


def _planar_uv(points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Returns [N, 2] in [0, 1]: points in [-1, 1]^3 seen along the axis their normal is closest to, not mirrored."""
    axis = np.abs(normals).argmax(axis=1)
    row = np.arange(len(points))
    sign = np.where(normals[row, axis] < 0, -1.0, 1.0)
    return 0.5 + 0.5 * np.stack([sign * points[row, (axis + 1) % 3], points[row, (axis + 2) % 3]], axis=1)
