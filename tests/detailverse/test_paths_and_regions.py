"""Regions, figures, letters, paths and profiles against closed forms."""

import hashlib
import math

import numpy as np
import pytest

from detailverse.modelling import figures, font, path, profile, region
from detailverse.modelling.path import Path
from detailverse.modelling.profile import Profile, turned, vessel
from detailverse.modelling.region import TOLERANCE, Region, circle, gear, rect, ring, star
from tests.helpers.processes import printed
from zeroverse.core.portable import atan2
from zeroverse.core.rng import Rng

RNG = Rng("test plane")


def signed(loop):
    after = np.roll(loop, -1, axis=0)
    return float((loop[:, 0] * after[:, 1] - loop[:, 1] * after[:, 0]).sum()) / 2


def holes(shape: Region) -> int:
    return sum(signed(loop) < 0 for loop in shape.contours())


def chord_area(n, r):
    return n / 2 * math.sin(2 * math.pi / n) * r * r


def arc_length(points):
    return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())


# Shapes are made when a test asks: what a module holds on to, manifold3d calls a leak at the end of the process.
AREAS = {
    "rect": (lambda: rect(2, 1), 2.0),
    "round rect": (lambda: rect(2, 1, 0.1), 2 - (4 - math.pi) * 0.01),
    "circle": (lambda: circle(1), math.pi),
    "ngon": (lambda: region.ngon(6, 1), chord_area(6, 1)),
    "ring": (lambda: ring(1, 0.5), math.pi * 0.75),
    "ellipse": (lambda: region.ellipse(1, 0.5), math.pi / 2),
    "superellipse": (lambda: region.superellipse(1, 0.5, 1), 1.0),
    "astroid": (lambda: region.superellipse(1, 1, 2 / 3), 3 * math.pi / 8),
    "star": (lambda: star(5, 1, 0.4), 5 * 0.4 * math.sin(math.pi / 5)),
    "slot": (lambda: region.slot(1, 0.2), 0.2 + math.pi * 0.01),
    "sector": (lambda: region.sector(1, 0.3, 1.3, 0.5), 0.375),
    "right angle": (lambda: region.stroke([(0, 0), (1, 0), (1, 1)], 0.1), 0.2),
    "frame": (lambda: region.stroke([(0, 0), (1, 0), (1, 1), (0, 1)], 0.1, closed=True), 0.4),
    "cross": (lambda: figures.cross(2, 0.5), 1.75),
    "gothic arch": (lambda: figures.gothic_arch(1, 2), 2 - math.sqrt(3) / 2 + math.pi / 3 - math.sqrt(3) / 4),
}


@pytest.mark.parametrize("name", AREAS)
def test_area(name):
    make, area = AREAS[name]
    shape = make()
    outline = sum(arc_length(np.concatenate([loop, loop[:1]])) for loop in shape.contours())
    assert shape.area == pytest.approx(
        area, abs=TOLERANCE * outline
    )  # each chord leaves its curve by at most TOLERANCE


FIGURES = {
    "heart": (lambda: figures.heart(1), 1, 0),
    "shield": (lambda: figures.shield(1, 1.2), 1, 0),
    "leaf": (lambda: figures.leaf(1, 0.4, 6), 1, 0),
    "crescent": (lambda: figures.crescent(1), 1, 0),
    "fleur": (lambda: figures.fleur(1), 1, 0),
    "foil": (lambda: figures.foil(5, 1), 1, 0),
    "rosette": (lambda: region.rosette(7, 1, 0.2), 1, 0),
    "gear": (lambda: gear(24, 1), 1, 0),
    "spoked gear": (lambda: gear(40, 1, bore=0.1, spokes=5), 1, 6),
    "straight gear": (lambda: gear(12, 1, involute=False, bore=0.2), 1, 1),
    "wheel": (lambda: circle(1) - region.windows(0.3, 0.8, 6, 0.1), 1, 6),
    "tracery": (lambda: figures.tracery(8, 1, 0.05), 1, None),
    "laurel": (lambda: figures.laurel(1, 7, 0.3), 1, 0),
}


