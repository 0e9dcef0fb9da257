"""LOSSES: the terms of the LRM's loss, one row each. A new term is a function, a row, and a field of LRMConfig for its
weight.
"""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from train.geometry.cameras import camera_rays, surface_points
from train.losses.geometry import center_loss, depth_loss, normal_loss
from train.losses.images import mse
from train.models.lrm.config import LRMConfig
from train.splatting import Gaussians
from train.splatting.labels import Rendered


class Seen(NamedTuple):
    """What the terms look at. pred, target: the target views [B, V, 3, H, W] in 0..1; batch: of `ViewSampler`;
    rendered: the target views' geometry where a term asks for it; perceptual: the image loss of that name.
    """

    gaussians: Gaussians
    pred: Tensor
    target: Tensor
    batch: dict[str, Tensor]
    rendered: Rendered | None
    perceptual: Callable[[Tensor, Tensor], Tensor]


class Term(NamedTuple):
    """A row. weight: the field of LRMConfig that holds it, "" for one. loss: Seen -> [B, V], unreduced.

    after: the field with the step from which it counts. labels: whether it needs depth and normals of the shards;
    rendered: and those of the Gaussians.
    """

    name: str
    weight: str
    loss: Callable[[Seen], Tensor]
    after: str = ""
    labels: bool = False
    rendered: bool = False

    def weight_in(self, config: LRMConfig, step: int | None = None) -> float:
        """Returns the weight at a step, 0 before `after`; without a step, the one that it will have."""
        if step is not None and self.after and step < getattr(config, self.after):
            return 0.0
        return getattr(config, self.weight) if self.weight else 1.0


def depth(seen: Seen) -> Tensor:
    """Returns the loss of the target views' rendered depth."""
    return depth_loss(seen.rendered.depth, seen.rendered.alpha, seen.batch["target_depth"])


def normal(seen: Seen) -> Tensor:
    """Returns the loss of the target views' rendered normals."""
    return normal_loss(seen.rendered.normal, seen.rendered.alpha, seen.batch["target_normal"])


def centers(seen: Seen) -> Tensor:
    """Returns the loss of the places of the Gaussians, one of each pixel of the input views."""
    batch = seen.batch
    rays = camera_rays(batch["c2w"], batch["intrinsics"], *batch["depth"].shape[-2:])
    points = surface_points(batch["depth"], *rays, batch["c2w"])
    means = seen.gaussians.means.unflatten(1, (points.shape[1], *points.shape[-2:])).movedim(-1, 2)  # [B, V, 3, H, W]
    return center_loss(means, points, batch["depth"] > 0)


LOSSES = (
    Term("mse", "", lambda seen: mse(seen.pred, seen.target)),
    Term("depth", "depth_weight", depth, labels=True, rendered=True),
    Term("normal", "normal_weight", normal, labels=True, rendered=True),
    Term("centers", "centers_weight", centers, labels=True),
    Term(
        "perceptual",
        "perceptual_weight",
        lambda seen: seen.perceptual(seen.pred, seen.target),
        after="perceptual_after",
    ),
)
