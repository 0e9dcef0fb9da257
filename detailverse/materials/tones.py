"""Named colours of matter, as ranges, and the hues that the painted, dyed and glazed things of one object share: what
palettes are drawn from.
"""

from collections.abc import Callable

from zeroverse.core.rng import Rng
from zeroverse.textures import palettes

# (name, lightness low, high, chroma low, high, hue low, high in degrees), OKLCh. Metals: around their measured
# reflectance at normal incidence (gold 1.00 0.77 0.34, silver 0.97 0.96 0.92, copper 0.96 0.64 0.54, brass 0.89 0.79
# 0.43, iron 0.56 0.57 0.58, titanium 0.54 0.50 0.45, linear RGB).
TONES = {
    name: ranges
    for name, *ranges in (
        ("steel", 0.76, 0.84, 0.002, 0.010, 225, 260),
        ("iron", 0.52, 0.68, 0.004, 0.012, 230, 270),
        ("chrome", 0.82, 0.90, 0.002, 0.008, 230, 260),
        ("gold", 0.84, 0.91, 0.100, 0.140, 80, 88),
        ("rose gold", 0.84, 0.90, 0.055, 0.080, 48, 62),
        ("silver", 0.93, 0.985, 0.004, 0.010, 85, 105),
        ("copper", 0.76, 0.88, 0.060, 0.100, 42, 52),
        ("brass", 0.80, 0.90, 0.080, 0.115, 86, 96),
        ("bronze", 0.58, 0.74, 0.060, 0.095, 62, 78),
        ("titanium", 0.70, 0.79, 0.010, 0.018, 62, 80),
        ("blued", 0.38, 0.52, 0.030, 0.070, 250, 275),
        ("grime", 0.22, 0.34, 0.010, 0.030, 50, 80),
        ("tarnish", 0.26, 0.40, 0.010, 0.030, 50, 90),
        ("verdigris", 0.62, 0.76, 0.050, 0.085, 165, 190),
        ("rust", 0.40, 0.52, 0.085, 0.125, 42, 56),
        ("dust", 0.70, 0.82, 0.012, 0.028, 75, 95),
        ("moss", 0.44, 0.58, 0.080, 0.115, 118, 134),
        ("white", 0.93, 0.975, 0.002, 0.012, 80, 110),
        ("cream", 0.88, 0.94, 0.025, 0.050, 80, 98),
        ("glaze", 0.45, 0.78, 0.070, 0.140, 0, 360),
        ("cobalt", 0.40, 0.54, 0.130, 0.190, 262, 274),
        ("celadon", 0.74, 0.84, 0.035, 0.065, 145, 170),
        ("terracotta", 0.54, 0.68, 0.095, 0.135, 38, 52),
        ("grey stone", 0.52, 0.76, 0.003, 0.018, 60, 260),
        ("sandstone", 0.68, 0.84, 0.040, 0.075, 68, 90),
        ("slate", 0.36, 0.52, 0.015, 0.035, 230, 260),
        ("oak", 0.56, 0.72, 0.065, 0.095, 62, 76),
        ("walnut", 0.36, 0.48, 0.045, 0.070, 48, 62),
        ("pine", 0.74, 0.85, 0.065, 0.095, 74, 86),
        ("cherry", 0.46, 0.60, 0.080, 0.110, 42, 54),
        ("bark", 0.36, 0.52, 0.020, 0.045, 50, 75),
        ("birch", 0.80, 0.90, 0.008, 0.020, 70, 100),
        ("straw", 0.72, 0.85, 0.075, 0.110, 82, 94),
        ("wicker", 0.50, 0.66, 0.070, 0.095, 60, 76),
        ("rope", 0.66, 0.78, 0.045, 0.070, 72, 86),
        ("tan", 0.50, 0.66, 0.080, 0.110, 52, 66),
        ("hide", 0.28, 0.44, 0.035, 0.065, 40, 60),
        ("dyed", 0.30, 0.62, 0.060, 0.140, 0, 360),
        ("deep", 0.24, 0.36, 0.060, 0.120, 0, 360),
        ("vivid", 0.50, 0.82, 0.130, 0.210, 0, 360),
        ("soft", 0.78, 0.92, 0.030, 0.075, 0, 360),
        ("black", 0.20, 0.30, 0.002, 0.012, 200, 300),
        ("ivory", 0.88, 0.94, 0.025, 0.045, 82, 98),
        ("amber horn", 0.44, 0.60, 0.060, 0.090, 58, 76),
        ("skin", 0.56, 0.84, 0.045, 0.070, 42, 60),
        ("reptile", 0.44, 0.62, 0.060, 0.110, 105, 150),
        ("hide grey", 0.46, 0.60, 0.006, 0.020, 40, 80),
        ("frog", 0.58, 0.76, 0.110, 0.160, 115, 140),
        ("leaf", 0.44, 0.62, 0.095, 0.140, 128, 146),
        ("young leaf", 0.66, 0.78, 0.120, 0.165, 118, 132),
        ("autumn", 0.54, 0.72, 0.120, 0.165, 38, 78),
        ("petal", 0.66, 0.86, 0.080, 0.180, 320, 460),
        ("coral", 0.66, 0.78, 0.110, 0.155, 15, 45),
        ("coral pink", 0.76, 0.86, 0.070, 0.105, 350, 380),
        ("sea", 0.46, 0.66, 0.070, 0.120, 190, 310),
        ("nacre", 0.90, 0.96, 0.012, 0.035, 20, 100),
        ("shell", 0.70, 0.86, 0.040, 0.080, 45, 75),
        ("paper", 0.90, 0.96, 0.008, 0.028, 82, 100),
        ("card", 0.66, 0.74, 0.050, 0.070, 66, 76),
        ("rubber", 0.22, 0.34, 0.002, 0.008, 240, 290),
        ("ruby", 0.42, 0.54, 0.170, 0.220, 12, 24),
        ("emerald", 0.50, 0.64, 0.120, 0.160, 155, 166),
        ("sapphire", 0.42, 0.56, 0.140, 0.200, 258, 270),
        ("amethyst", 0.48, 0.62, 0.120, 0.180, 300, 315),
        ("topaz", 0.66, 0.78, 0.120, 0.150, 68, 84),
        ("ice", 0.80, 0.92, 0.020, 0.045, 210, 240),
        ("glass", 0.62, 0.82, 0.040, 0.090, 140, 240),
        ("mask green", 0.34, 0.44, 0.080, 0.110, 148, 160),
        ("mask blue", 0.30, 0.42, 0.090, 0.140, 255, 268),
        ("grass", 0.48, 0.60, 0.085, 0.125, 120, 136),
        ("soil", 0.34, 0.46, 0.035, 0.060, 55, 75),
        ("sand", 0.78, 0.86, 0.050, 0.075, 78, 90),
        ("snow", 0.94, 0.98, 0.003, 0.010, 230, 260),
        ("wax", 0.84, 0.93, 0.030, 0.065, 80, 95),
        ("concrete", 0.62, 0.74, 0.004, 0.012, 80, 110),
        ("brick", 0.44, 0.56, 0.085, 0.120, 34, 46),
        ("asphalt", 0.30, 0.40, 0.003, 0.010, 240, 280),
        ("verde", 0.34, 0.46, 0.035, 0.065, 150, 172),
        ("rosso", 0.42, 0.54, 0.070, 0.105, 24, 38),
        ("blush", 0.78, 0.86, 0.030, 0.055, 25, 50),
    )
}


