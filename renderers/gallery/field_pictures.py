"""Pictures of `fields.npz`: surface points by part, points on creases, a slice through the signed distances."""

from collections.abc import Callable

import numpy as np
from scipy.spatial import cKDTree

from detailverse.labels import fields

SIDE = 256
SLAB = 0.04  # half the thickness of the slice, field units: queries are scattered, none lies on a plane
REACH = 1.1  # half the side of a picture, field units
_RIGHT = np.array([0.5, 0.8660254, 0.0])  # seen from azimuth -60°, elevation 20°
_UP = np.array([-0.1710101, 0.0986, 0.9396926])
_TOWARDS = np.array([0.4698463, -0.8137977, 0.3420201])
_INSIDE, _OUTSIDE = np.array([196.0, 78.0, 82.0]), np.array([76.0, 114.0, 176.0])


def pictures(data: bytes, palette: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Returns (caption, uint8 [SIDE, SIDE, 3]) of each; data: the field `fields.npz`; palette: [P, 3] colours of parts,
    0 for none.
    """
    arrays = fields.from_npz(data)
    surface, sharp = arrays["random_surface"], arrays["sharp_surface"]
    parts = palette[(arrays["random_surface_part"] + 1) % len(palette)] * _shade(surface[:, 3:])[:, None]
    ink = np.full((len(sharp), 3), 40.0) + 120.0 * (1 - _shade(sharp[:, 3:]))[:, None]
    return [
        ("surface points by part", _splat(surface, parts, 2)),
        ("points on creases", _splat(sharp, ink, 1)),
        ("distances at y = 0", slice_of(arrays)),
    ]


def _shade(normals: np.ndarray) -> np.ndarray:
    return 0.45 + 0.55 * np.maximum(0.0, (normals * _TOWARDS).sum(axis=1))


def slice_of(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Returns the slice that the queries of `detailverse.labels.fields.decode` show."""
    points, labels = (
        [arrays[f"{kind}_{what}"] for kind in ("vol", "random_near", "sharp_near")] for what in ("points", "label")
    )
    return _slice(np.concatenate(points), np.concatenate(labels))


def _splat(points: np.ndarray, colors: np.ndarray, size: int) -> np.ndarray:
    """Points that face the viewer, the nearest on top."""
    facing = (points[:, 3:] * _TOWARDS).sum(axis=1) > 0
    places, colors = points[facing, :3], colors[facing]
    order = np.argsort((places * _TOWARDS).sum(axis=1), kind="stable")
    column = ((places * _RIGHT).sum(axis=1) / REACH / 1.3 + 1) / 2 * SIDE
    row = (1 - (places * _UP).sum(axis=1) / REACH / 1.3) / 2 * SIDE
    image = np.full((SIDE, SIDE, 3), 255, np.uint8)
    for i in range(size):
        for j in range(size):
            r, c = np.clip(row[order] + i, 0, SIDE - 1).astype(int), np.clip(column[order] + j, 0, SIDE - 1).astype(int)
            image[r, c] = np.clip(colors[order], 0, 255)
    return image


def _slice(points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The plane y = 0: each pixel the label of the nearest query, as queries are scattered."""
    near = np.abs(points[:, 1]) < SLAB
    return sliced(lambda places: labels[near][cKDTree(points[near][:, [0, 2]]).query(places[:, [0, 2]])[1]])


def sliced(field: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Returns distances in the plane y = 0, seen from -y, uint8 [SIDE, SIDE, 3]: red inside, blue outside, lines every
    0.1. field: points [N, 3] -> [N].
    """
    axis = ((np.arange(SIDE) + 0.5) / SIDE * 2 * REACH - REACH).astype(np.float32)
    places = np.zeros((SIDE * SIDE, 3), np.float32)
    places[:, 0], places[:, 2] = np.tile(axis, SIDE), np.repeat(-axis, SIDE)
    value = field(places)
    strength = np.minimum(1.0, 0.25 + 2.0 * np.abs(value))[:, None]
    image = 255 - strength * (255 - np.where(value[:, None] < 0, _INSIDE, _OUTSIDE))
    image[(np.abs(value) % 0.1) < 0.008] *= 0.8
    return image.reshape(SIDE, SIDE, 3).astype(np.uint8)
