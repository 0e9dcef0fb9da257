"""Frozen protocols, per-object scores, and intervals: what `verse benchmark` runs.

Inputs are found by where their cameras stand, not by their order, so a rig whose axes, handedness or up direction are off fails with the
camera that is missing. Targets are drawn once and for ever from the views that are not inputs, keyed by protocol and object name.
"""
import json
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

import renderers
from renderers.camera import Cameras, gso64, spherical
from renderers.lighting import UNIFORM
from renderers.sources import Files
from train import camera_check, posed, published
from train.data import composite, resize_area
from train.gaussians import Gaussians
from train.lrm import LRM, camera_tensors, draw, load_run
from train.metrics import LPIPS, bootstrap_interval, psnr, ssim
from train.posed import Posed, PosedError
from train.shape_scores import chamfer, depth_error, rendered_shape, shrunk_depth, silhouette_iou, surface_points
from zeroverse import png
from zeroverse.asset import Asset, AssetError
from zeroverse.files import write_whole
from zeroverse.rng import Rng

PROTOCOLS = {  # name -> (elevation, azimuth) of the inputs in degrees, on the 64-view GSO rig; or how many of any rig's views
    "gso-4": ((20, 0), (20, 90), (20, 180), (20, 270)),
    "gso-4-45": ((20, 45), (20, 135), (20, 225), (20, 315)),
    "gso-8": ((0, 0), (0, 90), (0, 180), (0, 270), (40, 45), (40, 135), (40, 225), (40, 315)),
    "random-8": 8,
}
MAX_ANGLE_DEG = 1.0  # a view this close to a protocol's direction is that view
RENDER_SIZE = 512  # pixels of the GSO rig; scored after area-averaging to the model's resolution
BOOTSTRAP_SEED = 0
SETTINGS = {
    "background": "white", "tone": "sRGB of albedo x occlusion under uniform white light, no per-object percentile stretch",
    "scored": "sRGB 0..1 at the model's resolution, the whole image, views area-averaged down to it",
    "inputs": "of random-8: drawn once per object name; of the others: the views at the protocol's directions",
    "iou": "of the silhouettes alpha > 0.5, mean over target views; white Gaussians that stand in for background count against it",
    "depth_error": "mean absolute difference of z along the optical axis over target pixels where both have a surface, world units (objects: 1.8)",
    "chamfer": "centres of opacity >= 0.1, weighted by it, against the surface that inputs and targets show; mean of both directions, world units",
    "ssim": "Gaussian window 11, sigma 1.5, K1 0.01, K2 0.03", "interval": "95 % percentile bootstrap over objects, 10,000 resamples, seed 0",
}


def benchmark(run_dir: Path, out: Path, *, assets: Path | None = None, views: Path | None = None, protocol: str = "gso-4", targets: int = 10,
              lpips: Path | None = None) -> str:
    """Score the model of `run_dir`, write results.json, table.md and figure.png to `out`; returns the table.

    Raises PosedError when a rig lacks an input view, RuntimeError at the end when some objects could not be scored (results hold the rest).
    """
    torch.manual_seed(0)
    model, config = load_run(run_dir)
    untrained = LRM(config)
    measure = LPIPS.load(lpips) if lpips else None
    failed: list[dict] = []
    objects = list(_rendered(assets, protocol, targets, failed)) if assets else posed.find(views)
    suspect = camera_check.check(objects[0]) if views else ()  # of one object: a mistake in the cameras is made for all
    for warning in suspect:
        warnings.warn(warning, stacklevel=2)
    rows, shown = [], []
    for item in tqdm(objects, desc=f"benchmark {protocol}", unit="object"):
        trial = prepare(item, protocol, targets, config.size)
        scores = {}
        for name, network in (("model", model), ("untrained", untrained)):
            gaussians, pred = reconstruct_views(network, trial)
            scores[name] = score(pred, trial.truth, measure) | score_shape(gaussians, trial)
            if network is model:
                shown.append((trial, pred))
        scores["nearest input"] = score(nearest_input(trial), trial.truth, measure)
        rows.append({"name": item.name, "inputs": trial.inputs, "targets": trial.targets, "scores": scores})
    results = {"protocol": protocol, "resolution": config.size, "run": str(run_dir), "preset": config.preset, "settings": SETTINGS,
               "objects": rows, "failed": failed, "summary": summarise(rows), "camera_warnings": suspect,
               "published": [row._asdict() for row in published.rows(protocol)]}
    text = table(results)
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / "results.json", json.dumps(results, indent=1).encode())
    write_whole(out / "table.md", text.encode())
    write_whole(out / "figure.png", figure(rows, shown))
    if failed:
        raise RuntimeError(f"{len(failed)} objects could not be scored; {out / 'results.json'} names them and holds the rest. First: {failed[0]['reason']}")
    return text


