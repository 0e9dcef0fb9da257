"""Shapes as signed distances, by set algebra: `(box(0.4) & sphere(0.5)) - cylinder(0.2, 2)`. Immutable values, negative
inside.

    handle = chain([(0.5, 0, -0.3), (0.9, 0, 0), (0.5, 0, 0.3)], [0.05, 0.07, 0.05])
    mug = union(cylinder(0.5, 1).shell(0.06) - half_space("z", 0.4).flip(), handle.paint(1), smooth=0.05)
    points, faces, leaf = polygonise(mug, 0.01)

Every value knows a box that holds it and the largest slope of its distance (`lipschitz`), so that bricks.py looks only
where a surface can be. Distances are exact for solids and lower bounds after set algebra. Fields (noise, cells) are
values too: they displace. The numbers of every node are in the order that detailverse/sdf/distances.py documents.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from detailverse.sdf import distances as op
from detailverse.sdf.tape import Tape, compile_tape
from zeroverse.core import affine
from zeroverse.core.affine import rotation
from zeroverse.core.portable import TAU, cos_sin

_MARGIN = 0.05  # how far around a warped value its warp is still looked up
_EVERYWHERE = (-math.inf, -math.inf, -math.inf, math.inf, math.inf, math.inf)


@dataclass(frozen=True, eq=False)
class Sdf:
    """A node of an expression. `bounds`: corners (low x, y, z, high x, y, z) of a box that holds the inside, infinite
    where nothing does.

    lipschitz: |f(p) - f(q)| <= lipschitz |p - q|. reach: largest |f|, finite for fields. stretch: how much a warp moves
        points apart.
    guard: the box beyond which a warp is not looked up.
    """

    op: int
    numbers: tuple[float, ...]
    children: tuple["Sdf", ...] = ()
    bounds: tuple[float, ...] = _EVERYWHERE
    lipschitz: float = 1.0
    reach: float = math.inf
    stretch: float = 1.0
    guard: tuple[float, ...] | None = None

    @cached_property
    def tape(self) -> Tape:
        """Returns the compiled program of this value, compiled when it is first asked for."""
        return compile_tape(self)

    def value(self, points) -> np.ndarray:
        """Returns the signed distance [N] at points [N, 3]."""
        return self.tape.run(_points(points))

    def leaf(self, points) -> np.ndarray:
        """Returns the painted number [N] of the part that each of the points [N, 3] is nearest to; 0 where nothing is
        painted.
        """
        return self.tape.leaves(_points(points))

    def gradient(self, points, step: float = 1e-5) -> np.ndarray:
        """Returns the gradient [N, 3] at points [N, 3], by central differences over `step`."""
        points = _points(points)
        offsets = np.repeat(np.eye(3) * step, 2, axis=0) * np.tile([[1.0], [-1.0]], (3, 1))  # [6, 3]
        values = self.value((points[:, None] + offsets).reshape(-1, 3)).reshape(-1, 3, 2)
        return (values[:, :, 0] - values[:, :, 1]) / (2 * step)

    def __or__(self, other: "Sdf") -> "Sdf":
        return union(self, other)

    def __and__(self, other: "Sdf") -> "Sdf":
        return smooth_intersection(self, other, 0.0)

    def __sub__(self, other: "Sdf") -> "Sdf":
        return smooth_difference(self, other, 0.0)

    def flip(self) -> "Sdf":
        """Returns the outside."""
        return self._node(op.LINEAR, (-1.0, 0.0), bounds=_EVERYWHERE)

    def offset(self, distance: float) -> "Sdf":
        """Returns the solid grown by `distance`, or shrunk where it is negative."""
        return self._node(op.LINEAR, (1.0, -float(distance)), grow=distance)

    def round(self, radius: float) -> "Sdf":
        """Returns the solid with convex edges rounded by `radius`. All of it grows by as much: start from a shape that
        is smaller by it.
        """
        return self.offset(radius)

    def shell(self, thickness: float) -> "Sdf":
        """Returns the hollow solid: a wall of `thickness` inside the surface."""
        return self._node(op.SHELL, (thickness / 2,))

    def paint(self, leaf: int) -> "Sdf":
        """Returns the solid as part number `leaf`, all of it. What is cut out of a part keeps its number."""
        return self._node(op.PAINT, (float(leaf),))

    def displace(self, field: "Sdf", amount: float) -> "Sdf":
        """Returns the solid pushed outwards by `amount` times the field: noise, cells, or any value of finite reach.
        Raises ValueError for a field without one.
        """
        if not math.isfinite(field.reach):
            raise ValueError("displace: expected a field of finite reach, as noise() and cells() are, got a solid")
        return Sdf(
            op.ADD,
            (-float(amount),),
            (self, field),
            _grown(self.bounds, abs(amount) * field.reach),
            self.lipschitz + abs(amount) * field.lipschitz,
            self.reach + abs(amount) * field.reach,
        )

    def move(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> "Sdf":
        """Returns the value moved by (x, y, z)."""
        return self.place(np.eye(3), (x, y, z))

    def turn(self, axis: str | Sequence[float], angle: float | None = None) -> "Sdf":
        """Returns the value turned by `angle` radians about "x", "y", "z" or a direction [3]; or, without an angle, by
        the quaternion wxyz [4].
        """
        return self.place(affine.rotation_matrix(axis) if angle is None else rotation(axis, angle))

    def mirror(self, axis: str) -> "Sdf":
        """Returns the mirror image across the plane through the origin with the normal `axis`."""
        return self.place(np.diag([-1.0 if name == axis else 1.0 for name in "xyz"]))

    def place(self, matrix: np.ndarray, offset=(0.0, 0.0, 0.0)) -> "Sdf":
        """Returns the value under p -> matrix @ p + offset. matrix: [3, 3], a rotation or reflection."""
        matrix = np.asarray(matrix, dtype=np.float64)
        child, inverse, shift = self, matrix.T, -affine.apply(matrix.T, np.asarray(offset, dtype=np.float64))
        if self.op == op.AFFINE and self.stretch == 1.0:  # copies of copies stay one step
            child, before = self.children[0], np.array(self.numbers).reshape(3, 4)
            inverse, shift = affine.product(before[:, :3], inverse), affine.apply(before[:, :3], shift, before[:, 3])
        numbers = tuple(np.column_stack([inverse, shift]).ravel().tolist())
        return Sdf(op.AFFINE, numbers, (child,), _turned(self.bounds, matrix, offset), self.lipschitz, self.reach)

    def scale(self, factor: float) -> "Sdf":
        """Returns the value scaled about the origin; distances grow with it."""
        numbers = (1 / factor, 0.0, 0.0, 0.0, 0.0, 1 / factor, 0.0, 0.0, 0.0, 0.0, 1 / factor, 0.0)
        return Sdf(
            op.AFFINE,
            numbers,
            (self,),
            tuple(factor * x for x in self.bounds),
            self.lipschitz,
            factor * self.reach,
            1 / factor,
        )

    def symmetric(self, axes: str) -> "Sdf":
        """Returns what lies on the positive side of each of the `axes`, as "x" or "xy", and its mirror images."""
        low, high = self.bounds[:3], self.bounds[3:]
        low = tuple(-high[i] if name in axes else low[i] for i, name in enumerate("xyz"))
        return self._node(op.FOLD, tuple(float(name in axes) for name in "xyz"), bounds=low + high)

    def elongate(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> "Sdf":
        """Returns the solid cut in the middle and pulled apart by x, y and z, with the gap filled by what the cut
        shows.
        """
        half = (x / 2, y / 2, z / 2)
        return self._node(
            op.ELONGATE,
            half,
            bounds=tuple(a - h for a, h in zip(self.bounds, half))
            + tuple(a + h for a, h in zip(self.bounds[3:], half)),
        )

    def twist(self, turns: float) -> "Sdf":
        """Returns the solid turned about z by `turns` full turns per length, by none at z = 0. Raises ValueError for
        one without bounds.
        """
        rate, radius = TAU * turns, self._radius("twist")
        bounds = (-radius, -radius, self.bounds[2], radius, radius, self.bounds[5])
        lever = abs(rate) * math.sqrt(2.0) * (radius + _MARGIN)  # in the corners of the guard
        return self._guarded(op.TWIST, (rate,), bounds, _shear(lever))

    def bend(self, angle: float) -> "Sdf":
        """Returns the solid bent so that the z axis becomes an arc of `angle` radians over the whole height, towards
        +x, tangent to z at the origin. Raises ValueError where it would meet itself.
        """
        self._finite("bend")
        low, high, inner = self.bounds[2], self.bounds[5], max(self.bounds[3], 0.0)
        radius = (high - low) / angle
        if not inner < 0.95 * radius or max(-low, high) > 0.5 * TAU * radius:
            most = min(0.95 * (high - low) / max(inner, 1e-9), 0.5 * TAU * (high - low) / max(-low, high))
            raise ValueError(f"bend: expected 0 < angle < {most:.3g}, so that it does not meet itself, got {angle:.3g}")
        return self._guarded(op.BEND, (radius, low, high), _bent(self.bounds, radius), radius / (radius - inner))

    def taper(self, bottom: float, top: float) -> "Sdf":
        """Returns the solid with x and y scaled by `bottom` at the lowest z, by `top` at the highest, evenly
        between.
        """
        radius, (low, high) = self._radius("taper"), (self.bounds[2], self.bounds[5])
        least, most = min(bottom, top), max(bottom, top)
        bounds = (
            *(min(x * most, x * least) for x in self.bounds[:2]),
            low,
            *(max(x * most, x * least) for x in self.bounds[3:5]),
            high,
        )
        lever = (radius * most + 1.5 * _MARGIN) * (most - least) / ((high - low) * least)
        return self._guarded(op.TAPER, (low, high, bottom, top), bounds, max(1.0, 1 / least) * _shear(lever))

    def wobble(self, amount: float, frequency: float, seed: int) -> "Sdf":
        """Returns the solid with every point looked up `amount` aside, by smooth noise: as hand-built, grown
        or worn.
        """
        stretch = 1 + abs(amount) * frequency * op.NOISE_SLOPE * math.sqrt(3.0)
        return self._node(
            op.WOBBLE, (frequency, amount, float(seed)), bounds=_grown(self.bounds, 1.5 * abs(amount)), stretch=stretch
        )

    def repeat(self, cell: Sequence[float], counts: Sequence[int]) -> "Sdf":
        """Returns counts [3] copies, cell [3] apart, about the origin."""
        return union(
            *(
                self.move(*(c * (i - (n - 1) / 2) for c, i, n in zip(cell, index, counts)))
                for index in np.ndindex(*counts)
            )
        )

    def around(self, count: int) -> "Sdf":
        """Returns `count` copies turned evenly about the z axis."""
        return union(*(self.turn("z", TAU * i / count) for i in range(count)))

    def _node(self, code, numbers, grow=0.0, bounds=None, stretch=1.0):
        """Returns a node above this one; a warp when it stretches."""
        bounds = _grown(self.bounds, grow) if bounds is None else bounds
        return Sdf(code, numbers, (self,), bounds, self.lipschitz * stretch, self.reach + abs(grow), stretch)

    def _guarded(self, code, numbers, bounds, stretch):
        """Returns a warp that is looked up only within `bounds` and a margin."""
        return Sdf(
            code,
            numbers,
            (self,),
            bounds,
            max(1.0, self.lipschitz * stretch),
            stretch=stretch,
            guard=_grown(bounds, _MARGIN),
        )

    def _radius(self, what):
        """Returns how far the bounds go from the z axis."""
        self._finite(what)
        low, high = self.bounds[:3], self.bounds[3:]
        return math.sqrt(max(low[0] ** 2, high[0] ** 2) + max(low[1] ** 2, high[1] ** 2))

    def _finite(self, what):
        """Raises ValueError when the bounds are infinite; what: the operation that needs them."""
        if not all(math.isfinite(x) for x in self.bounds):
            raise ValueError(
                f"{what}: expected a value that ends, got bounds {self.bounds}; intersect it with a box first"
            )


def union(*values: Sdf, smooth: float = 0.0) -> Sdf:
    """Returns all of the values joined; with `smooth`, edges between those that are nearer to each other than it are
    filled, in any order of the values. Raises ValueError for none.
    """
    if not values:
        raise ValueError("union: expected at least one value, got none")
    if smooth == 0.0:  # one flat union prunes better than a chain of pairs
        values = [
            part
            for value in values
            for part in (value.children if value.op == op.UNION and value.numbers[:3] == (0.0, 1.0, 0.0) else (value,))
        ]
    bounds = tuple(min(v.bounds[i] for v in values) for i in range(3)) + tuple(
        max(v.bounds[i] for v in values) for i in range(3, 6)
    )
    return _algebra(smooth, 1.0, 0.0, values, [1.0] * len(values), _grown(bounds, 0.5 * smooth))


def smooth_union(a: Sdf, b: Sdf, smooth: float) -> Sdf:
    """Returns both joined, the new edges filled over about `smooth`."""
    return union(a, b, smooth=smooth)


def smooth_difference(a: Sdf, b: Sdf, smooth: float) -> Sdf:
    """Returns a without b, the new edges rounded over about `smooth`. All of it keeps the leaf of a."""
    return _carved(a, b, 1.0, smooth, a.bounds)


def smooth_intersection(a: Sdf, b: Sdf, smooth: float) -> Sdf:
    """Returns what both share, the new edges rounded over about `smooth`. All of it keeps the leaf of a."""
    bounds = tuple(max(x, y) for x, y in zip(a.bounds[:3], b.bounds[:3])) + tuple(
        min(x, y) for x, y in zip(a.bounds[3:], b.bounds[3:])
    )
    return _carved(a, b, -1.0, smooth, bounds)


def _carved(a, b, sign, smooth, bounds):
    """Returns -(-a | sign b), which is a - b or a & b (De Morgan); what is carved several times stays one union."""
    if a.op == op.UNION and smooth == 0.0 and a.numbers[:3] == (0.0, -1.0, 1.0):
        return _algebra(0.0, -1.0, 1.0, (*a.children, b), [*a.numbers[3:], sign], bounds)
    return _algebra(smooth, -1.0, 1.0, (a, b), [-1.0, sign], bounds)


def _algebra(smooth, result_sign, host, values, signs, bounds):
    """Returns the node of op.UNION over `values` times `signs`: set algebra is this one operator. host: 1 where all
    keeps the leaf of the first.
    """
    return Sdf(
        op.UNION,
        (float(smooth), result_sign, host, *signs),
        tuple(values),
        bounds,
        max(v.lipschitz for v in values),
        max(v.reach for v in values),
    )


def sphere(radius: float) -> Sdf:
    """Returns a ball about the origin."""
    return Sdf(op.SPHERE, (radius,), bounds=_about(radius, radius, radius))


def ellipsoid(x: float, y: float, z: float) -> Sdf:
    """Returns an ellipsoid about the origin, by its three radii."""
    return Sdf(op.ELLIPSOID, (x, y, z), bounds=_about(x, y, z))


def box(x: float, y: float | None = None, z: float | None = None, round: float = 0.0) -> Sdf:
    """Returns a box about the origin by its side lengths, or a cube; edges rounded by `round` inwards."""
    half = (x / 2, (x if y is None else y) / 2, (x if z is None else z) / 2)
    return Sdf(op.BOX, (*(h - round for h in half), round), bounds=_about(*half))


def cylinder(radius: float, height: float, round: float = 0.0) -> Sdf:
    """Returns a cylinder about z, its middle at the origin; edges rounded by `round` inwards."""
    return (
        cone(radius - round, radius - round, height - 2 * round).offset(round)
        if round
        else cone(radius, radius, height)
    )


def cone(bottom: float, top: float, height: float) -> Sdf:
    """Returns a frustum about z, its middle at the origin, by the radii at both ends."""
    return Sdf(op.FRUSTUM, (bottom, top, height / 2), bounds=_about(max(bottom, top), max(bottom, top), height / 2))


def torus(ring: float, tube: float) -> Sdf:
    """Returns a torus around z, by the radius of the ring and of the tube."""
    return Sdf(op.TORUS, (ring, tube), bounds=_about(ring + tube, ring + tube, tube))


def round_cone(a: Sequence[float], b: Sequence[float], ra: float, rb: float) -> Sdf:
    """Returns the hull of two balls with the centres a, b [3] and the radii ra, rb."""
    a, b = tuple(float(x) for x in a), tuple(float(x) for x in b)
    if math.sqrt(sum((x - y) ** 2 for x, y in zip(a, b))) <= abs(ra - rb) * (1 + 1e-9):  # one holds the other
        return sphere(max(ra, rb)).move(*(a if ra >= rb else b))
    bounds = tuple(min(x - ra, y - rb) for x, y in zip(a, b)) + tuple(max(x + ra, y + rb) for x, y in zip(a, b))
    return Sdf(op.ROUND_CONE, (*a, *b, float(ra), float(rb)), bounds=bounds)


def capsule(a: Sequence[float], b: Sequence[float], radius: float) -> Sdf:
    """Returns what is within `radius` of the segment from a to b [3]."""
    return round_cone(a, b, radius, radius)


def chain(points: Sequence[Sequence[float]], radii: Sequence[float]) -> Sdf:
    """Returns a limb along points [N, 3] with a radius at each."""
    return skeleton(points, radii, [(i, i + 1) for i in range(len(points) - 1)])


def skeleton(
    points: Sequence[Sequence[float]], radii: Sequence[float], bones: Sequence[tuple[int, int]], smooth: float = 0.0
) -> Sdf:
    """Returns round cones between pairs of the points [N, 3]: branches, antlers, lattices."""
    return union(*(round_cone(points[i], points[j], radii[i], radii[j]) for i, j in bones), smooth=smooth)


def bezier(controls: Sequence[Sequence[float]], radii: Sequence[float], pieces: int = 16) -> Sdf:
    """Returns a limb along the curve of the control points [N, 3]; radii, of any number, are the control points of its
    thickness.
    """
    steps = [i / pieces for i in range(pieces + 1)]
    return chain([_curve(controls, t) for t in steps], [_curve([(r,) for r in radii], t)[0] for t in steps])


def prism(sides: int, radius: float, height: float) -> Sdf:
    """Returns a regular prism about z with one corner on +x."""
    corners = [cos_sin(TAU * i / sides) for i in range(sides)]
    return extrude([[(radius * c, radius * s) for c, s in corners]], height)


def wedge(x: float, y: float, z: float) -> Sdf:
    """Returns half of a box x, y, z: what lies below the plane that falls from its top edge at -x to its bottom edge at
    +x.
    """
    return extrude([[(-x / 2, -z / 2), (x / 2, -z / 2), (-x / 2, z / 2)]], y).turn("x", TAU / 4)


def half_space(axis: str | Sequence[float], offset: float = 0.0) -> Sdf:
    """Returns all that lies below the plane at `offset` along the axis "x", "y", "z" or a direction [3]."""
    normal = affine.unit(
        np.array([float(name == axis) for name in "xyz"] if isinstance(axis, str) else axis, dtype=np.float64)
    )
    bounds = (-math.inf,) * 3 + tuple(offset if n == 1.0 else math.inf for n in normal)
    return Sdf(op.PLANE, (*normal.tolist(), offset), bounds=bounds)


def extrude(rings: Sequence[Sequence[Sequence[float]]], height: float) -> Sdf:
    """Returns closed polygons [rings][N, 2], inside by the even-odd rule, extruded along z about z = 0."""
    edges = _edges(rings)
    (x, y), (u, w) = edges.reshape(-1, 2).min(axis=0), edges.reshape(-1, 2).max(axis=0)
    return Sdf(
        op.EXTRUSION, (height / 2, len(edges), *edges.ravel().tolist()), bounds=(x, y, -height / 2, u, w, height / 2)
    )


def revolve(ring: Sequence[Sequence[float]]) -> Sdf:
    """Returns one closed polygon [N, 2] of (radius >= 0, z) turned about z. Raises ValueError for a negative radius."""
    edges = _edges([ring])
    if edges[:, 0].min() < 0:
        raise ValueError(f"revolve: expected radii >= 0, got {edges[:, 0].min():.3g}")
    edges = edges[(edges[:, 0] > 0) | (edges[:, 2] > 0)]  # edges on the axis bound nothing
    radius, low, high = edges[:, 0].max(), edges[:, [1, 3]].min(), edges[:, [1, 3]].max()
    return Sdf(
        op.REVOLUTION, (len(edges), *edges.ravel().tolist()), bounds=(-radius, -radius, low, radius, radius, high)
    )


def gyroid(cell: float, thickness: float = 0.0) -> Sdf:
    """Returns the gyroid sheet of `thickness`, one period a cell, or without a thickness all that lies on one side of
    it. It fills space: intersect it.
    """
    return _tpms(0.0, cell, thickness)


def schwarz(cell: float, thickness: float = 0.0) -> Sdf:
    """Returns Schwarz' P surface, like `gyroid`."""
    return _tpms(1.0, cell, thickness)


