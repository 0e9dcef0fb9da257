"""The passes a backend can render, and how a shard stores, loads and shows each: one table that renderers, shards,
loader and preview read.

Labels (all but rgb and alpha) are taken at pixel centres, without anti-aliasing; rgb and alpha are anti-aliased.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from zeroverse.core.jit import pure

NORMAL_BITS = {8: np.uint8, 16: np.uint16}
DEPTH_UNIT = 1e-4  # one step of the 16-bit depth image: reaches 6.55 units, off by at most 5e-5


@dataclass(frozen=True)
class Pass:
    """A pass: name, channels and dtype of the rendered array [V, H, W, C], what it holds, and its file in a sample
    (None: inside another pass).

    store(image [H, W, C], normal_bits) gives the integer image that is stored, [H, W] or [H, W, 1, 3 or 4], and raises
    ValueError for values it cannot hold; load(stored [H, W, C]) is its inverse; show(image [H, W, C]) gives a picture
    to look at, uint8 [H, W, 3]. lossy: whether `--codec` may change it a little, as nothing computes with it. textured:
    whether a backend has to read textures for it. shown_within: a pass that is 0 where this one shows nothing.
    """

    name: str
    channels: int
    dtype: type
    meaning: str
    file: str | None
    store: Callable[[np.ndarray, int], np.ndarray]
    load: Callable[[np.ndarray], np.ndarray]
    show: Callable[[np.ndarray], np.ndarray]
    lossy: bool = False
    textured: bool = False
    shown_within: str | None = None


# -------------------------------------------------------------------------------------- colour, coverage, materials


def _as_it_is(image: np.ndarray, normal_bits: int = 8) -> np.ndarray:
    return image


def _show_grey(image: np.ndarray) -> np.ndarray:
    return np.repeat(image, 3, axis=-1)


def _store_materials(image: np.ndarray, normal_bits: int) -> np.ndarray:
    return np.concatenate([image, np.zeros_like(image[..., :1])], axis=-1)


def _load_materials(stored: np.ndarray) -> np.ndarray:
    return stored[..., :2]


def _show_materials(image: np.ndarray) -> np.ndarray:
    return np.concatenate([image[..., :1], image[..., -1:], np.zeros_like(image[..., :1])], axis=-1)


# ------------------------------------------------------------------------------------------------------------- depth


def _store_depth(image: np.ndarray, normal_bits: int) -> np.ndarray:
    stored = np.empty(image.shape, np.uint16)
    if not _store_depths(*_flat(image, stored)):
        raise ValueError(_unstorable("depth", image, f"0 to {65535 * DEPTH_UNIT:.2f}"))
    return stored[..., 0]


def _load_depth(stored: np.ndarray) -> np.ndarray:
    return (stored * DEPTH_UNIT).astype(np.float32)


def _show_depth(image: np.ndarray) -> np.ndarray:
    seen = image[..., 0] > 0
    near, far = (image[seen].min(), image[seen].max()) if seen.any() else (0.0, 1.0)
    grey = np.where(seen, 235 - 180 * (image[..., 0] - near) / max(far - near, 1e-6), 255)
    return np.repeat(grey[..., None], 3, axis=-1).astype(np.uint8)


# ------------------------------------------------------------------------------------------------------------ normal


def _store_normal(image: np.ndarray, normal_bits: int) -> np.ndarray:
    stored = np.empty(image.shape, NORMAL_BITS[normal_bits])
    normals, flat = _flat(image, stored)
    if not _store_normals(normals, np.float32(_half(stored.dtype)), flat):
        raise ValueError(_unstorable("normal", image, "-1 to 1"))
    return stored


def _load_normal(stored: np.ndarray) -> np.ndarray:
    normal = stored.astype(np.float32) / np.float32(_half(stored.dtype)) - np.float32(1.0)
    length = np.sqrt((normal * normal).sum(axis=-1, keepdims=True))
    return np.where((stored > 0).any(axis=-1, keepdims=True), normal / np.maximum(length, 1e-6), 0.0).astype(np.float32)


def _show_normal(image: np.ndarray) -> np.ndarray:
    return np.where((image != 0).any(axis=-1, keepdims=True), (image + 1) * 127.5, 255).astype(np.uint8)


# -------------------------------------------------------------------------------------------------------------- part

PART_COLOURS = np.array(
    [(0, 0, 0)] + [(37 * i % 156 + 80, 97 * i % 156 + 80, 151 * i % 156 + 80) for i in range(1, 256)], np.uint8
)


def _store_part(image: np.ndarray, normal_bits: int) -> np.ndarray:
    return image[..., 0].astype(np.uint16) if image.max(initial=0) > 255 else image[..., 0].astype(np.uint8)


def _show_part(image: np.ndarray) -> np.ndarray:
    return np.where(image > 0, PART_COLOURS[image[..., 0] % len(PART_COLOURS)], 255).astype(np.uint8)


# ---------------------------------------------------------------------------------------------------------- kernels


def _flat(image: np.ndarray, stored: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns values and where they are stored, both [N, C], for a kernel."""
    channels = image.shape[2]
    return np.ascontiguousarray(image, np.float32).reshape(-1, channels), stored.reshape(-1, channels)


