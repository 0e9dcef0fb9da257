"""Shape models: `verse train vae` and `verse autoencode`."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from zeroverse.core.usage import INTERRUPTED, need, need_folder

VAE_FLAGS = ("normal_weight", "eikonal_weight", "kl_weight", "parallel", "on_error", "wandb")  # fields of VAEConfig


@dataclass(kw_only=True)
class TrainVae:
    """Train a shape autoencoder (TripoSG's SDF VAE) on shards with fields: verse generate detailverse --fields vae.

    Ctrl-C saves; --resume continues, to the same weights as an uninterrupted run. On several GPUs: torchrun
    --nproc-per-node 8 -m verse train vae …
    """

    data: Annotated[tuple[Path, ...], tyro.conf.arg(metavar="DIR ...")]
    """A folder of shards, or several, whose objects then count as one set."""
    out: Path
    """Folder for the run: checkpoints, log.jsonl, previews (slices of distance, truth above reconstruction),
    model.safetensors.
    """
    preset: Literal["tiny", "small", "base"] = "tiny"
    """tiny: 0.5 M parameters, 64 latent tokens, one family in half an hour on a laptop; small: 26 M, 512 tokens, one
    GPU; base: 242 M, 2048 tokens, the published model.
    """
    steps: int | None = None
    """Optimizer updates; default: the preset's."""
    seed: int = 0
    resume: bool = False
    """Continue the run in --out."""
    validate: Path | None = None
    """Shards of held-out objects to score while training."""
    normal_weight: float | None = None
    """In the loss, of 1 - cosine between gradient and normal on the surface. Of this and the next two, the default is
    the preset's.
    """
    eikonal_weight: float | None = None
    """In the loss, of the gradient's difference from length one on the surface."""
    kl_weight: float | None = None
    """In the loss, of the latent's distance from the normal distribution."""
    parallel: Literal["ddp", "fsdp"] = "ddp"
    """Under torchrun. ddp: the whole model on every rank; fsdp: spread over the ranks."""
    on_error: Literal["raise", "skip"] = "raise"
    """An unusable sample ends the run, or is named, counted and replaced."""
    wandb: Annotated[str, tyro.conf.arg(metavar="PROJECT")] = ""
    """Also log to this Weights & Biases project (pip install wandb)."""

    def run(self) -> int:
        need(self.steps is None or self.steps >= 1, "--steps", "at least 1", self.steps)
        for flag in ("normal_weight", "eikonal_weight", "kl_weight"):
            need((getattr(self, flag) or 0) >= 0, f"--{flag.replace('_', '-')}", "at least 0", getattr(self, flag))
        need(len(self.data) > 0, "--data", "a folder of shards", "nothing")
        data = [need_folder(path, "--data") for path in self.data]
        held_out = need_folder(self.validate, "--validate") if self.validate else None
        from train.models.shape_vae.config import PRESETS
        from train.models.shape_vae.task import train_vae

        config = replace(
            PRESETS[self.preset](),
            **{flag: getattr(self, flag) for flag in VAE_FLAGS if getattr(self, flag) is not None},
        )
        outcome = train_vae(
            data, self.out, config, steps=self.steps, seed=self.seed, resume=self.resume, validate_dir=held_out
        )
        return 0 if outcome.finished else INTERRUPTED


@dataclass(kw_only=True)
class Autoencode:
    """Shapes through a trained autoencoder and back: a .glb for each, a table of scores with intervals, a figure of
    truth above reconstruction.

    Example: verse autoencode run --data held-out --out shapes
    """

    run_folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """A folder that `verse train vae` wrote."""
    data: Path
    """Folder of shards with fields (verse generate detailverse --fields vae)."""
    out: Path
    """Folder for objects/*.glb, results.json, table.md and figure.png."""
    count: int | None = None
    """How many objects; default: all."""
    cells: int = 128
    """Of the grid along each side on which the surface is found; a multiple of 4, at least 32."""
    tokens: int | None = None
    """Latent tokens of each object, more or fewer than in training; default: as in training."""
    device: Literal["cpu", "cuda"] | None = None
    """Default: the GPU where there is one."""

    def run(self) -> int:
        need(self.count is None or self.count >= 1, "--count", "at least 1", self.count)
        need(self.cells >= 32 and self.cells % 4 == 0, "--cells", "a multiple of 4, at least 32", self.cells)
        need(self.tokens is None or self.tokens >= 1, "--tokens", "at least 1", self.tokens)
        need_folder(self.data, "--data")
        need_folder(self.run_folder, "RUN")
        from train.evaluation.autoencode import autoencode
        from train.evaluation.report import PartlyScored

        try:
            print(
                autoencode(
                    self.run_folder,
                    self.data,
                    self.out,
                    count=self.count,
                    cells=self.cells,
                    tokens=self.tokens,
                    device=self.device,
                )
            )
        except PartlyScored as error:
            print(error.table)
            raise
        return 0
