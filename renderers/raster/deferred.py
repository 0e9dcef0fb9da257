"""From visibility to images: what each pixel's samples see is looked up, shaded and written. World frame, linear
colour.

What is shaded is a fragment: the surface at a pixel's centre, or one of the surfaces that an edge pixel's samples see.
Fragments go through the stages in batches, a tile's centres at a time, each stage a short loop: its steps wait for one
another (which level, which texels, fetch, mix), and a processor looks a few hundred instructions ahead, which is
several fragments of a short loop but not even one of all stages.
"""

import math
from typing import NamedTuple

import numpy as np

from renderers.geometry.arrays import METALLIC, ROUGHNESS
from renderers.geometry.textures import corners, corners_by_mode, gathered, locate, mip_levels, sample, unpacked
from renderers.raster.shading import display, radiance
from renderers.raster.visibility import Faces, same_surface
from zeroverse.core.jit import inlined, pure

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
    """One view of every pass, [H W, C]; [0, C] for passes that are not drawn."""

    rgb: np.ndarray
    alpha: np.ndarray
    depth: np.ndarray
    normal: np.ndarray
    albedo: np.ndarray
    metallic_roughness: np.ndarray
    part: np.ndarray


# pixels a side: what neighbours share, triangles and texels, is still in the nearest cache when the next row comes to
# it
TILE = 16
BATCH = TILE * TILE  # fragments at a time
NOTHING = np.uint32(0xFFFFFFFF)


class Fragments(NamedTuple):
    """A batch, each array [BATCH] or [BATCH, 3]. The stages fill it from top to bottom."""

    pixel: np.ndarray  # uint32, as the next three: row W + column
    # how many samples of an edge pixel see it; 0: a centre whose pixel is an edge pixel, so that nobody asks for its
    # colour
    weight: np.ndarray
    row: np.ndarray  # in `Faces`
    face: np.ndarray
    x: np.ndarray  # float64, as the following: position in pixels
    y: np.ndarray
    z: np.ndarray  # depth
    corners: np.ndarray  # [BATCH, 3] perspective-correct weights of the vertices
    normal: np.ndarray  # [BATCH, 3] unit, on the side that the camera sees
    openness: np.ndarray
    u: np.ndarray
    v: np.ndarray
    footprint: np.ndarray  # area of UV under the pixel
    levels: np.ndarray  # [BATCH, 3] uint32: what `mip_levels` says of the base colour's texture; NOTHING: it has none
    spots: np.ndarray  # [2, BATCH, 8] uint32: four texels and their weights, of the finer level and the coarser one
    texels: np.ndarray  # [2, BATCH, 2] uint64: what is there
    base: np.ndarray  # [BATCH, 3]
    metallic: np.ndarray
    roughness: np.ndarray


def fragments_buffer() -> Fragments:
    shapes = {
        "corners": (BATCH, 3),
        "normal": (BATCH, 3),
        "base": (BATCH, 3),
        "levels": (BATCH, 3),
        "spots": (2, BATCH, 8),
        "texels": (2, BATCH, 2),
    }
    types = dict.fromkeys(("pixel", "weight", "row", "face", "levels", "spots"), np.uint32) | {"texels": np.uint64}
    return Fragments(*(np.empty(shapes.get(name, BATCH), types.get(name, np.float64)) for name in Fragments._fields))


@inlined
def _ray(frame, px, py):  # camera space, z = 1
    return (px - frame.intrinsics[2]) / frame.intrinsics[0], (py - frame.intrinsics[3]) / frame.intrinsics[1]


@pure
def _hits(faces, batch, count):
    """Depth, and weights of the vertices, clamped into the triangle."""
    for i in range(count):
        p, x, y = faces.planes[batch.row[i]], batch.x[i], batch.y[i]
        batch.face[i] = faces.face[batch.row[i]]
        batch.z[i] = 1.0 / min(max(p[0] * x + (p[1] * y + p[2]), p[14]), p[15])
        b0, b1, b2 = (
            max(p[3] * x + (p[4] * y + p[5]), 0.0),
            max(p[6] * x + (p[7] * y + p[8]), 0.0),
            max(p[9] * x + (p[10] * y + p[11]), 0.0),
        )
        total = 1.0 / max(b0 + b1 + b2, 1e-300)
        batch.corners[i, 0], batch.corners[i, 1], batch.corners[i, 2] = b0 * total, b1 * total, b2 * total


