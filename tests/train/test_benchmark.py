"""Protocols, floors and posed images: the parts of the benchmark that have closed-form answers, and the whole of it on
an untrained model.
"""

import json
import shutil

import numpy as np
import pytest
import torch

import verse
from renderers.cameras import Cameras
from renderers.cameras.files import to_opencv_json
from renderers.cameras.rigs import gso64, turntable
from train.data import posed
from train.data.posed import Posed, PosedError
from train.evaluation import benchmark
from train.evaluation.benchmark import nearest_input, prepare
from train.evaluation.protocols import PROTOCOLS, choose_targets, find_inputs
from train.evaluation.reconstruct import spread_views
from train.evaluation.report import PartlyScored
from zeroverse.core import png


@pytest.fixture
def views_folder(tmp_path):
    """write(cameras, rgba) -> a folder with opencv_cameras.json and one image per camera."""

    def write(cameras: Cameras, rgba: np.ndarray, name: str = "object"):
        folder = tmp_path / "views" / name
        (folder / "renderings").mkdir(parents=True)
        paths = [f"renderings/{view:08d}_rgba.png" for view in range(len(cameras))]
        for path in paths:
            (folder / path).write_bytes(png.encode(rgba))
        (folder / "opencv_cameras.json").write_text(json.dumps(to_opencv_json(cameras, paths)))
        return folder

    return write


@pytest.mark.parametrize(
    "protocol, indices",
    [("gso-4", [16, 20, 24, 28]), ("gso-4-45", [18, 22, 26, 30]), ("gso-8", [0, 4, 8, 12, 34, 38, 42, 46])],
)
def test_inputs_are_the_published_indices_wherever_they_stand(protocol, indices):
    """splits/gso_64view_rig.json gives 18, 22, 26, 30 for the 45-degree variant."""
    assert find_inputs(gso64(32), protocol, "x") == indices
    order = np.random.default_rng(0).permutation(64)
    assert [int(order[i]) for i in find_inputs(gso64(32)[order], protocol, "x")] == indices


@pytest.mark.parametrize(
    "axes", [np.diag([1.0, 1, -1]) @ np.diag([1.0, -1, 1]), np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])]
)
def test_a_rig_with_other_axes_is_named(axes):
    """Upside down, or +Y up: the protocol's views are not there."""
    rig = gso64(32)
    turned = rig.c2w.copy()
    turned[:, :3] = np.einsum("ij,vjk->vik", axes, turned[:, :3])
    with pytest.raises(
        PosedError, match="cup: protocol gso-4 needs a view from elevation 20, azimuth .* the nearest camera is"
    ):
        find_inputs(Cameras(turned, rig.intrinsics, 32, 32), "gso-4", "cup")


def test_targets_are_frozen_and_never_inputs():
    for protocol in PROTOCOLS:
        inputs = find_inputs(gso64(32), protocol, "x")
        chosen = choose_targets(64, inputs, 10, protocol, "cup")
        assert len(set(chosen)) == 10 and not set(chosen) & set(inputs)
        assert (
            chosen == choose_targets(64, inputs, 10, protocol, "cup") != choose_targets(64, inputs, 10, protocol, "mug")
        )
    assert choose_targets(64, [16, 20, 24, 28], 10, "gso-4", "cup") == [5, 9, 10, 14, 18, 21, 38, 40, 54, 59], (
        "frozen: published numbers depend on it"
    )
    with pytest.raises(PosedError, match="expected 10 views"):
        choose_targets(8, [0, 1], 10, "gso-4", "cup")


def test_random_inputs_are_frozen_and_of_any_rig():
    from renderers.cameras.rigs import sphere_shell
    from zeroverse.core.rng import Rng

    chosen = find_inputs(sphere_shell(Rng("x"), 32, 8), "random-8", "cup")
    assert chosen == find_inputs(turntable(32, 8), "random-8", "cup") == sorted(set(chosen)) and len(chosen) == 8
    assert chosen == [2, 5, 8, 9, 14, 15, 20, 28] != find_inputs(turntable(32, 8), "random-8", "mug"), (
        "frozen: published numbers depend on it"
    )
    with pytest.raises(PosedError, match="random-8 needs 8 views, got 7"):
        find_inputs(turntable(7, 8), "random-8", "cup")


