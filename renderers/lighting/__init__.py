"""Light as data: what shines on an asset, in the world frame, fixed or drawn for each object. Backends read it; nothing
here draws pictures.
"""

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cache, lru_cache
from pathlib import Path

import numpy as np

from renderers.lighting.environment import (
    NOTHING,
    PEAKS,
    Filtered,
    Peak,
    directions,
    extract_peaks,
    irradiance_at,
    luminance_of,
    prefilter,
)
from renderers.lighting.hdr import read_hdr
from zeroverse.core.portable import cos_sin
from zeroverse.core.rng import Rng

TONES = ("srgb", "paper")
WHITE = (
    0.95  # what a white surface in good light sends back after automatic exposure; a white surface in `uniform` sends 1
)

Color = tuple[float, float, float]  # linear RGB


def turned(degrees: float) -> tuple[float, float]:
    """Returns (cosine, sine)."""
    return cos_sin(degrees * math.pi / 180.0)


def _towards(azimuth_deg: float, elevation_deg: float) -> tuple[float, float, float]:
    (ca, sa), (ce, se) = turned(azimuth_deg), turned(elevation_deg)
    return (ce * ca, ce * sa, se)


# --------------------------------------------------------------------------------------------------- what is all around


@dataclass(frozen=True)
class HdrFile:
    """A Radiance .hdr picture of a place, mapped as `environment` says. sha256 names its contents; the folder it lies
    in is not part of the light.
    """

    path: str
    sha256: str
    peaks = PEAKS

    def image(self) -> np.ndarray:
        return read_hdr(self.path)

    def record(self) -> dict:
        return {"file": Path(self.path).name, "sha256": self.sha256}


@dataclass(frozen=True)
class Sky:
    """A gradient from horizon to zenith over even ground, a glow around the sun and the sun's disc.

    Colours are radiance; sun: irradiance on a surface that faces it; sun_spread: sine of its angular radius (the real
    one's is 0.005).
    """

    sun_azimuth_deg: float
    sun_elevation_deg: float
    sun: Color
    sun_spread: float
    zenith: Color
    horizon: Color
    ground: Color
    peaks = 1

    def image(self) -> np.ndarray:  # [128, 256, 3]
        vectors, _ = directions(128, 256)
        up, sun = vectors[..., 2:], _towards(self.sun_azimuth_deg, self.sun_elevation_deg)
        low = 1.0 - np.clip(up, 0.0, 1.0)
        low = low * low * low * low
        toward = (vectors[..., 0] * sun[0] + vectors[..., 1] * sun[1] + vectors[..., 2] * sun[2])[..., None]
        glow = np.clip(toward, 0.0, 1.0)
        for _ in range(4):
            glow = glow * glow
        sky = np.array(self.zenith) + (np.array(self.horizon) - np.array(self.zenith)) * np.maximum(low, 0.6 * glow)
        edge = self.sun_spread * self.sun_spread  # 1 - cosine is half of it
        disc = np.clip(1.5 - 2.0 * (1.0 - toward) / edge, 0.0, 1.0)
        land = np.clip(0.5 - up * 32.0, 0.0, 1.0)  # the horizon is two texels wide
        return sky + (np.array(self.ground) - sky) * land + np.array(self.sun) / (math.pi * edge) * disc

    def record(self) -> dict:
        return asdict(self)


@dataclass(frozen=True)
class Panel:
    """A soft box as mirrors see it, at infinity: where, half its width and height as tangents, radiance."""

    azimuth_deg: float
    elevation_deg: float
    half: tuple[float, float]
    radiance: Color


@dataclass(frozen=True)
class Room:
    """Walls between ceiling and floor, and panels on them. What panels send beyond their radiance here stands in the
    light's directions.
    """

    ceiling: Color
    wall: Color
    floor: Color
    panels: tuple[Panel, ...]
    peaks = 0

    def image(self) -> np.ndarray:  # [256, 512, 3]
        vectors, _ = directions(256, 512)
        up = vectors[..., 2:]
        wall = np.array(self.wall)
        image = (
            wall
            + (np.array(self.ceiling) - wall) * np.clip(up, 0.0, 1.0)
            + (np.array(self.floor) - wall) * np.clip(-up, 0.0, 1.0)
        )
        for panel in self.panels:
            image = image + (np.array(panel.radiance) - image) * self._coverage(vectors, panel)
        return image

    def _coverage(self, vectors, panel: Panel) -> np.ndarray:  # [H, W, 1]: 1 on the panel, soft at its edges
        x, y, z = vectors[..., 0], vectors[..., 1], vectors[..., 2]
        (ca, sa), (ce, se) = turned(panel.azimuth_deg), turned(panel.elevation_deg)
        ahead = np.maximum(x * (ce * ca) + y * (ce * sa) + z * se, 1e-6)
        across, above = (y * ca - x * sa) / ahead, (z * ce - x * (se * ca) - y * (se * sa)) / ahead
        inside = np.minimum(panel.half[0] - np.abs(across), panel.half[1] - np.abs(above))
        return np.where(ahead > 1e-3, np.clip(inside / 0.06 + 0.5, 0.0, 1.0), 0.0)[..., None]

    def record(self) -> dict:
        return asdict(self)


