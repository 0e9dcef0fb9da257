"""fit(): the one training loop. A trainer brings a `Task` (model, loss, batches) and a config that extends `Recipe`.

The guarantees are the loop's: a resumed run equals an uninterrupted one bit for bit on a CPU, a checkpoint that carries
its name is whole, Ctrl-C and SIGTERM save, a non-finite or exploding step is skipped and counted, a diverged run
returns to its last good state and says why, and 1 or N ranks, each with the whole model or a part of it, see the same
samples.
"""

import copy
import math
import sys
import time
from collections.abc import Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn
from tqdm import tqdm

from train.data import prefetch
from train.loop import sharding
from train.loop.flops import Work, matmul_ceiling
from train.loop.guard import Guard, Verdict
from train.loop.meter import Meter, peak_memory_gb, trackers
from train.loop.ranks import Interrupt, Team, distributed
from train.loop.runs import Diverged, RunError, RunFolder, State, read_run
from zeroverse.core.progress import EVERY
from zeroverse.core.rng import Rng

__all__ = ["Diverged", "Outcome", "Recipe", "RunError", "Task", "Work", "fit", "may_change", "read_run"]
BETAS = (0.9, 0.95)  # GS-LRM
PARALLEL = (
    "ddp",
    "fsdp",
)  # the whole model on every rank, or weights, gradients and optimizer state spread over the ranks


def may_change(default):
    """A config field that a resumed run may set anew: it changes what is written or how fast, not what is learned."""
    return field(default=default, metadata={"may_change": True})


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What the loop itself needs to know; the defaults are GS-LRM's (facts/lrm_zero.md §3) where no other source is
    named.
    """

    steps: int
    batch: int  # samples per optimizer update, over all ranks
    lr: float = 4e-4  # peak
    warmup: int = 2000  # steps of linear warm-up; then a cosine to zero
    weight_decay: float = 0.05  # on matrices only
    clip: float = 1.0  # gradient norm
    skip_norm: float = 20.0  # an update with a larger gradient norm (before clipping) is skipped; LVSM takes 5
    # or one this many running medians large; ours: healthy norms stay within a factor of five (LRM-Zero appendix F)
    skip_factor: float = 10.0
    diverge_factor: float = 5.0  # a loss this many running medians high is a bad step; ours
    patience: int = 50  # bad or skipped steps in a row before the run returns to its last good checkpoint; ours
    rollbacks: int = 3  # returns before the run is given up; ours
    ema: float = 0.999  # decay of the averaged weights, which are validated and exported; shorter in the first steps
    seed: int = 0
    parallel: str = "ddp"  # one of PARALLEL
    micro_batch: int = may_change(0)  # samples per rank and backward pass; 0: the rank's whole share at once
    workers: int = may_change(2)  # threads that load batches
    log_every: int = may_change(10)
    save_every: int = may_change(1000)
    validate_every: int = may_change(1000)
    preview_every: int = may_change(1000)
    wandb: str = may_change("")  # a Weights & Biases project to log to as well; nothing leaves the machine without one

    def __post_init__(self):
        if self.parallel not in PARALLEL:
            raise ValueError(f"parallel: expected {' or '.join(map(repr, PARALLEL))}, got {self.parallel!r}")
        for name in ("steps", "batch", "patience"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, got {getattr(self, name)}")


def configured(preset: str | Recipe, presets: dict, **given):
    """A config: one of `presets` by its name, or one of your own, with what is given, and not None, in the place of its
    values. Raises ValueError.
    """
    if isinstance(preset, str):
        if preset not in presets:
            raise ValueError(f"preset: expected one of {', '.join(presets)}, got {preset!r}")
        preset = presets[preset]()
    return replace(preset, **{name: value for name, value in given.items() if value is not None})


class Task(Protocol):
    """One trainer, as the loop sees it. Randomness in `loss` comes from torch's global generator, seeded anew by (seed,
    step, rank).
    """

    name: str  # of the trainer, in config.json
    model: nn.Module  # its `blocks`, if it has any, are compiled one by one on a GPU, and sharded one by one
    fingerprint: str  # of the data, checked on resume
    bad: dict[str, str]  # unusable samples met so far: key -> reason
    work: Work  # tokens and operations per sample, for tokens/s and MFU

    def batch(self, positions: range) -> dict[str, Tensor]:
        """The samples at these positions; called from several threads."""

    def loss(self, model: nn.Module, batch: dict[str, Tensor], step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """The mean loss over the batch, and terms to log."""

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Held-out metrics of the averaged weights; empty when nothing is held out."""

    def preview(self, model: nn.Module, path: Path) -> None:
        """Write a picture."""


