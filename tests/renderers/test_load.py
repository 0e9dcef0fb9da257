"""Files as assets: axes, normals, parts; and files that are not what they claim."""

import numpy as np
import pytest
import trimesh

from renderers.sources.load import load_file
from zeroverse.asset import Asset, AssetError, flatten, glb_bytes, normalise


def test_y_up_files_become_z_up(tmp_path):
    """A tall box along glTF's +Y stands along our +Z, its top marked by a small cube on +X of the top."""
    scene = trimesh.Scene()
    scene.add_geometry(trimesh.creation.box((1, 4, 1)), geom_name="tower")
    scene.add_geometry(
        trimesh.creation.box((0.2, 0.2, 0.2), trimesh.transformations.translation_matrix((0.4, 2.1, 0.3))),
        geom_name="mark",
    )
    scene.export(tmp_path / "tower.glb")
    loaded = load_file(tmp_path / "tower.glb")
    low, high = loaded.scene.bounds
    assert high - low == pytest.approx([1.8 / 4.2, 1.8 / 4.2, 1.8]) and low + high == pytest.approx(0)
    mark = loaded.scene.geometry["mark"].vertices.mean(axis=0)
    assert mark[2] > 0.8 and mark[0] > 0 and mark[1] < 0, "(x, y, z) -> (x, -z, y)"


def test_normals_of_a_file_survive(tmp_path):
    """A ball whose file says its normals point another way than its faces: what we load, move and write again still
    says so.
    """
    ball = trimesh.creation.icosphere(1)
    told = np.roll(ball.vertices, 1, axis=1)
    scene = trimesh.Scene()
    scene.add_geometry(
        trimesh.Trimesh(ball.vertices, ball.faces, vertex_normals=told, process=False),
        transform=np.diag([2.0, 2, 2, 1]),
    )
    (tmp_path / "ball.glb").write_bytes(scene.export(file_type="glb", include_normals=True))
    first = load_file(tmp_path / "ball.glb")
    (tmp_path / "again.glb").write_bytes(glb_bytes(first))
    for loaded in (first, load_file(tmp_path / "again.glb")):
        (mesh,) = loaded.scene.geometry.values()
        x, y, z = told.T
        assert np.abs(mesh.vertex_normals - np.stack([x, -z, y], axis=1)).max() < 1e-6


def test_glb_round_trip_keeps_geometry_parts_and_bytes(tmp_path):
    scene = trimesh.Scene({"ball": trimesh.creation.icosphere(2), "box": trimesh.creation.box((3, 1, 1))})
    original = Asset(normalise(flatten(scene)), "pair")
    data = glb_bytes(original)
    assert data == glb_bytes(original)
    (tmp_path / "pair.glb").write_bytes(data)
    again = load_file(tmp_path / "pair.glb")
    assert again.parts == original.parts and again.uid == "pair"
    for name in original.parts:
        assert np.abs(again.scene.geometry[name].vertices - original.scene.geometry[name].vertices).max() < 1e-6


@pytest.mark.parametrize("data", [b"", b"glTF", b"not a model at all", b"glTF" + bytes(200)])
def test_damaged_files_are_named(tmp_path, data):
    path = tmp_path / "bad.glb"
    path.write_bytes(data)
    with pytest.raises(AssetError, match="bad.glb: not a readable GLB"):
        load_file(path)


def test_files_without_surface_are_named(tmp_path):
    trimesh.Scene(trimesh.PointCloud(np.eye(3))).export(tmp_path / "points.glb")
    with pytest.raises(AssetError, match="points.glb: no surface"):
        load_file(tmp_path / "points.glb")
