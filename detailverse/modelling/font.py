"""Letters of our own: skeletons of lines and arcs that become strokes. There are no font files, so shapes are the same
on every machine.

    text("VERSE 1", 0.3) and text("ᛗᛁᛞ", 0.3, style="square") are regions;
    text_around("E PLURIBUS", 0.8, 0.1) is a coin's legend.

Capitals, digits, punctuation, the runes of the elder futhark and some symbols; small letters look like capitals.
"""

from functools import lru_cache

import numpy as np

from detailverse.modelling.region import Region, circle, polar, polygon, rect, stroke, union
from zeroverse.core.portable import TAU

STYLES = ("round", "square", "serif")
ARC_STEP = 8.0  # degrees between the points of an arc
BANDS = 10  # heights at which two letters measure how near they may stand
CLOSER = 0.75  # share of the free space between two letters that kerning takes away …
MOST = 0.24  # … and the most of it, heights

# Glyphs on a cap height of 1: (width, strokes). A stroke is a chain of points (x, y) and arcs (x, y, rx, ry, from, to)
# in degrees, closed where it ends at its start; one point alone is a dot.
_RING = ((0.5, 0.5, 0.5, 0.5, 0, 360),)
_STAR = (
    (0.485, 0.96),
    (0.359, 0.623),
    (0, 0.608),
    (0.281, 0.384),
    (0.185, 0.037),
    (0.485, 0.236),
    (0.785, 0.037),
    (0.689, 0.384),
    (0.97, 0.608),
    (0.611, 0.623),
    (0.485, 0.96),
)
GLYPHS = {
    " ": (0.22, ()),
    "A": (0.8, (((0, 0), (0.4, 1), (0.8, 0)), ((0.13, 0.32), (0.67, 0.32)))),
    "B": (
        0.57,
        (
            (
                (0, 0.53),
                (0.3, 0.53),
                (0.3, 0.265, 0.27, 0.265, 90, -90),
                (0, 0),
                (0, 1),
                (0.28, 1),
                (0.28, 0.765, 0.235, 0.235, 90, -90),
                (0, 0.53),
            ),
        ),
    ),
    "C": (0.86, (((0.5, 0.5, 0.5, 0.5, 44, 316),),)),
    "D": (0.78, (((0, 0), (0, 1), (0.28, 1), (0.28, 0.5, 0.5, 0.5, 90, -90), (0, 0)),)),
    "E": (0.5, (((0.5, 1), (0, 1), (0, 0), (0.5, 0)), ((0, 0.52), (0.44, 0.52)))),
    "F": (0.48, (((0.48, 1), (0, 1), (0, 0)), ((0, 0.5), (0.42, 0.5)))),
    "G": (0.96, (((0.5, 0.5, 0.5, 0.5, 44, 340), (0.97, 0.48), (0.6, 0.48)),)),
    "H": (0.68, (((0, 0), (0, 1)), ((0.68, 0), (0.68, 1)), ((0, 0.52), (0.68, 0.52)))),
    "I": (0.0, (((0, 0), (0, 1)),)),
    "J": (0.4, (((0.4, 1), (0.4, 0.22), (0.2, 0.22, 0.2, 0.22, 0, -165)),)),
    "K": (0.6, (((0, 0), (0, 1)), ((0.57, 1), (0, 0.4)), ((0.19, 0.6), (0.6, 0)))),
    "L": (0.46, (((0, 1), (0, 0), (0.46, 0)),)),
    "M": (0.84, (((0, 0), (0, 1), (0.42, 0.34), (0.84, 1), (0.84, 0)),)),
    "N": (0.7, (((0, 0), (0, 1), (0.7, 0), (0.7, 1)),)),
    "O": (1.0, (_RING,)),
    "P": (0.54, (((0, 0), (0, 1), (0.27, 1), (0.27, 0.73, 0.27, 0.27, 90, -90), (0, 0.46)),)),
    "Q": (1.0, (_RING, ((0.62, 0.32), (0.98, -0.06)))),
    "R": (
        0.57,
        (((0, 0), (0, 1), (0.27, 1), (0.27, 0.735, 0.265, 0.265, 90, -90), (0, 0.47)), ((0.25, 0.47), (0.57, 0))),
    ),
    "S": (0.56, (((0.28, 0.745, 0.255, 0.255, 28, 270), (0.28, 0.245, 0.28, 0.245, 90, -155)),)),
    "T": (0.64, (((0, 1), (0.64, 1)), ((0.32, 1), (0.32, 0)))),
    "U": (0.66, (((0, 1), (0, 0.33), (0.33, 0.33, 0.33, 0.33, 180, 360), (0.66, 1)),)),
    "V": (0.76, (((0, 1), (0.38, 0), (0.76, 1)),)),
    "W": (1.1, (((0, 1), (0.28, 0), (0.55, 0.9), (0.82, 0), (1.1, 1)),)),
    "X": (0.66, (((0.02, 1), (0.66, 0)), ((0.64, 1), (0, 0)))),
    "Y": (0.68, (((0, 1), (0.34, 0.46), (0.68, 1)), ((0.34, 0.46), (0.34, 0)))),
    "Z": (0.6, (((0.02, 1), (0.6, 1), (0, 0), (0.6, 0)),)),
    "0": (0.62, (((0.31, 0.5, 0.31, 0.5, 0, 360),),)),
    "1": (0.24, (((0, 0.78), (0.24, 1), (0.24, 0)),)),
    "2": (0.58, (((0.29, 0.71, 0.29, 0.29, 168, -45), (0, 0), (0.58, 0)),)),
    "3": (
        0.55,
        (
            ((0.26, 0.755, 0.24, 0.245, 155, -90), (0.18, 0.51)),
            ((0.18, 0.51), (0.26, 0.51), (0.26, 0.255, 0.29, 0.255, 90, -155)),
        ),
    ),
    "4": (0.64, (((0.48, 0), (0.48, 1), (0, 0.27), (0.64, 0.27)),)),
    "5": (0.57, (((0.5, 1), (0.1, 1), (0.06, 0.53), (0.26, 0.31, 0.31, 0.31, 118, -152)),)),
    "6": (0.62, (((0.31, 0.31, 0.31, 0.31, 0, 360),), ((0.56, 0.31, 0.56, 0.69, 180, 102),))),
    "7": (0.58, (((0, 1), (0.58, 1), (0.18, 0)),)),
    "8": (0.58, (((0.29, 0.76, 0.235, 0.24, 0, 360),), ((0.29, 0.26, 0.29, 0.26, 0, 360),))),
    "9": (0.62, (((0.31, 0.69, 0.31, 0.31, 0, 360),), ((0.06, 0.69, 0.56, 0.69, 0, -78),))),
    ".": (0.0, (((0, 0),),)),
    ",": (0.08, (((0.08, 0.05), (0, -0.16)),)),
    ":": (0.0, (((0, 0.12),), ((0, 0.62),))),
    "!": (0.0, (((0, 1), (0, 0.32)), ((0, 0),))),
    "?": (0.5, (((0.25, 0.75, 0.25, 0.25, 170, -62), (0.25, 0.42), (0.25, 0.3)), ((0.25, 0),))),
    "'": (0.0, (((0, 1), (0, 0.74)),)),
    "-": (0.34, (((0, 0.48), (0.34, 0.48)),)),
    "+": (0.52, (((0, 0.48), (0.52, 0.48)), ((0.26, 0.22), (0.26, 0.74)))),
    "=": (0.5, (((0, 0.62), (0.5, 0.62)), ((0, 0.34), (0.5, 0.34)))),
    "/": (0.44, (((0, -0.1), (0.44, 1.1)),)),
    "(": (0.2, (((0.5, 0.5, 0.5, 0.68, 128, 232),),)),
    ")": (0.2, (((-0.3, 0.5, 0.5, 0.68, 52, -52),),)),
    "*": (0.4, (((0.2, 1), (0.2, 0.54)), ((0, 0.885), (0.4, 0.655)), ((0, 0.655), (0.4, 0.885)))),
    "#": (
        0.66,
        (((0.14, 0), (0.26, 1)), ((0.4, 0), (0.52, 1)), ((0.04, 0.68), (0.66, 0.68)), ((0, 0.32), (0.62, 0.32))),
    ),
    "&": (
        0.72,
        (
            (
                (0.7, 0),
                (0.14, 0.66),
                (0.31, 0.8, 0.2, 0.2, 212, -38),
                (0.14, 0.42),
                (0.28, 0.25, 0.28, 0.25, 126, 330),
                (0.72, 0.46),
            ),
        ),
    ),
    "°": (0.28, (((0.14, 0.86, 0.14, 0.14, 0, 360),),)),
    "•": (0.0, (((0, 0.5),),)),
    "×": (0.4, (((0, 0.28), (0.4, 0.68)), ((0, 0.68), (0.4, 0.28)))),
    "∞": (0.96, (((0.2, 0.5, 0.2, 0.2, 44.4, 315.6), (0.76, 0.5, 0.2, 0.2, 135.6, -135.6), (0.342894, 0.639934)),)),
    "○": (0.8, (((0.4, 0.5, 0.4, 0.4, 0, 360),),)),
    "☉": (0.8, (((0.4, 0.5, 0.4, 0.4, 0, 360),), ((0.4, 0.5),))),
    "△": (0.86, (((0, 0.1), (0.86, 0.1), (0.43, 0.86), (0, 0.1)),)),
    "◇": (0.7, (((0, 0.5), (0.35, 0), (0.7, 0.5), (0.35, 1), (0, 0.5)),)),
    "↑": (0.56, (((0.28, 0), (0.28, 1)), ((0, 0.7), (0.28, 1), (0.56, 0.7)))),
    "★": (0.97, (_STAR,)),
    "♀": (0.56, (((0.28, 0.7, 0.28, 0.28, 0, 360),), ((0.28, 0.42), (0.28, 0)), ((0.06, 0.2), (0.5, 0.2)))),
    "♂": (0.8, (((0.3, 0.32, 0.3, 0.3, 0, 360),), ((0.51, 0.53), (0.8, 0.9)), ((0.5, 0.92), (0.8, 0.92), (0.8, 0.6)))),
    "☥": (
        0.6,
        (((0.3, 0.5), (0.3, 0.76, 0.19, 0.22, -50, 230), (0.3, 0.5)), ((0.3, 0.5), (0.3, 0)), ((0, 0.46), (0.6, 0.46))),
    ),
    "ᚠ": (0.4, (((0, 0), (0, 1)), ((0, 0.62), (0.4, 1)), ((0, 0.34), (0.4, 0.72)))),
    "ᚢ": (0.46, (((0, 0), (0, 1), (0.46, 0.62), (0.46, 0)),)),
    "ᚦ": (0.36, (((0, 0), (0, 1)), ((0, 0.8), (0.36, 0.5), (0, 0.2)))),
    "ᚨ": (0.38, (((0, 0), (0, 1), (0.38, 0.72)), ((0, 0.7), (0.38, 0.42)))),
    "ᚱ": (0.42, (((0, 0), (0, 1), (0.38, 0.75), (0, 0.5), (0.42, 0)),)),
    "ᚲ": (0.38, (((0.38, 0.84), (0, 0.5), (0.38, 0.16)),)),
    "ᚷ": (0.6, (((0, 0), (0.6, 1)), ((0, 1), (0.6, 0)))),
    "ᚹ": (0.36, (((0, 0), (0, 1), (0.36, 0.74), (0, 0.48)),)),
    "ᚺ": (0.5, (((0, 0), (0, 1)), ((0.5, 0), (0.5, 1)), ((0, 0.66), (0.5, 0.34)))),
    "ᚾ": (0.44, (((0.22, 0), (0.22, 1)), ((0, 0.66), (0.44, 0.34)))),
    "ᛁ": (0.0, (((0, 0), (0, 1)),)),
    "ᛃ": (0.54, (((0.32, 0.94), (0, 0.68), (0.32, 0.42)), ((0.22, 0.58), (0.54, 0.32), (0.22, 0.06)))),
    "ᛇ": (0.48, (((0, 0.24), (0.24, 0), (0.24, 1), (0.48, 0.76)),)),
    "ᛈ": (0.46, (((0.46, 1), (0.23, 0.74), (0, 1), (0, 0), (0.23, 0.26), (0.46, 0)),)),
    "ᛉ": (0.6, (((0.3, 0), (0.3, 1)), ((0, 1), (0.3, 0.6), (0.6, 1)))),
    "ᛊ": (0.38, (((0.38, 1), (0, 0.68), (0.38, 0.34), (0, 0)),)),
    "ᛏ": (0.6, (((0.3, 0), (0.3, 1)), ((0, 0.7), (0.3, 1), (0.6, 0.7)))),
    "ᛒ": (0.38, (((0, 0), (0, 1), (0.38, 0.75), (0, 0.5), (0.38, 0.25), (0, 0)),)),
    "ᛖ": (0.58, (((0, 0), (0, 1), (0.29, 0.7), (0.58, 1), (0.58, 0)),)),
    "ᛗ": (0.58, (((0, 0), (0, 1), (0.58, 0.54)), ((0.58, 0), (0.58, 1), (0, 0.54)))),
    "ᛚ": (0.34, (((0, 0), (0, 1), (0.34, 0.7)),)),
    "ᛜ": (0.56, (((0, 0.5), (0.28, 0.14), (0.56, 0.5), (0.28, 0.86), (0, 0.5)),)),
    "ᛞ": (0.62, (((0, 0), (0, 1), (0.62, 0), (0.62, 1), (0, 0)),)),
    "ᛟ": (0.6, (((0, 0), (0.58, 0.66), (0.3, 1), (0.02, 0.66), (0.6, 0)),)),
}


