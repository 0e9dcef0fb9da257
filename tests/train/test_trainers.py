"""TRAINERS: one row more is a trainer that every command and tool knows; every row keeps its promises."""

import importlib
import json
import shutil

import pytest
import torch
from safetensors.torch import load_file

import verse
from tests.helpers.boxes import Boxes
from tests.helpers.boxes import micro as micro_vae
from tests.helpers.reconstruction import FakeReader, micro
from tests.helpers.toy_trainer import TOY
from train import trainers, weights
from train.loop.fit import fit
from train.loop.runs import RunError
from train.models.lrm.task import LRMTask
from train.models.shape_vae.task import VAETask
from train.tools import memory, release, speed
from train.trainers import TRAINERS, trainer_of

torch.set_num_threads(1)
TASKS = {
    "lrm": lambda: LRMTask(micro(steps=1, warmup=1), FakeReader()),
    "vae": lambda: VAETask(micro_vae(steps=1, warmup=1), Boxes()),
}


@pytest.fixture
def toy(monkeypatch):
    for module in (trainers, memory, speed):
        monkeypatch.setattr(module, "TRAINERS", (*TRAINERS, TOY))


@pytest.fixture(scope="module", params=TRAINERS, ids=lambda row: row.name)
def row(request):
    return request.param


@pytest.fixture(scope="module")
def run(row, tmp_path_factory):
    """The run of each row after one step."""
    folder = tmp_path_factory.mktemp(row.name) / "run"
    fit(TASKS[row.name](), folder)
    return folder


def test_a_row_is_a_command_a_benchmark_a_release_and_a_line_of_the_tools(toy, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(weights, "ROOT", tmp_path / "shelf")
    words = f"train toy --data {tmp_path} --out {tmp_path / 'run'} --preset quick --wings 3"
    assert "train toy" in verse.overview() and "Train a toy." in verse.overview()
    assert verse.main(words.split()) == 0
    assert verse.main(words.replace("wings 3", "wings -1").split()) == 2
    assert "--wings: expected at least 0, got -1" in capsys.readouterr().err
    assert verse.main(f"benchmark {tmp_path / 'run'} --data {tmp_path} --out {tmp_path / 'scores'}".split()) == 0
    assert f"toy with 3 wings on {tmp_path}" in capsys.readouterr().out
    release.main([str(tmp_path / "run"), str(tmp_path / "shelf" / "mine")])
    assert trainer_of("mine") is TOY and TOY.function("load")("mine")[1].wings == 3
    capsys.readouterr()
    memory.main(["--trainer", "toy", "--samples", "2"])
    assert capsys.readouterr().out.splitlines()[2].startswith("| quick | 2 | 0.0 |")
    speed.main("--device cpu --gaussians 64 --size 12 --repeats 1 --trainer toy --preset quick".split())
    told = capsys.readouterr().out
    assert "Training toy quick" in told and "flapping, % of a step" in told


def test_the_names_of_a_row_are_there(row):
    for role in ("train", "load", "task", "evaluate"):
        assert callable(row.function(role))
    assert row.function("task")(TASKS[row.name]().config).name == row.name
    for name, make in row.presets.items():
        assert make().preset == name and type(make()) is row.config and make.__doc__.split("\n")[0].endswith(".")


def test_a_run_is_known_by_its_config_and_loads(row, run):
    assert trainer_of(run) is row
    model, config = row.function("load")(run)
    assert config == TASKS[row.name]().config and not model.training
    saved = load_file(run / "model.safetensors")
    assert all(torch.equal(saved[name], x) for name, x in model.state_dict().items())


@pytest.mark.parametrize(
    "harm, message",
    [
        (lambda path: (path / "model.safetensors").write_bytes(b"x"), "damaged, or of another version"),
        (lambda path: edit(path, wings=2), "damaged, or of another version: .*wings"),
        (lambda path: edit(path, width=64), "damaged, or of another version: Error"),
    ],
)
def test_a_damaged_run_of_any_trainer_is_told(row, run, tmp_path, harm, message):
    copy = shutil.copytree(run, tmp_path / "copy")
    harm(copy)
    with pytest.raises(RunError, match=message):
        row.function("load")(copy)


def edit(folder, **changes) -> None:
    stamp = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(stamp | {"config": stamp["config"] | changes}))


def test_a_run_of_an_unknown_trainer_is_told(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "copy")
    stamp = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(stamp | {"trainer": "wings"}))
    with pytest.raises(RunError, match="trained by wings, expected lrm or vae"):
        trainer_of(copy)


def test_a_benchmark_of_one_kind_refuses_the_data_of_another(row, run, tmp_path, capsys):
    flag = {"lrm": "--data", "vae": "--views"}[row.name]
    assert verse.main(["benchmark", str(run), flag, str(tmp_path), "--out", str(tmp_path / "scores")]) == 2
    assert "expected" in capsys.readouterr().err and not (tmp_path / "scores").exists()


def test_a_release_adds_no_settings_and_loads(row, run, tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "ROOT", tmp_path)
    release.release(run, tmp_path / "mine")
    before, after = (json.loads((path / "config.json").read_text())["config"] for path in (run, tmp_path / "mine"))
    assert before.keys() == after.keys() and row.function("load")("mine")[1].preset == before["preset"]


def test_a_step_of_every_trainer_has_a_size(row):
    config = TASKS[row.name]().config
    one, two = (memory.step_bytes(row, config, samples, pairs=100) for samples in (1, 2))
    parameters = sum(p.numel() for p in TASKS[row.name]().model.parameters())
    assert 16 * parameters < one < two


def test_rows_are_light_and_their_modules_exist(row):
    assert importlib.util.find_spec(row.config.__module__).origin.endswith("config.py")
