"""Released models: what is written of a run, and that their name stands wherever a run does."""

import json
import re
import shutil
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from safetensors.torch import save as safetensors_bytes

import renderers
import verse
from tests.helpers.reconstruction import FakeReader, micro
from train import weights
from train.loop.fit import fit
from train.loop.runs import RunError
from train.models.lrm.task import LRMTask, load_run
from train.tools import release
from zeroverse.core.usage import UsageError

torch.set_num_threads(1)


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """An empty folder in the place of train/weights/."""
    monkeypatch.setattr(weights, "ROOT", tmp_path / "shelf")
    return tmp_path / "shelf"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder, config = tmp_path_factory.mktemp("release") / "run", micro(steps=2, warmup=1, lr=1e-2)
    fit(LRMTask(config, FakeReader()), folder)
    return folder


def test_a_release_is_half_as_large_and_loads_as_float32(run, shelf, capsys):
    release.main([str(run), str(shelf / "mine")])
    halves, whole = load_file(shelf / "mine" / "model.safetensors"), load_file(run / "model.safetensors")
    assert {x.dtype for x in halves.values()} == {torch.float16}
    size = (shelf / "mine" / "model.safetensors").stat().st_size
    assert size < 0.6 * (run / "model.safetensors").stat().st_size and f"{size / 1e6:.1f} MB" in capsys.readouterr().out
    model, config = load_run("mine")
    assert config == load_run(run)[1] == load_run(shelf / "mine")[1]
    for name, x in model.state_dict().items():
        assert x.dtype == torch.float32 and torch.equal(x, halves[name].float())
        assert (x - whole[name]).abs().max() <= 2**-11 * whole[name].abs().max()


def test_a_release_says_nothing_of_the_machine(run, shelf, tmp_path):
    stamp = json.loads((run / "config.json").read_text())
    private = dict(start_from=str(tmp_path / "first"), perceptual=f"vgg:{tmp_path}/vgg19.pth", wandb="mine")
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "model.safetensors").write_bytes((run / "model.safetensors").read_bytes())
    (copy / "config.json").write_text(json.dumps(stamp | {"config": stamp["config"] | private}))
    release.release(copy, shelf / "mine")
    text = (shelf / "mine" / "config.json").read_text()
    assert str(tmp_path) not in text and json.loads(text) == stamp | {
        "config": stamp["config"] | {"perceptual": "vgg:vgg19.pth"}
    }
    (copy / "config.json").write_text(json.dumps(stamp | {"config": stamp["config"] | {"start_from": "mine"}}))
    release.release(copy, shelf / "finer")
    assert load_run("finer")[1].start_from == "mine", "a start that everybody has"


@pytest.mark.parametrize(
    "harm, message",
    [
        (
            lambda patch, tensors: patch.setattr(release, "LARGEST", 1000),
            "weights: expected at most 0.001 MB in float16, got",
        ),
        (
            lambda patch, tensors: tensors["head.weight"].view(-1)[3:4].fill_(7e4),
            "head.weight: expected finite weights below 65504, got 7",
        ),
        (
            lambda patch, tensors: tensors["head.weight"].view(-1)[3:4].fill_(torch.nan),
            "head.weight: expected finite weights",
        ),
    ],
)
def test_what_must_not_be_released_is_refused(run, shelf, tmp_path, monkeypatch, harm, message):
    tensors = load_file(run / "model.safetensors")
    harm(monkeypatch, tensors)
    (tmp_path / "config.json").write_bytes((run / "config.json").read_bytes())
    (tmp_path / "model.safetensors").write_bytes(safetensors_bytes(tensors))
    with pytest.raises(RunError, match=message):
        release.release(tmp_path, shelf / "mine")
    assert not shelf.exists()


