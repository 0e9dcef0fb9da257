"""What has a dial: pressure gauges and alarm clocks."""

from dataclasses import dataclass

from detailverse.family import Family, Kit
from detailverse.modelling.font import text
from detailverse.modelling.path import spline
from detailverse.modelling.profile import turned
from detailverse.modelling.region import Region, circle, ngon, polygon, rect, sector, superellipse
from detailverse.modelling.region import union as joined
from detailverse.modelling.shapes import ball, cylinder, extrude, lathe, tube
from detailverse.modelling.solid import Solid, around, union
from detailverse.parts.elements import ticks, upright
from detailverse.parts.machines import bolt, disc, ring_of, thread
from zeroverse.core.portable import TAU, cos_sin
from zeroverse.core.record import choice, count, flag, seed, span

ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")


def numerals(words, radius: float, start: float, end: float, height: float, style: str) -> Region:
    """Returns the words upright on a circle, clockwise from angle `start` to `end`."""
    placed = []
    for k, word in enumerate(words):
        c, s = cos_sin(start + (end - start) * k / max(1, len(words) - 1))
        placed.append(text(word, height, weight=0.15, style=style).move(radius * c, radius * s))
    return joined(placed)


def hand(length: float, width: float, kind: str) -> Region:
    """Returns a hand along +x from the pivot: "sword", "spade", "arrow" or "bar", with a counterweight."""
    tail = polygon(
        [(0.0, -0.5 * width), (0.0, 0.5 * width), (-0.28 * length, 0.9 * width), (-0.28 * length, -0.9 * width)]
    ) | circle(1.3 * width)
    if kind == "bar":
        return tail | rect(length, width).move(length / 2, 0)
    if kind == "spade":
        return (
            tail
            | rect(0.7 * length, 0.7 * width).move(0.35 * length, 0)
            | circle(1.7 * width).move(0.68 * length, 0)
            | polygon([(0.66 * length, -1.6 * width), (length, 0), (0.66 * length, 1.6 * width)])
        )
    if kind == "arrow":
        head = polygon([(0.75 * length, -1.5 * width), (length, 0), (0.75 * length, 1.5 * width)])
        return tail | rect(0.85 * length, 0.7 * width).move(0.42 * length, 0) | head
    return tail | polygon(
        [(0, -0.6 * width), (0.7 * length, -1.0 * width), (length, 0), (0.7 * length, 1.0 * width), (0, 0.6 * width)]
    )


