"""The camera files of other software: `opencv_cameras.json`, and the `transforms.json` of nerfstudio, instant-ngp and
Blender's NeRF-synthetic.
"""

from collections.abc import Callable

import numpy as np

from renderers.cameras import OPENCV_TO_OPENGL, Cameras, opengl_c2w, rigid_inverse

_PINHOLES = (
    "PINHOLE",
    "SIMPLE_PINHOLE",
    "PERSPECTIVE",
    "OPENCV",
    "SIMPLE_RADIAL",
    "RADIAL",
    "FULL_OPENCV",
)  # camera models: without distortion, all one


def to_opencv_json(cameras: Cameras, file_paths: list[str]) -> list[dict]:
    """The `opencv_cameras.json` exchange format: one row per view with w, h, fx, fy, cx, cy, w2c, file_path."""
    rows = zip(cameras.w2c, cameras.intrinsics, file_paths, strict=True)
    return [
        {
            "w": cameras.width,
            "h": cameras.height,
            "fx": fx,
            "fy": fy,
            "cx": cx,
            "cy": cy,
            "w2c": w2c.tolist(),
            "file_path": path,
        }
        for w2c, (fx, fy, cx, cy), path in ((w, k.tolist(), p) for w, k, p in rows)
    ]


def from_opencv_json(rows: list[dict] | dict) -> tuple[Cameras, list[str]]:
    """Cameras and image paths from `opencv_cameras.json` (a list, or a dict with `frames`). Raises ValueError naming
    row and key.
    """
    rows = rows["frames"] if isinstance(rows, dict) and "frames" in rows else rows
    if not _are_views(rows):
        raise ValueError(
            "opencv_cameras.json: expected a list of views, or a dict with a list named frames: dicts with a "
            "file_path each"
        )
    for number, row in enumerate(rows):
        missing = {"w", "h", "fx", "fy", "cx", "cy", "w2c"} - row.keys()
        if missing:
            raise ValueError(f"opencv_cameras.json: view {number}: missing {', '.join(sorted(missing))}")
    sizes = {(row["w"], row["h"]) for row in rows}
    if len(sizes) > 1:
        raise ValueError(f"opencv_cameras.json: expected one image size, got {sorted(sizes)}")
    w2c = np.array([row["w2c"] for row in rows], dtype=np.float64)
    if w2c.shape[1:] != (4, 4):
        raise ValueError(f"opencv_cameras.json: w2c: expected [4, 4], got {list(w2c.shape[1:])}")
    width, height = min(sizes)  # the only one
    intrinsics = np.array([[row["fx"], row["fy"], row["cx"], row["cy"]] for row in rows])
    return Cameras(rigid_inverse(w2c), intrinsics, width, height), [row["file_path"] for row in rows]


def to_transforms_json(cameras: Cameras, frames: list[dict]) -> dict:
    """nerfstudio's and instant-ngp's `transforms.json`: OpenGL c2w, half-pixel centres as ours; one dict of paths per
    view in `frames`.

    Intrinsics stand at the top when all views share them, else in each frame.
    """
    names = ("fl_x", "fl_y", "cx", "cy")
    shared = bool((cameras.intrinsics == cameras.intrinsics[0]).all())
    own = [{} if shared else dict(zip(names, row)) for row in cameras.intrinsics.tolist()]
    return {
        "camera_model": "PINHOLE",
        "w": cameras.width,
        "h": cameras.height,
        **(dict(zip(names, cameras.intrinsics[0].tolist())) if shared else {}),
        "frames": [
            paths | row | {"transform_matrix": matrix.tolist()}
            for paths, row, matrix in zip(frames, own, opengl_c2w(cameras), strict=True)
        ],
    }


def from_transforms_json(
    data: dict, size_of: Callable[[str], tuple[int, int]] | None = None
) -> tuple[Cameras, list[str]]:
    """Cameras and image paths from `transforms.json` of nerfstudio, instant-ngp or NeRF-synthetic (Blender).

    Intrinsics from the frame or the top: fl_x, fl_y, cx, cy, or camera_angle_x with square pixels about the image's
    centre. NeRF-synthetic files do not state the image size, which `size_of` an image's path then tells, as (width,
    height); their paths without an ending get .png. Raises ValueError naming frame and key, also for a fisheye and for
    lens distortion, for which `Cameras` has no place.
    """
    frames = data.get("frames") if isinstance(data, dict) else None
    if not _are_views(frames):
        raise ValueError("transforms.json: expected a dict with a list named frames: dicts with a file_path each")
    rows = [data | frame for frame in frames]
    paths = [
        row["file_path"] if "." in row["file_path"].rsplit("/", 1)[-1] else row["file_path"] + ".png" for row in rows
    ]
    if size_of and not {"w", "h"} <= rows[0].keys():
        rows = [dict(zip("wh", size_of(paths[0]))) | row for row in rows]
    for number, row in enumerate(rows):
        missing = {"transform_matrix", "w", "h"} - row.keys()
        missing |= {"fl_x (or camera_angle_x)"} if not {"fl_x", "camera_angle_x"} & row.keys() else set()
        if missing:
            raise ValueError(f"transforms.json: frame {number}: missing {', '.join(sorted(missing))}")
        if row.get("camera_model", "PINHOLE") not in _PINHOLES or row.get("is_fisheye"):
            raise ValueError(
                f"transforms.json: frame {number}: expected pinhole cameras, got "
                f"{row.get('camera_model', 'a fisheye')}; undistort the images"
            )
        bent = [name for name in ("k1", "k2", "k3", "k4", "p1", "p2") if row.get(name)]
        if bent:
            raise ValueError(
                f"transforms.json: frame {number}: expected no lens distortion, got {bent[0]} = {row[bent[0]]}; "
                f"undistort the images"
            )
    sizes = {(int(row["w"]), int(row["h"])) for row in rows}
    if len(sizes) > 1:
        raise ValueError(f"transforms.json: expected one image size, got {sorted(sizes)}")
    width, height = min(sizes)  # the only one
    matrices = np.array([row["transform_matrix"] for row in rows], dtype=np.float64)
    if matrices.shape[1:] != (4, 4):
        raise ValueError(f"transforms.json: transform_matrix: expected [4, 4], got {list(matrices.shape[1:])}")
    c2w = np.einsum("vij,jk->vik", matrices, OPENCV_TO_OPENGL)  # its own inverse
    return Cameras(c2w, np.array([_transforms_intrinsics(row, width, height) for row in rows]), width, height), paths


def _are_views(rows) -> bool:
    """Whether this, of a camera file, is a list of dicts that each name an image."""
    return (
        isinstance(rows, list)
        and len(rows) > 0
        and all(isinstance(row, dict) and isinstance(row.get("file_path"), str) for row in rows)
    )


def _transforms_intrinsics(row: dict, width: int, height: int) -> tuple[float, float, float, float]:
    fx = row["fl_x"] if "fl_x" in row else width / 2 / np.tan(row["camera_angle_x"] / 2)
    return fx, row.get("fl_y", fx), row.get("cx", width / 2), row.get("cy", height / 2)
