"""Shards -> folders that other software reads: one folder per object, written whole or not at all, resumable."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from renderers.formats import ExportError, Format, Sample
from renderers.shards import ShardReader
from renderers.tables import FORMATS
from zeroverse.core.files import write_whole

EXPORT_FILE = "export.json"
EXPORT_FORMAT = "verse-export/1"


@dataclass
class Exported:
    """What a run did: objects written, and objects found finished."""

    written: int = 0
    kept: int = 0


def export(
    folder: str | Path,
    out: str | Path,
    name: str,
    seed: int = 0,
    limit: int | None = None,
    on_done: Callable[[str], None] = lambda uid: None,
) -> Exported:
    """Writes the first `limit` objects of a folder of shards to `out`/<uid> in the format `name` of `FORMATS`;
    `on_done` hears of each.

    An object's folder appears under its name when it is complete; those that are there already are left alone, so the
    same call continues a run that was stopped. Raises ExportError when a pass or field is missing, when the format
    cannot express the cameras, or when `out` holds another export.
    """
    reader, out, row = ShardReader(folder), Path(out), FORMATS[name]
    uids = reader.keys[:limit]
    _check_needs(Sample(reader, 0), row)  # all samples of a dataset have the same fields
    _claim(
        out, {"format": EXPORT_FORMAT, "layout": name, "meaning": row.meaning, "seed": seed, "data": reader.fingerprint}
    )
    done = Exported()
    for index, uid in enumerate(uids):
        if (out / uid).is_dir():
            done.kept += 1
        else:
            _write(Sample(reader, index), out / uid, row, seed)
            done.written += 1
        on_done(uid)
    for file, text in row.index(list(uids)).items():
        write_whole(out / file, text.encode())
    return done


def _check_needs(sample: Sample, row: Format) -> None:
    missing = [need for need in row.needs if not sample.has(need)]
    if not missing:
        return
    cure = (
        "generate them with --meshes"
        if "mesh.glb" in missing
        else f"generate them with --passes {' '.join([*sample.meta.passes, *missing])}"
    )
    raise ExportError(
        f"{sample.reader.folder}: format {row.name} needs {' and '.join(missing)}, which these shards have not "
        f"(passes: {', '.join(sample.meta.passes)}); {cure}"
    )


def _claim(out: Path, settings: dict) -> None:
    """Note in `out` what it holds, or see that it holds the same already."""
    file = out / EXPORT_FILE
    if file.exists():
        there = json.loads(file.read_bytes())
        odd = [key for key in settings if there.get(key) != settings[key]]
        if odd:
            raise ExportError(
                f"{out}: holds another export ({odd[0]}: {there.get(odd[0])} there, {settings[odd[0]]} asked for); "
                f"choose another --out"
            )
        return
    out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()):
        raise ExportError(f"{out}: expected an empty folder or an earlier export of these shards; choose another --out")
    write_whole(file, json.dumps(settings, indent=1).encode())


def _write(sample: Sample, folder: Path, row: Format, seed: int) -> None:
    temporary = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(temporary, ignore_errors=True)  # what a killed run left
    temporary.mkdir()
    try:
        row.write(sample, temporary, seed)
        os.replace(temporary, folder)
    except BaseException:  # KeyboardInterrupt too: nothing half-written stays
        shutil.rmtree(temporary, ignore_errors=True)
        raise
