"""What a finished object knows of itself: typed creases, its tree of parts, its symmetry, how complex it is. Sources:
docs/papers.md, Geometry.
"""

from dataclasses import dataclass

import numpy as np

from detailverse.modelling.surface import Surface
from detailverse.spatial.bvh import Bvh
from detailverse.spatial.edges import edges
from detailverse.spatial.probes import spread, thickness
from zeroverse.core import affine
from zeroverse.core.portable import TAU, cos_sin
from zeroverse.core.topology import face_pieces, twins, volume

KINDS = ("design", "join", "cut")
CREASE = 15.0  # degrees, as the salient points of the public shape VAEs (Dora)
RADII = (0.02, 0.05, 0.1)  # of the normal variance, for an object 2 long
ORDERS = range(2, 25)
PROBES = 512  # points that a symmetry moves
SYMMETRY = 0.005  # of the longest side: how far a moved point may be from the surface, at the 95th percentile


@dataclass(frozen=True, eq=False)
class Creases:
    """The sharp edges of a surface, and what made each one sharp.

    ends: [K, 2] vertex ids; faces: [K, 2] on either side; kind: [K] index into KINDS; angle: [K] radians; length: [K].

    design: inside one leaf, as the generator built it. join: where two added leaves meet. cut: where a subtracted leaf
    meets another one. Copies of one leaf share its number, so that where two of them meet counts as design.
    """

    ends: np.ndarray
    faces: np.ndarray
    kind: np.ndarray
    angle: np.ndarray
    length: np.ndarray


def creases(surface: Surface, angle_deg: float = CREASE) -> Creases:
    """Returns the edges whose faces differ by more than `angle_deg`."""
    every = edges(surface.points, surface.faces)
    sharp = every.angle > angle_deg * TAU / 360.0
    ends, faces = every.ends[sharp], every.faces[sharp]
    leaf = surface.leaf[faces]
    cut = np.array([one.cut for one in surface.leaves])[leaf].any(axis=1)
    kind = np.where(leaf[:, 0] == leaf[:, 1], 0, np.where(cut, 2, 1)).astype(np.int8)
    return Creases(ends, faces, kind, every.angle[sharp], every.lengths(surface.points)[sharp])


def parts(surface: Surface) -> tuple[tuple[str, ...], np.ndarray]:
    """Returns the labels of the parts, in the order in which leaves first name them, and which of them each face [F]
    belongs to. Labels that no face has are left out.
    """
    labels = [surface.leaves[leaf].label for leaf in np.unique(surface.leaf)]
    names = tuple(dict.fromkeys(labels))
    number = np.zeros(len(surface.leaves), dtype=np.int64)
    number[np.unique(surface.leaf)] = [names.index(label) for label in labels]
    return names, number[surface.leaf]


def describe(surface: Surface) -> dict:
    """Returns the part tree, complexity and symmetry of an object, ready for JSON: what a shard's sample stores under
    `labels`.
    """
    bvh = Bvh(surface.points, surface.faces)
    return {**part_tree(surface), "complexity": complexity(surface, bvh), "symmetry": symmetry(surface, bvh)}


