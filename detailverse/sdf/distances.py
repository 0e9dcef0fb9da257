"""Signed distances and warps at one point: the instruction set of the tape machine (detailverse/sdf/tape.py), one
scalar function each.

Every function takes a point and reads its numbers from `v[q:]`, in the order in which its docstring names them.
Distances are exact unless the docstring says otherwise. Formulas of solids: Inigo Quilez,
iquilezles.org/articles/distfunctions. Arithmetic is + - * / sqrt and zeroverse.core.portable only, so that every
machine has the same bits.
"""

import math

import numpy as np

from zeroverse.core.jit import kernel
from zeroverse.core.portable import atan2, cos_sin, power
from zeroverse.textures.noise import _corner, _lean

# Point to point, point to value, values to value, and steps of the machine itself.
AFFINE, FOLD, ELONGATE, TWIST, BEND, TAPER, CLAMP, WOBBLE = range(8)
(
    SPHERE,
    BOX,
    FRUSTUM,
    TORUS,
    ROUND_CONE,
    ELLIPSOID,
    PLANE,
    EXTRUSION,
    REVOLUTION,
    TPMS,
    SUPERQUADRIC,
    SPONGE,
    NOISE,
    CELLS,
) = range(8, 22)
UNION, LINEAR, SHELL, ADD, GUARD, PAINT, CHILD = range(22, 29)
FIRST_SOLID, FIRST_COMBINER = SPHERE, UNION

NOISE_SLOPE = 6.0  # largest slope of the gradient noise of zeroverse.textures: 4.8 over 2 * 10^6 samples
TPMS_SLOPE = 1.34  # largest slope of `tpms`: 1.13, 1.32 and 1.16 over a cell of each kind


@kernel
def sphere(x, y, z, v, q):
    """Returns the distance to a ball about the origin. Numbers: radius."""
    return math.sqrt(x * x + y * y + z * z) - v[q]


@kernel
def box(x, y, z, v, q):
    """Returns the distance to a box with rounded edges. Numbers: half sizes of the box within the rounding [3], radius
    of the rounding.
    """
    x, y, z = abs(x) - v[q], abs(y) - v[q + 1], abs(z) - v[q + 2]
    a, b, c = max(x, 0.0), max(y, 0.0), max(z, 0.0)
    return math.sqrt(a * a + b * b + c * c) + min(max(x, y, z), 0.0) - v[q + 3]


@kernel
def frustum(x, y, z, v, q):
    """Returns the distance to a cylinder or cone along z. Numbers: radius at the bottom, radius at the top, half
    height.
    """
    bottom, top, half = v[q], v[q + 1], v[q + 2]
    r = math.sqrt(x * x + y * y)
    cap_r, cap_z = r - min(r, bottom if z < 0.0 else top), abs(z) - half
    slope, tall = top - bottom, 2.0 * half
    t = min(max(((top - r) * slope + (half - z) * tall) / (slope * slope + tall * tall), 0.0), 1.0)
    side_r, side_z = r - top + slope * t, z - half + tall * t
    d = math.sqrt(min(cap_r * cap_r + cap_z * cap_z, side_r * side_r + side_z * side_z))
    return -d if side_r < 0.0 and cap_z < 0.0 else d


@kernel
def torus(x, y, z, v, q):
    """Returns the distance to a torus around z. Numbers: radius of the ring, radius of the tube."""
    r = math.sqrt(x * x + y * y) - v[q]
    return math.sqrt(r * r + z * z) - v[q + 1]


@kernel
def round_cone(x, y, z, v, q):
    """Returns the distance to the hull of two balls. Numbers: first end [3], second end [3], their radii, which differ
    by less than the ends are apart.
    """
    x, y, z = x - v[q], y - v[q + 1], z - v[q + 2]
    bx, by, bz = v[q + 3] - v[q], v[q + 4] - v[q + 1], v[q + 5] - v[q + 2]
    ra, rb = v[q + 6], v[q + 7]
    length = math.sqrt(bx * bx + by * by + bz * bz)
    along = (x * bx + y * by + z * bz) / length
    across = math.sqrt(max(x * x + y * y + z * z - along * along, 0.0))
    sine = (ra - rb) / length
    # In the half plane of the axis and the point: the nearest point of the cone's side is seen at a right angle to it.
    foot = along - across * sine / math.sqrt(1.0 - sine * sine)  # centre of the ball between both that is nearest
    foot = min(max(foot, 0.0), length)
    return math.sqrt((along - foot) * (along - foot) + across * across) - (ra - foot * sine)


