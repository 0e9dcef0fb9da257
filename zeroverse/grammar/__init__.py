"""The grammar of LRM-Zero: draw a recipe from a mixture, build it, keep what is worth keeping.

Sources: the paper's section 3 and appendix D, and the parameters of the released code (facts/lrm_zero.md §1).
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from zeroverse import textures
from zeroverse.asset import Asset
from zeroverse.core import affine
from zeroverse.core.portable import power
from zeroverse.core.rng import Rng
from zeroverse.edits import OBJECT_EDITS, HeightField
from zeroverse.grammar.build import build, check_worth
from zeroverse.grammar.recipe import GRAMMAR_VERSION, Part, Recipe, Surface
from zeroverse.shapes import BY_NAME, SHAPES
from zeroverse.shapes.solid import Rejected
from zeroverse.textures import images

ATTEMPTS = 8
DEGREE = 0.017453292519943295

Placement = tuple[
    tuple[float, float, float], tuple[float, float, float, float], tuple[float, float, float]
]  # scale, rotation, center


def free_layout(rng: Rng, count: int) -> list[Placement]:
    """The paper: scales free for each axis, rotations uniform, centres uniform in [-1, 1]^3; parts may intersect or
    float apart.

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
    """The released code: before each new primitive the composite so far is turned and shifted, so early parts are
    turned most.

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
    """What is drawn and how often. counts: weights of 1, 2, … parts. cut_p + wire_p <= 1: an object has one, the other
    or neither.

    families: texture families, None for all of them.
    """

    counts: tuple[float, ...]
    shapes: tuple[tuple[str, float], ...]
    layout: Callable[[Rng, int], list[Placement]]
    height_p: float
    cut_p: float
    wire_p: float
    cutters: tuple[str, ...]
    wires: tuple[str, ...]
    families: tuple[str, ...] | None = None

    def __post_init__(self):
        for name in ("height_p", "cut_p", "wire_p"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: expected a probability, got {getattr(self, name)}")
        if self.cut_p + self.wire_p > 1:
            raise ValueError(
                f"cut_p + wire_p: expected at most 1, got {self.cut_p + self.wire_p:g}; an object has one or the other"
            )
        unknown = {*dict(self.shapes), *self.cutters, *self.wires} - set(BY_NAME)
        if unknown:
            raise ValueError(f"shapes: expected some of {', '.join(BY_NAME)}; got {', '.join(sorted(unknown))}")


ALL = tuple(BY_NAME)
_PAPER = Mixture(
    counts=(5, 5, 5, 5, 5, 4, 3, 2, 1),
    shapes=tuple((name, weight) for name, _, weight, _ in SHAPES),
    layout=free_layout,
    height_p=0.5,
    cut_p=0.4,
    wire_p=0.2,
    cutters=("cube", "sphere", "cylinder", "cone"),
    wires=ALL,
)  # no torus cuts: unstable training
PRESETS = {
    "paper": _PAPER,
    "released": Mixture(  # the command line's defaults: every height field, cut and wireframe is off
        counts=(5, 5, 5, 4, 4, 3, 2, 1, 1),
        shapes=(("sphere", 1.0), ("cube", 1.0), ("cylinder", 1.0)),
        layout=chained_layout,
        height_p=0.0,
        cut_p=0.0,
        wire_p=0.0,
        cutters=ALL,
        wires=ALL,
    ),
    "default": _PAPER,
}


def sample(rng: Rng, mixture: Mixture, textures_dir: str | Path | None = None, texture_size: int = 256) -> Recipe:
    """Draw a recipe. Every part and every surface has a stream of its own."""

    def draw_texture(stream: Rng):
        return (
            textures.sample(stream, mixture.families)
            if textures_dir is None
            else images.sample_from_folder(stream, textures_dir)
        )

    count = 1 + rng.child("count").choice(range(len(mixture.counts)), mixture.counts)
    placements = mixture.layout(rng.child("layout"), count)
    parts = tuple(
        _part(rng.child("part", i), placement, mixture, draw_texture) for i, placement in enumerate(placements)
    )
    return Recipe(GRAMMAR_VERSION, texture_size, parts, _edit(rng.child("edit"), mixture, draw_texture))


def _part(rng: Rng, placement: Placement, mixture: Mixture, draw_texture) -> Part:
    names, weights = zip(*mixture.shapes)
    shape = BY_NAME[rng.child("kind").choice(names, weights)].sample(rng.child("shape"))
    surfaces = []
    for number in range(shape.SURFACES):
        stream = rng.child("surface", number)
        height = HeightField.sample(stream.child("height")) if stream.child("relief").chance(mixture.height_p) else None
        surfaces.append(Surface(draw_texture(stream.child("texture")), height))
    return Part(shape, *placement, tuple(surfaces))


def _edit(rng: Rng, mixture: Mixture, draw_texture):
    """A cut, a wireframe or None: one draw decides, so no object has both."""
    options = (
        ("cut", mixture.cut_p, mixture.cutters),
        ("wireframe", mixture.wire_p, mixture.wires),
        (None, 1 - mixture.cut_p - mixture.wire_p, ()),
    )
    name, _, shapes = rng.child("which").choice(options, [weight for _, weight, _ in options])
    return OBJECT_EDITS[name].sample(rng.child(name), shapes, draw_texture) if name else None


def mixture_of(preset: str, cut: float | None = None, wireframe: float | None = None) -> Mixture:
    """A preset, with other shares of objects that are cut or get a wireframe where they are given. Raises
    ValueError.
    """
    if preset not in PRESETS:
        raise ValueError(f"preset: expected one of {', '.join(PRESETS)}; got {preset!r}")
    given = {name: share for name, share in (("cut_p", cut), ("wire_p", wireframe)) if share is not None}
    return replace(PRESETS[preset], **given)


def make(
    seed: int,
    index: int,
    preset: str = "paper",
    textures_dir: str | Path | None = None,
    texture_size: int = 256,
    cut: float | None = None,
    wireframe: float | None = None,
) -> Asset:
    """The object that (preset, seed, index) names: the first of `ATTEMPTS` draws that is worth keeping. cut, wireframe:
    as in `mixture_of`.

    The reasons of the draws before it are counted in `provenance["rejected"]`. Raises Rejected when none is left,
    ValueError for an unknown preset.
    """
    mixture, shares = (
        mixture_of(preset, cut, wireframe),
        {name: x for name, x in (("cut", cut), ("wireframe", wireframe)) if x is not None},
    )
    label = "-".join(
        [preset, *(f"{name}{share:g}".replace(".", "_") for name, share in shares.items())]
    )  # a uid has no dots
    # The preset is in the key: two presets never share an object. The shares are not: at two shares it is the same
    # object but for its edit, and whoever compares them compares nothing else.
    root = Rng("zeroverse", GRAMMAR_VERSION, preset, seed, index)
    rejected: Counter[str] = Counter()
    for attempt in range(ATTEMPTS):
        recipe = sample(root.child("attempt", attempt), mixture, textures_dir, texture_size)
        try:
            asset = build(recipe, f"zeroverse-{label}-{seed}-{index:08d}", textures_dir, check_worth)
        except Rejected as error:
            rejected[error.reason] += 1
            continue
        asset.provenance.update(
            source="zeroverse",
            version=GRAMMAR_VERSION,
            preset=preset,
            seed=seed,
            index=index,
            attempt=attempt,
            rejected=dict(rejected),
            **shares,
        )
        return asset
    raise Rejected(f"zeroverse {label} seed {seed} index {index}: all {ATTEMPTS} draws rejected: {dict(rejected)}")
