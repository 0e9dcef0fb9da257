"""The quality score: a ridge regression from `features` to ratings of 1 to 5, as TripoSG's, and the numbers that say
how good it is.

Linear algebra of numpy, no weights from anywhere. The model is a small JSON file, so it can be read and shared.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from zeroverse.core.files import write_whole
from zeroverse.core.rng import Rng

FORMAT = "verse-scorer/1"
PENALTIES = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
KNOTS = 64  # quantiles kept of each feature
FOLDS = 5
BOOTSTRAPS = 1000


@dataclass(frozen=True, eq=False)
class Scorer:
    """score = bias + weights · z(x), clipped to 1..5. z has every feature twice: standardised, and as its rank among
    the training set's, for many are zero in good objects and what matters is that they are not. mean, scale: [D];
    knots: [D, KNOTS] quantiles; weights: [2 D].

    embed: the name of the network whose features it needs beside the built-in ones, empty for none.
    """

    mean: np.ndarray
    scale: np.ndarray
    knots: np.ndarray
    weights: np.ndarray
    bias: float
    embed: str = ""

    def score(self, features: np.ndarray) -> np.ndarray:
        """[N, D] -> [N]. Raises ValueError for another D."""
        if features.shape[-1] != len(self.mean):
            raise ValueError(
                f"features: the scorer was trained on {len(self.mean)} numbers an object, got {features.shape[-1]}; "
                f"its network was {self.embed or 'none'}"
            )
        return np.clip(self.bias + self._inputs(features) @ self.weights, 1.0, 5.0)

    def _inputs(self, features: np.ndarray) -> np.ndarray:  # [N, D] -> [N, 2 D]
        standard = np.clip((features - self.mean) / self.scale, -4, 4)
        ranks = np.stack(
            [
                (np.searchsorted(knots, x, "left") + np.searchsorted(knots, x, "right")) / (2.0 * KNOTS) - 0.5
                for knots, x in zip(self.knots, np.asarray(features, np.float64).T)
            ],
            axis=1,
        )
        return np.concatenate([standard, np.sqrt(12.0) * ranks], axis=1)  # a uniform rank has variance 1/12

    def save(self, path: Path, numbers: dict) -> None:
        arrays = {name: np.round(getattr(self, name), 7).tolist() for name in ARRAYS}
        write_whole(
            path,
            json.dumps(
                {"format": FORMAT, "held_out": numbers, "embed": self.embed, "bias": self.bias, **arrays}
            ).encode(),
        )

    @classmethod
    def load(cls, path: Path) -> "Scorer":
        """Raises ValueError naming the file for anything else."""
        try:
            row = json.loads(path.read_bytes())
            if row["format"] != FORMAT:
                raise ValueError(f"format: expected {FORMAT}, got {row['format']!r}")
            return cls(*(np.array(row[name], np.float64) for name in ARRAYS), float(row["bias"]), row["embed"])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}: not a scorer: {type(error).__name__}: {error}") from error


ARRAYS = ("mean", "scale", "knots", "weights")


def fit(features: np.ndarray, ratings: np.ndarray, groups: np.ndarray, embed: str = "") -> Scorer:
    """features [N, D], ratings [N], groups [N]: which object a row is a variant of. The penalty with the least error
    over `FOLDS` folds of groups.
    """
    return ridge(features, ratings, best_penalty(features, ratings, groups), embed)


def best_penalty(features: np.ndarray, ratings: np.ndarray, groups: np.ndarray) -> float:
    folds, weights = folds_of(groups), balance(ratings)

    def error(penalty: float) -> float:
        found = held_out(features, ratings, folds, lambda x, y: ridge(x, y, penalty))
        return float((weights * (found - ratings) ** 2).mean())

    return min(PENALTIES, key=error)


def ridge(features: np.ndarray, ratings: np.ndarray, penalty: float, embed: str = "") -> Scorer:
    mean, scale = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64)
    scale = np.where(scale > 1e-6 * np.maximum(np.abs(mean), 1), scale, 1e9)  # what never changed says nothing
    knots = np.quantile(features.astype(np.float64), (np.arange(KNOTS) + 0.5) / KNOTS, axis=0).T
    blank = Scorer(mean, scale, knots, np.zeros(0), 0.0, embed)
    x, weights = blank._inputs(features), balance(ratings)
    middle, center = (weights[:, None] * x).sum(axis=0) / weights.sum(), (weights * ratings).sum() / weights.sum()
    x = x - middle
    found = np.linalg.solve(
        x.T @ (weights[:, None] * x) + penalty * np.eye(x.shape[1]), x.T @ (weights * (ratings - center))
    )
    return replace(blank, weights=found, bias=float(center - middle @ found))


def balance(ratings: np.ndarray) -> np.ndarray:
    """[N] weights of mean 1 that let rare ratings count: each of the five whole ratings nearly the same, none more than
    four times the mean.
    """
    bins = np.clip(np.rint(ratings), 1, 5).astype(np.int64)
    weights = np.clip(1.0 / np.bincount(bins, minlength=6)[bins] * len(bins) / 5, 0.25, 4.0)
    return weights / weights.mean()


def folds_of(groups: np.ndarray) -> np.ndarray:
    """[N] 0 … FOLDS - 1, one for all rows of a group."""
    names, number = np.unique(groups, return_inverse=True)
    if len(names) < 2 * FOLDS:
        raise ValueError(f"objects: expected at least {2 * FOLDS} to train on and hold out, got {len(names)}")
    order = np.argsort(Rng("curate", "folds").unit(len(names)))
    fold = np.empty(len(names), np.int64)
    fold[order] = np.arange(len(names)) % FOLDS
    return fold[number]


def held_out(features, ratings, folds, train: Callable[[np.ndarray, np.ndarray], Scorer]) -> np.ndarray:
    """[N] the score of every row by a model that saw no variant of its object."""
    out = np.empty(len(ratings))
    for fold in np.unique(folds):
        out[folds == fold] = train(features[folds != fold], ratings[folds != fold]).score(features[folds == fold])
    return out


# ------------------------------------------------------------------------------------------------------------- how good


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
