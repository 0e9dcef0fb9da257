"""Coins and medals; treasure on a cushion."""

from dataclasses import dataclass

from detailverse.families.household.pots import Teapot
from detailverse.families.household.turned import ChessPiece, Goblet
from detailverse.families.treasure.helmets import Helmet
from detailverse.families.treasure.jewellery import Crown, FingerRing
from detailverse.family import Family, Kit, one_of
from detailverse.modelling.figures import laurel
from detailverse.modelling.font import text_around
from detailverse.modelling.path import circle as hoop
from detailverse.modelling.profile import turned
from detailverse.modelling.region import Region, circle, ngon, rect, rosette, slot, star
from detailverse.modelling.shapes import cylinder, extrude, lathe, plate, tube
from detailverse.modelling.solid import Solid, union
from detailverse.parts.elements import bead, tassel, upright
from detailverse.parts.jewellery import EMBLEMS, emblem, gem, outlined, setting
from detailverse.parts.machines import ring_of
from zeroverse.core.portable import TAU
from zeroverse.core.record import choice, count, flag, seed, span
from zeroverse.core.rng import Rng

LEGENDS = (
    "CARPE DIEM",
    "PLUS ULTRA",
    "IN VINO VERITAS",
    "LIBERTAS",
    "E PLURIBUS UNUM",
    "FORTUNA AUDAX",
    "SEMPER FIDELIS",
    "TEMPUS FUGIT",
    "REX ET REGINA",
    "ONE FLORIN",
    "FIVE GROATS",
    "FOR MERIT",
    "FIRST PRIZE",
    "LUX IN TENEBRIS",
    "ANNO DOMINI",
)
METALS = ("gold", "silver", "bronze", "copper", "brass", "iron")


