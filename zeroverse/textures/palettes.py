"""Colours, sampled in OKLab (Björn Ottosson, 2020: "A perceptual color space for image processing") so that lightness
and vividness are even over hues.

Every function returns sRGB-encoded colours as tuples of 4 decimals, and is called while a recipe is sampled, never per
texel.
"""

from zeroverse.core.portable import cos_sin, power
from zeroverse.core.rng import Rng

Color = tuple[float, float, float]

# (name, lightness low, high, chroma low, high, hue low, high in degrees): materials of nature and of old crafts
NATURAL = (
    ("terracotta", 0.50, 0.70, 0.09, 0.15, 30, 52),
    ("sandstone", 0.68, 0.88, 0.04, 0.09, 65, 92),
    ("ochre", 0.60, 0.78, 0.10, 0.15, 70, 88),
    ("moss", 0.42, 0.68, 0.07, 0.13, 112, 138),
    ("leaf", 0.50, 0.75, 0.12, 0.19, 128, 148),
    ("slate", 0.40, 0.62, 0.02, 0.05, 220, 265),
    ("patina", 0.60, 0.80, 0.05, 0.10, 168, 200),
    ("sky", 0.65, 0.85, 0.06, 0.12, 220, 250),
    ("indigo", 0.34, 0.50, 0.08, 0.15, 262, 285),
    ("ivory", 0.88, 0.96, 0.01, 0.04, 75, 105),
    ("chalk", 0.90, 0.97, 0.00, 0.01, 0, 360),
    ("walnut", 0.36, 0.50, 0.05, 0.08, 45, 65),
    ("oak", 0.60, 0.76, 0.07, 0.11, 62, 80),
    ("wine", 0.36, 0.50, 0.10, 0.16, 5, 25),
    ("rose", 0.68, 0.84, 0.07, 0.13, 0, 22),
    ("heather", 0.52, 0.72, 0.06, 0.11, 300, 330),
)
# (name, hue offsets of the colours in turns of the hue circle)
HARMONIES = (
    ("monochrome", (0.0,)),
    ("analogous", (0.0, 0.08, -0.08, 0.15)),
    ("complementary", (0.0, 0.5, 0.03, 0.47)),
    ("split", (0.0, 0.42, 0.58, 0.05)),
    ("triad", (0.0, 0.333, 0.667, 0.1)),
)


def _linear(lightness: float, a: float, b: float) -> Color:
    """OKLab to linear sRGB, possibly outside 0 .. 1."""
    l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    s = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
        -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
        -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s,
    )


def _encode(value: float) -> float:
    """Linear 0 .. 1 to sRGB-encoded (IEC 61966-2-1)."""
    return 12.92 * value if value <= 0.0031308 else 1.055 * power(value, 1.0 / 2.4) - 0.055


def color(lightness: float, chroma: float, hue: float) -> Color:
    """Converts OKLCh (hue in turns) to sRGB; a colour outside the gamut keeps lightness and hue and loses chroma."""
    c, s = cos_sin(hue * 6.283185307179586)
    while True:
        rgb = _linear(lightness, chroma * c, chroma * s)
        if min(rgb) >= 0.0 and max(rgb) <= 1.0 or chroma < 1e-4:
            return tuple(round(min(max(_encode(min(max(v, 0.0), 1.0)), 0.0), 1.0), 4) for v in rgb)
        chroma *= 0.94


def _sunny(lightness: float, hue: float) -> float:
    """Lightness raised near yellow (hue 0.28 turns): dark yellows are olive mud, and its vivid colours are light
    ones.
    """
    near = max(1.0 - abs(hue - 0.28 - round(hue - 0.28)) / 0.11, 0.0)
    return lightness + 0.6 * near * (0.95 - lightness)


def _lightnesses(rng: Rng, number: int, low: float, high: float) -> list[float]:
    """Spread over the range with a jitter, in random order: neighbours in a palette always differ, and no palette is
    all dark.
    """
    step = (high - low) / number
    values = [low + step * (i + rng.unit()) for i in range(number)]
    for i in range(number - 1, 0, -1):
        j = rng.integer(0, i + 1)
        values[i], values[j] = values[j], values[i]
    return values


def vivid(rng: Rng, number: int) -> tuple[Color, ...]:
    """Samples saturated colours in a harmony of hues."""
    hue, chroma = rng.unit(), rng.uniform(0.11, 0.24)
    offsets = rng.choice(HARMONIES)[1]
    lightness = _lightnesses(rng, number, 0.38, 0.92)
    hues = [hue + offsets[i % len(offsets)] for i in range(number)]
    return tuple(
        color(_sunny(light, turn), chroma * rng.uniform(0.75, 1.1), turn) for light, turn in zip(lightness, hues)
    )


