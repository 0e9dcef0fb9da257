"""The default backend: a numba rasteriser with deferred shading. pip-only, one thread, the same pixels on any x86-64
machine.

Per call: geometry, mip-maps, occlusion, shadow maps. Per view: a visibility buffer (pixel centres for labels, and more
samples for colour), then every covered pixel is shaded once; only pixels whose samples see different surfaces are
shaded once per surface. Exact operations only (+ - * / sqrt floor) and `zeroverse.core.portable`: no fastmath, no BLAS,
no transcendentals on the way to pixels.
"""

from collections.abc import Container, Iterator, Sequence

import numba
import numpy as np

from renderers.backends import Backend
from renderers.cameras import Cameras
from renderers.geometry import Geometry, geometry_of
from renderers.geometry.arrays import Scene, scene_of
from renderers.geometry.textures import srgb_tables
from renderers.lighting import Light, paper_tone
from renderers.passes import DEFAULT_PASSES, PASSES, check_passes
from renderers.raster.deferred import Frame, Images, fragments_buffer, resolve
from renderers.raster.shading import LightArrays, lit_scene, relit
from renderers.raster.visibility import faces_buffer, mark_edges, sample_visibility, to_camera, visibility
from zeroverse.asset import Asset

# One sample in each row and column of an 8 x 8 grid (Direct3D's standard pattern): edges in nine levels
SAMPLES = np.array(
    [(0.5 + x / 16, 0.5 + y / 16) for x, y in ((1, -3), (-1, 3), (5, 1), (-3, -5), (-5, 5), (-7, -1), (3, 7), (7, -7))]
)


def describe() -> str:
    return f"numba {numba.__version__}, no system libraries"


class Renderer(Backend):
    """Stateless between calls; see `renderers` for the contract."""

    name = "cpu"

    def render(self, asset: Asset, cameras: Cameras, light: Light, passes=DEFAULT_PASSES) -> dict[str, np.ndarray]:
        """Returns {name: [V, H, W, C]} as `passes.PASSES` states, and nothing that was not asked for. Raises
        AssetError, ValueError.
        """
        wanted = check_passes(passes)
        return _render_all(_loaded(asset, wanted, [light]), cameras, light, wanted)

    def views(
        self, asset: Asset, shots: Sequence[tuple[Cameras, Light]], passes=DEFAULT_PASSES
    ) -> Iterator[dict[str, np.ndarray]]:
        """Yields what `render` returns a view at a time, each in the memory of the one before: what the kernel takes to
        find fresh memory for all is a tenth to a third of the time of the whole call. The object is loaded, and its
        occlusion baked, once for all shots.
        """
        wanted = check_passes(passes)
        loaded = _loaded(asset, wanted, [light for _, light in shots])
        for cameras, light in shots:
            if _toned_later(light, wanted):
                images = _render_all(loaded, cameras, light, wanted)
                places = range(len(cameras))
            else:
                images = _blank(wanted, cameras, 1)
                places = _render_each(loaded, cameras, light, images)
            for place in places:
                yield {name: image[place] for name, image in images.items()}


def _toned_later(light: Light, wanted: Container[str]) -> bool:
    return light.tone == "paper" and "rgb" in wanted


def _blank(wanted, cameras: Cameras, count: int) -> dict[str, np.ndarray]:
    return {
        name: np.zeros((count, cameras.height, cameras.width, PASSES[name].channels), PASSES[name].dtype)
        for name in wanted
    }


class _Loaded:
    """What no view and no light needs anew, and the light of the last shot."""

    def __init__(self, geometry: Geometry, scene: Scene, light: Light, lights: LightArrays):
        self.geometry, self.scene, self._light, self._lights = geometry, scene, light, lights

    def lights(self, light: Light, colour: bool) -> LightArrays:
        if light is not self._light:
            self._light, self._lights = light, relit(self.scene, light, colour)
        return self._lights


def _loaded(asset: Asset, wanted: Container[str], lights: Sequence[Light]) -> _Loaded:
    colour = "rgb" in wanted
    directional = colour and any(light.directional for light in lights)
    geometry = geometry_of(asset, bumped=directional)
    scene = scene_of(
        geometry,
        textured=any(PASSES[name].textured for name in wanted),
        bumped=directional,
        rough=directional or "metallic_roughness" in wanted,
        merged=True,
    )
    return _Loaded(geometry, scene, lights[0], lit_scene(scene, lights[0], geometry.closed, colour))


