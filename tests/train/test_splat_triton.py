"""The Triton kernels against the float64 twin: on a CPU in Triton's interpreter, with `-m gpu` on a GPU; compiled for
real GPUs without one.

Closed forms and degenerate Gaussians are test_gaussians.py's, which draws with every backend. The interpreter is slow:
few Gaussians, small images.
"""

import json
import os
import subprocess
import sys
from itertools import permutations
from types import ModuleType, SimpleNamespace

import pytest
import torch

from tests.helpers.splats import CASES, NAMES, cameras, gaussians, gradients, interpreted, scene
from train import splatting
from train.splatting import backend_c, backend_gsplat, backend_torch, backend_triton, rasterize, render

on_gpu = (
    pytest.mark.gpu,
    pytest.mark.skipif(
        not torch.cuda.is_available() or backend_triton.load()[0] is None or backend_triton.interpreted(),
        reason="needs CUDA, and Triton without its interpreter",
    ),
)
devices = pytest.mark.parametrize(
    "device", [pytest.param("cpu", marks=interpreted), pytest.param("cuda", marks=on_gpu)]
)


def moved(arguments: dict, *to) -> dict:
    return {name: x.to(*to) if isinstance(x, torch.Tensor) else x for name, x in arguments.items()}


def both(arguments: dict, device: str, **options) -> tuple[tuple, tuple]:
    """(image, alpha, gradients) of the float64 twin, and of the Triton kernels, on the CPU."""
    background = options.pop("background", 0.0)
    want = gradients(rasterize, moved(arguments, torch.float64), backend="torch", background=background, **options)
    image, alpha, grads = gradients(
        rasterize, moved(arguments, device), backend="triton", background=background, **options
    )
    return want, (image.cpu(), alpha.cpu(), moved(grads, "cpu"))


SIZES = CASES | {
    "one channel": ({"batch": 1, "count": 20, "views": 2, "width": 9, "height": 15, "channels": 1}, {}),
    "four channels, one pixel": (
        {"batch": 2, "count": 30, "views": 1, "width": 1, "height": 1, "channels": 4},
        {"antialiased": True},
    ),
    "seven channels per view": (
        {"batch": 1, "count": 20, "views": 3, "width": 10, "height": 9, "channels": 7, "per_view": True},
        {},
    ),
    "channels in groups": ({"batch": 2, "count": 12, "views": 2, "width": 8, "height": 9, "channels": 19}, {}),
    "far and soft": (
        {"batch": 1, "count": 30, "views": 2, "width": 17, "height": 12},
        {"near": 2.4, "eps2d": 1.5, "antialiased": True},
    ),
    "more than a block": ({"batch": 1, "count": 300, "views": 1, "width": 8, "height": 8}, {"antialiased": True}),
}


@devices
@pytest.mark.parametrize("case", SIZES)
def test_agrees_with_the_double_twin(case, device):
    sizes, options = SIZES[case]
    want, got = both(scene(3, **sizes), device, background=0.3, **options)
    assert want[1].max() > 0.5
    assert (got[0] - want[0]).abs().max() <= 1e-5 and (got[1] - want[1]).abs().max() <= 1e-5
    for name in NAMES:
        error = (got[2][name] - want[2][name]).norm() / want[2][name].norm()
        assert error <= 2e-5, f"{name}: {error}"


@devices
def test_closed_pixels_stay_closed(device):
    arguments = scene(5, 1, 400, 1, 20, 13)
    arguments["opacities"] = arguments["opacities"] * 0.5 + 0.5
    want, got = both(arguments, device)
    assert (want[1] > 1 - 2e-3).float().mean() > 0.2  # many pixels close
    assert (
        (want[0] - got[0]).abs() > 1e-5
    ).float().mean() <= 4e-3  # where the transmittance rounds to either side of 1e-4, one Gaussian more or less
    for name in NAMES:
        assert (want[2][name] - got[2][name]).norm() <= 1e-3 * want[2][name].norm(), name


