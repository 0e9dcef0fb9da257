"""Family: a structure that is sampled and built. Kit: what building takes from the recipe: the skins, the level, and
the way to nest another family.
"""

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from detailverse.modelling.skin import Skin
from detailverse.modelling.solid import Solid
from zeroverse.core.record import Record, parameter


@dataclass(frozen=True)
class Family(Record):
    """A frozen record of parameters; `build` makes the object, about 2 units long, +Z up, its front towards -y.

    SKINS: surface -> themes of the details that suit it (`details.DETAILS`); every surface that `build` asks the kit
        for, the main one first.
    FINISHES: material slot -> names of `materials.FINISHES` to choose from; every slot that its leaves use.
    PIECES: how many pieces may hang apart: the links of a chain. PLAIN: no ornaments stand on its skins; it has its
    own. A field that holds another family makes an object of several: its skins and slots are prefixed with the field's
    name.
    """

    SKINS: ClassVar[dict[str, tuple[str, ...]]] = {}
    FINISHES: ClassVar[dict[str, tuple[str, ...]]] = {}
    PIECES: ClassVar[int] = 1
    PLAIN: ClassVar[bool] = False

    def build(self, kit: "Kit") -> Solid:
        """Returns the solid. Pure: the same record and kit give the same bits."""
        raise NotImplementedError

    def words(self) -> str:
        """Returns what it is, for captions: `a footed vase with two handles`."""
        raise NotImplementedError

    def nested(self) -> dict[str, "Family"]:
        """Returns field -> the family it holds."""
        return {spec.name: value for spec in fields(self) if isinstance(value := getattr(self, spec.name), Family)}

    def skins(self) -> dict[str, tuple[str, ...]]:
        """Returns SKINS, with those of nested families."""
        inner = {
            f"{name}.{skin}": themes
            for name, family in self.nested().items()
            for skin, themes in family.skins().items()
        }
        return dict(self.SKINS) | inner

    def finishes(self) -> dict[str, tuple[str, ...]]:
        inner = {
            f"{name}.{slot}": names
            for name, family in self.nested().items()
            for slot, names in family.finishes().items()
        }
        return dict(self.FINISHES) | inner


@dataclass(frozen=True)
class Kit:
    """level: 0 … 4, for what a family adds by itself. details: skin -> the details laid on it, those of the level only.

    scale: object units per own unit. prefix: of the skins of a nested family, `lid.`. triangles: the most that all
        skins may have.
    """

    level: int = 4
    details: dict[str, tuple] = field(default_factory=dict)
    scale: float = 1.0
    prefix: str = ""
    triangles: int = 90_000

    def skin(self, name: str, copies: int = 1) -> Skin:
        """Returns the skin of a surface. copies: how often the part with this skin will stand in the object, for they
        share its triangles.
        """
        shares = max(1, sum(1 for layers in self.details.values() if layers)) * copies
        return Skin(self.details.get(self.prefix + name, ()), self.scale, self.triangles // shares)

    def nest(self, name: str, family: Family, scale: float, copies: int = 1) -> Solid:
        """Returns the family in the field `name`, built and scaled by `scale`, its labels and slots prefixed. copies:
        as in `skin`.
        """
        inner = Kit(self.level, self.details, self.scale * scale, f"{self.prefix}{name}.", self.triangles // copies)
        return family.build(inner).scale(scale).under(name)


def one_of(**kinds: type[Family]) -> Any:
    """Returns a field that holds an object of one of these families: `one_of(vase=Vase, finial=Finial)`.

    A kind is chosen uniformly, in the order given, and its parameters come from the stream of its name, so the names
    decide what a seed gives.
    """

    def draw(rng):
        name = rng.child("kind").choice(tuple(kinds))
        return kinds[name].sample(rng.child(name))

    def check(value):
        if type(value) not in kinds.values():
            raise ValueError(f"a family, one of {', '.join(kinds)}")
        return value

    return parameter(draw, check)
