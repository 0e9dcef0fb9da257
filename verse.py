"""The command line: one dataclass per command, in the table at the end. A stage is imported only when its command runs."""
import os
import signal
import sys
import textwrap
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from renderers.curate.filters import Thresholds
from renderers.orbit import Orbit

Renderer = Literal["cpu", "gl", "pyrender", "mitsuba"]
Light = Literal["uniform", "studio", "softbox", "environment", "sky", "random"]
Engine = Literal["loky", "dask", "ray", "serial"]
Rig = Literal["sphere", "gso-64", "turntable", "zero123", "orbit"]
Shards = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DIR|URL")]


INTERRUPTED = 130  # what shells give a program that Ctrl-C ended


class UsageError(ValueError):
    """A wrong argument: exit status 2."""


def _need_folder(path: Path, flag: str) -> Path:
    if not path.is_dir():
        raise UsageError(f"{flag}: no such folder: {path}")
    return path


def _need_shards(where: str) -> str:
    from renderers import storage
    _need(storage.open_store(where).exists(), "DIR", "a folder that exists", where)
    return where


def _need(condition: bool, flag: str, expected: str, got) -> None:
    if not condition:
        raise UsageError(f"{flag}: expected {expected}, got {got}")


# -------------------------------------------------------------------------------------------------------------------------- generate


@dataclass(kw_only=True)
class _Generate:
    out: Annotated[str, tyro.conf.arg(metavar="DIR|URL")]
    """Folder or fsspec URL (s3://bucket/name) for the shards. Run the same command again to continue an interrupted run."""
    seed: int = 0
    """With the index, names every object and its cameras for ever."""
    start: int = 0
    """First index."""
    views: int = 32
    """Cameras per object (the gso-64 rig always has 64)."""
    size: int = 256
    """Image width and height in pixels."""
    rig: Rig = "sphere"
    """sphere: the published training shell; gso-64: the published evaluation rig; turntable; zero123: Zero-1-to-3's random views, whole sphere;
    orbit: random lens, look-at point, roll and principal point, see --orbit."""
    radius: Literal["paper", "released"] = "paper"
    """Camera distance of the sphere rig: U(2.0, 3.0) as LRM-Zero says, or U(1.5, 2.8) as GS-LRM and the released code have it."""
    framed: Literal["rig", "yes", "no"] = "rig"
    """Move cameras back until the object is whole in the picture. rig: the zero123 rig does, the other published ones stay as published
    (the sphere's nearest views cut corners), and orbit frames by itself."""
    orbit: Orbit = Orbit()
    light: Light = "uniform"
    """uniform: white from everywhere, so colour = albedo x occlusion, as LRM-Zero; studio: three lights with shadows; softbox: the same with soft
    shadows, and panels that metal mirrors; environment: a file of --hdri; sky: clear to overcast; random: each object one of these (--renderer cpu)."""
    hdri: Path | None = None
    """Folder of Radiance .hdr files for the lights environment and random; each object draws one and a turn of it."""
    tone: Literal["srgb", "paper"] = "srgb"
    """srgb: radiance as it is; paper: LRM-Zero's stretch of each object between its 1st and 99th percentile, gamma 2.2 (--renderer cpu)."""
    passes: tuple[str, ...] = ("rgb", "alpha", "depth", "normal", "albedo", "part")
    """What to store; also metallic_roughness."""
    shard_size: int = 64
    """Objects per shard."""
    workers: int = 0
    """Processes; 0: one per core. The shards do not depend on it."""
    renderer: Renderer = "cpu"
    """cpu: pip-only, the same pixels on any x86-64 machine; gl: the same pictures on a GPU (gl extra); mitsuba: path-traced rgb (mitsuba extra);
    pyrender: OpenGL, as a check."""
    device: int | None = None
    """Of --renderer gl: the number of the EGL device to draw on; verse doctor names it. Default: $VERSE_GL_DEVICE, else 0."""
    meshes: bool = False
    """Also store each object as mesh.glb."""
    codec: Literal["png", "webp", "jpeg"] = "png"
    """Of rgb and albedo; labels are always lossless PNG. webp: lossless unless --quality is given; jpeg: alpha gets a PNG of its own."""
    quality: int | None = None
    """1 to 100, for webp and jpeg (default 95)."""
    engine: Engine = "loky"
    """loky: processes of this machine; dask, ray: a cluster, or a local one; serial: this process. All give the same bytes."""
    address: str | None = None
    """Of an existing dask (tcp://host:8786) or ray (auto) cluster that sees --out and has this package."""
    rank: int | None = None
    """Make only every world-size-th shard, from this one. Default: the place in a Slurm array, among Slurm tasks, or $RANK."""
    world_size: int | None = None
    """How many processes share the plan. Default: from the same place as the rank, else 1."""

    def _run(self, source, count: int | None) -> int:
        for flag, value, least in (("--start", self.start, 0), ("--shard-size", self.shard_size, 1), ("--workers", self.workers, 0),
                                   ("--views", self.views, 1), ("--size", self.size, 8), ("--device", self.device or 0, 0)):
            _need(value >= least, flag, f"at least {least}", value)
        if self.device is not None:
            os.environ["VERSE_GL_DEVICE"] = str(self.device)  # no part of the spec: it chooses who draws, not what; workers inherit it
        import joblib

        from renderers import engines, farm, lighting, storage
        try:
            out, (rank, world_size) = storage.open_store(self.out), engines.split(self.rank, self.world_size)
            spec = farm.RenderSpec(self.views, self.size, self.rig, self.radius, self.light, self.renderer, self.passes, self.meshes,
                                   self.framed, self.orbit, self.codec, self.quality,
                                   lighting.HdrFolder.of(_need_folder(self.hdri, "--hdri")) if self.hdri else None, self.tone)
        except ValueError as error:
            raise UsageError(str(error)) from error
        available = source.size()
        if available is not None:
            _need(self.start < available, "--start", f"less than the {available} files there are", self.start)
            count = min(count or available, available - self.start)
        _need(count > 0, "--count", "at least 1", count)
        _need(self.address is None or self.engine in ("dask", "ray"), "--address", "--engine dask or ray with it", self.engine)
        plan = farm.Plan(out, source, spec, self.start, count, self.shard_size, rank, world_size)
        workers = 1 if self.engine == "serial" else self.workers or joblib.cpu_count()
        return _report(plan, _with_progress(farm, plan, workers, self.engine, self.address), workers)


