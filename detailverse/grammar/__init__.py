"""The synthesizer: an integer -> family, details by theme, materials -> a solid that passes the gates -> an asset."""

import hashlib
from collections import Counter
from dataclasses import replace

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from detailverse import details, families, materials
from detailverse.family import Kit
from detailverse.grammar import captions
from detailverse.grammar.recipe import GEOMETRY, VERSION, Finish, Layer, Recipe, to_dict
from detailverse.modelling.solid import ORNAMENT, Solid
from detailverse.modelling.surface import Surface
from detailverse.spatial.bvh import Bvh
from detailverse.spatial.probes import self_intersections, thickness
from detailverse.texturing.assemble import textured
from zeroverse.asset import LONGEST_SIDE, Asset
from zeroverse.core import affine
from zeroverse.core.rng import Rng
from zeroverse.core.topology import closed, weld_places
from zeroverse.shapes.solid import Rejected

ATTEMPTS = 8
LEVEL_WEIGHTS = (1, 2, 3, 4, 5)  # of levels 0 … 4 where none is asked for: the data is there for its detail
FEWEST, MOST = 2_000, 500_000  # triangles
CRUMB = 1e-3  # of the volume: pieces below it are dropped, for they are what a boolean left floating
SIMPLIFIED = 1e-4  # object units: what an object with too many triangles may lose
GRID = (
    2.0**24
)  # steps in an object unit to which positions are rounded: float32 holds each, and none is nearer to another than 6e-8
SHORT = 1e-6  # object units, along each axis
# object units, of the 5th percentile of thickness: below it, sheets break up on a 256-grid (facts/procedural.md §11.7)
THINNEST = 0.004
CROSSED = 1e-3  # share of faces that may pass through others: where details meet in a fold
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
    """Draw a recipe. The level is drawn from a stream of its own: the objects of two levels differ in nothing else."""
    structure = families.sample(rng.child("family"), family)
    drawn = rng.child("level").choice(range(5), LEVEL_WEIGHTS) if level is None else level
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
        VERSION, drawn, texture_size, structure, {skin: drawn for skin, drawn in layers.items() if drawn}, finishes
    )


def _layers(rng: Rng, themes: tuple[str, ...], main: bool, ornament) -> tuple[Layer, ...]:
    """A pattern, for the main skin from level 1 on; ornaments on some from level 3 on; wear on some at level 4."""
    layers = []
    if main or rng.child("patterned").chance(0.8):
        layers.append(Layer(1 if main else 2, details.sample(rng.child("pattern"), themes, "pattern")))
    if ornament is not None and rng.child("adorned").chance(0.35 if layers else 0.7):
        layers.append(Layer(3, ornament))
    if rng.child("worn").chance(0.5):
        layers.append(Layer(4, details.sample(rng.child("wear"), themes, "wear")))
    return tuple(layers)