def text(string: str, height: float, weight: float = 0.13, style: str = "round", spacing: float = 0.2) -> Region:
    """Returns one line of text, centred on the origin, along x. weight and spacing: of strokes and between letters,
    shares of the height.

    style: `round` ends, `square` ends cut level with the line, or `serif`. Raises ValueError for a character that is
    not in GLYPHS.
    """
    letters, places, length = _line(string, weight, style, spacing)
    return union(letter.move(x - length / 2, -0.5) for letter, x in zip(letters, places)).scale(height)


def text_around(
    string: str,
    radius: float,
    height: float,
    weight: float = 0.13,
    style: str = "round",
    spacing: float = 0.2,
    inside: bool = False,
) -> Region:
    """Returns text along a circle about the origin, its middle at the top and read clockwise; `inside`: at the bottom,
    read counter-clockwise.

    radius: of the middle of the letters.
    """
    letters, places, length = _line(string, weight, style, spacing)
    side = -1.0 if inside else 1.0
    placed = []
    for letter, x in zip(letters, places):
        low, _, high, _ = letter.bounds
        middle = (low + high) / 2
        angle = -side * (x + middle - length / 2) * height / radius
        placed.append(letter.move(-middle, -0.5).scale(height).move(0, side * radius).turn(angle))
    return union(placed)


