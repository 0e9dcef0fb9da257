"""Assets x cameras x light -> passes. `load("cpu")` gives a backend; each is one module with a class `Renderer`.

A backend's contract: `Renderer().render(asset, cameras, light, passes) -> {name: array [V, H, W, C]}` with the
channels, dtype, unit and frame that `passes.PASSES` states. Work that does not depend on the view (mip-maps, occlusion,
shadow maps) happens once per call. A backend may also have `views`, which yields the same a view at a time, of several
(cameras, light) in turn: other image sizes, another light for each view. Who has no need of all at once asks `views` of
this module.
"""

import importlib

BACKENDS = (  # name, module with class Renderer, what it is for
    (
        "cpu",
        "renderers.backends.cpu",
        "own numba rasteriser, deferred PBR: the default, pip-only, same pixels on any x86-64 machine",
    ),
    ("gl", "renderers.backends.gl", "moderngl on EGL, for GPUs: the same shading model, occlusion and labels as cpu"),
    (
        "pyrender",
        "renderers.backends.pyrender",
        "OpenGL through pyrender: an independent check of depth, alpha and normals",
    ),
    ("mitsuba", "renderers.backends.mitsuba", "path-traced rgb, denoised; labels from cpu"),
)


def load(name: str):
    """The backend called `name`. Raises ValueError for an unknown name, RuntimeError saying what is missing when it
    cannot run here.
    """
    for row, module, _ in BACKENDS:
        if row == name:
            return importlib.import_module(module).Renderer()
    raise ValueError(f"renderer: expected one of {', '.join(row[0] for row in BACKENDS)}, got {name!r}")


def views(backend, asset, shots, passes):
    """Yield {name: array [H, W, C]} for each view of each of `shots`, pairs (cameras, light); the next view may
    overwrite it.

    Where the backend can, what does not depend on cameras and light is done once for all of them. Raises what `render`
    raises.
    """
    if hasattr(backend, "views"):
        yield from backend.views(asset, shots, passes)
        return
    for cameras, light in shots:
        images = backend.render(asset, cameras, light, passes)
        for view in range(len(cameras)):
            yield {name: image[view] for name, image in images.items()}
