"""COLMAP text model: images/ and sparse/0 with cameras.txt, images.txt, points3D.txt; what 3DGS code starts from.

Camera: OpenCV w2c as quaternion wxyz and translation, PINHOLE intrinsics in pixels with half-pixel centres, all as
ours. The points are lifted from exact depth; each is observed once, in the view it came from, so their error is 0 and
the model is consistent.
"""

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from renderers.formats import Format
from renderers.formats.sample import Sample
from zeroverse.core.rng import Rng

POINTS = 20_000


def write(sample: Sample, folder: Path, seed: int) -> None:
    (folder / "images").mkdir()
    (folder / "sparse" / "0").mkdir(parents=True)
    for view in range(len(sample.cameras)):
        sample.copy("rgb", view, folder / "images" / f"{view:03d}.png")
    points, colors, views, pixels = sample.surface(Rng("export", seed, sample.meta.uid), POINTS)
    number_in_view = np.concatenate(
        [np.arange(count) for count in np.bincount(views, minlength=len(sample.cameras))]
    )  # views are in order
    (folder / "sparse/0/cameras.txt").write_text(_cameras(sample))
    (folder / "sparse/0/images.txt").write_text(_images(sample, views, pixels))
    (folder / "sparse/0/points3D.txt").write_text(
        "# POINT3D_ID, X, Y, Z, R, G, B, ERROR, TRACK[] as (IMAGE_ID, POINT2D_IDX)\n"
        + "".join(
            f"{i + 1} {x:.6f} {y:.6f} {z:.6f} {r} {g} {b} 0 {view + 1} {number}\n"
            for i, ((x, y, z), (r, g, b), view, number) in enumerate(
                zip(points.tolist(), colors.tolist(), views.tolist(), number_in_view.tolist())
            )
        )
    )


def _camera_ids(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """The different intrinsics [K, 4], and for each view which it has [V]."""
    rows, ids = np.unique(sample.cameras.intrinsics, axis=0, return_inverse=True)
    return rows, ids.reshape(-1)


def _cameras(sample: Sample) -> str:
    size = f"{sample.cameras.width} {sample.cameras.height}"
    rows = [
        f"{number} PINHOLE {size} {' '.join(map(repr, row))}"
        for number, row in enumerate(_camera_ids(sample)[0].tolist(), 1)
    ]
    return "\n".join(["# CAMERA_ID, MODEL, WIDTH, HEIGHT, fx, fy, cx, cy", *rows]) + "\n"


def _images(sample: Sample, views: np.ndarray, pixels: np.ndarray) -> str:
    w2c = sample.cameras.w2c
    quats = np.roll(Rotation.from_matrix(w2c[:, :3, :3]).as_quat(), 1, axis=1)  # scipy is xyzw
    lines = ["# IMAGE_ID, QW, QX, QY, QZ, TX, TY, TZ, CAMERA_ID, NAME; then POINTS2D[] as (X, Y, POINT3D_ID)"]
    for view, (pose, camera_id) in enumerate(
        zip(np.concatenate([quats, w2c[:, :3, 3]], axis=1).tolist(), _camera_ids(sample)[1])
    ):
        lines.append(f"{view + 1} {' '.join(map(repr, pose))} {camera_id + 1} {view:03d}.png")
        lines.append(" ".join(f"{pixels[i, 0]} {pixels[i, 1]} {i + 1}" for i in np.flatnonzero(views == view)))
    return "\n".join(lines) + "\n"


FORMAT = Format(
    "colmap", write, ("rgb", "depth"), "sparse/0 as text with points from exact depth: 3DGS, gsplat, COLMAP"
)
