"""Predict: what a network in evaluation says of pictures, and how far it is right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.data.pack import Pack
from training.fit.augment import framed
from training.fit.batches import Answers
from training.fit.config import Config
from training.fit.device import half
from training.words.heads import Classes, Head, Quantity
from training.words.targets import hard, mirrored
from training.words.task import Task

__all__ = ["predict", "scores", "validate"]


@torch.inference_mode()
def predict(
    net: nn.Module,
    task: Task,
    pixels: np.ndarray,
    size: int,
    *,
    frames: np.ndarray | None = None,
    turns: tuple[tuple[int, bool], ...] = ((0, False),),
    device: str = "cpu",
    batch: int = 256,
) -> Answers:
    """Return probabilities of classes, bins and labels, and pooled features, averaged over turns.

    Parameters
    ----------
    task : Task
        The network's.
    pixels : ndarray
        Exact pictures, or packed ones with their `frames`.
    size : int
        Side of the network's input.
    turns : tuple of (int, bool)
        Quarter turns, and whether the picture is mirrored; what a mirror turns round in the
        answers (see `training.words.heads`) is turned back.
    """
    net.eval()
    found = []
    for view in pictures(pixels, size, frames, device, batch):
        answers = []
        for turn, flip in turns:
            x = torch.rot90(view.flip(-1) if flip else view, turn, (-2, -1))
            x = x.contiguous(memory_format=torch.channels_last)
            with half(device, net):
                pooled = net.features(x)
                out = net.heads(pooled)
            shares = [_probability(head, out[head.layer].float(), flip) for head in task.heads]
            answers.append([*shares, pooled.float()])
        means = [torch.stack(kind).mean(0).cpu().numpy() for kind in zip(*answers, strict=True)]
        found.append(means)
    *heads, hints = (np.concatenate(column) for column in zip(*found, strict=True))
    return Answers(dict(zip(task.layers, heads, strict=True)), hints)


def _probability(head: Head, logits: Tensor, flip: bool) -> Tensor:
    p = logits.sigmoid() if head.kind == "labels" else F.softmax(logits, 1)
    if not flip:
        return p
    order, turned = (torch.as_tensor(array, device=p.device) for array in mirrored(head))
    return torch.where(turned, 1 - p[:, order], p[:, order])


def pictures(
    pixels: np.ndarray, size: int, frames: np.ndarray | None, device: str, batch: int
) -> Iterator[Tensor]:
    """Yield exact pictures, or packed ones cut to their frames, as floats in 0..1."""
    for low in range(0, len(pixels), batch):
        part = torch.as_tensor(np.array(pixels[low : low + batch])).to(device)
        if frames is None:
            yield part.float() / 255
        else:
            where = torch.as_tensor(np.array(frames[low : low + batch])).to(device)
            yield framed(part, where, size)


def scores(task: Task, told: dict[str, np.ndarray], said: Answers) -> dict[str, float]:
    """Return accuracy and macro-F1 of classes and RMS of quantities; of labels alone what is right.

    Parameters
    ----------
    told : dict
        What is known, by head (see `training.words.targets`).
    """
    from sklearn.metrics import f1_score

    result = {}
    for head in task.heads:
        p, aim = said.heads[head.layer], told[head.name]
        known = np.isfinite(aim).all(1)
        if isinstance(head, Classes) and known.any():
            label, guess = hard(aim[known]), p[known].argmax(1)
            first = "" if head is task.classes else f"{head.name}_"
            result[f"{first}accuracy"] = float((guess == label).mean())
            result[f"{first}macro_f1"] = float(
                f1_score(label, guess, average="macro", zero_division=0)
            )
        elif isinstance(head, Quantity) and known.any():
            away = p[known] @ head.centres - aim[known, 0]
            result[f"rms_{head.symbol}"] = float(np.sqrt(np.mean(away**2)))
        elif head in task.main and head.kind == "labels":
            sure = (aim <= 0.25) | (aim >= 0.75)
            if sure.any():
                result[f"{head.name}_right"] = float(((p > 0.5) == (aim > 0.5))[sure].mean())
    return {
        name: round(value, 3 if name.startswith("rms") else 4) for name, value in result.items()
    }


def validate(
    net: nn.Module, pack: Pack, config: Config, source: str, device: str
) -> dict[str, Any]:
    """Return the validation scores of one source in colour, in grey, and simulated linear."""
    rows = pack.rows("val", source)
    if not len(rows):
        return {}
    told = {name: values[rows] for name, values in pack.told.items()}
    result = {}
    for kind, view in pack.kinds().items():
        if pack.exact[view].shape[-1] == config.size:
            said = predict(net, pack.task, pack.exact[view][rows], config.size, device=device)
        elif view in pack.views:
            packed, frames = pack.views[view][rows], pack.frames[view][rows]
            said = predict(net, pack.task, packed, config.size, frames=frames, device=device)
        else:
            continue
        result[kind] = scores(pack.task, told, said)
    return result
