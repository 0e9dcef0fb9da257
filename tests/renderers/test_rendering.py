"""Backends against closed forms and against one another; the cpu backend's shading, filtering and determinism."""

import hashlib

import numpy as np
import pytest
import trimesh
from PIL import Image

from renderers import BACKENDS, load
from renderers.cameras import look_at, pinhole, spherical
from renderers.cameras.rigs import turntable
from renderers.geometry import MAX_EDGE, geometry_of
from renderers.geometry.textures import pack
from renderers.lighting import SOFTBOX, STUDIO, UNIFORM, Light, sample_sky
from renderers.passes import DEFAULT_PASSES, PASSES
from tests.helpers import analytic
from tests.helpers.meshes import SIZE, asset_of, front, painted, quad, srgb
from tests.helpers.processes import printed
from zeroverse.asset import Asset, AssetError
from zeroverse.core.rng import Rng

CAMERAS = pinhole(look_at(spherical([20.0, 140.0, 265.0], [25.0, -30.0, 5.0], 2.7)), SIZE)


@pytest.fixture(scope="module", params=list(BACKENDS))
def backend(request):
    return _load(request.param)


@pytest.fixture(scope="module")
def cpu():
    return load("cpu")


def _load(name):
    try:
        return load(name)
    except RuntimeError as error:  # its message names the packages
        pytest.skip(str(error))


# ------------------------------------------------------------------ geometry of the image, every backend


def test_box_and_plane_are_exact(backend):
    box = painted(trimesh.creation.box(bounds=[[-0.5, -0.4, -0.3], [0.5, 0.4, 0.6]]))
    out = backend.render(asset_of(box), CAMERAS, UNIFORM, ("depth", "normal", "alpha"))
    expected = analytic.render([analytic.box([-0.5, -0.4, -0.3], [0.5, 0.4, 0.6])], CAMERAS)
    seen, wanted = out["depth"] > 0, expected["depth"] > 0
    assert (seen != wanted).sum() <= (0 if backend.name == "cpu" else 5)
    both = (seen & wanted)[..., 0]
    assert np.quantile(np.abs(out["depth"] - expected["depth"])[both], 0.999) < 1e-5
    cosine = (out["normal"] * expected["normal"]).sum(axis=-1)[both]
    assert np.quantile(cosine, 0.001) > (
        1 - 1e-6 if backend.name == "cpu" else np.cos(np.radians(0.6))
    )  # pyrender's pass through bytes


def test_sphere_within_its_tessellation(backend):
    radius = 0.8
    mesh = painted(trimesh.creation.icosphere(subdivisions=5, radius=radius))
    out = backend.render(asset_of(mesh), CAMERAS, UNIFORM, ("depth", "normal", "alpha"))
    expected = analytic.render([analytic.sphere((0, 0, 0), radius)], CAMERAS)
    both = ((out["depth"] > 0) & (expected["depth"] > 0))[..., 0]
    assert both.sum() > 0.995 * (expected["depth"] > 0).sum()
    edge = np.linalg.norm(mesh.vertices[mesh.edges[:, 0]] - mesh.vertices[mesh.edges[:, 1]], axis=1).max()
    sagitta = edge**2 / (6 * radius)  # of an equilateral triangle: circumradius edge / sqrt 3 over 2 R
    facing = np.abs((expected["normal"] * CAMERAS.rays()[1]).sum(axis=-1))
    bound = np.where(
        facing > 0.2, sagitta / np.maximum(facing, 0.2), np.inf
    )  # a chord seen at an angle; the rim has no such bound
    error = np.abs(out["depth"] - expected["depth"])[..., 0]
    assert (error <= bound + 1e-5)[both].all()
    cosine = (out["normal"] * expected["normal"]).sum(axis=-1)
    assert cosine[both & (facing > 0.2)].min() > np.cos(np.radians(1.0))


