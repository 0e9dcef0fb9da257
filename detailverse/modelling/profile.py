"""Profile: the half section (r, z) of what is turned about the z axis. Lathes spin it; vessels hollow it.

    baluster = turned(0.30).up(0.10).fillet(0.02).out(-0.12).scotia(-0.04, 0.10, 0.05).bead(0.06)
    baluster = baluster.curve((0.2, 0.5), (0.1, 1.0)).close()
    pot = vessel(turned(0.4).curve((0.7, 0.5), (0.5, 1.0)).open(), wall=0.05, floor=0.08)

**Direction**: the material is on the left and the outside on the right when walking along the curve: up the outer side,
in over the top, down the inner wall of a vessel. A solid starts and ends on the axis r = 0; a ring (a torus) starts
where it ends.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from detailverse.modelling.path import fillet, polyline, spline
from detailverse.modelling.region import TOLERANCE, Region, chords, polar, polygon
from zeroverse.core.portable import TAU

CORNER = 0.94  # cosine of 20 degrees: a contour that bends more at a point has a corner there
SPECK = TOLERANCE / 10  # object units: offsets leave segments this short, whose directions mean nothing
FLUSH = 1 - 1e-6  # cosine between two directions that continue each other


@dataclass(frozen=True, eq=False)
class Profile:
    """A half section. runs: [n, 2] curves (r, z), smooth within, each starting where the last one ends; between them
    are corners. r >= 0.
    """

    runs: tuple[np.ndarray, ...]

    def __post_init__(self):
        runs = tuple(np.array(run, dtype=np.float64) for run in self.runs)
        if not runs or any(run.ndim != 2 or run.shape[1] != 2 or len(run) < 2 for run in runs):
            raise ValueError(f"Profile.runs: expected [n, 2] curves with n >= 2, got {[run.shape for run in runs]}")
        whole = np.concatenate(runs)
        if not np.isfinite(whole).all() or whole[:, 0].min() < 0:
            raise ValueError(f"Profile.runs: expected finite points with r >= 0, got the least r {whole[:, 0].min()}")
        for k, (one, other) in enumerate(zip(runs, runs[1:])):
            if (one[-1] != other[0]).any():
                raise ValueError(
                    f"Profile.runs: expected run {k + 1} to start where run {k} ends, {one[-1]}, got {other[0]}"
                )
        object.__setattr__(self, "runs", runs)
        if self.closed and _area(self.points) <= 0:
            raise ValueError(
                "Profile.runs: expected the material on the left of the curve (up the outside), got it on the right"
            )

    @property
    def points(self) -> np.ndarray:
        """Returns all of the curve, [N, 2], corners once. The last point repeats the first on a ring."""
        return np.concatenate([self.runs[0][:1], *(run[1:] for run in self.runs)])

    @property
    def closed(self) -> bool:
        """Returns whether it bounds a solid: from axis to axis, or back to its start."""
        start, end = self.runs[0][0], self.runs[-1][-1]
        return bool(start[0] == 0 and end[0] == 0) or self.ring

    @property
    def ring(self) -> bool:
        """Returns whether it ends where it starts."""
        return bool((self.runs[0][0] == self.runs[-1][-1]).all())

    @property
    def length(self) -> float:
        """Returns the length of the curve."""
        step = np.diff(self.points, axis=0)
        return float(np.sqrt((step * step).sum(axis=1)).sum())

    @property
    def max_radius(self) -> float:
        """Returns the greatest r."""
        return float(self.points[:, 0].max())

    @property
    def height(self) -> float:
        """Returns how far the highest point is above the lowest."""
        return float(np.ptp(self.points[:, 1]))

    def radius_at(self, z: float) -> float:
        """Returns the greatest r where it crosses height z; 0 where it does not."""
        here, there = self.points[:-1], self.points[1:]
        hit = (np.minimum(here[:, 1], there[:, 1]) <= z) & (z <= np.maximum(here[:, 1], there[:, 1]))
        rise = there[:, 1] - here[:, 1]
        t = np.divide(z - here[:, 1], rise, out=np.zeros_like(rise), where=rise != 0)
        r = np.where(rise == 0, np.maximum(here[:, 0], there[:, 0]), here[:, 0] + t * (there[:, 0] - here[:, 0]))
        return float(r[hit].max(initial=0.0))

    def move(self, z: float) -> "Profile":
        """Returns the profile moved up by z."""
        return self._mapped(lambda run: run + np.array([0.0, z]))

    def scale(self, r: float, z: float | None = None) -> "Profile":
        """Returns the profile with sizes times r and z > 0, by default the same. Raises ValueError for other
        factors.
        """
        if r <= 0 or (z is not None and z <= 0):
            raise ValueError(f"scale: expected positive factors, got {r} and {z}")
        return self._mapped(lambda run: run * np.array([r, r if z is None else z]))

    def resampled(self, spacing: float) -> "Profile":
        """Returns the profile with points evenly along every run, no further apart than `spacing`; the corners stay."""
        return self._mapped(lambda run: _even(run, spacing))

    def simplified(self, tolerance: float = TOLERANCE) -> "Profile":
        """Returns the profile without the points that lie within `tolerance` of the chord over them; the
        corners stay.
        """
        return self._mapped(lambda run: run[_kept(run, tolerance)])

    def region(self) -> Region:
        """Returns the half section, r along x; an open profile is closed level to the axis."""
        points = self.points
        ends = [] if self.closed else [(0.0, points[-1, 1]), (0.0, points[0, 1])]
        return polygon(np.concatenate([points, np.reshape(ends, (-1, 2))]))

    def offset(self, d: float) -> "Profile":
        """Returns the profile of the solid grown by `d` all around, or shrunk where d < 0: a cover, a core. Raises
        ValueError when nothing is left.
        """
        half = self.region()
        grown = (half | half.mirror("x")).offset(d).simplified(SPECK)
        if grown.is_empty:
            raise ValueError(f"offset: expected a profile more than {-2 * d} thick, got one that vanishes")
        _, low, width, high = grown.bounds
        return section(grown & _box(width, low, high))

    def _mapped(self, change: Callable) -> "Profile":
        """Returns the profile with every run changed."""
        return replace(self, runs=tuple(change(run) for run in self.runs))


def _even(run: np.ndarray, spacing: float) -> np.ndarray:
    """Returns the run with points evenly along it, its ends kept."""
    path = polyline(run)
    return np.concatenate([path.resample(spacing).points[:-1, :2], run[-1:]])


def _kept(run: np.ndarray, tolerance: float) -> np.ndarray:
    """Returns which points [n] of a run the algorithm of Douglas and Peucker (1973) keeps."""
    keep = np.zeros(len(run), dtype=bool)
    keep[[0, -1]] = True
    spans = [(0, len(run) - 1)]
    while spans:
        a, b = spans.pop()
        chord, to = run[b] - run[a], run[a + 1 : b] - run[a]
        square = max(float((chord * chord).sum()), 1e-300)
        t = np.clip((to * chord).sum(axis=1) / square, 0.0, 1.0)[:, None]
        gap = to - t * chord
        gap = (gap * gap).sum(axis=1)
        if len(gap) and gap.max() > tolerance * tolerance:
            middle = a + 1 + int(gap.argmax())
            keep[middle] = True
            spans += [(a, middle), (middle, b)]
    return keep


def section(region: Region) -> Profile:
    """Returns the outer contour of a region of the (r, z) half plane as a profile: from axis to axis where it touches r
    = 0, else a ring.

    Of several pieces the largest counts. Corners are where the contour bends by more than 20 degrees. Raises ValueError
    when the region is empty.
    """
    points = _walk(region)
    return Profile(_at_corners(points, ring=bool((points[0] == points[-1]).all())))


def _walk(region: Region) -> np.ndarray:
    """Returns the largest outer contour [N, 2], from axis to axis or around it, the first point repeated."""
    if region.is_empty:
        raise ValueError("section: expected a region with an area, got an empty one")
    loop = max((_area(c), k, c) for k, c in enumerate(region.contours()))[2]
    loop[np.abs(loop[:, 0]) < 1e-7, 0] = 0.0
    on_axis = loop[:, 0] == 0
    leaves = np.flatnonzero(on_axis & ~np.roll(on_axis, -1))
    if len(leaves) == 0:
        return np.concatenate([loop, loop[:1]])
    loop = np.roll(loop, -int(leaves[0]), axis=0)
    return loop[: int(np.flatnonzero(loop[1:, 0] == 0)[0]) + 2]


def _area(loop: np.ndarray) -> float:
    """Returns the signed area of a loop, positive where it runs counter-clockwise."""
    after = np.roll(loop, -1, axis=0)
    return float((loop[:, 0] * after[:, 1] - loop[:, 1] * after[:, 0]).sum()) / 2


def _at_corners(points: np.ndarray, ring: bool = False) -> tuple[np.ndarray, ...]:
    """Returns the runs of the curve [N, 2]. A ring, whose ends are equal, starts at a corner where it has one."""
    step = np.diff(points, axis=0)
    step = step / np.sqrt((step * step).sum(axis=1, keepdims=True))
    bent = (step * np.roll(step, 1, axis=0)).sum(axis=1) < CORNER  # at the start of each segment
    if ring and bent.any():
        first = int(np.flatnonzero(bent)[0])
        points, bent = np.concatenate([points[first:-1], points[: first + 1]]), np.roll(bent, -first)
    marks = [0, *np.flatnonzero(bent[1:]) + 1, len(points) - 1]
    return tuple(points[a : b + 1] for a, b in zip(marks, marks[1:]))


def vessel(outer: Profile, wall: float, floor: float, round_rim: bool = True) -> Profile:
    """Returns a pot with the outside `outer`, an open profile from its foot up to its rim: bottom, outside, rim, inside
    and floor as one profile.

    wall: thickness, across the wall; floor: above the lowest point. Raises ValueError when the inside has no room or
    does not reach the rim.
    """
    foot, rim = outer.runs[0][0], outer.runs[-1][-1]
    low, high = outer.points[:, 1].min() + floor, rim[1]
    if outer.closed or rim[0] <= wall or outer.points[:, 1].max() > high or low >= high:
        raise ValueError(
            f"vessel: expected an open profile up to a rim wider than {wall} and higher than {floor}, got one from "
            f"{foot} to {rim}"
        )
    half = outer.region() | _box(
        rim[0], high, high + 4 * wall
    )  # what is above the rim keeps the offset from closing it
    room = (half | half.mirror("x")).offset(-wall).simplified(SPECK) & _box(outer.max_radius, low, high)
    rooms = [piece for piece in room.pieces() if piece.area > 1e-6 and piece.bounds[3] > high - 1e-6]
    if not rooms:
        raise ValueError(f"vessel: expected room inside up to the rim, got none with a wall of {wall}")
    inside = _walk(rooms[0])[-2::-1]  # without the lid of the room
    inside[0, 1] = high
    bottom = [] if foot[0] == 0 else [np.array([(0.0, foot[1]), foot])]
    return Profile((*bottom, *outer.runs, _rim(rim, inside[0], round_rim), *_at_corners(inside)))


def _box(r: float, low: float, high: float) -> Region:
    """Returns the rectangle from the axis to r, between two heights."""
    return polygon([(0, low), (r, low), (r, high), (0, high)])


def _rim(outer: np.ndarray, inner: np.ndarray, round_rim: bool) -> np.ndarray:
    """Returns the curve [n, 2] from the outside over to the inside at the same height."""
    if not round_rim:
        return np.stack([outer, inner])
    radius = (outer[0] - inner[0]) / 2
    return np.concatenate([outer[None], inner + (radius, 0) + _quarters(radius, 2)[1:-1], inner[None]])


def _quarters(radius: float, count: int) -> np.ndarray:
    """Returns `count` quarters of a circle about the origin, [n, 2], counter-clockwise from +r."""
    n = count * chords(radius) // 4
    return polar(np.arange(n + 1) * (count * TAU / 4 / n), radius)


def spline_profile(points) -> Profile:
    """Returns one smooth run through points (r, z) [N, 2]."""
    curve = spline(points).points[:, :2]
    return Profile((np.maximum(curve, (0.0, -np.inf)),))


@dataclass(frozen=True, eq=False)
class Turning:
    """A profile on its way: each method adds a moulding to the end and gives the longer one. Steps may be negative.

    heading: [2] unit direction at the end, None at the start; mouldings that continue it belong to the same smooth run.
    corner: radius of the fillet that the next straight line starts with.
    """

    end: np.ndarray
    runs: tuple[np.ndarray, ...] = ()
    heading: np.ndarray | None = None
    corner: float = 0.0

    def to(self, r: float, z: float) -> "Turning":
        """Adds a straight line to (r, z)."""
        target = np.array([r, z], dtype=np.float64)
        way = target - self.end
        way = way / math.sqrt(max((way * way).sum(), 1e-300))
        if self.corner == 0 or self.heading is None:
            return self._add(np.stack([self.end, target]), way, way)
        return self._fillet_to(target, way)

    def up(self, h: float) -> "Turning":
        """Adds a straight line up by h."""
        return self.to(self.end[0], self.end[1] + h)

    def out(self, dr: float) -> "Turning":
        """Adds a straight line out by dr."""
        return self.to(self.end[0] + dr, self.end[1])

    def taper(self, r: float, h: float) -> "Turning":
        """Adds a cone up by h to radius r."""
        return self.to(r, self.end[1] + h)

    def fillet(self, radius: float) -> "Turning":
        """Rounds the corner between the straight line before and the one after."""
        return replace(self, corner=radius)

    def cove(self, dr: float, dz: float) -> "Turning":
        """Adds a hollow quarter of an ellipse."""
        return self._quarter(dr, dz, upright=dr * dz > 0)

    def ovolo(self, dr: float, dz: float) -> "Turning":
        """Adds a round quarter of an ellipse."""
        return self._quarter(dr, dz, upright=dr * dz < 0)

    def ogee(self, dr: float, dz: float, upright: bool = False) -> "Turning":
        """Adds an S of two quarters: level at both ends (cyma recta), or `upright` at both (cyma reversa, a bell)."""
        return self._quarter(dr / 2, dz / 2, upright)._quarter(dr / 2, dz / 2, not upright)

    def scotia(self, dr: float, dz: float, depth: float) -> "Turning":
        """Adds a hollow that comes out at (dr, dz), deeper by `depth` than the deeper of its ends: under the torus of a
        column.
        """
        first = min(0.0, dr) - depth if dz > 0 else max(0.0, dr) + depth
        share = abs(first) / (abs(first) + abs(dr - first))
        return self._quarter(first, share * dz, upright=False)._quarter(dr - first, (1 - share) * dz, upright=True)

    def torus(self, h: float, bulge: float) -> "Turning":
        """Adds half an ellipse that stands out by `bulge` on the outside, up by h."""
        outwards = bulge if h > 0 else -bulge
        return self._quarter(outwards, h / 2, upright=False)._quarter(-outwards, h / 2, upright=True)

    def bead(self, h: float) -> "Turning":
        """Adds a half round, up by h."""
        return self.torus(h, abs(h) / 2)

    def curve(self, *points) -> "Turning":
        """Adds a smooth curve through the points (r, z)."""
        run = np.maximum(spline([self.end, *points]).points[:, :2], (0.0, -np.inf))
        first, last = run[1] - run[0], run[-1] - run[-2]
        return self._add(run, first / math.sqrt((first * first).sum()), last / math.sqrt((last * last).sum()))

    def open(self) -> Profile:
        """Returns the curve as it is: the outside of a vessel, or a moulding."""
        return Profile(self.runs)

    def close(self) -> Profile:
        """Returns a solid: level to the axis at both ends."""
        start = self.runs[0][0]
        bottom = [] if start[0] == 0 else [np.array([(0.0, start[1]), start])]
        done = self if self.end[0] == 0 else self.to(0.0, self.end[1])
        return Profile((*bottom, *done.runs))

    def back(self) -> Profile:
        """Returns a ring: straight back to the start."""
        return Profile(self.to(*self.runs[0][0]).runs)

    def _quarter(self, dr: float, dz: float, upright: bool) -> "Turning":
        """Adds a quarter of an ellipse to (dr, dz) from here that sets out upright and arrives level, or the other way
        round.
        """
        n = max(3, chords(max(abs(dr), abs(dz))) // 4)
        arc = polar(np.arange(n + 1) * (TAU / 4 / n))
        share = np.stack([1 - arc[:, 0], arc[:, 1]] if upright else [arc[:, 1], 1 - arc[:, 0]], axis=1)
        share[0], share[-1] = 0.0, 1.0
        level, steep = np.array([math.copysign(1.0, dr), 0.0]), np.array([0.0, math.copysign(1.0, dz)])
        return self._add(self.end + share * (dr, dz), *((steep, level) if upright else (level, steep)))

    def _fillet_to(self, target: np.ndarray, way: np.ndarray) -> "Turning":
        """Adds a straight line to the target after a fillet at the corner here."""
        *runs, last = self.runs
        arc = fillet(last[-2], self.end, target, self.corner)
        run = np.concatenate([last[:-1], arc, target[None]])
        far = np.abs(np.diff(run, axis=0)).max(axis=1) > 1e-12
        return Turning(target, (*runs, run[np.concatenate([[True], far])]), way)

    def _add(self, run: np.ndarray, first: np.ndarray, last: np.ndarray) -> "Turning":
        """Adds a run, as part of the last one where it continues its direction. first, last: the unit directions at its
        ends.
        """
        if (run[0] == run[-1]).all():
            raise ValueError(f"turned: expected a moulding with a length, got one from {run[0]} to itself")
        if self.heading is not None and (self.heading * first).sum() > FLUSH:
            *runs, before = self.runs
            return Turning(run[-1], (*runs, np.concatenate([before, run[1:]])), last)
        return Turning(run[-1], (*self.runs, run), last)


def turned(r: float, z: float = 0.0) -> Turning:
    """Returns the start of a turned profile: `turned(0.3).up(0.1).bead(0.05).close()`."""
    return Turning(np.array([r, z], dtype=np.float64))
