"""Flat patterns, cloth and print: woven threads, overlapping scales, arcs, lines of letters, patchwork."""

from dataclasses import dataclass

import numpy as np

from zeroverse.core.record import count, scale, seed, span
from zeroverse.textures.base import colors, mix, pick, shade
from zeroverse.textures.noise import cell_tone, cover, fbm, smoothstep, to_wall, wave
from zeroverse.textures.planar import Planar

_SCALE = 0.58  # radius of a scale, in its width: neighbours overlap and no gap stays


def _tone(u, v, axis: int, seed: int):  # [N] twice -> [N] in [0, 1)
    """A random number for every cell of a plane; the three planes differ."""
    return cell_tone(np.stack([np.floor(u), np.floor(v), np.full(len(u), float(axis))], axis=1), seed)


@dataclass(frozen=True)
class Weave(Planar):
    palette: tuple = colors(4)
    frequency: float = scale(5.0, 14.0)  # threads per unit
    repeat: int = count(4, 14)  # threads until the sequence of colours starts again
    fuzz: float = span(0.05, 0.2)
    noise: int = seed()

    def pattern(self, flat, axis):
        u, v = flat[:, 0] * self.frequency, flat[:, 1] * self.frequency
        fuzz = fbm(flat * 20.0, self.noise, 2, 0.8)
        parity = np.floor(u) + np.floor(v)
        over = parity - 2.0 * np.floor(0.5 * parity) < 0.5  # the thread along v is on top
        across, along = np.where(over, u, v), np.where(over, v, u)
        index = np.floor(across) - self.repeat * np.floor(np.floor(across) / self.repeat)
        tone = cell_tone(np.stack([index, over * 1.0, 0.0 * index], axis=1), self.noise ^ 1)
        arch = 2.0 * to_wall(along)  # highest in the middle, dives under its neighbours
        round_ = np.minimum(2.0 * to_wall(across) * 1.6, 1.0)
        color = shade(pick(tone, self.palette), self.fuzz * fuzz + 0.3 * (arch * round_ - 0.6))
        return color, 0.85 + 0.1 * fuzz, 0.0, (0.14 * arch * round_ + 0.01 * fuzz) / self.frequency


@dataclass(frozen=True)
class Scales(Planar):
    palette: tuple = colors(3)
    frequency: float = scale(2.5, 7.0)
    rim: float = span(0.04, 0.12)
    sheen: float = span(0.0, 1.0)  # metallic
    gloss: float = span(0.3, 0.8)
    noise: int = seed()

    def pattern(self, flat, axis):
        u, v = flat[:, 0] * self.frequency, flat[:, 1] * self.frequency * 2.0
        row = np.floor(v)
        radius, tone = np.full(len(u), _SCALE), np.zeros(len(u))
        for step in (-1.0, 0.0, 1.0, 2.0):  # from the lowest row up: every row of discs lies over the rows below
            centre = row + step
            slid = u + 0.5 * (centre - 2.0 * np.floor(0.5 * centre))
            dx, dy = slid - np.floor(slid) - 0.5, (v - centre) * 0.5
            far = np.sqrt(dx * dx + dy * dy)
            hit = far < _SCALE
            radius = np.where(hit, far, radius)
            tone = np.where(hit, _tone(slid, centre, axis, self.noise), tone)
        edge = cover(radius - _SCALE + self.rim, self.frequency)
        fan = wave(radius * 6.0) * 0.5 + 0.5
        body = mix(mix(self.palette[0], self.palette[1], tone), self.palette[2], edge)
        height = 0.25 / self.frequency * (_SCALE - radius)
        return shade(body, 0.2 * (tone - 0.5) - 0.12 * fan), 1.0 - self.gloss + 0.2 * edge, 0.7 * self.sheen, height


@dataclass(frozen=True)
class Truchet(Planar):
    palette: tuple = colors(4)  # the two grounds, ribbon, its edge
    frequency: float = scale(2.0, 6.0)
    ribbon: float = span(0.08, 0.2)
    gloss: float = span(0.2, 0.8)
    noise: int = seed()

    def pattern(self, flat, axis):
        u, v = flat[:, 0] * self.frequency, flat[:, 1] * self.frequency
        flip = _tone(u, v, axis, self.noise) < 0.5
        x, y = u - np.floor(u), v - np.floor(v)
        x = np.where(flip, 1.0 - x, x)
        near, far = np.sqrt(x * x + y * y), np.sqrt((1.0 - x) ** 2 + (1.0 - y) ** 2)
        arc = np.minimum(np.abs(near - 0.5), np.abs(far - 0.5))
        parity = np.floor(u) + np.floor(v) + flip
        inside = (np.minimum(near, far) < 0.5) ^ (
            parity - 2.0 * np.floor(0.5 * parity) > 0.5
        )  # so that areas stay whole across cells
        line, core = cover(self.ribbon - arc, self.frequency), cover(self.ribbon * 0.6 - arc, self.frequency)
        grain = fbm(flat * 9.0, self.noise ^ 1, 2)
        color = mix(
            mix(np.where(inside[:, None], *np.array(self.palette[:2])), self.palette[3], line), self.palette[2], core
        )
        return (
            shade(color, 0.06 * grain),
            1.0 - self.gloss + 0.25 * core,
            0.0,
            0.05 / self.frequency * (line + core) + 0.001 * grain,
        )


