"""Multi-view WebDataset shards: the schema, a writer that never leaves half a shard, a random-access reader, and `verify`.

A shard is a plain tar that `webdataset` reads without this code: members `<uid>.<field>`, with the fields of one sample in a row:
`rgb_000.png` (RGBA) and the other passes per view as `passes.PASSES` says, `json` (cameras, caption, recipe, labels), and `mesh.glb` when
asked for. Beside each tar lies a sidecar `.json` with its hash and the place of every field; it is written last and means "whole".
"""
import hashlib
import io
import json
import os
import socket
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from renderers import png
from renderers.camera import Cameras
from renderers.passes import PASSES, dequantise

SHARD_FORMAT = "verse-shard/1"
SAMPLE_FORMAT = "verse-sample/1"
DATASET_FORMAT = "verse-dataset/1"
DATASET_FILE = "dataset.json"
_BLOCK = 512
_RECORD = 10240  # a tar ends with zeros up to a multiple of this


class ShardError(ValueError):
    """A shard, sidecar or sample that is not what it should be; the message names it."""


# ---------------------------------------------------------------------------------------------------------------------------- writing


def canonical(value) -> bytes:
    """JSON with sorted keys and no spaces: equal values give equal bytes. NaN and infinity raise ValueError."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def write_whole(path: Path, data: bytes) -> None:
    """Write a small file so that a crash leaves the old one or the new one, never a part."""
    temporary = _temporary(path)
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def write_shard(path: Path, samples: Iterable[tuple[str, dict[str, bytes]]], stamp: dict) -> dict:
    """Write the samples (key, {field: bytes}) to the tar `path`, then its sidecar; returns the sidecar's content.

    The tar appears under its name only when it is whole and on disk; the sidecar, `stamp` merged into it, follows. `mtime` is 0 and the
    owner empty, so that equal samples give equal bytes. Every sample must have the fields of the first. Raises ShardError otherwise.
    """
    temporary = _temporary(path)
    try:
        with open(temporary, "wb") as file:
            entries, digest = _write_tar(file, samples, path.name)
            size = file.tell()
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:  # KeyboardInterrupt too: nothing half-written stays, whatever stopped us
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)
    sidecar = {"format": SHARD_FORMAT, "shard": path.name, "bytes": size, "sha256": digest, "samples": entries, **stamp}
    write_whole(path.with_suffix(".json"), canonical(sidecar))
    return sidecar


def _write_tar(file, samples, shard: str) -> tuple[list[dict], str]:
    digest = hashlib.sha256()
    entries: list[dict] = []
    for key, fields in samples:
        if not key or "." in key or "/" in key or len(key) > 80:
            raise ShardError(f"{shard}: key {key!r}: expected 1 to 80 characters without dots and slashes")
        if entries and entries[0]["fields"].keys() != fields.keys():
            odd = sorted(entries[0]["fields"].keys() ^ fields.keys())
            raise ShardError(f"{shard}: sample {key}: expected the fields of sample {entries[0]['key']}; the difference is {', '.join(odd)}")
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
    return info.tobuf(tarfile.USTAR_FORMAT), data + b"\0" * (-len(data) % _BLOCK)


def _temporary(path: Path) -> Path:
    return path.with_name(f"{path.name}.tmp-{socket.gethostname()}-{os.getpid()}")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# ---------------------------------------------------------------------------------------------------------------------------- reading


def read_sidecar(path: Path) -> dict:
    """A shard's sidecar. Raises ShardError naming the file for anything but a sidecar of this version."""
    try:
        sidecar = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ShardError(f"{path}: missing; without its sidecar a tar is not known to be whole") from None
    except ValueError as error:
        raise ShardError(f"{path}: not JSON: {error}") from error
    if not isinstance(sidecar, dict) or "format" not in sidecar:
        raise ShardError(f"{path}: not the sidecar of a shard")
    if sidecar["format"] != SHARD_FORMAT:
        raise ShardError(f"{path}: format: expected {SHARD_FORMAT}, got {sidecar['format']}")
    return sidecar


def sidecars(folder: Path) -> list[Path]:
    """The sidecars in a folder, in shard order."""
    return [path.with_suffix(".json") for path in sorted(folder.glob("*.tar")) if path.with_suffix(".json").exists()]


