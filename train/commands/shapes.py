"""Shapes: `verse autoencode`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from zeroverse.core.usage import need, need_folder


@dataclass(kw_only=True)
class Autoencode:
    """Shapes through a trained autoencoder and back: a .glb for each, a table of scores with intervals, a figure of
    target above reconstruction.

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
