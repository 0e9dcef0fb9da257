"""The folder layouts that other software reads: a `Format` in one file each, and a row in `renderers.tables.FORMATS`.
`renderers.formats.export` writes them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from renderers.formats.sample import ExportError, Sample

__all__ = ["ExportError", "Format", "Sample"]


@dataclass(frozen=True)
class Format:
    """A folder layout. write(sample, folder, seed) fills the empty folder of one object; needs: passes, or fields of a
    sample; meaning: what reads it; index(names) gives the files {name: text} that list all objects, written beside
    their folders at the end.
    """

    name: str
    write: Callable[[Sample, Path, int], None]
    needs: tuple[str, ...]
    meaning: str
    index: Callable[[list[str]], dict[str, str]] = lambda names: {}