@devices
def test_order_of_equal_depths_is_that_of_the_gaussians(device):
    """Three opaque-ish Gaussians in one place, in every order: the first is in front."""
    arguments = {
        "means": torch.tensor([[[0.0, 0, 2]] * 3]),
        "quats": torch.tensor([[[1.0, 0, 0, 0]] * 3]),
        "scales": torch.full((1, 3, 3), 0.2),
        "opacities": torch.full((1, 3), 0.5),
        "w2c": torch.eye(4)[None, None],
        "intrinsics": torch.tensor([[[8.0, 8, 2.5, 2.5]]]),
    }
    for order in permutations(range(3)):
        colors = torch.eye(3)[list(order)][None]  # exact at the centre, where the exponent is 0: weights 1/2, 1/4, 1/8
        image, _ = rasterize(**moved(arguments | {"colors": colors}, device), width=5, height=5, backend="triton")
        assert image[0, 0, list(order), 2, 2].tolist() == [0.5, 0.25, 0.125]


@devices
def test_all_behind_the_camera_is_the_background(device):
    arguments = scene(4, 2, 12, 2, 11, 9)
    arguments["means"] += (
        100 * (-arguments["w2c"][:, 0, 2, :3])[:, None]
    )  # behind the first view, which looks at the origin from 2.5
    arguments["w2c"], arguments["intrinsics"] = (
        arguments["w2c"][:, :1].contiguous(),
        arguments["intrinsics"][:, :1].contiguous(),
    )
    image, alpha, grads = gradients(rasterize, moved(arguments, device), backend="triton", background=0.75)
    assert (image == 0.75).all() and (alpha == 0).all() and all((grads[name] == 0).all() for name in NAMES)


@devices
def test_without_channels_there_is_alpha(device):
    arguments = moved(scene(4, 1, 12, 2, 9, 7), device)
    image, alpha = rasterize(**arguments | {"colors": arguments["colors"][..., :0]}, backend="triton")
    assert (
        image.shape == (1, 2, 0, 7, 9)
        and torch.equal(alpha, rasterize(**arguments, backend="triton")[1])
        and alpha.max() > 0.5
    )


@devices
def test_harmonics_reach_the_kernels_per_view(device):
    w2c, intrinsics = cameras(2, 13, 10)
    results = []
    for backend, to in (("torch", ("cpu", torch.float64)), ("triton", (device,))):
        field = gaussians(30, 1).map(lambda x, to=to: x.to(*to).requires_grad_())
        image, _ = render(field, w2c.to(*to), intrinsics.to(*to), 13, 10, backend=backend, background=1.0)
        image.square().mean().backward()
        results.append([x.cpu() for x in (image.detach(), field.sh.grad, field.means.grad)])
    for want, got in zip(*results):
        assert (got - want).norm() <= 2e-5 * want.norm() and want.norm() > 0


@devices
def test_a_batch_is_its_samples_one_by_one(device):
    arguments = moved(scene(6, 3, 25, 2, 14, 9), device)
    image, alpha, grads = gradients(rasterize, arguments, backend="triton")
    for b in range(3):
        leaves = {name: arguments[name][b : b + 1].clone().requires_grad_() for name in NAMES}
        part, part_alpha = rasterize(
            **arguments | leaves | {name: arguments[name][b : b + 1] for name in ("w2c", "intrinsics")},
            backend="triton",
        )
        assert torch.equal(part[0], image[b]) and torch.equal(part_alpha[0], alpha[b])
        weights = [
            torch.rand(x.shape, generator=g, dtype=torch.float64).to(x)[b : b + 1]
            for g in [torch.Generator().manual_seed(9)]
            for x in (image, alpha)
        ]
        ((part * weights[0]).sum() + (part_alpha * weights[1]).sum()).backward()
        for name in NAMES:
            assert torch.equal(leaves[name].grad[0], grads[name][b]), name


@devices
@pytest.mark.parametrize("pairs", [1, 100])
def test_images_in_groups_are_the_same_to_the_bit(monkeypatch, pairs, device):
    """As drawn where the tile lists of all images are too long to be held at once: one image at a time, and a few."""
    arguments = moved(scene(6, 3, 25, 2, 14, 9), device)
    whole = gradients(rasterize, arguments, backend="triton", background=0.3)
    groups, grouped = [], backend_triton.grouped
    monkeypatch.setattr(backend_triton, "PAIRS", pairs)
    monkeypatch.setattr(backend_triton, "grouped", lambda counts: groups.append(grouped(counts)) or groups[-1])
    parts = gradients(rasterize, arguments, backend="triton", background=0.3)
    (found,) = groups
    assert len(found) == 6 if pairs == 1 else 1 < len(found) < 6
    assert (
        torch.equal(whole[0], parts[0])
        and torch.equal(whole[1], parts[1])
        and all(torch.equal(whole[2][name], parts[2][name]) for name in NAMES)
    )


