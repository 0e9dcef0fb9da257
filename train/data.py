"""Shards -> batches of posed views. A batch is a pure function of (data, settings, seed, positions): nothing to save but one integer.

`position` counts samples since the start of training. Epoch and place in its permutation follow from it, and every draw is keyed by it, so
the order does not depend on workers, ranks or restarts.
"""
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from renderers.camera import Cameras
from renderers.shards import ShardError
from zeroverse.rng import Rng


class ViewSampler:
    """Draws, per sample, `pool` views of one object, then input and target views independently of each other from that pool (LRM-Zero, GS-LRM:
    4 and 4 of 8), composited on white at `size` x `size` pixels.

    reader: renderers.shards.ShardReader or anything with its keys, cameras, read. objects: indices into it.
    cache_gb: decoded views are kept in memory up to this much; the batches are the same with and without.
    on_error: "raise", or "skip": the next object of the permutation takes the place of an unreadable one, which `bad` then names.
    """

    def __init__(self, reader, objects: Sequence[int], *, size: int, pool: int, inputs: int, targets: int, seed: int,
                 cache_gb: float = 0.0, on_error: str = "raise"):
        if on_error not in ("raise", "skip"):
            raise ValueError(f"on_error: expected 'raise' or 'skip', got {on_error!r}")
        if not objects:
            raise ValueError("objects: expected at least one, got none")
        if max(inputs, targets) > pool:
            raise ValueError(f"pool: expected at least max(inputs, targets) = {max(inputs, targets)} views, got {pool}")
        self.reader, self.objects, self.on_error, self.seed = reader, list(objects), on_error, seed
        self.size, self.pool, self.inputs, self.targets = size, pool, inputs, targets
        self.bad: dict[str, str] = {}  # key -> reason
        self._images: dict[tuple[int, int], np.ndarray] = {}
        self._cameras = lru_cache(4096)(self._read_cameras)  # 4 kB each
        self._cache_views = int(cache_gb * 2**30 / (3 * size * size))
        self._order = lru_cache(2)(lambda epoch: shuffled(Rng("order", seed, epoch), len(self.objects)))

    def batch(self, positions: Iterable[int]) -> dict[str, Tensor]:
        """Training samples: rgb uint8 [B, V, 3, S, S], c2w [B, V, 4, 4], intrinsics [B, V, 4], and the same with `target_` before the name."""
        return collate([self._sample(position) for position in positions])

    def fixed(self, numbers: Iterable[int]) -> dict[str, Tensor]:
        """Evaluation samples: object `number` of this sampler, its views the same at every call, targets never among the inputs."""
        return collate([self._load(self.objects[number], self._fixed_views) for number in numbers])

    def _sample(self, position: int) -> dict[str, np.ndarray]:
        epoch, place = divmod(position, len(self.objects))
        for attempt in range(len(self.objects)):
            index = self.objects[self._order(epoch)[(place + attempt) % len(self.objects)]]
            try:
                return self._load(index, lambda index, views: self._drawn_views(position, views))
            except (ShardError, OSError) as error:
                if self.on_error == "raise":
                    raise
                if self.reader.keys[index] not in self.bad:
                    warnings.warn(f"sample {self.reader.keys[index]} skipped: {error}", stacklevel=2)
                self.bad[self.reader.keys[index]] = str(error)
        raise ShardError(f"all {len(self.objects)} samples are unreadable; one of them: {next(iter(self.bad.values()))}")

    def _drawn_views(self, position: int, views: int) -> tuple[np.ndarray, np.ndarray]:
        rng = Rng("views", self.seed, position)
        pool = shuffled(rng.child("pool"), views)[:self.pool]
        return pool[shuffled(rng.child("inputs"), self.pool)[:self.inputs]], pool[shuffled(rng.child("targets"), self.pool)[:self.targets]]

    def _fixed_views(self, index: int, views: int) -> tuple[np.ndarray, np.ndarray]:
        order = shuffled(Rng("fixed views", self.reader.keys[index]), views)
        return order[:self.inputs], order[self.inputs:self.inputs + self.targets]

    def _load(self, index: int, choose: Callable) -> dict[str, np.ndarray]:
        cameras = self._cameras(index)
        inputs, targets = choose(index, len(cameras))
        images = self._read(index, [*inputs, *targets])  # [v, 3, S, S]
        sample = {}
        for prefix, views, rgb in (("", inputs, images[:len(inputs)]), ("target_", targets, images[len(inputs):])):
            sample[prefix + "rgb"] = rgb
            sample[prefix + "c2w"] = cameras.c2w[views].astype(np.float32)
            sample[prefix + "intrinsics"] = cameras.intrinsics[views].astype(np.float32)
        return sample

    def _read_cameras(self, index: int) -> Cameras:
        cameras, key = self.reader.cameras(index), self.reader.keys[index]
        needed = max(self.pool, self.inputs + 1)  # one more than the inputs, or `fixed` has no target
        if len(cameras) < needed:
            raise ShardError(f"sample {key}: expected at least {needed} views, got {len(cameras)}")
        if cameras.width != cameras.height or cameras.width < self.size:
            raise ShardError(f"sample {key}: expected square views of at least {self.size} pixels, got {cameras.width} x {cameras.height}")
        return cameras.resized(self.size, self.size)

    def _read(self, index: int, views: list[int]) -> np.ndarray:  # uint8 [v, 3, S, S]
        found = {view: self._images[index, view] for view in views if (index, view) in self._images}
        missing = sorted(set(views) - found.keys())
        if missing:
            stored = self.reader.read(index, ("rgb", "alpha"), views=missing)
            on_white = composite(stored["rgb"], stored["alpha"])
            images = np.rint(resize_area(on_white, self.size, self.size)).astype(np.uint8).transpose(0, 3, 1, 2)
            found |= dict(zip(missing, images))
            if len(self._images) + len(missing) <= self._cache_views:
                self._images |= {(index, view): found[view] for view in missing}
        return np.stack([found[view] for view in views])


