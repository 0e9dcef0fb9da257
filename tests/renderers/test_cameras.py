"""Cameras against closed forms and the published rig."""

import json

import numpy as np
import pytest
import trimesh

from renderers import farm
from renderers.cameras import Cameras, files, framing, look_at, opengl_c2w, rigs
from renderers.cameras.framing import CUBE, FAR, NEAR, framing_distance
from renderers.orbit import Orbit
from zeroverse.asset import LONGEST_SIDE, Asset
from zeroverse.core.rng import Rng

POLE = CUBE * [0.1, 0.2, 1] + [0.05, 0, 0]  # the corners of a slender box, a little off the centre
WILD = Orbit(elevation=(-90, 90), fov=(5, 120), distance=(1, 3), look_at=1.0, roll=180, shift=0.25)


def test_first_gso_camera_is_the_published_one():
    """Row for row as the published file has it (`docs/papers.md`, Renders), in its own precision."""
    first = rigs.gso64().w2c[0].astype(np.float32)
    assert first.tolist() == [[0, 1, 0, 0], [0, 0, -1, 0], [-1, 0, 0, np.float32(2.7)], [0, 0, 0, 1]]
    assert rigs.gso64().intrinsics[0].tolist() == pytest.approx([548.99377, 548.99377, 256, 256], abs=1e-5)


def test_gso_rig_order():
    """index = 16 * elevation index + azimuth index; elevations 0, 20, 40, 60; azimuth counter-clockwise from +X."""
    rig = rigs.gso64()
    x, y, z = rig.centers[16 * 2 + 4]
    assert np.degrees(np.arcsin(z / 2.7)) == pytest.approx(40) and np.degrees(np.arctan2(y, x)) == pytest.approx(90)
    assert len(rig) == 64 and np.linalg.norm(rig.centers, axis=1) == pytest.approx(2.7)


@pytest.mark.parametrize(
    "cameras",
    [rigs.gso64(32), rigs.turntable(5, 32), rigs.sphere_shell(Rng("x"), 9, 32), rigs.zero123(Rng("x"), 9, 32)],
)
def test_cameras_look_at_the_origin_upright(cameras):
    pixels, depth = cameras.project(np.array([[0.0, 0, 0], [0, 0, 0.1]]))
    assert pixels[:, 0] == pytest.approx(np.full((len(cameras), 2), 16.0))
    assert depth[:, 0] == pytest.approx(np.linalg.norm(cameras.centers, axis=1))
    assert (pixels[:, 1, 1] < 16).all(), "+Z is up in the image"


def test_sphere_shell_is_the_published_one():
    rig = rigs.sphere_shell(Rng("x"), 500, 32, (2.0, 3.0))
    radius = np.linalg.norm(rig.centers, axis=1)
    assert 2.0 <= radius.min() and radius.max() <= 3.0
    assert -0.75 < rig.centers[:, 2].min() and rig.centers[:, 2].max() < 1.6
    assert np.array_equal(rigs.sphere_shell(Rng("x"), 20, 32).centers, rig.centers[:20]), (
        "more views leave the first ones as they are"
    )


def test_zero123_rig_is_the_published_one():
    """Lens 35 on sensor 32, radius 1.5 to 2.2 of the longest side, the whole sphere."""
    rig = rigs.zero123(Rng("x"), 500, 64)
    radius = np.linalg.norm(rig.centers, axis=1) / LONGEST_SIDE
    assert 1.5 <= radius.min() < 1.52 and 2.18 < radius.max() <= 2.2
    assert np.degrees(2 * np.arctan(32 / rig.intrinsics[:, 0])) == pytest.approx(np.full(500, 49.134), abs=1e-3)
    assert (rig.centers[:, 2] / radius / LONGEST_SIDE).min() < -0.95 and (
        rig.centers[:, 2] / radius / LONGEST_SIDE
    ).max() > 0.95
    assert np.array_equal(rigs.zero123(Rng("x"), 20, 64).centers, rig.centers[:20])


def test_the_cube_holds_every_object():
    assert CUBE.shape == (8, 3) and len(np.unique(CUBE, axis=0)) == 8 and (np.abs(CUBE) == LONGEST_SIDE / 2).all()


# -------------------------------------------------------------------------------------------------------------- framing


def edge_distance(cameras: Cameras, points) -> np.ndarray:  # [V]
    """How far, in pixels, the nearest of the projected points is from the picture's edge; negative when outside."""
    pixels, depth = cameras.project(points)
    assert (depth > 0).all()
    size = np.array([cameras.width, cameras.height])
    return np.minimum(pixels, size - pixels).min(axis=(1, 2))