def pastel(rng: Rng, number: int) -> tuple[Color, ...]:
    """Samples light, soft colours with one stronger accent."""
    hue = rng.unit()
    offsets = rng.choice(HARMONIES)[1]
    lightness = _lightnesses(rng, number, 0.72, 0.96)
    soft = [color(lightness[i], rng.uniform(0.03, 0.09), hue + offsets[i % len(offsets)]) for i in range(number)]
    soft[rng.integer(0, number)] = color(rng.uniform(0.42, 0.68), rng.uniform(0.10, 0.18), hue + offsets[-1])
    return tuple(soft)


def earth(rng: Rng, number: int) -> tuple[Color, ...]:
    """Samples natural colours, each a different material's."""
    rows = list(NATURAL)
    colors = []
    for _ in range(number):
        row = rng.choice(rows)
        if len(rows) > 1:
            rows.remove(row)
        _, l0, l1, c0, c1, h0, h1 = row
        colors.append(color(rng.uniform(l0, l1), rng.uniform(c0, c1), rng.uniform(h0, h1) / 360))
    return tuple(colors)


def tonal(rng: Rng, number: int) -> tuple[Color, ...]:
    """Samples one natural or vivid hue from dark to light, in that order: for ramps."""
    hue, drift, chroma = rng.unit(), rng.uniform(-0.12, 0.12), rng.uniform(0.05, 0.17)
    low, high = rng.uniform(0.34, 0.55), rng.uniform(0.76, 0.95)
    steps = [i / max(number - 1, 1) for i in range(number)]
    return tuple(
        color(_sunny(low + (high - low) * t, hue + drift * t), chroma * (1.15 - 0.5 * t), hue + drift * t)
        for t in steps
    )


def any_palette(rng: Rng, number: int) -> tuple[Color, ...]:
    """Samples colours of one of the palettes."""
    return rng.choice((vivid, pastel, earth, tonal), (4, 2, 3, 2))(rng, number)


def metal(rng: Rng, number: int) -> tuple[Color, ...]:
    """Samples reflectance colours of metals: steel, aluminium, copper, brass, gold, or anodised in any hue."""
    rows = ((0.72, 0.006, 0.70), (0.90, 0.004, 0.65), (0.72, 0.095, 0.125), (0.80, 0.10, 0.235), (0.84, 0.13, 0.24))
    if rng.chance(0.45):
        hue, chroma, light = rng.unit(), rng.uniform(0.08, 0.20), rng.uniform(0.50, 0.76)
    else:
        light, chroma, hue = rng.choice(rows)
    lights = [min(light + 0.05 * i + rng.uniform(-0.04, 0.04), 0.96) for i in range(number)]
    return tuple(color(light, chroma * rng.uniform(0.8, 1.1), hue + rng.uniform(-0.01, 0.01)) for light in lights)


def wood(rng: Rng, number: int) -> tuple[Color, ...]:
    """Samples light to dark of one timber; one time in five stained in any hue."""
    low, spread = rng.uniform(0.40, 0.68), rng.uniform(0.12, 0.24)
    if rng.chance(0.2):
        hue, chroma = rng.unit(), rng.uniform(0.07, 0.15)
    else:
        hue, chroma = rng.uniform(42, 82) / 360, rng.uniform(0.06, 0.12)
    steps = [1.0 - i / max(number - 1, 1) for i in range(number)]
    return tuple(color(low + spread * t, chroma, hue + 0.03 * t) for t in steps)


def ember(rng: Rng, number: int) -> tuple[Color, ...]:
    """Samples a dark crust, then a glow rising to near-white; usually fire, sometimes any mineral's hue."""
    hue = rng.uniform(0.05, 0.11) if rng.chance(0.5) else rng.unit()
    turn = rng.choice((-1.0, 1.0))
    crust = color(rng.uniform(0.32, 0.45), rng.uniform(0.02, 0.08), hue + rng.uniform(-0.15, 0.5))
    steps = [i / max(number - 2, 1) for i in range(number - 1)]
    return (crust, *(color(0.52 + 0.4 * t, 0.22 - 0.1 * t, hue + 0.17 * turn * t) for t in steps))


def rust(rng: Rng, number: int) -> tuple[Color, ...]:
    """Samples iron's browns to oranges, or copper's greens, dark to light."""
    hue, chroma = (rng.uniform(165, 195) / 360, 0.09) if rng.chance(0.25) else (rng.uniform(38, 58) / 360, 0.13)
    steps = [i / max(number - 1, 1) for i in range(number)]
    return tuple(color(0.38 + 0.34 * t, chroma * (0.6 + 0.5 * t), hue + 0.03 * t) for t in steps)
