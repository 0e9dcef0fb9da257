"""Whether what the grammar builds is clean: `python -m detailverse.grammar.acceptance --count 3000` builds objects,
looks at each, and prints a table.

Geometry only, as every sample has it: closed after equal positions are merged, consistently wound, of positive volume,
finite; how often recipes were rejected, and why; objects that are twins. One JSON line an object in --out, so that an
interrupted run goes on and another may be laid beside it.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import joblib
import numpy as np
import trimesh

from detailverse import families, grammar
from detailverse.curation.duplicates import near_duplicates
from detailverse.labels.descriptors import surface_descriptor
from zeroverse.core.files import write_whole
from zeroverse.core.progress import progress
from zeroverse.core.tables import markdown_table
from zeroverse.shapes.solid import Rejected

# distance of two descriptors under which objects are nearly the same: a turned object is at 0, one stretched by 2 % at
# 0.015
TWINS = 0.01


def look(seed: int, index: int) -> dict:
    """Returns what is found about object (seed, index), of the grammar's own mixture of families and levels, as one
    row.
    """
    began = time.process_time()
    row: dict = {"index": index, "rejected": {}}
    try:
        recipe, whole, row["rejected"] = grammar.sample_passing(seed, index)
    except (
        Exception
    ) as error:  # a crash of the grammar is what this looks for: it is named, and the other objects are looked at
        return row | {
            "failed": str(error) if isinstance(error, Rejected) else f"crash: {type(error).__name__}: {error}"
        }
    seconds = time.process_time() - began
    mesh = trimesh.Trimesh(whole.points.astype(np.float32), whole.faces, process=False)
    mesh.merge_vertices()
    faults = {
        "not closed": not mesh.is_watertight,
        "not consistently wound": not mesh.is_winding_consistent,
        "of no volume": not mesh.volume > 0,
        "not finite": not np.isfinite(whole.points).all(),
    }
    return row | {
        "family": families.name_of(recipe.family),
        "level": recipe.level,
        "triangles": len(whole.faces),
        "seconds": round(seconds, 3),
        "faults": [name for name, found in faults.items() if found],
        "hash": grammar.geometry_hash(whole),
        "descriptor": surface_descriptor(whole.points, whole.faces).round(5).tolist(),
    }


def run(seed: int, indices: Iterable[int], out: Path, workers: int) -> list[dict]:
    """Returns the rows of these objects, and appends them to `out`; objects whose rows it already has are not built
    again.
    """
    indices = list(indices)
    lines = [line for line in out.read_text().splitlines() if line.endswith("}")] if out.exists() else []
    write_whole(out, "".join(f"{line}\n" for line in lines).encode())  # without the line that a kill cut short
    rows = {row["index"]: row for row in map(json.loads, lines)}
    todo = [index for index in indices if index not in rows]
    reasons: Counter[str] = Counter()
    with open(out, "a") as file, progress("acceptance", "object", len(todo)) as bar:
        for row in joblib.Parallel(workers, return_as="generator")(joblib.delayed(look)(seed, index) for index in todo):
            rows[row["index"]] = row
            print(json.dumps(row), file=file, flush=True)
            reasons.update(row["rejected"])
            bar.counts(reasons)
            bar.update()
    return [rows[index] for index in indices]


def table(rows: list[dict]) -> str:
    """Returns the rows as a table in Markdown."""
    built = [row for row in rows if "hash" in row]
    faults, reasons = Counter(fault for row in built for fault in row["faults"]), Counter()
    for row in rows:
        reasons.update(row["rejected"])
    seconds = np.array([row["seconds"] for row in built])
    same = len(built) - len({row["hash"] for row in built})
    near = int((near_duplicates(np.array([row["descriptor"] for row in built]), TWINS) >= 0).sum())
    failed = Counter(row["failed"].split(":")[0] for row in rows if "failed" in row)
    lines = [
        ("objects", f"{len(built):,} of {len(rows):,}, {len({row['family'] for row in built})} families"),
        ("failed", ", ".join(f"{times} {what}" for what, times in failed.items()) or "none"),
        (
            "not closed, wound, positive, finite",
            ", ".join(f"{times} {fault}" for fault, times in faults.items()) or "none",
        ),
        ("recipes rejected", ", ".join(f"{times} {reason}" for reason, times in reasons.most_common()) or "none"),
        ("the same geometry; nearly the same", f"{same}; {near}"),
        (
            "triangles, median and largest",
            "{:,.0f}; {:,.0f}".format(*np.percentile([row["triangles"] for row in built], [50, 100])),
        ),
        ("CPU seconds, median and 90 %", "{:.2f}; {:.2f}".format(*np.percentile(seconds, [50, 90]))),
    ]
    return markdown_table((None, None), lines)


def main() -> None:
    """Reads the command line, runs, and prints the table."""
    parser = argparse.ArgumentParser(
        prog="python -m detailverse.grammar.acceptance",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=joblib.cpu_count())
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("acceptance.jsonl"),
        help="one line an object; the same command goes on from it",
    )
    options = parser.parse_args()
    print(table(run(options.seed, range(options.count), options.out, options.workers)))


if __name__ == "__main__":
    main()
