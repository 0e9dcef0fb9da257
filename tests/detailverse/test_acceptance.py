"""The acceptance table counts what it is told to, and goes on where it stopped."""

import json

import numpy as np
import trimesh

from detailverse.grammar import acceptance
from detailverse.labels.descriptors import surface_descriptor


def test_rows_are_kept_and_the_table_counts_them(tmp_path, monkeypatch):
    out, made = tmp_path / "rows.jsonl", []
    rows = acceptance.run(0, [3], out, workers=1)
    assert rows[0]["faults"] == [] and rows[0]["triangles"] > 2000 and json.loads(out.read_text()) == rows[0]
    twin = rows[0] | {"index": 4, "faults": ["not closed"], "rejected": {"thin": 2}}
    with open(out, "a") as file:
        file.write(
            json.dumps(twin)
            + "\n"
            + json.dumps({"index": 5, "rejected": {}, "failed": "crash: IndexError: x"})
            + "\n"
            + '{"index": 6, "rej'
        )
    monkeypatch.setattr(
        acceptance, "look", lambda seed, index: made.append(index) or {"index": index, "rejected": {}, "failed": "x"}
    )
    rows = acceptance.run(0, [3, 4, 5, 6], out, workers=1)
    assert made == [6], "only what the file lacks, and the line that a kill cut short, is made"
    assert [json.loads(line)["index"] for line in out.read_text().splitlines()] == [3, 4, 5, 6]
    text = acceptance.table(rows)
    assert (
        "| objects | 2 of 4, 1 families |" in text
        and "| failed | 1 crash, 1 x |" in text
        and "| 1 not closed |" in text
        and "2 thin" in text
    )
    assert "| the same geometry; nearly the same | 1; 1 |" in text


def test_a_crash_of_the_grammar_is_a_row(monkeypatch):
    def crash(seed, index):
        raise IndexError("too many indices")

    monkeypatch.setattr(acceptance.grammar, "sample_passing", crash)
    assert acceptance.look(0, 7) == {"index": 7, "rejected": {}, "failed": "crash: IndexError: too many indices"}


def test_a_turned_object_is_nearly_the_same_and_a_stretched_one_is_not():
    points, faces = box()
    turn = trimesh.transformations.random_rotation_matrix(np.random.default_rng(0).random(3))[:3, :3]
    near, far = (
        np.linalg.norm(surface_descriptor(points, faces) - surface_descriptor(other, faces))
        for other in (points @ turn.T, points * [1, 1, 1.1])
    )
    assert near < acceptance.TWINS < far


def box():
    mesh = trimesh.creation.box((1.0, 0.7, 0.4)).subdivide().subdivide()
    return np.asarray(mesh.vertices), np.asarray(mesh.faces)
