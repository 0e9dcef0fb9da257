"""Patch: one parametrised surface of a primitive: a grid of vertices, and the formula that continues it beyond its
edge.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from zeroverse.core.portable import cos_sin_array

AROUND = 64  # segments of a full turn: the silhouette of a unit circle is off by 0.0012, a tenth of a pixel at 256²
ALONG = 16  # quads across a flat face, up a side: four for each step of a 5 x 5 height grid
RINGS = 8  # from the centre of a cap to its rim
TWO_PI = 6.283185307179586


@dataclass(frozen=True, eq=False)
class Patch:
    """One surface in the primitive's local frame (half-extent 1); u, v run over [0, 1] and u x v points outward.

    position: (u, v), arrays that broadcast -> (points, unit normals) [..., 3]; defined somewhat beyond [0, 1] too,
        where it continues the surface: planes go on, turns wrap, a sphere passes over its pole.
    uv: [R + 1, C + 1, 2] patch coordinates of the grid's vertices; points, normals: [R + 1, C + 1, 3]. Patches of one
        primitive have bit-equal points where they meet, and so has a patch along its own seam.
    periodic: whether u, v close on themselves.
    fade: [R + 1, C + 1] factor on height fields, for borders that do not lie on the edge of the uv square.
    """

    name: str
    position: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
    uv: np.ndarray
    points: np.ndarray
    normals: np.ndarray
    periodic: tuple[bool, bool] = (False, False)
    fade: np.ndarray | None = None


def steps(count: int) -> np.ndarray:
    """Returns [count + 1] evenly spaced numbers from 0 to 1."""
    return np.arange(count + 1) / count


def circle(turns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns (cos, sin) of angles in turns, any shape."""
    cosine, sine = cos_sin_array(np.ascontiguousarray(turns * TWO_PI, dtype=np.float64).ravel())
    return cosine.reshape(np.shape(turns)), sine.reshape(np.shape(turns))


def ring(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns (cos, sin) [count + 1] around a turn; the last entry is the first one's bits, so that the seam closes."""
    cosine, sine = circle(np.arange(count) / count)
    return np.append(cosine, cosine[0]), np.append(sine, sine[0])


def stack(x, y, z) -> np.ndarray:
    """Returns points [..., 3] of three coordinates that broadcast."""
    out = np.empty((*np.broadcast_shapes(np.shape(x), np.shape(y), np.shape(z)), 3))
    out[..., 0], out[..., 1], out[..., 2] = x, y, z
    return out


def grid(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Returns patch coordinates [R + 1, C + 1, 2] of the columns' u [C + 1] and the rows' v [R + 1]."""
    return np.stack(np.broadcast_arrays(u[None, :], v[:, None]), axis=-1)


def disk(name: str, z: float, around: int, rings: int) -> Patch:
    """Returns the cap at height z = 1 (facing +z) or -1 (facing -z): a polar grid on `ring`, planar uv, heights that
    fade out at the rim.
    """

    def position(u, v):
        return stack(2 * u - 1, z * (2 * v - 1), z), stack(0 * u, 0 * v, z)

    cosine, sine = ring(around)
    radius = (
        steps(rings)[:, None] if z < 0 else steps(rings)[::-1, None]
    )  # rows lead outward below, inward above: u x v points outward
    points = stack(radius * cosine, radius * sine, z)
    uv = np.stack([0.5 + 0.5 * points[..., 0], 0.5 + 0.5 * z * points[..., 1]], axis=-1)
    fade = np.broadcast_to(1 - radius * radius, points.shape[:2])
    return Patch(name, position, uv, points, stack(0 * cosine, 0 * radius, z), fade=fade)
