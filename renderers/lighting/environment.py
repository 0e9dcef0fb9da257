"""Light from all around: Radiance .hdr files, the peaks that cast shadows taken out, and what is left filtered once for
shading.

An environment is an image [H, W, 3] of linear radiance over the sphere, equirectangular. The mapping, world frame (+Z
up): the first row is the zenith; the middle column is +X, and to the right of it azimuths fall, as seen by who stands
inside: a column u of 0..1 is azimuth 180 - 360 u degrees (counter-clockwise from +X), so +Y is at u = 0.25. Blender
    maps its worlds alike. Exact operations and `zeroverse.core.portable` only, as for all pixels.
"""

import math
from typing import NamedTuple

import numpy as np

from renderers.geometry.textures import half_log2
from zeroverse.core.jit import inlined, kernel
from zeroverse.core.portable import cos_sin

ROUGHNESS = 0.2  # between two levels of the mirror maps: 0, 0.2, ... 1
SIZES = (
    256,
    128,
    64,
    32,
    32,
    32,
)  # texels across each level, an octahedron unfolded to a square: a lobe is never narrower than a texel
SAMPLES = 128  # directions per texel of a rough level
FINEST = 256  # rows of an environment that shading can tell apart; more are averaged
PEAKS = 3  # directional lights taken out of an environment: each costs a shadow map and its look-ups
# cosine of 21.6 degrees: how far around its centre a peak is gathered; a window or a soft box, but not half the sky
REACH = 0.93
CONTRAST = 4.0  # times the mean radiance: what is brighter than that is a peak's
LEAST = 0.03  # of all the light: a weaker peak stays in the environment


class Peak(NamedTuple):
    """A directional light: unit direction towards it, linear RGB irradiance on a surface that faces it, sine of half
    the angle it fills.
    """

    direction: tuple[float, float, float]
    color: tuple[float, float, float]
    spread: float


class Filtered(NamedTuple):
    """An environment as shading reads it."""

    irradiance: np.ndarray  # [9, 3] spherical harmonics of irradiance / pi, order 2 (Ramamoorthi & Hanrahan 2001)
    # [T, 3] float32: radiance seen in mirrors of rising roughness, octahedral maps with a border of one texel, all
    # levels
    mirror: np.ndarray
    offsets: np.ndarray  # [6] int64: where each level begins


NOTHING = Filtered(np.zeros((9, 3)), np.zeros((0, 3), np.float32), np.zeros(len(SIZES), np.int64))

# -------------------------------------------------------------------------------------------- the equirectangular image


@kernel
def directions(height, width):  # [H, W, 3], [H]
    """Returns unit vectors through the texels' centres, and the solid angle of one texel in each row (exact: they sum
    to 4 pi).
    """
    vectors, solid = np.empty((height, width, 3)), np.empty(height)
    for row in range(height):
        z, r = cos_sin(math.pi * (row + 0.5) / height)
        solid[row] = (
            2.0 * math.pi / width * (cos_sin(math.pi * row / height)[0] - cos_sin(math.pi * (row + 1) / height)[0])
        )
        for column in range(width):
            c, s = cos_sin(math.pi - 2.0 * math.pi * (column + 0.5) / width)
            vectors[row, column] = r * c, r * s, z
    return vectors, solid


@inlined
def luminance(r, g, b):
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


@kernel
def _mean(image, solid, ceiling):  # mean luminance over the sphere, values above the ceiling counted as the ceiling
    total = 0.0
    for row in range(len(image)):
        for column in range(image.shape[1]):
            total += solid[row] * min(
                luminance(image[row, column, 0], image[row, column, 1], image[row, column, 2]), ceiling
            )
    return total / (4.0 * math.pi)


