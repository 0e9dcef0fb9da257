"""Posed images -> Gaussians in the formats that splat viewers open, a page that shows them, and a turntable: what
`verse reconstruct` runs.
"""

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from renderers.cameras import Cameras, rigid_inverse
from renderers.cameras.rigs import turntable
from train.data import posed
from train.data.images import resize_area
from train.data.posed import Posed, PosedError
from train.evaluation import camera_check
from train.evaluation.protocols import find_inputs
from train.geometry.cameras import camera_tensors
from train.loop.ranks import default_device
from train.models.lrm.network import LRM, render_gaussians
from train.models.lrm.task import load_run
from train.splatting import EPS2D, Gaussians
from train.splatting.ply import save_ply
from train.splatting.viewers import glb_bytes, page, splat_bytes
from zeroverse.core.files import write_whole
from zeroverse.core.images import encoded

FRAMES = 48
FRAME_MS = 60
SIZE = 256  # pixels of the turntable
MIN_OPACITY = 1 / 255  # fainter splats change no 8-bit pixel: most of a white background's


def reconstruct(
    run_dir: Path,
    views: Path,
    out: Path,
    sample: int = 0,
    inputs: tuple[int, ...] | None = None,
    device: str | None = None,
) -> list[Path]:
    """Reconstructs one object and writes gaussians.ply, .splat and .glb, viewer.html, turntable.webp and inputs.png to
    `out`; returns their paths.

    device: of the model and the rendering; default: the GPU where there is one.
    """
    model, config = load_run(run_dir, default_device(device))
    objects = posed.find(views)
    if not 0 <= sample < len(objects):
        raise PosedError(f"sample: expected 0 to {len(objects) - 1}, got {sample}")
    item = objects[sample].open()
    chosen = _checked(inputs, len(item.cameras)) if inputs else spread_views(item, config.inputs)
    for warning in (*camera_check.check(item), *_few(item, chosen, config.inputs)):
        warnings.warn(warning, stacklevel=2)
    if "alpha" in (shape := item.shape(chosen)):
        posed.expect_shown(item.name, shape["alpha"])
    images = (
        torch.from_numpy(resize_area(item.read(chosen), config.size, config.size)).permute(0, 3, 1, 2) / 255.0
    )  # [I, 3, S, S]
    gaussians = predict(model, images, item.cameras[chosen].resized(config.size, config.size))
    out.mkdir(parents=True, exist_ok=True)
    one = gaussians.map(lambda field: field[0])
    save_ply(one, out / "gaussians.ply", min_opacity=MIN_OPACITY)
    files = {
        "gaussians.splat": splat_bytes(one, MIN_OPACITY),
        "gaussians.glb": glb_bytes(one, MIN_OPACITY),
        "viewer.html": page(one, item.name, MIN_OPACITY),
        "turntable.webp": spin(gaussians),
        "inputs.png": _png(torch.cat(list(images), dim=2)),
    }
    for name, data in files.items():
        write_whole(out / name, data)
    return [out / name for name in ("gaussians.ply", *files)]


def _few(item: Posed, chosen: list[int], wanted: int) -> list[str]:
    return (
        [f"{item.name}: the model has learned from {wanted} views at a time, and there are only {len(chosen)}"]
        if len(chosen) < wanted
        else []
    )


def _checked(inputs: tuple[int, ...], views: int) -> list[int]:
    bad = [view for view in inputs if not 0 <= view < views]
    if bad:
        raise PosedError(f"inputs: expected views 0 to {views - 1}, got {bad[0]}")
    return list(inputs)


def spread_views(item: Posed, count: int) -> list[int]:
    """Returns the GSO rig's four inputs when they are there; otherwise `count` views by farthest-point choice of
    direction, the first view first.
    """
    if count == 4:
        try:
            return find_inputs(item.cameras, "gso-4", item.name)
        except PosedError:
            pass  # another rig: choose below
    directions = item.cameras.directions
    chosen = [0]
    while len(chosen) < min(count, len(directions)):
        chosen.append(int((directions @ directions[chosen].T).max(axis=1).argmin()))
    return chosen


@torch.no_grad()
def predict(model: LRM, images: Tensor, cameras: Cameras) -> Gaussians:
    """images [I, 3, S, S] in 0..1 on white -> the Gaussians of one object [1, N], for views of any resolution, where
    the model is.
    """
    device = next(model.parameters()).device
    return as_sharp_as_seen(model(*(x.to(device) for x in (images[None], *camera_tensors(cameras)))), cameras)


def as_sharp_as_seen(gaussians: Gaussians, cameras: Cameras) -> Gaussians:
    """Returns the same at the resolution of the input cameras, whose pixels [I, S, S] the Gaussians [1, I S S] come
    from, and no sharper at a higher one.

    Splatting widens everything by `EPS2D` pixels², and a model learns to count on it: its Gaussians may be far smaller
    than a pixel, and a viewer with four times the resolution would show dots with gaps. So what a pixel added where
    each was predicted becomes its own (after the 3D filter of Mip-Splatting, Yu et al. 2024).
    """
    pixels = gaussians.means.shape[1] // len(cameras)
    w2c = torch.from_numpy(rigid_inverse(cameras.c2w)).to(gaussians.means)  # [I, 4, 4]
    means = gaussians.means.unflatten(1, (len(cameras), pixels))
    depth = torch.einsum("ij,binj->bin", w2c[:, 2, :3], means) + w2c[:, 2, 3, None]  # [1, I, S S]
    focal = torch.from_numpy(cameras.intrinsics[:, :2].mean(axis=1)).to(means)  # [I], pixels
    variance = (EPS2D * (depth / focal[:, None]).square()).flatten(1)
    return replace(gaussians, scales=(gaussians.scales.square() + variance[..., None]).sqrt())


@torch.no_grad()
def spin(gaussians: Gaussians) -> bytes:
    """Returns an animated WebP of the object turning, elevation 20 degrees."""
    images = render_gaussians(gaussians, *camera_tensors(turntable(FRAMES, SIZE)), SIZE)[0]
    frames = [Image.fromarray(frame) for frame in _bytes(images.permute(0, 2, 3, 1))]
    animated = {"save_all": True, "append_images": frames[1:], "duration": FRAME_MS, "loop": 0}
    return encoded(frames[0], "WEBP", **animated, quality=85)


def _bytes(image: Tensor) -> np.ndarray:
    return (image.clamp(0, 1) * 255).round().byte().cpu().numpy()


def _png(image: Tensor) -> bytes:  # [3, H, W]
    return encoded(_bytes(image.permute(1, 2, 0)), "PNG")
