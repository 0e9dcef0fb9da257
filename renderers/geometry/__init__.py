"""Asset -> flat arrays: one vertex table, one face list, materials. What every raster backend starts from.

World frame, +Z up. UV origin bottom left, v up, as trimesh has it; images have their first row at the top. Colours are
linear unless a name says otherwise.
"""

import math
from dataclasses import dataclass

import numpy as np
import trimesh

from renderers.geometry.normals import crease_normals, face_normals, is_closed, split_long_edges
from renderers.geometry.textures import blocky, mode_of
from zeroverse.asset import Asset, AssetError
from zeroverse.core.topology import weld_equal
from zeroverse.material import MAPS, PLAIN, FileMaterial, looks_of, uv_of

MAX_EDGE = 0.06  # of a box of side 1.8: occlusion is baked per vertex and a contact shadow is about this wide
MAX_FACES = 400_000  # no edge is split beyond this many faces
BLEND_CUTOFF = 0.5
OWN = MAPS[1:4]  # the maps that can have texture coordinates of their own: surface, normal, emission
NO_MATERIAL = (0.5, 0.5, 0.5, 1.0)  # base colour of a part without material or colours


@dataclass(frozen=True, eq=False)
class Material:
    """glTF 2.0 metallic-roughness. Maps multiply the factors.

    base_color: linear RGBA factor. base_map: sRGB [h, w, 4] uint8. surface_map: linear [h, w, 4] uint8, G = roughness,
        B = metallic.
    normal_map: tangent space, +Y, [h, w, 4] uint8. cutoff: what has less alpha is not there; 0 = opaque, alpha ignored.
    emission: linear RGB that is added to what is seen, may exceed 1; emission_map: sRGB [h, w, 4] uint8. unlit: what is
        seen is the base colour.
    modes: how the maps of base colour, surface, normal and emission are read, as `textures.mode_of` has it; 0 = plain.
    own_uvs: whether surface, normal and emission map may have texture coordinates of their own.
    """

    base_color: tuple[float, float, float, float]
    metallic: float
    roughness: float
    normal_scale: float = 1.0
    cutoff: float = 0.0
    base_map: np.ndarray | None = None
    surface_map: np.ndarray | None = None
    normal_map: np.ndarray | None = None
    emission: tuple[float, float, float] = (0.0, 0.0, 0.0)
    emission_map: np.ndarray | None = None
    unlit: bool = False
    modes: tuple[int, int, int, int] = (0, 0, 0, 0)
    own_uvs: tuple[bool, bool, bool] = (False, False, False)


@dataclass(frozen=True, eq=False)
class Geometry:
    """vertices [N, 3], normals [N, 3] (unit), uvs [N, 2], colors [N, 4] (linear factor; [0, 4] when every one is
    white), all float64.

    faces [F, 3] int32, counter-clockwise seen from outside; face_part, face_material [F] int32: indices into the
    asset's parts and `materials`.
    closed: from outside no back face can be seen.
    own_uvs: [3, N, 2], the texture coordinates of surface, normal and emission maps; [0, N, 2]: all have `uvs`.
    """

    vertices: np.ndarray
    normals: np.ndarray
    uvs: np.ndarray
    colors: np.ndarray
    faces: np.ndarray
    face_part: np.ndarray
    face_material: np.ndarray
    materials: tuple[Material, ...]
    closed: bool
    own_uvs: np.ndarray

    def unusual(self) -> tuple[str, ...]:
        """Returns what materials have that not every backend draws, in words."""
        materials = self.materials
        found = {
            "texture samplers that clamp or mirror": any(any(each.modes) for each in materials),
            "texture coordinates of single maps": len(self.own_uvs) > 0,
            "emission": any(any(each.emission) for each in materials),
            "unlit materials": any(each.unlit for each in materials),
        }
        return tuple(name for name, there in found.items() if there)


