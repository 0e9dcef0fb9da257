"""What the runs of `verse ablate` say together: rates, means and differences with their intervals, and the table. Pure
functions of the runs' records.
"""

from collections.abc import Sequence

import numpy as np

from train.evaluation import published
from train.metrics.intervals import crossed_interval, wilson_interval
from zeroverse.core.tables import markdown_table

BOOTSTRAP_SEED = 0
HEAD = (
    "mix, %: plain/cut/wireframe",
    "perceptual",
    "log-scale clip",
    "view angle, °",
    "runs",
    "diverged",
    "rate [95 %]",
    "skipped updates",
    "PSNR [95 %]",
    "less the first row [95 %]",
    "published",
)
NOTES = (
    "Diverged: the guard saw {patience} bad steps in a row, and the run went back to an earlier checkpoint or "
    "was given up; the rate has Wilson's interval.\n"
    "Skipped updates: those that the guard left out, also where the run went back later. PSNR in dB: mean over "
    "the runs that were not given up, and over the\n"
    "held-out objects; its interval resamples both (pigeonhole bootstrap, 10,000 times, seed 0): of two or three "
    "runs it is too narrow, of one it covers the\n"
    "objects only. Less the first row: on the same seeds and objects. Published: LRM-Zero ({source}), PSNR on "
    'GSO at 256 px with 8 inputs, or "failed"; one\n'
    "run each of 300 M parameters, 80K steps, 400K objects, with a VGG perceptual "
    "loss{perceptual} and a view angle of 60, perhaps not degrees, where the\n"
    "row has no other. Compare it within its column.\n"
)


def summarise(rows: Sequence[dict], runs: Sequence[dict]) -> list[dict]:
    """Returns every row with what its runs gave; None where there is nothing to say yet. The first row is what the
    others are compared with.
    """
    of_row = {row["name"]: [run for run in runs if run["row"] == row["name"]] for row in rows}
    first = of_row[rows[0]["name"]]
    return [
        row
        | _counts(own := of_row[row["name"]])
        | {
            "psnr": _interval(psnrs(own)),
            "published": _published(row),
            "difference": None if own is first else _interval(_paired(own, first)),
        }
        for row in rows
    ]


def floors(runs: Sequence[dict]) -> dict[str, dict | None]:
    """Returns {what: interval} of the nearest input view and the untrained model; of the runs of one row, for they are
    the same in all.
    """
    scored = [run for run in runs if run["psnr"]]
    same = [run for run in scored if run["row"] == scored[0]["row"]]
    return {what: _interval(psnrs(same, what)) for what in (scored[0]["psnr"] if scored else ()) if what != "model"}


def psnrs(runs: Sequence[dict], what: str = "model") -> np.ndarray:  # [S, N]
    """Returns the PSNRs of the runs that have scores, on the objects that all of them have; S or N may be 0."""
    scores = [run["psnr"][what] for run in runs if run["psnr"]]
    names = [name for name in scores[0] if all(name in others for others in scores)] if scores else []
    return np.array([[row[name] for name in names] for row in scores], dtype=np.float64).reshape(
        len(scores), len(names)
    )


def _paired(runs: Sequence[dict], first: Sequence[dict]) -> np.ndarray:  # [S, N]
    """Of the seeds for which both have scores."""
    seeds = {run["seed"] for run in runs if run["psnr"]} & {run["seed"] for run in first if run["psnr"]}
    ours, theirs = (
        psnrs(sorted((run for run in of if run["seed"] in seeds), key=lambda run: run["seed"])) for of in (runs, first)
    )
    return ours - theirs


def _counts(runs: Sequence[dict]) -> dict:
    diverged = sum(bool(run["rollbacks"] or run["given_up"]) for run in runs)
    return {
        "runs": len(runs),
        "diverged": diverged,
        "rate": list(wilson_interval(diverged, len(runs))) if runs else None,
        "given_up": sum(bool(run["given_up"]) for run in runs),
        "rollbacks": sum(run["rollbacks"] for run in runs),
        "skipped": sum(run["skipped"] for run in runs),
        "steps": sum(run["step"] for run in runs),
    }


def _interval(values: np.ndarray) -> dict | None:
    if not values.size:
        return None
    low, high = crossed_interval(values, BOOTSTRAP_SEED)
    return {"mean": float(values.mean()), "low": low, "high": high, "runs": values.shape[0], "objects": values.shape[1]}


def _published(row: dict) -> dict | None:
    found = published.ablation(row["mix"], row["perceptual"], row["clip"], row["angle"])
    return found._asdict() if found else None


def table(results: dict) -> str:
    """Returns the table as Markdown."""
    settings, config = results["settings"], results["settings"]["config"]
    about = (
        f"LRM-Zero's ablations in miniature: preset {config['preset']}, {config['size']} px, {config['steps']} steps "
        f"of {config['batch']} samples; "
        f"{settings['objects']} objects a run, {settings['views']} views of each; {settings['held_out']} held-out "
        f"objects of the default mixture, "
        f"protocol {settings['protocol']}"
    )
    blank = [""] * (HEAD.index("PSNR [95 %]") - 1)
    rows = [_cells(row) for row in results["rows"]]
    rows += [[what, *blank, _with_interval(value), "", ""] for what, value in results["floors"].items()]
    perceptual = "" if config["perceptual"].startswith("vgg:") else f" (here: {config['perceptual']})"
    notes = NOTES.format(patience=config["patience"], source=published.SOURCE, perceptual=perceptual)
    return "\n\n".join([about, markdown_table(HEAD, rows), notes])


def _cells(row: dict) -> list[str]:
    settings = [row["mix"], f"{row['perceptual']:g}", f"{row['clip']:g}", f"{row['angle_deg']:g}", str(row["runs"])]
    if not row["runs"]:
        return [*settings, *["–"] * 5, _shown_published(row["published"])]
    gave_up = f" ({row['given_up']} given up)" if row["given_up"] else ""
    low, high = row["rate"]
    rate = f"{100 * row['diverged'] / row['runs']:.0f} % [{100 * low:.0f}, {100 * high:.0f}]"
    return [
        *settings,
        f"{row['diverged']}{gave_up}",
        rate,
        str(row["skipped"]),
        _with_interval(row["psnr"]),
        _with_interval(row["difference"], "+"),
        _shown_published(row["published"]),
    ]


def _with_interval(value: dict | None, sign: str = "") -> str:
    return f"{value['mean']:{sign}.2f} [{value['low']:{sign}.2f}, {value['high']:{sign}.2f}]" if value else "–"


def _shown_published(row: dict | None) -> str:
    return "–" if row is None else "failed" if row["psnr"] is None else f"{row['psnr']:.2f}"
