"""AdamW, its learning rate, and the running average of the weights."""

import math

import torch
from torch import nn

from train.loop.config import LoopConfig

BETAS = (0.9, 0.95)  # GS-LRM


def make_optimizer(model: nn.Module, config: LoopConfig, device: torch.device) -> torch.optim.AdamW:
    """Returns AdamW; matrices decay, gains and other vectors do not."""
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.lr, betas=BETAS, fused=device.type == "cuda")


def learning_rate(config: LoopConfig, step: int) -> float:
    """Returns the learning rate: linear from 0 to the peak over `warmup` steps, then half a cosine, reaching zero as
    the last step ends.
    """
    if step < config.warmup:
        return config.lr * (step + 1) / config.warmup
    return config.lr * 0.5 * (1.0 + math.cos(math.pi * (step - config.warmup) / max(1, config.steps - config.warmup)))


@torch.no_grad()
def average(ema: nn.Module, model: nn.Module, decay: float) -> None:
    torch._foreach_lerp_(list(ema.parameters()), list(model.parameters()), 1.0 - decay)
    for kept, buffer in zip(ema.buffers(), model.buffers()):
        kept.copy_(buffer)
