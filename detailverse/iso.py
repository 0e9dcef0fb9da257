"""From a signed distance to triangles: manifold dual contouring on sparse bricks, always closed and oriented, sharp edges kept.

Bricks of 32^3 cells, then of 8^3, are skipped where the slope bound says that no surface can be. Every edge of the lattice that crosses the
surface gets its crossing and normal (Hermite data); every cell one vertex per patch of surface in it, where its planes meet (Ju et al. 2002,
Dual Contouring of Hermite Data; several patches: Nielson 2004, Dual Marching Cubes; ambiguous faces: Wenger 2013, Isosurfaces, §5).
"""
import math
from functools import cache

import numpy as np
from numba import njit

from detailverse.distances import PAINT
from detailverse.sdf import Sdf
from detailverse.tape import BLOCK, Tape
from zeroverse import affine

SIDE = 8  # cells of a brick; it has 9^3 corners, of which neighbours share
COARSE = 4  # bricks of a coarse brick
LARGEST = 25_000_000  # corners of all bricks near the surface: about 500 MB
CORNERS = (SIDE + 1) ** 3


def polygonise(value: Sdf, spacing: float, bounds=None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The surface of `value` as points [N, 3], faces [F, 3] and the leaf of each face [F]: closed, every edge of two faces, positive volume.

    spacing: side of a cell; what is thinner than about two cells is lost. bounds: corners (low x, y, z, high x, y, z) of where to look, default
    those of the value. Raises ValueError where there is no surface, where it leaves the bounds, or where the lattice is too fine for memory.
    """
    low, cells = _lattice(value.bounds if bounds is None else bounds, spacing)
    bricks, masks = _near_surface(value, low, cells, spacing)
    bricks, masks, values, brick_of = _closed_over(value.tape, bricks, masks, low, cells, spacing)
    edge_of, edges, owner = _crossing_edges(values, bricks)
    if len(edges) == 0:
        raise ValueError(f"polygonise: expected a surface, found none at spacing {spacing:.3g} within {tuple(np.round(low, 3).tolist())} and up")
    sampler = _Sampler(value.tape, masks, owner)
    places, normals = _hermite(sampler, edges, values, bricks, low, spacing)
    rules, merging = _patch_tables()
    points, first, shape = _vertices(values, bricks, brick_of, edge_of, places, normals, rules, merging)
    quads = _quads(edges, brick_of, values, owner, first, shape, rules)
    points = low + spacing * points
    faces = _split(sampler, points, quads, spacing)
    return points, faces, _leaves(value, sampler, points, faces)


def _lattice(bounds, spacing):
    """Its first corner [3], and how many coarse bricks span it [3]."""
    bounds = np.asarray(bounds, dtype=np.float64)
    if not np.isfinite(bounds).all():
        raise ValueError(f"polygonise: expected finite bounds, got {bounds.tolist()}; intersect the value with a box or pass bounds")
    pad = np.array([1.37, 1.41, 1.43]) * spacing  # uneven: planes at round coordinates should not run through corners
    counts = np.ceil((bounds[3:] - bounds[:3] + 2 * pad) / spacing)
    if not (counts > 0).all():
        raise ValueError(f"polygonise: expected a surface, got empty bounds {bounds.tolist()}")
    if counts.max() > 8192:
        raise ValueError(f"polygonise: expected at most 8192 cells along an axis, got {int(counts.max())} at spacing {spacing:.3g}")
    return bounds[:3] - pad, np.ceil(counts / (SIDE * COARSE)).astype(np.int64)


def _near_surface(value, low, cells, spacing):
    """Bricks [A, 3] that a surface may touch, and their masks [A, children]."""
    tape, reach = value.tape, math.sqrt(3.0) * spacing / 2
    coarse = np.stack(np.meshgrid(*[np.arange(n) for n in cells], indexing="ij"), axis=-1).reshape(-1, 3)
    side = SIDE * COARSE
    band = 2 * value.lipschitz * spacing  # all points that are asked for near the surface lie within two cells
    distance, masks = tape.probe(low + (coarse + 0.5) * side * spacing, (side + 2) * reach, band)
    near = np.abs(distance) <= value.lipschitz * side * reach * 1.0001
    coarse, masks = coarse[near], masks[near]
    inner = np.stack(np.meshgrid(*[np.arange(COARSE)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    found, found_masks = [np.empty((0, 3), np.int64)], [np.empty((0, tape.children), np.uint8)]
    step = max(1, 20_000_000 // (len(inner) * (tape.children + 100)))
    for start in range(0, len(coarse), step):
        bricks = (coarse[start:start + step, None] * COARSE + inner).reshape(-1, 3)
        blocks = np.arange(0, len(bricks) + 1, len(inner))
        distance, fine = tape.probe(low + (bricks + 0.5) * SIDE * spacing, (SIDE + 2) * reach, band, blocks, masks[start:start + step])
        near = np.abs(distance) <= value.lipschitz * SIDE * reach * 1.0001
        found.append(bricks[near])
        found_masks.append(fine[near])
    return np.concatenate(found), np.concatenate(found_masks)


def _closed_over(tape, bricks, masks, low, cells, spacing):
    """(bricks [A, 3], masks, values [A, 9, 9, 9], the map from a brick to its number), with bricks that the surface runs into though a
    slope bound missed them."""
    brick_of = np.full(tuple(cells * COARSE), -1, dtype=np.int32)
    values = np.empty((0, SIDE + 1, SIDE + 1, SIDE + 1))
    while len(values) < len(bricks):
        done = len(values)
        if len(bricks) * CORNERS > LARGEST:
            raise ValueError(f"polygonise: expected a lattice of at most {LARGEST} corners near the surface, got {len(bricks) * CORNERS} "
                             f"at spacing {spacing:.3g}")
        brick_of[tuple(bricks[done:].T)] = np.arange(done, len(bricks))
        values = np.concatenate([values, _corner_values(tape, bricks[done:], masks[done:], low, spacing)])
        missing = _missing(values, bricks, brick_of, done)
        if len(missing) and (missing < 0).any():
            raise ValueError("polygonise: expected bounds that hold the surface, got a surface that leaves its bounds, "
                             f"from {tuple(np.round(low, 3).tolist())} up")
        bricks = np.concatenate([bricks, missing])
        masks = np.concatenate([masks, np.ones((len(missing), tape.children), np.uint8)])
    return bricks, masks, values, brick_of


def _corner_values(tape, bricks, masks, low, spacing, chunk=512):
    """[A, 9, 9, 9], a few bricks at a time: their points take thrice the memory of their values."""
    values = np.empty((len(bricks), CORNERS))
    for start in range(0, len(bricks), chunk):
        part = bricks[start:start + chunk]
        starts = np.arange(len(part) + 1) * CORNERS
        values[start:start + chunk] = tape.run(_corner_points(part, low, spacing), starts, masks[start:start + chunk]).reshape(len(part), CORNERS)
    return values.reshape(-1, SIDE + 1, SIDE + 1, SIDE + 1)


@njit(cache=True, nogil=True)
def _corner_points(bricks, low, spacing):  # [A, 3], [3] -> [729 A, 3]
    points = np.empty((len(bricks) * CORNERS, 3))
    row = 0
    for n in range(len(bricks)):
        for i in range(SIDE + 1):
            for j in range(SIDE + 1):
                for k in range(SIDE + 1):
                    points[row, 0] = low[0] + spacing * (SIDE * bricks[n, 0] + i)
                    points[row, 1] = low[1] + spacing * (SIDE * bricks[n, 1] + j)
                    points[row, 2] = low[2] + spacing * (SIDE * bricks[n, 2] + k)
                    row += 1
    return points


@njit(cache=True, nogil=True)
def _missing(values, bricks, brick_of, done):
    """Bricks [M, 3] with no number that hold a crossing edge on the faces of bricks from number `done` on; -1 where outside the lattice."""
    found = []
    for n in range(done, len(bricks)):
        for i in range(SIDE + 1):
            for j in range(SIDE + 1):
                for k in range(SIDE + 1):
                    for axis in range(3):
                        a, b, c = i + (axis == 0), j + (axis == 1), k + (axis == 2)
                        if a > SIDE or b > SIDE or c > SIDE or (values[n, i, j, k] < 0) == (values[n, a, b, c] < 0):
                            continue
                        for x in range(bricks[n, 0] - (axis != 0 and i == 0), bricks[n, 0] + (axis != 0 and i == SIDE) + 1):
                            for y in range(bricks[n, 1] - (axis != 1 and j == 0), bricks[n, 1] + (axis != 1 and j == SIDE) + 1):
                                for z in range(bricks[n, 2] - (axis != 2 and k == 0), bricks[n, 2] + (axis != 2 and k == SIDE) + 1):
                                    if x < 0 or y < 0 or z < 0 or x >= brick_of.shape[0] or y >= brick_of.shape[1] or z >= brick_of.shape[2]:
                                        found.append((-1, -1, -1))
                                    elif brick_of[x, y, z] == -1:
                                        brick_of[x, y, z] = -2
                                        found.append((x, y, z))
    out = np.empty((len(found), 3), dtype=np.int64)
    for n in range(len(found)):
        out[n, 0], out[n, 1], out[n, 2] = found[n]
    return out


@njit(cache=True, nogil=True)
def _crossing_edges(values, bricks):
    """edge_of [A, 8, 8, 8, 3]: number of the edge that leaves a corner along an axis; edges [E, 4]: corner in the lattice, axis; their bricks [E]."""
    edge_of = np.full((len(bricks), SIDE, SIDE, SIDE, 3), -1, dtype=np.int32)
    count = 0
    for n in range(len(bricks)):
        for i in range(SIDE):
            for j in range(SIDE):
                for k in range(SIDE):
                    inside = values[n, i, j, k] < 0
                    for axis in range(3):
                        if (values[n, i + (axis == 0), j + (axis == 1), k + (axis == 2)] < 0) != inside:
                            edge_of[n, i, j, k, axis] = count
                            count += 1
    edges, owner = np.empty((count, 4), dtype=np.int64), np.empty(count, dtype=np.int64)
    for n in range(len(bricks)):
        for i in range(SIDE):
            for j in range(SIDE):
                for k in range(SIDE):
                    for axis in range(3):
                        e = edge_of[n, i, j, k, axis]
                        if e >= 0:
                            edges[e, 0], edges[e, 1] = SIDE * bricks[n, 0] + i, SIDE * bricks[n, 1] + j
                            edges[e, 2], edges[e, 3] = SIDE * bricks[n, 2] + k, axis
                            owner[e] = n
    return edge_of, edges, owner


class _Sampler:
    """The tape at one point per crossing edge, each with the mask of its edge's brick. owner: [E] bricks, ascending."""

    def __init__(self, tape: Tape, masks: np.ndarray, owner: np.ndarray):
        self.tape, self.masks, self.owner = tape, masks, owner

    def blocks(self, chosen=None):
        """Where blocks start, and their masks, for the edges with the numbers `chosen`, ascending."""
        owner = self.owner if chosen is None else self.owner[chosen]
        change = np.flatnonzero(np.diff(owner, prepend=-1))
        lengths = np.diff(np.append(change, len(owner)))
        pieces = -(-lengths // BLOCK)
        within = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        starts = np.repeat(change, pieces) + BLOCK * within
        return np.append(starts, len(owner)), self.masks[np.repeat(owner[change], pieces)]

    def values(self, points, chosen=None):
        return self.tape.run(points, *self.blocks(chosen))

    def leaves(self, points, chosen=None):
        return self.tape.leaves(points, *self.blocks(chosen))


def _hermite(sampler, edges, values, bricks, low, spacing, rounds=12):
    """Where each edge crosses [E, 3], in cells, by false position (the Illinois rule), and the unit normals there [E, 3]."""
    axis, local = edges[:, 3], edges[:, :3] - SIDE * bricks[sampler.owner]
    bracket = np.zeros((len(edges), 5))  # from, to, the values there, which end moved last
    bracket[:, 1] = 1.0
    bracket[:, 2] = values[(sampler.owner, *local.T)]
    bracket[:, 3] = values[(sampler.owner, *(local + np.eye(3, dtype=np.int64)[axis]).T)]
    places, open_edges = edges[:, :3].astype(np.float64), np.arange(len(edges))
    for _ in range(rounds):
        start, width = bracket[open_edges, 0], bracket[open_edges, 1] - bracket[open_edges, 0]
        head, tail = bracket[open_edges, 2], bracket[open_edges, 3]
        at = start + width * (head / (head - tail))
        places[open_edges, axis[open_edges]] = edges[open_edges, axis[open_edges]] + at
        middle = sampler.values(low + spacing * places[open_edges], open_edges)
        _narrow(bracket, open_edges, at, middle)
        open_edges = open_edges[np.abs(middle) > 1e-6 * spacing]
        if len(open_edges) == 0:
            break
    normals = np.zeros_like(places)
    for corner in np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]):  # of a tetrahedron: four values give a gradient
        normals += corner * sampler.values(low + spacing * (places + 1e-4 * corner))[:, None]
    length = np.sqrt((normals * normals).sum(axis=1, keepdims=True))
    return places, normals / np.where(length > 0, length, 1.0)


