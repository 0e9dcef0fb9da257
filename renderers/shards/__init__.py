"""Multi-view WebDataset shards: the schema, a writer that never leaves half a shard, and a random-access reader.

A shard is a plain tar that `webdataset` reads without this code: members `<uid>.<field>`, with the fields of one sample
in a row: `rgb_000.png` (RGBA) and the other passes per view as `codecs.files` says, the same at other sizes
(`rgb_128px_000.png`), `json` (cameras, caption, recipe, labels), and `mesh.glb` when asked for. Beside each tar lies a
sidecar `.json` with its hash and the place of every field; it is written last and means "whole".
"""

import hashlib
import json
import re
import tarfile
import warnings
import zlib
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from renderers.cameras import Cameras
from renderers.passes import PASSES, dequantise
from renderers.shards import codecs
from renderers.shards.storage import Local, Store, open_store
from zeroverse.core import png

SHARD_FORMAT = "verse-shard/1"
SAMPLE_FORMAT = "verse-sample/1"
DATASET_FORMAT = "verse-dataset/1"
DATASET_FILE = "dataset.json"
_VIEW = re.compile(r"_\d{3,}\.")
_BLOCK = 512
_RECORD = 10240  # a tar ends with zeros up to a multiple of this


class ShardError(ValueError):
    """A shard, sidecar or sample that is not what it should be; the message names it."""


# -------------------------------------------------------------------------------------------------------------- writing


def canonical(value) -> bytes:
    """JSON with sorted keys and no spaces: equal values give equal bytes. NaN and infinity raise ValueError."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def write_shard(store: Store, name: str, samples: Iterable[tuple[str, dict[str, bytes]]], stamp: dict) -> dict:
    """Write the samples (key, {field: bytes}) to the tar `name`, then its sidecar; returns the sidecar's content.

    The tar appears under its name only when it is whole and on disk; the sidecar, `stamp` merged into it, follows.
    `mtime` is 0 and the owner empty, so that equal samples give equal bytes. Every sample must have the fields of the
    first. Raises ShardError otherwise.
    """
    with store.writing(name) as file:
        entries, digest = _write_tar(file, samples, name)
        size = file.tell()
        if not _vouches(
            store, name, size, digest
        ):  # two runs may make one shard at a time; what the other finished stays finished
            store.remove(sidecar_of(name))  # the one of an earlier tar must never vouch for this one
    sidecar = {"format": SHARD_FORMAT, "shard": name, "bytes": size, "sha256": digest, "samples": entries, **stamp}
    try:
        store.write(sidecar_of(name), canonical(sidecar))
    except BaseException:
        store.remove(name)  # on a full disk it would only hold the place that the next try needs
        raise
    return sidecar


def _vouches(store: Store, name: str, size: int, digest: str) -> bool:
    """Whether the sidecar that is there describes a tar of these bytes."""
    try:
        sidecar = read_sidecar(store, sidecar_of(name))
    except ShardError:
        return False
    return (sidecar["bytes"], sidecar["sha256"]) == (size, digest)


def sidecar_of(tar: str) -> str:
    return tar.removesuffix(".tar") + ".json"


def _write_tar(file, samples, shard: str) -> tuple[list[dict], str]:
    digest = hashlib.sha256()
    entries: list[dict] = []
    for key, fields in samples:
        if not key or "." in key or "/" in key or len(key) > 80:
            raise ShardError(f"{shard}: key {key!r}: expected 1 to 80 characters without dots and slashes")
        if entries and entries[0]["fields"].keys() != fields.keys():
            odd = sorted(entries[0]["fields"].keys() ^ fields.keys())
            raise ShardError(
                f"{shard}: sample {key}: expected the fields of sample {entries[0]['key']}; the difference is "
                f"{', '.join(odd)}"
            )
        entry = {"key": key, "offset": file.tell(), "fields": {}}
        checksum = 0
        for field in sorted(fields):
            header, body = _member(f"{key}.{field}", fields[field])
            entry["fields"][field] = [file.tell() + len(header), len(fields[field])]
            for piece in (header, body):
                file.write(piece)
                digest.update(piece)
                checksum = zlib.crc32(piece, checksum)
        entry |= {"bytes": file.tell() - entry["offset"], "crc32": checksum}
        entries.append(entry)
    end = b"\0" * (2 * _BLOCK + -(file.tell() + 2 * _BLOCK) % _RECORD)
    file.write(end)
    digest.update(end)
    return entries, digest.hexdigest()


def _member(name: str, data: bytes) -> tuple[bytes, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    info.mode = 0o644
    return info.tobuf(tarfile.USTAR_FORMAT), data + b"\0" * (-len(data) % _BLOCK)


# -------------------------------------------------------------------------------------------------------------- reading


def read_sidecar(store: Store, name: str) -> dict:
    """A shard's sidecar. Raises ShardError naming the file for anything but a sidecar of this version."""
    try:
        sidecar = json.loads(store.read(name))
    except FileNotFoundError:
        raise ShardError(f"{store.at(name)}: missing; without its sidecar a tar is not known to be whole") from None
    except ValueError as error:
        raise ShardError(f"{store.at(name)}: not JSON: {error}") from error
    if not isinstance(sidecar, dict) or "format" not in sidecar:
        raise ShardError(f"{store.at(name)}: not the sidecar of a shard")
    if sidecar["format"] != SHARD_FORMAT:
        raise ShardError(f"{store.at(name)}: format: expected {SHARD_FORMAT}, got {sidecar['format']}")
    odd = next((key for key, (_, fits) in _SIDECAR.items() if not fits(sidecar.get(key))), None)
    if odd:
        raise ShardError(
            f"{store.at(name)}: {odd}: expected {_SIDECAR[odd][0]}, got {json.dumps(sidecar.get(odd))[:60]}; was it "
            f"edited? Delete it, and the "
            "command that made the shard makes it again"
        )
    return sidecar


