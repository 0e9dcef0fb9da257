"""Template: a primitive's patches as one closed mesh, built once per shape and shared by every part that uses it."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from zeroverse.shapes.atlas import tile_uv
from zeroverse.shapes.patch import Patch


@dataclass(frozen=True, eq=False)
class Template:
    """N vertices and F triangles, patch after patch, in the primitive's local frame. Read only: it is shared.

    uv: [N, 2] in the atlas. patch_uv: [N, 2] in the vertex's own patch. runs, starts: [P + 1] where each patch's
        triangles and vertices begin.
    weld: [N] the first vertex at the same place. smooth: [N] the first one of the same patch with the same place and
        normal too.
    fade: [N] factor on height fields.
    """

    patches: tuple[Patch, ...]
    points: np.ndarray
    normals: np.ndarray
    uv: np.ndarray
    patch_uv: np.ndarray
    faces: np.ndarray
    runs: np.ndarray
    starts: np.ndarray
    weld: np.ndarray
    smooth: np.ndarray
    fade: np.ndarray


@lru_cache(maxsize=32)
def template(shape) -> Template:
    """Returns the template of a shape, built when it is first asked for."""
    return weld_patches(shape.surfaces())


def weld_patches(patches: tuple[Patch, ...]) -> Template:
    """Returns one mesh from patches whose shared vertices are equal to the bit; triangles that shrink to nothing at a
    pole are left out.
    """
    points = (
        np.concatenate([patch.points.reshape(-1, 3) for patch in patches]) + 0.0
    )  # -0.0 becomes 0.0: equal bits mean equal places
    normals = np.concatenate([patch.normals.reshape(-1, 3) for patch in patches]) + 0.0
    starts = np.cumsum([0] + [patch.points[..., 0].size for patch in patches])
    owner = np.repeat(np.arange(len(patches)), np.diff(starts))
    weld = first_equal(points)
    smooth = first_equal(np.concatenate([points, normals, owner[:, None]], axis=1))
    pieces = []
    for patch, start in zip(patches, starts):
        faces = grid_faces(*patch.points.shape[:2]) + start
        a, b, c = weld[faces].T
        pieces.append(faces[(a != b) & (b != c) & (c != a)])
    fades = [np.ones(patch.points.shape[:2]) if patch.fade is None else patch.fade for patch in patches]
    patch_uv = [patch.uv.reshape(-1, 2) for patch in patches]
    return Template(
        patches,
        points,
        normals,
        np.concatenate([tile_uv(uv, k, len(patches)) for k, uv in enumerate(patch_uv)]),
        np.concatenate(patch_uv),
        np.concatenate(pieces),
        np.cumsum([0] + [len(piece) for piece in pieces]),
        starts,
        weld,
        smooth,
        np.concatenate([fade.ravel() for fade in fades]),
    )


def grid_faces(rows: int, columns: int) -> np.ndarray:
    """Returns the faces [F, 3] of a grid with rows x columns vertices, counter-clockwise seen from where columns x rows
    points.
    """
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1].ravel(), index[:-1, 1:].ravel(), index[1:, 1:].ravel(), index[1:, :-1].ravel()
    return np.stack([a, b, c, a, c, d], axis=1).reshape(-1, 3)


def first_equal(rows: np.ndarray) -> np.ndarray:
    """Returns for each of N rows the index [N] of the first row equal to it."""
    _, first, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return first[inverse.ravel()]