@pure
def _normals(scene, faces, batch, count):
    for i in range(count):
        f = batch.face[i]
        p, q, r = scene.table[scene.faces[f, 0]], scene.table[scene.faces[f, 1]], scene.table[scene.faces[f, 2]]
        b0, b1, b2 = batch.corners[i, 0], batch.corners[i, 1], batch.corners[i, 2]
        front = faces.planes[batch.row[i], 13] < 0.0
        x, y, z = (
            b0 * p[2] + b1 * q[2] + b2 * r[2],
            b0 * p[3] + b1 * q[3] + b2 * r[3],
            b0 * p[4] + b1 * q[4] + b2 * r[4],
        )
        length = math.sqrt(x * x + y * y + z * z)
        if length < 1e-6:
            x, y, z, length = (
                np.float64(scene.face_normals[f, 0]),
                np.float64(scene.face_normals[f, 1]),
                np.float64(scene.face_normals[f, 2]),
                1.0,
            )
        length = length if front else -length
        batch.normal[i, 0], batch.normal[i, 1], batch.normal[i, 2] = x / length, y / length, z / length
        side = 5 if front else 6
        batch.openness[i] = b0 * p[side] + b1 * q[side] + b2 * r[side]


@pure
def _texture_places(scene, frame, batch, count):
    """(u, v), in 0..1 unless some texture does not repeat, and the area of UV under the pixel: with b_i = z r . (Pj x
    Pk) / det, |d(b1, b2) / d(x, y)| = z^3 / (fx fy |det|).
    """
    pixel = 1.0 / (frame.intrinsics[0] * frame.intrinsics[1])
    plain = len(scene.textures.modes) == 0
    for i in range(count):
        f = batch.face[i]
        p, q, r = scene.table[scene.faces[f, 0]], scene.table[scene.faces[f, 1]], scene.table[scene.faces[f, 2]]
        b0, b1, b2, z = batch.corners[i, 0], batch.corners[i, 1], batch.corners[i, 2], batch.z[i]
        area = (q[0] - p[0]) * (r[1] - p[1]) - (r[0] - p[0]) * (q[1] - p[1])
        batch.footprint[i] = abs(np.float64(area) * frame.faces.planes[batch.row[i], 13]) * z * z * z * pixel
        u, v = b0 * p[0] + b1 * q[0] + b2 * r[0], b0 * p[1] + b1 * q[1] + b2 * r[1]
        if plain:
            u, v = u - math.floor(u), v - math.floor(v)
        batch.u[i], batch.v[i] = u, v


@inlined
def _own_place(scene, frame, batch, i, slot):
    """(u, v, the area of UV under the pixel) of fragment i for the maps of one slot of `own_uvs`."""
    f = batch.face[i]
    p, q, r = (
        scene.own_uvs[slot, scene.faces[f, 0]],
        scene.own_uvs[slot, scene.faces[f, 1]],
        scene.own_uvs[slot, scene.faces[f, 2]],
    )
    b0, b1, b2, z = batch.corners[i, 0], batch.corners[i, 1], batch.corners[i, 2], batch.z[i]
    area = (q[0] - p[0]) * (r[1] - p[1]) - (r[0] - p[0]) * (q[1] - p[1])
    scale = z * z * z / (frame.intrinsics[0] * frame.intrinsics[1])
    return (
        b0 * p[0] + b1 * q[0] + b2 * r[0],
        b0 * p[1] + b1 * q[1] + b2 * r[1],
        abs(np.float64(area) * frame.faces.planes[batch.row[i], 13]) * scale,
    )


