"""`verse train NAME`: a command for every row of TRAINERS; its flags are the fields of the config that have a text."""

import dataclasses
import typing
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import tyro

from train.trainers import Trainer
from zeroverse.core.helptext import texts
from zeroverse.core.usage import INTERRUPTED, UsageError, need, need_folder

MORE = """

Ctrl-C saves; --resume continues, to the same weights as an uninterrupted run. On several GPUs: torchrun
--nproc-per-node 8 -m verse train {name} …
"""


@dataclass(kw_only=True)
class Train:
    """What every trainer is asked."""

    trainer: ClassVar[Trainer]

    def run(self) -> int:
        need(len(self.data) > 0, "--data", "a folder of shards", "nothing")
        asked = {name: getattr(self, name) for name in texts(self.trainer.config)}
        try:
            config = replace(
                self.trainer.presets[self.preset](),
                **{name: value for name, value in asked.items() if value is not None},
            )
        except ValueError as error:  # "field: expected …"
            name, colon, reason = str(error).partition(":")
            raise UsageError(f"{dashed(name)}{colon}{reason}") from error
        config.check(self.data)
        held_out = need_folder(self.validate, "--validate") if self.validate else None
        train = self.trainer.function("train")
        outcome = train(self.data, self.out, config, resume=self.resume, validate_dir=held_out)
        return 0 if outcome.finished else INTERRUPTED


def train_command(trainer: Trainer) -> type[Train]:
    """Returns the command `verse train NAME` of a row. Unset, a flag is what the preset says."""
    made = dataclasses.make_dataclass(
        f"Train{trainer.name.title()}",
        [(name, kind, field(default=default, metadata={"help": text})) for name, kind, default, text in flags(trainer)],
        bases=(Train,),
        kw_only=True,
        namespace={"trainer": trainer},
    )
    made.__doc__ = trainer.what + MORE.format(name=trainer.name)
    return made


def flags(trainer: Trainer) -> list[tuple[str, object, object, str]]:
    """Returns (name, type, default, help) of every flag of `verse train NAME`."""
    hints = typing.get_type_hints(trainer.config)
    metavars = {known.name: known.metadata.get("metavar") for known in dataclasses.fields(trainer.config)}
    own = [
        (
            name,
            Annotated[hints[name] | None, tyro.conf.arg(metavar=metavars[name])]
            if metavars[name]
            else hints[name] | None,
            None,
            f"{text} {default_text(trainer, name)}".strip(),
        )
        for name, text in texts(trainer.config).items()
    ]
    missing = dataclasses.MISSING
    return [
        ("data", Annotated[tuple[str, ...], tyro.conf.arg(metavar=trainer.data)], missing, trainer.data_text),
        ("out", Path, missing, "Folder for the run: checkpoints, log.jsonl, previews, model.safetensors."),
        ("preset", Literal[tuple(trainer.presets)], next(iter(trainer.presets)), presets_text(trainer)),
        ("resume", bool, False, "Continue the run in --out."),
        ("validate", Path | None, None, "Shards of held-out objects to score while training."),
        *own,
    ]


def presets_text(trainer: Trainer) -> str:
    """Returns what the presets are: the first line of the text of each."""
    lines = {name: preset.__doc__.split("\n")[0].rstrip(".") for name, preset in trainer.presets.items()}
    return "; ".join(f"{name}: {line[0].lower() + line[1:]}" for name, line in lines.items()) + "."


def default_text(trainer: Trainer, name: str) -> str:
    """Returns the value of a field in most presets, and those presets in which it is another."""
    values = {preset: getattr(make(), name) for preset, make in trainer.presets.items()}
    (usual, _), *_ = Counter(values.values()).most_common()
    others = [f"{preset} {value}" for preset, value in values.items() if value != usual]
    if usual == "" and not others:
        return ""
    return f"Default: {usual}{'; ' if others else ''}{', '.join(others)}."


def dashed(name: str) -> str:
    """Returns a field's name as a flag."""
    return f"--{name.replace('_', '-')}"
