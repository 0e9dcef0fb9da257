"""What machines share: threads, screws, flanges, hand-wheels, knobs, gears in mesh. All stand on z = 0 along +z and are
sunk a little to join.
"""

import math

import numpy as np

from detailverse.modelling.patch import spacing
from detailverse.modelling.path import circle as hoop
from detailverse.modelling.path import polyline
from detailverse.modelling.profile import Turning, turned
from detailverse.modelling.region import circle, gear, ngon, polar, turns
from detailverse.modelling.shapes import cylinder, extrude, hull, lathe, loft, tube
from detailverse.modelling.skin import BARE, Skin
from detailverse.modelling.solid import Solid, around, leaf_solid, union
from detailverse.modelling.surface import Leaf
from zeroverse.core.portable import TAU, cos_sin_array

SINK = 0.02  # how far small parts go into what they stand on
SHARE = np.array([0.0, 0.12, 0.42, 0.62])  # of the pitch of a thread: where its root and its crest begin and end


def panelled(sections: np.ndarray, label: str, slot: str, skin: Skin = BARE) -> Solid:
    """Returns sections [R, C, 3] joined by flat panels with an edge along every column, in a mesh as fine as the skin
    asks for.
    """
    ring, along = np.roll(sections, -1, axis=1) - sections, np.diff(sections, axis=0)
    wide, long = np.sqrt((ring * ring).sum(axis=2)).max(axis=0), np.sqrt((along * along).sum(axis=2)).max(axis=1)
    step = spacing(skin, float(wide.sum() * long.sum()), 1e6)
    across, up = ([max(1, math.ceil(length / step)) for length in lengths] for lengths in (wide, long))
    shares = [np.arange(n)[:, None] / n for n in across]
    rings = np.concatenate([sections[:, j, None] + share * ring[:, j, None] for j, share in enumerate(shares)], axis=1)
    rows = [rings[k] + np.arange(n)[:, None, None] / n * (rings[k + 1] - rings[k]) for k, n in enumerate(up)]
    return loft(
        np.concatenate([*rows, rings[-1:]]), label, slot, skin, corners=[sum(across[:j]) for j in range(len(across))]
    )


def disc(radius: float, low: float, high: float, label: str, slot: str, edge: float = 0.0, sides: int = 48) -> Solid:
    """Returns a disc from z = low to high, its upper edge bevelled by `edge`."""
    line = turned(radius, low).to(radius, high - edge)
    return lathe((line.to(radius - edge, high) if edge else line).close(), label, slot, sides=sides)


def thread(outer: float, core: float, pitch: float, length: float, label: str, slot: str, columns: int = 36) -> Solid:
    """Returns a screw thread between the radii, from z = 0 to `length`, bevelled at both ends.

    The rows of its mesh follow the helix, so its edges are sharp.
    """
    count, steps = math.ceil(length / pitch) + 2, len(SHARE)
    last = (count - 1) * columns
    m = np.arange(count * columns + 1)
    c, s = cos_sin_array(TAU * (m % columns) / columns)
    radius = np.array([core, core, outer, outer])
    z = pitch * (m[:, None] / columns - 1.5 + SHARE)
    points = np.stack([c[:, None] * radius, s[:, None] * radius, z], axis=-1).reshape(-1, 3)
    points = np.concatenate(
        [
            points[: last * steps + 1],
            points[(last + 1) * steps :: steps],
            [(0, 0, -pitch), (0, 0, z[last, 0] + pitch / 2)],
        ]
    )

    def number(
        m, p
    ):  # of the point where step p of the profile is at column m; the profile ends where the next turn begins
        m = m + columns * (p // steps)
        return np.where(m <= last, m * steps + p % steps, last * (steps - 1) + m)

    m, p = (grid.ravel() for grid in np.meshgrid(np.arange(last), np.arange(steps), indexing="ij"))
    a, b, c, d = number(m, p), number(m + 1, p), number(m + 1, p + 1), number(m, p + 1)
    low, high = len(points) - 2, len(points) - 1
    turn, step = np.arange(columns), np.arange(steps)
    rims = [
        (low, number(turn + 1, 0 * turn), number(turn, 0 * turn)),
        (low, number(0 * step, step), number(0 * step, step + 1)),
        (high, number(0 * step + last, step + 1), number(0 * step + last, step)),
        (high, number(last + turn, 0 * turn), number(last + turn + 1, 0 * turn)),
    ]
    caps = [np.stack([np.full(len(one), centre), one, other], axis=1) for centre, one, other in rims]
    body = leaf_solid(
        Leaf(label, slot),
        points,
        np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1), *caps]),
        None,
    )
    wide, bevel = 1.01 * outer, outer - core
    return body & lathe(
        turned(0.92 * core).taper(wide, bevel).to(wide, length - bevel).taper(0.92 * core, bevel).close(),
        label,
        slot,
        sides=columns,
    )


