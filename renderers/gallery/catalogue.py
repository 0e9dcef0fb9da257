"""The catalogue of DetailVerse: a page with one picture and one recipe for every family and every detail, and the
pictures of the README.
"""

import html
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import renderers
from detailverse import details, families, grammar
from detailverse.grammar.recipe import Layer, Recipe
from renderers.cameras import FOV_X_DEG, look_at, pinhole, spherical
from renderers.lighting import STUDIO
from renderers.passes import on_white
from zeroverse.asset import Asset
from zeroverse.core.files import write_whole
from zeroverse.core.images import data_uri, encoded
from zeroverse.core.rng import Rng
from zeroverse.shapes.solid import Rejected

SIDE = 320  # pixels of a picture
VIEW = (-60.0, 22.0)  # azimuth and elevation in degrees
FILLED = 0.88  # of the picture, by the object
SWATCH_SEED = 0
COLUMNS = 6
SHEET_QUALITY = 82


def catalogue(out: Path, seed: int = 0, on_done: Callable[[int], None] = lambda total: None) -> list[Path]:
    """Writes index.html, families.webp, details.webp and recipes/<name>.json. `on_done` hears the number of pictures
    after each of them.
    """
    names = [name for name, _, weight, _ in families.FAMILIES if weight > 0]
    total = len(names) + len(details.DETAILS)
    (out / "recipes").mkdir(parents=True, exist_ok=True)
    groups = {}
    for title, entries in (("families", family_assets(names, seed)), ("details", detail_assets())):
        groups[title] = []
        for name, asset in entries:
            groups[title].append((name, asset.caption, picture(asset)))
            write_whole(out / "recipes" / f"{name}.json", json.dumps(asset.recipe, indent=1).encode())
            on_done(total)
    paths = [out / f"{title}.webp" for title in groups]
    for path, entries in zip(paths, groups.values()):
        write_whole(path, _webp(_sheet(entries), SHEET_QUALITY))
    write_whole(out / "index.html", _page(groups).encode())
    return [out / "index.html", *paths]


def family_assets(names, seed: int) -> Iterator[tuple[str, Asset]]:
    """Returns one object of each family at level 4."""
    for name in names:
        yield name, grammar.make(seed, 0, name, 4)


def detail_assets() -> Iterator[tuple[str, Asset]]:
    """Returns each detail alone on a swatch."""
    bare = grammar.sample(Rng("catalogue", SWATCH_SEED), "swatch", 4)
    for name, kind in details.BY_NAME.items():
        drawn = (kind.sample(Rng("catalogue", name, attempt)) for attempt in range(grammar.ATTEMPTS))
        yield (
            name,
            _first(
                Recipe(bare.version, 4, bare.texture_size, bare.family, {"body": (Layer(1, detail),)}, bare.finishes)
                for detail in drawn
            ),
        )


def _first(recipes) -> Asset:
    """Of the first recipe that passes the gates."""
    reasons = []
    for recipe in recipes:
        try:
            return grammar.build(recipe, "detail")[0]
        except Rejected as error:
            reasons.append(error.reason)
    raise Rejected(f"a detail on a swatch: {', '.join(reasons)}")


def picture(asset: Asset, side: int = SIDE) -> np.ndarray:
    """Returns the object on white under studio light, [side, side, 3] uint8."""
    azimuth, elevation = VIEW
    center = spherical(np.array([azimuth]), np.array([elevation]), 1.0)
    points = np.concatenate([mesh.vertices for mesh in asset.scene.geometry.values()])
    cameras = pinhole(look_at(center * _distance(points @ look_at(center)[0, :3, :3])), side)
    images = renderers.load("cpu").render(asset, cameras, STUDIO, ("rgb", "alpha"))
    return on_white(images["rgb"][0, ..., :3], images["alpha"][0])


def _distance(points: np.ndarray) -> float:
    """From the origin, of a camera that sees points [N, 3], given along its axes, in `FILLED` of its picture."""
    across = np.abs(points[:, :2]).max(axis=1) / (FILLED * np.tan(np.radians(FOV_X_DEG) / 2))
    return float((across - points[:, 2]).max())


def _sheet(entries) -> Image.Image:
    rows = -(-len(entries) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * SIDE, rows * SIDE), "white")
    pen = ImageDraw.Draw(sheet)
    for number, (name, _, image) in enumerate(entries):
        left, top = number % COLUMNS * SIDE, number // COLUMNS * SIDE
        sheet.paste(Image.fromarray(image), (left, top))
        pen.text((left + 8, top + SIDE - 18), name.replace("_", " "), fill=(90, 90, 90))
    return sheet


def _webp(image: np.ndarray | Image.Image, quality: int) -> bytes:
    return encoded(image, "WEBP", quality=quality, method=4)


_STYLE = """body{font:15px system-ui,sans-serif;margin:2rem;color:#222}h2{margin-top:2rem}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(220px,1fr));gap:1rem}
figure{margin:0}img{width:100%;border-radius:6px;background:#fff}figcaption{font-size:13px}a{color:#246}"""


def _page(groups) -> str:
    """Self-contained but for the recipes, which lie beside it."""
    sections = []
    for title, entries in groups.items():
        figures = "".join(
            f'<figure><img alt="{html.escape(caption)}" '
            f'src="{data_uri(_webp(image, 80), "WEBP")}">'
            f'<figcaption><b>{html.escape(name.replace("_", " "))}</b> <a href="recipes/{name}.json">recipe</a><br>'
            f"{html.escape(caption)}</figcaption></figure>"
            for name, caption, image in entries
        )
        sections.append(f'<h2>{title.capitalize()} ({len(entries)})</h2><div class="grid">{figures}</div>')
    return (
        f'<!doctype html><meta charset="utf-8"><title>DetailVerse '
        f"catalogue</title><style>{_STYLE}</style><h1>DetailVerse</h1>{''.join(sections)}"
    )
