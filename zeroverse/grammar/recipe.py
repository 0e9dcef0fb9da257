"""Recipe: everything that is needed to rebuild an object bit for bit, as frozen records and as JSON that a hand can
edit.
"""

from dataclasses import dataclass
from functools import partial

from zeroverse import edits, shapes, textures
from zeroverse.core import serialise
from zeroverse.core.record import Record, checked, quaternion, vector, whole

GRAMMAR_VERSION = "1"  # a new one for every change in what a seed or a recipe gives


@dataclass(frozen=True)
class Surface:
    """What a surface of a part looks like, and its relief or None."""

    texture: textures.Texture
    height: edits.HeightField | None = None


@dataclass(frozen=True)
class Part(Record):
    """A primitive. scale: factors on the local axes, half-extents for all but the torus; rotation: wxyz; center: in the
    composite's frame.
    """

    shape: object
    scale: tuple[float, float, float] = checked(partial(vector, positive=True))
    rotation: tuple[float, float, float, float] = checked(quaternion)
    center: tuple[float, float, float] = checked(vector)
    surfaces: tuple[Surface, ...]

    def __post_init__(self):
        super().__post_init__()
        if len(self.surfaces) != self.shape.SURFACES:
            raise ValueError(
                f"surfaces: expected {self.shape.SURFACES} for a {shapes.name_of(self.shape)}, got {len(self.surfaces)}"
            )


@dataclass(frozen=True)
class Recipe(Record):
    """Parts that are united, then changed by `edit`, a cut or a wireframe or None; the paper never does both."""

    version: str
    texture_size: int = checked(lambda value: whole(value, 16, 4096))
    parts: tuple[Part, ...]
    edit: object | None = None

    def __post_init__(self):
        super().__post_init__()
        if self.version != GRAMMAR_VERSION:
            raise ValueError(
                f"version: expected {GRAMMAR_VERSION!r}, got {self.version!r}: another release of the grammar made "
                f"this recipe"
            )
        if not self.parts:
            raise ValueError("parts: expected at least one part, got none")


SHAPES = serialise.Table("kind", shapes.kinds)
EDITS = serialise.Table("kind", edits.of_objects)


def to_dict(record) -> dict:
    """Returns a recipe, or any record in it, as JSON types; shapes and edits say their `kind`, textures their
    `family`.
    """
    return serialise.plain(record, SHAPES, EDITS, textures.TABLE)


def from_dict(data: dict) -> Recipe:
    """Returns the recipe that `to_dict` stored. Raises ValueError naming the path, as in `parts[2].scale: expected
    three positive numbers, got [1, -2, 0]`.
    """
    return _read(Recipe, data, "")


def _read(kind, data, path: str):
    return serialise.read(kind, data, path, readers=_READERS)


def _one_of(table: serialise.Table):
    def read(value, path):
        _, kind, values = table.split(value, path)
        return _read(kind, values, path)

    return read


def _texture(value, path):
    if not isinstance(value, dict):
        raise ValueError(f"{path}: expected a texture, got {value!r}")
    return serialise.beneath(path, textures.from_dict, value)


_READERS = {
    "parts": serialise.list_of(partial(_read, Part)),
    "surfaces": serialise.list_of(partial(_read, Surface)),
    "shape": _one_of(SHAPES),
    "texture": _texture,
    "height": serialise.optional(partial(_read, edits.HeightField)),
    "edit": serialise.optional(_one_of(EDITS)),
}
