"""Contact sheets and the gallery."""
import re

import numpy as np
import pytest
from PIL import Image

import verse
from renderers.preview import on_white, picture
from renderers.shards import ShardReader


@pytest.fixture(scope="module")
def pictures(dataset, tmp_path_factory):
    out = tmp_path_factory.mktemp("preview")
    assert verse.main(f"preview {dataset} --out {out}".split()) == 0
    return out


def test_contact_sheet_shows_every_object(pictures):
    with Image.open(pictures / "contact_sheet.png") as sheet:
        pixels = np.asarray(sheet)
    rows, columns = 3, 2  # five strips, two side by side
    tiles = 3 + 4  # views; depth, normal, albedo, part
    assert pixels.shape == (rows * (128 + 8) + 8, columns * (tiles * 128 + 8) + 8, 3)
    for number in range(5):
        left, top = 8 + number % 2 * (tiles * 128 + 8), 8 + number // 2 * 136
        strip = pixels[top:top + 128, left:left + tiles * 128].reshape(128, tiles, 128, 3)
        assert (strip.std(axis=(0, 2)).max(axis=-1) > 5).all(), "no tile is empty"


def test_gallery_is_one_file_with_everything(pictures, dataset):
    page = (pictures / "index.html").read_text()
    reader = ShardReader(dataset)
    assert page.count("<article") == 5 and all(key in page for key in reader.keys)
    assert not re.search(r"(src|href)=[\"'](?!data:)", page), "nothing is loaded from elsewhere"
    assert page.count("data:image/jpeg;base64,") == 5 * 7
    assert reader.meta(0)["caption"].split()[0] in page


def test_many_objects_become_a_grid(dataset, monkeypatch):
    from renderers import preview
    monkeypatch.setattr(preview, "STRIP_UP_TO", 2)
    sheet = preview.contact_sheet(ShardReader(dataset), [0, 1, 2, 3, 4])
    assert sheet.size == (3 * 130 + 2, 2 * 130 + 2)


def test_straight_alpha_over_white():
    assert on_white(np.full((1, 1, 3), 100, np.uint8), np.full((1, 1, 1), 128, np.uint8))[0, 0, 0] == 177
    assert on_white(np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1, 1), np.uint8))[0, 0, 0] == 255


def test_depth_pictures_are_bright_when_near():
    shown = picture("depth", np.array([[[1.0], [2.0], [0.0]]], np.float32))[0, :, 0]
    assert shown[0] > shown[1] and shown[2] == 255
