"""Solid PBR textures: functions of position, so no seams and no stretched poles. `TEXTURES` lists the families."""

from collections.abc import Iterable

from zeroverse.core import serialise
from zeroverse.core.rng import Rng
from zeroverse.textures.base import Fields, Texture
from zeroverse.textures.families.bands import Gradient, OpArt, Strata, Stripes
from zeroverse.textures.families.checker import Checker
from zeroverse.textures.families.earth import Clay, Lava, Leather
from zeroverse.textures.families.marble import Marble
from zeroverse.textures.families.masonry import Bricks, Mosaic, Tiles
from zeroverse.textures.families.metals import Brushed, Hammered, Rust, Tread
from zeroverse.textures.families.paint import Paint
from zeroverse.textures.families.plaster import Plaster
from zeroverse.textures.families.prints import Patchwork, Print, Scales, Truchet, Weave
from zeroverse.textures.families.spots import Camouflage, Coat, Dots, Graffiti, Sprinkles
from zeroverse.textures.families.stone import Granite, Pebbles, Terrazzo
from zeroverse.textures.families.wood import Planks, Wood
from zeroverse.textures.images import ImageError, ImageTexture, sample_from_folder
from zeroverse.textures.maps import Maps, bake

__all__ = [
    "TABLE",
    "TEXTURES",
    "Fields",
    "ImageError",
    "ImageTexture",
    "Maps",
    "Texture",
    "bake",
    "from_dict",
    "sample",
    "sample_from_folder",
    "to_dict",
]

# (name, class, weight): how often a family is sampled, relative to the others
TEXTURES = (
    ("paint", Paint, 0.7),
    ("gradient", Gradient, 0.7),
    ("plaster", Plaster, 1.0),
    ("marble", Marble, 1.5),
    ("granite", Granite, 1.2),
    ("terrazzo", Terrazzo, 1.2),
    ("pebbles", Pebbles, 1.2),
    ("bricks", Bricks, 1.2),
    ("tiles", Tiles, 1.2),
    ("mosaic", Mosaic, 1.2),
    ("wood", Wood, 1.5),
    ("planks", Planks, 1.2),
    ("clay", Clay, 1.2),
    ("lava", Lava, 1.0),
    ("leather", Leather, 0.8),
    ("brushed", Brushed, 0.8),
    ("hammered", Hammered, 0.8),
    ("rust", Rust, 1.2),
    ("tread", Tread, 0.6),
    ("checker", Checker, 0.8),
    ("stripes", Stripes, 1.0),
    ("strata", Strata, 1.2),
    ("opart", OpArt, 0.8),
    ("dots", Dots, 0.8),
    ("sprinkles", Sprinkles, 1.0),
    ("camouflage", Camouflage, 1.2),
    ("coat", Coat, 1.0),
    ("graffiti", Graffiti, 1.5),
    ("weave", Weave, 1.0),
    ("scales", Scales, 0.8),
    ("truchet", Truchet, 1.0),
    ("print", Print, 1.5),
    ("patchwork", Patchwork, 1.2),
)


def kinds() -> dict[str, type[Texture]]:
    """Returns the class of every family; images are never sampled without a folder, so they are no row."""
    return {name: family for name, family, _ in TEXTURES} | {"image": ImageTexture}


TABLE = serialise.Table("family", kinds)


def sample(rng: Rng, families: Iterable[str] | None = None) -> Texture:
    """Returns a texture: its family by weight, among `families` if given, its parameters from a stream of their own."""
    known = [name for name, _, _ in TEXTURES]
    wanted = known if families is None else list(families)
    for name in wanted:
        if name not in known:
            raise ValueError(f"families: {name!r} is unknown; expected some of {', '.join(known)}")
    rows = [row for row in TEXTURES if row[0] in wanted]
    name, family, _ = rng.child("family").choice(rows, [weight for _, _, weight in rows])
    return family.sample(rng.child(name))


def to_dict(texture: Texture) -> dict:
    """Returns the texture as JSON types, with its family."""
    return serialise.plain(texture, TABLE)


def from_dict(data: dict) -> Texture:
    """Returns the texture that `to_dict` stored. Raises ValueError naming what is wrong."""
    name, family, values = TABLE.split(data)
    return serialise.read(family, values, where=name, misfit=_first_wrong)


def _first_wrong(where: str, expected: list[str], data) -> str:
    return serialise.first_wrong(where, sorted(expected), data)
