"""What rendering Gaussians and training cost here: `python -m train.tools.speed` prints Markdown tables, on a CPU or a
GPU.

Splatting is timed forward, and forward and backward, with every backend that runs here; on a CPU in CPU time of all
threads (process_time), so that a busy machine matters little, on a GPU in wall time from idle to idle. With `--preset`
some steps of the trainer follow, in wall time, as its own log has
them: model operations over what the device's matrix products reach (train/loop/flops.py), the wait for data, and the
share of splatting, timed by itself on the Gaussians that the model makes. Without `--data` the views are noise that
lies decoded in memory, so that the wait is the loop's own.
"""

import argparse
import importlib
import json
import math
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from renderers.cameras.rigs import turntable
from train.geometry.cameras import camera_rays, camera_tensors, world_to_camera
from train.loop.config import LoopConfig
from train.loop.fit import fit
from train.splatting import BACKENDS, Gaussians, backend_triton, describe, render
from train.trainers import TRAINERS, Trainer
from zeroverse.core.rng import Rng
from zeroverse.core.tables import table_lines

VIEWS = 4
RADIUS = 0.7  # of the ball that the Gaussians cover
SIZES = {
    "cpu": ((16_384, 128),),
    "cuda": ((16_384, 128), (262_144, 256)),
}  # (Gaussians, pixels): 4 input views of 64² and of 256²
STEPS = {"cpu": 1, "cuda": 10}  # timed, after as many that warm up


# Splatting


def pixel_gaussians(count: int) -> Gaussians:
    """Returns about `count` Gaussians [N], one per pixel of four square views of a ball, as the model makes them: a
    pixel wide, of any opacity, on the ball where the ray meets it, else where it comes nearest.
    """
    side, rng = math.isqrt(count // VIEWS), Rng("speed", count)
    cameras = turntable(VIEWS, side)
    rays_o, rays_d = (
        x.movedim(1, -1).reshape(-1, 3) for x in camera_rays(*(x[0] for x in camera_tensors(cameras)), side, side)
    )
    nearest = -(rays_o * rays_d).sum(-1, keepdim=True)
    inside = RADIUS**2 - (rays_o + nearest * rays_d).square().sum(-1, keepdim=True)
    t = nearest - inside.clamp_min(0).sqrt()
    sampled = lambda name, columns, low=0.0: torch.from_numpy(
        rng.child(name).uniform(low, 1.0, (len(t), columns))
    ).float()
    return Gaussians(
        means=rays_o + t * rays_d,
        quats=sampled("quats", 4, -1.0),
        scales=sampled("scales", 3, 0.3) * t / cameras.intrinsics[0, 0],
        opacities=sampled("opacities", 1)[:, 0],
        sh=sampled("sh", 3, -1.0)[:, None],
    )


def splatting(device: str, sizes, repeats: int) -> Iterator[str]:
    """Yields the lines of one table per (Gaussians, pixels)."""
    for count, size in sizes:
        gaussians = pixel_gaussians(count).map(lambda x: x.to(device).requires_grad_())
        cameras = [
            x[0].to(device) for x in camera_tensors(turntable(2 * VIEWS, size)[1::2])
        ]  # between the views that made them
        cameras[0] = world_to_camera(cameras[0])
        unit = "CPU ms" if device == "cpu" else "ms"
        yield from (
            "",
            f"{len(gaussians):,} Gaussians, {VIEWS} views of {size}², best of {repeats}:",
            "",
        )
        head = ["splatting", f"forward, {unit}", f"forward and backward, {unit}", "times the first", None]
        yield from table_lines(head, _splatting_rows(gaussians, cameras, size, device, repeats))


def _splatting_rows(gaussians: Gaussians, cameras, size: int, device: str, repeats: int) -> Iterator[list[str | None]]:
    """Yields the cells of each backend as soon as it is timed, or why it is not."""
    first = None
    for name, module, _ in BACKENDS:
        if reason := _missing(name, module, gaussians):
            yield [name, None, None, None, f"not here: {reason}"]
            continue
        forward, both = _splatting_ms(gaussians, cameras, size, name, repeats)
        first = first or both
        memory = f"peak memory {_peak(device)}" if device == "cuda" else ""
        yield [name, f"{forward:.1f}", f"{both:.1f}", f"{both / first:.2f}", memory]


def _missing(name: str, module: str, gaussians: Gaussians) -> str:
    """Why a backend is not timed; "" if it is."""
    try:
        if name == "triton" and backend_triton.interpreted():
            return "Triton's interpreter is for tests"
        return importlib.import_module(module).refusal([gaussians.means] * 5)
    except ImportError as error:
        return str(error)


def _splatting_ms(gaussians: Gaussians, cameras, size: int, backend: str, repeats: int) -> tuple[float, float]:
    """Forward alone, and forward and backward."""
    device = gaussians.means.device
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)

    def forward() -> Tensor:
        return render(gaussians, *cameras, size, size, background=1.0, backend=backend)[0]

    clock = time.process_time if device.type == "cpu" else time.perf_counter
    with torch.no_grad():
        alone = best(forward, device, repeats, clock)
    return 1e3 * alone, 1e3 * best(lambda: forward().square().mean().backward(), device, repeats, clock)


