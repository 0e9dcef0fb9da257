"""The atlas: the charts of a surface, cut to what is left of them, packed into one square at one density of texels
(skyline packing, Jylänki 2010, A Thousand Ways to Pack the Bin).
"""

from typing import NamedTuple

import numpy as np

from detailverse.modelling.surface import Surface
from detailverse.texturing.unwrap import box_charts
from zeroverse.asset import AssetError
from zeroverse.core.jit import kernel

MARGINS = (
    3,
    2,
    1,
    # texels around a chart, the widest that leaves room; the space between charts is filled with the nearest colour as
    # well
)
# sides of a chart, in sides of a square as large as all of them: longer ones are cut, or a yarn's length would set the
# density
_LONGEST = 0.4
_SLIM = (2.0, 0.5)  # how much longer than wide a chart is that may be cut: first only slim ones, then any large one
_FEW, _WORTH = (
    64,
    1.08,
)  # charts that are few pack badly whole: cutting more of them is tried, and kept where it makes texels so much denser
_SPARSEST, _STEPS = (
    1e-3,
    11,
)  # the search for the density: where it starts, in the greatest there could be, and how often it halves


class Atlas(NamedTuple):
    """Where each face lies in the square.

    uv: [F, 3, 2] in 0 … 1, v upwards. chart: [F] int64 from 0. density: texels per object unit. used: share of the
    square in boxes of charts.
    """

    uv: np.ndarray
    chart: np.ndarray
    density: float
    used: float


def layout(surface: Surface, size: int) -> Atlas:
    """Returns where every face lies in an atlas of size² texels.

    Faces of one leaf and chart keep their places to one another, so instances that share a chart share its texels.
    Raises AssetError where `size` has no room for so many charts.
    """
    flat, whole = _flattened(surface)
    plans = []
    for slim in _SLIM:
        chart, boxes = _cut(flat, whole, slim)
        plans.append((_pack(boxes[:, 2:] - boxes[:, :2], size), chart, boxes))
        if plans[0][0] is None:
            raise AssetError(f"texture_size: expected room for {len(boxes)} charts, got {size}")
        if len(boxes) > _FEW:
            break
    (density, margin, spots), chart, boxes = (
        plans[-1] if plans[-1][0] and plans[-1][0][0] > _WORTH * plans[0][0][0] else plans[0]
    )
    sides = boxes[:, 2:] - boxes[:, :2]
    texels = _texels(sides, density, size, margin) - 2 * margin
    scale = np.minimum(density, texels / np.maximum(sides, 1e-12))
    uv = _placed(flat, chart, boxes[:, :2], texels, scale, margin, spots)
    used = float((sides[:, 0] * sides[:, 1]).sum()) * density * density / size**2
    return Atlas(uv / size, chart, density, used)


def _flattened(surface: Surface) -> tuple[np.ndarray, np.ndarray]:
    """Returns the faces laid flat [F, 3, 2], object units, and their charts [F]: those of the leaves, and new ones
    where a leaf has none.
    """
    width = int(surface.chart.max(initial=0)) + 2
    flat, chart = np.array(surface.uv, np.float64), surface.leaf.astype(np.int64) * width + surface.chart
    bare = np.flatnonzero(surface.chart < 0)
    if len(bare):
        own, flat[bare] = box_charts(surface.points, surface.faces[bare], surface.leaf[bare])
        chart[bare] = own + width * len(surface.leaves)
    return flat, chart


