"""How much of the sky each vertex sees, and shadow maps: small orthographic depth maps of the whole object, drawn once
per render call.

No ray tracer: opposite directions share one drawing, which keeps the greatest depth and the greatest negated depth.
"""

import math
from functools import cache

import numpy as np

from renderers.raster.visibility import orthographic
from zeroverse.core.jit import kernel, pure
from zeroverse.core.portable import cos_sin_array

# axes, each seen from both ends: 96 directions, about 48 of them above any surface; with 64 cavities look smudged
AXES = 48
MAP_SIZE = 192  # texels across the object for occlusion
SHADOW_SIZE = 512
LIFT = (
    1.5  # texels that a look-up is lifted off the surface: a plane's own texels then never cover it, whatever its slope
)
# a vertex that sees less than this is inside another part, or nearly; its value would bleed into visible neighbours
BURIED = 0.15


@cache
def axes() -> np.ndarray:  # [AXES, 3]
    """Returns unit vectors spread over the upper hemisphere on a Fibonacci spiral."""
    i = np.arange(AXES)
    z = (i + 0.5) / AXES
    cosine, sine = cos_sin_array(i * 2.399963229728653)  # the golden angle
    r = np.sqrt(1.0 - z * z)
    return np.stack([r * cosine, r * sine, z], axis=1)


@kernel
def frame_of(direction):
    """Returns two unit vectors that make a right-handed frame with `direction`: [3, 3], rows x, y, direction (Duff et
    al. 2017).
    """
    x, y, z = direction[0], direction[1], direction[2]
    sign = 1.0 if z >= 0.0 else -1.0
    a = -1.0 / (sign + z)
    b = x * y * a
    frame = np.empty((3, 3))
    frame[0, 0], frame[0, 1], frame[0, 2] = 1.0 + sign * x * x * a, sign * b, -sign * x
    frame[1, 0], frame[1, 1], frame[1, 2] = b, sign + y * y * a, -y
    frame[2, 0], frame[2, 1], frame[2, 2] = x, y, z
    return frame


@pure
def to_map(vertices, frame, size, points):
    """Projects from the world to texels: points [N, 3] = (x, y, depth along the direction). Returns (texels per unit, x
    and y of texel 0), two texels of margin.
    """
    low_x = low_y = math.inf
    high_x = high_y = -math.inf
    for i in range(len(vertices)):
        x, y, z = vertices[i, 0], vertices[i, 1], vertices[i, 2]
        points[i, 0] = frame[0, 0] * x + frame[0, 1] * y + frame[0, 2] * z
        points[i, 1] = frame[1, 0] * x + frame[1, 1] * y + frame[1, 2] * z
        points[i, 2] = frame[2, 0] * x + frame[2, 1] * y + frame[2, 2] * z
        low_x, high_x = min(low_x, points[i, 0]), max(high_x, points[i, 0])
        low_y, high_y = min(low_y, points[i, 1]), max(high_y, points[i, 1])
    scale = (size - 4.0) / max(high_x - low_x, high_y - low_y, 1e-9)
    x0, y0 = low_x - 2.0 / scale, low_y - 2.0 / scale
    for i in range(len(vertices)):
        points[i, 0] = (points[i, 0] - x0) * scale
        points[i, 1] = (points[i, 1] - y0) * scale
    return scale, x0, y0


@pure
def lit(depths, x, y, depth):
    """Returns the share of the four texels around (x, y) that `depth` is not behind, bilinear; greater depth is nearer
    to the light.
    """
    x, y = x - 0.5, y - 0.5
    left, top = math.floor(x), math.floor(y)
    fx, fy = x - left, y - top
    i, j = int(top), int(left)
    total = 0.0
    if 0 <= i < depths.shape[0] - 1 and 0 <= j < depths.shape[1] - 1:
        total += (1.0 - fx) * (1.0 - fy) if depth >= depths[i, j] else 0.0
        total += fx * (1.0 - fy) if depth >= depths[i, j + 1] else 0.0
        total += (1.0 - fx) * fy if depth >= depths[i + 1, j] else 0.0
        total += fx * fy if depth >= depths[i + 1, j + 1] else 0.0
        return total
    return 1.0


@pure
def _gather(table, points, frame, scale, near, far, both, seen, total):
    """Add one axis to the cosine-weighted sums seen, total [N, 2]: column 0 for the side the normal is on, 1 for the
    other one.
    """
    lift = LIFT / scale
    for i in range(len(table)):
        nx, ny, nz = table[i, 2], table[i, 3], table[i, 4]
        across = frame[0, 0] * nx + frame[0, 1] * ny + frame[0, 2] * nz
        down = frame[1, 0] * nx + frame[1, 1] * ny + frame[1, 2] * nz
        cosine = frame[2, 0] * nx + frame[2, 1] * ny + frame[2, 2] * nz
        for side in range(2 if both else 1):
            up = lift if side == 0 else -lift
            x, y, depth = (
                points[i, 0] + up * scale * across,
                points[i, 1] + up * scale * down,
                points[i, 2] + up * cosine,
            )
            upwards = (cosine > 0.0) == (side == 0)
            weight = abs(cosine)
            seen[i, side] += weight * (lit(near, x, y, depth) if upwards else lit(far, x, y, -depth))
            total[i, side] += weight


@kernel
def bake(scene, directions, size, both):
    """Writes cosine-weighted openness into scene.table's columns 5 (the normal's side) and 6 (the other side, when
    `both`): 1 = sees the whole sky.
    """
    count = len(scene.table)
    points = np.empty((count, 3))
    seen, total = np.zeros((count, 2)), np.zeros((count, 2))
    near, far = np.empty((size, size), np.float32), np.empty((size, size), np.float32)
    for d in range(len(directions)):
        frame = frame_of(directions[d])
        scale, _, _ = to_map(scene.vertices, frame, size, points)
        near[:] = -np.inf
        far[:] = -np.inf
        orthographic(scene, points, near, far)
        _gather(scene.table, points, frame, scale, near, far, both, seen, total)
    for side in range(2 if both else 1):
        for i in range(count):
            scene.table[i, 5 + side] = seen[i, side] / max(total[i, side], 1e-9)
        _fill_buried(scene.faces, scene.table, 5 + side)


@kernel
def _fill_buried(faces, table, column):
    """Give buried vertices the mean of their neighbours that are not."""
    total, weight = np.zeros(len(table)), np.zeros(len(table))
    for f in range(len(faces)):
        for k in range(3):
            value = table[faces[f, k], column]
            if value >= BURIED:
                for m in range(1, 3):
                    total[faces[f, (k + m) % 3]] += value
                    weight[faces[f, (k + m) % 3]] += 1.0
    for i in range(len(table)):
        if table[i, column] < BURIED and weight[i] > 0.0:
            table[i, column] = total[i] / weight[i]


@kernel
def shadow_maps(scene, directions, size):
    """Returns depth maps towards the lights: maps [L, size, size] float32, frames [L, 3, 3], places [L, 3] = (texels
    per unit, x and y of texel 0).
    """
    count = len(directions)
    maps = np.full((count, size, size), -np.inf, np.float32)
    frames, places = np.empty((count, 3, 3)), np.empty((count, 3))
    points, far = np.empty((len(scene.table), 3)), np.full((size, size), -np.inf, np.float32)
    for i in range(count):
        frames[i] = frame_of(directions[i])
        places[i, 0], places[i, 1], places[i, 2] = to_map(scene.vertices, frames[i], size, points)
        orthographic(scene, points, maps[i], far)
    return maps, frames, places
