"""Posed images: views of one object with their cameras, from a folder of shards or from folders with a camera file."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageOps

from renderers.cameras import OPENGL_AXES, Cameras
from renderers.cameras.files import from_opencv_json, from_transforms_json
from renderers.passes import on_white
from renderers.shards import ShardReader
from train.data.picture_files import mask_names, picture_file

CAMERA_FILES = ("opencv_cameras.json", "transforms.json", "transforms_train.json")  # the first found counts
ROUNDED = 2  # levels of 255: what 8 bits lose of colour and alpha
OPAQUE = 0.5  # alpha from which a pixel counts as the object


class PosedError(ValueError):
    """A folder without usable posed images; the message names the folder, file or key."""


@dataclass(frozen=True, eq=False)
class Posed:
    """One object's views. `read(views)` gives sRGB 0..255 on white: uint8 or float32 [v, H, W, 3].

    shape(views) gives what is known beside colour: alpha, float32 [v, H, W, 1] in 0..1, and depth, float32 [v, H, W,
    1], 0 where there is no surface.
    axes: of the camera in the file that the cameras are from, as what its x, y, z must be multiplied by to be OpenCV's.
    """

    name: str
    cameras: Cameras
    read: Callable[[Sequence[int]], np.ndarray]
    shape: Callable[[Sequence[int]], dict[str, np.ndarray]] = lambda views: {}
    axes: tuple[int, int, int] = (1, 1, 1)


class Subject(NamedTuple):
    """An object with views, still unread. version: of its data, so that scores of others are not taken for its own;
    open: reads its cameras.

    Both raise PosedError, or what the reader of its files raises.
    """

    name: str
    version: Callable[[], str]
    open: Callable[[], Posed]


def find(folder: str | Path) -> list[Subject]:
    """Returns every object with posed views in a folder: samples of its shards, or it and its sub-folders with a camera
    file, by name.
    """
    folder = Path(folder)
    if any(folder.glob("*.tar")):
        reader = ShardReader(
            folder, on_error="skip"
        )  # of a shard in pieces, whole samples can be read, and the others say what is wrong
        return [
            Subject(key, lambda: reader.fingerprint, lambda index=index: _from_shard(reader, index))
            for index, key in enumerate(reader.keys)
        ]
    found = [
        file
        for file in map(_camera_file, (folder, *sorted(path for path in folder.iterdir() if path.is_dir())))
        if file
    ]
    if not found:
        raise PosedError(
            f"{folder}: expected shards (*.tar), or {' or '.join(CAMERA_FILES)} in it or in its sub-folders"
        )
    return [
        Subject(file.parent.resolve().name, lambda file=file: _version(file), lambda file=file: _from_json(file))
        for file in found
    ]


def expect_shown(name: str, alpha: np.ndarray) -> None:
    """Raises PosedError for views, alpha [v, H, W, 1], of which none shows anything: white on white would score, and
    look, perfect.
    """
    if not (alpha > OPAQUE).any():
        raise PosedError(
            f"{name}: transparent: nothing is opaque in any of {len(alpha)} views of {alpha.shape[2]} x "
            f"{alpha.shape[1]} pixels"
        )


def _camera_file(folder: Path) -> Path | None:
    return next((folder / name for name in CAMERA_FILES if (folder / name).is_file()), None)


def _version(file: Path) -> str:
    views, digest = _file_views(file), hashlib.sha256(file.read_bytes())
    for path in (*views.paths, *filter(None, views.masks)):
        digest.update(f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _from_shard(reader: ShardReader, index: int) -> Posed:
    views = _ShardViews(reader, index)
    return Posed(reader.keys[index], reader.cameras(index), views, views.shape)


def _from_json(file: Path) -> Posed:
    views = _file_views(file)
    axes = (1, 1, 1) if _is_opencv(file) else OPENGL_AXES
    return Posed(file.parent.resolve().name, views.cameras, views, views.shape, axes)


def _file_views(file: Path) -> "_FileViews":
    try:
        data = json.loads(file.read_bytes())
        cameras, names = (
            from_opencv_json(data)
            if _is_opencv(file)
            else from_transforms_json(
                data, lambda name: _size(file.parent / name), lambda name: picture_file(file.parent, name)
            )
        )
        names = [picture_file(file.parent, name) for name in names]
        masks = [name and picture_file(file.parent, name) for name in mask_names(data)]
    except (ValueError, TypeError) as error:  # the latter for a list, say, in the place of a number
        raise PosedError(f"{file}: {error}") from error
    for what, paths in (("images", names), ("masks", [name for name in masks if name])):
        missing = [name for name in paths if not (file.parent / name).is_file()]
        if missing:
            raise PosedError(f"{file}: {len(missing)} of {len(names)} {what} are missing, the first is {missing[0]}")
    folder = file.parent
    return _FileViews([folder / name for name in names], cameras, [name and folder / name for name in masks])


def _is_opencv(file: Path) -> bool:
    return file.name == CAMERA_FILES[0]


@dataclass(frozen=True)
class _ShardViews:
    reader: ShardReader
    index: int

    def __call__(self, views) -> np.ndarray:
        images = self.reader.read(self.index, ("rgb", "alpha"), views)
        return on_white(images["rgb"], images["alpha"])

    def shape(self, views) -> dict[str, np.ndarray]:
        known = ("alpha", "depth") if "depth" in self.reader.meta(self.index).passes else ("alpha",)
        images = self.reader.read(self.index, known, views)
        return {name: np.float32(image) / (255 if name == "alpha" else 1) for name, image in images.items()}


@dataclass(frozen=True)
class _FileViews:
    paths: list[Path]
    cameras: Cameras
    masks: list[Path | None]

    def __call__(self, views) -> np.ndarray:
        return np.stack([_on_white(self._image(view)) for view in views])

    def shape(self, views) -> dict[str, np.ndarray]:
        images = [self._image(view) for view in views]
        return (
            {"alpha": np.stack([image[..., 3:] for image in images]) / np.float32(255)}
            if all(image.shape[2] == 4 for image in images)
            else {}
        )

    def _image(self, view: int) -> np.ndarray:
        """With the mask for alpha where the picture has none of its own, which is finer than a mask."""
        size = (self.cameras.width, self.cameras.height)
        image, mask = _picture(self.paths[view], size), self.masks[view]
        if mask is None or image.shape[2] == 4 and image[..., 3].min() < 255:
            return image
        return np.concatenate([image[..., :3], _shine(_picture(mask, size))[..., None]], axis=-1)


def _shine(mask: np.ndarray) -> np.ndarray:
    """[H, W] of a mask [H, W, 3 or 4]: white is the object, black or transparent is not."""
    light = mask[..., :3].max(axis=-1)
    return light if mask.shape[2] == 3 else np.minimum(light, mask[..., 3])


TURNED = (
    "its EXIF data turn it, and nothing says whether its camera is that of the turned image or of the stored "
    "one: save the images without such data"
)
UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    Image.DecompressionBombError,
)  # what Pillow makes of foreign, truncated or damaged bytes


def _picture(path: Path, size: tuple[int, int]) -> np.ndarray:
    """uint8 [H, W, 3 or 4], with alpha if the file has any, of the size (width, height); grey, palettes and CMYK as
    colour, 16-bit colour in 8 bits.
    """
    try:
        with Image.open(path) as image:
            if image.mode.startswith(("I", "F")):
                raise PosedError(f"{path}: expected 8-bit colour or grey, got the mode {image.mode!r}")
            return np.asarray(_upright(image, size, path).convert("RGBA" if image.has_transparency_data else "RGB"))
    except PosedError:
        raise
    except UNREADABLE as error:
        raise PosedError(f"{path}: not a readable image: {error}") from error


def _upright(image: Image.Image, size: tuple[int, int], path: Path) -> Image.Image:
    """A phone writes pixels as its sensor lies, and beside them, in EXIF, how to turn them. Some tools that find
    cameras do so, others do not: where the size does not tell, nothing does.
    """
    ways = [image, ImageOps.exif_transpose(image)] if _is_turned(image) else [image]
    fitting = [way for way in ways if way.size == size]
    if not fitting:
        raise PosedError(
            f"{path}: expected {size[0]} x {size[1]} pixels, as its camera has, got {image.width} x {image.height}"
        )
    if len(fitting) > 1:
        raise PosedError(f"{path}: {TURNED}")
    return fitting[0]


def _is_turned(image: Image.Image) -> bool:
    return image.getexif().get(ExifTags.Base.Orientation, 1) != 1


def _size(path: Path) -> tuple[int, int]:
    """(width, height) of an image. Raises PosedError."""
    try:
        with Image.open(path) as image:
            if _is_turned(image):
                raise PosedError(f"{path}: {TURNED}")
            return image.size
    except PosedError:
        raise
    except UNREADABLE as error:
        raise PosedError(f"no readable image, whose size would be that of the cameras: {error}") from error


def _on_white(image: np.ndarray) -> np.ndarray:
    if image.shape[2] == 3 or _is_on_white(image):
        return image[..., :3]
    return on_white(image[..., :3], image[..., 3:])


def _is_on_white(rgba: np.ndarray) -> bool:
    """Whether colour is blended on white already, as in the published GSO renders: then it is white where alpha is 0,
    and nowhere darker than the white that shines through, in sRGB or linear. Straight colour may have white where alpha
    is 0 too, but then the rims of what is dark are too dark.
    """
    alpha, color = rgba[..., 3], rgba[..., :3].min(axis=-1)
    through = 255 - alpha.astype(np.int16)
    return bool((alpha == 0).any() and (color >= through - ROUNDED).all())