def _cut(flat: np.ndarray, chart: np.ndarray, slim: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns the chart [F] of each face, from 0, and the boxes [C, 4] of charts: those longer than `slim` times their
    width are cut across, between faces.
    """
    names, chart = np.unique(chart, return_inverse=True)
    boxes = _boxes(flat, chart, len(names))
    sides = boxes[:, 2:] - boxes[:, :2]
    longest = np.maximum(
        _LONGEST * float(np.sqrt((sides[:, 0] * sides[:, 1]).sum())), slim * sides.min(axis=1, keepdims=True)
    )
    pieces = np.ceil(np.maximum(sides / np.maximum(longest, 1e-12), 1e-12))
    if pieces.max(initial=1) > 1:
        middle = (flat.mean(axis=1) - boxes[chart, :2]) / np.maximum(sides, 1e-12)[chart]
        cell = np.clip(np.floor(middle * pieces[chart]), 0, pieces[chart] - 1).astype(np.int64)
        stride = int(pieces.max()) + 1
        names, chart = np.unique((chart * stride + cell[:, 0]) * stride + cell[:, 1], return_inverse=True)
        boxes = _boxes(flat, chart, len(names))
    return chart, boxes


@kernel
def _boxes(flat, chart, count):
    """Returns least u, v and greatest u, v of every chart [C, 4]."""
    out = np.empty((count, 4))
    out[:, :2], out[:, 2:] = np.inf, -np.inf
    for f in range(chart.size):
        for k in range(3):
            for c in range(2):
                out[chart[f], c] = min(out[chart[f], c], flat[f, k, c])
                out[chart[f], 2 + c] = max(out[chart[f], 2 + c], flat[f, k, c])
    return out


def _texels(sides: np.ndarray, density: float, size: int, margin: int) -> np.ndarray:
    """Returns the size [C, 2] int64 of each box with its margin; one that is longer than the atlas is squeezed along
    that side.
    """
    return np.clip(np.ceil(sides * density), 1, size - 2 * margin).astype(np.int64) + 2 * margin


def _pack(sides: np.ndarray, size: int) -> tuple[float, int, np.ndarray] | None:
    """Returns density, margin and spots [C, 3]: those of the widest margin that leaves charts half as large as they
    could be, or else of the largest charts. Returns None where not even the sparsest fits.
    """
    most = size / np.sqrt(max(float((sides[:, 0] * sides[:, 1]).sum()), 1e-12))
    best = None
    for margin in MARGINS:
        low, high, spots = _SPARSEST * most, most, _spots(sides, _SPARSEST * most, size, margin)
        # bisection over the logarithm of the density: low is known to fit, high is not
        for _ in range(_STEPS if spots is not None else 0):
            middle = float(np.sqrt(low * high))
            tried = _spots(sides, middle, size, margin)
            low, high, spots = (low, middle, spots) if tried is None else (middle, high, tried)
        if spots is not None and (best is None or low > best[0]):
            best = low, margin, spots
        if best is not None and best[0] > 0.5 * most:
            break
    return best


def _spots(sides: np.ndarray, density: float, size: int, margin: int) -> np.ndarray | None:
    """Returns the spots [C, 3] that `_skyline` gives; None where the boxes do not fit."""
    boxes = _texels(sides, density, size, margin)
    if int((boxes[:, 0] * boxes[:, 1]).sum()) > size * size:
        return None
    order = np.lexsort((np.arange(len(boxes)), -boxes.min(axis=1), -boxes.max(axis=1)))  # the longest side first
    spots, fits = _skyline(boxes, order, size)
    return spots if fits else None


@kernel
def _lowest(left, top, count, width, size):
    """Returns height, wasted area and first segment of the lowest place on the skyline that is `width` wide; height
    `size` where there is none.
    """
    best, best_waste, best_first = size, size * size, -1
    for first in range(count):
        if left[first] + width > size:
            break
        height, reach = 0, left[first] + width
        last = first
        while last < count and left[last] < reach:
            height = max(height, top[last])
            last += 1
        if height > best:
            continue
        waste = 0
        for segment in range(first, last):
            end = min(left[segment + 1], reach)
            waste += (height - top[segment]) * (end - left[segment])
        if height < best or waste < best_waste:
            best, best_waste, best_first = height, waste, first
    return best, best_waste, best_first


@kernel
def _skyline(boxes, order, size):
    """Returns x, y and whether it is turned by 90° for each box [C, 3], and whether all fit: each box as low as it goes
    on what lies there, standing or lying (bottom-left skyline).
    """
    spots, longest = np.zeros((boxes.shape[0], 3), np.int64), size + 2
    left, top, count = np.zeros(longest, np.int64), np.zeros(longest, np.int64), 1
    left[1] = size
    for index in order:
        width, height = boxes[index, 0], boxes[index, 1]
        y, waste, first = _lowest(left, top, count, width, size)
        lying_y, lying_waste, lying = _lowest(left, top, count, height, size)
        # the lower top wins; of equal tops the one that wastes less
        turned = lying >= 0 and (
            first < 0 or lying_y + width < y + height or (lying_y + width == y + height and lying_waste < waste)
        )
        if turned:
            width, height, y, first = height, width, lying_y, lying
        if first < 0 or y + height > size:
            return spots, False
        x = left[first]
        spots[index, 0], spots[index, 1], spots[index, 2] = x, y, 1 if turned else 0
        last = first
        while last < count and left[last + 1] <= x + width:
            last += 1  # segments first … last - 1 vanish under the box
        shift = first + 1 - last
        for step in range(count + 1 - last):
            i = last + step if shift < 0 else count - step
            left[i + shift], top[i + shift] = left[i], top[i]
        count += shift
        left[first], top[first] = x, y + height
        left[first + 1] = max(left[first + 1], x + width)
    return spots, True


@kernel
def _placed(flat, chart, low, texels, scale, margin, spots):
    """Returns the places [F, 3, 2] of corners in texels, v upwards; a turned chart is turned, not mirrored."""
    out = np.empty_like(flat)
    for f in range(chart.size):
        c = chart[f]
        for k in range(3):
            u, v = (flat[f, k, 0] - low[c, 0]) * scale[c, 0], (flat[f, k, 1] - low[c, 1]) * scale[c, 1]
            if spots[c, 2] == 1:
                u, v = texels[c, 1] - v, u
            out[f, k, 0], out[f, k, 1] = spots[c, 0] + margin + u, spots[c, 1] + margin + v
    return out
