"""Where the planes of a vertex meet: on a smooth surface a point of it, on a crease a point of the crease, at a corner
the corner.

The planes are those of the crossings round the vertex (Hermite data). The least squares of their distances (Ju et al.
2002, Dual Contouring of Hermite Data, §2.3) are solved one direction after another, from the stiffest on; how many
directions count is the vertex's rank. Where the planes leave doubt, as at a flat edge, at a knife's or in a curve, the
signed distance itself decides. All lengths are in cells.
"""

import math
from dataclasses import dataclass

import numpy as np

from zeroverse.core.jit import kernel

SURE = 0.05  # of the greatest eigenvalue: two planes at 25 degrees or more surely make an edge
# two planes at 6 degrees: less counts as curvature; between both it is asked whether the surface passes through the
# edge
DOUBTFUL = 0.003
ROOM = 1.5  # how far a vertex may go beyond its cell; the masks of the bricks hold for REACH = 2
OFF = 0.05  # a vertex goes beyond its cell only to where the surface is
NEAR_ENOUGH = 1e-3  # to the surface, for a vertex of a crease
STEP = 1e-4  # of differences
TETRAHEDRON = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])  # four values give a gradient


@dataclass(frozen=True, eq=False)
class Fit:
    """Where the vertices of dual contouring belong, and how they may move.

    place: [N, 3] where the vertex belongs. rank: [N] 1 on a smooth surface, 2 on a crease, 3 at a corner; 0 where no
    crossing has a normal.

    axis: [N, 3] the normal of the plane (rank 1), or the direction of the crease (rank 2), in which the vertex may
    slide. safe: [N, 3] the best place within the vertex's own cell, where it cannot meet the vertices of others.
    """

    place: np.ndarray
    rank: np.ndarray
    axis: np.ndarray
    safe: np.ndarray


def fitted(quads, places, normals, homes, field) -> Fit:
    """Returns where each vertex belongs. quads: [E, 4] vertices; places, normals: [E, 3] the crossing in each quad and
    the unit normal there; homes: [N, 3] the cell of each vertex.

    field(points [K, 3], vertices [K]) gives signed distances [K] at points near these vertices, which ascend.
    """
    # The planes give a place for each rank that they allow; the signed distance decides between ranks in doubt.
    stages, axes, rank, most, safe = _solved(*incidence(quads, len(homes)), places, normals, homes)
    rank = _decided(stages, rank, most, field)
    chosen = np.arange(len(homes)), np.maximum(rank - 1, 0)
    place, axis = stages[chosen], axes[chosen]
    onto_creases(place, axis, rank == 2, quads, places, normals, field, 0.25)
    # A place beyond the cell is taken only where the surface is: planes of two surfaces meet anywhere.
    away = np.flatnonzero((np.abs(place - homes - 0.5) > 0.5).any(axis=1))
    lost = away[np.abs(field(place[away], away)) > OFF] if len(away) else away
    place[lost] = safe[lost]
    return Fit(place, rank, axis, safe)


def _decided(stages, rank, most, field):
    """Returns the ranks [N], one or two higher where more of the planes' doubtful directions bring the vertex to the
    surface.
    """
    rank = rank.copy()
    for r in (1, 2):
        ask = np.flatnonzero((rank == r) & (most > r))
        if len(ask):
            before, after = (np.abs(field(stages[ask, stage], ask)) for stage in (r - 1, r))
            rank[ask[(before > 0.005) & (after < 0.25 * before)]] = r + 1
    return rank


