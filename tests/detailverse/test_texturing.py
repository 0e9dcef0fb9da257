"""Finishing: normals split where they should, every texel shown is painted, no chart shows another's, seams do not
show, the same bytes twice.
"""

import json

import numpy as np
import pytest
from PIL import Image

from detailverse import materials
from detailverse.materials import FINISHES, Layer, Material, Signals
from detailverse.materials.solids import SOLIDS
from detailverse.materials.tones import tone
from detailverse.modelling.surface import Leaf, Surface
from detailverse.texturing import atlas, bake
from detailverse.texturing.assemble import corner_normals, textured
from detailverse.texturing.unwrap import box_charts
from zeroverse.core import affine
from zeroverse.core.rng import Rng

SIZE = 256


def plain(color=(0.8, 0.2, 0.1), family="plain") -> Material:
    base = SOLIDS[family].sample(Rng("plain"))
    return Material(
        base if color is None else SOLIDS["plain"](base.quat, base.offset, (color, color), 0.0, 0.5, 0.5, 0.0, 1.0, 1)
    )


def surface(points, faces, uv, chart, label="body", slot="metal") -> Surface:
    sizes = tuple(tuple(uv[chart == number].reshape(-1, 2).max(axis=0)) for number in range(chart.max() + 1))
    return Surface(
        points,
        faces,
        np.zeros(len(faces), np.int64),
        chart,
        uv,
        np.zeros((len(faces), 3)),
        (Leaf(label, slot, False, sizes),),
    )


def box(label="body", slot="metal", center=(0, 0, 0), half=0.5) -> Surface:
    """Six charts of side 2 half, a triangle pair each."""
    faces, uv, chart = [], [], []
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    for number, (axis, sign) in enumerate((axis, sign) for axis in range(3) for sign in (-1, 1)):
        right, up = (axis + 1) % 3, (axis + 2) % 3
        ring = [(-sign, -1), (sign, -1), (sign, 1), (-sign, 1)]
        ids = [
            next(i for i, c in enumerate(corners) if c[axis] == sign and c[right] == a and c[up] == b) for a, b in ring
        ]
        flat = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], float) * 2 * half
        for triple in ((0, 1, 2), (0, 2, 3)):
            faces.append([ids[k] for k in triple])
            uv.append(flat[list(triple)])
            chart.append(number)
    return surface(
        half * corners + np.array(center, float), np.array(faces), np.array(uv), np.array(chart), label, slot
    )


def torus(columns=96, rows=48, mapped=True, label="ring", slot="metal", wave=0.0) -> Surface:
    """One chart that wraps both ways: its seams are where u and v start again."""
    major, minor = 0.6, 0.25
    u, v = np.meshgrid(np.arange(columns) / columns * 2 * np.pi, np.arange(rows) / rows * 2 * np.pi, indexing="ij")
    radius = minor + wave * np.cos(7 * u) * np.cos(5 * v)
    points = np.stack(
        [(major + radius * np.cos(v)) * np.cos(u), (major + radius * np.cos(v)) * np.sin(u), radius * np.sin(v)], -1
    ).reshape(-1, 3)
    i, j = (grid.ravel() for grid in np.meshgrid(np.arange(columns), np.arange(rows), indexing="ij"))
    quad = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]
    place = lambda a, b: a % columns * rows + b % rows
    unroll = lambda a, b: np.stack([a / columns * 2 * np.pi * major, b / rows * 2 * np.pi * minor], -1)
    triples = ((0, 1, 2), (0, 2, 3))
    faces = np.concatenate([np.stack([place(*quad[k]) for k in triple], -1) for triple in triples])
    uv = np.concatenate([np.stack([unroll(*quad[k]) for k in triple], 1) for triple in triples])
    return surface(points, faces, uv if mapped else 0 * uv, np.full(len(faces), 0 if mapped else -1), label, slot)


def together(*parts: Surface) -> Surface:
    points, faces = (
        np.cumsum([0] + [len(part.points) for part in parts]),
        np.cumsum([0] + [len(part.leaves) for part in parts]),
    )
    columns = [(p.points, p.faces + points[n], p.leaf + faces[n], p.chart, p.uv, p.relief) for n, p in enumerate(parts)]
    return Surface(*(np.concatenate(column) for column in zip(*columns)), sum((part.leaves for part in parts), ()))


def image(scene, name="baseColorTexture") -> np.ndarray:
    return np.asarray(getattr(next(iter(scene.geometry.values())).visual.material, name))


