"""The shape autoencoder: its parts against closed forms, its batches against the arrays they come from, and that it
learns.
"""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh

import verse
from detailverse.labels.fields import from_npz
from renderers.cameras.rigs import turntable
from renderers.shards import SAMPLE_FORMAT, ShardError, ShardReader, canonical, write_shard
from renderers.shards.storage import Local
from tests.helpers.boxes import SIDES, Boxes, micro
from tests.helpers.closed_forms import box_sdf
from train.data.fields import FIELD, FieldSampler
from train.geometry.isosurface import mesh_of
from train.loop.fit import fit
from train.metrics.meshes import surface_scores, volume_iou
from train.models.shape_vae.config import base
from train.models.shape_vae.losses import LOSSES, seen
from train.models.shape_vae.network import Posterior, ShapeVAE
from train.models.shape_vae.task import VAETask, load_vae, reconstruct, signed, train_vae
from train.networks.points import farthest_points, fourier
from zeroverse.core import png

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def boxes():
    return Boxes()


def sampler(reader, **changes):
    settings = {**dict(points=300, salient=0.5, near=100, volume=80, oriented=40, seed=0), **changes}
    return FieldSampler(reader, range(len(reader)), **settings)


def exact(index: int, points: np.ndarray) -> np.ndarray:
    sides = np.array(SIDES[index])
    return box_sdf(points.astype(np.float64), *(2 * sides / sides.max()))


# -------------------------------------------------------------------------------------------------------------- network


def test_base_has_the_papers_shape():
    """Encoder: one cross block and 8 blocks of 512; decoder: 16 blocks of 1024 and one cross block; a block has 12 d²
    in matrices and 2 d in norms, a cross block the same matrices and 3 d; latents of 64; 51 numbers describe a place,
    54 a point with its normal.
    """
    block, cross = lambda d: 12 * d * d + 2 * d, lambda d: 12 * d * d + 3 * d
    encoder = 54 * 512 + 512 + cross(512) + 8 * block(512) + 512 + 512 * 128 + 128
    decoder = 64 * 1024 + 1024 + 16 * block(1024) + 51 * 1024 + 1024 + cross(1024) + 1024 + 1024 + 1
    assert sum(p.numel() for p in ShapeVAE(base(), device="meta").parameters()) == encoder + decoder


def test_fourier_features_are_sines_and_cosines_of_octaves():
    """Without pi, and the coordinates among them."""
    x = torch.tensor([0.3, -0.7, 1.0])
    found = fourier(x, 8)
    assert found.shape == (51,)
    expected = [0.3, -0.7, 1.0] + [
        f(2.0**k * v) for f in (math.sin, math.cos) for v in (0.3, -0.7, 1.0) for k in range(8)
    ]
    assert torch.allclose(found, torch.tensor(expected), atol=1e-5)


def test_farthest_points_halve_an_interval():
    """Of 0 … 16 on a line, from 0 on: the other end, then the middle, then quarters."""
    line = torch.zeros(2, 17, 3)
    line[0, :, 1], line[1, :, 2] = torch.arange(17.0), torch.arange(17.0)
    for chosen in farthest_points(line, 5):
        assert chosen[:3].tolist() == [0, 16, 8] and sorted(chosen[3:].tolist()) == [4, 12]
    assert len(set(farthest_points(torch.rand(1, 50, 3), 50)[0].tolist())) == 50
    with pytest.raises(ValueError, match="count: expected at most the 17 points, got 18"):
        farthest_points(line, 18)


def test_kl_of_shifted_and_scaled_normal_distributions():
    zero = torch.zeros(3, 5, 2)
    assert torch.equal(Posterior(zero, zero).kl(), torch.zeros(3))
    assert torch.allclose(Posterior(zero + 2, zero).kl(), torch.full((3,), 2.0))  # mean² / 2
    assert torch.allclose(Posterior(zero, zero + math.log(4)).kl(), torch.full((3,), (4 - 1 - math.log(4)) / 2))
    torch.manual_seed(0)
    drawn = Posterior(torch.full((1, 1000, 20), 3.0), torch.full((1, 1000, 20), math.log(0.25))).sample()
    assert abs(drawn.mean() - 3) < 0.02 and abs(drawn.std() - 0.5) < 0.01