def onto_creases(points, axis, chosen, quads, places, normals, field, reach: float) -> None:
    """Moves the chosen [N] of the points [N, 3] onto the crease that runs along their axis: one step of Newton's method
    on both sides' distances.

    Each side is looked at `reach` away from the crease, where the other side is out of sight, and its tangent planes
    are met.
    """
    at = np.flatnonzero(chosen)
    if len(at) == 0:
        return
    off = np.abs(field(points[at], at))
    at, off = at[off > NEAR_ENOUGH], off[off > NEAR_ENOUGH]
    # The two sides' distances are as two planes near the crease: look at each by itself, then go where both are 0.
    away = _sideways(points, at, axis, *incidence(quads, len(points)), places, normals)
    sides = [_tangent(points[at] + reach * away[:, side], at, field) for side in (0, 1)]
    moved = _nearest_on_both(points[at], *sides[0], *sides[1])
    step = moved - points[at]
    good = (np.abs(field(moved, at)) < off) & ((step * step).sum(axis=1) < 0.25) & (away != 0).any(axis=2).all(axis=1)
    points[at[good]] = moved[good]


def _tangent(points, vertices, field):
    """Returns the points, the gradients there [K, 3], and the values [K]."""
    values = np.stack([field(points + STEP * corner, vertices) for corner in TETRAHEDRON], axis=1)  # [K, 4]
    return points, np.einsum("kc,cd->kd", values, TETRAHEDRON) / (4 * STEP), values.sum(axis=1) / 4


def _nearest_on_both(points, p, n, f, q, m, g):
    """Returns the points [K, 3] nearest to the given ones on the line in which the planes n (x - p) + f = 0 and m (x -
    q) + g = 0 meet; the given ones if the planes are parallel.
    """
    a, b = -(n * (points - p)).sum(axis=1) - f, -(m * (points - q)).sum(axis=1) - g
    nn, mm, nm = (n * n).sum(axis=1), (m * m).sum(axis=1), (n * m).sum(axis=1)
    area = nn * mm - nm * nm
    area = np.where(area > 1e-6, area, np.inf)
    return points + ((a * mm - b * nm) / area)[:, None] * n + ((b * nn - a * nm) / area)[:, None] * m


@kernel
def incidence(faces, count):  # [F, 3 or 4], N -> [N + 1], [3 F or 4 F]
    """Returns start and around: the faces of vertex v are around[start[v]:start[v + 1]], ascending."""
    start, around = np.zeros(count + 1, np.int64), np.empty(faces.size, np.int64)
    for f in range(len(faces)):
        for k in range(faces.shape[1]):
            start[faces[f, k] + 1] += 1
    for v in range(count):
        start[v + 1] += start[v]
    filled = start.copy()
    for f in range(len(faces)):
        for k in range(faces.shape[1]):
            around[filled[faces[f, k]]] = f
            filled[faces[f, k]] += 1
    return start, around


@kernel
def _solved(start, around, places, normals, homes):
    """Returns for each of N vertices what `_meet` finds: stages [N, 3, 3], axes [N, 3, 3], the sure ranks [N], the
    greatest ranks [N], and the safe places [N, 3].
    """
    count = len(homes)
    stages, axes, safe = np.empty((count, 3, 3)), np.empty((count, 3, 3)), np.empty((count, 3))
    sure, most = np.empty(count, np.int64), np.empty(count, np.int64)
    for v in range(count):
        crossings = around[start[v] : start[v + 1]]
        stages[v], axes[v], sure[v], most[v], safe[v] = _meet(places, normals, crossings, homes[v])
    return stages, axes, sure, most, safe


