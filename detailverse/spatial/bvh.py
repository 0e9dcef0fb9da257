"""Signed and unsigned distances to triangle meshes, and what lies along rays: a bounding-volume hierarchy that gives
exact answers.

Queries run in an order in which neighbours follow each other, and start from the triangle that the one before found, or
from a hint: a point that was sampled beside a triangle starts there. The sign is that of the angle-weighted
pseudonormal at the closest point (Baerentzen and Aanaes 2005, Signed Distance Computation Using the Angle Weighted
Pseudonormal), which is exact on closed meshes. Measured rates are in docs/papers.md, Geometry.
"""

import math

import numpy as np

from detailverse.spatial import bvh_build
from detailverse.spatial.edges import angle_between, twins
from zeroverse.core.affine import face_normals
from zeroverse.core.jit import kernel, spliced

SLIVER = 1e-12  # height over length below which a triangle counts as a line: its normal is noise
GRID = 64  # cells along each axis of the order of queries without hints
RAY_EDGE = 1e-12  # barycentric: a ray through an edge hits both triangles, never neither


class Bvh:
    """The triangles of a mesh, ready for queries. points: [N, 3] float64, every position once where signs matter;
    faces: [F, 3].

    `closed`: whether signs exist. normals: [F, 3] unit, 0 where a triangle has no area; such triangles are left out of
    all queries. Raises ValueError when no triangle is left or points are not finite.
    """

    def __init__(self, points: np.ndarray, faces: np.ndarray):
        self.points = vectors("points", points)
        self.faces = np.ascontiguousarray(faces, dtype=np.int64)
        if not np.isfinite(self.points).all():
            raise ValueError("points: expected finite coordinates, got nan or inf")
        self.normals, solid = _unit_normals(self.points, self.faces, face_normals(self.points, self.faces))
        self.order = np.flatnonzero(solid)  # [T] the face at each place of the tree
        if not len(self.order):
            raise ValueError(f"faces: expected triangles with an area, got none among {len(self.faces)}")
        self.nodes = bvh_build.build(self.points, self.faces, self.order)
        self.corners = self.points[self.faces[self.order]].reshape(-1, 9)
        self.place = np.full(len(self.faces), -1, dtype=np.int64)  # [F] the other way round; -1 for faces left out
        self.place[self.order] = np.arange(len(self.order))
        self._twins, self.closed = twins(self.faces)
        self._signs = None

    def closest(
        self, queries: np.ndarray, hints: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns for each query its distance [Q] >= 0 to the mesh, the face [Q] that is nearest, and the closest point
        [Q, 3] on it. The mesh need not be closed.

        hints: [Q] a face near each query, or -1; they only save time.
        """
        distance, place, point, _ = self._search(vectors("queries", queries), hints)
        return distance, self.order[place], point

    def sdf(self, queries: np.ndarray, hints: np.ndarray | None = None) -> np.ndarray:
        """Returns the signed distance [Q] of each query, negative inside; hints as in `closest`. Raises ValueError when
        the mesh is not closed.
        """
        if not self.closed:
            raise ValueError(
                "sdf: expected a closed mesh, in which every directed edge occurs once and has its opposite; "
                "`closest` takes any"
            )
        if self._signs is None:
            self._signs = _pseudonormals(self.points, self.faces, self.normals, self.place, self._twins.reshape(-1))
        queries = vectors("queries", queries)
        distance, place, point, feature = self._search(queries, hints)
        _sign(distance, queries, self.order, place, point, feature, self.faces, *self._signs)
        return distance

    def rays(self, origins: np.ndarray, directions: np.ndarray, start: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Returns how far each ray runs until it hits a face [R], inf where it hits none, and which face that is [R],
        -1 for none. directions: [R, 3] unit. Hits nearer than `start` do not count.
        """
        distance, place = _rays(
            vectors("origins", origins), vectors("directions", directions), float(start), *self.nodes, self.corners
        )
        return distance, np.where(place >= 0, self.order[place], -1)

    def _search(self, queries, hints):
        """Returns what `_closest` finds, for the queries in an order that keeps its caches warm."""
        if hints is None:
            start, order = np.full(len(queries), -1, dtype=np.int64), _counting_order(_cells(queries), GRID**3)
        else:
            hints = np.asarray(hints, dtype=np.int64)
            start = np.where(hints >= 0, self.place[hints], -1)
            order = _counting_order(start + 1, len(self.order) + 1)
        return _closest(queries, order, start, *self.nodes, self.corners)


def vectors(name: str, array) -> np.ndarray:
    """Returns `array` as contiguous float64 [N, 3]. Raises ValueError on another shape."""
    array = np.ascontiguousarray(array, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 3:
        raise ValueError(f"{name}: expected [N, 3], got {list(array.shape)}")
    return array


def _cells(queries: np.ndarray) -> np.ndarray:
    """Returns the Morton code [Q] of each query's cell on a grid over all of them: sorted by it, neighbours in the list
    are neighbours in space.
    """
    if not len(queries):
        return np.empty(0, dtype=np.int64)
    low = queries.min(axis=0)
    side = float((queries.max(axis=0) - low).max())
    return _morton(queries, low, (GRID - 0.001) / max(side, 1e-300))


@kernel
def _morton(queries, low, scale):
    """Returns for each query [Q] its cell's three 6-bit coordinates with their bits interleaved."""
    keys = np.empty(len(queries), np.int64)
    for n in range(len(queries)):
        code = 0
        for axis in range(3):
            cell = int((queries[n, axis] - low[axis]) * scale)
            for bit in range(6):
                code |= ((cell >> bit) & 1) << (3 * bit + axis)
        keys[n] = code
    return keys


@kernel
def _counting_order(keys, bins):
    """Returns the stable order [Q] of keys in 0 … bins - 1 (a counting sort)."""
    starts = np.zeros(bins + 1, np.int64)
    for n in range(len(keys)):
        starts[keys[n] + 1] += 1
    for b in range(bins):
        starts[b + 1] += starts[b]
    order = np.empty(len(keys), np.int64)
    for n in range(len(keys)):
        order[starts[keys[n]]] = n
        starts[keys[n]] += 1
    return order


@kernel
def _unit_normals(points, faces, normals):
    """Returns unit normals [F, 3], 0 for slivers, and whether each face is none [F], from normals as long as twice the
    area.
    """
    out, solid = np.zeros_like(normals), np.zeros(len(faces), np.bool_)
    for f in range(len(faces)):
        side = _longest(points, faces, f)
        longest = _square(points, faces[f, side], faces[f, (side + 1) % 3])
        x, y, z = normals[f, 0], normals[f, 1], normals[f, 2]
        length = math.sqrt(x * x + y * y + z * z)
        if length > SLIVER * longest:
            solid[f] = True
            out[f, 0], out[f, 1], out[f, 2] = x / length, y / length, z / length
    return out, solid


@kernel
def _longest(points, faces, f):
    """Returns which half-edge of face f is the longest."""
    best, side = -1.0, 0
    for k in range(3):
        square = _square(points, faces[f, k], faces[f, (k + 1) % 3])
        if square > best:
            best, side = square, k
    return side


@kernel
def _square(points, a, b):
    """Returns the square of the distance between two points."""
    x, y, z = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
    return x * x + y * y + z * z


@kernel
def _pseudonormals(points, faces, normals, place, mates):
    """Returns the normals of faces [F, 3], the angle-weighted ones of vertices [N, 3], and the face across each
    half-edge [F, 3].

    A triangle without area passes the surface on: it takes the normal across its longest side, and is stepped over from
    any side.
    """
    across = np.empty_like(faces)
    normals = normals.copy()
    for f in range(len(faces)):
        for k in range(3):
            across[f, k] = _across(points, faces, place, mates, mates[3 * f + k])
        if place[f] < 0:
            normals[f] = normals[across[f, _longest(points, faces, f)]]
    corners = np.zeros((len(points), 3))
    for f in range(len(faces)):
        for k in range(3):
            a, b, c = points[faces[f, k]], points[faces[f, (k + 1) % 3]], points[faces[f, (k + 2) % 3]]
            angle = angle_between(b[0] - a[0], b[1] - a[1], b[2] - a[2], c[0] - a[0], c[1] - a[1], c[2] - a[2])
            for axis in range(3):
                corners[faces[f, k], axis] += angle * normals[f, axis]
    return normals, corners, across


@kernel
def _across(points, faces, place, mates, half):
    """Returns the first face with an area that one comes to when one enters through half-edge `half`."""
    for _ in range(16):
        f = half // 3
        if place[f] >= 0:
            break
        # a sliver is a line: its longest side lies against the two others, so the way leads from the one to the other
        side = _longest(points, faces, f)
        if half % 3 != side:
            half = mates[3 * f + side]
        else:
            a, b = (side + 1) % 3, (side + 2) % 3
            longer = (
                a if _square(points, faces[f, a], faces[f, b]) >= _square(points, faces[f, b], faces[f, side]) else b
            )
            half = mates[3 * f + longer]
    return half // 3


@kernel
def _sign(distance, queries, order, place, point, feature, faces, normals, corners, across):
    """Negates, in place, the distances of queries that lie behind the pseudonormal of the feature they are closest to:
    a face, a corner or an edge.
    """
    for n in range(len(queries)):
        f, k = order[place[n]], feature[n]
        side = 0.0  # on an edge both faces have the same angle, half a turn: the sum of their normals will do
        for axis in range(3):
            out = normals[f, axis]
            if 1 <= k <= 3:
                out = corners[faces[f, k - 1], axis]
            elif k > 3:
                out += normals[across[f, k - 4], axis]
            side += (queries[n, axis] - point[n, axis]) * out
        if side < 0.0:
            distance[n] = -distance[n]


@kernel
def _closest(queries, order, hints, boxes, first, count, corners):
    """Returns for each query the distance [Q], the nearest triangle's place in the tree [Q], the closest point [Q, 3],
    and the feature it lies on [Q]: 0 inside, 1 + k at corner k, 4 + k on half-edge k.
    """
    distance, place = np.empty(len(queries)), np.empty(len(queries), np.int64)
    point, feature = np.empty((len(queries), 3)), np.empty(len(queries), np.int8)
    nodes, squares = np.empty(bvh_build.STACK, np.int64), np.empty(bvh_build.STACK)
    last = 0
    for n in order:
        x, y, z = queries[n, 0], queries[n, 1], queries[n, 2]
        if hints[n] >= 0:
            last = hints[n]
        # a triangle that is near already: its distance prunes most of the tree before the first descent
        best, px, py, pz, where = _on_triangle(corners, last, x, y, z)
        nodes[0], squares[0], height = 0, 0.0, 1
        while height > 0:
            height -= 1
            if squares[height] >= best:
                continue
            node = nodes[height]
            while count[node] == 0:  # down to a leaf, the nearer child first
                a = np.int64(first[node])
                near, far = _box_distance(boxes, a, x, y, z), _box_distance(boxes, a + 1, x, y, z)
                node, b = a, a + 1
                if far < near:
                    near, far, node, b = far, near, b, a
                if near >= best:
                    break
                if far < best:
                    nodes[height], squares[height] = b, far
                    height += 1
            else:
                for t in range(first[node], first[node] + count[node]):
                    square, qx, qy, qz, on = _on_triangle(corners, t, x, y, z)
                    if square < best:
                        best, px, py, pz, where, last = square, qx, qy, qz, on, t
        distance[n], place[n], feature[n] = math.sqrt(best), last, where
        point[n, 0], point[n, 1], point[n, 2] = px, py, pz
    return distance, place, point, feature


@spliced
def _box_distance(boxes, n, x, y, z):
    """Returns the square of the distance from a point to box n, 0 inside."""
    dx = max(max(boxes[n, 0] - x, x - boxes[n, 3]), 0.0)
    dy = max(max(boxes[n, 1] - y, y - boxes[n, 4]), 0.0)
    dz = max(max(boxes[n, 2] - z, z - boxes[n, 5]), 0.0)
    return dx * dx + dy * dy + dz * dz


@spliced
def _on_triangle(corners, t, x, y, z):
    """Returns the square of the distance from a point to triangle t, the closest point, and its feature, by the Voronoi
    regions of the triangle (Ericson 2005, Real-Time Collision Detection, §5.1.5).
    """
    ax, ay, az = corners[t, 0], corners[t, 1], corners[t, 2]
    ux, uy, uz = corners[t, 3] - ax, corners[t, 4] - ay, corners[t, 5] - az
    vx, vy, vz = corners[t, 6] - ax, corners[t, 7] - ay, corners[t, 8] - az
    px, py, pz = x - ax, y - ay, z - az
    uu, uv, vv = ux * ux + uy * uy + uz * uz, ux * vx + uy * vy + uz * vz, vx * vx + vy * vy + vz * vz
    d1, d2 = ux * px + uy * py + uz * pz, vx * px + vy * py + vz * pz
    d3, d4, d5, d6 = d1 - uu, d2 - uv, d1 - uv, d2 - vv  # the same two products from the second and the third corner
    s, r, where = 0.0, 0.0, 1
    if d1 > 0.0 or d2 > 0.0:
        va, vb, vc = d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2
        if d3 >= 0.0 and d4 <= d3:
            s, where = 1.0, 2
        elif d6 >= 0.0 and d5 <= d6:
            r, where = 1.0, 3
        elif vc <= 0.0 and d1 >= 0.0 and d3 <= 0.0:
            s, where = d1 / (d1 - d3), 4
        elif vb <= 0.0 and d2 >= 0.0 and d6 <= 0.0:
            r, where = d2 / (d2 - d6), 6
        elif va <= 0.0 and d4 >= d3 and d5 >= d6:
            r = (d4 - d3) / ((d4 - d3) + (d5 - d6))
            s, where = 1.0 - r, 5
        else:
            s, r, where = vb / (va + vb + vc), vc / (va + vb + vc), 0
    cx, cy, cz = ax + s * ux + r * vx, ay + s * uy + r * vy, az + s * uz + r * vz
    return (x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2, cx, cy, cz, where


@kernel
def _rays(origins, directions, start, boxes, first, count, corners):
    """Returns the distance [R] and the place in the tree [R] of the first triangle that each ray hits; inf and -1 for
    none.
    """
    distance, place = np.full(len(origins), np.inf), np.full(len(origins), -1, np.int64)
    nodes, entries = np.empty(bvh_build.STACK, np.int64), np.empty(bvh_build.STACK)
    inverse = np.empty(3)
    for n in range(len(origins)):
        for axis in range(3):
            d = directions[n, axis]
            inverse[axis] = 1.0 / d if abs(d) > 1e-300 else 1e300  # finite, as 0 * inf in a slab would be nan
        best, hit = np.inf, -1
        nodes[0], entries[0], height = 0, start, 1
        while height > 0:
            height -= 1
            if entries[height] >= best:
                continue
            node = nodes[height]
            if count[node] > 0:
                for t in range(first[node], first[node] + count[node]):
                    length = _through(corners, t, origins[n], directions[n])
                    if start <= length < best:
                        best, hit = length, t
                continue
            a = np.int64(first[node])
            near, far = _entry(boxes, a, origins[n], inverse, start), _entry(boxes, a + 1, origins[n], inverse, start)
            close, other = a, a + 1  # the nearer child goes on the stack last, so that it is looked at first
            if far < near:
                near, far, close, other = far, near, other, close
            if far < best:
                nodes[height], entries[height] = other, far
                height += 1
            if near < best:
                nodes[height], entries[height] = close, near
                height += 1
        distance[n], place[n] = best, hit
    return distance, place


@kernel
def _entry(boxes, n, origin, inverse, start):
    """Returns how far along the ray it enters box n, at least `start`; inf when it misses (the slab method)."""
    enter, leave = start, np.inf
    for axis in range(3):
        a, b = (boxes[n, axis] - origin[axis]) * inverse[axis], (boxes[n, axis + 3] - origin[axis]) * inverse[axis]
        enter, leave = max(enter, min(a, b)), min(leave, max(a, b))
    return enter if enter <= leave else np.inf


@kernel
def _through(corners, t, o, d):
    """Returns how far along the ray it passes through triangle t, from either side; -1 when it misses (Möller and
    Trumbore 1997, Fast, Minimum Storage Ray-Triangle Intersection).
    """
    ax, ay, az = corners[t, 0], corners[t, 1], corners[t, 2]
    ux, uy, uz = corners[t, 3] - ax, corners[t, 4] - ay, corners[t, 5] - az
    vx, vy, vz = corners[t, 6] - ax, corners[t, 7] - ay, corners[t, 8] - az
    px, py, pz = d[1] * vz - d[2] * vy, d[2] * vx - d[0] * vz, d[0] * vy - d[1] * vx
    volume = ux * px + uy * py + uz * pz
    if volume == 0.0:
        return -1.0
    sx, sy, sz = o[0] - ax, o[1] - ay, o[2] - az
    s = (sx * px + sy * py + sz * pz) / volume
    if s < -RAY_EDGE or s > 1 + RAY_EDGE:
        return -1.0
    qx, qy, qz = sy * uz - sz * uy, sz * ux - sx * uz, sx * uy - sy * ux
    r = (d[0] * qx + d[1] * qy + d[2] * qz) / volume
    if r < -RAY_EDGE or s + r > 1 + RAY_EDGE:
        return -1.0
    return (vx * qx + vy * qy + vz * qz) / volume
