"""What a run has to make: its shards, those that are there, those that are this process's share; and the folder's
index.
"""

import functools
import hashlib
import importlib.metadata
import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from renderers.farm.spec import RenderSpec
from renderers.shards import (
    DATASET_FILE,
    DATASET_FORMAT,
    canonical,
    folded,
    read_sidecar,
    sidecar_of,
    stamp_of,
    tars_of,
)
from renderers.shards.storage import Store
from renderers.sources import Source, licence

LIBRARIES = (
    "numpy",
    "numba",
    "llvmlite",
    "pillow",
    "manifold3d",
    "trimesh",
    "scipy",
)  # that the bytes of a sample can depend on


class FarmError(RuntimeError):
    """The run cannot go on; the message says what to do. Whole shards stay."""


class Shard(NamedTuple):
    """One tar to make, and the objects in it."""

    name: str
    indices: range


ON_ERROR = ("skip", "raise")


@dataclass(frozen=True)
class Care:
    """What one bad file may cost. on_error: `skip`: itself, named and counted; `raise`: the run. timeout: seconds that
    an object may take; None: as long as it likes. Neither is a setting of the data: what is made has the same bytes.
    """

    on_error: str = "skip"
    timeout: float | None = None

    def __post_init__(self):
        if self.on_error not in ON_ERROR:
            raise ValueError(f"on_error: expected one of {', '.join(ON_ERROR)}, got {self.on_error!r}")
        if self.timeout is not None and not self.timeout > 0:
            raise ValueError(f"timeout: expected seconds, more than 0, got {self.timeout}")

    @property
    def skips(self) -> bool:
        return self.on_error == "skip"


TOLERANT = Care()


@dataclass(frozen=True)
class Plan:
    """The shards of a run: shard k of a source holds the indices from k * shard_size, whatever the run starts with.

    source: one of `sources.SOURCES`. spec: `farm.RenderSpec`. rank, world_size: which part of the shards this process
        makes.
    """

    out: Store
    source: Source
    spec: RenderSpec
    start: int
    count: int
    shard_size: int
    rank: int = 0
    world_size: int = 1
    care: Care = TOLERANT

    @functools.cached_property
    def config(self) -> dict:
        """All that the bytes of a shard depend on."""
        return json.loads(
            canonical({"source": self.source.config(), "render": asdict(self.spec), "shard_size": self.shard_size})
        )

    def shards(self) -> list[Shard]:
        stop = self.start + self.count
        numbers = range(self.start // self.shard_size, -(-stop // self.shard_size))
        return [
            Shard(
                f"{self.source.name}-{number:06d}.tar",
                range(max(self.start, number * self.shard_size), min(stop, (number + 1) * self.shard_size)),
            )
            for number in numbers
        ]

    def missing(self) -> list[Shard]:
        """Returns the shards that are not there whole. Raises FarmError when the folder holds something this run would
        spoil.
        """
        sizes, mine = self.out.sizes(), self.shards()
        others = [name for name in tars_of(sizes) if name not in {shard.name for shard in mine}]
        if others:
            self._of_these_settings(others[0])  # one speaks for all: none was added to a folder of another data set
        return [shard for shard in mine if not self._is_done(shard, sizes)]

    def _of_these_settings(self, name: str) -> dict:
        """The sidecar of a shard. Raises FarmError when it belongs to another data set."""
        sidecar = stamp_of(self.out, sidecar_of(name))
        if sidecar["dataset"] != self.config:
            raise FarmError(
                f"{self.out.at(name)}: made with other settings ({difference(sidecar['dataset'], self.config)}); "
                "choose another --out or the same settings"
            )
        return sidecar

    def mine(self) -> list[Shard]:
        """Returns every `world_size`-th shard, whatever is there already: no process needs to know what others do."""
        return self.shards()[self.rank :: self.world_size]

    def todo(self) -> list[Shard]:
        mine = set(self.mine())
        return [shard for shard in self.missing() if shard in mine]

    def failed(self, shard: Shard) -> int:
        """How many objects of a whole shard failed when it was made."""
        return len(stamp_of(self.out, sidecar_of(shard.name))["failed"])

    def _is_done(self, shard: Shard, sizes: dict[str, int]) -> bool:
        if shard.name not in sizes or sidecar_of(shard.name) not in sizes:
            return False
        sidecar, indices, path = self._of_these_settings(shard.name), shard.indices, self.out.at(shard.name)
        first, stop = sidecar["indices"]
        if first < indices.start or stop > indices.stop:
            raise FarmError(
                f"{path}: holds objects {first} to {stop - 1}, this run asks for {indices.start} to "
                f"{indices.stop - 1} and would drop some; "
                "choose another --out, or a --start and --count that include them"
            )
        return (first, stop) == (indices.start, indices.stop) and sizes[shard.name] == sidecar["bytes"]


def difference(old: dict, new: dict, prefix: str = "") -> str:
    """Returns the first setting in which two configurations differ, in words."""
    for key in sorted(old.keys() | new.keys()):
        a, b = old.get(key), new.get(key)
        if isinstance(a, dict) and isinstance(b, dict) and a != b:
            return difference(a, b, f"{prefix}{key}.")
        if a != b:
            return f"{prefix}{key}: {a} there, {b} asked for"
    return "equal"


@functools.cache
def writer() -> dict:
    """Returns what writes shards here: the package's version, a digest of the code that makes samples, and the
    libraries. For the sidecars.
    """
    root = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for path in sorted(
        path for package in ("zeroverse", "detailverse", "renderers") for path in (root / package).rglob("*.py")
    ):
        digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return {
        "zeroverse-lab": _version("zeroverse-lab"),
        "code": digest.hexdigest()[:12],
        "libraries": {name: _version(name) for name in LIBRARIES},
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def write_index(store: Store) -> dict:
    """Writes and returns `dataset.json`: the whole shards of the folder with their hashes, failures and settings;
    written last, it means the run finished.
    """
    index = {
        "format": DATASET_FORMAT,
        "config": {},
        "licence": "cc0-1.0",
        "shards": [],
        "samples": 0,
        "failed": [],
        "redraws": Counter(),
        "fields": {},
    }
    for tar in tars_of(store.sizes()):
        shard = read_sidecar(store, sidecar_of(tar))
        index["config"] = index["config"] or shard["dataset"]
        if licence(shard["dataset"].get("source", {})) != index["licence"]:
            index["licence"] = "other"
        index["shards"].append(
            {"name": tar, "samples": len(shard["samples"]), "bytes": shard["bytes"], "sha256": shard["sha256"]}
        )
        index["samples"] += len(shard["samples"])
        index["failed"] += shard["failed"]
        index["redraws"].update(shard["redraws"])
        _count_fields(shard, index["fields"])
    store.write(DATASET_FILE, json.dumps(index, indent=1, sort_keys=True).encode())
    return index


def _count_fields(shard: dict, counts: dict[str, list[int]]) -> None:
    """Adds to {field with * for the view: [files, bytes]}."""
    for sample in shard["samples"]:
        for field, (_, size) in sample["fields"].items():
            count = counts.setdefault(folded(field), [0, 0])
            count[0] += 1
            count[1] += size
