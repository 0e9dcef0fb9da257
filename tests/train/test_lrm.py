import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from renderers.cameras import Cameras
from renderers.cameras.rigs import gso64, sphere_shell
from renderers.passes import on_white
from renderers.shards import ShardError
from tests.helpers.reconstruction import FakeReader, micro, same, sampler
from train.data.images import resize_area
from train.data.sampler import prefetch
from train.data.views import sampled_views
from train.geometry.cameras import camera_rays, plucker
from train.loop.fit import fit
from train.loop.runs import RunError
from train.loop.shares import accumulation, positions_of
from train.models.lrm.config import PRESETS, base, base_512
from train.models.lrm.network import LRM, activate, render_gaussians
from train.models.lrm.task import LRMTask, load_run, train_lrm
from train.networks.transformer import Block, patchify, unpatchify
from train.splatting import SH_C0
from zeroverse.core.rng import Rng

torch.set_num_threads(1)


# -------------------------------------------------------------------------------------------------------------- network


def test_base_has_the_papers_303_million_parameters():
    """Embedding 9 p² d, head 12 p² d, two norms d, and per block 12 d² in matrices (qkv 3, projection 1, MLP 8) and 2 d
    in norms; p = 8, d = 1024, L = 24.
    """
    count = sum(p.numel() for p in LRM(base(), device="meta").parameters())
    assert count == 9 * 64 * 1024 + 12 * 64 * 1024 + 2 * 1024 + 24 * (12 * 1024**2 + 2 * 1024) == 303_417_344


@pytest.mark.parametrize(
    "name, millions", [("tiny", 5.07), ("small", 25.9), ("medium", 86.0), ("base", 303.4), ("base_512", 303.4)]
)
def test_presets(name, millions):
    config = PRESETS[name]()
    assert config.preset == name
    assert sum(p.numel() for p in LRM(config, device="meta").parameters()) == pytest.approx(millions * 1e6, rel=3e-3)


def test_patchify_is_inverted_and_keeps_pixels_together():
    x = torch.arange(2 * 3 * 8 * 12.0).reshape(2, 3, 8, 12)
    tokens = patchify(x, 4)
    assert tokens.shape == (2, 6, 48)
    assert torch.equal(tokens[1, 4].reshape(3, 4, 4), x[1, :, 4:8, 4:8])  # second row of patches, second column
    assert torch.equal(unpatchify(tokens, 4, 8, 12), x)
    with pytest.raises(ValueError, match="8 x 10"):
        patchify(x[..., :10], 4)


@pytest.mark.parametrize("qk_norm", [False, True])
def test_block_is_equivariant_to_token_order_and_has_no_biases(qk_norm):
    block = Block(32, 4, qk_norm)
    assert not [name for name, _ in block.named_parameters() if name.endswith("bias")]
    x, order = torch.randn(2, 10, 32), torch.randperm(10)
    torch.testing.assert_close(block(x)[:, order], block(x[:, order]), atol=1e-5, rtol=1e-5)


def test_weights_come_from_the_seed_alone():
    torch.manual_seed(1)
    a = LRM(micro()).state_dict()
    torch.manual_seed(2)
    b, c = LRM(micro()).state_dict(), LRM(micro(seed=1)).state_dict()
    assert same(a, b) and not same(a, c)


# ------------------------------------------------------------------------------------------------------ rays, Gaussians


def tensors(cameras: Cameras):
    return torch.from_numpy(cameras.c2w), torch.from_numpy(cameras.intrinsics)


def test_rays_are_those_of_cameras_and_plucker_is_orthogonal():
    cameras = gso64(24)
    cameras = Cameras(cameras.c2w, cameras.intrinsics * np.array([1.0, 1.2, 0.9, 1.1]), 24, 16)
    rays_o, rays_d = camera_rays(*tensors(cameras), 16, 24)
    for got, expected in zip((rays_o, rays_d), cameras.rays()):
        np.testing.assert_allclose(got.movedim(1, -1).numpy(), expected, atol=1e-14)
    moment, direction = plucker(rays_o, rays_d).split(3, dim=1)
    assert torch.equal(direction, rays_d)
    assert (moment * direction).sum(1).abs().max() < 1e-14
    np.testing.assert_allclose(moment.movedim(1, -1), np.cross(*cameras.rays()), atol=1e-14)


