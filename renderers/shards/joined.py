"""Several folders of shards as one set, as joint training wants them (LRM-Zero, appendix C: 800K Zeroverse objects and
800K of Objaverse).
"""

import hashlib
import warnings
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np

from renderers.cameras import Cameras
from renderers.shards.format import ShardError, halves
from renderers.shards.meta import SampleMeta
from renderers.shards.reader import ShardReader


class JoinedReader:
    """The samples of several ShardReaders, those of the first one first: a sample of a large set and one of a small set
    are drawn equally often.

    The order counts: another one gives other batches, and another fingerprint. Raises ShardError where two sets have a
    sample of the same key, or where the first sample of a set has other passes or another image size than that of the
    first set; their numbers of views may differ.
    """

    def __init__(self, readers: Sequence[ShardReader]):
        self.readers = tuple(readers)
        _expect_alike(self.readers)
        self._starts = [0, *accumulate(len(reader) for reader in self.readers)]
        self.keys = tuple(key for reader in self.readers for key in reader.keys)
        _expect_no_clash(self.readers)
        self.fingerprint = hashlib.sha256("+".join(reader.fingerprint for reader in self.readers).encode()).hexdigest()

    def __len__(self) -> int:
        return self._starts[-1]

    def meta(self, index: int) -> SampleMeta:
        reader, place = self._at(index)
        return reader.meta(place)

    def has(self, index: int, field: str) -> bool:
        reader, place = self._at(index)
        return reader.has(place, field)

    def field(self, index: int, field: str) -> bytes:
        reader, place = self._at(index)
        return reader.field(place, field)

    def cameras(self, index: int) -> Cameras:
        reader, place = self._at(index)
        return reader.cameras(place)

    def read(
        self, index: int, names: Iterable[str] = ("rgb",), views: Iterable[int] | None = None
    ) -> dict[str, np.ndarray]:
        reader, place = self._at(index)
        return reader.read(place, names, views)

    def _at(self, index: int) -> tuple[ShardReader, int]:
        """Sample `index`: its reader, and its place there; negative ones count from the end, as in a ShardReader."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"index: expected {-len(self)} to {len(self) - 1}, got {index}")
        number = bisect_right(self._starts, index % len(self)) - 1
        return self.readers[number], index % len(self) - self._starts[number]


def open_shards(
    folders: Sequence[str | Path], size: int | None = None, on_error: str = "raise"
) -> ShardReader | JoinedReader:
    """Returns a reader of one folder, or of several as one set; size, on_error: as of ShardReader. Warns of shards that
    are not whole. Raises ShardError.
    """
    readers = [ShardReader(folder, size, on_error) for folder in folders]
    for reader in readers:
        if missing := halves(reader.store):
            warnings.warn(
                f"{reader.store}: {len(missing)} shards are left out, as they are not whole; the first: {missing[0]}",
                stacklevel=2,
            )
    return readers[0] if len(readers) == 1 else JoinedReader(readers)


def _expect_alike(readers: Sequence[ShardReader]) -> None:
    first, *others = [(reader, _looks(reader)) for reader in readers]
    for reader, looks in others:
        odd = next((name for name in looks if looks[name] != first[1][name]), None)
        if odd:
            raise ShardError(
                f"{reader.store}: {odd}: expected {first[1][odd]} as in {first[0].store}, got {looks[odd]}"
            )


def _looks(reader: ShardReader) -> dict[str, str]:
    meta = reader.meta(0)
    return {"passes": " ".join(sorted(meta.passes)), "image_size": f"{meta.cameras.width} x {meta.cameras.height}"}


def _expect_no_clash(readers: Sequence[ShardReader]) -> None:
    """Keys name samples in logs and draw their held-out views; and a set given twice would be nothing but the same
    objects more often.
    """
    found: dict[str, ShardReader] = {}
    for reader in readers:
        twin = next((key for key in reader.keys if key in found), None)
        if twin is not None:
            raise ShardError(
                f"{reader.store}: sample {twin}: expected keys that no other set has, got one of {found[twin].store} "
                f"too"
            )
        found |= dict.fromkeys(reader.keys, reader)