@kernel
def _meet(places, normals, crossings, home):
    """Returns where the planes of one vertex's crossings meet, if ever more directions of the least squares count.

    home: [3] the vertex's cell. The result: stages [3, 3], the place under rank 1, 2 and 3; axes [3, 3], the axis of
    `Fit` under each; the rank of the directions that are surely no curvature; the greatest rank that the planes can
    give; and the safe place [3]. Ranks beyond the greatest repeat the mean of the crossings, and their axes are 0.
    """
    mean = _mean(places, crossings)
    ata, atb = _normal_equations(places, normals, crossings, mean)
    basis = _diagonalise(ata)
    greatest = max(ata[0, 0], ata[1, 1], ata[2, 2])
    stages, axes = np.empty((3, 3)), np.zeros((3, 3))
    stages[:] = mean
    point, safe = mean.copy(), mean.copy()
    used = sure = most = 0
    for rank in range(1, 4):
        stiffest = _stiffest(ata, used, greatest)
        if stiffest < 0:
            break
        used |= 1 << stiffest
        _move_along(point, stiffest, ata, atb, basis)
        free = _unused(used)
        is_sure = ata[stiffest, stiffest] > SURE * greatest
        if is_sure:
            _keep_within(safe, point, home, basis, free, rank)
        if most == rank - 1 and _beyond(point, home) <= 0.5 + ROOM:
            most = rank
            sure = rank if is_sure else sure
            stages[rank - 1] = point
            axes[rank - 1] = basis[:, stiffest if rank == 1 else free]
    for r in range(3):  # off the walls: vertices of neighbours stay apart
        safe[r] = min(max(safe[r], home[r] + 1e-3), home[r] + 1 - 1e-3)
    return stages, axes, sure, most, safe


@kernel
def _mean(places, crossings):
    """Returns the mean [3] of the crossings' places; where there is no crossing, 0."""
    mean = np.zeros(3)
    for e in crossings:
        for r in range(3):
            mean[r] += places[e, r] / len(crossings)
    return mean


@kernel
def _normal_equations(places, normals, crossings, mean):
    """Returns the symmetric A^T A [3, 3] and A^T b [3] of the least squares, in which row e of A is the normal of
    crossing e, and b its plane's distance from `mean` [3].
    """
    ata, atb = np.zeros((3, 3)), np.zeros(3)
    for e in crossings:
        nx, ny, nz = normals[e, 0], normals[e, 1], normals[e, 2]
        d = nx * (places[e, 0] - mean[0]) + ny * (places[e, 1] - mean[1]) + nz * (places[e, 2] - mean[2])
        for r in range(3):
            atb[r] += normals[e, r] * d
            for c in range(r, 3):
                ata[r, c] += normals[e, r] * normals[e, c]
    ata[1, 0], ata[2, 0], ata[2, 1] = ata[0, 1], ata[0, 2], ata[1, 2]
    return ata, atb


@kernel
def _stiffest(ata, used, greatest):
    """Returns which of the directions that are not among the bits of `used` has the greatest eigenvalue; -1 where all
    that are left may be curvature.
    """
    stiffest = -1
    for r in range(3):
        if used >> r & 1 or ata[r, r] <= max(DOUBTFUL * greatest, 1e-12):
            continue
        if stiffest < 0 or ata[r, r] > ata[stiffest, stiffest]:
            stiffest = r
    return stiffest


@kernel
def _unused(used):
    """Returns the one direction that the bits of `used` leave out, if two are used; else 0."""
    return 2 if used == 3 else (1 if used == 5 else 0)


@kernel
def _move_along(point, k, ata, atb, basis):
    """Moves the point [3] along eigenvector k to the least squares' minimum on that line."""
    t = (basis[0, k] * atb[0] + basis[1, k] * atb[1] + basis[2, k] * atb[2]) / ata[k, k]
    for r in range(3):
        point[r] += t * basis[r, k]


@kernel
def _keep_within(safe, point, home, basis, free, rank):
    """Sets the safe place [3] to the point [3] if that lies in its home cell; a point of an edge (rank 2) may slide
    along the direction `free` to get there.
    """
    x, y, z = point[0] - home[0], point[1] - home[1], point[2] - home[2]
    slide = _into_cell(x, y, z, basis, free) if rank == 2 else 0.0
    x, y, z = x + slide * basis[0, free], y + slide * basis[1, free], z + slide * basis[2, free]
    if max(abs(x - 0.5), abs(y - 0.5), abs(z - 0.5)) <= 0.5:
        safe[0], safe[1], safe[2] = x + home[0], y + home[1], z + home[2]