@kernel
def ellipsoid(x, y, z, v, q):
    """Returns the distance to an ellipsoid about the origin. Numbers: radii [3].

    The foot p_i r_i^2 / (t + r_i^2) lies on the ellipsoid where t is the root of sum (r_i p_i / (t + r_i^2))^2 = 1,
    which Newton's method finds from its left, where it only climbs. Source: Eberly, Distance from a Point to an
    Ellipsoid.
    """
    a, b, c = v[q] * v[q], v[q + 1] * v[q + 1], v[q + 2] * v[q + 2]
    x, y, z = (
        abs(x) + 1e-12,
        abs(y) + 1e-12,
        abs(z) + 1e-12,
    )  # off the planes of symmetry, where inner points have several feet
    fx, fy, fz = x * v[q], y * v[q + 1], z * v[q + 2]
    t = math.sqrt(fx * fx + fy * fy + fz * fz) - min(
        a, b, c
    )  # beyond the root, from where each term alone says what it must be at least
    u, w, s = fx / (t + a), fy / (t + b), fz / (t + c)
    u, w, s = u * u, w * w, s * s
    t = max(
        fx / math.sqrt(max(1.0 - w - s, u)) - a,
        fy / math.sqrt(max(1.0 - u - s, w)) - b,
        fz / math.sqrt(max(1.0 - u - w, s)) - c,
    )
    for _ in range(40):
        u, w, s = fx / (t + a), fy / (t + b), fz / (t + c)
        excess = u * u + w * w + s * s - 1.0
        if excess < 1e-13:
            break
        t += 0.5 * excess / (u * u / (t + a) + w * w / (t + b) + s * s / (t + c))
    gx, gy, gz = x / (t + a), y / (t + b), z / (t + c)
    return t * math.sqrt(gx * gx + gy * gy + gz * gz)  # p - foot = t (p_i / (t + r_i^2))


@kernel
def plane(x, y, z, v, q):
    """Returns the distance to the half space below a plane. Numbers: unit normal [3], offset along it."""
    return x * v[q] + y * v[q + 1] + z * v[q + 2] - v[q + 3]


@kernel
def polygon(x, y, v, q, count):
    """Returns the distance in the plane to the nearest of `count` edges of closed rings, inside where a ray along +x
    crosses an odd number of them. Numbers: the edges (x, y, x, y).
    """
    best, inside = 1e300, False
    for edge in range(count):
        e = q + 4 * edge
        ex, ey, px, py = v[e + 2] - v[e], v[e + 3] - v[e + 1], x - v[e], y - v[e + 1]
        if (v[e + 1] > y) != (v[e + 3] > y) and px < ex * py / ey:
            inside = not inside
        t = min(max((px * ex + py * ey) / (ex * ex + ey * ey), 0.0), 1.0)
        px, py = px - t * ex, py - t * ey
        best = min(best, px * px + py * py)
    best = math.sqrt(best)
    return -best if inside else best


@kernel
def extrusion(x, y, z, v, q):
    """Returns the distance to a prism about z = 0. Numbers: half height, number of edges, edges."""
    flat, tall = polygon(x, y, v, q + 2, int(v[q + 1])), abs(z) - v[q]
    a, b = max(flat, 0.0), max(tall, 0.0)
    return math.sqrt(a * a + b * b) + min(max(flat, tall), 0.0)


@kernel
def revolution(x, y, z, v, q):
    """Returns the distance to a polygon turned about z. Numbers: number of edges, edges (radius, z, radius, z)."""
    return polygon(math.sqrt(x * x + y * y), z, v, q + 1, int(v[q]))


@kernel
def tpms(x, y, z, v, q):
    """Returns the distance, to first order and in the mean over the surface, to a triply periodic minimal surface.
    Numbers: kind (0 gyroid, 1 Schwarz P, 2 diamond); wave number; half thickness, 0 for all on one side.
    """
    k = v[q + 1]
    cx, sx = cos_sin(k * x)
    cy, sy = cos_sin(k * y)
    cz, sz = cos_sin(k * z)
    if v[q] == 0.0:
        level = (sx * cy + sy * cz + sz * cx) / (1.53 * k)
    elif v[q] == 1.0:
        level = (cx + cy + cz) / (1.31 * k)
    else:
        level = (sx * sy * sz + sx * cy * cz + cx * sy * cz + cx * cy * sz) / (1.49 * k)
    return abs(level) - v[q + 2] if v[q + 2] > 0.0 else level


@kernel
def superquadric(x, y, z, v, q):
    """Returns a superquadric's norm less one, scaled: a lower bound of the distance. Numbers: radii [3], exponents >= 1
    within z = const and along z, smallest radius.
    """
    e, f = v[q + 3], v[q + 4]
    flat = power(power(abs(x) / v[q], e) + power(abs(y) / v[q + 1], e), f / e)
    return (power(flat + power(abs(z) / v[q + 2], f), 1.0 / f) - 1.0) * v[q + 5]


