"""How good a scorer is on objects that it has not seen: rank correlation, intervals, and who beats whom."""

from collections.abc import Callable

import numpy as np

from zeroverse.core.rng import Rng

BOOTSTRAPS = 1000


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Rank correlation, ties sharing their mean rank."""
    ranks = [_ranks(x) for x in (a, b)]
    centered = [rank - rank.mean() for rank in ranks]
    length = np.sqrt((centered[0] ** 2).sum() * (centered[1] ** 2).sum())
    return float((centered[0] * centered[1]).sum() / length) if length > 0 else 0.0


def _ranks(x: np.ndarray) -> np.ndarray:
    _, number, times = np.unique(x, return_inverse=True, return_counts=True)
    return (np.cumsum(times) - (times - 1) / 2)[number]


def bootstrap(groups: np.ndarray, statistic: Callable[[np.ndarray], float]) -> list[float]:
    """[value, low, high]: the statistic of all rows (it is given their indices), and its 95 % interval when groups are
    drawn with replacement.
    """
    rows = {name: np.flatnonzero(groups == name) for name in np.unique(groups)}
    names, rng = list(rows), Rng("curate", "bootstrap")
    draws = (rng.unit((BOOTSTRAPS, len(names))) * len(names)).astype(np.int64)
    values = [statistic(np.concatenate([rows[names[pick]] for pick in draw])) for draw in draws]
    low, high = np.percentile(values, (2.5, 97.5))
    return [round(float(x), 4) for x in (statistic(np.arange(len(groups))), low, high)]


def numbers(scores: np.ndarray, ratings: np.ndarray, groups: np.ndarray, kinds: np.ndarray) -> dict:
    """Held-out quality, each [value, low, high]: rank correlation, mean absolute error, and how often a clean object
    beats its own defective twin, for all kinds of defect and for each.
    """

    def beats(kind: str | None):
        clean = {group: score for group, score, found in zip(groups, scores, kinds) if found == "clean"}
        wins = np.array(
            [
                clean[group] > score if group in clean and found != "clean" and kind in (None, found) else np.nan
                for group, score, found in zip(groups, scores, kinds)
            ],
            np.float64,
        )
        return lambda rows: float(np.nanmean(wins[rows])) if np.isfinite(wins[rows]).any() else 0.0

    found = {
        "objects": len(np.unique(groups)),
        "rated": len(ratings),
        "rank_correlation": bootstrap(groups, lambda rows: spearman(scores[rows], ratings[rows])),
        "error": bootstrap(groups, lambda rows: float(np.abs(scores[rows] - ratings[rows]).mean())),
    }
    if "clean" in kinds:
        defects = sorted({str(kind) for kind in kinds} - {"clean"})
        found |= {"clean_beats_twin": bootstrap(groups, beats(None))} | {
            f"clean_beats_{kind}": bootstrap(groups, beats(kind)) for kind in defects
        }
    return found
