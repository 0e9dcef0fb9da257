"""Images of shards, composited and shrunk to the size of the batches."""

from functools import lru_cache

import numpy as np

# world units, standard deviation: a resized pixel that covers more straddles an edge, and its mean lies in the air
DEPTH_SPREAD = 0.03
NORMAL_LENGTH = 0.95  # of the mean of a resized pixel's normals: a shorter one straddles a crease


def resize_area(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """Returns images [V, H, W, C] as [V, height, width, C] float32, each pixel the mean of the area it covers. Only
    shrinks.
    """
    if images.shape[1:3] == (height, width):
        return images.astype(np.float32)
    rows, columns = _coverage(images.shape[1], height), _coverage(images.shape[2], width)
    return np.einsum("ih,vhwc,jw->vijc", rows, images, columns, optimize=True).astype(np.float32)


def resize_labels(depth: np.ndarray, normal: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns depth [V, H, W, 1] and normals [V, H, W, 3] at `size` x `size`, float32, the mean over what a pixel
    covers.

    0, unknown, where that is not all one surface: a background pixel in it, an edge (DEPTH_SPREAD) or, for normals, a
    crease (NORMAL_LENGTH).
    """
    depth = depth.astype(np.float64)
    mean, square = resize_area(depth, size, size), resize_area(depth * depth, size, size)
    known = (resize_area((depth > 0).astype(np.float64), size, size) > 1 - 1e-4) & (
        square - mean * mean < DEPTH_SPREAD**2
    )
    normal = resize_area(normal, size, size)
    length = np.sqrt((normal * normal).sum(axis=-1, keepdims=True))
    normal = np.where(known & (length > NORMAL_LENGTH), normal / np.maximum(length, NORMAL_LENGTH), 0.0)
    return np.where(known, mean, 0.0).astype(np.float32), normal.astype(np.float32)


@lru_cache(8)
def _coverage(count: int, target: int) -> np.ndarray:  # [target, count]
    """Row i: the part of each source pixel in target pixel i, summing to one."""
    edges = np.arange(target + 1) * (count / target)
    low, high = np.maximum(edges[:-1, None], np.arange(count)), np.minimum(edges[1:, None], np.arange(count) + 1)
    return np.maximum(high - low, 0.0) * (target / count)
