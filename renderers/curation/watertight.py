"""Watertight meshes of what a curation kept: `watertight/<uid>.glb`, and what was dropped from each, `watertight.json`
and `watertight.png`.

Here and not in `detailverse.curation`, because it reads pools and writes files for a whole run; the geometry is there.
"""

import functools
import hashlib
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import trimesh

import renderers
from detailverse.meshing.watertight import watertight
from detailverse.spatial.sampling import triangles_of
from renderers.curation import sheets
from renderers.curation.subjects import Handle, Pool, Unusable, around, opened
from renderers.farm import engines
from renderers.lighting import UNIFORM
from renderers.tables import ENGINES
from zeroverse.asset import Asset, glb_bytes
from zeroverse.core.files import write_whole

RESOLUTIONS = (128, 256, 512)
FORMAT = "verse-watertight/1"


def seal(
    pool: Pool,
    wanted: list[int],
    out: Path,
    resolution: int,
    workers: int,
    on_done: Callable[[], None] = lambda: None,
    engine: str = "loky",
) -> dict:
    """Seals the objects of these numbers; returns {uid: report or {"failed": why}}. What an earlier run sealed in the
    same way stays.

    Raises ValueError for another resolution than those of `RESOLUTIONS`.
    """
    if resolution not in RESOLUTIONS:
        raise ValueError(f"watertight: expected one of {', '.join(map(str, RESOLUTIONS))}, got {resolution}")
    (out / "watertight").mkdir(parents=True, exist_ok=True)
    rows = {}
    with ENGINES[engine](max(1, min(workers, len(wanted))), None) as processes:
        for index, row in engines.run(
            processes, functools.partial(seal_one, pool.handle, out / "watertight", resolution), wanted
        ):
            rows[pool.names[index]] = {"failed": "crashed a worker twice"} if row is engines.DIED else row
            on_done()
    shown = [uid for uid, row in rows.items() if "failed" not in row][: sheets.MOST]
    tiles = [
        (json.loads((out / "watertight" / f"{uid}.json").read_bytes())["thumbnail"], _captions(uid, rows[uid]))
        for uid in shown
    ]
    write_whole(out / "watertight.png", sheets.sheet(f"watertight at {resolution}", len(wanted), tiles))
    write_whole(
        out / "watertight.json",
        json.dumps({"format": FORMAT, "resolution": resolution, "objects": rows}, indent=1).encode(),
    )
    return rows


def seal_one(handle: Handle, folder: Path, resolution: int, index: int) -> dict:
    """Returns one object's report; its GLB is written before its record, so that a record means a whole file."""
    pool = opened(handle)
    uid = pool.names[index]
    key = hashlib.sha256(json.dumps([FORMAT, resolution, pool.stamp(index)]).encode()).hexdigest()
    record = folder / f"{uid}.json"
    if (
        record.exists()
        and (folder / f"{uid}.glb").exists()
        and (known := json.loads(record.read_bytes()))["key"] == key
    ):
        return known["report"]
    try:
        asset = pool.asset(index)
        if asset is None:
            raise Unusable("watertight: needs a mesh; generate the shards with --meshes")
        points, faces = triangles_of(asset)
        done = watertight(points, faces, resolution)
    except (Unusable, ValueError) as error:
        return {"failed": str(error)}
    except Exception as error:  # of one object, whatever it is
        return {"failed": " ".join(f"{type(error).__name__}: {error}".split())}
    scene = trimesh.Scene()
    scene.add_geometry(
        trimesh.Trimesh(done.points, done.faces, process=False), geom_name="watertight", node_name="watertight"
    )
    sealed = Asset(scene, uid)
    write_whole(folder / f"{uid}.glb", glb_bytes(sealed))
    images = renderers.load("cpu").render(sealed, around(sealed, sheets.TILE)[[4]], UNIFORM, ("rgb", "alpha", "normal"))
    report = (
        {"triangles_before": len(faces)}
        | done.report()
        | {"area_dropped": round(float(np.sum([piece.area for piece in done.dropped])), 6)}
    )
    write_whole(record, json.dumps({"key": key, "report": report, "thumbnail": sheets.thumbnail(images)}).encode())
    return report


def _captions(uid: str, row: dict) -> list[str]:
    dropped = Counter(piece["reason"] for piece in row["pieces_dropped"])
    return [
        uid,
        f"{row['triangles_before']} -> {row['triangles']} triangles",
        f"{row['cells_reset']} cells reset",
        ", ".join(f"{times} {reason} dropped" for reason, times in dropped.items()) or "nothing dropped",
    ]
