"""The lines of an OBJ file -> tables of numbers, and the words that stand between them.

The numbers are read by compiled kernels, from bytes: a million lines in about a second. Floats are rounded as Python
rounds them: where a kernel cannot be sure, Python reads the line.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from renderers.sources.obj.text import plain_lines, shown
from zeroverse.asset import AssetError
from zeroverse.core.jit import kernel
from zeroverse.core.portable import power

NOTHING, VERTEX, TEXTURE, NORMAL, FACE, OTHER = range(6)  # kinds of lines
WIDEST = 8  # numbers of a vertex line that are read: x y z and up to five for weight and colour
ABSENT, WRONG = -1, -2  # in the place of an index: not given; no number that an index can be
_TENS = np.array([float(f"1e{exponent}") for exponent in range(23)])  # exact as doubles
_CURVES = (b"surf", b"curv", b"curv2", b"cstype")


@dataclass(frozen=True, eq=False)
class Tables:
    """The numbers of an OBJ file. positions [V, 3]; colors [V, 4] linear, or None; uvs [T, 2]; normals [N, 3].

    corners: [C, 3] int64, indices of position, uv and normal of the corners of all faces, ABSENT where not given.
    sizes, lines: [F], how many corners each face has and the line that it stands on, from 0.
    """

    positions: np.ndarray
    colors: np.ndarray | None
    uvs: np.ndarray
    normals: np.ndarray
    corners: np.ndarray
    sizes: np.ndarray
    lines: np.ndarray


@dataclass
class Words:
    """The other lines of an OBJ file. libraries: what `mtllib` says, in order; uses: (line, name) of each `usemtl`; not
    surfaces: how many lines and points there are.
    """

    libraries: list[bytes] = field(default_factory=list)
    uses: list[tuple[int, bytes]] = field(default_factory=list)
    not_surfaces: dict[str, int] = field(default_factory=dict)


def tables(path: Path) -> tuple[Tables, Words]:
    """Returns the numbers of an OBJ file and its other words. Raises AssetError naming the file and the line that is
    wrong, or what it holds that is not read.
    """
    text = plain_lines(path.read_bytes())
    data = np.frombuffer(text, np.uint8)
    kinds, begins, ends = _lines(data)
    words = _words(path, text, kinds, begins, ends)
    rows = [np.flatnonzero(kinds == kind) for kind in (VERTEX, TEXTURE, NORMAL)]
    positions, uvs, normals = (
        _values(path, text, data, row, begins, ends, least) for row, least in zip(rows, (3, 1, 3))
    )
    faces = np.flatnonzero(kinds == FACE)
    before = np.stack([np.cumsum(kinds == kind)[faces] for kind in (VERTEX, TEXTURE, NORMAL)], axis=1)  # [F, 3]
    sizes, corners = _corners(data, begins[faces], ends[faces], before.astype(np.int64))
    _check(path, corners, sizes, faces, [len(row) for row in rows])
    flat = sizes < 3
    if flat.any():
        words.not_surfaces["faces of fewer than three corners"] = int(flat.sum())
        corners, sizes, faces = corners[np.repeat(~flat, sizes)], sizes[~flat], faces[~flat]
    uv = np.where(np.isnan(uvs[:, :2]), 0.0, uvs[:, :2])
    return Tables(positions[:, :3], _colors(positions), uv, normals[:, :3], corners, sizes, faces), words


def _words(path: Path, text: bytes, kinds: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> Words:
    words = Words()
    for line in np.flatnonzero(kinds == OTHER):
        key, _, rest = text[begins[line] : ends[line]].replace(b"\t", b" ").partition(b" ")
        key, rest = key.lower(), rest.strip()
        if key == b"mtllib" and rest:
            words.libraries.append(rest)
        elif key == b"usemtl":
            words.uses.append((int(line), b" ".join(rest.split())))
        elif key in (b"l", b"p"):
            name = "lines" if key == b"l" else "points"
            words.not_surfaces[name] = words.not_surfaces.get(name, 0) + 1
        elif key in _CURVES:
            raise AssetError(f"{path}: line {line + 1}: {key.decode()}: free-form curves and surfaces are not read")
    return words


def _values(path, text, data, rows, begins, ends, least) -> np.ndarray:
    """Returns the numbers of these lines, [R, WIDEST] float64, NaN where a line has fewer. Raises AssetError where one
    has fewer than `least`, or something else.
    """
    values, counts, doubtful = _floats(data, begins[rows], ends[rows], _TENS)
    for row in np.flatnonzero(doubtful):
        words = text[begins[rows[row]] : ends[rows[row]]].partition(b"#")[0].split()[1 : 1 + WIDEST]
        try:
            values[row, : len(words)] = [float(word) for word in words]
        except ValueError:
            raise AssetError(
                f"{path}: line {rows[row] + 1}: expected numbers, got {shown(b' '.join(words))[:60]!r}"
            ) from None
    few = np.flatnonzero(counts < least)
    if len(few):
        raise AssetError(f"{path}: line {rows[few[0]] + 1}: expected {least} numbers, got {counts[few[0]]}")
    return values


def _colors(values: np.ndarray) -> np.ndarray | None:
    """Returns [V, 4] linear colours of vertex lines [V, WIDEST]: sRGB after the position, as MeshLab, Blender and
    three.js have it, in 0..1 or, where any is larger than 1, in 0..255. White where a line has none; None where no line
    has any.
    """
    counts = (~np.isnan(values)).sum(axis=1)
    coloured = counts >= 6
    if not coloured.any():
        return None
    colors = np.ones((len(values), 4))
    colors[coloured, :3] = values[coloured, 3:6]
    colors[counts == 7, 3] = values[counts == 7, 6]  # x y z r g b a
    colors[counts == 8] = values[counts == 8, 4:8]  # x y z w r g b a
    if colors[coloured, :3].max() > 1.0:  # bytes
        colors[coloured, :3] /= 255.0
        colors[counts >= 7, 3] /= 255.0
    # to bytes, which is what exporters have: so they come out again as they went in
    return _linear(np.floor(np.clip(colors, 0.0, 1.0) * 255.0 + 0.5) / 255.0)


@kernel
def _linear(colors):  # [V, 4] sRGB -> linear, IEC 61966-2-1; alpha stays
    linear = colors.copy()
    for i in range(len(colors)):
        for c in range(3):
            x = colors[i, c]
            linear[i, c] = x / 12.92 if x <= 0.04045 else power((x + 0.055) / 1.055, 2.4)
    return linear


def _check(path: Path, corners: np.ndarray, sizes: np.ndarray, lines: np.ndarray, counts: list[int]) -> None:
    for column, (name, count) in enumerate(zip(("v", "vt", "vn"), counts)):
        wrong = (corners[:, column] >= count) | (corners[:, column] == WRONG)
        if wrong.any():
            line = lines[np.repeat(np.arange(len(sizes)), sizes)[wrong.argmax()]] + 1
            raise AssetError(f"{path}: line {line}: a face refers to a {name} that is not there; the file has {count}")
    if len(corners) and (corners[:, 0] == ABSENT).any():
        line = lines[np.repeat(np.arange(len(sizes)), sizes)[(corners[:, 0] == ABSENT).argmax()]] + 1
        raise AssetError(f"{path}: line {line}: expected corners such as 1, 1/1, 1//1 or 1/1/1")


@kernel
def _lines(data):
    """(kind, where the keyword begins, where the line ends) of each line; the last one ends with a newline."""
    count = 0
    for i in range(len(data)):
        count += data[i] == 10
    kinds, begins, ends = np.zeros(count, np.uint8), np.zeros(count, np.int64), np.zeros(count, np.int64)
    line, start = 0, 0
    for i in range(len(data)):
        if data[i] != 10:
            continue
        while start < i and data[start] <= 32:
            start += 1
        begins[line], ends[line] = start, i
        kinds[line] = _kind(data, start, i)
        line += 1
        start = i + 1
    return kinds, begins, ends


@kernel
def _kind(data, start, end):
    if start >= end or data[start] == 35:  # nothing, or #
        return NOTHING
    first = data[start] | 32  # small letters
    second = data[start + 1] if start + 1 < end else 32
    third = data[start + 2] if start + 2 < end else 32
    if second <= 32:
        if first == 118:  # v
            return VERTEX
        if first == 102:  # f
            return FACE
    elif third <= 32 and first == 118:
        if second | 32 == 116:  # vt
            return TEXTURE
        if second | 32 == 110:  # vn
            return NORMAL
    elif third <= 32 and first == 102 and second | 32 == 111:  # fo, the word for f before 1992
        return FACE
    return OTHER


@kernel
def _floats(data, begins, ends, tens):
    """(values [R, WIDEST], NaN where there are fewer; how many [R]; whether Python must read the line [R])."""
    values = np.full((len(begins), WIDEST), np.nan)
    counts, doubtful = np.zeros(len(begins), np.int64), np.zeros(len(begins), np.bool_)
    for row in range(len(begins)):
        i, end = begins[row], ends[row]
        while i < end and data[i] > 32:  # the keyword
            i += 1
        while True:
            while i < end and data[i] <= 32:
                i += 1
            if i >= end or data[i] == 35:
                break
            begin = i
            while i < end and data[i] > 32 and data[i] != 35:
                i += 1
            if counts[row] < WIDEST:
                value, sure = _float(data, begin, i, tens)
                values[row, counts[row]] = value
                doubtful[row] |= not sure
                counts[row] += 1
    return values, counts, doubtful


@kernel
def _float(data, i, end, tens):
    """(the number, whether it is surely the nearest double): mantissa and power of ten are exact as doubles, so one
    operation rounds once (Clinger 1990).
    """
    negative = data[i] == 45
    if data[i] == 45 or data[i] == 43:
        i += 1
    mantissa, exponent, digits, point = np.int64(0), 0, 0, False
    while i < end:
        c = data[i]
        if c == 46 and not point:
            point = True
        elif 48 <= c <= 57:
            if mantissa > 900719925474099:  # ten times it, and a digit, would not be exact as a double
                return 0.0, False
            mantissa = mantissa * 10 + (c - 48)
            digits += 1
            exponent -= point
        else:
            break
        i += 1
    if digits == 0:
        return 0.0, False
    if i < end:
        if data[i] | 32 != 101 or i + 1 >= end:  # e
            return 0.0, False
        i += 1
        minus = data[i] == 45
        if data[i] == 45 or data[i] == 43:
            i += 1
        power = 0
        if i >= end:
            return 0.0, False
        while i < end:
            if not 48 <= data[i] <= 57 or power > 1000:
                return 0.0, False
            power = power * 10 + (data[i] - 48)
            i += 1
        exponent += -power if minus else power
    if exponent < -22 or exponent > 22:
        return 0.0, False
    value = np.float64(mantissa)
    value = value / tens[-exponent] if exponent < 0 else value * tens[exponent]
    return (-value if negative else value), True


@kernel
def _corners(data, begins, ends, before):
    """(corners of each face line [F], their indices [C, 3] from 0). before: [F, 3], how many positions, uvs and normals
    stand before the line: negative indices count back from there.
    """
    sizes = np.zeros(len(begins), np.int64)
    for row in range(len(begins)):
        i, end = begins[row], ends[row]
        inside = True  # the keyword
        while i < end and data[i] != 35:
            if data[i] <= 32:
                inside = False
            elif not inside:
                inside = True
                sizes[row] += 1
            i += 1
    corners = np.full((sizes.sum(), 3), ABSENT)
    corner = 0
    for row in range(len(begins)):
        i, end = begins[row], ends[row]
        while i < end and data[i] > 32:
            i += 1
        for _ in range(sizes[row]):
            while data[i] <= 32:
                i += 1
            column = 0
            while i < end and data[i] > 32 and data[i] != 35:
                if data[i] == 47:  # /
                    column += 1
                    i += 1
                    continue
                negative = data[i] == 45
                if data[i] == 45 or data[i] == 43:
                    i += 1
                number, digits = np.int64(0), 0
                while i < end and 48 <= data[i] <= 57:
                    number = min(number * 10 + (data[i] - 48), np.int64(1) << 48)
                    digits += 1
                    i += 1
                odd = digits == 0 or number == 0 or column > 2
                odd |= i < end and data[i] > 32 and data[i] != 47 and data[i] != 35
                while i < end and data[i] > 32 and data[i] != 47 and data[i] != 35:
                    i += 1
                index = before[row, min(column, 2)] - number if negative else number - 1
                corners[corner, min(column, 2)] = WRONG if odd or index < 0 else index
            corner += 1
    return sizes, corners
