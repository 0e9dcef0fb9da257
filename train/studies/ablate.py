"""LRM-Zero's ablations in miniature: mixtures of edits x perceptual weight x clip of the log-scale, several runs of
each. What `verse ablate` runs.

The paper has one run a row, and calls it by its PSNR or "failed" (docs/papers.md, LRM). Here the guard says
which runs diverged, every row is scored on the same held-out objects, and every number has an interval. Run k of every
row has seed k: the same weights to begin with, the same order of the same objects, which differ between mixtures in
their edits only; so rows are compared run by run and object by object.
"""

import dataclasses
import itertools
import json
import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from renderers import farm
from renderers.farm.plan import difference
from renderers.shards.storage import Local
from renderers.sources.procedural import Zeroverse
from train.evaluation.benchmark import benchmark
from train.loop.runs import Diverged, drop_checkpoints
from train.models.lrm.config import LRMConfig
from train.models.lrm.task import train_lrm
from train.studies import ablation_table
from zeroverse.core.files import write_whole
from zeroverse.core.progress import progress
from zeroverse.edits import of_objects

VIEWS = 16  # of a training object, rendered at the model's resolution; the paper has 32
SHARD_SIZE = 64
HELD_OUT_START = 1_000_000  # first index of the held-out objects, whose mixture is the default one
PROTOCOLS = {4: "gso-4", 8: "gso-8"}  # by the model's number of inputs; the paper's ablations have 8
TARGETS = 10
VARIED = ("perceptual_weight", "log_scale_max", "seed")  # fields of the config that a study sets
SETTINGS, OUTCOME = "settings.json", "outcome.json"


class AblationError(ValueError):
    """A study that cannot be made, or not in this folder; the message says why."""


@dataclass(frozen=True)
class Mix:
    """Shares of objects with each edit; the others have height fields only. label: as the paper writes it, 40/40/20,
    the share without an edit first. edits: (name, share).
    """

    label: str
    edits: tuple[tuple[str, float], ...]

    @classmethod
    def parse(cls, text: str) -> "Mix":
        """Returns the mix that a text says: `plain/cut/wireframe` in per cent, and so on in the order of `EDITS`; a
        newer edit may be left out. Raises AblationError.
        """
        edits = list(of_objects())
        try:
            shares = [float(part) for part in text.split("/")]
        except ValueError:
            shares = []
        total = sum(shares)
        if (
            not 3 <= len(shares) <= 1 + len(edits)
            or not all(share >= 0 for share in shares)
            or not abs(total - 100) <= 0.5
        ):  # the paper's 66.6/0/33.3 is 99.9
            raise AblationError(
                f"mixes: expected {'/'.join(['plain', *edits])} in per cent that sum to 100, such as 40/40/20, got "
                f"{text}"
            )
        label = "/".join(f"{share:g}" for share in shares)
        return cls(label, tuple((name, round(share / total, 6)) for name, share in zip(edits, shares[1:])))

    @property
    def folder(self) -> str:
        return self.label.replace("/", "-")


@dataclass(frozen=True)
class Row:
    """One row of the table. angle: of targets from their nearest input, in degrees; None: the preset's."""

    mix: Mix
    perceptual: float
    clip: float
    angle: float | None = None

    @property
    def folder(self) -> str:
        return f"{self.mix.folder}_perceptual_{self.perceptual:g}_clip_{self.clip:g}" + (
            "" if self.angle is None else f"_angle_{self.angle:g}"
        )

    def __str__(self) -> str:
        return f"mix {self.mix.label}, perceptual {self.perceptual:g}, clip {self.clip:g}" + (
            "" if self.angle is None else f", angle {self.angle:g}"
        )

    def config(self, base: LRMConfig, seed: int) -> LRMConfig:
        angle = base.view_angle_deg if self.angle is None else self.angle
        return replace(
            base, perceptual_weight=self.perceptual, log_scale_max=self.clip, view_angle_deg=angle, seed=seed
        )

    def record(self, base: LRMConfig) -> dict:
        """Returns what results.json and the table say of the row."""
        return {
            "name": self.folder,
            "mix": self.mix.label,
            "perceptual": self.perceptual,
            "clip": self.clip,
            "angle": self.angle,
            "angle_deg": self.config(base, 0).view_angle_deg,
        }


def grid(
    mixes: Sequence[str], perceptual: Sequence[float], clips: Sequence[float], angles: Sequence[float] = ()
) -> list[Row]:
    """Returns every combination, in the order given, each once. Raises AblationError for values that are none."""
    for name, values, expected, good in (
        ("mixes", mixes, "at least one", lambda mix: True),
        ("perceptual", perceptual, "weights of at least 0", lambda weight: 0 <= weight < math.inf),
        ("clips", clips, "logarithms of scales", math.isfinite),
        ("angles", angles or (180.0,), "degrees, more than 0 and at most 180", lambda angle: 0 < angle <= 180),
    ):
        wrong = [value for value in values if not good(value)]
        if wrong or not values:
            raise AblationError(f"{name}: expected {expected}, got {wrong[0] if wrong else 'none'}")
    return list(
        dict.fromkeys(
            Row(*values) for values in itertools.product(map(Mix.parse, mixes), perceptual, clips, angles or (None,))
        )
    )


