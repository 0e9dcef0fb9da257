"""What an MTL file says of a material, as the metallic-roughness material that renderers take, with its pictures."""

import math
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from trimesh.visual import TextureVisuals

from renderers.sources import untrusted
from renderers.sources.gltf.pictures import eight_bits
from renderers.sources.obj.beside import Beside
from renderers.sources.obj.mtl import Described, Map
from renderers.sources.obj.text import shown
from zeroverse.asset import AssetError
from zeroverse.material import FileMaterial, Sampler, uv_of

MISSING_TEXTURE = ("refuse", "white")
PLAIN_ROUGHNESS = 0.8  # of vertex colours without a material
WHITE, BLACK = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)
DEFAULT_COLOR = (0.4, 0.4, 0.4)  # of a material without Kd, as trimesh has it
_CHANNELS = {"r": 0, "g": 1, "b": 2, "m": 3, "z": 0}  # of -imfchan; l is luminance


BASE, SURFACE, NORMAL, EMISSION = "baseColorTexture", "metallicRoughnessTexture", "normalTexture", "emissiveTexture"


@dataclass(frozen=True, eq=False)
class Made:
    """A material, and for each of its maps how the file wants it placed."""

    material: FileMaterial
    places: dict[str, Map]


class Pictures:
    """The pictures and materials of one OBJ file, each read once. on_missing: what to do with one that is not there or
    cannot be read: `refuse` raises AssetError, `white` goes on without it and counts it.
    """

    def __init__(self, finder: Beside, on_missing: str):
        if on_missing not in MISSING_TEXTURE:
            raise ValueError(f"on_missing_texture: expected one of {', '.join(MISSING_TEXTURE)}, got {on_missing!r}")
        self.finder, self.on_missing = finder, on_missing
        self._images: dict[Path, Image.Image] = {}
        self._made: dict[bytes, Made] = {}
        self._missing: dict[str, str] = {}
        self._libraries: list[str] = []
        self._undefined: list[str] = []
        self._pixels = 0

    def notes(self) -> dict:
        """Returns what is worth keeping in the provenance: missing pictures, libraries that are not there, names of
        materials that no library has.
        """
        named = {
            "missing_textures": sorted(self._missing),
            "missing_libraries": self._libraries,
            "undefined_materials": sorted(self._undefined),
        }
        return {key: value for key, value in named.items() if value}

    def missing_library(self, name: bytes) -> None:
        self._libraries.append(shown(name))

    def undefined(self, name: bytes) -> None:
        """Notes that no library has a material of that name. Raises AssetError where the reason is that a library is
        missing.
        """
        if self._libraries and self.on_missing == "refuse":
            raise AssetError(
                f"{self.finder.path}: material {shown(name)!r}: its library {self._libraries[0]!r} is nowhere; with "
                f"--on-missing-texture white it is made without"
            )
        self._undefined.append(shown(name))

    def material(self, described: Described, folder: Path) -> Made:
        if described.name not in self._made:
            self._made[described.name] = _made(described, folder, self)
        return self._made[described.name]

    def image(self, map: Map, folder: Path) -> Image.Image | None:
        """Returns the picture that a map names, decoded; None where there is none and that is allowed."""
        found = self.finder.find(map.name, (folder,))
        if found is None:
            return self._without(map, "is nowhere")
        if found not in self._images:
            try:
                self._images[found] = self._opened(found)
            except (OSError, SyntaxError, ValueError, MemoryError) as error:  # what Pillow makes of damaged bytes
                if isinstance(error, AssetError):
                    raise
                return self._without(map, f"cannot be read: {type(error).__name__}: {error}")
        return self._images[found]

    def _without(self, map: Map, why: str) -> None:
        if self.on_missing == "refuse":
            raise AssetError(
                f"{self.finder.path}: picture {shown(map.name)[:200]!r} {why}; with --on-missing-texture white it is "
                f"made without"
            )
        self._missing[shown(map.name)] = why

    def _opened(self, path: Path) -> Image.Image:
        with warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning):  # our limit counts
            try:
                image = Image.open(path)
            except Image.DecompressionBombError as error:
                raise AssetError(f"{self.finder.path}: a picture is too large: {error}") from error
            width, height = image.size
            self._pixels += width * height
            if width * height > untrusted.MAX_PIXELS or self._pixels > untrusted.MAX_PIXELS_TOGETHER:
                raise AssetError(
                    f"{self.finder.path}: a picture is too large: expected at most {untrusted.MAX_PIXELS} pixels, and "
                    f"{untrusted.MAX_PIXELS_TOGETHER} together, got {width} x {height}"
                )
            image.load()
        return eight_bits(image)


