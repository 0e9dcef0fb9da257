"""Indices -> shards: objects made and rendered in parallel, written in order, resumable; what fails is counted and
named.
"""

import errno
import functools
import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np

import renderers
from renderers.cameras import CUBE, RADII, Cameras, framed, gso64, orbit, sphere_shell, turntable, zero123
from renderers.cameras.orbit import Orbit
from renderers.farm import engines
from renderers.farm.plan import FarmError, Plan, Shard, write_index, writer
from renderers.gallery import card
from renderers.lighting import LIGHTS, TONES, HdrFolder, Light
from renderers.passes import DEFAULT_PASSES, DEPTH_UNIT, NORMAL_BITS, check_passes, quantise, with_alpha
from renderers.shards import DATASET_FILE, SAMPLE_FORMAT, canonical, codecs, write_shard
from renderers.shards.storage import Store
from zeroverse.asset import Asset, AssetError, glb_bytes
from zeroverse.core.rng import Rng

RIGS = {  # name -> cameras for one object with the convex hull of points [N, 3], which only some ask for
    "sphere": lambda rng, spec, points: sphere_shell(rng, spec.views, spec.size, RADII[spec.radius]),
    "gso-64": lambda rng, spec, points: gso64(spec.size),
    "turntable": lambda rng, spec, points: turntable(spec.views, spec.size),
    "zero123": lambda rng, spec, points: zero123(rng, spec.views, spec.size),
    "orbit": lambda rng, spec, points: orbit(rng, spec.views, spec.size, spec.orbit, points()),
}
LIGHT_PER = ("object", "view")
FRAMED = {
    "rig": ("zero123",),
    "yes": tuple(RIGS),
    "no": (),
}  # --framed -> rigs whose cameras move back until the object is whole; orbit is by itself
CONVENTIONS = (
    "camera: OpenCV c2w (+x right, +y down, +z forward); intrinsics: fx fy cx cy in pixels, pixel centres at +0.5; "
    "world: right-handed, +Z up; "
    "depth: z along the optical axis, value * depth_unit, 0 = no surface; normal: world frame, value / {half} - 1; "
    "rgb: sRGB, straight alpha"
)
OTHER_SIZES = (
    "; other_sizes: the same views drawn again, labels exact; their intrinsics are these times their width / this width"
)


@dataclass(frozen=True)
class RenderSpec:
    """How each object is seen. Everything here changes the bytes, so all of it is in the shards."""

    views: int = 32
    size: int = 256
    more_sizes: tuple[int, ...] = ()  # widths at which the same views are drawn again
    rig: str = "sphere"
    radius: str = "paper"
    light: str = "uniform"
    light_per: str = "object"
    renderer: str = "cpu"
    passes: tuple[str, ...] = DEFAULT_PASSES
    meshes: bool = False
    framed: str = "rig"
    orbit: Orbit = Orbit()
    codec: str = "png"
    quality: int | None = None
    hdri: HdrFolder | None = None
    tone: str = "srgb"
    normal_bits: int = 8

    def __post_init__(self):
        for name, table in (
            ("rig", RIGS),
            ("radius", RADII),
            ("light", LIGHTS),
            ("light_per", LIGHT_PER),
            ("framed", FRAMED),
            ("tone", TONES),
            ("normal_bits", NORMAL_BITS),
        ):
            if getattr(self, name) not in table:
                raise ValueError(f"{name}: expected one of {', '.join(map(str, table))}, got {getattr(self, name)!r}")
        object.__setattr__(self, "more_sizes", tuple(self.more_sizes))
        if self.views < 1 or min(self.sizes) < 8:
            raise ValueError(
                f"views, size: expected at least 1 view and 8 pixels, got {self.views} and {min(self.sizes)}"
            )
        if len(set(self.sizes)) < len(self.sizes):
            raise ValueError(f"size: expected each one once, got {' '.join(map(str, self.sizes))}")
        if self.light_per == "view" and (isinstance(LIGHTS[self.light], Light) or self.tone == "paper"):
            raise ValueError(
                f"light_per: expected a light that is drawn (environment, sky, random) and the tone srgb, got "
                f"{self.light!r}, {self.tone!r}"
            )
        if isinstance(self.hdri, dict):  # as a sidecar records it
            object.__setattr__(self, "hdri", HdrFolder(**self.hdri))
        if self.light == "environment" and self.hdri is None:
            raise ValueError("hdri: expected a folder of .hdr files for the light environment, got none")
        if (self.light not in ("uniform", "studio") or self.tone != "srgb") and self.renderer == "pyrender":
            raise ValueError(
                f"light, tone: {self.renderer} draws uniform or studio in srgb, got {self.light!r}, {self.tone!r}; "
                f"expected another renderer"
            )
        codecs.check_quality(self.codec, self.quality)
        object.__setattr__(self, "passes", check_passes(self.passes))
        if self.rig == "gso-64":
            object.__setattr__(self, "views", 64)

    @property
    def sizes(self) -> tuple[int, ...]:
        return (self.size, *self.more_sizes)

    def cameras(self, rng: Rng, points: Callable = lambda: CUBE) -> Cameras:
        """The cameras for an object; points() gives what must be in the picture, [N, 3]."""
        cameras = RIGS[self.rig](rng, self, points)
        return framed(cameras, points()) if self.rig in FRAMED[self.framed] else cameras

    def lights(self, rng: Rng) -> list[Light]:
        """One for all views, or one for each."""
        streams = [rng] if self.light_per == "object" else [rng.child("view", view) for view in range(self.views)]
        return [replace(LIGHTS[self.light].draw(stream, self.hdri), tone=self.tone) for stream in streams]


