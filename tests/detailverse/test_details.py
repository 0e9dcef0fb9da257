"""Every detail operator on a flat chart and on one that wraps: bounds, continuity, seams, creases, ornaments,
recipes.
"""

import itertools
import json
from dataclasses import fields, replace

import numpy as np
import pytest

from detailverse import details
from detailverse.details import base, spread, stamps
from detailverse.details.kernels import polar
from tests.helpers.charts import HEIGHT, WIDTH, chart_of, grid
from zeroverse.core.rng import Rng
from zeroverse.core.topology import volume

NAMES = list(details.BY_NAME)
SEEDS = 3


def drawn(name: str, k: int):
    return details.BY_NAME[name].sample(Rng("details", name, k))


def samples(name: str):
    return [drawn(name, k) for k in range(SEEDS)]


def height_of(detail, chart) -> np.ndarray:
    relief = detail.relief(chart)
    return np.zeros(len(chart.u)) if relief is None else relief


@pytest.mark.parametrize("name", NAMES)
def test_heights_keep_to_depth_and_room_and_most_of_the_chart_is_used(name):
    for detail, wraps, room in itertools.product(samples(name), (False, True), (0.05, 0.003)):
        chart = grid(wraps=wraps, room=room)
        relief = detail.relief(chart)
        if relief is None:
            continue
        assert relief.shape == chart.u.shape and np.isfinite(relief).all()
        assert np.abs(relief).max() <= min(detail.depth, room) * (1 + 1e-9)
        assert np.ptp(relief) > 0.25 * min(detail.depth, room, base.TALL * detail.feature()), (
            "there is hardly anything to see"
        )


@pytest.mark.parametrize("name", NAMES)
def test_patterns_meet_at_the_seam(name):
    v = np.linspace(0, HEIGHT, 400)
    for detail in samples(name):
        left, right = (height_of(detail, chart_of(np.full(400, u), v, wraps=True)) for u in (0.0, WIDTH))
        near = height_of(detail, chart_of(np.full(400, 1e-7), v, wraps=True))
        assert np.abs(left - near).max() < 1e-5
        assert np.abs(right - near).max() < 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_reliefs_have_no_jumps(name):
    """Along random lines, at a spacing of a thousandth of a unit and again of a millionth: a wall's rise shrinks with
    it, a jump's does not.
    """
    rng = np.random.Generator(np.random.Philox(7))
    for detail in samples(name):
        u, v = rng.uniform(0, WIDTH, 60_000), rng.uniform(0, HEIGHT, 60_000)
        angle = rng.uniform(0, 6.3, 60_000)
        here = height_of(detail, chart_of(u, v, wraps=True))
        for step, steepest in ((1e-3, 6.0), (1e-6, 6.0)):
            there = height_of(
                detail, chart_of(u + step * np.cos(angle), np.clip(v + step * np.sin(angle), 0, HEIGHT), wraps=True)
            )
            assert np.abs(there - here).max() < steepest * step + 1e-9


@pytest.mark.parametrize(
    "name", [name for name in NAMES if any(spec.name == "noise" for spec in fields(details.BY_NAME[name]))]
)
def test_the_seed_of_the_noise_matters(name):
    chart = grid()
    for detail in samples(name):
        other = replace(detail, noise=(detail.noise + 12345) % 2**31)
        if getattr(detail, "uneven", 1.0) > 0.05:
            assert np.abs(height_of(detail, chart) - height_of(other, chart)).max() > 0.002 * detail.depth


@pytest.mark.parametrize("name", NAMES)
def test_lines_lie_on_creases(name):
    """Where `lines` is zero the slope changes: the relief's second difference across it exceeds what it is
    elsewhere.
    """
    h = 2e-4
    for detail in samples(name):
        chart = grid(480, 320)
        lines = detail.lines(chart)
        if lines is None:
            continue
        assert lines.shape == chart.u.shape and np.isfinite(lines).all()
        assert (lines < 0).any() and (lines > 0).any()
        u, v, du, dv = crossings(detail, lines.reshape(320, 480))
        bend = np.zeros(len(u))
        for offset in np.linspace(
            -8, 8, 17
        ):  # crossings are known to about a hundredth of a cell, then corners lie beside them
            a, b, c = (
                height_of(detail, chart_of(u + k * h * du, v + k * h * dv)) for k in (offset - 1, offset, offset + 1)
            )
            bend = np.maximum(bend, np.abs(a - 2 * b + c) / h)
        rise = detail.amplitude(chart) / detail.feature()
        assert (bend > 0.1 * rise).mean() > 0.5, "lines without a crease"


