"""Records as JSON types and back, and the messages about what does not fit."""

import json
from dataclasses import dataclass

import pytest

from zeroverse.core import serialise
from zeroverse.core.record import Record, checked, quaternion, span, vector


@dataclass(frozen=True)
class Wheel(Record):
    radius: float = span(0.1, 0.5)


@dataclass(frozen=True)
class Track(Record):
    length: float = span(1.0, 2.0)
    links: tuple = ()


@dataclass(frozen=True)
class Cart(Record):
    place: tuple = checked(vector)
    turn: tuple = checked(quaternion)
    drives: tuple = ()


ROWS = {"wheel": Wheel, "track": Track}
DRIVES = serialise.Table("kind", lambda: ROWS)
CART = Cart((0.0, 1.0, 2.0), (1.0, 0.0, 0.0, 0.0), (Wheel(0.25), Track(1.5, ((1, 2), (3, 4)))))


def tupled(value, path):
    return tuple(tuple(item) for item in value)


def drive(data, path):
    _, kind, values = DRIVES.split(data, path)
    return serialise.read(kind, values, path, readers={"links": tupled})


def cart(data):
    return serialise.read(Cart, data, "", readers={"drives": serialise.list_of(drive)})


def test_what_is_stored_comes_back():
    data = serialise.plain(CART, DRIVES)
    assert data["drives"] == [
        {"kind": "wheel", "radius": 0.25},
        {"kind": "track", "length": 1.5, "links": [[1, 2], [3, 4]]},
    ]
    assert cart(json.loads(json.dumps(data))) == CART and json.loads(json.dumps(data)) == data


def test_a_row_that_is_added_later_counts(monkeypatch):
    @dataclass(frozen=True)
    class Skid(Record):
        length: float = span(0.0, 1.0)

    assert DRIVES.head(Skid(0.5)) == {}
    monkeypatch.setitem(ROWS, "skid", Skid)
    assert drive(serialise.plain(Skid(0.5), DRIVES), "drives[0]") == Skid(0.5)


@pytest.mark.parametrize(
    "path, value, message",
    [
        (("place",), [1, 2], "place: expected three finite numbers, got [1, 2]"),
        (("place",), [1, 2, float("nan")], "place: expected three finite numbers, got [1, 2, nan]"),
        (("place",), [1, 2, True], "place: expected three finite numbers, got [1, 2, True]"),
        (("turn",), [0, 0, 0, 0], "turn: expected a quaternion wxyz of positive length, got [0, 0, 0, 0]"),
        (("turn",), 3, "turn: expected four finite numbers, got 3"),
        (("drives",), 3, "drives: expected a list, got 3"),
        (("drives", 0), 3, "drives[0].kind: expected one of wheel, track; got 3"),
        (("drives", 0), "wheel", "drives[0].kind: expected one of wheel, track; got 'wheel'"),
        (("drives", 0, "kind"), ["wheel"], "drives[0].kind: expected one of wheel, track; got ['wheel']"),
        (("drives", 0, "radius"), 7, "drives[0].radius: expected a number from 0.1 to 0.5, got 7"),
        (("drives", 1, "tyre"), 7, "drives[1]: expected length, links; got length, links, tyre"),
        (("horse",), 1, "cart: expected place, turn, drives; got place, turn, drives, horse"),
    ],
)
def test_errors_name_node_and_argument(path, value, message):
    data = serialise.plain(CART, DRIVES)
    node = data
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    with pytest.raises(ValueError) as error:
        cart(data)
    assert str(error.value) == message


def test_messages_about_the_first_argument_that_does_not_fit():
    assert serialise.first_wrong("wheel", ["a", "b"], {"b": 1}) == "wheel: missing parameter 'a'; expected a, b"
    assert serialise.first_wrong("wheel", ["a"], {"a": 1, "b": 2}) == "wheel: unknown parameter 'b'; expected a"
