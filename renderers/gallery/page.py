"""The gallery: one HTML file to filter a dataset by words and facets and to see each object large. No other file, no
network, no library.
"""

import base64
import html
import io
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, features

from renderers.shards import DATASET_FILE, ShardReader

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


def facets(meta: dict) -> dict[str, list[str]]:
    """What an object can be found by: {facet: sorted values}, read from its recipe; files have parts only."""
    recipe = json.loads(meta.get("recipe") or "{}")
    found = {
        name: {str(node[key]) for node in _under(recipe, parent) if isinstance(node, dict) and key in node}
        for name, parent, key in _FACETS
    }
    if recipe:
        found["edits"] |= {"height field"} if any(_under(recipe, "height")) else set()
        found["edits"] |= set() if found["edits"] else {"none"}
    if isinstance(recipe.get("family"), str):
        found["families"] = {recipe["family"]}
    return {"parts": [str(len(meta.get("parts", [])))]} | {
        name: sorted(values) for name, values in found.items() if values
    }


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
    """The HTML of these objects. `pictures(index)` gives an object's (name, image [H, W, 3] uint8), of one size, the
    same names for all.
    """
    metas = [reader.meta(index) for index in indices]
    words = sum(len(meta.get("recipe", "")) + 2000 for meta in metas)  # the rest of an article and of its data is short
    examples = [pictures(indices[len(indices) * i // 4]) for i in range(min(4, len(indices)))]
    tile, quality = choose_tile(examples, (PAGE_BYTES - words) / len(indices))
    prefix = _shared_prefix([reader.keys[index] for index in indices])
    objects, articles = [], []
    for index, meta in zip(indices, metas):
        shown = pictures(index)
        objects.append(
            {
                "caption": meta.get("caption", ""),
                "recipe": meta.get("recipe", "{}"),
                "parts": meta.get("parts", []),
                "uid": meta["uid"],
                "provenance": meta.get("provenance", "{}"),
                "pictures": [name for name, _ in shown],
            }
        )
        articles.append(
            _article(meta, meta["uid"].removeprefix(prefix), sprite([image for _, image in shown], tile, quality))
        )
        on_done(len(indices))
    columns = _columns(len(objects[0]["pictures"]))
    title = f"{Path(reader.folder).resolve().name}: {len(reader)} objects"
    data = json.dumps(objects, separators=(",", ":")).replace("</", "<\\/")
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<title>{html.escape(title)}</title><style>{_STYLE}</style></head>
<body style="--columns:{columns};--rows:{-(-len(objects[0]["pictures"]) // columns)};--tile:{tile}px">
<header><h1>{html.escape(title)}</h1><p>{html.escape(_summary(reader, metas[0]))}</p>
<div class="find"><input type="search" placeholder="Filter: torus, wireframe, marble …" aria-label="filter">
<output id="count">{len(indices)} of {len(indices)} objects</output><button id="clear" hidden>clear</button></div></header>
<aside>{_panel([facets(meta) for meta in metas])}{_mishaps(reader)}</aside>
<main>{"".join(articles)}<p id="none" hidden>No object has all of that.</p></main>
<dialog aria-label="object" autofocus><div class="stage"><div class="tile large"></div><div class="strip"></div></div>
<div class="about"><nav><button data-go="up" aria-label="previous object">↑</button><button data-go="down" aria-label="next object">↓</button>
<button data-go="left" aria-label="previous picture">←</button><button data-go="right" aria-label="next picture">→</button>
<button data-go="close" aria-label="close">✕</button></nav>
<h2></h2><p class="caption"></p><p class="which"></p><p class="which keys">← → pictures, ↑ ↓ objects, Esc back</p>
<details><summary>recipe</summary><pre></pre></details></div></dialog>
<script type="application/json" id="data">{data}</script><script>{_SCRIPT}</script></body></html>"""


def sprite(images: list[np.ndarray], tile: int, quality: int) -> bytes:
    """The pictures in rows of one image, each `tile` pixels."""
    columns = _columns(len(images))
    sheet = Image.new("RGB", (columns * tile, -(-len(images) // columns) * tile), "white")
    for number, image in enumerate(images):
        scaled = Image.fromarray(image)
        scaled.thumbnail((tile, tile), Image.Resampling.LANCZOS)
        left, top = number % columns * tile, number // columns * tile
        sheet.paste(scaled, (left + (tile - scaled.width) // 2, top + (tile - scaled.height) // 2))
    buffer = io.BytesIO()
    sheet.save(buffer, KIND, quality=quality, **OPTIONS)
    return buffer.getvalue()


def choose_tile(examples: list[list[tuple[str, np.ndarray]]], room: float) -> tuple[int, int]:
    """The largest tile, and its best quality, with which objects like the examples take `room` bytes each; never larger
    than the pictures.
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


def _article(meta: dict, name: str, picture: bytes) -> str:
    found = facets(meta)
    tags = "|" + "".join(f"{name}={value}|" for name, values in found.items() for value in values)
    caption = meta.get("caption") or meta["uid"]
    text = (
        f"{meta['uid']} {caption} {' '.join(meta.get('parts', []))} "
        f"{' '.join(value for values in found.values() for value in values)}"
    ).lower()
    style = f"--sprite:url(data:image/{KIND.lower()};base64,{base64.b64encode(picture).decode()})"
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


def _summary(reader: ShardReader, meta: dict) -> str:
    size = sum(shard["bytes"] for shard in _dataset(reader).get("shards", []))
    stored = f", {size / len(reader) / 1e6:.2g} MB an object" if size else ""
    labels = ", ".join(f"{key} {meta[key]}" for key in ("rig", "light", "renderer") if meta.get(key))
    return (
        f"{len(meta['cameras']['c2w'])} views of {meta['image_size'][0]} × {meta['image_size'][1]} px{stored}; "
        f"{', '.join(meta['passes'])}; {labels}"
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


_STYLE = """
:root { color-scheme: light dark; --line: light-dark(#e2e4e8, #33363d); --soft: light-dark(#5c6270, #a0a6b2); --paper: light-dark(#fff, #c4c8ce);
  --bar: light-dark(#dfe8fb, #2b3a5c); --on: light-dark(#2f6fe4, #7aa5ff); font: 14px/1.45 system-ui, sans-serif }
* { box-sizing: border-box } [hidden] { display: none !important }
body { margin: 0; display: grid; grid-template: auto 1fr / 250px minmax(0, 1fr); gap: 0 1.6rem; padding: 0 1.6rem 2rem;
  background: light-dark(#fafbfc, #17191d) }
header { grid-column: 1 / -1; position: sticky; top: 0; z-index: 1; padding: .9rem 0 .7rem; background: inherit; border-bottom: 1px solid var(--line);
  margin-bottom: 1rem; display: flex; flex-wrap: wrap; gap: .2rem 1.6rem; align-items: baseline }
h1 { font-size: 1.15rem; margin: 0 } header p { margin: 0; color: var(--soft); flex: 1 1 20rem }
.find { flex: 1 1 100%; min-width: 0; display: flex; gap: .8rem; align-items: center } output { color: var(--soft); white-space: nowrap }
input { font: inherit; font-size: 16px; padding: .4rem .7rem; width: 24rem; min-width: 0; flex: 0 1 24rem; border: 1px solid var(--line); border-radius: 6px }
button { font: inherit; color: inherit; cursor: pointer; border: 1px solid var(--line); border-radius: 6px; background: none; padding: .25rem .6rem }
aside { position: sticky; top: 7rem; align-self: start; max-height: calc(100vh - 8rem); overflow: auto; scrollbar-width: thin }
summary { cursor: pointer; font-weight: 600; padding: .25rem 0 } .bars { display: grid; gap: 2px; margin-bottom: .7rem }
.bars button { display: flex; justify-content: space-between; border: 0; border-radius: 4px; padding: .12rem .5rem; text-align: left;
  background: linear-gradient(90deg, var(--bar) calc(var(--share) * 100%), transparent 0) }
.bars button:hover { outline: 1px solid var(--on) } .bars [aria-pressed=true] { outline: 2px solid var(--on); font-weight: 600 }
.bars span + span { color: var(--soft); font-variant-numeric: tabular-nums } td { vertical-align: top; padding-right: .6rem; color: var(--soft) }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(160px, 1fr)); gap: 1.1rem .9rem; align-content: start }
article { cursor: zoom-in; content-visibility: auto; contain-intrinsic-size: 180px 250px; border-radius: 6px; min-width: 0 }
article:focus-visible, .strip .tile:focus-visible { outline: 2px solid var(--on); outline-offset: 2px }
h2 { font-size: .8rem; margin: .35rem 0 0; font-weight: 600; overflow-wrap: anywhere } article p { margin: 0; font-size: .8rem; color: var(--soft);
  display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden }
.tile { --at: 0; aspect-ratio: 1; border-radius: 6px; border: 1px solid var(--line); background: var(--sprite) var(--paper);
  background-blend-mode: multiply; background-size: calc(var(--columns) * 100%) calc(var(--rows) * 100%);
  background-position: calc(mod(var(--at), var(--columns)) * 100% / max(var(--columns) - 1, 1))
    calc(round(down, var(--at) / var(--columns), 1) * 100% / max(var(--rows) - 1, 1)) }
dialog { width: min(1500px, 96vw); height: 94vh; max-width: none; max-height: none; padding: 1rem; border: 1px solid var(--line); border-radius: 10px;
  background: light-dark(#fff, #1d2025) } dialog[open] { display: grid; grid-template-columns: 1fr 290px; gap: 1.2rem } dialog::backdrop { background: #000a }
dialog, .strip { outline: none }
.stage { display: grid; grid-template-rows: 1fr auto; gap: .7rem; min-height: 0; min-width: 0 }
.large { height: 100%; max-width: 100%; justify-self: center; min-height: 0; background-color: light-dark(#fff, #dfe2e6) }
.strip { display: grid; grid-template-columns: repeat(auto-fill, 58px); gap: 4px; max-height: 188px; overflow: auto; justify-content: center }
.strip .tile { cursor: pointer; border-radius: 4px } .strip [aria-current=true] { outline: 2px solid var(--on); outline-offset: -1px }
.about { overflow: auto; min-width: 0 } nav { display: flex; gap: .3rem } nav [data-go=close] { margin-left: auto } .about h2 { font-size: 1rem }
.which { color: var(--soft) } pre { font-size: 11px; overflow: auto; background: #8881; padding: .5rem; border-radius: 6px }
@media (max-width: 760px) { body { grid-template: auto auto 1fr / minmax(0, 1fr); padding: 0 .8rem 2rem }
  aside { position: static; max-height: none; margin-bottom: 1rem }
  .bars { grid-template-columns: repeat(auto-fill, minmax(130px, 1fr)); max-height: 11rem; overflow: auto } header p { display: none }
  main { grid-template-columns: repeat(auto-fill, minmax(105px, 1fr)); gap: .9rem .6rem } article p { -webkit-line-clamp: 2 }
  dialog { width: 100vw; height: 100dvh; border: 0; border-radius: 0; padding: .7rem; margin: 0 }
  dialog[open] { grid-template: auto 1fr / 1fr; gap: .5rem; overflow: auto } .stage { grid-template-rows: auto auto } .keys { display: none }
  .large { height: auto; width: 100% } .strip { max-height: 130px } .about { overflow: visible } }
"""
_SCRIPT = """
const one = (query, root = document) => root.querySelector(query), all = query => [...document.querySelectorAll(query)];
const box = one('input'), items = all('article'), facets = all('aside [data-tag]'), dialog = one('dialog'), data = JSON.parse(one('#data').textContent);
let shown = items, object = 0, picture = 0;

function filter() {
  const words = box.value.toLowerCase().split(/\\s+/).filter(Boolean), groups = {};
  for (const button of facets) if (button.getAttribute('aria-pressed') == 'true')
    (groups[button.dataset.tag.split('=')[0]] ||= []).push(button.dataset.tag);
  const fits = item => words.every(word => item.dataset.text.includes(word))
    && Object.values(groups).every(tags => tags.some(tag => item.dataset.tags.includes(tag)));
  for (const item of items) item.hidden = !fits(item);
  shown = items.filter(item => !item.hidden);
  one('#count').textContent = shown.length + ' of ' + items.length + ' objects';
  one('#none').hidden = shown.length > 0;
  one('#clear').hidden = !words.length && !Object.keys(groups).length;
}
function show(item, at) {
  object = shown.indexOf(item); const about = data[items.indexOf(item)], names = about.pictures;
  picture = (at + names.length) % names.length;
  dialog.style.setProperty('--sprite', item.style.getPropertyValue('--sprite'));
  one('.large').style.setProperty('--at', picture);
  if (one('.strip').dataset.uid != about.uid) fill(about, names);
  [...one('.strip').children].forEach((tile, i) => tile.setAttribute('aria-current', i == picture));
  one('.strip').children[picture].scrollIntoView({ block: 'nearest' });
  one('.which').textContent = names[picture] + ' · picture ' + (picture + 1) + ' of ' + names.length + ' · object ' + (object + 1) + ' of ' + shown.length;
  if (!dialog.open) dialog.showModal();
}
function fill(about, names) {
  one('.strip').dataset.uid = about.uid; one('dialog h2').textContent = about.uid; one('.caption').textContent = about.caption;
  one('.strip').replaceChildren(...names.map((name, i) => {
    const tile = Object.assign(document.createElement('div'), { className: 'tile', title: name, onclick: () => show(shown[object], i) });
    tile.style.setProperty('--at', i); tile.setAttribute('role', 'img'); tile.setAttribute('aria-label', name); return tile;
  }));
  one('dialog pre').textContent = JSON.stringify({ parts: about.parts, provenance: JSON.parse(about.provenance), recipe: JSON.parse(about.recipe) }, null, 1);
}
const turn = by => show(shown[object], picture + by), step = by => show(shown[(object + by + shown.length) % shown.length], picture);
const moves = { left: () => turn(-1), right: () => turn(1), up: () => step(-1), down: () => step(1), close: () => dialog.close() };
box.addEventListener('input', filter);
const press = (button, on) => button.setAttribute('aria-pressed', on);
for (const button of facets) button.addEventListener('click', () => { press(button, button.getAttribute('aria-pressed') != 'true'); filter() });
one('#clear').addEventListener('click', () => { box.value = ''; facets.forEach(button => press(button, false)); filter(); box.focus() });
for (const item of items) {
  const tile = one('.tile', item), count = data[items.indexOf(item)].pictures.length, at = () => +tile.style.getPropertyValue('--at');
  item.addEventListener('click', () => show(item, at()));
  item.addEventListener('keydown', event => { if (event.key == 'Enter' || event.key == ' ') { event.preventDefault(); show(item, 0) } });
  tile.addEventListener('pointermove', event => { if (event.pointerType == 'mouse')
    tile.style.setProperty('--at', Math.min(count - 1, Math.max(0, Math.floor(event.offsetX / tile.clientWidth * count)))) });
  tile.addEventListener('pointerleave', () => tile.style.setProperty('--at', 0));
}
dialog.addEventListener('click', event => { const go = event.target.dataset.go; if (go) moves[go](); else if (event.target == dialog) dialog.close() });
dialog.addEventListener('close', () => shown[object]?.focus());
document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const move = moves[event.key.replace('Arrow', '').toLowerCase()];
  if (dialog.open && move && event.key.startsWith('Arrow')) { event.preventDefault(); move() }
  else if (!dialog.open && event.key == '/' && document.activeElement != box) { event.preventDefault(); box.focus() }
});
if (matchMedia('(max-width: 760px)').matches) all('aside details').forEach(details => details.open = false);
"""
