"""Files that are whole or absent: the one home of "temporary name, fsync, rename"; and what tells their content
apart.
"""

import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def write_whole(path: Path, data: bytes) -> None:
    """Writes a small file so that a crash leaves the old one or the new one, never a part."""
    with replacing(path) as file:
        file.write(data)


def walked(folder: Path) -> Iterator[Path]:
    """Yields the files of a folder and of its sub-folders, and those of folders elsewhere that symbolic links in it
    lead to. No folder comes twice: of several ways to it the one without links counts, then the first by name.
    """
    root, seen = os.path.realpath(folder), set()
    for place, folders, files in os.walk(folder, followlinks=True):
        seen.add(os.path.realpath(place))
        folders[:] = [name for name in sorted(folders) if _leads_on(os.path.join(place, name), root, seen)]
        yield from (Path(place, file) for file in sorted(files))


def _leads_on(folder: str, root: str, seen: set[str]) -> bool:
    if not os.path.islink(folder):
        return os.path.realpath(folder) not in seen
    real = os.path.realpath(folder)
    return real not in seen and os.path.commonpath([real, root]) not in (real, root)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Opens a temporary file that takes the name `path` when the block ends well, on disk by then; otherwise nothing of
    it stays.
    """
    temporary = path.with_name(f"{path.name}.tmp-{socket.gethostname()}-{os.getpid()}")
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:  # KeyboardInterrupt too: nothing half-written stays, whatever stopped us
        if temporary.exists():
            temporary.unlink()
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def digest(path: str | Path) -> str:
    """Returns the SHA-256 of a file, or of the files in a folder by name, read in pieces."""
    path, total = Path(path), hashlib.sha256()
    for file in [path] if path.is_file() else sorted(file for file in path.iterdir() if file.is_file()):
        with open(file, "rb") as stream:
            while block := stream.read(1 << 22):
                total.update(block)
    return total.hexdigest()
