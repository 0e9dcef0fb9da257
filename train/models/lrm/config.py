"""The settings of the LRM and their presets. Imports no torch, so that the command line can show them."""

from dataclasses import dataclass, replace

from train.loop.config import LoopConfig, may_change

# of the blocks' products; auto: bf16 on CUDA, float32 on a CPU. Weights, rays, head and rendering are always float32
PRECISIONS = ("auto", "bf16", "float32")


NETWORK = ("width", "layers", "heads", "patch", "qk_norm")  # fields of the config that say what the weights are


@dataclass(frozen=True, kw_only=True)
class LRMConfig(LoopConfig):
    """Model and training recipe of one run. Defaults without a remark are GS-LRM's (facts/lrm_zero.md §3); the presets
    below say what they change and why.
    """

    preset: str  # where the numbers come from; "own" for a config of your own
    width: int
    layers: int
    heads: int
    patch: int = 8  # pixels
    qk_norm: bool = False  # not in GS-LRM; the usual cure for attention logits that grow in long bf16 runs
    precision: str = "auto"  # one of PRECISIONS
    size: int  # pixels, of inputs and targets
    inputs: int = 4
    targets: int = 4
    pool: int = 8  # views drawn per sample; inputs and targets are drawn from them independently
    near: float = 0.1
    far: float = 4.5
    # if positive, distances are this much about the ray's point nearest the origin (released code: 1.8), not near … far
    around_origin: float = 0.0
    # add the input pixel's colour to the Gaussian's, so that only its place and opacity must be learned; not in GS-LRM
    color_skip: bool = False
    scale_bias: float = -2.3  # scale = exp(raw - 2.3), 0.10 at the start
    log_scale_max: float = (
        -1.2
    )  # clip of the log-scale (LRM-Zero table 10, which also tries -1.6); published as scale <= 0.3 too
    opacity_bias: float = -2.0  # opacity = sigmoid(raw - 2), 0.12 at the start
    perceptual: str = "ssim"  # needs no weights; "vgg:/path/to/vgg19.pth" is the published choice
    perceptual_weight: float = (
        0.2  # LRM-Zero; GS-LRM has 0.5, which boolean-heavy data does not survive (LRM-Zero table 10)
    )
    perceptual_after: int = 0  # steps before it is on; 5000 in the released code
    point_steps: int = (
        0  # first steps that only pull the centres to the origin, before anything is drawn; 1000 in the released code
    )
    point_weight: float = 0.1  # released code
    # of drawn depth against the shards'; ours: 0.2, with normals at 0.02, gave tiny 0.2 dB (150 steps, both of two
    # seeds)
    depth_weight: float = 0.0
    normal_weight: float = 0.0  # of drawn normals against the shards'; ours
    # of the inputs' Gaussians against the surface in their pixels (MegaSynth: + 1.5 dB, + 3 after fine-tuning; weight
    # unpublished)
    centers_weight: float = 0.0
    view_angle_deg: float = (
        60.0  # of a target from its nearest input (LRM-Zero table 10, which also tries 40); 180: any
    )
    # a run, or a released model's name, whose averaged weights are the start, of any resolution: the network has no
    # positions to embed
    start_from: str = ""
    curriculum_steps: int = (
        0  # until all objects are drawn from, the easiest first; 0: all from the start (train/data/curriculum.py)
    )
    curriculum_start: float = 0.25  # share of the objects that the first step draws from; ours
    on_error: str = may_change("raise")  # or "skip": an unusable sample is named, counted and replaced
    cache_gb: float = may_change(0.0)  # memory for decoded views
    recompute: bool = may_change(
        False
    )  # blocks' activations in the backward pass: a third more work for a fraction of the memory
    processes: int = may_change(
        -1
    )  # that make objects, with `generate:` data; -1: one per core, 0: the loading threads do

    def __post_init__(self):
        super().__post_init__()
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision: expected one of {', '.join(PRECISIONS)}, got {self.precision!r}")


def base() -> LRMConfig:
    """GS-LRM's 256 stage: 64 A100-40G for two days. Its 8 samples a GPU need 38 GiB here, with recompute 13; 80 GB hold
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
    """GS-LRM's 512 stage, which starts from the 256 stage's run (`start_from`): another day of 64 A100, 2 samples
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
    """86M parameters at 256: a node of eight GPUs."""
    return replace(base(), preset="medium", width=768, layers=12, heads=12, batch=128, qk_norm=True)


def small() -> LRMConfig:
    """26M parameters at 128: one GPU (0.21 TFLOP per sample, facts/ecosystem.md §2.1)."""
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
    """5M parameters at 64, for two CPU cores and two minutes: 800 samples where GS-LRM sees 41 million, so what it
    would learn first is built in.

    Held-out PSNR after 150 to 200 steps on 24 objects of ellipsoids and boxes (nearest input view: 14.8): as published,
    with a head of 0.02, 14.3; with color_skip and scale_bias 14.8; with around_origin too, 16.2. The scale starts at
    one pixel: 0.1 is three here, and costs more to draw. On 24 Zeroverse objects lr 3e-4 and 6e-4 are equal, 1.2e-3 is
    0.1 dB worse, and nothing is gained after 400 steps.
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
    """`tiny` for an hour on one or two CPU cores: the released model, in two goes. 2,000 objects, so that geometry is
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
