"""Zero-1-to-3's training folders: <object>/000.png and 000.npy, and valid_paths.json with the objects' names.

Each .npy is world-to-camera [3, 4] float64 in Blender's camera axes (+x right, +y up, looking along -z), in units of
the object's longest side, as its blender_script.py wrote them after scaling objects to 1: ours is 1.8, so centres are
divided by it. Its loader conditions on camera positions alone, so views must look at the centre, upright, through one
centred lens.
"""

import json
from pathlib import Path

import numpy as np

from renderers.cameras import look_at, opengl_c2w, rigid_inverse
from renderers.formats import Format
from renderers.formats.sample import Sample

LONGEST_SIDE = 1.8  # zeroverse.asset.LONGEST_SIDE


def write(sample: Sample, folder: Path, seed: int) -> None:
    _check(sample)
    w2c = rigid_inverse(opengl_c2w(sample.cameras))[:, :3]
    w2c[:, :, 3] /= LONGEST_SIDE
    for view, matrix in enumerate(w2c):
        sample.copy("rgb", view, folder / f"{view:03d}.png")
        np.save(folder / f"{view:03d}.npy", matrix)


def index(names: list[str]) -> dict[str, str]:
    return {"valid_paths.json": json.dumps(names, indent=1)}


def _check(sample: Sample) -> None:
    cameras = sample.cameras
    aside = np.abs(cameras.c2w - look_at(cameras.centers)).max(axis=(1, 2)) > 1e-4
    other = np.abs(cameras.intrinsics - cameras.intrinsics[0]).max(axis=1) > 1e-6 * cameras.width
    off = np.abs(cameras.intrinsics[:, 2:] - [cameras.width / 2, cameras.height / 2]).max(axis=1) > 1e-6 * cameras.width
    for wrong, expected in (
        (aside, "cameras that look at the centre upright"),
        (other, "one focal length"),
        (off, "principal points at the centre"),
    ):
        if wrong.any():
            raise sample.error(
                f"zero123: expected {expected}, for it conditions on camera positions alone; view {np.argmax(wrong)} "
                f"is not so. "
                "Rigs that are: zero123, sphere, gso-64, turntable"
            )


FORMAT = Format("zero123", write, ("rgb",), "000.png and 000.npy, valid_paths.json: Zero-1-to-3", index)
