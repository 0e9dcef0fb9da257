"""The shading model that the raster backends share: glTF metallic-roughness under ambient light with baked occlusion,
and directional lights.

Linear RGB, world frame, unit vectors. A surface is (base colour, metallic, roughness, normal, occlusion); the light is
a `LightArrays`.
"""

import math
from functools import cache
from typing import NamedTuple

import numpy as np

from renderers.geometry.arrays import Scene
from renderers.lighting import Light, turned
from renderers.lighting.environment import irradiance, mirrored
from renderers.raster.occlusion import LIFT, MAP_SIZE, SHADOW_SIZE, axes, bake, lit, shadow_maps
from zeroverse.core.jit import inlined, kernel, pure
from zeroverse.core.portable import cos_sin, cos_sin_array

MIN_ROUGHNESS = 0.045  # below it a directional light's highlight is smaller than a pixel and only makes speckles
F0 = 0.04  # reflectance of a dielectric seen straight on (glTF 2.0 appendix B)
LOOKUP = 32
TAPS = 24  # look-ups of a soft shadow, after as many that measure how far away its casters are
WIDEST = 48.0  # texels: radius of the widest penumbra; wider ones would show the single taps
SHARPEST = 1.5  # texels: radius of the narrowest, so that shadow edges do not alias


class LightArrays(NamedTuple):
    """`Light` for kernels, and what one object's shadows look like under it. float64 but for the shadow maps; sizes in
    `occlusion.shadow_maps`.
    """

    sky: np.ndarray  # [3]
    ground: np.ndarray  # [3]
    directions: np.ndarray  # [L, 3]
    colors: np.ndarray  # [L, 3]
    spread: float
    gloss: float
    knee: float  # inf: the picture is linear radiance, not yet toned
    harmonics: np.ndarray  # [9, 3] the environment: see `environment.Filtered`
    mirror: np.ndarray  # [T, 3] float32; [0, 3]: no environment, a gradient from sky to ground instead
    offsets: np.ndarray  # [6]
    exposure: float  # of the environment
    turn: np.ndarray  # [2] cosine and sine of its rotation about +Z
    spreads: np.ndarray  # [L]
    soft: bool  # shadows widen with distance, as the spreads say
    disc: np.ndarray  # [TAPS, 2] places of the shadow look-ups in the unit disc
    shadows: np.ndarray  # [L, n, n]
    frames: np.ndarray  # [L, 3, 3]
    places: np.ndarray  # [L, 3]
    reflectance: np.ndarray  # [LOOKUP, LOOKUP, 2]
    directional: bool  # False: neither normal maps nor roughness can be seen in it


def light_arrays(light: Light, shadows, frames, places) -> LightArrays:
    lookup = reflectance_table() if light.gloss > 0 else np.zeros((LOOKUP, LOOKUP, 2))
    filtered = light.filtered()
    return LightArrays(
        np.array(light.sky, dtype=np.float64),
        np.array(light.ground, dtype=np.float64),
        np.array(light.directions, dtype=np.float64).reshape(-1, 3),
        np.array(light.colors, dtype=np.float64).reshape(-1, 3),
        float(light.spread),
        float(light.gloss),
        math.inf if light.tone == "paper" else float(light.knee),
        filtered.irradiance,
        filtered.mirror,
        filtered.offsets,
        float(light.exposure),
        np.array(turned(light.turn_deg)),
        np.array(light.spreads or (light.spread,) * len(light.directions), dtype=np.float64),
        bool(light.spreads),
        _disc(),
        shadows,
        frames,
        places,
        lookup,
        light.directional,
    )


@cache
def _disc() -> (
    np.ndarray
):  # [TAPS, 2]; the first is the centre, so that a point in contact with its caster is never missed
    i = np.arange(TAPS)
    cosine, sine = cos_sin_array(i * 2.399963229728653)  # the golden angle
    return np.sqrt(i / TAPS)[:, None] * np.stack([cosine, sine], axis=1)


def lit_scene(scene: Scene, light: Light, closed: bool, colour: bool) -> LightArrays:
    """Bake occlusion into the scene and draw the light's shadow maps, once per object; without colour neither is
    needed.

    For every backend on the CPU: one object's cost less than one of its views there, and nothing but rgb depends on
    them.
    """
    if colour:
        bake(scene, axes(), MAP_SIZE, not closed)
    return relit(scene, light, colour)


