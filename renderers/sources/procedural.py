"""Objects made from integers: the grammars of zeroverse and detailverse as sources."""

from dataclasses import asdict, dataclass, replace

from zeroverse.asset import Asset
from zeroverse.core.rng import Rng

_ABOUT = ("source", "grammar_version")  # of a source's config: what makes the objects, before how


@dataclass(frozen=True)
class Zeroverse:
    """Procedural objects of `zeroverse.grammar`, one for every integer; `textures` is a folder of images to use instead
    of the families.

    edits: (name, share) of those rows of `EDITS` that have another share than the preset's.
    """

    seed: int = 0
    preset: str = "paper"
    textures: str | None = None
    texture_size: int = 256
    edits: tuple[tuple[str, float], ...] = ()
    name = "zeroverse"
    foreign = False

    @classmethod
    def from_config(cls, config: dict, assets: str | None) -> "Zeroverse":
        from zeroverse.grammar.recipe import GRAMMAR_VERSION

        if config["grammar_version"] != GRAMMAR_VERSION:
            raise ValueError(
                f"the objects are of grammar version {config['grammar_version']}, this is version {GRAMMAR_VERSION}"
            )
        own = {name: config[name] for name in ("seed", "preset", "textures", "texture_size")}
        return cls(**own, edits=tuple((name, config[name]) for name in config if name not in {*own, *_ABOUT}))

    def config(self) -> dict:
        """Returns what rebuilds the objects; a share stands under the name of its edit, if it is not the preset's."""
        from zeroverse.grammar.recipe import GRAMMAR_VERSION

        return {
            "source": self.name,
            "grammar_version": GRAMMAR_VERSION,
            "seed": self.seed,
            "preset": self.preset,
            "textures": self.textures,
            "texture_size": self.texture_size,
            **dict(self.edits),
        }

    def size(self) -> int | None:
        """Returns how many objects there are; None: as many as there are integers."""
        return None

    def make(self, index: int) -> Asset:
        from zeroverse import grammar

        return grammar.make(self.seed, index, self.preset, self.textures, self.texture_size, dict(self.edits))

    def label(self, index: int) -> str:
        return f"zeroverse seed {self.seed} index {index}"

    def stream(self, index: int) -> Rng:
        """The stream for what is drawn about the object, not of it: cameras."""
        return Rng("zeroverse", "views", self.seed, index)


@dataclass(frozen=True)
class Detailverse:
    """Detailed objects of `detailverse.grammar`, one for every integer; `family` and `level` to have only those, None
    for a mixture.

    fields: `vae` puts surface points, creases and signed distances into each sample (detailverse/labels/fields.py),
        `none` does not.
    """

    seed: int = 0
    family: str | None = None
    level: int | None = None
    texture_size: int = 1024
    fields: str = "none"
    name = "detailverse"
    foreign = False

    @classmethod
    def from_config(cls, config: dict, assets: str | None) -> "Detailverse":
        from detailverse.grammar.recipe import VERSION

        if config["grammar_version"] != VERSION:
            raise ValueError(
                f"the objects are of grammar version {config['grammar_version']}, this is version {VERSION}"
            )
        return cls(**{name: value for name, value in config.items() if name not in ("source", "grammar_version")})

    def config(self) -> dict:
        from detailverse.grammar.recipe import VERSION

        return {"source": self.name, "grammar_version": VERSION, **asdict(self)}

    def size(self) -> int | None:
        return None

    def make(self, index: int) -> Asset:
        from detailverse import grammar, labels
        from detailverse.labels import fields

        asset, surface = grammar.make_with_surface(self.seed, index, self.family, self.level, self.texture_size)
        asset = replace(asset, labels=asset.labels | labels.describe(surface))
        if self.fields == "none":
            return asset
        return replace(
            asset, files={"fields.npz": fields.to_npz_bytes(fields.fields(surface, self.stream(index).child("fields")))}
        )

    def label(self, index: int) -> str:
        return f"detailverse seed {self.seed} index {index}{f' family {self.family}' if self.family else ''}"

    def stream(self, index: int) -> Rng:
        """Not of the level: the coarse and the fine version of an object are seen from the same places."""
        return Rng("detailverse", "views", self.family or "any", self.seed, index)
