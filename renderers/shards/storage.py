"""Where shards live: a folder, or any fsspec URL (s3://, gs://, memory:// …). What carries its final name is whole.

Both kinds have the same methods and are small and picklable, so that workers on other machines open them for
themselves.
"""

import errno
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from zeroverse.core.files import replacing, write_whole

OBJECT_STORES = (
    "s3",
    "s3a",
    "gs",
    "gcs",
    "az",
    "abfs",
    "abfss",
    "oss",
)  # they have no folders, and making one would make a mistyped bucket


class Local:
    """A folder of this machine, or one that it mounts. Files are on disk (fsync) before they get their names
    (rename).
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)

    def __str__(self) -> str:
        return str(self.folder)

    def at(self, name: str) -> str:
        """Returns the full name of a file, for messages."""
        return str(self.folder / name)

    def exists(self) -> bool:
        return self.folder.is_dir()

    def prepare(self) -> None:
        if self.folder.is_symlink() and not self.folder.exists():
            raise FileNotFoundError(errno.ENOENT, f"a link to {os.readlink(self.folder)}, which is not there")
        self.folder.mkdir(parents=True, exist_ok=True)

    def sweep(self) -> None:
        """Remove the temporary files that killed processes of this machine left; those of live ones and of other
        machines stay.
        """
        for path in self.folder.glob(f"*.tmp-{socket.gethostname()}-*"):
            pid = path.name.rsplit("-", 1)[1]
            if pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
                path.unlink(missing_ok=True)

    def sizes(self) -> dict[str, int]:
        """Returns {name: bytes} of the files in the folder, sorted by name."""
        if not self.folder.is_dir():
            return {}
        with os.scandir(self.folder) as entries:
            sizes = ((entry.name, _size(entry)) for entry in entries if ".tmp-" not in entry.name)
            return dict(sorted((name, size) for name, size in sizes if size is not None))

    def read(self, name: str, offset: int = 0, size: int = -1) -> bytes:
        """Returns `size` bytes from `offset`; fewer at the end of the file. Raises FileNotFoundError."""
        with open(self.folder / name, "rb") as file:
            file.seek(offset)
            return file.read(size)

    def write(self, name: str, data: bytes) -> None:
        write_whole(self.folder / name, data)

    def writing(self, name: str):
        """Returns a context with a file to write to, which appears under its name when the block ends well."""
        return replacing(self.folder / name)

    def remove(self, name: str) -> None:
        if (self.folder / name).exists():  # asked first: a read-only folder refuses to unlink even what is not there
            (self.folder / name).unlink(missing_ok=True)


def _size(entry: os.DirEntry) -> int | None:
    """Bytes of a file; None for what is no file, or vanished since it was listed."""
    try:
        return entry.stat().st_size if entry.is_file() else None
    except FileNotFoundError:
        return None


class Remote:
    """A folder behind an fsspec URL. A file is made here and put there in one piece; object stores show it when all of
    it has arrived.
    """

    def __init__(self, url: str):
        self.url = url.rstrip("/")

    def __str__(self) -> str:
        return self.url

    def at(self, name: str) -> str:
        return f"{self.url}/{name}"

    def _open(self):
        """(filesystem, path). fsspec keeps one filesystem per process: cheap to ask for, and right after a fork."""
        import fsspec

        return fsspec.core.url_to_fs(self.url)

    def exists(self) -> bool:
        return bool(self.sizes())

    def prepare(self) -> None:
        filesystem, path = self._open()
        if self.url.split("://")[0] not in OBJECT_STORES:
            filesystem.makedirs(path, exist_ok=True)

    def sweep(self) -> None:
        """Does nothing: what did not arrive whole is not there."""

    def sizes(self) -> dict[str, int]:
        filesystem, path = self._open()
        filesystem.invalidate_cache()  # other machines write here too
        try:
            entries = filesystem.ls(path, detail=True)
        except FileNotFoundError:
            return {}
        return dict(
            sorted(
                (entry["name"].rstrip("/").rsplit("/", 1)[-1], entry["size"])
                for entry in entries
                if entry["type"] == "file"
            )
        )

    def read(self, name: str, offset: int = 0, size: int = -1) -> bytes:
        filesystem, path = self._open()
        return filesystem.cat_file(f"{path}/{name}", start=offset or None, end=None if size < 0 else offset + size)

    def write(self, name: str, data: bytes) -> None:
        filesystem, path = self._open()
        filesystem.pipe_file(f"{path}/{name}", data)

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        filesystem, path = self._open()
        with tempfile.NamedTemporaryFile(prefix="verse-") as file:
            yield file
            file.flush()
            filesystem.put_file(file.name, f"{path}/{name}")

    def remove(self, name: str) -> None:
        filesystem, path = self._open()
        filesystem.invalidate_cache()
        if filesystem.exists(f"{path}/{name}"):
            filesystem.rm_file(f"{path}/{name}")


Store = Local | Remote


def open_store(where: str | Path | Store) -> Store:
    """Returns the folder or URL `where`. Raises ValueError naming the package that a kind of URL needs, or that it is
    unknown.
    """
    if isinstance(where, Store):
        return where
    text = str(where)
    if text.startswith("file://"):
        return Local(text.removeprefix("file://"))
    if "://" not in text:
        return Local(where)
    store = Remote(text)
    try:
        store._open()
    except (ImportError, ValueError) as error:
        raise ValueError(f"{text}: {error}") from error
    return store
