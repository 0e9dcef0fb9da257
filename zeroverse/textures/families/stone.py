"""Stones: granite (packed crystals), terrazzo (chips in a matrix) and pebbles (rounded, in mortar)."""

from dataclasses import dataclass

from zeroverse.core.record import scale, seed, span
from zeroverse.textures.base import Texture, colors, mix, pack, pick, shade
from zeroverse.textures.noise import cover, fbm, smoothstep, warp, worley
from zeroverse.textures.palettes import any_palette, earth


@dataclass(frozen=True)
class Granite(Texture):
    palette: tuple = colors(4)
    frequency: float = scale(5.0, 14.0)  # crystals per unit
    clouds: float = span(0.0, 0.3)
    gloss: float = span(0.3, 0.9)
    noise: int = seed()

    def fields(self, points, normals):
        local = self.place(points)
        cloud = fbm(local * 1.7, self.noise, 2)
        _, wall, tone = worley(local * self.frequency, self.noise, 0.9)
        _, _, speck = worley(local * self.frequency * 2.3, self.noise ^ 2, 0.9, 0.9)
        color = shade(pick(tone, self.palette), self.clouds * cloud + 0.25 * (speck - 0.5))
        color = mix(color, self.palette[0], 0.8 * (speck > 0.86))
        return pack(
            color,
            1.0 - self.gloss + 0.25 * (tone - 0.5) + 0.1 * (speck > 0.86),
            0.0,
            0.05 / self.frequency * smoothstep(0.0, 0.25, wall),
        )


@dataclass(frozen=True)
class Terrazzo(Texture):
    palette: tuple = colors(5)  # matrix, then chips
    frequency: float = scale(2.5, 8.0)
    share: float = span(0.45, 0.95)  # of cells that hold a chip
    margin: float = span(0.04, 0.14)  # of matrix around a chip, in cells
    gloss: float = span(0.4, 0.9)
    noise: int = seed()

    def fields(self, points, normals):
        local = self.place(points)
        grain = fbm(local * 9.0, self.noise, 2)
        color, chips = shade(self.palette[0], 0.06 * grain), 0.0
        for size, salt in ((2.6, 1), (1.0, 2)):  # the small chips first: the large ones lie over them
            frequency = self.frequency * size
            _, wall, tone = worley(local * frequency, self.noise ^ salt, 0.9)
            chip = cover(wall - self.margin, frequency) * (tone < self.share)
            color = mix(color, shade(pick(tone / self.share * 0.999, self.palette[1:]), 0.1 * grain), chip)
            chips = chips + chip * (1.0 - chips)
        return pack(color, 1.0 - self.gloss + 0.2 * (1.0 - chips), 0.0, 0.002 * chips)


@dataclass(frozen=True)
class Pebbles(Texture):
    palette: tuple = colors(5, lambda rng, number: rng.choice((earth, any_palette))(rng, number))  # mortar, then stones
    frequency: float = scale(2.0, 6.0)
    gap: float = span(0.02, 0.1)
    gloss: float = span(0.05, 0.6)
    noise: int = seed()

    def fields(self, points, normals):
        local = self.place(points)
        grain = fbm(local * 7.0, self.noise, 4)
        _, wall, tone = worley(warp(local * self.frequency, self.noise ^ 1, 0.15), self.noise, 0.85)
        dome = smoothstep(self.gap, self.gap + 0.28, wall)
        stone = cover(wall - self.gap, self.frequency)
        body = shade(pick(tone, self.palette[1:]), 0.22 * grain + 0.3 * (dome - 0.6))
        return pack(
            mix(self.palette[0], body, stone),
            0.95 - self.gloss * stone + 0.1 * grain,
            0.0,
            (0.12 * dome + 0.01 * grain) / self.frequency,
        )
