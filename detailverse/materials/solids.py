"""Solid textures for matter that the families of Zeroverse do not have: even, fibrous and mottled stuff, ground, gems,
circuit boards.
"""

from dataclasses import dataclass

import numpy as np

from zeroverse.core.record import scale, seed, span
from zeroverse.textures.base import Texture, aligned_rotation, colors, mix, pack, shade
from zeroverse.textures.noise import cell_tone, cover, fbm, smoothstep, to_wall, worley
from zeroverse.textures.planar import Planar


@dataclass(frozen=True)
class Plain(Texture):
    """One stuff throughout: polished metal, plastic, glaze, wax. A slow drift of colour, a fine unevenness of gloss."""

    palette: tuple = colors(2)
    metallic: float = span(0.0, 1.0)
    rough: float = span(0.03, 0.98)
    drift: float = span(0.1, 0.9)
    uneven: float = span(0.0, 0.15)  # of roughness
    frequency: float = scale(1.0, 6.0)
    noise: int = seed()

    def fields(self, points, normals):
        local = self.place(points)
        slow = fbm(local * self.frequency, self.noise, 2)
        fine = fbm(local * (11.0 * self.frequency), self.noise ^ 1, 1)
        color = shade(mix(*self.palette, self.drift * smoothstep(-0.6, 0.8, slow)), 0.02 * fine)
        return pack(color, self.rough + self.uneven * (slow + fine), self.metallic, 0.0)


@dataclass(frozen=True)
class Fibrous(Texture):
    """Streaks along one axis: bark, straw, horn, hair, grass."""

    quat: tuple = aligned_rotation()
    palette: tuple = colors(3)  # between fibres, fibres, the lightest of them
    fibres: float = scale(8.0, 50.0)  # per unit
    stretch: float = scale(4.0, 20.0)
    contrast: float = span(0.2, 1.0)
    rough: float = span(0.2, 0.95)
    noise: int = seed()

    def fields(self, points, normals):
        local = self.place(points)
        streak = fbm(local * (self.fibres, self.fibres, self.fibres / self.stretch), self.noise, 2, 0.6)
        patch = fbm(local * 2.3, self.noise ^ 1, 2)
        color = mix(
            mix(self.palette[0], self.palette[1], smoothstep(-0.5, 0.2, streak)),
            self.palette[2],
            smoothstep(0.0, 0.8, streak + 0.2 * patch),
        )
        body = mix(self.palette[1], color, np.full(len(local), self.contrast))
        return pack(shade(body, 0.15 * patch), self.rough - 0.12 * streak, 0.0, 0.003 * streak)


@dataclass(frozen=True)
class Mottled(Texture):
    """Blotches and spots: skin, leaves, coral, shell, cast stone."""

    palette: tuple = colors(3)  # ground, blotches, spots
    frequency: float = scale(2.0, 9.0)
    blotch: float = span(0.1, 0.9)
    spots: float = span(0.0, 0.45)  # radius of the largest, in cells
    rough: float = span(0.15, 0.95)
    noise: int = seed()

    def fields(self, points, normals):
        local = self.place(points)
        patch = fbm(local * self.frequency, self.noise, 3, 0.55)
        color = mix(self.palette[0], self.palette[1], self.blotch * smoothstep(-0.35, 0.45, patch))
        spot = 0.0
        if self.spots > 0.05:
            nearest, _, tone = worley(local * (3.0 * self.frequency), self.noise ^ 1, 0.85, 0.5)
            spot = smoothstep(0.0, 0.15, self.spots * tone - nearest)
            color = mix(color, self.palette[2], 0.8 * spot)
        return pack(shade(color, 0.12 * patch), self.rough + 0.1 * patch, 0.0, 0.002 * patch + 0.002 * spot)


