"""Spots: dots, sprinkles, camouflage, animal coats, layered paint blobs."""

from dataclasses import dataclass

import numpy as np

from zeroverse.core.record import choice, scale, seed, span
from zeroverse.textures.base import Texture, colors, mix, pack, pick, rotation, shade
from zeroverse.textures.noise import cover, fbm, smoothstep, warp, worley
from zeroverse.textures.palettes import any_palette, earth, vivid


@dataclass(frozen=True)
class Dots(Texture):
    palette: tuple = colors(4)  # ground, then dots
    frequency: float = scale(2.0, 7.0)
    radius: float = span(0.25, 0.5)  # in cells
    scatter: float = span(0.0, 0.6)
    ring: float = span(0.0, 0.5)  # width of the rim, in radii
    gloss: float = span(0.2, 0.85)
    noise: int = seed()

    def fields(self, points, normals):
        local = self.place(points)
        grain = fbm(local * 9.0, self.noise, 2)
        nearest, _, tone = worley(local * self.frequency, self.noise, self.scatter, 0.7)
        radius = self.radius * (0.8 + 0.4 * tone)
        dot, core = cover(radius - nearest, self.frequency), cover(radius * (1.0 - self.ring) - nearest, self.frequency)
        color = mix(
            mix(self.palette[0], pick(1.0 - tone, self.palette[:1:-1]), dot), pick(tone, self.palette[1:]), core
        )
        return pack(
            shade(color, 0.05 * grain), 1.0 - self.gloss + 0.2 * dot, 0.0, 0.03 / self.frequency * dot + 0.001 * grain
        )


@dataclass(frozen=True)
class Sprinkles(Texture):
    palette: tuple = colors(
        5, lambda rng, number: rng.choice((vivid, any_palette))(rng, number)
    )  # ground, then strokes
    frequency: float = scale(3.0, 8.0)  # strokes per unit
    slender: float = span(2.0, 5.0)  # length over width
    share: float = span(0.4, 0.9)
    gloss: float = span(0.2, 0.85)
    noise: int = seed()

    def fields(self, points, normals):
        local = self.place(points)
        color, strokes = shade(self.palette[0], 0.08 * fbm(local * 5.0, self.noise, 3)), 0.0
        for axis in range(3):  # one layer of strokes along each axis of a turned frame
            stretch = [self.frequency] * 3
            stretch[axis] = self.frequency / self.slender
            nearest, _, tone = worley(local * stretch, self.noise ^ (axis + 1), 0.6, 0.45)
            stroke = cover(0.36 - nearest, self.frequency) * (tone < self.share)
            color = mix(color, pick(tone / self.share * 0.999, self.palette[1:]), stroke)
            strokes = strokes + stroke * (1.0 - strokes)
        return pack(color, 1.0 - self.gloss + 0.2 * (1.0 - strokes), 0.0, 0.04 / self.frequency * strokes)


@dataclass(frozen=True)
class Camouflage(Texture):
    palette: tuple = colors(4, lambda rng, number: rng.choice((earth, any_palette))(rng, number))
    frequency: float = scale(1.0, 3.5)
    ragged: float = span(0.1, 0.9)
    weave: float = span(0.0, 0.1)  # fine cloth noise
    noise: int = seed()

    def fields(self, points, normals):
        local = self.place(points)
        top = np.zeros(len(local))
        color = shade(self.palette[0], top)
        bent = warp(local * self.frequency, self.noise, 0.35 * self.ragged)
        for layer in (1, 2, 3):
            patch = fbm(bent, self.noise ^ (layer + 8), 2, 0.2 + 0.4 * self.ragged)
            mask = cover((patch - 0.12) * 0.7, self.frequency)
            color, top = mix(color, self.palette[layer], mask), top + mask * (0.25 * layer - top)
        cloth = fbm(local * 18.0, self.noise, 2, 0.9)
        return pack(
            shade(color, self.weave * cloth),
            0.7 + 0.2 * top + self.weave * cloth,
            0.0,
            0.003 * top + 0.03 * self.weave * cloth,
        )


@dataclass(frozen=True)
class Coat(Texture):
    quat: tuple = rotation()
    palette: tuple = colors(
        3, lambda rng, number: rng.choice((earth, any_palette))(rng, number)
    )  # ground, heart of a rosette, mark
    kind: str = choice("leopard", "zebra", "giraffe")
    frequency: float = scale(2.0, 5.0)
    bend: float = span(0.2, 0.6)
    noise: int = seed()

    def fields(self, points, normals):
        local = self.place(points)
        bent = warp(local * self.frequency, self.noise, self.bend, 2)
        heart = np.zeros(len(local))
        if self.kind == "zebra":
            mark = cover(0.6 * fbm(bent * (0.25, 0.25, 1.0), self.noise ^ 1, 1), self.frequency)
        else:
            nearest, wall, tone = worley(bent, self.noise, 0.7)
            if self.kind == "giraffe":
                mark = cover(wall - 0.08, self.frequency)
            else:
                broken = fbm(local * self.frequency * 2.5, self.noise ^ 2, 1)
                heart = cover(0.36 - nearest + 0.1 * broken, self.frequency)
                mark = cover(0.07 - np.abs(nearest - 0.38) + 0.22 * broken, self.frequency) * (wall > 0.05)
        fur = fbm(local * (30.0, 30.0, 5.0), self.noise ^ 3, 2, 0.8)
        color = mix(mix(self.palette[0], self.palette[1], heart), self.palette[2], mark)
        return pack(shade(color, 0.14 * fur), 0.8 + 0.1 * fur - 0.15 * mark, 0.0, 0.004 * fur + 0.002 * mark)


@dataclass(frozen=True)
class Graffiti(Texture):
    palette: tuple = colors(6, vivid)  # wall, outline, then fills
    frequency: float = scale(0.9, 2.6)
    swirl: float = span(0.3, 1.0)
    outline: float = span(0.02, 0.07)
    gloss: float = span(0.2, 0.7)
    noise: int = seed()

    def fields(self, points, normals):
        local = self.place(points)
        grit = fbm(local * 12.0, self.noise, 2)
        color, paint = shade(self.palette[0], 0.1 * grit), np.zeros(len(grit))
        bent = (
            warp(local * self.frequency, self.noise, self.swirl),
            warp(local * self.frequency * 1.4, self.noise ^ 1, self.swirl),
        )
        for layer in range(2, 6):
            blob = fbm(bent[layer % 2], self.noise ^ (layer + 16), 1)
            level = (
                (np.abs(blob) - 0.32) * 0.5 if layer % 2 else (0.09 - np.abs(blob)) * 0.5
            )  # filled blobs and ribbons in turn
            edge, fill = cover(level + self.outline, self.frequency), cover(level, self.frequency)
            spray = smoothstep(0.0, 0.3, level)
            color = mix(mix(color, self.palette[1], edge), shade(self.palette[layer], 0.3 * spray), fill)
            paint = paint + edge * (1.0 - paint)
        return pack(
            color,
            0.9 - self.gloss * paint + 0.1 * grit * (1.0 - paint),
            0.0,
            0.003 * paint + 0.004 * grit * (1.0 - paint),
        )
