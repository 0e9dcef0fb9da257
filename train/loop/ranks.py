"""The ranks that train together, and the signals that ask them to stop."""

import os
import signal
import threading
from collections.abc import Callable

import torch
import torch.distributed as dist
from torch import Tensor, nn


def default_device(asked: str | None = None) -> str:
    """Returns what was asked for, else the GPU where there is one. Raises ValueError for a GPU that is not there."""
    if asked == "cuda" and not torch.cuda.is_available():
        raise ValueError("device: expected cpu, got cuda: there is no GPU that torch can use")
    return asked or ("cuda" if torch.cuda.is_available() else "cpu")


class Team:
    """The ranks that train together, from torchrun's environment; one rank without it."""

    def __init__(self, device: str | None = None):
        self.rank, self.size = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        self.leads = self.rank == 0
        kind = default_device(device)
        self.device = torch.device(f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if kind == "cuda" else kind)
        if self.device.type == "cuda":
            torch.cuda.set_device(self.device)
        self._joined = self.size > 1 and not dist.is_initialized()
        if self._joined:
            dist.init_process_group(
                "cuda:nccl,cpu:gloo" if self.device.type == "cuda" else "gloo"
            )  # checkpoints and names travel by gloo

    def pinned(self, load: Callable) -> Callable:
        """Returns `load` with its tensors in page-locked memory on a GPU, so that copies overlap with work."""
        return (
            (lambda job: {name: x.pin_memory() for name, x in load(job).items()})
            if self.device.type == "cuda"
            else load
        )

    def mean(self, totals: dict[str, Tensor], stop: bool) -> tuple[dict[str, float], bool]:
        """Returns the values averaged over the ranks, and whether any rank was asked to stop: all stop after the same
        step, or the others would hang.
        """
        row = torch.stack(
            [value.float() for value in totals.values()] + [torch.tensor(float(stop), device=self.device)]
        )
        if self.size > 1:
            dist.all_reduce(row)
        *values, asked = (row / self.size).tolist()
        return dict(zip(totals, values)), asked > 0

    def union(self, named: dict[str, str]) -> dict[str, str]:
        """Returns what any rank has found; every rank calls it after the same step."""
        if self.size == 1:
            return dict(named)
        parts: list = [None] * self.size
        dist.all_gather_object(parts, named)
        return {name: text for part in parts for name, text in part.items()}

    def wait(self) -> None:
        """Waits until every rank is here."""
        if self.size > 1:
            dist.barrier()

    def leave(self) -> None:
        if self._joined:
            dist.destroy_process_group()


def distributed(module: nn.Module, team: Team) -> nn.Module:
    """Returns the module, its gradients averaged over the ranks as they are computed."""
    return nn.parallel.DistributedDataParallel(module, gradient_as_bucket_view=True) if team.size > 1 else module


class Interrupt:
    """The first Ctrl-C or SIGTERM asks the loop to stop after the current step; a second one stops at once, without
    saving.
    """

    def __init__(self):
        self.asked = False

    def __enter__(self) -> "Interrupt":
        main = threading.current_thread() is threading.main_thread()  # only there can signals be caught
        self._before = (
            {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)} if main else {}
        )
        return self

    def _ask(self, number: int, frame) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def __exit__(self, *error) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
