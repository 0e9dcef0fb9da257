"""A source for the tests of the farm: small Zeroverse objects, one of which misbehaves. In a file of its own, so that
workers can import it.
"""

import os
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numba

from renderers.sources.procedural import Zeroverse
from zeroverse.asset import AssetError
from zeroverse.shapes.solid import Rejected


def _raise(error):
    raise error


def _kill_once(flag: str):
    """As when someone else kills the worker: it does not happen again."""
    if not Path(flag).exists():
        Path(flag).touch()
        os.kill(os.getpid(), signal.SIGKILL)


def _loop():
    while True:
        try:
            time.sleep(0.01)
        except Exception:  # as readers of damaged files do
            continue


@numba.njit
def _compiled_loop(x):
    while x > 0:
        x = x + 1 if x < 1000 else 1
    return x


DEEDS = {
    "exit": lambda flag: os._exit(1),
    "kill": lambda flag: os.kill(os.getpid(), signal.SIGKILL),
    "kill once": _kill_once,
    "asset error": lambda flag: _raise(AssetError("a bad file")),
    "rejected": lambda flag: _raise(Rejected("all draws rejected")),
    "bug": lambda flag: _raise(ZeroDivisionError("a bug")),
    "no memory": lambda flag: _raise(MemoryError()),
    "no end": lambda flag: _loop(),
    "no end in compiled code": lambda flag: _compiled_loop(1),
    "nothing": lambda flag: None,
}


@dataclass(frozen=True)
class Crashing:
    culprit: int
    deed: str
    flag: str = ""
    seed: int = 0
    foreign: bool = False
    name = "crashing"

    def config(self) -> dict:
        return {"source": self.name, **asdict(self)}

    def make(self, index: int):
        if index == self.culprit:
            DEEDS[self.deed](self.flag)
        return Zeroverse(texture_size=16).make(index)

    def label(self, index: int) -> str:
        return f"crashing seed {self.seed} index {index}"

    def stream(self, index: int):
        return Zeroverse().stream(index)
