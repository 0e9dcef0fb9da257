"""Light as data: what shines on an asset, in the world frame. Backends read it; nothing here draws."""
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Light:
    """An ambient term and directional lights.

    sky, ground: linear RGB radiance from straight above and straight below; between them it goes linearly with the direction's z.
        Equal and white is the LRM-Zero setting: radiance = albedo x occlusion.
    directions: unit vectors towards the lights, world frame. colors: linear RGB irradiance on a surface that faces the light.
    """

    name: str
    sky: tuple[float, float, float]
    ground: tuple[float, float, float]
    directions: tuple[tuple[float, float, float], ...] = ()
    colors: tuple[tuple[float, float, float], ...] = ()

    def __post_init__(self):
        if len(self.directions) != len(self.colors):
            raise ValueError(f"light {self.name}: expected as many colors as directions, got {len(self.colors)} and {len(self.directions)}")
        if self.directions and not np.allclose(np.linalg.norm(self.directions, axis=1), 1.0, atol=1e-3):
            raise ValueError(f"light {self.name}: directions: expected unit vectors")


def _unit(x: float, y: float, z: float) -> tuple[float, float, float]:
    length = (x * x + y * y + z * z) ** 0.5
    return (x / length, y / length, z / length)


UNIFORM = Light("uniform", (1.0, 1.0, 1.0), (1.0, 1.0, 1.0))
STUDIO = Light(
    "studio", sky=(0.50, 0.52, 0.55), ground=(0.22, 0.20, 0.18),
    directions=(_unit(0.6, -0.5, 0.8), _unit(-0.8, -0.2, 0.35), _unit(0.1, 0.9, 0.4)),
    colors=((1.9, 1.82, 1.7), (0.55, 0.6, 0.7), (0.8, 0.8, 0.8)),
)
LIGHTS = {light.name: light for light in (UNIFORM, STUDIO)}
