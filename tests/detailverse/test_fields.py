"""Samples and signed distances as they are stored and read back: counts, places, noise, and never a wrong sign."""

import hashlib
import io

import numpy as np
import pytest
import trimesh
from manifold3d import Manifold

from detailverse.labels.fields import (
    SMALLEST,
    STEP,
    VAE,
    Budget,
    decode,
    encode,
    fields,
    from_npz,
    normal_samples,
    positions,
    to_npz_bytes,
)
from detailverse.modelling.solid import native
from detailverse.modelling.surface import Leaf
from detailverse.spatial.bvh import Bvh
from tests.helpers.closed_forms import box, box_sdf, mesh, surface, torus, torus_sdf
from zeroverse.core.rng import Rng

SMALL = Budget(surface=3000, salient=3000, near=4000, volume=4000)
QUERIES = ("random_near", "sharp_near", "vol")


@pytest.fixture(scope="module")
def brick():
    """A box of 0.6 × 0.9 × 1.8, off centre, in the frame of assets: fields scale it by 1/0.9."""
    points, faces = box(0.6, 0.9, 1.8)
    shape = surface(points + [0.1, 0.2, 0.3], faces)
    return shape, fields(shape, Rng("brick"), SMALL)


def brick_sdf(queries):
    return box_sdf(queries.astype(np.float64), *(np.float32([0.6, 0.9, 1.8]).astype(np.float64) / np.float32(0.9)))


def test_the_full_budget():
    stored = fields(surface(*box(1, 1, 1)), Rng("full"))
    read = decode(stored)
    assert sum(len(read[f"{kind}_points"]) for kind in QUERIES) == 731_072
    shapes = {
        "random_surface": (32768, 6),
        "sharp_surface": (32768, 6),
        "random_near_points": (400_000, 3),
        "sharp_near_points": (131_072, 3),
        "vol_points": (200_000, 3),
        "random_near_label": (400_000,),
        "sharp_near_label": (131_072,),
        "vol_label": (200_000,),
    }
    assert {name: (read[name].shape, str(read[name].dtype)) for name in shapes} == {
        name: (shape, "float32") for name, shape in shapes.items()
    }
    assert len(to_npz_bytes(stored)) < 7e6
    assert VAE == Budget()


def test_surface_points_and_their_normals(brick):
    read = decode(brick[1])
    made, normals = read["random_surface"][:, :3], read["random_surface"][:, 3:]
    assert np.abs(brick_sdf(made)).max() < STEP
    half = np.array([1 / 3, 0.5, 1.0])
    axis = np.abs(np.abs(made) - half).argmin(axis=1)
    expected = np.zeros_like(made)
    expected[np.arange(len(made)), axis] = np.sign(made[np.arange(len(made)), axis])
    on_edge = (np.abs(np.abs(made) - half) < 2 * STEP).sum(axis=1) > 1
    assert np.abs(normals - expected)[~on_edge].max() < 1e-6
    shares = np.bincount(axis, minlength=3) / len(made)
    areas = np.array([0.5 * 1, 1 / 3, 0.5 / 3])
    assert np.abs(shares - areas / areas.sum()).max() < 4 * np.sqrt(0.25 / len(made))


def test_salient_points_lie_on_the_edges(brick):
    read = decode(brick[1])
    made, normals = read["sharp_surface"][:, :3].astype(np.float64), read["sharp_surface"][:, 3:]
    beside = np.sort(np.abs(np.abs(made) - np.array([1 / 3, 0.5, 1.0])), axis=1)
    assert beside[:, 1].max() < 0.51 * STEP + 1e-6  # within half a code of two faces at once
    assert brick[1]["sharp_edges"] == 12
    assert np.abs(np.linalg.norm(normals, axis=1) - 1).max() < 1e-4
    assert np.abs(np.sort(np.abs(normals), axis=1) - [0, np.sqrt(0.5), np.sqrt(0.5)]).max() < 1e-4
    assert ((normals * made).sum(axis=1) > 0).all()
    along = np.abs(np.abs(made) - np.array([1 / 3, 0.5, 1.0])).argmax(axis=1)
    assert (
        np.abs(np.bincount(along, minlength=3) / len(made) - np.array([1 / 3, 0.5, 1]) / (1 / 3 + 1.5)).max() < 0.05
    )  # by length


@pytest.mark.parametrize("kind", QUERIES)
def test_labels_are_the_distance_at_the_stored_point(brick, kind):
    read = decode(brick[1])
    points, label = read[f"{kind}_points"], read[f"{kind}_label"]
    exact = brick_sdf(points)
    assert (np.abs(label - exact) <= 2**-11 * np.abs(exact) + 1e-7).all()
    assert (np.sign(label) == np.sign(exact))[np.abs(exact) > 1e-7].all()


def test_noise_is_what_it_says(brick):
    read = decode(brick[1])
    for kind, sigmas, count in (("random_near", SMALL.noise, 4000), ("sharp_near", SMALL.salient_noise, 3000)):
        for number, sigma in enumerate(sigmas):
            distance = brick_sdf(read[f"{kind}_points"][number * count : (number + 1) * count])
            if kind == "random_near":
                assert np.sqrt((distance**2).mean()) == pytest.approx(sigma, rel=0.06)  # one normal component
            assert np.abs(distance).max() < 6 * sigma
    assert np.abs(np.abs(read["vol_points"]).max(axis=0) - 1.05).max() < 2e-3


