"""What an object is like, however it is turned or scaled: the D2 and A3 shape distributions (Osada et al., Shape
Distributions, 2002).
"""

import numpy as np

from detailverse.spatial.edges import angle_between
from detailverse.spatial.probes import on_faces, spread
from detailverse.spatial.sampling import Points
from zeroverse.core.jit import kernel
from zeroverse.core.portable import TAU
from zeroverse.core.rng import Rng

BINS = 48
PICKS = 1 << 18  # triples of points: the distributions' sampling noise is near 1 % of their mass
REACH = 3.0  # distances up to so many times their mean
CLOUD, PAIRS, TRIPLES = 4096, 60_000, 30_000
D2_BINS, A3_BINS = 48, 32
D2_REACH = 3.0  # of distances over their root mean square


def shape_descriptor(points: Points, rng: Rng) -> np.ndarray:
    """Returns [2 * BINS] float32: histograms, each of sum 1, of the distance between two surface points over its mean,
    and of the cosine of the angle at a point between two others. (A3 has the angle; its cosine orders the same and
    needs no arccosine.)
    """
    picks = (rng.unit((PICKS, 3)) * len(points.position)).astype(np.int64)
    return _histograms(np.ascontiguousarray(points.position, np.float64), picks).astype(np.float32)


@kernel
def _histograms(points, picks):
    """Returns the two histograms of `shape_descriptor`, side by side, for picks [PICKS, 3] of points."""
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


def surface_descriptor(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Returns [80] float64 of length 1: the square roots of the histograms D2 (distances between two points of the
    surface, over their root mean square) and A3 (angles at the second of three), so that the product of two is a
    Bhattacharyya coefficient. Unchanged by rotation, translation and scale up to sampling.

    points: [N, 3]. faces: [F, 3]. It differs from `shape_descriptor` in the norm: the distances that `acceptance` and
    the table of diversity compare are those between unit vectors.
    """
    rng = Rng("descriptor")
    face = spread(points, faces, CLOUD)[1]
    cloud = on_faces(points, faces, face, rng.child("place").unit((CLOUD, 2)))
    a, b = cloud[(rng.child("pairs").unit((2, PAIRS)) * CLOUD).astype(np.int64)]
    distance = np.sqrt(((a - b) ** 2).sum(axis=1))
    scaled = distance / np.sqrt((distance * distance).mean())
    a, b, c = cloud[(rng.child("triples").unit((3, TRIPLES)) * CLOUD).astype(np.int64)]
    d2 = np.histogram(np.minimum(scaled, D2_REACH), D2_BINS, (0.0, D2_REACH))[0] / PAIRS
    a3 = np.histogram(_angles_at(a, b, c), A3_BINS, (0.0, TAU / 2))[0] / TRIPLES
    return np.sqrt(np.concatenate([d2, a3]) / 2)


@kernel
def _angles_at(a, b, c):
    """Returns the angles [N] at b between a and c, in radians."""
    out = np.empty(len(a))
    for n in range(len(a)):
        out[n] = angle_between(
            a[n, 0] - b[n, 0],
            a[n, 1] - b[n, 1],
            a[n, 2] - b[n, 2],
            c[n, 0] - b[n, 0],
            c[n, 1] - b[n, 1],
            c[n, 2] - b[n, 2],
        )
    return out
