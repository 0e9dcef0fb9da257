"""Moves vertices onto creases and corners without a fold: dual contouring alone chamfers where an edge misses the cell
whose sides it joins.

Every quad knows the normal of the surface where its lattice edge crosses: triangles that lean away from it are
chamfers, those that face against it are folds. Vertices start where their planes meet, in whatever cell that is; where
this tangles they slide along their crease or go back into their cell, whichever leans less, and those that crowd on a
crease are merged, as Kobbelt et al. 2001 (Feature Sensitive Surface Extraction) flip edges after the fact. All lengths
are in cells.
"""

import math

import numpy as np

from detailverse.meshing.hermite import Fit, incidence, onto_creases
from zeroverse.core.jit import kernel
from zeroverse.core.topology import face_pieces

SWEEPS = 8  # over all vertices; most meshes are at rest after three
SLIM = 0.1  # of a triangle's area times two: below it counts as a fault, as much as a small chamfer
FAULTY = 0.01  # cost round a vertex above which it looks for a better place
SPECK = 12  # faces round a single corner of the lattice
SHORT = 0.15  # length of an edge at a crease below which its ends merge


def sharpened(fit: Fit, quads, places, normals, field) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns points [N, 3], faces [F, 3], and the quad [F] that each face comes from, ascending; arguments as those of
    `hermite.fitted`.
    """
    # 1. Sharp vertices start where they belong, smooth ones in their cells, where nothing can tangle.
    points = np.where(fit.rank[:, None] >= 2, fit.place, fit.safe)
    start, around = incidence(quads, len(points))
    # 2. Only quads with a sharp vertex can have a fault.
    near = np.zeros(len(points), dtype=np.bool_)
    near[quads[(fit.rank[quads] >= 2).any(axis=1)]] = True
    _untangle(points, fit.place, fit.rank, fit.axis, fit.safe, quads, normals, start, around, near)
    # 3. A vertex that slid along its straight axis may have left a curved crease: another step of Newton's method.
    exact = points.copy()
    onto_creases(
        exact, fit.axis, (fit.rank == 2) & (points != fit.safe).any(axis=1), quads, places, normals, field, 0.1
    )
    _accept(points, exact, quads, normals, start, around)
    # 4. Triangles, then merging: sharp vertices of neighbouring cells crowd where a crease runs along a lattice plane.
    faces, quad = _split(points, quads, normals)
    points, faces, quad = _merged(points, fit.rank, faces, quad, normals)
    return _apart(points, fit.safe, fit.rank, faces, quad)


def _merged(points, rank, faces, quad, normals):
    """Merges crowded vertices, round after round until none is left to do, and returns points, faces and quads without
    specks, which are what a lattice gives for the tip of a thin edge, unless all is one.
    """
    waiting = np.ones(len(points), dtype=np.bool_)
    while True:
        locked = _merge(points, rank, faces, quad, normals, *incidence(faces, len(points)), waiting)
        if not locked.any():
            break
        keep = faces[:, 0] >= 0
        faces, quad = faces[keep], quad[keep]
        waiting[:] = False
        waiting[faces[locked[faces].any(axis=1)]] = True
    piece = face_pieces(faces)
    size = np.bincount(piece)
    keep = size[piece] > min(SPECK, size.max() - 1)
    return points, faces[keep], quad[keep]


def _apart(points, safe, rank, faces, quad):
    """Returns points, faces and quads without the vertices that no face uses; those that share a place with another
    move a little towards their cells, which they do not share.
    """
    points, used = points.copy(), np.zeros(len(points), dtype=bool)
    used[faces] = True
    near = np.flatnonzero(used & ((rank >= 2) | (points != safe).any(axis=1)))
    _, group, size = np.unique(points[near].astype(np.float32), axis=0, return_inverse=True, return_counts=True)
    shared = near[size[group.ravel()] > 1]
    points[shared] += 0.02 * (safe[shared] - points[shared])
    number = np.cumsum(used) - 1
    return points[used], number[faces], quad


@kernel
def _untangle(points, place, rank, axis, safe, quads, normals, start, around, near):
    """Moves faulty points to the best of: where they belong, their safe place, between their neighbours, half-way
    there.

    near: [N] which to look at; those beside one that moved are looked at again.
    """
    before, best, other = np.empty(3), np.empty(3), np.empty(3)
    for _ in range(SWEEPS):
        moved = False
        for v in range(len(points)):
            if not near[v]:
                continue
            mine = around[start[v] : start[v + 1]]
            near[v] = False
            least = _cost_round(points, quads, normals, mine) - 1e-6  # a move must gain, so that sweeps come to rest
            if least < FAULTY:
                continue
            before[:], best[:], better = points[v], points[v], False
            # a corner has one right place, and what has no rank no axis: neither slides
            for choice in range(2 if rank[v] == 3 or rank[v] == 0 else 4):
                if choice == 0:
                    other[:] = place[v]
                elif choice == 1:
                    other[:] = safe[v]
                elif choice == 2:
                    _slid(points, place[v], axis[v], rank[v], quads, mine, v, other)
                else:
                    for r in range(3):
                        other[r] = 0.5 * (other[r] + before[r])
                points[v] = other
                cost = _cost_round(points, quads, normals, mine)
                if cost < least:
                    least, better = cost, True
                    best[:] = other
            points[v] = best
            if better:
                moved = True
                for q in mine:
                    for k in range(4):
                        near[quads[q, k]] = True
        if not moved:
            break


@kernel
def _slid(points, place, axis, rank, quads, mine, v, out):
    """Writes the middle of v's neighbours, put onto its plane or crease, to `out`."""
    out[:] = 0.0
    for q in mine:
        for k in range(4):
            if quads[q, k] == v:
                out += points[quads[q, (k + 1) % 4]] + points[quads[q, k - 1]]
    out /= 2 * len(mine)
    along = (out[0] - place[0]) * axis[0] + (out[1] - place[1]) * axis[1] + (out[2] - place[2]) * axis[2]
    for r in range(3):
        out[r] = place[r] + along * axis[r] if rank == 2 else out[r] - along * axis[r]