def _whole(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_entry(entry) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("key"), str)
        and all(_whole(entry.get(key)) for key in ("offset", "bytes", "crc32"))
        and isinstance(entry.get("fields"), dict)
        and all(_is_pair(place) for place in entry["fields"].values())
    )


def _is_pair(value) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_whole, value))


_SIDECAR = {  # key -> what it holds, in words and as a check; the last four, of the farm, are not in every shard
    "bytes": ("a number", _whole),
    "sha256": ("a hash", lambda value: isinstance(value, str)),
    "samples": (
        "a list of keys, offsets, bytes, crc32 and fields",
        lambda value: isinstance(value, list) and all(map(_is_entry, value)),
    ),
    "dataset": ("settings", lambda value: value is None or isinstance(value, dict)),
    "indices": ("two numbers", lambda value: value is None or _is_pair(value)),
    "failed": (
        "a list of failures",
        lambda value: value is None or isinstance(value, list) and all(isinstance(row, dict) for row in value),
    ),
    "redraws": (
        "reasons and their numbers",
        lambda value: value is None or isinstance(value, dict) and all(map(_whole, value.values())),
    ),
}


def stamp_of(store: Store, name: str) -> dict:
    """A sidecar that the farm wrote: with dataset, indices, failed and redraws. Raises ShardError as `read_sidecar`,
    and for one that lacks any.
    """
    sidecar = read_sidecar(store, name)
    missing = [key for key in ("dataset", "indices", "failed", "redraws") if sidecar.get(key) is None]
    if missing:
        raise ShardError(
            f"{store.at(name)}: no {missing[0]}; was it edited? Delete it, and the command that made the shard makes "
            f"it again"
        )
    return sidecar


def tars_of(sizes: dict[str, int]) -> list[str]:
    """The tars of a listing that have a sidecar, in shard order."""
    return [name for name in sizes if name.endswith(".tar") and sidecar_of(name) in sizes]