def _line(string: str, weight: float, style: str, spacing: float) -> tuple[list[Region], list[float], float]:
    """Returns the letters, where each starts, and the length in all, at height 1, blanks left out. The strokes' middles
    start at 0.
    """
    string = "".join(c if c in GLYPHS else c.upper() for c in string)
    unknown = sorted(set(string) - set(GLYPHS))
    if unknown or not string.strip():
        raise ValueError(f"text: expected characters of {''.join(GLYPHS)}, some of them not blank, got {string!r}")
    if style not in STYLES or not 0 < weight < 0.4:
        raise ValueError(
            f"text: expected style one of {', '.join(STYLES)} and 0 < weight < 0.4, got {style!r} and {weight}"
        )
    letters, places, x = [], [], 0.0
    spacing += weight if style == "serif" else 0.0  # for the slabs
    for before, character in zip(" " + string, string):
        x -= _kern(before, character) if letters else 0.0
        if character != " ":
            letters.append(glyph(character, weight, style))
            places.append(x)
        x += GLYPHS[character][0] * (1 - weight) + weight + spacing
    return letters, places, x - spacing


@lru_cache(maxsize=4096)
def glyph(character: str, weight: float, style: str) -> Region:
    """Returns one character, its left edge near x = 0, between y = 0 and 1."""
    _, strokes = GLYPHS[character]
    chains = [_chain(pieces) * (1 - weight) + weight / 2 for pieces in strokes]
    serif = style == "serif" and character.isascii() and character.isalnum()
    parts = []
    for k, chain in enumerate(chains):
        ends = [not _touches(end, chains[:k] + chains[k + 1 :]) for end in (chain[0], chain[-1])]
        parts.append(
            _dot(chain[0], weight, style) if len(chain) == 1 else _stroked(chain, ends, weight, style == "round", serif)
        )
    whole = union(parts)
    heights = np.concatenate(chains)[:, 1]
    if style == "round" or heights.min() < 0 or heights.max() > 1:
        return whole
    return whole & rect(8, 1).move(0, 0.5)  # mitres and slanting ends are cut level