@pytest.mark.parametrize("name", FIGURES)
def test_pieces_and_holes(name):
    make, pieces, count = FIGURES[name]
    shape = make()
    loops = shape.contours()
    assert sum(signed(loop) for loop in loops) == pytest.approx(shape.area, abs=1e-9)
    assert len(shape.pieces()) == pieces == len(loops) - holes(shape)
    assert count is None and holes(shape) > 0 or holes(shape) == count


def test_set_algebra_and_symmetry():
    a, b = rect(2, 1), circle(0.8).move(0.5)
    assert (a | b).area == pytest.approx(a.area + b.area - (a & b).area, abs=1e-6)
    assert (a - b).area == pytest.approx(a.area - (a & b).area, abs=1e-6)
    moved = b.turn(0.7).scale(2, 0.5).mirror("x").move(3, -1)
    assert moved.area == pytest.approx(b.area, abs=1e-6) and signed(moved.contours()[0]) > 0
    assert rect(1, 1).row(3, 2).bounds == pytest.approx((-0.5, -0.5, 4.5, 0.5))
    assert (a - a).is_empty and not (a - a).contours()
    wheel = gear(9, 1)
    assert (wheel - wheel.turn(2 * math.pi / 9)).area < 1e-6 and (wheel - wheel.mirror("y")).area < 1e-6


def test_offset_follows_steiner():
    """A convex region grown by d gains its perimeter times d and a circle of radius d; sharp corners gain squares
    instead.
    """
    box, d = rect(2, 1), 0.1
    assert box.offset(d).area == pytest.approx(2 + 6 * d + math.pi * d * d, abs=TOLERANCE)
    assert box.offset(d, round=False).area == pytest.approx(2 + 6 * d + 4 * d * d, abs=1e-6)
    assert box.offset(-d).area == pytest.approx(1.8 * 0.8, abs=1e-6)
    assert box.rounded(0.2).area == pytest.approx(2 - (4 - math.pi) * 0.04, abs=1e-3)
    assert box.offset(-0.6).is_empty


def test_chords_leave_a_circle_by_the_tolerance():
    for r in (0.05, 0.3, 1.0, 4.0):
        n = region.chords(r)
        assert r * (1 - math.cos(math.pi / n)) <= TOLERANCE and n % 4 == 0


def test_distance_agrees_with_the_slow_way():
    shape = gear(14, 0.8, bore=0.2, spokes=4) | circle(0.1).move(1.2, 0.1)
    points = RNG.child("points").uniform(-1.4, 1.4, (3000, 2))
    a = np.concatenate(shape.contours())
    b = np.concatenate([np.roll(loop, -1, axis=0) for loop in shape.contours()])
    to, along = points[:, None] - a, b - a
    t = np.clip((to * along).sum(-1) / (along * along).sum(-1), 0, 1)[..., None]
    gap = np.linalg.norm(to - t * along, axis=-1).min(axis=1)
    y = points[:, None, 1]
    crossing = ((a[:, 1] <= y) != (b[:, 1] <= y)) & (
        to[..., 0] < to[..., 1] / np.where(along[:, 1] == 0, 1, along[:, 1]) * along[:, 0]
    )
    expected = np.where(crossing.sum(axis=1) % 2 == 1, -gap, gap)
    np.testing.assert_allclose(shape.distance(points), expected, atol=1e-12)
    assert np.isinf(region.polygon().distance(points)).all()


def test_distance_of_a_disc_and_a_box():
    points = RNG.child("disc").uniform(-1.5, 1.5, (2000, 2))
    np.testing.assert_allclose(circle(1).distance(points), np.linalg.norm(points, axis=1) - 1, atol=TOLERANCE)
    q = np.abs(points) - (1, 0.5)
    exact = np.linalg.norm(np.maximum(q, 0), axis=1) + np.minimum(q.max(axis=1), 0)
    np.testing.assert_allclose(rect(2, 1).distance(points), exact, atol=1e-8)


