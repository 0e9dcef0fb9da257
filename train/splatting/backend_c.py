"""The C splatting kernel: compiled on first use into a per-user cache, called through ctypes on the tensors' memory.

No build at install time, no torch headers (30 s to compile; this takes one), and nothing to ship but `kernels.c`.
Without a compiler `load` says so and `train.splatting` uses plain torch.
"""

import ctypes
import functools
import hashlib
import importlib.util
import logging
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

SOURCE = Path(__file__).with_name("kernels.c")
TILE, MAX_CHANNELS = 8, 64  # as in kernels.c

# Not -ffast-math: linked into a library it sets flush-to-zero for the whole process (gcc 12).
FLAGS = ("-std=gnu11", "-O3", "-fPIC", "-shared", "-fno-math-errno", "-fno-trapping-math", "-Wno-psabi")
EXTRAS = (
    ("-march=native", "-fopenmp"),
    ("-fopenmp",),
    ("-march=native",),
    (),
)  # the first that compiles: not every compiler has both

SIZES = "batch views gaussians channels width height colors_per_view antialiased threads".split()
POINTERS = (
    "means quats scales opacities colors w2c intrinsics background splats order first starts cursors pairs members "
    "transmittance "
    "last image alpha grad_image grad_alpha rows grad_means grad_quats grad_scales grad_opacities grad_colors"
).split()

log = logging.getLogger(__name__)


class Job(ctypes.Structure):
    """`Job` of kernels.c: every member takes 8 bytes."""

    _fields_ = (
        [(name, ctypes.c_int64) for name in SIZES]
        + [("near", ctypes.c_double), ("eps2d", ctypes.c_double)]
        + [(name, ctypes.c_void_p) for name in POINTERS]
    )


# Building


@functools.cache
def load() -> tuple[ctypes.CDLL | None, str]:
    """Returns (kernel, where it is), or (None, why there is none). Compiles once a machine; several processes may do so
    at the same time.
    """
    try:
        compiler = _compiler()
        version = subprocess.run([*compiler, "--version"], capture_output=True, text=True, check=True).stdout
        key = hashlib.sha256(
            repr((SOURCE.read_bytes(), compiler, version, FLAGS, EXTRAS, _cpu())).encode()
        ).hexdigest()[:16]
        return _library(compiler, f"splat-{key}.so")
    except (OSError, subprocess.CalledProcessError) as error:
        log.warning("no C splatting kernel, plain torch instead: %s", error)
        return None, str(error)


def _compiler() -> list[str]:
    """$CC, else the first of cc, gcc and clang, else the one that the wheel `ziglang` brings."""
    names = [os.environ["CC"]] if os.environ.get("CC") else ["cc", "gcc", "clang"]
    for command in map(shlex.split, names):
        if command and shutil.which(command[0]):
            return command
    if not os.environ.get("CC") and importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc"]
    raise FileNotFoundError(f"no C compiler: tried {', '.join(names)}; pip install ziglang brings one")


