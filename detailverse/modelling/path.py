"""Path: a curve in space as points with frames. Tubes, ropes, rails and sweeps follow it.

    rope = knot(2, 3, 0.7, 0.25)
    strands = [rope.offset_strand(k, 3, radius=0.06, turns=40) for k in range(3)]

Lengths are in object units, angles in radians; curves become chords that leave them by at most `region.TOLERANCE`.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from detailverse.modelling.region import chords, polar, turns
from zeroverse.core import affine
from zeroverse.core.affine import rotation
from zeroverse.core.jit import kernel
from zeroverse.core.portable import TAU, atan2, cos_sin, cos_sin_array, power


@dataclass(frozen=True, eq=False)
class Path:
    """A curve in space. points: [N, 3], no two neighbours equal. closed: the last point is joined to the first, which
    is not repeated.
    """

    points: np.ndarray
    closed: bool = False

    def __post_init__(self):
        points = np.array(self.points, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 3 or len(points) < 2 + self.closed:
            raise ValueError(f"Path.points: expected [N, 3] with N >= {2 + self.closed}, got {points.shape}")
        step = np.roll(points, -1, axis=0) - points if self.closed else np.diff(points, axis=0)
        if not np.isfinite(points).all() or not (step != 0).any(axis=1).all():
            raise ValueError("Path.points: expected finite points, neighbours apart; got a repeated or infinite one")
        points.flags.writeable = False
        object.__setattr__(self, "points", points)

    def move(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> "Path":
        """Returns the path moved by (x, y, z)."""
        return replace(self, points=self.points + np.array([x, y, z]))

    def turn(self, axis, angle: float) -> "Path":
        """Returns the path turned by `angle` about the axis "x", "y", "z" or a direction [3] through the origin."""
        return replace(self, points=affine.apply(rotation(axis, angle), self.points))

    def scale(self, x: float, y: float | None = None, z: float | None = None) -> "Path":
        """Returns the path scaled by x in all directions, or by x, y and z."""
        return replace(self, points=self.points * np.array([x, x if y is None else y, x if z is None else z]))

    def mirror(self, axis: str) -> "Path":
        """Returns the mirror image across the plane through the origin with the normal `axis`."""
        return self.scale(*(-1.0 if name == axis else 1.0 for name in "xyz"))

    def reversed(self) -> "Path":
        """Returns the path from its end to its start."""
        return replace(self, points=self.points[::-1])

    def then(self, other: "Path") -> "Path":
        """Returns this path, then the other; a point that both share is kept once."""
        skip = int((self.points[-1] == other.points[0]).all())
        return Path(np.concatenate([self.points, other.points[skip:]]))

    @property
    def steps(self) -> np.ndarray:
        """Returns the length along the path at each point: [N], and the whole length after them where it is closed."""
        points = np.concatenate([self.points, self.points[:1]]) if self.closed else self.points
        step = np.diff(points, axis=0)
        return np.concatenate([[0.0], np.cumsum(np.sqrt((step * step).sum(axis=1)))])

    @property
    def length(self) -> float:
        """Returns the whole length."""
        return float(self.steps[-1])

    def at(self, s) -> np.ndarray:
        """Returns the points [M, 3] (or [3]) at lengths s [M] (or one) along the path; modulo its length where it is
        closed, else held at the ends.
        """
        marks = self.steps
        points = np.concatenate([self.points, self.points[:1]]) if self.closed else self.points
        s = np.asarray(s, dtype=np.float64)
        s = s - np.floor(s / marks[-1]) * marks[-1] if self.closed else np.clip(s, 0.0, marks[-1])
        k = np.clip(np.searchsorted(marks, s, side="right") - 1, 0, len(marks) - 2)
        t = ((s - marks[k]) / (marks[k + 1] - marks[k]))[..., None]
        return points[k] + t * (points[k + 1] - points[k])

    def resample(self, spacing: float | None = None, n: int | None = None) -> "Path":
        """Returns the path with `n` points, or as many as keep them no further apart than `spacing`, evenly along it.
        Corners between them are cut. Raises ValueError unless one of both is given.
        """
        if (spacing is None) == (n is None):
            raise ValueError(f"resample: expected one of spacing and n, got {spacing} and {n}")
        length = self.length
        if n is None:
            n = max(3 if self.closed else 2, math.ceil(length / spacing) + (not self.closed))
        return replace(self, points=self.at(np.arange(n) * (length / (n if self.closed else n - 1))))

    def tangents(self) -> np.ndarray:
        """Returns unit tangents [N, 3], along the bisector of the two segments at each point."""
        step = np.roll(self.points, -1, axis=0) - self.points
        step = affine.unit(step)
        before = np.roll(step, 1, axis=0)
        if not self.closed:
            step[-1], before[0] = step[-2], step[0]
        total = step + before
        return affine.unit(
            np.where((total * total).sum(axis=1, keepdims=True) > 1e-12, total, step)
        )  # a path that turns back has no bisector

    def frames(self, up=None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns (tangent, normal, binormal), [N, 3] each, unit. normal × binormal = tangent, so a section that runs
        counter-clockwise in (normal, binormal) is seen so by who meets the path head-on.

        Normals are carried along without twist (double reflection: Wang et al. 2008, Computation of Rotation Minimizing
        Frames), starting as near to +z as they can; on a closed path what is left of a turn is spread evenly. With `up`
        [3] they are the part of it across the path instead: mouldings, rails, ribbons.
        """
        tangent = self.tangents()
        if up is None:
            normal = _carried(self.points, tangent, _across(tangent[0]))
            if self.closed:
                normal = _closed_up(self.points, tangent, normal, self.steps)
        else:
            normal = _upright(tangent, np.asarray(up, dtype=np.float64), _across(tangent[0]))
        return tangent, normal, affine.cross(tangent, normal)

    def offset_strand(self, k: int, n_strands: int, radius: float, turns: float) -> "Path":
        """Returns strand `k` of a rope of `n_strands` that winds around this path at distance `radius`, `turns` times
        in all (whole on a closed path, else ValueError).
        """
        if self.closed and turns != int(turns):
            raise ValueError(f"offset_strand: expected a whole number of turns on a closed path, got {turns}")
        finer = math.ceil(chords(radius) * abs(turns) / len(self.points))
        core = spline(self.points, self.closed, finer) if finer > 1 else self
        _, normal, binormal = core.frames()
        marks = core.steps
        ring = polar(TAU * (k / n_strands + turns * marks[: len(core.points)] / marks[-1]), radius)
        return Path(core.points + ring[:, :1] * normal + ring[:, 1:] * binormal, self.closed)


