"""The tables of this package: what there is of each kind, a row each. The command line and the tests read them.

A row says where its thing stands, and the table imports it when somebody asks for it. So a list of names costs nothing,
and `verse … --help` shows it without importing numpy. Who adds a rig writes a function and one row here, no more.
"""

import importlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple


class Row(NamedTuple):
    """One thing of a table: its name, where it stands (`module:attribute`), and what it is, in words."""

    name: str
    place: str
    meaning: str


class Table(Mapping):
    """The things of one kind, by name, in the order of the rows. `kind` is what messages call them."""

    def __init__(self, kind: str, *rows: Row):
        self.kind, self.rows = kind, list(rows)

    def __getitem__(self, name: str):
        """Returns the thing called `name`, imported now if it was not yet. Raises KeyError for an unknown name."""
        place = next((row.place for row in self.rows if row.name == name), None)
        if place is None:
            raise KeyError(f"{self.kind}: expected one of {', '.join(self)}, got {name!r}")
        module, attribute = place.split(":")
        return getattr(importlib.import_module(module), attribute)

    def __iter__(self) -> Iterator[str]:
        return iter([row.name for row in self.rows])

    def __len__(self) -> int:
        return len(self.rows)

    def __contains__(self, name) -> bool:
        return any(row.name == name for row in self.rows)


BACKENDS = Table(
    "renderer",
    Row(
        "cpu",
        "renderers.backends.cpu:Renderer",
        "own numba rasteriser, deferred PBR: the default, pip-only, same pixels on any x86-64 machine",
    ),
    Row(
        "gl",
        "renderers.backends.gl:Renderer",
        "moderngl on EGL, for GPUs: the same shading model, occlusion and labels as cpu",
    ),
    Row(
        "pyrender",
        "renderers.backends.pyrender:Renderer",
        "OpenGL through pyrender: an independent check of depth, alpha and normals",
    ),
    Row("mitsuba", "renderers.backends.mitsuba:Renderer", "path-traced rgb, denoised; labels from cpu"),
)

RIGS = Table(  # functions (rng, RenderSpec, points) -> Cameras; points() are those of the object's convex hull, [N, 3]
    "rig",
    Row("sphere", "renderers.cameras.rigs:sphere_rig", "the published training shell"),
    Row("gso-64", "renderers.cameras.rigs:gso64_rig", "the published evaluation rig, 64 views"),
    Row("turntable", "renderers.cameras.rigs:turntable_rig", "views all around, at one elevation"),
    Row("zero123", "renderers.cameras.rigs:zero123_rig", "Zero-1-to-3's random views, whole sphere"),
    Row("orbit", "renderers.cameras.rigs:orbit_rig", "random lens, look-at point, roll and principal point"),
)

LIGHTS = Table(  # renderers.lighting.Light, or Sampled for what is another one for every object
    "light",
    Row("uniform", "renderers.lighting:UNIFORM", "white from everywhere: colour = albedo x occlusion, as LRM-Zero"),
    Row("studio", "renderers.lighting:STUDIO", "three lights with shadows"),
    Row("softbox", "renderers.lighting:SOFTBOX", "three lights with soft shadows, and panels that metal mirrors"),
    Row("environment", "renderers.lighting:ENVIRONMENT", "a file of --hdri"),
    Row("sky", "renderers.lighting:SKY", "a sky, clear to overcast"),
    Row("random", "renderers.lighting:RANDOM", "each object one of these"),
)

SOURCES = Table(  # classes that are a renderers.sources.Source
    "source",
    Row("zeroverse", "renderers.sources.procedural:Zeroverse", "procedural objects after LRM-Zero"),
    Row("detailverse", "renderers.sources.procedural:Detailverse", "detailed objects after DetailVerse"),
    Row("files", "renderers.sources.files:Files", "existing GLB, glTF and OBJ files"),
    Row("objaverse", "renderers.sources.objaverse:Objaverse", "objects of Objaverse 1.0, by list and licence"),
)

FORMATS = Table(  # renderers.formats.Format
    "format",
    Row("transforms", "renderers.formats.transforms:FORMAT", "nerfstudio and instant-ngp"),
    Row("blender", "renderers.formats.blender:FORMAT", "NeRF-synthetic with a seeded split"),
    Row("colmap", "renderers.formats.colmap:FORMAT", "text model with points from exact depth, for 3DGS"),
    Row("opencv", "renderers.formats.opencv:FORMAT", "opencv_cameras.json, a list as LaCT reads it"),
    Row("facelift", "renderers.formats.opencv:FORMAT_FRAMES", "the same, a dict with frames"),
    Row("zero123", "renderers.formats.zero123:FORMAT", "Zero-1-to-3"),
    Row("glb", "renderers.formats.glb:FORMAT", "meshes (of shards made with --meshes)"),
)

ENGINES = Table(  # functions (workers, address) -> a context with a renderers.farm.engines.Pool
    "engine",
    Row("loky", "renderers.farm.engines:loky", "processes of this machine"),
    Row("dask", "renderers.farm.engines:dask", "a dask cluster, or a local one"),
    Row("ray", "renderers.farm.engines:ray", "a ray cluster, or a local one"),
    Row("serial", "renderers.farm.engines:serial", "this process, for debuggers"),
)

CODECS = Table(  # renderers.shards.codecs.Codec
    "codec",
    Row("png", "renderers.shards.codecs:PNG", "lossless"),
    Row("webp", "renderers.shards.codecs:WEBP", "lossless unless a quality is given"),
    Row("jpeg", "renderers.shards.codecs:JPEG", "lossy; alpha gets a PNG of its own"),
)
