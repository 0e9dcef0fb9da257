"""Vessels: what is turned on a wheel and holds something."""

from dataclasses import dataclass

from detailverse.family import Family, Kit
from detailverse.path import spline
from detailverse.profile import turned, vessel
from detailverse.shapes import lathe, tube
from detailverse.solid import Solid, around, union
from zeroverse.record import count, flag, span


@dataclass(frozen=True)
class Vase(Family):
    """A vase: foot, belly, neck and lip in one curve, hollow, with swept handles."""

    SKINS = {"body": ("classical", "organic", "textile", "jewel")}
    FINISHES = {"body": ("ceramic", "stone", "bronze", "painted"), "handle": ("ceramic", "bronze", "gold")}

    foot: float = span(0.28, 0.5)
    belly: float = span(0.5, 0.85)
    belly_at: float = span(0.35, 0.65)
    neck: float = span(0.18, 0.4)
    lip: float = span(0.3, 0.55)
    pedestal: bool = flag(0.5)
    handles: int = count(0, 3)

    def build(self, kit: Kit) -> Solid:
        profile = self.profile()
        body = lathe(vessel(profile, wall=0.05, floor=0.08), "body", "body", kit.skin("body"))
        if self.handles == 0:
            return body
        low, high = 2.0 * self.belly_at + 0.25, 1.72
        reach = max(profile.radius_at(low), profile.radius_at(high)) + 0.28
        grip = spline(
            [(profile.radius_at(low) - 0.02, 0, low), (reach, 0, low + 0.15), (reach, 0, high - 0.1), (profile.radius_at(high) - 0.02, 0, high)]
        )
        return union((body, around(tube(grip, 0.055, "handle", "handle", sides=20, ends="flat"), self.handles)))

    def profile(self):
        start = turned(self.foot)
        if self.pedestal:
            start = start.up(0.06).bead(0.05).cove(-0.4 * self.foot, 0.12)
        return start.curve((self.belly, 2.0 * self.belly_at), (self.neck, 1.65), (self.lip, 2.0)).open()

    def words(self) -> str:
        handles = ("", " with a handle", " with two handles", " with three handles")[self.handles]
        return f"a {'footed ' if self.pedestal else ''}vase{handles}"
