"""Region: a part of the plane, with holes, as a value with set algebra. Regions are extruded, carved, inlaid and
pierced.

    plate = rect(2, 1, round=0.1) - circle(0.2).row(3, 0.6).move(-0.6)
    wheel = gear(24, 1.0) - windows(0.3, 0.7, spokes=5, bar=0.1)

Lengths are in object units, angles in radians, counter-clockwise from +x. Curves become chords that leave them by at
most `TOLERANCE`. Clipper2, under manifold3d, rounds coordinates to 2^-27, so results repeat bit for bit; the sines that
go in are portable.
"""

import math
from dataclasses import dataclass

import numpy as np
from manifold3d import CrossSection, FillRule, JoinType, OpType

from zeroverse.core.jit import kernel
from zeroverse.core.portable import TAU, cos_sin, cos_sin_array, power

TOLERANCE = 5e-4  # of curves, object units: a circle as large as an object gets 100 chords
BLOCK = 8  # segments under one bounding box of `Region.distance`


@dataclass(frozen=True, eq=False)
class Region:
    """A set of points of the plane. `a | b` joins, `a - b` cuts, `a & b` is what both have."""

    cross_section: CrossSection

    def __or__(self, other: "Region") -> "Region":
        return Region(self.cross_section + other.cross_section)

    def __sub__(self, other: "Region") -> "Region":
        return Region(self.cross_section - other.cross_section)

    def __and__(self, other: "Region") -> "Region":
        return Region(self.cross_section ^ other.cross_section)

    def offset(self, d: float, round: bool = True) -> "Region":
        """Returns the region grown by `d`, or shrunk where d < 0; corners that open become arcs, or stay sharp up to
        twice d where not `round`.
        """
        join = JoinType.Round if round else JoinType.Miter
        return Region(self.cross_section.offset(d, join, 2.0, chords(abs(d))))

    def rounded(self, radius: float) -> "Region":
        """Returns the region with outer and inner corners filleted; what is narrower than twice the radius vanishes."""
        return self.offset(-radius).offset(2 * radius).offset(-radius)

    def move(self, x: float = 0.0, y: float = 0.0) -> "Region":
        """Returns the region moved by (x, y)."""
        return Region(self.cross_section.translate((x, y)))

    def turn(self, angle: float) -> "Region":
        """Returns the region turned about the origin."""
        c, s = cos_sin(float(angle))
        return self._mapped(c, -s, s, c)

    def scale(self, sx: float, sy: float | None = None) -> "Region":
        """Returns the region with sizes times `sx` and `sy`, by default the same. Negative factors mirror."""
        return self._mapped(sx, 0.0, 0.0, sx if sy is None else sy)

    def mirror(self, axis: str) -> "Region":
        """Returns the mirror image: coordinate `axis`, "x" or "y", negated."""
        return self.scale(*(-1.0 if name == axis else 1.0 for name in "xy"))

    def around(self, n: int) -> "Region":
        """Returns `n` copies about the origin, united."""
        return union(self.turn(TAU * k / n) for k in range(n))

    def row(self, n: int, dx: float, dy: float = 0.0) -> "Region":
        """Returns `n` copies, each moved by (dx, dy) from the one before."""
        return union(self.move(k * dx, k * dy) for k in range(n))

    def simplified(self, tolerance: float = TOLERANCE) -> "Region":
        """Returns the region without the vertices that lie within `tolerance` of the line through their neighbours."""
        return Region(self.cross_section.simplify(tolerance))

    def contours(self) -> list[np.ndarray]:
        """Returns the outlines, [N, 2] each, closed without repeating the first point: outer ones counter-clockwise,
        holes clockwise.
        """
        return [np.array(contour, dtype=np.float64) for contour in self.cross_section.to_polygons()]

    def pieces(self) -> "list[Region]":
        """Returns the connected parts, each with its holes."""
        return [Region(piece) for piece in self.cross_section.decompose()]

    @property
    def area(self) -> float:
        """Returns the area, holes not counted."""
        return self.cross_section.area()

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Returns (min x, min y, max x, max y)."""
        return tuple(self.cross_section.bounds())

    @property
    def is_empty(self) -> bool:
        """Returns whether the region has no point."""
        return self.cross_section.is_empty()

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Returns the distance [N] of points [N, 2] to the outline, negative inside; inf where the region is empty."""
        contours = self.contours()
        points = np.ascontiguousarray(points, dtype=np.float64)
        if not contours:
            return np.full(len(points), np.inf)
        segments = np.concatenate([np.concatenate([c, np.roll(c, -1, axis=0)], axis=1) for c in contours])
        first = np.arange(0, len(segments), BLOCK)
        low = np.minimum.reduceat(np.minimum(segments[:, :2], segments[:, 2:]), first)
        high = np.maximum.reduceat(np.maximum(segments[:, :2], segments[:, 2:]), first)
        return _distance(points, segments, low, high)

    def _mapped(self, xx: float, xy: float, yx: float, yy: float) -> "Region":
        """Returns the region under the matrix [[xx, xy], [yx, yy]]."""
        return Region(self.cross_section.transform(np.array([[xx, xy, 0.0], [yx, yy, 0.0]])))


