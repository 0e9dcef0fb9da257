"""Fields: the samples of one object that shape autoencoders train on: points on the surface, points on sharp edges,
and signed distances around both and everywhere.

Counts and noise follow the public sharp-edge sampling of Dora; names follow the data of Hunyuan3D-2.1 as its users
describe it, where uniform samples are `random_…` and salient ones (Dora: sharp) `sharp_…` (docs/papers.md, Shape VAE).
`decode` gives:

    random_surface      [32768, 6] float32   points even over the area, and the exact normal of their face
    sharp_surface       [32768, 6] float32   points even over the length of edges sharper than 15°, and the unit mean
                                             of the two face normals
    random_near_points  [400000, 3] float32  beside 200,000 more surface points: σ = .001 for all, then .005
    random_near_label   [400000] float32
    sharp_near_points   [131072, 3] float32  beside the salient points: σ = .001, then .005, .007, .01
    sharp_near_label    [131072] float32
    vol_points          [200000, 3] float32  even in the cube ±1.05
    vol_label           [200000] float32
    random_surface_part, sharp_surface_part  [32768] int64, index into part_names (of one of both faces at an edge)
    part_names          [P] str              the labels of parts
    centre, scale       [3], [] float64      field point = (object point - centre) · scale
    sharp_edges         [] int64             how many edges are salient

Labels are signed distances, negative inside, to the mesh itself. Frame: the centre of the bounding box is 0 and the
longest side is 2, so that the mesh fills [-1, 1]; the frame of assets, whose longest side is 1.8, is this one times
0.9. Axes as everywhere, +z up.

An object without a sharp edge has sharp_edges 0 and its salient points on all edges, by length times angle: where it
bends most.

Stored (`fields`, in the npz): positions as uint16 codes, so that every decoded position is a float32 without rounding,
and the distance was measured there and not where the point was before. Distances as float16, relative error 2^-11,
where what would round to zero becomes ±2^-24: no label ever has the wrong sign. Surface points are within 2.9e-5 of the
surface. Normals as int16. `to_npz_bytes(decode(stored))` is the file for public readers.
"""

import io
import zipfile
from dataclasses import dataclass

import numpy as np

from detailverse.labels import parts
from detailverse.modelling.surface import Surface
from detailverse.spatial.bvh import Bvh
from detailverse.spatial.edges import edges
from detailverse.spatial.probes import on_faces
from zeroverse.core.affine import face_normals, unit
from zeroverse.core.jit import kernel
from zeroverse.core.portable import TAU, cos_sin, log
from zeroverse.core.rng import Rng

STEP = 17 / 2**19  # 3.24e-5; 16-bit codes times 17 fit the 24 bits of a float32
ZERO = 32768  # the code of 0, so positions reach ±1.0625
NORMAL = 32767
SMALLEST = 2.0**-24  # the smallest float16


@dataclass(frozen=True)
class Budget:
    """How many points are sampled on and around a surface, and where. surface, salient: points with normals. near:
    surface points that queries surround. volume: queries in ±extent.

    noise, salient_noise: σ of the normal distribution around each point, one query each, field units. angle_deg:
    sharper edges are salient.
    """

    surface: int = 32_768
    salient: int = 32_768
    near: int = 200_000
    volume: int = 200_000
    noise: tuple[float, ...] = (0.001, 0.005)
    salient_noise: tuple[float, ...] = (0.001, 0.005, 0.007, 0.01)
    extent: float = 1.05
    angle_deg: float = 15.0


VAE = Budget()  # 731,072 queries


def fields(surface: Surface, rng: Rng, budget: Budget = VAE) -> dict[str, np.ndarray]:
    """Samples the stored arrays of one object; see the module. Raises ValueError when the surface is not closed."""
    centre, scale = frame(surface.points)
    points, faces = (surface.points - centre) * scale, surface.faces
    names, part = parts(surface)
    bvh = Bvh(points, faces)
    # Every group of points has a stream of its own: another count in the budget changes no other group.
    even, face = _on_surface(points, faces, rng.child("surface"), budget.surface)
    around, around_face = _on_surface(points, faces, rng.child("near"), budget.near)
    sharp, sharp_normal, sharp_face, count = _on_edges(points, faces, rng.child("salient"), budget)
    return {
        "random_surface_points": encode(even),
        "random_surface_normals": _encode_normals(bvh.normals[face]),
        "random_surface_part": part[face].astype(np.uint16),
        "sharp_surface_points": encode(sharp),
        "sharp_surface_normals": _encode_normals(sharp_normal),
        "sharp_surface_part": part[sharp_face].astype(np.uint16),
        **_queries("random_near", bvh, _beside(around, budget.noise, rng.child("near", "noise")), around_face),
        **_queries("sharp_near", bvh, _beside(sharp, budget.salient_noise, rng.child("salient", "noise")), sharp_face),
        **_queries("vol", bvh, budget.extent * (2.0 * rng.child("volume").unit((budget.volume, 3)) - 1.0), None),
        "part_names": np.array(names),
        "centre": centre,
        "scale": np.float64(scale),
        "sharp_edges": np.int64(count),
    }


