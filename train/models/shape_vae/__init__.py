"""A shape autoencoder: points on a surface -> a set of latent tokens -> signed distances anywhere (TripoSG's SDF VAE,
arXiv 2502.06608 §3.3).

Written from the paper's text (facts/hi3dgen_triposg.md §2.2), not from any released code, which cannot train. Frame:
that of detailverse.labels.fields, in which the object fills [-1, 1]^3; distances are negative inside.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from renderers.gallery.field_pictures import slice_of, sliced
from renderers.shards.joined import open_shards
from train.data.fields import FieldSampler
from train.loop import Outcome, Recipe, configured, fit, may_change, read_run
from train.loop.flops import Work, block_flops, linear_flops
from train.metrics.meshes import volume_iou
from train.networks.transformer import Block, CrossBlock, init_blocks
from zeroverse.core import png
from zeroverse.core.files import write_whole

VALIDATED = 32  # held-out objects scored per validation, at most
PREVIEWED = 4
POOL = 4  # times as many points as tokens, drawn at random, are what farthest-point choice chooses from
FLAT = 0.1  # length of a gradient; that of a distance is one
LOGVAR = (-20.0, 10.0)  # what the posterior's log-variance is kept within


@dataclass(frozen=True, kw_only=True)
class VAEConfig(Recipe):
    """Model and training recipe of one run. Defaults without a remark are TripoSG's (facts/hi3dgen_triposg.md §2.2);
    presets say what they change and why.
    """

    preset: str  # where the numbers come from; "own" for a config of your own
    tokens: int = 2048  # latent tokens of an object; without positions to embed, other numbers work too
    fewest_tokens: int = 512  # every step draws one of the two numbers
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
    normal_weight: float = 10.0
    eikonal_weight: float = 0.1
    skip_norm: float = 100.0  # gradients of flat first weights are long: up to 30
    kl_weight: float = 0.001  # of the mean over tokens and channels; whether mean or sum is unpublished
    on_error: str = may_change("raise")  # or "skip": an unusable sample is named, counted and replaced
    cache_gb: float = may_change(0.0)  # memory for the samples' arrays, 6 MB an object

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
    """TripoSG: 2.5 M steps of 192 objects on 32 A100."""
    return VAEConfig(preset="base", steps=2_500_000, batch=192, micro_batch=2, lr=5e-5)


def small() -> VAEConfig:
    """26M parameters, for one GPU; the learning rate of TripoSG's ablations."""
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
    """0.5M parameters, for one family of objects and half an hour of a laptop: a tenth as wide, with a twentieth of the
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


class Posterior(NamedTuple):
    """A normal distribution of each latent number: mean and log-variance [B, M, C]."""

    mean: Tensor
    logvar: Tensor

    def sample(self) -> Tensor:
        return self.mean + torch.randn_like(self.mean) * (0.5 * self.logvar).exp()

    def kl(self) -> Tensor:
        """From the standard normal distribution, mean over tokens and channels: [B]."""
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
        """(posterior, truncated distances at the queries [B, Q], their gradients at the oriented points [B, O, 3]), of
        a sample of the posterior.
        """
        posterior = self.encode(surface, tokens)
        latent = self.decode(posterior.sample())
        return posterior, self.distances(latent, queries), self.gradients(latent, oriented)

    def encode(self, surface: Tensor, tokens: int) -> Posterior:
        """Points with normals [B, P, 6] -> one token for each of the points chosen among the first POOL x `tokens`,
        which are expected in random order.
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
        """Latent tokens [B, M, C] -> what queries look at [B, M, width]."""
        with self._autocast(latent):
            x = self.from_latent(latent)
            for block in self.blocks[self.config.encoder_layers :]:
                x = block(x)
            return x.float()

    def distances(self, decoded: Tensor, points: Tensor) -> Tensor:
        """At points [B, Q, 3], in units of the truncation, about -1 … 1: [B, Q]. In float32: its slopes are looked
        at.
        """
        with torch.autocast(points.device.type, enabled=False):
            x = self.answer(self.embed_queries(fourier(points, self.config.octaves)), decoded)
            return self.to_distance(x)[..., 0]

    def gradients(self, decoded: Tensor, points: Tensor) -> Tensor:
        """Of `distances` by the points, in field units: a true distance has length one. [B, O, 3], differentiable."""
        with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):  # the fused kernels have no second derivative
            points = points.detach().requires_grad_()
            total = self.distances(decoded, points).sum()
            return self.config.truncation * torch.autograd.grad(total, points, create_graph=True)[0]

    def _autocast(self, x: Tensor):
        return torch.autocast(x.device.type, torch.bfloat16, enabled=x.device.type == "cuda")


