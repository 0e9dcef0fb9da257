"""Bakes the images of a packed surface's materials: what each texel shows, where it lies, how its surroundings bend,
and its colour.
"""

from typing import NamedTuple

import numpy as np

from detailverse.materials import Material
from detailverse.materials.layers import Signals
from detailverse.texturing.atlas import Atlas
from zeroverse.core.jit import kernel, spliced

BEND = 0.02  # object units: edges and cavities of about this size are worn and dirty
_FINEST = 160  # cells along the longest side of the grid that measures bends
_FULL = 4.5  # brings a right-angled edge to 1: measured
_BLOCK = 16384  # texels whose temporaries stay in the cache
_STEEPEST = 1.0  # slope of fine relief: beyond it, it is a step that texels cannot show
_REACH = 1.5  # texels beyond a triangle whose positions continue its plane, so that bilinear filtering finds no seam


class Texels(NamedTuple):
    """The K texels that show something, in image order. index: row * size + column. face: [K]. positions, normals: [K,
    3] float64.
    """

    index: np.ndarray
    face: np.ndarray
    positions: np.ndarray
    normals: np.ndarray
    relief: np.ndarray  # [K] in the unit of the corners' relief


class Images(NamedTuple):
    """glTF images, uint8 [S, S, 3]; row 0 is v = 1. base_color sRGB-encoded. metallic_roughness: R 255, G, B. normal:
    tangent space, +Y.
    """

    base_color: np.ndarray
    metallic_roughness: np.ndarray
    normal: np.ndarray


def texels(uv: np.ndarray, positions: np.ndarray, normals: np.ndarray, relief: np.ndarray, size: int) -> Texels:
    """Returns what lies at texel centres of an image of size², from corners' uv [F, 3, 2], positions and normals [F, 3,
    3] and relief [F, 3].

    Where faces share texels the first one shows. A texel up to 1.5 texels outside belongs to the nearest face.
    """
    face, weights = _rasterised(np.ascontiguousarray(uv), size)
    index = np.flatnonzero(face.ravel() >= 0)
    face, weights = face.ravel()[index], weights.reshape(-1, 2)[index]
    return Texels(index, face, *_gathered(face, weights, positions, normals, relief))


@kernel
def _rasterised(uv, size):
    """Returns the face [S, S] int32 that each texel shows, -1 for none, and the barycentric weights of its corners 1
    and 2 [S, S, 2].
    """
    face, weights = np.full((size, size), -1, np.int32), np.zeros((size, size, 2), np.float32)
    depth = np.full(
        (size, size), -_REACH, np.float32
    )  # how far inside the face that shows: 0 inside, negative beyond an edge
    for f in range(uv.shape[0]):
        ax, ay = uv[f, 0, 0] * size, (1.0 - uv[f, 0, 1]) * size
        bx, by = uv[f, 1, 0] * size - ax, (1.0 - uv[f, 1, 1]) * size - ay
        cx, cy = uv[f, 2, 0] * size - ax, (1.0 - uv[f, 2, 1]) * size - ay
        area = bx * cy - by * cx
        edge_b, edge_c = np.sqrt(bx * bx + by * by), np.sqrt(cx * cx + cy * cy)
        edge_a = np.sqrt((cx - bx) * (cx - bx) + (cy - by) * (cy - by))
        longest = max(edge_a, edge_b, edge_c)
        if abs(area) <= 1e-9 * longest * longest or longest == 0.0:
            continue
        tall_a, tall_b, tall_c = (
            abs(area) / edge_a,
            abs(area) / edge_c,
            abs(area) / edge_b,
        )  # heights above the opposite edges
        most = 1.0 + _REACH / min(tall_a, tall_b, tall_c)
        most = min(most, 4.0)  # a sliver's plane says little about what is beyond it
        x0, x1 = ax + min(0.0, bx, cx) - _REACH, ax + max(0.0, bx, cx) + _REACH
        y0, y1 = ay + min(0.0, by, cy) - _REACH, ay + max(0.0, by, cy) + _REACH
        for row in range(max(int(np.ceil(y0 - 0.5)), 0), min(int(np.floor(y1 - 0.5)) + 1, size)):
            for column in range(max(int(np.ceil(x0 - 0.5)), 0), min(int(np.floor(x1 - 0.5)) + 1, size)):
                x, y = column + 0.5 - ax, row + 0.5 - ay
                wb, wc = (x * cy - y * cx) / area, (bx * y - by * x) / area
                inside = min(0.0, min((1.0 - wb - wc) * tall_a, wb * tall_b, wc * tall_c))
                if inside > depth[row, column] or (face[row, column] < 0 and inside >= -_REACH):
                    face[row, column], depth[row, column] = f, inside
                    weights[row, column, 0], weights[row, column, 1] = (
                        min(max(wb, 1.0 - most), most),
                        min(max(wc, 1.0 - most), most),
                    )
    return face, weights


