"""`verse generate …`: a source of objects -> shards. One class is one command; its fields are its flags, their
docstrings its help.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from renderers.orbit import Orbit
from renderers.tables import BACKENDS, CODECS, ENGINES, LIGHTS, RIGS
from zeroverse.core.progress import progress
from zeroverse.core.usage import UsageError, need, need_folder

LARGEST = 8192  # pixels across; such a view takes a gigabyte while it is drawn
# the choices of a flag are the rows of its table
Renderer = Literal[tuple(BACKENDS)]
Light = Literal[tuple(LIGHTS)]
Engine = Literal[tuple(ENGINES)]
Rig = Literal[tuple(RIGS)]
Codec = Literal[tuple(CODECS)]


@dataclass(kw_only=True)
class _Generate:
    out: Annotated[str, tyro.conf.arg(metavar="DIR|URL")]
    """Folder or fsspec URL (s3://bucket/name) for the shards. Run the same command again to continue an interrupted
    run.
    """
    seed: int = 0
    """With the index, names every object and its cameras for ever."""
    start: int = 0
    """First index."""
    views: int = 32
    """Cameras per object (the gso-64 rig always has 64)."""
    size: tuple[int, ...] = (256,)
    """Image width and height in pixels. --size 512 128: the same views at 512 (rgb_000.png) and, drawn anew, at 128
    (rgb_128px_000.png).
    """
    rig: Rig = "sphere"
    """sphere: the published training shell; gso-64: the published evaluation rig; turntable; zero123: Zero-1-to-3's
    random views, whole sphere;
    orbit: random lens, look-at point, roll and principal point, see --orbit.
    """
    radius: Literal["paper", "released"] = "paper"
    """Camera distance of the sphere rig: U(2.0, 3.0) as LRM-Zero says, or U(1.5, 2.8) as GS-LRM and the released code
    have it.
    """
    framed: Literal["rig", "yes", "no"] = "rig"
    """Move cameras back until the object is whole in the picture. rig: the zero123 rig does, the other published ones
    stay as published (the sphere's nearest views cut corners), and orbit frames by itself.
    """
    orbit: Orbit = Orbit()
    light: Light = "uniform"
    """uniform: white from everywhere, so colour = albedo x occlusion, as LRM-Zero; studio: three lights with shadows;
    softbox: the same with soft shadows, and panels that metal mirrors; environment: a file of --hdri; sky: clear to
        overcast; random: each object one of these (--renderer cpu).
    """
    light_per: Literal["object", "view"] = "object"
    """view: of environment, sky and random another draw for every view; a sky takes 0.1 s each."""
    hdri: Path | None = None
    """Folder of Radiance .hdr files for the lights environment and random; each object draws one and a turn of it."""
    tone: Literal["srgb", "paper"] = "srgb"
    """srgb: radiance as it is; paper: LRM-Zero's stretch of each object between its 1st and 99th percentile, gamma 2.2
    (--renderer cpu).
    """
    passes: tuple[str, ...] = ("rgb", "alpha", "depth", "normal", "albedo", "part")
    """What to store; also metallic_roughness."""
    normal_bits: Literal[8, 16] = 8
    """16: normals within 0.002 degrees instead of half a degree, in 16-bit PNGs of two to four times the size."""
    shard_size: int = 64
    """Objects per shard."""
    workers: int = 0
    """Processes; 0: one per core. The shards do not depend on it."""
    renderer: Renderer = "cpu"
    """cpu: pip-only, the same pixels on any x86-64 machine; gl: the same pictures on a GPU (gl extra); mitsuba:
    path-traced rgb (mitsuba extra);
    pyrender: OpenGL, as a check.
    """
    device: int | None = None
    """Of --renderer gl: the number of the EGL device to draw on; verse doctor names it. Default: $VERSE_GL_DEVICE, else
    0.
    """
    meshes: bool = False
    """Also store each object as mesh.glb."""
    codec: Codec = "png"
    """Of rgb and albedo; labels are always lossless PNG. webp: lossless unless --quality is given; jpeg: alpha gets a
    PNG of its own.
    """
    quality: int | None = None
    """1 to 100, for webp and jpeg (default 95)."""
    engine: Engine = "loky"
    """loky: processes of this machine; dask, ray: a cluster, or a local one; serial: this process. All give the same
    bytes.
    """
    address: str | None = None
    """Of an existing dask (tcp://host:8786) or ray (auto) cluster that sees --out and has this package."""
    rank: int | None = None
    """Make only every world-size-th shard, from this one. Default: the place in a Slurm array, among Slurm tasks, or
    $RANK.
    """
    world_size: int | None = None
    """How many processes share the plan. Default: from the same place as the rank, else 1."""

    def _run(self, source, count: int | None, **care) -> int:
        for flag, value, least in (
            ("--start", self.start, 0),
            ("--shard-size", self.shard_size, 1),
            ("--workers", self.workers, 0),
            ("--views", self.views, 1),
            ("--device", self.device or 0, 0),
        ):
            need(value >= least, flag, f"at least {least}", value)
        for size in self.size or ("none",):
            need(size in range(8, LARGEST + 1), "--size", f"8 to {LARGEST}", size)
        if self.device is not None:
            os.environ["VERSE_GL_DEVICE"] = str(
                self.device
            )  # no part of the spec: it chooses who draws, not what; workers inherit it
        import joblib

        from renderers import farm, lighting
        from renderers.farm import engines
        from renderers.shards import storage

        try:
            out, (rank, world_size) = storage.open_store(self.out), engines.split(self.rank, self.world_size)
            hdri = lighting.HdrFolder.of(need_folder(self.hdri, "--hdri")) if self.hdri else None
            spec = farm.RenderSpec(
                views=self.views,
                size=self.size[0],
                more_sizes=self.size[1:],
                rig=self.rig,
                radius=self.radius,
                light=self.light,
                light_per=self.light_per,
                renderer=self.renderer,
                passes=self.passes,
                meshes=self.meshes,
                framed=self.framed,
                orbit=self.orbit,
                codec=self.codec,
                quality=self.quality,
                hdri=hdri,
                tone=self.tone,
                normal_bits=self.normal_bits,
            )
        except ValueError as error:
            raise UsageError(str(error)) from error
        available = source.size()
        if available is not None:
            need(self.start < available, "--start", f"less than the {available} files there are", self.start)
            count = min(count or available, available - self.start)
        need(count > 0, "--count", "at least 1", count)
        need(
            self.address is None or self.engine in ("dask", "ray"),
            "--address",
            "--engine dask or ray with it",
            self.engine,
        )
        try:
            care = farm.Care(**care)
        except ValueError as error:
            raise UsageError(f"--object-timeout: {error}") from error
        plan = farm.Plan(out, source, spec, self.start, count, self.shard_size, rank, world_size, care)
        workers = 1 if self.engine == "serial" else self.workers or joblib.cpu_count()
        return _report(plan, _with_progress(farm, plan, workers, self.engine, self.address), workers)


def _with_progress(farm, plan, workers: int, engine: str, address: str | None):
    todo = sum(len(shard.indices) for shard in plan.todo())
    share = f" ({plan.rank + 1} of {plan.world_size})" if plan.world_size > 1 else ""
    with progress(f"{plan.source.name} -> {plan.out}{share}", "object", todo) as bar:
        return farm.generate(plan, workers, farm.told_on(bar), engine, address)


def _report(plan, summary, workers: int) -> int:
    made = summary.written + len(summary.failed)
    print(
        f"{plan.out}: {summary.written} objects written, {summary.kept - summary.gone} already there, "
        f"{len(summary.failed)} failed; {plan.spec.views} views of {' and '.join(map(str, plan.spec.sizes))} px each",
        end="",
    )
    if made:
        stages = ", ".join(f"{stage} {seconds / made:.2f}" for stage, seconds in summary.seconds.items())
        print(
            f"; {60 * made / summary.wall:.0f} objects a minute on {workers} workers; CPU seconds an object: {stages}",
            end="",
        )
    print()
    for reason, times in summary.redraws.items():
        print(f"  drawn again {times} x: {reason}")
    if summary.left:
        names = ", ".join(shard.name for shard in summary.left[:4]) + (" …" if len(summary.left) > 4 else "")
        print(
            f"  {len(summary.left)} of the plan's {len(plan.shards())} shards are still missing ({names}): the last "
            f"process to finish writes dataset.json"
        )
    if not made and not summary.left:
        print("  nothing new to make")
    if summary.failed or summary.gone:
        earlier = f", {summary.gone} of them in an earlier run" if summary.gone else ""
        print(
            f"verse: {len(summary.failed) + summary.gone} objects failed{earlier}; the shards' .json and dataset.json "
            f"name them, the shards hold the rest",
            file=sys.stderr,
        )
    return 1 if summary.failed or summary.gone else 0


@dataclass(kw_only=True)
class GenerateZeroverse(_Generate):
    """Procedural objects -> multi-view WebDataset shards.

    The same command gives the same bytes, whatever the number of workers. Example: verse generate zeroverse --out data
    --count 1000
    """

    count: int = 24
    """How many objects."""
    preset: Literal["paper", "released", "default"] = "paper"
    """paper: the grammar LRM-Zero describes; released: the other parameters of its published code; default: ours."""
    edit: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME=SHARE ...")] = ()
    """Shares of the edits, as in --edit cut=0.8 wireframe=0.1: the share of the objects that have it, one edit at most,
    or, of height_field, the share of the surfaces; default: the preset's. At another share an object is the same but
    for its edit.
    """
    cut: float | None = None
    """Short for --edit cut=SHARE: a boolean cut (paper: 0.4)."""
    wireframe: float | None = None
    """Short for --edit wireframe=SHARE: a cage of struts (paper: 0.2)."""
    textures: Path | None = None
    """Draw textures from the images in this folder, not from the procedural families."""
    texture_size: int = 256
    """Texels across each surface."""

    def run(self) -> int:
        from renderers.sources.procedural import Zeroverse
        from zeroverse.grammar import mixture_of

        need(self.count >= 1, "--count", "at least 1", self.count)
        need(self.texture_size >= 16, "--texture-size", "at least 16", self.texture_size)
        try:
            shares = self._shares()
            mixture_of(self.preset, shares)
        except ValueError as error:
            raise UsageError(f"--edit, --cut, --wireframe: {error}") from error
        textures = str(need_folder(self.textures, "--textures")) if self.textures else None
        return self._run(
            Zeroverse(self.seed, self.preset, textures, self.texture_size, tuple(shares.items())), self.count
        )

    def _shares(self) -> dict[str, float]:
        """Returns the shares that were given, by the names of the edits. Raises ValueError for what is no share."""
        shares = {name: share for name in ("cut", "wireframe") if (share := getattr(self, name)) is not None}
        for text in self.edit:
            name, _, share = text.partition("=")
            try:
                value = float(share)
            except ValueError:
                raise ValueError(f"expected NAME=SHARE, such as cut=0.8, got {text}") from None
            if name in shares:
                raise ValueError(f"expected one share of {name}, got two")
            shares[name] = value
        return shares


@dataclass(kw_only=True)
class GenerateDetailverse(_Generate):
    """Detailed objects after DetailVerse -> the same shards, with captions, parts and, on request, geometry labels.

    Example: verse generate detailverse --out data --count 200 --fields vae
    """

    count: int = 24
    """How many objects."""
    family: str | None = None
    """Only this structure family, as `verse catalogue` shows them; default: all, by weight."""
    level: Literal[0, 1, 2, 3, 4] | None = None
    """0: bare structures … 4: all details. The same seed and index at two levels is the same object, coarse and fine.
    Default: a mixture.
    """
    fields: Literal["none", "vae"] = "none"
    """vae: fields.npz in each sample: points on surface and creases, normals, part ids, 731,072 signed distances
    (detailverse/labels/fields.py).
    """
    texture_size: int = 1024
    """Texels across the atlas of an object."""

    def run(self) -> int:
        from detailverse import families
        from renderers.sources.procedural import Detailverse

        need(self.count >= 1, "--count", "at least 1", self.count)
        need(self.texture_size >= 64, "--texture-size", "at least 64", self.texture_size)
        need(
            self.family is None or self.family in families.BY_NAME,
            "--family",
            f"one of {', '.join(families.BY_NAME)}",
            self.family,
        )
        return self._run(Detailverse(self.seed, self.family, self.level, self.texture_size, self.fields), self.count)


@dataclass(kw_only=True)
class _Foreign(_Generate):
    """What objects of other people may cost."""

    on_error: Literal["skip", "raise"] = "skip"
    """Of an object that cannot be read or drawn, whatever the reason: skip: name and count it, make the rest; raise:
    stop.
    """
    object_timeout: float | None = None
    """Seconds that an object may take; one that takes longer is named and counted. Default: no limit."""
    on_missing_texture: Literal["refuse", "white"] = "refuse"
    """Of a texture that is not there or cannot be read: refuse: the object fails, by the name of the texture; white: it
    is made without, which its provenance says.
    """


@dataclass(kw_only=True)
class GenerateFiles(_Foreign):
    """Existing GLB, glTF, OBJ, PLY and STL files -> the same shards.

    Files that cannot be read are named and counted, the rest is made, and the exit status is 1. Example: verse generate
    files --assets DIR --out data
    """

    assets: Path
    """Folder with .glb, .gltf, .obj (with .mtl), .ply and .stl files, also in sub-folders; sorted by name."""
    obj_up: Literal["y", "z"] = "y"
    """Which way is up in .obj files, whose format does not say: y as Blender writes them, z as in Google Scanned
    Objects. Of .ply and .stl, it is z.
    """
    count: int | None = None
    """How many files; default: all."""

    def run(self) -> int:
        from renderers.sources.files import Files

        return self._run(
            Files(
                str(need_folder(self.assets, "--assets")),
                self.seed,
                f"+{self.obj_up.upper()}",
                self.on_missing_texture,
            ),
            self.count,
            on_error=self.on_error,
            timeout=self.object_timeout,
        )


@dataclass(kw_only=True)
class GenerateObjaverse(_Foreign):
    """Objects of Objaverse 1.0 -> the same shards, with a credit line in each sample.

    Downloads go on where they stopped; objects that cannot be read are named and counted. Example: verse generate
    objaverse --split lvis --out data
    """

    split: str
    """lvis: Objaverse-LVIS, 46,207 objects; lgm: LGM's training list; gobjaverse: a G-Objaverse list; or a FILE: one of
    their formats (JSON of categories, CSV of folder and uid, JSON of G-Objaverse ids), or a uid on each line.
    """
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
        from renderers.sources.objaverse import Hub, Objaverse, listing, resolve

        hub = Hub(str(self.cache.expanduser()), None if self.offline else self.hub.rstrip("/"))
        key = resolve(self.split, hub, self.licences)
        made = listing(hub.cache, key)
        left_out = "".join(f"; {times} left out: {reason}" for reason, times in made.left_out.items())
        print(f"objaverse {made.split}: {len(made.objects)} objects{left_out}")
        return self._run(
            Objaverse(hub.cache, key, hub.url, self.seed, self.on_missing_texture),
            self.count,
            on_error=self.on_error,
            timeout=self.object_timeout,
        )