def test_parts_and_their_order(backend):
    left = painted(trimesh.creation.box(bounds=[[-0.3, -0.9, -0.3], [0.3, -0.2, 0.3]]))
    right = painted(trimesh.creation.box(bounds=[[-0.3, 0.1, -0.5], [0.3, 0.8, 0.5]]))
    out = backend.render(asset_of(left, right), CAMERAS, UNIFORM, ("part",))["part"]
    shapes = [analytic.box([-0.3, -0.9, -0.3], [0.3, -0.2, 0.3]), analytic.box([-0.3, 0.1, -0.5], [0.3, 0.8, 0.5])]
    assert (out != analytic.render(shapes, CAMERAS)["part"]).sum() <= (0 if backend.name == "cpu" else 5)


def test_passes_have_the_stated_types(backend):
    mesh = painted(trimesh.creation.icosphere(subdivisions=1))
    names = tuple(PASSES) if backend.name == "cpu" else ("rgb", "alpha", "depth", "normal", "part")
    out = backend.render(asset_of(mesh), CAMERAS[:2], STUDIO, names)
    assert tuple(out) == names
    for name, image in out.items():
        assert image.shape == (2, SIZE, SIZE, PASSES[name].channels) and image.dtype == PASSES[name].dtype, name
    assert set(backend.render(asset_of(mesh), CAMERAS[:1], UNIFORM, ("depth",))) == {"depth"}


def test_backends_agree_on_a_hard_object():
    other, cpu = _load("pyrender"), load("cpu")
    rng = np.random.default_rng(0)
    meshes = []
    for _ in range(3):
        mesh = trimesh.creation.icosphere(subdivisions=4, radius=0.5)
        mesh.vertices = mesh.vertices * (1 + 0.3 * np.sin(9 * mesh.vertices @ rng.normal(size=(3, 1)))) + rng.uniform(
            -0.35, 0.35, 3
        )
        meshes.append(painted(mesh))
    a, b = (
        backend.render(asset_of(*meshes), CAMERAS.resized(256, 256), UNIFORM, ("depth", "normal", "part"))
        for backend in (cpu, other)
    )
    assert ((a["depth"] > 0) != (b["depth"] > 0)).sum() <= 5
    both = ((a["depth"] > 0) & (b["depth"] > 0))[..., 0]
    assert np.quantile(np.abs(a["depth"] - b["depth"])[both], 0.999) < 1e-5
    assert np.quantile((a["normal"] * b["normal"]).sum(axis=-1)[both], 0.001) > np.cos(np.radians(0.6))
    assert (a["part"] != b["part"])[both].mean() < 1e-3


# ------------------------------------------------------------------ visibility


@pytest.mark.parametrize("cells", [1, 4, 16, 64])
def test_no_cracks_where_edges_meet_pixel_centres(cpu, cells):
    """At this focal length the square covers pixels 0.5 to 63.5 and its grid lines run through pixel centres."""
    cameras = front(64, distance=2.0, pixels=63 / 0.9)
    depth = cpu.render(asset_of(quad(half=0.9, n=cells)), cameras, UNIFORM, ("depth",))["depth"]
    assert np.abs(depth[0, 1:-1, 1:-1] - 2.0).max() < 1e-6


def test_triangles_that_cross_the_camera_plane(cpu):
    """A floor under the camera that reaches behind it."""
    camera = pinhole(look_at(np.array([[0.5, 0.1, 0.3]]), target=(-0.5, 0.0, 0.1)), 64, fov_x_deg=70.0)
    floor = trimesh.Trimesh(
        [[-50, -50, -0.2], [50, -50, -0.2], [50, 50, -0.2], [-50, 50, -0.2]], [[0, 1, 2], [0, 2, 3]], process=False
    )
    out = cpu.render(asset_of(painted(floor)), camera, UNIFORM, ("depth", "normal"))
    expected = analytic.render([analytic.plane((0, 0, -0.2), (0, 0, 1))], camera)["depth"]
    near = (expected > 0) & (expected < 20)
    assert near.sum() > 1000 and (np.abs(out["depth"] - expected) < 1e-4)[near].all()
    assert (out["normal"][near[..., 0]] == (0, 0, 1)).all()


