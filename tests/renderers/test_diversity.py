"""Statistics of sets: a pose is no variety once objects are turned to their principal axes."""

import numpy as np
import pytest
import trimesh

from renderers.studies import diversity
from zeroverse.asset import Asset, normalise


def wedge(turn: np.ndarray) -> Asset:
    """A box of 3 x 2 x 1 with a heavier end on each axis, in a pose."""
    knob = trimesh.creation.box((0.8, 0.7, 0.6), trimesh.transformations.translation_matrix((1.2, 0.7, 0.5)))
    mesh = trimesh.util.concatenate([trimesh.creation.box((3, 2, 1)), knob])
    mesh.apply_transform(turn)
    return Asset(normalise(trimesh.Scene({"part": mesh})), "wedge")


@pytest.mark.parametrize("seed", range(4))
def test_principal_axes_undo_a_pose(seed):
    mesh = trimesh.creation.box((3, 2, 1))
    turned = (
        mesh.vertices @ trimesh.transformations.random_rotation_matrix(np.random.default_rng(seed).random(3))[:3, :3].T
    )
    rotation = diversity.principal_axes(turned, mesh.faces)
    assert np.allclose(rotation @ rotation.T, np.eye(3)) and np.linalg.det(rotation) == pytest.approx(1)
    assert np.allclose(np.ptp(turned @ rotation.T, axis=0), (3, 2, 1))


def test_two_poses_of_an_object_are_one_object_when_aligned():
    poses = (np.eye(4), trimesh.transformations.rotation_matrix(2.0, (1, 2, -1)))
    first, second = (diversity.measure(wedge(pose)) for pose in poses)
    assert np.linalg.norm(first.aligned - second.aligned) < 0.05 < 0.4 < np.linalg.norm(first.looks - second.looks)
    ball = diversity.measure(Asset(normalise(trimesh.Scene({"part": trimesh.creation.icosphere(3)})), "ball"))
    rows = diversity.table({"poses": [first, second], "kinds": [first, ball]}).splitlines()
    upright, aligned = ([float(row.split("|")[column]) for row in rows[2:]] for column in (7, 8))
    assert aligned[0] < 1.2 < upright[0] and aligned[1] > 1.5, "one object in two poses, and two objects"
