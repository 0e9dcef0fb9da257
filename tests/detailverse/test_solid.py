"""The modelling language: volumes in closed form, provenance and charts through booleans, details that keep to their
patch, touching parts told apart.
"""

import numpy as np
import pytest

from detailverse import details, sdf
from detailverse.modelling import region
from detailverse.modelling.blob import blob
from detailverse.modelling.path import circle, helix, line
from detailverse.modelling.profile import turned
from detailverse.modelling.shapes import ball, box, cylinder, extrude, hull, lathe, plate, slab, tube
from detailverse.modelling.skin import BARE, Skin
from detailverse.modelling.solid import around, row, union
from detailverse.spatial.probes import self_intersections
from zeroverse.core.affine import towards
from zeroverse.core.portable import TAU
from zeroverse.core.rng import Rng
from zeroverse.core.topology import closed, volume


def volume_of(solid) -> float:
    surface = solid.surface()
    assert closed(surface.faces)
    return volume(surface.points, surface.faces)


def skin(name: str, seed: int = 0) -> Skin:
    return Skin((details.BY_NAME[name].sample(Rng("test", name, seed)),), triangles=30_000)


@pytest.mark.parametrize(
    ("solid", "expected", "tolerance"),
    [
        (lambda: box(1, 2, 3, "a", "x"), 6.0, 1e-6),
        (lambda: cylinder(0.5, 2.0, "a", "x"), TAU / 2 * 0.25 * 2, 2e-3),
        (lambda: cylinder(0.5, 2.0, "a", "x", top=0.25), TAU / 2 * 2 / 3 * (0.25 + 0.125 + 0.0625), 2e-3),
        (lambda: ball(0.5, "a", "x"), TAU * 2 / 3 * 0.125, 6e-3),
        (lambda: extrude(region.rect(1, 1) - region.rect(0.5, 0.5), 2.0, "a", "x"), 1.5, 1e-6),
        (lambda: tube(circle(0.5), 0.1, "a", "x", sides=64), TAU / 2 * 0.01 * TAU * 0.5, 5e-3),
        (lambda: tube(line((0, 0, 0), (0, 0, 1)), 0.1, "a", "x", sides=64, ends="flat"), TAU / 2 * 0.01, 5e-3),
        (lambda: slab(np.full((5, 7), 0.25), 2.0, 1.0, "a", "x"), 0.5, 1e-6),
        (lambda: hull(np.eye(3).tolist() + [[0, 0, 0]], "a", "x"), 1 / 6, 1e-6),
        (lambda: blob(sdf.sphere(0.5), 0.03, "a", "x"), TAU * 2 / 3 * 0.125, 5e-3),
    ],
)
def test_volumes_have_their_closed_form(solid, expected, tolerance):
    assert volume_of(solid()) == pytest.approx(expected, rel=tolerance)


def test_booleans_obey_inclusion_and_exclusion():
    a, b = box(1, 1, 1, "a", "x"), ball(0.6, "b", "x").move(0.4, 0.1, 0)
    assert volume_of(a) + volume_of(b) == pytest.approx(volume_of(a | b) + volume_of(a & b), rel=1e-5)
    assert volume_of(a - b) == pytest.approx(volume_of(a) - volume_of(a & b), rel=1e-5)


def test_rigid_motions_and_copies_keep_volume():
    one = box(0.2, 0.3, 0.4, "a", "x")
    for moved in (
        one.turn("z", 0.7),
        one.turn((1, 1, 0), 1.1),
        one.mirror("y"),
        one.move(1, 2, 3),
        one.transform(towards((1, 2, 3)), (0, 0, 1)),
    ):
        assert volume_of(moved) == pytest.approx(0.024, rel=1e-5)
    assert volume_of(around(one.move(1, 0, 0), 5)) == pytest.approx(5 * 0.024, rel=1e-5)
    assert volume_of(row(one, 3, (1, 0, 0))) == pytest.approx(3 * 0.024, rel=1e-5)


def test_faces_know_their_leaf_and_cut_faces_belong_to_what_was_cut():
    surface = (
        (box(1, 1, 1, "body", "wood") | cylinder(0.2, 1.0, "knob", "brass").move(0, 0, 0.2))
        - box(0.3, 3, 0.3, "tool", "none")
    ).surface()
    labels = {surface.leaves[leaf].label for leaf in np.unique(surface.leaf)}
    assert labels == {"body", "knob"}
    cut = [number for number, leaf in enumerate(surface.leaves) if leaf.cut]
    assert len(cut) == 1 and surface.leaves[cut[0]].slot == "wood" and (surface.leaf == cut[0]).any()


