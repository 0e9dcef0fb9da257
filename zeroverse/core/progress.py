"""How far a command is: a bar on a terminal; in a file a line now and then, so that the log of a night's run can be
read.
"""

import sys
import time
from collections.abc import Mapping

EVERY = 30.0  # seconds between two lines


def progress(desc: str, unit: str, total: int | None = None):
    """Returns a context with `update(n)`, `write(line)` and `counts({reason: times})`; `total` and `n` may be read and
    set. It writes to stderr.
    """
    return _Bar(desc, unit, total) if sys.stderr.isatty() else Lines(desc, unit, total)


def _most(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return [(reason, times) for reason, times in sorted(counts.items(), key=lambda row: -row[1])[:3] if times]


class Lines:
    """A progress of lines: a first one, one after `EVERY` seconds at the soonest, a last one."""

    def __init__(self, desc: str, unit: str, total: int | None = None, file=None, clock=time.monotonic):
        self.desc, self.unit, self.total, self.n = desc, unit, total, 0
        self._file, self._clock, self._counts = file or sys.stderr, clock, {}
        self._began = self._last = clock()

    def __enter__(self):
        if self.total is not None:
            self.write(f"{self.desc}: {self.total} {self.unit}s to do")
        return self

    def __exit__(self, *error) -> None:
        self.write(str(self))

    def update(self, n: int = 1) -> None:
        """Counts n more units as done."""
        self.n += n
        if self._clock() - self._last >= EVERY:
            self._last = self._clock()
            self.write(str(self))

    def counts(self, counts: Mapping[str, int]) -> None:
        """Keeps how often each reason came, for the lines to come: the three most frequent are named."""
        self._counts = dict(counts)

    def write(self, line: str) -> None:
        """Writes a line of its own."""
        print(line, file=self._file, flush=True)

    def __str__(self) -> str:
        seconds = self._clock() - self._began
        words = (
            f"{self.desc}: {self.n}{f' of {self.total}' if self.total is not None else ''} {self.unit}s in "
            f"{_clock_face(seconds)}"
        )
        if self.n and seconds > 0:
            words += f", {60 * self.n / seconds:.3g} a minute"
            words += (
                f", {_clock_face(seconds * (self.total - self.n) / self.n)} to go"
                if self.total and self.total > self.n
                else ""
            )
        return words + "".join(f"; {times} x {reason}" for reason, times in _most(self._counts))


def _clock_face(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


class _Bar:
    """The same face on tqdm."""

    def __init__(self, desc: str, unit: str, total: int | None):
        from tqdm import tqdm

        self._bar = tqdm(desc=desc, unit=unit, total=total, smoothing=0.1, dynamic_ncols=True)

    def __enter__(self):
        return self

    def __exit__(self, *error) -> None:
        self._bar.close()

    def update(self, n: int = 1) -> None:
        self._bar.update(n)

    def counts(self, counts: Mapping[str, int]) -> None:
        self._bar.set_postfix(dict(_most(counts)), refresh=False)

    def write(self, line: str) -> None:
        self._bar.write(line, file=sys.stderr)

    @property
    def n(self) -> int:
        return self._bar.n

    @property
    def total(self) -> int | None:
        return self._bar.total

    @total.setter
    def total(self, total: int | None) -> None:
        self._bar.total = total
