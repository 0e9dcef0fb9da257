"""Materials that know the geometry: a solid texture and the layers that use leaves on it. `FINISHES`: what each finish
slot may look like.
"""

from dataclasses import dataclass

import numpy as np

from detailverse.materials.finishes import FINISHES, sample_parts
from detailverse.materials.layers import Layer, Signals
from detailverse.materials.solids import SOLIDS
from detailverse.materials.tones import Scheme, scheme
from zeroverse import textures
from zeroverse.core import serialise
from zeroverse.core.rng import Rng
from zeroverse.textures.base import Fields, Texture

__all__ = ["FINISHES", "Layer", "Material", "Scheme", "Signals", "from_dict", "sample", "scheme", "to_dict"]

_MOST_LAYERS = 4


@dataclass(frozen=True)
class Material:
    """base: a solid texture, in the frame and unit of the object. layers: what lies on it, the lowest first."""

    base: Texture
    layers: tuple[Layer, ...] = ()

    def __post_init__(self):
        if not isinstance(self.base, Texture):
            raise ValueError(f"Material.base: expected a Texture, got {self.base!r}")
        layers = tuple(self.layers)
        if len(layers) > _MOST_LAYERS or not all(isinstance(layer, Layer) for layer in layers):
            raise ValueError(f"Material.layers: expected up to {_MOST_LAYERS} of Layer, got {self.layers!r}")
        object.__setattr__(self, "layers", layers)

    def fields(self, points: np.ndarray, normals: np.ndarray, signals: Signals) -> Fields:
        """Returns the material at points and unit normals [N, 3] float64, where the surface bends and rises as
        `signals` says.
        """
        out = self.base.fields(points, normals)
        for layer in self.layers:
            out = layer.over(out, points, normals, signals)
        return out


def sample(rng: Rng, finish: str, hues: Scheme | None = None) -> Material:
    """Returns one look of a finish, `FINISHES`, by weight; hues: of its object, drawn if none. Raises ValueError naming
    a finish that is unknown.
    """
    return Material(*sample_parts(rng, finish, scheme(rng.child("scheme")) if hues is None else hues))


SOLID = serialise.Table("family", lambda: SOLIDS)


def to_dict(material: Material) -> dict:
    """Returns the material as JSON types."""
    return serialise.plain(material, SOLID, textures.TABLE)


def from_dict(data: dict) -> Material:
    """Returns the material that `to_dict` stored. Raises ValueError naming the key, as in `layers[1].amount: expected
    …`.
    """
    return serialise.read(Material, data, readers={"base": _base, "layers": serialise.list_of(_layer)})


def _base(data, path: str) -> Texture:
    if not isinstance(data, dict):
        raise ValueError(f"{path}: expected a texture, got {data!r}")
    if data.get("family") not in SOLIDS:
        return serialise.beneath(path, textures.from_dict, data)
    _, family, values = SOLID.split(data, path)
    return serialise.read(family, values, path, misfit=_misfit)


def _layer(data, path: str) -> Layer:
    return serialise.read(Layer, data, path, misfit=_misfit)


def _misfit(path: str, expected: list[str], data) -> str:
    """Returns the message about the first key that is missing or unknown."""
    if not isinstance(data, dict):
        return serialise.all_wrong(path, expected, data)
    return serialise.first_wrong(path, expected, data, "{} {!r}")
