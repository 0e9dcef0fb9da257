"""Contact sheets of what was kept and what was removed, each picture with its name and numbers."""

import base64
import io

import numpy as np
from PIL import Image, ImageDraw

from renderers.gallery.preview import picture
from renderers.passes import on_white
from zeroverse.core.images import encoded

TILE = 112  # pixels of one of the two pictures of an object: colour and normals
LINE = 12
MOST = 120  # objects on a sheet: ten rows of twelve are what a person looks through


def thumbnail(images: dict[str, np.ndarray]) -> str:
    """Returns the first view in colour beside its normals, as WebP in base64: small enough to keep with every object's
    numbers.
    """
    pair = [on_white(images["rgb"][0], images["alpha"][0]), picture("normal", images["normal"][0])]
    sheet = Image.new("RGB", (2 * TILE, TILE), "white")
    for column, image in enumerate(pair):
        small = Image.fromarray(image).resize(
            (TILE, TILE), Image.Resampling.LANCZOS if column == 0 else Image.Resampling.NEAREST
        )
        sheet.paste(small, (column * TILE, 0))
    return base64.b64encode(encoded(sheet, "WEBP", quality=80, method=2)).decode()


def sheet(title: str, count: int, shown: list[tuple[str, list[str]]]) -> bytes:
    """Returns the PNG of (thumbnail or empty, captions), with a title and how many there are; `shown` are the first
    `MOST` of them.
    """
    columns = min(max(1, int(np.ceil(np.sqrt(len(shown) / 2)))), 6)
    lines = max((len(captions) for _, captions in shown), default=0)
    width, height, top = 2 * TILE + 6, TILE + LINE * lines + 8, 22
    image = Image.new("RGB", (columns * width + 6, -(-len(shown) // columns) * height + top), "white")
    draw = ImageDraw.Draw(image)
    more = f", the first {MOST} shown" if count > MOST else ""
    draw.text((6, 5), f"{title}: {count} objects{more}", fill=(20, 20, 20))
    for number, (tile, captions) in enumerate(shown):
        left, upper = 6 + number % columns * width, top + number // columns * height
        if tile:
            image.paste(Image.open(io.BytesIO(base64.b64decode(tile))), (left, upper))
        else:
            draw.rectangle((left, upper, left + 2 * TILE - 1, upper + TILE - 1), fill=(235, 235, 235))
        for line, text in enumerate(captions):
            draw.text((left + 1, upper + TILE + 1 + LINE * line), _fitting(text), fill=(60, 60, 60))
    return encoded(image, "PNG")


def _fitting(text: str, width: int = 36) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
