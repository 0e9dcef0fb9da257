"""Intervals around means and rates, with every resample from a keyed stream."""

from collections.abc import Callable

import numpy as np
from scipy.stats import binomtest

from zeroverse.core.rng import Rng


def bootstrap(
    rng: Rng, count: int, statistic: Callable[[np.ndarray], np.ndarray], resamples: int = 10_000, level: float = 0.95
) -> tuple[float, float]:
    """Returns (low, high), the percentile interval of a statistic when `count` things are sampled with replacement.

    statistic: takes the numbers [R, count] int64 of the things in each of R resamples, and returns its values [R]. It
    is called several times, so that memory is bounded.
    """
    rows = max(1, 1_000_000 // count)  # some 10 MB
    blocks = (min(rows, resamples - start) for start in range(0, resamples, rows))
    return _middle(np.concatenate([statistic(_resampled(rng, count, block)) for block in blocks]), level)


def bootstrap_interval(values, seed: int, resamples: int = 10_000, level: float = 0.95) -> tuple[float, float]:
    """Returns the percentile bootstrap interval of the mean of `values` [N], one value per object: the objects are what
    was sampled, not the views. Raises ValueError for no values.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"values: expected [N], N > 0, got {list(values.shape)}")
    return bootstrap(Rng("bootstrap", seed), len(values), lambda picks: values[picks].mean(axis=1), resamples, level)


def crossed_interval(values, seed: int, resamples: int = 10_000, level: float = 0.95) -> tuple[float, float]:
    """Returns the percentile interval of the mean of `values` [S, N], of S runs on the same N objects, with both
    resampled, each apart from the other. Raises ValueError for no values.

    The pigeonhole bootstrap (Owen 2007, Annals of Applied Statistics 1): S N values are not as many independent ones,
    and this errs on the wide side. But like any bootstrap it is too narrow for a handful of runs, by sqrt((S - 1) / S),
    and of one it covers the objects only.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"values: expected [S, N], S > 0, N > 0, got {list(values.shape)}")
    runs, objects = (
        _times(_resampled(Rng("crossed bootstrap", seed, axis), count, resamples))
        for axis, count in zip(("runs", "objects"), values.shape)
    )
    return _middle(((runs @ values) * objects).sum(axis=1) / values.size, level)


def _resampled(rng: Rng, count: int, resamples: int) -> np.ndarray:  # [resamples, count]
    return (rng.unit((resamples, count)) * count).astype(np.int64)


def _times(picks: np.ndarray) -> np.ndarray:  # [R, N] -> [R, N]
    """Returns how often each of N things is among the N picks of every resample."""
    resamples, count = picks.shape
    flat = (picks + count * np.arange(resamples)[:, None]).ravel()
    return np.bincount(flat, minlength=resamples * count).reshape(resamples, count).astype(np.float64)


def _middle(means: np.ndarray, level: float) -> tuple[float, float]:
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def wilson_interval(times: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Returns Wilson's score interval (1927) of a rate: within 0..1, and honest where a few trials show it never or
    always. Raises ValueError for no trials, or more times than trials.
    """
    if not 0 <= times <= trials or trials < 1:
        raise ValueError(f"times, trials: expected 0 <= times <= trials, trials > 0, got {times} and {trials}")
    low, high = binomtest(times, trials).proportion_ci(level, method="wilson")
    return float(low), float(high)
