"""Light against closed forms: .hdr files, what is filtered out of them, drawn lights, tone; and through the cpu
backend.
"""

import hashlib
import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from renderers import farm, load
from renderers.cameras import look_at, pinhole
from renderers.lighting import (
    SOFTBOX,
    UNIFORM,
    WHITE,
    HdrFile,
    HdrFolder,
    Light,
    Sky,
    luminance_of,
    paper_tone,
    sample_sky,
    surrounded,
)
from renderers.lighting.environment import (
    CONTRAST,
    SIZES,
    directions,
    extract_peaks,
    irradiance_at,
    mirrored,
    prefilter,
    project,
)
from renderers.lighting.hdr import read_hdr
from renderers.sources.procedural import Zeroverse
from renderers.tables import LIGHTS
from tests.helpers.meshes import asset_of, front, painted, quad, srgb
from tests.helpers.processes import printed
from zeroverse.core.rng import Rng

HEAD = b"#?RADIANCE\n# by hand\nFORMAT=32-bit_rle_rgbe\n\n"


def rgbe(image) -> np.ndarray:  # [H, W, 3] -> [H, W, 4] uint8, rounded to nearest
    mantissa, exponent = np.frexp(image.max(axis=-1))
    scale = np.ldexp(1.0, 8 - exponent)
    return np.concatenate(
        [np.minimum(np.rint(image * scale[..., None]), 255), exponent[..., None] + 128], axis=-1
    ).astype(np.uint8)


def write_hdr(path: Path, image) -> Path:
    """A flat file; radiance must be positive."""
    texels = rgbe(np.asarray(image, dtype=np.float64))
    path.write_bytes(HEAD + b"-Y %d +X %d\n" % texels.shape[:2] + texels.tobytes())
    return path


def hdr_file(path: Path, image) -> HdrFile:
    return HdrFile(str(write_hdr(path, image)), hashlib.sha256(path.read_bytes()).hexdigest())


def patch(height, azimuth_deg, elevation_deg, radius_deg, inside, outside) -> np.ndarray:
    """An environment with one round patch, [H, 2 H, 3]."""
    vectors, _ = directions(height, 2 * height)
    a, e = math.radians(azimuth_deg), math.radians(elevation_deg)
    along = vectors @ np.array([math.cos(e) * math.cos(a), math.cos(e) * math.sin(a), math.sin(e)])
    return np.where(along > math.cos(math.radians(radius_deg)), inside, outside)[..., None] * np.ones(3)


def ball(**material) -> trimesh.Trimesh:
    return painted(trimesh.creation.icosphere(subdivisions=4, radius=0.8), **material)


# ---------------------------------------------------------------------------------------------------------------- files


def test_reader_reads_flat_old_and_new_runs(tmp_path):
    row = np.array([[10, 20, 30, 129]] * 5 + [[255, 0, 128, 120]] * 3 + [[1, 2, 3, 0]], np.uint8)  # exponent 0 is black
    texels = np.stack([row, row[::-1]])
    flat = texels.tobytes()
    old = (
        b"".join(
            bytes(line[0])
            + bytes([1, 1, 1, run - 1])
            + bytes(line[run])
            + bytes([1, 1, 1, 2])
            + b"".join(bytes(t) for t in line[run + 3 :])
            for line, run in ((row, 5),)
        )
        + texels[1].tobytes()
    )
    channels = b"".join(bytes([128 + 5]) + bytes([row[0, c]]) + bytes([4]) + bytes(row[5:, c]) for c in range(4))
    new = (
        bytes([2, 2, 0, 9])
        + channels
        + bytes([2, 2, 0, 9])
        + b"".join(bytes([9]) + bytes(texels[1, :, c]) for c in range(4))
    )
    expected = texels[..., :3] * np.where(texels[..., 3:] > 0, np.ldexp(1.0, texels[..., 3:].astype(int) - 136), 0.0)
    for name, body in (("flat", flat), ("old", old), ("new", new)):
        path = tmp_path / f"{name}.hdr"
        path.write_bytes(HEAD + b"-Y 2 +X 9\n" + body)
        assert np.array_equal(read_hdr(path), expected.astype(np.float32)), name
    (tmp_path / "exposed.hdr").write_bytes(HEAD.replace(b"# by hand", b"EXPOSURE=2.0") + b"-Y 2 +X 9\n" + flat)
    assert np.array_equal(read_hdr(tmp_path / "exposed.hdr"), (expected / 2).astype(np.float32))