def look_up(picture, uv):
    """Bilinear, uv [N, 2] -> [N, 3], as renderers do at the finest level."""
    height, width = picture.shape[:2]
    x, y = uv[:, 0] * width - 0.5, (1 - uv[:, 1]) * height - 0.5
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = (x - left)[:, None], (y - top)[:, None]
    at = lambda row, column: picture[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)].astype(float)
    return (at(top, left) * (1 - fx) + at(top, left + 1) * fx) * (1 - fy) + (
        at(top + 1, left) * (1 - fx) + at(top + 1, left + 1) * fx
    ) * fy


def test_a_box_has_exact_normals():
    shape = box()
    flat = affine.unit(affine.face_normals(shape.points, shape.faces))
    assert np.array_equal(corner_normals(shape.points, shape.faces), np.repeat(flat[:, None], 3, axis=1))


def test_normals_of_a_smooth_surface():
    """Within a degree of the torus's own, at every corner."""
    shape = torus()
    ring = shape.points * [1, 1, 0]
    true = affine.unit(shape.points - 0.6 * affine.unit(ring))
    made = corner_normals(shape.points, shape.faces)
    assert np.einsum("fki,fki->fk", made, true[shape.faces]).min() > np.cos(np.radians(1.0))


def test_thin_triangles_do_not_turn_normals():
    """A triangle without area on the edge of a square: its neighbours keep theirs, it takes theirs."""
    points = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0.5, 0, 0]], float)
    faces = np.array([[0, 4, 2], [4, 1, 2], [0, 2, 3], [0, 1, 4]])
    assert np.array_equal(corner_normals(points, faces), np.tile([0.0, 0.0, 1.0], (4, 3, 1)))


def test_vertices_are_split_only_where_they_must_be():
    """One for every point and place on the atlas: their normals agree, within a box's sides and on a torus, where
    charts wrap.
    """
    for shape in (box(), torus()):
        mesh = next(iter(textured(shape, {"metal": plain()}, SIZE).geometry.values()))
        plan = atlas.layout(shape, SIZE)
        places = np.concatenate([shape.faces.reshape(-1, 1), np.round(plan.uv.reshape(-1, 2) * 64 * SIZE)], axis=1)
        assert len(mesh.vertices) == len(np.unique(places, axis=0)) and len(mesh.faces) == len(shape.faces)


def test_parts_in_order_of_their_first_leaf():
    shape = together(box("lid.knob", "gold"), box("body", "metal", (2, 0, 0)), box("lid.knob", "gold", (4, 0, 0)))
    scene = textured(shape, {"gold": plain((0.9, 0.8, 0.3)), "metal": plain((0.1, 0.1, 0.8))}, SIZE)
    assert list(scene.geometry) == ["lid.knob", "body"]
    assert [len(mesh.faces) for mesh in scene.geometry.values()] == [24, 12]
    assert scene.geometry["body"].visual.material is scene.geometry["lid.knob"].visual.material
    for name, color in (("lid.knob", (0.9, 0.8, 0.3)), ("body", (0.1, 0.1, 0.8))):
        seen = look_up(image(scene), scene.geometry[name].visual.uv)
        assert np.abs(seen - 255 * np.array(color)).max() < 10  # the grain of a plain material is 2 %
    assert np.array_equal(np.unique(image(scene, "metallicRoughnessTexture")[..., 0]), [255])


def test_geometry_goes_through_unchanged():
    shape = together(torus(), box(center=(0, 0, 2)))
    scene = textured(shape, {"metal": plain()}, SIZE)
    made = np.concatenate([mesh.triangles for mesh in scene.geometry.values()])
    assert np.array_equal(made, shape.points[shape.faces])
    for mesh in scene.geometry.values():
        assert np.abs(np.einsum("ni,ni->n", mesh.vertex_normals, mesh.vertex_normals) - 1).max() < 1e-12


@pytest.mark.parametrize(
    "shape",
    [box(), torus(), torus(mapped=False), torus(mapped=False, wave=0.1)],
    ids=["box", "torus", "bare torus", "wavy"],
)
def test_charts_do_not_overlap(shape):
    """Centres of faces, in texels: no face of another chart, and for charts of our own no face at all, covers them."""
    plan = atlas.layout(shape, SIZE)
    assert plan.uv.min() > 0 and plan.uv.max() < 1
    face, _ = bake._rasterised(plan.uv, SIZE)
    middle = plan.uv.mean(axis=1)
    seen = face[((1 - middle[:, 1]) * SIZE).astype(int), (middle[:, 0] * SIZE).astype(int)]
    assert (seen >= 0).all()
    assert np.array_equal(plan.chart[seen], plan.chart)
    edge = plan.uv - np.roll(plan.uv, 1, axis=1)
    area = edge[:, 0, 0] * edge[:, 1, 1] - edge[:, 0, 1] * edge[:, 1, 0]
    assert area.min() > -1e-12 and 0.3 < area.sum() / 2 < plan.used + 1e-9  # nothing mirrored, little wasted


