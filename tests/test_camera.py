"""Cameras against closed forms and the published rig."""
import numpy as np
import pytest

from renderers import camera
from renderers.camera import Cameras
from zeroverse.rng import Rng


def test_first_gso_camera_is_the_published_one():
    """Row for row as the published file has it (facts/lrm_zero.md §8), in its own precision."""
    first = camera.gso64().w2c[0].astype(np.float32)
    assert first.tolist() == [[0, 1, 0, 0], [0, 0, -1, 0], [-1, 0, 0, np.float32(2.7)], [0, 0, 0, 1]]
    assert camera.gso64().intrinsics[0].tolist() == pytest.approx([548.99377, 548.99377, 256, 256], abs=1e-5)


def test_gso_rig_order():
    """index = 16 * elevation index + azimuth index; elevations 0, 20, 40, 60; azimuth counter-clockwise from +X."""
    rig = camera.gso64()
    x, y, z = rig.centers[16 * 2 + 4]
    assert np.degrees(np.arcsin(z / 2.7)) == pytest.approx(40) and np.degrees(np.arctan2(y, x)) == pytest.approx(90)
    assert len(rig) == 64 and np.linalg.norm(rig.centers, axis=1) == pytest.approx(2.7)


@pytest.mark.parametrize("cameras", [camera.gso64(32), camera.turntable(5, 32), camera.sphere_shell(Rng("x"), 9, 32)])
def test_cameras_look_at_the_origin_upright(cameras):
    pixels, depth = cameras.project(np.array([[0.0, 0, 0], [0, 0, 0.1]]))
    assert pixels[:, 0] == pytest.approx(np.full((len(cameras), 2), 16.0))
    assert depth[:, 0] == pytest.approx(np.linalg.norm(cameras.centers, axis=1))
    assert (pixels[:, 1, 1] < 16).all(), "+Z is up in the image"


def test_sphere_shell_is_the_published_one():
    rig = camera.sphere_shell(Rng("x"), 500, 32, (2.0, 3.0))
    radius = np.linalg.norm(rig.centers, axis=1)
    assert 2.0 <= radius.min() and radius.max() <= 3.0
    assert -0.75 < rig.centers[:, 2].min() and rig.centers[:, 2].max() < 1.6
    assert np.array_equal(camera.sphere_shell(Rng("x"), 20, 32).centers, rig.centers[:20]), "more views leave the first ones as they are"


def test_rays_and_projection_are_inverse():
    """A point along the ray of pixel (row i, column j) projects to (j + 0.5, i + 0.5)."""
    cameras = Cameras(camera.turntable(3, 8).c2w, np.tile([11.0, 7.0, 3.0, 6.0], (3, 1)), 8, 6)
    rays_o, rays_d = cameras.rays()
    assert rays_o.shape == rays_d.shape == (3, 6, 8, 3)
    assert np.linalg.norm(rays_d, axis=-1) == pytest.approx(1)
    for view in range(3):
        pixels, depth = cameras.project((rays_o + 1.7 * rays_d)[view].reshape(-1, 3))
        expected = np.stack(np.meshgrid(np.arange(8) + 0.5, np.arange(6) + 0.5), axis=-1).reshape(-1, 2)
        assert np.abs(pixels[view] - expected).max() < 1e-9 and (depth[view] > 0).all()


def test_resized_cameras_see_the_same():
    cameras = camera.gso64(512)
    point = np.array([[0.3, -0.2, 0.5]])
    assert cameras.resized(64, 64).project(point)[0] * 8 == pytest.approx(cameras.project(point)[0])


def test_straight_down_has_an_up_direction():
    c2w = camera.look_at([[0, 0, 2.0]])
    assert np.isfinite(c2w).all() and np.linalg.det(c2w[0, :3, :3]) == pytest.approx(1)
    assert c2w[0, :3, 1] == pytest.approx([0, -1, 0]), "image-up is world +Y"


def test_opengl_cameras_flip_two_axes():
    ours, theirs = camera.gso64(32).c2w[5], camera.opengl_c2w(camera.gso64(32))[5]
    assert theirs[:3, 1] == pytest.approx(-ours[:3, 1]) and theirs[:3, 2] == pytest.approx(-ours[:3, 2])
    assert theirs[:3, 3] == pytest.approx(ours[:3, 3]) and np.linalg.det(theirs[:3, :3]) == pytest.approx(1)


def test_opencv_json_round_trip():
    cameras = camera.sphere_shell(Rng("x"), 4, 32)
    again, paths = camera.from_opencv_json(camera.to_opencv_json(cameras, ["a.png", "b.png", "c.png", "d.png"]))
    assert paths == ["a.png", "b.png", "c.png", "d.png"]
    assert again.c2w == pytest.approx(cameras.c2w, abs=1e-15) and np.array_equal(again.intrinsics, cameras.intrinsics)


@pytest.mark.parametrize("break_it, message", [
    (lambda rows: rows.clear(), "list of views"),
    (lambda rows: rows[1].pop("fy"), "view 1: missing fy"),
    (lambda rows: rows[1].update(w=99), "one image size"),
    (lambda rows: [row.update(w2c=[[1, 0, 0]]) for row in rows], r"w2c: expected \[4, 4\]"),
    (lambda rows: rows[0]["w2c"][0].__setitem__(0, 5.0), "expected rotations"),
    (lambda rows: rows[0].update(fx=-1), "positive fx"),
])
def test_bad_camera_files_are_named(break_it, message):
    rows = camera.to_opencv_json(camera.turntable(2, 32), ["a", "b"])
    break_it(rows)
    with pytest.raises(ValueError, match=message):
        camera.from_opencv_json(rows)


@pytest.mark.parametrize("c2w, message", [
    (np.eye(4), r"expected \[V, 4, 4\], got \[4, 4\]"),
    (np.diag([2.0, 2, 2, 1])[None], "expected rotations"),
    (np.diag([-1.0, 1, 1, 1])[None], "expected rotations"),
    (np.full((1, 4, 4), np.nan), "expected rotations"),
])
def test_matrices_that_are_no_cameras(c2w, message):
    with pytest.raises(ValueError, match=message):
        Cameras(c2w, np.ones((1, 4)), 8, 8)
