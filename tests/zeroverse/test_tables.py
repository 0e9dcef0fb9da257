"""Markdown tables are read back as GitHub reads them: cells are what stands between unescaped bars."""

import re

import pytest

from zeroverse.core.tables import markdown_table, table_lines


def cells(line: str) -> list[str]:
    first, *found, last = re.split(r"(?<!\\)\|", line)
    assert first == last == ""
    return [cell.strip().replace(r"\|", "|") for cell in found]


def test_every_cell_is_read_back_from_its_place():
    header, rows = ["name", "a", "b"], [["one", "1", "2"], ["two", "", "4"]]
    first, rule, *others = markdown_table(header, rows).split("\n")
    assert cells(first) == header and set(cells(rule)) == {"---"} and len(cells(rule)) == 3
    assert [cells(line) for line in others] == rows


def test_a_bar_or_a_line_break_stays_in_its_cell():
    _, _, line = markdown_table(["|x|", "y"], [["a|b", "first\nsecond"]]).split("\n")
    assert cells(line) == ["a|b", "first second"]


def test_none_is_a_blank_cell():
    assert markdown_table([None, "a"], [["x", None]]).split("\n") == ["| | a |", "| --- | --- |", "| x | |"]


@pytest.mark.parametrize("row", [["short"], ["long", "1", "2"], []])
def test_a_row_of_another_length_is_refused_by_name(row):
    name = repr(row[0]) if row else "''"
    with pytest.raises(ValueError, match=f"row {name}: expected 2 cells, got {len(row)}"):
        markdown_table(["name", "a"], [["whole", "1"], row])


def test_a_line_comes_when_its_row_does():
    asked = []
    rows = ([asked.append(name) or name] for name in ("first", "second"))
    lines = table_lines(["name"], rows)
    assert [next(lines) for _ in range(3)][-1] == "| first |" and asked == ["first"]
