"""The primitives. Adding one: a file with a frozen dataclass like `Torus`, and a row here.

A shape has `sample(rng)`, `surfaces()` (`SURFACES` patches that close to a solid, one texture each), `cage(level)` (the
same, coarse, for wireframes), `volume`, and `thickness` (the smallest half-extent of its thinnest feature, which bounds
the height fields).
"""

from zeroverse.shapes.cone import Cone
from zeroverse.shapes.cube import Cube
from zeroverse.shapes.cylinder import Cylinder
from zeroverse.shapes.sphere import Sphere
from zeroverse.shapes.torus import Torus

SHAPES = (  # name, class, weight in the paper's mixture, words for captions
    ("cube", Cube, 1.0, ("a cube", "cubes", "cubic")),
    ("sphere", Sphere, 1.0, ("a sphere", "spheres", "spherical")),
    ("cylinder", Cylinder, 1.0, ("a cylinder", "cylinders", "cylindrical")),
    ("cone", Cone, 1.0, ("a cone", "cones", "conical")),
    ("torus", Torus, 1.0, ("a torus", "tori", "toroidal")),
)


def kinds() -> dict[str, type]:
    """Returns the class of every name."""
    return {name: kind for name, kind, _, _ in SHAPES}


def name_of(shape) -> str:
    """Returns the name of the row that the shape belongs to."""
    return next(name for name, kind, _, _ in SHAPES if type(shape) is kind)


def words_of(name: str) -> tuple[str, str, str]:
    """Returns what captions say of the shapes with this name: one, several, and what has the form of one."""
    return next(words for row, _, _, words in SHAPES if row == name)