@dataclass(frozen=True)
class Medal(Family):
    """A coin or a medal, upright: a figure, a legend around it, a beaded or milled rim; with a ribbon, a stand, or
    neither.
    """

    SKINS = {"field": ("jewel", "classical"), "ribbon": ("textile",)}
    PLAIN = True
    FINISHES = {
        "field": METALS,
        "relief": METALS,
        "ribbon": ("cloth", "leather"),
        "gem": ("gem",),
        "stand": ("wood", "stone", "marble"),
    }

    shape: str = choice("round", "scalloped", "twelve-sided", "star", "cross")
    emblem: str = choice(*EMBLEMS)
    legend: bool = flag(0.75)
    style: str = choice("serif", "round", "square")
    inner: str = choice("beads", "ring", "laurel", "rays", "none")
    edge: str = choice("reeds", "beads", "plain")
    thickness: float = span(0.08, 0.16)
    mount: str = choice("ribbon", "stand", "pile")
    hole: bool = flag(0.15)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        body = self.disc(kit)
        if self.mount == "ribbon":
            return union((upright(body), *self.ribbon(kit))).move(0, 0, 0.8)
        if self.mount == "stand":
            line = turned(0.62, 0.0).up(0.06).fillet(0.02).out(-0.05).bead(0.04).cove(-0.1, 0.08).to(0.4, 0.24)
            foot = lathe(line.close(), "stand", "stand").scale(1, 0.6, 1)
            leaning = upright(body).turn("x", 0.12).move(0, 0, 0.84 + 0.15)
            return union((foot, leaning))
        parts = [upright(body).turn("x", 0.45).move(0, -0.1, 0.72)]
        rng = Rng(self.seed, "pile")
        coin = self.spare()
        parts += [
            coin.turn("x", rng.uniform(-0.05, 0.05)).move(
                rng.uniform(-0.05, 0.05), 0.42 + rng.uniform(-0.05, 0.05), 0.045 + 0.085 * k
            )
            for k in range(9)
        ]
        parts += [coin.move(x, y, 0.03) for x, y in ((-0.5, -0.1), (0.55, 0.0), (0.1, -0.42))]
        parts += [
            coin.turn("x", 0.2).move(-0.3, -0.35, 0.1),
            coin.turn("y", 0.25).move(0.4, -0.25, 0.09),
            coin.turn("y", -0.2).move(-0.55, 0.25, 0.1),
        ]
        return union(parts)

    def outline(self, r: float) -> Region:
        shapes = {
            "round": lambda: circle(r),
            "scalloped": lambda: rosette(14, r, 0.07 * r),
            "twelve-sided": lambda: ngon(12, r),
            "star": lambda: star(8, 1.12 * r, 0.86 * r).rounded(0.03) | circle(0.86 * r),
            "cross": lambda: circle(0.8 * r) | emblem("cross", 2.1 * r),
        }
        return shapes[self.shape]()

    def disc(self, kit: Kit) -> Solid:
        """Returns a coin in the plane, its face up at z = thickness."""
        t, r = self.thickness, 0.8
        region = self.outline(r)
        flat = plate(region, t, "field", "field", kit.skin("field"), margin=0.14)
        rim = outlined(region.offset(-0.035), 0.035, "rim", "relief", t)
        parts = [flat, rim, extrude(emblem(self.emblem, 0.66), 0.07, "figure", "relief").move(0, 0, t - 0.02)]
        if self.legend:
            words = Rng(self.seed, "legend").choice(LEGENDS)
            size = min(0.15, 2.6 / len(words) * 0.55)
            parts.append(
                extrude(text_around(words, 0.58, size, 0.15, self.style, 0.3), 0.05, "legend", "relief").move(
                    0, 0, t - 0.02
                )
            )
            year = str(1500 + Rng(self.seed, "year").integer(0, 500))
            parts.append(
                extrude(
                    text_around(year, 0.58, 0.12, 0.15, self.style, 0.3, inside=True), 0.05, "legend", "relief"
                ).move(0, 0, t - 0.02)
            )
        if kit.level >= 1:
            parts += self.trim(t)
        return (
            union(parts) - cylinder(0.05, 1.0, "field", "field").move(0, 0.7, -0.5)
            if self.hole and self.mount != "ribbon"
            else union(parts)
        )

    def trim(self, t: float) -> list[Solid]:
        """Returns what lies between figure and rim, and the edge."""
        out = []
        if self.inner == "beads":
            out.append(ring_of(bead(0.022, "bead", "relief"), 48, 0.44).move(0, 0, t))
        if self.inner == "ring":
            out.append(tube(hoop(0.44), 0.022, "ring", "relief", sides=8).move(0, 0, t))
        if self.inner == "laurel":
            out.append(extrude(laurel(0.42, 8, 0.15), 0.05, "laurel", "relief").move(0, 0, t - 0.02))
        if self.inner == "rays":
            out.append(extrude(slot(0.1, 0.02).move(0.4).around(40), 0.035, "rays", "relief").move(0, 0, t - 0.02))
        if self.edge == "reeds" and self.shape == "round":
            out.append(ring_of(extrude(ngon(6, 0.024), t - 0.02, "reed", "relief").move(0, 0, 0.01), 96, 0.8))
        if self.edge == "beads":
            r = 0.69 if self.shape in ("round", "scalloped", "twelve-sided") else 0.62
            out.append(ring_of(bead(0.024, "bead", "relief"), 72, r).move(0, 0, t))
        return out

    def spare(self) -> Solid:
        """Returns a plain small coin about the origin, flat."""
        face = extrude(emblem(self.emblem, 0.3), 0.1, "figure", "relief").move(0, 0, -0.05)
        return union(
            (
                cylinder(0.26, 0.07, "coin", "field").move(0, 0, -0.035),
                tube(hoop(0.24), 0.022, "rim", "relief", sides=8).move(0, 0, 0.035),
                face,
            )
        )

    def ribbon(self, kit: Kit) -> list[Solid]:
        """Returns the loop over the medal, the ribbon through it and its bar."""
        top = self.outline(0.8).bounds[3]
        loop = (
            tube(hoop(0.13), 0.03, "loop", "relief", sides=12)
            .turn("x", TAU / 4)
            .move(0, -self.thickness / 2, top + 0.08)
        )
        cloth = (rect(0.62, 1.0).move(0, 0.55) | ngon(3, 0.36).turn(-TAU / 4).scale(1.0, 0.5)).rounded(0.01)
        band = plate(cloth, 0.05, "ribbon", "ribbon", kit.skin("ribbon"), margin=0.03)
        bar = extrude(rect(0.72, 0.15, 0.03), 0.1, "bar", "relief").move(0, 1.02, -0.02)
        stone = setting("round", 0.045, 0, 0.8, "relief").move(0, 1.02, 0.09)
        hung = union((band, bar, stone, stone.move(0.22), stone.move(-0.22)))
        return [loop, upright(hung).move(0, -self.thickness / 2 + 0.025, top + 0.3)]

    def words(self) -> str:
        mount = {"ribbon": "medal on a ribbon", "stand": "medal on a stand", "pile": "coin with others in a pile"}[
            self.mount
        ]
        return f"a {self.shape} {mount}, with a {self.emblem}" + (" and lettering" if self.legend else "")


