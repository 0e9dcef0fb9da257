"""Gaussians for other people's viewers: `.splat`, `.glb` with KHR_gaussian_splatting, and a page that shows them by
itself.

`.splat` (antimatter15/splat): no header, 32 bytes a Gaussian, little-endian: float32 x y z, float32 scale x y z
(standard deviations), uint8 r g b opacity, uint8 quaternion w x y z as 128 q + 128; the largest first, so that a page
that is still loading shows the shape. Harmonics above degree 0 do not fit in.

`.glb`: KHR_gaussian_splatting as ratified (Khronos, glTF 2.0 extensions): a POINTS primitive with POSITION, :ROTATION
(xyzw), :SCALE (linear, where the review drafts had logarithms), :OPACITY and :SH_DEGREE_l_COEF_n in the order and signs
of 3DGS, kernel `ellipse`, colours display-referred sRGB; COLOR_0 is for viewers that only know points. glTF is +Y up:
the node carries the quarter turn, so the harmonics need none.
"""

import base64
import json
import struct
from pathlib import Path

import numpy as np

from train.splatting import SH_C0, Gaussians
from zeroverse.core.affine import Z_UP_TO_Y_UP_QUAT

SPLAT = np.dtype([("position", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("quat", "u1", 4)])
EXTENSION = "KHR_gaussian_splatting"
PAGE = Path(__file__).with_name("viewer.html")
_DATA = "<!-- splats -->"  # where the page's Gaussians go
_TYPES = {1: "SCALAR", 3: "VEC3", 4: "VEC4"}
_TO_Y_UP = [*Z_UP_TO_Y_UP_QUAT[1:], Z_UP_TO_Y_UP_QUAT[0]]  # glTF's quaternions are xyzw
_FLOAT, _ARRAY_BUFFER, _POINTS = 5126, 34962, 0
_JSON, _BIN = b"JSON", b"BIN\0"


def kept(gaussians: Gaussians, min_opacity: float) -> Gaussians:
    """Returns the Gaussians [N] of at least this opacity, float32 on the CPU, quaternions of unit length."""
    if gaussians.opacities.ndim != 1:
        raise ValueError(
            f"gaussians: expected fields [N, ...], got opacities {list(gaussians.opacities.shape)}; choose one of the "
            f"batch"
        )
    mask = gaussians.opacities.detach().cpu() >= min_opacity
    found = gaussians.map(lambda x: x.detach().cpu().float()[mask])
    length = found.quats.norm(dim=-1, keepdim=True)
    found.quats = (found.quats / length.clamp_min(1e-12)).where(length > 1e-12, found.quats.new_tensor([1.0, 0, 0, 0]))
    return found


def splat_bytes(gaussians: Gaussians, min_opacity: float = 0.0) -> bytes:
    found = kept(gaussians, min_opacity)
    rows = np.zeros(len(found), SPLAT)
    rows["position"], rows["scale"] = found.means.numpy(), found.scales.numpy()
    rows["rgba"][:, :3] = _bytes(0.5 + SH_C0 * found.sh[:, 0].numpy())
    rows["rgba"][:, 3] = _bytes(found.opacities.numpy())
    rows["quat"] = np.clip(np.rint(found.quats.numpy() * 128 + 128), 0, 255)
    importance = found.scales.numpy().prod(axis=1) * found.opacities.numpy()
    return rows[np.argsort(-importance, kind="stable")].tobytes()


def page(gaussians: Gaussians, title: str, min_opacity: float = 0.0) -> bytes:
    """Returns one HTML file that needs nothing else: WebGL 2, drag to turn, wheel to zoom."""
    data = base64.b64encode(splat_bytes(gaussians, min_opacity)).decode("ascii")
    name = title.replace("&", "&amp;").replace("<", "&lt;")
    return PAGE.read_text(encoding="utf-8").replace("<!-- title -->", name).replace(_DATA, data).encode()


def glb_bytes(gaussians: Gaussians, min_opacity: float = 0.0) -> bytes:
    found = kept(gaussians, min_opacity)
    if not len(found):
        raise ValueError(
            f"gaussians: expected at least one of opacity {min_opacity:g} or more: glTF has no empty accessors"
        )
    columns = _attributes(found)
    offsets = np.cumsum([0, *(column.nbytes for column in columns.values())]).tolist()
    document = {
        "asset": {"version": "2.0", "generator": "verse"},
        "extensionsUsed": [EXTENSION],
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "rotation": _TO_Y_UP}],
        "buffers": [{"byteLength": offsets[-1]}],
        "meshes": [
            {
                "primitives": [
                    {
                        "mode": _POINTS,
                        "attributes": {name: i for i, name in enumerate(columns)},
                        "extensions": {
                            EXTENSION: {
                                "kernel": "ellipse",
                                "colorSpace": "srgb_rec709_display",
                                "projection": "perspective",
                                "sortingMethod": "cameraDistance",
                            }
                        },
                    }
                ]
            }
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": offset, "byteLength": column.nbytes, "target": _ARRAY_BUFFER}
            for offset, column in zip(offsets, columns.values())
        ],
        "accessors": [
            {"bufferView": i, "componentType": _FLOAT, "count": len(column), "type": _TYPES[column.shape[1]]}
            for i, column in enumerate(columns.values())
        ],
    }
    document["accessors"][0] |= {
        "min": columns["POSITION"].min(axis=0).tolist(),
        "max": columns["POSITION"].max(axis=0).tolist(),
    }
    return _glb(document, b"".join(column.tobytes() for column in columns.values()))


def _attributes(gaussians: Gaussians) -> dict[str, np.ndarray]:  # [N, 1, 3 or 4] float32
    w, x, y, z = gaussians.quats.numpy().T
    opacity, sh = gaussians.opacities.numpy()[:, None], gaussians.sh.numpy()
    shown = np.clip(0.5 + SH_C0 * sh[:, 0], 0, 1)
    linear = np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)  # glTF's COLOR_0 is linear
    columns = {
        "POSITION": gaussians.means.numpy(),
        "COLOR_0": np.concatenate([linear, opacity], axis=1),
        f"{EXTENSION}:ROTATION": np.stack([x, y, z, w], axis=1),
        f"{EXTENSION}:SCALE": gaussians.scales.numpy(),
        f"{EXTENSION}:OPACITY": opacity,
    }
    for degree in range(gaussians.degree + 1):
        for n in range(2 * degree + 1):
            columns[f"{EXTENSION}:SH_DEGREE_{degree}_COEF_{n}"] = sh[:, degree * degree + n]
    return {name: np.ascontiguousarray(column, dtype="<f4") for name, column in columns.items()}


def _glb(document: dict, blob: bytes) -> bytes:
    text = json.dumps(document, separators=(",", ":")).encode()
    padded = (_JSON, text + b" " * (-len(text) % 4)), (_BIN, blob + b"\0" * (-len(blob) % 4))
    chunks = [struct.pack("<I", len(data)) + kind + data for kind, data in padded]
    return struct.pack("<4sII", b"glTF", 2, 12 + sum(map(len, chunks))) + b"".join(chunks)


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