def relit(scene: Scene, light: Light, colour: bool) -> LightArrays:
    """`lit_scene` in another light: occlusion, which is of the object alone, is baked already."""
    directions = np.array(light.directions if colour else (), dtype=np.float64).reshape(-1, 3)
    return light_arrays(light, *shadow_maps(scene, directions, SHADOW_SIZE))


@kernel
def _integrate_reflectance(size, samples):
    table = np.zeros((size, size, 2))
    for i in range(size):
        for j in range(size):
            nv, roughness = (i + 0.5) / size, max((j + 0.5) / size, MIN_ROUGHNESS)
            a2 = roughness * roughness * roughness * roughness
            vx = math.sqrt(1.0 - nv * nv)
            for s in range(samples):
                u, phi = (s + 0.5) / samples, 2.399963229728653 * s
                nh = math.sqrt((1.0 - u) / (1.0 + (a2 - 1.0) * u))
                hx = cos_sin(phi)[0] * math.sqrt(max(1.0 - nh * nh, 0.0))
                vh = max(vx * hx + nv * nh, 0.0)
                nl = 2.0 * vh * nh - nv
                if nl > 0.0:
                    smith = (
                        2.0
                        * nl
                        * nv
                        / (nl * math.sqrt(a2 + (1.0 - a2) * nv * nv) + nv * math.sqrt(a2 + (1.0 - a2) * nl * nl))
                    )
                    share, fresnel = smith * vh / (nh * nv), (1.0 - vh) ** 5
                    table[i, j, 0] += (1.0 - fresnel) * share / samples
                    table[i, j, 1] += fresnel * share / samples
    return table


@cache
def reflectance_table() -> np.ndarray:
    """Split-sum GGX reflectance [n.v, roughness, 2]: a surface of reflectance f0 mirrors f0 x [0] + [1] of even light
    (Karis 2013).
    """
    return _integrate_reflectance(LOOKUP, 256)


@inlined
def _reflectance(table, nv, roughness):  # bilinear
    x, y = min(max(nv * LOOKUP - 0.5, 0.0), LOOKUP - 1.001), min(max(roughness * LOOKUP - 0.5, 0.0), LOOKUP - 1.001)
    i, j = int(x), int(y)
    fx, fy = x - i, y - j
    p, q, r, s = (1.0 - fx) * (1.0 - fy), (1.0 - fx) * fy, fx * (1.0 - fy), fx * fy
    return (
        table[i, j, 0] * p + table[i, j + 1, 0] * q + table[i + 1, j, 0] * r + table[i + 1, j + 1, 0] * s,
        table[i, j, 1] * p + table[i, j + 1, 1] * q + table[i + 1, j, 1] * r + table[i + 1, j + 1, 1] * s,
    )


@inlined
def interreflected(openness, albedo):
    """Occlusion of one channel with the light that neighbours of the same colour send back (Jimenez et al. 2016, eq.
    10).
    """
    a, b, c = 2.0404 * albedo - 0.3324, -4.7951 * albedo + 0.6417, 2.7552 * albedo + 0.6903
    return min(max(openness, ((openness * a + b) * openness + c) * openness), 1.0)


@inlined
def _gradient(light, channel, height):  # radiance of the sky where the direction's z is `height`
    return (
        0.5 * (light.sky[channel] + light.ground[channel]) + 0.5 * (light.sky[channel] - light.ground[channel]) * height
    )


@inlined
def _ambient(light, base, metallic, openness, mirror, scale, bias, even, seen):
    """Ambient radiance of one channel. even: irradiance / pi; seen: radiance in the mirror's lobe; mirror: openness
    towards the latter.

    Light that bounces between microfacets is given back (Fdez-Aguera 2019), so that white metal in even light is white.
    """
    if light.gloss == 0.0:
        return even * base * interreflected(openness, base)
    f0 = F0 + (base - F0) * metallic
    specular = light.gloss * (f0 * scale + bias) * (1.0 + f0 * (1.0 / (scale + bias) - 1.0))
    albedo = base * (1.0 - metallic)
    diffuse = albedo * (1.0 - min(specular, 1.0)) * interreflected(openness, albedo) * even
    return diffuse + specular * interreflected(mirror, f0) * seen


