"""Detail operators: what can be laid on any chart. A new one is a class in one of these files and a row here."""

from detailverse.details import attached, carved, classical, machined, masonry, organic, textile, turned, worn
from zeroverse.core import serialise
from zeroverse.core.rng import Rng

THEMES = (
    "classical",
    "machine",
    "armour",
    "organic",
    "textile",
    "stone",
    "wood",
    "tech",
    "jewel",
    "ground",
    "plant",
    "marine",
    "hide",
    "scaled",
    "roof",
    "plating",
)
ROLES = ("pattern", "ornament", "wear")  # what covers a surface; what stands on it; what happened to it

DETAILS = (  # name, class, weight, role, themes
    ("flutes", turned.Flutes, 1.0, "pattern", ("classical", "stone", "wood", "jewel", "roof")),
    ("gadroons", turned.Gadroons, 0.8, "pattern", ("classical", "jewel", "wood")),
    ("rings", turned.Rings, 0.8, "pattern", ("classical", "machine", "wood", "tech")),
    ("threads", turned.Threads, 0.8, "pattern", ("machine", "tech")),
    ("bead_and_reel", turned.BeadAndReel, 0.7, "pattern", ("classical", "jewel", "stone")),
    ("meander", classical.Meander, 0.9, "pattern", ("classical", "stone", "jewel")),
    ("dentils", classical.Dentils, 0.6, "pattern", ("classical", "stone", "wood")),
    ("egg_and_dart", classical.EggAndDart, 0.8, "pattern", ("classical", "stone")),
    ("guilloche", classical.Guilloche, 0.9, "pattern", ("classical", "stone", "jewel", "wood")),
    ("rosettes", classical.Rosettes, 0.9, "pattern", ("classical", "stone", "wood", "jewel")),
    ("acanthus", classical.Acanthus, 0.9, "pattern", ("classical", "stone", "wood")),
    ("scrolls", classical.Scrolls, 0.8, "pattern", ("classical", "stone", "jewel", "wood")),
    ("coffers", classical.Coffers, 0.8, "pattern", ("classical", "stone", "wood")),
    ("lettering", carved.Lettering, 0.6, "pattern", ("classical", "stone", "jewel", "machine")),
    ("runes", carved.Runes, 0.6, "pattern", ("stone", "wood", "armour", "jewel")),
    ("strapwork", carved.Strapwork, 0.9, "pattern", ("wood", "stone", "jewel", "armour")),
    ("linenfold", carved.Linenfold, 0.6, "pattern", ("wood", "classical")),
    ("facets", carved.Facets, 0.9, "pattern", ("jewel", "armour", "tech")),
    ("trellis", carved.Trellis, 0.8, "pattern", ("stone", "wood", "jewel", "classical")),
    ("beadwork", carved.Beadwork, 0.7, "pattern", ("jewel", "textile", "classical")),
    ("weave", textile.Weave, 1.2, "pattern", ("textile", "wood", "tech")),
    ("knit", textile.Knit, 1.0, "pattern", ("textile",)),
    ("braid", textile.Braid, 1.0, "pattern", ("textile", "jewel", "wood", "armour")),
    ("quilting", textile.Quilting, 1.0, "pattern", ("textile", "armour")),
    ("chevrons", textile.Chevrons, 0.8, "pattern", ("textile", "wood", "classical")),
    ("chain_mail", textile.ChainMail, 0.8, "pattern", ("armour", "jewel")),
    ("cords", textile.Cords, 0.6, "pattern", ("textile",)),
    ("knurl", machined.Knurl, 1.0, "pattern", ("machine", "tech", "armour", "jewel")),
    ("panels", machined.Panels, 1.3, "pattern", ("machine", "tech", "armour", "plating")),
    ("louvres", machined.Louvres, 0.7, "pattern", ("machine", "tech", "plating")),
    ("greebles", machined.Greebles, 0.9, "pattern", ("tech", "machine")),
    ("circuit", machined.Circuit, 0.7, "pattern", ("tech", "plating")),
    ("tread_plate", machined.TreadPlate, 0.7, "pattern", ("machine",)),
    ("honeycomb", machined.Honeycomb, 0.9, "pattern", ("machine", "tech", "organic", "jewel", "plating")),
    ("sunburst", machined.Sunburst, 0.6, "pattern", ("jewel", "machine")),
    ("bricks", masonry.Bricks, 1.0, "pattern", ("stone",)),
    ("cobbles", masonry.Cobbles, 0.9, "pattern", ("stone",)),
    ("rubble", masonry.Rubble, 0.8, "pattern", ("stone",)),
    ("planks", masonry.Planks, 1.0, "pattern", ("wood",)),
    ("shingles", masonry.Shingles, 0.8, "pattern", ("wood", "stone", "roof")),
    ("bamboo", masonry.Bamboo, 0.6, "pattern", ("wood", "organic")),
    ("lamellae", masonry.Lamellae, 0.8, "pattern", ("armour", "roof")),
    ("scales", organic.Scales, 1.0, "pattern", ("organic", "armour", "jewel", "hide", "roof", "scaled")),
    ("feathers", organic.Feathers, 0.6, "pattern", ("organic", "hide")),
    ("bark", organic.Bark, 0.8, "pattern", ("organic", "wood", "plant")),
    ("grain", organic.Grain, 0.8, "pattern", ("wood", "plant", "hide")),
    ("wrinkles", organic.Wrinkles, 0.8, "wear", ("organic", "textile", "plant", "marine", "hide")),
    ("labyrinth", organic.Labyrinth, 0.9, "pattern", ("organic",)),
    ("ripples", organic.Ripples, 0.6, "pattern", ("organic", "stone", "ground", "marine", "hide")),
    ("coral_pores", organic.CoralPores, 0.8, "pattern", ("organic", "marine")),
    ("whorls", organic.Whorls, 0.6, "pattern", ("organic", "stone")),
    ("cracks", worn.Cracks, 0.8, "wear", ("stone", "classical", "organic", "wood", "ground")),
    (
        "pits",
        worn.Pits,
        0.7,
        "wear",
        ("stone", "classical", "organic", "machine", "wood", "ground", "marine", "plant", "roof", "scaled"),
    ),
    ("hammered", worn.Hammered, 0.9, "pattern", ("armour", "jewel", "machine")),
    ("strata", worn.Strata, 0.8, "pattern", ("stone", "ground")),
    ("gouges", worn.Gouges, 0.8, "pattern", ("wood", "stone")),
    ("eroded", worn.Eroded, 0.7, "pattern", ("stone", "organic", "ground")),
    ("blisters", worn.Blisters, 0.7, "pattern", ("organic", "marine")),
    ("scratches", worn.Scratches, 1.0, "wear", ("machine", "armour", "tech", "jewel", "plating")),
    ("dents", worn.Dents, 0.8, "wear", ("machine", "armour", "tech", "jewel", "plating")),
    ("folds", worn.Folds, 1.0, "wear", ("textile",)),
    ("rivets", attached.Rivets, 1.0, "ornament", ("machine", "armour", "tech", "wood", "roof", "plating")),
    ("bolts", attached.Bolts, 0.8, "ornament", ("machine", "tech", "plating")),
    ("spikes", attached.Spikes, 0.7, "ornament", ("armour", "organic", "hide", "scaled")),
    ("gems", attached.Gems, 0.8, "ornament", ("jewel", "classical", "textile")),
    ("pearls", attached.Pearls, 0.7, "ornament", ("jewel", "classical", "textile")),
    ("suckers", attached.Suckers, 0.5, "ornament", ("marine",)),
    ("crust", attached.Crust, 0.6, "ornament", ("marine",)),
    ("foliage", attached.Foliage, 0.7, "ornament", ("organic", "jewel", "wood", "ground", "plant", "stone")),
    ("bolted_plates", attached.BoltedPlates, 0.9, "pattern", ("machine", "armour", "tech", "plating")),
)

