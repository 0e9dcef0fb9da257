"""Every row of every registry gives the same object in every process, whatever the seed of Python's string hashes."""

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from detailverse import details, families, materials
from detailverse.family import Kit
from detailverse.grammar import captions
from detailverse.grammar import recipe as recipes
from detailverse.grammar import sample as sample_detailed
from detailverse.modelling.solid import Solid
from tests.helpers.charts import grid
from tests.helpers.processes import printed
from zeroverse import grammar, textures
from zeroverse.core.rng import Rng
from zeroverse.edits import EDITS
from zeroverse.grammar.build import assemble
from zeroverse.grammar.recipe import GRAMMAR_VERSION, Part, Recipe, Surface
from zeroverse.shapes import kinds
from zeroverse.shapes.solid import Rejected

SHAPES = tuple(kinds())


def digest(*values) -> str:
    """Returns a hash of arrays, texts and records, in the order given."""
    whole = hashlib.sha256()
    for value in values:
        whole.update(np.ascontiguousarray(value).tobytes() if isinstance(value, np.ndarray) else repr(value).encode())
    return whole.hexdigest()[:16]


def structure(solid: Solid) -> str:
    """Returns a hash of what went into a solid, in order, without the booleans, which are what costs."""
    return digest(*(leaf for _, leaf in solid.leaves))


def geometry(solid: Solid) -> str:
    """Returns a hash of the triangles and of all they know."""
    try:
        whole = solid.surface()
    except Rejected as error:
        return error.reason.replace(" ", "_")
    return digest(whole.points, whole.faces, whole.leaf, whole.chart, whole.uv, whole.relief, whole.leaves)


def built_families(level: int, of) -> Iterator[tuple[str, str]]:
    """Yields (name, hash) of every family's first object at a level; of: `structure` or `geometry`."""
    for name in families.BY_NAME:
        recipe = sample_detailed(Rng("determinism", name), name, level, texture_size=64)
        words = captions.compose(recipe)
        solid = recipe.family.build(Kit(level, recipe.visible()))
        yield name, digest(json.dumps(recipes.to_dict(recipe)), json.dumps(words), of(solid))


def laid_details() -> Iterator[tuple[str, str]]:
    """Yields (name, hash) of every detail's relief, creases and ornaments on a sheet and on a cylinder."""
    for name, kind in details.BY_NAME.items():
        detail = kind.sample(Rng("determinism", name))
        found = [json.dumps(details.to_dict(detail)), detail.words()]
        for wraps in (False, True):
            chart = grid(60, 40, wraps=wraps)
            found += [detail.relief(chart), detail.lines(chart)]
            if (stand := detail.ornaments(chart)) is not None:
                found += [stand.uv, stand.size, stand.spin, stand.stamp.points, stand.stamp.faces]
        yield name, digest(*found)


def baked_textures() -> Iterator[tuple[str, str]]:
    """Yields (name, hash) of every texture, and of every material's mixture, over a flat piece of surface."""
    u, v = np.meshgrid(np.linspace(-1, 1, 24), np.linspace(-1, 1, 16))
    positions, normals = np.stack([u, v, 0.3 * u * v], axis=-1), np.tile([0.0, 0.0, 1.0], (16, 24, 1))
    points, up = positions.reshape(-1, 3), normals.reshape(-1, 3)
    for name, kind, _ in textures.TEXTURES:
        texture = kind.sample(Rng("determinism", name))
        yield name, digest(json.dumps(textures.to_dict(texture)), *textures.bake(texture, positions, normals))
    for name in materials.FINISHES:
        material = materials.sample(Rng("determinism", name), name)
        signals = materials.Signals(points[:, 0].copy(), points[:, 1].copy())
        yield name, digest(json.dumps(materials.to_dict(material)), *material.fields(points, up, signals))


def edited_solids() -> Iterator[tuple[str, str]]:
    """Yields (name, hash) of every edit of two parts that meet."""
    paint = lambda rng: textures.sample(rng, ["paint"])  # noqa: E731
    parts = grammar.sample(Rng("determinism"), grammar.PRESETS["released"], texture_size=16).parts
    for name, kind, acts_on, _ in EDITS:
        rng = Rng("determinism", name)
        if acts_on == "surface":
            recipe = Recipe(GRAMMAR_VERSION, 16, tuple(on_surfaces(part, kind.sample(rng)) for part in parts))
        else:
            recipe = Recipe(GRAMMAR_VERSION, 16, parts, kind.sample(rng, SHAPES, paint))
        soup, bodies = assemble(recipe)
        yield name, digest(soup.points, soup.faces, soup.uv, soup.body, soup.surface, [body.name for body in bodies])


def on_surfaces(part: Part, edit) -> Part:
    """Returns the part with an edit on each of its surfaces."""
    surfaces = tuple(Surface(surface.texture, edit) for surface in part.surfaces)
    return Part(part.shape, part.scale, part.rotation, part.center, surfaces)


def rows(of=structure, levels=(0,)) -> str:
    """Returns `kind/name:hash` of every row of every registry, as one word."""
    kinds = {"detail": laid_details(), "texture": baked_textures(), "edit": edited_solids()}
    kinds |= {f"level_{level}": built_families(level, of) for level in levels}
    return ",".join(f"{kind}/{name}:{found}" for kind, found_of in kinds.items() for name, found in found_of)


def differing(expression: str, hash_seeds: tuple[int, ...]) -> list[str]:
    """Returns the rows that processes with these hash seeds do not agree on."""
    with ThreadPoolExecutor() as side_by_side:
        words = side_by_side.map(lambda seed: printed(__file__, expression, PYTHONHASHSEED=str(seed)), hash_seeds)
    found = [word.split(",") for word in words]
    assert len(found[0]) >= len(families.FAMILIES) + len(details.DETAILS) + len(textures.TEXTURES) + len(EDITS)
    return [row.partition(":")[0] for row, *others in zip(*found, strict=True) if any(other != row for other in others)]


def test_every_row_is_the_same_under_two_hash_seeds():
    """Once, a rack of servers was built in the order of a set of strings: another object in every process."""
    assert not differing("rows()", (1, 2))


@pytest.mark.slow
@pytest.mark.parametrize("level", [0, 4])
def test_every_row_has_the_same_triangles_under_three_hash_seeds(level):
    assert not differing(f"rows(it.geometry, ({level},))", (1, 2, 3))
