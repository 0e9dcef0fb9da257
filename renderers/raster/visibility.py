"""Which triangle is seen where: perspective visibility by 2D homogeneous rasterisation, and orthographic depth maps.

Perspective (Olano & Greer 1997): a pixel's ray r = ((x - cx) / fx, (y - cy) / fy, 1) meets the triangle P0 P1 P2
(camera space) where the three r . (Pj x Pk) have the sign of det = P0 . (P1 x P2); both are linear in the pixel's
position. Nothing is divided by a vertex's depth, so triangles that cross the near plane need no clipping. The two
triangles at an edge compute exact negatives there, so no pixel centre falls between them.
"""

import math
from typing import NamedTuple

import numpy as np

from renderers.geometry.normals import CREASE_COS
from renderers.geometry.textures import locate, sample
from zeroverse.core.jit import inlined, pure

NEAR = 0.01
TOLERANCE = 1e-9  # of an edge function's largest value: a sample this near to an edge is inside both triangles
SAME_DEPTH = 0.01  # relative depth within which neighbouring pixels can see one surface
CROSSING = 1.0 / NEAR  # greatest 1 / z of a face that comes nearer than the near plane
# how much further away a back face counts, relative: of two sheets in one place the one that faces the camera is seen
BEHIND = 1e-6


class Faces(NamedTuple):
    """The faces that a view can see, a row each in the order of the scene's. A buffer: `visibility` fills as many rows
    as it says.

    A row of `planes`, of a x + b y + c in pixels: 0..2 1 / z, 3..11 the edge functions opposite to each vertex, which
    are its weight times |det| / z; 12 the tolerance of those; 13 1 / det, negative where the camera sees the front; 14,
    15 the range of 1 / z.
    """

    face: np.ndarray  # [F] uint32: index in the scene
    box: np.ndarray  # [F, 4] int32: first and last column, first and last row that it touches
    planes: np.ndarray  # [F, 16] float64
    look: np.ndarray  # [F, 4] float32: unit normal, part


def faces_buffer(count: int) -> Faces:
    return Faces(
        np.empty(count, np.uint32),
        np.empty((count, 4), np.int32),
        np.empty((count, 16)),
        np.empty((count, 4), np.float32),
    )


@pure
def to_camera(vertices, c2w, intrinsics, width, height, camera, pixel):
    """Fills camera [N, 3] (OpenCV axes) and pixel [N, 2] from vertices [N, 3]; returns the image's rows and columns
    that they cover (y0, y1, x0, x1).

    When a vertex is nearer than the near plane, that is the whole image and every pixel position is void.
    """
    fx, fy, cx, cy = intrinsics[0], intrinsics[1], intrinsics[2], intrinsics[3]
    low_x = low_y = math.inf
    high_x = high_y = -math.inf
    crossing = False
    for i in range(len(vertices)):
        x, y, z = vertices[i, 0] - c2w[0, 3], vertices[i, 1] - c2w[1, 3], vertices[i, 2] - c2w[2, 3]
        camera[i, 0] = x * c2w[0, 0] + y * c2w[1, 0] + z * c2w[2, 0]
        camera[i, 1] = x * c2w[0, 1] + y * c2w[1, 1] + z * c2w[2, 1]
        camera[i, 2] = x * c2w[0, 2] + y * c2w[1, 2] + z * c2w[2, 2]
        if camera[i, 2] < NEAR:
            crossing = True
            continue
        inverse = 1.0 / camera[i, 2]
        pixel[i, 0], pixel[i, 1] = camera[i, 0] * inverse * fx + cx, camera[i, 1] * inverse * fy + cy
        low_x, high_x = min(low_x, pixel[i, 0]), max(high_x, pixel[i, 0])
        low_y, high_y = min(low_y, pixel[i, 1]), max(high_y, pixel[i, 1])
    if crossing:
        return 0, height, 0, width
    return clip(low_y, height), clip(high_y + 1.0, height), clip(low_x, width), clip(high_x + 1.0, width)


@inlined
def clip(x, size):  # floor, within 0 .. size
    return int(min(max(math.floor(x), 0.0), float(size)))


