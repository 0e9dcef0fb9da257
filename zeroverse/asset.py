"""Asset: an object with its parts, caption and recipe; GLB in and out, OBJ in. What the grammars make and the renderers
take.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import trimesh

from zeroverse.core import affine, png

LONGEST_SIDE = 1.8  # the published GSO renders measure 1.8, not the 2.0 of the papers' text (docs/papers.md, Zeroverse)


class AssetError(ValueError):
    """Something that cannot become an object; the message names it and says why."""


@dataclass(frozen=True, eq=False)
class Asset:
    """One object in the world frame: right-handed, +Z up, centred, longest side of the bounding box `LONGEST_SIDE`.

    scene: one geometry per part, placed by identity transforms; part i is `list(scene.geometry.values())[i]`, and its
        id in the `part` pass is i + 1 (0 is the background).
    uid: the object's name for ever, letters, digits, '-' and '_' only: it becomes the key of its sample.
    recipe: what rebuilds the object bit for bit, JSON types only; empty for objects that came from a file.
    provenance: where it came from and what was rejected on the way, JSON types only.
    labels: what else is known of it, JSON types only: captions, tags, part tree, complexity.
    files: further fields of its sample, name -> bytes: `fields.npz`.
    """

    scene: trimesh.Scene
    uid: str
    caption: str = ""
    recipe: dict = field(default_factory=dict)
    provenance: dict = field(default_factory=dict)
    labels: dict = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.scene.geometry)


def flatten(scene: trimesh.Scene) -> trimesh.Scene:
    """The same scene with every instance a geometry of its own in world coordinates, triangles only, named by node.

    In the order of the scene's geometries, instances of one by name: the graph itself lists its nodes in no fixed
    order.
    """
    flat = trimesh.Scene()
    placed = {name: number for number, name in enumerate(scene.geometry)}
    nodes = sorted(
        (placed[name], node, name, transform)
        for node, (transform, name) in ((node, scene.graph[node]) for node in scene.graph.nodes_geometry)
    )
    for _, node, name, transform in nodes:
        mesh = scene.geometry[name]
        if not isinstance(mesh, trimesh.Trimesh) or len(mesh.faces) == 0:
            continue  # points and lines have no surface
        flat.add_geometry(moved(mesh, transform), geom_name=node, node_name=node)
    return flat


def moved(mesh: trimesh.Trimesh, matrix: np.ndarray) -> trimesh.Trimesh:
    """A copy of the mesh under an affine map [4, 4]: its vertex normals kept and turned, its winding flipped where the
    map mirrors.

    trimesh's own `apply_transform` goes through BLAS, whose bits depend on the CPU, and its copies drop the normals
    that a file brought.
    """
    a, b, c = matrix[:3, :3]
    cofactors = np.array([np.cross(b, c), np.cross(c, a), np.cross(a, b)])
    mirrors = float((a * cofactors[0]).sum()) < 0
    normals = affine.apply(-cofactors if mirrors else cofactors, mesh.vertex_normals)
    length = np.sqrt((normals * normals).sum(axis=1, keepdims=True))
    return trimesh.Trimesh(
        affine.apply(matrix[:3, :3], mesh.vertices.view(np.ndarray), matrix[:3, 3]),
        mesh.faces[:, ::-1] if mirrors else mesh.faces,
        vertex_normals=normals / np.where(length > 0, length, 1),
        visual=mesh.visual.copy(),
        process=False,
    )


def normalise(scene: trimesh.Scene, longest_side: float = LONGEST_SIDE) -> trimesh.Scene:
    """Centre the bounding box at the origin and scale its longest side to `longest_side`, in place; returns the scene.

    Raises AssetError when there is no surface, or when its extent is zero or not finite.
    """
    if not scene.geometry:
        raise AssetError("no surface: expected at least one triangle")
    low = np.min([mesh.vertices.min(axis=0) for mesh in scene.geometry.values()], axis=0)
    high = np.max([mesh.vertices.max(axis=0) for mesh in scene.geometry.values()], axis=0)
    extent = float((high - low).max()) if np.isfinite(low).all() and np.isfinite(high).all() else np.inf
    if not 0 < extent < np.inf:
        raise AssetError(f"extent: expected positive and finite, got {extent}")
    for mesh in scene.geometry.values():
        normals = mesh.vertex_normals
        mesh.vertices = (mesh.vertices - (low + high) / 2) * (longest_side / extent)
        mesh.vertex_normals = normals  # trimesh forgets them when vertices move
    return scene


LONGEST_UID = 80  # characters: a tar's header has 100 for the key and the field's name


def uid_of(name: str) -> str:
    """`name` with everything but letters, digits, '-' and '_' replaced: webdataset keys end at the first dot."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in name)


