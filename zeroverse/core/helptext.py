"""Commands as dataclasses whose fields are their flags: what `--help` says of each, taken from the string below the
field.
"""

import ast
import dataclasses
import inspect
import textwrap
import types
import typing
from pathlib import Path

import tyro

_METAVARS = {int: "INT", float: "FLOAT", str: "STR", Path: "PATH", bool: "{True,False}"}


def taught(command: type) -> type:
    """Returns the same class, its fields annotated for tyro: texts in one piece, which tyro by itself breaks where the
    source does, and no None where it means that a flag was not given.
    """
    hints = typing.get_type_hints(command, include_extras=True)
    told, annotations = texts(command), {}
    for field in dataclasses.fields(command):
        hint = hints[field.name]
        if dataclasses.is_dataclass(hint):
            annotations[field.name] = taught(hint)
            continue
        said = {"help": told[field.name]} if field.name in told else {}
        if field.default is None:
            said |= {"help_behavior_hint": "", "metavar": _metavar(hint)}
        own = list(getattr(hint, "__metadata__", ()))  # says more than we can derive, so it comes last
        annotations[field.name] = typing.Annotated[
            (typing.get_args(hint)[0] if own else hint, tyro.conf.arg(**said), *own)
        ]
    command.__annotations__ = annotations
    return command


def texts(command: type) -> dict[str, str]:
    """Returns what stands below the fields of a dataclass, and of those that it extends, in the order of the fields.

    A field of a class that is made when the program runs carries its text as `metadata["help"]`.
    """
    below = {}
    for base in filter(dataclasses.is_dataclass, reversed(command.__mro__)):
        try:
            body = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0].body
        except OSError:  # made by make_dataclass: no source
            continue
        for statement, after in zip(body, body[1:]):
            if (
                isinstance(statement, ast.AnnAssign)
                and isinstance(after, ast.Expr)
                and isinstance(after.value, ast.Constant)
            ):
                below[statement.target.id] = " ".join(str(after.value.value).split())
    fields = {field.name: field.metadata.get("help", below.get(field.name)) for field in dataclasses.fields(command)}
    return {name: text for name, text in fields.items() if text}


def _metavar(hint) -> str | None:
    """Returns what help shows as the value: INT for int | None, INT ... for tuple[int, ...] | None, {a,b} for
    Literal["a", "b"] | None; None for what tyro knows better.
    """
    hint = typing.get_args(hint)[0] if typing.get_origin(hint) is typing.Annotated else hint
    kinds = [kind for kind in typing.get_args(hint) if kind is not types.NoneType]
    if typing.get_origin(hint) not in (typing.Union, types.UnionType) or len(kinds) != 1:
        return None
    if typing.get_origin(kinds[0]) is typing.Literal:
        return "{" + ",".join(map(str, typing.get_args(kinds[0]))) + "}"
    if typing.get_origin(kinds[0]) is tuple:
        return f"{_METAVARS[typing.get_args(kinds[0])[0]]} ..."
    return _METAVARS.get(kinds[0])
