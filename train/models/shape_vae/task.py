"""The autoencoder as the loop sees it, and how runs of it are started and loaded."""

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from renderers.gallery.field_pictures import slice_of, sliced
from renderers.shards.joined import open_shards
from train.data.fields import FieldSampler
from train.data.noise import NoiseFields
from train.loop.config import configured
from train.loop.fit import Outcome, fit
from train.loop.flops import Work
from train.loop.runs import load_network
from train.metrics.meshes import volume_iou
from train.models.shape_vae.config import PRESETS, VAEConfig
from train.models.shape_vae.losses import LOSSES, seen
from train.models.shape_vae.network import ShapeVAE, vae_work
from zeroverse.core import png
from zeroverse.core.files import write_whole

VALIDATED = 32  # held-out objects scored per validation, at most
PREVIEWED = 4


class VAETask:
    """The autoencoder as the loop sees it (`train.loop.Task`)."""

    name = "vae"

    def __init__(self, config: VAEConfig, reader, held_out=None):
        """reader, held_out: ShardReaders whose samples have `fields.npz`."""
        self.config, self.model = config, ShapeVAE(config)
        counts = dict(
            points=config.points,
            salient=config.salient,
            near=config.near,
            volume=config.volume,
            oriented=config.oriented,
            seed=config.seed,
            cache_gb=config.cache_gb,
            on_error=config.on_error,
        )
        self.shapes = FieldSampler(reader, range(len(reader)), **counts)
        self.held_out = FieldSampler(held_out, range(min(len(held_out), VALIDATED)), **counts) if held_out else None
        self.fingerprint, self.bad = self.shapes.fingerprint, self.shapes.bad
        if self.held_out:
            self.held_out.bad = self.bad
            for _ in self.held_out.each_whole():
                pass  # what cannot be scored ends the run or is named now, not hours later at the first validation

    @property
    def work(self) -> Work:
        return vae_work(self.config)

    def close(self) -> None:
        """Ends what runs in the background."""
        self.shapes.close()

    def heaviest(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """Returns the loss of a step with all latent tokens."""
        return self._losses(model, batch, self.config.tokens)[0]

    def timed_parts(self, batch: dict[str, Tensor]) -> dict[str, Callable]:
        """Returns the parts of a step that train.tools.speed times by themselves: none."""
        return {}

    def batch(self, positions: Sequence[int]) -> dict[str, Tensor]:
        return self.shapes.batch(positions)

    def loss(self, model: nn.Module, batch: dict[str, Tensor], step: int) -> tuple[Tensor, dict[str, Tensor]]:
        surface = batch["surface"]
        # creases among the first, from which tokens are chosen
        order = torch.randperm(self.config.points, device=surface.device)
        tokens = self.config.tokens if torch.rand(()) < 0.5 else self.config.fewest_tokens
        return self._losses(model, batch | {"surface": surface[:, order]}, tokens)

    def _losses(self, model: nn.Module, batch: dict[str, Tensor], tokens: int) -> tuple[Tensor, dict[str, Tensor]]:
        config = self.config
        posterior, distance, gradient = model(batch["surface"], batch["queries"], batch["oriented"][..., :3], tokens)
        normals = batch["oriented"][..., 3:]
        shown = seen(distance, gradient, batch["distance"], normals, posterior, config.truncation)
        terms = {term.name: term.loss(shown).mean() for term in LOSSES}
        return sum(term.weight_in(config) * terms[term.name] for term in LOSSES), terms

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        """Returns the share of the volume that target and reconstruction have in common, of that which either has; over
        held-out objects.
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
        """Writes slices of distance, target above reconstruction, of held-out objects if there are any."""
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
    """Returns what queries look at [1, M, width], of as many surface points as a sample of fields has in training's
    mixture, through the posterior's mean.
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
    """Returns distances at points [N, 3] in field units, truncated: [N] float32."""
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
    """Trains on shards with fields (`verse generate detailverse --fields vae`), of one folder or several. The arguments
    are those of `train_lrm`.
    """
    config = configured(preset, PRESETS, steps=steps, seed=seed)
    folders = [data] if isinstance(data, (str, Path)) else list(data)
    held_out = open_shards([validate_dir], on_error=config.on_error) if validate_dir is not None else None
    return fit(
        VAETask(config, open_shards(folders, on_error=config.on_error), held_out), run_dir, resume=resume, device=device
    )


def load_vae(run_dir: str | Path, device: str = "cpu") -> tuple[ShapeVAE, VAEConfig]:
    """Returns the model of a run, or a released one by its name, ready for inference, and its config. Raises as
    train.loop.runs.load_network.
    """
    return load_network(run_dir, VAETask.name, VAEConfig, ShapeVAE, device)


def tool_task(config: VAEConfig, data: str | None = None) -> VAETask:
    """Returns a task on shards, or on fields of noise (train.trainers.Trainer.task)."""
    return VAETask(config, open_shards([data], on_error=config.on_error) if data else NoiseFields(config.batch))
