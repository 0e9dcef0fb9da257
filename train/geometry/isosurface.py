"""A field of signed distances -> triangles: values on a grid, all of them only near the surface."""

from collections.abc import Callable

import numpy as np

from detailverse.meshing.surface_nets import surface_nets

EXTENT = 1.1  # the grid spans ±EXTENT; objects fill ±1, and its outermost nodes are outside
LEAST = 32  # cells along each side; fewer would cut the object off
BLOCK = 4  # cells a side, whose corners tell whether the surface may be inside


def mesh_of(field: Callable[[np.ndarray], np.ndarray], cells: int = 128) -> tuple[np.ndarray, np.ndarray]:
    """Returns (points [N, 3], faces [F, 3]) of the zero level, by surface nets; closed, and empty where there is none.

    field: points [N, 3] float32 -> distances [N], right up to half the diagonal of BLOCK cells, beyond which only their
        sign counts.
    """
    return surface_nets(grid(field, cells), EXTENT)


def grid(field: Callable[[np.ndarray], np.ndarray], cells: int) -> np.ndarray:
    """Returns [cells + 1] * 3 float32, exact near the surface and elsewhere right about the side; the border is
    outside.
    """
    if cells % BLOCK or cells < LEAST:
        raise ValueError(f"cells: expected a multiple of {BLOCK}, at least {LEAST}, got {cells}")
    step, blocks = 2 * EXTENT / cells, cells // BLOCK
    place = lambda nodes, side: (nodes * side - EXTENT).astype(np.float32)
    coarse = field(
        place(np.stack(np.meshgrid(*[np.arange(blocks + 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3), BLOCK * step)
    )
    coarse = coarse.reshape((blocks + 1,) * 3)
    corners = np.stack(
        [coarse[i : i + blocks, j : j + blocks, k : k + blocks] for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    )
    near = (np.abs(corners).min(axis=0) < 1.25 * 3**0.5 / 2 * BLOCK * step) | (
        (corners < 0).any(axis=0) != (corners < 0).all(axis=0)
    )
    values = np.repeat(np.repeat(np.repeat(coarse, BLOCK, 0), BLOCK, 1), BLOCK, 2)[
        : cells + 1, : cells + 1, : cells + 1
    ].astype(np.float32)
    asked = np.zeros(values.shape, bool)
    for i, j, k in np.argwhere(near) * BLOCK:
        asked[i : i + BLOCK + 1, j : j + BLOCK + 1, k : k + BLOCK + 1] = True
    values[asked] = field(place(np.argwhere(asked), step))
    for axis in range(3):
        border = np.moveaxis(values, axis, 0)
        border[[0, 1, -1]] = np.maximum(border[[0, 1, -1]], 1e-6)  # surface nets look at edges from node 1 on
    return values