def _with_progress(farm, plan, workers: int, engine: str, address: str | None):
    from tqdm import tqdm
    todo = sum(len(shard.indices) for shard in plan.todo())
    share = f" ({plan.rank + 1} of {plan.world_size})" if plan.world_size > 1 else ""
    with tqdm(total=todo, desc=f"{plan.source.name} -> {plan.out}{share}", unit="object", smoothing=0.1) as bar:
        reasons = Counter()

        def on_made(made):
            if made.reason:
                bar.write(f"failed: {made.label}: {made.reason}", file=sys.stderr)
            reasons.update(made.redraws, failed=bool(made.reason))
            bar.set_postfix({reason: times for reason, times in reasons.most_common(3) if times}, refresh=False)
            bar.update()
        return farm.generate(plan, workers, on_made, engine, address)


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
    if summary.left:
        names = ", ".join(shard.name for shard in summary.left[:4]) + (" …" if len(summary.left) > 4 else "")
        print(f"  {len(summary.left)} of the plan's {len(plan.shards())} shards are still missing ({names}): the last process to finish writes dataset.json")
    if summary.failed:
        print(f"verse: {len(summary.failed)} objects failed; the shards' .json and dataset.json name them, the shards hold the rest", file=sys.stderr)
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
class GenerateDetailverse(_Generate):
    """Detailed objects after DetailVerse -> the same shards, with captions, parts and, on request, geometry labels.

    Example: verse generate detailverse --out data --count 200 --fields vae
    """

    count: int = 24
    """How many objects."""
    family: str | None = None
    """Only this structure family, as `verse gallery` shows them; default: all, by weight."""
    level: Literal[0, 1, 2, 3, 4] | None = None
    """0: bare structures … 4: all details. The same seed and index at two levels is the same object, coarse and fine. Default: a mixture."""
    fields: Literal["none", "vae"] = "none"
    """vae: fields.npz in each sample: points on surface and creases, normals, part ids, 731,072 signed distances (detailverse/fields.py)."""
    texture_size: int = 1024
    """Texels across the atlas of an object."""

    def run(self) -> int:
        from detailverse import families
        from renderers.sources import Detailverse
        _need(self.count >= 1, "--count", "at least 1", self.count)
        _need(self.texture_size >= 64, "--texture-size", "at least 64", self.texture_size)
        _need(self.family is None or self.family in families.BY_NAME, "--family", f"one of {', '.join(families.BY_NAME)}", self.family)
        return self._run(Detailverse(self.seed, self.family, self.level, self.texture_size, self.fields), self.count)


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


