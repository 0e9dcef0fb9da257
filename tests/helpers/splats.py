"""Random Gaussians, and which of the backends that draw them can run here."""

import numpy as np
import pytest
import torch

from renderers.cameras import Cameras, look_at
from train.splatting import Gaussians, backend_c, backend_triton

needs_kernel = pytest.mark.skipif(backend_c.load()[0] is None, reason=f"no C kernel: {backend_c.load()[1]}")


interpreted = [
    pytest.mark.skipif(
        not backend_triton.interpreted(), reason=f"not in Triton's interpreter: {backend_triton.load()[1]}"
    ),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]  # numpy's, in the interpreter, of lanes that are masked


quick_backends = pytest.mark.parametrize("backend", ["torch", pytest.param("c", marks=needs_kernel)])


backends = pytest.mark.parametrize("backend", [*quick_backends.args[1], pytest.param("triton", marks=interpreted)])


NAMES = ("means", "quats", "scales", "opacities", "colors")


def cameras(views: int, width: int, height: int) -> tuple[torch.Tensor, torch.Tensor]:
    """w2c [V, 4, 4], intrinsics [V, 4], float32: around the origin, the principal point off the middle."""
    angle = np.arange(views) * 2.1 + 0.4
    c2w = look_at(np.stack([2.5 * np.cos(angle), 2.5 * np.sin(angle), 0.3 + 0.2 * angle], axis=1))
    rig = Cameras(c2w, np.tile([1.1 * width, 1.15 * width, 0.52 * width, 0.47 * height], (views, 1)), width, height)
    return torch.from_numpy(rig.w2c).float(), torch.from_numpy(rig.intrinsics).float()


def scene(
    seed: int, batch: int, count: int, views: int, width: int, height: int, channels: int = 3, per_view: bool = False
) -> dict:
    """Random arguments of `rasterize`, the awkward ones included: off the screen, behind, huge, tiny, needles, opacity
    0 and 1.
    """
    g = torch.Generator().manual_seed(seed)
    means = torch.randn(batch, count, 3, generator=g) * 0.5
    scales = torch.exp(torch.randn(batch, count, 3, generator=g) * 0.7 - 2.5)
    opacities = torch.rand(batch, count, generator=g)
    means[:, 0], means[:, 1] = torch.tensor([30.0, 0, 0]), torch.tensor([2.5, 1.5, 0.3])
    scales[:, 2], scales[:, 3], scales[:, 4, 1:] = 3.0, 1e-5, 1e-4
    opacities[:, 5], opacities[:, 6], opacities[:, 7] = 0.0, 1.0, 0.9995
    w2c, intrinsics = (x.expand(batch, *x.shape).contiguous() for x in cameras(views, width, height))
    colors = torch.rand(*((batch, views) if per_view else (batch,)), count, channels, generator=g)
    quats = torch.randn(batch, count, 4, generator=g) * 2
    return {
        "means": means,
        "quats": quats,
        "scales": scales,
        "opacities": opacities,
        "colors": colors,
        "w2c": w2c,
        "intrinsics": intrinsics,
        "width": width,
        "height": height,
    }


def gradients(function, arguments: dict, **options) -> tuple[torch.Tensor, torch.Tensor, dict]:
    """(image, alpha, gradients by name) of a fixed random weighting of both outputs."""
    leaves = {name: arguments[name].clone().requires_grad_() for name in NAMES}
    image, alpha = function(**arguments | leaves, **options)
    g = torch.Generator().manual_seed(9)
    weights = [torch.rand(x.shape, generator=g, dtype=torch.float64).to(x) for x in (image, alpha)]
    ((image * weights[0]).sum() + (alpha * weights[1]).sum()).backward()
    return image.detach(), alpha.detach(), {name: x.grad for name, x in leaves.items()}


CASES = {
    "square": ({"batch": 1, "count": 60, "views": 2, "width": 32, "height": 32}, {}),
    "batch, wide": ({"batch": 2, "count": 40, "views": 3, "width": 29, "height": 11}, {}),
    "tall": ({"batch": 1, "count": 40, "views": 1, "width": 7, "height": 37}, {}),
    "five channels": ({"batch": 1, "count": 40, "views": 2, "width": 17, "height": 19, "channels": 5}, {}),
    "colors per view": ({"batch": 2, "count": 30, "views": 2, "width": 16, "height": 12, "per_view": True}, {}),
    "antialiased": ({"batch": 1, "count": 60, "views": 2, "width": 20, "height": 24}, {"antialiased": True}),
}


def gaussians(count: int, degree: int) -> Gaussians:
    arguments = scene(7, 1, count, 1, 8, 8)
    sh = torch.randn(count, (degree + 1) ** 2, 3, generator=torch.Generator().manual_seed(2)) * 0.3
    return Gaussians(*(arguments[name][0] for name in NAMES[:4]), sh)