def test_losses_of_a_perfect_answer_are_zero_and_of_others_known():
    normals = torch.nn.functional.normalize(torch.randn(2, 7, 3), dim=-1)
    zero = Posterior(torch.zeros(2, 3, 4), torch.zeros(2, 3, 4))
    truth = torch.tensor([[0.02, -0.05, 0.5, -3.0], [0.0, 0.1, -0.1, 0.01]])
    terms = lambda *given: {term.name: term.loss(seen(*given)).mean() for term in LOSSES}
    perfect = terms((truth / 0.1).clamp(-1, 1), normals, truth, normals, zero, 0.1)
    assert all(abs(value) < 1e-6 for value in perfect.values())
    wrong = terms((truth / 0.1).clamp(-1, 1) + 0.5, -3 * normals, truth, normals, zero, 0.1)
    assert (
        wrong["sdf"].item() == pytest.approx(0.5 + 0.25)
        and wrong["normal"].item() == pytest.approx(2)
        and wrong["eikonal"].item() == pytest.approx(4)
    )


def test_gradients_are_those_of_the_distances():
    """Against central differences, in float64; and a gradient in the loss has gradients itself."""
    model = ShapeVAE(micro()).double()
    torch.nn.init.normal_(model.to_distance[1].weight)
    decoded, points, step = torch.randn(1, 16, 32, dtype=torch.float64), torch.rand(1, 6, 3, dtype=torch.float64), 1e-6
    offsets = step * torch.eye(3, dtype=torch.float64)
    slopes = torch.stack(
        [(model.distances(decoded, points + d) - model.distances(decoded, points - d)) / (2 * step) for d in offsets],
        dim=-1,
    )
    found = model.gradients(decoded, points)
    assert torch.allclose(found, model.config.truncation * slopes, atol=1e-7)
    found.square().sum().backward()
    assert model.answer.attention.q.weight.grad.abs().max() > 0


def test_encoding_does_not_depend_on_what_else_is_in_the_batch():
    model, points = ShapeVAE(micro()), torch.rand(3, 256, 6)
    together, alone = model.encode(points, 16).mean, model.encode(points[1:2], 16).mean
    assert together.shape == (3, 16, 8) and torch.allclose(together[1:2], alone, atol=1e-5)
    assert model.encode(points, 5).mean.shape == (3, 5, 8), "any number of tokens"


def test_config_names_what_does_not_fit():
    with pytest.raises(
        ValueError, match="tokens: expected 1 <= fewest_tokens <= tokens <= points / 4, got 8, 100, 256"
    ):
        micro(tokens=100)


# ----------------------------------------------------------------------------------------------------------------- data


def test_batches_hold_what_the_shards_hold(boxes):
    """Points on the box with the normal of the side, and distances that are those of the place."""
    batch = sampler(boxes).batch(range(8))
    assert {name: list(x.shape) for name, x in batch.items()} == {
        "surface": [8, 300, 6],
        "queries": [8, 180, 3],
        "distance": [8, 180],
        "oriented": [8, 40, 6],
    }
    drawn = sampler(boxes)
    for position in range(8):
        sample = {name: x[0].numpy() for name, x in drawn.batch([position]).items()}
        index = min(range(4), key=lambda i: np.abs(exact(i, sample["surface"][:, :3])).max())
        for kind in ("surface", "oriented"):
            assert np.abs(exact(index, sample[kind][:, :3])).max() < 1e-4
            assert np.abs(np.linalg.norm(sample[kind][:, 3:], axis=1) - 1).max() < 1e-3
        assert np.abs(exact(index, sample["queries"]) - sample["distance"]).max() < 1e-3
        near = np.abs(sample["distance"][:100])
        assert near.max() < 0.05 < np.abs(sample["distance"][100:]).max(), "near ones first, then anywhere"
    assert {key for position in range(4) for key in [batch["surface"][position].numpy().tobytes()]} == {
        batch["surface"][p].numpy().tobytes() for p in range(4)
    }


def test_batches_are_the_same_with_and_without_a_cache():
    kept, read = Boxes(), Boxes()
    with_cache, without = sampler(kept, cache_gb=1.0), sampler(read)
    for start in (0, 4, 8):
        one, other = with_cache.batch(range(start, start + 4)), without.batch(range(start, start + 4))
        assert all(torch.equal(one[name], other[name]) for name in one)
    assert kept.reads == 4 and read.reads == 12


def test_unusable_samples_are_named():
    with pytest.raises(
        ShardError, match="sample box_1: no fields.npz: make the shards with verse generate detailverse --fields vae"
    ):
        sampler(Boxes(2, bare=(1,))).batch(range(2))
    with pytest.raises(ShardError, match=r"sample box_0: fields\.npz: "):
        sampler(Boxes(2, broken=(0,))).batch(range(2))
    skipping = sampler(Boxes(3, broken=(0,), bare=(1,)), on_error="skip")
    with pytest.warns(UserWarning, match="skipped"):
        batch = skipping.batch(range(3))
    assert set(skipping.bad) == {"box_0", "box_1"} and np.abs(exact(2, batch["surface"][0, :, :3].numpy())).max() < 1e-4


