"""Numbers about one object that filters compare with thresholds. Each is None where the subject does not have what it
is measured on.
"""

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from detailverse.curation.planar_base import planar_base
from detailverse.labels.descriptors import shape_descriptor
from renderers.curation.subjects import Subject
from renderers.geometry import geometry_of
from renderers.geometry.arrays import scene_of
from renderers.raster.visibility import faces_buffer, to_camera, visibility
from zeroverse.core.rng import Rng

OPAQUE = 127  # of alpha
COLOUR_CELLS = 4  # of the colour histogram, along each of red, green and blue
# of the colour histogram beside the shape's: repainted objects lie 0.03 apart or more, two renderings of one 0.004
COLOUR_WEIGHT = 0.1


def measure(subject: Subject) -> dict[str, float | None]:
    """Returns everything that `filters.FILTERS` reads."""
    masks = subject.images["alpha"][..., 0] > OPAQUE  # [V, H, W]
    base, sides = planar_base(subject.points), np.sort(np.ptp(subject.points.position, axis=0))
    return {
        "coverage": float(masks.mean(axis=(1, 2)).min()),
        "brightest": float(subject.images["rgb"][masks].max(initial=0)),
        "not_finite": float(sum((~np.isfinite(image)).sum() for image in subject.images.values())),
        "back_faces": None if subject.asset is None else back_faces(subject),
        "thinness": float(sides[0] / max(sides[2], 1e-9)),
        "colour": colour_spread(subject, masks),
        "base_area": base.area,
        "base_footprint": base.footprint,
        "base_walled": base.walled,
        **pieces(masks),
    }


def pieces(masks: np.ndarray) -> dict[str, float]:
    """Returns how much one thing the mask [V, H, W] is: the share of its largest connected piece (mean and least over
    the views), and solidity, area over that of the convex hull, of that piece and of the whole.
    """
    rows = [_pieces(mask) for mask in masks if mask.any()] or [(0.0, 0.0, 0.0)]
    share, largest, whole = np.array(rows).T
    return {
        "one_piece": float(share.mean()),
        "one_piece_least": float(share.min()),
        "solidity_largest": float(largest.mean()),
        "solidity": float(whole.mean()),
    }


def _pieces(mask: np.ndarray) -> tuple[float, float, float]:
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    largest = labels == 1 + int(np.argmax(sizes))
    return float(sizes.max() / sizes.sum()), _solidity(largest), _solidity(mask)


def _solidity(mask: np.ndarray) -> float:
    rows, columns = np.nonzero(mask)
    corners = np.concatenate(
        [np.stack([rows + i, columns + j], axis=1) for i in (0, 1) for j in (0, 1)]
    )  # of the pixels: a line has an area
    try:
        return float(len(rows) / ConvexHull(corners).volume)  # in the plane, `volume` is the area
    except QhullError:
        return 1.0


def back_faces(subject: Subject) -> float:
    """Returns the share of the covered pixels where the nearest triangle is seen from behind: 0 for closed objects with
    their faces outwards.

    Two triangles in one place, one each way, as double-sided files have them, count as the one that faces the camera.
    """
    geometry = geometry_of(subject.asset)
    scene, cameras = scene_of(geometry, textured=False), subject.cameras
    front, nearest = (_nearest(scene, cameras, cull) for cull in (True, False))
    seen = nearest > 0
    return float((seen & (front < nearest * (1 - 1e-3))).sum() / max(seen.sum(), 1))


def _nearest(scene, cameras, cull: bool) -> np.ndarray:
    """Inverse depth [V, H, W] at pixel centres, 0 = no surface."""
    shape = (cameras.height, cameras.width)
    index, inverse = np.full(shape, -1, np.int32), np.zeros((len(cameras), *shape), np.float32)
    camera, pixel, faces = (
        np.empty((len(scene.vertices), 3)),
        np.empty((len(scene.vertices), 2)),
        faces_buffer(len(scene.faces)),
    )
    for view in range(len(cameras)):
        to_camera(
            scene.vertices, cameras.c2w[view], cameras.intrinsics[view], cameras.width, cameras.height, camera, pixel
        )
        visibility(scene, camera, pixel, cameras.intrinsics[view], cull, inverse[view], index, faces)
    return inverse


def colour_spread(subject: Subject, masks: np.ndarray) -> float:
    """Returns the standard deviation, of 255, of what varies most of: base colour, the hue of rgb, metalness and
    roughness. Shading is no colour.
    """
    rgb = subject.images["rgb"][masks].astype(np.float64)
    if not len(rgb):
        return 0.0
    spreads = [255 * (rgb / np.maximum(rgb.sum(axis=1, keepdims=True), 24)).std(axis=0).max()]
    inner = ndimage.binary_erosion(
        masks, np.ones((1, 3, 3))
    )  # labels have no anti-aliasing: at edges they may see the background
    for name in ("albedo", "metallic_roughness"):
        if name in subject.images and inner.any():
            spreads.append(subject.images[name][inner].astype(np.float64).std(axis=0).max())
    return float(max(spreads))


def descriptor(subject: Subject) -> np.ndarray:
    """Returns what an object is like however it is turned: its shape and the colours of its views, [160] float32."""
    masks = subject.images["alpha"][..., 0] > OPAQUE
    colours = subject.images["rgb"][masks].astype(np.float64) / 255 * (COLOUR_CELLS - 1)
    histogram = np.zeros(COLOUR_CELLS**3)
    low = np.minimum(np.floor(colours).astype(np.int64), COLOUR_CELLS - 2)
    part = colours - low
    for corner in range(8):  # shared out between the eight nearest cells, so that a little more light changes little
        step = np.array([corner & 1, corner >> 1 & 1, corner >> 2])
        cell = ((low + step) * COLOUR_CELLS ** np.arange(3)).sum(axis=1)
        histogram += np.bincount(cell, np.where(step, part, 1 - part).prod(axis=1), COLOUR_CELLS**3)
    shape = shape_descriptor(subject.points, Rng("curate", "descriptor"))
    return np.concatenate([shape, COLOUR_WEIGHT * histogram / max(len(colours), 1)]).astype(np.float32)
