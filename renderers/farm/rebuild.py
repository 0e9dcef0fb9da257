"""Make samples of a dataset again, from the settings it records, and compare every field byte for byte."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from renderers import farm, sources
from renderers.farm.plan import difference, writer
from renderers.orbit import Orbit
from renderers.shards import ShardReader, sidecar_of, stamp_of, tars_of
from renderers.shards.storage import Store, open_store
from zeroverse.asset import AssetError
from zeroverse.core.rng import Rng


class _Stored(NamedTuple):
    """A sample in its shard: the shard's sidecar, the index that the object was made from, its place in the reader."""

    sidecar: dict
    index: int
    place: int


def rebuild(where: str | Path | Store, count: int, assets: str | None = None) -> Iterator[list[str]]:
    """Makes `count` samples again, drawn with the data's fingerprint for a key; yields the problems of each, which name
    shard, sample and field.

    assets: the folder of the files, for data of `sources.Files`. Raises ValueError when the recorded settings cannot be
        made here.
    """
    store = open_store(where)
    reader = ShardReader(store)
    samples = _samples(store)
    rng = Rng("verify", "rebuild", reader.fingerprint)
    for sample in sorted(samples, key=lambda sample: rng.child(sample.place).unit())[:count]:
        yield _differences(reader, sample, assets)


def _samples(store: Store) -> list[_Stored]:
    samples = []
    for tar in tars_of(store.sizes()):
        sidecar = stamp_of(store, sidecar_of(tar))
        failed = {row["index"] for row in sidecar["failed"]}
        kept = [index for index in range(*sidecar["indices"]) if index not in failed]
        samples += [_Stored(sidecar, index, len(samples) + offset) for offset, index in enumerate(kept)]
    return samples


def _differences(reader: ShardReader, sample: _Stored, assets: str | None) -> list[str]:
    key, config = reader.keys[sample.place], sample.sidecar["dataset"]
    name = f"{reader.store.at(sample.sidecar['shard'])}: sample {key}"
    try:
        made = farm.make_sample(sources.from_config(config["source"], assets), spec_of(config["render"]), sample.index)
    except AssetError as error:
        return [f"{name}: cannot be made again: {error}"]
    if made.reason:
        return [f"{name}: cannot be made again: {made.reason}"]
    stored = {field: reader.field(sample.place, field) for field in reader.fields(sample.place)}
    odd = [field for field in sorted(stored.keys() | made.fields.keys()) if stored.get(field) != made.fields.get(field)]
    if not odd:
        return []
    more = f" and {len(odd) - 1} others differ" if len(odd) > 1 else " differs"
    detail = f" ({_where(stored['json'], made.fields['json'])})" if "json" in odd and "json" in stored else ""
    return [f"{name}: field {odd[0]}{more} from what is made here{detail}; {_writers(sample.sidecar)}"]


def _where(stored: bytes, made: bytes) -> str:
    return "json: " + difference(json.loads(stored), json.loads(made))[:200]


def _writers(sidecar: dict) -> str:
    """Who wrote it, who is here: the first thing to know when bytes differ."""
    there, here = sidecar.get("written_by"), writer()
    if there is None:
        return "the shard does not say what wrote it"
    if there == here:
        return (
            f"written by this very version, {here['zeroverse-lab']} code {here['code']}: on another kind of "
            f"machine, or changed since"
        )
    return (
        f"written by version {there['zeroverse-lab']} code {there['code']}, this is {here['zeroverse-lab']} code "
        f"{here['code']} "
        f"(libraries: {difference(there['libraries'], here['libraries'])})"
    )


def spec_of(render: dict) -> farm.RenderSpec:
    """Returns the settings in a sidecar as a RenderSpec. Raises ValueError for settings of another version."""
    try:
        orbit = Orbit(**{name: _tuple(value) for name, value in render["orbit"].items()})
        return farm.RenderSpec(**render | {"passes": tuple(render["passes"]), "orbit": orbit})
    except (TypeError, KeyError) as error:
        raise ValueError(f"the shards were rendered with settings of another version: {error}") from error


def _tuple(value):
    return tuple(value) if isinstance(value, list) else value