def _unstorable(name: str, image: np.ndarray, expected: str) -> str:
    if not np.isfinite(image).all():
        return f"{name}: expected finite values, got {int((~np.isfinite(image)).sum())} that are not"
    return f"{name}: expected {expected}, got {image.min():.3f} to {image.max():.3f}"


def _half(dtype: np.dtype) -> float:
    """Half of the largest value: what 0 is stored as."""
    return np.iinfo(dtype).max / 2


@pure
def _store_depths(depths, stored):  # [N, 1] float32 -> uint16; False: a value does not fit
    unit, good = np.float32(DEPTH_UNIT), True
    for i in range(len(depths)):
        steps = np.rint(depths[i, 0] / unit)
        good &= (steps >= 0.0) & (steps <= 65535.0)  # neither is so for NaN
        stored[i, 0] = np.int32(min(max(steps, np.float32(0.0)), np.float32(65535.0)))
    return good


@pure
def _store_normals(
    normals, half, stored
):  # [N, 3] float32 -> uint8 or uint16; False: a value does not fit. In numpy it takes as long as the PNG
    one, limit, good = np.float32(1.0), np.float32(1.0001), True
    for i in range(len(normals)):
        x, y, z = normals[i, 0], normals[i, 1], normals[i, 2]
        good &= (abs(x) <= limit) & (abs(y) <= limit) & (abs(z) <= limit)
        if x == 0.0 and y == 0.0 and z == 0.0:
            stored[i, 0] = stored[i, 1] = stored[i, 2] = 0
        else:
            stored[i, 0], stored[i, 1], stored[i, 2] = (
                np.rint((x + one) * half),
                np.rint((y + one) * half),
                np.rint((z + one) * half),
            )
    return good


