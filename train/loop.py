"""fit(): the one training loop. A trainer brings a `Task` (model, loss, batches) and a config that extends `Recipe`.

The guarantees are the loop's: a resumed run equals an uninterrupted one bit for bit on a CPU, a checkpoint that carries its name is whole,
Ctrl-C and SIGTERM save, a non-finite or exploding step is skipped and counted, and 1 or N ranks see the same samples.
"""
import copy
import dataclasses
import json
import math
import os
import pickle
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import torch
import torch.distributed as dist
from safetensors.torch import save as safetensors_bytes
from torch import Tensor, nn
from tqdm import tqdm

from train.data import prefetch
from zeroverse.files import replacing, write_whole
from zeroverse.rng import Rng

BETAS = (0.9, 0.95)  # GS-LRM
KEEP = 2  # checkpoints; the one before the last survives a disk that fills up during a save
PATIENCE = 100  # skipped steps in a row before the run is called diverged


def may_change(default):
    """A config field that a resumed run may set anew: it changes what is written or how fast, not what is learned."""
    return field(default=default, metadata={"may_change": True})


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What the loop itself needs to know; the defaults are GS-LRM's (facts/lrm_zero.md §3)."""

    steps: int
    batch: int  # samples per optimizer update, over all ranks
    lr: float = 4e-4  # peak
    warmup: int = 2000  # steps of linear warm-up; then a cosine to zero
    weight_decay: float = 0.05  # on matrices only
    clip: float = 1.0  # gradient norm
    skip_norm: float = 20.0  # an update with a larger gradient norm (before clipping) is skipped; LVSM takes 5
    ema: float = 0.999  # decay of the averaged weights, which are validated and exported; shorter in the first steps
    seed: int = 0
    micro_batch: int = may_change(0)  # samples per rank and backward pass; 0: the rank's whole share at once
    workers: int = may_change(2)  # threads that load batches
    log_every: int = may_change(10)
    save_every: int = may_change(1000)
    validate_every: int = may_change(1000)
    preview_every: int = may_change(1000)


class Task(Protocol):
    """One trainer, as the loop sees it. Randomness in `loss` comes from torch's global generator, seeded anew by (seed, step, rank)."""

    name: str  # of the trainer, in config.json
    model: nn.Module  # its `blocks`, if it has any, are compiled one by one on a GPU
    fingerprint: str  # of the data, checked on resume
    bad: dict[str, str]  # unreadable samples met so far: key -> reason

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
    """step: updates done. finished: all steps are done (else the run was interrupted, and can be resumed). metrics: the last validation."""

    step: int
    finished: bool
    skipped: int
    metrics: dict[str, float]


class RunError(ValueError):
    """A run folder that cannot be started in, resumed or loaded; the message says what differs."""


def fit(task: Task, config: Recipe, run_dir: str | Path, resume: bool = False, device: str | None = None) -> Outcome:
    """Train `task` in `run_dir`, from its last checkpoint if `resume`. Under torchrun every rank calls this alike.

    Writes log.jsonl, checkpoint_*.pt, previews/, and, with every checkpoint, model.safetensors (averaged weights) and config.json.
    Raises RunError when the folder holds a run and `resume` is false, when config or data are not the checkpoint's, or when training diverges.
    """
    team = Team(device)
    try:
        return _fit(task, config, RunFolder(run_dir, config, task), resume, team)
    finally:
        team.leave()