Surround = HdrFile | Sky | Room


@lru_cache(maxsize=16)
def _prepared(surround: Surround) -> tuple[Filtered, tuple[Peak, ...]]:
    """Filtered once, without its peaks; and those. Neither is turned or exposed, so all objects under the same file
    share it.
    """
    rest, peaks = extract_peaks(surround.image(), surround.peaks)
    return prefilter(rest), peaks


# ------------------------------------------------------------------------------------------------------------ the light


@dataclass(frozen=True)
class Light:
    """Ambient light and directional lights.

    sky, ground: linear RGB radiance from straight above and straight below; between them it goes linearly with the
        direction's z.
    directions: unit vectors towards the lights, world frame. colors: linear RGB irradiance on a surface that faces the
        light.
    spread: sine of half the angle the lights fill: 0 is a point, 0.15 a soft box. It widens highlights, not shadows.
    spreads: instead, one for each direction; these widen shadows too, with the distance from what casts them.
    gloss: how much of the ambient light surfaces mirror. 0: a surface sends back base_color x ambient x occlusion,
        metals too.
    knee: radiance up to which the picture is exact; above it highlights are compressed towards 1. At 1 they clip.
    surround: what is all around, in place of the gradient (which backends that cannot draw it keep to), turned about +Z
        by turn_deg, times exposure.
    tone: srgb: the picture is radiance, compressed above the knee; paper: stretched by `paper_tone`, and the knee is
        not used.
    """

    name: str
    sky: Color
    ground: Color
    directions: tuple[tuple[float, float, float], ...] = ()
    colors: tuple[Color, ...] = ()
    spread: float = 0.0
    gloss: float = 1.0
    knee: float = 1.0
    spreads: tuple[float, ...] = ()
    surround: Surround | None = None
    turn_deg: float = 0.0
    exposure: float = 1.0
    tone: str = "srgb"

    def __post_init__(self):
        if len(self.directions) != len(self.colors) or len(self.spreads) not in (0, len(self.directions)):
            raise ValueError(
                f"light {self.name}: expected as many colors and spreads as directions, got {len(self.colors)}, "
                f"{len(self.spreads)} "
                f"and {len(self.directions)}"
            )
        if any(abs(x * x + y * y + z * z - 1.0) > 2e-3 for x, y, z in self.directions):
            raise ValueError(f"light {self.name}: directions: expected unit vectors")
        if not (
            all(0 <= spread < 1 for spread in (self.spread, *self.spreads))
            and self.gloss >= 0
            and 0 < self.knee <= 1
            and self.exposure > 0
        ):
            raise ValueError(
                f"light {self.name}: expected 0 <= spread < 1, gloss >= 0, 0 < knee <= 1, exposure > 0, "
                f"got {(self.spread, *self.spreads)}, {self.gloss}, {self.knee}, {self.exposure}"
            )
        if self.tone not in TONES:
            raise ValueError(f"tone: expected one of {', '.join(TONES)}, got {self.tone!r}")

    @property
    def directional(self) -> bool:
        """False: neither normal maps nor roughness can be seen in it."""
        return bool(self.gloss > 0 or self.directions or self.sky != self.ground or self.surround)

    def filtered(self) -> Filtered:
        """Returns the surround for kernels, before turn and exposure."""
        return _prepared(self.surround)[0] if self.surround else NOTHING

    def sample(self, rng: Rng, folder: "HdrFolder | None" = None) -> "Light":
        """Returns itself: a fixed light is the same for every object."""
        return self

    def record(self) -> str:
        """Returns all its numbers as JSON, for the sample."""
        surround = {"kind": type(self.surround).__name__, **self.surround.record()} if self.surround else None
        return json.dumps({**asdict(replace(self, surround=None)), "surround": surround}, sort_keys=True)


def _unit(x: float, y: float, z: float) -> tuple[float, float, float]:
    length = (x * x + y * y + z * z) ** 0.5
    return (x / length, y / length, z / length)


