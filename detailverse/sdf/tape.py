"""The tape machine: one compiled kernel that evaluates any signed-distance value (docs/papers.md, Geometry).

A value compiles to rows (op, out, a, b, q, id) over slots of points and of values; blocks of up to 729 points run
through them. Unions decide, for each brick of space, which of their children matter there (`probe`), and blocks in that
brick jump over the others: a tree of hundreds of twigs costs no more than the few that are near. What is jumped over
could not have changed the result by a single bit. (Compare Keeter 2020, Massively Parallel Rendering of Complex
Closed-Form Implicit Surfaces.)
"""

from dataclasses import dataclass

import numpy as np

from detailverse.sdf.distances import (
    ADD,
    AFFINE,
    CHILD,
    CLAMP,
    FIRST_COMBINER,
    FIRST_SOLID,
    GUARD,
    LINEAR,
    PAINT,
    SHELL,
    UNION,
    outside,
    solids,
    warps,
)
from zeroverse.core.jit import kernel

BLOCK = 729  # points that one pass of the tape handles, the 9^3 corners of a brick: its slots stay in the cache
COLUMNS = 6


@dataclass(frozen=True, eq=False)
class Tape:
    """The compiled program of a signed-distance value.

    rows: [R, 6] int64. numbers: [Q] float64. slots: of points, of values. children: how many union children, whose
    masks are [..., children].
    """

    rows: np.ndarray
    numbers: np.ndarray
    slots: tuple[int, int]
    children: int

    def everything(self) -> np.ndarray:
        """Returns the mask [1, children] that skips nothing."""
        return np.ones((1, self.children), dtype=np.uint8)

    def run(self, points: np.ndarray, starts=None, mask=None) -> np.ndarray:
        """Returns the values [N] at points [N, 3]. Block b is points[starts[b]:starts[b + 1]], at most 729, and needs
        the children mask[b]; default: all.
        """
        starts, mask = self._blocks(points, starts, mask)
        out = np.empty(len(points))
        _run(self.rows, self.numbers, *self.slots, points, starts, mask, 0.0, 0.0, out, _NO_LEAVES, _NO_MASK)
        return out

    def leaves(self, points: np.ndarray, starts=None, mask=None) -> np.ndarray:
        """Returns the leaf [N] int64 that each point belongs to; arguments as those of `run`."""
        starts, mask = self._blocks(points, starts, mask)
        leaf = np.empty(len(points), dtype=np.int64)
        _run(
            self.rows, self.numbers, *self.slots, points, starts, mask, 0.0, 0.0, np.empty(len(points)), leaf, _NO_MASK
        )
        return leaf

    def probe(
        self, points: np.ndarray, radius: float, band: float, starts=None, mask=None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns the values [N], and the mask [N, children] of what matters within `radius` of each point wherever the
        value is within -band .. band.

        Under that mask values in the band are the same to the bit, and others stay on their side of it.
        """
        starts, mask = self._blocks(points, starts, mask)
        out, near = np.empty(len(points)), np.zeros((len(points), self.children), dtype=np.uint8)
        _run(
            self.rows,
            self.numbers,
            *self.slots,
            points,
            starts,
            mask,
            float(radius),
            float(band),
            out,
            _NO_LEAVES,
            near,
        )
        return out, near

    def _blocks(self, points, starts, mask):
        """Returns starts and mask, or blocks of `BLOCK` points that need all children."""
        if starts is None:
            starts = np.append(np.arange(0, len(points), BLOCK), len(points))
        return starts, self.everything() if mask is None else mask


_NO_LEAVES = np.empty(0, dtype=np.int64)
_NO_MASK = np.empty((0, 0), dtype=np.uint8)


def compile_tape(value) -> Tape:
    """Returns the tape of an Sdf (detailverse/sdf/__init__.py)."""
    writer = _Writer([], [], [1, 1], 0)
    writer.value(value, 0, 0, 1.0, (0.0, 0.0))
    return Tape(
        np.array(writer.rows, dtype=np.int64).reshape(-1, COLUMNS),
        np.array(writer.numbers, dtype=np.float64),
        tuple(writer.slots),
        writer.children,
    )


@dataclass
class _Writer:
    """Writes rows in the order they run; a node's children stand before it, in value slots that start at its own.

    stretch: points in a slot move at most so many times as far as in the world. span (low, high): a node's value
    matters between low - band / scale and high + band / scale, where scale is that of the warps above; beyond, only on
    which side it lies.
    """

    rows: list
    numbers: list
    slots: list
    children: int

    def value(self, node, out: int, place: int, stretch: float, span: tuple[float, float]) -> None:
        """Writes the rows that put node's value into slot `out`, from the points in slot `place`."""
        self.slots = [max(self.slots[0], place + 1), max(self.slots[1], out + 1)]
        if node.op < FIRST_SOLID:
            self.warped(node, out, place, stretch, span)
        elif node.op < FIRST_COMBINER:
            self.row(node.op, out, place, 0, node.numbers)
        elif node.op == UNION:
            self.union(node, out, place, stretch, span)
        else:
            for i, child in enumerate(node.children):
                self.value(child, out + i, place, stretch, _span_below(node, i, span))
            self.row(node.op, out, out, out + 1, node.numbers)

    def warped(self, node, out, place, stretch, span):
        """Writes a warp and what it looks up. A guarded warp looks nothing up outside its box: there the distance to
        the box is a lower bound, and no lever is longer than the box.
        """
        inner = place
        if node.guard is not None:
            self.row(CLAMP, inner + 1, inner, 0, node.guard)
            inner += 1
        self.row(node.op, inner + 1, inner, 0, node.numbers)
        self.value(node.children[0], out, inner + 1, stretch * node.stretch, _span_below(node, 0, span))
        if node.op == AFFINE and node.stretch != 1.0:
            self.row(LINEAR, out, out, 0, (1.0 / node.stretch, 0.0))
        if node.guard is not None:
            self.row(GUARD, out, out, place, node.guard)

    def union(self, node, out, place, stretch, span):
        """Writes a union. Its children stand in neighbouring slots; each has a row in front that jumps over it."""
        blend, result_sign, host, *signs = node.numbers
        low, high = span if result_sign > 0 else (-span[1], -span[0])
        high += (
            1.5 * blend
        )  # the least is at most blend / 2 above the blend, and blends only with what is within `blend` of it
        first, count = self.children, len(node.children)
        self.children += count
        for i, (sign, child) in enumerate(zip(signs, node.children)):
            jump = len(self.rows)
            self.row(CHILD, 0, first + i, 0)
            self.value(child, out + i, place, stretch, (low, high) if sign > 0 else (-high, -low))
            self.rows[jump] = (CHILD, 0, first + i, len(self.rows), 0, 0)
        steepness = [child.lipschitz * stretch for child in node.children]
        self.row(
            UNION,
            out,
            out,
            count,
            (blend, result_sign, host, high, stretch, *(number for pair in zip(signs, steepness) for number in pair)),
            first,
        )

    def row(self, op, out, a, b, numbers=(), identity=0):
        """Appends one row and its numbers."""
        self.rows.append((op, out, a, b, len(self.numbers), identity))
        self.numbers.extend(numbers)
        if op < FIRST_SOLID:
            self.slots[0] = max(self.slots[0], out + 1)


def _span_below(node, i: int, span: tuple[float, float]) -> tuple[float, float]:
    """Returns between which values child i of a node matters where the node's matter in `span`."""
    low, high = span
    if node.op == AFFINE:
        return low * node.stretch, high * node.stretch
    if node.op == LINEAR:
        factor, shift = node.numbers
        return tuple(sorted(((low - shift) / factor, (high - shift) / factor)))
    if node.op == SHELL:
        return -high - 2 * node.numbers[0], high
    if node.op == ADD:
        swing = abs(node.numbers[0]) * node.children[1].reach
        return (low - swing, high + swing) if i == 0 else (-np.inf, np.inf)
    return span


@kernel
def _run(rows, numbers, place_slots, value_slots, points, starts, mask, radius, band, out, leaf, near):
    """Runs every block through the tape. leaf: [N] or empty; near: [N, children] or empty, see `Tape.probe`."""
    place = np.empty((place_slots, 3, BLOCK))
    value = np.empty((value_slots, BLOCK))
    owner = np.zeros((value_slots, BLOCK), dtype=np.int64)
    present, scratch = np.empty(value_slots, dtype=np.int64), np.empty((2, BLOCK))
    for block in range(len(starts) - 1):
        first, count = starts[block], starts[block + 1] - starts[block]
        needed = mask[min(block, len(mask) - 1)]
        for i in range(count):
            place[0, 0, i], place[0, 1, i], place[0, 2, i] = (
                points[first + i, 0],
                points[first + i, 1],
                points[first + i, 2],
            )
        r = 0
        while r < len(rows):
            # op reads slots a and b (or its numbers from q on) and writes slot o; the order of cases is that of the ops
            op, o, a, b, q = rows[r, 0], rows[r, 1], rows[r, 2], rows[r, 3], rows[r, 4]
            r += 1
            if op == CHILD:  # a: the child that begins here; b: the row after its last one
                if needed[a] == 0:
                    r = b
            elif op < FIRST_SOLID:
                warps(
                    op, place[a, 0], place[a, 1], place[a, 2], place[o, 0], place[o, 1], place[o, 2], numbers, q, count
                )
            elif op < FIRST_COMBINER:
                solids(op, place[a, 0], place[a, 1], place[a, 2], value[o], numbers, q, count)
                for i in range(count):
                    owner[o, i] = 0
            elif op == UNION:
                identity = rows[r - 1, 5]
                if len(near) > 0:  # before `_union`, which changes the children's values in place
                    _mark(value, o, b, numbers, q, identity, count, needed, radius, band, near, first)
                _union(value, owner, o, b, numbers, q, identity, count, needed, present, scratch, len(leaf) > 0)
            else:
                _combine(op, value, owner, place, o, a, b, numbers, q, count)
        for i in range(count):
            out[first + i] = value[0, i]
            if len(leaf) > 0:
                leaf[first + i] = owner[0, i]


@kernel
def _combine(op, value, owner, place, o, a, b, v, q, count):
    """Runs one of the rows that change values in place."""
    for i in range(count):
        if op == LINEAR:
            value[o, i] = v[q] * value[a, i] + v[q + 1]
        elif op == SHELL:
            value[o, i] = abs(value[a, i] + v[q]) - v[q]
        elif op == ADD:
            value[o, i] = value[a, i] + v[q] * value[b, i]
        elif op == GUARD:
            gap = outside(place[b, 0, i], place[b, 1, i], place[b, 2, i], v, q)
            value[o, i] = max(value[a, i], gap) if gap > 0.0 else value[a, i]
        elif op == PAINT:
            owner[o, i] = int(v[q])


@kernel
def _mark(value, o, children, v, q, identity, count, needed, radius, band, near, first):
    """Sets near[first + i, child] to 1 where within `radius` of point i the child can be the least or blend with it, at
    values that matter.
    """
    for i in range(count):
        # Within `radius` child c stays between its value -+ steepness · radius. The least of the upper ends bounds the
        # minimum there; only a child whose lower end is below that, and below what matters, can have a say.
        least, closest = np.inf, 0
        for c in range(children):
            if needed[identity + c]:
                highest = v[q + 5 + 2 * c] * value[o + c, i] + v[q + 6 + 2 * c] * radius
                if highest < least:
                    least, closest = highest, c
        ceiling = min(least + v[q], v[q + 3] + band * v[q + 4]) + 1e-9  # rounding of the distances themselves
        for c in range(children):
            if needed[identity + c]:
                lowest = v[q + 5 + 2 * c] * value[o + c, i] - v[q + 6 + 2 * c] * radius
                near[first + i, identity + c] = (
                    1 if lowest <= ceiling or c == closest or (c == 0 and v[q + 2] > 0.0) else 0
                )


@kernel
def _union(value, owner, o, children, v, q, identity, count, needed, present, scratch, leaves):
    """Writes the least of the children times their signs, blended over `blend` (v[q]), times the sign of the result
    (v[q + 1]): all of set algebra.

    a & b = -(-a | -b) and a - b = -(-a | b). Where v[q + 2] is positive the leaf is the first child's: what is cut
    keeps its name.
    """
    n = 0  # the children that were not jumped over: the slots of the others hold what an earlier block left
    for c in range(children):
        if needed[identity + c]:
            present[n] = c
            n += 1
    if leaves and v[q + 2] == 0.0:
        _choose_owner(value, owner, o, present, n, count)
    # The least two values in one pass: only where the second is within `blend` of the first is there anything to blend.
    least, second = scratch[0], scratch[1]
    for i in range(count):
        least[i] = second[i] = np.inf
    for k in range(n):
        child, factor = value[o + present[k]], v[q + 5 + 2 * present[k]]
        for i in range(count):
            child[i] *= factor
            second[i] = min(second[i], max(child[i], least[i]))
            least[i] = min(least[i], child[i])
    if v[q] > 0.0:
        for i in range(count):
            if second[i] < least[i] + v[q]:
                least[i] = _blended(value, o, present, n, i, least[i], v[q])
    for i in range(count):
        value[o, i] = v[q + 1] * least[i]


@kernel
def _choose_owner(value, owner, o, present, n, count):
    """Writes the leaf of the least child, of the first of equals."""
    for i in range(count):
        best = present[0]
        for k in range(1, n):
            if value[o + present[k], i] < value[o + best, i]:
                best = present[k]
        owner[o, i] = owner[o + best, i]


@kernel
def _blended(value, o, present, n, i, least, blend):
    """Returns a smooth minimum of any number of values in any order: min over weights w >= 0 of sum 1 of sum(w c) +
    blend/2 (sum(w^2) - 1).

    Of two it is the quadratic polynomial minimum. It takes nothing from values above least + blend, is never below
    least - blend/2, and its gradient is a mean of theirs. The weights are max(0, (t - c) / blend): a sparsemax (Martins
    and Astudillo 2016, From Softmax to Sparsemax), t by Michelot's iteration.
    """
    # Michelot: take the mean over all values below the threshold for the next threshold, until none drops out.
    threshold, last = blend, np.inf  # both, and c, less the least
    while threshold < last:
        last, total, number = threshold, 0.0, 0
        for k in range(n):
            c = value[o + present[k], i] - least
            if c < last:
                total += c
                number += 1
        threshold = min(last, (blend + total) / number)
    result = 0.0
    for k in range(n):
        c = value[o + present[k], i] - least
        if c < threshold:
            weight = (threshold - c) / blend
            result += weight * (c + 0.5 * blend * weight)
    return least + result - 0.5 * blend
