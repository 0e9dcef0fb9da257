"""Objects of Objaverse 1.0 (Deitke et al. 2022): which ones (lists and licences), where from (cache and hub), and each
as an Asset.

The cache has the layout of the hub (allenai/objaverse) and of the `objaverse` package, ~/.objaverse/hf-objaverse-v1:
object-paths.json.gz, lvis-annotations.json.gz, metadata/000-000.json.gz, glbs/000-000/UID.glb. What one of the two has
put there, the other finds. The package itself is not called: it downloads a list whole before the first object is used,
cannot go on with half a file, and knows one address only.
"""

import fcntl
import gzip
import hashlib
import json
import re
import shutil
import zlib
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from renderers.sources.load import load_file
from zeroverse.asset import Asset, AssetError
from zeroverse.core.files import write_whole
from zeroverse.core.rng import Rng

HUB = "https://huggingface.co/datasets/allenai/objaverse/resolve/main"
TIMEOUT = 60  # seconds without a byte
PATHS, G_INDEX = "object-paths.json.gz", "gobjaverse_index_to_objaverse.json"
SPLITS = {  # name -> its file in the cache, and where it comes from
    "lvis": ("lvis-annotations.json.gz", "the hub"),
    "lgm": ("kiuisobj_v1_merged_80K.csv", "https://github.com/ashawkey/objaverse_filter"),
    "gobjaverse": (
        "gobj_merged.json",
        f"https://github.com/ashawkey/objaverse_filter, and {G_INDEX} from https://github.com/modelscope/richdreamer",
    ),
}
LICENCES = {  # as the metadata spells it -> (what it is called, where it stands)
    "by": ("CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/"),
    "by-sa": ("CC BY-SA 4.0", "https://creativecommons.org/licenses/by-sa/4.0/"),
    "by-nc": ("CC BY-NC 4.0", "https://creativecommons.org/licenses/by-nc/4.0/"),
    "by-nc-sa": ("CC BY-NC-SA 4.0", "https://creativecommons.org/licenses/by-nc-sa/4.0/"),
    "cc0": ("CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
}
ALLOWED = ("by", "by-sa", "cc0")  # what may also be used commercially
_OBJECT = re.compile(r"(?:glbs/)?(?:(\d{3}-\d{3})[/,])?([0-9a-f]{32})(?:\.glb)?")
_G_OBJECT = re.compile(r"\d+/\d+")
_LONGEST_TEXT = 200  # characters of a title or name: they were typed by strangers


class ObjaverseError(ValueError):
    """A list or cache that is not what it should be; the message names it."""


class Unavailable(ConnectionError):
    """A file that may be there another time: no fault of the object."""


class Entry(NamedTuple):
    """One object of a list: its place in the cache, and what must be said when it is used."""

    uid: str
    path: str
    licence: str
    title: str
    author: str
    url: str

    def credit(self) -> str:
        name, text = LICENCES[self.licence]
        return f'"{self.title}" by {self.author} ({self.url}), {name} ({text})'


# ------------------------------------------------------------------------------------------------------------ the files


@dataclass(frozen=True)
class Hub:
    """The files of a cache, completed from `url`; None: only what is there."""

    cache: str
    url: str | None = HUB

    def get(self, name: str) -> Path:
        """The path of a file, downloaded if need be. Raises AssetError where there is none, OSError when the network
        fails: try again, it goes on.
        """
        path = Path(self.cache) / name
        if path.is_file():
            return path
        if self.url is None:
            raise AssetError(f"{name}: not in {self.cache}, and nothing may be downloaded")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        with open(part, "ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # one process writes, the others wait and find it done
            try:
                if not path.is_file():
                    self._download(name, file)
                    part.replace(path)
            except AssetError:
                part.unlink(missing_ok=True)
                raise
        return path

    def _download(self, name: str, file) -> None:
        """Append what is missing to an open file."""
        have = file.tell()
        try:
            with urlopen(
                Request(f"{self.url}/{name}", headers={"Range": f"bytes={have}-"} if have else {}), timeout=TIMEOUT
            ) as reply:
                if reply.status != 206:  # the whole file, from a server that does not know ranges
                    have = file.truncate(file.seek(0))
                expected = have + int(reply.headers["Content-Length"])
                shutil.copyfileobj(reply, file)
        except HTTPError as error:
            if error.code == 404:
                raise AssetError(f"{name}: not at {self.url}") from error
            if error.code == 416:  # what is there is no beginning of the file
                file.truncate(0)
            raise
        except HTTPException as error:
            raise ConnectionError(f"{self.url}/{name}: {error}") from error
        if file.tell() != expected:
            raise ConnectionError(
                f"{self.url}/{name}: expected {expected} bytes, the connection ended after {file.tell()}; the same "
                f"command goes on"
            )


def _json(path: Path):
    """A JSON file, gzipped or not. Raises ObjaverseError naming it."""
    try:
        return json.loads(_plain(path.read_bytes()))
    except (ValueError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ObjaverseError(f"{path}: not readable: {error}") from error


def _plain(data: bytes) -> bytes:
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


# ------------------------------------------------------------------------------------------------------------ the lists


def resolve(split: str, hub: Hub, licences: tuple[str, ...] = ALLOWED) -> str:
    """The key of a list: its objects that may be used, with their credits, in cache/verse/objects-KEY.json; made once.

    split: a name of SPLITS, or a file in one of their formats or with a uid on each line. Raises ObjaverseError,
        OSError.
    """
    unknown = [name for name in licences if name not in LICENCES]
    if unknown or not licences:
        raise ObjaverseError(f"licences: expected some of {', '.join(LICENCES)}, got {', '.join(unknown) or 'none'}")
    file = _list_file(split, hub)
    key = hashlib.sha256(file.read_bytes() + json.dumps(sorted(licences)).encode()).hexdigest()[:16]
    place = _place(hub.cache, key)
    if not place.is_file():
        kept, left_out = _usable(_references(file, hub), hub, licences)
        place.parent.mkdir(parents=True, exist_ok=True)
        write_whole(
            place,
            json.dumps(
                {
                    "split": split if split in SPLITS else file.name,
                    "licences": sorted(licences),
                    "left_out": left_out,
                    "objects": kept,
                },
                indent=0,
            ).encode(),
        )
    return key


def _list_file(split: str, hub: Hub) -> Path:
    name, origin = SPLITS.get(split, (None, None))
    if name is None and not Path(split).is_file():
        raise ObjaverseError(f"split: expected {', '.join(SPLITS)} or a file, got {split}")
    if name is None:
        return Path(split)
    if origin == "the hub":
        return hub.get(name)
    if not (Path(hub.cache) / name).is_file():
        raise ObjaverseError(f"split {split}: expected {Path(hub.cache) / name}; put it there from {origin}")
    return Path(hub.cache) / name


def _references(file: Path, hub: Hub) -> dict[str, str | None]:
    """{uid: folder, or None where the list does not say} of a list, in its order."""
    text = _plain(file.read_bytes())
    try:
        data = json.loads(text)
        names = [name for group in data.values() for name in group] if isinstance(data, dict) else data
    except ValueError:
        names = [line.strip() for line in text.decode("utf-8", "replace").splitlines() if line.strip()]
    found, g_index = {}, None
    for number, name in enumerate(names):
        if _G_OBJECT.fullmatch(str(name)):
            g_index = g_index or _g_index(hub)
            if name not in g_index:
                continue  # G-Objaverse's own selection shrank between its versions
            name = g_index[name]
        match = _OBJECT.fullmatch(str(name))
        if not match:
            raise ObjaverseError(
                f"{file}: entry {number}: expected a uid, folder/uid.glb or a G-Objaverse id, got {str(name)[:80]!r}"
            )
        found.setdefault(match[2], match[1])
    if not found:
        raise ObjaverseError(f"{file}: no objects")
    return found


def _g_index(hub: Hub) -> dict[str, str]:
    path = Path(hub.cache) / G_INDEX
    if not path.is_file():
        raise ObjaverseError(
            f"G-Objaverse ids: expected {path}, which says which object each is; it comes with "
            f"{SPLITS['gobjaverse'][1]}"
        )
    return _json(path)


def _usable(found: dict[str, str | None], hub: Hub, licences: tuple[str, ...]) -> tuple[list[Entry], dict[str, int]]:
    """(the objects whose licence is one of these, {reason: how many were left out})."""
    if None in found.values():
        paths = _json(hub.get(PATHS))
        found = {
            uid: folder or (_OBJECT.fullmatch(paths.get(uid, "")) or [None, None])[1] for uid, folder in found.items()
        }
    metadata = {}
    for folder in sorted({folder for folder in found.values() if folder}):
        known = _json(hub.get(f"metadata/{folder}.json.gz"))
        metadata |= {
            uid: _entry(uid, folder, known[uid]) for uid, place in found.items() if place == folder and uid in known
        }
    left_out = Counter(_refused(metadata.get(uid), licences) for uid in found)
    del left_out[""]
    return [metadata[uid] for uid in found if not _refused(metadata.get(uid), licences)], dict(sorted(left_out.items()))


def _refused(entry: Entry | None, licences: tuple[str, ...]) -> str:
    if entry is None:
        return "not in Objaverse"
    return "" if entry.licence in licences else f"licence {entry.licence}"


def _entry(uid: str, folder: str, data: dict) -> Entry:
    user = data.get("user") or {}
    author = user.get("displayName") or user.get("username") or "unknown"
    return Entry(
        uid,
        f"glbs/{folder}/{uid}.glb",
        *(_text(value) for value in (data.get("license"), data.get("name"), author, data.get("viewerUrl"))),
    )


def _text(value) -> str:
    return "".join(c if c.isprintable() else " " for c in str(value or "unknown")).strip()[:_LONGEST_TEXT]


# ----------------------------------------------------------------------------------------------------------- the source


class Listing(NamedTuple):
    """What `resolve` wrote."""

    split: str
    licences: tuple[str, ...]
    left_out: dict[str, int]
    objects: tuple[Entry, ...]


@lru_cache(4)
def listing(cache: str, key: str) -> Listing:
    """Read once per process: sources travel to workers, lists of 50,000 objects must not. Raises ObjaverseError."""
    place = _place(cache, key)
    if not place.is_file():
        raise ObjaverseError(f"{cache}: no list {key}; verse generate objaverse writes it")
    data = _json(place)
    return Listing(
        data["split"], tuple(data["licences"]), data["left_out"], tuple(Entry(*row) for row in data["objects"])
    )


def _place(cache: str, key: str) -> Path:
    return Path(cache) / "verse" / f"objects-{key}.json"


@dataclass(frozen=True)
class Objaverse:
    """The objects of a list that `resolve` made; those that are not in the cache come from the hub, when they are asked
    for.

    on_missing_texture: `refuse` an object with a texture that is missing or unreadable, or make it `white`.
    """

    cache: str
    key: str
    hub: str | None = HUB
    seed: int = 0
    on_missing_texture: str = "refuse"
    name = "objaverse"
    foreign = True  # whatever goes wrong with an object is the object's

    @classmethod
    def from_config(cls, config: dict, assets: str | None) -> "Objaverse":
        if assets is None:
            raise ValueError("the objects come from Objaverse: say where its cache is with --assets")
        source = cls(assets, config["list"], None, config["seed"], config.get("on_missing_texture", "refuse"))
        if source.config() != config:
            raise ValueError(f"{assets}: list {config['list']} is not the one that the shards were made from")
        return source

    def config(self) -> dict:
        made = listing(self.cache, self.key)
        white = {} if self.on_missing_texture == "refuse" else {"on_missing_texture": self.on_missing_texture}
        return {
            "source": self.name,
            "seed": self.seed,
            "split": made.split,
            "list": self.key,
            "licences": list(made.licences),
            "files": len(made.objects),
            **white,  # folders of before it lack it
        }

    def size(self) -> int:
        return len(listing(self.cache, self.key).objects)

    def make(self, index: int) -> Asset:
        entry = listing(self.cache, self.key).objects[index]
        try:
            path = Hub(self.cache, self.hub).get(entry.path)
        except OSError as error:
            raise Unavailable(str(error)) from error
        asset = load_file(path, on_missing_texture=self.on_missing_texture)
        provenance = {
            "source": self.name,
            "uid": entry.uid,
            "file": entry.path,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "licence": LICENCES[entry.licence][0],
            "credit": entry.credit(),
            **{key: value for key, value in asset.provenance.items() if key not in ("source", "file")},
        }
        return Asset(asset.scene, entry.uid, entry.title, asset.recipe, provenance)

    def label(self, index: int) -> str:
        return f"objaverse {listing(self.cache, self.key).objects[index].uid}"

    def stream(self, index: int) -> Rng:
        """Keyed by the object, so that one that is in two lists is seen from the same places."""
        return Rng("objaverse", "views", self.seed, listing(self.cache, self.key).objects[index].uid)
