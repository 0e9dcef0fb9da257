"""LOSSES: the terms of the shape autoencoder's loss (TripoSG, equations 17 to 20), one row each.

A new term is a function, a row, and a field of VAEConfig for its weight.
"""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from train.losses.sdf import aligned, off_unit, sdf_loss
from train.models.shape_vae.config import VAEConfig
from train.models.shape_vae.network import Posterior


class Seen(NamedTuple):
    """What the terms look at. error [B, Q]: of truncated distances, in units of the truncation; gradient, normals
    [B, O, 3]; length [B, O]: of the gradient.
    """

    error: Tensor
    gradient: Tensor
    length: Tensor
    normals: Tensor
    posterior: Posterior


class Term(NamedTuple):
    """A row. weight: the field of VAEConfig that holds it, "" for one. loss: Seen -> any shape, unreduced."""

    name: str
    weight: str
    loss: Callable[[Seen], Tensor]

    def weight_in(self, config: VAEConfig) -> float:
        """Returns the weight of the term."""
        return getattr(config, self.weight) if self.weight else 1.0


LOSSES = (
    Term("sdf", "", lambda seen: sdf_loss(seen.error)),
    Term("normal", "normal_weight", lambda seen: aligned(seen.gradient, seen.length, seen.normals)),
    Term("eikonal", "eikonal_weight", lambda seen: off_unit(seen.length)),
    Term("kl", "kl_weight", lambda seen: seen.posterior.kl()),
)


def seen(
    distance: Tensor, gradient: Tensor, target: Tensor, normals: Tensor, posterior: Posterior, truncation: float
) -> Seen:
    """Returns what the terms look at.

    distance, target [B, Q]: in units of the truncation, and in field units; gradient, normals [B, O, 3].
    """
    error = distance - (target / truncation).clamp(-1, 1)
    length = gradient.square().sum(-1).clamp_min(1e-12).sqrt()  # clamped: the root's slope at 0 is infinite
    return Seen(error, gradient, length, normals, posterior)
