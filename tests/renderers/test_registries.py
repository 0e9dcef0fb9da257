"""The promise of the tables: a thing of one's own needs its module and one row, and everything uses it."""

import subprocess
import sys
import textwrap

import pytest

from renderers import tables
from tests.helpers.processes import ROOT

TABLES = [table for table in vars(tables).values() if isinstance(table, tables.Table)]
MINE = '''
"""One of each kind, as a user would add it."""
from dataclasses import dataclass

import numpy as np

from renderers.backends import Backend
from renderers.cameras import look_at, pinhole
from renderers.formats import Format
from renderers.lighting import Light
from renderers.passes import PASSES, Pass, check_passes
from renderers.sources.procedural import Zeroverse


def rig(rng, spec, points):
    return pinhole(look_at([[0.0, -4.0, 0.0]] * spec.views), spec.size)


LIGHT = Light("candle", (0.5, 0.2, 0.1), (0.1, 0.1, 0.1), gloss=0.0)


PASSES["halves"] = Pass(
    "halves",
    1,
    np.float32,
    "numbers that are stored twice as large",
    "halves_{view:03d}.png",
    lambda image, normal_bits: np.rint(2 * image[..., 0]).astype(np.uint8),
    lambda stored: stored.astype(np.float32) / 2,
    lambda image: np.repeat(image, 3, axis=-1).astype(np.uint8),
)


class Renderer(Backend):
    """Every pixel has the light's red."""

    name = "flat"

    def render(self, asset, cameras, light, passes):
        size = (len(cameras), cameras.height, cameras.width)
        red = np.full((*size, 3), round(255 * light.sky[0]), np.uint8)
        images = {"rgb": red, "alpha": np.full((*size, 1), 255, np.uint8)}
        images["halves"] = np.full((*size, 1), 3.5, np.float32)
        return {name: images[name] for name in check_passes(passes)}


@dataclass(frozen=True)
class Source(Zeroverse):
    name = "mine"


def write(sample, folder, seed):
    (folder / "mine.txt").write_text(sample.meta.uid)


FORMAT = Format("mine", write, ("rgb",), "a text file")
'''
RUN = """
import json
import sys
import renderers.tables as tables
for table, name, thing in (
    ("RIGS", "pole", "rig"), ("LIGHTS", "candle", "LIGHT"), ("BACKENDS", "flat", "Renderer"),
    ("SOURCES", "mine", "Source"), ("FORMATS", "mine", "FORMAT"),
):
    getattr(tables, table).rows.append(tables.Row(name, f"mine:{thing}", "a row of a test"))
import mine
import numpy as np
import verse
from renderers.shards import ShardReader
from renderers.sources import from_config

out = sys.argv[1]
options = "--count 1 --views 2 --size 16 --passes rgb halves --workers 1 --engine serial --texture-size 16"
words = f"generate zeroverse --out {out}/data --rig pole --light candle --renderer flat {options}"
assert verse.main(words.split()) == 0
assert verse.main(f"export {out}/data --out {out}/text --format mine".split()) == 0
assert verse.main(f"preview {out}/data --out {out} --sheet halves".split()) == 0
reader = ShardReader(f"{out}/data")
meta = reader.meta(0)
assert (meta.rig, meta.light, meta.renderer) == ("pole", "candle", "flat")
assert json.loads(meta.light_drawn)["name"] == "candle"
assert reader.cameras(0).centers.tolist() == [[0.0, -4.0, 0.0]] * 2
images = reader.read(0, ("rgb", "halves"))
assert (images["rgb"] == 128).all()
assert images["halves"].dtype == np.float32 and (images["halves"] == 3.5).all()
source = tables.SOURCES["mine"](seed=3)
assert from_config(source.config()) == source
"""


def test_a_row_of_ones_own_is_used(tmp_path):
    (tmp_path / "mine.py").write_text(textwrap.dedent(MINE))
    environment = {"PYTHONPATH": f"{ROOT}:{tmp_path}"}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [path.read_text() for path in (tmp_path / "text").rglob("mine.txt")] == ["zeroverse-paper-0-00000000"]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.kind)
def test_rows_stand_where_they_say(table):
    assert len(set(table)) == len(table) and all(row.meaning for row in table.rows)
    for name in table:
        if table is not tables.BACKENDS or name in ("cpu", "gl"):
            assert table[name] is not None
    with pytest.raises(KeyError, match=f"{table.kind}: expected one of {next(iter(table))}.*got 'nothing'"):
        table["nothing"]


def test_names_of_things_are_those_of_their_rows():
    for table in (tables.LIGHTS, tables.SOURCES, tables.FORMATS):
        assert [table[name].name for name in table] == list(table)
