"""Primitives, height fields and wireframe cages: closed solids of the right volume, with uv that say where each vertex
is.
"""

import numpy as np
import pytest

from zeroverse import textures
from zeroverse.core import affine
from zeroverse.core.rng import Rng
from zeroverse.core.topology import closed, volume
from zeroverse.edits.height_field import HeightField, displace
from zeroverse.edits.wireframe import cage, struts
from zeroverse.shapes import SHAPES, kinds
from zeroverse.shapes.atlas import PAD, Tile, layout, material, patch_uv, texel_points
from zeroverse.shapes.template import template

NAMES = [row[0] for row in SHAPES]
SCALE = np.array([0.9, 0.5, 0.3])


def make(name):
    return kinds()[name].sample(Rng("test", name))


def euler_number(faces):
    edges = np.unique(np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1), axis=0)
    return len(np.unique(faces)) - len(edges) + len(faces)


def agreement(points, normals, faces):  # the smallest cosine of a corner's normal with its face's, for each face
    return (normals[faces] * affine.unit(affine.face_normals(points, faces))[:, None]).sum(axis=-1).min(axis=1)


@pytest.mark.parametrize("name", NAMES)
def test_primitive_is_a_closed_solid(name):
    shape = make(name)
    mesh = template(shape)
    faces = mesh.weld[mesh.faces]
    assert closed(faces) and len(mesh.patches) == shape.SURFACES
    assert euler_number(faces) == (0 if name == "torus" else 2)
    assert volume(mesh.points, mesh.faces) == pytest.approx(shape.volume, rel=0.01)  # chords lie inside: never above
    assert volume(mesh.points, mesh.faces) <= shape.volume * (1 + 1e-12)
    assert np.abs(mesh.points).max(axis=0) == pytest.approx([1, 1, shape.minor if name == "torus" else 1], abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_normals_are_unit_and_agree_with_the_faces(name):
    mesh = template(make(name))
    assert np.abs((mesh.normals**2).sum(axis=1) - 1).max() < 1e-12
    assert agreement(mesh.points, mesh.normals, mesh.faces).min() > 0.98


@pytest.mark.parametrize("name", NAMES)
def test_uv_stay_in_their_tile_and_give_the_position_back(name):
    mesh = template(make(name))
    tile, uv = patch_uv(mesh.uv, len(mesh.patches))
    assert (tile == np.repeat(np.arange(len(mesh.patches)), np.diff(mesh.starts))).all()
    assert uv == pytest.approx(mesh.patch_uv, abs=1e-12) and uv.min() > -1e-12 and uv.max() < 1 + 1e-12
    for number, patch in enumerate(mesh.patches):
        mine = tile == number
        points, normals = patch.position(mesh.patch_uv[mine, 0], mesh.patch_uv[mine, 1])
        assert np.abs(points - mesh.points[mine]).max() < 1e-12
        assert np.abs(normals - mesh.normals[mine]).max() < 1e-12


@pytest.mark.parametrize("name", NAMES)
def test_uv_are_not_mirrored(name):
    mesh = template(make(name))
    a, b, c = mesh.uv[mesh.faces].transpose(1, 0, 2)
    assert ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]).min() > -1e-12


@pytest.mark.parametrize("name", NAMES)
def test_atlas_shows_the_surface_and_continues_beyond_its_edge(name):
    """Every texel's position is near the surface that its neighbours in the patch are on: no texel is left over from
    another surface.
    """
    size = 64
    for patch in template(make(name)).patches:
        points, normals = texel_points(Tile(textures.sample(Rng("t")), patch.position, np.eye(3), np.zeros(3)), size)
        assert np.abs((normals**2).sum(axis=-1) - 1).max() < 1e-12
        assert np.abs(points).max() < 1 + 2.2 * PAD / (1 - 2 * PAD)
        row, column = size // 4, size // 3  # v grows upward from the lower edge, u to the right
        u, v = (((np.array([column, size - 1 - row]) + 0.5) / size) - PAD) / (1 - 2 * PAD)
        assert patch.position(np.array([u]), np.array([v]))[0][0] == pytest.approx(points[row, column], abs=1e-12)


def test_atlas_image_is_the_bake_of_its_tiles():
    mesh = template(make("cube"))
    tiles = tuple(
        Tile(textures.sample(Rng("t", k)), patch.position, np.eye(3), np.zeros(3))
        for k, patch in enumerate(mesh.patches)
    )
    result = material(tiles, 32, "cube")
    image = np.asarray(result.baseColorTexture)
    assert image.shape == (2 * 32, 3 * 32, 3) and layout(6) == (3, 2) and layout(1) == (1, 1) and layout(3) == (3, 1)
    assert (image[32:, 32:64] == textures.bake(tiles[1].texture, *texel_points(tiles[1], 32)).base_color).all()
    assert (image[:32, :32] == textures.bake(tiles[3].texture, *texel_points(tiles[3], 32)).base_color).all()
    assert result.metallicFactor == 1.0 and result.roughnessFactor == 1.0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(3))
