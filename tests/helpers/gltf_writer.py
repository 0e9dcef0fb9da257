"""Writes glTF files of which a test knows everything: accessors of any type, interleaved, sparse, normalized; nodes,
skins, morph targets, instances, materials and pictures.
"""

import base64
import io
import json
import struct
from pathlib import Path

import numpy as np
from PIL import Image

TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
CODES = {"int8": 5120, "uint8": 5121, "int16": 5122, "uint16": 5123, "uint32": 5125, "float32": 5126}


class Writer:
    """A glTF document under construction; its methods return indices of what they add."""

    def __init__(self):
        self.json = {"asset": {"version": "2.0"}}
        self.blob = b""

    def add(self, name: str, entry: dict) -> int:
        self.json.setdefault(name, []).append(entry)
        return len(self.json[name]) - 1

    def view(self, data: bytes, **more) -> int:
        self.blob += b"\0" * (-len(self.blob) % 4)
        start = len(self.blob)
        self.blob += data
        return self.add("bufferViews", {"buffer": 0, "byteOffset": start, "byteLength": len(data)} | more)

    def accessor(self, values, stride: int = 0, sparse: bool = False, normalized: bool = False) -> int:
        """values [N] or [N, C] of a type that glTF has; stride: bytes from element to element, 0: packed; sparse: the
        second half stands in a sparse part over zeros.
        """
        values = np.ascontiguousarray(values)
        table = values.reshape(len(values), -1)
        entry = {"componentType": CODES[table.dtype.name], "count": len(table), "type": TYPES[table.shape[1]]}
        entry |= {"normalized": True} if normalized else {}
        if sparse:
            half = len(table) // 2
            base = table.copy()
            base[half:] = 0
            entry["sparse"] = {
                "count": len(table) - half,
                "indices": {
                    "bufferView": self.view(np.arange(half, len(table), dtype=np.uint16).tobytes()),
                    "componentType": 5123,
                },
                "values": {"bufferView": self.view(table[half:].tobytes())},
            }
            if not base.any():
                return self.add("accessors", entry)
            table = base
        if stride:
            rows = np.full((len(table), stride), 0xAB, np.uint8)
            rows[:, : table.itemsize * table.shape[1]] = table.view(np.uint8).reshape(len(table), -1)
            entry["bufferView"] = self.view(rows.tobytes(), byteStride=stride)
        else:
            entry["bufferView"] = self.view(table.tobytes())
        return self.add("accessors", entry)

    def picture(self, pixels, mode: str | None = None, kind: str = "PNG") -> int:
        """A texture of its own of pixels [h, w] or [h, w, C]; returns the texture's index."""
        image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(np.asarray(pixels), mode)
        buffer = io.BytesIO()
        image.save(buffer, kind)
        source = self.add("images", {"bufferView": self.view(buffer.getvalue()), "mimeType": f"image/{kind.lower()}"})
        return self.add("textures", {"source": source})

    def primitive(self, attributes: dict, indices=None, **more) -> dict:
        entry = {
            "attributes": {
                name: value if isinstance(value, int) else self.accessor(value) for name, value in attributes.items()
            }
        }
        if indices is not None:
            entry["indices"] = indices if isinstance(indices, int) else self.accessor(np.asarray(indices).ravel())
        return entry | more

    def mesh(self, *primitives: dict, **more) -> int:
        return self.add("meshes", {"primitives": list(primitives)} | more)

    def scene(self, *nodes: int) -> None:
        self.json["scene"] = self.add("scenes", {"nodes": list(nodes)})

    def extension(self, *names: str, required: bool = False) -> None:
        for key in ("extensionsUsed", "extensionsRequired")[: 1 + required]:
            self.json.setdefault(key, []).extend(names)

    def glb(self) -> bytes:
        blob = self.blob + b"\0" * (-len(self.blob) % 4)
        text = json.dumps(self.json | {"buffers": [{"byteLength": len(blob)}]}).encode()
        text += b" " * (-len(text) % 4)
        body = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(blob), 0x004E4942) + blob
        return struct.pack("<III", 0x46546C67, 2, 12 + len(body)) + body

    def gltf(self) -> bytes:
        uri = "data:application/octet-stream;base64," + base64.b64encode(self.blob).decode()
        return json.dumps(self.json | {"buffers": [{"byteLength": len(self.blob), "uri": uri}]}).encode()

    def save(self, path: Path) -> Path:
        path.write_bytes(self.gltf() if path.suffix == ".gltf" else self.glb())
        return path


def quad(width: float = 1.0, height: float = 1.0) -> np.ndarray:
    """[4, 3] float32 in the plane z = 0, counter-clockwise from the lower left."""
    x, y = width / 2, height / 2
    return np.array([[-x, -y, 0], [x, -y, 0], [x, y, 0], [-x, y, 0]], np.float32)


QUAD = np.array([0, 1, 2, 0, 2, 3], np.uint16)
QUAD_UVS = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], np.float32)  # v down, as glTF has it
BOX = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)], np.float32)
BOX_FACES = np.array(
    [
        [0, 1, 3],
        [0, 3, 2],
        [4, 6, 7],
        [4, 7, 5],
        [0, 4, 5],
        [0, 5, 1],
        [2, 3, 7],
        [2, 7, 6],
        [0, 2, 6],
        [0, 6, 4],
        [1, 5, 7],
        [1, 7, 3],
    ],
    np.uint16,
)
