"""What several test files share. Threads are held to one, so that tests running side by side do not fight over the
cores.
"""

import contextlib
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("VERSE_GL_SOFTWARE", "1")  # the gl backend is tested on whatever device there is

import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402

if not torch.cuda.is_available():
    # Triton's kernels are tested in its interpreter, which must be asked for before anything imports Triton
    os.environ.setdefault("TRITON_INTERPRET", "1")
with contextlib.suppress(
    ImportError
):  # before a test loads OpenGL: after Mesa's LLVM, importing Triton ends the process
    import triton  # noqa: F401

from renderers.cameras.rigs import turntable  # noqa: E402
from renderers.shards import SAMPLE_FORMAT, canonical  # noqa: E402
from zeroverse.core import png  # noqa: E402

VIEWS, SIZE = 3, 16


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    """Five small Zeroverse objects in two shards, made by the command line."""
    import verse

    folder = tmp_path_factory.mktemp("dataset")
    assert (
        verse.main(
            f"generate zeroverse --out {folder} --count 5 --shard-size 3 --views 8 --size 64 --texture-size 32 "
            f"--workers 1".split()
        )
        == 0
    )
    return folder


@pytest.fixture(scope="session")
def run_folder(dataset, tmp_path_factory):
    """A tiny model after two steps."""
    import verse

    folder = tmp_path_factory.mktemp("run")
    assert verse.main(f"train lrm --data {dataset} --out {folder / 'run'} --preset tiny --steps 2".split()) == 0
    return folder / "run"


@pytest.fixture
def sample():
    """sample(key) -> the fields of a valid small sample with noise for pictures, the same for the same key."""

    def make(key: str, **meta) -> tuple[str, dict[str, bytes]]:
        noise = np.random.default_rng(sum(key.encode()))
        cameras = turntable(VIEWS, SIZE)
        fields = {}
        for view in range(VIEWS):
            fields[f"rgb_{view:03d}.png"] = png.encode(noise.integers(0, 256, (SIZE, SIZE, 4), dtype=np.uint8))
            fields[f"depth_{view:03d}.png"] = png.encode(noise.integers(0, 65536, (SIZE, SIZE), dtype=np.uint16))
        fields["json"] = canonical(
            {
                "format": SAMPLE_FORMAT,
                "uid": key,
                "image_size": [SIZE, SIZE],
                "passes": ["rgb", "alpha", "depth"],
                "caption": "noise",
                "cameras": {"c2w": cameras.c2w.tolist(), "intrinsics": cameras.intrinsics.tolist()},
                "parts": ["a"],
                **meta,
            }
        )
        return key, fields

    return make


def pytest_sessionfinish() -> None:
    """Letters are kept for the next text; what is still alive at the end of a process, manifold3d reports as a leak."""
    from detailverse.modelling import font

    font.glyph.cache_clear()
