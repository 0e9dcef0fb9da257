"""Assets x cameras x light -> passes. `load("cpu")` gives a backend, a `renderers.backends.Backend`; each is one module
and a row in `renderers.tables.BACKENDS`.
"""

from renderers.tables import BACKENDS

__all__ = ["BACKENDS", "load"]


def load(name: str):
    """Returns the `Backend` called `name`. Raises ValueError for an unknown name, RuntimeError saying what is missing
    when it cannot run here.
    """
    if name not in BACKENDS:
        raise ValueError(f"renderer: expected one of {', '.join(BACKENDS)}, got {name!r}")
    return BACKENDS[name]()
