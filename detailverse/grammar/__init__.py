"""The synthesizer: an integer becomes a family, details by theme and materials, then a solid that passes the gates,
then an asset.
"""

import hashlib
from collections import Counter

from detailverse import details, families, materials
from detailverse.family import Kit
from detailverse.grammar import captions, gates
from detailverse.grammar.recipe import GEOMETRY, VERSION, Finish, Layer, Recipe, to_dict
from detailverse.modelling.solid import ORNAMENT, Solid
from detailverse.modelling.surface import Surface
from detailverse.texturing.assemble import textured
from zeroverse.asset import Asset
from zeroverse.core.rng import Rng
from zeroverse.shapes.solid import Rejected

ATTEMPTS = 8
LEVEL_WEIGHTS = (1, 2, 3, 4, 5)  # of levels 0 … 4 where none is asked for: the data is there for its detail
ORNAMENT_FINISHES = {  # ornament -> what it may be made of
    "rivets": ("steel", "iron", "brass", "bronze", "gold"),
    "bolts": ("steel", "iron", "brass"),
    "spikes": ("bone", "horn", "iron"),
    "gems": ("gem",),
    "pearls": ("shell", "gold", "silver"),
    "suckers": ("shell", "petal"),
    "crust": ("shell", "bone", "stone"),
    "foliage": ("foliage", "gold", "bronze"),
}
ONE_WORKSHOP = (
    0.7  # how often the slots of one object that are of one finish are of one piece of it: all its stone, all its oak
)
ONE_OF_A_KIND = (  # not what is painted or dyed to tell parts apart
    "stone",
    "marble",
    "concrete",
    "brick",
    "clay",
    "wood",
    "steel",
    "iron",
    "gold",
    "silver",
    "copper",
    "brass",
    "bronze",
    "bone",
    "horn",
    "scales",
    "skin",
    "leather",
    "gem",
    "crystal",
    "glass",
)


def sample(rng: Rng, family: str | None = None, level: int | None = None, texture_size: int = 1024) -> Recipe:
    """Samples a recipe. The level has a stream of its own: the objects of two levels differ in nothing else.

    family: one of FAMILIES, any if None. level: 0 to 4, of details; any if None. texture_size: pixels.
    """
    structure = families.sample(rng.child("family"), family)
    chosen = rng.child("level").choice(range(5), LEVEL_WEIGHTS) if level is None else level
    skins = structure.skins()
    ornament = details.sample(
        rng.child("ornament"), next(iter(skins.values()), ()), "ornament"
    )  # one for all skins: what stands on an object was chosen
    may_stand = {skin: not structure.PLAIN and details.suits(ornament, themes) for skin, themes in skins.items()}
    layers = {
        skin: _layers(rng.child("skin", skin), themes, number == 0, ornament if may_stand[skin] else None)
        for number, (skin, themes) in enumerate(skins.items())
    }
    slots = structure.finishes() | {ORNAMENT: ORNAMENT_FINISHES[details.name_of(ornament)]}
    finishes = _finishes(rng, slots)
    return Recipe(
        VERSION, chosen, texture_size, structure, {skin: some for skin, some in layers.items() if some}, finishes
    )


def _layers(rng: Rng, themes: tuple[str, ...], main: bool, ornament) -> tuple[Layer, ...]:
    """Samples what lies on one skin: a pattern, for the main skin from level 1 on; ornaments on some from level 3 on;
    wear on some at level 4.
    """
    layers = []
    if main or rng.child("patterned").chance(0.8):
        layers.append(Layer(1 if main else 2, details.sample(rng.child("pattern"), themes, "pattern")))
    if ornament is not None and rng.child("adorned").chance(0.35 if layers else 0.7):
        layers.append(Layer(3, ornament))
    if rng.child("worn").chance(0.5):
        layers.append(Layer(4, details.sample(rng.child("wear"), themes, "wear")))
    return tuple(layers)


def _finishes(rng: Rng, slots: dict[str, tuple[str, ...]]) -> dict[str, Finish]:
    """Samples what each slot is made of. Their paints and dyes are of one scheme of hues, and slots of one finish often
    of one piece of matter.
    """
    hues = materials.scheme(rng.child("scheme"))
    shared = rng.child("workshop").chance(ONE_WORKSHOP)
    finishes = {}
    for slot, names in slots.items():
        own = rng.child("finish", slot)
        name = own.child("name").choice(names)
        stream = rng.child("matter", name) if shared and name in ONE_OF_A_KIND else own.child("material")
        finishes[slot] = Finish(name, materials.sample(stream, name, hues))
    return finishes


