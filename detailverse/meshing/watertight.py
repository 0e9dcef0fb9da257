"""Turns any triangles into the closed surface that can be seen from outside: unsigned distances, invisible cells reset,
extraction, pieces dropped.

After TripoSG, section 4 (IV), whose authors give neither the visibility test nor the numbers. Here a cell is visible
when the outside reaches it: a flood from the border of the grid through cells further than `epsilon` from the surface.
What the flood does not reach is inside, whatever walls it holds; no sign, winding or closedness of the input is needed.
The surface lies `epsilon` outside the input's.
"""

from dataclasses import asdict, dataclass

import numpy as np

from detailverse.meshing import marching_cubes
from detailverse.spatial.pieces import openness, piece_areas
from zeroverse.core.jit import kernel
from zeroverse.core.topology import vertex_pieces

HALF = 1.0  # the grid spans [-1, 1]³: objects reach 0.9, so that the outside is one piece around them
BAND = 1.5  # cells beyond epsilon to which distances are exact: extraction looks one cell further than epsilon
FINE = 8.0  # cells: triangles with longer edges are split, because a long slanted one has a large box around it
# times the cell 2 / resolution: what public shape-VAE data uses (Dora, Hunyuan3D-2.1)
EPSILON_CELLS = 1.0
# of the whole area, beside a ball of radius 2 epsilon, which a single point nearly becomes: smaller loose pieces are
# dust. Ours
CRUMB_AREA = 5e-4
HIDDEN_AREA = 0.05  # larger pieces stay even when they are hidden, as the load of a lorry does
HIDDEN_OPENNESS = 0.05  # of the directions that a flat surface sees. Ours: the inside of a narrow bottle has more


@dataclass(frozen=True)
class Piece:
    """A connected piece that was dropped: its share of the area, the share of its half-space that it sees, and why."""

    area: float
    openness: float
    reason: str


@dataclass(frozen=True, eq=False)
class Watertight:
    """A closed surface, and how it came about.

    points [N, 3], faces [F, 3]: closed, wound counter-clockwise from outside. resolution: cells along an axis; epsilon:
    object units. reset: cells whose distance was reset because they cannot be seen. kept: how many pieces.
    """

    points: np.ndarray
    faces: np.ndarray
    resolution: int
    epsilon: float
    reset: int
    kept: int
    dropped: tuple[Piece, ...]

    def report(self) -> dict:
        """Returns the numbers, without the mesh, ready for JSON."""
        return {
            "resolution": self.resolution,
            "epsilon": self.epsilon,
            "cells_reset": self.reset,
            "triangles": len(self.faces),
            "pieces_kept": self.kept,
            "pieces_dropped": [asdict(piece) for piece in self.dropped],
        }


def watertight(
    points: np.ndarray, faces: np.ndarray, resolution: int = 256, epsilon_cells: float = EPSILON_CELLS
) -> Watertight:
    """Returns the closed surface of points [N, 3] inside [-0.95, 0.95]³ and faces [F, 3] in any order and winding.
    Raises ValueError for others, and where nothing is left.
    """
    if resolution < 16:
        raise ValueError(f"resolution: expected at least 16, got {resolution}")
    if not len(faces):
        raise ValueError("faces: expected at least one triangle, got none")
    if not (reach := float(np.abs(points).max())) <= 0.95 * HALF:  # nan is not either
        raise ValueError(f"points: expected finite coordinates inside [-0.95, 0.95]³, got one as large as {reach:.3g}")
    step = 2.0 * HALF / resolution
    epsilon = epsilon_cells * step
    # TripoSG's three steps: distances, a sign by what can be seen, extraction and the dropping of pieces.
    field = unsigned_distance(points, faces, resolution, epsilon + BAND * step)
    reset = sign_by_flood(field, np.float32(epsilon))
    surface = marching_cubes.extract(field, -HALF, step)
    del field
    return _without_crumbs(*surface, resolution, epsilon, reset)


def _without_crumbs(points, faces, resolution, epsilon, reset) -> Watertight:
    """Returns the surface without the pieces that `_fault` names."""
    piece = vertex_pieces(faces, len(points))
    areas, seen = piece_areas(points, faces, piece), openness(points, faces, piece)
    total = areas.sum()
    areas, crumb = areas / total, CRUMB_AREA + 16.0 * np.pi * epsilon * epsilon / total
    largest = int(np.argmax(areas))
    dropped = {
        number: reason
        for number in range(len(areas))
        if number != largest and (reason := _fault(areas[number], seen[number], crumb))
    }
    keep = ~np.isin(piece, list(dropped))[faces[:, 0]]
    used, packed = np.unique(faces[keep], return_inverse=True)
    rows = tuple(
        Piece(round(float(areas[number]), 6), round(float(seen[number]), 4), reason)
        for number, reason in dropped.items()
    )
    return Watertight(points[used], packed.reshape(-1, 3), resolution, epsilon, reset, len(areas) - len(rows), rows)


def _fault(area: float, seen: float, crumb: float) -> str:
    """Returns why a piece is dropped, "" where it stays. area: its share of all; seen: its openness; crumb: the least
    area.
    """
    if area < crumb:
        return "crumb"
    return "hidden" if area < HIDDEN_AREA and seen < HIDDEN_OPENNESS else ""


def unsigned_distance(points: np.ndarray, faces: np.ndarray, resolution: int, band: float) -> np.ndarray:
    """Returns the distance to the nearest triangle, exact up to `band` and `band` beyond: [n, n, n] float32, n =
    resolution + 1, x first, at nodes from -1 to 1.
    """
    field = np.full((resolution + 1,) * 3, band, np.float32)
    scale = resolution / (2.0 * HALF)
    _scatter(
        (np.asarray(points, np.float64) + HALF) * scale, np.asarray(faces, np.int64), band * scale, 1.0 / scale, field
    )
    return field


