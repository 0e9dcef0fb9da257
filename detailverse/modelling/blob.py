"""Blob: a signed-distance value as a solid, with details on its skin: bodies, branches and rocks, which have no
unrolled surface.
"""

from collections.abc import Sequence

import numpy as np

from detailverse.meshing.dual_contouring import polygonise
from detailverse.modelling.patch import spacing as mesh_spacing
from detailverse.modelling.patch import stamped
from detailverse.modelling.skin import BARE, Chart, Ornaments, Skin
from detailverse.modelling.solid import Solid, painted_solid, union
from detailverse.modelling.surface import Leaf
from detailverse.sdf import Sdf
from detailverse.spatial.probes import self_intersections
from zeroverse.core import affine
from zeroverse.core.affine import towards
from zeroverse.core.rng import Rng

_BLEND = 4  # power of the normal's components: how fast one projection gives way to the next


def blob(
    value: Sdf,
    spacing: float,
    label: str | Sequence[str],
    slot: str | Sequence[str],
    skin: Skin = BARE,
    room: float = 0.03,
) -> Solid:
    """Returns the inside of a signed distance, polygonised `spacing` apart. label, slot: one, or one for each number
    that was painted.

    Details lie on it by projection along x, y and z, blended where these meet (triplanar mapping). room: the greatest
    height and depth of details, about a third of the thinnest member. Raises Rejected when the mesh is not closed.
    """
    labels, slots = ([names] if isinstance(names, str) else list(names) for names in (label, slot))
    points, faces, paint = polygonise(value, mesh_spacing(skin, _area(value), spacing))
    if len(slots) == 1:
        slots *= len(labels)
    leaves = [Leaf(*names) for names in zip(labels, slots)]
    normals = affine.vertex_normals(points, faces, np.arange(len(points)))
    heights = (
        _unfolded(points, faces, normals, _heights(points, normals, skin, room)) if skin else np.zeros(len(points))
    )
    laid = points + heights[:, None] * normals
    body = painted_solid(leaves, laid, faces, np.minimum(paint, len(leaves) - 1), heights)
    ornaments = [
        one
        for detail in skin.details
        if (one := detail.ornaments(_flat_chart(points, faces, skin.scale, room))) is not None and len(one.uv)
    ]
    return union(
        (
            body,
            *(
                stamped(f"{labels[0]}.{one.label}", one, *_scattered(one, laid, normals, skin.scale, number))
                for number, one in enumerate(ornaments)
            ),
        )
    )


def _unfolded(points, faces, normals, heights) -> np.ndarray:
    """Returns the heights [N], lower where the surface would pass through itself: in hollows, where normals meet."""
    for factor in (0.5, 0.0):
        crossed = self_intersections(points + heights[:, None] * normals, faces)
        if len(crossed) == 0:
            break
        near = np.zeros(len(points), dtype=bool)
        near[faces[crossed.ravel()]] = True
        for _ in range(2):  # and two rings of neighbours, so that no step is left
            near[faces[near[faces].any(axis=1)]] = True
        heights = np.where(near, factor * heights, heights)
    return heights


def _area(value: Sdf) -> float:
    """Returns about the area of the surface: that of the box around it."""
    x, y, z = (value.bounds[axis + 3] - value.bounds[axis] for axis in range(3))
    return 2 * (x * y + y * z + z * x)


def _heights(points, normals, skin: Skin, room: float) -> np.ndarray:
    """Returns the heights [N] of all details, in the value's own units."""
    weights = np.abs(normals) ** _BLEND
    weights /= weights.sum(axis=1, keepdims=True)
    total = np.zeros(len(points))
    for axis in range(3):
        near = np.flatnonzero(weights[:, axis] > 0.02)
        if len(near) == 0:
            continue
        chart = _projected(points[near], normals[near], axis, skin.scale, room)
        reliefs = [relief for detail in skin.details if (relief := detail.relief(chart)) is not None]
        total[near] += weights[near, axis] * sum(reliefs, np.zeros(len(near)))
    return np.clip(total / skin.scale, -room, room)


def _projected(points, normals, axis: int, scale: float, room: float) -> Chart:
    """Returns the chart seen along `axis`: sideways u, upwards v, as a person would hang a pattern."""
    u, v = ((1, 2), (0, 2), (0, 1))[axis]
    flat = scale * (points[:, [u, v]] - points[:, [u, v]].min(axis=0))
    width, height = (float(x) for x in np.maximum(flat.max(axis=0), 1e-3))
    return Chart(
        flat[:, 0],
        flat[:, 1],
        width,
        height,
        False,
        scale * points,
        normals,
        np.full(len(points), np.inf),
        scale * room,
    )


def _flat_chart(points, faces, scale: float, room: float) -> Chart:
    """Returns a square as large as the surface, for ornaments that only ask how much room there is."""
    normals = affine.face_normals(points, faces)
    side = scale * float(np.sqrt(np.sqrt((normals * normals).sum(axis=1)).sum() / 2))
    corner = np.zeros(1)
    return Chart(corner, corner, side, side, False, np.zeros((1, 3)), np.array([[0.0, 0, 1]]), corner, scale * room)


def _scattered(ornaments: Ornaments, points, normals, scale: float, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns matrices [K, 3, 3] and offsets [K, 3] of ornaments: on vertices in a keyed order, each as far from the
    others as two of the ornaments are on a chart.
    """
    apart = _nearest(ornaments.uv) / scale
    order = np.argsort(Rng("blob", "ornaments", number).unit(len(points)), kind="stable")
    cells: dict[tuple[int, ...], list[int]] = {}
    chosen = []
    for vertex in order[: 40 * len(ornaments.uv)]:
        cell = tuple(np.floor(points[vertex] / apart).astype(np.int64))
        near = (
            other
            for dx in (-1, 0, 1)
            for dy in (-1, 0, 1)
            for dz in (-1, 0, 1)
            for other in cells.get((cell[0] + dx, cell[1] + dy, cell[2] + dz), ())
        )
        if all(float(((points[vertex] - points[other]) ** 2).sum()) >= apart * apart for other in near):
            cells.setdefault(cell, []).append(int(vertex))
            chosen.append(int(vertex))
        if len(chosen) == len(ornaments.uv):
            break
    sizes = np.resize(ornaments.size, len(chosen)) / scale
    return np.stack([towards(normals[vertex]) for vertex in chosen]) * sizes[:, None, None], points[chosen]


def _nearest(uv: np.ndarray) -> float:
    """Returns the least distance between two of the points [K, 2]."""
    if len(uv) < 2:
        return 1.0
    gap = uv[:, None] - uv[None]
    square = (gap * gap).sum(axis=2)
    np.fill_diagonal(square, np.inf)
    return float(np.sqrt(square.min()))
