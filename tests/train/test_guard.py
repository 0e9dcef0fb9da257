"""Stability: which steps the guard skips, when it calls a run diverged, and that rolling back is deterministic and safe
to interrupt.
"""

import json
import math

import pytest
import torch

from tests.helpers.line import LineTask, Poisoned, assert_same_run, line
from train.loop.fit import fit
from train.loop.guard import NEEDED, WINDOW, Guard
from train.loop.runs import RunError

torch.set_num_threads(1)


def guard(**changes) -> Guard:
    return Guard(**{**dict(skip_norm=20.0, skip_factor=10.0, diverge_factor=5.0, patience=3), **changes})


def calm(made: Guard, steps: int = NEEDED, terms=("loss",)) -> Guard:
    for step in range(steps):
        assert made.judge(1.0 + 0.1 * (step % 3), 0.5, list(terms)) == ("", "")
    return made


@pytest.mark.parametrize(
    "loss, norm, reason",
    [
        (math.nan, 0.5, "loss nan"),
        (math.inf, 0.5, "loss inf"),
        (1.0, math.nan, "gradient norm nan"),
        (1.0, 21.0, "gradient norm 21 > 20"),
        (1.0, 5.1, "gradient norm 5.1 > 10 x 0.5, its running median"),
        (1.0, 4.9, ""),
        (100.0, 0.5, ""),
    ],
)
def test_outliers_are_named(loss, norm, reason):
    assert calm(guard()).judge(loss, norm, ["loss"]).reason == reason


def test_the_absolute_limit_needs_no_history_and_the_relative_one_does():
    assert guard().judge(1.0, 21.0, ["loss"]).reason and not guard().judge(1.0, 19.0, ["loss"]).reason
    assert not calm(guard(skip_factor=0.0)).judge(1.0, 19.0, ["loss"]).reason


def test_a_lasting_change_of_the_norm_is_no_outlier():
    """The window takes skipped norms too, so a new level is accepted once it fills half of it."""
    made = calm(guard(patience=WINDOW), WINDOW)
    reasons = [made.judge(1.0, 8.0, ["loss"]).reason for _ in range(WINDOW)]
    assert all(reasons[: WINDOW // 2 - 1]) and not any(reasons[WINDOW // 2 + 1 :])


def test_high_losses_in_a_row_are_a_divergence():
    made = calm(guard())
    high = [made.judge(6.0, 0.5, ["loss"]) for _ in range(3)]
    assert [v.reason for v in high] == ["", "", ""]  # each is a usable update; together they are a divergence
    assert [bool(v.diverged) for v in high] == [False, False, True]
    assert "3 steps in a row went wrong, the last: loss 6 > 5 x 1.1, its running median" == high[2].diverged
    made = calm(guard())
    assert not any(made.judge(loss, 0.5, ["loss"]).diverged for loss in (6.0, 6.0, 1.0) * 5)


def test_a_new_loss_term_starts_a_new_history():
    made = calm(guard(), terms=("loss", "points"))
    assert made.judge(50.0, 15.0, ["loss", "mse"]) == ("", "")


def test_a_loaded_guard_judges_as_the_saved_one():
    a, b = calm(guard(), 150), guard()
    a.judge(math.nan, 0.3, ["loss"])
    b.load(json.loads(json.dumps(a.state())))
    for loss, norm in ((6.0, 0.7), (1.0, 5.5), (7.0, 0.1), (1.0, 0.4)):
        assert a.judge(loss, norm, ["loss"]) == b.judge(loss, norm, ["loss"]) and a.state() == b.state()


# ---------------------------------------------------------------------------------------------------------- in the loop


def rows(path):
    return [json.loads(row) for row in (path / "log.jsonl").read_text().splitlines()]


def test_a_diverged_run_returns_to_its_last_good_state_and_says_why(tmp_path):
    config = line(steps=9, patience=2)
    task = Poisoned(config)
    outcome = fit(task, tmp_path)  # batches of 4: steps 5 and 6 see the bad ones; saved at 2 and 4
    assert outcome.finished and outcome.step == 9 and outcome.skipped == 2
    log = rows(tmp_path)
    event = [row for row in log if "rollback" in row]
    assert event == [{"step": 5, "rollback": "2 steps in a row went wrong, the last: loss nan", "from_step": 7}]
    assert [row["step"] for row in log if "lr" in row] == list(range(1, 10))  # the abandoned rows are gone
    assert len(task.losses) == 7 + 5 and [row["rollbacks"] for row in log if "lr" in row][-1] == 1
    saved = torch.load(tmp_path / "checkpoint_00000009.pt", weights_only=True)
    assert saved["shift"] == 3 and saved["step"] == 9  # three steps' worth of data passed over


@pytest.mark.parametrize(
    "die_at", [6, 7, 9, 11]
)  # before, right after and well after the rollback, and after the next checkpoint
def test_a_run_killed_around_a_rollback_resumes_to_the_same_end(tmp_path, die_at):
    config = line(steps=9, patience=2)
    fit(Poisoned(config), tmp_path / "whole")
    with pytest.raises(MemoryError):
        fit(Poisoned(config, die_at=die_at), tmp_path / "killed")
    assert fit(Poisoned(config), tmp_path / "killed", resume=True).finished
    assert_same_run(tmp_path / "whole", tmp_path / "killed")


def test_rollbacks_are_counted_and_end(tmp_path):
    config = line(steps=9, patience=2, rollbacks=2)
    with pytest.raises(RunError, match=r"diverged: 2 steps in a row .* after 2 rollbacks"):
        fit(Poisoned(config, bad=range(16, 1000)), tmp_path)
    assert [row["from_step"] for row in rows(tmp_path) if "rollback" in row] == [6, 6]


def test_no_checkpoint_is_saved_while_steps_go_wrong(tmp_path):
    """Every second step is saved; steps 5, 6 and 7 are bad, so 6 is not, and 4 is where the run returns to."""
    config = line(steps=9, patience=3)
    fit(Poisoned(config, bad=range(20, 30)), tmp_path)
    assert [row["from_step"] for row in rows(tmp_path) if "rollback" in row] == [8]
    assert [row["step"] for row in rows(tmp_path) if "rollback" in row] == [5]


def test_skipped_steps_are_logged_with_their_reason(tmp_path):
    config = line(steps=4)
    fit(LineTask(config, {1: lambda task: math.inf, 2: lambda task: 1e9}), tmp_path)
    reasons = [(row["step"], row["skip"].split(" > ")[0][:13]) for row in rows(tmp_path) if "skip" in row]
    assert reasons == [(2, "loss inf"), (3, "gradient norm")]
