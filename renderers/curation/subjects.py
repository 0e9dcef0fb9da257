"""What curation sees of an object: some views, points on its surface, and its triangles where there are any. From GLB
files or from shards.
"""

import functools
import hashlib
import tempfile
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

import renderers
from detailverse.spatial.sampling import POINTS, Points, surface_points, triangles_of
from renderers.cameras import Cameras, look_at, pinhole, spherical
from renderers.cameras.framing import framing_distance, moved_back
from renderers.farm import hull
from renderers.lighting import UNIFORM
from renderers.shards import ShardError, ShardReader
from renderers.sources.files import Files
from renderers.sources.load import load_file
from zeroverse.asset import Asset, AssetError
from zeroverse.core.rng import Rng

AZIMUTHS_DEG = (
    270,
    0,
    90,
    180,
    45,
    225,
    135,
    315,
)  # the first sees the front; the first four are TripoSG's views for scoring; two from above, two from below
ELEVATIONS_DEG = (20, 20, 20, 20, 50, 50, -25, -25)
FOV_DEG = 40.0
PASSES = ("rgb", "alpha", "depth", "normal", "albedo", "metallic_roughness")
NEEDED = ("rgb", "alpha", "depth", "normal")  # of shards
CELL = 1.8 / 64  # points of overlapping views are thinned to one weight per cell and side


class Unusable(ValueError):
    """An object that cannot be looked at; the message says why."""


@dataclass(frozen=True, eq=False)
class Subject:
    """uid; images {pass: [V, H, W, C]} of some views with their cameras; points: 16,384 over the surface; asset: None
    where only views are stored.
    """

    uid: str
    images: dict[str, np.ndarray]
    cameras: Cameras
    points: Points
    asset: Asset | None


def seen(asset: Asset, size: int) -> Subject:
    """An asset, rendered from around with the cpu backend. Raises Unusable."""
    try:
        points, faces = triangles_of(asset)
        if not len(faces):
            raise Unusable("no surface: every triangle has zero area")
        cameras = around(asset, size)
        images = renderers.load("cpu").render(asset, cameras, UNIFORM, PASSES)
    except AssetError as error:
        raise Unusable(str(error)) from error
    return Subject(asset.uid, images, cameras, surface_points(points, faces, Rng("curate", "points")), asset)


def around(asset: Asset, size: int) -> Cameras:
    """Eight cameras, each as near as shows the whole object."""
    cameras = pinhole(look_at(spherical(np.array(AZIMUTHS_DEG), np.array(ELEVATIONS_DEG), 1.0)), size, FOV_DEG)
    return moved_back(cameras, framing_distance(cameras, hull(asset)))


# ----------------------------------------------------------------------------------------------------------- where from


class Handle(NamedTuple):
    """How a worker finds the pool: small, where the pool itself holds the list of everything. token: another when the
    objects are others.
    """

    where: str
    size: int
    token: str
    on_missing_texture: str = "refuse"


@functools.lru_cache(maxsize=2)
def opened(handle: Handle) -> "Pool":
    """The pool of a handle, once per process."""
    return open_pool(handle.where, handle.size, handle.on_missing_texture)


@dataclass(frozen=True)
class GlbPool:
    """The GLB files of a folder. on_missing_texture: as `sources.load` has it."""

    folder: str
    size: int
    on_missing_texture: str = "refuse"

    @cached_property
    def files(self) -> Files:
        return Files(self.folder, on_missing_texture=self.on_missing_texture)

    @cached_property
    def handle(self) -> Handle:
        token = hashlib.sha256("\n".join(self.names).encode()).hexdigest()
        return Handle(self.folder, self.size, token, self.on_missing_texture)

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(self.files.uid(path) for path in self.files.paths)

    def source(self, index: int) -> str:
        return self.files.paths[index].relative_to(self.folder).as_posix()

    def stamp(self, index: int) -> list:
        """What is another when the object is another."""
        return [self.source(index), self.files.paths[index].stat().st_size, self.files.paths[index].stat().st_mtime_ns]

    def asset(self, index: int) -> Asset | None:
        try:
            return self.files.make(index)
        except AssetError as error:
            raise Unusable(str(error)) from error

    def subject(self, index: int) -> Subject:
        return seen(self.asset(index), self.size)


