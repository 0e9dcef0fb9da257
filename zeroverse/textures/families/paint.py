"""Paint: one colour, a slow drift towards a second, orange peel and fine specks."""

from dataclasses import dataclass

from zeroverse.core.record import scale, seed, span
from zeroverse.textures.base import Texture, colors, mix, pack, shade
from zeroverse.textures.noise import fbm, smoothstep, worley
from zeroverse.textures.palettes import pastel, tonal, vivid


@dataclass(frozen=True)
class Paint(Texture):
    palette: tuple = colors(
        3, lambda rng, number: rng.choice((vivid, tonal, pastel))(rng, number)
    )  # body, drift, specks
    drift: float = span(0.1, 0.5)
    frequency: float = scale(0.8, 2.5)  # of the drift
    peel: float = scale(0.0005, 0.004)  # height of the orange peel
    specks: float = span(0.0, 0.35)  # radius in cells: 0 is none
    gloss: float = span(0.1, 0.85)
    noise: int = seed()

    def fields(self, points, normals):
        local = self.place(points)
        slow = fbm(local * self.frequency, self.noise, 3)
        peel = fbm(local * 12.0, self.noise ^ 1, 2)
        nearest, _, tone = worley(local * 9.0, self.noise, 0.85, 0.5)
        speck = smoothstep(0.0, 0.12, self.specks * tone - nearest)
        color = mix(
            mix(self.palette[0], self.palette[1], self.drift * smoothstep(-0.5, 0.8, slow)),
            self.palette[2],
            0.85 * speck,
        )
        return pack(
            shade(color, 0.05 * slow + 0.03 * peel),
            1.0 - self.gloss + 0.2 * slow + 0.1 * speck,
            0.0,
            self.peel * peel + 0.003 * speck,
        )
