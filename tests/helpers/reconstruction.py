"""A reader of made-up objects, and a reconstruction model small enough for a test."""

from dataclasses import replace

import numpy as np
import torch

from renderers.cameras.rigs import sphere_shell
from renderers.shards import ShardError
from train.data.views import ViewSampler
from train.models.lrm.config import LRMConfig, tiny
from zeroverse.core.rng import Rng


class FakeReader:
    """Objects as flat colours with a round alpha, in the sphere shell; `broken` ones cannot be read."""

    fingerprint = "fake"

    def __init__(self, objects=5, views=12, size=32, broken=()):
        self.keys = tuple(f"object_{i}" for i in range(objects))
        self.views, self.size, self.broken, self.reads = views, size, broken, 0

    def __len__(self):
        return len(self.keys)

    def cameras(self, index):
        return sphere_shell(Rng("fake", index), self.views, self.size)

    def read(self, index, names=("rgb",), views=None):
        if index in self.broken:
            raise ShardError(f"sample {self.keys[index]}: damaged")
        self.reads += len(views)
        x = np.arange(self.size) + 0.5 - self.size / 2
        alpha = (255 * (x**2 + x[:, None] ** 2 < (self.size / 3) ** 2)).astype(np.uint8)
        shades = np.array([[[[40 * index, 10 * view, 99]]] for view in views], dtype=np.uint8)  # [v, 1, 1, 3]
        shape = (len(views), self.size, self.size)
        both = {"rgb": np.broadcast_to(shades, (*shape, 3)), "alpha": np.broadcast_to(alpha[..., None], (*shape, 1))}
        return {name: both[name] for name in names}


def micro(**changes) -> LRMConfig:
    return replace(
        tiny(), **{**dict(preset="own", width=32, layers=2, heads=2, size=16, steps=4, batch=2, workers=1), **changes}
    )


def sampler(reader, objects=None, **changes):
    settings = {**dict(size=16, pool=8, inputs=4, targets=4, seed=0), **changes}
    return ViewSampler(reader, range(len(reader)) if objects is None else objects, **settings)


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
