"""Defects planted in good objects, with the rating that a careful person would give: what the quality score is trained
and measured on.

Each is a function of an asset, a stream and a severity from 0 (hardly seen) to 1; the asset itself is never changed.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import trimesh

from detailverse.spatial.sampling import triangles_of
from zeroverse.asset import LONGEST_SIDE, Asset, normalise
from zeroverse.core.rng import Rng
from zeroverse.core.topology import weld_places

CLEAN = 5.0  # the rating of an object without defects; the scale is the 1 to 5 of TripoSG's modellers


def decimated(asset: Asset, rng: Rng, severity: float) -> Asset:
    """Returns the asset with its vertices pulled together to the nodes of a coarse grid, 40 to 8 cells along the
    longest side.
    """
    cell = LONGEST_SIDE / (40 - 32 * severity)

    def coarse(mesh, stream):
        points = np.asarray(mesh.vertices)
        nodes = np.floor(points / cell).astype(np.int64) + 4096
        _, node = np.unique((nodes[:, 0] * 8192 + nodes[:, 1]) * 8192 + nodes[:, 2], return_inverse=True)
        times = np.bincount(node)
        means = np.stack([np.bincount(node, points[:, axis]) / times for axis in range(3)], axis=1)
        return _like(mesh, means[node], mesh.faces)

    return _each(asset, rng, coarse)


def noisy(asset: Asset, rng: Rng, severity: float) -> Asset:
    """Returns the asset with every vertex moved at random by 0.5 to 4 % of the object's size, as bad scans and bad
    extractions have it.
    """
    amount = LONGEST_SIDE * (0.005 + 0.035 * severity)

    def rough(mesh, stream):
        place = weld_places(np.asarray(mesh.vertices))
        moves = stream.unit((place.max() + 1, 3)) - 0.5
        return _like(mesh, mesh.vertices + amount * moves[place], mesh.faces)

    return _each(_refined(asset), rng, rough)


def holed(asset: Asset, rng: Rng, severity: float) -> Asset:
    """Returns the asset with balls of its surface missing: 3 to 12 of them, each 12 to 25 % of the object's
    size wide.
    """
    points, faces = triangles_of(asset)
    count, radius = 3 + int(9 * severity), LONGEST_SIDE * (0.06 + 0.065 * severity)
    centers = points[faces[[rng.integer(0, len(faces)) for _ in range(count)], 0]]

    def cut(mesh, stream):
        middle = np.asarray(mesh.vertices)[mesh.faces].mean(axis=1)
        square = ((middle[:, None] - centers) ** 2).sum(axis=2).min(axis=1)
        return _like(mesh, mesh.vertices, mesh.faces[square > radius * radius])

    return _each(_refined(asset), rng, cut)


def flipped(asset: Asset, rng: Rng, severity: float) -> Asset:
    """Returns the asset with triangles wound the wrong way in horizontal slabs: in a fifth of them to all."""
    share, slab = 0.2 + 0.8 * severity, LONGEST_SIDE / 9

    def turn(mesh, stream):
        number = np.floor(np.asarray(mesh.vertices)[mesh.faces].mean(axis=1)[:, 2] / slab).astype(np.int64)
        wrong = np.array([rng.child("slab", int(n)).chance(share) for n in range(-9, 10)])[np.clip(number, -9, 9) + 9]
        return _like(mesh, mesh.vertices, np.where(wrong[:, None], mesh.faces[:, ::-1], mesh.faces))

    return _each(asset, rng, turn)


def mistextured(asset: Asset, rng: Rng, severity: float) -> Asset:
    """Returns the asset with its texture coordinates thrown about, or, when severe, with no material at all."""

    def scramble(mesh, stream):
        uv = getattr(mesh.visual, "uv", None)
        if severity > 0.7 or uv is None:
            return trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
        blocks = np.floor(np.asarray(mesh.vertices) / 0.1).astype(np.int64)
        shift = np.stack(
            [stream.child(axis).unit(4096)[(blocks * (73, 19, 7)).sum(axis=1) % 4096] for axis in range(2)], axis=1
        )
        return _like(mesh, mesh.vertices, mesh.faces, uv + (0.3 + severity) * shift)

    return _each(asset, rng, scramble)


def scattered(asset: Asset, rng: Rng, severity: float) -> Asset:
    """Returns the asset cut through its middle along one to three axes and pulled apart."""
    axes = 1 + int(2.99 * severity)

    def pull(mesh, stream):
        points = np.asarray(mesh.vertices)[mesh.faces]  # [F, 3, 3]: every triangle goes with its middle
        for axis in range(axes):
            points[:, :, axis] += 0.5 * np.where(points.mean(axis=1)[:, axis] > 0, 1.0, -1.0)[:, None]
        corner = mesh.faces.ravel()
        uv = getattr(mesh.visual, "uv", None)
        return _like(
            mesh,
            points.reshape(-1, 3),
            np.arange(len(corner)).reshape(-1, 3),
            None if uv is None else uv[corner],
            corner,
        )

    return _each(_refined(asset), rng, pull)


def grounded(asset: Asset, rng: Rng, severity: float) -> Asset:
    """Returns the asset on a plate of ground, 1.2 to 2.5 times as wide as the object."""
    points, _ = triangles_of(asset)
    low, high = points.min(axis=0), points.max(axis=0)
    width = (1.2 + 1.3 * severity) * float((high - low)[:2].max())
    plate = trimesh.creation.box((width, width, 0.02))
    plate.apply_translation([*((low + high) / 2)[:2], low[2]])
    scene = _copy(asset)
    scene.add_geometry(plate, geom_name="ground", node_name="ground")
    return _renewed(asset, scene)


def squashed(asset: Asset, rng: Rng, severity: float) -> Asset:
    """Returns the asset with one axis shrunk to between a tenth and a hundredth."""
    factors = np.ones(3)
    factors[rng.integer(0, 3)] = 0.1 - 0.09 * severity
    return _each(asset, rng, lambda mesh, stream: _like(mesh, mesh.vertices * factors, mesh.faces))


Defect = Callable[[Asset, Rng, float], Asset]
DEFECTS: tuple[tuple[str, Defect, float, float], ...] = (  # name, function, rating when hardly seen, rating when severe
    ("decimated", decimated, 4.0, 1.5),
    ("noisy", noisy, 3.5, 1.0),
    ("holed", holed, 3.0, 1.0),
    ("flipped", flipped, 3.0, 2.0),
    ("mistextured", mistextured, 3.5, 2.0),
    ("scattered", scattered, 1.8, 1.0),
    ("grounded", grounded, 2.0, 1.2),
    ("squashed", squashed, 2.0, 1.0),
)


def planted(asset: Asset, rng: Rng, name: str) -> tuple[Asset, float]:
    """Returns the asset with the named defect, and the rating it then deserves; the severity is sampled from `rng`.
    Raises KeyError for an unknown name.
    """
    function, mild, severe = {row[0]: row[1:] for row in DEFECTS}[name]
    severity = rng.child("severity").unit()
    return function(asset, rng.child(name), severity), mild + (severe - mild) * severity


# --------------------------------------------------------------------------------------------------------------- scenes


def _each(asset: Asset, rng: Rng, change) -> Asset:
    """Returns the asset with every mesh replaced by `change(mesh, stream)`; meshes of which nothing is left are
    dropped.
    """
    scene = trimesh.Scene()
    for number, (name, mesh) in enumerate(asset.scene.geometry.items()):
        changed = change(mesh, rng.child(number))
        if len(changed.faces):
            scene.add_geometry(changed, geom_name=name, node_name=name)
    return _renewed(asset, scene)


def _copy(asset: Asset) -> trimesh.Scene:
    """Returns a scene with meshes of its own, so that the asset's stays as it is."""
    return _each(asset, Rng("copy"), lambda mesh, stream: _like(mesh, mesh.vertices, mesh.faces)).scene


