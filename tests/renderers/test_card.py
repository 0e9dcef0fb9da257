"""The card beside the shards, and codecs: what a reader without our code finds in a folder."""

import json
import subprocess
import sys

import numpy as np
import pytest
import trimesh
import webdataset
from PIL import Image

import verse
from renderers.shards import ShardReader, codecs
from renderers.tables import CODECS

SMALL = "--shard-size 2 --views 2 --size 32 --texture-size 32 --engine serial"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("card")
    assert verse.main(f"generate zeroverse --out {folder} --count 3 --meshes {SMALL}".split()) == 0
    return folder


def front_matter(folder) -> str:
    return (folder / "README.md").read_text().split("---\n")[1]


def test_the_card_says_what_is_there(folder):
    text = (folder / "README.md").read_text()
    assert "license: cc0-1.0" in front_matter(folder) and 'path: "*.tar"' in front_matter(folder)
    assert "# 3 objects" in text and "2 views of 32 × 32 pixels" in text and "| shards | 2 |" in text
    for name in ("rgb", "depth", "normal", "albedo", "part"):
        assert f"| `{name}_000.png` … |" in text
    assert "| `mesh.glb` | the object |" in text and "| `json` | cameras" in text
    assert (
        json.loads(text.split("```json\n")[1].split("```")[0])
        == json.loads((folder / "dataset.json").read_text())["config"]
    )
    assert "CC0 1.0 Universal" in (folder / "LICENSE").read_text()
    with Image.open(folder / "contact_sheet.webp") as picture:
        assert np.asarray(picture).std() > 10


def test_the_front_matter_is_yaml(folder):
    import yaml

    front = yaml.safe_load(front_matter(folder))
    assert front["configs"] == [{"config_name": "default", "data_files": [{"split": "train", "path": "*.tar"}]}]
    assert front["size_categories"] == ["n<1K"]


def test_what_someone_else_wrote_stays(tmp_path):
    command = f"generate zeroverse --out {tmp_path} {SMALL} --count".split()
    (tmp_path / "LICENSE").write_text("mine")
    assert verse.main([*command, "2"]) == 0
    first = (tmp_path / "README.md").read_text()
    assert verse.main([*command, "3"]) == 0
    assert "# 3 objects" in (tmp_path / "README.md").read_text() != first, "ours follows the data"
    (tmp_path / "README.md").write_text("my own words")
    assert verse.main([*command, "4"]) == 0
    assert (tmp_path / "README.md").read_text() == "my own words" and (tmp_path / "LICENSE").read_text() == "mine"


def test_data_from_files_is_not_given_away(tmp_path):
    (tmp_path / "assets").mkdir()
    trimesh.creation.box().export(tmp_path / "assets" / "box.glb")
    assert (
        verse.main(
            f"generate files --assets {tmp_path / 'assets'} --out {tmp_path / 'out'} --views 1 --size 16 --engine "
            f"serial".split()
        )
        == 0
    )
    assert (
        "license: other" in front_matter(tmp_path / "out")
        and "licences of those" in (tmp_path / "out" / "LICENSE").read_text()
    )


def test_a_folder_without_objects_has_a_card_too(tmp_path):
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "bad.glb").write_bytes(b"bad")
    assert (
        verse.main(f"generate files --assets {tmp_path / 'assets'} --out {tmp_path / 'out'} --engine serial".split())
        == 1
    )
    assert "No object could be made" in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.slow  # importing datasets takes 5 s
@pytest.mark.parametrize("streaming", [False, True])
def test_the_hugging_face_loader_reads_the_folder(folder, tmp_path, streaming):
    pytest.importorskip("datasets", reason="wants pip install datasets")
    code = (
        f"import datasets; data = datasets.load_dataset({str(folder)!r}, split='train', streaming={streaming}, "
        f"cache_dir={str(tmp_path)!r}); "
        "rows = list(data); print(len(rows), rows[0]['__key__'], rows[0]['rgb_000.png'].size, "
        "rows[0]['depth_001.png'].mode, rows[0]['json']['views'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split("\n")[-2].startswith("3 zeroverse-paper-0-00000000 (32, 32) I;16 2"), (
        done.stdout + done.stderr
    )


# --------------------------------------------------------------------------------------------------------------- codecs

PASSES = "rgb alpha depth albedo part"


def made(tmp_path, options: str) -> ShardReader:
    assert verse.main(f"generate zeroverse --out {tmp_path} --count 2 {SMALL} --passes {PASSES} {options}".split()) == 0
    assert verse.main(["verify", str(tmp_path), "--rebuild", "1"]) == 0
    return ShardReader(tmp_path)


@pytest.mark.parametrize(
    "options, suffix, error",
    [
        ("--codec webp", "webp", 0),
        ("--codec webp --quality 95", "webp", 10),
        ("--codec jpeg", "jpg", 4),
        ("--codec jpeg --quality 100", "jpg", 1),
    ],
)
def test_codecs_change_colour_only_and_every_reader_knows(folder, tmp_path, options, suffix, error, capsys):
    reader, exact = made(tmp_path / "data", options), ShardReader(folder)
    assert {f"rgb_000.{suffix}", f"albedo_001.{suffix}", "depth_000.png", "part_001.png"} <= set(reader.fields(0))
    assert reader.has(0, "alpha_000.png") == (suffix == "jpg")
    ours, theirs = (one.read(1, PASSES.split()) for one in (reader, exact))
    for name in ("alpha", "depth", "part"):
        assert np.array_equal(ours[name], theirs[name]), "labels are exact"
    for name in ("rgb", "albedo"):
        assert ours[name].shape == theirs[name].shape and ours[name].dtype == np.uint8
        inside = theirs["alpha"][..., 0] == 255
        assert np.abs(ours[name][inside].astype(int) - theirs[name][inside]).mean() <= error, (
            "webp halves the resolution of hue"
        )
    rows = list(
        webdataset.WebDataset(str(tmp_path / "data" / "zeroverse-000000.tar"), shardshuffle=False).decode("rgb8")
    )
    assert len(rows) == 2 and f"rgb_000.{suffix}" in rows[0]
    assert f"`rgb_000.{suffix}`" in (tmp_path / "data" / "README.md").read_text()
    assert verse.main(f"preview {tmp_path / 'data'} --out {tmp_path / 'preview'}".split()) == 0


@pytest.mark.parametrize(
    "options, message",
    [
        ("--codec png --quality 90", "quality: expected 1 to 100, and codec webp or jpeg; got 90 for png"),
        ("--codec jpeg --quality 101", "got 101 for jpeg"),
        ("--codec jpeg --quality 0", "got 0 for jpeg"),
    ],
)
def test_a_quality_that_means_nothing_is_wrong_usage(tmp_path, capsys, options, message):
    assert verse.main(f"generate zeroverse --out {tmp_path} {options}".split()) == 2
    assert message in capsys.readouterr().err


def test_full_alpha_may_be_dropped_by_webp():
    rgba = np.full((8, 8, 4), 255, np.uint8)
    from zeroverse.core import png

    assert codecs.alpha_of(png.decode(codecs.encode("rgb", rgba, "webp", None))).min() == 255


def test_the_command_line_knows_every_codec():
    import typing

    assert set(typing.get_args(typing.get_type_hints(verse.GenerateZeroverse)["codec"])) == set(CODECS)
