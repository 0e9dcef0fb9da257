"""Several sizes in one pass, a light for each view, normals in 16 bits: what the farm can be asked for beyond the
default.
"""

import json

import numpy as np
import pytest
import webdataset

import renderers
import verse
from renderers import farm
from renderers.cameras import Cameras, look_at, pinhole, spherical
from renderers.cameras.rigs import turntable
from renderers.lighting import STUDIO, UNIFORM, sample_sky
from renderers.passes import DEFAULT_PASSES, dequantise, quantise
from renderers.shards import ShardError, ShardReader
from renderers.shards.verify import verify
from train.data.views import ViewSampler
from zeroverse import grammar
from zeroverse.core import png
from zeroverse.core.rng import Rng

SMALL = "--count 3 --shard-size 2 --views 3 --texture-size 32 --engine serial"


def generate(folder, options: str):
    assert verse.main(f"generate zeroverse --out {folder} {SMALL} {options}".split()) == 0
    return folder


@pytest.fixture(scope="module")
def sizes(tmp_path_factory):
    return generate(tmp_path_factory.mktemp("sizes"), "--size 64 32 16")


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return generate(tmp_path_factory.mktemp("alone"), "--size 32")


# ---------------------------------------------------------------------------------------------------------------- sizes


def test_a_second_size_has_the_bytes_of_a_run_at_that_size(sizes, alone):
    """So labels are exact at every size: no picture is made from another."""
    both, one = ShardReader(sizes), ShardReader(alone)
    for index in range(len(one)):
        fields = [field for field in one.fields(index) if field.endswith(".png")]
        assert len(fields) == 15
        for field in fields:
            name, view = field.rsplit("_", 1)
            assert both.field(index, f"{name}_32px_{view}") == one.field(index, field)


def test_a_reader_shows_the_smallest_that_is_large_enough(sizes, alone):
    for asked, shown in ((None, 64), (64, 64), (33, 64), (32, 32), (17, 32), (16, 16), (1, 16)):
        reader = ShardReader(sizes, asked)
        assert reader.read(0, ("depth",), views=[0])["depth"].shape == (1, shown, shown, 1)
        assert (reader.cameras(0).width, reader.cameras(0).height) == (shown, shown)
    ours, theirs = ShardReader(sizes, 32), ShardReader(alone)
    assert np.array_equal(ours.cameras(1).intrinsics, theirs.cameras(1).intrinsics) and np.array_equal(
        ours.cameras(1).c2w, theirs.cameras(1).c2w
    )
    assert all(
        np.array_equal(ours.read(1, DEFAULT_PASSES)[name], image)
        for name, image in theirs.read(1, DEFAULT_PASSES).items()
    )
    with pytest.raises(ShardError, match="zeroverse-paper-0-00000000: expected views of at least 65 pixels, got 64"):
        ShardReader(sizes, 65).meta(0)


def test_the_trainer_takes_what_it_needs(sizes, alone):
    batches = [
        ViewSampler(ShardReader(folder, 32), range(3), size=32, pool=2, inputs=1, targets=1, seed=0).batch([0, 1])
        for folder in (sizes, alone)
    ]
    assert all((batches[0][name] == batches[1][name]).all() for name in batches[1])


def test_webdataset_finds_every_size_under_its_name(sizes):
    row = next(iter(webdataset.WebDataset(str(sizes / "zeroverse-000000.tar"), shardshuffle=False).decode("rgb8")))
    assert [row[f"rgb_{size}000.png"].shape[0] for size in ("", "32px_", "16px_")] == [64, 32, 16]
    assert [other["image_size"] for other in row["json"]["other_sizes"]] == [[32, 32], [16, 16]]
    assert (
        row["json"]["other_sizes"][1]["files"]["depth"] == "depth_16px_{view:03d}.png"
        and "their width / this width" in row["json"]["conventions"]
    )


def test_verify_and_card_know_every_size(sizes, alone, capsys):
    assert verse.main(["verify", str(sizes), "--rebuild", "1"]) == 0
    card = (sizes / "README.md").read_text()
    assert "3 views of 64 × 64 and 32 × 32 and 16 × 16 pixels" in card
    assert "| `part_16px_000.png` … | 1 + index of the part" in card
    assert b"other_sizes" not in ShardReader(alone).field(0, "json"), "one size is as it was"


