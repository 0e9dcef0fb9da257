"""How complex is an object, and a curriculum over it: easy objects first, all of them in the end.

LRM-Zero and MegaSynth both find that the complexity of the data is what decides stability (docs/papers.md, LRM).
"""

import json
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from renderers.shards import SampleReader, ShardError
from zeroverse.core.rng import Rng
from zeroverse.grammar.complexity import complexity as of_recipe

READERS = 8  # threads that read the samples' json
PARTS_MAX = 9  # primitives of the largest Zeroverse object
FREQUENCY_MAX = 10.0  # cycles per unit: a texture as fine as a pixel at 64 px counts in full


def complexity(uid: str, labels: str = "{}", recipe: str = "{}") -> float:
    """Returns how complex the object of a sample is, 0 … 1 within one source, from its labels and its recipe, both
    JSON: by `labels.complexity`, which DetailVerse (detailverse.labels) and Zeroverse (zeroverse.grammar.complexity)
    store.

    The weights are ours. Raises ValueError naming a sample without it, as of a GLB file.
    """
    stored, parts = json.loads(labels).get("complexity"), json.loads(recipe)
    known = stored or parts.get("parts") and of_recipe(parts)  # shards of before it was stored
    if not known:
        raise ValueError(f"sample {uid}: complexity: expected labels.complexity or a recipe with parts, got neither")
    return _of_primitives(known) if "primitives" in known else _of_surface(known)


def _of_primitives(labels: dict) -> float:
    """Zeroverse: cuts unsettle training most, and more on objects of many primitives; wireframes, height fields, thin
    parts little (LRM-Zero table 10).
    """
    crowd = (labels["primitives"] - 1) / (PARTS_MAX - 1)
    fine = min(labels["texture_frequency"] / FREQUENCY_MAX, 1.0)
    return (
        0.35 * crowd
        + 0.35 * labels["cut"] * (1 + crowd) / 2
        + 0.1 * labels["wireframe"]
        + 0.1 * labels["height_fields"]
        + 0.05 * fine
        + 0.05 * (1 - labels["thinnest"])
    )


def _of_surface(labels: dict) -> float:
    """DetailVerse: creases, handles, loose parts, relief and thin walls; each saturates, as one hole more is less the
    more there are.
    """
    saturating = lambda value, half: max(value, 0.0) / (max(value, 0.0) + half)
    thin = labels.get("thin")
    return (
        0.3 * saturating(labels["crease_density"], 30.0)
        + 0.2 * saturating(labels["genus"], 8.0)
        + 0.15 * saturating(labels["components"] - 1, 8.0)
        + 0.2 * labels["normal_variance"]["0.05"]
        + (0.0 if thin is None else 0.15 * (1 - saturating(thin, 0.03)))
    )


def complexities(reader: SampleReader, on_error: str = "raise") -> list[float]:
    """Returns the complexity of every sample of a renderers.shards.ShardReader; one small read each. With on_error
    "skip" an unreadable one counts as the hardest: the sampler, which meets it in the end, names it.
    """

    def of(index: int) -> float:
        try:
            meta = reader.meta(index)
            return complexity(meta.uid, meta.labels, meta.recipe)
        except (ShardError, OSError):
            if on_error == "raise":
                raise
            return math.inf

    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(of, range(len(reader))))


class Curriculum:
    """Which object a sample may be of: at first the easiest share `start` of them, and linearly more until after
    `samples` samples it is all.

    An object that is still too hard is replaced by an easier one, sampled by position; so a batch stays a pure function
    of its positions, and afterwards every epoch visits every object once.
    """

    def __init__(self, complexity: Sequence[float], samples: int, start: float, seed: int):
        if samples < 1 or not 0 < start <= 1:
            raise ValueError(
                f"samples, start: expected at least 1, and more than 0 and at most 1, got {samples} and {start}"
            )
        self.samples, self.start, self.seed = samples, start, seed
        self._easiest_first = np.argsort(np.asarray(complexity), kind="stable")
        self._rank = np.argsort(self._easiest_first, kind="stable")

    def allowed(self, position: int) -> int:
        """Returns how many objects the sample at this position may be of."""
        share = self.start + (1 - self.start) * min(1.0, position / self.samples)
        return max(1, math.ceil(len(self._rank) * share))

    def __call__(self, position: int, attempt: int, number: int) -> int:
        """The number of the object to take at this position for object `number`; attempt: how many were unusable
        before.
        """
        allowed = self.allowed(position)
        if self._rank[number] < allowed:
            return number
        return int(self._easiest_first[int(Rng("curriculum", self.seed, position, attempt).unit() * allowed)])
