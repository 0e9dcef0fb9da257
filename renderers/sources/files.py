"""The existing files of a folder as a source: GLB, glTF, OBJ, PLY and STL."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from renderers.sources.load import READERS, load_file
from zeroverse.asset import LONGEST_UID, Asset, AssetError, uid_of
from zeroverse.core.files import walked
from zeroverse.core.rng import Rng

SUFFIXES = tuple(READERS)
WITHIN = (
    "meshes/model",
    "Scan/Scan",
)  # where GSO and OmniObject3D have the one mesh of an object's folder, which is what names it


@dataclass(frozen=True)
class Files:
    """The .glb, .gltf, .obj, .ply and .stl files of a folder and its sub-folders, in the order of their relative paths.

    up: of the .obj files, whose format does not say: `+Y` as Blender writes them, or `+Z` as the Google scans have it.
    on_missing_texture: `refuse` an object with a texture that is missing or unreadable, or make it `white`.
    """

    assets: str
    seed: int = 0
    up: str = "+Y"
    on_missing_texture: str = "refuse"
    name = "files"
    foreign = True  # whatever goes wrong with an object is the object's

    @classmethod
    def from_config(cls, config: dict, assets: str | None) -> "Files":
        if assets is None:
            raise ValueError("the objects come from files: say where they are with --assets")
        source = cls(assets, config["seed"], config.get("up", cls.up), config.get("on_missing_texture", "refuse"))
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
        paths = tuple(sorted(path for path in walked(root) if path.suffix.lower() in SUFFIXES and path.is_file()))
        if not paths:
            raise AssetError(f"{root}: no {', '.join(SUFFIXES)} files")
        return paths

    def uid(self, path: Path) -> str:
        """Returns the name of an object, unique among the files: its path, with `_` for all but letters, digits, -
        and _ of ASCII.

        A path that is too long for a key, and all those that would have one name, end with a hash of their own path.
        """
        name = self._name(path)
        if len(name) <= LONGEST_UID and self._shared[name] == 1:
            return name
        mark = hashlib.sha256(path.relative_to(self.assets).as_posix().encode(errors="surrogateescape")).hexdigest()
        return f"{name[: LONGEST_UID - 17]}-{mark[:16]}"

    def _name(self, path: Path) -> str:
        name = path.relative_to(self.assets).with_suffix("").as_posix()
        return uid_of(next((name.removesuffix(f"/{within}") for within in WITHIN if name.endswith(f"/{within}")), name))

    @cached_property
    def _shared(self) -> Counter:
        """How many files would have each name."""
        return Counter(self._name(path) for path in self.paths)

    def config(self) -> dict:
        names = "\n".join(path.relative_to(self.assets).as_posix() for path in self.paths)
        told = {  # what is not as by default: folders of before them lack both
            name: getattr(self, name)
            for name in ("up", "on_missing_texture")
            if getattr(self, name) != getattr(type(self), name)
        }
        return {
            "source": self.name,
            "seed": self.seed,
            "files": len(self.paths),
            "names_sha256": hashlib.sha256(names.encode(errors="surrogateescape")).hexdigest(),
            **told,
        }

    def size(self) -> int | None:
        return len(self.paths)

    def make(self, index: int) -> Asset:
        path, root = self.paths[index], Path(self.assets)
        asset = load_file(path, up=self.up, root=root, on_missing_texture=self.on_missing_texture)
        provenance = asset.provenance | {
            "file": path.relative_to(root).as_posix(),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        return Asset(asset.scene, self.uid(path), asset.caption, asset.recipe, provenance)

    def label(self, index: int) -> str:
        return str(self.paths[index])

    def stream(self, index: int) -> Rng:
        """Keyed by the file's name, so that its cameras do not change when other files come and go."""
        return Rng("files", "views", self.seed, self._name(self.paths[index]))