@inlined
def _first(low, offset):  # the first sample at i + offset not left of `low`, a millionth of a pixel generous
    return max(math.ceil(low - offset - 1e-6), -1.0)


@inlined
def _last(high, offset, size):
    return min(math.floor(high - offset + 1e-6), size - 1.0)


@pure
def _opaque(scene, f, b0, b1, b2):
    """Alpha test at barycentric weights that need not add up to one; the finest level, as a coarser one would thin out
    what is cut.
    """
    face, material = scene.faces[f], scene.face_material[f]
    total = b0 + b1 + b2
    if total <= 0.0:
        return True
    b0, b1, b2 = b0 / total, b1 / total, b2 / total
    alpha = scene.factors[material, 3]
    if scene.maps[material, 0] >= 0:
        p, q, r = scene.table[face[0]], scene.table[face[1]], scene.table[face[2]]
        u, v = b0 * p[0] + b1 * q[0] + b2 * r[0], b0 * p[1] + b1 * q[1] + b2 * r[1]
        alpha *= sample(
            scene.textures, scene.maps[material, 0], locate(scene.textures, scene.maps[material, 0], u, v, 0.0)
        )[3]
    if len(scene.colors):
        alpha *= b0 * scene.colors[face[0], 3] + b1 * scene.colors[face[1], 3] + b2 * scene.colors[face[2], 3]
    return alpha >= scene.factors[material, 7]


@inlined
def _edge(p, q, sign, lens):
    """Edge function through camera-space points p, q as (a, b, c): a x + b y + c in pixels. Exchanging p and q negates
    it exactly.
    """
    nx, ny, nz = (
        sign * (p[1] * q[2] - p[2] * q[1]),
        sign * (p[2] * q[0] - p[0] * q[2]),
        sign * (p[0] * q[1] - p[1] * q[0]),
    )
    a, b = nx * lens[0], ny * lens[1]
    return a, b, nz - a * lens[2] - b * lens[3]


@inlined
def _front(scene, camera, f):
    """A face's normal (not unit) and det, which is negative where the face looks at the camera; in the better
    conditioned form of P0 . (P1 x P2).
    """
    a, b, c = camera[scene.faces[f, 0]], camera[scene.faces[f, 1]], camera[scene.faces[f, 2]]
    x0, y0, z0 = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    x1, y1, z1 = c[0] - a[0], c[1] - a[1], c[2] - a[2]
    nx, ny, nz = y0 * z1 - z0 * y1, z0 * x1 - x0 * z1, x0 * y1 - y0 * x1
    return (nx, ny, nz), nx * a[0] + ny * a[1] + nz * a[2]


@inlined
def _extent(scene, camera, pixel, f, normal, det, cull, width, height):
    """(can it be seen, box in pixels, range of 1 / z) of a face; the whole image and every depth where it comes nearer
    than the near plane.
    """
    ia, ib, ic = scene.faces[f, 0], scene.faces[f, 1], scene.faces[f, 2]
    a, b, c = camera[ia], camera[ib], camera[ic]
    nearest, furthest = min(a[2], b[2], c[2]), max(a[2], b[2], c[2])
    seen = not (cull and det >= 0.0) and furthest >= NEAR
    # edge-on within 1e-7 radians: no width, and its depth would be rounding noise
    squared = normal[0] * normal[0] + normal[1] * normal[1] + normal[2] * normal[2]
    seen = seen and det * det > 1e-14 * squared * (a[0] * a[0] + a[1] * a[1] + a[2] * a[2])
    if not seen or nearest < NEAR:
        return seen, (0.0, float(width), 0.0, float(height)), (1.0 / max(furthest, NEAR), CROSSING)
    low_x, high_x = min(pixel[ia, 0], pixel[ib, 0], pixel[ic, 0]), max(pixel[ia, 0], pixel[ib, 0], pixel[ic, 0])
    low_y, high_y = min(pixel[ia, 1], pixel[ib, 1], pixel[ic, 1]), max(pixel[ia, 1], pixel[ib, 1], pixel[ic, 1])
    seen = high_x >= 0.0 and high_y >= 0.0 and low_x <= width and low_y <= height
    return seen, (low_x, high_x, low_y, high_y), (1.0 / furthest, 1.0 / nearest)


