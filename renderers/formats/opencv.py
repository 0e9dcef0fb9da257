"""The LRM exchange layout: opencv_cameras.json and renderings/00000000_rgba.png, in our own conventions.

Two dialects are about: a list of views (LaCT and the published GSO renders), and a dict with that list as `frames`
(FaceLift and LRM-Zero's renderer). `renderers.cameras.from_opencv_json` reads both.
"""

import json
from pathlib import Path

from renderers.cameras.files import to_opencv_json
from renderers.formats import Format
from renderers.formats.sample import Sample

CAMERA_FILE = "opencv_cameras.json"


def write(sample: Sample, folder: Path, seed: int) -> None:
    (folder / CAMERA_FILE).write_text(json.dumps(_rows(sample, folder), indent=1))


def write_frames(sample: Sample, folder: Path, seed: int) -> None:
    (folder / CAMERA_FILE).write_text(
        json.dumps({"scene_name": sample.meta.uid, "frames": _rows(sample, folder)}, indent=1)
    )


def index(names: list[str]) -> dict[str, str]:
    """Returns what LaCT's loader takes: the camera files, relative to this list."""
    return {"data.json": json.dumps([f"{name}/{CAMERA_FILE}" for name in names], indent=1)}


def index_frames(names: list[str]) -> dict[str, str]:
    """Returns what FaceLift's loader takes: the objects' folders, relative to where it runs."""
    return {"data.txt": "".join(f"{name}\n" for name in names)}


def _rows(sample: Sample, folder: Path) -> list[dict]:
    (folder / "renderings").mkdir()
    paths = [f"renderings/{view:08d}_rgba.png" for view in range(len(sample.cameras))]
    for view, path in enumerate(paths):
        sample.copy("rgb", view, folder / path)
    return to_opencv_json(sample.cameras, paths)


FORMAT = Format(
    "opencv", write, ("rgb",), "opencv_cameras.json, a list of views: LaCT, the published GSO renders", index
)
FORMAT_FRAMES = Format(
    "facelift",
    write_frames,
    ("rgb",),
    "opencv_cameras.json, a dict with frames: FaceLift, LRM-Zero's renderer",
    index_frames,
)
