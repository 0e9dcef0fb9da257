"""Are these cameras what they say? A check of views with alpha that names the likely mistake: axes, hand, inverse, up,
scale.

Silhouettes and cameras that belong together carve out a visual hull (Laurentini 1994) that fills every silhouette
again; the usual mistakes leave little or nothing of it. So the hull is carved for the cameras as given and for each
known mistake undone, and the one that fills the silhouettes counts. Scale and up of the world change no hull: they are
read off the hull's size and the cameras' image-up.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.ndimage import binary_fill_holes

from renderers.cameras import Cameras, in_camera, rigid_inverse
from train.data.images import resize_area
from train.data.posed import OPAQUE, Posed
from zeroverse.asset import LONGEST_SIDE

VIEWS = 12  # looked at, spread over those there are
PIXELS = 48  # of the longer side of the silhouettes
GRID = 56  # points along each side of the carved block
GOOD = (
    0.9  # the part of the silhouettes that the hull of right cameras fills, less what a coarse grid loses of thin parts
)
BETTER = 0.03  # how much more an undone mistake must fill than the cameras as given
TOO_SMALL, TOO_LARGE = (
    0.8,
    1.6,
)  # of the hull's longest side over `LONGEST_SIDE`: a hull never is too small, but of few views too large
OFF_CENTER = 0.5  # world units
WHITE_NOISE = 16  # levels of 255 that JPEG leaves in white
UPRIGHT = 0.1  # root mean square of (image-right . up) below which cameras stand upright about it


class Reading(NamedTuple):
    """A way of reading the same numbers. axes: what the camera's x, y, z in the file must be multiplied by to be what
    the file's format says.
    """

    mistake: str
    axes: tuple[int, int, int] = (1, 1, 1)
    inverted: bool = False
    mirrored: bool = False


READINGS = (  # as given first, then simple mistakes before double ones: ties go to the first
    Reading(""),
    Reading(
        "the camera axes are OpenGL's or Blender's (+y up, looking along -z) where OpenCV's belong, or the reverse: "
        "negate the second and third column "
        "of c2w",
        (1, -1, -1),
    ),
    Reading(
        "the camera axes are PyTorch3D's (+x left, +y up) where OpenCV's belong: negate the first and second column "
        "of c2w",
        (-1, -1, 1),
    ),
    Reading(
        "the camera axes are PyTorch3D's (+x left, looking along +z) where OpenGL's belong: negate the first and "
        "third column of c2w",
        (-1, 1, -1),
    ),
    Reading("the matrices are w2c where c2w is expected, or the reverse: invert them", inverted=True),
    Reading("the handedness is wrong: the images are mirrored left to right against the cameras", mirrored=True),
    Reading(
        "the matrices are inverted (w2c for c2w, or the reverse), and the camera axes are OpenGL's where OpenCV's "
        "belong, or the reverse",
        (1, -1, -1),
        inverted=True,
    ),
    Reading(
        "the camera axes are OpenGL's where OpenCV's belong, or the reverse, and the handedness is wrong (images "
        "mirrored against the cameras)",
        (1, -1, -1),
        mirrored=True,
    ),
    Reading(
        "the matrices are inverted (w2c for c2w, or the reverse), and the handedness is wrong (images mirrored "
        "against the cameras)",
        inverted=True,
        mirrored=True,
    ),
)
UPS = {
    "+X": (1, 0, 0),
    "-X": (-1, 0, 0),
    "+Y": (0, 1, 0),
    "-Y": (0, -1, 0),
    "-Z": (0, 0, -1),
}  # that are not the world's


@dataclass(frozen=True)
class Diagnosis:
    """warnings: sentences, none when all is well. filled: part of the silhouettes that the hull fills, for the cameras
    as given and for the best reading.
    """

    warnings: tuple[str, ...]
    filled: float
    best: float


def check(item: Posed) -> tuple[str, ...]:
    """Returns warnings about one object's cameras, each naming the object. Images without alpha are judged by what is
    not white in them, which is said; and that they should be cut out, where there is no white around the object.
    """
    views = np.unique(np.linspace(0, len(item.cameras) - 1, min(VIEWS, len(item.cameras))).astype(int)).tolist()
    alpha, name = item.shape(views).get("alpha"), item.name
    if alpha is None or alpha.min() > OPAQUE:
        alpha = against_white(item.read(views))
        if _frames(alpha).mean() > OPAQUE:
            return (
                f"{name}: the images have neither alpha nor white around the object, which the model expects: cut the "
                f"object out",
            )
        name += ", judged by what is not white, as its images have no alpha"
    return tuple(f"{name}: {warning}" for warning in diagnose(item.cameras[views], alpha, item.axes).warnings)


def against_white(images: np.ndarray) -> np.ndarray:
    """Returns silhouettes [V, H, W, 1] of images 0..255 on white [V, H, W, 3]: what is not white, and white that it
    encloses.
    """
    return np.stack([binary_fill_holes(image.min(axis=-1) < 255 - WHITE_NOISE) for image in images])[..., None].astype(
        np.float32
    )


def _frames(alpha: np.ndarray) -> np.ndarray:
    """The outermost pixels of all views, in a row."""
    return np.concatenate([alpha[:, [0, -1]].ravel(), alpha[:, :, [0, -1]].ravel()])


def diagnose(cameras: Cameras, alpha: np.ndarray, axes: tuple[int, int, int] = (1, 1, 1)) -> Diagnosis:
    """Returns what is odd about the cameras, and how much of the silhouettes they explain.

    alpha [V, H, W, 1] in 0..1, the object whole or nearly whole in each view, at least 3 views. axes: as of `Posed`.
    """
    cameras, masks = _small(cameras, alpha)
    seen = [view for view in range(len(masks)) if masks[view].any()]
    if len(seen) < 3:
        return Diagnosis((), 1.0, 1.0)
    cameras, masks = cameras[seen], masks[seen]
    hulls = [
        carve(undone(cameras, reading, axes), masks[:, :, ::-1] if reading.mirrored else masks) for reading in READINGS
    ]
    filled = [part for part, _ in hulls]
    best = next(i for i, part in enumerate(filled) if part >= max(filled) - BETTER / 2)
    warnings = []
    if best and filled[best] >= max(GOOD, filled[0] + BETTER):
        warnings.append(
            f"the cameras do not fit the silhouettes ({filled[0]:.0%} explained, {filled[best]:.0%} otherwise): "
            f"{READINGS[best].mistake}"
        )
    elif filled[0] < GOOD:
        return Diagnosis(
            (
                f"the cameras do not fit the silhouettes ({filled[0]:.0%} explained), and no known mistake explains "
                f"it: check poses, focal "
                "lengths, and that image and camera are of the same view",
            ),
            filled[0],
            max(filled),
        )
    warnings += _world(undone(cameras, READINGS[best], axes), hulls[best][1])
    return Diagnosis(tuple(warnings), filled[0], filled[best])


def undone(cameras: Cameras, reading: Reading, axes: tuple[int, int, int] = (1, 1, 1)) -> Cameras:
    """Returns the cameras after the mistake is undone, which was made in the file, whose camera has other axes than
    ours; of a mirrored reading the images must be flipped as well, and so the principal point is.
    """
    c2w = cameras.c2w.copy()
    c2w[:, :3, :3] *= np.array(axes, dtype=np.float64)
    c2w = rigid_inverse(c2w) if reading.inverted else c2w
    c2w[:, :3, :3] *= np.array(reading.axes, dtype=np.float64) * axes
    intrinsics = cameras.intrinsics.copy()
    if reading.mirrored:
        intrinsics[:, 2] = cameras.width - intrinsics[:, 2]
    return Cameras(c2w, intrinsics, cameras.width, cameras.height)


def carve(cameras: Cameras, masks: np.ndarray) -> tuple[float, np.ndarray]:
    """Returns (part of the silhouettes [V, H, W] that the visual hull fills, the hull's points [P, 3]).

    Silhouettes are a pixel wider for carving, so that thin parts survive the grid. What lies outside an image is carved
    where the silhouette does not touch its edge; where it does, nothing is known of the outside.
    """
    points = _block(cameras, masks)
    if points is None:
        return 0.0, np.empty((0, 3))
    wide, cut = _widened(masks), _touching(masks)
    for view in range(len(masks)):
        row, column, inside, before = _pixels(cameras[[view]], points)
        points = points[before & np.where(inside, wide[view, row, column], cut[view])]
    covered = []
    for view in range(len(masks)):
        row, column, inside, _ = _pixels(cameras[[view]], points)
        touched = np.zeros_like(masks[view])
        touched[row[inside], column[inside]] = True
        covered.append((_widened(touched[None])[0] & masks[view]).sum() / masks[view].sum())
    return float(np.mean(covered)), points


def _pixels(camera: Cameras, points: np.ndarray) -> tuple[np.ndarray, ...]:
    """(row, column, clipped to the image; inside the image; before the camera) of world points [N, 3]."""
    local = in_camera(camera, points)[0]
    before = local[:, 2] > 1e-6
    z = np.where(before, local[:, 2], 1.0)
    fx, fy, cx, cy = camera.intrinsics[0]
    column, row = (
        np.floor(np.clip(value, -1, 1e6)).astype(int)
        for value in (local[:, 0] / z * fx + cx, local[:, 1] / z * fy + cy)
    )
    inside = before & (column >= 0) & (column < camera.width) & (row >= 0) & (row < camera.height)
    return row.clip(0, camera.height - 1), column.clip(0, camera.width - 1), inside, before


def _block(cameras: Cameras, masks: np.ndarray) -> np.ndarray | None:  # [GRID ** 3, 3]
    """Points around what the cameras look at, as large as the silhouettes allow; None when it lies behind a camera."""
    forward, centers = cameras.c2w[:, :3, 2], cameras.centers
    across = np.eye(3) - np.einsum("vi,vj->vij", forward, forward)  # the point nearest to all optical axes
    middle = np.linalg.lstsq(across.sum(axis=0), np.einsum("vij,vj->i", across, centers), rcond=None)[0]
    depth = ((middle - centers) * forward).sum(axis=1)
    if depth.min() <= 1e-6:
        return None
    column, row = np.arange(cameras.width) + 0.5, np.arange(cameras.height) + 0.5
    reach = [
        max(np.abs(column[mask.any(axis=0)] - cx).max() / fx, np.abs(row[mask.any(axis=1)] - cy).max() / fy)
        for mask, (fx, fy, cx, cy) in zip(masks, cameras.intrinsics)
    ]
    half = 1.15 * (depth * reach).max()  # what is nearer than the middle looks larger, so this is ample
    axis = (np.arange(GRID) + 0.5) / GRID * 2 - 1
    return middle + half * np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)


def _world(cameras: Cameras, hull: np.ndarray) -> list[str]:
    """Warnings about what no silhouette shows: the world's up and unit."""
    warnings = []
    right, image_up = cameras.c2w[:, :3, 0], -cameras.c2w[:, :3, 1].mean(axis=0)
    upright = lambda axis: np.sqrt(((right @ axis) ** 2).mean()) < UPRIGHT and image_up @ axis > 0
    other = next((name for name, axis in UPS.items() if upright(np.array(axis, dtype=np.float64))), None)
    if other and not upright(np.array([0.0, 0.0, 1.0])):
        warnings.append(f"the world's up is {other} where +Z is expected: turn the cameras")
    low, high = hull.min(axis=0), hull.max(axis=0)
    side, middle = float((high - low).max()), (low + high) / 2
    if not TOO_SMALL < side / LONGEST_SIDE < TOO_LARGE:
        warnings.append(
            f"the scale is off: the object is about {side:.3g} long where {LONGEST_SIDE} is expected: "
            f"multiply camera positions by {LONGEST_SIDE / side:.3g} (or look at the focal lengths)"
        )
    elif np.abs(middle).max() > OFF_CENTER:
        warnings.append(
            f"the object stands about {', '.join(f'{x:.2g}' for x in middle)} where the origin is expected: move the "
            f"cameras by minus that"
        )
    return warnings


def _small(cameras: Cameras, alpha: np.ndarray) -> tuple[Cameras, np.ndarray]:
    """The same views with at most `PIXELS` on the longer side: (cameras, silhouettes [V, h, w])."""
    shrink = max(1.0, max(cameras.width, cameras.height) / PIXELS)
    width, height = max(1, round(cameras.width / shrink)), max(1, round(cameras.height / shrink))
    return cameras.resized(width, height), resize_area(alpha, height, width)[..., 0] > 0.5


def _touching(masks: np.ndarray) -> np.ndarray:  # [V]
    """Whether a silhouette reaches the edge of its image."""
    return masks[:, [0, -1]].any(axis=(1, 2)) | masks[:, :, [0, -1]].any(axis=(1, 2))


def _widened(masks: np.ndarray) -> np.ndarray:
    """One pixel wider on every side."""
    padded = np.pad(masks, ((0, 0), (1, 1), (1, 1)))
    height, width = masks.shape[1:]
    return np.any([padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3)], axis=0)
