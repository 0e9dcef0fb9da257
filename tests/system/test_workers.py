"""Processes that work for a run do not outlive it."""

import os
import subprocess
import sys
import time

import pytest

POOLS = {
    "loky": "from renderers.farm.engines import loky\nwith loky(1, None) as pool:\n    first(pool.submit)",
    "online": "from train.data.online import _workers\nfirst(_workers(1).submit)",
}
SCRIPT = """
import os, signal
def first(submit):
    print(submit(os.getpid).result(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
if __name__ == "__main__":
    {lines}
"""


@pytest.mark.parametrize("pool", POOLS)
def test_workers_leave_with_a_parent_that_was_killed(pool, tmp_path):
    """As those of loky and of concurrent.futures do not by themselves."""
    script = tmp_path / "killed.py"
    script.write_text(SCRIPT.format(lines=POOLS[pool].replace("\n", "\n    ")))
    with open(tmp_path / "worker", "w") as file:  # no pipe, which would wait for the worker
        subprocess.run(
            [sys.executable, str(script)], stdout=file, check=False, env={**os.environ, "PYTHONPATH": os.getcwd()}
        )
    worker = int((tmp_path / "worker").read_text())
    for _ in range(300):
        if not _lives(worker):
            return
        time.sleep(0.1)
    os.kill(worker, 9)
    pytest.fail("the worker still waits for work")


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0] != "Z"
