"""A trainer for tests of TRAINERS: the line of `tests.helpers.line`, as a row wants it."""

from dataclasses import dataclass
from pathlib import Path

import torch

from tests.helpers.line import LineConfig, LineTask
from train.loop.config import setting
from train.loop.fit import fit
from train.loop.runs import load_network
from train.trainers import Trainer


@dataclass(frozen=True, kw_only=True)
class ToyConfig(LineConfig):
    preset: str = "quick"
    wings: int = setting(2, least=0)
    """How many wings it has."""


class ToyTask(LineTask):
    name = "toy"

    def heaviest(self, model, batch):
        return model(batch["x"]).square().mean()

    def timed_parts(self, batch):
        return {"flapping": lambda: self.model(batch["x"])}

    def close(self):
        pass


def quick() -> ToyConfig:
    """A second or less."""
    return ToyConfig(steps=2, batch=2, warmup=1, save_every=0, workers=1)


def train(data, run_dir, config, *, resume=False, validate_dir=None):
    return fit(ToyTask(config), run_dir, resume=resume)


def network(config):
    return ToyTask(config).model


def load(run_dir, device="cpu"):
    return load_network(run_dir, "toy", ToyConfig, network, device)


def tool_task(config, data=None):
    return ToyTask(config)


def evaluate(run_dir, out, asked) -> str:
    model, config = load(run_dir)
    score = model(torch.zeros(1, 4)).item()
    Path(out).mkdir()
    return f"toy with {config.wings} wings on {asked.data}: {score:.3f}"


HERE = "tests.helpers.toy_trainer"
TOY = Trainer(
    name="toy",
    what="Train a toy.",
    config=ToyConfig,
    presets={"quick": quick},
    data="DIR",
    data_text="Any folder.",
    train=f"{HERE}:train",
    load=f"{HERE}:load",
    task=f"{HERE}:tool_task",
    evaluate=f"{HERE}:evaluate",
)
