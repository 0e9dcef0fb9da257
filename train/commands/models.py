"""The models: `verse train lrm`, `reconstruct`, `benchmark`, `compare`; and `verse doctor`, which also looks at what
they need.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from train import weights
from zeroverse.core.usage import INTERRUPTED, need, need_folder

LRM_FLAGS = (
    "depth_weight",
    "normal_weight",
    "centers_weight",
    "curriculum_steps",
    "precision",
    "parallel",
    "perceptual",
    "perceptual_weight",
    "perceptual_after",
    "point_steps",
    "log_scale_max",
    "view_angle_deg",
    "micro_batch",
    "recompute",
    "workers",
    "on_error",
    "wandb",
)  # of LRMConfig


@dataclass(kw_only=True)
class TrainLrm:
    """Train a GS-LRM-style reconstruction model on shards.

    Ctrl-C saves; --resume continues, to the same weights as an uninterrupted run. On several GPUs: torchrun
    --nproc-per-node 8 -m verse train lrm …
    """

    data: Annotated[tuple[str, ...], tyro.conf.arg(metavar="DIR ...|generate:SOURCE")]
    """A folder of shards (verse generate), or several, whose objects then count as one set; or generate:zeroverse or
    generate:detailverse: fresh objects, made while training. A set's order counts: --resume wants the same.
    """
    out: Path
    """Folder for the run: checkpoints, log.jsonl, previews, model.safetensors."""
    preset: Literal["tiny", "laptop", "small", "medium", "base", "base_512"] = "tiny"
    """tiny: 5 M parameters, 4 x 64 px, two minutes on a laptop; laptop: the same for an hour, the released model in two
    goes; small: 26 M, 128 px;
    medium: 86 M, 256 px; base: 303 M, 256 px, the published model; base_512: its second stage.
    """
    steps: int | None = None
    """Optimizer updates; default: the preset's."""
    seed: int = 0
    """Of the first weights and of all that is drawn: which objects and views, in which order."""
    resume: bool = False
    """Continue the run in --out."""
    start_from: Annotated[Path | None, tyro.conf.arg(metavar="RUN")] = None
    """A run, or the name of a released model, whose weights are the start, as base_512 wants the run of base."""
    validate: Path | None = None
    """Shards of held-out objects to score while training."""
    depth_weight: float | None = None
    """In the loss, of drawn depth against the shards' (which need the passes depth and normal, as by default); 0.2 is a
    start. Of this and the next three, the default is the preset's: 0, but for centers in laptop.
    """
    normal_weight: float | None = None
    """In the loss, of drawn normals against the shards'; 0.02 is a start."""
    centers_weight: float | None = None
    """In the loss, of the Gaussians' distance from the surface point in their pixel, as MegaSynth has it."""
    curriculum_steps: int | None = None
    """Begin with the easiest quarter of the shards' objects, and draw from all of them after so many steps; 0: from all
    at once.
    """
    precision: Literal["auto", "bf16", "float32"] | None = None
    """Of the network's products; default: the preset's, auto but for laptop. auto: bf16 on a GPU, float32 on a CPU;
    bf16 on CPUs that multiply it (AMD Zen 4, Intel Sapphire Rapids) makes the network 1.6 times cheaper; elsewhere
    dearer.
    """
    perceptual: Annotated[str, tyro.conf.arg(metavar="ssim|vgg:FILE")] = "ssim"
    """The perceptual loss: ssim needs no weights; vgg:FILE, with torchvision's VGG-19 (.pth or .safetensors), is the
    published choice.
    """
    perceptual_weight: float | None = None
    """Of that loss; LRM-Zero: 0.2, GS-LRM: 0.5, which data with many cuts do not survive. Of this and the next four,
    the default is the preset's.
    """
    perceptual_after: int | None = None
    """Steps before the perceptual loss counts."""
    point_steps: int | None = None
    """First steps, which only pull the Gaussians to the origin; 1000 in LRM-Zero's code."""
    log_scale_max: float | None = None
    """Limit of the Gaussians' log-scale; -1.2 or, steadier, -1.6 in LRM-Zero."""
    view_angle_deg: float | None = None
    """Of a target view from its nearest input, at most, in degrees, as far as the data allow; 60 or, steadier, 40 in
    LRM-Zero; 180: any.
    """
    parallel: Literal["ddp", "fsdp"] = "ddp"
    """Under torchrun. ddp: the whole model on every rank; fsdp: its weights, gradients and optimizer spread over the
    ranks, for less memory.
    """
    micro_batch: int | None = None
    """Samples of a rank's backward pass, a divisor of its share of the batch; 0: the whole share. Fewer take less
    memory, and give the same step: what fits on a GPU, `python -m train.tools.memory` says without one. Default: the
    preset's.
    """
    recompute: bool | None = None
    """Compute activations anew in the backward pass: a third more work for a fraction of the memory. Default: the
    preset's.
    """
    workers: int | None = None
    """Threads of a rank that load batches; more where the log's data_wait_percent is not near 0. Default: the preset's,
    2.
    """
    on_error: Literal["raise", "skip"] = "raise"
    """An unusable sample ends the run, or is named, counted and replaced."""
    wandb: Annotated[str, tyro.conf.arg(metavar="PROJECT")] = ""
    """Also log to this Weights & Biases project (pip install wandb). Without one nothing leaves the machine."""

    def run(self) -> int:
        need(self.steps is None or self.steps >= 1, "--steps", "at least 1", self.steps)
        need(-(2**63) <= self.seed < 2**63, "--seed", "64 bits", self.seed)
        for flag in (
            "depth_weight",
            "normal_weight",
            "centers_weight",
            "curriculum_steps",
            "perceptual_weight",
            "perceptual_after",
            "point_steps",
        ):
            need((getattr(self, flag) or 0) >= 0, f"--{flag.replace('_', '-')}", "at least 0", getattr(self, flag))
        need(
            self.view_angle_deg is None or 0 < self.view_angle_deg <= 180,
            "--view-angle-deg",
            "more than 0 and at most 180",
            self.view_angle_deg,
        )
        for flag, least in (("micro_batch", 0), ("workers", 1)):
            need(
                getattr(self, flag) is None or getattr(self, flag) >= least,
                f"--{flag.replace('_', '-')}",
                f"at least {least}",
                getattr(self, flag),
            )
        need(len(self.data) > 0, "--data", "a folder of shards or generate:SOURCE", "nothing")
        fresh = any(name.startswith("generate:") for name in self.data)
        need(
            not fresh or len(self.data) == 1,
            "--data",
            "folders of shards only, or generate:SOURCE by itself",
            " ".join(self.data),
        )
        need(
            not (fresh and self.curriculum_steps),
            "--curriculum-steps",
            "folders of shards with it, whose objects can be sorted",
            " ".join(self.data),
        )
        data = self.data if fresh else [need_folder(Path(name), "--data") for name in self.data]
        if self.start_from:
            weights.find(self.start_from, "--start-from")
        from train.models.lrm.config import PRESETS
        from train.models.lrm.task import train_lrm

        config = replace(
            PRESETS[self.preset](),
            **{flag: getattr(self, flag) for flag in LRM_FLAGS if getattr(self, flag) is not None},
        )
        outcome = train_lrm(
            data,
            self.out,
            config,
            steps=self.steps,
            seed=self.seed,
            resume=self.resume,
            start_from=self.start_from,
            validate_dir=need_folder(self.validate, "--validate") if self.validate else None,
        )
        return 0 if outcome.finished else INTERRUPTED


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
    """Score a model on held-out objects with a frozen protocol: results.json, table.md, figure.png.

    Pictures, and where the truth has alpha and depth also silhouettes, depth and surface. Two floors stand in the
    table: the nearest input view copied, and an untrained model; and the published numbers of GS-LRM and LRM-Zero for
        the protocol. An interrupted run goes on with the same command.
    """

    run_folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """A folder that `verse train lrm` wrote, or the name of a released model."""
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
    device: Literal["cpu", "cuda"] | None = None
    """Of the model; default: the GPU where there is one."""
    on_missing_texture: Literal["refuse", "white"] = "refuse"
    """Of a texture in --assets that is not there or cannot be read: refuse: the object is not scored; white: it is
    rendered without.
    """

    def run(self) -> int:
        from train.evaluation.benchmark import benchmark
        from train.evaluation.report import PartlyScored

        need(
            (self.assets is None) != (self.views is None),
            "--assets, --views",
            "exactly one of them",
            "both" if self.assets else "neither",
        )
        need(self.targets >= 1, "--targets", "at least 1", self.targets)
        need(self.objects is None or self.objects.is_file(), "--objects", "a file", self.objects)
        for flag, path in (("--assets", self.assets), ("--views", self.views)):
            if path is not None:
                need_folder(path, flag)
        weights.find(self.run_folder)
        try:
            print(
                benchmark(
                    self.run_folder,
                    self.out,
                    assets=self.assets,
                    views=self.views,
                    protocol=self.protocol,
                    targets=self.targets,
                    lpips=self.lpips,
                    only=self.objects,
                    up=f"+{self.obj_up.upper()}",
                    device=self.device,
                    on_missing_texture=self.on_missing_texture,
                )
            )
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
