"""Is a dataset what it claims to be? `verify` hashes and reads again what is stored; `rebuild` makes samples again and
compares.
"""

import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from renderers.shards.format import (
    DATASET_FILE,
    DATASET_FORMAT,
    ShardError,
    read_sidecar,
    sidecar_of,
    tars_of,
)
from renderers.shards.meta import SampleMeta, parse_meta
from renderers.shards.storage import Store, open_store
from zeroverse.core import png


def verify(folder: str | Path | Store) -> Iterator[tuple[str, list[str]]]:
    """Checks a dataset; yields (what was checked, its problems) per shard, then for the folder. Problems name shard,
    sample and field.

    Each shard is hashed again; where the hash is off, the checksum of each sample tells which one changed. Whole shards
    are read again: every image decodes to its stated size, the json parses, cameras are finite and rigid, all samples
    have the same fields.
    """
    store = open_store(folder)
    sizes = store.sizes()
    for tar in (name for name in sizes if name.endswith(".tar")):
        try:
            yield tar, verify_shard(store, tar)
        except ShardError as error:
            yield tar, [str(error)]
        except (KeyError, TypeError, OSError) as error:
            yield tar, [f"{store.at(tar)}: sidecar or tar unreadable: {type(error).__name__}: {error}"]
    yield str(store), _verify_folder(store, sizes)


def verify_shard(store: Store, tar: str) -> list[str]:
    """Returns the problems of one shard; none when it is whole."""
    sidecar = read_sidecar(store, sidecar_of(tar))
    data = store.read(tar)  # a shard is 100 to 300 MB
    name = store.at(tar)
    if len(data) != sidecar["bytes"]:
        return [f"{name}: expected {sidecar['bytes']} bytes, got {len(data)}: truncated or replaced"]
    if hashlib.sha256(data).hexdigest() != sidecar["sha256"]:
        changed = [
            entry["key"]
            for entry in sidecar["samples"]
            if zlib.crc32(memoryview(data)[entry["offset"] : entry["offset"] + entry["bytes"]]) != entry["crc32"]
        ]
        return [f"{name}: sample {key}: its bytes changed since it was written" for key in changed] or [
            f"{name}: the end of the tar changed"
        ]
    return _verify_content(name, sidecar, data)


def _verify_content(tar: str, sidecar: dict, data: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = {member.name: [member.offset_data, member.size] for member in archive}
    stated = {
        f"{entry['key']}.{field}": place for entry in sidecar["samples"] for field, place in entry["fields"].items()
    }
    if members != stated:
        odd = sorted(name for name in members.keys() | stated.keys() if members.get(name) != stated.get(name))
        return [f"{tar}: sidecar and tar disagree about {', '.join(odd[:4])}"]
    problems = []
    for entry in sidecar["samples"]:
        fields = {field: data[offset : offset + size] for field, (offset, size) in entry["fields"].items()}
        problems += check_sample(fields, f"{tar}: sample {entry['key']}")
        if fields.keys() != sidecar["samples"][0]["fields"].keys():
            problems.append(f"{tar}: sample {entry['key']}: not the fields of the first sample")
    return problems


def check_sample(fields: dict[str, bytes], name: str) -> list[str]:
    """Returns the problems of one sample, each beginning with `name`."""
    if "json" not in fields:
        return [f"{name}: no field json"]
    try:
        meta = parse_meta(fields["json"], name)
    except ShardError as error:
        return [str(error)]
    return [problem for size in meta.sizes for problem in _check_pictures(fields, meta.at_size(size, name), name)]


def _check_pictures(fields: dict[str, bytes], meta: SampleMeta, name: str) -> list[str]:
    """The problems of a sample's pictures of one size."""
    problems = []
    width, height, views = meta.cameras.width, meta.cameras.height, len(meta.cameras)
    for file in meta.files.values():
        for field in (file.format(view=view) for view in range(views)):
            if field not in fields:
                problems.append(f"{name}: no field {field}")
                continue
            try:
                shape = png.decode(fields[field]).shape
            except ValueError as error:
                problems.append(f"{name}: field {field}: {error}")
                continue
            if shape[:2] != (height, width):
                problems.append(
                    f"{name}: field {field}: expected {width} x {height} pixels, got {shape[1]} x {shape[0]}"
                )
    return problems


def _verify_folder(store: Store, sizes: dict[str, int]) -> list[str]:
    problems = [
        f"{store.at(name)}: a sidecar without its tar"
        for name in sizes
        if name.endswith(".json") and name != DATASET_FILE and name.removesuffix(".json") + ".tar" not in sizes
    ]
    index = store.at(DATASET_FILE)
    if DATASET_FILE not in sizes:
        return [
            *problems,
            f"{index}: missing: the run that wrote this folder did not finish; the same command continues it",
        ]
    try:
        dataset = json.loads(store.read(DATASET_FILE))
        expected = {shard["name"]: shard["sha256"] for shard in dataset["shards"]}
        if dataset["format"] != DATASET_FORMAT:
            problems.append(f"{index}: format: expected {DATASET_FORMAT}, got {dataset['format']}")
    except (ValueError, KeyError, TypeError) as error:
        return [*problems, f"{index}: unreadable: {type(error).__name__}: {error}"]
    names = {name for name in sizes if name.endswith(".tar")}
    problems += [f"{store.at(name)}: listed in {DATASET_FILE}, but missing" for name in sorted(expected.keys() - names)]
    problems += [f"{store.at(name)}: not listed in {DATASET_FILE}" for name in sorted(names - expected.keys())]
    for tar in tars_of(sizes):
        try:
            if tar in expected and read_sidecar(store, sidecar_of(tar))["sha256"] != expected[tar]:
                problems.append(f"{store.at(tar)}: its sidecar's sha256 is not the one in {DATASET_FILE}")
        except (ShardError, KeyError):
            pass  # named with its shard already
    return problems
