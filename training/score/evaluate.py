"""Evaluate: what answers are worth, with intervals over galaxies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.metrics import (
    balanced_accuracy_score,
    matthews_corrcoef,
    recall_score,
    roc_auc_score,
)

from galedge.tuning.worth import bootstrap, ece, gap, macro_f1
from training.score.answers import Answers, calibrated, probabilities
from training.words.card import Calibration
from training.words.heads import Classes, Head, Labels, Quantity

__all__ = [
    "bootstrap",
    "chance",
    "ece",
    "estimate",
    "found",
    "macro_f1",
    "measure",
    "measure_labels",
    "metrics",
    "residuals",
    "rounded",
    "with_interval",
]


def chance(p: np.ndarray, draws: int = 100) -> float:
    """Return the mean calibration error of as many pictures, if the probabilities were right."""
    sure, random = p.max(1), np.random.default_rng(0)
    return float(np.mean([gap(sure, random.random(len(sure)) < sure) for _ in range(draws)]))


def metrics(head: Head) -> dict[str, Callable[[Answers], float]]:
    """Return the measures of a head of classes or of a quantity, of rows that tell of it."""
    if isinstance(head, Quantity):
        return {f"rms_{head.symbol}": lambda a: float(np.sqrt(np.mean((a.mean - a.value) ** 2)))}
    if not isinstance(head, Classes):
        return {}
    found: dict[str, Callable[[Answers], float]] = {
        "accuracy": lambda a: float((a.logits.argmax(1) == a.label).mean()),
        "macro_f1": lambda a: macro_f1(a.label, a.logits.argmax(1), head.width),
        "balanced_accuracy": lambda a: float(balanced_accuracy_score(a.label, a.logits.argmax(1))),
        "mcc": lambda a: float(matthews_corrcoef(a.label, a.logits.argmax(1))),
    }
    if head.ordered:
        found["within_one"] = lambda a: float((abs(a.logits.argmax(1) - a.label) <= 1).mean())
    return found


def estimate(
    galaxy: np.ndarray, values: np.ndarray, draws: int = 500, *, root: bool = False
) -> list[float | None]:
    """Return the mean of values, or its root, with its interval, rounded: [value, low, high]."""
    if not len(values):
        return [None, None, None]
    low, high = bootstrap(galaxy, lambda rows: values[rows].mean(), draws)
    three = np.array([values.mean(), low, high])
    return [round(float(value), 4) for value in (np.sqrt(three) if root else three)]


def with_interval(
    galaxy: np.ndarray, statistic: Callable[[np.ndarray], float], draws: int = 500
) -> list[float | None]:
    """Return a statistic of rows with its interval, rounded; None where it is undefined."""
    value = statistic(np.arange(len(galaxy)))
    if np.isnan(value):
        return [None, None, None]
    return [round(float(v), 4) for v in (value, *bootstrap(galaxy, statistic, draws))]


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


def rounded(value: float) -> float | None:
    """Return a number for JSON, which has no NaN."""
    return round(float(value), 4) if np.isfinite(value) else None


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
            result[name] = with_interval(
                part.galaxy, lambda rows, m=metric, p=part: m(p.take(rows)), draws
            )
    if "accuracy" not in result:
        return result
    part = answers.only(answers.classes.name)
    low, high = bootstrap(part.galaxy, lambda rows: recalls(part.take(rows)), draws)
    result["recall"] = {
        name: [rounded(v) for v in values]
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


def residuals(answers: Answers, calibration: Calibration) -> dict[str, float]:
    """Return bias and scatter of the quantity, and how many errors lie within the given sigma."""
    head = answers.quantity
    rest = answers.mean - answers.value
    sigma = np.exp(answers.log_sigma) * calibration.get(head.name, {}).get("sigma_scale", 1.0)
    return {
        f"{head.symbol}_bias": round(float(rest.mean()), 4),
        f"{head.symbol}_median_error": round(float(np.median(np.abs(rest))), 4),
        f"{head.symbol}_within_sigma": round(float((np.abs(rest) <= sigma).mean()), 4),
        f"{head.symbol}_within_two_sigma": round(float((np.abs(rest) <= 2 * sigma).mean()), 4),
    }


def found(
    answers: Answers,
    calibration: Calibration,
    source: np.ndarray | None = None,
    lost: float = 0.01,
    draws: int = 500,
) -> dict[str, Any]:
    """Return how many pictures of every other class are found when few of the first are lost.

    A picture is taken out if its probability of the first class (a galaxy, of galaxies, stars
    and artefacts) is below the one that a share `lost` of that class does not reach.

    Parameters
    ----------
    answers : Answers
        Of one head of classes: `Answers.only`.
    source : ndarray of str (N,), optional
        Classes of several sources are told by these, too.

    Returns
    -------
    dict
        ``below``, the probability; ``lost``, the share; and ``classes``: of each, or class and
        source, `pictures` and the `share` that is found, [value, low, high].
    """
    p = calibrated(answers, calibration)[:, 0]
    label, names = answers.label, answers.classes.names

    def least(rows: np.ndarray) -> float:
        first = np.sort(p[rows][label[rows] == 0])
        return float(first[int(lost * len(first))]) if len(first) else np.nan

    groups = {name: label == c for c, name in enumerate(names) if c and (label == c).any()}
    for name, members in list(groups.items()):
        sources = [] if source is None else sorted(set(source[members]))
        if len(sources) > 1:
            groups |= {f"{name}, {one}": members & (source == one) for one in sources}
    if not groups or not (label == 0).any():
        return {}

    def shares(rows: np.ndarray) -> np.ndarray:
        out, inside = p[rows] < least(rows), [members[rows] for members in groups.values()]
        return np.array([out[m].mean() if m.any() else np.nan for m in inside])

    every = np.arange(len(p))
    low, high = bootstrap(answers.galaxy, shares, draws)
    rows = zip(groups.items(), shares(every), low, high, strict=True)
    return {
        "below": round(least(every), 6),
        "lost": lost,
        "classes": {
            name: {
                "pictures": int(members.sum()),
                "share": [round(float(value), 4) for value in three],
            }
            for (name, members), *three in rows
        },
    }
