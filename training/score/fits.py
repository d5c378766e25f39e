"""Fits: the few numbers by which a network's answers are calibrated on val."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize

from training.score.answers import Answers, probabilities
from training.score.evaluate import macro_f1

__all__ = ["fit_bias", "fit_logistic", "fit_sigma", "fit_temperature"]


def fit_temperature(answers: Answers) -> tuple[float, float]:
    """Return the temperature and its slope (see `probabilities`) of the best likelihood."""
    if not len(answers.galaxy):
        return 1.0, 0.0
    rows = np.arange(len(answers.label))
    label = answers.label
    number = 1 if answers.task.binned(answers.classes) is None else 2

    def loss(values: np.ndarray) -> float:
        p = probabilities(answers, float(np.exp(values[0])), float(values[1:].sum()))
        return -float(np.log(p[rows, label] + 1e-12).mean())

    # Bounded: of a network that knows nothing the best temperature is none.
    bounds = [(-3, 3), (-2, 2)][:number]
    found = minimize(loss, np.zeros(number), method="Nelder-Mead", bounds=bounds).x
    return float(np.exp(found[0])), float(found[1:].sum())


def fit_logistic(told: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Return slope and offset (2, F) that calibrate logits (N, F) of what is told (NaN: nothing).

    Platt's scaling (Platt 1999), column by column; columns of which nothing is
    told stay as they are.
    """
    result = np.stack([np.ones(logits.shape[1]), np.zeros(logits.shape[1])])
    for i, (aim, z) in enumerate(zip(told.T, logits.T, strict=True)):
        known = np.isfinite(aim)
        if not known.any() or np.ptp(aim[known]) == 0:
            continue

        def loss(values: np.ndarray, aim: np.ndarray = aim[known], z: np.ndarray = z[known]) -> Any:
            scaled = np.exp(values[0]) * z + values[1]
            return (np.logaddexp(0, scaled) - aim * scaled).mean()

        # Bounded: what a few pictures tell apart without error asks for no end of certainty.
        bounds = [(None, 3), (None, None)]
        slope, offset = minimize(loss, np.zeros(2), method="Nelder-Mead", bounds=bounds).x
        result[:, i] = np.exp(slope), offset
    return result


def fit_bias(sets: list[Answers], strengths: np.ndarray | None = None) -> np.ndarray:
    """Return what to add to the class logits for the best macro-F1 plus accuracy on val.

    Only one number is fitted, so little can be overfitted: the strength of the
    classes' log frequency, which moves between aiming at every class alike and
    at the catalogues' own mix.
    """
    label = np.concatenate([answers.label for answers in sets])
    count = np.bincount(label, minlength=sets[0].classes.width).clip(1)
    if not len(label):
        return np.zeros(len(count))
    prior = np.log(count / count.sum())
    prior -= prior.mean()

    def worth(strength: float) -> float:
        total = 0.0
        for answers in sets:
            guess = (answers.logits + strength * prior).argmax(1)
            total += macro_f1(answers.label, guess, answers.classes.width)
            total += float((guess == answers.label).mean())
        return total / len(sets)

    grid = np.linspace(-0.5, 1.0, 31) if strengths is None else strengths
    values = np.array([worth(strength) for strength in grid])
    smooth = np.convolve(np.pad(values, 2, mode="edge"), np.ones(5) / 5, "valid")
    return float(grid[smooth.argmax()]) * prior


def fit_keep(logits: np.ndarray, kept: int, lost: float) -> np.ndarray:
    """Return what to add to logits (N, C) so that of pictures of one class a share is lost.

    Parameters
    ----------
    logits : ndarray
        Of pictures of the class.
    kept : int
        The class.
    lost : float
        The share that another class may be more probable for.
    """
    others = np.delete(logits, kept, axis=1).max(1)
    result = np.zeros(logits.shape[1])
    result[kept] = -np.quantile(logits[:, kept] - others, lost)
    return result


def fit_sigma(answers: Answers) -> float:
    """Return the factor that makes the errors of a quantity as large as the residuals."""
    if not len(answers.galaxy):
        return 1.0
    rest = (answers.value - answers.mean) / np.exp(answers.log_sigma)
    return float(np.sqrt(np.mean(rest**2)))
