"""Small painted meshes, and a camera in front of them."""

import numpy as np
import trimesh
from trimesh.visual import TextureVisuals
from trimesh.visual.material import PBRMaterial

from renderers.cameras import Cameras, look_at, pinhole
from zeroverse.asset import Asset

SIZE = 128


def painted(mesh, base=(255, 255, 255, 255), metallic=0.0, roughness=1.0, uv=None, image=None, **maps):
    uv = np.zeros((len(mesh.vertices), 2)) if uv is None else uv
    material = PBRMaterial(
        baseColorFactor=base, baseColorTexture=image, metallicFactor=metallic, roughnessFactor=roughness, **maps
    )
    mesh.visual = TextureVisuals(uv=uv, material=material)
    return mesh


def asset_of(*meshes) -> Asset:
    return Asset(trimesh.Scene({f"part{i}": mesh for i, mesh in enumerate(meshes)}), "test")


def quad(half=0.9, n=1, **material) -> trimesh.Trimesh:
    """A square in the plane x = 0 that faces +x, n x n cells; u runs along +y and v along +z, 0 to 1."""
    grid = np.linspace(-1, 1, n + 1)
    y, z = np.meshgrid(grid, grid)
    vertices = half * np.stack([np.zeros_like(y), y, z], axis=-1).reshape(-1, 3)
    corner = (np.arange(n)[:, None] * (n + 1) + np.arange(n)).ravel()
    faces = np.concatenate(
        [np.stack([corner, corner + 1, corner + n + 2], 1), np.stack([corner, corner + n + 2, corner + n + 1], 1)]
    )
    uv = np.stack([y, z], axis=-1).reshape(-1, 2) / 2 + 0.5
    return painted(trimesh.Trimesh(vertices, faces, process=False), uv=uv, **material)


def front(size=SIZE, distance=2.7, pixels=None) -> Cameras:
    """One camera on +x, looking back along it; `pixels`: focal length."""
    cameras = pinhole(look_at(np.array([[distance, 0.0, 0.0]])), size)
    return (
        cameras
        if pixels is None
        else Cameras(cameras.c2w, np.array([[pixels, pixels, size / 2, size / 2]]), size, size)
    )


def srgb(linear):
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)
