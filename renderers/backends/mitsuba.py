"""Path-traced rgb through Mitsuba 3: soft shadows and interreflection at a few samples a pixel, denoised where OIDN is
installed.

Labels and alpha are cpu's, at pixel centres; Mitsuba's own average over random places in a pixel and mix depths at
silhouettes. Under light without gloss every surface is diffuse, as in cpu. Lights with a spread are discs in the sky,
those without are directional. Its look-ups have no mip-maps, so textures much finer than pixels are noisy at few
samples. Dr.Jit aborts the process when it meets an LLVM it cannot use, so each is tried in a process of its own first;
without one `scalar_rgb` does the same several times slower.
"""

import glob
import math
import os
import subprocess
import sys
from functools import cache

import numpy as np
from scipy.ndimage import uniform_filter

from renderers.backends import Backend, cpu, denoise
from renderers.cameras import Cameras
from renderers.geometry import Geometry, Material, geometry_of
from renderers.geometry.textures import ENCODE_STEPS, srgb_tables
from renderers.lighting import UNIFORM, Light, paper_tone
from renderers.passes import DEFAULT_PASSES, check_passes
from zeroverse.asset import Asset, AssetError

MISSING = (
    "mitsuba: {}; expected: pip install mitsuba==3.6.4 drjit==1.0.5, and for speed on Debian: apt-get install libllvm15"
)
LIBRARIES = (
    "/usr/lib/*/libLLVM*.so*",
    "/usr/lib64/libLLVM*.so*",
    "/usr/lib/llvm-*/lib/libLLVM*.so*",
    "/opt/homebrew/opt/llvm*/lib/libLLVM.dylib",
)
MAX_DEPTH = 4  # three bounces: what a fourth adds is below the noise
SKY = (256, 512)  # rows and columns of the environment map
_TRIAL = (
    "import mitsuba; mitsuba.set_variant('llvm_ad_rgb'); "
    "print(mitsuba.render(mitsuba.load_dict(mitsuba.cornell_box()), spp=1).numpy().mean())"
)


def describe() -> str:
    """Returns what traces here. Raises RuntimeError naming what is missing."""
    mi = _mitsuba()
    library = (
        f" ({os.environ['DRJIT_LIBLLVM_PATH']})"
        if mi.variant().startswith("llvm")
        else ", slow: no LLVM that works was found"
    )
    return f"mitsuba {mi.__version__}, {mi.variant()}{library}; {denoise.describe()}"


@cache
def _mitsuba():
    """The module, its variant set: once per process."""
    try:
        import mitsuba as mi
    except ImportError as error:
        raise RuntimeError(MISSING.format(error)) from error
    library = _llvm()
    if library:
        os.environ["DRJIT_LIBLLVM_PATH"] = library
    mi.set_variant("llvm_ad_rgb" if library else "scalar_rgb")
    return mi


def _llvm() -> str | None:
    """The first libLLVM, newest first, with which a process lives through a small picture."""
    named = os.environ.get("DRJIT_LIBLLVM_PATH")
    found = {os.path.realpath(path) for pattern in LIBRARIES for path in glob.glob(pattern)}
    for library in [named] if named else sorted(found, reverse=True):
        environment = os.environ | {"DRJIT_LIBLLVM_PATH": library}
        if (
            subprocess.run(
                [sys.executable, "-c", _TRIAL], env=environment, capture_output=True, check=False, timeout=120
            ).returncode
            == 0
        ):
            return library
    return None