def halves(store: Store) -> list[str]:
    """What no reader shows, in words: tars without a sidecar, and sidecars whose tar is gone."""
    sizes = store.sizes()
    lone = [name for name in sizes if name.endswith(".tar") and sidecar_of(name) not in sizes]
    gone = [
        name
        for name in sizes
        if name.endswith(".json") and name != DATASET_FILE and f"{name.removesuffix('.json')}.tar" not in sizes
    ]
    return [f"{name} has no sidecar" for name in lone] + [
        f"the tar of {name} is gone" for name in gone if _is_sidecar(store, name)
    ]


def _is_sidecar(store: Store, name: str) -> bool:
    try:
        return bool(read_sidecar(store, name))
    except ShardError:
        return False


class _Sample(NamedTuple):
    """Where a sample is. columns: {field: row of `places`}, one dict for all samples with the same fields; places: [F,
    2] offset and size.
    """

    tar: str
    key: str
    columns: dict[str, int]
    places: np.ndarray


class ShardReader:
    """Random access to the samples of a folder of shards, or of an fsspec URL: reads and decodes only the fields asked
    for.

    size: of samples with pictures of several sizes, show the smallest that are at least so many pixels wide; default:
        the first.
    on_error: "raise" ShardError for a shard whose size is not the one its sidecar states, or "skip": warn of it, and
    raise when what is not in it is read. Raises ShardError when the folder holds no whole shard.
    """

    size: int | None = None

    def __init__(self, folder: str | Path | Store, size: int | None = None, on_error: str = "raise"):
        self.store, self.size = open_store(folder), size
        self.folder = self.store.folder if isinstance(self.store, Local) else str(self.store)
        if not self.store.exists():
            raise ShardError(f"{self.store}: no such folder")
        self._samples: list[_Sample] = []
        hashes, columns = [], {}
        sizes = self.store.sizes()
        for tar in tars_of(sizes):
            sidecar = read_sidecar(self.store, sidecar_of(tar))
            if sizes[tar] != sidecar["bytes"]:
                wrong = (
                    f"{self.store.at(tar)}: expected {sidecar['bytes']} bytes, got {sizes[tar]}: truncated or replaced"
                )
                if on_error == "raise":
                    raise ShardError(wrong)
                warnings.warn(wrong, stacklevel=2)
            hashes.append(sidecar["sha256"])
            for entry in sidecar["samples"]:
                names = tuple(entry["fields"])
                columns.setdefault(names, {name: row for row, name in enumerate(names)})
                self._samples.append(
                    _Sample(tar, entry["key"], columns[names], np.array(list(entry["fields"].values()), dtype=np.int64))
                )
        if not self._samples:
            raise ShardError(f"{self.store}: no samples in whole shards (a .tar with its .json beside it)")
        self.fingerprint = hashlib.sha256("".join(hashes).encode()).hexdigest()  # names the data, in checkpoints

    def __len__(self) -> int:
        return len(self._samples)

    @cached_property  # of a large set it takes longer than reading a sample
    def keys(self) -> tuple[str, ...]:
        return tuple(sample.key for sample in self._samples)

    def field(self, index: int, field: str) -> bytes:
        """The bytes of one field of sample `index`."""
        sample = self._samples[index]
        if field not in sample.columns:
            raise ShardError(
                f"{self._name(index)}: no field {field}; it has {', '.join(sorted(set(map(folded, sample.columns))))}"
            )
        offset, size = map(int, sample.places[sample.columns[field]])
        data = self.store.read(sample.tar, offset, size)
        if len(data) != size:
            raise ShardError(f"{self._name(index)}: field {field}: expected {size} bytes, got {len(data)}")
        return data

    def has(self, index: int, field: str) -> bool:
        return field in self.fields(index)

    def fields(self, index: int) -> tuple[str, ...]:
        return tuple(self._samples[index].columns)

    def meta(self, index: int) -> dict:
        """The sample's json, `at_size`. Raises ShardError naming the sample when it is not one of this version."""
        meta = check_meta(self.field(index, "json"), self._name(index))
        return meta if self.size is None else at_size(meta, self.size, self._name(index))

    def cameras(self, index: int) -> Cameras:
        return cameras_of(self.meta(index))

    def read(
        self, index: int, names: Iterable[str] = ("rgb",), views: Iterable[int] | None = None
    ) -> dict[str, np.ndarray]:
        """{pass: array [V, H, W, C]} of the wanted passes and views (default: all views), as the renderer made them up
        to storage.
        """
        meta = self.meta(index)
        views = range(len(meta["cameras"]["c2w"])) if views is None else views
        files = codecs.files_of(meta)
        arrays: dict[str, list] = {name: [] for name in names}
        for view in views:
            stored: dict[str, np.ndarray] = {}
            for name in arrays:
                inside_rgb = name == "alpha" and name not in files
                holder = "rgb" if inside_rgb else name
                file = (files.get(holder) or PASSES[holder].file).format(view=view)
                if file not in stored:
                    stored[file] = self._image(index, file, meta)
                arrays[name].append(codecs.alpha_of(stored[file]) if inside_rgb else dequantise(name, stored[file]))
        return {name: np.stack(images) for name, images in arrays.items()}

    def _image(self, index: int, field: str, meta: dict) -> np.ndarray:
        try:
            image = png.decode(self.field(index, field))  # any format that Pillow reads
        except ShardError:
            raise
        except ValueError as error:
            raise ShardError(f"{self._name(index)}: field {field}: {error}") from error
        width, height = meta["image_size"]
        if image.shape[:2] != (height, width):
            raise ShardError(
                f"{self._name(index)}: field {field}: expected {width} x {height} pixels, got {image.shape[1]} x "
                f"{image.shape[0]}"
            )
        return image

    def _name(self, index: int) -> str:
        sample = self._samples[index]
        return f"{self.store.at(sample.tar)}: sample {sample.key}"


