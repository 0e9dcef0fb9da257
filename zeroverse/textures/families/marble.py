"""Marble: soft clouds crossed by veins of two sizes, polished."""

from dataclasses import dataclass

from zeroverse.core.record import scale, seed, span
from zeroverse.textures.base import Texture, colors, mix, pack
from zeroverse.textures.noise import fbm, ridged, smoothstep, warp


@dataclass(frozen=True)
class Marble(Texture):
    palette: tuple = colors(4)  # ground, cloud, veins, hair veins
    frequency: float = scale(0.8, 2.5)
    swirl: float = span(0.2, 0.9)
    breadth: float = span(0.05, 0.3)  # of the veins
    gloss: float = span(0.55, 0.92)
    noise: int = seed()

    def fields(self, points, normals):
        local = warp(self.place(points) * self.frequency, self.noise, self.swirl, 2)
        cloud = fbm(local * 1.5, self.noise ^ 1, 4)
        vein = smoothstep(1.0 - 2.0 * self.breadth, 1.0, ridged(local, self.noise ^ 2, 2, 0.3))
        hair = smoothstep(0.75, 1.0, ridged(local * 3.1, self.noise ^ 3, 1)) * smoothstep(-0.2, 0.5, cloud)
        color = mix(mix(self.palette[0], self.palette[1], smoothstep(-0.6, 0.8, cloud)), self.palette[2], 0.9 * vein)
        return pack(
            mix(color, self.palette[3], 0.8 * hair),
            1.0 - self.gloss + 0.12 * vein + 0.05 * cloud,
            0.0,
            -0.002 * (vein + hair),
        )