class ShardReader:
    """Random access to the samples of a folder of shards: reads and decodes only the fields asked for.

    Raises ShardError when the folder holds no whole shard, or a shard whose size is not the one its sidecar states.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise ShardError(f"{self.folder}: no such folder")
        self._samples: list[tuple[Path, dict]] = []
        hashes = []
        for path in sidecars(self.folder):
            sidecar = read_sidecar(path)
            tar = path.with_suffix(".tar")
            if tar.stat().st_size != sidecar["bytes"]:
                raise ShardError(f"{tar}: expected {sidecar['bytes']} bytes, got {tar.stat().st_size}: truncated or replaced")
            hashes.append(sidecar["sha256"])
            self._samples += [(tar, entry) for entry in sidecar["samples"]]
        if not self._samples:
            raise ShardError(f"{self.folder}: no samples in whole shards (a .tar with its .json beside it)")
        self.fingerprint = hashlib.sha256("".join(hashes).encode()).hexdigest()  # names the data, in checkpoints

    def __len__(self) -> int:
        return len(self._samples)

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(entry["key"] for _, entry in self._samples)

    def field(self, index: int, field: str) -> bytes:
        """The bytes of one field of sample `index`."""
        tar, entry = self._samples[index]
        if field not in entry["fields"]:
            raise ShardError(f"{tar}: sample {entry['key']}: no field {field}; it has {', '.join(_summary(entry['fields']))}")
        offset, size = entry["fields"][field]
        with open(tar, "rb") as file:
            file.seek(offset)
            data = file.read(size)
        if len(data) != size:
            raise ShardError(f"{tar}: sample {entry['key']}: field {field}: expected {size} bytes, got {len(data)}")
        return data

    def has(self, index: int, field: str) -> bool:
        return field in self._samples[index][1]["fields"]

    def meta(self, index: int) -> dict:
        """The sample's json. Raises ShardError naming the sample when it is not one of this version."""
        return check_meta(self.field(index, "json"), self._name(index))

    def cameras(self, index: int) -> Cameras:
        return cameras_of(self.meta(index))

    def read(self, index: int, names: Iterable[str] = ("rgb",), views: Iterable[int] | None = None) -> dict[str, np.ndarray]:
        """{pass: array [V, H, W, C]} of the wanted passes and views (default: all views), as the renderer made them up to storage."""
        meta = self.meta(index)
        views = range(len(meta["cameras"]["c2w"])) if views is None else views
        names = tuple(names)
        arrays: dict[str, list] = {name: [] for name in names}
        for view in views:
            stored: dict[str, np.ndarray] = {}
            for name in names:
                file = PASSES["rgb" if name == "alpha" else name].file.format(view=view)
                if file not in stored:
                    stored[file] = self._image(index, file, meta)
                image = stored[file]
                arrays[name].append(image[..., 3:] if name == "alpha" else dequantise(name, image))
        return {name: np.stack(images) for name, images in arrays.items()}

    def _image(self, index: int, field: str, meta: dict) -> np.ndarray:
        try:
            image = png.decode(self.field(index, field))
        except ShardError:
            raise
        except ValueError as error:
            raise ShardError(f"{self._name(index)}: field {field}: {error}") from error
        width, height = meta["image_size"]
        if image.shape[:2] != (height, width):
            raise ShardError(f"{self._name(index)}: field {field}: expected {width} x {height} pixels, got {image.shape[1]} x {image.shape[0]}")
        return image

    def _name(self, index: int) -> str:
        tar, entry = self._samples[index]
        return f"{tar}: sample {entry['key']}"


def check_meta(data: bytes, name: str) -> dict:
    """A sample's json, checked. Raises ShardError beginning with `name`."""
    try:
        meta = json.loads(data)
    except ValueError as error:
        raise ShardError(f"{name}: json: {error}") from error
    if not isinstance(meta, dict) or meta.get("format") != SAMPLE_FORMAT:
        raise ShardError(f"{name}: json: format: expected {SAMPLE_FORMAT}, got {meta.get('format') if isinstance(meta, dict) else type(meta).__name__}")
    missing = {"cameras", "image_size", "passes", "uid"} - meta.keys()
    if missing:
        raise ShardError(f"{name}: json: missing {', '.join(sorted(missing))}")
    unknown = set(meta["passes"]) - PASSES.keys()
    if unknown:
        raise ShardError(f"{name}: json: passes: unknown {', '.join(sorted(unknown))}; expected some of {', '.join(PASSES)}")
    try:
        cameras_of(meta)
    except (KeyError, TypeError, ValueError) as error:
        raise ShardError(f"{name}: json: cameras: {error}") from error
    return meta


def cameras_of(meta: dict) -> Cameras:
    return Cameras(np.array(meta["cameras"]["c2w"]), np.array(meta["cameras"]["intrinsics"]), *meta["image_size"])


def _summary(fields: Iterable[str]) -> list[str]:
    """Field names with the view numbers folded: rgb_*.png."""
    return sorted({field.rsplit("_", 1)[0] + "_*.png" if field.endswith(".png") else field for field in fields})


# -------------------------------------------------------------------------------------------------------------------------- verifying


