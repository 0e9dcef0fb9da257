"""Gaussians in the `.ply` layout of 3DGS (Kerbl et al. 2023), which every splat viewer opens.

One float32 row a Gaussian: x y z, nx ny nz (zeros), f_dc_0..2, f_rest_* (channel by channel), opacity as a logit,
scale_0..2 as logarithms, rot_0..3 as wxyz. The world frame is written as it is, +Z up.
"""

import os
from pathlib import Path

import numpy as np
import torch

from train.splatting import Gaussians
from zeroverse.core.files import write_whole

LOGIT_EPS = 1e-7  # opacities 0 and 1 would be infinite logits
SCALE_MIN = 1e-12
TYPES = {
    "char": "i1",
    "uchar": "u1",
    "short": "<i2",
    "ushort": "<u2",
    "int": "<i4",
    "uint": "<u4",
    "float": "<f4",
    "double": "<f8",
    "int8": "i1",
    "uint8": "u1",
    "int16": "<i2",
    "uint16": "<u2",
    "int32": "<i4",
    "uint32": "<u4",
    "float32": "<f4",
    "float64": "<f8",
}


def property_names(coefficients: int) -> list[str]:
    """Returns the columns in file order, for K coefficients a channel."""
    rest = [f"f_rest_{i}" for i in range(3 * (coefficients - 1))]
    return [
        "x",
        "y",
        "z",
        "nx",
        "ny",
        "nz",
        "f_dc_0",
        "f_dc_1",
        "f_dc_2",
        *rest,
        "opacity",
        *(f"scale_{i}" for i in range(3)),
        *(f"rot_{i}" for i in range(4)),
    ]


def save_ply(gaussians: Gaussians, path: str | os.PathLike, min_opacity: float = 0.0) -> int:
    """Writes Gaussians [N] whose opacity is at least `min_opacity`, and returns how many. The file appears whole or not
    at all."""
    if gaussians.opacities.ndim != 1:
        raise ValueError(
            f"gaussians: expected fields [N, ...], got opacities {list(gaussians.opacities.shape)}; choose one of the "
            f"batch"
        )
    kept = gaussians.map(
        lambda x: x.detach().to("cpu", torch.float64)[gaussians.opacities.detach().cpu() >= min_opacity]
    )
    opacities = kept.opacities.clamp(LOGIT_EPS, 1 - LOGIT_EPS)
    columns = [
        kept.means,
        torch.zeros_like(kept.means),
        kept.sh[:, 0],
        kept.sh[:, 1:].transpose(1, 2).flatten(1),
        opacities.logit()[:, None],
        kept.scales.clamp_min(SCALE_MIN).log(),
        kept.quats,
    ]
    table = torch.cat(columns, dim=1).numpy().astype("<f4")  # [N, P]
    properties = "".join(f"property float {name}\n" for name in property_names(kept.sh.shape[1]))
    header = f"ply\nformat binary_little_endian 1.0\nelement vertex {len(table)}\n{properties}end_header\n"
    write_whole(Path(path), header.encode("ascii") + table.tobytes())
    return len(table)


def load_ply(path: str | os.PathLike) -> Gaussians:
    """Returns Gaussians [N], float32 on the CPU. Columns may come in any order. Raises ValueError naming the file and
    what is wrong with it.
    """
    with open(path, "rb") as file:
        count, dtype = _read_header(file, path)
        data = file.read(count * dtype.itemsize)
    if len(data) < count * dtype.itemsize:
        raise ValueError(
            f"{path}: expected {count} vertices of {dtype.itemsize} bytes, the file ends after {len(data)} bytes"
        )
    table = np.frombuffer(data, dtype=dtype, count=count)
    rest = sum(name.startswith("f_rest_") for name in dtype.names)
    if rest not in (0, 9, 24, 45):
        raise ValueError(f"{path}: f_rest_*: expected 0, 9, 24 or 45 properties, got {rest}")

    def columns(*names: str) -> torch.Tensor:  # [N, len(names)]
        return torch.from_numpy(np.stack([table[name].astype(np.float32) for name in names], axis=1))

    missing = [
        name for name in property_names(rest // 3 + 1) if name not in dtype.names and name not in ("nx", "ny", "nz")
    ]
    if missing:
        raise ValueError(f"{path}: missing property {', '.join(missing)}")
    sh = columns("f_dc_0", "f_dc_1", "f_dc_2")[:, None]
    if rest:
        sh = torch.cat(
            [sh, columns(*(f"f_rest_{i}" for i in range(rest))).reshape(count, 3, rest // 3).transpose(1, 2)], dim=1
        )
    return Gaussians(
        means=columns("x", "y", "z"),
        quats=columns(*(f"rot_{i}" for i in range(4))),
        scales=columns(*(f"scale_{i}" for i in range(3))).exp(),
        opacities=columns("opacity")[:, 0].sigmoid(),
        sh=sh,
    )


def _read_header(file, path) -> tuple[int, np.dtype]:
    """(number of vertices, row type) of an open file, left at the first row."""
    if file.readline().strip() != b"ply":
        raise ValueError(f"{path}: not a ply file")
    count, properties, element = None, [], None
    while (words := file.readline().decode("ascii", "replace").split()) != ["end_header"]:
        if not words:
            raise ValueError(f"{path}: the header has no end_header")
        if words[0] == "format" and words[1:] != ["binary_little_endian", "1.0"]:
            raise ValueError(f"{path}: format: expected binary_little_endian 1.0, got {' '.join(words[1:])}")
        if words[0] == "element":
            element = words[1]
            if count is None and element != "vertex":
                raise ValueError(f"{path}: element: expected vertex first, got {element}")
            count = int(words[2]) if element == "vertex" else count
        if words[0] == "property" and element == "vertex":
            if words[1] not in TYPES:
                raise ValueError(f"{path}: property {words[-1]}: expected a number type, got {words[1]}")
            properties.append((words[2], TYPES[words[1]]))
    if count is None:
        raise ValueError(f"{path}: no element vertex")
    return count, np.dtype(properties)
