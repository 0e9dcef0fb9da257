"""From a signed distance to triangles: manifold dual contouring on sparse bricks, always closed and oriented, sharp
edges kept.

Every edge of the lattice (bricks.py) that crosses the surface gets its crossing and normal (Hermite data), and a quad:
one vertex in each of the four cells round it, one per patch of surface in a cell (Ju et al. 2002, Dual Contouring of
Hermite Data; several patches: Nielson 2004, Dual Marching Cubes; ambiguous faces: Wenger 2013, Isosurfaces, §5).
hermite.py says where each vertex belongs, creases.py puts it there.
"""

from functools import cache

import numpy as np

from detailverse.meshing.bricks import REACH, SIDE, Sampler, closed_over, crossing_edges, lattice, near_surface
from detailverse.meshing.creases import sharpened
from detailverse.meshing.hermite import fitted
from detailverse.sdf import Sdf
from detailverse.sdf.distances import PAINT
from zeroverse.core.jit import kernel


def polygonise(value: Sdf, spacing: float, bounds=None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the surface of `value` as points [N, 3], faces [F, 3] and the leaf of each face [F]: closed, every edge
    of two faces, positive volume.

    spacing: side of a cell; what is thinner than about two cells is lost. bounds: corners (low x, y, z, high x, y, z)
    of where to look, default those of the value. Raises ValueError where there is no surface, where it leaves the
    bounds, or where the lattice is too fine for memory.
    """
    low, cells = lattice(value.bounds if bounds is None else bounds, spacing)
    bricks, masks = near_surface(value, low, cells, spacing)
    bricks, masks, values, brick_of = closed_over(value.tape, bricks, masks, low, cells, spacing)
    edges, owner = crossing_edges(values, bricks)
    if len(edges) == 0:
        raise ValueError(
            f"polygonise: expected a surface, found none at spacing {spacing:.3g} within "
            f"{tuple(np.round(low, 3).tolist())} and up"
        )
    # Hermite data: where each edge crosses, and the normal there.
    sampler = Sampler(value.tape, masks, owner)
    places, normals = _hermite(sampler, edges, values, bricks, low, spacing)
    # Topology: a vertex per patch of surface in a cell, a quad per crossing edge. No position matters yet.
    rules, merging = _patch_tables()
    homes, home_brick, first, shape = _cells(values, bricks, brick_of, rules, merging)
    quads = _quads(edges, brick_of, values, owner, first, shape, rules)
    near = Sampler(value.tape, masks, home_brick)

    def field(points, vertices):
        """Returns the signed distances, in cells, of points [K, 3] in cells near the vertices [K]."""
        return near.values(low + spacing * points, vertices) / spacing

    # Geometry: where each vertex belongs, then the mesh without chamfers and folds.
    fit = fitted(quads, places, normals, homes, field)
    points, faces, quad = sharpened(fit, quads, places, normals, field)
    return low + spacing * points, faces, _leaves(value, sampler, points, faces, quad, places, low, spacing)


def _hermite(sampler, edges, values, bricks, low, spacing, rounds=12):
    """Returns where each edge crosses [E, 3], in cells, by false position (the Illinois rule), and the unit normals
    there [E, 3].
    """
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
    for corner in np.array(
        [[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]
    ):  # of a tetrahedron: four values give a gradient
        normals += corner * sampler.values(low + spacing * (places + 1e-4 * corner))[:, None]
    length = np.sqrt((normals * normals).sum(axis=1, keepdims=True))
    return places, normals / np.where(length > 0, length, 1.0)


@kernel
def _narrow(bracket, chosen, at, middle):
    """Cuts the brackets [E, 5] of the chosen edges at `at`; an end that stays twice counts half, so that it moves next
    time.
    """
    for n in range(len(chosen)):
        e = chosen[n]
        moved = 0 if (middle[n] < 0) == (bracket[e, 2] < 0) else 1
        if bracket[e, 4] == 1 + moved:
            bracket[e, 3 - moved] *= 0.5
        bracket[e, moved], bracket[e, 2 + moved], bracket[e, 4] = at[n], middle[n], 1 + moved


@cache
def _patch_tables() -> tuple[np.ndarray, np.ndarray]:
    """Returns rules [2, 256, 12]: the patch that each edge of a cell belongs to, -1 where it does not cross, for
    corners inside (bits) and both rules for ambiguous faces: their inside corners apart, or their outside corners; and
    merging [256]: the ambiguous face (2 axis + side) whose four edges the first rule puts on one patch, -1 where none:
    two such cells face to face would share an edge of four faces.

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
    """Returns the patch of each edge [12] where corners of the kind `apart` on ambiguous faces are kept apart, and
    those faces with their edges.
    """
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
    # edges that a face joins lie on one patch; patches are numbered by their least edge
    order = sorted({min(members) for members in group.values()})
    return [order.index(min(group[e])) if e in group else -1 for e in range(12)], ambiguous


def _ends(edge: int) -> tuple[int, int]:
    """Returns the two corners of an edge of a cell."""
    axis, u, w = edge // 4, edge // 2 % 2, edge % 2
    weight = (4, 2, 1)
    start = u * weight[(axis + 1) % 3] + w * weight[(axis + 2) % 3]
    return start, start + weight[axis]


def _face(face: int):
    """Returns the corners of a face in order round it, and its edges; edge t is between corners t and t + 1."""
    axis, side = divmod(face, 2)
    weight = (4, 2, 1)
    base, u, w = side * weight[axis], weight[(axis + 1) % 3], weight[(axis + 2) % 3]
    corners = (base, base + u, base + u + w, base + w)
    by_ends = {frozenset(_ends(e)): e for e in range(12)}
    return corners, [by_ends[frozenset((corners[t], corners[(t + 1) % 4]))] for t in range(4)]


@kernel
def _cells(values, bricks, brick_of, rules, merging):
    """Returns the cell of each vertex [N, 3] and the brick of that [N]; the first vertex of each cell [A, 8, 8, 8]; and
    each cell's corners inside, plus 256 under the second rule [A, 8, 8, 8].
    """
    count = len(bricks)
    first = np.full((count, SIDE, SIDE, SIDE), -1, dtype=np.int32)
    shape = np.zeros((count, SIDE, SIDE, SIDE), dtype=np.int16)
    crossed = 0
    for n in range(count):
        for i in range(SIDE):
            for j in range(SIDE):
                for k in range(SIDE):
                    bits = 0
                    for corner in range(8):
                        bits |= (values[n, i + (corner >> 2), j + (corner >> 1 & 1), k + (corner & 1)] < 0) << corner
                    shape[n, i, j, k] = bits
                    crossed += bits != 0 and bits != 255
    _choose_rules(shape, bricks, brick_of, merging)
    homes, home_brick = (
        np.empty((4 * crossed, 3), dtype=np.int64),
        np.empty(4 * crossed, dtype=np.int64),
    )  # a cell has at most four patches
    total = 0
    for n in range(count):
        for i in range(SIDE):
            for j in range(SIDE):
                for k in range(SIDE):
                    bits, rule = shape[n, i, j, k] & 255, shape[n, i, j, k] >> 8
                    if bits == 0 or bits == 255:
                        continue
                    first[n, i, j, k] = total
                    for _ in range(rules[rule, bits].max() + 1):
                        homes[total, 0], homes[total, 1], homes[total, 2] = (
                            SIDE * bricks[n, 0] + i,
                            SIDE * bricks[n, 1] + j,
                            SIDE * bricks[n, 2] + k,
                        )
                        home_brick[total] = n
                        total += 1
    return homes[:total].copy(), home_brick[:total].copy(), first, shape


@kernel
def _choose_rules(shape, bricks, brick_of, merging):
    """Gives the second rule to both of two cells that merge the four edges of the ambiguous face between them."""
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


@kernel
def _quads(edges, brick_of, values, owner, first, shape, rules):
    """Returns the vertices of the four cells round each crossing edge [E, 4], counter-clockwise from outside."""
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


def _leaves(value, sampler, points, faces, quad, places, low, spacing):
    """Returns the leaf at the middle of each face [F]; where that lies too far from its crossing for the masks to hold,
    at the crossing.
    """
    if not (value.tape.rows[:, 0] == PAINT).any():
        return np.zeros(len(faces), dtype=np.int64)
    middle, crossing = (points[faces[:, 0]] + points[faces[:, 1]] + points[faces[:, 2]]) / 3, places[quad]
    far = (np.abs(middle - crossing) > REACH).any(axis=1)
    return sampler.leaves(low + spacing * np.where(far[:, None], crossing, middle), quad)
