"""Metals: brushed or anodised, hammered, rusted; and tread plate."""

from dataclasses import dataclass

import numpy as np

from zeroverse.core.record import choice, scale, seed, span
from zeroverse.textures.base import Texture, aligned_rotation, colors, mix, pack, shade
from zeroverse.textures.noise import cover, fbm, ramp, smoothstep, turbulence, warp, worley
from zeroverse.textures.palettes import any_palette, metal, rust
from zeroverse.textures.planar import Planar


@dataclass(frozen=True)
class Brushed(Texture):
    quat: tuple = aligned_rotation()
    palette: tuple = colors(2, metal)
    lay: str = choice("straight", "turned")
    bands: float = scale(1.0, 6.0)  # machined zones per unit
    depth: float = span(0.15, 0.4)
    rough: float = span(0.2, 0.45)
    noise: int = seed()

    def fields(self, points, normals):
        local = self.place(points)
        centred = local - self.offset
        radius = np.sqrt(centred[:, 0] * centred[:, 0] + centred[:, 1] * centred[:, 1])
        turned = self.lay == "turned"
        across = (
            np.stack([radius * 34.0, centred[:, 2] * 34.0, 0.0 * radius], axis=1)
            if turned
            else local * (34.0, 34.0, 1.2)
        )
        streak = fbm(across, self.noise, 3, 0.8)
        zone = fbm((across if turned else local * 34.0) * (self.bands / 34.0), self.noise ^ 1, 2)
        band = smoothstep(-0.05, 0.05, zone)
        color = shade(mix(*self.palette, band), self.depth * (0.7 * streak + 0.5 * zone))
        return pack(color, self.rough + 0.25 * self.depth * streak + 0.15 * band, 1.0, 0.002 * streak + 0.004 * band)


@dataclass(frozen=True)
class Hammered(Texture):
    palette: tuple = colors(3, metal)  # hollows, faces, tarnish
    frequency: float = scale(3.0, 9.0)
    tarnish: float = span(0.0, 0.6)
    rough: float = span(0.15, 0.4)
    noise: int = seed()

    def fields(self, points, normals):
        local = self.place(points)
        nearest, wall, tone = worley(local * self.frequency, self.noise, 0.75)
        patch = fbm(local * 2.2, self.noise ^ 1, 4)
        dark = self.tarnish * smoothstep(0.0, 0.5, patch) + 0.3 * (1.0 - smoothstep(0.0, 0.15, wall))
        color = shade(
            mix(self.palette[0], self.palette[1], smoothstep(0.0, 0.6, nearest)), 0.25 * (tone - 0.5) - 0.5 * dark
        )
        return pack(
            color,
            self.rough + 0.4 * dark + 0.1 * patch,
            1.0 - 0.5 * dark,
            0.16 / self.frequency * np.minimum(nearest * nearest, 0.5),
        )


@dataclass(frozen=True)
class Rust(Texture):
    palette: tuple = colors(3, rust)
    under: tuple = colors(2, lambda rng, number: rng.choice((metal, any_palette))(rng, number))  # what is rusting
    coat: str = choice("bare", "painted")
    frequency: float = scale(0.9, 3.0)
    share: float = span(-0.3, 0.3)  # more is more rust
    noise: int = seed()

    def fields(self, points, normals):
        local = self.place(points)
        grit = fbm(local * 9.0, self.noise, 4, 0.7)
        spread = (
            fbm(warp(local * self.frequency, self.noise ^ 1, 0.4), self.noise ^ 2, 4, 0.6) + 0.12 * grit + self.share
        )
        eaten = smoothstep(0.0, 0.06, spread)
        halo = smoothstep(-0.25, 0.0, spread) * (1.0 - eaten)
        sound = mix(*self.under, smoothstep(-0.1, 0.1, fbm(local * 1.5, self.noise ^ 3, 1)))
        color = mix(shade(sound, 0.05 * grit), self.palette[0], 0.5 * halo)
        color = mix(color, ramp(0.5 + 0.7 * grit, np.array(self.palette)), eaten)
        bare = 1.0 if self.coat == "bare" else 0.0
        return pack(
            color,
            0.35 + 0.5 * eaten + 0.2 * halo + 0.1 * grit,
            bare * (1.0 - eaten),
            0.008 * (1.0 - eaten) + 0.008 * eaten * grit,
        )


@dataclass(frozen=True)
class Tread(Planar):
    palette: tuple = colors(
        2, lambda rng, number: rng.choice((metal, metal, any_palette))(rng, number)
    )  # plate, worn ridges
    frequency: float = scale(2.5, 6.0)
    worn: float = span(0.2, 0.9)
    metallic: float = span(0.6, 1.0)
    noise: int = seed()

    def pattern(self, flat, axis):
        scaled = flat * self.frequency
        grime = turbulence(flat * 5.0, self.noise, 3)
        cell = np.floor(scaled[:, 0]) + np.floor(scaled[:, 1])
        odd = cell - 2.0 * np.floor(0.5 * cell) > 0.5
        x, y = (scaled[:, i] - np.floor(scaled[:, i]) - 0.5 for i in (0, 1))
        long, short = (x + y) * 0.70711, (x - y) * 0.70711
        long, short = np.where(odd, short, long), np.where(odd, long, short)
        lens = 0.16 - np.abs(short) - 0.62 * long * long  # two arcs that meet in points
        ridge = cover(lens, self.frequency)
        color = shade(mix(*self.palette, ridge * self.worn), 0.6 * (0.3 - grime) * (1.2 - ridge) + 0.4 * (ridge - 0.35))
        return (
            color,
            0.3 + 0.6 * grime * (1.2 - ridge),
            self.metallic,
            0.6 / self.frequency * np.minimum(np.maximum(lens, 0.0), 0.07),
        )
