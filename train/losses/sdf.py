"""Losses of a field of signed distances (TripoSG, section 3.3), pure and unreduced."""

from torch import Tensor

FLAT = 0.1  # length of a gradient; that of a distance is one


def sdf_loss(error: Tensor) -> Tensor:
    """Returns |e| + e² of an error of distances, of any shape (equation 17)."""
    return error.abs() + error.square()


def aligned(gradient: Tensor, length: Tensor, normals: Tensor) -> Tensor:  # [..., 3], [...], [..., 3] -> [...]
    """Returns 1 - the cosine of gradient and normal; of gradients shorter than FLAT, as if they were that long.

    The cosine's slope grows as they shrink, and from flat first weights no training got away.
    """
    return 1 - (gradient * normals).sum(-1) / length.clamp_min(FLAT)


def off_unit(length: Tensor) -> Tensor:
    """Returns (|gradient| - 1)², the eikonal term, printed without the norm in the paper."""
    return (length - 1).square()
