"""One file, one row: a class that nobody knew, put into a table, is sampled, built, stored and named in captions."""

import json
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pytest

from zeroverse import edits, grammar, shapes, textures
from zeroverse.core.record import Record, span
from zeroverse.core.rng import Rng
from zeroverse.edits import Cut
from zeroverse.grammar.build import assemble
from zeroverse.grammar.recipe import from_dict, to_dict
from zeroverse.shapes.cube import Cube
from zeroverse.textures.base import Fields, Texture, pack


@dataclass(frozen=True)
class Nick(Record):
    """A small cubic bite out of the object's first vertex."""

    size: float = span(0.3, 0.5)

    @classmethod
    def sample(cls, rng, shapes, sample_texture):
        return super().sample(rng)

    def words(self):
        return "with a nick"

    def apply(self, solid, jitter):
        return Cut(Cube(), self.size, (1.0, 0.0, 0.0, 0.0), 0.0).apply(solid, jitter)


@dataclass(frozen=True)
class Block(Cube):
    """A cube of another name, with a parameter."""

    age: float = span(0.0, 1.0)


@dataclass(frozen=True)
class Velvet(Texture):
    """One dark colour."""

    depth: float = span(0.1, 0.4)

    def fields(self, points: np.ndarray, normals: np.ndarray) -> Fields:
        return pack(np.full((len(points), 3), self.depth), 0.9, 0.0, 0.0)


@pytest.fixture
def rows(monkeypatch):
    """The tables with a row more."""
    monkeypatch.setattr(edits, "EDITS", (*edits.EDITS, ("nick", Nick, "object", 0.1)))
    block = ("block", Block, 1.0, ("a block", "blocks", "blocky"))
    monkeypatch.setattr(shapes, "SHAPES", (*shapes.SHAPES, block))
    monkeypatch.setattr(textures, "TEXTURES", (*textures.TEXTURES, ("velvet", Velvet, 20.0)))


def recipes(count, preset="paper", **shares):
    mixture = grammar.mixture_of(preset, shares)
    return [grammar.sample(Rng("rows", index), mixture, texture_size=16) for index in range(count)]


def test_a_new_row_is_sampled_as_often_as_it_says(rows):
    sampled = recipes(300)
    edit = Counter(type(recipe.edit) for recipe in sampled)
    assert 300 * 0.1 == pytest.approx(edit[Nick], abs=4 * (300 * 0.1 * 0.9) ** 0.5)
    parts = [part for recipe in sampled for part in recipe.parts]
    blocks = sum(isinstance(part.shape, Block) for part in parts)
    assert len(parts) / 6 == pytest.approx(blocks, abs=4 * (len(parts) * 5 / 36) ** 0.5)
    assert any(isinstance(surface.texture, Velvet) for part in parts for surface in part.surfaces)


def test_the_share_of_a_new_edit_is_an_argument_as_of_any_other(rows):
    assert {type(recipe.edit) for recipe in recipes(20, cut=0, wireframe=0, nick=1)} == {Nick}
    with pytest.raises(ValueError, match=r"cut \+ wireframe \+ nick: expected shares that sum to at most 1, got 1.3"):
        grammar.mixture_of("paper", {"cut": 1})
    asset = next(
        asset
        for index in range(10)
        if "with a nick" in (asset := grammar.make(0, index, "released", texture_size=16, edits={"nick": 1})).caption
    )
    assert asset.uid.startswith("zeroverse-released-nick1-0-") and asset.provenance["nick"] == 1
    assert asset.labels["complexity"]["nick"] and not asset.labels["complexity"]["cut"]


def test_new_rows_are_stored_built_and_named(rows):
    mixture = replace(
        grammar.mixture_of("paper", {"height_field": 0, "cut": 0, "wireframe": 0, "nick": 1}),
        counts=(1,),
        shapes=(("block", 1.0),),
        families=("velvet",),
    )
    recipe = grammar.sample(Rng("block"), mixture, texture_size=16)
    data = json.loads(json.dumps(to_dict(recipe)))
    assert data["edit"]["kind"] == "nick" and data["parts"][0]["shape"]["kind"] == "block"
    assert data["parts"][0]["surfaces"][0]["texture"]["family"] == "velvet" and from_dict(data) == recipe
    asset = grammar.build(recipe, "block")
    assert asset.caption == "a block, with a nick; velvet"
    whole, _ = assemble(replace(recipe, edit=None))
    nicked, _ = assemble(recipe)
    assert len(nicked.faces) != len(whole.faces) and asset.parts == ("block_0", "cut")


def test_errors_about_new_rows_name_the_argument(rows):
    data = to_dict(grammar.sample(Rng("errors"), grammar.mixture_of("released", {"nick": 1}), texture_size=16))
    data["edit"]["size"] = 7
    with pytest.raises(ValueError, match=r"^edit.size: expected a number from 0.3 to 0.5, got 7$"):
        from_dict(data)
    data["edit"] = {"kind": "dent"}
    with pytest.raises(ValueError, match=r"^edit.kind: expected one of cut, wireframe, nick; got 'dent'$"):
        from_dict(data)
