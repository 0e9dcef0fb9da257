"""The grammar: what it draws and how often, what it builds, and that a recipe is the whole truth about an object."""

import copy
import hashlib
import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.helpers.processes import printed
from zeroverse import grammar
from zeroverse.core import affine
from zeroverse.core.rng import Rng
from zeroverse.edits import Cut, Wireframe, of_objects
from zeroverse.grammar.build import assemble, build, part_body
from zeroverse.grammar.recipe import from_dict, to_dict
from zeroverse.shapes import SHAPES, kinds, name_of, solid
from zeroverse.shapes.atlas import patch_uv

PAPER = grammar.PRESETS["paper"]
OBJECTS = 40


def recipe_of(key, **changes):
    return grammar.sample(Rng("test", key), replace(PAPER, **changes), texture_size=16)


def fingerprint(asset) -> str:
    digest = hashlib.sha256(asset.caption.encode())
    for name, mesh in asset.scene.geometry.items():
        digest.update(name.encode())
        for array in (
            mesh.vertices,
            mesh.faces,
            mesh.vertex_normals,
            mesh.visual.uv,
            mesh.visual.material.baseColorTexture,
            mesh.visual.material.normalTexture,
            mesh.visual.material.metallicRoughnessTexture,
        ):
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def merged(asset):
    """(points [N, 3], faces [F, 3]) of all parts, vertices at one float32 place made one."""
    meshes = list(asset.scene.geometry.values())
    points = np.concatenate([mesh.vertices for mesh in meshes])
    starts = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes])
    faces = np.concatenate([mesh.faces + start for mesh, start in zip(meshes, starts)])
    _, first, place = np.unique(
        points.astype(np.float32) + np.float32(0), axis=0, return_index=True, return_inverse=True
    )
    return points[first], place.ravel()[faces]


@pytest.fixture(scope="module")
def recipes():
    plain = replace(PAPER, families=("paint",))  # textures are two thirds of the time and have streams of their own
    return [grammar.sample(Rng("test", index), plain, texture_size=16) for index in range(2000)]


@pytest.fixture(scope="module")
def assets():
    return [grammar.make(3, index, texture_size=16) for index in range(OBJECTS)]


def within(count, trials, probability, sigmas=4.0):
    return abs(count - trials * probability) <= sigmas * (trials * probability * (1 - probability)) ** 0.5


# What is drawn


def test_counts_follow_the_published_weights(recipes):
    counts = Counter(len(recipe.parts) for recipe in recipes)
    weights = [5, 5, 5, 5, 5, 4, 3, 2, 1]
    assert all(within(counts[1 + k], len(recipes), weight / 35) for k, weight in enumerate(weights))
    assert np.mean([len(recipe.parts) for recipe in recipes]) == pytest.approx(
        145 / 35, abs=4 * 2.2 / len(recipes) ** 0.5
    )  # 4.14


def test_edits_follow_the_published_probabilities(recipes):
    found = Counter(type(recipe.edit) for recipe in recipes)
    for name, share in {"cut": 0.4, "wireframe": 0.2}.items():
        assert within(found[of_objects()[name]], len(recipes), share)
    assert within(found[type(None)], len(recipes), 0.4)
    surfaces = [surface for recipe in recipes for part in recipe.parts for surface in part.surfaces]
    assert within(sum(surface.height is not None for surface in surfaces), len(surfaces), 0.5)


@pytest.mark.parametrize("name", [row[0] for row in SHAPES])
def test_shapes_are_equally_likely_and_the_torus_never_cuts(recipes, name):
    parts = [part for recipe in recipes for part in recipe.parts]
    assert within(sum(name_of(part.shape) == name for part in parts), len(parts), 1 / len(SHAPES))
    cutters = [name_of(recipe.edit.shape) for recipe in recipes if isinstance(recipe.edit, Cut)]
    wires = [name_of(recipe.edit.shape) for recipe in recipes if isinstance(recipe.edit, Wireframe)]
    assert cutters.count(name) == 0 if name == "torus" else within(cutters.count(name), len(cutters), 1 / 4)
    assert within(wires.count(name), len(wires), 1 / 5)


