"""What is stored: the names and versions of the format, and sidecars."""

import json
import re

from renderers.shards.storage import Store

SHARD_FORMAT = "verse-shard/1"
SAMPLE_FORMAT = "verse-sample/1"
DATASET_FORMAT = "verse-dataset/1"
DATASET_FILE = "dataset.json"
_VIEW = re.compile(r"_\d{3,}\.")


class ShardError(ValueError):
    """A shard, sidecar or sample that is not what it should be; the message names it."""


def canonical(value) -> bytes:
    """Returns JSON with sorted keys and no spaces: equal values give equal bytes. NaN and infinity raise ValueError."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def sidecar_of(tar: str) -> str:
    return tar.removesuffix(".tar") + ".json"


def read_sidecar(store: Store, name: str) -> dict:
    """Returns a shard's sidecar. Raises ShardError naming the file for anything but a sidecar of this version."""
    try:
        sidecar = json.loads(store.read(name))
    except FileNotFoundError:
        raise ShardError(f"{store.at(name)}: missing; without its sidecar a tar is not known to be whole") from None
    except ValueError as error:
        raise ShardError(f"{store.at(name)}: not JSON: {error}") from error
    if not isinstance(sidecar, dict) or "format" not in sidecar:
        raise ShardError(f"{store.at(name)}: not the sidecar of a shard")
    if sidecar["format"] != SHARD_FORMAT:
        raise ShardError(f"{store.at(name)}: format: expected {SHARD_FORMAT}, got {sidecar['format']}")
    odd = next((key for key, (_, fits) in _SIDECAR.items() if not fits(sidecar.get(key))), None)
    if odd:
        raise ShardError(
            f"{store.at(name)}: {odd}: expected {_SIDECAR[odd][0]}, got {json.dumps(sidecar.get(odd))[:60]}; was it "
            f"edited? Delete it, and the "
            "command that made the shard makes it again"
        )
    return sidecar


def _whole(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_entry(entry) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("key"), str)
        and all(_whole(entry.get(key)) for key in ("offset", "bytes", "crc32"))
        and isinstance(entry.get("fields"), dict)
        and all(_is_pair(place) for place in entry["fields"].values())
    )


def _is_pair(value) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_whole, value))


_SIDECAR = {  # key -> what it holds, in words and as a check; the last four, of the farm, are not in every shard
    "bytes": ("a number", _whole),
    "sha256": ("a hash", lambda value: isinstance(value, str)),
    "samples": (
        "a list of keys, offsets, bytes, crc32 and fields",
        lambda value: isinstance(value, list) and all(map(_is_entry, value)),
    ),
    "dataset": ("settings", lambda value: value is None or isinstance(value, dict)),
    "indices": ("two numbers", lambda value: value is None or _is_pair(value)),
    "failed": (
        "a list of failures",
        lambda value: value is None or isinstance(value, list) and all(isinstance(row, dict) for row in value),
    ),
    "redraws": (
        "reasons and their numbers",
        lambda value: value is None or isinstance(value, dict) and all(map(_whole, value.values())),
    ),
}


def stamp_of(store: Store, name: str) -> dict:
    """Returns a sidecar that the farm wrote: with dataset, indices, failed and redraws. Raises ShardError as
    `read_sidecar`, and for one that lacks any.
    """
    sidecar = read_sidecar(store, name)
    missing = [key for key in ("dataset", "indices", "failed", "redraws") if sidecar.get(key) is None]
    if missing:
        raise ShardError(
            f"{store.at(name)}: no {missing[0]}; was it edited? Delete it, and the command that made the shard makes "
            f"it again"
        )
    return sidecar


def tars_of(sizes: dict[str, int]) -> list[str]:
    """Returns the tars of a listing that have a sidecar, in shard order."""
    return [name for name in sizes if name.endswith(".tar") and sidecar_of(name) in sizes]


def halves(store: Store) -> list[str]:
    """Returns what no reader shows, in words: tars without a sidecar, and sidecars whose tar is gone."""
    sizes = store.sizes()
    lone = [name for name in sizes if name.endswith(".tar") and sidecar_of(name) not in sizes]
    gone = [
        name
        for name in sizes
        if name.endswith(".json") and name != DATASET_FILE and f"{name.removesuffix('.json')}.tar" not in sizes
    ]
    return [f"{name} has no sidecar" for name in lone] + [
        f"the tar of {name} is gone" for name in gone if _is_sidecar(store, name)
    ]


def _is_sidecar(store: Store, name: str) -> bool:
    try:
        return bool(read_sidecar(store, name))
    except ShardError:
        return False


def folded(field: str) -> str:
    """Returns a field's name without the number of the view: rgb_*.png."""
    return _VIEW.sub("_*.", field)
