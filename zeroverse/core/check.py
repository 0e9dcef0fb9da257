"""What a recipe's numbers may be: checks that return the value and whose errors name the field, what was expected and
what came.
"""

import math


def number(name: str, value, low: float, high: float) -> float:
    if (
        isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high
    ):  # a NaN fails the comparison
        raise ValueError(f"{name}: expected a number from {low:g} to {high:g}, got {value!r}")
    return float(value)


def integer(name: str, value, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name}: expected an integer from {low} to {high}, got {value!r}")
    return value


def numbers(name: str, value, count: int, positive: bool = False) -> tuple[float, ...]:
    values = value if isinstance(value, (list, tuple)) else ()
    fine = len(values) == count and all(
        isinstance(x, (int, float)) and not isinstance(x, bool) and math.isfinite(x) for x in values
    )
    if not fine or (positive and min(values) <= 0):
        words = {2: "two", 3: "three", 4: "four"}[count]
        shown = list(value) if isinstance(value, tuple) else value
        raise ValueError(f"{name}: expected {words} {'positive' if positive else 'finite'} numbers, got {shown!r}")
    return tuple(float(x) for x in values)


def quat(name: str, value) -> tuple[float, float, float, float]:
    values = numbers(name, value, 4)
    if sum(x * x for x in values) < 1e-6:
        raise ValueError(f"{name}: expected a quaternion wxyz of positive length, got {list(values)}")
    return values
