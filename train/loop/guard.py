"""Is training still well? Which updates are skipped, and when a run has diverged: a pure function of the losses and
gradient norms seen.

LRM-Zero's failures are gradient-norm explosions late in training (healthy 0 to 1, unhealthy 2 to 5; docs/papers.md
§2.4). The published codes skip at a fixed norm of 5 or 20; the running medians here notice the same at any scale of the
loss.
"""

import math
import statistics
from collections import deque
from typing import NamedTuple

WINDOW = 100  # values that a running median looks back on
NEEDED = 20  # values before there is one


class Verdict(NamedTuple):
    """reason: why the update must be skipped, or "". diverged: why the run has diverged, or ""."""

    reason: str
    diverged: str


class Guard:
    """The losses and gradient norms of late. Its state travels in checkpoints, so that a resumed run judges as the
    uninterrupted one does.

    skip_norm: absolute limit of the gradient norm; skip_factor: limit in running medians, 0 for none; diverge_factor: a
    loss this many running medians high is bad; patience: bad or skipped steps in a row that are a divergence.
    """

    def __init__(self, skip_norm: float, skip_factor: float, diverge_factor: float, patience: int):
        self.skip_norm, self.skip_factor, self.diverge_factor, self.patience = (
            skip_norm,
            skip_factor,
            diverge_factor,
            patience,
        )
        self._terms: list[str] = []
        self._losses: deque[float] = deque(maxlen=WINDOW)
        self._norms: deque[float] = deque(maxlen=WINDOW)
        self.streak = 0

    def judge(self, loss: float, norm: float, terms: list[str]) -> Verdict:
        """Returns the verdict on one step. terms: names of the loss's parts: when they change, another loss begins, and
        the medians with it.
        """
        if terms != self._terms:
            self._terms = list(terms)
            self._losses.clear()
            self._norms.clear()
        reason = self._outlier(loss, norm)
        bad = reason or self._high(loss)
        if math.isfinite(norm):
            self._norms.append(norm)  # of skipped steps too: what lasts is no outlier
        if not bad:
            self._losses.append(loss)
        self.streak = self.streak + 1 if bad else 0
        return Verdict(
            reason, f"{self.streak} steps in a row went wrong, the last: {bad}" if self.streak >= self.patience else ""
        )

    def _outlier(self, loss: float, norm: float) -> str:
        if not math.isfinite(loss):
            return f"loss {loss}"
        if not math.isfinite(norm):
            return f"gradient norm {norm}"
        if norm > self.skip_norm:
            return f"gradient norm {norm:.3g} > {self.skip_norm:g}"
        usual = _median(self._norms)
        if self.skip_factor and usual is not None and norm > self.skip_factor * usual:
            return f"gradient norm {norm:.3g} > {self.skip_factor:g} x {usual:.3g}, its running median"
        return ""

    def _high(self, loss: float) -> str:
        usual = _median(self._losses)
        if self.diverge_factor and usual is not None and loss > self.diverge_factor * usual > 0:
            return f"loss {loss:.3g} > {self.diverge_factor:g} x {usual:.3g}, its running median"
        return ""

    def state(self) -> dict:
        """Returns plain values, exact in a checkpoint and in JSON."""
        return {"terms": self._terms, "losses": list(self._losses), "norms": list(self._norms), "streak": self.streak}

    def load(self, state: dict) -> None:
        self._terms, self.streak = list(state["terms"]), state["streak"]
        self._losses, self._norms = deque(state["losses"], WINDOW), deque(state["norms"], WINDOW)


def _median(values: deque) -> float | None:
    return statistics.median(values) if len(values) >= NEEDED else None