def _cpu() -> str:
    """What -march=native depends on: a home folder may be shared by unlike machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    return (
        platform.machine()
        + platform.processor()
        + next((line for line in lines if line.startswith(("flags", "Features"))), "")
    )


def _library(compiler: list[str], name: str) -> tuple[ctypes.CDLL, str]:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "zeroverse-lab"
    path = cache / name
    if path.exists():
        return _open(path), str(path)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        workspace, reason = tempfile.TemporaryDirectory(dir=cache), str(path)
    except OSError as error:  # a cache that cannot be written costs a second a process, not the kernel
        workspace, reason = tempfile.TemporaryDirectory(), f"not cached: {error}"
        path = None
    with workspace as folder:
        built = _compile(compiler, Path(folder) / name)
        if path is None:
            return _open(built), reason
        os.replace(built, path)
    return _open(path), reason


def _compile(compiler: list[str], path: Path) -> Path:
    reason = ""
    for extra in EXTRAS:
        done = subprocess.run(
            [*compiler, *FLAGS, *extra, str(SOURCE), "-o", str(path), "-lm"], capture_output=True, text=True
        )
        try:
            if done.returncode == 0:
                _open(path)  # zig compiles OpenMP, but has no library to run it
                return path
            reason = done.stderr.strip()[:200]
        except OSError as error:
            reason = str(error)
    raise OSError(f"{shlex.join(compiler)} failed on {SOURCE.name}: {reason}")


def _open(path: Path) -> ctypes.CDLL:
    kernel = ctypes.CDLL(str(path))
    kernel.splat_project.restype = ctypes.c_int64
    return kernel


def describe() -> str:
    kernel, reason = load()
    return f"{'C kernel' if kernel else 'plain torch (slower)'}: {reason}"


# Calling


def refusal(tensors: list[Tensor]) -> str:
    """Returns why the kernel cannot render (means ... colors); "" if it can."""
    device, dtype, channels = tensors[0].device, tensors[0].dtype, tensors[-1].shape[-1]
    if device.type != "cpu" or dtype != torch.float32 or channels > MAX_CHANNELS:
        return (
            f"takes float32 on the CPU and at most {MAX_CHANNELS} channels, got {dtype} on {device}, {channels} "
            f"channels"
        )
    kernel, reason = load()
    return "" if kernel else f"is not available: {reason}"


def rasterize(
    means: Tensor,
    quats: Tensor,
    scales: Tensor,
    opacities: Tensor,
    colors: Tensor,
    w2c: Tensor,
    intrinsics: Tensor,
    background: Tensor,
    width: int,
    height: int,
    near: float,
    eps2d: float,
    antialiased: bool,
) -> tuple[Tensor, Tensor]:
    """Does `splatting.rasterize` with checked arguments, float32 on the CPU, at most MAX_CHANNELS channels."""
    numbers = {"width": width, "height": height, "near": near, "eps2d": eps2d, "antialiased": antialiased}
    return _Rasterize.apply(numbers, means, quats, scales, opacities, colors, w2c, intrinsics, background)


class _Rasterize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, numbers, *inputs):
        names = POINTERS[: len(inputs)]
        tensors = {name: x.detach().contiguous() for name, x in zip(names, inputs)}
        (B, N), V, D = tensors["opacities"].shape, tensors["w2c"].shape[1], tensors["colors"].shape[-1]
        width, height = numbers["width"], numbers["height"]
        numbers = numbers | {
            "batch": B,
            "views": V,
            "gaussians": N,
            "channels": D,
            "colors_per_view": tensors["colors"].ndim == 4,
        }
        images, tiles = B * V, B * V * -(-width // TILE) * -(-height // TILE)
        tensors |= {"splats": torch.empty(images * N, 8), "first": torch.empty(images * N + 1, dtype=torch.int64)}
        scratch = {
            "order": torch.empty(2, images * N, dtype=torch.int64),
            "cursors": torch.empty(tiles, dtype=torch.int64),
        }
        pairs = load()[0].splat_project(_job(numbers, tensors | scratch))

        tensors |= {
            "starts": torch.empty(tiles + 1, dtype=torch.int64),
            "members": torch.empty(pairs, dtype=torch.int64),
            "transmittance": torch.empty(tiles, TILE * TILE),
            "last": torch.empty(tiles, TILE * TILE, dtype=torch.int32),
        }
        scratch |= {"pairs": torch.empty(pairs, dtype=torch.int32)}
        outputs = {"image": torch.empty(B, V, D, height, width), "alpha": torch.empty(B, V, 1, height, width)}
        load()[0].splat_forward(_job(numbers, tensors | scratch | outputs))
        ctx.numbers, ctx.names = numbers, list(tensors)
        ctx.save_for_backward(*tensors.values())
        return outputs["image"], outputs["alpha"]

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_image, grad_alpha):
        tensors = dict(zip(ctx.names, ctx.saved_tensors))
        grads = {
            f"grad_{name}": torch.zeros_like(tensors[name])
            for name in ("means", "quats", "scales", "opacities", "colors")
        }
        scratch = {
            "grad_image": grad_image.contiguous(),
            "grad_alpha": grad_alpha.contiguous(),
            "rows": torch.empty(len(tensors["members"]), 6 + ctx.numbers["channels"]),
        }
        load()[0].splat_backward(_job(ctx.numbers, tensors | scratch | grads))
        return None, *grads.values(), None, None, None


def _job(numbers: dict, tensors: dict[str, Tensor]):
    return ctypes.byref(
        Job(threads=torch.get_num_threads(), **numbers, **{name: x.data_ptr() for name, x in tensors.items()})
    )