class Renderer(Backend):
    """See `renderers` for the contract. samples: paths a pixel; denoised: with OIDN, None = when it is installed."""

    name = "mitsuba"

    def __init__(self, samples: int = 8, denoised: bool | None = None):
        self.samples, self.mi = samples, _mitsuba()
        import drjit

        self.drjit = drjit
        self.denoised = denoise.available() if denoised is None else denoised

    def render(self, asset: Asset, cameras: Cameras, light: Light, passes=DEFAULT_PASSES) -> dict[str, np.ndarray]:
        """Returns {name: [V, H, W, C]}. Raises AssetError; ValueError for cameras whose pixels are not square."""
        wanted = check_passes(passes)
        if "rgb" not in wanted:
            return cpu.Renderer().render(asset, cameras, UNIFORM, wanted)
        out = cpu.Renderer().render(asset, cameras, UNIFORM, {*wanted, "normal", "albedo"})
        colors = np.empty(out["rgb"].shape, np.float32)  # linear radiance
        geometry = geometry_of(asset)
        if geometry.unusual():
            raise ValueError(f"{asset.uid}: mitsuba does not draw {', '.join(geometry.unusual())}; cpu does")
        scene = self._scene(geometry, light)
        self.drjit.flush_malloc_cache()  # it keeps the last object's arrays otherwise, 15 MB each
        for view in range(len(cameras)):
            image = np.array(
                self.mi.render(scene, sensor=self._sensor(cameras, view), spp=self.samples, seed=view)
            )  # [H, W, 4] linear, premultiplied
            colors[view] = _radiance(image, out, view, self.denoised)
        out["rgb"] = (
            paper_tone(colors, out["alpha"])
            if light.tone == "paper"
            else _picture(colors, light.knee) * (out["alpha"] > 0)
        )
        return {name: out[name] for name in wanted}

    def _scene(self, geometry: Geometry, light: Light):
        parts = {
            "type": "scene",
            "integrator": {"type": "path", "max_depth": MAX_DEPTH, "hide_emitters": True},
            **self._emitters(light),
        }
        even = (
            light.gloss == 0 and not light.directions
        )  # as under uniform light in cpu: metals too send back their base colour
        for number, material in enumerate(geometry.materials):
            faces = geometry.faces[geometry.face_material == number]
            if len(faces):
                parts[f"part{number}"] = self._mesh(
                    geometry, faces, self._surface(material, len(geometry.colors) > 0, even, number)
                )
        return self.mi.load_dict(parts)

    def _mesh(self, geometry: Geometry, faces: np.ndarray, surface: dict):
        used, faces = np.unique(faces, return_inverse=True)
        properties = self.mi.Properties()
        properties["bsdf"] = self.mi.load_dict(surface)
        mesh = self.mi.Mesh(
            "part", len(used), faces.size // 3, has_vertex_normals=True, has_vertex_texcoords=True, props=properties
        )
        if len(geometry.colors):
            mesh.add_attribute("vertex_color", 3, geometry.colors[used, :3].astype(np.float32).ravel())
        values = self.mi.traverse(mesh)
        uvs = geometry.uvs[used] * (1.0, -1.0) + (0.0, 1.0)  # Mitsuba's v runs down the image
        for name, array in (
            ("positions", geometry.vertices[used]),
            ("normals", geometry.normals[used]),
            ("texcoords", uvs),
        ):
            values[f"vertex_{name}"] = array.astype(np.float32).ravel()
        values["faces"] = faces.astype(np.uint32).ravel()
        values.update()
        # the arrays are filled in the background: a scene built too early holds no triangles, once in fifty objects
        self.drjit.sync_thread()
        return mesh

    def _surface(self, material: Material, colored: bool, even: bool, number: int) -> dict:
        """glTF's metallic-roughness as Mitsuba's principled, or in even light as diffuse. Raises AssetError."""
        color = self._base_color(material, colored, number)
        surface = (
            {"type": "diffuse", "reflectance": color}
            if even
            else {"type": "principled", "base_color": color, **self._roughness_metallic(material)}
        )
        if material.normal_map is not None and not even:
            surface = {
                "type": "normalmap",
                "normalmap": self._bitmap(material.normal_map[..., :3] / 255.0),
                "bsdf": surface,
            }
        surface = {"type": "twosided", "bsdf": surface}
        if material.cutoff > 0 and material.base_map is not None:
            there = (material.base_map[..., 3:] / 255.0 * material.base_color[3] >= material.cutoff).astype(np.float32)
            surface = {"type": "mask", "opacity": self._bitmap(there, filter_type="nearest"), "bsdf": surface}
        return surface

    def _base_color(self, material: Material, colored: bool, number: int) -> dict:
        factor = np.array(material.base_color[:3])
        if material.base_map is not None:
            if colored:
                raise AssetError(f"part {number}: vertex colours beside a texture: mitsuba draws one or the other")
            return self._bitmap(srgb_tables()[0][material.base_map[..., :3]] / 65535.0 * factor)
        return (
            {"type": "mesh_attribute", "name": "vertex_color"} if colored else {"type": "rgb", "value": factor.tolist()}
        )

    def _roughness_metallic(self, material: Material) -> dict:
        if material.surface_map is None:
            return {"roughness": max(material.roughness, 0.01), "metallic": material.metallic}
        roughness, metallic = (
            material.surface_map[..., 1:2] / 255.0 * material.roughness,
            material.surface_map[..., 2:3] / 255.0 * material.metallic,
        )
        return {"roughness": self._bitmap(np.maximum(roughness, 0.01)), "metallic": self._bitmap(metallic)}

    def _bitmap(self, image: np.ndarray, filter_type: str = "bilinear") -> dict:  # [h, w, 1 or 3] linear
        return {
            "type": "bitmap",
            "bitmap": self.mi.Bitmap(np.ascontiguousarray(image, np.float32)),
            "raw": True,
            "filter_type": filter_type,
        }

    def _emitters(self, light: Light) -> dict:
        rows = [] if _holds_lights(light) else list(zip(light.directions, light.colors, _spreads(light)))
        emitters = {
            f"light{i}": {
                "type": "directional",
                "direction": [-c for c in direction],
                "irradiance": {"type": "rgb", "value": list(color)},
            }
            for i, (direction, color, spread) in enumerate(rows)
            if spread == 0
        }
        if light.surround is None and light.sky == light.ground and not any(spread for *_, spread in rows):
            return emitters | {"sky": {"type": "constant", "radiance": {"type": "rgb", "value": list(light.sky)}}}
        upright = self.mi.ScalarTransform4f().rotate([1, 0, 0], 90)  # Mitsuba's environments are +Y up
        return emitters | {"sky": {"type": "envmap", "bitmap": self.mi.Bitmap(_sky(light)), "to_world": upright}}

    def _sensor(self, cameras: Cameras, view: int):
        fx, fy, cx, cy = cameras.intrinsics[view]
        width, height = cameras.width, cameras.height
        if abs(fx - fy) > 1e-6 * fx:
            raise ValueError(f"cameras: mitsuba draws square pixels, expected fx = fy, got {fx:g} and {fy:g}")
        pose = cameras.c2w[view] * (-1.0, -1.0, 1.0, 1.0)  # +x left, +y up, +z forward
        film = {
            "type": "hdrfilm",
            "width": width,
            "height": height,
            "pixel_format": "rgba",
            "component_format": "float32",
            "rfilter": {"type": "box"},
        }
        return self.mi.load_dict(
            {
                "type": "perspective",
                "film": film,
                "sampler": {"type": "independent"},
                "to_world": self.mi.ScalarTransform4f(pose),
                "fov_axis": "x",
                "fov": math.degrees(2 * math.atan(width / 2 / fx)),
                "near_clip": 0.01,
                "far_clip": 1000.0,
                "principal_point_offset_x": 0.5 - cx / width,
                "principal_point_offset_y": 0.5 - cy / height,
            }
        )


