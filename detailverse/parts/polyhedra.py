"""Polyhedra as points and rings of corners, and Conway's operators on them (Hart 1998). Faces counter-clockwise from
outside, about the origin.
"""

from dataclasses import dataclass

import numpy as np
from manifold3d import Manifold

from zeroverse.core import affine
from zeroverse.core.portable import TAU, cos_sin
from zeroverse.core.rng import Rng

GOLDEN = 1.618033988749895


@dataclass(frozen=True, eq=False)
class Mesh:
    """points: [N, 3]; faces: rings of point numbers, each pair of neighbours an edge of two faces."""

    points: np.ndarray
    faces: tuple[tuple[int, ...], ...]

    @classmethod
    def hull(cls, points) -> "Mesh":
        """Returns the triangles around points [N, 3]; coplanar ones are not joined."""
        mesh = Manifold.hull_points(np.asarray(points, dtype=np.float64)).to_mesh()
        return cls(
            np.asarray(mesh.vert_properties, dtype=np.float64)[:, :3],
            tuple(tuple(face) for face in np.asarray(mesh.tri_verts).tolist()),
        )

    @property
    def edges(self) -> list[tuple[int, int]]:
        """Returns each edge once, as (a, b), the smaller number first."""
        return sorted({(min(a, b), max(a, b)) for face in self.faces for a, b in _around(face)})

    def centres(self) -> np.ndarray:
        return np.array([self.points[list(face)].mean(axis=0) for face in self.faces])

    def on_sphere(self) -> "Mesh":
        return Mesh(affine.unit(self.points), self.faces)


def seed_mesh(name: str) -> Mesh:
    """Returns the tetrahedron, cube, octahedron, icosahedron, dodecahedron, or the prism or antiprism of "prism5", …"""
    if name in ("cube", "dodecahedron"):
        return dual(seed_mesh({"cube": "octahedron", "dodecahedron": "icosahedron"}[name]))
    if name.startswith("prism"):
        n = int(name[5:])
        ring = [(*cos_sin(TAU * k / n), z) for z in (-0.7, 0.7) for k in range(n)]
        sides = [(k, (k + 1) % n, n + (k + 1) % n, n + k) for k in range(n)]
        return Mesh(np.array(ring), (tuple(reversed(range(n))), tuple(range(n, 2 * n)), *sides)).on_sphere()
    if name == "tetrahedron":
        points = [(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)]
    elif name == "octahedron":
        points = [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)]
    else:
        points = [p for a in (-1, 1) for b in (-GOLDEN, GOLDEN) for p in ((0, a, b), (a, b, 0), (b, 0, a))]
    return Mesh.hull(points).on_sphere()


def dual(mesh: Mesh) -> Mesh:
    """Returns a corner for every face, a face for every corner."""
    after = {}
    for number, face in enumerate(mesh.faces):
        for k, corner in enumerate(face):
            after[corner, face[k - 1]] = (number, face[(k + 1) % len(face)])
    rings: dict[int, tuple[int, ...]] = {}
    for corner, spoke in after:
        if corner in rings:
            continue
        ring, at = [], spoke
        while not ring or at != spoke:
            number, _ = after[corner, at]
            ring.append(number)
            face = mesh.faces[number]
            at = face[(face.index(corner) + 1) % len(face)]
        rings[corner] = tuple(reversed(ring))
    return Mesh(_normals(mesh), tuple(rings[corner] for corner in range(len(mesh.points))))


def kis(mesh: Mesh) -> Mesh:
    """Returns a pyramid on every face."""
    first = len(mesh.points)
    faces = tuple((a, b, first + number) for number, face in enumerate(mesh.faces) for a, b in _around(face))
    return Mesh(np.concatenate([mesh.points, mesh.centres()]), faces)


def ambo(mesh: Mesh) -> Mesh:
    """Returns the mesh with its corners cut off as far as the middles of the edges."""
    edges = mesh.edges
    number = {edge: k for k, edge in enumerate(edges)}
    middle = lambda a, b: number[min(a, b), max(a, b)]
    faces = [tuple(middle(a, b) for a, b in _around(face)) for face in mesh.faces]
    after = {
        (b, middle(a, b)): middle(b, c)
        for face in mesh.faces
        for (a, b), (_, c) in zip(_around(face), _around(face[1:] + face[:1]))
    }
    for corner in range(len(mesh.points)):
        start = next(m for c, m in after if c == corner)
        ring = [start]
        while (at := after[corner, ring[-1]]) != start:
            ring.append(at)
        faces.append(tuple(ring))
    faces = faces[: len(mesh.faces)] + [tuple(reversed(face)) for face in faces[len(mesh.faces) :]]
    points = np.array([mesh.points[list(edge)].mean(axis=0) for edge in edges])
    return _outward(Mesh(points, tuple(faces)))


