"""What a trainer brings to the loop."""

from pathlib import Path
from typing import Protocol

from torch import Tensor, nn

from train.loop.config import LoopConfig
from train.loop.flops import Work


class Task(Protocol):
    """One trainer, as the loop sees it. Randomness in `loss` comes from torch's global generator, seeded anew by (seed,
    step, rank).
    """

    name: str  # of the trainer, in config.json
    config: LoopConfig  # how it trains
    model: nn.Module  # its `blocks`, if it has any, are compiled one by one on a GPU, and sharded one by one
    fingerprint: str  # of the data, checked on resume
    bad: dict[str, str]  # unusable samples met so far: key -> reason
    work: Work  # tokens and operations per sample, for tokens/s and MFU

    def batch(self, positions: range) -> dict[str, Tensor]:
        """Returns the samples at these positions; called from several threads."""

    def loss(self, model: nn.Module, batch: dict[str, Tensor], step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Returns the mean loss over the batch, and terms to log."""

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Returns held-out metrics of the averaged weights; empty when nothing is held out."""

    def preview(self, model: nn.Module, path: Path) -> None:
        """Writes a picture to `path`."""