def test_groups_hold_consecutive_images_and_no_more_than_they_may(monkeypatch):
    monkeypatch.setattr(backend_triton, "PAIRS", 10)
    assert backend_triton.grouped([4, 6, 1, 11, 0, 3]) == [
        (0, 2, 10),
        (2, 3, 1),
        (3, 4, 11),
        (4, 6, 3),
    ] and backend_triton.grouped([0]) == [(0, 1, 0)]


@pytest.mark.parametrize("device", [pytest.param("cpu", marks=interpreted)])
def test_programs_do_not_wait_for_each_other(monkeypatch, device):
    """Drawn with the programs of every launch in reverse, not a bit changes: none reads what another of its launch
    writes, nor adds to it.
    """
    from triton.runtime.interpreter import interpreter_builder

    arguments = scene(6, 2, 25, 1, 19, 9, channels=9)
    image, alpha, grads = gradients(rasterize, arguments, backend="triton", antialiased=True)
    forward, calls = interpreter_builder.set_grid_idx, []

    def backward(x, y, z):
        calls.append((x, y, z))
        forward(*(size - 1 - i for size, i in zip(interpreter_builder.grid_dim, (x, y, z))))

    monkeypatch.setattr(interpreter_builder, "set_grid_idx", backward)
    again = gradients(rasterize, arguments, backend="triton", antialiased=True)
    assert len(calls) > 40 and torch.equal(again[0], image) and torch.equal(again[1], alpha)
    assert all(torch.equal(again[2][name], grads[name]) for name in NAMES)


@pytest.mark.parametrize("device", [pytest.param("cuda", marks=on_gpu)])
def test_two_runs_are_equal_bit_for_bit(device):
    arguments = moved(scene(8, 2, 20_000, 4, 128, 96), device)
    first, second = (gradients(rasterize, arguments, backend="triton", antialiased=True) for _ in range(2))
    assert torch.equal(first[0], second[0]) and all(torch.equal(first[2][name], second[2][name]) for name in NAMES)


@pytest.mark.parametrize("device", [pytest.param("cuda", marks=on_gpu)])
def test_agrees_with_gsplat(device):
    pytest.importorskip("gsplat")
    arguments = moved(scene(8, 2, 5000, 4, 128, 96), device)
    for antialiased in (False, True):
        ours, theirs = (
            gradients(rasterize, arguments, backend=backend, antialiased=antialiased)
            for backend in ("triton", "gsplat")
        )
        assert (ours[0] - theirs[0]).abs().mean() <= 1e-5
        for name in NAMES:
            assert (ours[2][name] - theirs[2][name]).norm() <= 1e-3 * theirs[2][name].norm(), name


# What a GPU would run

