"""Camera files as other software and other people write them: by docs/cameras.md what is said most precisely counts,
what bends straight lines is refused, pictures are found under the names that are meant, masks cut out, and what we
export comes back bit for bit.
"""

import json

import numpy as np
import pytest
from PIL import Image

from renderers.cameras import Cameras, rigs
from renderers.cameras.files import from_opencv_json, from_transforms_json, to_opencv_json, to_transforms_json
from renderers.formats.export import export
from tests.helpers.small_shards import write_shards
from train.data import posed
from train.data.posed import PosedError
from zeroverse.core.rng import Rng

W, H = 24, 32  # portrait
RIG = Cameras(rigs.turntable(2, 16).c2w, np.array([[30.0, 31.0, 11.0, 17.0], [29.0, 28.0, 12.5, 15.0]]), W, H)


def picture(seed=0) -> Image.Image:
    return Image.fromarray((np.arange(H * W * 3).reshape(H, W, 3) * 7 + seed).astype(np.uint8))


def angle(focal: float, size: int) -> float:
    return float(2 * np.arctan(size / 2 / focal))


def data_of(names=("a.png", "b.png"), **top) -> dict:
    matrices = to_transforms_json(RIG, [{}, {}])["frames"]
    frames = [{"file_path": name, "transform_matrix": row["transform_matrix"]} for name, row in zip(names, matrices)]
    return {"w": W, "h": H, "frames": frames} | top


def opened(folder, data, *files):
    for number, file in enumerate(files):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        picture(number).save(folder / file)
    (folder / "transforms.json").write_text(json.dumps(data))
    (subject,) = posed.find(folder)
    return subject.open()


# --------------------------------------------------------------------------------------------------------------- focal


SAID = [  # from the most specific to the least: keys of a level, and the focal lengths that they mean
    ("frame", {"fl_x": 40.0, "fl_y": 41.0}, (40.0, 41.0)),
    ("frame", {"camera_angle_x": angle(42.0, W), "camera_angle_y": angle(43.0, H)}, (42.0, 43.0)),
    ("top", {"fl_x": 44.0, "fl_y": 45.0}, (44.0, 45.0)),
    ("top", {"camera_angle_x": angle(46.0, W), "camera_angle_y": angle(47.0, H)}, (46.0, 47.0)),
]
HALVES = [
    ("frame", {"fl_x": 40.0}, (40.0, 40.0)),
    ("frame", {"camera_angle_x": angle(42.0, W)}, (42.0, 42.0)),
    ("frame", {"camera_angle_y": angle(43.0, H)}, (43.0, 43.0)),
    ("top", {"fl_x": 44.0}, (44.0, 44.0)),
    ("top", {"camera_angle_y": angle(47.0, H)}, (47.0, 47.0)),
]


@pytest.mark.parametrize("place, keys, expected", SAID + HALVES)
@pytest.mark.parametrize("others", range(16))
def test_the_most_specific_focal_length_counts_for_both_axes(place, keys, expected, others):
    """Beside it, any of the sources that are less specific."""
    rank = next(i for i, row in enumerate(SAID) if row[0] == place and row[1].keys() & keys.keys())
    data = data_of()
    for level, more, _ in [row for i, row in enumerate(SAID) if others >> i & 1 and i > rank] + [(place, keys, None)]:
        for target in [data] if level == "top" else data["frames"]:
            target.update(more)
    cameras, _ = from_transforms_json(data)
    assert cameras.intrinsics[:, :2] == pytest.approx(np.array([expected] * 2))
    assert cameras.intrinsics[:, 2:] == pytest.approx(np.array([[W / 2, H / 2]] * 2))


def test_half_of_a_focal_length_is_refused():
    data = data_of(fl_x=30.0)
    data["frames"][1]["fl_y"] = 31.0
    with pytest.raises(ValueError, match="frame 1: fl_y: expected fl_x beside it"):
        from_transforms_json(data)