@kernel
def _gathered(image, vectors, solid, limit, centre, cosine):
    """Of what exceeds the limit within `cosine` of the centre: sum of energy x direction [3], irradiance [3], energy,
    energy x sine.
    """
    towards, color = np.zeros(3), np.zeros(3)
    energy = scatter = 0.0
    for row in range(len(image)):
        for column in range(image.shape[1]):
            d = vectors[row, column]
            along = d[0] * centre[0] + d[1] * centre[1] + d[2] * centre[2]
            y = luminance(image[row, column, 0], image[row, column, 1], image[row, column, 2])
            if y <= limit or along < cosine:
                continue
            part = solid[row] * (1.0 - limit / y)
            energy += part * y
            scatter += part * y * math.sqrt(max(1.0 - along * along, 0.0))
            for c in range(3):
                towards[c] += part * y * d[c]
                color[c] += part * image[row, column, c]
    return towards, color, energy, scatter


@kernel
def _take(image, vectors, limit, centre, cosine):
    for row in range(len(image)):
        for column in range(image.shape[1]):
            d = vectors[row, column]
            y = luminance(image[row, column, 0], image[row, column, 1], image[row, column, 2])
            if y > limit and d[0] * centre[0] + d[1] * centre[1] + d[2] * centre[2] >= cosine:
                for c in range(3):
                    image[row, column, c] *= limit / y


@kernel
def _strongest(image, vectors, solid, limit):
    """Direction of the block of 8 x 8 texels that has most energy above the limit, and that energy."""
    best, direction = 0.0, np.zeros(3)
    for top in range(0, len(image), 8):
        for left in range(0, image.shape[1], 8):
            energy, towards = 0.0, np.zeros(3)
            for row in range(top, min(top + 8, len(image))):
                for column in range(left, min(left + 8, image.shape[1])):
                    excess = solid[row] * max(
                        luminance(image[row, column, 0], image[row, column, 1], image[row, column, 2]) - limit, 0.0
                    )
                    energy += excess
                    for c in range(3):
                        towards[c] += excess * vectors[row, column, c]
            if energy > best:
                best, direction = energy, towards
    return direction, best


def _unit(v) -> np.ndarray:
    return v / math.sqrt(max(float(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]), 1e-30))


def extract_peaks(image: np.ndarray, count: int = PEAKS) -> tuple[np.ndarray, tuple[Peak, ...]]:
    """Returns the environment [H, W, 3] without what is brighter than CONTRAST times its mean, and that as at most
    `count` directional lights.

    Greedy: the block with most energy, moved twice to the middle of what lies within REACH. Solid angle x radiance is
        conserved in each channel.
    """
    rest = np.array(image, dtype=np.float64)
    vectors, solid = directions(*rest.shape[:2])
    mean = _mean(rest, solid, math.inf)
    even = _mean(rest, solid, 4.0 * mean)  # a sun can be most of the mean
    limit, peaks = CONTRAST * even, []
    for _ in range(count):
        centre, energy = _strongest(rest, vectors, solid, limit)
        if energy <= 0.0:
            break
        for _ in range(2):
            centre = _unit(_gathered(rest, vectors, solid, limit, _unit(centre), REACH)[0])
        towards, color, energy, scatter = _gathered(rest, vectors, solid, limit, centre, REACH)
        if energy < LEAST * 4.0 * math.pi * mean:
            break
        _take(rest, vectors, limit, centre, REACH)
        peaks.append(
            Peak(tuple(_unit(towards).tolist()), tuple(color.tolist()), 1.5 * scatter / energy)
        )  # the mean radius of a disc is two thirds of it
    return rest, tuple(peaks)


# ------------------------------------------------------------------------------------------------------------ filtering


@inlined
def _basis(x, y, z):  # real spherical harmonics, orders 0 to 2
    return (
        0.28209479177387814,
        0.4886025119029199 * y,
        0.4886025119029199 * z,
        0.4886025119029199 * x,
        1.0925484305920792 * x * y,
        1.0925484305920792 * y * z,
        0.31539156525252005 * (3.0 * z * z - 1.0),
        1.0925484305920792 * x * z,
        0.5462742152960396 * (x * x - y * y),
    )


