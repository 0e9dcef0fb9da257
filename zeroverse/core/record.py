"""Records: frozen parameters that know how each is sampled and how it is checked. A recipe is made of them.

@dataclass(frozen=True)
class Gear(Record):
    teeth: int = count(9, 60)
    bore: float = span(0.1, 0.4)

Gear.sample(rng)          every parameter from a stream of its own: an added parameter changes no other
Gear(teeth=12, bore=0.2)  by hand; `Gear.bore: expected a number from 0.1 to 0.4, got 2`

A check takes a value and returns it as it is kept, or raises ValueError with what it expected: `a number from 0 to 1`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Self

from zeroverse.core.portable import power
from zeroverse.core.rng import Rng


def parameter(sample: Callable, check: Callable) -> Any:
    """Returns a dataclass field that knows how it is sampled, `sample(rng) -> value`, and how it is checked,
    `check(value) -> value` or ValueError.
    """
    return field(metadata={"sample": sample, "check": check})


def checked(check: Callable) -> Any:
    """Returns a dataclass field that is only checked; its class has a `sample` of its own."""
    return field(metadata={"check": check})


def number(value, low, high) -> float:
    """Returns the value as a float if it is a number from low to high."""
    # a NaN fails the comparison
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise ValueError(f"a number from {low} to {high}")
    return float(value)


def whole(value, low, high) -> int:
    """Returns the value if it is an integer from low to high."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"an integer from {low} to {high}")
    return value


def several(value, count, low, high) -> tuple[float, ...]:
    """Returns the value as a tuple of floats if it is `count` numbers from low to high."""
    if not isinstance(value, (list, tuple)) or len(value) != count:
        raise ValueError(f"{count} numbers from {low} to {high}")
    return tuple(number(item, low, high) for item in value)


def vector(value, positive: bool = False) -> tuple[float, float, float]:
    """Returns the value as a tuple of floats if it is three finite numbers, all of them above zero if asked."""
    if not _finite(value, 3) or (positive and min(value) <= 0):
        raise ValueError(f"three {'positive' if positive else 'finite'} numbers")
    return tuple(float(x) for x in value)


def quaternion(value) -> tuple[float, float, float, float]:
    """Returns the value as a tuple of floats if it is a quaternion wxyz; its length need not be 1."""
    if not _finite(value, 4):
        raise ValueError("four finite numbers")
    if sum(x * x for x in value) < 1e-6:
        raise ValueError("a quaternion wxyz of positive length")
    return tuple(float(x) for x in value)


def _finite(value, count: int) -> bool:
    if not isinstance(value, (list, tuple)) or len(value) != count:
        return False
    return all(isinstance(x, (int, float)) and not isinstance(x, bool) and math.isfinite(x) for x in value)


def span(low: float, high: float) -> Any:
    """Returns the field of a number that is sampled uniformly."""
    return parameter(lambda rng: rng.uniform(low, high), lambda value: number(value, low, high))


def scale(low: float, high: float) -> Any:
    """Returns the field of a positive number that is sampled uniformly in its logarithm: a frequency or a size."""
    return parameter(lambda rng: round(low * power(high / low, rng.unit()), 6), lambda value: number(value, low, high))


def count(low: int, high: int) -> Any:
    """Returns the field of an integer from low to high, both included."""
    return parameter(lambda rng: rng.integer(low, high + 1), lambda value: whole(value, low, high))


def seed() -> Any:
    """Returns the field of a 31-bit word for the hash noise."""
    return parameter(lambda rng: rng.word(), lambda value: whole(value, 0, 2**31 - 1))


def choice(*items: str) -> Any:
    """Returns the field of one of some names."""

    def check(value):
        if value not in items:
            raise ValueError(f"one of {', '.join(items)}")
        return value

    return parameter(lambda rng: rng.choice(items), check)


def flag(probability: float) -> Any:
    """Returns the field of a truth value that is True with this probability."""

    def check(value):
        if not isinstance(value, bool):
            raise ValueError("true or false")
        return value

    return parameter(lambda rng: rng.chance(probability), check)


@dataclass(frozen=True)
class Record:
    """The base of everything that is sampled: subclasses are frozen dataclasses whose fields come from `span`, `count`,
    `choice`, …; a field without a check takes any value.
    """

    def __post_init__(self):
        for spec in fields(self):
            if "check" not in spec.metadata:
                continue
            value = getattr(self, spec.name)
            try:
                value = spec.metadata["check"](value)
            except ValueError as error:
                raise ValueError(f"{type(self).__name__}.{spec.name}: expected {error}, got {value!r}") from None
            object.__setattr__(self, spec.name, value)

    @classmethod
    def sample(cls, rng: Rng) -> Self:
        """Returns a record whose parameters are sampled, each from a stream of its own: an added one changes no
        other.
        """
        return cls(**{spec.name: spec.metadata["sample"](rng.child(spec.name)) for spec in fields(cls)})
