"""Splatting: a dense float64 reference, the torch twin and the kernels agree; closed forms; determinism; builds; `.ply`
files.
"""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from renderers.cameras import Cameras, look_at
from tests.helpers.splats import CASES, NAMES, backends, cameras, gaussians, gradients, needs_kernel, scene
from train.splatting import Gaussians, backend_c, describe, rasterize, render, sh_basis
from train.splatting.ply import load_ply, property_names, save_ply


def reference(means, quats, scales, opacities, colors, w2c, intrinsics, width, height, background, antialiased=False):
    """Every Gaussian over every pixel, one after the other, from the 3D covariance: the definition, with nothing shared
    or clever.
    """
    B, V = w2c.shape[:2]
    images = [
        [
            _reference_view(
                means[b],
                quats[b],
                scales[b],
                opacities[b],
                colors[b, v] if colors.ndim == 4 else colors[b],
                w2c[b, v],
                intrinsics[b, v],
                width,
                height,
                background,
                antialiased,
            )
            for v in range(V)
        ]
        for b in range(B)
    ]
    return tuple(torch.stack([torch.stack([view[i] for view in row]) for row in images]) for i in range(2))


def _reference_view(means, quats, scales, opacities, colors, w2c, intrinsics, width, height, background, antialiased):
    fx, fy, cx, cy = intrinsics
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    pixels = torch.stack([x, y], dim=-1).to(means)  # [H, W, 2]
    local = means @ w2c[:3, :3].T + w2c[:3, 3]
    image, through, closed = (
        torch.zeros(len(background), height, width).to(means),
        torch.ones(height, width).to(means),
        False,
    )
    for n in local[:, 2].argsort(stable=True).tolist():
        px, py, pz = local[n]
        if pz <= 0.01:
            continue
        qw, qx, qy, qz = quats[n] / quats[n].norm()
        cross = torch.stack(
            [torch.stack([0 * qw, -qz, qy]), torch.stack([qz, 0 * qw, -qx]), torch.stack([-qy, qx, 0 * qw])]
        )
        rotation = torch.eye(3).to(means) + 2 * qw * cross + 2 * cross @ cross  # Rodrigues
        covariance = rotation @ torch.diag(scales[n] ** 2) @ rotation.T
        tx = pz * torch.clamp(px / pz, -cx / fx - 0.15 * width / fx, (width - cx) / fx + 0.15 * width / fx)
        ty = pz * torch.clamp(py / pz, -cy / fy - 0.15 * height / fy, (height - cy) / fy + 0.15 * height / fy)
        jacobian = torch.stack(
            [torch.stack([fx / pz, 0 * pz, -fx * tx / pz**2]), torch.stack([0 * pz, fy / pz, -fy * ty / pz**2])]
        )
        flat = jacobian @ w2c[:3, :3] @ covariance @ w2c[:3, :3].T @ jacobian.T
        blurred = flat + 0.3 * torch.eye(2).to(means)
        opacity = opacities[n]
        if antialiased:
            opacity = opacity * (torch.linalg.det(flat) / torch.linalg.det(blurred)).clamp_min(1e-12).sqrt()
        offset = pixels - torch.stack([fx * px / pz + cx, fy * py / pz + cy])
        alpha = opacity * torch.exp(-0.5 * torch.einsum("hwi,ij,hwj->hw", offset, torch.linalg.inv(blurred), offset))
        seen = alpha >= 1 / 255
        alpha = alpha.clamp_max(0.999)
        closed = closed | (seen & (through * (1 - alpha) <= 1e-4))
        alpha = torch.where(seen & ~closed, alpha, 0.0)
        image = image + through * alpha * colors[n][:, None, None]
        through = through * (1 - alpha)
    return image + through * background[:, None, None], 1 - through[None]


