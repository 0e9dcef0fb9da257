"""Files of other people as assets: GLB and glTF by our own reader, the rest by trimesh's."""

from pathlib import Path

import trimesh

from renderers.sources import gltf
from zeroverse.asset import LONGEST_SIDE, Asset, AssetError, flatten, moved, normalise, trimmed, uid_of
from zeroverse.core import affine

MISSING_TEXTURE = ("refuse", "white")  # what a texture that is missing or unreadable costs: the object, or itself


def load_file(
    path: str | Path,
    longest_side: float = LONGEST_SIDE,
    up: str = "+Y",
    resolver: trimesh.resolvers.Resolver | None = None,
    root: str | Path | None = None,
    on_missing_texture: str = "refuse",
) -> Asset:
    """Reads a GLB, glTF or OBJ file as an Asset (+Z up, normalised). Raises AssetError naming the file.

    up: of the file, `+Y` as glTF defines, or `+Z`. resolver: finds what an OBJ file refers to; None: beside it. root:
    the folder whose files a glTF file may refer to, None: its own. on_missing_texture: `refuse` the object, or make it
    `white` and count the texture in its provenance.
    """
    path = Path(path)
    if on_missing_texture not in MISSING_TEXTURE:
        raise ValueError(
            f"on_missing_texture: expected one of {', '.join(MISSING_TEXTURE)}, got {on_missing_texture!r}"
        )
    if path.suffix.lower() in (".glb", ".gltf"):
        parts, told = gltf.read(path, Path(root or path.parent), on_missing_texture)
        parts = {name: moved(mesh, affine.Y_UP_TO_Z_UP) for name, mesh in parts.items()}
    else:
        parts, told = _by_trimesh(path, resolver), {}
        if up == "+Y":
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
    told = {"gltf": told} if told else {}
    return Asset(scene, uid_of(path.stem), provenance={"source": "files", "file": path.name} | told)


def _by_trimesh(path: Path, resolver) -> dict[str, trimesh.Trimesh]:
    try:
        scene = trimesh.load_scene(path, process=False, resolver=resolver)
    except Exception as error:  # trimesh's readers raise whatever the bytes provoke; every kind is "this file is bad"
        raise AssetError(
            f"{path}: not a readable {path.suffix[1:].upper()}: {type(error).__name__}: {error}"
        ) from error
    return dict(flatten(scene).geometry)
