"""Procedural objects after LRM-Zero: primitives, height fields, boolean cuts, wireframes, solid textures. No GL, no torch."""
import hashlib
import os
import tempfile
from pathlib import Path


def _kernel_cache() -> str:
    """A folder for numba's compiled kernels, named by the sources of all of them.

    numba's own cache looks only at the file a kernel stands in: after an update a caller would go on with the old code of what it calls,
    and one seed would give two pictures. Also, an install may be read-only.
    """
    root = Path(__file__).parent.parent
    paths = sorted(path for package in ("zeroverse", "detailverse", "renderers") for path in (root / package).rglob("*.py"))
    kernels = [source for source in (path.read_bytes() for path in paths) if b"jit" in source]
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    if not os.access(base if base.exists() else base.parent, os.W_OK):
        base = Path(tempfile.gettempdir())
    return str(base / "verse" / f"kernels-{hashlib.sha256(b''.join(kernels)).hexdigest()[:16]}")


os.environ.setdefault("NUMBA_CACHE_DIR", _kernel_cache())  # numba reads it when it is first imported
