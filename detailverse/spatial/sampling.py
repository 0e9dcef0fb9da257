"""Triangles of an asset, and points sampled on them."""

from typing import NamedTuple

import numpy as np

from zeroverse.asset import Asset
from zeroverse.core import affine
from zeroverse.core.rng import Rng
from zeroverse.core.topology import weld_places

POINTS = 16384  # per object: a surface share of 1 % is known to 8 % of itself, and D2 to 2 % of its mass


class Points(NamedTuple):
    """Points on a surface, each standing for as much area as the others. position, normal: [N, 3], normals unit."""

    position: np.ndarray
    normal: np.ndarray


def triangles_of(asset: Asset) -> tuple[np.ndarray, np.ndarray]:
    """Returns the points [N, 3] float64 and faces [F, 3] int64 of all parts together, with vertices at one place merged
    and triangles without area left out.
    """
    meshes = list(asset.scene.geometry.values())
    offsets = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes[:-1]])
    points = np.concatenate([np.asarray(mesh.vertices, np.float64) for mesh in meshes])
    faces = np.concatenate([np.asarray(mesh.faces, np.int64) + offset for mesh, offset in zip(meshes, offsets)])
    place = weld_places(points)
    merged = np.empty((place.max() + 1, 3))
    merged[place] = points
    faces = place[faces]
    return merged, faces[(affine.face_normals(merged, faces) != 0).any(axis=1)]


def surface_points(points: np.ndarray, faces: np.ndarray, rng: Rng, count: int = POINTS) -> Points:
    """Samples `count` points, stratified by area: the k-th lies somewhere in the k-th of `count` equal shares of the
    surface.
    """
    normals = affine.face_normals(points, faces)
    total = np.cumsum(np.sqrt((normals * normals).sum(axis=1)))
    marks = (np.arange(count) + rng.child("area").unit(count)) / count * total[-1]
    face = np.minimum(np.searchsorted(total, marks), len(faces) - 1)
    root, share = np.sqrt(rng.child("root").unit(count))[:, None], rng.child("share").unit(count)[:, None]
    a, b, c = (points[faces[face, corner]] for corner in range(3))
    return Points((1 - root) * a + root * (1 - share) * b + root * share * c, affine.unit(normals[face]))
