"""A surface becomes a scene, one geometry per part, with normals split at creases and one PBR atlas baked from
its materials.
"""

import numpy as np
import trimesh
from PIL import Image

from detailverse.materials import Material
from detailverse.modelling.surface import Surface
from detailverse.texturing import atlas, bake
from zeroverse.core import affine
from zeroverse.core.jit import kernel

_CREASE = 0.8660254037844387  # cosine of 30°: faces that meet at more are not averaged
_SAME = 0.9998476951563913  # cosine of 1°: corners of a vertex whose normals differ by less share one
_THIN = 1e-14  # twice the area of a triangle that has no direction, object units squared
_NARROW = 0.02  # texels: uv of one vertex on one chart that differ by less are one


def textured(surface: Surface, materials: dict[str, Material], texture_size: int = 1024) -> trimesh.Scene:
    """Returns one geometry per label, in the order in which labels first show among the leaves, sharing one material
    and one atlas of texture_size².

    materials: by slot. Leaves of which nothing is left show nowhere. Raises ValueError naming the slot that has no
    material, and AssetError where the atlas is too small.
    """
    parts, labels = _parts(surface)
    slots = sorted({surface.leaves[number].slot for number in np.unique(surface.leaf)})
    for slot in slots:
        if slot not in materials:
            raise ValueError(f"materials: expected one for the slot {slot!r}, got {', '.join(materials) or 'none'}")
    plan = atlas.layout(surface, texture_size)
    normals = corner_normals(surface.points, surface.faces)
    seen = bake.texels(plan.uv, surface.points[surface.faces], normals, surface.relief, texture_size)
    slot = np.array([slots.index(leaf.slot) if leaf.slot in slots else -1 for leaf in surface.leaves])[surface.leaf]
    images = bake.paint(seen, slot, [materials[name] for name in slots], _tallest(surface), plan, texture_size)
    return _scene(surface, plan, normals, parts, labels, _material(images), texture_size)


def _parts(surface: Surface) -> tuple[np.ndarray, list[str]]:
    """Returns the part of each face [F], and the labels of the parts that have faces."""
    names = list(dict.fromkeys(leaf.label for leaf in surface.leaves))
    part = np.array([names.index(leaf.label) for leaf in surface.leaves])[surface.leaf]
    used, part = np.unique(part, return_inverse=True)
    return part, [names[number] for number in used]


def _tallest(surface: Surface) -> np.ndarray:
    """Returns the greatest relief or depth of the leaf that each face [F] belongs to."""
    most = np.zeros(len(surface.leaves))
    np.maximum.at(most, surface.leaf, np.abs(surface.relief).max(axis=1))
    return most[surface.leaf]


def _material(images: bake.Images) -> trimesh.visual.material.PBRMaterial:
    """Returns the images as one glTF material, without a normal map where no texture has any relief."""
    normal = None if (images.normal == images.normal[0, 0]).all() else Image.fromarray(images.normal)
    return trimesh.visual.material.PBRMaterial(
        name="finish",
        baseColorTexture=Image.fromarray(images.base_color),
        metallicRoughnessTexture=Image.fromarray(images.metallic_roughness),
        normalTexture=normal,
        metallicFactor=1.0,
        roughnessFactor=1.0,
    )


def _scene(surface: Surface, plan: atlas.Atlas, normals, part, labels, material, size: int) -> trimesh.Scene:
    """Returns one geometry per part, its corners merged into vertices where they agree."""
    around = _corners(surface.faces, len(surface.points))
    corner, source = _shared(plan.uv.reshape(-1, 2), plan.chart, normals.reshape(-1, 3), part, _NARROW / size, *around)
    points, uv, normals = (
        surface.points[surface.faces.ravel()[source]],
        plan.uv.reshape(-1, 2)[source],
        normals.reshape(-1, 3)[source],
    )
    scene = trimesh.Scene()
    for number, label in enumerate(labels):
        faces = corner[part == number]
        used, packed = np.unique(faces, return_inverse=True)
        visual = trimesh.visual.TextureVisuals(uv=uv[used], material=material)
        mesh = trimesh.Trimesh(
            points[used], packed.reshape(-1, 3), vertex_normals=normals[used], visual=visual, process=False
        )
        scene.add_geometry(mesh, geom_name=label, node_name=label)
    return scene