@inlined
def _set_up(scene, camera, lens, f, normal, det, box, limits, shape, faces, row):
    """Write what `Faces` says of face f into a row."""
    a, b, c = camera[scene.faces[f, 0]], camera[scene.faces[f, 1]], camera[scene.faces[f, 2]]
    sign = -1.0 if det < 0.0 else 1.0
    inverse = 1.0 / det
    ka, kb = normal[0] * inverse * lens[0], normal[1] * inverse * lens[1]  # 1 / z = n . r / det
    e, g, h = _edge(b, c, sign, lens), _edge(c, a, sign, lens), _edge(a, b, sign, lens)
    plane = faces.planes[row]
    plane[0], plane[1], plane[2] = ka, kb, normal[2] * inverse - ka * lens[2] - kb * lens[3]
    plane[3], plane[4], plane[5] = e
    plane[6], plane[7], plane[8] = g
    plane[9], plane[10], plane[11] = h
    plane[12], plane[13], plane[14], plane[15] = -TOLERANCE * abs(det), inverse, limits[0], limits[1]
    faces.face[row] = f
    faces.box[row, 0], faces.box[row, 1] = clip(box[0], shape[1] - 1), clip(box[1], shape[1] - 1)
    faces.box[row, 2], faces.box[row, 3] = clip(box[2], shape[0] - 1), clip(box[3], shape[0] - 1)
    faces.look[row, 0], faces.look[row, 1], faces.look[row, 2] = (
        scene.face_normals[f, 0],
        scene.face_normals[f, 1],
        scene.face_normals[f, 2],
    )
    faces.look[row, 3] = scene.face_part[f]


@inlined
def _lens(intrinsics):
    return 1.0 / intrinsics[0], 1.0 / intrinsics[1], intrinsics[2], intrinsics[3]


@inlined
def _depth_key(plane, x, row, weight):  # 1 / z of a face as depth tests compare it; 0 = nearer than the near plane
    k = plane[0] * x + row
    if plane[15] == CROSSING and k > CROSSING:
        return np.float32(0.0)
    return np.float32(min(max(k, plane[14]), plane[15]) * weight)


@inlined
def _weight(plane):  # of its depth
    return 1.0 if plane[13] < 0.0 else 1.0 - BEHIND


@pure
def visibility(scene, camera, pixel, intrinsics, cull, inverse_depth, index, faces):
    """Finds the nearest face at every pixel centre; returns how many rows of `faces` are filled.

    camera [N, 3], pixel [N, 2] from `to_camera`; cull: leave back faces out. inverse_depth [H, W] float32 (in: 0; out:
    1 / z) and index [H, W] int32 (in: -1; out: the face's row in `faces`).
    """
    height, width = index.shape
    lens = _lens(intrinsics)
    count = 0
    for f in range(len(scene.faces)):
        normal, det = _front(scene, camera, f)
        seen, box, limits = _extent(scene, camera, pixel, f, normal, det, cull, width, height)
        if not seen:
            continue
        _set_up(scene, camera, lens, f, normal, det, box, limits, index.shape, faces, count)
        plane = faces.planes[count]
        first, last = int(max(_first(box[0], 0.5), 0.0)), int(_last(box[1], 0.5, width))
        top, bottom = int(max(_first(box[2], 0.5), 0.0)), int(_last(box[3], 0.5, height))
        cutout, weight = scene.factors[scene.face_material[f], 7] > 0.0, _weight(plane)
        for row in range(top, bottom + 1):
            y = row + 0.5
            e_row, g_row, h_row, k_row = (
                plane[4] * y + plane[5],
                plane[7] * y + plane[8],
                plane[10] * y + plane[11],
                plane[1] * y + plane[2],
            )
            for column in range(first, last + 1):
                x = column + 0.5
                w0, w1, w2 = plane[3] * x + e_row, plane[6] * x + g_row, plane[9] * x + h_row
                if (w0 >= plane[12]) & (w1 >= plane[12]) & (w2 >= plane[12]):  # one branch to mispredict, not three
                    k = _depth_key(plane, x, k_row, weight)
                    if k > inverse_depth[row, column] and (not cutout or _opaque(scene, f, w0, w1, w2)):
                        inverse_depth[row, column] = k
                        index[row, column] = count
        count += 1
    return count