def raw_and_rays(size=8, **channels):
    cameras = gso64(size)[[0, 20]]
    rays = [x[None] for x in camera_rays(*tensors(cameras), size, size)]
    raw = torch.zeros(1, 2, 12, size, size, dtype=torch.float64)
    for name, value in channels.items():
        raw[
            :,
            :,
            dict(distance=slice(0, 1), rgb=slice(1, 4), scale=slice(4, 7), quat=slice(7, 11), opacity=slice(11, 12))[
                name
            ],
        ] = value
    return raw, rays, cameras


def test_activations_have_the_published_closed_forms():
    raw, rays, _ = raw_and_rays(quat=0.5)
    gaussians = activate(raw, *rays, base())
    torch.testing.assert_close(gaussians.scales, torch.full_like(gaussians.scales, math.exp(-2.3)))
    torch.testing.assert_close(gaussians.opacities, torch.full_like(gaussians.opacities, 1 / (1 + math.exp(2.0))))
    torch.testing.assert_close(gaussians.quats, torch.full_like(gaussians.quats, 0.5))
    distances = (activate(raw, *rays, base(), clip=False).means.reshape(1, 2, 8, 8, 3).movedim(-1, 2) - rays[0]).norm(
        dim=2
    )
    torch.testing.assert_close(distances, torch.full_like(distances, 0.5 * 0.1 + 0.5 * 4.5))
    assert torch.equal(
        activate(raw_and_rays(rgb=1.7, quat=1.0)[0], *rays, base()).sh,
        torch.full((1, 128, 1, 3), 1.7, dtype=torch.float64),
    )


def test_activations_are_bounded_with_finite_gradients_for_any_raw_value():
    raw = torch.randn(1, 2, 12, 8, 8) * 500
    raw[:, :, 4:7, 0] = 1e4  # exp would overflow
    raw.requires_grad_()
    rays = [x.float() for x in raw_and_rays()[1]]
    gaussians = activate(raw, *rays, base())
    assert (
        gaussians.means.abs().max() <= 1
        and gaussians.scales.max() <= math.exp(-1.2) + 1e-6
        and gaussians.scales.min() >= 0
    )
    assert gaussians.opacities.min() >= 0 and gaussians.opacities.max() <= 1
    torch.testing.assert_close(gaussians.quats.norm(dim=-1), torch.ones(1, 128))
    sum(
        x.sum() for x in (gaussians.means, gaussians.scales, gaussians.opacities, gaussians.quats, gaussians.sh)
    ).backward()
    assert raw.grad.isfinite().all()


def test_each_gaussian_projects_to_the_centre_of_its_own_pixel():
    raw, rays, cameras = raw_and_rays(
        size=8, distance=torch.linspace(-0.2, 0.3, 64, dtype=torch.float64).reshape(8, 8), quat=1.0
    )
    means = activate(raw, *rays, base(), clip=False).means.reshape(2, 64, 3)
    centres = np.stack(np.meshgrid(np.arange(8) + 0.5, np.arange(8) + 0.5), axis=-1).reshape(
        64, 2
    )  # (x, y), row by row
    for view in range(2):
        pixels, depth = cameras[[view]].project(means[view].numpy())
        np.testing.assert_allclose(pixels[0], centres, atol=1e-12)
        assert (depth > 1.5).all()


def test_distances_about_the_origin_start_at_the_nearest_point():
    raw, rays, _ = raw_and_rays(quat=1.0)
    config = replace(base(), around_origin=1.5)
    points = lambda raw: activate(raw, *rays, config, clip=False).means.reshape(1, 2, 8, 8, 3).movedim(-1, 2)
    assert (points(raw) * rays[1]).sum(2).abs().max() < 1e-12
    raw[:, :, 0] = 40.0
    torch.testing.assert_close((points(raw) * rays[1]).sum(2), torch.full((1, 2, 8, 8), 1.5, dtype=torch.float64))


