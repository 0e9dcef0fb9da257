"""`verse curate`, and `verse train curator`, which trains what it scores and orients with. Here, for both take networks
of the user.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from renderers.curation.filters import Thresholds
from zeroverse.core.progress import progress
from zeroverse.core.usage import need, need_folder


@dataclass(kw_only=True)
class Curate:
    """Sort out a collection: what is broken, flat, untextured, standing on a plate, several things or a duplicate, with
    reasons and contact sheets.

    Works on shards and on any GLB files, and changes neither. Run the same command again to continue, or with other
    thresholds: objects are looked at only once. Example: verse curate models --out curated
    """

    input: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="SHARDS|GLBS")]
    """A folder or fsspec URL of shards, or a folder of the files that `verse generate files` reads."""
    out: Path
    """Folder for report.json, kept.txt, removed.txt, kept.png and removed_*.png."""
    limits: Thresholds = Thresholds()
    curator: Path | None = None
    """A folder that `verse train curator` wrote: its scorer and orienter are used."""
    features: tuple[Path, ...] = ()
    """Networks the scorer was trained with: .pt2 or TorchScript files, or folders of weights of transformers (CLIP,
    DINOv2).
    """
    watertight: Literal[0, 128, 256, 512] = 0
    """Also write watertight/<uid>.glb of what is kept, extracted on a grid of so many cells; shards need --meshes for
    it.
    """
    size: int = 160
    """Pixels of a rendered view."""
    workers: int = 0
    """Processes; 0: one per core. The report does not depend on it."""
    on_error: Literal["skip", "raise"] = "skip"
    """Of an object that cannot be read or drawn, whatever the reason: skip: name and count it, go on; raise: stop."""
    object_timeout: float | None = None
    """Seconds that an object may take; one that takes longer counts as unreadable. Default: no limit."""
    on_missing_texture: Literal["refuse", "white"] = "refuse"
    """Of a texture that is not there or cannot be read: refuse: the object counts as unreadable; white: it is looked at
    without.
    """

    def run(self) -> int:
        import joblib

        from renderers.curation import run
        from renderers.curation import watertight as sealed
        from renderers.curation.score import Scorer
        from renderers.farm import Care

        need(self.object_timeout is None or self.object_timeout > 0, "--object-timeout", "seconds", self.object_timeout)
        need(self.size >= 64, "--size", "at least 64", self.size)
        need(
            self.limits.score == 0 or self.curator is not None, "--limits.score", "--curator with it", self.limits.score
        )
        if "://" not in self.input:
            need_folder(Path(self.input), "SHARDS|GLBS")
        scorer = self._of_curator("scorer.json", Scorer.load)
        embed = _backbone(self.features)
        need(
            (scorer.embed if scorer else "") == (embed.name if embed else ""),
            "--features",
            f"the scorer's, {scorer.embed or 'none'}" if scorer else "--curator with it",
            embed.name if embed else "none",
        )
        workers = self.workers or joblib.cpu_count()
        with progress(f"{self.input} -> {self.out}", "object") as bar:

            def on_row(row, total):
                bar.total = total
                if row.failed:
                    bar.write(f"unreadable: {row.source}: {row.failed}")
                bar.update()

            orienter = self._of_curator("orienter.json", str)
            looks, care = (
                run.Looks(self.size, orienter, embed, self.on_missing_texture),
                Care(self.on_error, self.object_timeout),
            )
            done = run.curate(self.input, self.out, self.limits, looks, scorer, workers, on_row, care=care)
        kept = [number for number, row in enumerate(done.rows) if not row.reason]
        print(f"{self.out}: {len(kept)} of {len(done.rows)} objects kept, {done.looked} looked at now")
        for reason in run.REASONS:
            if done.removed[reason]:
                print(f"  removed {done.removed[reason]} x: {reason}")
        if self.watertight and kept:
            from renderers.curation.subjects import open_pool

            with progress("watertight", "object", len(kept)) as bar:
                rows = sealed.seal(
                    open_pool(self.input, self.size, self.on_missing_texture),
                    kept,
                    self.out,
                    self.watertight,
                    workers,
                    bar.update,
                )
            failed = {uid: row["failed"] for uid, row in rows.items() if "failed" in row}
            for uid, why in failed.items():
                print(f"verse: {uid}: {why}", file=sys.stderr)
            print(f"  watertight: {len(rows) - len(failed)} written, {len(failed)} failed")
        return 1 if done.removed[run.UNREADABLE] else 0

    def _of_curator(self, name: str, load):
        path = need_folder(self.curator, "--curator") / name if self.curator else None
        return (
            load(path) if path and path.exists() else None
        )  # `train curator` makes no orienter of objects without a front


def _backbone(paths: tuple[Path, ...]):
    """The user's networks; torch is only imported for them."""
    if not paths:
        return None
    from train.curator.backbone import Backbone

    return Backbone(tuple(map(str, paths)))


@dataclass(kw_only=True)
class TrainCurator:
    """Train and measure what `verse curate` scores and orients with, on our own objects with planted defects, or on
    ratings that people gave.

    Writes scorer.json and orienter.json with their held-out numbers, filters.json and rated.png. Example: verse train
    curator --out curator --objects 200
    """

    out: Path
    """Folder for scorer.json, orienter.json, filters.json and rated.png."""
    source: Literal["detailverse", "zeroverse"] = "detailverse"
    """Whose objects; those of zeroverse have no up and no front, so that no orienter is trained."""
    objects: int = 120
    """How many; each is seen with every planted defect."""
    seed: int = 1
    ratings: Path | None = None
    """Train the scorer on these instead: a CSV file of uid,rating (1 to 5), with --rated."""
    rated: str | None = None
    """The folder of shards or GLB files that --ratings is about."""
    features: tuple[Path, ...] = ()
    """Networks to take features from, beside the built-in ones: .pt2 or TorchScript files, or folders of weights of
    transformers (CLIP, DINOv2).
    """
    workers: int = 0
    """Processes; 0: one per core."""

    def run(self) -> int:
        import joblib

        from train.curator import examples, orienter, scorer

        need((self.ratings is None) == (self.rated is None), "--ratings, --rated", "both or neither", "one of them")
        need(self.objects >= 10, "--objects", "at least 10", self.objects)
        self.out.mkdir(parents=True, exist_ok=True)
        workers, embed = self.workers or joblib.cpu_count(), _backbone(self.features)
        with progress("rated", "object") as bar:
            if self.ratings:
                rated = examples.rated_by_people(self.rated, self.ratings, embed, workers, bar.update)
            else:
                rated = examples.rated_by_defects(self.source, self.seed, self.objects, embed, workers, bar.update)
        _print_numbers(self.out / "scorer.json", scorer.train_scorer(rated, self.out, embed.name if embed else ""))
        if self.source == "detailverse" and not self.ratings:
            with progress("upright", "object", 2 * self.objects) as bar:
                described = examples.upright(self.source, self.seed, 2 * self.objects, workers, bar.update)
            _print_numbers(self.out / "orienter.json", orienter.train_orienter(*described, self.out))
        return 0


def _print_numbers(path: Path, numbers: dict) -> None:
    print(f"{path}: held out:")
    for name, value in numbers.items():
        shown = value if isinstance(value, int) else f"{value[0]:.3f} ({value[1]:.3f} to {value[2]:.3f})"
        print(f"  {name.replace('_', ' '):26s} {shown}")
