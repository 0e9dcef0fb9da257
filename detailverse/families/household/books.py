"""Books in a stack, letter blocks, tavern signs."""

from dataclasses import dataclass

from detailverse.family import Family, Kit
from detailverse.modelling.figures import shield
from detailverse.modelling.font import text
from detailverse.modelling.path import circle as hoop
from detailverse.modelling.path import polyline, spiral, spline
from detailverse.modelling.profile import turned
from detailverse.modelling.region import Region, circle, ellipse, ngon, polygon, rect
from detailverse.modelling.shapes import box, extrude, lathe, plate, tube
from detailverse.modelling.solid import Solid, union
from detailverse.parts.elements import bead, upright
from detailverse.parts.jewellery import EMBLEMS, emblem, outlined, setting
from zeroverse.core.portable import TAU
from zeroverse.core.record import choice, count, flag, seed, span
from zeroverse.core.rng import Rng

NAMES = (
    "THE STAG",
    "GOLDEN KEY",
    "OLD OAK",
    "ANCHOR",
    "THE CROWN",
    "SMITH & SON",
    "BOOKS",
    "THE MOON",
    "ALE HOUSE",
    "RED ROSE",
    "MERCER",
    "NO. 27",
    "BAKER",
)
TITLES = (
    "OPERA",
    "BESTIARY",
    "ATLAS",
    "LEX",
    "HERBAL",
    "PSALMS",
    "ARS MAGNA",
    "TALES",
    "VOL. II",
    "VOL. VII",
    "CODEX",
    "LOGIC",
)


def word_in(string: str, wide: float, tall: float, style: str = "serif") -> Region:
    """Returns the word, as tall as `tall` but no wider than `wide`."""
    region = text(string, tall, 0.15, style)
    low, _, high, _ = region.bounds
    return region.scale(min(1.0, wide / (high - low)))


