"""Sharp edges of polygonised distances against closed forms: what lies on a plane has its normal, what lies on a crease
is an edge, nothing folds.
"""

import math

import numpy as np
import pytest

from detailverse.meshing import creases, hermite
from detailverse.meshing.dual_contouring import polygonise
from detailverse.sdf import box, cone, cylinder, extrude, half_space, noise, sphere, torus
from detailverse.spatial.edges import edges
from detailverse.spatial.probes import on_faces, self_intersections
from zeroverse.core import affine
from zeroverse.core.portable import TAU, cos_sin
from zeroverse.core.rng import Rng
from zeroverse.core.topology import closed, volume

H = 0.03
TURNS = [Rng("test_creases", "turn", number).quat() for number in range(3)]
STAR = [tuple((0.7 if i % 2 else 0.35) * x for x in cos_sin(TAU * i / 10)) for i in range(10)]
GEAR = [
    tuple(r * x for x in cos_sin(TAU * (tooth + at) / 12))
    for tooth in range(12)
    for at, r in ((-0.3, 0.45), (-0.15, 0.6), (0.15, 0.6), (0.3, 0.45))
]


def roof(angle_deg):
    """A ring whose upper sides meet at the top, their normals `angle_deg` apart."""
    fall = 0.5 * math.tan(math.radians(angle_deg / 2))
    return [(-0.5, -0.3), (0.5, -0.3), (0.5, 0.3 - fall), (0.0, 0.3), (-0.5, 0.3 - fall)]


def knife(angle_deg):
    """A ring with an edge of that angle at the origin."""
    half = 0.8 * math.tan(math.radians(angle_deg / 2))
    return [(0.0, 0.0), (0.8, -half), (0.8, half)]


def between(a, b, count=150):
    t = (np.arange(count)[:, None] + 0.5) / count
    return np.asarray(a) * (1 - t) + np.asarray(b) * t


def of_prism(ring, height):
    """Points [K, 3] of all its edges."""
    ends = list(zip(ring, ring[1:] + ring[:1]))
    level = [between((*a, z), (*b, z)) for a, b in ends for z in (-height / 2, height / 2)]
    return np.concatenate(level + [between((*a, -height / 2), (*a, height / 2)) for a, _ in ends])


def circle(radius, z):
    return np.array([(*(radius * x for x in cos_sin(TAU * i / 1000)), z) for i in range(1000)])


def area(ring):
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, ring[1:] + ring[:1]))) / 2


def rectangle(x, y):
    return [(-x / 2, -y / 2), (x / 2, -y / 2), (x / 2, y / 2), (-x / 2, y / 2)]


def tetrahedron():
    corners = 0.9 / math.sqrt(3) * np.array([[-1.0, -1, -1], [-1, 1, 1], [1, -1, 1], [1, 1, -1]])
    value = box(2.2)
    for corner in corners:
        value &= half_space(-corner, 0.3)
    return (
        value,
        np.concatenate([between(corners[i], corners[j]) for i in range(4) for j in range(i)]),
        (0.9 * math.sqrt(8 / 3)) ** 3 / (6 * math.sqrt(2)),
    )


def prism(ring, height=0.8):
    return extrude([ring], height), of_prism(ring, height), area(ring) * height


# name: (value, points of its creases [K, 3], volume), share of the area that may lean more than 5 degrees (curved ones
# lean by themselves), Euler number
SHARP = {
    "box": ((box(1, 0.8, 0.6), of_prism(rectangle(1, 0.8), 0.6), 0.48), 1e-4, 2),
    "plate": ((box(1, 0.8, 0.07), of_prism(rectangle(1, 0.8), 0.07), 0.056), 1e-4, 2),
    "tetrahedron": (tetrahedron(), 1e-4, 2),
    "star": (prism(STAR), 5e-4, 2),
    "flat roof": (prism(roof(10)), 5e-4, 2),
    "roof": (prism(roof(30)), 5e-4, 2),
    "knife": (prism(knife(60)), 1e-4, 2),
    "cylinder": ((cylinder(0.4, 1), np.concatenate([circle(0.4, -0.5), circle(0.4, 0.5)]), math.pi * 0.16), 1e-3, 2),
    "frustum": (
        (cone(0.6, 0.2, 1), np.concatenate([circle(0.6, -0.5), circle(0.2, 0.5)]), math.pi / 3 * (0.36 + 0.12 + 0.04)),
        1e-3,
        2,
    ),
    "bored box": (
        (
            box(1, 1, 0.6) - cylinder(0.3, 2),
            np.concatenate([of_prism(rectangle(1, 1), 0.6), circle(0.3, -0.3), circle(0.3, 0.3)]),
            0.6 - 0.6 * math.pi * 0.09,
        ),
        1e-3,
        0,
    ),
    "gear": (prism(GEAR, 0.25), 1e-3, 2),
}


