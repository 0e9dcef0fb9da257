"""A large reconstruction model: posed images -> one Gaussian per input pixel, in one pass (GS-LRM, and its data-swap
LRM-Zero).

Written from the papers' text (arXiv 2404.19702, 2406.09371; facts/lrm_zero.md §3), not from any released code.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from renderers.cameras import Cameras
from renderers.shards.joined import open_shards
from train import weights
from train.data import ViewSampler
from train.data.curriculum import Curriculum, complexities
from train.data.online import FreshViews, is_generated, source_of
from train.loop import Outcome, Recipe, RunError, Work, configured, fit, may_change, read_run
from train.loop.flops import block_flops, linear_flops
from train.losses import center_error, depth_error, mse, normal_error, perceptual_loss
from train.metrics import psnr, ssim
from train.networks.transformer import Block, init_blocks, patchify, unpatchify
from train.splatting import SH_C0, Gaussians, render
from train.splatting.labels import draw_geometry, surface_points
from zeroverse.core import png
from zeroverse.core.files import write_whole

CHANNELS_IN = 9  # rgb, Plücker moment, direction
CHANNELS_OUT = (1, 3, 3, 4, 1)  # distance, rgb, scale, quaternion, opacity
VALIDATED = 64  # held-out objects scored per validation, at most
PREVIEWED = 4
PRECISIONS = (
    "auto",
    "bf16",
    "float32",
)  # of the blocks' products; auto: bf16 on CUDA, float32 on a CPU. Weights, rays, head and drawing are always float32
NETWORK = ("width", "layers", "heads", "patch", "qk_norm")  # fields of the config that say what the weights are
# not 0.02, with which pixels would start at distances 0.7 apart (d = 1024): here they start as smooth surfaces
HEAD_STD = 0.002
XYZ_MAX = 1.0  # Gaussians live in [-1, 1]^3; objects in [-0.9, 0.9]^3


@dataclass(frozen=True, kw_only=True)
class LRMConfig(Recipe):
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
        """Gaussians [B, V H W], in the order view, row, column.

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
    """Of one sample. A backward pass is twice the forward one, but for the embedding, whose input needs no gradient."""
    pixels, tokens = config.patch**2, config.inputs * (config.size // config.patch) ** 2
    embed = linear_flops(tokens, CHANNELS_IN * pixels, config.width)
    rest = config.layers * block_flops(tokens, config.width) + linear_flops(
        tokens, config.width, sum(CHANNELS_OUT) * pixels
    )
    return Work(tokens, 2 * embed + 3 * rest)


def camera_rays(c2w: Tensor, intrinsics: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """c2w [..., 4, 4], intrinsics [..., 4] -> (rays_o, rays_d), each [..., 3, H, W], unit, in the world, through pixel
    centres: `Cameras.rays`.
    """
    x = torch.arange(width, device=c2w.device, dtype=c2w.dtype) + 0.5
    y = torch.arange(height, device=c2w.device, dtype=c2w.dtype) + 0.5
    fx, fy, cx, cy = (intrinsics[..., i, None, None] for i in range(4))
    local = torch.stack(
        torch.broadcast_tensors((x - cx) / fx, (y[:, None] - cy) / fy, torch.ones_like(fx)), dim=-3
    )  # [..., 3, H, W]
    rays_d = F.normalize(torch.einsum("...ij,...jhw->...ihw", c2w[..., :3, :3], local), dim=-3)
    return c2w[..., :3, 3, None, None].expand_as(rays_d), rays_d


def plucker(rays_o: Tensor, rays_d: Tensor) -> Tensor:
    """[..., 3, H, W] twice -> [..., 6, H, W]: the moment o x d, then d."""
    return torch.cat([torch.linalg.cross(rays_o, rays_d, dim=-3), rays_d], dim=-3)


def activate(raw: Tensor, rays_o: Tensor, rays_d: Tensor, config: LRMConfig, clip: bool = True) -> Gaussians:
    """raw [B, V, 12, H, W] -> Gaussians [B, V H W], each on the ray of its pixel (GS-LRM appendix)."""
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


def draw(gaussians: Gaussians, c2w: Tensor, intrinsics: Tensor, size: int) -> Tensor:
    """Gaussians [B, N] in cameras [B, V] -> images [B, V, 3, size, size] on white."""
    return render(gaussians, inverse(c2w), intrinsics, size, size, background=1.0)[0]


def inverse(c2w: Tensor) -> Tensor:  # [..., 4, 4], rigid -> w2c
    rotation, w2c = c2w[..., :3, :3].mT, c2w.clone()
    w2c[..., :3, :3], w2c[..., :3, 3:] = rotation, -rotation @ c2w[..., :3, 3:]
    return w2c


def camera_tensors(cameras: Cameras) -> tuple[Tensor, Tensor]:
    """(c2w [1, V, 4, 4], intrinsics [1, V, 4]): one object's cameras as the model and `draw` take them."""
    return torch.from_numpy(cameras.c2w).float()[None], torch.from_numpy(cameras.intrinsics).float()[None]


class LRMTask:
    """The LRM as the loop sees it (`train.loop.Task`)."""

    name = "lrm"

    def __init__(self, config: LRMConfig, reader, held_out=None):
        """reader, held_out: ShardReaders or alike; or as the first a source of renderers.sources, for fresh objects."""
        self.config = config
        self.model = LRM(config)
        if config.start_from:
            self.model.load_state_dict(_start(config).state_dict())
        self.perceptual = perceptual_loss(config.perceptual)
        self.drawn_labels = bool(config.depth_weight or config.normal_weight)
        views = dict(
            size=config.size,
            pool=config.pool,
            inputs=config.inputs,
            targets=config.targets,
            seed=config.seed,
            on_error=config.on_error,
        )
        training = views | dict(
            view_angle_deg=config.view_angle_deg, labels=self.drawn_labels or bool(config.centers_weight)
        )
        if hasattr(reader, "make"):
            self.train_views = FreshViews(reader, processes=config.processes, **training)
        else:
            self.train_views = ViewSampler(
                reader, range(len(reader)), cache_gb=config.cache_gb, curriculum=_curriculum(config, reader), **training
            )
        self.held_out = (
            ViewSampler(held_out, range(min(len(held_out), VALIDATED)), cache_gb=config.cache_gb, **views)
            if held_out
            else None
        )
        self.fingerprint, self.bad = self.train_views.fingerprint, self.train_views.bad
        if self.held_out:
            self.held_out.bad = self.bad
            for _ in self.held_out.each_fixed():
                pass  # what cannot be scored ends the run or is named now, not hours later at the first validation

    @property
    def work(self) -> Work:
        return lrm_work(self.config)

    def batch(self, positions: Sequence[int]) -> dict[str, Tensor]:
        return self.train_views.batch(positions)

    def loss(self, model: nn.Module, batch: dict[str, Tensor], step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Mean squared error, the perceptual term and those of geometry that have a weight; in the first `point_steps`,
        only the centres' mean squared distance from the origin.
        """
        config = self.config
        if step < config.point_steps:
            gaussians = model(batch["rgb"] / 255, batch["c2w"], batch["intrinsics"], clip=False)
            points = config.point_weight * gaussians.means.square().sum(-1).mean()
            return points, {"points": points}
        gaussians, target = model(batch["rgb"] / 255, batch["c2w"], batch["intrinsics"]), batch["target_rgb"] / 255
        pred, geometry = self._drawn(gaussians, batch)
        error = mse(pred, target).mean()
        terms, weights = (
            {"mse": error, **geometry},
            {"depth": config.depth_weight, "normal": config.normal_weight, "centers": config.centers_weight},
        )
        if config.perceptual_weight and step >= config.perceptual_after:
            terms["perceptual"], weights["perceptual"] = self.perceptual(pred, target).mean(), config.perceptual_weight
        loss = sum((weights[name] * terms[name] for name in weights if name in terms), error)
        return loss, {**terms, "psnr": psnr(pred.detach(), target).mean()}

    def _drawn(self, gaussians: Gaussians, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """The target views, and the terms of geometry that have a weight."""
        c2w, intrinsics, size, terms = (
            batch["target_c2w"],
            batch["target_intrinsics"],
            batch["target_rgb"].shape[-1],
            {},
        )
        if self.drawn_labels:
            drawn = draw_geometry(gaussians, inverse(c2w), intrinsics, size, size)
            terms = {
                "depth": depth_error(drawn.depth, drawn.alpha, batch["target_depth"]).mean(),
                "normal": normal_error(drawn.normal, drawn.alpha, batch["target_normal"]).mean(),
            }
        if self.config.centers_weight:
            points = surface_points(
                batch["depth"],
                *camera_rays(batch["c2w"], batch["intrinsics"], *batch["depth"].shape[-2:]),
                batch["c2w"],
            )
            centers = gaussians.means.unflatten(1, (points.shape[1], *points.shape[-2:])).movedim(
                -1, 2
            )  # [B, V, 3, H, W]
            terms["centers"] = center_error(centers, points, batch["depth"] > 0).mean()
        return drawn.image if self.drawn_labels else draw(gaussians, c2w, intrinsics, size), terms

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        if self.held_out is None:
            return {}
        rows = []
        for batch in self.held_out.each_fixed():
            batch = _to_device_of(model, batch)
            pred, target = predict(model, batch), batch["target_rgb"] / 255
            rows.append([psnr(pred, target).mean().item(), ssim(pred, target).mean().item()])
        return dict(zip(("val_psnr", "val_ssim"), np.mean(rows, axis=0).tolist())) if rows else {}

    @torch.no_grad()
    def preview(self, model: nn.Module, path: Path) -> None:
        """One row per object, held-out ones if there are any: inputs, predictions, targets."""
        views = self.held_out or self.train_views
        shown = list(islice(views.each_fixed(), PREVIEWED))
        if not shown:
            return  # all that is held out is unusable, and named
        batch = _to_device_of(model, {name: torch.cat([sample[name] for sample in shown]) for name in shown[0]})
        pred = predict(model, batch).clamp(0, 1).mul(255).round().byte()
        groups = [
            x.cpu().permute(0, 3, 1, 4, 2).flatten(2, 3).flatten(0, 1)
            for x in (batch["rgb"], pred, batch["target_rgb"])
        ]  # [B H, V W, 3]
        gap = torch.full((len(groups[0]), 6, 3), 128, dtype=torch.uint8)
        picture = torch.cat([groups[0], gap, groups[1], gap, groups[2]], dim=1).numpy()
        write_whole(path, png.encode(picture))


def _start(config: LRMConfig) -> LRM:
    """The model that `start_from` names. Raises RunError when its network is another."""
    model, before = load_run(weights.find(config.start_from, "start_from"))
    odd = [
        f"{name} {getattr(before, name)}, here {getattr(config, name)}"
        for name in NETWORK
        if getattr(before, name) != getattr(config, name)
    ]
    if odd:
        raise RunError(
            f"start_from: {config.start_from}: expected the network of this preset, got one with {'; '.join(odd)}"
        )
    return model


def _curriculum(config: LRMConfig, reader) -> Curriculum | None:
    if not config.curriculum_steps:
        return None
    return Curriculum(
        complexities(reader, config.on_error),
        config.curriculum_steps * config.batch,
        config.curriculum_start,
        config.seed,
    )


def _to_device_of(model: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    device = next(model.parameters()).device
    return {name: x.to(device) for name, x in batch.items()}


def predict(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    """The target views of a batch of `ViewSampler`: [B, V, 3, S, S]."""
    gaussians = model(batch["rgb"] / 255, batch["c2w"], batch["intrinsics"])
    return draw(gaussians, batch["target_c2w"], batch["target_intrinsics"], batch["target_rgb"].shape[-1])


def train_lrm(
    data: str | Path | Sequence[str | Path],
    run_dir: str | Path,
    preset: str | LRMConfig = "tiny",
    steps: int | None = None,
    seed: int | None = None,
    resume: bool = False,
    validate_dir: str | Path | None = None,
    device: str | None = None,
    start_from: str | Path | None = None,
) -> Outcome:
    """Train on a folder of shards, on several as one set (renderers.shards.joined), or on fresh objects of
    `generate:zeroverse` or `generate:detailverse`.

    preset: a name of PRESETS, or a config of your own; steps, seed and start_from (a run's folder or a released model),
        when given, replace its.
    validate_dir: shards of objects that are not trained on, scored now and then and shown in the previews.
    """
    config = configured(
        preset, PRESETS, steps=steps, seed=seed, start_from=None if start_from is None else str(start_from)
    )
    held_out = open_shards([validate_dir], config.size, config.on_error) if validate_dir is not None else None
    task = LRMTask(config, open_data(data, config.seed, config.size, config.on_error), held_out)
    try:
        return fit(task, config, run_dir, resume=resume, device=device)
    finally:
        task.train_views.close()


def open_data(data: str | Path | Sequence[str | Path], seed: int, size: int, on_error: str = "raise"):
    """What LRMTask takes for a reader. Raises ValueError for fresh objects beside folders: an endless stream has no
    share in a set.
    """
    names = [str(data)] if isinstance(data, (str, Path)) else [str(name) for name in data]
    fresh = [name for name in names if is_generated(name)]
    if fresh and len(names) > 1:
        raise ValueError(f"data: expected folders of shards only, or {fresh[0]} by itself, got {' '.join(names)}")
    return source_of(fresh[0], seed) if fresh else open_shards(names, size, on_error)


def load_run(run_dir: str | Path, device: str = "cpu") -> tuple[LRM, LRMConfig]:
    """The averaged weights of a run, or of a released model by its name, ready for inference, and its config. Raises as
    train.loop.runs.read_run.
    """
    saved, path = read_run(run_dir, LRMTask.name)
    try:
        config = LRMConfig(**saved)
        model = LRM(config)
        model.load_state_dict(
            load_file(path)
        )  # which casts those of a released model, in float16, to the float32 of the network
    except (TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise RunError(f"{run_dir}: damaged, or of another version: {str(error).splitlines()[0]}") from error
    return model.to(device).eval(), config