def best(function: Callable, device: torch.device, repeats: int, clock=time.perf_counter) -> float:
    """Returns the seconds from idle to idle, after a call that warms up."""
    synchronise = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    seconds = []
    for _ in range(1 + repeats):
        synchronise()
        began = clock()
        function()
        synchronise()
        seconds.append(clock() - began)
    return min(seconds[1:])


def _peak(device: str) -> str:
    return f"{torch.cuda.max_memory_allocated(device) / 2**30:.2f} GiB"


# Training


def timed_config(trainer: Trainer, preset: str, device: str, batch: int | None, steps: int | None) -> LoopConfig:
    """Returns the preset with all terms of its loss on, one micro-batch per step, and a log row after the steps that
    warm up and one after those that count.
    """
    config, steps = trainer.presets[preset](), steps or STEPS[device]
    at_once = {"perceptual_after": 0, "cache_gb": 4.0}
    batch = batch or (1 if device == "cpu" else config.micro_batch or config.batch)
    return replace(
        config,
        batch=batch,
        micro_batch=0,
        steps=2 * steps,
        log_every=steps,
        save_every=0,
        validate_every=0,
        preview_every=0,
        **{name: value for name, value in at_once.items() if name in vars(config)},
    )


def training(trainer: Trainer, config: LoopConfig, data: str | None, device: str, repeats: int) -> Iterator[str]:
    """Yields the lines of the table of one training run."""
    task = trainer.function("task")(config, data)
    try:
        with tempfile.TemporaryDirectory() as folder, redirect_stdout(sys.stderr):  # stdout is for tables
            if not fit(task, folder, device=device).finished:
                raise KeyboardInterrupt  # which the loop takes for a wish to save and resume
            row = [
                json.loads(line)
                for line in Path(folder, "log.jsonl").read_text().splitlines()
                if "samples_per_s" in line
            ][-1]
        batch = {name: x.to(device) for name, x in task.batch(range(config.batch)).items()}
        steps_per_s = row["samples_per_s"] / config.batch
        shares = {
            name: 100 * steps_per_s * best(part, torch.device(device), repeats)
            for name, part in task.timed_parts(batch).items()
        }
    finally:
        task.close()
    head = ["samples/s", "MFU, %", *(f"{name}, % of a step" for name in shares), "data wait, %", "peak memory, GiB"]
    cells = [f"{row['samples_per_s']:.3g}", f"{row['mfu_percent']:.1f}", *(f"{share:.1f}" for share in shares.values())]
    cells += [f"{row['data_wait_percent']:.1f}", f"{row['memory_gb']:.2f}"]
    millions = sum(p.numel() for p in task.model.parameters()) / 1e6
    yield from (
        "",
        f"Training {trainer.name} {config.preset}, {millions:.0f} M parameters, batches of {config.batch}, "
        f"{config.steps // 2} steps after as many to warm up, wall time, data: {data or 'none'}:",
        "",
        *table_lines(head, [cells]),
    )


# The tables


def machine(device: str) -> str:
    name = (
        torch.cuda.get_device_name() if device == "cuda" else f"{platform.machine()}, {torch.get_num_threads()} threads"
    )
    return f"{name}; torch {torch.__version__}; splatting {describe()}"


def report(arguments) -> Iterator[str]:
    device = arguments.device
    yield machine(device)
    sizes = SIZES[device] if arguments.gaussians is None else ((arguments.gaussians, arguments.size),)
    yield from splatting(device, sizes, arguments.repeats)
    if arguments.preset:
        trainer = next(row for row in TRAINERS if row.name == arguments.trainer)
        yield from training(
            trainer,
            timed_config(trainer, arguments.preset, device, arguments.batch, arguments.steps),
            arguments.data,
            device,
            arguments.repeats,
        )


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", choices=SIZES, default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--gaussians", type=int, help="other than 16,384 at 128², and on a GPU also 262,144 at 256²")
    parser.add_argument("--size", type=int, default=128, help="pixels, with --gaussians")
    parser.add_argument("--repeats", type=int, default=3, help="the best counts")
    parser.add_argument("--trainer", choices=[row.name for row in TRAINERS], default=TRAINERS[0].name)
    parser.add_argument("--preset", help="adds training steps of this preset of the trainer")
    parser.add_argument(
        "--batch", type=int, help="samples per step; default: 1 on a CPU, else the preset's micro-batch"
    )
    parser.add_argument(
        "--steps",
        type=int,
        help=f"timed, after as many to warm up; default: {STEPS['cpu']} on a CPU, else {STEPS['cuda']}",
    )
    parser.add_argument("--data", help="shards or generate:zeroverse, for the wait for data; default: noise in memory")
    arguments = parser.parse_args(argv)
    known = next(row for row in TRAINERS if row.name == arguments.trainer).presets
    if arguments.preset and arguments.preset not in known:
        parser.error(f"--preset: expected one of {', '.join(known)}, got {arguments.preset}")
    for line in report(arguments):
        print(line, flush=True)


if __name__ == "__main__":
    main()
