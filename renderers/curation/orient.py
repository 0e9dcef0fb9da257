"""Canonical orientation: which of the 24 turns of an axis-aligned frame puts an object upright with its front towards
-y.

After TripoSG, section 4 III: six views along the axes, features, a trained chooser. A turn of the object by 90 degrees
only exchanges its six views and turns them in their planes, so all 24 candidates come from one rendering. The chooser
is a linear score with a softmax over the candidates, trained (`train.curator`) on our own assets, whose +Z is up and
whose front is -y. Turns that leave an object looking the same count as one.
"""

import itertools
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

import renderers
from renderers.cameras import Cameras, look_at, pinhole
from renderers.cameras.framing import framing_distance, moved_back
from renderers.lighting import UNIFORM
from zeroverse.asset import Asset
from zeroverse.core.files import write_whole

FORMAT = "verse-orienter/1"
SIZE, GRID = 96, 8  # pixels of a view; cells that features average over
FOV_DEG = 20.0
# difference of two candidates' views, of their size, below which they look the same: a box turned over 0.1, a pitcher's
# handle 0.3
SAME = 0.12
SURE = 0.5  # probability below which the answer is `cannot tell`
DIRECTIONS = np.array(
    [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], np.float64
)  # where the cameras stand; [3] sees the front


@cache
def turns() -> np.ndarray:
    """Returns the rotations [24, 3, 3] that permute the axes; 0 is the identity."""
    found = []
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1, -1), repeat=3):
            matrix = np.zeros((3, 3))
            matrix[range(3), order] = signs
            if np.linalg.det(matrix) > 0:
                found.append(matrix)
    return np.array(sorted(found, key=lambda matrix: -np.trace(matrix)))


def six_views(asset: Asset) -> np.ndarray:
    """Returns the six views [6, SIZE, SIZE, 5] float32 from `DIRECTIONS`: mask, normal in the camera's frame, nearness
    (1 at the near side of the object's cube, 0 at the far).
    """
    cameras = _axis_cameras()
    images = renderers.load("cpu").render(asset, cameras, UNIFORM, ("depth", "normal"))
    mask = images["depth"] > 0
    normal = np.einsum("vji,vhwj->vhwi", cameras.c2w[:, :3, :3], images["normal"])
    distance = np.sqrt((cameras.centers**2).sum(axis=1))[:, None, None, None]
    nearness = np.where(mask, np.clip(0.5 - (images["depth"] - distance) / 1.8, 0, 1), 0)
    return np.concatenate([mask, normal, nearness], axis=-1).astype(np.float32)


@cache
def _axis_cameras() -> Cameras:
    cameras = pinhole(look_at(DIRECTIONS), SIZE, FOV_DEG)
    return moved_back(cameras, framing_distance(cameras, np.zeros((1, 3)), ball=0.95))


@cache
def exchanges() -> tuple[np.ndarray, np.ndarray]:
    """Returns (view [24, 6], quarters [24, 6]): after turn t, camera i sees what camera view[t, i] saw before, turned
    by so many quarters (as np.rot90).
    """
    axes = _axis_cameras().c2w[:, :3, :3]
    view, quarters = np.zeros((24, 6), np.int64), np.zeros((24, 6), np.int64)
    for t, turn in enumerate(turns()):
        for i in range(6):
            before = np.rint(turn.T @ axes[i])
            j = int(np.argmax([(before[:, 2] * axes[j][:, 2]).sum() for j in range(6)]))
            x, y = np.rint(before[:, 0] @ axes[j][:, :2])  # where the new right points in the old picture: +x, +y down
            view[t, i], quarters[t, i] = j, {(1, 0): 0, (0, 1): 1, (-1, 0): 2, (0, -1): 3}[int(x), int(y)]
    return view, quarters


def _turned(image: np.ndarray, quarters: int) -> np.ndarray:
    """A view [S, S, 5] turned in its plane, normals with it."""
    image = np.rot90(image, quarters).copy()
    for _ in range(quarters):
        image[..., 1], image[..., 2] = image[..., 2].copy(), -image[..., 1]
    return image


def candidates(views: np.ndarray) -> np.ndarray:
    """Returns the six views of the object after each turn, [24, 6, S, S, 5]."""
    spun = np.array([[_turned(image, quarters) for quarters in range(4)] for image in views])  # [6, 4, S, S, 5]
    view, quarters = exchanges()
    return spun[view, quarters]