def test_rotations_are_uniform_and_centers_fill_the_cube(recipes):
    parts = [part for recipe in recipes for part in recipe.parts]
    axes = np.array([affine.rotation_matrix(part.rotation)[:, 2] for part in parts])
    assert (
        np.abs((axes[:, :, None] * axes[:, None, :]).mean(axis=0) - np.eye(3) / 3).max() < 0.02
    )  # second moment of the uniform sphere
    centers = np.array([part.center for part in parts])
    assert (
        np.abs(centers).max() <= 1
        and np.abs(centers.mean(axis=0)).max() < 0.03
        and (centers**2).mean() == pytest.approx(1 / 3, abs=0.01)
    )


def test_released_preset_has_three_primitives_and_no_edits():
    drawn = [
        grammar.sample(Rng("released", index), grammar.PRESETS["released"], texture_size=16) for index in range(300)
    ]
    parts = [part for recipe in drawn for part in recipe.parts]
    assert {name_of(part.shape) for part in parts} == {"cube", "sphere", "cylinder"}
    assert all(recipe.edit is None for recipe in drawn) and all(
        surface.height is None for part in parts for surface in part.surfaces
    )
    scales = np.array([part.scale for part in parts])
    assert scales.min() >= 0.25 and scales.max() <= 2 and scales.mean() == pytest.approx(1.125, abs=0.05)
    assert all(
        min(recipe.parts[-1].center) >= 0 for recipe in drawn
    )  # the last one is placed in the positive octant and not moved again


def test_an_added_part_changes_no_other():
    few, many = (grammar.sample(Rng("same"), replace(PAPER, counts=(0,) * (count - 1) + (1,))) for count in (3, 5))
    assert many.parts[:3] == few.parts and many.edit == few.edit


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"edits": {"cut": 0.7, "wireframe": 0.4}}, "cut \\+ wireframe: expected shares that sum to at most 1"),
        ({"edits": {"height_field": 1.5}}, "edits.height_field: expected a share from 0 to 1, got 1.5"),
        ({"edits": {"dent": 0.1}}, "edits: expected some of height_field, cut, wireframe; got dent"),
        ({"tools": {"cut": ("cube", "teapot")}}, "shapes: expected some of .* got teapot"),
    ],
)
def test_impossible_mixtures_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(PAPER, **changes)


# What is built


@pytest.mark.parametrize("index", range(OBJECTS))
def test_object_is_a_closed_solid_of_the_right_size(assets, index):
    asset = assets[index]
    points, faces = merged(asset)
    assert np.isfinite(points).all()
    assert solid.closed(faces) and solid.volume(points, faces) > 0
    sides = points.max(axis=0) - points.min(axis=0)
    assert sides.max() == pytest.approx(1.8, abs=1e-9) and np.abs(points.max(axis=0) + points.min(axis=0)).max() < 1e-9
    for mesh in asset.scene.geometry.values():
        normals = mesh.vertex_normals
        assert np.abs((normals**2).sum(axis=1) - 1).max() < 1e-9
        assert np.isfinite(mesh.visual.uv).all() and mesh.visual.uv.min() >= 0 and mesh.visual.uv.max() <= 1
        assert len(np.unique(mesh.faces)) == len(mesh.vertices)
    assert (
        asset.uid == f"zeroverse-paper-3-{index:08d}"
        and asset.caption
        and set(asset.provenance["hidden"]).isdisjoint(asset.parts)
    )


def test_all_normals_face_out_of_the_material(assets):
    cosines, areas, names = [], [], []
    for asset in assets:
        for name, mesh in asset.scene.geometry.items():
            normal = affine.face_normals(mesh.vertices, mesh.faces)
            areas.append(np.sqrt((normal**2).sum(axis=1)))
            cosines.append((mesh.vertex_normals[mesh.faces] * affine.unit(normal)[:, None]).sum(axis=-1).min(axis=1))
            names.append(np.full(len(normal), name.split("_")[0]))
    cosines, areas, names = np.concatenate(cosines), np.concatenate(areas), np.concatenate(names)
    large = areas > 1e-7  # the normal of a sliver of nearly no area is float32 noise
    assert {"cut", "wireframe"} < set(names)
    for name in np.unique(names):
        assert (cosines[large & (names == name)] > 0).mean() > 0.999, name


