"""Masonry: bricks in running bond, square tiles with grout, small mosaic stones."""

from dataclasses import dataclass

import numpy as np

from zeroverse.core.record import choice, scale, seed, span
from zeroverse.textures.base import Texture, aligned_rotation, colors, mix, pack, pick, shade
from zeroverse.textures.noise import cell_tone, cover, fbm, ramp, smoothstep, to_joint, worley
from zeroverse.textures.palettes import any_palette, earth


@dataclass(frozen=True)
class Bricks(Texture):
    quat: tuple = aligned_rotation()
    palette: tuple = colors(4, lambda rng, number: rng.choice((earth, any_palette))(rng, number))  # mortar, then bricks
    height: float = scale(0.1, 0.3)  # of a course
    length: float = span(1.6, 3.2)  # in heights
    mortar: float = span(0.05, 0.14)  # in heights
    wear: float = span(0.0, 0.12)  # of the edges, in heights
    variety: float = span(0.1, 0.45)
    noise: int = seed()

    def fields(self, points, normals):
        local = self.place(points)
        grain = fbm(local * 8.0, self.noise, 4)
        course = np.floor(local[:, 2] / self.height)
        stagger = 0.5 * (course - 2.0 * np.floor(0.5 * course))
        x, y = (local[:, axis] / (self.height * self.length) + stagger for axis in (0, 1))
        facing = self.turn(normals)
        ends = np.minimum(to_joint(x, facing[:, 0]), to_joint(y, facing[:, 1])) * self.length
        wall = np.minimum(ends, to_joint(local[:, 2] / self.height, facing[:, 2])) + self.wear * grain
        tone = cell_tone(np.stack([np.floor(x), np.floor(y), course], axis=1), self.noise ^ 1)
        brick = cover(wall - 0.5 * self.mortar, 1.0 / self.height)
        body = shade(
            pick(tone, self.palette[1:]), self.variety * (7.0 * tone - np.floor(7.0 * tone) - 0.5) + 0.2 * grain
        )
        relief = 0.12 * self.height * smoothstep(0.3 * self.mortar, self.mortar, wall)
        return pack(
            mix(shade(self.palette[0], 0.15 * grain), body, brick),
            0.85 - 0.15 * brick + 0.15 * grain,
            0.0,
            relief + 0.004 * grain,
        )


@dataclass(frozen=True)
class Tiles(Texture):
    quat: tuple = aligned_rotation()
    palette: tuple = colors(5)  # grout, then glazes
    frequency: float = scale(2.0, 7.0)  # tiles per unit
    grout: float = span(0.03, 0.1)  # in tiles
    inlay: str = choice("plain", "diamond", "disc")
    gloss: float = span(0.6, 0.92)
    noise: int = seed()

    def fields(self, points, normals):
        local = self.place(points) * self.frequency
        glaze = fbm(local * 2.0, self.noise, 3)
        tone, other = cell_tone(np.floor(local), self.noise), cell_tone(np.floor(local), self.noise ^ 1)
        wall = to_joint(local, self.turn(normals)).min(axis=1)
        tile = cover(wall - self.grout, self.frequency)
        body = mix(pick(tone, self.palette[1:]), pick(other, self.palette[1:]), self._inlay(local) * (other > 0.3))
        color = mix(self.palette[0], shade(body, 0.08 * glaze), tile)
        relief = 0.12 / self.frequency * smoothstep(0.5 * self.grout, 2.5 * self.grout, wall)
        return pack(color, 0.9 - self.gloss * tile + 0.08 * glaze, 0.0, relief + 0.002 * glaze * tile)

    def _inlay(self, local):  # [N, 3] -> [N]
        """Coverage of the inner figure: the body of an octahedron or a ball, so every cut through a tile shows one."""
        centred = np.abs(local - np.floor(local) - 0.5)
        if self.inlay == "diamond":
            return cover(0.62 - centred[:, 0] - centred[:, 1] - centred[:, 2], self.frequency)
        if self.inlay == "disc":
            return cover(0.45 - np.sqrt((centred * centred).sum(axis=1)), self.frequency)
        return np.zeros(len(local))


@dataclass(frozen=True)
class Mosaic(Texture):
    palette: tuple = colors(5)  # grout, then the colours of a picture
    frequency: float = scale(5.0, 12.0)  # stones per unit
    picture: float = scale(0.6, 1.8)  # frequency of the picture the stones make
    grout: float = span(0.03, 0.09)
    gloss: float = span(0.3, 0.85)
    noise: int = seed()

    def fields(self, points, normals):
        local = self.place(points)
        _, wall, tone = worley(local * self.frequency, self.noise, 0.55)
        figure = fbm(local * self.picture, self.noise ^ 1, 2)
        stone = cover(wall - self.grout, self.frequency)
        level = np.floor(4.0 * (0.5 + 0.8 * figure) + 0.7 * (tone - 0.5)) / 3.0
        body = shade(ramp(level, np.array(self.palette[1:])), 0.35 * (7.0 * tone - np.floor(7.0 * tone) - 0.5))
        relief = 0.1 / self.frequency * smoothstep(0.0, 0.2, wall)
        return pack(mix(self.palette[0], body, stone), 0.9 - self.gloss * stone + 0.1 * tone, 0.0, relief)
