"""The settings of the LRM and their presets. Imports no torch, so that the command line can show them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from train import weights
from train.data.policy import ON_ERROR
from train.loop.config import LoopConfig, setting
from zeroverse.core.usage import need

GENERATE = "generate:"  # before the name of a source, for objects that are made while training

# of the blocks' products; auto: bf16 on CUDA, float32 on a CPU. Weights, rays, head and rendering are always float32
PRECISIONS = ("auto", "bf16", "float32")


NETWORK = ("width", "layers", "heads", "patch", "qk_norm")  # fields of the config that say what the weights are


@dataclass(frozen=True, kw_only=True)
class LRMConfig(LoopConfig):
    """Settings of the model and of its training.

    Defaults without a remark are GS-LRM's (docs/papers.md, LRM); the presets below say what they change and why.
    """

    preset: str  # where the numbers come from; "own" for a config of your own
    width: int
    layers: int
    heads: int
    patch: int = 8  # pixels
    qk_norm: bool = False  # not in GS-LRM; the usual cure for attention logits that grow in long bf16 runs
    precision: Literal[PRECISIONS] = "auto"
    """Of the network's products. auto: bf16 on a GPU, float32 on a CPU; bf16 on CPUs that multiply it (AMD Zen 4, Intel
    Sapphire Rapids) makes the network 1.6 times cheaper; elsewhere dearer.
    """
    size: int  # pixels, of inputs and targets
    inputs: int = 4
    targets: int = 4
    pool: int = 8  # views sampled per object; inputs and targets are sampled from them independently
    near: float = 0.1
    far: float = 4.5
    # if positive, distances are this much about the ray's point nearest the origin (released code: 1.8), not near … far
    around_origin: float = 0.0
    # add the input pixel's colour to the Gaussian's, so that only its place and opacity must be learned; not in GS-LRM
    color_skip: bool = False
    scale_bias: float = -2.3  # scale = exp(raw - 2.3), 0.10 at the start
    log_scale_max: float = -1.2  # LRM-Zero, table 10; published as scale <= 0.3 too
    """Limit of the Gaussians' log-scale; -1.2 or, steadier, -1.6 in LRM-Zero."""
    opacity_bias: float = -2.0  # opacity = sigmoid(raw - 2), 0.12 at the start
    perceptual: str = setting("ssim", metavar="ssim|vgg:FILE")
    """The perceptual loss: ssim needs no weights; vgg:FILE, with torchvision's VGG-19 (.pth or .safetensors), is the
    published choice.
    """
    perceptual_weight: float = setting(0.2, least=0)  # LRM-Zero, table 10
    """Of that loss; LRM-Zero: 0.2, GS-LRM: 0.5, which data with many cuts do not survive."""
    perceptual_after: int = setting(0, least=0)  # 5000 in the released code
    """Steps before the perceptual loss counts."""
    point_steps: int = setting(0, least=0)
    """First steps, which only pull the Gaussians to the origin; 1000 in LRM-Zero's code."""
    point_weight: float = 0.1  # released code
    # ours: 0.2, with normals at 0.02, gave tiny 0.2 dB (150 steps, both of two seeds)
    depth_weight: float = setting(0.0, least=0)
    """In the loss, of rendered depth against the shards' (which need the passes depth and normal, as by default); 0.2
    is a start.
    """
    normal_weight: float = setting(0.0, least=0)
    """In the loss, of rendered normals against the shards'; 0.02 is a start."""
    centers_weight: float = setting(0.0, least=0)  # MegaSynth: + 1.5 dB, + 3 after fine-tuning; weight unpublished
    """In the loss, of the Gaussians' distance from the surface point in their pixel, as MegaSynth has it."""
    view_angle_deg: float = setting(60.0, above=0, most=180)  # LRM-Zero, table 10
    """Of a target view from its nearest input, at most, in degrees, as far as the data allow; 60 or, steadier, 40 in
    LRM-Zero; 180: any.
    """
    start_from: str = setting("", metavar="RUN")  # of any resolution: the network has no positions to embed
    """A run, or the name of a released model, whose weights are the start, as base_512 wants the run of base."""
    curriculum_steps: int = setting(0, least=0)  # train/data/curriculum.py
    """Begin with the easiest quarter of the shards' objects, and sample from all of them after so many steps; 0: from
    all at once.
    """
    curriculum_start: float = 0.25  # share of the objects that the first step samples from; ours
    on_error: Literal[ON_ERROR] = setting("raise", may_change=True)
    """An unusable sample ends the run, or is named, counted and replaced."""
    cache_gb: float = setting(0.0, may_change=True)  # memory for decoded views
    recompute: bool = setting(False, may_change=True)
    """Compute activations anew in the backward pass: a third more work for a fraction of the memory."""
    # that make objects, with `generate:` data; -1: one per core, 0: the loading threads do
    processes: int = setting(-1, may_change=True)

    def check(self, data: Sequence[str]) -> None:
        fresh = [name for name in data if name.startswith(GENERATE)]
        shown = " ".join(data)
        need(len(data) == 1 or not fresh, "--data", "folders of shards only, or generate:SOURCE by itself", shown)
        sortable = not (fresh and self.curriculum_steps)
        need(sortable, "--curriculum-steps", "folders of shards with it, whose objects can be sorted", shown)
        super().check([name for name in data if name not in fresh])
        if self.start_from:
            weights.find(self.start_from, "--start-from")


