"""The models: `verse reconstruct`, `benchmark`, `compare`; and `verse doctor`, which also looks at what they need."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from train import weights
from train.trainers import trainer_of
from zeroverse.core.usage import need, need_folder


@dataclass(kw_only=True)
class Reconstruct:
    """Images with cameras -> Gaussians: gaussians.ply (standard 3DGS), .splat and .glb (KHR_gaussian_splatting),
    viewer.html, turntable.webp.

    viewer.html shows them in any browser, without a server or a network.
    """

    run_folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """A folder that `verse train lrm` wrote, or the name of a released model."""
    views: Path
    """A folder of shards, or folders with opencv_cameras.json or transforms.json (transforms_train.json) and their
    images. The model expects +Z up, and an object at the origin, about 1.8 long, with alpha or on white; what is
    otherwise is named.
    """
    out: Path
    """Folder for the results."""
    sample: int = 0
    """Which object, when the folder holds several."""
    inputs: tuple[int, ...] | None = None
    """Indices of the input views; default: views spread around the object, as many as the model was trained with."""
    device: Literal["cpu", "cuda"] | None = None
    """Of the model; default: the GPU where there is one."""

    def run(self) -> int:
        from train.evaluation.reconstruct import reconstruct

        for path in reconstruct(
            weights.find(self.run_folder),
            need_folder(self.views, "--views"),
            self.out,
            self.sample,
            self.inputs,
            self.device,
        ):
            print(path)
        return 0


@dataclass(kw_only=True)
class Benchmark:
    """Score a model on held-out objects with the frozen protocol of its kind: results.json, table.md, figure.png.

    An LRM, on --assets or --views: pictures, and where the target has alpha and depth also silhouettes, depth and
    surface. Two floors stand in the table: the nearest input view copied, and an untrained model; and the published
    numbers of GS-LRM and LRM-Zero for the protocol. An interrupted run goes on with the same command. A shape
    autoencoder, on --data: what verse autoencode scores.
    """

    run_folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """A folder that `verse train` wrote, or the name of a released model."""
    assets: Path | None = None
    """Folder of .glb, .gltf and .obj files, also in sub-folders, as Google Scanned Objects, ABO and OmniObject3D come:
    rendered with the GSO rig here.
    """
    obj_up: Literal["y", "z"] = "y"
    """Which way is up in .obj files, whose format does not say: y as Blender writes them, z as in Google Scanned
    Objects.
    """
    objects: Path | None = None
    """Only the objects of this list, all of which must be there: a name on each line, or JSON."""
    views: Path | None = None
    """Views rendered already: a folder of shards, or folders with opencv_cameras.json or transforms.json
    (transforms_train.json).
    """
    data: Path | None = None
    """Shards with fields (verse generate detailverse --fields vae), which a shape autoencoder is scored on."""
    out: Path
    """Folder for the results."""
    protocol: Literal["gso-4", "gso-4-45", "gso-8", "random-8"] = "gso-4"
    """gso-4: elevation 20, azimuths 0/90/180/270; gso-4-45: 45/135/225/315; gso-8: elevation 0 at 0/90/180/270 and 40
    at 45/135/225/315; random-8: eight views of any rig, frozen by the object's name.
    """
    targets: int = 10
    """Target views per object: frozen, seeded by the object's name, never an input."""
    lpips: Path | None = None
    """Folder with torchvision's vgg16*.pth and vgg.pth of LPIPS v0.1; without it the column is left out."""
    on_error: Literal["skip", "raise"] = "skip"
    """Of an object that cannot be scored, whatever the reason: skip: name and count it, go on; raise: stop."""
    object_timeout: float | None = None
    """Seconds that an object may take; one that takes longer counts as one that cannot be scored. Default: no limit."""
    device: Literal["cpu", "cuda"] | None = None
    """Of the model; default: the GPU where there is one."""
    on_missing_texture: Literal["refuse", "white"] = "refuse"
    """Of a texture in --assets that is not there or cannot be read: refuse: the object is not scored; white: it is
    rendered without.
    """

    def run(self) -> int:
        sources = (("--assets", self.assets), ("--views", self.views), ("--data", self.data))
        given = [flag for flag, path in sources if path is not None]
        need(len(given) == 1, "--assets, --views, --data", "exactly one of them", " ".join(given) or "neither")
        need(self.object_timeout is None or self.object_timeout > 0, "--object-timeout", "seconds", self.object_timeout)
        need(self.targets >= 1, "--targets", "at least 1", self.targets)
        need(self.objects is None or self.objects.is_file(), "--objects", "a file", self.objects)
        for flag, path in sources:
            if path is not None:
                need_folder(path, flag)
        weights.find(self.run_folder)
        from train.evaluation.report import PartlyScored

        try:
            print(trainer_of(self.run_folder).function("evaluate")(self.run_folder, self.out, self))
        except PartlyScored as error:
            print(error.table)
            raise
        return 0


@dataclass(kw_only=True)
class Compare:
    """Compare two benchmark results object by object: per metric the mean difference and its paired bootstrap interval.

    Example: verse compare scores-a scores-b
    """

    first: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="A")]
    """A folder that `verse benchmark` wrote, or its results.json."""
    second: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="B")]
    """Another, of the same protocol and resolution; differences are B - A."""

    def run(self) -> int:
        from train.evaluation.compare import compare

        print(compare(self.first, self.second))
        return 0


@dataclass
class Doctor:
    """What works on this machine: renderers, splatting, compiler, GPU, versions, measured views per second."""

    def run(self) -> int:
        from train.tools.doctor import report

        print(report())
        return 0
