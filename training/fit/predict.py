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
from training.words.types import T_BINS

__all__ = ["attributes", "predict", "scores", "validate"]


@torch.inference_mode()
def predict(
    net: nn.Module,
    pixels: np.ndarray,
    size: int,
    *,
    frames: np.ndarray | None = None,
    turns: tuple[tuple[int, bool], ...] = ((0, False),),
    device: str = "cpu",
    batch: int = 256,
) -> Answers:
    """Return class and T-bin probabilities and pooled features, averaged over turns and mirrors.

    Parameters
    ----------
    pixels : ndarray
        Exact pictures, or packed ones with their `frames`.
    size : int
        Side of the network's input.
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
            shares = [F.softmax(out[name].float(), 1) for name in ("hubble", "t_bins")]
            answers.append([*shares, pooled.float()])
        means = [torch.stack(kind).mean(0).cpu().numpy() for kind in zip(*answers, strict=True)]
        found.append(means)
    return Answers(*(np.concatenate(column) for column in zip(*found, strict=True)))


@torch.inference_mode()
def attributes(
    net: nn.Module,
    pixels: np.ndarray,
    size: int,
    *,
    frames: np.ndarray | None = None,
    device: str = "cpu",
    batch: int = 256,
) -> np.ndarray:
    """Return what a network says of attributes and features, (N, A) in 0..1, as `predict`."""
    net.eval()
    found = []
    for view in pictures(pixels, size, frames, device, batch):
        with half(device, net):
            out = net(view.contiguous(memory_format=torch.channels_last))
        found.append(out["attributes"].float().sigmoid().cpu().numpy())
    return np.concatenate(found)


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


def scores(label: np.ndarray, t: np.ndarray, p: np.ndarray, t_mean: np.ndarray) -> dict[str, float]:
    """Return accuracy, macro-F1 and RMS T of one set."""
    from sklearn.metrics import f1_score

    guess = p.argmax(1)
    return {
        "accuracy": round(float((guess == label).mean()), 4),
        "macro_f1": round(float(f1_score(label, guess, average="macro")), 4),
        "rms_t": round(float(np.sqrt(np.mean((t_mean - t) ** 2))), 3),
    }


def validate(
    net: nn.Module, pack: Pack, config: Config, source: str, device: str
) -> dict[str, Any]:
    """Return the validation scores of one source in colour, in grey, and simulated linear."""
    rows = pack.rows("val", source)
    if not len(rows):
        return {}
    result = {}
    for kind, view in pack.kinds().items():
        if pack.exact[view].shape[-1] == config.size:
            said = predict(net, pack.exact[view][rows], config.size, device=device)
        elif view in pack.views:
            packed, frames = pack.views[view][rows], pack.frames[view][rows]
            said = predict(net, packed, config.size, frames=frames, device=device)
        else:
            continue
        mean_t = said.t_bins @ np.array(T_BINS)
        result[kind] = scores(pack.label[rows], pack.t[rows], said.hubble, mean_t)
    return result
