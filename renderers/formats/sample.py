"""One object of a folder of shards, as the formats see it."""

from functools import cached_property
from pathlib import Path

import numpy as np

from renderers.cameras import Cameras
from renderers.passes import quantise
from renderers.shards import SampleMeta, ShardReader
from zeroverse.core import png
from zeroverse.core.rng import Rng


class ExportError(ValueError):
    """An object that a format cannot express; the message names folder, object and what is in the way."""


class Sample:
    """Sample `index` of a reader: its json, cameras, and files by pass and view."""

    def __init__(self, reader: ShardReader, index: int):
        self.reader = reader
        self.index = index

    @cached_property
    def meta(self) -> SampleMeta:
        return self.reader.meta(self.index)

    @cached_property
    def cameras(self) -> Cameras:
        return self.meta.cameras

    def error(self, problem: str) -> ExportError:
        return ExportError(f"{self.reader.folder}: sample {self.meta.uid}: {problem}")

    def has(self, name: str) -> bool:
        """Returns whether it holds a pass, or a field."""
        return name in self.meta.passes or self.reader.has(self.index, name)

    def copy(self, name: str, view: int, path: Path) -> None:
        """Writes a pass's image to `path` as PNG, rgb with alpha: byte for byte where it is stored so, decoded where it
        is WebP or JPEG.
        """
        files = self.meta.files
        if files[name].endswith(".png") and not (name == "rgb" and "alpha" in files):
            path.write_bytes(self.reader.field(self.index, files[name].format(view=view)))
            return
        images = self.reader.read(self.index, ("rgb", "alpha") if name == "rgb" else (name,), [view])
        path.write_bytes(
            png.encode(np.concatenate([quantise(part, image[0]) for part, image in images.items()], axis=-1))
        )

    def surface(self, rng: Rng, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Returns up to `count` points of the surface as the views see it, an equal share from each view, spread over
        its pixels.

        Returns points [N, 3] in the world, colors [N, 3] uint8, views [N], and pixels [N, 2], the (x, y) of the pixel
        centres they lie behind. Off the true surface by the depth's rounding only, 5e-5 along the optical axis.
        """
        parts = []
        share = -(-count // len(self.cameras))
        for view in range(len(self.cameras)):
            images = self.reader.read(self.index, ("rgb", "depth"), [view])
            row, column = np.nonzero(images["depth"][0, ..., 0])
            kept = _spread(rng.child("view", view), len(row), share)
            row, column = row[kept], column[kept]
            pixels = np.stack([column + 0.5, row + 0.5], axis=1)
            points = _lift(self.cameras, view, pixels, images["depth"][0, row, column, 0])
            parts.append((points, images["rgb"][0, row, column], np.full(len(row), view), pixels))
        points, colors, views, pixels = (np.concatenate(column) for column in zip(*parts))
        return points, colors, views, pixels


def _spread(rng: Rng, available: int, wanted: int) -> np.ndarray:
    """Sorted indices below `available`, one from each of `wanted` equal ranges; all of them when there are no more than
    wanted.
    """
    if available <= wanted:
        return np.arange(available)
    return ((np.arange(wanted) + rng.unit(wanted)) * available / wanted).astype(np.int64)


def _lift(cameras: Cameras, view: int, pixels: np.ndarray, depth: np.ndarray) -> np.ndarray:  # [N, 2], [N] -> [N, 3]
    focal, center = cameras.intrinsics[view, :2], cameras.intrinsics[view, 2:]
    local = np.concatenate([(pixels - center) / focal, np.ones((len(pixels), 1))], axis=1) * depth[:, None]
    return np.einsum("ij,nj->ni", cameras.c2w[view, :3, :3], local) + cameras.c2w[view, :3, 3]