def _across(tangent: np.ndarray) -> np.ndarray:
    """Returns the unit vector across `tangent` nearest to +z, or to +x where the tangent is steep."""
    axis = np.array([0.0, 0.0, 1.0]) if abs(tangent[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    return affine.unit(axis - (axis * tangent).sum() * tangent)


@kernel
def _carried(points, tangent, first):  # [N, 3], [N, 3], [3] -> [N, 3]
    """Returns the first normal carried along all points without twist."""
    normal = np.empty_like(points)
    normal[0] = first
    for i in range(len(points) - 1):
        normal[i + 1] = _step(points[i], points[i + 1], tangent[i], tangent[i + 1], normal[i])
    return normal


@kernel
def _step(here, there, tangent, next_tangent, normal):
    """Returns the normal at the next point: reflected in the plane between the two points, then in the one that takes
    the reflected tangent to the next one.
    """
    v = there - here
    square = (v * v).sum()
    r = normal - (2 * (v * normal).sum() / square) * v
    t = tangent - (2 * (v * tangent).sum() / square) * v
    w = next_tangent - t
    square = (w * w).sum()
    if square > 1e-24:
        r = r - (2 * (w * r).sum() / square) * w
    r = r - (r * next_tangent).sum() * next_tangent  # what rounding left along the path
    return r / math.sqrt((r * r).sum())


@kernel
def _closed_up(points, tangent, normal, marks):
    """Returns the normals turned, each by its share of the way around, so that the last meets the first."""
    last = _step(points[-1], points[0], tangent[-1], tangent[0], normal[-1])
    t, n = tangent[0], normal[0]
    side = np.array([t[1] * n[2] - t[2] * n[1], t[2] * n[0] - t[0] * n[2], t[0] * n[1] - t[1] * n[0]])
    missing = -atan2((last * side).sum(), (last * n).sum())
    out = np.empty_like(normal)
    for i in range(len(points)):
        c, s = cos_sin(missing * marks[i] / marks[-1])
        t, n = tangent[i], normal[i]
        side = np.array([t[1] * n[2] - t[2] * n[1], t[2] * n[0] - t[0] * n[2], t[0] * n[1] - t[1] * n[0]])
        out[i] = c * n + s * side
    return out


@kernel
def _upright(tangent, up, first):
    """Returns the part of `up` across each tangent; where the path runs along `up`, the part of the last normal."""
    normal = np.empty_like(tangent)
    last = first
    floor = 1e-6 * (up * up).sum()
    for i in range(len(tangent)):
        across = up - (up * tangent[i]).sum() * tangent[i]
        if (across * across).sum() <= floor:
            across = last - (last * tangent[i]).sum() * tangent[i]
        last = across / math.sqrt((across * across).sum())
        normal[i] = last
    return normal


def polyline(points, closed: bool = False) -> Path:
    """Returns the path through points [N, 3], or [N, 2] at z = 0."""
    points = np.asarray(points, dtype=np.float64)
    return Path(
        np.column_stack([points, np.zeros(len(points))]) if points.ndim == 2 and points.shape[1] == 2 else points,
        closed,
    )


def line(start, end) -> Path:
    """Returns the segment from `start` to `end` [3]."""
    return polyline([start, end])


def lift(contour, origin=(0.0, 0.0, 0.0), x=(1.0, 0.0, 0.0), y=(0.0, 1.0, 0.0), closed: bool = True) -> Path:
    """Returns a contour [N, 2] of a region, laid on the plane through `origin` along `x` and `y` [3]."""
    contour = np.asarray(contour, dtype=np.float64)
    return Path(np.asarray(origin) + contour[:, :1] * np.asarray(x) + contour[:, 1:] * np.asarray(y), closed)


def arc(radius: float, start: float, end: float) -> Path:
    """Returns an arc about the origin in the plane z = 0, from angle `start` to `end`."""
    n = max(2, math.ceil(chords(radius) * abs(end - start) / TAU) + 1)
    return polyline(polar(np.linspace(start, end, n), radius))


def circle(radius: float) -> Path:
    """Returns a circle about the origin in the plane z = 0."""
    return polyline(polar(turns(chords(radius)), radius), closed=True)


def helix(radius: float, pitch: float, turns: float, taper: float = 1.0) -> Path:
    """Returns a helix about +z from (radius, 0, 0) up by `pitch` each turn; the radius becomes `taper` times itself on
    the way, evenly.
    """
    t = np.linspace(0.0, 1.0, max(2, math.ceil(chords(radius * max(1.0, taper)) * turns) + 1))
    return Path(np.column_stack([polar(TAU * turns * t, radius * (1 + (taper - 1) * t)), pitch * turns * t]))


def knot(p: int, q: int, R: float, r: float) -> Path:
    """Returns the torus knot that goes `p` times around the axis +z and `q` times around the tube of radius r about the
    circle of radius R. Raises ValueError where p and q have a common divisor.
    """
    if math.gcd(p, q) != 1:
        raise ValueError(f"knot: expected p and q without a common divisor, got {p} and {q}: that is a link of several")
    t = np.arange(n := p * chords(R + r) + q * chords(r)) * (TAU / n)
    c, s = cos_sin_array(q * t)
    return Path(np.column_stack([polar(p * t, R + r * c), r * s]), closed=True)


def spiral(inner: float, outer: float, turns: float, logarithmic: bool = False, rise: float = 0.0) -> Path:
    """Returns a spiral from radius `inner` to `outer` in the plane, or up to z = rise: evenly (Archimedes), or by equal
    factors (a shell, a volute).
    """
    t = np.linspace(0.0, 1.0, max(2, math.ceil(chords(max(inner, outer)) * turns) + 1))
    radii = np.array([inner * power(outer / inner, x) for x in t]) if logarithmic else inner + (outer - inner) * t
    return Path(np.column_stack([polar(TAU * turns * t, radii), rise * t]))


def spline(points, closed: bool = False, per_span: int = 12) -> Path:
    """Returns a smooth curve through points [N, 3] or [N, 2]: centripetal Catmull-Rom, which neither loops nor
    overshoots; `per_span` chords between two.
    """
    points = polyline(points, closed).points
    if closed:
        ring = np.concatenate([points[-1:], points, points[:2]])
        return Path(_catmull_rom(ring, per_span)[:-1], True)
    return Path(
        _catmull_rom(np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]]), per_span)
    )


