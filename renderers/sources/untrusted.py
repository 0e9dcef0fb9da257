"""What a glTF or OBJ file of somebody else may do: refer to files beside it and bring pictures of a sane size."""

import io
import warnings
from pathlib import Path

from PIL import Image

from zeroverse.asset import AssetError

MAX_PIXELS = 2**27  # of one picture: 16384 x 8192, half a gigabyte when unpacked
MAX_PIXELS_TOGETHER = 2**29  # of all pictures of a file: 32 of 4096 x 4096
MAX_EMPTY = (
    2**24
)  # elements of an accessor without data, which stand for zeros: a few bytes of JSON could ask for any number


def inside(path: Path, name: str, root: Path) -> bool:
    """Whether what a file at `path` refers to as `name` lies on this machine, in `root` or in the file's own folder,
    links resolved.
    """
    if "://" in name or name.startswith("file:"):
        return False
    try:
        target = (path.parent / name).resolve()  # an absolute one replaces the folder
    except (OSError, ValueError, RuntimeError):  # a name with a zero byte, too long, or links in a circle
        return False
    return any(target.is_relative_to(folder.resolve()) for folder in (root, path.parent))


def pixels(path: Path, picture: bytes | Path) -> int:
    """Returns how many pixels a picture has, 0 if it is none; raises AssetError if there are too many."""
    try:
        with warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning):  # our limit counts
            with Image.open(
                io.BytesIO(picture) if isinstance(picture, bytes) else picture
            ) as image:  # reads the header only
                width, height = image.size
    except Image.DecompressionBombError as error:
        raise AssetError(f"{path}: a picture is too large: {error}") from error
    except (OSError, SyntaxError, ValueError):
        return 0  # not a picture that Pillow knows: the loader says so
    if width * height > MAX_PIXELS:
        raise AssetError(
            f"{path}: a picture is too large: expected at most {MAX_PIXELS} pixels, got {width} x {height}"
        )
    return width * height
