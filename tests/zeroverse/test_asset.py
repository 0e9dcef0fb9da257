"""Assets: parts, axes, scale, names; and files that are not what they claim."""

import numpy as np
import pytest
import trimesh

from zeroverse import asset
from zeroverse.asset import AssetError, flatten, normalise, uid_of


def test_instances_become_parts_in_place(tmp_path):
    scene = trimesh.Scene()
    leg = trimesh.creation.box((0.1, 0.1, 1))
    for number in range(4):
        scene.add_geometry(
            leg,
            geom_name="leg",
            node_name=f"leg_{number}",
            transform=trimesh.transformations.translation_matrix((number, 0, 0)),
        )
    flat = flatten(scene)
    assert list(flat.geometry) == [f"leg_{number}" for number in range(4)]
    assert [mesh.vertices[:, 0].mean() for mesh in flat.geometry.values()] == pytest.approx([0, 1, 2, 3])


def test_mirrored_instances_stay_outward():
    scene = trimesh.Scene()
    scene.add_geometry(trimesh.creation.box(), transform=np.diag([-1.0, 1, 1, 1]))
    (mesh,) = flatten(scene).geometry.values()
    assert mesh.volume == pytest.approx(1)
    assert ((mesh.vertex_normals * mesh.vertices).sum(axis=1) > 0).all()


def test_longest_side_is_a_parameter():
    scene = normalise(flatten(trimesh.Scene(trimesh.creation.box((1, 2, 5)))), longest_side=2.0)
    assert scene.extents == pytest.approx([0.4, 0.8, 2.0])


@pytest.mark.parametrize(
    "vertex, message", [(np.nan, "extent"), (np.inf, "extent"), (0.0, "extent: expected positive")]
)
def test_bad_extents_are_refused(vertex, message):
    mesh = trimesh.Trimesh(np.full((3, 3), vertex), [[0, 1, 2]], process=False)
    with pytest.raises(AssetError, match=message):
        normalise(trimesh.Scene(mesh))


def test_uids_are_webdataset_keys():
    assert uid_of("Größe 4.5/a-b_c") == "Gr__e_4_5_a-b_c"
    assert asset.LONGEST_SIDE == 1.8