def bolt(radius: float, kind: str = "hex", label: str = "bolt", slot: str = "steel") -> Solid:
    """Returns the head of a screw: "hex" on its washer, "socket", "dome", or "slot"."""
    if kind == "dome":
        return lathe(turned(radius, -SINK).up(SINK).ovolo(-0.98 * radius, 0.65 * radius).close(), label, slot, sides=16)
    if kind == "hex":
        rings = ((radius, 0.0), (radius, 0.6 * radius), (0.86 * radius, 0.75 * radius))
        corners = np.concatenate([np.column_stack([polar(turns(6), r), np.full(6, z)]) for r, z in rings])
        return hull(corners, label, slot) | cylinder(1.3 * radius, 0.15 * radius + SINK, label, slot).move(0, 0, -SINK)
    head = disc(radius, -SINK, 0.7 * radius, label, slot, 0.12 * radius, 20)
    key = ngon(6, 0.55 * radius) if kind == "socket" else _slot(radius)
    return head - extrude(key, radius, label, slot).move(0, 0, 0.35 * radius)


def _slot(radius: float):
    return ngon(4, 1.5 * radius).scale(1.0, 0.12)


def ring_of(solid: Solid, count: int, radius: float) -> Solid:
    """Returns `count` copies on a circle about the z axis, half a step from +x."""
    return around(solid.move(radius), count).turn("z", TAU / 2 / count)


def flange(
    radius: float, thickness: float, screws: int, label: str, slot: str, kind: str = "hex", level: int = 4
) -> Solid:
    """Returns a disc centred on z = 0 with a raised face and a circle of screws on both sides."""
    plain = disc(radius, -thickness / 2, thickness / 2, label, slot, 0.15 * thickness, 40)
    if level < 1 or screws == 0:
        return plain
    size = min(0.13 * radius, 0.7 * radius / screws)
    heads = ring_of(bolt(size, kind), screws, 0.82 * radius).move(0, 0, thickness / 2)
    return union((plain, heads, heads.turn("x", TAU / 2)))


def handwheel(radius: float, spokes: int, label: str = "hand wheel", slot: str = "handle", wavy: bool = False) -> Solid:
    """Returns a wheel with a hub; the grip is scalloped where `wavy`."""
    grip = 0.11 * radius
    rim = tube(hoop(radius), grip, label, slot, sides=12)
    if wavy:
        rim = rim | around(tube(hoop(0.14 * radius), grip, label, slot, sides=10).move(radius), 2 * spokes)
    spoke = tube(
        polyline([(0.1 * radius, 0, -0.12 * radius), (0.5 * radius, 0, -0.08 * radius), (radius, 0, 0)]),
        0.6 * grip,
        label,
        slot,
        sides=10,
    )
    hub = disc(0.26 * radius, -0.3 * radius, 0.06 * radius, label, slot, 0.05 * radius, 24)
    return union((rim, around(spoke, spokes), hub, bolt(0.13 * radius, "hex", label, slot).move(0, 0, 0.05 * radius)))


def cogwheel(
    teeth: int, module: float, thickness: float, web: str, form: str, hand: int, label: str, slot: str, level: int = 4
) -> Solid:
    """Returns a gear with a tooth on +x, centred on z = 0, with play in its teeth.

    web: "solid", "spokes", "holes" or "dish"; form: "spur", "helical" or "herringbone".
    """
    radius = module * teeth / 2
    inner = radius - 2.4 * module
    roomy = inner > 6 * module
    spokes = min(8, max(3, round(radius / module / 3)))
    region = gear(
        teeth, radius, spokes=spokes if web == "spokes" and roomy else 0, bore=0.16 * radius if web == "spokes" else 0.0
    ).offset(-0.05 * module)
    lean = 0.0 if form == "spur" else hand * 0.22 * thickness / radius
    if form == "herringbone":
        half = extrude(region, thickness / 2 + 1e-3, label, slot, twist=2 * lean, steps=3)
        wheel = (half.move(0, 0, -1e-3) | half.move(0, 0, -1e-3).mirror("z")).turn("z", -2 * lean)
    else:
        wheel = extrude(region, thickness, label, slot, twist=lean, steps=1 if form == "spur" else 4).move(
            0, 0, -thickness / 2
        )
    if web in ("holes", "dish") and roomy:
        groove = disc(inner, 0.22 * thickness, thickness, label, slot) - disc(
            0.34 * inner, 0, 2 * thickness, label, slot
        )
        wheel = (wheel - groove) - groove.mirror("z")
    if web == "holes" and roomy:
        wheel = wheel - extrude(
            circle(0.19 * inner).move(0.66 * inner, 0).around(min(8, spokes + 1)), 2 * thickness, label, slot
        ).move(0, 0, -thickness)
    hub = lathe(
        turned(0.3 * inner, -0.62 * thickness)
        .to(0.3 * inner, 0.56 * thickness)
        .to(0.26 * inner, 0.62 * thickness)
        .close(),
        label,
        slot,
        sides=48,
    )
    if level >= 2 and roomy:
        hub = hub | ring_of(bolt(0.045 * inner, "dome", label, slot), 6, 0.23 * inner).move(0, 0, 0.62 * thickness)
    return wheel | hub


def knob(line: Turning, teeth: int, label: str, slot: str) -> Solid:
    """Returns turned work with `teeth` grooves along it."""
    body = lathe(line.close(), label, slot, sides=64)
    if teeth == 0:
        return body
    low, high = body.bounds
    groove = cylinder(2.2 * high[0] / teeth, high[2] - low[2] + 0.02, label, slot).move(
        high[0] + 0.6 * high[0] / teeth, 0, low[2] - 0.01
    )
    return body - around(groove, teeth)
