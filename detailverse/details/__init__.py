"""Detail operators: what can be laid on any chart. A new one is a class in one of these files and a row here."""
from dataclasses import asdict, fields

from detailverse.details import attached, carved, classical, machined, masonry, organic, textile, turned, worn
from zeroverse.rng import Rng

THEMES = ("classical", "machine", "armour", "organic", "textile", "stone", "wood", "tech", "jewel")

DETAILS = (  # name, class, weight, themes
    ("flutes", turned.Flutes, 1.0, ("classical", "stone", "wood", "jewel")),
    ("gadroons", turned.Gadroons, 0.8, ("classical", "jewel", "wood")),
    ("rings", turned.Rings, 0.8, ("classical", "machine", "wood", "tech")),
    ("threads", turned.Threads, 0.8, ("machine", "tech")),
    ("bead_and_reel", turned.BeadAndReel, 0.7, ("classical", "jewel", "stone")),
    ("meander", classical.Meander, 0.9, ("classical", "stone", "jewel")),
    ("dentils", classical.Dentils, 0.6, ("classical", "stone", "wood")),
    ("egg_and_dart", classical.EggAndDart, 0.8, ("classical", "stone")),
    ("guilloche", classical.Guilloche, 0.9, ("classical", "stone", "jewel", "wood")),
    ("rosettes", classical.Rosettes, 0.9, ("classical", "stone", "wood", "jewel")),
    ("acanthus", classical.Acanthus, 0.9, ("classical", "stone", "wood")),
    ("scrolls", classical.Scrolls, 0.8, ("classical", "stone", "jewel", "wood")),
    ("coffers", classical.Coffers, 0.8, ("classical", "stone", "wood")),
    ("lettering", carved.Lettering, 0.6, ("classical", "stone", "jewel", "machine")),
    ("runes", carved.Runes, 0.6, ("stone", "wood", "armour", "jewel")),
    ("strapwork", carved.Strapwork, 0.9, ("wood", "stone", "jewel", "armour")),
    ("linenfold", carved.Linenfold, 0.6, ("wood", "classical")),
    ("facets", carved.Facets, 0.9, ("jewel", "armour", "tech")),
    ("trellis", carved.Trellis, 0.8, ("stone", "wood", "jewel", "classical")),
    ("beadwork", carved.Beadwork, 0.7, ("jewel", "textile", "classical")),
    ("weave", textile.Weave, 1.2, ("textile", "wood", "tech")),
    ("knit", textile.Knit, 1.0, ("textile",)),
    ("braid", textile.Braid, 1.0, ("textile", "jewel", "wood", "armour")),
    ("quilting", textile.Quilting, 1.0, ("textile", "armour")),
    ("chevrons", textile.Chevrons, 0.8, ("textile", "wood", "classical")),
    ("chain_mail", textile.ChainMail, 0.8, ("armour", "jewel")),
    ("cords", textile.Cords, 0.6, ("textile",)),
    ("knurl", machined.Knurl, 1.0, ("machine", "tech", "armour", "jewel")),
    ("panels", machined.Panels, 1.3, ("machine", "tech", "armour")),
    ("louvres", machined.Louvres, 0.7, ("machine", "tech")),
    ("greebles", machined.Greebles, 0.9, ("tech", "machine")),
    ("circuit", machined.Circuit, 0.7, ("tech",)),
    ("tread_plate", machined.TreadPlate, 0.7, ("machine",)),
    ("honeycomb", machined.Honeycomb, 0.9, ("machine", "tech", "organic", "jewel")),
    ("sunburst", machined.Sunburst, 0.6, ("jewel", "machine")),
    ("bricks", masonry.Bricks, 1.0, ("stone",)),
    ("cobbles", masonry.Cobbles, 0.9, ("stone",)),
    ("rubble", masonry.Rubble, 0.8, ("stone",)),
    ("planks", masonry.Planks, 1.0, ("wood",)),
    ("shingles", masonry.Shingles, 0.8, ("wood", "stone")),
    ("bamboo", masonry.Bamboo, 0.6, ("wood", "organic")),
    ("lamellae", masonry.Lamellae, 0.8, ("armour",)),
    ("scales", organic.Scales, 1.0, ("organic", "armour", "jewel")),
    ("feathers", organic.Feathers, 0.9, ("organic",)),
    ("bark", organic.Bark, 0.8, ("organic", "wood")),
    ("grain", organic.Grain, 0.8, ("wood",)),
    ("wrinkles", organic.Wrinkles, 0.8, ("organic", "textile")),
    ("labyrinth", organic.Labyrinth, 0.9, ("organic",)),
    ("ripples", organic.Ripples, 0.6, ("organic", "stone")),
    ("coral_pores", organic.CoralPores, 0.8, ("organic",)),
    ("whorls", organic.Whorls, 0.6, ("organic", "stone")),
    ("cracks", worn.Cracks, 0.8, ("stone", "organic", "wood")),
    ("pits", worn.Pits, 0.7, ("stone", "organic", "machine")),
    ("hammered", worn.Hammered, 0.9, ("armour", "jewel", "machine")),
    ("strata", worn.Strata, 0.8, ("stone",)),
    ("gouges", worn.Gouges, 0.8, ("wood", "stone")),
    ("eroded", worn.Eroded, 0.7, ("stone", "organic")),
    ("blisters", worn.Blisters, 0.7, ("organic",)),
    ("rivets", attached.Rivets, 1.0, ("machine", "armour", "tech")),
    ("bolts", attached.Bolts, 0.8, ("machine", "tech")),
    ("spikes", attached.Spikes, 0.7, ("armour", "organic")),
    ("gems", attached.Gems, 0.8, ("jewel",)),
    ("pearls", attached.Pearls, 0.7, ("jewel", "classical")),
    ("suckers", attached.Suckers, 0.5, ("organic",)),
    ("crust", attached.Crust, 0.6, ("organic", "stone")),
    ("foliage", attached.Foliage, 0.7, ("organic", "jewel")),
    ("bolted_plates", attached.BoltedPlates, 0.9, ("machine", "armour", "tech")),
)