COMPILE = """
import json, re, subprocess, tempfile, triton
from pathlib import Path
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from train.splatting import backend_triton, kernels_triton

POINTERS = {name: "*i64" for name in ("members", "starts", "places", "order", "first")}
POINTERS |= {name: "*i32" for name in ("last_out", "last_in")}
NUMBERS = {name: "i32" for name in ("gaussians", "views", "width", "height", "count", "start")}
NUMBERS |= {"near": "fp32", "eps2d": "fp32"}
TILES = {"CHANNELS": 3, "PER_VIEW": False, "TILE": backend_triton.TILE, "CHUNK": backend_triton.CHUNK}
PROJECT = {"ANTIALIASED": True, "BLOCK": backend_triton.BLOCK}
KERNELS = {
    "project": (4, PROJECT),
    "composite": (1, TILES | {"GROUP": 4}),
    "composite_backward": (1, TILES),
    "sum_rows": (4, {"WIDTH": 9, "BLOCK": 32, "COLUMNS": 16}),
    "project_backward": (4, PROJECT | {"WIDTH": 9}),
}
ONES = {"gaussians": 1, "views": 1, "width": 1, "height": 1}  # what Triton turns into constants when it meets them

def resources(cubin):
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        Path(file.name).write_bytes(cubin)
        tool = [Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump", "--dump-resource-usage", file.name]
        told = subprocess.run(tool, capture_output=True, text=True, check=True).stdout
    return {key: int(value) for key, value in re.findall(r"(REG|STACK|LOCAL):(\\d+)", told)}

for capability, ones in ((80, {}), (90, {}), (90, ONES)):
    for name, (warps, constants) in KERNELS.items():
        kernel = getattr(kernels_triton, name)
        constants = constants | {x: one for x, one in ones.items() if x in kernel.arg_names}
        kinds = {x: "constexpr" if x in constants else (POINTERS | NUMBERS).get(x, "*fp32") for x in kernel.arg_names}
        target = GPUTarget("cuda", capability, 32)
        built = triton.compile(ASTSource(kernel, kinds, constants), target=target, options={"num_warps": warps})
        doubles, atomics = (built.asm["ptx"].count(word) for word in (".f64", "atom."))
        print(json.dumps([name, capability, resources(built.asm["cubin"]), built.metadata.shared, doubles, atomics]))
"""


