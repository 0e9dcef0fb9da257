"""What buildings share: mouldings around a plan, arches, windows, leaves, volutes, broken edges."""

import numpy as np

from detailverse.modelling.path import Path, spiral
from detailverse.modelling.profile import Turning, turned
from detailverse.modelling.region import Region, circle, polar, polygon, rect, turns
from detailverse.modelling.shapes import cylinder, extrude, loft, slab, tube
from detailverse.modelling.solid import Solid, around, union
from detailverse.parts.elements import turned_bead, upright
from zeroverse.core.portable import TAU, cos_sin_array
from zeroverse.core.rng import Rng

ACROSS = np.array([-1.0, -0.6, -0.25, 0.0, 0.25, 0.6, 1.0])  # of a leaf
VEINED = np.array([0.35, 0.8, 0.65, 1.3, 0.65, 0.8, 0.35])  # its thickness there: ribs at the middle and half way out


def rect_plan(width: float, depth: float) -> np.ndarray:
    """Returns [4, 2] about the origin."""
    return np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (width / 2, depth / 2)


def ngon_plan(sides: int, inner: float) -> np.ndarray:
    """Returns [sides, 2] about the origin, `inner` from the middle to a side, a side towards -y."""
    half = TAU / (2 * sides)
    c, _ = cos_sin_array(np.array([half]))
    return polar(turns(sides) - TAU / 4 + half, inner / c[0])


def moulded(plan: np.ndarray, line: Turning, label: str, slot: str, peak: bool = False) -> Solid:
    """Returns a moulding around a plan [N, 2], filled.

    line: r is the distance out from the plan, mitred at corners. peak: it ends in a point above the middle.
    """
    points = np.concatenate([line.runs[0][:1], *(run[1:] for run in line.runs)])
    before, after = plan - np.roll(plan, 1, axis=0), np.roll(plan, -1, axis=0) - plan
    sides = (edge / np.sqrt((edge * edge).sum(axis=1, keepdims=True)) for edge in (before, after))
    normals = [np.stack([side[:, 1], -side[:, 0]], axis=1) for side in sides]
    mitre = (normals[0] + normals[1]) / (1 + (normals[0] * normals[1]).sum(axis=1, keepdims=True))
    rings = [np.column_stack([plan + r * mitre, np.full(len(plan), z)]) for r, z in points]
    if peak:
        top = rings[-1]
        rings[-1] = np.column_stack([top[:, :2] * 1e-3, top[:, 2]])
    return loft(np.stack(rings), label, slot)


def courses(*steps: tuple[float, float]) -> Turning:
    """Returns a moulding of straight pieces through the points (r, z)."""
    turning = turned(*steps[0])
    for r, z in steps[1:]:
        turning = turning.to(r, z)
    return turning


def cornice(height: float, reach: float) -> Turning:
    """Returns fillet, ovolo, corona and cyma: out by `reach` within `height`, from r = 0 at z = 0."""
    h, d = height, reach
    return (
        turned(0.0)
        .up(0.12 * h)
        .out(0.08 * d)
        .ovolo(0.22 * d, 0.2 * h)
        .out(0.3 * d)
        .up(0.22 * h)
        .out(0.05 * d)
        .ogee(0.3 * d, 0.3 * h, upright=True)
        .to(d, h)
    )


def arched(width: float, height: float, kind: str) -> Region:
    """Returns an opening on y = 0, centred in x: "flat", "round", "pointed", "segment" or "tudor"; `height` to its
    top.
    """
    half = width / 2
    below = polygon([(-half, 0), (half, 0), (half, max(0.02, height - half)), (-half, max(0.02, height - half))])
    if kind == "flat":
        return rect(width, height).move(0, height / 2)
    if kind == "round":
        return below | circle(half).move(0, height - half)
    if kind == "segment":
        return rect(width, height).move(0, height / 2) & circle(1.25 * width).move(0, height - 1.25 * width)
    spring = height - (0.866 * width if kind == "pointed" else 0.6 * width)
    reach, rise = (width, 0.0) if kind == "pointed" else (0.85 * width, -0.1 * width)
    lancet = circle(reach).move(reach - half, spring + rise) & circle(reach).move(half - reach, spring + rise)
    upper = rect(width, height).move(0, spring + height / 2)
    return rect(width, spring + 0.01).move(0, (spring + 0.01) / 2) | (lancet & upper)


def foliage(length: float, width: float, curl: float, lobes: int, label: str, slot: str) -> Solid:
    """Returns a leaf that grows up from the origin and bends over towards +x by `curl` radians; notched into `lobes` on
    each side.
    """
    count = max(13, 4 * lobes + 1)
    t = np.arange(count) / (count - 1)
    c, s = cos_sin_array(curl * t * t * t * t)
    step = length / (count - 1)
    x, z = np.cumsum(s) * step, np.cumsum(c) * step
    notch = 1 - 0.28 * np.abs(2 * (lobes * t - np.floor(lobes * t)) - 1) * (t > 0.1)
    half = width / 2 * np.interp(t, (0, 0.2, 0.5, 0.8, 1), (0.75, 0.85, 1.0, 0.75, 0.2)) * notch
    thick = max(0.012, 0.14 * width) * np.interp(t, (0, 0.8, 1), (1, 0.9, 0.6))
    cup = -0.5 * np.outer(half, ACROSS * ACROSS)
    front, back = np.outer(thick, VEINED) + cup, cup - 0.5 * thick[:, None]
    out = np.concatenate([front, back[:, ::-1]], axis=1)
    side = np.concatenate([np.outer(half, ACROSS), np.outer(half, ACROSS[::-1])], axis=1)
    return loft(np.stack([x[:, None] + c[:, None] * out, side, z[:, None] - s[:, None] * out], axis=-1), label, slot)


