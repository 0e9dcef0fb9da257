"""Our reader of glTF 2.0 against what the writer of the files knows, feature by feature; and damaged files."""

import copy
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import renderers
from renderers.cameras.rigs import turntable
from renderers.geometry import geometry_of
from renderers.lighting import STUDIO, UNIFORM
from renderers.sources import gltf
from renderers.sources.gltf import materials, meshes
from renderers.sources.gltf.pictures import eight_bits
from renderers.sources.load import load_file
from tests.helpers.gltf_writer import BOX, BOX_FACES, QUAD, QUAD_UVS, Writer, quad
from zeroverse.asset import AssetError, glb_bytes
from zeroverse.core.rng import Rng
from zeroverse.material import MAPS, uv_of

RED = np.full((2, 2, 3), (255, 0, 0), np.uint8)
HALF = np.sqrt(0.5)


def parts(writer: Writer, tmp_path, name: str = "a.glb", **options):
    """{name: mesh} in glTF's axes and units."""
    return gltf.read(writer.save(tmp_path / name), tmp_path, **options)[0]


def boxed(**node) -> Writer:
    writer = Writer()
    mesh = writer.mesh(writer.primitive({"POSITION": BOX}, BOX_FACES))
    writer.scene(writer.add("nodes", {"mesh": mesh} | node))
    return writer


def textured(material: dict, **attributes) -> Writer:
    writer = Writer()
    attributes = {"POSITION": quad(), "TEXCOORD_0": QUAD_UVS} | attributes
    writer.add("materials", material)
    writer.scene(writer.add("nodes", {"mesh": writer.mesh(writer.primitive(attributes, QUAD, material=0))}))
    return writer


def with_texture(info: dict, pixels, sampler: dict | None = None, **attributes) -> Writer:
    writer = textured(
        {"pbrMetallicRoughness": {"baseColorTexture": {"index": 0} | info, "metallicFactor": 0}}, **attributes
    )
    texture = writer.picture(pixels)
    if sampler:
        writer.json["textures"][texture]["sampler"] = writer.add("samplers", sampler)
    return writer


# ---------------------------------------------------------------------------------------------------------- accessors


@pytest.mark.parametrize("name", ["a.glb", "a.gltf"])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("stride", [0, 20])
@pytest.mark.parametrize(
    "dtype, normalized",
    [
        ("float32", False),
        ("int8", True),
        ("int16", True),
        ("uint8", True),
        ("uint16", True),
        ("int8", False),
        ("uint16", False),
    ],
)
def test_positions_of_every_type_are_what_the_writer_meant(tmp_path, name, sparse, stride, dtype, normalized):
    rng = Rng("gltf", dtype, stride, int(sparse))
    values = rng.unit(12).reshape(4, 3)
    if dtype != "float32":
        info = np.iinfo(dtype)
        values = np.floor(info.min + values * (info.max - info.min))
    stored = values.astype(dtype)
    meant = stored.astype(float)
    if normalized:
        meant = np.maximum(meant / np.iinfo(dtype).max, -1)
    writer = Writer()
    position = writer.accessor(
        stored,
        stride=stride or (0 if stored.itemsize == 4 else 3 * stored.itemsize + -3 * stored.itemsize % 4),
        sparse=sparse,
        normalized=normalized,
    )
    writer.scene(writer.add("nodes", {"mesh": writer.mesh(writer.primitive({"POSITION": position}, QUAD))}))
    writer.extension("KHR_mesh_quantization", required=True)
    (mesh,) = parts(writer, tmp_path, name).values()
    assert np.array_equal(mesh.vertices, meant)


def test_an_accessor_without_data_is_zeros(tmp_path):
    writer = boxed()
    zeros = writer.add("accessors", {"componentType": 5126, "count": 8, "type": "VEC2"})
    primitive = writer.json["meshes"][0]["primitives"][0]
    primitive["attributes"]["TEXCOORD_0"], primitive["material"] = zeros, writer.add("materials", {})
    (mesh,) = parts(writer, tmp_path).values()
    assert np.array_equal(mesh.visual.uv, [[0.0, 1.0]] * 8)


# --------------------------------------------------------------------------------------------------------- primitives


def test_strips_and_fans_are_wound_as_the_specification_says():
    assert meshes.triangles(np.arange(5), 5).tolist() == [[0, 1, 2], [1, 3, 2], [2, 3, 4]]
    assert meshes.triangles(np.arange(5), 6).tolist() == [[1, 2, 0], [2, 3, 0], [3, 4, 0]]
    assert meshes.triangles(np.arange(7), 4).tolist() == [[0, 1, 2], [3, 4, 5]]
    for mode in (4, 5, 6):
        assert meshes.triangles(np.arange(0), mode).shape == (0, 3)


