"""Generators: profiles, paths, regions and sections become solids, with details on their skins.

Each takes `label` (the part) and `slot` (where its material comes from).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from manifold3d import Manifold, triangulate

from detailverse.modelling.patch import SMALLEST, Cap, Patch, assemble, spacing, unskinned
from detailverse.modelling.path import Path
from detailverse.modelling.profile import Profile
from detailverse.modelling.region import Region
from detailverse.modelling.skin import BARE, Skin
from detailverse.modelling.solid import Solid, native
from detailverse.modelling.surface import Leaf
from zeroverse.core import affine
from zeroverse.core.portable import TAU, cos_sin_array

SIDES = 72  # of a bare round thing: its outline shows no corners at 512 pixels
_PLAIN = 2e-3  # chord error of bare runs on a lathe whose others carry details: they share its many columns
_CORNER = 0.87  # cosine of the angle between segments from which a contour has a corner, 30°


def lathe(profile: Profile, label: str, slot: str, skin: Skin = BARE, sides: int | None = None) -> Solid:
    """Returns the profile turned about the z axis. Ends off the axis are closed with a disc; a closed profile gives a
    ring.
    """
    runs = [piece for run in _shut(profile) for piece in _off_the_axis(run, profile.max_radius)]
    dressed = [bool(skin) and _dressed(run, profile.max_radius, SMALLEST / skin.scale) for run in runs]
    area = sum(TAU * float(run[:, 0].mean()) * _length(run) for run, wears in zip(runs, dressed) if wears)
    step = spacing(skin, area, TAU * profile.max_radius / (sides or SIDES))
    columns = sides or min(640, max(24 if not skin else SIDES, round(TAU * profile.max_radius / step)))
    fewer = (
        1 if sides or not any(dressed) else max(1, columns // SIDES)
    )  # bare runs need no more sides than a bare lathe
    columns = columns // fewer * fewer
    around = _ring_of(columns)
    patches, strips = [], []
    for number, (run, skinned) in enumerate(zip(runs, dressed)):
        rz = _resampled(run, step) if skinned else Profile((run,)).simplified(_PLAIN).runs[0]
        width = TAU * float(rz[:, 0].mean())
        if not skinned and fewer > 1 and len(rz) >= 4:
            joints = [end for end, other in ((0, number - 1), (len(rz) - 1, number + 1)) if 0 <= other < len(runs)]
            strips += [
                _strip(
                    _turned(rz[end], around),
                    _turned(rz[end + (1 if end == 0 else -1)], around[::fewer]),
                    fewer,
                    upwards=end == 0,
                )
                for end in joints
            ]
            inner = rz[1 if 0 in joints else 0 : len(rz) - 1 if len(rz) - 1 in joints else len(rz)]
            patches.append(Patch(_turned(inner, around[::fewer]), width, _length(inner), wraps=True, skinned=False))
            continue
        room = 0.3 * float(rz[:, 0].min()) if skinned else 0.0
        patches.append(Patch(_turned(rz, around), width, _length(run), wraps=True, skinned=skinned, room=room))
    return assemble(label, slot, patches, strips, skin)


def tube(
    path: Path,
    radius: float | Callable[[float], float],
    label: str,
    slot: str,
    skin: Skin = BARE,
    sides: int | None = None,
    section: Region | None = None,
    twist: float = 0.0,
    ends: str = "round",
) -> Solid:
    """Returns a section swept along the path: a circle, or the outer contour of `section`, whose unit is then the
    radius.

    radius: a length, or a function of the position along the path, 0 … 1. twist: radians from start to end. ends:
    "round" or "flat".
    """
    size = radius if callable(radius) else lambda s: radius
    widest = max(size(s) for s in (0.0, 0.25, 0.5, 0.75, 1.0))
    step = spacing(skin, TAU * widest * path.length, path.length)
    if skin:
        path = path.resample(spacing=step)
    sides = sides or (min(320, max(12, round(TAU * widest / step))) if skin else 16)
    outline = _circle(sides) if section is None else _closed_resampled(section.contours()[0], sides)
    tangents, normals, binormals = path.frames()
    centers = path.points
    if path.closed:
        centers, normals, binormals, tangents = (
            np.concatenate([rows, rows[:1]]) for rows in (centers, normals, binormals, tangents)
        )
    along = _cumulative(centers)
    fraction = along / along[-1]
    c, s = cos_sin_array(twist * fraction)
    normals, binormals = c[:, None] * normals + s[:, None] * binormals, c[:, None] * binormals - s[:, None] * normals
    radii = np.array([size(float(t)) for t in fraction])
    points = _ring(centers, normals, binormals, radii, outline)
    if path.closed:
        points[-1] = points[0]
    width = float(_cumulative(np.append(outline, outline[:1], axis=0))[-1] * radii.mean())
    body = Patch(points, width, float(along[-1]), wraps=True, room=0.3 * float(radii.min()))
    if path.closed:
        return assemble(label, slot, [body], skin=skin)
    if ends == "flat":
        return assemble(
            label, slot, [body], [_cap(points[0, :-1], centers[0], -1), _cap(points[-1, :-1], centers[-1], 1)], skin
        )
    start = _dome(centers[0], -tangents[0], normals[0], binormals[0], radii[0], outline)[::-1]
    end = _dome(centers[-1], tangents[-1], normals[-1], binormals[-1], radii[-1], outline)
    start[-1], end[0] = points[0], points[-1]
    domes = [
        Patch(rows, width, float(r) * 1.57, wraps=True, skinned=False)
        for rows, r in ((start, radii[0]), (end, radii[-1]))
    ]
    return assemble(label, slot, [domes[0], body, domes[1]], skin=skin)


def loft(rings: np.ndarray, label: str, slot: str, skin: Skin = BARE, corners: Sequence[int] = ()) -> Solid:
    """Returns sections [R, C, 3] joined: each a closed contour without its first point repeated, flat at both ends,
    counter-clockwise seen from the last.

    corners: columns where the surface has an edge along v.
    """
    rings = np.concatenate([rings, rings[:, :1]], axis=1)
    caps = [_flat(rings[0, :-1], -1), _flat(rings[-1, :-1], 1)]
    return assemble(label, slot, _walls(rings, corners), caps, skin)


def extrude(
    region: Region,
    height: float,
    label: str,
    slot: str,
    skin: Skin = BARE,
    twist: float = 0.0,
    taper: float = 1.0,
    steps: int = 1,
) -> Solid:
    """Returns the region from z = 0 to `height`, turned by `twist` radians and scaled by `taper` on the way; the skin
    lies on its walls.
    """
    if not skin:
        degrees = twist * 360.0 / TAU
        return native(
            region.cross_section.extrude(height, max(0, steps - 1), degrees, (taper, taper)), Leaf(label, slot)
        )
    contours = [np.asarray(contour) for contour in region.contours()]
    area = height * sum(_length(np.append(c, c[:1], axis=0)) for c in contours)
    step = spacing(skin, area, height / max(1, steps))
    rows = max(2, round(height / step) + 1, steps + 1)
    t = np.arange(rows) / (rows - 1)
    c, s = cos_sin_array(twist * t)
    grow = 1 + (taper - 1) * t
    patches, bottom = [], []
    for contour in contours:
        outline, corners = _cornered(contour, step)
        x, y = outline[:, 0], outline[:, 1]
        rings = np.stack(
            [
                (c[:, None] * x - s[:, None] * y) * grow[:, None],
                (s[:, None] * x + c[:, None] * y) * grow[:, None],
                np.broadcast_to((height * t)[:, None], (rows, len(x))),
            ],
            axis=-1,
        )
        patches += _walls(np.concatenate([rings, rings[:, :1]], axis=1), corners)
        bottom.append((rings[0], rings[-1]))
    return assemble(label, slot, patches, _holed(bottom), skin)


def plate(region: Region, thickness: float, label: str, slot: str, skin: Skin = BARE, margin: float = 0.0) -> Solid:
    """Returns the region from z = 0 to `thickness`, with the skin on its upper face; details end `margin` before the
    outline.
    """
    if not skin:
        return extrude(region, thickness, label, slot)
    left, lower, right, upper = region.bounds
    step = spacing(skin, (right - left) * (upper - lower), 0.1)
    columns, rows = max(2, round((right - left) / step) + 3), max(2, round((upper - lower) / step) + 3)
    x, y = left - step + step * np.arange(columns), lower - step + step * np.arange(rows)
    top = np.stack([*np.meshgrid(x, y), np.full((rows, columns), float(thickness))], axis=-1)
    inside = np.maximum(0.0, -region.distance(top[..., :2].reshape(-1, 2)).reshape(rows, columns) - margin)
    patch = Patch(top, step * (columns - 1), step * (rows - 1), room=0.45 * thickness, border=inside)
    tall = extrude(region, 3 * thickness, label, slot).move(0, 0, -thickness)
    return _slab(patch, 0.0, label, slot, skin) & tall


def slab(heights: np.ndarray, width: float, depth: float, label: str, slot: str, skin: Skin = BARE) -> Solid:
    """Returns a block with the upper face z = heights [R, C] over width (x) by depth (y), centred, from z = 0; heights
    > 0.
    """
    rows, columns = heights.shape
    x, y = width * (np.arange(columns) / (columns - 1) - 0.5), depth * (np.arange(rows) / (rows - 1) - 0.5)
    top = np.stack([*np.meshgrid(x, y), heights], axis=-1)
    return _slab(Patch(top, width, depth, room=0.02, way=(0.0, 0.0, 1.0)), 0.0, label, slot, skin)


def box(x: float, y: float, z: float, label: str, slot: str, skin: Skin = BARE, sides: str = "+-x +-y +-z") -> Solid:
    """Returns a box centred at the origin. sides: the faces with details, as in "+z" or "+-x +-y"."""
    size = np.array([x, y, z], dtype=np.float64)
    if not skin:
        return native(Manifold.cube(tuple(size), True), Leaf(label, slot))
    wanted = {(sign, side[-1]) for side in sides.split() for sign in side[:-1]}
    area = sum(
        size["xyz".index(b)] * size["xyz".index(c)]
        for a, b, c in ("xyz", "yzx", "zxy")
        for sign in "+-"
        if (sign, a) in wanted
    )
    step = spacing(skin, area, float(size.max()))
    lines = [side * (np.arange(n + 1) / n - 0.5) for side in size for n in [max(1, round(side / step))]]
    patches = []
    for axis, name in enumerate("xyz"):
        a, b = (axis + 1) % 3, (axis + 2) % 3
        for sign in "+-":
            u, v = (a, b) if sign == "+" else (b, a)
            points = np.empty((len(lines[v]), len(lines[u]), 3))
            points[..., u], points[..., v], points[..., axis] = (
                lines[u],
                lines[v][:, None],
                lines[axis][-1 if sign == "+" else 0],
            )
            patches.append(
                Patch(points, size[u], size[v], skinned=(sign, name) in wanted, room=0.2 * float(size.min()))
            )
    return assemble(label, slot, patches, skin=skin)


def ball(radius: float, label: str, slot: str, skin: Skin = BARE) -> Solid:
    """Returns a ball about the origin."""
    angle = TAU / 2 * np.arange(65) / 64
    c, s = cos_sin_array(angle)
    s[[0, -1]] = 0.0
    return lathe(Profile((np.stack([radius * s, -radius * c], axis=1),)), label, slot, skin)


def cylinder(
    radius: float,
    height: float,
    label: str,
    slot: str,
    skin: Skin = BARE,
    top: float | None = None,
    sides: int | None = None,
) -> Solid:
    """Returns a cylinder about z from z = 0 to `height`; top: the radius there, if another."""
    wall = np.array([[radius, 0.0], [radius if top is None else top, height]])
    return lathe(Profile((wall,)), label, slot, skin, sides)


def hull(points: np.ndarray, label: str, slot: str) -> Solid:
    """Returns the convex hull of points [N, 3]."""
    return native(Manifold.hull_points(np.asarray(points, dtype=np.float64)), Leaf(label, slot))


# --------------------------------------------------------------------------------------------------------------- pieces


def _ring_of(columns: int) -> np.ndarray:
    """Returns points [columns + 1, 2] on the unit circle, the last the same as the first."""
    circle = _circle(columns)
    return np.append(circle, circle[:1], axis=0)


def _turned(rz: np.ndarray, around: np.ndarray) -> np.ndarray:
    """Returns points (r, z), [2] or [R, 2], turned to [C, 3] or [R, C, 3]."""
    r, z = rz[..., :1], rz[..., 1:]
    return np.stack([r * around[:, 0], r * around[:, 1], np.broadcast_to(z, (*r.shape[:-1], len(around)))], axis=-1)


def _strip(fine: np.ndarray, coarse: np.ndarray, times: int, upwards: bool) -> Cap:
    """Returns the triangles between a ring [C * times + 1, 3] and one with fewer points [C + 1, 3]; upwards: from the
    fine ring to the coarse one.
    """
    n = np.arange(len(fine) - 1)
    j = np.arange(len(coarse) - 1)
    first = len(fine)
    faces = np.concatenate(
        [
            np.stack([n, n + 1, first + n // times], axis=1),
            np.stack([times * (j + 1), first + j + 1, first + j], axis=1),
        ]
    )
    height = _length(np.stack([fine[0], coarse[0]]))
    uv = [np.stack([_cumulative(ring), np.full(len(ring), v)], axis=1) for ring, v in ((fine, 0.0), (coarse, height))]
    return Cap(np.concatenate([fine, coarse]), faces if upwards else faces[:, ::-1], np.concatenate(uv))


def _shut(profile: Profile) -> list[np.ndarray]:
    """Returns the runs of the profile, and discs where it ends off the axis."""
    runs = [np.asarray(run, dtype=np.float64) for run in profile.runs]
    first, last = runs[0][0], runs[-1][-1]
    if np.array_equal(first, last):
        return runs
    below = [np.array([[0.0, first[1]], first])] if first[0] > 0 else []
    above = [np.array([last, [0.0, last[1]]])] if last[0] > 0 else []
    return below + runs + above


def _dressed(run: np.ndarray, widest: float, shortest: float) -> bool:
    """Returns whether a run of a lathe carries details: long enough, off the axis, and not the inner wall of a vessel,
    which is thin and hardly seen.
    """
    inside = run[-1, 1] - run[0, 1] < -abs(run[-1, 0] - run[0, 0])
    return not inside and _length(run) >= shortest and float(run[:, 0].min()) > 0.12 * widest


def _off_the_axis(run: np.ndarray, widest: float) -> list[np.ndarray]:
    """Returns the run, cut where it comes near the axis: patterns would pinch there."""
    near = run[:, 0] < 0.15 * widest
    stops = [0, *(np.flatnonzero(np.diff(near[:-1])) + 1), len(run) - 1] if len(run) >= 8 else [0, len(run) - 1]
    return [run[a : b + 1] for a, b in zip(stops, stops[1:]) if b > a]


def _length(line: np.ndarray) -> float:
    """Returns the length of a polyline."""
    return float(_cumulative(line)[-1])


def _cumulative(line: np.ndarray) -> np.ndarray:  # [N, D] -> [N]
    """Returns the length along a polyline at each point."""
    step = np.diff(line, axis=0)
    return np.concatenate([[0.0], np.cumsum(np.sqrt((step * step).sum(axis=1)))])


def _resampled(line: np.ndarray, step: float) -> np.ndarray:
    """Returns the polyline [N, D] with points `step` apart, ends kept bit for bit."""
    along = _cumulative(line)
    count = max(2, round(along[-1] / step) + 1)
    where = along[-1] * np.arange(count) / (count - 1)
    out = np.stack([np.interp(where, along, line[:, axis]) for axis in range(line.shape[1])], axis=1)
    out[0], out[-1] = line[0], line[-1]
    return out


def _closed_resampled(contour: np.ndarray, count: int) -> np.ndarray:
    """Returns the closed contour [N, 2] as `count` points evenly along it."""
    closed = np.append(contour, contour[:1], axis=0)
    return _resampled(closed, _length(closed) / count)[:-1]


def _circle(count: int) -> np.ndarray:
    """Returns `count` points [count, 2] evenly on the unit circle."""
    return np.stack(cos_sin_array(TAU * np.arange(count) / count), axis=1)


def _ring(centers, normals, binormals, radii, outline) -> np.ndarray:
    """Returns the outline [C, 2] around every centre [R, 3], closed: [R, C + 1, 3]."""
    closed = np.append(outline, outline[:1], axis=0)
    return centers[:, None] + radii[:, None, None] * (
        closed[:, 0, None] * normals[:, None] + closed[:, 1, None] * binormals[:, None]
    )


def _dome(center, outward, normal, binormal, radius, outline, rings: int = 5) -> np.ndarray:
    """Returns the rings [rings + 1, C + 1, 3] of a dome, from the rim to the pole."""
    c, s = cos_sin_array(TAU / 4 * np.arange(rings + 1) / rings)
    c[-1] = 0.0
    count = rings + 1
    return _ring(
        center + radius * s[:, None] * outward,
        np.tile(normal, (count, 1)),
        np.tile(binormal, (count, 1)),
        radius * c,
        outline,
    )


def _cap(ring: np.ndarray, center: np.ndarray, sign: int) -> Cap:
    """Returns a fan over a star-shaped ring [N, 3]; sign: +1 where the ring runs counter-clockwise seen from
    outside.
    """
    count = len(ring)
    here, after = np.arange(count), (np.arange(count) + 1) % count
    faces = np.stack([np.full(count, count), here, after] if sign > 0 else [np.full(count, count), after, here], axis=1)
    points = np.append(ring, center[None], axis=0)
    return Cap(points, faces, _flattened(points))


def _flat(ring: np.ndarray, sign: int) -> Cap:
    """Returns the triangulation of a flat ring [N, 3] of any shape; sign as for `_cap`."""
    uv = _flattened(ring)
    faces = np.asarray(triangulate([uv if _signed_area(uv) > 0 else uv[::-1]]), dtype=np.int64)
    if _signed_area(uv) < 0:
        faces = len(ring) - 1 - faces[:, ::-1]
        return Cap(ring, faces if sign > 0 else faces[:, ::-1], uv)
    return Cap(ring, faces if sign > 0 else faces[:, ::-1], uv)


def _flattened(points: np.ndarray) -> np.ndarray:
    """Returns flat points [N, 3] as [N, 2]: without the axis that their normal is nearest to, order kept so that the
    area's sign is the normal's.
    """
    ring = points - points.mean(axis=0)
    normal = affine.cross(ring, np.roll(ring, -1, axis=0)).sum(axis=0)
    axis = int(np.argmax(np.abs(normal)))
    return np.ascontiguousarray(points[:, [(axis + 1) % 3, (axis + 2) % 3]])


def _signed_area(ring: np.ndarray) -> float:
    """Returns the area of a ring [N, 2], positive where it runs counter-clockwise."""
    after = np.roll(ring, -1, axis=0)
    return float((ring[:, 0] * after[:, 1] - ring[:, 1] * after[:, 0]).sum()) / 2


def _holed(ends: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[Cap]:
    """Returns the lower and upper cap over contours with holes; ends: (lower ring, upper ring), [N, 3], of each
    contour.
    """
    bottom, top = (np.concatenate(rings) for rings in zip(*ends))
    faces = np.asarray(triangulate([np.ascontiguousarray(lower[:, :2]) for lower, _ in ends]), dtype=np.int64)
    return [Cap(bottom, faces[:, ::-1], bottom[:, :2]), Cap(top, faces, top[:, :2])]


def _cornered(contour: np.ndarray, step: float) -> tuple[np.ndarray, list[int]]:
    """Returns the contour resampled between its corners, from a corner on: points [N, 2] and the numbers of the
    corners.
    """
    edge = affine.unit(np.column_stack([np.roll(contour, -1, axis=0) - contour, np.zeros(len(contour))]))
    corner = np.flatnonzero((edge * np.roll(edge, 1, axis=0)).sum(axis=1) < _CORNER)
    if len(corner) == 0:
        return _closed_resampled(contour, max(12, round(_length(np.append(contour, contour[:1], axis=0)) / step))), []
    contour = np.roll(contour, -corner[0], axis=0)
    stops = [*(corner - corner[0]), len(contour)]
    closed = np.append(contour, contour[:1], axis=0)
    pieces = [_resampled(closed[a : b + 1], step)[:-1] for a, b in zip(stops, stops[1:])]
    return np.concatenate(pieces), list(np.cumsum([0, *(len(piece) for piece in pieces[:-1])]))


def _walls(rings: np.ndarray, corners: Sequence[int]) -> list[Patch]:
    """Returns patches of rings [R, C + 1, 3] between corner columns; one that wraps if there are none."""
    height = float(np.mean([_length(rings[:, j]) for j in range(0, rings.shape[1], max(1, rings.shape[1] // 8))]))
    if not len(corners):
        width = _length(rings[len(rings) // 2])
        return [Patch(rings, width, height, wraps=True, room=0.05 * width)]
    rings = np.concatenate([np.roll(rings[:, :-1], -corners[0], axis=1), rings[:, corners[0] : corners[0] + 1]], axis=1)
    stops = [*(np.asarray(corners) - corners[0]), rings.shape[1] - 1]
    pieces = [rings[:, a : b + 1] for a, b in zip(stops, stops[1:])]
    return [
        Patch(piece, width, height, room=0.1 * width) for piece in pieces for width in [_length(piece[len(piece) // 2])]
    ]


def _slab(top: Patch, bottom: float, label: str, slot: str, skin: Skin) -> Solid:
    """Returns the patch as the upper face of a block with a flat bottom at z = `bottom`."""
    grid = top.points
    sides = [grid[0], grid[:, -1], grid[-1, ::-1], grid[::-1, 0]]  # counter-clockwise from above
    walls = [
        unskinned(
            Patch(
                np.stack([side * [1, 1, 0] + [0, 0, bottom], side]), _length(side * [1, 1, 0]), float(side[:, 2].mean())
            )
        )
        for side in sides
    ]
    ring = np.concatenate([side[:-1] for side in sides]) * [1, 1, 0] + [0, 0, bottom]
    return assemble(label, slot, [top, *walls], [replace(_flat(ring, 1), faces=_flat(ring, 1).faces[:, ::-1])], skin)
