"""Known cameras, spoiled in each way that users spoil them: the check names the way, and is silent about good ones."""

import json
import re
import warnings

import numpy as np
import pytest

from renderers.cameras import Cameras, rigid_inverse
from renderers.cameras.files import to_opencv_json
from renderers.cameras.rigs import gso64, sphere_shell, turntable
from train.data.posed import Posed, PosedError
from train.evaluation.benchmark import benchmark
from train.evaluation.camera_check import Diagnosis, check, diagnose
from train.evaluation.reconstruct import reconstruct
from train.models.lrm.task import train_lrm
from zeroverse.core import png
from zeroverse.core.rng import Rng

BALLS = (
    ((0.45, 0.3, -0.6), 0.3),
    ((-0.5, 0.0, 0.5), 0.35),
    ((0.1, -0.6, 0.0), 0.2),
    ((0.0, 0.0, 0.0), 0.3),
)  # no two sides alike, about 1.8 long


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
    """The world and the cameras' x reversed: still rotations, as a swap of two axes in somebody's converter leaves
    them.
    """
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


def test_of_too_few_views_nothing_is_said():
    rig = RIGS["gso"]
    assert diagnose(rig[:2], silhouettes(rig[:2])) == diagnose(rig, 0 * silhouettes(rig)) == Diagnosis((), 1.0, 1.0)


def test_check_names_the_object():
    rig = RIGS["gso"]
    spoiled = turned(rig, (1, -1, -1))
    (warning,) = check(
        Posed("cup", spoiled, lambda views: None, lambda views: {"alpha": silhouettes(rig[list(views)])})
    )
    assert warning.startswith("cup: the cameras do not fit the silhouettes (0% explained, ")


def test_without_alpha_what_is_not_white_is_the_object():
    """Dark balls on white, one with a white spot inside; then on grey, where nothing can be judged."""
    rig = RIGS["gso"]
    dark = 255 - 200 * silhouettes(rig).repeat(3, axis=-1)
    dark[:, 31:33, 31:33] = 255
    on = lambda background, cameras: Posed("cup", cameras, lambda views: np.minimum(dark[list(views)], background))
    assert check(on(255, rig)) == ()
    (warning,) = check(on(255, turned(rig, scale=3.0)))
    assert warning.startswith("cup, judged by what is not white, as its images have no alpha: the scale is off")
    assert check(on(128, rig)) == (
        "cup: the images have neither alpha nor white around the object, which the model expects: cut the object out",
    )
    opaque = Posed("cup", rig, on(128, rig).read, lambda views: {"alpha": np.ones((len(views), 64, 64, 1), np.float32)})
    assert check(opaque) == check(on(128, rig)), "alpha that cuts nothing out"


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda c2w: c2w, None),
        (
            lambda c2w: c2w * [1, -1, -1, 1],
            "OpenGL's .* where OpenCV's belong, or the reverse: negate the second and third",
        ),
        (lambda c2w: c2w * [-1, 1, -1, 1], "PyTorch3D's .* negate the first and third"),
        (
            rigid_inverse,
            "^the cameras do not fit the silhouettes .*: the matrices are w2c where c2w is expected, or the reverse: "
            "invert them$",
        ),
    ],
)
def test_mistakes_in_a_file_with_opengl_axes_are_named_alone(spoil, message):
    """What stands in a transforms.json is OpenGL's c2w: w2c in its place is one mistake, and no world upside down."""
    rig, opengl = RIGS["gso"], np.diag([1.0, -1, -1, 1])
    read = Cameras(spoil(rig.c2w @ opengl) @ opengl, rig.intrinsics, 64, 64)
    warnings = diagnose(read, silhouettes(rig), (1, -1, -1)).warnings
    assert len(warnings) == (message is not None) and all(re.search(message, warning) for warning in warnings)


def test_reconstruct_and_benchmark_warn(run_of_two_steps, spoiled_views, tmp_path):
    with pytest.warns(UserWarning, match="upside_down: the world's up is -Z"):
        reconstruct(run_of_two_steps, spoiled_views, tmp_path / "a")
    with pytest.warns(UserWarning, match="upside_down: the world's up is -Z"):
        benchmark(run_of_two_steps, tmp_path / "b", views=spoiled_views, protocol="random-8", targets=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        benchmark(
            run_of_two_steps, tmp_path / "c", views=spoiled_views.parent / "upright", protocol="random-8", targets=2
        )


def test_a_protocol_that_misses_its_views_says_why(run_of_two_steps, spoiled_views, tmp_path):
    """Upside down, no camera is at elevation 20, and nothing can be scored: it is the self-test that helps."""
    with (
        pytest.warns(UserWarning, match="upside_down: the world's up is -Z"),
        pytest.raises(PosedError, match="needs a view from elevation 20"),
    ):
        benchmark(run_of_two_steps, tmp_path / "a", views=spoiled_views, protocol="gso-4", targets=2)


def test_few_views_are_told(run_of_two_steps, spoiled_views, tmp_path):
    file = spoiled_views.parent / "upright" / "opencv_cameras.json"
    file.write_text(json.dumps(json.loads(file.read_text())[:3]))
    with pytest.warns(UserWarning, match="upright: the model has learned from 4 views at a time, and there are only 3"):
        reconstruct(run_of_two_steps, file.parent, tmp_path / "a")


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
