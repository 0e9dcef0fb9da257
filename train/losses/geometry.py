"""Losses of rendered geometry against the labels of shards, pure and unreduced: one value per image."""

import torch.nn.functional as F
from torch import Tensor

DISTANCE_BETA = 0.05  # world units: smooth L1 is quadratic below; ours, MegaSynth's is not published


def depth_loss(depth: Tensor, alpha: Tensor, target: Tensor) -> Tensor:  # [..., 1, H, W] three times -> [...]
    """Returns smooth L1 where the target is known (> 0), weighted by what is rendered there: detached, so that fading a
    Gaussian away is no way out.
    """
    error = F.smooth_l1_loss(depth, target, reduction="none", beta=DISTANCE_BETA)
    return _mean(error, (target > 0) * alpha.detach())


def normal_loss(
    normal: Tensor, alpha: Tensor, target: Tensor
) -> Tensor:  # [..., 3, H, W], [..., 1, H, W], [..., 3, H, W] -> [...]
    """Returns 1 - cosine where the target is known (not 0), weighted as in `depth_loss`. normal: of any length."""
    length = normal.square().sum(-3, keepdim=True).clamp_min(1e-8).sqrt()  # clamped: the root's slope at 0 is infinite
    cosine = (normal * target).sum(-3, keepdim=True) / length
    return _mean(1 - cosine, (target != 0).any(-3, keepdim=True) * alpha.detach())


def center_loss(
    centers: Tensor, points: Tensor, known: Tensor
) -> Tensor:  # [..., 3, H, W] twice, [..., 1, H, W] -> [...]
    """Returns smooth L1 between each pixel's Gaussian and the surface seen there (MegaSynth's geometry loss)."""
    error = F.smooth_l1_loss(centers, points, reduction="none", beta=DISTANCE_BETA).sum(-3, keepdim=True)
    return _mean(error, known.to(error))


def _mean(error: Tensor, weight: Tensor) -> Tensor:  # of [..., 1, H, W]; 0 where nothing has a weight
    return (error * weight).sum(dim=(-3, -2, -1)) / weight.sum(dim=(-3, -2, -1)).clamp_min(1.0)