@dataclass(frozen=True)
class Ground(Texture):
    """A landscape: what lies low, what grows between, bare rock where it is steep, and what lies on top. The only one
    that knows up from down.
    """

    palette: tuple = colors(4)
    low: float = span(-0.3, -0.05)  # heights in object units
    top: float = span(0.08, 0.35)
    steep: float = span(0.45, 0.85)  # sine of the slope from which rock is bare
    noise: int = seed()

    def fields(self, points, normals):
        patch = fbm(points * 5.0, self.noise, 3, 0.6)
        height = points[:, 2] + 0.12 * patch
        slope = np.sqrt(np.maximum(1.0 - normals[:, 2] * np.abs(normals[:, 2]), 0.0))
        layer = fbm(points * (3.0, 3.0, 24.0), self.noise ^ 1, 2)
        rock = smoothstep(self.steep - 0.12, self.steep + 0.12, slope + 0.15 * patch)
        top = smoothstep(self.top - 0.05, self.top + 0.05, height)
        color = mix(self.palette[0], self.palette[1], smoothstep(self.low - 0.05, self.low + 0.1, height))
        color = mix(color, self.palette[3], top)
        color = mix(shade(color, 0.25 * patch), shade(self.palette[2], 0.3 * layer), rock * (1.0 - 0.5 * top))
        return pack(color, 0.9 - 0.15 * top + 0.05 * patch, 0.0, 0.004 * patch)


@dataclass(frozen=True)
class Gem(Texture):
    """A cut stone without its transparency: every facet another brightness, as the light inside goes, a glow towards
    the rim, and veils.
    """

    palette: tuple = colors(2)  # depth, fire
    rough: float = span(0.02, 0.15)
    flash: float = span(0.3, 0.9)
    frequency: float = scale(0.8, 3.0)
    noise: int = seed()

    def fields(self, points, normals):
        facing = self.turn(normals)
        veil = fbm(self.place(points) * self.frequency, self.noise, 2)
        glint = fbm(facing * 3.1 + self.offset, self.noise ^ 1, 2, 0.9)  # constant over a flat facet
        color = mix(*self.palette, self.flash * smoothstep(-0.5, 0.7, glint + 0.4 * veil))
        return pack(shade(color, 0.2 * glint), self.rough + 0.03 * veil, 0.0, 0.0)


@dataclass(frozen=True)
class Circuit(Planar):
    """Solder mask over traces that run straight and turn in rows and columns, with bare pads where some of them end."""

    palette: tuple = colors(3)  # mask, mask over copper, pads
    pitch: float = scale(14.0, 34.0)  # traces per unit
    crowd: float = span(0.4, 0.8)
    rough: float = span(0.25, 0.5)
    noise: int = seed()

    def pattern(self, flat, axis):
        u, v = flat[:, 0] * self.pitch, flat[:, 1] * self.pitch
        tone = lambda x, y, salt: cell_tone(
            np.stack([np.floor(x), np.floor(y), np.full(len(x), float(axis))], axis=1), self.noise ^ salt
        )
        across = tone(u / 7.0, v / 5.0, 1) < 0.5  # a block of traces has one direction
        lane, along = np.where(across, v, u), np.where(across, u, v)
        line = cover(0.2 - np.abs(0.5 - to_wall(lane)), self.pitch) * (tone(lane, along / 6.0, 2) < self.crowd)
        x, y = to_wall(u) - 0.5, to_wall(v) - 0.5
        radius = np.sqrt(x * x + y * y)
        pad = cover(0.34 - radius, self.pitch) * cover(radius - 0.14, self.pitch) * (tone(u, v, 3) < 0.07)
        grain = fbm(flat * 9.0, self.noise, 1)
        color = mix(mix(self.palette[0], self.palette[1], line), self.palette[2], pad)
        return shade(color, 0.03 * grain), self.rough - 0.05 * line - 0.1 * pad, pad, 0.0008 * (line + pad)


SOLIDS = {"plain": Plain, "fibrous": Fibrous, "mottled": Mottled, "ground": Ground, "gem": Gem, "circuit": Circuit}
