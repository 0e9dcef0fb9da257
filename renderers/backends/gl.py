"""OpenGL through moderngl on EGL: for GPUs. The same triangles, occlusion, shadow maps, textures, shading model and
labels as `cpu`.

Visibility is drawn nine times, for the pixels' centres and for each of cpu's eight samples, into one 3 x 3 picture of
face numbers; one pass over the screen then does for every pixel what `deferred.resolve` does (shaders/resolve.frag).
Objects go over as storage buffers, so parts and textures cost no draw calls. Single precision: pixels agree with `cpu`
within tolerances (tests/test_backends.py), not to the bit, and may differ between drivers. One context per process,
made when it is first needed; several processes share a GPU.
"""

import os
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import numpy as np

from renderers.backends import Backend
from renderers.backends.cpu import SAMPLES
from renderers.cameras import Cameras
from renderers.geometry import geometry_of
from renderers.geometry.arrays import Scene, scene_of
from renderers.geometry.normals import CREASE_COS
from renderers.lighting import Light, paper_tone
from renderers.lighting.environment import ROUGHNESS, SIZES
from renderers.passes import DEFAULT_PASSES, PASSES, check_passes
from renderers.raster.occlusion import LIFT
from renderers.raster.shading import SHARPEST, TAPS, WIDEST, LightArrays, lit_scene
from renderers.raster.visibility import NEAR, SAME_DEPTH
from zeroverse.asset import Asset, AssetError

DEVICE, SOFTWARE = (
    "VERSE_GL_DEVICE",
    "VERSE_GL_SOFTWARE",
)  # environment: which EGL device; 1 = a software device will do
MISSING = (
    "gl: {}; expected: pip install moderngl==5.13.0, a GPU driver with EGL (containers: "
    "NVIDIA_DRIVER_CAPABILITIES=graphics,utility,compute), "
    "and on Debian: apt-get install libegl1 libgl1"
)
SOFTWARE_NAMES = ("llvmpipe", "softpipe", "swrast", "swiftshader", "software")
TARGETS = (  # name in the shader, the passes it holds, channels, moderngl's type
    ("COLOR", {"rgb", "alpha"}, 4, "f1"),
    ("SHAPE", {"depth", "normal"}, 4, "f4"),
    ("ALBEDO", {"albedo"}, 4, "f1"),
    ("LABELS", {"metallic_roughness", "part"}, 2, "u2"),
)
NUMPY = {"f1": np.uint8, "f4": np.float32, "u2": np.uint16}
CONSTANTS = {
    "NEAR": NEAR,
    "SAME_DEPTH": SAME_DEPTH,
    "CREASE_COS": CREASE_COS,
    "LIFT": LIFT,
    "TAPS": TAPS,
    "WIDEST": WIDEST,
    "SHARPEST": SHARPEST,
    "LEVELS": len(SIZES),
    "LEVEL_SIZES": ", ".join(map(str, SIZES)),
    "LEVEL_STEP": ROUGHNESS,
}  # of the kernels, for the shaders
MIRROR_ROW = 512  # texels a row of the texture that holds a surround's mirror maps
GRID = 3  # layers of visibility side by side: 1 + 8 samples

_shared = None  # contexts cannot be pickled and do not survive a fork


def describe() -> str:
    """The device that draws here. Raises RuntimeError naming what is missing."""
    context = _context(None)
    return f"moderngl {context.version} on {context.renderer} (EGL device {context.device})"


def release() -> None:
    """Give the context back; the next render makes a new one. Call it in the thread that rendered."""
    global _shared
    if _shared is not None:
        _shared.gl.release()
        _shared = None


def _context(device: int | None) -> "_Context":
    global _shared
    device = _device() if device is None else device
    if _shared is None:
        _shared = _Context(device)
    if _shared.device != device:
        raise ValueError(
            f"device: expected {_shared.device}, which this process draws on, got {device}; gl.release() gives it back"
        )
    return _shared


def _device() -> int:
    text = os.environ.get(DEVICE, "0")
    if not text.isdecimal():
        raise ValueError(f"{DEVICE}: expected the number of an EGL device, 0 or more, got {text!r}")
    return int(text)


