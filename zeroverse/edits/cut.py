"""Boolean cut: a primitive centred at a random vertex of the object is subtracted; its imprint shows the texture of
what it hit.
"""

from dataclasses import dataclass

import numpy as np

from zeroverse.asset import LONGEST_SIDE
from zeroverse.core import affine
from zeroverse.core.record import Record, checked, number, quaternion
from zeroverse.core.rng import Rng
from zeroverse.shapes import kinds, name_of, words_of
from zeroverse.shapes.atlas import Tile, tile_uv
from zeroverse.shapes.solid import Body, Rejected, Solid, jittered, soup, subtract, surface_point
from zeroverse.shapes.template import template

LEAST_REMOVED = 0.002  # of the volume: below it the cut hit a sliver and shows nowhere
LEAST_LEFT = 0.2  # of the volume: below it the cutter swallowed the object


@dataclass(frozen=True)
class Cut(Record):
    """A primitive taken away. size: the cutter's half-extent where the object's longest side is 1.8. vertex: which
    vertex, as a fraction of their list, 0 to 1.
    """

    shape: object
    size: float = checked(lambda value: number(value, 0.01, 1.8))
    rotation: tuple[float, float, float, float] = checked(quaternion)
    vertex: float = checked(lambda value: number(value, 0, 0.999999))

    @classmethod
    def sample(cls, rng: Rng, shapes: tuple[str, ...], sample_texture) -> "Cut":
        kind = kinds()[rng.child("kind").choice(shapes)]
        return cls(
            kind.sample(rng.child("shape")),
            rng.child("size").uniform(0.3, 0.6),
            rng.child("rotation").quat(),
            min(rng.child("vertex").uniform(), 0.999999),
        )

    def words(self) -> str:
        return f"with a {words_of(name_of(self.shape))[2]} cut"

    def apply(self, solid: Solid, jitter: float) -> Solid:
        """Returns the solid without the cutter's volume. Raises Rejected when that removes next to nothing or nearly
        everything.

        The imprint is a body of its own, named `cut`: it may run through several parts, and where a cut was made is a
        label worth having.
        """
        point, owner, surface = surface_point(soup(solid), self.vertex)
        cutter = self._body(point, self.size * solid.extent / LONGEST_SIDE, solid.bodies[owner], surface)
        result = subtract(solid, jittered(cutter, jitter))
        left = result.manifold.volume() / solid.manifold.volume()
        if left > 1 - LEAST_REMOVED:
            raise Rejected("cut: removes nothing")
        if left < LEAST_LEFT:
            raise Rejected("cut: leaves nothing")
        return result

    def _body(self, center: np.ndarray, size: float, owner: Body, surface: int) -> Body:
        mesh, rotation = template(self.shape), affine.rotation_matrix(self.rotation)
        matrix, offset = (
            owner.to_texture
        )  # the cut shows the owner's solid texture where it lies: the grain runs on into the imprint
        texture, frame = owner.tiles[surface].texture, affine.product(matrix, rotation * size)
        shift = affine.apply(matrix, center, offset)
        tiles = tuple(Tile(texture, patch.position, frame, shift, mirrored=True) for patch in mesh.patches)
        patch = np.repeat(np.arange(len(tiles)), np.diff(mesh.starts))[:, None]
        uv = np.concatenate(
            [tile_uv(mesh.patch_uv[patch[:, 0] == k] * [-1, 1] + [1, 0], k, len(tiles)) for k in range(len(tiles))]
        )
        return Body(
            "cut",
            affine.apply(rotation * size, mesh.points, center),
            affine.apply(rotation, mesh.normals),
            uv,
            mesh.faces,
            mesh.runs,
            mesh.weld,
            tiles,
            owner.to_texture,
        )
