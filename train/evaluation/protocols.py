"""The frozen protocols: which views of an object are inputs and which are scored.

Inputs are found by where their cameras stand, not by their order, so a rig whose axes, handedness or up direction are
off fails with the camera that is missing. Targets are sampled once and for ever from the views that are not inputs,
keyed by protocol and object name.
"""

import numpy as np

from renderers.cameras import Cameras, spherical
from train.data.posed import PosedError
from zeroverse.core.rng import Rng

# name -> (elevation, azimuth) of the inputs in degrees, on the 64-view GSO rig; or how many of any rig's views
PROTOCOLS = {
    "gso-4": ((20, 0), (20, 90), (20, 180), (20, 270)),
    "gso-4-45": ((20, 45), (20, 135), (20, 225), (20, 315)),
    "gso-8": ((0, 0), (0, 90), (0, 180), (0, 270), (40, 45), (40, 135), (40, 225), (40, 315)),
    "random-8": 8,
}
MAX_ANGLE_DEG = 1.0  # a view this close to a protocol's direction is that view


def find_inputs(cameras: Cameras, protocol: str, name: str) -> list[int]:
    """Returns the indices of a protocol's input views. Raises PosedError naming the direction that no camera looks
    from.
    """
    if isinstance(PROTOCOLS[protocol], int):
        return _random_inputs(len(cameras), PROTOCOLS[protocol], protocol, name)
    wanted = np.array(PROTOCOLS[protocol], dtype=np.float64)
    directions = spherical(wanted[:, 1], wanted[:, 0], 1.0)
    angles = np.degrees(np.arccos(np.clip(directions @ cameras.directions.T, -1.0, 1.0)))  # [I, V]
    for (elevation, azimuth), row in zip(PROTOCOLS[protocol], angles):
        if row.min() > MAX_ANGLE_DEG:
            raise PosedError(
                f"{name}: protocol {protocol} needs a view from elevation {elevation}, azimuth {azimuth} degrees (+Z "
                f"up); "
                f"the nearest camera is {row.min():.1f} degrees away (random-8 takes views of any rig)"
            )
    return [int(index) for index in angles.argmin(axis=1)]


def _random_inputs(views: int, count: int, protocol: str, name: str) -> list[int]:
    if views < count:
        raise PosedError(f"{name}: protocol {protocol} needs {count} views, got {views}")
    return sorted(np.argsort(Rng("benchmark inputs", protocol, name).unit(views), kind="stable")[:count].tolist())


def choose_targets(views: int, inputs: list[int], count: int, protocol: str, name: str) -> list[int]:
    """Returns `count` views that are not inputs, sampled without replacement from a stream keyed by protocol and
    object.
    """
    others = [view for view in range(views) if view not in inputs]
    if len(others) < count:
        raise PosedError(f"{name}: expected {count} views that are not inputs, got {len(others)}")
    order = np.argsort(Rng("benchmark", protocol, name).unit(len(others)), kind="stable")
    return sorted(others[i] for i in order[:count])
