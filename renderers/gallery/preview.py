"""What a dataset looks like: a contact sheet and a self-contained HTML gallery, drawn from the shards themselves."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from renderers.gallery import page
from renderers.passes import PART_COLOURS, PASSES, on_white
from renderers.shards import ShardReader
from zeroverse.core.files import write_whole
from zeroverse.core.images import encoded

TILE = 128  # pixels of one picture on the contact sheet
FIELDS = "fields.npz"
STRIP_UP_TO = 32  # with more objects than this, the contact sheet shows one picture of each


def picture(name: str, image: np.ndarray) -> np.ndarray:
    """Returns one view of a pass [H, W, C] as sRGB to look at: uint8 [H, W, 3]."""
    return PASSES[name].show(image)


def views_of(reader: ShardReader, index: int, name: str, views: Iterable[int]) -> list[np.ndarray]:
    """Returns some views of a sample's pass as pictures: uint8 [H, W, 3] each, white where there is nothing."""
    if name == "rgb":
        images = reader.read(index, ("rgb", "alpha"), views)
        return [on_white(rgb, alpha) for rgb, alpha in zip(images["rgb"], images["alpha"])]
    within = PASSES[name].shown_within
    within = within if within in reader.meta(index).passes else None
    images = reader.read(index, (name, within) if within else (name,), views)
    pictures = [picture(name, image) for image in images[name]]
    if within:
        pictures = [np.where(seen > 0, image, 255).astype(np.uint8) for image, seen in zip(pictures, images[within])]
    return pictures


def strip(reader: ShardReader, index: int, views: Iterable[int]) -> list[tuple[str, np.ndarray]]:
    """Returns (caption, picture) of a sample: these views in colour, then the other passes of the first of them."""
    passes, views = reader.meta(index).passes, list(views)
    pictures = []
    if "rgb" in passes:
        pictures = [(f"view {view}", image) for view, image in zip(views, views_of(reader, index, "rgb", views))]
    return pictures + [
        (name, views_of(reader, index, name, views[:1])[0]) for name in passes if name not in ("rgb", "alpha")
    ]


def every_picture(reader: ShardReader, index: int) -> list[tuple[str, np.ndarray]]:
    """Returns all views in colour, then the other passes of view 0, then what fields.npz shows."""
    return strip(reader, index, range(len(reader.cameras(index)))) + field_strip(reader, index)


def field_strip(reader: ShardReader, index: int) -> list[tuple[str, np.ndarray]]:
    """Returns (caption, picture): points by part, creases, a slice of the distances; nothing for samples without
    fields.npz.
    """
    if not reader.has(index, FIELDS):
        return []
    from renderers.gallery import field_pictures

    return field_pictures.pictures(reader.field(index, FIELDS), PART_COLOURS)


def _spread(reader: ShardReader, index: int, count: int) -> list[int]:
    """Up to `count` views, evenly spread."""
    views = len(reader.cameras(index))
    return [round(i * views / count) % views for i in range(min(count, views))]


def contact_sheet(reader: ShardReader, indices: list[int]) -> Image.Image:
    """Returns a contact sheet. Few objects: a strip of three views and the passes each. Many: one picture each, in a
    near-square grid.
    """
    if len(indices) <= STRIP_UP_TO:
        rows = [[image for _, image in strip(reader, index, _spread(reader, index, 3))] for index in indices]
        return _sheet([reader.keys[index] for index in indices], rows, 1 if len(indices) < 4 else 2)
    return _grid([strip(reader, index, [0])[0][1] for index in indices])


def pass_sheet(reader: ShardReader, indices: list[int], name: str) -> Image.Image:
    """Returns a contact sheet of one pass. Few objects: up to eight views each. Many: the first view of each, in a
    near-square grid.
    """
    if len(indices) <= STRIP_UP_TO:
        rows = [views_of(reader, index, name, _spread(reader, index, 8)) for index in indices]
        return _sheet([reader.keys[index] for index in indices], rows, 1 if len(indices) < 4 else 2)
    return _grid([views_of(reader, index, name, [0])[0] for index in indices])


def fields_sheet(reader: ShardReader, indices: list[int]) -> Image.Image:
    """Returns a contact sheet of one view in colour, and what fields.npz shows."""
    rows = [[strip(reader, index, [0])[0][1], *(image for _, image in field_strip(reader, index))] for index in indices]
    return _sheet([reader.keys[index] for index in indices], rows, 1 if len(indices) < 4 else 2)


def _grid(pictures: list[np.ndarray]) -> Image.Image:
    return _sheet([""] * len(pictures), [[image] for image in pictures], int(np.ceil(np.sqrt(len(pictures) * 1.5))))


def _sheet(titles: list[str], rows: list[list[np.ndarray]], per_row: int) -> Image.Image:
    """Rows of pictures with their titles, `per_row` side by side."""
    width = max(len(row) for row in rows)
    gap = 8 if width > 1 else 2
    lines = -(-len(rows) // per_row)
    sheet = Image.new("RGB", (per_row * (width * TILE + gap) + gap, lines * (TILE + gap) + gap), "white")
    for number, (title, row) in enumerate(zip(titles, rows)):
        left, top = gap + number % per_row * (width * TILE + gap), gap + number // per_row * (TILE + gap)
        for column, image in enumerate(row):
            sheet.paste(_thumbnail(image, TILE), (left + column * TILE, top))
        ImageDraw.Draw(sheet).text((left + 3, top + 2), title, fill=(120, 120, 120))
    return sheet


def _thumbnail(image: np.ndarray, size: int) -> Image.Image:
    picture = Image.fromarray(image)
    picture.thumbnail((size, size), Image.Resampling.BOX if max(picture.size) % size == 0 else Image.Resampling.LANCZOS)
    return picture


def preview(
    folder: str | Path,
    out: str | Path,
    limit: int = 200,
    sheets: tuple[str, ...] = (),
    on_done: Callable[[int], None] = lambda total: None,
) -> tuple[Path, ...]:
    """Writes contact_sheet.png, a contact sheet of each pass in `sheets` and of fields.npz where there is one, and
    index.html; returns their paths.

    They show the first `limit` objects of a folder of shards. `on_done` hears of each object in the page, and how many
    there are. Raises ValueError for a pass the shards have not.
    """
    reader = ShardReader(folder)
    missing = [name for name in sheets if name not in reader.meta(0).passes]
    if missing:
        raise ValueError(
            f"{folder}: sheet: no pass {', '.join(missing)}; these shards have {', '.join(reader.meta(0).passes)}"
        )
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    indices = list(range(min(limit, len(reader))))
    written = [_write_png(out / "contact_sheet.png", contact_sheet(reader, indices))]
    written += [_write_png(out / f"contact_sheet_{name}.png", pass_sheet(reader, indices, name)) for name in sheets]
    if reader.has(0, FIELDS):
        written.append(_write_png(out / "contact_sheet_fields.png", fields_sheet(reader, indices[:STRIP_UP_TO])))
    write_whole(
        out / "index.html", page.page(reader, indices, lambda index: every_picture(reader, index), on_done).encode()
    )
    return (*written, out / "index.html")


def _write_png(path: Path, sheet: Image.Image) -> Path:
    write_whole(path, encoded(sheet, "PNG"))
    return path
