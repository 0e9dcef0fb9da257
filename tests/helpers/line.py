"""A trainer that takes no time: it fits a line, and every guarantee of the loop can be tested on it."""

import json
import math
import os
import signal
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from train.loop.config import LoopConfig
from train.loop.flops import Work
from train.loop.meter import MEASURED
from zeroverse.core.rng import Rng


@dataclass(frozen=True, kw_only=True)
class LineConfig(LoopConfig):
    noise: float = 0.0


class LineTask:
    """Fits a small network to a fixed one; the data are keyed by position, noise comes from torch's generator as in a
    real trainer.
    """

    name = "line"
    fingerprint = "line data"
    work = Work(tokens=1, flops=6 * (4 * 8 + 8))

    def __init__(self, config: LineConfig, at_step=None):
        torch.manual_seed(config.seed)
        self.model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
        self.config, self.at_step, self.bad, self.losses = config, at_step or {}, {}, []

    def batch(self, positions):
        return {"x": torch.stack([torch.from_numpy(Rng("line", p).unit(4)).float() for p in positions])}

    def loss(self, model, batch, step):
        x = batch["x"]
        target = x.sum(1, keepdim=True) + self.config.noise * torch.randn(len(x), 1)
        loss = ((model(x) - target) ** 2).mean()
        loss = loss * self.at_step[step](self) if step in self.at_step else loss
        self.losses.append(loss.item())
        return loss, {"error": loss}

    def validate(self, model):
        return {"val": sum(p.double().sum().item() for p in model.parameters())}

    def preview(self, model, path):
        path.write_bytes(b"picture")


def line(**changes) -> LineConfig:
    return LineConfig(
        **{**dict(steps=6, batch=4, lr=1e-2, warmup=2, save_every=2, log_every=1, workers=2, noise=0.1), **changes}
    )


def stop(task):
    os.kill(os.getpid(), signal.SIGTERM)
    return 1.0


def weights(run_dir):
    state = torch.load(sorted(Path(run_dir).glob("checkpoint_*.pt"))[-1], weights_only=True)
    return {
        **{f"model.{k}": v for k, v in state["model"].items()},
        **{f"ema.{k}": v for k, v in state["ema"].items()},
        **{f"{i}.{k}": v for i, moments in state["optimizer"]["state"].items() for k, v in moments.items()},
    }


def assert_same_run(a, b):
    first, second = weights(a), weights(b)
    assert first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)
    rows = [
        [
            {k: v for k, v in json.loads(row).items() if k not in MEASURED}
            for row in (Path(path) / "log.jsonl").read_text().splitlines()
        ]
        for path in (a, b)
    ]
    assert rows[0] == rows[1]
    assert (Path(a) / "model.safetensors").read_bytes() == (Path(b) / "model.safetensors").read_bytes()


BAD = range(20, 26)  # positions of the data, which the rollback passes over


class Poisoned(LineTask):
    """Some data, not some steps, give NaN: the run heals where it does not see them again. die_at: a call of `loss`
    that kills the process.
    """

    def __init__(self, config, bad=BAD, die_at=None):
        super().__init__(config)
        self.positions_bad, self.die_at = set(bad), die_at

    def batch(self, positions):
        return {**super().batch(positions), "position": torch.tensor(list(positions))}

    def loss(self, model, batch, step):
        if len(self.losses) == self.die_at:
            raise MemoryError
        loss, terms = super().loss(model, batch, step)
        return (loss * math.nan, terms) if self.positions_bad & set(batch["position"].tolist()) else (loss, terms)