def _fit(task: Task, config: Recipe, folder: "RunFolder", resume: bool, team: "Team") -> Outcome:
    accumulate = accumulation(config, team.size)
    model = task.model.to(team.device)
    ema = copy.deepcopy(model).requires_grad_(False).eval()
    optimizer = make_optimizer(model, config, team.device)
    start, skipped = folder.restore(model, ema, optimizer, resume, team)
    if team.device.type == "cuda":
        for block in getattr(model, "blocks", ()):
            block.compile(dynamic=False)  # one compilation serves all blocks; a whole-model one would break at the rasteriser
    train = team.wrap(_Loss(task, model))
    batches = prefetch(team.pinned(task.batch), positions_of(config, start, accumulate, team.rank, team.size), config.workers, ahead=2 * accumulate)
    meter, metrics, in_a_row = Meter(config.batch), {}, 0
    bar = tqdm(total=config.steps, initial=start, desc=task.name, unit="step", disable=not team.leads, dynamic_ncols=True)
    with Interrupt() as interrupt, bar, closing(batches):
        for step in range(start, config.steps):
            began = time.perf_counter()
            torch.manual_seed(Rng("step", config.seed, step, team.rank).word())  # so there is no generator state to save
            lr = learning_rate(config, step)
            for group in optimizer.param_groups:
                group["lr"] = lr
            totals, waited = _backward(train, batches, accumulate, team, step)
            norm = float(nn.utils.clip_grad_norm_(model.parameters(), config.clip))
            values, stop = team.mean(totals, interrupt.asked)
            healthy = math.isfinite(values["loss"]) and math.isfinite(norm) and norm <= config.skip_norm
            if healthy:
                optimizer.step()
                average(ema, model, min(config.ema, (1 + step) / (10 + step)))  # short at first, or the random start would linger
            optimizer.zero_grad(set_to_none=True)
            skipped, in_a_row = skipped + (not healthy), 0 if healthy else in_a_row + 1
            meter.add({**values, "grad_norm": norm} if healthy else {}, time.perf_counter() - began, waited)  # one NaN would hide the interval
            if in_a_row == PATIENCE:
                raise RunError(f"diverged: {PATIENCE} steps in a row skipped, up to step {step + 1} (loss {values['loss']:.3g}, gradient norm {norm:.3g})")

            done = step + 1
            last = stop or done == config.steps
            if team.leads:  # from here on it only writes
                bar.update()
                if last or due(done, config.log_every):
                    row = meter.row(done, lr, skipped, len(task.bad), team.device)
                    folder.log(row)
                    bar.set_postfix({name: f"{row[name]:.4g}" for name in ("loss", "psnr") if name in row})
                if done == config.steps or due(done, config.validate_every):
                    metrics = task.validate(ema)
                    folder.log({"step": done, **metrics})
                    bar.write(f"step {done}: " + (", ".join(f"{name} {value:.4g}" for name, value in metrics.items()) or "nothing held out"))
                if done == config.steps or due(done, config.preview_every):
                    task.preview(ema, folder.path / "previews" / f"step_{done:07d}.png")
                if last or due(done, config.save_every):
                    folder.save(done, skipped, model, ema, optimizer)
            if stop and done < config.steps:
                if team.leads:
                    bar.write(f"stopped after step {done} of {config.steps} and saved in {folder.path}: the same command with --resume continues")
                return Outcome(done, False, skipped, metrics)
    return Outcome(config.steps, True, skipped, metrics)


def _backward(train: nn.Module, batches: Iterator, accumulate: int, team: "Team", step: int) -> tuple[dict[str, Tensor], float]:
    """Gradients of one update, summed over its micro-batches; (mean loss and terms, seconds spent waiting for data)."""
    totals: dict[str, Tensor] = {}
    waited = 0.0
    for micro in range(accumulate):
        asked = time.perf_counter()
        batch = {name: x.to(team.device, non_blocking=True) for name, x in next(batches).items()}
        waited += time.perf_counter() - asked
        with train.no_sync() if team.size > 1 and micro < accumulate - 1 else nullcontext():  # ranks exchange gradients once per update
            loss, terms = train(batch, step)
            (loss / accumulate).backward()
        for name, value in {"loss": loss, **terms}.items():
            totals[name] = totals.get(name, 0.0) + value.detach() / accumulate
    return totals, waited


class _Loss(nn.Module):
    """The whole step as one forward, which is what DDP wants, however often a loss calls the model."""

    def __init__(self, task: Task, model: nn.Module):
        super().__init__()
        self.model = model
        self.task = task

    def forward(self, batch: dict[str, Tensor], step: int) -> tuple[Tensor, dict[str, Tensor]]:
        return self.task.loss(self.model, batch, step)


# ------------------------------------------------------------------------------------------------------------------------ optimisation


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


# --------------------------------------------------------------------------------------------------------------------- ranks and signals


