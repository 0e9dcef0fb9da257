"""Exports: read again by readers written here from the formats' own documents, cameras and points are where they
were.
"""

import json
import shutil
import typing

import numpy as np
import pytest
import trimesh

import verse
from renderers.cameras import Cameras, files, rigs
from renderers.cameras.files import from_opencv_json, from_transforms_json
from renderers.formats import ExportError, Sample, export, zero123
from renderers.formats.blender import split_views
from renderers.passes import DEPTH_UNIT, PASSES
from renderers.shards import ShardReader
from renderers.tables import FORMATS
from zeroverse.core import png
from zeroverse.core.rng import Rng

PROBES = np.array(
    [[0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5], [-0.3, 0.4, -0.2]]
)  # world points whose pictures must not move


@pytest.fixture(scope="module")
def orbits(tmp_path_factory):
    """Two objects with meshes, seen by cameras with their own lenses, roll and principal points."""
    folder = tmp_path_factory.mktemp("orbits")
    command = (
        f"generate zeroverse --out {folder} --count 2 --rig orbit --meshes --views 5 --size 48 --texture-size "
        f"32 --workers 1"
    )
    assert verse.main(command.split()) == 0
    return folder


def quaternion_matrix(w, x, y, z) -> np.ndarray:
    """wxyz -> rotation, as COLMAP's documentation has it."""
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def rows_of(path) -> list[list[str]]:
    return [line.split() for line in path.read_text().splitlines() if not line.startswith("#")]


def read_transforms(folder, size):
    return from_transforms_json(json.loads((folder / "transforms.json").read_text()))


def read_blender(folder, size):
    """All splits, put back in the order of the views."""
    matrices, files = {}, {}
    for split in ("train", "val", "test"):
        data = json.loads((folder / f"transforms_{split}.json").read_text())
        cameras, paths = from_transforms_json(data, lambda path: size)
        for frame, c2w, path in zip(data["frames"], cameras.c2w, paths):
            matrices[frame["view"]], files[frame["view"]] = c2w, path
    order = sorted(matrices)
    return Cameras(
        np.stack([matrices[view] for view in order]), np.repeat(cameras.intrinsics[:1], len(order), axis=0), *size
    ), [files[v] for v in order]


def read_colmap(folder, size):
    lenses = {row[0]: row for row in rows_of(folder / "sparse/0/cameras.txt")}
    w2c, intrinsics, files = [], [], []
    for row in rows_of(folder / "sparse/0/images.txt")[::2]:
        pose = [float(value) for value in row[1:8]]
        w2c.append(np.vstack([np.column_stack([quaternion_matrix(*pose[:4]), pose[4:]]), [0, 0, 0, 1]]))
        lens = lenses[row[8]]
        assert lens[1:4] == ["PINHOLE", str(size[0]), str(size[1])]
        intrinsics.append([float(value) for value in lens[4:]])
        files.append(f"images/{row[9]}")
    return Cameras(np.linalg.inv(np.array(w2c)), np.array(intrinsics), *size), files


def read_opencv(folder, size):
    return from_opencv_json(json.loads((folder / "opencv_cameras.json").read_text()))


def read_zero123(folder, size):
    """Its own convention: [3, 4] world to Blender camera, objects of longest side 1, a 35 mm lens on 32 mm here."""
    files = sorted(path.name for path in folder.glob("*.png"))
    w2c = np.array([np.vstack([np.load(folder / name.replace("png", "npy")), [0, 0, 0, 1]]) for name in files])
    c2w = np.linalg.inv(w2c) @ np.diag([1.0, -1, -1, 1])
    c2w[:, :3, 3] *= 1.8
    focal = size[0] * 35 / 32
    return Cameras(c2w, np.tile([focal, focal, size[0] / 2, size[1] / 2], (len(files), 1)), *size), files


READERS = {
    "transforms": read_transforms,
    "blender": read_blender,
    "colmap": read_colmap,
    "opencv": read_opencv,
    "facelift": read_opencv,
    "zero123": read_zero123,
}  # each new format with cameras gets a reader here
ANY_CAMERAS = ("transforms", "colmap", "opencv", "facelift")


