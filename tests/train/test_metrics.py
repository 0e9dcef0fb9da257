import math

import numpy as np
import pytest
import torch

from train.losses.images import VggPerceptual, dssim, mse, perceptual_loss, read_weights
from train.metrics.images import LPIPS, VGG16, VGG19, psnr, ssim, vgg_features
from train.metrics.intervals import bootstrap_interval, crossed_interval, wilson_interval
from zeroverse.core.rng import Rng

torch.set_num_threads(1)


def images(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def slow_ssim(a, b):  # [3, H, W] float64, every window by itself, as Wang et al. write it
    axis = np.arange(11) - 5
    window = np.exp(-(axis[:, None] ** 2 + axis**2) / (2 * 1.5**2))
    window /= window.sum()
    values = []
    for channel in range(3):
        for i in range(a.shape[1] - 10):
            for j in range(a.shape[2] - 10):
                x, y = a[channel, i : i + 11, j : j + 11], b[channel, i : i + 11, j : j + 11]
                mx, my = (window * x).sum(), (window * y).sum()
                vx, vy, vxy = (
                    (window * (x - mx) ** 2).sum(),
                    (window * (y - my) ** 2).sum(),
                    (window * (x - mx) * (y - my)).sum(),
                )
                values.append((2 * mx * my + 1e-4) * (2 * vxy + 9e-4) / ((mx**2 + my**2 + 1e-4) * (vx + vy + 9e-4)))
    return np.mean(values)


def test_ssim_equals_the_definition_window_by_window():
    a = images(2, 3, 19, 24)
    b = (a + 0.2 * images(2, 3, 19, 24, seed=1)).clamp(0, 1)
    expected = [slow_ssim(x.double().numpy(), y.double().numpy()) for x, y in zip(a, b)]
    torch.testing.assert_close(ssim(a, b), torch.tensor(expected, dtype=torch.float32), atol=2e-6, rtol=0)


def test_ssim_of_constants_has_a_closed_form_and_of_equals_is_one():
    a, b = torch.full((3, 16, 16), 0.2), torch.full((3, 16, 16), 0.6)
    assert ssim(a, b).item() == pytest.approx(
        (2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4), abs=1e-4
    )  # abs: float32 variances of 1e-8 against C2 = 9e-4
    x = images(2, 2, 3, 16, 16)
    torch.testing.assert_close(ssim(x, x), torch.ones(2, 2))
    torch.testing.assert_close(dssim(x, x), torch.zeros(2, 2), atol=1e-6, rtol=0)
    with pytest.raises(ValueError, match="at least 11"):
        ssim(x[..., :10], x[..., :10])


def test_psnr_and_mse_closed_forms():
    target = torch.full((2, 3, 8, 8), 0.5)
    pred = target + torch.tensor([0.1, 0.01]).view(2, 1, 1, 1)
    torch.testing.assert_close(psnr(pred, target), torch.tensor([20.0, 40.0]), atol=1e-3, rtol=0)
    torch.testing.assert_close(mse(pred, target), torch.tensor([1e-2, 1e-4]))
    assert psnr(target, target).isinf().all()
    assert psnr(torch.full((3, 2, 2), 7.0), torch.ones(3, 2, 2)).isinf()  # clipped to 1 first


def test_bootstrap_is_seeded_and_covers():
    values = np.random.Generator(np.random.Philox(1)).normal(3.0, 1.0, 400)
    low, high = bootstrap_interval(values, seed=0)
    assert (low, high) == bootstrap_interval(values, seed=0) != bootstrap_interval(values, seed=1)
    error = values.std() / math.sqrt(len(values))
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.1 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.1 * error)
    assert bootstrap_interval([2.0, 2.0], seed=0) == (2.0, 2.0)
    with pytest.raises(ValueError, match="values"):
        bootstrap_interval([], seed=0)


def test_crossed_interval_equals_drawing_runs_and_objects_one_by_one():
    values = np.random.Generator(np.random.Philox(2)).normal(20.0, 2.0, (3, 4))
    drawn = [
        (Rng("crossed bootstrap", 7, axis).unit((50, count)) * count).astype(int)
        for axis, count in (("runs", 3), ("objects", 4))
    ]
    means = [np.mean([values[i, j] for i in runs for j in objects]) for runs, objects in zip(*drawn)]
    assert crossed_interval(values, seed=7, resamples=50, level=0.8) == pytest.approx(
        np.quantile(means, [0.1, 0.9]), abs=1e-12
    )


def test_crossed_interval_has_the_width_of_both_effects():
    """Runs a_i + objects b_j: variances var(a) / S + var(b) / N; of S N independent values it is three times too large
    (Owen 2007, theorem 1).
    """
    normal = np.random.Generator(np.random.Philox(3)).normal
    runs, objects = normal(0.0, 1.0, (40, 1)), normal(0.0, 2.0, (1, 60))
    for values, variance in (
        (runs + objects, runs.var() / 40 + objects.var() / 60),
        (runs + 0 * objects, runs.var() / 40),
        (0 * runs + objects, objects.var() / 60),
    ):
        low, high = crossed_interval(values, seed=0)
        assert high - low == pytest.approx(2 * 1.96 * variance**0.5, rel=0.05) and low < values.mean() < high
    noise = normal(0.0, 1.0, (60, 60))
    low, high = crossed_interval(noise, seed=0)
    assert high - low == pytest.approx(2 * 1.96 * (3 / 3600) ** 0.5, rel=0.1)
    assert crossed_interval([[2.0, 2.0]], seed=0) == (2.0, 2.0)
    with pytest.raises(ValueError, match=r"values: expected \[S, N\]"):
        crossed_interval([[]], seed=0)


