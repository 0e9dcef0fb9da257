"""Finds the large planar base: a plate of ground that somebody's object stands on. After TripoSG, section 4 (II, a):
centroid position, normal and area of a plane.
"""

from dataclasses import dataclass

import numpy as np

from detailverse.spatial.sampling import Points

UPRIGHT = 0.97  # of the normal's z: planes within 14 degrees of level
LOWEST = 0.2  # of the height: a base lies in the lowest fifth
THICKNESS = (
    0.02  # of the longest side: points of one plate; scanned ground is not quite flat, and a plate has two faces
)
CELLS = 32  # of the plan, along its longer side
RIM = 2  # cells from the edge of the plate in which walls are looked for


@dataclass(frozen=True)
class Base:
    """The level plate under an object.

    area: the plate's share of the whole surface. footprint: its share of the plan of the whole object. walled: how much
    of its edge has something standing on it, as the floors of boxes and vessels have all around. height: of its
    centroid, as a share of the object's height.
    """

    area: float
    footprint: float
    walled: float
    height: float


NO_BASE = Base(0.0, 0.0, 1.0, 0.0)


def planar_base(points: Points) -> Base:
    """Returns the level plate with the most area in the lowest fifth of the object, or `NO_BASE`. World
    frame, +Z up.
    """
    low, high = points.position.min(axis=0), points.position.max(axis=0)
    sides, longest = high - low, float((high - low).max())
    level = np.abs(points.normal[:, 2]) > UPRIGHT
    z = points.position[:, 2] - low[2]
    candidates = np.sort(z[level & (z <= LOWEST * sides[2])])
    if len(candidates) < 8:
        return NO_BASE
    thickness = THICKNESS * longest
    ends = np.searchsorted(candidates, candidates + thickness, side="right")
    start = int(np.argmax(ends - np.arange(len(candidates))))
    plate = level & (z >= candidates[start]) & (z <= candidates[start] + thickness)
    cells = np.minimum(((points.position[:, :2] - low[:2]) / (longest / CELLS)).astype(np.int64), CELLS - 1)
    ground, above = _plan(cells[plate]), _plan(cells[z > candidates[start] + 2 * thickness])
    return Base(
        float(plate.mean()),
        float(ground.sum() / max((ground | above | _plan(cells)).sum(), 1)),
        _walled(ground, above),
        float(z[plate].mean() / max(sides[2], 1e-9)),
    )


def _plan(cells: np.ndarray) -> np.ndarray:  # [CELLS, CELLS] bool
    """Returns which cells of the plan are covered, [CELLS, CELLS]."""
    plan = np.zeros((CELLS, CELLS), np.bool_)
    plan[cells[:, 0], cells[:, 1]] = True
    return plan


def _walled(ground: np.ndarray, above: np.ndarray) -> float:
    """Returns the share of the plate's edge above which, or within `RIM` cells of which, something stands."""
    edge = ground & ~_shrunk(ground)
    for _ in range(RIM):
        above = _grown(above)
    return float((edge & above).sum() / max(edge.sum(), 1))


def _shrunk(plan: np.ndarray) -> np.ndarray:
    """Returns the plan without the cells that have one of four neighbours, or the border, outside."""
    padded = np.pad(plan, 1)
    return plan & padded[2:, 1:-1] & padded[:-2, 1:-1] & padded[1:-1, 2:] & padded[1:-1, :-2]


def _grown(plan: np.ndarray) -> np.ndarray:
    """Returns the plan with the four neighbours of each of its cells."""
    padded = np.pad(plan, 1)
    return plan | padded[2:, 1:-1] | padded[:-2, 1:-1] | padded[1:-1, 2:] | padded[1:-1, :-2]