def on_white(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Returns straight-alpha uint8 [..., 3], with alpha [..., 1], over white: uint8 [..., 3].

    Before any resizing: the average of composited pixels equals the composite of averaged premultiplied ones, whereas
    the average of straight colours would show the black under transparent pixels in every rim.
    """
    coverage = alpha.astype(np.float32) / 255
    return np.rint(rgb * coverage + 255 * (1 - coverage)).astype(np.uint8)


def with_alpha(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Returns colour [H, W, 3] and coverage [H, W, 1], both uint8, in one image [H, W, 4]."""
    rgba = np.empty((*rgb.shape[:2], 4), np.uint8)
    _interleave(rgb.reshape(-1, 3), alpha.reshape(-1), rgba.reshape(-1, 4))
    return rgba


@pure
def _interleave(rgb, alpha, rgba):  # four times as fast as `np.concatenate`
    for i in range(len(rgb)):
        rgba[i, 0], rgba[i, 1], rgba[i, 2], rgba[i, 3] = rgb[i, 0], rgb[i, 1], rgb[i, 2], alpha[i]


# --------------------------------------------------------------------------------------------------------- the table

PASSES = {
    row.name: row
    for row in (
        Pass(
            "rgb",
            3,
            np.uint8,
            "sRGB-encoded colour, straight (not premultiplied), anti-aliased",
            "rgb_{view:03d}.png",
            _as_it_is,
            _as_it_is,
            _as_it_is,
            lossy=True,
            textured=True,
        ),
        Pass(
            "alpha",
            1,
            np.uint8,
            "coverage, 255 = fully covered, anti-aliased; stored as the fourth channel of rgb",
            None,
            _as_it_is,
            _as_it_is,
            _show_grey,
        ),
        Pass(
            "depth",
            1,
            np.float32,
            "z along the optical axis in world units, 0 = no surface; stored as uint16 in steps of 1e-4",
            "depth_{view:03d}.png",
            _store_depth,
            _load_depth,
            _show_depth,
        ),
        Pass(
            "normal",
            3,
            np.float32,
            "unit normal of the mesh in the world frame (normal maps not applied), facing the camera, 0 = no surface; "
            "stored as 127.5 (n + 1) in 8 bits, or as 32767.5 (n + 1) in 16",
            "normal_{view:03d}.png",
            _store_normal,
            _load_normal,
            _show_normal,
        ),
        Pass(
            "albedo",
            3,
            np.uint8,
            "sRGB-encoded base colour of the diffuse part, base_color (1 - metallic)",
            "albedo_{view:03d}.png",
            _as_it_is,
            _as_it_is,
            _as_it_is,
            lossy=True,
            textured=True,
            shown_within="depth",
        ),
        Pass(
            "metallic_roughness",
            2,
            np.uint8,
            "metallic, roughness, linear; stored as (metallic, roughness, 0)",
            "metallic_roughness_{view:03d}.png",
            _store_materials,
            _load_materials,
            _show_materials,
            textured=True,
        ),
        Pass(
            "part",
            1,
            np.uint16,
            "1 + index of the part in the asset, 0 = no surface",
            "part_{view:03d}.png",
            _store_part,
            _as_it_is,
            _show_part,
        ),
    )
}
DEFAULT_PASSES = ("rgb", "alpha", "depth", "normal", "albedo", "part")


def check_passes(names) -> tuple[str, ...]:
    """Returns the names as a tuple, rgb bringing alpha with it. Raises ValueError for an unknown one."""
    unknown = [name for name in names if name not in PASSES]
    if unknown:
        raise ValueError(f"passes: unknown {', '.join(unknown)}; expected some of {', '.join(PASSES)}")
    if not names:
        raise ValueError(f"passes: expected at least one of {', '.join(PASSES)}, got none")
    wanted = set(names) | ({"alpha"} if "rgb" in names else set()) | ({"rgb"} if "alpha" in names else set())
    return tuple(name for name in PASSES if name in wanted)


def quantise(name: str, image: np.ndarray, normal_bits: int = 8) -> np.ndarray:
    """Returns the integer image that is stored for one view of a rendered pass [H, W, C]. Raises ValueError for values
    it cannot hold.

    normal_bits: 8, off by less than half a degree, or 16, off by less than 0.002 degrees.
    """
    return PASSES[name].store(image, normal_bits)


def dequantise(name: str, stored: np.ndarray) -> np.ndarray:
    """Returns what `quantise` was given, up to its rounding: [H, W] or [H, W, C] as read from a sample -> [H, W, C] of
    the pass's own dtype.
    """
    row = PASSES[name]
    return row.load(stored if stored.ndim == 3 else stored[..., None])[..., : row.channels].astype(row.dtype)