# ---------------------------------------------------------------------------------------------------------- distortion


BENT = [
    *({name: 0.01} for name in ("k1", "k2", "k3", "k4", "k5", "k6", "p1", "p2", "s1", "s2", "s3", "s4", "tau_x", "K1")),
    *({name: [0, 0, 0.2, 0]} for name in ("distortion_params", "distortion", "dist_coeffs", "distortion_coefficients")),
    {"distortion": {"k1": 0.0, "p1": -0.1}},
    {"distortion_params": [[0.1], [0.0]]},
    {"camera_model": "OPENCV_FISHEYE"},
    {"camera_model": "EQUIRECTANGULAR"},
    {"camera_model": "THIN_PRISM_FISHEYE"},
    {"is_fisheye": True},
    {"omega": 0.9},
    {"k1": float("nan")},
]
STRAIGHT = [
    {"k1": 0, "k2": 0.0, "p1": None},
    {"distortion_params": [0, 0, 0, 0, 0, 0]},
    {"distortion": {}},
    {"camera_model": "OPENCV", "k1": 0.0},
    {"camera_model": "pinhole", "is_fisheye": False},
]


@pytest.mark.parametrize("level", ["frame", "top"])
@pytest.mark.parametrize("kind", ["transforms", "opencv"])
@pytest.mark.parametrize("keys", BENT + STRAIGHT, ids=str)
def test_lenses_that_bend_lines_are_refused_and_others_not(keys, kind, level):
    frames = [{"file_path": "a.png"}, {"file_path": "b.png"}]
    opencv = {"frames": to_opencv_json(RIG, ["a.png", "b.png"])}
    data, read = {"transforms": (to_transforms_json(RIG, frames), from_transforms_json)}.get(
        kind, (opencv, from_opencv_json)
    )
    data.pop("camera_model", None)
    (data if level == "top" else data["frames"][1]).update(keys)
    if keys in STRAIGHT:
        assert np.array_equal(read(data)[0].intrinsics, RIG.intrinsics)
        return
    with pytest.raises(
        ValueError, match=f"(frame|view) {0 if level == 'top' else 1}: expected .*; undistort the images"
    ):
        read(data)


# ------------------------------------------------------------------------------------------------------ names of files


@pytest.mark.parametrize(
    "name, file",
    [
        ("images\\a.png", "images/a.png"),
        (".\\images\\a", "images/a.jpg"),
        ("./images/a", "images/a.JPG"),
        ("images/cam0.3", "images/cam0.3.png"),
        ("images/v1.0\\cam0.3", "images/v1.0/cam0.3.webp"),
        ("C:\\work\\chair\\images\\a.png", "images/a.png"),
        ("/home/someone/chair/images/a.png", "images/a.png"),
        ("images/with space.png", "images/with space.png"),
    ],
)
def test_pictures_are_found_under_the_name_that_is_meant(tmp_path, name, file):
    item = opened(tmp_path, data_of((name, "other.png"), fl_x=30.0), file, "other.png")
    tolerance = 0 if file.endswith(("png", "PNG")) else 255
    assert np.abs(item.read([0])[0].astype(int) - np.asarray(picture(0))).max() <= tolerance
    assert np.array_equal(item.read([1])[0], np.asarray(picture(1)))


def test_a_picture_that_is_not_there_is_named(tmp_path):
    with pytest.raises(PosedError, match="1 of 2 images are missing, the first is images/a.png"):
        opened(tmp_path, data_of(("images\\a", "b.png"), fl_x=30.0), "b.png")


def test_the_size_comes_from_the_picture_that_is_meant(tmp_path):
    data = {key: value for key, value in data_of(("a", "b"), camera_angle_x=1.0).items() if key not in "wh"}
    cameras = opened(tmp_path, data, "a.jpg", "b.jpg").cameras
    assert (cameras.width, cameras.height) == (W, H)
    assert cameras.intrinsics[0] == pytest.approx([W / 2 / np.tan(0.5)] * 2 + [W / 2, H / 2])


