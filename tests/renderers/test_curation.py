"""Curation: closed surfaces from anything, filters that name what they remove, scores and orientations that are right
on objects never seen.
"""

import json

import numpy as np
import pytest
import trimesh
from PIL import Image
from trimesh.creation import annulus, box, cone, cylinder, icosphere, torus
from trimesh.transformations import rotation_matrix

from detailverse.curation.defects import DEFECTS, planted
from detailverse.curation.duplicates import near_duplicates
from detailverse.curation.planar_base import planar_base
from detailverse.labels.descriptors import shape_descriptor
from detailverse.meshing import marching_cubes
from detailverse.meshing.watertight import unsigned_distance, watertight
from detailverse.spatial.sampling import surface_points, triangles_of
from renderers.curation import orient
from renderers.curation import watertight as sealed
from renderers.curation.filters import FILTERS, Thresholds, verdicts
from renderers.curation.measures import back_faces, pieces
from renderers.curation.run import REASONS, Looks, curate
from renderers.curation.subjects import open_pool, seen
from tests.helpers.objects import asset, at, chair, tall, upright_kinds, vessel
from zeroverse.asset import Asset, glb_bytes, moved
from zeroverse.core.rng import Rng

# ----------------------------------------------------------------------------------------------------------- watertight


@pytest.mark.parametrize("seed", range(3))
def test_marching_cubes_closes_what_has_every_case(seed):
    field = np.random.Generator(np.random.Philox(seed)).normal(size=(16, 16, 16)).astype(np.float32)
    for axis in range(3):
        field[(slice(None),) * axis + ([0, -1],)] = 1.0
    mesh = trimesh.Trimesh(*marching_cubes.extract(field, 0.0, 1.0), process=False)
    assert mesh.is_watertight and mesh.is_winding_consistent and mesh.volume > 0


def test_marching_cubes_makes_a_sphere():
    x, y, z = np.meshgrid(*[np.linspace(-1, 1, 49)] * 3, indexing="ij")
    mesh = trimesh.Trimesh(
        *marching_cubes.extract((np.sqrt(x * x + y * y + z * z) - 0.7).astype(np.float32), -1.0, 2 / 48), process=False
    )
    assert mesh.euler_number == 2
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * 0.7**3, rel=3e-3)
    assert np.abs(np.sqrt((mesh.vertices**2).sum(axis=1)) - 0.7).max() < 1e-3