def diamond(cell: float, thickness: float = 0.0) -> Sdf:
    """Returns Schwarz' D surface, like `gyroid`."""
    return _tpms(2.0, cell, thickness)


def _tpms(kind, cell, thickness):
    """Returns a triply periodic minimal surface: kind 0 gyroid, 1 Schwarz P, 2 diamond."""
    k = TAU / cell
    return Sdf(op.TPMS, (kind, k, thickness / 2), lipschitz=op.TPMS_SLOPE, reach=3.0 / k)


def superquadric(x: float, y: float, z: float, flat: float, tall: float) -> Sdf:
    """Returns a superquadric by its radii and the exponents >= 1 of the outline from above and from the side: 1 gives
    an octahedron, 2 an ellipsoid, 8 nearly a box. Raises ValueError for smaller exponents.
    """
    if min(flat, tall) < 1:
        raise ValueError(f"superquadric: expected exponents >= 1, got {flat}, {tall}")
    return Sdf(
        op.SUPERQUADRIC,
        (x, y, z, flat, tall, min(x, y, z)),
        bounds=_about(x, y, z),
        lipschitz=math.sqrt(3.0) if min(flat, tall) < 2 else 1.0,
    )


def sponge(size: float, steps: int) -> Sdf:
    """Returns the Menger sponge of side `size` after `steps` steps."""
    return Sdf(op.SPONGE, (size / 2, float(steps)), bounds=_about(size / 2, size / 2, size / 2))


