"""Prior: what it brings to fit the shares of classes to answers, on samples of other shares.

Of the test split galaxies are drawn, with replacement, until the classes have shares that were
drawn first; whoever is asked does not know them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from galedge.answers.prior import fit_shares
from training.score.answers import Answers, calibrated
from training.score.evaluate import ece
from training.score.lines import table
from training.words.card import Calibration

__all__ = ["lines_of", "shifted"]

DRAWS = 40
NUMBER = 300  # galaxies in a sample
SEED = 18


def shifted(
    kinds: Mapping[str, Answers],
    calibration: Calibration,
    prior: Sequence[float],
    draws: int = DRAWS,
    number: int = NUMBER,
) -> dict[str, dict[str, float]]:
    """Return how well shares are found, and how calibrated answers are, by kind of input.

    Returns
    -------
    dict
        By kind, in the mean over samples: ``counted`` and ``fitted``, the mean difference from
        a class's true share of the share of labels and of the fitted one; ``ece``, that
        ``ece_fitted`` with the fitted shares, and ``ece_true`` with the true ones.
    """
    return {
        kind: _shifted(answers, calibration, np.asarray(prior) / np.sum(prior), draws, number)
        for kind, answers in kinds.items()
    }


def _shifted(
    answers: Answers, calibration: Calibration, prior: np.ndarray, draws: int, number: int
) -> dict[str, float]:
    random = np.random.default_rng(SEED)
    every, label = calibrated(answers, calibration), answers.label
    members = [np.flatnonzero(label == place) for place in range(len(prior))]
    known = [place for place, rows in enumerate(members) if len(rows)]
    found: list[dict[str, Any]] = []
    for _ in range(draws):
        wanted = random.choice(known, number, p=random.dirichlet(np.ones(len(known))))
        p = every[[random.choice(members[place]) for place in wanted]]
        true, counted = (
            np.bincount(c, minlength=len(prior)) / number for c in (wanted, p.argmax(1))
        )
        fitted = fit_shares(p, prior)
        found.append(
            {
                "counted": abs(counted - true).mean(),
                "fitted": abs(fitted - true).mean(),
                "ece": ece(wanted, p),
                "ece_fitted": ece(wanted, _adjusted(p, fitted / prior)),
                "ece_true": ece(wanted, _adjusted(p, true / prior)),
            }
        )
    return {name: float(np.mean([one[name] for one in found])) for name in found[0]}


def _adjusted(p: np.ndarray, weights: np.ndarray) -> np.ndarray:
    weighed = np.maximum(p, 1e-12) * weights
    return weighed / weighed.sum(1, keepdims=True)


def lines_of(found: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return what `shifted` found as lines of a Markdown table."""
    head = ["input", "share off, of labels", "fitted", "ECE", "ECE, fitted", "ECE, true shares"]
    rows = ([kind, *(f"{value:.3f}" for value in row.values())] for kind, row in found.items())
    return table(head, rows)