@pytest.mark.parametrize(
    "harm, message",
    [
        (lambda folder: (folder / "model.safetensors").unlink(), "no exported model"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"x"), "damaged, or of another version"),
        (lambda folder: (folder / "config.json").write_text("{"), "config.json: Expecting"),
        (lambda folder: (folder / "config.json").write_text("[]"), "config.json: expected that of a run"),
        (lambda folder: edit(folder, wings=2), "damaged, or of another version: .*wings"),
        (lambda folder: edit(folder, width=64), "damaged, or of another version: Error"),
    ],
)
def test_a_damaged_run_is_told_in_one_line(run, dataset, tmp_path, capsys, harm, message):
    copy = shutil.copytree(run, tmp_path / "copy")
    harm(copy)
    assert verse.main(f"reconstruct {copy} --views {dataset} --out {tmp_path / 'out'}".split()) == 1
    told = capsys.readouterr().err
    assert re.search(f"^verse: {tmp_path}.*{message}.*\n$", told) and "--debug" not in told


def edit(folder, **changes) -> None:
    stamp = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(stamp | {"config": stamp["config"] | changes}))


def test_what_is_no_run_is_told_in_one_line(shelf, tmp_path, capsys):
    for folder, message in (
        (tmp_path, "no exported model"),
        (tmp_path / "nowhere", "expected the folder of a run or a released model"),
    ):
        with pytest.raises(SystemExit):
            release.main([str(folder), str(shelf / "mine")])
        assert message in capsys.readouterr().err


def test_names_find_what_is_whole_and_folders_come_first(run, shelf, tmp_path, monkeypatch):
    with pytest.raises(
        UsageError, match=r"RUN: expected the folder of a run or a released model \(none so far\), got mine"
    ):
        weights.find("mine")
    release.release(run, shelf / "mine")
    (shelf / "half").mkdir()
    (shelf / "half" / "config.json").write_text("{}")
    assert weights.names() == ["mine"] and weights.find("mine") == shelf / "mine"
    for wrong in ("half", "mine/", "../shelf/mine", "nowhere"):
        with pytest.raises(
            UsageError, match=r"--start-from: expected the folder of a run or a released model \(mine\), got "
        ):
            weights.find(wrong, "--start-from")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    assert str(weights.find("mine")) == "mine"


def test_the_next_stage_starts_from_a_released_model(run, shelf):
    release.release(run, shelf / "mine")
    started = LRMTask(replace(micro(size=32), start_from="mine"), FakeReader()).model
    assert all(torch.equal(x, load_run("mine")[0].state_dict()[name]) for name, x in started.state_dict().items())


def test_commands_take_a_name_for_a_run(run_folder, dataset, shelf, tmp_path, capsys):
    release.release(run_folder, shelf / "mine")
    assert verse.main(f"reconstruct mine --views {dataset} --out {tmp_path / 'a'}".split()) == 0
    assert (
        verse.main(f"benchmark mine --views {dataset} --out {tmp_path / 'b'} --protocol gso-4".split()) == 1
    )  # loads, then finds no such rig
    assert "protocol gso-4 needs a view" in capsys.readouterr().err
    assert verse.main(f"train lrm --data {dataset} --out {tmp_path / 'c'} --steps 1 --start-from mine".split()) == 0
    assert load_run(tmp_path / "c")[1].start_from == "mine"
    for command in (
        "reconstruct yours --views {}",
        "benchmark yours --views {}",
        "train lrm --data {} --start-from yours",
    ):
        assert verse.main([*command.format(dataset).split(), "--out", str(tmp_path / "d")]) == 2
        assert "a released model (mine), got yours" in capsys.readouterr().err and not (tmp_path / "d").exists()


def test_released_models_load():
    """Of this package, if it has any: the config of each is one that this code knows, and no larger than is allowed."""
    for name in weights.names():
        model, _ = load_run(name)
        assert all(p.isfinite().all() for p in model.parameters())
        assert (weights.ROOT / name / "model.safetensors").stat().st_size <= release.LARGEST


def test_the_doctor_names_the_released_models(monkeypatch, capsys):
    monkeypatch.setattr(renderers, "BACKENDS", {})  # whose speed takes seconds to measure
    assert verse.main(["doctor"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert next(row for row in rows if row.startswith("released models")).split()[2:] == weights.names()