@dataclass(kw_only=True)
class GenerateObjaverse(_Generate):
    """Objects of Objaverse 1.0 -> the same shards, with a credit line in each sample.

    Downloads go on where they stopped; objects that cannot be read are named and counted. Example: verse generate objaverse --split lvis --out data
    """

    split: str
    """lvis: Objaverse-LVIS, 46,207 objects; lgm: LGM's training list; gobjaverse: a G-Objaverse list; or a FILE: one of their formats (JSON of
    categories, CSV of folder and uid, JSON of G-Objaverse ids), or a uid on each line."""
    cache: Path = Path("~/.objaverse/hf-objaverse-v1")
    """Where the files are and come to: the folder of the objaverse package."""
    hub: str = "https://huggingface.co/datasets/allenai/objaverse/resolve/main"
    """Address of the files, or of a mirror with the same layout."""
    offline: bool = False
    """Download nothing: only what is in --cache."""
    licences: tuple[Literal["by", "by-sa", "by-nc", "by-nc-sa", "cc0"], ...] = ("by", "by-sa", "cc0")
    """Objects of other licences are left out."""
    count: int | None = None
    """How many objects; default: all of the list."""

    def run(self) -> int:
        from renderers.objaverse import Hub, Objaverse, listing, resolve
        hub = Hub(str(self.cache.expanduser()), None if self.offline else self.hub.rstrip("/"))
        key = resolve(self.split, hub, self.licences)
        made = listing(hub.cache, key)
        left_out = "".join(f"; {times} left out: {reason}" for reason, times in made.left_out.items())
        print(f"objaverse {made.split}: {len(made.objects)} objects{left_out}")
        return self._run(Objaverse(hub.cache, key, hub.url, self.seed), self.count)


# --------------------------------------------------------------------------------------------------------------------- verify, preview


@dataclass
class Verify:
    """Hash and read again every shard of a folder; names shard, sample and field of what is wrong.

    Exit status 1 if anything is.
    """

    folder: Shards
    """A folder or fsspec URL of shards."""
    rebuild: int = 0
    """Also make so many of the samples again, from the settings they record, and compare every field byte for byte."""
    assets: Path | None = None
    """Where the files are, to rebuild samples of `generate files`; the cache, for those of `generate objaverse`."""

    def run(self) -> int:
        from renderers import storage
        store = storage.open_store(self.folder)
        _need(store.exists(), "DIR", "a folder that exists", store)
        _need(self.rebuild >= 0, "--rebuild", "at least 0", self.rebuild)
        shards, samples, problems = self._stored(store)
        if self.rebuild and not problems:
            problems = self._made_again(store)
        for problem in problems:
            print(problem, file=sys.stderr)
        if not problems:
            again = f", {min(self.rebuild, samples)} made again to the same bytes" if self.rebuild else ""
            print(f"{store}: {shards} shards, {samples} samples, all whole{again}")
        return 1 if problems else 0

    def _stored(self, store) -> tuple[int, int, list[str]]:
        from tqdm import tqdm

        from renderers import checks, shards
        tars = sum(name.endswith(".tar") for name in store.sizes())
        problems = [] if tars else [f"{store}: no shards"]
        with tqdm(total=tars, desc="verify", unit="shard") as bar:
            for _, found in checks.verify(store):
                problems += found
                bar.update(1 if bar.n < tars else 0)
        return tars, 0 if problems else len(shards.ShardReader(store)), problems

    def _made_again(self, store) -> list[str]:
        from tqdm import tqdm

        from renderers import rebuild
        with tqdm(total=self.rebuild, desc="rebuild", unit="object") as bar:
            problems = []
            for found in rebuild.rebuild(store, self.rebuild, str(self.assets) if self.assets else None):
                problems += found
                bar.update()
        return problems


