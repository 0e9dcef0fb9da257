"""From visibility to images: what each pixel's samples see is looked up, shaded and written, one pixel at a time.

World frame, linear colour. A hit is (z, facing, b0, b1, b2): depth, +1 where the camera sees the front, perspective-correct weights of the vertices.
"""
import math
from typing import NamedTuple

import numpy as np

from renderers.raster import Faces, same_surface
from renderers.scene import METALLIC, ROUGHNESS
from renderers.shading import display, radiance
from renderers.textures import locate, same_size, sample
from zeroverse.jit import inlined, pure

FLAT = 256.0 / 255.0  # twice the byte 128, which stands for zero in normal maps as painted


class Frame(NamedTuple):
    """One view: its camera and what every sample sees."""

    c2w: np.ndarray  # [4, 4]
    intrinsics: np.ndarray  # [4]
    faces: Faces
    index: np.ndarray  # [H, W] int32: the row of the face at the pixel's centre, -1 = none
    offsets: np.ndarray  # [S, 2]: places of the samples in their pixel
    slots: np.ndarray  # [H, W] int32: rows of sample_index, -1 = the centre speaks for the pixel
    sample_depth: np.ndarray  # [K, S] float32: 1 / z
    sample_index: np.ndarray  # [K, S] int32


class Images(NamedTuple):
    """One view of every pass, [H, W, C]; [0, 0, C] for passes that are not drawn."""

    rgb: np.ndarray
    alpha: np.ndarray
    depth: np.ndarray
    normal: np.ndarray
    albedo: np.ndarray
    metallic_roughness: np.ndarray
    part: np.ndarray


@inlined
def _ray(frame, px, py):  # camera space, z = 1
    return (px - frame.intrinsics[2]) / frame.intrinsics[0], (py - frame.intrinsics[3]) / frame.intrinsics[1]


@inlined
def _hit(planes, row, px, py):
    """A face at the pixel position (px, py), weights clamped into the triangle; and 1 / |det|, which texture footprints need."""
    p, inverse = planes[row], planes[row, 13]
    z = 1.0 / min(max(p[0] * px + (p[1] * py + p[2]), p[14]), p[15])
    b0, b1, b2 = max(p[3] * px + (p[4] * py + p[5]), 0.0), max(p[6] * px + (p[7] * py + p[8]), 0.0), max(p[9] * px + (p[10] * py + p[11]), 0.0)
    total = 1.0 / max(b0 + b1 + b2, 1e-300)
    return z, (1.0 if inverse < 0.0 else -1.0), b0 * total, b1 * total, b2 * total, abs(inverse)


@inlined
def _normal(scene, f, hit):  # unit, on the side that the camera sees
    p, q, r = scene.table[scene.faces[f, 0]], scene.table[scene.faces[f, 1]], scene.table[scene.faces[f, 2]]
    _, facing, b0, b1, b2, _ = hit
    x, y, z = b0 * p[2] + b1 * q[2] + b2 * r[2], b0 * p[3] + b1 * q[3] + b2 * r[3], b0 * p[4] + b1 * q[4] + b2 * r[4]
    length = math.sqrt(x * x + y * y + z * z)
    if length < 1e-6:
        return facing * scene.face_normals[f, 0], facing * scene.face_normals[f, 1], facing * scene.face_normals[f, 2]
    return facing * x / length, facing * y / length, facing * z / length


@inlined
def _texture_place(scene, frame, f, hit):
    """(u, v) and the area of UV under the pixel: with b_i = z r . (Pj x Pk) / det, |d(b1, b2) / d(x, y)| = z^3 / (fx fy |det|)."""
    p, q, r = scene.table[scene.faces[f, 0]], scene.table[scene.faces[f, 1]], scene.table[scene.faces[f, 2]]
    z, _, b0, b1, b2, inverse = hit
    area = (q[0] - p[0]) * (r[1] - p[1]) - (r[0] - p[0]) * (q[1] - p[1])
    footprint = abs(np.float64(area)) * inverse * z * z * z / (frame.intrinsics[0] * frame.intrinsics[1])
    return b0 * p[0] + b1 * q[0] + b2 * r[0], b0 * p[1] + b1 * q[1] + b2 * r[1], footprint