@pytest.mark.parametrize(
    "shape, exact",
    [
        (torus(0.55, 0.35, 400, 200), lambda q: torus_sdf(q, 0.55 / 0.9, 0.35 / 0.9)),
        (mesh(Manifold.sphere(0.9, 512)), lambda q: np.linalg.norm(q, axis=1) - 1),
    ],
    ids=["torus", "sphere"],
)
def test_round_things(shape, exact):
    read = decode(fields(surface(*shape), Rng("round"), SMALL))
    for kind in QUERIES:
        label, truth = read[f"{kind}_label"], exact(read[f"{kind}_points"].astype(np.float64))
        assert np.abs(label - truth).max() < 1.2e-3  # float16 far away, facets near by
        assert (np.sign(label) == np.sign(truth))[np.abs(truth) > 1.5e-4].all()


def test_no_sign_is_lost_to_storage():
    """Points of a tilted plane as close to it as codes come: float16 alone would round some of them to zero."""
    points, faces = mesh(Manifold.cube((1, 1, 1), True).rotate((31, 17, 5)))
    stored = fields(
        surface(points, faces), Rng("tilted"), Budget(10, 10, 60_000, 10, noise=(1e-6,), salient_noise=(1e-6,))
    )
    points = (points - stored["centre"]) * stored["scale"]
    exact = Bvh(points, faces).sdf(positions(stored["random_near_points"]))
    label = stored["random_near_label"]
    assert (np.sign(label) == np.sign(exact)).all()
    assert np.abs(label[label != 0]).min() == SMALLEST
    assert (np.abs(exact) < SMALLEST / 2).any()


def test_codes_decode_to_floats_without_rounding():
    codes = np.arange(65536, dtype=np.uint16)[:, None].repeat(3, axis=1)
    decoded = positions(codes)
    assert np.array_equal(decoded.astype(np.float64), (codes.astype(np.float64) - 32768) * STEP)
    assert np.array_equal(encode(decoded), codes)
    assert decoded.max() > 1.06 and np.array_equal(encode(np.array([[9.0, -9.0, 0.0]])), [[65535, 0, 32768]])


def test_bytes_depend_on_the_stream_only(brick):
    shape, stored = brick
    data = to_npz_bytes(stored)
    assert data == to_npz_bytes(fields(shape, Rng("brick"), SMALL))
    assert hashlib.sha256(data).digest() != hashlib.sha256(to_npz_bytes(fields(shape, Rng("other"), SMALL))).digest()
    read, again = decode(stored), from_npz(data)
    assert read.keys() == again.keys() and all(np.array_equal(read[name], again[name]) for name in read)
    with np.load(io.BytesIO(to_npz_bytes(read))) as public:  # what other people's loaders open
        assert public["random_surface"].shape == (3000, 6) and public["vol_label"].dtype == np.float32


def test_the_way_back_to_the_object(brick):
    shape, stored = brick
    read = from_npz(to_npz_bytes(stored))
    back = read["random_surface"][:, :3] / read["scale"] + read["centre"]
    assert Bvh(shape.points, shape.faces).closest(back)[0].max() < STEP
    assert read["scale"] == pytest.approx(1 / 0.9, rel=1e-6) and np.allclose(read["centre"], [0.1, 0.2, 0.3], atol=1e-6)


def test_part_ids_name_what_lies_there():
    made = (
        native(Manifold.cube((1, 1, 1), True), Leaf("body", "a"))
        | native(Manifold.cube((0.2, 0.2, 2), True), Leaf("rod", "b"))
    ).surface()
    read = decode(fields(made, Rng("parts"), SMALL))
    names = read["part_names"].tolist()
    assert sorted(names) == ["body", "rod"]
    points = read["random_surface"][:, :3]
    tip = np.abs(points[:, 2]) > 0.5
    assert (read["random_surface_part"] == np.where(tip, names.index("rod"), names.index("body")))[
        np.abs(np.abs(points[:, 2]) - 0.5) > STEP
    ].all()
    assert (read["sharp_surface_part"][np.abs(read["sharp_surface"][:, 2]) > 0.51] == names.index("rod")).all()


def test_without_sharp_edges_the_salient_points_go_where_it_bends():
    stretched = trimesh.creation.icosphere(5).vertices * [0.3, 0.3, 1.0]
    read = decode(
        fields(
            surface(stretched, np.asarray(trimesh.creation.icosphere(5).faces, dtype=np.int64)), Rng("smooth"), SMALL
        )
    )
    assert read["sharp_edges"] == 0 and read["sharp_surface"].shape == (3000, 6)
    assert (
        np.abs(read["sharp_surface"][:, 2]).mean() > 1.1 * np.abs(read["random_surface"][:, 2]).mean()
    )  # the ends bend most


def test_open_surfaces_have_no_fields():
    points, faces = box(1, 1, 1)
    with pytest.raises(ValueError, match="expected a closed mesh"):
        fields(surface(points, faces[1:]), Rng("open"), SMALL)


def test_normal_samples_are_normal():
    samples = normal_samples(Rng("normal"), 200_001)
    assert len(samples) == 200_001
    for power, moment, spread in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((samples**power).mean() - moment) < 4 * np.sqrt(spread / len(samples))
    assert abs(np.corrcoef(samples[:-1:2], samples[1::2])[0, 1]) < 4 / np.sqrt(100_000)
