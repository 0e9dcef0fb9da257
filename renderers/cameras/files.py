"""The camera files of other software: `opencv_cameras.json`, and the `transforms.json` of nerfstudio, instant-ngp and
Blender's NeRF-synthetic.
"""

from collections.abc import Callable

import numpy as np

from renderers.cameras import Cameras, opengl_c2w, rigid_inverse, with_opengl_axes

_PINHOLES = (
    "PINHOLE",
    "SIMPLE_PINHOLE",
    "PERSPECTIVE",
    "OPENCV",
    "SIMPLE_RADIAL",
    "RADIAL",
    "FULL_OPENCV",
    "BROWN",
)  # camera models: without distortion, all one


def to_opencv_json(cameras: Cameras, file_paths: list[str]) -> list[dict]:
    """Returns the `opencv_cameras.json` exchange format: one row per view with w, h, fx, fy, cx, cy, w2c, file_path,
    and c2w, whose inverse w2c is but for the last bits.
    """
    rows = zip(cameras.w2c, cameras.c2w, cameras.intrinsics, file_paths, strict=True)
    return [
        {
            "w": cameras.width,
            "h": cameras.height,
            "fx": fx,
            "fy": fy,
            "cx": cx,
            "cy": cy,
            "w2c": w2c.tolist(),
            "c2w": c2w.tolist(),
            "file_path": path,
        }
        for w2c, c2w, (fx, fy, cx, cy), path in ((w, c, k.tolist(), p) for w, c, k, p in rows)
    ]


def from_opencv_json(rows: list[dict] | dict) -> tuple[Cameras, list[str]]:
    """Returns cameras and image paths from `opencv_cameras.json` (a list, or a dict with `frames`).

    Raises ValueError naming row and key, also for lens distortion, for which `Cameras` has no place.
    """
    top = {key: value for key, value in rows.items() if key != "frames"} if isinstance(rows, dict) else {}
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
        _expect_pinhole(top | row, f"opencv_cameras.json: view {number}")
    sizes = {(row["w"], row["h"]) for row in rows}
    if len(sizes) > 1:
        raise ValueError(f"opencv_cameras.json: expected one image size, got {sorted(sizes)}")
    w2c = np.array([row["w2c"] for row in rows], dtype=np.float64)
    if w2c.shape[1:] != (4, 4):
        raise ValueError(f"opencv_cameras.json: w2c: expected [4, 4], got {list(w2c.shape[1:])}")
    width, height = min(sizes)  # the only one
    intrinsics = np.array([[row["fx"], row["fy"], row["cx"], row["cy"]] for row in rows])
    return Cameras(_inverses(w2c, rows), intrinsics, width, height), [row["file_path"] for row in rows]


def _inverses(w2c: np.ndarray, rows: list[dict]) -> np.ndarray:
    """c2w [V, 4, 4]: of a row that has one beside its w2c, that one if w2c is its inverse, bit for bit."""
    c2w = rigid_inverse(w2c)
    for view, row in enumerate(rows):
        written = np.array(row.get("c2w", 0.0), dtype=np.float64)
        if written.shape == (4, 4) and np.array_equal(rigid_inverse(written), w2c[view]):
            c2w[view] = written
    return c2w


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
    data: dict,
    size_of: Callable[[str], tuple[int, int]] | None = None,
    file_of: Callable[[str], str] = lambda name: name if "." in name.rsplit("/", 1)[-1] else name + ".png",
) -> tuple[Cameras, list[str]]:
    """Returns cameras and image paths from `transforms.json` of nerfstudio, instant-ngp or NeRF-synthetic (Blender).

    Focal lengths by `docs/cameras.md`: what a frame says goes before what the file says, and fl_x before camera_angle_x
    at the same level; fy is of the same source, or fx where that says nothing. NeRF-synthetic files do not state the
    image size, which `size_of` an image's path then tells, as (width, height). `file_of` gives the path of the image
    that a `file_path` means; by default, one without an ending gets .png. Raises ValueError naming frame and key, also
    for a fisheye and for lens distortion, for which `Cameras` has no place.
    """
    frames = data.get("frames") if isinstance(data, dict) else None
    if not _are_views(frames):
        raise ValueError("transforms.json: expected a dict with a list named frames: dicts with a file_path each")
    top = {key: value for key, value in data.items() if key != "frames"}
    paths = [file_of(frame["file_path"]) for frame in frames]
    rows = [top | frame for frame in frames]
    if size_of and not {"w", "h"} <= rows[0].keys():
        rows = [dict(zip("wh", size_of(paths[0]))) | row for row in rows]
    for number, (row, frame) in enumerate(zip(rows, frames)):
        missing = {"transform_matrix", "w", "h"} - row.keys()
        missing |= {"fl_x (or camera_angle_x)"} if not {"fl_x", *_ANGLES} & row.keys() else set()
        if missing:
            raise ValueError(f"transforms.json: frame {number}: missing {', '.join(sorted(missing))}")
        if "fl_y" in frame and "fl_x" not in frame:
            raise ValueError(f"transforms.json: frame {number}: fl_y: expected fl_x beside it")
        _expect_pinhole(row, f"transforms.json: frame {number}")
    sizes = {(int(row["w"]), int(row["h"])) for row in rows}
    if len(sizes) > 1:
        raise ValueError(f"transforms.json: expected one image size, got {sorted(sizes)}")
    width, height = min(sizes)  # the only one
    matrices = np.array([row["transform_matrix"] for row in rows], dtype=np.float64)
    if matrices.shape[1:] != (4, 4):
        raise ValueError(f"transforms.json: transform_matrix: expected [4, 4], got {list(matrices.shape[1:])}")
    intrinsics = [
        (*_focal(frame, top, width, height), row.get("cx", width / 2), row.get("cy", height / 2))
        for frame, row in zip(frames, rows)
    ]
    return Cameras(with_opengl_axes(matrices), np.array(intrinsics, dtype=np.float64), width, height), paths