def _spreads(light: Light) -> tuple[float, ...]:
    return light.spreads or (light.spread,) * len(light.directions)


def _holds_lights(light: Light) -> bool:
    """Whether the directional lights are the bright spots of the surround, which a path tracer finds by itself."""
    return light.surround is not None and light.surround.peaks > 0


def _sky(light: Light) -> np.ndarray:
    """[h, w, 3] radiance, rows from straight up to straight down; column angle a looks along (sin a, cos a), Mitsuba's
    own after the turn.
    """
    image = None if light.surround is None else light.surround.image() * light.exposure
    rows, columns = SKY if image is None else image.shape[:2]
    theta, phi = (np.arange(rows) + 0.5)[:, None] * np.pi / rows, (np.arange(columns) + 0.5) * 2 * np.pi / columns
    direction = np.stack(
        np.broadcast_arrays(np.sin(theta) * np.sin(phi), np.sin(theta) * np.cos(phi), np.cos(theta)), axis=-1
    )
    up = 0.5 + 0.5 * direction[..., 2:]
    if image is None:
        sky = up * np.array(light.sky) + (1 - up) * np.array(light.ground)
    else:  # a surround's columns begin a quarter further on (renderers.lighting.environment)
        sky = np.roll(image, -round((90.0 + light.turn_deg) / 360.0 * columns), axis=1)
    solid_angle = (np.sin(theta) * (np.pi / rows) * (2 * np.pi / columns))[..., None]
    for towards, color, spread in () if _holds_lights(light) else zip(light.directions, light.colors, _spreads(light)):
        if spread > 0:
            disc = (direction * towards).sum(axis=-1, keepdims=True) >= math.sqrt(1 - spread**2)
            sky = sky + disc * np.array(color) / (disc * solid_angle).sum()  # irradiance spread evenly over the disc
    return np.ascontiguousarray(sky, np.float32)


def _radiance(image: np.ndarray, labels: dict, view: int, denoised: bool) -> np.ndarray:
    """Straight linear colour [H, W, 3]; pixels whose few paths all missed take the mean of their neighbours."""
    color, alpha = image[..., :3], image[..., 3:]
    around = uniform_filter(color, (5, 5, 1)) / np.maximum(uniform_filter(alpha, (5, 5, 1)), 1e-6)
    color = np.where(alpha > 0, color / np.maximum(alpha, 1e-6), around)
    return denoise.denoise(color, labels["albedo"][view] / 255.0, labels["normal"][view]) if denoised else color


def _picture(radiance: np.ndarray, knee: float) -> np.ndarray:
    """`shading.display` and sRGB: linear [..., 3] -> uint8."""
    over = np.maximum(radiance - knee, 0.0) / max(1.0 - knee, 1e-6)
    shown = np.clip(np.where(radiance > knee, knee + (1.0 - knee) * over / (1.0 + over), radiance), 0.0, 1.0)
    return srgb_tables()[1][(shown * ENCODE_STEPS + 0.5).astype(np.int64)]