def crossings(detail, lines):
    """Points inside the chart where the field changes sign along a row or column, refined once, and the unit step along
    it.
    """
    rows, columns = lines.shape
    du, dv = WIDTH / (columns - 1), HEIGHT / (rows - 1)
    out = []
    for axis, (one, two) in enumerate(((lines[:, :-1], lines[:, 1:]), (lines[:-1], lines[1:]))):
        i, j = np.nonzero(((one < 0) != (two < 0)) & (np.abs(one - two) < 3 * max(du, dv)))
        t = one[i, j] / (one[i, j] - two[i, j])
        out.append(
            (
                du * (j + t * (axis == 0)),
                dv * (i + t * (axis == 1)),
                np.full(len(i), 1.0 - axis),
                np.full(len(i), float(axis)),
            )
        )
    u, v, a, b = (np.concatenate(column) for column in zip(*out))
    inside = (u > 0.02) & (u < WIDTH - 0.02) & (v > 0.02) & (v < HEIGHT - 0.02)
    return tuple(column[inside] for column in (u, v, a, b))


@pytest.mark.parametrize("name", NAMES)
def test_a_chart_too_small_stays_flat_and_a_sliver_does_no_harm(name):
    for detail, (width, height) in itertools.product(samples(name), ((0.004, 0.004), (1.0, 0.01), (0.01, 1.0))):
        chart = grid(20, 20, width=width, height=height)
        relief = height_of(detail, chart)
        assert np.isfinite(relief).all() and np.abs(relief).max() <= 0.05
        if width == height:
            assert not relief.any() and detail.lines(chart) is None and detail.ornaments(chart) is None


def hull_shadows(ornaments, directions):
    """Extents of every ornament's points in the surface along some directions: [K, D] lowest, [K, D] highest."""
    c, s = np.cos(ornaments.spin), np.sin(ornaments.spin)
    xy = ornaments.stamp.points[None, :, :2] * ornaments.size[:, None, None]
    x, y = c[:, None] * xy[..., 0] - s[:, None] * xy[..., 1], s[:, None] * xy[..., 0] + c[:, None] * xy[..., 1]
    along = (x + ornaments.uv[:, :1])[..., None] * directions[:, 0] + (y + ornaments.uv[:, 1:])[..., None] * directions[
        :, 1
    ]
    return along.min(axis=1), along.max(axis=1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("wraps", [False, True])
def test_ornaments_stand_apart_and_inside(name, wraps):
    angles = np.linspace(0, np.pi, 24, endpoint=False)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for detail in samples(name):
        chart = grid(10, 10, wraps=wraps)
        one = detail.ornaments(chart)
        if one is None:
            continue
        assert 0 < len(one.uv) == len(one.size) == len(one.spin) <= spread.MOST and (one.size > 0).all()
        low, high = hull_shadows(one, directions)
        assert (low[:, 12] > 0).all() and (high[:, 12] < HEIGHT).all()
        if wraps:
            assert (one.uv[:, 0] >= 0).all() and (one.uv[:, 0] < WIDTH).all()
            again = replace(one, uv=one.uv + [WIDTH, 0.0])
            more_low, more_high = hull_shadows(again, directions)
            low, high = np.concatenate([low, more_low]), np.concatenate([high, more_high])
        else:
            assert (low[:, 0] > 0).all() and (high[:, 0] < WIDTH).all()
        apart = (low[:, None] > high[None]).any(axis=2) | (low[None] > high[:, None]).any(axis=2)
        assert (apart | np.eye(len(low), dtype=bool)).all()


STAMPS = [("head", kind) for kind in stamps.HEADS] + [("leaf", kind) for kind in ("leaf", "petal", "thorn")]


@pytest.mark.parametrize("maker, kind", STAMPS)
def test_stamps_are_closed_outward_and_have_feet(maker, kind):
    stamp = getattr(stamps, maker)(kind)
    edges = np.concatenate([stamp.faces[:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0))])
    forward = {tuple(edge) for edge in edges.tolist()}
    assert len(forward) == len(edges), "an edge runs twice the same way"
    assert all((b, a) in forward for a, b in forward)
    assert len(stamp.points) - len(edges) // 2 + len(stamp.faces) == 2
    assert volume(stamp.points, stamp.faces) > 0.02
    assert np.sqrt((stamp.points[:, :2] ** 2).sum(axis=1)).max() <= 1.05
    assert -1.5 * stamps.FOOT <= stamp.points[:, 2].min() <= -0.8 * stamps.FOOT