@pure
def sample_visibility(scene, faces, count, offsets, slots, busy, sample_depth, sample_index):
    """Finds the nearest face of every sample of the pixels that have a slot.

    faces, count: as `visibility` leaves them. offsets [S, 2]: each sample's place in its pixel, 0..1. slots [H, W]
    int32: a pixel's row in the sample arrays, or -1. busy [ceil(H / 8), ceil(W / 8)] bool: blocks that hold a slot.
    sample_depth [K, S] float32 (in: 0), sample_index [K, S] int32 (in: -1; out: a row of `faces`).
    """
    for r in range(count):
        first, last, top, bottom = faces.box[r, 0], faces.box[r, 1], faces.box[r, 2], faces.box[r, 3]
        if not _any_busy(busy, first, last, top, bottom):
            continue
        f, plane = faces.face[r], faces.planes[r]
        cutout, weight = scene.factors[scene.face_material[f], 7] > 0.0, _weight(plane)
        for row in range(top, bottom + 1):
            for column in range(first, last + 1):
                slot = slots[row, column]
                if slot < 0:
                    continue
                for s in range(len(offsets)):
                    x, y = column + offsets[s, 0], row + offsets[s, 1]
                    w0, w1, w2 = (
                        plane[3] * x + (plane[4] * y + plane[5]),
                        plane[6] * x + (plane[7] * y + plane[8]),
                        plane[9] * x + (plane[10] * y + plane[11]),
                    )
                    if (w0 >= plane[12]) & (w1 >= plane[12]) & (w2 >= plane[12]):
                        k = _depth_key(plane, x, plane[1] * y + plane[2], weight)
                        if k > sample_depth[slot, s] and (not cutout or _opaque(scene, f, w0, w1, w2)):
                            sample_depth[slot, s] = k
                            sample_index[slot, s] = r


@inlined
def _any_busy(busy, first, last, top, bottom):
    for row in range(top >> 3, (bottom >> 3) + 1):
        for column in range(first >> 3, (last >> 3) + 1):
            if busy[row, column]:
                return True
    return False


@inlined
def same_surface(look, r, other, k, k_other):
    """Returns whether the faces in two rows, seen at inverse depths k and k_other, are one smooth surface: one part, no
    step in depth, no crease.
    """
    if r == other:
        return True
    if r < 0 or other < 0 or abs(k - k_other) > SAME_DEPTH * k:
        return False
    p, q = look[r], look[other]
    return p[3] == q[3] and abs(p[0] * q[0] + p[1] * q[1] + p[2] * q[2]) >= CREASE_COS


@inlined
def _mark_hidden_point(px, py, k, inverse_depth, slots):
    """Mark the pixel of a surface point that its centre does not see although nothing stands before the point: detail
    finer than a pixel.
    """
    column, row = math.floor(px), math.floor(py)
    if 0.0 <= column < slots.shape[1] and 0.0 <= row < slots.shape[0]:
        i, j = int(row), int(column)
        if k > inverse_depth[i, j] * (1.0 + SAME_DEPTH):
            slots[i, j] = 0


@pure
def mark_edges(scene, camera, pixel, faces, count, index, inverse_depth, bounds, slots, busy, pixels):
    """Finds the pixels that need more than one sample and numbers them; returns how many there are.

    Those whose neighbours see another surface, and those in front of whose centre's surface a vertex or an edge passes
    (walked a pixel at a time). bounds: rows and columns that the object covers. Holes cut by alpha only mark more than
    they need. slots [H, W] int32, busy [ceil(H / 8), ceil(W / 8)] bool, pixels [H W] int32, the place of each: out.
    """
    y0, y1, x0, x1 = bounds
    slots[:] = -1
    busy[:] = False
    for y in range(y0, y1):
        for x in range(x0, x1):
            if x + 1 < slots.shape[1] and not same_surface(
                faces.look, index[y, x], index[y, x + 1], inverse_depth[y, x], inverse_depth[y, x + 1]
            ):
                slots[y, x] = slots[y, x + 1] = 0
            if y + 1 < slots.shape[0] and not same_surface(
                faces.look, index[y, x], index[y + 1, x], inverse_depth[y, x], inverse_depth[y + 1, x]
            ):
                slots[y, x] = slots[y + 1, x] = 0
    for i in range(len(camera)):
        if camera[i, 2] >= NEAR:
            _mark_hidden_point(pixel[i, 0], pixel[i, 1], 1.0 / camera[i, 2], inverse_depth, slots)
    for r in range(count):  # what can be seen of other faces are edges that they share with one of these
        f = faces.face[r]
        a, b, c = scene.faces[f, 0], scene.faces[f, 1], scene.faces[f, 2]
        _mark_along(camera, pixel, a, b, inverse_depth, slots)
        _mark_along(camera, pixel, b, c, inverse_depth, slots)
        _mark_along(camera, pixel, c, a, inverse_depth, slots)
    return _number(slots, busy, pixels, bounds)


