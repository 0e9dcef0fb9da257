"""nerfstudio and instant-ngp: transforms.json, images/, and where the shards have depth, depth/ and points.ply.

Camera: OpenGL c2w. World as ours, +Z up. Depth images are ours, z in steps of 1e-4: instant-ngp reads that from
`integer_depth_scale`, nerfstudio wants `--depth-unit-scale-factor 1e-4`. Masks are white where alpha > 0.5: nerfstudio
then trains on the object's pixels only; drop `mask_path` to train on the background too.
"""

import json
from pathlib import Path

import numpy as np
import trimesh

from renderers.cameras.files import to_transforms_json
from renderers.formats import Format
from renderers.formats.sample import Sample
from renderers.passes import DEPTH_UNIT
from zeroverse.core import png
from zeroverse.core.rng import Rng

POINTS = 20_000


def write(sample: Sample, folder: Path, seed: int) -> None:
    has_depth = sample.has("depth")
    for name in ("images", "masks", *(["depth"] if has_depth else [])):
        (folder / name).mkdir()
    frames = []
    for view in range(len(sample.cameras)):
        frame = {"file_path": f"images/{view:03d}.png", "mask_path": f"masks/{view:03d}.png"}
        sample.copy("rgb", view, folder / frame["file_path"])
        alpha = sample.reader.read(sample.index, ("alpha",), [view])["alpha"][0]
        (folder / frame["mask_path"]).write_bytes(png.encode(np.where(alpha > 127, 255, 0).astype(np.uint8)))
        if has_depth:
            frame["depth_file_path"] = f"depth/{view:03d}.png"
            sample.copy("depth", view, folder / frame["depth_file_path"])
        frames.append(frame)
    data = to_transforms_json(sample.cameras, frames)
    if has_depth:
        points, colors, _, _ = sample.surface(Rng("export", seed, sample.meta.uid), POINTS)
        trimesh.PointCloud(points, colors).export(folder / "points.ply")
        data |= {"integer_depth_scale": DEPTH_UNIT, "ply_file_path": "points.ply"}
    (folder / "transforms.json").write_text(json.dumps(data, indent=1))


FORMAT = Format("transforms", write, ("rgb",), "transforms.json with depth, masks and points: nerfstudio, instant-ngp")
