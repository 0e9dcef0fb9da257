"""Swatch: a turned and a flat surface side by side, to see a detail by itself. Never drawn, only asked for."""

from dataclasses import dataclass

from detailverse.family import Family, Kit
from detailverse.modelling.shapes import box, cylinder
from detailverse.modelling.solid import Solid, union
from zeroverse.core.record import span


@dataclass(frozen=True)
class Swatch(Family):
    """A drum and a slab on a plinth, with the same details."""

    SKINS = {"body": ()}
    FINISHES = {"body": ("ceramic", "stone"), "plinth": ("wood", "stone")}

    drum: float = span(0.4, 0.45)

    def build(self, kit: Kit) -> Solid:
        plinth = box(2.0, 1.0, 0.1, "plinth", "plinth").move(0, 0, -0.05)
        drum = cylinder(self.drum, 1.15, "drum", "body", kit.skin("body")).move(-0.5, 0, -0.02)
        slab = (
            box(0.85, 0.22, 1.15, "slab", "body", kit.skin("body"), sides="-y +x")
            .turn("z", -0.35)
            .move(0.5, 0.05, 0.555)
        )
        return union((plinth, drum, slab))

    def words(self) -> str:
        return "a swatch"
