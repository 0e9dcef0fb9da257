"""Sparse bricks: the part of a lattice where a signed distance can cross zero, its values there, and the edges that
cross.

Bricks of 32^3 cells, then of 8^3, are skipped where the bound on the slope says that no surface can be.
"""

import math

import numpy as np

from detailverse.sdf import Sdf
from detailverse.sdf.tape import BLOCK, Tape
from zeroverse.core.jit import kernel

SIDE = 8  # cells of a brick; it has 9^3 corners, of which neighbours share
COARSE = 4  # bricks of a coarse brick
REACH = 2  # cells around a brick for which its mask holds
LARGEST = 25_000_000  # corners of all bricks near the surface: about 500 MB
CORNERS = (SIDE + 1) ** 3


def lattice(bounds, spacing):
    """Returns the lattice's first corner [3], and how many coarse bricks span it [3]. Raises ValueError for bounds that
    are infinite or empty, and for a spacing that is too fine.
    """
    bounds = np.asarray(bounds, dtype=np.float64)
    if not np.isfinite(bounds).all():
        raise ValueError(
            f"polygonise: expected finite bounds, got {bounds.tolist()}; intersect the value with a box or pass bounds"
        )
    pad = np.array([1.37, 1.41, 1.43]) * spacing  # uneven: planes at round coordinates should not run through corners
    counts = np.ceil((bounds[3:] - bounds[:3] + 2 * pad) / spacing)
    if not (counts > 0).all():
        raise ValueError(f"polygonise: expected a surface, got empty bounds {bounds.tolist()}")
    if counts.max() > 8192:
        raise ValueError(
            f"polygonise: expected at most 8192 cells along an axis, got {int(counts.max())} at spacing {spacing:.3g}"
        )
    return bounds[:3] - pad, np.ceil(counts / (SIDE * COARSE)).astype(np.int64)


