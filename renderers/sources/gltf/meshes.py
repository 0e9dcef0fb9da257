"""The meshes of a glTF file (section 3.7.2 of the specification): primitives as triangles, their attributes, their
morph targets at default weights, and skins in the pose that the nodes have.
"""

from dataclasses import dataclass, replace

import numpy as np

from renderers.sources.gltf import accessors, compression
from renderers.sources.gltf.container import Document, Malformed, numbers
from renderers.sources.gltf.materials import Notes
from zeroverse.core import affine

POINTS, LINES, TRIANGLES, STRIP, FAN = (0,), (1, 2, 3), 4, 5, 6


@dataclass(frozen=True, eq=False)
class Primitive:
    """Triangles that share a material. positions [N, 3], normals [N, 3] or None, faces [F, 3]; uvs {set: [N, 2]} with v
    down; colors [N, 3 or 4] linear or None; joints, weights [N, K] or None.
    """

    positions: np.ndarray
    normals: np.ndarray | None
    faces: np.ndarray
    uvs: dict[int, np.ndarray]
    colors: np.ndarray | None
    joints: np.ndarray | None
    weights: np.ndarray | None
    material: int | None
    targets: tuple[dict, ...] = ()


def primitives_of(document: Document, mesh: int, notes: Notes) -> list[tuple[int, Primitive]]:
    """Returns (number, primitive) of the primitives of a mesh that are surfaces; others are counted."""
    entry = document.item("meshes", mesh)
    found = []
    for number, primitive in enumerate(document.array(entry.get("primitives", []), f"meshes[{mesh}].primitives")):
        name = f"meshes[{mesh}].primitives[{number}]"
        primitive = document.object(primitive, name)
        mode = primitive.get("mode", TRIANGLES)
        notes.points += mode in POINTS
        notes.lines += mode in LINES
        if mode in (*POINTS, *LINES) or "POSITION" not in document.object(primitive.get("attributes", {}), name):
            continue
        if mode not in (TRIANGLES, STRIP, FAN):
            raise Malformed(f"{name}.mode: expected 0 to 6, got {str(mode)[:20]}")
        found.append((number, _primitive(document, primitive, mode, name)))
    return found


def _primitive(document: Document, entry: dict, mode: int, name: str) -> Primitive:
    unpacked, indices = compression.unpacked_mesh(document, entry) or ({}, None)
    attributes = document.object(entry["attributes"], f"{name}.attributes")

    def read(key: str, widths: tuple[int, ...]) -> np.ndarray | None:
        if key not in attributes:
            return None
        if key in unpacked:
            normalized = document.item("accessors", attributes[key]).get("normalized", False)
            return accessors.fractions(unpacked[key], bool(normalized))
        return accessors.values(document, attributes[key], widths, f"{name}.{key}")

    positions = read("POSITION", (3,))
    if indices is None:
        indices = _indices(document, entry, len(positions), name)
    sets = sorted(key for key in attributes if key.startswith("TEXCOORD_") and key[9:].isdecimal())
    joints, weights = ([read(key, (4,)) for key in _numbered(attributes, kind)] for kind in ("JOINTS", "WEIGHTS"))
    if len(joints) != len(weights):
        raise Malformed(f"{name}: {len(joints)} sets of joints and {len(weights)} of weights")
    made = Primitive(
        positions,
        read("NORMAL", (3,)),
        triangles(indices, mode),
        {int(key[9:]): _uv(document, attributes[key], read(key, (2,))) for key in sets},
        read("COLOR_0", (3, 4)),
        np.concatenate(joints, axis=1).astype(np.int64) if joints else None,
        np.concatenate(weights, axis=1) if weights else None,
        entry.get("material"),
        tuple(
            document.object(target, f"{name}.targets")
            for target in document.array(entry.get("targets", []), f"{name}.targets")
        ),
    )
    for each in (made.normals, *made.uvs.values(), made.colors, made.joints, made.weights):
        if each is not None and len(each) != len(positions):
            raise Malformed(f"{name}: expected {len(positions)} of each attribute, got {len(each)}")
    if len(indices) and not 0 <= indices.min() <= indices.max() < len(positions):
        raise Malformed(f"{name}: expected indices below {len(positions)}, got {indices.max()}")
    return made


def _numbered(attributes: dict, kind: str) -> list[str]:
    """Returns JOINTS_0, JOINTS_1 ... as far as there are any."""
    names = []
    while f"{kind}_{len(names)}" in attributes:
        names.append(f"{kind}_{len(names)}")
    return names


