"""Log lines: operations in closed form against torch's counter, what a row says, and trackers that may or may not be
installed.
"""

import sys
from dataclasses import replace
from types import ModuleType, SimpleNamespace

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from tests.helpers.line import LineTask, line
from tests.helpers.reconstruction import FakeReader, micro, sampler
from train.loop.fit import fit
from train.loop.flops import Work, matmul_ceiling
from train.loop.meter import Meter, trackers
from train.models.lrm.config import base
from train.models.lrm.network import LRM, lrm_work

torch.set_num_threads(1)


@pytest.mark.parametrize("changes", [dict(), dict(layers=3, width=48, heads=3, inputs=2, patch=4, qk_norm=False)])
def test_operations_are_those_that_torch_counts(changes):
    """Forward and backward; what torch counts besides is the 3 x 3 rotation of every ray, which is no model
    operation.
    """
    config = micro(**changes)
    views = {
        name: x
        for name, x in sampler(FakeReader(), inputs=config.inputs).batch([0]).items()
        if not name.startswith("target")
    }
    model = LRM(config)
    with (
        FlopCounterMode(display=False) as counter,
        sdpa_kernel(SDPBackend.MATH),
    ):  # the fused ones are not counted on a CPU
        gaussians = model(views["rgb"] / 255, views["c2w"], views["intrinsics"])
        (gaussians.means.sum() + gaussians.sh.sum()).backward()
    rays = 2 * 9 * config.inputs * config.size**2
    assert counter.get_total_flops() - rays == lrm_work(config).flops


def test_base_needs_the_derived_operations():
    """LRM-Zero (docs/papers.md, LRM): 12.4 TFLOP per sample at 4 x 256², fwd + bwd; they count 6 T (N) + 12 T² d L."""
    work = lrm_work(base())
    assert work.tokens == 4096 and work.flops == pytest.approx(12.4e12, rel=0.01)


def test_the_ceiling_is_a_rate_that_this_machine_can_have():
    assert 1e8 < matmul_ceiling("cpu") < 1e14 and matmul_ceiling("cpu") == matmul_ceiling("cpu")


def test_a_row_says_what_the_interval_achieved():
    meter = Meter(batch=8, work=Work(tokens=100, flops=50), ceiling=4000.0)
    meter.add({"loss": 1.0}, seconds=1.5, waited=0.5)
    meter.add({}, seconds=0.5, waited=0.0)  # a skipped step takes time and gives no loss
    assert meter.row() == {
        "loss": 1.0,
        "samples_per_s": 8.0,
        "tokens_per_s": 800.0,
        "mfu_percent": 10.0,
        "data_wait_percent": 25.0,
    }
    meter.add({"loss": 3.0}, seconds=1.0, waited=1.0)
    assert meter.row()["loss"] == 3.0


# ------------------------------------------------------------------------------------------------------------- trackers


@pytest.fixture
def fakes(monkeypatch):
    """Stand-ins for torch.utils.tensorboard and wandb that write down what they hear."""
    heard = SimpleNamespace(scalars=[], texts=[], rows=[], inits=[], closed=[])
    writer = SimpleNamespace(
        add_scalar=lambda *x: heard.scalars.append(x),
        add_text=lambda *x: heard.texts.append(x),
        close=lambda: heard.closed.append("tb"),
    )
    board, wandb = ModuleType("torch.utils.tensorboard"), ModuleType("wandb")
    board.SummaryWriter = lambda **options: heard.inits.append(("tb", options)) or writer
    run = SimpleNamespace(
        id="abc123",
        log=heard.rows.append,
        finish=lambda: heard.closed.append("wandb"),
        define_metric=lambda *x, **y: None,
    )
    wandb.init = lambda **options: heard.inits.append(("wandb", options)) or run
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", board)
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    return heard


def test_trackers_hear_every_row(tmp_path, fakes):
    config = line(steps=2, wandb="project")
    fit(LineTask(config), tmp_path)
    assert [name for name, _ in fakes.inits] == ["tb", "wandb"] and sorted(fakes.closed) == ["tb", "wandb"]
    assert fakes.inits[1][1]["project"] == "project" and fakes.inits[1][1]["config"]["config"]["lr"] == config.lr
    assert {("loss", 1), ("loss", 2), ("mfu_percent", 2), ("val", 2)} <= {
        (name, step) for name, _, step in fakes.scalars
    }
    assert [row["step"] for row in fakes.rows if "loss" in row] == [1, 2]
    more = replace(config, workers=1)
    fit(LineTask(more), tmp_path, resume=True)
    assert (
        fakes.inits[3][1]["id"] == "abc123" and fakes.inits[2][1]["purge_step"] == 3
    )  # the same W&B run; nothing drawn twice


def test_reasons_are_texts_and_nan_is_left_out(tmp_path, fakes):
    (board,) = trackers(tmp_path, 0, "", {})
    board.log({"step": 3, "skip": "loss nan", "psnr": float("nan"), "loss": 0.5})
    assert fakes.scalars == [("loss", 0.5, 3)] and fakes.texts == [("skip", "loss nan", 3)]


def test_nothing_is_needed_and_nothing_is_sent_unasked(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)  # as if not installed
    monkeypatch.setitem(sys.modules, "wandb", None)
    assert trackers(tmp_path, 0, "", {}) == []
    with pytest.raises(RuntimeError, match="pip install wandb"):
        trackers(tmp_path, 0, "project", {})
