"""Image metrics per image. Images are [..., 3, H, W] in 0..1, sRGB-encoded; nothing is masked."""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SSIM_WINDOW, SSIM_SIGMA = 11, 1.5  # Wang et al. 2004, which every LRM paper's SSIM follows


def psnr(pred: Tensor, target: Tensor) -> Tensor:  # [..., C, H, W] -> [...]
    """Returns -10 log10 of the mean squared error, in dB, after clipping `pred` to 0..1; infinite where the images are
    equal.
    """
    return -10.0 * ((pred.clamp(0, 1) - target) ** 2).mean(dim=(-3, -2, -1)).log10()


def ssim(pred: Tensor, target: Tensor) -> Tensor:  # [..., C, H, W] -> [...]
    """Returns the structural similarity: Gaussian window 11, sigma 1.5, K1 = 0.01, K2 = 0.03, range 1, over windows
    that lie inside the image.

    The same number as skimage's structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
    data_range=1), which crops the border too. Raises ValueError for an image smaller than the window.
    """
    if pred.shape != target.shape or min(pred.shape[-2:]) < SSIM_WINDOW:
        raise ValueError(
            f"ssim: expected two [..., C, H, W] of one shape, at least {SSIM_WINDOW} wide, got {list(pred.shape)} and "
            f"{list(target.shape)}"
        )
    pred, target = pred.float(), target.float()
    moments = _window_mean(torch.stack([pred, target, pred * pred, target * target, pred * target]))
    mean_x, mean_y, square_x, square_y, product = moments.unbind()
    c1, c2 = 0.01**2, 0.03**2
    top = (2 * mean_x * mean_y + c1) * (2 * (product - mean_x * mean_y) + c2)
    bottom = (mean_x**2 + mean_y**2 + c1) * (square_x - mean_x**2 + square_y - mean_y**2 + c2)
    return (top / bottom).mean(dim=(-3, -2, -1))


def _window_mean(x: Tensor) -> Tensor:  # [..., H, W] -> [..., H - 10, W - 10]
    """Separable; every map is a channel of one depthwise convolution, which on a CPU is 20 times faster than the same
    maps as a batch.
    """
    offset = torch.arange(SSIM_WINDOW, device=x.device, dtype=x.dtype) - SSIM_WINDOW // 2
    kernel = torch.exp(-0.5 * (offset / SSIM_SIGMA) ** 2)
    maps = x.reshape(1, -1, *x.shape[-2:])
    kernel = (kernel / kernel.sum()).expand(maps.shape[1], 1, 1, SSIM_WINDOW)
    blurred = F.conv2d(F.conv2d(maps, kernel.transpose(2, 3), groups=maps.shape[1]), kernel, groups=maps.shape[1])
    return blurred.reshape(*x.shape[:-2], *blurred.shape[-2:])


# torchvision's layer order, so that its state dicts load by name: channels of a 3x3 convolution and a ReLU, or "M" for
# a 2x2 max pool
VGG16 = (64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512)
VGG19 = (64, 64, "M", 128, 128, "M", 256, 256, 256, 256, "M", 512, 512, 512, 512, "M", 512, 512, 512, 512)


def vgg_features(plan: tuple, weights: dict[str, Tensor], pool: type[nn.Module] = nn.MaxPool2d) -> nn.Sequential:
    """Returns the convolutional part of a VGG, frozen, from a torchvision state dict. Raises ValueError naming the
    first key that is missing or misshaped.
    """
    layers, channels = [], 3
    for row in plan:
        if row == "M":
            layers.append(pool(2))
            continue
        conv = nn.Conv2d(channels, row, 3, padding=1)
        for name, parameter in conv.named_parameters():
            key = f"features.{len(layers)}.{name}"
            if key not in weights or weights[key].shape != parameter.shape:
                found = list(weights[key].shape) if key in weights else "nothing"
                raise ValueError(
                    f"vgg weights: {key}: expected {list(parameter.shape)} (torchvision names), got {found}"
                )
            parameter.data.copy_(weights[key])
        layers += [conv, nn.ReLU()]
        channels = row
    return nn.Sequential(*layers).eval().requires_grad_(False)


class LPIPS(nn.Module):
    """LPIPS v0.1 with a VGG-16 backbone (Zhang et al. 2018), from weights that the user brings.

    backbone: torchvision's vgg16 state dict. linear: the published `vgg.pth`, keys lin0.model.1.weight … lin4, each [1,
        C, 1, 1].
    """

    @classmethod
    def load(cls, folder: str | Path) -> "LPIPS":
        """Loads the weights in a folder with torchvision's vgg16*.pth and the LPIPS repository's v0.1 vgg.pth. Raises
        FileNotFoundError naming what is missing.
        """
        backbone, linear = sorted(Path(folder).glob("vgg16*.pth")), Path(folder) / "vgg.pth"
        if not backbone or not linear.is_file():
            raise FileNotFoundError(
                f"lpips: {folder}: expected torchvision's vgg16*.pth and LPIPS's vgg.pth, no "
                f"{'vgg.pth' if backbone else 'vgg16*.pth'}"
            )
        return cls(*(torch.load(path, map_location="cpu", weights_only=True) for path in (backbone[0], linear)))

    TAPS = (3, 8, 15, 22, 29)  # the ReLUs 1_2, 2_2, 3_3, 4_3, 5_3 of `features`

    def __init__(self, backbone: dict[str, Tensor], linear: dict[str, Tensor]):
        super().__init__()
        self.features = vgg_features(VGG16, backbone)
        missing = [f"lin{i}.model.1.weight" for i in range(5) if f"lin{i}.model.1.weight" not in linear]
        if missing:
            raise ValueError(f"lpips weights: missing {', '.join(missing)}")
        for i in range(5):
            self.register_buffer(f"lin{i}", linear[f"lin{i}.model.1.weight"].detach().float())
        self.register_buffer("shift", torch.tensor([-0.030, -0.088, -0.188]).view(3, 1, 1))  # on images in -1..1
        self.register_buffer("scale", torch.tensor([0.458, 0.448, 0.450]).view(3, 1, 1))

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:  # [..., 3, H, W] in 0..1 -> [...]
        x = torch.stack([pred, target]).reshape(-1, *pred.shape[-3:])
        x, distance = (2 * x - 1 - self.shift) / self.scale, 0.0
        for i, layer in enumerate(self.features):
            x = layer(x)
            if i in self.TAPS:
                a, b = (x / (x.square().sum(dim=1, keepdim=True).sqrt() + 1e-10)).chunk(2)
                distance = distance + ((a - b) ** 2 * getattr(self, f"lin{self.TAPS.index(i)}")).sum(dim=1).mean(
                    dim=(-2, -1)
                )
        return distance.reshape(pred.shape[:-3])