UNIFORM = Light(
    "uniform", (1.0, 1.0, 1.0), (1.0, 1.0, 1.0), gloss=0.0
)  # the LRM-Zero setting: radiance = base colour x occlusion
STUDIO = Light(
    "studio",
    sky=(0.42, 0.43, 0.45),
    ground=(0.13, 0.125, 0.12),
    directions=(_unit(0.6, -0.5, 0.8), _unit(-0.8, -0.2, 0.35), _unit(0.1, 0.9, 0.4)),
    colors=(
        (1.9, 1.84, 1.75),
        (0.4, 0.44, 0.5),
        (0.8, 0.8, 0.8),
    ),  # a white cube: its sides 206, 198, 188 and 167, its top 238
    spread=0.12,
    knee=0.75,
)
# a photographer's studio: the same key, fill and rim with soft shadows, each with its panel for mirrors to see, in a
# dim room
SOFTBOX = Light(
    "softbox",
    sky=(0.30, 0.31, 0.33),
    ground=(0.12, 0.115, 0.11),
    directions=STUDIO.directions,
    colors=((1.9, 1.84, 1.74), (0.36, 0.40, 0.46), (0.8, 0.8, 0.8)),
    spreads=(0.16, 0.25, 0.16),
    knee=0.75,
    surround=Room(
        ceiling=(0.30, 0.31, 0.33),
        wall=(0.17, 0.17, 0.175),
        floor=(0.10, 0.097, 0.093),
        panels=(
            Panel(-39.8, 45.7, (0.36, 0.36), (1.7, 1.66, 1.6)),
            Panel(194.0, 23.0, (0.55, 0.7), (0.62, 0.66, 0.72)),
            Panel(83.7, 24.1, (0.16, 0.8), (1.5, 1.5, 1.5)),
        ),
    ),
)


# -------------------------------------------------------------------------------------------------- drawn for an object


@dataclass(frozen=True)
class HdrFolder:
    """The .hdr files of a folder, by name. digest: of names and sizes, so that a run notices when the folder
    changes.
    """

    path: str
    digest: str

    @staticmethod
    def of(path: Path) -> "HdrFolder":
        """Raises ValueError when there are none."""
        rows = [f"{file.name} {file.stat().st_size}" for file in _hdr_files(str(path))]
        if not rows:
            raise ValueError(f"hdri: expected a folder with .hdr files, got {path}")
        return HdrFolder(str(path), hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16])

    def sample(self, rng: Rng) -> HdrFile:
        return _hdr_file(str(rng.choice(_hdr_files(self.path))))


@cache
def _hdr_files(folder: str) -> tuple[Path, ...]:
    return tuple(sorted(path for path in Path(folder).iterdir() if path.suffix.lower() == ".hdr" and path.is_file()))


@cache
def _hdr_file(path: str) -> HdrFile:
    return HdrFile(path, hashlib.sha256(Path(path).read_bytes()).hexdigest())


def _rotated(direction, turn_deg: float) -> tuple[float, float, float]:
    c, s = turned(turn_deg)
    x, y, z = direction
    return (round(c * x - s * y, 6), round(s * x + c * y, 6), round(z, 6))


def _rounded(color, scale: float) -> Color:
    return tuple(round(float(c) * scale, 6) for c in color)


