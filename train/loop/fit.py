"""fit(): the one training loop. A trainer brings a `Task`: config, model, loss, batches.

The guarantees are the loop's: a resumed run equals an uninterrupted one bit for bit on a CPU, a checkpoint that carries
its name is whole, Ctrl-C and SIGTERM save, a non-finite or exploding step is skipped and counted, a diverged run
returns to its last good state and says why, and 1 or N ranks, each with the whole model or a part of it, see the same
samples.
"""

import copy
import time
from collections.abc import Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from train.data.sampler import prefetch
from train.loop import sharding
from train.loop.config import LoopConfig
from train.loop.guard import Guard
from train.loop.optimiser import average, learning_rate, make_optimizer
from train.loop.ranks import Interrupt, Team, distributed
from train.loop.reporter import Done, Reporter
from train.loop.runs import Diverged, RunFolder, State
from train.loop.shares import accumulation, positions_of
from train.loop.task import Task
from zeroverse.core.rng import Rng


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


def fit(task: Task, run_dir: str | Path, resume: bool = False, device: str | None = None) -> Outcome:
    """Trains `task` in `run_dir`, from its last checkpoint if `resume`. Under torchrun every rank calls this alike.

    Writes log.jsonl, checkpoint_*, previews/, and, with every checkpoint, model.safetensors (averaged weights) and
    config.json. Raises RunError when the folder holds a run and `resume` is false, or when config or data are not the
    checkpoint's; and Diverged, a RunError too, when training diverges with no good checkpoint to return to, or once
    more than `rollbacks` times.
    """
    team = Team(device)
    try:
        return _fit(task, RunFolder(run_dir, task), resume, team)
    finally:
        team.leave()


def _fit(task: Task, folder: RunFolder, resume: bool, team: Team) -> Outcome:
    config = task.config
    accumulate = accumulation(config, team.size)
    state = prepare(task, team)
    step = folder.restore(state, resume, team)
    loss = _Loss(task, state.model)
    train = loss if state.sharded else distributed(loss, team)
    feed = lambda: prefetch(
        team.pinned(task.batch),
        positions_of(config, step, accumulate, team.rank, team.size, state.shift),
        config.workers,
        ahead=2 * accumulate,
    )
    with Interrupt() as interrupt, closing(Reporter(task, folder, team, step)) as reporter:
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


def prepare(task: Task, team: Team) -> State:
    """Returns the model where it will train, sharded if the config says so, with its average, optimizer and guard."""
    config, model = task.config, task.model.to(team.device)
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


def _update(
    train: nn.Module,
    state: State,
    batches: Iterator,
    config: LoopConfig,
    step: int,
    accumulate: int,
    team: Team,
    interrupt: Interrupt,
) -> Done:
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
    return Done({**values, "grad_norm": norm}, verdict, stop, lr, time.perf_counter() - began, waited)


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
    state: State, config: LoopConfig, folder: RunFolder, step: int, reason: str, team: Team, reporter: "Reporter"
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


class _Loss(nn.Module):
    """The whole step as one forward, which is what DDP wants, however often a loss calls the model."""

    def __init__(self, task: Task, model: nn.Module):
        super().__init__()
        self.model = model
        self.task = task

    def forward(self, batch: dict[str, Tensor], step: int) -> tuple[Tensor, dict[str, Tensor]]:
        return self.task.loss(self.model, batch, step)
