"""Indices -> shards: objects made and rendered in parallel, written in order, resumable; what fails is counted and named."""
import functools
import json
import os
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

import joblib

import renderers
from renderers import png
from renderers.camera import RADII, Cameras, gso64, sphere_shell, turntable
from renderers.lighting import LIGHTS
from renderers.passes import DEFAULT_PASSES, DEPTH_UNIT, PASSES, check_passes, quantise
from renderers.shards import DATASET_FILE, DATASET_FORMAT, SAMPLE_FORMAT, canonical, read_sidecar, sidecars, write_shard, write_whole
from zeroverse.asset import Asset, AssetError, glb_bytes
from zeroverse.rng import Rng

RIGS = {  # name -> cameras for one object
    "sphere": lambda rng, spec: sphere_shell(rng, spec.views, spec.size, RADII[spec.radius]),
    "gso-64": lambda rng, spec: gso64(spec.size),
    "turntable": lambda rng, spec: turntable(spec.views, spec.size),
}
CONVENTIONS = ("camera: OpenCV c2w (+x right, +y down, +z forward); intrinsics: fx fy cx cy in pixels, pixel centres at +0.5; world: right-handed, +Z up; "
               "depth: z along the optical axis, value * depth_unit, 0 = no surface; normal: world frame, value / 127.5 - 1; rgb: sRGB, straight alpha")


class FarmError(RuntimeError):
    """The run cannot go on; the message says what to do. Whole shards stay."""


@dataclass(frozen=True)
class RenderSpec:
    """How each object is seen. Everything here changes the bytes, so all of it is in the shards."""

    views: int = 32
    size: int = 256
    rig: str = "sphere"
    radius: str = "paper"
    light: str = "uniform"
    renderer: str = "cpu"
    passes: tuple[str, ...] = DEFAULT_PASSES
    meshes: bool = False

    def __post_init__(self):
        for name, table in (("rig", RIGS), ("radius", RADII), ("light", LIGHTS)):
            if getattr(self, name) not in table:
                raise ValueError(f"{name}: expected one of {', '.join(table)}, got {getattr(self, name)!r}")
        if self.views < 1 or self.size < 8:
            raise ValueError(f"views, size: expected at least 1 view and 8 pixels, got {self.views} and {self.size}")
        object.__setattr__(self, "passes", check_passes(self.passes))
        if self.rig == "gso-64":
            object.__setattr__(self, "views", 64)

    def cameras(self, rng: Rng) -> Cameras:
        return RIGS[self.rig](rng, self)


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
        cameras = spec.cameras(source.stream(index).child("cameras"))
        images = _backend(spec.renderer).render(asset, cameras, LIGHTS[spec.light], spec.passes)
        clock.lap("render")
    except AssetError as error:
        made.reason = str(error)
        return made
    except Exception as error:
        raise FarmError(f"{made.label}: {type(error).__name__}: {error}") from error
    made.key = asset.uid
    made.redraws = asset.provenance.get("rejected", {})
    made.fields = encode(asset, cameras, images, spec)
    clock.lap("encode")
    return made


def encode(asset: Asset, cameras: Cameras, images: dict, spec: RenderSpec) -> dict[str, bytes]:
    """Rendered passes and what is known of the object -> the fields of a sample."""
    fields = {}
    for name in spec.passes:
        if name == "alpha":
            continue  # stored in rgb
        for view in range(len(cameras)):
            image = quantise(name, images[name][view])
            if name == "rgb":
                image = _with_alpha(image, images["alpha"][view])
            fields[PASSES[name].file.format(view=view)] = png.encode(image)
    fields["json"] = canonical({
        "format": SAMPLE_FORMAT, "uid": asset.uid, "caption": asset.caption, "parts": list(asset.parts),
        "image_size": [cameras.width, cameras.height], "views": len(cameras), "passes": list(spec.passes), "conventions": CONVENTIONS,
        "cameras": {"c2w": cameras.c2w.tolist(), "intrinsics": cameras.intrinsics.tolist()}, "depth_unit": DEPTH_UNIT,
        "light": spec.light, "rig": spec.rig, "renderer": spec.renderer,
        # free-form values as JSON strings: the Hugging Face loader wants the same types in every sample (facts/ecosystem.md §3.1)
        "recipe": json.dumps(asset.recipe, sort_keys=True), "provenance": json.dumps(asset.provenance, sort_keys=True),
    })
    if spec.meshes:
        fields["mesh.glb"] = glb_bytes(asset)
    return fields


def _with_alpha(rgb, alpha):
    import numpy as np
    return np.concatenate([rgb, alpha], axis=-1)


class _Clock:
    """CPU seconds of this process between laps."""

    def __init__(self, seconds: dict):
        self.seconds = seconds
        self.mark = time.process_time()

    def lap(self, stage: str) -> None:
        now = time.process_time()
        self.seconds[stage] = now - self.mark
        self.mark = now


# ------------------------------------------------------------------------------------------------------------------------ the folder