@kernel
def project(image, vectors, solid):  # [9, 3]
    """Returns the spherical harmonics of irradiance / pi: the image's own, times 1, 2/3 and 1/4 for orders 0, 1 and 2
    (a clamped cosine's).
    """
    out = np.zeros((9, 3))
    for row in range(len(image)):
        for column in range(image.shape[1]):
            basis = _basis(vectors[row, column, 0], vectors[row, column, 1], vectors[row, column, 2])
            for k in range(9):
                for c in range(3):
                    out[k, c] += solid[row] * basis[k] * image[row, column, c]
    out[1:4] *= 2.0 / 3.0
    out[4:] *= 0.25
    return out


@inlined
def irradiance(harmonics, x, y, z):
    """Returns the irradiance / pi, RGB, of a surface with the normal (x, y, z): what a white one sends back. Not below
    0, where order 2 would ring.
    """
    b = _basis(x, y, z)
    r = g = bl = 0.0
    for k in range(9):
        r, g, bl = r + b[k] * harmonics[k, 0], g + b[k] * harmonics[k, 1], bl + b[k] * harmonics[k, 2]
    return max(r, 0.0), max(g, 0.0), max(bl, 0.0)


@inlined
def _unfold(x, y, z):
    """A direction's place (u, v) of 0..1 in the octahedral map."""
    scale = 1.0 / max(abs(x) + abs(y) + abs(z), 1e-12)
    u, v = x * scale, y * scale
    if z < 0.0:
        u, v = (1.0 - abs(v)) * (1.0 if u >= 0.0 else -1.0), (1.0 - abs(u)) * (1.0 if v >= 0.0 else -1.0)
    return 0.5 * u + 0.5, 0.5 * v + 0.5


@inlined
def _fold(u, v):  # the unit direction at a place of the map
    x, y = 2.0 * u - 1.0, 2.0 * v - 1.0
    z = 1.0 - abs(x) - abs(y)
    if z < 0.0:
        x, y = (1.0 - abs(y)) * (1.0 if x >= 0.0 else -1.0), (1.0 - abs(x)) * (1.0 if y >= 0.0 else -1.0)
    inverse = 1.0 / math.sqrt(x * x + y * y + z * z)
    return x * inverse, y * inverse, z * inverse


@inlined
def _look(mirror, offset, size, u, v, weight):
    """weight x the RGB at (u, v) of one level, bilinear; the border makes neighbours of all."""
    x, y = u * size + 0.5, v * size + 0.5
    i, j = int(y), int(x)
    fx, fy = x - j, y - i
    a = offset + i * (size + 2) + j
    b = a + size + 2
    p, q, r, s = (1.0 - fx) * (1.0 - fy) * weight, fx * (1.0 - fy) * weight, (1.0 - fx) * fy * weight, fx * fy * weight
    return (
        mirror[a, 0] * p + mirror[a + 1, 0] * q + mirror[b, 0] * r + mirror[b + 1, 0] * s,
        mirror[a, 1] * p + mirror[a + 1, 1] * q + mirror[b, 1] * r + mirror[b + 1, 1] * s,
        mirror[a, 2] * p + mirror[a + 1, 2] * q + mirror[b, 2] * r + mirror[b + 1, 2] * s,
    )


@inlined
def mirrored(mirror, offsets, x, y, z, roughness):
    """Returns the RGB radiance that a mirror of that roughness (0..1) sees around the unit direction (x, y, z)."""
    u, v = _unfold(x, y, z)
    level = min(max(roughness / ROUGHNESS, 0.0), len(SIZES) - 1.001)
    k = int(level)
    blend = level - k
    a = _look(mirror, offsets[k], SIZES[k], u, v, 1.0 - blend)
    b = _look(mirror, offsets[k + 1], SIZES[k + 1], u, v, blend)
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


@kernel
def _arctan(t):  # 0 <= t <= 1, within 1e-11
    base = 0.0
    if t > 0.41421356237309503:  # tan(pi / 8)
        base, t = 0.7853981633974483, (t - 1.0) / (t + 1.0)
    q, total = t * t, 0.0
    for k in range(25, 0, -2):
        total = 1.0 / k - q * total
    return base + t * total