@kernel
def _gathered(face, weights, corners, normals, relief):  # -> [K, 3], [K, 3] unit, [K]
    """Returns positions, unit normals and relief of K texels, by the weights of their faces' corners."""
    points, directions, heights = np.empty((face.size, 3)), np.empty((face.size, 3)), np.empty(face.size)
    for k in range(face.size):
        f, b, c = face[k], np.float64(weights[k, 0]), np.float64(weights[k, 1])
        a = 1.0 - b - c
        for i in range(3):
            points[k, i] = a * corners[f, 0, i] + b * corners[f, 1, i] + c * corners[f, 2, i]
            directions[k, i] = a * normals[f, 0, i] + b * normals[f, 1, i] + c * normals[f, 2, i]
        length = np.sqrt(directions[k, 0] ** 2 + directions[k, 1] ** 2 + directions[k, 2] ** 2)
        for i in range(3):
            directions[k, i] = directions[k, i] / length if length > 0.0 else normals[f, 0, i]
        heights[k] = a * relief[f, 0] + b * relief[f, 1] + c * relief[f, 2]
    return points, directions, heights


def bend(points: np.ndarray, normals: np.ndarray, scale: float = BEND) -> np.ndarray:
    """Returns how the surface bends around each of [K, 3] points spread evenly over it: 1 in a right-angled groove, -1
    on such an edge, 0 on a plane.

    It is the height of the middle of the surface nearby above the tangent plane, over its distance; nearby means about
    `scale`, object units.
    """
    low, high = (
        np.array([extreme(points[:, axis]) for axis in range(3)]) for extreme in (np.min, np.max)
    )  # numpy is slow along an axis of 3
    cell = max(scale, float((high - low).max()) / _FINEST)
    rows, columns, layers = (int(n) + 4 for n in np.floor((high - low) / cell))
    grid = np.zeros((rows, columns, layers, 4), np.float32)
    _scattered(points, low, cell, grid)
    return _bends(points, normals, low, cell, grid)


@kernel
def _scattered(points, low, cell, grid):
    """Adds the number and the sum of positions around each node to the grid, in cells from the node, by trilinear
    weights.
    """
    for n in range(0, points.shape[0], 4):  # every fourth texel is enough for a mean
        x, y, z = (
            (points[n, 0] - low[0]) / cell + 1.0,
            (points[n, 1] - low[1]) / cell + 1.0,
            (points[n, 2] - low[2]) / cell + 1.0,
        )
        i, j, k = int(x), int(y), int(z)
        for corner in range(8):
            dx, dy, dz = x - i - (corner & 1), y - j - (corner >> 1 & 1), z - k - (corner >> 2)
            weight = (1.0 - abs(dx)) * (1.0 - abs(dy)) * (1.0 - abs(dz))
            node = grid[i + (corner & 1), j + (corner >> 1 & 1), k + (corner >> 2)]
            node[0] += weight
            node[1] += weight * dx
            node[2] += weight * dy
            node[3] += weight * dz


@kernel
def _bends(points, normals, low, cell, grid):
    """Returns the bends [K] of `bend`, from the grid's means of positions around each point."""
    out = np.empty(points.shape[0])
    for n in range(points.shape[0]):
        x, y, z = (
            (points[n, 0] - low[0]) / cell + 1.0,
            (points[n, 1] - low[1]) / cell + 1.0,
            (points[n, 2] - low[2]) / cell + 1.0,
        )
        i, j, k = int(x), int(y), int(z)
        total = rise = 0.0
        for corner in range(8):
            dx, dy, dz = x - i - (corner & 1), y - j - (corner >> 1 & 1), z - k - (corner >> 2)
            weight = (1.0 - abs(dx)) * (1.0 - abs(dy)) * (1.0 - abs(dz))
            node = grid[i + (corner & 1), j + (corner >> 1 & 1), k + (corner >> 2)]
            count = node[0]
            total += weight * count
            px, py, pz = node[1] - count * dx, node[2] - count * dy, node[3] - count * dz
            rise += weight * (px * normals[n, 0] + py * normals[n, 1] + pz * normals[n, 2])
        out[n] = min(max(_FULL * rise / total, -1.0), 1.0) if total > 0.0 else 0.0
    return out


