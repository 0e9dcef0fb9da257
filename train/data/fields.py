"""Shards with `fields.npz` -> batches of surface points and signed distances, in the frame of
detailverse.labels.fields: the object fills [-1, 1]^3.
"""

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from torch import Tensor

from detailverse.labels.fields import NORMAL, decode, positions
from renderers.shards import ShardError
from train.data.sampler import ObjectSampler
from zeroverse.core.rng import Rng

FIELD = "fields.npz"
STORED = {  # kind of sample -> its arrays
    "random_surface": ("points", "normals"),
    "sharp_surface": ("points", "normals"),
    "random_near": ("points", "label"),
    "sharp_near": ("points", "label"),
    "vol": ("points", "label"),
}


class FieldSampler(ObjectSampler):
    """Samples points of one object out of those that its shard holds; the same in every run.

    points: on the surface, for the encoder, the share `salient` of them on creases; near, volume: distances to learn,
    half of the near ones beside creases; oriented: more surface points, whose normals are to be learned. objects,
    on_error: as of ObjectSampler. cache_gb: as of ViewSampler.
    """

    def __init__(
        self,
        reader,
        objects: Sequence[int],
        *,
        points: int,
        salient: float,
        near: int,
        volume: int,
        oriented: int,
        seed: int,
        cache_gb: float = 0.0,
        on_error: str = "raise",
    ):
        super().__init__(reader, objects, seed, on_error)
        self.points, self.salient, self.near, self.volume, self.oriented = points, salient, near, volume, oriented
        self._room, self._kept = int(cache_gb * 2**30), {}

    def batch(self, positions: Iterable[int]) -> dict[str, Tensor]:
        """Returns float32: surface [B, P, 6] points with normals; queries [B, Q, 3], near ones first, and distance [B,
        Q], negative inside; oriented [B, O, 6].
        """
        return super().batch(positions)

    def each_whole(self) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
        """Yields (index in the reader, all that is known: `detailverse.labels.fields.decode`) of every object that
        `on_error` lets pass.
        """
        for index in self.objects:
            try:
                yield index, decode(self._read(index))
            except (ShardError, OSError) as error:
                self._excuse(index, error)

    def _sample_object(self, position: int, index: int) -> dict[str, np.ndarray]:
        return self._sampled(index, Rng("points", self.seed, position))

    def _sampled(self, index: int, rng: Rng) -> dict[str, np.ndarray]:
        arrays = self._arrays(index)
        sharp, beside = round(self.salient * self.points), self.near // 2
        surface = [
            _oriented(arrays, "random_surface", rng.child("surface"), self.points - sharp),
            _oriented(arrays, "sharp_surface", rng.child("salient"), sharp),
        ]
        queries = [
            _labelled(arrays, "random_near", rng.child("near"), self.near - beside),
            _labelled(arrays, "sharp_near", rng.child("beside"), beside),
            _labelled(arrays, "vol", rng.child("volume"), self.volume),
        ]
        points, distance = map(np.concatenate, zip(*queries))
        return {
            "surface": np.concatenate(surface),
            "queries": points,
            "distance": distance,
            "oriented": _oriented(arrays, "random_surface", rng.child("oriented"), self.oriented),
        }

    def _arrays(self, index: int) -> dict[str, np.ndarray]:
        """As stored, which takes half the room of what they stand for."""
        if index in self._kept:
            return self._kept[index]
        stored, names = self._read(index), [f"{kind}_{array}" for kind, arrays in STORED.items() for array in arrays]
        missing = [name for name in names if name not in stored]
        if missing:
            raise ShardError(f"sample {self.reader.keys[index]}: {FIELD}: no {missing[0]}; it has {', '.join(stored)}")
        arrays = {name: stored[name] for name in names}
        wrong = next((name for name in names if name.endswith("label") and not np.isfinite(arrays[name]).all()), None)
        if wrong:
            raise ShardError(f"sample {self.reader.keys[index]}: {FIELD}: {wrong}: expected finite distances")
        size = sum(array.nbytes for array in arrays.values())
        if size <= self._room:
            self._room -= size
            self._kept[index] = arrays
        return arrays

    def _read(self, index: int) -> dict[str, np.ndarray]:
        data = self._bytes(index)
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        except (ValueError, EOFError, zipfile.BadZipFile) as error:
            raise ShardError(f"sample {self.reader.keys[index]}: {FIELD}: {error}") from error

    def _bytes(self, index: int) -> bytes:
        if not self.reader.has(index, FIELD):
            raise ShardError(
                f"sample {self.reader.keys[index]}: no {FIELD}: make the shards with verse generate detailverse "
                f"--fields vae"
            )
        return self.reader.field(index, FIELD)


def _some(rng: Rng, known: int, count: int) -> np.ndarray:  # [count] of 0 … known - 1, with repetition
    return (rng.unit(count) * known).astype(np.int64)


def _oriented(arrays, kind: str, rng: Rng, count: int) -> np.ndarray:  # [count, 6]
    chosen = _some(rng, len(arrays[f"{kind}_points"]), count)
    return np.concatenate(
        [
            positions(arrays[f"{kind}_points"][chosen]),
            arrays[f"{kind}_normals"][chosen].astype(np.float32) / np.float32(NORMAL),
        ],
        axis=1,
    )


def _labelled(arrays, kind: str, rng: Rng, count: int) -> tuple[np.ndarray, np.ndarray]:  # [count, 3], [count]
    chosen = _some(rng, len(arrays[f"{kind}_points"]), count)
    return positions(arrays[f"{kind}_points"][chosen]), arrays[f"{kind}_label"][chosen].astype(np.float32)
