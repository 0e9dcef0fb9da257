"""Triangle soup -> shading-ready triangles: crease-aware normals, long edges split, closedness. Exact arithmetic only
(+ - * / sqrt).

World frame; indices are into the arrays passed in. All sums run in a fixed order, so the same mesh gives the same bits
anywhere.
"""

import math

import numpy as np

from zeroverse.core.jit import kernel, pure
from zeroverse.core.topology import closed, vertex_pieces

CREASE_COS = 0.766  # faces that meet at more than 40 degrees keep an edge between them


@kernel
def face_normals(vertices, faces):  # [N, 3], [F, 3] -> [F, 3]
    """Returns unit normals, counter-clockwise faces; zero where the face has no area."""
    normals = np.zeros((len(faces), 3))
    for f in range(len(faces)):
        a, b, c = vertices[faces[f, 0]], vertices[faces[f, 1]], vertices[faces[f, 2]]
        x0, y0, z0 = b[0] - a[0], b[1] - a[1], b[2] - a[2]
        x1, y1, z1 = c[0] - a[0], c[1] - a[1], c[2] - a[2]
        x, y, z = y0 * z1 - z0 * y1, z0 * x1 - x0 * z1, x0 * y1 - y0 * x1
        length = math.sqrt(x * x + y * y + z * z)
        if length > 1e-20:
            normals[f, 0], normals[f, 1], normals[f, 2] = x / length, y / length, z / length
    return normals


@pure
def _angle(vertices, corner, left, right):
    """Angle at `corner` in radians, within 7e-5 (Abramowitz & Stegun 4.4.45); a weight, so portable matters more than
    exact.
    """
    p, a, b = vertices[corner], vertices[left], vertices[right]
    x0, y0, z0 = a[0] - p[0], a[1] - p[1], a[2] - p[2]
    x1, y1, z1 = b[0] - p[0], b[1] - p[1], b[2] - p[2]
    lengths = math.sqrt((x0 * x0 + y0 * y0 + z0 * z0) * (x1 * x1 + y1 * y1 + z1 * z1))
    cosine = min(max((x0 * x1 + y0 * y1 + z0 * z1) / max(lengths, 1e-300), -1.0), 1.0)
    c = abs(cosine)
    angle = math.sqrt(1.0 - c) * (1.5707288 + c * (-0.2121144 + c * (0.0742610 - 0.0187293 * c)))
    return angle if cosine >= 0.0 else math.pi - angle


@kernel
def _corners_by_position(faces, ids, count):
    """Corners 3 f + k listed by the position they stand on: (start [count + 1], corners [3 F])."""
    start = np.zeros(count + 1, np.int64)
    for f in range(len(faces)):
        for k in range(3):
            start[ids[faces[f, k]] + 1] += 1
    for i in range(count):
        start[i + 1] += start[i]
    fill = start[:-1].copy()
    corners = np.empty(3 * len(faces), np.int64)
    for f in range(len(faces)):
        for k in range(3):
            i = ids[faces[f, k]]
            corners[fill[i]] = 3 * f + k
            fill[i] += 1
    return start, corners


@pure
def _smooth_normal(normals_f, weight, corners, first, end, f):
    """Normal at a position for face f: the weighted sum over the corners first .. end there whose faces it does not
    meet at a crease.
    """
    nx, ny, nz = normals_f[f, 0], normals_f[f, 1], normals_f[f, 2]
    x = y = z = 0.0
    for m in range(first, end):
        g = corners[m] // 3
        if nx * normals_f[g, 0] + ny * normals_f[g, 1] + nz * normals_f[g, 2] >= CREASE_COS:
            x += weight[m] * normals_f[g, 0]
            y += weight[m] * normals_f[g, 1]
            z += weight[m] * normals_f[g, 2]
    length = math.sqrt(x * x + y * y + z * z)
    return (x / length, y / length, z / length) if length > 1e-12 else (nx, ny, nz)


@kernel
def crease_normals(vertices, faces, ids, normals_f):
    """Returns angle-weighted normals over the faces that meet a corner's face at less than the crease angle, seams in
    UV ignored.

    vertices [N, 3], faces [F, 3], ids [N] from `weld`, normals_f [F, 3] -> source [M] (the vertex each new one copies),
    normals [M, 3], faces [F, 3] into the new vertices. A vertex is duplicated only where its corners disagree.
    """
    start, corners = _corners_by_position(faces, ids, ids.max() + 1)
    weight = np.empty(len(corners))
    for i in range(len(corners)):
        f, k = corners[i] // 3, corners[i] % 3
        weight[i] = _angle(vertices, faces[f, k], faces[f, (k + 1) % 3], faces[f, (k + 2) % 3])
    source = np.empty(len(corners), np.int64)
    normals = np.empty((len(corners), 3))
    new_faces = np.empty((len(faces), 3), np.int64)
    count = 0
    for i in range(len(start) - 1):
        first = count  # vertices made at this position are first .. count
        for j in range(start[i], start[i + 1]):
            f, k = corners[j] // 3, corners[j] % 3
            x, y, z = _smooth_normal(normals_f, weight, corners, start[i], start[i + 1], f)
            found = first
            while found < count and not (
                source[found] == faces[f, k]
                and normals[found, 0] == x
                and normals[found, 1] == y
                and normals[found, 2] == z
            ):
                found += 1
            if found == count:
                source[count] = faces[f, k]
                normals[count, 0], normals[count, 1], normals[count, 2] = x, y, z
                count += 1
            new_faces[f, k] = found
    return source[:count].copy(), normals[:count].copy(), new_faces


