"""What renders: the protocol of a backend. One module a backend; `renderers.tables.BACKENDS` has a row for each."""

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np

from renderers.cameras import Cameras
from renderers.lighting import Light
from zeroverse.asset import Asset


class Backend(Protocol):
    """What renders. A backend that inherits from it writes `render`, and `views` too where it can do better.

    Arrays have the channels, dtype, unit and frame that `passes.PASSES` states. Work that does not depend on the view
    (mip-maps, occlusion, shadow maps) happens once per call.
    """

    name: str

    def render(self, asset: Asset, cameras: Cameras, light: Light, passes: Iterable[str]) -> dict[str, np.ndarray]:
        """Returns {pass: array [V, H, W, C]} of the passes asked for. Raises AssetError for an object that cannot be
        rendered, ValueError for passes, cameras or a light that the backend does not know.
        """

    def views(
        self, asset: Asset, shots: Iterable[tuple[Cameras, Light]], passes: Iterable[str]
    ) -> Iterator[dict[str, np.ndarray]]:
        """Yields {pass: array [H, W, C]} for each view of each of `shots`, pairs (cameras, light): other image sizes,
        another light for each view. The next view may overwrite it. Raises what `render` raises.

        This one renders each shot whole; a backend that prepares an object once for all of them has its own.
        """
        for cameras, light in shots:
            images = self.render(asset, cameras, light, passes)
            for view in range(len(cameras)):
                yield {name: image[view] for name, image in images.items()}
