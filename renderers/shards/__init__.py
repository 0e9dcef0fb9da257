"""Multi-view WebDataset shards: the schema, a writer that never leaves half a shard, and a random-access reader.

A shard is a plain tar that `webdataset` reads without this code: members `<uid>.<field>`, with the fields of one sample
in a row: `rgb_000.png` (RGBA) and the other passes per view as `codecs.files` says, the same at other sizes
(`rgb_128px_000.png`), `json` (cameras, caption, recipe, labels), and `mesh.glb` when asked for. Beside each tar lies a
sidecar `.json` with its hash and the place of every field; it is written last and means "whole".
"""

from renderers.shards.format import (
    DATASET_FILE,
    DATASET_FORMAT,
    SAMPLE_FORMAT,
    SHARD_FORMAT,
    ShardError,
    canonical,
    folded,
    halves,
    read_sidecar,
    sidecar_of,
    stamp_of,
    tars_of,
)
from renderers.shards.meta import SampleMeta, parse_meta
from renderers.shards.reader import SampleReader, ShardReader
from renderers.shards.writer import write_shard

__all__ = [
    "DATASET_FILE",
    "DATASET_FORMAT",
    "SAMPLE_FORMAT",
    "SHARD_FORMAT",
    "ShardError",
    "SampleMeta",
    "SampleReader",
    "ShardReader",
    "canonical",
    "folded",
    "halves",
    "parse_meta",
    "read_sidecar",
    "sidecar_of",
    "stamp_of",
    "tars_of",
    "write_shard",
]
