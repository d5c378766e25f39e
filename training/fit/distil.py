"""Distil: a teacher's averaged predictions on a pack, stored once and learned by the student.

Teachers learned from near, large galaxies and call a distant edge-on disk an elliptical. What
volunteers saw there, or a network that learned from them, corrects that: see `conditioned`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from training.data.pack import Pack
from training.fit.batches import Answers
from training.fit.predict import predict
from training.words.heads import Labels
from training.words.hubble import HUBBLE
from training.words.task import Task

__all__ = [
    "HINTS",
    "VIEWS",
    "Teacher",
    "conditioned",
    "corrected",
    "load",
    "store",
    "task_in",
    "teach",
]

HINTS = 64  # of each network, random projections of its pooled features

# The views that are averaged, the most different ones first.
VIEWS = ((0, False), (1, True), (2, False), (3, True), (1, False), (0, True), (3, False), (2, True))


class Teacher(NamedTuple):
    """A network, and the size of its input."""

    network: nn.Module
    size: int

    def answers(self, pack: Pack, views: int, device: str) -> Answers:
        """Return what it says of a pack's colour pictures, averaged over views."""
        network = self.network.to(device, memory_format=torch.channels_last)
        pixels, frames = shown(pack, self.size)
        options = {"frames": frames, "turns": VIEWS[:views], "device": device}
        return predict(network, pack.task, pixels, self.size, **options)


def teach(
    teachers: Sequence[Teacher],
    pack: Pack,
    out: Path,
    *,
    stored: tuple[Path, ...] = (),
    seer: Teacher | None = None,
    views: int = 4,
    device: str = "cpu",
) -> Answers:
    """Store probabilities by layer, averaged over networks and views, and hints.

    Parameters
    ----------
    teachers : sequence of Teacher
    pack : Pack
        Opened for the teachers' task. Its colour pictures are what they see; the student meets
        the same targets in grey, in one band and from linear data.
    out : Path
        An .npz file.
    stored : tuple of Path
        What other teachers thought, of the same pack: averaged with these.
    seer : Teacher, optional
        Who is asked, where nobody looked, for labels that rule classes out, arms for instance.
        What is seen conditions the answers for pictures without a class.
    """
    task = pack.task
    found = []
    for teacher in teachers:
        answers = teacher.answers(pack, views, device)
        taught = {head.layer: answers.heads[head.layer] for head in task.heads if head.taught}
        found.append(Answers(taught, projected(answers.hints)))
    found += map(load, stored)
    guess = None if seer is None else seer.answers(pack, 1, device)
    mean = corrected(agreed(found), pack, guess)
    store(mean, task, out)
    return mean


def corrected(answers: Answers, pack: Pack, guess: Answers | None = None) -> Answers:
    """Return answers given what was seen in pictures without a class: see `conditioned`.

    Parameters
    ----------
    guess : Answers, optional
        What is seen where nobody looked. What people saw counts by how many were asked.
    """
    for head in pack.task.every(Labels):
        seen = pack.told[head.name] * pack.weight.get(head.name, 1.0)
        if guess is not None:
            seen = np.where(np.isfinite(seen), seen, guess.heads[head.layer])
        seen = np.where(pack.label[:, None] >= 0, 0, np.nan_to_num(seen))  # proof enough
        seen_by = {name: seen[:, head.place(name)] for name in head.excludes}
        answers = conditioned(answers, pack.task, head, seen_by)
    return answers


def store(answers: Answers, task: Task, out: Path) -> None:
    """Write answers to an .npz file, for `load` and `task_in` to read."""
    heads = {name: value.astype("f2") for name, value in answers.heads.items()}
    about = json.dumps(task.to_json())
    np.savez_compressed(out, **heads, hints=answers.hints.astype("f2"), task=about)


def agreed(found: Sequence[Answers]) -> Answers:
    """Return the mean of what networks say of the same pictures, and the hints of all."""
    means = {
        layer: np.mean([one.heads[layer] for one in found], axis=0, dtype=float)
        for layer in found[0].heads
    }
    return Answers(means, np.concatenate([one.hints for one in found], 1))


def shown(pack: Pack, size: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the colour pictures for a network of that size, and their frames unless exact."""
    if pack.exact["auto"].shape[-1] == size:
        return pack.exact["auto"], None
    return pack.views["auto"], pack.frames["auto"]


def conditioned(
    answers: Answers, task: Task, labels: Labels, seen: Mapping[str, np.ndarray]
) -> Answers:
    """Return answers given the chance that there is what rules classes out.

    What has arms is neither elliptical nor lenticular, and an edge-on disk no elliptical:
    their shares are multiplied by the chance of its absence, and the others' grow. So are
    those of the bins of a quantity that these classes are parts of.

    Parameters
    ----------
    answers : Answers
        Of N pictures.
    labels : Labels
        The head whose `excludes` tells what rules out what.
    seen : dict
        By label the chance that it is there (N,).
    """
    head = task.classes
    if head is None or not seen:
        return answers
    by_class = np.ones_like(answers.heads[head.layer])
    for name, chance in seen.items():
        for wrong in labels.excludes[name]:
            by_class[:, head.names.index(wrong)] *= 1 - chance
    factors = {head.layer: by_class}
    quantity = task.binned(head)
    if quantity is not None:
        factors[quantity.layer] = by_class[:, [head.of_value(t) for t in quantity.centres]]
    heads = dict(answers.heads)
    for layer, factor in factors.items():
        share = heads[layer] * factor
        heads[layer] = share / share.sum(1, keepdims=True).clip(1e-12)
    return Answers(heads, answers.hints)


def projected(features: np.ndarray) -> np.ndarray:
    """Return `HINTS` random projections, which keep distances (Johnson & Lindenstrauss 1984)."""
    width = features.shape[1]
    directions = np.random.default_rng(width).normal(size=(width, HINTS)) / width**0.5
    return features @ directions.astype(np.float32)


def load(path: Path) -> Answers:
    """Return what `teach` stored, as float32; a file without hints has none."""
    with np.load(path) as file:
        columns = {name: file[name].astype(np.float32) for name in file.files if name != "task"}
    number = len(next(iter(columns.values())))
    hints = columns.pop("hints", np.empty((number, 0), np.float32))
    return Answers(columns, hints)


def task_in(path: Path) -> Task:
    """Return the task of the teachers whose answers a file holds; of old ones Hubble's."""
    with np.load(path) as file:
        return Task.from_json(json.loads(str(file["task"]))) if "task" in file else HUBBLE