def part_tree(surface: Surface) -> dict:
    """Returns {"parts": {name: node}, "adjacent": [[label, label], …]}, ready for JSON.

    A node has triangles, area, box [low [3], high [3]], volume (None unless its faces are closed by themselves) and,
    where labels descend by dots, parts; it counts all that is below it. Adjacent: full labels of parts that share an
    edge, each pair once, sorted.
    """
    names, part = parts(surface)
    root: dict = {}
    for name in names:
        steps, level = name.split("."), root
        for depth in range(len(steps)):
            below = [i for i, other in enumerate(names) if other.split(".")[: depth + 1] == steps[: depth + 1]]
            node = level.setdefault(steps[depth], {})
            if not node:
                node.update(_measures(surface.points, surface.faces[np.isin(part, below)]))
            if depth + 1 < len(steps):
                level = node.setdefault("parts", {})
    mates, _ = twins(surface.faces)
    face, side = np.nonzero(mates >= 0)
    pairs = np.sort(np.stack([part[face], part[mates[face, side] // 3]], axis=1), axis=1)
    pairs = np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)
    return {"parts": root, "adjacent": sorted(sorted((names[a], names[b])) for a, b in pairs)}


def _measures(points: np.ndarray, faces: np.ndarray) -> dict:
    """Returns what `part_tree` says about one node."""
    corners = points[faces].reshape(-1, 3)
    closed = twins(faces)[1]
    return {
        "triangles": len(faces),
        "area": _area(points, faces),
        "box": [corners.min(axis=0).tolist(), corners.max(axis=0).tolist()],
        "volume": volume(points, faces) if closed else None,
    }


def _area(points: np.ndarray, faces: np.ndarray) -> float:
    normals = affine.face_normals(points, faces)
    return float(np.sqrt((normals * normals).sum(axis=1)).sum()) / 2


def symmetry(surface: Surface, bvh: Bvh | None = None, tolerance: float = SYMMETRY) -> dict:
    """Returns {"planes": [normal [3], …], "order": n, "centre": [3], "tolerance": …}, ready for JSON; all symmetries go
    through the centroid of the surface.

    Tested planes: z, every 15° around z, and every half step of the order found. order: the largest n in ORDERS such
    that a turn by 1/n about z maps the object to itself, 1 for none, 0 where all do, as for a body of revolution. Every
    symmetry keeps the centroid. A map holds when of PROBES points spread over the surface 95 % land within `tolerance`
    times the longest side of it: deeper ornament breaks a symmetry. Where some orders hold ten times better, only those
    count.
    """
    bvh = Bvh(surface.points, surface.faces) if bvh is None else bvh
    centre, side = _centroid(surface.points, surface.faces), float(np.ptp(surface.points, axis=0).max())
    probes = spread(surface.points, surface.faces, PROBES)[0] - centre

    def error(moved):
        return float(np.sort(bvh.closest(moved + centre)[0])[int(0.95 * PROBES)]) / side

    turned = {n: error(affine.apply(affine.rotation_matrix(affine.axis_quat(2, TAU / n)), probes)) for n in ORDERS}
    order = _order(turned, tolerance)
    angles = {round(180.0 * k / n, 6) for n in (12, 2 * max(order, 1)) for k in range(n)}
    normals = [np.array([*cos_sin(angle * TAU / 360.0), 0.0]) for angle in sorted(angles)] + [np.array([0.0, 0.0, 1.0])]
    planes = [n for n in normals if error(probes - 2.0 * (probes * n).sum(axis=1, keepdims=True) * n) <= tolerance]
    return {
        "planes": [[round(float(x), 6) + 0.0 for x in n] for n in planes],
        "order": order,
        "centre": centre.tolist(),
        "tolerance": tolerance,
    }


def _centroid(points: np.ndarray, faces: np.ndarray) -> np.ndarray:  # [3]
    """Returns the centroid of the surface."""
    normals = affine.face_normals(points, faces)
    area = np.sqrt((normals * normals).sum(axis=1))
    return (points[faces].sum(axis=1) * area[:, None]).sum(axis=0) / (3 * area.sum())


def _order(errors: dict[int, float], tolerance: float) -> int:
    """Returns the order of rotation that `symmetry` reports, from the error of each order."""
    holds = [n for n, error in errors.items() if error <= tolerance]
    if len(holds) == len(errors):
        return 0
    exact = [n for n in holds if errors[n] <= tolerance / 10]
    return max(exact or holds, default=1)


def complexity(surface: Surface, bvh: Bvh | None = None) -> dict:
    """Returns numbers that describe the construction mesh, ready for JSON; lengths in object units.

    triangles, area, volume, components, euler (V - E + F), genus (of all components together), crease_length,
    crease_kinds (how much of it is of each kind), crease_density (crease length over √area: does not depend on
    tessellation), sharp_edges (their raw number: does), normal_variance (see there, at RADII), and with a `bvh`: thin,
    the 5th percentile of `thickness`.
    """
    points, faces = surface.points, surface.faces
    sharp, area = creases(surface), _area(points, faces)
    length = float(sharp.length.sum())
    euler = (
        np.count_nonzero(np.bincount(faces.ravel())) - len(faces) // 2
    )  # V - E + F, and 2 E = 3 F on a closed surface
    pieces = int(face_pieces(faces).max()) + 1
    result = {
        "triangles": len(faces),
        "area": area,
        "volume": volume(points, faces),
        "components": pieces,
        "euler": int(euler),
        "genus": pieces - int(euler) // 2,
        "crease_length": length,
        "crease_density": length / float(np.sqrt(area)),
        "sharp_edges": len(sharp.ends),
        "crease_kinds": {name: float(sharp.length[sharp.kind == kind].sum()) for kind, name in enumerate(KINDS)},
        "normal_variance": {str(radius): value for radius, value in zip(RADII, normal_variance(points, faces, RADII))},
    }
    if bvh is not None:
        result["thin"] = float(np.sort(thickness(points, faces, 1000, bvh))[50])
    return result


def normal_variance(
    points: np.ndarray, faces: np.ndarray, radii: tuple[float, ...] = RADII, samples: int = 20_000
) -> list[float]:
    """Returns for each radius 1 - |mean normal| over cells 2·radius wide, averaged over the samples: 0 where flat,
    towards 1 where relief is finer than the cell.

    Walls thinner than a cell count too, as both of their sides fall into it.
    """
    places, face = spread(points, faces, samples)
    normals = affine.unit(affine.face_normals(points, faces[face]))
    values = []
    for radius in radii:
        cell = np.floor((places - places.min(axis=0)) / (2 * radius)).astype(np.int64)
        number = np.unique((cell[:, 0] << 42) + (cell[:, 1] << 21) + cell[:, 2], return_inverse=True)[1]
        total = np.stack([np.bincount(number, weights=normals[:, axis]) for axis in range(3)], axis=1)
        values.append(1.0 - float(np.sqrt((total * total).sum(axis=1)).sum()) / samples)
    return values