def at_the_center(fov_deg: float, width: int = 64, height: int = 48) -> Cameras:
    """Three cameras that stand at the origin."""
    focal = width / 2 / np.tan(np.radians(fov_deg) / 2)
    c2w = rigs.turntable(3, 8).c2w
    c2w[:, :3, 3] = 0
    return Cameras(c2w, np.tile([focal, focal, width / 2, height / 2], (3, 1)), width, height)


def test_smallest_radius_for_a_ball_is_r_over_the_sine():
    """A ball of radius r touches the sides of a pyramid of half angle a at distance r / sin(a); the shorter side of the
    image decides.
    """
    cameras = at_the_center(60)
    half = np.arctan(24 / cameras.intrinsics[0, 1])
    assert framing_distance(cameras, [[0, 0, 0]], ball=1.2, margin=0) == pytest.approx(np.full(3, 1.2 / np.sin(half)))


@pytest.mark.parametrize("points", [CUBE, POLE])
@pytest.mark.parametrize("margin", [0.0, 3.0])
def test_smallest_radius_for_a_box_puts_a_corner_on_the_margin(points, margin):
    cameras = at_the_center(50)
    cameras = framing.moved_back(cameras, framing_distance(cameras, points, margin=margin))
    assert edge_distance(cameras, points) == pytest.approx(np.full(3, margin), abs=1e-9)


def test_largest_zoom_puts_a_corner_on_the_margin():
    cameras = rigs.sphere_shell(Rng("x"), 20, 64)
    zoom = framing.framing_zoom(cameras, CUBE, margin=2.0)
    zoomed = Cameras(cameras.c2w, cameras.intrinsics * np.stack([zoom, zoom, zoom**0, zoom**0], axis=1), 64, 64)
    assert edge_distance(zoomed, CUBE) == pytest.approx(np.full(20, 2.0), abs=1e-9)


def test_a_wide_lens_is_held_before_the_object_by_the_near_plane():
    """At 170 degrees the sides allow a camera almost on the box; it stays `NEAR` before it."""
    cameras = at_the_center(170, 64, 64)
    cameras = framing.moved_back(cameras, framing_distance(cameras, POLE * 0.01))
    assert cameras.project(POLE * 0.01)[1].min() == pytest.approx(NEAR)


def test_framing_moves_only_the_cameras_that_cut():
    """The published shell cuts the corners of a full cube; framed, none of its cameras does, and those that did not are
    as they were.
    """
    shell = rigs.sphere_shell(Rng("x"), 50, 64)
    slender = framing_distance(shell, POLE) <= 0
    assert (framing_distance(shell, CUBE) > 0).any() and 0 < slender.sum() < 50
    assert edge_distance(framing.framed(shell), CUBE).min() > 1 - 1e-9
    assert np.array_equal(framing.framed(shell, POLE).c2w[slender], shell.c2w[slender])
    assert np.array_equal(framing.framed(shell).c2w[:, :3, :3], shell.c2w[:, :3, :3])


@pytest.mark.parametrize("points", [CUBE, POLE])
@pytest.mark.parametrize("ranges", [Orbit(), WILD])
def test_orbit_frames_every_object(points, ranges):
    cameras = rigs.orbit(Rng("x"), 300, 64, ranges, points)
    depth = cameras.project(points)[1]
    assert edge_distance(cameras, points).min() > 1 - 1e-9
    assert depth.min() > NEAR - 1e-9 and depth.max() < FAR + 1e-9, "before the near plane and within 16-bit depth"


def test_orbit_draws_what_it_was_told():
    ranges = Orbit(elevation=(10, 40), fov=(45, 60), look_at=0.2, roll=15, shift=0.1)
    cameras = rigs.orbit(Rng("x"), 400, 100, ranges, POLE)
    elevation = np.degrees(np.arcsin(-cameras.c2w[:, 2, 2]))
    fov = np.degrees(2 * np.arctan(50 / cameras.intrinsics[:, 0]))
    roll = np.degrees(
        np.arcsin(cameras.c2w[:, 2, 0] / np.cos(np.radians(elevation)))
    )  # how far camera-right is from level
    shift = cameras.intrinsics[:, 2:] / 100 - 0.5
    for drawn, low, high in ((elevation, 10, 40), (fov, 45, 60), (roll, -15, 15), (shift, -0.1, 0.1)):
        assert (
            low - 1e-9 <= drawn.min() < low + 0.1 * (high - low)
            and high - 0.1 * (high - low) < drawn.max() <= high + 1e-9
        )
    offset = np.linalg.norm(
        np.cross(cameras.centers, cameras.c2w[:, :3, 2]), axis=1
    )  # from the optical axis to the origin
    assert 0.2 < offset.max() < 0.2 * 3**0.5
    ratio = framing_distance(cameras, POLE)
    assert (ratio < 1e-9).all() and ratio.min() < -0.5, "some stand further back than they must"


