"""Flat patterns laid on a surface along the three axes of the pattern's frame, smoothly blended where the surface
turns.
"""

from dataclasses import dataclass

import numpy as np

from zeroverse.textures.base import Fields, Texture, aligned_rotation, pack


def facing(normals: np.ndarray) -> np.ndarray:  # [N, 3] -> [3, N]
    """Returns how much a surface faces each axis: weights that add to 1 and change over within a few degrees of the
    diagonals.
    """
    weight = np.ascontiguousarray(normals.T)  # [3, N]: rows are long, so numpy is fast
    for _ in range(4):
        weight = weight * weight  # the 16th power of the cosine, by squaring
    weight = np.where(weight < 1e-3 * np.maximum(np.maximum(weight[0], weight[1]), weight[2]), 0.0, weight)
    return weight / (weight[0] + weight[1] + weight[2])


def unfold(points: np.ndarray, normals: np.ndarray, axis: int) -> np.ndarray:  # [N, 3] twice -> [N, 3]
    """Returns (right, up, 0) of points as seen from outside along an axis, so that nothing printed comes out mirrored;
    up is +Z on the sides.
    """
    side = np.where(normals[:, axis] < 0.0, -1.0, 1.0)
    right, up = ((1, 2), (0, 2), (0, 1))[axis]
    side = -side if axis == 1 else side
    return np.stack([points[:, right] * side, points[:, up], np.zeros(len(points))], axis=1)


def lay(pattern, local: np.ndarray, normals: np.ndarray) -> Fields:
    """Returns `pattern(flat [n, 3], axis)` on the three planes, blended: colour [n, 3], roughness, metallic and height
    ([n] or plain numbers).
    """
    weights = facing(normals)
    color, rest = np.zeros((len(local), 3), np.float32), np.zeros((3, len(local)))
    for axis in range(3):
        rows = np.flatnonzero(weights[axis])
        if not len(rows):
            continue
        layer, *others = pattern(unfold(local[rows], normals[rows], axis), axis)
        weight = weights[axis, rows]
        color[rows] += layer * weight[:, None].astype(np.float32)
        for total, value in zip(rest, others):
            total[rows] += value * weight
    return pack(color, *rest)


@dataclass(frozen=True)
class Planar(Texture):
    """A texture made of a flat pattern: subclasses give `pattern`."""

    quat: tuple = aligned_rotation()

    def pattern(self, flat: np.ndarray, axis: int) -> tuple:
        """Returns colour [n, 3], roughness, metallic and height ([n] or plain numbers) at points (u, v, 0) [n, 3] of
        the plane across `axis`.
        """
        raise NotImplementedError

    def fields(self, points, normals) -> Fields:
        return lay(self.pattern, self.place(points), self.turn(normals))