def test_verify_reads_again_the_other_sizes_too(sizes, tmp_path, sample):
    from renderers.shards import write_shard
    from renderers.shards.storage import Local

    key, fields = sample("a", other_sizes=[{"image_size": [8, 8], "files": {"depth": "depth_8px_{view:03d}.png"}}])
    fields |= {f"depth_8px_{view:03d}.png": png.encode(np.zeros((8, 8 if view else 7), np.uint16)) for view in range(2)}
    write_shard(Local(tmp_path), "s-000000.tar", [(key, fields)], {})
    found = [problem for _, problems in verify(tmp_path) for problem in problems]
    assert any("field depth_8px_000.png: expected 8 x 8 pixels, got 7 x 8" in problem for problem in found)
    assert any("no field depth_8px_002.png" in problem for problem in found) and not any(
        "_001" in problem for problem in found
    )


def test_framing_holds_at_every_size():
    """A pixel of margin at the first size is a part of one at a smaller, so nothing leaves the smaller picture
    either.
    """
    spec = farm.RenderSpec(views=40, size=256, more_sizes=(64,), framed="yes")
    cameras = spec.cameras(Rng("frames"))
    corners = np.stack(np.meshgrid(*[[-0.9, 0.9]] * 3), axis=-1).reshape(-1, 3)
    for size in spec.sizes:
        pixels = cameras.resized(size, size).project(corners)[0]
        assert 0 < pixels.min() and pixels.max() < size


