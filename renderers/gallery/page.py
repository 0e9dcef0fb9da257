"""The gallery: one HTML file to filter a dataset by words and facets and to see each object large. No other file, no
network, no library.
"""

import html
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, features

from renderers.shards import DATASET_FILE, SampleMeta, ShardReader
from zeroverse.core.images import data_uri, encoded

PAGE_BYTES = 15_000_000  # the page's size decides how large the pictures in it are
TILES = (512, 384, 320, 256, 224, 192, 176, 160, 144, 128, 112, 96, 80, 64)  # sizes to choose from, pixels
# Seen enlarged, more pixels of less quality look better than fewer of more. For one size of page AVIF at 35 holds tiles
# of 192 pixels where WebP at 60 holds 112; Pillow has it from 11.3.
KIND, QUALITIES, OPTIONS = (
    ("AVIF", (65, 35), {"speed": 8}) if features.check("avif") else ("WEBP", (85, 60), {"method": 4})
)
_FACETS = (
    ("shapes", "shape", "kind"),
    ("edits", "edit", "kind"),
    ("textures", "texture", "family"),
)  # facet, and where a recipe says it


def facets(meta: SampleMeta) -> dict[str, list[str]]:
    """Returns what an object can be found by: {facet: sorted values}, read from its recipe; files have parts only."""
    recipe = json.loads(meta.recipe)
    found = {
        name: {str(node[key]) for node in _under(recipe, parent) if isinstance(node, dict) and key in node}
        for name, parent, key in _FACETS
    }
    if recipe:
        found["edits"] |= {"height field"} if any(_under(recipe, "height")) else set()
        found["edits"] |= set() if found["edits"] else {"none"}
    if isinstance(recipe.get("family"), str):
        found["families"] = {recipe["family"]}
    return {"parts": [str(len(meta.parts))]} | {name: sorted(values) for name, values in found.items() if values}