def base() -> LRMConfig:
    """303 M parameters, 256 px, the published model.

    GS-LRM's 256 stage: 64 A100-40G for two days. Its 8 samples a GPU need 38 GiB here, with recompute 13; 80 GB hold
    18 (train/tools/memory.py).

    303,417,344 parameters: 9 x 64 x 1024 in the embedding, 12 x 64 x 1024 in the head, 24 (12 x 1024² + 2 x 1024) in
    the blocks, 2 x 1024 in norms.
    """
    return LRMConfig(
        preset="base",
        width=1024,
        layers=24,
        heads=16,
        size=256,
        steps=80_000,
        batch=512,
        micro_batch=8,
        perceptual_after=5000,
    )


def base_512() -> LRMConfig:
    """The published model's second stage, 512 px.

    GS-LRM's 512 stage, which starts from the 256 stage's run (`start_from`): another day of 64 A100, 2 samples
    each.
    """
    return replace(
        base(),
        preset="base_512",
        size=512,
        steps=20_000,
        batch=128,
        micro_batch=2,
        lr=1e-4,
        warmup=500,
        perceptual_after=0,
        recompute=True,
    )


def medium() -> LRMConfig:
    """86 M, 256 px, a node of eight GPUs."""
    return replace(base(), preset="medium", width=768, layers=12, heads=12, batch=128, qk_norm=True)


def small() -> LRMConfig:
    """26 M, 128 px, one GPU.

    0.21 TFLOP per sample (docs/papers.md, LRM).
    """
    return replace(
        base(),
        preset="small",
        width=512,
        layers=8,
        heads=8,
        size=128,
        batch=64,
        micro_batch=0,
        qk_norm=True,
        cache_gb=32.0,
    )


def tiny() -> LRMConfig:
    """5 M parameters, 4 x 64 px, two minutes on a laptop.

    On two CPU cores: 800 samples where GS-LRM sees 41 million, so what it
    would learn first is built in.

    Held-out PSNR after 150 to 200 steps on 24 objects of ellipsoids and boxes (nearest input view: 14.8): as published,
    with a head of 0.02, 14.3; with color_skip and scale_bias 14.8; with around_origin too, 16.2. The scale starts at
    one pixel: 0.1 is three here, and costs more to render. On 24 Zeroverse objects lr 3e-4 and 6e-4 are equal, 1.2e-3
    is 0.1 dB worse, and nothing is gained after 400 steps.
    """
    return replace(
        base(),
        preset="tiny",
        width=256,
        layers=6,
        heads=4,
        qk_norm=True,
        size=64,
        color_skip=True,
        around_origin=1.0,
        scale_bias=-3.5,
        view_angle_deg=180.0,
        steps=400,
        batch=2,
        micro_batch=0,
        lr=6e-4,
        warmup=20,
        perceptual_after=0,
        ema=0.98,
        cache_gb=1.0,
        save_every=100,
        validate_every=100,
        preview_every=100,
    )


def laptop() -> LRMConfig:
    """The same for an hour, the released model in two goes.

    On one or two CPU cores. 2,000 objects, so that geometry is
    learned too, with the shards' depth to lead it; bf16 halves the network's time on the CPUs that multiply it.
    """
    return replace(
        tiny(),
        preset="laptop",
        steps=8000,
        batch=4,
        lr=8e-4,
        warmup=200,
        ema=0.999,
        perceptual_weight=0.1,
        centers_weight=0.1,
        precision="bf16",
        cache_gb=4.0,
        save_every=500,
        validate_every=1000,
        preview_every=1000,
    )


PRESETS = {preset.__name__: preset for preset in (tiny, laptop, small, medium, base, base_512)}
