"""Asset: an object with its parts, caption and recipe, and its GLB. What the grammars make and the renderers take."""

from dataclasses import dataclass, field

import numpy as np
import trimesh

from zeroverse.core import affine, png
from zeroverse.material import MAPS, FileMaterial, looks_of, uv_of

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
        visual=_visual_of(mesh),
        process=False,
    )


def _visual_of(mesh: trimesh.Trimesh):
    """Returns the looks of a mesh for another one with the same vertices: the same material, not a copy of its
    pictures.
    """
    if not isinstance(mesh.visual, trimesh.visual.TextureVisuals):
        return mesh.visual.copy()
    visual = trimesh.visual.TextureVisuals(uv=mesh.visual.uv, material=mesh.visual.material)
    for name, values in looks_of(mesh.visual).items():
        visual.vertex_attributes[name] = values
    return visual


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


LONGEST_UID = 80  # characters of a key in a shard


def uid_of(name: str) -> str:
    """`name` with everything but letters, digits, '-' and '_' replaced: webdataset keys end at the first dot."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in name)


def trimmed(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """Returns the mesh without vertices that belong to no surface: those that no triangle uses, or only triangles
    without area. They are nowhere to be seen and must count neither for the size nor for the centre.

    Returns the mesh itself where every vertex belongs to a surface.
    """
    points, faces = np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces)
    if not len(faces) or faces.min() < 0 or faces.max() >= len(points):
        return mesh  # for those who check
    used = np.zeros(len(points), bool)
    solid = affine.have_area(points, faces)
    used[faces[solid]] = True
    if used.all():
        return mesh
    if not used.any():
        return trimesh.Trimesh()
    place = np.cumsum(used) - 1
    visual = mesh.visual
    if isinstance(visual, trimesh.visual.TextureVisuals):
        kept = trimesh.visual.TextureVisuals(
            uv=None if visual.uv is None else visual.uv[used], material=visual.material
        )
        for name, values in looks_of(visual).items():
            kept.vertex_attributes[name] = values[used]
    elif visual.kind == "vertex":
        kept = trimesh.visual.ColorVisuals(vertex_colors=visual.vertex_colors[used])
    else:
        kept = trimesh.visual.ColorVisuals(face_colors=visual.face_colors[solid]) if visual.kind == "face" else None
    normals = mesh.vertex_normals[used] if "vertex_normals" in mesh._cache.cache else None
    return trimesh.Trimesh(points[used], place[faces[solid]], vertex_normals=normals, visual=kept, process=False)


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
            turned.vertex_attributes.update(_glb_attributes(mesh.visual))
        scene.add_geometry(turned, geom_name=name, node_name=name)
    told = [getattr(mesh.visual, "material", None) for mesh in asset.scene.geometry.values() if len(mesh.faces)]
    return scene.export(
        file_type="glb", include_normals=True, tree_postprocessor=lambda tree: _tell_the_rest(tree, told)
    )


# ------------------------------------------------------------------------- what trimesh's exporter has no words for


def _glb_attributes(visual) -> dict[str, np.ndarray]:
    """Returns glTF's names -> [N, C] float32 for colours and for the texture coordinates of single maps."""
    looks = looks_of(visual)
    attributes = {}
    if "color" in looks:
        color = np.asarray(looks["color"])
        color = color / (np.iinfo(color.dtype).max if color.dtype.kind in "ui" else 1.0)
        attributes["COLOR_0"] = np.pad(color, ((0, 0), (0, 4 - color.shape[1])), constant_values=1.0)
    for number, name in enumerate(getattr(visual.material, "own_uvs", ())):
        if uv_of(name) in looks:
            attributes[f"TEXCOORD_{number + 1}"] = np.asarray(looks[uv_of(name)]) * (1.0, -1.0) + (0.0, 1.0)
    return {name: values.astype(np.float32) for name, values in attributes.items()}


def _tell_the_rest(tree: dict, materials: list) -> None:
    """Writes into an exported tree what a FileMaterial says and trimesh does not; one material for each mesh."""
    used = set()
    for mesh, material in zip(tree.get("meshes", ()), materials, strict=True):
        primitive = mesh["primitives"][0]
        for name in [name for name in primitive["attributes"] if name[1:].startswith(("COLOR_0", "TEXCOORD_"))]:
            primitive["attributes"][name[1:]] = primitive["attributes"].pop(name)
        if not isinstance(material, FileMaterial):
            continue
        entry = tree["materials"][primitive["material"]]
        _tell_factors(entry, material, used)
        for name, info in [*entry.get("pbrMetallicRoughness", {}).items(), *entry.items()]:
            if name not in MAPS:
                continue
            if name in material.own_uvs:
                info["texCoord"] = material.own_uvs.index(name) + 1
            if name in material.samplers and "sampler" not in tree["textures"][info["index"]]:
                tree["textures"][info["index"]]["sampler"] = len(tree.setdefault("samplers", []))
                tree["samplers"].append(material.sampler(name).as_gltf())
    if used:
        tree["extensionsUsed"] = sorted({*tree.get("extensionsUsed", ()), *used})


def _tell_factors(entry: dict, material: FileMaterial, used: set[str]) -> None:
    if material.base_color != (1.0, 1.0, 1.0, 1.0):
        entry.setdefault("pbrMetallicRoughness", {})["baseColorFactor"] = list(material.base_color)
    if "normalTexture" in entry and material.normal_scale != 1.0:
        entry["normalTexture"]["scale"] = material.normal_scale
    if "occlusionTexture" in entry and material.occlusion_strength != 1.0:
        entry["occlusionTexture"]["strength"] = material.occlusion_strength
    if any(material.emission):
        strength = max(1.0, *material.emission)
        entry["emissiveFactor"] = [one / strength for one in material.emission]
        if strength > 1.0:
            entry.setdefault("extensions", {})["KHR_materials_emissive_strength"] = {"emissiveStrength": strength}
            used.add("KHR_materials_emissive_strength")
    if material.unlit:
        entry.setdefault("extensions", {})["KHR_materials_unlit"] = {}
        used.add("KHR_materials_unlit")


def _with_encoded_maps(material: trimesh.visual.material.PBRMaterial) -> trimesh.visual.material.PBRMaterial:
    """The same material, its maps as PNGs of our own encoder: a tenth of Pillow's time. JPEGs stay JPEGs."""
    copy = material.copy()
    for name in MAPS:
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
