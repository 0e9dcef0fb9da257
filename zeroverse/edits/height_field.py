"""Height field: relief on one surface, a smooth random function displaced along the normals (LRM-Zero, section 3 and
appendix D).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from zeroverse.core import affine
from zeroverse.core.record import Record, checked, number, whole
from zeroverse.core.rng import Rng
from zeroverse.shapes.template import Template, template

KNOTS = 5  # control values along u and v
MAX_AMPLITUDE = 0.2  # of the smallest extent, as in the released code


@dataclass(frozen=True)
class HeightField(Record):
    """Relief: control values uniform in (-amplitude, amplitude) times the part's smallest extent, from `seed`."""

    seed: int = checked(lambda value: whole(value, 0, 2**31 - 1))
    amplitude: float = checked(lambda value: number(value, 0, MAX_AMPLITUDE))

    @classmethod
    def sample(cls, rng: Rng) -> "HeightField":
        return cls(rng.word(), rng.uniform(0.0, MAX_AMPLITUDE))

    def controls(self, periodic: tuple[bool, bool]) -> np.ndarray:
        """Returns the control values [KNOTS, KNOTS] in (-amplitude, amplitude), v by u: zero on the borders that are
        not seams, so the neighbours stay attached.
        """
        values = (2.0 * Rng("height field", self.seed).unit((KNOTS, KNOTS)) - 1.0) * self.amplitude
        if not periodic[0]:
            values[:, [0, -1]] = 0.0
        if not periodic[1]:
            values[[0, -1], :] = 0.0
        return values


def displace(shape, scale, fields: tuple[HeightField | None, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Returns points and unit normals, both [N, 3], of the shape's template at half-extents `scale`, with one height
    field or None per surface.

    The offset is along `scale * normal`, not along the scaled surface's normal: on an ellipsoid that is the ray from
    the centre, so relief can never fold over itself where the curvature is high.
    """
    mesh, scale = template(shape), np.asarray(scale, dtype=np.float64)
    points, normals = mesh.points * scale, affine.unit(mesh.normals / scale)
    smallest = 2.0 * float(scale.min()) * shape.thickness
    direction = affine.unit(mesh.normals * scale)
    for k, field in enumerate(fields):
        if field is None:
            continue
        vertices = slice(mesh.starts[k], mesh.starts[k + 1])
        controls = field.controls(mesh.patches[k].periodic).ravel()
        height = np.zeros(vertices.stop - vertices.start)
        for weight, control in zip(spline_weights(shape, k), controls):
            height += (
                weight * control
            )  # written out: the same bits on every machine, and exactly 0 where all controls are
        points[vertices] += direction[vertices] * (height * mesh.fade[vertices] * smallest)[:, None]
        faces = mesh.faces[mesh.runs[k] : mesh.runs[k + 1]]
        normals[vertices] = affine.vertex_normals(points, faces, mesh.smooth)[vertices]
    return points, normals


@lru_cache(maxsize=96)
def spline_weights(shape, number: int) -> np.ndarray:
    """Returns [KNOTS², n]: what each control value adds at each of the patch's n vertices; Catmull-Rom, bicubic."""
    mesh: Template = template(shape)
    uv = mesh.patch_uv[mesh.starts[number] : mesh.starts[number + 1]]
    along_u, along_v = (_axis_weights(uv[:, axis], mesh.patches[number].periodic[axis]) for axis in (0, 1))
    return (along_v[:, None] * along_u[None, :]).reshape(KNOTS * KNOTS, -1)


def _axis_weights(x: np.ndarray, periodic: bool) -> np.ndarray:
    """Returns the weights [KNOTS, n] of positions x [n] in [0, 1]; a seam has the same weights on both its sides."""
    x = (x - np.floor(x)) * KNOTS if periodic else x * (KNOTS - 1)
    cell = np.floor(x) if periodic else np.minimum(np.floor(x), KNOTS - 2)
    t = x - cell
    taps = (
        t * (t * (1 - 0.5 * t) - 0.5),
        1 + t * t * (1.5 * t - 2.5),
        t * (0.5 + t * (2 - 1.5 * t)),
        t * t * (0.5 * t - 0.5),
    )
    weights = np.zeros((KNOTS, len(x)))
    for tap, value in enumerate(taps):
        knot = cell.astype(np.int64) + tap - 1
        knot = knot % KNOTS if periodic else np.clip(knot, 0, KNOTS - 1)
        np.add.at(weights, (knot, np.arange(len(x))), value)
    return weights