@kernel
def sponge(x, y, z, v, q):
    """Returns a lower bound of the distance to the Menger sponge. Numbers: half size, steps."""
    half = v[q]
    a, b, c = abs(x) - half, abs(y) - half, abs(z) - half
    d = max(a, b, c)
    size = half
    for _ in range(int(v[q + 1])):
        cell = (
            2.0 * size
        )  # bars a third as wide go through the middle of every cell, whose centres are at multiples of its side
        a = abs(x - cell * math.floor(x / cell + 0.5))
        b = abs(y - cell * math.floor(y / cell + 0.5))
        c = abs(z - cell * math.floor(z / cell + 0.5))
        d = max(d, size / 3.0 - min(max(a, b), max(b, c), max(c, a)))
        size /= 3.0
    return d


@kernel
def gradient_noise(x, y, z, seed):
    """Returns zeroverse's gradient noise, by a loop over the corners, which takes a tenth as long to compile as the
    kernel for millions of points.
    """
    i, j, k = math.floor(x), math.floor(y), math.floor(z)
    x, y, z = x - i, y - j, z - k
    u, v, w = (
        x * x * x * (x * (x * 6 - 15) + 10),
        y * y * y * (y * (y * 6 - 15) + 10),
        z * z * z * (z * (z * 6 - 15) + 10),
    )
    total = 0.0
    for corner in range(8):
        a, b, c = corner & 1, corner >> 1 & 1, corner >> 2
        weight = (u if a else 1.0 - u) * (v if b else 1.0 - v) * (w if c else 1.0 - w)
        h = _corner(np.uint32(np.int32(i + a)), np.uint32(np.int32(j + b)), np.uint32(np.int32(k + c)), np.uint32(seed))
        total += weight * _lean(h, x - a, y - b, z - c)
    return total


@kernel
def noise(x, y, z, v, q):
    """Returns octaves of gradient noise: zero mean, or creased, 0 at creases and up. Numbers: waves per unit, octaves,
    gain, seed, 1 for creased octaves, normaliser.
    """
    total, amplitude, f = 0.0, v[q + 5], v[q]
    for octave in range(int(v[q + 1])):
        value = gradient_noise(f * x, f * y, f * z, (int(v[q + 3]) + 0x9E3779B1 * (octave + 1)) & 0xFFFFFFFF)
        total += amplitude * (abs(value) if v[q + 4] == 1.0 else value)
        amplitude *= v[q + 2]
        f *= 2.03
    return total


@kernel
def cells(x, y, z, v, q):
    """Returns the distance to the nearest feature point, or second nearest less nearest, in cells. Numbers: cells per
    unit, seed, jitter, 1 for walls.
    """
    f, seed, jitter = v[q], np.uint32(v[q + 1]), v[q + 2]
    x, y, z = f * x, f * y, f * z
    i, j, k = math.floor(x), math.floor(y), math.floor(z)
    x, y, z = x - i, y - j, z - k
    first = second = 9.0
    for cell in range(27):
        a, b, c = cell % 3 - 1, cell // 3 % 3 - 1, cell // 9 - 1
        h = _corner(np.uint32(np.int32(i + a)), np.uint32(np.int32(j + b)), np.uint32(np.int32(k + c)), seed)
        dx = a + 0.5 + jitter * (np.int32(h & np.uint32(1023)) / 1023.0 - 0.5) - x
        dy = b + 0.5 + jitter * (np.int32((h >> np.uint32(10)) & np.uint32(1023)) / 1023.0 - 0.5) - y
        dz = c + 0.5 + jitter * (np.int32((h >> np.uint32(20)) & np.uint32(1023)) / 1023.0 - 0.5) - z
        d = dx * dx + dy * dy + dz * dz
        second = min(second, max(d, first))
        first = min(first, d)
    return math.sqrt(second) - math.sqrt(first) if v[q + 3] == 1.0 else math.sqrt(first)


@kernel
def rare(op, x, y, z, v, q):
    """Returns the value of a primitive that costs more than the choice between them."""
    if op == ELLIPSOID:
        return ellipsoid(x, y, z, v, q)
    if op == EXTRUSION:
        return extrusion(x, y, z, v, q)
    if op == REVOLUTION:
        return revolution(x, y, z, v, q)
    if op == TPMS:
        return tpms(x, y, z, v, q)
    if op == SUPERQUADRIC:
        return superquadric(x, y, z, v, q)
    if op == SPONGE:
        return sponge(x, y, z, v, q)
    if op == NOISE:
        return noise(x, y, z, v, q)
    return cells(x, y, z, v, q)


