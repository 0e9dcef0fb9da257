"""Blocks that two or more models use: patches and the pre-norm transformer block (LRM-Zero and GS-LRM: no biases
anywhere).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def patchify(images: Tensor, patch: int) -> Tensor:
    """Returns images [..., C, H, W] as tokens [..., H/p W/p, C p p], row by row; within a token C is slowest."""
    *lead, channels, height, width = images.shape
    if height % patch or width % patch:
        raise ValueError(f"images: expected sides that {patch} divides, got {height} x {width}")
    x = images.reshape(*lead, channels, height // patch, patch, width // patch, patch)
    return x.movedim((-4, -2), (-5, -4)).reshape(*lead, height // patch * (width // patch), channels * patch * patch)


def unpatchify(tokens: Tensor, patch: int, height: int, width: int) -> Tensor:
    """Returns tokens [..., H/p W/p, C p p] as images [..., C, H, W]: the inverse of `patchify`."""
    *lead, _, size = tokens.shape
    x = tokens.reshape(*lead, height // patch, width // patch, size // patch**2, patch, patch)
    return x.movedim((-5, -4), (-4, -2)).reshape(*lead, size // patch**2, height, width)


class RMSNorm(nn.RMSNorm):
    """Computed in the type of its weight, returned in that of its input: autocast does the one on CUDA only, where it
    then returns float32, and on a CPU has bfloat16 meet float32, which no fused kernel takes.
    """

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.to(self.weight.dtype)).to(x.dtype)


class Attention(nn.Module):
    """Full self-attention over [B, T, C]; `qk_norm` puts an RMS norm on queries and keys, so that logits cannot grow
    without bound.
    """

    def __init__(self, width: int, heads: int, qk_norm: bool):
        super().__init__()
        if width % heads:
            raise ValueError(f"width: expected a multiple of heads = {heads}, got {width}")
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.proj = nn.Linear(width, width, bias=False)
        self.q_norm = RMSNorm(width // heads) if qk_norm else nn.Identity()
        self.k_norm = RMSNorm(width // heads) if qk_norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # each [B, heads, T, C / heads]
        return self.proj(F.scaled_dot_product_attention(self.q_norm(q), self.k_norm(k), v).transpose(1, 2).flatten(2))


class CrossAttention(nn.Module):
    """Queries from [B, Q, C], keys and values from a context [B, T, C]."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        if width % heads:
            raise ValueError(f"width: expected a multiple of heads = {heads}, got {width}")
        self.heads = heads
        self.q = nn.Linear(width, width, bias=False)
        self.kv = nn.Linear(width, 2 * width, bias=False)
        self.proj = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        q = self.q(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)  # [B, heads, Q, C / heads]
        k, v = self.kv(context).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class CrossBlock(nn.Module):
    """x + attention(norm x, norm context), then x + mlp(norm x): what `Block` is, with the context of others."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.attention_norm = nn.LayerNorm(width, bias=False)
        self.context_norm = nn.LayerNorm(width, bias=False)
        self.attention = CrossAttention(width, heads)
        self.mlp_norm = nn.LayerNorm(width, bias=False)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width, bias=False), nn.GELU(), nn.Linear(4 * width, width, bias=False)
        )

    def forward(self, x: Tensor, context: Tensor) -> Tensor:  # [B, Q, C], [B, T, C]
        x = x + self.attention(self.attention_norm(x), self.context_norm(context))
        return x + self.mlp(self.mlp_norm(x))


class Block(nn.Module):
    """x + attention(norm x), then x + mlp(norm x): GELU, four times as wide."""

    def __init__(self, width: int, heads: int, qk_norm: bool = False):
        super().__init__()
        self.attention_norm = nn.LayerNorm(width, bias=False)
        self.attention = Attention(width, heads, qk_norm)
        self.mlp_norm = nn.LayerNorm(width, bias=False)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width, bias=False), nn.GELU(), nn.Linear(4 * width, width, bias=False)
        )

    def forward(self, x: Tensor) -> Tensor:  # [B, T, C]
        x = x + self.attention(self.attention_norm(x))
        return x + self.mlp(self.mlp_norm(x))


@torch.no_grad()
def init_blocks(blocks: nn.ModuleList, generator: torch.Generator, std: float = 0.02) -> None:
    """Samples every matrix from N(0, std); the two that write to the residual stream smaller by sqrt(2 L), so that
    depth does not change its variance (GPT-2).
    """
    for block in blocks:
        for matrix in (block.attention.qkv.weight, block.mlp[0].weight):
            matrix.normal_(0.0, std, generator=generator)
        for matrix in (block.attention.proj.weight, block.mlp[2].weight):
            matrix.normal_(0.0, std / (2 * len(blocks)) ** 0.5, generator=generator)