@dataclass(frozen=True)
class Gauge(Family):
    """A pressure gauge: bezel, scale, numerals, pointer, on a threaded stem; its face towards -y."""

    SKINS = {"case": ("machine", "tech", "classical"), "bezel": ("machine", "jewel", "classical")}
    FINISHES = {
        "case": ("brass", "steel", "painted", "chrome", "copper"),
        "bezel": ("brass", "chrome", "steel"),
        "face": ("enamel",),
        "mark": ("ink",),
        "pointer": ("painted", "steel", "plastic"),
        "stem": ("brass", "steel"),
    }

    sweep: float = span(3.6, 5.0)
    marks: int = count(5, 11)
    minor: int = count(3, 6)
    step: int = count(1, 4)
    reading: float = span(0.05, 0.95)
    depth: float = span(0.3, 0.55)
    bezel: str = choice("round", "stepped", "bolted", "eight-sided")
    pointer: str = choice("sword", "arrow", "bar", "spade")
    style: str = choice("round", "square", "serif")
    second: bool = flag(0.4)
    lugs: int = count(0, 4)

    def build(self, kit: Kit) -> Solid:
        start, end = TAU * 3 / 4 - (TAU - self.sweep) / 2, TAU * 3 / 4 - (TAU - self.sweep) / 2 - self.sweep
        parts = [self.housing(kit), self.face(start, end, kit)]
        way = start + self.reading * (end - start)
        parts += [
            extrude(hand(0.6, 0.035, self.pointer), 0.024, "pointer", "pointer").turn("z", way).move(0, 0, 0.055),
            disc(0.09, -0.05, 0.1, "pivot", "bezel", 0.03),
        ]
        if self.second:
            parts.append(
                extrude(hand(0.45, 0.022, "bar"), 0.02, "set hand", "mark")
                .turn("z", start + 0.75 * (end - start))
                .move(0, 0, 0.034)
            )
        return union((upright(union(parts)), self.stem(kit).move(0, self.depth / 2, -0.9)))

    def housing(self, kit: Kit) -> Solid:
        """Returns the can behind the dial, which is at z = 0, and the bezel around it."""
        can = lathe(
            turned(0.8, -self.depth).fillet(0.05).to(0.93, -self.depth + 0.05).to(0.93, 0.0).close(),
            "case",
            "case",
            kit.skin("case"),
        )
        line = turned(0.86, -0.06).out(0.14)
        line = {
            "stepped": line.up(0.08).out(-0.04).up(0.06).out(-0.04).up(0.05).to(0.86, 0.1),
            "round": line.up(0.06).torus(0.1, 0.04).to(0.86, 0.06),
        }.get(self.bezel, line.up(0.17).to(0.96, 0.15).to(0.86, 0.1))
        bezel = lathe(line.back(), "bezel", "bezel", kit.skin("bezel"))
        parts = [can, bezel]
        if self.bezel == "eight-sided":
            parts.append(extrude(ngon(8, 1.1).turn(TAU / 16) - circle(0.9), 0.13, "bezel", "bezel").move(0, 0, -0.07))
        if self.bezel == "bolted" and kit.level >= 1:
            parts.append(ring_of(bolt(0.036, "dome", slot="stem"), 12, 0.945).move(0, 0, 0.1))
        if self.lugs:
            ear = (rect(0.3, 0.18).move(0.95, 0) | circle(0.09).move(1.1, 0)) - circle(0.04).move(1.1, 0)
            parts.append(
                around(extrude(ear, 0.06, "lug", "case").move(0, 0, -self.depth + 0.06), self.lugs).turn("z", TAU / 8)
            )
        return union(parts)

    def face(self, start, end, kit: Kit) -> Solid:
        words = [str(k * self.step * (10 if self.step % 2 else 5)) for k in range(self.marks)]
        face = disc(0.9, -0.05, 0.012, "face", "face", sides=64)
        marks = ticks(0.82, start, end, self.marks, self.minor, 0.13) | sector(0.84, end - 0.02, start + 0.02, 0.822)
        if kit.level >= 1:
            marks = marks | numerals(words, 0.56, start, end, min(0.15, 1.15 / self.marks), self.style)
            marks = marks | text(("BAR", "PSI", "KPA", "ATM")[self.step - 1], 0.09, style=self.style).move(0, -0.33)
        return face | extrude(marks, 0.022, "scale", "mark").move(0, 0, 0.004)

    def stem(self, kit: Kit) -> Solid:
        neck = cylinder(0.11, 0.3, "stem", "stem").move(0, 0, -0.22)
        nut = extrude(ngon(6, 0.19), 0.16, "stem", "stem").move(0, 0, -0.32)
        screw = (
            thread(0.13, 0.105, 0.045, 0.3, "stem", "stem") if kit.level >= 1 else cylinder(0.125, 0.3, "stem", "stem")
        )
        return union((neck, nut, screw.move(0, 0, -0.6)))

    def words(self) -> str:
        most = (self.marks - 1) * self.step * (10 if self.step % 2 else 5)
        return f"a {self.bezel.replace('bolted', 'bolted round')} pressure gauge with a scale to {most}"


