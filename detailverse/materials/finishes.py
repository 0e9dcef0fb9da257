"""FINISHES: what each finish slot may look like, as weighted rows. Adding a finish is adding a row here."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from detailverse.materials.layers import Layer
from detailverse.materials.solids import SOLIDS
from detailverse.materials.tones import Scheme, tone, tones
from zeroverse import textures
from zeroverse.core.rng import Rng
from zeroverse.textures import palettes
from zeroverse.textures.base import Texture

_FAMILIES = {name: family for name, family, _ in textures.TEXTURES} | SOLIDS


def of(family: str, **given) -> Callable[[Rng, Scheme], Texture]:
    """Samples a texture of `family` whose parameters `given` come from a narrower range (low, high) or their own
    `draw(rng, hues)`.
    """

    def draw(rng, hues):
        narrowed = {
            name: spec(rng.child(name), hues) if callable(spec) else rng.child(name).uniform(*spec)
            for name, spec in given.items()
        }
        return replace(_FAMILIES[family].sample(rng.child(family)), **narrowed)

    return draw


class Use(NamedTuple):
    """How a layer is sampled: `chance` that there is one, ranges of amount and opacity, and its colour.

    color: the name of a tone, or how far the base's palette goes towards white (+) or black (-).
    """

    where: str
    chance: float
    amount: tuple[float, float]
    opacity: tuple[float, float]
    color: str | float
    roughness: tuple[float, float]
    metallic: float = 0.0


class Look(NamedTuple):
    """One way a finish may look: how often, its base, and what use leaves on it."""

    weight: float
    base: Callable[[Rng, Scheme], Texture]
    uses: tuple[Use, ...] = ()


POLISHED = Use("edges", 0.8, (0.3, 0.7), (0.5, 0.9), 0.35, (0.08, 0.22), 1.0)
CHIPPED = Use("edges", 0.7, (0.2, 0.55), (0.95, 1.0), "steel", (0.3, 0.5), 1.0)
RUBBED = Use("edges", 0.7, (0.2, 0.55), (0.3, 0.7), 0.45, (0.55, 0.8))
GRIME = Use("cavities", 0.8, (0.35, 0.75), (0.45, 0.85), "grime", (0.8, 0.95))
SHADED = Use("cavities", 0.9, (0.4, 0.8), (0.35, 0.65), -0.55, (0.7, 0.9))
TARNISH = Use("cavities", 0.85, (0.4, 0.85), (0.5, 0.9), "tarnish", (0.5, 0.75), 0.5)
VERDIGRIS = Use("cavities", 0.5, (0.4, 0.95), (0.7, 1.0), "verdigris", (0.85, 0.95))
RUSTY = Use("cavities", 0.45, (0.3, 0.8), (0.7, 1.0), "rust", (0.85, 0.95))
DUST = Use("above", 0.3, (0.1, 0.4), (0.25, 0.6), "dust", (0.85, 0.95))
MOSS = Use("above", 0.15, (0.05, 0.4), (0.7, 1.0), "moss", (0.9, 1.0))
SNOW = Use("above", 0.1, (0.2, 0.6), (0.9, 1.0), "snow", (0.6, 0.8))


def _base(family: str, weight: float, uses: tuple[Use, ...], names: tuple, **given) -> Look:
    return Look(weight, of(family, palette=tones(*names), **given), uses)


def _metal(name: str, weight: float, low: float, high: float, *uses: Use) -> Look:
    return _base(
        "plain", weight, uses, (name, (name, 0.045)), metallic=(1.0, 1.0), rough=(low, high), uneven=(0.02, 0.08)
    )


def _brushed(name: str, weight: float, *uses: Use) -> Look:
    return _base("brushed", weight, uses, (name, (name, 0.03)), depth=(0.15, 0.3))


def _hammered(name: str, weight: float, *uses: Use) -> Look:
    return _base("hammered", weight, uses, ((name, -0.06), name, (name, -0.2)), tarnish=(0.0, 0.35))


def _plain(weight: float, names: tuple, low: float, high: float, *uses: Use) -> Look:
    return _base("plain", weight, uses, names, metallic=(0.0, 0.0), rough=(low, high))


def _mottled(weight: float, names: tuple, spots: float, rough: float, *uses: Use) -> Look:
    """Returns a mottled look; spots: the most there may be, 0 for none."""
    return _base(
        "mottled",
        weight,
        uses,
        names,
        blotch=(0.45, 0.9),
        spots=(0.4 * spots, spots),
        rough=(rough - 0.1, rough + 0.05),
    )


def _fibrous(weight: float, name: str, dark: float, light: float, fibres: tuple, rough: float, *uses: Use) -> Look:
    """Returns a fibrous look; dark, light: steps of the tone between fibres and of the lightest."""
    palette = (name, -dark), name, (name, light)
    return _base(
        "fibrous",
        weight,
        uses,
        palette,
        fibres=fibres,
        contrast=(0.55, 1.0),
        stretch=(8.0, 20.0),
        rough=(rough - 0.1, rough + 0.05),
    )


def _strata(weight: float, name: str, *uses: Use) -> Look:
    return _base("strata", weight, uses, (name, (name, -0.12), (name, 0.08), (name, -0.05), (name, 0.14)))


def _wood(name: str, weight: float, *uses: Use) -> Look:
    return _base("wood", weight, uses, ((name, 0.05), (name, -0.1)))


def _leather(name: str, weight: float, *uses: Use) -> Look:
    return _base("leather", weight, uses, ((name, -0.13), name), frequency=(11.0, 14.0))


def _gem(name: str, weight: float) -> Look:
    return _base("gem", weight, (), ((name, -0.1), (name, 0.28)), rough=(0.02, 0.08))


def _board(name: str, pads: str, weight: float) -> Look:
    return _base("circuit", weight, (), (name, (name, 0.06), pads))


def _ground(weight: float, *names) -> Look:
    return _base("ground", weight, (), names)


def _stones(family: str, kinds: tuple, frequency: tuple, *uses: Use) -> tuple[Look, ...]:
    """Returns a look for each row (weight, names of its palette) of a polished stone."""
    return tuple(_base(family, weight, uses, names, frequency=frequency) for weight, *names in kinds)


def _rusted(weight: float, coat: str, under: Callable, *uses: Use) -> Look:
    return Look(
        weight,
        of(
            "rust",
            coat=lambda rng, hues: coat,
            under=under,
            palette=tones(("rust", -0.08), "rust", ("rust", 0.14)),
            share=(-0.3, 0.0),
        ),
        uses,
    )


_STEEL = (
    _metal("steel", 3, 0.15, 0.4, POLISHED, GRIME),
    _brushed("steel", 2, POLISHED, GRIME),
    _metal("titanium", 1, 0.25, 0.45, POLISHED, GRIME),
)
_IRON = (
    _metal("iron", 3, 0.4, 0.65, POLISHED, RUSTY, GRIME),
    _rusted(1.5, "bare", tones("iron", ("iron", -0.08)), POLISHED),
    _hammered("iron", 1, POLISHED, GRIME),
)
_COPPER = (_metal("copper", 3, 0.15, 0.4, POLISHED, VERDIGRIS, TARNISH), _hammered("copper", 1.5, POLISHED, VERDIGRIS))
_BRASS = (_metal("brass", 3, 0.12, 0.35, POLISHED, TARNISH), _brushed("brass", 1, POLISHED, TARNISH))
_BRONZE = (
    _metal("bronze", 3, 0.25, 0.5, POLISHED, VERDIGRIS, GRIME),
    _metal("brass", 0.7, 0.2, 0.4, POLISHED, VERDIGRIS, GRIME),
)
_STRAW, _YARN = (26.0, 48.0), (34.0, 50.0)  # fibres per object unit
_THREADS = tones("dyed", ("dyed", 0.2), "soft", "cream")
_MARBLES = (  # ground, clouds, veins, hair veins
    (3, "white", ("white", -0.06), "grey stone", ("grey stone", -0.15)),
    (2, "cream", ("cream", -0.07), "sandstone", "tan"),
    (1, "black", ("black", 0.06), "white", ("white", -0.2)),
    (1, "verde", ("verde", 0.1), "celadon", "white"),
    (1, "rosso", ("rosso", 0.1), "cream", "white"),
    (0.7, "walnut", ("walnut", 0.1), "cream", ("walnut", 0.2)),
    (0.7, "blush", ("blush", -0.08), "rosso", "grey stone"),
)
_GRANITES = (
    (2, "grey stone", ("grey stone", -0.09), ("grey stone", -0.2), ("grey stone", 0.14)),
    (1, "blush", ("blush", -0.12), "rosso", ("blush", 0.08)),
    (0.7, "black", ("black", 0.07), ("black", 0.2), ("black", 0.03)),
)

FINISHES: dict[str, tuple[Look, ...]] = {
    "metal": (*_STEEL, *_IRON[:1], *_COPPER[:1], *_BRASS[:1], *_BRONZE[:1], _metal("blued", 0.7, 0.2, 0.4, CHIPPED)),
    "steel": _STEEL,
    "iron": _IRON,
    "gold": (
        _metal("gold", 4, 0.08, 0.28, POLISHED, TARNISH),
        _metal("rose gold", 1, 0.08, 0.28, POLISHED, TARNISH),
        _hammered("gold", 1, POLISHED, TARNISH),
    ),
    "silver": (
        _metal("silver", 3, 0.08, 0.28, POLISHED, TARNISH),
        _metal("chrome", 1, 0.05, 0.15),
        _brushed("silver", 1, TARNISH),
    ),
    "copper": _COPPER,
    "brass": _BRASS,
    "bronze": _BRONZE,
    "chrome": (_metal("chrome", 1, 0.04, 0.12, DUST),),
    "anodised": (_base("plain", 1, (CHIPPED,), ("vivid", ("vivid", 0.04)), metallic=(0.9, 1.0), rough=(0.25, 0.45)),),
    "ceramic": (
        _plain(2, ("white", ("white", -0.03)), 0.08, 0.25, SHADED),
        _plain(2, ("glaze", ("glaze", 0.1)), 0.08, 0.3, RUBBED, SHADED),
        _plain(1, ("cobalt", ("cobalt", 0.1)), 0.08, 0.2, RUBBED),
        _plain(1, ("celadon", ("celadon", 0.05)), 0.1, 0.25, SHADED),
        _plain(1.5, ("terracotta", ("terracotta", 0.06)), 0.7, 0.9, RUBBED, GRIME),
    ),
    "stone": (
        _mottled(2, ("grey stone", ("grey stone", -0.1), ("grey stone", 0.12)), 0.35, 0.85, RUBBED, GRIME, MOSS),
        _mottled(2, ("sandstone", ("sandstone", -0.08), ("sandstone", 0.08)), 0.3, 0.9, RUBBED, GRIME, MOSS),
        _strata(1, "sandstone", RUBBED, GRIME),
        _plain(1, ("slate", ("slate", 0.08)), 0.5, 0.8, RUBBED, MOSS),
        *_stones("granite", _GRANITES, (11.0, 14.0), GRIME, MOSS),
    ),
    "marble": (
        _plain(1, ("white", "cream"), 0.2, 0.4, SHADED, GRIME),
        *_stones("marble", _MARBLES, (0.9, 2.2), SHADED),
    ),
    "concrete": (_mottled(1, ("concrete", ("concrete", -0.07), ("concrete", -0.15)), 0.3, 0.9, RUBBED, GRIME, MOSS),),
    "brick": (_mottled(1, ("brick", ("brick", -0.08), ("brick", 0.1)), 0.4, 0.9, RUBBED, GRIME, MOSS),),
    "wood": (
        _wood("oak", 2, RUBBED, GRIME),
        _wood("walnut", 1.5, RUBBED, GRIME),
        _wood("pine", 1, RUBBED, SHADED),
        _wood("cherry", 1, RUBBED, SHADED),
        _fibrous(0.7, "oak", 0.15, 0.1, (14.0, 34.0), 0.7, RUBBED, GRIME),
    ),
    "bark": (
        _fibrous(3, "bark", 0.14, 0.2, (16.0, 34.0), 0.9, RUBBED, SHADED, MOSS),
        _mottled(1, ("birch", ("bark", -0.08), "bark"), 0.3, 0.85, SHADED, MOSS),
    ),
    "straw": (
        _fibrous(2, "straw", 0.18, 0.08, _STRAW, 0.65, SHADED, RUBBED),
        _fibrous(2, "wicker", 0.16, 0.12, _STRAW, 0.6, SHADED, RUBBED),
    ),
    "rope": (_fibrous(1, "rope", 0.18, 0.1, _YARN, 0.9, SHADED, RUBBED),),
    "leather": (
        _leather("tan", 2, RUBBED, SHADED),
        _leather("hide", 2, RUBBED, SHADED),
        _leather("dyed", 1, RUBBED, SHADED),
        _plain(1, ("black", ("black", 0.05)), 0.35, 0.6, RUBBED),
    ),
    "cloth": (
        _plain(2, ("dyed", ("dyed", 0.05)), 0.85, 0.98, RUBBED, SHADED),
        _plain(1, ("soft", ("soft", -0.05)), 0.85, 0.98, SHADED),
        Look(2, of("weave", palette=_THREADS, frequency=(12.0, 14.0)), (SHADED,)),
        Look(
            0.7,
            of("stripes", palette=tones("dyed", ("dyed", 0.2), "cream", "vivid", ("dyed", -0.08)), gloss=(0.2, 0.3)),
            (SHADED,),
        ),
        Look(
            0.7,
            of("patchwork", palette=tones("dyed", "soft", "vivid", "cream", ("dyed", 0.15), ("soft", -0.2))),
            (SHADED,),
        ),
    ),
    "yarn": (
        _fibrous(2, "dyed", 0.12, 0.14, _YARN, 0.9, SHADED),
        _fibrous(1, "cream", 0.14, 0.03, _YARN, 0.9, SHADED),
        _fibrous(1, "vivid", 0.12, 0.1, _YARN, 0.9, SHADED),
    ),
    "ermine": (
        _fibrous(2, "cream", 0.14, 0.03, _YARN, 0.9, SHADED),
        _fibrous(1, "hide", 0.1, 0.14, _YARN, 0.9, SHADED),
    ),
    "plastic": (
        _plain(3, ("vivid", ("vivid", 0.02)), 0.2, 0.5, RUBBED, GRIME),
        _plain(1.5, ("soft", ("soft", 0.02)), 0.25, 0.55, GRIME),
        _plain(1.5, ("black", ("black", 0.03)), 0.3, 0.6, RUBBED, DUST),
        _plain(1, ("white", "cream"), 0.25, 0.5, GRIME),
    ),
    "painted": (
        _plain(2, ("vivid", ("vivid", 0.03)), 0.25, 0.55, CHIPPED, GRIME, DUST),
        _plain(3, ("dyed", ("dyed", 0.05)), 0.3, 0.6, CHIPPED, RUSTY, GRIME),
        _plain(1.5, ("cream", ("cream", -0.04)), 0.3, 0.6, CHIPPED, RUSTY, GRIME),
        _rusted(1, "painted", tones("dyed", ("dyed", 0.06)), CHIPPED),
        Look(0.7, of("paint", palette=tones("dyed", ("dyed", 0.08), "cream")), (CHIPPED, GRIME)),
    ),
    "alloy": (
        _plain(3, ("white", ("white", -0.05)), 0.35, 0.6, CHIPPED, GRIME),
        _plain(2, ("concrete", ("concrete", -0.06)), 0.35, 0.6, CHIPPED, GRIME),
        _plain(1, ("slate", ("slate", 0.05)), 0.35, 0.6, CHIPPED, GRIME),
        _plain(1, ("cream", ("cream", -0.05)), 0.35, 0.6, CHIPPED, GRIME),
    ),
    "gem": (
        _gem("ruby", 1),
        _gem("emerald", 1),
        _gem("sapphire", 1),
        _gem("amethyst", 1),
        _gem("topaz", 1),
        _gem("ice", 1.5),
    ),
    "crystal": (_gem("ice", 2), _gem("amethyst", 2), _gem("topaz", 1), _gem("emerald", 0.7), _gem("sea", 1)),
    "glass": (
        _plain(2, ("glass", ("glass", 0.1)), 0.03, 0.1),
        _plain(1, ("ice", ("ice", 0.03)), 0.03, 0.1),
        _plain(0.7, ("topaz", ("topaz", -0.1)), 0.03, 0.1),
    ),
    "bone": (
        _fibrous(2, "ivory", 0.1, 0.03, (8.0, 20.0), 0.5, SHADED, GRIME),
        _plain(2, ("ivory", ("ivory", -0.06)), 0.3, 0.55, SHADED, GRIME),
    ),
    "ivory": (
        _plain(2, ("ivory", ("ivory", -0.04)), 0.2, 0.4, SHADED, GRIME),
        _fibrous(1, "ivory", 0.06, 0.03, (8.0, 20.0), 0.35, SHADED),
    ),
    "horn": (_fibrous(1, "amber horn", 0.15, 0.16, (8.0, 20.0), 0.4, RUBBED, SHADED),),
    "skin": (
        _mottled(2, ("reptile", ("reptile", -0.12), ("reptile", 0.14)), 0.45, 0.55, SHADED, RUBBED),
        _mottled(1, ("skin", ("skin", -0.06), ("skin", -0.12)), 0.2, 0.6, SHADED),
        _mottled(1, ("hide grey", ("hide grey", -0.08), ("hide grey", 0.08)), 0.2, 0.75, SHADED, DUST),
        _mottled(1, ("frog", ("frog", -0.2), "black"), 0.45, 0.35, SHADED),
        Look(0.7, of("coat", palette=tones("tan", "hide", "black")), (SHADED,)),
        Look(0.7, of("coat", palette=tones("cream", "tan", "hide")), (SHADED,)),
    ),
    "pelt": (
        _fibrous(2, "tan", 0.08, 0.1, _YARN, 0.85, SHADED),
        _fibrous(2, "hide", 0.08, 0.12, _YARN, 0.85, SHADED),
        _fibrous(1, "hide grey", 0.1, 0.12, _YARN, 0.85, SHADED),
        _fibrous(0.5, "cream", 0.12, 0.03, _YARN, 0.85, SHADED),
        Look(0.5, of("coat", palette=tones("tan", "hide", "black")), (SHADED,)),
        Look(0.3, of("coat", palette=tones("cream", "tan", "hide")), (SHADED,)),
    ),
    "scales": (
        _mottled(2, ("reptile", ("reptile", -0.14), "topaz"), 0.3, 0.4, SHADED, RUBBED),
        _mottled(1, ("sea", ("sea", -0.1), "nacre"), 0.3, 0.35, SHADED, RUBBED),
        _metal("silver", 0.6, 0.2, 0.4, TARNISH),
    ),
    "foliage": (
        _mottled(3, ("leaf", ("leaf", -0.1), "young leaf"), 0.2, 0.55, SHADED, RUBBED),
        _mottled(1.5, ("young leaf", "leaf", ("leaf", 0.1)), 0.2, 0.55, SHADED),
        _mottled(0.7, ("autumn", ("autumn", -0.14), "bark"), 0.3, 0.7, SHADED),
    ),
    "petal": (_mottled(1, ("petal", ("petal", -0.12), ("petal", 0.1)), 0.15, 0.65, SHADED),),
    "coral": (
        _mottled(2, ("coral", ("coral", -0.1), "cream"), 0.45, 0.85, RUBBED, SHADED),
        _mottled(1, ("coral pink", ("coral pink", -0.1), "white"), 0.4, 0.85, RUBBED, SHADED),
        _mottled(1, ("sea", ("sea", -0.12), "cream"), 0.4, 0.85, RUBBED, SHADED),
        _mottled(0.7, ("cream", ("cream", -0.08), "shell"), 0.3, 0.9, SHADED),
    ),
    "shell": (
        _strata(2, "shell", SHADED, RUBBED),
        _plain(1, ("nacre", ("nacre", -0.06)), 0.12, 0.3, SHADED),
        _mottled(1, ("cream", "shell", "walnut"), 0.4, 0.35, SHADED),
    ),
    "paper": (
        _plain(3, ("paper", ("paper", -0.02)), 0.85, 0.98, SHADED),
        _plain(1, ("card", ("card", 0.04)), 0.85, 0.95, RUBBED),
        _plain(1, ("soft", ("soft", 0.02)), 0.8, 0.95, SHADED),
        Look(0.7, of("print", palette=tones("paper", "black", "dyed", "vivid", "soft", "cream"))),
    ),
    "enamel": (
        _plain(3, ("white", ("white", -0.03)), 0.3, 0.6, GRIME),
        _plain(2, ("cream", ("cream", -0.03)), 0.3, 0.6, GRIME),
        _plain(1, ("soft", ("soft", 0.02)), 0.3, 0.6, GRIME),
        _plain(1, ("silver", ("silver", -0.04)), 0.3, 0.5, GRIME),
    ),
    "ink": (
        _plain(4, ("black", ("black", 0.03)), 0.4, 0.7),
        _plain(1, ("deep", ("deep", 0.03)), 0.4, 0.7),
    ),  # what must be read on a dial
    "rubber": (
        _plain(3, ("rubber", ("rubber", 0.04)), 0.7, 0.95, RUBBED, DUST),
        _plain(1, ("vivid", ("vivid", -0.03)), 0.6, 0.8, RUBBED, GRIME),
    ),
    "pcb": (_board("mask green", "gold", 3), _board("mask blue", "silver", 1), _board("black", "gold", 0.7)),
    "terrain": (
        _ground(2, "soil", "grass", "grey stone", "snow"),
        _ground(1, "sand", ("sand", -0.06), "sandstone", ("sand", 0.06)),
        _ground(1, "sand", "grass", "slate", ("grass", 0.1)),
    ),
    "rock": (
        _mottled(2, ("grey stone", ("grey stone", -0.14), ("grey stone", 0.1)), 0.25, 0.9, RUBBED, SHADED, MOSS, SNOW),
        _mottled(1, ("terracotta", ("terracotta", -0.12), "sandstone"), 0.3, 0.9, RUBBED, SHADED),
        _strata(1, "grey stone", RUBBED, SHADED, MOSS),
    ),
    "clay": (
        _plain(2, ("terracotta", ("terracotta", 0.06)), 0.75, 0.95, RUBBED, GRIME),
        _base("clay", 1, (), (("terracotta", -0.25), "terracotta", ("terracotta", 0.07), ("terracotta", -0.06))),
    ),
    "wax": (
        _plain(2, ("wax", ("wax", -0.04)), 0.3, 0.55, SHADED),
        _plain(1, ("vivid", ("vivid", 0.05)), 0.3, 0.5, RUBBED),
    ),
    "asphalt": (_mottled(1, ("asphalt", ("asphalt", 0.06), ("asphalt", 0.2)), 0.4, 0.9, DUST),),
}


def sample_parts(rng: Rng, finish: str, hues: Scheme) -> tuple[Texture, tuple[Layer, ...]]:
    """Returns base and layers of one look of a finish, drawn by weight. Raises ValueError naming a finish that is
    unknown.
    """
    if finish not in FINISHES:
        raise ValueError(f"finish: expected one of {', '.join(FINISHES)}, got {finish!r}")
    looks = FINISHES[finish]
    look = rng.child("look").choice(looks, [row.weight for row in looks])
    base = look.base(rng.child("base"), hues)
    layers = [(use, rng.child("layer", use.where, number)) for number, use in enumerate(look.uses)]
    return base, tuple(
        _layer(stream, use, base, hues) for use, stream in layers if stream.child("chance").chance(use.chance)
    )


def _layer(rng: Rng, use: Use, base: Texture, hues: Scheme) -> Layer:
    color = tone(rng.child("color"), use.color, hues) if isinstance(use.color, str) else _toward(base, use.color)
    drawn = {name: rng.child(name).uniform(*getattr(use, name)) for name in ("amount", "opacity", "roughness")}
    plain = Layer.sample(rng)
    return replace(plain, where=use.where, color=color, metallic=use.metallic, **drawn)


def _toward(base: Texture, step: float) -> palettes.Color:
    """Returns the palette's first colours' mean, `step` of the way to white, or -step of the way to black."""
    near = [sum(color[c] for color in base.palette[:2]) / 2 for c in range(3)]
    return tuple(round(value + step * (1.0 - value) if step > 0 else value * (1.0 + step), 4) for value in near)
