"""Geometry -> the arrays that kernels read: one NamedTuple, textures packed, attributes narrowed to float32."""
from typing import NamedTuple

import numpy as np

from renderers.geometry import Geometry, Material
from renderers.surface import face_normals
from renderers.textures import Textures, pack


class Scene(NamedTuple):
    """What kernels know of an object, world frame."""

    vertices: np.ndarray  # [N, 3] float64
    table: np.ndarray  # [N, 8] float32: u, v, normal, openness of the front and of the back, unused: half a cache line a vertex
    colors: np.ndarray  # [N, 4] float32, linear factor; [0, 4] when every one is white
    faces: np.ndarray  # [F, 3] int32
    face_normals: np.ndarray  # [F, 3] float32, unit
    face_part: np.ndarray  # [F] int32
    face_material: np.ndarray  # [F] int32
    maps: np.ndarray  # [M, 3] int32: texture of base colour, surface (G roughness, B metallic), normal; -1 = none
    factors: np.ndarray  # [M, 8] float32: base colour RGBA, metallic, roughness, normal scale, alpha cutoff (0 = opaque)
    textures: Textures


def scene_of(geometry: Geometry, textured: bool, bumped: bool = True) -> Scene:
    """Arrays for kernels, openness 1 everywhere. textured: whether colours are wanted; without them only maps that cut holes are built.

    bumped: whether normal maps are wanted with them.
    """
    images, maps, factors = [], np.full((len(geometry.materials), 3), -1, np.int32), []
    for number, material in enumerate(geometry.materials):
        color, metallic, roughness = list(material.base_color), material.metallic, material.roughness
        for slot, image in enumerate(_wanted(material, textured, bumped)):
            if image is None:
                continue
            if slot == 1 and (image[0] == image[0, 0]).all() and (image == image[0, 0]).all():  # a constant map is a factor, and saves a look-up in every pixel
                metallic, roughness = metallic * float(image[0, 0, 2]) / 255.0, roughness * float(image[0, 0, 1]) / 255.0
                continue
            maps[number, slot] = len(images)
            images.append((image, slot == 0))
        factors.append((*color, metallic, roughness, material.normal_scale, material.cutoff))
    textures, numbers = pack(images)
    maps = np.array(numbers + [-1], np.int32)[maps]
    table = np.zeros((len(geometry.vertices), 8), np.float32)
    table[:, :2], table[:, 2:5], table[:, 5:7] = geometry.uvs, geometry.normals, 1.0
    flat = face_normals(geometry.vertices, geometry.faces).astype(np.float32)
    return Scene(geometry.vertices, table, geometry.colors.astype(np.float32), geometry.faces, flat, geometry.face_part, geometry.face_material,
                 maps, np.array(factors, np.float32), textures)


def _wanted(material: Material, textured: bool, bumped: bool) -> tuple:
    if textured:
        return material.base_map, material.surface_map, material.normal_map if bumped else None
    return material.base_map if material.cutoff > 0 else None, None, None
