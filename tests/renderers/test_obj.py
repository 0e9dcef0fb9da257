"""OBJ and MTL files as people write them: what says the same is read as the same, and what is not there is named."""

import numpy as np
import pytest
import trimesh
from PIL import Image

from renderers.sources import obj, scans
from renderers.sources.load import load_file
from renderers.sources.obj import mtl
from renderers.sources.obj.polygons import triangles
from zeroverse.asset import AssetError
from zeroverse.core.rng import Rng
from zeroverse.material import uv_of

CORNERS = [(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)]
SQUARE = "".join(f"v {x} {y} {z}\nvt {(x + 1) / 2} {(y + 1) / 2}\n" for x, y, z in CORNERS)
FACE = "f 1/1 2/2 3/3 4/4\n"
PICTURE = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)


@pytest.fixture
def folder(tmp_path):
    """An assets folder with one object's folder in it, and a picture that is not theirs beside."""
    place = tmp_path / "assets" / "thing"
    place.mkdir(parents=True)
    Image.fromarray(PICTURE).save(tmp_path / "secret.png")
    return place


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, np.ndarray):
        Image.fromarray(content).save(path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def read(folder, text, on_missing="refuse", **files):
    """The meshes of an OBJ; files: the others, `__` in their names for a folder and `_` before the ending."""
    write(folder / "thing.obj", text)
    for name, content in files.items():
        stem, _, ending = name.replace("__", "/").rpartition("_")
        write(folder / f"{stem}.{ending}", content)
    return obj.read(folder / "thing.obj", folder.parent, on_missing)


def only(meshes) -> trimesh.Trimesh:
    (mesh,) = meshes.values()
    return mesh


def material_of(folder, lines, **files):
    meshes, _ = read(folder, f"mtllib m.mtl\n{SQUARE}usemtl a\n{FACE}", m_mtl=f"newmtl a\n{lines}\n", **files)
    return only(meshes).visual.material


# ------------------------------------------------------------------------------------------------------------ polygons


@pytest.mark.parametrize("seed", range(40))
def test_polygons_are_cut_into_their_own_area(seed):
    """A star of random radii in a random plane, some of its edges with points on them: every triangle faces the way of
    the polygon and together they have its area.
    """
    rng = Rng("polygons", seed)
    count = 4 + int(rng.child("count").unit() * 20)
    turns = (np.arange(count) + 0.7 * rng.child("turns").unit(count)) / count
    radii = 0.1 + rng.child("radii").unit(count)
    flat = np.stack([radii * np.cos(2 * np.pi * turns), radii * np.sin(2 * np.pi * turns)], axis=1)
    flat = np.concatenate(
        [[a, (a + b) / 2] if i % 3 == 0 else [a] for i, (a, b) in enumerate(zip(flat, np.roll(flat, -1, 0)))]
    )
    basis = np.linalg.qr(rng.child("plane").unit(9).reshape(3, 3) - 0.5)[0]
    points = flat @ basis[:, :2].T * 10 + 3
    cut = triangles(points, np.array([len(points)]))
    x, y = flat.T
    area = (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2
    a, b, c = (flat[cut[:, i]] for i in range(3))
    pieces = ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
    assert len(cut) == len(points) - 2 and pieces.min() > -1e-9 * area
    assert pieces.sum() == pytest.approx(area, rel=1e-9)


def test_polygons_keep_their_order_and_triangles_their_corners():
    points = np.array([*CORNERS, (5, 5, 5), (6, 5, 5), (5, 6, 5), *CORNERS], dtype=float)
    assert triangles(points, np.array([4, 3, 4])).tolist() == [
        [0, 1, 2], [2, 3, 0], [4, 5, 6], [7, 8, 9], [9, 10, 7],
    ]  # fmt: skip


@pytest.mark.parametrize("first", range(4))
def test_a_concave_quad_is_cut_through_its_inner_corner(first):
    arrow = np.roll([(0, 0, 0), (2, -1, 0), (0, 2, 0), (-2, -1, 0)], -first, axis=0).astype(float)
    a, b, c = (arrow[triangles(arrow, np.array([4]))[:, i]] for i in range(3))
    assert (np.cross(b - a, c - a)[:, 2] > 0).all()


# ------------------------------------------------------------------------------------------------------------- numbers


def test_numbers_are_the_nearest_doubles(folder):
    rng = Rng("numbers")
    words = [
        "1e-7",
        "-.5",
        "5.",
        "+3.25e+2",
        "1E5",
        "0.1234567890123456789",
        "123456789012345678",
        "1e300",
        "-0.0",
        "7e-320",
    ]
    for i in range(200):
        stream = rng.child(i)
        words.append(f"{(stream.unit() - 0.5) * 10.0 ** int(stream.child('e').unit() * 40 - 20):.{i % 18}g}")
    words += ["0"] * (-len(words) % 3)
    lines = [words[i : i + 3] for i in range(0, len(words), 3)]
    text = (
        "".join(f"v {' '.join(line)}\n" for line in lines) + "f " + " ".join(map(str, range(1, len(lines) + 1))) + "\n"
    )
    meshes, _ = read(folder, text)
    expected = np.array([[float(word) for word in line] for line in lines])
    assert np.array_equal(only(meshes).vertices, expected)


@pytest.mark.parametrize(
    "line, message",
    [
        ("v 1 2", "line 5: expected 3 numbers, got 2"),
        ("v 1 2 x", "line 5: expected numbers, got '1 2 x'"),
        ("f 1 2 9", "line 5: a face refers to a v that is not there; the file has 4"),
        ("f 1 2 0", "line 5: a face refers to a v that is not there"),
        ("f 1 2 -5", "line 5: a face refers to a v that is not there"),
        ("f 1/1 2/1 3/1", "line 5: a face refers to a vt that is not there; the file has 0"),
        ("f 1/a 2 3", "line 5: a face refers to a vt"),
        ("f /1 /1 /1", "line 5: "),
        ("surf 0 1 0 1 1 2 3", "line 5: surf: free-form"),
    ],
)
def test_a_wrong_line_is_named(folder, line, message):
    text = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n" + line + "\nf 1 2 3\n"
    with pytest.raises(AssetError, match=f"thing.obj: {message}"):
        read(folder, text)


@pytest.mark.parametrize("seed", range(12))
def test_every_way_to_write_faces_is_the_same_surface(folder, seed):
    """A random mesh, its lines shuffled as far as the format allows, indices absolute or relative, with and without
    texture coordinates and normals, continued lines, tabs, comments: each corner has what the writer meant.
    """
    rng = Rng("faces", seed)
    with_uv, with_normal, relative = (rng.child(name).unit() < 0.6 for name in ("uv", "normal", "relative"))
    lines, meant, counts = [], [], {"v": 0, "vt": 0, "vn": 0}
    tables = {"v": [], "vt": [], "vn": []}
    for face in range(15):
        stream = rng.child("face", face)
        size = 3 + face % 2
        angle = np.arange(size) * 2 * np.pi / size
        flat = np.stack([np.cos(angle), np.sin(angle), stream.unit(size) * 0.1], axis=1) + 4 * stream.child("at").unit(
            3
        )
        for point in flat:
            for key, row in (("v", point), ("vt", stream.child("t").unit(2) + point[:2]), ("vn", point * 2)):
                tables[key].append([float(f"{x:.9g}") for x in row])
                lines.append(f"{key}\t{'  '.join(f'{x:.9g}' for x in row)}  # of face {face}\r\n")
                counts[key] += 1
        corners = []
        for corner in range(size):
            at = counts["v"] - size + corner
            number = str(at - counts["v"] if relative else at + 1)
            parts = [number, number if with_uv else "", number if with_normal else ""]
            corners.append("/".join(parts).rstrip("/"))
            meant.append(at)
        joined = " ".join(corners)
        lines.append(f"f {joined}\n" if face % 3 else f"f {corners[0]} \\\n   {' '.join(corners[1:])}\n")
        if face % 4 == 0:
            lines.append("s off\ng part\n\n   \n# comment\nl 1 2\n")
    meshes, notes = read(folder, "".join(lines))
    mesh = only(meshes)
    assert notes["not_drawn"] == {"lines": 4}
    found = {tuple(point): i for i, point in enumerate(np.round(mesh.vertices, 9).tolist())}
    for at in meant:
        index = found[tuple(np.round(tables["v"][at], 9).tolist())]
        if with_uv:
            assert mesh.visual.uv[index] == pytest.approx(tables["vt"][at])
        if with_normal:
            assert mesh.vertex_normals[index] == pytest.approx(tables["vn"][at])
    assert len(mesh.faces) == sum(1 if face % 2 == 0 else 2 for face in range(15))


def test_a_plain_file_gives_the_arrays_that_trimesh_gives(folder):
    sphere = trimesh.creation.icosphere(3)
    sphere.visual = trimesh.visual.TextureVisuals(uv=sphere.vertices[:, :2] / 2 + 0.5, image=Image.fromarray(PICTURE))
    sphere.export(folder / "ball.obj", include_normals=True)
    ours, theirs = (
        only(meshes)
        for meshes in (
            obj.read(folder / "ball.obj", folder)[0],
            trimesh.load_scene(folder / "ball.obj", process=False).geometry,
        )
    )
    for ours_, theirs_ in (
        (ours.vertices, theirs.vertices),
        (ours.faces, theirs.faces),
        (ours.visual.uv, theirs.visual.uv),
        (ours.vertex_normals, theirs.vertex_normals),
    ):
        assert np.array_equal(ours_, theirs_)


# ----------------------------------------------------------------------------------------------------- vertex colours


@pytest.mark.parametrize("extra", ["0.5 0.2 0.1", "127.5 51 25.5", "0.5 0.2 0.1 1"])
def test_vertex_colours_are_srgb(folder, extra):
    text = "".join(f"v {x} {y} {z} {extra}\n" for x, y, z in CORNERS) + "f 1 2 3 4\n"
    colors = only(read(folder, text)[0]).visual.vertex_attributes["color"]
    linear = [((x + 0.055) / 1.055) ** 2.4 for x in (128 / 255, 51 / 255, 26 / 255)]
    assert colors == pytest.approx(np.array([[*linear, 1.0]] * 4), rel=1e-6)


# --------------------------------------------------------------------------------------------------------- encodings


NAMES = {"utf-8": "木头", "utf-8-sig": "木头", "gbk": "木头", "latin-1": "Möbel", "utf-16": "木头", "utf-16-le": "é"}


@pytest.mark.parametrize("of_mtl", NAMES)
@pytest.mark.parametrize("of_obj", NAMES)
def test_text_of_any_usual_encoding(folder, of_obj, of_mtl):
    """The same name in two files, of encodings that can both write it; or a comment that only one of them can."""
    name = NAMES[of_obj] if NAMES[of_obj] == NAMES[of_mtl] else "plain"
    text = f"# {NAMES[of_obj]}\nmtllib m.mtl\n{SQUARE}usemtl {name}\n{FACE}"
    library = f"# {NAMES[of_mtl]}\nnewmtl {name}\nmap_Kd tex.png\n"
    meshes, notes = read(folder, text.encode(of_obj), m_mtl=library.encode(of_mtl), tex_png=PICTURE)
    assert not notes and only(meshes).visual.material.baseColorTexture.size == (8, 8)


def test_a_picture_whose_name_is_in_another_encoding(folder):
    write(folder / "木头.png", PICTURE)
    assert material_of(folder, "map_Kd tex.png\nnewmtl b", tex_png=PICTURE).baseColorTexture is not None
    write(folder / "n.mtl", "newmtl a\nmap_Kd 木头.png\n".encode("gbk"))
    meshes, _ = read(folder, f"mtllib n.mtl\n{SQUARE}usemtl a\n{FACE}")
    assert only(meshes).visual.material.baseColorTexture.size == (8, 8)


# ------------------------------------------------------------------------------------------------- where pictures are


@pytest.mark.parametrize(
    "library, name, picture",
    [
        ("m.mtl", "tex.png", "tex.png"),
        ("m.mtl", "C:\\Users\\someone\\Desktop\\tex.png", "tex.png"),
        ("m.mtl", "/home/someone/tex.png", "tex.png"),
        ("m.mtl", "Tex.PNG", "tex.png"),
        ("m.mtl", "MAPS\\Tex.png", "maps/tex.png"),
        ("materials/m.mtl", "tex.png", "materials/tex.png"),
        ("materials/m.mtl", "../maps/tex.png", "maps/tex.png"),
        ("materials\\m.mtl", "tex.png", "tex.png"),
        ("M.MTL", "tex.png", "tex.png"),
        ("my materials.mtl", "my picture.png", "my picture.png"),
        ("other.mtl m.mtl", "tex.png", "tex.png"),
        ("m.mtl", '"tex.png"', "tex.png"),
        ("m.mtl", "nowhere/tex.png", "deep/down/tex.png"),
    ],
)
def test_materials_and_pictures_are_found(folder, library, name, picture):
    place = {"M.MTL": "m.mtl", "other.mtl m.mtl": "m.mtl"}.get(library, library.replace("\\", "/"))
    write(folder / place, f"newmtl a\nmap_Kd {name}\n")
    write(folder / "other.mtl", "newmtl b\nKd 1 0 0\n")
    write(folder / picture, PICTURE)
    meshes, notes = read(folder, f"mtllib {library}\n{SQUARE}usemtl a\n{FACE}")
    assert not notes and np.array_equal(np.asarray(only(meshes).visual.material.baseColorTexture), PICTURE)


def test_several_libraries_on_several_lines(folder):
    text = f"mtllib a.mtl\nmtllib b.mtl\n{SQUARE}usemtl a\n{FACE}usemtl b\n{FACE}usemtl a\n{FACE}"
    meshes, _ = read(folder, text, a_mtl="newmtl a\nKd 1 0 0\n", b_mtl="newmtl b\nKd 0 1 0\nnewmtl a\nKd 0 0 1\n")
    assert list(meshes) == ["b", "a"]
    assert meshes["a"].visual.material.base_color == (1.0, 0.0, 0.0, 1.0)
    assert len(meshes["a"].faces) == 4


@pytest.mark.parametrize("name", ["../../secret.png", "link/secret.png", "..\\..\\secret.png"])
def test_nothing_outside_is_read(folder, name):
    (folder / "link").symlink_to(folder.parents[1])
    with pytest.raises(AssetError, match="thing.obj: refers to .* which is not in"):
        material_of(folder, f"map_Kd {name}")


@pytest.mark.parametrize("content", [None, b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_a_picture_that_is_missing_or_damaged_is_named(folder, content):
    files = {} if content is None else {"gone_png": content}
    with pytest.raises(AssetError, match="thing.obj: picture 'gone.png' (is nowhere|cannot be read)"):
        material_of(folder, "map_Kd gone.png", **files)
    text = f"mtllib m.mtl\n{SQUARE}usemtl a\n{FACE}"
    meshes, notes = read(folder, text, on_missing="white", m_mtl="newmtl a\nmap_Kd gone.png\n")
    assert notes == {"missing_textures": ["gone.png"]} and only(meshes).visual.material.baseColorTexture is None


def test_a_library_that_is_missing_is_named_where_it_matters(folder):
    with pytest.raises(AssetError, match="material 'a': its library 'gone.mtl' is nowhere"):
        read(folder, f"mtllib gone.mtl\n{SQUARE}usemtl a\n{FACE}")
    _, notes = read(folder, f"mtllib gone.mtl\n{SQUARE}usemtl a\n{FACE}", on_missing="white")
    assert notes == {"missing_libraries": ["gone.mtl"], "undefined_materials": ["a"]}
    assert read(folder, f"mtllib gone.mtl\n{SQUARE}{FACE}")[0], "it has no material to lack"


# ------------------------------------------------------------------------------------------------------------ materials


@pytest.mark.parametrize(
    "text, expected",
    [
        ("tex.png", mtl.Map(b"tex.png")),
        ("-s 3 2 1 tex.png", mtl.Map(b"tex.png", scale=(3, 2))),
        ("-s 3 tex.png", mtl.Map(b"tex.png", scale=(3, 1))),
        ("-o .5 .25 -s 2 2 my tex.png", mtl.Map(b"my tex.png", scale=(2, 2), offset=(0.5, 0.25))),
        ("-S 2 2 2 -CLAMP on tex.png", mtl.Map(b"tex.png", scale=(2, 2), clamp=True)),
        ("-clamp off -blendu on -blendv off -texres 512 tex.png", mtl.Map(b"tex.png")),
        ("-t 0 0 0 -type sphere -mm 0.1 0.8 -imfchan g tex.png", mtl.Map(b"tex.png", gain=(0.1, 0.8), channel="g")),
        ("-bm 0.3 -boost 2 -cc on normal.png", mtl.Map(b"normal.png", strength=0.3)),
        ("-s 1 1 1 3 d.png", mtl.Map(b"3 d.png")),
        ("-s 2 2 2", mtl.Map(b"2", scale=(2, 2))),
        ("-odd name.png", mtl.Map(b"-odd name.png")),
    ],
)
def test_texture_options(text, expected):
    assert mtl.picture_of(text.encode()) == expected


def test_options_place_each_map_by_itself(folder):
    lines = "map_Kd -s 3 2 -o .5 .25 tex.png\nmap_Ke -s 2 2 tex.png\nnorm -bm 0.3 -clamp on tex.png"
    meshes, _ = read(folder, f"mtllib m.mtl\n{SQUARE}usemtl a\n{FACE}", m_mtl=f"newmtl a\n{lines}\n", tex_png=PICTURE)
    mesh = only(meshes)
    uv, attributes, material = mesh.visual.uv, mesh.visual.vertex_attributes, mesh.visual.material
    plain = attributes[uv_of("normalTexture")]
    assert sorted(plain.tolist()) == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert uv == pytest.approx(plain * [3, 2] + [0.5, 0.25])
    assert attributes[uv_of("emissiveTexture")] == pytest.approx(plain * 2)
    assert material.normal_scale == 0.3 and material.sampler("normalTexture").wrap_u == "clamp"
    assert material.emission == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    "lines, color, mode",
    [
        ("Kd .1 .2 .3", (0.1, 0.2, 0.3, 1.0), None),
        ("kd .1 .2 .3\nD 0.25", (0.1, 0.2, 0.3, 0.25), "BLEND"),
        ("Kd .1 .2 .3\nTr 0.25", (0.1, 0.2, 0.3, 0.75), "BLEND"),
        ("Kd .1 .2 .3\nd 1\nTr 1", (0.1, 0.2, 0.3, 1.0), None),
        ("Kd .1\nd -halo 0.5", (0.1, 0.1, 0.1, 0.5), "BLEND"),
        ("Kd 2 -1 .5", (1.0, 0.0, 0.5, 1.0), None),
    ],
)
def test_colour_and_transparency(folder, lines, color, mode):
    material = material_of(folder, lines)
    assert material.base_color == color and material.alphaMode == mode


def test_metal_and_roughness(folder):
    material = material_of(folder, "Kd .8 .6 .2\nPm 1.0\nPr 0.2\nNs 500")
    assert (material.metallicFactor, material.roughnessFactor) == (1.0, 0.2)
    grey = np.full((4, 4), 51, np.uint8)
    material = material_of(
        folder, "Pm 0.5\nmap_Pm metal.png\nPr 0.3\nmap_Pr rough.png", metal_png=grey, rough_png=PICTURE
    )
    surface = np.asarray(material.metallicRoughnessTexture)
    assert surface.shape == (8, 8, 3) and (surface[..., 2] == 51).all()
    assert np.array_equal(surface[..., 1], np.asarray(Image.fromarray(PICTURE).convert("L")))
    assert (material.metallicFactor, material.roughnessFactor) == (1.0, 1.0)


@pytest.mark.parametrize("way", ["grey", "alpha", "channel", "without map_Kd"])
def test_map_d_is_alpha(folder, way):
    mask = np.where(np.arange(64).reshape(8, 8) % 3 > 0, 255, 0).astype(np.uint8)
    pictures = {
        "grey": mask,
        "without map_Kd": mask,
        "alpha": np.dstack([PICTURE, mask]),
        "channel": np.dstack([0 * mask, mask, 0 * mask]),
    }
    option = "-imfchan g " if way == "channel" else ""
    base = "" if way == "without map_Kd" else "map_Kd tex.png\n"
    material = material_of(folder, f"{base}map_d {option}mask.png", mask_png=pictures[way], tex_png=PICTURE)
    rgba = np.asarray(material.baseColorTexture)
    assert np.array_equal(rgba[..., 3], mask) and material.alphaMode == "BLEND"
    assert np.array_equal(rgba[..., :3], PICTURE if base else np.full((8, 8, 3), 255))


def test_emission(folder):
    assert material_of(folder, "Ke 2 .5 0").emission == (2.0, 0.5, 0.0)
    material = material_of(folder, "Ke 0 0 0\nmap_Ke tex.png", tex_png=PICTURE)
    assert material.emission == (1.0, 1.0, 1.0) and material.emissiveTexture.size == (8, 8)


def test_lines_and_points_alone_are_no_surface(folder):
    with pytest.raises(AssetError, match="no surface: expected at least one face, got 1 points, 2 lines"):
        read(folder, f"{SQUARE}p 1 2\nl 1 2\nl 2 3\n")


def test_other_formats_are_read_too(folder):
    """A PLY's colours are sRGB; an STL has none; both stand as they lie, +Z up."""
    box = trimesh.creation.box((1, 2, 4))
    box.visual.vertex_colors = [128, 51, 26, 255]
    for name in ("a.ply", "b.stl"):
        box.export(folder / name)
        asset = load_file(folder / name)
        (mesh,) = asset.scene.geometry.values()
        assert mesh.extents == pytest.approx([0.45, 0.9, 1.8])
    color = only(scans.read(folder / "a.ply", folder)[0]).visual.vertex_attributes["color"]
    assert color[0] == pytest.approx([*(((x / 255 + 0.055) / 1.055) ** 2.4 for x in (128, 51, 26)), 1.0], abs=1e-4)
    (folder / "c.ply").write_bytes(b"ply\nno")
    with pytest.raises(AssetError, match="c.ply: not a readable PLY"):
        load_file(folder / "c.ply")
    with pytest.raises(AssetError, match="d.fbx: expected a file of .glb, .gltf, .obj, .ply, .stl"):
        load_file(folder / "d.fbx")
