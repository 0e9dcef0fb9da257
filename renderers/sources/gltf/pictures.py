"""The pictures of a glTF file, decoded to what the renderers take: 8 bits a channel, linear or sRGB as they are."""

import io
import warnings

import numpy as np
from PIL import Image

from renderers.sources import untrusted
from renderers.sources.gltf import compression
from renderers.sources.gltf.container import Document, Malformed, Missing
from zeroverse.asset import AssetError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")  # the first two by the specification, the third by an extension


class Pictures:
    """The pictures of a document by their index, each decoded once, and no more of them than the limits allow."""

    def __init__(self, document: Document):
        self._document, self._together = document, 0
        self._known: dict[int, Image.Image] = {}

    def get(self, index) -> Image.Image:
        """Returns a picture. Raises Missing for one that is not there or cannot be decoded, AssetError for one that is
        too large.
        """
        if index not in self._known:
            self._known[index] = self._decoded(index)
        return self._known[index]

    def _decoded(self, index) -> Image.Image:
        entry = self._document.item("images", index)
        if "bufferView" in entry:
            try:
                data = bytes(compression.view(self._document, entry["bufferView"]))
            except Malformed as error:
                raise Missing(str(error)) from error
        elif "uri" in entry:
            data = self._document.resource(entry["uri"])
        else:
            raise Missing("it has neither a uri nor a buffer view")
        self._together += untrusted.pixels(self._document.path, data)
        if self._together > untrusted.MAX_PIXELS_TOGETHER:
            raise AssetError(
                f"{self._document.path}: its pictures are too large: expected at most "
                f"{untrusted.MAX_PIXELS_TOGETHER} pixels together, got {self._together}"
            )
        return decoded(data)


def decoded(data: bytes) -> Image.Image:
    """Returns a picture that Pillow can turn into RGBA without losing anything but bits beyond the eighth. Raises
    Missing.
    """
    try:
        with warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning):
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            image.load()
            image = eight_bits(image)
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, KeyError, MemoryError) as error:
        detail = "neither PNG nor JPEG nor WebP" if isinstance(error, Image.UnidentifiedImageError) else error
        raise Missing(f"cannot be read: {detail}") from error
    image.format = None  # or it would be written as JPEG again, with another loss
    return image


def eight_bits(image: Image.Image) -> Image.Image:
    """Returns the upper eight of sixteen bits of a grey picture, and other pictures as they are: `convert` clips what
    is over 255.
    """
    if image.mode == "F":
        return Image.fromarray(np.uint8(np.clip(np.nan_to_num(np.asarray(image)), 0.0, 1.0) * 255.0 + 0.5))
    if image.mode == "I" or image.mode.startswith("I;16"):
        return Image.fromarray(np.uint8(np.clip(np.asarray(image).astype(np.int64) >> 8, 0, 255)))
    return image
