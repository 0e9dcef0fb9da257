"""What every command needs: how wrong arguments are told, and what Ctrl-C and a closed pipe give."""

import os
from pathlib import Path

INTERRUPTED = 130  # what shells give a program that Ctrl-C ended
CLOSED_PIPE = 141  # and one whose reader went away


class UsageError(ValueError):
    """A wrong argument: exit status 2."""


def need_folder(path: Path, flag: str) -> Path:
    """Returns `path`. Raises UsageError naming `flag` when it is no folder or may not be read."""
    if not path.is_dir():
        raise UsageError(f"{flag}: no such folder: {path}")
    if not os.access(path, os.R_OK | os.X_OK):  # or it would look empty
        raise UsageError(f"{flag}: a folder that may not be read: {path}")
    return path


def need(condition: bool, flag: str, expected: str, got) -> None:
    """Raises UsageError `flag: expected …, got …` unless the condition holds."""
    if not condition:
        raise UsageError(f"{flag}: expected {expected}, got {got}")