def test_instances_share_texels():
    """Two boxes of one leaf lie on the same texels, as large as one alone."""
    one, two = box(), box(center=(2, 0, 0))
    both = together(one, two)
    both = Surface(both.points, both.faces, 0 * both.leaf, both.chart, both.uv, both.relief, both.leaves[:1])
    plan, alone = atlas.layout(both, SIZE), atlas.layout(one, SIZE)
    assert np.array_equal(plan.uv[:12], plan.uv[12:]) and plan.density == alone.density


def test_long_charts_are_cut():
    """A strip 200 times as long as wide is as dense as a square of its area nearly is."""
    points = np.array([[x, y, 0] for x in np.linspace(0, 20, 401) for y in (0, 0.1)])
    i = 2 * np.arange(400)
    faces = np.concatenate([np.stack([i, i + 2, i + 3], 1), np.stack([i, i + 3, i + 1], 1)])
    strip = surface(points, faces, points[faces][..., :2], np.zeros(800, np.int64))
    plan = atlas.layout(strip, SIZE)
    assert plan.density > 0.5 * SIZE / np.sqrt(2.0)
    assert plan.chart.max() > 3


def test_box_charts_have_no_folds():
    """On a wavy torus every face is turned towards its view, and two faces of a chart never cover one point: their
    areas add up.
    """
    shape = torus(200, 100, wave=0.12)
    chart, uv = box_charts(shape.points, shape.faces, shape.leaf)
    edge = uv - np.roll(uv, 1, axis=1)
    area = 0.5 * (edge[:, 0, 0] * edge[:, 1, 1] - edge[:, 0, 1] * edge[:, 1, 0])
    assert area.min() > 0
    cell = 0.004
    for number in np.flatnonzero(np.bincount(chart) > 200):
        flat = uv[chart == number]
        low, high = flat.reshape(-1, 2).min(axis=0), flat.reshape(-1, 2).max(axis=0)
        size = int(np.ceil((high - low).max() / cell)) + 4
        face, weights = bake._rasterised(np.ascontiguousarray((flat - low) / cell + 2) / size, size)
        inside = (face >= 0) & (weights.min(axis=2) >= 0) & (weights.sum(axis=2) <= 1)
        assert area[chart == number].sum() < 1.01 * inside.sum() * cell**2 + cell * cell * len(flat) ** 0.5


def test_no_texel_is_left_out():
    """A base that is never black, on shapes with hundreds of charts: no look-up at a corner or inside a face is near
    black.
    """
    shape = together(torus(mapped=False, wave=0.1), torus(label="other"))
    scene = textured(shape, {"metal": plain((0.7, 0.7, 0.7))}, SIZE)
    assert image(scene).min() > 150
    assert image(scene).shape == (SIZE, SIZE, 3)


@pytest.mark.parametrize("mapped", [True, False])
def test_seams_do_not_show(mapped):
    """Colours on both sides of a seam differ no more than colours half a texel apart do anywhere."""
    shape = torus(mapped=mapped)
    base = SOLIDS["mottled"](
        palette=((0.1, 0.1, 0.1), (0.9, 0.9, 0.9), (0.5, 0.5, 0.5)),
        frequency=3.0,
        blotch=0.9,
        spots=0.0,
        rough=0.5,
        noise=3,
        quat=(1.0, 0.0, 0.0, 0.0),
        offset=(0.0, 0.0, 0.0),
    )
    picture = image(textured(shape, {"metal": Material(base)}, SIZE))
    plan = atlas.layout(shape, SIZE)
    start = (
        np.concatenate([shape.faces, np.roll(shape.faces, -1, axis=1)], axis=1)
        .reshape(-1, 2, 3)
        .transpose(0, 2, 1)
        .reshape(-1, 2)
    )
    middle = (0.5 * (plan.uv + np.roll(plan.uv, -1, axis=1))).reshape(-1, 2)
    order = np.lexsort((start.max(axis=1), start.min(axis=1)))
    one, two = order[0::2], order[1::2]  # the two sides of every edge
    seam = np.abs(middle[one] - middle[two]).max(axis=1) > 1 / SIZE
    assert seam.sum() > 50
    across = np.abs(look_up(picture, middle[one][seam]) - look_up(picture, middle[two][seam])).max(axis=1)
    inside = middle[one][~seam]
    along = np.abs(look_up(picture, inside) - look_up(picture, inside + [0.5 / SIZE, 0])).max(axis=1)
    assert across.mean() < 1.5 * along.mean() + 0.5 and across.max() < 1.5 * along.max() + 2


