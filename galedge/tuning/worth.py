"""Worth: what answers are worth, with intervals over galaxies."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["areas", "bootstrap", "confusion", "ece", "gap", "macro_f1", "roc_area", "worth"]


def bootstrap(
    galaxy: NDArray[Any],
    statistic: Callable[[NDArray[np.intp]], Any],
    draws: int = 500,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Return the 95 % interval, low and high, of a statistic of rows, drawing whole galaxies.

    A draw in which the statistic is undefined (NaN, or a class is missing) is passed over.
    """
    random = np.random.default_rng(seed)
    names, place = np.unique(galaxy, return_inverse=True)
    order = np.argsort(place, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(place[order])) + 1)
    values = []
    with warnings.catch_warnings():
        # Of draws that lack a class, and of intervals without a single value.
        warnings.filterwarnings("ignore", "y_pred contains classes|A single label was|All-NaN")
        for _ in range(draws):
            drawn = random.integers(len(names), size=len(names))
            values.append(statistic(np.concatenate([members[i] for i in drawn])))
        return np.asarray(np.nanpercentile(np.array(values, float), [2.5, 97.5], axis=0))


def macro_f1(label: NDArray[Any], guess: NDArray[Any], width: int) -> float:
    """Return the mean F1 of the classes that are told or answered: scikit-learn's, but quicker."""
    counts = np.bincount(label * width + guess, minlength=width**2).reshape(width, width)
    either = counts.sum(0) + counts.sum(1)
    return float((2 * counts.diagonal()[either > 0] / either[either > 0]).mean())


def ece(label: NDArray[Any], p: NDArray[Any], bins: int = 15) -> float:
    """Return the expected calibration error of the most probable class."""
    return gap(p.max(1), p.argmax(1) == label, bins)


def gap(sure: NDArray[Any], right: NDArray[Any], bins: int = 15) -> float:
    """Return by how much probabilities differ from how often they are right, bin by bin."""
    place = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = [
        abs(sure[place == b].mean() - right[place == b].mean()) * (place == b).mean()
        for b in np.unique(place)
    ]
    return float(sum(gaps))


def roc_area(yes: NDArray[Any], score: NDArray[Any]) -> float:
    """Return the area under the ROC curve; NaN where all are alike."""
    positive = int(yes.sum())
    negative = len(yes) - positive
    if not positive or not negative:
        return float("nan")
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]  # the mean rank of equals
    return float(rank[yes.astype(bool)].sum() - positive * (positive + 1) / 2) / (
        positive * negative
    )


def confusion(label: NDArray[Any], guess: NDArray[Any], width: int) -> NDArray[np.intp]:
    """Return how many of each class (rows) are called what (columns)."""
    return np.bincount(label * width + guess, minlength=width**2).reshape(width, width)


def areas(label: NDArray[Any], p: NDArray[Any]) -> float:
    """Return the mean ROC area of each class that there is against all others."""
    told = [roc_area(label == place, p[:, place]) for place in np.unique(label)]
    return float(np.mean(told)) if len(told) > 1 else float("nan")


def worth(
    galaxy: NDArray[Any], measures: dict[str, Callable[[NDArray[np.intp]], float]]
) -> dict[str, list[float | None]]:
    """Return each measure of rows as [value, low, high], rounded, ready for a card."""
    found = {}
    every = np.arange(len(galaxy))
    for name, measure in measures.items():
        low, high = bootstrap(galaxy, measure)
        three = (measure(every), low, high)
        found[name] = [round(float(v), 4) if np.isfinite(v) else None for v in three]
    return found