def accumulation(config: Recipe, ranks: int) -> int:
    """Micro-batches per update and rank. Raises ValueError when the batch does not split evenly: a mean of unequal parts is another loss."""
    share, rest = divmod(config.batch, ranks)
    if rest or share == 0:
        raise ValueError(f"batch: expected a multiple of the {ranks} ranks, got {config.batch}")
    micro = config.micro_batch or share
    if share % micro:
        raise ValueError(f"micro_batch: expected a divisor of the {share} samples per rank, got {micro}")
    return share // micro


def positions_of(config: Recipe, start: int, accumulate: int, rank: int, ranks: int) -> Iterator[range]:
    """The positions of each micro-batch of one rank, from step `start` on: together the ranks take `batch` consecutive ones per step, whatever their number."""
    block = config.batch // accumulate
    for first in range(start * config.batch, config.steps * config.batch, block):
        yield range(first + rank, first + block, ranks)


class Team:
    """The ranks that train together, from torchrun's environment; one rank without it."""

    def __init__(self, device: str | None = None):
        self.rank, self.size = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        self.leads = self.rank == 0
        kind = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.device = torch.device(f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if kind == "cuda" else kind)
        if self.device.type == "cuda":
            torch.cuda.set_device(self.device)
        self._joined = self.size > 1 and not dist.is_initialized()
        if self._joined:
            dist.init_process_group("nccl" if self.device.type == "cuda" else "gloo")

    def wrap(self, module: nn.Module) -> nn.Module:
        return nn.parallel.DistributedDataParallel(module, gradient_as_bucket_view=True) if self.size > 1 else module

    def pinned(self, load: Callable) -> Callable:
        """`load` with its tensors in page-locked memory on a GPU, so that copies overlap with work."""
        return (lambda job: {name: x.pin_memory() for name, x in load(job).items()}) if self.device.type == "cuda" else load

    def mean(self, totals: dict[str, Tensor], stop: bool) -> tuple[dict[str, float], bool]:
        """Values averaged over the ranks, and whether any rank was asked to stop: all stop after the same step, or the others would hang."""
        row = torch.stack([value.float() for value in totals.values()] + [torch.tensor(float(stop), device=self.device)])
        if self.size > 1:
            dist.all_reduce(row)
        *values, asked = (row / self.size).tolist()
        return dict(zip(totals, values)), asked > 0

    def leave(self) -> None:
        if self._joined:
            dist.destroy_process_group()


class Interrupt:
    """The first Ctrl-C or SIGTERM asks the loop to stop after the current step; a second one stops at once, without saving."""

    def __init__(self):
        self.asked = False

    def __enter__(self) -> "Interrupt":
        main = threading.current_thread() is threading.main_thread()  # only there can signals be caught
        self._before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)} if main else {}
        return self

    def _ask(self, number: int, frame) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def __exit__(self, *error) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


# ------------------------------------------------------------------------------------------------------------------------ logs and files


class Meter:
    """Means since the last row, each over the steps that had the value."""

    def __init__(self, batch: int):
        self.batch = batch
        self._clear()

    def _clear(self) -> None:
        self.values, self.steps, self.seconds, self.waited = {}, 0, 0.0, 0.0

    def add(self, values: dict[str, float], seconds: float, waited: float) -> None:
        for name, value in values.items():
            self.values.setdefault(name, []).append(value)
        self.steps, self.seconds, self.waited = self.steps + 1, self.seconds + seconds, self.waited + waited

    def row(self, step: int, lr: float, skipped: int, bad_samples: int, device: torch.device) -> dict:
        cuda = device.type == "cuda"
        memory = torch.cuda.max_memory_allocated(device) / 2**30 if cuda else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        means = {name: sum(values) / len(values) for name, values in self.values.items()}
        row = {"step": step, **means, "lr": lr, "skipped": skipped, "bad_samples": bad_samples,
               "samples_per_s": self.steps * self.batch / self.seconds, "data_wait_percent": 100 * self.waited / self.seconds, "memory_gb": memory}
        self._clear()
        return row


