"""Details of turned work and columns: flutes, reeds, gadroons, rings, threads, beads and reels."""

from dataclasses import dataclass

import numpy as np

from detailverse.details.base import WALL, Relief, cells, dome, ramp, stadium
from zeroverse.core.record import choice, count, flag, scale, span
from zeroverse.textures.noise import to_wall


@dataclass(frozen=True)
class Flutes(Relief):
    """Round channels along v with flat fillets between, or reeds: the same shapes standing out. Twist: how far they
    lean, as cells per cell.
    """

    pitch: float = scale(0.05, 0.2)
    depth: float = scale(0.012, 0.03)
    profile: str = choice("channel", "reed")
    fillet: float = span(0.1, 0.35)
    round_ends: bool = flag(0.6)
    twist: float = span(-1.0, 1.0)
    twisted: bool = flag(0.25)

    def feature(self):
        return 0.4 * self.pitch

    def distance(self, chart):
        """Returns the distance to the edge of the nearest channel, and the half width of the channels."""
        columns = chart.columns(self.pitch)
        wide = chart.width / columns
        lean = self.twist * (chart.v - chart.height / 2) if self.twisted else 0.0
        x = ((chart.u + lean) / wide) % 1.0 - 0.5
        half = 0.5 * wide * (1.0 - self.fillet)
        length = chart.height / 2 - 0.35 * wide if self.round_ends else 2 * chart.height
        return stadium(x * wide, chart.v - chart.height / 2, half, max(length, half)), half

    def form(self, chart):
        distance, half = self.distance(chart)
        height = dome((1.0 - distance / half) ** 2)
        return -height if self.profile == "channel" else height

    def creases(self, chart):
        return self.distance(chart)[0]

    def words(self):
        name = "flutes" if self.profile == "channel" else "reeding"
        return f"with {'spiral' if self.twisted else 'straight'} {name}"


@dataclass(frozen=True)
class Gadroons(Relief):
    """Rows of fat lobes with round heads that narrow and lean towards their tails."""

    pitch: float = scale(0.06, 0.2)
    depth: float = scale(0.015, 0.03)
    length: float = span(1.5, 4.0)
    tail: float = span(0.25, 0.7)
    lean: float = span(-0.7, 0.7)

    def feature(self):
        return 0.4 * self.pitch

    def cell(self):
        return self.pitch, self.pitch * self.length

    def distance(self, chart):
        rows = chart.rows(self.pitch * self.length)
        columns, tall = chart.columns(self.pitch), chart.height / rows
        wide = chart.width / columns
        t = (chart.v / tall) % 1.0
        x = ((chart.u / wide + self.lean * t * t) % 1.0 - 0.5) * wide
        half = 0.48 * wide * (self.tail + (1.0 - self.tail) * t)
        head = np.maximum(t * tall - (tall - 0.52 * wide), 0.0)
        foot = np.maximum(0.3 * wide - t * tall, 0.0)
        return half - np.sqrt(x * x + head * head + foot * foot), half

    def form(self, chart):
        distance, half = self.distance(chart)
        return dome(np.minimum(1.0 - distance / half, 1.0) ** 2)

    def creases(self, chart):
        return self.distance(chart)[0]

    def words(self):
        return f"with {'leaning ' if abs(self.lean) > 0.25 else ''}gadroons"


