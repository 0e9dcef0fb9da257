"""Files of other people: what they may refer to, and how large they may unpack."""

import base64
import io
import json
import struct

import numpy as np
import pytest
from PIL import Image

import verse
from renderers.sources import untrusted
from renderers.sources.load import load_file
from zeroverse.asset import AssetError

POINTS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
FACES = np.array([0, 2, 1, 0, 1, 3, 1, 2, 3, 0, 3, 2], np.uint16)
BLOB = POINTS.tobytes() + FACES.tobytes() + POINTS[:, :2].tobytes()


def png(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("1", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


def document(image: dict, buffer: dict) -> dict:
    """A textured tetrahedron."""
    return {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "images": [image],
        "textures": [{"source": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "TEXCOORD_0": 2}, "indices": 1, "material": 0}]}],
        "buffers": [buffer],
        "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 4, "type": "VEC3", "min": [0, 0, 0], "max": [1, 1, 1]},
            {"bufferView": 1, "componentType": 5123, "count": 12, "type": "SCALAR"},
            {"bufferView": 2, "componentType": 5126, "count": 4, "type": "VEC2"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": 48},
            {"buffer": 0, "byteOffset": 48, "byteLength": 24},
            {"buffer": 0, "byteOffset": 72, "byteLength": 32},
        ],
    }


def gltf(uri: str, buffer_uri: str | None = None) -> bytes:
    data = "data:application/octet-stream;base64," + base64.b64encode(BLOB).decode()
    return json.dumps(document({"uri": uri}, {"byteLength": len(BLOB), "uri": buffer_uri or data})).encode()


def glb(picture: bytes) -> bytes:
    blob = BLOB + picture
    blob += b"\0" * (-len(blob) % 4)
    content = document({"bufferView": 3, "mimeType": "image/png"}, {"byteLength": len(blob)})
    content["bufferViews"].append({"buffer": 0, "byteOffset": len(BLOB), "byteLength": len(picture)})
    text = json.dumps(content).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(blob), 0x004E4942) + blob
    return struct.pack("<III", 0x46546C67, 2, 12 + len(body)) + body


@pytest.fixture
def assets(tmp_path):
    (tmp_path / "assets" / "sub").mkdir(parents=True)
    for place in (tmp_path, tmp_path / "assets"):
        (place / "picture.png").write_bytes(png(8, 8))
    return tmp_path / "assets"


@pytest.mark.parametrize(
    "uri",
    [
        "../../picture.png",
        "..%2F..%2Fpicture.png",
        "/etc/passwd",
        "file:///etc/passwd",
        "http://localhost/x.png",
        "link/picture.png",
    ],
)
def test_a_file_reads_nothing_outside_its_folder(assets, uri):
    (assets / "sub" / "link").symlink_to(assets.parent)
    for content in (gltf(uri), gltf("../picture.png", uri)):
        (assets / "sub" / "a.gltf").write_bytes(content)
        with pytest.raises(AssetError, match=r"a\.gltf: refers to .* which is not in"):
            load_file(assets / "sub" / "a.gltf", root=assets)


@pytest.mark.parametrize(
    "uri",
    [
        "../picture.png",
        "%2e%2e/picture.png",
        "data:image/png;base64," + base64.b64encode(png(8, 8)).decode(),
    ],
)
def test_what_is_beside_it_is_its_own(assets, uri):
    (assets / "sub" / "a.gltf").write_bytes(gltf(uri))
    load_file(assets / "sub" / "a.gltf", root=assets)


@pytest.mark.parametrize("side", [12_000, 20_000])
def test_a_picture_that_unpacks_to_gigabytes_is_refused(assets, side):
    bomb = png(side, side)
    assert len(bomb) < 100_000
    (assets / "bomb.png").write_bytes(bomb)
    for name, content in (
        ("a.glb", glb(bomb)),
        ("b.gltf", gltf("bomb.png")),
        ("c.gltf", gltf("data:image/png;base64," + base64.b64encode(bomb).decode())),
    ):
        (assets / name).write_bytes(content)
        with pytest.raises(AssetError, match=f"{name}: a picture is too large"):
            load_file(assets / name)


def test_many_pictures_that_unpack_to_gigabytes_together_are_refused(assets, monkeypatch):
    monkeypatch.setattr(untrusted, "MAX_PIXELS_TOGETHER", 300)
    content = json.loads(gltf("picture.png"))
    content["images"] = [{"uri": "picture.png", "name": str(number)} for number in range(5)]
    content["textures"] = [{"source": number} for number in range(5)]
    material = content["materials"][0]
    material["pbrMetallicRoughness"]["metallicRoughnessTexture"] = {"index": 1}
    material |= {"normalTexture": {"index": 2}, "emissiveTexture": {"index": 3}}
    (assets / "four.gltf").write_text(json.dumps(content))
    load_file(assets / "four.gltf")
    material["occlusionTexture"] = {"index": 4}
    (assets / "five.gltf").write_text(json.dumps(content))
    with pytest.raises(
        AssetError, match=r"five\.gltf: its pictures are too large: expected at most 300 pixels together, got 320"
    ):
        load_file(assets / "five.gltf")


