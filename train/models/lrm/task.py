"""The LRM as the loop sees it, and how runs of it are started and loaded."""

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from renderers.shards.joined import open_shards
from train import weights
from train.data.curriculum import Curriculum, complexities
from train.data.noise import Noise
from train.data.online import FreshViews, is_generated, source_of
from train.data.views import ViewSampler
from train.geometry.cameras import world_to_camera
from train.loop.config import configured
from train.loop.fit import Outcome, fit
from train.loop.flops import Work
from train.loop.runs import RunError, load_network
from train.losses.images import perceptual_loss
from train.metrics.images import psnr, ssim
from train.models.lrm.config import NETWORK, PRESETS, LRMConfig
from train.models.lrm.losses import LOSSES, Seen
from train.models.lrm.network import LRM, lrm_work, render_gaussians
from train.splatting.labels import render_geometry
from zeroverse.core import png
from zeroverse.core.files import write_whole

VALIDATED = 64  # held-out objects scored per validation, at most
PREVIEWED = 4


class LRMTask:
    """The LRM as the loop sees it (`train.loop.Task`)."""

    name = "lrm"

    def __init__(self, config: LRMConfig, reader=None, held_out=None, source=None):
        """reader, held_out: ShardReaders or alike; source: of renderers.sources, for fresh objects in the place of a
        reader.
        """
        self.config = config
        self.model = LRM(config)
        if config.start_from:
            self.model.load_state_dict(_start(config).state_dict())
        self.perceptual = perceptual_loss(config.perceptual)
        views = dict(
            size=config.size,
            pool=config.pool,
            inputs=config.inputs,
            targets=config.targets,
            seed=config.seed,
            on_error=config.on_error,
        )
        labels = any(term.labels and term.weight_in(config) for term in LOSSES)
        training = views | dict(view_angle_deg=config.view_angle_deg, labels=labels)
        if source is not None:
            self.train_views = FreshViews(source, processes=config.processes, **training)
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

    def close(self) -> None:
        """Ends what makes objects in the background."""
        self.train_views.close()

    def heaviest(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """Returns the loss of a step that has all its terms."""
        return self.loss(model, batch, max(self.config.point_steps, self.config.perceptual_after))[0]

    def timed_parts(self, batch: dict[str, Tensor]) -> dict[str, Callable]:
        """Returns the parts of a step that train.tools.speed times by themselves: the splatting of the targets."""
        with torch.no_grad():
            gaussians = self.model(batch["rgb"] / 255, batch["c2w"], batch["intrinsics"])
        gaussians = gaussians.map(lambda x: x.requires_grad_())
        cameras = batch["target_c2w"], batch["target_intrinsics"]
        return {"splatting": lambda: render_gaussians(gaussians, *cameras, self.config.size).square().mean().backward()}

    def batch(self, positions: Sequence[int]) -> dict[str, Tensor]:
        return self.train_views.batch(positions)

    def loss(self, model: nn.Module, batch: dict[str, Tensor], step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Returns the mean squared error, the perceptual term and those of geometry that have a weight; in the first
        `point_steps`, only the centres' mean squared distance from the origin.
        """
        config = self.config
        if step < config.point_steps:
            gaussians = model(batch["rgb"] / 255, batch["c2w"], batch["intrinsics"], clip=False)
            points = config.point_weight * gaussians.means.square().sum(-1).mean()
            return points, {"points": points}
        weights = {term.name: term.weight_in(config, step) for term in LOSSES}
        terms = [term for term in LOSSES if weights[term.name]]
        seen = self._seen(model, batch, any(term.rendered for term in terms))
        values = {term.name: term.loss(seen).mean() for term in terms}
        loss = sum(weights[name] * value for name, value in values.items())
        return loss, {**values, "psnr": psnr(seen.pred.detach(), seen.target).mean()}

    def _seen(self, model: nn.Module, batch: dict[str, Tensor], geometry: bool) -> Seen:
        """Returns the target views, with their geometry where a term looks at it."""
        gaussians, target = model(batch["rgb"] / 255, batch["c2w"], batch["intrinsics"]), batch["target_rgb"] / 255
        c2w, intrinsics, size = batch["target_c2w"], batch["target_intrinsics"], target.shape[-1]
        rendered = render_geometry(gaussians, world_to_camera(c2w), intrinsics, size, size) if geometry else None
        pred = rendered.image if geometry else render_gaussians(gaussians, c2w, intrinsics, size)
        return Seen(gaussians, pred, target, batch, rendered, self.perceptual)

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
        """Writes one row per object, held-out ones if there are any: inputs, predictions, targets."""
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
    """Returns the target views of a batch of `ViewSampler`: [B, V, 3, S, S]."""
    gaussians = model(batch["rgb"] / 255, batch["c2w"], batch["intrinsics"])
    return render_gaussians(gaussians, batch["target_c2w"], batch["target_intrinsics"], batch["target_rgb"].shape[-1])


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
    """Trains on a folder of shards, on several as one set (renderers.shards.joined), or on fresh objects of
    `generate:zeroverse` or `generate:detailverse`.

    preset: a name of PRESETS, or a config of your own; steps, seed and start_from (a run's folder or a released model),
        when given, replace its.
    validate_dir: shards of objects that are not trained on, scored now and then and shown in the previews.
    """
    config = configured(
        preset, PRESETS, steps=steps, seed=seed, start_from=None if start_from is None else str(start_from)
    )
    held_out = open_shards([validate_dir], config.size, config.on_error) if validate_dir is not None else None
    task = LRMTask(config, held_out=held_out, **open_data(data, config.seed, config.size, config.on_error))
    try:
        return fit(task, run_dir, resume=resume, device=device)
    finally:
        task.close()


def open_data(data: str | Path | Sequence[str | Path], seed: int, size: int, on_error: str = "raise") -> dict:
    """Returns {"reader": …} or {"source": …}, as LRMTask takes them.

    Raises ValueError for fresh objects beside folders: an endless stream has no share in a set.
    """
    names = [str(data)] if isinstance(data, (str, Path)) else [str(name) for name in data]
    fresh = [name for name in names if is_generated(name)]
    if fresh and len(names) > 1:
        raise ValueError(f"data: expected folders of shards only, or {fresh[0]} by itself, got {' '.join(names)}")
    return {"source": source_of(fresh[0], seed)} if fresh else {"reader": open_shards(names, size, on_error)}


def load_run(run_dir: str | Path, device: str = "cpu") -> tuple[LRM, LRMConfig]:
    """Returns the model of a run, or a released one by its name, ready for inference, and its config. Raises as
    train.loop.runs.load_network.
    """
    return load_network(run_dir, LRMTask.name, LRMConfig, LRM, device)


def tool_task(config: LRMConfig, data: str | None = None) -> LRMTask:
    """Returns a task on data, as `train_lrm` takes it, or on views of noise (train.trainers.Trainer.task)."""
    noise = {"reader": Noise(config.batch, config.pool, config.size)}
    return LRMTask(config, **(open_data(data, config.seed, config.size) if data else noise))
