"""Solid textures: every family round-trips, repeats bit for bit and has no seams; baked normals are the analytic
ones.
"""

import hashlib
import json

import numpy as np
import pytest
from PIL import Image

from tests.helpers.processes import printed
from zeroverse import textures
from zeroverse.core.rng import Rng
from zeroverse.textures import palettes
from zeroverse.textures.base import pack
from zeroverse.textures.maps import normal_map

NAMES = [name for name, _, _ in textures.TEXTURES]
every_family = pytest.mark.parametrize("name", NAMES)


def draw(name: str, index: int = 0) -> textures.Texture:
    return textures.sample(Rng("test", index), [name])


def sphere(rows: int, columns: int) -> np.ndarray:  # [rows, columns, 3]
    """Unit sphere at texel centres, poles along z."""
    theta, phi = np.meshgrid(
        (np.arange(rows) + 0.5) / rows * np.pi, (np.arange(columns) + 0.5) / columns * 2 * np.pi, indexing="ij"
    )
    return np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], axis=-1)


def digest(name: str) -> str:
    positions = sphere(24, 48)
    maps = textures.bake(draw(name), positions, positions)
    fields = draw(name).fields(positions.reshape(-1, 3), positions.reshape(-1, 3))
    return hashlib.sha256(b"".join(array.tobytes() for array in (*maps, *fields))).hexdigest()


def digests() -> str:
    """One word for all families."""
    return ",".join(f"{name}:{digest(name)}" for name in NAMES)


@every_family
def test_round_trip_is_exact(name):
    points = sphere(16, 32).reshape(-1, 3)
    texture = draw(name)
    again = textures.from_dict(json.loads(json.dumps(textures.to_dict(texture))))
    assert again == texture
    for one, two in zip(texture.fields(points, points), again.fields(points, points)):
        assert one.tobytes() == two.tobytes()


@every_family
def test_draws_differ(name):
    points = sphere(16, 32).reshape(-1, 3)
    assert draw(name, 0) != draw(name, 1)
    assert not np.array_equal(
        draw(name, 0).fields(points, points).base_color, draw(name, 1).fields(points, points).base_color
    )


@every_family
@pytest.mark.parametrize("index", range(4))
def test_ranges(name, index):
    points = 1.2 * sphere(40, 80).reshape(-1, 3)
    fields = draw(name, index).fields(points, points / 1.2)
    assert fields.base_color.shape == points.shape
    for values in fields:
        assert values.dtype == np.float32 and len(values) == len(points) and np.isfinite(values).all()
    for values in fields[:3]:
        assert values.min() >= 0.0 and values.max() <= 1.0
    assert np.abs(fields.height).max() < 0.15  # relief for a normal map, on a surface of half-extent 1
    assert fields.base_color.mean() > 0.1, "near-black"
    assert fields.base_color.std(axis=0).max() > 0.005 and fields.roughness.std() > 0.001, "nothing to see"


@every_family
def test_blocks_do_not_show(name):
    """A point's material does not depend on which points are asked with it: no seam at a wrap, one colour at a pole."""
    points = sphere(20, 40).reshape(-1, 3)
    texture = draw(name)
    whole = texture.fields(points, points)
    for part in (slice(0, 1), slice(7, 300)):
        for one, two in zip(whole, texture.fields(points[part], points[part])):
            assert one[part].tobytes() == two.tobytes()


@every_family
def test_no_seam_and_no_pole(name):
    step = 1e-7
    start, end = sphere(64, 2)[:, 0], sphere(64, 2)[:, 0] + (0.0, -step, 0.0)
    texture = draw(name)
    for one, two in zip(texture.fields(start, start), texture.fields(end, start)):
        assert (np.abs(one - two) < 1e-3).mean() > 0.97  # hard edges of a print may fall between the two
    pole = np.tile((0.0, 0.0, 1.0), (50, 1))
    for values in texture.fields(pole, pole):
        assert (values == values[0]).all()


@every_family
def test_bake(name):
    positions = sphere(32, 64)
    maps = textures.bake(draw(name), positions, positions)
    for image in maps:
        assert image.shape == (32, 64, 3) and image.dtype == np.uint8
    assert (maps.metallic_roughness[..., 0] == 255).all()
    length = np.linalg.norm((maps.normal.astype(float) - 128.0) / 127.0, axis=-1)
    assert np.abs(length - 1.0).max() < 0.02 and maps.normal[..., 2].min() > 128


def test_same_bits_in_another_process():
    assert printed(__file__, "digests()") == digests()