class RunFolder:
    """The files of one run. Whatever carries its final name is whole: written under another name, synced, renamed."""

    def __init__(self, path: str | Path, config: Recipe, task: Task):
        self.path = Path(path)
        self.stamp = {"trainer": task.name, "data": task.fingerprint, "config": dataclasses.asdict(config)}
        self._free = {f.name for f in dataclasses.fields(config) if f.metadata.get("may_change")}

    def checkpoints(self) -> list[Path]:
        return sorted(self.path.glob("checkpoint_*.pt"))

    def restore(self, model: nn.Module, ema: nn.Module, optimizer: torch.optim.Optimizer, resume: bool, team: Team) -> tuple[int, int]:
        """(first step, steps skipped so far) after loading the last checkpoint, if there is one; the log is cut back to it."""
        found = self.checkpoints()
        if found and not resume:
            raise RunError(f"{self.path}: holds a run ({found[-1].name}); resume it, or choose another folder")
        step = skipped = 0
        if found:
            try:
                state = torch.load(found[-1], map_location="cpu", weights_only=True)
            except (RuntimeError, EOFError, OSError, pickle.UnpicklingError) as error:
                raise RunError(f"{found[-1]}: unreadable: {error}; delete it to resume from the one before") from error
            self._check(state)
            model.load_state_dict(state["model"])
            ema.load_state_dict(state["ema"])
            optimizer.load_state_dict(state["optimizer"])
            step, skipped = state["position"] // state["config"]["batch"], state["skipped"]
        if team.leads:
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / "previews").mkdir(exist_ok=True)
            for leftover in self.path.glob("*.tmp-*"):  # of a run that was killed while saving
                leftover.unlink()
            self._cut_log(step)
        return step, skipped

    def _check(self, state: dict) -> None:
        """Raises RunError naming everything in which the checkpoint's run is not this one."""
        before, now = state["config"], self.stamp["config"]
        odd = [f"{name}: {state[name]!r}, now {self.stamp[name]!r}" for name in ("trainer", "data") if state[name] != self.stamp[name]]
        odd += [f"{name}: {before.get(name)!r}, now {now.get(name)!r}" for name in sorted(before.keys() | now.keys())
                if name not in self._free and before.get(name) != now.get(name)]
        if odd:
            raise RunError(f"{self.path}: the checkpoint is of another run: " + "; ".join(odd))

    def _cut_log(self, step: int) -> None:
        """Keep the rows up to the checkpoint: what came after will be done, and logged, again."""
        path = self.path / "log.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        kept = [line for line in lines if line.endswith("}") and json.loads(line)["step"] <= step]
        write_whole(path, "".join(line + "\n" for line in kept).encode())

    def log(self, row: dict) -> None:
        with open(self.path / "log.jsonl", "a") as file:
            file.write(json.dumps({name: x if math.isfinite(x) else None for name, x in row.items()}) + "\n")  # NaN is not JSON

    def save(self, step: int, skipped: int, model: nn.Module, ema: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        state = {**self.stamp, "position": step * self.stamp["config"]["batch"], "skipped": skipped,
                 "model": model.state_dict(), "ema": ema.state_dict(), "optimizer": optimizer.state_dict()}
        with replacing(self.path / f"checkpoint_{step:08d}.pt") as file:
            torch.save(state, file)
        write_whole(self.path / "model.safetensors", safetensors_bytes(ema.state_dict()))
        write_whole(self.path / "config.json", json.dumps({**self.stamp, "step": step}, indent=1).encode())
        for old in self.checkpoints()[:-KEEP]:
            old.unlink()


def read_run(run_dir: str | Path, trainer: str) -> tuple[dict, Path]:
    """(config as it was saved, path of the exported weights) of a run. Raises RunError when the folder has none, or those of another trainer."""
    path = Path(run_dir) / "config.json"
    if not path.exists():
        raise RunError(f"{run_dir}: no exported model (config.json and model.safetensors); is it the folder of a run?")
    saved = json.loads(path.read_bytes())
    if saved["trainer"] != trainer:
        raise RunError(f"{run_dir}: trained by {saved['trainer']}, expected {trainer}")
    return saved["config"], path.with_name("model.safetensors")
