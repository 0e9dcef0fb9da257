"""The scene of a glTF file (sections 3.5 and 3.7.3 of the specification): nodes of any kind, where they stand, and the
parts of the object that they place.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import trimesh

from renderers.sources.gltf import accessors, meshes
from renderers.sources.gltf.container import Document, Malformed, numbers
from renderers.sources.gltf.materials import Materials, Notes, Place, main
from renderers.sources.gltf.meshes import Primitive
from zeroverse.core import affine
from zeroverse.material import FileMaterial, uv_of

INSTANCING, VISIBILITY = "EXT_mesh_gpu_instancing", "KHR_node_visibility"
READ = (INSTANCING, VISIBILITY, "KHR_mesh_quantization")
MAX_VERTICES = 2**25  # of all parts together: some hundred bytes of JSON can ask for any number of copies
MAX_INSTANCES = 2**16  # of one node
MAX_VISITS = 2**12  # of nodes beyond four for each that there is: a node with several parents is drawn for each
UNCOLOURED = {"metallicFactor": 0.0, "roughnessFactor": 0.8}  # of a part with colours but without material


class Placed(NamedTuple):
    """A node with a mesh, in the order in which parts are listed: by mesh, then by name."""

    mesh: int
    name: str
    node: int
    matrix: np.ndarray  # [4, 4] to the scene


def parts_of(document: Document, materials: Materials, notes: Notes) -> Iterator[tuple[str, trimesh.Trimesh]]:
    """Yields (name, mesh) of each primitive of each instance of each mesh in the scene, +Y up, in world coordinates."""
    worlds, known, taken, vertices = _Worlds(document), {}, set(), 0
    for mesh, group in _grouped(sorted(_placed(document), key=lambda placed: placed[:3])):
        primitives = meshes.primitives_of(document, mesh, notes)
        for number, primitive in primitives:
            for placed in group:
                node = document.item("nodes", placed.node)
                shaped = meshes.morphed(document, primitive, meshes.default_weights(document, node, mesh))
                copies = list(_copies(document, node, placed, shaped, worlds))
                vertices += len(copies) * len(primitive.positions)
                if vertices > MAX_VERTICES:
                    raise Malformed(f"expected at most {MAX_VERTICES} vertices, got {vertices}")
                for copy, carried in enumerate(copies):
                    name = placed.name + (f"_{number}" if len(primitives) > 1 else "")
                    name = trimesh.util.unique_name(name + (f"_{copy}" if len(copies) > 1 else ""), taken, known)
                    taken.add(name)
                    if len(carried.faces):
                        yield name, _mesh(carried, materials, notes)


def _grouped(placed: list[Placed]) -> Iterator[tuple[int, list[Placed]]]:
    groups: dict[int, list[Placed]] = {}
    for one in placed:
        groups.setdefault(one.mesh, []).append(one)
    return iter(groups.items())


# ---------------------------------------------------------------------------------------------------------------- nodes


def _placed(document: Document) -> Iterator[Placed]:
    """Yields the nodes of the scene that have a mesh."""
    nodes, names = document.all("nodes"), _names(document)
    visits, stack = 0, [(index, None, 1) for index in _roots(document)]
    while stack:
        index, matrix, depth = stack.pop()
        node = document.item("nodes", index)
        visits += 1
        if depth > len(nodes) or visits > MAX_VISITS + 4 * len(nodes):
            raise Malformed("nodes: expected a tree, got a node that is below itself or below very many others")
        if (document.extension(node, VISIBILITY) or {}).get("visible", True) is False:
            continue
        matrix = _product(matrix, local(document, node))
        if "mesh" in node:
            document.item("meshes", node["mesh"])
            yield Placed(node["mesh"], names[index], index, matrix)
        stack += [(child, matrix, depth + 1) for child in _children(document, node)]


def _roots(document: Document) -> list:
    """Returns the nodes at the top of the scene that the file names, else of the first, else of all nodes."""
    if document.all("scenes"):
        scene = document.item("scenes", document.json.get("scene", 0))
        return document.array(scene.get("nodes", []), "scene.nodes")
    nodes = range(len(document.all("nodes")))
    below = {child for index in nodes for child in _children(document, document.item("nodes", index))}
    return [index for index in nodes if index not in below]


def _children(document: Document, node: dict) -> list[int]:
    children = document.array(node.get("children", []), "children")
    for child in children:
        document.item("nodes", child)
    return children


def _names(document: Document) -> list[str]:
    """Returns the nodes' names, each made unique; the number of a node that has none."""
    names, counts = {}, {}
    for index, node in enumerate(document.all("nodes")):
        name = node.get("name") if isinstance(node, dict) else None
        names[trimesh.util.unique_name(name if isinstance(name, str) else str(index), names, counts)] = index
    return list(names)


