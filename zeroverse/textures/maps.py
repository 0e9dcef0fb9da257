"""From a texture and a surface's position map to the three images of a glTF material."""

from typing import NamedTuple

import numpy as np

from zeroverse.core.jit import kernel
from zeroverse.textures.base import Fields, Texture

_BLOCK = 16384  # points
_STEEPEST = 2.0  # slopes beyond 63 degrees are undersampled steps; left alone they would flicker between views


class Maps(NamedTuple):
    """glTF images, uint8 [H, W, 3]; row 0 is the top of the image (v = 1 where v grows upwards), columns grow with
    u.
    """

    base_color: np.ndarray  # sRGB-encoded
    metallic_roughness: np.ndarray  # R 255 (no occlusion), G roughness, B metallic; linear
    normal: np.ndarray  # tangent space, +X along u, +Y up along v, 128 is 0


def bake(texture: Texture, positions: np.ndarray, normals: np.ndarray) -> Maps:
    """Returns the images of `texture` over a surface given by positions and unit normals at texel centres, [H, W, 3]
    each, in the surface's own frame.
    """
    positions, normals = np.asarray(positions, np.float64), np.asarray(normals, np.float64)
    if positions.ndim != 3 or positions.shape[2] != 3 or positions.shape != normals.shape:
        raise ValueError(
            f"positions, normals: expected [H, W, 3] twice, got {list(positions.shape)}, {list(normals.shape)}"
        )
    grid = positions.shape[:2]
    fields = _in_blocks(texture, positions.reshape(-1, 3), normals.reshape(-1, 3))
    rough_metal = np.full((*grid, 3), 255, np.uint8)
    rough_metal[..., 1] = _to_u8(fields.roughness).reshape(grid)
    rough_metal[..., 2] = _to_u8(fields.metallic).reshape(grid)
    normal = normal_map(fields.height.reshape(grid), positions)
    return Maps(_to_u8(fields.base_color).reshape(*grid, 3), rough_metal, normal)


def _in_blocks(texture: Texture, points: np.ndarray, normals: np.ndarray) -> Fields:
    """Returns `texture.fields` over blocks whose temporaries stay in the cache: the same numbers, a third faster."""
    blocks = [texture.fields(points[i : i + _BLOCK], normals[i : i + _BLOCK]) for i in range(0, len(points), _BLOCK)]
    return Fields(*(np.concatenate(parts) for parts in zip(*blocks)))


def normal_map(height: np.ndarray, positions: np.ndarray) -> np.ndarray:  # [H, W], [H, W, 3] -> uint8 [H, W, 3]
    """Returns the tangent-space normals of a relief `height` over `positions`, both in one unit.

    The tangent is dP/du and the bitangent its perpendicular on the side of growing v, as glTF's `cross(normal, tangent)
    * w` has it. Where the parametrisation degenerates (a step of less than a thousandth of the typical one: a pole) the
        normal is flat.
    """
    height, positions = np.ascontiguousarray(height, np.float64), np.ascontiguousarray(positions, np.float64)
    across = positions[:, 1:] - positions[:, :-1]
    down = positions[1:] - positions[:-1]
    typical = max(
        (float(np.sqrt(np.median(np.einsum("hwc,hwc->hw", step, step)))) for step in (across, down) if step.size),
        default=0.0,
    )
    return _relief(height, positions, 1e-3 * typical)


@kernel
def _relief(height, positions, least):
    """Central differences inside, one-sided at the borders: an image does not say whether it wraps."""
    rows, columns = height.shape
    out = np.full((rows, columns, 3), 128, np.uint8)  # 128 is 0
    out[:, :, 2] = 255
    for r in range(rows):
        above, below = max(r - 1, 0), min(r + 1, rows - 1)
        for c in range(columns):
            left, right = max(c - 1, 0), min(c + 1, columns - 1)
            if right == left or above == below:
                continue
            du, dv = 1.0 / (right - left), 1.0 / (below - above)  # rows run against v
            ux = (positions[r, right, 0] - positions[r, left, 0]) * du
            uy = (positions[r, right, 1] - positions[r, left, 1]) * du
            uz = (positions[r, right, 2] - positions[r, left, 2]) * du
            vx = (positions[above, c, 0] - positions[below, c, 0]) * dv
            vy = (positions[above, c, 1] - positions[below, c, 1]) * dv
            vz = (positions[above, c, 2] - positions[below, c, 2]) * dv
            length_u = np.sqrt(ux * ux + uy * uy + uz * uz)
            if not length_u > least:
                continue
            lean = (ux * vx + uy * vy + uz * vz) / length_u  # how far the v step goes along the tangent
            square = vx * vx + vy * vy + vz * vz - lean * lean
            if not square > least * least:
                continue
            slope_u = (height[r, right] - height[r, left]) * du / length_u
            slope_v = ((height[above, c] - height[below, c]) * dv - lean * slope_u) / np.sqrt(square)
            slope_u = min(max(slope_u, -_STEEPEST), _STEEPEST)
            slope_v = min(max(slope_v, -_STEEPEST), _STEEPEST)
            inverse = 1.0 / np.sqrt(slope_u * slope_u + slope_v * slope_v + 1.0)
            out[r, c, 0] = np.uint8(128.5 - 127.0 * slope_u * inverse)
            out[r, c, 1] = np.uint8(128.5 - 127.0 * slope_v * inverse)
            out[r, c, 2] = np.uint8(128.5 + 127.0 * inverse)
    return out


def _to_u8(values: np.ndarray) -> np.ndarray:
    return np.floor(np.clip(values, 0.0, 1.0) * np.float32(255.0) + np.float32(0.5)).astype(np.uint8)
