"""Classes of unequal size: losses, samplers and heads, each an option.

=============== ==============================================================
none            plain cross-entropy
weighted        weighted by the inverse square root of the class counts
effective       weighted by the effective number of samples (Cui et al. 2019)
focal           focal loss (Lin et al. 2017); recalibrate after it
logit           logit adjustment (Menon et al. 2021), or balanced softmax
sampler         classes drawn by the square root of their count
even            classes drawn alike (the default: see RESULTS.md)
undersample     every class cut to the size of the smallest, once
pixel_smote     SMOTE (Chawla et al. 2002) between pictures: the cautionary one
=============== ==============================================================

The losses and samplers serve `training.fit.train`; `long_tail`, `undersample` and
`pixel_smote` choose or make its pictures; `head` retrains the last layer alone
on a trained network's features, drawn evenly (decoupled training, Kang et al.
2020) or filled up by SMOTE.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from training.data.pack import Pack
from training.words.heads import Quantity

__all__ = [
    "METHODS",
    "class_loss",
    "head",
    "long_tail",
    "pixel_smote",
    "sampling_weights",
    "undersample",
]

METHODS = ("none", "weighted", "effective", "focal", "logit", "sampler", "even")


def class_loss(
    method: str,
    counts: np.ndarray,
    *,
    tau: float = 1.0,
    smoothing: float = 0.0,
    ordered: bool = True,
) -> Callable[[Tensor, Tensor], Tensor]:
    """Return a loss of (logits, target), target being classes or shares of classes.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    counts : ndarray
        Training pictures per class.
    tau : float
        Strength of the logit adjustment: 1 aims at balanced accuracy, 0 at
        accuracy under the training prior.
    smoothing : float
        Part of a class's target that goes to others.
    ordered : bool
        Whether these are its neighbours in the sequence, or all alike.
    """
    if method not in METHODS:
        raise ValueError(f"imbalance must be one of {', '.join(METHODS)}, not {method!r}")
    number = len(counts)
    share = torch.as_tensor(counts / counts.sum(), dtype=torch.float32).clamp_min(1e-6)
    prior = tau * share.log() if method == "logit" else torch.zeros(number)
    weight = torch.ones(number)
    if method == "weighted":
        weight = share.rsqrt()
    elif method == "effective":
        weight = 1 / (1 - 0.999 ** torch.as_tensor(counts, dtype=torch.float32))
    weight = weight / (weight * share).sum()
    blend = _blend(number, smoothing, ordered)

    def loss(logits: Tensor, target: Tensor) -> Tensor:
        device = logits.device
        given = target if target.ndim == 2 else F.one_hot(target, number).float()
        certain = given.amax(1, keepdim=True) == 1  # shares of votes are soft as they are
        soft = torch.where(certain, given @ blend.to(device), given)
        log_p = F.log_softmax(logits + prior.to(device), 1)
        if method == "focal":
            log_p = log_p * (1 - log_p.exp()) ** 2
        return -(soft * weight.to(device) * log_p).sum(1).mean()

    return loss


def sampling_weights(method: str, labels: np.ndarray) -> np.ndarray | None:
    """Return each training picture's chance to be drawn, or None for all alike.

    Those of no class (-1) are drawn as often as the others are in the mean.
    """
    power = {"sampler": 0.5, "even": 1.0}.get(method)
    known = labels >= 0
    if power is None or not known.any():
        return None
    counts = np.bincount(labels[known])
    weights = np.empty(len(labels))
    weights[known] = 1 / counts[labels[known]] ** power
    weights[~known] = weights[known].mean()
    return weights / weights.sum()


def undersample(labels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return places in `labels`, as many of each class as the smallest has."""
    least = np.bincount(labels)[np.unique(labels)].min()
    chosen = [
        random.choice(np.flatnonzero(labels == c), least, replace=False) for c in np.unique(labels)
    ]
    return np.sort(np.concatenate(chosen))


def long_tail(labels: np.ndarray, ratio: float, random: np.random.Generator) -> np.ndarray:
    """Return places in `labels` whose class counts fall geometrically to 1 / `ratio`.

    The classes keep the order of their sizes, and the largest all its members.
    """
    counts = np.bincount(labels)
    order = np.argsort(-counts)
    chosen = []
    for rank, c in enumerate(order):
        wanted = counts[order[0]] * ratio ** (-rank / (len(order) - 1))
        some = min(counts[c], max(1, round(wanted)))
        chosen.append(random.choice(np.flatnonzero(labels == c), some, replace=False))
    return np.sort(np.concatenate(chosen))


def pixel_smote(pack: Pack, rows: np.ndarray, seed: int) -> tuple[Pack, np.ndarray]:
    """Return a pack with blends of like-labelled pictures added until classes are even.

    Only the view `auto` is kept. A blend of two galaxies is not a galaxy: this
    is here to be compared, not to be used.
    """
    from imblearn.over_sampling import SMOTE

    pictures = pack.views["auto"][rows]
    flat = pictures.reshape(len(rows), -1).astype(np.float32)
    near = max(1, min(5, int(np.unique(pack.label[rows], return_counts=True)[1].min()) - 1))
    made, labels = SMOTE(random_state=seed, k_neighbors=near).fit_resample(flat, pack.label[rows])
    fresh = made[len(rows) :].round().clip(0, 255).astype(np.uint8)
    fresh = fresh.reshape(-1, *pictures.shape[1:])
    first = {c: i for i, c in reversed(list(enumerate(labels[: len(rows)])))}
    models = rows[[first[c] for c in labels[len(rows) :]]]

    def grown(values: np.ndarray) -> np.ndarray:
        return np.concatenate([values, values[models]])

    columns = {name: grown(getattr(pack, name)) for name in ("file", "galaxy", "source", "split")}
    told = {name: grown(values) for name, values in pack.told.items()}
    for head in pack.task.every(Quantity):  # a blend's value is its class's
        for c in np.unique(labels):
            value = np.nanmedian(pack.told[head.name][rows[pack.label[rows] == c], 0])
            told[head.name][len(pack) :][labels[len(rows) :] == c, 0] = value
    views = {"auto": np.concatenate([pack.views["auto"], fresh])}
    frames = {"auto": grown(pack.frames["auto"])}
    larger = replace(pack, views=views, frames=frames, told=told, **columns)
    return larger, np.concatenate([rows, np.arange(len(pack), len(larger))])


def head(features: np.ndarray, labels: np.ndarray, *, smote: bool, seed: int = 0) -> Any:
    """Return a linear classifier of features (N, F): class-balanced, or of classes filled up.

    Returns
    -------
    sklearn pipeline
        With ``decision_function`` (N, C): logits.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    weight = "balanced"
    if smote:
        from imblearn.over_sampling import SMOTE

        near = max(1, min(5, int(np.bincount(labels).min()) - 1))
        features, labels = SMOTE(random_state=seed, k_neighbors=near).fit_resample(features, labels)
        weight = None
    # C is small: the features are many and were learned from the same pictures.
    classifier = LogisticRegression(C=1e-3, class_weight=weight, max_iter=500)
    return make_pipeline(StandardScaler(), classifier).fit(features, labels)


def _blend(number: int, smoothing: float, ordered: bool) -> Tensor:
    """Return the matrix that spreads a part of each class onto its neighbours, or onto all."""
    place = torch.arange(number)
    away = (place[:, None] - place).abs()
    near = (away == 1 if ordered else away > 0).float()
    return (1 - smoothing) * torch.eye(number) + smoothing * near / near.sum(1, keepdim=True)