@pytest.mark.parametrize("teeth,other", [(18, 12), (40, 9), (25, 60)])
def test_gears_of_one_module_mesh(teeth, other):
    """At the sum of the pitch radii with a tooth in a gap they touch without entering each other; a tenth of a module
    nearer they collide.
    """
    module = 0.05
    a, b = gear(teeth, teeth * module / 2), gear(other, other * module / 2)
    b = b.turn(math.pi / other if other % 2 == 0 else 0.0)  # a gap on -x
    distance = (teeth + other) * module / 2
    assert (a & b.move(distance)).area < 2e-3 * module * module
    assert (a & b.move(distance - 0.1 * module)).area > 1e-3 * module * module
    assert a.bounds[2] == pytest.approx(teeth * module / 2 + module, rel=0.01)


def test_bad_regions_say_why():
    with pytest.raises(ValueError, match="gear: expected"):
        gear(2, 1)
    with pytest.raises(ValueError, match="gothic_arch: expected"):
        figures.gothic_arch(1, 0.5)
    with pytest.raises(ValueError, match="tracery: expected"):
        figures.tracery(40, 1, 0.1)


@pytest.mark.parametrize("style", font.STYLES)
def test_glyphs_differ_and_stay_on_the_line(style):
    shapes = {c: font.glyph(c, 0.12, style) for c in font.GLYPHS if c != " "}
    assert not any(shape.is_empty for shape in shapes.values())
    for c, shape in shapes.items():
        assert (c in ",/()Q") or (shape.bounds[1] > -1e-3 and shape.bounds[3] < 1 + 1e-3), c
    names = list(shapes)
    for k, one in enumerate(names):
        for other in names[k + 1 :]:
            a, b = shapes[one], shapes[other]
            same = (one, other) in (("I", "ᛁ"), ("X", "ᚷ"), ("ᛖ", "M"))
            assert same or abs(a.area - b.area) > 1e-4 or ((a - b) | (b - a)).area > 0.02, (one, other)


COUNTERS = {
    "A": 1,
    "B": 2,
    "C": 0,
    "D": 1,
    "E": 0,
    "O": 1,
    "P": 1,
    "Q": 1,
    "R": 1,
    "0": 1,
    "4": 1,
    "6": 1,
    "8": 2,
    "9": 1,
    "∞": 2,
    "☥": 1,
    "ᛒ": 2,
    "ᛞ": 2,
}


@pytest.mark.parametrize("letter,count", COUNTERS.items())
def test_letters_have_their_counters(letter, count):
    for style in font.STYLES:
        assert holes(font.glyph(letter, 0.12, style)) == count


def test_text_is_a_centred_line_of_its_height():
    line = font.text("DetailVerse", 0.3, style="square")
    low_x, low_y, high_x, high_y = line.bounds
    assert (low_y, high_y) == pytest.approx((-0.15, 0.15), abs=1e-3) and low_x == pytest.approx(-high_x, abs=0.02)
    assert len(line.pieces()) == 11 and font.text("II", 0.3).area == pytest.approx(
        2 * font.text("I", 0.3).area, rel=1e-6
    )
    arched = font.text_around("COIN", 1.0, 0.2)
    assert arched.area == pytest.approx(font.text("COIN", 0.2).area, rel=1e-4)
    reach = np.linalg.norm(np.concatenate(arched.contours()), axis=1)
    assert 0.89 < reach.min() and reach.max() < 1.12
    with pytest.raises(ValueError, match="text: expected characters"):
        font.text("日", 0.3)
    with pytest.raises(ValueError, match="style one of"):
        font.text("A", 0.3, style="gothic")


def test_atan2():
    for y, x in [
        *RNG.child("atan2").uniform(-1, 1, (2000, 2)),
        (0.0, 1.0),
        (0.0, -1.0),
        (1.0, 0.0),
        (-1.0, 0.0),
        (1e-9, 1.0),
        (3.0, 3.0),
    ]:
        assert atan2(y, x) == pytest.approx(math.atan2(y, x), abs=2e-15)


