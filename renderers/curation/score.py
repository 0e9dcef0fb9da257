"""The quality score: a linear model from `features` to ratings of 1 to 5, as TripoSG's (section 4 I). It is trained in
`train.curator`.

Linear algebra of numpy, no weights from anywhere. The model is a small JSON file, so it can be read and shared.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zeroverse.core.files import write_whole

FORMAT = "verse-scorer/1"
KNOTS = 64  # quantiles kept of each feature
ARRAYS = ("mean", "scale", "knots", "weights")  # what the file of a scorer holds


@dataclass(frozen=True, eq=False)
class Scorer:
    """score = bias + weights · z(x), clipped to 1..5. z has every feature twice: standardised, and as its rank among
    the training set's, for many are zero in good objects and what matters is that they are not. mean, scale: [D];
    knots: [D, KNOTS] quantiles; weights: [2 D].

    embed: the name of the network whose features it needs beside the built-in ones, empty for none.
    """

    mean: np.ndarray
    scale: np.ndarray
    knots: np.ndarray
    weights: np.ndarray
    bias: float
    embed: str = ""

    def score(self, features: np.ndarray) -> np.ndarray:
        """Returns the scores [N] of features [N, D]. Raises ValueError for another D."""
        if features.shape[-1] != len(self.mean):
            raise ValueError(
                f"features: the scorer was trained on {len(self.mean)} numbers an object, got {features.shape[-1]}; "
                f"its network was {self.embed or 'none'}"
            )
        return np.clip(self.bias + self.inputs(features) @ self.weights, 1.0, 5.0)

    def inputs(self, features: np.ndarray) -> np.ndarray:
        """Returns z(x), what the weights see: [N, D] -> [N, 2 D]."""
        standard = np.clip((features - self.mean) / self.scale, -4, 4)
        ranks = np.stack(
            [
                (np.searchsorted(knots, x, "left") + np.searchsorted(knots, x, "right")) / (2.0 * KNOTS) - 0.5
                for knots, x in zip(self.knots, np.asarray(features, np.float64).T)
            ],
            axis=1,
        )
        return np.concatenate([standard, np.sqrt(12.0) * ranks], axis=1)  # a uniform rank has variance 1/12

    def save(self, path: Path, numbers: dict) -> None:
        arrays = {name: np.round(getattr(self, name), 7).tolist() for name in ARRAYS}
        write_whole(
            path,
            json.dumps(
                {"format": FORMAT, "held_out": numbers, "embed": self.embed, "bias": self.bias, **arrays}
            ).encode(),
        )

    @classmethod
    def load(cls, path: Path) -> "Scorer":
        """Raises ValueError naming the file for anything else."""
        try:
            row = json.loads(path.read_bytes())
            if row["format"] != FORMAT:
                raise ValueError(f"format: expected {FORMAT}, got {row['format']!r}")
            return cls(*(np.array(row[name], np.float64) for name in ARRAYS), float(row["bias"]), row["embed"])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}: not a scorer: {type(error).__name__}: {error}") from error
