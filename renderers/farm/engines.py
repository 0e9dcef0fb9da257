"""Where the work runs: this machine's processes (loky), a dask or ray cluster. One loop over all of them, which
survives dying workers.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass

from zeroverse.core import limits
from zeroverse.core.workers import leave_with

DIED = object()  # the outcome of an item whose worker died, not once but whenever it was tried
ALONE = 2  # times an item is tried by itself after a worker died; then it goes without
STARTS = 3  # of a local dask cluster
AHEAD = (
    8  # finished items per worker that may wait for a slower one before them; an object of 32 views at 256 px has 5 MB
)


@dataclass(frozen=True)
class Pool:
    """`submit(function, *arguments)` gives a concurrent.futures.Future; `deaths` are its exceptions when a worker died,
    not the function.

    shards: whether whole shards are the better unit, because samples would have to travel between machines.
    """

    submit: Callable[..., Future]
    deaths: tuple[type[BaseException], ...]
    workers: int
    shards: bool = False


def run(
    pool: Pool,
    function: Callable,
    items: Iterable,
    alone: int = ALONE,
    spare: int | None = None,
    ahead: int = AHEAD,
    is_hopeless: Callable[[object], bool] = lambda item: False,
) -> Iterator[tuple]:
    """Yields (item, function(item)) for every item, in order; DIED for one that kills its worker.

    A dying worker can take its neighbours' work with it, so each item that was under way is tried again while nothing
    else runs, `alone` times.
    spare: how many items wait at the workers' doors, default one for each. is_hopeless(item): whether it is known,
        after a worker died, that the item would kill the next one too. What `function` raises is raised here, and ends
        the run.
    """
    spare = pool.workers if spare is None else spare
    items, end = iter(items), object()
    queue: deque[tuple[object, Future]] = deque()
    while True:
        under_way = [future for _, future in queue if not future.done()]
        while (
            len(under_way) < pool.workers + spare
            and len(queue) < ahead * pool.workers + spare
            and (item := next(items, end)) is not end
        ):
            queue.append((item, pool.submit(function, item)))
            under_way.append(queue[-1][1])
        if not queue:
            return
        item, future = queue[0]
        if not future.done():
            wait(under_way, return_when=FIRST_COMPLETED)
            continue
        queue.popleft()
        try:
            result = future.result()
        except pool.deaths:
            wait([other for _, other in queue])
            result = _alone(pool, function, item, alone, is_hopeless)
        except Exception as error:
            raise getattr(error, "cause", None) or error from None  # ray hides what was raised behind a traceback
        yield item, result


def _alone(pool: Pool, function: Callable, item, times: int, is_hopeless: Callable[[object], bool]):
    for _ in range(times):
        if is_hopeless(item):
            break
        try:
            return pool.submit(function, item).result()
        except pool.deaths:
            continue
    return DIED


# -------------------------------------------------------------------------------------------------------------- engines


@contextmanager
def serial(workers: int, address: str | None) -> Iterator[Pool]:
    """Runs everything in this process, for debuggers and profilers: an object that crashes takes the run with it."""

    def submit(function, *arguments):
        future = Future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future

    yield Pool(submit, (), 1)


_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
_OF_WORKERS = {**_ONE_THREAD, limits.WORKER: "1"}


@contextmanager
def loky(workers: int, address: str | None) -> Iterator[Pool]:
    """Runs in processes of this machine. One worker is a process too, so that what kills it does not kill the run."""
    from joblib.externals.loky import get_reusable_executor
    from joblib.externals.loky.process_executor import BrokenProcessPool

    # the same one until it breaks, then a new one; it idles for some minutes, so that the next run starts at once
    def executor():
        return get_reusable_executor(
            max_workers=workers,
            timeout=300,
            reuse=True,
            env=_OF_WORKERS,
            initializer=leave_with,
            initargs=(os.getpid(),),
        )

    def submit(function, *arguments):
        try:
            return executor().submit(function, *arguments)
        except BrokenProcessPool:  # it broke between the two calls
            return executor().submit(function, *arguments)

    try:
        yield Pool(submit, (BrokenProcessPool,), workers)
    except BaseException:
        executor().shutdown(wait=True, kill_workers=True)
        raise


@contextmanager
def dask(workers: int, address: str | None) -> Iterator[Pool]:
    """Runs on the dask cluster at `address` (tcp://host:8786), or a local one."""
    distributed = _extra("distributed", "dask")
    import dask as config

    with config.config.set(
        {"distributed.scheduler.allowed-failures": 0}
    ):  # ours to count; an existing cluster has its own setting
        cluster = None if address else _dask_cluster(distributed, workers)
    with distributed.Client(address or cluster) as client:
        try:
            client.wait_for_workers(1)
            with client.get_executor(pure=False, retries=0) as executor:
                yield Pool(
                    executor.submit, (distributed.KilledWorker,), max(1, sum(client.nthreads().values())), shards=True
                )
        finally:
            if cluster:
                cluster.close()


def _dask_cluster(distributed, workers: int):
    """A local cluster. It does not survive a worker that dies while it starts, so it is started again."""
    for _ in range(STARTS):
        try:
            return distributed.LocalCluster(
                n_workers=workers, threads_per_worker=1, dashboard_address=None, env=_OF_WORKERS
            )
        except RuntimeError as error:
            failure = error
    raise RuntimeError(f"--engine dask: no local cluster after {STARTS} starts: {failure}") from failure


@contextmanager
def ray(workers: int, address: str | None) -> Iterator[Pool]:
    """Runs on the ray cluster at `address` (auto, or host:6379), or a local one."""
    ray = _extra("ray", "ray")
    from ray.exceptions import NodeDiedError, OutOfMemoryError, WorkerCrashedError

    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # its future default; otherwise it warns
    local = {} if address else {"num_cpus": workers, "include_dashboard": False}
    ray.init(address=address, log_to_driver=False, logging_level="error", **local)
    try:
        call = ray.remote(max_retries=0)(_call)
        cpus = max(1, int(ray.cluster_resources()["CPU"]))
        yield Pool(
            lambda *arguments: call.remote(*arguments).future(),
            (WorkerCrashedError, OutOfMemoryError, NodeDiedError),
            cpus,
            shards=True,
        )
    finally:
        ray.shutdown()


def _call(function, *arguments):
    return function(*arguments)


def _extra(module: str, extra: str):
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise RuntimeError(f"--engine {extra}: {error}; pip install {module}") from error


def split(rank: int | None, world_size: int | None, environment=os.environ) -> tuple[int, int]:
    """Returns (rank, world size): as given, else from a Slurm array, Slurm tasks or torchrun's variables, else (0, 1).
    Raises ValueError.
    """
    if (rank is None) != (world_size is None):
        raise ValueError(f"--rank, --world-size: expected both or neither, got {rank} and {world_size}")
    for rank_name, size_name in (
        ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT"),
        ("SLURM_PROCID", "SLURM_NTASKS"),
        ("RANK", "WORLD_SIZE"),
    ):
        if rank is None and rank_name in environment and size_name in environment:
            rank, world_size = int(environment[rank_name]), int(environment[size_name])
            if rank_name == "SLURM_ARRAY_TASK_ID":  # arrays may begin anywhere and go in steps
                rank = (rank - int(environment.get("SLURM_ARRAY_TASK_MIN", 0))) // int(
                    environment.get("SLURM_ARRAY_TASK_STEP", 1)
                )
    rank, world_size = (0, 1) if rank is None else (rank, world_size)
    if not 0 <= rank < world_size:
        raise ValueError(f"--rank, --world-size: expected 0 <= rank < world size, got {rank} of {world_size}")
    return rank, world_size