def local(document: Document, node: dict) -> np.ndarray:
    """Returns the map [4, 4] from a node to its parent: its matrix, else translation, rotation, scale."""
    if "matrix" in node:
        return np.array(numbers(node["matrix"], 16, "matrix")).reshape(4, 4).T
    return trs(
        np.array(numbers(node.get("translation", [0.0] * 3), 3, "translation")),
        np.array(numbers(node.get("rotation", [0.0, 0.0, 0.0, 1.0]), 4, "rotation")),
        np.array(numbers(node.get("scale", [1.0] * 3), 3, "scale")),
    )


def trs(translation, rotation, scale) -> np.ndarray:
    """Returns [4, 4]; rotation is xyzw, of any length but zero."""
    x, y, z, w = rotation
    matrix = np.eye(4)
    if x or y or z:
        matrix[:3, :3] = affine.rotation_matrix((w, x, y, z))
    matrix[:3, :3] *= scale
    matrix[:3, 3] = translation
    return matrix


def _product(a: np.ndarray | None, b: np.ndarray) -> np.ndarray:
    """Returns a @ b of [4, 4] in a fixed order of sums; None stands for the identity."""
    if a is None:
        return b
    return a[:, :1] * b[0] + a[:, 1:2] * b[1] + a[:, 2:3] * b[2] + a[:, 3:] * b[3]


class _Worlds:
    """Where nodes stand in the scene, whether or not they are in the one that is drawn: joints need not be."""

    def __init__(self, document: Document):
        self._document, self._known = document, {}
        self._parents: dict[int, int] | None = None

    def get(self, index) -> np.ndarray:
        document, chain = self._document, []
        if self._parents is None:
            nodes = range(len(document.all("nodes")))
            self._parents = {
                child: node for node in nodes for child in _children(document, document.item("nodes", node))
            }
        while index is not None and index not in self._known:
            chain.append(index)
            if len(chain) > len(document.all("nodes")):
                raise Malformed("nodes: expected a tree, got a node that is below itself")
            index = self._parents.get(index)
        matrix = None if index is None else self._known[index]
        for node in reversed(chain):
            matrix = self._known[node] = _product(matrix, local(document, document.item("nodes", node)))
        return matrix

    def joints(self, skin) -> np.ndarray:
        """Returns [J, 4, 4] of a skin: the inverse bind matrix, then the joint's place."""
        entry = self._document.item("skins", skin)
        joints = self._document.array(entry.get("joints", []), "joints")
        binds = [np.eye(4)] * len(joints)
        if "inverseBindMatrices" in entry:
            stored = accessors.values(self._document, entry["inverseBindMatrices"], (16,), "inverseBindMatrices")
            if len(stored) < len(joints):
                raise Malformed(f"inverseBindMatrices: expected {len(joints)}, got {len(stored)}")
            binds = list(stored.reshape(-1, 4, 4).transpose(0, 2, 1))
        for joint in joints:
            self._document.item("nodes", joint)
        return np.array([_product(self.get(joint), bind) for joint, bind in zip(joints, binds)]).reshape(-1, 4, 4)


