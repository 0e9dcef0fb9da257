"""Losses, pure and unreduced: images [..., 3, H, W] in 0..1 against the same, or drawn geometry against labels -> one
value per image.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train.metrics import VGG19, ssim, vgg_features


def mse(pred: Tensor, target: Tensor) -> Tensor:  # [..., C, H, W] -> [...]
    return ((pred - target) ** 2).mean(dim=(-3, -2, -1))


def dssim(pred: Tensor, target: Tensor) -> Tensor:  # [..., C, H, W] -> [...]
    return 1.0 - ssim(pred, target)


DISTANCE_BETA = 0.05  # world units: smooth L1 is quadratic below; ours, MegaSynth's is not published


def depth_error(depth: Tensor, alpha: Tensor, target: Tensor) -> Tensor:  # [..., 1, H, W] three times -> [...]
    """Smooth L1 where the target is known (> 0), weighted by what is drawn there: detached, so that fading a Gaussian
    away is no way out.
    """
    error = F.smooth_l1_loss(depth, target, reduction="none", beta=DISTANCE_BETA)
    return _mean(error, (target > 0) * alpha.detach())


def normal_error(
    normal: Tensor, alpha: Tensor, target: Tensor
) -> Tensor:  # [..., 3, H, W], [..., 1, H, W], [..., 3, H, W] -> [...]
    """1 - cosine where the target is known (not 0), weighted as in `depth_error`. normal: of any length."""
    length = normal.square().sum(-3, keepdim=True).clamp_min(1e-8).sqrt()  # clamped: the root's slope at 0 is infinite
    cosine = (normal * target).sum(-3, keepdim=True) / length
    return _mean(1 - cosine, (target != 0).any(-3, keepdim=True) * alpha.detach())


def center_error(
    centers: Tensor, points: Tensor, known: Tensor
) -> Tensor:  # [..., 3, H, W] twice, [..., 1, H, W] -> [...]
    """Smooth L1 between each pixel's Gaussian and the surface seen there (MegaSynth's geometry loss)."""
    error = F.smooth_l1_loss(centers, points, reduction="none", beta=DISTANCE_BETA).sum(-3, keepdim=True)
    return _mean(error, known.to(error))


def _mean(error: Tensor, weight: Tensor) -> Tensor:  # of [..., 1, H, W]; 0 where nothing has a weight
    return (error * weight).sum(dim=(-3, -2, -1)) / weight.sum(dim=(-3, -2, -1)).clamp_min(1.0)


class VggPerceptual(nn.Module):
    """VGG-19 perceptual distance as GS-LRM uses it: L1 on the image and on five ReLU maps (Chen and Koltun 2017),
    average pooling.

    The published weights are for a network fed 0..255, and divide by 255. torchvision's is fed (x - mean) / std, 58
    times smaller, and a ReLU network scales with its input, so here the maps are multiplied by std = 0.226 instead: the
    same loss from weights everyone has.
    """

    TAPS = {
        3: 1 / 2.6,
        8: 1 / 4.8,
        13: 1 / 3.7,
        22: 1 / 5.6,
        31: 10 / 1.5,
    }  # the ReLUs 1_2, 2_2, 3_2, 4_2, 5_2 of `features`

    def __init__(self, weights: dict[str, Tensor]):
        super().__init__()
        self.features = vgg_features(VGG19, weights, pool=nn.AvgPool2d)[: max(self.TAPS) + 1]
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1))

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:  # [..., 3, H, W] -> [...]
        self.to(pred.device)  # a loss is no part of the model that the loop moves
        x = torch.stack([pred, target]).reshape(-1, *pred.shape[-3:])
        x, total = (x - self.mean) / self.std, (pred - target).abs().mean(dim=(-3, -2, -1)).flatten()
        for i, layer in enumerate(self.features):
            x = layer(x)
            if i in self.TAPS:
                a, b = x.chunk(2)
                total = total + 0.226 * self.TAPS[i] * (a - b).abs().mean(dim=(1, 2, 3))
        return total.reshape(pred.shape[:-3])


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """A state dict from .safetensors or .pth. Raises FileNotFoundError for a missing file."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"weights: no file {path}")
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def perceptual_loss(name: str):
    """A row of the choice `perceptual`: "ssim" (no weights needed) or "vgg:/path/to/vgg19.pth" (torchvision's state
    dict). Raises ValueError otherwise.
    """
    if name == "ssim":
        return dssim
    if name.startswith("vgg:"):
        return VggPerceptual(read_weights(name.removeprefix("vgg:")))
    raise ValueError(f"perceptual: expected 'ssim' or 'vgg:/path/to/vgg19.pth', got {name!r}")
