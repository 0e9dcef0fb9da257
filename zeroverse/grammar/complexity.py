"""How complex an object is, in the terms of its grammar; what makes training unstable is told by them (LRM-Zero table
10).
"""

from zeroverse.edits import of_objects


def complexity(recipe: dict) -> dict:
    """Returns JSON-ready numbers of a recipe's JSON.

    primitives: parts. cut, wireframe, …: whether the object has that edit. height_fields: share of the surfaces that
    have one. thinnest: the shortest side of any part over the longest side of any. texture_frequency: cycles per unit,
    mean over
        the surfaces, 0 for a plain one.
    """
    surfaces = [surface for part in recipe["parts"] for surface in part["surfaces"]]
    edit, scales = (recipe.get("edit") or {}).get("kind"), [part["scale"] for part in recipe["parts"]]
    return {
        "primitives": len(recipe["parts"]),
        **{name: edit == name for name in of_objects()},
        "height_fields": sum(surface["height"] is not None for surface in surfaces) / len(surfaces),
        "thinnest": min(map(min, scales)) / max(map(max, scales)),
        "texture_frequency": sum(surface["texture"].get("frequency", 0.0) for surface in surfaces) / len(surfaces),
    }
