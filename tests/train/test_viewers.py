"""Gaussians as .splat, .glb and page: read back by the formats' own rules, and shown by a browser where there is
one.
"""

import base64
import json
import re
import shutil
import struct
import subprocess
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from renderers.cameras.rigs import turntable
from train.geometry.cameras import camera_tensors
from train.models.lrm.network import render_gaussians
from train.splatting import SH_C0, Gaussians
from train.splatting.viewers import SPLAT, glb_bytes, page, splat_bytes
from zeroverse.core import png


@pytest.fixture
def gaussians() -> Gaussians:
    torch.manual_seed(0)
    count = 50
    return Gaussians(
        torch.randn(count, 3),
        torch.randn(count, 4),
        torch.rand(count, 3) * 0.1 + 0.01,
        torch.rand(count),
        torch.randn(count, 4, 3) * 0.3,
    )


def rotations(quats: np.ndarray) -> np.ndarray:  # wxyz
    return Rotation.from_quat(quats[:, [1, 2, 3, 0]]).as_matrix()


def test_splat_rows(gaussians):
    rows = np.frombuffer(splat_bytes(gaussians), SPLAT)
    assert SPLAT.itemsize == 32 and len(rows) == 50
    size = gaussians.scales.prod(-1) * gaussians.opacities
    order = size.argsort(descending=True).numpy()
    assert np.array_equal(rows["position"], gaussians.means.numpy()[order]) and np.array_equal(
        rows["scale"], gaussians.scales.numpy()[order]
    )
    shown = (
        torch.cat([0.5 + SH_C0 * gaussians.sh[:, 0], gaussians.opacities[:, None]], dim=1).clamp(0, 1).numpy()[order]
    )
    assert np.abs(rows["rgba"] / 255 - shown).max() <= 0.5 / 255 + 1e-6
    turned = rotations((rows["quat"].astype(float) - 128) / 128)
    assert np.abs(turned - rotations(gaussians.quats.numpy()[order])).max() < 0.04, "eight bits an entry"


def test_faint_ones_are_left_out_and_a_batch_is_refused(gaussians):
    expected = int((gaussians.opacities >= 0.5).sum())
    assert len(splat_bytes(gaussians, 0.5)) == 32 * expected > 0
    with pytest.raises(ValueError, match="choose one of the batch"):
        splat_bytes(gaussians.map(lambda x: x[None]))
    with pytest.raises(ValueError, match="expected at least one of opacity 2"):
        glb_bytes(gaussians, 2.0)