def test_copies_with_names_are_parts_of_their_own():
    wheel = cylinder(0.2, 0.1, "wheel", "rubber")
    surface = union(
        (box(2, 1, 0.2, "body", "paint"), *(wheel.named(f"wheel#{k}").move(k - 0.5, 0, 0.05) for k in range(2)))
    ).surface()
    assert {surface.leaves[leaf].label for leaf in np.unique(surface.leaf)} == {"body", "wheel#0", "wheel#1"}


def test_uv_survives_booleans_as_lengths_on_the_chart():
    """On the wall of a cylinder u is the arc and v the height, also in triangles that a boolean has cut."""
    radius = 0.5
    solid = lathe(turned(radius).up(1.0).close(), "a", "x", skin("cracks")) - box(0.4, 4, 0.4, "hole", "x").move(
        0, 0, 0.5
    )
    surface = solid.surface()
    sizes = surface.leaves[0].sizes
    wall = int(np.argmax([width * height for width, height in sizes]))
    own = np.flatnonzero((surface.leaf == 0) & (surface.chart == wall))
    corner = surface.points[surface.faces[own]]
    assert np.abs(surface.uv[own, :, 1] - corner[..., 2]).max() < 0.02
    angle = surface.uv[own, :, 0] / sizes[wall][0] * TAU
    flat = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    reach = np.sqrt((corner[..., :2] ** 2).sum(axis=-1, keepdims=True))
    assert np.abs(flat - corner[..., :2] / reach).max() < 0.02


@pytest.mark.parametrize("other", [(1, 1, 0), (1, 1, 1)])
def test_parts_that_only_touch_are_closed_for_readers_that_merge_by_position(other):
    surface = union((box(1, 1, 1, "a", "x"), box(1, 1, 1, "b", "x").move(*other))).surface()
    edges = np.sort(np.stack([surface.faces, np.roll(surface.faces, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
    assert closed(surface.faces) and (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()


@pytest.mark.parametrize("name", ["flutes", "panels", "rivets", "bricks", "scales"])
@pytest.mark.parametrize("shape", ["lathe", "box", "plate", "tube", "extrude", "blob"])
def test_any_detail_lies_on_any_generator(shape, name):
    laid = skin(name)
    makers = {
        "lathe": lambda skin: cylinder(0.5, 1.2, "a", "x", skin),
        "box": lambda skin: box(1, 0.8, 1.2, "a", "x", skin),
        "plate": lambda skin: plate(region.circle(0.8), 0.2, "a", "x", skin, margin=0.05),
        "tube": lambda skin: tube(helix(0.6, 0.5, 2.0), 0.16, "a", "x", skin),
        "extrude": lambda skin: extrude(region.star(5, 0.9, 0.5), 0.8, "a", "x", skin),
        "blob": lambda skin: blob(sdf.ellipsoid(0.8, 0.5, 0.5), 0.03, "a", "x", skin),
    }
    bare, rich = makers[shape](BARE).surface(), makers[shape](laid).surface()
    assert closed(rich.faces) and len(rich.faces) > len(bare.faces)
    assert len(rich.leaves) > 1 or np.abs(rich.relief).max() > 1e-3  # ornaments or heights
    assert len(self_intersections(rich.points, rich.faces)) <= 1e-3 * len(rich.faces)


def test_relief_ends_at_the_border_and_keeps_to_its_room():
    surface = box(1, 1, 1, "a", "x", skin("bricks")).surface()
    outside = np.abs(surface.points).max(axis=1)
    assert outside.max() < 0.5 + 0.12 and outside.min() > 0.5 - 0.12
    on_edges = (np.abs(np.abs(surface.points) - 0.5) < 1e-6).sum(axis=1) >= 2
    assert on_edges.sum() > 100  # the twelve edges are where they were


def test_a_level_of_scale_is_a_matter_of_units():
    """A part drawn twice as large with half the scale has the same details at the end."""
    detail = details.BY_NAME["flutes"].sample(Rng("test", "flutes"))
    one = cylinder(0.4, 1.0, "a", "x", Skin((detail,), triangles=20_000)).surface()
    two = cylinder(0.8, 2.0, "a", "x", Skin((detail,), scale=0.5, triangles=20_000)).scale(0.5).surface()
    assert volume(one.points, one.faces) == pytest.approx(volume(two.points, two.faces), rel=2e-3)


def test_nothing_to_unite_is_named():
    with pytest.raises(ValueError, match="union: expected at least one solid"):
        union(())
