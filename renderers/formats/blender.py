"""NeRF-synthetic ("Blender"): transforms_train.json, _val.json, _test.json with camera_angle_x; images train/r_0.png ….

Camera: OpenGL c2w. One field of view, optical axes through the image's centre: the format has no place for others. An
eighth of the views each goes to val and test, drawn by the seed and the object's name.
"""

import json
from pathlib import Path

import numpy as np

from renderers.cameras import opengl_c2w
from renderers.formats import Format
from renderers.formats.sample import Sample
from zeroverse.core.rng import Rng

SPLITS = ("train", "val", "test")


def write(sample: Sample, folder: Path, seed: int) -> None:
    angle = _shared_angle(sample)
    matrices, lens = opengl_c2w(sample.cameras), _lens(sample)
    for split, views in split_views(len(sample.cameras), Rng("export", seed, sample.meta.uid)).items():
        (folder / split).mkdir()
        frames = []
        for number, view in enumerate(views):
            sample.copy("rgb", view, folder / split / f"r_{number}.png")
            frames.append(
                {"file_path": f"./{split}/r_{number}", "view": view, "transform_matrix": matrices[view].tolist()}
            )
        (folder / f"transforms_{split}.json").write_text(
            json.dumps({"camera_angle_x": angle, **lens, "frames": frames}, indent=1)
        )


def _lens(sample: Sample) -> dict:
    """Returns what an angle says but for the last bits: instant-ngp's keys, which readers of NeRF-synthetic pass over.
    Left out where the lenses differ in these bits.
    """
    size, lenses = {"w": sample.cameras.width, "h": sample.cameras.height}, sample.cameras.intrinsics
    if (lenses != lenses[0]).any():
        return size
    return size | dict(zip(("fl_x", "fl_y", "cx", "cy"), lenses[0].tolist()))


def split_views(count: int, rng: Rng) -> dict[str, list[int]]:
    """Returns which views go where, each part in the views' order. Fewer than three views all train."""
    held_out = max(count // 8, 1) if count >= 3 else 0
    order = np.argsort([rng.child("view", view).unit() for view in range(count)])
    val, test, train = np.split(order, [held_out, 2 * held_out])
    return {split: sorted(views.tolist()) for split, views in zip(SPLITS, (train, val, test))}


def _shared_angle(sample: Sample) -> float:
    """camera_angle_x in radians."""
    cameras = sample.cameras
    focal = cameras.intrinsics[0, 0]
    center = [cameras.width / 2, cameras.height / 2]
    if not np.allclose(cameras.intrinsics, [focal, focal, *center], rtol=1e-9):
        raise sample.error(
            "blender: expected one focal length for all views and principal points at the centre; use --format "
            "transforms"
        )
    return float(2 * np.arctan(cameras.width / 2 / focal))


FORMAT = Format("blender", write, ("rgb",), "transforms_train/val/test.json: NeRF-synthetic, seeded split")
