"""How the pictures of a sample become bytes. `--codec` is for colour (passes that may be `lossy`: rgb, albedo); labels
are always lossless PNG.

The sample's json says what it uses (`files`), so every reader knows without being told.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from renderers.passes import PASSES
from renderers.tables import CODECS
from zeroverse.core import png
from zeroverse.core.images import encoded


@dataclass(frozen=True)
class Codec:
    """encode(image [H, W, 3 or 4] uint8, quality 1..100 or None) -> bytes; alpha: whether it holds a fourth channel."""

    suffix: str
    encode: Callable[[np.ndarray, int | None], bytes]
    alpha: bool
    takes_quality: bool


def _webp(image: np.ndarray, quality: int | None) -> bytes:
    if quality is None:  # lossless; `exact` keeps the colour under transparent pixels
        return encoded(image, "WEBP", lossless=True, quality=0, method=0, exact=True)
    return encoded(image, "WEBP", quality=quality, method=2)


def _jpeg(image: np.ndarray, quality: int | None) -> bytes:
    return encoded(image, "JPEG", quality=95 if quality is None else quality, subsampling=0)


PNG = Codec("png", lambda image, quality: png.encode(image), alpha=True, takes_quality=False)
WEBP = Codec("webp", _webp, alpha=True, takes_quality=True)  # lossless, or lossy with a quality
JPEG = Codec("jpg", _jpeg, alpha=False, takes_quality=True)


def check_quality(codec: str, quality: int | None) -> None:
    """Raises ValueError for an unknown codec, and for a quality it does not take."""
    if codec not in CODECS:
        raise ValueError(f"codec: expected one of {', '.join(CODECS)}, got {codec!r}")
    if quality is not None and not (CODECS[codec].takes_quality and 1 <= quality <= 100):
        raise ValueError(f"quality: expected 1 to 100, and codec webp or jpeg; got {quality} for {codec}")


def files(passes: Iterable[str], codec: str, width: int | None = None) -> dict[str, str]:
    """Returns {pass: file name with {view}} of the pictures that hold these passes; alpha is part of rgb where the
    codec can hold it.

    width: of pictures at another size than the sample's first, which say so in their names: rgb_128px_000.png.
    """
    names = {name: PASSES[name].file for name in passes if PASSES[name].file}
    names |= {
        name: file.removesuffix("png") + CODECS[codec].suffix for name, file in names.items() if PASSES[name].lossy
    }
    names |= {"alpha": "alpha_{view:03d}.png"} if "rgb" in names and not CODECS[codec].alpha else {}
    return (
        names if width is None else {name: file.replace("_{view", f"_{width}px_{{view") for name, file in names.items()}
    )


def encode(name: str, image: np.ndarray, codec: str, quality: int | None) -> bytes:
    """Returns the stored image of a pass, as `passes.quantise` makes it (rgb with or without alpha), as bytes."""
    return CODECS[codec].encode(image, quality) if PASSES[name].lossy else png.encode(image)


def alpha_of(rgba: np.ndarray) -> np.ndarray:  # [H, W, 1]
    """Returns coverage from a decoded rgb picture; WebP drops an alpha that is full everywhere."""
    return rgba[..., 3:] if rgba.shape[-1] == 4 else np.full_like(rgba[..., :1], 255)
