"""The folder of a run: its log, its checkpoints, and the exported model. Whatever carries its final name is whole."""

import dataclasses
import json
import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as safetensors_bytes
from torch import nn

from train import weights
from train.loop import sharding
from train.loop.config import LoopConfig
from train.loop.guard import Guard
from train.loop.ranks import Team
from zeroverse.core.files import replacing, write_whole

KEEP = 2  # checkpoints; the one before the last survives a disk that fills up during a save


class RunError(ValueError):
    """A run folder that cannot be started in, resumed or loaded; the message says what differs."""


class Diverged(RunError):
    """A run that was given up. step: the last update tried; skipped, rollbacks: as in State."""

    def __init__(self, message: str, step: int, skipped: int, rollbacks: int):
        super().__init__(message)
        self.step, self.skipped, self.rollbacks = step, skipped, rollbacks


@dataclass
class State:
    """All that a step changes. whole: where the averaged weights are gathered to be looked at; the `ema` itself where
    nothing is sharded.

    sharded: whether weights are spread over the ranks; in_shards: whether checkpoints are, which one rank can write and
        read as well.
    shift: steps' worth of data that rollbacks have passed over. skipped: updates not made. rollbacks: returns to an
        earlier state.
    """

    model: nn.Module
    ema: nn.Module
    optimizer: torch.optim.Optimizer
    guard: Guard
    whole: nn.Module
    sharded: bool = False
    in_shards: bool = False
    shift: int = 0
    skipped: int = 0
    rollbacks: int = 0

    def averaged(self) -> nn.Module:
        """Returns the averaged weights, whole; every rank calls it, and the leader may use what it gets."""
        if self.sharded:
            sharding.gather(self.ema, self.whole)
        return self.whole


class RunFolder:
    """The files of one run. Checkpoints are `checkpoint_STEP.pt`, or folders `checkpoint_STEP.shards` that all ranks
    write.
    """

    def __init__(self, path: str | Path, task):
        self.path, config = Path(path), task.config
        self.stamp = {"trainer": task.name, "data": task.fingerprint, "config": dataclasses.asdict(config)}
        self._free = {f.name for f in dataclasses.fields(config) if f.metadata.get("may_change")}

    def checkpoints(self) -> list[Path]:
        """Returns the checkpoints, the oldest first."""
        return checkpoints_in(self.path)

    def restore(self, state: State, resume: bool, team: Team) -> int:
        """Returns the first step to do, after loading the last checkpoint, if there is one. Cuts the log back to it."""
        found = self.checkpoints()
        if found and not resume:
            raise RunError(f"{self.path}: holds a run ({found[-1].name}); resume it, or choose another folder")
        step = self._load(found[-1], state) if found else 0
        team.wait()  # nobody looks for checkpoints any more
        if team.leads:
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / "previews").mkdir(exist_ok=True)
            for leftover in self.path.glob("*.tmp-*"):  # of a run that was killed while saving
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
            self._cut_log(step)
        return step

    def roll_back(self, state: State, step: int, reason: str, team: Team) -> int:
        """Loads the last checkpoint that was saved in good health, and returns its step; the data go on behind those of
        `step`, the last one done.

        The log is cut back too, but for a row that says why. A killed run that resumes comes to the same end. Raises
        Diverged where there is none.
        """
        skipped, shift, rollbacks = state.skipped, state.shift, state.rollbacks
        for path in reversed(self.checkpoints()):
            good = self._load(path, state)
            if state.guard.streak == 0:
                break
        else:
            raise Diverged(
                f"diverged: {reason}, up to step {step}; no good checkpoint to return to (save_every)",
                step,
                skipped,
                rollbacks,
            )
        state.skipped, state.rollbacks, state.shift = skipped, rollbacks + 1, shift + step - good
        team.wait()
        if team.leads:
            for path in self.checkpoints():
                if path > self.path / f"checkpoint_{good:08d}{path.suffix}":
                    _delete(path)
            self._cut_log(good, keep="rollback")
            self.log(
                {"step": good + 1, "rollback": reason, "from_step": step}
            )  # + 1: whoever resumes from that checkpoint will see it again
        return good

    def _load(self, path: Path, state: State) -> int:
        try:
            facts = self._load_shards(path, state) if path.suffix == sharding.SUFFIX else self._load_file(path, state)
        except RunError:
            raise
        except Exception as error:  # whatever a damaged pickle or archive makes torch raise
            raise RunError(f"{path}: unreadable: {error}; delete it to resume from the one before") from error
        state.guard.load(facts["guard"])
        state.shift, state.skipped, state.rollbacks = facts["shift"], facts["skipped"], facts["rollbacks"]
        return facts["step"]

    def _load_file(self, path: Path, state: State) -> dict:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        self._check(saved)
        state.model.load_state_dict(saved["model"])
        state.ema.load_state_dict(saved["ema"])
        state.optimizer.load_state_dict(saved["optimizer"])
        return saved

    def _load_shards(self, path: Path, state: State) -> dict:
        facts = sharding.read_facts(path)
        self._check(facts)
        sharding.load(path, state)
        return facts

    def _check(self, saved: dict) -> None:
        """Raises RunError naming everything in which the checkpoint's run is not this one."""
        before, now = saved["config"], self.stamp["config"]
        odd = [
            f"{name}: {saved[name]!r}, now {self.stamp[name]!r}"
            for name in ("trainer", "data")
            if saved[name] != self.stamp[name]
        ]
        odd += [
            f"{name}: {before.get(name)!r}, now {now.get(name)!r}"
            for name in sorted(before.keys() | now.keys())
            if name not in self._free and before.get(name) != now.get(name)
        ]
        if odd:
            advice = (
                "; to go on from its weights with another schedule: start_from, in a new folder"
                if before.get("steps") != now.get("steps")
                else ""
            )
            raise RunError(f"{self.path}: the checkpoint is of another run: " + "; ".join(odd) + advice)

    def _cut_log(self, step: int, keep: str = "") -> None:
        """Keep the rows up to the checkpoint, and those with the field `keep`: what came after will be done, and
        logged, again.
        """
        path = self.path / "log.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        rows = [(line, json.loads(line)) for line in lines if line.endswith("}")]
        write_whole(path, "".join(line + "\n" for line, row in rows if row["step"] <= step or keep in row).encode())

    def log(self, row: dict) -> None:
        plain = {
            name: None if isinstance(x, float) and not math.isfinite(x) else x for name, x in row.items()
        }  # NaN is not JSON
        with open(self.path / "log.jsonl", "a") as file:
            file.write(json.dumps(plain) + "\n")

    def save(self, step: int, state: State, team: Team) -> None:
        """Saves a checkpoint and the exported model; every rank calls it."""
        facts = {
            **self.stamp,
            "step": step,
            "shift": state.shift,
            "skipped": state.skipped,
            "rollbacks": state.rollbacks,
            "guard": state.guard.state(),
        }
        averaged = state.averaged()
        if state.in_shards:
            sharding.save(self.path / f"checkpoint_{step:08d}{sharding.SUFFIX}", state, facts, team)
        if not team.leads:
            return
        if not state.in_shards:
            tensors = {
                "model": state.model.state_dict(),
                "ema": state.ema.state_dict(),
                "optimizer": state.optimizer.state_dict(),
            }
            with replacing(self.path / f"checkpoint_{step:08d}.pt") as file:
                torch.save(facts | tensors, file)
        write_whole(self.path / weights.MODEL, safetensors_bytes(averaged.state_dict()))
        write_whole(self.path / weights.CONFIG, json.dumps({**self.stamp, "step": step}, indent=1).encode())
        for old in self.checkpoints()[:-KEEP]:
            _delete(old)


