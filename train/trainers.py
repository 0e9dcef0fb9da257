"""TRAINERS: what can be trained, one row each.

`verse train NAME`, `verse benchmark`, `train.tools.release`, `.memory` and `.speed` read this table. A new trainer is a
folder under train/models/ and a row. Light to import: what needs torch is named, and imported when it is used.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from train.loop.config import LoopConfig
from train.models.lrm import config as lrm
from train.models.shape_vae import config as shape_vae


@dataclass(frozen=True)
class Trainer:
    """A row. What stands as text is "module:function".

    name: in `verse train NAME`, and as `trainer` in a run's config.json; also `Task.name`.
    what: the command's help; its first line stands in the overview.
    config, presets: a LoopConfig, and functions that make one, the one to begin with first.
    data, data_text: what `--data` takes, as its metavar and in words.
    train: (data, run_dir, config, *, resume, validate_dir) -> Outcome.
    load: (run_dir, device) -> (network for inference, config). Raises RunError.
    task: (config, data or None) -> a Task on that data, or on as much noise as a batch needs, for memory and speed. It
        has `heaviest(model, batch)`, the loss of the step that needs the most memory, and `close()`.
    evaluate: (run_dir, out, asked) -> the table, for what `verse benchmark` was asked: train.commands.models.Benchmark.
    """

    name: str
    what: str
    config: type[LoopConfig]
    presets: Mapping[str, Callable[[], LoopConfig]]
    data: str
    data_text: str
    train: str
    load: str
    task: str
    evaluate: str

    def function(self, role: str) -> Callable:
        """Returns the function of a role, such as "train", from its module."""
        module, name = getattr(self, role).split(":")
        return getattr(importlib.import_module(module), name)


TRAINERS: tuple[Trainer, ...] = (
    Trainer(
        name="lrm",
        what="Train a GS-LRM-style reconstruction model on shards, or on objects that are made while training.",
        config=lrm.LRMConfig,
        presets=lrm.PRESETS,
        data="DIR ...|generate:SOURCE",
        data_text="A folder of shards (verse generate), or several, whose objects then count as one set; or "
        "generate:zeroverse or generate:detailverse: fresh objects, made while training. A set's order counts: "
        "--resume wants the same.",
        train="train.models.lrm.task:train_lrm",
        load="train.models.lrm.task:load_run",
        task="train.models.lrm.task:tool_task",
        evaluate="train.evaluation.benchmark:evaluate",
    ),
    Trainer(
        name="vae",
        what="Train a shape autoencoder (TripoSG's SDF VAE) on shards with fields: verse generate detailverse "
        "--fields vae.",
        config=shape_vae.VAEConfig,
        presets=shape_vae.PRESETS,
        data="DIR ...",
        data_text="A folder of shards, or several, whose objects then count as one set. A set's order counts: --resume "
        "wants the same.",
        train="train.models.shape_vae.task:train_vae",
        load="train.models.shape_vae.task:load_vae",
        task="train.models.shape_vae.task:tool_task",
        evaluate="train.evaluation.autoencode:evaluate",
    ),
)


def trainer_of(run_dir: str | Path) -> Trainer:
    """Returns the row that a run, or a released model by its name, was trained by.

    Raises RunError when the folder holds no run, or one of a trainer that is not in TRAINERS.
    """
    from train.loop.runs import RunError, read_stamp

    name = read_stamp(run_dir)["trainer"]
    found = next((row for row in TRAINERS if row.name == name), None)
    if found is None:
        raise RunError(f"{run_dir}: trained by {name}, expected {' or '.join(row.name for row in TRAINERS)}")
    return found
