"""Skin: the details laid on one surface of an object. Chart: where on that surface each point is. Both are the seam
between structure and detail.

A generator (lathe, tube, plate, blob, …) gives charts; a detail turns a chart into heights, and into ornaments that
stand on it. Neither knows the other: any detail can be laid on any surface.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True, eq=False)
class Chart:
    """A piece of surface, unrolled. Lengths are in object units: an object is about 2 long.

    u, v: [N] position on the chart, in 0 … width and 0 … height; u × v points outwards. On a lathe u runs around and v
        along.
    wraps: u is a closed loop, so a pattern must repeat a whole number of times in `width` (see `repeats`).
    points, normals: [N, 3] of the surface without details.
    border: [N] distance to the nearest edge of the chart; inf where there is none. The generator fades heights to 0
        there.
    room: the greatest height and depth that the generator allows, by the thickness of what lies under.
    """

    u: np.ndarray
    v: np.ndarray
    width: float
    height: float
    wraps: bool
    points: np.ndarray
    normals: np.ndarray
    border: np.ndarray
    room: float

    def columns(self, pitch: float, multiple: int = 1) -> int:
        """Returns how many cells about `pitch` wide fill the width: whole, a multiple of `multiple`, at least one of
        it.
        """
        return max(1, round(self.width / pitch / multiple)) * multiple

    def rows(self, pitch: float, multiple: int = 1) -> int:
        """Returns how many cells about `pitch` high fill the height, like `columns`."""
        return max(1, round(self.height / pitch / multiple)) * multiple


@dataclass(frozen=True, eq=False)
class Stamp:
    """A small closed mesh that ornaments repeat, points [N, 3], faces [F, 3].

    z points out of the surface, z = 0 lies on it, and the foot reaches below.
    """

    points: np.ndarray
    faces: np.ndarray


@dataclass(frozen=True, eq=False)
class Ornaments:
    """Copies of a stamp on a chart. uv: [K, 2]; size: [K] factor on the stamp; spin: [K] radians about the normal, 0:
    its x axis along u.
    """

    stamp: Stamp
    uv: np.ndarray
    size: np.ndarray
    spin: np.ndarray
    label: str  # what they are: `rivets`


class Detail(Protocol):
    """A `Record` with these. `pitch` and `depth`, where it has them, are in object units."""

    def feature(self) -> float:
        """Returns the width of its smallest feature, object units: edges of the mesh under it are a third of that."""

    def relief(self, chart: Chart) -> np.ndarray | None:
        """Returns heights [N], + outwards, object units; continuous, also across the seam of a chart that wraps. None:
        it only has ornaments.
        """

    def lines(self, chart: Chart) -> np.ndarray | None:
        """Returns the distance [N] along the surface, signed, to the nearest line where the relief has a crease: the
        mesh puts vertices on them. None: smooth.
        """

    def ornaments(self, chart: Chart) -> Ornaments | None:
        """Returns solid pieces that stand on the chart; None: there are none."""

    def words(self) -> str:
        """Returns what captions say after the noun: `with vertical flutes`."""


@dataclass(frozen=True)
class Skin:
    """What lies on one surface of a part. details: in the order they were laid; scale: object units per unit of the
    part's own frame.

    triangles: the most that the mesh under the details may have.
    """

    details: tuple = ()
    scale: float = 1.0
    triangles: int = 90_000

    def __bool__(self) -> bool:
        return bool(self.details)


BARE = Skin()