def _chain(pieces) -> np.ndarray:
    """Returns the points [N, 2] of a stroke."""
    points = [_arc(*piece) if len(piece) == 6 else np.array([piece], dtype=np.float64) for piece in pieces]
    chain = np.concatenate(points)
    return chain[np.concatenate([[True], np.abs(np.diff(chain, axis=0)).max(axis=1) > 1e-6])]


def _arc(x, y, rx, ry, start, end) -> np.ndarray:
    """Returns points [N, 2] on an arc of an ellipse about (x, y), between two angles in degrees."""
    n = max(2, round(abs(end - start) / ARC_STEP))
    return polar(np.linspace(start, end, n + 1) * (TAU / 360)) * (rx, ry) + (x, y)


def _dot(point: np.ndarray, weight: float, style: str) -> Region:
    """Returns a dot that stands on the line, a little wider than the strokes."""
    size = 1.25 * weight
    place = point[0], point[1] - weight / 2 + size / 2
    return (circle(size / 2, 20) if style == "round" else rect(size, size)).move(*place)


def _touches(end: np.ndarray, others: list[np.ndarray]) -> bool:
    """Returns whether another stroke goes through the end of this one."""
    for chain in others:
        along = np.diff(chain, axis=0)
        t = ((end - chain[:-1]) * along).sum(axis=1) / (along * along).sum(axis=1)
        gap = end - chain[:-1] - np.clip(t, 0.0, 1.0)[:, None] * along
        if len(gap) and (gap * gap).sum(axis=1).min() < 4e-4:
            return True
    return False


