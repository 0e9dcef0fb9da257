"""A run -> a released model: `python -m train.tools.release RUN train/weights/NAME`. Afterwards NAME stands wherever a
command takes a RUN.
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from safetensors.torch import save as safetensors_bytes
from torch import Tensor

from train.loop.runs import RunError, read_run, read_stamp
from train.trainers import trainer_of
from train.weights import CONFIG, MODEL, names
from zeroverse.core.files import write_whole
from zeroverse.core.usage import UsageError

# bytes of weights that a git repository and a wheel still carry well: `small` in half precision is 52 MB
LARGEST = 60_000_000


def release(run_dir: str | Path, out: Path) -> int:
    """Writes the averaged weights of a run as float16, and its config without what is of this machine; returns the
    bytes of the weights.

    Raises RunError for weights that float16 cannot hold or that are larger than LARGEST; then nothing is written.
    """
    saved, path = read_run(run_dir, trainer_of(run_dir).name)
    weights = {name: halved(name, tensor) for name, tensor in load_file(path).items()}
    data = safetensors_bytes(weights)
    if len(data) > LARGEST:
        raise RunError(
            f"{run_dir}: weights: expected at most {LARGEST / 1e6:g} MB in float16, got {len(data) / 1e6:.1f} MB"
        )
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / MODEL, data)
    write_whole(out / CONFIG, json.dumps(read_stamp(run_dir) | {"config": public(saved)}, indent=1).encode())
    return len(data)


def halved(name: str, tensor: Tensor) -> Tensor:
    """Returns a tensor as float16: relative rounding of 2^-11, absolute of 2^-25 near zero; a network that runs in
    bfloat16 does not see it. Raises RunError.
    """
    half = tensor.half()
    if not torch.isfinite(half).all():
        raise RunError(f"{name}: expected finite weights below 65504, got {tensor.abs().max():g}")
    return half


def public(config: dict) -> dict:
    """Returns a run's config without what is of this machine: paths, the name of a W&B project, and a precision that
    its CPU was good at; a start from a released model is kept, as anybody can have it.
    """
    start, (kind, colon, path) = config.get("start_from", ""), config.get("perceptual", "").partition(":")
    blank = {
        "start_from": start if start in names() else "",
        "perceptual": f"{kind}{colon}{Path(path).name}",
        "wandb": "",
        "precision": "auto",
    }
    return config | {name: value for name, value in blank.items() if name in config}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m train.tools.release", description=__doc__)
    parser.add_argument("run", metavar="RUN", help="a folder that `verse train` wrote")
    parser.add_argument("out", metavar="OUT", type=Path, help="folder for config.json and model.safetensors")
    asked = parser.parse_args(arguments)
    try:
        print(f"{asked.out}: {release(asked.run, asked.out) / 1e6:.1f} MB")
    except (RunError, UsageError, OSError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
