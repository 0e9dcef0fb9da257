"""Contact sheets, the gallery in a real browser, and the viewer."""

import base64
import io
import json
import re
import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import verse
from renderers.cameras import FOV_X_DEG
from renderers.cameras.rigs import turntable
from renderers.gallery import catalogue, preview
from renderers.gallery import page as gallery
from renderers.gallery.preview import picture
from renderers.passes import on_white
from renderers.shards import SampleMeta, ShardReader
from zeroverse.core.rng import Rng


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
        strip = pixels[top : top + 128, left : left + tiles * 128].reshape(128, tiles, 128, 3)
        assert (strip.std(axis=(0, 2)).max(axis=-1) > 5).all(), "no tile is empty"


@pytest.mark.parametrize("shape", [(1.0, 1.0, 1.0), (0.1, 1.8, 0.1), (0.1, 0.1, 1.8)])
def test_the_catalogue_steps_back_until_the_object_just_fits(shape):
    points = (Rng("points").unit((500, 3)) - 0.5) * shape
    distance = catalogue._distance(points)
    reach = np.abs(points[:, :2]).max(axis=1) / (points[:, 2] + distance)
    assert (points[:, 2] + distance > 0).all() and np.isclose(
        reach.max(), catalogue.FILLED * np.tan(np.radians(FOV_X_DEG / 2))
    )


def test_gallery_is_one_file_with_everything(pictures, dataset):
    page = (pictures / "index.html").read_text()
    reader = ShardReader(dataset)
    assert page.count("<article") == 5 and all(key in page for key in reader.keys)
    assert not re.search(r"(src|href)=[\"'](?!data:)|url\((?!data:)|@import|https?:", page), (
        "nothing is loaded from elsewhere"
    )
    sprites = [
        Image.open(io.BytesIO(base64.b64decode(found)))
        for found in re.findall(r"data:image/avif;base64,([A-Za-z0-9+/=]+)", page)
    ]
    assert [sheet.size for sheet in sprites] == [(4 * 64, 3 * 64)] * 5, (
        "eight views and four passes of 64 pixels, four in a row"
    )
    assert reader.meta(0).caption in page
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
    assert [row["uid"] for row in data] == list(reader.keys) and data[0]["pictures"] == [
        *(f"view {i}" for i in range(8)),
        "depth",
        "normal",
        "albedo",
        "part",
    ]
    assert json.loads(data[0]["recipe"]) == json.loads(reader.meta(0).recipe)


def meta_of(recipe: str, *parts: str) -> SampleMeta:
    return SampleMeta(uid="x", cameras=turntable(1, 8), passes=(), files={}, recipe=recipe, parts=parts)


def test_facets_say_what_is_in_the_recipe():
    recipe = {
        "edit": {"kind": "cut", "shape": {"kind": "cone"}},
        "parts": [
            {
                "shape": {"kind": "torus"},
                "surfaces": [
                    {"height": None, "texture": {"family": "wood"}},
                    {"height": {"seed": 1}, "texture": {"family": "rust"}},
                ],
            }
        ],
    }
    found = gallery.facets(meta_of(json.dumps(recipe), "torus_0", "cut"))
    assert found == {
        "parts": ["2"],
        "shapes": ["cone", "torus"],
        "edits": ["cut", "height field"],
        "textures": ["rust", "wood"],
    }
    assert gallery.facets(meta_of(json.dumps({"family": "chair"}))) == {
        "parts": ["0"],
        "edits": ["none"],
        "families": ["chair"],
    }
    assert gallery.facets(meta_of("{}", "a")) == {"parts": ["1"]}


def test_captions_cannot_break_the_page(dataset, tmp_path, monkeypatch):
    reader = ShardReader(dataset)
    evil = "</script><b title='\"'>&amp;"
    meta = reader.meta
    monkeypatch.setattr(reader, "meta", lambda index: replace(meta(index), caption=evil, parts=(evil,)))
    page = gallery.page(reader, [0], lambda index: preview.every_picture(reader, index))
    assert "<b title" not in page.replace("<\\/script><b title", "") and page.count("</script>") == 2