@dataclass(frozen=True)
class Print(Planar):
    """Packaging: panels of colour with lines of made-up letters in three sizes."""

    palette: tuple = colors(6)
    panels: float = scale(0.7, 2.0)  # per unit
    letters: float = scale(5.0, 11.0)  # of the middle size, per unit
    filled: float = span(0.5, 0.9)  # share of panels with text
    gloss: float = span(0.3, 0.9)
    noise: int = seed()

    def pattern(self, flat, axis):
        panel = np.stack([flat[:, 0] * self.panels, flat[:, 1] * self.panels * 1.6], axis=1)
        panel[:, 0] += 3.7 * _tone(
            np.zeros(len(panel)), panel[:, 1], axis, self.noise
        )  # rows of panels are shifted against each other
        tone = lambda salt: _tone(panel[:, 0], panel[:, 1], axis, self.noise ^ salt)
        size = self.letters * np.array([0.4, 1.0, 1.7])[np.minimum((3.0 * tone(1)).astype(np.int64), 2)]
        ink = self._letters(flat[:, 0] * size, flat[:, 1] * size * 0.7, size, axis) * (tone(2) < self.filled)
        wall = np.minimum(to_wall(panel[:, 0]), to_wall(panel[:, 1]) / 1.6)
        ink = ink * (wall > 0.07)
        ground = pick(tone(3), self.palette[:3])
        color = mix(ground, pick(tone(4), self.palette[3:]), np.maximum(ink, cover(0.012 - wall, self.panels)))
        grain = fbm(flat * 6.0, self.noise ^ 5, 2)
        return shade(color, 0.04 * grain), 1.0 - self.gloss + 0.2 * ink, 0.0, 0.002 * ink

    def _letters(self, u, v, size, axis: int):
        """Coverage by letters one unit wide and one high: strokes of a 3 x 5 grid chosen at random, with gaps between
        words and lines.
        """
        word = _tone(u, v, axis, self.noise ^ 11) < 0.8
        x, y = (u - np.floor(u)) * 3.9, (v - np.floor(v)) * 7.0
        stroke = _tone(3.0 * np.floor(u) + np.floor(x), 5.0 * np.floor(v) + np.floor(y), axis, self.noise ^ 12) < 0.62
        return 1.0 * (word & stroke & (x < 3.0) & (y < 5.0))


@dataclass(frozen=True)
class Patchwork(Planar):
    """A quilt: every patch has two colours and a pattern of its own, and a stitched hem."""

    palette: tuple = colors(6)
    frequency: float = scale(1.3, 3.5)  # patches per unit
    fine: float = span(3.0, 6.0)  # repeats of the pattern in a patch
    hem: float = span(0.03, 0.07)
    noise: int = seed()

    def pattern(self, flat, axis):
        u, v = flat[:, 0] * self.frequency, flat[:, 1] * self.frequency
        kind, first, second = (_tone(u, v, axis, self.noise ^ salt) for salt in (1, 2, 3))
        a, b = to_wall(u * self.fine) - 0.25, to_wall(v * self.fine) - 0.25
        repeat = self.frequency * self.fine
        dot = 0.3 - np.sqrt((a - 0.25) ** 2 + (b - 0.25) ** 2)
        shapes = (
            a,
            b,
            to_wall((u + v) * self.fine * 0.7) - 0.25,
            dot,
            -dot,
            np.where((a > 0) ^ (b > 0), 0.2, -0.2),
            np.maximum(a, b),
            np.full(len(u), -1.0),
        )
        mask = cover(np.choose(np.minimum((len(shapes) * kind).astype(np.int64), len(shapes) - 1), shapes), repeat)
        wall = np.minimum(to_wall(u), to_wall(v))
        cloth = fbm(flat * 18.0, self.noise, 2, 0.8)
        puff = smoothstep(0.0, 0.3, wall)
        color = mix(pick(first, self.palette[:3]), pick(second, self.palette[3:]), mask)
        seam = 1.0 - cover(wall - self.hem, self.frequency)
        return (
            shade(color, 0.09 * cloth + 0.15 * (puff - 0.7) - 0.4 * seam),
            0.85 + 0.1 * cloth,
            0.0,
            0.06 / self.frequency * puff + 0.002 * cloth,
        )
