"""Finds what an OBJ file refers to, its materials and pictures, as people leave them: under another spelling, in the
folder of the materials, or only by name; and never outside the folder of the assets.
"""

import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from renderers.sources.obj.text import shown, spellings
from zeroverse.asset import AssetError
from zeroverse.core.files import walked

_PICTURES = ("textures", "texture", "tex", "materials", "material", "maps", "images")  # folders that go by such names


class Beside:
    """The files that an OBJ at `path` may refer to. root: the folder of the assets, which nothing leaves; where `path`
    came through a link, its own folder counts too.
    """

    def __init__(self, path: Path, root: Path):
        self.path, self.root = path, root
        self.inside = (root.resolve(), path.parent.resolve())

    def find(self, name: bytes, folders: Sequence[Path] = ()) -> Path | None:
        """Returns the file that `name` means, or None. folders: where to look beside the OBJ's own, the MTL's for a
        picture.

        Looked for along the path that the name gives from each folder, in any encoding and letter case; then by its
        bare name in these folders; then by its bare name in the folder above and all that it holds, for Google's scans
        have their pictures in ../materials/textures. Raises AssetError for a name that leads out of the assets' folder
        when no file inside has that bare name.
        """
        places = list(dict.fromkeys([self.path.parent, *folders]))
        names = [spelling for text in _variants(name) for spelling in _as_paths(text)]
        out = None
        for text in names:
            for place in places:
                if self._leaves(place / text):
                    out = text
                elif found := _any_case(place, text):
                    if not self._leaves(found):
                        return found
                    out = text
        for text in names:
            bare = text.rsplit("/", 1)[-1]
            found = next((found for place in places if (found := _any_case(place, bare))), None) or self._by_name(bare)
            if found and not self._leaves(found):
                return found
        if out is not None:
            raise AssetError(f"{self.path}: refers to {shown(name)[:100]!r}, which is not in {self.root}")
        return None

    def _leaves(self, target: Path) -> bool:
        resolved = Path(os.path.realpath(target))
        return not any(resolved.is_relative_to(folder) for folder in self.inside)

    def _by_name(self, bare: str) -> Path | None:
        return self._above.get(bare) or self._above.get(bare.casefold())

    @cached_property
    def _above(self) -> dict[str, Path]:
        """The files below the OBJ's folder and below the folder above it. Of the root, which holds other objects too,
        only those in sub-folders whose name says that they hold pictures.
        """
        own, above = self.path.parent, self.path.parent.parent
        found: dict[str, Path] = {}
        for folder in (own, above) if own != self.root and above.is_relative_to(self.root) else (own,):
            for part in self._of_pictures() if folder == self.root else (folder,):
                for file in sorted(walked(part)):
                    if not file.is_symlink():
                        found.setdefault(file.name, file)
                        found.setdefault(file.name.casefold(), file)
        return found

    def _of_pictures(self) -> list[Path]:
        stem = self.path.stem.casefold()
        folders = sorted(folder for folder in self.root.iterdir() if folder.is_dir())
        return [folder for folder in folders if folder.name.casefold() in _PICTURES or folder.stem.casefold() == stem]


def _variants(name: bytes) -> Iterator[bytes]:
    """The name as it stands, without quotes, and without a comment after it."""
    yield name
    if name[:1] in (b'"', b"'"):
        yield name.strip(b"\"'")
    if b" #" in name:
        yield name.partition(b" #")[0].strip()


def _as_paths(name: bytes) -> Iterator[str]:
    for text in spellings(name):
        text = text.strip().replace("\\", "/")  # as Windows writes it
        text = text.replace("\0", "")
        if text:
            yield text


def _any_case(folder: Path, text: str) -> Path | None:
    """The file at a relative path; where there is none, the one whose path differs by letter case only."""
    try:
        if (folder / text).is_file():
            return folder / text
    except OSError:  # a name longer than the file system has
        return None
    place = Path("/") if text.startswith("/") else folder
    for step in text.split("/"):
        if step in ("", "."):
            continue
        if step == ".." or (place / step).exists():
            place = place / step
            continue
        try:
            alike = sorted(entry for entry in os.listdir(place) if entry.casefold() == step.casefold())
        except OSError:
            return None
        if not alike:
            return None
        place = place / alike[0]
    return place if place.is_file() else None