def test_nearest_input_is_the_view_beside_the_target():
    """Every view of a rig has its own grey; a target takes the grey of the input that is nearest in direction."""
    rig = gso64(32)
    read = lambda views: np.stack([np.full((32, 32, 3), view, np.uint8) for view in views])
    trial = prepare(Posed("cup", rig, read), "gso-4", 10, 16)
    copied = (nearest_input(trial)[:, 0, 0, 0] * 255).round().int().tolist()
    for target, source in zip(trial.targets, copied):
        assert source == 16 + 4 * (round(target % 16 / 4) % 4) or target % 4 == 2, (
            "16 azimuths: halfway ones may go either way"
        )


def test_published_views_are_on_white_already_and_ours_are_straight(views_folder):
    """The same grey rim pixel, coverage a half, over white: stored either way it must read the same."""
    straight, blended = np.zeros((2, 8, 8, 4), np.uint8)
    straight[2:6, 2:6] = (100, 100, 100, 255)
    straight[1, 2:6] = (100, 100, 100, 128)
    blended[..., :3] = 255
    blended[2:6, 2:6] = (100, 100, 100, 255)
    blended[1, 2:6] = (177, 177, 177, 128)
    white = straight.copy()
    white[straight[..., 3] == 0, :3] = 255  # straight, as many programs leave what is transparent
    ours, theirs, others = (
        posed.find(views_folder(turntable(2, 8), rgba, name))[0].open().read([0])[0]
        for name, rgba in (("ours", straight), ("theirs", blended), ("others", white))
    )
    assert np.abs(np.asarray(ours, float) - np.asarray(theirs, float)).max() <= 0.5 and np.array_equal(ours, others)


def test_posed_folders(views_folder, dataset):
    folder = views_folder(turntable(3, 8), np.full((8, 8, 4), 255, np.uint8))
    assert [item.name for item in posed.find(folder)] == [item.name for item in posed.find(folder.parent)] == ["object"]
    assert len(posed.find(dataset)) == 5


def test_nerfstudio_folders_are_posed_images_too(dataset, tmp_path):
    """The same cameras and pixels through `verse export --format transforms` as from the shards."""
    assert verse.main(f"export {dataset} --format transforms --out {tmp_path}".split()) == 0
    ours, theirs = ([subject.open() for subject in posed.find(folder)] for folder in (dataset, tmp_path))
    assert [item.name for item in ours] == [item.name for item in theirs]
    assert np.abs(ours[2].cameras.c2w - theirs[2].cameras.c2w).max() < 1e-12
    assert np.array_equal(ours[2].read([1, 4]), theirs[2].read([1, 4]))


@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda folder: (folder / "opencv_cameras.json").unlink(), "expected shards"),
        (lambda folder: (folder / "opencv_cameras.json").write_text("{"), "opencv_cameras.json: "),
        (
            lambda folder: shutil.rmtree(folder / "renderings"),
            "2 of 2 images are missing, the first is renderings/00000000_rgba.png",
        ),
        (
            lambda folder: (folder / "renderings" / "00000001_rgba.png").write_bytes(b"x"),
            "00000001_rgba.png: not a readable image",
        ),
        (
            lambda folder: (folder / "renderings" / "00000001_rgba.png").write_bytes(
                png.encode(np.zeros((4, 4, 3), np.uint8))
            ),
            "expected 8 x 8 pixels.*got 4 x 4",
        ),
    ],
)
def test_bad_views_are_named(views_folder, damage, message):
    folder = views_folder(turntable(2, 8), np.full((8, 8, 4), 255, np.uint8))
    damage(folder)
    with pytest.raises(PosedError, match=message):
        posed.find(folder)[0].open().read([0, 1])


def test_spread_views_spread():
    item = Posed("x", turntable(16, 8), lambda views: None)
    assert sorted(spread_views(item, 4)) == [0, 4, 8, 12]
    assert spread_views(Posed("x", gso64(8), lambda views: None), 4) == [16, 20, 24, 28]


def test_benchmark_of_posed_images(run_folder, views_folder, tmp_path):
    """Every view the same picture: everything is written, and every interval holds its mean."""
    ramp = np.broadcast_to(np.linspace(60, 200, 64).astype(np.uint8)[:, None, None], (64, 64, 3))
    folder = views_folder(gso64(64), np.dstack([ramp, np.full((64, 64), 255, np.uint8)]))
    status = verse.main(f"benchmark {run_folder} --views {folder.parent} --out {tmp_path / 'out'} --targets 3".split())
    assert status == 0
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    (row,) = results["objects"]
    assert row["name"] == "object" and len(row["targets"]) == 3 and row["inputs"] == [16, 20, 24, 28]
    for scores in results["summary"].values():
        for value in scores.values():
            assert value["low"] <= value["mean"] <= value["high"]
    assert "iou" in results["summary"]["model"] and "depth_error" not in results["summary"]["model"], (
        "images with alpha, without depth"
    )
    text = (tmp_path / "out" / "table.md").read_text()
    assert "| LRM-Zero on GSO, 256 px (published, arXiv 2406.09371) | 27.78 | 0.927 | 0.062 | – |" in text
    assert "| model |" in text and "| nearest input |" in text and "| untrained |" in text and "| object |" in text
    assert png.decode((tmp_path / "out" / "figure.png").read_bytes()).ndim == 3