def test_normals_are_those_of_the_surfaces_not_an_average_over_faces(assets):
    for asset in assets[:8]:
        triangles, bodies = assemble(from_dict(asset.recipe))
        for number, body in enumerate(bodies):
            if body.name in asset.parts:
                used = np.unique(triangles.faces[triangles.body == number])
                assert (asset.scene.geometry[body.name].vertex_normals == triangles.normals[used]).all()


def test_triangle_budget(assets):
    assert np.mean([sum(len(mesh.faces) for mesh in asset.scene.geometry.values()) for asset in assets]) <= 30_000


def volume_of(recipe):
    triangles, _ = assemble(recipe)
    return solid.volume(triangles.points, triangles.faces)


@pytest.mark.parametrize("cutter", PAPER.tools_of("cut"))
def test_cut_removes_exactly_what_it_overlaps(cutter):
    """|A - C| = |A| - |A ∩ C|, and the imprint is a part of its own."""
    whole = recipe_of(cutter, counts=(0, 1), edits={})
    cut = Cut(kinds()[cutter](), 0.4, (1.0, 0.2, 0.1, 0.0), 0.3)
    union = solid.union([part_body(part, f"{k}") for k, part in enumerate(whole.parts)])
    result = cut.apply(union, 0.0)
    tool = solid._manifold(result.bodies[-1])[0]
    overlap = (union.manifold ^ tool).volume()
    assert overlap > 0.01
    assert result.manifold.volume() == pytest.approx(union.manifold.volume() - overlap, rel=1e-5)
    assert "cut" in build(replace(whole, edit=cut), "x").parts


def test_cut_shows_the_texture_of_the_surface_it_hit():
    recipe = recipe_of("owner", counts=(0, 0, 1), edits={"height_field": 0.5, "cut": 1.0})
    bodies = assemble(recipe)[1]
    textures = {surface.texture for part in recipe.parts for surface in part.surfaces}
    assert len({tile.texture for tile in bodies[-1].tiles}) == 1 and bodies[-1].tiles[0].texture in textures


def test_wireframe_only_adds():
    recipe = recipe_of("wire", counts=(0, 1), edits={"height_field": 0.5, "wireframe": 1.0})
    assert volume_of(recipe) > volume_of(replace(recipe, edit=None))
    assert "wireframe" in build(recipe, "x").parts


@pytest.mark.parametrize("key", range(12))
def test_uv_survive_the_booleans(key):
    """Where a corner's uv says it is on its patch is where it is: the exact ground truth, also for the vertices that
    the booleans made.
    """
    recipe = recipe_of(
        key,
        counts=(0, 1, 1, 1),
        edits={"cut": 1.0},
        shapes=(("cube", 1.0), ("cylinder", 1.0), ("cone", 1.0), ("torus", 1.0)),
    )
    try:
        triangles, bodies = assemble(recipe)
    except solid.Rejected as error:
        pytest.skip(str(error))
    vertex, body = triangles.faces.ravel(), np.repeat(triangles.body, 3)
    surface = np.repeat(triangles.surface, 3)
    for number, one in enumerate(bodies):
        matrix, offset = one.to_texture
        for k, tile in enumerate(one.tiles):
            mine = vertex[(body == number) & (surface == k)]
            if not len(mine):
                continue
            tiles, uv = patch_uv(triangles.uv[mine], len(one.tiles))
            assert (tiles == k).all()
            u = 1 - uv[:, 0] if one.inside_out else uv[:, 0]
            shown = affine.apply(
                tile.matrix, tile.position(u, uv[:, 1])[0], tile.offset
            )  # where the texture is looked up
            there = affine.apply(matrix, triangles.points[mine], offset)  # where the vertex is, in the texture's frame
            flat = np.ptp(tile.position(np.array([0.1, 0.5, 0.9]), np.array([0.2, 0.7, 0.3]))[1], axis=0).max() == 0
            error = np.sqrt(((shown - there) ** 2).sum(axis=1))
            assert error.max() < (
                2e-5 if flat else 0.01
            )  # float32 on planes; a curved surface also has the sagitta of its facets
            assert np.median(error) < 2e-3


# The recipe


