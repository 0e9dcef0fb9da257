"""What a quality score reads from views, without weights from anywhere: normal-map gradients, edges, silhouettes,
colours; and, when the user brings a network, its features of the normal maps.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image
from scipy import ndimage

from renderers.curation.measures import OPAQUE
from renderers.curation.subjects import Subject

SIZE = 96  # pixels of a view after cutting it to its object: statistics must not depend on how near the camera was
SCALES = (1, 2, 4, 8)  # pixels between neighbours
SHARP_COS = (0.966, 0.707)  # 15 and 45 degrees
EXTRA = (
    "back_faces",
    "thinness",
    "base_area",
    "base_walled",
    "one_piece",
    "solidity",
    "colour",
)  # of `measures.measure`
Embed = Callable[[np.ndarray], np.ndarray]  # pictures [V, H, W, 3] uint8 -> features [V, D]


def features(subject: Subject, measures: dict, embed: Embed | None = None) -> np.ndarray:
    """Returns the features [D] float32 of an object: mean, least and greatest of `_view` over the views, some measures
    of the object, and the mean of what `embed` makes of the normals.
    """
    views = np.array([_view(*view) for view in cropped(subject)] or [np.zeros(len(_view(*_BLANK)))])
    parts = [views.mean(axis=0), views.min(axis=0), views.max(axis=0), [_known(measures[name]) for name in EXTRA]]
    if embed is not None:
        parts.append(np.asarray(embed(normal_pictures(subject))).mean(axis=0))
    return np.concatenate(parts).astype(np.float32)


_BLANK = (np.zeros((SIZE, SIZE, 3)), np.zeros((SIZE, SIZE), bool), np.zeros((SIZE, SIZE, 3)))


def _known(value: float | None) -> float:
    return 0.0 if value is None else value


def normal_pictures(subject: Subject) -> np.ndarray:
    """Returns the normal maps as TripoSG's scorer sees them, grey around: [V, SIZE, SIZE, 3] uint8."""
    return np.stack(
        [
            np.where(mask[..., None], (normal + 1) * 127.5, 127.5).astype(np.uint8)
            for normal, mask, _ in cropped(subject)
        ]
    )


