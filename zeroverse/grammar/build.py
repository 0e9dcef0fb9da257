"""From a recipe to an asset: parts, union, edit, one textured mesh per part, caption."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import trimesh

from zeroverse import textures
from zeroverse.asset import Asset, normalise
from zeroverse.core import affine
from zeroverse.core.topology import volume
from zeroverse.edits.height_field import displace
from zeroverse.grammar.complexity import complexity
from zeroverse.grammar.recipe import Part, Recipe, to_dict
from zeroverse.shapes import name_of, words_of
from zeroverse.shapes.atlas import Tile, material
from zeroverse.shapes.solid import Body, Rejected, Soup, body_mesh, clean, jittered, soup, union
from zeroverse.shapes.template import template
from zeroverse.textures import images

JITTER = 1e-4  # of a unit: far below a pixel, far above what parts that touch along an edge need to come apart
MAX_TRIANGLES = 150_000
FLATTEST = 0.06  # shortest over longest side: below it most views show a line
THINNEST = 0.01  # volume over that of the bounding box: below it the object is a scatter of slivers

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def part_body(part: Part, name: str) -> Body:
    """Returns the part in the composite's frame, with a tile per surface. Textures live in the part's own frame,
    longest half-extent 1, unstretched.
    """
    mesh, scale = template(part.shape), np.array(part.scale)
    points, normals = displace(part.shape, scale, tuple(surface.height for surface in part.surfaces))
    rotation, center = affine.rotation_matrix(part.rotation), np.array(part.center)
    aspect, zero = np.diag(scale / scale.max()), np.zeros(3)
    tiles = tuple(
        Tile(surface.texture, patch.position, aspect, zero) for surface, patch in zip(part.surfaces, mesh.patches)
    )
    inverse = rotation.T / scale.max()
    return Body(
        name,
        affine.apply(rotation, points, center),
        affine.apply(rotation, normals),
        mesh.uv,
        mesh.faces,
        mesh.runs,
        mesh.weld,
        tiles,
        (inverse, -affine.apply(inverse, center)),
    )


def assemble(recipe: Recipe, jitter: float = 0.0) -> tuple[Soup, tuple[Body, ...]]:
    """Returns the united and edited object as closed triangles, and the bodies they come from. Raises Rejected where
    that fails.
    """
    bodies = [part_body(part, f"{name_of(part.shape)}_{number}") for number, part in enumerate(recipe.parts)]
    solid = union([bodies[0], *(jittered(body, jitter) for body in bodies[1:])])
    if recipe.edit is not None:
        solid = recipe.edit.apply(solid, jitter)
    return clean(soup(solid)), solid.bodies


def check_worth(triangles: Soup) -> None:
    """Raises Rejected for an object that would teach nothing: flat, a scatter of slivers, or too heavy."""
    points = triangles.points[np.unique(triangles.faces)]
    sides = points.max(axis=0) - points.min(axis=0)
    if sides.min() < FLATTEST * sides.max():
        raise Rejected("flat")
    if volume(triangles.points, triangles.faces) < THINNEST * sides[0] * sides[1] * sides[2]:
        raise Rejected("thin")
    if len(triangles.faces) > MAX_TRIANGLES:
        raise Rejected("too many triangles")


def build(
    recipe: Recipe,
    uid: str,
    textures_dir: str | Path | None = None,
    check: Callable[[Soup], None] = lambda triangles: None,
) -> Asset:
    """Returns the recipe's object, bit for bit the same in any process. `check` may raise Rejected before the textures,
    most of the cost, are made.

    Parts that lie wholly inside others have no surface left: `provenance["hidden"]` names them.
    """
    try:
        triangles, bodies = assemble(recipe)
    except Rejected as error:
        if error.reason != "not watertight":
            raise
        triangles, bodies = assemble(recipe, JITTER)
    check(triangles)
    scene, hidden = trimesh.Scene(), []
    for number, body in enumerate(bodies):
        mesh = body_mesh(triangles, number)
        if mesh is None:
            hidden.append(body.name)
            continue
        scene.add_geometry(mesh, geom_name=body.name, node_name=body.name)
    normalise(scene)
    for body in bodies:
        if body.name in scene.geometry:
            tiles = tuple(_bound(tile, textures_dir) for tile in body.tiles)
            scene.geometry[body.name].visual.material = material(tiles, recipe.texture_size, body.name)
    stored = to_dict(recipe)
    return Asset(scene, uid, caption(recipe, hidden), stored, {"hidden": hidden}, {"complexity": complexity(stored)})


def _bound(tile: Tile, textures_dir: str | Path | None) -> Tile:
    """Returns the tile with its texture ready to bake."""
    if textures_dir is None and isinstance(tile.texture, images.ImageTexture):
        raise ValueError("textures_dir: this recipe uses images; expected the folder they are in, got None")
    return replace(tile, texture=tile.texture.bind(textures_dir))


def caption(recipe: Recipe, hidden: list[str]) -> str:
    """Returns the caption, counted from what can be seen: `an object of three parts: two cubes, a cone, with a
    spherical cut; marble, rust`.
    """
    seen = [part for number, part in enumerate(recipe.parts) if f"{name_of(part.shape)}_{number}" not in hidden]
    counts = Counter(name_of(part.shape) for part in seen)
    nouns = [
        words_of(name)[0] if count == 1 else f"{_NUMBERS[count]} {words_of(name)[1]}" for name, count in counts.items()
    ]
    body = nouns[0] if len(seen) == 1 else f"an object of {_NUMBERS[len(seen)]} parts: {', '.join(nouns)}"
    edit = f", {recipe.edit.words()}" if recipe.edit is not None else ""
    families = Counter(textures.TABLE.head(surface.texture)["family"] for part in seen for surface in part.surfaces)
    return f"{body}{edit}; {', '.join(name.replace('_', ' ') for name, _ in families.most_common(4))}"