def test_recipe_survives_json():
    for recipe in map(recipe_of, range(100)):
        text = json.dumps(to_dict(recipe))
        assert from_dict(json.loads(text)) == recipe
        assert json.dumps(to_dict(from_dict(json.loads(text)))) == text


def fingerprints() -> str:
    """One word for some objects, made in another order than the fixture's."""
    return ",".join(fingerprint(grammar.make(3, i, texture_size=16)) for i in (7, 2, 5, 0))


def test_rebuilding_is_bit_identical_in_another_process_and_order(assets):
    assert printed(__file__, "fingerprints()") == ",".join(fingerprint(assets[i]) for i in (7, 2, 5, 0))


def test_the_recipe_in_the_asset_rebuilds_it(assets):
    for asset in assets[:6]:
        again = build(from_dict(json.loads(json.dumps(asset.recipe))), asset.uid)
        assert fingerprint(again) == fingerprint(asset)


def test_an_edited_recipe_builds(assets):
    data = copy.deepcopy(assets[0].recipe)
    data["parts"][0]["scale"] = [1, 1.5, 0.5]
    data["parts"][0]["surfaces"][0]["height"] = {"seed": 4, "amplitude": 0.15}
    data["edit"] = {
        "kind": "cut",
        "shape": {"kind": "torus", "minor": 0.3},
        "size": 0.5,
        "rotation": [1, 0, 0, 0],
        "vertex": 0.5,
    }
    assert "toroidal cut" in build(from_dict(data), "edited").caption


@pytest.mark.parametrize(
    "path, value, message",
    [
        (("parts", 1, "scale"), [1, -2, 0], "parts[1].scale: expected three positive numbers, got [1, -2, 0]"),
        (("parts", 0, "center"), [1, 2], "parts[0].center: expected three finite numbers, got [1, 2]"),
        (("parts", 0, "rotation"), [0, 0, 0, 0], "parts[0].rotation: expected a quaternion"),
        (
            ("parts", 0, "shape"),
            {"kind": "teapot"},
            "parts[0].shape.kind: expected one of cube, sphere, cylinder, cone, torus; got 'teapot'",
        ),
        (
            ("parts", 0, "shape"),
            {"kind": "torus", "minor": 0.6},
            "parts[0].shape.minor: expected a number from 0.05 to 0.45, got 0.6",
        ),
        (("parts", 0, "surfaces"), [], "parts[0].surfaces: expected"),
        (
            ("parts", 0, "surfaces", 0, "height"),
            {"seed": 1, "amplitude": 3},
            "parts[0].surfaces[0].height.amplitude: expected a number from 0 to 0.2, got 3",
        ),
        (
            ("parts", 0, "surfaces", 0, "texture"),
            {"family": "lava lamp"},
            "parts[0].surfaces[0].texture: family: expected one of",
        ),
        (("parts", 0, "colour"), "red", "parts[0]: expected shape, scale, rotation, center, surfaces; got"),
        (("edit",), {"kind": "explode"}, "edit.kind: expected one of cut, wireframe; got 'explode'"),
        (("version",), "0", "version: expected '1', got '0'"),
        (("texture_size",), 1.5, "texture_size: expected an integer"),
        (("parts",), [], "parts: expected at least one part"),
    ],
)
def test_errors_name_the_path(path, value, message):
    data = to_dict(recipe_of("errors", counts=(0, 0, 1)))
    target = data
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    with pytest.raises(ValueError) as error:
        from_dict(data)
    assert str(error.value).startswith(message)