@dataclass(frozen=True)
class Outcome:
    """step: updates done. finished: all steps are done (else the run was interrupted, and can be resumed). metrics: the
    last validation.

    skipped, rollbacks: as in State.
    """

    step: int
    finished: bool
    skipped: int
    metrics: dict[str, float]
    rollbacks: int = 0


def fit(task: Task, config: Recipe, run_dir: str | Path, resume: bool = False, device: str | None = None) -> Outcome:
    """Train `task` in `run_dir`, from its last checkpoint if `resume`. Under torchrun every rank calls this alike.

    Writes log.jsonl, checkpoint_*, previews/, and, with every checkpoint, model.safetensors (averaged weights) and
    config.json. Raises RunError when the folder holds a run and `resume` is false, or when config or data are not the
    checkpoint's; and Diverged, a RunError too, when training diverges with no good checkpoint to return to, or once
    more than `rollbacks` times.
    """
    team = Team(device)
    try:
        return _fit(task, config, RunFolder(run_dir, config, task), resume, team)
    finally:
        team.leave()


def _fit(task: Task, config: Recipe, folder: RunFolder, resume: bool, team: Team) -> Outcome:
    accumulate = accumulation(config, team.size)
    state = prepare(task, config, team)
    step = folder.restore(state, resume, team)
    loss = _Loss(task, state.model)
    train = loss if state.sharded else distributed(loss, team)
    feed = lambda: prefetch(
        team.pinned(task.batch),
        positions_of(config, step, accumulate, team.rank, team.size, state.shift),
        config.workers,
        ahead=2 * accumulate,
    )
    with Interrupt() as interrupt, closing(_Reporter(task, config, folder, team, step)) as reporter:
        batches = feed()
        try:
            while step < config.steps:
                done = _update(train, state, batches, config, step, accumulate, team, interrupt)
                step += 1
                if done.verdict.diverged:
                    batches.close()
                    step = _roll_back(state, config, folder, step, done.verdict.diverged, team, reporter)
                    batches = feed()
                    continue
                reporter.after(step, done, state)
                if done.stop and step < config.steps:
                    reporter.say(
                        f"stopped after step {step} of {config.steps} and saved in {folder.path}: the same command "
                        f"with --resume continues"
                    )
                    return Outcome(step, False, state.skipped, reporter.metrics, state.rollbacks)
        finally:
            batches.close()
    return Outcome(config.steps, True, state.skipped, reporter.metrics, state.rollbacks)


def prepare(task: Task, config: Recipe, team: Team) -> State:
    """The model where it will train, sharded if the config says so, with its average, optimizer and guard."""
    model = task.model.to(team.device)
    ema = copy.deepcopy(model).requires_grad_(False).eval()
    sharded, whole = config.parallel == "fsdp" and team.size > 1, ema
    if team.device.type == "cuda":
        for block in getattr(model, "blocks", ()):
            if sharded:
                block.forward = torch.compile(
                    block.forward, dynamic=False
                )  # inside the hooks that gather the block's weights
            else:
                block.compile(
                    dynamic=False
                )  # one compilation serves all blocks; a whole-model one would break at the rasteriser
    if sharded:
        whole = copy.deepcopy(ema) if team.leads else ema
        sharding.shard(model)
        sharding.shard(ema)
    guard = Guard(config.skip_norm, config.skip_factor, config.diverge_factor, config.patience)
    return State(
        model,
        ema,
        make_optimizer(model, config, team.device),
        guard,
        whole,
        sharded,
        in_shards=config.parallel == "fsdp",
    )


class _Done(NamedTuple):
    """One update: its values, averaged over the ranks; what the guard says; and whether somebody asked to stop."""

    values: dict[str, float]
    verdict: Verdict
    stop: bool
    lr: float
    seconds: float
    waited: float


def _update(
    train: nn.Module,
    state: State,
    batches: Iterator,
    config: Recipe,
    step: int,
    accumulate: int,
    team: Team,
    interrupt: Interrupt,
) -> _Done:
    """One step: gradients, the guard's verdict, and the update if it is a good one."""
    began = time.perf_counter()
    torch.manual_seed(
        Rng("step", config.seed, step + state.shift, team.rank).word()
    )  # so there is no generator state to save
    lr = learning_rate(config, step)
    for group in state.optimizer.param_groups:
        group["lr"] = lr
    totals, waited = _backward(train, state, batches, accumulate, team, step)
    norm = float(sharding.local(nn.utils.clip_grad_norm_(state.model.parameters(), config.clip)))
    values, stop = team.mean(totals, interrupt.asked)
    verdict = state.guard.judge(values["loss"], norm, list(values))
    if verdict.reason:
        state.skipped += 1
    else:
        state.optimizer.step()
        average(
            state.ema, state.model, min(config.ema, (1 + step) / (10 + step))
        )  # short at first, or the random start would linger
    state.optimizer.zero_grad(set_to_none=True)
    return _Done({**values, "grad_norm": norm}, verdict, stop, lr, time.perf_counter() - began, waited)


