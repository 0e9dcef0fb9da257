"""Reads the samples of a folder of shards by their number, and decodes only what is asked for."""

import hashlib
import warnings
from collections.abc import Callable, Iterable
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from renderers.cameras import Cameras
from renderers.passes import PASSES, dequantise
from renderers.shards import codecs
from renderers.shards.format import ShardError, folded, read_sidecar, sidecar_of, tars_of
from renderers.shards.meta import SampleMeta, parse_meta
from renderers.shards.storage import Local, Store, open_store
from zeroverse.core import png


class SampleReader(Protocol):
    """What reads samples by their number: a ShardReader, several of them as one (`joined.JoinedReader`), or a stand-in.

    keys: the names of the samples, in order. fingerprint: names the data, in checkpoints.
    """

    keys: tuple[str, ...]
    fingerprint: str

    def __len__(self) -> int: ...

    def meta(self, index: int) -> SampleMeta: ...

    def cameras(self, index: int) -> Cameras: ...

    def has(self, index: int, field: str) -> bool: ...

    def field(self, index: int, field: str) -> bytes: ...

    def read(
        self, index: int, names: Iterable[str] = ("rgb",), views: Iterable[int] | None = None
    ) -> dict[str, np.ndarray]: ...


def decoded(
    meta: SampleMeta,
    field: Callable[[str], bytes],
    name: str,
    names: Iterable[str] = ("rgb",),
    views: Iterable[int] | None = None,
) -> dict[str, np.ndarray]:
    """Returns {pass: array [V, H, W, C]} of one sample, whose fields `field` gives by their names: the wanted passes
    and views (default: all views). Raises ShardError, beginning with `name`, for a picture that is not as `meta` says.
    """
    arrays: dict[str, list] = {wanted: [] for wanted in names}
    for view in range(len(meta.cameras)) if views is None else views:
        stored: dict[str, np.ndarray] = {}
        for wanted in arrays:
            inside_rgb = wanted == "alpha" and wanted not in meta.files
            holder = "rgb" if inside_rgb else wanted
            file = (meta.files.get(holder) or PASSES[holder].file).format(view=view)
            if file not in stored:
                stored[file] = _image(field(file), meta, f"{name}: field {file}")
            arrays[wanted].append(codecs.alpha_of(stored[file]) if inside_rgb else dequantise(wanted, stored[file]))
    return {wanted: np.stack(images) for wanted, images in arrays.items()}


def _image(data: bytes, meta: SampleMeta, name: str) -> np.ndarray:
    try:
        image = png.decode(data)  # any format that Pillow reads
    except ValueError as error:
        raise ShardError(f"{name}: {error}") from error
    width, height = meta.cameras.width, meta.cameras.height
    if image.shape[:2] != (height, width):
        raise ShardError(f"{name}: expected {width} x {height} pixels, got {image.shape[1]} x {image.shape[0]}")
    return image


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
        """Returns the bytes of one field of sample `index`."""
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

    def meta(self, index: int) -> SampleMeta:
        """Returns what the sample's json says, of the pictures of the reader's size. Raises ShardError naming the
        sample when it is not one of this version.
        """
        meta = parse_meta(self.field(index, "json"), self._name(index))
        return meta if self.size is None else meta.at_size(self.size, self._name(index))

    def cameras(self, index: int) -> Cameras:
        return self.meta(index).cameras

    def read(
        self, index: int, names: Iterable[str] = ("rgb",), views: Iterable[int] | None = None
    ) -> dict[str, np.ndarray]:
        """Returns {pass: array [V, H, W, C]} of the wanted passes and views (default: all views), as the renderer made
        them up to storage.
        """
        return decoded(self.meta(index), partial(self.field, index), self._name(index), names, views)

    def _name(self, index: int) -> str:
        sample = self._samples[index]
        return f"{self.store.at(sample.tar)}: sample {sample.key}"
