"""Several folders of shards as one set: the same samples as from each, and what cannot be one set."""

import shutil

import numpy as np
import pytest
import torch

import verse
from renderers.shards import ShardError, ShardReader
from renderers.shards.joined import JoinedReader, open_shards
from tests.helpers.reconstruction import FakeReader, micro
from tests.helpers.small_shards import write_shards
from train.data.views import ViewSampler
from train.models.lrm.task import load_run, train_lrm

torch.set_num_threads(1)


class Named(FakeReader):
    """Objects called after their set; `passes` and `size` as in FakeReader."""

    def __init__(self, name: str, objects: int, **changes):
        super().__init__(objects, **changes)
        self.keys = tuple(f"{name}_{number}" for number in range(objects))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Sets of two, one and three objects; the last has fewer views."""
    root = tmp_path_factory.mktemp("sets")
    return [
        write_shards(root / "a", Named("a", 2)),
        write_shards(root / "b", Named("b", 1)),
        write_shards(root / "c", Named("c", 3, views=9)),
    ]


def test_every_sample_is_that_of_its_set(folders):
    joined, apart = (
        JoinedReader([ShardReader(folder) for folder in folders]),
        [ShardReader(folder) for folder in folders],
    )
    pairs = [(reader, place) for reader in apart for place in range(len(reader))]
    assert len(joined) == len(pairs) == 6 and joined.keys == ("a_0", "a_1", "b_0", "c_0", "c_1", "c_2")
    for index, (reader, place) in enumerate(pairs):
        assert (
            joined.field(index, "json") == joined.field(index - 6, "json") == reader.field(place, "json")
            and joined.meta(index).uid == joined.meta(index - 6).uid == joined.keys[index]
        )
        assert np.array_equal(joined.cameras(index).c2w, reader.cameras(place).c2w)
        ours, theirs = (found.read(at, ("rgb", "alpha"), [0, 5]) for found, at in ((joined, index), (reader, place)))
        assert ours.keys() == theirs.keys() and all(np.array_equal(ours[name], theirs[name]) for name in ours)
    for index in (6, -7):
        with pytest.raises(IndexError, match=f"expected -6 to 5, got {index}"):
            joined.meta(index)


def test_the_fingerprint_is_of_all_sets_and_their_order(folders):
    of = lambda *chosen: open_shards([folders[number] for number in chosen]).fingerprint
    prints = [of(0), of(1), of(0, 1), of(1, 0), of(0, 1, 2)]
    assert len(set(prints)) == len(prints) and of(0, 1) == of(0, 1)
    assert of(0) == ShardReader(folders[0]).fingerprint, "a run that began on one folder goes on"


def test_every_epoch_visits_every_object_of_every_set_once(folders):
    views = ViewSampler(open_shards(folders), range(6), size=16, pool=8, inputs=4, targets=4, seed=0)
    keys = []
    load, views._load = (
        views._load,
        lambda index, choose: (keys.append(views.reader.keys[index]), load(index, choose))[1],
    )
    views.batch(range(12))
    assert sorted(keys[:6]) == sorted(keys[6:]) == sorted(views.reader.keys)


def test_what_is_not_one_set_is_named(folders, tmp_path, sample):
    smaller = write_shards(tmp_path / "small", Named("small", 1, size=24))
    with pytest.raises(ShardError, match=f"{smaller}: image_size: expected 32 x 32 as in {folders[0]}, got 24 x 24"):
        open_shards([folders[0], smaller])
    from renderers.shards import write_shard
    from renderers.shards.storage import Local

    (tmp_path / "deep").mkdir()
    write_shard(Local(tmp_path / "deep"), "s-000000.tar", [sample("deep")], {})
    with pytest.raises(ShardError, match="deep: passes: expected alpha rgb as in .*, got alpha depth rgb"):
        open_shards([folders[0], tmp_path / "deep"])
    shutil.copytree(folders[1], tmp_path / "copy")
    with pytest.raises(
        ShardError,
        match=f"{tmp_path / 'copy'}: sample b_0: expected keys that no other set has, got one of {folders[1]} too",
    ):
        open_shards([*folders, tmp_path / "copy"])
    with pytest.raises(ShardError, match="no samples in whole shards"):
        open_shards([folders[0], tmp_path])
    with pytest.raises(
        ValueError,
        match="data: expected folders of shards only, or generate:zeroverse by itself, got .* generate:zeroverse",
    ):
        train_lrm([folders[0], "generate:zeroverse"], tmp_path / "run", micro())


def test_a_run_on_two_sets_resumes_on_the_same_two(folders, tmp_path, capsys):
    config = micro(steps=2, warmup=1)
    assert train_lrm(folders[:2], tmp_path / "run", config).finished
    assert (
        train_lrm(folders[:2], tmp_path / "run", config, resume=True).finished
        and load_run(tmp_path / "run")[1] == config
    )
    for other in (folders[0], folders[1::-1]):
        with pytest.raises(ValueError, match="another run: data"):
            train_lrm(other, tmp_path / "run", config, resume=True)


@pytest.mark.parametrize(
    "lost, message",
    [
        ("shard-000000.json", "1 shards are left out.*: shard-000000.tar has no sidecar"),
        ("shard-000000.tar", "1 shards are left out.*: the tar of shard-000000.json is gone"),
    ],
)
def test_shards_that_are_not_whole_are_not_left_out_in_silence(folders, tmp_path, lost, message):
    copy = shutil.copytree(folders[0], tmp_path / "copy")
    for half in (".tar", ".json"):
        shutil.copy(copy / f"shard-000000{half}", copy / f"more-000000{half}")
    (copy / lost).unlink()
    (copy / "notes.json").write_text("{}")
    with pytest.warns(UserWarning, match=message):
        open_shards([copy])


def test_the_command_line_takes_several_folders(folders, tmp_path, monkeypatch):
    from train.loop.fit import Outcome
    from train.models.lrm import task

    given = []
    monkeypatch.setattr(
        task,
        "train_lrm",
        lambda data, out, config, **_: given.append([str(path) for path in data]) or Outcome(0, True, 0, {}),
    )
    assert verse.main(["train", "lrm", "--data", *map(str, folders), "--out", str(tmp_path)]) == 0
    assert verse.main(["train", "lrm", "--data", "generate:zeroverse", "--out", str(tmp_path)]) == 0
    assert given == [[str(path) for path in folders], ["generate:zeroverse"]]
