"""Engines: the same bytes under each, dying workers survived, the culprit found; and the static split of a plan."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from renderers import farm
from renderers.farm import engines
from renderers.farm.engines import split
from renderers.farm.plan import FarmError, Plan
from renderers.shards import ShardReader, read_sidecar
from renderers.shards.storage import Local
from renderers.tables import ENGINES
from tests.helpers.crashing import Crashing
from tests.helpers.processes import environment

SPEC = farm.RenderSpec(views=1, size=16, passes=("rgb", "depth"))
SMALL = "--views 1 --size 16 --texture-size 16"


def make(out: Path, source, workers=2, count=5, shard_size=2, **options) -> farm.Summary:
    return farm.generate(Plan(Local(out), source, SPEC, 0, count, shard_size), workers, **options)


def tars(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.tar"))}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Five objects in three shards, of which number 3 is left out for a reason that crashes nothing."""
    folder = tmp_path_factory.mktemp("whole")
    make(folder, Crashing(3, "asset error"), engine="serial")
    return folder


def crash(out: Path, engine: str, deed: str, **options) -> farm.Summary:
    return make(out, Crashing(3, deed, str(out / "flag")), engine=engine, **options)


@pytest.mark.parametrize("workers, deed", [(1, "kill"), (2, "exit"), (2, "kill")])
def test_an_object_that_kills_its_worker_is_quarantined_and_the_rest_made(whole, tmp_path, workers, deed):
    summary = crash(tmp_path, "loky", deed, workers=workers)
    row = {"index": 3, "name": "crashing seed 0 index 3", "reason": "crashed a worker twice"}
    assert summary.written == 4 and summary.failed == [row]
    assert tars(tmp_path) == tars(whole)
    assert read_sidecar(Local(tmp_path), "crashing-000001.json")["failed"] == [row | {"seed": 0}]
    again = crash(tmp_path, "loky", deed, workers=workers)
    assert again.kept == 5 and not again.failed, "it is not tried again"


def test_workers_that_make_whole_shards_survive_it_too(tmp_path, monkeypatch):
    """With many shards they are the unit of work; the lost ones are made object by object."""
    monkeypatch.setattr("renderers.farm.run.MANY", 1)
    seen = []
    done = make(tmp_path / "a", Crashing(3, "kill"), count=8, shard_size=1, on_made=seen.extend)
    assert (
        done.written == 7
        and [row["index"] for row in done.failed] == [3]
        and sorted(made.index for made in seen) == list(range(8))
    )
    make(tmp_path / "b", Crashing(3, "rejected"), count=8, shard_size=1, engine="serial")
    assert tars(tmp_path / "a") == tars(tmp_path / "b")


def test_a_worker_killed_from_outside_costs_nothing_but_time(tmp_path):
    make(tmp_path / "quiet", Crashing(3, "nothing"), engine="serial")
    (tmp_path / "killed").mkdir()
    summary = crash(tmp_path / "killed", "loky", "kill once")
    assert summary.written == 5 and not summary.failed
    assert tars(tmp_path / "killed") == tars(tmp_path / "quiet")


@pytest.mark.slow
def test_workers_killed_at_random_moments_cost_nothing_but_time(tmp_path):
    """Ten kills, which hit workers that start, make objects or write whole shards."""
    command = f"generate zeroverse --count 48 --shard-size 3 {SMALL} --out"
    assert (
        subprocess.run(
            [sys.executable, "-m", "verse", *command.split(), str(tmp_path / "quiet"), "--engine", "serial"],
            check=False,
        ).returncode
        == 0
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "verse", *command.split(), str(tmp_path / "killed"), "--workers", "2"]
    )
    kills = 0
    for wait in np.random.default_rng(0).uniform(0.5, 4, 10):
        time.sleep(wait)
        for worker in workers_of(process.pid)[:1]:
            os.kill(worker, signal.SIGKILL)
            kills += 1
    assert process.wait() == 0 and kills >= 3
    assert tars(tmp_path / "killed") == tars(tmp_path / "quiet")
    assert not list((tmp_path / "killed").glob("*.tmp-*"))


def workers_of(parent: int) -> list[int]:
    """The loky workers among the children of a process."""
    children = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            ppid = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if ppid == parent and b"LokyProcess" in (folder / "cmdline").read_bytes():
                children.append(int(folder.name))
        except OSError:
            continue  # it ended meanwhile
    return children


@pytest.mark.parametrize("deed, reason", [("asset error", "a bad file"), ("rejected", "all draws rejected")])
def test_what_cannot_be_made_is_counted_with_its_reason(tmp_path, deed, reason):
    assert [row["reason"] for row in crash(tmp_path, "serial", deed).failed] == [reason]


@pytest.mark.parametrize("engine", ["serial", "loky"])
def test_a_bug_stops_the_run_with_the_name_of_the_object_and_whole_shards_stay(whole, tmp_path, engine):
    with pytest.raises(FarmError, match="crashing seed 0 index 3: ZeroDivisionError: a bug"):
        crash(tmp_path, engine, "bug")
    assert tars(tmp_path) == {"crashing-000000.tar": tars(whole)["crashing-000000.tar"]}
    assert not list(tmp_path.glob("*.tmp-*")) and not (tmp_path / "dataset.json").exists()


