"""Charts without a solid: what details are laid on in tests."""

import numpy as np

from detailverse.modelling.skin import Chart

WIDTH, HEIGHT = 1.2, 0.8


def chart_of(u, v, wraps=False, room=0.05, width=WIDTH, height=HEIGHT) -> Chart:
    """Returns a chart of a flat sheet in xz, or of a cylinder about z, at the positions u, v [N]."""
    radius = width / (2 * np.pi)
    if wraps:
        normals = np.stack([np.cos(u / radius), np.sin(u / radius), 0 * u], axis=1)
        points = normals * radius + np.stack([0 * u, 0 * u, v], axis=1)
    else:
        points, normals = np.stack([u, 0 * u, v], axis=1), np.tile([0.0, -1.0, 0.0], (len(u), 1))
    across = np.full(len(u), np.inf) if wraps else np.minimum(u, width - u)
    return Chart(u, v, width, height, wraps, points, normals, np.minimum(across, np.minimum(v, height - v)), room)


def grid(columns=240, rows=160, **others) -> Chart:
    """Returns a chart at a regular grid of positions; others: as in `chart_of`."""
    width, height = others.get("width", WIDTH), others.get("height", HEIGHT)
    u, v = np.meshgrid(np.linspace(0, width, columns), np.linspace(0, height, rows))
    return chart_of(u.ravel(), v.ravel(), **others)
