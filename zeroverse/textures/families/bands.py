"""Bands: painted stripes, sediment strata, a plain gradient, and op-art waves."""

from dataclasses import dataclass

import numpy as np

from zeroverse.core.record import choice, scale, seed, span
from zeroverse.textures.base import Texture, aligned_rotation, colors, mix, pack, pick, shade
from zeroverse.textures.noise import bands, cover, fbm, ramp, smoothstep, warp, wave
from zeroverse.textures.palettes import earth, vivid


@dataclass(frozen=True)
class Stripes(Texture):
    quat: tuple = aligned_rotation()
    palette: tuple = colors(5)
    frequency: float = scale(2.0, 10.0)  # bands per unit
    uneven: float = span(0.0, 0.9)
    bend: float = scale(0.01, 0.4)
    gloss: float = span(0.2, 0.85)
    noise: int = seed()

    def fields(self, points, normals):
        local = self.place(points)
        grain = fbm(local * 10.0, self.noise, 2)
        along = (local[:, 2] + self.bend * fbm(local * 1.3, self.noise ^ 1, 2)) * self.frequency
        tone, edge = bands(along, self.noise, self.uneven)
        line = 1.0 - cover(edge - 0.04, self.frequency)
        color = shade(pick(tone, self.palette), 0.05 * grain - 0.25 * line)
        return pack(
            color,
            1.0 - self.gloss + 0.3 * (tone - 0.5) + 0.05 * grain,
            0.0,
            0.02 / self.frequency * (tone - line) + 0.001 * grain,
        )


@dataclass(frozen=True)
class Strata(Texture):
    palette: tuple = colors(5, lambda rng, number: rng.choice((earth, vivid))(rng, number))
    frequency: float = scale(2.0, 6.0)
    fold: float = span(0.1, 0.5)
    relief: float = scale(0.005, 0.03)
    noise: int = seed()

    def fields(self, points, normals):
        local = self.place(points)
        height = local[:, 2] + self.fold * fbm(local * (0.8, 0.8, 0.4), self.noise, 4, 0.4)
        tone, edge = bands(height * self.frequency, self.noise, 0.95)
        fine, _ = bands(height * self.frequency * 5.0, self.noise ^ 1, 0.9)
        grit = fbm(local * 11.0, self.noise ^ 2, 3)
        color = shade(
            pick(tone, self.palette), 0.35 * (fine - 0.5) + 0.14 * grit - 0.3 * (1.0 - smoothstep(0.0, 0.08, edge))
        )
        return pack(color, 0.8 + 0.15 * grit - 0.3 * (tone - 0.5), 0.0, self.relief * (tone + 0.4 * fine + 0.25 * grit))


@dataclass(frozen=True)
class Gradient(Texture):
    palette: tuple = colors(4, vivid)
    lay: str = choice("straight", "round")
    extent: float = scale(0.4, 1.1)  # length of the whole gradient
    ripple: float = span(0.0, 0.4)
    flakes: float = span(0.0, 0.8)  # metallic glitter
    gloss: float = span(0.3, 0.85)
    noise: int = seed()

    def fields(self, points, normals):
        local = self.place(points)
        centred = local - self.offset
        far = np.sqrt((centred * centred).sum(axis=1)) if self.lay == "round" else centred[:, 2]
        sweep = far / self.extent + self.ripple * fbm(local * 2.0, self.noise, 3)
        glitter = fbm(local * 17.0, self.noise ^ 1, 2, 0.9)
        flake = self.flakes * smoothstep(0.2, 0.5, glitter)
        color = shade(ramp(0.5 + 0.5 * wave(0.5 * sweep), np.array(self.palette)), 0.25 * flake + 0.03 * glitter)
        return pack(color, 1.0 - self.gloss - 0.2 * flake, flake, 0.0015 * glitter)


@dataclass(frozen=True)
class OpArt(Texture):
    palette: tuple = colors(3)
    frequency: float = scale(3.0, 8.0)  # lines per unit
    swirl: float = span(0.1, 0.6)
    scheme: str = choice("waves", "rings", "moire")
    duty: float = span(-0.35, 0.35)  # which of the two colours is broader
    gloss: float = span(0.2, 0.8)
    noise: int = seed()

    def fields(self, points, normals):
        local = self.place(points)
        centred = warp(local, self.noise, self.swirl) - self.offset
        radius = np.sqrt((centred * centred).sum(axis=1))
        other = centred - (0.9, 0.3, 0.5)
        phase = {
            "waves": centred[:, 0],
            "rings": np.sqrt(centred[:, 0] * centred[:, 0] + centred[:, 1] * centred[:, 1]),
        }.get(self.scheme, radius)
        line = wave(phase * self.frequency)
        if self.scheme == "moire":
            line = 0.8 * line + 0.8 * wave(np.sqrt((other * other).sum(axis=1)) * self.frequency)
        mask = cover((line - self.duty) * 0.16, self.frequency)
        accent = smoothstep(0.15, 0.2, fbm(local * 1.1, self.noise ^ 1, 1))
        color = mix(self.palette[0], mix(self.palette[1], self.palette[2], accent), mask)
        return pack(color, 1.0 - self.gloss + 0.2 * mask, 0.0, 0.02 / self.frequency * mask)