def test_points_and_lines_are_counted_and_not_drawn(tmp_path):
    writer = boxed()
    line = writer.primitive({"POSITION": 10 * quad()})
    writer.json["meshes"][0]["primitives"] += [line | {"mode": mode} for mode in range(4)]
    found, told = gltf.read(writer.save(tmp_path / "a.glb"), tmp_path)
    assert told == {"points": 1, "lines": 3} and [len(mesh.faces) for mesh in found.values()] == [12]


def test_vertices_without_indices_are_triangles(tmp_path):
    writer = Writer()
    writer.scene(writer.add("nodes", {"mesh": writer.mesh(writer.primitive({"POSITION": quad()[QUAD]}))}))
    (mesh,) = parts(writer, tmp_path).values()
    assert mesh.faces.tolist() == [[0, 1, 2], [3, 4, 5]]


# -------------------------------------------------------------------------------------------------------------- nodes


def test_nodes_of_any_kind_carry_what_is_below(tmp_path):
    """A camera above, a quarter turn about z, a stretch, a matrix; the mesh under all of them and on the camera too."""
    writer = boxed()
    writer.add("cameras", {"type": "perspective", "perspective": {"yfov": 1, "znear": 0.1}})
    shear = np.eye(4)
    shear[0, 1], shear[0, 3] = 0.5, 3.0
    writer.add("nodes", {"children": [0], "matrix": shear.T.ravel().tolist()})
    writer.add("nodes", {"children": [1], "scale": [1, -2, 1], "rotation": [0, 0, HALF, HALF]})
    writer.add("nodes", {"children": [2], "camera": 0, "mesh": 0, "translation": [0, 0, 7]})
    writer.json["scenes"][0]["nodes"] = [3]
    found = parts(writer, tmp_path)
    turn = np.array([[0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]) @ np.diag([1, -2, 1, 1])
    lift = np.eye(4)
    lift[2, 3] = 7
    matrix = lift @ turn @ shear
    expected = BOX @ matrix[:3, :3].T + matrix[:3, 3]
    assert list(found) == ["0", "3"] and np.abs(found["0"].vertices - expected).max() < 1e-6
    assert np.abs(found["3"].vertices - (BOX + [0, 0, 7])).max() < 1e-6
    assert found["0"].volume == pytest.approx(2) and found["3"].volume == pytest.approx(1), "still outside out"


def test_the_scene_that_the_file_names_is_drawn(tmp_path):
    writer = boxed(name="first")
    writer.scene(writer.add("nodes", {"mesh": 0, "name": "second"}))
    assert list(parts(writer, tmp_path)) == ["second"]
    del writer.json["scene"]
    assert list(parts(writer, tmp_path)) == ["first"]
    del writer.json["scenes"]
    assert list(parts(writer, tmp_path)) == ["first", "second"]


def test_instances_stand_where_they_are_put(tmp_path):
    writer = boxed(translation=[0, 5, 0])
    places = np.array([[0, 0, 0], [2, 0, 0], [0, 0, 3]], np.float32)
    turns = np.array([[0, 0, 0, 127], [0, 0, 90, 90], [0, 0, 0, 127]], np.int8)
    writer.json["nodes"][0]["extensions"] = {
        "EXT_mesh_gpu_instancing": {
            "attributes": {
                "TRANSLATION": writer.accessor(places),
                "ROTATION": writer.accessor(turns, normalized=True),
                "SCALE": writer.accessor(np.array([[1, 1, 1], [1, 4, 1], [1, 1, 1]], np.float32)),
            }
        }
    }
    writer.extension("EXT_mesh_gpu_instancing", required=True)
    bounds = [mesh.bounds for mesh in parts(writer, tmp_path).values()]
    assert np.abs(bounds[0] - [[-0.5, 4.5, -0.5], [0.5, 5.5, 0.5]]).max() < 1e-6
    assert np.abs(bounds[1] - [[0, 4.5, -0.5], [4, 5.5, 0.5]]).max() < 1e-5, "scaled along y, then turned by 90 degrees"
    assert np.abs(bounds[2] - [[-0.5, 4.5, 2.5], [0.5, 5.5, 3.5]]).max() < 1e-6


@pytest.mark.parametrize(
    "mesh_weights, node_weights, lift", [([1, 0.5], None, 2.0), ([1, 1], [0.5, 0], 0.5), (None, None, 0)]
)
def test_morph_targets_stand_at_their_default_weights(tmp_path, mesh_weights, node_weights, lift):
    writer = boxed(**({"weights": node_weights} if node_weights else {}))
    up = np.tile(np.array([0, 1, 0], np.float32), (8, 1))
    primitive = writer.json["meshes"][0]["primitives"][0]
    primitive["targets"] = [{"POSITION": writer.accessor(up)}, {"POSITION": writer.accessor(2 * up)}]
    if mesh_weights:
        writer.json["meshes"][0]["weights"] = mesh_weights
    (mesh,) = parts(writer, tmp_path).values()
    assert np.abs(mesh.vertices - BOX - [0, lift, 0]).max() < 1e-6


def test_skins_stand_in_the_pose_of_their_joints(tmp_path):
    """The lower half follows a joint that has not moved, the upper half one that is lifted and doubled; two sets of
    weights that do not add up to one; the place of the mesh's own node does not count.
    """
    writer = boxed(translation=[100, 0, 0], skin=0)
    upper = BOX[:, 1] > 0
    primitive = writer.json["meshes"][0]["primitives"][0]
    joints = np.zeros((8, 4), np.uint8)
    joints[:, 1] = 1
    weights = np.stack([~upper, upper, upper * 0, upper * 0], axis=1) * 100
    primitive["attributes"] |= {
        "JOINTS_0": writer.accessor(joints),
        "WEIGHTS_0": writer.accessor(weights.astype(np.uint8), normalized=True),
        "JOINTS_1": writer.accessor(joints.astype(np.uint16)),
        "WEIGHTS_1": writer.accessor((weights / 200).astype(np.float32)),
    }
    bind = np.eye(4)
    bind[1, 3] = -0.5  # the joint stood at y = 0.5 when it was bound
    binds = np.stack([np.eye(4).T.ravel(), bind.T.ravel()]).astype(np.float32)
    still, lifted = (writer.add("nodes", node) for node in ({}, {"translation": [0, 2, 0], "scale": [2, 2, 2]}))
    writer.add("skins", {"joints": [still, lifted], "inverseBindMatrices": writer.accessor(binds)})
    (mesh,) = parts(writer, tmp_path).values()
    expected = np.where(upper[:, None], (BOX - [0, 0.5, 0]) * 2 + [0, 2, 0], BOX)
    assert np.abs(mesh.vertices - expected).max() < 1e-6 and mesh.volume > 0


def test_vertices_of_no_surface_do_not_count(tmp_path):
    writer = Writer()
    points = np.concatenate([BOX, [[40, 0, 0], [50, 3, 7], [60, 6, 14]]]).astype(np.float32)
    faces = np.concatenate([BOX_FACES, [[8, 8, 8], [8, 9, 10]]]).astype(np.uint16)
    writer.scene(writer.add("nodes", {"mesh": writer.mesh(writer.primitive({"POSITION": points}, faces))}))
    asset = load_file(writer.save(tmp_path / "a.glb"))
    assert asset.scene.extents == pytest.approx([1.8] * 3) and asset.scene.bounds.sum(axis=0) == pytest.approx(0)


def test_a_part_without_area_is_no_part(tmp_path):
    writer = boxed()
    normals = np.tile(np.array([0, 0, 1], np.float32), (4, 1))
    flat = writer.primitive({"POSITION": np.zeros((4, 3), np.float32), "NORMAL": normals}, QUAD)
    writer.json["meshes"][0]["primitives"].append(flat)
    assert len(load_file(writer.save(tmp_path / "a.glb")).parts) == 1


# ---------------------------------------------------------------------------------------------------------- materials


def material_of(writer: Writer, tmp_path):
    (material,) = geometry_of(load_file(writer.save(tmp_path / "a.glb"))).materials
    return material


def test_factors_are_not_rounded(tmp_path):
    factor = [0.006, 0.0015, 0.01, 1.0]
    material = material_of(textured({"pbrMetallicRoughness": {"baseColorFactor": factor}}), tmp_path)
    assert material.base_color == tuple(factor) and material.metallic == material.roughness == 1.0


@pytest.mark.parametrize(
    "colors, normalized",
    [
        (np.array([[10000, 20000, 30000, 65535]] * 4, np.uint16), True),
        (np.array([[10, 20, 255]] * 4, np.uint8), True),
        (np.array([[0.25, 0.5, 1.0, 0.125]] * 4, np.float32), False),
    ],
)
@pytest.mark.parametrize("material", [0, None])
def test_vertex_colours_multiply_whatever_the_material(tmp_path, colors, normalized, material):
    writer = textured({"pbrMetallicRoughness": {"baseColorFactor": [0.5, 0.5, 0.5, 1]}})
    primitive = writer.json["meshes"][0]["primitives"][0]
    primitive["attributes"]["COLOR_0"] = writer.accessor(
        colors,
        stride=8 if colors.shape[1] == 4 and colors.itemsize < 4 else 4 if colors.itemsize == 1 else 0,
        normalized=normalized,
    )
    if material is None:
        del primitive["material"]
    geometry = geometry_of(load_file(writer.save(tmp_path / "a.glb")))
    meant = colors[0] / (np.iinfo(colors.dtype).max if normalized else 1)
    assert geometry.colors[0, : len(meant)] == pytest.approx(meant, abs=1e-12)
    assert geometry.materials[0].base_color[0] == (1.0 if material is None else 0.5)


def test_coordinates_of_any_set_are_scaled_turned_and_moved(tmp_path):
    transform = {"offset": [0.25, 0.1], "rotation": 0.5, "scale": [2, 3], "texCoord": 1}
    second = np.array([[0.1, 0.2], [0.9, 0.3], [0.8, 0.7], [0.2, 0.6]], np.float32)
    writer = with_texture({"texCoord": 7, "extensions": {"KHR_texture_transform": transform}}, RED, TEXCOORD_1=second)
    (mesh,) = parts(writer, tmp_path).values()
    u, v = second[:, 0] * 2.0, second[:, 1] * 3.0
    cosine, sine = np.cos(0.5), np.sin(0.5)
    expected = np.stack([cosine * u + sine * v + 0.25, 1 - (cosine * v - sine * u + 0.1)], axis=1)
    assert np.abs(mesh.visual.uv - expected).max() < 1e-6


def test_each_map_has_its_own_coordinates(tmp_path):
    second = QUAD_UVS[::-1].copy()
    writer = with_texture({}, RED, TEXCOORD_1=second)
    writer.json["materials"][0]["normalTexture"] = {
        "index": writer.picture(np.full((2, 2, 3), (128, 128, 255), np.uint8)),
        "texCoord": 1,
        "scale": 0.25,
    }
    writer.json["materials"][0]["occlusionTexture"] = {"index": 0, "strength": 0.5}
    (mesh,) = parts(writer, tmp_path).values()
    assert np.array_equal(mesh.visual.vertex_attributes[uv_of("normalTexture")], second * (1, -1) + (0, 1))
    assert mesh.visual.material.own_uvs == ("normalTexture",) and mesh.visual.material.occlusion_strength == 0.5
    geometry = geometry_of(load_file(tmp_path / "a.glb"))
    assert geometry.own_uvs.shape == (3, len(geometry.vertices), 2) and geometry.materials[0].normal_scale == 0.25
    assert np.array_equal(geometry.own_uvs[0], geometry.uvs)


@pytest.mark.parametrize("mode", ["I;16", "I", "L", "LA", "P", "CMYK", "1", "RGBA", "RGB", "F"])
def test_pictures_of_every_mode_become_eight_bits(mode):
    values = np.array([[0, 1000], [30000, 65535]])
    if mode == "I;16":
        image = Image.fromarray(values.astype(np.uint16))
    elif mode == "I":
        image = Image.fromarray(values.astype(np.int32))
    elif mode == "F":
        image = Image.fromarray((values / 65535).astype(np.float32))
    else:
        image = Image.fromarray((values >> 8).astype(np.uint8)).convert(mode)
    seen = np.asarray(eight_bits(image).convert("RGBA"))[..., 0].astype(int)
    expected = np.asarray(image.convert("RGBA"))[..., 0] if mode in ("P", "CMYK", "1", "LA") else values >> 8
    assert np.abs(seen - expected).max() <= (1 if mode == "F" else 0)


def test_specular_and_glossiness_become_metal_and_roughness(tmp_path):
    """A dielectric of f0 = 0.04 keeps its colour; what has no diffuse colour and mirrors gold is gold."""
    plain, metal, rough = materials.converted(np.array([0.5, 0.25, 0.1, 0.5]), np.full(3, 0.04), np.array(0.75))
    assert plain == pytest.approx([0.5, 0.25, 0.1, 0.5]) and metal == 0 and rough == pytest.approx(0.25)
    gold = np.array([1.0, 0.77, 0.34])
    base, metal, _ = materials.converted(np.array([0, 0, 0, 1.0]), gold, np.array(1.0))
    assert base[:3] == pytest.approx(gold, abs=1e-6) and metal == pytest.approx(1)
    entry = {"diffuseFactor": [0, 0, 0, 1], "specularFactor": gold.tolist(), "specularGlossinessTexture": {"index": 0}}
    writer = textured({"extensions": {"KHR_materials_pbrSpecularGlossiness": entry}})
    writer.picture(np.full((2, 2, 4), (255, 255, 255, 51), np.uint8))
    material = material_of(writer, tmp_path)
    assert material.surface_map[0, 0, 1:3].tolist() == [204, 255] and material.base_map[0, 0, 0] == 255


@pytest.mark.parametrize("white", [False, True])
@pytest.mark.parametrize("damage", ["missing", "broken"])
def test_a_texture_that_cannot_be_read_is_named(tmp_path, damage, white):
    writer = with_texture({}, RED)
    image = writer.json["images"][0]
    image.update({"uri": "gone%20away.png"} if damage == "missing" else {"bufferView": writer.view(b"\x89PNG nothing")})
    if damage == "missing":
        del image["bufferView"]
    path = writer.save(tmp_path / "a.glb")
    if white:
        told = load_file(path, on_missing_texture="white").provenance["gltf"]["missing_textures"]
        assert len(told) == 1 and told[0].startswith("baseColorTexture")
    else:
        with pytest.raises(AssetError, match=r"a\.glb: texture baseColorTexture: .*(no such file|cannot be read)"):
            load_file(path)


def test_pictures_are_found_by_their_encoded_names(tmp_path):
    (tmp_path / "my texé.png").write_bytes(b"")
    Image.fromarray(RED).save(tmp_path / "my texé.png")
    writer = with_texture({}, RED)
    writer.json["images"][0] = {"uri": "my%20tex%C3%A9.png"}
    assert material_of(writer, tmp_path).base_map[0, 0].tolist() == [255, 0, 0, 255]


def test_webp_goes_before_what_stands_in_for_it(tmp_path):
    writer = with_texture({}, RED)
    blue = writer.picture(np.full((2, 2, 3), (0, 0, 255), np.uint8), kind="WEBP")
    writer.json["textures"][0]["extensions"] = {"EXT_texture_webp": {"source": blue}}
    assert material_of(writer, tmp_path).base_map[0, 0, 2] > 250


# ----------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("name", ["KHR_texture_basisu", "KHR_materials_clearcoat", "ACME_secret"])
def test_what_is_required_and_not_read_is_refused_by_name(tmp_path, name):
    writer = boxed()
    writer.extension(name)
    assert gltf.read(writer.save(tmp_path / "a.glb"), tmp_path)[1] == {"unread": [name]}
    writer.extension(name, required=True)
    with pytest.raises(AssetError, match=rf"a\.glb: requires {name}"):
        parts(writer, tmp_path)


def test_a_mark_at_the_start_of_the_text_is_passed_over(tmp_path):
    (tmp_path / "a.gltf").write_bytes(b"\xef\xbb\xbf" + boxed().gltf())
    assert len(gltf.read(tmp_path / "a.gltf", tmp_path)[0]) == 1


@pytest.mark.parametrize("children", [[0], [1]])
def test_nodes_below_themselves_are_refused(tmp_path, children):
    writer = boxed()
    writer.add("nodes", {"children": [0]})
    writer.json["nodes"][0]["children"] = children
    with pytest.raises(AssetError, match="expected a tree"):
        parts(writer, tmp_path)


def test_many_copies_are_refused(tmp_path):
    """Twenty nodes that each stand for two of the next one: a million boxes in a few hundred bytes."""
    writer = boxed()
    for number in range(30):
        writer.add("nodes", {"children": [number, number]})
    writer.json["scenes"][0]["nodes"] = [30]
    with pytest.raises(AssetError, match="expected a tree"):
        parts(writer, tmp_path)


# ------------------------------------------------------------------------------------------------------- compression


def test_draco_is_read(tmp_path):
    draco = pytest.importorskip("DracoPy", reason="pip install DracoPy")
    writer = boxed()
    packed = draco.encode(BOX, faces=BOX_FACES.astype(np.uint32), quantization_bits=16)
    number = draco.decode(packed).attributes[0]["unique_id"]
    primitive = writer.json["meshes"][0]["primitives"][0]
    for accessor in writer.json["accessors"]:
        accessor.pop("bufferView", None)
    entry = {"bufferView": writer.view(packed), "attributes": {"POSITION": number}}
    primitive["extensions"] = {"KHR_draco_mesh_compression": entry}
    writer.extension("KHR_draco_mesh_compression", required=True)
    (mesh,) = parts(writer, tmp_path).values()
    assert mesh.volume == pytest.approx(1, abs=1e-3) and np.abs(mesh.bounds - [[-0.5] * 3, [0.5] * 3]).max() < 1e-3


@pytest.mark.parametrize("name", ["EXT_meshopt_compression", "KHR_meshopt_compression"])
def test_meshopt_is_read(tmp_path, name):
    meshopt = pytest.importorskip("meshoptimizer", reason="pip install meshoptimizer")
    writer = boxed()
    positions = np.pad(BOX, ((0, 0), (0, 1)))
    packed = (
        ("ATTRIBUTES", meshopt.encode_vertex_buffer(positions, 8, 16), 8, 16),
        ("TRIANGLES", meshopt.encode_index_buffer(BOX_FACES.astype(np.uint32).ravel(), 36, 8), 36, 2),
    )
    empty = writer.add("buffers", {"byteLength": 0}), writer.add("buffers", {"byteLength": 1024})
    for accessor, (mode, data, count, stride) in zip(writer.json["accessors"], packed):
        place = writer.json["bufferViews"][writer.view(bytes(data))]
        view = {"buffer": empty[1], "byteLength": count * stride}
        view["extensions"] = {name: place | {"byteStride": stride, "count": count, "mode": mode}}
        if mode == "ATTRIBUTES":
            view["byteStride"] = stride
        accessor["bufferView"] = writer.add("bufferViews", view)
    writer.extension(name, required=True)
    data = writer.glb()
    document = json.loads(data[20 : 20 + int.from_bytes(data[12:16], "little")])
    document["buffers"].append({"byteLength": 1024})
    writer.json["buffers"] = document["buffers"]
    blob = writer.blob + b"\0" * (-len(writer.blob) % 4)
    text = json.dumps(writer.json).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(blob), 0x004E4942) + blob
    (tmp_path / "a.glb").write_bytes(struct.pack("<III", 0x46546C67, 2, 12 + len(body)) + body)
    (mesh,) = gltf.read(tmp_path / "a.glb", tmp_path)[0].values()
    assert mesh.volume == pytest.approx(1) and np.array_equal(np.unique(mesh.vertices, axis=0), np.unique(BOX, axis=0))