@dataclass(frozen=True)
class Books(Family):
    """A stack of old books: boards, ribbed spines with titles, pages, corners and clasps of metal."""

    SKINS = {"cover": ("jewel", "classical", "textile", "armour"), "board": ("textile", "classical")}
    FINISHES = {
        "leather": ("leather", "cloth", "wood"),
        "leather2": ("leather", "cloth", "painted"),
        "paper": ("paper",),
        "metal": ("gold", "brass", "silver", "iron", "bronze"),
        "gem": ("gem",),
    }

    number: int = count(1, 6)
    width: float = span(1.1, 1.5)
    ratio: float = span(1.15, 1.45)
    ribs: int = count(3, 6)
    centre: str = choice("gem", "emblem", "lozenge", "none")
    emblem: str = choice(*EMBLEMS)
    corners: bool = flag(0.7)
    clasps: bool = flag(0.6)
    mess: float = span(0.0, 0.35)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        parts, z, n = [], 0.0, self.number
        for k in range(n):
            rng = Rng(self.seed, "book", k)
            top = k == n - 1
            size = rng.uniform(0.85, 1.05) * (1 - 0.04 * k)
            thick = rng.uniform(0.2, 0.42) if n > 1 else 0.5
            book = self.book(size, thick, rng, top, kit).turn(
                "z", self.mess * rng.uniform(-1, 1) + (TAU / 2 if rng.chance(0.3) and not top else 0.0)
            )
            parts.append(book.move(0, 0, z))
            z += thick - 0.012
        body = union(parts).turn("z", 0.35)
        return body.move(0, 0, -float(body.bounds[0][2]))

    def book(self, size: float, thick: float, rng: Rng, top: bool, kit: Kit) -> Solid:
        """Returns one book, lying: the spine towards -y, from z = 0 to `thick`."""
        w, d, b = size * self.width * self.ratio, size * self.width, 0.06
        cloth = "leather" if top else rng.choice(("leather", "leather2"))
        board = plate(rect(w, d, 0.02), b, "cover", cloth, kit.skin("cover" if top else "board"), margin=0.03)
        back = extrude(rect(w, d, 0.02), b, "cover", cloth)
        paper = box(w - 0.1, d - 0.08, thick - 0.06, "pages", "paper").move(0, -0.01, thick / 2)
        parts = [board.move(0, 0, thick - b), back, paper, *self.spine(w, d, thick, cloth, rng)]
        if kit.level >= 2:
            sheets = range(int((thick - 0.155) / 0.04))
            parts += [
                box(w - 0.085 - 0.006 * (k % 2), d - 0.073 + 0.004 * (k % 3), 0.014, "pages", "paper").move(
                    0, -0.01, 0.085 + 0.04 * k
                )
                for k in sheets
            ]
        if top and kit.level >= 1:
            parts += self.metal(w, d, thick)
        return union(parts)

    def spine(self, w: float, d: float, thick: float, cloth: str, rng: Rng) -> list[Solid]:
        """Returns the round back with its ribs, and the title between them."""
        curve = ellipse(0.12, thick / 2 - 0.013) & rect(0.24, thick).move(-0.12, 0)
        back = extrude(curve, w - 0.01, "spine", cloth).move(0, 0, -(w - 0.01) / 2).turn("y", TAU / 4)
        rib = extrude(curve.offset(0.018), 0.05, "rib", cloth).move(0, 0, -0.025).turn("y", TAU / 4)
        n = self.ribs
        parts = [back, *(rib.move(w * ((k + 0.5) / n - 0.5), 0, 0) for k in range(n))]
        title = upright(
            extrude(
                word_in(rng.choice(TITLES), 0.85 * w / n * (2 if n % 2 else 1), 0.42 * thick), 0.12, "title", "metal"
            )
        ).move(0, -0.02, 0)
        return [
            union(parts).turn("x", TAU / 4).move(0, -d / 2 + 0.03, thick / 2),
            title.move(0, -d / 2 + 0.03, thick / 2),
        ]

    def metal(self, w: float, d: float, thick: float) -> list[Solid]:
        """Returns corner plates with studs, clasps, what stands in the middle."""
        out = []
        piece = polygon([(0, 0), (0.26, 0), (0.2, 0.07), (0.13, 0.13), (0.07, 0.2), (0, 0.26)])
        corner = union(
            (
                extrude(piece, 0.035, "corner", "metal").move(0, 0, -0.015),
                bead(0.045, "stud", "metal", 14).move(0.07, 0.07, 0.02),
            )
        )
        if self.corners:
            for x, y in ((1, 1), (-1, 1), (-1, -1), (1, -1)):
                flipped = corner.scale(x, y, 1.0) if x * y > 0 else corner.mirror("x" if x < 0 else "y")
                out.append(flipped.move(-x * (w / 2 + 0.005), -y * (d / 2 + 0.005), thick))
        if self.clasps:
            strap = union(
                (
                    box(0.14, 0.05, thick + 0.03, "clasp", "metal").move(0, 0, thick / 2),
                    box(0.12, 0.22, 0.04, "clasp", "metal").move(0, -0.09, thick),
                    bead(0.05, "stud", "metal", 14).move(0, -0.16, thick + 0.01),
                )
            )
            out += [strap.move(x * w, d / 2 - 0.01, 0) for x in (-0.24, 0.24)]
        frame = outlined(rect(w - 0.34, d - 0.34, 0.04), 0.016, "frame", "metal", thick)
        boss = {
            "gem": lambda: [setting("cabochon", 0.17, 0, 0.5, "metal").move(0, 0, thick + 0.05)],
            "none": lambda: [],
            "emblem": lambda: [extrude(emblem(self.emblem, 0.62), 0.05, "emblem", "metal").move(0, 0, thick - 0.015)],
            "lozenge": lambda: [
                extrude(ngon(4, 0.36).scale(1.0, 0.72), 0.04, "lozenge", "metal").move(0, 0, thick - 0.015),
                setting("round", 0.08, 6, 0.5, "metal").move(0, 0, thick + 0.05),
            ],
        }
        return [*out, frame, *boss[self.centre]()]

    def words(self) -> str:
        return (
            ("an old book" if self.number == 1 else f"a stack of {self.number} old books")
            + (" with metal corners" if self.corners else "")
            + (" and clasps" if self.clasps else "")
        )


