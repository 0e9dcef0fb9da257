"""Frozen protocols, per-object scores, and intervals: what `verse benchmark` runs.

Inputs are found by where their cameras stand, not by their order, so a rig whose axes, handedness or up direction are off fails with the
camera that is missing. Targets are drawn once and for ever from the views that are not inputs, keyed by protocol and object name.
"""
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

import renderers
from renderers import png
from renderers.camera import Cameras, gso64, spherical
from renderers.lighting import UNIFORM
from renderers.sources import Files
from train import posed
from train.data import composite, resize_area
from train.lrm import LRM, camera_tensors, draw, load_run
from train.metrics import LPIPS, bootstrap_interval, psnr, ssim
from train.posed import Posed, PosedError
from zeroverse.asset import AssetError
from zeroverse.files import write_whole
from zeroverse.rng import Rng

PROTOCOLS = {  # name -> (elevation, azimuth) of the inputs in degrees, on the 64-view GSO rig
    "gso-4": ((20, 0), (20, 90), (20, 180), (20, 270)),
    "gso-4-45": ((20, 45), (20, 135), (20, 225), (20, 315)),
    "gso-8": ((0, 0), (0, 90), (0, 180), (0, 270), (40, 45), (40, 135), (40, 225), (40, 315)),
}
MAX_ANGLE_DEG = 1.0  # a view this close to a protocol's direction is that view
RENDER_SIZE = 512  # pixels of the GSO rig; scored after area-averaging to the model's resolution
BOOTSTRAP_SEED = 0
SETTINGS = {
    "background": "white", "tone": "sRGB of albedo x occlusion under uniform white light, no per-object percentile stretch",
    "scored": "sRGB 0..1 at the model's resolution, the whole image, views area-averaged down to it",
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
    rows, shown = [], []
    for item in tqdm(objects, desc=f"benchmark {protocol}", unit="object"):
        trial = prepare(item, protocol, targets, config.size)
        predictions = {"model": reconstruct_views(model, trial), "nearest input": nearest_input(trial), "untrained": reconstruct_views(untrained, trial)}
        rows.append({"name": item.name, "inputs": trial.inputs, "targets": trial.targets,
                     "scores": {name: score(pred, trial.truth, measure) for name, pred in predictions.items()}})
        shown.append((trial, predictions["model"]))
    results = {"protocol": protocol, "resolution": config.size, "run": str(run_dir), "preset": config.preset, "settings": SETTINGS,
               "objects": rows, "failed": failed, "summary": summarise(rows)}
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
    """One object at the model's resolution: views [V, 3, S, S] in 0..1 and their cameras, inputs and targets apart."""

    inputs: list[int]
    targets: list[int]
    seen: Tensor  # [I, 3, S, S]
    truth: Tensor  # [T, 3, S, S]
    seen_cameras: Cameras
    truth_cameras: Cameras


def prepare(item: Posed, protocol: str, targets: int, size: int) -> Trial:
    inputs = find_inputs(item.cameras, protocol, item.name)
    chosen = choose_targets(len(item.cameras), inputs, targets, protocol, item.name)
    images = torch.from_numpy(resize_area(item.read([*inputs, *chosen]), size, size)).permute(0, 3, 1, 2) / 255.0
    cameras = item.cameras.resized(size, size)
    return Trial(inputs, chosen, images[:len(inputs)], images[len(inputs):], cameras[inputs], cameras[chosen])


def find_inputs(cameras: Cameras, protocol: str, name: str) -> list[int]:
    """The indices of a protocol's input views. Raises PosedError naming the direction that no camera looks from."""
    wanted = np.array(PROTOCOLS[protocol], dtype=np.float64)
    directions = spherical(wanted[:, 1], wanted[:, 0], 1.0)
    centers = cameras.centers / np.linalg.norm(cameras.centers, axis=1, keepdims=True)
    angles = np.degrees(np.arccos(np.clip(directions @ centers.T, -1.0, 1.0)))  # [I, V]
    for (elevation, azimuth), row in zip(PROTOCOLS[protocol], angles):
        if row.min() > MAX_ANGLE_DEG:
            raise PosedError(f"{name}: protocol {protocol} needs a view from elevation {elevation}, azimuth {azimuth} degrees (+Z up); "
                             f"the nearest camera is {row.min():.1f} degrees away")
    return [int(index) for index in angles.argmin(axis=1)]


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

        def read(views, asset=asset):
            images = backend.render(asset, rig[list(views)], UNIFORM, ("rgb", "alpha"))
            return composite(images["rgb"], images["alpha"])
        yield Posed(asset.uid, rig, read)


@torch.no_grad()
def reconstruct_views(model: LRM, trial: Trial) -> Tensor:  # [T, 3, S, S]
    """The model's Gaussians from the input views, seen by the target cameras on white."""
    gaussians = model(trial.seen[None], *camera_tensors(trial.seen_cameras))
    return draw(gaussians, *camera_tensors(trial.truth_cameras), trial.truth_cameras.width)[0].clamp(0, 1)


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


def summarise(rows: list[dict]) -> dict:
    """{what: {metric: {mean, low, high}}} over objects."""
    return {what: {metric: _interval([row["scores"][what][metric] for row in rows]) for metric in rows[0]["scores"][what]} for what in rows[0]["scores"]}


def _interval(values: list[float]) -> dict[str, float]:
    low, high = bootstrap_interval(values, BOOTSTRAP_SEED)
    return {"mean": float(np.mean(values)), "low": low, "high": high}


def table(results: dict) -> str:
    """The summary, then every object, as Markdown."""
    metrics = list(next(iter(results["summary"].values())))
    lines = [f"{len(results['objects'])} objects, protocol {results['protocol']}, {results['resolution']} px, preset {results['preset']}; "
             "mean [95 % interval over objects]", "",
             "| | " + " | ".join(metric.upper() for metric in metrics) + " |", "| --- |" + " --- |" * len(metrics)]
    for what, scores in results["summary"].items():
        cells = [f"{_shown(metric, value['mean'])} [{_shown(metric, value['low'])}, {_shown(metric, value['high'])}]" for metric, value in scores.items()]
        lines.append(f"| {what} | " + " | ".join(cells) + " |")
    lines += ["", "| object | " + " | ".join(metric.upper() for metric in metrics) + " |", "| --- |" + " --- |" * len(metrics)]
    for row in results["objects"]:
        lines.append(f"| {row['name']} | " + " | ".join(_shown(metric, value) for metric, value in row["scores"]["model"].items()) + " |")
    return "\n".join(lines) + "\n"


def _shown(metric: str, value: float) -> str:
    return f"{value:.2f}" if metric == "psnr" else f"{value:.3f}"


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
