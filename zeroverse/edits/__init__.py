"""What happens to shapes. Adding an edit of the object: a file with a frozen record like `Cut`, and a row here.

An edit of the object has `sample(rng, shapes, sample_texture)`, where `shapes` names the primitives that the mixture
lets it use, `apply(solid, jitter) -> Solid`, and `words()` for the caption. An edit of a surface moves its vertices
before the parts are united; the one there is has a field of its own in a recipe's `Surface`.
"""

from zeroverse.edits.cut import Cut
from zeroverse.edits.height_field import HeightField
from zeroverse.edits.wireframe import Wireframe

__all__ = ["EDITS", "Cut", "HeightField", "Wireframe", "of_objects", "shares"]

EDITS = (  # name, class, what it acts on, probability in the paper
    ("height_field", HeightField, "surface", 0.5),
    ("cut", Cut, "object", 0.4),
    ("wireframe", Wireframe, "object", 0.2),
)


def of_objects() -> dict[str, type]:
    """Returns the class of every edit of whole objects, by name; an object has one of them or none."""
    return {name: kind for name, kind, acts_on, _ in EDITS if acts_on == "object"}


def shares() -> dict[str, float]:
    """Returns the share of every edit in the paper, by name: of the objects, or of the surfaces."""
    return {name: share for name, _, _, share in EDITS}