@pytest.fixture(
    scope="module",
    params=[(name, number) for name in SHARP for number in range(len(TURNS))],
    ids=lambda param: f"{param[0]}-{param[1]}",
)
def turned(request):
    """(value, its creases, its volume, share that may lean, Euler number, points, faces): turned, so that nothing lies
    along the lattice.
    """
    (value, crease, exact), share, euler = SHARP[request.param[0]]
    matrix, offset = affine.rotation_matrix(TURNS[request.param[1]]), (0.013, -0.021, 0.007)
    value = value.place(matrix, offset)
    points, faces, _ = polygonise(value, H)
    return value, affine.apply(matrix, crease, offset), exact, share, euler, points, faces


def leaning(value, points, faces, count=20000):
    """[count] degrees between the faces and the surface, evenly over the area."""
    normals = affine.face_normals(points, faces)
    until = np.cumsum(np.sqrt((normals * normals).sum(axis=1)))
    face = np.searchsorted(until, (np.arange(count) + 0.5) / count * until[-1])
    spread = Rng("test_creases", "spread").uniform(0, 1, (count, 2))
    gradient = affine.unit(value.gradient(on_faces(points, faces, face, spread), 1e-7))
    return np.degrees(np.arccos(np.clip((gradient * affine.unit(normals)[face]).sum(axis=1), -1, 1)))


def test_normals_are_those_of_the_surface(turned):
    """A chamfer of half a cell along every edge of the box would be 3 % of its area."""
    value, _, _, share, _, points, faces = turned
    assert (leaning(value, points, faces) > 5).mean() <= share


def test_volumes_are_exact_to_the_curvature(turned):
    """Planes and their edges to rounding, but for single corners; curved ones are chords: (spacing / radius)^2 / 12 of
    0.15 leaves 2e-3.
    """
    value, _, exact, share, _, points, faces = turned
    assert volume(points, faces) == pytest.approx(exact, rel=1e-4 if share <= 5e-4 else 2e-3)


def test_every_crease_is_an_edge(turned):
    """All along it some edge of the mesh runs within a fifth of a cell, and folds as far as the crease does, or 4
    degrees at least.
    """
    _, crease, _, _, _, points, faces = turned
    found = edges(points, faces)
    sharp = found.ends[np.degrees(found.angle) > 4]
    a, along = points[sharp[:, 0]], points[sharp[:, 1]] - points[sharp[:, 0]]
    for point in crease[::7]:
        t = np.clip(((point - a) * along).sum(axis=1) / (along * along).sum(axis=1), 0, 1)
        gap = a + t[:, None] * along - point
        assert math.sqrt((gap * gap).sum(axis=1).min()) < 0.2 * H


def test_vertices_lie_on_the_surface(turned):
    value, _, _, share, _, points, _ = turned
    assert np.abs(value.value(points)).max() < (0.02 if share <= 5e-4 else 0.1) * H, (
        "and off it by half a cell where an edge is chamfered"
    )


def test_nothing_folds_or_touches(turned):
    value, _, _, _, euler, points, faces = turned
    assert closed(faces)
    assert len(points) - 3 * len(faces) // 2 + len(faces) == euler, "merging keeps the topology"
    assert len(np.unique(points.astype(np.float32), axis=0)) == len(points)
    assert set(faces.ravel().tolist()) == set(range(len(points)))
    assert len(self_intersections(points, faces, tolerance=1e-9)) == 0
    assert np.degrees(edges(points, faces).angle).max() < 150, "the sharpest crease turns by 120 degrees"


def test_slivers_merge(turned):
    *_, points, faces = turned
    a, b, c = (points[faces[:, k]] for k in range(3))
    longest = np.sqrt(np.max([((p - q) ** 2).sum(axis=1) for p, q in ((a, b), (b, c), (c, a))], axis=0))
    normals = affine.face_normals(points, faces)
    height = np.sqrt((normals * normals).sum(axis=1)) / longest
    assert (height < 0.02 * longest).mean() < 1e-3
    assert longest.min() > 0.02 * H