BY_NAME = {name: kind for name, kind, _, _ in DETAILS}
_NAMES = {kind: name for name, kind, _, _ in DETAILS}


def sample(rng: Rng, themes: tuple[str, ...] = ()):
    """A detail of one of the themes, by weight; no themes: any."""
    unknown = [theme for theme in themes if theme not in THEMES]
    if unknown:
        raise ValueError(f"themes: expected some of {', '.join(THEMES)}, got {unknown[0]!r}")
    rows = [row for row in DETAILS if not themes or set(themes) & set(row[3])]
    name = rng.child("kind").choice([row[0] for row in rows], [row[2] for row in rows])
    return BY_NAME[name].sample(rng.child(name))


def to_dict(detail) -> dict:
    """JSON types: {"kind": "flutes", "pitch": 0.1, …}."""
    return {"kind": _NAMES[type(detail)], **asdict(detail)}


def from_dict(data: dict):
    """The detail of a dict. ValueError names the key: `flutes.pitch`."""
    if not isinstance(data, dict) or data.get("kind") not in BY_NAME:
        raise ValueError(f"kind: expected one of {', '.join(BY_NAME)}, got {data.get('kind') if isinstance(data, dict) else data!r}")
    kind = BY_NAME[data["kind"]]
    expected, given = [spec.name for spec in fields(kind)], [key for key in data if key != "kind"]
    for key in expected:
        if key not in given:
            raise ValueError(f"{data['kind']}.{key}: expected a value, got none")
    for key in given:
        if key not in expected:
            raise ValueError(f"{data['kind']}.{key}: expected one of {', '.join(expected)}")
    return kind(**{key: data[key] for key in expected})