def ablate(
    out: Path,
    base: LRMConfig,
    rows: Sequence[Row],
    *,
    seeds: int,
    objects: int,
    held_out: int,
    workers: int = 1,
    say: Callable[[str], None] = lambda text: None,
) -> str | None:
    """Trains `seeds` runs of every row on `objects` objects each, score them on `held_out` others; the table, or None
    when it was interrupted.

    base: the model and the recipe but for what the rows say. Writes results.json and table.md after every run. Kill it
    at any moment: runs that are done stay, the one in hand resumes, and more rows or seeds may be asked for; with other
    settings the folder is refused (AblationError).
    """
    settings = _settings(base, objects, held_out)
    _claim(out, settings)
    test = _make(
        out / "data" / "held-out",
        Zeroverse(texture_size=2 * base.size),
        _rig(base.size),
        range(HELD_OUT_START, HELD_OUT_START + held_out),
        workers,
    )
    plan, runs, text = list(itertools.product(range(seeds), rows)), [], None
    for number, (seed, row) in enumerate(plan, 1):  # seed by seed: what there is of a table early on compares all rows
        say(f"run {number} of {len(plan)}: {row}, seed {seed}")
        source = Zeroverse(seed, texture_size=2 * base.size, edits=row.mix.edits)
        data = _make(out / "data" / row.mix.folder / f"seed-{seed}", source, _shell(base.size), range(objects), workers)
        outcome = run(out / "runs" / row.folder / f"seed-{seed}", data, test, row.config(base, seed))
        if outcome is None:
            return None
        runs.append({"row": row.folder, "seed": seed, **outcome})
        text = _report(out, settings, [row.record(base) for row in rows], runs)
    return text


def run(folder: Path, data: Path, test: Path, config: LRMConfig) -> dict | None:
    """Trains one model and score it, or go on with it, or read what became of it; None when it was interrupted.

    step: updates tried. skipped, rollbacks: what the guard did. given_up: why it gave the run up, or "". psnr: {what:
        {object: dB}}, none if given up.
    """
    known = _read(folder / OUTCOME)
    if known is not None:
        drop_checkpoints(folder)  # if a kill came in between
        return known
    try:
        done, given_up = train_lrm(data, folder, config, resume=True), ""
    except Diverged as error:
        done, given_up = error, str(error)
    if not given_up and not done.finished:
        return None
    outcome = {
        "step": done.step,
        "skipped": done.skipped,
        "rollbacks": done.rollbacks,
        "given_up": given_up,
        "psnr": {} if given_up else _score(folder, test, config),
    }
    write_whole(folder / OUTCOME, json.dumps(outcome, indent=1).encode())
    drop_checkpoints(folder)
    return outcome


def _score(folder: Path, test: Path, config: LRMConfig) -> dict[str, dict[str, float]]:
    """PSNR of every held-out object: of the model, and of the two floors. All scores are in the run's scores/, for
    `verse compare`.
    """
    benchmark(folder, folder / "scores", views=test, protocol=PROTOCOLS[config.inputs], targets=TARGETS)
    found = json.loads((folder / "scores" / "results.json").read_bytes())["objects"]
    return {what: {item["name"]: item["scores"][what]["psnr"] for item in found} for what in found[0]["scores"]}


def _report(out: Path, settings: dict, rows: list[dict], runs: list[dict]) -> str:
    results = {
        "settings": settings,
        "rows": ablation_table.summarise(rows, runs),
        "floors": ablation_table.floors(runs),
        "runs": runs,
    }
    text = ablation_table.table(results)
    write_whole(out / "results.json", json.dumps(results, indent=1).encode())
    write_whole(out / "table.md", text.encode())
    return text


# --------------------------------------------------------------------------------------------------- folder and objects


def _settings(base: LRMConfig, objects: int, held_out: int) -> dict:
    """What all runs of a study share, as JSON has it."""
    if base.inputs not in PROTOCOLS:
        raise AblationError(
            f"inputs: expected {' or '.join(map(str, PROTOCOLS))}, for which there is a protocol, got {base.inputs}"
        )
    learned = [
        field.name
        for field in dataclasses.fields(base)
        if not field.metadata.get("may_change") and field.name not in VARIED
    ]
    return {
        "config": {name: getattr(base, name) for name in learned},
        "objects": objects,
        "held_out": held_out,
        "views": VIEWS,
        "protocol": PROTOCOLS[base.inputs],
        "targets": TARGETS,
        "source": Zeroverse(texture_size=2 * base.size).config(),
    }


def _claim(out: Path, settings: dict) -> None:
    """Note the settings in a new folder; raise AblationError where it has others."""
    out.mkdir(parents=True, exist_ok=True)
    before = _read(out / SETTINGS)
    if before is not None and before != settings:
        raise AblationError(
            f"{out}: holds a study with other settings ({difference(before, settings)}); choose another --out or the "
            f"same settings"
        )
    write_whole(out / SETTINGS, json.dumps(settings, indent=1).encode())


def _read(path: Path):
    """JSON that this module wrote, or None where there is none."""
    if not path.exists():
        return None
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise AblationError(f"{path}: not JSON: {error}; delete it to make it again") from error


def _shell(size: int) -> farm.RenderSpec:
    return farm.RenderSpec(views=VIEWS, size=size, passes=("rgb", "alpha"))


def _rig(size: int) -> farm.RenderSpec:
    return farm.RenderSpec(rig="gso-64", size=size, passes=("rgb", "alpha"))


def _make(folder: Path, source: Zeroverse, spec: farm.RenderSpec, indices: range, workers: int) -> Path:
    """The folder with its shards, made as far as they are missing."""
    plan = farm.Plan(Local(folder), source, spec, indices.start, len(indices), SHARD_SIZE)
    missing = sum(len(shard.indices) for shard in plan.todo())
    with progress(str(folder), "object", missing) if missing else nullcontext() as bar:
        farm.generate(plan, workers, farm.told_on(bar), "loky" if workers > 1 else "serial")
    return folder
