"""A large reconstruction model: posed images -> one Gaussian per input pixel, in one pass (GS-LRM, and its data-swap
LRM-Zero).

Written from the papers' text (arXiv 2404.19702, 2406.09371; docs/papers.md, LRM), not from any released code.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from train.geometry.cameras import camera_rays, plucker, world_to_camera
from train.loop.flops import Work, block_flops, linear_flops
from train.models.lrm.config import LRMConfig
from train.networks.transformer import Block, init_blocks, patchify, unpatchify
from train.splatting import SH_C0, Gaussians, render

CHANNELS_IN = 9  # rgb, Plücker moment, direction
CHANNELS_OUT = (1, 3, 3, 4, 1)  # distance, rgb, scale, quaternion, opacity
# not 0.02, with which pixels would start at distances 0.7 apart (d = 1024): here they start as smooth surfaces
HEAD_STD = 0.002
XYZ_MAX = 1.0  # Gaussians live in [-1, 1]^3; objects in [-0.9, 0.9]^3


class LRM(nn.Module):
    """The network. Weights come from `seed` alone: N(0, 0.02), residual projections smaller with depth."""

    def __init__(self, config: LRMConfig, device=None):
        super().__init__()
        self.config = config
        pixels = config.patch**2
        with torch.device(device or "cpu"):
            self.embed = nn.Linear(CHANNELS_IN * pixels, config.width, bias=False)
            self.input_norm = nn.LayerNorm(config.width, bias=False)
            self.blocks = nn.ModuleList(Block(config.width, config.heads, config.qk_norm) for _ in range(config.layers))
            self.output_norm = nn.LayerNorm(config.width, bias=False)
            self.head = nn.Linear(config.width, sum(CHANNELS_OUT) * pixels, bias=False)
        if device != "meta":
            self._init_weights(torch.Generator().manual_seed(config.seed))

    @torch.no_grad()
    def _init_weights(self, generator: torch.Generator) -> None:
        init_blocks(self.blocks, generator)
        self.embed.weight.normal_(0.0, 0.02, generator=generator)
        self.head.weight.normal_(0.0, HEAD_STD, generator=generator)

    def forward(self, rgb: Tensor, c2w: Tensor, intrinsics: Tensor, clip: bool = True) -> Gaussians:
        """Returns Gaussians [B, V H W], in the order view, row, column.

        rgb [B, V, 3, H, W] in 0..1 on white; c2w [B, V, 4, 4]; intrinsics [B, V, 4] in pixels of this size. clip: keep
        centres in [-1, 1]^3.
        """
        (V, _, H, W), patch = rgb.shape[1:], self.config.patch
        rays_o, rays_d = camera_rays(c2w, intrinsics, H, W)  # [B, V, 3, H, W]
        tokens = patchify(torch.cat([2 * rgb - 1, plucker(rays_o, rays_d)], dim=2), patch).flatten(
            1, 2
        )  # [B, V T, 9 p p]
        bf16 = self.config.precision == "bf16" or self.config.precision == "auto" and rgb.device.type == "cuda"
        x = self.input_norm(self.embed(tokens))  # float32: bfloat16 would turn rays by a pixel or two of 512
        with torch.autocast(rgb.device.type, torch.bfloat16, enabled=bf16):
            for block in self.blocks:
                x = (
                    checkpoint(block, x, use_reentrant=False, preserve_rng_state=False)
                    if self.config.recompute and torch.is_grad_enabled()
                    else block(x)
                )
        raw = unpatchify(self.head(self.output_norm(x)).unflatten(1, (V, -1)), patch, H, W)  # [B, V, 12, H, W]
        if self.config.color_skip:
            raw = torch.cat([raw[:, :, :1], raw[:, :, 1:4] + (rgb - 0.5) / SH_C0, raw[:, :, 4:]], dim=2)
        return activate(raw, rays_o, rays_d, self.config, clip)


def lrm_work(config: LRMConfig) -> Work:
    """Returns the work of one sample. A backward pass is twice the forward one, but for the embedding, whose input
    needs no gradient.
    """
    pixels, tokens = config.patch**2, config.inputs * (config.size // config.patch) ** 2
    embed = linear_flops(tokens, CHANNELS_IN * pixels, config.width)
    rest = config.layers * block_flops(tokens, config.width) + linear_flops(
        tokens, config.width, sum(CHANNELS_OUT) * pixels
    )
    return Work(tokens, 2 * embed + 3 * rest)


def activate(raw: Tensor, rays_o: Tensor, rays_d: Tensor, config: LRMConfig, clip: bool = True) -> Gaussians:
    """Returns the Gaussians [B, V H W] of raw outputs [B, V, 12, H, W], each on the ray of its pixel (GS-LRM,
    appendix).
    """
    distance, rgb, scale, quat, opacity = raw.split(CHANNELS_OUT, dim=2)
    w = distance.sigmoid()
    if config.around_origin:
        t = -(rays_o * rays_d).sum(dim=2, keepdim=True) + (2 * w - 1) * config.around_origin
    else:
        t = (1 - w) * config.near + w * config.far
    means = rays_o + t * rays_d
    means = means.clamp(-XYZ_MAX, XYZ_MAX) if clip else means
    scales = (
        (scale + config.scale_bias).clamp(max=config.log_scale_max).exp()
    )  # min before exp: after it, inf would give a NaN gradient
    flat = lambda x: x.movedim(2, -1).flatten(1, 3)  # [B, V, C, H, W] -> [B, V H W, C]
    return Gaussians(
        means=flat(means),
        quats=F.normalize(flat(quat), dim=-1),
        scales=flat(scales),
        opacities=flat((opacity + config.opacity_bias).sigmoid())[..., 0],
        sh=flat(rgb)[..., None, :],
    )


def render_gaussians(gaussians: Gaussians, c2w: Tensor, intrinsics: Tensor, size: int) -> Tensor:
    """Returns images [B, V, 3, size, size] on white of Gaussians [B, N] in cameras [B, V]."""
    return render(gaussians, world_to_camera(c2w), intrinsics, size, size, background=1.0)[0]