# ---------------------------------------------------------------------------------------------------------------- masks


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "P", "LA"])
def test_a_mask_is_the_alpha_of_a_picture_without(tmp_path, mode):
    inside = np.zeros((H, W), bool)
    inside[8:20, 5:15] = True
    (tmp_path / "masks").mkdir()
    for name in ("a", "b"):
        Image.fromarray(np.uint8(inside) * 255).convert(mode).save(tmp_path / "masks" / f"{name}.png")
    data = data_of(fl_x=30.0)
    for frame in data["frames"]:
        frame["mask_path"] = f"masks\\{frame['file_path']}"
    item = opened(tmp_path, data, "a.png", "b.png")
    assert np.array_equal(item.shape([0, 1])["alpha"][1, ..., 0], np.float32(inside))
    white = np.where(inside[..., None], np.asarray(picture(0)), 255)
    assert np.array_equal(item.read([0])[0], white)


def test_a_mask_that_is_not_there_is_named(tmp_path):
    data = data_of(fl_x=30.0)
    data["frames"][1]["mask_path"] = "masks/b.png"
    with pytest.raises(PosedError, match="masks are missing, the first is masks/b.png"):
        opened(tmp_path, data, "a.png", "b.png")


# ------------------------------------------------------------------------------------------------------ there and back


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("shared", [True, False])
def test_camera_files_come_back_bit_for_bit(seed, shared):
    rng = Rng("there and back", seed)
    cameras = rigs.sphere_shell(rng, 5, 48) if shared else rigs.orbit(rng, 5, 48)
    names = [f"{view}.png" for view in range(5)]
    frames = [{"file_path": name} for name in names]
    for again, paths in (
        from_transforms_json(json.loads(json.dumps(to_transforms_json(cameras, frames)))),
        from_opencv_json(json.loads(json.dumps(to_opencv_json(cameras, names)))),
    ):
        assert paths == names and (again.width, again.height) == (48, 48)
        assert again.c2w.tobytes() == cameras.c2w.tobytes()
        assert again.intrinsics.tobytes() == cameras.intrinsics.tobytes()


def test_a_w2c_that_was_edited_counts_more_than_the_c2w_beside_it():
    rows = to_opencv_json(RIG, ["a.png", "b.png"])
    rows[0]["w2c"] = rows[1]["w2c"]
    cameras, _ = from_opencv_json(rows)
    assert np.allclose(cameras.c2w[0], RIG.c2w[1])


class OneObject:
    """A reader of one object with a few views."""

    keys = ("thing",)

    def cameras(self, index):
        return rigs.sphere_shell(Rng("there and back"), 6, 16)

    def read(self, index, names, views):
        pixels = np.full((len(views), 16, 16, 4), 200, np.uint8)
        return {"rgb": pixels[..., :3], "alpha": pixels[..., 3:]}


@pytest.mark.parametrize("layout", ["transforms", "blender", "opencv", "facelift"])
def test_every_layout_that_is_read_comes_back_bit_for_bit(tmp_path, layout):
    shards = write_shards(tmp_path / "shards", OneObject())
    export(shards, tmp_path / "out", layout)
    (subject, *_) = posed.find(tmp_path / "out")
    (stored, *_) = posed.find(shards)
    item, whole = subject.open(), stored.open()
    order = range(len(whole.cameras))
    if layout == "blender":
        (file,) = (tmp_path / "out").glob(f"{subject.name}/transforms_train.json")
        order = [frame["view"] for frame in json.loads(file.read_text())["frames"]]
    assert item.cameras.c2w.tobytes() == whole.cameras.c2w[list(order)].tobytes()
    assert item.cameras.intrinsics.tobytes() == whole.cameras.intrinsics[list(order)].tobytes()
