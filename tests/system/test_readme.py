"""The README is true: its Python runs, its commands parse, its pictures are there."""

import re

import pytest
import tyro

import verse
from tests.helpers.processes import ROOT

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
LINES = re.findall(r"`(verse [a-z][^`]*)`", README)


def test_hello_object_runs_and_is_short(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert len(BLOCKS[0].strip().splitlines()) < 20
    exec(compile(BLOCKS[0], "README.md", "exec"), {})
    assert (tmp_path / "hello.png").stat().st_size > 1000 and (tmp_path / "hello.glb").read_bytes()[:4] == b"glTF"
    assert capsys.readouterr().out.strip()


def test_the_modelling_language_reads_as_shown(capsys):
    exec(compile(BLOCKS[1], "README.md", "exec"), {})
    assert "['pins', 'wheel']" in capsys.readouterr().out


def test_shards_are_read_as_shown(dataset, tmp_path, monkeypatch):
    (tmp_path / "data").symlink_to(dataset)
    monkeypatch.chdir(tmp_path)
    exec(compile(BLOCKS[2], "README.md", "exec"), {})


@pytest.mark.parametrize("line", LINES)
def test_commands_parse(line):
    for command in line.split("&&"):
        words = command.split("#")[0].split()[1:]
        name, kind = next((name, kind) for name, kind in verse.commands() if words[: len(name.split())] == name.split())
        tyro.cli(kind, args=words[len(name.split()) :])


def test_pictures_are_there():
    for path in re.findall(r"\]\(((?!http)[^)#]+)\)", README):
        assert (ROOT / path).exists(), path