PATHS = {
    "line": (path.line((0, 0, 0), (1, 2, 2)), 3.0),
    "arc": (path.arc(0.8, 0.2, 2.2), 1.6),
    "circle": (path.circle(0.5), math.pi),
    "helix": (path.helix(0.5, 0.3, 4), 4 * math.hypot(math.pi, 0.3)),
    "rounded": (path.rounded([(0, 0), (1, 0), (1, 1), (0, 1)], 0.2, closed=True), 4 - 1.6 + 0.4 * math.pi),
    "stadium": (path.rounded([(0, 0), (2, 0), (2, 1), (0, 1)], 0.5, closed=True), 2 + math.pi),
    "logarithmic": (path.spiral(0.2, 1.0, 2, logarithmic=True), 0.8 * math.hypot(1, 4 * math.pi / math.log(5))),
    "knot": (path.knot(2, 3, 0.7, 0.25), None),
    "lifted": (path.lift(circle(0.5).contours()[0], (0, 0, 1), x=(0, 1, 0), y=(0, 0, 1)), math.pi),
    "spline": (path.spline([(0, 0, 0), (1, 0, 0.3), (1, 1, 0), (0.2, 0.7, -0.4)], closed=True), None),
}


@pytest.mark.parametrize("name", PATHS)
def test_path_lengths_and_frames(name):
    curve, length = PATHS[name]
    if name == "knot":
        t = np.arange(20000) * (2 * math.pi / 20000)
        length = np.sqrt((2 * (0.7 + 0.25 * np.cos(3 * t))) ** 2 + 0.75**2).mean() * 2 * math.pi
    if length is not None:
        assert curve.length == pytest.approx(length, rel=2e-3)
    for up in (None, (0, 0, 1)):
        frames = np.stack(curve.frames(up), axis=1)  # [N, 3, 3]
        np.testing.assert_allclose(
            np.einsum("nij,nkj->nik", frames, frames), np.broadcast_to(np.eye(3), frames.shape), atol=1e-12
        )
        np.testing.assert_allclose(np.linalg.det(frames), 1.0, atol=1e-12)
    again = curve.resample(n=200)
    steps = np.diff(again.steps)
    assert len(again.points) == 200 and steps.max() - steps.min() < 0.02 * steps.mean() + 2e-4


@pytest.mark.parametrize("name", ["circle", "knot", "spline", "stadium"])
def test_closed_frames_meet(name):
    """The step from the last normal to the first is like every other step, and none turns about the tangent more than
    its share.
    """
    curve = path.polyline(PATHS[name][0].points, closed=True).resample(n=300)
    tangent, normal, _ = curve.frames()
    turn = np.arccos(np.clip((normal * np.roll(normal, -1, axis=0)).sum(axis=1), -1, 1))
    bend = np.arccos(np.clip((tangent * np.roll(tangent, -1, axis=0)).sum(axis=1), -1, 1))
    assert (turn < bend + 2 * math.pi / 300).all()


def test_frames_of_a_plane_curve_do_not_twist():
    _, normal, _ = path.circle(1.0).turn("x", 0.4).frames()
    np.testing.assert_allclose(normal, np.broadcast_to(normal[0], normal.shape), atol=1e-12)
    _, normal, _ = path.arc(1.0, 0, 2).frames(up=(0, 0, 1))
    np.testing.assert_allclose(normal[:, 2], 1.0, atol=1e-12)


def test_strands_of_a_rope_keep_their_distance():
    core = path.circle(1.0)
    strands = [core.offset_strand(k, 3, 0.1, 12) for k in range(3)]
    for strand in strands:
        q = np.stack([np.linalg.norm(strand.points[:, :2], axis=1) - 1, strand.points[:, 2]], axis=1)
        np.testing.assert_allclose(np.linalg.norm(q, axis=1), 0.1, atol=1e-3)
    np.testing.assert_allclose(sum(s.points for s in strands)[:, 2], 0.0, atol=1e-9)
    assert strands[0].length == pytest.approx(math.hypot(2 * math.pi, 12 * 2 * math.pi * 0.1), rel=0.02)
    with pytest.raises(ValueError, match="whole number of turns"):
        core.offset_strand(0, 3, 0.1, 2.5)


