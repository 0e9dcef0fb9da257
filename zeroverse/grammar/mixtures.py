"""Mixtures: what is sampled and how often. `PRESETS` are the published ones.

Sources: LRM-Zero, section 3 and appendix D, and docs/papers.md, Zeroverse, for the parameters of its released code.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from zeroverse import edits, shapes
from zeroverse.core import affine
from zeroverse.core.portable import power
from zeroverse.core.rng import Rng

DEGREE = 0.017453292519943295

Placement = tuple[
    tuple[float, float, float], tuple[float, float, float, float], tuple[float, float, float]
]  # scale, rotation, center


def free_layout(rng: Rng, count: int) -> list[Placement]:
    """Returns a placement for each part as the paper says: scales free for each axis, rotations uniform, centres
    uniform in [-1, 1]^3; parts may intersect or float apart.

    The paper gives no range for the scales. Ours is log-uniform from 0.3 to 1.2: a plate or a rod is as likely as a
    lump.
    """
    return [
        (
            tuple(round(0.3 * power(1.2 / 0.3, rng.child(i, "scale", axis).unit()), 6) for axis in range(3)),
            rng.child(i, "rotation").quat(),
            tuple(rng.child(i, "center", axis).uniform(-1.0, 1.0) for axis in range(3)),
        )
        for i in range(count)
    ]


def chained_layout(rng: Rng, count: int) -> list[Placement]:
    """Returns a placement for each part as the released code does: before each new primitive the composite so far is
    turned and shifted, so early parts are turned most.

    Half-axes U(0.25, 2). Turns about x, y, z, each U(0, 180) degrees; shifts per axis U(0, m), m the largest half-axis
    of the new one.
    """
    placements: list[Placement] = []
    for i in range(count):
        stream = rng.child(i)
        scale = tuple(stream.child("scale", axis).uniform(0.25, 2.0) for axis in range(3))
        if i > 0:
            turn, shift = _euler(stream.child("composite turn")), _shift(stream.child("composite shift"), max(scale))
            placements = [_moved(placement, turn, shift) for placement in placements]
        placements.append((scale, _euler(stream.child("turn")), _shift(stream.child("shift"), max(scale))))
    return [
        (scale, tuple(round(q, 6) for q in rotation), tuple(round(x, 6) for x in center))
        for scale, rotation, center in placements
    ]


def _euler(rng: Rng):
    x, y, z = (affine.axis_quat(axis, DEGREE * rng.uniform(0.0, 180.0)) for axis in range(3))
    return affine.quat_product(z, affine.quat_product(y, x))


def _shift(rng: Rng, most: float):
    return tuple(rng.uniform(0.0, most) for _ in range(3))


def _moved(placement: Placement, turn, shift) -> Placement:
    scale, rotation, (x, y, z) = placement
    matrix = affine.rotation_matrix(turn)
    center = tuple(float(matrix[i, 0] * x + matrix[i, 1] * y + matrix[i, 2] * z + shift[i]) for i in range(3))
    return scale, affine.quat_product(turn, rotation), center


@dataclass(frozen=True)
class Mixture:
    """What is sampled and how often.

    counts: weights of 1, 2, … parts. shapes: (name, weight) of the primitives; None: the rows of `SHAPES`. edits: name
    -> share, of the surfaces that have a height field, of the objects that have another edit, one at most; what is not
    named is never made; None: the rows of `EDITS`. tools: edit -> the primitives that it may use; what is not named may
    use any. families: texture families; None: all of them.
    """

    counts: tuple[float, ...]
    layout: Callable[[Rng, int], list[Placement]]
    shapes: tuple[tuple[str, float], ...] | None = None
    edits: Mapping[str, float] | None = None
    tools: Mapping[str, tuple[str, ...]] | None = None
    families: tuple[str, ...] | None = None

    def __post_init__(self):
        known = edits.shares()
        for name in [*(self.edits or {}), *(self.tools or {})]:
            if name not in known:
                raise ValueError(f"edits: expected some of {', '.join(known)}; got {name}")
        for name, share in self.shares().items():
            if not 0 <= share <= 1:
                raise ValueError(f"edits.{name}: expected a share from 0 to 1, got {share}")
        of_objects = self.of_objects()
        if (total := sum(of_objects.values())) > 1:
            raise ValueError(
                f"{' + '.join(of_objects)}: expected shares that sum to at most 1, got {total:g}; an object has one "
                f"edit or none"
            )
        asked = {name for name, _ in self.shapes or ()}.union(*(self.tools or {}).values())
        if unknown := asked - set(shapes.kinds()):
            raise ValueError(f"shapes: expected some of {', '.join(shapes.kinds())}; got {', '.join(sorted(unknown))}")

    def shares(self) -> dict[str, float]:
        """Returns the share of every edit, in the order of `EDITS`."""
        given = edits.shares() if self.edits is None else self.edits
        return {name: given.get(name, 0.0) for name in edits.shares()}

    def of_objects(self) -> dict[str, float]:
        """Returns the share of every edit of whole objects."""
        return {name: share for name, share in self.shares().items() if name in edits.of_objects()}

    def weights(self) -> tuple[tuple[str, float], ...]:
        """Returns (name, weight) of the primitives that parts are."""
        return tuple((name, weight) for name, _, weight, _ in shapes.SHAPES) if self.shapes is None else self.shapes

    def tools_of(self, edit: str) -> tuple[str, ...]:
        """Returns the names of the primitives that an edit may use."""
        return (self.tools or {}).get(edit) or tuple(shapes.kinds())


_PAPER = Mixture(
    counts=(5, 5, 5, 5, 5, 4, 3, 2, 1),
    layout=free_layout,
    tools={"cut": ("cube", "sphere", "cylinder", "cone")},  # no torus: it "might reduce training stability"
)
PRESETS = {
    "paper": _PAPER,
    "released": Mixture(  # the command line's defaults: every height field, cut and wireframe is off
        counts=(5, 5, 5, 4, 4, 3, 2, 1, 1),
        layout=chained_layout,
        shapes=(("sphere", 1.0), ("cube", 1.0), ("cylinder", 1.0)),
        edits={},
    ),
    "default": _PAPER,
}


def mixture_of(preset: str, shares: Mapping[str, float] | None = None) -> Mixture:
    """Returns a preset with other shares of the edits that are given by name. Raises ValueError for an unknown preset
    or edit, and for shares that no mixture can have.
    """
    if preset not in PRESETS:
        raise ValueError(f"preset: expected one of {', '.join(PRESETS)}; got {preset!r}")
    mixture = PRESETS[preset]
    return replace(mixture, edits=mixture.shares() | dict(shares)) if shares else mixture