@dataclass(kw_only=True)
class Preview:
    """Draw a folder of shards as contact_sheet.png and a self-contained index.html to filter, browse and see large."""

    folder: Shards
    """A folder or fsspec URL of shards."""
    out: Path
    """Folder for the pictures."""
    limit: int = 200
    """Show the first so many objects."""
    sheet: tuple[str, ...] = ()
    """Also a contact sheet of each of these passes: --sheet rgb normal gives contact_sheet_rgb.png and contact_sheet_normal.png."""

    def run(self) -> int:
        from tqdm import tqdm

        from renderers.preview import preview
        _need(self.limit >= 1, "--limit", "at least 1", self.limit)
        with tqdm(desc="preview", unit="object") as bar:
            def on_done(total: int) -> None:
                bar.total = total
                bar.update()
            paths = preview(_need_shards(self.folder), self.out, self.limit, self.sheet, on_done)
        for path in paths:
            print(path)
        return 0


@dataclass(kw_only=True)
class Catalogue:
    """Draw the catalogue of DetailVerse: index.html with a picture and a recipe for every family and every detail.

    Example: verse catalogue --out docs/catalogue
    """

    out: Path
    """Folder for the pages."""
    seed: int = 0

    def run(self) -> int:
        from tqdm import tqdm

        from renderers.catalogue import catalogue
        with tqdm(desc="catalogue", unit="picture") as bar:
            def on_done(total: int) -> None:
                bar.total = total
                bar.update()
            paths = catalogue(self.out, self.seed, on_done)
        for path in paths:
            print(path)
        return 0


@dataclass(kw_only=True)
class Regen:
    """A recipe of DetailVerse -> its object: .glb, .json and .png. Recipes are small JSON files, safe to share and to edit by hand.

    Example: verse regen docs/catalogue/recipes/vase.json --out again --verify
    """

    recipe: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RECIPE")]
    """A .json file, or a folder of shards (see --sample)."""
    out: Path
    """Folder for the files."""
    level: Literal[0, 1, 2, 3, 4] | None = None
    """Another level of detail than the recipe's."""
    sample: int = 0
    """Which object of a folder of shards."""
    verify: bool = False
    """Exit status 1 unless the geometry has the hash that stands in the recipe."""

    def run(self) -> int:
        from renderers.regen import regen
        _need(self.recipe.exists(), "RECIPE", "a file or folder that exists", self.recipe)
        done = regen(self.recipe, self.out, self.level, self.sample)
        for path in done.paths:
            print(path)
        same = done.geometry == done.expected
        if self.verify:
            print(f"geometry {done.geometry}: {'the same' if same else f'expected {done.expected}'}", file=sys.stdout if same else sys.stderr)
        return 0 if same or not self.verify else 1


@dataclass(kw_only=True)
class Export:
    """Shards -> one folder per object, as other software reads them: nerfstudio, 3DGS, NeRF, Zero-1-to-3, LRMs.

    Images are copied byte for byte. Run the same command again to continue. Example: verse export data --format colmap --out data-colmap
    """

    folder: Shards
    """A folder or fsspec URL of shards."""
    format: Literal["transforms", "blender", "colmap", "opencv", "facelift", "zero123", "glb"]
    """transforms: nerfstudio and instant-ngp; blender: NeRF-synthetic with a seeded split; colmap: text model with points from exact depth, for
    3DGS; opencv: opencv_cameras.json, a list as LaCT reads it; facelift: the same, a dict with frames; zero123: Zero-1-to-3; glb: meshes
    (of shards made with --meshes)."""
    out: Path
    """Folder for the objects' folders."""
    limit: int | None = None
    """Only the first so many objects; default: all."""
    seed: int = 0
    """Of the blender split and of which pixels become points."""

    def run(self) -> int:
        from tqdm import tqdm

        from renderers.export import export
        from renderers.shards import ShardReader
        _need(self.limit is None or self.limit >= 1, "--limit", "at least 1", self.limit)
        count = len(ShardReader(_need_shards(self.folder)).keys[:self.limit])
        with tqdm(total=count, desc=f"{self.format} -> {self.out}", unit="object", delay=0.5) as bar:
            done = export(self.folder, self.out, self.format, self.seed, self.limit, on_done=lambda uid: bar.update())
        print(f"{self.out}: {done.written} objects written, {done.kept} already there")
        return 0