@inlined
def _mark_along(camera, pixel, i, j, inverse_depth, slots):  # between vertices i and j, a pixel at a time
    dx, dy = pixel[j, 0] - pixel[i, 0], pixel[j, 1] - pixel[i, 1]
    if abs(dx) < 1.0 and abs(dy) < 1.0 or camera[i, 2] < NEAR or camera[j, 2] < NEAR:
        return
    steps = int(min(max(abs(dx), abs(dy)), 4096.0)) + 1
    k, dk = 1.0 / camera[i, 2], 1.0 / camera[j, 2] - 1.0 / camera[i, 2]
    for step in range(1, steps):
        t = step / steps
        _mark_hidden_point(pixel[i, 0] + t * dx, pixel[i, 1] + t * dy, k + t * dk, inverse_depth, slots)


@pure
def _number(slots, busy, pixels, bounds):
    count = 0
    for y in range(bounds[0], min(bounds[1] + 1, slots.shape[0])):
        for x in range(bounds[2], min(bounds[3] + 1, slots.shape[1])):
            if slots[y, x] >= 0:
                slots[y, x], pixels[count] = count, y * slots.shape[1] + x
                busy[y >> 3, x >> 3] = True
                count += 1
    return count


@pure
def orthographic(scene, points, near, far):
    """Finds the greatest depth over every texel centre, and greatest -depth. points [N, 3]: texel x, texel y, depth.
    near, far [n, n] float32 (in: -inf).
    """
    size = near.shape[0]
    for f in range(len(scene.faces)):
        a, b, c = points[scene.faces[f, 0]], points[scene.faces[f, 1]], points[scene.faces[f, 2]]
        first, last = int(_first(min(a[0], b[0], c[0]), 0.5)), int(_last(max(a[0], b[0], c[0]), 0.5, size))
        top, bottom = int(_first(min(a[1], b[1], c[1]), 0.5)), int(_last(max(a[1], b[1], c[1]), 0.5, size))
        if first > last or top > bottom:
            continue
        area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
        if abs(area) < 1e-9:
            continue
        inverse = 1.0 / area
        a1, b1 = (c[1] - a[1]) * inverse, (a[0] - c[0]) * inverse
        a2, b2 = (a[1] - b[1]) * inverse, (b[0] - a[0]) * inverse
        d1, d2 = b[2] - a[2], c[2] - a[2]
        cutout = scene.factors[scene.face_material[f], 7] > 0.0
        for row in range(max(top, 0), bottom + 1):
            y = row + 0.5 - a[1]
            for column in range(max(first, 0), last + 1):
                x = column + 0.5 - a[0]
                w1, w2 = a1 * x + b1 * y, a2 * x + b2 * y
                inside = (w1 >= -1e-9) & (w2 >= -1e-9) & (w1 + w2 <= 1.0 + 1e-9)
                if cutout and inside and not _opaque(scene, f, 1.0 - w1 - w2, w1, w2):
                    continue
                depth = np.float32(
                    a[2] + w1 * d1 + w2 * d2
                )  # a value is chosen, as a branch would be mispredicted at every other texel
                near[row, column] = max(near[row, column], depth if inside else np.float32(-np.inf))
                far[row, column] = max(far[row, column], -depth if inside else np.float32(-np.inf))