@inlined
def _around(light, nx, ny, nz, rx, ry, rz, roughness):
    """(irradiance / pi, radiance in the mirror's lobe), RGB each, for the normal n and the mirrored view r.

    Of the gradient: irradiance over pi is its value at 2/3 of the normal's height; the lobe of a rough mirror flattens
    it alike.
    """
    if len(light.mirror) == 0:
        n, r = nz * (2.0 / 3.0), rz * (1.0 - roughness / 3.0)
        return (
            (_gradient(light, 0, n), _gradient(light, 1, n), _gradient(light, 2, n)),
            (_gradient(light, 0, r), _gradient(light, 1, r), _gradient(light, 2, r)),
        )
    c, s, e = light.turn[0], light.turn[1], light.exposure
    even = irradiance(light.harmonics, c * nx + s * ny, c * ny - s * nx, nz)
    if light.gloss == 0.0:
        return (even[0] * e, even[1] * e, even[2] * e), (0.0, 0.0, 0.0)
    seen = mirrored(light.mirror, light.offsets, c * rx + s * ry, c * ry - s * rx, rz, roughness)
    return (even[0] * e, even[1] * e, even[2] * e), (seen[0] * e, seen[1] * e, seen[2] * e)


@inlined
def _on_map(light, i, px, py, pz, nx, ny, nz):
    """Texel and depth, in light i's map, of a point lifted along its normal so far that its own surface does not shade
    it.
    """
    frame, scale = light.frames[i], light.places[i, 0]
    lift = LIFT * 2.0 / scale
    px, py, pz = px + lift * nx, py + lift * ny, pz + lift * nz
    x = (frame[0, 0] * px + frame[0, 1] * py + frame[0, 2] * pz - light.places[i, 1]) * scale
    y = (frame[1, 0] * px + frame[1, 1] * py + frame[1, 2] * pz - light.places[i, 2]) * scale
    return x, y, frame[2, 0] * px + frame[2, 1] * py + frame[2, 2] * pz


@pure
def _shadow(light, i, px, py, pz, nx, ny, nz):
    """Share of light i that reaches the point: the mean of nine bilinear look-ups, so a penumbra four texels wide."""
    depths = light.shadows[i]
    x, y, depth = _on_map(light, i, px, py, pz, nx, ny, nz)
    total = 0.0
    for row in range(-1, 2):
        for column in range(-1, 2):
            total += lit(depths, x + column, y + row, depth)
    return total / 9.0


@pure
def _soft_shadow(light, i, px, py, pz, nx, ny, nz):
    """Share of light i that reaches the point: the light is a disc, so shadows widen with the distance from what casts
    them (Fernando 2005).

    Casters are sought, and the shadow averaged, along the plane of the surface, which so does not cover itself.
    """
    frame, depths, scale = light.frames[i], light.shadows[i], light.places[i, 0]
    x, y, depth = _on_map(light, i, px, py, pz, nx, ny, nz)
    steep = -1.0 / (scale * max(frame[2, 0] * nx + frame[2, 1] * ny + frame[2, 2] * nz, 0.2))
    slope_x = steep * (frame[0, 0] * nx + frame[0, 1] * ny + frame[0, 2] * nz)
    slope_y = steep * (frame[1, 0] * nx + frame[1, 1] * ny + frame[1, 2] * nz)
    radius = _penumbra(light.spreads[i] * scale, depths, light.disc, x, y, depth, slope_x, slope_y)
    if radius == 0.0:
        return 1.0
    total = 0.0
    for k in range(TAPS):
        dx, dy = light.disc[k, 0] * radius, light.disc[k, 1] * radius
        total += lit(depths, x + dx, y + dy, depth + dx * slope_x + dy * slope_y)
    return total / TAPS


@inlined
def _penumbra(spread, depths, disc, x, y, depth, slope_x, slope_y):
    """Radius of the penumbra in texels, 0 where nothing stands before the light. spread: texels per unit of distance to
    the caster.
    """
    reach = min(max(spread, 2.0 * SHARPEST), WIDEST)
    gap, casters = 0.0, 0
    for k in range(TAPS):
        dx, dy = disc[k, 0] * reach, disc[k, 1] * reach
        i, j = int(math.floor(y + dy)), int(math.floor(x + dx))
        if 0 <= i < depths.shape[0] and 0 <= j < depths.shape[1]:
            above = depths[i, j] - (depth + dx * slope_x + dy * slope_y)
            if above > 0.0:
                gap, casters = gap + above, casters + 1
    return min(max(gap / casters * spread, SHARPEST), WIDEST) if casters else 0.0