def test_wilson_interval_solves_its_equation():
    """Its ends are the rates p for which the observed rate is z standard errors away: |k / n - p| = z sqrt(p (1 - p) /
    n).
    """
    for times, trials in ((0, 1), (0, 10), (3, 10), (5, 10), (10, 10), (1, 400)):
        low, high = wilson_interval(times, trials)
        for p in (low, high):
            assert abs(times / trials - p) == pytest.approx(1.959964 * (p * (1 - p) / trials) ** 0.5, abs=1e-6)
        assert 0 <= low <= times / trials <= high <= 1 and low < high
        assert wilson_interval(trials - times, trials) == pytest.approx((1 - high, 1 - low))
    assert wilson_interval(0, 10)[1] == pytest.approx(0.27753, abs=1e-5)
    for wrong in ((-1, 3), (4, 3), (0, 0)):
        with pytest.raises(ValueError, match="times, trials"):
            wilson_interval(*wrong)


def vgg_weights(plan, seed=0):
    generator, weights, channels, layer = torch.Generator().manual_seed(seed), {}, 3, 0
    for row in plan:
        if row == "M":
            layer += 1
            continue
        weights[f"features.{layer}.weight"] = (
            torch.randn(row, channels, 3, 3, generator=generator) * (2 / (9 * channels)) ** 0.5
        )
        weights[f"features.{layer}.bias"] = torch.zeros(row)
        channels, layer = row, layer + 2
    return weights


def test_vgg_layers_have_torchvisions_numbers_and_taps_are_relus():
    for plan, last in ((VGG16, 28), (VGG19, 34)):
        weights = vgg_weights(plan)
        assert (
            max(int(key.split(".")[1]) for key in weights) == last
        )  # features.28 and features.34 are the published last convolutions
        features = vgg_features(plan, weights)
        taps = LPIPS.TAPS if plan is VGG16 else VggPerceptual.TAPS
        assert all(isinstance(features[tap], torch.nn.ReLU) for tap in taps)


def test_perceptual_choice(tmp_path):
    weights = vgg_weights(VGG19)
    torch.save(weights, tmp_path / "vgg19.pth")
    loss = perceptual_loss(f"vgg:{tmp_path / 'vgg19.pth'}")
    a, b = images(1, 2, 3, 32, 32), images(1, 2, 3, 32, 32, seed=1)
    assert loss(a, b).shape == (1, 2) and (loss(a, b) > 0).all() and (loss(a, a) == 0).all()
    torch.testing.assert_close(
        loss(a, b)[0, 1], loss(a[:, 1:], b[:, 1:])[0, 0]
    )  # one image's loss does not depend on the others
    assert not any(parameter.requires_grad for parameter in loss.parameters())
    assert perceptual_loss("ssim") is dssim
    with pytest.raises(ValueError, match="perceptual: expected 'ssim' or 'vgg:"):
        perceptual_loss("lpips")
    with pytest.raises(FileNotFoundError, match="nowhere.pth"):
        read_weights(tmp_path / "nowhere.pth")
    del weights["features.5.bias"]
    torch.save(weights, tmp_path / "vgg19.pth")
    with pytest.raises(ValueError, match=r"features.5.bias: expected \[128\] .*nothing"):
        perceptual_loss(f"vgg:{tmp_path / 'vgg19.pth'}")


def test_lpips_by_hand(tmp_path):
    backbone = vgg_weights(VGG16)
    linear = {
        f"lin{i}.model.1.weight": torch.rand(1, channels, 1, 1) for i, channels in enumerate((64, 128, 256, 512, 512))
    }
    torch.save(backbone, tmp_path / "vgg16-397923af.pth")
    with pytest.raises(FileNotFoundError, match="no vgg.pth"):
        LPIPS.load(tmp_path)
    torch.save(linear, tmp_path / "vgg.pth")
    lpips = LPIPS.load(tmp_path)
    a, b = images(2, 3, 32, 32), images(2, 3, 32, 32, seed=1)
    total, features = 0.0, vgg_features(VGG16, backbone)
    for i, tap in enumerate(LPIPS.TAPS):
        x, y = (features[: tap + 1](((2 * z - 1) - lpips.shift) / lpips.scale) for z in (a, b))
        x, y = (torch.nn.functional.normalize(z, dim=1) for z in (x, y))
        total = total + torch.nn.functional.conv2d((x - y) ** 2, linear[f"lin{i}.model.1.weight"]).mean(dim=(1, 2, 3))
    torch.testing.assert_close(lpips(a, b), total, rtol=1e-4, atol=1e-5)
    assert (lpips(a, a) == 0).all()