def test_path_values():
    curve = path.polyline([(0, 0), (3, 0), (3, 4)])
    np.testing.assert_allclose(curve.at([0, 3, 5, 99]), [(0, 0, 0), (3, 0, 0), (3, 2, 0), (3, 4, 0)])
    np.testing.assert_allclose(path.polyline(curve.points, closed=True).at(-1.0), (0.6, 0.8, 0))
    assert curve.scale(2).length == 14 and curve.mirror("x").move(y=1).turn((1, 1, 0), 1.0).length == pytest.approx(7)
    assert curve.then(path.line((3, 4, 0), (3, 4, 5))).length == 12 and curve.reversed().points[0].tolist() == [3, 4, 0]
    knots = np.array([(0, 0, 0), (1, 0, 0.3), (1, 1, 0)])
    np.testing.assert_allclose(path.spline(knots, per_span=5).points[::5], knots, atol=1e-12)
    with pytest.raises(ValueError, match=r"Path.points: expected \[N, 3\]"):
        Path(np.zeros((4, 2)))
    with pytest.raises(ValueError, match="neighbours apart"):
        path.polyline([(0, 0), (0, 0), (1, 0)])
    with pytest.raises(ValueError, match="knot: expected"):
        path.knot(2, 4, 1, 0.2)
    with pytest.raises(ValueError):
        curve.points[0] = 1


def column():
    return (
        turned(0.5)
        .up(0.12)
        .fillet(0.03)
        .out(-0.04)
        .torus(0.1, 0.05)
        .scotia(-0.05, 0.1, 0.05)
        .bead(0.05)
        .out(-0.03)
        .cove(-0.05, 0.05)
        .taper(0.26, 1.2)
        .cove(0.05, 0.05)
        .bead(0.04)
        .ovolo(0.12, 0.1)
        .up(0.1)
        .close()
    )


PROFILES = {
    "cylinder": lambda: turned(0.5).up(1).close(),
    "column": lambda: column(),
    "vase": lambda: vessel(
        turned(0.3)
        .bead(0.05)
        .out(-0.06)
        .cove(-0.08, 0.1)
        .curve((0.45, 0.6), (0.3, 1.1), (0.16, 1.35), (0.3, 1.6))
        .open(),
        0.04,
        0.12,
    ),
    "bowl": lambda: vessel(turned(0.2).up(0.05).curve((0.6, 0.2), (0.8, 0.5)).open(), 0.05, 0.06, round_rim=False),
    "ring": lambda: profile.section(circle(0.2).move(1)),
    "band": lambda: turned(1.0).up(0.3).out(-0.1).up(-0.3).back(),
    "egg": lambda: profile.spline_profile([(0, 0), (0.4, 0.3), (0.3, 0.8), (0, 1.1)]),
    "of a star": lambda: profile.section(star(5, 0.3, 0.15).move(1)),
}


@pytest.mark.parametrize("name", PROFILES)
def test_profiles_bound_solids(name):
    shape = PROFILES[name]()
    assert shape.closed and shape.region().area > 0 and len(shape.region().contours()) == 1
    for run, after in zip(shape.runs, shape.runs[1:]):
        np.testing.assert_array_equal(run[-1], after[0])
        a, b = run[-1] - run[-2], after[1] - after[0]
        assert (a * b).sum() < 0.9999 * np.linalg.norm(a) * np.linalg.norm(b)  # a corner
    for other in (shape.resampled(0.02), shape.simplified(1e-3)):
        assert [run[-1].tolist() for run in other.runs] == [run[-1].tolist() for run in shape.runs]
        assert other.length == pytest.approx(shape.length, rel=0.01)
    assert max(np.linalg.norm(np.diff(run, axis=0), axis=1).max() for run in shape.resampled(0.02).runs) < 0.0201


def test_mouldings_have_their_areas():
    """Against the straight profile: half an ellipse more, a quarter less, as much as it was."""
    plain = turned(0.5).taper(0.4, 0.2).close().region().area
    rest = 0.1 * 0.2 * (math.pi / 4 - 0.5)
    assert turned(0.5).ovolo(-0.1, 0.2).close().region().area == pytest.approx(plain + rest, abs=2e-4)
    assert turned(0.5).cove(-0.1, 0.2).close().region().area == pytest.approx(plain - rest, abs=2e-4)
    assert turned(0.5).ogee(-0.1, 0.2).close().region().area == pytest.approx(plain, abs=2e-4)
    assert turned(0.5).ogee(-0.1, 0.2, upright=True).close().region().area == pytest.approx(plain, abs=2e-4)
    assert turned(0.5).bead(0.2).close().region().area == pytest.approx(0.1 + math.pi * 0.005, abs=2e-4)
    assert turned(0.5).torus(0.2, 0.05).close().max_radius == pytest.approx(0.55)
    hollow = turned(0.5).scotia(-0.1, 0.2, 0.05).close()
    assert hollow.region().area < plain and hollow.radius_at(0.1) < 0.4 and hollow.radius_at(0.0) == 0.5
    soft = turned(0.5).up(0.3).fillet(0.1).out(-0.5).close()
    assert soft.region().area == pytest.approx(0.15 - (1 - math.pi / 4) * 0.01, abs=2e-4) and len(soft.runs) == 2


