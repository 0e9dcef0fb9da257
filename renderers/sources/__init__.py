"""Where objects come from: an index -> an Asset. A source is small and picklable; `config` names everything its bytes
depend on.
"""

from renderers.sources.files import Files
from renderers.sources.objaverse import Objaverse
from renderers.sources.procedural import Detailverse, Zeroverse

SOURCES = (  # name, class, what it is
    ("zeroverse", Zeroverse, "procedural objects after LRM-Zero"),
    ("detailverse", Detailverse, "detailed objects after DetailVerse"),
    ("files", Files, "existing GLB, glTF and OBJ files"),
    ("objaverse", Objaverse, "objects of Objaverse 1.0, by list and licence"),
)


def from_config(config: dict, assets: str | None = None):
    """The source with this `config()`; `assets`: where its files are now. Raises ValueError when it cannot be the same
    source here.
    """
    for name, source, _ in SOURCES:
        if name == config["source"]:
            return source.from_config(config, assets)
    raise ValueError(f"source: expected one of {', '.join(name for name, _, _ in SOURCES)}, got {config['source']!r}")


def licence(config: dict) -> str:
    """Of the objects of a source with this `config()`, as the Hugging Face hub spells it: `other` where somebody's
    files went in.
    """
    return "cc0-1.0" if config.get("textures") is None and "files" not in config else "other"