def test_the_hull_frames_the_mesh_and_flat_objects_have_one_too():
    ball, sheet = (
        trimesh.creation.icosphere(radius=0.9),
        trimesh.Trimesh([[-0.9, 0, 0], [0.9, 0, 0], [0, 0.5, 0]], [[0, 1, 2]]),
    )
    for mesh in (ball, sheet):
        points = farm.hull(Asset(trimesh.Scene(mesh), "x"))
        assert {tuple(point) for point in points} <= {tuple(vertex) for vertex in mesh.vertices}
        cameras = farm.RenderSpec(rig="orbit", views=20, size=64).cameras(Rng("x"), lambda points=points: points)
        assert edge_distance(cameras, mesh.vertices).min() > 1 - 1e-9
    assert len(farm.hull(Asset(trimesh.Scene(trimesh.creation.box().subdivide()), "x"))) == 8


def test_orbit_cuts_when_asked():
    cameras = rigs.orbit(Rng("x"), 50, 64, Orbit(distance=(0.6, 0.7)), CUBE)
    assert (framing_distance(cameras, CUBE) > 0).all()


def test_orbit_draws_are_keyed_by_view_and_name():
    many, few = rigs.orbit(Rng("x"), 20, 64), rigs.orbit(Rng("x"), 5, 64)
    assert np.array_equal(many.c2w[:5], few.c2w) and np.array_equal(many.intrinsics[:5], few.intrinsics)
    level = rigs.orbit(Rng("x"), 5, 64, Orbit(roll=0))
    assert level.c2w[:, 2, 0] == pytest.approx(0, abs=1e-12), "without roll, camera-right is level"
    assert np.array_equal(level.c2w[:, :3, 2], few.c2w[:, :3, 2]) and np.array_equal(
        level.intrinsics, few.intrinsics
    ), "the other draws stay"


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"fov": (60, 50)}, "orbit fov: expected 5 <= low <= high <= 120, got 60 50"),
        ({"distance": (0, 1)}, "orbit distance"),
        ({"elevation": (-91, 0)}, "orbit elevation"),
        ({"shift": 0.3}, "orbit shift: expected 0 to 0.25"),
        ({"roll": -1}, "orbit roll"),
    ],
)
def test_wrong_orbits_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        Orbit(**wrong)


def test_a_principal_point_outside_cannot_be_framed():
    cameras = Cameras(np.eye(4)[None], np.array([[10.0, 10, 0.5, 8]]), 16, 16)
    with pytest.raises(ValueError, match="principal points more than 1 pixels inside"):
        framing_distance(cameras, [[0, 0, 5]])


# --------------------------------------------------------------------------------------------- geometry and conversions


def test_rays_and_projection_are_inverse():
    """A point along the ray of pixel (row i, column j) projects to (j + 0.5, i + 0.5)."""
    cameras = Cameras(rigs.turntable(3, 8).c2w, np.tile([11.0, 7.0, 3.0, 6.0], (3, 1)), 8, 6)
    rays_o, rays_d = cameras.rays()
    assert rays_o.shape == rays_d.shape == (3, 6, 8, 3)
    assert np.linalg.norm(rays_d, axis=-1) == pytest.approx(1)
    for view in range(3):
        pixels, depth = cameras.project((rays_o + 1.7 * rays_d)[view].reshape(-1, 3))
        expected = np.stack(np.meshgrid(np.arange(8) + 0.5, np.arange(6) + 0.5), axis=-1).reshape(-1, 2)
        assert np.abs(pixels[view] - expected).max() < 1e-9 and (depth[view] > 0).all()


def test_resized_cameras_see_the_same():
    cameras = rigs.gso64(512)
    point = np.array([[0.3, -0.2, 0.5]])
    assert cameras.resized(64, 64).project(point)[0] * 8 == pytest.approx(cameras.project(point)[0])


def test_straight_down_has_an_up_direction():
    c2w = look_at([[0, 0, 2.0]])
    assert np.isfinite(c2w).all() and np.linalg.det(c2w[0, :3, :3]) == pytest.approx(1)
    assert c2w[0, :3, 1] == pytest.approx([0, -1, 0]), "image-up is world +Y"


def test_opengl_cameras_flip_two_axes():
    ours, theirs = rigs.gso64(32).c2w[5], opengl_c2w(rigs.gso64(32))[5]
    assert theirs[:3, 1] == pytest.approx(-ours[:3, 1]) and theirs[:3, 2] == pytest.approx(-ours[:3, 2])
    assert theirs[:3, 3] == pytest.approx(ours[:3, 3]) and np.linalg.det(theirs[:3, :3]) == pytest.approx(1)


