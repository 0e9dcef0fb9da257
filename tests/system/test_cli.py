"""The command line: exit statuses, one-line errors, help that loads nothing heavy."""

import json
import subprocess
import sys
import typing

import pytest
import tyro

import renderers
import verse
from detailverse import grammar
from detailverse.grammar.recipe import to_dict
from renderers.shards import ShardReader
from renderers.tables import LIGHTS, RIGS
from train.commands.models import LRM_FLAGS
from train.data.sampler import ON_ERROR
from train.evaluation.protocols import PROTOCOLS
from train.loop.config import PARALLEL
from train.loop.fit import Outcome
from train.models.lrm import config as lrm
from train.models.lrm import task as lrm_task
from zeroverse.core.rng import Rng
from zeroverse.grammar import PRESETS


@pytest.mark.parametrize("arguments", [["--help"], *[[*words.split(), "--help"] for words, _ in verse.COMMANDS]])
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
        (verse.TrainLrm, "preset", lrm.PRESETS),
        (verse.Ablate, "preset", lrm.PRESETS),
        (verse.Ablate, "precision", lrm.PRECISIONS),
        (verse.TrainLrm, "parallel", PARALLEL),
        (verse.TrainLrm, "precision", lrm.PRECISIONS),
        (verse.TrainLrm, "on_error", ON_ERROR),
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


def test_flags_of_train_lrm_are_fields_of_its_config(monkeypatch, tmp_path):
    """Unset, they are what every preset says: a flag never overrules a preset in silence."""
    given = []
    monkeypatch.setattr(
        lrm_task, "train_lrm", lambda data, out, config, **_: given.append(config) or Outcome(0, True, 0, {})
    )
    for preset in lrm.PRESETS:
        assert verse.main(f"train lrm --data {tmp_path} --out x --preset {preset}".split()) == 0
    assert given == [preset() for preset in lrm.PRESETS.values()]
    flags = {
        "depth_weight": 0.2,
        "normal_weight": 0.02,
        "centers_weight": 0.5,
        "curriculum_steps": 9,
        "precision": "bf16",
        "parallel": "fsdp",
        "perceptual": "vgg:x.pth",
        "perceptual_weight": 0.5,
        "perceptual_after": 7,
        "point_steps": 8,
        "log_scale_max": -1.6,
        "view_angle_deg": 40.0,
        "micro_batch": 1,
        "recompute": True,
        "workers": 3,
        "on_error": "skip",
        "wandb": "mine",
    }
    assert set(flags) == set(LRM_FLAGS)
    words = [word for name, value in flags.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    assert verse.main(["train", "lrm", "--data", str(tmp_path), "--out", "x", *words]) == 0
    assert {name: getattr(given[-1], name) for name in flags} == flags


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
