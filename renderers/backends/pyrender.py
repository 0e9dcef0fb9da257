"""OpenGL through pyrender on EGL: an independent check of depth, alpha, normals and parts. Not a production path.

The same triangles and normals as the other backends (`geometry_of`), another rasteriser. Without anti-aliasing:
pyrender's resolves depth to a sub-sample. rgb is pyrender's own shading and matches nobody's; alpha is 0 or 255;
normals pass through 8 bits (0.4 degrees).
"""

import os
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from renderers.backends import Backend
from renderers.cameras import Cameras, opengl_c2w
from renderers.geometry import Geometry, Material, geometry_of
from renderers.lighting import Light
from renderers.passes import PASSES, check_passes
from zeroverse.asset import Asset

DRAWN = ("rgb", "alpha", "depth", "normal", "part")
MISSING = (
    "pyrender: {}; expected: pip install pyrender==0.1.45, and on Debian: apt-get install libegl1 libgl1 "
    "libgl1-mesa-dri libegl-mesa0"
)

_VERTEX_SHADER = """#version 330 core
layout(location = 0) in vec3 position;
layout(location = NORMAL_LOC) in vec3 normal;
layout(location = INST_M_LOC) in mat4 inst_m;
uniform mat4 M; uniform mat4 V; uniform mat4 P;
out vec3 world_normal;
void main() { gl_Position = P * V * M * inst_m * vec4(position, 1); world_normal = normal; }
"""
_FRAGMENT_SHADER = """#version 330 core
in vec3 world_normal;
out vec4 frag_color;
void main() { vec3 n = normalize(world_normal); frag_color = vec4((gl_FrontFacing ? n : -n) * 0.5 + 0.5, 1); }
"""

_shared = (
    None  # one GL context per process: a second one breaks eglMakeCurrent (pyrender #148), and none survives a fork
)


def describe() -> str:
    """Returns what draws here. Raises RuntimeError naming the packages to install."""
    context = _context()
    from OpenGL.GL import GL_RENDERER, glGetString

    context.renderer._platform.make_current()
    return f"pyrender 0.1.45 on {glGetString(GL_RENDERER).decode()}"


def release() -> None:
    """Gives the GL context back; the next render makes a new one. Call it in the thread that rendered."""
    global _shared
    if _shared is not None:
        _shared.renderer.delete()
        _shared = None


def _context():
    global _shared
    if _shared is None:
        _shared = _Context()
    return _shared


class _Context:
    """pyrender's off-screen renderer and two sets of shaders, its own and one that paints normals."""

    def __init__(self):
        os.environ.setdefault("PYOPENGL_PLATFORM", "egl")
        os.environ.setdefault("LP_NUM_THREADS", "1")  # workers are processes
        if not hasattr(np, "infty"):
            np.infty = np.inf  # pyrender 0.1.45 asks numpy 2 for it
        try:
            import pyrender
            import pyrender.renderer
            from pyrender.shader_program import ShaderProgramCache
        except ImportError as error:
            raise RuntimeError(MISSING.format(error)) from error
        multisample = pyrender.renderer.glRenderbufferStorageMultisample
        pyrender.renderer.glRenderbufferStorageMultisample = lambda target, samples, *rest: multisample(
            target, 0, *rest
        )
        try:
            self.renderer = pyrender.OffscreenRenderer(16, 16)
        except (
            Exception
        ) as error:  # PyOpenGL raises ImportError, AttributeError or GLError, depending on which library is missing
            raise RuntimeError(MISSING.format(f"no EGL context: {type(error).__name__}: {error}")) from error
        self.pyrender = pyrender
        self._folder = tempfile.TemporaryDirectory()  # pyrender reads shaders when it first needs them
        Path(self._folder.name, "mesh.vert").write_text(_VERTEX_SHADER)
        Path(self._folder.name, "mesh.frag").write_text(_FRAGMENT_SHADER)
        self.normal_programs = ShaderProgramCache(shader_dir=self._folder.name)
        self.own_programs = self.renderer._renderer._program_cache

    def render(self, scene, flags, normals: bool = False, **options):
        self.renderer._renderer._program_cache = self.normal_programs if normals else self.own_programs
        return self.renderer.render(scene, flags=flags | self.pyrender.RenderFlags.SKIP_CULL_FACES, **options)


