"""What a log line says, and who else hears it: TensorBoard where it is installed, Weights & Biases where it is asked
for.
"""

import importlib
import math
import resource
from pathlib import Path

import torch

from train.loop.flops import Work

WANDB_ID = "wandb_id.txt"


class Meter:
    """Means since the last row, each over the steps that had the value."""

    def __init__(self, batch: int, work: Work, ceiling: float):
        """batch: samples per step over all ranks; ceiling: operations per second of all ranks' devices."""
        self.batch, self.work, self.ceiling = batch, work, ceiling
        self.clear()

    def clear(self) -> None:
        self.values, self.steps, self.seconds, self.waited = {}, 0, 0.0, 0.0

    def add(self, values: dict[str, float], seconds: float, waited: float) -> None:
        for name, value in values.items():
            self.values.setdefault(name, []).append(value)
        self.steps, self.seconds, self.waited = self.steps + 1, self.seconds + seconds, self.waited + waited

    def row(self) -> dict[str, float]:
        """Returns the means, and what the interval achieved. mfu_percent: model operations done over those that the
        devices could have done in that time.
        """
        means = {name: sum(values) / len(values) for name, values in self.values.items()}
        rate = self.steps * self.batch / self.seconds  # samples per second
        row = {
            **means,
            "samples_per_s": rate,
            "tokens_per_s": rate * self.work.tokens,
            "mfu_percent": 100 * rate * self.work.flops / self.ceiling,
            "data_wait_percent": 100 * self.waited / self.seconds,
        }
        self.clear()
        return row


MEASURED = (
    "samples_per_s",
    "tokens_per_s",
    "mfu_percent",
    "data_wait_percent",
    "memory_gb",
)  # fields of a row that no two runs share


def peak_memory_gb(device: torch.device) -> float:
    """Returns the most memory of the device's allocator, or of the process on a CPU, since the start."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


class TensorBoard:
    """Event files beside log.jsonl. Raises ImportError where tensorboard is not installed."""

    def __init__(self, folder: Path, start: int):
        writer = importlib.import_module("torch.utils.tensorboard").SummaryWriter
        self._writer = writer(log_dir=str(folder / "tensorboard"), purge_step=start + 1)

    def log(self, row: dict) -> None:
        for name, value in row.items():
            if isinstance(value, str):
                self._writer.add_text(name, value, row["step"])
            elif name != "step" and value is not None and math.isfinite(value):
                self._writer.add_scalar(name, value, row["step"])

    def close(self) -> None:
        self._writer.close()


class WandB:
    """A run of the user's project; a resumed run continues it. Raises RuntimeError where wandb is not installed."""

    def __init__(self, folder: Path, project: str, config: dict):
        try:
            wandb, known = importlib.import_module("wandb"), folder / WANDB_ID
        except ImportError as error:
            raise RuntimeError(f"wandb: {error}; pip install wandb") from error
        self._run = wandb.init(
            project=project,
            dir=str(folder),
            config=config,
            resume="allow",
            id=known.read_text() if known.exists() else None,
        )
        known.write_text(self._run.id)
        self._run.define_metric(
            "*", step_metric="step"
        )  # W&B's own counter never goes back, a resumed or rolled-back run does

    def log(self, row: dict) -> None:
        self._run.log(dict(row))

    def close(self) -> None:
        self._run.finish()


def trackers(folder: Path, start: int, wandb_project: str, config: dict) -> list:
    """Returns objects with `log(row)` and `close()`: TensorBoard if it can be imported, W&B if a project is named
    (RuntimeError if it is not installed).
    """
    found: list = []
    try:
        found.append(TensorBoard(folder, start))
    except ImportError:
        pass  # a convenience; log.jsonl has everything
    return found + ([WandB(folder, wandb_project, config)] if wandb_project else [])
