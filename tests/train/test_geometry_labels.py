"""Geometry supervision: drawn depth and normals in closed form, their gradients, the labels' resizing, and that the
loss teaches geometry.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from renderers.cameras import Cameras, look_at
from renderers.cameras.rigs import turntable
from renderers.shards import ShardReader
from tests.helpers.reconstruction import FakeReader, micro, sampler
from tests.helpers.splats import needs_kernel, quick_backends, scene
from train.data.images import resize_labels
from train.data.views import ViewSampler
from train.geometry.cameras import camera_rays, camera_tensors, surface_points, world_to_camera
from train.losses.geometry import center_loss, depth_loss, normal_loss
from train.models.lrm.task import LRMTask
from train.splatting import Gaussians, render
from train.splatting.labels import facing_normals, render_geometry

torch.set_num_threads(1)


def of_scene(arguments: dict, dtype=torch.float32) -> tuple[Gaussians, tuple]:
    fields = {name: arguments[name].to(dtype) for name in ("means", "quats", "scales", "opacities")}
    cameras = arguments["w2c"].to(dtype), arguments["intrinsics"].to(dtype), arguments["width"], arguments["height"]
    return Gaussians(**fields, sh=(arguments["colors"].to(dtype) - 0.5)[:, :, None] / 0.2821), cameras


def plane(normal, offset: float, rows: int = 90, reach: float = 1.2) -> Gaussians:
    """A wall of flat Gaussians: points p with p · normal = offset, the third axis along the normal."""
    n = np.array(normal) / np.linalg.norm(normal)
    u = np.cross(n, [0.3, 0.5, 0.8]) / np.linalg.norm(np.cross(n, [0.3, 0.5, 0.8]))
    v = np.cross(n, u)
    steps = np.linspace(-reach, reach, rows)
    means = offset * n + (steps[:, None, None] * u + steps[None, :, None] * v).reshape(-1, 3)
    quat = np.roll(Rotation.from_matrix(np.stack([u, v, n], axis=1)).as_quat(), 1)  # scipy's is xyzw
    count = len(means)
    tensor = lambda x: torch.tensor(np.broadcast_to(x, (count, np.shape(x)[-1])).copy(), dtype=torch.float32)[None]
    return Gaussians(
        tensor(means),
        tensor(quat),
        tensor([0.025, 0.025, 0.001]),
        torch.full((1, count), 0.95),
        torch.zeros(1, count, 1, 3),
    )


RIG = Cameras(look_at(np.array([[1.0, 0.5, 2.2], [-0.9, 0.4, 2.0]])), [[40.0, 40.0, 12.0, 12.0]] * 2, 24, 24)


@quick_backends
@pytest.mark.parametrize("view", [0, 1])
def test_a_wall_parallel_to_the_image_has_one_depth(backend, view):
    """z, not the length of the ray, which differs by 4 % at the corners; and the wall faces the camera."""
    c2w, intrinsics = camera_tensors(RIG[[view]])
    forward = c2w[0, 0, :3, 2]
    drawn = render_geometry(plane(-forward.numpy(), 0.1), world_to_camera(c2w), intrinsics, 24, 24, backend=backend)
    assert drawn.alpha.min() > 0.99
    torch.testing.assert_close(
        drawn.depth, torch.full_like(drawn.depth, (-c2w[0, 0, :3, 3] @ forward).item() - 0.1), atol=1e-5, rtol=0
    )
    unit = drawn.normal / drawn.normal.norm(dim=2, keepdim=True)
    torch.testing.assert_close(unit, -forward[:, None, None].expand_as(unit), atol=1e-5, rtol=0)


@quick_backends
@pytest.mark.parametrize("normal, offset", [([0.2, 0.1, 1.0], 0.1), ([-0.3, 0.2, -1.0], 0.2)])
def test_a_slanted_wall_shows_the_normal_of_the_side_that_is_seen(backend, normal, offset):
    n = torch.tensor(normal) / torch.tensor(normal).norm()
    c2w, intrinsics = camera_tensors(RIG)
    drawn = render_geometry(plane(normal, offset), world_to_camera(c2w), intrinsics, 24, 24, backend=backend)
    facing = n if offset < n @ c2w[0, 0, :3, 3] else -n
    inner = drawn.alpha[:, :, 0] > 0.99
    assert inner.float().mean() > 0.5
    cosine = torch.nn.functional.cosine_similarity(
        drawn.normal, facing[None, None, :, None, None].expand_as(drawn.normal), dim=2
    )
    assert cosine[inner].min() > 1 - 1e-5


def test_surface_points_lie_on_the_plane_whose_depth_it_is():
    """Depth z of the ray (o, d) on the plane is t (d · forward), t = (offset - n · o) / (n · d)."""
    n, offset, (c2w, intrinsics) = torch.tensor([0.6, 0.0, 0.8]), 0.3, camera_tensors(RIG)
    rays_o, rays_d = camera_rays(c2w, intrinsics, 24, 24)
    t = (offset - torch.einsum("c,bvchw->bvhw", n, rays_o)) / torch.einsum("c,bvchw->bvhw", n, rays_d)
    z = t * torch.einsum("bvc,bvchw->bvhw", c2w[..., :3, 2], rays_d)
    assert ((surface_points(z[:, :, None], rays_o, rays_d, c2w) * n[:, None, None]).sum(2) - offset).abs().max() < 1e-5


def test_colours_are_those_of_render_and_nothing_has_no_depth():
    gaussians, cameras = of_scene(scene(3, 2, 40, 2, 20, 16))
    drawn = render_geometry(gaussians, *cameras)
    image, alpha = render(gaussians, *cameras, background=1.0)
    torch.testing.assert_close(drawn.image, image, atol=1e-6, rtol=0)
    torch.testing.assert_close(drawn.alpha, alpha, atol=1e-6, rtol=0)
    assert (drawn.depth[alpha == 0] == 0).all() and (drawn.depth[alpha > 0] > 0.009).all()
    normals = facing_normals(gaussians, cameras[0])
    torch.testing.assert_close(normals.norm(dim=-1), torch.ones(normals.shape[:-1]))


def test_gradients_are_those_of_the_function():
    """float64, the twin: depth and normal of every pixel with respect to means, quaternions, scales and opacities."""
    gaussians, cameras = of_scene(scene(1, 1, 12, 1, 6, 5), torch.float64)
    some = [x[:, 8:].contiguous() for x in (gaussians.means, gaussians.quats, gaussians.scales)] + [
        gaussians.opacities[:, 8:] * 0.5 + 0.2
    ]

    def drawn(*fields):
        made = render_geometry(Gaussians(*fields, gaussians.sh[:, 8:]), *cameras)
        return (
            made.depth * made.alpha,
            made.normal,
        )  # the mean depth jumps where a Gaussian's alpha falls under 1/255; its sum hardly

    assert torch.autograd.gradcheck(drawn, [x.requires_grad_() for x in some], atol=2e-4)


@needs_kernel
def test_kernel_and_twin_agree_in_depth_normals_and_gradients():
    arguments, results = scene(3, 2, 50, 2, 24, 20), []
    target = torch.rand(2, 2, 1, 20, 24, generator=torch.Generator().manual_seed(1)) + 2
    normal = torch.nn.functional.normalize(
        torch.randn(2, 2, 3, 20, 24, generator=torch.Generator().manual_seed(2)), dim=2
    )
    for backend, dtype in (("torch", torch.float64), ("c", torch.float32)):
        gaussians, cameras = of_scene(arguments, dtype)
        leaves = gaussians.map(lambda x: x.clone().requires_grad_())
        drawn = render_geometry(leaves, *cameras, backend=backend)
        loss = depth_loss(drawn.depth, drawn.alpha, target.to(dtype)) + normal_loss(
            drawn.normal, drawn.alpha, normal.to(dtype)
        )
        loss.sum().backward()
        results.append(
            (drawn, {name: getattr(leaves, name).grad.double() for name in ("means", "quats", "scales", "opacities")})
        )
    (slow, want), (fast, got) = results
    for name in ("image", "alpha", "normal"):
        assert (getattr(slow, name) - getattr(fast, name)).abs().max() < 1e-5, name
    assert ((slow.depth - fast.depth) * slow.alpha).abs().max() < 1e-4
    for name in want:
        assert (want[name] - got[name]).norm() <= 2e-4 * want[name].norm(), name


# ----------------------------------------------------------------------------------------------------------- the losses


def test_losses_have_their_closed_forms():
    target = torch.tensor([[0.0, 2.0], [2.0, 2.0]])[None]
    depth, alpha = target + torch.tensor([[9.0, 0.5], [0.01, 0.0]]), torch.tensor([[1.0, 1.0], [0.5, 0.5]])[None]
    want = (
        1.0 * (0.5 - 0.025) + 0.5 * 0.5 * 0.01**2 / 0.05 + 0.5 * 0.0
    ) / 2.0  # weights 1, 0.5, 0.5; the first pixel is unknown
    assert depth_loss(depth, alpha, target).item() == pytest.approx(want)
    normal = torch.tensor([0.0, 0.0, 1.0])[:, None, None].expand(3, 2, 2)
    tilted = 5.0 * torch.tensor([0.6, 0.0, 0.8])[:, None, None].expand(3, 2, 2)
    assert normal_loss(tilted, torch.ones(1, 2, 2), normal).item() == pytest.approx(0.2)
    assert (
        normal_loss(tilted, torch.ones(1, 2, 2), 0 * normal).item() == 0 == depth_loss(depth, alpha, 0 * target).item()
    )
    known = target > 0
    assert center_loss(normal, normal + 1, known).item() == pytest.approx(3 * (1 - 0.025))


def test_hiding_a_gaussian_is_no_way_out():
    alpha = torch.full((1, 2, 2), 0.5, requires_grad=True)
    depth_loss(torch.ones(1, 2, 2, requires_grad=True), alpha, torch.full((1, 2, 2), 3.0)).backward()
    assert alpha.grad is None


# ----------------------------------------------------------------------------------------------------------- the labels


def test_resized_labels_are_exact_on_a_plane_and_unknown_at_edges():
    rig = turntable(1, 32)
    rays_o, rays_d = (x[0] for x in rig.rays())
    n = rays_o[0, 0] / np.linalg.norm(rays_o[0, 0])
    z = lambda rays_o, rays_d: (-(rays_o @ n) / (rays_d @ n)) * (rays_d @ rig.c2w[0, :3, 2])
    depth, normal = z(rays_o, rays_d)[None, ..., None], np.broadcast_to(n, (1, 32, 32, 3)).copy()
    small, same = resize_labels(depth, normal, 8)
    expected = z(*(x[0] for x in rig.resized(8, 8).rays()))
    np.testing.assert_allclose(small[0, ..., 0], expected, atol=1e-4)
    np.testing.assert_allclose(same[0], np.broadcast_to(n, (8, 8, 3)), atol=1e-6)
    depth[0, :, :13] = 0.0  # background up to within the fourth pixel
    depth[0, :, 22:] += 0.5  # an edge within the sixth
    normal[0, 10:, :] = [0.0, 0.0, 1.0]  # a crease within the third row
    small, same = resize_labels(depth, normal, 8)
    assert (small[0, 0, :, 0] > 0).tolist() == [False] * 4 + [True, False, True, True]
    assert (same[0, :, 4] != 0).any(-1).tolist() == [True, True, False] + [True] * 5
    np.testing.assert_allclose(np.linalg.norm(same[0][(same[0] != 0).any(-1)], axis=-1), 1.0, atol=1e-6)


class Ball(FakeReader):
    """A ball of radius 0.6 with exact depth and normals; its colour is its normal."""

    def read(self, index, names=("rgb",), views=None):
        rays_o, rays_d = (x[list(views)] for x in self.cameras(index).rays())
        b = (rays_o * rays_d).sum(-1)
        root = b * b - (rays_o * rays_o).sum(-1) + 0.36
        hit = root > 0
        t = np.where(hit, -b - np.sqrt(np.maximum(root, 0)), 0.0)
        points = rays_o + rays_d * t[..., None]
        forward = self.cameras(index).c2w[list(views), :3, 2]
        every = {
            "rgb": (127.5 * (points / 0.6 + 1)).clip(0, 255).astype(np.uint8),
            "alpha": (255 * hit[..., None]).astype(np.uint8),
            "depth": (t * np.einsum("vhwc,vc->vhw", rays_d, forward))[..., None].astype(np.float32) * hit[..., None],
            "normal": (points / 0.6 * hit[..., None]).astype(np.float32),
        }
        return {name: every[name] for name in names}


def test_labels_travel_with_the_views_and_agree_with_them():
    batch = sampler(Ball(), labels=True, cache_gb=1.0).batch([0, 1])
    assert batch["depth"].shape == (2, 4, 1, 16, 16) and batch["target_normal"].shape == (2, 4, 3, 16, 16)
    points = surface_points(batch["depth"], *camera_rays(batch["c2w"], batch["intrinsics"], 16, 16), batch["c2w"])
    known = batch["depth"][:, :, 0] > 0
    assert known.float().mean() > 0.05
    assert (points.norm(dim=2) - 0.6)[known].abs().max() < 0.02
    smooth = known & (batch["normal"] != 0).any(2)
    assert (points / 0.6 * batch["normal"]).sum(2)[smooth].min() > 0.99


def test_terms_of_geometry_can_be_turned_on_and_off():
    plain, full = (
        LRMTask(micro(**weights), Ball())
        for weights in ({}, dict(depth_weight=0.5, normal_weight=0.25, centers_weight=2.0))
    )
    assert "depth" not in plain.batch([0]) and set(plain.loss(plain.model, plain.batch([0]), 0)[1]) == {
        "mse",
        "psnr",
        "perceptual",
    }
    loss, terms = full.loss(full.model, full.batch([0]), 0)
    assert list(terms) == ["mse", "depth", "normal", "centers", "perceptual", "psnr"]
    parts = (
        terms["mse"] + 0.5 * terms["depth"] + 0.25 * terms["normal"] + 2 * terms["centers"] + 0.2 * terms["perceptual"]
    )
    torch.testing.assert_close(loss, parts)
    torch.testing.assert_close(terms["mse"], plain.loss(plain.model, plain.batch([0]), 0)[1]["mse"])


def test_geometry_terms_teach_geometry():
    """Twenty updates on one batch: each term falls by more than a third under its own weight alone, the image's error
    not counted.
    """
    for name in ("depth", "normal", "centers"):
        task = LRMTask(replace(micro(perceptual_weight=0.0), **{f"{name}_weight": 1.0}), Ball())
        optimizer, batch, seen = torch.optim.Adam(task.model.parameters(), 3e-3), task.batch([0]), []
        for _ in range(20):
            optimizer.zero_grad()
            terms = task.loss(task.model, batch, 0)[1]
            seen.append(terms[name].item())
            terms[name].backward()
            optimizer.step()
        assert seen[-1] < 0.67 * seen[0], (name, seen[0], seen[-1])


def unprojected(batch: dict) -> Gaussians:
    """A flat Gaussian at every known surface point of the input views, a pixel wide, along its normal."""
    points = surface_points(
        batch["depth"], *camera_rays(batch["c2w"], batch["intrinsics"], *batch["depth"].shape[-2:]), batch["c2w"]
    )
    known = (batch["normal"] != 0).any(2)[0]
    means, normals = (x[0].movedim(1, -1)[known] for x in (points, batch["normal"]))
    quats = torch.tensor(
        np.array([Rotation.align_vectors([n], [[0, 0, 1.0]])[0].as_quat() for n in normals.numpy()]),
        dtype=torch.float32,
    ).roll(1, dims=-1)
    colors = batch["rgb"][0].movedim(1, -1)[known] / 255
    width = 2.5 / batch["rgb"].shape[-1]
    return Gaussians(
        means,
        quats,
        torch.tensor([width, width, width / 30]).expand(len(means), 3),
        torch.full((len(means),), 0.9),
        (colors[:, None] - 0.5) / 0.2821,
    ).map(lambda x: x[None])


@pytest.mark.filterwarnings("ignore:Optimal rotation")
def test_the_renderers_labels_and_drawn_geometry_mean_the_same(dataset):
    """The whole chain: depth and normals of the renderer, through shards and resizing, become Gaussians, and are drawn
    in views not among the inputs.
    """
    views = ViewSampler(ShardReader(dataset), [0], size=64, pool=8, inputs=4, targets=4, seed=0, labels=True)
    batch = views.fixed([0])
    drawn = render_geometry(
        unprojected(batch), world_to_camera(batch["target_c2w"]), batch["target_intrinsics"], 64, 64
    )
    solid = (drawn.alpha > 0.95) & (batch["target_normal"] != 0).any(2, keepdim=True)
    assert solid.float().mean() > 0.05
    error = (drawn.depth - batch["target_depth"])[solid].abs()
    unit = torch.nn.functional.normalize(drawn.normal, dim=2)
    cosine = (unit * batch["target_normal"]).sum(2, keepdim=True)[solid]
    assert (
        error.median() < 0.05 and cosine.median() > 0.95
    )  # a pixel is 0.04 wide, and the nearer of what it covers hides the rest
    wrong_side = (unit * -batch["target_normal"]).sum(2, keepdim=True)[solid]
    assert (wrong_side > 0).float().mean() < 0.1  # what is behind shines through seams
