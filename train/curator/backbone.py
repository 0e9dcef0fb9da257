"""Features of pictures by networks that the user brings: CLIP and DINOv2 for the quality score (TripoSG §4 I), or any
exported program.

Nothing is downloaded. Here and not in `renderers`, because it needs torch.
"""

import functools
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from zeroverse.core.files import digest

MEAN, STD = (
    (0.485, 0.456, 0.406),
    (0.229, 0.224, 0.225),
)  # ImageNet's, which DINOv2 was trained with; CLIP's folder brings its own
SIZE = 224


@dataclass(frozen=True)
class Backbone:
    """Networks one after the other, their features side by side. Small and picklable: each process loads the weights
    for itself, once.

    paths: files of torch.export (.pt2) or TorchScript that map [B, 3, 224, 224] float32 (ImageNet-normalised) to [B,
    D], or folders as `save_pretrained` of transformers writes them. Raises ValueError naming a path that is neither.
    """

    paths: tuple[str, ...]

    def __post_init__(self):
        for path in map(Path, self.paths):
            if not path.is_file() and not (path / "config.json").is_file():
                raise ValueError(
                    f"features: expected a .pt2 or TorchScript file, or a folder with config.json and weights, got "
                    f"{path}"
                    f"{'' if path.exists() else ', which does not exist'}"
                )

    @cached_property
    def name(self) -> str:
        """Returns the name of the weights, wherever they lie: what was measured with others is not the same."""
        return "+".join(f"{Path(path).name}-{digest(path)[:12]}" for path in self.paths)

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        """[V, H, W, 3] uint8 -> [V, D] float32."""
        return np.concatenate([_features(path, pictures) for path in self.paths], axis=1)


def _features(path: str, pictures: np.ndarray) -> np.ndarray:
    import torch

    network, size, mean, std = _loaded(path)
    with torch.inference_mode():
        x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255  # [V, 3, H, W]
        x = torch.nn.functional.interpolate(x, size=(size, size), mode="bilinear", antialias=True, align_corners=False)
        found = network((x - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None])
    if found.ndim != 2 or len(found) != len(pictures):
        raise ValueError(f"{path}: expected features [{len(pictures)}, D], got {list(found.shape)}")
    return found.float().numpy()


@functools.cache
def _loaded(path: str):
    """(function [B, 3, S, S] -> [B, D], S, mean, std)."""
    import torch

    if Path(path).is_file():
        try:
            network = (
                torch.export.load(path).module()
                if path.endswith(".pt2")
                else torch.jit.load(path, map_location="cpu").eval()
            )
        except RuntimeError as error:
            raise ValueError(f"{path}: not a .pt2 or TorchScript file: {str(error).splitlines()[0]}") from error
        return network, SIZE, MEAN, STD
    try:
        from transformers import AutoModel
    except ImportError as error:
        raise ValueError(f"{path}: folders of weights are read with transformers: pip install transformers") from error
    network = AutoModel.from_pretrained(path, local_files_only=True).eval()
    settings = Path(path) / "preprocessor_config.json"
    found = json.loads(settings.read_bytes()) if settings.exists() else {}
    size = found.get("crop_size") or found.get("size") or SIZE
    size = size if isinstance(size, int) else size.get("height") or size.get("shortest_edge", SIZE)
    return functools.partial(_pooled, network), size, found.get("image_mean", MEAN), found.get("image_std", STD)


def _pooled(network, x):
    """CLIP's image features, or the class token of a vision transformer."""
    if hasattr(network, "get_image_features"):
        return network.get_image_features(pixel_values=x)
    return network(pixel_values=x).last_hidden_state[:, 0]