def test_inside_of_an_open_surface_faces_the_camera(cpu):
    shell = painted(trimesh.creation.icosphere(subdivisions=3, radius=0.9))
    shell.update_faces(shell.triangles_center[:, 0] < 0)
    out = cpu.render(asset_of(shell), front(), UNIFORM, ("rgb", "normal", "depth"))
    middle = (slice(0, 1), slice(60, 68), slice(60, 68))
    assert (out["normal"][middle][..., 0] > 0.98).all() and (np.abs(out["depth"][middle] - 3.6) < 0.02).all()
    assert (out["rgb"][middle] < 250).all() and (out["rgb"][middle] > 100).all()  # a bowl sees part of itself


def test_camera_inside_a_closed_surface(cpu):
    room = painted(trimesh.creation.box(extents=[1.8, 1.8, 1.8]))
    camera = pinhole(look_at(np.array([[0.1, 0.2, -0.1]]), target=(1.0, 0.3, 0.1)), 32)
    assert (cpu.render(asset_of(room), camera, UNIFORM, ("depth",))["depth"] > 0).all()


def test_details_finer_than_a_pixel_show_in_alpha(cpu):
    wire = painted(
        trimesh.creation.box(
            extents=[0.012, 0.012, 1.6], transform=trimesh.transformations.rotation_matrix(0.1, [1, 0, 0])
        )
    )
    alpha = cpu.render(asset_of(wire), front(64), UNIFORM, ("rgb",))["alpha"][0, ..., 0]
    assert (alpha[12:52].sum(axis=1) > 0).mean() > 0.9  # 0.3 pixels wide: centres see it in one row of three


def test_alpha_is_coverage_and_straight(cpu):
    mesh = painted(trimesh.creation.icosphere(subdivisions=4, radius=0.8))
    out = cpu.render(asset_of(mesh), front(), UNIFORM, ("rgb", "depth"))
    edge = (out["alpha"] > 0) & (out["alpha"] < 255)
    assert 100 < edge.sum() < 1000
    assert (out["rgb"][edge[..., 0]] >= 254).all()  # white to the last sample, not blended with the background
    half_angle = np.arcsin(0.8 / 2.7)  # the outline is a circle of radius f tan
    area = np.pi * (SIZE / 2 / np.tan(np.radians(25.0)) * np.tan(half_angle)) ** 2
    assert abs(out["alpha"].sum() / 255 / area - 1) < 0.005
    assert (out["rgb"][out["alpha"][..., 0] == 0] == 0).all()


def test_cutout_leaves_a_hole(cpu):
    image = np.full((16, 16, 4), 255, np.uint8)
    image[4:12, 4:12, 3] = 0
    for mode in ("MASK", "BLEND"):
        mesh = quad(n=2, image=Image.fromarray(image), alphaMode=mode)
        depth = cpu.render(asset_of(mesh), front(), UNIFORM, ("depth",))["depth"][0, ..., 0]
        assert depth[64, 64] == 0 and depth[64, 30] > 0
    solid = quad(n=2, image=Image.fromarray(image), alphaMode="OPAQUE")
    assert cpu.render(asset_of(solid), front(), UNIFORM, ("depth",))["depth"][0, 64, 64] > 0


# ------------------------------------------------------------------ materials


@pytest.mark.parametrize("grey", [0, 20, 64, 128, 200, 255])
def test_uniform_light_returns_an_open_surface_unchanged(cpu, grey):
    image = Image.new("RGB", (4, 4), (grey,) * 3)
    out = cpu.render(asset_of(quad(n=3, image=image)), front(32), UNIFORM, ("rgb", "albedo"))
    assert np.abs(out["rgb"][0, 12:20, 12:20].astype(int) - grey).max() <= 1
    assert np.abs(out["albedo"][0, 12:20, 12:20].astype(int) - grey).max() <= 1