@kernel
def solids(op, x, y, z, out, v, q, count):
    """Writes the values of one primitive at `count` points to `out`. The common ones have a loop of their own, which
    compiles to vector instructions.
    """
    if op == SPHERE:
        for i in range(count):
            out[i] = sphere(x[i], y[i], z[i], v, q)
    elif op == BOX:
        for i in range(count):
            out[i] = box(x[i], y[i], z[i], v, q)
    elif op == FRUSTUM:
        for i in range(count):
            out[i] = frustum(x[i], y[i], z[i], v, q)
    elif op == TORUS:
        for i in range(count):
            out[i] = torus(x[i], y[i], z[i], v, q)
    elif op == ROUND_CONE:
        for i in range(count):
            out[i] = round_cone(x[i], y[i], z[i], v, q)
    elif op == PLANE:
        for i in range(count):
            out[i] = plane(x[i], y[i], z[i], v, q)
    else:
        for i in range(count):
            out[i] = rare(op, x[i], y[i], z[i], v, q)


@kernel
def twist(x, y, z, v, q):
    """Returns the point turned back about z. Numbers: radians per length."""
    c, s = cos_sin(-v[q] * z)
    return c * x - s * y, s * x + c * y, z


@kernel
def bend(x, y, z, v, q):
    """Returns the point unbent: the z axis became a circle about (radius, 0), straight beyond both ends. Numbers:
    radius, lowest and highest z that are bent.
    """
    radius = v[q]
    angle = min(max(atan2(z, radius - x), v[q + 1] / radius), v[q + 2] / radius)
    c, s = cos_sin(angle)
    return radius - (radius - x) * c - z * s, y, radius * angle + z * c - (radius - x) * s


@kernel
def taper(x, y, z, v, q):
    """Returns the point with its tapering undone. Numbers: z of the bottom, z of the top, scale of x and y at the
    bottom, at the top.
    """
    t = min(max((z - v[q]) / (v[q + 1] - v[q]), 0.0), 1.0)
    s = v[q + 2] + t * (v[q + 3] - v[q + 2])
    return x / s, y / s, z


@kernel
def wobble(x, y, z, v, q):
    """Returns the point with every coordinate moved by a noise of its own. Numbers: waves per unit, amount, seed."""
    f, amount, seed = v[q], v[q + 1], int(v[q + 2])
    return (
        x + amount * gradient_noise(f * x, f * y, f * z, seed),
        y + amount * gradient_noise(f * x, f * y, f * z, seed ^ 0x68E31DA4),
        z + amount * gradient_noise(f * x, f * y, f * z, seed ^ 0x1B56C4E9),
    )


@kernel
def affine(x, y, z, v, q):
    """Returns the point under a matrix. Numbers: rows of the matrix [3, 4]."""
    return (
        v[q] * x + v[q + 1] * y + v[q + 2] * z + v[q + 3],
        v[q + 4] * x + v[q + 5] * y + v[q + 6] * z + v[q + 7],
        v[q + 8] * x + v[q + 9] * y + v[q + 10] * z + v[q + 11],
    )


@kernel
def bent(op, x, y, z, v, q):
    """Returns the place at which a warp other than AFFINE looks up the value of (x, y, z)."""
    if op == FOLD:  # 1 for every axis whose negative half mirrors the positive
        return abs(x) if v[q] else x, abs(y) if v[q + 1] else y, abs(z) if v[q + 2] else z
    if op == ELONGATE:  # half lengths [3] of what is put in
        return x - min(max(x, -v[q]), v[q]), y - min(max(y, -v[q + 1]), v[q + 1]), z - min(max(z, -v[q + 2]), v[q + 2])
    if op == CLAMP:  # corners of a box [6]
        return min(max(x, v[q]), v[q + 3]), min(max(y, v[q + 1]), v[q + 4]), min(max(z, v[q + 2]), v[q + 5])
    if op == TWIST:
        return twist(x, y, z, v, q)
    if op == BEND:
        return bend(x, y, z, v, q)
    if op == TAPER:
        return taper(x, y, z, v, q)
    return wobble(x, y, z, v, q)


@kernel
def warps(op, x, y, z, to_x, to_y, to_z, v, q, count):
    """Writes the places at which one warp looks up the values of `count` points to to_x, to_y and to_z."""
    if op == AFFINE:
        for i in range(count):
            to_x[i], to_y[i], to_z[i] = affine(x[i], y[i], z[i], v, q)
    else:
        for i in range(count):
            to_x[i], to_y[i], to_z[i] = bent(op, x[i], y[i], z[i], v, q)


@kernel
def outside(x, y, z, v, q):
    """Returns the distance from outside to the box with the corners [6], 0 within."""
    a, b, c = (
        max(v[q] - x, x - v[q + 3], 0.0),
        max(v[q + 1] - y, y - v[q + 4], 0.0),
        max(v[q + 2] - z, z - v[q + 5], 0.0),
    )
    return math.sqrt(a * a + b * b + c * c)