@dataclass(frozen=True)
class Rings(Relief):
    """Turned rings around: grooves, beads or steps in groups."""

    pitch: float = scale(0.06, 0.25)
    depth: float = scale(0.008, 0.025)
    group: int = count(1, 3)
    profile: str = choice("groove", "bead", "step")
    share: float = span(0.4, 0.75)

    def feature(self):
        return 0.7 * self.pitch * self.share / self.group

    def distance(self, chart):
        """Returns the distance to the edge of the nearest ring, and the rings' half width."""
        tall = chart.height / chart.rows(self.pitch)
        step = tall * self.share / self.group
        y = ((chart.v / tall) % 1.0 - 0.5) * tall
        middle = 0.5 * (self.group - 1)
        nearest = np.clip(np.round(y / step + middle), 0, self.group - 1) - middle
        return 0.4 * step - np.abs(y - nearest * step), 0.4 * step

    def form(self, chart):
        distance, half = self.distance(chart)
        if self.profile == "step":
            return ramp(distance, WALL * self.feature())
        height = dome((1.0 - distance / half) ** 2)
        return -height if self.profile == "groove" else height

    def creases(self, chart):
        distance, _ = self.distance(chart)
        return np.abs(distance) - WALL / 2 * self.feature() if self.profile == "step" else distance

    def words(self):
        name = {"groove": "turned grooves", "bead": "beaded rings", "step": "raised bands"}[self.profile]
        return f"with {name}{' in groups' if self.group > 1 else ''}"


@dataclass(frozen=True)
class Threads(Relief):
    """A screw thread: ridges that climb a whole number of turns' pitches around; on a chart that does not wrap,
    slanting ridges.
    """

    pitch: float = scale(0.05, 0.16)
    depth: float = scale(0.01, 0.03)
    starts: int = count(1, 4)
    left: bool = flag(0.2)
    crest: float = span(0.1, 0.4)

    def feature(self):
        return 0.5 * self.pitch

    def distance(self, chart):
        """Returns the distance to the middle of the nearest flank, positive on the crest's side, and the half width
        of a flank.
        """
        tall = chart.height / chart.rows(self.pitch)
        around = chart.u / (chart.width if chart.wraps else 4.0 * self.pitch)
        t = to_wall(chart.v / tall + (-self.starts if self.left else self.starts) * around)
        flank = 0.25 * (1.0 - self.crest)
        return (t - 0.25) * tall, flank * tall

    def form(self, chart):
        distance, half = self.distance(chart)
        return 2.0 * ramp(distance, 2.0 * half) - 1.0

    def creases(self, chart):
        distance, half = self.distance(chart)
        return np.abs(distance) - half

    def words(self):
        return f"with a {'left-handed ' if self.left else ''}{'screw' if self.starts == 1 else 'multi-start'} thread"


@dataclass(frozen=True)
class BeadAndReel(Relief):
    """Bands around of round beads, with one to three thin reels between two beads."""

    pitch: float = scale(0.08, 0.2)
    depth: float = scale(0.008, 0.03)
    reels: int = count(1, 3)
    spacing: float = span(1.0, 3.0)

    def feature(self):
        return 0.2 * self.pitch

    def cell(self):
        return self.pitch, 0.6 * self.pitch * self.spacing

    def steepest(self):
        return 0.2 * self.pitch

    def squares(self, chart):
        """Returns squared radii, 1 at the outline, of the nearest bead and of the nearest reel; and the bead's
        width.
        """
        c = cells(chart, self.pitch, 0.6 * self.pitch * self.spacing)
        bead = 0.5 * c.wide * (0.78 - 0.14 * self.reels)
        tall = min(0.3 * self.pitch, 0.45 * c.tall)
        reel = (0.5 * c.wide - bead) / self.reels
        x = 0.5 * c.wide - np.abs(c.x)  # from the cell's side, where the middle of the reels is
        half = 0.5 * (self.reels % 2 == 0)  # an even number of reels has none in the middle
        k = np.clip(np.round(x / (2 * reel) - half), 0, (self.reels - 1) // 2) + half
        across = (x - k * 2 * reel) / (0.85 * reel)
        return (
            (c.x / bead) ** 2 + (c.y / tall) ** 2,
            across**2 + np.maximum(np.abs(c.y) / (0.7 * tall) - 0.5, 0.0) ** 2 * 4,
            bead,
        )

    def form(self, chart):
        bead, reel, _ = self.squares(chart)
        return np.maximum(dome(bead), 0.7 * dome(reel))

    def creases(self, chart):
        bead, _, wide = self.squares(chart)
        return (1.0 - np.sqrt(bead)) * wide

    def words(self):
        return "with bead-and-reel bands"