def verify(folder: str | Path) -> Iterator[tuple[str, list[str]]]:
    """Check a dataset: yields (what was checked, its problems) per shard, then for the folder. Problems name shard, sample and field.

    Each shard is hashed again; where the hash is off, the checksum of each sample tells which one changed. Whole shards are read again:
    every image decodes to its stated size, the json parses, cameras are finite and rigid, all samples have the same fields.
    """
    folder = Path(folder)
    tars = sorted(folder.glob("*.tar"))
    for tar in tars:
        try:
            yield tar.name, verify_shard(tar)
        except ShardError as error:
            yield tar.name, [str(error)]
        except (KeyError, TypeError, OSError) as error:
            yield tar.name, [f"{tar}: sidecar or tar unreadable: {type(error).__name__}: {error}"]
    yield folder.name or str(folder), _verify_folder(folder, tars)


def verify_shard(tar: Path) -> list[str]:
    """The problems of one shard; none when it is whole."""
    sidecar = read_sidecar(tar.with_suffix(".json"))
    data = tar.read_bytes()  # a shard is 100 to 300 MB
    if len(data) != sidecar["bytes"]:
        return [f"{tar}: expected {sidecar['bytes']} bytes, got {len(data)}: truncated or replaced"]
    if hashlib.sha256(data).hexdigest() != sidecar["sha256"]:
        changed = [entry["key"] for entry in sidecar["samples"]
                   if zlib.crc32(memoryview(data)[entry["offset"]:entry["offset"] + entry["bytes"]]) != entry["crc32"]]
        return [f"{tar}: sample {key}: its bytes changed since it was written" for key in changed] or [f"{tar}: the end of the tar changed"]
    return _verify_content(tar, sidecar, data)


def _verify_content(tar: Path, sidecar: dict, data: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = {member.name: [member.offset_data, member.size] for member in archive}
    stated = {f"{entry['key']}.{field}": place for entry in sidecar["samples"] for field, place in entry["fields"].items()}
    if members != stated:
        odd = sorted(name for name in members.keys() | stated.keys() if members.get(name) != stated.get(name))
        return [f"{tar}: sidecar and tar disagree about {', '.join(odd[:4])}"]
    problems = []
    for entry in sidecar["samples"]:
        fields = {field: data[offset:offset + size] for field, (offset, size) in entry["fields"].items()}
        problems += check_sample(fields, f"{tar}: sample {entry['key']}")
        if fields.keys() != sidecar["samples"][0]["fields"].keys():
            problems.append(f"{tar}: sample {entry['key']}: not the fields of the first sample")
    return problems


def check_sample(fields: dict[str, bytes], name: str) -> list[str]:
    """The problems of one sample, each beginning with `name`."""
    if "json" not in fields:
        return [f"{name}: no field json"]
    try:
        meta = check_meta(fields["json"], name)
    except ShardError as error:
        return [str(error)]
    problems = []
    width, height = meta["image_size"]
    views = len(meta["cameras"]["c2w"])
    for file in (PASSES[name].file for name in meta["passes"] if PASSES[name].file):
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
                problems.append(f"{name}: field {field}: expected {width} x {height} pixels, got {shape[1]} x {shape[0]}")
    return problems


def _verify_folder(folder: Path, tars: list[Path]) -> list[str]:
    problems = [f"{path}: a sidecar without its tar" for path in sorted(folder.glob("*.json"))
                if path.name != DATASET_FILE and not path.with_suffix(".tar").exists()]
    index = folder / DATASET_FILE
    if not index.exists():
        return [*problems, f"{index}: missing: the run that wrote this folder did not finish; the same command continues it"]
    try:
        dataset = json.loads(index.read_bytes())
        expected = {shard["name"]: shard["sha256"] for shard in dataset["shards"]}
        if dataset["format"] != DATASET_FORMAT:
            problems.append(f"{index}: format: expected {DATASET_FORMAT}, got {dataset['format']}")
    except (ValueError, KeyError, TypeError) as error:
        return [*problems, f"{index}: unreadable: {type(error).__name__}: {error}"]
    names = {tar.name for tar in tars}
    problems += [f"{folder / name}: listed in {DATASET_FILE}, but missing" for name in sorted(expected.keys() - names)]
    problems += [f"{folder / name}: not listed in {DATASET_FILE}" for name in sorted(names - expected.keys())]
    for tar in tars:
        if tar.name in expected and tar.with_suffix(".json").exists():
            try:
                if read_sidecar(tar.with_suffix(".json"))["sha256"] != expected[tar.name]:
                    problems.append(f"{tar}: its sidecar's sha256 is not the one in {DATASET_FILE}")
            except (ShardError, KeyError):
                pass  # named with its shard already
    return problems
