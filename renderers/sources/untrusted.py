"""What a glTF or OBJ file of somebody else may do: refer to files beside it and bring pictures of a sane size. Looked
at before anything is read.
"""

import base64
import binascii
import io
import json
import struct
import warnings
from pathlib import Path
from urllib.parse import unquote

import trimesh
from PIL import Image

from zeroverse.asset import AssetError

MAX_PIXELS = 2**27  # of one picture: 16384 x 8192, half a gigabyte when unpacked
MAX_PIXELS_TOGETHER = 2**29  # of all pictures of a file: 32 of 4096 x 4096
MAX_EMPTY = (
    2**24
)  # elements of an accessor without data, which stand for zeros: a few bytes of JSON could ask for any number
_GLB, _JSON = 0x46546C67, 0x4E4F534A


def check(path: Path, root: Path) -> None:
    """Raises AssetError naming the file, for a reference that leaves `root` or this machine, and for what unpacks to
    more than the limits above.

    A file that is no glTF at all passes: reading it says so better.
    """
    try:
        document, blob = _parts(path)
        uris = [entry["uri"] for name in ("buffers", "images") for entry in document.get(name, ()) if "uri" in entry]
        empty = max(
            (int(entry["count"]) for entry in document.get("accessors", ()) if "bufferView" not in entry), default=0
        )
        pictures = [
            picture
            for picture in (_picture(path, entry, document, blob) for entry in document.get("images", ()))
            if picture
        ]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, struct.error, RecursionError):
        return
    for uri in uris:
        if not uri.startswith("data:") and not _inside(path, uri, root):
            raise AssetError(f"{path}: refers to {uri[:100]!r}, which is not in {root}")
    if empty > MAX_EMPTY:
        raise AssetError(f"{path}: an accessor without data: expected at most {MAX_EMPTY} elements, got {empty}")
    together = sum(_pixels(path, picture) for picture in pictures)
    if together > MAX_PIXELS_TOGETHER:
        raise AssetError(
            f"{path}: its pictures are too large: expected at most {MAX_PIXELS_TOGETHER} pixels together, got "
            f"{together}"
        )


class Beside(trimesh.resolvers.Resolver):
    """Finds the materials and pictures of an OBJ file: beside it, or by their bare name anywhere in the folder above,
    since GSO has its pictures in ../materials/textures. What is nowhere is left out by the loader, which swallows
    errors too: those of `check` are for the caller to raise, in `refused`.
    """

    def __init__(self, path: Path, root: Path):
        self.path, self.root, self.refused = path, root, None

    def get(self, name: str) -> bytes:
        try:
            return self._found(name)
        except AssetError as error:
            self.refused = error
            raise

    def _found(self, name: str) -> bytes:
        target = self.path.parent / name.strip().replace("\\", "/")  # as Windows writes it
        if target.exists() and not target.resolve().is_relative_to(self.root.resolve()):
            raise AssetError(f"{self.path}: refers to {name[:100]!r}, which is not in {self.root}")
        if not target.is_file():
            target = next(iter(self._by_name().get(target.name, ())), target)
        _pixels(self.path, target)
        return target.read_bytes()

    def _by_name(self) -> dict[str, list[Path]]:
        """Of the folder above, if that is still within the root: the root itself holds other objects."""
        above = self.path.parent.parent
        within = above != self.root and above.is_relative_to(self.root)
        found: dict[str, list[Path]] = {}
        for file in sorted(above.rglob("*")) if within else ():
            if file.is_file() and not file.is_symlink():
                found.setdefault(file.name, []).append(file)
        return found

    def keys(self) -> list[str]:
        return sorted(self._by_name())

    def namespaced(self, namespace: str) -> "Beside":
        return self

    def write(self, name: str, data) -> None:
        raise OSError(f"{self.path}: read only")


def _parts(path: Path) -> tuple[dict, bytes]:
    """The JSON document and the binary chunk of a .glb or .gltf."""
    data = path.read_bytes()
    if len(data) < 20 or struct.unpack_from("<I", data)[0] != _GLB:
        return json.loads(data), b""
    length, kind = struct.unpack_from("<II", data, 12)
    if kind != _JSON:
        raise ValueError("the first chunk is not JSON")
    return json.loads(data[20 : 20 + length]), data[28 + length :]


def _inside(path: Path, uri: str, root: Path) -> bool:
    target = unquote(uri)
    if "://" in target or target.startswith("file:"):
        return False
    target = (path.parent / target).resolve()  # an absolute one replaces the folder
    return any(target.is_relative_to(folder.resolve()) for folder in (root, path.parent))


def _picture(path: Path, entry: dict, document: dict, blob: bytes) -> bytes | Path | None:
    """Where the bytes of an image are; None where it has none."""
    if "bufferView" in entry:
        view = document["bufferViews"][entry["bufferView"]]
        start = view.get("byteOffset", 0)
        return blob[start : start + view["byteLength"]]
    uri = entry.get("uri", "")
    if uri.startswith("data:"):
        try:
            return base64.b64decode(uri.partition(",")[2])
        except binascii.Error:
            return None
    return path.parent / unquote(uri) if uri else None


def _pixels(path: Path, picture: bytes | Path) -> int:
    """Of one picture; AssetError if there are too many."""
    try:
        with warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning):  # our limit counts
            with Image.open(
                io.BytesIO(picture) if isinstance(picture, bytes) else picture
            ) as image:  # reads the header only
                width, height = image.size
    except Image.DecompressionBombError as error:
        raise AssetError(f"{path}: a picture is too large: {error}") from error
    except (OSError, SyntaxError, ValueError):
        return 0  # not a picture that Pillow knows: the loader goes without it
    if width * height > MAX_PIXELS:
        raise AssetError(
            f"{path}: a picture is too large: expected at most {MAX_PIXELS} pixels, got {width} x {height}"
        )
    return width * height
