"""Which samples a rank takes, in which micro-batches."""

from collections.abc import Iterator

from train.loop.config import LoopConfig


def accumulation(config: LoopConfig, ranks: int) -> int:
    """Returns the micro-batches per update and rank. Raises ValueError when the batch does not split evenly: a mean of
    unequal parts is another loss.
    """
    share, rest = divmod(config.batch, ranks)
    if rest or share == 0:
        raise ValueError(f"batch: expected a multiple of the {ranks} ranks, got {config.batch}")
    micro = config.micro_batch or share
    if share % micro:
        raise ValueError(f"micro_batch: expected a divisor of the {share} samples per rank, got {micro}")
    return share // micro


def positions_of(
    config: LoopConfig, start: int, accumulate: int, rank: int, ranks: int, shift: int = 0
) -> Iterator[range]:
    """Yields the positions of each micro-batch of one rank, from step `start` on: together the ranks take `batch`
    consecutive ones per step, whatever their number.

    shift: steps' worth of data that rollbacks have passed over.
    """
    block = config.batch // accumulate
    for first in range((start + shift) * config.batch, (config.steps + shift) * config.batch, block):
        yield range(first + rank, first + block, ranks)