def _stroked(chain: np.ndarray, ends: list[bool], weight: float, round: bool, serif: bool) -> Region:
    """Returns the stroke along a chain; `ends`: which of the two are free, and go on or get a serif."""
    if np.abs(chain[0] - chain[-1]).max() < 1e-6:
        return stroke(chain[:-1], weight, closed=True, round=round)
    if round:
        return stroke(chain, weight, round=True)
    ways = chain[0] - chain[1], chain[-1] - chain[-2]
    first, last = (end + free * _reach(end, way, weight) for end, way, free in zip(chain[[0, -1]], ways, ends))
    line = stroke([first, *chain[1:-1], last], weight)
    return union(
        [line, *(_serif(end, way, weight) for end, way, free in zip(chain[[0, -1]], ways, ends) if serif and free)]
    )


def _reach(end: np.ndarray, way: np.ndarray, weight: float) -> np.ndarray:
    """Returns how far a stroke goes on past its end: half its width, or over the edge of the line, where it is cut."""
    way = way / np.sqrt((way * way).sum())
    on_edge = min(abs(end[1] - weight / 2), abs(end[1] - 1 + weight / 2)) < 1e-6 and abs(way[1]) > 0.3
    return way * weight * (1.5 if on_edge else 0.5)


def _serif(end: np.ndarray, way: np.ndarray, weight: float) -> Region:
    """Returns a slab across an end that stands on the line or hangs from its top; a tick on an arm that runs along
    them; else nothing.
    """
    top = abs(end[1] - 1 + weight / 2) < 1e-6
    if not top and abs(end[1] - weight / 2) > 1e-6:
        return polygon()
    inwards = -1.0 if top else 1.0
    edge = 1.0 if top else 0.0
    if abs(way[1]) > abs(way[0]):
        return rect(2.9 * weight, 0.62 * weight).move(end[0], edge + inwards * 0.31 * weight)
    return rect(0.62 * weight, 2.0 * weight).move(end[0] + np.sign(way[0]) * 0.19 * weight, edge + inwards * weight)


@lru_cache(maxsize=1024)
def _sides(character: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the free space [BANDS] left and right of the skeleton at each height, up to its whole width."""
    width, strokes = GLYPHS[character]
    left, right = np.full((2, BANDS), width)
    for pieces in strokes:
        chain = _chain(pieces)
        t = np.linspace(0, len(chain) - 1, 12 * len(chain))
        x, y = (np.interp(t, np.arange(len(chain)), chain[:, axis]) for axis in (0, 1))
        band = np.clip((y * BANDS).astype(np.int64), 0, BANDS - 1)
        np.minimum.at(left, band, x)
        np.minimum.at(right, band, width - x)
    return left, right


def _kern(before: str, after: str) -> float:
    """Returns how much nearer two letters stand than their boxes, in heights."""
    if not before.isalnum() or not after.isalnum():
        return 0.0
    free = _sides(before)[1] + _sides(after)[0]
    near = np.minimum(free, np.minimum(np.roll(free, 1), np.roll(free, -1)))[
        1:-1
    ]  # a corner reaches into the bands beside its own
    return min(MOST, CLOSER * float(near.min()))
