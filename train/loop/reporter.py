"""What is told after a step of training: log rows, validation, previews, checkpoints, the bar."""

import math
import sys
from typing import NamedTuple

from torch import nn
from tqdm import tqdm

from train.loop.flops import matmul_ceiling
from train.loop.guard import Verdict
from train.loop.meter import Meter, peak_memory_gb, trackers
from train.loop.ranks import Team
from train.loop.runs import RunFolder, State
from train.loop.task import Task
from zeroverse.core.progress import EVERY


class Done(NamedTuple):
    """One update: its values, averaged over the ranks; what the guard says; and whether somebody asked to stop."""

    values: dict[str, float]
    verdict: Verdict
    stop: bool
    lr: float
    seconds: float
    waited: float


class Reporter:
    """What is told after a step: log rows, validation, previews, checkpoints, the bar. Every rank calls it, the leader
    writes.
    """

    def __init__(self, task: Task, folder: RunFolder, team: Team, step: int):
        config = task.config
        self.task, self.config, self.folder, self.team = task, config, folder, team
        self.metrics: dict[str, float] = {}
        self._told: set[str] = set()  # of unusable samples
        self._meter = Meter(
            config.batch, task.work, matmul_ceiling(str(team.device)) * team.size if team.leads else math.inf
        )
        self._trackers = trackers(folder.path, step, config.wandb, folder.stamp) if team.leads else []
        every = 0.1 if sys.stderr.isatty() else EVERY  # a log file is to be read
        self._bar = tqdm(
            total=config.steps,
            initial=step,
            desc=task.name,
            unit="step",
            disable=not team.leads,
            dynamic_ncols=True,
            mininterval=every,
            maxinterval=2 * every + 10,
        )

    def after(self, step: int, done: Done, state: State) -> None:
        """Tells what is due after an update. step: updates tried so far."""
        config, skipped = self.config, done.verdict.reason
        last, end = done.stop or step == config.steps, step == config.steps
        self._meter.add({} if skipped else done.values, done.seconds, done.waited)  # one NaN would hide the interval
        self._bar.update()
        if skipped:
            self._log({"step": step, "skip": skipped})
        if last or due(step, config.log_every):
            self._row(step, done.lr, state)
        if end or due(step, config.validate_every) or due(step, config.preview_every):
            self._look(step, state.averaged())
        if (
            last or due(step, config.save_every) and state.guard.streak == 0
        ):  # a checkpoint is also where a diverged run returns to
            self.folder.save(step, state, self.team)

    def _row(self, step: int, lr: float, state: State) -> None:
        bad = self.team.union(self.task.bad)
        for key in sorted(bad.keys() - self._told):
            self._log({"step": step, "bad_sample": key, "reason": bad[key]})
        self._told |= bad.keys()
        row = {
            "step": step,
            **self._meter.row(),
            "lr": lr,
            "skipped": state.skipped,
            "rollbacks": state.rollbacks,
            "bad_samples": len(bad),
            "memory_gb": peak_memory_gb(self.team.device),
        }
        self._log(row)
        self._bar.set_postfix({name: f"{row[name]:.4g}" for name in ("loss", "psnr") if name in row}, refresh=False)

    def _look(self, step: int, averaged: nn.Module) -> None:
        if not self.team.leads:
            return
        end = step == self.config.steps
        if end or due(step, self.config.validate_every):
            self.metrics = self.task.validate(averaged)
            self._log({"step": step, **self.metrics})
            self.say(
                f"step {step}: "
                + (", ".join(f"{name} {value:.4g}" for name, value in self.metrics.items()) or "nothing held out")
            )
        if end or due(step, self.config.preview_every):
            self.task.preview(averaged, self.folder.path / "previews" / f"step_{step:07d}.png")

    def rolled_back(self, good: int, step: int, reason: str) -> None:
        """Tells that training went back from `step` to `good`; the folder has logged it already."""
        self._meter.clear()  # the interval is of steps that no longer count
        for tracker in self._trackers:
            tracker.log({"step": good + 1, "rollback": reason, "from_step": step})
        self._bar.n = good
        self._bar.refresh()
        self.say(f"step {step}: {reason}; back to step {good}")

    def _log(self, row: dict) -> None:
        if self.team.leads:
            self.folder.log(row)
            for tracker in self._trackers:
                tracker.log(row)

    def say(self, text: str) -> None:
        if self.team.leads:
            self._bar.write(text)

    def close(self) -> None:
        self._bar.close()
        for tracker in self._trackers:
            tracker.close()


def due(done: int, every: int) -> bool:
    return every > 0 and done % every == 0