@pytest.mark.parametrize("case", CASES)
def test_backends_agree_with_the_dense_reference(case):
    sizes, options = CASES[case]
    arguments = scene(3, **sizes)
    background = torch.linspace(0.2, 1.0, sizes.get("channels", 3))
    doubles = {name: x.double() if isinstance(x, torch.Tensor) else x for name, x in arguments.items()}
    want = gradients(reference, doubles, background=background.double(), **options)
    for backend in ("torch", "c") if backend_c.load()[0] else ("torch",):
        image, alpha, grads = gradients(rasterize, arguments, background=background, backend=backend, **options)
        assert (image - want[0]).abs().max() <= 1e-5, backend
        assert (alpha - want[1]).abs().max() <= 1e-5, backend
        for name in NAMES:
            error = (grads[name] - want[2][name]).norm() / want[2][name].norm()
            assert error <= 1e-4, f"{backend}: {name}: {error}"


@needs_kernel
def test_backends_agree_where_pixels_close():
    arguments = scene(5, 1, 3000, 2, 40, 40)
    arguments["opacities"] = arguments["opacities"] * 0.5 + 0.5
    slow, fast = (gradients(rasterize, arguments, backend=backend) for backend in ("torch", "c"))
    assert (slow[1] > 1 - 2e-3).float().mean() > 0.2  # many pixels are closed
    assert (slow[0] - fast[0]).abs().mean() <= 1e-6
    # A pixel may close one Gaussian earlier in one of them, where the transmittance rounds to either side of 1e-4.
    assert ((slow[0] - fast[0]).abs() > 1e-5).float().mean() <= 2e-3
    for name in NAMES:
        assert (slow[2][name] - fast[2][name]).norm() <= 1e-3 * slow[2][name].norm(), name


@needs_kernel
@pytest.mark.parametrize("length", [0.1, 0.8, 4.0])
def test_tile_lists_miss_no_pixel_of_needles(length):
    g = torch.Generator().manual_seed(8)
    w2c, intrinsics = (x.expand(200, *x.shape) for x in cameras(2, 96, 72))
    needles = {
        "means": torch.randn(200, 1, 3, generator=g) * 0.5,
        "quats": torch.randn(200, 1, 4, generator=g),
        "w2c": w2c,
        "intrinsics": intrinsics,
        "scales": length * torch.tensor([1.0, 0.02, 0.002]).expand(200, 1, 3),
        "opacities": torch.rand(200, 1, generator=g),
        "colors": torch.ones(200, 1, 1),
    }
    exact = rasterize(**{name: x.double() for name, x in needles.items()}, width=96, height=72)[1]
    drawn = rasterize(**needles, width=96, height=72, backend="c")[1] > 0
    assert drawn[exact > 1.01 / 255].all()  # the cut-off itself, 1/255, may round either way
    assert not drawn[exact == 0].float().mean() > 1e-4


def test_twin_gradients_are_those_of_its_function():
    arguments = {name: x.double() if isinstance(x, torch.Tensor) else x for name, x in scene(1, 1, 12, 1, 6, 5).items()}
    some = [arguments[name][:, 8:] if name != "colors" else arguments[name][:, 8:, :2] for name in NAMES]
    some[3] = some[3] * 0.5 + 0.2
    fixed = [arguments[name] for name in ("w2c", "intrinsics", "width", "height")]
    assert torch.autograd.gradcheck(
        lambda *x: rasterize(*x, *fixed, background=0.5, antialiased=True),
        [x.contiguous().requires_grad_() for x in some],
    )


# Closed forms


def one(mean, scale: float, opacity: float = 0.8, color=(1.0, 1.0, 1.0)) -> dict:
    """One isotropic Gaussian, [1, 1, ...]."""
    return {
        "means": torch.tensor([[mean]], dtype=torch.float32),
        "quats": torch.tensor([[[1.0, 0, 0, 0]]]),
        "scales": torch.full((1, 1, 3), scale),
        "opacities": torch.full((1, 1), opacity),
        "colors": torch.tensor([[color]]),
    }