def describe(views: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns (features [24, D] of the candidates, alike [24, 24] whether two of them look the same)."""
    small = _pooled(views, 4)
    turned = candidates(small)
    flat = turned.reshape(24, -1)
    alike = np.array([[np.abs(a - b).mean() for b in flat] for a in flat]) / max(np.abs(flat[0]).mean(), 1e-6)
    coarse = candidates(_pooled(views, SIZE // GRID)).reshape(24, -1)
    shape = np.array([_shape(candidate) for candidate in turned])
    return np.concatenate([coarse, shape], axis=1), alike < SAME


def _pooled(views: np.ndarray, step: int) -> np.ndarray:
    n = views.shape[1] // step
    return views.reshape(6, n, step, n, step, 5).mean(axis=(2, 4))


def _shape(views: np.ndarray) -> list[float]:
    """What tells up and front beyond single cells: support, balance, mirror symmetry, where the detail is. views [6, S,
    S, 5] of one candidate.
    """
    mask, near = views[..., 0], views[..., 4]
    out = []
    for a, b in ((5, 4), (3, 2), (0, 1)):  # below and above, front and back, right and left
        ends = [_contact(near[k], mask[k]) for k in (a, b)]
        detail = [float(np.abs(np.diff(views[k, ..., 1:4], axis=0)).sum() / max(mask[k].sum(), 1)) for k in (a, b)]
        depths = [_depths(near[k], mask[k]) for k in (a, b)]
        out += [
            *ends[0],
            *(np.array(ends[0]) - ends[1]),
            detail[0] - detail[1],
            detail[0],
            *depths[0],
            *(np.array(depths[0]) - depths[1]),
        ]
    for k in (3, 0, 4):
        flat = views[k]
        scale = max(float(flat[..., 0].sum()), 1.0)
        mirrored = [float(np.abs(flat - np.flip(flat, axis)).sum(axis=(0, 1))[[0, 4]].sum()) / scale for axis in (0, 1)]
        quarter = float(np.abs(flat - np.rot90(flat)).sum(axis=(0, 1))[[0, 4]].sum()) / scale
        heights = flat[..., 0].sum(axis=1) @ np.linspace(1, 0, flat.shape[0]) / scale
        sides = [float((flat[..., 0].sum(axis=axis) > 0.5).mean()) for axis in (0, 1)]
        widths = [
            flat[rows, :, 0].sum() / scale for rows in np.array_split(np.flatnonzero(flat[..., 0].sum(axis=1) > 0.5), 6)
        ]
        out += [*mirrored, mirrored[0] - mirrored[1], quarter, heights, *sides, sides[0] - sides[1], *widths]
    return out


def _contact(near: np.ndarray, mask: np.ndarray) -> list[float]:
    """Of the side that this view looks at: the share of the silhouette that touches a plane there, how widely that
    spreads, how far off the middle it is.
    """
    top = float(near.max())
    touch = (near > top - 0.03) & (mask > 0.5)
    rows, columns = np.nonzero(touch)
    whole = np.nonzero(mask > 0.5)
    if not len(rows):
        return [0.0, 0.0, 0.0, top]
    spread = (np.ptp(rows) + 1) * (np.ptp(columns) + 1) / max((np.ptp(whole[0]) + 1) * (np.ptp(whole[1]) + 1), 1)
    off = np.sqrt((rows.mean() - whole[0].mean()) ** 2 + (columns.mean() - whole[1].mean()) ** 2) / mask.shape[0]
    return [float(touch.sum() / max((mask > 0.5).sum(), 1)), float(spread), float(off), top]


def _depths(near: np.ndarray, mask: np.ndarray) -> list[float]:
    """How far what this view sees lies behind the nearest point, mean and spread: a vessel is deep from above."""
    seen = near[mask > 0.5]
    return [float(near.max() - seen.mean()), float(seen.std())] if len(seen) else [0.0, 0.0]


# ---------------------------------------------------------------------------------------------------------- the chooser


@dataclass(frozen=True)
class Orientation:
    """turn: index into `turns()`, to be applied to the object; up, front: probabilities of its up axis, and of the turn
    as a whole, those that look the same together; verdict: `upright and front`, `upright` (the front is a guess) or
    `cannot tell`.
    """

    turn: int
    up: float
    front: float
    verdict: str

    def record(self) -> dict:
        return {
            "matrix": turns()[self.turn].astype(int).tolist(),
            "up": round(self.up, 4),
            "front": round(self.front, 4),
            "verdict": self.verdict,
        }


@dataclass(frozen=True, eq=False)
class Orienter:
    """score = weights · (x - mean) / scale, softmax over the candidates. All [D]."""

    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray

    def probabilities(self, features: np.ndarray) -> np.ndarray:  # [..., 24, D] -> [..., 24]
        score = ((features - self.mean) / self.scale) @ self.weights
        score = np.exp(score - score.max(axis=-1, keepdims=True))
        return score / score.sum(axis=-1, keepdims=True)

    def orient(self, features: np.ndarray, alike: np.ndarray) -> Orientation:
        """Returns the orientation of one object, from what `describe` gives."""
        chance = self.probabilities(features)
        up_of = turns()[:, 2]  # the axis of the object that a turn brings up
        up = np.array([chance[(up_of == axis).all(axis=1)].sum() for axis in up_of])
        whole = np.array([chance[alike[t]].sum() for t in range(24)])
        turn = int(np.argmax(up + 1e-3 * whole + 1e-6 * chance)) if up.max() >= SURE else int(np.argmax(whole))
        among = np.flatnonzero((up_of == up_of[turn]).all(axis=1))
        turn = int(among[np.argmax(whole[among])])
        up_sure = max(up[turn], float(chance[_ups_alike(turn, alike)].sum()))
        verdict = "cannot tell" if up_sure < SURE else "upright" if whole[turn] < SURE else "upright and front"
        return Orientation(turn, float(up_sure), float(whole[turn]), verdict)

    def save(self, path: Path, numbers: dict) -> None:
        row = {name: getattr(self, name).tolist() for name in ("mean", "scale", "weights")}
        write_whole(path, json.dumps({"format": FORMAT, **row, "held_out": numbers}, indent=1).encode())

    @classmethod
    def load(cls, path: Path) -> "Orienter":
        """Raises ValueError naming the file for anything else."""
        try:
            row = json.loads(path.read_bytes())
            if row["format"] != FORMAT:
                raise ValueError(f"format: expected {FORMAT}, got {row['format']!r}")
            return cls(*(np.array(row[name], np.float64) for name in ("mean", "scale", "weights")))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}: not an orienter: {error}") from error


def _ups_alike(turn: int, alike: np.ndarray) -> np.ndarray:
    """[24] the turns whose up axis cannot be told from this one's: some turn with it looks like some turn with that."""
    up_of = turns()[:, 2]
    own = (up_of == up_of[turn]).all(axis=1)
    axes = up_of[alike[own].any(axis=0)]
    return (up_of[:, None] == axes[None]).all(axis=-1).any(axis=1)
