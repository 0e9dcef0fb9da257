"""FileMaterial: what a glTF material says and trimesh's has no place for."""

import hashlib
from dataclasses import dataclass

import numpy as np
import trimesh

WRAPS = ("repeat", "mirror", "clamp")
FILTERS = ("linear", "nearest")
MAPS = ("baseColorTexture", "metallicRoughnessTexture", "normalTexture", "emissiveTexture", "occlusionTexture")


@dataclass(frozen=True)
class Sampler:
    """How a texture is read beyond its edges (`wrap_u`, `wrap_v`: one of WRAPS) and between its texels (`magnified`,
    `minified`: one of FILTERS).

    Smaller levels of a texture are averages over areas whatever the file says: labels and colours would flicker.
    """

    wrap_u: str = "repeat"
    wrap_v: str = "repeat"
    magnified: str = "linear"
    minified: str = "linear"

    def as_gltf(self) -> dict:
        """Returns the sampler as glTF's JSON."""
        wraps, filters = {"repeat": 10497, "mirror": 33648, "clamp": 33071}, {"linear": 9729, "nearest": 9728}
        return {
            "wrapS": wraps[self.wrap_u],
            "wrapT": wraps[self.wrap_v],
            "magFilter": filters[self.magnified],
            "minFilter": filters[self.minified],
        }


PLAIN = Sampler()


class FileMaterial(trimesh.visual.material.PBRMaterial):
    """A PBRMaterial with the exact factors of a glTF material and how its maps are read.

    base_color: linear RGBA; trimesh rounds its own `baseColorFactor` to 8 bits. emission: linear RGB, may exceed 1.
    unlit: what is seen is the base colour, whatever the light. samplers: map's name -> Sampler, for maps that are not
    read in the plain way. own_uvs: the maps whose texture coordinates are not `mesh.visual.uv`.

    Beside it, `mesh.visual.vertex_attributes` may hold `color` [N, 3 or 4], a linear factor of the base colour, and
    `uv_of(name)` [N, 2] for each map of `own_uvs`.
    """

    def __init__(
        self,
        base_color: tuple[float, ...] | None = None,
        emission: tuple[float, ...] = (0.0, 0.0, 0.0),
        normal_scale: float = 1.0,
        occlusion_strength: float = 1.0,
        unlit: bool = False,
        samplers: dict[str, Sampler] | None = None,
        own_uvs: tuple[str, ...] = (),
        **others,
    ):
        super().__init__(baseColorFactor=base_color, **others)
        self.base_color = (1.0, 1.0, 1.0, 1.0) if base_color is None else tuple(map(float, base_color))
        self.emission = tuple(map(float, emission))
        self.normal_scale, self.occlusion_strength = float(normal_scale), float(occlusion_strength)
        self.unlit, self.own_uvs = unlit, tuple(own_uvs)
        self.samplers = {name: sampler for name, sampler in (samplers or {}).items() if sampler != PLAIN}

    def sampler(self, name: str) -> Sampler:
        return self.samplers.get(name, PLAIN)

    def _exact(self) -> tuple:
        return (
            self.base_color,
            self.emission,
            self.normal_scale,
            self.occlusion_strength,
            self.unlit,
            self.own_uvs,
            tuple(sorted((name, *vars(sampler).values()) for name, sampler in self.samplers.items())),
        )

    def __hash__(self) -> int:
        """Two materials with one hash become one when a scene is written."""
        told = hashlib.sha256(repr(self._exact()).encode()).digest()
        return super().__hash__() ^ int.from_bytes(told[:7], "little")


def uv_of(name: str) -> str:
    """Returns the vertex attribute that holds the texture coordinates of the map `name`, where they are its own."""
    return f"uv_{name}"


def looks_of(visual) -> dict[str, np.ndarray]:
    """Returns the vertex attributes of a mesh's `visual` beside `uv`: colours, and coordinates of single maps."""
    attributes = getattr(visual, "vertex_attributes", {})
    return {name: attributes[name] for name in attributes if name != "uv"}
