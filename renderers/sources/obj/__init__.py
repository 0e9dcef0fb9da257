"""OBJ files as people write them -> triangle meshes, one for each material.

N-gons are cut into triangles, negative indices count back from the line they stand on, colours after a vertex are sRGB,
materials are as `materials` reads them. Lines and points are counted, not drawn.
"""

from pathlib import Path

import numpy as np
import trimesh

from renderers.sources.obj import materials, mtl
from renderers.sources.obj.beside import Beside
from renderers.sources.obj.numbers import ABSENT, Tables, Words, tables
from renderers.sources.obj.polygons import triangles
from renderers.sources.obj.text import shown, spellings
from zeroverse.asset import AssetError


def read(path: Path, root: Path, on_missing_texture: str = "refuse") -> tuple[dict[str, trimesh.Trimesh], dict]:
    """Returns the meshes of an OBJ file by name, in the file's own axes, and notes for its provenance.

    root: the folder that it may refer to files in. on_missing_texture: `refuse` raises AssetError for a material
    library or picture that is not there or cannot be read; `white` goes on without it and notes it. Raises AssetError
    naming the file and the line that is wrong.
    """
    found, words = tables(path)
    finder = Beside(path, root)
    pictures = materials.Pictures(finder, on_missing_texture)
    described = _described(words, finder, pictures)
    notes = pictures.notes() | ({"not_drawn": words.not_surfaces} if words.not_surfaces else {})
    if not len(found.sizes):
        counted = ", ".join(f"{count} {name}" for name, count in words.not_surfaces.items())
        raise AssetError(f"{path}: no surface: expected at least one face{f', got {counted}' if counted else ''}")
    meshes: dict[str, trimesh.Trimesh] = {}
    groups, names = _groups(found, words, described, pictures)
    for (faces, material), name in zip(groups, names):
        label = name if name is not None and len(described) > 1 else path.name
        label = trimesh.util.unique_name(label, meshes)
        meshes[label] = _mesh(found, faces, material)
    return meshes, notes | pictures.notes()


# ------------------------------------------------------------------------------------------------------------ materials


def _described(words: Words, finder: Beside, pictures: materials.Pictures) -> dict[bytes, tuple]:
    """Returns {name: (what the libraries say of it, the folder of that library)}; the first library that has a name
    counts.
    """
    found: dict[bytes, tuple] = {}
    for line in words.libraries:
        for file, name in _library_files(line, finder):
            if file is None:
                pictures.missing_library(name)
                continue
            for material in mtl.parse(file.read_bytes()):
                found.setdefault(material.name, (material, file.parent))
    return found


def _library_files(line: bytes, finder: Beside) -> list[tuple[Path | None, bytes]]:
    """What one `mtllib` line means: one file whose name may have spaces, or several."""
    if file := finder.find(line):
        return [(file, line)]
    names, rest = [], line
    while b".mtl" in rest.lower():
        cut = rest.lower().index(b".mtl") + 4
        names.append(rest[:cut].strip())
        rest = rest[cut:]
    names = names if len(names) > 1 else line.split()
    found = [(finder.find(name), name) for name in names]
    return found if len(names) > 1 and any(file for file, _ in found) else [(None, line)]


def _groups(tables: Tables, words: Words, described: dict, pictures: materials.Pictures):
    """Returns the faces of each material with what it is made of, and the materials' names; the one that is used last
    comes first, as trimesh has it.
    """
    lines = np.array([line for line, _ in words.uses], np.int64)
    uses = [name for _, name in words.uses]
    number = np.searchsorted(lines, tables.lines, side="right") - 1  # which `usemtl` stands before each face; -1: none
    numbers: dict[bytes | None, int] = {}
    of_use = np.array([numbers.setdefault(name, len(numbers)) for name in [None, *uses]], np.int64)
    member = of_use[number + 1]
    keys = list(numbers)
    first = {int(group): int(at) for group, at in zip(*np.unique(member, return_index=True))}
    groups, names = [], []
    for group in sorted(first, key=first.get, reverse=True):
        groups.append((np.flatnonzero(member == group), _found(keys[group], described, pictures)))
        names.append(None if keys[group] is None else shown(keys[group]))
    return groups, names


def _found(name: bytes | None, described: dict, pictures: materials.Pictures):
    """The material of that name, whose bytes may be in another encoding in the library; None where none is meant."""
    if name is None:
        return None
    if name not in described:
        meant = set(spellings(name))
        alike = [other for other in described if meant & set(spellings(other))]
        if not alike:
            alike = [other for other in described if other.lower() == name.lower()]
        if not alike:
            pictures.undefined(name)
            return None
        name = alike[0]
    return pictures.material(*described[name])


def _mesh(tables: Tables, faces: np.ndarray, material) -> trimesh.Trimesh:
    """The mesh of some of the faces: a vertex for each different triple of position, uv and normal, in the order of
    the positions.
    """
    starts = np.cumsum(tables.sizes) - tables.sizes
    sizes = tables.sizes[faces]
    picked = np.repeat(starts[faces] - (np.cumsum(sizes) - sizes), sizes) + np.arange(sizes.sum())
    corners = tables.corners[picked]
    cut = triangles(tables.positions[corners[:, 0]], sizes)
    if (sizes == 4).all():  # first halves, then second halves: as trimesh has it where all faces are quads
        cut = np.concatenate([cut[0::2], cut[1::2]])
    uv_given, normal_given = (corners[:, 1] != ABSENT).any(), (corners[:, 2] != ABSENT).all()
    if not normal_given:
        corners = corners.copy()
        corners[:, 2] = ABSENT
    unique, inverse = _different(corners)
    visual, uvs = None, None
    if uv_given:
        uvs = np.concatenate([tables.uvs, [[0.0, 0.0]]])[unique[:, 1]]  # ABSENT is the last row: no uv is the corner
    colors = None if tables.colors is None else tables.colors[unique[:, 0]]
    visual = materials.visual(material, uvs, colors)
    mesh = trimesh.Trimesh(
        tables.positions[unique[:, 0]],
        inverse[cut],
        vertex_normals=tables.normals[unique[:, 2]] if normal_given else None,
        visual=visual,
        process=False,
    )
    return mesh


def _different(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the different rows [U, 3] of indices [C, 3], sorted, and [C] which of them each row is."""
    spans = rows.max(axis=0) + 2  # with ABSENT
    shifted = rows + 1
    if float(spans[0]) * float(spans[1]) * float(spans[2]) < 2.0**62:
        keys = (shifted[:, 0] * spans[1] + shifted[:, 1]) * spans[2] + shifted[:, 2]
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    else:
        _, first, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return rows[first], inverse.reshape(-1)
