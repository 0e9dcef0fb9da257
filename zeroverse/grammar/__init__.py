"""The grammar of LRM-Zero: sample a recipe from a mixture, build it, keep what is worth keeping.

Sources: LRM-Zero, section 3 and appendix D; docs/papers.md, Zeroverse.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from zeroverse import shapes, textures
from zeroverse.asset import Asset
from zeroverse.core.rng import Rng
from zeroverse.edits import HeightField, of_objects
from zeroverse.grammar.build import build, check_worth
from zeroverse.grammar.mixtures import PRESETS, Mixture, Placement, mixture_of
from zeroverse.grammar.recipe import GRAMMAR_VERSION, Part, Recipe, Surface
from zeroverse.shapes.solid import Rejected
from zeroverse.textures import images

__all__ = ["ATTEMPTS", "PRESETS", "Mixture", "Recipe", "build", "make", "mixture_of", "sample"]

ATTEMPTS = 8

SampleTexture = Callable[[Rng], textures.Texture]


def sample(rng: Rng, mixture: Mixture, textures_dir: str | Path | None = None, texture_size: int = 256) -> Recipe:
    """Returns a recipe. Every part and every surface has a stream of its own."""

    def sample_texture(stream: Rng):
        if textures_dir is None:
            return textures.sample(stream, mixture.families)
        return images.sample_from_folder(stream, textures_dir)

    count = 1 + rng.child("count").choice(range(len(mixture.counts)), mixture.counts)
    placements = mixture.layout(rng.child("layout"), count)
    parts = tuple(
        _part(rng.child("part", i), placement, mixture, sample_texture) for i, placement in enumerate(placements)
    )
    return Recipe(GRAMMAR_VERSION, texture_size, parts, _edit(rng.child("edit"), mixture, sample_texture))


def _part(rng: Rng, placement: Placement, mixture: Mixture, sample_texture: SampleTexture) -> Part:
    names, weights = zip(*mixture.weights())
    shape = shapes.kinds()[rng.child("kind").choice(names, weights)].sample(rng.child("shape"))
    share, surfaces = mixture.shares()["height_field"], []
    for number in range(shape.SURFACES):
        stream = rng.child("surface", number)
        height = HeightField.sample(stream.child("height")) if stream.child("relief").chance(share) else None
        surfaces.append(Surface(sample_texture(stream.child("texture")), height))
    return Part(shape, *placement, tuple(surfaces))


def _edit(rng: Rng, mixture: Mixture, sample_texture: SampleTexture):
    """Returns an edit of the object or None: one choice decides, so no object has two."""
    shares, rest = mixture.of_objects(), 1.0
    for share in shares.values():
        rest -= share
    # shares that sum to 1 may leave a rest of -3e-17
    name = rng.child("which").choice((*shares, None), (*shares.values(), max(rest, 0.0)))
    if name is None:
        return None
    return of_objects()[name].sample(rng.child(name), mixture.tools_of(name), sample_texture)


def make(
    seed: int,
    index: int,
    preset: str = "paper",
    textures_dir: str | Path | None = None,
    texture_size: int = 256,
    edits: Mapping[str, float] | None = None,
) -> Asset:
    """Returns the object that (preset, seed, index) names: the first of `ATTEMPTS` recipes that is worth keeping.

    edits: other shares than the preset's, by the names of `EDITS`. The reasons against the recipes before it are
    counted in `provenance["rejected"]`. Raises Rejected when all are, ValueError for an unknown preset and impossible
    shares.
    """
    mixture = mixture_of(preset, edits)
    shares = {name: edits[name] for name in mixture.shares() if name in (edits or {})}
    label = _label(preset, shares)
    # The preset is in the key: two presets never share an object. The shares are not: at two shares it is the same
    # object but for its edit, and whoever compares them compares nothing else.
    root = Rng("zeroverse", GRAMMAR_VERSION, preset, seed, index)
    rejected: Counter[str] = Counter()
    for attempt in range(ATTEMPTS):
        recipe = sample(root.child("attempt", attempt), mixture, textures_dir, texture_size)
        try:
            asset = build(recipe, f"zeroverse-{label}-{seed}-{index:08d}", textures_dir, check_worth)
        except Rejected as error:
            rejected[error.reason] += 1
            continue
        origin = {
            "source": "zeroverse",
            "version": GRAMMAR_VERSION,
            "preset": preset,
            "seed": seed,
            "index": index,
            "attempt": attempt,
            "rejected": dict(rejected),
        }
        return replace(asset, provenance={**asset.provenance, **origin, **shares})
    raise Rejected(f"zeroverse {label} seed {seed} index {index}: all {ATTEMPTS} draws rejected: {dict(rejected)}")


def _label(preset: str, shares: Mapping[str, float]) -> str:
    """Returns the preset and the shares as a part of a uid, which has no dots."""
    return "-".join([preset, *(f"{name}{share:g}".replace(".", "_") for name, share in shares.items())])
