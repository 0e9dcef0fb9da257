"""Known cameras, spoiled in each way that users spoil them: the check names the way, and is silent about good ones."""
import json
import re
import warnings

import numpy as np
import pytest

from renderers.camera import Cameras, gso64, rigid_inverse, sphere_shell, to_opencv_json, turntable
from train.benchmark import benchmark
from train.camera_check import Diagnosis, check, diagnose
from train.lrm import train_lrm
from train.posed import Posed
from train.reconstruct import reconstruct
from zeroverse import png
from zeroverse.rng import Rng

BALLS = (((0.45, 0.3, -0.6), 0.3), ((-0.5, 0.0, 0.5), 0.35), ((0.1, -0.6, 0.0), 0.2), ((0.0, 0.0, 0.0), 0.3))  # no two sides alike, about 1.8 long


def silhouettes(cameras: Cameras) -> np.ndarray:  # [V, H, W, 1]
    rays_o, rays_d = cameras.rays()
    hit = np.zeros(rays_d.shape[:3], bool)
    for center, radius in BALLS:
        offset = np.array(center) - rays_o
        along = (offset * rays_d).sum(-1)
        hit |= (offset**2).sum(-1) - along**2 < radius**2
    return hit[..., None].astype(np.float32)


def turned(cameras: Cameras, columns=(1, 1, 1), rotation=None, shift=0.0, scale=1.0) -> Cameras:
    c2w = cameras.c2w.copy()
    c2w[:, :3, :3] = c2w[:, :3, :3] * np.array(columns, float)
    c2w[:, :3, 3] = c2w[:, :3, 3] * scale + shift
    if rotation is not None:
        c2w[:, :3] = np.einsum("ij,vjk->vik", np.array(rotation, float), c2w[:, :3])
    return Cameras(c2w, cameras.intrinsics, cameras.width, cameras.height)


def inverted(cameras: Cameras) -> Cameras:
    return Cameras(rigid_inverse(cameras.c2w), cameras.intrinsics, cameras.width, cameras.height)


def mirrored(cameras: Cameras) -> Cameras:
    """The world and the cameras' x reversed: still rotations, as a swap of two axes in somebody's converter leaves them."""
    flip = np.diag([-1.0, 1, 1])
    c2w = cameras.c2w.copy()
    c2w[:, :3, :3] = np.einsum("ij,vjk,kl->vil", flip, c2w[:, :3, :3], flip)
    c2w[:, :3, 3] = np.einsum("ij,vj->vi", flip, c2w[:, :3, 3])
    return Cameras(c2w, cameras.intrinsics, cameras.width, cameras.height)


SPOILED = {
    "OpenGL": lambda cameras: turned(cameras, (1, -1, -1)),
    "PyTorch3D": lambda cameras: turned(cameras, (-1, -1, 1)),
    "w2c where c2w is expected": inverted,
    "handedness is wrong: the images": mirrored,
    "inverted .* OpenGL": lambda cameras: inverted(turned(cameras, (1, -1, -1))),
    r"world's up is \+Y": lambda cameras: turned(cameras, rotation=[[1, 0, 0], [0, 0, 1], [0, -1, 0]]),
    r"world's up is -Z": lambda cameras: turned(cameras, rotation=[[1, 0, 0], [0, -1, 0], [0, 0, -1]]),
    "scale is off: .* multiply camera positions by 0.3": lambda cameras: turned(cameras, scale=3.0),
    "scale is off: .* multiply camera positions by 2": lambda cameras: turned(cameras, scale=0.4),
    "the object stands about 2, .* where the origin": lambda cameras: turned(cameras, shift=np.array([2.0, 0, 0])),
    "no known mistake explains it": lambda cameras: cameras[np.roll(np.arange(len(cameras)), 3)],
}
RIGS = {"gso": gso64(64)[::5], "shell": sphere_shell(Rng("shell"), 10, 64, (2.4, 3.0))}


@pytest.mark.parametrize("rig", RIGS)
def test_good_cameras_get_no_warning(rig):
    diagnosis = diagnose(RIGS[rig], silhouettes(RIGS[rig]))
    assert diagnosis.warnings == () and diagnosis.filled > 0.98


@pytest.mark.parametrize("message", SPOILED)
@pytest.mark.parametrize("rig", RIGS)
def test_each_mistake_is_named_alone(rig, message):
    (warning,) = diagnose(SPOILED[message](RIGS[rig]), silhouettes(RIGS[rig])).warnings
    assert re.search(message, warning)


def test_an_object_that_leaves_the_pictures_is_no_mistake():
    near = turntable(8, 64, radius=1.6)
    assert silhouettes(near)[:, 0].any(), "cut by the edge"
    assert diagnose(near, silhouettes(near)).warnings == ()


def test_without_alpha_or_with_too_few_views_nothing_is_said():
    rig = RIGS["gso"]
    assert check(Posed("x", rig, lambda views: None)) == ()
    assert diagnose(rig[:2], silhouettes(rig[:2])) == diagnose(rig, 0 * silhouettes(rig)) == Diagnosis((), 1.0, 1.0)


def test_check_names_the_object():
    rig = RIGS["gso"]
    spoiled = turned(rig, (1, -1, -1))
    (warning,) = check(Posed("cup", spoiled, lambda views: None, lambda views: {"alpha": silhouettes(rig[list(views)])}))
    assert warning.startswith("cup: the cameras do not fit the silhouettes (0% explained, ")


def test_reconstruct_and_benchmark_warn(run_of_two_steps, spoiled_views, tmp_path):
    with pytest.warns(UserWarning, match="upside_down: the world's up is -Z"):
        reconstruct(run_of_two_steps, spoiled_views, tmp_path / "a")
    with pytest.warns(UserWarning, match="upside_down: the world's up is -Z"):
        benchmark(run_of_two_steps, tmp_path / "b", views=spoiled_views, protocol="random-8", targets=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        benchmark(run_of_two_steps, tmp_path / "c", views=spoiled_views.parent / "upright", protocol="random-8", targets=2)


@pytest.fixture(scope="module")
def run_of_two_steps(dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "run"
    train_lrm(dataset, folder, "tiny", steps=2)
    return folder


@pytest.fixture
def spoiled_views(tmp_path):
    """Two folders of the same pictures: `upright` with their cameras, `upside_down` with the world turned over."""
    rig = turntable(10, 64)
    pictures = (silhouettes(rig) * 255).astype(np.uint8).repeat(4, axis=-1)
    paths = [f"{view}.png" for view in range(len(rig))]
    for name, cameras in (("upright", rig), ("upside_down", SPOILED[r"world's up is -Z"](rig))):
        (tmp_path / name).mkdir()
        for path, picture in zip(paths, pictures):
            (tmp_path / name / path).write_bytes(png.encode(picture))
        (tmp_path / name / "opencv_cameras.json").write_text(json.dumps(to_opencv_json(cameras, paths)))
    return tmp_path / "upside_down"
