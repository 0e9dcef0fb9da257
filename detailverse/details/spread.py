"""Where ornaments stand on a chart: along its edges, on lattices, scattered. Positions [K, 2] in object units, all
`inset` inside open edges.
"""

import numpy as np

from detailverse.modelling.skin import Chart
from zeroverse.core.jit import kernel

MOST = 700  # ornaments on one chart: each is a solid in a union


def along(length: float, inset: float, pitch: float, closed: bool) -> np.ndarray:
    """Returns even positions about `pitch` apart, never nearer than 0.8 of it; closed: around a loop. Empty where
    nothing fits.
    """
    if closed:
        number = int(length / pitch + 0.2)
        return (np.arange(number) + 0.5) * (length / max(number, 1))
    if length < 2 * inset:
        return np.empty(0)
    number = int((length - 2 * inset) / pitch + 0.2) + 1
    return np.full(1, length / 2) if number == 1 else inset + np.arange(number) * ((length - 2 * inset) / (number - 1))


def lattice(chart: Chart, inset: float, wide: float, tall: float, staggered: bool) -> np.ndarray:
    """Returns rows of positions; staggered: every other row is shifted by half a step, and on open charts has one
    fewer. The pitch grows until MOST fit.
    """
    grow = np.sqrt(max(chart.width * chart.height / (wide * tall) / (0.8 * MOST), 1.0))
    across = along(chart.width, inset, wide * grow, chart.wraps)
    up = along(chart.height, inset, tall * grow, False)
    half = across + 0.5 * (chart.width / max(len(across), 1)) if chart.wraps else 0.5 * (across[1:] + across[:-1])
    rows = [
        np.stack(
            [
                half % chart.width if staggered and k % 2 else across,
                np.full(len(half if staggered and k % 2 else across), v),
            ],
            axis=1,
        )
        for k, v in enumerate(up)
    ]
    return np.concatenate([np.empty((0, 2)), *rows])


def edges(chart: Chart, inset: float, pitch: float) -> np.ndarray:
    """Returns positions along the open edges: two rows on a chart that wraps, a frame on one that does not."""
    if chart.height < 4 * inset:
        return lattice(chart, inset, pitch, pitch, False)
    u = along(chart.width, inset, pitch, chart.wraps)
    rows = [np.stack([u, np.full(len(u), v)], axis=1) for v in (inset, chart.height - inset)]
    if not chart.wraps and chart.width >= 4 * inset:
        v = along(chart.height, inset, pitch, False)[1:-1]
        rows += [np.stack([np.full(len(v), side), v], axis=1) for side in (inset, chart.width - inset)]
    return np.concatenate(rows)[:MOST]


def keep_inside(chart: Chart, uv: np.ndarray, inset: float) -> np.ndarray:
    """Returns those of the positions that stay `inset` away from the chart's open edges, the first MOST."""
    inside = (uv[:, 1] >= inset) & (uv[:, 1] <= chart.height - inset)
    if not chart.wraps:
        inside &= (uv[:, 0] >= inset) & (uv[:, 0] <= chart.width - inset)
    return uv[inside][:MOST]


def scatter(chart: Chart, rng, least: float, most: float, crowd: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns discs thrown at random that do not touch: positions [K, 2] and radii [K], the large ones first; `crowd`:
    0 few … 1 as many as fit.

    A disc stays where its margin, a tenth of its radius, reaches no earlier one's.
    """
    tries = min(6 * MOST, int(1.2 * crowd * chart.width * chart.height / (least * least)))
    draw = rng.child("places").unit((tries, 2))
    radii = most - (most - least) * np.arange(tries) / max(tries, 1)
    uv = np.stack([draw[:, 0] * chart.width, draw[:, 1] * chart.height], axis=1)
    return _apart(uv, radii, chart.width if chart.wraps else 0.0, chart.width, chart.height)


@kernel
def _apart(uv, radii, loop, width, height):
    kept = np.empty(MOST, np.int64)
    number = 0
    for n in range(len(radii)):
        r = 1.1 * radii[n]
        if (
            number == MOST
            or uv[n, 1] < r
            or uv[n, 1] > height - r
            or (loop == 0.0 and (uv[n, 0] < r or uv[n, 0] > width - r))
        ):
            continue
        free = True
        for k in kept[:number]:
            du, dv = abs(uv[k, 0] - uv[n, 0]), uv[k, 1] - uv[n, 1]
            if loop > 0.0:
                du = min(du, loop - du)
            apart = r + 1.1 * radii[k]
            if du * du + dv * dv < apart * apart:
                free = False
                break
        if free:
            kept[number] = n
            number += 1
    return uv[kept[:number]], radii[kept[:number]]
