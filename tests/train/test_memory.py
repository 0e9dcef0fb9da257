"""Predicted memory against what real tensors take, and the closed form of what does not depend on the batch."""

from dataclasses import replace

import pytest
import torch
from torch._subclasses import FakeTensorMode

from tests.helpers.reconstruction import FakeReader, micro, sampler
from train.data.noise import Noise
from train.loop.optimiser import make_optimizer
from train.models.lrm.network import LRM
from train.models.lrm.task import LRMTask
from train.splatting import backend_triton
from train.splatting.backend_torch import Cover, list_tiles
from train.tools import memory
from train.trainers import TRAINERS

torch.set_num_threads(1)
LRM_ROW = TRAINERS[0]


@pytest.mark.parametrize(
    "changes",
    [{}, {"recompute": True, "qk_norm": False}, {"precision": "bf16", "depth_weight": 0.1, "centers_weight": 0.1}],
)
def test_fake_tensors_take_what_real_ones_take(monkeypatch, changes):
    """With the one difference that nothing is drawn: the kernels do not run, and garbage cannot be sorted."""
    config = replace(micro(precision="float32"), **changes)
    monkeypatch.setattr(
        backend_triton,
        "_project",
        lambda inputs, *options: tuple(
            inputs[0].new_zeros(*inputs[5].shape[:2], inputs[0].shape[1], columns).squeeze(-1) for columns in (8, 1)
        ),
    )
    one = LRMTask(config, Noise(1, config.pool, config.size)).batch(range(1))
    with memory.splatting_as_on_a_gpu(0), memory.Alive() as alive:
        task, ema = LRMTask(config, Noise(1, config.pool, config.size)), LRM(config).requires_grad_(False)
        optimizer = make_optimizer(task.model, config, torch.device("cuda"))
        for _ in range(2):
            memory.update(task, ema, optimizer, memory.batch(one, 2))
    assert memory.step_bytes(LRM_ROW, config, 2, pairs=0) == pytest.approx(alive.peak, rel=2e-3)


def test_tile_lists_take_16_bytes_a_pair_and_32_while_they_are_made():
    depths, size = torch.rand(2, 50), torch.full((2, 50, 2), 20, dtype=torch.int32)
    pairs, peaks = 2 * 50 * 20 * 20, []
    for fake in (False, True):
        with FakeTensorMode(allow_non_fake_inputs=True) if fake else torch.no_grad(), memory.Alive() as alive:
            lists = list_tiles(depths, Cover(torch.zeros_like(size), size), 160, 160, pairs)
        assert lists.members.shape == (pairs,) and 16 * pairs < alive.now < 17 * pairs and alive.peak < 33 * pairs
        peaks.append(alive.peak)
    assert peaks[0] == pytest.approx(peaks[1], rel=2e-3)


def test_a_storage_counts_once_and_until_it_is_let_go():
    with memory.Alive() as alive:
        x = torch.zeros(1000)
        y = x[10:].view(-1, 10) + 1
        assert alive.now == 4 * (1000 + 990)
        del x, y
        assert alive.now == 0 and alive.peak == 4 * (1000 + 990)


def test_what_does_not_depend_on_the_batch_is_twenty_bytes_a_parameter():
    """Weights, gradients, two moments, averaged weights; and with as many samples, less where blocks are recomputed."""
    config = micro(width=256, precision="bf16")
    one, two = (memory.step_bytes(LRM_ROW, config, samples, pairs=1000) for samples in (1, 2))
    parameters = sum(p.numel() for p in LRM(config, device="meta").parameters())
    assert 20 * parameters < 2 * one - two < 26 * parameters  # and autocast's copies of the weights
    assert memory.step_bytes(LRM_ROW, replace(config, recompute=True), 2, pairs=1000) < two
    assert memory.step_bytes(LRM_ROW, config, 2, pairs=40_000) > two + 16 * 8 * 39_000  # images and pairs


def test_the_table_says_how_many_samples_fit(capsys, monkeypatch):
    """3 GiB, and 2 for every sample, or 0.5 where blocks are recomputed."""
    monkeypatch.setattr(
        memory,
        "step_bytes",
        lambda trainer, config, samples: int(2**30 * (3 + samples * (0.5 if config.recompute else 2))),
    )
    memory.main(["--preset", "base", "tiny", "--gib", "10"])
    base, tiny = (
        [cell.strip() for cell in line.strip("|").split("|")] for line in capsys.readouterr().out.splitlines()[2:]
    )
    assert base == ["base", "8", "19.0", "3", "7.0", "14"] and tiny == ["tiny", "2", "7.0", "3", "4.0", "14"]


def test_an_untrained_model_covers_as_many_tiles_as_it_is_taken_to():
    config = micro(size=32, scale_bias=-2.3)
    views = sampler(FakeReader(), size=32).batch(range(5))
    with torch.no_grad():
        field = LRM(config)(views["rgb"] / 255, views["c2w"], views["intrinsics"])
    found = memory.tile_pairs(field, views["target_c2w"], views["target_intrinsics"], 32) / 5 / config.targets
    assert memory.pairs_at_start(config) == pytest.approx(found, rel=0.15) and found > 3 * 4 * 32**2
