"""Evaluate: what answers are worth, with intervals over galaxies."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.metrics import (
    balanced_accuracy_score,
    f1_score,
    matthews_corrcoef,
    recall_score,
    roc_auc_score,
)

from training.score.answers import Answers, calibrated, probabilities
from training.words.card import Calibration
from training.words.heads import Classes, Head, Labels, Quantity

__all__ = [
    "bootstrap",
    "ece",
    "estimate",
    "interval",
    "measure",
    "measure_labels",
    "metrics",
]


def ece(label: np.ndarray, p: np.ndarray, bins: int = 15) -> float:
    """Return the expected calibration error of the most probable class."""
    sure, right = p.max(1), p.argmax(1) == label
    place = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = [
        abs(sure[place == b].mean() - right[place == b].mean()) * (place == b).mean()
        for b in np.unique(place)
    ]
    return float(sum(gaps))


def metrics(head: Head) -> dict[str, Callable[[Answers], float]]:
    """Return the measures of a head of classes or of a quantity, of rows that tell of it."""
    if isinstance(head, Quantity):
        return {f"rms_{head.symbol}": lambda a: float(np.sqrt(np.mean((a.mean - a.value) ** 2)))}
    if not isinstance(head, Classes):
        return {}
    found: dict[str, Callable[[Answers], float]] = {
        "accuracy": lambda a: float((a.logits.argmax(1) == a.label).mean()),
        "macro_f1": lambda a: float(
            f1_score(a.label, a.logits.argmax(1), average="macro", zero_division=0)
        ),
        "balanced_accuracy": lambda a: float(balanced_accuracy_score(a.label, a.logits.argmax(1))),
        "mcc": lambda a: float(matthews_corrcoef(a.label, a.logits.argmax(1))),
    }
    if head.ordered:
        found["within_one"] = lambda a: float((abs(a.logits.argmax(1) - a.label) <= 1).mean())
    return found


def bootstrap(
    galaxy: np.ndarray,
    statistic: Callable[[np.ndarray], Any],
    draws: int = 500,
    seed: int = 0,
) -> np.ndarray:
    """Return the 95 % interval, low and high, of a statistic of rows, drawing whole galaxies.

    A draw in which the statistic is undefined (NaN, or a class is missing) is passed over.
    """
    random = np.random.default_rng(seed)
    names, place = np.unique(galaxy, return_inverse=True)
    members = [np.flatnonzero(place == i) for i in range(len(names))]
    values = []
    with warnings.catch_warnings():
        # Of draws that lack a class, and of intervals without a single value.
        warnings.filterwarnings("ignore", "y_pred contains classes|A single label was|All-NaN")
        for _ in range(draws):
            drawn = random.integers(len(names), size=len(names))
            values.append(statistic(np.concatenate([members[i] for i in drawn])))
        return np.nanpercentile(np.array(values, float), [2.5, 97.5], axis=0)


def estimate(
    galaxy: np.ndarray, values: np.ndarray, draws: int = 500, *, root: bool = False
) -> list[float | None]:
    """Return the mean of values, or its root, with its interval, rounded: [value, low, high]."""
    if not len(values):
        return [None, None, None]
    low, high = bootstrap(galaxy, lambda rows: values[rows].mean(), draws)
    three = np.array([values.mean(), low, high])
    return [round(float(value), 4) for value in (np.sqrt(three) if root else three)]


def interval(
    answers: Answers, metric: Callable[[Answers], Any], draws: int = 500, seed: int = 0
) -> np.ndarray:
    """Return the 95 % interval of a metric by bootstrap over galaxies."""
    return bootstrap(answers.galaxy, lambda rows: metric(answers.take(rows)), draws, seed)


def recalls(answers: Answers) -> np.ndarray:
    """Return each class's recall, NaN where the sample lacks the class."""
    guess = answers.logits.argmax(1)
    return recall_score(
        answers.label,
        guess,
        labels=range(answers.logits.shape[1]),
        average=None,
        zero_division=np.nan,
    )


def measure(answers: Answers, calibration: Calibration, draws: int = 500) -> dict[str, Any]:
    """Return every metric as [value, low, high], rounded, ready for a card.

    `calibration` is the card's.
    """
    task = answers.task
    result: dict[str, Any] = {"pictures": len(answers.galaxy)}
    for head in (task.classes, task.quantity):
        if head is None or not len((part := answers.only(head.name)).galaxy):
            continue
        for name, metric in metrics(head).items():
            low, high = interval(part, metric, draws)
            result[name] = [round(value, 4) for value in (metric(part), float(low), float(high))]
    if "accuracy" not in result:
        return result
    part = answers.only(answers.classes.name)
    low, high = interval(part, recalls, draws)
    result["recall"] = {
        name: [round(float(v), 4) for v in values]
        for name, *values in zip(part.classes.names, recalls(part), low, high, strict=True)
    }
    p = calibrated(part, calibration)
    result["ece_uncalibrated"] = round(ece(part.label, probabilities(part)), 4)
    result["ece"] = round(ece(part.label, p), 4)
    likelihood = p[np.arange(len(p)), part.label]
    result["nll"] = round(-float(np.log(likelihood + 1e-12).mean()), 4)
    return result


def measure_labels(answers: Answers, head: Labels) -> dict[str, Any]:
    """Return for each label how well yes is told from no.

    Pictures count that a catalogue is sure of: at most 0.25 is no, at least
    0.75 is yes.
    """
    result = {}
    columns = answers.told[head.name].T, answers.said[head.name].T
    for name, told, logit in zip(head.names, *columns, strict=True):
        sure = ((told <= 0.25) | (told >= 0.75)) & np.isfinite(logit)
        aim = told[sure] > 0.5
        if aim.sum() < 5 or (~aim).sum() < 5:
            continue
        p = 1 / (1 + np.exp(-logit[sure]))
        result[name] = {
            "yes": int(aim.sum()),
            "no": int((~aim).sum()),
            "roc_auc": round(float(roc_auc_score(aim, p)), 4),
            "balanced_accuracy": round(float(balanced_accuracy_score(aim, p > 0.5)), 4),
        }
    return result
