"""Near-duplicates among descriptors: the first of each group stays."""

import numpy as np
from scipy.spatial import cKDTree

from zeroverse.core.rng import Rng

SKETCH = 12  # dimensions of the k-d tree: enough that few strangers are near, few enough that the tree is fast


def near_duplicates(descriptors: np.ndarray, radius: float) -> np.ndarray:
    """Returns for each row of descriptors [N, D] the earlier kept row within Euclidean distance `radius`, or -1 where
    the row itself is kept: [N] int64.

    Rows are taken in order; a row is a duplicate when a kept one before it is near, and the nearest such is named. The
    answer is exact: the tree is asked about an orthogonal projection, which never lengthens a distance, and what it
    names is measured in full.
    """
    descriptors = np.asarray(descriptors, np.float64)
    sketch = np.einsum("nd,dk->nk", descriptors, _projection(descriptors.shape[1]))
    near = cKDTree(sketch).query_pairs(radius * (1 + 1e-9), output_type="ndarray")
    first, second = near.min(axis=1), near.max(axis=1)
    distance = _distances(descriptors, first, second)
    order = np.lexsort((distance, second))
    of = np.full(len(descriptors), -1, np.int64)
    for i, j, length in zip(first[order], second[order], distance[order]):
        if length <= radius and of[i] < 0 and of[j] < 0:
            of[j] = i
    return of


def _distances(descriptors: np.ndarray, first: np.ndarray, second: np.ndarray, block: int = 1 << 16) -> np.ndarray:
    """Returns the distances [K] between rows `first` and `second`, a block at a time for the sake of memory."""
    parts = [
        descriptors[first[at : at + block]] - descriptors[second[at : at + block]] for at in range(0, len(first), block)
    ]
    return np.concatenate([np.sqrt((part * part).sum(axis=1)) for part in parts]) if parts else np.zeros(0)


def _projection(dims: int) -> np.ndarray:
    """Returns a matrix [D, K] with orthonormal columns, always the same."""
    columns: list[np.ndarray] = []
    for number in range(min(SKETCH, dims)):
        column = Rng("near duplicates", number).unit(dims) - 0.5
        for other in columns:
            column = column - (column * other).sum() * other
        columns.append(column / np.sqrt((column * column).sum()))
    return np.stack(columns, axis=1)
