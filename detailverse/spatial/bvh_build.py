"""Builds the tree of boxes under `Bvh`: splits by the surface-area heuristic in 16 bins of the longest axis (Wald 2007,
On fast Construction of SAH-based Bounding Volume Hierarchies).

Boxes are float32, rounded outwards, so that both children of a node share a cache line.
"""

import numpy as np

from zeroverse.core.jit import kernel

LEAF = 2  # triangles at most in a leaf
BINS = 16
STACK = 128  # deeper than DEPTH splits are by the count, so a stack of 128 never fills
DEPTH = 48


@kernel
def build(points, faces, order):
    """Sorts order [T], the faces to be found, into the tree, in place, and returns boxes [n, 6] float32 low and high,
    first [n] and count [n]: a leaf holds places first … first + count, an inner node has count 0 and the children first
    and first + 1.
    """
    total = len(order)
    bounds = np.empty((len(faces), 6))
    for f in order:
        for axis in range(3):
            a, b, c = points[faces[f, 0], axis], points[faces[f, 1], axis], points[faces[f, 2], axis]
            bounds[f, axis], bounds[f, axis + 3] = min(a, b, c), max(a, b, c)
    boxes = np.empty((2 * total, 6), np.float32)
    first, count = np.empty(2 * total, np.int32), np.empty(2 * total, np.int32)
    stack = np.empty((STACK, 4), np.int64)
    stack[0] = (0, 0, total, 0)
    height, nodes = 1, 1
    box, centres = np.empty(6), np.empty(6)
    while height > 0:
        height -= 1
        node, start, end, depth = stack[height]
        _bound(bounds, order, start, end, box, centres)
        for axis in range(3):  # one step further out than float32 rounds
            boxes[node, axis] = box[axis] - abs(box[axis]) * 1.3e-7 - 1e-37
            boxes[node, axis + 3] = box[axis + 3] + abs(box[axis + 3]) * 1.3e-7 + 1e-37
        middle = _split(bounds, order, start, end, centres, depth < DEPTH) if end - start > LEAF else start
        if middle == start:
            first[node], count[node] = start, end - start
            continue
        first[node], count[node] = nodes, 0
        stack[height] = (nodes, start, middle, depth + 1)
        stack[height + 1] = (nodes + 1, middle, end, depth + 1)
        height += 2
        nodes += 2
    return boxes[:nodes].copy(), first[:nodes].copy(), count[:nodes].copy()


@kernel
def _bound(bounds, order, start, end, box, centres):
    """Sets the box around faces order[start:end], and the box around twice the centres of their boxes."""
    for axis in range(3):
        box[axis], box[axis + 3], centres[axis], centres[axis + 3] = np.inf, -np.inf, np.inf, -np.inf
    for n in range(start, end):
        f = order[n]
        for axis in range(3):
            low, high = bounds[f, axis], bounds[f, axis + 3]
            box[axis], box[axis + 3] = min(box[axis], low), max(box[axis + 3], high)
            centres[axis], centres[axis + 3] = min(centres[axis], low + high), max(centres[axis + 3], low + high)


@kernel
def _split(bounds, order, start, end, centres, heuristic):
    """Sorts order[start:end] into two halves and returns where the second begins."""
    axis = 0
    for k in range(1, 3):
        if centres[k + 3] - centres[k] > centres[axis + 3] - centres[axis]:
            axis = k
    low, side = centres[axis], centres[axis + 3] - centres[axis]
    if heuristic and side > 0.0:
        scale = BINS * (1 - 1e-9) / side
        cut = _best_cut(bounds, order, start, end, axis, low, scale)
        i, j = start, end - 1  # partition in place, as in quicksort
        while i <= j:
            f = order[i]
            if int((bounds[f, axis] + bounds[f, axis + 3] - low) * scale) < cut:
                i += 1
            else:
                order[i], order[j] = order[j], f
                j -= 1
        return i
    return (start + end) >> 1


@kernel
def _best_cut(bounds, order, start, end, axis, low, scale):
    """Returns the bin that begins the second half, where the sum of box area times triangles of both sides is least.
    The outermost bins are never empty.
    """
    bins, filled = np.empty((BINS, 6)), np.zeros(BINS, np.int64)
    for b in range(BINS):
        for k in range(3):
            bins[b, k], bins[b, k + 3] = np.inf, -np.inf
    for n in range(start, end):
        f = order[n]
        b = int((bounds[f, axis] + bounds[f, axis + 3] - low) * scale)
        filled[b] += 1
        for k in range(3):
            bins[b, k], bins[b, k + 3] = min(bins[b, k], bounds[f, k]), max(bins[b, k + 3], bounds[f, k + 3])
    # Two sweeps: the cost of the first half of every cut from below, then that of the second half from above.
    costs = np.zeros(BINS)
    for backwards in range(2):
        box, inside = np.array([np.inf, np.inf, np.inf, -np.inf, -np.inf, -np.inf]), 0
        for step in range(BINS - 1):
            b = BINS - 1 - step if backwards else step
            inside += filled[b]
            for k in range(3):
                box[k], box[k + 3] = min(box[k], bins[b, k]), max(box[k + 3], bins[b, k + 3])
            x, y, z = box[3] - box[0], box[4] - box[1], box[5] - box[2]
            costs[b if backwards else b + 1] += inside * (x * y + y * z + z * x)
    cut = 1
    for b in range(2, BINS):
        if costs[b] < costs[cut]:
            cut = b
    return cut
