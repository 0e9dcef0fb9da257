"""Unwraps triangles that have no chart: every face is seen along the axis it faces most, and faces that would overlap
go to charts of their own.

Four steps: choose an axis for each face, smooth the choice by votes of neighbours, give small pieces to their
neighbours, and grow charts that do not overlap.
"""

import numpy as np

from zeroverse.core import affine
from zeroverse.core.jit import kernel

VOTES = 6  # rounds in which a face joins the axis that most of its neighbours have
SMALL = 24  # faces; smaller charts are given to their neighbours
_LEAN, _LEAST = (
    0.35,
    0.05,
)  # cosine between a face and its axis: at least this after a vote; at least this after being given away
_CELLS = 700.0  # of the overlap test along the side of a square as large as the surface: about a texel of a 1024 atlas


def box_charts(points: np.ndarray, faces: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the chart [F] int64 from 0 and the uv [F, 3, 2] of faces [F, 3]; a chart never crosses from one `group`
    [F] to another.

    uv is the view along one axis, in the unit of the points, not mirrored; no two faces of a chart overlap by more than
    a texel. Measured against xatlas in docs/papers.md, Geometry.
    """
    normals = affine.face_normals(points, faces)
    neighbours = _neighbours(faces, np.asarray(group, np.int64), len(points))
    unit = affine.unit(normals)
    axis = _voted(_nearest_axis(unit), unit, neighbours, VOTES)
    axis = _absorbed(axis, unit, neighbours, SMALL)
    uv = _projected(points, faces, axis)
    area = 0.5 * float(np.sqrt((normals * normals).sum(axis=1)).sum())
    cell = max(np.sqrt(area) / _CELLS, 1e-9)
    return _grown(uv, axis, neighbours, cell), uv


@kernel
def _neighbours(faces, group, count):  # [F, 3], [F] -> [F, 3]
    """Returns the face across edge (k, k + 1) of each face, -1 where there is none or it is of another group."""
    total = faces.shape[0]
    start = np.zeros(count + 1, np.int64)
    for f in range(total):
        for k in range(3):
            start[faces[f, k] + 1] += 1
    for v in range(count):
        start[v + 1] += start[v]
    place, edges = start[:-1].copy(), np.empty(3 * total, np.int64)
    for f in range(total):
        for k in range(3):
            v = faces[f, k]
            edges[place[v]] = 3 * f + k
            place[v] += 1
    out = np.full((total, 3), -1, np.int64)
    for f in range(total):
        for k in range(3):
            a, b = faces[f, k], faces[f, (k + 1) % 3]
            for slot in range(start[b], start[b + 1]):
                other, j = edges[slot] // 3, edges[slot] % 3
                if faces[other, (j + 1) % 3] == a and group[other] == group[f]:
                    out[f, k] = other
                    break
    return out


@kernel
def _toward(normals, f, axis):
    """Returns the cosine between a face and axis 0 … 5: +x -x +y -y +z -z."""
    value = normals[f, axis // 2]
    return value if axis % 2 == 0 else -value


@kernel
def _nearest_axis(normals):  # [F, 3] -> [F]
    """Returns the axis that each face faces most."""
    out = np.empty(normals.shape[0], np.int64)
    for f in range(out.size):
        best = 0
        for axis in range(1, 6):
            if _toward(normals, f, axis) > _toward(normals, f, best):
                best = axis
        out[f] = best
    return out


@kernel
def _voted(axis, normals, neighbours, rounds):
    """Returns the axes after rounds in which a face joins two neighbours that agree. Every round reads the round
    before, so the order of faces does not matter.
    """
    now = axis
    for _ in range(rounds):
        before, now = now, now.copy()
        for f in range(axis.size):
            for k in range(3):
                a, b = neighbours[f, k], neighbours[f, (k + 1) % 3]
                if a >= 0 and b >= 0 and before[a] == before[b] != before[f] and _toward(normals, f, before[a]) > _LEAN:
                    now[f] = before[a]
                    break
    return now


@kernel
def _pieces(axis, neighbours):
    """Returns the number of the piece [F] of connected faces of one axis, and its size [P]."""
    piece, sizes = np.full(axis.size, -1, np.int64), np.zeros(axis.size, np.int64)
    stack, count = np.empty(axis.size, np.int64), 0
    for seed in range(axis.size):
        if piece[seed] >= 0:
            continue
        piece[seed], stack[0], top = count, seed, 1
        while top:
            top -= 1
            f = stack[top]
            sizes[count] += 1
            for k in range(3):
                other = neighbours[f, k]
                if other >= 0 and piece[other] < 0 and axis[other] == axis[f]:
                    piece[other], stack[top] = count, other
                    top += 1
        count += 1
    return piece, sizes[:count]


@kernel
def _absorbed(axis, normals, neighbours, small):
    """Returns the axes after faces of small pieces took that of a large neighbour, from the rim inwards."""
    piece, sizes = _pieces(axis, neighbours)
    # a layer of faces a round, seen as of the round before, so that the order of faces does not matter
    settled = np.empty(axis.size, np.bool_)
    for f in range(axis.size):
        settled[f] = sizes[piece[f]] >= small
    axis = axis.copy()
    for _ in range(small):
        joined = 0
        was = settled.copy()
        for f in range(axis.size):
            if was[f]:
                continue
            best = -1
            for k in range(3):
                other = neighbours[f, k]
                if (
                    other >= 0
                    and was[other]
                    and (best < 0 or _toward(normals, f, axis[other]) > _toward(normals, f, best))
                ):
                    best = axis[other]
            if best >= 0 and _toward(normals, f, best) > _LEAST:
                axis[f], settled[f] = best, True
                joined += 1
        if joined == 0:
            break
    return axis


@kernel
def _projected(points, faces, axis):  # -> [F, 3, 2]
    """Returns (right, up) of the corners as seen from outside along the face's axis."""
    uv = np.empty((faces.shape[0], 3, 2))
    for f in range(faces.shape[0]):
        along = axis[f] // 2
        right, up = (along + 1) % 3, (along + 2) % 3
        sign = 1.0 if axis[f] % 2 == 0 else -1.0
        for k in range(3):
            uv[f, k, 0] = sign * points[faces[f, k], right]
            uv[f, k, 1] = points[faces[f, k], up]
    return uv


@kernel
def _stamp(uv, f, low_u, low_v, cell, grid, mark, test):
    """Returns whether a cell centre inside face f carries `mark` (test), or marks them all."""
    ax, ay = (uv[f, 0, 0] - low_u) / cell, (uv[f, 0, 1] - low_v) / cell
    bx, by = (uv[f, 1, 0] - low_u) / cell, (uv[f, 1, 1] - low_v) / cell
    cx, cy = (uv[f, 2, 0] - low_u) / cell, (uv[f, 2, 1] - low_v) / cell
    least = 1e-6  # cells on an edge belong to neither side
    for row in range(max(int(np.floor(min(ay, by, cy))), 0), min(int(np.floor(max(ay, by, cy))) + 1, grid.shape[0])):
        y = row + 0.5
        for column in range(
            max(int(np.floor(min(ax, bx, cx))), 0), min(int(np.floor(max(ax, bx, cx))) + 1, grid.shape[1])
        ):
            x = column + 0.5
            if (
                (bx - ax) * (y - ay) - (by - ay) * (x - ax) > least
                and (cx - bx) * (y - by) - (cy - by) * (x - bx) > least
                and (ax - cx) * (y - cy) - (ay - cy) * (x - cx) > least
            ):
                if test and grid[row, column] == mark:
                    return True
                grid[row, column] = grid[row, column] if test else mark
    return False


@kernel
def _boxes(uv, piece, count):
    """Returns least u, v and greatest u, v of every piece [P, 4]."""
    out = np.empty((count, 4))
    out[:, :2], out[:, 2:] = np.inf, -np.inf
    for f in range(piece.size):
        for k in range(3):
            for c in range(2):
                out[piece[f], c] = min(out[piece[f], c], uv[f, k, c])
                out[piece[f], 2 + c] = max(out[piece[f], 2 + c], uv[f, k, c])
    return out


@kernel
def _grown(uv, axis, neighbours, cell):
    """Returns the charts [F]: each grows from face to face until a face would cover what the chart already covers; such
    faces start charts of their own.
    """
    piece, sizes = _pieces(axis, neighbours)
    box = _boxes(uv, piece, sizes.size)
    rows = columns = 1
    for p in range(sizes.size):
        columns, rows = (
            max(columns, int((box[p, 2] - box[p, 0]) / cell) + 1),
            max(rows, int((box[p, 3] - box[p, 1]) / cell) + 1),
        )
    grid = np.full(
        (rows, columns), -1, np.int32
    )  # the last chart that covered a cell: charts are numbered, so it is never cleared
    # refused: the last chart that a face would have overlapped; it may still join a later one
    chart, refused = np.full(axis.size, -1, np.int64), np.full(axis.size, -1, np.int64)
    queue, count = np.empty(axis.size, np.int64), 0
    for seed in range(axis.size):
        if chart[seed] >= 0:
            continue
        low_u, low_v = box[piece[seed], 0], box[piece[seed], 1]
        chart[seed], queue[0], head, tail = count, seed, 0, 1
        _stamp(uv, seed, low_u, low_v, cell, grid, count, False)
        while head < tail:
            f = queue[head]
            head += 1
            for k in range(3):
                other = neighbours[f, k]
                if other < 0 or chart[other] >= 0 or refused[other] == count or piece[other] != piece[seed]:
                    continue
                if _stamp(uv, other, low_u, low_v, cell, grid, count, True):
                    refused[other] = count
                    continue
                _stamp(uv, other, low_u, low_v, cell, grid, count, False)
                chart[other], queue[tail] = count, other
                tail += 1
        count += 1
    return chart