@dataclass(frozen=True)
class Plan:
    """The shards of a run: shard k of a source holds the indices from k * shard_size, whatever the run starts with."""

    out: Path
    source: object
    spec: RenderSpec
    start: int
    count: int
    shard_size: int

    @functools.cached_property
    def config(self) -> dict:
        """All that the bytes of a shard depend on."""
        return json.loads(canonical({"source": self.source.config(), "render": asdict(self.spec), "shard_size": self.shard_size}))

    def shards(self) -> list[tuple[Path, range]]:
        stop = self.start + self.count
        numbers = range(self.start // self.shard_size, -(-stop // self.shard_size))
        return [(self.out / f"{self.source.name}-{number:06d}.tar",
                 range(max(self.start, number * self.shard_size), min(stop, (number + 1) * self.shard_size))) for number in numbers]

    def missing(self) -> list[tuple[Path, range]]:
        """The shards that are not there whole. Raises FarmError when the folder holds something this run would spoil."""
        return [(path, indices) for path, indices in self.shards() if not self._is_done(path, indices)]

    def _is_done(self, path: Path, indices: range) -> bool:
        sidecar_path = path.with_suffix(".json")
        if not (path.exists() and sidecar_path.exists()):
            return False
        sidecar = read_sidecar(sidecar_path)
        if sidecar["dataset"] != self.config:
            raise FarmError(f"{path}: made with other settings ({_difference(sidecar['dataset'], self.config)}); choose another --out or the same settings")
        first, stop = sidecar["indices"]
        if first < indices.start or stop > indices.stop:
            raise FarmError(f"{path}: holds objects {first} to {stop - 1}, this run asks for {indices.start} to {indices.stop - 1} and would drop some; "
                            "choose another --out, or a --start and --count that include them")
        return (first, stop) == (indices.start, indices.stop) and path.stat().st_size == sidecar["bytes"]


def _difference(old: dict, new: dict, prefix: str = "") -> str:
    """The first setting in which two configurations differ, in words."""
    for key in sorted(old.keys() | new.keys()):
        a, b = old.get(key), new.get(key)
        if isinstance(a, dict) and isinstance(b, dict) and a != b:
            return _difference(a, b, f"{prefix}{key}.")
        if a != b:
            return f"{prefix}{key}: {a} there, {b} asked for"
    return "equal"


def generate(plan: Plan, workers: int, on_made: Callable[[Made], None] = lambda made: None) -> Summary:
    """Make every missing shard of the plan, then write the folder's index. `on_made` hears of each object as it is done.

    Objects are made in parallel and written in the order of their indices, so the bytes do not depend on `workers`. Kill it at any
    moment: finished shards stay, and the same call makes the rest.
    """
    began = time.perf_counter()
    plan.out.mkdir(parents=True, exist_ok=True)
    _sweep(plan.out)
    missing = plan.missing()
    summary = Summary(kept=plan.count - sum(len(indices) for _, indices in missing))
    with closing(_made_in_order(plan, [index for _, indices in missing for index in indices], workers)) as stream:
        for path, indices in missing:
            _make_shard(plan, path, indices, stream, summary, on_made)
    write_index(plan.out)
    summary.wall = time.perf_counter() - began
    return summary


def _make_shard(plan: Plan, path: Path, indices: range, stream: Iterator[Made], summary: Summary, on_made) -> None:
    failed, redraws = [], Counter()

    def samples():
        for _ in indices:
            made = next(stream)
            summary.seconds.update(made.seconds)
            redraws.update(made.redraws)
            if made.reason:
                failed.append({"index": made.index, "name": made.label, "reason": made.reason})
            on_made(made)
            if not made.reason:
                yield made.key, made.fields

    stamp = {"dataset": plan.config, "indices": [indices.start, indices.stop], "failed": failed, "redraws": redraws}
    sidecar = write_shard(path, samples(), stamp)  # stamp fills while the samples are drawn
    summary.written += len(sidecar["samples"])
    summary.failed += failed
    summary.redraws.update(redraws)


def _made_in_order(plan: Plan, indices: list[int], workers: int) -> Iterator[Made]:
    if workers == 1 or len(indices) < 2:
        yield from (make_sample(plan.source, plan.spec, index) for index in indices)
        return
    with joblib.parallel_config(backend="loky", n_jobs=min(workers, len(indices)), inner_max_num_threads=1):
        parallel = joblib.Parallel(return_as="generator", pre_dispatch="3*n_jobs", batch_size=1)
        try:
            yield from parallel(joblib.delayed(make_sample)(plan.source, plan.spec, index) for index in indices)
        except joblib.externals.loky.process_executor.TerminatedWorkerError as error:
            raise FarmError("a worker process died (out of memory, or killed); finished shards stay, the same command continues. "
                            "If it dies again at the same object, use fewer --workers") from error


def _sweep(folder: Path) -> None:
    """Remove the temporary files that killed runs of this machine left; those of a live process or another machine stay."""
    for path in folder.glob(f"*.tmp-{socket.gethostname()}-*"):
        pid = path.name.rsplit("-", 1)[1]
        if pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
            path.unlink(missing_ok=True)


def write_index(folder: Path) -> dict:
    """`dataset.json`: the whole shards of the folder with their hashes, failures and settings; written last, it means the run finished."""
    shards = [read_sidecar(path) for path in sidecars(folder)]
    index = {
        "format": DATASET_FORMAT,
        "config": shards[0]["dataset"] if shards else {},
        "shards": [{"name": shard["shard"], "samples": len(shard["samples"]), "bytes": shard["bytes"], "sha256": shard["sha256"]} for shard in shards],
        "samples": sum(len(shard["samples"]) for shard in shards),
        "failed": [row for shard in shards for row in shard["failed"]],
        "redraws": sum((Counter(shard["redraws"]) for shard in shards), Counter()),
    }
    write_whole(folder / DATASET_FILE, json.dumps(index, indent=1, sort_keys=True).encode())
    return index