def load_file(
    path: str | Path,
    longest_side: float = LONGEST_SIDE,
    up: str = "+Y",
    resolver: trimesh.resolvers.Resolver | None = None,
) -> Asset:
    """Read a GLB, glTF or OBJ file as an Asset (+Z up, normalised). Raises AssetError naming the file.

    up: of the file, `+Y` as glTF defines, or `+Z`. resolver: finds what the file refers to; None: beside it.
    """
    path = Path(path)
    try:
        scene = trimesh.load_scene(path, process=False, resolver=resolver)
    except (
        Exception
    ) as error:  # trimesh's readers raise whatever the bytes provoke; every kind of it is "this file is bad"
        raise AssetError(
            f"{path}: not a readable {path.suffix[1:].upper()}: {type(error).__name__}: {error}"
        ) from error
    scene = flatten(scene)
    if up == "+Y":
        for name, mesh in scene.geometry.items():
            scene.geometry[name] = moved(mesh, affine.Y_UP_TO_Z_UP)
    try:
        normalise(scene, longest_side)
    except AssetError as error:
        raise AssetError(f"{path}: {error}") from None
    return Asset(scene, uid_of(path.stem), provenance={"source": "files", "file": path.name})


def glb_bytes(asset: Asset) -> bytes:
    """The asset as GLB (+Y up), normals included. Two calls give the same bytes, whichever zlib Python has."""
    scene, saved = trimesh.Scene(), {}
    for name, mesh in asset.scene.geometry.items():
        turned = moved(mesh, affine.Z_UP_TO_Y_UP)
        material = getattr(mesh.visual, "material", None)
        if isinstance(material, trimesh.visual.material.PBRMaterial):
            if id(material) not in saved:
                saved[id(material)] = _with_encoded_maps(material)
            turned.visual = trimesh.visual.TextureVisuals(uv=mesh.visual.uv, material=saved[id(material)])
        scene.add_geometry(turned, geom_name=name, node_name=name)
    return scene.export(file_type="glb", include_normals=True)


_MAPS = ("baseColorTexture", "metallicRoughnessTexture", "normalTexture", "emissiveTexture", "occlusionTexture")


def _with_encoded_maps(material: trimesh.visual.material.PBRMaterial) -> trimesh.visual.material.PBRMaterial:
    """The same material, its maps as PNGs of our own encoder: a tenth of Pillow's time. JPEGs stay JPEGs."""
    copy = material.copy()
    for name in _MAPS:
        image = getattr(copy, name)
        if image is not None and image.format != "JPEG" and image.mode in ("L", "RGB", "RGBA"):
            setattr(copy, name, _EncodedImage(png.encode(np.asarray(image))))
    return copy


class _EncodedImage:
    """What trimesh asks of an image when it exports one: the format, the bytes that name it, and to be saved."""

    format = "PNG"

    def __init__(self, data: bytes):
        self._data = data

    def tobytes(self) -> bytes:
        return self._data

    def save(self, file, format: str) -> None:
        file.write(self._data)