def _render_all(loaded: _Loaded, cameras: Cameras, light: Light, wanted: tuple[str, ...]) -> dict[str, np.ndarray]:
    images = _blank(wanted, cameras, len(cameras))
    if _toned_later(light, wanted):
        images["rgb"] = np.zeros(images["rgb"].shape, np.float32)  # linear radiance: the rule needs all views
    for _ in _render_each(loaded, cameras, light, images):
        pass
    if _toned_later(light, wanted):
        images["rgb"] = paper_tone(images["rgb"], images["alpha"])
    return images


def _render_each(loaded: _Loaded, cameras: Cameras, light: Light, images: dict[str, np.ndarray]) -> Iterator[int]:
    """Draw view after view into images [K, H, W, C], the first K and then again from the first; yields each one's
    place.
    """
    geometry, scene, lights = loaded.geometry, loaded.scene, loaded.lights(light, "rgb" in images)
    buffers = _Buffers(scene, cameras)
    low, high = geometry.vertices.min(axis=0), geometry.vertices.max(axis=0)
    count, drawn = len(images[next(iter(images))]) if images else 1, {}
    for view in range(len(cameras)):
        place = view % count
        if view >= count:
            _clear(images, place, drawn[place])
        outside = bool(((cameras.centers[view] < low) | (cameras.centers[view] > high)).any())
        out = Images(
            *(
                images[name][place].reshape(-1, row.channels)
                if name in images
                else np.zeros((0, row.channels), row.dtype)
                for name, row in PASSES.items()
            )
        )
        drawn[place] = _draw(
            scene, lights, cameras.c2w[view], cameras.intrinsics[view], geometry.closed and outside, buffers, out
        )
        yield place


def _clear(images: dict[str, np.ndarray], place: int, bounds: tuple[int, int, int, int]) -> None:
    """Forget what was drawn within bounds; most of a frame is empty, and to write all of it costs several milliseconds
    an object.
    """
    y0, y1, x0, x1 = bounds
    for image in images.values():
        image[place, y0:y1, x0:x1] = 0


class _Buffers:
    """Arrays that every view of a call reuses."""

    def __init__(self, scene: Scene, cameras: Cameras):
        height, width = cameras.height, cameras.width
        self.camera, self.pixel = np.empty((len(scene.vertices), 3)), np.empty((len(scene.vertices), 2))
        self.faces = faces_buffer(len(scene.faces))
        self.inverse_depth, self.index = np.empty((height, width), np.float32), np.empty((height, width), np.int32)
        self.slots, self.pixels = np.empty((height, width), np.int32), np.empty(height * width, np.int32)
        self.busy, self.batch = np.empty(((height + 7) // 8, (width + 7) // 8), np.bool_), fragments_buffer()


def _draw(scene, lights, c2w, intrinsics, cull, at, images) -> tuple[int, int, int, int]:
    """One view; returns the rows and columns (y0, y1, x0, x1) outside which nothing was written."""
    bounds = to_camera(scene.vertices, c2w, intrinsics, at.index.shape[1], at.index.shape[0], at.camera, at.pixel)
    at.inverse_depth[:] = 0.0
    at.index[:] = -1
    rows = visibility(scene, at.camera, at.pixel, intrinsics, cull, at.inverse_depth, at.index, at.faces)
    count, seen, depths = 0, np.zeros((0, len(SAMPLES)), np.int32), np.zeros((0, len(SAMPLES)), np.float32)
    if len(images.rgb):
        count = mark_edges(
            scene, at.camera, at.pixel, at.faces, rows, at.index, at.inverse_depth, bounds, at.slots, at.busy, at.pixels
        )
        seen = np.full((count, len(SAMPLES)), -1, np.int32)
        depths = np.zeros(seen.shape, np.float32)
        sample_visibility(scene, at.faces, rows, SAMPLES, at.slots, at.busy, depths, seen)
    frame = Frame(c2w, intrinsics, at.faces, at.index, SAMPLES, at.slots, depths, seen)
    resolve(scene, frame, lights, srgb_tables()[1], bounds, at.pixels[:count], at.batch, images)
    return bounds
