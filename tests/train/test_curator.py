"""Training of curation: scores and orientations that are right on objects never seen."""

import json

import numpy as np
import pytest
from trimesh.creation import icosphere

from detailverse.curation.defects import DEFECTS
from renderers.curation import orient
from renderers.curation.filters import Thresholds
from renderers.curation.score import Scorer
from tests.helpers.objects import asset, tall, upright_kinds
from train.curator import examples, orienter, scorer
from train.curator.backbone import Backbone
from train.curator.numbers import spearman
from zeroverse.asset import glb_bytes
from zeroverse.core.rng import Rng


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name, thing in (("a_tall", asset(tall())), ("a_ball", asset(icosphere(3)))):
        (folder / f"{name}.glb").write_bytes(glb_bytes(thing))
    return folder


@pytest.fixture(scope="module")
def described():
    return upright_kinds(36)


def test_rank_correlation():
    assert spearman(np.array([1.0, 2, 3, 9]), np.array([10.0, 11, 30, 31])) == pytest.approx(1)
    assert spearman(np.array([1.0, 2, 3]), np.array([3.0, 2, 1])) == pytest.approx(-1)
    assert spearman(np.array([1.0, 1, 2, 2]), np.array([1.0, 2, 1, 2])) == 0.0
    assert spearman(np.ones(4), np.array([1.0, 2, 1, 2])) == 0.0


def test_folds_never_split_an_object():
    groups = np.repeat(np.arange(23).astype(str), 4)
    folds = scorer.folds_of(groups)
    assert all(len(set(folds[groups == group])) == 1 for group in groups) and len(set(folds)) == scorer.FOLDS


def test_the_scorer_learns_what_is_there_and_comes_back_from_its_file(tmp_path):
    x = Rng("test").unit((200, 12)).astype(np.float32)
    ratings = 1 + 4 * np.clip(0.7 * x[:, 0] + 0.3 * (x[:, 1] > 0.5), 0, 1)
    model = scorer.fit(x[:150], ratings[:150], np.arange(150))
    assert spearman(model.score(x[150:]), ratings[150:]) > 0.9
    model.save(tmp_path / "scorer.json", {})
    assert np.allclose(Scorer.load(tmp_path / "scorer.json").score(x), model.score(x), atol=1e-3)
    with pytest.raises(ValueError, match="trained on 12 numbers an object, got 5"):
        model.score(x[:, :5])
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(ValueError, match="bad.json: not a scorer"):
        Scorer.load(tmp_path / "bad.json")
    with pytest.raises(ValueError, match="expected at least 10"):
        scorer.fit(x[:5], ratings[:5], np.arange(5))


@pytest.mark.slow
def test_clean_objects_score_above_their_defective_twins(tmp_path):
    rated = examples.rated_by_defects("zeroverse", 5, 14, None, 1, lambda: None, engine="serial")
    numbers = scorer.train_scorer(rated, tmp_path)
    assert numbers["clean_beats_twin"][0] > 0.9 and numbers["rank_correlation"][1] > 0.5
    filters = json.loads((tmp_path / "filters.json").read_bytes())
    assert (
        filters["grounded"]["planar base"][0] == 1.0
        and filters["scattered"]["removed"][0] > 0.9
        and filters["clean"]["removed"][0] < 0.3
    )
    assert (tmp_path / "rated.png").exists()


def test_ratings_of_people_are_read_with_care(tmp_path, models):
    path = tmp_path / "ratings.csv"
    path.write_text("uid,rating\na_ball,4.5\na_tall,2\n")
    assert examples.read_ratings(path) == {"a_ball": 4.5, "a_tall": 2.0}
    rated = examples.rated_by_people(str(models), path, None, 1, lambda: None, engine="serial")
    assert rated.features.shape[0] == 2 and list(rated.ratings) == [4.5, 2.0] and np.isfinite(rated.features).all()
    for text, words in (
        ("a_ball,7\n", "line 1: rating: expected 1 to 5, got 7"),
        ("a_ball\n", "line 1: expected uid,rating"),
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=words):
            examples.read_ratings(path)
    path.write_text("nobody,3\n")
    with pytest.raises(ValueError, match="1 of 1 uids are not in"):
        examples.rated_by_people(str(models), path, None, 1, lambda: None, engine="serial")


def test_filters_are_counted_by_kind():
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
    }
    rated = examples.Rated(
        np.zeros((4, 1)),
        np.ones(4),
        np.array(list("abab")),
        np.array(["clean", "clean", "squashed", "squashed"]),
        [""] * 4,
        [good, good, good | {"thinness": 0.0}, good],
    )
    found = scorer.filter_numbers(rated, Thresholds())
    assert (
        found["clean"] == {"removed": [0.0, 0.0, 0.0]}
        and found["squashed"]["flat"] == [0.5, 0.0, 1.0] == found["squashed"]["removed"]
    )


def test_networks_of_the_user(tmp_path):
    import torch

    class Tiny(torch.nn.Module):
        def forward(self, x):
            return x.mean(dim=(2, 3))

    program = torch.export.export(
        Tiny(), (torch.zeros(2, 3, 224, 224),), dynamic_shapes=({0: torch.export.Dim("views")},)
    )
    torch.export.save(program, tmp_path / "tiny.pt2")
    embed = Backbone((str(tmp_path / "tiny.pt2"), str(tmp_path / "tiny.pt2")))
    found = embed(np.full((4, 32, 32, 3), 255, np.uint8))
    assert found.shape == (4, 6) and np.allclose(
        found[0, :3], (1 - np.array([0.485, 0.456, 0.406])) / [0.229, 0.224, 0.225], atol=1e-4
    )
    assert embed.name.startswith("tiny.pt2-") and "/" not in embed.name
    with pytest.raises(ValueError, match="features: expected a .pt2 or TorchScript file.*does not exist"):
        Backbone((str(tmp_path / "dinov2"),))
    (tmp_path / "noise.pt").write_bytes(b"no network")
    with pytest.raises(ValueError, match="noise.pt: not a .pt2 or TorchScript file"):
        Backbone((str(tmp_path / "noise.pt"),))(np.zeros((1, 8, 8, 3), np.uint8))


def test_held_out_objects_of_known_kinds_are_set_upright(described, tmp_path):
    features, alike = described
    numbers = orienter.train_orienter(features, alike, tmp_path)
    assert numbers["up"][0] > 0.9 and numbers["right"][0] > 0.8
    chooser = orient.Orienter.load(tmp_path / "orienter.json")
    for turn in (0, 5, 17):  # an object that was stored turned is turned back
        order = [
            next(k for k in range(24) if np.array_equal(orient.turns()[k], orient.turns()[t] @ orient.turns()[turn]))
            for t in range(24)
        ]
        found = chooser.orient(features[0][order], alike[0][np.ix_(order, order)])
        back = orient.turns()[found.turn] @ orient.turns()[turn]
        assert np.array_equal(back, np.eye(3)) and found.verdict == "upright and front"


def test_sources_without_a_front_train_no_orienter():
    with pytest.raises(ValueError, match="zeroverse have no up and no front; expected detailverse"):
        examples.upright("zeroverse", 0, 4, 1, lambda: None, engine="serial")


def test_variants_are_rated_and_named():
    kinds = {kind: rating for kind, _, rating in examples.variants("zeroverse", 3, 0)}
    assert kinds.pop("clean") == 5.0 and set(kinds) == {row[0] for row in DEFECTS} and max(kinds.values()) < 5