def checkpoints_in(run_dir: Path) -> list[Path]:
    """Returns the checkpoints of a run, the oldest first."""
    return sorted(path for path in run_dir.glob("checkpoint_*") if path.suffix in (".pt", sharding.SUFFIX))


def drop_checkpoints(run_dir: Path) -> None:
    """Deletes the checkpoints of a run that nobody will resume: each is four times as large as its weights."""
    for path in checkpoints_in(run_dir):
        _delete(path)


def _delete(checkpoint: Path) -> None:
    shutil.rmtree(checkpoint) if checkpoint.is_dir() else checkpoint.unlink()


def read_stamp(run: str | Path) -> dict:
    """Returns trainer, data, config and step of a run, or a released model's, as they were saved. Raises RunError when
    nothing was exported.
    """
    folder = weights.find(run)
    if not all((folder / name).exists() for name in (weights.CONFIG, weights.MODEL)):
        raise RunError(f"{run}: no exported model ({weights.CONFIG} and {weights.MODEL}); is it the folder of a run?")
    try:
        saved = json.loads((folder / weights.CONFIG).read_bytes())
    except ValueError as error:
        raise RunError(f"{folder / weights.CONFIG}: {error}") from error
    if not isinstance(saved, dict) or not {"trainer", "config"} <= saved.keys():
        raise RunError(f"{folder / weights.CONFIG}: expected that of a run, with trainer and config")
    return saved


def read_run(run: str | Path, trainer: str) -> tuple[dict, Path]:
    """Returns (config as it was saved, path of the exported weights) of the folder of a run, or of a released model by
    its name (train.weights).

    Raises RunError when the folder has no weights, or those of another trainer; UsageError when there is neither folder
    nor name.
    """
    saved = read_stamp(run)
    if saved["trainer"] != trainer:
        raise RunError(f"{run}: trained by {saved['trainer']}, expected {trainer}")
    return saved["config"], weights.find(run) / weights.MODEL


def load_network(
    run: str | Path, trainer: str, config_class: type[LoopConfig], network: Callable, device: str = "cpu"
) -> tuple[nn.Module, LoopConfig]:
    """Returns the averaged weights of a run, or of a released model by its name, ready for inference, and the config.

    network: config -> module. Raises as `read_run`, and RunError for weights or a config that this code cannot take.
    """
    saved, path = read_run(run, trainer)
    try:
        config = config_class(**saved)
        model = network(config)
        model.load_state_dict(load_file(path))  # casts a released model's float16 to the float32 of the network
    except (TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise RunError(f"{run}: damaged, or of another version: {str(error).splitlines()[0]}") from error
    return model.to(device).eval(), config
