"""MTL: the materials of OBJ files, as exporters write them (Wavefront's format of 1992, and the keys for metal,
roughness, emission and normal maps that Clara.io added and Blender writes).

Keys and options in any letter case. Of a key that comes twice, the last one counts.
"""

import re
from dataclasses import dataclass, field

import numpy as np

from renderers.sources.obj.text import plain_lines

# option -> how many values it may have; those of `-s`, `-o` and `-t` are one to three numbers
_OPTIONS = {
    b"-s": 3,
    b"-o": 3,
    b"-t": 3,
    b"-mm": 2,
    b"-bm": 1,
    b"-boost": 1,
    b"-texres": 1,
    b"-blendu": 1,
    b"-blendv": 1,
    b"-cc": 1,
    b"-clamp": 1,
    b"-imfchan": 1,
    b"-type": 1,
}
_WORD = re.compile(rb"\S+")
MAPS = (b"map_kd", b"map_d", b"map_ke", b"map_pm", b"map_pr", b"norm")  # those that are read


@dataclass(frozen=True)
class Map:
    """A picture that a material names, and what its options say.

    scale, offset: of the texture coordinates, uv * scale + offset. gain: (base, gain) of `-mm`, texels become base +
    gain * texel. channel: of `-imfchan`, one of r g b m l z, "" where nothing is said. strength: of `-bm`.
    """

    name: bytes
    scale: tuple[float, float] = (1.0, 1.0)
    offset: tuple[float, float] = (0.0, 0.0)
    clamp: bool = False
    gain: tuple[float, float] = (0.0, 1.0)
    channel: str = ""
    strength: float = 1.0

    def placed(self, uvs: np.ndarray) -> np.ndarray:
        """Returns the texture coordinates [N, 2] that it wants, of those that the mesh has."""
        if (self.scale, self.offset) == ((1.0, 1.0), (0.0, 0.0)):
            return uvs
        return uvs * self.scale + self.offset


@dataclass
class Described:
    """One material as the file says it: numbers {key: values} and maps {key: Map}, keys in small letters."""

    name: bytes
    numbers: dict[bytes, list[float]] = field(default_factory=dict)
    maps: dict[bytes, Map] = field(default_factory=dict)


def parse(data: bytes) -> list[Described]:
    """Returns the materials of an MTL file, in its order. What it does not understand is left out."""
    found: list[Described] = []
    for line in plain_lines(data).split(b"\n"):
        words = line.split(None, 1)
        if not words or words[0].startswith(b"#"):
            continue
        key, rest = words[0].lower(), words[1].strip() if len(words) > 1 else b""
        if key == b"newmtl":
            found.append(Described(b" ".join(rest.split())))
        elif not found or not rest:
            continue
        elif key in MAPS:
            found[-1].maps[key] = picture_of(rest)
        elif numbers := _numbers(rest):
            found[-1].numbers[key] = numbers
    return found


def picture_of(text: bytes) -> Map:
    """Returns what a texture line says after its key: options in any order, then a name that may have spaces."""
    said: dict[bytes, list[bytes]] = {}
    place = 0
    while (word := _WORD.match(text, place)) and word[0].lower() in _OPTIONS:
        option, values, place = word[0].lower(), [], _after(text, word.end())
        while len(values) < _OPTIONS[option] and (word := _WORD.match(text, place)):
            if not _is_value(option, word[0], bool(values)) or _after(text, word.end()) == len(text):
                break  # the last word is the name, whatever it looks like
            values.append(word[0])
            place = _after(text, word.end())
        said[option] = values
    scale, offset = (_pair(said.get(option, []), plain) for option, plain in ((b"-s", 1.0), (b"-o", 0.0)))
    gain = [float(value) for value in said.get(b"-mm", [])]
    return Map(
        text[place:].strip(),
        scale,
        offset,
        said.get(b"-clamp", [b"off"])[:1] == [b"on"],
        (gain[0], gain[1]) if len(gain) == 2 else (0.0, 1.0),
        (said.get(b"-imfchan") or [b""])[0].decode("latin-1").lower(),
        float((said.get(b"-bm") or [b"1"])[0]),
    )


def _after(text: bytes, place: int) -> int:
    while place < len(text) and text[place : place + 1].isspace():
        place += 1
    return place


def _is_value(option: bytes, word: bytes, has_one: bool) -> bool:
    if option in (b"-s", b"-o", b"-t", b"-mm", b"-bm", b"-boost", b"-texres"):
        return _number(word) is not None
    return not has_one


def _pair(values: list[bytes], plain: float) -> tuple[float, float]:
    numbers = [float(value) for value in values] + [plain] * 2
    return numbers[0], numbers[1]


def _number(word: bytes) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None


def _numbers(text: bytes) -> list[float]:
    """The numbers of a value, after options such as `-halo`; [] where there is a word among them."""
    values = [_number(word) for word in text.split(b"#")[0].split() if word.lower() != b"-halo"]
    return [] if None in values else values
