"""A SIGTERM ends a run and its workers. Fifty kills -9 of workers and of whole runs, at random moments, under each
engine: nothing half-written, and in the end the same bytes.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from zeroverse.core.usage import INTERRUPTED

KILLS = int(os.environ.get("VERSE_KILLS", "50"))
COMMAND = "generate zeroverse --count 48 --shard-size 3 --views 1 --size 16 --texture-size 16"
LONGEST = {
    "loky": 3.0,
    "dask": 4.0,
    "ray": 5.0,
}  # CPU seconds of the run between two kills, at most: a cluster takes its time to start
WORKER = {
    "loky": b"LokyProcess",
    "dask": b"spawn_main",
    "ray": b"ray::_call",
}  # what the command line of a worker holds while it works
MODULE = {"dask": "distributed", "ray": "ray"}


def tars(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.tar"))}


@pytest.fixture(scope="module")
def quiet(tmp_path_factory):
    """The tars of an uninterrupted run."""
    folder = tmp_path_factory.mktemp("quiet")
    assert (
        subprocess.run(
            [sys.executable, "-m", "verse", *COMMAND.split(), "--out", folder, "--engine", "serial"], check=False
        ).returncode
        == 0
    )
    return tars(folder)


class Run:
    """A run in a session of its own, so that whatever it starts can be found and ended."""

    def __init__(self, out: Path, engine: str):
        command = [
            sys.executable,
            "-m",
            "verse",
            *COMMAND.split(),
            "--out",
            str(out),
            "--workers",
            "2",
            "--engine",
            engine,
        ]
        with open(out / "log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        self.engine = engine

    def members(self) -> dict[int, tuple[bytes, float]]:
        """{process id: (command line, CPU seconds of it and its ended children)} of all that lives in the session."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()  # from field 3 of proc(5) on
                if int(fields[3]) == self.process.pid and fields[0] != "Z":
                    found[int(folder.name)] = (
                        (folder / "cmdline").read_bytes(),
                        sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK"),
                    )
            except OSError:
                continue  # it ended meanwhile
        return found

    def work(self, seconds: float) -> None:
        """Let it work for so many CPU seconds, so that the moments are as good on a busy machine; or to its end."""
        until = self._worked() + seconds
        while self.process.poll() is None and self._worked() < until:
            time.sleep(0.2)

    def _worked(self) -> float:
        return sum(seconds for _, seconds in self.members().values())

    def kill_worker(self) -> bool:
        workers = [pid for pid, (line, _) in self.members().items() if WORKER[self.engine] in line]
        return any(_killed(pid) for pid in workers[:1])

    def kill_parent(self) -> bool:
        """Its workers notice by themselves, sooner or later: the next run may begin beside them."""
        self.process.kill()
        self.process.wait()
        return True

    def kill_all(self) -> bool:
        for pid in self.members():
            _killed(pid)
        self.process.wait()
        return True


def _killed(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def test_a_cluster_that_wants_its_node_back(tmp_path):
    """Slurm's SIGTERM stops a run as Ctrl-C does: it says how to go on, and its workers go with it."""
    run = Run(tmp_path, "loky")
    try:
        run.work(5.0)  # it has its workers, and work for many times as long
        run.process.terminate()
        log = lambda: (tmp_path / "log").read_text()
        assert (
            run.process.wait(60) == INTERRUPTED
            and "stopped; the same command continues" in log()
            and "Traceback" not in log()
        ), log()
        workers = [line for line, _ in run.members().values() if WORKER["loky"] in line]
        assert not workers and not list(tmp_path.glob("*.tmp-*"))
    finally:
        run.kill_all()


@pytest.mark.slow  # 2 to 5 minutes of CPU each
@pytest.mark.parametrize("engine", LONGEST)
def test_fifty_kills_lose_nothing(quiet, tmp_path, engine):
    if engine in MODULE:
        pytest.importorskip(MODULE[engine], reason=f"wants pip install {MODULE[engine]}")
    out = tmp_path / "killed"
    out.mkdir()
    noise, runs, kills = (
        np.random.default_rng(0),
        [Run(out, engine)],
        {"kill_worker": 0, "kill_parent": 0, "kill_all": 0},
    )
    try:
        while sum(kills.values()) < KILLS:
            runs[-1].work(noise.uniform(0.2, LONGEST[engine]))
            deed = str(noise.choice(list(kills), p=(0.5, 0.25, 0.25)))
            if runs[-1].process.poll() is None:
                kills[deed] += getattr(runs[-1], deed)()
                with open(out / "log", "a") as log:
                    print(kills, file=log)
            for name, data in tars(out).items():
                assert data == quiet[name], "what carries its final name is whole"
            if runs[-1].process.poll() is not None:
                assert runs[-1].process.returncode in (0, -signal.SIGKILL), (out / "log").read_text()[-2000:]
                for name in (
                    noise.permutation(list(tars(out)))[:9] if runs[-1].process.returncode == 0 else ()
                ):  # there must be work left
                    (out / name).unlink()
                runs.append(Run(out, engine))
        assert runs[-1].process.wait() == 0, (out / "log").read_text()[-2000:]
        print(engine, kills, len(runs), "runs")
    finally:
        for run in runs:
            run.kill_all()
    again = Run(out, engine)
    assert again.process.wait() == 0 and tars(out) == quiet, (out / "log").read_text()[-2000:]
    assert not list(out.glob("*.tmp-*")) and (out / "dataset.json").exists()