@pytest.mark.skipif(backend_triton.load()[0] is None, reason=backend_triton.load()[1])
def test_compiles_for_gpus_without_spilling(tmp_path):
    """The compiler takes what the interpreter takes, and keeps a tile in the registers of its warp."""
    environment = os.environ | {"TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path), "PYTHONPATH": os.getcwd()}
    done = subprocess.run([sys.executable, "-c", COMPILE], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == 15
    for name, capability, used, shared, doubles, atomics in rows:
        assert doubles == atomics == 0, f"{name} for sm_{capability}"
        assert 0 < used["REG"] < 255 and used["STACK"] == used["LOCAL"] == 0, f"{name} for sm_{capability}: {used}"
        assert shared <= 256, f"{name} for sm_{capability}: {shared} bytes of shared memory"


# Which backend draws


@pytest.fixture
def told(caplog):
    splatting._warn_once.cache_clear()
    yield caplog
    splatting._warn_once.cache_clear()


def five(device: str, dtype=torch.float32, channels: int = 3) -> list:
    """As much of (means ... colors) as the choice looks at."""
    return [SimpleNamespace(device=torch.device(device), dtype=dtype, shape=(1, 2, channels))] * 5


def test_auto_takes_triton_on_a_gpu_and_never_its_interpreter(monkeypatch, told):
    monkeypatch.setattr(backend_triton, "load", lambda: (ModuleType("kernels"), "Triton"))
    monkeypatch.setattr(backend_c, "load", lambda: (None, "no C compiler"))
    monkeypatch.setattr(backend_triton, "interpreted", lambda: True)
    assert splatting._backend("auto", five("cuda")) is backend_triton
    assert splatting._backend("auto", five("cuda", torch.float64)) is backend_torch
    assert splatting._backend("auto", five("cuda", channels=513)) is backend_torch
    assert splatting._backend("auto", five("cpu")) is backend_torch
    assert splatting._backend("triton", five("cpu")) is backend_triton
    assert "a GPU Triton" in splatting.describe() and not told.records


def test_without_triton_torch_draws_and_says_so_once(monkeypatch, told):
    monkeypatch.setattr(backend_triton, "load", lambda: (None, "No module named 'triton'; pip install triton"))
    assert (
        splatting._backend("auto", five("cuda")) is backend_torch
        and splatting._backend("auto", five("cuda")) is backend_torch
    )
    assert [record.getMessage().count("No module named 'triton'") for record in told.records] == [1]
    with pytest.raises(ImportError, match="backend: 'triton' is not available: No module named 'triton'"):
        splatting._backend("triton", five("cuda"))
    assert "a GPU plain torch (slower): No module named 'triton'" in splatting.describe()


def test_an_old_triton_is_none(monkeypatch):
    old = ModuleType("triton")
    old.__version__ = "3.3.1"
    monkeypatch.setitem(sys.modules, "triton", old)
    assert backend_triton.load.__wrapped__() == (None, "expected Triton 3.4 or newer, as torch 2.8 brings, got 3.3.1")
    monkeypatch.setitem(sys.modules, "triton", None)  # as if not installed
    assert backend_triton.load.__wrapped__()[0] is None and "pip install triton" in backend_triton.load.__wrapped__()[1]


def test_triton_says_what_it_does_not_take(monkeypatch):
    monkeypatch.setattr(backend_triton, "load", lambda: (ModuleType("kernels"), "Triton"))
    monkeypatch.setattr(backend_triton, "interpreted", lambda: False)
    for tensors, message in (
        (
            five("cuda", torch.float64),
            "'triton' takes float32 on a GPU and at most 512 channels, got torch.float64 on cuda, 3 channels",
        ),
        (five("cuda", channels=600), "got torch.float32 on cuda, 600 channels"),
        (five("mps"), "got torch.float32 on mps"),
        (five("cpu"), "only where TRITON_INTERPRET=1 was set before"),
    ):
        with pytest.raises(ValueError, match=message):
            splatting._backend("triton", tensors)


# gsplat, as its documentation has it


def gsplat_rasterization(
    means,
    quats,
    scales,
    opacities,
    colors,
    viewmats,
    Ks,
    width,
    height,
    *,
    near_plane,
    eps2d,
    packed,
    backgrounds,
    rasterize_mode,
):
    """The twin behind gsplat's signature: batches first, cameras second, channels last."""
    (B, N), C, D = opacities.shape, viewmats.shape[1], colors.shape[-1]
    assert colors.shape == (B, C, N, D) and Ks.shape == (B, C, 3, 3) and backgrounds.shape == (B, C, D) and not packed
    assert (
        (Ks[..., 2, :] == torch.tensor([0.0, 0, 1])).all() and (Ks[..., 0, 1] == 0).all() and (Ks[..., 1, 0] == 0).all()
    )
    intrinsics = torch.stack([Ks[..., 0, 0], Ks[..., 1, 1], Ks[..., 0, 2], Ks[..., 1, 2]], dim=-1)
    image, alpha = backend_torch.rasterize(
        means,
        quats,
        scales,
        opacities,
        colors,
        viewmats,
        intrinsics,
        backgrounds[0, 0],
        width,
        height,
        near_plane,
        eps2d,
        {"classic": False, "antialiased": True}[rasterize_mode],
    )
    return image.permute(0, 1, 3, 4, 2), alpha.permute(0, 1, 3, 4, 2), {}


@pytest.mark.parametrize("antialiased", [False, True])
@pytest.mark.parametrize("per_view", [False, True])
def test_gsplat_is_asked_for_the_same_pictures(monkeypatch, antialiased, per_view):
    package = ModuleType("gsplat")
    package.rasterization = gsplat_rasterization
    monkeypatch.setitem(sys.modules, "gsplat", package)
    monkeypatch.setattr(backend_gsplat, "refusal", lambda tensors: "")  # which wants a GPU
    arguments = scene(2, 2, 20, 3, 15, 11, channels=5, per_view=per_view)
    arguments["means"][1, 9, 2], arguments["opacities"][0, 10] = float("nan"), float("inf")
    options = {"background": torch.linspace(0, 1, 5), "antialiased": antialiased, "near": 1.9, "eps2d": 0.5}
    ours, theirs = (gradients(rasterize, arguments, backend=backend, **options) for backend in ("torch", "gsplat"))
    assert torch.equal(ours[0], theirs[0]) and torch.equal(ours[1], theirs[1]) and ours[0].isfinite().all()
    for name in NAMES:
        torch.testing.assert_close(theirs[2][name], ours[2][name], rtol=1e-5, atol=1e-7)


def test_without_gsplat_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "gsplat", None)  # as if not installed
    with pytest.raises(ImportError, match="backend: 'gsplat' is not available: .*pip install gsplat"):
        splatting._backend("gsplat", five("cuda"))
    with pytest.raises(ValueError, match="backend: 'gsplat' takes float32 on a GPU, got torch.float32 on cpu"):
        rasterize(**scene(2, 1, 10, 1, 8, 8), backend="gsplat")