def test_bends_of_an_edge_and_a_groove():
    """Two squares at a right angle: negative on the outside, positive inside, the same size, 0 away from the fold."""
    grid = (np.arange(160) + 0.5) / 800
    a, b = (g.ravel() for g in np.meshgrid(grid, grid, indexing="ij"))
    points = np.concatenate([np.stack([a, b, 0 * a], 1), np.stack([0 * a, b, -a], 1)])
    normals = np.repeat([[0.0, 0, 1], [-1, 0, 0]], len(a), axis=0)
    edge, groove = bake.bend(points, normals), bake.bend(points, -normals)
    assert np.array_equal(edge, -groove)
    close, far = np.tile(a < 0.004, 2), np.tile(a > 0.06, 2)
    assert edge[close].max() < -0.4 and np.abs(edge[far]).max() < 0.01


def test_fine_relief_leans_away_from_what_rises():
    """A ramp of slope 1/2 along u, in a chart beside another: its normal everywhere in the chart, the flat one
    elsewhere.
    """
    density, chart = 40.0, np.full((32, 32), -1, np.int32)
    chart[:, 2:14], chart[:, 14:20] = 0, 1
    heights = np.where(chart == 0, 0.5 / density * np.arange(32), 0.0).astype(np.float32)
    normal = (bake._relief(heights, chart, density).astype(float) - 128) / 127
    assert np.abs(normal[:, 2:14] - np.array([-0.5, 0, 1]) / np.sqrt(1.25)).max() < 0.01
    assert np.abs(normal[:, :2, :2]).max() == np.abs(normal[:, 14:, :2]).max() == 0


def test_layers_lie_where_they_belong():
    """Wear on edges and tops, dirt in grooves, dust above; none of them on a plain wall."""
    points, normals = Rng("layers").unit((600, 3)), np.tile([0.0, 1.0, 0.0], (600, 1))
    normals[400:] = [0.0, 0.0, 1.0]
    bend = np.repeat([0.0, -1.0, 1.0, 0.0, 0.0, 0.0], 100)
    for where, rows in (("edges", slice(100, 200)), ("cavities", slice(200, 300)), ("above", slice(400, 600))):
        layer = Layer(where, 0.4, 1.0, (0.0, 0.0, 1.0), 0.9, 0.0, 8.0, 5)
        blue = (
            Material(plain((1.0, 0.0, 0.0)).base, (layer,))
            .fields(points, normals, Signals(bend, 0 * bend))
            .base_color[:, 2]
        )
        assert blue[rows].mean() > 0.7 and blue[:100].max() < 0.1 and blue[300:400].max() < 0.1


@pytest.mark.parametrize("name", FINISHES)
def test_every_look_of_a_finish(name):
    """Each draw is made of JSON types, comes back equal, and gives numbers in range that are not flat black."""
    points = 2 * Rng("points").unit((400, 3)) - 1
    normals = affine.unit(2 * Rng("normals").unit((400, 3)) - 1)
    signals = Signals(2 * Rng("bend").unit(400) - 1, 2 * Rng("relief").unit(400) - 1)
    for index in range(6):
        material = materials.sample(Rng("finish", index), name)
        assert materials.from_dict(json.loads(json.dumps(materials.to_dict(material)))) == material
        fields = material.fields(points, normals, signals)
        for values in fields[:3]:
            assert np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1
        assert fields.base_color.mean() > 0.05


def hue_of(color) -> float:
    """OKLab hue in degrees of an sRGB-encoded colour (Ottosson, 2020)."""
    encoded = np.array(color)
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    lms = np.cbrt(
        np.array(
            [
                [0.4122214708, 0.5363325363, 0.0514459929],
                [0.2119034982, 0.6806995451, 0.1073969566],
                [0.0883024619, 0.2817188376, 0.6299787005],
            ]
        )
        @ linear
    )
    a, b = np.array([[1.9779984951, -2.4285922050, 0.4505937099], [0.0259040371, 0.7827717662, -0.8086757660]]) @ lms
    return float(np.degrees(np.arctan2(b, a)))


