"""Files of other people as assets: GLB, glTF and OBJ by readers of our own, PLY and STL by trimesh's."""

from pathlib import Path

import trimesh

from renderers.sources import gltf, obj, scans
from zeroverse.asset import LONGEST_SIDE, Asset, AssetError, moved, normalise, trimmed, uid_of
from zeroverse.core import affine

READERS = {  # ending -> the module that reads it, and which way is up in it; None: the format does not say
    ".glb": (gltf, "+Y"),
    ".gltf": (gltf, "+Y"),
    ".obj": (obj, None),
    ".ply": (scans, "+Z"),
    ".stl": (scans, "+Z"),
}
MISSING_TEXTURE = ("refuse", "white")  # what a texture that is missing or unreadable costs: the object, or itself


def load_file(
    path: str | Path,
    longest_side: float = LONGEST_SIDE,
    up: str = "+Y",
    root: str | Path | None = None,
    on_missing_texture: str = "refuse",
) -> Asset:
    """Reads a file of one of `READERS` as an Asset (+Z up, normalised). Raises AssetError naming the file.

    up: of an OBJ file, which does not say: `+Y` or `+Z`. root: the folder whose files it may refer to, None: its own.
    on_missing_texture: `refuse` the object, or make it `white` and count the texture in its provenance.
    """
    path = Path(path)
    if on_missing_texture not in MISSING_TEXTURE:
        raise ValueError(
            f"on_missing_texture: expected one of {', '.join(MISSING_TEXTURE)}, got {on_missing_texture!r}"
        )
    if path.suffix.lower() not in READERS:
        raise AssetError(f"{path}: expected a file of {', '.join(READERS)}")
    reader, axis = READERS[path.suffix.lower()]
    parts, told = reader.read(path, Path(root or path.parent), on_missing_texture)
    if (axis or up) == "+Y":
        parts = {name: moved(mesh, affine.Y_UP_TO_Z_UP) for name, mesh in parts.items()}
    scene = trimesh.Scene()
    for name, mesh in parts.items():
        mesh = trimmed(mesh)
        if len(mesh.faces):
            scene.add_geometry(mesh, geom_name=name, node_name=name)
    try:
        normalise(scene, longest_side)
    except AssetError as error:
        raise AssetError(f"{path}: {error}") from None
    told = {reader.__name__.rpartition(".")[2]: told} if told else {}
    return Asset(scene, uid_of(path.stem), provenance={"source": "files", "file": path.name} | told)