BY_NAME = {name: kind for name, kind, *_ in DETAILS}
_NAMES = {kind: name for name, kind, *_ in DETAILS}


def sample(rng: Rng, themes: tuple[str, ...] = (), role: str | None = None):
    """Returns a detail of one of the themes and of one of ROLES, by weight; none given: any. Raises ValueError for an
    unknown one.
    """
    for argument, given, known in (("themes", themes, THEMES), ("role", (role,) if role else (), ROLES)):
        if unknown := [name for name in given if name not in known]:
            raise ValueError(f"{argument}: expected {', '.join(known)}, got {unknown[0]!r}")
    rows = [row for row in DETAILS if (not themes or set(themes) & set(row[4])) and role in (None, row[3])]
    name = rng.child("kind").choice([row[0] for row in rows], [row[2] for row in rows])
    return BY_NAME[name].sample(rng.child(name))


def name_of(detail) -> str:
    return _NAMES[type(detail)]


def suits(detail, themes: tuple[str, ...]) -> bool:
    """Tells whether a detail of this kind may be sampled for one of the themes."""
    return any(set(themes) & set(row[4]) for row in DETAILS if row[0] == name_of(detail))


TABLE = serialise.Table("kind", lambda: BY_NAME)


def to_dict(detail) -> dict:
    """Returns the detail as JSON types: {"kind": "flutes", "pitch": 0.1, …}."""
    return serialise.plain(detail, TABLE)


def from_dict(data: dict):
    """Returns the detail that `to_dict` stored. Raises ValueError naming the key, as in `Flutes.pitch: expected …`."""
    name, kind, values = TABLE.split(data)
    return serialise.read(kind, values, where=name, misfit=_misfit)


def _misfit(name: str, expected: list[str], data) -> str:
    """Returns the message about the first key that is missing, else about the first that is unknown."""
    if missing := [key for key in expected if key not in data]:
        return f"{name}.{missing[0]}: expected a value, got none"
    unknown = next(key for key in data if key not in expected)
    return f"{name}.{unknown}: expected one of {', '.join(expected)}"