def test_images_of_a_folder_texture_the_object_and_come_back(tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(tmp_path / "noise.png")
    asset = grammar.make(0, 3, textures_dir=tmp_path, texture_size=16)
    recipe = from_dict(json.loads(json.dumps(asset.recipe)))
    assert fingerprint(build(recipe, asset.uid, tmp_path)) == fingerprint(asset)
    with pytest.raises(ValueError, match="textures_dir: this recipe uses images; expected the folder they are in"):
        build(recipe, asset.uid)


# Making objects


@pytest.mark.parametrize("preset", grammar.PRESETS)
def test_make(preset):
    asset = grammar.make(0, 12, preset, texture_size=16)
    assert asset.uid == f"zeroverse-{preset}-0-00000012" and asset.provenance["preset"] == preset
    assert json.loads(json.dumps(asset.recipe)) == asset.recipe and json.dumps(asset.provenance)


def test_shares_of_edits_change_the_edit_and_nothing_else():
    for index in range(4):
        usual, plain, cut, wired = (
            grammar.make(0, index, texture_size=16, edits=shares)
            for shares in ({}, {"cut": 0, "wireframe": 0}, {"cut": 1, "wireframe": 0}, {"cut": 0, "wireframe": 1})
        )
        assert [(asset.recipe["edit"] or {}).get("kind") for asset in (plain, cut, wired)] == [None, "cut", "wireframe"]
        assert {asset.provenance["attempt"] for asset in (usual, plain, cut, wired)} == {0}
        assert usual.recipe["parts"] == plain.recipe["parts"] == cut.recipe["parts"] == wired.recipe["parts"]
        (same,) = (asset for asset in (plain, cut, wired) if asset.recipe["edit"] == usual.recipe["edit"])
        assert fingerprint(same) == fingerprint(usual) and same.uid != usual.uid
    assert grammar.make(0, 0, texture_size=16, edits={"cut": 0.25}).uid == "zeroverse-paper-cut0_25-0-00000000"
    assert {"cut", "wireframe"} & usual.provenance.keys() == set() and wired.provenance["wireframe"] == 1
    with pytest.raises(ValueError, match=r"cut \+ wireframe: expected shares that sum to at most 1, got 1.1"):
        grammar.make(0, 0, edits={"cut": 0.9})


def test_shares_may_sum_to_one_exactly():
    """1 - 0.9 - 0.1 is -3e-17 in floating point, which is no weight."""
    mixture = grammar.mixture_of("paper", {"cut": 0.9, "wireframe": 0.1})
    edits = {type(grammar.sample(Rng("whole", index), mixture, texture_size=16).edit) for index in range(60)}
    assert edits == {Cut, Wireframe}


def test_rejected_draws_are_counted_and_replaced(monkeypatch):
    calls = []

    def reject_twice(triangles):
        calls.append(triangles)
        if len(calls) <= 2:
            raise solid.Rejected("flat")

    monkeypatch.setattr(grammar, "check_worth", reject_twice)
    asset = grammar.make(0, 1, texture_size=16)
    assert asset.provenance["rejected"] == {"flat": 2} and asset.provenance["attempt"] == 2


def test_when_every_draw_fails_the_error_says_why(monkeypatch):
    def reject(triangles):
        raise solid.Rejected("flat")

    monkeypatch.setattr(grammar, "check_worth", reject)
    with pytest.raises(solid.Rejected, match=r"zeroverse paper seed 0 index 1: all 8 draws rejected: \{'flat': 8\}"):
        grammar.make(0, 1, texture_size=16)


def test_touching_parts_are_separated_by_the_jitter():
    """Two cubes that share exactly an edge: closed for Manifold, four faces on one edge for everyone else."""
    data = to_dict(recipe_of("touch", counts=(0, 1), shapes=(("cube", 1.0),), edits={}))
    for part, center in zip(data["parts"], ([0, 0, 0], [1, 1, 0])):
        part.update(scale=[0.5, 0.5, 0.5], rotation=[1, 0, 0, 0], center=center)
    recipe = from_dict(data)
    with pytest.raises(solid.Rejected, match="not watertight"):
        assemble(recipe)
    points, faces = merged(build(recipe, "touching"))
    assert solid.closed(faces)


def test_hidden_parts_are_left_out_and_named():
    data = to_dict(recipe_of("hidden", counts=(0, 1), shapes=(("sphere", 1.0),), edits={}))
    for part, size in zip(data["parts"], (0.2, 1.0)):
        part.update(scale=[size] * 3, center=[0, 0, 0])
    asset = build(from_dict(data), "hidden")
    assert (
        asset.parts == ("sphere_1",)
        and asset.provenance["hidden"] == ["sphere_0"]
        and asset.caption.startswith("a sphere;")
    )


@pytest.mark.parametrize("preset", ("", "Paper", "nothing"))
def test_unknown_presets_are_refused(preset):
    with pytest.raises(ValueError, match="preset: expected one of paper, released, default"):
        grammar.make(0, 0, preset)
