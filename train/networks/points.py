"""Points in space as a network reads them: Fourier features, and the choice of a few that lie far apart."""

import torch
from torch import Tensor


def fourier(points: Tensor, octaves: int) -> Tensor:
    """Returns the features [..., 3 + 6 octaves] of points [..., 3]: coordinates, then sines and cosines of 2^k times
    them, without pi.
    """
    angles = (points[..., None] * 2.0 ** torch.arange(octaves, device=points.device, dtype=points.dtype)).flatten(-2)
    return torch.cat([points, angles.sin(), angles.cos()], dim=-1)


@torch.no_grad()
def farthest_points(points: Tensor, count: int) -> Tensor:
    """Returns the indices [B, count] of some of the points [B, P, 3], int64, distinct where the points are: from the
    first on, always the one farthest from those that are chosen.
    """
    if count > points.shape[1]:
        raise ValueError(f"count: expected at most the {points.shape[1]} points, got {count}")
    chosen = torch.zeros(len(points), count, dtype=torch.int64, device=points.device)
    nearest = torch.full(points.shape[:2], torch.inf, device=points.device)
    for i in range(1, count):
        last = points.gather(1, chosen[:, i - 1, None, None].expand(-1, 1, 3))
        nearest = torch.minimum(nearest, (points - last).square().sum(-1))
        chosen[:, i] = nearest.argmax(dim=1)
    return chosen
