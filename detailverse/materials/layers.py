"""What use and weather leave on a material: worn edges, dirt in cavities, dust from above. Masks over geometry, broken
up by noise.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from zeroverse.core.record import Record, choice, number, parameter, scale, seed, several, span
from zeroverse.textures.base import Fields, mix, pack
from zeroverse.textures.noise import fbm, smoothstep


class Signals(NamedTuple):
    """How the surface lies at N points, [N] float64 each.

    bend: 1 in a right-angled groove, -1 on a right-angled edge. relief: height of details over the greatest of their
        leaf, -1 … 1.
    """

    bend: np.ndarray
    relief: np.ndarray


def _edges(normals, signals):
    return np.maximum(-signals.bend, 0.0) + 0.3 * smoothstep(0.4, 1.0, signals.relief)


def _cavities(normals, signals):
    return np.maximum(signals.bend, 0.0) + 0.6 * smoothstep(0.2, 1.0, -signals.relief)


def _above(normals, signals):
    return smoothstep(0.1, 0.95, normals[:, 2]) + 0.5 * np.maximum(signals.bend, 0.0)


WHERE = {
    "edges": _edges,
    "cavities": _cavities,
    "above": _above,
}  # about 0 where a layer is never, 1 where it is always
_BREAK = 0.45  # how far noise moves the rim of a layer, in units of those
_SOFT = {"edges": 0.12, "cavities": 0.3, "above": 0.35}  # half the width of the layer's rim, in units of those


@dataclass(frozen=True)
class Layer(Record):
    """One thing that lies on the base, or comes out under it. amount: 0 is nearly nowhere, 1 everywhere it can be;
    opacity: where it is thickest.
    """

    where: str = choice(*WHERE)
    amount: float = span(0.0, 1.0)
    opacity: float = span(0.0, 1.0)
    color: tuple = parameter(
        lambda rng: tuple(rng.uniform() for _ in range(3)), lambda value: several(value, 3, 0.0, 1.0)
    )  # sRGB-encoded
    roughness: float = span(0.0, 1.0)
    metallic: float = parameter(lambda rng: float(rng.chance(0.5)), lambda value: number(value, 0.0, 1.0))
    grain: float = scale(2.0, 40.0)  # per object unit, of the noise that breaks up its rim
    noise: int = seed()

    def over(self, base: Fields, points: np.ndarray, normals: np.ndarray, signals: Signals) -> Fields:
        """Returns the base with this layer on it, at points and unit normals [N, 3]."""
        signal = WHERE[self.where](normals, signals)
        edge, soft = 1.05 - 0.9 * self.amount, _SOFT[self.where]
        rows = np.flatnonzero(
            signal > edge - soft - 1.3 * _BREAK
        )  # elsewhere no noise can bring the layer out, and noise is what costs
        color, roughness, metallic = base.base_color.copy(), base.roughness.copy(), base.metallic.copy()
        broken = fbm(points[rows] * self.grain, self.noise, 2, 0.7)
        rim = (
            signal[rows] + _BREAK * (0.25 + np.minimum(signal[rows], 0.75)) * broken
        )  # little where nothing calls for the layer: no blots on walls
        mask = self.opacity * smoothstep(edge - soft, edge + soft, rim)
        color[rows] = mix(color[rows], self.color, mask)
        roughness[rows] += (self.roughness - roughness[rows]) * mask
        metallic[rows] += (self.metallic - metallic[rows]) * mask
        return pack(color, roughness, metallic, base.height)