@njit(cache=True, nogil=True)
def _narrow(bracket, chosen, at, middle):
    """Brackets [E, 5] of the chosen edges cut at `at`; an end that stays twice counts half, so that it moves next time."""
    for n in range(len(chosen)):
        e = chosen[n]
        moved = 0 if (middle[n] < 0) == (bracket[e, 2] < 0) else 1
        if bracket[e, 4] == 1 + moved:
            bracket[e, 3 - moved] *= 0.5
        bracket[e, moved], bracket[e, 2 + moved], bracket[e, 4] = at[n], middle[n], 1 + moved


@cache
def _patch_tables() -> tuple[np.ndarray, np.ndarray]:
    """rules [2, 256, 12]: the patch that each edge of a cell belongs to, -1 where it does not cross, for corners inside (bits) and both rules
    for ambiguous faces: their inside corners apart, or their outside corners. merging [256]: the ambiguous face (2 axis + side) whose four edges
    the first rule puts on one patch, -1 where none: two such cells face to face would share an edge of four faces.

    Corner 4 i + 2 j + k; edge 4 axis + 2 u + w, where u and w are its offsets along the next two axes.
    """
    rules = np.full((2, 256, 12), -1, dtype=np.int8)
    merging = np.full(256, -1, dtype=np.int8)
    for inside in range(256):
        for apart in (0, 1):
            rules[apart, inside], ambiguous = _patches(inside, 1 - apart)
            for face, edges in ambiguous:
                if apart == 0 and len({int(rules[0, inside, e]) for e in edges}) == 1:
                    merging[inside] = face
    return rules, merging