def truncate(mesh: Mesh) -> Mesh:
    return dual(kis(dual(mesh).on_sphere()))


def expand(mesh: Mesh) -> Mesh:
    return ambo(ambo(mesh).on_sphere())


def bevel(mesh: Mesh) -> Mesh:
    return truncate(ambo(mesh).on_sphere())


def ortho(mesh: Mesh) -> Mesh:
    return dual(expand(mesh).on_sphere())


def gyro(mesh: Mesh) -> Mesh:
    """Returns each face split into pentagons that all turn the same way."""
    third, points = {}, list(mesh.points)
    for a, b in mesh.edges:
        for x, y in ((a, b), (b, a)):
            third[x, y] = len(points)
            points.append((2 * mesh.points[x] + mesh.points[y]) / 3)
    faces = []
    for face, centre in zip(mesh.faces, mesh.centres()):
        for (a, b), (_, c) in zip(_around(face), _around(face[1:] + face[:1])):
            faces.append((len(points), third[a, b], third[b, a], b, third[b, c]))
        points.append(centre)
    return Mesh(np.array(points), tuple(faces))


OPERATORS = {
    "kis": kis,
    "ambo": ambo,
    "truncate": truncate,
    "expand": expand,
    "bevel": bevel,
    "ortho": ortho,
    "gyro": gyro,
    "dual": dual,
    "none": lambda mesh: mesh,
}


def relaxed(mesh: Mesh, rounds: int = 3) -> Mesh:
    """Returns a mesh on the unit sphere, each corner moved towards the middle of its neighbours: even faces, nearly
    flat. Few corners stay: they would all meet.
    """
    edges = np.array(mesh.edges)
    points = affine.unit(mesh.points)
    degree = np.bincount(edges.ravel(), minlength=len(points))[:, None]
    for _ in range(rounds if len(points) >= 24 else 0):
        total = np.zeros_like(points)
        np.add.at(total, edges[:, 0], points[edges[:, 1]])
        np.add.at(total, edges[:, 1], points[edges[:, 0]])
        points = affine.unit(points + 0.4 * (total / degree - points))
    return Mesh(points, mesh.faces)


def scattered(count: int, jitter: float, rng: Rng) -> np.ndarray:
    """Returns [count, 3] on the unit sphere: a spiral, moved by up to `jitter` of the gap between two."""
    k = np.arange(count)
    z = 1 - (2 * k + 1) / count
    turn = np.array([cos_sin(TAU * 0.3819660112501051 * i) for i in k])
    points = np.column_stack([np.sqrt(1 - z * z)[:, None] * turn, z])
    gap = 3.5 / np.sqrt(count)
    return affine.unit(points + 0.5 * jitter * gap * rng.uniform(-1.0, 1.0, (count, 3)))


def inset(ring: np.ndarray, width: float) -> np.ndarray:
    """Returns the ring [N, 3] drawn towards its middle, so that its sides move in by about `width`, and by 85 % at
    most.
    """
    middle = ring.mean(axis=0)
    out = ring - middle
    sides = (ring + np.roll(ring, -1, axis=0)) / 2 - middle
    near = float(np.sqrt((sides * sides).sum(axis=1)).min())
    return middle + out * max(0.15, 1 - width / max(near, 1e-6))


def _around(face):
    return list(zip(face, face[1:] + face[:1]))


def _normals(mesh: Mesh) -> np.ndarray:
    """Returns [F, 3] the unit normal of every face, from its middle (Newell)."""
    out = []
    for face in mesh.faces:
        ring = mesh.points[list(face)] - mesh.points[list(face)].mean(axis=0)
        out.append(affine.cross(ring, np.roll(ring, -1, axis=0)).sum(axis=0))
    return affine.unit(np.array(out))


def _outward(mesh: Mesh) -> Mesh:
    """Returns the mesh with every face turned so that it is counter-clockwise from outside."""
    facing = (_normals(mesh) * mesh.centres()).sum(axis=1)
    return Mesh(
        mesh.points, tuple(face if side > 0 else tuple(reversed(face)) for face, side in zip(mesh.faces, facing))
    )
