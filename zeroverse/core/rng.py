"""Keyed random streams: a random number depends on the names that lead to it, and on nothing else."""

import hashlib
import json

import numpy as np

_UNIT = 2.0**-53  # a 53-bit integer times this is a double in [0, 1)


class Rng:
    """A random stream that knows its path.

    `Rng("zeroverse", 1, seed, index)` is the stream of one object; `rng.child("part", 3)` is a stream of its own, keyed
    by the whole path. A number taken from one stream never shifts another, so an added part or parameter changes
    nothing else.

    Numbers come only from Philox's raw 64-bit words (stable across numpy releases, which its distributions are not) and
    + - * / sqrt (the same bits on every machine). Scalars are rounded to 6 decimals, so that a recipe's JSON is short
    and still exactly what was used.
    """

    def __init__(self, *path: str | int):
        for part in path:
            if not isinstance(part, (str, int, np.integer)) or isinstance(part, bool):
                raise TypeError(f"rng path: expected names and integers, got {part!r} in {path!r}")
        self.path = tuple(int(part) if isinstance(part, np.integer) else part for part in path)
        key = hashlib.blake2b(json.dumps(self.path).encode(), digest_size=16).digest()
        self._bits = np.random.Philox(key=np.frombuffer(key, dtype="<u8"))

    def child(self, *names: str | int) -> "Rng":
        """Returns the stream whose path is this one's with `names` after it; this one is left as it stands."""
        return Rng(*self.path, *names)

    def __repr__(self) -> str:
        return f"Rng{self.path!r}"

    def unit(self, size: int | tuple[int, ...] | None = None):
        """Returns numbers uniform in [0, 1) with all 53 bits: the source of every other sample."""
        raw = self._bits.random_raw(None if size is None else int(np.prod(size)))
        if size is None:
            return (raw >> 11) * _UNIT
        return ((raw >> np.uint64(11)) * _UNIT).reshape(size)

    def uniform(self, low: float = 0.0, high: float = 1.0, size=None):
        """Returns a number uniform from low to high, rounded to 6 decimals; with `size` an array, not rounded."""
        value = low + (high - low) * self.unit(size)
        return round(value, 6) if size is None else value

    def integer(self, low: int, high: int) -> int:
        """Returns one of low, low + 1, … high - 1, all equally likely."""
        if high <= low:
            raise ValueError(f"integer: expected low < high, got {low}, {high}")
        return low + int(self.unit() * (high - low))

    def chance(self, probability: float) -> bool:
        """Returns True with the given probability."""
        return self.unit() < probability

    def choice(self, items, weights=None):
        """Returns one of `items`; `weights` need not sum to one."""
        items = tuple(items)
        weights = [1.0] * len(items) if weights is None else [float(w) for w in weights]
        if not items or len(items) != len(weights) or min(weights) < 0 or sum(weights) <= 0:
            raise ValueError(
                f"choice: expected as many non-negative weights as items, some of them positive; got {len(items)} "
                f"items, weights {weights}"
            )
        mark = self.unit() * sum(weights)
        for item, weight in zip(items, weights):
            mark -= weight
            if mark < 0:
                return item
        return [item for item, weight in zip(items, weights) if weight > 0][-1]

    def direction(self) -> np.ndarray:  # [3]
        """Returns a unit vector [3] uniform on the sphere, by rejection from the cube: no sine, so the same bits
        everywhere.
        """
        return _unit_vector(self, 3)

    def quat(self) -> tuple[float, float, float, float]:
        """Returns a rotation uniform on SO(3) as wxyz: a uniform point of the 3-sphere is one."""
        return tuple(round(float(q), 6) for q in _unit_vector(self, 4))

    def word(self) -> int:
        """Returns a 31-bit integer: the seed of a hash noise."""
        return int(self._bits.random_raw()) >> 33


def _unit_vector(rng: Rng, dims: int) -> np.ndarray:
    while True:
        point = 2.0 * rng.unit(dims) - 1.0
        square = float((point * point).sum())
        if 1e-4 < square <= 1.0:
            return point / np.sqrt(square)
