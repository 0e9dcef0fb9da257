"""A training step on a GPU that is not there: fake CUDA tensors have a device, a type and a shape, and raise where
devices meet or content is asked for.

Forward only: torch's autograd engine wants a real device. The Triton code runs too, but for its kernels.
"""

import ctypes
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch._subclasses import FakeTensorMode
from torch._subclasses.fake_tensor import DataDependentOutputException
from torch.utils._python_dispatch import TorchDispatchMode

from renderers.cameras.rigs import turntable
from tests.helpers.reconstruction import micro
from train.data.noise import Noise
from train.evaluation import reconstruct
from train.evaluation.benchmark import Trial, reconstruct_views
from train.geometry.cameras import camera_tensors
from train.loop.optimiser import average, make_optimizer
from train.models.lrm.config import PRESETS
from train.models.lrm.network import LRM, render_gaussians
from train.models.lrm.task import LRMTask, predict
from train.tools import memory

CUDA = torch.device("cuda", 0)
CUDA_TYPE, META_TYPE = 1, 14  # of c10::DeviceType


@contextmanager
def cuda_guard():
    """Indexing switches to a tensor's device; torch's builds for CPUs cannot, and take here the switch of meta tensors,
    which does nothing.
    """
    library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libc10.so"))
    guards = (ctypes.c_void_p * (META_TYPE + 1)).in_dll(library, "_ZN3c104impl26device_guard_impl_registryE")
    before = guards[CUDA_TYPE]
    guards[CUDA_TYPE] = before or guards[META_TYPE]
    yield
    guards[CUDA_TYPE] = before


@pytest.fixture
def gpu(monkeypatch):
    """Fake tensors on CUDA, autocast as on CUDA, Triton kernels that do nothing."""
    monkeypatch.setattr(torch.cuda.amp.common, "amp_definitely_not_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *including: True)
    monkeypatch.setattr(torch.cuda, "device_of", lambda tensor: nullcontext())
    with cuda_guard(), FakeTensorMode(allow_non_fake_inputs=True), memory.splatting_as_on_a_gpu(pairs=1000):
        yield


def on_cuda(model: nn.Module) -> nn.Module:
    for module in model.modules():  # .to() cannot swap fake parameters
        for name, p in module.named_parameters(recurse=False):
            setattr(module, name, nn.Parameter(p.detach().to(CUDA), p.requires_grad))
    return model


class Uploads(TorchDispatchMode):
    """Copies to the GPU, for each of which the host waits."""

    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        self.count += (
            function is torch.ops.aten._to_copy.default and args[0].device.type == "cpu" and made.device.type == "cuda"
        )
        return made


@pytest.mark.parametrize("preset", PRESETS)
def test_a_step_stays_on_the_gpu_and_never_waits_for_it(gpu, monkeypatch, preset):
    """All terms of the loss. Attention gets bfloat16, without which there is no fused kernel, with and without norms on
    queries and keys.
    """
    attention, types = F.scaled_dot_product_attention, []
    monkeypatch.setattr(
        F,
        "scaled_dot_product_attention",
        lambda q, k, v: types.extend((q.dtype, k.dtype, v.dtype)) or attention(q, k, v),
    )
    config = replace(
        PRESETS[preset](),
        point_steps=1,
        perceptual_after=0,
        depth_weight=0.2,
        normal_weight=0.02,
        centers_weight=0.1,
        layers=2,
    )
    task, ema = LRMTask(config, Noise(1, config.pool, config.size)), on_cuda(LRM(config))
    on_cuda(task.model)
    views = {
        name: x.to(CUDA) for name, x in memory.batch(task.batch(range(1)), config.micro_batch or config.batch).items()
    }
    with Uploads() as uploads:
        points, _ = task.loss(task.model, views, 0)
        loss, terms = task.loss(task.model, views, 1)
    assert (
        loss.requires_grad
        and {x.device for x in (points, loss, *terms.values())} == {CUDA}
        and loss.dtype == torch.float32
    )
    assert (
        terms.keys() == {"mse", "depth", "normal", "centers", "perceptual", "psnr"}
        and uploads.count == 0
        and set(types) == {torch.bfloat16}
    )
    for p in task.model.parameters():
        p.grad = torch.zeros_like(p)
    assert nn.utils.clip_grad_norm_(task.model.parameters(), 1.0).device == CUDA
    make_optimizer(task.model, config, CUDA).step()
    average(ema, task.model, 0.9)
    with torch.no_grad():
        pred = predict(ema, views)
    assert pred.device == CUDA and pred.shape == views["target_rgb"].shape
    with pytest.raises(DataDependentOutputException):  # the mode does notice a wait
        pred.mean().item()
    with pytest.raises(RuntimeError, match="same device"):  # and what lies elsewhere
        task.model(views["rgb"] / 255, views["c2w"].cpu(), views["intrinsics"])


def test_inference_brings_images_and_cameras_to_the_model(gpu):
    config = micro()
    model, cameras = on_cuda(LRM(config)), turntable(4, config.size)
    images = torch.zeros(4, 3, config.size, config.size)
    gaussians = reconstruct.predict(model, images, cameras)
    assert gaussians.means.device == gaussians.scales.device == CUDA
    assert render_gaussians(gaussians, *camera_tensors(cameras), config.size).device == CUDA
    gaussians, pred = reconstruct_views(model, Trial([], [], images, images, cameras, cameras))
    assert gaussians.means.device == pred.device == torch.device("cpu") and pred.shape == images.shape