def fourier(points: Tensor, octaves: int) -> Tensor:
    """[..., 3] -> [..., 3 + 6 octaves]: coordinates, then sines and cosines of 2^k times them, without pi."""
    angles = (points[..., None] * 2.0 ** torch.arange(octaves, device=points.device, dtype=points.dtype)).flatten(-2)
    return torch.cat([points, angles.sin(), angles.cos()], dim=-1)


@torch.no_grad()
def farthest_points(points: Tensor, count: int) -> Tensor:
    """[B, P, 3] -> [B, count] int64, distinct where the points are: from the first on, always the one farthest from
    those that are chosen.
    """
    if count > points.shape[1]:
        raise ValueError(f"count: expected at most the {points.shape[1]} points, got {count}")
    chosen = torch.zeros(len(points), count, dtype=torch.int64, device=points.device)
    nearest = torch.full(points.shape[:2], torch.inf, device=points.device)
    for i in range(1, count):
        last = points.gather(1, chosen[:, i - 1, None, None].expand(-1, 1, 3))
        nearest = torch.minimum(nearest, (points - last).square().sum(-1))
        chosen[:, i] = nearest.argmax(dim=1)
    return chosen


def vae_work(config: VAEConfig) -> Work:
    """Of one sample with all tokens, a backward pass as twice a forward one; the second derivatives at the oriented
    points are left out.
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


def vae_losses(
    distance: Tensor, gradient: Tensor, truth: Tensor, normals: Tensor, posterior: Posterior, truncation: float
) -> dict[str, Tensor]:
    """Means over a batch of TripoSG's terms (eq. 17 to 20). distance, truth [B, Q]: in units of the truncation, and in
    field units.

    sdf: |e| + e² of the truncated distance. normal: 1 - cosine of gradient and normal [B, O, 3]; of gradients shorter
        than FLAT, as if they were that
    long: the cosine's slope grows as they shrink, and from flat first weights no training got away. eikonal:
        (|gradient| - 1)², printed without the norm.
    """
    error = distance - (truth / truncation).clamp(-1, 1)
    length = gradient.square().sum(-1).clamp_min(1e-12).sqrt()  # clamped: the root's slope at 0 is infinite
    return {
        "sdf": (error.abs() + error.square()).mean(),
        "normal": (1 - (gradient * normals).sum(-1) / length.clamp_min(FLAT)).mean(),
        "eikonal": (length - 1).square().mean(),
        "kl": posterior.kl().mean(),
    }


class VAETask:
    """The autoencoder as the loop sees it (`train.loop.Task`)."""

    name = "vae"

    def __init__(self, config: VAEConfig, reader, held_out=None):
        """reader, held_out: ShardReaders whose samples have `fields.npz`."""
        self.config, self.model = config, ShapeVAE(config)
        draws = dict(
            points=config.points,
            salient=config.salient,
            near=config.near,
            volume=config.volume,
            oriented=config.oriented,
            seed=config.seed,
            cache_gb=config.cache_gb,
            on_error=config.on_error,
        )
        self.shapes = FieldSampler(reader, range(len(reader)), **draws)
        self.held_out = FieldSampler(held_out, range(min(len(held_out), VALIDATED)), **draws) if held_out else None
        self.fingerprint, self.bad = self.shapes.fingerprint, self.shapes.bad
        if self.held_out:
            self.held_out.bad = self.bad
            for _ in self.held_out.each_whole():
                pass  # what cannot be scored ends the run or is named now, not hours later at the first validation

    @property
    def work(self) -> Work:
        return vae_work(self.config)

    def batch(self, positions: Sequence[int]) -> dict[str, Tensor]:
        return self.shapes.batch(positions)

    def loss(self, model: nn.Module, batch: dict[str, Tensor], step: int) -> tuple[Tensor, dict[str, Tensor]]:
        config = self.config
        surface = batch["surface"][
            :, torch.randperm(config.points, device=batch["surface"].device)
        ]  # creases among the first, from which tokens are chosen
        tokens = config.tokens if torch.rand(()) < 0.5 else config.fewest_tokens
        posterior, distance, gradient = model(surface, batch["queries"], batch["oriented"][..., :3], tokens)
        terms = vae_losses(
            distance, gradient, batch["distance"], batch["oriented"][..., 3:], posterior, config.truncation
        )
        weights = {"sdf": 1.0, "normal": config.normal_weight, "eikonal": config.eikonal_weight, "kl": config.kl_weight}
        return sum(weights[name] * term for name, term in terms.items()), terms

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        """Share of the volume that truth and reconstruction have in common, of that which either has; over held-out
        objects.
        """
        if self.held_out is None:
            return {}
        device = next(model.parameters()).device
        scores = []
        for _, arrays in self.held_out.each_whole():
            decoded = reconstruct(model, arrays, device)
            scores.append(volume_iou(signed(model, decoded, arrays["vol_points"]), arrays["vol_label"]))
        return {"val_iou": float(np.mean(scores))} if scores else {}

    @torch.no_grad()
    def preview(self, model: nn.Module, path: Path) -> None:
        """Slices of distance, truth above reconstruction, of held-out objects if there are any."""
        shapes, device = self.held_out or self.shapes, next(model.parameters()).device
        columns = []
        for _, arrays in islice(shapes.each_whole(), PREVIEWED):
            decoded = reconstruct(model, arrays, device)
            columns.append(
                np.concatenate(
                    [slice_of(arrays), sliced(lambda points, decoded=decoded: signed(model, decoded, points))]
                )
            )
        if columns:
            write_whole(path, png.encode(np.ascontiguousarray(np.concatenate(columns, axis=1))))


@torch.no_grad()
def reconstruct(model: ShapeVAE, arrays: dict[str, np.ndarray], device="cpu", tokens: int | None = None) -> Tensor:
    """What queries look at [1, M, width], of as many surface points as a sample of fields has in training's mixture,
    through the posterior's mean.
    """
    config = model.config
    most = max(config.salient, 1 - config.salient)
    kinds = (("random_surface", 1 - config.salient), ("sharp_surface", config.salient))
    surface = np.concatenate([arrays[kind][: round(share / most * len(arrays[kind]))] for kind, share in kinds])
    order = torch.randperm(len(surface), generator=torch.Generator().manual_seed(0))
    points = torch.from_numpy(surface)[order].to(device)[None]
    return model.decode(model.encode(points, tokens or config.tokens).mean)


@torch.no_grad()
def signed(model: ShapeVAE, decoded: Tensor, points: np.ndarray, chunk: int = 32_768) -> np.ndarray:
    """Distances at points [N, 3] in field units, truncated: [N] float32."""
    parts = [
        model.distances(decoded, torch.from_numpy(points[i : i + chunk]).to(decoded)[None])[0]
        for i in range(0, len(points), chunk)
    ]
    return (model.config.truncation * torch.cat(parts)).cpu().numpy()


def train_vae(
    data: str | Path | Sequence[str | Path],
    run_dir: str | Path,
    preset: str | VAEConfig = "tiny",
    steps: int | None = None,
    seed: int | None = None,
    resume: bool = False,
    validate_dir: str | Path | None = None,
    device: str | None = None,
) -> Outcome:
    """Train on shards with fields (`verse generate detailverse --fields vae`), of one folder or several. The arguments
    are those of `train_lrm`.
    """
    config = configured(preset, PRESETS, steps=steps, seed=seed)
    folders = [data] if isinstance(data, (str, Path)) else list(data)
    held_out = open_shards([validate_dir], on_error=config.on_error) if validate_dir is not None else None
    return fit(
        VAETask(config, open_shards(folders, on_error=config.on_error), held_out),
        config,
        run_dir,
        resume=resume,
        device=device,
    )


def load_vae(run_dir: str | Path, device: str = "cpu") -> tuple[ShapeVAE, VAEConfig]:
    """The averaged weights of a run, ready for inference, and its config. Raises as train.loop.runs.read_run."""
    saved, path = read_run(run_dir, VAETask.name)
    config = VAEConfig(**saved)
    model = ShapeVAE(config)
    model.load_state_dict(load_file(path))
    return model.to(device).eval(), config
