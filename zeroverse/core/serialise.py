"""Records as JSON types, and back: how a recipe becomes text that a hand can edit, and how such text is refused.

Where one of several classes may stand, a `Table` knows their names, and JSON has the name beside the parameters, as in
{"kind": "torus", "minor": 0.3}. Errors name node and argument: `parts[0].shape.minor: expected a number from 0.05 to
0.45, got 0.6`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass

Misfit = Callable[[str, list[str], object], str]  # where, the names expected, what came -> the message


@dataclass(frozen=True)
class Table:
    """The classes that may stand in one place. word: the key that holds their name. rows: gives name -> class; asked at
    every use, so that a row which is added later counts.
    """

    word: str
    rows: Callable[[], Mapping[str, type]]

    def head(self, record) -> dict:
        """Returns {word: name} for a record of one of the classes, else an empty dictionary."""
        return next(({self.word: name} for name, kind in self.rows().items() if type(record) is kind), {})

    def split(self, data, path: str = "") -> tuple[str, type, dict]:
        """Returns the name, its class, and the parameters that stand beside the name."""
        rows = self.rows()
        name = data.get(self.word) if isinstance(data, dict) else data
        if not isinstance(data, dict) or not isinstance(name, str) or name not in rows:
            raise ValueError(f"{joined(path, self.word)}: expected one of {', '.join(rows)}; got {name!r}")
        return name, rows[name], {key: value for key, value in data.items() if key != self.word}


def plain(value, *tables: Table):
    """Returns the value as JSON types: records as dictionaries in the order of their fields, tuples as lists; a record
    of one of the tables says which.
    """
    if is_dataclass(value):
        head = next((found for table in tables if (found := table.head(value))), {})
        return head | {spec.name: plain(getattr(value, spec.name), *tables) for spec in fields(value)}
    if isinstance(value, Mapping):
        return {name: plain(item, *tables) for name, item in value.items()}
    return [plain(item, *tables) for item in value] if isinstance(value, (tuple, list)) else value


def all_wrong(where: str, expected: list[str], data) -> str:
    """Returns the message that lists what was expected and what came."""
    got = ", ".join(map(str, data)) if isinstance(data, dict) else repr(data)
    return f"{where}: expected {', '.join(expected) or 'no parameters'}; got {got}"


def first_wrong(where: str, expected: list[str], data, words: str = "{} parameter {!r}") -> str:
    """Returns the message that names the first argument which is missing or unknown, by the alphabet."""
    wrong = min(set(expected) ^ set(data))
    fault = "unknown" if wrong in data else "missing"
    return f"{where}: {words.format(fault, wrong)}; expected {', '.join(expected)}"


def read(
    kind: type,
    data,
    path: str | None = None,
    *,
    where: str | None = None,
    readers: Mapping[str, Callable] = {},
    misfit: Misfit = all_wrong,
):
    """Returns a `kind` from a dictionary with exactly its fields.

    path: of the dictionary in the whole, which stands in messages in place of the class's name; None: the class's name
    stays. where: what a message about missing or unknown fields begins with, the path by default. readers: field ->
    function of (value, path) for values that are more than JSON types; `misfit` words the message.
    """
    expected = [spec.name for spec in fields(kind)]
    if not isinstance(data, dict) or set(data) != set(expected):
        raise ValueError(misfit(where or path or kind.__name__.lower(), expected, data))
    values = {name: readers.get(name, _same)(data[name], joined(path, name)) for name in expected}
    try:
        return kind(**values)
    except ValueError as error:
        if path is None:
            raise
        raise ValueError(joined(path, str(error).removeprefix(f"{kind.__name__}."))) from None


def joined(path: str | None, name: str) -> str:
    """Returns the path of an argument of a node: `parts[0].shape`."""
    return f"{path}.{name}" if path else name


def beneath(path: str, reader: Callable, *values):
    """Returns what the reader makes of the values; its errors begin with the path: `layers[1]: Flutes.depth: …`."""
    try:
        return reader(*values)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def typed(value, kind: type, path: str):
    """Returns the value if it is a list or a dict, as `kind` says."""
    if not isinstance(value, kind):
        raise ValueError(f"{path}: expected a {'list' if kind is list else 'mapping'}, got {value!r}")
    return value


def list_of(reader: Callable) -> Callable:
    """Returns a reader of lists whose items the given one reads."""
    return lambda value, path: tuple(
        reader(item, f"{path}[{number}]") for number, item in enumerate(typed(value, list, path))
    )


def optional(reader: Callable) -> Callable:
    """Returns a reader that also takes None."""
    return lambda value, path: None if value is None else reader(value, path)


def _same(value, path: str):
    return value
