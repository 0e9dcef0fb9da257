"""A time limit on a piece of work: as an exception where Python can raise one, by ending the process where it hangs in
compiled code.
"""

import faulthandler
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

WORKER = "VERSE_WORKER"  # set in the environment of processes that may be ended without harm
GRACE = 0.25  # of the limit, and at least two seconds: what Python gets to raise the exception itself


class TooSlow(BaseException):
    """Work that took longer than it may. No Exception, so that no reader of damaged files takes it for a damage."""


@contextmanager
def time_limit(seconds: float | None, note: Path | None = None) -> Iterator[None]:
    """Raises TooSlow in the body when it takes longer than `seconds`; None: no limit.

    Python delivers the exception between two of its own instructions. Compiled code that never returns gets `GRACE`
    more; then a worker process is ended, and the file `note` holds where it hung (`was_too_slow`). Other processes,
    and threads that are not the main one, cannot be interrupted so.
    """
    if seconds is None:
        yield
        return
    with ExitStack() as stack:
        if os.environ.get(WORKER):
            stack.enter_context(_ended_after(seconds + max(2.0, GRACE * seconds), note))
        if threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):
            stack.enter_context(_interrupted_after(seconds))
        yield


@contextmanager
def _interrupted_after(seconds: float) -> Iterator[None]:
    def late(number, frame):
        raise TooSlow(f"took longer than {seconds:g} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)  # again each second, if something swallowed it
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _ended_after(seconds: float, note: Path | None) -> Iterator[None]:
    """faulthandler's watchdog is a thread in C, which needs no lock that a hanging kernel may hold."""
    with open(note or os.devnull, "w") as file:
        faulthandler.dump_traceback_later(seconds, exit=True, file=file)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
    if note:
        note.unlink(missing_ok=True)


def too_slow(seconds: float) -> str:
    """Returns why work failed whose worker was ended by its limit."""
    return f"took longer than {seconds:g} seconds, and hung in compiled code"


def was_too_slow(note: Path) -> bool:
    """Returns whether a worker was ended by the limit that had this note."""
    try:
        return note.stat().st_size > 0
    except OSError:
        return False
