"""Objaverse from a small copy of the hub's layout: on disk, and served on loopback."""

import gzip
import json
import pickle
import threading
from dataclasses import fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import trimesh

import verse
from renderers.shards import ShardReader
from renderers.sources.objaverse import ALLOWED, G_INDEX, HUB, SPLITS, Hub, Objaverse, ObjaverseError, listing, resolve
from zeroverse.asset import AssetError

BALL, BOX, BAD, EMPTY, SOLD, LOST = (letter * 32 for letter in "abcdef")  # uids
LICENCES = {BALL: "by", BOX: "by-sa", BAD: "cc0", EMPTY: "by", SOLD: "by-nc"}


@pytest.fixture
def layout(tmp_path):
    """Five objects as the hub has them: two good, one not glTF, one without a surface, one for non-commercial use
    only.
    """
    folder = tmp_path / "hub"
    for sub in ("glbs/000-000", "glbs/000-001", "metadata"):
        (folder / sub).mkdir(parents=True)
    place = {uid: "000-001" if uid in (BOX, SOLD) else "000-000" for uid in LICENCES}
    for uid, mesh in (
        (BALL, trimesh.creation.icosphere(2)),
        (BOX, trimesh.creation.box((1, 2, 3))),
        (SOLD, trimesh.creation.box()),
    ):
        mesh.export(folder / f"glbs/{place[uid]}/{uid}.glb")
    (folder / f"glbs/000-000/{BAD}.glb").write_bytes(b"not a glTF")
    trimesh.Scene([trimesh.PointCloud([[0, 0, 0], [1, 1, 1.0]])]).export(folder / f"glbs/000-000/{EMPTY}.glb")
    write = lambda name, data: (folder / name).write_bytes(gzip.compress(json.dumps(data).encode()))
    write("object-paths.json.gz", {uid: f"glbs/{place[uid]}/{uid}.glb" for uid in LICENCES})
    write("lvis-annotations.json.gz", {"ball": [BALL, BAD], "box": [BOX, EMPTY, SOLD, LOST]})
    for sub in ("000-000", "000-001"):
        write(
            f"metadata/{sub}.json.gz",
            {
                uid: {
                    "license": LICENCES[uid],
                    "name": f"A\n{uid[0]} <i>",
                    "viewerUrl": f"https://sketchfab.com/3d-models/{uid}",
                    "user": {"displayName": "Ann", "username": "ann"},
                }
                for uid in LICENCES
                if place[uid] == sub
            },
        )
    return folder