def test_texture_stands_upright_and_wraps(cpu):
    """Red at (u, v) = (0, 1), the image's first row; u runs along +y, which is to the right seen from +x."""
    image = np.full((30, 50, 3), 255, np.uint8)  # no power of two
    image[:10, :10] = (255, 0, 0)
    for shift in (0, -3, 7):
        mesh = quad(n=1, image=Image.fromarray(image))
        mesh.visual.uv = mesh.visual.uv + shift
        albedo = cpu.render(asset_of(mesh), front(), UNIFORM, ("albedo",))["albedo"][0]
        ys, xs = np.nonzero((albedo[..., 0] > 200) & (albedo[..., 1] < 60))
        assert len(ys) > 20 and ys.max() < SIZE / 2 and xs.max() < SIZE / 2


def test_far_checkerboard_is_its_mean(cpu):
    cells = np.indices((255, 255)).sum(axis=0) % 2 * 255
    mesh = quad(n=1, image=Image.fromarray(cells.astype(np.uint8)))
    out = cpu.render(asset_of(mesh), front(24), UNIFORM, ("rgb",))["rgb"][0, 9:15, 9:15].astype(float)
    assert np.abs(out - srgb(np.float64(0.5))).max() <= 3  # half of the light is 188, not 128


@pytest.mark.parametrize("size", [(7, 5), (6, 9), (1, 13), (64, 48)])
def test_mip_levels_keep_the_mean(size):
    image = np.random.default_rng(0).integers(0, 256, (*size, 4), dtype=np.uint8)
    textures, _ = pack([(image, False, 0)])
    offset, width, height = textures.levels[-1]
    assert (width, height) == (1, 1)
    assert (
        np.abs(textures.texels[offset] / 257 - image.mean(axis=(0, 1))).max() < 1.0
    )  # each level rounds to 1/65535; uneven sizes are weighted


def test_flat_normal_map_changes_nothing(cpu):
    flat = Image.new("RGB", (8, 8), (128, 128, 255))
    sphere = trimesh.creation.icosphere(subdivisions=3, radius=0.8)
    uv = sphere.vertices[:, :2] * 0.5 + 0.5
    plain, mapped = (
        cpu.render(asset_of(painted(sphere.copy(), uv=uv, roughness=0.4, **maps)), front(), STUDIO, ("rgb",))[
            "rgb"
        ].astype(int)
        for maps in ({}, {"normalTexture": flat})
    )
    assert np.abs(plain - mapped).max() <= 1


def test_normal_map_green_points_up(cpu):
    """A map that leans towards +v makes a wall brighter under a light from above."""
    light = Light("above", (0.0,) * 3, (0.0,) * 3, directions=((0.6, 0.0, 0.8),), colors=((1.0,) * 3,))
    values = []
    for green in (64, 128, 192):
        image = Image.new("RGB", (4, 4), (128, green, 230))
        values.append(
            cpu.render(asset_of(quad(n=1, normalTexture=image, base=(128, 128, 128, 255))), front(32), light, ("rgb",))[
                "rgb"
            ][0, 16, 16, 0]
        )
    assert values[0] < values[1] < values[2]


def test_metallic_roughness_channels(cpu):
    image = np.zeros((2, 2, 3), np.uint8)
    image[..., 1], image[..., 2] = (
        np.array([[40, 40], [200, 200]]),
        102,
    )  # roughness varies, so the map is not folded into factors
    mesh = quad(n=1, metallic=1.0, roughness=0.5, metallicRoughnessTexture=Image.fromarray(image))
    out = cpu.render(asset_of(mesh), front(), UNIFORM, ("metallic_roughness", "albedo"))
    metallic, roughness = out["metallic_roughness"][0, 64 - 23], out["metallic_roughness"][0, 64 + 23]
    assert (
        abs(int(metallic[64, 0]) - 102) <= 1
        and abs(int(metallic[64, 1]) - 20) <= 3
        and abs(int(roughness[64, 1]) - 100) <= 3
    )
    assert abs(int(out["albedo"][0, 64, 64, 0]) - srgb(np.float64(0.6))) <= 2


