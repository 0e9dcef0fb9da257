"""What a benchmark says in the end: the summary with intervals, the table, and the figure of worst, median and best."""

import numpy as np
import torch
from torch import Tensor

from train.evaluation import published
from train.metrics.intervals import bootstrap_interval
from zeroverse.core import png
from zeroverse.core.tables import markdown_table

BOOTSTRAP_SEED = 0


class PartlyScored(RuntimeError):
    """Some objects could not be scored. table: of the others."""

    def __init__(self, message: str, table: str):
        super().__init__(message)
        self.table = table


def summarise(rows: list[dict]) -> dict:
    """Returns {what: {metric: {mean, low, high, objects}}} over the objects that have the metric."""
    summary = {}
    for what in dict.fromkeys(what for row in rows for what in row["scores"]):
        scores = [row["scores"][what] for row in rows]
        metrics = dict.fromkeys(metric for row in scores for metric in row)
        values = {metric: [row[metric] for row in scores if row.get(metric) is not None] for metric in metrics}
        summary[what] = {metric: _interval(found) for metric, found in values.items() if found}
    return summary


def _interval(values: list[float]) -> dict[str, float]:
    low, high = bootstrap_interval(values, BOOTSTRAP_SEED)
    return {"mean": float(np.mean(values)), "low": low, "high": high, "objects": len(values)}


def table(results: dict) -> str:
    """Returns the summary, published numbers of the protocol, then every object, as Markdown."""
    # LPIPS is published with every row, so it has a column even when we did not measure it
    lpips = ["lpips"] if results["published"] else []
    measured = [metric for scores in results["summary"].values() for metric in scores]
    metrics = list(dict.fromkeys(["psnr", "ssim", *lpips, *measured]))
    head = [metric.replace("_", " ").upper() for metric in metrics]
    about = (
        f"{len(results['objects'])} objects, protocol {results['protocol']}, {results['resolution']} px, preset "
        f"{results['preset']}; mean [95 % interval over objects]"
    )
    summary = [
        [what, *(_with_interval(metric, scores.get(metric)) for metric in metrics)]
        for what, scores in results["summary"].items()
    ]
    summary += [
        [published.label(row), *(_shown(metric, getattr(row, metric, None)) for metric in metrics)]
        for row in (published.Row(**row) for row in results["published"])
    ]
    objects = [
        [row["name"], *(_shown(metric, row["scores"]["model"].get(metric)) for metric in metrics)]
        for row in results["objects"]
    ]
    tables = markdown_table([None, *head], summary), markdown_table(["object", *head], objects)
    return "\n\n".join([about, *tables]) + "\n"


def _with_interval(metric: str, value: dict | None) -> str:
    return (
        f"{_shown(metric, value['mean'])} [{_shown(metric, value['low'])}, {_shown(metric, value['high'])}]"
        if value
        else "–"
    )


def _shown(metric: str, value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}" if metric == "psnr" else f"{value:.3f}"


def extremes(rows: list[dict]) -> list[int]:
    """Returns the worst, the median and the best object by PSNR, each once."""
    order = sorted(range(len(rows)), key=lambda i: rows[i]["scores"]["model"]["psnr"])
    return list(dict.fromkeys((order[0], order[len(order) // 2], order[-1])))


def figure(shown: list[tuple[Tensor, Tensor, Tensor]]) -> bytes:
    """Returns a PNG of objects as (inputs, prediction, target), each [., 3, S, S] in 0..1: per object its first inputs,
    then prediction above target. PNG bytes.
    """
    lines = []
    for seen, pred, target in shown:
        inputs, count = min(4, len(seen)), min(6, len(target))
        lines.append(torch.cat([*seen[:inputs], *pred[:count]], dim=2))
        lines.append(torch.cat([torch.ones_like(seen[0])] * inputs + list(target[:count]), dim=2))
    image = torch.cat(lines, dim=1)
    return png.encode(np.ascontiguousarray((image.permute(1, 2, 0) * 255).round().byte().numpy()))