@pytest.mark.parametrize(
    "options, message",
    [
        ("--size 64 64", "size: expected each one once, got 64 64"),
        ("--size 64 4", "--size: expected 8 to"),
        ("--size 9000", "--size: expected 8 to 8192, got 9000"),
        ("--passes", "expected"),
        ("--light studio --light-per view", "light_per: expected a light that is drawn"),
        ("--light sky --light-per view --tone paper", "light_per: expected"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(tmp_path, capsys, options, message):
    try:
        status = verse.main(f"generate zeroverse --out {tmp_path / 'x'} {SMALL} {options}".split())
    except SystemExit as end:
        status = end.code
    assert status == 2 and not (tmp_path / "x").exists()
    if message != "expected":
        assert message in capsys.readouterr().err


# ------------------------------------------------------------------------------------------------ a light for each view


def test_every_view_has_a_light_of_its_own_and_the_same_labels(tmp_path):
    ours = ShardReader(generate(tmp_path / "each", "--size 32 16 --light sky --light-per view"))
    theirs = ShardReader(generate(tmp_path / "one", "--size 32 16 --light sky"))
    lights = json.loads(ours.meta(0).light_drawn)
    assert (
        len(lights) == 3
        and len({json.dumps(light) for light in lights}) == 3
        and isinstance(json.loads(theirs.meta(0).light_drawn), dict)
    )
    for field in theirs.fields(0):
        assert (ours.field(0, field) == theirs.field(0, field)) == (not field.startswith(("rgb", "json"))), field


def test_shots_are_what_single_renders_are():
    """The object is loaded once for all shots: that must not show. In particular a normal map that one light needs and
    another does not.
    """
    asset, cpu = grammar.make(0, 3, texture_size=32), renderers.load("cpu")
    cameras, passes = turntable(2, 24), ("rgb", "alpha", "normal")
    shots = [
        (cameras, UNIFORM),
        (cameras.resized(16, 16), STUDIO),
        (cameras[[1]], sample_sky(Rng("x"))),
        (cameras, UNIFORM),
    ]
    drawn = [{name: image.copy() for name, image in view.items()} for view in cpu.views(asset, shots, passes)]
    single = [
        (render, view)
        for seen, light in shots
        for render in [cpu.render(asset, seen, light, passes)]
        for view in range(len(seen))
    ]
    assert len(drawn) == len(single) == 7
    for ours, (theirs, view) in zip(drawn, single):
        assert all(np.array_equal(ours[name], theirs[name][view]) for name in theirs)


# ---------------------------------------------------------------------------------------------- normals, derived passes


def angles(a, b) -> np.ndarray:  # degrees, by the chord: arccos has no digits left at such angles
    a, b = a.astype(np.float64), b.astype(np.float64)
    return np.degrees(2 * np.arcsin(np.linalg.norm(a - b, axis=-1) / 2))


def test_normals_of_16_bits_survive_storage_within_the_stated_error():
    normal = np.random.default_rng(0).normal(size=(100, 100, 3))
    normal = (normal / np.linalg.norm(normal, axis=-1, keepdims=True)).astype(np.float32)
    normal[0], normal[1, :3] = 0, np.eye(3)
    stored = quantise("normal", normal, 16)
    back = dequantise("normal", png.decode(png.encode(stored)))
    assert stored.dtype == np.uint16 and (back[0] == 0).all()
    assert (
        angles(back[1:], normal[1:]).max()
        < 0.002
        < angles(dequantise("normal", quantise("normal", normal)), normal)[1:].max()
        < 0.5
    )


def test_shards_with_16_bits_are_read_like_any_other(tmp_path, alone):
    ours, theirs = ShardReader(generate(tmp_path, "--size 32 --normal-bits 16")), ShardReader(alone)
    assert "value / 32767.5 - 1" in ours.meta(0).conventions and "value / 127.5 - 1" in theirs.meta(0).conventions
    assert verse.main(["verify", str(tmp_path)]) == 0
    fine, coarse = ours.read(1, ("normal",))["normal"], theirs.read(1, ("normal",))["normal"]
    seen = (fine != 0).any(axis=-1)
    assert (
        seen.any()
        and np.array_equal(seen, (coarse != 0).any(axis=-1))
        and 0.05 < angles(fine, coarse)[seen].max() < 0.5
    )
    assert all(
        ours.field(1, field) == theirs.field(1, field)
        for field in theirs.fields(1)
        if not field.startswith(("normal", "json"))
    )


def test_16_bit_colour_is_read_whole_or_not_at_all():
    image = np.random.default_rng(0).integers(0, 65536, (9, 7, 3), dtype=np.uint16)
    data = png.encode(image)
    assert np.array_equal(png.decode(data), image) and png.decode(data).dtype == np.uint16
    for position in range(8, len(data)):
        damaged = data[:position] + bytes([data[position] ^ 16]) + data[position + 1 :]
        try:
            assert png.decode(damaged).dtype == np.uint8, "another kind of PNG, in Pillow's hands"
        except ValueError as error:
            assert "not a readable image" in str(error)
    with pytest.raises(ValueError, match="not a readable image"):
        png.decode(data[:-30])


def test_positions_and_camera_normals_follow_from_depth_and_normals():
    """A sphere of radius 0.9: its points lie on it, its normals are its points' directions, and what is seen has z < 0
    in the camera.
    """
    cameras = Cameras(look_at(spherical([20, 200], [30, -40], 2.5)), np.tile([60.0, 55.0, 30.0, 33.0], (2, 1)), 64, 64)
    centers, (rays_o, rays_d) = cameras.centers, cameras.rays()
    along = (rays_o * rays_d).sum(-1)
    gap = along**2 - ((rays_o**2).sum(-1) - 0.81)
    distance = np.where(gap > 0, -along - np.sqrt(np.maximum(gap, 0)), 0.0)
    depth = distance * np.einsum("vhwi,vi->vhw", rays_d, cameras.c2w[:, :3, 2])
    points = cameras.positions(depth[..., None])
    seen = gap > 0
    assert seen.any() and np.abs(np.linalg.norm(points[seen], axis=-1) - 0.9).max() < 1e-12
    assert np.array_equal(points[0][~seen[0]], np.broadcast_to(centers[0], points[0][~seen[0]].shape))
    local = cameras.normals_cam(points / 0.9)
    facing = np.einsum("vhwi,vhwi->vhw", local, np.einsum("vji,vhwj->vhwi", cameras.c2w[:, :3, :3], rays_d))
    assert (facing[seen] < 0).all() and np.allclose(np.linalg.norm(local[seen], axis=-1), 1)
    ahead = pinhole(cameras.c2w, 9).normals_cam(np.broadcast_to(cameras.c2w[:, None, None, :3, 2], (2, 1, 1, 3)))
    assert np.allclose(ahead, [0, 0, 1])