def test_benchmark_of_assets_names_what_it_cannot_read(run_folder, tmp_path, capsys):
    import trimesh

    (tmp_path / "assets").mkdir()
    trimesh.creation.icosphere(3).export(tmp_path / "assets" / "ball.glb")
    (tmp_path / "assets" / "bad.glb").write_bytes(b"x")
    assert (
        verse.main(
            f"benchmark {run_folder} --assets {tmp_path / 'assets'} --out {tmp_path / 'out'} --targets 2".split()
        )
        == 1
    )
    told = capsys.readouterr()
    assert (
        "1 objects could not be scored" in told.err
        and told.out.strip() == (tmp_path / "out" / "table.md").read_text().strip()
    )
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [row["name"] for row in results["objects"]] == ["ball"]
    assert results["failed"][0]["name"] == "bad" and "bad.glb: not a readable GLB" in results["failed"][0]["reason"]
    scores = results["objects"][0]["scores"]
    assert (
        {"iou", "depth_error", "chamfer"}
        < set(scores["model"])
        == set(scores["untrained"])
        > set(scores["nearest input"])
    )
    assert verse.main(["compare", str(tmp_path / "out"), str(tmp_path / "out" / "results.json")]) == 0
    assert capsys.readouterr().out.count("+0.0000 [+0.0000, +0.0000]") >= 3


def many(folder, views_folder, names):
    ramp = np.broadcast_to(np.linspace(60, 200, 64).astype(np.uint8)[:, None, None], (64, 64, 3))
    for name in names:
        views_folder(gso64(64), np.dstack([ramp, np.full((64, 64), 255, np.uint8)]), name)
    return folder / "views"


def test_an_interrupted_benchmark_goes_on(run_folder, views_folder, tmp_path, monkeypatch):
    """Ctrl-C at the second of three objects: the first is on disk, the same command scores only the others, and the
    table is that of one run.
    """
    views, scored, stops = many(tmp_path, views_folder, ("cup", "mug", "pot")), [], ["mug"]
    real = benchmark.Scorer.row

    def row(self, item):
        scored.append(item.name)
        if item.name in stops:
            stops.clear()
            raise KeyboardInterrupt
        return real(self, item)

    monkeypatch.setattr(benchmark.Scorer, "row", row)
    command = f"benchmark {run_folder} --views {views} --targets 2 --out".split()
    assert verse.main([*command, str(tmp_path / "out")]) == 130
    assert verse.main([*command, str(tmp_path / "out")]) == 0 and scored == ["cup", "mug", "mug", "pot"]
    assert verse.main([*command, str(tmp_path / "once")]) == 0
    assert (tmp_path / "out" / "results.json").read_bytes() == (tmp_path / "once" / "results.json").read_bytes()
    scored.clear()
    assert verse.main([*command, str(tmp_path / "out"), "--protocol", "gso-8"]) == 0 and scored == [
        "cup",
        "mug",
        "pot",
    ], "other settings, other scores"


def test_one_bad_object_costs_itself_alone(run_folder, views_folder, tmp_path, capsys):
    views = many(tmp_path, views_folder, ("cup", "mug"))
    for picture in (views / "cup" / "renderings").iterdir():
        picture.write_bytes(b"x")
    assert verse.main(f"benchmark {run_folder} --views {views} --targets 2 --out {tmp_path / 'out'}".split()) == 1
    assert "1 objects could not be scored" in capsys.readouterr().err
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [row["name"] for row in results["objects"]] == ["mug"] and "not a readable image" in results["failed"][0][
        "reason"
    ]