def near_surface(value: Sdf, low, cells, spacing):
    """Returns the bricks [A, 3] that a surface may touch, and their masks [A, children]."""
    tape, reach = value.tape, math.sqrt(3.0) * spacing / 2
    coarse = np.stack(np.meshgrid(*[np.arange(n) for n in cells], indexing="ij"), axis=-1).reshape(-1, 3)
    side = SIDE * COARSE
    band = (
        2 * value.lipschitz * spacing
    )  # values there matter for crossings and for vertices, which lie within two cells
    distance, masks = tape.probe(low + (coarse + 0.5) * side * spacing, (side + 2 * REACH) * reach, band)
    near = np.abs(distance) <= value.lipschitz * side * reach * 1.0001
    coarse, masks = coarse[near], masks[near]
    inner = np.stack(np.meshgrid(*[np.arange(COARSE)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    found, found_masks = [np.empty((0, 3), np.int64)], [np.empty((0, tape.children), np.uint8)]
    step = max(1, 20_000_000 // (len(inner) * (tape.children + 100)))
    for start in range(0, len(coarse), step):
        bricks = (coarse[start : start + step, None] * COARSE + inner).reshape(-1, 3)
        blocks = np.arange(0, len(bricks) + 1, len(inner))
        distance, fine = tape.probe(
            low + (bricks + 0.5) * SIDE * spacing, (SIDE + 2 * REACH) * reach, band, blocks, masks[start : start + step]
        )
        near = np.abs(distance) <= value.lipschitz * SIDE * reach * 1.0001
        found.append(bricks[near])
        found_masks.append(fine[near])
    return np.concatenate(found), np.concatenate(found_masks)


def closed_over(tape, bricks, masks, low, cells, spacing):
    """Returns the bricks [A, 3], masks, values [A, 9, 9, 9], and the map from a brick to its number, with the bricks
    that the surface runs into though a slope bound missed them. Raises ValueError where the surface leaves the lattice
    or the lattice is too large.
    """
    brick_of = np.full(tuple(cells * COARSE), -1, dtype=np.int32)
    values = np.empty((0, SIDE + 1, SIDE + 1, SIDE + 1))
    while len(values) < len(bricks):
        done = len(values)
        if len(bricks) * CORNERS > LARGEST:
            raise ValueError(
                f"polygonise: expected a lattice of at most {LARGEST} corners near the surface, got "
                f"{len(bricks) * CORNERS} "
                f"at spacing {spacing:.3g}"
            )
        brick_of[tuple(bricks[done:].T)] = np.arange(done, len(bricks))
        values = np.concatenate([values, _corner_values(tape, bricks[done:], masks[done:], low, spacing)])
        missing = _missing(values, bricks, brick_of, done)
        if len(missing) and (missing < 0).any():
            raise ValueError(
                "polygonise: expected bounds that hold the surface, got a surface that leaves its bounds, "
                f"from {tuple(np.round(low, 3).tolist())} up"
            )
        bricks = np.concatenate([bricks, missing])
        masks = np.concatenate([masks, np.ones((len(missing), tape.children), np.uint8)])
    return bricks, masks, values, brick_of


def _corner_values(tape, bricks, masks, low, spacing, chunk=512):
    """Returns the values [A, 9, 9, 9] at the corners of bricks, a few bricks at a time: their points take thrice the
    memory of their values.
    """
    values = np.empty((len(bricks), CORNERS))
    for start in range(0, len(bricks), chunk):
        part = bricks[start : start + chunk]
        starts = np.arange(len(part) + 1) * CORNERS
        values[start : start + chunk] = tape.run(
            corner_points(part, low, spacing), starts, masks[start : start + chunk]
        ).reshape(len(part), CORNERS)
    return values.reshape(-1, SIDE + 1, SIDE + 1, SIDE + 1)


@kernel
def corner_points(bricks, low, spacing):  # [A, 3], [3] -> [729 A, 3]
    """Returns the corners of all cells of bricks, brick after brick, x first."""
    points = np.empty((len(bricks) * CORNERS, 3))
    row = 0
    for n in range(len(bricks)):
        for i in range(SIDE + 1):
            for j in range(SIDE + 1):
                for k in range(SIDE + 1):
                    points[row, 0] = low[0] + spacing * (SIDE * bricks[n, 0] + i)
                    points[row, 1] = low[1] + spacing * (SIDE * bricks[n, 1] + j)
                    points[row, 2] = low[2] + spacing * (SIDE * bricks[n, 2] + k)
                    row += 1
    return points


@kernel
def _missing(values, bricks, brick_of, done):
    """Returns the bricks [M, 3] with no number that hold a crossing edge on the faces of bricks from number `done` on;
    -1 where outside the lattice.
    """
    found = []
    for n in range(done, len(bricks)):
        for i in range(SIDE + 1):
            for j in range(SIDE + 1):
                for k in range(SIDE + 1):
                    for axis in range(3):
                        a, b, c = i + (axis == 0), j + (axis == 1), k + (axis == 2)
                        if a > SIDE or b > SIDE or c > SIDE or (values[n, i, j, k] < 0) == (values[n, a, b, c] < 0):
                            continue
                        for x in range(
                            bricks[n, 0] - (axis != 0 and i == 0), bricks[n, 0] + (axis != 0 and i == SIDE) + 1
                        ):
                            for y in range(
                                bricks[n, 1] - (axis != 1 and j == 0), bricks[n, 1] + (axis != 1 and j == SIDE) + 1
                            ):
                                for z in range(
                                    bricks[n, 2] - (axis != 2 and k == 0), bricks[n, 2] + (axis != 2 and k == SIDE) + 1
                                ):
                                    if (
                                        x < 0
                                        or y < 0
                                        or z < 0
                                        or x >= brick_of.shape[0]
                                        or y >= brick_of.shape[1]
                                        or z >= brick_of.shape[2]
                                    ):
                                        found.append((-1, -1, -1))
                                    elif brick_of[x, y, z] == -1:
                                        brick_of[x, y, z] = -2
                                        found.append((x, y, z))
    out = np.empty((len(found), 3), dtype=np.int64)
    for n in range(len(found)):
        out[n, 0], out[n, 1], out[n, 2] = found[n]
    return out


@kernel
def crossing_edges(values, bricks):
    """Returns the edges of the lattice that cross [E, 4], as the corner they leave and the axis they follow, and their
    bricks [E], ascending.
    """
    edges, owner = np.empty((64, 4), dtype=np.int64), np.empty(64, dtype=np.int64)
    count = 0
    for n in range(len(bricks)):
        for i in range(SIDE):
            for j in range(SIDE):
                for k in range(SIDE):
                    inside = values[n, i, j, k] < 0
                    for axis in range(3):
                        if (values[n, i + (axis == 0), j + (axis == 1), k + (axis == 2)] < 0) == inside:
                            continue
                        if count == len(edges):
                            edges, owner = (
                                np.concatenate((edges, np.empty_like(edges))),
                                np.concatenate((owner, np.empty_like(owner))),
                            )
                        edges[count, 0], edges[count, 1] = SIDE * bricks[n, 0] + i, SIDE * bricks[n, 1] + j
                        edges[count, 2], edges[count, 3] = SIDE * bricks[n, 2] + k, axis
                        owner[count] = n
                        count += 1
    return edges[:count].copy(), owner[:count].copy()


class Sampler:
    """The tape at points that each belong to a brick, with that brick's mask. owner: [E] the brick of each,
    ascending.
    """

    def __init__(self, tape: Tape, masks: np.ndarray, owner: np.ndarray):
        self.tape, self.masks, self.owner = tape, masks, owner

    def blocks(self, chosen=None):
        """Returns where blocks start, and their masks, for the owners with the numbers `chosen`, ascending."""
        owner = self.owner if chosen is None else self.owner[chosen]
        change = np.flatnonzero(np.diff(owner, prepend=-1))
        lengths = np.diff(np.append(change, len(owner)))
        pieces = -(-lengths // BLOCK)
        within = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        starts = np.repeat(change, pieces) + BLOCK * within
        return np.append(starts, len(owner)), self.masks[np.repeat(owner[change], pieces)]

    def values(self, points, chosen=None):
        """Returns the signed distances of points [K, 3]; chosen: [K] which owner each belongs to, default all
        in order.
        """
        return self.tape.run(points, *self.blocks(chosen))

    def leaves(self, points, chosen=None):
        """Returns the leaves of points [K, 3], like `values`."""
        return self.tape.leaves(points, *self.blocks(chosen))
