"""Through: what answers are worth when the same galaxies come through other cameras."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from training.score.answers import Answers, calibrated
from training.score.evaluate import (
    bootstrap,
    chance,
    ece,
    macro_f1,
    measure_labels,
    residuals,
)
from training.words.card import Calibration
from training.words.heads import Classes, Head, Labels, Quantity

__all__ = ["SIGMA", "through"]

SIGMA = 0.6827  # the share of errors that lie within one sigma

Row = dict[str, Any]
Kinds = Mapping[str, Answers]
Scores = dict[str, Callable[[np.ndarray], float]]


def through(
    kinds: Kinds,
    cameras: Sequence[str],
    calibration: Calibration,
    draws: int = 500,
    exact: Kinds | None = None,
) -> dict[str, Row]:
    """Return what answers are worth by kind of input, in a few numbers each.

    Parameters
    ----------
    kinds : mapping
        By kind of input the answers on the same pictures, in the same order. The first is the
        plain one, which the others' labels are compared with.
    cameras : sequence of str
        The kinds that `mean` and `worst` are taken over.
    calibration : Calibration
        The card's.
    exact : mapping, optional
        The same of the fp32 file, where `kinds` are of the int8 file.

    Returns
    -------
    dict
        By kind `pictures`; of classes `accuracy`, `macro_f1`, `ece`, `ece_by_chance` (what
        perfect probabilities would show) and `same_label`; of the quantity of symbol t `rms_t`,
        `t_bias` and `t_within_sigma`; of each head of labels `<head>_roc_auc`, the mean of its
        labels; and `over_fp32`, by how much these are more than those of `exact`, with the
        share of `labels` that are the same. What has an interval is [value, low, high]. A task
        that lacks a head lacks its numbers. Then `mean`, and `worst`: of a bias and of a share
        within sigma what is furthest from 0 and from `SIGMA`.
    """
    plain = next(iter(kinds.values()))
    task = plain.task
    rows: dict[str, Row] = {kind: {"pictures": len(plain.galaxy)} for kind in kinds}
    means: Row = {}
    for head in task.heads:
        if isinstance(head, Labels):
            for kind, answers in kinds.items():
                areas = [label["roc_auc"] for label in measure_labels(answers, head).values()]
                if areas:
                    rows[kind][f"{head.name}_roc_auc"] = round(float(np.mean(areas)), 4)
        if head not in (task.classes, task.quantity):
            continue
        parts = {kind: answers.only(head.name) for kind, answers in kinds.items()}
        if not len(parts[next(iter(kinds))].galaxy):
            continue
        theirs = {kind: exact[kind].only(head.name) for kind in kinds} if exact else None
        means |= _scored(rows, head, parts, cameras, draws)
        for kind, part in parts.items():
            if isinstance(head, Classes):
                rows[kind] |= _classes(part, next(iter(parts.values())), calibration)
            else:
                told = residuals(part, calibration)
                rows[kind] |= {
                    key: told[key] for key in told if key.endswith(("_bias", "_within_sigma"))
                }
            if theirs:
                more = rows[kind].setdefault("over_fp32", {})
                more |= _over(head, part, theirs[kind])
    if cameras:
        mean, worst = _summary([rows[camera] for camera in cameras])
        rows |= {"mean": mean | means, "worst": worst}
    return rows


def _classes(part: Answers, plain: Answers, calibration: Calibration) -> Row:
    p = calibrated(part, calibration)
    same = part.logits.argmax(1) == plain.logits.argmax(1)
    return {
        "ece": round(ece(part.label, p), 4),
        "ece_by_chance": round(chance(p), 4),
        "same_label": round(float(same.mean()), 4),
    }


def _scores(head: Head, part: Answers) -> Scores:
    """Return the measures that have intervals, as functions of rows."""
    if isinstance(head, Quantity):
        away = (part.mean - part.value) ** 2
        return {f"rms_{head.symbol}": lambda rows: float(np.sqrt(away[rows].mean()))}
    label, guess, width = part.label, part.logits.argmax(1), part.classes.width
    return {
        "accuracy": lambda rows: float((guess[rows] == label[rows]).mean()),
        "macro_f1": lambda rows: macro_f1(label[rows], guess[rows], width),
    }


def _scored(
    rows: dict[str, Row], head: Head, parts: Kinds, cameras: Sequence[str], draws: int
) -> Row:
    """Add scores with their intervals, and return those of the mean over cameras.

    Of all kinds the same galaxies are drawn, so the mean's interval is not that of so many
    independent sets.
    """
    scores = {kind: _scores(head, part) for kind, part in parts.items()}
    averaged = [list(scores).index(camera) for camera in cameras]

    def every(chosen: np.ndarray) -> np.ndarray:
        found = np.array([[score(chosen) for score in of.values()] for of in scores.values()])
        return np.vstack([found, found[averaged].mean(0)]) if averaged else found

    galaxy = next(iter(parts.values())).galaxy
    low, high = bootstrap(galaxy, every, draws)
    names = list(next(iter(scores.values())))
    three = np.stack([every(np.arange(len(galaxy))), low, high], 2)  # (kinds, scores, 3)
    told = [
        {
            name: [round(float(value), 4) for value in of]
            for name, of in zip(names, row, strict=True)
        }
        for row in three
    ]
    for kind, row in zip(parts, told, strict=False):
        rows[kind] |= row
    return told[-1] if averaged else {}


def _over(head: Head, ours: Answers, theirs: Answers) -> dict[str, float]:
    """Return by how much int8's scores are more than fp32's, and on how many labels they agree."""
    every = np.arange(len(ours.galaxy))
    other = _scores(head, theirs)
    found = {
        name: round(score(every) - other[name](every), 4)
        for name, score in _scores(head, ours).items()
    }
    if isinstance(head, Classes):
        same = ours.logits.argmax(1) == theirs.logits.argmax(1)
        found["labels"] = round(float(same.mean()), 4)
    return found


def _summary(rows: list[Row]) -> tuple[Row, Row]:
    """Return the mean of each number of some rows, and the worst; both of dicts within, too."""
    mean: Row = {}
    worst: Row = {}
    for key in dict.fromkeys(key for row in rows for key in row if key != "pictures"):
        values = [row[key] for row in rows if key in row]
        if isinstance(values[0], dict):
            mean[key], worst[key] = _summary(values)
            if key == "over_fp32":  # differences: either way is away
                worst[key] |= {
                    name: max((value[name] for value in values), key=abs)
                    for name in worst[key]
                    if name != "labels"
                }
            continue
        single = [value[0] if isinstance(value, list) else value for value in values]
        mean[key] = round(float(np.mean(single)), 4)
        worst[key] = values[int(np.argmax([_badness(key, value) for value in single]))]
    return mean, worst


def _badness(key: str, value: float) -> float:
    if key.endswith("_bias"):
        return abs(value)
    if key.endswith("_within_sigma"):
        return abs(value - SIGMA)
    return value if key.startswith(("rms_", "ece")) else -value