@backends
def test_profile_of_a_gaussian_on_the_axis(backend):
    width, height, focal, depth, scale = 41, 33, 30.0, 2.0, 0.2
    intrinsics = torch.tensor([[[focal, focal, 20.5, 16.5]]])  # the axis meets the centre of pixel (16, 20)
    image, alpha = rasterize(
        **one([0, 0, depth], scale, color=(0.25, 0.5, 1.0)),
        w2c=torch.eye(4)[None, None],
        intrinsics=intrinsics,
        width=width,
        height=height,
        backend=backend,
    )
    y, x = torch.meshgrid(torch.arange(height) - 16.0, torch.arange(width) - 20.0, indexing="ij")
    want = 0.8 * torch.exp(-0.5 * (x * x + y * y) / ((focal * scale / depth) ** 2 + 0.3))
    want = torch.where(want >= 1 / 255, want, 0.0)
    assert (want == 0).any() and torch.equal(alpha[0, 0, 0] == 0, want == 0)
    torch.testing.assert_close(alpha[0, 0, 0], want, atol=2e-6, rtol=0)
    torch.testing.assert_close(image[0, 0], want * torch.tensor([0.25, 0.5, 1.0])[:, None, None], atol=2e-6, rtol=0)


@backends
def test_lands_where_the_cameras_project(backend):
    width, height, point = 64, 48, np.array([0.31, -0.22, 0.17])
    rig = Cameras(look_at([[2.0, 1.0, 0.7], [-1.5, 2.0, -0.5]]), [[70.0, 75.0, 30.0, 25.0]] * 2, width, height)
    w2c, intrinsics = torch.from_numpy(rig.w2c).float()[None], torch.from_numpy(rig.intrinsics).float()[None]
    _, alpha = rasterize(
        **one(point.tolist(), 0.02), w2c=w2c, intrinsics=intrinsics, width=width, height=height, backend=backend
    )
    mass = alpha[0, :, 0].double().numpy()
    x = (mass * (np.arange(width) + 0.5)).sum((1, 2)) / mass.sum((1, 2))
    y = (mass * (np.arange(height) + 0.5)[:, None]).sum((1, 2)) / mass.sum((1, 2))
    # The cut-off at 1/255 takes whole pixels off a small blob, so its centroid is a few thousandths of a pixel out;
    # half a pixel is the error sought.
    assert np.abs(np.stack([x, y], axis=1) - rig.project(point[None])[0][:, 0]).max() < 0.02


@backends
def test_nearer_covers_farther(backend):
    front_and_back = torch.from_numpy(np.stack([look_at([[0.0, -3, 0]])[0], look_at([[0.0, 3, 0]])[0]]))
    w2c = torch.from_numpy(Cameras(front_and_back.numpy(), [[20.0, 20, 8.5, 8.5]] * 2, 17, 17).w2c).float()[None]
    pair = [one([0.0, y, 0.0], 0.3, 0.999, color) for y, color in ((0.5, (0.0, 0, 1)), (-0.5, (1.0, 0, 0)))]
    fields = {name: torch.cat([p[name] for p in pair], dim=1) for name in NAMES}
    image, _ = rasterize(
        **fields, w2c=w2c, intrinsics=torch.tensor([[[20.0, 20, 8.5, 8.5]] * 2]), width=17, height=17, backend=backend
    )
    assert image[0, 0, 0, 8, 8] > 0.99 and image[0, 0, 2, 8, 8] < 0.01  # from -Y: red in front
    assert image[0, 1, 2, 8, 8] > 0.99 and image[0, 1, 0, 8, 8] < 0.01


@backends
def test_background_fills_what_alpha_leaves(backend):
    arguments, background = scene(2, 1, 40, 2, 21, 18), torch.tensor([0.1, 0.7, 1.0])
    bare, alpha = rasterize(**arguments, backend=backend)
    image, same = rasterize(**arguments, background=background, backend=backend)
    assert torch.equal(alpha, same)
    torch.testing.assert_close(image, bare + (1 - alpha) * background[:, None, None], atol=1e-6, rtol=0)
    assert torch.equal(
        rasterize(**arguments, background=1.0, backend=backend)[0],
        rasterize(**arguments, background=torch.ones(3), backend=backend)[0],
    )


