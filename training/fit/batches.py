"""Batches: augmented pictures of packs with all that is known of them, made ahead of their use."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from training.data.pack import Pack, of_kind
from training.fit.augment import Augment
from training.fit.config import Config
from training.fit.losses import Targets
from training.words.targets import mirrored

__all__ = ["Answers", "Group", "ahead", "draw", "reside", "room", "targets_of"]

_ROOM = 0.5  # of a device's free memory for pictures; the rest is for the training


@dataclass(frozen=True)
class Answers:
    """What a network says of pictures: probabilities by layer, and hints (N, H).

    Hints are its pooled features, from which a student learns more than from what the
    teacher made of them (Romero et al. 2015, arXiv:1412.6550); H may be 0.
    """

    heads: dict[str, np.ndarray]
    hints: np.ndarray

    def of(self, rows: np.ndarray) -> Answers:
        """Return what is said of some of the pictures."""
        heads = {name: said[rows] for name, said in self.heads.items()}
        return Answers(heads, self.hints[rows])


@dataclass
class Group:
    """Rows of a pack that are trained on, with a teacher's answers for them if there are any.

    `resident` holds views that were copied to the device: pixels and frames of all rows.
    """

    pack: Pack
    rows: np.ndarray
    answers: Answers | None = None
    resident: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict)

    def views(self, kind: str) -> list[str]:
        """Return the packed views of a kind (`linear`: linear0, linear1, ...), or the plain one."""
        packed = self.pack.views
        return [kind] if kind in packed else of_kind(packed, kind) or ["auto"]

    def take(self, view: str, chosen: np.ndarray, device: str) -> tuple[Tensor, Tensor]:
        """Return pixels and frames of some of the rows on the device."""
        rows = self.rows[chosen]
        if view in self.resident:
            pixels, frames = self.resident[view]
            place = torch.as_tensor(rows, device=pixels.device)
            return pixels[place], frames[place]
        stored = self.pack.views[view], self.pack.frames[view]
        pixels, frames = (torch.as_tensor(np.stack([a[row] for row in rows])) for a in stored)
        return pixels.to(device), frames.to(device)


def reside(groups: tuple[Group, ...], config: Config, device: str, room: int) -> int:
    """Copy to the device what is drawn from, view after view, within `room` bytes of it.

    Returns
    -------
    int
        Bytes that were copied. What does not fit is read from disk batch by batch.
    """
    copied = 0
    for group in groups:
        drawn = {view for kind in ("auto", *config.views) for view in group.views(kind)}
        for view in sorted(drawn):
            arrays = group.pack.views[view], group.pack.frames[view]
            size = sum(array.nbytes for array in arrays)
            if copied + size <= room:
                pixels, frames = (torch.as_tensor(np.array(a)).to(device) for a in arrays)
                group.resident[view] = pixels, frames
                copied += size
    return copied


def room(device: str) -> int:
    """Return how many bytes of pictures a device has room for; a CPU reads them where they lie."""
    if not device.startswith("cuda"):
        return 0
    free, _ = torch.cuda.mem_get_info(device)
    return int(_ROOM * free)


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
) -> tuple[Tensor, Targets]:
    """Return an augmented batch and its targets."""
    names, chance = list(config.views), np.array(list(config.views.values()))
    picked = random.choice(len(names), len(chosen), p=chance / chance.sum())
    offered = [[group.views(name) for name in names] for group in groups]
    places: dict[tuple[int, str], list[int]] = {}
    for place, ((g, _), kind) in enumerate(zip(chosen, picked, strict=True)):
        views = offered[g][kind]
        name = views[random.integers(len(views))] if len(views) > 1 else views[0]
        places.setdefault((g, name), []).append(place)
    parts = [
        groups[g].take(name, np.array([chosen[place][1] for place in those]), device)
        for (g, name), those in places.items()
    ]
    order = np.argsort(np.concatenate(list(places.values())))
    back = torch.as_tensor(order, device=parts[0][0].device)
    batch, frames = (torch.cat(part)[back] for part in zip(*parts, strict=True))
    mirror = torch.as_tensor(random.choice([-1.0, 1.0], len(chosen)).astype(np.float32)).to(device)
    x = augment(batch, frames, mirror, size, dice)
    x = x.contiguous(memory_format=torch.channels_last)
    return x, targets_of(groups, chosen, mirror, device)


def targets_of(
    groups: tuple[Group, ...], chosen: list[tuple[int, int]], mirror: Tensor, device: str
) -> Targets:
    """Return what is known of a batch, turned where its pictures were mirrored (`mirror` -1)."""
    task = groups[0].pack.task
    group, item = np.array(chosen).T
    width = max((g.answers.hints.shape[1] for g in groups if g.answers is not None), default=0)

    def blank(columns: int) -> np.ndarray:
        return np.full((len(chosen), columns), np.nan, np.float32)

    told = {head.name: blank(groups[0].pack.told[head.name].shape[1]) for head in task.heads}
    taught = {head.layer: blank(head.width) for head in task.heads if head.taught}
    hints = blank(width)
    weight = {
        name: np.ones_like(told[name]) for name in {n for one in groups for n in one.pack.weight}
    }
    for g, one in enumerate(groups):
        here = np.flatnonzero(group == g)
        if not len(here):
            continue
        for of, values in ((one.pack.told, told), (one.pack.weight, weight)):
            for name in of.keys() & values.keys():
                values[name][here] = of[name][one.rows[item[here]]]
        if one.answers is not None:
            for layer, rows in taught.items():
                rows[here] = one.answers.heads[layer][item[here]]
            hints[here] = one.answers.hints[item[here]]
    on_device = {name: torch.as_tensor(values).to(device) for name, values in told.items()}
    said = {layer: torch.as_tensor(values).to(device) for layer, values in taught.items()}
    counts = {name: torch.as_tensor(values).to(device) for name, values in weight.items()}
    for head in task.heads:
        order, turned = mirrored(head)
        if (order == np.arange(len(order))).all() and not turned.any():
            continue
        flipped, swapped = torch.as_tensor(turned).to(device), torch.as_tensor(order).to(device)
        for values, name, turns in (
            (on_device, head.name, flipped),
            (said, head.layer, flipped),
            (counts, head.name, torch.zeros_like(flipped)),
        ):
            if name in values:
                other = values[name][:, swapped]
                other = torch.where(turns, 1 - other, other)
                values[name] = torch.where(mirror[:, None] < 0, other, values[name])
    return Targets(on_device, said, torch.as_tensor(hints).to(device), counts)
