"""The command line: the table of commands, and what every one of them gets: one-line errors, exit statuses, Ctrl-C.

A command is a dataclass in `renderers.commands` or `train.commands`; whatever is heavy is imported only when its
command runs.
"""

import os
import select
import signal
import sys
import textwrap
import threading
import warnings
from collections.abc import Sequence

import tyro

from renderers.commands.generate import GenerateDetailverse, GenerateFiles, GenerateObjaverse, GenerateZeroverse
from renderers.commands.recipes import Catalogue, Regen
from renderers.commands.sets import Export, Preview, Verify, View
from train import trainers
from train.commands.curation import Curate, TrainCurator
from train.commands.models import Benchmark, Compare, Doctor, Reconstruct
from train.commands.shapes import Autoencode
from train.commands.studies import Ablate
from train.commands.training import train_command
from zeroverse.core.helptext import taught
from zeroverse.core.usage import CLOSED_PIPE, INTERRUPTED, UsageError

DATA = (  # words, class: the order of the overview
    ("generate zeroverse", GenerateZeroverse),
    ("generate detailverse", GenerateDetailverse),
    ("generate files", GenerateFiles),
    ("generate objaverse", GenerateObjaverse),
    ("verify", Verify),
    ("preview", Preview),
    ("catalogue", Catalogue),
    ("regen", Regen),
    ("curate", Curate),
    ("train curator", TrainCurator),
    ("export", Export),
    ("view", View),
)
MODELS = (
    ("reconstruct", Reconstruct),
    ("benchmark", Benchmark),
    ("compare", Compare),
    ("ablate", Ablate),
    ("autoencode", Autoencode),
    ("doctor", Doctor),
)


def commands() -> tuple[tuple[str, type], ...]:
    """Returns (words, class) of every command, in the order of the overview."""
    return (*DATA, *((f"train {row.name}", train_command(row)) for row in trainers.TRAINERS), *MODELS)


def overview() -> str:
    rows = "\n".join(f"  verse {words:20s} {command.__doc__.split(chr(10))[0]}" for words, command in commands())
    return textwrap.dedent("""\
        verse: an integer becomes an object, objects become views, views become shards, shards become models.

        {rows}

        verse COMMAND --help explains a command; --debug shows the traceback of an error. Exit status: 0 well, 1 failed,
        2 wrong usage.""").format(rows=rows)


def main(argv: Sequence[str] | None = None) -> int:
    try:
        try:
            return _main(argv)
        finally:
            if sys.stdout:  # `>&-` leaves none
                sys.stdout.flush()
    except BrokenPipeError:
        if not _reader_is_gone():
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it flushes at the end
        return CLOSED_PIPE


def _reader_is_gone() -> bool:
    """Whether nobody reads what we print any more, as when `| head` has enough. Other pipes may break too, and that is
    an error.
    """
    poll = select.poll()
    poll.register(sys.stdout, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def _main(argv: Sequence[str] | None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    if not words or words[0] in ("-h", "--help"):
        print(overview())
        return 0 if words else 2
    for name, command in commands():
        length = len(name.split())
        if words[:length] == name.split():
            return _run(command, name, words[length:], debug)
    group = [name for name, _ in commands() if name.split()[0] == words[0]]
    if group and words[1:2] in (["-h"], ["--help"]):
        print(overview())
        return 0
    print(
        f"verse: no command {' '.join(words[:2])!r}; expected one of: "
        f"{', '.join(group or [name for name, _ in commands()])}",
        file=sys.stderr,
    )
    return 2


def _interrupt(signum, frame) -> None:
    """Ctrl-C, or the SIGTERM of a cluster that wants its node back. The threads of the process pool may trip over its
    sudden end, which is nobody's
    concern: they stay silent.
    """
    threading.excepthook = lambda failure: None
    raise KeyboardInterrupt


def _run(command, name: str, arguments: list[str], debug: bool) -> int:
    # Idle OpenMP threads sleep. By default they spin, and on two cores with other work beside it a training step cost
    # four times the CPU time.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    warnings.formatwarning = lambda message, category, *where, **line: (
        f"verse: warning: {message}\n"
    )  # for users, who have no use for our source lines
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _interrupt)
    try:
        return tyro.cli(taught(command), prog=f"verse {name}", args=arguments).run()
    except KeyboardInterrupt:
        print("verse: stopped; the same command continues (training: add --resume)", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:  # the one place where any failure becomes one line for the user
        if debug or (isinstance(error, BrokenPipeError) and _reader_is_gone()):
            raise
        known = isinstance(error, (ValueError, OSError, RuntimeError))
        text = str(error) if known else f"{type(error).__name__}: {error} (--debug shows where)"
        if isinstance(error, OSError) and error.strerror and error.filename is not None:
            text = f"{error.filename}: {error.strerror}"
        print(f"verse: {text}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1


if __name__ == "__main__":
    sys.exit(main())