def test_pictures_are_as_large_as_the_page_allows():
    noise = [
        [(f"view {i}", np.random.default_rng(i).integers(0, 256, (256, 256, 3), dtype=np.uint8)) for i in range(4)]
    ]
    assert gallery.choose_tile(noise, 1e9) == (256, 65), "never larger than they are"
    tile, quality = gallery.choose_tile(noise, 60_000)
    assert 64 < tile < 256 and quality == 35
    assert 30_000 < len(gallery.sprite([image for _, image in noise[0]], tile, quality)) * 4 / 3 < 60_000
    assert gallery.choose_tile(noise, 10) == (64, 35), "or as small as can be"


def test_the_page_stays_within_its_size(dataset, monkeypatch):
    """Five small objects may take 60 kB: the tiles shrink until they do."""
    reader = ShardReader(dataset)
    draw = lambda: gallery.page(
        reader,
        [0, 1, 2, 3, 4],
        lambda index: [
            (name, np.kron(image, np.ones((8, 8, 1), np.uint8))) for name, image in preview.every_picture(reader, index)
        ],
    )
    whole = len(draw())
    monkeypatch.setattr(gallery, "PAGE_BYTES", whole // 2)
    assert len(draw()) < whole // 2 + 20_000  # the style and script are not counted


def test_sheets_of_single_passes(dataset, tmp_path, capsys):
    assert verse.main(f"preview {dataset} --out {tmp_path} --limit 3 --sheet rgb normal".split()) == 0
    with Image.open(tmp_path / "contact_sheet_normal.png") as sheet:
        assert sheet.size == (8 * 128 + 16, 3 * 136 + 8), "three objects, eight views each"
        shown = np.asarray(sheet)
    tiles = shown[8 : 8 + 3 * 136].reshape(3, 136, -1, 3)[:, :128, 8 : 8 + 6 * 128].reshape(3, 128, 6, 128, 3)
    assert (tiles.std(axis=(1, 3)).max(axis=-1) > 5).all(), "no tile is empty"
    assert verse.main(f"preview {dataset} --out {tmp_path} --sheet metallic_roughness".split()) == 1
    assert "no pass metallic_roughness; these shards have rgb, alpha" in capsys.readouterr().err


def test_many_objects_become_a_grid(dataset, monkeypatch):
    monkeypatch.setattr(preview, "STRIP_UP_TO", 2)
    sheet = preview.contact_sheet(ShardReader(dataset), [0, 1, 2, 3, 4])
    assert sheet.size == (3 * 130 + 2, 2 * 130 + 2)


def test_straight_alpha_over_white():
    assert on_white(np.full((1, 1, 3), 100, np.uint8), np.full((1, 1, 1), 128, np.uint8))[0, 0, 0] == 177
    assert on_white(np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1, 1), np.uint8))[0, 0, 0] == 255


def test_depth_pictures_are_bright_when_near():
    shown = picture("depth", np.array([[[1.0], [2.0], [0.0]]], np.float32))[0, :, 0]
    assert shown[0] > shown[1] and shown[2] == 255


# -------------------------------------------------------------------------------------------------------------- browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """open(page, width, dark=False) -> a headless Chromium that shows a file and notes what it asks the network for."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium: pip install selenium")
    missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    if missing:
        pytest.skip("needs Debian's packages chromium and chromium-driver: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))

    def show(page, width: int, dark: bool = False):
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500},
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        for log in ("browser", "performance"):  # what came before, a new tab's own page among it
            driver.get_log(log)
        driver.get(page.as_uri())
        return driver

    yield show
    driver.quit()


def visible(driver) -> list[str]:
    return [
        item.find_element("tag name", "h2").text
        for item in driver.find_elements("tag name", "article")
        if item.is_displayed()
    ]