def corner_normals(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Returns unit normals [F, 3, 3]: at each corner of a face, the mean over the faces of its vertex within 30° of it,
    weighted by their angles there.

    Corners of a vertex whose means differ by less than 1° share the first one's. Faces without area take no part, and
    have the mean of all.
    """
    flat = affine.face_normals(points, faces)
    area = np.sqrt((flat * flat).sum(axis=1))
    return _averaged(affine.unit(flat), _angles(points, faces, area), *_corners(faces, len(points)))


@kernel
def _corners(faces, count):
    """Returns start and order: the corners (3 f + k) of vertex v are order[start[v]:start[v + 1]], in the order of
    faces.
    """
    start = np.zeros(count + 1, np.int64)
    for f in range(faces.shape[0]):
        for k in range(3):
            start[faces[f, k] + 1] += 1
    for v in range(count):
        start[v + 1] += start[v]
    place, order = start[:-1].copy(), np.empty(3 * faces.shape[0], np.int64)
    for f in range(faces.shape[0]):
        for k in range(3):
            order[place[faces[f, k]]] = 3 * f + k
            place[faces[f, k]] += 1
    return start, order


@kernel
def _angle(ax, ay, az, bx, by, bz):
    """Returns the angle between two vectors, radians within 1e-4; 0 where one is 0 (Abramowitz and Stegun 4.4.45)."""
    square = (ax * ax + ay * ay + az * az) * (bx * bx + by * by + bz * bz)
    if square <= 0.0:
        return 0.0
    cosine = (ax * bx + ay * by + az * bz) / np.sqrt(square)
    x = min(abs(cosine), 1.0)
    angle = np.sqrt(1.0 - x) * (1.5707288 + x * (-0.2121144 + x * (0.0742610 - x * 0.0187293)))
    return angle if cosine >= 0.0 else 3.141592653589793 - angle


@kernel
def _angles(points, faces, area):  # [F]: of twice its area -> [F * 3]
    """Returns the angle of each corner, 0 for a face so thin that its normal means nothing."""
    out = np.empty(3 * faces.shape[0])
    for f in range(faces.shape[0]):
        for k in range(3):
            p, q, r = points[faces[f, k]], points[faces[f, (k + 1) % 3]], points[faces[f, (k + 2) % 3]]
            out[3 * f + k] = (
                0.0
                if area[f] < _THIN
                else _angle(q[0] - p[0], q[1] - p[1], q[2] - p[2], r[0] - p[0], r[1] - p[1], r[2] - p[2])
            )
    return out


@kernel
def _averaged(flat, angles, start, order):
    """Returns the normals of `corner_normals`, from unit face normals and the angles of corners."""
    out = np.empty((flat.shape[0], 3, 3))
    for v in range(start.size - 1):
        for i in range(start[v], start[v + 1]):
            f, k = order[i] // 3, order[i] % 3
            x = y = z = 0.0
            thin = angles[3 * f] == angles[3 * f + 1] == angles[3 * f + 2] == 0.0
            for j in range(start[v], start[v + 1]):
                g = order[j] // 3
                if thin or flat[f, 0] * flat[g, 0] + flat[f, 1] * flat[g, 1] + flat[f, 2] * flat[g, 2] >= _CREASE:
                    x, y, z = (
                        x + angles[order[j]] * flat[g, 0],
                        y + angles[order[j]] * flat[g, 1],
                        z + angles[order[j]] * flat[g, 2],
                    )
            length = np.sqrt(x * x + y * y + z * z)
            x, y, z = (x / length, y / length, z / length) if length > 0.0 else (flat[f, 0], flat[f, 1], flat[f, 2])
            for j in range(start[v], i):
                g, c = order[j] // 3, order[j] % 3
                if out[g, c, 0] * x + out[g, c, 1] * y + out[g, c, 2] * z > _SAME:
                    x, y, z = out[g, c, 0], out[g, c, 1], out[g, c, 2]
                    break
            out[f, k, 0], out[f, k, 1], out[f, k, 2] = x, y, z
    return out


@kernel
def _shared(uv, chart, normals, part, narrow, start, order):
    """Returns the vertex of each corner [F, 3], and the corner that each vertex comes from: corners of a point share a
    vertex where part, chart, uv and normal agree.
    """
    vertex, source, count = np.empty(order.size, np.int64), np.empty(order.size, np.int64), 0
    for v in range(start.size - 1):
        first = count
        for i in range(start[v], start[v + 1]):
            c = order[i]
            vertex[c] = -1
            for m in range(first, count):
                s = source[m]
                if (
                    part[s // 3] == part[c // 3]
                    and chart[s // 3] == chart[c // 3]
                    and abs(uv[s, 0] - uv[c, 0]) < narrow
                    and abs(uv[s, 1] - uv[c, 1]) < narrow
                    and normals[s, 0] == normals[c, 0]
                    and normals[s, 1] == normals[c, 1]
                    and normals[s, 2] == normals[c, 2]
                ):
                    vertex[c] = m
                    break
            if vertex[c] < 0:
                vertex[c], source[count] = count, c
                count += 1
    return vertex.reshape(-1, 3), source[:count].copy()
