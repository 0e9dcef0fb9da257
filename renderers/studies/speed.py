"""What one object's views cost with each backend, and with the tools the field uses: `python -m
renderers.studies.speed` prints a Markdown table.

CPU seconds of all threads (process_time), so that a busy machine matters little: drawing, with the work done once per
object, and encoding to PNG as the shards do. Each row runs in a process of its own, after a warm-up on another object.
Rows that are slow draw a few views: what one object costs and what one view costs are told apart by drawing one view
and then several, and scaled up. `--blender` names a Python with bpy in it (bpy needs numpy < 2).
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import renderers
from renderers.cameras import Cameras, opengl_c2w
from renderers.cameras.rigs import turntable
from renderers.lighting import STUDIO, UNIFORM, Light
from renderers.passes import DEFAULT_PASSES, quantise, with_alpha
from zeroverse import grammar
from zeroverse.asset import Asset, glb_bytes
from zeroverse.core import png
from zeroverse.core.tables import markdown_table

CYCLES_VIEWS = 2
LIGHTS = {light.name: light for light in (UNIFORM, STUDIO)}


@dataclass(frozen=True)
class Row:
    """A line of the table: draw(asset, cameras, light) -> images of each view, made by `start`; views: how many are
    really drawn, None = all.
    """

    name: str
    start: object
    views: int | None
    note: str


def _backend(name: str, passes, **options):
    def start():
        backend = renderers.load(name)
        for key, value in options.items():
            setattr(backend, key, value)
        return lambda asset, cameras, light: backend.views(asset, [(cameras, light)], passes)

    return start


def _pyrender_as_shipped():
    """What people write: the asset's own meshes, pyrender's forced 4x multisampling, RGBA and depth in one pass,
    normals in a second.
    """
    import pyrender
    import pyrender.renderer

    from renderers.backends import pyrender as pyrender_backend

    shipped = pyrender.renderer.glRenderbufferStorageMultisample
    context = pyrender_backend.Renderer()._context
    pyrender.renderer.glRenderbufferStorageMultisample = shipped  # the backend had switched it off

    def draw(asset: Asset, cameras: Cameras, light: Light) -> Iterator[dict]:
        scene = pyrender.Scene(bg_color=(0.0, 0.0, 0.0, 0.0), ambient_light=light.sky)
        for color in light.colors:  # where they stand changes nothing here
            scene.add(pyrender.DirectionalLight(color=color, intensity=1.0))
        for mesh in asset.scene.geometry.values():
            scene.add(pyrender.Mesh.from_trimesh(mesh))
        context.renderer.viewport_width, context.renderer.viewport_height = cameras.width, cameras.height
        for pose, intrinsics in zip(opengl_c2w(cameras), cameras.intrinsics):
            node = scene.add(pyrender.IntrinsicsCamera(*intrinsics, znear=0.5, zfar=6.0), pose=pose)
            context.renderer._renderer._program_cache = context.own_programs
            color, depth = context.renderer.render(scene, flags=pyrender.RenderFlags.RGBA)
            context.renderer._renderer._program_cache = context.normal_programs
            normal = context.renderer.render(scene)[0].astype(np.float32) / 127.5 - 1.0
            scene.remove_node(node)
            yield {"rgb": color[..., :3], "alpha": color[..., 3:], "depth": depth[..., None], "normal": normal}

    return draw


ROWS = (
    Row("cpu", _backend("cpu", DEFAULT_PASSES), None, "8 samples at edges, occlusion; also albedo and parts"),
    Row("gl", _backend("gl", DEFAULT_PASSES), None, "8 samples, occlusion; also albedo and parts"),
    Row("pyrender as shipped", _pyrender_as_shipped, None, "4x multisampling, no occlusion; a second pass for normals"),
    Row(
        "mitsuba, 4 samples + OIDN",
        _backend("mitsuba", DEFAULT_PASSES, samples=4, denoised=True),
        4,
        "path traced; labels, albedo and parts from cpu",
    ),
)


# ------------------------------------------------------------------------------------------------------------ measuring


def encode(images: dict[str, np.ndarray]) -> None:
    """Every pass of a view as PNG, as the shards store them."""
    for name, image in images.items():
        if name != "alpha":
            png.encode(quantise(name, with_alpha(image, images["alpha"]) if name == "rgb" else image))


def _measure(row: Row, arguments) -> dict:
    """CPU seconds to draw and to encode all views of an object."""
    draw, light = row.start(), LIGHTS[arguments.light]
    asset, warm = (grammar.make(seed=0, index=index) for index in (arguments.index, arguments.index + 1))
    cameras = turntable(arguments.views, arguments.size)
    _timed(draw, warm, cameras[:2], light)
    if row.views is None or row.views >= arguments.views:
        return min(
            (_timed(draw, asset, cameras, light) for _ in range(arguments.repeats)),
            key=lambda times: sum(times.values()),
        )
    one, several = _timed(draw, asset, cameras[:1], light), _timed(draw, asset, cameras[: 1 + row.views], light)
    return {stage: one[stage] + (several[stage] - one[stage]) / row.views * (arguments.views - 1) for stage in one}


def _timed(draw, asset: Asset, cameras: Cameras, light: Light) -> dict:
    seconds = {"draw": 0.0, "encode": 0.0}
    mark = time.process_time()
    for images in draw(asset, cameras, light):
        drawn = time.process_time()
        encode(images)
        done = time.process_time()
        seconds["draw"] += drawn - mark
        seconds["encode"] += done - drawn
        mark = done
    return seconds


_BLENDER = """
import json, sys, time
import bpy
job = json.loads(sys.argv[-1])
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.ops.import_scene.gltf(filepath=job["glb"])
scene, layer = bpy.context.scene, bpy.context.view_layer
scene.render.engine, scene.cycles.device, scene.cycles.samples = "CYCLES", "CPU", job["samples"]
scene.cycles.use_denoising, scene.cycles.use_adaptive_sampling = False, job["adaptive"]
scene.render.resolution_x = scene.render.resolution_y = job["size"]
scene.render.film_transparent, scene.view_settings.view_transform = True, "Standard"
layer.use_pass_z = layer.use_pass_normal = True
scene.world = bpy.data.worlds.new("white")
scene.world.use_nodes = True
scene.world.node_tree.nodes["Background"].inputs[0].default_value = (1, 1, 1, 1)
camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
scene.collection.objects.link(camera)
scene.camera, camera.data.angle = camera, job["fov"]
from mathutils import Matrix
times = []
for number, pose in enumerate(job["poses"]):
    camera.matrix_world = Matrix(pose)
    scene.render.filepath = f"{job['folder']}/{number}.png"
    began = time.process_time()
    bpy.ops.render.render(write_still=True)
    times.append(time.process_time() - began)
