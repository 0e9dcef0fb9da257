"""Published scores, to stand beside ours in a table: numbers as printed in the papers, none of them with an interval.

Source of every row: LRM-Zero (NeurIPS 2024, arXiv 2406.09371), main and generalisation results, as in facts/lrm_zero.md §2.2. GS-LRM there is the
same network trained on Objaverse. Object lists and random target views were not released, and the images went through a per-object tone stretch:
the rows say what scale brings, not what a difference of 0.1 dB means.
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


ROWS = tuple(Row(*row) for row in (
    ("gso-8", "GS-LRM", "GSO", 512, 33.23, 0.971, 0.031), ("gso-8", "GS-LRM", "ABO", 512, 30.92, 0.944, 0.067),
    ("gso-8", "LRM-Zero", "GSO", 512, 31.62, 0.960, 0.039), ("gso-8", "LRM-Zero", "ABO", 512, 28.71, 0.929, 0.078),
    ("gso-8", "GS-LRM", "GSO", 256, 31.90, 0.966, 0.030), ("gso-8", "GS-LRM", "ABO", 256, 30.66, 0.949, 0.055),
    ("gso-8", "LRM-Zero", "GSO", 256, 30.78, 0.957, 0.036), ("gso-8", "LRM-Zero", "ABO", 256, 28.82, 0.934, 0.065),
    ("gso-4", "GS-LRM", "GSO", 512, 30.52, 0.952, 0.050), ("gso-4", "GS-LRM", "ABO", 512, 29.09, 0.925, 0.085),
    ("gso-4", "LRM-Zero", "GSO", 512, 28.49, 0.937, 0.063), ("gso-4", "LRM-Zero", "ABO", 512, 25.40, 0.893, 0.115),
    ("gso-4", "GS-LRM", "GSO", 256, 29.59, 0.944, 0.050), ("gso-4", "GS-LRM", "ABO", 256, 28.92, 0.926, 0.074),
    ("gso-4", "LRM-Zero", "GSO", 256, 27.78, 0.927, 0.062), ("gso-4", "LRM-Zero", "ABO", 256, 25.41, 0.886, 0.106),
    ("random-8", "GS-LRM", "OmniObject3D", None, 29.32, 0.940, 0.055), ("random-8", "LRM-Zero", "OmniObject3D", None, 25.81, 0.909, 0.080),
    ("random-8", "GS-LRM", "Objaverse-test", None, 28.37, 0.920, 0.079), ("random-8", "LRM-Zero", "Objaverse-test", None, 25.88, 0.884, 0.112),
    ("random-8", "GS-LRM", "Zeroverse-test", None, 26.48, 0.880, 0.089), ("random-8", "LRM-Zero", "Zeroverse-test", None, 28.23, 0.912, 0.068),
))


def rows(protocol: str) -> tuple[Row, ...]:
    return tuple(row for row in ROWS if row.protocol == protocol)


def label(row: Row) -> str:
    size = f", {row.resolution} px" if row.resolution else ""
    return f"{row.model} on {row.data}{size} (published, {SOURCE})"