@inlined
def _material(scene, f, hit, place, with_surface):
    """(r, g, b), metallic, roughness; the last two are the factors alone unless with_surface."""
    material = scene.face_material[f]
    factors = scene.factors[material]
    r, g, b = np.float64(factors[0]), np.float64(factors[1]), np.float64(factors[2])
    metallic, roughness = np.float64(factors[4]), np.float64(factors[5])
    base, surface = scene.maps[material, 0], scene.maps[material, 1] if with_surface else -1
    if base >= 0 or surface >= 0:
        spot = locate(scene.textures, base if base >= 0 else surface, place[0], place[1], place[2])
    if base >= 0:
        texel = sample(scene.textures, base, spot)
        r, g, b = r * texel[0], g * texel[1], b * texel[2]
        metallic *= texel[3] if scene.fourth[material] == METALLIC else 1.0
        roughness *= texel[3] if scene.fourth[material] == ROUGHNESS else 1.0
    if len(scene.colors):
        p, q, s = scene.colors[scene.faces[f, 0]], scene.colors[scene.faces[f, 1]], scene.colors[scene.faces[f, 2]]
        _, _, b0, b1, b2, _ = hit
        r, g, b = r * (b0 * p[0] + b1 * q[0] + b2 * s[0]), g * (b0 * p[1] + b1 * q[1] + b2 * s[1]), b * (b0 * p[2] + b1 * q[2] + b2 * s[2])
    if surface >= 0:
        if base >= 0 and not same_size(scene.textures, base, surface):
            spot = locate(scene.textures, surface, place[0], place[1], place[2])
        texel = sample(scene.textures, surface, spot)
        roughness, metallic = roughness * texel[1], metallic * texel[2]
    return (r, g, b), metallic, roughness


@pure
def _unit_across(x, y, z, normal):  # the unit vector along the part of (x, y, z) that is perpendicular to the normal; zero if there is none
    along = x * normal[0] + y * normal[1] + z * normal[2]
    x, y, z = x - along * normal[0], y - along * normal[1], z - along * normal[2]
    length = math.sqrt(x * x + y * y + z * z)
    inverse = 1.0 / length if length > 1e-20 else 0.0
    return x * inverse, y * inverse, z * inverse


@pure
def _bent(scene, f, place, normal):
    """The normal with its normal map applied. The tangent frame is the face's own, from its UV derivatives, made perpendicular to the normal."""
    material, face = scene.face_material[f], scene.faces[f]
    p, q, r = scene.table[face[0]], scene.table[face[1]], scene.table[face[2]]
    u1, v1, u2, v2 = np.float64(q[0] - p[0]), np.float64(q[1] - p[1]), np.float64(r[0] - p[0]), np.float64(r[1] - p[1])
    if u1 * v2 == u2 * v1:
        return normal
    sign = 1.0 if u1 * v2 > u2 * v1 else -1.0
    a, b, c = scene.vertices[face[0]], scene.vertices[face[1]], scene.vertices[face[2]]
    x1, y1, z1 = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    x2, y2, z2 = c[0] - a[0], c[1] - a[1], c[2] - a[2]
    tangent = _unit_across(sign * (x1 * v2 - x2 * v1), sign * (y1 * v2 - y2 * v1), sign * (z1 * v2 - z2 * v1), normal)
    bitangent = _unit_across(sign * (x2 * u1 - x1 * u2), sign * (y2 * u1 - y1 * u2), sign * (z2 * u1 - z1 * u2), normal)
    texel = sample(scene.textures, scene.maps[material, 2], locate(scene.textures, scene.maps[material, 2], place[0], place[1], place[2]))
    scale = scene.factors[material, 6]
    s, t, w = (texel[0] * 2.0 - FLAT) * scale, (texel[1] * 2.0 - FLAT) * scale, max(texel[2] * 2.0 - FLAT, 0.0)
    x = s * tangent[0] + t * bitangent[0] + w * normal[0]
    y = s * tangent[1] + t * bitangent[1] + w * normal[1]
    z = s * tangent[2] + t * bitangent[2] + w * normal[2]
    length = math.sqrt(x * x + y * y + z * z)
    return (x / length, y / length, z / length) if length > 1e-6 else normal


@inlined
def _colour(scene, frame, light, f, px, py, hit, normal, material, place):
    """Picture value (r, g, b) of a hit, linear: within 0..1, or unbounded radiance when the knee is inf."""
    z, facing, b0, b1, b2, _ = hit
    face, side = scene.faces[f], 5 if facing > 0.0 else 6
    openness = b0 * scene.table[face[0], side] + b1 * scene.table[face[1], side] + b2 * scene.table[face[2], side]
    base, metallic, roughness = material
    shading, view, point = normal, normal, normal
    if light.directional:
        rx, ry = _ray(frame, px, py)
        c = frame.c2w
        dx, dy, dz = c[0, 0] * rx + c[0, 1] * ry + c[0, 2], c[1, 0] * rx + c[1, 1] * ry + c[1, 2], c[2, 0] * rx + c[2, 1] * ry + c[2, 2]
        inverse = -1.0 / math.sqrt(dx * dx + dy * dy + dz * dz)
        view = (dx * inverse, dy * inverse, dz * inverse)
        point = (c[0, 3] + z * dx, c[1, 3] + z * dy, c[2, 3] + z * dz)
        if scene.maps[scene.face_material[f], 2] >= 0:
            shading = _bent(scene, f, place, normal)
    r, g, b = radiance(light, base, metallic, roughness, shading, normal, view, openness, point)
    return display(r, light.knee), display(g, light.knee), display(b, light.knee)