def _uv(document: Document, index, values: np.ndarray) -> np.ndarray:
    """Returns single precision where the file has it: what is computed of it later stays as it was read."""
    single = document.item("accessors", index).get("componentType") == 5126
    return values.astype(np.float32) if single else values


def _indices(document: Document, entry: dict, count: int, name: str) -> np.ndarray:
    if "indices" not in entry:
        return np.arange(count)
    indices = accessors.raw(document, entry["indices"])
    if indices.shape[1] != 1 or indices.dtype.kind != "u":
        raise Malformed(f"{name}.indices: expected unsigned integers, got {indices.dtype}")
    return indices[:, 0].astype(np.int64)


def triangles(indices: np.ndarray, mode: int) -> np.ndarray:
    """Returns the triangles [F, 3] that indices [K] stand for (section 3.7.2.1)."""
    if mode == TRIANGLES:
        return indices[: len(indices) // 3 * 3].reshape(-1, 3)
    count = max(len(indices) - 2, 0)
    i = np.arange(count)
    if mode == STRIP:
        return np.stack([indices[i], indices[i + 1 + i % 2], indices[i + 2 - i % 2]], axis=1)
    return np.stack([indices[i + 1], indices[i + 2], np.broadcast_to(indices[:1], count)], axis=1)


# ------------------------------------------------------------------------------------------------------------- morphing


def default_weights(document: Document, node: dict, mesh: int) -> list[float]:
    """Returns the weights of the morph targets where nothing moves: the node's, else the mesh's, else none."""
    for entry, name in ((node, "weights"), (document.item("meshes", mesh), f"meshes[{mesh}].weights")):
        if "weights" in entry:
            return numbers(entry["weights"], len(document.array(entry["weights"], name)), name)
    return []


def morphed(document: Document, primitive: Primitive, weights: list[float]) -> Primitive:
    """Returns the primitive with its targets added, each times its weight (section 3.7.2.2)."""
    active = [(target, weight) for target, weight in zip(primitive.targets, weights) if weight]
    if not active:
        return primitive
    uvs, colors = dict(primitive.uvs), primitive.colors
    positions, normals = primitive.positions, primitive.normals
    for target, weight in active:
        positions = _added(document, positions, target, weight, "POSITION", (3,))
        normals = _added(document, normals, target, weight, "NORMAL", (3,))
        colors = _added(document, colors, target, weight, "COLOR_0", (3, 4))
        uvs = {number: _added(document, uv, target, weight, f"TEXCOORD_{number}", (2,)) for number, uv in uvs.items()}
    return replace(primitive, positions=positions, normals=normals, uvs=uvs, colors=colors)


def _added(document: Document, base, target: dict, weight: float, key: str, widths: tuple[int, ...]):
    if base is None or key not in target:
        return base
    delta = accessors.values(document, target[key], widths, key)
    if delta.shape != base.shape:
        raise Malformed(f"targets: {key}: expected {list(base.shape)}, got {list(delta.shape)}")
    return base + weight * delta


# ------------------------------------------------------------------------------------------------------------- skinning


def skinned(primitive: Primitive, matrices: np.ndarray) -> Primitive:
    """Returns the primitive carried by its joints (section 3.7.3.3). matrices [J, 4, 4]: inverse bind, then the joint's
    place in the scene.
    """
    joints, weights = primitive.joints, primitive.weights
    if len(joints) and joints.max() >= len(matrices):
        raise Malformed(f"skin: expected joints below {len(matrices)}, got {joints.max()}")
    total = weights.sum(axis=1, keepdims=True)
    weights = np.where(total > 0, weights / np.where(total > 0, total, 1.0), np.eye(1, weights.shape[1]))
    blend = np.zeros((len(joints), 3, 4))
    for k in range(joints.shape[1]):
        blend += weights[:, k, None, None] * matrices[joints[:, k], :3]
    carried = lambda matrix, vectors: sum(matrix[:, :, axis] * vectors[:, axis, None] for axis in range(3))
    rows = [blend[:, row, :3] for row in range(3)]
    turned = np.stack([affine.cross(rows[(row + 1) % 3], rows[(row + 2) % 3]) for row in range(3)], axis=1)
    inside_out = (turned[:, 0] * rows[0]).sum(axis=1) < 0
    normals = None
    if primitive.normals is not None:
        normals = carried(turned, primitive.normals) * np.where(inside_out, -1.0, 1.0)[:, None]
    corners = inside_out[primitive.faces].sum(axis=1) >= 2
    return replace(
        primitive,
        positions=carried(blend, primitive.positions) + blend[:, :, 3],
        normals=normals,
        faces=np.where(corners[:, None], primitive.faces[:, ::-1], primitive.faces),
    )
