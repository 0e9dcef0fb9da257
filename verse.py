"""The command line: one dataclass per command, in the table at the end. A stage is imported only when its command runs."""
import os
import signal
import sys
import textwrap
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

Renderer = Literal["cpu", "pyrender"]
Light = Literal["uniform", "studio"]
Rig = Literal["sphere", "gso-64", "turntable"]
Folder = tyro.conf.Positional[Path]


class UsageError(ValueError):
    """A wrong argument: exit status 2."""


def _need_folder(path: Path, flag: str) -> Path:
    if not path.is_dir():
        raise UsageError(f"{flag}: no such folder: {path}")
    return path


def _need(condition: bool, flag: str, expected: str, got) -> None:
    if not condition:
        raise UsageError(f"{flag}: expected {expected}, got {got}")


# -------------------------------------------------------------------------------------------------------------------------- generate


@dataclass(kw_only=True)
class _Generate:
    out: Path
    """Folder for the shards. Run the same command again to continue an interrupted run."""
    seed: int = 0
    """With the index, names every object and its cameras for ever."""
    start: int = 0
    """First index."""
    views: int = 32
    """Cameras per object (the gso-64 rig always has 64)."""
    size: int = 256
    """Image width and height in pixels."""
    rig: Rig = "sphere"
    """sphere: the published training shell; gso-64: the published evaluation rig; turntable."""
    radius: Literal["paper", "released"] = "paper"
    """Camera distance of the sphere rig: U(2.0, 3.0) as LRM-Zero says, or U(1.5, 2.8) as GS-LRM and the released code have it."""
    light: Light = "uniform"
    """uniform: white from everywhere, so colour = albedo x occlusion, as LRM-Zero; studio: three lights with shadows."""
    passes: tuple[str, ...] = ("rgb", "alpha", "depth", "normal", "albedo", "part")
    """What to store; also metallic_roughness."""
    shard_size: int = 64
    """Objects per shard."""
    workers: int = 0
    """Processes; 0: one per core. The shards do not depend on it."""
    renderer: Renderer = "cpu"
    """cpu: pip-only, the same pixels on any x86-64 machine; pyrender: OpenGL, as a check."""
    meshes: bool = False
    """Also store each object as mesh.glb."""

    def _run(self, source, count: int | None) -> int:
        for flag, value, least in (("--start", self.start, 0), ("--shard-size", self.shard_size, 1), ("--workers", self.workers, 0),
                                   ("--views", self.views, 1), ("--size", self.size, 8)):
            _need(value >= least, flag, f"at least {least}", value)
        import joblib

        from renderers import farm
        try:
            spec = farm.RenderSpec(self.views, self.size, self.rig, self.radius, self.light, self.renderer, self.passes, self.meshes)
        except ValueError as error:
            raise UsageError(str(error)) from error
        available = source.size()
        if available is not None:
            _need(self.start < available, "--start", f"less than the {available} files there are", self.start)
            count = min(count or available, available - self.start)
        _need(count > 0, "--count", "at least 1", count)
        plan = farm.Plan(self.out, source, spec, self.start, count, self.shard_size)
        return _report(plan, *_with_progress(farm, plan, self.workers or joblib.cpu_count()))


def _with_progress(farm, plan, workers: int):
    from tqdm import tqdm
    todo = sum(len(indices) for _, indices in plan.missing())
    with tqdm(total=todo, desc=f"{plan.source.name} -> {plan.out}", unit="object", smoothing=0.1) as bar:
        def on_made(made):
            bar.update()
            if made.reason:
                bar.write(f"failed: {made.label}: {made.reason}", file=sys.stderr)
        return farm.generate(plan, workers, on_made), workers


def _report(plan, summary, workers: int) -> int:
    made = summary.written + len(summary.failed)
    print(f"{plan.out}: {summary.written} objects written, {summary.kept} already there, {len(summary.failed)} failed; "
          f"{plan.spec.views} views of {plan.spec.size} px each", end="")
    if made:
        stages = ", ".join(f"{stage} {seconds / made:.2f}" for stage, seconds in summary.seconds.items())
        print(f"; {60 * made / summary.wall:.0f} objects a minute on {workers} workers; CPU seconds an object: {stages}", end="")
    print()
    for reason, times in summary.redraws.items():
        print(f"  drawn again {times} x: {reason}")
    if summary.failed:
        print(f"verse: {len(summary.failed)} objects failed; {plan.out / 'dataset.json'} names them, the shards hold the rest", file=sys.stderr)
    return 1 if summary.failed else 0