def _under(node, wanted: str) -> Iterator:
    """The values of every key `wanted`, at any depth."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == wanted:
                yield value
            yield from _under(value, wanted)
    elif isinstance(node, list):
        for value in node:
            yield from _under(value, wanted)


def page(
    reader: ShardReader,
    indices: list[int],
    pictures: Callable[[int], list[tuple[str, np.ndarray]]],
    on_done: Callable[[int], None] = lambda total: None,
) -> str:
    """Returns the HTML of these objects. `pictures(index)` gives an object's (name, image [H, W, 3] uint8), of one
    size, the same names for all.
    """
    metas = [reader.meta(index) for index in indices]
    words = sum(len(meta.recipe) + 2000 for meta in metas)  # the rest of an article and of its data is short
    examples = [pictures(indices[len(indices) * i // 4]) for i in range(min(4, len(indices)))]
    tile, quality = choose_tile(examples, (PAGE_BYTES - words) / len(indices))
    prefix = _shared_prefix([reader.keys[index] for index in indices])
    objects, articles = [], []
    for index, meta in zip(indices, metas):
        shown = pictures(index)
        objects.append(
            {
                "caption": meta.caption,
                "recipe": meta.recipe,
                "parts": list(meta.parts),
                "uid": meta.uid,
                "provenance": meta.provenance,
                "pictures": [name for name, _ in shown],
            }
        )
        articles.append(
            _article(meta, meta.uid.removeprefix(prefix), sprite([image for _, image in shown], tile, quality))
        )
        on_done(len(indices))
    columns = _columns(len(objects[0]["pictures"]))
    title = f"{Path(reader.folder).resolve().name}: {len(reader)} objects"
    data = json.dumps(objects, separators=(",", ":")).replace("</", "<\\/")
    return _filled(
        title=html.escape(title),
        columns=columns,
        rows=-(-len(objects[0]["pictures"]) // columns),
        tile=tile,
        summary=html.escape(_summary(reader, metas[0])),
        count=len(indices),
        panel=_panel([facets(meta) for meta in metas]) + _mishaps(reader),
        articles="".join(articles),
        data=data,
    )


def _filled(**values) -> str:
    """Returns page.html with each {{name}} replaced by its value, in one pass: what a value says is never a name."""
    template = Path(__file__).with_name("page.html").read_text(encoding="utf-8").removesuffix("\n")
    return re.sub(r"\{\{(\w+)\}\}", lambda match: str(values[match[1]]), template)


def sprite(images: list[np.ndarray], tile: int, quality: int) -> bytes:
    """Returns the pictures in rows of one image, each `tile` pixels."""
    columns = _columns(len(images))
    sheet = Image.new("RGB", (columns * tile, -(-len(images) // columns) * tile), "white")
    for number, image in enumerate(images):
        scaled = Image.fromarray(image)
        scaled.thumbnail((tile, tile), Image.Resampling.LANCZOS)
        left, top = number % columns * tile, number // columns * tile
        sheet.paste(scaled, (left + (tile - scaled.width) // 2, top + (tile - scaled.height) // 2))
    return encoded(sheet, KIND, quality=quality, **OPTIONS)


def choose_tile(examples: list[list[tuple[str, np.ndarray]]], room: float) -> tuple[int, int]:
    """Returns the largest tile, and its best quality, with which objects like the examples take `room` bytes each;
    never larger than the pictures.
    """
    largest = min(max(examples[0][0][1].shape), TILES[0])
    choices = [
        (tile, quality) for tile in (largest, *(tile for tile in TILES if tile < largest)) for quality in QUALITIES
    ]
    for tile, quality in choices:
        average = sum(len(sprite([image for _, image in shown], tile, quality)) for shown in examples) / len(examples)
        if average * 4 / 3 <= 0.93 * room:  # base64 makes 4 of 3; the examples may be smaller than the rest
            return tile, quality
    return choices[-1]


def _shared_prefix(names: list[str]) -> str:
    """What all names begin with, up to a '-' or '_': left out on the cards. Empty for a single name."""
    shared = os.path.commonprefix(names) if len(names) > 1 else ""
    return shared[: max(shared.rfind("-"), shared.rfind("_")) + 1]


def _columns(count: int) -> int:
    return int(np.ceil(np.sqrt(count)))


def _article(meta: SampleMeta, name: str, picture: bytes) -> str:
    found = facets(meta)
    tags = "|" + "".join(f"{name}={value}|" for name, values in found.items() for value in values)
    caption = meta.caption or meta.uid
    text = (
        f"{meta.uid} {caption} {' '.join(meta.parts)} "
        f"{' '.join(value for values in found.values() for value in values)}"
    ).lower()
    style = f"--sprite:url({data_uri(picture, KIND)})"
    caption = html.escape(caption)
    return (
        f'<article tabindex="0" role="button" data-text="{html.escape(text)}" data-tags="{html.escape(tags)}" '
        f'style="{style}">'
        f'<div class="tile" role="img" '
        f'aria-label="{caption}"></div><h2>{html.escape(name)}</h2><p>{caption}</p></article>\n'
    )


def _panel(found: list[dict[str, list[str]]]) -> str:
    """The facets with how many objects have each value, as bars to press."""
    blocks = []
    for name in dict.fromkeys(name for row in found for name in row):
        counts = Counter(value for row in found for value in row.get(name, []))
        order = sorted(counts, key=lambda value: (int(value),) if value.isdigit() else (-counts[value], value))
        rows = "".join(
            f'<button aria-pressed="false" data-tag="{html.escape(f"|{name}={value}|")}" '
            f'style="--share:{counts[value] / len(found):.3f}">'
            f"<span>{html.escape(value)}</span><span>{counts[value]}</span></button>"
            for value in order
        )
        blocks.append(f'<details open><summary>{html.escape(name)}</summary><div class="bars">{rows}</div></details>')
    return "".join(blocks)


def _dataset(reader: ShardReader) -> dict:
    return json.loads(reader.store.read(DATASET_FILE)) if DATASET_FILE in reader.store.sizes() else {}


def _summary(reader: ShardReader, meta: SampleMeta) -> str:
    size = sum(shard["bytes"] for shard in _dataset(reader).get("shards", []))
    stored = f", {size / len(reader) / 1e6:.2g} MB an object" if size else ""
    labels = ", ".join(f"{key} {getattr(meta, key)}" for key in ("rig", "light", "renderer") if getattr(meta, key))
    return (
        f"{len(meta.cameras)} views of {meta.cameras.width} × {meta.cameras.height} px{stored}; "
        f"{', '.join(meta.passes)}; {labels}"
    )


def _mishaps(reader: ShardReader) -> str:
    """Failures and replaced draws by reason, when the folder's index is there and has some."""
    dataset = _dataset(reader)
    rows = [
        f"<tr><td>{times} ×</td><td>drawn again: {html.escape(reason)}</td></tr>"
        for reason, times in dataset.get("redraws", {}).items()
    ]
    rows += [
        f"<tr><td>failed</td><td>{html.escape(row['name'])}: {html.escape(row['reason'])}</td></tr>"
        for row in dataset.get("failed", [])
    ]
    return f"<details><summary>rejects</summary><table>{''.join(rows)}</table></details>" if rows else ""