def volute(radius: float, depth: float, winding: float, label: str, slot: str) -> Solid:
    """Returns a spiral scroll with its axis along y, `depth` long and centred, its outer end at the top."""
    thick = radius / (2.8 * winding)  # neighbouring turns stay apart
    path = (
        spiral(0.16 * radius, radius - thick, winding)
        .turn("z", TAU / 4 - TAU * winding)
        .resample(n=round(14 * winding))
    )
    coil = tube(path, lambda s: thick * (0.55 + 0.45 * s), label, slot, sides=8)
    disc = cylinder(radius - 1.2 * thick, depth, label, slot).move(0, 0, -depth / 2)
    high = depth / 2 + 0.137 * thick  # no vertex of the coil in the plane of the disc
    faces = (coil.move(0, 0, high), coil.mirror("z").move(0, 0, -high))
    eyes = union(turned_bead(0.24 * radius, label, slot).move(0, 0, z) for z in (-depth / 2, depth / 2))
    return upright(union((disc, *faces, eyes)))


def broken(width: float, depth: float, height: float, rough: float, rng: Rng, label: str, slot: str) -> Solid:
    """Returns a block from z = 0 with a torn upper face about `height` up, uneven by `rough`: intersect with it to ruin
    something.
    """
    coarse = rng.unit((5, 5)) - 0.5
    fine = rng.unit((17, 17)) - 0.5
    k = np.arange(17) / 4.0
    rows = np.stack([np.interp(k, np.arange(5), column) for column in coarse.T], axis=1)
    smooth = np.stack([np.interp(k, np.arange(5), row) for row in rows])
    return slab(np.maximum(height + rough * (1.6 * smooth + 0.35 * fine), 0.02), width, depth, label, slot)


def window(opening: Region, bar: float, depth: float, columns: int, rows: int) -> Solid:
    """Returns frame, glazing bars and pane for an opening, standing: the frame's front at y = -depth, the pane behind.
    Labels "frame" and "pane".
    """
    left, low, right, high = opening.bounds
    frame = opening.offset(0.2 * bar) - opening.offset(-bar)
    inside = opening.offset(-0.9 * bar)
    upright_bars = [
        rect(0.5 * bar, high - low).move(left + (right - left) * k / columns, (low + high) / 2)
        for k in range(1, columns)
    ]
    level_bars = [rect(right - left, 0.5 * bar).move(0, low + (high - low) * k / rows) for k in range(1, rows)]
    solids = [
        extrude(frame, depth, "frame", "frame"),
        extrude(opening.offset(0.15 * bar), 0.35 * depth, "pane", "glass"),
    ]
    solids += [
        extrude(one & inside, 0.75 * depth, "frame", "frame")
        for one in upright_bars + level_bars
        if not (one & inside).is_empty
    ]
    return upright(union(solids))


def eaves(sides: int, outer: float, inner: float, rise: float, lift: float, ribs: int, label: str, slot: str) -> Solid:
    """Returns a hipped roof of rib tiles from z = 0 at its eaves to `rise`; its corners turn up by `lift`. outer,
    inner: from the middle to a side.
    """
    per_side = 4 * ribs
    s = np.arange(per_side) / per_side
    corners = ngon_plan(sides, 1.0)
    plan = (corners[:, None] + (np.roll(corners, -1, axis=0) - corners)[:, None] * s[:, None]).reshape(-1, 2)
    corner = np.tile((2 * s - 1) * (2 * s - 1), sides)
    rib = 0.35 * outer / ribs * np.tile((0.0, 0.8, 1.0, 0.8), ribs * sides)
    t = np.arange(13) / 12
    upturn = lift * np.outer((1 - t) * (1 - t), corner * corner)
    z = (rise * (0.4 * t + 0.6 * t * t))[:, None] + upturn
    flat = (outer + (inner - outer) * t)[:, None, None] * plan
    over = np.concatenate([flat, (z + np.outer(np.minimum(1.0, 6 * (1 - t)), rib))[..., None]], axis=2)
    under = np.concatenate([flat, ((0.12 * rise * t)[:, None] + upturn - 0.035 * outer - 0.012)[..., None]], axis=2)[
        ::-1
    ]
    return loft(np.concatenate([under, over]), label, slot)


def hips(
    sides: int, outer: float, inner: float, rise: float, lift: float, thick: float, label: str, slot: str
) -> Solid:
    """Returns the ridges over the corners of `eaves` with the same sizes."""
    half = TAU / (2 * sides)
    c, _ = cos_sin_array(np.array([half]))
    t = np.arange(10) / 9
    points = np.column_stack(
        [
            (outer + (inner - outer) * t) / c[0],
            0 * t,
            rise * (0.4 * t + 0.6 * t * t) + lift * (1 - t) * (1 - t) + 0.4 * thick,
        ]
    )
    ridge = tube(Path(points), lambda s: thick * (1.25 - 0.35 * s), label, slot, sides=10)
    return around(ridge.turn("z", half - TAU / 4), sides)


def corner(sides: int, inner: float) -> float:
    """Returns the distance from the middle to a corner of a regular polygon, of which `inner` is to a side."""
    c, _ = cos_sin_array(np.array([TAU / (2 * sides)]))
    return inner / float(c[0])


def side(sides: int, inner: float) -> float:
    """Returns the length of a side of it."""
    c, s = cos_sin_array(np.array([TAU / (2 * sides)]))
    return 2 * inner * float(s[0] / c[0])
