"""How good a scorer is on objects that it has not seen: rank correlation, intervals, and who beats whom."""

from collections.abc import Callable

import numpy as np
from scipy.stats import spearmanr

from train.metrics import intervals
from zeroverse.core.rng import Rng

BOOTSTRAPS = 1000


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Returns Spearman's rank correlation of two lists; 0 where one of them is constant and scipy has no answer."""
    return 0.0 if np.ptp(a) == 0 or np.ptp(b) == 0 else float(spearmanr(a, b).statistic)


def bootstrap(groups: np.ndarray, statistic: Callable[[np.ndarray], float]) -> list[float]:
    """Returns [value, low, high]: the statistic of all rows, and its 95 % interval when groups of rows are sampled with
    replacement.

    groups: [N] the group of each row. statistic: takes the numbers of some rows, and returns one number.
    """
    rows = [np.flatnonzero(groups == name) for name in np.unique(groups)]
    interval = intervals.bootstrap(
        Rng("curate", "bootstrap"),
        len(rows),
        lambda picks: np.array([statistic(np.concatenate([rows[group] for group in pick])) for pick in picks]),
        BOOTSTRAPS,
    )
    return [round(float(x), 4) for x in (statistic(np.arange(len(groups))), *interval)]


def numbers(scores: np.ndarray, ratings: np.ndarray, groups: np.ndarray, kinds: np.ndarray) -> dict:
    """Returns the held-out quality, each [value, low, high]: rank correlation, mean absolute error, and how often a
    clean object beats its own defective twin, for all kinds of defect and for each.
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