@kernel
def _scatter(points, faces, band, step, field):
    """Writes the distance of every triangle, split until its edges are `FINE` at most, to the nodes in reach. All in
    cell units.
    """
    stack = np.empty((256, 3, 3))
    for f in range(len(faces)):
        depth = 1
        for corner in range(3):
            stack[0, corner] = points[faces[f, corner]]
        while depth > 0:
            depth -= 1
            a, b, c = stack[depth, 0].copy(), stack[depth, 1].copy(), stack[depth, 2].copy()
            ab, bc, ca = ((b - a) ** 2).sum(), ((c - b) ** 2).sum(), ((a - c) ** 2).sum()
            if max(ab, bc, ca) <= FINE * FINE or depth > 250:
                _reach(a, b, c, band, step, field)
                continue
            if ab >= bc and ab >= ca:  # turned so that the longest edge is a-b
                pass
            elif bc >= ca:
                a, b, c = b, c, a
            else:
                a, b, c = c, a, b
            middle = 0.5 * (a + b)
            stack[depth, 0], stack[depth, 1], stack[depth, 2] = a, middle, c
            stack[depth + 1, 0], stack[depth + 1, 1], stack[depth + 1, 2] = middle, b, c
            depth += 2


@kernel
def _reach(a, b, c, band, step, field):
    """Lowers the field at all nodes within `band` of one triangle to the distance to it."""
    n = field.shape[0]
    low, high = np.empty(3, np.int64), np.empty(3, np.int64)
    for axis in range(3):
        low[axis] = max(int(np.ceil(min(a[axis], b[axis], c[axis]) - band)), 0)
        high[axis] = min(int(np.floor(max(a[axis], b[axis], c[axis]) + band)), n - 1)
    limit = band * band
    for i in range(low[0], high[0] + 1):
        for j in range(low[1], high[1] + 1):
            for k in range(low[2], high[2] + 1):
                square = _square_distance(float(i), float(j), float(k), a, b, c)
                if square < limit:
                    distance = np.float32(step * np.sqrt(square))
                    if distance < field[i, j, k]:
                        field[i, j, k] = distance


@kernel
def _square_distance(x, y, z, a, b, c):
    """Returns the square of the distance from a point to a triangle, by the region of the plane that its foot lies in
    (Ericson 2005, Real-Time Collision Detection, §5.1.5).
    """
    ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    vx, vy, vz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
    px, py, pz = x - a[0], y - a[1], z - a[2]
    d1, d2 = ux * px + uy * py + uz * pz, vx * px + vy * py + vz * pz
    uu, uv, vv = ux * ux + uy * uy + uz * uz, ux * vx + uy * vy + uz * vz, vx * vx + vy * vy + vz * vz
    d3, d4, d5, d6 = d1 - uu, d2 - uv, d1 - uv, d2 - vv
    va, vb, vc = d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2
    s, t = 0.0, 0.0
    if d1 <= 0 and d2 <= 0:
        pass
    elif d3 >= 0 and d4 <= d3:
        s = 1.0
    elif d6 >= 0 and d5 <= d6:
        t = 1.0
    elif vc <= 0 and d1 >= 0 and d3 <= 0:
        s = d1 / (d1 - d3)
    elif vb <= 0 and d2 >= 0 and d6 <= 0:
        t = d2 / (d2 - d6)
    elif va <= 0 and d4 - d3 >= 0 and d5 - d6 >= 0:
        t = (d4 - d3) / ((d4 - d3) + (d5 - d6))
        s = 1.0 - t
    else:
        total = va + vb + vc
        if total != 0.0:
            s, t = vb / total, vc / total
    rx, ry, rz = px - s * ux - t * vx, py - s * uy - t * vy, pz - s * uz - t * vz
    return rx * rx + ry * ry + rz * rz


@kernel
def sign_by_flood(field, epsilon):
    """Turns unsigned distances, in place, into distance - epsilon outside and negative values everywhere else, and
    returns how many nodes beyond epsilon were reset.

    The flood takes a row at a time: the stack holds where rows begin, so it stays short.
    """
    n = field.shape[0]
    outside = np.zeros(field.shape, np.bool_)
    stack = np.empty((1 << 20, 3), np.int32)
    stack[0] = 0
    depth = 1
    while depth > 0:
        depth -= 1
        i, j, k = stack[depth, 0], stack[depth, 1], stack[depth, 2]
        if outside[i, j, k]:
            continue
        # back to the start of the free run that holds this node, then along it; its four neighbours seed new runs
        while k > 0 and field[i, j, k - 1] > epsilon:
            k -= 1
        first = k
        while k < n and field[i, j, k] > epsilon:
            outside[i, j, k] = True
            k += 1
        for side in range(4):
            a, b = i + (side == 0) - (side == 1), j + (side == 2) - (side == 3)
            if not (0 <= a < n and 0 <= b < n):
                continue
            before = False
            for m in range(first, k):
                free = field[a, b, m] > epsilon and not outside[a, b, m]
                if free and not before:
                    if depth == len(stack):
                        longer = np.empty((2 * len(stack), 3), np.int32)
                        longer[:depth] = stack
                        stack = longer
                    stack[depth, 0], stack[depth, 1], stack[depth, 2] = a, b, m
                    depth += 1
                before = free
    reset = 0
    for i in range(n):
        for j in range(n):
            for k in range(n):
                if outside[i, j, k]:
                    field[i, j, k] -= epsilon
                elif field[i, j, k] > epsilon:
                    field[i, j, k] = -field[i, j, k]
                    reset += 1
                else:
                    field[i, j, k] = min(field[i, j, k] - epsilon, np.float32(-1e-9))
    return reset