@backends
def test_nothing_to_draw_is_the_background(backend):
    arguments = scene(2, 2, 10, 3, 21, 18)
    empty = arguments | {name: arguments[name][:, :0] for name in NAMES}
    image, alpha, grads = gradients(rasterize, empty, background=0.25, backend=backend)
    assert image.shape == (2, 3, 3, 18, 21) and (image == 0.25).all() and (alpha == 0).all()
    assert grads["means"].shape == (2, 0, 3)


@backends
@pytest.mark.parametrize("antialiased", [False, True])
def test_degenerate_gaussians_have_finite_gradients(backend, antialiased):
    arguments = scene(4, 1, 40, 2, 24, 16)
    arguments["quats"][0, 8:12] = torch.tensor([[0.0], [1e-30], [1e-9], [1e12]])
    arguments["scales"][0, 12:18] = torch.tensor([[0.0], [1e-25], [1e6], [1e18], [1e30], [-0.1]])
    centers = -(arguments["w2c"][0, :, :3, :3].transpose(1, 2) @ arguments["w2c"][0, :, :3, 3:])[..., 0]  # [V, 3]
    forward = arguments["w2c"][0, :, 2, :3]
    arguments["means"][0, 18:24] = torch.cat([centers, centers + 0.010001 * forward, centers + 1e-8 * forward])
    arguments["means"][0, 24:27] = torch.tensor([[1e30], [-1e38], [1e15]])
    arguments["opacities"][0, 27:30] = torch.tensor([1 / 255, -1.0, 1.5])
    (
        arguments["means"][0, 30, 0],
        arguments["scales"][0, 31, 1],
        arguments["quats"][0, 32, 2],
        arguments["opacities"][0, 33],
    ) = [math.nan, math.inf] * 2
    image, alpha, grads = gradients(rasterize, arguments, backend=backend, antialiased=antialiased)
    assert image.isfinite().all() and alpha.isfinite().all() and alpha.max() > 0.5
    for name in NAMES:
        assert grads[name].isfinite().all(), name
        assert (grads[name][0, 30:34] == 0).all(), name


# Determinism and builds


@needs_kernel
@pytest.mark.parametrize("views", [1, 3])
def test_kernel_repeats_bit_for_bit_on_any_number_of_threads(views):
    arguments, before, runs = scene(6, 1, 2000, views, 70, 51), torch.get_num_threads(), []
    try:
        for threads in (1, 1, 2, 3):
            torch.set_num_threads(threads)
            runs.append(gradients(rasterize, arguments, background=1.0, backend="c"))
    finally:
        torch.set_num_threads(before)
    for image, alpha, grads in runs[1:]:
        assert torch.equal(image, runs[0][0]) and torch.equal(alpha, runs[0][1])
        assert all(torch.equal(grads[name], runs[0][2][name]) for name in NAMES)


@pytest.fixture
def reload():
    backend_c.load.cache_clear()
    yield
    backend_c.load.cache_clear()


def test_without_a_compiler_torch_draws(monkeypatch, reload, caplog):
    monkeypatch.setenv("CC", "/nowhere/cc")
    assert "plain torch" in describe() and "/nowhere/cc" in describe()
    assert len(caplog.records) == 1  # noted once
    arguments = scene(2, 1, 10, 1, 8, 8)
    assert torch.equal(rasterize(**arguments)[0], rasterize(**arguments, backend="torch")[0])
    with pytest.raises(ValueError, match="backend: 'c' is not available: no C compiler"):
        rasterize(**arguments, backend="c")


def test_a_compiler_that_fails_is_no_compiler(monkeypatch, reload, tmp_path):
    monkeypatch.setenv("CC", "true --not-a-compiler" if backend_c.shutil.which("true") else "/nowhere/cc")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert backend_c.load()[0] is None and "plain torch" in describe()


@needs_kernel
def test_a_cache_that_cannot_be_written_costs_only_the_cache(monkeypatch, reload, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))  # root may write anywhere, but not inside a file
    kernel, reason = backend_c.load()
    assert kernel is not None and "not cached" in reason
    assert rasterize(**scene(2, 1, 10, 1, 8, 8), backend="c")[0].isfinite().all()