@dataclass(frozen=True)
class LetterBlocks(Family):
    """Toy blocks with letters and figures, in a stack or a row that spells a word."""

    SKINS = {"side": ("wood", "jewel"), "top": ("wood",)}
    FINISHES = {
        "block": ("wood", "painted", "plastic"),
        "letter": ("painted", "plastic", "ink"),
        "frame": ("painted", "wood", "plastic"),
    }

    stack: str = choice("pyramid", "tower", "heap", "word")
    letters: str = choice("raised", "sunk")
    style: str = choice("serif", "round", "square")
    frame: float = span(0.05, 0.11)
    pictures: float = span(0.1, 0.5)
    turn: float = span(0.05, 0.5)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        places = {
            "pyramid": [(-0.72, 0, 0), (0, 0, 0), (0.72, 0, 0), (-0.36, 0, 1), (0.36, 0, 1), (0, 0, 2)],
            "tower": [(0, 0, k) for k in range(4)],
            "heap": [(-0.5, -0.2, 0), (0.32, -0.32, 0), (0.15, 0.5, 0), (-0.05, 0.02, 1)],
            "word": [(-1.05, 0, 0), (-0.35, 0, 0), (0.35, 0, 0), (1.05, 0, 0)],
        }[self.stack]
        rng = Rng(self.seed, "turn")
        shrink = 0.5 if self.stack == "tower" else 0.66
        parts = []
        for k, (x, y, z) in enumerate(places):
            turn = self.turn * rng.uniform(-1, 1) * (1.0 if self.stack in ("tower", "heap") else 0.12)
            parts.append(
                self.block(k, kit).scale(shrink).turn("z", turn).move(x, y, shrink * 0.5 + z * (shrink - 0.015))
            )
        if self.stack != "tower":
            parts.append(
                plate(
                    rect(2.7 if self.stack == "word" else 2.1, 0.9 if self.stack != "heap" else 1.9, 0.08),
                    0.07,
                    "tray",
                    "frame",
                    kit.skin("top"),
                    margin=0.04,
                ).move(0, 0.0 if self.stack != "heap" else 0.1, -0.06)
            )
        return union(parts)

    def block(self, number: int, kit: Kit) -> Solid:
        """Returns a unit cube about the origin with something on each side."""
        body = (
            box(1.0, 1.0, 1.0, "block", "block", kit.skin("side"), sides="+-x +-y")
            if number == 0
            else box(1.0, 1.0, 1.0, "block", "block")
        )
        inner = rect(1 - 2 * self.frame, 1 - 2 * self.frame, 0.08)
        frame = extrude(rect(1.0, 1.0, 0.02) - inner, 0.05, "frame", "frame").move(0, 0, 0.48)
        added, cut = [], []
        for side in range(6):
            rng = Rng(self.seed, "side", number, side)
            figure = (
                emblem(rng.choice(EMBLEMS), 0.6)
                if rng.chance(self.pictures)
                else word_in(rng.choice("ABCDEFGHJKLMNPQRSTUVWXYZ23456789&"), 0.62, 0.64, self.style)
            )
            mark = extrude(figure, 0.08, "letter", "letter").move(0, 0, 0.46 if self.letters == "raised" else 0.47)
            for piece, into in ((frame, added), (mark, added if self.letters == "raised" else cut)):
                into.append(self.on(piece, side))
        solid = union((body, *added))
        return solid - union(cut) if cut else solid

    def on(self, piece: Solid, side: int) -> Solid:
        """Returns what lies on top, on another side: front, right, back, left, top, bottom."""
        return upright(piece).turn("z", TAU * side / 4) if side < 4 else piece.turn("x", (0.0, TAU / 2)[side - 4])

    def words(self) -> str:
        return {"pyramid": "a pyramid", "tower": "a tower", "heap": "a heap", "word": "a row"}[
            self.stack
        ] + f" of letter blocks, letters {self.letters}"


