"""Samples of noise, which take no disk and no time to decode: what training costs by itself is measured on them."""

import numpy as np

from detailverse.labels.fields import NORMAL, to_npz_bytes
from renderers.cameras.rigs import turntable
from train.data.fields import FIELD, STORED
from zeroverse.core.rng import Rng

POINTS = 4096  # of each kind of a sample's fields


class Noise:
    """As much of a ShardReader as `ViewSampler` reads: objects whose views are noise."""

    fingerprint = "noise"

    def __init__(self, objects: int, views: int, size: int):
        self.keys, self._cameras = tuple(f"noise_{i}" for i in range(objects)), turntable(views, size)

    def __len__(self) -> int:
        return len(self.keys)

    def cameras(self, index: int):
        """Returns the views' cameras, the same for every object."""
        return self._cameras

    def read(self, index: int, names, views) -> dict[str, np.ndarray]:
        """Returns the passes of some views: uint8 noise; depth 1 and normals +Z, as far as they are asked for."""
        shape = (len(views), self._cameras.height, self._cameras.width)
        known = {"depth": np.ones((*shape, 1), np.float32), "normal": np.full((*shape, 3), (0, 0, 1), np.float32)}
        noise = lambda name, channels: (256 * Rng("noise", index, *views, name).unit((*shape, channels))).astype(
            np.uint8
        )
        return {name: known[name] if name in known else noise(name, 1 if name == "alpha" else 3) for name in names}


class NoiseFields:
    """As much of a ShardReader as `FieldSampler` reads: objects whose points and distances are noise."""

    fingerprint = "noise"

    def __init__(self, objects: int):
        self.keys = tuple(f"noise_{i}" for i in range(objects))

    def __len__(self) -> int:
        return len(self.keys)

    def has(self, index: int, field: str) -> bool:
        """Returns whether a sample has a field; it has none but those of shapes."""
        return field == FIELD

    def field(self, index: int, field: str) -> bytes:
        """Returns the fields of one object as its shard would hold them."""
        rng = Rng("noise fields", index)
        codes = lambda name: (2**16 * rng.child(name, "points").unit((POINTS, 3))).astype(np.uint16)
        normals, label = np.full((POINTS, 3), (0, 0, NORMAL), np.int16), np.full(POINTS, 0.01, np.float16)
        arrays = {}
        for kind, (_, second) in STORED.items():
            arrays |= {f"{kind}_points": codes(kind), f"{kind}_{second}": normals if second == "normals" else label}
        return to_npz_bytes(arrays)
