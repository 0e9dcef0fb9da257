"""Losses of a field of signed distances and of its latent (TripoSG, section 3.3)."""

from torch import Tensor

FLAT = 0.1  # length of a gradient; that of a distance is one


def vae_losses(
    distance: Tensor, gradient: Tensor, truth: Tensor, normals: Tensor, posterior, truncation: float
) -> dict[str, Tensor]:
    """Means over a batch of TripoSG's terms (eq. 17 to 20). distance, truth [B, Q]: in units of the truncation, and in
    field units.

    sdf: |e| + e² of the truncated distance. normal: 1 - cosine of gradient and normal [B, O, 3]; of gradients shorter
        than FLAT, as if they were that
    long: the cosine's slope grows as they shrink, and from flat first weights no training got away. eikonal:
        (|gradient| - 1)², printed without the norm.
    """
    error = distance - (truth / truncation).clamp(-1, 1)
    length = gradient.square().sum(-1).clamp_min(1e-12).sqrt()  # clamped: the root's slope at 0 is infinite
    return {
        "sdf": (error.abs() + error.square()).mean(),
        "normal": (1 - (gradient * normals).sum(-1) / length.clamp_min(FLAT)).mean(),
        "eikonal": (length - 1).square().mean(),
        "kl": posterior.kl().mean(),
    }