@pytest.fixture
def served(layout):
    """The layout on loopback, with ranges: (address, [(path, range asked for)], replies: {path: bytes to send before
    hanging up}).
    """
    asked, broken = [], {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            span = None if "no ranges" in broken else self.headers.get("Range")
            asked.append((self.path, span))
            file = layout / self.path.lstrip("/")
            if not file.is_file():
                self.send_error(404)
                return
            data = file.read_bytes()
            start = int(span.removeprefix("bytes=").rstrip("-")) if span else 0
            self.send_response(206 if span else 200)
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            self.wfile.write(data[start : broken.pop(self.path, len(data))])

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked, broken
    server.shutdown()
    server.server_close()


def test_lvis_by_licence_with_reasons(layout):
    made = listing(str(layout), resolve("lvis", Hub(str(layout), None)))
    assert [entry.uid for entry in made.objects] == [BALL, BAD, BOX, EMPTY]
    assert made.left_out == {"licence by-nc": 1, "not in Objaverse": 1}
    assert made.objects[0].credit() == (
        f'"A a <i>" by Ann (https://sketchfab.com/3d-models/{BALL}), CC BY 4.0 '
        "(https://creativecommons.org/licenses/by/4.0/)"
    ), "control characters of strangers are gone"
    everything = listing(str(layout), resolve("lvis", Hub(str(layout), None), ("by-nc",)))
    assert [entry.uid for entry in everything.objects] == [SOLD]


@pytest.mark.parametrize(
    "text",
    [
        f"000-001,{BOX}\n000-000,{BALL}\n",
        json.dumps([f"000-001/{BOX}.glb", BALL]),
        f"{BOX}\n\n{BALL}\n{BOX}\n",
        json.dumps({"x": [BOX], "y": [BALL]}),
        json.dumps(["0/12", "7/9", "1/13"]),
    ],
)
def test_every_list_format(layout, tmp_path, text):
    """LGM's CSV, paths, lines, categories, G-Objaverse ids (one of them unknown): the order is the list's."""
    (layout / G_INDEX).write_text(json.dumps({"0/12": f"000-001/{BOX}.glb", "1/13": f"000-000/{BALL}.glb"}))
    (tmp_path / "list").write_text(text)
    made = listing(str(layout), resolve(str(tmp_path / "list"), Hub(str(layout), None)))
    assert [(entry.uid, entry.path) for entry in made.objects] == [
        (BOX, f"glbs/000-001/{BOX}.glb"),
        (BALL, f"glbs/000-000/{BALL}.glb"),
    ]


@pytest.mark.parametrize(
    "text, message",
    [
        ("../../etc/passwd", "entry 0: expected a uid"),
        ("", "no objects"),
        ('["0/12"]', G_INDEX),
        ('[{"uid": 1}]', "entry 0: expected a uid"),
    ],
)
def test_bad_lists_are_named(layout, tmp_path, text, message):
    (tmp_path / "list").write_text(text)
    with pytest.raises(ObjaverseError, match=message):
        resolve(str(tmp_path / "list"), Hub(str(layout), None))


def test_what_is_missing_is_named(layout, tmp_path):
    offline = Hub(str(layout), None)
    for split in ("lgm", "gobjaverse"):
        with pytest.raises(ObjaverseError, match=f"{SPLITS[split][0]}; put it there from https"):
            resolve(split, offline)
    with pytest.raises(ObjaverseError, match="split: expected lvis, lgm, gobjaverse or a file"):
        resolve("nonsense", offline)
    with pytest.raises(ObjaverseError, match="licences: expected some of .* got gpl"):
        resolve("lvis", offline, ("gpl",))
    (layout / "metadata" / "000-000.json.gz").write_bytes(b"\x1f\x8bx")
    with pytest.raises(ObjaverseError, match="000-000.json.gz: not readable"):
        resolve("lvis", offline)
    with pytest.raises(AssetError, match="not in .*, and nothing may be downloaded"):
        Hub(str(tmp_path / "nowhere"), None).get("lvis-annotations.json.gz")


def test_generate_from_loopback_then_offline(layout, served, tmp_path, capsys):
    """The good ones are in the shards with their credits, the bad ones named; a second run and a rebuild need no
    network.
    """
    address, asked, _ = served
    cache, out = tmp_path / "cache", tmp_path / "out"
    command = (
        f"generate objaverse --split lvis --cache {cache} --out {out} --views 2 --size 16 --passes rgb alpha "
        f"--engine serial"
    )
    assert verse.main(f"{command} --hub {address}".split()) == 1, "two objects cannot be read"
    printed = capsys.readouterr()
    assert (
        "4 objects; 1 left out: licence by-nc; 1 left out: not in Objaverse" in printed.out
        and "2 objects written" in printed.out
    )
    assert f"objaverse {BAD}: " in printed.err and f"objaverse {EMPTY}: " in printed.err and "no surface" in printed.err
    reader = ShardReader(out)
    assert reader.keys == (BALL, BOX)
    provenance = json.loads(reader.meta(0).provenance)
    assert (
        provenance["licence"] == "CC BY 4.0"
        and provenance["credit"].startswith('"A a <i>" by Ann')
        and reader.meta(0).caption == "A a <i>"
    )
    assert json.loads((out / "dataset.json").read_text())["licence"] == "other"
    assert not any(SOLD in path for path, _ in asked), "what may not be used is not downloaded"
    seen = len(asked)
    assert (
        verse.main(f"{command.replace(str(out), str(tmp_path / 'again'))} --offline".split()) == 1
        and len(asked) == seen
    )
    assert verse.main(f"verify {out} --rebuild 2 --assets {cache}".split()) == 0


def test_a_download_goes_on_where_it_broke(layout, served, tmp_path):
    address, asked, broken = served
    name = f"glbs/000-001/{BOX}.glb"
    hub, whole = Hub(str(tmp_path), address), (layout / name).read_bytes()
    broken[f"/{name}"] = 100
    with pytest.raises(OSError, match=f"expected {len(whole)} bytes, the connection ended after 100"):
        hub.get(name)
    assert not (tmp_path / name).exists()
    assert hub.get(name).read_bytes() == whole and asked[-1] == (f"/{name}", "bytes=100-")
    assert hub.get(name).read_bytes() == whole and len(asked) == 2, "the third time it is there"
    assert [path.name for path in (tmp_path / name).parent.iterdir()] == [f"{BOX}.glb"]


def test_a_server_without_ranges_sends_it_all_again(layout, served, tmp_path):
    address, _, broken = served
    name = f"glbs/000-001/{BOX}.glb"
    (tmp_path / "glbs/000-001").mkdir(parents=True)
    (tmp_path / f"{name}.part").write_bytes(b"x" * 100)
    broken["no ranges"] = 0
    assert Hub(str(tmp_path), address).get(name).read_bytes() == (layout / name).read_bytes()


def test_not_at_the_hub_is_a_reason_and_no_network_is_an_error(served, tmp_path):
    address, _, _ = served
    with pytest.raises(AssetError, match=f"{LOST}.glb: not at http"):
        Hub(str(tmp_path), address).get(f"glbs/000-000/{LOST}.glb")
    assert not list(tmp_path.rglob("*.part"))
    with pytest.raises(OSError):
        Hub(str(tmp_path), "http://127.0.0.1:9").get("x")


def test_the_source_is_small_and_its_views_are_the_objects_own(layout, tmp_path):
    (tmp_path / "one").write_text(BOX)
    hub = Hub(str(layout), None)
    lvis, one = (Objaverse(str(layout), resolve(split, hub), None) for split in ("lvis", str(tmp_path / "one")))
    assert lvis.size() == 4 and one.size() == 1 and len(pickle.dumps(lvis)) < 500
    assert lvis.stream(2).unit() == one.stream(0).unit() != lvis.stream(0).unit()
    asset = one.make(0)
    assert asset.uid == BOX and asset.provenance["uid"] == BOX


def test_the_command_line_repeats_the_defaults():
    default = {field.name: field.default for field in fields(verse.GenerateObjaverse)}
    assert default["hub"] == HUB and default["licences"] == ALLOWED