def test_distances_are_those_of_the_slow_way():
    points = Rng("test", "soup").unit((12, 3)) * 1.4 - 0.7
    faces = np.arange(12).reshape(4, 3)
    field = unsigned_distance(points, faces, 16, 0.3)
    nodes = np.stack(np.meshgrid(*[np.linspace(-1, 1, 17)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    slow = np.min(
        [
            np.sqrt(
                (
                    (trimesh.triangles.closest_point(np.repeat(points[face][None], len(nodes), axis=0), nodes) - nodes)
                    ** 2
                ).sum(axis=1)
            )
            for face in faces
        ],
        axis=0,
    ).reshape(field.shape)
    assert np.abs(field - np.minimum(slow, 0.3)).max() < 1e-6


def test_watertight_resets_what_cannot_be_seen_and_needs_no_winding():
    shells = trimesh.util.concatenate([icosphere(4, 0.8), icosphere(3, 0.4)])
    faces = shells.faces.copy()
    faces[::2] = faces[::2, ::-1]
    done = watertight(shells.vertices, faces, 64)
    mesh = trimesh.Trimesh(done.points, done.faces, process=False)
    assert mesh.is_watertight and mesh.is_winding_consistent and mesh.euler_number == 2
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * (0.8 + done.epsilon) ** 3, rel=5e-3)
    assert done.reset == pytest.approx(4 / 3 * np.pi * (0.77**3 - 0.43**3 + 0.37**3) * 32**3, rel=0.05)


def test_a_vessel_stays_open_and_an_open_sheet_becomes_a_thin_solid():
    cup = trimesh.util.concatenate([annulus(0.5, 0.55, 1.4), at(cylinder(0.55, 0.05), z=-0.7)])
    assert (
        trimesh.Trimesh(*_surface(watertight(cup.vertices, cup.faces, 64)), process=False).volume
        < 0.6 * np.pi * 0.55**2 * 1.4
    )
    sheet = trimesh.Trimesh(
        [(-0.8, -0.8, 0.1), (0.8, -0.8, 0.1), (0.8, 0.8, 0.1), (-0.8, 0.8, 0.1)], [(0, 1, 2), (0, 2, 3)]
    )
    done = watertight(sheet.vertices, sheet.faces, 64)
    mesh = trimesh.Trimesh(*_surface(done), process=False)
    assert mesh.is_watertight and mesh.volume == pytest.approx(2 * done.epsilon * 1.6**2, rel=0.1)


def _surface(done):
    return done.points, done.faces


def test_small_loose_pieces_are_dropped_with_a_reason():
    bottle = trimesh.util.concatenate([icosphere(4, 0.7), at(icosphere(2, 0.008), x=0.85)])
    done = watertight(bottle.vertices, bottle.faces, 128)
    assert [piece.reason for piece in done.dropped] == ["crumb"] and done.kept == 1
    assert done.report()["pieces_dropped"][0]["area"] == pytest.approx(
        (0.008 + done.epsilon) ** 2 / (0.7 + done.epsilon) ** 2, rel=0.2
    )  # three cells wide


def test_a_piece_that_only_a_small_hole_shows_is_hidden():
    outer, inner = icosphere(4, 0.85), icosphere(3, 0.17)
    outer.update_faces(outer.triangles_center[:, 2] < 0.83)
    both = trimesh.util.concatenate([outer, inner])
    done = watertight(both.vertices, both.faces, 96)
    assert [piece.reason for piece in done.dropped] == ["hidden"]


@pytest.mark.parametrize(
    "points, resolution, words", [(np.full((3, 3), 1.5), 64, "points"), (np.zeros((3, 3)), 8, "resolution")]
)
def test_watertight_says_what_it_needs(points, resolution, words):
    with pytest.raises(ValueError, match=words):
        watertight(points, np.array([[0, 1, 2]]), resolution)


# ------------------------------------------------------------------------------------------------------------- geometry


@pytest.mark.parametrize(
    "meshes, flagged",
    [
        ([tall()], False),
        ([at(box((2, 2, 0.02)), z=-0.01), tall()], True),
        (vessel(), False),
        ([cone(0.6, 1.2)], False),
        ([trimesh.Trimesh([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)], [(0, 1, 2), (0, 2, 3)]), tall()], True),
        ([icosphere(3)], False),
    ],
)
def test_planar_base(meshes, flagged):
    base, limits = planar_base(surface_points(*triangles_of(asset(*meshes)), Rng("test"))), Thresholds()
    assert (
        base.area > limits.base_area and base.footprint > limits.base_footprint and base.walled < limits.base_walled
    ) == flagged, base


def test_points_are_spread_by_area():
    points = surface_points(*triangles_of(asset(box((2, 2, 1)))), Rng("test"), 4000)
    assert np.mean(np.abs(points.normal[:, 2]) > 0.9) == pytest.approx(0.5, abs=0.01)  # 8 of 16
    assert np.allclose(np.abs(points.position[np.abs(points.normal[:, 2]) > 0.9][:, 2]), 0.45)


def test_descriptors_do_not_see_rotations_and_sizes():
    meshes = [box((1, 2, 0.7)), at(torus(0.5, 0.2), x=1)]
    turned = [mesh.copy().apply_transform(rotation_matrix(1.0, (1, 2, 3))).apply_scale(3) for mesh in meshes]
    one, same, other = (
        shape_descriptor(surface_points(*triangles_of(asset(*part)), Rng("test", i)), Rng("test"))
        for i, part in enumerate((meshes, turned, [box((1, 2, 1))]))
    )
    limit = Thresholds().duplicate
    assert np.sqrt(((one - same) ** 2).sum()) < limit < 2 * limit < np.sqrt(((one - other) ** 2).sum())


def test_near_duplicates_are_those_of_the_slow_way():
    table = Rng("test").unit((150, 40))
    table[60:90] = table[:30] + 0.01 * (Rng("more").unit((30, 40)) - 0.5)
    table[90] = table[60] + 0.004
    found, slow = near_duplicates(table, 0.03), np.full(150, -1)
    for j in range(150):
        near = [(np.sqrt(((table[i] - table[j]) ** 2).sum()), i) for i in range(j) if slow[i] < 0]
        slow[j] = min(near)[1] if near and min(near)[0] <= 0.03 else -1
    assert np.array_equal(found, slow) and (found >= 0).sum() >= 30


@pytest.mark.parametrize("name", [row[0] for row in DEFECTS])
def test_planted_defects_change_a_copy_and_lower_the_rating(name):
    good = asset(tall(), at(torus(0.4, 0.15), z=1.5))
    before = glb_bytes(good)
    (bad, rating), (again, _) = planted(good, Rng("test", 1), name), planted(good, Rng("test", 1), name)
    assert glb_bytes(good) == before != glb_bytes(bad) == glb_bytes(again)
    assert 1.0 <= rating < 5.0 and all(np.isfinite(mesh.vertices).all() for mesh in bad.scene.geometry.values())


# -------------------------------------------------------------------------------------------------------------- filters


def test_pieces_of_a_mask():
    mask = np.zeros((1, 40, 40), bool)
    mask[0, 5:15, 5:15] = mask[0, 5:15, 25:35] = True
    found = pieces(mask)
    assert (
        found["one_piece"] == 0.5 and found["solidity_largest"] == 1.0 and found["solidity"] == pytest.approx(200 / 300)
    )


@pytest.mark.parametrize("turned, expected", [(False, 0.0), (True, 1.0)])
def test_back_faces_are_counted(turned, expected):
    ball = icosphere(3)
    ball.faces = ball.faces[:, ::-1] if turned else ball.faces
    assert back_faces(seen(asset(ball), 64)) == pytest.approx(expected, abs=1e-3)


def test_every_filter_has_a_threshold_that_it_can_be_told():
    good = {
        "coverage": 0.3,
        "brightest": 200.0,
        "not_finite": 0.0,
        "back_faces": 0.0,
        "thinness": 0.5,
        "colour": 30.0,
        "base_area": 0.1,
        "base_footprint": 0.9,
        "base_walled": 1.0,
        "one_piece": 1.0,
        "one_piece_least": 1.0,
        "solidity": 0.8,
        "solidity_largest": 0.8,
        "score": 4.0,
    }
    bad = {
        "broken": {"not_finite": 3.0},
        "empty": {"coverage": 0.0},
        "black": {"brightest": 2.0},
        "inside out": {"back_faces": 0.9},
        "flat": {"thinness": 0.001},
        "untextured": {"colour": 0.3},
        "planar base": {"base_area": 0.5, "base_walled": 0.0},
        "several objects": {"one_piece": 0.5},
        "low score": {"score": 1.0},
    }
    limits = Thresholds(score=2.0)
    assert verdicts(good, limits) == [] and set(bad) == {name for name, _ in FILTERS}
    for name, changed in bad.items():
        assert [verdict.step for verdict in verdicts(good | changed, limits)] == [name]
    assert verdicts(good | {"back_faces": None, "score": None}, limits) == []
    with pytest.raises(ValueError, match="thinness: expected a number, got 'x'"):
        Thresholds(thinness="x")


EXPECTED = {
    "inside_out": "inside out",
    "sheet": "flat",
    "grey": "untextured",
    "ground": "planar base",
    "two": "several objects",
    "z_copy": "duplicate",
    "broken": "unreadable",
}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    inverted = torus(0.7, 0.3)
    inverted.faces = inverted.faces[:, ::-1]
    made = {
        "a_tall": asset(tall()),
        "a_vessel": asset(*vessel()),
        "a_ball": asset(icosphere(3)),
        "inside_out": asset(inverted),
        "sheet": asset(box((1, 1, 0.01))),
        "grey": asset(cone(0.6, 1.2), textured=False),
        "ground": asset(at(box((2, 2, 0.02)), z=-0.01), tall()),
        "two": asset(at(icosphere(2, 0.5), x=-1), at(box((0.7, 0.8, 0.8)), x=1)),
        "z_copy": asset(tall().apply_transform(rotation_matrix(np.pi / 2, (0, 0, 1)))),
    }
    for name, thing in made.items():
        (folder / f"{name}.glb").write_bytes(glb_bytes(thing))
    (folder / "broken.glb").write_bytes(b"glTF, but no")
    return folder


@pytest.fixture(scope="module")
def curated(models, tmp_path_factory):
    out = tmp_path_factory.mktemp("curated")
    before = {path.name: path.read_bytes() for path in models.iterdir()}
    outcome = curate(str(models), out, looks=Looks(size=96), engine="serial")
    assert {path.name: path.read_bytes() for path in models.iterdir()} == before  # the input stays as it is
    return out, outcome


def test_a_run_names_what_it_removes(models, curated):
    out, outcome = curated
    assert {row.uid: row.reason for row in outcome.rows if row.reason} == EXPECTED
    report = json.loads((out / "report.json").read_bytes())
    rows = {row["uid"]: row for row in report["rows"]}
    assert report["kept"] == 3 and sum(report["removed"].values()) == len(EXPECTED)
    assert (
        rows["grey"]["measure"] == "colour"
        and rows["grey"]["value"] < rows["grey"]["threshold"] == report["thresholds"]["colour"]
    )
    assert rows["z_copy"]["duplicate_of"] == "a_tall" and "broken.glb" in rows["broken"]["why"]
    assert (out / "kept.txt").read_text().split() == ["a_ball", "a_tall", "a_vessel"]
    assert len((out / "removed.txt").read_text().splitlines()) == len(EXPECTED)
    assert {path.name for path in out.glob("*.png")} == {"kept.png"} | {
        f"removed_{reason.replace(' ', '_')}.png" for reason in EXPECTED.values()
    }
    assert set(EXPECTED.values()) <= set(REASONS)


def test_a_run_goes_on_where_it_was_and_thresholds_can_change(models, curated, tmp_path):
    out, _ = curated
    report = (out / "report.json").read_bytes()
    again = curate(str(models), out, looks=Looks(size=96), engine="serial")
    assert again.looked == 0 and (out / "report.json").read_bytes() == report
    lax = curate(str(models), out, Thresholds(thinness=0.0, colour=0.0), Looks(size=96), engine="serial")
    assert lax.looked == 0 and not {"flat", "untextured"} & set(lax.removed) and not (out / "removed_flat.png").exists()
    curate(str(models), out, looks=Looks(size=96), engine="serial")
    assert (out / "report.json").read_bytes() == report
    with pytest.raises(ValueError, match="out: expected another folder"):
        curate(str(models), models, engine="serial")
    with pytest.raises(ValueError, match="score: a threshold needs a scorer"):
        curate(str(models), tmp_path, Thresholds(score=3.0), engine="serial")


def test_shards_are_curated_from_their_views(dataset, tmp_path):
    outcome = curate(str(dataset), tmp_path, engine="serial")
    assert len(outcome.rows) == 5 and all(
        row.points == "views" and row.measures["back_faces"] is None for row in outcome.rows
    )
    assert set(outcome.removed) <= {"several objects"}  # Zeroverse's parts may float apart
    assert "duplicate" not in outcome.removed
    assert (
        sealed.seal(open_pool(str(dataset), 96), [0], tmp_path, 128, 1, engine="serial")
        .popitem()[1]["failed"]
        .startswith("watertight: needs a mesh")
    )


def test_what_is_kept_is_sealed(models, tmp_path):
    pool = open_pool(str(models), 96)
    index = pool.names.index("a_vessel")
    rows = sealed.seal(pool, [index], tmp_path, 128, 1, engine="serial")
    mesh = trimesh.load(tmp_path / "watertight" / "a_vessel.glb", force="mesh")
    assert mesh.is_watertight and len(mesh.faces) == rows["a_vessel"]["triangles"]
    assert Image.open(tmp_path / "watertight.png").size[0] > 200
    stamp = (tmp_path / "watertight" / "a_vessel.glb").stat().st_mtime_ns
    assert sealed.seal(pool, [index], tmp_path, 128, 1, engine="serial") == rows
    assert (tmp_path / "watertight" / "a_vessel.glb").stat().st_mtime_ns == stamp
    with pytest.raises(ValueError, match="expected one of 128, 256, 512, got 100"):
        sealed.seal(pool, [index], tmp_path, 100, 1)


# ---------------------------------------------------------------------------------------------------------- orientation


@pytest.fixture(scope="module")
def described():
    return upright_kinds(36)


def test_turns_are_the_24_rotations():
    turns = orient.turns()
    assert (
        len({tuple(turn.ravel()) for turn in turns}) == 24
        and np.allclose(np.linalg.det(turns), 1)
        and np.array_equal(turns[0], np.eye(3))
    )


@pytest.mark.parametrize("turn", [1, 7, 13, 23])
def test_turning_views_is_turning_the_object(turn):
    thing = asset(*chair(Rng("upright", 0)))
    matrix = np.eye(4)
    matrix[:3, :3] = orient.turns()[turn]
    scene = trimesh.Scene()
    for name, mesh in thing.scene.geometry.items():
        scene.add_geometry(moved(mesh, matrix), geom_name=name, node_name=name)
    expected, found = orient.six_views(Asset(scene, "turned")), orient.candidates(orient.six_views(thing))[turn]
    assert (
        np.abs(expected - found).mean() < 0.01 * np.abs(expected).mean()
    )  # pixels whose centre lies on an edge may fall either way


@pytest.mark.parametrize(
    "mesh, alike", [(icosphere(4), 24), (box((1.8, 1.0, 0.6)), 4), (cone(0.9, 1.8, sections=96), 4), (tall(), 4)]
)
def test_what_looks_the_same_counts_as_one(mesh, alike):
    assert orient.describe(orient.six_views(asset(mesh)))[1][0].sum() == alike


def test_a_ball_has_every_orientation_and_a_blank_chooser_cannot_tell(described):
    features, alike = described
    blank = orient.Orienter(np.zeros(features.shape[-1]), np.ones(features.shape[-1]), np.zeros(features.shape[-1]))
    assert blank.orient(features[0], alike[0]).verdict == "cannot tell"
    ball = blank.orient(*orient.describe(orient.six_views(asset(icosphere(4)))))
    assert ball.up == pytest.approx(1.0) and ball.front == pytest.approx(1.0)
