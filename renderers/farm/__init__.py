"""Indices -> shards: objects made and rendered in parallel, written in order, resumable; what fails is counted and
named.
"""

from renderers.farm.plan import ON_ERROR, TOLERANT, Care, FarmError, Plan
from renderers.farm.run import Summary, generate, told_on
from renderers.farm.sample import Made, hull, make_sample
from renderers.farm.spec import RenderSpec

__all__ = [
    "ON_ERROR",
    "TOLERANT",
    "Care",
    "FarmError",
    "Made",
    "Plan",
    "RenderSpec",
    "Summary",
    "generate",
    "hull",
    "make_sample",
    "told_on",
]
