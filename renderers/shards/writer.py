"""Writes a shard so that what carries its final name is whole: the tar first, then its sidecar."""

import hashlib
import tarfile
import zlib
from collections.abc import Iterable

from renderers.shards.format import SHARD_FORMAT, ShardError, canonical, read_sidecar, sidecar_of
from renderers.shards.storage import Store
from zeroverse.asset import LONGEST_UID

_BLOCK = 512
_RECORD = 10240  # a tar ends with zeros up to a multiple of this


def write_shard(store: Store, name: str, samples: Iterable[tuple[str, dict[str, bytes]]], stamp: dict) -> dict:
    """Writes the samples (key, {field: bytes}) to the tar `name`, then its sidecar; returns the sidecar's content.

    The tar appears under its name only when it is whole and on disk; the sidecar, `stamp` merged into it, follows.
    `mtime` is 0 and the owner empty, so that equal samples give equal bytes. Every sample must have the fields of the
    first. Raises ShardError otherwise.
    """
    with store.writing(name) as file:
        entries, digest = _write_tar(file, samples, name)
        size = file.tell()
        if not _vouches(
            store, name, size, digest
        ):  # two runs may make one shard at a time; what the other finished stays finished
            store.remove(sidecar_of(name))  # the one of an earlier tar must never vouch for this one
    sidecar = {"format": SHARD_FORMAT, "shard": name, "bytes": size, "sha256": digest, "samples": entries, **stamp}
    try:
        store.write(sidecar_of(name), canonical(sidecar))
    except BaseException:
        store.remove(name)  # on a full disk it would only hold the place that the next try needs
        raise
    return sidecar


def _vouches(store: Store, name: str, size: int, digest: str) -> bool:
    """Whether the sidecar that is there describes a tar of these bytes."""
    try:
        sidecar = read_sidecar(store, sidecar_of(name))
    except ShardError:
        return False
    return (sidecar["bytes"], sidecar["sha256"]) == (size, digest)


def _write_tar(file, samples, shard: str) -> tuple[list[dict], str]:
    digest = hashlib.sha256()
    entries: list[dict] = []
    for key, fields in samples:
        if not key or "." in key or "/" in key or len(key) > LONGEST_UID:
            raise ShardError(f"{shard}: key {key!r}: expected 1 to {LONGEST_UID} characters without dots and slashes")
        if entries and entries[0]["fields"].keys() != fields.keys():
            odd = sorted(entries[0]["fields"].keys() ^ fields.keys())
            raise ShardError(
                f"{shard}: sample {key}: expected the fields of sample {entries[0]['key']}; the difference is "
                f"{', '.join(odd)}"
            )
        entry = {"key": key, "offset": file.tell(), "fields": {}}
        checksum = 0
        for field in sorted(fields):
            header, body = _member(f"{key}.{field}", fields[field])
            entry["fields"][field] = [file.tell() + len(header), len(fields[field])]
            for piece in (header, body):
                file.write(piece)
                digest.update(piece)
                checksum = zlib.crc32(piece, checksum)
        entry |= {"bytes": file.tell() - entry["offset"], "crc32": checksum}
        entries.append(entry)
    end = b"\0" * (2 * _BLOCK + -(file.tell() + 2 * _BLOCK) % _RECORD)
    file.write(end)
    digest.update(end)
    return entries, digest.hexdigest()


def _member(name: str, data: bytes) -> tuple[bytes, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    info.mode = 0o644
    # a plain header has room for 100 characters; GNU's longer names are read by every tar
    layout = tarfile.USTAR_FORMAT if len(name) <= tarfile.LENGTH_NAME else tarfile.GNU_FORMAT
    return info.tobuf(layout), data + b"\0" * (-len(data) % _BLOCK)
