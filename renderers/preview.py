"""What a dataset looks like: a contact sheet and a self-contained HTML gallery, drawn from the shards themselves."""
import base64
import html
import io
import json
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from renderers.passes import PASSES
from renderers.shards import DATASET_FILE, ShardReader, write_whole

TILE = 128  # pixels of one picture on the contact sheet
STRIP_UP_TO = 32  # with more objects than this, the contact sheet shows one picture of each
_PALETTE = np.array([(0, 0, 0)] + [(37 * i % 156 + 80, 97 * i % 156 + 80, 151 * i % 156 + 80) for i in range(1, 256)], np.uint8)  # part colours


def picture(name: str, image: np.ndarray) -> np.ndarray:
    """One view of a pass [H, W, C] as sRGB to look at: uint8 [H, W, 3]."""
    if name == "depth":
        seen = image[..., 0] > 0
        near, far = (image[seen].min(), image[seen].max()) if seen.any() else (0.0, 1.0)
        grey = np.where(seen, 235 - 180 * (image[..., 0] - near) / max(far - near, 1e-6), 255)
        return np.repeat(grey[..., None], 3, axis=-1).astype(np.uint8)
    if name == "normal":
        return np.where((image != 0).any(axis=-1, keepdims=True), (image + 1) * 127.5, 255).astype(np.uint8)
    if name == "part":
        return np.where(image > 0, _PALETTE[image[..., 0] % len(_PALETTE)], 255).astype(np.uint8)
    if image.shape[-1] != 3:
        return np.concatenate([image[..., :1], image[..., -1:], np.zeros_like(image[..., :1])], axis=-1)
    return image