def _patches(inside: int, apart: int):
    """Patch of each edge [12] where corners of the kind `apart` on ambiguous faces are kept apart, and those faces with their edges."""
    group = {}
    for e in range(12):
        a, b = _ends(e)
        if (inside >> a & 1) != (inside >> b & 1):
            group[e] = {e}

    def join(e, f):
        merged = group[e] | group[f]
        group.update((member, merged) for member in merged)

    ambiguous = []
    for face in range(6):
        corners, edges = _face(face)
        crossing = [e for e in edges if e in group]
        if len(crossing) == 2:
            join(*crossing)
        elif len(crossing) == 4:
            ambiguous.append((face, edges))
            for turn in range(4):
                if inside >> corners[turn] & 1 == apart:
                    join(edges[turn - 1], edges[turn])
    order = sorted({min(members) for members in group.values()})
    return [order.index(min(group[e])) if e in group else -1 for e in range(12)], ambiguous


def _ends(edge: int) -> tuple[int, int]:
    """The corners of an edge of a cell."""
    axis, u, w = edge // 4, edge // 2 % 2, edge % 2
    weight = (4, 2, 1)
    start = u * weight[(axis + 1) % 3] + w * weight[(axis + 2) % 3]
    return start, start + weight[axis]


def _face(face: int):
    """Corners of a face in order round it, and its edges; edge t is between corners t and t + 1."""
    axis, side = divmod(face, 2)
    weight = (4, 2, 1)
    base, u, w = side * weight[axis], weight[(axis + 1) % 3], weight[(axis + 2) % 3]
    corners = (base, base + u, base + u + w, base + w)
    by_ends = {frozenset(_ends(e)): e for e in range(12)}
    return corners, [by_ends[frozenset((corners[t], corners[(t + 1) % 4]))] for t in range(4)]