def read_glb(data: bytes) -> tuple[dict, dict[str, np.ndarray]]:
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    size, kind = struct.unpack_from("<I4s", data, 12)
    document, start = json.loads(data[20 : 20 + size]), 28 + size
    assert kind == b"JSON" and struct.unpack_from("<I4s", data, 20 + size)[1] == b"BIN\0" and size % 4 == 0
    (primitive,) = document["meshes"][0]["primitives"]
    arrays = {}
    for name, index in primitive["attributes"].items():
        accessor = document["accessors"][index]
        view, width = (
            document["bufferViews"][accessor["bufferView"]],
            {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[accessor["type"]],
        )
        assert accessor["componentType"] == 5126 and view["byteLength"] == 4 * width * accessor["count"]
        arrays[name] = np.frombuffer(data, "<f4", width * accessor["count"], start + view["byteOffset"]).reshape(
            -1, width
        )
    return document, arrays


def test_glb_holds_every_field(gaussians):
    document, arrays = read_glb(glb_bytes(gaussians))
    (primitive,) = document["meshes"][0]["primitives"]
    assert document["extensionsUsed"] == ["KHR_gaussian_splatting"] and primitive["mode"] == 0
    assert (
        primitive["extensions"]["KHR_gaussian_splatting"] | {"kernel": "ellipse", "colorSpace": "srgb_rec709_display"}
        == primitive["extensions"]["KHR_gaussian_splatting"]
    )
    field = lambda name: arrays[f"KHR_gaussian_splatting:{name}"]
    assert np.array_equal(arrays["POSITION"], gaussians.means.numpy()) and np.array_equal(
        field("SCALE"), gaussians.scales.numpy()
    )
    assert np.array_equal(field("OPACITY")[:, 0], gaussians.opacities.numpy())
    assert np.allclose(rotations(field("ROTATION")[:, [3, 0, 1, 2]]), rotations(gaussians.quats.numpy()), atol=1e-5)
    assert np.allclose(np.linalg.norm(field("ROTATION"), axis=1), 1, atol=1e-6)
    names = ["SH_DEGREE_0_COEF_0", "SH_DEGREE_1_COEF_0", "SH_DEGREE_1_COEF_1", "SH_DEGREE_1_COEF_2"]
    assert np.array_equal(np.stack([field(name) for name in names], axis=1), gaussians.sh.numpy())
    assert document["accessors"][0]["min"] == arrays["POSITION"].min(axis=0).tolist()
    assert arrays["COLOR_0"].min() >= 0 and arrays["COLOR_0"].max() <= 1


def test_glb_stands_upright(gaussians):
    """The node turns our +Z to glTF's +Y."""
    (node,) = read_glb(glb_bytes(gaussians))[0]["nodes"]
    assert np.allclose(
        Rotation.from_quat(node["rotation"]).apply([[0, 0, 1], [1, 0, 0]]), [[0, 1, 0], [1, 0, 0]], atol=1e-7
    )


class Page(HTMLParser):
    """What a page asks for, and its scripts."""

    def __init__(self, text: str):
        super().__init__()
        self.links, self.scripts, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.links += [value for name, value in attributes if name in ("src", "href")]
        self.open = [*self.open, tag] if tag not in ("meta",) else self.open
        if tag == "script":
            self.scripts.append([dict(attributes), ""])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts[-1][1] += data


def test_page_is_whole_and_asks_for_nothing(gaussians, tmp_path):
    text = page(gaussians, "a <cup> & more").decode()
    parsed = Page(text)
    assert parsed.open == [] and parsed.links == [] and not re.search(r"https?://|import\s|fetch\(|url\(", text)
    assert "a &lt;cup> &amp; more" in text and "<!--" not in text
    (attributes, data), (_, code) = parsed.scripts
    assert attributes["id"] == "splats" and base64.b64decode(data) == splat_bytes(gaussians)
    if shutil.which("node"):
        (tmp_path / "page.js").write_text(code)
        subprocess.run(["node", "--check", str(tmp_path / "page.js")], check=True)


@pytest.mark.slow  # a browser that draws without a GPU
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")
def test_a_browser_draws_what_we_draw(tmp_path):
    """The page's first view is that of `turntable(...)[0]`; its opacities and quaternions have eight bits."""
    generator = torch.Generator().manual_seed(1)
    points = torch.randn(400, 3, generator=generator) * 0.3
    stretched = torch.tensor([0.12, 0.03, 0.05]).expand(400, 3)
    shown = Gaussians(
        points,
        torch.randn(400, 4, generator=generator),
        stretched,
        torch.full((400,), 0.8),
        torch.randn(400, 1, 3, generator=generator),
    )
    (tmp_path / "page.html").write_bytes(page(shown, "x").replace(b"<p>x: drag to turn, wheel to zoom</p>", b"<p></p>"))
    subprocess.run(
        [
            "chromium",
            "--headless",
            "--no-sandbox",
            "--use-angle=swiftshader",
            "--enable-unsafe-swiftshader",
            "--hide-scrollbars",
            "--window-size=256,256",
            "--virtual-time-budget=4000",
            f"--screenshot={tmp_path / 'page.png'}",
            f"file://{tmp_path}/page.html",
        ],
        check=True,
        timeout=120,
        capture_output=True,
    )
    seen = png.decode((tmp_path / "page.png").read_bytes())[..., :3] / 255
    ours = (
        render_gaussians(shown.map(lambda x: x[None]), *camera_tensors(turntable(8, 256)[[0]]), 256)[0, 0]
        .clamp(0, 1)
        .permute(1, 2, 0)
        .numpy()
    )
    assert np.abs(seen - ours).mean() < 0.01 < np.abs(1 - ours).mean()
