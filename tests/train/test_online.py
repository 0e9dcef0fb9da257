"""The complexity of objects, the curriculum over it, and objects made while training."""

import json
import shutil

import numpy as np
import pytest
import torch

import verse
from renderers.shards import ShardError, ShardReader
from renderers.sources.procedural import Zeroverse
from tests.helpers.line import assert_same_run
from tests.helpers.reconstruction import FakeReader, micro, same, sampler
from train.data.curriculum import Curriculum, complexities, complexity
from train.data.online import FreshViews, source_of
from train.data.views import decoded
from train.models.lrm.task import LRMTask, train_lrm
from zeroverse import grammar
from zeroverse.asset import AssetError

torch.set_num_threads(1)


# ----------------------------------------------------------------------------------------------------------- complexity


def recipe(parts: int, edit=None, height=False, frequency=0.0, thin=1.0) -> dict:
    surface = {"texture": {"frequency": frequency}, "height": {"amplitude": 0.1} if height else None}
    part = {"surfaces": [surface], "scale": [1.0, 1.0, thin]}
    return {"uid": "x", "recipe": json.dumps({"parts": [part] * parts, "edit": edit and {"kind": edit}})}


def surface(**changes) -> dict:
    labels = {
        "crease_density": 20.0,
        "genus": 1,
        "components": 1,
        "normal_variance": {"0.05": 0.2},
        "thin": 0.1,
    } | changes
    return {"uid": "x", "labels": json.dumps({"complexity": labels}), "recipe": json.dumps({"kind": "chair"})}


def test_complexity_grows_with_what_is_hard():
    assert complexity(**recipe(1)) == 0.0
    assert complexity(**recipe(9, "cut", True, 50.0, thin=0.0)) == pytest.approx(0.9)
    assert (
        complexity(**recipe(2))
        < complexity(**recipe(2, thin=0.1))
        < complexity(**recipe(2, height=True))
        < complexity(**recipe(9))
    )
    assert complexity(**recipe(2, "wireframe")) < complexity(**recipe(2, "cut"))
    assert complexity(**recipe(9, "cut")) - complexity(**recipe(9)) > complexity(**recipe(1, "cut")) - complexity(
        **recipe(1)
    )  # worst on many primitives
    for harder in (
        dict(crease_density=40.0),
        dict(genus=5),
        dict(components=4),
        dict(normal_variance={"0.05": 0.4}),
        dict(thin=0.01),
    ):
        assert 0 < complexity(**surface()) < complexity(**surface(**harder)) < 1
    with pytest.raises(ValueError, match="sample x: complexity: expected labels.complexity or a recipe"):
        complexity("x")


def test_complexity_of_real_recipes_is_within_its_range():
    values = [complexity(str(i), recipe=json.dumps(grammar.make(0, i, texture_size=16).recipe)) for i in range(4)]
    assert all(0 <= value <= 1 for value in values) and len(set(values)) == 4


def test_complexity_is_stored_in_every_sample(dataset):
    """And the number is that of the recipe, which shards of before it was stored have alone."""
    for index in range(5):
        meta = ShardReader(dataset).meta(index)
        stored, recipe = json.loads(meta.labels)["complexity"], json.loads(meta.recipe)
        assert (
            stored["primitives"] == len(recipe["parts"])
            and stored["cut"] == ((recipe["edit"] or {}).get("kind") == "cut")
            and 0 < stored["thinnest"] <= 1
        )
        assert complexity(meta.uid, meta.labels, meta.recipe) == complexity("x", recipe=meta.recipe)


# ----------------------------------------------------------------------------------------------------------- curriculum


def test_easy_objects_come_first_and_all_in_the_end():
    hardness = np.array([5.0, 1.0, 4.0, 2.0, 3.0, 0.0])
    easy = Curriculum(hardness, samples=60, start=1 / 3, seed=0)
    assert [easy.allowed(p) for p in (0, 15, 30, 60, 1000)] == [2, 3, 4, 6, 6]
    for position in range(0, 60, 7):
        assert all(hardness[easy(position, 0, number)] < easy.allowed(position) for number in range(6))
    assert [easy(60, 0, number) for number in range(6)] == list(range(6))
    assert len({easy(0, 0, 0) for _ in range(3)}) == 1 and {easy(p, 0, 0) for p in range(12)} == {
        1,
        3,
        5,
    }  # by position, of the three easiest
    with pytest.raises(ValueError, match="samples, start"):
        Curriculum(hardness, 0, 0.5, 0)