@needs_kernel
def test_simultaneous_builds_leave_one_kernel(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with ThreadPoolExecutor(3) as pool:
        built = list(pool.map(lambda _: backend_c._library(backend_c._compiler(), "splat-test.so"), range(3)))
    assert all(kernel.splat_project for kernel, _ in built)
    assert [path.name for path in (tmp_path / "zeroverse-lab").iterdir()] == ["splat-test.so"]


@needs_kernel
def test_kernel_leaves_denormals_alone():
    backend_c.load()
    assert (torch.tensor([1e-39]) * 1.0).item() > 0 and np.float32(1e-39) * np.float32(1) > 0


# Errors, harmonics, files


@pytest.mark.parametrize(
    "name, shape, expected",
    [
        ("means", (1, 9, 3), r"means: expected \[1, 10, 3\], got \[1, 9, 3\]"),
        ("quats", (1, 10, 3), r"quats: expected \[1, 10, 4\]"),
        ("scales", (10, 3), r"scales: expected \[1, 10, 3\], got \[10, 3\]"),
        ("opacities", (1, 10, 1), r"opacities: expected \[B, N\], got \[1, 10, 1\]"),
        ("colors", (1, 2, 10, 3), r"colors: expected \[1, 1, 10, D\], got \[1, 2, 10, 3\]"),
        ("w2c", (1, 4, 4), r"w2c: expected \[1, V, 4, 4\], got \[1, 4, 4\]"),
        ("intrinsics", (1, 1, 3, 3), r"intrinsics: expected \[1, 1, 4\]"),
        ("background", (2,), r"background: expected \[3\], got \[2\]"),
    ],
)
def test_wrong_shapes_say_which_and_what(name, shape, expected):
    with pytest.raises(ValueError, match=expected):
        rasterize(**scene(2, 1, 10, 1, 8, 8) | {name: torch.zeros(shape)})


def test_other_wrong_arguments():
    arguments = scene(2, 1, 10, 1, 8, 8)
    with pytest.raises(ValueError, match="backend: expected one of auto, c, triton, gsplat, torch, got 'cuda'"):
        rasterize(**arguments, backend="cuda")
    with pytest.raises(ValueError, match="image size: expected positive, got 0 x 8"):
        rasterize(**arguments | {"width": 0})
    with pytest.raises(ValueError, match="expected one type and device"):
        rasterize(**arguments | {"means": arguments["means"].double()})
    with pytest.raises(ValueError, match="background: expected a constant"):
        rasterize(**arguments, background=torch.ones(3, requires_grad=True))


def test_harmonics_are_orthonormal():
    # Gauss-Legendre in z and equal steps around are exact for these polynomials.
    z, weight = np.polynomial.legendre.leggauss(8)
    angle = np.arange(16) * 2 * np.pi / 16
    ring = np.sqrt(1 - z * z)[:, None]
    directions = np.stack([ring * np.cos(angle), ring * np.sin(angle), np.broadcast_to(z[:, None], (8, 16))], axis=-1)
    basis = sh_basis(torch.from_numpy(directions), 3).reshape(-1, 16)
    weights = torch.from_numpy(np.repeat(weight, 16) * 2 * np.pi / 16)
    torch.testing.assert_close(
        basis.T @ (weights[:, None] * basis), torch.eye(16, dtype=torch.float64), atol=1e-12, rtol=0
    )
    # Signs and order of 3DGS, at one direction: -y, z, -x; xy, -yz, 3z² - 1, -xz, x² - y².
    assert torch.equal(
        sh_basis(torch.tensor([0.48, 0.6, 0.64]), 2).sign(), torch.tensor([1.0, -1, 1, -1, 1, -1, 1, -1, -1])
    )


def test_render_shows_degree_zero_and_views_differ_above():
    w2c, intrinsics = cameras(2, 24, 20)
    flat, round_ = gaussians(40, 0), gaussians(40, 3)
    image, alpha = render(flat, w2c, intrinsics, 24, 20, background=1.0)
    assert image.shape == (2, 3, 20, 24) and alpha.shape == (2, 1, 20, 24)
    colors = (0.5 + 0.28209479177387814 * flat.sh[:, 0]).clamp_min(0)
    plain = rasterize(
        *(x[None] for x in (flat.means, flat.quats, flat.scales, flat.opacities, colors, w2c, intrinsics)),
        24,
        20,
        background=1.0,
    )
    assert torch.equal(image, plain[0][0])
    round_.sh.requires_grad_()
    render(round_, w2c, intrinsics, 24, 20)[0].sum().backward()
    assert round_.sh.grad.isfinite().all() and (round_.sh.grad[:, 15].abs().sum() > 0)
    with pytest.raises(ValueError, match=r"sh: expected \[40, K, 3\]"):
        Gaussians(flat.means, flat.quats, flat.scales, flat.opacities, torch.zeros(40, 3))


@pytest.mark.parametrize("degree", [0, 1, 3])
def test_ply_round_trip(tmp_path, degree):
    before, path = gaussians(30, degree), tmp_path / "object.ply"
    assert save_ply(before, path) == 30
    after = load_ply(path)
    for name in ("means", "quats", "sh"):
        assert torch.equal(getattr(after, name), getattr(before, name)), name
    torch.testing.assert_close(after.scales, before.scales, rtol=1e-5, atol=0)
    torch.testing.assert_close(after.opacities, before.opacities, rtol=1e-5, atol=1e-6)
    assert [p.name for p in tmp_path.iterdir()] == ["object.ply"]


def test_ply_fields_are_those_of_3dgs(tmp_path):
    before, path = gaussians(12, 1), tmp_path / "object.ply"
    save_ply(before, path)
    header, body = path.read_bytes().split(b"end_header\n", 1)
    lines = header.decode().splitlines()
    names = (
        "x y z nx ny nz f_dc_0 f_dc_1 f_dc_2 f_rest_0 f_rest_1 f_rest_2 f_rest_3 f_rest_4 f_rest_5 f_rest_6 f_rest_7 "
        "f_rest_8 opacity "
        "scale_0 scale_1 scale_2 rot_0 rot_1 rot_2 rot_3"
    ).split()
    assert lines == [
        "ply",
        "format binary_little_endian 1.0",
        "element vertex 12",
        *(f"property float {name}" for name in names),
    ]
    assert property_names(4) == names and len(body) == 12 * 4 * len(names)
    row = dict(zip(names, np.frombuffer(body, "<f4").reshape(12, -1)[9]))
    assert math.isclose(row["opacity"], math.log(before.opacities[9] / (1 - before.opacities[9])), rel_tol=1e-5)
    assert math.isclose(row["scale_1"], math.log(before.scales[9, 1]), rel_tol=1e-5)
    assert row["rot_0"] == before.quats[9, 0] and row["f_dc_2"] == before.sh[9, 0, 2]
    assert row["f_rest_3"] == before.sh[9, 1, 1]  # channel by channel: 0..2 red, 3..5 green


def test_ply_drops_transparent_gaussians(tmp_path):
    before = gaussians(30, 0)
    kept = (before.opacities >= 0.5).sum().item()
    assert 0 < kept < 30 and save_ply(before, tmp_path / "a.ply", min_opacity=0.5) == kept == len(
        load_ply(tmp_path / "a.ply")
    )


def test_ply_errors_name_the_file_and_the_property(tmp_path):
    path = tmp_path / "a.ply"
    save_ply(gaussians(12, 0), path)
    whole = path.read_bytes()
    for broken, message in (
        (whole.replace(b"property float opacity\n", b""), "a.ply: missing property opacity"),
        (whole[:-1], "a.ply: expected 12 vertices of 68 bytes, the file ends after 815 bytes"),
        (
            whole.replace(b"binary_little_endian", b"ascii"),
            "a.ply: format: expected binary_little_endian 1.0, got ascii",
        ),
        (whole[:40], "a.ply: the header has no end_header"),
        (b"glTF", "a.ply: not a ply file"),
    ):
        path.write_bytes(broken)
        with pytest.raises(ValueError, match=message):
            load_ply(path)
    with pytest.raises(ValueError, match=r"gaussians: expected fields \[N, ...\]"):
        save_ply(gaussians(12, 0).map(lambda x: x[None]), path)