@pytest.mark.parametrize(
    "value",
    [sphere(0.6), torus(0.6, 0.2), box(1).round(0.2), sphere(0.6).displace(noise(2, 1), 0.05)],
    ids=["sphere", "torus", "round", "noise"],
)
def test_smooth_surfaces_stay_in_their_cells(value, monkeypatch):
    """Nothing is merged and no vertex leaves its cell: what has no crease costs nothing and changes by nothing."""
    seen = []
    monkeypatch.setattr(
        "detailverse.meshing.dual_contouring.sharpened",
        lambda fit, *rest: seen.append(fit) or creases.sharpened(fit, *rest),
    )
    points, faces, _ = polygonise(value, 0.02)
    (fit,) = seen
    assert (fit.rank == 1).all()
    assert len(points) == len(fit.safe)
    low = points[0] - 0.02 * fit.safe[0]
    np.testing.assert_allclose(points, low + 0.02 * fit.safe, atol=1e-9)


def test_places_are_the_least_squares():
    """Against numpy's solver: three planes or more in general position have one place, whatever their number."""
    rng = Rng("test_creases", "planes")
    count, corners = 200, 6
    quads = np.arange(4 * corners * count).reshape(
        -1, 4
    )  # quad q belongs to vertex q // corners, its other corners to no one else
    quads[:, 0] = np.arange(corners * count) // corners
    quads[:, 1:] = count + np.arange(3 * corners * count).reshape(-1, 3)
    normals = affine.unit(rng.child("normals").uniform(-1, 1, (corners * count, 3)))
    places = 0.5 + rng.child("places").uniform(-0.1, 0.1, (corners * count, 3))
    homes = np.zeros((quads.max() + 1, 3), np.int64)
    stages, _, sure, _, safe = hermite._solved(*hermite.incidence(quads, len(homes)), places, normals, homes)
    offsets = (normals * places).sum(axis=1).reshape(count, corners)
    checked = 0
    for v in np.flatnonzero(sure[:count] == 3):
        exact = np.linalg.lstsq(normals.reshape(count, corners, 3)[v], offsets[v], rcond=None)[0]
        np.testing.assert_allclose(stages[v, 2], exact, atol=1e-9)
        inside = np.abs(exact - 0.5).max() < 0.499
        if inside:
            np.testing.assert_allclose(safe[v], exact, atol=1e-9)
        checked += inside
    assert checked > 100
    assert (np.abs(safe - 0.5) < 0.5).all(), "safe places lie within the cell"


def test_incidence_lists_the_faces_of_every_vertex():
    faces = np.stack([np.argsort(Rng("test_creases", "shuffle", number).unit(50))[:3] for number in range(200)])
    start, around = hermite.incidence(faces, 50)
    for v in range(50):
        np.testing.assert_array_equal(around[start[v] : start[v + 1]], np.flatnonzero((faces == v).any(axis=1)))


def test_merging_stops_where_it_would_pinch():
    """Two tetrahedra glued at a face that is no face of their union: an edge of that triangle must not vanish, the tips
    may.
    """
    faces = np.array([[0, 1, 3], [1, 2, 3], [2, 0, 3], [1, 0, 4], [2, 1, 4], [0, 2, 4]])
    start, around = hermite.incidence(faces, 5)
    free = np.zeros(5, np.bool_)
    assert closed(faces)
    for v, w, allowed in ((0, 1, False), (1, 2, False), (2, 0, False), (3, 0, True), (0, 3, True), (4, 2, True)):
        assert creases._linked(faces, start, around, free, v, w) == allowed


def test_places_that_coincide_part():
    safe = np.array([[0.5, 0.5, 0.5], [1.5, 0.5, 0.5], [0.5, 1.5, 0.5], [9.5, 9.5, 9.5]])
    points = safe.copy()
    points[0] = points[1] = (1.0, 0.5, 0.5)
    parted, faces, _ = creases._apart(points, safe, np.full(4, 2), np.array([[0, 1, 2]]), np.array([0]))
    assert len(parted) == 3 and faces.tolist() == [[0, 1, 2]], "what no face uses is left out"
    assert len(np.unique(parted.astype(np.float32), axis=0)) == 3
    assert np.abs(parted[:2] - points[:2]).max() < 0.02
