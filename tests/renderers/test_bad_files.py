"""One bad file never costs another one: whatever goes wrong with an object of somebody else, that object alone is named
and counted, and the rest is made.
"""

import io
import json
import struct
import tarfile

import numpy as np
import pytest
import trimesh
from PIL import Image

import verse
from renderers import farm
from renderers.curation.run import CurateError, Looks, curate
from renderers.farm.plan import FarmError, Plan
from renderers.shards import ShardReader, write_shard
from renderers.shards.storage import Local
from renderers.sources.files import Files
from tests.helpers.crashing import Crashing
from zeroverse.asset import LONGEST_UID

SPEC = farm.RenderSpec(views=1, size=16, passes=("rgb", "depth"))
SMALL = "--views 1 --size 16 --passes rgb depth"


def glb(edit=lambda document, blob: (document, blob)) -> bytes:
    """A textured box, its JSON and binary chunk changed by `edit`."""
    box = trimesh.creation.box()
    uv = np.linspace(0, 1, 2 * len(box.vertices)).reshape(-1, 2)
    image = Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3))
    box.visual = trimesh.visual.TextureVisuals(
        uv=uv, material=trimesh.visual.material.PBRMaterial(baseColorTexture=image)
    )
    whole = trimesh.Scene(box).export(file_type="glb")
    length = struct.unpack_from("<I", whole, 12)[0]
    document, blob = edit(json.loads(whole[20 : 20 + length]), whole[28 + length :])
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(blob), 0x004E4942) + blob
    return struct.pack("<III", 0x46546C67, 2, 12 + len(body)) + body


def changed(*path, to):
    """An edit that sets one value of the JSON; `to` may be a function of the old one."""

    def edit(document, blob):
        place = document
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to(place[path[-1]]) if callable(to) else to
        return document, blob

    return glb(edit)


def damaged_picture(document, blob):
    start = blob.index(b"\x89PNG")
    return document, blob[: start + 20] + bytes(16) + blob[start + 36 :]


