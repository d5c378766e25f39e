"""Distil: a teacher's averaged predictions on a pack, stored once and learned by the student."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from training.batches import Answers
from training.data import Pack
from training.predict import predict

__all__ = ["HINTS", "VIEWS", "load", "teach"]

HINTS = 64  # of each network, random projections of its pooled features

# The views that are averaged, the most different ones first.
VIEWS = ((0, False), (1, True), (2, False), (3, True), (1, False), (0, True), (3, False), (2, True))


def teach(
    networks: list[tuple[nn.Module, int]],
    pack: Pack,
    out: Path,
    *,
    stored: tuple[Path, ...] = (),
    views: int = 4,
    device: str = "cpu",
) -> Answers:
    """Store class and T-bin probabilities, averaged over networks and views, and hints.

    Parameters
    ----------
    networks : list of (Module, int)
        Teachers with the size of their input.
    pack : Pack
        Its colour pictures are what the teachers see; the student meets the
        same targets in grey, in one band and from linear data.
    out : Path
        An .npz file.
    stored : tuple of Path
        What other teachers thought, of the same pack: averaged with these.
    """
    found = []
    for network, size in networks:
        network = network.to(device, memory_format=torch.channels_last)
        exact = pack.exact["auto"].shape[-1] == size
        answers = predict(
            network,
            (pack.exact if exact else pack.views)["auto"],
            size,
            frames=None if exact else pack.frames["auto"],
            turns=VIEWS[:views],
            device=device,
        )
        found.append(answers._replace(hints=projected(answers.hints)))
    found += [load(path) for path in stored]
    mean = Answers(
        np.mean([one.hubble for one in found], 0),
        np.mean([one.t_bins for one in found], 0),
        np.concatenate([one.hints for one in found], 1),
    )
    np.savez_compressed(out, **{name: value.astype("f2") for name, value in mean._asdict().items()})
    return mean


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