def test_opencv_json_round_trip():
    cameras = rigs.sphere_shell(Rng("x"), 4, 32)
    again, paths = files.from_opencv_json(files.to_opencv_json(cameras, ["a.png", "b.png", "c.png", "d.png"]))
    assert paths == ["a.png", "b.png", "c.png", "d.png"]
    assert again.c2w == pytest.approx(cameras.c2w, abs=1e-15) and np.array_equal(again.intrinsics, cameras.intrinsics)


@pytest.mark.parametrize(
    "break_it, message",
    [
        (lambda rows: rows.clear(), "list of views"),
        (lambda rows: rows[1].pop("fy"), "view 1: missing fy"),
        (lambda rows: rows[1].update(w=99), "one image size"),
        (lambda rows: [row.update(w2c=[[1, 0, 0]]) for row in rows], r"w2c: expected \[4, 4\]"),
        (lambda rows: rows[0]["w2c"][0].__setitem__(0, 5.0), "expected rotations"),
        (lambda rows: rows[0].update(fx=-1), "positive fx"),
    ],
)
def test_bad_camera_files_are_named(break_it, message):
    rows = files.to_opencv_json(rigs.turntable(2, 32), ["a", "b"])
    break_it(rows)
    with pytest.raises(ValueError, match=message):
        files.from_opencv_json(rows)


@pytest.mark.parametrize("cameras", [rigs.sphere_shell(Rng("x"), 4, 32), rigs.orbit(Rng("x"), 4, 32)])
def test_transforms_json_round_trip_is_exact(cameras):
    frames = [{"file_path": f"images/{view}.png"} for view in range(4)]
    again, paths = files.from_transforms_json(json.loads(json.dumps(files.to_transforms_json(cameras, frames))))
    assert paths == [frame["file_path"] for frame in frames] and (again.width, again.height) == (32, 32)
    assert np.array_equal(again.c2w, cameras.c2w) and np.array_equal(again.intrinsics, cameras.intrinsics)


def test_nerf_synthetic_cameras_need_the_size():
    """A Blender camera at (0, 0, 4) looking down, image-up +Y, 90 degrees wide: the point (1, 1, 0) is right of and
    above the centre.
    """
    matrix = np.diag([1.0, 1, 1, 1])
    matrix[2, 3] = 4
    data = {
        "camera_angle_x": np.pi / 2,
        "frames": [{"file_path": "./train/r_0", "rotation": 0.01, "transform_matrix": matrix.tolist()}],
    }
    cameras, paths = files.from_transforms_json(data, lambda path: (80, 60))
    pixels, depth = cameras.project([[1, 1, 0]])
    assert paths == ["./train/r_0.png"] and depth[0, 0] == pytest.approx(4)
    assert pixels[0, 0] == pytest.approx([40 + 10, 30 - 10])
    with pytest.raises(ValueError, match="frame 0: missing h, w"):
        files.from_transforms_json(data)


@pytest.mark.parametrize(
    "break_it, message",
    [
        (lambda data: data.pop("frames"), "a list named frames"),
        (lambda data: data["frames"].clear(), "a list named frames"),
        (lambda data: data.pop("fl_x"), r"frame 0: missing fl_x \(or camera_angle_x\)"),
        (lambda data: data["frames"][1].pop("transform_matrix"), "frame 1: missing transform_matrix"),
        (lambda data: data["frames"][1].update(w=99), "one image size"),
        (lambda data: data.update(k1=0.01), "frame 0: expected no lens distortion, got k1 = 0.01"),
        (
            lambda data: [frame.update(transform_matrix=[[1, 0, 0]]) for frame in data["frames"]],
            r"transform_matrix: expected \[4, 4\]",
        ),
        (lambda data: data["frames"][0]["transform_matrix"][0].__setitem__(0, 5.0), "expected rotations"),
        (lambda data: data.update(fl_x=-1), "positive fx"),
    ],
)
def test_bad_transforms_are_named(break_it, message):
    data = files.to_transforms_json(rigs.turntable(2, 32), [{"file_path": "a.png"}, {"file_path": "b.png"}])
    break_it(data)
    with pytest.raises(ValueError, match=message):
        files.from_transforms_json(data)


@pytest.mark.parametrize(
    "c2w, message",
    [
        (np.eye(4), r"expected \[V, 4, 4\], got \[4, 4\]"),
        (np.diag([2.0, 2, 2, 1])[None], "expected rotations"),
        (np.diag([-1.0, 1, 1, 1])[None], "expected rotations"),
        (np.full((1, 4, 4), np.nan), "expected rotations"),
    ],
)
def test_matrices_that_are_no_cameras(c2w, message):
    with pytest.raises(ValueError, match=message):
        Cameras(c2w, np.ones((1, 4)), 8, 8)