@pytest.mark.parametrize("on_error", ["skip", "raise"])
def test_any_exception_costs_its_object_alone(run_folder, views_folder, tmp_path, monkeypatch, on_error):
    whole = benchmark.Scorer.row

    def row(self, item):
        if item.name == "a":
            raise KeyError("No path from world->lamp!")
        return whole(self, item)

    views = many(tmp_path, views_folder, "abc")
    monkeypatch.setattr(benchmark.Scorer, "row", row)
    expected = PosedError if on_error == "raise" else PartlyScored
    with pytest.raises(expected, match="a: KeyError: 'No path from world->lamp!'"):
        benchmark.benchmark(run_folder, tmp_path / "out", views=views, targets=2, device="cpu", on_error=on_error)
    done = {path.stem for path in (tmp_path / "out" / "objects").glob("*.json")}
    assert done == (set() if on_error == "raise" else {"b", "c"})


def test_a_broken_camera_file_costs_its_object_alone(run_folder, views_folder, tmp_path, capsys):
    views = many(tmp_path, views_folder, ("cup", "mug"))
    (views / "cup" / "opencv_cameras.json").write_text("{")
    assert verse.main(f"benchmark {run_folder} --views {views} --targets 2 --out {tmp_path / 'out'}".split()) == 1
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [row["name"] for row in results["objects"]] == ["mug"] and [row["name"] for row in results["failed"]] == [
        "cup"
    ]
    assert verse.main(f"reconstruct {run_folder} --views {views} --sample 1 --out {tmp_path / 'mug'}".split()) == 0


def test_views_that_show_nothing_are_no_perfect_score(run_folder, views_folder, tmp_path, capsys):
    views = many(tmp_path, views_folder, ("cup", "mug"))
    for picture in (views / "cup" / "renderings").iterdir():
        picture.write_bytes(png.encode(np.zeros((64, 64, 4), np.uint8)))
    assert verse.main(f"benchmark {run_folder} --views {views} --targets 2 --out {tmp_path / 'out'}".split()) == 1
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [row["name"] for row in results["objects"]] == ["mug"] and "cup: transparent: nothing is opaque" in results[
        "failed"
    ][0]["reason"]
    assert verse.main(f"reconstruct {run_folder} --views {views / 'cup'} --out {tmp_path / 'cup'}".split()) == 1
    assert "cup: transparent" in capsys.readouterr().err


def test_views_smaller_than_the_model_makes_are_no_truth(run_folder, views_folder, tmp_path, capsys):
    folder = views_folder(gso64(32), np.full((32, 32, 4), 255, np.uint8))
    assert verse.main(f"benchmark {run_folder} --views {folder} --out {tmp_path / 'out'}".split()) == 1
    assert "object: expected views of at least 64 pixels, as the model makes, got 32 x 32" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_a_gpu_that_is_not_there_is_told(run_folder, views_folder, tmp_path, capsys):
    folder = views_folder(gso64(64), np.full((64, 64, 4), 255, np.uint8))
    assert verse.main(f"benchmark {run_folder} --views {folder} --out {tmp_path / 'out'} --device cuda".split()) == 1
    assert "verse: device: expected cpu, got cuda: there is no GPU that torch can use" in capsys.readouterr().err


def test_other_pictures_are_scored_anew(run_folder, views_folder, tmp_path):
    """The cameras are the same: scores of pictures that were replaced since are not taken for theirs."""
    views = many(tmp_path, views_folder, ("cup",))
    command, results = (
        f"benchmark {run_folder} --views {views} --targets 2 --out {tmp_path / 'out'}".split(),
        tmp_path / "out" / "results.json",
    )
    assert verse.main(command) == 0
    before = json.loads(results.read_text())["objects"][0]["scores"]["model"]["psnr"]
    for picture in (views / "cup" / "renderings").iterdir():
        picture.write_bytes(png.encode(np.full((64, 64, 4), (10, 10, 10, 255), np.uint8)))
    assert verse.main(command) == 0
    assert json.loads(results.read_text())["objects"][0]["scores"]["model"]["psnr"] < before - 1


def test_a_camera_at_the_origin_is_near_to_no_direction():
    rig = gso64(32)
    c2w = rig.c2w.copy()
    c2w[20, :3, 3] = 0
    with pytest.raises(PosedError, match="needs a view from elevation 20, azimuth 90"):
        find_inputs(Cameras(c2w, rig.intrinsics, 32, 32), "gso-4", "cup")
    c2w[:, :3, 3], c2w[20, :3, 3] = rig.centers, rig.centers[20]
    c2w[5, :3, 3] = 0
    assert find_inputs(Cameras(c2w, rig.intrinsics, 32, 32), "gso-4", "cup") == [16, 20, 24, 28]


