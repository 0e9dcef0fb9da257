"""Folders and URLs: the same bytes in each, nothing half-written, clean words when the disk is full or read-only; and
`verify --rebuild`.
"""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import verse
from renderers.shards import ShardError, ShardReader, canonical, write_shard
from renderers.shards.storage import Local, Remote, open_store

SMALL = "--shard-size 2 --views 2 --size 32 --texture-size 32 --engine serial"


def tars(where) -> dict[str, bytes]:
    store = open_store(where)
    return {name: store.read(name) for name in store.sizes() if name.endswith(".tar")}


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    assert verse.main(f"generate zeroverse --out {folder} --count 5 {SMALL}".split()) == 0
    return folder


@contextlib.contextmanager
def mounted(folder: Path, *options: str):
    """A file system of its own at `folder`; root is stopped by nothing less."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mounting is not permitted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


# ------------------------------------------------------------------------------------------------------------ full disk


@pytest.mark.parametrize("room", [400_000, 130_000, 70_000, 20_000])
def test_a_full_disk_is_named_leaves_no_part_and_the_same_command_continues(reference, tmp_path, capsys, room):
    """The shards are about 60 kB each; the disk fills up in one of them, in the first, or in a sidecar."""
    command = f"generate zeroverse --out {tmp_path / 'small'} --count 5 {SMALL}".split()
    with mounted(tmp_path / "small", "-t", "tmpfs", "-o", "size=2m", "none") as folder:
        (folder / "ballast").write_bytes(b"x" * (2_097_152 - room))
        if verse.main(command) == 1:
            error = capsys.readouterr().err
            assert (
                f"verse: {folder}: No space left on device; make room. Whole shards stay; the same command continues"
                in error
            )
            assert "Traceback" not in error
            assert not list(folder.glob("*.tmp-*")) and not (folder / "dataset.json").exists()
            assert all(data == tars(reference)[name] for name, data in tars(folder).items())
            assert all(tar.with_suffix(".json").exists() for tar in folder.glob("*.tar"))
        else:
            assert room == 400_000
        (folder / "ballast").unlink()
        assert verse.main(command) == 0
        assert tars(folder) == tars(reference)
        assert verse.main(["verify", str(folder)]) == 0


def test_a_read_only_folder_is_named(reference, tmp_path, capsys):
    with mounted(tmp_path / "fixed", "-t", "tmpfs", "-o", "ro", "none") as folder:
        assert verse.main(f"generate zeroverse --out {folder} --count 5 {SMALL}".split()) == 1
        assert f"verse: {folder}: Read-only file system; choose an --out that can be written" in capsys.readouterr().err
        assert verse.main(f"generate zeroverse --out {folder / 'new'} --count 5 {SMALL}".split()) == 1
        assert "Read-only file system" in capsys.readouterr().err
    with mounted(tmp_path / "bound", "--bind", str(reference)) as folder:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
        assert verse.main(["verify", str(folder)]) == 0, "reading needs no more than that"


# ----------------------------------------------------------------------------------------------------------------- URLs


def same_on(url: str, reference: Path, capsys) -> None:
    """Generate in two steps, read, verify, find damage, make it again: as in a folder."""
    command = f"generate zeroverse --out {url} {SMALL} --count".split()
    assert verse.main([*command, "3"]) == 0 and verse.main([*command, "5"]) == 0
    assert "4 already there" not in capsys.readouterr().out
    assert tars(url) == tars(reference)
    ours, theirs = ShardReader(url), ShardReader(reference)
    assert ours.keys == theirs.keys and ours.fingerprint == theirs.fingerprint
    assert np.array_equal(ours.read(4, ("depth",))["depth"], theirs.read(4, ("depth",))["depth"])
    assert verse.main(["verify", url, "--rebuild", "1"]) == 0
    assert "3 shards, 5 samples, all whole, 1 made again" in capsys.readouterr().out
    store = open_store(url)
    store.write("zeroverse-000001.tar", store.read("zeroverse-000001.tar")[:-7])
    assert verse.main(["verify", url]) == 1
    assert f"{url}/zeroverse-000001.tar: expected" in capsys.readouterr().err
    with pytest.raises(ShardError, match="truncated"):
        ShardReader(url)
    store.remove("zeroverse-000002.json")
    assert verse.main([*command, "5"]) == 0
    assert tars(url) == tars(reference) and verse.main(["verify", url]) == 0


def test_a_memory_url(reference, capsys):
    same_on("memory://verse/data", reference, capsys)


def test_a_file_url_is_the_folder(reference, tmp_path):
    assert verse.main(f"generate zeroverse --out file://{tmp_path / 'a'} --count 5 {SMALL}".split()) == 0
    assert tars(tmp_path / "a") == tars(reference)


@pytest.fixture
def bucket(monkeypatch):
    """s3://verse on a server of this machine."""
    pytest.importorskip("s3fs", reason="wants pip install s3fs 'moto[s3]' flask flask-cors")
    server = pytest.importorskip(
        "moto.server", reason="wants pip install 'moto[s3]' flask flask-cors"
    ).ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "no_proxy": "*",
    }.items():
        monkeypatch.setenv(name, value)
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    s3fs.S3FileSystem().makedirs("verse", exist_ok=True)  # moto's buckets outlive its servers
    yield "s3://verse"
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


