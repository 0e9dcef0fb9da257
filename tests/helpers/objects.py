"""Small objects of known shape for curation: things to sort out, and kinds that have an up and a front."""

import numpy as np
import trimesh
from PIL import Image
from trimesh.creation import annulus, box, cone, cylinder
from trimesh.transformations import rotation_matrix

from renderers.curation import orient
from zeroverse.asset import Asset, normalise
from zeroverse.core.rng import Rng


def at(mesh, x=0.0, y=0.0, z=0.0):
    return mesh.apply_translation((x, y, z))


def asset(*meshes, name="thing", textured=True):
    """Meshes with a checkered texture, normalised."""
    scene = trimesh.Scene()
    picture = Image.fromarray(
        np.kron(np.array([[0, 1] * 4, [1, 0] * 4] * 4, np.uint8), np.ones((8, 8), np.uint8))[..., None]
        * np.array([200, 150, 90], np.uint8)
        + np.array([40, 60, 90], np.uint8)
    )
    for number, mesh in enumerate(meshes):
        material = trimesh.visual.material.PBRMaterial(
            baseColorTexture=picture if textured else None, metallicFactor=0.0, roughnessFactor=0.7
        )
        visual = trimesh.visual.TextureVisuals(uv=mesh.vertices[:, :2] + 0.37 * mesh.vertices[:, 2:], material=material)
        scene.add_geometry(
            trimesh.Trimesh(mesh.vertices, mesh.faces, visual=visual, process=False),
            geom_name=f"part{number}",
            node_name=f"part{number}",
        )
    return Asset(normalise(scene), name)


def vessel():
    return [annulus(0.44, 0.5, 1.2), at(cylinder(0.5, 0.06), z=-0.57)]


def tall():
    return at(box((0.5, 0.6, 1.4)), z=0.7)


def chair(rng):
    width, depth, height, back = (
        rng.uniform(low, high) for low, high in ((0.6, 0.9), (0.6, 0.9), (0.4, 0.7), (0.5, 1.0))
    )
    legs = [
        at(box((0.08, 0.08, height)), x * (width / 2 - 0.04), y * (depth / 2 - 0.04), height / 2)
        for x in (-1, 1)
        for y in (-1, 1)
    ]
    return [
        *legs,
        at(box((width, depth, 0.08)), z=height),
        at(box((width, 0.08, back)), y=depth / 2 - 0.04, z=height + back / 2),
    ]


def lamp(rng):
    height = rng.uniform(0.9, 1.4)
    return [
        at(cylinder(rng.uniform(0.25, 0.4), 0.06), z=0.03),
        at(cylinder(0.04, height), z=height / 2),
        at(cone(rng.uniform(0.35, 0.6), rng.uniform(0.4, 0.6)), z=height),
    ]


def car(rng):
    length, width = rng.uniform(1.3, 1.8), rng.uniform(0.6, 0.8)
    wheels = [
        at(
            cylinder(0.18, 0.12).apply_transform(rotation_matrix(np.pi / 2, (0, 1, 0))),
            x * width / 2,
            y * length * 0.32,
            0.18,
        )
        for x in (-1, 1)
        for y in (-1, 1)
    ]
    return [
        *wheels,
        at(box((width, length, 0.3)), z=0.35),
        at(box((width * 0.85, length * 0.5, 0.28)), y=length * 0.16, z=0.62),
    ]


def upright_kinds(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the columns of `orient.describe` for chairs, lamps and cars: features [N, 24, D], alike [N, 24, 24]."""
    kinds = (chair, lamp, car)
    rows = [orient.describe(orient.six_views(asset(*kinds[i % 3](Rng("upright", i))))) for i in range(count)]
    return tuple(np.array(column) for column in zip(*rows))
