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

import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from renderers.cameras.rigs import sphere_shell
from train import splatting
from train.geometry.cameras import camera_rays, camera_tensors, world_to_camera
from train.loop.config import LoopConfig
from train.loop.optimiser import average, make_optimizer
from train.models.lrm.config import LRMConfig
from train.models.lrm.network import CHANNELS_OUT, activate
from train.splatting import backend_triton
from train.splatting.backend_torch import covered_tiles, project
from train.trainers import TRAINERS, Trainer
from zeroverse.core.rng import Rng
from zeroverse.core.tables import table_lines

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


def step_bytes(trainer: Trainer, config: LoopConfig, samples: int, pairs: int | None = None) -> int:
    """Returns the most bytes that are alive in an update with two backward passes of `samples` each.

    pairs: (Gaussian, tile) pairs of an image, else as many as an untrained model makes (`pairs_at_start`).
    """
    if getattr(config, "precision", "") == "auto":
        config = replace(config, precision="bf16")
    pairs = (pairs_at_start(config) if isinstance(config, LRMConfig) else 0) if pairs is None else pairs
    one = trainer.function("task")(replace(config, batch=1), None).batch(range(1))
    with FakeTensorMode(), splatting_as_on_a_gpu(pairs), Alive() as alive:
        task = trainer.function("task")(config, None)
        ema = trainer.function("task")(config, None).model.requires_grad_(False)
        optimizer = make_optimizer(task.model, config, torch.device("cuda"))
        for _ in range(2):  # in the second, the optimizer has its state
            update(task, ema, optimizer, batch(one, samples))
    return alive.peak


def update(task, ema: nn.Module, optimizer: torch.optim.Optimizer, samples: dict[str, Tensor]) -> None:
    """Does what a step of `train.loop.fit` does, with two micro-batches."""
    for _ in range(2):
        task.heaviest(task.model, samples).backward()
    nn.utils.clip_grad_norm_(task.model.parameters(), task.config.clip)
    optimizer.step()
    average(ema, task.model, task.config.ema)
    optimizer.zero_grad(set_to_none=True)


def batch(one: dict[str, Tensor], samples: int) -> dict[str, Tensor]:
    """Returns zeros in the place of as many samples as `one` shows one of."""
    return {name: torch.zeros(samples, *x.shape[1:], dtype=x.dtype) for name, x in one.items()}


def pairs_at_start(config: LRMConfig) -> int:
    """Returns the (Gaussian, tile) pairs of an image, in the mean, that an untrained LRM makes: its outputs are about
    0.
    """
    size, views = config.size, config.inputs
    c2w, intrinsics = camera_tensors(sphere_shell(Rng("memory"), views + config.targets, size))
    raw = torch.zeros(1, views, sum(CHANNELS_OUT), size, size)
    field = activate(raw, *camera_rays(c2w[:, :views], intrinsics[:, :views], size, size), config)
    return tile_pairs(field, c2w[:, views:], intrinsics[:, views:], size) // config.targets


def tile_pairs(field: splatting.Gaussians, c2w: Tensor, intrinsics: Tensor, size: int) -> int:
    """Returns the pairs of Gaussians [B, N] in cameras [B, V]."""
    shapes = field.means, field.quats, field.scales, field.opacities
    splats = project(*shapes, world_to_camera(c2w), intrinsics, size, size, NEAR, splatting.EPS2D, False)
    return int(covered_tiles(splats.means2d, splats.extents, size, size).size.prod(-1).sum())


@contextmanager
def splatting_as_on_a_gpu(pairs: int) -> Iterator[None]:
    """Lets the Triton backend take all the memory that it takes, on tensors that are said to be on a CPU, and render
    nothing.
    """
    with splatting.using(backend_triton), backend_triton.rehearsed(pairs):
        yield


def report(trainer: Trainer, presets, samples: int | None, gib: float) -> Iterator[str]:
    """Returns the lines of the table, each as soon as it is known.

    What fits is extrapolated from one and two samples, which is right to a few per cent.
    """
    head = ["preset", "samples", "GiB", f"largest in {gib:g} GiB", "GiB, recompute", f"largest in {gib:g} GiB"]
    return table_lines(head, _rows(trainer, presets, samples, gib))


def _rows(trainer: Trainer, presets, samples: int | None, gib: float) -> Iterator[list[str]]:
    """Yields the cells of each preset."""
    for name in presets:
        config, cells = trainer.presets[name](), []
        count = samples or config.micro_batch or config.batch
        for recompute in (False, True):
            if recompute and "recompute" not in vars(config):
                cells += ["", ""]
                continue
            asked = replace(config, recompute=recompute) if "recompute" in vars(config) else config
            need = {number: step_bytes(trainer, asked, number) / 2**30 for number in sorted({1, 2, count})}
            more = need[2] - need[1]
            cells += [f"{need[count]:.1f}", str(max(0, int((gib - need[1]) / more) + 1))]
        yield [name, str(count), *cells]


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trainer", choices=[row.name for row in TRAINERS], default=TRAINERS[0].name)
    parser.add_argument("--preset", nargs="+", help="presets of the trainer; default: all")
    parser.add_argument("--samples", type=int, help="of one rank's backward pass (micro_batch); default: the preset's")
    parser.add_argument(
        "--gib", type=float, default=76.0, help="that may be used: of a card of 80, 4 are for what is not counted"
    )
    arguments = parser.parse_args(argv)
    trainer = next(row for row in TRAINERS if row.name == arguments.trainer)
    for name in arguments.preset or ():
        if name not in trainer.presets:
            parser.error(f"--preset: expected one of {', '.join(trainer.presets)}, got {name}")
    for line in report(trainer, arguments.preset or trainer.presets, arguments.samples, arguments.gib):
        print(line, flush=True)


if __name__ == "__main__":
    main()
