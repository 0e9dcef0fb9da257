"""What every texture is: a frozen record of parameters, and the fields it gives over points."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from zeroverse.core.jit import kernel
from zeroverse.core.record import Record, parameter, several
from zeroverse.core.rng import Rng
from zeroverse.textures import palettes


class Fields(NamedTuple):
    """Material at N points; all float32."""

    base_color: np.ndarray  # [N, 3] sRGB-encoded, 0 .. 1
    roughness: np.ndarray  # [N] 0 .. 1
    metallic: np.ndarray  # [N] 0 .. 1
    height: np.ndarray  # [N] along the normal, in the unit of the points; relief for the normal map only


def colors(number: int, sample=palettes.any_palette) -> Any:
    """Returns the field of `number` sRGB-encoded colours, which `sample(rng, number)` picks."""

    def check(value):
        if not isinstance(value, (list, tuple)) or len(value) != number:
            raise ValueError(f"{number} colours of 3 numbers from 0 to 1")
        return tuple(several(color, 3, 0.0, 1.0) for color in value)

    return parameter(lambda rng: sample(rng, number), check)


def _unit_quat(value):
    quat = several(value, 4, -1.0, 1.0)
    if abs(sum(q * q for q in quat) - 1.0) > 1e-4:
        raise ValueError("a unit quaternion wxyz")
    return quat


def _lattice_quat(rng: Rng):
    """Returns a rotation mostly along the axes of the surface, as a bricklayer would; sometimes at any angle."""
    if rng.chance(0.3):
        return rng.quat()
    return rng.choice(
        [(1.0, 0.0, 0.0, 0.0), (0.5, 0.5, 0.5, 0.5), (0.5, -0.5, -0.5, -0.5)], [2, 1, 1]
    )  # the axes in turn, exactly


def rotation() -> Any:
    """Returns the field of any rotation, wxyz."""
    return parameter(lambda rng: rng.quat(), _unit_quat)


def aligned_rotation() -> Any:
    """Returns the field of a rotation that usually keeps the pattern along the axes of the surface, wxyz."""
    return parameter(_lattice_quat, _unit_quat)


def shift() -> Any:
    """Returns the field of an offset of the pattern, 3 numbers: it keeps lattice planes off the faces of a cube."""
    return parameter(
        lambda rng: tuple(rng.uniform(-4.0, 4.0) for _ in range(3)), lambda value: several(value, 3, -4.0, 4.0)
    )


@kernel
def _rotate(points, quat, offset):  # [N, 3], [4], [3] -> [N, 3]
    w, x, y, z = quat
    s = 2.0 / (
        w * w + x * x + y * y + z * z
    )  # the stored quaternion is rounded; this makes the rotation exact to double
    out = np.empty_like(points)
    for n in range(points.shape[0]):
        a, b, c = points[n, 0], points[n, 1], points[n, 2]
        out[n, 0] = (1 - s * (y * y + z * z)) * a + s * (x * y - w * z) * b + s * (x * z + w * y) * c + offset[0]
        out[n, 1] = s * (x * y + w * z) * a + (1 - s * (x * x + z * z)) * b + s * (y * z - w * x) * c + offset[1]
        out[n, 2] = s * (x * z - w * y) * a + s * (y * z + w * x) * b + (1 - s * (x * x + y * y)) * c + offset[2]
    return out


@dataclass(frozen=True)
class Texture(Record):
    """A solid texture: a function of position in the surface's own frame (half-extent about 1), so it has no seams and
    no stretched poles.
    """

    quat: tuple = rotation()
    offset: tuple = shift()

    def fields(self, points: np.ndarray, normals: np.ndarray) -> Fields:
        """Returns the material at points [N, 3] float64 with unit normals [N, 3], both in the surface's own frame."""
        raise NotImplementedError

    def bind(self, folder) -> "Texture":
        """Returns the texture ready for `fields`: procedural ones need no files and are returned as they are."""
        return self

    def place(self, points: np.ndarray) -> np.ndarray:  # [N, 3] -> [N, 3]
        """Returns points in the pattern's frame."""
        return _rotate(np.ascontiguousarray(points, np.float64), self.quat, self.offset)

    def turn(self, normals: np.ndarray) -> np.ndarray:  # [N, 3] -> [N, 3]
        """Returns directions in the pattern's frame."""
        return _rotate(np.ascontiguousarray(normals, np.float64), self.quat, (0.0, 0.0, 0.0))


def pack(base_color, roughness, metallic, height) -> Fields:
    """Returns fields from arrays or plain numbers, clipped to their ranges."""
    number = len(base_color)
    spread = lambda value: np.broadcast_to(np.asarray(value, np.float32), (number,))
    clipped = [np.clip(spread(value), 0.0, 1.0) for value in (roughness, metallic)]
    return Fields(np.clip(np.asarray(base_color, np.float32), 0.0, 1.0), *clipped, np.array(spread(height)))


def mix(a, b, amount) -> np.ndarray:
    """Returns colour a where `amount` [N] is 0, b where 1; each [N, 3] or one colour."""
    return _mix(_rows(a), _rows(b), np.ascontiguousarray(amount, np.float64))


def shade(color, amount) -> np.ndarray:
    """Returns the colour [N, 3] or [3] times 1 + amount [N]: lighter or darker at the same hue."""
    return _shade(_rows(color), np.ascontiguousarray(amount, np.float64))


def _rows(color) -> np.ndarray:  # [3] or [N, 3] -> [1, 3] or [N, 3]
    return np.ascontiguousarray(np.atleast_2d(np.asarray(color, np.float32)))


@kernel
def _mix(a, b, amount):  # numpy takes ten times as long: its inner loop would be 3 long
    out = np.empty((amount.size, 3), np.float32)
    for n in range(amount.size):
        i, j = min(n, a.shape[0] - 1), min(n, b.shape[0] - 1)
        for c in range(3):
            out[n, c] = a[i, c] + (b[j, c] - a[i, c]) * amount[n]
    return out


@kernel
def _shade(color, amount):
    out = np.empty((amount.size, 3), np.float32)
    for n in range(amount.size):
        for c in range(3):
            out[n, c] = color[min(n, color.shape[0] - 1), c] * (1.0 + amount[n])
    return out


def pick(tone, palette) -> np.ndarray:  # [N] in [0, 1), K colours -> [N, 3]
    """Returns one of the colours for each random number."""
    palette = np.asarray(palette, np.float32)
    return palette[np.minimum((tone * len(palette)).astype(np.int64), len(palette) - 1)]
