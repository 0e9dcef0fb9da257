"""What is done with a folder of shards: `verse verify`, `preview`, `export`, `view`."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from renderers.tables import FORMATS
from zeroverse.core.progress import progress
from zeroverse.core.usage import need

Shards = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DIR|URL")]


def _need_shards(where: str) -> str:
    from renderers.shards import storage

    need(storage.open_store(where).exists(), "DIR", "a folder that exists", where)
    return where


@dataclass
class Verify:
    """Hash and read again every shard of a folder; names shard, sample and field of what is wrong.

    Exit status 1 if anything is.
    """

    folder: Shards
    """A folder or fsspec URL of shards."""
    rebuild: int = 0
    """Also make so many of the samples again, from the settings they record, and compare every field byte for byte."""
    assets: Path | None = None
    """Where the files are, to rebuild samples of `generate files`; the cache, for those of `generate objaverse`."""

    def run(self) -> int:
        from renderers.shards import storage

        store = storage.open_store(self.folder)
        need(store.exists(), "DIR", "a folder that exists", store)
        need(self.rebuild >= 0, "--rebuild", "at least 0", self.rebuild)
        shards, samples, problems = self._stored(store)
        if self.rebuild and not problems:
            problems = self._made_again(store)
        for problem in problems:
            print(problem, file=sys.stderr)
        if not problems:
            again = f", {min(self.rebuild, samples)} made again to the same bytes" if self.rebuild else ""
            print(f"{store}: {shards} shards, {samples} samples, all whole{again}")
        return 1 if problems else 0

    def _stored(self, store) -> tuple[int, int, list[str]]:
        from renderers import shards
        from renderers.shards import verify

        tars = sum(name.endswith(".tar") for name in store.sizes())
        problems = [] if tars else [f"{store}: no shards"]
        with progress("verify", "shard", tars) as bar:
            for _, found in verify.verify(store):
                problems += found
                bar.update(1 if bar.n < tars else 0)
        return tars, 0 if problems else len(shards.ShardReader(store)), problems

    def _made_again(self, store) -> list[str]:
        from renderers.farm import rebuild

        with progress("rebuild", "object", self.rebuild) as bar:
            problems = []
            for found in rebuild.rebuild(store, self.rebuild, str(self.assets) if self.assets else None):
                problems += found
                bar.update()
        return problems


@dataclass(kw_only=True)
class Preview:
    """Draw a folder of shards as contact_sheet.png and a self-contained index.html to filter, browse and see large."""

    folder: Shards
    """A folder or fsspec URL of shards."""
    out: Path
    """Folder for the pictures."""
    limit: int = 200
    """Show the first so many objects."""
    sheet: tuple[str, ...] = ()
    """Also a contact sheet of each of these passes: --sheet rgb normal gives contact_sheet_rgb.png and
    contact_sheet_normal.png.
    """

    def run(self) -> int:
        from renderers.gallery.preview import preview

        need(self.limit >= 1, "--limit", "at least 1", self.limit)
        with progress("preview", "object") as bar:

            def on_done(total: int) -> None:
                bar.total = total
                bar.update()

            paths = preview(_need_shards(self.folder), self.out, self.limit, self.sheet, on_done)
        for path in paths:
            print(path)
        return 0


@dataclass(kw_only=True)
class Export:
    """Shards -> one folder per object, as other software reads them: nerfstudio, 3DGS, NeRF, Zero-1-to-3, LRMs.

    Images are copied byte for byte. Run the same command again to continue. Example: verse export data --format colmap
    --out data-colmap
    """

    folder: Shards
    """A folder or fsspec URL of shards."""
    format: Literal[tuple(FORMATS)]
    """transforms: nerfstudio and instant-ngp; blender: NeRF-synthetic with a seeded split; colmap: text model with
    points from exact depth, for 3DGS; opencv: opencv_cameras.json, a list as LaCT reads it; facelift: the same, a dict
    with frames; zero123: Zero-1-to-3; glb: meshes (of shards made with --meshes).
    """
    out: Path
    """Folder for the objects' folders."""
    limit: int | None = None
    """Only the first so many objects; default: all."""
    seed: int = 0
    """Of the blender split and of which pixels become points."""

    def run(self) -> int:
        from renderers.formats.export import export
        from renderers.shards import ShardReader

        need(self.limit is None or self.limit >= 1, "--limit", "at least 1", self.limit)
        count = len(ShardReader(_need_shards(self.folder)).keys[: self.limit])
        with progress(f"{self.format} -> {self.out}", "object", count) as bar:
            done = export(self.folder, self.out, self.format, self.seed, self.limit, on_done=lambda uid: bar.update())
        print(f"{self.out}: {done.written} objects written, {done.kept} already there")
        return 0


@dataclass(kw_only=True)
class View:
    """Walk around the objects of a folder of shards in the browser: mesh or points, cameras with their images (needs
    the viser extra).

    Example: verse view data
    """

    folder: Shards
    """A folder or fsspec URL of shards."""
    port: int = 8080
    """Serve on this port of this machine."""
    html: Path | None = None
    """Do not serve: write this one self-contained page with the object --sample, and end."""
    sample: int = 0
    """Which object is shown first."""

    def run(self) -> int:
        from renderers.gallery import viewer

        _need_shards(self.folder)
        if self.html is None:
            viewer.serve(self.folder, self.port, self.sample)
        else:
            print(viewer.write_page(self.folder, self.html, self.sample))
        return 0
