"""Shapes through the autoencoder and back, scored and rendered: what `verse autoencode` runs."""

import json
from pathlib import Path

import numpy as np
import trimesh
from torch import Tensor

import renderers
from renderers.lighting import STUDIO
from renderers.passes import on_white
from renderers.shards import ShardError, ShardReader
from train.data.fields import FieldSampler
from train.evaluation.report import PartlyScored, summarise
from train.geometry.isosurface import mesh_of
from train.loop.ranks import default_device
from train.metrics.meshes import surface_scores, volume_iou
from train.models.shape_vae.network import ShapeVAE
from train.models.shape_vae.task import load_vae, reconstruct, signed
from zeroverse.asset import Asset, glb_bytes
from zeroverse.core import png
from zeroverse.core.files import write_whole
from zeroverse.core.progress import progress
from zeroverse.core.tables import markdown_table
from zeroverse.core.usage import need

SHOWN = 8  # objects in the figure
GREY = (0.6, 0.6, 0.6)


def evaluate(run_dir: Path, out: Path, asked) -> str:
    """Returns the table of what `verse benchmark` asks of a shape autoencoder (train.trainers.Trainer.evaluate).

    asked: train.commands.models.Benchmark. Raises UsageError unless it names shards with fields.
    """
    given = " ".join(f"--{name}" for name in ("assets", "views", "data") if getattr(asked, name) is not None)
    need(given == "--data", "--data", "shards with fields for the run of a shape autoencoder", given or "nothing")
    return autoencode(run_dir, asked.data, out, device=asked.device)


def autoencode(
    run_dir: Path,
    data: Path,
    out: Path,
    *,
    count: int | None = None,
    cells: int = 128,
    tokens: int | None = None,
    device: str | None = None,
) -> str:
    """Encodes and decodes the first `count` objects of a folder of shards; writes objects/*.glb, results.json, table.md
    and figure.png to `out`.

    cells: of the grid that the surface is found on, along each side. tokens: of the latent; default: what the run was
    trained with. Returns the table. Raises ShardError when no object could be read, PartlyScored at the end when some
    could not.
    """
    device = default_device(device)
    model, config = load_vae(run_dir, device)
    reader = ShardReader(data)
    shapes = FieldSampler(
        reader,
        range(min(count or len(reader), len(reader))),
        points=config.points,
        salient=config.salient,
        near=config.near,
        volume=config.volume,
        oriented=config.oriented,
        seed=config.seed,
        on_error="skip",
    )
    rows, pictures = [], []
    (out / "objects").mkdir(parents=True, exist_ok=True)
    with progress("autoencode", "object", len(shapes.objects)) as bar:
        for index, arrays in shapes.each_whole():
            decoded = reconstruct(model, arrays, device, tokens)
            points, faces = mesh_of(lambda places, decoded=decoded: signed(model, decoded, places), cells)
            rows.append(
                {
                    "name": reader.keys[index],
                    "scores": {"reconstruction": scores(model, decoded, points, faces, arrays)},
                }
            )
            write_whole(
                out / "objects" / f"{reader.keys[index]}.glb",
                glb_bytes(as_asset(reader.keys[index], points, faces, arrays)),
            )
            if len(pictures) < SHOWN:
                pictures.append(side_by_side(reader, index, as_asset("seen", points, faces, arrays)))
            bar.update()
    failed = [{"name": name, "reason": reason} for name, reason in shapes.bad.items()]
    if not rows:
        raise ShardError(f"none of {len(failed)} objects could be read. First: {failed[0]['reason']}")
    results = {
        "run": str(run_dir),
        "data": str(data),
        "cells": cells,
        "tokens": tokens or config.tokens,
        "objects": rows,
        "failed": failed,
        "summary": summarise(rows),
    }
    text = table(results)
    write_whole(out / "results.json", json.dumps(results, indent=1).encode())
    write_whole(out / "table.md", text.encode())
    write_whole(out / "figure.png", png.encode(np.ascontiguousarray(np.concatenate(pictures, axis=1))))
    if failed:
        raise PartlyScored(
            f"{len(failed)} objects could not be read; {out / 'results.json'} names them. First: {failed[0]['reason']}",
            text,
        )
    return text


def scores(
    model: ShapeVAE, decoded: Tensor, points: np.ndarray, faces: np.ndarray, arrays: dict[str, np.ndarray]
) -> dict[str, float]:
    """Returns the scores: volumes by the signs of the field itself, the rest by its mesh."""
    return {
        "iou": volume_iou(signed(model, decoded, arrays["vol_points"]), arrays["vol_label"]),
        **surface_scores(points, faces, arrays["random_surface"]),
    }


def as_asset(uid: str, points: np.ndarray, faces: np.ndarray, arrays: dict[str, np.ndarray]) -> Asset:
    """Returns a mesh of the fields' frame in that of its object, grey; without faces one small tetrahedron, as a scene
    must have something.
    """
    if len(faces) == 0:
        points, faces = (
            1e-3 * np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]),
            np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]]),
        )
    material = trimesh.visual.material.PBRMaterial(
        baseColorFactor=(*GREY, 1.0), metallicFactor=0.0, roughnessFactor=0.6
    )
    mesh = trimesh.Trimesh(points / arrays["scale"] + arrays["centre"], faces, process=False)
    mesh.visual = trimesh.visual.TextureVisuals(uv=np.zeros((len(points), 2)), material=material)
    scene = trimesh.Scene()
    scene.add_geometry(mesh, geom_name="shape", node_name="shape")
    return Asset(scene, uid)


def side_by_side(reader: ShardReader, index: int, asset: Asset) -> np.ndarray:
    """Returns the first view of the object as the shard has it: colour, then normals, as far as they are there; below,
    the reconstruction's normals from the same camera.
    """
    known, camera = reader.meta(index).passes, reader.cameras(index)[[0]]
    images = (
        reader.read(index, [name for name in ("alpha", "rgb", "normal") if name in known], views=[0])
        if "alpha" in known
        else {}
    )
    rendered = renderers.load("cpu").render(asset, camera, STUDIO, ("alpha", "normal"))
    coloured = lambda images: on_white(np.rint((images["normal"] * 0.5 + 0.5) * 255).astype(np.uint8), images["alpha"])[
        0
    ]
    return np.concatenate(
        [
            *([on_white(images["rgb"], images["alpha"])[0]] if "rgb" in images else []),
            *([coloured(images)] if "normal" in images else []),
            coloured(rendered),
        ]
    )


def table(results: dict) -> str:
    """Returns the summary and every object's scores as Markdown."""
    names = {
        "iou": "IoU",
        "chamfer": "Chamfer",
        "f_score": "F-score at 0.02",
        "normal_consistency": "normal consistency",
    }
    about = (
        f"{len(results['objects'])} objects, {results['tokens']} tokens, grid of {results['cells']}³; mean [95 % "
        f"interval over objects]; objects fill ±1"
    )
    summary = results["summary"]["reconstruction"]
    rows = [["all", *("{mean:.4f} [{low:.4f}, {high:.4f}]".format(**summary[name]) for name in names)]]
    rows += [
        [row["name"], *(f"{row['scores']['reconstruction'][name]:.4f}" for name in names)] for row in results["objects"]
    ]
    return f"{about}\n\n{markdown_table(['object', *names.values()], rows)}\n"
