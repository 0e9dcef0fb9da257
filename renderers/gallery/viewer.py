"""The objects of a folder of shards in the browser: mesh or points, and the cameras with their images. Needs the viser
extra.
"""

import time
from pathlib import Path

import numpy as np
import trimesh
from PIL import Image

from renderers.cameras import Cameras
from renderers.formats.sample import Sample
from renderers.passes import on_white
from renderers.shards import ShardReader
from zeroverse.core.affine import Y_UP_TO_Z_UP_QUAT
from zeroverse.core.files import write_whole
from zeroverse.core.rng import Rng

POINTS = 60_000
THUMBNAIL = 96  # pixels of a camera's image in the scene
START = (2.6, -3.0, 1.8)  # where the user's own camera begins


class ViewerError(RuntimeError):
    """The viewer cannot start; the message says what to install."""


def serve(folder: str | Path, port: int, first: int = 0) -> None:
    """Serves the folder on `port` of this machine until interrupted; the panel chooses the object and what is shown."""
    viser = _viser()
    reader = ShardReader(folder)
    server = viser.ViserServer(host="127.0.0.1", port=port)
    server.initial_camera.position = START
    choice = server.gui.add_dropdown("object", reader.keys, initial_value=reader.keys[_known(reader, first)])
    cameras_shown = server.gui.add_checkbox("cameras", initial_value=True)
    points_shown = server.gui.add_checkbox(
        "points", initial_value=False, hint="back-projected from depth, also where there is a mesh"
    )
    caption = server.gui.add_markdown("")

    def show(_=None) -> None:
        sample = Sample(reader, reader.keys.index(choice.value))
        caption.content = sample.meta.caption
        with server.atomic():
            server.scene.reset()
            show(server.scene, sample, cameras_shown.value, points_shown.value)

    for control in (choice, cameras_shown, points_shown):
        control.on_update(show)
    show()
    while True:
        time.sleep(3600)  # viser serves from threads of its own; Ctrl-C ends this one


def write_page(folder: str | Path, path: Path, index: int) -> Path:
    """Writes one object as one self-contained HTML file; returns its path."""
    viser = _viser()
    reader = ShardReader(folder)
    server = viser.ViserServer(host="127.0.0.1", port=0, verbose=False)
    try:
        server.initial_camera.position = START
        show(server.scene, Sample(reader, _known(reader, index)), cameras=True, points=False)
        page = server.get_scene_serializer().as_html()
    finally:
        server.stop()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, page.encode())
    return path


def show(scene, sample: Sample, cameras: bool, points: bool) -> None:
    """Puts an object into a viser scene: its mesh where the shards have it, else (or if `points`) points lifted from
    depth; its cameras.

    viser's cameras are OpenCV's, as ours are. Raises ExportError when the shards have neither mesh nor depth.
    """
    scene.set_up_direction("+z")
    mesh = sample.has("mesh.glb")
    if mesh:
        scene.add_glb("/mesh", sample.reader.field(sample.index, "mesh.glb"), wxyz=Y_UP_TO_Z_UP_QUAT)
    if points or not mesh:
        if not sample.has("depth"):
            raise sample.error("nothing to show: neither mesh.glb (--meshes) nor the depth pass")
        places, colors, _, _ = sample.surface(Rng("viewer", sample.meta.uid), POINTS)
        scene.add_point_cloud("/points", places.astype(np.float32), colors, point_size=0.006, point_shape="circle")
    if cameras:
        _show_cameras(scene, sample)


def _show_cameras(scene, sample: Sample) -> None:
    cameras: Cameras = sample.cameras
    for view, c2w in enumerate(cameras.c2w):
        pose = np.eye(4)
        pose[:3, :3] = c2w[:3, :3]
        scene.add_camera_frustum(
            f"/cameras/{view:03d}",
            fov=float(2 * np.arctan(cameras.height / 2 / cameras.intrinsics[view, 1])),
            aspect=cameras.width / cameras.height,
            scale=0.15,
            thickness=0.005,
            color=(110, 120, 140),
            image=_thumbnail(sample, view),
            wxyz=trimesh.transformations.quaternion_from_matrix(pose),
            position=c2w[:3, 3],
        )


def _thumbnail(sample: Sample, view: int) -> np.ndarray | None:
    if not sample.has("rgb"):
        return None
    images = sample.reader.read(sample.index, ("rgb", "alpha"), [view])
    picture = Image.fromarray(on_white(images["rgb"][0], images["alpha"][0]))
    picture.thumbnail((THUMBNAIL, THUMBNAIL))
    return np.asarray(picture)


def _known(reader: ShardReader, index: int) -> int:
    if not 0 <= index < len(reader):
        raise ValueError(f"--sample: expected 0 to {len(reader) - 1}, got {index}")
    return index


def _viser():
    try:
        import viser
    except ImportError as error:
        raise ViewerError(f"the viewer needs viser ({error}): pip install viser") from error
    return viser