def test_long_old_runs_have_digits(tmp_path):
    texels = np.full((1, 600, 4), 77, np.uint8)
    path = tmp_path / "long.hdr"
    path.write_bytes(
        HEAD + b"-Y 1 +X 600\n" + bytes([77] * 4) + bytes([1, 1, 1, 87]) + bytes([1, 1, 1, 2])
    )  # 1 + 87 + 2 * 256
    assert np.array_equal(read_hdr(path)[..., 0], (texels[..., 0] * 2.0 ** (77 - 136)).astype(np.float32))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        HEAD,
        HEAD + b"-Y 4 +X",
        HEAD + b"+Y 4 +X 4\n" + bytes(64),
        HEAD + b"-Y 4 +X 4\n" + bytes(63),
        HEAD + b"-Y 0 +X 4\n",
        HEAD + b"-Y 99999999 +X 99999999\n",
        HEAD.replace(b"rgbe", b"xyze") + b"-Y 1 +X 1\n" + bytes(4),
        HEAD + b"-Y 1 +X 9\n" + bytes([2, 2, 0, 9, 128 + 10, 7]),
        HEAD + b"-Y 1 +X 9\n" + bytes([2, 2, 0, 9, 0, 0, 0, 0]),
        HEAD + b"-Y 1 +X 9\n" + bytes([1, 1, 1, 9]),
        HEAD + b"-Y 1 +X 4\n" + bytes([7, 7, 7, 7, 1, 1, 1, 200]),
        HEAD.replace(b"# by hand", b"EXPOSURE=dark") + b"-Y 1 +X 1\n" + bytes(4),
    ],
)
def test_damaged_and_foreign_files_are_named(tmp_path, data):
    path = tmp_path / "sky.hdr"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"sky\.hdr: "):
        read_hdr(path)


# ----------------------------------------------------------------------------------------------------------- the sphere


def test_solid_angles_and_the_mapping():
    vectors, solid = directions(16, 32)
    assert abs(32 * solid.sum() - 4 * math.pi) < 1e-12 and np.abs((vectors * vectors).sum(axis=-1) - 1).max() < 1e-12
    assert vectors[0, :, 2].min() > 0.99  # the first row looks up
    assert (
        vectors[8, 15:17, 0].min() > 0.98 and vectors[8, 7:9, 1].min() > 0.98
    )  # +X in the middle, +Y a quarter from the left


@pytest.mark.parametrize("count", [1, 3])
def test_peaks_conserve_energy(count):
    image = patch(64, 40, 30, 4, 900.0, 0.4) + patch(64, 200, 10, 12, 40.0, 0.0) * np.array([1.0, 0.5, 0.2])
    rest, peaks = extract_peaks(image, count)
    _, solid = directions(64, 128)
    total, left = ((picture * solid[:, None, None]).sum(axis=(0, 1)) for picture in (image, rest))
    assert len(peaks) == min(count, 2) and (rest <= image + 1e-9).all()
    assert np.abs(left + sum(np.array(peak.color) for peak in peaks) - total).max() < 1e-9 * total.max()
    sun = max(peaks, key=lambda peak: sum(peak.color))
    assert np.dot(sun.direction, [0.6634, 0.5567, 0.5]) > 0.999 and abs(sun.spread - math.sin(math.radians(4))) < 0.01


def test_an_even_environment_has_no_peaks():
    assert extract_peaks(np.full((16, 32, 3), 7.0))[1] == ()
    assert extract_peaks(np.zeros((16, 32, 3)))[1] == ()


