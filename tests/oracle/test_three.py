"""Our reader of glTF against three.js's, a developer's check: `npm install` in this folder, then `pytest -m slow`."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from renderers.sources import gltf
from tests.helpers.gltf_writer import BOX, BOX_FACES, Writer
from zeroverse.core.rng import Rng

HERE = Path(__file__).parent
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("node") is None, reason="there is no node"),
    pytest.mark.skipif(not (HERE / "node_modules" / "three").is_dir(), reason=f"npm install in {HERE} was not run"),
]


def quat(rng: Rng) -> list[float]:
    w, x, y, z = rng.quat()
    return [float(x), float(y), float(z), float(w)]


def random_file(rng: Rng) -> Writer:
    """A file with nodes at random, some of them mirrored, and each of the features on some of its meshes."""
    writer = Writer()
    texture = writer.picture(np.uint8(255 * rng.child("pixels").unit((8, 8, 3))))
    nodes = []
    for number in range(6):
        stream = rng.child(number)
        transform = {
            "offset": stream.child("offset").unit(2).tolist(),
            "rotation": float(stream.child("rotation").uniform(-3, 3)),
            # one scale for both axes: three.js scales after it turns, the overview of the extension before (T * R * S)
            "scale": [float(stream.child("scale").uniform(0.2, 3))] * 2,
            "texCoord": 1,
        }
        base = {"index": texture} | ({"extensions": {"KHR_texture_transform": transform}} if number % 2 else {})
        factor = stream.child("factor").unit(4).tolist()
        material = writer.add(
            "materials", {"pbrMetallicRoughness": {"baseColorTexture": base, "baseColorFactor": factor}}
        )
        points = (BOX + 0.2 * stream.child("shape").unit((8, 3))).astype(np.float32)
        attributes = {
            "POSITION": writer.accessor(points, stride=(0, 16)[number % 2], sparse=number == 2),
            "TEXCOORD_0": writer.accessor(np.uint16(65535 * stream.child("uv").unit((8, 2))), normalized=True),
            "TEXCOORD_1": stream.child("uv1").unit((8, 2)).astype(np.float32),
            "COLOR_0": writer.accessor(np.uint8(255 * stream.child("color").unit((8, 4))), normalized=True),
        }
        node = {"rotation": quat(stream.child("turn")), "translation": stream.child("place").uniform(-2, 2, 3).tolist()}
        node["scale"] = (stream.child("size").uniform(0.3, 2, 3) * (1, 1, -1 if number == 3 else 1)).tolist()
        if number == 4:
            attributes["JOINTS_0"] = writer.accessor(np.uint8(2 * stream.child("joints").unit((8, 4))))
            weights = stream.child("weights").unit((8, 4))
            attributes["WEIGHTS_0"] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
            node["skin"] = 0
        mode = (4, 4, 5, 6, 4, 4)[number]
        indices = BOX_FACES if mode == 4 else np.arange(8, dtype=np.uint8)
        primitive = writer.primitive(attributes, indices, material=material, mode=mode)
        more = {}
        if number == 1:
            primitive["targets"] = [
                {"POSITION": writer.accessor(stream.child("target", k).unit((8, 3)).astype(np.float32))}
                for k in range(2)
            ]
            more["weights"], node["weights"] = [1.0, 1.0], [0.25, 0.5]
        if number == 5:
            rows = {
                "TRANSLATION": stream.child("t").uniform(-3, 3, (4, 3)).astype(np.float32),
                "ROTATION": np.array([quat(stream.child("r", k)) for k in range(4)], np.float32),
                "SCALE": stream.child("s").uniform(0.5, 2, (4, 3)).astype(np.float32),
            }
            attributes = {name: writer.accessor(row) for name, row in rows.items()}
            node["extensions"] = {"EXT_mesh_gpu_instancing": {"attributes": attributes}}
        node["mesh"] = writer.mesh(primitive, **more)
        if nodes and number in (2, 3, 5):
            node["children"] = [nodes.pop()]
        nodes.append(writer.add("nodes", node))
    joints = [
        writer.add("nodes", {"rotation": quat(rng.child("joint", k)), "translation": [0, k, 0]}) for k in range(2)
    ]
    binds = np.tile(np.eye(4, dtype=np.float32).ravel(), (2, 1))
    binds[:, 12:15] = rng.child("binds").unit((2, 3))
    writer.add("skins", {"joints": joints, "inverseBindMatrices": writer.accessor(binds)})
    writer.scene(*nodes, *joints)
    writer.extension("KHR_texture_transform", "EXT_mesh_gpu_instancing")
    return writer


def ours(path: Path) -> np.ndarray:
    """[T, 3, 8], as three_triangles.mjs prints them."""
    rows = []
    for mesh in gltf.read(path, path.parent)[0].values():
        attributes, material = mesh.visual.vertex_attributes, mesh.visual.material
        color = np.asarray(attributes["color"])[:, :3] * material.base_color[:3]
        table = np.concatenate([mesh.vertices, np.asarray(attributes["uv"]) * (1, -1) + (0, 1), color], axis=1)
        rows.append(table[mesh.faces])
    return np.concatenate(rows)


def furthest(rows: np.ndarray, others: np.ndarray) -> float:
    """How far the row lies that has no like among the others."""
    return float(cKDTree(others).query(rows)[0].max())


@pytest.mark.parametrize("seed", range(8))
def test_three_reads_the_same(tmp_path, seed):
    """Corners and middles of all triangles; which corner is first is the reader's choice, and of mirrored nodes
    three.js turns the culled side in place of the winding (3.7.4 has either).
    """
    path = random_file(Rng("oracle", seed)).save(tmp_path / "a.glb")
    told = subprocess.run(
        ["node", HERE / "three_triangles.mjs", path], capture_output=True, text=True, check=True, timeout=120
    )
    theirs, mine = np.array(json.loads(told.stdout)).reshape(-1, 3, 8), ours(path)
    assert mine.shape == theirs.shape
    for one, other in ((mine, theirs), (theirs, mine)):
        assert furthest(one.reshape(-1, 8), other.reshape(-1, 8)) < 1e-4
        assert furthest(one.mean(axis=1), other.mean(axis=1)) < 1e-4
