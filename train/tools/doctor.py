"""What works on this machine, measured: the text of `verse doctor`."""

import importlib
import importlib.metadata
import os
import platform
import shutil
import subprocess
import time

import joblib
import torch

import renderers
from renderers.cameras.rigs import turntable
from renderers.lighting import UNIFORM
from train import splatting, weights
from zeroverse import grammar

PACKAGES = ("numpy", "numba", "trimesh", "manifold3d", "torch", "webdataset", "joblib", "pyrender")
VIEWS = 8
SIZE = 256


def report() -> str:
    """Returns one line per fact; what does not work says what to install."""
    rows = [
        (
            "machine",
            f"{platform.system()} {platform.machine()}, {joblib.cpu_count()} cores, Python {platform.python_version()}",
        ),
        ("packages", ", ".join(f"{name} {_version(name)}" for name in PACKAGES)),
        ("compiler", _compiler()),
        ("gpu", _gpu()),
        ("splatting", splatting.describe()),
        ("released models", ", ".join(weights.names()) or "none"),
    ]
    asset = grammar.make(seed=0, index=0)
    rows += [(f"renderer {name}", _renderer(name, asset)) for name in renderers.BACKENDS]
    return "\n".join(f"{title:18s} {text}" for title, text in rows)


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _compiler() -> str:
    path = shutil.which(os.environ.get("CC", "cc"))
    if path is None:
        return "none: install gcc or clang for splatting that is several times faster"
    return subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout.split("\n")[0]


def _gpu() -> str:
    if not torch.cuda.is_available():
        return "none that torch can use"
    return ", ".join(
        f"{torch.cuda.get_device_name(i)} ({torch.cuda.get_device_properties(i).total_memory / 2**30:.0f} GiB)"
        for i in range(torch.cuda.device_count())
    )


def _renderer(name: str, asset) -> str:
    """What the backend runs on and how fast, the first, compiling, call left out; or what it lacks."""
    try:
        kind = renderers.BACKENDS[name]
        what = importlib.import_module(kind.__module__).describe()
        backend = kind()
        passes = [wanted for wanted in ("rgb", "alpha", "depth", "normal")]
        backend.render(asset, turntable(1, SIZE), UNIFORM, passes)
        began = time.perf_counter()
        backend.render(asset, turntable(VIEWS, SIZE), UNIFORM, passes)
        return (
            f"{what}; {VIEWS / (time.perf_counter() - began):.1f} views/s at {SIZE} px ({', '.join(passes)}), one "
            f"process"
        )
    except (ImportError, RuntimeError) as error:
        return f"not here: {error}"