print("TIMES", json.dumps([bpy.app.version_string, times]))
"""


def _cycles(python: str, arguments, adaptive: bool) -> tuple[str, dict]:
    """Blender's version and seconds, from a few views after one that warms up. Its PNG is written within the
    drawing.
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "object.glb").write_bytes(glb_bytes(grammar.make(seed=0, index=arguments.index)))
        Path(folder, "render.py").write_text(_BLENDER, encoding="utf-8")
        cameras = turntable(CYCLES_VIEWS + 1, arguments.size)
        job = {
            "glb": f"{folder}/object.glb",
            "folder": folder,
            "samples": 64,
            "adaptive": adaptive,
            "size": arguments.size,
            "fov": 2 * float(np.arctan(arguments.size / 2 / cameras.intrinsics[0, 0])),
            "poses": opengl_c2w(cameras).tolist(),
        }
        done = subprocess.run(
            [python, f"{folder}/render.py", json.dumps(job)], capture_output=True, text=True, check=False
        )
    lines = [line for line in done.stdout.splitlines() if line.startswith("TIMES ")]
    if done.returncode or not lines:
        raise RuntimeError(
            f"--blender {python}: expected a Python with bpy, got: {(done.stderr or done.stdout).strip()[-300:]}"
        )
    version, times = json.loads(lines[0].removeprefix("TIMES "))
    return version, {"draw": sum(times[1:]) / CYCLES_VIEWS * arguments.views, "encode": 0.0}


# ---------------------------------------------------------------------------------------------------------------- table


def _lines(arguments):
    """(name, seconds by stage or None, note) of every row asked for."""
    wanted = [row for row in ROWS if not arguments.rows or row.name.split(",")[0].split()[0] in arguments.rows]
    for row in wanted:
        command = [sys.executable, "-m", "renderers.studies.speed", *arguments.passed_on, "--row", row.name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            yield row.name, None, f"not here: {done.stderr.strip().splitlines()[-1]}"
        else:
            counted = f"; from {1 + row.views} views" if row.views else ""
            yield row.name, json.loads(done.stdout.splitlines()[-1]), row.note + counted
    for adaptive in (False, True) if arguments.blender else ():
        version, seconds = _cycles(arguments.blender, arguments, adaptive)
        kind = ", adaptive sampling" if adaptive else ""
        yield (
            f"Blender {version} Cycles, 64 samples{kind}",
            seconds,
            f"path traced; from {CYCLES_VIEWS} views; depth and normals drawn, not written",
        )


def table(arguments) -> str:
    asset = grammar.make(seed=0, index=arguments.index)
    triangles = sum(len(mesh.faces) for mesh in asset.scene.geometry.values())
    title = (
        f"zeroverse object {arguments.index}: {triangles:,} triangles, {len(asset.parts)} parts; {arguments.views} "
        f"views of {arguments.size}², "
        f"{arguments.light} light; CPU seconds of all threads, best of {arguments.repeats} where all views are drawn; "
        f"{platform.machine()}, "
        f"Python {platform.python_version()}"
    )
    rows, reference = [], None
    for name, seconds, note in _lines(arguments):
        if seconds is None:
            rows.append([name, None, None, None, None, note])
            continue
        total = sum(seconds.values())
        reference = reference or total
        stages = [f"{seconds['draw']:.2f}", f"{seconds['encode']:.2f}"]
        rows.append([name, f"{total:.2f}", *stages, f"{total / reference:.1f}", note])
    return title + "\n\n" + markdown_table(["renderer", "CPU s an object", "draw", "encode", "times cpu", None], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--index", type=int, default=2, help="which zeroverse object of seed 0 (2: 19,900 triangles)")
    parser.add_argument("--views", type=int, default=32)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument(
        "--light",
        choices=LIGHTS,
        default="uniform",
        help="studio: directional lights, pyrender's without shadows; Cycles keeps to uniform",
    )
    parser.add_argument("--repeats", type=int, default=3, help="the best counts")
    parser.add_argument(
        "--rows", nargs="*", help="only these: " + ", ".join(row.name.split(",")[0].split()[0] for row in ROWS)
    )
    parser.add_argument("--blender", help="a Python with bpy: adds Blender Cycles")
    parser.add_argument("--row", help=argparse.SUPPRESS)  # what each row's own process is called with
    arguments = parser.parse_args()
    arguments.passed_on = [
        f"--{name}={getattr(arguments, name)}" for name in ("index", "views", "size", "light", "repeats")
    ]
    if arguments.row:
        print(json.dumps(_measure(next(row for row in ROWS if row.name == arguments.row), arguments)))
    else:
        print(table(arguments))


if __name__ == "__main__":
    main()
