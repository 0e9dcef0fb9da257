"""Shards -> batches of posed views."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from torch import Tensor

from renderers.cameras import Cameras
from renderers.passes import on_white
from renderers.shards import SampleReader, ShardError
from train.data.images import resize_area, resize_labels
from train.data.sampler import ObjectSampler, collate, shuffled
from zeroverse.core.rng import Rng


class View(NamedTuple):
    """One decoded view at the size of the batches. shown: whether any of it is opaque. depth and normal: where they are
    asked for.
    """

    rgb: np.ndarray  # uint8 [3, S, S], on white
    shown: bool
    depth: np.ndarray | None = None  # float32 [1, S, S]: z, 0 = unknown
    normal: np.ndarray | None = None  # float32 [3, S, S]: unit, world frame, 0 = unknown


class ViewSampler(ObjectSampler):
    """Samples `pool` views of one object, then input and target views independently of each other from that
    pool (LRM-Zero, GS-LRM: 4 and 4 of 8), composited on white at `size` x `size` pixels.

    objects: indices into the reader.
    view_angle_deg: targets further than this from every input, as seen from the origin, are sampled only where too few
    others are in the pool. The released code compares positions that are not normalised, so that its 60 is about 80
    degrees (docs/papers.md, LRM); these are degrees.
    labels: depth and normals too. cache_gb: decoded views are kept in memory up to this much; the batches are the same
        with and without.
    on_error, curriculum: as of ObjectSampler. Unusable is what cannot be read, holds values that are not finite, or is
    transparent in every view that was sampled.
    """

    def __init__(
        self,
        reader: SampleReader,
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
        """Returns training samples: rgb uint8 [B, V, 3, S, S], c2w [B, V, 4, 4], intrinsics [B, V, 4], and the same
        with `target_` before the name.

        With labels, depth float32 [B, V, 1, S, S] and normal [B, V, 3, S, S] too; 0 where unknown.
        """
        return super().batch(positions)

    def fixed(self, numbers: Iterable[int]) -> dict[str, Tensor]:
        """Returns evaluation samples: object `number` of this sampler, its views the same at every call, targets never
        among the inputs.
        """
        return collate([self._load(self.objects[number], self._fixed_views) for number in numbers])

    def each_fixed(self) -> Iterator[dict[str, Tensor]]:
        """Yields one evaluation sample at a time, of every object that `on_error` lets pass."""
        for number, index in enumerate(self.objects):
            try:
                yield self.fixed([number])
            except (ShardError, OSError) as error:
                self._excuse(index, error)

    def _sample_object(self, position: int, index: int) -> dict[str, np.ndarray]:
        return self._load(index, lambda index, cameras: self._sampled_views(position, cameras))

    def _sampled_views(self, position: int, cameras: Cameras) -> tuple[np.ndarray, np.ndarray]:
        return sampled_views(
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


def sampled_views(
    rng: Rng, cameras: Cameras, pool: int, inputs: int, targets: int, view_angle_deg: float
) -> tuple[np.ndarray, np.ndarray]:
    """Returns (input views, target views), sampled independently of each other from `pool` sampled views; see
    ViewSampler for the angle.
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
    """Returns the views as batches hold them, of the passes [v, H, W, C] of some views."""
    channels_first = lambda x: x.transpose(0, 3, 1, 2)
    rgb = channels_first(np.rint(resize_area(on_white(stored["rgb"], stored["alpha"]), size, size)).astype(np.uint8))
    shown = stored["alpha"].reshape(len(rgb), -1).any(axis=1)
    if "depth" not in stored:
        return [View(*view) for view in zip(rgb, shown.tolist())]
    depth, normal = map(channels_first, resize_labels(stored["depth"], stored["normal"], size))
    return [View(*view) for view in zip(rgb, shown.tolist(), depth, normal)]


def sample_of(cameras: Cameras, numbers: np.ndarray, views: list[View], prefix: str = "") -> dict[str, np.ndarray]:
    """Returns some views of an object with their cameras, as one sample of a batch."""
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
