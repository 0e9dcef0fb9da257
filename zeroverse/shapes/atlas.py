"""The atlas: a square tile of texels per patch, wide enough around the patch that no filter ever sees a seam."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import trimesh
from PIL import Image

from zeroverse import textures
from zeroverse.core import affine

PAD = 1 / 16  # of a tile, on each side: 16 of 256 texels keep four levels of mip-maps clean


@dataclass(frozen=True, eq=False)
class Tile:
    """What one tile shows: a texture over a patch, looked up at `matrix @ p + offset` for a point p of the patch.

    mirrored: u runs backwards, for a surface seen from inside (a cut), so that tangent, bitangent and normal stay
        right-handed.
    """

    texture: textures.Texture
    position: Callable  # (u, v) -> points, normals, as in Patch
    matrix: np.ndarray  # [3, 3]
    offset: np.ndarray  # [3]
    mirrored: bool = False


def layout(tiles: int) -> tuple[int, int]:
    """Returns (columns, rows) of an atlas of `tiles` tiles."""
    return (tiles, 1) if tiles <= 3 else (3, (tiles + 2) // 3)


def tile_uv(uv: np.ndarray, tile: int, tiles: int) -> np.ndarray:
    """Returns the atlas coordinates, v upwards, of patch coordinates [N, 2] in a tile; tile 0 is at the lower left."""
    columns, rows = layout(tiles)
    return (PAD + (1 - 2 * PAD) * uv + [tile % columns, tile // columns]) / [columns, rows]


def patch_uv(uv: np.ndarray, tiles: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns tile numbers [N] and patch coordinates [N, 2] of atlas coordinates [N, 2]: the inverse of `tile_uv`."""
    scaled = uv * np.array(layout(tiles))
    cell = np.floor(scaled)
    return (cell[:, 1] * layout(tiles)[0] + cell[:, 0]).astype(np.int64), (scaled - cell - PAD) / (1 - 2 * PAD)


def texel_points(tile: Tile, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns (points, unit normals) [size, size, 3] at the texel centres, in the texture's frame; row 0 is the top, v
    = 1.
    """
    axis = ((np.arange(size) + 0.5) / size - PAD) / (1 - 2 * PAD)
    points, normals = tile.position((1 - axis if tile.mirrored else axis)[None, :], axis[::-1, None])
    normals = affine.unit(affine.apply(affine.cofactor(tile.matrix), normals))
    return affine.apply(tile.matrix, points, tile.offset), -normals if tile.mirrored else normals


def material(tiles: tuple[Tile, ...], size: int, name: str) -> trimesh.visual.material.PBRMaterial:
    """Returns a glTF material for the whole atlas; unused tiles stay black."""
    columns, rows = layout(len(tiles))
    images = np.zeros((3, rows * size, columns * size, 3), np.uint8)
    for number, tile in enumerate(tiles):
        top, left = (rows - 1 - number // columns) * size, number % columns * size
        for image, baked in zip(images, textures.bake(tile.texture, *texel_points(tile, size))):
            image[top : top + size, left : left + size] = baked
    base_color, metallic_roughness, normal = (Image.fromarray(image) for image in images)
    return trimesh.visual.material.PBRMaterial(
        name=name,
        baseColorTexture=base_color,
        metallicRoughnessTexture=metallic_roughness,
        normalTexture=normal,
        metallicFactor=1.0,
        roughnessFactor=1.0,
    )