@kernel
def _beyond(point, home):
    """Returns the largest distance along an axis of the point [3] from the centre of its home cell."""
    return max(abs(point[0] - home[0] - 0.5), abs(point[1] - home[1] - 0.5), abs(point[2] - home[2] - 0.5))


@kernel
def _into_cell(x, y, z, basis, free):
    """Returns how far along the direction basis[:, free] a point of an edge must slide to lie in the cell 0 .. 1, or 0
    where the edge misses the cell.
    """
    first, last = -2.0, 2.0
    for axis in range(3):
        at, along = (x, y, z)[axis], basis[axis, free]
        if abs(along) < 1e-9:
            continue
        a, b = -at / along, (1.0 - at) / along
        first, last = max(first, min(a, b)), min(last, max(a, b))
    return min(max(0.0, first), last) if first <= last else 0.0


@kernel
def _diagonalise(a):
    """Returns the eigenvectors of the symmetric a [3, 3] as the columns of [3, 3], and leaves the eigenvalues on the
    diagonal of a, by Jacobi rotations.
    """
    basis = np.eye(3)
    for _ in range(8):  # sweeps: convergence is quadratic, and four mostly suffice
        if abs(a[0, 1]) + abs(a[0, 2]) + abs(a[1, 2]) < 1e-12:
            break
        for p in range(2):
            for q in range(p + 1, 3):
                if abs(a[p, q]) < 1e-15:
                    continue
                # the rotation in the plane of axes p and q that makes a[p, q] zero
                lean = (a[q, q] - a[p, p]) / (2 * a[p, q])
                t = (1.0 if lean >= 0 else -1.0) / (abs(lean) + math.sqrt(lean * lean + 1))
                c = 1 / math.sqrt(t * t + 1)
                s = t * c
                for r in range(3):
                    a[r, p], a[r, q] = c * a[r, p] - s * a[r, q], s * a[r, p] + c * a[r, q]
                for r in range(3):
                    a[p, r], a[q, r] = c * a[p, r] - s * a[q, r], s * a[p, r] + c * a[q, r]
                for r in range(3):
                    basis[r, p], basis[r, q] = c * basis[r, p] - s * basis[r, q], s * basis[r, p] + c * basis[r, q]
    return basis


@kernel
def _sideways(points, at, axis, start, around, places, normals):
    """Returns the unit directions [K, 2, 3] across the crease, within the surface on its one side and on the other, 0
    where a side has no crossing.
    """
    out, normal, middle, count = np.zeros((len(at), 2, 3)), np.empty((2, 3)), np.empty((2, 3)), np.empty(2)
    for i in range(len(at)):
        v = at[i]
        crossings, along = around[start[v] : start[v + 1]], axis[v]
        normal[:], middle[:], count[:] = 0.0, 0.0, 0.0
        for e in crossings:
            normal[0] += normals[e]
        # the mean normal times the crease's direction points across it: the sign against that tells the sides apart
        x, y, z = _cross(along, normal[0])
        normal[0] = 0.0
        for e in crossings:
            side = 1 if normals[e, 0] * x + normals[e, 1] * y + normals[e, 2] * z > 0 else 0
            normal[side] += normals[e]
            middle[side] += places[e]
            count[side] += 1
        if count[0] == 0 or count[1] == 0:
            continue
        for side in range(2):
            x, y, z = _cross(along, normal[side])
            length = math.sqrt(x * x + y * y + z * z)
            dx, dy, dz = middle[side] / count[side] - points[v]
            if dx * x + dy * y + dz * z < 0:
                length = -length
            if length != 0.0:
                out[i, side, 0], out[i, side, 1], out[i, side, 2] = x / length, y / length, z / length
    return out


@kernel
def _cross(a, b):
    """Returns the cross product of two vectors."""
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
