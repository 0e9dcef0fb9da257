"""Shards -> batches of posed views. A batch is a pure function of (data, settings, seed, positions): nothing to save
but one integer.

`position` counts samples since the start of training. Epoch and place in its permutation follow from it, and every draw
is keyed by it, so the order does not depend on workers, ranks or restarts.
"""

import math
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from renderers.cameras import Cameras
from renderers.shards import ShardError
from zeroverse.core.rng import Rng

# world units, standard deviation: a resized pixel that covers more straddles an edge, and its mean lies in the air
DEPTH_SPREAD = 0.03
ON_ERROR = ("raise", "skip")  # what an unusable sample does: end the run, or be named, counted and replaced
NORMAL_LENGTH = 0.95  # of the mean of a resized pixel's normals: a shorter one straddles a crease


class View(NamedTuple):
    """One decoded view at the size of the batches. shown: whether any of it is opaque. depth and normal: where they are
    asked for.
    """

    rgb: np.ndarray  # uint8 [3, S, S], on white
    shown: bool
    depth: np.ndarray | None = None  # float32 [1, S, S]: z, 0 = unknown
    normal: np.ndarray | None = None  # float32 [3, S, S]: unit, world frame, 0 = unknown


class ObjectSampler:
    """Draws one object per position, in a permutation that each epoch draws anew; what is drawn of it is for the
    classes below.

    on_error: "raise", or "skip": the next object of the permutation takes the place of an unusable one, which `bad`
        then names.
    curriculum: (position, attempt, number of an object) -> the number to take instead (train/data/curriculum.py).
    """

    def __init__(
        self,
        reader,
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
        """Training samples, stacked."""
        return collate([self._sample(position) for position in positions])

    def close(self) -> None:
        """Nothing runs in the background here; `online.FreshViews` has something to end."""

    def _draw(self, position: int, index: int) -> dict[str, np.ndarray]:
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
                return self._draw(position, index)
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


class ViewSampler(ObjectSampler):
    """Draws, per sample, `pool` views of one object, then input and target views independently of each other from that
    pool (LRM-Zero, GS-LRM: 4 and 4 of 8), composited on white at `size` x `size` pixels.

    reader: renderers.shards.ShardReader or anything with its keys, cameras, read. objects: indices into it.
    view_angle_deg: targets further than this from every input, as seen from the origin, are drawn only where too few
    others are in the pool. The released code compares positions that are not normalised, so that its 60 is about 80
    degrees (facts/lrm_zero.md §3); these are degrees.
    labels: depth and normals too. cache_gb: decoded views are kept in memory up to this much; the batches are the same
        with and without.
    on_error, curriculum: as of ObjectSampler. Unusable is what cannot be read, holds values that are not finite, or is
    transparent in every view that was drawn.
    """

    def __init__(
        self,
        reader,
        objects: Sequence[int],
        *,
        size: int,
        pool: int,
        inputs: int,
        targets: int,
        seed: int,
        view_angle_deg: float = 180.0,
        labels: bool = False,
        curriculum: Callable[[int, int, int], int] | None = None,
        cache_gb: float = 0.0,
        on_error: str = "raise",
    ):
        super().__init__(reader, objects, seed, on_error, curriculum)
        if max(inputs, targets) > pool:
            raise ValueError(f"pool: expected at least max(inputs, targets) = {max(inputs, targets)} views, got {pool}")
        if not 0 < view_angle_deg <= 180:
            raise ValueError(f"view_angle_deg: expected more than 0 and at most 180, got {view_angle_deg}")
        self.size, self.pool, self.inputs, self.targets, self.view_angle_deg = (
            size,
            pool,
            inputs,
            targets,
            view_angle_deg,
        )
        self.passes = ("rgb", "alpha", "depth", "normal") if labels else ("rgb", "alpha")
        self._views: dict[tuple[int, int], View] = {}
        self._cameras = lru_cache(4096)(self._read_cameras)  # 4 kB each
        self._cache_views = int(cache_gb * 2**30 / ((19 if labels else 3) * size * size))

    def batch(self, positions: Iterable[int]) -> dict[str, Tensor]:
        """Training samples: rgb uint8 [B, V, 3, S, S], c2w [B, V, 4, 4], intrinsics [B, V, 4], and the same with
        `target_` before the name.

        With labels, depth float32 [B, V, 1, S, S] and normal [B, V, 3, S, S] too; 0 where unknown.
        """
        return super().batch(positions)

    def fixed(self, numbers: Iterable[int]) -> dict[str, Tensor]:
        """Evaluation samples: object `number` of this sampler, its views the same at every call, targets never among
        the inputs.
        """
        return collate([self._load(self.objects[number], self._fixed_views) for number in numbers])

    def each_fixed(self) -> Iterator[dict[str, Tensor]]:
        """One evaluation sample at a time, of every object that `on_error` lets pass."""
        for number, index in enumerate(self.objects):
            try:
                yield self.fixed([number])
            except (ShardError, OSError) as error:
                self._excuse(index, error)

    def _draw(self, position: int, index: int) -> dict[str, np.ndarray]:
        return self._load(index, lambda index, cameras: self._drawn_views(position, cameras))

    def _drawn_views(self, position: int, cameras: Cameras) -> tuple[np.ndarray, np.ndarray]:
        return drawn_views(
            Rng("views", self.seed, position), cameras, self.pool, self.inputs, self.targets, self.view_angle_deg
        )

    def _fixed_views(self, index: int, cameras: Cameras) -> tuple[np.ndarray, np.ndarray]:
        order = shuffled(Rng("fixed views", self.reader.keys[index]), len(cameras))
        return order[: self.inputs], order[self.inputs : self.inputs + self.targets]

    def _load(self, index: int, choose: Callable) -> dict[str, np.ndarray]:
        cameras = self._cameras(index)
        inputs, targets = choose(index, cameras)
        views = self._read(index, [*inputs, *targets])
        if not any(view.shown for view in views):
            raise ShardError(
                f"sample {self.reader.keys[index]}: transparent: alpha is 0 in all of the {len(views)} views drawn"
            )
        return sample_of(cameras, inputs, views[: len(inputs)]) | sample_of(
            cameras, targets, views[len(inputs) :], "target_"
        )

    def _read_cameras(self, index: int) -> Cameras:
        cameras, key = self.reader.cameras(index), self.reader.keys[index]
        needed = max(self.pool, self.inputs + 1)  # one more than the inputs, or `fixed` has no target
        if len(cameras) < needed:
            raise ShardError(f"sample {key}: expected at least {needed} views, got {len(cameras)}")
        if cameras.width != cameras.height or cameras.width < self.size:
            raise ShardError(
                f"sample {key}: expected square views of at least {self.size} pixels, got {cameras.width} x "
                f"{cameras.height}"
            )
        return cameras.resized(self.size, self.size)

    def _read(self, index: int, views: list[int]) -> list[View]:
        found = {view: self._views[index, view] for view in views if (index, view) in self._views}
        missing = sorted(set(views) - found.keys())
        if missing:
            stored = self.reader.read(index, self.passes, views=missing)
            expect_finite(self.reader.keys[index], stored)
            found |= dict(zip(missing, decoded(stored, self.size)))
            if len(self._views) + len(missing) <= self._cache_views:
                self._views |= {(index, view): found[view] for view in missing}
        return [found[view] for view in views]


def expect_finite(key: str, images: dict[str, np.ndarray]) -> None:
    for name, values in images.items():
        wrong = int((~np.isfinite(values)).sum()) if values.dtype.kind == "f" else 0
        if wrong:
            raise ShardError(f"sample {key}: {name}: expected finite values, got {wrong} that are not")


def drawn_views(
    rng: Rng, cameras: Cameras, pool: int, inputs: int, targets: int, view_angle_deg: float
) -> tuple[np.ndarray, np.ndarray]:
    """(input views, target views), drawn independently of each other from `pool` drawn views; see ViewSampler for the
    angle.
    """
    views = shuffled(rng.child("pool"), len(cameras))[:pool]
    shown, wanted = (
        views[shuffled(rng.child("inputs"), len(views))[:inputs]],
        views[shuffled(rng.child("targets"), len(views))],
    )
    if view_angle_deg < 180:
        cosine = np.einsum("ti,si->ts", cameras.directions[wanted], cameras.directions[shown]).max(axis=1)
        wanted = wanted[np.argsort(cosine < math.cos(math.radians(view_angle_deg)), kind="stable")]
    return shown, wanted[:targets]


def decoded(stored: dict[str, np.ndarray], size: int) -> list[View]:
    """The passes of some views [v, H, W, C] -> the views as batches hold them."""
    on_white = composite(stored["rgb"], stored["alpha"])
    channels_first = lambda x: x.transpose(0, 3, 1, 2)
    rgb = channels_first(np.rint(resize_area(on_white, size, size)).astype(np.uint8))
    shown = stored["alpha"].reshape(len(rgb), -1).any(axis=1)
    if "depth" not in stored:
        return [View(*view) for view in zip(rgb, shown.tolist())]
    depth, normal = map(channels_first, resize_labels(stored["depth"], stored["normal"], size))
    return [View(*view) for view in zip(rgb, shown.tolist(), depth, normal)]


def sample_of(cameras: Cameras, numbers: np.ndarray, views: list[View], prefix: str = "") -> dict[str, np.ndarray]:
    """Some views of an object with their cameras, as one sample of a batch."""
    sample = {
        "rgb": np.stack([view.rgb for view in views]),
        "c2w": cameras.c2w[numbers].astype(np.float32),
        "intrinsics": cameras.intrinsics[numbers].astype(np.float32),
    }
    if views[0].depth is not None:
        sample |= {
            "depth": np.stack([view.depth for view in views]),
            "normal": np.stack([view.normal for view in views]),
        }
    return {prefix + name: x for name, x in sample.items()}


def shuffled(rng: Rng, count: int) -> np.ndarray:  # [count]
    """A permutation of 0 … count - 1."""
    return np.argsort(rng.unit(count), kind="stable")


def collate(samples: list[dict[str, np.ndarray]]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(np.stack([sample[name] for sample in samples])) for name in samples[0]}


def composite(rgb: np.ndarray, alpha: np.ndarray, background: float = 255.0) -> np.ndarray:
    """Straight-alpha uint8 [..., 3] and [..., 1] -> uint8 [..., 3] over a grey level, white by default.

    Before any resizing: the average of composited pixels equals the composite of averaged premultiplied ones, whereas
    the average of straight colours would draw the black under transparent pixels into every rim.
    """
    coverage = alpha.astype(np.float32) / 255.0
    return np.rint(rgb * coverage + background * (1.0 - coverage)).astype(np.uint8)


def resize_area(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """[V, H, W, C] -> [V, height, width, C] float32, each pixel the mean of the area it covers. Only shrinks."""
    if images.shape[1:3] == (height, width):
        return images.astype(np.float32)
    rows, columns = _coverage(images.shape[1], height), _coverage(images.shape[2], width)
    return np.einsum("ih,vhwc,jw->vijc", rows, images, columns, optimize=True).astype(np.float32)


def resize_labels(depth: np.ndarray, normal: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Depth [V, H, W, 1] and normals [V, H, W, 3] -> the same at `size` x `size`, float32, the mean over what a pixel
    covers.

    0, unknown, where that is not all one surface: a background pixel in it, an edge (DEPTH_SPREAD) or, for normals, a
    crease (NORMAL_LENGTH).
    """
    depth = depth.astype(np.float64)
    mean, square = resize_area(depth, size, size), resize_area(depth * depth, size, size)
    known = (resize_area((depth > 0).astype(np.float64), size, size) > 1 - 1e-4) & (
        square - mean * mean < DEPTH_SPREAD**2
    )
    normal = resize_area(normal, size, size)
    length = np.sqrt((normal * normal).sum(axis=-1, keepdims=True))
    normal = np.where(known & (length > NORMAL_LENGTH), normal / np.maximum(length, NORMAL_LENGTH), 0.0)
    return np.where(known, mean, 0.0).astype(np.float32), normal.astype(np.float32)


@lru_cache(8)
def _coverage(count: int, target: int) -> np.ndarray:  # [target, count]
    """Row i: the part of each source pixel in target pixel i, summing to one."""
    edges = np.arange(target + 1) * (count / target)
    low, high = np.maximum(edges[:-1, None], np.arange(count)), np.minimum(edges[1:, None], np.arange(count) + 1)
    return np.maximum(high - low, 0.0) * (target / count)


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