def _backward(
    train: nn.Module, state: State, batches: Iterator, accumulate: int, team: Team, step: int
) -> tuple[dict[str, Tensor], float]:
    """Gradients of one update, summed over its micro-batches; (mean loss and terms, seconds spent waiting for data)."""
    totals: dict[str, Tensor] = {}
    waited = 0.0
    for micro in range(accumulate):
        asked = time.perf_counter()
        batch = {name: x.to(team.device, non_blocking=True) for name, x in next(batches).items()}
        waited += time.perf_counter() - asked
        last = micro == accumulate - 1  # ranks exchange gradients once per update
        if state.sharded:
            state.model.set_requires_gradient_sync(last)
        with nullcontext() if last or state.sharded or team.size == 1 else train.no_sync():
            loss, terms = train(batch, step)
            (loss / accumulate).backward()
        for name, value in {"loss": loss, **terms}.items():
            totals[name] = totals.get(name, 0.0) + value.detach() / accumulate
    return totals, waited


def _roll_back(
    state: State, config: Recipe, folder: RunFolder, step: int, reason: str, team: Team, reporter: "_Reporter"
) -> int:
    """Back to the last good checkpoint, with the data that follow; its step."""
    if state.rollbacks == config.rollbacks:
        raise Diverged(
            f"diverged: {reason}, up to step {step}, after {state.rollbacks} rollbacks",
            step,
            state.skipped,
            state.rollbacks,
        )
    good = folder.roll_back(state, step, reason, team)
    reporter.rolled_back(good, step, reason)
    return good


class _Reporter:
    """What is told after a step: log rows, validation, previews, checkpoints, the bar. Every rank calls it, the leader
    writes.
    """

    def __init__(self, task: Task, config: Recipe, folder: RunFolder, team: Team, step: int):
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

    def after(self, step: int, done: _Done, state: State) -> None:
        """step: updates tried so far."""
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
        """Told after the folder, which has logged it, went back."""
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


class _Loss(nn.Module):
    """The whole step as one forward, which is what DDP wants, however often a loss calls the model."""

    def __init__(self, task: Task, model: nn.Module):
        super().__init__()
        self.model = model
        self.task = task

    def forward(self, batch: dict[str, Tensor], step: int) -> tuple[Tensor, dict[str, Tensor]]:
        return self.task.loss(self.model, batch, step)


# --------------------------------------------------------------------------------------------------------- optimisation


def make_optimizer(model: nn.Module, config: Recipe, device: torch.device) -> torch.optim.AdamW:
    """AdamW; matrices decay, gains and other vectors do not."""
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.lr, betas=BETAS, fused=device.type == "cuda")


def learning_rate(config: Recipe, step: int) -> float:
    """Linear from 0 to the peak over `warmup` steps, then half a cosine, reaching zero as the last step ends."""
    if step < config.warmup:
        return config.lr * (step + 1) / config.warmup
    return config.lr * 0.5 * (1.0 + math.cos(math.pi * (step - config.warmup) / max(1, config.steps - config.warmup)))


@torch.no_grad()
def average(ema: nn.Module, model: nn.Module, decay: float) -> None:
    torch._foreach_lerp_(list(ema.parameters()), list(model.parameters()), 1.0 - decay)
    for kept, buffer in zip(ema.buffers(), model.buffers()):
        kept.copy_(buffer)


def due(done: int, every: int) -> bool:
    return every > 0 and done % every == 0


# -------------------------------------------------------------------------------------------------- shares of the batch


def accumulation(config: Recipe, ranks: int) -> int:
    """Micro-batches per update and rank. Raises ValueError when the batch does not split evenly: a mean of unequal
    parts is another loss.
    """
    share, rest = divmod(config.batch, ranks)
    if rest or share == 0:
        raise ValueError(f"batch: expected a multiple of the {ranks} ranks, got {config.batch}")
    micro = config.micro_batch or share
    if share % micro:
        raise ValueError(f"micro_batch: expected a divisor of the {share} samples per rank, got {micro}")
    return share // micro


def positions_of(config: Recipe, start: int, accumulate: int, rank: int, ranks: int, shift: int = 0) -> Iterator[range]:
    """The positions of each micro-batch of one rank, from step `start` on: together the ranks take `batch` consecutive
    ones per step, whatever their number.

    shift: steps' worth of data that rollbacks have passed over.
    """
    block = config.batch // accumulate
    for first in range((start + shift) * config.batch, (config.steps + shift) * config.batch, block):
        yield range(first + rank, first + block, ranks)