def test_enough_families():
    assert len(NAMES) == len(set(NAMES)) >= 14
    assert {type(textures.sample(Rng("mixture", i))) for i in range(600)} == {
        family for _, family, _ in textures.TEXTURES
    }


class Slope:
    """A texture whose height is linear in position."""

    def __init__(self, *gradient):
        self.gradient = gradient

    def fields(self, points, normals):
        return pack(np.full((len(points), 3), 0.5), 0.5, 0.0, points @ np.array(self.gradient))


def sheet(
    rows=8, columns=12, u=(0.1, 0.0, 0.0), v=(0.0, 0.05, 0.0)
):  # plane with steps u per column, v per row upwards
    r, c = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    positions = c[..., None] * np.array(u) + (rows - 1 - r)[..., None] * np.array(v)
    return positions, np.broadcast_to((0.0, 0.0, 1.0), positions.shape)


def test_flat_height_gives_flat_normal():
    assert (textures.bake(Slope(0, 0, 0), *sheet()).normal == (128, 128, 255)).all()


@pytest.mark.parametrize("v", [(0.0, 0.05, 0.0), (0.07, 0.05, 0.0)], ids=["square", "sheared"])
@pytest.mark.parametrize("gradient", [(0.3, 0.0), (0.0, 0.3), (-0.4, 0.7)])
def test_ramp_gives_the_analytic_normal(gradient, v):
    """The bitangent is perpendicular to the tangent, so a sheared parametrisation of the same plane gives the same
    normal.
    """
    normal = np.array([-gradient[0], -gradient[1], 1.0]) / np.sqrt(1.0 + gradient[0] ** 2 + gradient[1] ** 2)
    image = textures.bake(Slope(*gradient, 0.0), *sheet(v=v)).normal
    assert np.abs(image.astype(float) - (127.0 * normal + 128.0)).max() <= 0.51


def test_degenerate_rows_are_flat():
    positions = sphere(32, 64)
    positions[0] = (0.0, 0.0, 1.0)  # a row collapsed to the pole
    image = normal_map(positions @ np.array([0.5, 0.2, 0.1]), positions)
    assert (image[0] == (128, 128, 255)).all()
    assert (normal_map(np.zeros((4, 4)), np.zeros((4, 4, 3))) == (128, 128, 255)).all()
    assert (normal_map(np.zeros((1, 1)), np.zeros((1, 1, 3))) == (128, 128, 255)).all()


@pytest.mark.parametrize(
    "change, message",
    [
        ({"family": "velvet"}, "family.*velvet"),
        ({"shine": 1.0}, "unknown parameter 'shine'"),
        ({"gloss": None}, r"Checker.gloss: expected a number from 0.2 to 0.8, got None"),
        ({"gloss": True}, "Checker.gloss"),
        ({"gloss": float("nan")}, "Checker.gloss"),
        ({"frequency": 1e6}, r"Checker.frequency: expected a number from 1.5 to 7.0, got 1000000.0"),
        ({"noise": 1.5}, "Checker.noise: expected an integer"),
        ({"palette": [[0, 0, 0]]}, "Checker.palette: expected 2 colours"),
        ({"quat": [1.0, 1.0, 0.0, 0.0]}, "Checker.quat: expected a unit quaternion"),
    ],
)
def test_errors_name_the_parameter(change, message):
    with pytest.raises(ValueError, match=message):
        textures.from_dict(textures.to_dict(draw("checker")) | change)


def test_missing_parameter_and_unknown_family():
    record = textures.to_dict(draw("checker"))
    del record["wear"]
    with pytest.raises(ValueError, match="missing parameter 'wear'"):
        textures.from_dict(record)
    with pytest.raises(ValueError, match="families.*velvet"):
        textures.sample(Rng("test"), ["velvet"])


def test_bake_names_a_wrong_shape():
    with pytest.raises(ValueError, match=r"positions, normals: expected \[H, W, 3\] twice, got \[4, 3\]"):
        textures.bake(draw("checker"), np.zeros((4, 3)), np.zeros((4, 3)))


def test_palettes_are_neither_black_nor_grey():
    """Over many draws: few dark colours, and most palettes hold a clear hue."""
    drawn = [np.array(palettes.any_palette(Rng("palette", i), 4)) for i in range(200)]
    assert np.mean([palette.max(axis=1).min() > 0.2 for palette in drawn]) > 0.97
    assert np.mean([(palette.max(axis=1) - palette.min(axis=1)).max() > 0.15 for palette in drawn]) > 0.9


