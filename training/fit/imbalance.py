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
    method: str, counts: np.ndarray, *, tau: float = 1.0, smoothing: float = 0.0
) -> Callable[[Tensor, Tensor], Tensor]:
    """Return a loss of (logits, target), target being classes or soft classes.

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
        Share of the target given to the neighbouring classes in the sequence.
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
    blend = _neighbours(number, smoothing)

    def loss(logits: Tensor, target: Tensor) -> Tensor:
        device = logits.device
        soft = target if target.ndim == 2 else F.one_hot(target, number).float() @ blend.to(device)
        log_p = F.log_softmax(logits + prior.to(device), 1)
        if method == "focal":
            log_p = log_p * (1 - log_p.exp()) ** 2
        return -(soft * weight.to(device) * log_p).sum(1).mean()

    return loss


def sampling_weights(method: str, labels: np.ndarray) -> np.ndarray | None:
    """Return each training picture's chance to be drawn, or None for all alike."""
    power = {"sampler": 0.5, "even": 1.0}.get(method)
    if power is None:
        return None
    counts = np.bincount(labels, minlength=labels.max() + 1)
    weights = 1 / counts[labels] ** power
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
    near = max(1, min(5, int(np.bincount(pack.label[rows]).min()) - 1))
    made, labels = SMOTE(random_state=seed, k_neighbors=near).fit_resample(flat, pack.label[rows])
    fresh = made[len(rows) :].round().clip(0, 255).astype(np.uint8)
    fresh = fresh.reshape(-1, *pictures.shape[1:])
    first = {c: i for i, c in reversed(list(enumerate(labels[: len(rows)])))}
    models = rows[[first[c] for c in labels[len(rows) :]]]  # the blends' T is their class's

    def grown(values: np.ndarray) -> np.ndarray:
        return np.concatenate([values, values[models]])

    names = ("file", "galaxy", "source", "split", "label", "t", "t_sigma", "attributes")
    columns = {name: grown(getattr(pack, name)) for name in names}
    t_of = {c: np.median(pack.t[rows][pack.label[rows] == c]) for c in np.unique(labels)}
    columns["t"][len(pack) :] = [t_of[c] for c in labels[len(rows) :]]
    views = {"auto": np.concatenate([pack.views["auto"], fresh])}
    frames = {"auto": grown(pack.frames["auto"])}
    larger = replace(pack, views=views, frames=frames, **columns)
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


def _neighbours(number: int, smoothing: float) -> Tensor:
    """Return the matrix that spreads a share of each class onto its neighbours."""
    matrix = torch.eye(number)
    near = torch.zeros(number, number)
    for i in range(number):
        for j in (i - 1, i + 1):
            if 0 <= j < number:
                near[i, j] = 1
    return (1 - smoothing) * matrix + smoothing * near / near.sum(1, keepdim=True).clamp_min(1)