def paint(
    seen: Texels, slot: np.ndarray, materials: list[Material], tallest: np.ndarray, plan: Atlas, size: int
) -> Images:
    """Paints the images of `materials` where texels show them: slot [F] is the material of each face, tallest [F] the
    greatest relief of its leaf.
    """
    heights = np.zeros(size * size, np.float32)
    bends = bend(seen.positions, seen.normals)
    relief = seen.relief / np.maximum(tallest[seen.face], 1e-9)
    color, rough_metal = np.zeros((size * size, 3), np.uint8), np.full((size * size, 3), 255, np.uint8)
    wanted = slot[seen.face].astype(np.uint16)
    for number, rows in enumerate(_groups(wanted, len(materials))):
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            fields = materials[number].fields(
                seen.positions[block], seen.normals[block], Signals(bends[block], relief[block])
            )
            at = seen.index[block]
            color[at] = _to_u8(fields.base_color)
            rough_metal[at, 1] = _to_u8(fields.roughness) | 3  # 64 steps of gloss: PNG takes half the time
            rough_metal[at, 2] = _to_u8(fields.metallic)
            heights[at] = fields.height
    chart = np.full(size * size, -1, np.int32)
    chart[seen.index] = plan.chart[seen.face]
    normal = _relief(heights.reshape(size, size), chart.reshape(size, size), plan.density).reshape(-1, 3)
    nearest = _nearest(seen.index, size)
    return Images(*(image[nearest].reshape(size, size, 3) for image in (color, rough_metal, normal)))


@kernel
def _relief(heights, chart, density):
    """Returns tangent-space normals [S, S, 3] uint8 of heights in object units, for charts true to scale; differences
    never reach into another chart.

    They come in steps of 2, a degree: PNG then takes two thirds of the time.
    """
    size = heights.shape[0]
    out = np.full((size, size, 3), 128, np.uint8)
    out[:, :, 2] = 255
    for r in range(size):
        above, below = max(r - 1, 0), min(r + 1, size - 1)
        for c in range(size):
            if chart[r, c] < 0:
                continue
            left, right = max(c - 1, 0), min(c + 1, size - 1)
            left, right = (
                (left if chart[r, left] == chart[r, c] else c),
                (right if chart[r, right] == chart[r, c] else c),
            )
            high, low = (
                (above if chart[above, c] == chart[r, c] else r),
                (below if chart[below, c] == chart[r, c] else r),
            )
            x = density * (heights[r, right] - heights[r, left]) / max(right - left, 1)
            y = density * (heights[high, c] - heights[low, c]) / max(low - high, 1)
            x, y = min(max(x, -_STEEPEST), _STEEPEST), min(max(y, -_STEEPEST), _STEEPEST)
            inverse = 1.0 / np.sqrt(x * x + y * y + 1.0)
            out[r, c, 0], out[r, c, 1] = (
                2 * np.uint8(64.5 - 63.5 * x * inverse),
                2 * np.uint8(64.5 - 63.5 * y * inverse),
            )
            out[r, c, 2] = 2 * np.uint8(64.0 + 63.5 * inverse) + 1
    return out


def _groups(keys: np.ndarray, count: int) -> list[np.ndarray]:
    """Returns for each key below `count` the rows that have it, ascending."""
    order = np.argsort(keys, kind="stable")
    ends = np.searchsorted(keys[order], np.arange(count + 1))
    return [order[ends[number] : ends[number + 1]] for number in range(count)]


def _to_u8(values: np.ndarray) -> np.ndarray:
    """Returns values 0 … 1 as bytes, rounded."""
    return (np.clip(values, 0.0, 1.0) * np.float32(255.0) + np.float32(0.5)).astype(np.uint8)


@kernel
def _nearest(index, size):  # [K] -> [S * S]
    """Returns the texel of `index` nearest to each texel: two sweeps hand on the nearest found so far (Danielsson 1980,
    Euclidean Distance Mapping; 8 neighbours).
    """
    source = np.full(size * size, -1, np.int64)
    for k in range(index.size):
        source[index[k]] = index[k]
    for sweep in range(2):
        step = 1 if sweep == 0 else -1
        for r in range(size):
            row = r if sweep == 0 else size - 1 - r
            for c in range(size):
                column = c if sweep == 0 else size - 1 - c
                _hand(source, size, row, column, row - step, column - 1)
                _hand(source, size, row, column, row - step, column)
                _hand(source, size, row, column, row - step, column + 1)
                _hand(source, size, row, column, row, column - step)
            for c in range(size):
                column = size - 1 - c if sweep == 0 else c
                _hand(source, size, row, column, row, column + step)
    return source


@spliced
def _hand(source, size, row, column, from_row, from_column):
    """Takes over what a neighbouring texel has found, where that is nearer."""
    if 0 <= from_row < size and 0 <= from_column < size:
        other = source[from_row * size + from_column]
        here = row * size + column
        if other >= 0:
            mine = source[here]
            far = (other // size - row) ** 2 + (other % size - column) ** 2
            if mine < 0 or far < (mine // size - row) ** 2 + (mine % size - column) ** 2:
                source[here] = other