def geometry_of(asset: Asset, bumped: bool = True) -> Geometry:
    """Returns all parts of `asset` in one set of arrays, with normals of its own and long edges split. bumped: whether
    normal maps are wanted.

    Normals come from the triangles, never from the file: trimesh forgets a file's normals when vertices move and fills
    them in again without saying so, so using them would make pixels depend on what was called before. Raises AssetError
    naming the part and what is wrong with it.
    """
    parts = [_checked(name, mesh) for name, mesh in asset.scene.geometry.items()]
    if not parts or not sum(len(mesh.faces) for mesh in parts):
        raise AssetError(f"{asset.uid}: no surface: expected at least one triangle")
    materials = _materials(asset.parts, parts, bumped)
    own = any(uv_of(name) in looks_of(mesh.visual) for mesh in parts for name in OWN)
    table = np.concatenate(
        [
            np.concatenate(
                [mesh.vertices, _uvs(name, mesh), _colors(mesh), *(_own_uvs(name, mesh) if own else ())], axis=1
            )
            for name, mesh in zip(asset.parts, parts)
        ]
    )
    table = np.ascontiguousarray(table, dtype=np.float64)  # [N, 3 + 2 + 4], and 6 where maps have their own coordinates
    offsets = np.cumsum([0] + [len(mesh.vertices) for mesh in parts[:-1]])
    faces = np.concatenate([np.asarray(mesh.faces, dtype=np.int64) + offset for mesh, offset in zip(parts, offsets)])
    part = np.repeat(np.arange(len(parts), dtype=np.int32), [len(mesh.faces) for mesh in parts])

    flat = face_normals(table[:, :3], faces)
    kept = (flat != 0).any(axis=1)
    if not kept.any():
        raise AssetError(f"{asset.uid}: no surface: every triangle has zero area")
    faces, part = faces[kept], part[kept]
    ids = weld_equal(table[:, :3])
    closed = is_closed(table[:, :3], faces, ids) and not any(material.cutoff > 0 for material in materials)
    source, normals, faces = crease_normals(table[:, :3], faces, ids, flat[kept])
    table, faces, origin = split_long_edges(
        np.concatenate([table[source, :9], normals, table[source, 9:]], axis=1), faces, MAX_EDGE, MAX_FACES
    )
    return _assemble(table, faces.astype(np.int32), part[origin], materials, closed)


def _assemble(table, faces, part, materials, closed) -> Geometry:
    normals = table[:, 9:12]
    length = np.sqrt(normals[:, 0] * normals[:, 0] + normals[:, 1] * normals[:, 1] + normals[:, 2] * normals[:, 2])
    colors = table[:, 5:9] if (table[:, 5:9] != 1.0).any() else table[:0, 5:9]
    columns = (
        np.ascontiguousarray(column) for column in (table[:, :3], normals / length[:, None], table[:, 3:5], colors)
    )
    own = np.ascontiguousarray(table[:, 12:].reshape(len(table), -1, 2).transpose(1, 0, 2))
    return Geometry(
        *columns, faces, part, part, materials, closed, own
    )  # one material per part: a trimesh geometry has no more


def _checked(name: str, mesh) -> trimesh.Trimesh:
    if not isinstance(mesh, trimesh.Trimesh):
        raise AssetError(f"part {name}: expected a triangle mesh, got {type(mesh).__name__}")
    if len(mesh.faces) and not np.isfinite(mesh.vertices).all():
        raise AssetError(
            f"part {name}: vertices: expected finite, got {int((~np.isfinite(mesh.vertices)).any(axis=1).sum())} that "
            f"are not"
        )
    if len(mesh.faces) and (mesh.faces.min() < 0 or mesh.faces.max() >= len(mesh.vertices)):
        raise AssetError(
            f"part {name}: faces: expected indices 0 to {len(mesh.vertices) - 1}, got {mesh.faces.min()} to "
            f"{mesh.faces.max()}"
        )
    return mesh


def _uvs(name: str, mesh) -> np.ndarray:  # [N, 2]
    uv = getattr(mesh.visual, "uv", None)
    if uv is None:
        return np.zeros((len(mesh.vertices), 2))
    uv = _checked_uv(name, mesh, uv)
    if getattr(mesh.visual.material, "samplers", None):
        return uv  # where a texture does not repeat, whole numbers count
    return (
        uv - np.floor(uv.min(axis=0)) if len(uv) else uv
    )  # the same after wrapping, and more of the mantissa left for the fraction


def _own_uvs(name: str, mesh) -> list[np.ndarray]:
    """Returns [N, 2] for each of OWN: its own texture coordinates, else those of the mesh."""
    looks = looks_of(mesh.visual)
    found = [looks.get(uv_of(map_name)) for map_name in OWN]
    return [_uvs(name, mesh) if uv is None else _checked_uv(name, mesh, np.asarray(uv)) for uv in found]


def _checked_uv(name: str, mesh, uv: np.ndarray) -> np.ndarray:
    if uv.shape != (len(mesh.vertices), 2):
        raise AssetError(f"part {name}: uv: expected [{len(mesh.vertices)}, 2], got {list(uv.shape)}")
    if not np.isfinite(uv).all():
        raise AssetError(
            f"part {name}: uv: expected finite, got {int((~np.isfinite(uv)).any(axis=1).sum())} that are not"
        )
    return uv


def _colors(mesh) -> np.ndarray:
    """[N, 4] linear factor: glTF's COLOR_0, alone or beside a texture; white where there is none."""
    count = len(mesh.vertices)
    if mesh.visual.kind in ("vertex", "face"):
        colors = mesh.visual.vertex_colors
    else:
        colors = getattr(mesh.visual, "vertex_attributes", {}).get("color")
    if colors is None or len(colors) != count:
        return np.ones((count, 4))
    colors = np.asarray(colors)
    peak = np.iinfo(colors.dtype).max if colors.dtype.kind in "ui" else 1.0
    full = np.ones((count, 4))
    full[:, : colors.shape[1]] = colors / peak
    return full


