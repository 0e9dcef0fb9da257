"""Weights and optimizer state spread over the ranks (FSDP2), and checkpoints that every rank writes its part of.

A checkpoint is a folder of torch.distributed.checkpoint with `facts.json`; any number of ranks can load what another
number has saved.
"""

import json
import os
import shutil
from pathlib import Path

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch import nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_state_dict,
    set_model_state_dict,
    set_state_dict,
)
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor

SUFFIX = ".shards"
FACTS = "facts.json"


def shard(model: nn.Module) -> None:
    """Shards a model in place: every block by itself, so that only one is whole at a time, and the rest together. All
    ranks hold the same weights before.
    """
    for block in getattr(model, "blocks", ()):
        fully_shard(block)
    fully_shard(model)


def gather(sharded: nn.Module, whole: nn.Module) -> None:
    """Copies the weights of `sharded`, of all ranks, into `whole`; every rank calls it, and the leader's becomes the
    model.
    """
    weights = get_model_state_dict(sharded, options=StateDictOptions(full_state_dict=True, cpu_offload=True))
    if weights:  # elsewhere than on the leader it is empty
        whole.load_state_dict(weights)


def local(value: torch.Tensor) -> torch.Tensor:
    """Returns a result that is the same on all ranks, as a plain tensor."""
    return value.full_tensor() if isinstance(value, DTensor) else value


def save(path: Path, state, facts: dict, team) -> None:
    """Saves a checkpoint: every rank writes its shards under another name, the leader adds the facts and renames."""
    temporary = path.with_name(path.name + ".tmp-shards")
    if team.leads and temporary.exists():
        shutil.rmtree(temporary)
    team.wait()
    dcp.save(
        _tensors(state), checkpoint_id=temporary, no_dist=team.size == 1
    )  # returns on every rank when all have written
    if team.leads:
        (temporary / FACTS).write_text(json.dumps(facts))
        if path.exists():  # of a branch that a rollback has left
            shutil.rmtree(path)
        os.replace(temporary, path)
    team.wait()


def read_facts(path: Path) -> dict:
    return json.loads((path / FACTS).read_text())


def load(path: Path, state) -> None:
    """Reads the shards; every rank calls it."""
    tensors = _tensors(state)
    dcp.load(tensors, checkpoint_id=path, no_dist=not dist.is_initialized())
    set_state_dict(
        state.model, state.optimizer, model_state_dict=tensors["model"], optim_state_dict=tensors["optimizer"]
    )
    set_model_state_dict(state.ema, tensors["ema"])


def _tensors(state) -> dict:
    model, optimizer = get_state_dict(state.model, state.optimizer)
    return {"model": model, "optimizer": optimizer, "ema": get_model_state_dict(state.ema)}
