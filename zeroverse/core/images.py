"""Pictures as bytes, through Pillow, for what people look at; labels go through `zeroverse.core.png`, which is faster
and the same with every Pillow.
"""

import base64
import io

import numpy as np
from PIL import Image


def encoded(image: np.ndarray | Image.Image, kind: str, **options) -> bytes:
    """Returns an image, a uint8 array [H, W] or [H, W, 3 or 4] or one of Pillow's, as the bytes of a file.

    kind and options are those of `PIL.Image.Image.save`: "PNG", "WEBP", "JPEG", "AVIF"; quality, method and so on.
    """
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, kind, **options)
    return buffer.getvalue()


def data_uri(data: bytes, kind: str) -> str:
    """Returns the bytes of an image file as an address that holds them, for pages of a single file; kind as for
    `encoded`.
    """
    return f"data:image/{kind.lower()};base64,{base64.b64encode(data).decode()}"