@pure
def _levels(scene, batch, count):
    for i in range(count):
        texture = scene.maps[scene.face_material[batch.face[i]], 0]
        batch.levels[i, 0] = NOTHING
        if texture >= 0:
            batch.levels[i, 0], batch.levels[i, 1], batch.levels[i, 2] = mip_levels(
                scene.textures, texture, batch.footprint[i]
            )


@pure
def _spots(textures, batch, count, side):
    for i in range(count):
        if batch.levels[i, 0] != NOTHING:
            places, weights = corners(textures, batch.levels[i, side], 0, batch.u[i], batch.v[i])
            spot = batch.spots[side, i]
            spot[0], spot[1], spot[2], spot[3] = places
            spot[4], spot[5], spot[6], spot[7] = weights


@pure
def _spots_by_mode(scene, batch, count, side):
    """`_spots` for textures of which some are not read in the plain way."""
    for i in range(count):
        if batch.levels[i, 0] != NOTHING:
            texture = scene.maps[scene.face_material[batch.face[i]], 0]
            places, weights = corners_by_mode(scene.textures, texture, batch.levels[i, side], 0, batch.u[i], batch.v[i])
            spot = batch.spots[side, i]
            spot[0], spot[1], spot[2], spot[3] = places
            spot[4], spot[5], spot[6], spot[7] = weights


@pure
def _fetch(words, batch, count, side):
    for i in range(count):
        if batch.levels[i, 0] != NOTHING:
            s = batch.spots[side, i]
            spot = (
                (np.uint64(s[0]), np.uint64(s[1]), np.uint64(s[2]), np.uint64(s[3])),
                (np.uint64(s[4]), np.uint64(s[5]), np.uint64(s[6]), np.uint64(s[7])),
            )
            batch.texels[side, i, 0], batch.texels[side, i, 1] = gathered(words, np.uint64(0), spot)


@pure
def _materials(scene, frame, batch, count, with_surface):
    """Base colour, metallic, roughness; the last two are the factors alone unless with_surface."""
    for i in range(count):
        material = scene.face_material[batch.face[i]]
        factors = scene.factors[material]
        r, g, b = np.float64(factors[0]), np.float64(factors[1]), np.float64(factors[2])
        metallic, roughness = np.float64(factors[4]), np.float64(factors[5])
        if batch.levels[i, 0] != NOTHING:
            p, q = batch.texels[0, i], batch.texels[1, i]
            texel = unpacked((p[0], p[1]), (q[0], q[1]), np.uint64(batch.levels[i, 2]))
            r, g, b = r * texel[0], g * texel[1], b * texel[2]
            metallic *= texel[3] if scene.fourth[material] == METALLIC else 1.0
            roughness *= texel[3] if scene.fourth[material] == ROUGHNESS else 1.0
        surface = scene.maps[material, 1]
        if with_surface and surface >= 0:
            u, v, footprint = batch.u[i], batch.v[i], batch.footprint[i]
            if len(scene.own_uvs):
                u, v, footprint = _own_place(scene, frame, batch, i, 0)
            texel = sample(scene.textures, surface, locate(scene.textures, surface, u, v, footprint))
            roughness, metallic = roughness * texel[1], metallic * texel[2]
        batch.base[i, 0], batch.base[i, 1], batch.base[i, 2] = r, g, b
        batch.metallic[i], batch.roughness[i] = metallic, roughness


@pure
def _vertex_colours(scene, batch, count):
    for i in range(count):
        f = batch.face[i]
        p, q, s = scene.colors[scene.faces[f, 0]], scene.colors[scene.faces[f, 1]], scene.colors[scene.faces[f, 2]]
        b0, b1, b2 = batch.corners[i, 0], batch.corners[i, 1], batch.corners[i, 2]
        for c in range(3):
            batch.base[i, c] *= b0 * p[c] + b1 * q[c] + b2 * s[c]


@pure
def _unit_across(
    x, y, z, normal
):  # the unit vector along the part of (x, y, z) that is perpendicular to the normal; zero if there is none
    along = x * normal[0] + y * normal[1] + z * normal[2]
    x, y, z = x - along * normal[0], y - along * normal[1], z - along * normal[2]
    length = math.sqrt(x * x + y * y + z * z)
    inverse = 1.0 / length if length > 1e-20 else 0.0
    return x * inverse, y * inverse, z * inverse


