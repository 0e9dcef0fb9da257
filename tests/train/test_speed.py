"""The tables of train.tools.speed, with little in them."""

import pytest
import torch

from train import splatting as gaussians
from train.models.lrm.config import PRESETS
from train.models.lrm.config import tiny as tiny_preset
from train.tools import speed


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def rows_of(text: str, first: str) -> list[list[str]]:
    """The body of the table whose first column is called `first`."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if cells(line)[0] == first) + 2
    return [cells(line) for line in lines[start:] if line.startswith("|")]


def test_pixel_gaussians_lie_on_the_ball_and_its_rim():
    field = speed.pixel_gaussians(4 * 32**2)
    distance = field.means.norm(dim=-1)
    on_it = (distance - speed.RADIUS).abs() < 1e-4
    assert len(field) == 4096 and 0.1 < on_it.float().mean() < 0.9 and (distance[~on_it] > speed.RADIUS).all()
    assert field.opacities.min() >= 0 and field.opacities.max() <= 1 and field.scales.min() > 0


@pytest.mark.parametrize("fresh", [False, True])
def test_tables_have_a_row_for_every_backend_and_one_for_training(capsys, monkeypatch, dataset, fresh):
    micro = lambda: speed.replace(tiny_preset(), width=32, layers=1, heads=2, size=16)
    monkeypatch.setitem(PRESETS, "tiny", micro)
    data = ["--data", str(dataset)] if fresh else []
    speed.main(["--device", "cpu", "--gaussians", "64", "--size", "12", "--repeats", "1", "--preset", "tiny", *data])
    text = capsys.readouterr().out
    assert all(line == "" or line.startswith("|") for line in text.splitlines()[1:] if not line.endswith(":"))
    assert (
        f"{torch.get_num_threads()} threads" in text
        and "64 Gaussians, 4 views of 12²" in text
        and f"data: {dataset if fresh else 'none'}" in text
    )
    splatting = {row[0]: row[1:] for row in rows_of(text, "splatting")[: len(gaussians.BACKENDS)]}
    assert list(splatting) == [name for name, *_ in gaussians.BACKENDS]
    assert splatting["triton"][3].startswith("not here: ") and "takes float32 on a GPU" in splatting["gsplat"][3]
    forward, both, ratio, _ = splatting["torch"]
    assert 0 < float(forward) and 0 < float(both) and 0 < float(ratio)
    ((samples, mfu, share, wait, memory),) = rows_of(text, "samples/s")
    assert 0 < float(samples) and 0 <= float(mfu) and 0 < float(share) and 0 <= float(wait) <= 100 and 0 < float(memory)