@kernel
def _distance(points, segments, low, high):  # [N, 2], [S, 4] from and to, boxes [B, 2] of BLOCK segments each -> [N]
    """Returns signed distances to the segments: blocks whose box is farther than the best so far are skipped, and
    crossings of a ray along +x tell inside from outside.
    """
    out = np.empty(len(points))
    # the block nearest to the last point: tried first, since neighbours in the list are mostly neighbours in the plane
    near = 0
    for n in range(len(points)):
        x, y = points[n, 0], points[n, 1]
        best = _block_distance(x, y, segments, near)
        inside = False
        for b in range(len(low)):
            if low[b, 1] <= y < high[b, 1] and x < high[b, 0]:
                inside ^= _block_crossings(x, y, segments, b)
            dx = max(low[b, 0] - x, 0.0, x - high[b, 0])
            dy = max(low[b, 1] - y, 0.0, y - high[b, 1])
            if dx * dx + dy * dy < best:
                square = _block_distance(x, y, segments, b)
                if square < best:
                    best, near = square, b
        out[n] = -math.sqrt(best) if inside else math.sqrt(best)
    return out


@kernel
def _block_distance(x, y, segments, block):
    """Returns the square of the distance to the nearest of the block's segments."""
    best = np.inf
    for k in range(block * BLOCK, min((block + 1) * BLOCK, len(segments))):
        px, py = x - segments[k, 0], y - segments[k, 1]
        ex, ey = segments[k, 2] - segments[k, 0], segments[k, 3] - segments[k, 1]
        square = ex * ex + ey * ey
        t = min(max((px * ex + py * ey) / square, 0.0), 1.0) if square > 0.0 else 0.0
        px, py = px - t * ex, py - t * ey
        best = min(best, px * px + py * py)
    return best


