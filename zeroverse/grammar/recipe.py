"""Recipe: everything that is needed to rebuild an object bit for bit, as frozen records and as JSON that a hand can
edit.
"""

from dataclasses import dataclass, fields, is_dataclass

from zeroverse import textures
from zeroverse.core.check import integer, numbers, quat
from zeroverse.edits import OBJECT_EDITS, HeightField
from zeroverse.shapes import BY_NAME, name_of

GRAMMAR_VERSION = "1"  # a new one for every change in what a seed or a recipe gives


@dataclass(frozen=True)
class Surface:
    texture: textures.Texture
    height: HeightField | None = None


@dataclass(frozen=True)
class Part:
    """A primitive. scale: factors on the local axes, half-extents for all but the torus; rotation: wxyz; center: in the
    composite's frame.
    """

    shape: object
    scale: tuple[float, float, float]
    rotation: tuple[float, float, float, float]
    center: tuple[float, float, float]
    surfaces: tuple[Surface, ...]

    def __post_init__(self):
        object.__setattr__(self, "scale", numbers("scale", self.scale, 3, positive=True))
        object.__setattr__(self, "rotation", quat("rotation", self.rotation))
        object.__setattr__(self, "center", numbers("center", self.center, 3))
        if len(self.surfaces) != self.shape.SURFACES:
            raise ValueError(
                f"surfaces: expected {self.shape.SURFACES} for a {name_of(self.shape)}, got {len(self.surfaces)}"
            )


@dataclass(frozen=True)
class Recipe:
    """parts are united, then `edit` (a cut, a wireframe or None) is applied; the paper never does both."""

    version: str
    texture_size: int
    parts: tuple[Part, ...]
    edit: object | None = None

    def __post_init__(self):
        integer("texture_size", self.texture_size, 16, 4096)
        if self.version != GRAMMAR_VERSION:
            raise ValueError(
                f"version: expected {GRAMMAR_VERSION!r}, got {self.version!r}: another release of the grammar made "
                f"this recipe"
            )
        if not self.parts:
            raise ValueError("parts: expected at least one part, got none")


def to_dict(record) -> dict:
    """A recipe, or any record in it, as JSON types; shapes and edits say their `kind`."""
    if isinstance(record, textures.Texture):
        return _plain(textures.to_dict(record))
    kinds = {kind: name for name, kind in (*BY_NAME.items(), *OBJECT_EDITS.items())}
    head = {"kind": kinds[type(record)]} if type(record) in kinds else {}
    return head | {spec.name: _plain(getattr(record, spec.name)) for spec in fields(record)}


def from_dict(data: dict) -> Recipe:
    """The inverse of `to_dict`. Raises ValueError naming the path, as in `parts[2].scale: expected three positive
    numbers, got [1, -2, 0]`.
    """
    return _record(Recipe, data, "")


def _plain(value):
    if is_dataclass(value):
        return to_dict(value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (tuple, list)) else value


def _record(kind, data, path: str):
    """A `kind` from a dict with exactly its fields; nested records by the field's name."""
    expected = [spec.name for spec in fields(kind)]
    if not isinstance(data, dict) or set(data) - {"kind"} != set(expected):
        got = ", ".join(data) if isinstance(data, dict) else repr(data)
        raise ValueError(f"{path or 'recipe'}: expected {', '.join(expected) or 'no parameters'}; got {got}")
    values = {name: _READERS.get(name, _value)(data[name], f"{path}.{name}".lstrip(".")) for name in expected}
    try:
        return kind(**values)
    except ValueError as error:
        raise ValueError(f"{path}.{error}".lstrip(".")) from None


def _value(value, path: str):
    return tuple(value) if isinstance(value, list) else value


def _list_of(kind):
    def read(value, path):
        if not isinstance(value, list):
            raise ValueError(f"{path}: expected a list, got {value!r}")
        return tuple(_record(kind, item, f"{path}[{number}]") for number, item in enumerate(value))

    return read


def _one_of(kinds: dict[str, type]):
    def read(value, path):
        name = value.get("kind") if isinstance(value, dict) else value
        if name not in kinds:
            raise ValueError(f"{path}.kind: expected one of {', '.join(kinds)}; got {name!r}")
        return _record(kinds[name], value, path)

    return read


def _optional(read):
    return lambda value, path: None if value is None else read(value, path)


def _texture(value, path):
    if not isinstance(value, dict):
        raise ValueError(f"{path}: expected a texture, got {value!r}")
    try:
        return textures.from_dict(value)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


_READERS = {
    "parts": _list_of(Part),
    "surfaces": _list_of(Surface),
    "shape": _one_of(BY_NAME),
    "texture": _texture,
    "height": _optional(lambda value, path: _record(HeightField, value, path)),
    "edit": _optional(_one_of(OBJECT_EDITS)),
}