def on_white(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Straight-alpha colour [..., 3] over white, uint8."""
    coverage = alpha.astype(np.float32) / 255
    return np.rint(rgb * coverage + 255 * (1 - coverage)).astype(np.uint8)


def strip(reader: ShardReader, index: int, views: int = 3) -> list[tuple[str, np.ndarray]]:
    """(caption, picture) of a sample: some views in colour, then the other passes of the first one."""
    meta = reader.meta(index)
    count = len(meta["cameras"]["c2w"])
    chosen = [round(i * count / views) % count for i in range(min(views, count))]
    pictures = []
    if "rgb" in meta["passes"]:
        colour = reader.read(index, ("rgb", "alpha"), chosen)
        pictures = [(f"view {view}", on_white(rgb, alpha)) for view, rgb, alpha in zip(chosen, colour["rgb"], colour["alpha"])]
    labels = [name for name in meta["passes"] if name not in ("rgb", "alpha")]
    first = reader.read(index, labels, chosen[:1])
    for name in labels:
        image = picture(name, first[name][0])
        if name == "albedo" and "depth" in first:
            image = np.where(first["depth"][0] > 0, image, 255).astype(np.uint8)
        pictures.append((name, image))
    return pictures


def contact_sheet(reader: ShardReader, indices: list[int]) -> Image.Image:
    """Few objects: a strip of views and passes each. Many: one picture each, in a near-square grid."""
    if len(indices) <= STRIP_UP_TO:
        rows = [[image for _, image in strip(reader, index)] for index in indices]
        per_row = 1 if len(indices) < 4 else 2
    else:
        rows = [[strip(reader, index, views=1)[0][1]] for index in indices]
        per_row = int(np.ceil(np.sqrt(len(indices) * 1.5)))
    width = max(len(row) for row in rows)
    gap = 8 if width > 1 else 2
    lines = -(-len(rows) // per_row)
    sheet = Image.new("RGB", (per_row * (width * TILE + gap) + gap, lines * (TILE + gap) + gap), "white")
    for number, row in enumerate(rows):
        left = gap + (number % per_row) * (width * TILE + gap)
        for column, image in enumerate(row):
            sheet.paste(_thumbnail(image, TILE), (left + column * TILE, gap + number // per_row * (TILE + gap)))
        if width > 1:
            ImageDraw.Draw(sheet).text((left + 3, gap + number // per_row * (TILE + gap) + 2), reader.keys[indices[number]], fill=(120, 120, 120))
    return sheet


def _thumbnail(image: np.ndarray, size: int) -> Image.Image:
    picture = Image.fromarray(image)
    picture.thumbnail((size, size), Image.Resampling.BOX if max(picture.size) % size == 0 else Image.Resampling.LANCZOS)
    return picture


def preview(folder: str | Path, out: str | Path, limit: int = 200) -> tuple[Path, Path]:
    """Write contact_sheet.png and index.html for the first `limit` objects of a folder of shards; returns their paths."""
    reader = ShardReader(folder)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    indices = list(range(min(limit, len(reader))))
    buffer = io.BytesIO()
    contact_sheet(reader, indices).save(buffer, "PNG", optimize=True)
    sheet, page = out / "contact_sheet.png", out / "index.html"
    write_whole(sheet, buffer.getvalue())
    write_whole(page, gallery(reader, indices).encode())
    return sheet, page


# --------------------------------------------------------------------------------------------------------------------------- gallery

_STYLE = """
:root { color-scheme: light dark; font: 14px/1.45 system-ui, sans-serif }
body { margin: 2rem auto; max-width: 1200px; padding: 0 1rem }
header { display: flex; gap: 2rem; flex-wrap: wrap; align-items: baseline }
input { font: inherit; padding: .4rem .7rem; width: 22rem; max-width: 100% }
article { border-top: 1px solid #8884; padding: .8rem 0 }
article h2 { font-size: 1rem; margin: 0 0 .2rem } article p { margin: 0 0 .5rem; opacity: .8 }
figure { display: inline-block; margin: 0 4px 4px 0 } figcaption { font-size: 11px; opacity: .6; text-align: center }
img { display: block; border-radius: 3px; background: #fff } pre { overflow: auto; max-height: 24rem; background: #8881; padding: .6rem }
table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .15rem .8rem .15rem 0; text-align: left }
.scale { width: 20rem } .bar { background: #5b8def; height: .7rem; border-radius: 2px }
"""
_SCRIPT = """
const box = document.querySelector('input'), count = document.querySelector('#count'), items = [...document.querySelectorAll('article')];
box.addEventListener('input', () => {
  const words = box.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let shown = 0;
  for (const item of items) { item.hidden = !words.every(word => item.dataset.text.includes(word)); shown += !item.hidden }
  count.textContent = shown + ' of ' + items.length + ' objects';
});
"""


def gallery(reader: ShardReader, indices: list[int]) -> str:
    """The HTML page: statistics, a filter box, and every object with its pictures, caption and recipe. No other file, no network."""
    metas = [reader.meta(index) for index in indices]
    articles = "\n".join(_article(reader, index, meta) for index, meta in zip(indices, metas))
    title = f"{reader.folder.resolve().name}: {len(reader)} objects"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{html.escape(title)}</title>
<style>{_STYLE}</style></head><body>
<header><h1>{html.escape(title)}</h1><input type="search" placeholder="filter: torus, wireframe, marble …" aria-label="filter">
<span id="count">{len(indices)} of {len(indices)} objects</span></header>
{_statistics(reader, metas)}
{articles}
<script>{_SCRIPT}</script></body></html>"""


def _article(reader: ShardReader, index: int, meta: dict) -> str:
    figures = "".join(f'<figure><img src="{_data_url(image)}" alt="{html.escape(name)}" width="{TILE}"><figcaption>{html.escape(name)}</figcaption></figure>'
                      for name, image in strip(reader, index))
    recipe = json.loads(meta.get("recipe", "{}"))
    details = f"<details><summary>recipe</summary><pre>{html.escape(json.dumps(recipe, indent=1))}</pre></details>" if recipe else ""
    caption = meta.get("caption", "")
    text = html.escape(f"{meta['uid']} {caption} {' '.join(meta.get('parts', []))}".lower(), quote=True)
    return f'<article data-text="{text}"><h2>{html.escape(meta["uid"])}</h2><p>{html.escape(caption)}</p>{figures}{details}</article>'


def _data_url(image: np.ndarray) -> str:
    buffer = io.BytesIO()
    _thumbnail(image, 2 * TILE).save(buffer, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _statistics(reader: ShardReader, metas: list[dict]) -> str:
    """Parts per object as bars; failures and replaced draws by reason, when the folder's index is there."""
    parts = Counter(len(meta.get("parts", [])) for meta in metas)
    tallest = max(parts.values(), default=1)
    bars = "".join(f'<tr><td>{count} parts</td><td>{times}</td><td class="scale"><div class="bar" style="width:{100 * times // tallest}%"></div></td></tr>'
                   for count, times in sorted(parts.items()))
    views = metas[0]
    summary = f"{views['image_size'][0]} × {views['image_size'][1]} px, {len(views['cameras']['c2w'])} views, passes: {', '.join(views['passes'])}"
    rows = ""
    index = reader.folder / DATASET_FILE
    if index.exists():
        dataset = json.loads(index.read_bytes())
        rows = "".join(f"<tr><td>drawn again</td><td>{times}</td><td>{html.escape(reason)}</td></tr>" for reason, times in dataset["redraws"].items())
        rows += "".join(f"<tr><td>failed</td><td>{html.escape(row['name'])}</td><td>{html.escape(row['reason'])}</td></tr>" for row in dataset["failed"])
    return f"<p>{html.escape(summary)}</p><table>{bars}{rows}</table>"


def describe_passes() -> str:
    """The pass table as text, for the command line's help."""
    return "\n".join(f"{row.name}: {row.channels} x {np.dtype(row.dtype).name}, {row.meaning}" for row in PASSES.values())
