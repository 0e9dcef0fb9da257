"""What the loop needs to know, and how a config is made of a preset.

Imports no torch, so that the command line can show the settings.
"""

from dataclasses import dataclass, field, replace

# the whole model on every rank, or weights, gradients and optimizer state spread over the ranks
PARALLEL = ("ddp", "fsdp")


def may_change(default):
    """A config field that a resumed run may set anew: it changes what is written or how fast, not what is learned."""
    return field(default=default, metadata={"may_change": True})


@dataclass(frozen=True, kw_only=True)
class LoopConfig:
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


def configured(preset: str | LoopConfig, presets: dict, **given):
    """A config: one of `presets` by its name, or one of your own, with what is given, and not None, in the place of its
    values. Raises ValueError.
    """
    if isinstance(preset, str):
        if preset not in presets:
            raise ValueError(f"preset: expected one of {', '.join(presets)}, got {preset!r}")
        preset = presets[preset]()
    return replace(preset, **{name: value for name, value in given.items() if value is not None})