@pure
def _bent(scene, f, u, v, footprint, normal):
    """The normal with its normal map applied. The tangent frame is the face's own, from its UV derivatives, made
    perpendicular to the normal.
    """
    material, face = scene.face_material[f], scene.faces[f]
    p, q, r = scene.table[face[0]], scene.table[face[1]], scene.table[face[2]]
    if len(scene.own_uvs):
        p, q, r = scene.own_uvs[1, face[0]], scene.own_uvs[1, face[1]], scene.own_uvs[1, face[2]]
    u1, v1, u2, v2 = np.float64(q[0] - p[0]), np.float64(q[1] - p[1]), np.float64(r[0] - p[0]), np.float64(r[1] - p[1])
    if u1 * v2 == u2 * v1:
        return normal
    sign = 1.0 if u1 * v2 > u2 * v1 else -1.0
    a, b, c = scene.vertices[face[0]], scene.vertices[face[1]], scene.vertices[face[2]]
    x1, y1, z1 = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    x2, y2, z2 = c[0] - a[0], c[1] - a[1], c[2] - a[2]
    tangent = _unit_across(sign * (x1 * v2 - x2 * v1), sign * (y1 * v2 - y2 * v1), sign * (z1 * v2 - z2 * v1), normal)
    bitangent = _unit_across(sign * (x2 * u1 - x1 * u2), sign * (y2 * u1 - y1 * u2), sign * (z2 * u1 - z1 * u2), normal)
    texel = sample(
        scene.textures, scene.maps[material, 2], locate(scene.textures, scene.maps[material, 2], u, v, footprint)
    )
    scale = scene.factors[material, 6]
    s, t, w = (texel[0] * 2.0 - FLAT) * scale, (texel[1] * 2.0 - FLAT) * scale, max(texel[2] * 2.0 - FLAT, 0.0)
    x = s * tangent[0] + t * bitangent[0] + w * normal[0]
    y = s * tangent[1] + t * bitangent[1] + w * normal[1]
    z = s * tangent[2] + t * bitangent[2] + w * normal[2]
    length = math.sqrt(x * x + y * y + z * z)
    return (x / length, y / length, z / length) if length > 1e-6 else normal


@pure
def _emitted(scene, frame, batch, i, glow):  # linear RGB that fragment i sends out by itself
    r, g, b = np.float64(glow[0]), np.float64(glow[1]), np.float64(glow[2])
    texture = scene.maps[scene.face_material[batch.face[i]], 3]
    if texture >= 0:
        u, v, footprint = batch.u[i], batch.v[i], batch.footprint[i]
        if len(scene.own_uvs):
            u, v, footprint = _own_place(scene, frame, batch, i, 2)
        texel = sample(scene.textures, texture, locate(scene.textures, texture, u, v, footprint))
        r, g, b = r * texel[0], g * texel[1], b * texel[2]
    return r, g, b