class Renderer(Backend):
    """See `renderers` for the contract, and the module's first lines for what differs."""

    name = "pyrender"

    def __init__(self):
        self._context = _context()

    def render(
        self, asset: Asset, cameras: Cameras, light: Light, passes=("rgb", "alpha", "depth", "normal")
    ) -> dict[str, np.ndarray]:
        """Returns {name: [V, H, W, C]}. Raises ValueError for passes it cannot draw, AssetError."""
        wanted = check_passes(passes)
        undrawn = [name for name in wanted if name not in DRAWN]
        if undrawn:
            raise ValueError(f"passes: pyrender cannot draw {', '.join(undrawn)}; expected some of {', '.join(DRAWN)}")
        geometry = geometry_of(asset)
        if "rgb" in wanted and geometry.unusual():
            raise ValueError(f"{asset.uid}: pyrender does not draw {', '.join(geometry.unusual())}; cpu does")
        scene, colours = self._scene(geometry, light)
        self._context.renderer.viewport_width, self._context.renderer.viewport_height = cameras.width, cameras.height
        views = [self._view(scene, colours, geometry, cameras[[view]], wanted) for view in range(len(cameras))]
        return {name: np.stack([view[name] for view in views]) for name in wanted}

    def _scene(self, geometry: Geometry, light: Light):
        """pyrender's scene, and {node: the colour that encodes its part}."""
        pyrender = self._context.pyrender
        scene = pyrender.Scene(bg_color=(0.0, 0.0, 0.0, 0.0), ambient_light=np.add(light.sky, light.ground) / 2)
        for direction, color in zip(light.directions, light.colors):
            scene.add(
                pyrender.DirectionalLight(color=np.array(color) / max(color), intensity=max(color)),
                pose=_facing(np.array(direction)),
            )
        colours = {}
        for part in np.unique(geometry.face_part):
            faces = geometry.faces[geometry.face_part == part]
            primitive = pyrender.Primitive(
                geometry.vertices,
                geometry.normals,
                texcoord_0=geometry.uvs,
                indices=faces,
                material=self._material(geometry.materials[part]),
                poses=np.eye(4)[None],
            )
            colours[scene.add(pyrender.Mesh([primitive]))] = (int(part + 1) % 256, int(part + 1) // 256, 0)
        return scene, colours

    def _material(self, material: Material):
        image = None if material.base_map is None else Image.fromarray(material.base_map[..., :3])
        factors = {
            "baseColorFactor": material.base_color,
            "metallicFactor": material.metallic,
            "roughnessFactor": material.roughness,
        }
        return self._context.pyrender.MetallicRoughnessMaterial(**factors, baseColorTexture=image, alphaMode="OPAQUE")

    def _view(
        self, scene, colours, geometry: Geometry, camera: Cameras, wanted
    ) -> dict[str, np.ndarray]:  # one view, [H, W, C]
        flags = self._context.pyrender.RenderFlags
        node = scene.add(self._camera(geometry, camera), pose=opengl_c2w(camera)[0])
        color, depth = self._context.render(scene, flags.RGBA)
        out = {
            "rgb": color[..., :3],
            "alpha": np.where(depth > 0, 255, 0).astype(np.uint8)[..., None],
            "depth": depth[..., None],
        }
        if "normal" in wanted:
            coded = self._context.render(scene, flags.NONE, normals=True)[0].astype(np.float32) / 127.5 - 1.0
            unit = coded / np.maximum(np.sqrt((coded * coded).sum(axis=-1, keepdims=True)), 1e-6)
            out["normal"] = np.where(depth[..., None] > 0, unit, 0.0).astype(np.float32)
        if "part" in wanted:
            coded = self._context.render(scene, flags.SEG, seg_node_map=colours)[0].astype(np.uint16)
            out["part"] = np.where(depth > 0, coded[..., 0] + 256 * coded[..., 1], 0).astype(PASSES["part"].dtype)[
                ..., None
            ]
        scene.remove_node(node)
        return {name: out[name] for name in wanted}

    def _camera(self, geometry: Geometry, camera: Cameras):
        """Intrinsics with the clip planes close around the object: depth comes out of the z-buffer, so they set its
        precision.
        """
        depth = camera.project(geometry.vertices)[1]
        near, far = max(float(depth.min()) * 0.99, 0.01), max(float(depth.max()) * 1.01, 0.02)
        return self._context.pyrender.IntrinsicsCamera(*camera.intrinsics[0], znear=near, zfar=far)


def _facing(direction: np.ndarray) -> np.ndarray:
    """Pose [4, 4] of a light that shines from `direction` towards the origin: GL lights look along -z."""
    x = np.cross(direction, [0.0, 0.0, 1.0] if abs(direction[2]) < 0.9 else [0.0, 1.0, 0.0])
    x /= np.linalg.norm(x)
    pose = np.eye(4)
    pose[:3, 0], pose[:3, 1], pose[:3, 2] = x, np.cross(direction, x), direction
    return pose