@kernel
def _accept(points, exact, quads, normals, start, around):
    """Moves points to their exact places on the crease, each unless it costs."""
    before = np.empty(3)
    for v in range(len(points)):
        if points[v, 0] == exact[v, 0] and points[v, 1] == exact[v, 1] and points[v, 2] == exact[v, 2]:
            continue
        mine = around[start[v] : start[v + 1]]
        cost = _cost_round(points, quads, normals, mine)
        before[:] = points[v]
        points[v] = exact[v]
        if _cost_round(points, quads, normals, mine) > cost + FAULTY:
            points[v] = before


@kernel
def _cost_round(points, quads, normals, mine):
    """Returns the cost of all quads `mine` round a vertex, each along its better diagonal."""
    total = 0.0
    for q in mine:
        total += min(_cost(points, quads[q], normals[q], 0), _cost(points, quads[q], normals[q], 1))
    return total


@kernel
def _cost(points, quad, normal, turn):
    """Returns the cost of a quad cut along the diagonal from corner `turn`."""
    a, b, c, d = points[quad[turn]], points[quad[turn + 1]], points[quad[turn + 2]], points[quad[(turn + 3) % 4]]
    return _lean(a, b, c, normal) + _lean(a, c, d, normal)


@kernel
def _lean(a, b, c, normal):
    """Returns twice the triangle's area times 1 - cos of its angle to the normal, and a little for what is slim, more
    for what is folded.
    """
    x, y, z = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    u, v, w = c[0] - a[0], c[1] - a[1], c[2] - a[2]
    nx, ny, nz = y * w - z * v, z * u - x * w, x * v - y * u
    facing = nx * normal[0] + ny * normal[1] + nz * normal[2]
    missing = max(0.0, 1.0 - facing / SLIM)
    return math.sqrt(nx * nx + ny * ny + nz * nz) - facing + 0.02 * missing * missing