def check_meta(data: bytes, name: str) -> dict:
    """A sample's json, checked. Raises ShardError beginning with `name`."""
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
    unknown = (
        set(meta["passes"]).union(meta.get("files", ()), *(row.get("files", ()) for row in meta.get("other_sizes", ())))
        - PASSES.keys()
    )
    if unknown:
        raise ShardError(
            f"{name}: json: passes: unknown {', '.join(sorted(unknown))}; expected some of {', '.join(PASSES)}"
        )
    try:
        cameras_of(meta)
    except (KeyError, TypeError, ValueError) as error:
        raise ShardError(f"{name}: json: cameras: {error}") from error
    return meta


def cameras_of(meta: dict) -> Cameras:
    return Cameras(np.array(meta["cameras"]["c2w"]), np.array(meta["cameras"]["intrinsics"]), *meta["image_size"])


def sizes_of(meta: dict) -> list[int]:
    """The widths of a sample's pictures, the first of them first."""
    return [meta["image_size"][0], *(row["image_size"][0] for row in meta.get("other_sizes", ()))]


def at_size(meta: dict, size: int, name: str) -> dict:
    """A sample's json as if its pictures were those of the smallest size with at least `size` pixels across; ShardError
    when all are smaller.
    """
    wide = [width for width in sizes_of(meta) if width >= size]
    if not wide:
        raise ShardError(f"{name}: expected views of at least {size} pixels, got {max(sizes_of(meta))}")
    if min(wide) == meta["image_size"][0]:
        return meta
    row = next(row for row in meta["other_sizes"] if row["image_size"][0] == min(wide))
    intrinsics = cameras_of(meta).resized(*row["image_size"]).intrinsics.tolist()
    return {**meta, **row, "cameras": {**meta["cameras"], "intrinsics": intrinsics}}


def folded(field: str) -> str:
    """A field's name without the number of the view: rgb_*.png."""
    return _VIEW.sub("_*.", field)
