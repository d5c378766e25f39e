"""Learn: one question's head, tried on galaxies that were held out of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.network.heads.sets import DEFAULT, entry_of, members, thresholds
from galedge.support.extras import need
from galedge.tuning.fit import PENALTIES, Linear, Scale, fit_classes, fit_number, shares_of
from galedge.tuning.worth import areas, confusion, ece, macro_f1, roc_area, worth

__all__ = [
    "Learned",
    "Lesson",
    "calibrated_by",
    "held_out",
    "learn_classes",
    "learn_number",
    "log_p",
    "measured",
]

FOLDS = 5

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Lesson:
    """Labelled pictures of one question.

    Attributes
    ----------
    inputs : ndarray of float32, shape (N, V, D)
        Of each view; the first is the picture as it is.
    told : int
        How many of D, the last, are what the network tells already.
    aim : ndarray, shape (N,)
        Classes' places or numbers.
    group : ndarray of int, shape (N,)
    classes : int
    """

    inputs: NDArray[np.float32]
    told: int
    aim: NDArray[Any]
    group: NDArray[np.intp]
    classes: int

    def folds(self, strata: NDArray[np.intp], number: int = 0) -> NDArray[np.intp]:
        """Return each picture's fold: galaxies stay whole, and classes are shared out.

        Default `number`: as many as the rarest class has galaxies, and not more than `FOLDS`.
        """
        selection = need("sklearn.model_selection", "tune", "tuning")
        fewest = min(len(np.unique(self.group[strata == s])) for s in np.unique(strata))
        number = number or max(2, min(FOLDS, fewest))
        split = selection.StratifiedGroupKFold(number, shuffle=True, random_state=0)
        fold = np.empty(len(strata), np.intp)
        for place, (_, held) in enumerate(split.split(strata, strata, self.group)):
            fold[held] = place
        return fold

    def rows(self, chosen: NDArray[Any]) -> NDArray[np.float32]:
        """Return the inputs of all views of some pictures, as rows."""
        return np.asarray(self.inputs[chosen].reshape(-1, self.inputs.shape[2]))


@dataclass(frozen=True)
class Learned:
    """A head, and what it is worth.

    Attributes
    ----------
    weights, bias : ndarray of float32, shapes (D, W) and (W,)
        Of inputs as they are.
    card : dict
        What its entry in the card says beside kind, name and output.
    metrics : dict
    chance : bool
        Whether held-out galaxies leave it open that it knows nothing.
    notes : list of str
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    card: dict[str, Any]
    metrics: dict[str, Any]
    chance: bool
    notes: list[str] = field(default_factory=list)


def held_out(
    lesson: Lesson, fold: NDArray[np.intp], fits: Callable[[Any, Any], list[Linear]]
) -> Floats:
    """Return what heads say of pictures that they have not learned from, (P, N, V, W)."""
    number, views, _ = lesson.inputs.shape
    found: Floats | None = None
    for each in np.unique(fold):
        inside, outside = np.flatnonzero(fold != each), np.flatnonzero(fold == each)
        rows = lesson.rows(inside)
        scale = Scale.of(rows, lesson.told)
        heads = fits(scale(rows), np.repeat(inside, views))
        scaled = scale(lesson.rows(outside))
        for place, head in enumerate(heads):
            said = head(scaled)
            if found is None:
                found = np.empty((len(heads), number, views, said.shape[1]))
            found[place, outside] = said.reshape(len(outside), views, -1)
    assert found is not None
    return found


def best(losses: Floats, fold: NDArray[np.intp]) -> tuple[NDArray[np.intp], int]:
    """Return which penalty each fold takes, by the losses (P, N) of the others, and which all."""
    each = np.array(
        [losses[:, fold != number].mean(axis=1).argmin() for number in range(fold.max() + 1)]
    )
    return each[fold], int(losses.mean(axis=1).argmin())


def log_p(logits: Floats) -> Floats:
    """Return the logarithms of the softmax over the last axis."""
    away = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(away - np.log(np.exp(away).sum(axis=-1, keepdims=True)))


def calibrated_by(
    logits: Floats, label: NDArray[np.intp], prior: Floats | None
) -> tuple[float, Floats]:
    """Return temperature and bias of the best likelihood of logits (N, V, C).

    The bias is a multiple of the logarithms of `prior` (logit adjustment: Menon et al. 2021):
    a head that learned from classes of equal weight gives them their shares again.
    """
    optimize = need("scipy.optimize", "tune", "tuning")
    toward = np.zeros(logits.shape[-1]) if prior is None else np.log(prior) - np.log(prior).mean()
    at = np.broadcast_to(label[:, np.newaxis, np.newaxis], (*logits.shape[:2], 1))

    def loss(values: Floats) -> float:
        told = log_p((logits + values[1] * toward) / np.exp(values[0]))
        return -float(np.take_along_axis(told, at, -1).mean())

    # Bounded: what a few pictures tell apart without error asks for no end of certainty.
    bounds = [(-1.5, 3.0), (-0.5, 1.5) if prior is not None else (0.0, 0.0)]
    start = np.array([0.0, 0.5 if prior is not None else 0.0])
    found = optimize.minimize(loss, start, method="L-BFGS-B", bounds=bounds).x
    return float(np.exp(found[0])), found[1] * toward