@pytest.mark.slow
def test_filter_and_facets_hide_the_right_objects(browser, pictures, dataset):
    reader = ShardReader(dataset)
    metas = [reader.meta(index) for index in range(5)]
    driver = browser(pictures / "index.html", 1200)
    assert len(visible(driver)) == 5
    box = driver.find_element("css selector", "input[type=search]")
    for text in ("torus", "sphere cut", reader.keys[3], "no such thing"):
        box.clear()
        box.send_keys(text)
        words = text.split()
        found = [f"{meta.uid} {meta.caption} {' '.join(meta.parts)} {gallery.facets(meta)}".lower() for meta in metas]
        expected = [meta.uid[-8:] for meta, words_of in zip(metas, found) if all(word in words_of for word in words)]
        assert [name[-8:] for name in visible(driver)] == expected, text
        assert driver.find_element("id", "count").text == f"{len(expected)} of 5 objects"
    driver.find_element("id", "clear").click()
    assert len(visible(driver)) == 5 and box.get_attribute("value") == ""
    chosen = [
        button
        for button in driver.find_elements("css selector", "aside button")
        if button.get_attribute("data-tag").startswith("|parts=")
    ][:2]
    for button in chosen:
        button.click()
    values = {button.get_attribute("data-tag").strip("|").split("=")[1] for button in chosen}
    assert [name[-8:] for name in visible(driver)] == [
        meta.uid[-8:] for meta in metas if str(len(meta.parts)) in values
    ], "either of one facet"


@pytest.mark.slow
def test_lightbox_walks_by_keys(browser, pictures, dataset):
    driver = browser(pictures / "index.html", 1200)
    reader = ShardReader(dataset)
    press = lambda key: driver.switch_to.active_element.send_keys(key)
    up, down, left, right, enter, escape = "\ue013", "\ue015", "\ue012", "\ue014", "\ue007", "\ue00c"
    driver.find_elements("tag name", "article")[1].send_keys(enter)
    dialog = driver.find_element("tag name", "dialog")
    where = lambda: (
        dialog.find_element("tag name", "h2").text,
        dialog.find_element("class name", "which").text.split(" ·")[0],
    )
    assert dialog.is_displayed() and where() == (reader.keys[1], "view 0")
    press(right)
    assert where() == (reader.keys[1], "view 1")
    press(down)
    assert where() == (reader.keys[2], "view 1")
    press(left)
    press(left)
    assert where() == (reader.keys[2], "part"), "round to the last picture"
    press(up)
    press(up)
    press(up)
    assert where() == (reader.keys[4], "part")
    assert len(dialog.find_elements("css selector", ".strip .tile")) == 10
    large = dialog.find_element("css selector", ".large")
    assert large.value_of_css_property("background-position") == "33.3333% 100%", (
        "picture 9 of 10: second column, last of three rows"
    )
    large = large.rect
    assert large["width"] > 400 and abs(large["width"] - large["height"]) < 2
    press(escape)
    assert not dialog.is_displayed()
    press("/")
    assert driver.switch_to.active_element.get_attribute("type") == "search"


@pytest.mark.slow
@pytest.mark.parametrize("width, dark", [(1400, False), (390, True)])
def test_page_is_quiet_and_fits(browser, pictures, width, dark):
    """No console message, no request but the file and its own data, nothing wider than the screen."""
    driver = browser(pictures / "index.html", width, dark)
    driver.execute_script("document.querySelector('article').click()")
    assert driver.execute_script("return document.documentElement.scrollWidth") <= width
    assert driver.get_log("browser") == []
    events = [json.loads(row["message"])["message"] for row in driver.get_log("performance")]
    asked = {
        event["params"]["request"]["url"][:5] for event in events if event["method"] == "Network.requestWillBeSent"
    }
    assert asked <= {"file:", "data:"}


# --------------------------------------------------------------------------------------------------------------- viewer


def test_viewer_names_its_extra(dataset, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "viser", None)
    assert verse.main(f"view {dataset}".split()) == 1
    assert "pip install viser" in capsys.readouterr().err


def test_viewer_writes_one_page(dataset, tmp_path, capsys):
    pytest.importorskip("viser", reason="needs the viser extra")
    assert verse.main(f"view {dataset} --html {tmp_path / 'one' / 'object.html'} --sample 2".split()) == 0
    assert (tmp_path / "one" / "object.html").read_text()[:15].lower() == "<!doctype html>"
    assert verse.main(f"view {dataset} --html {tmp_path / 'x.html'} --sample 5".split()) == 1
    assert "--sample: expected 0 to 4, got 5" in capsys.readouterr().err
