"""The gates: what a solid must pass to become an object. Each raises Rejected with its reason, and a run counts them.

A gate looks at the surface as a reader of the stored file gets it, rounded and merged, not as it was built.
"""

from dataclasses import replace

import numpy as np

from detailverse.modelling.solid import Solid
from detailverse.modelling.surface import Surface
from detailverse.spatial.bvh import Bvh
from detailverse.spatial.probes import self_intersections, thickness
from zeroverse.asset import LONGEST_SIDE
from zeroverse.core import affine
from zeroverse.core.topology import closed, linked, vertex_pieces, weld_places
from zeroverse.shapes.solid import Rejected

FEWEST, MOST = 2_000, 500_000  # triangles
CRUMB = 1e-3  # of the volume: pieces below it are dropped, for they are what a boolean left floating
SIMPLIFIED = 1e-4  # object units: what an object with too many triangles may lose
# steps in an object unit to which positions are rounded: float32 holds each, and none is nearer to another than 6e-8
GRID = 2.0**24
SHORT = 1e-6  # object units, along each axis
THINNEST = 0.004  # object units, of the 5th percentile of thickness: below it, sheets break up on a 256-grid
CROSSED = 1e-3  # share of faces that may pass through others: where details meet in a fold


def passed(body: Solid, pieces: int, coarse: bool) -> Surface:
    """Returns the solid as triangles in the asset's frame: centred, longest side `LONGEST_SIDE`. Raises Rejected with
    the reason by the first gate that it does not pass.

    pieces: how many it may fall into. coarse: it may have fewer than `FEWEST` triangles, as objects without details.
    """
    if body.manifold.num_tri() > MOST:
        body = Solid(body.manifold.simplify(SIMPLIFIED), body.leaves)
    whole = _connected(body.surface(), pieces)
    if len(whole.faces) > MOST:
        raise Rejected("too many triangles")
    if len(whole.faces) < FEWEST and not coarse:
        raise Rejected("too few triangles")
    whole = _without_short_edges(_normalised(whole))
    _check(whole)
    return whole


def _check(whole: Surface) -> None:
    """Raises Rejected where walls are too thin or the surface passes through itself."""
    bvh = Bvh(whole.points, whole.faces)
    if np.sort(thickness(whole.points, whole.faces, 400, bvh))[20] < THINNEST:
        raise Rejected("thin")
    if len(self_intersections(whole.points, whole.faces, bvh=bvh)) > CROSSED * len(whole.faces):
        raise Rejected("passes through itself")


def _connected(whole: Surface, most: int) -> Surface:
    """Returns the surface without its crumbs. Raises Rejected when more than `most` pieces are left."""
    corners = whole.faces
    piece = vertex_pieces(corners, len(whole.points))
    count = int(piece.max()) + 1
    if count > 1:  # a piece's volume: the sum over its faces of corner · (area normal) / 3
        piece = piece[corners[:, 0]]
        corner, normal = whole.points[corners[:, 0]], affine.face_normals(whole.points, corners)
        volumes = np.bincount(piece, weights=(corner * normal).sum(axis=1) / 6, minlength=count)
        keep = volumes > CRUMB * volumes.sum()
        if keep.sum() > most:
            raise Rejected("falls apart")
        if not keep.all():
            whole = _of_faces(whole, keep[piece])
    return whole


def _of_faces(whole: Surface, keep: np.ndarray) -> Surface:  # keep: [F] bool
    """Returns the surface of the kept faces, without the points that no face uses."""
    used, packed = np.unique(whole.faces[keep], return_inverse=True)
    return Surface(
        whole.points[used],
        packed.reshape(-1, 3),
        whole.leaf[keep],
        whole.chart[keep],
        whole.uv[keep],
        whole.relief[keep],
        whole.leaves,
    )


def _normalised(whole: Surface) -> Surface:
    """Returns the surface in the asset's frame, its positions on the grid that float32 holds."""
    low, high = whole.points.min(axis=0), whole.points.max(axis=0)
    factor = LONGEST_SIDE / float((high - low).max())
    points = np.rint((whole.points - (low + high) / 2) * (factor * GRID)) / GRID
    return Surface(points, whole.faces, whole.leaf, whole.chart, whole.uv * factor, whole.relief * factor, whole.leaves)


def _without_short_edges(whole: Surface) -> Surface:
    """Returns the surface closed for a reader that merges equal positions, to whom an edge without length would leave
    triangles without area, and open edges by its count. Edges up to `SHORT` go, or where that would pinch the surface,
    only those without length. Raises Rejected where neither is closed.
    """
    for length in (SHORT, 0.0):
        found = _collapsed(whole, length)
        if closed(weld_places(found.points)[found.faces]):
            return found
    raise Rejected("not watertight")


def _collapsed(whole: Surface, length: float) -> Surface:
    """Returns the surface in which the ends of every edge that is at most so long along each axis are one point."""
    start, end = whole.faces.ravel(), np.roll(whole.faces, -1, axis=1).ravel()
    short = (np.abs(whole.points[start] - whole.points[end]) <= length).all(axis=1)
    piece = linked(start[short], end[short], len(whole.points))
    first, place = np.unique(piece, return_index=True, return_inverse=True)[1:]
    faces = first[place][whole.faces]
    return _of_faces(replace(whole, faces=faces), (faces != np.roll(faces, -1, axis=1)).all(axis=1))
