"""The materials of a glTF file (section 3.9 of the specification, and the extensions in READ), as FileMaterial."""

from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image

from renderers.geometry.textures import srgb_tables
from renderers.sources.gltf.container import Document, Malformed, Missing, number, numbers, whole
from renderers.sources.gltf.pictures import Pictures
from zeroverse.asset import AssetError
from zeroverse.core.portable import cos_sin
from zeroverse.material import MAPS, FileMaterial, Sampler

BASE, SURFACE, NORMAL, EMISSION, OCCLUSION = MAPS
UNLIT, STRENGTH, GLOSS = "KHR_materials_unlit", "KHR_materials_emissive_strength", "KHR_materials_pbrSpecularGlossiness"
TRANSFORM, WEBP = "KHR_texture_transform", "EXT_texture_webp"
READ = (UNLIT, STRENGTH, GLOSS, TRANSFORM, WEBP)
_WRAPS = {10497: "repeat", 33648: "mirror", 33071: "clamp"}
_NEAREST = (9728, 9984, 9986)  # NEAREST, NEAREST_MIPMAP_NEAREST, NEAREST_MIPMAP_LINEAR
DIELECTRIC = 0.04


@dataclass(frozen=True)
class Place:
    """Which texture coordinates a map has: the set, and KHR_texture_transform's affine map of them."""

    set: int = 0
    offset: tuple[float, ...] = (0.0, 0.0)
    rotation: float = 0.0
    scale: tuple[float, ...] = (1.0, 1.0)

    def applied(self, uv: np.ndarray) -> np.ndarray:
        """Returns [N, 2] in glTF's coordinates, v down: scaled, then turned counter-clockwise as seen, then moved."""
        if self == Place(self.set):
            return uv
        cosine, sine = cos_sin(self.rotation)
        u, v = uv[:, 0] * self.scale[0], uv[:, 1] * self.scale[1]
        return np.stack(
            [cosine * u + sine * v + self.offset[0], cosine * v - sine * u + self.offset[1]], axis=1
        )  # what the extension's text and its test model say; its listing turns the other way


@dataclass(frozen=True, eq=False)
class Map:
    """A texture as a material uses it."""

    image: Image.Image
    place: Place
    sampler: Sampler


@dataclass
class Notes:
    """What a reader of the object should know: counted and named, for its provenance."""

    missing_textures: list[str] = field(default_factory=list)
    without_coordinates: set[str] = field(default_factory=set)
    points: int = 0
    lines: int = 0


def main(places: dict[str, Place]) -> Place:
    """Returns the place of the map whose coordinates are the mesh's own."""
    return next((places[name] for name in MAPS if name in places), Place())


