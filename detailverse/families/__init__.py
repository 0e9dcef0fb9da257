"""Structure families. A new one is a class in one of these files and a row here; tests, gallery and command line pick it up."""
from detailverse.families import architecture_columns, swatch, vessels
from detailverse.family import Family
from zeroverse.rng import Rng

FAMILIES = (  # name, class, weight, kind of thing
    ("vase", vessels.Vase, 1.0, "vessel"),
    ("swatch", swatch.Swatch, 0.0, "sample"),  # weight 0: only on request; the gallery shows details on it
    ("column", architecture_columns.Column, 1.0, "architecture"),
)

BY_NAME = {name: family for name, family, _, _ in FAMILIES}
_NAMES = {family: name for name, family in BY_NAME.items()}


def name_of(family: Family) -> str:
    return _NAMES[type(family)]


def sample(rng: Rng, name: str | None = None) -> Family:
    """Draw a family by weight, or the one called `name`, then its parameters from a stream of its own. Raises ValueError for an unknown name."""
    if name is not None and name not in BY_NAME:
        raise ValueError(f"family: expected one of {', '.join(BY_NAME)}; got {name!r}")
    kind = name or rng.child("kind").choice(BY_NAME, [weight for _, _, weight, _ in FAMILIES])
    return BY_NAME[kind].sample(rng.child(kind))