def _copies(document: Document, node: dict, placed: Placed, primitive: Primitive, worlds: _Worlds):
    """Yields the primitive where it stands in the scene, once for each instance."""
    if "skin" in node and primitive.joints is not None:
        yield meshes.skinned(primitive, worlds.joints(node["skin"]))  # the node's own place does not count
        return
    for matrix in _instances(document, node, placed.matrix):
        yield carried(primitive, matrix)


def _instances(document: Document, node: dict, matrix: np.ndarray) -> list[np.ndarray]:
    entry = document.extension(node, INSTANCING)
    if entry is None:
        return [matrix]
    attributes = document.object(entry.get("attributes", {}), INSTANCING)
    rows = {
        key: accessors.values(document, attributes[key], (width,), key)
        for key, width in (("TRANSLATION", 3), ("ROTATION", 4), ("SCALE", 3))
        if key in attributes
    }
    count = max(map(len, rows.values()), default=0)
    if not rows or min(map(len, rows.values())) != count:
        raise Malformed(f"{INSTANCING}: expected as many of each attribute, got {[len(row) for row in rows.values()]}")
    if count > MAX_INSTANCES:
        raise Malformed(f"{INSTANCING}: expected at most {MAX_INSTANCES} instances, got {count}")
    whole = {"TRANSLATION": np.zeros(3), "ROTATION": np.array([0.0, 0.0, 0.0, 1.0]), "SCALE": np.ones(3)}
    rows = {key: rows.get(key, np.broadcast_to(value, (count, len(value)))) for key, value in whole.items()}
    return [_product(matrix, trs(*(rows[key][i] for key in whole))) for i in range(count)]


def carried(primitive: Primitive, matrix: np.ndarray) -> Primitive:
    """Returns the primitive under an affine map [4, 4]: its winding flipped where the map mirrors (3.7.4)."""
    cofactors = affine.cofactor(matrix[:3, :3])
    mirrors = float((matrix[0, :3] * cofactors[0]).sum()) < 0
    normals = primitive.normals
    if normals is not None:
        normals = affine.apply(-cofactors if mirrors else cofactors, normals)
        length = np.sqrt((normals * normals).sum(axis=1, keepdims=True))
        normals = normals / np.where(length > 0, length, 1)
    return replace(
        primitive,
        positions=affine.apply(matrix[:3, :3], primitive.positions, matrix[:3, 3]),
        normals=normals,
        faces=primitive.faces[:, ::-1] if mirrors else primitive.faces,
    )


# ---------------------------------------------------------------------------------------------------------------- looks


def _mesh(primitive: Primitive, materials: Materials, notes: Notes) -> trimesh.Trimesh:
    return trimesh.Trimesh(
        primitive.positions,
        primitive.faces,
        vertex_normals=primitive.normals,
        visual=_visual(primitive, materials, notes),
        process=False,
    )


def _visual(primitive: Primitive, materials: Materials, notes: Notes):
    if primitive.material is None and primitive.colors is None:
        return None
    if primitive.material is None:
        material, places = FileMaterial(**UNCOLOURED), {}
    else:
        material, places = materials.get(primitive.material)
    visual = trimesh.visual.TextureVisuals(uv=_coordinates(primitive, main(places)), material=material)
    if visual.uv is None and places:
        notes.without_coordinates.update(places)
    for name in material.own_uvs:
        if visual.uv is not None:
            own = _coordinates(primitive, places[name])
            if own is None:
                notes.without_coordinates.add(name)
            visual.vertex_attributes[uv_of(name)] = np.zeros_like(visual.uv) if own is None else own
    if primitive.colors is not None:
        visual.vertex_attributes["color"] = np.clip(primitive.colors, 0.0, 1.0)
    return visual


def _coordinates(primitive: Primitive, place: Place) -> np.ndarray | None:
    """Returns [N, 2], v up, or None where the primitive lacks that set."""
    if place.set not in primitive.uvs:
        return None
    uv = place.applied(primitive.uvs[place.set]).copy()
    uv[:, 1] = 1.0 - uv[:, 1]
    return uv.astype(np.float64)