def _catmull_rom(points: np.ndarray, per_span: int) -> np.ndarray:
    """Returns the curve [(N - 3) per_span + 1, D] through points [N, D], of which one more stands at each end (Barry
    and Goldman 1988; knots by the root of the chord).
    """
    step = np.diff(points, axis=0)
    gap = np.sqrt(np.sqrt((step * step).sum(axis=1)))[:, None, None]
    p0, p1, p2, p3 = (points[k : len(points) - 3 + k, None] for k in range(4))
    g0, g1, g2 = (gap[k : len(gap) - 2 + k] for k in range(3))
    t = np.linspace(0.0, 1.0, per_span + 1)[None, :-1, None] * g1  # from p1
    a1 = p1 + (p1 - p0) * t / g0
    a2 = p1 + (p2 - p1) * t / g1
    a3 = p2 + (p3 - p2) * (t - g1) / g2
    b1 = a1 + (a2 - a1) * (t + g0) / (g0 + g1)
    b2 = a2 + (a3 - a2) * t / (g1 + g2)
    curve = (b1 + (b2 - b1) * t / g1).reshape(-1, points.shape[1])
    return np.concatenate([curve, points[-2:-1]])


def rounded(points, radius: float, closed: bool = False) -> Path:
    """Returns the polyline [N, 3] or [N, 2] with its corners filleted by arcs of `radius`, smaller where a segment is
    too short for it.
    """
    points = polyline(points, closed).points
    corners = range(len(points)) if closed else range(1, len(points) - 1)
    pieces = [fillet(points[k - 1], points[k], points[(k + 1) % len(points)], radius) for k in corners]
    pieces = pieces if closed else [points[:1], *pieces, points[-1:]]
    whole = np.concatenate(pieces)
    far = np.abs(whole - np.roll(whole, 1, axis=0)).max(axis=1) > 1e-12  # two fillets may share the middle of a segment
    far[0] |= not closed
    return Path(whole[far], closed)


def fillet(before, corner, after, radius: float) -> np.ndarray:
    """Returns the arc [N, D] of `radius` that replaces the corner of before-corner-after, from half of one segment to
    half of the other at most.
    """
    a, b = corner - before, after - corner
    short = math.sqrt(min((a * a).sum(), (b * b).sum())) / 2
    a, b = a / math.sqrt((a * a).sum()), b / math.sqrt((b * b).sum())
    cosine = float((a * b).sum())
    if cosine > 1 - 1e-12 or cosine < -1 + 1e-9:
        return corner[None]
    tangent = math.sqrt((1 - cosine) / (1 + cosine))  # of half the turn
    reach = min(radius * tangent, short)
    n = max(2, math.ceil(chords(reach / tangent) * atan2(tangent, 1.0) / math.pi))
    t = np.linspace(0.0, 1.0, n + 1)[:, None]
    weight = 2 * t * (1 - t) * math.sqrt((1 + cosine) / 2)  # a rational quadratic is the arc itself
    start, end = corner - reach * a, corner + reach * b
    return ((1 - t) * (1 - t) * start + weight * corner + t * t * end) / ((1 - t) * (1 - t) + weight + t * t)