def surrounded(name: str, surround: Surround, turn_deg: float = 0.0, brightness: float = 1.0) -> Light:
    """Returns a light from all around with automatic exposure: of a white ball's surface, turned every way, 85 % send
    back less than WHITE x brightness.
    """
    filtered, peaks = _prepared(surround)
    lit = irradiance_at(filtered, peaks)  # [N, 3]
    bright = float(np.sort(luminance_of(lit))[len(lit) * 85 // 100])
    exposure = round(WHITE * brightness / max(bright, 1e-6), 6)
    return Light(
        name,
        _rounded(irradiance_at(filtered, (), ((0.0, 0.0, 1.0),))[0], exposure),
        _rounded(irradiance_at(filtered, (), ((0.0, 0.0, -1.0),))[0], exposure),
        directions=tuple(_rotated(peak.direction, turn_deg) for peak in peaks),
        colors=tuple(_rounded(peak.color, exposure) for peak in peaks),
        spreads=tuple(round(min(max(peak.spread, 0.02), 0.5), 6) for peak in peaks),
        knee=0.75,
        surround=surround,
        turn_deg=turn_deg,
        exposure=exposure,
    )


def _between(a: Color, b: Color, share: float) -> Color:
    return tuple(round(p + (q - p) * share, 6) for p, q in zip(a, b))


def sample_environment(rng: Rng, folder: HdrFolder | None = None) -> Light:
    """Returns one of the folder's files, turned about the vertical."""
    if folder is None:
        raise ValueError("hdri: expected a folder of .hdr files for the light 'environment'")
    return surrounded("environment", folder.sample(rng.child("file")), rng.uniform(0.0, 360.0), rng.uniform(0.8, 1.2))


def sample_sky(rng: Rng, folder: HdrFolder | None = None) -> Light:
    """Returns a sky, clear, hazy or overcast, from low warm sun to noon, over grass, sand, stone or snow."""
    elevation, haze = rng.uniform(8.0, 70.0), rng.unit()
    warmth = max(1.0 - elevation / 35.0, 0.0)
    zenith = _between((0.16, 0.30, 0.62), (0.62, 0.65, 0.70), haze)
    horizon = _between(
        _between((0.62, 0.74, 0.90), (0.72, 0.74, 0.77), haze), (1.05, 0.74, 0.46), 0.8 * warmth * (1.0 - 0.5 * haze)
    )
    strength = rng.uniform(2.0, 5.0) * (1.0 - haze) + 0.35
    sun = _rounded(_between((1.0, 0.95, 0.86), (1.0, 0.62, 0.32), warmth), strength)
    ground = _rounded(
        rng.choice(((0.16, 0.20, 0.09), (0.34, 0.28, 0.20), (0.24, 0.24, 0.24), (0.62, 0.64, 0.68))),
        rng.uniform(0.5, 1.1),
    )
    sky = Sky(rng.uniform(0.0, 360.0), elevation, sun, round(0.03 + 0.25 * haze * haze, 6), zenith, horizon, ground)
    return surrounded("sky", sky, brightness=rng.uniform(0.85, 1.2))


def sample_softbox(rng: Rng, folder: HdrFolder | None = None) -> Light:
    """Returns the soft boxes turned about the vertical, the three lights at other strengths."""
    turn = rng.uniform(0.0, 360.0)
    scales = (rng.uniform(0.7, 1.25), rng.uniform(0.3, 2.0), rng.uniform(0.2, 1.6))
    return replace(
        SOFTBOX,
        directions=tuple(_rotated(direction, turn) for direction in SOFTBOX.directions),
        turn_deg=turn,
        colors=tuple(_rounded(color, scale) for color, scale in zip(SOFTBOX.colors, scales)),
    )


MIXTURE = (  # what `random` draws: name, function, weight
    ("uniform", UNIFORM.sample, 0.15),
    ("softbox", sample_softbox, 0.3),
    ("sky", sample_sky, 0.25),
    ("environment", sample_environment, 0.3),  # only with a folder
)


def sample_random(rng: Rng, folder: HdrFolder | None = None) -> Light:
    rows = [row for row in MIXTURE if folder or row[0] != "environment"]
    name, function, _ = rng.choice(rows, [weight for *_, weight in rows])
    return function(rng.child(name), folder)


@dataclass(frozen=True)
class Sampled:
    """A light that is another one for every object: `sample(rng, folder)` -> Light."""

    name: str
    sample: Callable[[Rng, HdrFolder | None], Light]


ENVIRONMENT = Sampled("environment", sample_environment)
SKY = Sampled("sky", sample_sky)
RANDOM = Sampled("random", sample_random)


# ------------------------------------------------------------------------------------------------------------- the tone


@cache
def _gamma_edges() -> np.ndarray:  # [255] the linear value from which on a code is used
    from zeroverse.core.portable import power

    return np.array([power((code - 0.5) / 255.0, 2.2) for code in range(1, 256)])


def paper_tone(radiance: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Returns rgb uint8 by the per-object rule of LRM-Zero's renders (`docs/papers.md`, Renders), from linear radiance
    [V, H, W, 3] and alpha [V, H, W, 1] uint8.

    Low and high are the 1st and 99th percentile of the values of opaque pixels in a view, averaged over the views that
    have any; what lies between becomes 0..1, with a gamma of 1 / 2.2. A picture of one single value is left as it is.
    """
    bounds = [
        np.percentile(view[cover[..., 0] == 255].astype(np.float64), (1, 99))
        for view, cover in zip(radiance, alpha)
        if (cover == 255).any()
    ]
    low, high = sum(bounds) / len(bounds) if bounds else (0.0, 1.0)
    low, high = (low, high) if high - low > 1e-6 else (0.0, 1.0)
    stretched = (radiance - np.float64(low)) / (np.float64(high) - np.float64(low))
    return np.where(alpha > 0, np.searchsorted(_gamma_edges(), stretched, side="right"), 0).astype(np.uint8)