def _finishes(rng: Rng, slots: dict[str, tuple[str, ...]]) -> dict[str, Finish]:
    """What each slot is made of. Their paints and dyes are of one scheme of hues, and slots of one finish often of one
    piece of matter.
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
    """The structure with its details, before any gate; about 2 units long. Raises Rejected where its parameters do not
    go together.
    """
    try:
        return recipe.family.build(Kit(recipe.level, recipe.visible()))
    except Rejected:
        raise
    except (
        ValueError
    ) as error:  # of a profile, a field or a region: one draw in thousands, which must not end a run of millions
        raise Rejected(f"a {families.name_of(recipe.family)} that cannot be built") from error


def surface(recipe: Recipe) -> Surface:
    """The recipe's object as triangles in the asset's frame: centred, longest side `LONGEST_SIDE`. Raises Rejected by a
    gate.
    """
    body = solid(recipe)
    if body.manifold.num_tri() > MOST:
        body = Solid(body.manifold.simplify(SIMPLIFIED), body.leaves)
    whole = _connected(body.surface(), recipe.family.PIECES)
    if not FEWEST <= len(whole.faces) <= MOST and (recipe.level > 0 or len(whole.faces) > MOST):
        raise Rejected("too few triangles" if len(whole.faces) < FEWEST else "too many triangles")
    whole = _without_short_edges(_normalised(whole))
    _check(whole)
    return whole


def _check(whole: Surface) -> None:
    """Raises Rejected where walls are too thin or the surface passes through itself."""
    bvh = Bvh(whole.points, whole.faces)
    if np.sort(thickness(whole.points, whole.faces, 400, bvh))[20] < THINNEST:
        raise Rejected("thin")
    if len(self_intersections(whole.points, whole.faces, bvh=bvh)) > CROSSED * len(whole.faces):
        raise Rejected("passes through itself")


def _connected(whole: Surface, most: int) -> Surface:
    """Without crumbs. Raises Rejected when more than `most` pieces are left."""
    corners = whole.faces
    links = coo_matrix(
        (np.ones(2 * len(corners), np.int8), (corners[:, :2].ravel(), corners[:, 1:].ravel())),
        shape=(len(whole.points),) * 2,
    )
    count, piece = connected_components(links, directed=False)
    if count > 1:
        piece = piece[corners[:, 0]]
        corner, normal = whole.points[corners[:, 0]], affine.face_normals(whole.points, corners)
        volumes = np.bincount(piece, weights=(corner * normal).sum(axis=1) / 6, minlength=count)
        keep = volumes > CRUMB * volumes.sum()
        if keep.sum() > most:
            raise Rejected("falls apart")
        if not keep.all():
            whole = _of_faces(whole, keep[piece])
    return whole


def _of_faces(whole: Surface, keep: np.ndarray) -> Surface:
    used, packed = np.unique(whole.faces[keep], return_inverse=True)
    return Surface(
        whole.points[used],
        packed.reshape(-1, 3),
        whole.leaf[keep],
        whole.chart[keep],
        whole.uv[keep],
        whole.relief[keep],
        whole.leaves,
    )


def _normalised(whole: Surface) -> Surface:
    low, high = whole.points.min(axis=0), whole.points.max(axis=0)
    factor = LONGEST_SIDE / float((high - low).max())
    points = np.rint((whole.points - (low + high) / 2) * (factor * GRID)) / GRID
    return Surface(points, whole.faces, whole.leaf, whole.chart, whole.uv * factor, whole.relief * factor, whole.leaves)


def _without_short_edges(whole: Surface) -> Surface:
    """Closed for a reader that merges equal positions, for whom an edge without length would leave triangles without
    area, and open edges by its count. Edges up to `SHORT` go, or where that would pinch the surface, only those without
    length. Raises Rejected where neither is closed.
    """
    for length in (SHORT, 0.0):
        found = _collapsed(whole, length)
        if closed(weld_places(found.points)[found.faces]):
            return found
    raise Rejected("not watertight")


def _collapsed(whole: Surface, length: float) -> Surface:
    """The ends of every edge that is at most so long, along each axis, are one point."""
    start, end = whole.faces.ravel(), np.roll(whole.faces, -1, axis=1).ravel()
    short = (np.abs(whole.points[start] - whole.points[end]) <= length).all(axis=1)
    links = coo_matrix(
        (np.ones(np.count_nonzero(short), np.int8), (start[short], end[short])), shape=(len(whole.points),) * 2
    )
    first, place = np.unique(connected_components(links, directed=False)[1], return_index=True, return_inverse=True)[1:]
    faces = first[place][whole.faces]
    return _of_faces(replace(whole, faces=faces), (faces != np.roll(faces, -1, axis=1)).all(axis=1))


def geometry_hash(whole: Surface) -> str:
    """sha256 of float32 positions and 32-bit faces: what `verse regen --verify` compares."""
    return hashlib.sha256(whole.points.astype("<f4").tobytes() + whole.faces.astype("<u4").tobytes()).hexdigest()


def build(recipe: Recipe, uid: str) -> tuple[Asset, Surface]:
    """The recipe's object with its textures, and its surface, which labels are taken from. The same bits in any
    process. Raises Rejected.
    """
    whole = surface(recipe)
    return _dressed(recipe, whole, uid), whole


def _dressed(recipe: Recipe, whole: Surface, uid: str) -> Asset:
    scene = textured(whole, {slot: one.material for slot, one in recipe.finishes.items()}, recipe.texture_size)
    words = captions.compose(recipe)
    stored = to_dict(recipe) | {GEOMETRY: geometry_hash(whole)}
    return Asset(scene, uid, words["medium"], stored, {"triangles": len(whole.faces)}, {"captions": words})


def make(seed: int, index: int, family: str | None = None, level: int | None = None, texture_size: int = 1024) -> Asset:
    """The object that (seed, index, family) names, at `level`. As `made`, without the surface."""
    return made(seed, index, family, level, texture_size)[0]


def made(
    seed: int, index: int, family: str | None = None, level: int | None = None, texture_size: int = 1024
) -> tuple[Asset, Surface]:
    """The object that `drawn` finds, with its textures; reasons of the draws before it in `provenance["rejected"]`.
    Raises as `drawn`.
    """
    recipe, whole, rejected = drawn(seed, index, family, level, texture_size)
    asset = _dressed(recipe, whole, f"detailverse-{f'{family}-' if family else ''}{seed}-{index:08d}-l{recipe.level}")
    asset.provenance.update(
        source="detailverse",
        version=VERSION,
        seed=seed,
        index=index,
        attempt=sum(rejected.values()),
        level=recipe.level,
        family=families.name_of(recipe.family),
        rejected=rejected,
    )
    return asset, whole


def drawn(
    seed: int, index: int, family: str | None = None, level: int | None = None, texture_size: int = 1024
) -> tuple[Recipe, Surface, dict[str, int]]:
    """The first of `ATTEMPTS` draws that passes the gates at its level: its recipe, its surface, and the reasons of the
    draws before it.

    Raises Rejected when none passes, ValueError for an unknown family or level.
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
