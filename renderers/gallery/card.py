"""The card beside the shards: README.md that the Hugging Face hub and its `webdataset` loader read, a picture, a
LICENSE. Written with the index.
"""

import json

import numpy as np

from renderers.gallery import preview
from renderers.passes import PASSES
from renderers.shards import SampleMeta, ShardReader
from renderers.shards.storage import Store
from zeroverse.core.images import encoded
from zeroverse.core.tables import markdown_table

README, LICENSE, PICTURE = "README.md", "LICENSE", "contact_sheet.webp"
SHOWN = 12  # objects in the picture
_MARK = "<!-- written by verse generate; a README.md without this line is left alone -->"
_PROGRAM = "This is about the data in this folder. The program that made it is licensed by itself (Apache-2.0).\n"
_LICENCES = {  # as the hub spells it -> (LICENSE, what the card says)
    "cc0-1.0": (
        "CC0 1.0 Universal (short form)\n\n"
        "The person who made this data has dedicated it to the public domain by waiving all rights to it worldwide "
        "under copyright law, including\nall related and neighbouring rights, to the extent allowed by law. You can "
        "copy, modify, distribute and use it, even for commercial\npurposes, all without asking permission. The legal "
        "text: https://creativecommons.org/publicdomain/zero/1.0/legalcode\n\n" + _PROGRAM,
        "CC0 1.0: public domain. Every object is made from integers; nobody's files went in. If you made it and want "
        "another licence, change `LICENSE`.",
    ),
    "other": (
        "These images and meshes were made from files of other people (3D models, or pictures used as textures), and "
        "carry the licences of those\nfiles. Say here which they are before you pass the data on.\n\n" + _PROGRAM,
        "**That of the files it was made from** (3D models, or pictures used as textures): say which in `LICENSE` "
        "before you pass it on.",
    ),
}
_OTHERS = {"json": "cameras, caption, parts, recipe", "mesh.glb": "the object"}
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**9, "1M<n<10M"))


def write_card(store: Store, index: dict) -> None:
    """Writes README.md, LICENSE and a picture beside the shards that `index` (dataset.json) lists. What someone else
    wrote under these names stays.
    """
    reader = ShardReader(store) if index["samples"] else None
    sizes = store.sizes()
    if LICENSE not in sizes:
        store.write(LICENSE, _LICENCES[index["licence"]][0].encode())
    if reader:
        store.write(PICTURE, _picture(reader))
    if README not in sizes or _MARK.encode() in store.read(README):
        store.write(README, _readme(index, reader).encode())


def _picture(reader: ShardReader) -> bytes:
    return encoded(preview.contact_sheet(reader, list(range(min(SHOWN, len(reader))))), "WEBP", quality=80)


def _readme(index: dict, reader: ShardReader | None) -> str:
    shown = _shown(index, reader) if reader else "No object could be made.\n"
    return f"""{_front_matter(index)}
{_MARK}

# {index["samples"]:,} objects, posed views with labels

{shown}
{_numbers(index)}

## Settings

`verse verify DIR --rebuild 10` makes ten objects again from these settings and compares every byte.

```json
{json.dumps(index["config"], indent=1, sort_keys=True)}
```

## Licence

{_LICENCES[index["licence"]][1]}
"""


def _front_matter(index: dict) -> str:
    """YAML for the hub. `configs` keeps its loader from mistaking the sidecars (.json) for data."""
    size = next(name for limit, name in _SIZES if index["samples"] < limit)
    lines = [
        f"license: {index['licence']}",
        "task_categories:",
        "- image-to-3d",
        "- depth-estimation",
        "tags:",
        "- 3d",
        "- multi-view",
        "- synthetic",
        "- webdataset",
        "size_categories:",
        f"- {size}",
        "configs:",
        "- config_name: default",
        "  data_files:",
        "  - split: train",
        '    path: "*.tar"',
    ]
    return "\n".join(["---", *lines, "---"])


def _shown(index: dict, reader: ShardReader) -> str:
    meta = reader.meta(0)
    captions = "\n".join(
        f"{number + 1}. {reader.meta(number).caption or reader.keys[number]}"
        for number in range(min(SHOWN, len(reader), 6))
    )
    return f"""![the first objects, each with some views and its other passes]({PICTURE})

{captions}

## One sample, one object

```python
from datasets import load_dataset
sample = load_dataset("webdataset", data_files="*.tar", split="train", streaming=True)  # or load_dataset(this folder)

import webdataset
samples = webdataset.WebDataset("{index["shards"][0]["name"]}").decode("rgb8")

from renderers.shards import ShardReader  # random access; decodes only what is asked for
views = ShardReader(".").read(0, ("rgb", "alpha", "depth"), views=[0, 1])
```

{len(meta.cameras)} views of {" and ".join(f"{size} × {size}" for size in meta.sizes)} pixels. Fields:

{_fields(index, meta)}

{_conventions(meta)}
Labels are exact at pixel centres, colour is anti-aliased.
"""


def _conventions(meta: SampleMeta) -> str:
    return (
        f"Conventions: {meta.conventions}. `cameras` in the json has c2w `[V, 4, 4]` and intrinsics `[V, 4]`; "
        "`recipe` and `provenance` are JSON strings."
    )


def _fields(index: dict, meta: SampleMeta) -> str:
    """The pass table: file, content, type, mean size."""
    every = [meta.at_size(size, "the first sample").files for size in meta.sizes]
    holds = {file.replace("{view:03d}", "*"): name for files in every for name, file in files.items()}
    rows = []
    for file, (count, size) in index["fields"].items():
        row = PASSES.get(holds.get(file, ""))
        rgba = row and row.name == "rgb" and "alpha" not in holds.values()
        content = row.meaning + (", with alpha as fourth channel" if rgba else "") if row else _OTHERS.get(file, "")
        kind = f"{row.channels} × {np.dtype(row.dtype).name}" if row else ""
        name = f"`{file.replace('*', '000')}`{' …' if '*' in file else ''}"
        rows.append([name, content, kind, f"{size / count / 1000:.1f} kB"])
    return markdown_table(["field", "content", "as rendered", "mean size"], rows)


def _numbers(index: dict) -> str:
    size = sum(row["bytes"] for row in index["shards"])
    rows = [
        ("objects", f"{index['samples']:,}"),
        ("shards", f"{len(index['shards']):,}"),
        ("size", f"{size / 1e6:,.1f} MB"),
        ("failed", f"{len(index['failed']):,} (`dataset.json` names them)" if index["failed"] else "0"),
    ]
    rows += [(f"drawn again: {reason}", f"{times:,}") for reason, times in sorted(index["redraws"].items())]
    return "## Numbers\n\n" + markdown_table((None, None), rows)
