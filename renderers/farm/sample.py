"""One object: from its index to the encoded fields of its sample, or to the reason there is none."""

import functools
import json
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import trimesh

import renderers
from renderers.backends import Backend
from renderers.cameras import Cameras
from renderers.farm.plan import TOLERANT, Care, FarmError
from renderers.farm.spec import RenderSpec
from renderers.lighting import Light
from renderers.passes import DEPTH_UNIT, NORMAL_BITS, quantise, with_alpha
from renderers.shards import SAMPLE_FORMAT, canonical, codecs
from renderers.sources import Source
from renderers.sources.objaverse import Unavailable
from zeroverse.asset import Asset, AssetError, glb_bytes
from zeroverse.core.limits import TooSlow, time_limit
from zeroverse.core.rng import Rng

CONVENTIONS = (
    "camera: OpenCV c2w (+x right, +y down, +z forward); intrinsics: fx fy cx cy in pixels, pixel centres at +0.5; "
    "world: right-handed, +Z up; "
    "depth: z along the optical axis, value * depth_unit, 0 = no surface; normal: world frame, value / {half} - 1; "
    "rgb: sRGB, straight alpha"
)
OTHER_SIZES = (
    "; other_sizes: the same views drawn again, labels exact; their intrinsics are these times their width / this width"
)


LONGEST_REASON = 500  # characters: a reason may quote a file


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


@functools.cache
def _backend(name: str) -> Backend:
    return renderers.load(name)  # one per worker process: OpenGL contexts cannot be shared or pickled


def make_sample(source: Source, spec: RenderSpec, index: int, care: Care = TOLERANT, note: Path | None = None) -> Made:
    """Returns one object, from its index to encoded fields. An object that cannot be made comes back with its reason.

    Whatever a foreign file provokes is its own failure; anything but an AssetError from one of our own grammars is a
    bug, and raises FarmError. So do failures that no object has a part in: of the renderer, the light, the network.
    note: where `time_limit` may leave a note.
    """
    made = Made(index, source.label(index))
    try:
        backend = _backend(spec.renderer)
        lights = spec.lights(source.stream(index).child("light"))
    except Exception as error:
        raise _stops(made, error) from error
    if care.timeout is not None:
        _compiled(spec)
    try:
        with time_limit(care.timeout, note):
            _fill(made, source, spec, backend, lights)
    except AssetError as error:  # of a file, or of a grammar that found nothing worth keeping (solid.Rejected)
        return _failed(made, str(error), care.skips or not source.foreign)
    except TooSlow as error:
        return _failed(made, str(error), care.skips)
    except Unavailable as error:
        raise _stops(made, error.__cause__ or error) from error
    except Exception as error:
        if not (source.foreign and care.skips):
            raise _stops(made, error) from error
        return _failed(made, f"{type(error).__name__}: {error}", True)
    return made


@functools.cache
def _compiled(spec: RenderSpec) -> None:
    """Renders a small object once in a process, so that compiling kernels counts against no object's limit."""
    make_sample(_Box(), replace(spec, size=16, more_sizes=()), 0)


class _Box:
    """A source of one plain object."""

    foreign = False

    def make(self, index: int) -> Asset:
        return Asset(trimesh.Scene({"box": trimesh.creation.box()}), "box")

    def label(self, index: int) -> str:
        return "a box"

    def stream(self, index: int) -> Rng:
        return Rng("box")


def _failed(made: Made, reason: str, is_counted: bool) -> Made:
    """The object without a sample, its reason on one line."""
    reason = " ".join(reason.split())[:LONGEST_REASON]
    if not is_counted:
        raise FarmError(f"{made.label}: {reason}")
    return Made(made.index, made.label, reason=reason, seconds=made.seconds)


def _stops(made: Made, error: BaseException) -> FarmError:
    return FarmError(f"{made.label}: {type(error).__name__}: {error}")


def _fill(made: Made, source: Source, spec: RenderSpec, backend: Backend, lights: list[Light]) -> None:
    clock = _Clock(made.seconds)
    asset = source.make(made.index)
    clock.lap("generate")
    cameras = spec.cameras(source.stream(made.index).child("cameras"), lambda: hull(asset))
    clock.lap("render")
    shots, drawn = shots_of(cameras, lights, spec.sizes)
    for (size, view), images in zip(drawn, backend.views(asset, shots, spec.passes), strict=True):
        clock.lap("render")
        made.fields |= pictures(images, view, spec, size)
        clock.lap("encode")
    made.key = asset.uid
    made.redraws = asset.provenance.get("rejected", {})
    made.fields |= described(asset, cameras, lights, spec)
    clock.lap("encode")


def shots_of(
    cameras: Cameras, lights: list[Light], sizes: tuple[int, ...]
) -> tuple[list[tuple[Cameras, Light]], list[tuple[int, int]]]:
    """Returns what to render, pairs (cameras, light), and the (size, view) of each picture that comes of it, in an
    order that sets up each light once.

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
    """Returns the vertices [N, 3] of the convex hull; all vertices of an object without volume, which has none."""
    from scipy.spatial import ConvexHull, QhullError

    points = np.concatenate([mesh.vertices for mesh in asset.scene.geometry.values()])
    try:
        return points[ConvexHull(points).vertices]
    except QhullError:
        return points


def pictures(images: dict, view: int, spec: RenderSpec, size: int) -> dict[str, bytes]:
    """Returns the fields of the sample that hold the rendered passes of one view."""
    files = codecs.files(spec.passes, spec.codec, None if size == spec.size else size)
    fields = {}
    for name, file in files.items():
        image = quantise(name, images[name], spec.normal_bits)
        if name == "rgb" and "alpha" not in files:
            image = with_alpha(image, images["alpha"])
        fields[file.format(view=view)] = codecs.encode(name, image, spec.codec, spec.quality)
    return fields


def described(asset: Asset, cameras: Cameras, lights: list[Light], spec: RenderSpec) -> dict[str, bytes]:
    """Returns the other fields of the sample: what is known of the object."""
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
                # (`docs/papers.md`, Ecosystem)
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