# ----------------------------------------------------------------------------------------------------------- pictures


def seen(path, light=UNIFORM, size=64, passes=("rgb", "alpha", "albedo")):
    return renderers.load("cpu").render(load_file(path), turntable(2, size), light, passes)


def cube(material: dict, uvs: np.ndarray, pixels, sampler: dict | None = None) -> Writer:
    """A box whose six sides all show the texture at uvs [4, 2]."""
    writer = Writer()
    corners = BOX[BOX_FACES].reshape(6, 6, 3)
    order = np.array([0, 1, 2, 0, 2, 3])
    writer.add("materials", material)
    attributes = {"POSITION": corners.reshape(-1, 3), "TEXCOORD_0": np.tile(uvs[order], (6, 1)).astype(np.float32)}
    writer.scene(writer.add("nodes", {"mesh": writer.mesh(writer.primitive(attributes, material=0))}))
    texture = writer.picture(pixels)
    if sampler:
        writer.json["textures"][texture]["sampler"] = writer.add("samplers", sampler)
    return writer


BASE = {"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}, "metallicFactor": 0.0, "roughnessFactor": 0.8}}
NOISE = np.uint8(Rng("gltf", "pixels").unit(768).reshape(16, 16, 3) * 255)


def alike(one: dict, other: dict, names=("rgb", "albedo")) -> None:
    for name in names:
        difference = np.abs(one[name].astype(int) - other[name])
        assert np.percentile(difference, 99.5) <= 6 and difference.mean() < 1, name
    assert np.array_equal(one["alpha"], other["alpha"])


def test_mirrored_textures_are_mirrored(tmp_path):
    case = cube(BASE, 2 * QUAD_UVS, NOISE, {"wrapS": 33648, "wrapT": 33648})
    double = np.concatenate([NOISE, NOISE[:, ::-1]], axis=1)
    twin = cube(BASE, QUAD_UVS, np.concatenate([double, double[::-1]]))
    alike(seen(case.save(tmp_path / "a.glb")), seen(twin.save(tmp_path / "b.glb")))


def test_squares_of_a_small_picture_stay_squares(tmp_path):
    case = cube(BASE, QUAD_UVS, NOISE[:4, :4], {"magFilter": 9728})
    twin = cube(BASE, QUAD_UVS, NOISE[:4, :4].repeat(64, axis=0).repeat(64, axis=1))
    alike(seen(case.save(tmp_path / "a.glb")), seen(twin.save(tmp_path / "b.glb")))


def test_emission_is_seen_and_is_no_albedo(tmp_path):
    black = BASE | {"pbrMetallicRoughness": {"baseColorFactor": [0, 0, 0, 1], "metallicFactor": 0.0}}
    glow = black | {
        "emissiveTexture": {"index": 0},
        "emissiveFactor": [0.5, 0.5, 0.5],
        "extensions": {"KHR_materials_emissive_strength": {"emissiveStrength": 2.0}},
    }
    case, twin = (
        seen(cube(glow, QUAD_UVS, NOISE).save(tmp_path / "a.glb")),
        seen(cube(BASE, QUAD_UVS, NOISE).save(tmp_path / "b.glb")),
    )
    alike(case, twin, ("rgb",))
    assert not case["albedo"].any()


def test_unlit_is_the_base_colour_in_any_light(tmp_path):
    unlit = BASE | {"extensions": {"KHR_materials_unlit": {}}}
    path = cube(unlit, QUAD_UVS, NOISE).save(tmp_path / "a.glb")
    for light in (UNIFORM, STUDIO):
        images = seen(path, light)
        whole = images["alpha"][..., 0] == 255
        assert np.percentile(np.abs(images["rgb"].astype(int) - images["albedo"])[whole], 90) <= 1


def test_vertex_alpha_cuts_holes_under_mask_and_blend(tmp_path):
    covered = {}
    for mode in ("MASK", "BLEND", "OPAQUE"):
        writer = boxed()
        writer.add("materials", {"alphaMode": mode, "pbrMetallicRoughness": {"metallicFactor": 0}})
        primitive = writer.json["meshes"][0]["primitives"][0] | {"material": 0}
        colors = np.ones((8, 4), np.float32)
        colors[:, 3] = 0.0
        beside = (BOX + [2, 0, 0]).astype(np.float32)
        clear = writer.primitive({"POSITION": beside, "COLOR_0": colors}, BOX_FACES, material=0)
        writer.json["meshes"][0]["primitives"] = [primitive, clear]
        covered[mode] = (seen(writer.save(tmp_path / f"{mode}.glb"))["alpha"] > 127).sum()
    assert covered["MASK"] == covered["BLEND"] and 1.3 * covered["MASK"] < covered["OPAQUE"]


def test_what_was_read_is_written_again(tmp_path):
    """A material with everything that trimesh has no words for comes back as it was."""
    writer = with_texture(
        {}, RED, {"wrapS": 33071, "wrapT": 33648, "magFilter": 9728}, TEXCOORD_1=QUAD_UVS[::-1].copy()
    )
    writer.json["materials"][0] |= {
        "emissiveFactor": [1, 0.5, 0.25],
        "emissiveTexture": {"index": 0, "texCoord": 1},
        "normalTexture": {"index": 0, "scale": 0.5},
        "extensions": {"KHR_materials_emissive_strength": {"emissiveStrength": 3.0}},
    }
    writer.json["materials"][0]["pbrMetallicRoughness"]["baseColorFactor"] = [0.1, 0.2, 0.3, 1.0]
    primitive = writer.json["meshes"][0]["primitives"][0]
    primitive["attributes"]["COLOR_0"] = writer.accessor(np.full((4, 4), 0.3, np.float32))
    first = load_file(writer.save(tmp_path / "a.glb"))
    (tmp_path / "b.glb").write_bytes(glb_bytes(first))
    (one,), (other,) = (asset.scene.geometry.values() for asset in (first, load_file(tmp_path / "b.glb")))
    assert one.visual.material._exact() == other.visual.material._exact()
    for name in ("uv", "color", uv_of("emissiveTexture")):
        assert np.abs(one.visual.vertex_attributes[name] - other.visual.vertex_attributes[name]).max() < 1e-6
    for name in MAPS[:4]:
        assert (getattr(one.visual.material, name) is None) == (getattr(other.visual.material, name) is None)


# ------------------------------------------------------------------------------------------------------------ damage


def everything() -> Writer:
    """A small file with most of what there is."""
    writer = with_texture({"extensions": {"KHR_texture_transform": {"rotation": 1.0}}}, NOISE, {"wrapS": 33071})
    primitive = writer.json["meshes"][0]["primitives"][0]
    primitive["targets"] = [{"POSITION": writer.accessor(quad(), sparse=True)}]
    primitive["attributes"] |= {
        "COLOR_0": writer.accessor(np.full((4, 4), 200, np.uint8), normalized=True),
        "JOINTS_0": writer.accessor(np.zeros((4, 4), np.uint8)),
        "WEIGHTS_0": writer.accessor(np.tile(np.array([1, 0, 0, 0], np.float32), (4, 1))),
    }
    writer.json["meshes"][0]["weights"] = [0.5]
    writer.json["nodes"][0] |= {"skin": 0, "children": [1]}
    instanced = {"EXT_mesh_gpu_instancing": {"attributes": {"TRANSLATION": writer.accessor(quad())}}}
    writer.add("nodes", {"mesh": 0, "extensions": instanced, "rotation": [0, 0, 0, 1], "scale": [1, 2, 1]})
    writer.add(
        "skins", {"joints": [1], "inverseBindMatrices": writer.accessor(np.eye(4, dtype=np.float32).reshape(1, 16))}
    )
    return writer


ODD = (
    None,
    -1,
    0,
    1,
    2**31,
    1e308,
    0.5,
    "",
    "x",
    "../../etc/passwd",
    [],
    {},
    [0],
    True,
    5126,
    5123,
    "VEC3",
    [1e300] * 16,
)


def damaged(rng: Rng, document: dict, blob: bytes) -> bytes:
    """The file with a place of its JSON replaced, or bytes of it changed, or its end cut off."""
    document, kind = copy.deepcopy(document), rng.child("kind").integer(0, 4)
    if kind < 3:
        for change in range(rng.child("changes").integer(1, 4)):
            stream, place = rng.child("change", change), document
            while True:
                keys = list(place) if isinstance(place, dict) else list(range(len(place)))
                if not keys:
                    break
                key = keys[stream.child("key").integer(0, len(keys))]
                below = place[key]
                stream = stream.child("below")
                if isinstance(below, dict | list) and len(below) and stream.child("deeper").chance(0.85):
                    place = below
                    continue
                if stream.child("drop").chance(0.3):
                    del place[key]
                else:
                    place[key] = ODD[stream.child("odd").integer(0, len(ODD))]
                break
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(blob), 0x004E4942) + blob
    data = bytearray(struct.pack("<III", 0x46546C67, 2, 12 + len(body)) + body)
    if kind == 3:
        for number in range(rng.child("bytes").integer(1, 9)):
            data[rng.child("at", number).integer(len(text) + 28, len(data))] = rng.child("new", number).integer(0, 256)
    if kind == 2:
        del data[rng.child("cut").integer(0, len(data)) :]
    return bytes(data)


