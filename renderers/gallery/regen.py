"""Regen: a recipe, from a file or from a shard, becomes its object again: a GLB, a picture, and the word whether it is
the same one.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from detailverse import grammar
from detailverse.grammar import recipe as recipes
from renderers.gallery import catalogue
from renderers.shards import ShardReader
from zeroverse.asset import glb_bytes, uid_of
from zeroverse.core.files import write_whole
from zeroverse.core.images import encoded


@dataclass(frozen=True)
class Regenerated:
    """geometry: the hash of what was built. expected: the one that stood in the recipe, None if there was none, or
    another level was asked for.
    """

    paths: tuple[Path, ...]
    geometry: str
    expected: str | None


def read(path: Path, sample: int = 0) -> dict:
    """Returns the recipe in a .json file, or that of a sample of a folder of shards. Raises ValueError naming the file
    and what is wrong with it.
    """
    if path.is_dir():
        stored = json.loads(ShardReader(path).meta(sample).recipe)
    else:
        try:
            stored = json.loads(path.read_text())
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}: not JSON: {error}") from None
    if isinstance(stored, dict) and "family" not in stored and "parts" in stored:
        raise ValueError(
            f"{path}: a recipe of zeroverse; expected one of detailverse (zeroverse objects: verse verify --rebuild)"
        )
    return stored


def regen(path: Path, out: Path, level: int | None = None, sample: int = 0) -> Regenerated:
    """Writes <name>.glb, <name>.json and <name>.png into `out`. level: instead of the recipe's own. Raises ValueError
    naming node and argument.
    """
    stored = read(path, sample)
    try:
        recipe = recipes.from_dict(stored)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    expected = stored.get(recipes.GEOMETRY) if level in (None, recipe.level) else None
    asset, surface = grammar.build(
        recipe if level is None else recipe.at(level), uid_of(f"{path.stem}-{sample}" if path.is_dir() else path.stem)
    )
    out.mkdir(parents=True, exist_ok=True)
    files = {
        "glb": glb_bytes(asset),
        "json": json.dumps(asset.recipe, indent=1).encode(),
        "png": encoded(catalogue.picture(asset, 512), "PNG"),
    }
    for kind, data in files.items():
        write_whole(out / f"{asset.uid}.{kind}", data)
    return Regenerated(tuple(out / f"{asset.uid}.{kind}" for kind in files), grammar.geometry_hash(surface), expected)
