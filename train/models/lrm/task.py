"""The LRM as the loop sees it, and how runs of it are started and loaded."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from renderers.shards.joined import open_shards
from train import weights
from train.data.curriculum import Curriculum, complexities
from train.data.online import FreshViews, is_generated, source_of
from train.data.views import ViewSampler
from train.geometry.cameras import camera_rays, inverse
from train.loop.config import configured
from train.loop.fit import Outcome, fit
from train.loop.flops import Work
from train.loop.runs import RunError, read_run
from train.losses.geometry import center_error, depth_error, normal_error
from train.losses.images import mse, perceptual_loss
from train.metrics.images import psnr, ssim
from train.models.lrm.config import NETWORK, PRESETS, LRMConfig
from train.models.lrm.network import LRM, draw, lrm_work
from train.splatting import Gaussians
from train.splatting.labels import draw_geometry, surface_points
from zeroverse.core import png
from zeroverse.core.files import write_whole

VALIDATED = 64  # held-out objects scored per validation, at most
PREVIEWED = 4


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