class _Context:
    """One EGL context and the programs compiled in it."""

    def __init__(self, device: int):
        os.environ.setdefault("LP_NUM_THREADS", "1")  # workers are processes
        try:
            import moderngl
        except ImportError as error:
            raise RuntimeError(MISSING.format(error)) from error
        try:
            self.gl = moderngl.create_context(
                standalone=True,
                backend="egl",
                require=430,
                device_index=device,
                libgl="libGL.so.1",
                libegl="libEGL.so.1",
            )
        except Exception as error:  # glcontext and moderngl raise plain Exceptions
            raise RuntimeError(MISSING.format(f"no context on EGL device {device}: {error}")) from error
        self.device, self.version, self.renderer = device, moderngl.__version__, self.gl.info["GL_RENDERER"]
        if any(name in self.renderer.lower() for name in SOFTWARE_NAMES) and os.environ.get(SOFTWARE) != "1":
            self.gl.release()
            raise RuntimeError(
                f"gl: EGL device {device} is {self.renderer}, which draws in software: the cpu backend is faster. "
                f"Expected a GPU: "
                f"{DEVICE}=N or --device N names another device, {SOFTWARE}=1 takes this one"
            )
        self.program = cache(self._program)

    def _program(self, vertex: str, *fragment: str, **defines):
        """The program of files in shaders/, with #defines."""
        head = "#version 430\n" + "".join(f"#define {name} {value}\n" for name, value in defines.items())
        return self.gl.program(
            vertex_shader=head + _source(vertex), fragment_shader=head + "".join(map(_source, fragment))
        )


def _source(name: str) -> str:
    return Path(__file__).with_name("shaders").joinpath(name).read_text(encoding="utf-8")


class Renderer(Backend):
    """See `renderers` for the contract. device: number of an EGL device; None: $VERSE_GL_DEVICE, else 0."""

    name = "gl"

    def __init__(self, device: int | None = None):
        self._context = _context(device)

    def render(self, asset: Asset, cameras: Cameras, light: Light, passes=DEFAULT_PASSES) -> dict[str, np.ndarray]:
        """{name: [V, H, W, C]} as `passes.PASSES` states. Raises AssetError, ValueError, RuntimeError when the device
        is too small for it.
        """
        wanted = check_passes(passes)
        if not isinstance(light, Light):
            raise ValueError(
                f"light {getattr(light, 'name', light)!r}: expected a Light, got {type(light).__name__}: draw it first"
            )
        geometry = geometry_of(asset)
        if geometry.unusual():
            raise ValueError(f"{asset.uid}: gl does not draw {', '.join(geometry.unusual())}; cpu does")
        scene = scene_of(
            geometry,
            textured=any(PASSES[name].textured for name in wanted),
            bumped="rgb" in wanted and light.directional,
        )
        lights = lit_scene(scene, light, geometry.closed, "rgb" in wanted)
        size = (len(cameras), cameras.height, cameras.width)
        images = {name: np.zeros((*size, PASSES[name].channels), PASSES[name].dtype) for name in wanted}
        toned_later = light.tone == "paper" and "rgb" in wanted
        if toned_later:
            images["rgb"] = np.zeros((*size, 3), np.float32)  # linear radiance: the rule needs all views
        with self._context.gl, ExitStack() as stack:
            job = _Job(
                self._context,
                stack,
                scene,
                lights,
                geometry.closed,
                (cameras.width, cameras.height),
                set(wanted),
                toned_later,
            )
            low, high = geometry.vertices.min(axis=0), geometry.vertices.max(axis=0)
            for view in range(len(cameras)):
                job.draw(cameras.c2w[view], cameras.intrinsics[view], low, high, view % 2)
                if view > 0:  # while the device draws this view, the last one is fetched
                    job.fetch((view - 1) % 2, images, view - 1)
            job.fetch((len(cameras) - 1) % 2, images, len(cameras) - 1)
        if toned_later:
            images["rgb"] = paper_tone(images["rgb"], images["alpha"])
        return images


