"""Surface: a finished solid as triangles that know their leaf. Solids become one; textures, labels and fields start
from it.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Leaf:
    """One solid of the modelling language before any boolean.

    label: the part that its triangles belong to, `body`, `handle#1`, `lid.knob`: dots descend the hierarchy, # counts
        copies.
    slot: which of the family's slots its material fills. cut: it was subtracted, so what is left of it is a cut face,
        and takes the slot of what it cut.
    sizes: (width, height) of each of its charts, in object units; none where it has no charts.
    """

    label: str
    slot: str
    cut: bool = False
    sizes: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, eq=False)
class Surface:
    """Closed, consistently oriented triangles, counter-clockwise from outside.

    points: [N, 3] float64, every position once. faces: [F, 3] int64. leaf: [F] which of `leaves`.
    chart: [F] which chart of its leaf, -1 where the leaf has none (polygonised fields).
    uv: [F, 3, 2] position on the chart of each corner, in object units, from 0 to the chart's size.
    relief: [F, 3] height that details gave the corner, object units, + outwards; 0 where there is none.
    """

    points: np.ndarray
    faces: np.ndarray
    leaf: np.ndarray
    chart: np.ndarray
    uv: np.ndarray
    relief: np.ndarray
    leaves: tuple[Leaf, ...]