@dataclass
class Made:
    """What a worker returns for one index: a sample, or the reason there is none."""

    index: int
    label: str
    key: str = ""
    fields: dict[str, bytes] = field(default_factory=dict)
    reason: str = ""
    redraws: dict[str, int] = field(default_factory=dict)  # reason -> draws of the grammar that were replaced
    seconds: dict[str, float] = field(default_factory=dict)  # CPU, by stage


@dataclass
class Summary:
    """What a run did: samples written and found, failures, draws the grammar replaced, CPU seconds by stage."""

    written: int = 0
    kept: int = 0
    failed: list[dict] = field(default_factory=list)
    redraws: Counter = field(default_factory=Counter)
    seconds: Counter = field(default_factory=Counter)
    wall: float = 0.0
    left: list[Shard] = field(default_factory=list)  # shards of the plan that other processes still have to make

    def add(self, made: Made) -> None:
        self.written += not made.reason
        self.failed += [failure(made)] if made.reason else []
        self.redraws.update(made.redraws)
        self.seconds.update(made.seconds)


@functools.cache
def _backend(name: str):
    return renderers.load(name)  # one per worker process: OpenGL contexts cannot be shared or pickled


def make_sample(source, spec: RenderSpec, index: int) -> Made:
    """One object from its index to encoded fields. An object that cannot be made comes back with its reason."""
    made = Made(index, source.label(index))
    clock = _Clock(made.seconds)
    try:
        asset = source.make(index)
        clock.lap("generate")
        cameras = spec.cameras(source.stream(index).child("cameras"), lambda: hull(asset))
        lights = spec.lights(source.stream(index).child("light"))
        clock.lap("render")
        shots, drawn = shots_of(cameras, lights, spec.sizes)
        for (size, view), images in zip(
            drawn, renderers.views(_backend(spec.renderer), asset, shots, spec.passes), strict=True
        ):
            clock.lap("render")
            made.fields |= pictures(images, view, spec, size)
            clock.lap("encode")
    except AssetError as error:  # of a file, or of a grammar that found nothing worth keeping (solid.Rejected)
        made.reason, made.fields = str(error), {}
        return made
    except Exception as error:
        raise FarmError(f"{made.label}: {type(error).__name__}: {error}") from error
    made.key = asset.uid
    made.redraws = asset.provenance.get("rejected", {})
    made.fields |= described(asset, cameras, lights, spec)
    clock.lap("encode")
    return made


def shots_of(
    cameras: Cameras, lights: list[Light], sizes: tuple[int, ...]
) -> tuple[list[tuple[Cameras, Light]], list[tuple[int, int]]]:
    """What to draw, pairs (cameras, light), and the (size, view) of each picture that comes of it, in an order that
    sets up each light once.

    Every size is drawn anew. Shrinking the first one would do for colour, but no label: the centre of a small pixel
    lies between four large ones, so that depth and normals would be means across edges, and a part the vote of its
    neighbours.
    """
    seen = [cameras.resized(size, size) for size in sizes]
    views = range(len(cameras))
    if len(lights) == 1:
        return [(each, lights[0]) for each in seen], [(size, view) for size in sizes for view in views]
    return [(each[[view]], lights[view]) for view in views for each in seen], [
        (size, view) for view in views for size in sizes
    ]