@dataclass(frozen=True, eq=False)
class Trial:
    """One object at the model's resolution: views [V, 3, S, S] in 0..1 and their cameras, inputs and targets apart.

    alpha, depth: of the targets, and surface: world points from all depth at the resolution it came in; None where the truth has none.
    """

    inputs: list[int]
    targets: list[int]
    seen: Tensor  # [I, 3, S, S]
    truth: Tensor  # [T, 3, S, S]
    seen_cameras: Cameras
    truth_cameras: Cameras
    alpha: Tensor | None = None  # [T, S, S]
    depth: Tensor | None = None  # [T, S, S], 0 where there is no surface
    surface: np.ndarray | None = None  # [P, 3]


def prepare(item: Posed, protocol: str, targets: int, size: int) -> Trial:
    inputs = find_inputs(item.cameras, protocol, item.name)
    chosen = choose_targets(len(item.cameras), inputs, targets, protocol, item.name)
    images = torch.from_numpy(resize_area(item.read([*inputs, *chosen]), size, size)).permute(0, 3, 1, 2) / 255.0
    cameras, shape = item.cameras.resized(size, size), _true_shape(item, inputs, chosen, size)
    return Trial(inputs, chosen, images[:len(inputs)], images[len(inputs):], cameras[inputs], cameras[chosen], **shape)


def _true_shape(item: Posed, inputs: list[int], targets: list[int], size: int) -> dict:
    """The fields alpha, depth and surface of a `Trial`, those that the views have."""
    known, found = item.shape([*inputs, *targets]), {}
    if "alpha" in known:
        found["alpha"] = torch.from_numpy(resize_area(known["alpha"][len(inputs):], size, size)[..., 0])
    if "depth" in known:
        found["depth"] = torch.from_numpy(shrunk_depth(known["depth"][len(inputs):], size))
        found["surface"] = surface_points(known["depth"], item.cameras[[*inputs, *targets]])
    return found


def find_inputs(cameras: Cameras, protocol: str, name: str) -> list[int]:
    """The indices of a protocol's input views. Raises PosedError naming the direction that no camera looks from."""
    if isinstance(PROTOCOLS[protocol], int):
        return _random_inputs(len(cameras), PROTOCOLS[protocol], protocol, name)
    wanted = np.array(PROTOCOLS[protocol], dtype=np.float64)
    directions = spherical(wanted[:, 1], wanted[:, 0], 1.0)
    centers = cameras.centers / np.linalg.norm(cameras.centers, axis=1, keepdims=True)
    angles = np.degrees(np.arccos(np.clip(directions @ centers.T, -1.0, 1.0)))  # [I, V]
    for (elevation, azimuth), row in zip(PROTOCOLS[protocol], angles):
        if row.min() > MAX_ANGLE_DEG:
            raise PosedError(f"{name}: protocol {protocol} needs a view from elevation {elevation}, azimuth {azimuth} degrees (+Z up); "
                             f"the nearest camera is {row.min():.1f} degrees away")
    return [int(index) for index in angles.argmin(axis=1)]


def _random_inputs(views: int, count: int, protocol: str, name: str) -> list[int]:
    if views < count:
        raise PosedError(f"{name}: protocol {protocol} needs {count} views, got {views}")
    return sorted(np.argsort(Rng("benchmark inputs", protocol, name).unit(views), kind="stable")[:count].tolist())


def choose_targets(views: int, inputs: list[int], count: int, protocol: str, name: str) -> list[int]:
    """`count` views that are not inputs, drawn without replacement from a stream keyed by protocol and object."""
    others = [view for view in range(views) if view not in inputs]
    if len(others) < count:
        raise PosedError(f"{name}: expected {count} views that are not inputs, got {len(others)}")
    order = np.argsort(Rng("benchmark", protocol, name).unit(len(others)), kind="stable")
    return sorted(others[i] for i in order[:count])


def _rendered(folder: Path, protocol: str, targets: int, failed: list[dict]) -> Iterator[Posed]:
    """GLB files as posed objects: only the views that the protocol uses are drawn, when they are asked for."""
    source, backend, rig = Files(str(folder)), renderers.load("cpu"), gso64(RENDER_SIZE)
    for index in range(source.size()):
        try:
            asset = source.make(index)
        except AssetError as error:
            failed.append({"name": source.label(index), "reason": str(error)})
            continue

        views = _RenderedViews(backend, asset, rig)
        yield Posed(asset.uid, rig, views.on_white, views.shape)


class _RenderedViews:
    """The views of an asset, drawn when they are asked for, once for colour and shape."""

    def __init__(self, backend, asset: Asset, rig: Cameras):
        self.draw = lru_cache(1)(lambda views: backend.render(asset, rig[list(views)], UNIFORM, ("rgb", "alpha", "depth")))

    def on_white(self, views: Sequence[int]) -> np.ndarray:
        images = self.draw(tuple(views))
        return composite(images["rgb"], images["alpha"])

    def shape(self, views: Sequence[int]) -> dict[str, np.ndarray]:
        images = self.draw(tuple(views))
        return {"alpha": images["alpha"] / np.float32(255), "depth": images["depth"]}


@torch.no_grad()
def reconstruct_views(model: LRM, trial: Trial) -> tuple[Gaussians, Tensor]:
    """The model's Gaussians [1, N] from the input views, and what the target cameras see of them on white, [T, 3, S, S]."""
    gaussians = model(trial.seen[None], *camera_tensors(trial.seen_cameras))
    return gaussians, draw(gaussians, *camera_tensors(trial.truth_cameras), trial.truth_cameras.width)[0].clamp(0, 1)


