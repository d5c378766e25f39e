"""Parallel: one training by several processes, each with its share of every epoch.

`torchrun --nproc-per-node 2 -m training train ...` starts them: one to a GPU, or one to a
core, where two with a thread each get through 1.25 to 1.5 times the pictures of one with two.
Each step's gradient is the mean of all, so that the networks stay one.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

__all__ = ["Team"]

T = TypeVar("T")


class Team:
    """The processes of one training; alone where `torchrun` did not start this one.

    Parameters
    ----------
    device : {"cpu", "cuda"}
        With cuda each process takes the GPU of its number on this machine.
    """

    def __init__(self, device: str) -> None:
        self.size = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0"))
        if self.size == 1:
            return
        if device == "cuda":
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        if not dist.is_initialized():
            # Optimizers import it: behind the group, that then does not end when it is told to.
            import_module("torch._dynamo")
            dist.init_process_group("nccl" if device == "cuda" else "gloo")
            atexit.register(dist.destroy_process_group)  # whose threads abort a process that ends

    @property
    def first(self) -> bool:
        """Whether this process is the one that measures, prints and writes."""
        return self.rank == 0

    def share(self, items: Sequence[T]) -> Sequence[T]:
        """Return this process's part of what all hold alike: as many as the others'."""
        return items[self.rank :: self.size][: len(items) // self.size]

    def alike(self, net: nn.Module) -> None:
        """Give all processes the weights and statistics of the first."""
        if self.size > 1:
            for value in net.state_dict().values():
                dist.broadcast(value, 0)

    def agreed(self, value: float, device: str) -> float:
        """Return what the first process says."""
        if self.size == 1:
            return value
        said = torch.tensor(value, dtype=torch.float64, device=device)
        dist.broadcast(said, 0)
        return float(said)

    def average(self, weights: Iterable[Tensor]) -> None:
        """Replace gradients by their mean over all processes."""
        if self.size == 1:
            return
        slopes = [weight.grad for weight in weights if weight.grad is not None]
        total = torch.cat([slope.reshape(-1) for slope in slopes])
        dist.all_reduce(total)
        parts = (total / self.size).split([slope.numel() for slope in slopes])
        for slope, part in zip(slopes, parts, strict=True):
            slope.copy_(part.view(slope.shape))
