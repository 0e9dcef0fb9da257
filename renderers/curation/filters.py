"""What is removed, and at which numbers. A filter compares measures of one object with thresholds and says what was
wrong.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Thresholds:
    """TripoSG states none of its own (`docs/papers.md`, Curation), so these are ours: each says what it was measured
    or chosen on. "real" are the 20 scans and models of shared/realassets, "planted" 8 defects in each of 40 Zeroverse
    objects.
    """

    coverage: float = (
        0.01  # least share of a view; a needle that fills the frame's height has 0.02, the least of real 0.14
    )
    brightest: float = 8.0  # of 255; a black material in white light sends back 10 (0.04), the least of real 63
    back_faces: float = 0.3  # of the pixels; real: at most 0.035 (an open bed); all faces inverted: 0.7 and more
    thinness: float = (
        0.02  # shortest over longest side; a sheet of cardboard has 0.01, a phone 0.05, the least of real 0.25
    )
    colour: float = 2.0  # of 255, standard deviation; real: at least 10; what one even colour has is below 1
    base_area: float = (
        0.15  # share of the surface in one level plate at the bottom; a plate as wide as a cube standing on it has 0.25
    )
    base_footprint: float = 0.6  # share of the plan; real: up to 0.95, but walled
    base_walled: float = 0.5  # of the plate's edge; real plates above that size: 1.0, planted ground: below 0.2
    one_piece: float = (
        0.85  # share of the largest connected piece of the mask, mean over views; real: at least 0.96 (a chandelier)
    )
    # solidity of the whole over that of its largest piece; real: at least 0.84; two equal things side by side: 0.5
    solidity_drop: float = 0.6
    one_piece_least: float = 0.9  # the drop only counts where some view shows a piece of a tenth apart
    score: float = 0.0  # of the quality score, 1 to 5: off unless asked for
    # distance of descriptors; one object sampled twice lies 0.004 apart, the nearest of real 0.032, of Zeroverse 0.017
    duplicate: float = 0.010
    duplicate_views: float = 0.016  # the same where points come from stored views, which never show quite the same

    def __post_init__(self):
        for spec in fields(self):
            value = getattr(self, spec.name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
                raise ValueError(f"{spec.name}: expected a number, got {value!r}")


@dataclass(frozen=True)
class Verdict:
    """Why an object goes: the filter's name, the measure, its value, and the threshold that it is beyond."""

    step: str
    measure: str
    value: float
    threshold: float

    def words(self) -> str:
        return f"{self.measure} {self.value:.3g} ({self.threshold:.3g})"


Check = Callable[[dict, Thresholds], Verdict | None]


def _below(step: str, measure: str) -> Check:
    def check(measures: dict, limits: Thresholds) -> Verdict | None:
        value, limit = measures[measure], getattr(limits, measure)
        return Verdict(step, measure, value, limit) if value is not None and value < limit else None

    return check


def _above(step: str, measure: str) -> Check:
    def check(measures: dict, limits: Thresholds) -> Verdict | None:
        value, limit = measures[measure], getattr(limits, measure)
        return Verdict(step, measure, value, limit) if value is not None and value > limit else None

    return check


def _broken(measures: dict, limits: Thresholds) -> Verdict | None:
    return Verdict("broken", "not_finite", measures["not_finite"], 0) if measures["not_finite"] > 0 else None


def _base(measures: dict, limits: Thresholds) -> Verdict | None:
    """All three: wide in the plan, much of the surface, and open at its edge, which the floors of boxes and cups are
    not.
    """
    large = measures["base_area"] > limits.base_area and measures["base_footprint"] > limits.base_footprint
    return (
        Verdict("planar base", "base_area", measures["base_area"], limits.base_area)
        if large and measures["base_walled"] < limits.base_walled
        else None
    )


def _several(measures: dict, limits: Thresholds) -> Verdict | None:
    if measures["one_piece"] < limits.one_piece:
        return Verdict("several objects", "one_piece", measures["one_piece"], limits.one_piece)
    drop = measures["solidity"] / max(measures["solidity_largest"], 1e-9)
    apart = measures["one_piece_least"] < limits.one_piece_least
    return (
        Verdict("several objects", "solidity_drop", drop, limits.solidity_drop)
        if apart and drop < limits.solidity_drop
        else None
    )


FILTERS: tuple[tuple[str, Check], ...] = (  # the first that speaks names the reason
    ("broken", _broken),
    ("empty", _below("empty", "coverage")),
    ("black", _below("black", "brightest")),
    ("inside out", _above("inside out", "back_faces")),
    ("flat", _below("flat", "thinness")),
    ("untextured", _below("untextured", "colour")),
    ("planar base", _base),
    ("several objects", _several),
    ("low score", _below("low score", "score")),
)


def verdicts(measures: dict, limits: Thresholds) -> list[Verdict]:
    """Returns what is wrong with an object, in the order of `FILTERS`."""
    return [found for _, check in FILTERS if (found := check(measures, limits))]
