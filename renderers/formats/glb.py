"""The mesh of each object as mesh.glb: +Y up, PBR materials, one geometry per part; byte for byte as the shards have
it.
"""

from pathlib import Path

from renderers.formats import Format
from renderers.formats.sample import Sample


def write(sample: Sample, folder: Path, seed: int) -> None:
    (folder / "mesh.glb").write_bytes(sample.reader.field(sample.index, "mesh.glb"))


FORMAT = Format("glb", write, ("mesh.glb",), "mesh.glb, +Y up: any 3D software")
