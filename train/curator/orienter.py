"""Training of the orienter on objects that are upright as they are, and the temperature that makes it as sure as it is
right.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from renderers.curation.orient import GRID, Orientation, Orienter, turns
from train.curator.numbers import bootstrap
from train.curator.scorer import FOLDS, folds_of

PENALTIES = (
    0.3,
    3e-3,
    # of single cells of the views, which learn kinds of objects by heart, and of `_shape`, which carries over to new
    # kinds
)
TEMPERATURES = tuple(round(0.5 * 1.25**k, 3) for k in range(20))


def fit(features: np.ndarray, alike: np.ndarray) -> Orienter:
    """features [N, 24, D], alike [N, 24, 24] of objects that are upright as they are: turn 0 is right, and what looks
    like it is as right.
    """
    right = alike[:, 0]  # [N, 24]
    mean, scale = features.mean(axis=(0, 1)), features.std(axis=(0, 1))
    scale = np.where(scale > 1e-5, scale, 1e30)
    x = (features - mean) / scale
    cells = 6 * GRID * GRID * 5
    penalty = np.repeat(PENALTIES, (cells, x.shape[-1] - cells))

    def loss(weights):
        score = x @ weights
        score -= score.max(axis=1, keepdims=True)
        each = np.exp(score)
        chance = each / each.sum(axis=1, keepdims=True)
        mass = (chance * right).sum(axis=1, keepdims=True)
        gradient = chance - chance * right / np.maximum(mass, 1e-300)
        return (
            float(-np.log(np.maximum(mass, 1e-300)).mean() + (penalty * weights**2).sum()),
            np.einsum("nc,ncd->d", gradient, x) / len(x) + 2 * penalty * weights,
        )

    found = minimize(loss, np.zeros(x.shape[-1]), jac=True, method="L-BFGS-B", options={"maxiter": 300})
    return Orienter(mean, scale, found.x)


def tempered(chooser: Orienter, temperature: float) -> Orienter:
    return replace(chooser, weights=chooser.weights / temperature)


def best_temperature(choosers: list[Orienter], features: np.ndarray, alike: np.ndarray) -> float:
    """Returns the temperature at which each chooser's probabilities on its own object, one that it has not seen, are
    likeliest: a few objects make it too sure of itself.
    """

    def cost(temperature: float) -> float:
        mass = [
            tempered(chooser, temperature).probabilities(x)[right].sum()
            for chooser, x, right in zip(choosers, features, alike[:, 0])
        ]
        return float(-np.log(np.maximum(mass, 1e-12)).mean())

    return min(TEMPERATURES, key=cost)


def train_orienter(described: np.ndarray, alike: np.ndarray, out: Path) -> dict:
    """Writes orienter.json to `out`; returns the held-out numbers, also in it."""
    folds = folds_of(np.arange(len(described)).astype(str))
    of_fold = {fold: fit(described[folds != fold], alike[folds != fold]) for fold in range(FOLDS)}
    choosers = [of_fold[fold] for fold in folds]
    temperature = best_temperature(choosers, described, alike)
    guesses = [tempered(chooser, temperature).orient(x, same) for chooser, x, same in zip(choosers, described, alike)]
    numbers = orientation_numbers(guesses, alike)
    tempered(fit(described, alike), temperature).save(out / "orienter.json", numbers)
    return numbers


def orientation_numbers(guesses: list[Orientation], alike: np.ndarray) -> dict:
    """Returns numbers of upright objects, each [value, low, high]: how often the turn is right (or looks the same as
    the right one), how often up is, the same among those that the chooser is sure of, and how many those are.
    """
    right = np.array([alike[n, 0, guess.turn] for n, guess in enumerate(guesses)])
    up_of = turns()[:, 2]
    up = np.array(
        [
            any((up_of[t] == up_of[guess.turn]).all() for t in np.flatnonzero(alike[n, 0]))
            for n, guess in enumerate(guesses)
        ]
    )
    sure = np.array([guess.verdict != "cannot tell" for guess in guesses])
    fronted = np.array([guess.verdict == "upright and front" for guess in guesses])
    groups = np.arange(len(guesses))

    def share(good, among):
        return bootstrap(groups, lambda rows: float(good[rows][among[rows]].mean()) if among[rows].any() else 0.0)

    every = np.ones(len(guesses), bool)
    return {
        "objects": len(guesses),
        "right": share(right, every),
        "up": share(up, every),
        "sure_of_up": share(sure, every),
        "up_when_sure": share(up, sure),
        "sure_of_front": share(fronted, every),
        "right_when_sure_of_front": share(right, fronted),
    }
