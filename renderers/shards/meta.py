"""The json of a sample, parsed once where it is read: SampleMeta."""

import json
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from renderers.cameras import Cameras
from renderers.passes import PASSES
from renderers.shards import codecs
from renderers.shards.format import SAMPLE_FORMAT, ShardError


class Size(NamedTuple):
    """The same views at another image size, in pixels; files: {pass: name of its file, with {view}}."""

    width: int
    height: int
    files: dict[str, str]


@dataclass(frozen=True, kw_only=True, eq=False)
class SampleMeta:
    """What the json of a sample says.

    cameras: of the pictures in `files`, {pass: name of its file, with {view}}; alpha is in rgb where it has no file.
    other_sizes: the same views at other sizes. recipe, provenance, labels, light_drawn: JSON as strings, as they are
    stored. What an older shard lacks is empty.
    """

    uid: str
    cameras: Cameras
    passes: tuple[str, ...]
    files: dict[str, str]
    other_sizes: tuple[Size, ...] = ()
    caption: str = ""
    parts: tuple[str, ...] = ()
    conventions: str = ""
    rig: str = ""
    light: str = ""
    renderer: str = ""
    recipe: str = "{}"
    provenance: str = "{}"
    labels: str = "{}"
    light_drawn: str = "{}"

    @property
    def sizes(self) -> list[int]:
        """The widths of the sample's pictures, the first of them first."""
        return [self.cameras.width, *(size.width for size in self.other_sizes)]

    def at_size(self, size: int, name: str) -> "SampleMeta":
        """Returns the same as if the sample's pictures were those of the smallest size with at least `size` pixels
        across. Raises ShardError, beginning with `name`, when all are smaller.
        """
        wide = [width for width in self.sizes if width >= size]
        if not wide:
            raise ShardError(f"{name}: expected views of at least {size} pixels, got {max(self.sizes)}")
        if min(wide) == self.cameras.width:
            return self
        width, height, files = next(other for other in self.other_sizes if other.width == min(wide))
        return replace(self, cameras=self.cameras.resized(width, height), files=files)


_WORDS = ("caption", "conventions", "rig", "light", "renderer")
_JSON = ("recipe", "provenance", "labels", "light_drawn")


def parse_meta(data: bytes, name: str) -> SampleMeta:
    """Returns what a sample's json says, checked. Raises ShardError beginning with `name`."""
    try:
        meta = json.loads(data)
    except ValueError as error:
        raise ShardError(f"{name}: json: {error}") from error
    if not isinstance(meta, dict) or meta.get("format") != SAMPLE_FORMAT:
        raise ShardError(
            f"{name}: json: format: expected {SAMPLE_FORMAT}, got "
            f"{meta.get('format') if isinstance(meta, dict) else type(meta).__name__}"
        )
    missing = {"cameras", "image_size", "passes", "uid"} - meta.keys()
    if missing:
        raise ShardError(f"{name}: json: missing {', '.join(sorted(missing))}")
    others = meta.get("other_sizes") or ()
    unknown = (
        set(meta["passes"]).union(meta.get("files", ()), *(row.get("files", ()) for row in others)) - PASSES.keys()
    )
    if unknown:
        raise ShardError(
            f"{name}: json: passes: unknown {', '.join(sorted(unknown))}; expected some of {', '.join(PASSES)}"
        )
    try:
        stored = meta["cameras"]
        cameras = Cameras(np.array(stored["c2w"]), np.array(stored["intrinsics"]), *meta["image_size"])
    except (KeyError, TypeError, ValueError) as error:
        raise ShardError(f"{name}: json: cameras: {error}") from error
    return SampleMeta(
        uid=meta["uid"],
        cameras=cameras,
        passes=tuple(meta["passes"]),
        files=meta.get("files") or codecs.files(meta["passes"], "png"),
        other_sizes=tuple(_size(row, meta["passes"]) for row in others),
        parts=tuple(meta.get("parts") or ()),
        **{key: meta.get(key) or "" for key in _WORDS},
        **{key: meta.get(key) or "{}" for key in _JSON},
    )


def _size(row: dict, passes: list[str]) -> Size:
    width, height = row["image_size"]
    return Size(width, height, row.get("files") or codecs.files(passes, "png"))