@pure
def _colours(scene, frame, light, batch, count):
    """Picture values, linear, in the place of the base colour: within 0..1, or unbounded radiance when the knee is
    inf.
    """
    for i in range(count):
        if batch.weight[i] == 0:
            continue
        normal = (batch.normal[i, 0], batch.normal[i, 1], batch.normal[i, 2])
        shading, view, point = normal, normal, normal
        if light.directional:
            rx, ry = _ray(frame, batch.x[i], batch.y[i])
            c, z, f = frame.c2w, batch.z[i], batch.face[i]
            dx, dy, dz = (
                c[0, 0] * rx + c[0, 1] * ry + c[0, 2],
                c[1, 0] * rx + c[1, 1] * ry + c[1, 2],
                c[2, 0] * rx + c[2, 1] * ry + c[2, 2],
            )
            inverse = -1.0 / math.sqrt(dx * dx + dy * dy + dz * dz)
            view = (dx * inverse, dy * inverse, dz * inverse)
            point = (c[0, 3] + z * dx, c[1, 3] + z * dy, c[2, 3] + z * dz)
            if scene.maps[scene.face_material[f], 2] >= 0:
                u, v, footprint = batch.u[i], batch.v[i], batch.footprint[i]
                if len(scene.own_uvs):
                    u, v, footprint = _own_place(scene, frame, batch, i, 1)
                shading = _bent(scene, f, u, v, footprint, normal)
        base = (batch.base[i, 0], batch.base[i, 1], batch.base[i, 2])
        r, g, b = radiance(
            light, base, batch.metallic[i], batch.roughness[i], shading, normal, view, batch.openness[i], point
        )
        if len(scene.emission):
            glow = scene.emission[scene.face_material[batch.face[i]]]
            if glow[3] > 0.0:
                continue  # unlit: the base colour is what is seen
            er, eg, eb = _emitted(scene, frame, batch, i, glow)
            r, g, b = r + er, g + eg, b + eb
        batch.base[i, 0], batch.base[i, 1], batch.base[i, 2] = (
            display(r, light.knee),
            display(g, light.knee),
            display(b, light.knee),
        )


@inlined
def _encoded(encode, x):
    return encode[int(min(max(x, 0.0), 1.0) * (len(encode) - 1) + 0.5)]


@inlined
def _write_rgb(images, encode, knee, pixel, r, g, b, alpha):
    if knee == math.inf:  # linear, for a tone rule that needs all views first
        images.rgb[pixel, 0], images.rgb[pixel, 1], images.rgb[pixel, 2] = r, g, b
    else:
        images.rgb[pixel, 0], images.rgb[pixel, 1], images.rgb[pixel, 2] = (
            _encoded(encode, r),
            _encoded(encode, g),
            _encoded(encode, b),
        )
    images.alpha[pixel, 0] = alpha


@pure
def _write_shape(scene, batch, count, images):
    for i in range(count):
        pixel = batch.pixel[i]
        if len(images.depth):
            images.depth[pixel, 0] = batch.z[i]
        if len(images.part):
            images.part[pixel, 0] = scene.face_part[batch.face[i]] + 1
        if len(images.normal):
            images.normal[pixel, 0], images.normal[pixel, 1], images.normal[pixel, 2] = (
                batch.normal[i, 0],
                batch.normal[i, 1],
                batch.normal[i, 2],
            )


@pure
def _write_material(encode, batch, count, images):
    for i in range(count):
        pixel, metallic = batch.pixel[i], batch.metallic[i]
        if len(images.albedo):
            for c in range(3):
                images.albedo[pixel, c] = _encoded(encode, batch.base[i, c] * (1.0 - metallic))
        if len(images.metallic_roughness):
            images.metallic_roughness[pixel, 0] = int(min(metallic, 1.0) * 255.0 + 0.5)
            images.metallic_roughness[pixel, 1] = int(min(batch.roughness[i], 1.0) * 255.0 + 0.5)


@pure
def _centres(frame, y0, y1, x0, x1, batch):
    """Fill a batch with the covered pixels of a tile; returns how many there are."""
    count = 0
    for y in range(y0, y1):
        for x in range(x0, x1):
            row = frame.index[y, x]
            if row >= 0:
                batch.pixel[count], batch.row[count], batch.x[count], batch.y[count] = (
                    y * frame.index.shape[1] + x,
                    row,
                    x + 0.5,
                    y + 0.5,
                )
                batch.weight[count] = frame.slots[y, x] < 0
                count += 1
    return count


@inlined
def _gather(frame, slot, first, done):
    """The samples of a pixel that see the surface that sample `first` sees: (mean x, mean y, how many, `done` with
    their bits set).
    """
    row, k = frame.sample_index[slot, first], frame.sample_depth[slot, first]
    x = y = 0.0
    weight = 0
    for s in range(first, len(frame.offsets)):
        if done >> s & 1 == 0 and same_surface(
            frame.faces.look, row, frame.sample_index[slot, s], k, frame.sample_depth[slot, s]
        ):
            x, y, weight, done = x + frame.offsets[s, 0], y + frame.offsets[s, 1], weight + 1, done | 1 << s
    return x / weight, y / weight, weight, done