def fuzz(tmp_path, monkeypatch, first: int, count: int) -> tuple[int, int]:
    opened, real = [], Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: (opened.append(path.resolve()), real(path))[1])
    writer, good, bad = everything(), 0, 0
    data = writer.glb()
    document = json.loads(data[20 : 20 + int.from_bytes(data[12:16], "little")])
    blob = writer.blob + b"\0" * (-len(writer.blob) % 4)
    path = tmp_path / "a.glb"
    for number in range(first, first + count):
        path.write_bytes(damaged(Rng("gltf", "fuzz", number), document, blob))
        try:
            load_file(path)
            good += 1
        except AssetError as error:
            assert str(error).startswith(str(path)), number
            bad += 1
    read = {each for each in opened if each.suffix != ".py"}  # the sources of kernels are read when one first runs
    assert {each.parent for each in read} == {tmp_path.resolve()}
    return good, bad


def test_damaged_files_are_read_or_refused(tmp_path, monkeypatch):
    good, bad = fuzz(tmp_path, monkeypatch, 0, 300)
    assert good > 5 and bad > 100


@pytest.mark.slow
def test_many_damaged_files_are_read_or_refused(tmp_path, monkeypatch):
    good, bad = fuzz(tmp_path, monkeypatch, 300, 5000)
    assert good > 100 and bad > 1500
