"""Distil: a teacher's averaged predictions on a pack, stored once and learned by the student.

Teachers learned from near, large galaxies and call a distant edge-on disk an elliptical. What
volunteers saw there, or a network that learned from them, corrects that: see `conditioned`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from training.data.pack import Pack
from training.fit.batches import Answers
from training.fit.config import OUTPUTS
from training.fit.predict import attributes, predict
from training.words.labels import RULED_OUT, hubble_class
from training.words.types import CLASSES, T_BINS

__all__ = ["HINTS", "VIEWS", "Teacher", "conditioned", "load", "teach"]

HINTS = 64  # of each network, random projections of its pooled features

# The views that are averaged, the most different ones first.
VIEWS = ((0, False), (1, True), (2, False), (3, True), (1, False), (0, True), (3, False), (2, True))


class Teacher(NamedTuple):
    """A network, the size of its input, and the part of train that it has not seen."""

    network: nn.Module
    size: int
    aside: str | None = None

    def unseen(self, pack: Pack) -> np.ndarray:
        """Return which pictures of the pack it was trained on have a label that it was not told."""
        return (pack.without(self.aside).split == "aside") & (pack.label >= 0)


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
    """Store class and T-bin probabilities, averaged over networks and views, and hints.

    Parameters
    ----------
    teachers : sequence of Teacher
        Of what one has laid aside (`training.data.splits.aside`) only those are asked who did: what
        teachers say of pictures whose label they were told is half that label, learned by
        heart (Dao et al. 2021, arXiv:2104.09732).
    pack : Pack
        Its colour pictures are what the teachers see; the student meets the
        same targets in grey, in one band and from linear data.
    out : Path
        An .npz file.
    stored : tuple of Path
        What other teachers thought, of the same pack: averaged with these.
    seer : Teacher, optional
        Who is asked for arms and edge-on disks where nobody looked. Both condition the answers
        for pictures without a type.
    """
    told_all = [np.zeros(len(pack), bool)] * len(stored)
    unseen = np.stack([*(teacher.unseen(pack) for teacher in teachers), *told_all])
    asked = np.where(unseen.any(0), unseen, True)
    found = []
    for (network, size, _), rows in zip(teachers, asked[: len(teachers)], strict=True):
        network = network.to(device, memory_format=torch.channels_last)
        pixels, frames = shown(pack, size)
        if not rows.all():
            pixels, frames = pixels[rows], None if frames is None else frames[rows]
        answers = predict(network, pixels, size, frames=frames, turns=VIEWS[:views], device=device)
        found.append(answers._replace(hints=projected(answers.hints)))
    for path, rows in zip(stored, asked[len(teachers) :], strict=True):
        found.append(load(path).of(rows))
    mean = agreed(found, asked)
    seen = pack.attributes
    if seer is not None:
        network, size, _ = seer
        network = network.to(device, memory_format=torch.channels_last)
        pixels, frames = shown(pack, size)
        guess = attributes(network, pixels, size, frames=frames, device=device)
        seen = np.where(np.isfinite(seen), seen, guess)
    seen = np.where(pack.label[:, None] >= 0, 0, np.nan_to_num(seen))  # a type is proof enough
    mean = conditioned(mean, *(seen[:, OUTPUTS.index(name)] for name in ("arms", "edge_on")))
    np.savez_compressed(out, **{name: value.astype("f2") for name, value in mean._asdict().items()})
    return mean


def agreed(found: Sequence[Answers], asked: np.ndarray) -> Answers:
    """Return the mean of what networks say of the pictures that each was asked about.

    Parameters
    ----------
    found : sequence of Answers
        Of M networks, in the order of the pictures.
    asked : ndarray of bool (M, N)
        Who was asked about which of N pictures; about each somebody was. Unless all were asked
        about all there are no hints: features of one network mean nothing to another's.
    """
    means = []
    for column in ("hubble", "t_bins"):
        total = np.zeros((asked.shape[1], getattr(found[0], column).shape[1]), np.float32)
        for one, rows in zip(found, asked, strict=True):
            total[rows] += getattr(one, column)
        means.append(total / asked.sum(0)[:, None])
    hints = [one.hints if asked.all() else np.empty((len(means[0]), 0)) for one in found]
    return Answers(*means, np.concatenate(hints, 1))


def shown(pack: Pack, size: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the colour pictures for a network of that size, and their frames unless exact."""
    if pack.exact["auto"].shape[-1] == size:
        return pack.exact["auto"], None
    return pack.views["auto"], pack.frames["auto"]


def conditioned(answers: Answers, arms: np.ndarray, edge_on: np.ndarray) -> Answers:
    """Return answers given the chance that there are arms, or a disk seen edge-on.

    What has arms is neither elliptical nor lenticular, and an edge-on disk no elliptical:
    their shares are multiplied by the chance of its absence, and the others' grow.

    Parameters
    ----------
    answers : Answers
        Of N pictures.
    arms, edge_on : ndarray (N,)
        In 0..1.
    """
    by_class = np.ones_like(answers.hubble)
    for name, chance in (("arms", arms), ("edge_on", edge_on)):
        for wrong in RULED_OUT[name]:
            by_class[:, CLASSES.index(wrong)] *= 1 - chance
    by_t = by_class[:, [hubble_class(t) for t in T_BINS]]
    shares = answers.hubble * by_class, answers.t_bins * by_t
    return answers._replace(
        **{
            name: share / share.sum(1, keepdims=True).clip(1e-12)
            for name, share in zip(("hubble", "t_bins"), shares, strict=True)
        }
    )


def projected(features: np.ndarray) -> np.ndarray:
    """Return `HINTS` random projections, which keep distances (Johnson & Lindenstrauss 1984)."""
    width = features.shape[1]
    directions = np.random.default_rng(width).normal(size=(width, HINTS)) / width**0.5
    return features @ directions.astype(np.float32)


def load(path: Path) -> Answers:
    """Return what `teach` stored, as float32; a file without hints has none."""
    with np.load(path) as file:
        columns = {name: file[name].astype(np.float32) for name in file.files}
    columns.setdefault("hints", np.empty((len(columns["hubble"]), 0), np.float32))
    return Answers(**columns)
