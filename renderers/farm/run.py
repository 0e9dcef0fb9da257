"""The run: objects made and rendered in parallel, written in the order of their indices, resumable."""

import errno
import functools
import itertools
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from renderers.farm import engines
from renderers.farm.plan import FarmError, Plan, Shard, write_index, writer
from renderers.farm.sample import Made, make_sample
from renderers.gallery import card
from renderers.shards import DATASET_FILE, write_shard
from renderers.shards.storage import Store
from renderers.tables import ENGINES
from zeroverse.core.limits import too_slow, was_too_slow

# with so many shards per worker, workers write whole shards: no sample travels, and the last ones cost little waiting
MANY = 8
QUARANTINED = "crashed a worker twice"
_ADVICE = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.EROFS: "choose an --out that can be written",
    errno.EACCES: "choose an --out that can be written",
    errno.EPERM: "choose an --out that can be written",
    errno.EEXIST: "choose an --out that is no file",
    errno.ENOTDIR: "choose an --out that is no file",
}


@dataclass
class Summary:
    """What a run did: samples written and found, failures now and earlier, draws the grammar replaced, CPU seconds by
    stage.
    """

    written: int = 0
    kept: int = 0
    gone: int = 0  # of these, the objects that failed in that earlier run
    failed: list[dict] = field(default_factory=list)
    redraws: Counter = field(default_factory=Counter)
    seconds: Counter = field(default_factory=Counter)
    wall: float = 0.0
    left: list[Shard] = field(default_factory=list)  # shards of the plan that other processes still have to make

    def add(self, made: Made) -> None:
        self.written += not made.reason
        self.failed += [failure(made)] if made.reason else []
        self.redraws.update(made.redraws)
        self.seconds.update(made.seconds)


def _ignore(made: Sequence[Made]) -> None:
    pass


def told_on(bar) -> Callable[[Sequence[Made]], None]:
    """An `on_made` that names failures on a bar of zeroverse.core.progress, and counts objects and the reasons of
    replaced draws.
    """
    reasons = Counter()

    def on_made(made: Sequence[Made]) -> None:
        for one in made:
            if one.reason:
                bar.write(f"failed: {one.label}: {one.reason}")
            reasons.update(one.redraws, failed=bool(one.reason))
        bar.counts(reasons)
        bar.update(len(made))

    return on_made


def generate(
    plan: Plan,
    workers: int,
    on_made: Callable[[Sequence[Made]], None] = _ignore,
    engine: str = "loky",
    address: str | None = None,
) -> Summary:
    """Make this process's missing shards of the plan; when all of the plan are there, write the folder's index and
    card.

    `on_made` hears of objects as they are done: of one, or where workers write whole shards of a shard's. Objects are
    written in the order of their indices, so the bytes depend neither on `workers` nor on the engine. Kill it at any
    moment: finished shards stay, and the same call makes the rest. Raises FarmError.
    """
    began = time.perf_counter()
    with _errors_of(plan):
        plan.out.prepare()
        plan.out.sweep()
    todo = plan.todo()
    objects = sum(len(shard.indices) for shard in todo)
    gone = sum(plan.failed(shard) for shard in plan.mine() if shard not in todo)
    summary = Summary(kept=sum(len(shard.indices) for shard in plan.mine()) - objects, gone=gone)
    if todo:
        try:
            with ENGINES[engine](min(workers, objects), address) as pool:
                for made in _made(plan, pool, todo, on_made):
                    summary.add(made)
        finally:
            plan.out.sweep()  # what dead workers had in hand
    summary.left = plan.missing() if plan.world_size > 1 else []
    if not summary.left:
        with _errors_of(plan):
            _finish(plan.out)
    summary.wall = time.perf_counter() - began
    return summary


def _finish(store: Store) -> None:
    """The index, and the card where the index changed."""
    before = store.read(DATASET_FILE) if DATASET_FILE in store.sizes() else b""
    index = write_index(store)
    if store.read(DATASET_FILE) != before or card.README not in store.sizes():
        card.write_card(store, index)


def _made(plan: Plan, pool: engines.Pool, todo: list[Shard], on_made) -> Iterator[Made]:
    """Makes the shards and tells what became of each object. Shards whose worker died are made again, object by object:
    that finds the culprit.
    """
    if pool.shards or len(todo) >= MANY * pool.workers > MANY:
        lost = []
        for shard, made in engines.run(
            pool, functools.partial(make_shard, plan), todo, alone=0, spare=1, ahead=len(todo)
        ):
            if made is engines.DIED:
                lost.append(shard)
                continue
            on_made(made)
            yield from made
        todo = lost
    stream = _objects(plan, pool, [index for shard in todo for index in shard.indices])
    for shard in todo:
        yield from make_shard(plan, shard, itertools.islice(stream, len(shard.indices)), on_made)


def _objects(plan: Plan, pool: engines.Pool, indices: list[int]) -> Iterator[Made]:
    with tempfile.TemporaryDirectory(prefix="verse-") as folder:
        notes = Path(folder)
        make = functools.partial(_noted, plan, notes)
        for index, made in engines.run(pool, make, indices, is_hopeless=lambda index: was_too_slow(notes / str(index))):
            yield _died(plan, index, notes) if made is engines.DIED else made


def _noted(plan: Plan, notes: Path, index: int) -> Made:
    """Workers of other machines do not see the folder of notes: those that are ended there are tried again."""
    note = notes / str(index) if notes.is_dir() else None
    return make_sample(plan.source, plan.spec, index, plan.care, note)


def _died(plan: Plan, index: int, notes: Path) -> Made:
    slow = was_too_slow(notes / str(index))
    reason = too_slow(plan.care.timeout) if slow else QUARANTINED
    label = plan.source.label(index)
    if plan.source.foreign and not plan.care.skips:
        raise FarmError(f"{label}: {reason}")
    return Made(index, label, reason=reason)


def make_shard(
    plan: Plan, shard: Shard, stream: Iterable[Made] | None = None, on_made: Callable[[Sequence[Made]], None] = _ignore
) -> list[Made]:
    """Write one shard, of the objects in `stream` or of those made here; returns what became of each, without its
    fields.
    """
    stream = (
        (make_sample(plan.source, plan.spec, index, plan.care) for index in shard.indices) if stream is None else stream
    )
    done, failed, redraws = [], [], Counter()

    def samples():
        for made in stream:
            done.append(replace(made, fields={}))
            redraws.update(made.redraws)
            if made.reason:
                failed.append(failure(made) | {"seed": plan.source.seed})
            on_made([made])
            if not made.reason:
                yield made.key, made.fields

    stamp = {
        "dataset": plan.config,
        "indices": [shard.indices.start, shard.indices.stop],
        "failed": failed,
        "redraws": redraws,
        "written_by": writer(),
    }
    with _errors_of(plan):
        write_shard(plan.out, shard.name, samples(), stamp)  # stamp fills while the samples are drawn
    return done


def failure(made: Made) -> dict:
    return {"index": made.index, "name": made.label, "reason": made.reason}


@contextmanager
def _errors_of(plan: Plan):
    """What goes wrong with the folder becomes one sentence that names it and says how to go on."""
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno, "")
        advice = f"; {advice}" if advice else ""
        stays = (
            ""
            if error.errno in (errno.EEXIST, errno.ENOTDIR, errno.ENOENT)
            else ". Whole shards stay; the same command continues"
        )
        raise FarmError(f"{plan.out}: {error.strerror or error}{advice}{stays}") from error
