"""Losses: what each kind of head costs, by what is told of a picture and by what a teacher says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from training.fit.config import Config
from training.fit.imbalance import class_loss
from training.words.heads import Classes, Head, Labels, Quantity
from training.words.targets import hard as classes_of
from training.words.task import Task

__all__ = ["Hard", "Targets", "class_losses", "losses"]

Hard = Callable[[Tensor, Tensor], Tensor]  # of `training.fit.imbalance.class_loss`


class Targets(NamedTuple):
    """What a batch is to learn, NaN where there is nothing.

    `told` is by a head's name what `training.words.targets` says, `taught` by its layer a
    teacher's probabilities, `hints` are the teacher's features (N, H), and `weight` says how
    much what is told of labels counts, where it does not count alike.
    """

    told: dict[str, Tensor]
    taught: dict[str, Tensor]
    hints: Tensor
    weight: Mapping[str, Tensor] = MappingProxyType({})


def class_losses(task: Task, told: dict[str, np.ndarray], config: Config) -> dict[str, Hard]:
    """Return the loss of each head of classes, by their numbers in what train's rows tell."""
    found = {}
    for head in task.every(Classes):
        label = classes_of(told[head.name])
        counts = np.bincount(label[label >= 0], minlength=head.width).clip(1)
        options = {"tau": config.tau, "smoothing": config.smoothing, "ordered": head.ordered}
        found[head.name] = class_loss(config.imbalance, counts, **options)
    return found


def losses(
    task: Task,
    outputs: dict[str, Tensor],
    target: Targets,
    hard: dict[str, Hard],
    config: Config,
) -> Tensor:
    """Return the sum of all heads' losses over the pictures that have a target for them.

    Parameters
    ----------
    outputs : dict
        Logits by layer, and ``hints`` where they are guessed.
    hard : dict
        Loss of each head of classes, by its name.
    """
    outputs = {name: value.float() for name, value in outputs.items()}
    loss = outputs[task.heads[0].layer].sum() * 0  # of a batch that tells nothing
    size = len(target.hints)
    labelled = taught = torch.zeros(size, dtype=torch.bool, device=target.hints.device)
    for head in task.heads:
        logits, told = outputs[head.layer], target.told[head.name]
        known = torch.isfinite(told).any(1)
        weight = head.weight * (1 - config.distil if head.taught else 1.0)
        weight *= config.attributes if head.kind == "labels" else 1.0
        if weight and known.any():
            # Each head, and each label, counts by the share of pictures that tell of it.
            if isinstance(head, Labels):
                defined = torch.isfinite(told)
                counts = target.weight.get(head.name)
                error = F.binary_cross_entropy_with_logits(
                    logits[defined],
                    told[defined],
                    None if counts is None else counts[defined],
                    reduction="sum",
                )
                loss = loss + weight * error / size
            else:
                part = _told(head, logits[known], told[known], hard)
                loss = loss + weight * (known.sum() / size * part)
        if not (head.taught and config.distil):
            continue
        said = target.taught[head.layer]
        heard = torch.isfinite(said[:, 0])
        labelled, taught = labelled | known, taught | heard
        if heard.any():
            weight = torch.where(known, config.distil, 1.0)[heard] * heard.sum() / size
            part = _taught(head, logits[heard], said[heard])
            part = part * config.attributes if isinstance(head, Labels) else part
            loss = loss + head.weight * (weight * part).mean()
    if config.distil and config.hints and taught.any():
        weight = torch.where(labelled, config.distil, 1.0)[taught] * taught.sum() / size
        error = (outputs["hints"][taught] - target.hints[taught]).square().mean(1)
        loss = loss + config.hints * (weight * error).mean()
    return loss


def _told(head: Head, logits: Tensor, told: Tensor, hard: dict[str, Hard]) -> Tensor:
    """Return the mean loss of pictures whose class or quantity is told."""
    if isinstance(head, Classes):
        return hard[head.name](logits, told)
    assert isinstance(head, Quantity)
    bins = torch.tensor(head.centres, device=told.device, dtype=torch.float32)
    log_p = F.log_softmax(logits, 1)
    spread = F.softmax(-0.5 * ((bins - told[:, :1]) / told[:, 1:]) ** 2, 1)
    away = F.smooth_l1_loss(log_p.exp() @ bins / head.step, told[:, 0] / head.step)
    return 0.1 * away - (spread * log_p).sum(1).mean() * 0.5


def _taught(head: Head, logits: Tensor, said: Tensor) -> Tensor:
    """Return the loss of each picture of which a teacher has spoken (N,)."""
    if isinstance(head, Labels):
        return F.binary_cross_entropy_with_logits(logits, said, reduction="none").sum(1)
    log_p = F.log_softmax(logits, 1)
    entropy = -(said * log_p).sum(1)
    if isinstance(head, Classes):
        return entropy
    assert isinstance(head, Quantity)
    bins = torch.tensor(head.centres, device=said.device, dtype=torch.float32)
    mean, aim = (p @ bins / head.step for p in (log_p.exp(), said))
    return 0.5 * entropy + 0.1 * F.smooth_l1_loss(mean, aim, reduction="none")
