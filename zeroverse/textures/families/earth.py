"""Broken ground: cracked clay, lava with bright veins, leather."""

from dataclasses import dataclass

import numpy as np

from zeroverse.core.record import scale, seed, span
from zeroverse.textures.base import Texture, colors, mix, pack, pick, shade
from zeroverse.textures.noise import cover, fbm, ramp, ridged, smoothstep, turbulence, warp, worley
from zeroverse.textures.palettes import any_palette, earth, ember, tonal


@dataclass(frozen=True)
class Clay(Texture):
    palette: tuple = colors(
        4, lambda rng, number: rng.choice((earth, tonal, any_palette))(rng, number)
    )  # crack, then plates
    frequency: float = scale(1.5, 4.5)
    crack: float = span(0.02, 0.07)
    ragged: float = span(0.1, 0.4)
    noise: int = seed()

    def fields(self, points, normals):
        local = self.place(points)
        grain = fbm(local * 6.0, self.noise, 2, 0.6)
        bent = warp(local * self.frequency, self.noise ^ 1, self.ragged)
        _, wall, tone = worley(bent, self.noise, 0.85)
        _, fine, _ = worley(bent * 2.7, self.noise ^ 2, 0.85)
        plate = cover(wall - self.crack, self.frequency) * (0.65 + 0.35 * cover(fine - 0.035, self.frequency * 2.7))
        curl = smoothstep(self.crack, 0.35, wall)  # plates curl up at the rim as they dry
        body = shade(pick(tone, self.palette[1:]), 0.16 * grain + 0.18 * (1.0 - curl))
        relief = (0.09 * plate - 0.04 * curl) / self.frequency
        return pack(mix(self.palette[0], body, plate), 0.85 + 0.1 * grain - 0.15 * curl, 0.0, relief + 0.003 * grain)


@dataclass(frozen=True)
class Lava(Texture):
    palette: tuple = colors(4, ember)  # crust, then the glow from its rim to its heart
    frequency: float = scale(1.0, 3.0)
    swirl: float = span(0.2, 0.8)
    heat: float = span(0.25, 0.6)
    noise: int = seed()

    def fields(self, points, normals):
        local = warp(self.place(points) * self.frequency, self.noise, self.swirl, 2)
        slag = turbulence(local * 3.5, self.noise ^ 1, 4)
        vein = ridged(local, self.noise ^ 2, 3, 0.45)
        glow = smoothstep(1.0 - 1.6 * self.heat, 1.0, vein - 0.3 * slag + 0.1)
        crust = shade(self.palette[0], 1.2 * (slag - 0.25))
        color = mix(crust, ramp(glow, np.array(self.palette[1:])), smoothstep(0.0, 0.25, glow))
        return pack(color, 0.9 - 0.5 * glow, 0.0, (0.05 * slag - 0.04 * glow) / self.frequency)


@dataclass(frozen=True)
class Leather(Texture):
    palette: tuple = colors(2, tonal)  # crease, face
    frequency: float = scale(7.0, 14.0)  # pores per unit
    worn: float = span(0.1, 0.6)
    gloss: float = span(0.2, 0.65)
    noise: int = seed()

    def fields(self, points, normals):
        local = self.place(points)
        patch = fbm(local * 1.6, self.noise, 3)
        _, wall, tone = worley(local * self.frequency, self.noise, 0.9)
        wrinkle = smoothstep(0.6, 0.95, ridged(warp(local * 2.2, self.noise ^ 2, 0.5), self.noise ^ 3, 2))
        face = smoothstep(0.0, 0.16, wall) * (1.0 - 0.7 * wrinkle)
        color = shade(mix(*self.palette, 0.45 + 0.55 * face), 0.3 * self.worn * patch + 0.12 * (tone - 0.5))
        return pack(color, 1.0 - self.gloss * face + 0.2 * patch, 0.0, 0.07 / self.frequency * face - 0.01 * wrinkle)