@dataclass(frozen=True)
class Treasure(Family):
    """A precious thing on a cushion on a plinth, gems strewn around it."""

    SKINS = {"plinth": ("classical", "stone", "wood"), "cloth": ("textile",)}
    FINISHES = {
        "plinth": ("marble", "stone", "wood", "gold"),
        "cloth": ("cloth", "leather"),
        "piping": ("gold", "rope", "silver"),
        "gem": ("gem", "crystal"),
        "button": ("gold", "cloth"),
    }

    piece: Family = one_of(
        crown=Crown,
        finger_ring=FingerRing,
        goblet=Goblet,
        helmet=Helmet,
        medal=Medal,
        chess_piece=ChessPiece,
        teapot=Teapot,
    )
    plinth: str = choice("drum", "octagon", "square", "fluted")
    tall: float = span(0.5, 0.95)
    puff: float = span(0.16, 0.26)
    gems: int = count(0, 9)
    tassels: bool = flag(0.7)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        top = self.tall + 2 * self.puff
        thing = kit.nest("piece", self.piece, 0.44)
        low, high = thing.bounds
        thing = thing.move(-(low[0] + high[0]) / 2, -(low[1] + high[1]) / 2, top - 0.055 - low[2])
        return union((self.block(kit), *self.cushion(kit), thing, *self.strewn(kit)))

    def block(self, kit: Kit) -> Solid:
        h, corners = self.tall, {"octagon": 8, "square": 4}.get(self.plinth)
        if corners:
            edge = ngon(corners, 0.72).turn(TAU / 2 / corners)
            tread = extrude(edge.offset(0.08, round=False), 0.1, "plinth", "plinth")
            cap = extrude(edge.offset(0.06, round=False), 0.08, "plinth", "plinth").move(0, 0, h - 0.07)
            moulding = extrude(edge.offset(0.03, round=False), 0.05, "plinth", "plinth")
            return union(
                (
                    extrude(edge, h - 0.04, "plinth", "plinth", kit.skin("plinth")),
                    tread,
                    cap,
                    moulding.move(0, 0, 0.09),
                    moulding.move(0, 0, h - 0.11),
                )
            )
        if self.plinth == "fluted":
            shaft = extrude(rosette(20, 0.6, 0.05), h - 0.1, "plinth", "plinth").move(0, 0, 0.05)
            line = turned(0.74, 0.0).up(0.07).bead(0.06).cove(-0.12, 0.06)
            return union(
                (
                    shaft,
                    lathe(line.close(), "plinth", "plinth"),
                    lathe(
                        turned(0.6, h - 0.16).bead(0.04).ovolo(0.1, 0.06).up(0.06).close(),
                        "plinth",
                        "plinth",
                        kit.skin("plinth"),
                    ),
                )
            )
        line = turned(0.78, 0.0).up(0.06).fillet(0.02).out(-0.04).bead(0.05).cove(-0.08, 0.06)
        line = line.up(h - 0.36).ovolo(0.08, 0.07).up(0.06).out(-0.05).up(0.06)
        return lathe(line.close(), "plinth", "plinth", kit.skin("plinth"))

    def cushion(self, kit: Kit) -> list[Solid]:
        """Returns a round cushion with piping, and four tassels."""
        r, p, z = 0.6, self.puff, self.tall - 0.03
        line = (
            turned(0.0, 0.0).out(0.3).curve((0.5, 0.1 * p), (r, p), (0.5, 1.72 * p), (0.25, 1.92 * p), (0.0, 1.9 * p))
        )
        body = lathe(line.close(), "cushion", "cloth", kit.skin("cloth")).move(0, 0, z)
        cord = (
            tube(hoop(r), 0.035, "piping", "piping", section=rosette(3, 1.0, 0.3), twist=30 * TAU, sides=18)
            if kit.level >= 1
            else tube(hoop(r), 0.03, "piping", "piping", sides=10)
        )
        parts = [body, cord.move(0, 0, z + p)]
        if self.tassels:
            one = tassel(0.24, "tassel", "piping").turn("y", -0.25).move(r + 0.005, 0, p)
            parts += [one.turn("z", TAU * (k + 0.5) / 4).move(0, 0, z) for k in range(4)]
        return parts

    def strewn(self, kit: Kit) -> list[Solid]:
        if kit.level < 1:
            return []
        kinds = [gem(cut, 0.075) for cut in ("round", "emerald", "pear", "cabochon")]
        out = []
        for k in range(self.gems):
            rng = Rng(self.seed, "gem", k)
            out.append(
                rng.choice(kinds)
                .turn("x", rng.uniform(-0.5, 0.5))
                .move(rng.uniform(0.42, 0.5), 0, self.tall + 1.7 * self.puff)
                .turn("z", TAU * (k + rng.unit() * 0.6) / self.gems)
            )
        return out

    def words(self) -> str:
        return f"{self.piece.words()}, on a cushion on a plinth"