@dataclass(kw_only=True)
class View:
    """Walk around the objects of a folder of shards in the browser: mesh or points, cameras with their images (needs the viser extra).

    Example: verse view data
    """

    folder: Shards
    """A folder or fsspec URL of shards."""
    port: int = 8080
    """Serve on this port of this machine."""
    html: Path | None = None
    """Do not serve: write this one self-contained page with the object --sample, and end."""
    sample: int = 0
    """Which object is shown first."""

    def run(self) -> int:
        from renderers import viewer
        _need_shards(self.folder)
        if self.html is None:
            viewer.serve(self.folder, self.port, self.sample)
        else:
            print(viewer.write_page(self.folder, self.html, self.sample))
        return 0


# ------------------------------------------------------------------------------------------------------------------- train and use


@dataclass(kw_only=True)
class TrainLrm:
    """Train a GS-LRM-style reconstruction model on shards.

    Ctrl-C saves; --resume continues, to the same weights as an uninterrupted run.
    """

    data: str
    """A folder of shards (verse generate), or generate:zeroverse or generate:detailverse: fresh objects, made while training."""
    out: Path
    """Folder for the run: checkpoints, log.jsonl, previews, model.safetensors."""
    preset: Literal["tiny", "small", "medium", "base", "base_512"] = "tiny"
    """tiny: 5 M parameters, 4 x 64 px, a laptop; small: 26 M, 128 px; medium: 86 M, 256 px; base: 303 M, 256 px, the published model;
    base_512: its second stage."""
    steps: int | None = None
    """Optimizer updates; default: the preset's."""
    seed: int = 0
    resume: bool = False
    """Continue the run in --out."""
    start_from: Path | None = None
    """A run whose weights are the start, as base_512 wants the run of base."""
    validate: Path | None = None
    """Shards of held-out objects to score while training."""

    def run(self) -> int:
        from train.lrm import train_lrm
        _need(self.steps is None or self.steps >= 1, "--steps", "at least 1", self.steps)
        data = self.data if self.data.startswith("generate:") else _need_folder(Path(self.data), "--data")
        outcome = train_lrm(data, self.out, preset=self.preset, steps=self.steps, seed=self.seed, resume=self.resume,
                            start_from=_need_folder(self.start_from, "--start-from") if self.start_from else None,
                            validate_dir=_need_folder(self.validate, "--validate") if self.validate else None)
        return 0 if outcome.finished else INTERRUPTED


@dataclass(kw_only=True)
class Reconstruct:
    """Images with cameras -> Gaussians: gaussians.ply (standard 3DGS), .splat and .glb (KHR_gaussian_splatting), viewer.html, turntable.webp.

    viewer.html shows them in any browser, without a server or a network.
    """

    run_folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """A folder that `verse train lrm` wrote."""
    views: Path
    """A folder of shards, or folders with opencv_cameras.json or transforms.json and their images."""
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

    Pictures, and where the truth has alpha and depth also silhouettes, depth and surface. Two floors stand in the table: the nearest input view
    copied, and an untrained model; and the published numbers of GS-LRM and LRM-Zero for the protocol.
    """

    run_folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """A folder that `verse train lrm` wrote."""
    assets: Path | None = None
    """Folder of GLB files: rendered with the GSO rig here."""
    views: Path | None = None
    """Views rendered already: a folder of shards, or folders with opencv_cameras.json or transforms.json."""
    out: Path
    """Folder for the results."""
    protocol: Literal["gso-4", "gso-4-45", "gso-8", "random-8"] = "gso-4"
    """gso-4: elevation 20, azimuths 0/90/180/270; gso-4-45: 45/135/225/315; gso-8: elevation 0 at 0/90/180/270 and 40 at 45/135/225/315;
    random-8: eight views of any rig, frozen by the object's name."""
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
        print(benchmark(self.run_folder, self.out, assets=self.assets, views=self.views, protocol=self.protocol, targets=self.targets,
                        lpips=self.lpips))
        return 0


