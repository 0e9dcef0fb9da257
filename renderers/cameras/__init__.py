"""Cameras, their rays, and the one home of the conversion to OpenGL's camera axes.

Camera: OpenCV (+x right, +y down, +z forward). World: right-handed, +Z up. Intrinsics in pixels; the centre of row i,
column j is (j + 0.5, i + 0.5).
"""

from dataclasses import dataclass

import numpy as np

from zeroverse.core.portable import cos_sin_array

FOV_X_DEG = 50.0  # every published object-level LRM (`docs/papers.md`, Renders)
OPENGL_AXES = (1, -1, -1)  # what a camera's x, y, z must be multiplied by to be OpenCV's, and the reverse


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
        """Returns the same cameras seen at another image size."""
        scale = np.array([width / self.width, height / self.height] * 2)
        return Cameras(self.c2w, self.intrinsics * scale, width, height)

    def rays(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns rays_o and rays_d, each [V, H, W, 3] in the world, through pixel centres; rays_d has unit length."""
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
        """Returns the points that a depth pass [V, H, W, 1] shows, [V, H, W, 3] in the world; where depth is 0, the
        camera itself.
        """
        return self.centers[:, None, None] + depth * self._at_depth_one()

    def normals_cam(self, normal: np.ndarray) -> np.ndarray:
        """Returns the normal pass [V, H, W, 3], or any directions in the world, in the frame of each camera: what is
        seen has z < 0.
        """
        return np.einsum("vji,vhwj->vhwi", self.c2w[:, :3, :3], normal)

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the pixel positions [V, N, 2] of world points [N, 3], and their depths [V, N] (z along the optical
        axis).
        """
        local = in_camera(self, points)
        depth = local[..., 2]
        return local[..., :2] / depth[..., None] * self.intrinsics[:, None, :2] + self.intrinsics[:, None, 2:], depth


def in_camera(cameras: Cameras, points: np.ndarray) -> np.ndarray:  # [V, N, 3]
    w2c = cameras.w2c
    return np.einsum("vij,nj->vni", w2c[:, :3, :3], np.asarray(points, dtype=np.float64)) + w2c[:, None, :3, 3]


def rigid_inverse(matrices: np.ndarray) -> np.ndarray:  # [..., 4, 4]
    """Returns the inverse of rotations and translations: the transpose, so exact and without LAPACK, whose bits depend
    on the CPU.
    """
    inverse = np.zeros_like(matrices)
    inverse[..., :3, :3] = np.swapaxes(matrices[..., :3, :3], -1, -2)
    inverse[..., :3, 3] = 0.0 - np.einsum(
        "...ji,...j->...i", matrices[..., :3, :3], matrices[..., :3, 3]
    )  # 0 - x: no negative zeros
    inverse[..., 3, 3] = 1.0
    return inverse


def opengl_c2w(cameras: Cameras) -> np.ndarray:
    """Returns the poses [V, 4, 4] for OpenGL, Blender, nerfstudio and pyrender: +x right, +y up, looking along -z."""
    return with_opengl_axes(cameras.c2w)


def with_opengl_axes(c2w: np.ndarray) -> np.ndarray:
    """Returns OpenCV's c2w [V, 4, 4] as OpenGL's, or the reverse: two columns change sign, so twice gives the same bits
    again.
    """
    return c2w * np.array([*OPENGL_AXES, 1.0])


def look_at(centers: np.ndarray, target=(0.0, 0.0, 0.0)) -> np.ndarray:
    """Returns the poses c2w [V, 4, 4] of upright cameras at `centers` [V, 3] that look at `target`; straight up or
    down, image-up is world +Y.
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
    """Returns points [V, 3]: azimuth counter-clockwise about +Z from +X, elevation from the XY plane."""
    cos_a, sin_a = cos_sin_array(np.radians(np.asarray(azimuth_deg, dtype=np.float64)))
    cos_e, sin_e = cos_sin_array(np.radians(np.asarray(elevation_deg, dtype=np.float64)))
    return np.stack([cos_e * cos_a, cos_e * sin_a, sin_e], axis=1) * np.reshape(radius, (-1, 1))


def pinhole(c2w: np.ndarray, size: int, fov_x_deg: float = FOV_X_DEG) -> Cameras:
    """Returns cameras of square images, the optical axis through their centre."""
    cosine, sine = cos_sin_array(np.array([np.radians(fov_x_deg) / 2]))
    focal = size / 2 * cosine[0] / sine[0]
    return Cameras(c2w, np.tile([focal, focal, size / 2, size / 2], (len(c2w), 1)), size, size)
