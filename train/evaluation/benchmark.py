"""Models against frozen protocols, object by object: what `verse benchmark` runs.

Every object's scores are on disk as soon as they are known, so an interrupted run goes on, and one that cannot be
scored costs itself alone.
"""

import hashlib
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import renderers
from renderers.cameras import Cameras
from renderers.cameras.rigs import gso64
from renderers.lighting import UNIFORM
from renderers.passes import on_white
from renderers.shards import ShardError, canonical
from renderers.sources.files import Files
from train.data import posed
from train.data.images import resize_area
from train.data.posed import Posed, PosedError, Subject, expect_shown
from train.evaluation import camera_check, published
from train.evaluation.protocols import choose_targets, find_inputs
from train.evaluation.report import PartlyScored, extremes, figure, summarise, table
from train.geometry.cameras import camera_tensors
from train.loop.ranks import default_device
from train.loop.runs import read_run
from train.metrics.gaussians import chamfer, depth_error, rendered_shape, shrunk_depth, silhouette_iou, visible_surface
from train.metrics.images import LPIPS, psnr, ssim
from train.models.lrm.network import LRM, render_gaussians
from train.models.lrm.task import load_run
from train.splatting import Gaussians
from zeroverse.asset import Asset, AssetError
from zeroverse.core.files import digest, write_whole
from zeroverse.core.limits import TooSlow, time_limit
from zeroverse.core.progress import progress
from zeroverse.core.usage import UsageError, need

RENDER_SIZE = 512  # pixels of the GSO rig; scored after area-averaging to the model's resolution
UNUSABLE = (AssetError, PosedError, ShardError, OSError)  # what readers raise of one object
SETTINGS = {
    "background": "white",
    "tone": "sRGB of albedo x occlusion under uniform white light, no per-object percentile stretch",
    "scored": "sRGB 0..1 at the model's resolution, the whole image, views area-averaged down to it",
    "inputs": "of random-8: drawn once per object name; of the others: the views at the protocol's directions",
    "iou": "of the silhouettes alpha > 0.5, mean over target views; white Gaussians that stand in for background "
    "count against it",
    "depth_error": "mean absolute difference of z along the optical axis over target pixels where both have a "
    "surface, world units (objects: 1.8)",
    "chamfer": "centres of opacity >= 0.1, weighted by it, against the surface that inputs and targets show; mean of "
    "both directions, world units",
    "ssim": "Gaussian window 11, sigma 1.5, K1 0.01, K2 0.03",
    "interval": "95 % percentile bootstrap over objects, 10,000 resamples, seed 0",
}


def benchmark(
    run_dir: Path,
    out: Path,
    *,
    assets: Path | None = None,
    views: Path | None = None,
    protocol: str = "gso-4",
    targets: int = 10,
    lpips: Path | None = None,
    only: Path | None = None,
    up: str = "+Y",
    device: str | None = None,
    on_error: str = "skip",
    timeout: float | None = None,
    on_missing_texture: str = "refuse",
) -> str:
    """Scores the model of `run_dir`, writes results.json, table.md, figure.png and objects/ to `out`; returns the
    table.

    only: a list of objects (`listed`); up: of .obj files. What `out` holds of the same weights, settings and data is
    not scored again. An object of which anything fails, or that takes longer than `timeout` seconds, costs itself;
    with on_error `raise`, the run. on_missing_texture: as `renderers.sources.load` has it. Raises PosedError when no
    object could be scored, PartlyScored at the end when some could not (results hold the rest, and why).
    """
    device = default_device(device)
    model, config = load_run(run_dir, device)
    subjects = of_assets(assets, up, on_missing_texture) if assets else posed.find(views)
    subjects = listed(subjects, only) if only else subjects
    scorer = Scorer(model, LRM(config).to(device), LPIPS.load(lpips) if lpips else None, protocol, targets, config.size)
    settings = SETTINGS | {
        "protocol": protocol,
        "targets": targets,
        "resolution": config.size,
        "weights": digest(read_run(run_dir, "lrm")[1]),
        "lpips": digest(lpips) if lpips else None,
    }
    rows, failed, suspect = [], [], None
    with progress(f"benchmark {protocol}", "object", len(subjects)) as bar:
        for subject in subjects:
            try:
                if (
                    views and suspect is None
                    # of one object: a mistake in the cameras is made for all; first, as with it a protocol may miss its
                    # views
                ):
                    suspect = _suspect(subject)
                with time_limit(timeout):
                    rows.append(_kept(out, settings, subject) or _scored(out, settings, subject, scorer))
            except (Exception, TooSlow) as error:  # an object of somebody else, whatever is wrong with it
                failed.append({"name": subject.name, "reason": _reason(error)})
                if on_error == "raise":
                    raise PosedError(f"{subject.name}: {failed[-1]['reason']}") from error
            bar.counts({"failed": len(failed)})
            bar.update()
    if not rows:
        raise PosedError(f"none of {len(failed)} objects could be scored. First: {_first(failed)}")
    results = {
        "protocol": protocol,
        "resolution": config.size,
        "run": str(run_dir),
        "preset": config.preset,
        "settings": settings,
        "objects": rows,
        "failed": failed,
        "summary": summarise(rows),
        "camera_warnings": suspect or (),
        "published": [row._asdict() for row in published.rows(protocol)],
    }
    text, places = table(results), {subject.name: subject for subject in subjects}
    write_whole(out / "results.json", json.dumps(results, indent=1).encode())
    write_whole(out / "table.md", text.encode())
    write_whole(out / "figure.png", figure([scorer.pictures(places[rows[i]["name"]].open()) for i in extremes(rows)]))
    if failed:
        raise PartlyScored(
            f"{len(failed)} objects could not be scored; {out / 'results.json'} names them and holds the rest. First: "
            f"{_first(failed)}",
            text,
        )
    return text