@dataclass(kw_only=True)
class Compare:
    """Compare two benchmark results object by object: per metric the mean difference and its paired bootstrap interval.

    Example: verse compare scores-a scores-b
    """

    first: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="A")]
    """A folder that `verse benchmark` wrote, or its results.json."""
    second: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="B")]
    """Another, of the same protocol and resolution; differences are B - A."""

    def run(self) -> int:
        from train.compare import compare
        print(compare(self.first, self.second))
        return 0


# ------------------------------------------------------------------------------------------------------------------------- curation


@dataclass(kw_only=True)
class Curate:
    """Sort out a collection: what is broken, flat, untextured, standing on a plate, several things or a duplicate, with reasons and contact sheets.

    Works on shards and on any GLB files, and changes neither. Run the same command again to continue, or with other thresholds: objects are looked at
    only once. Example: verse curate models --out curated
    """

    input: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="SHARDS|GLBS")]
    """A folder or fsspec URL of shards, or a folder with .glb and .gltf files, also in sub-folders."""
    out: Path
    """Folder for report.json, kept.txt, removed.txt, kept.png and removed_*.png."""
    limits: Thresholds = Thresholds()
    curator: Path | None = None
    """A folder that `verse train curator` wrote: its scorer and orienter are used."""
    features: tuple[Path, ...] = ()
    """Networks the scorer was trained with: .pt2 or TorchScript files, or folders of weights of transformers (CLIP, DINOv2)."""
    watertight: Literal[0, 128, 256, 512] = 0
    """Also write watertight/<uid>.glb of what is kept, extracted on a grid of so many cells; shards need --meshes for it."""
    size: int = 160
    """Pixels of a rendered view."""
    workers: int = 0
    """Processes; 0: one per core. The report does not depend on it."""

    def run(self) -> int:
        import joblib
        from tqdm import tqdm

        from renderers.curate import run, sealed
        from renderers.curate.score import Scorer
        _need(self.size >= 64, "--size", "at least 64", self.size)
        _need(self.limits.score == 0 or self.curator is not None, "--limits.score", "--curator with it", self.limits.score)
        if "://" not in self.input:
            _need_folder(Path(self.input), "SHARDS|GLBS")
        scorer = self._of_curator("scorer.json", Scorer.load)
        embed = _backbone(self.features)
        _need((scorer.embed if scorer else "") == (embed.name if embed else ""), "--features", f"the scorer's, {scorer.embed or 'none'}" if scorer else
              "--curator with it", embed.name if embed else "none")
        workers = self.workers or joblib.cpu_count()
        with tqdm(desc=f"{self.input} -> {self.out}", unit="object", smoothing=0.1) as bar:
            def on_row(row, total):
                bar.total = total
                if row.failed:
                    bar.write(f"unreadable: {row.source}: {row.failed}", file=sys.stderr)
                bar.update()
            orienter = self._of_curator("orienter.json", str)
            done = run.curate(self.input, self.out, self.limits, run.Looks(self.size, orienter, embed), scorer, workers, on_row)
        kept = [number for number, row in enumerate(done.rows) if not row.reason]
        print(f"{self.out}: {len(kept)} of {len(done.rows)} objects kept, {done.looked} looked at now")
        for reason in run.REASONS:
            if done.removed[reason]:
                print(f"  removed {done.removed[reason]} x: {reason}")
        if self.watertight and kept:
            from renderers.curate.subjects import open_pool
            with tqdm(total=len(kept), desc="watertight", unit="object") as bar:
                rows = sealed.seal(open_pool(self.input, self.size), kept, self.out, self.watertight, workers, bar.update)
            failed = {uid: row["failed"] for uid, row in rows.items() if "failed" in row}
            for uid, why in failed.items():
                print(f"verse: {uid}: {why}", file=sys.stderr)
            print(f"  watertight: {len(rows) - len(failed)} written, {len(failed)} failed")
        return 1 if done.removed[run.UNREADABLE] else 0

    def _of_curator(self, name: str, load):
        path = _need_folder(self.curator, "--curator") / name if self.curator else None
        return load(path) if path and path.exists() else None  # `train curator` makes no orienter of objects without a front


