"""Wood: growth rings around an axis, fibres along it; and boards cut from it."""

from dataclasses import dataclass

import numpy as np

from zeroverse.core.record import scale, seed, span
from zeroverse.textures.base import Texture, aligned_rotation, colors, mix, pack, shade
from zeroverse.textures.noise import cell_tone, fbm, smoothstep, to_joint
from zeroverse.textures.palettes import wood


def grain(points, rings: float, wobble: float, noise: int):  # [N, 3] -> [N], [N]
    """Returns late wood 0 .. 1 (slow rise, sharp end of the year) and fibres about -1 .. 1 of a trunk along z."""
    bent = points[:, :2] + wobble * np.stack(
        [fbm(points * (0.9, 0.9, 0.5), noise ^ 1, 2), fbm(points * (0.9, 0.9, 0.5), noise ^ 2, 2)], axis=1
    )
    radius = rings * np.sqrt(bent[:, 0] * bent[:, 0] + bent[:, 1] * bent[:, 1])
    year = radius - np.floor(radius)
    late = year * year * (1.0 - smoothstep(0.9, 1.0, year))
    return late, fbm(points * (26.0, 26.0, 1.6), noise, 2, 0.7)


@dataclass(frozen=True)
class Wood(Texture):
    quat: tuple = aligned_rotation()
    palette: tuple = colors(2, wood)  # early and late wood
    rings: float = scale(3.0, 9.0)  # per unit
    wobble: float = span(0.1, 0.5)
    fibre: float = span(0.06, 0.2)
    varnish: float = span(0.1, 0.7)
    noise: int = seed()

    def fields(self, points, normals):
        local = self.place(points) * (1.0, 1.0, 0.6)
        late, fibre = grain(local, self.rings, self.wobble, self.noise)
        color = shade(mix(*self.palette, 0.15 + 0.85 * late), self.fibre * fibre)
        return pack(color, 0.85 - 0.6 * self.varnish + 0.15 * fibre - 0.1 * late, 0.0, 0.004 * late + 0.003 * fibre)


@dataclass(frozen=True)
class Planks(Texture):
    quat: tuple = aligned_rotation()
    palette: tuple = colors(2, wood)
    width: float = scale(0.14, 0.45)
    length: float = span(2.0, 6.0)  # in widths
    gap: float = span(0.02, 0.06)  # in widths
    variety: float = span(0.1, 0.45)  # of tone between boards
    varnish: float = span(0.0, 0.6)
    noise: int = seed()

    def fields(self, points, normals):
        local = self.place(points)
        across = local[:, :2] / self.width
        row = np.floor(across)
        shift = cell_tone(np.stack([row[:, 0], row[:, 1], 0.0 * row[:, 0]], axis=1), self.noise)
        along = local[:, 2] / (self.width * self.length) + 7.0 * shift
        board = np.stack([row[:, 0], row[:, 1], np.floor(along)], axis=1)
        tone, other = cell_tone(board, self.noise ^ 1), cell_tone(board, self.noise ^ 2)
        cut = (
            local + np.stack([tone - 0.5, other - 0.5, 9.0 * shift], axis=1) * 3.0
        )  # every board from another place in the trunk
        late, fibre = grain(cut, 7.0, 0.3, self.noise ^ 3)
        facing = self.turn(normals)
        sides = np.minimum(to_joint(across[:, 0], facing[:, 0]), to_joint(across[:, 1], facing[:, 1]))
        wall = np.minimum(sides, to_joint(along, facing[:, 2]) * self.length)
        seam = 1.0 - smoothstep(self.gap * 0.5, self.gap * 1.5, wall)
        color = shade(mix(*self.palette, 0.1 + 0.7 * late), self.variety * (tone - 0.5) * 1.6 + 0.1 * fibre)
        return pack(
            shade(color, -0.6 * seam),
            0.85 - 0.6 * self.varnish + 0.12 * fibre + 0.2 * seam,
            0.0,
            0.003 * (late + fibre) - 0.02 * seam,
        )