# ------------------------------------------------------------------------------------------------------------- clusters


def cluster(engine: str, *arguments: str) -> subprocess.CompletedProcess:
    """Python with these arguments, in a process of its own: these engines change global state."""
    pytest.importorskip(
        {"dask": "distributed"}.get(engine, engine), reason=f"wants the {engine} extra: pip install distributed or ray"
    )
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment(Path(__file__).parent),
    )


@pytest.mark.slow  # starting a local cluster takes 5 to 15 s
@pytest.mark.parametrize("engine", ["dask", "ray"])
def test_clusters_give_the_same_bytes(tmp_path, engine):
    command = f"generate zeroverse --count 5 --shard-size 2 --workers 2 {SMALL}"
    done = cluster(engine, "-m", "verse", *command.split(), "--out", str(tmp_path / engine), "--engine", engine)
    assert done.returncode == 0, done.stderr
    import verse

    assert verse.main(f"{command} --out {tmp_path / 'serial'} --engine serial".split()) == 0
    assert tars(tmp_path / engine) == tars(tmp_path / "serial") and len(ShardReader(tmp_path / engine)) == 5


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["dask", "ray"])
def test_clusters_survive_a_crashing_object(whole, tmp_path, engine):
    code = (
        f"import pathlib, test_engines; summary = test_engines.crash(pathlib.Path({str(tmp_path)!r}), {engine!r}, "
        f"'kill'); "
        "print(summary.written, summary.failed[0]['reason'])"
    )
    done = cluster(engine, "-c", code)
    assert "4 crashed a worker twice" in done.stdout, done.stdout + done.stderr
    assert tars(tmp_path) == tars(whole)


def test_a_dask_cluster_whose_worker_dies_while_it_starts_is_started_again():
    class Distributed:
        starts = 0

        def LocalCluster(self, **_):
            self.starts += 1
            if self.starts < 3:
                raise RuntimeError("Nanny failed to start.")
            return "cluster"

    assert engines._dask_cluster(Distributed(), 2) == "cluster"
    broken = Distributed()
    broken.starts = -9
    with pytest.raises(RuntimeError, match="--engine dask: no local cluster after 3 starts: Nanny failed to start"):
        engines._dask_cluster(broken, 2)


def test_an_engine_that_is_not_installed_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(RuntimeError, match=r"--engine dask: .*pip install distributed"):
        make(tmp_path, Crashing(-1, "nothing"), engine="dask")


# ---------------------------------------------------------------------------------------------------------------- split


def test_a_split_plan_is_the_whole_plan_and_the_last_one_writes_the_index(whole, tmp_path):
    source = Crashing(3, "asset error")
    for rank in (2, 0, 1):
        assert not (tmp_path / "dataset.json").exists()
        summary = farm.generate(Plan(Local(tmp_path), source, SPEC, 0, 5, 2, rank, 3), 1, engine="serial")
    assert not summary.left and (tmp_path / "dataset.json").exists()
    assert tars(tmp_path) == tars(whole)


def test_a_part_of_the_plan_says_what_is_missing(tmp_path, capsys):
    import verse

    assert (
        verse.main(
            f"generate zeroverse --out {tmp_path} --count 3 --shard-size 1 --rank 1 --world-size 3 --engine serial "
            f"{SMALL}".split()
        )
        == 0
    )
    out = capsys.readouterr().out
    assert "2 of the plan's 3 shards are still missing (zeroverse-000000.tar, zeroverse-000002.tar)" in out
    assert list(tars(tmp_path)) == ["zeroverse-000001.tar"]


@pytest.mark.parametrize(
    "environment, expected",
    [
        ({}, (0, 1)),
        ({"RANK": "3", "WORLD_SIZE": "8"}, (3, 8)),
        ({"SLURM_PROCID": "1", "SLURM_NTASKS": "2", "RANK": "0", "WORLD_SIZE": "1"}, (1, 2)),
        (
            {
                "SLURM_ARRAY_TASK_ID": "7",
                "SLURM_ARRAY_TASK_COUNT": "4",
                "SLURM_ARRAY_TASK_MIN": "1",
                "SLURM_ARRAY_TASK_STEP": "2",
                "SLURM_PROCID": "0",
                "SLURM_NTASKS": "1",
            },
            (3, 4),
        ),
    ],
)
def test_the_share_comes_from_the_scheduler(environment, expected):
    assert split(None, None, environment) == expected
    assert split(0, 5, environment) == (0, 5), "what is given wins"


@pytest.mark.parametrize(
    "rank, world_size, environment",
    [(1, None, {}), (2, 2, {}), (-1, 2, {}), (None, None, {"SLURM_ARRAY_TASK_ID": "9", "SLURM_ARRAY_TASK_COUNT": "2"})],
)
def test_a_wrong_share_is_refused(rank, world_size, environment):
    with pytest.raises(ValueError, match="--rank, --world-size: expected"):
        split(rank, world_size, environment)


def test_the_command_line_knows_every_engine():
    import typing

    import verse

    assert set(typing.get_args(typing.get_type_hints(verse.GenerateZeroverse)["engine"])) == set(ENGINES)
