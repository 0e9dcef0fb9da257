"""The container of a glTF 2.0 file: its JSON, and the bytes that it refers to, in the file or beside it (section 4,
and 3.6 of the specification).
"""

import base64
import binascii
import json
import math
import struct
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes

from renderers.sources import untrusted
from zeroverse.asset import AssetError

GLB, JSON, BIN = 0x46546C67, 0x4E4F534A, 0x004E4942


class Malformed(ValueError):
    """A file that breaks the specification; the message says where."""


class Missing(ValueError):
    """A resource that the file refers to and that is not there or cannot be read."""


class Document:
    """A glTF file: its JSON, checked as it is asked for, and its buffers, each read once.

    path: of the file. root: nothing is read that lies neither in this folder nor beside the file.
    """

    def __init__(self, path: Path, root: Path):
        self.path, self.root = path, root
        self.json, self._chunk = _parts(path.read_bytes())
        self._buffers: dict[int, memoryview] = {}
        self.unpacked: dict[int, memoryview] = {}  # of compressed buffer views
        asset = self.object(self.json.get("asset", {}), "asset")
        for name in ("version", "minVersion"):
            version = str(asset.get(name, "2.0"))
            if version.partition(".")[0] != "2" or name == "minVersion" and version != "2.0":
                raise Malformed(f"asset.{name}: expected 2.0, got {version[:20]}")

    @staticmethod
    def object(value, name: str) -> dict:
        if not isinstance(value, dict):
            raise Malformed(f"{name}: expected an object, got {type(value).__name__}")
        return value

    @staticmethod
    def array(value, name: str) -> list:
        if not isinstance(value, list):
            raise Malformed(f"{name}: expected an array, got {type(value).__name__}")
        return value

    def all(self, name: str) -> list:
        """Returns the top-level array `name`, empty where the file has none."""
        return self.array(self.json.get(name, []), name)

    def item(self, name: str, index) -> dict:
        """Returns entry `index` of the top-level array `name`."""
        entries = self.all(name)
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(entries):
            raise Malformed(f"{name}: expected an index below {len(entries)}, got {str(index)[:20]}")
        return self.object(entries[index], f"{name}[{index}]")

    def extension(self, entry: dict, name: str) -> dict | None:
        """Returns what an entry says under `extensions.name`, None where it says nothing."""
        extensions = self.object(entry.get("extensions", {}), "extensions")
        return self.object(extensions[name], name) if name in extensions else None

    def buffer(self, index) -> memoryview:
        if index not in self._buffers:
            entry = self.item("buffers", index)
            if "uri" in entry:
                data = self.resource(entry["uri"])
            elif index == 0 and self._chunk is not None:
                data = self._chunk
            else:
                raise Malformed(f"buffers[{index}]: there are no bytes")
            length = whole(entry, "byteLength")
            if length > len(data):
                raise Malformed(f"buffers[{index}]: expected {length} bytes, got {len(data)}")
            self._buffers[index] = memoryview(data)[:length]
        return self._buffers[index]

    def span(self, entry: dict, name: str) -> memoryview:
        """Returns the bytes of an entry that names a buffer, an offset in it and a length."""
        data = self.buffer(entry.get("buffer"))
        start, length = whole(entry, "byteOffset", 0), whole(entry, "byteLength")
        if start + length > len(data):
            raise Malformed(f"{name}: expected bytes up to {len(data)}, got up to {start + length}")
        return data[start : start + length]

    def resource(self, uri) -> bytes:
        """Returns the bytes behind a URI: `data:`, or relative to the file and percent-encoded (section 2.8).

        Raises AssetError for what lies elsewhere, Missing for what is not there.
        """
        if not isinstance(uri, str):
            raise Malformed(f"uri: expected a string, got {type(uri).__name__}")
        if uri[:5].lower() == "data:":
            return _data(uri)
        names = [unquote(uri), uri, unquote(uri).replace("\\", "/")]  # written as it should be, unencoded, by Windows
        for name in names:
            if not untrusted.inside(self.path, name, self.root):
                raise AssetError(f"{self.path}: refers to {uri[:100]!r}, which is not in {self.root}")
        for name in names:
            try:
                if "\0" not in name and (self.path.parent / name).is_file():
                    return (self.path.parent / name).read_bytes()
            except OSError as error:
                raise Missing(f"{uri[:100]}: {error.strerror}") from error
        raise Missing(f"{uri[:100]}: no such file")


def _parts(data: bytes) -> tuple[dict, memoryview | None]:
    """Returns the JSON of a .glb or .gltf and the binary chunk, None where there is none."""
    if data[:4] != struct.pack("<I", GLB):
        return _parsed(data), None
    if len(data) < 20:
        raise Malformed(f"expected a header of 20 bytes, got {len(data)} bytes")
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2:
        raise Malformed(f"expected version 2 of the container, got {version}")
    if length > len(data):
        raise Malformed(f"expected {length} bytes, got {len(data)}: the file is cut")
    chunks, place = {}, 12
    while place + 8 <= length:
        size, kind = struct.unpack_from("<II", data, place)
        if place + 8 + size > length:
            raise Malformed(f"a chunk ends at byte {place + 8 + size} of {length}")
        chunks.setdefault(kind, memoryview(data)[place + 8 : place + 8 + size])
        place += 8 + size + -size % 4
    if JSON not in chunks:
        raise Malformed("there is no chunk of JSON")
    return _parsed(bytes(chunks[JSON])), chunks.get(BIN)


def _parsed(data: bytes) -> dict:
    try:
        document = json.loads(data.rstrip(b"\0").decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise Malformed(f"expected JSON: {error}") from error
    return Document.object(document, "the file")


def _data(uri: str) -> bytes:
    head, comma, body = uri.partition(",")
    if not comma:
        raise Missing("data: there is no comma")
    if not head.lower().endswith(";base64"):
        return unquote_to_bytes(body)
    try:
        return base64.b64decode(unquote(body))
    except (binascii.Error, ValueError) as error:
        raise Missing(f"data: {error}") from error


def whole(entry: dict, name: str, default: int | None = None) -> int:
    """Returns a whole number that is not negative."""
    value = entry.get(name, default)
    if isinstance(value, float) and value.is_integer():  # JSON does not tell 3 from 3.0
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise Malformed(f"{name}: expected a whole number, got {str(value)[:20]}")
    return value


def number(entry: dict, name: str, default: float) -> float:
    """Returns a finite number."""
    return numbers([entry.get(name, default)], 1, name)[0]


def numbers(value, count: int, name: str) -> list[float]:
    """Returns `count` finite numbers."""
    if not isinstance(value, list) or len(value) != count:
        raise Malformed(f"{name}: expected {count} numbers, got {str(value)[:40]}")
    for one in value:
        if isinstance(one, bool) or not isinstance(one, int | float) or abs(one) > 1e300 or not math.isfinite(one):
            raise Malformed(f"{name}: expected finite numbers, got {str(one)[:20]}")
    return [float(one) for one in value]
