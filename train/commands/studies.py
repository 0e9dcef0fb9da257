"""`verse ablate`: many small runs that answer one question together."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from train.models.lrm.config import PRECISIONS, PRESETS
from zeroverse.core.usage import INTERRUPTED, UsageError, need


@dataclass(kw_only=True)
class Ablate:
    """LRM-Zero's ablations in miniature: which mixtures of data, and which settings, make training diverge or better.
    table.md, results.json.

    Every combination of --mixes, --perceptual and --clips is a row of --seeds runs, all scored on the same held-out
    objects, beside the published number of the row. Kill it at any moment: the same command continues, and more rows or
    seeds may be asked for later. Example: verse ablate --out ablation
    """

    out: Path
    """Folder for data/, runs/, results.json and table.md."""
    mixes: tuple[str, ...] = ("40/40/20", "60/40/0", "100/0/0", "20/80/0")
    """Shares of the training objects in per cent: with height fields only / with a cut / with a wireframe. The default:
    the paper's final mixture, without wireframes, without any edit, and the one that failed at every perceptual weight.
    Rows are compared with the first.
    """
    perceptual: tuple[float, ...] = (0.2,)
    """Weights of the perceptual loss; the paper tries 0, 0.2 and 0.5."""
    clips: tuple[float, ...] = (-1.2,)
    """Upper limits of the Gaussians' log-scale; the paper tries -1.2 and -1.6."""
    angles: tuple[float, ...] = ()
    """Largest angles of a target view from its nearest input, in degrees; the paper tries 60 and 40. Default: the
    preset's.
    """
    seeds: int = 2
    """Runs of each row; each has objects, first weights and an order of its own, the same in all rows."""
    steps: int = 200
    """Optimizer updates of a run."""
    objects: int = 24
    """Training objects of a run."""
    held_out: int = 8
    """Objects that every run is scored on; of the default mixture, and in no run's training set."""
    preset: Literal[tuple(PRESETS)] = "tiny"
    """As of verse train lrm."""
    precision: Literal[PRECISIONS] = "auto"
    """As of verse train lrm."""
    workers: int = 0
    """Processes that make the objects; 0: one per core."""

    def run(self) -> int:
        for flag, value, least in (
            ("--seeds", self.seeds, 1),
            ("--steps", self.steps, 1),
            ("--objects", self.objects, 1),
            ("--held-out", self.held_out, 1),
            ("--workers", self.workers, 0),
        ):
            need(value >= least, flag, f"at least {least}", value)
        import joblib

        from train.studies.ablate import AblationError, ablate, grid

        try:
            rows = grid(self.mixes, self.perceptual, self.clips, self.angles)
        except AblationError as error:
            raise UsageError(f"--{error}") from error
        base = replace(
            PRESETS[self.preset](), steps=self.steps, precision=self.precision, validate_every=0, preview_every=0
        )
        text = ablate(
            self.out,
            base,
            rows,
            seeds=self.seeds,
            objects=self.objects,
            held_out=self.held_out,
            workers=self.workers or joblib.cpu_count(),
            say=lambda line: print(line, file=sys.stderr),
        )
        if text is None:
            print("verse: stopped; the same command continues", file=sys.stderr)
            return INTERRUPTED
        print(text, end="")
        return 0