@dataclass(frozen=True)
class ShardPool:
    """The samples of a folder of shards: up to eight stored views each, and `mesh.glb` where they have it."""

    folder: str
    size: int

    @cached_property
    def reader(self) -> ShardReader:
        reader = ShardReader(self.folder)
        missing = [name for name in NEEDED if name not in reader.meta(0).passes]
        if missing:
            raise ShardError(
                f"{self.folder}: curation needs the passes {', '.join(NEEDED)}; these shards lack {', '.join(missing)}"
            )
        return reader

    @cached_property
    def handle(self) -> Handle:
        return Handle(self.folder, self.size, self.reader.fingerprint)

    @cached_property
    def names(self) -> tuple[str, ...]:
        return self.reader.keys

    def source(self, index: int) -> str:
        return f"sample {self.names[index]}"

    def stamp(self, index: int) -> list:
        return [self.reader.fingerprint, index]

    def asset(self, index: int) -> Asset | None:
        if not self.reader.has(index, "mesh.glb"):
            return None
        with tempfile.TemporaryDirectory(prefix="verse-") as folder:
            path = Path(folder) / "mesh.glb"
            path.write_bytes(self.reader.field(index, "mesh.glb"))
            try:
                return replace(load_file(path), uid=self.names[index])
            except AssetError as error:
                raise Unusable(f"mesh.glb: {str(error).removeprefix(f'{path}: ')}") from error

    def subject(self, index: int) -> Subject:
        try:
            meta = self.reader.meta(index)
            count = len(meta.cameras)
            views = sorted({round(i * count / len(AZIMUTHS_DEG)) % count for i in range(min(count, len(AZIMUTHS_DEG)))})
            images = self.reader.read(index, [name for name in PASSES if name in ("alpha", *meta.passes)], views)
        except ShardError as error:
            raise Unusable(str(error)) from error
        cameras, asset = self.reader.cameras(index)[views], self.asset(index)
        points = surface_points(*triangles_of(asset), Rng("curate", "points")) if asset else points_of(images, cameras)
        return Subject(self.names[index], images, cameras, points, asset)


Pool = GlbPool | ShardPool


def open_pool(where: str, size: int, on_missing_texture: str = "refuse") -> Pool:
    """The objects of a folder or fsspec URL of shards, or of a folder of GLB files. Raises ValueError where there is
    neither.
    """
    if "://" in where or any(Path(where).glob("*.tar")):
        return ShardPool(where, size)
    return GlbPool(where, size, on_missing_texture)


def points_of(images: dict[str, np.ndarray], cameras: Cameras) -> Points:
    """Points on what the views show, from depth and normals; every occupied cell of the volume and side of it counts
    the same.
    """
    rays_o, rays_d = cameras.rays()
    depth = images["depth"][..., 0]
    hit = (depth > 0) & (np.abs(images["normal"]).sum(axis=-1) > 0)
    if not hit.any():
        raise Unusable("no surface: every view is empty")
    along = (rays_d * cameras.c2w[:, None, None, :3, 2]).sum(axis=-1)
    position = (rays_o + rays_d * (depth / along)[..., None])[hit]
    normal = images["normal"][hit].astype(np.float64)
    cell = np.floor(position / CELL).astype(np.int64) + 4096
    side = np.argmax(np.abs(normal), axis=1) * 2 + (
        np.take_along_axis(normal, np.argmax(np.abs(normal), axis=1)[:, None], 1)[:, 0] > 0
    )
    _, where, times = np.unique(
        ((cell[:, 0] * 8192 + cell[:, 1]) * 8192 + cell[:, 2]) * 8 + side, return_inverse=True, return_counts=True
    )
    total = np.cumsum(1.0 / times[where])
    picks = np.searchsorted(total, (np.arange(POINTS) + 0.5) / POINTS * total[-1])
    return Points(position[np.minimum(picks, len(position) - 1)], normal[np.minimum(picks, len(position) - 1)])
