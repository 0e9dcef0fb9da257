import json
import math
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from renderers.shards import ShardError, ShardReader
from tests.helpers.line import LineConfig, LineTask, assert_same_run, line, stop, weights
from tests.helpers.processes import environment
from tests.helpers.reconstruction import FakeReader, micro
from tests.helpers.small_shards import write_shards
from train.loop.fit import Outcome, fit
from train.loop.meter import MEASURED
from train.loop.optimiser import average, learning_rate, make_optimizer
from train.loop.ranks import Interrupt
from train.loop.runs import RunError, read_run
from train.models.lrm.task import LRMTask, load_run, train_lrm

torch.set_num_threads(1)


# ------------------------------------------------------------------------------------------------------- the guarantees


def test_resumed_equals_uninterrupted_bit_for_bit(tmp_path):
    config = line()
    whole = fit(LineTask(config), tmp_path / "whole")
    assert whole.finished and whole.step == 6
    part = fit(LineTask(config, {2: stop}), tmp_path / "parts")
    assert not part.finished and part.step == 3  # the step that was under way is finished and saved
    torch.manual_seed(999)  # whatever else the process did in between
    assert fit(LineTask(config), tmp_path / "parts", resume=True).finished
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


def test_a_killed_run_resumes_to_the_same_weights(tmp_path):
    """Killed while saving: a truncated temporary file, and log rows from after the last whole checkpoint."""
    config = line()

    def die(task):
        raise MemoryError

    fit(LineTask(config), tmp_path / "whole")
    with pytest.raises(MemoryError):
        fit(LineTask(config, {5: die}), tmp_path / "killed")
    last = tmp_path / "killed" / "checkpoint_00000004.pt"
    (tmp_path / "killed" / "checkpoint_00000006.pt.tmp-123").write_bytes(last.read_bytes()[:100])
    with open(tmp_path / "killed" / "log.jsonl", "a") as log:
        log.write('{"step": 6, "los')
    fit(LineTask(config), tmp_path / "killed", resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "killed")
    assert not list((tmp_path / "killed").glob("*.tmp-*"))
    assert [path.name for path in sorted((tmp_path / "killed").glob("*.pt"))] == [
        "checkpoint_00000004.pt",
        "checkpoint_00000006.pt",
    ]


KILLED = """
import os, signal, sys
from tests.helpers.line import LineTask, line
from train.loop.fit import fit
fit(LineTask(line(), {5: lambda task: os.kill(os.getpid(), signal.SIGKILL)}), sys.argv[1])
"""


def test_a_run_killed_outright_resumes_to_the_same_weights(tmp_path):
    here = environment(OMP_NUM_THREADS="1")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "killed")], env=here, timeout=100, stderr=subprocess.DEVNULL
    )
    assert done.returncode == -signal.SIGKILL
    config = line()
    fit(LineTask(config), tmp_path / "killed", resume=True)
    fit(LineTask(config), tmp_path / "whole")
    assert_same_run(tmp_path / "whole", tmp_path / "killed")


def test_resume_works_from_nothing_and_from_the_end(tmp_path):
    config = line()
    assert fit(LineTask(config), tmp_path, resume=True).finished
    before = weights(tmp_path)
    assert fit(LineTask(config), tmp_path, resume=True).step == 6
    assert all(torch.equal(before[name], value) for name, value in weights(tmp_path).items())


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(lr=2e-2), "lr: 0.01, now 0.02"),
        (dict(batch=8, seed=3), "batch: 4, now 8; seed: 0, now 3"),
        (dict(noise=0.2), "noise: 0.1, now 0.2"),
    ],
)
def test_resume_names_what_differs(tmp_path, changes, message):
    config = line(steps=2)
    fit(LineTask(config), tmp_path)
    other = replace(config, **changes)
    with pytest.raises(RunError, match=message):
        fit(LineTask(other), tmp_path, resume=True)


