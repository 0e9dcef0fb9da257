"""What an object is like, however it is turned or scaled: the D2 and A3 shape distributions (Osada et al., Shape
Distributions, 2002).
"""

import numpy as np

from detailverse.spatial.sampling import Points
from zeroverse.core.jit import kernel
from zeroverse.core.rng import Rng

BINS = 48
DRAWS = 1 << 18  # triples of points: the distributions' sampling noise is near 1 % of their mass
REACH = 3.0  # distances up to so many times their mean


def shape_descriptor(points: Points, rng: Rng) -> np.ndarray:
    """[2 * BINS] float32: histograms, each of sum 1, of the distance between two surface points over its mean, and of
    the cosine of the angle at a point between two others. (A3 has the angle; its cosine orders the same and needs no
    arccosine.)
    """
    picks = (rng.unit((DRAWS, 3)) * len(points.position)).astype(np.int64)
    return _histograms(np.ascontiguousarray(points.position, np.float64), picks).astype(np.float32)


@kernel
def _histograms(points, picks):
    out = np.zeros(2 * BINS)
    lengths = np.empty(len(picks))
    for n in range(len(picks)):
        a, b, c = points[picks[n, 0]], points[picks[n, 1]], points[picks[n, 2]]
        ab, ac, inner = 0.0, 0.0, 0.0
        for axis in range(3):
            u, v = b[axis] - a[axis], c[axis] - a[axis]
            ab += u * u
            ac += v * v
            inner += u * v
        lengths[n] = np.sqrt(ab)
        cosine = inner / np.sqrt(ab * ac) if ab * ac > 0.0 else 1.0
        out[BINS + min(max(int((cosine + 1.0) * 0.5 * BINS), 0), BINS - 1)] += 1.0
    unit = REACH * lengths.sum() / len(lengths) / BINS
    for n in range(len(lengths)):
        out[min(int(lengths[n] / unit), BINS - 1) if unit > 0.0 else 0] += 1.0
    return out / len(picks)