def _materials(names, meshes, bumped: bool) -> tuple[Material, ...]:
    """One for each part; parts that share a material, as those of detailed objects do, share what it becomes."""
    made: dict[tuple, Material] = {}
    keys = [
        (id(getattr(mesh.visual, "material", None) or mesh), getattr(mesh.visual, "uv", None) is not None)
        for mesh in meshes
    ]
    for key, name, mesh in zip(keys, names, meshes):
        if key not in made:
            made[key] = _material(name, mesh, bumped)
    return tuple(made[key] for key in keys)


def _material(name: str, mesh, bumped: bool) -> Material:
    material = getattr(mesh.visual, "material", None)
    if material is None:
        plain = (1.0, 1.0, 1.0, 1.0) if mesh.visual.kind in ("vertex", "face") else NO_MATERIAL
        return Material(base_color=plain, metallic=0.0, roughness=0.8)
    if isinstance(material, trimesh.visual.material.SimpleMaterial):  # OBJ's; it has no metals
        roughness = math.sqrt(
            math.sqrt(2.0 / (material.glossiness + 2.0))
        )  # as trimesh's to_pbr, without the C library's pow
        material = trimesh.visual.material.PBRMaterial(
            baseColorTexture=material.image,
            metallicFactor=0.0,
            roughnessFactor=roughness,
            baseColorFactor=None if material.image is not None else material.diffuse,
        )  # exporters leave any grey in Kd beside a picture: Blender ignores it too
    if not isinstance(material, trimesh.visual.material.PBRMaterial):
        raise AssetError(
            f"part {name}: material: expected PBRMaterial or SimpleMaterial, got {type(material).__name__}"
        )
    return _pbr(name, material, getattr(mesh.visual, "uv", None) is not None, bumped)


def _pbr(name: str, material, has_uv: bool, bumped: bool) -> Material:
    """BLEND is drawn as MASK at one half: what is more than half transparent is not there, the rest is solid. An
    order-free answer that labels can share.
    """
    maps = [
        _image(name, image) if has_uv else None
        for image in (
            material.baseColorTexture,
            material.metallicRoughnessTexture,
            material.normalTexture if bumped else None,
        )
    ]
    if maps[2] is not None and maps[2][..., 2].mean() < 128:
        maps[2] = (
            None  # it leans backwards on average, so it is no tangent-space map; files do put other textures there
        )
    mode = (material.alphaMode or "OPAQUE").upper()
    cutoff = {"OPAQUE": 0.0, "BLEND": BLEND_CUTOFF}.get(
        mode, 0.5 if material.alphaCutoff is None else float(material.alphaCutoff)
    )
    if isinstance(material, FileMaterial):
        return _exact(name, material, maps, cutoff, has_uv)
    color = (1.0, 1.0, 1.0, 1.0) if material.baseColorFactor is None else _factor(material.baseColorFactor)
    metallic = 1.0 if material.metallicFactor is None else float(material.metallicFactor)  # glTF's defaults
    roughness = 1.0 if material.roughnessFactor is None else float(material.roughnessFactor)
    return Material(color, metallic, roughness, 1.0, cutoff, *maps)


def _exact(name: str, material: FileMaterial, maps: list, cutoff: float, has_uv: bool) -> Material:
    """What a glTF file says, without rounding; `maps` of base colour, surface and normal."""
    maps = [*maps, _image(name, material.emissiveTexture) if any(material.emission) and has_uv else None]
    *maps, glow = (
        blocky(image) if image is not None and material.sampler(each).magnified == "nearest" else image
        for each, image in zip(MAPS, maps)
    )
    return Material(
        material.base_color,
        1.0 if material.metallicFactor is None else float(material.metallicFactor),
        1.0 if material.roughnessFactor is None else float(material.roughnessFactor),
        material.normal_scale,
        cutoff,
        *maps,
        emission=material.emission,
        emission_map=glow,
        unlit=material.unlit,
        modes=tuple(mode_of(material.samplers.get(each, PLAIN)) for each in MAPS[:4]),
        own_uvs=tuple(each in material.own_uvs for each in OWN),
    )


def _factor(color) -> tuple[float, float, float, float]:
    """Linear RGBA of a trimesh colour: bytes are 255ths (trimesh stores factors so), no alpha means 1."""
    color = np.asarray(color)
    values = [float(c) / 255.0 if color.dtype.kind in "ui" else float(c) for c in color]
    return (*values[:3], values[3] if len(values) > 3 else 1.0)


def _image(name: str, image) -> np.ndarray | None:  # [h, w, 4] uint8
    if image is None:
        return None
    try:
        return np.asarray(image.convert("RGBA"))
    except (
        Exception
    ) as error:  # Pillow's decoders raise whatever the bytes provoke; every kind of it is "this texture is bad"
        raise AssetError(f"part {name}: texture: cannot be read: {type(error).__name__}: {error}") from error
