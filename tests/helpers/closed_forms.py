"""Meshes with the closed form of their signed distance, and slow twins: distance and winding number over all
triangles.
"""

import numpy as np
import trimesh
from manifold3d import Manifold

from detailverse.modelling.surface import Leaf, Surface


def mesh(manifold: Manifold) -> tuple[np.ndarray, np.ndarray]:
    data = manifold.to_mesh()
    return np.asarray(data.vert_properties[:, :3], dtype=np.float64), np.asarray(data.tri_verts, dtype=np.int64)


def box(x: float, y: float, z: float) -> tuple[np.ndarray, np.ndarray]:
    """Centred, sides x, y, z, 12 triangles."""
    return mesh(Manifold.cube((x, y, z), True))


def torus(ring: float, tube: float, around: int, along: int) -> tuple[np.ndarray, np.ndarray]:
    made = trimesh.creation.torus(ring, tube, major_sections=around, minor_sections=along)
    return np.asarray(made.vertices), np.asarray(made.faces, dtype=np.int64)


def box_sdf(queries: np.ndarray, x: float, y: float, z: float) -> np.ndarray:
    beyond = np.abs(queries) - np.array([x, y, z]) / 2
    return np.linalg.norm(np.maximum(beyond, 0), axis=1) + np.minimum(beyond.max(axis=1), 0)


def torus_sdf(queries: np.ndarray, ring: float, tube: float) -> np.ndarray:
    return np.hypot(np.hypot(queries[:, 0], queries[:, 1]) - ring, queries[:, 2]) - tube


def surface(points: np.ndarray, faces: np.ndarray, label: str = "body") -> Surface:
    count = len(faces)
    return Surface(
        points,
        faces,
        np.zeros(count, np.int64),
        np.full(count, -1),
        np.zeros((count, 3, 2)),
        np.zeros((count, 3)),
        (Leaf(label, "metal"),),
    )


def distance_to_all(points: np.ndarray, faces: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """[Q] unsigned, by trimesh's closest point on each triangle."""
    closest = [
        trimesh.triangles.closest_point(np.broadcast_to(triangle, (len(queries), 3, 3)), queries)
        for triangle in points[faces]
    ]
    return np.min([np.linalg.norm(queries - each, axis=1) for each in closest], axis=0)


def winding(points: np.ndarray, faces: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """[Q] generalised winding number: solid angles of all triangles over 4 pi (Van Oosterom and Strackee 1983)."""
    total = np.zeros(len(queries))
    for a, b, c in points[faces]:
        a, b, c = a - queries, b - queries, c - queries
        la, lb, lc = (np.linalg.norm(v, axis=1) for v in (a, b, c))
        below = la * lb * lc + (a * b).sum(axis=1) * lc + (b * c).sum(axis=1) * la + (c * a).sum(axis=1) * lb
        total += 2 * np.arctan2((a * np.cross(b, c)).sum(axis=1), below)
    return total / (4 * np.pi)