def test_resume_checks_the_data_but_not_how_often_to_log(tmp_path):
    config = line(steps=2)
    fit(LineTask(config), tmp_path)
    free = replace(config, log_every=7, save_every=1, workers=1, micro_batch=1)
    fit(LineTask(free), tmp_path, resume=True)
    task = LineTask(config)
    task.fingerprint = "other data"
    with pytest.raises(RunError, match="data: 'line data', now 'other data'"):
        fit(task, tmp_path, resume=True)
    with pytest.raises(RunError, match="holds a run"):
        fit(LineTask(config), tmp_path)
    (tmp_path / "checkpoint_00000002.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(RunError, match="checkpoint_00000002.pt: unreadable"):
        fit(LineTask(config), tmp_path, resume=True)


@pytest.mark.parametrize("factor", [math.nan, math.inf, 1e9])
def test_a_bad_step_is_skipped_and_counted(tmp_path, factor):
    """NaN, infinity, or an exploding gradient: neither weights nor optimizer see the step; the next ones go on as if it
    had not been.
    """
    config = line(steps=3, save_every=0)
    seen = {}
    task = LineTask(
        config,
        {
            1: lambda task: seen.update(before=[p.clone() for p in task.model.parameters()]) or factor,
            2: lambda task: seen.update(after=[p.clone() for p in task.model.parameters()]) or 1.0,
        },
    )
    outcome = fit(task, tmp_path)
    assert outcome.finished and outcome.skipped == 1
    assert all(torch.equal(a, b) for a, b in zip(seen["before"], seen["after"]))
    assert all(p.isfinite().all() for p in task.model.parameters())
    rows = [
        json.loads(row, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
        for row in (tmp_path / "log.jsonl").read_text().splitlines()
    ]
    assert [row["skipped"] for row in rows if "lr" in row] == [0, 1, 1]
    assert ["loss" in row for row in rows if "lr" in row] == [True, False, True]


def test_a_diverged_run_stops_with_a_reason(tmp_path):
    config = line(steps=9, save_every=0, patience=5)
    with pytest.raises(
        RunError, match="diverged: 5 steps in a row went wrong, the last: loss nan, up to step 6; no good checkpoint"
    ):
        fit(LineTask(config, {step: lambda task: math.nan for step in range(1, 9)}), tmp_path)


def test_accumulation_gives_the_same_gradients(tmp_path):
    config = line(noise=0.0, steps=4)
    a, b = LineTask(config), LineTask(replace(config, micro_batch=1))
    fit(a, tmp_path / "a")
    fit(b, tmp_path / "b")
    for p, q in zip(a.model.parameters(), b.model.parameters()):
        torch.testing.assert_close(p, q, atol=1e-5, rtol=1e-5)  # sums in another order, then Adam's square root
    with pytest.raises(ValueError, match="micro_batch: expected a divisor of the 4"):
        fit(LineTask(replace(config, micro_batch=3)), tmp_path / "c")


# ------------------------------------------------------------------------------------------------------------ the parts


def test_learning_rate_is_linear_then_half_a_cosine():
    config = line(steps=110, warmup=10, lr=1.0)
    rates = [learning_rate(config, step) for step in range(110)]
    assert rates[:10] == pytest.approx([0.1 * k for k in range(1, 11)])
    assert rates[10] == 1.0 and rates[60] == pytest.approx(0.5) and 0 < rates[-1] < 1e-3
    assert all(a > b for a, b in zip(rates[10:], rates[11:]))


def test_only_matrices_decay():
    model = nn.Sequential(nn.Linear(3, 2), nn.LayerNorm(2, bias=False))
    groups = make_optimizer(model, line(), torch.device("cpu")).param_groups
    assert [(group["weight_decay"], [tuple(p.shape) for p in group["params"]]) for group in groups] == [
        (0.05, [(2, 3)]),
        (0.0, [(2,), (2,)]),
    ]
    assert groups[0]["betas"] == (0.9, 0.95)


def test_average_is_the_exponential_mean():
    model, ema = nn.Linear(2, 2), nn.Linear(2, 2)
    before = ema.weight.clone()
    average(ema, model, 0.9)
    torch.testing.assert_close(ema.weight, 0.9 * before + 0.1 * model.weight)


def test_a_second_interrupt_stops_at_once_and_handlers_are_put_back():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), Interrupt() as interrupt:
        signal.raise_signal(signal.SIGINT)
        assert interrupt.asked
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_log_previews_and_export(tmp_path):
    config = line(steps=4, validate_every=2, preview_every=2)
    outcome = fit(LineTask(config), tmp_path)
    rows = [json.loads(row) for row in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "val" in row] == [2, 4] and outcome.metrics["val"] == rows[-1]["val"]
    assert {"loss", "error", "grad_norm", "lr", "skipped", "rollbacks", "bad_samples", *MEASURED} < rows[0].keys()
    assert (
        all(rows[0][name] > 0 for name in MEASURED if name != "data_wait_percent")
        and 0 <= rows[0]["data_wait_percent"] <= 100
    )
    assert sorted(path.name for path in (tmp_path / "previews").iterdir()) == ["step_0000002.png", "step_0000004.png"]
    saved, path = read_run(tmp_path, "line")
    assert LineConfig(**saved) == config and path.exists()
    with pytest.raises(RunError, match="trained by line, expected lrm"):
        load_run(tmp_path)
    with pytest.raises(RunError, match="no exported model"):
        load_run(tmp_path / "previews")


# ------------------------------------------------------------------------------------------------ with the real trainer


@pytest.mark.parametrize("precision", ["auto", "bf16"])
def test_lrm_learns_resumes_and_loads(tmp_path, precision):
    config = micro(steps=5, save_every=0, warmup=1, seed=4, log_every=1, precision=precision)
    held_out = FakeReader(objects=2)

    def task(at=None):
        made = LRMTask(config, FakeReader(), held_out)
        if at is not None:
            inner = made.loss
            made.loss = lambda model, batch, step: (stop(made) if step == at else None, inner(model, batch, step))[1]
        return made

    whole = fit(task(), tmp_path / "whole")
    assert fit(task(at=1), tmp_path / "parts").step == 2
    fit(task(), tmp_path / "parts", resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "parts")
    assert set(whole.metrics) == {"val_psnr", "val_ssim"}
    model, loaded = load_run(tmp_path / "whole")
    assert loaded == config and not model.training
    ema = {
        name.removeprefix("ema."): value
        for name, value in weights(tmp_path / "whole").items()
        if name.startswith("ema.")
    }
    assert all(torch.equal(value, ema[name]) for name, value in model.state_dict().items())
    assert (tmp_path / "whole" / "previews" / "step_0000005.png").read_bytes()[:4] == b"\x89PNG"


def test_training_from_shards(tmp_path):
    """The same samples from a tar as from memory, and the data's name in the checkpoint: other shards are refused."""
    data, other = write_shards(tmp_path / "data", FakeReader()), write_shards(tmp_path / "other", FakeReader(objects=3))
    config = micro(steps=2, warmup=1)
    from_memory, from_shards = (
        LRMTask(config, FakeReader()).batch(range(3)),
        LRMTask(config, ShardReader(data)).batch(range(3)),
    )
    assert all(torch.equal(from_memory[name], from_shards[name]) for name in from_memory)
    assert train_lrm(data, tmp_path / "run", config, validate_dir=other).metrics["val_psnr"] > 0
    assert load_run(tmp_path / "run")[1] == config
    with pytest.raises(RunError, match="checkpoint is of another run: data: '.*', now '"):
        train_lrm(other, tmp_path / "run", config, resume=True)
    with pytest.raises(
        RunError, match="seed: 0, now 5; steps: 2, now 3; to go on from its weights with another schedule: start_from"
    ):
        train_lrm(data, tmp_path / "run", config, steps=3, seed=5, resume=True)


def test_held_out_objects_that_cannot_be_scored_are_told_before_the_first_step(tmp_path):
    data, few = (
        write_shards(tmp_path / "data", FakeReader()),
        write_shards(tmp_path / "few", FakeReader(objects=2, views=4)),
    )
    config = micro(steps=2, warmup=1)
    with pytest.raises(ShardError, match="expected at least 8 views, got 4"):
        train_lrm(data, tmp_path / "stops", config, validate_dir=few)
    assert not (tmp_path / "stops").exists()
    with pytest.warns(UserWarning, match="object_1 skipped"):
        assert train_lrm(data, tmp_path / "goes on", replace(config, on_error="skip"), validate_dir=few) == Outcome(
            2, True, 0, {}
        )


def test_a_cut_shard_stops_or_costs_only_the_samples_that_it_lacks(tmp_path):
    data = write_shards(tmp_path / "data", FakeReader(objects=3))
    entry = json.loads((data / "shard-000000.json").read_text())["samples"][-1]
    os.truncate(data / "shard-000000.tar", entry["offset"] + 2000)
    config = micro(steps=3, warmup=1, workers=1, log_every=1)
    with pytest.raises(ShardError, match="shard-000000.tar: expected .*: truncated or replaced"):
        train_lrm(data, tmp_path / "stops", config)
    with pytest.warns(UserWarning) as told:
        assert train_lrm(data, tmp_path / "goes on", replace(config, on_error="skip")).finished
    told = [str(warning.message) for warning in told]
    assert any("truncated or replaced" in text for text in told) and any(
        f"sample {entry['key']} skipped" in text for text in told
    )
    rows = [json.loads(row) for row in (tmp_path / "goes on" / "log.jsonl").read_text().splitlines()]
    assert [row["bad_sample"] for row in rows if "bad_sample" in row] == [entry["key"]]


@pytest.mark.parametrize(
    "harm, message",
    [("torn", "sample object_1.*rgb_"), ("bits", "sample object_1.*rgb_"), ("empty", "sample object_1: transparent")],
)
def test_a_bad_sample_in_the_stream_stops_or_is_skipped_by_name(tmp_path, harm, message):
    """A torn or damaged picture in a whole-looking shard, or an object that is not there: never silent."""

    class Harmed(FakeReader):
        def read(self, index, names=("rgb",), views=None):
            images = super().read(index, names, views)
            return images | {"alpha": np.zeros_like(images["alpha"])} if harm == "empty" and index == 1 else images

    data = write_shards(tmp_path / "data", Harmed(objects=3))
    if harm != "empty":
        tar = data / "shard-000000.tar"
        entry = next(
            e for e in json.loads((data / "shard-000000.json").read_text())["samples"] if e["key"] == "object_1"
        )
        content = bytearray(tar.read_bytes())
        for offset, size in (place for name, place in entry["fields"].items() if name.startswith("rgb_")):
            part = (
                slice(offset + size // 2, offset + size)
                if harm == "torn"
                else slice(offset + size - 20, offset + size - 16)
            )
            content[part] = bytes(byte ^ 0x5A for byte in content[part])
        tar.write_bytes(bytes(content))
    config = micro(steps=3, warmup=1, workers=1, log_every=1)
    with pytest.raises(ShardError, match=message):
        train_lrm(data, tmp_path / "stops", config)
    with pytest.warns(UserWarning, match="object_1 skipped"):
        assert train_lrm(data, tmp_path / "goes on", replace(config, on_error="skip")).finished
    rows = [json.loads(row) for row in (tmp_path / "goes on" / "log.jsonl").read_text().splitlines()]
    named = [row for row in rows if "bad_sample" in row]
    assert [row["bad_sample"] for row in named] == ["object_1"] and re.search(message, named[0]["reason"])
    assert [row["bad_samples"] for row in rows if "lr" in row][-1] == 1
