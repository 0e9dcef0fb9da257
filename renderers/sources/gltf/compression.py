"""Compressed geometry, through wheels that are extras: KHR_draco_mesh_compression by DracoPy, EXT_meshopt_compression
and KHR_meshopt_compression by meshoptimizer.
"""

import numpy as np

from renderers.sources.gltf.container import Document, Malformed, whole
from zeroverse.asset import AssetError

DRACO, MESHOPT = "KHR_draco_mesh_compression", ("EXT_meshopt_compression", "KHR_meshopt_compression")
MAX_BYTES = 2**31  # of what one view or mesh unpacks to
FILTERS = {"OCTAHEDRAL": "decode_filter_oct", "QUATERNION": "decode_filter_quat", "EXPONENTIAL": "decode_filter_exp"}


def _wheel(document: Document, extension: str, module: str, extra: str):
    try:
        return __import__(module)
    except ImportError as error:
        raise AssetError(
            f"{document.path}: {extension} is read with {module}, which is not installed: pip install "
            f"'zeroverse-lab[{extra}]'"
        ) from error


def view(document: Document, index) -> memoryview:
    """Returns the bytes of a buffer view, unpacked where meshopt has compressed them."""
    entry = document.item("bufferViews", index)
    if index not in document.unpacked:
        unpacked = _unpacked(document, entry)
        if unpacked is None:
            return document.span(entry, f"bufferViews[{index}]")
        document.unpacked[index] = unpacked
    return document.unpacked[index]


def _unpacked(document: Document, entry: dict) -> memoryview | None:
    name = next((name for name in MESHOPT if document.extension(entry, name) is not None), None)
    if name is None:
        return None
    packed = document.extension(entry, name)
    fallback = document.item("buffers", entry.get("buffer"))
    if name not in document.all("extensionsRequired") and "uri" in fallback:
        return None  # the same bytes are there uncompressed
    meshopt = _wheel(document, name, "meshoptimizer", "meshopt")
    data, count, stride = document.span(packed, name), whole(packed, "count"), whole(packed, "byteStride")
    mode, kind = packed.get("mode"), packed.get("filter", "NONE")
    if count * stride > MAX_BYTES or not 0 < stride <= 256:
        raise Malformed(f"{name}: expected at most {MAX_BYTES} bytes, got {count} elements of {stride}")
    if kind != "NONE" and kind not in FILTERS:
        raise AssetError(f"{document.path}: {name}: the filter {str(kind)[:20]} is not read")
    try:
        if mode == "ATTRIBUTES":
            unpacked = meshopt.decode_vertex_buffer(count, stride, bytes(data), np.dtype((np.void, stride)))
            unpacked = np.frombuffer(unpacked.tobytes(), np.uint8)
            if kind != "NONE":
                unpacked = getattr(meshopt, FILTERS[kind])(unpacked, count, stride)
        elif mode in ("TRIANGLES", "INDICES") and stride in (2, 4):
            read = meshopt.decode_index_buffer if mode == "TRIANGLES" else meshopt.decode_index_sequence
            unpacked = np.asarray(read(count, 4, bytes(data))).astype(np.uint16 if stride == 2 else np.uint32)
        else:
            raise Malformed(f"{name}: mode {str(mode)[:20]} with elements of {stride} bytes")
    except RuntimeError as error:
        raise Malformed(f"{name}: {error}") from error
    return memoryview(np.ascontiguousarray(unpacked).tobytes())


def unpacked_mesh(document: Document, primitive: dict) -> tuple[dict[str, np.ndarray], np.ndarray] | None:
    """Returns (attributes {name: [N, C]} as stored, indices [K]) of a primitive that Draco has compressed, None for
    one that it has not.
    """
    packed = document.extension(primitive, DRACO)
    if packed is None:
        return None
    named = document.object(primitive.get("attributes"), "attributes")
    if DRACO not in document.all("extensionsRequired"):
        stored = document.item("accessors", named.get("POSITION"))
        if "bufferView" in stored:
            return None  # the same mesh is there uncompressed
    draco = _wheel(document, DRACO, "DracoPy", "draco")
    data = view(document, packed.get("bufferView"))
    try:
        mesh = draco.decode(bytes(data))
        found = {entry["unique_id"]: entry["data"] for entry in mesh.attributes}
        indices = np.asarray(mesh.faces, np.int64).reshape(-1)
    except Exception as error:  # DracoPy raises whatever the bytes provoke
        raise Malformed(f"{DRACO}: {type(error).__name__}: {error}") from error
    attributes = {}
    for name, number in document.object(packed.get("attributes"), DRACO).items():
        if not isinstance(number, int) or number not in found or name not in named:
            raise Malformed(f"{DRACO}: there is no attribute {str(number)[:20]} for {name[:40]}")
        attributes[name] = np.asarray(found[number]).reshape(len(found[number]), -1)
    return attributes, indices
