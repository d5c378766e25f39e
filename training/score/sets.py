"""Sets: from which probability on a class is in a label set, calibrated on val, and how that holds.

Class-conditional conformal sets, see `galedge.network.heads.sets`. Galaxies are exchangeable
with those that are asked about if they come from the same sky through the same cameras; val
through every kind of input stands for that, each kind as often as the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from galedge.network.heads.sets import DEFAULT, Sets, entry_of, members
from training.score.answers import Answers, calibrated
from training.score.lines import table
from training.words.card import Calibration
from training.words.heads import Classes

__all__ = ["coverage", "fit_sets", "measured", "rows_of", "sets_of"]


def fit_sets(answers: Answers, calibration: Calibration) -> dict[str, Any] | None:
    """Return what a card says of the label sets of one head, by answers on val.

    A level for which a class has too few galaxies is left out, and without any there is none.
    """
    label, p = answers.label, calibrated(answers, calibration)
    # Of one galaxy several pictures, through several cameras, say little more than one.
    least = min(len(set(answers.galaxy[label == place])) for place in range(p.shape[1]))
    return entry_of(label, p, least)


def sets_of(answers: Answers, calibration: Calibration) -> dict[str, dict[str, Any]]:
    """Return what a card says of label sets and prior of each head of classes.

    The prior is the mean of the calibrated probabilities: the shares of classes that they go
    by. It is not that of the labels learned from, as training balances classes.
    """
    found: dict[str, dict[str, Any]] = {}
    for head in answers.task.every(Classes):
        part = answers.only(head.name)
        part = part.take(np.flatnonzero(part.label >= 0))
        if len(np.unique(part.label)) < head.width:
            continue  # of a class without a picture nothing can be said
        shares = calibrated(part, calibration).mean(0)
        found[head.name] = {"prior": [round(float(share), 4) for share in shares]}
        if (sets := fit_sets(part, calibration)) is not None:
            found[head.name]["sets"] = sets
    return found


def coverage(
    kinds: Mapping[str, Answers],
    calibration: Calibration,
    sets: Sets,
    level: float = DEFAULT,
) -> dict[str, dict[str, Any]]:
    """Return how often sets hold the true class, and how large they are, by kind of input.

    Returns
    -------
    dict
        By kind, and of ``all`` together: ``coverage``, the same of each of the ``classes``
        (NaN without a picture), and the mean ``size``.
    """
    least = sets.least(level)
    assert least is not None
    within, label = {}, {}
    for kind, answers in kinds.items():
        known = answers.take(np.flatnonzero(answers.label >= 0))
        p = calibrated(known, calibration).astype(np.float32)
        within[kind] = np.zeros(p.shape, bool)
        for row, places in zip(within[kind], members(p, p, least), strict=True):
            row[places] = True
        label[kind] = known.label
    every = list(kinds)
    within["all"] = np.concatenate([within[kind] for kind in every])
    label["all"] = np.concatenate([label[kind] for kind in every])
    return {kind: _counted(within[kind], label[kind]) for kind in within}


def measured(
    kinds: Mapping[str, Answers],
    calibration: Calibration,
    found: Mapping[str, Mapping[str, Any]],
) -> dict[str, dict[str, dict[str, float]]]:
    """Return what a card says of the worth of its sets, through all kinds of input together.

    Parameters
    ----------
    found : mapping
        What `sets_of` returned.

    Returns
    -------
    dict
        By head and level ``coverage``, that of the class with the ``least``, and ``size``.
    """
    worth: dict[str, dict[str, dict[str, float]]] = {}
    for name, entry in found.items():
        known = {kind: answers.only(name) for kind, answers in kinds.items()}
        width = len(entry["prior"])
        for level in entry.get("sets", {}).get("levels", {}):
            sets = Sets.parse(entry["sets"], width)
            told = coverage(known, calibration, sets, float(level))["all"]
            worth.setdefault(name, {})[level] = {
                "coverage": round(told["coverage"], 4),
                "least": round(float(np.nanmin(told["classes"])), 4),
                "size": round(told["size"], 4),
            }
    return worth


def _counted(within: np.ndarray, label: np.ndarray) -> dict[str, Any]:
    right = within[np.arange(len(label)), label]
    each = [right[label == place] for place in range(within.shape[1])]
    return {
        "coverage": float(right.mean()),
        "classes": [float(own.mean()) if len(own) else float("nan") for own in each],
        "size": float(within.sum(1).mean()),
    }


def rows_of(found: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    """Return what `coverage` found as lines of a Markdown table."""
    rows = []
    for kind, row in found.items():
        shares = [f"{share:.3f}" for share in row["classes"]]
        rows.append([kind, f"{row['coverage']:.3f}", f"{row['size']:.2f}", *shares])
    return table(["input", "coverage", "mean size", *names], rows)