@pytest.mark.parametrize("name", ["vivid", "dyed", "soft", "glaze", "deep"])
def test_colours_of_any_hue_keep_to_the_scheme_of_their_object(name):
    hues, off = (130.0, 310.0), []
    for index in range(60):
        hue = hue_of(tone(Rng("tone", index), name, hues))
        off.append([abs((hue - one + 180) % 360 - 180) for one in hues])
    nearest = np.min(off, axis=1)
    assert nearest.max() < 9 and np.ptp(nearest) > 2, (
        "two coats of one paint differ, by up to 7°; the rest is rounding to 4 decimals"
    )
    assert 10 < np.argmin(off, axis=1).sum() < 50, "every hue of the scheme is used"


def test_colours_of_matter_know_no_scheme():
    assert all(
        tone(Rng("tone"), name, (20.0,)) == tone(Rng("tone"), name, (200.0,))
        for name in ("gold", "oak", "ruby", "white")
    )
    schemes = [materials.scheme(Rng("scheme", index)) for index in range(200)]
    assert {len(set(hues)) for hues in schemes} == {1, 2, 3}


def test_every_solid_has_no_blocks():
    """A texel's material does not depend on which texels are painted with it."""
    points, normals = 2 * Rng("points").unit((300, 3)) - 1, affine.unit(2 * Rng("normals").unit((300, 3)) - 1)
    signals = Signals(2 * Rng("bend").unit(300) - 1, 0 * points[:, 0])
    for family in SOLIDS.values():
        material = Material(
            family.sample(Rng("solid")), tuple(Layer.sample(Rng("layer", number)) for number in range(3))
        )
        whole = material.fields(points, normals, signals)
        part = material.fields(points[40:90], normals[40:90], Signals(signals.bend[40:90], signals.relief[40:90]))
        for one, two in zip(whole, part):
            assert one[40:90].tobytes() == two.tobytes()


def test_the_same_bytes_twice():
    shape = together(torus(mapped=False, wave=0.1), box(slot="gold"))
    made = [
        textured(shape, {name: materials.sample(Rng("twice"), name) for name in ("metal", "gold")}, SIZE)
        for _ in range(2)
    ]
    assert image(made[0]).tobytes() == image(made[1]).tobytes()
    for one, two in zip(made[0].geometry.values(), made[1].geometry.values()):
        assert one.vertices.tobytes() == two.vertices.tobytes() and one.visual.uv.tobytes() == two.visual.uv.tobytes()


def test_pictures_are_what_gltf_reads():
    scene = textured(box(), {"metal": plain()}, SIZE)
    material = scene.geometry["body"].visual.material
    assert (
        isinstance(material.baseColorTexture, Image.Image)
        and material.metallicFactor == material.roughnessFactor == 1.0
    )
    again = textured(box(), {"metal": plain()}, SIZE).export(file_type="glb")
    assert scene.export(file_type="glb") == again
    assert material.normalTexture is None  # a plain base has no relief
    carved = textured(torus(), {"metal": Material(SOLIDS["fibrous"].sample(Rng("carved")))}, SIZE)
    normal = image(carved, "normalTexture") / 127.5 - 1
    assert np.abs(np.sqrt((normal * normal).sum(axis=2)) - 1).max() < 0.03 and normal[..., 0].std() > 0.01


@pytest.mark.parametrize(
    "change, message",
    [
        ({"base": {"family": "plane"}}, "base: family: expected one of"),
        ({"base": 3}, "base: expected a texture, got 3"),
        ({"layers": 3}, "layers: expected a list, got 3"),
        ({"layer": []}, "material: expected base, layers; got"),
    ],
)
def test_wrong_materials(change, message):
    record = materials.to_dict(plain()) | change
    with pytest.raises(ValueError, match="^" + message):
        materials.from_dict(record)


@pytest.mark.parametrize(
    "key, value, message",
    [
        ("amount", 3, r"layers\[0\].amount: expected a number from 0.0 to 1.0, got 3"),
        ("where", "inside", r"layers\[0\].where: expected one of edges, cavities, above, got 'inside'"),
        ("much", 1, r"layers\[0\]: unknown 'much'; expected where"),
    ],
)
def test_wrong_layers(key, value, message):
    record = materials.to_dict(Material(plain().base, (Layer.sample(Rng("layer")),)))
    record["layers"][0][key] = value
    with pytest.raises(ValueError, match=message):
        materials.from_dict(record)


def test_what_is_missing_is_named():
    with pytest.raises(ValueError, match="materials: expected one for the slot 'metal', got gold"):
        textured(box(), {"gold": plain()}, SIZE)
    with pytest.raises(ValueError, match="finish: expected one of metal"):
        materials.sample(Rng("x"), "unobtainium")
    with pytest.raises(ValueError, match="texture_size: expected room for 6 charts, got 4"):
        atlas.layout(box(), 4)
