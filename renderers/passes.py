"""The passes a backend can draw, and how a shard stores each: one table that renderers, shards, loader and preview read.

Labels (all but rgb and alpha) are taken at pixel centres, without anti-aliasing; rgb and alpha are anti-aliased.
"""
from dataclasses import dataclass

import numpy as np

DEPTH_UNIT = 1e-4  # one step of the 16-bit depth image: reaches 6.55 units, off by at most 5e-5


@dataclass(frozen=True)
class Pass:
    """name; channels and dtype of the rendered array [V, H, W, C]; what it holds; its file in a sample (`None`: inside another pass)."""

    name: str
    channels: int
    dtype: type
    meaning: str
    file: str | None


PASSES = {row.name: row for row in (
    Pass("rgb", 3, np.uint8, "sRGB-encoded colour, straight (not premultiplied), anti-aliased", "rgb_{view:03d}.png"),
    Pass("alpha", 1, np.uint8, "coverage, 255 = fully covered, anti-aliased; stored as the fourth channel of rgb", None),
    Pass("depth", 1, np.float32, "z along the optical axis in world units, 0 = no surface; stored as uint16 in steps of 1e-4", "depth_{view:03d}.png"),
    Pass("normal", 3, np.float32, "unit normal of the mesh in the world frame (normal maps not applied), facing the camera, 0 = no surface; "
         "stored as uint8, 127.5 (n + 1)", "normal_{view:03d}.png"),
    Pass("albedo", 3, np.uint8, "sRGB-encoded base colour of the diffuse part, base_color (1 - metallic)", "albedo_{view:03d}.png"),
    Pass("metallic_roughness", 2, np.uint8, "metallic, roughness, linear; stored as (metallic, roughness, 0)", "metallic_roughness_{view:03d}.png"),
    Pass("part", 1, np.uint16, "1 + index of the part in the asset, 0 = no surface", "part_{view:03d}.png"),
)}
DEFAULT_PASSES = ("rgb", "alpha", "depth", "normal", "albedo", "part")


def check_passes(names) -> tuple[str, ...]:
    """The names as a tuple, rgb bringing alpha with it. Raises ValueError for an unknown one."""
    unknown = [name for name in names if name not in PASSES]
    if unknown:
        raise ValueError(f"passes: unknown {', '.join(unknown)}; expected some of {', '.join(PASSES)}")
    wanted = set(names) | ({"alpha"} if "rgb" in names else set()) | ({"rgb"} if "alpha" in names else set())
    return tuple(name for name in PASSES if name in wanted)


def quantise(name: str, image: np.ndarray) -> np.ndarray:
    """One view of a rendered pass [H, W, C] -> the integer image that is stored, [H, W] or [H, W, 3]. Raises ValueError for values it cannot hold."""
    if not np.isfinite(image).all():
        raise ValueError(f"{name}: expected finite values, got {int((~np.isfinite(image)).sum())} that are not")
    if name == "depth":
        steps = np.rint(image[..., 0] / DEPTH_UNIT)
        if steps.max(initial=0) > 65535 or steps.min(initial=0) < 0:
            raise ValueError(f"depth: expected 0 to {65535 * DEPTH_UNIT:.2f}, got {image.min():.3f} to {image.max():.3f}")
        return steps.astype(np.uint16)
    if name == "normal":
        seen = (image[..., 0] != 0) | (image[..., 1] != 0) | (image[..., 2] != 0)  # `any` along an axis of three takes longer than all the rest
        return np.rint((image + 1.0) * 127.5).astype(np.uint8) * seen[..., None]
    if name == "metallic_roughness":
        return np.concatenate([image, np.zeros_like(image[..., :1])], axis=-1)
    if name == "part":
        return image[..., 0].astype(np.uint16) if image.max(initial=0) > 255 else image[..., 0].astype(np.uint8)
    return image


def dequantise(name: str, stored: np.ndarray) -> np.ndarray:
    """The inverse of `quantise`: [H, W] or [H, W, C] as read from a sample -> [H, W, C] of the pass's own dtype."""
    stored = stored if stored.ndim == 3 else stored[..., None]
    if name == "depth":
        return (stored * DEPTH_UNIT).astype(np.float32)
    if name == "normal":
        normal = stored.astype(np.float32) / 127.5 - 1.0
        length = np.sqrt((normal * normal).sum(axis=-1, keepdims=True))
        return np.where((stored > 0).any(axis=-1, keepdims=True), normal / np.maximum(length, 1e-6), 0.0).astype(np.float32)
    return stored[..., :PASSES[name].channels].astype(PASSES[name].dtype)
