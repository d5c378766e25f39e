"""Distil: a teacher's averaged predictions on a pack, stored once and learned by the student."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from training.data import Pack
from training.train import predict

__all__ = ["VIEWS", "load", "teach"]

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
) -> tuple[np.ndarray, np.ndarray]:
    """Store class and T-bin probabilities, averaged over networks and views.

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
    hubble, t_bins = [], []
    for network, size in networks:
        network = network.to(device, memory_format=torch.channels_last)
        exact = pack.exact["auto"].shape[-1] == size
        p, bins = predict(
            network,
            (pack.exact if exact else pack.views)["auto"],
            size,
            frames=None if exact else pack.frames["auto"],
            turns=VIEWS[:views],
            device=device,
        )
        hubble.append(p)
        t_bins.append(bins)
    for path in stored:
        p, bins = load(path)
        hubble.append(p)
        t_bins.append(bins)
    answer = np.mean(hubble, 0), np.mean(t_bins, 0)
    np.savez_compressed(out, hubble=answer[0].astype("f2"), t_bins=answer[1].astype("f2"))
    return answer


def load(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return what `teach` stored, as float32."""
    with np.load(path) as file:
        return file["hubble"].astype(np.float32), file["t_bins"].astype(np.float32)
