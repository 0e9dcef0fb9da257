"""Textures from a folder of images: photographic PBR sets or loose pictures, laid on tri-planar in the solid frame with
mirrored repeat.

A folder with a map named albedo, basecolor, color or diffuse is a set; its roughness, metallic or metalness, normal,
and height or displacement maps are used where present. Every other readable image is a set of its own. The recipe keeps
the name relative to the folder the user has, and the hash of the colour image: the same pixels, or a clear error.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from zeroverse.core.jit import kernel, spliced
from zeroverse.core.record import parameter, scale, span
from zeroverse.core.rng import Rng
from zeroverse.textures.base import Fields, Texture, aligned_rotation
from zeroverse.textures.planar import lay

_PIXELS_PER_UNIT = 128.0  # of surface: what a 256-texel map of a face two units wide can show
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
# (map, names it goes by, lower case)
MAPS = (
    ("color", ("albedo", "basecolor", "base_color", "color", "diffuse", "diff", "col")),
    ("roughness", ("roughness", "rough")),
    ("metallic", ("metallic", "metalness", "metal")),
    ("normal", ("normal", "nor", "nor_gl", "normalgl")),
    ("height", ("height", "displacement", "disp")),
)


class ImageError(ValueError):
    """An image texture that cannot be used; the message names the file and says why."""


def _text(value):
    if not isinstance(value, str) or not value or value.startswith("/") or ".." in Path(value).parts:
        raise ValueError("a path relative to the texture folder")
    return value


def _sha256(value):
    if not isinstance(value, str) or len(value) != 64 or not set(value) <= set("0123456789abcdef"):
        raise ValueError("64 hexadecimal digits")
    return value


def _unsampled(rng: Rng):
    raise TypeError("an image texture is sampled by sample_from_folder, which knows the folder")


@dataclass(frozen=True)
class ImageTexture(Texture):
    """The recipe of an image texture: which pixels, and how they lie; `bind` reads them."""

    quat: tuple = aligned_rotation()
    name: str = parameter(_unsampled, _text)  # of a set's folder or of a loose image, relative to the texture folder
    sha256: str = parameter(_unsampled, _sha256)  # of the colour image's bytes
    frequency: float = scale(0.3, 1.2)  # repeats per unit
    relief: float = span(0.005, 0.04)  # of a height map, or of relief read from luminance, in surface units
    gloss: float = span(0.1, 0.7)  # where there is no roughness map

    def bind(self, folder: str | Path) -> "BoundImage":
        """Returns the texture with its pixels. Raises ImageError naming a missing, changed or unreadable file."""
        files = find_sets(folder).get(self.name)
        if files is None:
            raise ImageError(f"{Path(folder) / self.name}: no such image texture")
        found = _hash(files["color"])
        if found != self.sha256:
            raise ImageError(
                f"{files['color']}: changed since the recipe was sampled: expected sha256 {self.sha256}, got {found}"
            )
        return BoundImage(self, _load_set(tuple(sorted(files.items())), found, _PIXELS_PER_UNIT / self.frequency))

    def fields(self, points, normals) -> Fields:
        raise ImageError(f"{self.name}: an image texture has no pixels before bind(folder)")


def sample_from_folder(rng: Rng, folder: str | Path) -> ImageTexture:
    """Returns a texture of one of the folder's sets, each as likely, and of how it lies on the surface."""
    sets = find_sets(folder)
    if not sets:
        raise ImageError(f"{folder}: no images ({', '.join(SUFFIXES)}) in it or below it")
    name = rng.child("name").choice(sorted(sets))
    streams = {spec: rng.child(spec) for spec in ("quat", "offset", "frequency", "relief", "gloss")}
    values = {
        spec: ImageTexture.__dataclass_fields__[spec].metadata["sample"](stream) for spec, stream in streams.items()
    }
    return ImageTexture(name=name, sha256=_hash(sets[name]["color"]), **values)


def find_sets(folder: str | Path) -> dict[str, dict[str, Path]]:
    """Returns every set below the folder: its name relative to the folder -> map -> file. Names are POSIX, so recipes
    travel.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ImageError(f"{folder}: not a folder")
    return _find_sets(folder)


@lru_cache(maxsize=16)  # a run lists its folder once, not once per surface
def _find_sets(folder: Path) -> dict[str, dict[str, Path]]:
    sets = {}
    directories = sorted({path.parent for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES})
    for directory in directories:
        files = sorted(path for path in directory.iterdir() if path.suffix.lower() in SUFFIXES)
        maps = _maps_of(files)
        if "color" in maps and directory != folder:
            sets[directory.relative_to(folder).as_posix()] = maps
        else:
            sets.update({path.relative_to(folder).as_posix(): {"color": path} for path in files})
    return sets


def _maps_of(files: list[Path]) -> dict[str, Path]:
    """Returns which file is which map: its stem is one of the map's names, or ends in one after a separator."""
    found = {}
    for kind, names in MAPS:
        for path in files:
            stem = path.stem.lower().replace("-", "_")
            if any(stem == name or stem.endswith("_" + name) for name in names):
                found.setdefault(kind, path)
    return found


def _hash(path: Path) -> str:
    """Returns the sha256 of the file's bytes; they are read again only when its size or time changed, since every
    surface of every object asks.
    """
    try:
        stat = path.stat()
    except FileNotFoundError:
        raise ImageError(f"{path}: no such image") from None
    return _hash_of(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=100_000)