@inlined
def radiance(light, base, metallic, roughness, n, flat, view, openness, point):
    """Linear RGB towards the camera.

    base (r, g, b), n the shading normal and `flat` the mesh's, view the direction to the camera, point the position:
    tuples of three.
    """
    if not light.directional:
        return (
            light.sky[0] * base[0] * interreflected(openness, base[0]),
            light.sky[1] * base[1] * interreflected(openness, base[1]),
            light.sky[2] * base[2] * interreflected(openness, base[2]),
        )
    nx, ny, nz = n
    nv = min(max(nx * view[0] + ny * view[1] + nz * view[2], 1e-3), 1.0)
    roughness = max(roughness, MIN_ROUGHNESS)
    scale, bias, mirror = 0.0, 0.0, 1.0
    if light.gloss > 0.0:
        scale, bias = _reflectance(light.reflectance, nv, roughness)
        mirror = min(
            max(math.sqrt(nv + openness) - 1.0 + openness, 0.0), 1.0
        )  # Lagarde & de Rousiers 2014, for a smooth surface
    even, seen = _around(
        light, nx, ny, nz, 2.0 * nv * nx - view[0], 2.0 * nv * ny - view[1], 2.0 * nv * nz - view[2], roughness
    )
    r = _ambient(light, base[0], metallic, openness, mirror, scale, bias, even[0], seen[0])
    g = _ambient(light, base[1], metallic, openness, mirror, scale, bias, even[1], seen[1])
    b = _ambient(light, base[2], metallic, openness, mirror, scale, bias, even[2], seen[2])
    for i in range(len(light.directions)):
        lx, ly, lz = light.directions[i, 0], light.directions[i, 1], light.directions[i, 2]
        nl = nx * lx + ny * ly + nz * lz
        if nl <= 0.0 or flat[0] * lx + flat[1] * ly + flat[2] * lz <= 0.0:
            continue
        if light.soft:
            share = _soft_shadow(light, i, point[0], point[1], point[2], flat[0], flat[1], flat[2])
        else:
            share = _shadow(light, i, point[0], point[1], point[2], flat[0], flat[1], flat[2])
        if share <= 0.0:
            continue
        alpha = min(math.sqrt(roughness * roughness * roughness * roughness + light.spreads[i] * light.spreads[i]), 1.0)
        lobe, fresnel = _highlight(nx, ny, nz, nl, nv, lx, ly, lz, view, alpha)
        r += share * nl * light.colors[i, 0] * _reflected(base[0], metallic, lobe, fresnel)
        g += share * nl * light.colors[i, 1] * _reflected(base[1], metallic, lobe, fresnel)
        b += share * nl * light.colors[i, 2] * _reflected(base[2], metallic, lobe, fresnel)
    return r, g, b


@inlined
def _highlight(nx, ny, nz, nl, nv, lx, ly, lz, view, alpha):
    """GGX D x V (Smith, Hammon's fit of the height-correlated form) and Schlick's (1 - v.h)^5."""
    hx, hy, hz = lx + view[0], ly + view[1], lz + view[2]
    inverse = 1.0 / math.sqrt(hx * hx + hy * hy + hz * hz + 1e-12)
    nh = min(max((nx * hx + ny * hy + nz * hz) * inverse, 0.0), 1.0)
    q = 1.0 - min(max((view[0] * hx + view[1] * hy + view[2] * hz) * inverse, 0.0), 1.0)
    a2 = alpha * alpha
    d = nh * nh * (a2 - 1.0) + 1.0
    lobe = a2 / (math.pi * d * d) * 0.5 / (2.0 * nl * nv * (1.0 - alpha) + (nl + nv) * alpha)
    return lobe, q * q * q * q * q


@inlined
def _reflected(base, metallic, lobe, fresnel):  # BRDF of one channel
    f0 = F0 + (base - F0) * metallic
    f = f0 + (1.0 - f0) * fresnel
    return (1.0 - f) * base * (1.0 - metallic) / math.pi + f * lobe


@inlined
def display(x, knee):
    """Radiance -> 0..1 linear picture value: itself up to `knee`, above it a curve of the same slope that ends at 1;
    clipped when knee = 1.
    """
    if x <= knee:
        return max(x, 0.0)
    if knee >= 1.0:
        return 1.0
    t = (x - knee) / (1.0 - knee)
    return knee + (1.0 - knee) * t / (1.0 + t)