def test_an_s3_url(bucket, reference, capsys):
    same_on(f"{bucket}/data", reference, capsys)


def test_workers_write_shards_to_s3_themselves(bucket, reference, tmp_path):
    command = f"generate zeroverse --count 20 --workers 2 {SMALL}".replace("--engine serial", "").replace(
        "--shard-size 2", "--shard-size 1"
    )
    assert verse.main(f"{command} --out {bucket}/many".split()) == 0
    assert verse.main(f"{command} --out {tmp_path} --engine serial".split()) == 0
    assert tars(f"{bucket}/many") == tars(tmp_path)


def test_a_bucket_that_is_not_there_is_named(bucket, capsys):
    assert verse.main(f"generate zeroverse --out s3://nowhere/x --count 1 {SMALL}".split()) == 1
    assert "s3://nowhere/x: " in capsys.readouterr().err


@pytest.mark.parametrize("url, message", [("smoke://x", "smoke://x: "), ("gs://x", "gs://x: ")])
def test_an_unknown_url_is_wrong_usage(url, message, capsys):
    if url == "gs://x" and "gcsfs" in sys.modules:
        pytest.skip("gcsfs is installed here")
    assert verse.main(f"generate zeroverse --out {url} --count 1 {SMALL}".split()) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("make", [lambda path: Local(path / "x"), lambda path: Remote("memory://stores")])
def test_both_kinds_of_store_do_the_same(make, tmp_path):
    store = make(tmp_path)
    assert not store.exists() and store.sizes() == {}
    store.prepare()
    store.write("b.json", b"0123456789")
    with store.writing("a.tar") as file:
        file.write(b"tar")
    assert store.sizes() == {"a.tar": 3, "b.json": 10}
    assert (
        store.read("b.json") == b"0123456789"
        and store.read("b.json", 3, 4) == b"3456"
        and store.read("b.json", 8, 9) == b"89"
    )
    with pytest.raises(RuntimeError), store.writing("half.tar") as file:
        file.write(b"half")
        raise RuntimeError
    store.remove("a.tar")
    store.remove("a.tar")
    assert list(store.sizes()) == ["b.json"]
    with pytest.raises(FileNotFoundError):
        store.read("a.tar")


