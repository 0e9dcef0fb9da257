"""Open Image Denoise on the CPU, through the library that the `oidn` package carries: few-sample path tracing -> clean
pictures.

The package itself fails at import for want of a libtbb that lies beside it, so its library is
called from here.
"""

import ctypes
import importlib.util
import os
from functools import cache
from pathlib import Path

import numpy as np

_CPU, _FLOAT3 = 1, 3  # OIDN_DEVICE_TYPE_CPU, OIDN_FORMAT_FLOAT3
_IMAGE = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int, *(ctypes.c_size_t,) * 5)


def describe() -> str:
    return "denoised by OIDN" if available() else "not denoised: pip install oidn==0.2.1"


def available() -> bool:
    return bool(_libraries())


def _libraries() -> list[Path]:
    """The package's shared objects in the order in which they must be loaded; none where it is not installed or has
    none for this system.
    """
    spec = importlib.util.find_spec("oidn")
    folders = [Path(folder, "lib.linux.x64") for folder in spec.submodule_search_locations] if spec else []
    return [
        path
        for folder in folders
        for name in ("libtbb.so*", "libOpenImageDenoise.so*")
        for path in sorted(folder.glob(name))
    ]


@cache
def _device():
    """(library, its device): one per process. Raises RuntimeError when the package is not installed."""
    if not _libraries():
        raise RuntimeError("denoise: expected the package oidn: pip install oidn==0.2.1")
    library = [ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL) for path in _libraries()][-1]
    for name, result, arguments in (
        ("NewDevice", ctypes.c_void_p, (ctypes.c_int,)),
        ("CommitDevice", None, (ctypes.c_void_p,)),
        ("SetDevice1i", None, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int)),
        ("SetDevice1b", None, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_bool)),
        ("GetDeviceError", ctypes.c_int, (ctypes.c_void_p, ctypes.POINTER(ctypes.c_char_p))),
        ("NewFilter", ctypes.c_void_p, (ctypes.c_void_p, ctypes.c_char_p)),
        ("SetSharedFilterImage", None, _IMAGE),
        ("SetFilter1b", None, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_bool)),
        ("CommitFilter", None, (ctypes.c_void_p,)),
        ("ExecuteFilter", None, (ctypes.c_void_p,)),
        ("ReleaseFilter", None, (ctypes.c_void_p,)),
    ):
        function = getattr(library, f"oidn{name}")
        function.restype, function.argtypes = result, arguments
    device = library.oidnNewDevice(_CPU)
    library.oidnSetDevice1i(
        device, b"numThreads", int(os.environ.get("OMP_NUM_THREADS", "0"))
    )  # 0: all; workers are processes with one
    library.oidnSetDevice1b(device, b"setAffinity", False)
    library.oidnCommitDevice(device)
    return library, device


def denoise(color: np.ndarray, albedo: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Returns linear radiance [H, W, 3], its noise removed. albedo 0..1 and unit normals [H, W, 3]: what the surface
    itself shows, free of noise.
    """
    library, device = _device()
    height, width = color.shape[:2]
    out = np.empty((height, width, 3), np.float32)
    images = {b"color": color, b"albedo": albedo, b"normal": normal, b"output": out}
    images = {
        name: np.ascontiguousarray(image, np.float32) for name, image in images.items()
    }  # held until the filter has run
    task = library.oidnNewFilter(device, b"RT")
    for name, image in images.items():
        library.oidnSetSharedFilterImage(task, name, image.ctypes.data, _FLOAT3, width, height, 0, 0, 0)
    library.oidnSetFilter1b(task, b"hdr", True)
    library.oidnCommitFilter(task)
    library.oidnExecuteFilter(task)
    library.oidnReleaseFilter(task)
    message = ctypes.c_char_p()
    if library.oidnGetDeviceError(device, ctypes.byref(message)):
        raise RuntimeError(f"denoise: {(message.value or b'').decode()}")
    return out
