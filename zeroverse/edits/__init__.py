"""What happens to shapes. Adding an edit: a file with a frozen dataclass, and a row here.

An edit of the object has `sample(rng, shapes, draw_texture)`, `apply(solid, jitter) -> Solid` and `words()` for the
caption; an edit of a surface moves its vertices before the parts are united.
"""

from zeroverse.edits.cut import Cut
from zeroverse.edits.height_field import HeightField
from zeroverse.edits.wireframe import Wireframe

EDITS = (  # name, class, what it acts on, probability in the paper
    ("height_field", HeightField, "surface", 0.5),
    ("cut", Cut, "object", 0.4),
    ("wireframe", Wireframe, "object", 0.2),
)
OBJECT_EDITS = {name: kind for name, kind, level, _ in EDITS if level == "object"}