def noise(frequency: float, seed: int, octaves: int = 1, gain: float = 0.5, creased: bool = False) -> Sdf:
    """Returns a field for `displace`: gradient noise, `frequency` features per unit, zero mean, about -0.8 .. 0.8;
    creased: 0 in valleys and up.
    """
    amplitudes, slope, amplitude, f = [], 0.0, 1.0, frequency
    for _ in range(octaves):
        amplitudes.append(amplitude)
        slope += amplitude * f * op.NOISE_SLOPE
        amplitude, f = amplitude * gain, f * 2.03  # as in distances.noise
    norm = 1.0 / math.sqrt(sum(a * a for a in amplitudes))
    return Sdf(
        op.NOISE,
        (frequency, float(octaves), gain, float(seed), float(creased), norm),
        lipschitz=slope * norm,
        reach=1.8 * sum(amplitudes) * norm,
    )


def cells(frequency: float, seed: int, jitter: float = 0.9, walls: bool = False) -> Sdf:
    """Returns a field for `displace`: 0 at scattered points, `frequency` of them per unit, and up to about 1 between;
    walls: 0 between them (Worley 1996, A Cellular Texture Basis Function).
    """
    return Sdf(
        op.CELLS, (frequency, float(seed), jitter, float(walls)), lipschitz=frequency * (2 if walls else 1), reach=1.7
    )