def evaluate(run_dir: Path, out: Path, asked) -> str:
    """Returns the table of what `verse benchmark` asks of an LRM (train.trainers.Trainer.evaluate).

    asked: train.commands.models.Benchmark. Raises UsageError unless it names either assets or views.
    """
    given = " ".join(f"--{name}" for name in ("assets", "views", "data") if getattr(asked, name) is not None)
    chosen = given in ("--assets", "--views")
    need(chosen, "--assets, --views", "exactly one of them for the run of an LRM", given or "neither")
    return benchmark(
        run_dir,
        out,
        assets=asked.assets,
        views=asked.views,
        protocol=asked.protocol,
        targets=asked.targets,
        lpips=asked.lpips,
        only=asked.objects,
        up=f"+{asked.obj_up.upper()}",
        device=asked.device,
        on_error=asked.on_error,
        timeout=asked.object_timeout,
        on_missing_texture=asked.on_missing_texture,
    )


def _reason(error: BaseException) -> str:
    """On one line; the kind of error too, where it is none that our readers raise."""
    known = isinstance(error, (*UNUSABLE, TooSlow))
    return " ".join((str(error) if known else f"{type(error).__name__}: {error}").split())


def _first(failed: list[dict]) -> str:
    name, reason = failed[0]["name"], failed[0]["reason"]
    return reason if reason.startswith(f"{name}:") else f"{name}: {reason}"


def _suspect(subject: Subject) -> tuple[str, ...] | None:
    """What is odd about its cameras, warned of; None when it cannot be read, as scoring it will say."""
    try:
        found = camera_check.check(subject.open())
    except Exception:  # whatever it is, scoring it says so
        return None
    for warning in found:
        warnings.warn(warning, stacklevel=3)
    return found


# -------------------------------------------------------------------------------------------------------- which objects


def of_assets(folder: Path, up: str = "+Y", on_missing_texture: str = "refuse") -> list[Subject]:
    """Returns the files of a folder, on the GSO rig; only the views that a protocol uses are rendered, when they are
    asked for.
    """
    source = Files(str(folder), up=up, on_missing_texture=on_missing_texture)
    backend, rig = renderers.load("cpu"), gso64(RENDER_SIZE)
    white = "" if on_missing_texture == "refuse" else f" {on_missing_texture}"

    def opened(index: int) -> Posed:
        asset = source.make(index)
        views = _RenderedViews(backend, asset, rig)
        return Posed(asset.uid, rig, views.on_white, views.shape)

    def version(path: Path) -> str:
        return f"{path.stat().st_size} {path.stat().st_mtime_ns} {up}{white}"

    return [
        Subject(source.uid(path), lambda path=path: version(path), lambda index=index: opened(index))
        for index, path in enumerate(source.paths)
    ]