def test_colour_skip_starts_with_the_colours_of_the_pixels():
    batch = sampler(FakeReader()).batch([0, 1])
    rgb = batch["rgb"] / 255
    model = LRM(micro(color_skip=True))
    with torch.no_grad():
        model.head.weight.zero_()
        gaussians = model(rgb, batch["c2w"], batch["intrinsics"])
    torch.testing.assert_close(0.5 + SH_C0 * gaussians.sh[:, :, 0], rgb.movedim(2, -1).flatten(1, 3))


def test_a_drawn_gaussian_lands_on_its_pixel():
    """The whole chain at once: ray, activation, world-to-camera, splat. A half-pixel or axis error moves the
    centroid.
    """
    raw, rays, cameras = raw_and_rays(size=16, opacity=-30.0, quat=1.0, scale=-3.0)
    raw[0, 0, 11, 11, 5] = 9.0
    raw[0, 0, 1:4, 11, 5] = -0.5 / 0.28209479  # black
    gaussians = activate(raw, *rays, base()).map(lambda x: x.float())
    c2w, intrinsics = (x.float()[None] for x in tensors(cameras))
    dark = 1 - render_gaussians(gaussians, c2w, intrinsics, 16)[0, 0].mean(0)  # [16, 16]
    grid = torch.arange(16) + 0.5
    assert dark.sum() > 0.5
    assert (dark.sum(1) @ grid / dark.sum()).item() == pytest.approx(11.5, abs=0.02)
    assert (dark.sum(0) @ grid / dark.sum()).item() == pytest.approx(5.5, abs=0.02)


def test_model_output_starts_near_the_published_gaussians():
    batch = sampler(FakeReader()).batch([0, 1])
    gaussians = LRM(micro(scale_bias=base().scale_bias))(batch["rgb"] / 255, batch["c2w"], batch["intrinsics"])
    assert gaussians.means.shape == (2, 4 * 16 * 16, 3) and gaussians.sh.shape == (2, 1024, 1, 3)
    assert gaussians.scales.mean().item() == pytest.approx(math.exp(-2.3), rel=0.1)
    assert gaussians.opacities.mean().item() == pytest.approx(0.119, rel=0.1)


# ----------------------------------------------------------------------------------------------------------------- data


def test_a_batch_depends_on_seed_and_position_only():
    reader = FakeReader()
    first = sampler(reader)
    expected = [first.batch([position]) for position in range(12)]
    again = sampler(reader, cache_gb=1.0)
    for position in (7, 3, 11, 3, 0):  # any order, twice, cached
        assert same(again.batch([position]), expected[position])
    assert not same(sampler(reader, seed=1).batch([0]), expected[0])
    both = first.batch(range(4))
    assert (
        both["rgb"].shape == (4, 4, 3, 16, 16)
        and both["rgb"].dtype == torch.uint8
        and both["c2w"].shape == (4, 4, 4, 4)
    )
    assert all(torch.equal(both[name][i], expected[i][name][0]) for i in range(4) for name in both)


def test_the_cache_spares_decoding():
    reader = FakeReader(objects=1, views=8)
    views = sampler(reader, cache_gb=1.0)
    for position in range(20):
        views.batch([position])
    assert reader.reads <= 8


