"""Every backend against closed forms and against `cpu`; what gl and mitsuba do with devices and libraries that are not
there.

Backends that this machine lacks are skipped with the message that names their packages.
"""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import trimesh
from PIL import Image

from renderers import BACKENDS, load
from renderers.cameras import Cameras, look_at, pinhole, spherical
from renderers.lighting import SOFTBOX, STUDIO, UNIFORM, Light, sample_sky
from renderers.passes import PASSES
from tests.helpers import analytic
from tests.helpers.meshes import asset_of, front, painted, quad
from zeroverse import grammar
from zeroverse.core.rng import Rng

CAMERAS = pinhole(look_at(spherical([20.0, 200.0], [25.0, -30.0], 2.7)), 96)
OFF_CENTRE = Cameras(CAMERAS.c2w, CAMERAS.intrinsics + (0.0, 0.0, 7.3, -4.1), 96, 96)
SCENES = {  # meshes and their closed forms, part by part
    "box": (
        [trimesh.creation.box(bounds=[[-0.5, -0.4, -0.3], [0.5, 0.4, 0.6]])],
        [analytic.box([-0.5, -0.4, -0.3], [0.5, 0.4, 0.6])],
    ),
    "two boxes": (
        [
            trimesh.creation.box(bounds=[[-0.3, -0.9, -0.3], [0.3, -0.2, 0.3]]),
            trimesh.creation.box(bounds=[[-0.3, 0.1, -0.5], [0.3, 0.8, 0.5]]),
        ],
        [analytic.box([-0.3, -0.9, -0.3], [0.3, -0.2, 0.3]), analytic.box([-0.3, 0.1, -0.5], [0.3, 0.8, 0.5])],
    ),
    "sphere and box": (
        [
            trimesh.creation.icosphere(subdivisions=6, radius=0.6),
            trimesh.creation.box(bounds=[[-0.8, -0.8, -0.8], [0.8, 0.8, -0.5]]),
        ],
        [analytic.sphere((0, 0, 0), 0.6), analytic.box([-0.8, -0.8, -0.8], [0.8, 0.8, -0.5])],
    ),
}
# Of 8-bit codes over pixels that are fully covered: the mean and the 99th percentile of what may differ from cpu. gl
# does the same sums in single precision; a path tracer sees more (soft shadows, light that bounces between surfaces, no
# filtering of textures) and a little noise.
COLOUR_BOUNDS = {"gl": (0.2, 3), "mitsuba": (10.0, 60)}  # measured: 0.02 and 1; 4 to 9 and 45
DRAWN_LIGHTS = (UNIFORM, STUDIO, SOFTBOX, sample_sky(Rng(0)), replace(STUDIO, name="studio, toned", tone="paper"))


@pytest.fixture(scope="module", params=list(BACKENDS))
def backend(request):
    return _load(request.param)


@pytest.fixture(scope="module")
def cpu():
    return load("cpu")


@pytest.fixture(scope="module")
def objects():
    return [grammar.make(seed=0, index=index) for index in (0, 3)]


def _load(name):
    try:
        return load(name)
    except RuntimeError as error:  # its message names the packages
        pytest.skip(str(error))


@pytest.fixture
def gl(monkeypatch):
    """The module, its context given back afterwards, so that a test may choose the device."""
    _load("gl")
    from renderers.backends import gl

    gl.release()
    yield gl
    gl.release()


def _degrees(a, b, quantile: float) -> float:
    return float(np.degrees(np.arccos(np.clip(np.quantile((a * b).sum(axis=-1), 1 - quantile), -1, 1))))


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("cameras", [CAMERAS, OFF_CENTRE], ids=["centred", "off centre"])
def test_labels_are_those_of_the_closed_form(backend, scene, cameras):
    meshes, shapes = SCENES[scene]
    out = backend.render(
        asset_of(*(painted(mesh.copy()) for mesh in meshes)), cameras, UNIFORM, ("depth", "normal", "part")
    )
    expected = analytic.render(shapes, cameras)
    exact = "sphere" not in scene  # its facets lie up to 1e-4 inside
    assert ((out["depth"] > 0) != (expected["depth"] > 0)).sum() <= (4 if exact else 20)
    assert (out["part"] != expected["part"]).sum() <= (4 if exact else 40)
    both = ((out["part"] == expected["part"]) & (out["part"] > 0))[..., 0]
    assert np.quantile(np.abs(out["depth"] - expected["depth"])[both], 0.995) < (1e-5 if exact else 1e-3)
    assert _degrees(out["normal"][both], expected["normal"][both], 0.995) < (
        0.6 if backend.name == "pyrender" else 0.1 if exact else 0.5
    )  # pyrender's: bytes


