"""How each object of a run is seen: RenderSpec."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from renderers.cameras import Cameras
from renderers.cameras.framing import CUBE, framed
from renderers.cameras.rigs import RADII
from renderers.lighting import TONES, HdrFolder, Light
from renderers.orbit import Orbit
from renderers.passes import DEFAULT_PASSES, NORMAL_BITS, check_passes
from renderers.shards import codecs
from renderers.tables import LIGHTS, RIGS
from zeroverse.core.rng import Rng

LIGHT_PER = ("object", "view")
FRAMED = {  # --framed -> whether the cameras of a rig move back until the object is whole; orbit is by itself
    "rig": lambda rig: rig == "zero123",
    "yes": lambda rig: True,
    "no": lambda rig: False,
}


@dataclass(frozen=True, kw_only=True)
class RenderSpec:
    """How each object is seen. Everything here changes the bytes, so all of it is in the shards."""

    views: int = 32
    size: int = 256
    more_sizes: tuple[int, ...] = ()  # widths at which the same views are drawn again
    rig: str = "sphere"
    radius: str = "paper"
    light: str = "uniform"
    light_per: str = "object"
    renderer: str = "cpu"
    passes: tuple[str, ...] = DEFAULT_PASSES
    meshes: bool = False
    framed: str = "rig"
    orbit: Orbit = Orbit()
    codec: str = "png"
    quality: int | None = None
    hdri: HdrFolder | None = None
    tone: str = "srgb"
    normal_bits: int = 8

    def __post_init__(self):
        for name, table in (
            ("rig", RIGS),
            ("radius", RADII),
            ("light", LIGHTS),
            ("light_per", LIGHT_PER),
            ("framed", FRAMED),
            ("tone", TONES),
            ("normal_bits", NORMAL_BITS),
        ):
            if getattr(self, name) not in table:
                raise ValueError(f"{name}: expected one of {', '.join(map(str, table))}, got {getattr(self, name)!r}")
        object.__setattr__(self, "more_sizes", tuple(self.more_sizes))
        if self.views < 1 or min(self.sizes) < 8:
            raise ValueError(
                f"views, size: expected at least 1 view and 8 pixels, got {self.views} and {min(self.sizes)}"
            )
        if len(set(self.sizes)) < len(self.sizes):
            raise ValueError(f"size: expected each one once, got {' '.join(map(str, self.sizes))}")
        if self.light_per == "view" and (isinstance(LIGHTS[self.light], Light) or self.tone == "paper"):
            raise ValueError(
                f"light_per: expected a light that is drawn (environment, sky, random) and the tone srgb, got "
                f"{self.light!r}, {self.tone!r}"
            )
        if isinstance(self.hdri, dict):  # as a sidecar records it
            object.__setattr__(self, "hdri", HdrFolder(**self.hdri))
        if self.light == "environment" and self.hdri is None:
            raise ValueError("hdri: expected a folder of .hdr files for the light environment, got none")
        if (self.light not in ("uniform", "studio") or self.tone != "srgb") and self.renderer == "pyrender":
            raise ValueError(
                f"light, tone: {self.renderer} draws uniform or studio in srgb, got {self.light!r}, {self.tone!r}; "
                f"expected another renderer"
            )
        codecs.check_quality(self.codec, self.quality)
        object.__setattr__(self, "passes", check_passes(self.passes))
        if self.rig == "gso-64":
            object.__setattr__(self, "views", 64)

    @property
    def sizes(self) -> tuple[int, ...]:
        return (self.size, *self.more_sizes)

    def cameras(self, rng: Rng, points: Callable = lambda: CUBE) -> Cameras:
        """Returns the cameras for an object; points() gives what must be in the picture, [N, 3]."""
        cameras = RIGS[self.rig](rng, self, points)
        return framed(cameras, points()) if FRAMED[self.framed](self.rig) else cameras

    def lights(self, rng: Rng) -> list[Light]:
        """Returns one light for all views, or one for each."""
        streams = [rng] if self.light_per == "object" else [rng.child("view", view) for view in range(self.views)]
        return [replace(LIGHTS[self.light].sample(stream, self.hdri), tone=self.tone) for stream in streams]