def test_every_epoch_visits_every_object_once_in_another_order():
    reader = FakeReader(objects=6)
    seen = [int(sampler(reader).batch([p])["rgb"][0, 0, 0, 8, 8]) // 40 for p in range(12)]
    assert sorted(seen[:6]) == sorted(seen[6:]) == list(range(6)) and seen[:6] != seen[6:]


def test_inputs_and_targets_are_four_each_of_eight_views():
    reader, views = FakeReader(objects=1, views=12), sampler(FakeReader(objects=1, views=12))
    overlap = []
    for position in range(60):
        batch = views.batch([position])
        shown, wanted = ({round(float(x)) // 10 for x in batch[name][0, :, 1, 8, 8]} for name in ("rgb", "target_rgb"))
        assert len(shown) == len(wanted) == 4
        overlap.append(len(shown & wanted))
        for name in ("", "target_"):
            view = int(batch[name + "rgb"][0, 0, 1, 8, 8]) // 10
            np.testing.assert_allclose(batch[name + "c2w"][0, 0], reader.cameras(0).c2w[view], atol=1e-6)
            np.testing.assert_allclose(
                batch[name + "intrinsics"][0, 0], reader.cameras(0).intrinsics[view] / 2, rtol=1e-6
            )  # 32 -> 16 pixels
    assert np.mean(overlap) == pytest.approx(2.0, abs=0.4)  # hypergeometric mean 4 * 4 / 8, standard error 0.1
    fixed = views.fixed([0])
    assert same(fixed, views.fixed([0]))
    assert not {int(x) for x in fixed["rgb"][0, :, 1, 8, 8]} & {int(x) for x in fixed["target_rgb"][0, :, 1, 8, 8]}


@pytest.mark.parametrize("ranks, micro_batch", [(2, 0), (2, 2), (4, 1), (1, 4)])
def test_ranks_together_see_what_one_rank_sees(ranks, micro_batch):
    def positions(rank, ranks, micro_batch):
        config = micro(steps=3, batch=8, micro_batch=micro_batch)
        return list(positions_of(config, 1, accumulation(config, ranks), rank, ranks))  # from step 1 on

    assert positions(0, 1, 0) == [range(8, 16), range(16, 24)]
    parts = [positions(rank, ranks, micro_batch) for rank in range(ranks)]
    half = len(parts[0]) // 2
    for blocks, expected in ((slice(0, half), range(8, 16)), (slice(half, None), range(16, 24))):
        assert sorted(p for part in parts for block in part[blocks] for p in block) == list(expected)


def test_prefetch_keeps_order_and_hands_on_errors():
    assert list(prefetch(lambda x: x * x, range(50), workers=4, ahead=7)) == [x * x for x in range(50)]
    with pytest.raises(ZeroDivisionError):
        list(prefetch(lambda x: 1 // (3 - x), range(50)))


def test_unreadable_samples_raise_or_are_named():
    reader = FakeReader(broken=(2,))
    with pytest.raises(ShardError, match="object_2"):
        [sampler(reader).batch([p]) for p in range(5)]
    tolerant = sampler(reader, on_error="skip")
    with pytest.warns(UserWarning, match="object_2 skipped"):
        batches = [tolerant.batch([p]) for p in range(10)]
    assert list(tolerant.bad) == ["object_2"] and 2 not in {int(b["rgb"][0, 0, 0, 8, 8]) // 40 for b in batches}
    with pytest.raises(ShardError, match="all 5 samples are unusable"), pytest.warns(UserWarning):
        sampler(FakeReader(broken=range(5)), on_error="skip").batch([0])


class Spoilt(FakeReader):
    """Object 1 has a NaN in its depth, object 2 nothing opaque; object 3 is empty in one view only."""

    def read(self, index, names=("rgb",), views=None):
        images = super().read(index, ("rgb", "alpha"), views)
        images["depth"], images["normal"] = (
            np.full(images["alpha"].shape, 2.0, np.float32),
            np.ones(images["rgb"].shape, np.float32),
        )
        if index == 1:
            images["depth"][-1, 3, 4] = np.nan
        if index == 2:
            images["alpha"] = np.zeros_like(images["alpha"])
        if index == 3 and 0 in views:
            images["alpha"] = images["alpha"].copy()
            images["alpha"][list(views).index(0)] = 0
        return {name: images[name] for name in names}


def test_what_is_not_finite_or_not_there_is_named():
    reader = Spoilt(objects=5)
    load = lambda index: sampler(reader, [index], labels=True).batch([0])
    with pytest.raises(ShardError, match="sample object_1: depth: expected finite values, got 1 that are not"):
        load(1)
    with pytest.raises(ShardError, match=r"sample object_2: transparent: alpha is 0 in all of the 8 views drawn"):
        load(2)
    assert load(0)["rgb"].shape == load(3)["rgb"].shape  # one empty view is no empty object
    tolerant = sampler(reader, labels=True, on_error="skip")
    with pytest.warns(UserWarning, match="skipped"):
        batches = [tolerant.batch([p]) for p in range(10)]
    assert sorted(tolerant.bad) == ["object_1", "object_2"]
    assert {int(b["rgb"][0, 0, 0, 8, 8]) // 40 for b in batches} <= {0, 3, 4, 6}  # 6: white, the empty view


def test_targets_stay_within_the_angle_of_an_input():
    cameras = sphere_shell(Rng("angles"), 32, 16)
    unit = cameras.c2w[:, :3, 3] / np.linalg.norm(cameras.c2w[:, :3, 3], axis=1, keepdims=True)

    def farthest(degrees):
        draws = [sampled_views(Rng("draw", i), cameras, 8, 4, 4, degrees) for i in range(100)]
        return [
            np.degrees(np.arccos((unit[wanted] @ unit[shown].T).max(axis=1).clip(-1, 1))).max()
            for shown, wanted in draws
        ]

    assert max(farthest(40.0)) <= 40.0 < max(farthest(180.0))  # the four inputs are always near enough
    few = sampled_views(Rng("few"), cameras, 8, 1, 4, 1e-3)
    assert few[1][0] == few[0][0] and len(set(few[1])) == 4  # where too few are near, farther ones follow


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(size=64), "at least 64 pixels, got 32 x 32"),
        (dict(pool=20), "at least 20 views, got 12"),
        (dict(inputs=9), "max\\(inputs, targets\\) = 9"),
        (dict(on_error="pad"), "'raise' or 'skip'"),
        (dict(view_angle_deg=0.0), "more than 0 and at most 180"),
    ],
)
def test_sampler_errors_say_what_was_expected(changes, message):
    with pytest.raises(ValueError, match=message):
        sampler(FakeReader(), **changes).batch([0])


def test_resizing_is_an_exact_area_mean():
    image = np.random.Generator(np.random.Philox(0)).integers(0, 256, (2, 12, 12, 3)).astype(np.uint8)
    np.testing.assert_allclose(resize_area(image, 4, 6), image.reshape(2, 4, 3, 6, 2, 3).mean(axis=(2, 4)), rtol=1e-6)
    np.testing.assert_allclose(
        resize_area(image, 5, 7).mean(axis=(1, 2)), image.mean(axis=(1, 2)), rtol=1e-6
    )  # 12/5: every pixel counts as much
    assert (np.rint(resize_area(np.full((1, 13, 13, 3), 77, np.uint8), 5, 4)) == 77).all()


def test_a_white_object_on_transparent_black_has_no_rim():
    alpha = np.zeros((1, 8, 8, 1), np.uint8)
    alpha[:, 3:6, 1:6] = 255
    alpha[:, 2] = 100
    rgb = np.where(alpha > 0, 255, 0).astype(np.uint8).repeat(3, axis=-1)
    assert (resize_area(on_white(rgb, alpha), 4, 4) == 255).all()
    assert (
        on_white(np.full((1, 1, 1, 3), 10, np.uint8), np.full((1, 1, 1, 1), 51, np.uint8)).ravel().tolist() == [206] * 3
    )  # 0.2 * 10 + 0.8 * 255


# ----------------------------------------------------------------------------------------------------------------- task


def test_point_warm_up_pulls_centres_and_draws_nothing():
    task = LRMTask(micro(point_steps=1, perceptual_after=2), FakeReader())
    batch = task.batch(range(2))
    assert list(task.loss(task.model, batch, 0)[1]) == ["points"]
    assert list(task.loss(task.model, batch, 1)[1]) == ["mse", "psnr"]
    loss, terms = task.loss(task.model, batch, 2)
    assert list(terms) == ["mse", "perceptual", "psnr"]
    torch.testing.assert_close(loss, terms["mse"] + 0.2 * terms["perceptual"])


def test_recomputing_changes_no_gradient():
    grads = []
    for recompute in (False, True):
        task = LRMTask(micro(recompute=recompute), FakeReader())
        task.loss(task.model, task.batch([0]), 0)[0].backward()
        grads.append([p.grad for p in task.model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*grads))


def test_a_stage_of_higher_resolution_starts_from_the_weights_of_the_last(tmp_path):
    fit(LRMTask(micro(steps=2, warmup=1), FakeReader()), tmp_path)
    fine = micro(size=32, start_from=str(tmp_path))
    task = LRMTask(fine, FakeReader())
    assert same(task.model.state_dict(), load_run(tmp_path)[0].state_dict()) and not same(
        task.model.state_dict(), LRM(fine).state_dict()
    )
    assert task.loss(task.model, task.batch([0]), 0)[0].isfinite()
    assert [getattr(base_512(), name) for name in ("size", "steps", "batch", "lr", "warmup")] == [
        512,
        20_000,
        128,
        1e-4,
        500,
    ]  # GS-LRM
    with pytest.raises(
        RunError,
        match=r"start_from: .*: expected the network of this preset, got one with layers \d, here 1; heads 2, here 4$",
    ):
        LRMTask(micro(layers=1, heads=4, start_from=str(tmp_path)), FakeReader())
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunError, match="no exported model"):
        LRMTask(micro(start_from=str(tmp_path / "empty")), FakeReader())
    with pytest.raises(ValueError, match="start_from: expected the folder of a run or a released model .*nowhere"):
        LRMTask(micro(start_from=str(tmp_path / "nowhere")), FakeReader())


@pytest.mark.parametrize("qk_norm", [False, True])
@pytest.mark.filterwarnings("error")
def test_bf16_on_a_cpu_is_the_same_network_but_for_rounding(qk_norm):
    """Products to 8 bits; what the blocks add to, and the Gaussians, stay in float32. Warnings count: of types that do
    not go together torch only warns.
    """
    batch = sampler(FakeReader()).batch([0, 1])
    exact, rounded = (LRM(micro(precision=precision, qk_norm=qk_norm)) for precision in ("float32", "bf16"))
    streams = []
    for block in rounded.blocks:
        block.register_forward_hook(lambda block, given, made: streams.append((given[0].dtype, made.dtype)))
    (a, wanted), (b, got) = (outcome(model, batch) for model in (exact, rounded))
    assert streams == [(torch.float32, torch.float32)] * 2
    for name in ("means", "quats", "scales", "opacities", "sh"):
        x, y = getattr(a, name), getattr(b, name)
        assert y.dtype == torch.float32 and not torch.equal(x, y)
        assert ((x - y).norm() / x.norm()).item() < 2**-7, name
    for name, gradient in wanted.items():
        assert got[name].dtype == torch.float32 and ((gradient - got[name]).norm() / gradient.norm()).item() < 0.05, (
            name
        )


def test_rays_are_not_rounded_to_bfloat16():
    """A camera turned by a tenth of a pixel at 512 is another camera to the first layer, as to that of the float32
    network.
    """
    batch, turn = sampler(FakeReader()).batch([0]), torch.eye(4)
    turn[0, 2], turn[2, 0] = 2e-4, -2e-4
    seen = {}
    for precision in ("float32", "bf16"):
        model = LRM(micro(precision=precision))
        model.embed.register_forward_hook(
            lambda layer, given, made, precision=precision: seen.setdefault(precision, []).append(made)
        )
        for c2w in (batch["c2w"], batch["c2w"] @ turn):
            model(batch["rgb"] / 255, c2w, batch["intrinsics"])
    change = {precision: second - first for precision, (first, second) in seen.items()}
    assert change["float32"].abs().max() > 0 and torch.equal(change["float32"], change["bf16"])


def outcome(model, batch):
    """(Gaussians, gradients of a loss of all of them)."""
    gaussians = model(batch["rgb"] / 255, batch["c2w"], batch["intrinsics"])
    sum(getattr(gaussians, name).square().sum() for name in ("means", "scales", "opacities", "sh")).backward()
    return gaussians.map(lambda x: x.detach()), {name: p.grad for name, p in model.named_parameters()}


def test_auto_is_float32_on_a_cpu_and_other_precisions_are_named():
    batch = sampler(FakeReader()).batch([0])
    auto, exact = (outcome(LRM(micro(precision=precision)), batch)[0] for precision in ("auto", "float32"))
    assert torch.equal(auto.means, exact.means) and torch.equal(auto.sh, exact.sh)
    with pytest.raises(ValueError, match="precision: expected 'auto' or 'bf16' or 'float32', got 'fp8'"):
        micro(precision="fp8")


def test_unknown_preset():
    with pytest.raises(
        ValueError, match="preset: expected one of tiny, laptop, small, medium, base, base_512, got 'huge'"
    ):
        train_lrm("nowhere", "nowhere", "huge")