def _renewed(asset: Asset, scene: trimesh.Scene) -> Asset:
    """Returns the asset with another scene, normalised, and without the recipe, which no longer tells the truth."""
    return replace(asset, scene=normalise(scene), recipe={}, provenance={})


def _like(mesh: trimesh.Trimesh, points, faces, uv=None, corner=None) -> trimesh.Trimesh:
    """Returns a mesh with the look of another: its material, and texture coordinates `uv` or its own. corner: where
    vertices were repeated, which vertex of the other mesh each is.
    """
    visual = mesh.visual
    if hasattr(visual, "uv") and visual.uv is not None:
        visual = trimesh.visual.TextureVisuals(uv=visual.uv if uv is None else uv, material=visual.material)
    elif corner is not None and visual.kind in ("vertex", "face"):
        visual = trimesh.visual.ColorVisuals(vertex_colors=visual.vertex_colors[corner])
    else:
        visual = visual.copy()
    return trimesh.Trimesh(np.array(points), np.array(faces), visual=visual, process=False)


def _refined(asset: Asset, longest: float = 0.08) -> Asset:
    """Returns the asset with triangles split until edges are shorter than `longest`: a defect that moves or cuts
    vertices needs enough of them.
    """

    def split(mesh, stream):
        points, faces, uv = (
            np.asarray(mesh.vertices, np.float64),
            np.asarray(mesh.faces),
            getattr(mesh.visual, "uv", None),
        )
        table = points if uv is None else np.concatenate([points, uv], axis=1)
        corner = np.arange(len(points))
        for _ in range(8):
            edges = table[faces][:, :, :3] - np.roll(table[faces][:, :, :3], -1, axis=1)
            long = np.sqrt((edges * edges).sum(axis=2)).max(axis=1) > longest
            if not long.any():
                break
            table, faces, corner = _quartered(table, faces, long, corner)
        return _like(mesh, table[:, :3], faces, None if uv is None else table[:, 3:], corner)

    return _each(asset, Rng("refined"), split)


def _quartered(table, faces, long, corner):
    """Splits the `long` triangles into four each, with corners of their own, and returns the table, the faces and the
    corners: neighbours that stay whole touch the new ones in T-junctions, which rating forgives.
    """
    a, b, c = (table[faces[long, k]] for k in range(3))
    points = np.concatenate([a, b, c, (a + b) / 2, (b + c) / 2, (c + a) / 2])
    n, base = int(long.sum()), len(table)
    ids = base + np.arange(6 * n).reshape(6, n)
    fresh = np.concatenate(
        [np.stack([ids[i], ids[j], ids[k]], axis=1) for i, j, k in ((0, 3, 5), (3, 1, 4), (5, 4, 2), (3, 4, 5))]
    )
    sources = np.concatenate([corner[faces[long, k]] for k in (0, 1, 2, 0, 1, 2)])
    return np.concatenate([table, points]), np.concatenate([faces[~long], fresh]), np.concatenate([corner, sources])