@njit(cache=True, nogil=True)
def _vertices(values, bricks, brick_of, edge_of, places, normals, rules, merging):
    """Vertices [N, 3] in cells; the first of each cell [A, 8, 8, 8]; each cell's corners inside, plus 256 under the second rule [A, 8, 8, 8]."""
    count = len(bricks)
    first = np.full((count, SIDE, SIDE, SIDE), -1, dtype=np.int32)
    shape = np.zeros((count, SIDE, SIDE, SIDE), dtype=np.int16)
    for n in range(count):
        for i in range(SIDE):
            for j in range(SIDE):
                for k in range(SIDE):
                    bits = 0
                    for corner in range(8):
                        bits |= (values[n, i + (corner >> 2), j + (corner >> 1 & 1), k + (corner & 1)] < 0) << corner
                    shape[n, i, j, k] = bits
    _choose_rules(shape, bricks, brick_of, merging)
    points = np.empty((2 * len(places), 3))
    total = 0
    crossing, ata, basis = np.empty(12, dtype=np.int64), np.empty((3, 3)), np.empty((3, 3))
    for n in range(count):
        for i in range(SIDE):
            for j in range(SIDE):
                for k in range(SIDE):
                    bits, rule = shape[n, i, j, k] & 255, shape[n, i, j, k] >> 8
                    if bits == 0 or bits == 255:
                        continue
                    x, y, z = SIDE * bricks[n, 0] + i, SIDE * bricks[n, 1] + j, SIDE * bricks[n, 2] + k
                    first[n, i, j, k] = total
                    patches = 0
                    for e in range(12):
                        patches = max(patches, rules[rule, bits, e] + 1)
                    for patch in range(patches):
                        m = 0
                        for e in range(12):
                            if rules[rule, bits, e] == patch:
                                axis, u, w = e // 4, e // 2 % 2, e % 2
                                a = x + (u if axis == 2 else (w if axis == 1 else 0))
                                b = y + (u if axis == 0 else (w if axis == 2 else 0))
                                c = z + (u if axis == 1 else (w if axis == 0 else 0))
                                crossing[m] = edge_of[brick_of[a // SIDE, b // SIDE, c // SIDE], a % SIDE, b % SIDE, c % SIDE, axis]
                                m += 1
                        _meet(places, normals, crossing, m, ata, basis, x, y, z, points[total])
                        total += 1
    return points[:total].copy(), first, shape


@njit(cache=True, nogil=True)
def _choose_rules(shape, bricks, brick_of, merging):
    """The second rule for both of two cells that merge the four edges of the ambiguous face between them."""
    for n in range(len(bricks)):
        for i in range(SIDE):
            for j in range(SIDE):
                for k in range(SIDE):
                    face = merging[shape[n, i, j, k] & 255]
                    if face < 0:
                        continue
                    axis, way = face // 2, 2 * (face % 2) - 1
                    x = SIDE * bricks[n, 0] + i + (way if axis == 0 else 0)
                    y = SIDE * bricks[n, 1] + j + (way if axis == 1 else 0)
                    z = SIDE * bricks[n, 2] + k + (way if axis == 2 else 0)
                    other = shape[brick_of[x // SIDE, y // SIDE, z // SIDE], x % SIDE, y % SIDE, z % SIDE]
                    if merging[other & 255] == (face ^ 1):
                        shape[n, i, j, k] |= 256


@njit(cache=True, nogil=True)
def _meet(places, normals, crossing, count, ata, basis, x, y, z, out):
    """Where the planes of the crossings meet, nearest to their mean: a corner if it lies in the cell, else a point of an edge, else of a face."""
    px = py = pz = bx = by = bz = 0.0
    for m in range(count):
        e = crossing[m]
        px += places[e, 0] / count
        py += places[e, 1] / count
        pz += places[e, 2] / count
    for r in range(3):
        for c in range(3):
            ata[r, c] = 0.0
    for m in range(count):
        e = crossing[m]
        nx, ny, nz = normals[e, 0], normals[e, 1], normals[e, 2]
        d = nx * (places[e, 0] - px) + ny * (places[e, 1] - py) + nz * (places[e, 2] - pz)
        bx, by, bz = bx + nx * d, by + ny * d, bz + nz * d
        ata[0, 0] += nx * nx
        ata[0, 1] += nx * ny
        ata[0, 2] += nx * nz
        ata[1, 1] += ny * ny
        ata[1, 2] += ny * nz
        ata[2, 2] += nz * nz
    ata[1, 0], ata[2, 0], ata[2, 1] = ata[0, 1], ata[0, 2], ata[1, 2]
    _diagonalise(ata, basis)
    least = max(0.05 * max(ata[0, 0], ata[1, 1], ata[2, 2]), 1e-12)  # a flatter edge than about 25 degrees counts as curvature
    out[0], out[1], out[2] = px, py, pz
    used = 0
    for rank in range(1, 4):  # from the stiffest direction on
        stiffest = -1
        for r in range(3):
            if not used >> r & 1 and ata[r, r] > least and (stiffest < 0 or ata[r, r] > ata[stiffest, stiffest]):
                stiffest = r
        if stiffest < 0:
            break
        used |= 1 << stiffest
        t = (basis[0, stiffest] * bx + basis[1, stiffest] * by + basis[2, stiffest] * bz) / ata[stiffest, stiffest]
        px, py, pz = px + t * basis[0, stiffest], py + t * basis[1, stiffest], pz + t * basis[2, stiffest]
        free = 2 if used == 3 else (1 if used == 5 else 0)
        slide = _into_cell(px - x, py - y, pz - z, basis, free) if rank == 2 else 0.0
        free = free if rank == 2 else 0
        qx, qy, qz = px + slide * basis[0, free], py + slide * basis[1, free], pz + slide * basis[2, free]
        if max(abs(qx - x - 0.5), abs(qy - y - 0.5), abs(qz - z - 0.5)) <= 0.5:  # beyond the cell it would fold over its neighbours
            out[0], out[1], out[2] = qx, qy, qz
    out[0] = min(max(out[0], x + 1e-3), x + 1 - 1e-3)  # off the walls: vertices of neighbours stay apart
    out[1] = min(max(out[1], y + 1e-3), y + 1 - 1e-3)
    out[2] = min(max(out[2], z + 1e-3), z + 1 - 1e-3)


@njit(cache=True, nogil=True)
def _into_cell(x, y, z, basis, free):
    """How far along the direction basis[:, free] a point of an edge must slide to lie in the cell 0 .. 1, or 0 where the edge misses the cell."""
    first, last = -2.0, 2.0
    for axis in range(3):
        at, along = (x, y, z)[axis], basis[axis, free]
        if abs(along) < 1e-9:
            continue
        a, b = -at / along, (1.0 - at) / along
        first, last = max(first, min(a, b)), min(last, max(a, b))
    return min(max(0.0, first), last) if first <= last else 0.0


@njit(cache=True, nogil=True)
def _diagonalise(a, basis):
    """Symmetric a [3, 3] to its eigenvalues on the diagonal, eigenvectors to the columns of `basis`, by Jacobi rotations."""
    for r in range(3):
        for c in range(3):
            basis[r, c] = 1.0 if r == c else 0.0
    for _ in range(8):
        if abs(a[0, 1]) + abs(a[0, 2]) + abs(a[1, 2]) < 1e-12:
            return
        for p in range(2):
            for q in range(p + 1, 3):
                if abs(a[p, q]) < 1e-15:
                    continue
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


@njit(cache=True, nogil=True)
def _quads(edges, brick_of, values, owner, first, shape, rules):
    """The vertices of the four cells round each crossing edge [E, 4], counter-clockwise from outside."""
    quads = np.empty((len(edges), 4), dtype=np.int64)
    for e in range(len(edges)):
        x, y, z, axis = edges[e, 0], edges[e, 1], edges[e, 2], edges[e, 3]
        inside = values[owner[e], x % SIDE, y % SIDE, z % SIDE] < 0
        for turn in range(4):
            u, w = (turn == 1) | (turn == 2), turn // 2  # the cell lies u and w back along the next two axes
            a = x - (u if axis == 2 else (w if axis == 1 else 0))
            b = y - (u if axis == 0 else (w if axis == 2 else 0))
            c = z - (u if axis == 1 else (w if axis == 0 else 0))
            n, i, j, k = brick_of[a // SIDE, b // SIDE, c // SIDE], a % SIDE, b % SIDE, c % SIDE
            patch = rules[shape[n, i, j, k] >> 8, shape[n, i, j, k] & 255, 4 * axis + 2 * u + w]
            quads[e, turn if inside else 3 - turn] = first[n, i, j, k] + patch
    return quads


def _split(sampler, points, quads, spacing):
    """Two triangles of each quad [2 E, 3], along the diagonal whose middle is nearer to the surface: so a sharp edge is not chamfered.

    Where both are as near, as on a plane, along the one whose smaller triangle is larger: so no triangle has its corners on one edge.
    """
    a, b, c, d = (points[quads[:, corner]] for corner in range(4))
    gap = np.abs(sampler.values((a + c) / 2)) - np.abs(sampler.values((b + d) / 2))
    area = np.minimum(_area(a, b, c), _area(a, c, d)) - np.minimum(_area(b, c, d), _area(b, d, a))
    first = np.where(np.abs(gap) < 0.01 * spacing, area >= 0, gap < 0)
    across = np.where(first[:, None], quads, np.roll(quads, -1, axis=1))  # the diagonal from corner 0 to 2
    return across[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)


def _area(a, b, c):
    """The squared area of triangles [N, 3], times four."""
    normal = affine.cross(b - a, c - a)
    return (normal * normal).sum(axis=1)


def _leaves(value, sampler, points, faces):
    """The leaf at the middle of each face [F]."""
    if not (value.tape.rows[:, 0] == PAINT).any():
        return np.zeros(len(faces), dtype=np.int64)
    middle = (points[faces[:, 0]] + points[faces[:, 1]] + points[faces[:, 2]]) / 3
    return np.stack([sampler.leaves(np.ascontiguousarray(middle[half::2])) for half in (0, 1)], axis=1).ravel()