def learn_classes(lesson: Lesson, *, sets: bool) -> Learned:
    """Learn a head of classes.

    Penalty, calibration and sets of each fold come from the others, so that what is said of
    held-out galaxies is what new ones will be worth.
    """
    label, classes = lesson.aim.astype(np.intp), lesson.classes
    views = lesson.inputs.shape[1]
    fold = lesson.folds(label)

    def fits(scaled: NDArray[np.float32], rows: NDArray[np.intp]) -> list[Linear]:
        return list(fit_classes(scaled, label[rows], classes))

    logits = held_out(lesson, fold, fits)
    each, chosen = best(_balanced(logits, label), fold)
    crossed = logits[each, np.arange(len(label))]
    prior = shares_of(label, classes)
    p = np.empty((len(label), classes))
    for number in range(fold.max() + 1):
        inside, outside = fold != number, fold == number
        temperature, bias = calibrated_by(crossed[inside], label[inside], prior)
        p[outside] = np.exp(log_p((crossed[outside, 0] + bias) / temperature))
    temperature, bias = calibrated_by(crossed, label, prior)
    final = np.exp(log_p((crossed[:, 0] + bias) / temperature))
    rows = lesson.rows(np.arange(len(label)))
    scale = Scale.of(rows, lesson.told)
    *_, head = fit_classes(scale(rows), np.repeat(label, views), classes, PENALTIES[: chosen + 1])
    weights, offset = head.unscaled(scale)
    card: dict[str, Any] = {
        "temperature": round(temperature, 4),
        "prior": [round(float(share), 4) for share in final.mean(axis=0)],
    }
    fewest = min(len(np.unique(lesson.group[label == place])) for place in range(classes))
    found = entry_of(label, final, fewest) if sets else None
    if found is not None:
        card["sets"] = found
    metrics = measured(label, p, lesson.group, classes)
    metrics["penalty"] = PENALTIES[chosen]
    if found is not None and f"{DEFAULT:g}" in found["levels"]:
        metrics["sets"] = covered(label, p, fold)
    low = metrics["roc_area"][1]
    return Learned(
        weights, (offset + bias).astype(np.float32), card, metrics, low is None or low <= 0.5
    )


def _balanced(logits: Floats, label: NDArray[np.intp]) -> Floats:
    """Return each picture's loss (P, N), every class with the same weight in all.

    At its best temperature: how sure a head is of itself is mended afterwards.
    """
    weight = 1.0 / np.bincount(label)[label]
    weight *= len(label) / weight.sum()
    found = []
    for each in logits:
        temperature, _ = calibrated_by(each, label, None)
        told = log_p(each / temperature)
        at = np.broadcast_to(label[:, np.newaxis, np.newaxis], (*told.shape[:2], 1))
        found.append(-np.take_along_axis(told, at, -1)[..., 0].mean(axis=1) * weight)
    return np.array(found)


def measured(
    label: NDArray[np.intp], p: Floats, group: NDArray[np.intp], classes: int
) -> dict[str, Any]:
    """Return what probabilities of held-out galaxies are worth."""
    guess = p.argmax(axis=1)
    area: Callable[[NDArray[np.intp]], float] = (
        (lambda rows: roc_area(label[rows] == 1, p[rows, 1]))
        if classes == 2
        else (lambda rows: areas(label[rows], p[rows]))
    )
    found = worth(
        group,
        {
            "accuracy": lambda rows: float((guess[rows] == label[rows]).mean()),
            "macro_f1": lambda rows: macro_f1(label[rows], guess[rows], classes),
            "roc_area": area,
        },
    )
    return {
        "pictures": len(label),
        "galaxies": len(np.unique(group)),
        **found,
        "ece": round(ece(label, p), 4),
        "confusion": confusion(label, guess, classes).tolist(),
    }


def covered(label: NDArray[np.intp], p: Floats, fold: NDArray[np.intp]) -> dict[str, Any]:
    """Return how often sets hold the true class, and how large they are."""
    within, size = [], []
    for number in range(fold.max() + 1):
        inside, outside = fold != number, np.flatnonzero(fold == number)
        least = tuple(thresholds(label[inside], p[inside], DEFAULT))
        told = p[outside].astype(np.float32)
        for row, places in zip(outside, members(told, told, least), strict=True):
            within.append(label[row] in places)
            size.append(len(places))
    return {
        "level": DEFAULT,
        "coverage": round(float(np.mean(within)), 4),
        "size": round(float(np.mean(size)), 3),
    }


def learn_number(lesson: Lesson) -> Learned:
    """Learn a head of a number, with one standard error for all."""
    value = lesson.aim.astype(float)
    views = lesson.inputs.shape[1]
    edges = np.quantile(value, [0.2, 0.4, 0.6, 0.8])
    fold = lesson.folds(np.searchsorted(edges, value))

    def fits(scaled: NDArray[np.float32], rows: NDArray[np.intp]) -> list[Linear]:
        return list(fit_number(scaled, value[rows]))

    said = held_out(lesson, fold, fits)[..., 0]
    losses = ((said - value[:, np.newaxis]) ** 2).mean(axis=2)
    each, chosen = best(losses, fold)
    crossed = said[each, np.arange(len(value)), 0]
    away = crossed - value
    metrics: dict[str, Any] = {
        "pictures": len(value),
        "galaxies": len(np.unique(lesson.group)),
        **worth(
            lesson.group,
            {
                "rms": lambda rows: float(np.sqrt((away[rows] ** 2).mean())),
                "r2": lambda rows: 1 - float((away[rows] ** 2).mean() / value[rows].var()),
            },
        ),
        "penalty": PENALTIES[chosen],
    }
    rows = lesson.rows(np.arange(len(value)))
    scale = Scale.of(rows, lesson.told)
    *_, head = fit_number(scale(rows), np.repeat(value, views), PENALTIES[: chosen + 1])
    weights, bias = head.unscaled(scale)
    log_sigma = np.float32(np.log(np.sqrt((away**2).mean()) + 1e-12))
    low = metrics["r2"][1]
    return Learned(
        np.concatenate([weights, np.zeros_like(weights)], axis=1),
        np.array([bias[0], log_sigma], np.float32),
        {},
        metrics,
        low is None or low <= 0,
    )