@pytest.mark.parametrize("name", ["gl", "mitsuba"])
def test_labels_agree_with_cpu(name, cpu, objects):
    other = _load(name)
    labels = tuple(row for row in PASSES if row not in ("rgb", "alpha"))
    for asset in objects:
        a, b = (backend.render(asset, CAMERAS.resized(160, 160), UNIFORM, labels) for backend in (cpu, other))
        assert ((a["depth"] > 0) != (b["depth"] > 0)).sum() <= 3 and (a["part"] != b["part"]).sum() <= 6
        both = ((a["part"] == b["part"]) & (a["part"] > 0))[..., 0]
        assert np.quantile(np.abs(a["depth"] - b["depth"])[both], 0.999) < 1e-5
        assert _degrees(a["normal"][both], b["normal"][both], 0.999) < 0.1
        for colour in ("albedo", "metallic_roughness"):
            difference = np.abs(a[colour].astype(int) - b[colour])[both]
            assert difference.mean() < 0.05 and np.quantile(difference, 0.99) <= 1


@pytest.mark.parametrize("light", DRAWN_LIGHTS, ids=lambda light: light.name)
@pytest.mark.parametrize("name", COLOUR_BOUNDS)
def test_colours_agree_with_cpu(name, light, cpu, objects):
    other, (mean, most) = _load(name), COLOUR_BOUNDS[name]
    for asset in objects:
        a, b = (backend.render(asset, CAMERAS, light, ("rgb",)) for backend in (cpu, other))
        assert np.abs(a["alpha"].astype(int) - b["alpha"]).mean() < 0.2
        inside = (a["alpha"] == 255)[..., 0] & (b["alpha"] == 255)[..., 0]
        difference = np.abs(a["rgb"].astype(int) - b["rgb"])[inside]
        assert difference.mean() <= mean and np.quantile(difference, 0.99) <= most, (
            difference.mean(),
            np.quantile(difference, 0.99),
        )
        edge = ((a["alpha"] > 64) & (a["alpha"] < 255))[..., 0]
        assert np.abs(a["rgb"].astype(int) - b["rgb"])[edge].mean() <= 4 * mean  # straight colour: no dark rims
        assert (b["rgb"][(b["alpha"] == 0)[..., 0]] == 0).all()


@pytest.mark.parametrize("name", ["gl", "mitsuba"])
def test_materials_agree_with_cpu(name, cpu):
    """Cut-out, normal map, metal and roughness maps, vertex colours, an open surface seen from behind."""
    other = _load(name)
    rng = np.random.default_rng(0)
    noise = Image.fromarray(np.kron(rng.integers(60, 256, (6, 6, 3)), np.ones((16, 16, 1))).astype(np.uint8))
    holes = np.full((32, 32, 4), 255, np.uint8)
    holes[8:24, 8:24, 3] = 0
    bumps = Image.fromarray(
        np.stack(
            [
                np.full((64, 64), 128),
                128 + 60 * np.sin(np.arange(64) / 3)[:, None] * np.ones(64),
                np.full((64, 64), 220),
            ],
            axis=-1,
        ).astype(np.uint8)
    )
    red = trimesh.creation.icosphere(subdivisions=4, radius=0.7)
    red.visual = trimesh.visual.ColorVisuals(
        red, vertex_colors=np.tile([[200, 30, 30, 255]], (len(red.vertices), 1)).astype(np.uint8)
    )
    scenes = {
        "cut-out": quad(n=2, image=Image.fromarray(holes), alphaMode="MASK"),
        "bumps": quad(n=4, normalTexture=bumps, roughness=0.6),
        "metal": quad(n=2, metallic=1.0, metallicRoughnessTexture=noise),
        "colours": red,
        "texture": quad(n=1, image=noise),
    }
    cameras = pinhole(look_at(np.array([[2.5, 0.4, 0.3], [-2.5, 0.3, 0.2]])), 64)
    for title, mesh in scenes.items():
        a, b = (backend.render(asset_of(mesh), cameras, STUDIO, ("rgb", "depth")) for backend in (cpu, other))
        assert ((a["depth"] > 0) != (b["depth"] > 0)).sum() <= 4, title
        inside = ((a["alpha"] == 255) & (b["alpha"] == 255))[..., 0]
        difference = np.abs(a["rgb"].astype(int) - b["rgb"])[inside].mean()
        assert difference <= (0.2 if name == "gl" else 20), (
            title,
            difference,
        )  # rough metal in Mitsuba loses what bounces twice