def visual(made: Made | None, uvs: np.ndarray | None, colors: np.ndarray | None) -> TextureVisuals | None:
    """Returns how some faces look. uvs: [N, 2] of their vertices; colors: [N, 4] linear.

    Colours of vertices are factors of the material's colour; beside a picture they are left out, for scanners write
    both of the same surface.
    """
    if made is None and colors is None:
        return None if uvs is None else TextureVisuals(uv=uvs)
    if made is None:
        made = Made(FileMaterial(metallicFactor=0.0, roughnessFactor=PLAIN_ROUGHNESS), {})
    base = made.places.get(BASE, Map(b""))
    textured = TextureVisuals(uv=None if uvs is None else base.placed(uvs), material=made.material)
    if uvs is not None:
        for name, place in made.places.items():
            if (place.scale, place.offset) != (base.scale, base.offset):
                textured.vertex_attributes[uv_of(name)] = place.placed(uvs)
    if colors is not None and BASE not in made.places:
        textured.vertex_attributes["color"] = colors
    return textured


def _made(described: Described, folder: Path, pictures: Pictures) -> Made:
    maps = {key: map for key, map in described.maps.items() if map.name}
    images = {key: image for key, map in maps.items() if (image := pictures.image(map, folder)) is not None}
    _expect_alike(described, [maps[key] for key in (b"map_kd", b"map_d") if key in images], pictures)
    _expect_alike(described, [maps[key] for key in (b"map_pr", b"map_pm") if key in images], pictures)
    base = _with_gain(images[b"map_kd"], maps[b"map_kd"]) if b"map_kd" in images else None
    if b"map_d" in images:
        base = _with_alpha(base, _channel(images[b"map_d"], maps[b"map_d"]))
    alpha = _alpha(described)
    # exporters leave any grey in Kd beside a picture: Blender ignores it too; the same goes for the other factors
    color = WHITE if b"map_kd" in images else _color(described.numbers.get(b"kd"), DEFAULT_COLOR)
    users = {
        BASE: (b"map_kd", b"map_d"),
        SURFACE: (b"map_pr", b"map_pm"),
        NORMAL: (b"norm",),
        EMISSION: (b"map_ke",),
    }
    places = {name: maps[key] for name, keys in users.items() for key in keys[::-1] if key in images}
    material = FileMaterial(
        base_color=(*color, alpha),
        emission=WHITE if b"map_ke" in images else _color(described.numbers.get(b"ke"), BLACK, math.inf),
        normal_scale=maps[b"norm"].strength if b"norm" in images else 1.0,
        samplers={name: Sampler("clamp", "clamp") for name, place in places.items() if place.clamp},
        name=shown(described.name),
        baseColorTexture=base,
        metallicFactor=1.0 if b"map_pm" in images else min(max(described.numbers.get(b"pm", [0.0])[0], 0.0), 1.0),
        roughnessFactor=1.0 if b"map_pr" in images else _roughness(described),
        metallicRoughnessTexture=_surface(images, maps),
        normalTexture=images.get(b"norm"),
        emissiveTexture=images.get(b"map_ke"),
        alphaMode="BLEND" if alpha < 1.0 or b"map_d" in images else None,
    )
    return Made(material, places)


