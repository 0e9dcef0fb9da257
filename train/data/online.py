"""Fresh objects while training: made and rendered by background processes, keyed by position, never repeated.

The batches are those of `data.ViewSampler` on shards of the same source: the object goes through the farm's own code,
up to quantisation.
"""

import hashlib
import itertools
import os
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing import get_context

import joblib
from torch import Tensor

from renderers.cameras import Cameras
from renderers.farm import RenderSpec, make_sample
from renderers.shards import ShardError, canonical, parse_meta
from renderers.shards import reader as shard_reader
from renderers.sources import Source
from renderers.sources.procedural import Detailverse, Zeroverse
from train.data.sampler import collate
from train.data.views import View, decoded, sample_of, sampled_views
from zeroverse.core.rng import Rng
from zeroverse.core.workers import leave_with

PREFIX = "generate:"
SOURCES = {"zeroverse": Zeroverse, "detailverse": Detailverse}
ATTEMPTS = 8  # objects tried for one position before giving up
STRIDE = 1 << 48  # between the indices of the attempts: more than there will be positions
SHOWN = 7 << 56  # first index of the objects that are looked at, not trained on


def is_generated(data: str) -> bool:
    return data.startswith(PREFIX)


def source_of(data: str, seed: int) -> Source:
    """Returns the source of `generate:zeroverse`, say, whose objects nobody gets with `verse generate` and small seeds,
    so that held-out shards stay held out.
    """
    name = data.removeprefix(PREFIX)
    if name not in SOURCES:
        raise ValueError(
            f"data: expected a folder of shards or {' or '.join(PREFIX + known for known in SOURCES)}, got {data!r}"
        )
    return SOURCES[name](seed=Rng("online", seed).word())


class FreshViews:
    """`ViewSampler` over objects that are made as they are needed: position p shows object p of the source, in `pool`
    views.

    processes: that make objects; -1: one per core, 0: the threads that call `batch`. An object that cannot be made, or
    shows nothing, raises, or is named in `bad` and replaced, as `on_error` says.
    """

    def __init__(
        self,
        source: Source,
        *,
        size: int,
        pool: int,
        inputs: int,
        targets: int,
        seed: int,
        view_angle_deg: float = 180.0,
        labels: bool = False,
        processes: int = 0,
        on_error: str = "raise",
    ):
        passes = ("rgb", "alpha", "depth", "normal") if labels else ("rgb", "alpha")
        self.source, self.spec, self.on_error, self.seed = (
            source,
            RenderSpec(views=pool, size=size, passes=passes),
            on_error,
            seed,
        )
        self.inputs, self.targets, self.view_angle_deg = inputs, targets, view_angle_deg
        self.bad: dict[str, str] = {}
        count = joblib.cpu_count() if processes < 0 else processes
        self._pool: Executor | None = _workers(count) if count else None
        self.fingerprint = hashlib.sha256(
            canonical({"online": source.config(), "views": pool, "size": size, "passes": list(passes)})
        ).hexdigest()

    def batch(self, positions: Iterable[int]) -> dict[str, Tensor]:
        """Returns what `ViewSampler.batch` does; the objects of a batch are made side by side."""
        asked = [(position, self._submit(position)) for position in positions]
        return collate([self._sample(position, future) for position, future in asked])

    def each_fixed(self) -> Iterator[dict[str, Tensor]]:
        """Yields one evaluation sample at a time, without end: the same objects at every call, none of them trained on;
        targets are never inputs if the pool is large enough.
        """
        for number in itertools.count(SHOWN):
            cameras, views = self._usable(number, self._submit(number))
            order = list(range(len(views)))
            yield collate(
                [self._chosen(cameras, views, order[: self.inputs], (order[self.inputs :] + order)[: self.targets])]
            )

    def _sample(self, position: int, future: Future):
        cameras, views = self._usable(position, future)
        chosen = sampled_views(
            Rng("views", self.seed, position), cameras, self.spec.views, self.inputs, self.targets, self.view_angle_deg
        )
        return self._chosen(cameras, views, *(list(map(int, numbers)) for numbers in chosen))

    @staticmethod
    def _chosen(cameras: Cameras, views: list[View], inputs: list[int], targets: list[int]) -> dict:
        return sample_of(cameras, inputs, [views[i] for i in inputs]) | sample_of(
            cameras, targets, [views[i] for i in targets], "target_"
        )

    def _usable(self, position: int, future: Future) -> tuple[Cameras, list[View]]:
        for attempt in range(ATTEMPTS):
            label, reason, cameras, views = (
                future if attempt == 0 else self._submit(position + attempt * STRIDE)
            ).result()
            if not reason:
                return cameras, views
            if self.on_error == "raise":
                raise ShardError(f"{label}: {reason}")
            if label not in self.bad:
                warnings.warn(f"{label} skipped: {reason}", stacklevel=2)
            self.bad[label] = reason
        raise ShardError(f"{label}: {ATTEMPTS} objects for one position are unusable; this one: {reason}")

    def _submit(self, index: int) -> Future:
        if self._pool is not None:
            return self._pool.submit(fresh, self.source, self.spec, index)
        future: Future = Future()
        future.set_result(fresh(self.source, self.spec, index))
        return future

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def _workers(count: int) -> ProcessPoolExecutor:
    """Spawned: forked torch threads may hang."""
    return ProcessPoolExecutor(count, get_context("spawn"), leave_with, (os.getpid(),))


def fresh(source: Source, spec: RenderSpec, index: int) -> tuple[str, str, Cameras | None, list[View]]:
    """Returns object `index` of a source: (its label, why it is unusable or "", its cameras, its views). Runs in a
    worker.
    """
    made = make_sample(source, spec, index)
    if made.reason:
        return made.label, made.reason, None, []
    meta = parse_meta(made.fields["json"], made.label)
    views = decoded(shard_reader.decoded(meta, made.fields.__getitem__, made.label, spec.passes), spec.size)
    reason = "" if any(view.shown for view in views) else f"transparent: alpha is 0 in all of the {len(views)} views"
    return made.label, reason, meta.cameras, views
