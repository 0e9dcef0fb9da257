"""How kernels are compiled: one place for the options and their reasons. No kernel uses `fastmath`: it would tie pixels to the processor."""
import hashlib
from functools import cache
from pathlib import Path

from numba import njit

from zeroverse import portable

MODULES = ("deferred", "occlusion", "raster", "shading", "surface", "textures")  # whose kernels call one another


@cache
def _stamp() -> str:
    files = [Path(__file__).with_name(f"{name}.py") for name in MODULES] + [Path(portable.__file__)]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


def _compiled(**options):
    """njit with a disk cache that notices a change in any of MODULES.

    numba's own cache looks only at the file a kernel stands in, so a caller would go on drawing with the old code of what it calls.
    """
    def decorate(function):
        dispatcher = njit(cache=True, nogil=True, **options)(function)
        if hasattr(dispatcher, "_cache"):  # not when NUMBA_DISABLE_JIT is set
            dispatcher._cache._cache_file._source_stamp = _stamp()
        return dispatcher
    return decorate


kernel = _compiled()

# Kernels that allocate nothing. Without numba's reference counts, which it keeps even for views of arrays, `resolve` takes a third of the time.
pure = _compiled(_nrt=False)

# Their helpers. Called, each would be handed every array of a scene one word at a time (half of the time of `resolve` again).
inlined = _compiled(_nrt=False, forceinline=True)
