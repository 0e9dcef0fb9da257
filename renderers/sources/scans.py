"""PLY and STL files: shapes and colours of vertices or faces, by trimesh's readers. +Z is up, as Blender reads them."""

from pathlib import Path

import numpy as np
import trimesh
from trimesh.visual import TextureVisuals

from renderers.geometry.textures import srgb_tables
from renderers.sources.obj import materials
from renderers.sources.obj.beside import Beside
from renderers.sources.obj.mtl import Map
from zeroverse.asset import AssetError, flatten
from zeroverse.material import FileMaterial

SUFFIXES = (".ply", ".stl")


def read(path: Path, root: Path, on_missing_texture: str = "refuse") -> tuple[dict[str, trimesh.Trimesh], dict]:
    """Returns the meshes of a PLY or STL file by name, and notes for its provenance.

    Colours are sRGB, as scanners write them. root and on_missing_texture as in `obj.read`; a PLY may name a picture.
    Raises AssetError naming the file.
    """
    pictures = _Resolver(path, root, on_missing_texture)
    try:
        scene = trimesh.load_scene(path, process=False, resolver=pictures)
    except AssetError:
        raise
    except Exception as error:  # trimesh's readers raise whatever the bytes provoke; every kind is "this file is bad"
        raise AssetError(
            f"{path}: not a readable {path.suffix[1:].upper()}: {type(error).__name__}: {error}"
        ) from error
    if pictures.refused:
        raise pictures.refused
    meshes = dict(flatten(scene).geometry)
    for mesh in meshes.values():
        if mesh.visual.kind in ("vertex", "face"):
            mesh.visual = _painted(mesh)
    points = sum(len(cloud.vertices) for cloud in scene.geometry.values() if isinstance(cloud, trimesh.PointCloud))
    return meshes, pictures.notes() | ({"not_drawn": {"points": points}} if points else {})


def _painted(mesh: trimesh.Trimesh) -> TextureVisuals:
    """The colours as linear factors of a plain material. Those of faces come to their corners by their mean, as trimesh
    has it.
    """
    codes = np.asarray(mesh.visual.vertex_colors)  # [N, 4] uint8, sRGB
    colors = np.concatenate([srgb_tables()[0][codes[:, :3]] / 65535.0, codes[:, 3:] / 255.0], axis=1)
    visual = TextureVisuals(material=FileMaterial(metallicFactor=0.0, roughnessFactor=materials.PLAIN_ROUGHNESS))
    visual.vertex_attributes["color"] = colors
    return visual


class _Resolver(trimesh.resolvers.Resolver):
    """Gives trimesh's reader the pictures that a file may have. The reader swallows errors, so they are kept."""

    def __init__(self, path: Path, root: Path, on_missing: str):
        self.pictures, self.refused = materials.Pictures(Beside(path, root), on_missing), None

    def get(self, name: str) -> bytes:
        try:
            self.pictures.image(Map(name.encode(errors="surrogateescape")), self.pictures.finder.path.parent)
            found = self.pictures.finder.find(name.encode(errors="surrogateescape"))
            return found.read_bytes() if found else b""
        except AssetError as error:
            self.refused = error
            raise

    def notes(self) -> dict:
        return self.pictures.notes()

    def keys(self) -> list[str]:
        return []

    def namespaced(self, namespace: str) -> "_Resolver":
        return self

    def write(self, name: str, data) -> None:
        raise OSError("read only")
