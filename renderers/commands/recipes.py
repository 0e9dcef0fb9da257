"""The recipes of DetailVerse: `verse catalogue`, `verse regen`."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from zeroverse.core.progress import progress
from zeroverse.core.usage import need


@dataclass(kw_only=True)
class Catalogue:
    """Draw the catalogue of DetailVerse: index.html with a picture and a recipe for every family and every detail.

    Example: verse catalogue --out docs/catalogue
    """

    out: Path
    """Folder for the pages."""
    seed: int = 0

    def run(self) -> int:
        from renderers.gallery.catalogue import catalogue

        with progress("catalogue", "picture") as bar:

            def on_done(total: int) -> None:
                bar.total = total
                bar.update()

            paths = catalogue(self.out, self.seed, on_done)
        for path in paths:
            print(path)
        return 0


@dataclass(kw_only=True)
class Regen:
    """A recipe of DetailVerse -> its object: .glb, .json and .png. Recipes are small JSON files, safe to share and to
    edit by hand.

    Example: verse regen docs/catalogue/recipes/vase.json --out again --verify
    """

    recipe: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RECIPE")]
    """A .json file, or a folder of shards (see --sample)."""
    out: Path
    """Folder for the files."""
    level: Literal[0, 1, 2, 3, 4] | None = None
    """Another level of detail than the recipe's."""
    sample: int = 0
    """Which object of a folder of shards."""
    verify: bool = False
    """Exit status 1 unless the geometry has the hash that stands in the recipe."""

    def run(self) -> int:
        from renderers.gallery.regen import regen

        need(self.recipe.exists(), "RECIPE", "a file or folder that exists", self.recipe)
        done = regen(self.recipe, self.out, self.level, self.sample)
        for path in done.paths:
            print(path)
        same = done.geometry == done.expected
        if self.verify:
            print(
                f"geometry {done.geometry}: {'the same' if same else f'expected {done.expected}'}",
                file=sys.stdout if same else sys.stderr,
            )
        return 0 if same or not self.verify else 1
