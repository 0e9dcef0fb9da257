"""Floating-point operations: of a transformer in closed form, and how many a second this device can do. MFU is one over
the other.
"""

import functools
import time
from dataclasses import dataclass

import torch

CEILING_SIZES = {
    "cuda": (8192, torch.bfloat16),
    "cpu": (1024, torch.float32),
}  # of the matrices multiplied, and the type the trainers compute in
CEILING_REPEATS = 5


@dataclass(frozen=True)
class Work:
    """What a trainer's model does per sample: tokens through the trunk, and operations of one forward and backward
    pass.

    A multiplication with its addition counts two. Model operations only, as MFU is defined (PaLM, appendix B): no
    recomputation, no normalisation, no loss, no rendering.
    """

    tokens: int
    flops: int


def linear_flops(tokens: int, inputs: int, outputs: int) -> int:
    return 2 * tokens * inputs * outputs


def block_flops(tokens: int, width: int) -> int:
    """Returns the operations of one `transformer.Block`, forward: 12 d² of matrices per token (qkv 3, projection 1, MLP
    8), and q kᵀ and its product with v.
    """
    return linear_flops(tokens, width, 12 * width) + 2 * linear_flops(tokens, tokens, width)


@functools.cache
def matmul_ceiling(device: str) -> float:
    """Returns the operations per second of a large matrix product on this device, the best of several: what an MFU of
    100 % would be.

    bf16 on a GPU, float32 on a CPU with the threads that torch has now. Measured once a process, in about a tenth of a
    second.
    """
    kind = torch.device(device)
    size, dtype = CEILING_SIZES[kind.type]
    noise = torch.Generator(kind).manual_seed(
        0
    )  # on zeros a GPU takes less power and runs faster; sampled there, which on a CPU takes seconds
    a, b = (torch.randn(size, size, generator=noise, device=kind, dtype=dtype) for _ in range(2))
    best = min(_seconds(a, b) for _ in range(CEILING_REPEATS))
    return 2 * size**3 / best


def _seconds(a: torch.Tensor, b: torch.Tensor) -> float:
    synchronise = torch.cuda.synchronize if a.device.type == "cuda" else lambda: None
    synchronise()
    began = time.perf_counter()
    a @ b
    synchronise()
    return time.perf_counter() - began