def listed(subjects: Sequence[Subject], path: Path) -> list[Subject]:
    """Returns the subjects that a list names, in its order: a name on each line, or JSON, a list of names or an object
    with one under `objects`.

    Raises UsageError naming what the list has and the subjects do not: a score of fewer objects would not be the score
    of the list.
    """
    names, known = read_list(path), {subject.name: subject for subject in subjects}
    missing = [name for name in names if name not in known]
    if missing:
        raise UsageError(
            f"--objects {path}: {len(missing)} of {len(names)} objects are not there, the first is {missing[0]!r}; "
            f"there are {len(known)}, the first is {next(iter(known), None)!r}"
        )
    return [known[name] for name in names]


def read_list(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    try:
        names = json.loads(text)
    except ValueError:
        names = [line.strip() for line in text.splitlines() if line.strip()]
    names = names.get("objects") if isinstance(names, dict) else names
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise UsageError(
            f"--objects {path}: expected a name on each line, a JSON list of names, or one under the key objects"
        )
    return list(dict.fromkeys(names))


class _RenderedViews:
    """The views of an asset, rendered when they are asked for, once for colour and shape."""

    def __init__(self, backend, asset: Asset, rig: Cameras):
        self.render = lru_cache(1)(
            lambda views: backend.render(asset, rig[list(views)], UNIFORM, ("rgb", "alpha", "depth"))
        )

    def on_white(self, views: Sequence[int]) -> np.ndarray:
        images = self.render(tuple(views))
        return on_white(images["rgb"], images["alpha"])

    def shape(self, views: Sequence[int]) -> dict[str, np.ndarray]:
        images = self.render(tuple(views))
        return {"alpha": images["alpha"] / np.float32(255), "depth": images["depth"]}


# --------------------------------------------------------------------------------------------------------- what is kept


def _stamp(settings: dict, subject: Subject) -> str:
    return hashlib.sha256(canonical(settings | {"version": subject.version()})).hexdigest()


def _place(out: Path, subject: Subject) -> Path:
    return out / "objects" / f"{subject.name}.json"


def _kept(out: Path, settings: dict, subject: Subject) -> dict | None:
    """The row of an earlier run, if it is of the same weights, settings and data."""
    try:
        saved = json.loads(_place(out, subject).read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return saved["row"] if saved.get("stamp") == _stamp(settings, subject) else None


def _scored(out: Path, settings: dict, subject: Subject, scorer: "Scorer") -> dict:
    row = scorer.row(subject.open())
    _place(out, subject).parent.mkdir(parents=True, exist_ok=True)
    write_whole(_place(out, subject), json.dumps({"stamp": _stamp(settings, subject), "row": row}, indent=1).encode())
    return row


# -------------------------------------------------------------------------------------------------------------- scoring


@dataclass(frozen=True)
class Scorer:
    """A model and its floors under one protocol. measure: LPIPS, or None to leave it out; size: the model's
    resolution.
    """

    model: LRM
    untrained: LRM
    measure: LPIPS | None
    protocol: str
    targets: int
    size: int

    def row(self, item: Posed) -> dict:
        trial, scores = prepare(item, self.protocol, self.targets, self.size), {}
        for name, network in (("model", self.model), ("untrained", self.untrained)):
            gaussians, pred = reconstruct_views(network, trial)
            scores[name] = score(pred, trial.target, self.measure) | score_shape(gaussians, trial)
        scores["nearest input"] = score(nearest_input(trial), trial.target, self.measure)
        return {"name": item.name, "inputs": trial.inputs, "targets": trial.targets, "scores": scores}

    def pictures(self, item: Posed) -> tuple[Tensor, Tensor, Tensor]:
        """Returns (inputs, prediction, target), each [., 3, S, S]."""
        trial = prepare(item, self.protocol, self.targets, self.size)
        return trial.seen, reconstruct_views(self.model, trial)[1], trial.target


@dataclass(frozen=True, eq=False)
class Trial:
    """One object at the model's resolution: views [V, 3, S, S] in 0..1 and their cameras, inputs and targets apart.

    alpha, depth: of the targets, and surface: world points from all depth at the resolution it came in; None where the
        target has none.
    """

    inputs: list[int]
    targets: list[int]
    seen: Tensor  # [I, 3, S, S]
    target: Tensor  # [T, 3, S, S]
    seen_cameras: Cameras
    target_cameras: Cameras
    alpha: Tensor | None = None  # [T, S, S]
    depth: Tensor | None = None  # [T, S, S], 0 where there is no surface
    surface: np.ndarray | None = None  # [P, 3]


def prepare(item: Posed, protocol: str, targets: int, size: int) -> Trial:
    if min(item.cameras.width, item.cameras.height) < size:
        raise PosedError(
            f"{item.name}: expected views of at least {size} pixels, as the model makes, got {item.cameras.width} x "
            f"{item.cameras.height}"
        )
    inputs = find_inputs(item.cameras, protocol, item.name)
    chosen = choose_targets(len(item.cameras), inputs, targets, protocol, item.name)
    images = torch.from_numpy(resize_area(item.read([*inputs, *chosen]), size, size)).permute(0, 3, 1, 2) / 255.0
    cameras, shape = item.cameras.resized(size, size), _target_shape(item, inputs, chosen, size)
    return Trial(
        inputs, chosen, images[: len(inputs)], images[len(inputs) :], cameras[inputs], cameras[chosen], **shape
    )


def _target_shape(item: Posed, inputs: list[int], targets: list[int], size: int) -> dict:
    """The fields alpha, depth and surface of a `Trial`, those that the views have. Raises PosedError when they show
    nothing.
    """
    known, found = item.shape([*inputs, *targets]), {}
    if "alpha" in known:
        alpha = resize_area(known["alpha"], size, size)
        expect_shown(item.name, alpha)
        found["alpha"] = torch.from_numpy(alpha[len(inputs) :, ..., 0])
    if "depth" in known:
        found["depth"] = torch.from_numpy(shrunk_depth(known["depth"][len(inputs) :], size))
        found["surface"] = visible_surface(known["depth"], item.cameras[[*inputs, *targets]])
    return found


@torch.no_grad()
def reconstruct_views(model: LRM, trial: Trial) -> tuple[Gaussians, Tensor]:
    """Returns the model's Gaussians [1, N] from the input views, and what the target cameras see of them on white, [T,
    3, S, S]; on the CPU.
    """
    device = next(model.parameters()).device
    seen, target = (
        [x.to(device) for x in camera_tensors(cameras)] for cameras in (trial.seen_cameras, trial.target_cameras)
    )
    gaussians = model(trial.seen[None].to(device), *seen)
    pred = render_gaussians(gaussians, *target, trial.target_cameras.width)[0].clamp(0, 1)
    return gaussians.map(Tensor.cpu), pred.cpu()


def nearest_input(trial: Trial) -> Tensor:  # [T, 3, S, S]
    """Returns the floor that needs no model: the input whose camera direction is nearest to the target's."""
    return trial.seen[
        torch.from_numpy((trial.target_cameras.directions @ trial.seen_cameras.directions.T).argmax(axis=1))
    ]


def score(pred: Tensor, target: Tensor, measure: LPIPS | None) -> dict[str, float]:
    """Returns the mean over one object's target views; equal images count as 100 dB, not infinity, of which there is no
    interval.
    """
    scores = {"psnr": psnr(pred, target).clamp(max=100.0).mean().item(), "ssim": ssim(pred, target).mean().item()}
    if measure is not None:
        scores["lpips"] = measure(pred, target).mean().item()
    return scores


@torch.no_grad()
def score_shape(gaussians: Gaussians, trial: Trial) -> dict[str, float | None]:
    """Returns the scores of silhouettes, depth and surface, as far as the target has them. None: nothing to compare,
    because the prediction is empty there.
    """
    depth, alpha = rendered_shape(gaussians, *camera_tensors(trial.target_cameras), trial.target_cameras.width)
    scores = {"iou": silhouette_iou(alpha, trial.alpha)} if trial.alpha is not None else {}
    if trial.depth is not None:
        scores |= {"depth_error": depth_error(depth, alpha, trial.depth), "chamfer": chamfer(gaussians, trial.surface)}
    return scores