_ANGLES = ("camera_angle_x", "camera_angle_y")


def _focal(frame: dict, top: dict, width: int, height: int) -> tuple[float, float]:
    """(fx, fy) of the most specific source: never one of one source and one of another."""
    for level in (frame, top):
        if "fl_x" in level:
            return level["fl_x"], level.get("fl_y", level["fl_x"])
        across = [size / 2 / np.tan(level[name] / 2) for name, size in zip(_ANGLES, (width, height)) if name in level]
        if across:
            return across[0], across[-1]
    raise ValueError("transforms.json: no focal length")  # the caller has looked


# what the cameras of nerfstudio, instant-ngp, COLMAP, OpenCV and Metashape bend light by, as numbers, lists or dicts
_DISTORTION = (
    *(f"{kind}{number}" for kind in "kpsb" for number in range(1, 9)),
    *("k0", "tau_x", "tau_y", "taux", "tauy", "omega", "skew", "sx1", "sy1"),
    *(f"ftheta_p{number}" for number in range(5)),
    *("distortion", "distortion_params", "distortion_parameters", "distortion_coefficients", "distortion_coeffs"),
    *("dist_coeffs", "distcoeffs", "radial_distortion", "tangential_distortion", "radial", "tangential"),
)
_BENDING = ("is_fisheye", "fisheye", "latlong", "equirectangular", "ftheta")
_MODELS = ("camera_model", "camera_type")


def _expect_pinhole(row: dict, where: str) -> None:
    """Raises ValueError for a view whose camera bends straight lines."""
    said = {key.lower(): (key, value) for key, value in row.items()}
    for name in _MODELS:
        key, model = said.get(name, (name, None))
        if model is not None and str(model).upper() not in _PINHOLES:
            raise ValueError(f"{where}: expected pinhole cameras, got {model}; undistort the images")
    for name in _BENDING:
        if said.get(name, (name, None))[1]:
            raise ValueError(
                f"{where}: expected pinhole cameras, got a {name.removeprefix('is_')}; undistort the images"
            )
    for name in _DISTORTION:
        key, value = said.get(name, (name, None))
        if not _is_zero(value):
            raise ValueError(f"{where}: expected no lens distortion, got {key} = {value}; undistort the images")


def _is_zero(value) -> bool:
    if isinstance(value, dict):
        return all(map(_is_zero, value.values()))
    if isinstance(value, list):
        return all(map(_is_zero, value))
    return value is None or value == 0 or value == "0"


def _are_views(rows) -> bool:
    """Whether this, of a camera file, is a list of dicts that each name an image."""
    return (
        isinstance(rows, list)
        and len(rows) > 0
        and all(isinstance(row, dict) and isinstance(row.get("file_path"), str) for row in rows)
    )
