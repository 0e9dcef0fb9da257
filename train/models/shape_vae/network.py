"""A shape autoencoder: points on a surface -> a set of latent tokens -> signed distances anywhere (TripoSG's SDF VAE,
arXiv 2502.06608 §3.3).

Written from the paper's text (docs/papers.md, Shape VAE), not from any released code, which cannot train. Frame:
that of detailverse.labels.fields, in which the object fills [-1, 1]^3; distances are negative inside.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from train.loop.flops import Work, block_flops, linear_flops
from train.models.shape_vae.config import POOL, VAEConfig
from train.networks.points import farthest_points, fourier
from train.networks.transformer import Block, CrossBlock, init_blocks

LOGVAR = (-20.0, 10.0)  # what the posterior's log-variance is kept within


class Posterior(NamedTuple):
    """A normal distribution of each latent number: mean and log-variance [B, M, C]."""

    mean: Tensor
    logvar: Tensor

    def sample(self) -> Tensor:
        return self.mean + torch.randn_like(self.mean) * (0.5 * self.logvar).exp()

    def kl(self) -> Tensor:
        """Returns the divergence from the standard normal distribution, mean over tokens and channels: [B]."""
        return 0.5 * (self.mean.square() + self.logvar.exp() - 1 - self.logvar).mean(dim=(1, 2))


class ShapeVAE(nn.Module):
    """The network. Weights come from `seed` alone. `blocks` are those of both halves, for the loop to compile and to
    shard.
    """

    def __init__(self, config: VAEConfig, device=None):
        super().__init__()
        self.config = config
        place, inner, outer = 3 + 6 * config.octaves, config.encoder_width, config.width
        with torch.device(device or "cpu"):
            self.embed_points = nn.Linear(place + 3, inner)
            self.read = CrossBlock(inner, config.encoder_heads)
            self.to_latent = nn.Sequential(nn.LayerNorm(inner, bias=False), nn.Linear(inner, 2 * config.channels))
            self.from_latent = nn.Linear(config.channels, outer)
            self.embed_queries = nn.Linear(place, outer)
            self.answer = CrossBlock(outer, config.heads)
            self.to_distance = nn.Sequential(nn.LayerNorm(outer, bias=False), nn.Linear(outer, 1))
            self.blocks = nn.ModuleList(
                [
                    *(Block(inner, config.encoder_heads) for _ in range(config.encoder_layers)),
                    *(Block(outer, config.heads) for _ in range(config.layers)),
                ]
            )
        if device != "meta":
            self._init_weights(torch.Generator().manual_seed(config.seed))

    @torch.no_grad()
    def _init_weights(self, generator: torch.Generator) -> None:
        init_blocks(self.blocks[: self.config.encoder_layers], generator)
        init_blocks(self.blocks[self.config.encoder_layers :], generator)
        inside = {id(parameter) for parameter in self.blocks.parameters()}
        for parameter in self.parameters():
            if id(parameter) not in inside and parameter.ndim == 2:
                parameter.normal_(0.0, parameter.shape[1] ** -0.5, generator=generator)
        for name, parameter in self.named_parameters():
            if name.endswith(".bias") or name.startswith("to_distance.1"):
                parameter.zero_()

    def forward(
        self, surface: Tensor, queries: Tensor, oriented: Tensor, tokens: int
    ) -> tuple[Posterior, Tensor, Tensor]:
        """Returns (posterior, truncated distances at the queries [B, Q], their gradients at the oriented points [B, O,
        3]), of a sample of the posterior.
        """
        posterior = self.encode(surface, tokens)
        latent = self.decode(posterior.sample())
        return posterior, self.distances(latent, queries), self.gradients(latent, oriented)

    def encode(self, surface: Tensor, tokens: int) -> Posterior:
        """Returns the posterior of points with normals [B, P, 6]: one token for each of the points chosen among the
        first POOL x `tokens`, which are expected in random order.
        """
        features = self.embed_points(
            torch.cat([fourier(surface[..., :3], self.config.octaves), surface[..., 3:]], dim=-1)
        )  # float32: places to 24 bits
        with self._autocast(surface):
            chosen = farthest_points(surface[:, : POOL * tokens, :3], tokens)
            x = self.read(features.gather(1, chosen[..., None].expand(-1, -1, features.shape[-1])), features)
            for block in self.blocks[: self.config.encoder_layers]:
                x = block(x)
        mean, logvar = self.to_latent(x.float()).chunk(2, dim=-1)
        return Posterior(mean, logvar.clamp(*LOGVAR))

    def decode(self, latent: Tensor) -> Tensor:
        """Returns what queries look at [B, M, width], of latent tokens [B, M, C]."""
        with self._autocast(latent):
            x = self.from_latent(latent)
            for block in self.blocks[self.config.encoder_layers :]:
                x = block(x)
            return x.float()

    def distances(self, decoded: Tensor, points: Tensor) -> Tensor:
        """Returns the distances at points [B, Q, 3], in units of the truncation, about -1 … 1: [B, Q]. In float32: its
        slopes are looked at.
        """
        with torch.autocast(points.device.type, enabled=False):
            x = self.answer(self.embed_queries(fourier(points, self.config.octaves)), decoded)
            return self.to_distance(x)[..., 0]

    def gradients(self, decoded: Tensor, points: Tensor) -> Tensor:
        """Returns the gradients of `distances` by the points, in field units: a true distance has length one. [B, O,
        3], differentiable.
        """
        with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):  # the fused kernels have no second derivative
            points = points.detach().requires_grad_()
            total = self.distances(decoded, points).sum()
            return self.config.truncation * torch.autograd.grad(total, points, create_graph=True)[0]

    def _autocast(self, x: Tensor):
        return torch.autocast(x.device.type, torch.bfloat16, enabled=x.device.type == "cuda")


def vae_work(config: VAEConfig) -> Work:
    """Returns the work of one sample with all tokens, a backward pass as twice a forward one; the second derivatives at
    the oriented points are left out.
    """
    place, queries, inner, outer = (
        3 + 6 * config.octaves,
        config.near + config.volume + config.oriented,
        config.encoder_width,
        config.width,
    )
    encoder = linear_flops(config.points, place + 3, inner) + _cross_flops(config.tokens, config.points, inner)
    encoder += config.encoder_layers * block_flops(config.tokens, inner) + linear_flops(
        config.tokens, inner, 2 * config.channels
    )
    decoder = linear_flops(config.tokens, config.channels, outer) + config.layers * block_flops(config.tokens, outer)
    decoder += linear_flops(queries, place + 1, outer) + _cross_flops(queries, config.tokens, outer)
    return Work(config.tokens, 3 * (encoder + decoder))


def _cross_flops(queries: int, context: int, width: int) -> int:
    """One `CrossBlock`, forward: q, projection and MLP per query, k and v per token of the context, and the two
    products of attention.
    """
    return (
        linear_flops(queries, width, 10 * width)
        + linear_flops(context, width, 2 * width)
        + 2 * linear_flops(queries, context, width)
    )
