"""Which file a camera file means by the name of a picture, and the alpha of pictures whose object a mask cuts out."""

from pathlib import Path, PureWindowsPath

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")


def picture_file(folder: Path, name: str) -> str:
    """Returns the path, from `folder`, of the picture that a camera file calls `name`; where there is none, the path
    that it should have.

    As it stands; with slashes for the backslashes of Windows; with an ending where it has none, of those that exist
    the first of ENDINGS, and a dot inside a name is no ending. Of an absolute path of another machine, the longest part
    that exists in `folder`.
    """
    plain = name.replace("\\", "/")
    for text in dict.fromkeys((name, plain, *_inner(plain))):
        for ending in ("", *ENDINGS, *map(str.upper, ENDINGS)):
            if _is_file(folder / (text + ending)):
                return text + ending
    return plain if Path(plain).suffix.lower() in ENDINGS else plain + ENDINGS[0]


def _inner(path: str) -> list[str]:
    """The ends of an absolute path, the longest first."""
    if not (path.startswith("/") or PureWindowsPath(path).drive):
        return []
    parts = path.split("/")
    return ["/".join(parts[start:]) for start in range(1, len(parts))]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def mask_names(data) -> list[str | None]:
    """Returns what each view of a camera file says of its mask: nerfstudio's `mask_path`, or None."""
    rows = data["frames"] if isinstance(data, dict) else data
    names = [row.get("mask_path") for row in rows]
    return [name if isinstance(name, str) and name else None for name in names]