def frame(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Returns the centre [3] and the scale that take the object into [-1, 1]."""
    low, high = points.min(axis=0), points.max(axis=0)
    return (low + high) / 2, 2.0 / float((high - low).max())


def encode(points: np.ndarray) -> np.ndarray:  # [N, 3] -> [N, 3] uint16
    """Returns the nearest 16-bit codes; what lies outside ±1.0625 moves to the border."""
    return np.clip(np.floor(points / STEP + (ZERO + 0.5)), 0, 65535).astype(np.uint16)


def positions(codes: np.ndarray) -> np.ndarray:  # [N, 3] uint16 -> [N, 3] float32
    """Returns the positions that codes stand for, in field units."""
    return ((codes.astype(np.int32) - ZERO) * np.float64(STEP)).astype(np.float32)


def decode(stored: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns the arrays of the module's table from those that `fields` gives."""
    out = {}
    for kind in ("random_surface", "sharp_surface"):
        normals = stored[f"{kind}_normals"].astype(np.float32) / np.float32(NORMAL)
        out[kind] = np.concatenate([positions(stored[f"{kind}_points"]), normals], axis=1)
        out[f"{kind}_part"] = stored[f"{kind}_part"].astype(np.int64)
    for kind in ("random_near", "sharp_near", "vol"):
        out[f"{kind}_points"] = positions(stored[f"{kind}_points"])
        out[f"{kind}_label"] = stored[f"{kind}_label"].astype(np.float32)
    return out | {name: stored[name] for name in ("part_names", "centre", "scale", "sharp_edges")}


def to_npz_bytes(arrays: dict[str, np.ndarray]) -> bytes:
    """Returns an npz for `np.load`, without compression (codes hardly shrink) and without dates: the same arrays give
    the same bytes.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asanyarray(array), version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def from_npz(data: bytes) -> dict[str, np.ndarray]:
    """Returns `decode` of what `to_npz_bytes` stored."""
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return decode({name: archive[name] for name in archive.files})


def _on_surface(points, faces, rng, count):
    """Samples points [count, 3] evenly over the area, and returns them with their faces [count]."""
    normals = face_normals(points, faces)
    face = _weighted_choice(np.sqrt((normals * normals).sum(axis=1)), rng.child("face"), count)
    return on_faces(points, faces, face, rng.child("place").unit((count, 2))), face


def _on_edges(points, faces, rng, budget):
    """Samples points on the salient edges evenly over their length, and returns the points [salient, 3], unit normals
    [salient, 3], a face at each [salient], and how many edges are sharp.
    """
    every = edges(points, faces)
    sharp = every.angle > budget.angle_deg * TAU / 360.0
    weight = np.where(sharp, 1.0, 0.0) if sharp.any() else every.angle
    edge = _weighted_choice(weight * every.lengths(points), rng.child("edge"), budget.salient)
    along = rng.child("place").unit((budget.salient, 1))
    start, end = points[every.ends[edge, 0]], points[every.ends[edge, 1]]
    normals = unit(face_normals(points, faces))
    first, second = normals[every.faces[edge, 0]], normals[every.faces[edge, 1]]
    mean = first + second
    folded = (mean * mean).sum(axis=1) < 1e-12  # faces back to back have no mean
    return (
        (1 - along) * start + along * end,
        unit(np.where(folded[:, None], first, mean)),
        every.faces[edge, 0],
        int(np.count_nonzero(sharp)),
    )


def _weighted_choice(weights, rng, count):
    """Samples the numbers [count] of items, each as likely as its weight."""
    total = np.cumsum(weights)
    return np.minimum(np.searchsorted(total, rng.unit(count) * total[-1], side="right"), len(weights) - 1)


def _beside(points, sigmas, rng):
    """Returns queries [len(sigmas)·N, 3]: all points moved by the first σ, then by the second, …"""
    noise = normal_samples(rng, len(sigmas) * points.size).reshape(len(sigmas), *points.shape)
    return (points + np.array(sigmas)[:, None, None] * noise).reshape(-1, 3)


def normal_samples(rng: Rng, count: int) -> np.ndarray:  # [count]
    """Samples standard normal numbers (Box and Muller 1958), with the same bits everywhere."""
    return _normal(rng.unit((2, (count + 1) // 2)))[:count]


@kernel
def _normal(uniform):  # [2, N] in [0, 1) -> [2 N]
    """Returns the Box-Muller transform of pairs of uniform numbers."""
    out = np.empty(2 * uniform.shape[1])
    for n in range(uniform.shape[1]):
        radius = np.sqrt(-2.0 * log(1.0 - uniform[0, n]))
        c, s = cos_sin(TAU * uniform[1, n])
        out[2 * n], out[2 * n + 1] = radius * c, radius * s
    return out


def _encode_normals(normals):  # [N, 3] -> [N, 3] int16
    """Returns normals as 16-bit integers, `NORMAL` for 1."""
    return np.floor(normals * NORMAL + 0.5).astype(np.int16)


def _queries(name, bvh, points, hints):
    """Returns the coded points and the distances at those coded places, by the names of the file. hints: a face near
    each point, over and over, or None.
    """
    codes = encode(points)
    # The distance at the coded place, not where the point was before: label and stored position agree exactly.
    distance = bvh.sdf(positions(codes), None if hints is None else np.resize(hints, len(points)))
    # Half the storage of float32. A distance that would round to 0 keeps its sign: occupancy is read from it.
    label = distance.astype(np.float16)
    lost = (label == 0) & (distance != 0)
    label[lost] = np.where(distance[lost] < 0, -SMALLEST, SMALLEST)
    return {f"{name}_points": codes, f"{name}_label": label}
