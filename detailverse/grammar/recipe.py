"""Recipe: everything that is needed to rebuild a detailed object bit for bit, as frozen records and as JSON that a hand
can edit.
"""

from dataclasses import dataclass, fields, replace

from detailverse import details, families, materials
from detailverse.family import Family
from detailverse.modelling.solid import ORNAMENT
from zeroverse.core.check import integer

VERSION = "2"  # a new one for every change in what a seed or a recipe gives
LEVELS = range(5)
GEOMETRY = "geometry_sha256"  # beside a stored recipe: the hash of the geometry that it gave


@dataclass(frozen=True)
class Layer:
    """A detail on a skin, there from `level` on."""

    level: int
    detail: object


@dataclass(frozen=True)
class Finish:
    """What a slot is made of: the name of the mixture it was drawn from, for captions, and the material itself."""

    name: str
    material: materials.Material

    def __post_init__(self):
        if self.name not in materials.FINISHES:
            raise ValueError(f"name: expected one of {', '.join(materials.FINISHES)}; got {self.name!r}")


@dataclass(frozen=True)
class Recipe:
    """A structure, the details on its skins, the materials of its slots. The same recipe at two levels is the same
    object, coarse and fine.

    level: 0 (the bare structure) … 4. layers: skin -> details, in the order they are laid. finishes: slot -> what it is
        made of.
    """

    version: str
    level: int
    texture_size: int
    family: Family
    layers: dict[str, tuple[Layer, ...]]
    finishes: dict[str, Finish]

    def __post_init__(self):
        if self.version != VERSION:
            raise ValueError(
                f"version: expected {VERSION!r}, got {self.version!r}: another release of the grammar made this recipe"
            )
        integer("level", self.level, LEVELS[0], LEVELS[-1])
        integer("texture_size", self.texture_size, 64, 8192)
        kind = families.name_of(self.family)
        if unknown := sorted(set(self.layers) - set(self.family.skins())):
            raise ValueError(
                f"layers: expected some of {', '.join(self.family.skins())} for a {kind}, got {unknown[0]!r}"
            )
        slots = {*self.family.finishes(), ORNAMENT}
        if wrong := sorted(slots ^ set(self.finishes)):
            fault = "missing" if wrong[0] in slots else "not one"
            raise ValueError(f"finishes: expected {', '.join(sorted(slots))} for a {kind}; {wrong[0]!r} is {fault}")

    def visible(self) -> dict[str, tuple]:
        """Skin -> its details at this level."""
        return {
            skin: tuple(layer.detail for layer in layers if layer.level <= self.level)
            for skin, layers in self.layers.items()
        }

    def at(self, level: int) -> "Recipe":
        return replace(self, level=level)


def to_dict(recipe: Recipe) -> dict:
    """JSON types; families say which `family` they are, details their `kind`."""
    return {
        "version": recipe.version,
        "level": recipe.level,
        "texture_size": recipe.texture_size,
        "family": _family(recipe.family),
        "layers": {
            skin: [{"level": layer.level, **details.to_dict(layer.detail)} for layer in layers]
            for skin, layers in recipe.layers.items()
        },
        "finishes": {
            slot: {"name": one.name, **materials.to_dict(one.material)} for slot, one in recipe.finishes.items()
        },
    }


def from_dict(data: dict) -> Recipe:
    """The inverse of `to_dict`; the hash of a stored recipe may stand beside it.

    Raises ValueError naming node and argument: `layers.body[1]: Flutes.depth: expected a number from …, got 2`.
    """
    expected = [spec.name for spec in fields(Recipe)]
    if not isinstance(data, dict) or set(data) - {GEOMETRY} != set(expected):
        raise ValueError(
            f"recipe: expected {', '.join(expected)}; got "
            f"{', '.join(map(str, data)) if isinstance(data, dict) else repr(data)}"
        )
    if data["version"] != VERSION:
        raise ValueError(
            f"version: expected {VERSION!r}, got {data['version']!r}: another release of the grammar made this recipe"
        )
    layers = {
        skin: tuple(
            _layer(item, f"layers.{skin}[{number}]")
            for number, item in enumerate(_typed(items, list, f"layers.{skin}"))
        )
        for skin, items in _typed(data["layers"], dict, "layers").items()
    }
    finishes = {
        slot: _finish(item, f"finishes.{slot}") for slot, item in _typed(data["finishes"], dict, "finishes").items()
    }
    return Recipe(
        data["version"], data["level"], data["texture_size"], _read_family(data["family"], "family"), layers, finishes
    )


def _family(family: Family) -> dict:
    return {"family": families.name_of(family)} | {
        spec.name: _plain(getattr(family, spec.name)) for spec in fields(family)
    }


def _plain(value):
    if isinstance(value, Family):
        return _family(value)
    return [_plain(item) for item in value] if isinstance(value, (tuple, list)) else value


def _read_family(data, path: str) -> Family:
    values = dict(_typed(data, dict, path))
    kind = values.pop("family", None)
    if kind not in families.BY_NAME:
        raise ValueError(f"{path}.family: expected one of {', '.join(families.BY_NAME)}; got {kind!r}")
    names = {spec.name for spec in fields(families.BY_NAME[kind])}
    if wrong := sorted(names ^ set(values)):
        fault = "missing" if wrong[0] in names else "unknown"
        raise ValueError(f"{path}: {fault} parameter {wrong[0]!r} of a {kind}; expected {', '.join(sorted(names))}")
    read = {
        name: _read_family(value, f"{path}.{name}") if isinstance(value, dict) else _tupled(value)
        for name, value in values.items()
    }
    return _at(path, lambda given: families.BY_NAME[kind](**given), read)


def _tupled(value):
    return tuple(_tupled(item) for item in value) if isinstance(value, list) else value


def _layer(data, path: str) -> Layer:
    values = dict(_typed(data, dict, path))
    level = values.pop("level", None)
    return Layer(
        _at(path, lambda value: integer("level", value, LEVELS[1], LEVELS[-1]), level),
        _at(path, details.from_dict, values),
    )


def _finish(data, path: str) -> Finish:
    values = dict(_typed(data, dict, path))
    name = values.pop("name", None)
    material = _at(path, materials.from_dict, values)
    return _at(path, lambda given: Finish(given, material), name)


def _at(path: str, read, value):
    try:
        return read(value)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _typed(value, kind: type, path: str):
    if not isinstance(value, kind):
        raise ValueError(f"{path}: expected a {'list' if kind is list else 'mapping'}, got {value!r}")
    return value