# ------------------------------------------------------------------------------------------------------- meshes, scores


def ball(radius: float):
    return lambda points: np.clip(np.linalg.norm(points.astype(np.float64), axis=1) - radius, -0.1, 0.1)


def sphere_points(radius: float, count: int = 20_000) -> np.ndarray:
    n = np.random.default_rng(0).normal(size=(count, 3))
    n /= np.linalg.norm(n, axis=1, keepdims=True)
    return np.concatenate([radius * n, n], axis=1)


def test_the_mesh_of_a_truncated_ball():
    points, faces = mesh_of(ball(0.8), 64)
    mesh = trimesh.Trimesh(points, faces, process=False)
    assert mesh.is_watertight and mesh.is_winding_consistent
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * 0.8**3, rel=2e-3)
    scores = surface_scores(points, faces, sphere_points(0.8))
    assert scores["f_score"] > 0.95 and scores["normal_consistency"] > 0.999 and scores["chamfer"] < 0.012


def test_meshes_are_closed_whatever_the_field():
    """A field that is inside everywhere fills the grid, one that is nowhere has no faces, thin and slanted ones are
    found between the coarse nodes.
    """
    points, faces = mesh_of(lambda p: np.full(len(p), -0.1), 32)
    assert trimesh.Trimesh(points, faces, process=False).is_watertight and np.abs(points).max() <= 1.1
    assert len(mesh_of(lambda p: np.full(len(p), 0.1), 32)[1]) == 0
    shell = lambda p: np.abs(p @ np.float64([0.6, 0.0, 0.8])) - 0.03
    points, faces = mesh_of(
        lambda p: np.maximum(np.clip(shell(p), -0.1, 0.1), np.clip(np.abs(p).max(axis=1) - 0.9, -0.1, 0.1)), 128
    )
    assert trimesh.Trimesh(points, faces, process=False).volume == pytest.approx(0.06 * 1.8 * 1.8 / 0.8, rel=0.03)


def test_scores_of_shapes_that_differ_by_a_known_distance():
    points, faces = mesh_of(ball(0.7), 64)
    far = surface_scores(points, faces, sphere_points(0.8))
    assert far["chamfer"] == pytest.approx(0.1, rel=0.03) and far["f_score"] == 0 and far["normal_consistency"] > 0.99
    assert surface_scores(np.zeros((0, 3)), np.zeros((0, 3), int), sphere_points(0.8)) == {
        "chamfer": 2.0,
        "f_score": 0.0,
        "normal_consistency": 0.0,
    }
    a, b = np.array([-1.0, -1, 1, 1]), np.array([-1.0, 1, -1, 1])
    assert volume_iou(a, b) == pytest.approx(1 / 3) and volume_iou(a, a) == 1 and volume_iou(abs(a), abs(a)) == 1


# ------------------------------------------------------------------------------------------------------------- training


def test_it_learns(boxes, tmp_path):
    """To tell four boxes apart, from first weights that know nothing, in some seconds."""
    config = micro(
        steps=400,
        batch=4,
        lr=3e-3,
        warmup=10,
        encoder_width=48,
        width=48,
        octaves=4,
        fewest_tokens=16,
        ema=0.9,
        normal_weight=0.1,
        cache_gb=1.0,
        validate_every=0,
        preview_every=0,
    )
    assert fit(VAETask(config, boxes), tmp_path / "run").finished
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    losses = [row["sdf"] for row in rows if "sdf" in row]
    assert losses[-1] < losses[0] / 5

    def scores(model: ShapeVAE) -> list[float]:
        known = [from_npz(data) for data in boxes.data]
        return [
            volume_iou(signed(model, reconstruct(model, arrays), arrays["vol_points"]), arrays["vol_label"])
            for arrays in known
        ]

    assert min(scores(load_vae(tmp_path / "run")[0])) > 0.6 and max(scores(ShapeVAE(config))) < 0.4


def test_a_resumed_run_has_the_weights_of_an_uninterrupted_one(boxes, tmp_path):
    config = micro(save_every=2, validate_every=0, preview_every=0)
    fit(VAETask(config, boxes), tmp_path / "whole")
    half = VAETask(config, boxes)
    half.loss = lambda *arguments, loss=half.loss: _stop_after(3, arguments, loss)
    with pytest.raises(KeyboardInterrupt):
        fit(half, tmp_path / "halves")
    fit(VAETask(config, boxes), tmp_path / "halves", resume=True)
    assert (tmp_path / "whole" / "model.safetensors").read_bytes() == (
        tmp_path / "halves" / "model.safetensors"
    ).read_bytes()