def test_smooth_mouldings_share_a_run():
    shapes = turned(0.5).up(0.1).up(0.1), turned(0.5).bead(0.1).bead(0.1), turned(0.5).up(0.2).ovolo(-0.5, 0.5)
    assert [len(shape.open().runs) for shape in shapes] == [1, 2, 1]


def test_vessel_walls():
    """A straight pot: the inside is the outside, a wall nearer and a floor higher; every inner point of a curved one is
    a wall from the outside.
    """
    pot = vessel(turned(0.5).up(1.0).open(), wall=0.1, floor=0.2, round_rim=False)
    assert pot.region().area == pytest.approx(0.5 - 0.4 * 0.8, abs=1e-6) and pot.runs[-1][-1].tolist() == pytest.approx(
        [0, 0.2]
    )
    outer = turned(0.3).curve((0.6, 0.5), (0.35, 1.0)).open()
    inside = vessel(outer, wall=0.05, floor=0.1).runs[-2]
    np.testing.assert_allclose(outer.region().distance(inside[1:])[inside[1:, 1] < 0.94], -0.05, atol=1e-3)
    with pytest.raises(ValueError, match="vessel: expected an open profile"):
        vessel(turned(0.5).up(1).close(), 0.1, 0.1)
    with pytest.raises(ValueError, match="vessel: expected room"):
        vessel(turned(0.05).up(0.96).out(0.45).up(0.04).open(), 0.1, 0.1)


def test_profile_offset():
    grown = PROFILES["cylinder"]().offset(0.1)
    assert grown.region().area == pytest.approx(
        (0.5 + 0.1) * 1.2 - (1 - math.pi / 4) * 0.02, abs=1e-3
    ) and grown.height == pytest.approx(1.2)
    assert PROFILES["cylinder"]().offset(-0.1).region().area == pytest.approx(0.4 * 0.8, abs=1e-6)
    assert PROFILES["ring"]().offset(0.05).region().area == pytest.approx(math.pi * 0.0625, rel=0.01)
    with pytest.raises(ValueError, match="offset: expected a profile more than"):
        PROFILES["cylinder"]().offset(-0.6)


def test_bad_profiles_say_why():
    with pytest.raises(ValueError, match="r >= 0"):
        turned(0.2).out(-0.3).up(1).open()
    with pytest.raises(ValueError, match="material on the left"):
        Profile((np.array([(0.0, 1.0), (0.5, 1.0)]), np.array([(0.5, 1.0), (0.5, 0.0), (0.0, 0.0)])))
    with pytest.raises(ValueError, match="run 1 to start where run 0 ends"):
        Profile((np.array([(0.0, 0.0), (0.5, 0.0)]), np.array([(0.4, 0.0), (0.4, 1.0)])))
    with pytest.raises(ValueError, match="moulding with a length"):
        turned(0.2).up(0.0)


def digest():
    sha = hashlib.sha256()
    for shape in (
        gear(40, 1, bore=0.1, spokes=5),
        figures.tracery(8, 1, 0.05),
        font.text("VERSE &", 0.3, style="serif"),
    ):
        for loop in shape.offset(0.003).contours():
            sha.update(loop.tobytes())
    for part in path.knot(2, 3, 0.7, 0.25).offset_strand(1, 3, 0.05, 9).frames():
        sha.update(part.tobytes())
    sha.update(PROFILES["vase"]().points.tobytes())
    return sha.hexdigest()


def test_same_bits_in_another_process():
    assert printed(__file__, "digest()") == digest()
