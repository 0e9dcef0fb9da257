"""How much GPU memory a training step takes, found without a GPU: `python -m train.tools.memory` prints a table, before
a job waits in a queue and runs out.

A step of the trainer runs on fake tensors, which have a size and no content, and the storages alive are added up:
weights, gradients, AdamW's moments, averaged weights, activations in the types of autocast, Gaussians, tile lists. The
lists are those of an untrained model, the longest that a run meets. Not in it: what CUDA takes for itself,
fragmentation, sorting and NCCL, a few GiB in all; nor what torch.compile, which a GPU gets, saves of activations.
"""

import argparse
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from unittest import mock

import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from renderers.cameras.rigs import sphere_shell
from train import splatting
from train.geometry.cameras import camera_rays, camera_tensors, inverse
from train.loop.optimiser import average, make_optimizer
from train.models.lrm.config import PRESETS, LRMConfig
from train.models.lrm.network import CHANNELS_OUT, LRM, activate
from train.models.lrm.task import LRMTask
from train.splatting import backend_triton
from train.splatting.backend_torch import covered_tiles, project
from train.tools.speed import Noise
from zeroverse.core.rng import Rng

NEAR = 0.01  # of `gaussians.rasterize`


class Alive(TorchDispatchMode):
    """Bytes of the storages that operations have made and nobody has let go of: `now`, and the most there were,
    `peak`.
    """

    def __init__(self):
        super().__init__()
        self.now = self.peak = 0
        self._storages: dict[int, weakref.ref] = {}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        for x in tree_leaves(made):
            if isinstance(x, Tensor) and id(x.untyped_storage()) not in self._storages:
                self._add(x.untyped_storage())
        self.peak = max(self.peak, self.now)
        return made

    def _add(self, storage: torch.UntypedStorage) -> None:
        key, size = id(storage), storage.nbytes()

        def gone(reference) -> None:
            del self._storages[key]
            self.now -= size

        self._storages[key] = weakref.ref(storage, gone)
        self.now += size


def step_bytes(config: LRMConfig, samples: int, pairs: int | None = None) -> int:
    """The most that is alive in an update with two backward passes of `samples` each. pairs: (Gaussian, tile) pairs of
    an image, else `pairs_at_start`.
    """
    config = replace(config, precision="bf16" if config.precision == "auto" else config.precision)
    pairs = pairs_at_start(config) if pairs is None else pairs
    with FakeTensorMode(), splatting_as_on_a_gpu(pairs), Alive() as alive:
        task, ema = LRMTask(config, Noise(1, config.pool, config.size)), LRM(config).requires_grad_(False)
        optimizer = make_optimizer(task.model, config, torch.device("cuda"))
        for _ in range(2):  # in the second, the optimizer has its state
            update(task, ema, optimizer, batch(config, samples))
    return alive.peak


def update(task: LRMTask, ema: nn.Module, optimizer: torch.optim.Optimizer, views: dict[str, Tensor]) -> None:
    """As `train.loop` does it, with two micro-batches."""
    for _ in range(2):
        task.loss(task.model, views, max(task.config.point_steps, task.config.perceptual_after))[0].backward()
    nn.utils.clip_grad_norm_(task.model.parameters(), task.config.clip)
    optimizer.step()
    average(ema, task.model, task.config.ema)
    optimizer.zero_grad(set_to_none=True)


def batch(config: LRMConfig, samples: int) -> dict[str, Tensor]:
    """As `ViewSampler.batch` gives it, zeros, with labels."""
    pixels = (config.size, config.size)
    shapes = {"rgb": (3, *pixels), "c2w": (4, 4), "intrinsics": (4,), "depth": (1, *pixels), "normal": (3, *pixels)}
    return {
        prefix + name: torch.zeros(samples, views, *shape, dtype=torch.uint8 if name == "rgb" else torch.float32)
        for prefix, views in (("", config.inputs), ("target_", config.targets))
        for name, shape in shapes.items()
    }


def pairs_at_start(config: LRMConfig) -> int:
    """(Gaussian, tile) pairs of one image, in the mean, that an untrained model makes, whose outputs are about 0."""
    size, views = config.size, config.inputs
    c2w, intrinsics = camera_tensors(sphere_shell(Rng("memory"), views + config.targets, size))
    raw = torch.zeros(1, views, sum(CHANNELS_OUT), size, size)
    field = activate(raw, *camera_rays(c2w[:, :views], intrinsics[:, :views], size, size), config)
    return tile_pairs(field, c2w[:, views:], intrinsics[:, views:], size) // config.targets


def tile_pairs(field: splatting.Gaussians, c2w: Tensor, intrinsics: Tensor, size: int) -> int:
    """Of Gaussians [B, N] in cameras [B, V]."""
    shapes = field.means, field.quats, field.scales, field.opacities
    drawn = project(*shapes, inverse(c2w), intrinsics, size, size, NEAR, splatting.EPS2D, False)
    return int(covered_tiles(drawn.means2d, drawn.extents, size, size).size.prod(-1).sum())


@contextmanager
def splatting_as_on_a_gpu(pairs: int) -> Iterator[None]:
    """The Triton backend with kernels that do nothing, on tensors that are said to be on a CPU: all that it holds, and
    nothing drawn.
    """

    class Nothing:
        def __getitem__(self, grid):
            return lambda *args, **options: None

    kernels = SimpleNamespace(
        **{name: Nothing() for name in ("project", "composite", "composite_backward", "sum_rows", "project_backward")}
    )
    with (
        mock.patch.object(backend_triton, "load", lambda: (kernels, "")),
        mock.patch.object(splatting, "_backend", lambda name, tensors: backend_triton),
        mock.patch.object(backend_triton, "_pairs", lambda cover: [pairs] * len(cover.size)),
    ):
        yield


def report(presets, samples: int | None, gib: float) -> Iterator[str]:
    """Lines of the table. What fits is extrapolated from one and two samples, which is right to a few per cent."""
    yield f"| preset | samples | GiB | largest in {gib:g} GiB | GiB, recompute | largest in {gib:g} GiB |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for name in presets:
        config, cells = PRESETS[name](), []
        count = samples or config.micro_batch or config.batch
        for recompute in (False, True):
            need = {
                number: step_bytes(replace(config, recompute=recompute), number) / 2**30
                for number in sorted({1, 2, count})
            }
            more = need[2] - need[1]
            cells += [f"{need[count]:.1f}", str(max(0, int((gib - need[1]) / more) + 1))]
        yield f"| {name} | {count} | {' | '.join(cells)} |"


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--preset", choices=PRESETS, nargs="+", default=list(PRESETS))
    parser.add_argument("--samples", type=int, help="of one rank's backward pass (micro_batch); default: the preset's")
    parser.add_argument(
        "--gib", type=float, default=76.0, help="that may be used: of a card of 80, 4 are for what is not counted"
    )
    arguments = parser.parse_args(argv)
    for line in report(arguments.preset, arguments.samples, arguments.gib):
        print(line, flush=True)


if __name__ == "__main__":
    main()
