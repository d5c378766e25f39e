"""Numbers: what a report tells of each source and kind of input, ready for JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix,
    precision_recall_fscore_support,
)

from training.score.answers import Answers, calibrated, probabilities
from training.score.evaluate import bootstrap, ece, measure, measure_labels, residuals, rounded
from training.words.card import Calibration
from training.words.heads import Labels

__all__ = ["PER_CLASS", "calibration", "measured", "per_class"]

PER_CLASS = ("precision", "recall", "f1", "average_precision")


def measured(
    answers: Answers,
    card: Calibration,
    strata: dict[str, Callable[[Answers], Any]],
    draws: int = 500,
) -> dict[str, Any]:
    """Return all that is told of a set of answers.

    Parameters
    ----------
    card : Calibration
        The card's, as in all that follows.
    strata : dict
        By quantity what measures the answers in strata of it.
    """
    task = answers.task
    result = measure(answers, card, draws)
    classes = answers.only(task.classes.name) if task.classes else None
    value = answers.only(task.quantity.name) if task.quantity else None
    if classes and len(classes.galaxy):
        result |= calibration(classes, card, draws)
    if value and len(value.galaxy):
        result |= residuals(value, card)
    for head in task.every(Labels):
        result[head.name] = measure_labels(answers, head)
    if classes and len(classes.galaxy):
        result["classes"] = per_class(classes, card, draws)
        width = range(classes.classes.width)
        matrix = confusion_matrix(classes.label, classes.logits.argmax(1), labels=width)
        result["confusion"] = matrix.tolist()
    result["strata"] = {name: table(answers) for name, table in strata.items()}
    return result


def per_class(answers: Answers, card: Calibration, draws: int = 500) -> dict[str, Any]:
    """Return precision, recall, F1 and average precision of each class, with intervals."""
    p = calibrated(answers, card)
    told = answers.label
    labels = np.arange(p.shape[1])

    def scores(rows: np.ndarray) -> np.ndarray:
        label = told[rows]
        three = precision_recall_fscore_support(
            label, p[rows].argmax(1), labels=labels, zero_division=np.nan
        )[:3]
        area = [
            average_precision_score(label == c, p[rows, c]) if (label == c).any() else np.nan
            for c in labels
        ]
        return np.array([*three, area])

    value = scores(np.arange(len(p)))
    low, high = bootstrap(answers.galaxy, scores, draws)
    return {
        name: {
            "pictures": int((told == c).sum()),
            **{
                key: [rounded(part[i, c]) for part in (value, low, high)]
                for i, key in enumerate(PER_CLASS)
            },
        }
        for c, name in enumerate(answers.classes.names)
    }


def calibration(answers: Answers, card: Calibration, draws: int) -> dict[str, list[float]]:
    """Return the calibration error before and after the temperature, with intervals."""

    def errors(rows: np.ndarray) -> list[float]:
        part = answers.take(rows)
        return [ece(part.label, p) for p in (probabilities(part), calibrated(part, card))]

    value = errors(np.arange(len(answers.galaxy)))
    low, high = bootstrap(answers.galaxy, errors, draws)
    return {
        name: [round(float(part[i]), 4) for part in (value, low, high)]
        for i, name in enumerate(("ece_before", "ece_after"))
    }