def _stop_after(step, arguments, loss):
    if arguments[2] == step:
        raise KeyboardInterrupt
    return loss(*arguments)


def test_commands_from_shards_to_glbs(tmp_path, capsys):
    """Two vases through an autoencoder that has learned next to nothing: every file is there, and the frame is that of
    the objects.
    """
    data, run, out = tmp_path / "data", tmp_path / "run", tmp_path / "out"
    made = (
        "--count 2 --family vase --level 0 --views 1 --size 32 --texture-size 64 --fields vae --workers 1 --passes "
        "rgb normal"
    )
    assert verse.main(f"generate detailverse --out {data} {made}".split()) == 0
    assert verse.main(f"train vae --data {data} --validate {data} --out {run} --steps 12".split()) == 0
    assert verse.main(f"autoencode {run} --data {data} --out {out} --cells 32".split()) == 0
    table = capsys.readouterr().out
    assert "2 objects, 64 tokens, grid of 32³" in table and "| all |" in table
    results = json.loads((out / "results.json").read_text())
    assert {row["name"] for row in results["objects"]} == {path.stem for path in (out / "objects").glob("*.glb")}
    assert (out / "figure.png").exists() and (run / "previews" / "step_0000012.png").exists()
    assert "val_iou" in (run / "log.jsonl").read_text()
    assert verse.main(f"autoencode {run} --data {data} --out {out} --cells 30".split()) == 2


@pytest.fixture
def shards(boxes, tmp_path):
    """(folder of two shards of two boxes each with one small view and no normals, a run of two steps on the boxes)."""
    config = micro(steps=2, validate_every=0, preview_every=0, save_every=0)
    assert fit(VAETask(config, boxes), tmp_path / "run").finished
    pixels = np.dstack([np.full((16, 16, 3), 90, np.uint8), np.full((16, 16), 255, np.uint8)])
    meta = {
        "format": SAMPLE_FORMAT,
        "uid": "x",
        "views": 1,
        "image_size": [16, 16],
        "passes": ["rgb", "alpha"],
        "cameras": {
            name: value.tolist()
            for name, value in (("c2w", turntable(1, 16).c2w), ("intrinsics", turntable(1, 16).intrinsics))
        },
    }
    sample = lambda i: (
        boxes.keys[i],
        {"rgb_000.png": png.encode(pixels), "json": canonical(meta), FIELD: boxes.data[i]},
    )
    store = Local(tmp_path / "data")
    store.prepare()
    for shard in range(2):
        write_shard(store, f"boxes-{shard:06d}.tar", [sample(2 * shard), sample(2 * shard + 1)], {})
    return tmp_path / "data", tmp_path / "run"


def damage(folder, reader_index: int) -> None:
    """Overwrite the field of one sample."""
    reader = ShardReader(folder)
    sample = reader._samples[reader_index]
    path, data = folder / sample.tar, reader.field(reader_index, FIELD)
    path.write_bytes(path.read_bytes().replace(data, bytes(len(data))))


def test_a_broken_object_costs_itself_alone(shards, tmp_path, capsys):
    """In a benchmark of shapes, whose views here have no normals to show; and in training, as on_error says, also when
    it is held out.
    """
    data, run = shards
    damage(data, 1)
    with pytest.warns(UserWarning, match="box_1 skipped"):
        assert verse.main(f"autoencode {run} --data {data} --out {tmp_path / 'out'} --cells 32".split()) == 1
    told = capsys.readouterr()
    assert "1 objects could not be read" in told.err and "3 objects, 16 tokens" in told.out
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [row["name"] for row in results["objects"]] == ["box_0", "box_2", "box_3"] and results["failed"][0][
        "name"
    ] == "box_1"
    assert (tmp_path / "out" / "figure.png").exists()
    config = micro(steps=2, preview_every=0, save_every=0)
    with pytest.raises(ShardError, match="box_1"):
        train_vae(data, tmp_path / "raised", config, validate_dir=data)
    with pytest.warns(UserWarning, match="box_1 skipped"):
        outcome = train_vae(data, tmp_path / "skipped", replace(config, on_error="skip"), validate_dir=data)
    assert outcome.finished and "val_iou" in outcome.metrics


def test_a_cut_shard_goes_by_on_error(shards, tmp_path):
    data, _ = shards
    cut = data / "boxes-000001.tar"
    cut.write_bytes(cut.read_bytes()[:2000])
    config = micro(steps=2, validate_every=0, preview_every=0, save_every=0)
    with pytest.raises(ShardError, match="truncated or replaced"):
        train_vae(data, tmp_path / "raised", config)
    with pytest.warns(UserWarning, match="truncated or replaced"):
        assert train_vae(data, tmp_path / "skipped", replace(config, on_error="skip")).finished