def _hash_of(path: Path, size: int, mtime_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@lru_cache(maxsize=64)  # about 1 MB each
def _load_set(files: tuple[tuple[str, Path], ...], sha256: str, width: float) -> dict[str, np.ndarray]:
    """Returns map -> [H, W, C] float32, 0 .. 1, halved to less than twice `width`; the hash is part of the key, so a
    changed file is read again.
    """
    maps = {kind: _halve(_load(path, "RGB" if kind in ("color", "normal") else "L"), width) for kind, path in files}
    if "normal" in maps and "height" not in maps:
        up = np.maximum(2.0 * maps["normal"][..., 2] - 1.0, 0.2)
        maps["integrated"] = _integrate(
            (1.0 - 2.0 * maps["normal"][..., 0]) / up, (1.0 - 2.0 * maps["normal"][..., 1]) / up
        )[..., None]
    return maps


def _halve(image: np.ndarray, width: float) -> np.ndarray:
    """Returns averages of 2 x 2 pixels until the image is narrower than twice `width`: texels are coarse, and skipped
    pixels would flicker.
    """
    while image.shape[1] >= 2.0 * width and min(image.shape[:2]) >= 4:
        even = image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2]
        image = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) * np.float32(0.25)
    return np.ascontiguousarray(image)


@kernel
def _integrate(rise_x, rise_y):  # [H, W] twice, rise per pixel to the right and upwards -> [H, W] height in pixels
    """The relief whose slopes are nearest a normal map's: over-relaxation of the Poisson equation with free borders.

    60 sweeps settle what is up to some thirty pixels long; longer waves are shape rather than relief.
    """
    rows, columns = rise_x.shape
    height = np.zeros((rows, columns), np.float32)
    for _ in range(60):
        for r in range(rows):
            for c in range(columns):
                total, neighbours = 0.0, 0
                if c > 0:
                    total += height[r, c - 1] + 0.5 * (rise_x[r, c - 1] + rise_x[r, c])
                    neighbours += 1
                if c < columns - 1:
                    total += height[r, c + 1] - 0.5 * (rise_x[r, c + 1] + rise_x[r, c])
                    neighbours += 1
                if r > 0:
                    total += height[r - 1, c] - 0.5 * (rise_y[r - 1, c] + rise_y[r, c])
                    neighbours += 1
                if r < rows - 1:
                    total += height[r + 1, c] + 0.5 * (rise_y[r + 1, c] + rise_y[r, c])
                    neighbours += 1
                height[r, c] += 1.8 * (total / max(neighbours, 1) - height[r, c])
    return height


@kernel
def _mirrored(image, u, v):  # [H, W, C], [N], [N] in image widths -> [N, C]
    """Bilinear look-up with mirrored repeat: no seam, whether or not the picture tiles. Row 0 is the top: v grows
    upwards.
    """
    rows, columns, channels = image.shape
    out = np.empty((u.size, channels), np.float32)
    for n in range(u.size):
        x, y = _fold(u[n] * columns, columns), rows - _fold(v[n] * columns, rows)
        x, y = min(max(x - 0.5, 0.0), columns - 1.0), min(max(y - 0.5, 0.0), rows - 1.0)
        c, r = min(int(x), max(columns - 2, 0)), min(int(y), max(rows - 2, 0))
        c1, r1 = min(c + 1, columns - 1), min(r + 1, rows - 1)
        fx, fy = x - c, y - r
        for k in range(channels):
            top = image[r, c, k] + fx * (image[r, c1, k] - image[r, c, k])
            bottom = image[r1, c, k] + fx * (image[r1, c1, k] - image[r1, c, k])
            out[n, k] = top + fy * (bottom - top)
    return out


@spliced
def _fold(x, size):
    """x reflected into 0 .. size."""
    x -= 2.0 * size * np.floor(x / (2.0 * size))
    return 2.0 * size - x if x > size else x


def _load(path: Path, mode: str) -> np.ndarray:
    try:
        with Image.open(path) as image:
            if image.mode.startswith("I"):  # 16-bit grey: Pillow's conversion to "L" clips instead of scaling
                return np.asarray(image, np.float32)[..., None] / np.float32(65535.0)
            pixels = np.asarray(image.convert(mode), np.float32) / np.float32(255.0)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ImageError(f"{path}: not a readable image: {error}") from error
    return np.ascontiguousarray(pixels.reshape(*pixels.shape[:2], -1))


@dataclass(frozen=True, eq=False)
class BoundImage:
    """An image texture with its pixels: gives fields, as every texture does."""

    recipe: ImageTexture
    maps: dict[str, np.ndarray]  # [H, W, C] float32 each

    def fields(self, points, normals) -> Fields:
        return lay(self._pattern, self.recipe.place(points), self.recipe.turn(normals))

    def _pattern(self, flat: np.ndarray, axis: int) -> tuple:
        u, v = (
            np.ascontiguousarray(flat[:, 0]) * self.recipe.frequency,
            np.ascontiguousarray(flat[:, 1]) * self.recipe.frequency,
        )
        read = lambda kind: _mirrored(self.maps[kind], u, v)[:, 0]
        color = _mirrored(self.maps["color"], u, v)
        light = color[:, 0] * np.float32(0.3) + color[:, 1] * np.float32(0.6) + color[:, 2] * np.float32(0.1)
        rough = read("roughness") if "roughness" in self.maps else 1.0 - self.recipe.gloss + 0.2 * (0.5 - light)
        metallic = read("metallic") if "metallic" in self.maps else 0.0
        if "integrated" in self.maps:
            height = read("integrated") / (self.maps["integrated"].shape[1] * self.recipe.frequency)
        else:
            height = self.recipe.relief * ((read("height") if "height" in self.maps else light) - 0.5)
        return color, rough, metallic, height