def solid(recipe: Recipe) -> Solid:
    """Builds the structure with its details, before any gate; about 2 units long. Raises Rejected where its parameters
    do not go together.
    """
    try:
        return recipe.family.build(Kit(recipe.level, recipe.visible()))
    except Rejected:
        raise
    except (
        ValueError
    ) as error:  # of a profile, a field or a region: one recipe in thousands, which must not end a run of millions
        raise Rejected(f"a {families.name_of(recipe.family)} that cannot be built") from error


def surface(recipe: Recipe) -> Surface:
    """Returns the recipe's object as triangles in the asset's frame: centred, longest side `LONGEST_SIDE`. Raises
    Rejected when a gate is not passed.
    """
    return gates.passed(solid(recipe), recipe.family.PIECES, coarse=recipe.level == 0)


def geometry_hash(whole: Surface) -> str:
    """Returns the sha256 of float32 positions and 32-bit faces: what `verse regen --verify` compares."""
    return hashlib.sha256(whole.points.astype("<f4").tobytes() + whole.faces.astype("<u4").tobytes()).hexdigest()


def build(recipe: Recipe, uid: str) -> tuple[Asset, Surface]:
    """Builds the recipe's object with its textures, and returns it with its surface, which labels are taken from. It
    has the same bits in any process. Raises Rejected.
    """
    whole = surface(recipe)
    return _dressed(recipe, whole, uid), whole


def _dressed(recipe: Recipe, whole: Surface, uid: str, origin: dict | None = None) -> Asset:
    """Returns the surface as an asset, with its materials baked, its captions, its recipe and where it came from."""
    scene = textured(whole, {slot: one.material for slot, one in recipe.finishes.items()}, recipe.texture_size)
    words = captions.compose(recipe)
    stored = to_dict(recipe) | {GEOMETRY: geometry_hash(whole)}
    provenance = {"triangles": len(whole.faces), **(origin or {})}
    return Asset(scene, uid, words["medium"], stored, provenance, {"captions": words})


def make(seed: int, index: int, family: str | None = None, level: int | None = None, texture_size: int = 1024) -> Asset:
    """Returns the object that (seed, index, family) names. Arguments and errors are those of `sample_passing`."""
    return make_with_surface(seed, index, family, level, texture_size)[0]


def make_with_surface(
    seed: int, index: int, family: str | None = None, level: int | None = None, texture_size: int = 1024
) -> tuple[Asset, Surface]:
    """Returns the object of the recipe that `sample_passing` finds, with its textures, and its surface, which labels
    are taken from. The asset's `provenance["rejected"]` counts why the attempts before it were rejected.
    """
    recipe, whole, rejected = sample_passing(seed, index, family, level, texture_size)
    origin = {
        "source": "detailverse",
        "version": VERSION,
        "seed": seed,
        "index": index,
        "attempt": sum(rejected.values()),
        "level": recipe.level,
        "family": families.name_of(recipe.family),
        "rejected": rejected,
    }
    uid = f"detailverse-{f'{family}-' if family else ''}{seed}-{index:08d}-l{recipe.level}"
    return _dressed(recipe, whole, uid, origin), whole


def sample_passing(
    seed: int, index: int, family: str | None = None, level: int | None = None, texture_size: int = 1024
) -> tuple[Recipe, Surface, dict[str, int]]:
    """Samples recipes until one passes the gates, and returns that recipe, its surface, and how often each reason
    rejected one before it.

    family, level: as for `sample`. Raises Rejected when none of `ATTEMPTS` recipes passes, and ValueError for an
    unknown family or level.
    """
    if level is not None and level not in range(5):
        raise ValueError(f"level: expected 0 to 4, got {level!r}")
    root = Rng(
        "detailverse", VERSION, family or "any", seed, index
    )  # never the level: its versions of an object are pairs
    rejected: Counter[str] = Counter()
    for attempt in range(ATTEMPTS):
        recipe = sample(root.child("attempt", attempt), family, level, texture_size)
        try:
            return recipe, surface(recipe), dict(rejected)
        except Rejected as error:
            rejected[error.reason] += 1
    raise Rejected(f"detailverse seed {seed} index {index}: all {ATTEMPTS} draws rejected: {dict(rejected)}")
