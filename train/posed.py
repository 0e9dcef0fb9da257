"""Posed images: views of one object with their cameras, from a folder of shards or from folders with a camera file."""
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from renderers.camera import Cameras, from_opencv_json, from_transforms_json
from renderers.shards import ShardReader
from train.data import composite
from zeroverse import png

CAMERA_FILES = {"opencv_cameras.json": from_opencv_json, "transforms.json": from_transforms_json}  # name -> how it is read; the first found counts


class PosedError(ValueError):
    """A folder without usable posed images; the message names the folder, file or key."""


@dataclass(frozen=True, eq=False)
class Posed:
    """One object's views. `read(views)` gives sRGB 0..255 on white: uint8 or float32 [v, H, W, 3].

    shape(views) gives what is known beside colour: alpha, float32 [v, H, W, 1] in 0..1, and depth, float32 [v, H, W, 1], 0 where there is no surface.
    """

    name: str
    cameras: Cameras
    read: Callable[[Sequence[int]], np.ndarray]
    shape: Callable[[Sequence[int]], dict[str, np.ndarray]] = lambda views: {}


def find(folder: str | Path) -> list[Posed]:
    """Every object with posed views in a folder: samples of its shards, or it and its sub-folders with a camera file, by name."""
    folder = Path(folder)
    if any(folder.glob("*.tar")):
        reader = ShardReader(folder)
        sources = [_ShardViews(reader, index) for index in range(len(reader))]
        return [Posed(key, reader.cameras(index), sources[index], sources[index].shape) for index, key in enumerate(reader.keys)]
    found = [item for item in (_camera_file(path) for path in (folder, *sorted(path for path in folder.iterdir() if path.is_dir()))) if item]
    if not found:
        raise PosedError(f"{folder}: expected shards (*.tar), or {' or '.join(CAMERA_FILES)} in it or in its sub-folders")
    return [_from_json(file) for file in found]


def _camera_file(folder: Path) -> Path | None:
    return next((folder / name for name in CAMERA_FILES if (folder / name).is_file()), None)


def _from_json(file: Path) -> Posed:
    try:
        cameras, names = CAMERA_FILES[file.name](json.loads(file.read_bytes()))
    except ValueError as error:
        raise PosedError(f"{file}: {error}") from error
    missing = [name for name in names if not (file.parent / name).is_file()]
    if missing:
        raise PosedError(f"{file}: {len(missing)} of {len(names)} images are missing, the first is {missing[0]}")
    views = _FileViews([file.parent / name for name in names], cameras)
    return Posed(file.parent.resolve().name, cameras, views, views.shape)


@dataclass(frozen=True)
class _ShardViews:
    reader: ShardReader
    index: int

    def __call__(self, views) -> np.ndarray:
        images = self.reader.read(self.index, ("rgb", "alpha"), views)
        return composite(images["rgb"], images["alpha"])

    def shape(self, views) -> dict[str, np.ndarray]:
        known = ("alpha", "depth") if "depth" in self.reader.meta(self.index)["passes"] else ("alpha",)
        images = self.reader.read(self.index, known, views)
        return {name: np.float32(image) / (255 if name == "alpha" else 1) for name, image in images.items()}


@dataclass(frozen=True)
class _FileViews:
    paths: list[Path]
    cameras: Cameras

    def __call__(self, views) -> np.ndarray:
        return np.stack([_on_white(self._image(self.paths[view])) for view in views])

    def shape(self, views) -> dict[str, np.ndarray]:
        images = [self._image(self.paths[view]) for view in views]
        return {"alpha": np.stack([image[..., 3:] for image in images]) / np.float32(255)} if all(image.shape[2] == 4 for image in images) else {}

    def _image(self, path: Path) -> np.ndarray:
        """[H, W, 3 or 4] as it is in the file."""
        try:
            image = png.decode(path.read_bytes())
        except ValueError as error:
            raise PosedError(f"{path}: {error}") from error
        expected = (self.cameras.height, self.cameras.width)
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[:2] != expected:
            raise PosedError(f"{path}: expected 8-bit colour of {expected[1]} x {expected[0]} pixels, got {image.dtype} {list(image.shape)}")
        return image


def _on_white(image: np.ndarray) -> np.ndarray:
    if image.shape[2] == 3 or _is_on_white(image):
        return image[..., :3]
    return composite(image[..., :3], image[..., 3:])


def _is_on_white(rgba: np.ndarray) -> bool:
    """Whether colour is blended on white already, as in the published GSO renders: then it is white wherever alpha is 0."""
    empty = rgba[..., 3] == 0
    return bool(empty.any() and (rgba[empty][:, :3] == 255).all())