@kernel
def _split(points, quads, normals):
    """Returns two triangles of each quad [2 E, 3], along the diagonal that costs less, and their quads [2 E]."""
    faces, quad = np.empty((2 * len(quads), 3), np.int64), np.empty(2 * len(quads), np.int64)
    for q in range(len(quads)):
        turn = 1 if _cost(points, quads[q], normals[q], 1) < _cost(points, quads[q], normals[q], 0) else 0
        a, b, c, d = quads[q, turn], quads[q, turn + 1], quads[q, turn + 2], quads[q, (turn + 3) % 4]
        faces[2 * q, 0], faces[2 * q, 1], faces[2 * q, 2] = a, b, c
        faces[2 * q + 1, 0], faces[2 * q + 1, 1], faces[2 * q + 1, 2] = a, c, d
        quad[2 * q] = quad[2 * q + 1] = q
    return faces, quad


@kernel
def _merge(points, rank, faces, quad, normals, start, around, waiting):
    """Runs one round: every waiting vertex that crowds or is faulty goes to the neighbour on a crease or corner where
    that costs least.

    Faces that vanish get -1 for their first vertex. Returns the vertices [N] whose neighbourhood changed: a round
    touches none twice, so that `start` and `around` stay true of what it looks at.
    """
    locked = np.zeros(len(points), np.bool_)
    for v in range(len(points)):
        if locked[v] or not waiting[v]:
            continue
        target = _target(points, rank, faces, quad, normals, start, around, locked, v)
        if target < 0:
            continue
        for w in (v, target):  # their faces change: whatever touches them waits for the next round
            for f in around[start[w] : start[w + 1]]:
                for k in range(3):
                    locked[faces[f, k]] = True
        for f in around[start[v] : start[v + 1]]:
            if faces[f, 0] == target or faces[f, 1] == target or faces[f, 2] == target:
                faces[f, 0] = -1
            else:
                for k in range(3):
                    if faces[f, k] == v:
                        faces[f, k] = target
    return locked


@kernel
def _target(points, rank, faces, quad, normals, start, around, locked, v):
    """Returns the neighbour that v merges with, or -1: at a short edge one that costs no more, else, where v is faulty,
    one that costs less.
    """
    best, least, now = -1, np.inf, -1.0
    for f in around[start[v] : start[v + 1]]:
        for k in range(3):
            w = faces[f, k]
            # only sharp vertices take others in, and a corner gives way to a corner only
            if w == v or rank[w] < 2 or rank[w] < rank[v] and rank[v] == 3:
                continue
            if now < 0:
                now = _cost_at(points, faces, quad, normals, start, around, v, v)
            dx, dy, dz = points[w, 0] - points[v, 0], points[w, 1] - points[v, 1], points[w, 2] - points[v, 2]
            short = dx * dx + dy * dy + dz * dz < SHORT * SHORT
            if not short and now < (FAULTY if rank[v] >= 2 else 10 * FAULTY):
                continue
            cost = _cost_at(points, faces, quad, normals, start, around, v, w)
            if (
                cost < least
                and cost <= (now + 1e-3 if short else now - 1e-3)
                and _linked(faces, start, around, locked, v, w)
            ):
                best, least = w, cost
    return best


@kernel
def _cost_at(points, faces, quad, normals, start, around, v, w):
    """Returns the cost of v's faces, were v at w."""
    total = 0.0
    for f in around[start[v] : start[v + 1]]:
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        if w != v and (a == w or b == w or c == w):
            continue
        a, b, c = w if a == v else a, w if b == v else b, w if c == v else c
        total += _lean(points[a], points[b], points[c], normals[quad[f]])
    return total


@kernel
def _linked(faces, start, around, locked, v, w):
    """Returns whether v and w have only the two neighbours in common that their edge's faces have, so that the surface
    stays a manifold (the link condition, Dey et al. 1999).
    """
    common = 0
    for f in around[start[v] : start[v + 1]]:
        for k in range(3):
            o = faces[f, k]
            if locked[o]:
                return False
            if o != v and o != w:
                for g in around[start[w] : start[w + 1]]:
                    if faces[g, 0] == o or faces[g, 1] == o or faces[g, 2] == o:
                        common += 1
                        break
    return common == 4  # each neighbour of v is in two of its faces
