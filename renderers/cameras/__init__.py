"""Cameras, the published rigs, rays, and the one home of each conversion to another camera convention.

Camera: OpenCV (+x right, +y down, +z forward). World: right-handed, +Z up. Intrinsics in pixels; the centre of row i,
column j is (j + 0.5, i + 0.5).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from renderers.cameras.orbit import Orbit
from zeroverse.core.portable import cos_sin_array
from zeroverse.core.rng import Rng

FOV_X_DEG = 50.0  # every published object-level LRM (facts/lrm_zero.md §1.3)
ELEVATIONS_DEG = (0.0, 20.0, 40.0, 60.0)  # the GSO rig
AZIMUTHS = 16
CUBE = np.stack(np.meshgrid(*[[-0.9, 0.9]] * 3, indexing="ij"), axis=-1).reshape(
    8, 3
)  # around every object: zeroverse.asset.LONGEST_SIDE, centred
# a framed camera stays so far before the object, measured along its axis; the rasterisers' near planes are closer
NEAR = 0.1
FAR = 6.5  # and no orbit camera needs to see further: 16-bit depth in steps of 1e-4 ends at 6.55

OPENGL_AXES = (1, -1, -1)  # what a camera's x, y, z must be multiplied by to be OpenCV's, and the reverse
_OPENCV_TO_OPENGL = np.diag([*OPENGL_AXES, 1.0])
_PINHOLES = (
    "PINHOLE",
    "SIMPLE_PINHOLE",
    "PERSPECTIVE",
    "OPENCV",
    "SIMPLE_RADIAL",
    "RADIAL",
    "FULL_OPENCV",
)  # camera models: without distortion, all one


@dataclass(frozen=True, eq=False)
class Cameras:
    """V pinhole cameras of one image size.

    c2w: [V, 4, 4] float64, camera to world, rigid. intrinsics: [V, 4] float64, (fx, fy, cx, cy) in pixels. width,
    height: pixels. Raises ValueError for a wrong shape, a matrix that is not a rotation and a translation, or a focal
        length that is not positive.
    """

    c2w: np.ndarray
    intrinsics: np.ndarray
    width: int
    height: int

    def __post_init__(self):
        object.__setattr__(self, "c2w", np.ascontiguousarray(self.c2w, dtype=np.float64))
        object.__setattr__(self, "intrinsics", np.ascontiguousarray(self.intrinsics, dtype=np.float64))
        if self.c2w.ndim != 3 or self.c2w.shape[1:] != (4, 4):
            raise ValueError(f"c2w: expected [V, 4, 4], got {list(self.c2w.shape)}")
        if self.intrinsics.shape != (len(self.c2w), 4):
            raise ValueError(f"intrinsics: expected [{len(self.c2w)}, 4], got {list(self.intrinsics.shape)}")
        if self.width < 1 or self.height < 1:
            raise ValueError(f"image size: expected positive, got {self.width} x {self.height}")
        rotation = self.c2w[:, :3, :3]
        gram = np.einsum("vij,vik->vjk", rotation, rotation)
        if (
            not np.isfinite(self.c2w).all()
            or not np.allclose(gram, np.eye(3), atol=1e-4)
            or (np.linalg.det(rotation) < 0).any()
        ):
            raise ValueError("c2w: expected rotations with determinant +1; got a scaled, mirrored or non-finite matrix")
        if not (self.intrinsics[:, :2] > 0).all():
            raise ValueError(f"intrinsics: expected positive fx, fy; got {self.intrinsics[:, :2].min()}")

    def __len__(self) -> int:
        return len(self.c2w)

    def __getitem__(self, views) -> "Cameras":
        """The cameras at these indices (a slice, a list or an index array), as Cameras."""
        return Cameras(self.c2w[views], self.intrinsics[views], self.width, self.height)

    @property
    def w2c(self) -> np.ndarray:  # [V, 4, 4]
        return rigid_inverse(self.c2w)

    @property
    def centers(self) -> np.ndarray:  # [V, 3]
        return self.c2w[:, :3, 3]

    @property
    def directions(self) -> np.ndarray:  # [V, 3]
        """Unit vectors from the origin to the cameras; 0 for one that stands there, which no direction is near to."""
        length = np.linalg.norm(self.centers, axis=1, keepdims=True)
        return self.centers / np.where(length > 0, length, 1.0)

    def resized(self, width: int, height: int) -> "Cameras":
        """The same cameras seen at another image size."""
        scale = np.array([width / self.width, height / self.height] * 2)
        return Cameras(self.c2w, self.intrinsics * scale, width, height)

    def rays(self) -> tuple[np.ndarray, np.ndarray]:
        """(rays_o, rays_d), each [V, H, W, 3] in the world, through the pixel centres; rays_d has unit length."""
        rays_d = self._at_depth_one()
        rays_d /= np.sqrt((rays_d * rays_d).sum(axis=-1, keepdims=True))
        return np.broadcast_to(self.c2w[:, None, None, :3, 3], rays_d.shape), rays_d

    def _at_depth_one(self) -> np.ndarray:  # [V, H, W, 3]
        """From the camera to where the ray of each pixel has depth 1, world frame."""
        x = np.arange(self.width) + 0.5
        y = np.arange(self.height) + 0.5
        fx, fy, cx, cy = (self.intrinsics[:, i, None, None] for i in range(4))
        local = np.stack(np.broadcast_arrays((x - cx) / fx, (y[:, None] - cy) / fy, 1.0), axis=-1)
        return np.einsum("vij,vhwj->vhwi", self.c2w[:, :3, :3], local)

    def positions(self, depth: np.ndarray) -> np.ndarray:
        """The points that a depth pass [V, H, W, 1] shows: [V, H, W, 3] in the world; where depth is 0, the camera
        itself.
        """
        return self.centers[:, None, None] + depth * self._at_depth_one()

    def normals_cam(self, normal: np.ndarray) -> np.ndarray:
        """The normal pass [V, H, W, 3], or any directions in the world, in the frame of each camera: what is seen has z
        < 0.
        """
        return np.einsum("vji,vhwj->vhwi", self.c2w[:, :3, :3], normal)

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """World points [N, 3] -> pixel positions [V, N, 2] and depths [V, N] (z along the optical axis)."""
        local = _in_camera(self, points)
        depth = local[..., 2]
        return local[..., :2] / depth[..., None] * self.intrinsics[:, None, :2] + self.intrinsics[:, None, 2:], depth


def rigid_inverse(matrices: np.ndarray) -> np.ndarray:  # [..., 4, 4]
    """Inverse of rotations and translations: the transpose, so exact and without LAPACK, whose bits depend on the
    CPU.
    """
    inverse = np.zeros_like(matrices)
    inverse[..., :3, :3] = np.swapaxes(matrices[..., :3, :3], -1, -2)
    inverse[..., :3, 3] = 0.0 - np.einsum(
        "...ji,...j->...i", matrices[..., :3, :3], matrices[..., :3, 3]
    )  # 0 - x: no negative zeros
    inverse[..., 3, 3] = 1.0
    return inverse


def look_at(centers: np.ndarray, target=(0.0, 0.0, 0.0)) -> np.ndarray:
    """c2w [V, 4, 4] of upright cameras at `centers` [V, 3] that look at `target`; straight up or down, image-up is
    world +Y.
    """
    centers = np.asarray(centers, dtype=np.float64)
    forward = np.asarray(target, dtype=np.float64) - centers
    forward = forward / np.sqrt((forward * forward).sum(axis=1, keepdims=True))
    right = np.stack([forward[:, 1], -forward[:, 0], np.zeros(len(centers))], axis=1)  # forward x (0, 0, 1)
    length = np.sqrt((right * right).sum(axis=1, keepdims=True))
    right = np.where(length > 1e-9, right / np.maximum(length, 1e-9), [1.0, 0.0, 0.0])
    c2w = np.zeros((len(centers), 4, 4))
    c2w[:, :3, 0] = right
    c2w[:, :3, 1] = np.cross(forward, right)  # down = forward x right
    c2w[:, :3, 2] = forward
    c2w[:, :3, 3] = centers
    c2w[:, 3, 3] = 1.0
    return c2w


def spherical(azimuth_deg: np.ndarray, elevation_deg: np.ndarray, radius: float | np.ndarray) -> np.ndarray:
    """Points [V, 3]: azimuth counter-clockwise about +Z from +X, elevation from the XY plane."""
    cos_a, sin_a = cos_sin_array(np.radians(np.asarray(azimuth_deg, dtype=np.float64)))
    cos_e, sin_e = cos_sin_array(np.radians(np.asarray(elevation_deg, dtype=np.float64)))
    return np.stack([cos_e * cos_a, cos_e * sin_a, sin_e], axis=1) * np.reshape(radius, (-1, 1))


def pinhole(c2w: np.ndarray, size: int, fov_x_deg: float = FOV_X_DEG) -> Cameras:
    """Square images, the optical axis through their centre."""
    cosine, sine = cos_sin_array(np.array([np.radians(fov_x_deg) / 2]))
    focal = size / 2 * cosine[0] / sine[0]
    return Cameras(c2w, np.tile([focal, focal, size / 2, size / 2], (len(c2w), 1)), size, size)


def gso64(size: int = 512) -> Cameras:
    """The 64-view evaluation rig: index = 16 * elevation index + azimuth index, radius 2.7
    (splits/gso_64view_rig.json).
    """
    elevation = np.repeat(ELEVATIONS_DEG, AZIMUTHS)
    azimuth = np.tile(np.arange(AZIMUTHS) * 360.0 / AZIMUTHS, len(ELEVATIONS_DEG))
    return pinhole(look_at(spherical(azimuth, elevation, 2.7)), size)


def turntable(views: int, size: int, elevation_deg: float = 20.0, radius: float = 2.7) -> Cameras:
    return pinhole(look_at(spherical(np.arange(views) * 360.0 / views, np.full(views, elevation_deg), radius)), size)


def sphere_shell(
    rng: Rng,
    views: int,
    size: int,
    radius: tuple[float, float] = (2.0, 3.0),
    heights: tuple[float, float] = (-0.75, 1.6),
) -> Cameras:
    """The 32-view training rig (facts/lrm_zero.md §1.3): direction normalised from the cube, radius uniform, kept where
    -0.75 < z < 1.6.

    The published bounds are read as the camera's world z: they would cut nothing from a unit direction, and so they
    keep cameras out of the far top and bottom. `RADII` has the two published shells. Near radius 2.0 the corners of a
    bulky object leave the frame, as they did in the published data; `framed` moves such cameras back. Draws are keyed
    by view, so more views leave the first ones unchanged.
    """
    centers = np.empty((views, 3))
    for view in range(views):
        stream = rng.child("view", view)
        while True:
            point = 2.0 * stream.unit(3) - 1.0
            center = point / np.sqrt((point * point).sum()) * stream.uniform(*radius)
            if heights[0] < center[2] < heights[1]:
                break
        centers[view] = center
    return pinhole(look_at(centers), size)


def zero123(rng: Rng, views: int, size: int) -> Cameras:
    """Zero-1-to-3's training views (its blender_script.py): a 35 mm lens on a 32 mm sensor (49.1 degrees), directions
    normalised from the cube over the whole sphere, radius U(1.5, 2.2) of the object's longest side, looking at its
    centre.

    Our longest side is 1.8, so the radius is U(2.7, 3.96). Like the original's, its nearest views cut the corners of a
    bulky object.
    """
    shell = sphere_shell(rng, views, size, (1.8 * 1.5, 1.8 * 2.2), (-np.inf, np.inf))
    return Cameras(shell.c2w, np.tile([size * 35 / 32, size * 35 / 32, size / 2, size / 2], (views, 1)), size, size)


_ORBIT_DRAWS = ("azimuth", "elevation", "fov", "distance", "x", "y", "z", "roll", "shift_x", "shift_y")


def orbit(rng: Rng, views: int, size: int, ranges: Orbit | None = None, points: np.ndarray = CUBE) -> Cameras:
    """Cameras about an object with the convex hull of `points` [N, 3]: direction, field of view, look-at point, roll
    and principal point drawn from `ranges`, then the distance in multiples of the smallest that frames the points.

    Where they would have to lie beyond `FAR`, the field of view is widened instead. Draws are keyed by view and by
    name.
    """
    ranges = ranges or Orbit()
    units = np.array(
        [[rng.child("view", view, name).unit() for name in _ORBIT_DRAWS] for view in range(views)]
    )  # [V, draws]
    draw = dict(zip(_ORBIT_DRAWS, units.T))
    cos_a, sin_a = cos_sin_array(2 * np.pi * draw["azimuth"])
    sin_e = _between(cos_sin_array(np.radians(np.array(ranges.elevation)))[1], draw["elevation"])
    cos_e = np.sqrt(1.0 - sin_e * sin_e)
    c2w = _rolled(
        look_at(np.stack([cos_e * cos_a, cos_e * sin_a, sin_e], axis=1)),
        np.radians(_between((-ranges.roll, ranges.roll), draw["roll"])),
    )
    c2w[:, :3, 3] = _between((-ranges.look_at, ranges.look_at), np.stack([draw[axis] for axis in "xyz"], axis=1))
    cosine, sine = cos_sin_array(np.radians(_between(ranges.fov, draw["fov"]) / 2))
    center = [size * (0.5 + _between((-ranges.shift, ranges.shift), draw[name])) for name in ("shift_x", "shift_y")]
    cameras = Cameras(c2w, np.stack([size / 2 * cosine / sine] * 2 + center, axis=1), size, size)
    nearest = np.maximum(framing_distance(cameras, points), NEAR)
    furthest = FAR - cameras.project(points)[1].max(axis=1)
    cameras = moved_back(cameras, np.minimum(_between(ranges.distance, draw["distance"]) * nearest, furthest))
    zoom = np.where(furthest < nearest, np.minimum(framing_zoom(cameras, points), 1.0), 1.0)
    return Cameras(
        cameras.c2w, cameras.intrinsics * np.stack([zoom, zoom, np.ones(views), np.ones(views)], axis=1), size, size
    )


def _between(bounds, unit: np.ndarray) -> np.ndarray:
    return bounds[0] + (bounds[1] - bounds[0]) * unit


def _rolled(c2w: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """c2w [V, 4, 4] turned about the optical axes by `angles` [V] radians: the picture turns counter-clockwise."""
    cosine, sine = (part[:, None] for part in cos_sin_array(angles))
    right, down = c2w[:, :3, 0], c2w[:, :3, 1]
    turned = c2w.copy()
    turned[:, :3, 0] = cosine * right + sine * down
    turned[:, :3, 1] = cosine * down - sine * right
    return turned


RADII = {"paper": (2.0, 3.0), "released": (1.5, 2.8)}  # the two published shells


# -------------------------------------------------------------------------------------------------------------- framing


def framing_distance(cameras: Cameras, points: np.ndarray, ball: float = 0.0, margin: float = 1.0) -> np.ndarray:  # [V]
    """How far each camera must move back along its optical axis until balls of radius `ball` about world `points` [N,
    3] are whole in the picture, `margin` pixels from its edges, and `NEAR` before it. Negative: it may come closer by
    so much.

    For a box give its corners; for a sphere its centre, and its radius as `ball`; for a mesh the points of its convex
    hull. For cameras that stand at the point they orbit, the answer is the smallest radius. Exact: with n the normal of
    a side of the view pyramid, moving back by d adds n_z d to the distance n . x from it.
    """
    fx, fy, cx, cy = cameras.intrinsics.T
    zero = np.zeros_like(fx)
    sides = np.array(
        [
            [fx, zero, cx - margin],
            [-fx, zero, cameras.width - margin - cx],
            [zero, fy, cy - margin],
            [zero, -fy, cameras.height - margin - cy],
        ]
    ).transpose(2, 0, 1)  # [V, 4, 3]
    if (sides[..., 2] <= 0).any():
        raise ValueError(f"margin: expected principal points more than {margin:g} pixels inside the image")
    sides = sides / np.sqrt((sides * sides).sum(axis=-1, keepdims=True))
    local = _in_camera(cameras, points)
    sideways = (ball - np.einsum("vsi,vni->vsn", sides, local)) / sides[..., 2:]
    return np.maximum(sideways.max(axis=(1, 2)), (NEAR + ball - local[..., 2]).max(axis=1))


def framing_zoom(cameras: Cameras, points: np.ndarray, margin: float = 1.0) -> np.ndarray:  # [V]
    """The largest factor on each camera's focal lengths at which world `points` [N, 3] are in the picture, `margin`
    pixels from its edges: above 1 it may zoom in, below 1 it must zoom out. Zero when a point is not before the camera.
    """
    local = _in_camera(cameras, points)
    size = np.array([cameras.width, cameras.height], dtype=np.float64)
    focal, center = cameras.intrinsics[:, None, :2], cameras.intrinsics[:, None, 2:]
    room = np.where(local[..., :2] > 0, size - margin - center, center - margin)
    zoom = room * local[..., 2:] / np.maximum(np.abs(local[..., :2]) * focal, 1e-12)
    return np.maximum(zoom, 0.0).min(axis=(1, 2))


def moved_back(cameras: Cameras, distance: np.ndarray) -> Cameras:
    """The same cameras `distance` [V] further back along their optical axes."""
    c2w = cameras.c2w.copy()
    c2w[:, :3, 3] -= c2w[:, :3, 2] * np.reshape(distance, (-1, 1))
    return Cameras(c2w, cameras.intrinsics, cameras.width, cameras.height)


def framed(cameras: Cameras, points: np.ndarray = CUBE) -> Cameras:
    """The same cameras, those that do not have all `points` [N, 3] in the picture moved back until they do."""
    return moved_back(cameras, np.maximum(framing_distance(cameras, points), 0.0))


def _in_camera(cameras: Cameras, points: np.ndarray) -> np.ndarray:  # [V, N, 3]
    w2c = cameras.w2c
    return np.einsum("vij,nj->vni", w2c[:, :3, :3], np.asarray(points, dtype=np.float64)) + w2c[:, None, :3, 3]


# ---------------------------------------------------------------------------------------------------- other conventions


def opengl_c2w(cameras: Cameras) -> np.ndarray:
    """[V, 4, 4] for OpenGL, Blender, nerfstudio and pyrender: +x right, +y up, looking along -z."""
    return np.einsum("vij,jk->vik", cameras.c2w, _OPENCV_TO_OPENGL)


def to_opencv_json(cameras: Cameras, file_paths: list[str]) -> list[dict]:
    """The `opencv_cameras.json` exchange format: one row per view with w, h, fx, fy, cx, cy, w2c, file_path."""
    rows = zip(cameras.w2c, cameras.intrinsics, file_paths, strict=True)
    return [
        {
            "w": cameras.width,
            "h": cameras.height,
            "fx": fx,
            "fy": fy,
            "cx": cx,
            "cy": cy,
            "w2c": w2c.tolist(),
            "file_path": path,
        }
        for w2c, (fx, fy, cx, cy), path in ((w, k.tolist(), p) for w, k, p in rows)
    ]


def from_opencv_json(rows: list[dict] | dict) -> tuple[Cameras, list[str]]:
    """Cameras and image paths from `opencv_cameras.json` (a list, or a dict with `frames`). Raises ValueError naming
    row and key.
    """
    rows = rows["frames"] if isinstance(rows, dict) and "frames" in rows else rows
    if not _are_views(rows):
        raise ValueError(
            "opencv_cameras.json: expected a list of views, or a dict with a list named frames: dicts with a "
            "file_path each"
        )
    for number, row in enumerate(rows):
        missing = {"w", "h", "fx", "fy", "cx", "cy", "w2c"} - row.keys()
        if missing:
            raise ValueError(f"opencv_cameras.json: view {number}: missing {', '.join(sorted(missing))}")
    sizes = {(row["w"], row["h"]) for row in rows}
    if len(sizes) > 1:
        raise ValueError(f"opencv_cameras.json: expected one image size, got {sorted(sizes)}")
    w2c = np.array([row["w2c"] for row in rows], dtype=np.float64)
    if w2c.shape[1:] != (4, 4):
        raise ValueError(f"opencv_cameras.json: w2c: expected [4, 4], got {list(w2c.shape[1:])}")
    width, height = sizes.pop()
    intrinsics = np.array([[row["fx"], row["fy"], row["cx"], row["cy"]] for row in rows])
    return Cameras(rigid_inverse(w2c), intrinsics, width, height), [row["file_path"] for row in rows]


def to_transforms_json(cameras: Cameras, frames: list[dict]) -> dict:
    """nerfstudio's and instant-ngp's `transforms.json`: OpenGL c2w, half-pixel centres as ours; one dict of paths per
    view in `frames`.

    Intrinsics stand at the top when all views share them, else in each frame.
    """
    names = ("fl_x", "fl_y", "cx", "cy")
    shared = bool((cameras.intrinsics == cameras.intrinsics[0]).all())
    own = [{} if shared else dict(zip(names, row)) for row in cameras.intrinsics.tolist()]
    return {
        "camera_model": "PINHOLE",
        "w": cameras.width,
        "h": cameras.height,
        **(dict(zip(names, cameras.intrinsics[0].tolist())) if shared else {}),
        "frames": [
            paths | row | {"transform_matrix": matrix.tolist()}
            for paths, row, matrix in zip(frames, own, opengl_c2w(cameras), strict=True)
        ],
    }


def from_transforms_json(
    data: dict, size_of: Callable[[str], tuple[int, int]] | None = None
) -> tuple[Cameras, list[str]]:
    """Cameras and image paths from `transforms.json` of nerfstudio, instant-ngp or NeRF-synthetic (Blender).

    Intrinsics from the frame or the top: fl_x, fl_y, cx, cy, or camera_angle_x with square pixels about the image's
    centre. NeRF-synthetic files do not state the image size, which `size_of` an image's path then tells, as (width,
    height); their paths without an ending get .png. Raises ValueError naming frame and key, also for a fisheye and for
    lens distortion, for which `Cameras` has no place.
    """
    frames = data.get("frames") if isinstance(data, dict) else None
    if not _are_views(frames):
        raise ValueError("transforms.json: expected a dict with a list named frames: dicts with a file_path each")
    rows = [data | frame for frame in frames]
    paths = [
        row["file_path"] if "." in row["file_path"].rsplit("/", 1)[-1] else row["file_path"] + ".png" for row in rows
    ]
    if size_of and not {"w", "h"} <= rows[0].keys():
        rows = [dict(zip("wh", size_of(paths[0]))) | row for row in rows]
    for number, row in enumerate(rows):
        missing = {"transform_matrix", "w", "h"} - row.keys()
        missing |= {"fl_x (or camera_angle_x)"} if not {"fl_x", "camera_angle_x"} & row.keys() else set()
        if missing:
            raise ValueError(f"transforms.json: frame {number}: missing {', '.join(sorted(missing))}")
        if row.get("camera_model", "PINHOLE") not in _PINHOLES or row.get("is_fisheye"):
            raise ValueError(
                f"transforms.json: frame {number}: expected pinhole cameras, got "
                f"{row.get('camera_model', 'a fisheye')}; undistort the images"
            )
        bent = [name for name in ("k1", "k2", "k3", "k4", "p1", "p2") if row.get(name)]
        if bent:
            raise ValueError(
                f"transforms.json: frame {number}: expected no lens distortion, got {bent[0]} = {row[bent[0]]}; "
                f"undistort the images"
            )
    sizes = {(int(row["w"]), int(row["h"])) for row in rows}
    if len(sizes) > 1:
        raise ValueError(f"transforms.json: expected one image size, got {sorted(sizes)}")
    width, height = sizes.pop()
    matrices = np.array([row["transform_matrix"] for row in rows], dtype=np.float64)
    if matrices.shape[1:] != (4, 4):
        raise ValueError(f"transforms.json: transform_matrix: expected [4, 4], got {list(matrices.shape[1:])}")
    c2w = np.einsum("vij,jk->vik", matrices, _OPENCV_TO_OPENGL)  # its own inverse
    return Cameras(c2w, np.array([_transforms_intrinsics(row, width, height) for row in rows]), width, height), paths


def _are_views(rows) -> bool:
    """Whether this, of a camera file, is a list of dicts that each name an image."""
    return (
        isinstance(rows, list)
        and len(rows) > 0
        and all(isinstance(row, dict) and isinstance(row.get("file_path"), str) for row in rows)
    )


def _transforms_intrinsics(row: dict, width: int, height: int) -> tuple[float, float, float, float]:
    fx = row["fl_x"] if "fl_x" in row else width / 2 / np.tan(row["camera_angle_x"] / 2)
    return fx, row.get("fl_y", fx), row.get("cx", width / 2), row.get("cy", height / 2)
