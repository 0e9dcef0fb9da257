"""Geometry -> the arrays that kernels read: one NamedTuple, textures packed, attributes narrowed to float32."""

from typing import NamedTuple

import numpy as np

from renderers.geometry import Geometry, Material
from renderers.geometry.normals import face_normals
from renderers.geometry.textures import Textures, pack
from zeroverse.core.jit import pure

ALPHA, ROUGHNESS, METALLIC = 0, 1, 2  # the latter two are the channels that hold them in a surface map


class Scene(NamedTuple):
    """What kernels know of an object, world frame."""

    vertices: np.ndarray  # [N, 3] float64
    table: (
        np.ndarray
    )  # [N, 8] float32: u, v, normal, openness of the front and of the back, unused: half a cache line a vertex
    colors: np.ndarray  # [N, 4] float32, linear factor; [0, 4] when every one is white
    faces: np.ndarray  # [F, 3] uint32: a kernel need not ask of an unsigned index whether it counts from the end
    face_normals: np.ndarray  # [F, 3] float32, unit
    face_part: np.ndarray  # [F] int32
    face_material: np.ndarray  # [F] uint32
    maps: np.ndarray  # [M, 4] int32: texture of base colour, surface (G roughness, B metallic), normal, emission or -1
    fourth: np.ndarray  # [M] int32: what the base colour's fourth channel holds: ALPHA, ROUGHNESS or METALLIC
    factors: (
        np.ndarray
    )  # [M, 8] float32: base colour RGBA, metallic, roughness, normal scale, alpha cutoff (0 = opaque)
    textures: Textures
    own_uvs: np.ndarray  # [3, N, 2] float32: coordinates of surface, normal and emission maps; [0, N, 2]: as in table
    emission: np.ndarray  # [M, 4] float32: linear RGB, and 1 where the base colour is what is seen; [0, 4]: none


def scene_of(
    geometry: Geometry, textured: bool, bumped: bool = True, rough: bool = True, merged: bool = False
) -> Scene:
    """Returns arrays for kernels, openness 1 everywhere. textured: whether colours are wanted; without them only maps
    that cut holes are built.

    bumped, rough: whether normal maps and roughness are wanted with them. merged: a surface map of which one channel
    varies may travel as the fourth channel of the base colour, which halves the look-ups.
    """
    images, maps, fourth, factors = [], np.full((len(geometry.materials), 4), -1, np.int32), [], []
    prepared = {id(material): _prepared(material, textured, bumped, rough, merged) for material in geometry.materials}
    for number, material in enumerate(geometry.materials):
        wanted, holds, metallic, roughness = prepared[id(material)]
        for slot, image in enumerate(wanted):
            if image is not None:
                maps[number, slot] = len(images)
                images.append((image, slot in (0, 3), material.modes[slot]))
        fourth.append(holds)
        factors.append((*material.base_color, metallic, roughness, material.normal_scale, material.cutoff))
    textures, numbers = pack(images)
    maps = np.array(numbers + [-1], np.int32)[maps]
    table = np.zeros((len(geometry.vertices), 8), np.float32)
    table[:, :2], table[:, 2:5], table[:, 5:7] = geometry.uvs, geometry.normals, 1.0
    shining = [(*material.emission, float(material.unlit)) for material in geometry.materials]
    emission = np.array(shining if np.any(shining) else [], np.float32).reshape(-1, 4)
    flat = face_normals(geometry.vertices, geometry.faces).astype(np.float32)
    return Scene(
        geometry.vertices,
        table,
        geometry.colors.astype(np.float32),
        geometry.faces.astype(np.uint32),
        flat,
        geometry.face_part,
        geometry.face_material.astype(np.uint32),
        maps,
        np.array(fourth, np.int32),
        np.array(factors, np.float32),
        textures,
        geometry.own_uvs.astype(np.float32),
        emission,
    )


def _prepared(material: Material, textured: bool, bumped: bool, rough: bool, merged: bool) -> tuple:
    """(maps of base colour, surface, normal and emission; what the first one's fourth channel holds; metallic,
    roughness), for `scene_of`.

    A channel that is the same in every texel is a factor; where that leaves none or one of them, no surface map has to
    be read.
    """
    base, surface, metallic, roughness = material.base_map, material.surface_map, material.metallic, material.roughness
    if not textured:
        return (base if material.cutoff > 0 else None, None, None, None), ALPHA, metallic, roughness
    holds = ALPHA
    varying = [
        channel
        for channel in ((ROUGHNESS, METALLIC) if rough else (METALLIC,))
        if surface is not None and _varies(surface, channel)
    ]
    fits = merged and len(varying) == 1 and material.cutoff == 0 and base is not None and base.shape == surface.shape
    fits = fits and material.modes[0] == material.modes[1] and not material.own_uvs[0]
    if surface is not None and (fits or not varying):
        metallic *= 1.0 if METALLIC in varying else float(surface[0, 0, METALLIC]) / 255.0
        roughness *= 1.0 if ROUGHNESS in varying else float(surface[0, 0, ROUGHNESS]) / 255.0
        if fits:
            base, holds = base.copy(), varying[0]
            base[..., 3] = surface[..., holds]
        surface = None
    return (base, surface, material.normal_map if bumped else None, material.emission_map), holds, metallic, roughness


@pure
def _varies(image, channel):  # [h, w, 4]
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            if image[y, x, channel] != image[0, 0, channel]:
                return True
    return False