def test_an_old_sidecar_never_vouches_for_a_new_tar(tmp_path, sample, monkeypatch):
    """The run dies between the two: the tar is there, and nothing says that it is whole."""
    store = Local(tmp_path)
    write_shard(store, "s.tar", [sample("a")], {})

    def dies(self, name, data):
        os._exit(9)

    pid = os.fork()
    if pid == 0:
        monkeypatch.setattr(Local, "write", dies)
        write_shard(store, "s.tar", [sample("b")], {})
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
    assert list(store.sizes()) == ["s.tar"]


# -------------------------------------------------------------------------------------------------------------- rebuild


def rewritten(folder: Path, field: str, change) -> None:
    """The folder's first shard with one field of its first sample changed, and everything else consistent."""
    reader, store = ShardReader(folder), Local(folder)
    sidecar = json.loads((folder / "zeroverse-000000.json").read_bytes())
    samples = [(reader.keys[i], {name: reader.field(i, name) for name in reader.fields(i)}) for i in range(2)]
    samples[0][1][field] = change(samples[0][1][field])
    stamp = {
        name: value for name, value in sidecar.items() if name not in ("format", "shard", "bytes", "sha256", "samples")
    }
    write_shard(store, "zeroverse-000000.tar", samples, stamp | {"written_by": stamp["written_by"] | {"code": "0ld"}})
    from renderers.farm.plan import write_index

    write_index(store)


def test_rebuild_names_the_field_that_differs_and_who_wrote_it(tmp_path, capsys):
    assert verse.main(f"generate zeroverse --out {tmp_path} --count 3 {SMALL}".split()) == 0
    rewritten(tmp_path, "rgb_001.png", lambda data: ShardReader(tmp_path).field(1, "rgb_001.png"))
    assert verse.main(["verify", str(tmp_path)]) == 0, "whole, but not what its settings give"
    capsys.readouterr()
    assert verse.main(["verify", str(tmp_path), "--rebuild", "3"]) == 1
    error = capsys.readouterr().err
    assert "sample zeroverse-paper-0-00000000: field rgb_001.png differs from what is made here" in error
    assert "written by version 0.1.0 code 0ld, this is 0.1.0 code " in error


def test_rebuild_says_what_differs_in_the_json(tmp_path, capsys):
    assert verse.main(f"generate zeroverse --out {tmp_path} --count 2 {SMALL}".split()) == 0
    rewritten(tmp_path, "json", lambda data: canonical(json.loads(data) | {"caption": "a lie"}))
    assert verse.main(["verify", str(tmp_path), "--rebuild", "2"]) == 1
    assert "field json differs from what is made here (json: caption: a lie there, " in capsys.readouterr().err


def test_rebuild_of_files_wants_the_files(tmp_path, capsys):
    import trimesh

    (tmp_path / "assets").mkdir()
    trimesh.creation.box().export(tmp_path / "assets" / "box.glb")
    (tmp_path / "assets" / "bad.glb").write_bytes(b"bad")
    assert (
        verse.main(
            f"generate files --assets {tmp_path / 'assets'} --out {tmp_path / 'out'} --views 1 --size 16 --engine "
            f"serial --rig orbit".split()
        )
        == 1
    )
    capsys.readouterr()
    assert verse.main(f"verify {tmp_path / 'out'} --rebuild 5".split()) == 1
    assert "say where they are with --assets" in capsys.readouterr().err
    assert verse.main(f"verify {tmp_path / 'out'} --rebuild 5 --assets {tmp_path / 'assets'}".split()) == 0
    trimesh.creation.box((1, 2, 3)).export(tmp_path / "assets" / "box.glb")
    assert verse.main(f"verify {tmp_path / 'out'} --rebuild 5 --assets {tmp_path / 'assets'}".split()) == 1
    assert "sample box: field albedo_000.png" in capsys.readouterr().err
    (tmp_path / "assets" / "bad.glb").unlink()
    assert verse.main(f"verify {tmp_path / 'out'} --rebuild 5 --assets {tmp_path / 'assets'}".split()) == 1
    assert "not the files that the shards were made from" in capsys.readouterr().err