def nearest_input(trial: Trial) -> Tensor:  # [T, 3, S, S]
    """The floor that needs no model: the input whose camera direction is nearest to the target's."""
    seen, wanted = (cameras.centers / np.linalg.norm(cameras.centers, axis=1, keepdims=True) for cameras in (trial.seen_cameras, trial.truth_cameras))
    return trial.seen[torch.from_numpy((wanted @ seen.T).argmax(axis=1))]


def score(pred: Tensor, truth: Tensor, measure: LPIPS | None) -> dict[str, float]:
    """Mean over one object's target views; equal images count as 100 dB, not infinity, of which there is no interval."""
    scores = {"psnr": psnr(pred, truth).clamp(max=100.0).mean().item(), "ssim": ssim(pred, truth).mean().item()}
    if measure is not None:
        scores["lpips"] = measure(pred, truth).mean().item()
    return scores


@torch.no_grad()
def score_shape(gaussians: Gaussians, trial: Trial) -> dict[str, float | None]:
    """Silhouettes, depth and surface, as far as the truth has them. None: nothing to compare, because the prediction is empty there."""
    depth, alpha = rendered_shape(gaussians, *camera_tensors(trial.truth_cameras), trial.truth_cameras.width)
    scores = {"iou": silhouette_iou(alpha, trial.alpha)} if trial.alpha is not None else {}
    if trial.depth is not None:
        scores |= {"depth_error": depth_error(depth, alpha, trial.depth), "chamfer": chamfer(gaussians, trial.surface)}
    return scores


def summarise(rows: list[dict]) -> dict:
    """{what: {metric: {mean, low, high, objects}}} over the objects that have the metric."""
    summary = {}
    for what in dict.fromkeys(what for row in rows for what in row["scores"]):
        scores = [row["scores"][what] for row in rows]
        metrics = dict.fromkeys(metric for row in scores for metric in row)
        values = {metric: [row[metric] for row in scores if row.get(metric) is not None] for metric in metrics}
        summary[what] = {metric: _interval(found) for metric, found in values.items() if found}
    return summary


def _interval(values: list[float]) -> dict[str, float]:
    low, high = bootstrap_interval(values, BOOTSTRAP_SEED)
    return {"mean": float(np.mean(values)), "low": low, "high": high, "objects": len(values)}


def table(results: dict) -> str:
    """The summary, published numbers of the protocol, then every object, as Markdown."""
    lpips = {"lpips": None} if results["published"] else {}  # published with every row, so it has a column even when we did not measure it
    metrics = list(dict.fromkeys(["psnr", "ssim", *lpips, *(metric for scores in results["summary"].values() for metric in scores)]))
    head = ["| | " + " | ".join(metric.replace("_", " ").upper() for metric in metrics) + " |", "| --- |" + " --- |" * len(metrics)]
    lines = [f"{len(results['objects'])} objects, protocol {results['protocol']}, {results['resolution']} px, preset {results['preset']}; "
             "mean [95 % interval over objects]", "", *head]
    for what, scores in results["summary"].items():
        lines.append(_line(what, [_with_interval(metric, scores.get(metric)) for metric in metrics]))
    for row in (published.Row(**row) for row in results["published"]):
        lines.append(_line(published.label(row), [_shown(metric, getattr(row, metric, None)) for metric in metrics]))
    lines += ["", head[0].replace("| |", "| object |"), head[1]]
    for row in results["objects"]:
        lines.append(_line(row["name"], [_shown(metric, row["scores"]["model"].get(metric)) for metric in metrics]))
    return "\n".join(lines) + "\n"


def _line(label: str, cells: list[str]) -> str:
    return f"| {label} | " + " | ".join(cells) + " |"


def _with_interval(metric: str, value: dict | None) -> str:
    return f"{_shown(metric, value['mean'])} [{_shown(metric, value['low'])}, {_shown(metric, value['high'])}]" if value else "–"


def _shown(metric: str, value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}" if metric == "psnr" else f"{value:.3f}"


def figure(rows: list[dict], shown: list[tuple[Trial, Tensor]]) -> bytes:
    """Worst, median and best object: inputs, then prediction above truth for some targets. PNG bytes."""
    order = sorted(range(len(rows)), key=lambda i: rows[i]["scores"]["model"]["psnr"])
    picked = list(dict.fromkeys((order[0], order[len(order) // 2], order[-1])))
    lines = []
    for trial, pred in (shown[i] for i in picked):
        count = min(6, len(trial.targets))
        lines.append(torch.cat([*trial.seen[:4], *pred[:count]], dim=2))
        lines.append(torch.cat([torch.ones_like(trial.seen[0])] * min(4, len(trial.seen)) + list(trial.truth[:count]), dim=2))
    image = torch.cat(lines, dim=1)
    return png.encode(np.ascontiguousarray((image.permute(1, 2, 0) * 255).round().byte().numpy()))
