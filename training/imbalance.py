"""Losses and samplers for classes of unequal size, each an option of `train`.

======== =====================================================================
none     plain cross-entropy
weighted cross-entropy weighted by the inverse square root of the class counts
sampler  plain cross-entropy on classes drawn by the square root of their count
focal    focal loss (recalibrate after it)
logit    logit adjustment, also called balanced softmax (the default)
======== =====================================================================
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["METHODS", "class_loss", "sampling_weights"]

METHODS = ("none", "weighted", "sampler", "focal", "logit")


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
    if method != "sampler":
        return None
    counts = np.bincount(labels, minlength=labels.max() + 1)
    weights = 1 / np.sqrt(counts[labels])
    return weights / weights.sum()


def _neighbours(number: int, smoothing: float) -> Tensor:
    """Return the matrix that spreads a share of each class onto its neighbours."""
    matrix = torch.eye(number)
    near = torch.zeros(number, number)
    for i in range(number):
        for j in (i - 1, i + 1):
            if 0 <= j < number:
                near[i, j] = 1
    return (1 - smoothing) * matrix + smoothing * near / near.sum(1, keepdim=True).clamp_min(1)