class Materials:
    """The materials of a document by index, each built once."""

    def __init__(self, document: Document, notes: Notes, missing: str = "refuse"):
        self._document, self._pictures = document, Pictures(document)
        self._notes, self._missing = notes, missing
        self._known: dict[int, tuple[FileMaterial, dict[str, Place]]] = {}

    def get(self, index) -> tuple[FileMaterial, dict[str, Place]]:
        """Returns a material and the places of its maps. Raises AssetError for a texture that cannot be read."""
        if index not in self._known:
            self._known[index] = self._built(self._document.item("materials", index), f"materials[{index}]")
        return self._known[index]

    def _built(self, entry: dict, name: str) -> tuple[FileMaterial, dict[str, Place]]:
        document = self._document
        unlit = document.extension(entry, UNLIT) is not None
        gloss = document.extension(entry, GLOSS)
        if gloss is None:
            factors, maps = self._metallic_roughness(document.object(entry.get("pbrMetallicRoughness", {}), name))
        else:
            factors, maps = self._specular_glossiness(gloss, name)
        for key in (NORMAL, OCCLUSION, EMISSION):
            maps[key] = self._map(entry.get(key), f"{name}.{key}")
        if unlit:
            factors |= {"metallicFactor": 0.0, "roughnessFactor": 1.0}
            maps = {BASE: maps[BASE]}
        maps = {key: one for key, one in maps.items() if one is not None}
        places = {key: one.place for key, one in maps.items()}
        material = FileMaterial(
            own_uvs=tuple(key for key in places if places[key] != main(places)),
            emission=(0.0, 0.0, 0.0) if unlit else self._emission(entry),
            normal_scale=number(self._info(entry, NORMAL), "scale", 1.0),
            occlusion_strength=number(self._info(entry, OCCLUSION), "strength", 1.0),
            unlit=unlit,
            samplers={key: one.sampler for key, one in maps.items()},
            name=entry["name"] if isinstance(entry.get("name"), str) else None,
            doubleSided=entry.get("doubleSided") is True,
            **_alpha(entry, name),
            **factors,
            **{key: one.image for key, one in maps.items()},
        )
        return material, places

    def _info(self, entry: dict, key: str) -> dict:
        return self._document.object(entry.get(key, {}), key)

    def _emission(self, entry: dict) -> tuple[float, ...]:
        factor = numbers(entry.get("emissiveFactor", [0.0, 0.0, 0.0]), 3, "emissiveFactor")
        strength = number(self._document.extension(entry, STRENGTH) or {}, "emissiveStrength", 1.0)
        return tuple(max(one, 0.0) * max(strength, 0.0) for one in factor)

    def _metallic_roughness(self, entry: dict) -> tuple[dict, dict[str, Map | None]]:
        factors = {
            key: number(entry, key, 1.0) for key in ("metallicFactor", "roughnessFactor") if key in entry
        }  # the others stay undefined, which is 1
        if "baseColorFactor" in entry:
            factors["base_color"] = numbers(entry["baseColorFactor"], 4, "baseColorFactor")
        return factors, {key: self._map(entry.get(key), key) for key in (BASE, SURFACE)}

    def _specular_glossiness(self, entry: dict, name: str) -> tuple[dict, dict[str, Map | None]]:
        """Converts by the formula that the extension documents, texel by texel where there are textures."""
        diffuse = numbers(entry.get("diffuseFactor", [1.0] * 4), 4, "diffuseFactor")
        specular = numbers(entry.get("specularFactor", [1.0] * 3), 3, "specularFactor")
        gloss = number(entry, "glossinessFactor", 1.0)
        colour, shine = (self._map(entry.get(key), key) for key in ("diffuseTexture", "specularGlossinessTexture"))
        if colour is None and shine is None:
            base, metallic, roughness = converted(np.array(diffuse), np.array(specular), np.array(gloss))
            factors = {"metallicFactor": float(metallic), "roughnessFactor": float(roughness)}
            return factors | {"base_color": base.tolist()}, {BASE: None, SURFACE: None}
        if colour and shine and (colour.place, colour.sampler) != (shine.place, shine.sampler):
            raise AssetError(f"{self._document.path}: {name}: {GLOSS}: its two textures have different coordinates")
        size = max((one.image.size for one in (colour, shine) if one), key=lambda size: size[0] * size[1])
        base, metallic, roughness = converted(
            _texels(colour, size) * diffuse,
            _texels(shine, size)[..., :3] * specular,
            _texels(shine, size)[..., 3] * gloss,
        )
        surface = np.stack([np.zeros_like(metallic), roughness, metallic], axis=-1)
        known = colour or shine
        return {}, {
            BASE: replace(known, image=Image.fromarray(_encoded(base))),
            SURFACE: replace(known, image=Image.fromarray(np.uint8(surface * 255.0 + 0.5))),
        }

    def _map(self, info, name: str) -> Map | None:
        """Returns the texture that an entry of a material refers to; None where it refers to none, or to one that is
        missing and may be.
        """
        if info is None:
            return None
        document = self._document
        info = document.object(info, name)
        texture = document.item("textures", info.get("index"))
        transform = document.extension(info, TRANSFORM) or {}
        place = Place(
            whole(transform, "texCoord") if "texCoord" in transform else whole(info, "texCoord", 0),
            tuple(numbers(transform.get("offset", [0.0, 0.0]), 2, "offset")),
            number(transform, "rotation", 0.0),
            tuple(numbers(transform.get("scale", [1.0, 1.0]), 2, "scale")),
        )
        try:
            return Map(self._pictures.get(self._source(texture)), place, self._sampler(texture))
        except Missing as error:
            what = f"{name}: {self._called(texture)}: {error}"
            if self._missing == "refuse":
                raise AssetError(f"{document.path}: texture {what}") from error
            self._notes.missing_textures.append(what)
            return None

    def _source(self, texture: dict):
        webp = self._document.extension(texture, WEBP)
        if webp is not None and "source" in webp:
            return webp["source"]
        if "source" in texture:
            return texture["source"]
        others = ", ".join(map(str, self._document.object(texture.get("extensions", {}), "extensions")))
        raise Missing(f"is only there through {others}, which is not read" if others else "names no picture")

    def _called(self, texture: dict) -> str:
        """Returns what the file calls the picture of a texture, for messages."""
        try:
            entry = self._document.item("images", self._source(texture))
        except (Missing, Malformed):
            return "texture"
        uri = entry.get("uri") if isinstance(entry.get("uri"), str) else ""
        return repr(uri[:100]) if uri and not uri.startswith("data:") else repr(str(entry.get("name", "picture"))[:100])

    def _sampler(self, texture: dict) -> Sampler:
        entry = self._document.item("samplers", texture["sampler"]) if "sampler" in texture else {}
        wraps = [_choice(entry, key, _WRAPS, 10497) for key in ("wrapS", "wrapT")]
        filters = ["nearest" if whole(entry, key, 9729) in _NEAREST else "linear" for key in ("magFilter", "minFilter")]
        return Sampler(*wraps, *filters)