DAMAGED = {
    "empty": b"",
    "text": b"this is no GLB",
    "head_only": glb()[:12],
    "half": glb()[: len(glb()) // 2],
    "not_json": glb()[:20] + b"}" * 40 + glb()[60:],
    "a_list": b"[1, 2, 3]",
    "number_for_nodes": changed("nodes", to=7),
    "circle_of_nodes": changed("nodes", to=[{"children": [1]}, {"children": [0], "mesh": 0}]),
    "mesh_that_is_not_there": changed("nodes", -1, to={"mesh": 99}),
    "accessor_beyond_the_end": changed("accessors", 0, "count", to=1_000_000),
    "wrong_component_type": changed("accessors", 0, "componentType", to=99),
    "index_out_of_range": changed("meshes", 0, "primitives", 0, "indices", to=99),
    "view_beyond_the_end": changed("bufferViews", 0, "byteLength", to=10**9),
    "negative_offset": changed("bufferViews", 0, "byteOffset", to=-64),
    "no_position": changed("meshes", 0, "primitives", 0, "attributes", to={}),
    "points_only": changed("meshes", 0, "primitives", 0, "mode", to=0),
    "damaged_picture": glb(damaged_picture),
    "newer_version": changed("asset", to={"version": "9.0"}),
    "unknown_required": glb(
        lambda document, blob: (
            document | {"extensionsRequired": ["ACME_secret"], "extensionsUsed": ["ACME_secret"]},
            blob,
        )
    ),
    "scaled_to_nothing": changed("nodes", -1, to=lambda node: node | {"matrix": [0.0] * 15 + [1.0]}),
}


@pytest.fixture
def assets(tmp_path):
    folder = tmp_path / "assets"
    folder.mkdir()
    return folder


def test_damaged_in_twenty_ways(assets, tmp_path, capsys):
    """The good ones are made, the damaged ones named, and the same command makes nothing new and says so."""
    for name, data in DAMAGED.items():
        (assets / f"{name}.glb").write_bytes(data)
    for number in range(5):
        (assets / f"good{number}.glb").write_bytes(glb())
    command = f"generate files --assets {assets} --out {tmp_path / 'out'} --workers 1 {SMALL}".split()
    assert verse.main(command) == 1
    error = capsys.readouterr().err
    failed = json.loads((tmp_path / "out" / "dataset.json").read_text())["failed"]
    assert {row["name"].rsplit("/", 1)[-1].removesuffix(".glb") for row in failed} == set(DAMAGED)
    assert ShardReader(tmp_path / "out").keys == tuple(f"good{number}" for number in range(5))
    for row in failed:
        assert f"failed: {row['name']}: {row['reason']}" in error and "\n" not in row["reason"]
    tars = {path: path.read_bytes() for path in (tmp_path / "out").glob("*.tar")}
    assert verse.main(command) == 1
    told = capsys.readouterr()
    assert "0 objects written, 5 already there" in told.out and "nothing new to make" in told.out
    assert f"{len(DAMAGED)} objects failed, {len(DAMAGED)} of them in an earlier run" in told.err
    assert tars == {path: path.read_bytes() for path in (tmp_path / "out").glob("*.tar")}


def test_on_error_raise_stops_at_the_first_and_names_it(assets, tmp_path, capsys):
    (assets / "bad.glb").write_bytes(DAMAGED["half"])
    (assets / "good.glb").write_bytes(glb())
    command = f"generate files --assets {assets} --out {tmp_path / 'out'} --workers 1 --on-error raise {SMALL}"
    assert verse.main(command.split()) == 1
    assert "bad.glb" in capsys.readouterr().err and not list((tmp_path / "out").glob("*.tar"))


def run(out, deed, care=farm.TOLERANT, foreign=True, **options):
    plan = Plan(Local(out), Crashing(1, deed, foreign=foreign), SPEC, 0, 3, 3, care=care)
    return farm.generate(plan, **{"workers": 1, "engine": "serial"} | options)


@pytest.mark.parametrize("deed, reason", [("bug", "ZeroDivisionError: a bug"), ("no memory", "MemoryError: ")])
def test_any_exception_costs_a_foreign_object_alone(tmp_path, deed, reason):
    summary = run(tmp_path / "skip", deed)
    assert [row["reason"] for row in summary.failed] == [reason.strip()] and summary.written == 2
    with pytest.raises(FarmError, match="crashing seed 0 index 1: "):
        run(tmp_path / "raise", deed, farm.Care("raise"))
    with pytest.raises(FarmError, match="crashing seed 0 index 1: "):
        run(tmp_path / "own", deed, foreign=False)


def test_what_fails_for_every_object_stops_the_run(tmp_path, monkeypatch):
    def broken(name):
        raise ImportError("no such renderer here")

    monkeypatch.setattr("renderers.farm.sample._backend", broken)
    with pytest.raises(FarmError, match="no such renderer here"):
        run(tmp_path, "nothing")


def test_a_time_limit_names_the_object_that_takes_longer(tmp_path):
    summary = run(tmp_path, "no end", farm.Care(timeout=6.0))
    assert [row["reason"] for row in summary.failed] == ["took longer than 6 seconds"] and summary.written == 2


def test_a_worker_that_hangs_in_compiled_code_is_ended(tmp_path):
    summary = run(tmp_path, "no end in compiled code", farm.Care(timeout=6.0), engine="loky")
    assert [row["reason"] for row in summary.failed] == ["took longer than 6 seconds, and hung in compiled code"]
    assert summary.written == 2


def test_a_limit_that_nothing_reaches_changes_no_byte(tmp_path):
    for name, care in (("with", farm.Care(timeout=600.0)), ("without", farm.Care())):
        run(tmp_path / name, "nothing", care)
    assert len({path.read_bytes() for path in tmp_path.glob("*/*.tar")}) == 1


# ---------------------------------------------------------------------------------------------------------------- names


def test_names_that_are_too_long_or_clash_end_with_a_hash_of_the_path(assets):
    paths = [f"{'d' * 40}/{'e' * 60}.glb", "a b.glb", "a.b.glb", "sub/plain.glb"]
    for path in paths:
        (assets / path).parent.mkdir(exist_ok=True)
        (assets / path).write_bytes(glb())
    source = Files(str(assets))
    names = {path.relative_to(assets).as_posix(): source.uid(path) for path in source.paths}
    assert len(set(names.values())) == 4 and max(map(len, names.values())) <= LONGEST_UID
    assert names["sub/plain.glb"] == "sub_plain" and names["a b.glb"].startswith("a_b-")
    (assets / "more.glb").write_bytes(glb())
    again = Files(str(assets))
    assert all(again.uid(assets / path) == name for path, name in names.items()), "it depends on no other file"


def test_a_long_key_and_a_long_field_are_one_name(tmp_path):
    fields = {"metallic_roughness_1024px_000.png": b"x" * 1000, "json": b"{}"}
    samples = [("k" * LONGEST_UID, fields), ("l" * LONGEST_UID, fields)]
    write_shard(Local(tmp_path), "a-000000.tar", samples, {})
    with tarfile.open(tmp_path / "a-000000.tar") as tar:
        assert [len(member.name) for member in tar] == [85, 114] * 2
        assert tar.extractfile(tar.getmembers()[3]).read() == b"x" * 1000
    assert ShardReader(tmp_path).field(1, "metallic_roughness_1024px_000.png") == b"x" * 1000


def test_a_folder_that_is_a_link_is_found_once(assets, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "deep").mkdir(parents=True)
    (elsewhere / "deep" / "far.glb").write_bytes(glb())
    (assets / "near").mkdir()
    (assets / "near" / "here.glb").write_bytes(glb())
    (assets / "a_link").symlink_to(elsewhere)
    (assets / "b_link").symlink_to(elsewhere)
    (assets / "inside").symlink_to(assets / "near")
    (elsewhere / "round").symlink_to(assets)
    (elsewhere / "deep" / "up").symlink_to(elsewhere)
    source = Files(str(assets))
    assert [path.relative_to(assets).as_posix() for path in source.paths] == ["a_link/deep/far.glb", "near/here.glb"]
    assert source.make(0).uid == "a_link_deep_far"


def test_pictures_are_read():
    """What DAMAGED damages is there in the first place."""
    length = struct.unpack_from("<I", glb(), 12)[0]
    blob = glb()[28 + length :]
    assert Image.open(io.BytesIO(blob[blob.index(b"\x89PNG") :])).size == (8, 8)


# --------------------------------------------------------------------------------------------------------- other doors


@pytest.mark.parametrize("error", [KeyError("camera"), MemoryError(), RecursionError("too deep")], ids=repr)
def test_curation_goes_on_after_any_exception(assets, tmp_path, monkeypatch, error):
    for name in ("a", "b"):
        (assets / f"{name}.glb").write_bytes(glb())

    def make(self, index):
        if index == 0:
            raise error
        return whole(self, index)

    whole = Files.make
    monkeypatch.setattr(Files, "make", make)
    rows = run_curation(assets, tmp_path / "out").rows
    assert rows[0].failed.startswith(f"{type(error).__name__}:") and not rows[1].failed
    with pytest.raises(CurateError, match=f"a.glb: {type(error).__name__}"):
        run_curation(assets, tmp_path / "raise", farm.Care("raise"))


def run_curation(assets, out, care=farm.TOLERANT):
    return curate(str(assets), out, looks=Looks(size=64), engine="serial", care=care)