def shuffled(rng: Rng, count: int) -> np.ndarray:  # [count]
    """A permutation of 0 … count - 1."""
    return np.argsort(rng.unit(count), kind="stable")


def collate(samples: list[dict[str, np.ndarray]]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(np.stack([sample[name] for sample in samples])) for name in samples[0]}


def composite(rgb: np.ndarray, alpha: np.ndarray, background: float = 255.0) -> np.ndarray:
    """Straight-alpha uint8 [..., 3] and [..., 1] -> uint8 [..., 3] over a grey level, white by default.

    Before any resizing: the average of composited pixels equals the composite of averaged premultiplied ones, whereas the average of
    straight colours would draw the black under transparent pixels into every rim.
    """
    coverage = alpha.astype(np.float32) / 255.0
    return np.rint(rgb * coverage + background * (1.0 - coverage)).astype(np.uint8)


def resize_area(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """[V, H, W, C] -> [V, height, width, C] float32, each pixel the mean of the area it covers. Only shrinks."""
    if images.shape[1:3] == (height, width):
        return images.astype(np.float32)
    rows, columns = _coverage(images.shape[1], height), _coverage(images.shape[2], width)
    return np.einsum("ih,vhwc,jw->vijc", rows, images, columns, optimize=True).astype(np.float32)


@lru_cache(8)
def _coverage(count: int, target: int) -> np.ndarray:  # [target, count]
    """Row i: the part of each source pixel in target pixel i, summing to one."""
    edges = np.arange(target + 1) * (count / target)
    low, high = np.maximum(edges[:-1, None], np.arange(count)), np.minimum(edges[1:, None], np.arange(count) + 1)
    return np.maximum(high - low, 0.0) * (target / count)


def prefetch(load: Callable, jobs: Iterable, workers: int = 2, ahead: int = 4) -> Iterator:
    """Yields load(job) for every job, in order, while threads work up to `ahead` jobs in advance (decoding releases the interpreter lock)."""
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