def test_height_fields_leave_the_solid_closed(name, seed):
    shape = make(name)
    mesh = template(shape)
    for number in range(len(mesh.patches)):
        fields = [None] * len(mesh.patches)
        fields[number] = HeightField(seed, 0.2)
        points, normals = displace(shape, SCALE, tuple(fields))
        moved = (points != mesh.points * SCALE).any(axis=1)
        assert moved.any() and not moved[: mesh.starts[number]].any() and not moved[mesh.starts[number + 1] :].any()
        assert (points == points[mesh.weld]).all()  # seams and borders still share their places to the bit
        assert (
            np.sqrt(((points - mesh.points * SCALE) ** 2).sum(axis=1)).max() <= 1.3 * 0.2 * 2 * 0.3 * shape.thickness
        )  # splines overshoot a little
        assert np.abs((normals**2).sum(axis=1) - 1).max() < 1e-12
        assert volume(points, mesh.faces) > 0
        assert (agreement(points, normals, mesh.faces) > 0).mean() > 0.999


def test_height_field_has_no_flat_seam():
    """Around a cylinder the relief does not vanish at u = 0, and it is smooth there."""
    shape = make("cylinder")
    mesh = template(shape)
    points, _ = displace(shape, np.ones(3), (HeightField(5, 0.2), None, None))
    radius = np.sqrt(points[:, 0] ** 2 + points[:, 1] ** 2)[: mesh.starts[1]].reshape(17, 65)
    assert np.abs(radius[8, [0, -1]] - 1).min() > 0.005 and radius[8, 0] == radius[8, -1]
    bend = np.abs(radius[8, 1] + radius[8, -2] - 2 * radius[8, 0])
    assert bend <= np.abs(np.diff(radius[8], 2)).max()


def test_height_field_amplitude_is_bounded_by_the_size_of_the_part():
    small, large = (displace(make("sphere"), np.full(3, size), (HeightField(1, 0.1),))[0] for size in (0.2, 0.4))
    assert np.abs(large - 2 * small).max() < 1e-12


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("level", (0, 1))
def test_wireframe_is_closed_with_a_hole_per_face(name, level):
    vertices, faces = cage(make(name), level)
    welded = np.concatenate(
        [
            np.concatenate([group[:, [0, 1, 2]], group[:, [0, 2, 3]]]) if group.shape[1] == 4 else group
            for group in faces
        ]
    )
    assert closed(welded)
    quads, weld = struts(vertices, faces, 0.1)
    first = 4 * np.arange(len(quads))[:, None]
    triangles = np.concatenate([first + [0, 1, 2], first + [0, 2, 3]], axis=1).reshape(-1, 3)
    assert closed(weld[triangles])
    count = sum(len(group) for group in faces)
    shells, handles = (
        (1, count + 1) if name == "torus" else (1, count - 1)
    )  # a shell of two skins, pierced once per face
    assert euler_number(weld[triangles]) == 2 * (shells - handles)
    assert 0 < volume(quads.reshape(-1, 3), triangles) < abs(make(name).volume)
    assert (quads.reshape(-1, 3) == quads.reshape(-1, 3)[weld]).all()


def test_wireframe_struts_of_a_cube_are_mitred():
    quads, _ = struts(*cage(make("cube"), 0), 0.1)
    size = np.abs(quads)
    assert size.max() == pytest.approx(1.05, abs=1e-12)  # edges at 1, half a thickness outward: the corners stay sharp
    assert np.isclose(size, 1 - 0.75 * 0.05).any()
    area = np.sqrt((affine.cross(quads[:, 2] - quads[:, 0], quads[:, 3] - quads[:, 1]) ** 2).sum(axis=1)) / 2
    assert area.min() > 0.015  # no strip of no area: those break booleans


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: HeightField(1, 0.5), "amplitude: expected a number from 0 to 0.2, got 0.5"),
        (lambda: HeightField(-1, 0.1), "seed: expected an integer"),
        (lambda: kinds()["torus"](0.7), "minor: expected a number from 0.05 to 0.45, got 0.7"),
        (lambda: kinds()["torus"](float("nan")), "minor: expected a number"),
    ],
)
def test_impossible_parameters_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
