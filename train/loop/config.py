"""What the loop needs to know, and how a config is made of a preset.

Imports no torch, so that the command line can show the settings: a field with a text below it is a flag of
`verse train`; one with a comment is set by presets only.
"""

import dataclasses
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from zeroverse.core.usage import need_folder

# the whole model on every rank, or weights, gradients and optimizer state spread over the ranks
PARALLEL = ("ddp", "fsdp")


def setting(default=dataclasses.MISSING, *, may_change=False, least=None, above=None, most=None, metavar=None):
    """Returns a field of a config.

    may_change: a resumed run may set it anew, as it changes what is written or how fast, not what is learned. least,
    above, most: what values are expected to be at least, more than, at most. metavar: what `--help` calls the value.
    """
    metadata = {"may_change": may_change, "least": least, "above": above, "most": most, "metavar": metavar}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class LoopConfig:
    """What the loop itself needs to know.

    The defaults are GS-LRM's (docs/papers.md, LRM) where no other source is named.
    """

    steps: int = setting(least=1)
    """Optimizer updates."""
    batch: int = setting(least=1)  # samples per optimizer update, over all ranks
    lr: float = 4e-4  # peak
    warmup: int = 2000  # steps of linear warm-up; then a cosine to zero
    weight_decay: float = 0.05  # on matrices only
    clip: float = 1.0  # gradient norm
    skip_norm: float = 20.0  # an update with a larger gradient norm (before clipping) is skipped; LVSM takes 5
    # or one this many running medians large; ours: healthy norms stay within a factor of five (LRM-Zero appendix F)
    skip_factor: float = 10.0
    diverge_factor: float = 5.0  # a loss this many running medians high is a bad step; ours
    patience: int = setting(50, least=1)  # bad steps in a row before the run returns to its last good checkpoint; ours
    rollbacks: int = 3  # returns before the run is given up; ours
    ema: float = 0.999  # decay of the averaged weights, which are validated and exported; shorter in the first steps
    seed: int = setting(0, least=-(2**63), most=2**63 - 1)
    """Of the first weights and of all that is sampled: which objects and views, in which order."""
    parallel: Literal[PARALLEL] = "ddp"
    """Under torchrun. ddp: the whole model on every rank; fsdp: its weights, gradients and optimizer spread over the
    ranks, for less memory.
    """
    micro_batch: int = setting(0, may_change=True, least=0)
    """Samples of a rank's backward pass, a divisor of its share of the batch; 0: the whole share. Fewer take less
    memory, and give the same step: what fits on a GPU, `python -m train.tools.memory` says without one.
    """
    workers: int = setting(2, may_change=True, least=1)
    """Threads of a rank that load batches; more where the log's data_wait_percent is not near 0."""
    log_every: int = setting(10, may_change=True)
    save_every: int = setting(1000, may_change=True)
    validate_every: int = setting(1000, may_change=True)
    preview_every: int = setting(1000, may_change=True)
    wandb: str = setting("", may_change=True, metavar="PROJECT")
    """Also log to this Weights & Biases project (pip install wandb). Without one nothing leaves the machine."""

    def __post_init__(self):
        hints = typing.get_type_hints(type(self))
        for known in dataclasses.fields(self):
            if wrong := refusal(known, hints[known.name], getattr(self, known.name)):
                raise ValueError(f"{known.name}: {wrong}")

    def check(self, data: Sequence[str]) -> None:
        """Raises UsageError for data, as `--data` names it, that this trainer cannot take. Folders of shards here."""
        for name in data:
            need_folder(Path(name), "--data")


def refusal(known: dataclasses.Field, kind, value) -> str:
    """Returns why a field cannot have a value; "" if it can."""
    said = known.metadata
    if typing.get_origin(kind) is Literal and value not in typing.get_args(kind):
        return f"expected {' or '.join(map(repr, typing.get_args(kind)))}, got {value!r}"
    limits = [
        (said.get("least"), "at least", lambda limit: value >= limit),
        (said.get("above"), "more than", lambda limit: value > limit),
        (said.get("most"), "at most", lambda limit: value <= limit),
    ]
    stated = [(limit, word, holds) for limit, word, holds in limits if limit is not None]
    if all(holds(limit) for limit, _, holds in stated):
        return ""
    return f"expected {' and '.join(f'{word} {limit}' for limit, word, _ in stated)}, got {value}"


def configured(preset: str | LoopConfig, presets: dict, **given):
    """Returns a config: one of `presets` by its name, or one of your own, with what is given, and not None, in the
    place of its values. Raises ValueError.
    """
    if isinstance(preset, str):
        if preset not in presets:
            raise ValueError(f"preset: expected one of {', '.join(presets)}, got {preset!r}")
        preset = presets[preset]()
    return replace(preset, **{name: value for name, value in given.items() if value is not None})
