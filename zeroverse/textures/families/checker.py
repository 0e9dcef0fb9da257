"""Checker: cubes of two colours with worn edges."""

from dataclasses import dataclass

import numpy as np

from zeroverse.core.record import scale, seed, span
from zeroverse.textures.base import Texture, aligned_rotation, colors, mix, pack, shade
from zeroverse.textures.noise import cover, fbm, smoothstep


@dataclass(frozen=True)
class Checker(Texture):
    quat: tuple = aligned_rotation()
    frequency: float = scale(1.5, 7.0)  # cells per unit
    palette: tuple = colors(2)
    wear: float = span(0.0, 0.8)
    gloss: float = span(0.2, 0.8)
    noise: int = seed()

    def fields(self, points, normals):
        local = self.place(points)
        grain = fbm(local * 3.0, self.noise, 4)
        sides = (
            2.0
            * cover(
                0.5 - np.abs(local * self.frequency - 2.0 * np.floor(local * self.frequency * 0.5) - 1.0),
                self.frequency,
            )
            - 1.0
        )
        mask = 0.5 + 0.5 * sides[:, 0] * sides[:, 1] * sides[:, 2]
        worn = self.wear * smoothstep(0.1, 0.6, grain)
        color = shade(mix(*self.palette, mask), 0.12 * grain - 0.3 * worn)
        return pack(color, 1.0 - self.gloss + 0.4 * worn + 0.15 * mask, 0.0, 0.006 * mask - 0.008 * worn)
