"""How much detail objects have and how much they differ: `python -m renderers.studies.diversity` prints a Markdown
table of sets beside one another.

Every number needs no learned weights, and has its definition in detailverse/labels/detail.py. Sharp edges are counted
after a remesh, so that a dense mesh has no advantage; the gradient of normals, from pictures; Vendi scores and
coverage, on descriptors that turn with nothing, on upright pictures, and on pictures of every object turned to its
principal axes: upright ones are compared pixel by pixel, so that a random pose counts as another object.
"""

import argparse
from dataclasses import dataclass, replace

import numpy as np
import trimesh

import renderers
from detailverse import families
from detailverse.labels import detail
from detailverse.labels.descriptors import surface_descriptor
from detailverse.spatial.sampling import triangles_of
from renderers.cameras import look_at, pinhole, spherical
from renderers.lighting import UNIFORM
from renderers.sources.files import Files
from renderers.sources.procedural import Detailverse, Zeroverse
from zeroverse.asset import Asset, moved, normalise
from zeroverse.core.progress import progress
from zeroverse.core.tables import markdown_table

VIEWS, SIDE = 8, 256
FAR, NARROW = (
    25.0,
    4.8,
)  # almost parallel rays: distance, and the field of view in degrees that holds an object of 1.8 there
THUMB = 16
HEADER = (
    "set",
    "objects",
    "sharp edges, median",
    "mean",
    "normals, ° a pixel",
    "Vendi, shape",
    "Vendi, upright",
    "Vendi, aligned",
    "covers the others",
)


@dataclass(frozen=True)
class Measured:
    """Of one object: sharp edges on the 256-grid, mean angle in degrees between neighbouring pixels' normals, and its
    three descriptors.
    """

    edges: int
    gradient: float
    shape: np.ndarray
    looks: np.ndarray
    aligned: np.ndarray


def measure(asset: Asset) -> Measured:
    points, faces = triangles_of(asset)
    normals, alpha = _pictures(asset)
    return Measured(
        detail.sharp_edges_256(points, faces),
        detail.normal_gradient_energy(normals, alpha)["mean_deg"],
        surface_descriptor(points, faces),
        _looks(normals, alpha),
        _looks(*_pictures(_turned(asset, principal_axes(points, faces)))),
    )


def _pictures(asset: Asset) -> tuple[np.ndarray, np.ndarray]:
    """(normals [V, H, W, 3], alpha [V, H, W]) of eight views around."""
    cameras = pinhole(
        look_at(spherical(np.arange(VIEWS) * 45.0, np.array([20.0, -20.0] * (VIEWS // 2)), FAR)), SIDE, fov_x_deg=NARROW
    )
    images = renderers.load("cpu").render(asset, cameras, UNIFORM, ("alpha", "normal"))
    return images["normal"], images["alpha"][..., 0] / 255.0


def principal_axes(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Returns a rotation [3, 3]: the surface's longest axis becomes x, its shortest z, its heavier ends (by the third
    moment) positive, but for y, which keeps the hand.
    """
    a, b, c = (points[faces[:, corner]] for corner in range(3))
    area, center = np.linalg.norm(np.cross(b - a, c - a), axis=1), (a + b + c) / 3
    offset = center - np.average(center, axis=0, weights=area)
    _, axes = np.linalg.eigh((offset * area[:, None]).T @ offset)
    x, z = axes[:, 2], axes[:, 0]
    x, z = (axis if (area * (offset @ axis) ** 3).sum() >= 0 else -axis for axis in (x, z))
    return np.array([x, np.cross(z, x), z])


def _turned(asset: Asset, rotation: np.ndarray) -> Asset:
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    scene = trimesh.Scene()
    for name, mesh in asset.scene.geometry.items():
        scene.add_geometry(moved(mesh, matrix), geom_name=name, node_name=name)
    return replace(asset, scene=normalise(scene))


def _looks(normals: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """[D] of length 1: normals and masks of all views in 16² blocks."""
    block = SIDE // THUMB
    stacked = np.concatenate([normals * alpha[..., None], alpha[..., None]], axis=-1)
    small = stacked.reshape(VIEWS, THUMB, block, THUMB, block, 4).mean(axis=(2, 4)).ravel()
    return small / np.sqrt((small * small).sum())


def table(sets: dict[str, list[Measured]]) -> str:
    """Returns a Markdown table. Kernel widths are half the median distances within all objects together, the same for
    every row.
    """
    every = [one for measured in sets.values() for one in measured]
    widths = {
        name: detail.median_distance(np.stack([getattr(one, name) for one in every])) / 2
        for name in ("shape", "looks", "aligned")
    }
    rows = []
    for name, measured in sets.items():
        edges = np.array([one.edges for one in measured])
        vendi = [
            detail.vendi(np.stack([getattr(one, kind) for one in measured]), widths[kind])
            for kind in ("shape", "looks", "aligned")
        ]
        others = [one.shape for other, more in sets.items() for one in more if other != name]
        covers = (
            detail.coverage(np.stack([one.shape for one in measured]), np.stack(others)) if others else float("nan")
        )
        rows.append(
            [
                name,
                f"{len(measured)}",
                f"{np.median(edges):,.0f}",
                f"{edges.mean():,.0f}",
                f"{np.median([one.gradient for one in measured]):.1f}",
                *(f"{value:.1f}" for value in vendi),
                f"{100 * covers:.0f} %",
            ]
        )
    return markdown_table(HEADER, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=60, help="objects of each set")
    parser.add_argument("--seed", type=int, default=0, help="of the sets that are made")
    parser.add_argument(
        "--families", nargs="*", default=[], choices=list(families.BY_NAME), help="also sets of one family each"
    )
    parser.add_argument("--assets", help="also a folder of GLB files")
    options = parser.parse_args()
    sources = {
        "detailverse, level 4": Detailverse(options.seed, level=4, texture_size=512),
        "zeroverse": Zeroverse(options.seed, texture_size=16),
    }
    sources |= {
        f"only {name}": Detailverse(options.seed, family=name, level=4, texture_size=512) for name in options.families
    }
    if options.assets:
        sources["files"] = Files(options.assets)
    sets = {}
    for name, source in sources.items():
        count = min(options.count, source.size() or options.count)
        with progress(name, "object", count) as bar:
            sets[name] = []
            for index in range(count):
                sets[name].append(measure(source.make(index)))
                bar.update()
    print(table(sets))


if __name__ == "__main__":
    main()