@pytest.mark.parametrize("metal", ["even", "varied"])
def test_a_look_up_shared_with_the_base_colour_changes_nothing(cpu, metal):
    """Without roughness to store, metalness travels in the base colour's alpha or as a factor; with it, where both
    vary, in a map of its own.
    """
    rng = np.random.default_rng(5)
    image, surface = rng.integers(0, 256, (32, 16, 3), np.uint8), rng.integers(0, 256, (32, 16, 3), np.uint8)
    surface[..., 2] = 90 if metal == "even" else surface[..., 2]
    mesh = quad(
        n=3,
        image=Image.fromarray(image),
        metallic=0.8,
        roughness=0.7,
        metallicRoughnessTexture=Image.fromarray(surface),
    )
    alone = cpu.render(asset_of(mesh), front(), UNIFORM, ("albedo",))["albedo"]
    both = cpu.render(asset_of(mesh), front(), UNIFORM, ("albedo", "metallic_roughness"))
    assert np.array_equal(alone, both["albedo"]) and alone.std() > 5
    assert both["metallic_roughness"][..., 1].std() > 5


def test_vertex_colours_are_linear_factors(cpu):
    mesh = trimesh.creation.icosphere(subdivisions=3, radius=0.8)
    mesh.visual = trimesh.visual.ColorVisuals(
        mesh, vertex_colors=np.tile([[51, 128, 255, 255]], (len(mesh.vertices), 1)).astype(np.uint8)
    )
    albedo = cpu.render(asset_of(mesh), front(), UNIFORM, ("albedo",))["albedo"][0, 64, 64]
    assert np.abs(albedo - srgb(np.array([51, 128, 255]) / 255)).max() <= 1.5


# ------------------------------------------------------------------ light


def _openness(cpu, mesh, cameras):
    """Picture values of a black-ish body without interreflection: encoded openness relative to what an open surface
    returns.
    """
    out = cpu.render(asset_of(mesh), cameras, UNIFORM, ("rgb", "albedo"))
    inside = out["alpha"][..., 0] == 255
    return out["rgb"][inside].astype(float)[:, 0] / out["albedo"][inside][:, 0]


def test_sphere_is_open(cpu):
    sphere = trimesh.creation.icosphere(subdivisions=4, radius=0.8)
    values = _openness(cpu, painted(sphere, base=(60, 60, 60, 255)), CAMERAS)
    assert values.min() > 0.985  # no acne, no dark vertices


def test_corner_is_darker_than_the_open(cpu):
    floor = trimesh.creation.box(bounds=[[-0.9, -0.9, -0.1], [0.9, 0.9, 0.0]])
    wall = trimesh.creation.box(bounds=[[-0.9, -0.9, 0.0], [-0.8, 0.9, 1.0]])
    cameras = pinhole(look_at(np.array([[2.2, 0.0, 2.2]])), SIZE)
    materials = {"base": (30, 30, 30, 255)}
    image = cpu.render(asset_of(painted(floor, **materials), painted(wall, **materials)), cameras, UNIFORM, ("rgb",))[
        "rgb"
    ][0].astype(float)
    pixels = cameras.project(np.array([[-0.78, 0.0, 0.0], [-0.4, 0.0, 0.0], [0.8, 0.0, 0.0]]))[0][0].astype(int)
    corner, middle, edge = (image[y, x, 0] for x, y in pixels)
    assert (
        corner < 0.88 * edge and corner < middle < edge
    )  # at the foot of a wall half of the sky is gone: sRGB 0.73, less with interreflection
    open_ = float(srgb(np.float64(30 / 255)))
    assert abs(edge - open_) < 0.06 * open_


