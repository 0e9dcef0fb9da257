"""Shards -> batches. A batch is a pure function of (data, settings, seed, positions): nothing to save
but one integer.

`position` counts samples since the start of training. Epoch and place in its permutation follow from it, and every
choice is keyed by it, so the order does not depend on workers, ranks or restarts.
"""

import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from renderers.shards import SampleReader, ShardError
from train.data.policy import ON_ERROR
from zeroverse.core.rng import Rng


class ObjectSampler:
    """Samples one object per position, in a permutation that each epoch makes anew; what is sampled of it is for the
    classes below.

    on_error: "raise", or "skip": the next object of the permutation takes the place of an unusable one, which `bad`
        then names.
    curriculum: (position, attempt, number of an object) -> the number to take instead (train/data/curriculum.py).
    """

    def __init__(
        self,
        reader: SampleReader,
        objects: Sequence[int],
        seed: int,
        on_error: str = "raise",
        curriculum: Callable[[int, int, int], int] | None = None,
    ):
        if on_error not in ON_ERROR:
            raise ValueError(f"on_error: expected {' or '.join(map(repr, ON_ERROR))}, got {on_error!r}")
        if not objects:
            raise ValueError("objects: expected at least one, got none")
        self.reader, self.objects, self.seed, self.on_error = reader, list(objects), seed, on_error
        self.curriculum = curriculum or (lambda position, attempt, number: number)
        self.bad: dict[str, str] = {}  # key -> reason
        self.fingerprint = reader.fingerprint
        self._order = lru_cache(2)(lambda epoch: shuffled(Rng("order", seed, epoch), len(self.objects)))

    def batch(self, positions: Iterable[int]) -> dict[str, Tensor]:
        """Returns training samples, stacked."""
        return collate([self._sample(position) for position in positions])

    def close(self) -> None:
        """Ends what runs in the background: nothing here, but `online.FreshViews` has something."""

    def _sample_object(self, position: int, index: int) -> dict[str, np.ndarray]:
        """The sample at `position`, of object `index` of the reader. Raises ShardError or OSError where it is
        unusable.
        """
        raise NotImplementedError

    def _sample(self, position: int) -> dict[str, np.ndarray]:
        epoch, place = divmod(position, len(self.objects))
        for attempt in range(len(self.objects)):
            number = int(self._order(epoch)[(place + attempt) % len(self.objects)])
            index = self.objects[self.curriculum(position, attempt, number)]
            try:
                return self._sample_object(position, index)
            except (ShardError, OSError) as error:
                self._excuse(index, error)
        raise ShardError(f"all {len(self.objects)} samples are unusable; one of them: {next(iter(self.bad.values()))}")

    def _excuse(self, index: int, error: Exception) -> None:
        """Name the sample and go on, or raise, as the policy says."""
        if self.on_error == "raise":
            raise error
        if self.reader.keys[index] not in self.bad:
            warnings.warn(f"sample {self.reader.keys[index]} skipped: {error}", stacklevel=4)
        self.bad[self.reader.keys[index]] = str(error)


def shuffled(rng: Rng, count: int) -> np.ndarray:  # [count]
    """Returns a permutation of 0 … count - 1."""
    return np.argsort(rng.unit(count), kind="stable")


def collate(samples: list[dict[str, np.ndarray]]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(np.stack([sample[name] for sample in samples])) for name in samples[0]}


def prefetch(load: Callable, jobs: Iterable, workers: int = 2, ahead: int = 4) -> Iterator:
    """Yields load(job) for every job, in order, while threads work up to `ahead` jobs in advance (decoding releases the
    interpreter lock).
    """
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque = deque()
        try:
            for job in jobs:
                waiting.append(pool.submit(load, job))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:  # an abandoned generator must not decode the rest
                future.cancel()