def hull(asset: Asset):
    """The vertices [N, 3] of the convex hull; all vertices of an object without volume, which has none."""
    from scipy.spatial import ConvexHull, QhullError

    points = np.concatenate([mesh.vertices for mesh in asset.scene.geometry.values()])
    try:
        return points[ConvexHull(points).vertices]
    except QhullError:
        return points


def pictures(images: dict, view: int, spec: RenderSpec, size: int) -> dict[str, bytes]:
    """The rendered passes of one view -> fields of the sample."""
    files = codecs.files(spec.passes, spec.codec, None if size == spec.size else size)
    fields = {}
    for name, file in files.items():
        image = quantise(name, images[name], spec.normal_bits)
        if name == "rgb" and "alpha" not in files:
            image = with_alpha(image, images["alpha"])
        fields[file.format(view=view)] = codecs.encode(name, image, spec.codec, spec.quality)
    return fields


def described(asset: Asset, cameras: Cameras, lights: list[Light], spec: RenderSpec) -> dict[str, bytes]:
    """What is known of the object -> the other fields of the sample."""
    files = codecs.files(spec.passes, spec.codec)
    other_sizes = [
        {"image_size": [size, size], "files": codecs.files(spec.passes, spec.codec, size)} for size in spec.more_sizes
    ]
    fields = {
        "json": canonical(
            {
                "format": SAMPLE_FORMAT,
                "uid": asset.uid,
                "caption": asset.caption,
                "parts": list(asset.parts),
                "image_size": [cameras.width, cameras.height],
                "views": len(cameras),
                "passes": list(spec.passes),
                "files": files,
                "conventions": CONVENTIONS.format(half=np.iinfo(NORMAL_BITS[spec.normal_bits]).max / 2)
                + (OTHER_SIZES if other_sizes else ""),
                "cameras": {"c2w": cameras.c2w.tolist(), "intrinsics": cameras.intrinsics.tolist()},
                "depth_unit": DEPTH_UNIT,
                "light": spec.light,
                "rig": spec.rig,
                "renderer": spec.renderer,
                # free-form values as JSON strings: the Hugging Face loader wants the same types in every sample
                # (facts/ecosystem.md §3.1)
                "recipe": json.dumps(asset.recipe, sort_keys=True),
                "provenance": json.dumps(asset.provenance, sort_keys=True),
                "labels": json.dumps(asset.labels, sort_keys=True),
                "light_drawn": lights[0].record()
                if len(lights) == 1
                else f"[{', '.join(light.record() for light in lights)}]",
                **({"other_sizes": other_sizes} if other_sizes else {}),
            }
        )
    }
    if spec.meshes:
        fields["mesh.glb"] = glb_bytes(asset)
    return fields | asset.files


class _Clock:
    """CPU seconds of this process between laps."""

    def __init__(self, seconds: dict):
        self.seconds = seconds
        self.mark = time.process_time()

    def lap(self, stage: str) -> None:
        now = time.process_time()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self.mark
        self.mark = now


# -------------------------------------------------------------------------------------------------------------- the run

# with so many shards per worker, workers write whole shards: no sample travels, and the last ones cost little waiting
MANY = 8
QUARANTINED = "crashed a worker twice"
_ADVICE = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.EROFS: "choose an --out that can be written",
    errno.EACCES: "choose an --out that can be written",
    errno.EPERM: "choose an --out that can be written",
    errno.EEXIST: "choose an --out that is no file",
    errno.ENOTDIR: "choose an --out that is no file",
}


def _ignore(made: Sequence[Made]) -> None:
    pass


def told_on(bar) -> Callable[[Sequence[Made]], None]:
    """An `on_made` that names failures on a bar of zeroverse.core.progress, and counts objects and the reasons of
    replaced draws.
    """
    reasons = Counter()

    def on_made(made: Sequence[Made]) -> None:
        for one in made:
            if one.reason:
                bar.write(f"failed: {one.label}: {one.reason}")
            reasons.update(one.redraws, failed=bool(one.reason))
        bar.counts(reasons)
        bar.update(len(made))

    return on_made


