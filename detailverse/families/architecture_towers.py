"""Towers: a keep with battlements or a roof, and a pagoda of stacked eaves."""
from dataclasses import dataclass

import numpy as np

from detailverse.families.architecture_parts import arched, courses, cornice, moulded, ngon_plan, upright, window
from detailverse.family import Family, Kit
from detailverse.path import spline
from detailverse.profile import turned
from detailverse.region import polygon, rect, union as joined
from detailverse.shapes import ball, box, cylinder, extrude, lathe, loft, tube
from detailverse.solid import Solid, around, union
from zeroverse.portable import TAU, cos_sin_array
from zeroverse.record import choice, count, flag, span


@dataclass(frozen=True)
class Tower(Family):
    """A tower on a round, square, six- or eight-sided plan: storeys, windows, a corbelled gallery, and battlements or a roof."""

    SKINS = {"wall": ("stone",), "roof": ("organic", "stone")}
    FINISHES = {"wall": ("stone", "brick", "concrete"), "trim": ("stone", "marble"), "roof": ("clay", "painted", "copper", "stone"),
                "door": ("wood",), "frame": ("wood", "painted"), "glass": ("glass",), "metal": ("iron", "gold")}

    sides: int = parameter_sides = choice("round", "square", "hexagonal", "octagonal")
    width: float = span(0.5, 0.85)
    taper: float = span(0.78, 1.0)
    storeys: int = count(2, 5)
    openings: str = choice("slit", "round", "pointed", "flat")
    crown: str = choice("battlements", "battlements", "spire", "dome", "onion", "belfry")
    gallery: bool = flag(0.6)
    turrets: bool = flag(0.35)
    buttresses: bool = flag(0.4)
    flag: bool = flag(0.5)
