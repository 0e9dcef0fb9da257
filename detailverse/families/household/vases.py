"""Vessels: what is turned on a wheel and holds something."""

from dataclasses import dataclass

from detailverse.family import Family, Kit
from detailverse.modelling.path import spline
from detailverse.modelling.profile import Profile, turned, vessel
from detailverse.modelling.shapes import ball, lathe, tube
from detailverse.modelling.solid import Solid, around, union
from zeroverse.core.record import choice, count, flag, span

# name -> (radius in shares of the belly, height in shares of 2) of foot, …, lip; and whether it may have handles
FORMS = {
    "vase": (((0.55, 0.0), (1.0, 0.5), (0.42, 0.83), (0.6, 1.0)), True),
    "amphora": (((0.28, 0.0), (0.95, 0.5), (1.0, 0.62), (0.36, 0.82), (0.34, 0.93), (0.5, 1.0)), True),
    "bottle": (((0.55, 0.0), (0.8, 0.28), (0.26, 0.58), (0.18, 0.75), (0.18, 0.94), (0.26, 1.0)), True),
    "jar": (((0.62, 0.0), (0.98, 0.52), (1.0, 0.66), (0.66, 0.9), (0.64, 1.0)), True),
    "gourd": (((0.55, 0.0), (1.0, 0.27), (0.4, 0.54), (0.66, 0.72), (0.26, 0.92), (0.36, 1.0)), False),
    "beaker": (((0.66, 0.0), (0.42, 0.3), (0.4, 0.55), (0.6, 0.86), (0.9, 1.0)), False),
    "ovoid": (((0.4, 0.0), (0.98, 0.55), (1.0, 0.7), (0.5, 0.97), (0.46, 1.0)), False),
}


@dataclass(frozen=True)
class Vase(Family):
    """A vase, an amphora, a bottle, a jar …: foot, belly, neck and lip in one curve, hollow, with swept handles, a
    collar or a lid.
    """

    SKINS = {"body": ("classical", "textile", "jewel")}
    FINISHES = {
        "body": ("ceramic", "ceramic", "stone", "bronze", "marble", "glass"),
        "trim": ("bronze", "gold", "silver"),
        "lid": ("ceramic", "wood", "gold"),
    }

    form: str = choice(*FORMS)
    belly: float = span(0.5, 0.85)
    neck: float = span(0.75, 1.3)  # factor on the upper radii
    lift: float = span(-0.07, 0.07)  # how far up the belly moves, in shares
    pedestal: bool = flag(0.5)
    handles: int = count(0, 3)
    hung: str = choice("high", "shoulder", "low")
    collar: bool = flag(0.35)
    lid: bool = flag(0.3)
    fitted: bool = flag(0.3)  # handles of metal, not of the body's matter

    def build(self, kit: Kit) -> Solid:
        profile = self.profile()
        parts = [lathe(vessel(profile, wall=0.05, floor=0.08), "body", "body", kit.skin("body"))]
        if self.handled():
            parts.append(around(self.handle(profile), self.handled()))
        if self.collar:
            r = profile.radius_at(1.8)
            parts.append(
                lathe(turned(r - 0.03, 1.74).out(0.045).torus(0.12, 0.03).out(-0.045).back(), "collar", "trim")
            )
        if self.lid and self.form in ("jar", "vase", "ovoid"):
            parts.append(self.cover(float(profile.runs[-1][-1][0])))
        return union(parts)

    def handled(self) -> int:
        return self.handles if FORMS[self.form][1] else 0

    def profile(self) -> Profile:
        (foot, _), *rows = FORMS[self.form][0]
        start = turned(foot * self.belly)
        if self.pedestal:
            start = start.up(0.06).bead(0.05).cove(-0.3 * foot * self.belly, 0.12)
        places = [
            (r * self.belly * (self.neck if z > 0.8 else 1.0), 2.0 * (z + (self.lift if 0.2 < z < 0.8 else 0.0)))
            for r, z in rows
        ]
        return start.curve(*places).open()

    def handle(self, profile: Profile) -> Solid:
        low, high = {"high": (1.25, 1.9), "shoulder": (0.85, 1.6), "low": (0.6, 1.25)}[self.hung]
        reach = max(profile.radius_at(low), profile.radius_at(high)) + 0.2 + 0.1 * self.belly
        grip = spline(
            [
                (profile.radius_at(low) - 0.02, 0, low),
                (0.9 * reach, 0, low + 0.1),
                (reach, 0, (low + high) / 2 + 0.05),
                (0.85 * reach, 0, high + 0.02),
                (profile.radius_at(high) - 0.02, 0, high - 0.05),
            ]
        )
        return tube(
            grip,
            lambda s: 0.05 - 0.018 * abs(2 * s - 1),
            "handle",
            "trim" if self.fitted else "body",
            sides=20,
            ends="flat",
        )

    def cover(self, r: float) -> Solid:
        line = (
            turned(r - 0.09, 1.93)
            .up(0.06)
            .out(0.1)
            .up(0.035)
            .out(-0.03)
            .curve((0.6 * r, 2.03 + 0.3 * r), (0.07, 2.05 + 0.42 * r))
        )
        top = float(line.end[1])
        return lathe(line.close(), "lid", "lid") | ball(0.1, "knob", "trim").move(0, 0, top + 0.05)

    def words(self) -> str:
        handles = ("", " with a handle", " with two handles", " with three handles")[self.handled()]
        name = ("footed " if self.pedestal else "") + {"ovoid": "ovoid vase"}.get(self.form, self.form)
        return f"a{'n' if name[0] in 'ao' else ''} {name}{handles}"
