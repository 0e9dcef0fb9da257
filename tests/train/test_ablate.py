"""The study of mixtures: its grid, that it stands any kill, that it counts divergence, and that its table is what the
runs say.
"""

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import verse
from renderers.shards import ShardReader
from tests.helpers.processes import environment
from tests.helpers.reconstruction import micro
from train.evaluation import published
from train.loop.runs import RunError
from train.metrics.intervals import crossed_interval, wilson_interval
from train.models.lrm.task import LRMTask
from train.studies import ablate
from train.studies.ablate import AblationError, Mix, grid
from train.studies.ablation_table import floors, summarise, table
from zeroverse import grammar

torch.set_num_threads(1)
BASE = micro(steps=3, warmup=1, log_every=1, save_every=2, validate_every=0, preview_every=0)
ROWS = grid(["100/0/0", "20/80/0"], [0.2], [-1.2])
SIZES = dict(seeds=2, objects=2, held_out=2)


def study(out, base=BASE, rows=ROWS, **changes):
    return ablate.ablate(out, base, rows, **{**SIZES, **changes})


def results(out) -> dict:
    return json.loads((out / "results.json").read_bytes())


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """(folder, table) of two rows of two runs."""
    out = tmp_path_factory.mktemp("ablation") / "study"
    return out, study(out)


# ----------------------------------------------------------------------------------------------------------------- grid


def test_mixes_are_read_as_the_paper_writes_them():
    mix = Mix.parse("66.6/0/33.3")
    assert mix.label == "66.6/0/33.3" and dict(mix.edits) == {"cut": 0, "wireframe": pytest.approx(1 / 3, abs=1e-6)}
    default = Mix.parse("40.0/40/20")
    assert (default.label, dict(default.edits)) == ("40/40/20", grammar.PRESETS["default"].of_objects())
    for wrong in ("40/40", "a/b/c", "", "50/60/0", "120/-20/0", "nan/50/50", "100/inf/0", "40/40/20/0"):
        with pytest.raises(AblationError, match="mixes: expected plain/cut/wireframe in per cent that sum to 100"):
            Mix.parse(wrong)


def test_the_grid_is_every_combination_once_in_order():
    rows = grid(["100/0/0", "40/40/20", "100.0/0/0"], [0.5, 0.2], [-1.2, -1.6], [60, 40])
    assert len(rows) == len({row.folder for row in rows}) == 2 * 2 * 2 * 2
    assert [str(row) for row in rows[:2]] == [
        "mix 100/0/0, perceptual 0.5, clip -1.2, angle 60",
        "mix 100/0/0, perceptual 0.5, clip -1.2, angle 40",
    ]
    config = rows[-1].config(BASE, 3)
    assert config == replace(BASE, perceptual_weight=0.2, log_scale_max=-1.6, view_angle_deg=40, seed=3)
    assert ROWS[0].config(BASE, 0).view_angle_deg == BASE.view_angle_deg
    for wrong, message in (
        (dict(mixes=[]), "mixes: expected at least one"),
        (dict(perceptual=[-1]), "perceptual: expected weights of at least 0, got -1"),
        (dict(clips=[float("nan")]), "clips: expected logarithms"),
        (dict(angles=[0.0]), "angles: expected degrees"),
    ):
        with pytest.raises(AblationError, match=message):
            grid(**{**dict(mixes=["100/0/0"], perceptual=[0.2], clips=[-1.2]), **wrong})


def test_published_rows_are_found_by_their_settings():
    for row in published.ABLATIONS:
        assert Mix.parse(row.mix).label == row.mix and published.ablation(*row[:4]) == row
    assert (
        published.ablation("40/40/20", 0.2, -1.2, None).psnr == 30.78
        and published.ablation("40/60/0", 0.2, -1.2, 40).psnr == 30.85
    )
    assert published.ablation("40/60/0", 0.2, -1.2, None).psnr is None, "failed"
    assert published.ablation("40/40/20", 0.3, -1.2, None) is None, "never tried"