def _backbone(paths: tuple[Path, ...]):
    """The user's networks; torch is only imported for them."""
    if not paths:
        return None
    from train.backbone import Backbone
    return Backbone(tuple(map(str, paths)))


@dataclass(kw_only=True)
class TrainCurator:
    """Train and measure what `verse curate` scores and orients with, on our own objects with planted defects, or on ratings that people gave.

    Writes scorer.json and orienter.json with their held-out numbers, filters.json and rated.png. Example: verse train curator --out curator --objects 200
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
    """Networks to take features from, beside the built-in ones: .pt2 or TorchScript files, or folders of weights of transformers (CLIP, DINOv2)."""
    workers: int = 0
    """Processes; 0: one per core."""

    def run(self) -> int:
        import joblib
        from tqdm import tqdm

        from renderers.curate import trained
        _need((self.ratings is None) == (self.rated is None), "--ratings, --rated", "both or neither", "one of them")
        _need(self.objects >= 10, "--objects", "at least 10", self.objects)
        self.out.mkdir(parents=True, exist_ok=True)
        workers, embed = self.workers or joblib.cpu_count(), _backbone(self.features)
        with tqdm(desc="rated", unit="object") as bar:
            if self.ratings:
                rated = trained.rated_by_people(self.rated, self.ratings, embed, workers, bar.update)
            else:
                rated = trained.rated_by_defects(self.source, self.seed, self.objects, embed, workers, bar.update)
        _print_numbers(self.out / "scorer.json", trained.train_scorer(rated, self.out, embed.name if embed else ""))
        if self.source == "detailverse" and not self.ratings:
            with tqdm(total=2 * self.objects, desc="upright", unit="object") as bar:
                described = trained.upright(self.source, self.seed, 2 * self.objects, workers, bar.update)
            _print_numbers(self.out / "orienter.json", trained.train_orienter(*described, self.out))
        return 0


def _print_numbers(path: Path, numbers: dict) -> None:
    print(f"{path}: held out:")
    for name, value in numbers.items():
        shown = value if isinstance(value, int) else f"{value[0]:.3f} ({value[1]:.3f} to {value[2]:.3f})"
        print(f"  {name.replace('_', ' '):26s} {shown}")


@dataclass
class Doctor:
    """What works on this machine: renderers, splatting, compiler, GPU, versions, measured views per second."""

    def run(self) -> int:
        from train.doctor import report
        print(report())
        return 0


COMMANDS = (  # words, class: the order of the overview
    ("generate zeroverse", GenerateZeroverse),
    ("generate detailverse", GenerateDetailverse),
    ("generate files", GenerateFiles),
    ("generate objaverse", GenerateObjaverse),
    ("verify", Verify),
    ("preview", Preview),
    ("catalogue", Catalogue),
    ("regen", Regen),
    ("curate", Curate),
    ("train curator", TrainCurator),
    ("export", Export),
    ("view", View),
    ("train lrm", TrainLrm),
    ("reconstruct", Reconstruct),
    ("benchmark", Benchmark),
    ("compare", Compare),
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
    # Idle OpenMP threads sleep. By default they spin, and on two cores with other work beside it a training step cost four times the CPU time.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, _interrupt)
    if not os.access(Path(__file__).parent, os.W_OK):  # numba caches beside the source: elsewhere when the install is read-only
        os.environ.setdefault("NUMBA_CACHE_DIR", str(Path.home() / ".cache" / "verse" / "numba"))
    try:
        return tyro.cli(command, prog=f"verse {name}", args=arguments).run()
    except KeyboardInterrupt:
        print("verse: stopped; the same command continues (training: add --resume)", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:  # the one place where any failure becomes one line for the user
        if debug:
            raise
        known = isinstance(error, (ValueError, OSError, RuntimeError))
        print(f"verse: {error if known else f'{type(error).__name__}: {error} (--debug shows where)'}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1


if __name__ == "__main__":
    sys.exit(main())