def test_zeros_without_end_are_refused(assets):
    """An accessor without a bufferView stands for zeros: 40 bytes of JSON, 24 gigabytes of memory."""
    content = json.loads(gltf("picture.png"))
    content["accessors"][0] = {"componentType": 5126, "count": 2**31, "type": "VEC3"}
    (assets / "zeros.gltf").write_text(json.dumps(content))
    with pytest.raises(
        AssetError, match=r"zeros\.gltf: .*an accessor without data: expected at most 16777216 elements, got 2147483648"
    ):
        load_file(assets / "zeros.gltf")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"glTF",
        b"not json",
        b"[]",
        b'{"meshes": 3, "nodes": [{"mesh": 0}]}',
        b"[" * 100_000,
        struct.pack("<IIIII", 0x46546C67, 2, 20, 9, 0x4E4F534A),
    ],
)
def test_what_is_no_gltf_is_said_to_be_none(assets, content):
    (assets / "odd.glb").write_bytes(content)
    with pytest.raises(AssetError, match=r"odd\.glb: not a readable GLB"):
        load_file(assets / "odd.glb")


def test_the_farm_names_them_and_makes_the_rest(assets, tmp_path, capsys):
    (assets / "a-good.glb").write_bytes(glb(png(8, 8)))
    (assets / "b-bomb.glb").write_bytes(glb(png(20_000, 20_000)))
    (assets / "c-escape.gltf").write_bytes(gltf("../picture.png"))
    (assets / "d-cut.glb").write_bytes(glb(png(8, 8))[:-200])
    assert (
        verse.main(
            f"generate files --assets {assets} --out {tmp_path / 'out'} --views 1 --size 16 --engine serial".split()
        )
        == 1
    )
    error = capsys.readouterr().err
    assert "1 objects written" not in error and "3 objects failed" in error
    for name in (
        "b-bomb.glb: a picture is too large",
        "c-escape.gltf: refers to '../picture.png'",
        "d-cut.glb: not a readable GLB",
    ):
        assert name in error


# OBJ files


OBJ = (
    "mtllib a.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nvt 0 0\nvt 1 0\nvt 0 1\nusemtl paint\nf 1/1 3/2 2/3\nf 1/1 "
    "2/2 4/3\nf 2/1 3/2 4/3\nf 3/1 1/2 4/3\n"
)


@pytest.fixture
def scan(assets):
    """scan(picture's name, its bytes, where it lies) -> the folder of an object laid out as those of Google Scanned
    Objects.
    """

    def write(name: str, data: bytes | None = None, place: str = "cup/materials/textures/texture.png"):
        (assets / "cup" / "meshes").mkdir(parents=True)
        (assets / "cup" / "meshes" / "model.obj").write_text(OBJ)
        (assets / "cup" / "meshes" / "a.mtl").write_text(f"newmtl paint\nKd 0.4 0.4 0.4\nmap_Kd {name}\n")
        if data is not None:
            (assets / place).parent.mkdir(parents=True, exist_ok=True)
            (assets / place).write_bytes(data)
        return assets

    return write


@pytest.mark.parametrize(
    "name, place",
    [
        ("texture.png", "cup/materials/textures/texture.png"),
        ("texture.png", "cup/meshes/texture.png"),
        ("..\\pictures\\a.png", "cup/pictures/a.png"),
    ],
)
def test_a_scan_finds_its_picture(scan, name, place):
    """In GSO's folder, beside the file, or by a path from Windows; and the grey that exporters leave in Kd does not
    darken it.
    """
    from renderers.geometry import geometry_of
    from renderers.sources.files import Files

    source = Files(str(scan(name, png(8, 8), place)))
    asset = source.make(0)
    (material,) = geometry_of(asset).materials
    assert asset.uid == "cup" and material.base_map.shape[:2] == (8, 8) and material.base_color == (1.0, 1.0, 1.0, 1.0)


@pytest.mark.parametrize("up, world", [("+Z", lambda x, y, z: (x, y, z)), ("+Y", lambda x, y, z: (x, -z, y))])
def test_a_scan_stands_as_the_user_says(scan, up, world):
    from renderers.sources.files import Files

    (mesh,) = Files(str(scan("none.png")), up=up, on_missing_texture="white").make(0).scene.geometry.values()
    expected = np.array([world(*point) for point in POINTS.astype(float)])
    expected = (expected - (expected.min(0) + expected.max(0)) / 2) * 1.8
    assert {tuple(point) for point in mesh.vertices.round(6)} == {tuple(point) for point in expected.round(6)}


@pytest.mark.parametrize("name", ["../../../picture.png", "/etc/passwd"])
def test_a_scan_reads_nothing_outside_its_folder(scan, name):
    from renderers.sources.files import Files

    with pytest.raises(AssetError, match=r"model\.obj: refers to .* which is not in"):
        Files(str(scan(name))).make(0)


def test_a_scan_with_a_picture_that_unpacks_to_gigabytes_is_refused(scan):
    from renderers.sources.files import Files

    with pytest.raises(AssetError, match="a picture is too large"):
        Files(str(scan("texture.png", png(1 << 15, 1 << 15)))).make(0)