# ------------------------------------------------------------------------------------------------------------ the study


def test_the_rows_differ_in_their_mixture_only(finished):
    out, _ = finished
    kinds = {}
    for row in ROWS:
        for seed in range(2):
            reader = ShardReader(out / "data" / row.mix.folder / f"seed-{seed}")
            config = json.loads((out / "data" / row.mix.folder / f"seed-{seed}" / "dataset.json").read_bytes())[
                "config"
            ]["source"]
            assert config.items() >= dict(row.mix.edits).items() and config["seed"] == seed
            kinds[row.mix.label, seed] = [json.loads(reader.meta(i).recipe)["parts"] for i in range(2)]
    assert kinds["100/0/0", 0] == kinds["20/80/0", 0] != kinds["100/0/0", 1] == kinds["20/80/0", 1]
    held_out = ShardReader(out / "data" / "held-out")
    assert (
        held_out.keys == ("zeroverse-paper-0-01000000", "zeroverse-paper-0-01000001") and len(held_out.cameras(0)) == 64
    )


def test_every_run_is_scored_on_the_same_objects(finished):
    out, _ = finished
    found = results(out)
    assert [(run["row"], run["seed"]) for run in found["runs"]] == [
        (row.folder, seed) for seed in range(2) for row in ROWS
    ]
    for run in found["runs"]:
        assert run["step"] == 3 and run["given_up"] == "" and run["rollbacks"] == 0
        scores = json.loads(
            (out / "runs" / run["row"] / f"seed-{run['seed']}" / "scores" / "results.json").read_bytes()
        )
        assert (
            run["psnr"]["model"] == {item["name"]: item["scores"]["model"]["psnr"] for item in scores["objects"]}
            and len(run["psnr"]["model"]) == 2
        )
    assert len({json.dumps(run["psnr"]["nearest input"]) for run in found["runs"]}) == 1
    assert len({json.dumps(run["psnr"]["model"]) for run in found["runs"]}) == 4
    assert not list(out.rglob("checkpoint_*")) and len(list(out.rglob("model.safetensors"))) == 4
    a, b = (str(out / "runs" / row.folder / "seed-0" / "scores") for row in ROWS)
    assert verse.main(["compare", a, b]) == 0


def test_the_table_is_what_the_runs_say(finished):
    """Every number once more, by hand, from the runs' own files."""
    out, text = finished
    found = results(out)
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    values = {}
    for row, line in zip(ROWS, lines[2:]):
        runs = [
            json.loads((out / "runs" / row.folder / f"seed-{seed}" / "outcome.json").read_bytes()) for seed in range(2)
        ]
        values[row] = np.array([[run["psnr"]["model"][name] for name in sorted(run["psnr"]["model"])] for run in runs])
        low, high = crossed_interval(values[row], 0)
        assert (
            f"| {row.mix.label} | 0.2 | -1.2 | 180 | 2 | 0 | 0 % [0, {100 * wilson_interval(0, 2)[1]:.0f}] | 0 | "
            in line
        )
        assert f"| {values[row].mean():.2f} [{low:.2f}, {high:.2f}] |" in line
    difference = values[ROWS[1]] - values[ROWS[0]]
    low, high = crossed_interval(difference, 0)
    assert lines[2].endswith("| – | 29.88 |") and lines[3].endswith(
        f"| {difference.mean():+.2f} [{low:+.2f}, {high:+.2f}] | failed |"
    )
    nearest = list(found["runs"][0]["psnr"]["nearest input"].values())
    assert any(line.startswith("| nearest input |") and f" {np.mean(nearest):.2f} [" in line for line in lines)
    assert text == (out / "table.md").read_text() == table(found) and "arXiv 2406.09371" in text