def test_white_metal_in_even_light_is_white(cpu):
    """Furnace: with all of the ambient light mirrored, nothing is lost to roughness."""
    light = Light("furnace", (0.5,) * 3, (0.5,) * 3, gloss=1.0)
    for roughness in (0.1, 0.5, 1.0):
        for base, tolerance in (
            (255, 3),
            (128, 25),
        ):  # coloured metal brightens towards the rim (Fresnel), and loses light where it bounces twice
            mesh = painted(
                trimesh.creation.icosphere(subdivisions=4, radius=0.8),
                base=(base, base, base, 255),
                metallic=1.0,
                roughness=roughness,
            )
            image = cpu.render(asset_of(mesh), front(), light, ("rgb",))["rgb"][0, 44:84, 44:84].astype(float)
            assert np.abs(image - srgb(np.float64(0.5 * base / 255))).max() <= tolerance, (roughness, base)


def test_metal_under_uniform_light_returns_its_base_colour(cpu):
    mesh = painted(
        trimesh.creation.icosphere(subdivisions=4, radius=0.8), base=(200, 120, 40, 255), metallic=1.0, roughness=0.3
    )
    image = cpu.render(asset_of(mesh), front(), UNIFORM, ("rgb",))["rgb"][0, 44:84, 44:84]
    assert np.abs(image - srgb(np.array([200, 120, 40]) / 255)).max() <= 2


def test_shadow_falls_away_from_the_light(cpu):
    light = Light("lamp", (0.1,) * 3, (0.1,) * 3, directions=((0.6, 0.0, 0.8),), colors=((2.0,) * 3,))
    floor = painted(trimesh.creation.box(bounds=[[-0.9, -0.9, -0.9], [0.9, 0.9, -0.8]]), base=(128, 128, 128, 255))
    ball = painted(trimesh.creation.icosphere(subdivisions=3, radius=0.2), base=(128, 128, 128, 255))
    cameras = pinhole(look_at(np.array([[0.01, -1.5, 2.4]])), SIZE)
    image = cpu.render(asset_of(floor, ball), cameras, light, ("rgb",))["rgb"][0].astype(float)
    shadow, lit = (
        image[int(y), int(x), 0] for x, y in cameras.project(np.array([[-0.6, 0.0, -0.8], [0.6, 0.0, -0.8]]))[0][0]
    )
    assert shadow < 0.6 * lit
    assert (
        np.ptp(image[cpu.render(asset_of(floor, ball), cameras, light, ("part",))["part"][0, ..., 0] == 1][:, 0]) < 200
    )
    ball_alone = cpu.render(
        asset_of(painted(trimesh.creation.icosphere(subdivisions=4, radius=0.8))), CAMERAS, light, ("rgb", "normal")
    )
    facing = ball_alone["normal"] @ np.array([0.6, 0.0, 0.8])
    assert ball_alone["rgb"][(facing > 0.3) & (ball_alone["alpha"][..., 0] == 255)].min() > 100  # no acne


# ------------------------------------------------------------------ geometry


def test_creases_stay_and_smooth_surfaces_stay_smooth():
    box = geometry_of(asset_of(painted(trimesh.creation.box())))
    flat = np.cross(
        box.vertices[box.faces[:, 1]] - box.vertices[box.faces[:, 0]],
        box.vertices[box.faces[:, 2]] - box.vertices[box.faces[:, 0]],
    )
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    assert np.abs(np.einsum("fij,fj->fi", box.normals[box.faces], flat) - 1).max() < 1e-9
    sphere = geometry_of(asset_of(painted(trimesh.creation.icosphere(subdivisions=4))))
    assert np.abs((sphere.normals * sphere.vertices).sum(axis=1) - 1).max() < 1e-3
    assert box.closed and sphere.closed and not geometry_of(asset_of(quad())).closed


def test_seams_in_uv_do_not_show_in_normals():
    mesh = trimesh.creation.icosphere(subdivisions=3)
    loose = trimesh.Trimesh(mesh.triangles.reshape(-1, 3), np.arange(3 * len(mesh.faces)).reshape(-1, 3), process=False)
    normals = geometry_of(asset_of(painted(loose))).normals
    assert np.abs(np.linalg.norm(normals, axis=1) - 1).max() < 1e-12
    welded = geometry_of(asset_of(painted(mesh)))
    assert len(np.unique(np.round(normals, 6), axis=0)) == len(np.unique(np.round(welded.normals, 6), axis=0))


