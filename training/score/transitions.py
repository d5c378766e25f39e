"""Transitions: the types next to each other, where catalogues part and the model doubts."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from training.data.pack import Pack
from training.score.answers import Answers, calibrated
from training.score.evaluate import estimate, with_interval
from training.words.card import Calibration
from training.words.heads import Classes

__all__ = ["catalogues", "entropy", "pair", "pairs", "partners"]


def pairs(head: Classes) -> list[tuple[str, str]]:
    """Return the neighbours in a sequence of classes; there are none among others."""
    return list(zip(head.names, head.names[1:], strict=False)) if head.ordered else []


def entropy(p: np.ndarray) -> np.ndarray:
    """Return the entropy of each row over that of knowing nothing: 0 sure, 1 no idea."""
    return -(p * np.log(p.clip(1e-12))).sum(1) / np.log(p.shape[1])


def pair(
    answers: Answers, calibration: Calibration, names: tuple[str, str], draws: int = 500
) -> dict[str, Any]:
    """Return how well two neighbouring types are told apart.

    ``confusion`` has the label as row and as column the answer: the first, the second,
    another. ``told_apart`` is the area under the ROC curve of p(second) against
    p(first); ``doubt_right`` and ``doubt_wrong`` the mean of the smaller of the two
    shares, where the answer is within the pair; ``confused`` the rows, surest first.
    """
    first, second = (answers.classes.names.index(name) for name in names)
    rows = np.flatnonzero(np.isin(answers.label, (first, second)))
    part = answers.take(rows)
    p = calibrated(part, calibration)
    guess = p.argmax(1)
    counts = [
        [int(((part.label == label) & (guess == answer)).sum()) for answer in (first, second)]
        for label in (first, second)
    ]
    for line, label in zip(counts, (first, second), strict=True):
        line.append(int((part.label == label).sum()) - sum(line))
    share = p[:, second] / (p[:, first] + p[:, second])
    doubt = np.minimum(share, 1 - share)
    within = np.isin(guess, (first, second))
    wrong = within & (guess != part.label)
    certainty = np.abs(share - 0.5)
    order = np.flatnonzero(wrong)[np.argsort(-certainty[wrong], kind="stable")]
    right = within & ~wrong
    return {
        "confusion": counts,
        "accuracy": estimate(part.galaxy, guess == part.label, draws),
        "mixed_up": estimate(part.galaxy, wrong, draws),
        "told_apart": area(part.galaxy, part.label == second, share, draws),
        "doubt_right": estimate(part.galaxy[right], doubt[right], draws),
        "doubt_wrong": estimate(part.galaxy[wrong], doubt[wrong], draws),
        "confused": [int(rows[i]) for i in order],
    }


def partners(pack: Pack, rows: np.ndarray) -> np.ndarray:
    """Return for each of rows the place in rows of the galaxy's other catalogue entry, or -1."""
    place = {(pack.galaxy[row], pack.source[row]): i for i, row in enumerate(rows)}
    sources = sorted(set(pack.source))

    def other(row: int) -> int:
        others = (place.get((pack.galaxy[row], s), -1) for s in sources if s != pack.source[row])
        return max(others, default=-1)

    return np.array([other(row) for row in rows], int)


def catalogues(
    answers: Answers,
    partner: np.ndarray,
    first: np.ndarray,
    calibration: Calibration,
    draws: int = 500,
) -> dict[str, Any] | None:
    """Compare the model's doubt with the disagreement of the two catalogues.

    Parameters
    ----------
    answers : Answers
        On the pictures of both catalogues.
    partner : ndarray of int
        See `partners`.
    first : ndarray of bool
        Which pictures come from the first catalogue: each galaxy counts once.

    Returns
    -------
    dict or None
        None where no galaxy has both. ``doubt`` is the entropy of the mean of what the
        model says of both pictures.
    """
    one = np.flatnonzero(first & (partner >= 0))
    if len(one) < 10:
        return None
    two = partner[one]
    a, b = answers.take(one), answers.take(two)
    p = (calibrated(a, calibration) + calibrated(b, calibration)) / 2
    doubt, apart = entropy(p), np.abs(a.value - b.value)
    differ = a.label != b.label
    sigma = (np.exp(a.log_sigma) + np.exp(b.log_sigma)) / 2

    def correlation(x: np.ndarray) -> list[float | None]:
        def spearman(rows: np.ndarray) -> float:
            if np.ptp(x[rows]) == 0 or np.ptp(apart[rows]) == 0:
                return float("nan")
            return float(spearmanr(x[rows], apart[rows]).statistic)

        return with_interval(a.galaxy, spearman, draws)

    thirds = np.argsort(np.argsort(doubt, kind="stable")) * 3 // len(doubt)
    by_pair = {}
    best = np.sort(np.argsort(-p, axis=1)[:, :2], axis=1)
    for names in pairs(a.classes):
        rows = np.flatnonzero((best == [a.classes.names.index(name) for name in names]).all(1))
        by_pair["/".join(names)] = {
            "galaxies": len(rows),
            "catalogues_differ": estimate(a.galaxy[rows], differ[rows], draws),
            "doubt": estimate(a.galaxy[rows], doubt[rows], draws),
        }
    return {
        "galaxies": len(one),
        "same_class": estimate(a.galaxy, ~differ, draws),
        "rms": estimate(a.galaxy, apart**2, draws, root=True),
        "model_as_first": estimate(a.galaxy, p.argmax(1) == a.label, draws),
        "model_as_second": estimate(a.galaxy, p.argmax(1) == b.label, draws),
        "model_as_either": estimate(
            a.galaxy, (p.argmax(1) == a.label) | (p.argmax(1) == b.label), draws
        ),
        "doubt_and_difference": correlation(doubt),
        "sigma_and_difference": correlation(sigma),
        "doubt_tells_difference": area(a.galaxy, differ, doubt, draws),
        "thirds": [
            {
                "doubt": round(float(doubt[thirds == i].mean()), 4),
                "catalogues_differ": estimate(a.galaxy[thirds == i], differ[thirds == i], draws),
                "rms": estimate(a.galaxy[thirds == i], apart[thirds == i] ** 2, draws, root=True),
            }
            for i in range(3)
        ],
        "by_pair": by_pair,
        "points": {"doubt": doubt.round(4).tolist(), "difference": apart.round(2).tolist()},
    }


def area(galaxy: np.ndarray, positive: np.ndarray, score: np.ndarray, draws: int) -> list[Any]:
    """Return the area under a ROC curve with its interval; 0.5 is chance."""

    def statistic(rows: np.ndarray) -> float:
        if len(np.unique(positive[rows])) < 2:
            return float("nan")
        return float(roc_auc_score(positive[rows], score[rows]))

    return with_interval(galaxy, statistic, draws)
