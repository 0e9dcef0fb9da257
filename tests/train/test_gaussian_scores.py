"""Scores of shape in closed form, and the comparison of two results."""

import json

import numpy as np
import pytest
import torch

from renderers.cameras.rigs import turntable
from train.evaluation import published
from train.evaluation.compare import CompareError, compare
from train.geometry.cameras import camera_tensors
from train.metrics.gaussians import chamfer, depth_error, rendered_shape, shrunk_depth, silhouette_iou, visible_surface
from train.splatting import Gaussians

RADIUS = 0.7


def dots(points, opacity=0.99, scale=0.02) -> Gaussians:
    points = torch.as_tensor(points, dtype=torch.float32)
    count = len(points)
    return Gaussians(
        points[None],
        torch.tensor([1.0, 0, 0, 0]).expand(1, count, 4),
        torch.full((1, count, 3), scale),
        torch.full((1, count), opacity),
        torch.zeros(1, count, 1, 3),
    )


def sphere_depth(cameras) -> np.ndarray:  # [V, H, W, 1]
    """Of a sphere about the origin, exactly."""
    rays_o, rays_d = cameras.rays()
    along = -(rays_o * rays_d).sum(-1)
    inside = along**2 - (rays_o**2).sum(-1) + RADIUS**2
    distance = along - np.sqrt(np.maximum(inside, 0))
    forward = np.einsum("vhwi,vi->vhw", rays_d, cameras.c2w[:, :3, 2])
    return np.where(inside > 0, distance * forward, 0)[..., None]


def test_surface_points_lie_on_the_surface():
    cameras = turntable(3, 40)
    points = visible_surface(sphere_depth(cameras), cameras)
    assert len(points) > 500 and np.allclose(np.linalg.norm(points, axis=1), RADIUS, atol=1e-9)


def test_gaussians_on_the_surface_have_its_shape_and_shifted_ones_have_not():
    cameras = turntable(3, 80)
    depth = sphere_depth(cameras)
    points = visible_surface(depth, cameras)
    target, target_alpha = torch.from_numpy(depth[..., 0]), torch.from_numpy(depth[..., 0] > 0).float()
    gaussians = dots(points, scale=0.005)
    pred, alpha = rendered_shape(gaussians, *camera_tensors(cameras), 80)
    assert (
        silhouette_iou(alpha, target_alpha) > 0.9
        and depth_error(pred, alpha, target) < 0.03
        and chamfer(gaussians, points) < 1e-6
    )
    far = dots(points + [0, 0, 10.0], scale=0.005)
    pred, alpha = rendered_shape(far, *camera_tensors(cameras), 80)
    assert silhouette_iou(alpha, target_alpha) == 0 and depth_error(pred, alpha, target) is None


def test_depth_and_chamfer_are_lengths():
    plane = torch.full((1, 4, 4), 2.0)
    assert depth_error(plane + 0.25, torch.ones(1, 4, 4), plane) == pytest.approx(0.25)
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, 21)] * 2, [0.0]), axis=-1).reshape(-1, 3)
    assert chamfer(dots(grid + [0, 0, 0.05]), grid) == pytest.approx(0.05, abs=1e-6), (
        "nearer than the grid's step, so straight down"
    )
    assert chamfer(dots(grid, opacity=0.05), grid) is None, "too faint to be surface"


def test_a_pixel_half_outside_keeps_the_depth_of_what_it_shows():
    depth = np.zeros((1, 2, 4, 1))
    depth[0, :, 1:] = 3.0
    assert shrunk_depth(depth, 1).tolist() == [[[3.0]]]
    assert shrunk_depth(depth[:, :, :2], 1).tolist() == [[[3.0]]] and shrunk_depth(depth[:, :1, :1], 1).tolist() == [
        [[0.0]]
    ]


def test_published_rows_are_those_of_the_paper():
    by_key = {(row.protocol, row.model, row.data, row.resolution): row for row in published.ROWS}
    assert len(by_key) == len(published.ROWS) == 22
    for (protocol, model, data, size), row in by_key.items():
        twin = by_key[(protocol, "LRM-Zero", data, size)]
        assert (row.psnr > twin.psnr) == (row.lpips < twin.lpips) or row is twin or model == "LRM-Zero"
    assert "published" in published.label(published.ROWS[0])


@pytest.fixture
def results(tmp_path):
    """results(name, psnr of each object, ...) -> a folder with results.json."""

    def write(name: str, values: list[float], **changes):
        scores = [{"model": {"psnr": value, "chamfer": None}} for value in values]
        objects = [{"name": f"object{i}", "inputs": [0], "targets": [1], "scores": row} for i, row in enumerate(scores)]
        (tmp_path / name).mkdir()
        (tmp_path / name / "results.json").write_text(
            json.dumps({"protocol": "gso-4", "resolution": 64, "run": name, "objects": objects} | changes)
        )
        return tmp_path / name

    return write


def test_pairing_takes_away_how_hard_the_objects_are(results):
    hard_and_easy = [10.0, 20.0, 30.0, 40.0]
    text = compare(results("a", hard_and_easy), results("b", [value + 0.5 for value in hard_and_easy] + [99.0]))
    assert "4 objects" in text and "| psnr | 25.0000 | 25.5000 | +0.5000 [+0.5000, +0.5000] | 4 |" in text
    assert "| chamfer | – | – | – | 0 |" in text


def test_objects_that_only_one_result_has_are_counted(results):
    a, b = results("a", [1.0, 2.0, 3.0]), results("b", [1.0, 2.0])
    assert compare(a, a).startswith("3 objects, protocol") and compare(a, b).startswith(
        "2 objects that both have (A 3, B 2), protocol"
    )


def test_what_cannot_be_compared_is_named(results, tmp_path):
    base = results("a", [1.0, 2.0])
    with pytest.raises(CompareError, match="protocol: expected the same"):
        compare(base, results("b", [1.0], protocol="gso-8"))
    with pytest.raises(CompareError, match="got none"):
        compare(base, results("c", []))
    moved = results("d", [1.0])
    (moved / "results.json").write_text(
        (moved / "results.json").read_text().replace('"targets": [1]', '"targets": [2]')
    )
    with pytest.raises(CompareError, match="object0: expected the same input and target views"):
        compare(base, moved)
    with pytest.raises(CompareError, match="expected results.json"):
        compare(base, tmp_path / "nowhere")
