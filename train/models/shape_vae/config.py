"""The settings of the shape autoencoder and their presets. Imports no torch, so that the command line can show them."""

from dataclasses import dataclass, replace
from typing import Literal

from train.data.policy import ON_ERROR
from train.loop.config import LoopConfig, setting

POOL = 4  # times as many points as tokens, sampled at random, are what farthest-point choice chooses from


@dataclass(frozen=True, kw_only=True)
class VAEConfig(LoopConfig):
    """Settings of the model and of its training.

    Defaults without a remark are TripoSG's (docs/papers.md, Shape VAE); the presets say what they change and why.
    """

    preset: str  # where the numbers come from; "own" for a config of your own
    tokens: int = 2048  # latent tokens of an object; without positions to embed, other numbers work too
    fewest_tokens: int = 512  # every step samples one of the two numbers
    channels: int = 64  # of a latent token
    encoder_width: int = 512
    encoder_layers: int = 8  # of self-attention, after one of cross-attention to the points
    encoder_heads: int = 8
    width: int = 1024  # of the decoder
    layers: int = 16  # of self-attention, before one of cross-attention from the queries
    heads: int = 8
    octaves: int = 8  # of the coordinates' sines and cosines, frequencies 2^k
    points: int = 20_480  # on the surface, which the encoder reads
    salient: float = 0.5  # share of them on creases, as Dora has it; TripoSG has none
    near: int = 8192  # distances to learn near the surface
    volume: int = 8192  # and anywhere
    oriented: int = 8192  # points on the surface whose normals are to be learned
    truncation: float = 0.1  # field units: distances are learned up to this, and in this unit; unpublished, ours
    normal_weight: float = setting(10.0, least=0)
    """In the loss, of 1 - cosine between gradient and normal on the surface."""
    eikonal_weight: float = setting(0.1, least=0)
    """In the loss, of the gradient's difference from length one on the surface."""
    skip_norm: float = 100.0  # gradients of flat first weights are long: up to 30
    kl_weight: float = setting(0.001, least=0)  # of the mean over tokens and channels; mean or sum is unpublished
    """In the loss, of the latent's distance from the normal distribution."""
    on_error: Literal[ON_ERROR] = setting("raise", may_change=True)
    """An unusable sample ends the run, or is named, counted and replaced."""
    cache_gb: float = setting(0.0, may_change=True)  # memory for the samples' arrays, 6 MB an object

    def __post_init__(self):
        super().__post_init__()
        if not 0 <= self.salient <= 1:
            raise ValueError(f"salient: expected a share, 0 to 1, got {self.salient}")
        if not 1 <= self.fewest_tokens <= self.tokens <= self.points // POOL:
            raise ValueError(
                f"tokens: expected 1 <= fewest_tokens <= tokens <= points / {POOL}, got {self.fewest_tokens}, "
                f"{self.tokens}, {self.points}"
            )


def base() -> VAEConfig:
    """242 M, 2048 tokens, the published model.

    TripoSG: 2.5 M steps of 192 objects on 32 A100.
    """
    return VAEConfig(preset="base", steps=2_500_000, batch=192, micro_batch=2, lr=5e-5)


def small() -> VAEConfig:
    """26 M, 512 tokens, one GPU.

    With the learning rate of TripoSG's ablations.
    """
    return replace(
        base(),
        preset="small",
        tokens=512,
        fewest_tokens=256,
        channels=32,
        encoder_width=256,
        encoder_layers=4,
        encoder_heads=4,
        width=512,
        layers=6,
        points=8192,
        near=4096,
        volume=4096,
        oriented=2048,
        steps=100_000,
        batch=32,
        micro_batch=0,
        lr=1e-4,
        cache_gb=32.0,
    )


def tiny() -> VAEConfig:
    """0.5 M parameters, 64 latent tokens, one family in half an hour on a laptop.

    A tenth as wide, with a twentieth of the
    points. A truncation of 0.2 learned fastest, and normals weigh little, or they outweigh the distances of so few
    points (300 steps, one seed).
    """
    return replace(
        base(),
        preset="tiny",
        tokens=64,
        fewest_tokens=64,
        channels=16,
        encoder_width=96,
        encoder_layers=1,
        encoder_heads=4,
        width=96,
        layers=2,
        heads=4,
        octaves=5,
        points=1024,
        near=512,
        volume=256,
        oriented=64,
        truncation=0.2,
        normal_weight=0.1,
        kl_weight=1e-4,
        steps=8000,
        batch=8,
        micro_batch=0,
        lr=2e-3,
        warmup=100,
        ema=0.998,
        cache_gb=4.0,
        save_every=500,
        validate_every=1000,
        preview_every=1000,
    )


PRESETS = {preset.__name__: preset for preset in (tiny, small, base)}
