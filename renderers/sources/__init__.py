"""Where objects come from: an index -> an Asset. A source is small and picklable; `config` names everything its bytes
depend on.
"""

import hashlib
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

from renderers.sources import untrusted
from renderers.sources.objaverse import Objaverse
from zeroverse.asset import Asset, AssetError, load_file, uid_of
from zeroverse.core.rng import Rng


@dataclass(frozen=True)
class Zeroverse:
    """Procedural objects of `zeroverse.grammar`, one for every integer; `textures` is a folder of images to use instead
    of the families.

    cut, wireframe: shares of the objects that have one; None: the preset's.
    """

    seed: int = 0
    preset: str = "paper"
    textures: str | None = None
    texture_size: int = 256
    cut: float | None = None
    wireframe: float | None = None
    name = "zeroverse"

    @classmethod
    def from_config(cls, config: dict, assets: str | None) -> "Zeroverse":
        from zeroverse.grammar.recipe import GRAMMAR_VERSION

        if config["grammar_version"] != GRAMMAR_VERSION:
            raise ValueError(
                f"the objects are of grammar version {config['grammar_version']}, this is version {GRAMMAR_VERSION}"
            )
        return cls(**{name: value for name, value in config.items() if name not in ("source", "grammar_version")})

    def config(self) -> dict:
        from zeroverse.grammar.recipe import GRAMMAR_VERSION

        shares = {
            name: share for name in ("cut", "wireframe") if (share := getattr(self, name)) is not None
        }  # folders from before them lack them
        return {
            "source": self.name,
            "grammar_version": GRAMMAR_VERSION,
            "seed": self.seed,
            "preset": self.preset,
            "textures": self.textures,
            "texture_size": self.texture_size,
            **shares,
        }

    def size(self) -> int | None:
        """How many objects there are; None: as many as there are integers."""
        return None

    def make(self, index: int) -> Asset:
        from zeroverse import grammar

        return grammar.make(self.seed, index, self.preset, self.textures, self.texture_size, self.cut, self.wireframe)

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

        asset, surface = grammar.made(self.seed, index, self.family, self.level, self.texture_size)
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


SUFFIXES = (".glb", ".gltf", ".obj")
WITHIN = (
    "meshes/model",
    "Scan/Scan",
)  # where GSO and OmniObject3D have the one mesh of an object's folder, which is what names it


@dataclass(frozen=True)
class Files:
    """The .glb, .gltf and .obj files of a folder and its sub-folders, in the order of their relative paths.

    up: of the .obj files, whose format does not say: `+Y` as Blender writes them, or `+Z` as the Google scans have it.
    """

    assets: str
    seed: int = 0
    up: str = "+Y"
    name = "files"

    @classmethod
    def from_config(cls, config: dict, assets: str | None) -> "Files":
        if assets is None:
            raise ValueError("the objects come from files: say where they are with --assets")
        source = cls(assets, config["seed"], config.get("up", cls.up))
        if source.config() != config:
            raise ValueError(
                f"{assets}: not the files that the shards were made from ({config['files']} of them, by name)"
            )
        return source

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        root = Path(self.assets)
        if not root.is_dir():
            raise AssetError(f"{root}: no such folder")
        paths = tuple(sorted(path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()))
        if not paths:
            raise AssetError(f"{root}: no {', '.join(SUFFIXES)} files")
        named: dict[str, list[str]] = {}
        for path in paths:
            named.setdefault(self.uid(path), []).append(path.relative_to(root).as_posix())
        twins = [f"{' and '.join(files)} would both be called {uid}" for uid, files in named.items() if len(files) > 1]
        if twins:
            raise AssetError(
                f"{root}: {len(twins)} names are not unique (only letters, digits, - and _ of ASCII count): "
                f"{twins[0]}; rename all but one"
            )
        return paths

    def uid(self, path: Path) -> str:
        name = path.relative_to(self.assets).with_suffix("").as_posix()
        return uid_of(next((name.removesuffix(f"/{within}") for within in WITHIN if name.endswith(f"/{within}")), name))

    def config(self) -> dict:
        names = "\n".join(path.relative_to(self.assets).as_posix() for path in self.paths)
        turned = {"up": self.up} if self.up != type(self).up else {}  # folders of before it lack it
        return {
            "source": self.name,
            "seed": self.seed,
            "files": len(self.paths),
            "names_sha256": hashlib.sha256(names.encode()).hexdigest(),
            **turned,
        }

    def size(self) -> int | None:
        return len(self.paths)

    def make(self, index: int) -> Asset:
        path, root = self.paths[index], Path(self.assets)
        asset = self._obj(path, root) if path.suffix.lower() == ".obj" else self._gltf(path, root)
        provenance = asset.provenance | {
            "file": path.relative_to(root).as_posix(),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        return Asset(asset.scene, self.uid(path), asset.caption, asset.recipe, provenance)

    def _obj(self, path: Path, root: Path) -> Asset:
        beside = untrusted.Beside(path, root)
        asset = load_file(path, up=self.up, resolver=beside)
        if beside.refused:
            raise beside.refused
        return asset

    @staticmethod
    def _gltf(path: Path, root: Path) -> Asset:
        untrusted.check(path, root)
        return load_file(path)

    def label(self, index: int) -> str:
        return str(self.paths[index])

    def stream(self, index: int) -> Rng:
        """Keyed by the file's name, so that its cameras do not change when other files come and go."""
        return Rng("files", "views", self.seed, self.uid(self.paths[index]))


SOURCES = (  # name, class, what it is
    ("zeroverse", Zeroverse, "procedural objects after LRM-Zero"),
    ("detailverse", Detailverse, "detailed objects after DetailVerse"),
    ("files", Files, "existing GLB, glTF and OBJ files"),
    ("objaverse", Objaverse, "objects of Objaverse 1.0, by list and licence"),
)


def from_config(config: dict, assets: str | None = None):
    """The source with this `config()`; `assets`: where its files are now. Raises ValueError when it cannot be the same
    source here.
    """
    for name, source, _ in SOURCES:
        if name == config["source"]:
            return source.from_config(config, assets)
    raise ValueError(f"source: expected one of {', '.join(name for name, _, _ in SOURCES)}, got {config['source']!r}")


def licence(config: dict) -> str:
    """Of the objects of a source with this `config()`, as the Hugging Face hub spells it: `other` where somebody's
    files went in.
    """
    return "cc0-1.0" if config.get("textures") is None and "files" not in config else "other"
