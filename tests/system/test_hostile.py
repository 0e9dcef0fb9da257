"""Hands that edit, delete, mistype and run twice: each gets one clear line, and nothing that was whole is spoiled."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import verse
from renderers.shards.storage import Local

SMALL = "--views 1 --size 16 --texture-size 16 --shard-size 2 --engine serial"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    assert verse.main(f"generate zeroverse --out {folder} --count 4 {SMALL}".split()) == 0
    return folder


@pytest.fixture
def copy(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "copy")
    return tmp_path / "copy"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def one_line(capsys, *words: str) -> str:
    """What the command says when it fails, its progress left out."""
    assert verse.main(list(map(str, words))) in (1, 2)
    lines = [line for line in capsys.readouterr().err.splitlines() if " to do" not in line and " in 0:" not in line]
    assert len(lines) == 1, lines
    return lines[0]


def edited(change):
    """A change of the first shard's sidecar, or of its first sample there."""

    def apply(folder: Path) -> None:
        path = folder / "zeroverse-000000.json"
        sidecar = json.loads(path.read_bytes())
        change(sidecar)
        path.write_text(json.dumps(sidecar))

    return apply


EDITS = [  # change, the key that the message names, whether it can still be read
    (lambda sidecar: sidecar.pop("samples"), "samples", False),
    (lambda sidecar: sidecar.update(samples=7), "samples", False),
    (lambda sidecar: sidecar.update(bytes="many"), "bytes", False),
    (lambda sidecar: sidecar.update(bytes=-1), "bytes", False),
    (lambda sidecar: sidecar.update(sha256=5), "sha256", False),
    (lambda sidecar: sidecar["samples"][0].update(fields=[]), "samples", False),
    (lambda sidecar: sidecar["samples"][0]["fields"].update(json="x"), "samples", False),
    (lambda sidecar: sidecar["samples"][0].pop("crc32"), "samples", False),
    (lambda sidecar: sidecar.update(indices=[0]), "indices", False),
    (lambda sidecar: sidecar.update(failed="none"), "failed", False),
    (lambda sidecar: sidecar.update(redraws={"slivers": "x"}), "redraws", False),
    (lambda sidecar: sidecar.pop("dataset"), "dataset", True),
    (lambda sidecar: sidecar.update(failed=None), "failed", True),
]


@pytest.mark.parametrize("change, key, readable", EDITS)
def test_an_edited_sidecar_is_named_by_every_command(copy, tmp_path, capsys, change, key, readable):
    edited(change)(copy)
    generate = f"generate zeroverse --out {copy} --count 4 {SMALL}".split()
    commands = [generate, ["verify", copy, "--rebuild", "1"]]
    commands += (
        []
        if readable
        else [
            ["preview", copy, "--out", tmp_path / "p"],
            f"export {copy} --format opencv --out {tmp_path / 'e'}".split(),
        ]
    )
    for command in commands:
        line = one_line(capsys, *command)
        assert "zeroverse-000000.json" in line and key in line and "Delete it" in line
    (copy / "zeroverse-000000.json").unlink()  # as the message says
    assert verse.main(generate) == 0 and verse.main(["verify", str(copy)]) == 0


@pytest.mark.parametrize("lost", ["zeroverse-000000.tar", "zeroverse-000001.json", "dataset.json"])
def test_a_half_deleted_folder_is_completed(whole, copy, capsys, lost):
    (copy / lost).unlink()
    assert verse.main(["verify", str(copy)]) == 1 and lost.split(".")[0] in capsys.readouterr().err
    assert verse.main(f"generate zeroverse --out {copy} --count 4 {SMALL}".split()) == 0
    assert contents(copy) == contents(whole)


@pytest.mark.parametrize("options", ["--seed 1 --start 4", "--preset released --start 4 --count 2"])
def test_another_data_set_in_the_folder_is_not_mixed_in(copy, capsys, options):
    """Not even where no shard would be overwritten: the folder's card and its settings speak for all of it."""
    before = contents(copy)
    line = one_line(capsys, *f"generate zeroverse --out {copy} {SMALL} {options}".split())
    assert "zeroverse-000000.tar: made with other settings (source." in line and "choose another --out" in line
    assert contents(copy) == before


def test_another_source_in_the_folder_is_not_mixed_in(copy, tmp_path, capsys):
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "a.glb").write_bytes(b"bad")
    before = contents(copy)
    assert "made with other settings" in one_line(
        capsys, *f"generate files --assets {tmp_path / 'assets'} --out {copy} --views 1 --size 16".split()
    )
    assert contents(copy) == before


@pytest.mark.parametrize(
    "out, message",
    [
        ("file", "File exists; choose an --out that is no file"),
        ("file/sub", "Not a directory; choose an --out that is no file"),
        ("dangling", "a link to nowhere, which is not there"),
    ],
)
def test_an_out_that_is_no_folder_is_named(tmp_path, capsys, out, message):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "dangling").symlink_to("nowhere")
    assert (
        one_line(capsys, *f"generate zeroverse --out {tmp_path / out} --count 1 {SMALL}".split())
        == f"verse: {tmp_path / out}: {message}"
    )
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_that_may_not_be_read_does_not_look_empty(tmp_path, capsys, monkeypatch):
    """Root may read everything, so the question is asked of somebody else."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    line = one_line(capsys, *f"generate files --assets {tmp_path} --out {tmp_path / 'out'}".split())
    assert line == f"verse: --assets: a folder that may not be read: {tmp_path}" and not (tmp_path / "out").exists()


def test_a_file_in_the_way_of_a_picture_is_named(whole, tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    assert one_line(capsys, "preview", whole, "--out", tmp_path / "file") == f"verse: {tmp_path / 'file'}: File exists"


def test_a_relative_link_spaces_and_any_script(whole, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mit Leerzeichen äöü 漢字").mkdir()
    Path("link").symlink_to("mit Leerzeichen äöü 漢字")
    assert verse.main(f"generate zeroverse --out link --count 4 {SMALL}".split()) == 0
    assert contents(Path("mit Leerzeichen äöü 漢字")) == contents(whole)
    assert verse.main(["verify", "mit Leerzeichen äöü 漢字", "--rebuild", "1"]) == 0
    assert (
        verse.main(["export", "link", "--format", "transforms", "--out", "weg ö"]) == 0
        and len(list(Path("weg ö").glob("*/transforms.json"))) == 4
    )


def test_two_runs_into_one_folder_at_the_same_time(whole, tmp_path):
    """Both do the work, neither spoils what the other has finished."""
    command = [
        sys.executable,
        "-m",
        "verse",
        *f"generate zeroverse --out {tmp_path / 'both'} --count 4 {SMALL}".split(),
    ]
    runs = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [run.communicate()[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], errors
    assert contents(tmp_path / "both") == contents(whole)


def test_a_shard_made_twice_is_vouched_for_all_the_time(tmp_path, sample, monkeypatch):
    """Whoever looks while the second writer is at work sees a whole shard."""
    from renderers.shards import write_shard

    store = Local(tmp_path)
    write_shard(store, "s.tar", [sample("a")], {})
    seen = []
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda old, new: seen.append(sorted(store.sizes())) or replace(old, new))
    write_shard(store, "s.tar", [sample("a")], {})
    assert seen == [["s.json", "s.tar"]] * 2
    write_shard(store, "s.tar", [sample("b")], {})
    assert seen[2:] == [["s.tar"], ["s.tar"]], "of other bytes the old sidecar says nothing"
