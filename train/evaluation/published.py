"""Published scores, to stand beside ours in a table: numbers as printed in the papers, none of them with an interval.

Source of every row: LRM-Zero (NeurIPS 2024, arXiv 2406.09371), main and generalisation results and ablations, as in
docs/papers.md, LRM. GS-LRM there is the same network trained on Objaverse. Object lists and random target
views were not released, and the images went through a per-object tone stretch: the rows say what scale brings, not what
a difference of 0.1 dB means.
"""

from typing import NamedTuple

SOURCE = "arXiv 2406.09371"


class Row(NamedTuple):
    protocol: str
    model: str
    data: str  # what was scored
    resolution: int | None  # pixels; None: not stated with the table
    psnr: float
    ssim: float
    lpips: float


ROWS = tuple(
    Row(*row)
    for row in (
        ("gso-8", "GS-LRM", "GSO", 512, 33.23, 0.971, 0.031),
        ("gso-8", "GS-LRM", "ABO", 512, 30.92, 0.944, 0.067),
        ("gso-8", "LRM-Zero", "GSO", 512, 31.62, 0.960, 0.039),
        ("gso-8", "LRM-Zero", "ABO", 512, 28.71, 0.929, 0.078),
        ("gso-8", "GS-LRM", "GSO", 256, 31.90, 0.966, 0.030),
        ("gso-8", "GS-LRM", "ABO", 256, 30.66, 0.949, 0.055),
        ("gso-8", "LRM-Zero", "GSO", 256, 30.78, 0.957, 0.036),
        ("gso-8", "LRM-Zero", "ABO", 256, 28.82, 0.934, 0.065),
        ("gso-4", "GS-LRM", "GSO", 512, 30.52, 0.952, 0.050),
        ("gso-4", "GS-LRM", "ABO", 512, 29.09, 0.925, 0.085),
        ("gso-4", "LRM-Zero", "GSO", 512, 28.49, 0.937, 0.063),
        ("gso-4", "LRM-Zero", "ABO", 512, 25.40, 0.893, 0.115),
        ("gso-4", "GS-LRM", "GSO", 256, 29.59, 0.944, 0.050),
        ("gso-4", "GS-LRM", "ABO", 256, 28.92, 0.926, 0.074),
        ("gso-4", "LRM-Zero", "GSO", 256, 27.78, 0.927, 0.062),
        ("gso-4", "LRM-Zero", "ABO", 256, 25.41, 0.886, 0.106),
        ("random-8", "GS-LRM", "OmniObject3D", None, 29.32, 0.940, 0.055),
        ("random-8", "LRM-Zero", "OmniObject3D", None, 25.81, 0.909, 0.080),
        ("random-8", "GS-LRM", "Objaverse-test", None, 28.37, 0.920, 0.079),
        ("random-8", "LRM-Zero", "Objaverse-test", None, 25.88, 0.884, 0.112),
        ("random-8", "GS-LRM", "Zeroverse-test", None, 26.48, 0.880, 0.089),
        ("random-8", "LRM-Zero", "Zeroverse-test", None, 28.23, 0.912, 0.068),
    )
)


def rows(protocol: str) -> tuple[Row, ...]:
    return tuple(row for row in ROWS if row.protocol == protocol)


def label(row: Row) -> str:
    size = f", {row.resolution} px" if row.resolution else ""
    return f"{row.model} on {row.data}{size} (published, {SOURCE})"


class Ablation(NamedTuple):
    """A row of LRM-Zero's tables 2, 3 and 10: 256 px, 8 inputs, 80K steps, GSO. mix: shares of objects in % with height
    fields only, with a cut, with a wireframe. angle: a threshold that is 60 by default and may not mean degrees
    (docs/papers.md, LRM). psnr: None where training failed.
    """

    mix: str
    perceptual: float
    log_scale_max: float
    angle: float
    psnr: float | None


ABLATIONS = tuple(
    Ablation(*row)
    for row in (
        ("40/40/20", 0.2, -1.2, 60, 30.78),
        ("60/40/0", 0.2, -1.2, 60, 30.75),
        ("66.6/0/33.3", 0.2, -1.2, 60, 29.82),
        ("100/0/0", 0.2, -1.2, 60, 29.88),
        ("100/0/0", 0.5, -1.2, 60, 29.54),
        ("85/10/5", 0.5, -1.2, 60, 30.62),
        ("20/80/0", 0.5, -1.2, 60, None),
        ("20/80/0", 0.2, -1.2, 60, None),
        ("20/80/0", 0.0, -1.2, 60, None),
        ("40/60/0", 0.2, -1.2, 60, None),
        ("40/60/0", 0.2, -1.6, 40, 30.32),
        ("40/60/0", 0.2, -1.6, 60, 30.42),
        ("40/60/0", 0.2, -1.2, 40, 30.85),
        ("92/8/0", 0.2, -1.6, 40, 30.14),
        ("92/8/0", 0.2, -1.6, 60, 30.46),
        ("92/8/0", 0.2, -1.2, 60, 30.86),
    )
)


def ablation(mix: str, perceptual: float, log_scale_max: float, angle: float | None) -> Ablation | None:
    """Returns the published row of these settings, if there is one; no angle: the paper's default."""
    wanted = (mix, perceptual, log_scale_max, 60 if angle is None else angle)
    return next((row for row in ABLATIONS if row[:4] == wanted), None)
