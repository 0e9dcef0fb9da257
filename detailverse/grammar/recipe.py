"""Recipe: everything that is needed to rebuild a detailed object bit for bit, as frozen records and as JSON that a hand
can edit.
"""

from dataclasses import dataclass, fields, replace

from detailverse import details, families, materials
from detailverse.family import Family
from detailverse.modelling.solid import ORNAMENT
from zeroverse.core import serialise
from zeroverse.core.record import Record, checked, whole

VERSION = "2"  # a new one for every change in what a seed or a recipe gives
LEVELS = range(5)
GEOMETRY = "geometry_sha256"  # beside a stored recipe: the hash of the geometry that it gave


@dataclass(frozen=True)
class Layer(Record):
    """A detail on a skin, there from `level` on."""

    level: int = checked(lambda value: whole(value, LEVELS[1], LEVELS[-1]))
    detail: object


@dataclass(frozen=True)
class Finish:
    """What a slot is made of: the name of the mixture it was sampled from, for captions, and the material itself."""

    name: str
    material: materials.Material

    def __post_init__(self):
        if self.name not in materials.FINISHES:
            raise ValueError(f"name: expected one of {', '.join(materials.FINISHES)}; got {self.name!r}")


@dataclass(frozen=True)
class Recipe(Record):
    """A structure, the details on its skins, the materials of its slots. The same recipe at two levels is the same
    object, coarse and fine.

    level: 0 (the bare structure) … 4. layers: skin -> details, in the order they are laid. finishes: slot -> what it is
        made of.
    """

    version: str
    level: int = checked(lambda value: whole(value, LEVELS[0], LEVELS[-1]))
    texture_size: int = checked(lambda value: whole(value, 64, 8192))
    family: Family
    layers: dict[str, tuple[Layer, ...]]
    finishes: dict[str, Finish]

    def __post_init__(self):
        super().__post_init__()
        if self.version != VERSION:
            raise ValueError(
                f"version: expected {VERSION!r}, got {self.version!r}: another release of the grammar made this recipe"
            )
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
        """Returns the details of every skin at this level."""
        return {
            skin: tuple(layer.detail for layer in layers if layer.level <= self.level)
            for skin, layers in self.layers.items()
        }

    def at(self, level: int) -> "Recipe":
        """Returns the same object at another level."""
        return replace(self, level=level)


FAMILIES = serialise.Table("family", lambda: families.BY_NAME)


def to_dict(recipe: Recipe) -> dict:
    """Returns the recipe as JSON types; families say which `family` they are, details their `kind`."""
    layers = {
        skin: [{"level": layer.level, **details.to_dict(layer.detail)} for layer in layers]
        for skin, layers in recipe.layers.items()
    }
    finishes = {slot: {"name": one.name, **materials.to_dict(one.material)} for slot, one in recipe.finishes.items()}
    return {
        "version": recipe.version,
        "level": recipe.level,
        "texture_size": recipe.texture_size,
        "family": serialise.plain(recipe.family, FAMILIES),
        "layers": layers,
        "finishes": finishes,
    }


def from_dict(data: dict) -> Recipe:
    """Returns the recipe that `to_dict` stored; the hash of its geometry may stand beside it.

    Raises ValueError naming node and argument: `layers.body[1]: Flutes.depth: expected a number from …, got 2`.
    """
    values = {key: value for key, value in data.items() if key != GEOMETRY} if isinstance(data, dict) else data
    return serialise.read(Recipe, values, "", readers=_READERS)


def _version(value, path: str) -> str:
    """Returns the version: it is read first, since of another release every other field may be another."""
    if value != VERSION:
        raise ValueError(
            f"{path}: expected {VERSION!r}, got {value!r}: another release of the grammar made this recipe"
        )
    return value


def _family(data, path: str) -> Family:
    name, kind, values = FAMILIES.split(serialise.typed(data, dict, path), path)
    names = sorted(spec.name for spec in fields(kind))
    if set(names) != set(values):
        raise ValueError(serialise.first_wrong(path, names, values, f"{{}} parameter {{!r}} of a {name}"))
    read = {
        key: _family(value, f"{path}.{key}") if isinstance(value, dict) else _tupled(value)
        for key, value in values.items()
    }
    return serialise.beneath(path, lambda: kind(**read))


def _tupled(value):
    return tuple(_tupled(item) for item in value) if isinstance(value, list) else value


def _layers(data, path: str) -> dict[str, tuple[Layer, ...]]:
    read = serialise.list_of(_layer)
    return {skin: read(items, f"{path}.{skin}") for skin, items in serialise.typed(data, dict, path).items()}


def _layer(data, path: str) -> Layer:
    values = dict(serialise.typed(data, dict, path))
    both = {"level": values.pop("level", None), "detail": values}
    return serialise.beneath(path, lambda: serialise.read(Layer, both, "", readers={"detail": _detail}))


def _detail(data, path: str):
    return details.from_dict(data)


def _finishes(data, path: str) -> dict[str, Finish]:
    return {slot: _finish(item, f"{path}.{slot}") for slot, item in serialise.typed(data, dict, path).items()}


def _finish(data, path: str) -> Finish:
    values = dict(serialise.typed(data, dict, path))
    name = values.pop("name", None)
    return serialise.beneath(path, lambda: Finish(name, materials.from_dict(values)))


_READERS = {"version": _version, "family": _family, "layers": _layers, "finishes": _finishes}