@pytest.fixture(scope="module")
def zero123_views(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zero123")
    command = (
        f"generate zeroverse --out {folder} --count 2 --rig zero123 --views 9 --size 32 --texture-size 32 --workers 1"
    )
    assert verse.main(command.split()) == 0
    return folder


def test_orbit_shows_the_whole_object(orbits):
    """No picture's edge is touched, and the object is not small either."""
    reader = ShardReader(orbits)
    for index in range(2):
        seen = reader.read(index, ("alpha",))["alpha"][..., 0] > 0
        assert not (seen[:, [0, -1]].any() or seen[:, :, [0, -1]].any())
        extent = np.maximum(seen.any(axis=1).sum(axis=1), seen.any(axis=2).sum(axis=1))
        assert (extent > 0.45 * 48).all()


def test_every_format_is_read_again():
    assert set(READERS) == set(FORMATS) - {"glb"}
    assert set(typing.get_args(typing.get_type_hints(verse.Export)["format"])) == set(FORMATS), (
        "add the new row to Export.format in renderers/commands/sets.py"
    )


def check_round_trip(data, name, out):
    assert verse.main(f"export {data} --format {name} --out {out}".split()) == 0
    reader = ShardReader(data)
    assert {path.name for path in out.iterdir() if path.is_dir()} == set(reader.keys)
    for index, uid in enumerate(reader.keys):
        ours = reader.cameras(index)
        theirs, files = READERS[name](out / uid, (ours.width, ours.height))
        assert theirs.centers == pytest.approx(ours.centers, abs=1e-9)
        assert theirs.c2w[:, :3, :3] == pytest.approx(ours.c2w[:, :3, :3], abs=1e-9), "axes"
        assert theirs.project(PROBES)[0] == pytest.approx(ours.project(PROBES)[0], abs=1e-6)
        assert theirs.project(PROBES)[1] == pytest.approx(ours.project(PROBES)[1], abs=1e-9)
        for view, file in enumerate(files):
            assert (out / uid / file).read_bytes() == reader.field(index, PASSES["rgb"].file.format(view=view)), (
                "copied byte for byte"
            )


@pytest.mark.parametrize("name", ANY_CAMERAS)
def test_any_cameras_survive(orbits, tmp_path, name):
    check_round_trip(orbits, name, tmp_path / "out")


@pytest.mark.parametrize("name", READERS)
def test_plain_cameras_survive(zero123_views, tmp_path, name):
    check_round_trip(zero123_views, name, tmp_path / "out")


def test_depth_and_masks_of_transforms(orbits, tmp_path):
    """Lifted from the files alone, as nerfstudio would, depth gives points on the surface that points.ply was drawn
    from.
    """
    export.export(orbits, tmp_path / "out", "transforms")
    reader = ShardReader(orbits)
    folder = tmp_path / "out" / reader.keys[0]
    data = json.loads((folder / "transforms.json").read_text())
    assert data["integer_depth_scale"] == DEPTH_UNIT and data["ply_file_path"] == "points.ply"
    images = reader.read(0, ("alpha", "depth"))
    for view, frame in enumerate(data["frames"]):
        assert np.array_equal(
            png.decode((folder / frame["depth_file_path"]).read_bytes()),
            np.rint(images["depth"][view, ..., 0] / DEPTH_UNIT),
        )
        assert np.array_equal(
            png.decode((folder / frame["mask_path"]).read_bytes()) == 255, images["alpha"][view, ..., 0] > 127
        )
    points = trimesh.load(folder / "points.ply").vertices
    assert len(points) == min(20_000, int((images["depth"] > 0).sum())) and np.abs(points).max() < 0.9 + 1e-3


def test_colmap_points_are_on_the_surface_and_consistent(orbits, tmp_path):
    """Every point projects to the pixel that it is noted at, to its colour and depth; images and points name one
    another.
    """
    export.export(orbits, tmp_path / "out", "colmap")
    reader = ShardReader(orbits)
    folder = tmp_path / "out" / reader.keys[1] / "sparse" / "0"
    images = reader.read(1, ("rgb", "depth"))
    points = {row[0]: row for row in rows_of(folder / "points3D.txt")}
    lines = rows_of(folder / "images.txt")
    seen = 0
    for view, observations in enumerate(lines[1::2]):
        observed = np.array(observations).reshape(-1, 3)
        rows = [points[number] for number in observed[:, 2]]
        assert [row[8:] for row in rows] == [[str(view + 1), str(place)] for place in range(len(rows))], (
            "the tracks point back"
        )
        pixels, depth = reader.cameras(1)[[view]].project(np.array([row[1:4] for row in rows], dtype=float))
        place = observed[:, :2].astype(float)
        assert pixels[0] == pytest.approx(place, abs=1e-3)
        column, row_number = np.floor(place).astype(int).T
        assert depth[0] == pytest.approx(images["depth"][view, row_number, column, 0], abs=1e-5)
        assert np.array_equal(np.array([row[4:7] for row in rows], dtype=int), images["rgb"][view, row_number, column])
        seen += len(rows)
    assert seen == len(points) > 500


def test_points_lie_on_the_mesh(orbits):
    reader = ShardReader(orbits)
    mesh = trimesh.load_scene(trimesh.util.wrap_as_stream(reader.field(0, "mesh.glb")), file_type="glb").to_mesh()
    mesh.apply_transform([[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])  # +Y up -> +Z up
    points = Sample(reader, 0).surface(Rng("x"), 100)[0]
    triangles = mesh.triangles  # [F, 3, 3]
    nearest = [
        np.linalg.norm(
            trimesh.triangles.closest_point(triangles, np.broadcast_to(p, (len(triangles), 3))) - p, axis=1
        ).min()
        for p in points
    ]
    assert max(nearest) < 3e-4, "16-bit depth seen at a grazing angle"


def test_zero123_positions_give_its_pose_vector(zero123_views, tmp_path):
    """theta, azimuth and radius by the formula of its loader, camera centre = -R^T t, in units of the longest side."""
    export.export(zero123_views, tmp_path / "out", "zero123")
    reader = ShardReader(zero123_views)
    assert json.loads((tmp_path / "out" / "valid_paths.json").read_text()) == list(reader.keys)
    assert zero123.LONGEST_SIDE == 1.8
    for view, ours in enumerate(reader.cameras(0).centers / 1.8):
        matrix = np.load(tmp_path / "out" / reader.keys[0] / f"{view:03d}.npy")
        assert matrix.shape == (3, 4) and matrix.dtype == np.float64
        x, y, z = -matrix[:, :3].T @ matrix[:, 3]
        assert [np.arctan2(np.hypot(x, y), z), np.arctan2(y, x)] == pytest.approx(
            [np.arccos(ours[2] / np.linalg.norm(ours)), np.arctan2(ours[1], ours[0])]
        )
        assert np.hypot(np.hypot(x, y), z) == pytest.approx(np.linalg.norm(ours)) and np.linalg.norm(ours) > 1.49
        assert matrix[2] @ [0, 0, 0, 1] < 0, "the object lies along -z"


def test_blender_split_is_seeded_and_whole():
    parts = split_views(32, Rng("a"))
    assert sorted(sum(parts.values(), [])) == list(range(32)) and [
        len(parts[name]) for name in ("train", "val", "test")
    ] == [24, 4, 4]
    assert parts == split_views(32, Rng("a")) != split_views(32, Rng("b"))
    assert split_views(2, Rng("a")) == {"train": [0, 1], "val": [], "test": []}


def test_glb_is_the_stored_mesh(orbits, tmp_path):
    export.export(orbits, tmp_path / "out", "glb")
    reader = ShardReader(orbits)
    assert (tmp_path / "out" / reader.keys[1] / "mesh.glb").read_bytes() == reader.field(1, "mesh.glb")


# ------------------------------------------------------------------------------------------------------ runs and errors


def test_a_stopped_run_leaves_nothing_half_and_continues(dataset, tmp_path, monkeypatch):
    reader, out = ShardReader(dataset), tmp_path / "out"
    copy, copied = Sample.copy, []

    def stop_after_eight(self, *arguments):
        copied.append(1)
        if len(copied) > 8:
            raise KeyboardInterrupt
        copy(self, *arguments)

    monkeypatch.setattr(Sample, "copy", stop_after_eight)
    with pytest.raises(KeyboardInterrupt):
        export.export(dataset, out, "opencv")
    assert sorted(path.name for path in out.iterdir()) == ["export.json", reader.keys[0]], (
        "six views of the first, two of the second"
    )
    monkeypatch.undo()
    (out / f".{reader.keys[1]}.part" / "renderings").mkdir(parents=True)  # what kill -9 would leave
    stamp = (out / reader.keys[0] / "opencv_cameras.json").stat().st_mtime_ns
    done = export.export(dataset, out, "opencv")
    assert (done.written, done.kept) == (4, 1) and (
        out / reader.keys[0] / "opencv_cameras.json"
    ).stat().st_mtime_ns == stamp
    assert json.loads((out / "data.json").read_text()) == [f"{uid}/opencv_cameras.json" for uid in reader.keys]
    assert not list(out.glob(".*"))


def test_missing_passes_are_named(tmp_path):
    assert (
        verse.main(
            f"generate zeroverse --out {tmp_path / 'flat'} --count 1 --passes rgb --views 2 --size 16 --texture-size "
            f"16 --workers 1".split()
        )
        == 0
    )
    with pytest.raises(
        ExportError,
        match=r"colmap needs depth, which these shards have not \(passes: rgb, alpha\); .* --passes rgb alpha depth",
    ):
        export.export(tmp_path / "flat", tmp_path / "out", "colmap")
    with pytest.raises(ExportError, match="glb needs mesh.glb.*--meshes"):
        export.export(tmp_path / "flat", tmp_path / "out", "glb")
    assert not (tmp_path / "out").exists()
    export.export(tmp_path / "flat", tmp_path / "out", "transforms")  # depth is welcome, not needed
    assert "integer_depth_scale" not in json.loads(next((tmp_path / "out").glob("*/transforms.json")).read_text())


@pytest.mark.parametrize(
    "name, message",
    [
        ("blender", "expected one focal length for all views.*use --format transforms"),
        ("zero123", "expected cameras that look at the centre"),
    ],
)
def test_cameras_that_a_format_cannot_express(orbits, tmp_path, name, message):
    with pytest.raises(ExportError, match=message):
        export.export(orbits, tmp_path / "out", name)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["export.json"]


def test_another_export_is_not_spoilt(dataset, orbits, tmp_path, capsys):
    export.export(dataset, tmp_path / "out", "opencv", limit=1)
    for data, name, message in (
        (dataset, "facelift", "layout: opencv there, facelift asked for"),
        (orbits, "opencv", "data: "),
    ):
        assert verse.main(f"export {data} --format {name} --out {tmp_path / 'out'}".split()) == 1
        assert message in capsys.readouterr().err
    shutil.rmtree(tmp_path / "out")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("")
    with pytest.raises(ExportError, match="expected an empty folder"):
        export.export(dataset, tmp_path / "out", "opencv")


def test_published_and_exported_camera_files_read_alike():
    """Both dialects of opencv_cameras.json, a list and a dict with frames, give the same cameras."""
    rows = files.to_opencv_json(rigs.turntable(3, 16), ["a", "b", "c"])
    assert np.array_equal(from_opencv_json(rows)[0].c2w, from_opencv_json({"frames": rows})[0].c2w)


@pytest.mark.parametrize("codec", ["webp --quality 60", "jpeg"])
def test_other_codecs_become_png_with_alpha(tmp_path, codec):
    command = (
        f"generate zeroverse --out {tmp_path / 'in'} --count 1 --views 2 --size 32 --texture-size 16 --workers "
        f"1 --codec {codec}"
    )
    assert verse.main(command.split()) == 0
    export.export(tmp_path / "in", tmp_path / "out", "opencv")
    images = ShardReader(tmp_path / "in").read(0, ("rgb", "alpha"))
    for view, path in enumerate(sorted((tmp_path / "out").glob("*/renderings/*.png"))):
        assert np.array_equal(
            png.decode(path.read_bytes()), np.concatenate([images["rgb"][view], images["alpha"][view]], axis=-1)
        )
