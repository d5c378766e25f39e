"""Fit: a linear head by its likelihood, with as little weight as the labels allow.

Its inputs are brought to one scale, its weights are held small by a penalty (ridge), and it may
start from what the network says already: then the penalty holds it there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.support.extras import need

__all__ = ["PENALTIES", "Linear", "Scale", "fit_classes", "fit_number", "shares_of"]

PENALTIES = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03)
"""Of which cross-validation chooses, the strongest first."""

TOLD = 3.0
"""By how much what the network tells weighs more than what it pools: so much less penalty."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """How inputs (N, D) are brought to one scale."""

    mean: Floats
    spread: Floats

    @classmethod
    def of(cls, inputs: NDArray[Any], told: int) -> Scale:
        """Return the scale of inputs, the last `told` of which are what the network tells."""
        spread = inputs.std(axis=0, dtype=np.float64)
        spread += 1e-3 * float(spread.mean()) + 1e-9  # what never varies is not blown up
        if told:
            spread[-told:] /= TOLD
        return cls(inputs.mean(axis=0, dtype=np.float64), spread)

    def __call__(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        """Return inputs on that scale."""
        return ((inputs - self.mean) / self.spread).astype(np.float32)


@dataclass(frozen=True)
class Linear:
    """Weights (D, C) and bias (C,) of scaled inputs."""

    weights: Floats
    bias: Floats

    def __call__(self, scaled: NDArray[Any]) -> Floats:
        """Return what the head says of scaled inputs (N, D), shape (N, C)."""
        return np.asarray(scaled @ self.weights.astype(np.float32) + self.bias, np.float64)

    def unscaled(self, scale: Scale) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return weights and bias for inputs as they are."""
        weights = self.weights / scale.spread[:, np.newaxis]
        bias = self.bias - scale.mean @ weights
        return weights.astype(np.float32), bias.astype(np.float32)


def shares_of(label: NDArray[np.intp], classes: int) -> Floats:
    """Return the shares of classes, one galaxy more of each counted in."""
    count = np.bincount(label, minlength=classes) + 1.0
    return np.asarray(count / count.sum())


def fit_classes(
    scaled: NDArray[np.float32],
    label: NDArray[np.intp],
    classes: int,
    penalties: tuple[float, ...] = PENALTIES,
    *,
    start: NDArray[Any] | None = None,
    soft: NDArray[Any] | None = None,
    even: bool = True,
) -> Iterator[Linear]:
    """Yield heads of classes, one for each penalty, each begun where the last ended.

    Parameters
    ----------
    scaled : ndarray, shape (N, D)
    label : ndarray of int, shape (N,)
    start : ndarray, shape (N, C), optional
        Logits that the head is added to, and held to by the penalty.
    soft : ndarray, shape (N,), optional
        By what all logits of a row are multiplied before the softmax.
    even : bool
        Whether each class weighs the same, however many pictures it has.
    """
    optimize = need("scipy.optimize", "tune", "tuning")
    number = len(scaled)
    rows = np.arange(number)
    present = np.bincount(label, minlength=classes)
    weight = (1.0 / np.maximum(present, 1)[label]) if even else np.ones(number)
    weight /= weight.sum()
    free = (present > 0).astype(float)  # of a class without a label nothing is learned
    begin = np.zeros((number, classes)) if start is None else np.asarray(start, float)
    factor = np.ones((number, 1)) if soft is None else np.asarray(soft, float)[:, np.newaxis]
    # A bias that only shifts what was there is held, too: so few labels know little of it.
    hold = 0.0 if start is None else 2.0 / number
    # Along the axes of the inputs' scatter and measured by what each can change of the loss,
    # all directions are alike, and the search takes some ten steps instead of hundreds.
    sizes, axes = _axes(scaled, weight)
    along = scaled @ axes.astype(np.float32)
    head = np.zeros((len(sizes) + 1, classes))
    for penalty in penalties:
        unit = np.append(1 / np.sqrt(0.5 * sizes + penalty), 1.0)[:, np.newaxis]

        def loss(
            flat: Floats, penalty: float = penalty, unit: Floats = unit
        ) -> tuple[float, Floats]:
            both = unit * flat.reshape(-1, classes)
            logits = factor * (begin + along @ both[:-1].astype(np.float32) + both[-1])
            logits -= logits.max(axis=1, keepdims=True)
            p = np.exp(logits)
            total = p.sum(axis=1)
            value = float(weight @ (np.log(total) - logits[rows, label]))
            p /= total[:, np.newaxis]
            p[rows, label] -= 1
            p *= weight[:, np.newaxis] * factor
            slope = np.vstack([along.T @ p.astype(np.float32), p.sum(axis=0)])
            slope[:-1] += penalty * both[:-1]
            slope[-1] += hold * both[-1]
            value += 0.5 * penalty * float((both[:-1] ** 2).sum())
            value += 0.5 * hold * float((both[-1] ** 2).sum())
            return value, (unit * slope * free).ravel()

        options = {"maxiter": 100, "gtol": 1e-4, "ftol": 1e-6}
        start_at = (head / unit).ravel()
        flat = optimize.minimize(loss, start_at, jac=True, method="L-BFGS-B", options=options).x
        head = unit * flat.reshape(-1, classes)
        yield Linear(axes @ head[:-1], head[-1].copy())


def _axes(scaled: NDArray[np.float32], weight: Floats) -> tuple[Floats, Floats]:
    """Return sizes and axes (D, K) of the weighted scatter of inputs.

    Of fewer rows than inputs only the axes that rows lie along: a penalty leaves the others at
    nothing, and what they cost grows with the third power of D.
    """
    half = scaled * np.sqrt(weight).astype(np.float32)[:, np.newaxis]
    if len(half) < half.shape[1]:
        rows = half.astype(np.float64)  # roundings of float32 would be the least axes
        sizes, places = np.linalg.eigh(rows @ rows.T)
        seen = sizes > 1e-9 * max(float(sizes[-1]), 1e-30)
        return sizes[seen], rows.T @ (places[:, seen] / np.sqrt(sizes[seen]))
    sizes, axes = np.linalg.eigh((half.T @ half).astype(np.float64))
    return np.maximum(sizes, 0), axes


def fit_number(
    scaled: NDArray[np.float32],
    value: Floats,
    penalties: tuple[float, ...] = PENALTIES,
) -> Iterator[Linear]:
    """Yield heads of a number, one for each penalty: ridge regression, in closed form."""
    middle, spread = float(value.mean()), float(value.std()) or 1.0
    centre = scaled.mean(axis=0)
    away = scaled - centre
    sizes, axes = _axes(away, np.full(len(away), 1 / len(away)))
    along = axes.T @ (away.T @ ((value - middle) / spread) / len(away))
    for penalty in penalties:
        weights = spread * (axes @ (along / (sizes + penalty)))
        yield Linear(weights[:, np.newaxis], np.array([middle - centre @ weights]))