@kernel
def _angle(y, x):  # of the vector (x, y), -pi..pi
    a, b = abs(x), abs(y)
    angle = 0.0
    if a > 0.0 or b > 0.0:
        angle = _arctan(b / a) if b <= a else 0.5 * math.pi - _arctan(a / b)
    angle = math.pi - angle if x < 0.0 else angle
    return -angle if y < 0.0 else angle


@kernel
def _resampled(image, size):
    """The equirectangular image as an octahedral one [size, size, 3], the mean of 3 x 3 bilinear look-ups in each
    texel.
    """
    height, width = image.shape[:2]
    out = np.zeros((size, size, 3))
    for i in range(size):
        for j in range(size):
            for s in range(9):
                x, y, z = _fold((j + (s % 3 + 0.5) / 3.0) / size, (i + (s // 3 + 0.5) / 3.0) / size)
                column = (0.5 - _angle(y, x) / (2.0 * math.pi)) * width - 0.5
                row = min(max((0.5 - _angle(z, math.sqrt(x * x + y * y)) / math.pi) * height - 0.5, 0.0), height - 1.0)
                left, top = math.floor(column), int(row)
                fx, fy = column - left, row - top
                a, b, below = int(left) % width, (int(left) + 1) % width, min(top + 1, height - 1)
                for c in range(3):
                    upper = (1.0 - fx) * image[top, a, c] + fx * image[top, b, c]
                    lower = (1.0 - fx) * image[below, a, c] + fx * image[below, b, c]
                    out[i, j, c] += ((1.0 - fy) * upper + fy * lower) / 9.0
    return out


@kernel
def _write_bordered(
    source, target
):  # [n, n, 3] -> [n + 2, n + 2, 3]; across an edge the map goes on mirrored about that edge's middle
    n = len(source)
    for i in range(-1, n + 1):
        for j in range(-1, n + 1):
            y, x = i, j
            if i < 0 or i >= n:
                y, x = min(max(i, 0), n - 1), n - 1 - j
            elif j < 0 or j >= n:
                y, x = n - 1 - i, min(max(j, 0), n - 1)
            x = min(max(x, 0), n - 1)  # all four corners are the nadir
            target[i + 1, j + 1] = source[y, x]


def _bordered(source: np.ndarray) -> np.ndarray:  # [(n + 2)^2, 3] float32
    target = np.empty((len(source) + 2, len(source) + 2, 3), np.float32)
    _write_bordered(source, target)
    return target.reshape(-1, 3)


@kernel
def _roughened(pyramid, offsets, sizes, size, roughness, samples):
    """Radiance around each texel's direction under a GGX lobe seen along its axis (Karis 2013), [size, size, 3].

    Directions of equal probability, each looked up where the pyramid's texels are half as large to as large as its
    share of the sphere: a lobe comes out at most 2 % wider than it is.
    """
    out = np.zeros((size, size, 3))
    alpha = roughness * roughness
    a2 = alpha * alpha
    local, level = np.empty((samples, 3)), np.zeros(samples, np.int64)
    for s in range(samples):
        u = (s + 0.5) / samples
        ch2 = (1.0 - u) / (1.0 + (a2 - 1.0) * u)
        nl = 2.0 * ch2 - 1.0
        c, sine = cos_sin(2.399963229728653 * s)
        side = math.sqrt(max(1.0 - nl * nl, 0.0))
        local[s] = side * c, side * sine, nl
        d = ch2 * (a2 - 1.0) + 1.0
        share = 4.0 * math.pi * d * d / (a2 * samples)  # solid angle: 1 / (samples D / 4)
        finer = half_log2(share * sizes[0] * sizes[0] / (4.0 * math.pi))
        level[s] = min(max(int(math.floor(finer)), 0), len(sizes) - 1)
    for i in range(size):
        for j in range(size):
            nx, ny, nz = _fold((j + 0.5) / size, (i + 0.5) / size)
            sign = 1.0 if nz >= 0.0 else -1.0
            a = -1.0 / (sign + nz)
            b = nx * ny * a
            total, r, g, bl = 0.0, 0.0, 0.0, 0.0
            for s in range(samples):
                x, y, z = local[s, 0], local[s, 1], local[s, 2]
                if z <= 0.0:
                    continue
                dx = x * (1.0 + sign * nx * nx * a) + y * b + z * nx
                dy = x * sign * b + y * (sign + ny * ny * a) + z * ny
                dz = -x * sign * nx - y * ny + z * nz
                u, v = _unfold(dx, dy, dz)
                cr, cg, cb = _look(pyramid, offsets[level[s]], sizes[level[s]], u, v, z)
                total, r, g, bl = total + z, r + cr, g + cg, bl + cb
            out[i, j] = r / total, g / total, bl / total
    return out


def _halved(image: np.ndarray) -> np.ndarray:
    return 0.25 * (image[0::2, 0::2] + image[1::2, 0::2] + image[0::2, 1::2] + image[1::2, 1::2])


def _stacked(levels: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Octahedral images one after the other with their borders, and where each begins."""
    parts = [_bordered(level) for level in levels]
    return np.concatenate(parts), np.array([0] + [len(part) for part in parts[:-1]], np.int64).cumsum()


def prefilter(image: np.ndarray) -> Filtered:
    """Returns an environment [H, W, 3] for shading: split sum, as `Filtered` says."""
    image = np.asarray(image, dtype=np.float64)
    while len(image) > FINEST and len(image) % 2 == 0 and image.shape[1] % 2 == 0:
        image = _halved(image)
    vectors, solid = directions(*image.shape[:2])
    chain = [_resampled(image, SIZES[0])]
    while len(chain[-1]) > 8:
        chain.append(_halved(chain[-1]))
    pyramid, offsets = _stacked(chain)
    sizes = np.array([len(level) for level in chain], np.int64)
    rough = [_roughened(pyramid, offsets, sizes, size, ROUGHNESS * k, SAMPLES) for k, size in enumerate(SIZES) if k > 0]
    return Filtered(project(image, vectors, solid), *_stacked(chain[:1] + rough))


# --------------------------------------------------------------------------------------------------------- measuring it


@kernel
def _irradiances(harmonics, lights, colors, normals):
    out = np.empty((len(normals), 3))
    for i in range(len(normals)):
        x, y, z = normals[i]
        out[i] = irradiance(harmonics, x, y, z)
        for k in range(len(lights)):
            out[i] += colors[k] * (max(lights[k, 0] * x + lights[k, 1] * y + lights[k, 2] * z, 0.0) / math.pi)
    return out


@kernel
def _all_ways(count):  # [count, 3] unit vectors on a Fibonacci spiral
    out = np.empty((count, 3))
    for i in range(count):
        z = 1.0 - (2.0 * i + 1.0) / count
        c, s = cos_sin(2.399963229728653 * i)
        r = math.sqrt(1.0 - z * z)
        out[i] = r * c, r * s, z
    return out


def irradiance_at(filtered: Filtered, peaks: tuple[Peak, ...], normals=None) -> np.ndarray:
    """Returns the irradiance / pi [N, 3] of unshadowed surfaces with these normals [N, 3]; default: 256 spread over the
    sphere.
    """
    normals = _all_ways(256) if normals is None else np.array(normals, dtype=np.float64)
    lights = np.array([peak.direction for peak in peaks], dtype=np.float64).reshape(-1, 3)
    return _irradiances(
        filtered.irradiance, lights, np.array([peak.color for peak in peaks], dtype=np.float64).reshape(-1, 3), normals
    )


def luminance_of(rgb: np.ndarray) -> np.ndarray:  # [..., 3] -> [...]
    return luminance.py_func(rgb[..., 0], rgb[..., 1], rgb[..., 2])
