"""Reads the samples of a folder of shards by their number, and decodes only what is asked for."""

import hashlib
import warnings
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from renderers.cameras import Cameras
from renderers.passes import PASSES, dequantise
from renderers.shards import codecs
from renderers.shards.format import (
    ShardError,
    at_size,
    cameras_of,
    check_meta,
    folded,
    read_sidecar,
    sidecar_of,
    tars_of,
)
from renderers.shards.storage import Local, Store, open_store
from zeroverse.core import png


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
