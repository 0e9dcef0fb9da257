"""Scores of a shape against its target, in the frame of detailverse.labels.fields, where an object fills [-1, 1]^3."""

import numpy as np
from scipy.spatial import cKDTree

from detailverse.spatial.probes import spread
from zeroverse.core.affine import face_normals, unit

F_DISTANCE = 0.02  # TripoSG, table 3
POINTS = 32_768  # on each surface


def volume_iou(distance: np.ndarray, target: np.ndarray) -> float:
    """Returns, of signed distances [N] at places even in space, the volume inside both, over that inside either; 1
    where both are empty.
    """
    inside, wanted = distance < 0, target < 0
    either = np.count_nonzero(inside | wanted)
    return float(np.count_nonzero(inside & wanted) / either) if either else 1.0


def surface_scores(points: np.ndarray, faces: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """Scores a mesh against points with normals [P, 6] even over the true surface, of which POINTS are taken.

    chamfer: mean of the mean distances in both directions. f_score: harmonic mean of the shares of points within
        F_DISTANCE of the other surface.
    normal_consistency: mean |cosine| between the normals of nearest points. A mesh without faces is as far as the cube
        is wide, and agrees in nothing.
    """
    target = target[:POINTS].astype(np.float64)
    if len(faces) == 0:
        return {"chamfer": 2.0, "f_score": 0.0, "normal_consistency": 0.0}
    places, face = spread(points, faces, POINTS)
    normals = unit(face_normals(points, faces))[face]
    there, to_target = cKDTree(target[:, :3]).query(places)
    back, to_mesh = cKDTree(places).query(target[:, :3])
    precision, recall = (there < F_DISTANCE).mean(), (back < F_DISTANCE).mean()
    cosines = (
        np.abs((normals * target[to_target, 3:]).sum(axis=1)).mean(),
        np.abs((normals[to_mesh] * target[:, 3:]).sum(axis=1)).mean(),
    )
    return {
        "chamfer": float(there.mean() + back.mean()) / 2,
        "f_score": float(2 * precision * recall / max(precision + recall, 1e-12)),
        "normal_consistency": float(sum(cosines) / 2),
    }