@dataclass(frozen=True)
class TavernSign(Family):
    """A painted board with a figure and a name, hung from a wrought bracket."""

    SKINS = {"board": ("wood", "classical"), "post": ("wood", "stone")}
    FINISHES = {
        "board": ("wood", "painted"),
        "frame": ("wood", "gold", "painted", "iron"),
        "iron": ("iron", "bronze", "copper", "brass"),
        "letter": ("gold", "painted", "brass"),
        "post": ("wood", "stone", "iron"),
    }

    shape: str = choice("rectangle", "oval", "shield", "round", "arch")
    emblem: str = choice(*EMBLEMS)
    style: str = choice("serif", "round", "square")
    scrolls: int = count(1, 3)
    frame: float = span(0.03, 0.06)
    links: int = count(2, 4)
    finial: str = choice("spear", "ball", "none")
    studs: bool = flag(0.5)
    seed: int = seed()

    def build(self, kit: Kit) -> Solid:
        region = self.outline()
        parts = [self.board(region, kit), *self.bracket(kit)]
        for x in (-0.38, 0.38):
            high = (region & rect(0.03, 4.0).move(x)).bounds[3]
            parts.append(tube(polyline([(x, 0, 0.72 + high - 0.05), (x, 0, 1.66)]), 0.016, "link", "iron", sides=8))
            space = 1.64 - 0.72 - high
            ring = tube(hoop(0.06).scale(0.75, 1.0), 0.02, "link", "iron", sides=8).turn("x", TAU / 4)
            parts += [
                ring.turn("z", TAU / 4 * (k % 2)).move(x, 0, 0.72 + high + space * (k + 0.5) / self.links)
                for k in range(self.links)
            ]
        return union(parts)

    def outline(self) -> Region:
        shapes = {
            "rectangle": lambda: rect(1.3, 0.95, 0.04),
            "oval": lambda: ellipse(0.68, 0.5),
            "shield": lambda: shield(1.15, 1.2).move(0, -0.08),
            "round": lambda: circle(0.58),
            "arch": lambda: rect(1.2, 0.7).move(0, -0.15) | ellipse(0.6, 0.4).move(0, 0.18),
        }
        return shapes[self.shape]()

    def board(self, region: Region, kit: Kit) -> Solid:
        t = 0.09
        half = plate(region, t / 2, "board", "board", kit.skin("board"), margin=0.06)
        name = word_in(Rng(self.seed, "name").choice(NAMES), 0.85, 0.17, self.style)
        low = -0.3 if self.shape != "shield" else 0.3
        figure = emblem(self.emblem, 0.52 if self.shape != "shield" else 0.6).move(
            0, 0.08 if self.shape != "shield" else -0.18
        )
        front = [
            half,
            extrude(name.move(0, low), 0.045, "name", "letter").move(0, 0, t / 2 - 0.015),
            extrude(figure, 0.045, "figure", "letter").move(0, 0, t / 2 - 0.015),
        ]
        if self.studs and kit.level >= 1:
            contour = region.offset(-0.09).contours()[0]
            line = polyline(contour, closed=True)
            front += [
                bead(0.022, "stud", "iron").move(*point).move(0, 0, t / 2) for point in line.resample(n=28).points
            ]
        side = upright(union(front)).move(0, 0.01, 0)
        edge = upright(outlined(region.offset(-0.01), self.frame, "frame", "frame"))
        return union((side, side.turn("z", TAU / 2), edge)).move(0, 0, 0.72)

    def bracket(self, kit: Kit) -> list[Solid]:
        """Returns the post on the left, the bar over the board, scrolls between them."""
        post = box(0.16, 0.16, 2.1, "post", "post", kit.skin("post"), sides="+-x +-y").move(-0.95, 0, 0.95)
        cap = lathe(
            turned(0.13, 1.98).up(0.04).bead(0.04).to(0.05, 2.08).bead(0.05).curve((0.09, 2.22), (0.0, 2.32)).close(),
            "cap",
            "iron",
            sides=28,
        ).move(-0.95, 0, 0)
        bar = tube(polyline([(-0.95, 0, 1.68), (0.72, 0, 1.68)]), 0.035, "bar", "iron", sides=12)
        parts = [post, cap, bar, box(0.24, 0.24, 0.12, "foot", "post").move(-0.95, 0, -0.06)]
        for k in range(self.scrolls):
            size = 0.3 - 0.06 * k
            coil = tube(spiral(0.04, size / 2, 2.2), 0.022, "scroll", "iron", sides=8).turn("x", TAU / 4)
            parts.append(
                coil.mirror("z").move(-0.66 + 0.36 * k, 0, 1.68 + size / 2 - 0.005)
                if k
                else coil.move(-0.7, 0, 1.68 + size / 2)
            )
        parts.append(
            tube(
                spline([(-0.93, 0, 1.2), (-0.8, 0, 1.35), (-0.72, 0, 1.55), (-0.5, 0, 1.68)]),
                0.028,
                "brace",
                "iron",
                sides=10,
            )
        )
        if self.finial == "spear":
            parts.append(
                lathe(
                    turned(0.04, 0).bead(0.05).to(0.03, 0.08).curve((0.07, 0.15), (0.0, 0.32)).close(),
                    "finial",
                    "iron",
                    sides=24,
                )
                .scale(1, 0.5, 1)
                .turn("y", TAU / 4)
                .move(0.7, 0, 1.68)
            )
        if self.finial == "ball":
            parts.append(bead(0.08, "finial", "iron", 20).move(0.74, 0, 1.68))
        return parts

    def words(self) -> str:
        return f"a hanging tavern sign ({self.shape}) with a {self.emblem} and a name"
