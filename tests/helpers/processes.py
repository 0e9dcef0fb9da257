"""Python in another process: what must be the same there, and runs that are killed."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def environment(*folders: str | Path, **changes: str) -> dict[str, str]:
    """Returns this process's environment with the repository, and these folders, importable."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *map(str, folders)]), **changes}


def printed(test_file: str, expression: str, **changes: str) -> str:
    """Returns what `expression`, a call of a function of that test file, gives in a process of its own. changes: of its
    environment.
    """
    file = Path(test_file)
    code = f"import {file.stem} as it; print(it.{expression})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(file.parent, **changes),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]