def is_closed(vertices: np.ndarray, faces: np.ndarray, ids: np.ndarray) -> bool:
    """Returns True when every edge is shared by two faces that run along it in opposite directions and every connected
    piece has positive volume.

    From outside such a surface no back face is ever visible.
    """
    corners = ids[faces]
    if not closed(corners):
        return False
    piece = vertex_pieces(corners, int(ids.max()) + 1)
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    cross = a[:, [1, 2, 0]] * b[:, [2, 0, 1]] - a[:, [2, 0, 1]] * b[:, [1, 2, 0]]
    volume = np.bincount(
        piece[corners[:, 0]], weights=cross[:, 0] * c[:, 0] + cross[:, 1] * c[:, 1] + cross[:, 2] * c[:, 2]
    )
    return bool((volume[np.unique(piece[corners[:, 0]])] > 0).all())


@kernel
def _subdivide(faces, middle):
    """faces [F, 3], middle [F, 3] (new vertex on edge k -> k + 1, or -1) -> faces [G, 3], the face each came from
    [G].
    """
    out = np.empty((4 * len(faces), 3), np.int64)
    source = np.empty(4 * len(faces), np.int64)
    count = 0
    for f in range(len(faces)):
        split = (middle[f, 0] >= 0) + (middle[f, 1] >= 0) + (middle[f, 2] >= 0)
        k = 0  # rotate so that edge 0 is split, and with two split edges, edges 0 and 1
        while split in (1, 2) and not (middle[f, k] >= 0 and (split == 1 or middle[f, (k + 1) % 3] >= 0)):
            k += 1
        a, b, c = faces[f, k], faces[f, (k + 1) % 3], faces[f, (k + 2) % 3]
        ab, bc, ca = middle[f, k], middle[f, (k + 1) % 3], middle[f, (k + 2) % 3]
        first = count
        if split == 1:
            out[count], out[count + 1] = (a, ab, c), (ab, b, c)
        elif split == 2:
            out[count], out[count + 1], out[count + 2] = (ab, b, bc), (a, ab, bc), (a, bc, c)
        elif split == 3:
            out[count], out[count + 1], out[count + 2], out[count + 3] = (
                (a, ab, ca),
                (ab, b, bc),
                (ca, bc, c),
                (ab, bc, ca),
            )
        else:
            out[count] = (a, b, c)
        count += split + 1
        source[first:count] = f
    return out[:count].copy(), source[:count].copy()


def _lengths2(vertices, faces):  # [F, 3] squared length of the edges k -> k + 1; the same for both directions
    delta = vertices[faces] - vertices[np.roll(faces, -1, axis=1)]
    return delta[..., 0] * delta[..., 0] + delta[..., 1] * delta[..., 1] + delta[..., 2] * delta[..., 2]


def split_long_edges(
    table: np.ndarray, faces: np.ndarray, limit: float, max_faces: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Halves edges until none is longer than `limit`, or until a further round would pass `max_faces`.

    table [N, C]: position in the first three columns, and what else to interpolate. faces [F, 3]. Returns table, faces
    and the face each came from. Both sides of an edge see the same two positions, so both split it or neither does: no
    cracks, and (a + b) / 2 is exact in both.
    """
    done_faces, done_source = [], []
    source = np.arange(len(faces))
    total = len(faces)
    while len(faces):
        long = _lengths2(table[:, :3], faces) > limit * limit
        busy = long.any(axis=1)
        if total + long.sum() > max_faces:
            break
        done_faces.append(faces[~busy])
        done_source.append(source[~busy])
        faces, source, long = faces[busy], source[busy], long[busy]
        low, high = (
            np.minimum(faces, np.roll(faces, -1, axis=1))[long],
            np.maximum(faces, np.roll(faces, -1, axis=1))[long],
        )
        keys, inverse = np.unique(low * len(table) + high, return_inverse=True)
        middle = np.full(faces.shape, -1)
        middle[long] = len(table) + inverse
        table = np.concatenate([table, (table[keys // len(table)] + table[keys % len(table)]) / 2])
        faces, parent = _subdivide(faces, middle)
        source = source[parent]
        total = len(faces) + sum(len(part) for part in done_faces)
    return table, np.concatenate([*done_faces, faces]), np.concatenate([*done_source, source])