@dataclass(kw_only=True)
class GenerateZeroverse(_Generate):
    """Procedural objects -> multi-view WebDataset shards.

    The same command gives the same bytes, whatever the number of workers. Example: verse generate zeroverse --out data --count 1000
    """

    count: int = 24
    """How many objects."""
    preset: Literal["paper", "released", "default"] = "paper"
    """paper: the grammar LRM-Zero describes; released: the other parameters of its published code; default: ours."""
    textures: Path | None = None
    """Draw textures from the images in this folder, not from the procedural families."""
    texture_size: int = 256
    """Texels across each surface."""

    def run(self) -> int:
        from renderers.sources import Zeroverse
        _need(self.count >= 1, "--count", "at least 1", self.count)
        _need(self.texture_size >= 16, "--texture-size", "at least 16", self.texture_size)
        textures = str(_need_folder(self.textures, "--textures")) if self.textures else None
        return self._run(Zeroverse(self.seed, self.preset, textures, self.texture_size), self.count)


@dataclass(kw_only=True)
class GenerateFiles(_Generate):
    """Existing GLB files -> the same shards.

    Files that cannot be read are named and counted, the rest is made, and the exit status is 1. Example: verse generate files --assets DIR --out data
    """

    assets: Path
    """Folder with .glb and .gltf files, also in sub-folders; sorted by name."""
    count: int | None = None
    """How many files; default: all."""

    def run(self) -> int:
        from renderers.sources import Files
        return self._run(Files(str(_need_folder(self.assets, "--assets")), self.seed), self.count)


# --------------------------------------------------------------------------------------------------------------------- verify, preview


@dataclass
class Verify:
    """Hash and read again every shard of a folder; names shard, sample and field of what is wrong.

    Exit status 1 if anything is.
    """

    folder: Folder
    """A folder of shards."""

    def run(self) -> int:
        from tqdm import tqdm

        from renderers import shards
        _need_folder(self.folder, "DIR")
        tars = len(list(self.folder.glob("*.tar")))
        problems = []
        with tqdm(total=tars, desc="verify", unit="shard") as bar:
            for _, found in shards.verify(self.folder):
                problems += found
                bar.update(1 if bar.n < tars else 0)
        if not tars:
            problems.insert(0, f"{self.folder}: no shards")
        for problem in problems:
            print(problem, file=sys.stderr)
        if not problems:
            reader = shards.ShardReader(self.folder)
            print(f"{self.folder}: {tars} shards, {len(reader)} samples, all whole")
        return 1 if problems else 0


@dataclass(kw_only=True)
class Preview:
    """Draw a folder of shards as contact_sheet.png and a self-contained index.html with passes, captions and recipes."""

    folder: Folder
    """A folder of shards."""
    out: Path
    """Folder for the pictures."""
    limit: int = 200
    """Show the first so many objects."""

    def run(self) -> int:
        from renderers.preview import preview
        _need(self.limit >= 1, "--limit", "at least 1", self.limit)
        for path in preview(_need_folder(self.folder, "DIR"), self.out, self.limit):
            print(path)
        return 0


# ------------------------------------------------------------------------------------------------------------------- train and use


@dataclass(kw_only=True)
class TrainLrm:
    """Train a GS-LRM-style reconstruction model on shards.

    Ctrl-C saves; --resume continues, to the same weights as an uninterrupted run.
    """

    data: Path
    """A folder of shards (verse generate)."""
    out: Path
    """Folder for the run: checkpoints, log.jsonl, previews, model.safetensors."""
    preset: Literal["tiny", "small", "medium", "base"] = "tiny"
    """tiny: 5 M parameters, 4 x 64 px, a laptop; small: 26 M, 128 px; medium: 86 M, 256 px; base: 303 M, 256 px, the published model."""
    steps: int | None = None
    """Optimizer updates; default: the preset's."""
    seed: int = 0
    resume: bool = False
    """Continue the run in --out."""
    validate: Path | None = None
    """Shards of held-out objects to score while training."""

    def run(self) -> int:
        from train.lrm import train_lrm
        _need(self.steps is None or self.steps >= 1, "--steps", "at least 1", self.steps)
        train_lrm(_need_folder(self.data, "--data"), self.out, preset=self.preset, steps=self.steps, seed=self.seed, resume=self.resume,
                  validate_dir=_need_folder(self.validate, "--validate") if self.validate else None)
        return 0


@dataclass(kw_only=True)
class Reconstruct:
    """Images with cameras -> Gaussians: gaussians.ply (standard 3DGS), turntable.webp, inputs.png."""

    run_folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """A folder that `verse train lrm` wrote."""
    views: Path
    """A folder of shards, or one with opencv_cameras.json and its images."""
    out: Path
    """Folder for the results."""
    sample: int = 0
    """Which object, when the folder holds several."""
    inputs: tuple[int, ...] | None = None
    """Indices of the input views; default: views spread around the object, as many as the model was trained with."""

    def run(self) -> int:
        from train.reconstruct import reconstruct
        for path in reconstruct(_need_folder(self.run_folder, "RUN"), _need_folder(self.views, "--views"), self.out, self.sample, self.inputs):
            print(path)
        return 0


