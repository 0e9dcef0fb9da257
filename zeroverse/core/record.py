"""Records: frozen parameters that know how each is drawn and how it is checked. A recipe is made of them.

@dataclass(frozen=True)
class Gear(Record):
    teeth: int = count(9, 60)
    bore: float = span(0.1, 0.4)

Gear.sample(rng)          every parameter from a stream of its own: an added parameter changes no other
Gear(teeth=12, bore=0.2)  by hand; `Gear.bore: expected a number from 0.1 to 0.4, got 2`
"""

from dataclasses import dataclass, field, fields
from typing import Any, Self

from zeroverse.core.portable import power
from zeroverse.core.rng import Rng


def parameter(draw, check) -> Any:
    """A dataclass field that knows how it is drawn, `draw(rng) -> value`, and how it is checked, `check(value) ->
    value` or ValueError.
    """
    return field(metadata={"draw": draw, "check": check})


def number(value, low, high):
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise ValueError(f"a number from {low} to {high}")
    return float(value)


def whole(value, low, high):
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"an integer from {low} to {high}")
    return value


def several(value, count, low, high):
    if not isinstance(value, (list, tuple)) or len(value) != count:
        raise ValueError(f"{count} numbers from {low} to {high}")
    return tuple(number(item, low, high) for item in value)


def span(low: float, high: float) -> Any:
    """A number, uniform."""
    return parameter(lambda rng: rng.uniform(low, high), lambda value: number(value, low, high))


def scale(low: float, high: float) -> Any:
    """A positive number, uniform in its logarithm: a frequency or a size."""
    return parameter(lambda rng: round(low * power(high / low, rng.unit()), 6), lambda value: number(value, low, high))


def count(low: int, high: int) -> Any:
    """An integer from low to high, both included."""
    return parameter(lambda rng: rng.integer(low, high + 1), lambda value: whole(value, low, high))


def seed() -> Any:
    """A 31-bit word for the hash noise."""
    return parameter(lambda rng: rng.word(), lambda value: whole(value, 0, 2**31 - 1))


def choice(*items: str) -> Any:
    """One of some names."""

    def check(value):
        if value not in items:
            raise ValueError(f"one of {', '.join(items)}")
        return value

    return parameter(lambda rng: rng.choice(items), check)


def flag(probability: float) -> Any:
    """True or False."""

    def check(value):
        if not isinstance(value, bool):
            raise ValueError("true or false")
        return value

    return parameter(lambda rng: rng.chance(probability), check)


@dataclass(frozen=True)
class Record:
    """Base of everything that is drawn: subclasses are frozen dataclasses whose fields come from `span`, `count`,
    `choice`, …
    """

    def __post_init__(self):
        for spec in fields(self):
            value = getattr(self, spec.name)
            try:
                value = spec.metadata["check"](value)
            except ValueError as error:
                raise ValueError(f"{type(self).__name__}.{spec.name}: expected {error}, got {value!r}") from None
            object.__setattr__(self, spec.name, value)

    @classmethod
    def sample(cls, rng: Rng) -> Self:
        """Draw every parameter from a stream of its own, so an added parameter changes no other."""
        return cls(**{spec.name: spec.metadata["draw"](rng.child(spec.name)) for spec in fields(cls)})
