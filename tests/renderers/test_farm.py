"""The farm: the same bytes whatever the workers, whole shards after any kill, failures named."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import trimesh

import verse
from renderers import farm
from renderers.farm.sample import CONVENTIONS
from renderers.shards import ShardReader, verify
from renderers.shards.storage import Local
from renderers.sources.procedural import Zeroverse
from renderers.tables import RIGS

SMALL = "--shard-size 2 --views 2 --size 32 --texture-size 32"


def run(command: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "verse", *command.split()], capture_output=True, text=True, check=False, **options
    )


def tars(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.tar"))}


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """Five objects in three shards, made in one process."""
    folder = tmp_path_factory.mktemp("reference")
    assert verse.main(f"generate zeroverse --out {folder} --count 5 --workers 1 {SMALL}".split()) == 0
    return folder


@pytest.fixture
def glbs(tmp_path):
    """Two good files, in a folder and a sub-folder, and one that is not a GLB."""
    folder = tmp_path / "assets"
    (folder / "sub").mkdir(parents=True)
    trimesh.creation.box().export(folder / "box.glb")
    trimesh.creation.icosphere(subdivisions=2).export(folder / "sub" / "ball.v2.glb")
    (folder / "damaged.glb").write_bytes((folder / "box.glb").read_bytes()[:200])
    return folder


def test_two_workers_in_another_process_and_folder_give_the_same_bytes(reference, tmp_path):
    done = run(f"generate zeroverse --out {tmp_path / 'two'} --count 5 --workers 2 {SMALL}")
    assert done.returncode == 0, done.stderr
    assert tars(tmp_path / "two") == tars(reference)
    assert len(tars(reference)) == 3


def test_a_shard_does_not_depend_on_where_the_run_starts(reference, tmp_path):
    assert verse.main(f"generate zeroverse --out {tmp_path} --start 2 --count 2 --workers 1 {SMALL}".split()) == 0
    assert tars(tmp_path) == {"zeroverse-000001.tar": tars(reference)["zeroverse-000001.tar"]}


def test_a_finished_run_is_left_alone_and_a_larger_one_continues_it(reference, tmp_path):
    command = f"generate zeroverse --out {tmp_path} --workers 1 {SMALL} --count"
    assert verse.main([*command.split(), "3"]) == 0
    first = (tmp_path / "zeroverse-000000.tar").stat()
    assert verse.main([*command.split(), "5"]) == 0
    assert (tmp_path / "zeroverse-000000.tar").stat().st_mtime_ns == first.st_mtime_ns
    assert tars(tmp_path) == tars(reference)


def test_a_missing_or_truncated_shard_is_made_again(reference, tmp_path):
    command = f"generate zeroverse --out {tmp_path} --workers 1 --count 5 {SMALL}".split()
    assert verse.main(command) == 0
    (tmp_path / "zeroverse-000000.tar").unlink()
    os.truncate(tmp_path / "zeroverse-000002.tar", 1000)
    assert verse.main(command) == 0
    assert tars(tmp_path) == tars(reference)
    assert verse.main(["verify", str(tmp_path)]) == 0


@pytest.mark.parametrize(
    "change, message",
    [
        ("--count 5 --seed 1", "source.seed: 0 there, 1 asked for"),
        ("--count 5 --light studio", "render.light"),
        ("--count 1", "would drop some"),
    ],
)
def test_other_settings_do_not_spoil_a_folder(reference, capsys, change, message):
    before = tars(reference)
    assert verse.main(f"generate zeroverse --out {reference} --workers 1 {SMALL} {change}".split()) == 1
    assert message in capsys.readouterr().err
    assert tars(reference) == before


def test_shares_of_edits_are_in_the_settings_that_rebuild(reference, tmp_path, capsys):
    command = f"generate zeroverse --out {tmp_path} --count 2 --workers 1 {SMALL}"
    assert verse.main(f"{command} --edit cut=1 wireframe=0".split()) == 0
    reader = ShardReader(tmp_path)
    assert [json.loads(reader.meta(index).recipe)["edit"]["kind"] for index in range(2)] == ["cut", "cut"]
    assert reader.keys[1] == "zeroverse-paper-cut1-wireframe0-0-00000001"
    assert verse.main(["verify", str(tmp_path), "--rebuild", "2"]) == 0
    assert verse.main(f"{command} --cut 0.5 --wireframe 0".split()) == 1
    assert "source.cut: 1.0 there, 0.5 asked for" in capsys.readouterr().err
    source = json.loads((reference / "dataset.json").read_text())["config"]["source"]
    assert {"cut", "wireframe"} & source.keys() == set(), "folders from before the shares were flags can be continued"


def kill_and_resume(tmp_path: Path, reference: Path, waits) -> None:
    command = [
        sys.executable,
        "-m",
        "verse",
        *f"generate zeroverse --out {tmp_path} --count 5 --workers 2 {SMALL}".split(),
    ]
    for wait in waits:
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        time.sleep(wait)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for name, data in tars(tmp_path).items():
            assert data == tars(reference)[name], "what carries its final name is whole"
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert tars(tmp_path) == tars(reference)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == ["", *[".json"] * 4, ".md", *[".tar"] * 3, ".webp"], (
        "no temporary files stay"
    )


def test_kill_and_resume(tmp_path, reference):
    kill_and_resume(tmp_path, reference, [2.5, 4.0])


@pytest.mark.slow
def test_kill_at_twenty_random_moments_and_resume(tmp_path, reference):
    kill_and_resume(tmp_path, reference, np.random.default_rng(0).uniform(0.5, 8, 20))


def test_samples_say_what_they_are(reference):
    reader = ShardReader(reference)
    meta = reader.meta(3)
    assert meta.uid == reader.keys[3] == "zeroverse-paper-0-00000003"
    assert meta.caption and meta.parts and meta.conventions == CONVENTIONS.format(half=127.5)
    recipe = json.loads(meta.recipe)
    from zeroverse import grammar
    from zeroverse.grammar.recipe import from_dict

    again, first = grammar.build(from_dict(recipe), meta.uid), Zeroverse(texture_size=32).make(3)
    for name in first.parts:
        assert np.array_equal(again.scene.geometry[name].vertices, first.scene.geometry[name].vertices)


def test_labels_agree_with_one_another(reference):
    """Where there is depth there are a normal, a part and full or partial coverage; normals face the camera."""
    reader = ShardReader(reference)
    for index in range(len(reader)):
        images = reader.read(index, ("alpha", "depth", "normal", "part"))
        seen = images["depth"][..., 0] > 0
        assert 0.02 < seen.mean() < 0.9
        assert np.array_equal(seen, images["part"][..., 0] > 0)
        assert np.array_equal(seen, (images["normal"] != 0).any(axis=-1))
        assert (images["alpha"][..., 0][seen] > 0).mean() > 0.99
        assert images["part"].max() <= len(reader.meta(index).parts)
        _, rays_d = reader.cameras(index).rays()
        facing = (images["normal"] * rays_d).sum(axis=-1)[seen]
        assert (facing < 0.2).mean() > 0.995


def test_files_go_through_the_same_door(glbs, tmp_path, capsys):
    """Good files become samples, the damaged one is named, the status says so, and the folder verifies."""
    command = (
        f"generate files --assets {glbs} --out {tmp_path / 'out'} --views 2 --size 32 --workers 1 --meshes".split()
    )
    assert verse.main(command) == 1
    error = capsys.readouterr().err
    assert str(glbs / "damaged.glb") in error and "not a readable GLB" in error
    reader = ShardReader(tmp_path / "out")
    assert reader.keys == ("box", "sub_ball_v2")
    index = json.loads((tmp_path / "out" / "dataset.json").read_text())
    assert index["samples"] == 2 and [Path(row["name"]).name for row in index["failed"]] == ["damaged.glb"]
    assert verse.main(["verify", str(tmp_path / "out")]) == 0
    box = trimesh.load(trimesh.util.wrap_as_stream(reader.field(0, "mesh.glb")), file_type="glb")
    assert box.extents == pytest.approx([1.8, 1.8, 1.8])


def test_a_bug_names_the_object(monkeypatch):
    def broken(self, index):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Zeroverse, "make", broken)
    with pytest.raises(farm.FarmError, match="zeroverse seed 0 index 17: ZeroDivisionError: a bug"):
        farm.make_sample(Zeroverse(), farm.RenderSpec(views=1, size=16), 17)


def test_leftovers_of_dead_processes_are_swept(tmp_path):
    import socket

    dead, alive, elsewhere = (
        tmp_path / f"s.tar.tmp-{host}-{pid}"
        for host, pid in (
            (socket.gethostname(), 4_000_000),
            (socket.gethostname(), os.getpid()),
            ("another-machine", 4_000_000),
        )
    )
    for path in (dead, alive, elsewhere):
        path.write_bytes(b"half")
    Local(tmp_path).sweep()
    assert sorted(tmp_path.iterdir()) == sorted([alive, elsewhere])


@pytest.mark.parametrize(
    "change", [{"rig": "moon"}, {"radius": "far"}, {"light": "dark"}, {"passes": ("smell",)}, {"views": 0}, {"size": 4}]
)
def test_wrong_settings_are_named(change):
    with pytest.raises(ValueError, match="expected"):
        farm.RenderSpec(**change)


def test_every_rig_draws_its_views():
    for rig in RIGS:
        spec = farm.RenderSpec(views=5, size=16, rig=rig)
        assert len(spec.cameras(Zeroverse().stream(0))) == spec.views == (64 if rig == "gso-64" else 5)


def test_shards_verify(reference):
    assert [found for _, found in verify.verify(reference) if found] == []