@pytest.mark.parametrize("name", NAMES)
def test_recipes_go_through_json_and_draws_repeat(name):
    for k, detail in enumerate(samples(name)):
        assert details.from_dict(json.loads(json.dumps(details.to_dict(detail)))) == detail == drawn(name, k)
        assert np.array_equal(height_of(detail, grid(40, 30)), height_of(drawn(name, k), grid(40, 30)))


@pytest.mark.parametrize("name", NAMES)
def test_features_and_words(name):
    for detail in samples(name):
        assert 0.008 <= detail.feature() <= 0.15
        words = detail.words()
        assert words.split()[0] in (
            "with",
            "covered",
            "set",
            "made",
            "of",
            "pitted",
            "encrusted",
            "crowded",
            "clad",
            "armoured",
            "cut",
            "worn",
        )
        assert words == words.strip() and "  " not in words and not words.endswith(".")


def test_words_tell_details_apart():
    said = {}
    for name in NAMES:
        for detail in samples(name):
            assert said.setdefault(detail.words(), name) == name, f"{name} and {said[detail.words()]} say the same"


def test_bad_recipes_name_the_key():
    good = details.to_dict(drawn("flutes", 0))
    wrong = (
        ({"kind": "lace"}, "kind: expected one of flutes"),
        ({"pitch": 9.0}, "Flutes.pitch: expected a number from"),
        ({"hue": 1}, "flutes.hue"),
    )
    for change, message in wrong:
        with pytest.raises(ValueError, match=message):
            details.from_dict(good | change)
    with pytest.raises(ValueError, match="flutes.twist: expected a value"):
        details.from_dict({key: value for key, value in good.items() if key != "twist"})
    with pytest.raises(ValueError, match="kind: expected"):
        details.from_dict([])


def test_every_theme_has_every_role_and_draws_keep_to_them():
    rows = {name: (role, themes) for name, _, _, role, themes in details.DETAILS}
    for theme, role in itertools.product(details.THEMES, details.ROLES):
        names = {details.to_dict(details.sample(Rng("draw", k), (theme,), role))["kind"] for k in range(30)}
        assert all(rows[name][0] == role and theme in rows[name][1] for name in names)
    assert all(set(themes) <= set(details.THEMES) for _, themes in rows.values())
    rivets = details.BY_NAME["rivets"].sample(Rng("rivets"))
    assert (
        details.suits(rivets, ("organic", "machine"))
        and not details.suits(rivets, ("organic",))
        and not details.suits(rivets, ())
    )
    with pytest.raises(ValueError, match="themes: expected .* got 'cheese'"):
        details.sample(Rng("draw"), ("cheese",))
    with pytest.raises(ValueError, match="role: expected"):
        details.sample(Rng("draw"), (), "hat")


def test_distances_against_closed_forms():
    x, y = np.array([0.0, 2.0, 3.0, 0.0]), np.array([0.0, 0.0, 2.0, 0.5])
    assert np.allclose(base.box(x, y, 2.0, 1.0), [1.0, 0.0, -np.sqrt(2.0), 0.5])
    assert np.allclose(base.box(x[:2], y[:2], 2.0, 1.0, 1.0), [1.0, 0.0])
    assert np.allclose(base.stadium(y, x, 0.5, 2.0), [0.5, 0.0, 0.5 - np.sqrt(2.25 + 4.0), 0.0])
    assert np.allclose(base.dome(np.array([0.0, 1.0, 2.0])), [1.0, 0.0, 0.0])
    merged = base.merge(np.array([0.1, -0.1, 0.3]), np.array([0.2, 0.05, -0.4]))
    assert np.allclose(merged, [0.1, -0.05, -0.3])
    angles = np.linspace(-3.1, 3.1, 50)
    turns, radius = polar(2 * np.cos(angles), 2 * np.sin(angles))
    assert np.allclose(turns * 2 * np.pi, angles) and np.allclose(radius, 2.0)