@pure
def _gather(frame, slot, first, done):
    """The samples of a pixel that see the surface that sample `first` sees: (mean x, mean y, how many, `done` with their bits set)."""
    row, k = frame.sample_index[slot, first], frame.sample_depth[slot, first]
    x = y = 0.0
    weight = 0
    for s in range(first, len(frame.offsets)):
        if done >> s & 1 == 0 and same_surface(frame.faces.look, row, frame.sample_index[slot, s], k, frame.sample_depth[slot, s]):
            x, y, weight, done = x + frame.offsets[s, 0], y + frame.offsets[s, 1], weight + 1, done | 1 << s
    return x / weight, y / weight, weight, done


@pure
def _average(scene, frame, light, slot, y, x):
    """(r, g, b) averaged over the samples that hit something, and how many do. Each surface is shaded once, at the mean of its samples."""
    r = g = b = 0.0
    covered, done = 0, 0
    for s in range(len(frame.offsets)):
        row = frame.sample_index[slot, s]
        if row < 0 or done >> s & 1:
            continue
        f = frame.faces.face[row]
        dx, dy, weight, done = _gather(frame, slot, s, done)
        hit = _hit(frame.faces.planes, row, x + dx, y + dy)
        place = _texture_place(scene, frame, f, hit)
        material = _material(scene, f, hit, place, light.directional)
        colour = _colour(scene, frame, light, f, x + dx, y + dy, hit, _normal(scene, f, hit), material, place)
        r, g, b = r + weight * colour[0], g + weight * colour[1], b + weight * colour[2]
        covered += weight
    inverse = 1.0 / max(covered, 1)
    return r * inverse, g * inverse, b * inverse, covered


@inlined
def _encoded(encode, x):
    return encode[int(min(max(x, 0.0), 1.0) * (len(encode) - 1) + 0.5)]


@inlined
def _write_rgb(images, encode, knee, y, x, r, g, b, alpha):
    if knee == math.inf:  # linear, for a tone rule that needs all views first
        images.rgb[y, x, 0], images.rgb[y, x, 1], images.rgb[y, x, 2] = r, g, b
    else:
        images.rgb[y, x, 0], images.rgb[y, x, 1], images.rgb[y, x, 2] = _encoded(encode, r), _encoded(encode, g), _encoded(encode, b)
    images.alpha[y, x, 0] = alpha


@inlined
def _write_labels(scene, images, encode, y, x, f, hit, normal, material):
    if len(images.depth):
        images.depth[y, x, 0] = hit[0]
    if len(images.part):
        images.part[y, x, 0] = scene.face_part[f] + 1
    if len(images.normal):
        images.normal[y, x, 0], images.normal[y, x, 1], images.normal[y, x, 2] = normal
    base, metallic, roughness = material
    if len(images.albedo):
        for c in range(3):
            images.albedo[y, x, c] = _encoded(encode, base[c] * (1.0 - metallic))
    if len(images.metallic_roughness):
        images.metallic_roughness[y, x, 0] = int(min(metallic, 1.0) * 255.0 + 0.5)
        images.metallic_roughness[y, x, 1] = int(min(roughness, 1.0) * 255.0 + 0.5)


@pure
def resolve(scene, frame, light, encode, bounds, images):
    """Fill one view. encode: sRGB table. bounds: rows and columns (y0, y1, x0, x1) outside which there is nothing."""
    colour = len(images.rgb) > 0
    look_up = colour or len(images.albedo) > 0 or len(images.metallic_roughness) > 0
    with_surface = light.directional or len(images.albedo) > 0 or len(images.metallic_roughness) > 0
    shade_normal = colour or len(images.normal) > 0
    for y in range(bounds[0], bounds[1]):
        for x in range(bounds[2], bounds[3]):
            row = frame.index[y, x]
            slot = frame.slots[y, x] if colour else -1
            if row >= 0:
                f = frame.faces.face[row]
                hit = _hit(frame.faces.planes, row, x + 0.5, y + 0.5)
                normal, material, place = (0.0, 0.0, 1.0), ((0.0, 0.0, 0.0), 0.0, 0.0), (0.0, 0.0, 0.0)
                if shade_normal:
                    normal = _normal(scene, f, hit)
                if look_up:
                    place = _texture_place(scene, frame, f, hit)
                    material = _material(scene, f, hit, place, with_surface)
                _write_labels(scene, images, encode, y, x, f, hit, normal, material)
                if colour and slot < 0:
                    r, g, b = _colour(scene, frame, light, f, x + 0.5, y + 0.5, hit, normal, material, place)
                    _write_rgb(images, encode, light.knee, y, x, r, g, b, 255)
            if slot >= 0:
                r, g, b, covered = _average(scene, frame, light, slot, y, x)
                if covered > 0:
                    samples = len(frame.offsets)
                    _write_rgb(images, encode, light.knee, y, x, r, g, b, (255 * covered + samples // 2) // samples)
