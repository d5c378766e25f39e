"""Device: where a training runs, in what precision, with how many threads."""

from __future__ import annotations

import ctypes
import time

import numpy as np
import torch
from torch import nn

__all__ = ["Pace", "choose", "half", "keep_memory"]


def choose(device: str) -> str:
    """Return cuda where there is one, if asked to choose."""
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def half(device: str, net: nn.Module) -> torch.autocast:
    """Compute in bf16 where the device does and it pays.

    A CPU that emulates it is ten times slower. Depthwise convolutions, which move more than they
    multiply, lose a quarter to it on a CPU.
    """
    pays = device != "cpu" or (
        torch.ops.mkldnn._is_mkldnn_bf16_supported()
        and all(getattr(module, "groups", 1) == 1 for module in net.modules())
    )
    return torch.autocast(device, torch.bfloat16, enabled=pays)


def keep_memory() -> None:
    """Have the C library keep what a step frees for the next one, which wants the same.

    It gives large pieces back to the system otherwise, and gets them back filled
    with zeros: a fifth of the time on a CPU.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # glibc
        trim_threshold, mmap_max = -1, -4
        mallopt(trim_threshold, 2**31 - 1)
        mallopt(mmap_max, 0)


class Pace:
    """Settles in each epoch's first steps how many threads are fastest.

    On cores that others use, a step waits for its slowest thread, and fewer
    threads can be twice as fast.
    """

    def __init__(self, threads: int, probe: int = 4) -> None:
        self.choices = sorted({1, threads})
        self.probe = probe
        self.spent: list[float] = []
        self.last = 0.0
        torch.set_num_threads(threads)

    def tick(self, step: int) -> None:
        """Be told that a step begins."""
        turn, within = divmod(step, self.probe)
        if len(self.choices) == 1 or turn > len(self.choices):
            return
        if within == 0:
            now = time.time()
            self.spent = [*self.spent, now - self.last] if turn else []
            self.last = now
            if turn < len(self.choices):
                torch.set_num_threads(self.choices[turn])
            else:
                torch.set_num_threads(self.choices[int(np.argmin(self.spent))])
