"""Captions in three lengths and tags, composed from the recipe: nothing is said that is not there."""

from detailverse import details, families
from detailverse.grammar.recipe import Recipe


def compose(recipe: Recipe) -> dict:
    """Returns {"short": the thing, "medium": with the details of its main surface, "long": all details and materials,
    "tags": [names]}.
    """
    kind, thing = families.name_of(recipe.family), recipe.family.words()
    visible = {skin: [detail.words() for detail in layers] for skin, layers in recipe.visible().items() if layers}
    main = next(iter(recipe.family.skins()), None)
    medium = thing + "".join(f", {words}" for words in visible.get(main, ())[:1])
    rest = [f"its {place(skin)} {' and '.join(words)}" for skin, words in visible.items()]
    slots = [f"{place(slot)} of {recipe.finishes[slot].name}" for slot in recipe.family.finishes()]
    long = "; ".join([thing, *rest, *slots]) + "."
    kinds = sorted(
        {details.to_dict(detail)["kind"].replace("_", " ") for layers in recipe.visible().values() for detail in layers}
    )
    tags = [
        kind,
        next(row[3] for row in families.FAMILIES if row[0] == kind),
        f"level:{recipe.level}",
        *(f"detail:{name}" for name in kinds),
        *sorted({f"material:{recipe.finishes[slot].name}" for slot in recipe.family.finishes()}),
    ]
    return {"short": thing, "medium": medium, "long": long[0].upper() + long[1:], "tags": tags}


def place(name: str) -> str:
    """Returns a part's or slot's name as words: `lid.knob` as `knob of the lid`, `left_arm` as `left arm`."""
    *outer, inner = name.replace("_", " ").split(".")
    return inner + "".join(f" of the {group}" for group in reversed(outer))