def cropped(subject: Subject) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Returns (normal [S, S, 3], mask [S, S], rgb [S, S, 3] in 0..1) of every view that has the object in it, cut to a
    square around it.
    """
    images = subject.images
    seen = np.abs(images["normal"]).sum(axis=-1) > 0
    return [
        _cut(normal, mask, rgb)
        for normal, mask, rgb in zip(images["normal"], seen & (images["alpha"][..., 0] > OPAQUE), images["rgb"])
        if mask.any()
    ]


def _cut(normal, mask, rgb):
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    side = max(np.ptp(rows), np.ptp(columns)) + 1
    top, left = (rows[0] + rows[-1] - side) / 2, (columns[0] + columns[-1] - side) / 2
    at = (np.arange(SIZE) + 0.5) * side / SIZE
    i, j = (np.floor(start + 0.5 + at).astype(np.int64) for start in (top, left))
    inside = ((i >= 0) & (i < mask.shape[0]))[:, None] & ((j >= 0) & (j < mask.shape[1]))
    grid = np.ix_(np.clip(i, 0, mask.shape[0] - 1), np.clip(j, 0, mask.shape[1] - 1))
    box = (left + 0.5, top + 0.5, left + side + 0.5, top + side + 0.5)
    small = Image.fromarray(rgb).transform((SIZE, SIZE), Image.Transform.EXTENT, box, Image.Resampling.BILINEAR)
    return normal[grid], mask[grid] & inside, np.asarray(small, np.float64) / 255


def _view(normal: np.ndarray, mask: np.ndarray, rgb: np.ndarray) -> list[float]:
    grey = np.where(mask, rgb.mean(axis=-1), 0.0)
    return [
        *_bends(normal, mask),
        *_steps(grey, mask),
        *_directions(normal[mask]),
        *_outline(mask),
        *_colours(rgb[mask]),
    ]


def _bends(normal, mask) -> list[float]:
    """Of the angle between normals a few pixels apart, for each scale: its mean sine, the share beyond each of
    `SHARP_COS`; and how much of the finest bends is gone one scale up: all of it for noise, none for edges.
    """
    out, fine = [], 0.0
    for scale in SCALES:
        cosine = np.concatenate([((a * b).sum(axis=-1))[m & n] for a, b, m, n in _pairs(normal, mask, scale)])
        bend = float(np.sqrt(np.clip(1 - cosine, 0, 2)).mean()) if len(cosine) else 0.0
        out += [bend, *(float((cosine < limit).mean()) if len(cosine) else 0.0 for limit in SHARP_COS)]
        fine = bend if scale == SCALES[0] else fine
    return [*out, fine / max(out[3], 1e-3), fine / max(out[6], 1e-3)]


def _pairs(image, mask, scale):
    yield image[scale:], image[:-scale], mask[scale:], mask[:-scale]
    yield image[:, scale:], image[:, :-scale], mask[:, scale:], mask[:, :-scale]


def _steps(grey, mask) -> list[float]:
    """Shares of brightness steps above 2, 8 and 32 of 255 for each scale: a histogram of edges."""
    out = []
    for scale in SCALES:
        step = np.concatenate([np.abs(a - b)[m & n] for a, b, m, n in _pairs(grey, mask, scale)])
        out += [float((step > limit / 255).mean()) if len(step) else 0.0 for limit in (2, 8, 32)]
    return out


def _directions(normals) -> list[float]:
    """How the normals are spread: the share of the most frequent of 6 x 9 cells of the cube, and how many cells hold
    one in a hundred.
    """
    if not len(normals):
        return [0.0, 0.0]
    axis = np.argmax(np.abs(normals), axis=1)
    rest = np.stack([normals[np.arange(len(normals)), (axis + k) % 3] for k in (1, 2)], axis=1)
    side = normals[np.arange(len(normals)), axis] > 0
    cell = np.clip(np.floor((rest + 0.75) * 2).astype(np.int64), 0, 2)
    shares = np.bincount(((axis * 2 + side) * 3 + cell[:, 0]) * 3 + cell[:, 1], minlength=54) / len(normals)
    return [float(shares.max()), float((shares > 0.01).sum())]


def _outline(mask) -> list[float]:
    """Of the silhouette: cover, length of its outline over the root of its area, pieces, holes, and the lesser side of
    its box.
    """
    area = float(mask.sum())
    if not area:
        return [0.0] * 5
    edge = area - ndimage.binary_erosion(mask).sum()
    pieces, holes = ndimage.label(mask)[1], ndimage.label(~np.pad(mask, 1, constant_values=False))[1] - 1
    sides = [np.ptp(np.flatnonzero(mask.any(axis=k))) + 1 for k in (0, 1)]
    return [area / mask.size, float(edge / np.sqrt(area)), min(pieces, 20), min(holes, 20), min(sides) / max(sides)]


def _colours(rgb) -> list[float]:
    """Spread of brightness, colourfulness (Hasler and Süsstrunk, 2003, in 0..1), how many of 64 colours hold one pixel
    in a hundred.
    """
    if not len(rgb):
        return [0.0] * 4
    first, second = rgb[:, 0] - rgb[:, 1], (rgb[:, 0] + rgb[:, 1]) / 2 - rgb[:, 2]
    cells = (np.clip(rgb, 0, 0.999) * 4).astype(np.int64)
    shares = np.bincount((cells[:, 0] * 4 + cells[:, 1]) * 4 + cells[:, 2], minlength=64) / len(rgb)
    colourful = np.sqrt(first.var() + second.var()) + 0.3 * np.sqrt(first.mean() ** 2 + second.mean() ** 2)
    return [float(rgb.mean()), float(rgb.mean(axis=1).std()), float(colourful), float((shares > 0.01).sum())]
