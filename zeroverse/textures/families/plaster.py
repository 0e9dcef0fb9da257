"""Plaster: clouds of one hue, trowel ridges and pits."""

from dataclasses import dataclass

import numpy as np

from zeroverse.core.record import scale, seed, span
from zeroverse.textures.base import Texture, colors, pack, shade
from zeroverse.textures.noise import fbm, ramp, ridged, warp
from zeroverse.textures.palettes import tonal


@dataclass(frozen=True)
class Plaster(Texture):
    palette: tuple = colors(4, tonal)
    frequency: float = scale(1.0, 4.0)
    swirl: float = span(0.0, 0.9)
    contrast: float = span(0.5, 1.1)
    relief: float = scale(0.004, 0.02)
    noise: int = seed()

    def fields(self, points, normals):
        local = warp(self.place(points) * self.frequency, self.noise, self.swirl)
        cloud = fbm(local, self.noise ^ 1, 5, 0.6)
        trowel = ridged(local * (1.0, 1.0, 2.5), self.noise ^ 2, 3)
        color = shade(ramp(0.5 + self.contrast * cloud, np.array(self.palette)), 0.25 * (trowel - 0.4))
        return pack(color, 0.75 + 0.2 * cloud, 0.0, self.relief * (cloud + 0.6 * trowel))