class _Job:
    """One object on the device: its buffers, and the targets of one image size. `stack` releases them all."""

    def __init__(
        self,
        context: _Context,
        stack: ExitStack,
        scene: Scene,
        lights: LightArrays,
        closed: bool,
        size: tuple[int, int],
        wanted: set[str],
        linear: bool,
    ):
        self.gl, self.stack, self.scene, self.closed, self.size, self.wanted = (
            context.gl,
            stack,
            scene,
            closed,
            size,
            wanted,
        )
        self.layers = 1 + len(SAMPLES) if "rgb" in wanted else 1
        self.targets = [(*row[:3], "f4") if linear and row[0] == "COLOR" else row for row in TARGETS if row[1] & wanted]
        self._upload(scene)
        self._make_targets()
        lights = lights if "rgb" in wanted else lights._replace(directions=lights.directions[:0])
        switches = (
            ("SURROUND", MIRROR_ROW, len(lights.mirror) > 0),
            ("LINEAR", 1, linear),
            ("SURFACE", 1, "metallic_roughness" in wanted),
        )
        constants = CONSTANTS | {"LIGHTS": len(lights.directions)} | {name: value for name, value, on in switches if on}
        names = {row[0]: place for place, row in enumerate(self.targets)}
        self.screen = context.program("screen.vert", "scene.glsl", "shading.glsl", "resolve.frag", **constants, **names)
        cutout = {"CUTOUT": 1} if (scene.factors[:, 7] > 0).any() else {}
        self.visible = context.program("visibility.vert", "scene.glsl", "visibility.frag", **cutout)
        self.screen_array = self._kept(self.gl.vertex_array(self.screen, []))
        self.faces_array = self._kept(self.gl.vertex_array(self.visible, self._attributes(), self.indices))
        self._light(lights)

    def _kept(self, thing):
        self.stack.callback(thing.release)
        return thing

    def _upload(self, scene: Scene) -> None:
        limit = self.gl.info["GL_MAX_SHADER_STORAGE_BLOCK_SIZE"]
        self.buffers = []
        for name, array in _storage(scene).items():
            if array.nbytes > limit:
                raise RuntimeError(
                    f"gl: {name}: expected at most {limit >> 20} MiB, the limit of this device, got "
                    f"{array.nbytes >> 20} MiB"
                )
            self.buffers.append(self._kept(self.gl.buffer(array)))
        self.indices = self._kept(self.gl.buffer(np.ascontiguousarray(scene.faces, np.uint32)))

    def _attributes(self):
        """Of the vertex buffer (shaders/scene.glsl), what the program of visibility reads."""
        used = "uv_alpha" in self.visible
        return [(self.buffers[0], "3f 5x4 3f 1x4" if used else "3f 9x4", "position", *(["uv_alpha"] if used else []))]

    def _make_targets(self) -> None:
        grid = tuple((GRID if self.layers > 1 else 1) * side for side in self.size)
        limit = self.gl.info["GL_MAX_TEXTURE_SIZE"]
        if max(grid) > limit:
            raise ValueError(
                f"image size: expected at most {limit // GRID} pixels a side on this device, got {self.size[0]} x "
                f"{self.size[1]}"
            )
        self.seen, self.depth = (
            self._kept(self.gl.texture(grid, 1, dtype="u4")),
            self._kept(self.gl.depth_texture(grid)),
        )
        self.depth.compare_func = ""  # read as numbers
        for texture in (self.seen, self.depth):
            texture.filter = (self.gl.NEAREST, self.gl.NEAREST)
        self.visibility = self._kept(self.gl.framebuffer([self.seen], self.depth))
        textures = [
            self._kept(self.gl.texture(self.size, channels, dtype=kind)) for _, _, channels, kind in self.targets
        ]
        self.images = self._kept(self.gl.framebuffer(textures))
        pixels = self.size[0] * self.size[1]
        bytes_each = [pixels * channels * NUMPY[kind]().itemsize for _, _, channels, kind in self.targets]
        self.offsets = np.concatenate([[0], np.cumsum(bytes_each)]).tolist()
        self.packs = [
            self._kept(self.gl.buffer(reserve=self.offsets[-1], dynamic=True)) for _ in range(2)
        ]  # pixel-pack buffers

    def _light(self, lights: LightArrays) -> None:
        self._texture(
            "reflectance",
            0,
            self.gl.texture(lights.reflectance.shape[:2], 2, lights.reflectance.astype(np.float32), dtype="f4"),
        )
        if len(lights.directions):
            self._texture(
                "shadow_maps",
                1,
                self.gl.texture_array(
                    (*lights.shadows.shape[:0:-1], len(lights.shadows)), 1, lights.shadows, dtype="f4"
                ),
            )
        if len(lights.mirror):
            rows = np.zeros((-(-len(lights.mirror) // MIRROR_ROW) * MIRROR_ROW, 3), np.float32)
            rows[: len(lights.mirror)] = lights.mirror
            self._texture("mirror", 4, self.gl.texture((MIRROR_ROW, len(rows) // MIRROR_ROW), 3, rows, dtype="f4"))
            self._set(harmonics=lights.harmonics, offsets=lights.offsets, exposure=lights.exposure, turn=lights.turn)
        self._set(
            sky=lights.sky,
            ground=lights.ground,
            gloss=lights.gloss,
            knee=lights.knee,
            directional=lights.directional,
            directions=lights.directions,
            light_colors=lights.colors,
            spreads=lights.spreads[: len(lights.directions)],
            soft=lights.soft,
            disc=lights.disc,
            shadow_frames=lights.frames,
            shadow_places=lights.places,
            seen=2,
            depths=3,
            samples=SAMPLES,
            size=self.size,
            colored=len(self.scene.colors) > 0,
        )

    def _texture(self, name: str, unit: int, texture) -> None:
        """Kept, and bound to a unit for as long as the job lasts. Bilinear without wrapping, as a table is read."""
        self._kept(texture).use(unit)
        texture.repeat_x = texture.repeat_y = False
        self._set(**{name: unit})

    def _set(self, **values) -> None:
        """Uniforms of the screen's program; a compiler leaves out those that its passes do not need."""
        for name, value in values.items():
            if name in self.screen:
                uniform = self.screen[name]
                if uniform.fmt.endswith("i") or uniform.fmt in ("1p", "1I"):
                    uniform.value = value
                else:
                    uniform.write(np.ascontiguousarray(value, np.float32))

    def draw(self, c2w, intrinsics, low, high, pack: int) -> None:
        """One view, left in a pixel-pack buffer. low, high [3]: the object's bounding box."""
        to_clip, planes = _projection(c2w, intrinsics, self.size, low, high)
        for place, buffer in enumerate(self.buffers):
            buffer.bind_to_storage_buffer(place)
        self.visible["to_clip"].write(np.ascontiguousarray(to_clip.T, np.float32))
        outside = bool(((c2w[:3, 3] < low) | (c2w[:3, 3] > high)).any())
        self._draw_visibility(self.closed and outside)
        self._set(intrinsics=intrinsics, rotation=c2w[:3, :3].T, center=c2w[:3, 3], inverse_depth=planes)
        self.seen.use(2)
        self.depth.use(3)
        self.images.use()
        self.gl.disable(self.gl.DEPTH_TEST | self.gl.CULL_FACE)
        self.screen_array.render(self.gl.TRIANGLES, vertices=3)
        for place, (_, _, channels, kind) in enumerate(self.targets):
            self.images.read_into(
                self.packs[pack],
                components=channels,
                attachment=place,
                alignment=1,
                dtype=kind,
                write_offset=self.offsets[place],
            )

    def _draw_visibility(self, cull: bool) -> None:
        self.visibility.use()
        self.visibility.clear(depth=1.0)
        self.gl.enable(self.gl.DEPTH_TEST | self.gl.CULL_FACE)
        self.gl.front_face = "cw"  # rows run from the top of the image, which mirrors it
        width, height = self.size
        for layer, place in enumerate(np.concatenate([[[0.5, 0.5]], SAMPLES])[: self.layers]):
            self.visibility.viewport = (layer % GRID * width, layer // GRID * height, width, height)
            self.visible["shift"].value = tuple((0.5 - place) * 2.0 / self.size)
            for side in ("back",) if cull else ("back", "front"):  # what is culled
                self.gl.cull_face = side
                self.gl.polygon_offset = (
                    0.0,
                    4.0 if side == "front" else 0.0,
                )  # of two sheets in one place the one that faces the camera is seen
                self.faces_array.render(self.gl.TRIANGLES)
        self.gl.polygon_offset = (0.0, 0.0)

    def fetch(self, pack: int, images: dict[str, np.ndarray], view: int) -> None:
        """A drawn view from its pixel-pack buffer into images[name][view]."""
        data = self.packs[pack].read()
        for place, (name, _, channels, kind) in enumerate(self.targets):
            plane = np.frombuffer(data, NUMPY[kind], self.size[0] * self.size[1] * channels, self.offsets[place])
            for wanted, image in _unpacked(name, plane.reshape(self.size[1], self.size[0], channels)):
                if wanted in images:
                    images[wanted][view] = image


def _unpacked(target: str, image: np.ndarray):
    """(pass, image [H, W, C]) of what a target holds."""
    if target == "COLOR":
        return ("rgb", image[..., :3]), (
            "alpha",
            image[..., 3:] if image.dtype == np.uint8 else np.rint(image[..., 3:] * 255.0),
        )
    if target == "SHAPE":
        return ("depth", image[..., :1]), ("normal", image[..., 1:])
    if target == "ALBEDO":
        return (("albedo", image[..., :3]),)
    return ("metallic_roughness", np.stack([image[..., 0] & 255, image[..., 0] >> 8], axis=-1)), (
        "part",
        image[..., 1:],
    )


def _storage(scene: Scene) -> dict[str, np.ndarray]:
    """The storage buffers of shaders/scene.glsl in the order of their bindings. Raises AssetError."""
    if len(scene.factors) > 65535:
        raise AssetError(f"parts: expected at most 65535, got {len(scene.factors)}")
    colored = len(scene.colors) > 0
    vertices = np.zeros((len(scene.vertices), 12), np.float32)
    vertices[:, :3], vertices[:, 3], vertices[:, 4:7], vertices[:, 7] = (
        scene.vertices,
        scene.table[:, 5],
        scene.table[:, 2:5],
        scene.table[:, 6],
    )
    vertices[:, 8:10], vertices[:, 10] = scene.table[:, :2], scene.colors[:, 3] if colored else 1.0
    label = scene.face_part.astype(np.uint32) << 16 | scene.face_material.astype(np.uint32)
    materials = np.zeros((len(scene.factors), 12), np.float32)
    materials[:, :8], materials[:, 8:12] = scene.factors, scene.maps.view(np.float32)
    padded = lambda array: np.pad(array, ((0, 0), (0, 1)))  # vec3 to vec4
    some = lambda array: array if array.size else np.zeros((1, 4), array.dtype)  # a buffer cannot be empty
    return {
        "vertices": vertices,
        "vertex colours": some(scene.colors),
        "faces": np.concatenate([scene.faces.astype(np.uint32), label[:, None]], axis=1),
        "face normals": padded(scene.face_normals),
        "materials": materials,
        "texels": some(scene.textures.texels),
        "texture levels": some(padded(scene.textures.levels)),
        "textures": some(scene.textures.ranges),
    }


def _projection(c2w, intrinsics, size, low, high) -> tuple[np.ndarray, tuple[float, float]]:
    """World -> clip space [4, 4] with row 0 of the image at y = -1, clip planes close around the box; and (x, y) with 1
    / z = x + y * window depth.
    """
    fx, fy, cx, cy = intrinsics
    corners = np.stack(np.meshgrid(*np.stack([low, high]).T, indexing="ij"), axis=-1).reshape(8, 3)
    depths = ((corners - c2w[:3, 3]) * c2w[:3, 2]).sum(axis=1)
    near = max(0.99 * depths.min(), NEAR)
    far = max(1.01 * depths.max(), 2 * near)
    a, b = (far + near) / (far - near), -2 * far * near / (far - near)
    clip = np.array(
        [
            [2 * fx / size[0], 0, 2 * cx / size[0] - 1, 0],
            [0, 2 * fy / size[1], 2 * cy / size[1] - 1, 0],
            [0, 0, a, b],
            [0, 0, 1, 0],
        ]
    )
    w2c = np.eye(4)
    w2c[:3, :3], w2c[:3, 3] = c2w[:3, :3].T, -(c2w[:3, :3] * c2w[:3, 3:]).sum(axis=0)
    return np.einsum("ij,jk->ik", clip, w2c), ((-1.0 - a) / b, 2.0 / b)
