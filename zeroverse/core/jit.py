"""How kernels are compiled and where the result is kept: one place for the options and their reasons.

No kernel uses `fastmath`: it would tie pixels to the processor. A compiled kernel is kept on disk under a key of
everything it comes from: the source files of the kernels that it calls, theirs, and the constants that they read.
numba's own cache looks only at the file a kernel stands in: after an update a caller would go on with the old code of
what it calls, and one seed would give two pictures. The key is computed when a kernel is first called, so that an
import costs nothing, and it knows no path and no date, so that every copy of the same code shares its kernels.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import CodeType, ModuleType

import numpy as np
from numba import njit
from numba.core.caching import CompileResultCacheImpl, FunctionCache, NullCache, _CacheLocator
from numba.core.dispatcher import Dispatcher


def kernels_folder() -> Path:
    """Returns the folder of compiled kernels: NUMBA_CACHE_DIR, or one in the user's cache, or where that cannot be
    written, among temporary files.
    """
    if given := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(given)
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    if not os.access(base if base.exists() else base.parent, os.W_OK):
        base = Path(tempfile.gettempdir())
    return base / "verse" / "kernels"


def kernel_key(function: Callable) -> str:
    """Returns a hash of all that the code compiled from `function` depends on: files of kernels, and values of
    constants.
    """
    digest = hashlib.sha256()
    for one in _reachable(function):
        digest.update(_file_digest(one.__code__.co_filename))
        digest.update(f"{one.__module__}.{one.__qualname__}".encode())  # numba's file names the module
        for name, value in _globals_of(one):
            if isinstance(value, np.ndarray):
                digest.update(name.encode() + str(value.dtype).encode() + value.tobytes())
            elif isinstance(value, (bool, int, float, str, tuple, np.generic)):
                digest.update(f"{name}={value!r}".encode())
    return digest.hexdigest()[:24]


def _reachable(function: Callable) -> list[Callable]:
    """Returns the function and every kernel that it calls, directly or not."""
    found, waiting = [], [function]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.append(one)
            waiting += [value.py_func for _, value in _globals_of(one) if isinstance(value, Dispatcher)]
    return found


def _globals_of(function: Callable) -> Iterator[tuple[str, object]]:
    """Returns what the function reads from outside: globals, attributes of modules, and variables of an enclosing
    function.
    """
    names = sorted(_names(function.__code__))
    for name in names:
        value = function.__globals__.get(name)
        if isinstance(value, ModuleType):
            yield from ((other, vars(value)[other]) for other in names if other in vars(value))
        elif value is not None:
            yield name, value
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        yield name, cell.cell_contents


def _names(code: CodeType) -> set[str]:
    return set(code.co_names).union(*(_names(inner) for inner in code.co_consts if isinstance(inner, CodeType)))


@cache
def _file_digest(path: str) -> bytes:
    return hashlib.sha256(Path(path).read_bytes()).digest()


class _Locator(_CacheLocator):
    """Where numba keeps one kernel: a folder named by its key."""

    def __init__(self, function: Callable):
        self._key = kernel_key(function)

    def get_cache_path(self) -> str:
        return str(kernels_folder() / self._key[:2])

    def get_source_stamp(self) -> str:
        return self._key

    def get_disambiguator(self) -> str:
        return self._key

    @classmethod
    def from_function(cls, function: Callable, file: str):
        locator = cls(function)
        try:
            locator.ensure_cache_path()
        except OSError:
            return None
        return locator


class _Files(CompileResultCacheImpl):
    _locator_classes = [_Locator]


class _Kept(FunctionCache):
    _impl_class = _Files


class _KeptLater(NullCache):
    """A kernel's cache that is opened when the kernel is first compiled; where nothing can be written, there is
    none.
    """

    def __init__(self, function: Callable):
        self._function = function
        self._opened: FunctionCache | NullCache | None = None

    def _open(self):
        if self._opened is None:
            try:
                self._opened = _Kept(self._function)
            except (RuntimeError, OSError):  # a folder that cannot be written; a frozen application without sources
                self._opened = NullCache()
        return self._opened

    def load_overload(self, sig, target_context):
        return self._open().load_overload(sig, target_context)

    def save_overload(self, sig, cres):
        self._open().save_overload(sig, cres)


def _kept(**options) -> Callable[[Callable], Dispatcher]:
    def decorate(function: Callable) -> Dispatcher:
        dispatcher = njit(**options)(function)
        dispatcher._cache = _KeptLater(function)
        return dispatcher

    return decorate


kernel = _kept(nogil=True)

# Kernels that allocate nothing. Without numba's reference counts, which it keeps even for views of arrays, `resolve`
# takes a third of the time. And x / 0 is an infinity in them, not an exception, for which every division would have to
# ask.
pure = _kept(nogil=True, _nrt=False, error_model="numpy")

# Their helpers. Called, each would be handed every array of a scene one word at a time (half of the time of `resolve`
# again).
inlined = _kept(nogil=True, _nrt=False, error_model="numpy", forceinline=True)

# Helpers that numba puts into their callers before it types them: for arguments whose type differs from caller to
# caller.
spliced = _kept(nogil=True, inline="always")
