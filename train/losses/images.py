"""Losses of images [..., 3, H, W] in 0..1 against the same, pure and unreduced: one value per image."""

from pathlib import Path

import torch
from torch import Tensor, nn

from train.metrics.images import VGG19, ssim, vgg_features


def mse(pred: Tensor, target: Tensor) -> Tensor:  # [..., C, H, W] -> [...]
    """Returns the mean squared error of each image."""
    return ((pred - target) ** 2).mean(dim=(-3, -2, -1))


def dssim(pred: Tensor, target: Tensor) -> Tensor:  # [..., C, H, W] -> [...]
    """Returns 1 - SSIM of each image."""
    return 1.0 - ssim(pred, target)


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
    """Returns a state dict from .safetensors or .pth. Raises FileNotFoundError for a missing file."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"weights: no file {path}")
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def perceptual_loss(name: str):
    """Returns the loss that the setting `perceptual` names: "ssim" (no weights needed) or "vgg:/path/to/vgg19.pth"
    (torchvision's state dict). Raises ValueError otherwise.
    """
    if name == "ssim":
        return dssim
    if name.startswith("vgg:"):
        return VggPerceptual(read_weights(name.removeprefix("vgg:")))
    raise ValueError(f"perceptual: expected 'ssim' or 'vgg:/path/to/vgg19.pth', got {name!r}")
