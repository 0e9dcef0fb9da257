"""Two benchmark results, object by object: what `verse compare` prints."""

import json
from pathlib import Path

import numpy as np

from train.metrics.intervals import bootstrap_interval
from zeroverse.core.tables import markdown_table

BOOTSTRAP_SEED = 0
SAME = ("protocol", "resolution")  # otherwise the numbers are of different things


class CompareError(ValueError):
    """Two results that cannot be compared; the message says why."""


def compare(first: Path, second: Path) -> str:
    """Returns Markdown: per metric both means, and the mean of second - first with its 95 % paired bootstrap interval
    over the objects that both have.

    Pairing removes what makes objects hard or easy, so the interval is that of the difference, far narrower than the
    two intervals suggest.
    """
    a, b = _read(first), _read(second)
    for name in SAME:
        if a[name] != b[name]:
            raise CompareError(f"{name}: expected the same in both, got {a[name]} and {b[name]}")
    pairs = _pairs(a, b)
    metrics = [metric for metric in pairs[0][0]["scores"]["model"] if metric in pairs[0][1]["scores"]["model"]]
    left_out = (
        ""
        if len(pairs) == len(a["objects"]) == len(b["objects"])
        else f" that both have (A {len(a['objects'])}, B {len(b['objects'])})"
    )
    about = (
        f"{len(pairs)} objects{left_out}, protocol {a['protocol']}, {a['resolution']} px; A: {a['run']}, B: {b['run']}"
    )
    head = [None, "A", "B", "B - A [95 % paired interval]", "objects"]
    return f"{about}\n\n{markdown_table(head, [_cells(metric, pairs) for metric in metrics])}\n"


def _cells(metric: str, pairs: list[tuple[dict, dict]]) -> list[str]:
    scores = [[row["scores"]["model"].get(metric) for row in pair] for pair in pairs]
    values = np.array([pair for pair in scores if None not in pair], dtype=np.float64)  # [N, 2]
    if not len(values):
        return [metric, "–", "–", "–", "0"]
    difference = values[:, 1] - values[:, 0]
    low, high = bootstrap_interval(difference, BOOTSTRAP_SEED)
    first, second = values.mean(axis=0)
    gain = f"{difference.mean():+.4f} [{low:+.4f}, {high:+.4f}]"
    return [metric, f"{first:.4f}", f"{second:.4f}", gain, str(len(values))]


def _pairs(a: dict, b: dict) -> list[tuple[dict, dict]]:
    others = {row["name"]: row for row in b["objects"]}
    pairs = [(row, others[row["name"]]) for row in a["objects"] if row["name"] in others]
    if not pairs:
        raise CompareError("objects: expected some that both results have, got none")
    for ours, theirs in pairs:
        if (ours["inputs"], ours["targets"]) != (theirs["inputs"], theirs["targets"]):
            raise CompareError(f"{ours['name']}: expected the same input and target views in both results")
    return pairs


def _read(path: Path) -> dict:
    """results.json, or the folder that has it."""
    file = path / "results.json" if path.is_dir() else path
    try:
        results = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise CompareError(f"{path}: expected results.json of verse benchmark") from None
    except ValueError as error:
        raise CompareError(f"{file}: {error}") from error
    missing = {"objects", "protocol", "resolution", "run"} - set(results) if isinstance(results, dict) else {"objects"}
    if missing:
        raise CompareError(f"{file}: not the results of verse benchmark: missing {', '.join(sorted(missing))}")
    return results