@pytest.mark.parametrize("content", ["mug\ncup\n", '["mug", "cup"]', '{"name": "two", "objects": ["mug", "cup"]}'])
def test_a_list_of_objects(run_folder, views_folder, tmp_path, content):
    views = many(tmp_path, views_folder, ("cup", "mug", "pot"))
    (tmp_path / "list").write_text(content)
    subjects = benchmark.listed(posed.find(views), tmp_path / "list")
    assert [subject.name for subject in subjects] == ["mug", "cup"]


@pytest.mark.parametrize(
    "content, message",
    [
        ("mug\njug\n", "1 of 2 objects are not there, the first is 'jug'"),
        ("{}", "expected a name on each line"),
        ("[1]", "expected a name on each line"),
    ],
)
def test_a_list_that_does_not_fit_is_named(run_folder, views_folder, tmp_path, capsys, content, message):
    views = many(tmp_path, views_folder, ("cup", "mug"))
    (tmp_path / "list").write_text(content)
    assert (
        verse.main(
            f"benchmark {run_folder} --views {views} --objects {tmp_path / 'list'} --out {tmp_path / 'out'}".split()
        )
        == 2
    )
    assert message in capsys.readouterr().err


def test_scores_are_the_closed_forms():
    truth = torch.full((2, 3, 16, 16), 0.5)
    assert benchmark.score(truth + 0.1, truth, None)["psnr"] == pytest.approx(20, abs=1e-3)
    assert benchmark.score(truth, truth, None)["ssim"] == pytest.approx(1)


def test_reconstruct(run_folder, dataset, tmp_path):
    assert verse.main(f"reconstruct {run_folder} --views {dataset} --out {tmp_path} --sample 1".split()) == 0
    from PIL import Image

    with Image.open(tmp_path / "turntable.webp") as spin:
        assert spin.n_frames == 48 and spin.size == (256, 256)
    assert (tmp_path / "gaussians.glb").read_bytes()[:4] == b"glTF" and (tmp_path / "viewer.html").read_bytes()[
        :9
    ] == b"<!DOCTYPE"
    header = (tmp_path / "gaussians.ply").read_bytes()[:2000].split(b"end_header")[0].decode()
    assert "property float f_dc_0" in header and "property float rot_3" in header


def test_reconstructions_have_no_gaps_at_higher_resolutions():
    """A wall of Gaussians far smaller than a pixel, one for each: whole at its own resolution, dots at four times that;
    whole with what a pixel added.

    Closed form: along an axis of the image the variance of each is then EPS2D pixels² of the resolution it was
    predicted at.
    """
    from train.evaluation.reconstruct import as_sharp_as_seen
    from train.geometry.cameras import camera_rays, camera_tensors
    from train.models.lrm.network import render_gaussians
    from train.splatting import EPS2D, Gaussians

    cameras, size = turntable(1, 16), 16
    rays_o, rays_d = camera_rays(*camera_tensors(cameras), size, size)
    axis = torch.from_numpy(cameras.c2w[0, :3, 2]).float()[:, None, None]
    means = (
        (rays_o + rays_d * 2.7 / (rays_d * axis).sum(2, keepdim=True))[0, 0].flatten(1).T[None]
    )  # [1, S S, 3], all at depth 2.7
    count = size * size
    wall = Gaussians(
        means,
        torch.tensor([1.0, 0, 0, 0]).expand(1, count, 4),
        torch.full((1, count, 3), 1e-4),
        torch.full((1, count), 0.9),
        torch.full((1, count, 1, 3), -1.7),
    )
    seen = as_sharp_as_seen(wall, cameras)
    assert torch.allclose(
        seen.scales, torch.tensor((EPS2D * (2.7 / cameras.intrinsics[0, 0]) ** 2 + 1e-8) ** 0.5).float()
    )
    c2w, intrinsics = camera_tensors(cameras.resized(64, 64))
    inner = (..., slice(12, -12), slice(12, -12))
    dots, whole = (render_gaussians(gaussians, c2w, intrinsics, 64)[inner] for gaussians in (wall, seen))
    assert dots.max() > 0.9 and whole.max() < 0.35, "white between the dots; no white comes through the wall"


@pytest.mark.parametrize("arguments", ["--sample 99", "--inputs 0 99"])
def test_reconstruct_names_a_wrong_choice(run_folder, dataset, tmp_path, capsys, arguments):
    assert verse.main(f"reconstruct {run_folder} --views {dataset} --out {tmp_path} {arguments}".split()) == 1
    assert "expected" in capsys.readouterr().err