@dataclass(kw_only=True)
class Benchmark:
    """Score a model on held-out objects with a frozen protocol: results.json, table.md, figure.png.

    Two floors stand in the table: the nearest input view copied, and an untrained model.
    """

    run_folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """A folder that `verse train lrm` wrote."""
    assets: Path | None = None
    """Folder of GLB files: rendered with the GSO rig here."""
    views: Path | None = None
    """Views rendered already: a folder of shards, or folders with opencv_cameras.json."""
    out: Path
    """Folder for the results."""
    protocol: Literal["gso-4", "gso-4-45", "gso-8"] = "gso-4"
    """gso-4: elevation 20, azimuths 0/90/180/270; gso-4-45: 45/135/225/315; gso-8: elevation 0 at 0/90/180/270 and 40 at 45/135/225/315."""
    targets: int = 10
    """Target views per object: frozen, seeded by the object's name, never an input."""
    lpips: Path | None = None
    """LPIPS weights (see README); without them the column is left out."""

    def run(self) -> int:
        from train.benchmark import benchmark
        _need((self.assets is None) != (self.views is None), "--assets, --views", "exactly one of them", "both" if self.assets else "neither")
        _need(self.targets >= 1, "--targets", "at least 1", self.targets)
        for flag, path in (("RUN", self.run_folder), ("--assets", self.assets), ("--views", self.views)):
            if path is not None:
                _need_folder(path, flag)
        print(benchmark(self.run_folder, self.out, assets=self.assets, views=self.views, protocol=self.protocol, targets=self.targets))
        return 0


@dataclass
class Doctor:
    """What works on this machine: renderers, splatting, compiler, GPU, versions, measured views per second."""

    def run(self) -> int:
        from train.doctor import report
        print(report())
        return 0


COMMANDS = (  # words, class: the order of the overview
    ("generate zeroverse", GenerateZeroverse),
    ("generate files", GenerateFiles),
    ("verify", Verify),
    ("preview", Preview),
    ("train lrm", TrainLrm),
    ("reconstruct", Reconstruct),
    ("benchmark", Benchmark),
    ("doctor", Doctor),
)


def overview() -> str:
    rows = "\n".join(f"  verse {words:20s} {command.__doc__.split(chr(10))[0]}" for words, command in COMMANDS)
    return textwrap.dedent("""\
        verse: an integer becomes an object, objects become views, views become shards, shards become models.

        {rows}

        verse COMMAND --help explains a command; --debug shows the traceback of an error. Exit status: 0 well, 1 failed, 2 wrong usage.""").format(rows=rows)


def main(argv: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    if not words or words[0] in ("-h", "--help"):
        print(overview())
        return 0 if words else 2
    for name, command in COMMANDS:
        length = len(name.split())
        if words[:length] == name.split():
            return _run(command, name, words[length:], debug)
    group = [name for name, _ in COMMANDS if name.split()[0] == words[0]]
    if group and words[1:2] in (["-h"], ["--help"]):
        print(overview())
        return 0
    print(f"verse: no command {' '.join(words[:2])!r}; expected one of: {', '.join(group or [name for name, _ in COMMANDS])}", file=sys.stderr)
    return 2


def _interrupt(signum, frame) -> None:
    """Ctrl-C. The threads of the process pool may trip over its sudden end, which is nobody's concern: they stay silent."""
    threading.excepthook = lambda failure: None
    raise KeyboardInterrupt


def _run(command, name: str, arguments: list[str], debug: bool) -> int:
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, _interrupt)
    if not os.access(Path(__file__).parent, os.W_OK):  # numba caches beside the source: elsewhere when the install is read-only
        os.environ.setdefault("NUMBA_CACHE_DIR", str(Path.home() / ".cache" / "verse" / "numba"))
    try:
        return tyro.cli(command, prog=f"verse {name}", args=arguments).run()
    except KeyboardInterrupt:
        print("verse: stopped; the same command continues (training: add --resume)", file=sys.stderr)
        return 130
    except Exception as error:  # the one place where any failure becomes one line for the user
        if debug:
            raise
        known = isinstance(error, (ValueError, OSError, RuntimeError))
        print(f"verse: {error if known else f'{type(error).__name__}: {error} (--debug shows where)'}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1


if __name__ == "__main__":
    sys.exit(main())
