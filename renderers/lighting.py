"""Light as data: what shines on an asset, in the world frame. Backends read it; nothing here draws."""
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Light:
    """An ambient term and directional lights.

    sky, ground: linear RGB radiance from straight above and straight below; between them it goes linearly with the direction's z.
    directions: unit vectors towards the lights, world frame. colors: linear RGB irradiance on a surface that faces the light.
    spread: sine of half the angle the lights fill: 0 is a point, 0.15 a soft box. It widens highlights, not shadows.
    gloss: how much of the ambient light surfaces mirror. 0: a surface sends back base_color x ambient x occlusion, metals too.
    knee: radiance up to which the picture is exact; above it highlights are compressed towards 1. At 1 they clip.
    """

    name: str
    sky: tuple[float, float, float]
    ground: tuple[float, float, float]
    directions: tuple[tuple[float, float, float], ...] = ()
    colors: tuple[tuple[float, float, float], ...] = ()
    spread: float = 0.0
    gloss: float = 1.0
    knee: float = 1.0

    def __post_init__(self):
        if len(self.directions) != len(self.colors):
            raise ValueError(f"light {self.name}: expected as many colors as directions, got {len(self.colors)} and {len(self.directions)}")
        if self.directions and not np.allclose(np.linalg.norm(self.directions, axis=1), 1.0, atol=1e-3):
            raise ValueError(f"light {self.name}: directions: expected unit vectors")
        if not (0 <= self.spread < 1 and self.gloss >= 0 and 0 < self.knee <= 1):
            raise ValueError(f"light {self.name}: expected 0 <= spread < 1, gloss >= 0, 0 < knee <= 1, got {self.spread}, {self.gloss}, {self.knee}")


def _unit(x: float, y: float, z: float) -> tuple[float, float, float]:
    length = (x * x + y * y + z * z) ** 0.5
    return (x / length, y / length, z / length)


UNIFORM = Light("uniform", (1.0, 1.0, 1.0), (1.0, 1.0, 1.0), gloss=0.0)  # the LRM-Zero setting: radiance = base colour x occlusion
STUDIO = Light(
    "studio", sky=(0.62, 0.64, 0.68), ground=(0.16, 0.15, 0.14),
    directions=(_unit(0.6, -0.5, 0.8), _unit(-0.8, -0.2, 0.35), _unit(0.1, 0.9, 0.4)),
    colors=((1.5, 1.44, 1.35), (0.45, 0.5, 0.58), (0.7, 0.7, 0.7)),
    spread=0.12, knee=0.75,
)
LIGHTS = {light.name: light for light in (UNIFORM, STUDIO)}
