"""Materials that know the geometry: a solid texture and the layers that use leaves on it. `FINISHES`: what each finish
slot may look like.
"""

from dataclasses import dataclass, fields

import numpy as np

from detailverse.materials.finishes import FINISHES, sample_parts
from detailverse.materials.layers import Layer, Signals
from detailverse.materials.solids import SOLIDS
from detailverse.materials.tones import Scheme, scheme
from zeroverse import textures
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


def to_dict(material: Material) -> dict:
    """Returns the material as JSON types."""
    names = {family: name for name, family in SOLIDS.items()}
    kind = type(material.base)
    base = {"family": names[kind], **_values(material.base)} if kind in names else textures.to_dict(material.base)
    return {"base": _plain(base), "layers": [_plain(_values(layer)) for layer in material.layers]}


def from_dict(record: dict) -> Material:
    """Returns the material of such a dict: the inverse of `to_dict`, with or without JSON in between. Raises ValueError
    naming the key, as in `layers[1].amount: expected …`.
    """
    if not isinstance(record, dict) or set(record) != {"base", "layers"}:
        raise ValueError(
            f"material: expected base, layers; got "
            f"{', '.join(map(str, record)) if isinstance(record, dict) else repr(record)}"
        )
    if not isinstance(record["layers"], (list, tuple)):
        raise ValueError(f"layers: expected a list, got {record['layers']!r}")
    layers = tuple(_read(Layer, layer, f"layers[{number}]") for number, layer in enumerate(record["layers"]))
    return Material(_base(record["base"]), layers)


def _base(record) -> Texture:
    if not isinstance(record, dict):
        raise ValueError(f"base: expected a texture, got {record!r}")
    values = dict(record)
    if (family := values.get("family")) in SOLIDS:
        del values["family"]
        return _read(SOLIDS[family], values, "base")
    try:
        return textures.from_dict(values)
    except ValueError as error:
        raise ValueError(f"base: {error}") from None


def _read(kind, record, path: str):
    """Returns a `kind` from a dict with exactly its fields."""
    expected = [spec.name for spec in fields(kind)]
    if not isinstance(record, dict):
        raise ValueError(f"{path}: expected {', '.join(expected)}; got {record!r}")
    if wrong := sorted(set(expected) ^ set(record)):
        raise ValueError(
            f"{path}: {'unknown' if wrong[0] in record else 'missing'} {wrong[0]!r}; expected {', '.join(expected)}"
        )
    try:
        return kind(**record)
    except ValueError as error:
        raise ValueError(f"{path}.{str(error).partition('.')[2]}") from None


def _values(record) -> dict:
    return {spec.name: getattr(record, spec.name) for spec in fields(record)}


def _plain(value):
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (tuple, list)) else value