def test_the_sampler_follows_the_curriculum_and_stays_a_function_of_the_position():
    reader = FakeReader(objects=6)
    views = sampler(reader, curriculum=Curriculum([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], 24, 1 / 6, 0))
    shown = lambda positions: {int(views.batch([p])["rgb"][0, 0, 0, 8, 8]) // 40 for p in positions}
    assert shown(range(1)) == {0} and max(shown(range(6))) <= 2 and shown(range(24, 30)) == set(range(6))
    assert same(
        views.batch([11]),
        sampler(reader, curriculum=Curriculum([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], 24, 1 / 6, 0)).batch([11]),
    )


def test_a_run_reads_the_complexity_from_its_shards(dataset, tmp_path):
    found = complexities(ShardReader(dataset))
    assert len(found) == 5 and all(0 <= value <= 1 for value in found)
    config = micro(steps=2, warmup=1, curriculum_steps=2, curriculum_start=0.2)
    task = LRMTask(config, ShardReader(dataset))
    assert task.train_views.curriculum.allowed(0) == 1
    assert train_lrm(dataset, tmp_path, config).finished


def test_a_curriculum_over_a_sample_without_json_goes_by_the_policy(dataset, tmp_path):
    copy = shutil.copytree(dataset, tmp_path / "copy")
    entry = json.loads((copy / "zeroverse-000000.json").read_text())["samples"][1]
    with open(copy / "zeroverse-000000.tar", "r+b") as file:
        file.seek(entry["fields"]["json"][0])
        file.write(b"\xff" * 20)
    with pytest.raises(ShardError, match=f"sample {entry['key']}: json"):
        complexities(ShardReader(copy))
    found = complexities(ShardReader(copy), "skip")
    assert [index for index, value in enumerate(found) if value == np.inf] == [1]


# -------------------------------------------------------------------------------------------------------- fresh objects


def fresh(source=None, **changes) -> FreshViews:
    settings = dict(size=64, pool=8, inputs=4, targets=4, seed=0)
    return FreshViews(source or Zeroverse(seed=0, texture_size=32), **{**settings, **changes})


def test_fresh_views_are_those_of_shards_of_the_same_source(dataset):
    """The fixture's objects: Zeroverse, seed 0, 8 views of 64 pixels."""
    reader, views = ShardReader(dataset), fresh(labels=True)
    batch = views.batch([3])
    index = reader.keys.index(f"{reader.keys[3]}")
    stored = decoded(reader.read(index, ("rgb", "alpha", "depth", "normal")), 64)
    for prefix in ("", "target_"):
        for i in range(4):
            view = int(
                np.abs(reader.cameras(index).c2w - batch[prefix + "c2w"][0, i].numpy()).max(axis=(1, 2)).argmin()
            )
            assert torch.equal(batch[prefix + "rgb"][0, i], torch.from_numpy(stored[view].rgb))
            assert torch.equal(batch[prefix + "depth"][0, i], torch.from_numpy(stored[view].depth))
            assert torch.equal(batch[prefix + "normal"][0, i], torch.from_numpy(stored[view].normal))


def test_batches_depend_on_the_position_only_and_never_repeat():
    views = fresh(size=16)
    two = views.batch([5, 9])
    assert same({name: x[1:] for name, x in two.items()}, fresh(size=16).batch([9]))
    assert not torch.equal(two["rgb"][0], two["rgb"][1])
    shown = views.each_fixed()
    first = next(shown)
    assert same(first, next(fresh(size=16).each_fixed())) and not torch.equal(first["rgb"], two["rgb"][:1])
    assert not any(torch.equal(a, b) for a in first["c2w"][0] for b in first["target_c2w"][0])


class Failing(Zeroverse):
    """Odd indices cannot be made."""

    def make(self, index):
        if index % 2 and index < 1000:
            raise AssetError("nothing worth keeping")
        return super().make(index)


def test_objects_that_fail_raise_or_are_named_and_replaced():
    with pytest.raises(ShardError, match="zeroverse seed 0 index 3: nothing worth keeping"):
        fresh(Failing(texture_size=32), size=16).batch([3])
    views = fresh(Failing(texture_size=32), size=16, on_error="skip")
    with pytest.warns(UserWarning, match="index 3 skipped"):
        assert views.batch([3])["rgb"].shape == (1, 4, 3, 16, 16)
    assert list(views.bad) == ["zeroverse seed 0 index 3"]


def test_sources_by_name_are_apart_from_generated_shards():
    assert source_of("generate:zeroverse", 0).seed != source_of("generate:zeroverse", 1).seed > 1000
    assert source_of("generate:detailverse", 0).name == "detailverse"
    with pytest.raises(
        ValueError,
        match="expected a folder of shards or generate:zeroverse or generate:detailverse, got 'generate:cats'",
    ):
        source_of("generate:cats", 0)


def test_training_on_fresh_objects_resumes_exactly(tmp_path):
    config = micro(steps=4, save_every=2, warmup=1, log_every=1, on_error="skip", processes=0)
    source = Zeroverse(seed=7, texture_size=32)

    def run(folder, resume=False, die_at=None):
        from train.loop.fit import fit

        task = LRMTask(config, source=source)
        inner, calls = task.loss, []

        def loss(model, batch, step):
            calls.append(step)
            if step == die_at:
                raise MemoryError
            return inner(model, batch, step)

        task.loss = loss
        return fit(task, folder, resume=resume)

    assert run(tmp_path / "whole").finished
    with pytest.raises(MemoryError):
        run(tmp_path / "parts", die_at=3)
    assert run(tmp_path / "parts", resume=True).finished
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.slow
def test_background_processes_make_the_same_batches(tmp_path):
    views = fresh(size=16, processes=2)
    try:
        assert same(views.batch([0, 1]), fresh(size=16).batch([0, 1]))
    finally:
        views.close()
    assert (
        verse.main(f"train lrm --data generate:zeroverse --out {tmp_path / 'run'} --preset tiny --steps 1".split()) == 0
    )