@pytest.fixture
def folder(tmp_path):
    """A loose picture that does not tile, and a set whose normal map is a wave along u, four periods to the image."""
    ramp = np.linspace(0, 255, 48, dtype=np.uint8)
    picture = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None, :], np.uint8(90)), axis=-1)
    Image.fromarray(picture).save(tmp_path / "loose.png")
    steel = tmp_path / "Deep" / "Steel01"
    steel.mkdir(parents=True)
    Image.fromarray(picture[::-1].copy()).save(steel / "Steel01_BaseColor.png")
    Image.fromarray(np.full((48, 48), 51, np.uint8)).save(steel / "steel01_ROUGHNESS.png")
    Image.fromarray(np.full((48, 48), 255, np.uint8)).save(steel / "steel01_Metalness.png")
    slope = 0.4 * np.sin((np.arange(48) + 0.5) * (2 * np.pi / 12))
    normal = np.stack([-slope, 0.0 * slope, np.ones(48)], axis=1) / np.sqrt(1.0 + slope * slope)[:, None]
    Image.fromarray(np.broadcast_to(np.round(127.0 * normal + 128.0), (48, 48, 3)).astype(np.uint8)).save(
        steel / "steel01_normal.png"
    )
    return tmp_path


def image_texture(folder, name, **changes):
    drawn = (textures.sample_from_folder(Rng("image", i), folder) for i in range(50))
    record = textures.to_dict(next(texture for texture in drawn if texture.name == name))
    return textures.from_dict(json.loads(json.dumps(record | changes)))


def test_image_is_seamless_and_exact(folder):
    texture = image_texture(folder, "loose.png", quat=[1.0, 0.0, 0.0, 0.0], frequency=1.1)
    line = np.stack([np.linspace(-1.2, 1.2, 5000), np.full(5000, 0.3), np.ones(5000)], axis=1)
    fields = texture.bind(folder).fields(line, np.broadcast_to((0.0, 0.0, 1.0), line.shape))
    assert np.abs(np.diff(fields.base_color, axis=0)).max() < 0.002  # mirrored repeat: no jump where the picture ends
    points = sphere(40, 80).reshape(-1, 3)
    one, two = (texture.bind(folder).fields(points, points) for _ in range(2))
    assert all(a.tobytes() == b.tobytes() for a, b in zip(one, two))
    assert np.isfinite(one.height).all()


def test_image_set_uses_its_maps(folder):
    texture = image_texture(folder, "Deep/Steel01", quat=[1.0, 0.0, 0.0, 0.0], offset=[0.0, 0.0, 0.0], frequency=1.0)
    positions, normals = sheet(32, 32, u=(1 / 48, 0, 0), v=(0, 1 / 48, 0))
    positions = positions + (8.5 / 48, 8.5 / 48, 0.0)
    maps = textures.bake(texture.bind(folder), positions, normals)
    assert (maps.metallic_roughness == (255, 51, 255)).all()
    normal = maps.normal[:, 1:-1].astype(float) - 128.0
    slope = 0.4 * np.sin(positions[:, 1:-1, 0] * (48 * 2 * np.pi / 12))
    assert (
        np.abs(-normal[..., 0] / normal[..., 2] - slope).max() < 0.05
    )  # slopes survive the way through a height; differences lose 5 %
    assert np.abs(normal[..., 1]).max() <= 4


def test_image_errors_name_the_file(folder):
    texture = image_texture(folder, "loose.png")
    with pytest.raises(textures.ImageError, match="loose.png.*bind"):
        texture.fields(np.zeros((1, 3)), np.zeros((1, 3)))
    Image.new("RGB", (8, 8)).save(folder / "loose.png")
    with pytest.raises(textures.ImageError, match="loose.png: changed"):
        texture.bind(folder)
    (folder / "loose.png").unlink()
    with pytest.raises(textures.ImageError, match="loose.png: no such image"):
        texture.bind(folder)
    (folder / "loose.png").write_bytes(b"not a picture")
    with pytest.raises(textures.ImageError, match="loose.png: not a readable image"):
        image_texture(folder, "loose.png").bind(folder)
    with pytest.raises(ValueError, match="ImageTexture.name"):
        textures.from_dict(textures.to_dict(texture) | {"name": "../secret.png"})


def test_folder_errors(tmp_path):
    with pytest.raises(textures.ImageError, match="no images"):
        textures.sample_from_folder(Rng("image"), tmp_path)
    with pytest.raises(textures.ImageError, match="not a folder"):
        textures.sample_from_folder(Rng("image"), tmp_path / "nowhere")