def _choice(entry: dict, key: str, names: dict[int, str], default: int) -> str:
    value = whole(entry, key, default)
    if value not in names:
        raise Malformed(f"{key}: expected one of {', '.join(map(str, names))}, got {value}")
    return names[value]


def _alpha(entry: dict, name: str) -> dict:
    mode = entry.get("alphaMode", "OPAQUE")
    if mode not in ("OPAQUE", "MASK", "BLEND"):
        raise Malformed(f"{name}.alphaMode: expected OPAQUE, MASK or BLEND, got {str(mode)[:20]}")
    told = {"alphaMode": mode} if "alphaMode" in entry else {}
    return told | ({"alphaCutoff": number(entry, "alphaCutoff", 0.5)} if "alphaCutoff" in entry else {})


# ------------------------------------------------------------------------------------------- specular and glossiness


def converted(diffuse, specular, glossiness):
    """Returns base colour [..., 4], metallic [...] and roughness [...] of a diffuse colour [..., 4], specular [..., 3]
    and glossiness [...], all linear: the conversion that KHR_materials_pbrSpecularGlossiness documents.
    """
    rest = 1.0 - specular.max(axis=-1)
    bright, shiny = _brightness(diffuse[..., :3]), _brightness(specular)
    b = bright * rest / (1.0 - DIELECTRIC) + shiny - 2.0 * DIELECTRIC
    root = np.sqrt(np.maximum(b * b - 4.0 * DIELECTRIC * (DIELECTRIC - shiny), 0.0))
    metallic = np.where(shiny < DIELECTRIC, 0.0, np.clip((root - b) / (2.0 * DIELECTRIC), 0.0, 1.0))[..., None]
    from_diffuse = diffuse[..., :3] * (rest[..., None] / (1.0 - DIELECTRIC) / np.maximum(1.0 - metallic, 1e-6))
    from_specular = (specular - DIELECTRIC * (1.0 - metallic)) / np.maximum(metallic, 1e-6)
    share = metallic * metallic
    base = np.clip(from_diffuse * (1.0 - share) + from_specular * share, 0.0, 1.0)
    roughness = np.clip(1.0 - glossiness, 0.0, 1.0)
    return np.concatenate([base, diffuse[..., 3:]], axis=-1), metallic[..., 0], roughness


def _brightness(colour):
    r, g, b = colour[..., 0], colour[..., 1], colour[..., 2]
    return np.sqrt(0.299 * r * r + 0.587 * g * g + 0.114 * b * b)


def _texels(one: Map | None, size: tuple[int, int]) -> np.ndarray:
    """Returns [h, w, 4] linear; both textures of the extension are sRGB but for their fourth channel."""
    if one is None:
        return np.ones((size[1], size[0], 4))
    image = one.image.convert("RGBA")
    image = np.asarray(image if image.size == size else image.resize(size, Image.Resampling.BILINEAR))
    return np.concatenate([srgb_tables()[0][image[..., :3]] / 65535.0, image[..., 3:] / 255.0], axis=-1)


def _encoded(colour: np.ndarray) -> np.ndarray:
    encode = srgb_tables()[1]
    rgb = encode[np.int64(colour[..., :3] * (len(encode) - 1) + 0.5)]
    return np.concatenate([rgb, np.uint8(np.clip(colour[..., 3:], 0.0, 1.0) * 255.0 + 0.5)], axis=-1)
