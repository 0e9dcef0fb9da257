"""Elementary functions that give the same bits on every x86-64 machine.

The C library picks its sin, exp and log by CPU type (FMA or not), and numpy its own by vector width, so geometry and
pixels made with them differ between machines (docs/papers.md, Geometry). These use + - * / and exact scaling only, in a
fixed order; numba without `fastmath` neither reorders nor fuses them. Errors are below 1e-14 relative to 1, on |x| <
1e5 for sin and cos.
"""

import math

import numpy as np

from zeroverse.core.jit import kernel

TAU = 6.283185307179586  # one turn

_HALF_PI_HIGH = 1.5707963267341256  # pi/2 in two pieces: the first has 33 bits, so n * high is exact for n < 2^20
_HALF_PI_LOW = 6.077100506506192e-11
_LN2_HIGH = 0.6931471803691238
_LN2_LOW = 1.9082149292705877e-10


@kernel
def cos_sin(x):
    """Returns (cos x, sin x), x in radians."""
    n = math.floor(x / 1.5707963267948966 + 0.5)
    r = (x - n * _HALF_PI_HIGH) - n * _HALF_PI_LOW  # in [-pi/4, pi/4]
    q = r * r
    s = r * (1 - q / 6 * (1 - q / 20 * (1 - q / 42 * (1 - q / 72 * (1 - q / 110 * (1 - q / 156 * (1 - q / 210)))))))
    c = 1 - q / 2 * (
        1 - q / 12 * (1 - q / 30 * (1 - q / 56 * (1 - q / 90 * (1 - q / 132 * (1 - q / 182 * (1 - q / 240))))))
    )
    quadrant = int(n) & 3
    if quadrant == 0:
        return c, s
    if quadrant == 1:
        return -s, c
    if quadrant == 2:
        return -c, -s
    return s, -c


@kernel
def cos(x):
    """Returns the cosine of x radians."""
    return cos_sin(x)[0]


@kernel
def sin(x):
    """Returns the sine of x radians."""
    return cos_sin(x)[1]


@kernel
def exp(x):
    """Returns e to the x; 0 below -700."""
    if x < -700.0:
        return 0.0
    n = math.floor(x / 0.6931471805599453 + 0.5)
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW  # in [-0.35, 0.35]
    term = 1.0
    total = 1.0
    for k in range(1, 14):
        term = term * r / k
        total += term
    return math.ldexp(total, int(n))


@kernel
def log(x):
    """Returns the natural logarithm of x > 0."""
    mantissa, exponent = math.frexp(x)  # mantissa in [0.5, 1)
    if mantissa < 0.7071067811865476:
        mantissa *= 2.0
        exponent -= 1
    s = (mantissa - 1.0) / (mantissa + 1.0)
    q = s * s
    total = 0.0
    for k in range(21, 0, -2):  # 2 (s + s^3/3 + s^5/5 + ...), |s| < 0.172
        total = total * q + 1.0 / k
    return exponent * _LN2_HIGH + (2.0 * s * total + exponent * _LN2_LOW)


@kernel
def power(x, y):
    """Returns x to the y, for x >= 0."""
    return exp(y * log(x)) if x > 0.0 else 0.0


@kernel
def cos_sin_array(angles):  # [N] -> [N], [N]
    """Returns the cosines [N] and the sines [N] of angles [N] in radians."""
    c = np.empty_like(angles)
    s = np.empty_like(angles)
    for i in range(angles.size):
        c[i], s[i] = cos_sin(angles[i])
    return c, s


@kernel
def atan2(y, x):
    """Returns the angle of the point (x, y) in (-pi, pi]; 0 at the origin."""
    if x == 0.0 and y == 0.0:
        return 0.0
    flat, steep = abs(x), abs(y)
    t = min(flat, steep) / max(flat, steep)
    t = t / (1 + math.sqrt(1 + t * t))  # half the angle, and half again: at most tan(pi/16)
    t = t / (1 + math.sqrt(1 + t * t))
    q = t * t
    total = 0.0
    for k in range(23, 0, -2):
        total = 1.0 / k - q * total
    angle = 4 * t * total
    if steep > flat:
        angle = 1.5707963267948966 - angle
    if x < 0.0:
        angle = 3.141592653589793 - angle
    return -angle if y < 0.0 else angle
