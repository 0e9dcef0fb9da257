"""Shards of a made-up reader's objects."""

import numpy as np

from renderers.shards import SAMPLE_FORMAT, canonical, write_shard
from renderers.shards.storage import open_store
from zeroverse.core import png


def write_shards(folder, reader):
    def samples():
        for index, key in enumerate(reader.keys):
            cameras = reader.cameras(index)
            images = reader.read(index, ("rgb", "alpha"), range(len(cameras)))
            fields = {
                f"rgb_{view:03d}.png": png.encode(np.concatenate(pair, axis=-1))
                for view, pair in enumerate(zip(images["rgb"], images["alpha"]))
            }
            meta = {
                "format": SAMPLE_FORMAT,
                "uid": key,
                "image_size": [cameras.width, cameras.height],
                "passes": ["rgb", "alpha"],
                "cameras": {"c2w": cameras.c2w.tolist(), "intrinsics": cameras.intrinsics.tolist()},
            }
            yield key, {**fields, "json": canonical(meta)}

    folder.mkdir()
    write_shard(open_store(folder), "shard-000000.tar", samples(), {})
    return folder