def test_the_same_command_again_does_nothing_and_more_seeds_add_to_it(finished, monkeypatch):
    out, text = finished
    trained = []
    real = ablate.train_lrm
    monkeypatch.setattr(
        ablate,
        "train_lrm",
        lambda data, folder, *rest, **named: trained.append(str(folder)) or real(data, folder, *rest, **named),
    )
    assert study(out) == text and trained == []
    more = study(out, rows=ROWS[:1], seeds=3)
    assert (
        trained == [str(out / "runs" / ROWS[0].folder / "seed-2")]
        and "| 180 | 3 | 0 |" in more
        and "20/80/0" not in more.split("\n\n")[1]
    )
    assert study(out) == text


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(objects=3), "objects: 2 there, 3 asked for"),
        (dict(held_out=1), "held_out: 2 there, 1"),
        (dict(base=replace(BASE, steps=5)), "config.steps: 3 there, 5"),
    ],
)
def test_another_study_is_refused(finished, changes, message):
    with pytest.raises(AblationError, match=message):
        study(finished[0], **changes)


def test_a_model_without_a_protocol_is_refused(tmp_path):
    with pytest.raises(AblationError, match="inputs: expected 4 or 8, for which there is a protocol, got 5"):
        study(tmp_path, replace(BASE, inputs=5))


# ---------------------------------------------------------------------------------------------------------------- kills


KILLED = """
import os, signal, sys
from pathlib import Path
from test_ablate import study
from train.models.lrm.task import LRMTask
calls, real = [], LRMTask.loss
def loss(task, *given):
    calls.append(1)
    if len(calls) == 6:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(task, *given)
LRMTask.loss = loss
study(Path(sys.argv[1]))
"""


def test_a_study_killed_outright_comes_to_the_same_results(finished, tmp_path):
    """In the second run's last step, after a checkpoint; then with a shard that is not known to be whole, and a run
    that is trained but not scored.
    """
    out, here = tmp_path / "study", environment(Path(__file__).parent, OMP_NUM_THREADS="1")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(out)], env=here, timeout=300, stderr=subprocess.PIPE, text=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    first = out / "runs" / ROWS[0].folder / "seed-0"
    stamps = {path: path.stat().st_mtime_ns for path in first.rglob("*")}
    assert (
        len(results(out)["runs"]) == 1
        and (first / "outcome.json").exists()
        and list((out / "runs" / ROWS[1].folder / "seed-0").glob("checkpoint_*"))
    )
    assert study(out) == finished[1] and results(out) == results(finished[0])
    assert {path: path.stat().st_mtime_ns for path in first.rglob("*")} == stamps, "what is done is left alone"
    (out / "runs" / ROWS[1].folder / "seed-1" / "outcome.json").unlink()
    (out / "data" / ROWS[1].mix.folder / "seed-1" / "zeroverse-000000.json").unlink()
    assert study(out) == finished[1] and results(out) == results(finished[0])


def test_an_interrupted_run_ends_the_study_and_goes_on(finished, tmp_path, monkeypatch):
    real, calls = LRMTask.loss, []

    def loss(task, *given):
        calls.append(1)
        if len(calls) == 2:
            signal.raise_signal(signal.SIGTERM)
        return real(task, *given)

    monkeypatch.setattr(LRMTask, "loss", loss)
    assert study(tmp_path, rows=ROWS[:1], seeds=1) is None and not (tmp_path / "table.md").exists()
    assert study(tmp_path, rows=ROWS[:1], seeds=1) and len(calls) == BASE.steps
    assert results(tmp_path)["runs"] == results(finished[0])["runs"][:1]


# ----------------------------------------------------------------------------------------------------------- divergence


def test_a_forced_divergence_is_reported(tmp_path):
    """A monstrous learning rate: after the first update every gradient explodes. The study goes on, and says so."""
    wild = replace(BASE, steps=9, lr=1e3, patience=4, save_every=0)
    text = study(tmp_path, wild, ROWS[:1])
    (row,) = results(tmp_path)["rows"]
    assert (row["runs"], row["diverged"], row["given_up"], row["psnr"]) == (2, 2, 2, None) and row["skipped"] >= 8
    assert "| 2 | 2 (2 given up) | 100 % [34, 100] |" in text and results(tmp_path)["floors"] == {}
    for run in results(tmp_path)["runs"]:
        assert (
            run["given_up"].startswith("diverged: 4 steps in a row went wrong, the last: ")
            and run["psnr"] == {}
            and run["step"] < 9
        )
    assert study(tmp_path, wild, ROWS[:1]) == text