def test_long_edges_are_split_without_cracks():
    geometry = geometry_of(asset_of(painted(trimesh.creation.box(extents=[1.8, 0.7, 0.3]))))
    corners = geometry.vertices[geometry.faces]
    assert np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2).max() <= MAX_EDGE + 1e-12
    mesh = trimesh.Trimesh(geometry.vertices, geometry.faces, process=True)
    mesh.merge_vertices(merge_norm=True, merge_tex=True)
    assert mesh.is_watertight and abs(mesh.volume - 1.8 * 0.7 * 0.3) < 1e-9


def test_bad_input_is_named(cpu):
    good, camera = trimesh.creation.box(), CAMERAS[:1]
    broken = good.copy()
    broken.vertices[3, 1] = np.nan
    with pytest.raises(AssetError, match="part1: vertices"):
        cpu.render(asset_of(good, painted(broken)), camera, UNIFORM)
    with pytest.raises(AssetError, match="part0: faces: expected indices 0 to 2, got 0 to 7"):
        cpu.render(asset_of(trimesh.Trimesh(np.eye(3), [[0, 1, 7]], process=False)), camera, UNIFORM)
    with pytest.raises(AssetError, match="no surface"):
        cpu.render(Asset(trimesh.Scene(), "empty"), camera, UNIFORM)
    with pytest.raises(AssetError, match="zero area"):
        cpu.render(asset_of(trimesh.Trimesh(np.zeros((3, 3)), [[0, 1, 2]], process=False)), camera, UNIFORM)
    uv = np.zeros((8, 2))
    uv[0, 0] = np.inf
    with pytest.raises(AssetError, match="part0: uv"):
        cpu.render(asset_of(painted(good.copy(), uv=uv)), camera, UNIFORM)
    with pytest.raises(ValueError, match="unknown colour"):
        cpu.render(asset_of(good), camera, UNIFORM, ("colour",))


def test_pyrender_names_what_it_cannot_draw():
    with pytest.raises(ValueError, match="albedo"):
        _load("pyrender").render(asset_of(trimesh.creation.box()), CAMERAS[:1], UNIFORM, ("albedo",))
    with pytest.raises(ValueError, match="expected one of cpu"):
        load("povray")


# ------------------------------------------------------------------ the same pixels everywhere


def digest() -> str:
    """One hash of every pass of an object that uses every path, under fixed and drawn lights."""
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (37, 64, 3), dtype=np.uint8))
    mesh = trimesh.creation.icosphere(subdivisions=3, radius=0.7)
    maps = {"image": image, "metallicRoughnessTexture": image, "normalTexture": image}
    asset = asset_of(
        painted(mesh, uv=np.round(mesh.vertices[:, :2], 3), metallic=1.0, **maps), quad(n=2, base=(90, 120, 200, 255))
    )
    result = hashlib.sha256()
    for light in (UNIFORM, STUDIO, SOFTBOX, sample_sky(Rng("digest", 0))):
        for name, image in load("cpu").render(asset, turntable(3, 96), light, tuple(PASSES)).items():
            result.update(name.encode() + image.tobytes())
    return result.hexdigest()


def test_two_renders_are_identical():
    assert digest() == digest()


@pytest.mark.slow
def test_pixels_do_not_depend_on_the_processor(tmp_path):
    """Numba for a plain x86-64-v2 (no AVX, no FMA) and numpy without its AVX kernels give the same bits as this
    machine's best.
    """
    plain = {
        "NUMBA_CPU_NAME": "x86-64-v2",
        "NUMBA_CPU_FEATURES": "",
        "NUMBA_CACHE_DIR": str(tmp_path),
        "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4",
    }
    assert printed(__file__, "digest()", **plain) == digest()


def test_default_passes_are_drawn(cpu):
    assert set(cpu.render(asset_of(quad()), front(16), UNIFORM)) == set(DEFAULT_PASSES)