@kernel
def _block_crossings(x, y, segments, block):
    """Returns whether a ray from (x, y) along +x crosses an odd number of the block's segments."""
    odd = False
    for k in range(block * BLOCK, min((block + 1) * BLOCK, len(segments))):
        x0, y0, x1, y1 = segments[k, 0], segments[k, 1], segments[k, 2], segments[k, 3]
        if (y0 <= y) != (y1 <= y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
            odd = not odd
    return odd


def union(regions) -> Region:
    """Returns all of the regions joined."""
    return Region(CrossSection.batch_boolean([region.cross_section for region in regions], OpType.Add))


def polygon(*loops) -> Region:
    """Returns what closed loops [N, 2] go around counter-clockwise more often than clockwise, so that clockwise ones
    are holes.
    """
    return Region(CrossSection([np.asarray(loop, dtype=np.float64) for loop in loops], FillRule.Positive))


def chords(radius: float, tolerance: float = TOLERANCE) -> int:
    """Returns how many chords of a circle leave it by at most `tolerance`: a multiple of 4, at least 12, so that bounds
    are exact.
    """
    return max(12, 4 * math.ceil(math.pi / 4 * math.sqrt(radius / (2 * tolerance))))


def polar(angles: np.ndarray, radii=1.0) -> np.ndarray:
    """Returns points [N, 2] at `angles` [N] and `radii`."""
    c, s = cos_sin_array(np.asarray(angles, dtype=np.float64))
    return np.stack([radii * c, radii * s], axis=1)


def turns(n: int) -> np.ndarray:
    """Returns n angles evenly around a circle, from 0."""
    return np.arange(n) * (TAU / n)


def rect(w: float, h: float, round: float = 0.0) -> Region:
    """Returns a centred rectangle, w along x; corners of radius `round`."""
    sharp = Region(CrossSection.square((w, h), True))
    return sharp if round == 0 else Region(CrossSection.square((w - 2 * round, h - 2 * round), True)).offset(round)


def circle(r: float, n: int | None = None) -> Region:
    """Returns a disc about the origin, of `n` chords or as many as `chords` says."""
    return ngon(chords(r) if n is None else n, r)


def ellipse(rx: float, ry: float) -> Region:
    """Returns an ellipse about the origin, by its radii."""
    return circle(1.0, chords(max(rx, ry))).scale(rx, ry)


def superellipse(rx: float, ry: float, exponent: float) -> Region:
    """Returns |x/rx|^exponent + |y/ry|^exponent < 1: a diamond at 1, an ellipse at 2, nearly a rectangle from 6."""
    return polygon(_superellipse(4 * chords(max(rx, ry)) // 3 * 3, rx, ry, exponent))


@kernel
def _superellipse(n, rx, ry, exponent):
    """Returns n points [n, 2] of a superellipse, counter-clockwise from +x."""
    out = np.empty((n, 2))
    for k in range(n):
        c, s = cos_sin(TAU * k / n)
        out[k, 0] = rx * power(abs(c), 2 / exponent) * (1 if c > 0 else -1)
        out[k, 1] = ry * power(abs(s), 2 / exponent) * (1 if s > 0 else -1)
    return out


def ngon(n: int, r: float) -> Region:
    """Returns a regular polygon, corners on the circle of radius r, one of them on +x."""
    return polygon(polar(turns(n), r))


def star(n: int, r: float, inner: float) -> Region:
    """Returns a star with `n` points at radius r, the first on +x, and notches at radius `inner`."""
    return polygon(polar(turns(2 * n), np.tile([r, inner], n)))


def ring(r: float, inner: float) -> Region:
    """Returns what lies between the radii `inner` and r."""
    return circle(r) - circle(inner)


def slot(length: float, width: float) -> Region:
    """Returns a line along x, `length` between the centres of its round ends, thick `width`."""
    return stroke([(-length / 2, 0), (length / 2, 0)], width, round=True)


def sector(r: float, start: float, end: float, inner: float = 0.0) -> Region:
    """Returns a sector from angle `start` counter-clockwise to `end`, between the radii."""
    angles = np.linspace(start, end, max(2, math.ceil(chords(r) * abs(end - start) / TAU) + 1))
    back = polar(angles[::-1], inner) if inner > 0 else np.zeros((1, 2))
    return polygon(np.concatenate([polar(angles, r), back]))


def stroke(points, width: float, closed: bool = False, round: bool = False) -> Region:
    """Returns a line [N, 2] that is `width` thick. Ends are cut square at the points, corners mitred up to turns of
    2.7; or all are `round`.
    """
    points = np.asarray(points, dtype=np.float64)
    step = np.roll(points, -1, axis=0) - points  # of the last point: back to the first
    step /= np.sqrt((step * step).sum(axis=1, keepdims=True))
    side = np.stack([-step[:, 1], step[:, 0]], axis=1)  # [N, 2] unit, to the left of each segment
    before = np.roll(side, 1, axis=0)
    if not closed:
        before[0], side[-1] = side[0], side[-2]
    cosine = (before * side).sum(axis=1, keepdims=True)
    mitre = (before + side) / np.maximum(1 + cosine, 0.1)
    sharp = cosine[:, 0] < (0.9 if round else -0.9)
    left, right = (_edge(points, sign * width / 2, mitre, before, side, sharp) for sign in (1, -1))
    loops = [right, left[::-1]] if closed else [np.concatenate([right, left[::-1]])]
    if round:
        bend = sharp.copy()
        bend[[0, -1]] |= not closed
        disc = polar(turns(chords(width / 2)), width / 2)
        loops += [point + disc for point in points[bend]]
    return polygon(*loops)


def _edge(points, distance, mitre, before, side, sharp):
    """Returns one side of a stroke: one point where it bends, two where it turns back."""
    pairs = np.stack([points + distance * np.where(sharp[:, None], one, mitre) for one in (before, side)], axis=1)
    keep = np.stack([np.ones(len(points), dtype=bool), sharp], axis=1)
    return pairs[keep]


def rosette(n: int, r: float, depth: float) -> Region:
    """Returns `n` round petals out to radius r, cusps between them at r - depth."""
    angles = turns(n * max(8, 4 * math.ceil(chords(r) / n / 4)))
    return polygon(polar(angles, r - depth * (1 - np.abs(cos_sin_array(angles * (n / 2))[0]))))


def windows(inner: float, outer: float, spokes: int, bar: float) -> Region:
    """Returns what is open between `spokes` bars of width `bar` from radius `inner` to `outer`: subtract it from a
    wheel.
    """
    bars = rect(outer, bar).move(outer / 2, 0).around(spokes)
    return (ring(outer, inner) - bars).rounded(0.2 * min(bar, outer - inner))


def gear(
    teeth: int,
    pitch_radius: float,
    addendum: float | None = None,
    dedendum: float | None = None,
    pressure: float = 0.349,
    involute: bool = True,
    bore: float = 0.0,
    spokes: int = 0,
) -> Region:
    """Returns a spur gear with a tooth on +x; it meshes with any gear of the same module 2 pitch_radius / teeth at the
    sum of their pitch radii.

    addendum, dedendum: tooth height above and below the pitch circle, by default 1 and 1.25 modules. pressure: angle of
    the flanks, which are involutes or straight. bore: radius of the hole. spokes: the web is opened between that many.
    Raises ValueError for sizes that do not fit into one another.
    """
    module = 2 * pitch_radius / teeth
    tip = pitch_radius + (module if addendum is None else addendum)
    root = pitch_radius - (1.25 * module if dedendum is None else dedendum)
    if teeth < 3 or not 0 <= bore < root < tip:
        raise ValueError(
            f"gear: expected 3 or more teeth and 0 <= bore < root < tip, got {teeth} teeth, {bore}, {root}, {tip}"
        )
    flank = (_involute if involute else _straight)(teeth, pitch_radius, root, tip, pressure)
    flank = flank[flank[:, 1] < 0]  # flanks that would cross make a pointed tooth
    tooth = np.concatenate([flank, flank[::-1] * (1, -1)])
    c, s = cos_sin_array(turns(teeth))
    x, y = tooth[:, 0], tooth[:, 1]
    outline = np.stack([np.outer(c, x) - np.outer(s, y), np.outer(s, x) + np.outer(c, y)], axis=2)
    wheel = polygon(outline.reshape(-1, 2))
    if spokes:
        hub, rim = max(1.6 * bore, 0.25 * root), root - 1.5 * module
        wheel -= windows(hub, max(rim, 1.3 * hub), spokes, 0.35 * hub + 0.5 * module)
    return wheel - circle(bore) if bore > 0 else wheel


def _involute(teeth, pitch_radius, root, tip, pressure):
    """Returns the flank [N, 2] of the tooth on +x that faces -y, from the root outwards: an involute of the base
    circle.
    """
    c, s = cos_sin(float(pressure))
    base = pitch_radius * c
    start = -math.pi / (2 * teeth) - (s / c - pressure)  # polar angle where the involute leaves the base circle
    low, high = (math.sqrt(max((radius / base) * (radius / base) - 1, 0.0)) for radius in (root, tip))
    t = np.linspace(low, high, 7)
    c, s = cos_sin_array(start + t)
    curve = base * np.stack([c + t * s, s - t * c], axis=1)
    if root >= base:
        return curve
    gap = math.pi / teeth + start  # half of it; the foot of the tooth spreads into it
    foot = polar(start - gap * np.array([0.5, 0.22, 0.06]), root + (tip - root) * np.array([0.0, 0.05, 0.16]))
    return np.concatenate([foot, curve[np.searchsorted(curve[:, 0], foot[-1, 0] + 0.02 * (tip - root)) :]])


def _straight(teeth, pitch_radius, root, tip, pressure):
    """Returns the same flank as one straight segment [2, 2]."""
    c, s = cos_sin(float(pressure))
    half = pitch_radius * cos_sin(math.pi / (2 * teeth))[1]
    limit = 0.95 * root * cos_sin(math.pi / teeth)[1]  # at the root, neighbours must not meet
    return np.array(
        [(root, -min(half + (pitch_radius - root) * s / c, limit)), (tip, -half + (tip - pitch_radius) * s / c)]
    )