def generate(
    plan: Plan,
    workers: int,
    on_made: Callable[[Sequence[Made]], None] = _ignore,
    engine: str = "loky",
    address: str | None = None,
) -> Summary:
    """Make this process's missing shards of the plan; when all of the plan are there, write the folder's index and
    card.

    `on_made` hears of objects as they are done: of one, or where workers write whole shards of a shard's. Objects are
    written in the order of their indices, so the bytes depend neither on `workers` nor on the engine. Kill it at any
    moment: finished shards stay, and the same call makes the rest. Raises FarmError.
    """
    began = time.perf_counter()
    with _errors_of(plan):
        plan.out.prepare()
        plan.out.sweep()
    todo = plan.todo()
    objects = sum(len(shard.indices) for shard in todo)
    summary = Summary(kept=sum(len(shard.indices) for shard in plan.mine()) - objects)
    if todo:
        try:
            with engines.ENGINES[engine](min(workers, objects), address) as pool:
                for made in _made(plan, pool, todo, on_made):
                    summary.add(made)
        finally:
            plan.out.sweep()  # what dead workers had in hand
    summary.left = plan.missing() if plan.world_size > 1 else []
    if not summary.left:
        with _errors_of(plan):
            _finish(plan.out)
    summary.wall = time.perf_counter() - began
    return summary


def _finish(store: Store) -> None:
    """The index, and the card where the index changed."""
    before = store.read(DATASET_FILE) if DATASET_FILE in store.sizes() else b""
    index = write_index(store)
    if store.read(DATASET_FILE) != before or card.README not in store.sizes():
        card.write_card(store, index)


def _made(plan: Plan, pool: engines.Pool, todo: list[Shard], on_made) -> Iterator[Made]:
    """Makes the shards and tells what became of each object. Shards whose worker died are made again, object by object:
    that finds the culprit.
    """
    if pool.shards or len(todo) >= MANY * pool.workers > MANY:
        lost = []
        for shard, made in engines.run(
            pool, functools.partial(make_shard, plan), todo, alone=0, spare=1, ahead=len(todo)
        ):
            if made is engines.DIED:
                lost.append(shard)
                continue
            on_made(made)
            yield from made
        todo = lost
    stream = _objects(plan, pool, [index for shard in todo for index in shard.indices])
    for shard in todo:
        yield from make_shard(plan, shard, itertools.islice(stream, len(shard.indices)), on_made)


def _objects(plan: Plan, pool: engines.Pool, indices: list[int]) -> Iterator[Made]:
    for index, made in engines.run(pool, functools.partial(make_sample, plan.source, plan.spec), indices):
        yield Made(index, plan.source.label(index), reason=QUARANTINED) if made is engines.DIED else made


def make_shard(
    plan: Plan, shard: Shard, stream: Iterable[Made] | None = None, on_made: Callable[[Sequence[Made]], None] = _ignore
) -> list[Made]:
    """Write one shard, of the objects in `stream` or of those made here; returns what became of each, without its
    fields.
    """
    stream = (make_sample(plan.source, plan.spec, index) for index in shard.indices) if stream is None else stream
    done, failed, redraws = [], [], Counter()

    def samples():
        for made in stream:
            done.append(replace(made, fields={}))
            redraws.update(made.redraws)
            if made.reason:
                failed.append(failure(made) | {"seed": plan.source.seed})
            on_made([made])
            if not made.reason:
                yield made.key, made.fields

    stamp = {
        "dataset": plan.config,
        "indices": [shard.indices.start, shard.indices.stop],
        "failed": failed,
        "redraws": redraws,
        "written_by": writer(),
    }
    with _errors_of(plan):
        write_shard(plan.out, shard.name, samples(), stamp)  # stamp fills while the samples are drawn
    return done


def failure(made: Made) -> dict:
    return {"index": made.index, "name": made.label, "reason": made.reason}


@contextmanager
def _errors_of(plan: Plan):
    """What goes wrong with the folder becomes one sentence that names it and says how to go on."""
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno, "")
        advice = f"; {advice}" if advice else ""
        stays = (
            ""
            if error.errno in (errno.EEXIST, errno.ENOTDIR, errno.ENOENT)
            else ". Whole shards stay; the same command continues"
        )
        raise FarmError(f"{plan.out}: {error.strerror or error}{advice}{stays}") from error
