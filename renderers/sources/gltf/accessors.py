"""Accessors: typed views of buffers (section 3.6.2 of the glTF 2.0 specification): every component type, normalized,
interleaved, sparse, or zeros.
"""

import numpy as np

from renderers.sources import untrusted
from renderers.sources.gltf import compression
from renderers.sources.gltf.container import Document, Malformed, whole

COMPONENTS = {5120: np.int8, 5121: np.uint8, 5122: np.int16, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
SHAPES = {  # type -> columns, rows: only matrices have more than one column
    "SCALAR": (1, 1),
    "VEC2": (1, 2),
    "VEC3": (1, 3),
    "VEC4": (1, 4),
    "MAT2": (2, 2),
    "MAT3": (3, 3),
    "MAT4": (4, 4),
}


def raw(document: Document, index) -> np.ndarray:
    """Returns an accessor's elements [N, C] as they are stored; matrices column after column."""
    entry = document.item("accessors", index)
    name, count, (columns, rows), dtype = f"accessors[{index}]", whole(entry, "count"), *_kind(entry, index)
    if "bufferView" in entry:
        view = document.item("bufferViews", entry["bufferView"])
        stride = whole(view, "byteStride") if "byteStride" in view else None
        data = compression.view(document, entry["bufferView"])
        elements = _elements(data, whole(entry, "byteOffset", 0), count, columns, rows, dtype, stride, name)
    else:
        if count * columns * rows > untrusted.MAX_EMPTY:
            raise Malformed(f"an accessor without data: expected at most {untrusted.MAX_EMPTY} elements, got {count}")
        elements = np.zeros((count, columns * rows), dtype)
    return _replaced(document, entry, elements, columns, rows, name) if "sparse" in entry else elements


def values(document: Document, index, widths: tuple[int, ...], what: str) -> np.ndarray:
    """Returns an accessor's elements [N, C] as float64, normalized integers as fractions (section 3.11); C is one of
    `widths`.
    """
    elements = raw(document, index)
    entry = document.item("accessors", index)
    if elements.shape[1] not in widths:
        raise Malformed(f"{what}: expected {' or '.join(map(str, widths))} components, got {elements.shape[1]}")
    return fractions(elements, bool(entry.get("normalized", False)))


def fractions(elements: np.ndarray, normalized: bool) -> np.ndarray:
    """Returns float64: integers divided by the largest of their type if they are normalized, signed ones at least
    -1.
    """
    if not normalized or elements.dtype.kind == "f":
        return elements.astype(np.float64)
    return np.maximum(elements / float(np.iinfo(elements.dtype).max), -1.0)


def _kind(entry: dict, index) -> tuple[tuple[int, int], np.dtype]:
    component, shape = entry.get("componentType"), entry.get("type")
    if not isinstance(component, int | float) or component not in COMPONENTS:
        raise Malformed(f"accessors[{index}].componentType: expected one of 5120 to 5126, got {str(component)[:20]}")
    if not isinstance(shape, str) or shape not in SHAPES:
        raise Malformed(f"accessors[{index}].type: expected one of {', '.join(SHAPES)}, got {str(shape)[:20]}")
    return SHAPES[shape], np.dtype(COMPONENTS[component]).newbyteorder("<")


def _elements(data, start: int, count: int, columns: int, rows: int, dtype, stride: int | None, name: str):
    """Returns [N, C] from bytes; the columns of matrices begin at multiples of four bytes."""
    column = rows * dtype.itemsize
    pitch = column + (-column % 4 if columns > 1 else 0)
    size = pitch * (columns - 1) + column
    stride = size + (pitch - column) if stride is None else stride
    if count == 0:
        return np.zeros((0, columns * rows), dtype.newbyteorder("="))
    if stride < size:
        raise Malformed(f"{name}: byteStride: expected at least {size}, got {stride}")
    if start + (count - 1) * stride + size > len(data):
        raise Malformed(f"{name}: expected {len(data)} bytes at most, got {start + (count - 1) * stride + size}")
    flat = np.frombuffer(data, np.uint8, (count - 1) * stride + size, start)
    if stride == size and pitch == column:
        return flat.view(dtype).reshape(count, columns * rows).astype(dtype.newbyteorder("="))
    places = np.lib.stride_tricks.as_strided(flat, (count, columns, column), (stride, pitch, 1))
    return np.ascontiguousarray(places).view(dtype).reshape(count, columns * rows).astype(dtype.newbyteorder("="))


def _replaced(document: Document, entry: dict, elements: np.ndarray, columns: int, rows: int, name: str):
    """Returns the elements with those of the sparse part in their places."""
    sparse = document.object(entry["sparse"], f"{name}.sparse")
    count = whole(sparse, "count")
    places, new = (document.object(sparse.get(key), f"{name}.sparse.{key}") for key in ("indices", "values"))
    component = places.get("componentType")
    if component not in (5121, 5123, 5125):
        raise Malformed(f"{name}.sparse: indices: expected unsigned integers, got {str(component)[:20]}")
    if count > len(elements):
        raise Malformed(f"{name}.sparse: expected at most {len(elements)} elements, got {count}")
    kind = np.dtype(COMPONENTS[component]).newbyteorder("<")
    view = compression.view(document, places.get("bufferView"))
    index = _elements(view, whole(places, "byteOffset", 0), count, 1, 1, kind, None, f"{name}.sparse")[:, 0]
    if count and index.max() >= len(elements):
        raise Malformed(f"{name}.sparse: expected indices below {len(elements)}, got {index.max()}")
    view, start = compression.view(document, new.get("bufferView")), whole(new, "byteOffset", 0)
    elements = elements.copy()
    elements[index] = _elements(view, start, count, columns, rows, elements.dtype, None, f"{name}.sparse")
    return elements
