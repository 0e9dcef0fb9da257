"""The folder layouts that other software reads: a row here and a function in one file each. `renderers.formats.export`
writes them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from renderers.formats import blender, colmap, glb, opencv, transforms, zero123
from renderers.formats.sample import ExportError, Sample

__all__ = ["FORMATS", "ExportError", "Format", "Sample"]


@dataclass(frozen=True)
class Format:
    """name; write(sample, folder, seed) fills the empty folder of one object; needs: passes, or fields of a sample;
    index(names) gives the files {name: text} that list all objects, written beside their folders at the end; meaning:
    what reads it.
    """

    name: str
    write: Callable[[Sample, Path, int], None]
    needs: tuple[str, ...]
    index: Callable[[list[str]], dict[str, str]]
    meaning: str


def _no_index(names: list[str]) -> dict[str, str]:
    return {}


FORMATS = {
    row.name: row
    for row in (
        Format(
            "transforms",
            transforms.write,
            ("rgb",),
            _no_index,
            "transforms.json with depth, masks and points: nerfstudio, instant-ngp",
        ),
        Format(
            "blender",
            blender.write,
            ("rgb",),
            _no_index,
            "transforms_train/val/test.json: NeRF-synthetic, seeded split",
        ),
        Format(
            "colmap",
            colmap.write,
            ("rgb", "depth"),
            _no_index,
            "sparse/0 as text with points from exact depth: 3DGS, gsplat, COLMAP",
        ),
        Format(
            "opencv",
            opencv.write,
            ("rgb",),
            opencv.index,
            "opencv_cameras.json, a list of views: LaCT, the published GSO renders",
        ),
        Format(
            "facelift",
            opencv.write_frames,
            ("rgb",),
            opencv.index_frames,
            "opencv_cameras.json, a dict with frames: FaceLift, LRM-Zero's renderer",
        ),
        Format("zero123", zero123.write, ("rgb",), zero123.index, "000.png and 000.npy, valid_paths.json: Zero-1-to-3"),
        Format("glb", glb.write, ("mesh.glb",), _no_index, "mesh.glb, +Y up: any 3D software"),
    )
}