def _points(points) -> np.ndarray:
    """Returns points as contiguous float64 [N, 3]. Raises ValueError on another shape."""
    points = np.ascontiguousarray(points, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 3:
        raise ValueError(f"points: expected [N, 3], got {list(points.shape)}")
    return points


def _about(x, y, z):
    """Returns the bounds of a box about the origin, by its half sizes."""
    return (-x, -y, -z, x, y, z)


def _grown(bounds, distance):
    """Returns the bounds with `distance` more on every side."""
    return tuple(b - distance for b in bounds[:3]) + tuple(b + distance for b in bounds[3:])


def _shear(lever):
    """Returns the largest stretch of the shear [[1, lever], [0, 1]]: its greatest singular value."""
    return (lever + math.sqrt(lever * lever + 4)) / 2


def _turned(bounds, matrix, offset):
    """Returns the bounds of a turned box."""
    low, high = np.array(bounds[:3]), np.array(bounds[3:])
    if not np.isfinite(low).all() or not np.isfinite(high).all():
        return tuple(np.append(low + offset, high + offset).tolist()) if (matrix == np.eye(3)).all() else _EVERYWHERE
    centre, half = affine.apply(matrix, (low + high) / 2, offset), affine.apply(np.abs(matrix), (high - low) / 2)
    return tuple(np.append(centre - half, centre + half).tolist())


def _bent(bounds, radius):
    """Returns the bounds of a box whose z axis is bent to an arc about (radius, 0)."""
    first, last = bounds[2] / radius, bounds[5] / radius
    angles = [first, last, *(quarter * TAU / 4 for quarter in (-1, 0, 1) if first < quarter * TAU / 4 < last)]
    places = [
        (radius - reach * c, reach * s)
        for c, s in map(cos_sin, angles)
        for reach in (radius - bounds[0], radius - bounds[3])
    ]
    xs, zs = zip(*places)
    return (min(xs), bounds[1], min(zs), max(xs), bounds[4], max(zs))


def _edges(rings) -> np.ndarray:
    """Returns the edges [E, 4] (x, y, x, y) of all rings, without edges of no length."""
    rings = [np.asarray(ring, dtype=np.float64) for ring in rings]
    edges = np.concatenate([np.concatenate([ring, np.roll(ring, -1, axis=0)], axis=1) for ring in rings])
    return edges[(edges[:, :2] != edges[:, 2:]).any(axis=1)]


def _curve(controls, t) -> tuple[float, ...]:
    """Returns the point of a Bezier curve at t, by de Casteljau's algorithm."""
    while len(controls) > 1:
        controls = [tuple(a + t * (b - a) for a, b in zip(p, q)) for p, q in zip(controls, controls[1:])]
    return tuple(float(x) for x in controls[0])
