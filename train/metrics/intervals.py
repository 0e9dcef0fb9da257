"""Intervals around means and rates, with every resample from a keyed stream."""

from statistics import NormalDist

import numpy as np

from zeroverse.core.rng import Rng


def bootstrap_interval(values, seed: int, resamples: int = 10_000, level: float = 0.95) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of `values` [N], one value per object: the objects are what was
    sampled, not the views.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"values: expected [N], N > 0, got {list(values.shape)}")
    rng = Rng("bootstrap", seed)
    rows = max(1, 1_000_000 // len(values))  # bounds the memory to some 10 MB
    means = np.concatenate(
        [
            values[(rng.unit((min(rows, resamples - start), len(values))) * len(values)).astype(np.int64)].mean(axis=1)
            for start in range(0, resamples, rows)
        ]
    )
    return _middle(means, level)


def crossed_interval(values, seed: int, resamples: int = 10_000, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of the mean of `values` [S, N], of S runs on the same N objects, with both resampled, each
    apart from the other.

    The pigeonhole bootstrap (Owen 2007, Annals of Applied Statistics 1): S N values are not as many independent ones,
    and this errs on the wide side. But like any bootstrap it is too narrow for a handful of runs, by sqrt((S - 1) / S),
    and of one it covers the objects only.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"values: expected [S, N], S > 0, N > 0, got {list(values.shape)}")
    runs, objects = (
        _draw_counts(Rng("crossed bootstrap", seed, axis), count, resamples)
        for axis, count in zip(("runs", "objects"), values.shape)
    )
    return _middle(((runs @ values) * objects).sum(axis=1) / values.size, level)


def _draw_counts(rng: Rng, count: int, resamples: int) -> np.ndarray:  # [resamples, count]
    """How often each of `count` things is among as many draws with replacement."""
    drawn = (rng.unit((resamples, count)) * count).astype(np.int64)
    flat = (drawn + count * np.arange(resamples)[:, None]).ravel()
    return np.bincount(flat, minlength=resamples * count).reshape(resamples, count).astype(np.float64)


def _middle(means: np.ndarray, level: float) -> tuple[float, float]:
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def wilson_interval(times: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval (1927) of a rate: within 0..1, and honest where a few trials show it never or always."""
    if not 0 <= times <= trials or trials < 1:
        raise ValueError(f"times, trials: expected 0 <= times <= trials, trials > 0, got {times} and {trials}")
    z = NormalDist().inv_cdf((1 + level) / 2)
    center, spread = (
        (times + z * z / 2) / (trials + z * z),
        z / (trials + z * z) * (times * (trials - times) / trials + z * z / 4) ** 0.5,
    )
    return center - spread if times else 0.0, center + spread if times < trials else 1.0