# ------------------------------------------------------------------------------------------------------------------- gl


def test_gl_takes_no_software_device_silently(gl, monkeypatch):
    renderer = gl.Renderer()._context.renderer
    if not any(word in renderer.lower() for word in gl.SOFTWARE_NAMES):
        pytest.skip(f"{renderer} is no software device")
    gl.release()
    monkeypatch.delenv(gl.SOFTWARE)
    with pytest.raises(RuntimeError, match="llvmpipe|softpipe|swrast"):
        gl.Renderer()


def test_gl_device_is_chosen(gl, monkeypatch):
    with pytest.raises(RuntimeError, match="EGL device 99"):
        gl.Renderer(device=99)
    monkeypatch.setenv(gl.DEVICE, "first")
    with pytest.raises(ValueError, match="VERSE_GL_DEVICE"):
        gl.Renderer()
    monkeypatch.setenv(gl.DEVICE, "0")
    assert gl.Renderer()._context is gl.Renderer(device=0)._context
    with pytest.raises(ValueError, match="expected 0"):
        gl.Renderer(device=1)


def test_gl_without_its_package_names_it(monkeypatch, gl):
    monkeypatch.setitem(sys.modules, "moderngl", None)
    with pytest.raises(RuntimeError, match="pip install moderngl"):
        gl.Renderer()


def test_gl_gives_memory_back(gl):
    backend, asset = gl.Renderer(), asset_of(quad(n=2, image=Image.new("RGB", (512, 512), (90, 120, 30))))
    sizes = []
    for number in range(45):
        backend.render(asset, CAMERAS[:1], STUDIO, ("rgb",))
        if number in (14, 44):
            sizes.append(int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20)
    assert sizes[1] - sizes[0] < 20, sizes  # MiB; 30 objects of 2.8 MB of texels would be 84


def test_gl_lives_beside_pyrender(gl, cpu):
    """Two users of EGL in one process, in turns."""
    pyrender, asset = _load("pyrender"), asset_of(painted(trimesh.creation.box()))
    first = gl.Renderer().render(asset, CAMERAS, UNIFORM, ("depth",))["depth"]
    other = pyrender.render(asset, CAMERAS, UNIFORM, ("depth",))["depth"]
    again = gl.Renderer().render(asset, CAMERAS, UNIFORM, ("depth",))["depth"]
    assert np.array_equal(first, again) and np.quantile(np.abs(first - other), 0.99) < 1e-5


# -------------------------------------------------------------------------------------------------------------- mitsuba


def test_mitsuba_survives_a_library_that_kills_its_process(tmp_path):
    _load("mitsuba")
    (tmp_path / "libLLVM-99.so").write_bytes(b"no library")
    code = "from renderers.backends import mitsuba as m; print(m.describe())"
    environment = os.environ | {"DRJIT_LIBLLVM_PATH": str(tmp_path / "libLLVM-99.so")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "scalar_rgb" in done.stdout, done.stderr


def test_mitsuba_lamp_is_as_bright_as_in_cpu(cpu):
    """A wall that faces a lamp of irradiance 2 in the dark: base colour x 2 / pi, with and without a spread."""
    mitsuba, values = _load("mitsuba"), []
    for spread in (0.0, 0.2):
        light = Light(
            "lamp", (0.0,) * 3, (0.0,) * 3, directions=((1.0, 0.0, 0.0),), colors=((2.0,) * 3,), spread=spread
        )
        wall = quad(n=1, base=(128, 128, 128, 255), roughness=1.0)
        values += [
            int(backend.render(asset_of(wall), front(32), light, ("rgb",))["rgb"][0, 16, 16, 0])
            for backend in (cpu, mitsuba)
        ]
    assert np.ptp(values) <= 6, values


@pytest.mark.parametrize("name", ["gl", "mitsuba"])
def test_a_render_is_repeatable(name, objects):
    backend = _load(name)
    a, b = (backend.render(objects[0], CAMERAS, STUDIO, ("rgb", "normal")) for _ in range(2))
    assert all(np.array_equal(a[key], b[key]) for key in a)