def test_irradiance_of_one_direction():
    """Order 2 of a clamped cosine is 1/4 + c/2 + 5/32 (3 c^2 - 1): within 0.1 of max(c, 0) (Ramamoorthi & Hanrahan
    2001).
    """
    vectors, solid = directions(64, 128)
    image = np.zeros((64, 128, 3))
    image[20, 50] = math.pi / solid[20]  # irradiance pi: a white surface that faces it sends 1
    normals = np.random.default_rng(0).normal(size=(500, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    cosine = normals @ vectors[20, 50]
    found = irradiance_at(prefilter(image), (), normals)[:, 0]
    assert np.abs(found - np.maximum(0.25 + 0.5 * cosine + 5 / 32 * (3 * cosine**2 - 1), 0)).max() < 1e-9
    assert np.abs(found - np.maximum(cosine, 0)).max() < 0.1


def test_harmonics_of_a_gradient_are_exact():
    vectors, solid = directions(64, 128)
    harmonics = project(2.0 + vectors[..., 2:] * np.array([1.0, 0.5, 0.0]), vectors, solid)
    assert (
        np.abs(harmonics[0] * 0.28209479 - 2.0).max() < 1e-3
        and np.abs(harmonics[2] * 0.48860251 - np.array([2 / 3, 1 / 3, 0.0])).max() < 1e-3
    )


def test_mirror_maps():
    """An even world is even in every level; a mirror sees a smooth one as it is, across all seams; rough mirrors see
    less of it.
    """
    rays = np.random.default_rng(1).normal(size=(2000, 3))
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    even, smooth = prefilter(np.full((32, 64, 3), 0.7)), prefilter(2.0 + directions(64, 128)[0])
    for roughness in (0.0, 0.1, 0.3, 0.5, 0.95, 1.0):
        seen = np.array([mirrored(even.mirror, even.offsets, *ray, roughness) for ray in rays[:300]])
        assert np.abs(seen - 0.7).max() < 1e-6
    mirror = np.array([mirrored(smooth.mirror, smooth.offsets, *ray, 0.0) for ray in rays])
    rough = np.array([mirrored(smooth.mirror, smooth.offsets, *ray, 1.0) for ray in rays])
    assert np.abs(mirror - 2 - rays).max() < 0.03  # a texel of the poles' rows
    share = ((rough - 2) * rays).sum(axis=1)  # the lobe's mean cosine: that of D = 1 / pi, seen along its axis, is 2/3
    assert np.abs(share - 2 / 3).max() < 0.02 and np.abs(rough - 2 - 2 / 3 * rays).max() < 0.04
    assert len(even.mirror) == sum((size + 2) ** 2 for size in SIZES)


# ------------------------------------------------------------------------------------------------- through the renderer


@pytest.mark.parametrize("metallic", [0.0, 1.0])
def test_furnace(tmp_path, metallic):
    """A constant environment file is the even gradient with gloss, for any surface; and in it a white one is white."""
    light = Light(
        "furnace", (0.5,) * 3, (0.5,) * 3, surround=hdr_file(tmp_path / "even.hdr", np.full((16, 32, 3), 0.5))
    )
    for roughness in (0.1, 0.5, 1.0):
        for base in (255, 90):
            asset = asset_of(ball(base=(base, base, base, 255), metallic=metallic, roughness=roughness))
            images = [
                load("cpu").render(asset, front(64), shine, ("rgb",))["rgb"].astype(int)
                for shine in (light, replace(light, surround=None))
            ]
            assert np.abs(images[0] - images[1]).max() <= 1
            if base == 255:
                assert np.abs(images[0][0, 22:42, 22:42] - srgb(np.float64(0.5))).max() <= 3


@pytest.mark.parametrize(
    "radius, inside, peaks", [(80, 0.5, 0), (8, 3000.0, 1)]
)  # ambient light, and a peak that becomes a directional light
def test_a_bright_place_at_azimuth_90_lights_the_side_of_y(tmp_path, radius, inside, peaks):
    light = surrounded("lamp", hdr_file(tmp_path / "lamp.hdr", patch(32, 90, 0, radius, inside, 0.1)))
    assert len(light.directions) == peaks
    asset = asset_of(ball(base=(128, 128, 128, 255)))
    out = load("cpu").render(asset, front(64), light, ("rgb", "normal"))
    y, covered = out["normal"][0, ..., 1], out["alpha"][0, ..., 0] == 255
    right, left = covered & (y > 0.8), covered & (y < -0.8)
    rgb = out["rgb"][0, ..., 0].astype(float)
    assert rgb[right].mean() > 1.5 * rgb[left].mean()
    turned = surrounded("lamp", light.surround, turn_deg=180.0)  # half way round it lights the other side alike
    assert (
        abs(load("cpu").render(asset, front(64), turned, ("rgb",))["rgb"][0, ..., 0][left].mean() - rgb[right].mean())
        < 3
    )


def test_mirrors_show_what_is_behind_the_camera(tmp_path):
    """A flat chrome ball's middle sees straight back; red in front of +X, green elsewhere."""
    image = (
        patch(64, 0, 0, 30, 1.0, 0.0) * np.array([0.8, 0.01, 0.01])
        + patch(64, 0, 0, 30, 0.0, 1.0) * np.array([0.01, 0.5, 0.01])
        + 1e-4
    )
    light = Light("world", (0.0,) * 3, (0.0,) * 3, surround=hdr_file(tmp_path / "world.hdr", image))
    rgb = (
        load("cpu")
        .render(asset_of(ball(metallic=1.0, roughness=0.0)), front(64), light, ("rgb",))["rgb"][0]
        .astype(int)
    )
    assert rgb[32, 32, 0] > 3 * rgb[32, 32, 1] and rgb[32, 32 - 17, 1] > 3 * rgb[32, 32 - 17, 0]


def test_shadows_widen_with_distance():
    """Under a disc of half-angle a, the penumbra of an edge at height h is 2 h tan a wide; its outer tenths of light
    are faint.
    """
    light = Light("disc", (0.0,) * 3, (0.0,) * 3, directions=((0.0, 0.0, 1.0),), colors=((3.0,) * 3,), spreads=(0.12,))
    floor = painted(trimesh.creation.box(bounds=[[-0.9, -0.9, -0.9], [0.9, 0.9, -0.85]]), base=(150, 150, 150, 255))
    camera = pinhole(look_at(np.array([[2.6, 0.0, -0.05]]), target=(0.3, 0.0, -0.9)), 256)
    widths = []
    for height in (0.25, 0.5):
        roof = painted(trimesh.creation.box(bounds=[[-0.9, -0.9, height - 0.85], [0.9, 0.0, height - 0.8]]))
        image = load("cpu").render(asset_of(floor, roof), camera, light, ("rgb",))["rgb"][0, ..., 0].astype(float)
        y = np.linspace(-0.3, 0.3, 241)
        pixels = camera.project(np.stack([np.full_like(y, 0.5), y, np.full_like(y, -0.85)], axis=1))[0][0].astype(int)
        linear = (image[pixels[:, 1], pixels[:, 0]] / 255) ** 2.2
        share = linear / linear[-20:].mean()
        widths.append(np.ptp(y[(share > 0.1) & (share < 0.9)]))
        assert share[:20].max() < 0.1
    assert 1.5 < widths[1] / widths[0] < 2.5
    assert 0.5 < widths[1] / (2 * 0.5 * 0.12) < 1.3


def test_uniform_is_untouched_by_the_rest():
    """Base colour times openness: an open white quad is 255, whatever its gloss."""
    out = load("cpu").render(asset_of(ball(roughness=0.1)), front(64), UNIFORM, ("rgb",))["rgb"][0]
    assert (out[22:42, 22:42] == 255).all()


# --------------------------------------------------------------------------------------------------------- drawn lights


@pytest.fixture
def folder(tmp_path) -> HdrFolder:
    for number in range(3):
        write_hdr(tmp_path / f"{number}.hdr", patch(16, 70 * number, 40, 20, 50.0 + number, 0.3))
    return HdrFolder.of(tmp_path)


@pytest.mark.parametrize("name", LIGHTS)
def test_lights_are_keyed_and_recorded(name, folder):
    drawn = [LIGHTS[name].sample(Rng("light", index), folder) for index in (5, 6, 5)]
    assert drawn[0] == drawn[2] and (drawn[0] == drawn[1]) == (name in ("uniform", "studio", "softbox"))
    record = json.loads(drawn[0].record())
    assert (
        record["directions"] == [list(direction) for direction in drawn[0].directions]
        and record["exposure"] == drawn[0].exposure
    )
    if name == "environment":
        assert (
            record["surround"]["file"].endswith(".hdr")
            and len(record["surround"]["sha256"]) == 64
            and "path" not in record["surround"]
        )


def test_random_draws_all_kinds(folder):
    names = [LIGHTS["random"].sample(Rng("kind", index), folder).name for index in range(40)]
    assert set(names) == {"uniform", "softbox", "sky", "environment"}
    assert "environment" not in {LIGHTS["random"].sample(Rng("kind", index)).name for index in range(12)}
    with pytest.raises(ValueError, match="hdri"):
        LIGHTS["environment"].sample(Rng("kind", 0))


def test_a_folder_without_files_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"\.hdr"):
        HdrFolder.of(tmp_path)


@pytest.mark.parametrize("level", [1e-3, 1.0, 200.0])
def test_exposure_does_not_depend_on_the_recording(tmp_path, level):
    light = surrounded("e", hdr_file(tmp_path / "e.hdr", level * patch(32, 10, 50, 70, 1.0, 0.4)))
    lit = luminance_of(irradiance_at(light.filtered(), ())) * light.exposure
    assert abs(np.sort(lit)[256 * 85 // 100] - WHITE) < 1e-3


def test_skies_are_bright_above_and_blue_or_grey():
    for index in range(8):
        light = sample_sky(Rng("sky", index))
        assert isinstance(light.surround, Sky) and len(light.directions) <= 1 and sum(light.sky) > sum(light.ground)
        assert light.sky[2] >= 0.9 * light.sky[0]  # never warmer above than a grey day
        if light.directions:
            assert light.directions[0][2] > 0.05
    assert CONTRAST > 1


def test_bad_lights_are_named():
    for change in (
        {"directions": ((0.0, 0.0, 2.0),), "colors": ((1.0,) * 3,)},
        {"directions": ((0.0, 0.0, 1.0),)},
        {"exposure": 0.0},
        {"tone": "film"},
        {"directions": ((0.0, 0.0, 1.0),), "colors": ((1.0,) * 3,), "spreads": (0.1, 0.2)},
    ):
        with pytest.raises(ValueError, match="expected"):
            Light("bad", (1.0,) * 3, (1.0,) * 3, **change)


def test_the_farm_draws_and_records(folder):
    """The light of an object is in its json as one string, and renders again from the settings as a sidecar records
    them.
    """
    spec = farm.RenderSpec(views=1, size=16, light="environment", passes=("rgb",), hdri=folder)
    made = farm.make_sample(Zeroverse(), spec, 3)
    light = LIGHTS["environment"].sample(Zeroverse().stream(3).child("light"), folder)
    assert json.loads(made.fields["json"])["light_drawn"] == light.record()
    again = farm.RenderSpec(**json.loads(json.dumps(asdict(spec))) | {"passes": spec.passes, "orbit": spec.orbit})
    assert again == spec and farm.make_sample(Zeroverse(), again, 3).fields == made.fields
    for change in ({"light": "environment"}, {"light": "sky", "renderer": "pyrender"}):
        with pytest.raises(ValueError, match="expected"):
            farm.RenderSpec(**change)


# ----------------------------------------------------------------------------------------------------------------- tone


def test_paper_tone_by_hand():
    """Two views of 0..1 and 0..3 in even steps: percentiles 0.01 and 0.99, 0.03 and 2.97, so low 0.02 and high 1.98."""
    ramp = np.linspace(0.0, 1.0, 101)
    radiance = np.stack([ramp, 3 * ramp])[:, None, :, None] * np.ones(3)
    alpha = np.full((2, 1, 101, 1), 255, np.uint8)
    expected = np.rint(255 * np.clip((radiance - 0.02) / 1.96, 0, 1) ** (1 / 2.2))
    assert np.abs(paper_tone(radiance.astype(np.float32), alpha).astype(float) - expected).max() <= 1
    assert (paper_tone(radiance.astype(np.float32), alpha) != expected).mean() < 0.01  # halves round either way
    alpha[0, 0, :50] = 0
    toned = paper_tone(radiance.astype(np.float32), alpha)
    assert (toned[0, 0, :50] == 0).all() and (toned[1, 0, -1] == 255).all()


def test_paper_tone_survives_empty_and_even_pictures():
    radiance, alpha = np.full((1, 4, 4, 3), 0.25, np.float32), np.zeros((1, 4, 4, 1), np.uint8)
    assert (paper_tone(radiance, alpha) == 0).all()
    assert (paper_tone(radiance, alpha + 255) == round(255 * 0.25 ** (1 / 2.2))).all()


def test_paper_tone_through_the_renderer():
    """Half black, half grey and not mirroring: stretched to black and white, whatever the grey; labels do not
    change.
    """
    for grey in (40, 200):
        image = np.zeros((8, 8, 3), np.uint8)
        image[:, 4:] = grey
        plain, toned = (
            load("cpu").render(
                asset_of(quad(n=1, image=Image.fromarray(image))),
                front(64),
                replace(UNIFORM, tone=tone),
                ("rgb", "albedo"),
            )
            for tone in ("srgb", "paper")
        )
        assert (toned["rgb"][0, 20:44, 12:24] == 0).all() and (toned["rgb"][0, 20:44, 40:52] == 255).all()
        assert np.array_equal(plain["albedo"], toned["albedo"]) and np.array_equal(plain["alpha"], toned["alpha"])


# --------------------------------------------------------------------------------------------- the same bits everywhere


def digest() -> str:
    """One hash of filtered surrounds, drawn lights and a picture under one of them."""
    result = hashlib.sha256()
    for light in (SOFTBOX, sample_sky(Rng("digest", 1)), LIGHTS["random"].sample(Rng("digest", 2))):
        result.update(light.record().encode())
        for array in light.filtered():
            result.update(array.tobytes())
    asset = asset_of(ball(metallic=0.5, roughness=0.3))
    result.update(load("cpu").render(asset, front(48), sample_sky(Rng("digest", 1)), ("rgb",))["rgb"].tobytes())
    return result.hexdigest()


def test_another_process_gives_the_same_bits():
    assert printed(__file__, "digest()") == digest()
