"""Several ranks, with the whole model each (DDP) or a part of it (FSDP2), train as one; their checkpoints, whole or in
shards, resume on any number.
"""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.helpers.boxes import Boxes
from tests.helpers.boxes import micro as micro_vae
from tests.helpers.line import LineTask, Poisoned, line
from tests.helpers.processes import ROOT, environment
from tests.helpers.reconstruction import FakeReader, micro
from train.loop.fit import fit
from train.loop.runs import RunError
from train.models.lrm.task import LRMTask, load_run
from train.models.shape_vae.task import VAETask, load_vae

torch.set_num_threads(1)
SCRIPT = """
import json, sys, torch
from test_ranks import make
from train.loop.fit import fit
torch.set_num_threads(1)
fit(make(sys.argv[1], **json.loads(sys.argv[3])), sys.argv[2], resume=True)
"""


def make(kind: str, **changes):
    """A task; the same in every process. Without noise, which every rank draws for itself."""
    if kind == "line":
        return LineTask(line(noise=0.0, **changes))
    if kind == "poisoned":
        return Poisoned(line(noise=0.0, steps=9, patience=2, **changes))
    if kind == "vae":
        config = micro_vae(save_every=2, log_every=1, **changes)
        return VAETask(config, Boxes())
    config = micro(**{**dict(steps=4, batch=2, warmup=1, save_every=2, log_every=1, width=32, layers=2), **changes})
    return LRMTask(config, FakeReader(), FakeReader(objects=2))


def ranks(kind: str, folder: Path, count: int = 2, **changes) -> None:
    script = folder.with_name("rank.py")
    script.write_text(SCRIPT)
    subprocess.run(
        [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            f"--nproc_per_node={count}",
            str(script),
            kind,
            str(folder),
            json.dumps(changes),
        ],
        check=True,
        cwd=ROOT,
        env=environment(Path(__file__).parent, OMP_NUM_THREADS="1"),
        timeout=200,
    )


def losses(folder: Path) -> list[float]:
    return [row["loss"] for row in map(json.loads, (folder / "log.jsonl").read_text().splitlines()) if "loss" in row]


def assert_close(folder: Path, other: Path) -> None:
    """Losses and exported weights; float32 sums are taken in another order."""
    assert losses(other) == pytest.approx(losses(folder), rel=1e-4)
    first, second = (load_file(path / "model.safetensors") for path in (folder, other))
    assert first.keys() == second.keys() and all(torch.allclose(first[name], second[name], atol=1e-4) for name in first)


@pytest.mark.dist
@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
@pytest.mark.parametrize("micro_batch", [0, 1])
def test_two_ranks_equal_one(tmp_path, micro_batch, parallel):
    fit(make("line"), tmp_path / "one")
    ranks("line", tmp_path / "two", micro_batch=micro_batch, parallel=parallel)
    assert len(losses(tmp_path / "two")) == 6
    assert_close(tmp_path / "one", tmp_path / "two")


@pytest.mark.dist
def test_a_sharded_model_trains_resumes_on_other_ranks_and_loads(tmp_path):
    """The real model: two sharded ranks give the losses of one; shards written by two are read by one, and the other
    way round.
    """
    fit(make("lrm", parallel="fsdp"), tmp_path / "one")
    ranks("lrm", tmp_path / "two", parallel="fsdp")
    assert [path.name for path in sorted(tmp_path.glob("two/checkpoint_*"))] == [
        "checkpoint_00000002.shards",
        "checkpoint_00000004.shards",
    ]
    assert_close(tmp_path / "one", tmp_path / "two")
    assert json.loads((tmp_path / "two" / "log.jsonl").read_text().splitlines()[-1])["val_psnr"] > 0
    assert load_run(tmp_path / "two")[0].config.parallel == "fsdp"
    for name in ("one", "two"):
        (tmp_path / name / "checkpoint_00000004.shards").rename(tmp_path / f"{name}-last")
    assert fit(make("lrm", parallel="fsdp"), tmp_path / "two", resume=True).finished
    ranks("lrm", tmp_path / "one", parallel="fsdp")
    assert_close(tmp_path / "one", tmp_path / "two")


@pytest.mark.dist
@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_the_autoencoder_trains_on_two_ranks(tmp_path, parallel):
    """Whose loss looks at slopes of a part of the model. Every rank draws its own latents, so the losses are not those
    of one rank, but near.
    """
    fit(make("vae"), tmp_path / "one")
    ranks("vae", tmp_path / "two", parallel=parallel)
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), rel=0.2)
    assert load_vae(tmp_path / "two")[1].parallel == parallel


@pytest.mark.dist
@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_ranks_roll_back_together(tmp_path, parallel):
    """Only one rank's samples are bad; all return to the last good checkpoint, and go on as one rank would."""
    fit(make("poisoned"), tmp_path / "one")
    ranks("poisoned", tmp_path / "two", parallel=parallel)
    assert_close(tmp_path / "one", tmp_path / "two")
    events = [
        [row for row in map(json.loads, (tmp_path / name / "log.jsonl").read_text().splitlines()) if "rollback" in row]
        for name in ("one", "two")
    ]
    assert events[0] == events[1] and len(events[0]) == 1


def test_shards_of_one_rank_resume_bit_for_bit(tmp_path):
    task = make("line", parallel="fsdp")
    config = task.config
    fit(task, tmp_path)
    whole = {name: x.clone() for name, x in load_file(tmp_path / "model.safetensors").items()}
    assert sorted(path.name for path in tmp_path.glob("checkpoint_*")) == [
        "checkpoint_00000004.shards",
        "checkpoint_00000006.shards",
    ]
    for file in (tmp_path / "checkpoint_00000006.shards").iterdir():
        file.unlink()
    (tmp_path / "checkpoint_00000006.shards").rmdir()
    (tmp_path / "checkpoint_00000006.shards.tmp-shards").mkdir()  # killed while saving
    assert fit(make("line", parallel="fsdp"), tmp_path, resume=True).finished
    assert all(torch.equal(whole[name], x) for name, x in load_file(tmp_path / "model.safetensors").items())
    assert not list(tmp_path.glob("*.tmp-*"))
    with pytest.raises(RunError, match="parallel: 'fsdp', now 'ddp'"):
        fit(make("line"), tmp_path, resume=True)
    with pytest.raises(ValueError, match="parallel: expected 'ddp' or 'fsdp', got 'tp'"):
        replace(config, parallel="tp")
