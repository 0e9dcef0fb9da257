"""Shards: readable by anyone, whole or absent, the same bytes for the same samples, and honest about damage."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import textwrap
import time

import numpy as np
import pytest
import webdataset as wds

from renderers.farm.plan import write_index
from renderers.passes import DEPTH_UNIT, PASSES, check_passes, dequantise, quantise
from renderers.shards import ShardError, ShardReader, read_sidecar, write_shard, writer
from renderers.shards.storage import Local
from renderers.shards.verify import verify
from zeroverse.core import png


@pytest.fixture
def shard(tmp_path, sample):
    path = tmp_path / "noise-000000.tar"
    write_shard(
        Local(tmp_path),
        path.name,
        [sample(key) for key in ("a", "b", "c")],
        {"dataset": {"source": {"source": "noise"}}, "failed": [], "redraws": {}},
    )
    write_index(Local(tmp_path))
    return path


def problems(folder) -> list[str]:
    return [problem for _, found in verify(folder) for problem in found]


# --------------------------------------------------------------------------------------------------------------- format


@pytest.mark.parametrize(
    "dtype, shape",
    [(np.uint8, (5, 7)), (np.uint8, (6, 4, 3)), (np.uint8, (3, 9, 4)), (np.uint16, (8, 2)), (np.uint8, (1, 1, 1))],
)
def test_png_is_lossless(dtype, shape):
    image = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape).astype(dtype)
    back = png.decode(png.encode(image))
    assert back.dtype == dtype and np.array_equal(back, image.reshape(back.shape))


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4), np.float32), np.zeros((4, 4, 2), np.uint8), np.zeros((0, 4), np.uint8), np.zeros(4, np.uint8)],
)
def test_png_refuses_what_it_cannot_hold(image):
    with pytest.raises(ValueError, match="expected uint8 or uint16"):
        png.encode(image)


def test_depth_and_normals_survive_storage_within_the_stated_error():
    noise = np.random.default_rng(0)
    depth = noise.uniform(0.5, 6.5, (20, 20, 1)).astype(np.float32)
    assert np.abs(dequantise("depth", quantise("depth", depth)) - depth).max() <= DEPTH_UNIT / 2 * 1.01
    normal = noise.normal(size=(20, 20, 3)).astype(np.float32)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    normal[0] = 0
    back = dequantise("normal", quantise("normal", normal))
    assert (back[0] == 0).all()
    assert np.degrees(np.arccos(np.clip((back[1:] * normal[1:]).sum(axis=-1), -1, 1))).max() < 0.5


@pytest.mark.parametrize("name", [name for name in PASSES if PASSES[name].dtype is np.float32])
def test_an_image_that_is_not_a_number_is_refused(name):
    image = np.zeros((4, 4, PASSES[name].channels), np.float32)
    image[1, 2, 0] = np.nan
    with pytest.raises(ValueError, match=f"{name}: expected finite values, got 1"):
        quantise(name, image)


def test_depth_out_of_range_is_refused():
    with pytest.raises(ValueError, match="depth: expected 0 to 6.55"):
        quantise("depth", np.full((2, 2, 1), 7.0, np.float32))


def test_passes_are_checked():
    assert check_passes(["depth", "rgb"]) == ("rgb", "alpha", "depth")
    with pytest.raises(ValueError, match="unknown colour"):
        check_passes(["colour"])


# -------------------------------------------------------------------------------------------------------------- writing


def test_webdataset_reads_it_without_our_code(shard, sample):
    rows = list(wds.WebDataset(str(shard), shardshuffle=False).decode("rgb8"))
    assert [row["__key__"] for row in rows] == ["a", "b", "c"]
    ours = png.decode(sample("b")[1]["rgb_001.png"])
    assert np.array_equal(rows[1]["rgb_001.png"], ours[..., :3])
    assert rows[0]["json"]["uid"] == "a"


def test_same_samples_same_bytes(tmp_path, sample):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_shard(Local(tmp_path / name), "s-000000.tar", [sample("a"), sample("b")], {})
        time.sleep(0.01)
    one, two = ((tmp_path / name / "s-000000.tar").read_bytes() for name in ("one", "two"))
    assert one == two
    with tarfile.open(tmp_path / "one" / "s-000000.tar") as archive:
        assert all(member.mtime == 0 and member.uid == 0 and member.uname == "" for member in archive)


def test_a_failing_stream_leaves_nothing(tmp_path, sample):
    def stream():
        yield sample("a")
        raise RuntimeError("the renderer gave up")

    with pytest.raises(RuntimeError, match="gave up"):
        write_shard(Local(tmp_path), "s-000000.tar", stream(), {})
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_leaves_nothing(tmp_path, sample):
    def stream():
        yield sample("a")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shard(Local(tmp_path), "s-000000.tar", stream(), {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["", "a.b", "a/b", "x" * 81])
def test_bad_keys_are_refused(tmp_path, sample, key):
    with pytest.raises(ShardError, match="key"):
        write_shard(Local(tmp_path), "s.tar", [(key, sample("a")[1])], {})


def test_samples_of_a_shard_have_the_same_fields(tmp_path, sample):
    odd = sample("b")[1]
    odd["mesh.glb"] = b"x"
    with pytest.raises(ShardError, match="sample b: expected the fields of sample a; the difference is mesh.glb"):
        write_shard(Local(tmp_path), "s.tar", [sample("a"), ("b", odd)], {})


def test_a_full_disk_leaves_no_shard(tmp_path, sample, monkeypatch):
    """The write of the third block fails as it does on a full disk."""
    real, writes = writer._member, []

    def member(name, data):
        writes.append(name)
        if len(writes) == 3:
            raise OSError(28, "No space left on device")
        return real(name, data)

    monkeypatch.setattr(writer, "_member", member)
    with pytest.raises(OSError, match="No space left"):
        write_shard(Local(tmp_path), "s.tar", [sample("a")], {})
    assert list(tmp_path.iterdir()) == []


def test_kill_at_any_moment_leaves_whole_shards_or_none(tmp_path):
    """A process that writes the same shards over and over, killed at random moments: every tar under a final name is
    whole.
    """
    code = textwrap.dedent("""
        import sys
        from renderers.shards import write_shard
        from renderers.shards.storage import Local
        folder, round = Local(sys.argv[1]), 0
        print("ready", flush=True)
        while True:
            samples = [("a", {"x": b"x" * 300_000}), ("b", {"x": b"y" * 300_000})]
            write_shard(folder, f"s-{round % 3:06d}.tar", samples, {})
            round += 1
    """)
    waits = np.random.default_rng(0).uniform(0.0, 0.15, 20)
    for wait in waits:
        process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for tar in tmp_path.glob("*.tar"):
            with tarfile.open(tar) as archive:
                assert [(member.name, member.size) for member in archive] == [("a.x", 300_000), ("b.x", 300_000)]
        for sidecar in tmp_path.glob("*.json"):
            assert read_sidecar(Local(tmp_path), sidecar.name)["bytes"] == sidecar.with_suffix(".tar").stat().st_size


# -------------------------------------------------------------------------------------------------------------- reading


def test_reader_returns_what_was_written(shard, sample):
    reader = ShardReader(shard.parent)
    assert reader.keys == ("a", "b", "c") and len(reader) == 3
    image = png.decode(sample("b")[1]["rgb_002.png"])
    read = reader.read(1, ("rgb", "alpha", "depth"), views=[2, 0])
    assert np.array_equal(read["rgb"][0], image[..., :3]) and np.array_equal(read["alpha"][0], image[..., 3:])
    assert read["depth"].shape == (2, 16, 16, 1) and read["depth"].dtype == np.float32
    assert np.array_equal(np.rint(read["depth"][1, ..., 0] / DEPTH_UNIT), png.decode(sample("b")[1]["depth_000.png"]))


def test_fingerprint_names_the_data(shard, tmp_path_factory, sample):
    other = tmp_path_factory.mktemp("other")
    write_shard(Local(other), "noise-000000.tar", [sample("a"), sample("b")], {})
    assert (
        ShardReader(shard.parent).fingerprint == ShardReader(shard.parent).fingerprint != ShardReader(other).fingerprint
    )


@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda shard: os.truncate(shard, 5000), "truncated or replaced"),
        (lambda shard: shard.with_suffix(".json").write_text("{"), "not JSON"),
        (lambda shard: shard.with_suffix(".json").write_text("[]"), "not the sidecar"),
        (
            lambda shard: shard.with_suffix(".json").write_text('{"format": "verse-shard/9"}'),
            "expected verse-shard/1, got verse-shard/9",
        ),
        (lambda shard: shard.with_suffix(".json").unlink(), "no samples in whole shards"),
        (lambda shard: shutil.rmtree(shard.parent), "no such folder"),
    ],
)
def test_reader_names_a_bad_shard(shard, damage, message):
    damage(shard)
    with pytest.raises(ShardError, match=message) as error:
        ShardReader(shard.parent)
    assert str(shard.parent) in str(error.value)


def test_reader_names_a_missing_field(shard):
    with pytest.raises(ShardError, match=r"sample a: no field normal_000.png; it has depth_\*.png, json, rgb_\*.png"):
        ShardReader(shard.parent).read(0, ("normal",))


@pytest.mark.parametrize(
    "meta, message",
    [
        ({"format": "other/1"}, "expected verse-sample/1, got other/1"),
        ({"passes": ["smell"]}, "unknown smell"),
        ({"image_size": [8, 8]}, "expected 8 x 8 pixels, got 16 x 16"),
    ],
)
def test_reader_names_a_bad_sample(tmp_path, sample, meta, message):
    write_shard(Local(tmp_path), "s-000000.tar", [sample("a"), sample("b", **meta)], {})
    with pytest.raises(ShardError, match=f"sample b: .*{message}"):
        ShardReader(tmp_path).read(1, ("depth",))


# --------------------------------------------------------------------------------------------------------------- verify


def test_a_whole_folder_has_no_problems(shard):
    assert problems(shard.parent) == []


def test_a_flipped_byte_is_found_and_its_sample_named(shard):
    """Any byte: in a picture, in a tar header, in the json, in the padding at the end."""
    data = bytearray(shard.read_bytes())
    entries = read_sidecar(Local(shard.parent), "noise-000000.json")["samples"]
    for position in np.random.default_rng(0).integers(0, len(data), 60).tolist() + [0, len(data) - 1]:
        shard.write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
        owner = [entry["key"] for entry in entries if entry["offset"] <= position < entry["offset"] + entry["bytes"]]
        found = problems(shard.parent)
        assert len(found) == 1 and str(shard) in found[0]
        assert (f"sample {owner[0]}" in found[0]) if owner else "end of the tar" in found[0]
    shard.write_bytes(data)
    assert problems(shard.parent) == []


@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda shard: os.truncate(shard, 5000), "truncated"),
        (lambda shard: shard.unlink(), "sidecar without its tar"),
        (lambda shard: shard.with_suffix(".json").unlink(), "not known to be whole"),
        (lambda shard: (shard.parent / "dataset.json").unlink(), "did not finish"),
        (lambda shard: (shard.parent / "dataset.json").write_text("{"), "unreadable"),
        (lambda shard: shutil.copy(shard, shard.with_name("noise-000009.tar")), "not listed"),
        (lambda shard: shard.with_name("foreign.tar").write_bytes(b"not a tar"), "foreign.json: missing"),
        (
            lambda shard: shard.with_suffix(".json").write_text(json.dumps({"format": "verse-shard/1"})),
            "bytes: expected a number, got null",
        ),
    ],
)
def test_verify_names_what_is_wrong(shard, damage, message):
    damage(shard)
    assert any(message in problem for problem in problems(shard.parent)), problems(shard.parent)


@pytest.mark.parametrize(
    "break_it, message",
    [
        (lambda fields: fields.pop("json"), "no field json"),
        (lambda fields: fields.update({"json": b"{}"}), "format"),
        (lambda fields: fields.pop("rgb_001.png"), "no field rgb_001.png"),
        (lambda fields: fields.update({"rgb_001.png": b"not a png"}), "field rgb_001.png: not a readable image"),
        (
            lambda fields: fields.update({"rgb_001.png": fields["rgb_001.png"][:-40]}),
            "field rgb_001.png: not a readable image",
        ),
        (
            lambda fields: fields.update({"depth_000.png": png.encode(np.zeros((3, 3), np.uint16))}),
            "expected 16 x 16 pixels, got 3 x 3",
        ),
    ],
)
def test_verify_reads_again_what_is_inside(tmp_path, sample, break_it, message):
    """Whole by its hash, but wrong when it was written."""
    key, fields = sample("a")
    break_it(fields)
    write_shard(Local(tmp_path), "s-000000.tar", [(key, fields)], {"dataset": {}, "failed": [], "redraws": {}})
    found = problems(tmp_path)
    assert any("sample a" in problem and message in problem for problem in found), found
