"""Markdown tables, as GitHub reads them (https://github.github.com/gfm/#tables-extension-). Who calls formats the
numbers.
"""

from collections.abc import Iterable, Iterator, Sequence


def markdown_table(header: Sequence[str | None], rows: Iterable[Sequence[str | None]]) -> str:
    """Returns the table as text, without a newline at its end; the rest is said at `table_lines`."""
    return "\n".join(table_lines(header, rows))


def table_lines(header: Sequence[str | None], rows: Iterable[Sequence[str | None]]) -> Iterator[str]:
    """Yields the lines of a table, each as soon as its row is there, for tables that take minutes to measure.

    None is a blank cell. What a cell says stays in that cell: its `|` are escaped, its line breaks become spaces.
    Raises ValueError, with the first cell of the row, when a row has more or fewer cells than the header.
    """
    yield _line(header)
    yield _line(["---"] * len(header))
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"row {row[0] if row else ''!r}: expected {len(header)} cells, got {len(row)}")
        yield _line(row)


def _line(cells: Sequence[str | None]) -> str:
    return "|" + "".join(" |" if cell is None else f" {_in_one_cell(cell)} |" for cell in cells)


def _in_one_cell(text: str) -> str:
    return " ".join(text.splitlines()).replace("|", r"\|")
