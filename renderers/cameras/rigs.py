"""The published rigs: functions that place the cameras of one object. `renderers.tables.RIGS` has a row for each."""

import numpy as np

from renderers.cameras import Cameras, look_at, pinhole, spherical
from renderers.cameras.framing import CUBE, FAR, NEAR, framing_distance, framing_zoom, moved_back
from renderers.orbit import Orbit
from zeroverse.core.portable import cos_sin_array
from zeroverse.core.rng import Rng

ELEVATIONS_DEG = (0.0, 20.0, 40.0, 60.0)  # the GSO rig
AZIMUTHS = 16
RADII = {"paper": (2.0, 3.0), "released": (1.5, 2.8)}  # the two published shells


def gso64(size: int = 512) -> Cameras:
    """Returns the 64-view evaluation rig: index = 16 * elevation index + azimuth index, radius 2.7
    (splits/gso_64view_rig.json).
    """
    elevation = np.repeat(ELEVATIONS_DEG, AZIMUTHS)
    azimuth = np.tile(np.arange(AZIMUTHS) * 360.0 / AZIMUTHS, len(ELEVATIONS_DEG))
    return pinhole(look_at(spherical(azimuth, elevation, 2.7)), size)


def turntable(views: int, size: int, elevation_deg: float = 20.0, radius: float = 2.7) -> Cameras:
    return pinhole(look_at(spherical(np.arange(views) * 360.0 / views, np.full(views, elevation_deg), radius)), size)


def sphere_shell(
    rng: Rng,
    views: int,
    size: int,
    radius: tuple[float, float] = (2.0, 3.0),
    heights: tuple[float, float] = (-0.75, 1.6),
) -> Cameras:
    """Returns the cameras of the 32-view training rig (`docs/papers.md`, Renders): direction
    normalised from the cube, radius uniform, kept where -0.75 < z < 1.6.

    The published bounds are read as the camera's world z: they would cut nothing from a unit direction, and so they
    keep cameras out of the far top and bottom. `RADII` has the two published shells. Near radius 2.0 the corners of a
    bulky object leave the frame, as they did in the published data; `framed` moves such cameras back. Draws are keyed
    by view, so more views leave the first ones unchanged.
    """
    centers = np.empty((views, 3))
    for view in range(views):
        stream = rng.child("view", view)
        while True:
            point = 2.0 * stream.unit(3) - 1.0
            center = point / np.sqrt((point * point).sum()) * stream.uniform(*radius)
            if heights[0] < center[2] < heights[1]:
                break
        centers[view] = center
    return pinhole(look_at(centers), size)


def zero123(rng: Rng, views: int, size: int) -> Cameras:
    """Returns Zero-1-to-3's training views (its blender_script.py): a 35 mm lens on a 32 mm sensor (49.1 degrees),
    directions normalised from the cube over the whole sphere, radius U(1.5, 2.2) of the object's longest side, looking
    at its centre.

    Our longest side is 1.8, so the radius is U(2.7, 3.96). Like the original's, its nearest views cut the corners of a
    bulky object.
    """
    shell = sphere_shell(rng, views, size, (1.8 * 1.5, 1.8 * 2.2), (-np.inf, np.inf))
    return Cameras(shell.c2w, np.tile([size * 35 / 32, size * 35 / 32, size / 2, size / 2], (views, 1)), size, size)


_ORBIT_DRAWS = ("azimuth", "elevation", "fov", "distance", "x", "y", "z", "roll", "shift_x", "shift_y")


def orbit(rng: Rng, views: int, size: int, ranges: Orbit | None = None, points: np.ndarray = CUBE) -> Cameras:
    """Returns cameras about an object with the convex hull of `points` [N, 3]: direction, field of view, look-at point,
    roll and principal point drawn from `ranges`, then the distance in multiples of the smallest that frames the points.

    Where they would have to lie beyond `FAR`, the field of view is widened instead. Draws are keyed by view and by
    name.
    """
    ranges = ranges or Orbit()
    units = np.array(
        [[rng.child("view", view, name).unit() for name in _ORBIT_DRAWS] for view in range(views)]
    )  # [V, draws]
    draw = dict(zip(_ORBIT_DRAWS, units.T))
    cos_a, sin_a = cos_sin_array(2 * np.pi * draw["azimuth"])
    sin_e = _between(cos_sin_array(np.radians(np.array(ranges.elevation)))[1], draw["elevation"])
    cos_e = np.sqrt(1.0 - sin_e * sin_e)
    c2w = _rolled(
        look_at(np.stack([cos_e * cos_a, cos_e * sin_a, sin_e], axis=1)),
        np.radians(_between((-ranges.roll, ranges.roll), draw["roll"])),
    )
    c2w[:, :3, 3] = _between((-ranges.look_at, ranges.look_at), np.stack([draw[axis] for axis in "xyz"], axis=1))
    cosine, sine = cos_sin_array(np.radians(_between(ranges.fov, draw["fov"]) / 2))
    center = [size * (0.5 + _between((-ranges.shift, ranges.shift), draw[name])) for name in ("shift_x", "shift_y")]
    cameras = Cameras(c2w, np.stack([size / 2 * cosine / sine] * 2 + center, axis=1), size, size)
    nearest = np.maximum(framing_distance(cameras, points), NEAR)
    furthest = FAR - cameras.project(points)[1].max(axis=1)
    cameras = moved_back(cameras, np.minimum(_between(ranges.distance, draw["distance"]) * nearest, furthest))
    zoom = np.where(furthest < nearest, np.minimum(framing_zoom(cameras, points), 1.0), 1.0)
    return Cameras(
        cameras.c2w, cameras.intrinsics * np.stack([zoom, zoom, np.ones(views), np.ones(views)], axis=1), size, size
    )


def _between(bounds, unit: np.ndarray) -> np.ndarray:
    return bounds[0] + (bounds[1] - bounds[0]) * unit


def _rolled(c2w: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """c2w [V, 4, 4] turned about the optical axes by `angles` [V] radians: the picture turns counter-clockwise."""
    cosine, sine = (part[:, None] for part in cos_sin_array(angles))
    right, down = c2w[:, :3, 0], c2w[:, :3, 1]
    turned = c2w.copy()
    turned[:, :3, 0] = cosine * right + sine * down
    turned[:, :3, 1] = cosine * down - sine * right
    return turned


# ------------------------------------------------------------------------- rows of RIGS: (rng, RenderSpec, points)


def sphere_rig(rng: Rng, spec, points) -> Cameras:
    return sphere_shell(rng, spec.views, spec.size, RADII[spec.radius])


def gso64_rig(rng: Rng, spec, points) -> Cameras:
    return gso64(spec.size)


def turntable_rig(rng: Rng, spec, points) -> Cameras:
    return turntable(spec.views, spec.size)


def zero123_rig(rng: Rng, spec, points) -> Cameras:
    return zero123(rng, spec.views, spec.size)


def orbit_rig(rng: Rng, spec, points) -> Cameras:
    return orbit(rng, spec.views, spec.size, spec.orbit, points())
