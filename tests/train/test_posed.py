"""Pictures and camera files as users have them: whatever says the same is read as the same, and what says nothing
certain is refused by name.
"""

import json

import numpy as np
import pytest
from PIL import Image

from renderers.cameras import OPENGL_AXES, Cameras
from renderers.cameras.files import to_transforms_json
from renderers.cameras.rigs import turntable
from renderers.passes import on_white
from train.data import posed
from train.data.posed import PosedError

SIZE = 16
RIG = turntable(3, SIZE)


def picture(width=SIZE, height=SIZE) -> Image.Image:
    """A half-transparent rim about four colours, no two corners alike."""
    rgba = np.zeros((height, width, 4), np.uint8)
    rgba[3:-3, 3:-3] = (200, 40, 40, 128)
    rgba[4:8, 4:8], rgba[8:-4, 4:8], rgba[4:8, 8:-4], rgba[8:-4, 8:-4] = (
        (200, 40, 40, 255),
        (40, 200, 40, 255),
        (40, 40, 200, 255),
        (90, 90, 90, 255),
    )
    return Image.fromarray(rgba)


def whitened(image: Image.Image) -> Image.Image:
    pixels = np.asarray(image)
    return Image.fromarray(on_white(pixels[..., :3], pixels[..., 3:]))


@pytest.fixture
def written(tmp_path):
    """written(save, ending, cameras, edit) -> transforms.json and its pictures, each `save(path)`, as a Posed."""

    def write(save, ending="png", cameras: Cameras = RIG, edit=lambda data: data):
        paths = [f"{view}.{ending}" for view in range(len(cameras))]
        for path in paths:
            save(tmp_path / path)
        (tmp_path / "transforms.json").write_text(
            json.dumps(edit(to_transforms_json(cameras, [{"file_path": path} for path in paths])))
        )
        (subject,) = posed.find(tmp_path)
        return subject.open()

    return write


def difference(item, image: Image.Image) -> float:
    return np.abs(np.float32(item.read([1])[0]) - np.asarray(image)).max()


@pytest.mark.parametrize(
    "convert, ending, tolerance",
    [
        (lambda image: image, "png", 0),
        (whitened, "png", 0),
        (lambda image: image.quantize(64), "png", 12),  # a palette with alpha
        (lambda image: whitened(image).quantize(64), "png", 2),
        (lambda image: whitened(image).convert("CMYK"), "tiff", 0),  # four channels, none of them alpha
    ],
)
def test_pictures_of_every_kind_are_the_same_picture(written, convert, ending, tolerance):
    assert difference(written(lambda path: convert(picture()).save(path), ending), whitened(picture())) <= tolerance


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_grey_pictures_are_grey_colours(written, mode):
    item = written(lambda path: picture().convert(mode).save(path))
    pixels = item.read([0])[0]
    assert pixels.shape == (SIZE, SIZE, 3) and (pixels[..., 0] == pixels[..., 2]).all() and pixels.min() < 100
    assert ("alpha" in item.shape([0])) == (mode == "LA")


def test_16_bits_are_read_as_8(written):
    from zeroverse.core import png

    item = written(lambda path: path.write_bytes(png.encode(np.asarray(picture()).astype(np.uint16) * 257)))
    assert difference(item, whitened(picture())) == 0


def test_a_turned_picture_is_turned_where_its_size_says_so(written):
    """The pixels lie on their side, EXIF says so, and the camera is wide."""
    wide = Cameras(RIG.c2w, RIG.intrinsics + [0, 0, 4, 0], SIZE + 8, SIZE)
    exif = Image.Exif()
    exif[0x0112] = 6
    item = written(
        lambda path: whitened(picture(SIZE + 8)).transpose(Image.Transpose.ROTATE_90).save(path, exif=exif),
        cameras=wide,
    )
    assert difference(item, whitened(picture(SIZE + 8))) == 0
    with pytest.raises(PosedError, match="0.png: its EXIF data turn it"):
        written(lambda path: whitened(picture()).save(path, exif=exif)).read([0])


def test_numbers_with_a_depth_are_no_picture(written):
    with pytest.raises(PosedError, match="0.png: expected 8-bit colour or grey, got the mode 'I;16'"):
        written(lambda path: Image.fromarray(np.zeros((SIZE, SIZE), np.uint16)).save(path)).read([0])


def without(*keys):
    return lambda data: {key: value for key, value in data.items() if key not in keys}


@pytest.mark.parametrize(
    "edit",
    [
        without("fl_y", "cx", "cy"),
        without("w", "h"),  # NeRF-synthetic
        lambda data: (
            without("fl_x", "fl_y", "cx", "cy", "w", "h")(data)
            | {"camera_angle_x": float(2 * np.arctan(SIZE / 2 / data["fl_x"]))}
        ),
        lambda data: (
            without("fl_x", "w", "h")(data)
            | {"frames": [row | {key: data[key] for key in ("fl_x", "w", "h")} for row in data["frames"]]}
        ),
        lambda data: (
            data
            | {"frames": [row | {"file_path": "./" + row["file_path"].removesuffix(".png")} for row in data["frames"]]}
        ),
    ],
)
def test_camera_files_of_every_kind_are_the_same_cameras(written, edit):
    item = written(lambda path: picture().save(path), edit=edit)
    assert (
        np.allclose(item.cameras.c2w, RIG.c2w)
        and np.allclose(item.cameras.intrinsics, RIG.intrinsics)
        and item.axes == OPENGL_AXES
    )
    assert difference(item, whitened(picture())) == 0


@pytest.mark.parametrize(
    "edit, message",
    [
        (
            lambda data: data | {"camera_model": "OPENCV_FISHEYE"},
            "frame 0: expected pinhole cameras, got OPENCV_FISHEYE",
        ),
        (lambda data: data | {"is_fisheye": True}, "expected pinhole cameras"),
        (lambda data: data | {"frames": [1]}, "dicts with a file_path each"),
        (
            lambda data: data | {"frames": [row | {"file_path": 3} for row in data["frames"]]},
            "dicts with a file_path each",
        ),
        (lambda data: data | {"fl_x": [1]}, "transforms.json: "),
        (
            lambda data: (
                without("w", "h")(data) | {"frames": [row | {"file_path": "none.png"} for row in data["frames"]]}
            ),
            "no readable image, whose size.*none.png",
        ),
    ],
)
def test_what_is_no_pinhole_camera_is_named(written, edit, message):
    with pytest.raises(PosedError, match=message):
        written(lambda path: picture().save(path), edit=edit)
