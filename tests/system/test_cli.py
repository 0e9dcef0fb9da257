"""The command line: exit statuses, one-line errors, help that loads nothing heavy."""

import json
import subprocess
import sys
import typing
from dataclasses import replace
from functools import wraps

import pytest
import tyro

import renderers
import verse
from detailverse import grammar
from detailverse.grammar.recipe import to_dict
from renderers.shards import ShardReader
from renderers.tables import LIGHTS, RIGS
from train import trainers
from train.commands import training
from train.evaluation.protocols import PROTOCOLS
from train.loop.fit import Outcome
from train.trainers import TRAINERS
from zeroverse.core.helptext import texts
from zeroverse.core.rng import Rng
from zeroverse.grammar import PRESETS


@pytest.mark.parametrize("arguments", [["--help"], *[[*words.split(), "--help"] for words, _ in verse.commands()]])
def test_help_teaches_and_loads_nothing_heavy(arguments):
    code = (
        "import sys, verse\ntry:\n    verse.main(sys.argv[1:])\nexcept SystemExit as end:\n    assert not end.code\n"
        "heavy = {'torch', 'numba', 'trimesh', 'numpy', 'scipy'} & set(sys.modules)\nassert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "verse" in done.stdout and "None" not in done.stdout


def test_help_says_what_stands_below_a_field_in_one_piece(monkeypatch, capsys):
    """Of the command's own fields, of those that it extends, and of records in it; and what may be left out is not
    called None.
    """
    monkeypatch.setenv("COLUMNS", "100000")
    with pytest.raises(SystemExit):
        verse.main(["generate", "detailverse", "--help"])
    told = capsys.readouterr().out
    for text in (
        "--hdri PATH",
        "--level {0,1,2,3,4}",
        "0: bare structures … 4: all details. The same seed and index at two levels is the same object, coarse and "
        "fine. Default: a mixture.",
        "rig: the zero123 rig does, the other published ones stay as published (the sphere's nearest views cut "
        "corners)",
        "Degrees above the horizon, uniform in area on the sphere; the azimuth is uniform.",
    ):
        assert text in told, text


@pytest.mark.parametrize(
    "command",
    [
        "",
        "nonsense",
        "generate",
        "generate nonsense",
        "verify",
        "verify /nowhere",
        "generate zeroverse",
        "train lrm --data x",
        "generate zeroverse --out x --count 0",
        "generate zeroverse --out x --count many",
        "generate zeroverse --out x --size 2",
        "generate zeroverse --out x --light moon",
        "generate files --assets /nowhere --out x",
        "benchmark . --out x",
        "generate zeroverse --out x --passes smell",
        "generate zeroverse --out x --workers -1",
        "preview . --out x --limit 0",
        "ablate --out x --mixes 50/60/0",
        "ablate --out x --mixes 50/50",
        "ablate --out x --seeds 0",
        "ablate --out x --perceptual -0.1",
        "ablate --out x --angles 0",
        "ablate --out x --clips",
        "generate zeroverse --out x --cut 1.5",
        "generate zeroverse --out x --cut 0.9",
        "generate zeroverse --out x --edit cut=0.9",
        "generate zeroverse --out x --edit cut",
        "generate zeroverse --out x --edit dent=0.1",
        "generate zeroverse --out x --edit cut=0.1 --cut 0.2",
        "train lrm --data generate:zeroverse --out x --curriculum-steps 5",
        "train lrm --data . --out x --depth-weight -1",
        "train lrm --data . --out x --view-angle-deg 0",
        "train vae --data . --out x --kl-weight -1",
        "train vae --data . --out x --workers 0",
        "train vae --data generate:zeroverse --out x",
        "train lrm --data . --out x --parallel tp",
        "train lrm --out x --data",
        "train lrm --data . generate:zeroverse --out x",
        "train lrm --data . /nowhere --out x",
        "train lrm --data . --out x --seed 99999999999999999999",
        "regen /nowhere.json --out x",
    ],
)
def test_wrong_usage_is_status_2(command, capsys):
    try:
        status = verse.main(command.split())
    except SystemExit as end:
        status = end.code
    assert status == 2
    captured = capsys.readouterr()
    assert (captured.err + captured.out).strip() and "Traceback" not in captured.err


@pytest.mark.parametrize(
    "command, message",
    [
        ("verify {}", "no shards"),
        ("preview {} --out {}", "no samples"),
        ("train lrm --data {} --out {}/run", "no samples"),
        ("generate files --assets {} --out {}/x", "no .glb"),
        ("benchmark {} --views {} --out {}/x", ""),
        ("reconstruct {} --views {} --out {}/x", ""),
    ],
)
def test_failed_work_is_status_1_with_one_line(command, message, tmp_path, capsys):
    assert verse.main(command.replace("{}", str(tmp_path)).split()) == 1
    error = capsys.readouterr().err.strip()
    assert message in error and str(tmp_path) in error and "Traceback" not in error


def test_debug_shows_the_traceback(tmp_path):
    with pytest.raises(ValueError, match="no samples"):
        verse.main(["preview", str(tmp_path), "--out", str(tmp_path / "x"), "--debug"])


def test_verify_says_what_is_there(dataset, capsys):
    assert verse.main(["verify", str(dataset)]) == 0
    assert "2 shards, 5 samples, all whole" in capsys.readouterr().out


@pytest.mark.parametrize(
    "command, field, table",
    [
        (verse.GenerateZeroverse, "renderer", renderers.BACKENDS),
        (verse.GenerateZeroverse, "light", LIGHTS),
        (verse.GenerateZeroverse, "rig", RIGS),
        (verse.GenerateZeroverse, "preset", PRESETS),
        (verse.Benchmark, "protocol", PROTOCOLS),
    ],
)
def test_choices_are_the_registries(command, field, table):
    """The command line spells its choices out, because --help must not import the registries; a new row is named
    here.
    """
    kind, *none = typing.get_args(typing.get_type_hints(command)[field] | None)  # None, where it is one: the preset's
    assert set(typing.get_args(kind)) == set(table), (
        f"add the new row to {command.__name__}.{field} in {command.__module__}"
    )


def commanded(monkeypatch, trainer, words: str) -> dict:
    """What the function that trains was given by `verse train NAME`."""
    given = {}
    train = lambda data, out, config, **_: given.update(data=data, config=config) or Outcome(0, True, 0, {})
    monkeypatch.setattr(trainers.Trainer, "function", lambda row, role: {"train": train}[role])
    assert verse.main(["train", trainer.name, *words.split()]) == 0
    return given


@pytest.mark.parametrize("trainer", TRAINERS, ids=lambda row: row.name)
def test_a_flag_that_is_not_given_leaves_the_preset_as_it_is(monkeypatch, tmp_path, trainer):
    for preset, make in trainer.presets.items():
        changed = wraps(make)(lambda make=make: replace(make(), on_error="skip", wandb="mine", parallel="fsdp", seed=5))
        monkeypatch.setitem(trainer.presets, preset, changed)
        given = commanded(monkeypatch, trainer, f"--data {tmp_path} --out x --preset {preset}")
        assert given["config"] == trainer.presets[preset](), preset


@pytest.mark.parametrize("trainer", TRAINERS, ids=lambda row: row.name)
def test_every_flag_sets_its_field(monkeypatch, tmp_path, trainer):
    told = texts(trainer.config)
    assert {"steps", "seed", "parallel", "micro_batch", "workers", "wandb", "on_error"} < told.keys()
    hints = typing.get_type_hints(trainer.config)
    for name in told:
        value = {bool: True, int: 3, float: 0.25, str: "mine"}.get(hints[name]) or typing.get_args(hints[name])[-1]
        if name == "start_from":
            value = "laptop"
        words = f"--data {tmp_path} --out x {training.dashed(name)} {value}"
        config = commanded(monkeypatch, trainer, words)["config"]
        assert config == replace(trainer.presets["tiny"](), **{name: value}) and getattr(config, name) == value


@pytest.mark.parametrize("trainer", TRAINERS, ids=lambda row: row.name)
def test_help_says_what_each_flag_means_and_what_the_presets_have(trainer, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "100000")
    with pytest.raises(SystemExit):
        verse.main(["train", trainer.name, "--help"])
    told = capsys.readouterr().out
    for name, text in texts(trainer.config).items():
        assert training.dashed(name) in told and text in told
    for name, make in trainer.presets.items():
        assert name in told and f"{make().steps}" in told


# ----------------------------------------------------------------------------------------------------- detailed objects


def test_generate_detailverse(tmp_path):
    out = tmp_path / "data"
    command = (
        f"generate detailverse --out {out} --count 1 --level 0 --family screw --views 2 --size 32 "
        f"--texture-size 64 --workers 1 --engine serial"
    )
    assert verse.main(command.split()) == 0
    recipe = json.loads(ShardReader(out).meta(0).recipe)
    assert recipe["family"]["family"] == "screw" and recipe["level"] == 0


def test_an_unknown_family_is_named(tmp_path, capsys):
    assert verse.main(f"generate detailverse --out {tmp_path} --family teapott".split()) == 2
    error = capsys.readouterr().err
    assert "--family: expected one of" in error and "vase" in error and "teapott" in error


@pytest.fixture(scope="module")
def vase(tmp_path_factory):
    """(a file with the recipe of a bare vase and the hash of its geometry, what stands in it)."""
    drawn = grammar.sample(Rng("cli"), "vase", level=0, texture_size=64)
    stored = to_dict(drawn) | {"geometry_sha256": grammar.geometry_hash(grammar.surface(drawn))}
    path = tmp_path_factory.mktemp("recipes") / "vase.json"
    path.write_text(json.dumps(stored))
    return path, stored


def edited(vase, folder, **family):
    path = folder / "edited.json"
    path.write_text(json.dumps({**vase[1], "family": vase[1]["family"] | family}))
    return path


def test_regen_gives_the_same_bits(vase, tmp_path, capsys):
    assert verse.main(f"regen {vase[0]} --out {tmp_path} --verify".split()) == 0
    assert "the same" in capsys.readouterr().out
    assert {path.suffix for path in tmp_path.iterdir()} == {".glb", ".json", ".png"}
    assert json.loads((tmp_path / "vase.json").read_text())["geometry_sha256"] == vase[1]["geometry_sha256"]


def test_regen_says_when_an_edit_made_another_object(vase, tmp_path, capsys):
    belly = 0.5 if vase[1]["family"]["belly"] > 0.6 else 0.8
    assert verse.main(f"regen {edited(vase, tmp_path, belly=belly)} --out {tmp_path / 'again'} --verify".split()) == 1
    assert f"expected {vase[1]['geometry_sha256']}" in capsys.readouterr().err
    assert (tmp_path / "again" / "edited.glb").exists(), "without --verify an edit is what regen is for"


def test_regen_names_node_and_argument_of_a_broken_recipe(vase, tmp_path, capsys):
    assert verse.main(f"regen {edited(vase, tmp_path, belly=9.0)} --out {tmp_path / 'again'}".split()) == 1
    assert "edited.json: family: Vase.belly: expected a number from" in capsys.readouterr().err
    assert not (tmp_path / "again").exists()


# ------------------------------------------------------------------------------------------------------------- curation


def test_curate_reads_its_thresholds():
    words = (
        "models --out curated --limits.score 2.5 --curator c --watertight 256 --features a.pt2 b --workers 3".split()
    )
    asked = tyro.cli(verse.Curate, args=words)
    assert (asked.input, asked.limits.score, asked.watertight, [str(path) for path in asked.features]) == (
        "models",
        2.5,
        256,
        ["a.pt2", "b"],
    )


@pytest.mark.parametrize("wrong", ["--limits.score 2", "--size 8", "--watertight 3", "--limits.smell 1"])
def test_curate_refuses_what_makes_no_sense(wrong, tmp_path, capsys):
    try:
        status = verse.main(f"curate {tmp_path} --out {tmp_path / 'out'} {wrong}".split())
    except SystemExit as end:
        status = end.code
    assert status == 2 and not (tmp_path / "out").exists()
    assert wrong.split()[0] in "".join(capsys.readouterr())
