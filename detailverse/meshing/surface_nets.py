"""Surface nets: one vertex in every cell of a grid that a surface crosses, the mean of its crossings of the cell's
edges (Gibson 1998, Constrained Elastic Surface Nets, without the relaxation), and for every crossed edge a
quadrilateral.

The mesher of measures and of networks' distances: it asks for values at the nodes and nothing else. Where normals are
known, `dual_contouring` keeps edges sharp.
"""

import numpy as np

from zeroverse.core.jit import kernel


def surface_nets(values: np.ndarray, extent: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns points [N, 3] and faces [F, 3], counter-clockwise from outside, of the surface on which distances change
    sign.

    values: [S, S, S] float32 signed distances at the nodes of a grid over ±extent, negative inside, and positive at the
    border of the grid, so that the surface is closed.
    """
    vertices, quads = _dual_cells(values)
    return vertices * (2 * extent / (len(values) - 1)) - extent, _halved(vertices, quads)


@kernel
def _dual_cells(values):
    """Returns vertices [N, 3] in cells, numbered as their cells are first met, and quads [Q, 4] counter-clockwise from
    outside, for values [S, S, S] as those of `surface_nets`.
    """
    side = values.shape[0]
    number = np.full((side, side, side), -1, np.int32)
    vertices, quads, crossings = np.empty((1 << 16, 3)), np.empty((1 << 16, 4), np.int64), np.empty(1 << 16, np.int64)
    found, faces = 0, 0
    cells = np.empty(4, np.int64)
    for i in range(1, side - 1):
        for j in range(1, side - 1):
            for k in range(1, side - 1):
                a = values[i, j, k]
                for axis in range(3):
                    b = values[i + (axis == 0), j + (axis == 1), k + (axis == 2)]
                    if (a > 0.0) == (b > 0.0):
                        continue
                    # where the distance, linear along the edge, is 0
                    along = np.float64(a) / (np.float64(a) - np.float64(b))
                    for turn in range(4):  # the four cells around the edge, counter-clockwise seen from its far end
                        back, aside = (1, 0, 0, 1)[turn], (1, 1, 0, 0)[turn]
                        ci = i - ((axis == 1) * aside + (axis == 2) * back)
                        cj = j - ((axis == 2) * aside + (axis == 0) * back)
                        ck = k - ((axis == 0) * aside + (axis == 1) * back)
                        if number[ci, cj, ck] < 0:
                            if found == len(vertices):
                                vertices, crossings = (
                                    np.concatenate((vertices, vertices)),
                                    np.concatenate((crossings, crossings)),
                                )
                            number[ci, cj, ck] = found
                            vertices[found] = 0.0
                            crossings[found] = 0
                            found += 1
                        cell = np.int64(number[ci, cj, ck])
                        cells[turn] = cell
                        vertices[cell, 0] += i + (axis == 0) * along
                        vertices[cell, 1] += j + (axis == 1) * along
                        vertices[cell, 2] += k + (axis == 2) * along
                        crossings[cell] += 1
                    if faces == len(quads):
                        quads = np.concatenate((quads, quads))
                    for turn in range(4):  # the normal points from the negative end of the edge to the positive one
                        quads[faces, turn] = cells[turn] if a <= 0.0 else cells[3 - turn]
                    faces += 1
    for n in range(found):
        vertices[n] /= crossings[n]
    return vertices[:found].copy(), quads[:faces].copy()


def _halved(points: np.ndarray, quads: np.ndarray) -> np.ndarray:
    """Returns triangles [2 Q, 3]: each quadrilateral cut along its shorter diagonal."""
    a, b, c, d = (points[quads[:, k]] for k in range(4))
    other = ((a - c) ** 2).sum(axis=1) > ((b - d) ** 2).sum(axis=1)
    turned = np.where(other[:, None], np.roll(quads, -1, axis=1), quads)
    return np.concatenate([turned[:, [0, 1, 2]], turned[:, [0, 2, 3]]])
