"""Batches: augmented pictures of packs with all that is known of them, made ahead of their use."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from training.augment import Augment
from training.config import OUTPUTS, Config
from training.data import Pack
from training.network import CLASSES, T_BINS

__all__ = ["Group", "ahead", "draw"]

_SENSE = OUTPUTS.index("clockwise")


@dataclass
class Group:
    """Rows of a pack that are trained on, with the teacher's predictions if there are any."""

    pack: Pack
    rows: np.ndarray
    hubble: np.ndarray | None = None
    t_bins: np.ndarray | None = None


def ahead(views: Iterator[Any]) -> Iterator[Any]:
    """Yield what an iterator gives while a second thread makes the next."""

    def following() -> Any:
        return next(views, None)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(following)
        while (view := waiting.result()) is not None:
            waiting = pool.submit(following)
            yield view


def draw(
    groups: tuple[Group, ...],
    chosen: list[tuple[int, int]],
    config: Config,
    size: int,
    augment: Augment,
    random: np.random.Generator,
    dice: torch.Generator,
    device: str,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return an augmented batch and its targets (NaN or -1 where there is none)."""
    names, chance = list(config.views), np.array(list(config.views.values()))
    picked = random.choice(len(names), len(chosen), p=chance / chance.sum())
    pixels, frames, target = [], [], []
    for (g, i), view in zip(chosen, picked, strict=True):
        group, name = groups[g], names[view]
        if name not in group.pack.views:
            name = "auto"
        row = group.rows[i]
        pixels.append(group.pack.views[name][row])
        frames.append(group.pack.frames[name][row])
        soft = group.hubble is not None
        target.append(
            (
                group.pack.label[row],
                group.pack.t[row],
                group.pack.t_sigma[row],
                group.pack.attributes[row],
                group.hubble[i] if soft else np.full(len(CLASSES), np.nan, np.float32),
                group.t_bins[i] if soft else np.full(len(T_BINS), np.nan, np.float32),
            )
        )
    keys = ("label", "t", "t_sigma", "attributes", "hubble", "t_bins")
    columns = [torch.as_tensor(np.stack(c)).to(device) for c in zip(*target, strict=True)]
    batch = torch.as_tensor(np.stack(pixels)).to(device)
    mirror = torch.as_tensor(random.choice([-1.0, 1.0], len(chosen)).astype(np.float32)).to(device)
    x = augment(batch, torch.as_tensor(np.stack(frames)).to(device), mirror, size, dice)
    x = x.contiguous(memory_format=torch.channels_last)
    targets = dict(zip(keys, columns, strict=True))
    turned = targets["attributes"][:, _SENSE]
    targets["attributes"][:, _SENSE] = torch.where(mirror < 0, 1 - turned, turned)
    return x, targets