@pure
def _surfaces(frame, pixels, start, batch):
    """Fill a batch with the surfaces that the samples of edge pixels see, each at the mean of its samples; (how many,
    where to start next).

    pixels [K]: of each slot. A pixel's surfaces stay together.
    """
    count, samples, width = 0, len(frame.offsets), frame.index.shape[1]
    while start < len(pixels) and count + samples <= BATCH:
        done, pixel = 0, pixels[start]
        for s in range(samples):
            if frame.sample_index[start, s] >= 0 and done >> s & 1 == 0:
                dx, dy, weight, done = _gather(frame, start, s, done)
                batch.pixel[count], batch.weight[count], batch.row[count] = pixel, weight, frame.sample_index[start, s]
                batch.x[count], batch.y[count] = pixel % width + dx, pixel // width + dy
                count += 1
        start += 1
    return count, start


@pure
def _write_edges(encode, knee, samples, batch, count, images):
    """Colours averaged over the samples that hit something, and how many do."""
    i = 0
    while i < count:
        pixel, r, g, b, covered = batch.pixel[i], 0.0, 0.0, 0.0, 0
        while i < count and batch.pixel[i] == pixel:
            weight = batch.weight[i]
            r, g, b = r + weight * batch.base[i, 0], g + weight * batch.base[i, 1], b + weight * batch.base[i, 2]
            covered, i = covered + weight, i + 1
        inverse = 1.0 / covered
        _write_rgb(
            images,
            encode,
            knee,
            pixel,
            r * inverse,
            g * inverse,
            b * inverse,
            (255 * covered + samples // 2) // samples,
        )


@pure
def _write_centres(encode, knee, batch, count, images):
    for i in range(count):
        if batch.weight[i]:
            _write_rgb(images, encode, knee, batch.pixel[i], batch.base[i, 0], batch.base[i, 1], batch.base[i, 2], 255)


@inlined
def _look_up(scene, frame, batch, count, normal, material, surface):
    """The stages between where fragments are and what they look like; which of them are wanted."""
    _hits(frame.faces, batch, count)
    if normal:
        _normals(scene, frame.faces, batch, count)
    if material:
        _texture_places(scene, frame, batch, count)
        _levels(scene, batch, count)
        for side in range(2):
            if len(scene.textures.modes):
                _spots_by_mode(scene, batch, count, side)
            else:
                _spots(scene.textures, batch, count, side)
            _fetch(scene.textures.words, batch, count, side)
        _materials(scene, frame, batch, count, surface)
        if len(scene.colors):
            _vertex_colours(scene, batch, count)


@pure
def resolve(scene, frame, light, encode, bounds, pixels, batch, images):
    """Fill one view. encode: sRGB table. bounds: rows and columns (y0, y1, x0, x1) outside which there is nothing.
    pixels [K] int32: of each slot.
    """
    colour, stored = len(images.rgb) > 0, len(images.albedo) > 0 or len(images.metallic_roughness) > 0
    for y in range(bounds[0], bounds[1], TILE):
        for x in range(bounds[2], bounds[3], TILE):
            count = _centres(frame, y, min(y + TILE, bounds[1]), x, min(x + TILE, bounds[3]), batch)
            _look_up(
                scene,
                frame,
                batch,
                count,
                colour or len(images.normal) > 0,
                colour or stored,
                light.directional or stored,
            )
            _write_shape(scene, batch, count, images)
            _write_material(encode, batch, count, images)
            if colour:
                _colours(scene, frame, light, batch, count)
                _write_centres(encode, light.knee, batch, count, images)
    start = 0
    while start < len(pixels):
        count, start = _surfaces(frame, pixels, start, batch)
        _look_up(scene, frame, batch, count, True, True, light.directional)
        _colours(scene, frame, light, batch, count)
        _write_edges(encode, light.knee, len(frame.offsets), batch, count, images)
