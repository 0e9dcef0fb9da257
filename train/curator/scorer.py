"""Training of the quality score: a ridge regression, its penalty chosen on folds of whole objects."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from renderers.curation import sheets
from renderers.curation.filters import Thresholds, verdicts
from renderers.curation.score import KNOTS, Scorer
from train.curator.examples import Rated
from train.curator.numbers import bootstrap, numbers
from zeroverse.core.files import write_whole
from zeroverse.core.rng import Rng

PENALTIES = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
FOLDS = 5


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
    x, weights = blank.inputs(features), balance(ratings)
    middle, center = (weights[:, None] * x).sum(axis=0) / weights.sum(), (weights * ratings).sum() / weights.sum()
    x = x - middle
    found = np.linalg.solve(
        x.T @ (weights[:, None] * x) + penalty * np.eye(x.shape[1]), x.T @ (weights * (ratings - center))
    )
    return replace(blank, weights=found, bias=float(center - middle @ found))


def balance(ratings: np.ndarray) -> np.ndarray:
    """Returns [N] weights of mean 1 that let rare ratings count: each of the five whole ratings nearly the same, none
    more than four times the mean.
    """
    bins = np.clip(np.rint(ratings), 1, 5).astype(np.int64)
    weights = np.clip(1.0 / np.bincount(bins, minlength=6)[bins] * len(bins) / 5, 0.25, 4.0)
    return weights / weights.mean()


def folds_of(groups: np.ndarray) -> np.ndarray:
    """Returns [N] 0 … FOLDS - 1, one for all rows of a group."""
    names, number = np.unique(groups, return_inverse=True)
    if len(names) < 2 * FOLDS:
        raise ValueError(f"objects: expected at least {2 * FOLDS} to train on and hold out, got {len(names)}")
    order = np.argsort(Rng("curate", "folds").unit(len(names)))
    fold = np.empty(len(names), np.int64)
    fold[order] = np.arange(len(names)) % FOLDS
    return fold[number]


def held_out(features, ratings, folds, train: Callable[[np.ndarray, np.ndarray], Scorer]) -> np.ndarray:
    """Returns [N] the score of every row by a model that saw no variant of its object."""
    out = np.empty(len(ratings))
    for fold in np.unique(folds):
        out[folds == fold] = train(features[folds != fold], ratings[folds != fold]).score(features[folds == fold])
    return out


def train_scorer(rated: Rated, out: Path, embed: str = "") -> dict:
    """Writes scorer.json, rated.png (ratings and held-out scores under the pictures) and filters.json (what the filters
    do to each kind) to `out`; returns the scorer's held-out numbers, which are also in its file.
    """
    penalty = best_penalty(rated.features, rated.ratings, rated.groups)
    scores = held_out(rated.features, rated.ratings, folds_of(rated.groups), lambda x, y: ridge(x, y, penalty))
    found = numbers(scores, rated.ratings, rated.groups, rated.kinds)
    ridge(rated.features, rated.ratings, penalty, embed).save(out / "scorer.json", found)
    rows = [
        (tile, [f"{kind} {group}", f"rated {rating:.1f} scored {scored:.1f}"])
        for tile, kind, group, rating, scored in zip(rated.thumbnails, rated.kinds, rated.groups, rated.ratings, scores)
    ]
    write_whole(out / "rated.png", sheets.sheet("rated", len(rows), rows[: sheets.MOST]))
    write_whole(out / "filters.json", json.dumps(filter_numbers(rated, Thresholds()), indent=1).encode())
    return found


def filter_numbers(rated: Rated, limits: Thresholds) -> dict:
    """Returns how often each kind is removed, by any filter and by each that speaks first, [value, low, high]: of
    `clean`, those are the false alarms.
    """
    found = {}
    steps = np.array(
        [
            next((verdict.step for verdict in verdicts(measures | {"score": None}, limits)), "")
            for measures in rated.measures
        ]
    )
    for kind in sorted(set(rated.kinds)):
        groups, of_kind = rated.groups[rated.kinds == kind], steps[rated.kinds == kind]
        hits = {"removed": of_kind != ""} | {str(step): of_kind == step for step in sorted(set(of_kind)) if step}
        found[str(kind)] = {
            name: bootstrap(groups, lambda rows, hit=hit: float(hit[rows].mean())) for name, hit in hits.items()
        }
    return found
