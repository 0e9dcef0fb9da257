"""Pictures of fields.npz: inside is red, outside blue, creases are where the edges of a cube are."""

import numpy as np

from detailverse.labels import fields
from detailverse.modelling.shapes import box
from renderers.gallery import field_pictures
from zeroverse.core.rng import Rng

PALETTE = np.array([(0, 0, 0), (200, 100, 50)], np.uint8)


def test_a_cube_shows_its_part_its_edges_and_its_inside():
    budget = fields.Budget(surface=4000, salient=2000, near=4000, volume=60_000)
    data = fields.to_npz_bytes(fields.fields(box(1.8, 1.8, 1.8, "cube", "x").surface(), Rng("test"), budget))
    (_, parts), (_, creases), (_, cut) = field_pictures.pictures(data, PALETTE)
    side = field_pictures.SIDE
    middle, corner = cut[side // 2, side // 2].astype(int), cut[2, 2].astype(int)
    assert middle[0] > middle[2] and corner[2] > corner[0]
    assert (parts[..., 0] > parts[..., 2])[(parts != 255).any(axis=-1)].all()  # one part, the colour of the palette
    inked = (creases != 255).any(axis=-1).mean()
    assert 0.005 < inked < 0.1  # lines, no faces
