"""The command line: exit statuses, one-line errors, help that loads nothing heavy."""
import subprocess
import sys
import typing

import pytest

import renderers
import verse
from renderers.farm import RIGS
from renderers.lighting import LIGHTS
from train.benchmark import PROTOCOLS
from zeroverse.grammar import PRESETS


@pytest.mark.parametrize("arguments", [["--help"], *[[*words.split(), "--help"] for words, _ in verse.COMMANDS]])
def test_help_teaches_and_loads_nothing_heavy(arguments):
    code = ("import sys, verse\ntry:\n    verse.main(sys.argv[1:])\nexcept SystemExit as end:\n    assert not end.code\n"
            "heavy = {'torch', 'numba', 'trimesh', 'numpy', 'scipy'} & set(sys.modules)\nassert not heavy, heavy")
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "verse" in done.stdout


@pytest.mark.parametrize("command", ["", "nonsense", "generate", "generate nonsense", "verify", "verify /nowhere", "generate zeroverse", "train lrm --data x",
                                     "generate zeroverse --out x --count 0", "generate zeroverse --out x --count many", "generate zeroverse --out x --size 2",
                                     "generate zeroverse --out x --light moon", "generate files --assets /nowhere --out x", "benchmark . --out x",
                                     "generate zeroverse --out x --passes smell", "generate zeroverse --out x --workers -1", "preview . --out x --limit 0"])
def test_wrong_usage_is_status_2(command, capsys):
    try:
        status = verse.main(command.split())
    except SystemExit as end:
        status = end.code
    assert status == 2
    captured = capsys.readouterr()
    assert (captured.err + captured.out).strip() and "Traceback" not in captured.err


@pytest.mark.parametrize("command, message", [
    ("verify {}", "no shards"), ("preview {} --out {}", "no samples"), ("train lrm --data {} --out {}/run", "no samples"),
    ("generate files --assets {} --out {}/x", "no .glb"), ("benchmark {} --views {} --out {}/x", ""), ("reconstruct {} --views {} --out {}/x", ""),
])
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


@pytest.mark.parametrize("command, field, table", [
    (verse.GenerateZeroverse, "renderer", [row[0] for row in renderers.BACKENDS]), (verse.GenerateZeroverse, "light", LIGHTS),
    (verse.GenerateZeroverse, "rig", RIGS), (verse.GenerateZeroverse, "preset", PRESETS), (verse.Benchmark, "protocol", PROTOCOLS),
])
def test_choices_are_the_registries(command, field, table):
    """The command line spells its choices out, because --help must not import the registries; a new row is named here."""
    assert set(typing.get_args(typing.get_type_hints(command)[field])) == set(table), f"add the new row to {command.__name__}.{field} in verse.py"