# (hue low, high in degrees, weight): what people paint, dye and glaze things in; purple and pink are rare
_HUES = (
    (18, 32, 3),
    (48, 66, 2),
    (78, 100, 2.5),
    (128, 155, 2.5),
    (170, 205, 1.5),
    (235, 265, 3.5),
    (280, 310, 0.7),
    (350, 372, 0.8),
)
_TURNS = (
    (0.0,),
    (0.0, 0.0, 0.5),
    (0.0, 0.0, 0.08),
    (0.0, 0.0, 0.42, 0.58),
)  # of the hue circle: one hue, complementary, neighbouring, split
_DRIFT = 7.0  # degrees, each way: two coats of one paint differ

Scheme = tuple[
    float, ...
]  # hues in degrees that an object's free colours are drawn from; a hue that counts more stands there more often


def scheme(rng: Rng) -> Scheme:
    """Returns the hues of one object: one of `_HUES`, mostly, and what goes with it."""
    low, high, _ = rng.child("hue").choice(_HUES, [weight for *_, weight in _HUES])
    hue = rng.child("where").uniform(low, high)
    return tuple(hue + 360.0 * turn for turn in rng.child("harmony").choice(_TURNS))


def tone(rng: Rng, name: str, hues: Scheme, step: float = 0.0) -> palettes.Color:
    """Returns a colour of `TONES`, `step` lighter. One that may have any hue takes it from `hues`."""
    l0, l1, c0, c1, h0, h1 = TONES[name]
    light = rng.child("light").uniform(l0, l1) + step
    turn = rng.child("hue")
    hue = turn.choice(hues) + turn.child("drift").uniform(-_DRIFT, _DRIFT) if h1 - h0 == 360 else turn.uniform(h0, h1)
    return palettes.color(min(max(light, 0.05), 0.985), rng.child("chroma").uniform(c0, c1), hue / 360)


def tones(*names: str | tuple[str, float]) -> Callable:
    """Samples a palette: one colour for each name, or (name, step lighter); equal names are steps of one drawn
    colour.
    """
    pairs = [(name, 0.0) if isinstance(name, str) else name for name in names]
    return lambda rng, hues: tuple(tone(rng.child(name), name, hues, step) for name, step in pairs)