def test_what_is_no_divergence_is_an_error(tmp_path, monkeypatch):
    def refuse(*given, **named):
        raise RunError("the checkpoint is of another run")

    monkeypatch.setattr(ablate, "train_lrm", refuse)
    with pytest.raises(RunError, match="another run"):
        study(tmp_path)
    assert not (tmp_path / "results.json").exists()


def made(row: str, seed: int, psnr=(), rollbacks=0, given_up="", skipped=0) -> dict:
    scores = {"model": dict(zip("ab", psnr)), "nearest input": {"a": 10.0, "b": 12.0}} if psnr else {}
    return {
        "row": row,
        "seed": seed,
        "step": 10,
        "rollbacks": rollbacks,
        "given_up": given_up,
        "skipped": skipped,
        "psnr": scores,
    }


def test_divergence_is_counted_as_it_was():
    """A run that healed has diverged, and has a score; one that was given up has none, and is paired with nothing."""
    rows = [
        {"name": name, "mix": "40/40/20", "perceptual": 0.2, "clip": -1.2, "angle": None, "angle_deg": 180.0}
        for name in ("x", "y", "z")
    ]
    runs = [
        made("x", 0, (20.0, 22.0)),
        made("x", 1, (21.0, 23.0)),
        made("x", 2, (10.0, 10.0)),
        made("y", 1, (22.0, 25.0), rollbacks=2, skipped=3),
        made("y", 0, (20.5, 22.5), skipped=1),
        made("y", 2, given_up="diverged", rollbacks=3),
    ]
    x, y, z = summarise(rows, runs)
    assert (x["diverged"], y["diverged"], y["given_up"], y["rollbacks"], y["skipped"]) == (0, 2, 1, 5, 4)
    assert y["rate"] == pytest.approx(wilson_interval(2, 3)) and y["psnr"]["mean"] == 22.5 and y["psnr"]["runs"] == 2
    assert (
        x["difference"] is None
        and y["difference"]["mean"] == pytest.approx(np.mean([1.0, 2.0, 0.5, 0.5]))
        and y["difference"]["runs"] == 2
    )
    assert (z["runs"], z["psnr"], z["rate"], z["difference"]) == (0, None, None, None)
    assert floors(runs)["nearest input"]["mean"] == 11.0 and floors([]) == floors(runs[-1:]) == {}


def test_the_command_asks_for_what_it_says(monkeypatch, tmp_path, capsys):
    given = {}
    monkeypatch.setattr(
        ablate,
        "ablate",
        lambda out, base, rows, **named: given.update(out=out, base=base, rows=rows, **named) or "the table\n",
    )
    words = (
        "--mixes 100/0/0 60/40/0 --perceptual 0 0.5 --clips -1.6 -1.2 --angles 40 --seeds 3 --steps 7 --objects 5 "
        "--held-out 4 --workers 1 --precision bf16"
    )
    assert (
        verse.main(["ablate", "--out", str(tmp_path), *words.split()]) == 0 and capsys.readouterr().out == "the table\n"
    )
    assert (
        given["rows"] == grid(["100/0/0", "60/40/0"], [0.0, 0.5], [-1.6, -1.2], [40])
        and given["base"].steps == 7
        and given["base"].precision == "bf16"
    )
    assert [given[name] for name in ("seeds", "objects", "held_out", "workers")] == [3, 5, 4, 1]
    monkeypatch.setattr(ablate, "ablate", lambda *_, **__: None)
    assert (
        verse.main(["ablate", "--out", str(tmp_path)]) == 130
        and "the same command continues" in capsys.readouterr().err
    )
