"""Where objects come from: an index -> an Asset. A source is small and picklable; `config` names everything its bytes
depend on. `renderers.tables.SOURCES` has a row for each.
"""

from typing import Protocol

from renderers.tables import SOURCES
from zeroverse.asset import Asset
from zeroverse.core.rng import Rng


class Source(Protocol):
    """Where the objects of a run come from. A frozen dataclass does it: small, picklable, equal when the objects are.

    name: its row in SOURCES. seed: what its objects and their cameras are keyed by. foreign: whether its objects are
    files of other people, so that whatever goes wrong with one is that one's fault; of a source of ours, only an
    AssetError is, and anything else a bug that stops the run.
    """

    name: str
    seed: int
    foreign: bool

    @classmethod
    def from_config(cls, config: dict, assets: str | None) -> "Source":
        """Returns the source with this `config()`; `assets` is where its files are now. Raises ValueError when it
        cannot be the same source here.
        """

    def config(self) -> dict:
        """Returns everything that the bytes of its objects depend on, as JSON values, with `source`: its name."""

    def size(self) -> int | None:
        """Returns how many objects there are, or None for as many as there are integers."""

    def make(self, index: int) -> Asset:
        """Returns object `index`. Raises AssetError when there is something wrong with this one."""

    def label(self, index: int) -> str:
        """Returns what messages call object `index`."""

    def stream(self, index: int) -> Rng:
        """Returns the stream for what is random about how object `index` is seen: its cameras and its light."""


def from_config(config: dict, assets: str | None = None) -> Source:
    """Returns the source with this `config()`; `assets` is where its files are now. Raises ValueError when it cannot be
    the same source here.
    """
    if config["source"] not in SOURCES:
        raise ValueError(f"source: expected one of {', '.join(SOURCES)}, got {config['source']!r}")
    return SOURCES[config["source"]].from_config(config, assets)


def licence(config: dict) -> str:
    """Returns the licence of the objects of a source with this `config()`, as the Hugging Face hub spells it: `other`
    where somebody's files went in.
    """
    return "cc0-1.0" if config.get("textures") is None and "files" not in config else "other"
