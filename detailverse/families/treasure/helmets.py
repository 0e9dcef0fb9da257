"""Helmets."""

from dataclasses import dataclass

from detailverse.family import Family, Kit
from detailverse.modelling.path import circle as hoop
from detailverse.modelling.path import spline
from detailverse.modelling.profile import Turning, turned
from detailverse.modelling.region import Region, circle, polygon, rect, sector, slot, superellipse
from detailverse.modelling.region import union as joined
from detailverse.modelling.shapes import ball, cylinder, extrude, lathe, tube
from detailverse.modelling.solid import Solid, around, union
from detailverse.parts.elements import bead, upright
from detailverse.parts.machines import ring_of
from zeroverse.core.portable import TAU
from zeroverse.core.record import choice, count, flag, span

METALS = ("steel", "iron", "bronze", "gold", "brass", "silver")
LOW = {"great": -0.62, "sallet": -0.42, "corinthian": -0.75, "spangenhelm": -0.1, "kettle": -0.08}


@dataclass(frozen=True)
class Helmet(Family):
    """A helmet: a skull with an opening or a visor, bands, rivets, a brim or mail, a crest or horns."""

    SKINS = {"skull": ("armour", "jewel", "classical"), "mail": ("armour",)}
    FINISHES = {
        "skull": ("steel", "bronze", "iron", "gold", "painted", "leather"),
        "trim": METALS,
        "horn": ("horn", "bone", "gold"),
        "plume": ("cloth", "yarn", "foliage"),
        "mail": ("steel", "iron", "leather"),
    }

    form: str = choice(*LOW)
    tall: float = span(0.6, 0.85)
    peak: float = span(0.0, 0.35)
    face: str = choice("eyes", "slit", "cross", "bars")
    crest: str = choice("none", "comb", "plume", "horns", "spike", "brush", "fins")
    bands: int = count(0, 4)
    breaths: int = count(3, 6)
    rivets: int = count(18, 40)
    flare: float = span(0.0, 0.3)
    curl: float = span(0.3, 1.0)
    ridge: bool = flag(0.5)

    def build(self, kit: Kit) -> Solid:
        inner = lathe(self.line().close(), "skull", "skull", sides=64).scale(0.91, 0.91, 0.93)
        low = LOW[self.form]
        below = cylinder(0.91 * self.line().close().radius_at(low + 0.05), 0.25, "skull", "skull").move(0, 0, low - 0.2)
        hollow = union((inner.move(0, 0, -0.02), below))
        hole = upright(extrude(self.opening(), 1.5, "skull", "skull"))
        body = lathe(self.line().close(), "skull", "skull", kit.skin("skull")) - union((hollow, hole))
        parts = [body, *self.trim(kit), *self.guards(), *self.top()]
        if self.form in ("spangenhelm", "kettle"):
            parts.append(self.mail(kit))
        body = union(parts)
        return body.move(0, 0, -float(body.bounds[0][2])).scale(
            2.0 / float(max(body.size)) if max(body.size) > 2.4 else 1.0
        )

    def line(self) -> Turning:
        """Returns the outside from the lower edge to the top, on the axis."""
        low, h, p = LOW[self.form], self.tall, self.peak
        if self.form == "great":
            return (
                turned(0.72 + 0.3 * self.flare, low)
                .curve((0.7, -0.2), (0.7, 0.25))
                .to(0.66 - 0.2 * p, 0.42)
                .to(0.5 - 0.6 * p, 0.6)
                .ovolo(-0.5 + 0.6 * p, 0.06 + 0.4 * p)
            )
        wide = {"sallet": 0.8, "corinthian": 0.56 + 0.4 * self.flare, "spangenhelm": 0.7, "kettle": 0.7}[self.form]
        return turned(wide, low).curve(
            (0.69, 0.5 * low),
            (0.7, 0.1),
            (0.64, 0.45 * h),
            (0.4, 0.86 * h + 0.25 * p),
            (0.12, h + 0.8 * p),
            (0.0, h + p + 0.02),
        )

    def opening(self) -> Region:
        """Returns what is cut out of the front, (x, z): a face, eyes, a slit."""
        low = LOW[self.form]
        if self.form in ("spangenhelm", "kettle"):
            return rect(0.02, 0.02).move(0, low - 1)
        gap = rect(0.09, 0.6).move(0, low + 0.2)
        if self.form == "corinthian":
            eye = superellipse(0.19, 0.12, 1.6).move(0.25, 0.02)
            return (
                eye
                | eye.mirror("x")
                | polygon([(-0.05, low - 0.1), (0.05, low - 0.1), (0.035, -0.18), (-0.035, -0.18)])
            )
        if self.form == "sallet" and self.face == "bars":
            return superellipse(0.46, 0.2, 4.0).move(0, -0.08)
        eyes = {
            "eyes": superellipse(0.2, 0.085, 1.5).move(0.27) | superellipse(0.2, 0.085, 1.5).move(-0.27),
            "slit": slot(0.85, 0.07),
            "cross": slot(0.8, 0.075) | slot(0.7, 0.06).turn(TAU / 4).move(0, -0.22),
            "bars": slot(0.3, 0.09).move(0.27) | slot(0.3, 0.09).move(-0.27),
        }[self.face]
        holes = joined(
            circle(0.028).move(side * (0.14 + 0.1 * i), -0.2 - 0.1 * j)
            for side in (-1, 1)
            for i in range(self.breaths)
            for j in range(3)
            if i + j < self.breaths
        )
        return (eyes | holes | gap) if self.face == "eyes" and self.form == "sallet" else eyes | holes

    def trim(self, kit: Kit) -> list[Solid]:
        """Returns edging, a brow band with rivets, straps over the skull."""
        low, line = LOW[self.form], self.line().close()
        edge = tube(hoop(line.radius_at(low + 0.005) - 0.01), 0.045, "edge", "trim", sides=12).move(0, 0, low)
        brow = 0.3 if self.form == "great" else 0.16
        r = line.radius_at(brow)
        band = lathe(turned(r - 0.05, brow - 0.07).out(0.07).up(0.14).out(-0.07).back(), "band", "trim")
        parts = [edge, band]
        if self.bands and self.form != "great":
            heights = [brow + (self.tall + self.peak - brow) * s for s in (0, 0.2, 0.4, 0.6, 0.75, 0.88, 0.96)]
            strap = spline(
                [(line.radius_at(z) - 0.005, 0, z) for z in heights] + [(0, 0, self.tall + self.peak + 0.02)]
            )
            one = tube(strap, 0.05, "strap", "trim", section=superellipse(0.6, 1.5, 4.0), sides=16)
            if kit.level >= 1:
                one = union(
                    (
                        one,
                        *(
                            bead(0.026, "rivet", "trim")
                            .move(*strap.at(strap.length * (k + 0.5) / 7))
                            .move(0.02, 0, 0.012)
                            for k in range(6)
                        ),
                    )
                )
            parts.append(around(one, 2 * self.bands if self.bands > 1 else 4).turn("z", TAU / 4))
        if kit.level >= 1:
            stud = bead(0.03, "rivet", "trim", 12)
            parts += [
                ring_of(stud, self.rivets, r + 0.022).move(0, 0, brow),
                ring_of(stud, self.rivets, line.radius_at(low + 0.09) + 0.002).move(0, 0, low + 0.09),
            ]
        return parts

    def guards(self) -> list[Solid]:
        """Returns what stands before the face: the rim of the eyes, bars, a nasal; a brim."""
        low = LOW[self.form]
        if self.form == "kettle":
            brim = (
                turned(0.62, 0.1)
                .to(0.66, low + 0.02)
                .curve((0.85, low - 0.06 - 0.2 * self.flare), (1.02, low - 0.16 - 0.4 * self.flare))
                .bead(0.05)
                .curve((0.85, low + 0.05 - 0.2 * self.flare), (0.7, 0.12))
            )
            return [lathe(brim.back(), "brim", "skull")]
        if self.form == "spangenhelm":
            nose = upright(
                extrude(
                    polygon([(-0.07, 0.2), (-0.075, -0.28), (0.075, -0.28), (0.07, 0.2)]).rounded(0.03),
                    0.05,
                    "nasal",
                    "trim",
                )
            ).move(0, -0.68, 0)
            arcs = [
                tube(hoop(0.19), 0.035, "spectacle", "trim", sides=12)
                .turn("x", TAU / 4)
                .move(0, -0.69, 0)
                .turn("z", side * 0.32)
                .move(0, 0, -0.12)
                for side in (-1, 1)
            ]
            return [nose, *arcs] if self.face in ("eyes", "bars") else [nose]
        if self.form == "sallet" and self.face == "bars":
            bar = tube(
                spline([(0, -0.6, 0.16), (0, -0.74, 0.08), (0, -0.8, -0.12), (0, -0.76, low + 0.08)]),
                0.024,
                "bar",
                "trim",
                sides=10,
            )
            return [bar.turn("z", 0.22 * k) for k in (-2, -1, 0, 1, 2)]
        keel = spline([(0, -0.66, 0.14), (0, -0.74, -0.1), (0, -0.72, low + 0.06)])
        return (
            [tube(keel, 0.04, "keel", "trim", sides=12)]
            if self.ridge and self.form == "great" and self.face != "slit" and self.face != "cross"
            else []
        )

    def top(self) -> list[Solid]:
        """Returns crest, plume, horns, spike."""
        high = (0.66 + 0.4 * self.peak) if self.form == "great" else self.tall + self.peak
        knob = lathe(
            turned(0.12, high - 0.1).up(0.06).bead(0.06).to(0.07, high + 0.05).bead(0.05).close(),
            "knob",
            "trim",
            sides=36,
        )
        if self.crest == "spike":
            return [
                lathe(
                    turned(0.12, high - 0.1).up(0.08).bead(0.05).cove(-0.07, 0.15).taper(0.0, 0.3).close(),
                    "spike",
                    "trim",
                    sides=32,
                )
            ]
        if self.crest == "horns":
            way = spline(
                [
                    (0.55, 0, 0.2),
                    (0.85, 0, 0.3),
                    (0.85 + 0.3 * self.curl, 0, 0.5),
                    (0.75 + 0.35 * self.curl, 0, 0.95),
                    (0.6 + 0.2 * self.curl, 0, 1.2),
                ]
            )
            horn = tube(way, lambda t: 0.02 + 0.13 * (1 - t * t) * (1 - 0.3 * t), "horn", "horn", sides=20)
            cuff = (
                lathe(turned(0.1, 0).out(0.07).bead(0.05).bead(0.05).out(-0.07).close(), "cuff", "trim", sides=32)
                .turn("y", 1.2)
                .move(0.66, 0, 0.245)
            )
            return [around(union((horn, cuff)), 2), knob]
        if self.crest in ("comb", "brush"):
            grow = 0.22 + 0.2 * self.curl
            whole = (superellipse(0.62 + grow, high + grow, 2.2) - superellipse(0.6, high - 0.06, 2.2)) & sector(
                3.0, TAU / 120, 2.67
            )
            if self.crest == "brush":
                teeth = joined(rect(0.016, 3).turn(TAU * k / 60) for k in range(60)) - superellipse(
                    0.62 + 0.3 * grow, high + 0.3 * grow, 2.2
                )
                whole = whole - teeth
            blade = (
                extrude(whole, 0.09, "crest", "plume" if self.crest == "brush" else "trim")
                .move(0, 0, -0.045)
                .turn("x", TAU / 4)
                .turn("z", TAU / 4)
            )
            return [blade]
        if self.crest == "plume":
            strands = []
            for k in range(9):
                a = 0.25 * (k - 4)
                line = spline(
                    [
                        (0, 0, high - 0.04),
                        (0.1 * a, 0.02, high + 0.35),
                        (0.3 * a, 0.35 * self.curl + 0.1, high + 0.55 - 0.1 * abs(a)),
                        (0.5 * a, 0.85 * self.curl + 0.2, high + 0.2 - 0.2 * abs(a)),
                    ]
                )
                strands.append(
                    tube(
                        line,
                        lambda t: 0.035 + 0.08 * t * (1.15 - t),
                        "plume",
                        "plume",
                        section=superellipse(0.7, 1.2, 2.0),
                        sides=10,
                    )
                )
            return [knob, *strands]
        if self.crest == "fins":
            wing = joined(slot(0.5 - 0.08 * k, 0.11).move(0.25 - 0.04 * k).turn(0.5 + 0.33 * k) for k in range(4))
            side = extrude(wing, 0.05, "wing", "trim").turn("x", TAU / 4).turn("z", TAU / 4).move(0.64, -0.1, 0.2)
            return [
                side,
                side.mirror("x"),
                ball(0.13, "hub", "trim").move(0.66, -0.08, 0.22),
                ball(0.13, "hub", "trim").move(-0.66, -0.08, 0.22),
            ]
        return [knob] if self.form != "great" else []

    def mail(self, kit: Kit) -> Solid:
        """Returns a collar of mail from the rim down to the shoulders."""
        line = turned(0.92, -0.75).curve((0.78, -0.55), (0.7, -0.3), (0.68, 0.0))
        solid = lathe(
            line.to(0.6, 0.04).curve((0.62, -0.3), (0.7, -0.55), (0.84, -0.74)).back(), "mail", "mail", kit.skin("mail")
        )
        return solid - upright(extrude(superellipse(0.34, 0.42, 3.0).move(0, -0.42), 1.5, "mail", "mail"))

    def words(self) -> str:
        what = {
            "great": "great helm",
            "sallet": "sallet",
            "corinthian": "Corinthian helmet",
            "spangenhelm": "spangenhelm",
            "kettle": "kettle hat",
        }[self.form]
        return f"a {what}" + (
            "" if self.crest == "none" else f" with {'a ' if self.crest not in ('horns', 'fins') else ''}{self.crest}"
        )