def _expect_alike(described: Described, maps: list[Map], pictures: Pictures) -> None:
    """Two pictures become one map: no texture coordinates are right for both if they are placed otherwise."""
    if len({(map.scale, map.offset, map.clamp) for map in maps}) > 1:
        raise AssetError(
            f"{pictures.finder.path}: material {shown(described.name)!r}: expected the same -s, -o and -clamp for "
            f"{shown(maps[0].name)!r} and {shown(maps[1].name)!r}"
        )


def _alpha(described: Described) -> float:
    """`d` counts where both are there: some exporters write a `Tr` that means the same as it, not its opposite."""
    numbers = described.numbers
    alpha = numbers[b"d"][0] if b"d" in numbers else 1.0 - numbers.get(b"tr", [0.0])[0]
    return min(max(alpha, 0.0), 1.0)


def _roughness(described: Described) -> float:
    if b"pr" in described.numbers:
        return min(max(described.numbers[b"pr"][0], 0.0), 1.0)
    gloss = max(described.numbers.get(b"ns", [1.0])[0], 0.0)
    return math.sqrt(math.sqrt(2.0 / (gloss + 2.0)))  # as trimesh's to_pbr, without the C library's pow


def _color(values: list[float] | None, default: tuple[float, ...], most: float = 1.0) -> tuple[float, ...]:
    """Linear RGB, as Blender takes it; one number stands for all three."""
    if not values:
        return default
    values = values if len(values) >= 3 else values[:1] * 3
    return tuple(min(max(value, 0.0), most) for value in values[:3])


# ------------------------------------------------------------------------------------------------------------- pictures


def _with_gain(image: Image.Image, map: Map) -> Image.Image:
    if map.gain == (0.0, 1.0):
        return image
    pixels = np.asarray(image.convert("RGBA"))
    changed = np.clip(255.0 * map.gain[0] + map.gain[1] * pixels[..., :3] + 0.5, 0, 255).astype(np.uint8)
    return Image.fromarray(np.concatenate([changed, pixels[..., 3:]], axis=-1))


def _channel(image: Image.Image, map: Map) -> np.ndarray:
    """Returns [h, w] uint8 of a picture that stands for one number: the channel of -imfchan; else its alpha where it
    has any, else its luminance.
    """
    rgba = np.asarray(image.convert("RGBA"))
    channel = map.channel or ("m" if image.has_transparency_data and rgba[..., 3].min() < 255 else "l")
    if channel in _CHANNELS:
        values = rgba[..., _CHANNELS[channel]]
    else:
        values = np.asarray(image.convert("RGB").convert("L"))
    if map.gain == (0.0, 1.0):
        return values
    return np.clip(255.0 * map.gain[0] + map.gain[1] * values + 0.5, 0, 255).astype(np.uint8)


def _with_alpha(base: Image.Image | None, alpha: np.ndarray) -> Image.Image:
    """The picture, white where there is none, with that alpha; the smaller of the two enlarged."""
    mask = Image.fromarray(alpha)
    base = Image.new("RGB", mask.size, (255, 255, 255)) if base is None else base.convert("RGB")
    size = (max(base.width, mask.width), max(base.height, mask.height))
    base, mask = (picture if picture.size == size else picture.resize(size) for picture in (base, mask))
    base = base.copy()
    base.putalpha(mask)
    return base


def _surface(images: dict[bytes, Image.Image], maps: dict[bytes, Map]) -> Image.Image | None:
    """glTF's map of roughness (green) and metal (blue) from two pictures in grey."""
    grey = {key: Image.fromarray(_channel(images[key], maps[key])) for key in (b"map_pr", b"map_pm") if key in images}
    if not grey:
        return None
    size = tuple(max(picture.size[axis] for picture in grey.values()) for axis in (0, 1))
    full = Image.new("L", size, 255)
    rough, metal = (
        grey[key].resize(size) if key in grey and grey[key].size != size else grey.get(key, full)
        for key in (b"map_pr", b"map_pm")
    )
    return Image.merge("RGB", (full, rough, metal))