@dataclass(frozen=True)
class AlarmClock(Family):
    """A clock on feet: dial, hands, bells with a hammer between them, or a carrying handle; winding keys behind."""

    SKINS = {
        "case": ("machine", "classical", "tech"),
        "bezel": ("jewel", "classical", "machine"),
        "bell": ("classical", "jewel", "machine"),
    }
    FINISHES = {
        "case": ("painted", "brass", "chrome", "copper", "wood", "ceramic"),
        "bezel": ("brass", "chrome", "gold", "steel"),
        "face": ("enamel",),
        "mark": ("ink",),
        "bell": ("brass", "chrome", "steel", "gold"),
        "foot": ("brass", "rubber", "wood", "steel"),
    }

    depth: float = span(0.4, 0.75)
    shape: str = choice("round", "round", "square", "barrel", "eight-sided")
    top: str = choice("bells", "bells", "handle", "bell")
    figures: str = choice("arabic", "roman", "quarters", "none")
    style: str = choice("round", "square", "serif")
    hands: str = choice("sword", "spade", "arrow", "bar")
    hour: float = span(0.0, 12.0)
    feet: str = choice("pegs", "balls", "cones")
    bell_radius: float = span(0.24, 0.36)
    minutes: bool = flag(0.7)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        front = upright(union((self.case(kit), *self.dial(kit))))
        return union((front, *self.crown(kit), *self.stand()))

    def case(self, kit: Kit) -> Solid:
        """Returns the case about the z axis, the dial at z = 0; it reaches back to -depth."""
        d, skin = self.depth, kit.skin("case")
        if self.shape == "round" or self.shape == "barrel":
            line = turned(0.62, -d)
            line = (
                line.to(0.78, -d + 0.02).to(0.8, -0.02)
                if self.shape == "round"
                else line.curve((0.82, -0.5 * d), (0.76, 0.0))
            )
            body = lathe(line.close(), "case", "case", skin)
        else:
            region = (
                superellipse(0.86, 0.86, 6.0) if self.shape == "square" else ngon(8, 0.88).turn(TAU / 16).rounded(0.04)
            )
            body = extrude(region, d, "case", "case", skin).move(0, 0, -d)
        rim = turned(0.7, -0.05).out(0.12).up(0.06).torus(0.07, 0.03).out(-0.03).to(0.7, 0.05)
        return union(
            (body, lathe(rim.back(), "bezel", "bezel", kit.skin("bezel")), *(self.keys() if kit.level >= 1 else ()))
        )

    def keys(self) -> list[Solid]:
        """Returns two winding keys and a knob on the back."""
        bow = upright(extrude(circle(0.09).move(-0.08, 0) | circle(0.09).move(0.08, 0), 0.03, "key", "bell"))
        key, z = union((cylinder(0.04, 0.18, "key", "bell"), bow.move(0, 0, 0.2))).turn("x", TAU / 2), 0.02 - self.depth
        return [
            key.move(0.25, 0, z),
            key.turn("z", 0.7).move(-0.25, 0, z),
            disc(0.07, -0.1, 0.0, "key", "bell", sides=24).move(0, -0.25, z),
        ]

    def dial(self, kit: Kit) -> list[Solid]:
        marks = ticks(0.66, TAU / 4, TAU / 4 - TAU * 11 / 12, 12, 1, 0.09)
        if self.minutes:
            marks = marks | ticks(0.68, TAU / 4, TAU / 4 - TAU * 59 / 60, 60, 1, 0.05)
        if kit.level >= 1 and self.figures != "none":
            words = ROMAN if self.figures == "roman" else [str(k) for k in range(1, 13)]
            words = [word if self.figures != "quarters" or k % 3 == 2 else "." for k, word in enumerate(words)]
            marks = marks | numerals(words, 0.5, TAU / 6, TAU / 6 - TAU * 11 / 12, 0.11, self.style)
        face = disc(0.74, -0.04, 0.012, "face", "face", sides=64)
        minute, hour = TAU / 4 - TAU * (self.hour - int(self.hour)), TAU / 4 - TAU * self.hour / 12
        short = extrude(hand(0.34, 0.036, self.hands), 0.022, "hour hand", "mark").turn("z", hour).move(0, 0, 0.035)
        long = extrude(hand(0.55, 0.026, self.hands), 0.022, "minute hand", "mark").turn("z", minute).move(0, 0, 0.05)
        return [
            face | extrude(marks, 0.022, "figures", "mark").move(0, 0, 0.004),
            short,
            long,
            disc(0.05, -0.03, 0.09, "pivot", "bezel", 0.015, 24),
        ]

    def crown(self, kit: Kit) -> list[Solid]:
        """Returns what is on top: two bells and a hammer, one bell, or a handle."""
        y, r = self.depth / 2, self.bell_radius
        grip = tube(
            spline([(-0.42, y, 0.6), (-0.4, y, 1.0), (0, y, 1.18), (0.4, y, 1.0), (0.42, y, 0.6)]),
            0.03,
            "handle",
            "bell",
            sides=14,
        )
        if self.top == "handle":
            return [grip]
        cup = lathe(turned(r).up(0.04).ovolo(-0.94 * r, 0.72 * r).close(), "bell", "bell", kit.skin("bell"))
        bell = union(
            (
                cup,
                ball(0.05, "knob", "bell").move(0, 0, 0.78 * r),
                cylinder(0.045, 0.5, "post", "foot").move(0, 0, -0.45),
            )
        )
        if self.top == "bell":
            return [bell.move(0, y, 0.98)]
        hammer = union(
            (
                cylinder(0.018, 0.4, "hammer", "foot"),
                cylinder(0.05, 0.16, "hammer", "bell").turn("y", TAU / 4).move(-0.08, 0, 0.38),
            )
        )
        return [
            *(bell.turn("y", side * 0.55).move(side * 0.52, y, 0.86) for side in (-1, 1)),
            hammer.move(0.02, y, 0.7),
        ]

    def stand(self) -> list[Solid]:
        foot = {
            "pegs": lathe(turned(0.045, -0.42).to(0.06, 0.0).close(), "foot", "foot", sides=24),
            "balls": ball(0.1, "foot", "foot").move(0, 0, -0.33)
            | cylinder(0.045, 0.4, "foot", "foot").move(0, 0, -0.3),
            "cones": lathe(turned(0.11, -0.4).to(0.05, 0.0).close(), "foot", "foot", sides=24),
        }[self.feet]
        return [
            foot.turn("y", side * -0.5).move(side * 0.42, y, -0.58)
            for side in (-1, 1)
            for y in (0.12, self.depth - 0.12)
        ]

    def words(self) -> str:
        top = {"bells": "two bells", "bell": "a bell", "handle": "a handle"}[self.top]
        figures = "plain marks" if self.figures == "none" else f"{self.figures} figures"
        return f"{'an' if self.shape[0] == 'e' else 'a'} {self.shape} alarm clock with {top} and {figures}"
